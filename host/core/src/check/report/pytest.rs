//! pytest: `-v`'s line a test, the short summary that names what failed, and the last line that counts.

use std::collections::{BTreeMap, VecDeque};

use super::lines::{counts, how, of};
use super::tally::Outcome;
use super::{Confused, Counts, How, Runner, Tally, Tests};

/// Reads it.
pub(super) fn read(lines: &[&str]) -> Option<Result<Tests, Confused>> {
    let started = lines.iter().any(|line| line.contains("= test session starts ="));
    let Some((end, said)) = lines.iter().enumerate().rev().find_map(|(at, line)| Some((at, summary(line)?))) else {
        return started.then(|| Err("pytest's last line, which counts, is missing".to_owned()));
    };
    let lines = lines.get(..end).unwrap_or_default();
    let mut tally = Tally::default();
    for (name, outcome) in lines.iter().filter_map(|line| verbose(line)) {
        tally.add(name, outcome);
    }
    let short = lines.iter().rposition(|line| line.contains("= short test summary info =")).unwrap_or(end);
    let failed = short_summary(lines.get(short..).unwrap_or_default(), &mut tally);
    explain(lines.get(..short).unwrap_or_default(), &failed, &mut tally);
    let stopped = lines.iter().any(|line| {
        let said = line.strip_prefix('!').map(|line| line.trim_matches('!').trim());
        said.is_some_and(|said| said.starts_with("stopping after ") || said.starts_with("Interrupted: "))
    });
    Some(tally.finish(Runner::Pytest, said, stopped))
}

/// `==== 3 failed, 2 passed, 1 error in 0.28s ====`, with or without its frame.
fn summary(line: &str) -> Option<Counts> {
    let line = line.trim_matches('=').trim();
    let (results, time) = line.rsplit_once(" in ")?;
    let seconds = time.split(' ').next()?.strip_suffix('s')?;
    seconds.bytes().all(|b| b.is_ascii_digit() || b == b'.').then_some(())?;
    if results == "no tests ran" {
        return Some(Counts::default());
    }
    let counted = counts(results, ",")?;
    let known = [
        "passed",
        "failed",
        "error",
        "errors",
        "skipped",
        "xfailed",
        "xpassed",
        "deselected",
        "warning",
        "warnings",
        "rerun",
        // Of subtests those that fail are counted as tests, and the others beside them.
        "subtests passed",
        "subtests skipped",
        "subtests xfailed",
    ];
    counted.iter().all(|(_, word)| known.contains(word)).then_some(Counts {
        passed: of(&counted, &["passed", "xpassed"]),
        failed: of(&counted, &["failed", "error", "errors"]),
        skipped: of(&counted, &["skipped", "xfailed"]),
    })
}

/// `tests/test_a.py::test_x PASSED   [ 50%]`, or `[gw0] [ 50%] PASSED tests/test_a.py::test_x` by several workers. What
/// failed is taken from the short summary, which says why.
fn verbose(line: &str) -> Option<(&str, Outcome)> {
    let outcome = |word: &str| match word {
        "PASSED" | "XPASS" => Some(Outcome::Passed),
        "SKIPPED" | "XFAIL" => Some(Outcome::Skipped),
        _ => None,
    };
    if line.starts_with("[gw") {
        let (_, rest) = line.split_once("%] ")?;
        let (word, name) = rest.split_once(' ')?;
        return name.contains("::").then_some((name.trim(), outcome(word)?));
    }
    let line = match line.strip_suffix("%]").and_then(|line| line.rsplit_once('[')) {
        Some((line, percent)) if percent.bytes().all(|b| b == b' ' || b.is_ascii_digit()) => line,
        _ => line,
    };
    let line = line.trim_end();
    let words = [" PASSED", " XPASS", " SKIPPED", " XFAIL"];
    // The reason of a skip follows in brackets, and may hold any of these words: the first one counts.
    let at = words.iter().filter_map(|word| Some((line.find(word)?, word))).min()?;
    let (name, rest) = line.split_at_checked(at.0)?;
    let rest = rest.strip_prefix(at.1)?;
    let path = name.split("::").next()?;
    let is_name = name.contains("::") && path.ends_with(".py") && !path.starts_with(' ');
    (is_name && (rest.is_empty() || rest.starts_with(" ("))).then_some((name, outcome(at.1.trim())?))
}

