//! What is said of checks: the verdict, and of what did not pass the reason.

use orchestra_pit_core::call::exec::Judged;
use orchestra_pit_core::check::report::Report;
use orchestra_pit_core::check::verdict::{Base, CheckVerdict, Evidence, Kind, Level, Runs, Wanted, conclude};
use orchestra_pit_core::commands::Check;
use orchestra_pit_core::path::RepoPath;

use super::super::boxed::tail;
use super::Case;

/// Lines of a failed check's output that are shown, and their bytes.
pub(super) const TAIL: (usize, usize) = (40, 8 << 10);

/// Tests of which it is shown why they fail, and lines of each.
const EXPLAINED: (usize, usize) = (4, 10);

/// What checks came to, with the last lines of those that did not pass.
pub(super) fn concluded(
    case: &Case,
    checks: &[Check],
    runs: &[Runs],
    outputs: &[String],
    base: Option<Base<'_>>,
) -> Judged {
    let wanted: Vec<Wanted> = checks.iter().map(wanted).collect();
    let flaky: Vec<String> = checks.iter().flat_map(|check| check.flaky.iter().cloned()).collect();
    let level = Level::from(case.level.clone());
    let level = if case.within.is_some() { level.of_readable() } else { level };
    let verdict = conclude(&Evidence { level, tree: case.tree, wanted: &wanted, runs, base, flaky: &flaky });
    let failed = verdict.checks().iter().zip(runs.iter().zip(outputs));
    let failed = failed.filter(|(check, _)| check.kind() != Kind::Green);
    let tails = failed.map(|(check, (runs, output))| {
        let said = explained(check, &runs.first.report).unwrap_or_else(|| tail(output, TAIL));
        (check.name().to_owned(), said)
    });
    Judged { proof: None, tails: tails.collect(), verdict }
}

/// Says of what is red that set-up has not run for what the change asks for, if it changes that: what is missing looks like
/// a mistake of its own.
pub(super) fn blame_inputs(judged: &mut Judged, altered: &[RepoPath]) {
    if altered.is_empty() {
        return;
    }
    let files = altered.iter().map(|path| path.as_str()).collect::<Vec<_>>().join(", ");
    let said = format!(
        "[pit: {files}: [setup] has run for what the work starts from, so what the change adds there is not here; a person who \
         takes it (pit accept --unverified) has it for the next run]"
    );
    add(judged, &said);
}

/// Names that are told; the rest is counted.
const NAMED: usize = 5;

/// Says of what did not pass which files it ran without: that they are missing looks like a mistake.
pub(super) fn name_withheld(judged: &mut Judged, agent: &str, withheld: &[String]) {
    if withheld.is_empty() {
        return;
    }
    let agent = agent.split('@').next().unwrap_or(agent);
    let more = withheld.len().saturating_sub(NAMED);
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    let files = withheld.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    add(
        judged,
        &format!(
            "[pit: this ran without {files}{more}, on the base too, for that is withheld from this agent; the host's own checks of \
             the result have it; in pit.toml: [grants.{agent}] secrets = [\"FILE\"]]"
        ),
    );
}

/// Puts a line of pit's own below each reason.
fn add(judged: &mut Judged, said: &str) {
    for (_, tail) in &mut judged.tails {
        let end = if tail.is_empty() || tail.ends_with('\n') { "" } else { "\n" };
        tail.push_str(&format!("{end}{said}"));
    }
}

/// What the runner says of the first tests that fail: an output's last lines are often another program's.
fn explained(check: &CheckVerdict, report: &Report) -> Option<String> {
    let tests = report.tests()?;
    let names = check.fails().first().iter().chain(check.flaky().first());
    let why = names.filter_map(|name| tests.failed.get_key_value(name)).filter(|(_, why)| !why.lines.is_empty());
    let said: Vec<String> = why
        .take(EXPLAINED.0)
        .map(|(name, why)| {
            let from = why.lines.len().saturating_sub(EXPLAINED.1);
            format!("{name}:\n{}", why.lines.get(from..).unwrap_or_default().join("\n"))
        })
        .collect();
    (!said.is_empty()).then(|| said.join("\n"))
}

fn wanted(check: &Check) -> Wanted {
    Wanted { name: check.name.clone(), argv: check.run.clone(), required: check.required }
}

#[cfg(test)]
mod tests {
    use super::*;
    use orchestra_pit_core::check::report;
    use orchestra_pit_core::check::verdict::{Ending, Ran};
    use orchestra_pit_core::id::{Hash, Oid};

    #[test]
    fn why_the_first_tests_failed_is_shown_and_not_the_last_lines() {
        let output = "running 2 tests\ntest a::bad ... FAILED\ntest a::good ... ok\n\nfailures:\n\n---- a::bad stdout ----\n\
                      thread 'a::bad' panicked at src/lib.rs:3:5:\nassertion `left == right` failed\n  left: 1\n right: 2\n\n\n\
                      failures:\n    a::bad\n\ntest result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; \
                      finished in 0.00s\n";
        let argv = ["cargo", "test"].map(str::to_owned).to_vec();
        let report = report::read(&argv, output);
        let hash = Hash::of(b"");
        let ending = Ending::Exit(101);
        let first = Ran {
            name: "test".into(),
            argv: argv.clone(),
            ending,
            micros: 1,
            log: hash,
            gist: hash,
            report: report.clone(),
        };
        let (runs, wanted) = ([Runs { first, again: None }], [Wanted { name: "test".into(), argv, required: true }]);
        let level = Level::Full;
        let tree = Oid([1; 20]);
        let verdict = conclude(&Evidence { level, tree, wanted: &wanted, runs: &runs, base: None, flaky: &[] });
        let said = explained(&verdict.checks()[0], &report).expect("it is said");
        assert!(said.contains("a::bad:\n") && said.contains("left: 1"), "{said}");
        assert!(!said.contains("test result"), "{said}");
        assert_eq!(explained(&verdict.checks()[0], &report::read(&[], "noise")), None, "then the last lines are");
    }
}
