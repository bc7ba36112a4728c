//! Python's `unittest`: a section for each failure, a summary that counts, and with `-v` a line for each test.

use std::collections::BTreeSet;

use super::lines::{how, number, of};
use super::tally::Outcome;
use super::{Confused, Counts, How, Runner, Tally, Tests};

/// Reads it.
pub(super) fn read(lines: &[&str]) -> Option<Result<Tests, Confused>> {
    // Who ran no test says nothing of any: see `absent::nothing`.
    let end = lines.iter().rposition(|line| ran(line).is_some_and(|total| total > 0))?;
    let summary = lines.iter().skip(end + 1).find_map(|line| summary(line))?;
    let within = lines.get(..end).unwrap_or_default();
    let sections = within.iter().position(|line| is_rule(line, '=')).unwrap_or(end);
    let mut reader = Reader::default();
    reader.failures(within.get(sections..).unwrap_or_default());
    reader.verbose(within.get(..sections).unwrap_or_default());
    let total = lines.get(end).and_then(|line| ran(line)).unwrap_or(0);
    Some(reader.finish(total, &summary))
}

/// `Ran 9 tests in 0.001s`.
fn ran(line: &str) -> Option<u64> {
    let (count, rest) = number(line.strip_prefix("Ran ")?)?;
    (rest.starts_with(" test") && rest.contains(" in ")).then_some(count)
}

/// `OK`, `FAILED (failures=2, errors=1)`: the counts by their names.
fn summary(line: &str) -> Option<Vec<(u64, &str)>> {
    let rest = line.strip_prefix("OK").or_else(|| line.strip_prefix("FAILED"))?;
    let Some(inside) = rest.strip_prefix(" (") else { return rest.is_empty().then(Vec::new) };
    let pair = |part: &str| part.trim().split_once('=').and_then(|(_, count)| count.parse().ok());
    let parts: Vec<&str> = inside.strip_suffix(')')?.split(',').collect();
    parts.iter().map(|part| Some((pair(part)?, part.trim().split('=').next()?))).collect()
}

fn is_rule(line: &str, of: char) -> bool {
    line.len() >= 60 && line.chars().all(|c| c == of)
}

/// `test_a (tests.test_m.Case.test_a)`, or before Python 3.11 `test_a (tests.test_m.Case)`: the test's own path. What is no
/// test is known by other names: a module that could not be loaded by its own, a fixture of a class by all of it.
fn named(text: &str) -> Option<(String, Sort)> {
    let (method, rest) = text.split_once(" (")?;
    let (path, params) = rest.split_once(')')?;
    if method.is_empty() || method.contains(' ') || path.contains(' ') {
        return None;
    }
    if path.contains("_FailedTest") {
        return Some((method.to_owned(), Sort::Module));
    }
    if matches!(method, "setUpClass" | "tearDownClass" | "setUpModule" | "tearDownModule") {
        return Some((format!("{method} ({path})"), Sort::Fixture));
    }
    let path = path.strip_suffix(method).and_then(|path| path.strip_suffix('.')).unwrap_or(path);
    // A part of a test that has several (`subTest`) is named after what it has of its own.
    Some((format!("{path}.{method}{params}"), if params.is_empty() { Sort::Test } else { Sort::Part }))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Sort {
    Test,
    /// Of a test, which is counted once however many of its parts fail.
    Part,
    Module,
    /// It is not among the tests that the runner counts.
    Fixture,
}

#[derive(Default)]
struct Reader {
    tally: Tally,
    /// Sections that tell of a failure.
    told: u64,
    /// Tests that failed, of those that are counted: a test with two parts that fail is one.
    tests: BTreeSet<String>,
}

impl Reader {
    fn failures(&mut self, lines: &[&str]) {
        let mut within: Option<String> = None;
        for (at, line) in lines.iter().enumerate() {
            let heads = at > 0 && lines.get(at - 1).is_some_and(|line| is_rule(line, '='));
            if let Some(title) = heads.then(|| title(line)).flatten() {
                within = self.failure(title);
            } else if let Some(name) = &within
                && !is_rule(line, '=')
                && !is_rule(line, '-')
            {
                self.tally.explain(name, line);
                let place = line.trim().strip_prefix("File \"").and_then(|place| place.split('"').next());
                // The error stands at the margin; what is indented is the program's text.
                let how = if line.starts_with(' ') { How::Unsaid } else { how(line) };
                self.tally.how(name, how, place);
            }
        }
    }

    /// A test may fail and then fail to be put away: two sections of one name.
    fn failure(&mut self, title: &str) -> Option<String> {
        self.told += 1;
        let Some((name, sort)) = named(title) else {
            self.tally.confuse(format!("a failure's name is not understood: {}", crate::text::excerpt(title, 60)));
            return None;
        };
        if self.tally.outcome(&name) != Some(Outcome::Failed) {
            self.tally.add(&name, Outcome::Failed);
        }
        if matches!(sort, Sort::Module | Sort::Fixture) {
            self.tally.how(&name, How::Error, None);
        }
        if sort != Sort::Fixture {
            let whole = name.split(' ').next().unwrap_or_default();
            self.tests.insert(whole.to_owned());
        }
        Some(name)
    }

    /// The lines of `-v`, as far as no test's own words stand in them: a name, perhaps a line about it, and how it ended.
    fn verbose(&mut self, lines: &[&str]) {
        for (at, line) in lines.iter().enumerate() {
            let Some((before, end)) = line.rsplit_once(" ... ") else { continue };
            let above = || at.checked_sub(1).and_then(|above| named(lines.get(above)?));
            let Some((name, Sort::Test)) = named(before).or_else(above) else { continue };
            match end {
                "ok" => self.tally.add(&name, Outcome::Passed),
                "expected failure" => self.tally.add(&name, Outcome::Skipped),
                _ if end.starts_with("skipped ") => self.tally.add(&name, Outcome::Skipped),
                _ => {}
            }
        }
    }

    fn finish(mut self, total: u64, summary: &[(u64, &str)]) -> Result<Tests, Confused> {
        let failed = of(summary, &["failures", "errors", "unexpected successes"]);
        if failed != self.told {
            self.tally.confuse(format!("{} failures by name, and {failed} by the summary", self.told));
        }
        let skipped = of(summary, &["skipped", "expected failures"]);
        let tests = u64::try_from(self.tests.len()).unwrap_or(u64::MAX);
        let passed = total.saturating_sub(tests).saturating_sub(skipped);
        let said = Counts { passed, failed: self.tally.counts().failed, skipped };
        self.tally.finish(Runner::Unittest, said, false)
    }
}

/// What a section is about.
fn title(line: &str) -> Option<&str> {
    ["FAIL: ", "ERROR: ", "UNEXPECTED SUCCESS: "].iter().find_map(|word| line.strip_prefix(word))
}