/// What failed, in the order of its sections, by the title that each has: errors come before failures.
fn short_summary<'a>(lines: &[&'a str], tally: &mut Tally) -> Vec<(String, &'a str)> {
    let (mut errors, mut failures) = (Vec::new(), Vec::new());
    for line in lines {
        if let Some((name, reason)) = subtest(line) {
            tally.add(&name, Outcome::Failed);
            tally.how(&name, how(reason), None);
            continue;
        }
        let Some((word, rest)) = line.split_once(' ') else { continue };
        let (raw, reason) = name_and_reason(rest);
        // With `-rA` or `-rap` those that passed are named here too; one that `-v` has named already is the same.
        let other = match word {
            "PASSED" | "XPASS" => Outcome::Passed,
            "XFAIL" => Outcome::Skipped,
            // Skips are counted by place, `[2] tests/test_a.py:3`, unless they are told not to be folded.
            "SKIPPED" if !rest.starts_with('[') => Outcome::Skipped,
            "FAILED" => {
                tally.add(raw, Outcome::Failed);
                tally.how(raw, how(reason), None);
                failures.push((raw.to_owned(), raw));
                continue;
            }
            "ERROR" => {
                errors.push(raw);
                continue;
            }
            _ => continue,
        };
        if raw.contains("::") && tally.outcome(raw).is_none() {
            tally.add(raw, other);
        }
    }
    let errors = errors.into_iter().map(|raw| (error(raw, tally), raw)).collect();
    [errors, failures].concat()
}

/// `SUBFAILED[message] (i=2) tests/test_a.py::test_x - AssertionError: …`: the test has a result of its own beside it.
fn subtest(line: &str) -> Option<(String, &str)> {
    let rest = line.strip_prefix("SUBFAILED")?;
    let from = rest.get(..rest.find(".py::")?)?.rfind(' ')?;
    let (label, test) = rest.split_at_checked(from)?;
    let (raw, reason) = name_and_reason(test.trim_start());
    Some((format!("{raw} {}", label.trim()), reason))
}

/// Adds what is no test's own failure. Its name is the test's, unless that has another result: where a test's clean-up fails,
/// it has two, and which of them is named first depends on what pytest is asked to name.
fn error(raw: &str, tally: &mut Tally) -> String {
    let twice = tally.outcome(raw).is_some();
    let name = if twice { format!("{raw} (error)") } else { raw.to_owned() };
    tally.add(&name, Outcome::Failed);
    tally.how(&name, How::Error, None);
    name
}

/// `tests/test_a.py::test_x[a - b] - AssertionError: …`.
fn name_and_reason(rest: &str) -> (&str, &str) {
    // The values of a parameter may hold anything; the reason begins after the bracket that ends them.
    let open = rest.find('[').filter(|open| rest.find(" - ").is_none_or(|dash| *open < dash));
    let from = open.and_then(|_| rest.find("] - ").map(|at| at + 1)).unwrap_or(0);
    let (head, tail) = rest.split_at_checked(from).unwrap_or(("", rest));
    match tail.find(" - ") {
        _ if open.is_some() && from == 0 => (rest, ""),
        Some(at) => (rest.get(..head.len() + at).unwrap_or(rest), tail.get(at + 3..).unwrap_or_default()),
        None => (rest, ""),
    }
}

/// Gives the sections `____ TestShelf.test_name ____` to what failed. Equal titles are given in order.
fn explain(lines: &[&str], failed: &[(String, &str)], tally: &mut Tally) {
    let mut left: BTreeMap<String, VecDeque<&str>> = BTreeMap::new();
    for (name, raw) in failed {
        let inner = raw.split_once("::").map_or(*raw, |(_, inner)| inner).replace("::", ".");
        left.entry(inner).or_default().push_back(name);
    }
    let mut within: Option<&str> = None;
    for line in lines {
        if let Some(title) = title(line) {
            let words = ["ERROR at setup of ", "ERROR at teardown of ", "ERROR collecting "];
            let title = words.iter().find_map(|word| title.strip_prefix(word)).unwrap_or(title);
            within = left.get_mut(title).and_then(VecDeque::pop_front);
        } else if line.starts_with("====") {
            within = None;
        } else if let Some(name) = within {
            tally.explain(name, line);
            if let Some(said) = line.strip_prefix("E   ") {
                tally.how(name, how(said), None);
            }
            if let Some((at, _)) = line.rsplit_once(": ").filter(|(_, error)| !error.contains(' ')) {
                tally.how(name, How::Unsaid, at.rsplit_once(':').map(|(path, _)| path));
            }
        }
    }
}

fn title(line: &str) -> Option<&str> {
    let inner = line.strip_prefix('_')?.strip_suffix('_')?.trim_matches('_');
    inner.strip_prefix(' ')?.strip_suffix(' ')
}
