//! What failed before a run's own work: said below the output of a command that fails in the same way, so that an agent does
//! not look for its own mistake in what was red when it came.
//!
//! It is known as far as the host has judged what the run started from, and nobody waits for that.

#![expect(clippy::disallowed_methods, reason = "reads what the base came to, which is kept in pit's own folder")]

use std::collections::BTreeSet;
use std::fs;

use orchestra_pit_core::check::report;
use orchestra_pit_core::check::verdict::{Ending, Runs};
use orchestra_pit_core::commands::shown;
use orchestra_pit_core::id::Oid;

use super::Exec;
use super::around::Around;

/// Names that are told; the rest is counted.
const MOST: usize = 20;

impl Exec {
    /// Of what a command that failed says, what failed on the base too.
    pub(super) fn failed_before(&self, base: Oid, around: &Around, argv: &[String], output: &str) -> Option<String> {
        let levels = around.commands.checks.values();
        let kept = levels.filter_map(|checks| fs::read(self.kept(base, checks, around, None)).ok());
        let known: Vec<Runs> =
            kept.filter_map(|text| serde_json::from_slice::<Vec<Runs>>(&text).ok()).flatten().collect();
        told(&known, argv, output)
    }
}

fn told(known: &[Runs], argv: &[String], output: &str) -> Option<String> {
    let report = report::read(argv, output);
    // Where the output is only a part of a runner's, a name in it has to do.
    let is_said = |name: &str| match report.tests() {
        Some(tests) => tests.failed.contains_key(name),
        None => output.contains(name),
    };
    let tests = known.iter().filter_map(|runs| runs.first.report.tests());
    let names: BTreeSet<&str> =
        tests.flat_map(|tests| tests.failed.keys()).map(String::as_str).filter(|name| is_said(name)).collect();
    if !names.is_empty() {
        let more = names.len().saturating_sub(MOST);
        let all = names.into_iter().take(MOST).collect::<Vec<_>>().join(", ");
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        return Some(format!("before this run changed anything these failed: {all}{more}"));
    }
    let fails = |runs: &Runs| runs.first.argv == argv && runs.first.ending != Ending::Exit(0);
    known
        .iter()
        .any(|runs| fails(runs) && runs.first.report.tests().is_none())
        .then(|| format!("before this run changed anything `{}` failed", shown(argv)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use orchestra_pit_core::check::verdict::Ran;
    use orchestra_pit_core::id::Hash;

    fn libtest(failed: &[&str]) -> String {
        let lines: String = failed.iter().map(|name| format!("test {name} ... FAILED\n")).collect();
        let names: String = failed.iter().map(|name| format!("    {name}\n")).collect();
        let count = failed.len();
        format!(
            "running {count} tests\n{lines}\nfailures:\n\nfailures:\n{names}\ntest result: FAILED. 0 passed; {count} failed; \
             0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n"
        )
    }

    fn runs(argv: &[String], output: &str) -> Runs {
        let report = report::read(argv, output);
        let (name, ending, hash) = ("test".into(), Ending::Exit(101), Hash::NONE);
        let first = Ran { name, argv: argv.to_vec(), ending, micros: 1, log: hash, gist: hash, report };
        Runs { first, again: None }
    }

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn of_the_failures_those_are_named_that_were_there_before() {
        let test = words("cargo test");
        let known = [runs(&test, &libtest(&["a::old", "a::other"]))];
        let said = told(&known, &test, &libtest(&["a::new", "a::old"])).expect("it is told");
        assert_eq!(said, "before this run changed anything these failed: a::old");
        assert_eq!(told(&known, &test, &libtest(&["a::new"])), None);
        let part = told(&known, &words("sh -c x"), "test a::other ... FAILED\n").expect("a part of it");
        assert!(part.ends_with(": a::other"), "{part}");
        let many: Vec<String> = (0..MOST + 3).map(|n| format!("t::n{n:02}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let said = told(&[runs(&test, &libtest(&many))], &test, &libtest(&many)).expect("it is told");
        assert!(said.ends_with("t::n19 and 3 more"), "{said}");
    }

    #[test]
    fn a_command_that_names_no_test_is_the_same_if_its_words_are() {
        let lint = words("npm run lint");
        let known = [runs(&lint, "1 problem\n")];
        assert_eq!(
            told(&known, &lint, "2 problems\n").as_deref(),
            Some("before this run changed anything `npm run lint` failed")
        );
        assert_eq!(told(&known, &words("npm run lint:css"), "2 problems\n"), None);
    }
}
