//! Node's own runner, `node --test`, in both forms that it writes where nobody looks: TAP (up to version 22), and since then
//! what it shows at a terminal (`spec`).
//!
//! Tests have no file in their names, so two that pass may have one name: they are numbered. A test that fails is never
//! one of several, for which of them it was cannot be said. What has tests in it is a group, and counts by itself only where
//! it failed and none in it did.

use std::collections::BTreeMap;

use super::jest::untimed;
use super::lines::{how, number};
use super::tally::Outcome;
use super::{Confused, Counts, How, MOST_NAME, Runner, Tally, Tests};

/// What stands between the names of groups and tests.
const WITHIN: &str = " › ";

/// Reads it.
pub(super) fn read(lines: &[&str]) -> Option<Result<Tests, Confused>> {
    let at = |begin: &str| lines.iter().rposition(|line| line.strip_prefix(begin).and_then(number).is_some());
    let mut reader = Reader::default();
    let (end, mark) = match (at("ℹ tests "), at("# tests ")) {
        (Some(end), _) => (end, "ℹ "),
        (None, Some(end)) if lines.contains(&"TAP version 13") => (end, "# "),
        _ => return None,
    };
    let (tree, tail) = lines.split_at_checked(end)?;
    if mark == "ℹ " {
        tree.iter().for_each(|line| reader.spec(line));
        reader.sections(tail);
    } else {
        reader.tap(tree);
    }
    let said = |word: &str| {
        let of = |line: &&str| Some(number(line.strip_prefix(mark)?.strip_prefix(word)?.strip_prefix(' ')?)?.0);
        tail.iter().find_map(of).unwrap_or(0)
    };
    let (failed, skipped) =
        (said("fail").saturating_add(said("cancelled")), said("skipped").saturating_add(said("todo")));
    Some(reader.finish(Counts { passed: said("pass"), failed, skipped }, said("suites")))
}

/// A group that is open, or a test that may turn out to be one.
struct Open<'a> {
    indent: usize,
    name: &'a str,
    /// Tests that ended in it, and whether one of them failed.
    tests: u64,
    failed: bool,
}

#[derive(Default)]
struct Reader<'a> {
    tally: Tally,
    open: Vec<Open<'a>>,
    /// Groups that passed, and that failed.
    groups: (u64, u64),
    /// How many tests that did not fail have a name that several have.
    same: BTreeMap<String, u64>,
    /// Failures by how their lines begin, which stand once more where they are explained.
    headings: BTreeMap<&'a str, String>,
}

impl<'a> Reader<'a> {
    /// `▶ group`, `  ✔ adds (0.2ms)`, `﹣ later (0.1ms) # SKIP`.
    fn spec(&mut self, line: &'a str) {
        let text = line.trim_start_matches(' ');
        let indent = line.len() - text.len();
        let Some((mark, title)) = text.split_once(' ') else { return };
        // After the time stands why a test does not count.
        let (title, why) = match title.rsplit_once("ms) # ") {
            Some((title, _)) => (title.rsplit_once(" (").map_or(title, |(name, _)| name), true),
            None => (untimed(title), false),
        };
        let outcome = match mark {
            "▶" => return self.enter(indent, title),
            "✔" | "✖" | "﹣" | "⚠" if why => Outcome::Skipped,
            "✔" => Outcome::Passed,
            "✖" => Outcome::Failed,
            _ => return,
        };
        if let Some(name) = self.leave(indent, title, outcome) {
            self.headings.insert(text, name);
        }
    }

    /// What `spec` says of each failure after the summary.
    fn sections(&mut self, lines: &[&'a str]) {
        let mut place = None;
        let mut within: Option<String> = None;
        for line in lines {
            if let Some(at) = line.strip_prefix("test at ") {
                (place, within) = (at.rsplitn(3, ':').nth(2), None);
            } else if let Some(name) = place.and_then(|_| self.headings.get(line)) {
                self.tally.how(name, How::Unsaid, place);
                within = Some(name.clone());
            } else if let Some(name) = &within {
                self.tally.explain(name, line);
                self.tally.how(name, how(line), None);
            }
        }
    }

    /// `# Subtest: adds`, `ok 1 - adds # SKIP`, `not ok 2 - fails` and what is said of it until `...`.
    fn tap(&mut self, lines: &[&'a str]) {
        let mut within: Option<String> = None;
        for line in lines {
            let text = line.trim_start_matches(' ');
            let indent = line.len() - text.len();
            if text == "..." {
                within = None;
            } else if let Some(name) = &within {
                let how = match text.strip_prefix("name: ") {
                    Some("'AssertionError'") => How::Assertion,
                    Some(_) => How::Error,
                    None => How::Unsaid,
                };
                let place = text.strip_prefix("location: '").and_then(|place| place.rsplitn(3, ':').nth(2));
                self.tally.explain(name, line);
                self.tally.how(name, how, place);
            } else if let Some(title) = text.strip_prefix("# Subtest: ") {
                self.enter(indent, title);
            } else if let Some((title, outcome)) = point(text) {
                within = self.leave(indent, title, outcome);
            }
        }
    }

    fn enter(&mut self, indent: usize, name: &'a str) {
        while self.open.pop_if(|open| open.indent >= indent).is_some() {}
        self.open.push(Open { indent, name, tests: 0, failed: false });
    }

    /// A test or a group ends. Answers the name of what failed.
    fn leave(&mut self, indent: usize, title: &'a str, outcome: Outcome) -> Option<String> {
        while self.open.pop_if(|open| open.indent > indent).is_some() {}
        let closed = self.open.pop_if(|open| open.indent == indent && open.name == title);
        while self.open.pop_if(|open| open.indent >= indent).is_some() {}
        let failed = outcome == Outcome::Failed;
        let is_group = closed.as_ref().is_some_and(|closed| closed.tests > 0);
        if is_group {
            let count = if failed { &mut self.groups.1 } else { &mut self.groups.0 };
            *count += 1;
        }
        if let Some(above) = self.open.last_mut() {
            above.tests += 1;
            above.failed |= failed;
        }
        if is_group && !(failed && closed.is_some_and(|closed| !closed.failed)) {
            return None;
        }
        let name = self.name(title);
        let name = if failed { name } else { self.numbered(name, outcome) };
        self.tally.add(&name, outcome);
        failed.then_some(name)
    }

    fn name(&mut self, title: &str) -> String {
        let groups = self.open.iter().map(|open| open.name);
        let parts: Vec<&str> = groups.chain([title]).collect();
        // A name is written once for each test below it, so a long one is not even put together.
        if parts.iter().map(|part| part.len()).sum::<usize>() > MOST_NAME {
            self.tally.confuse(format!("the name of a test has more than {MOST_NAME} bytes"));
            return title.chars().take(MOST_NAME / 4).collect();
        }
        parts.join(WITHIN)
    }

    /// A name for one more that ended as those of its name did.
    fn numbered(&mut self, name: String, outcome: Outcome) -> String {
        if self.tally.outcome(&name) != Some(outcome) {
            return name;
        }
        let number = self.same.entry(name.clone()).or_insert(1);
        *number += 1;
        format!("{name} ({number})")
    }

    /// Groups are counted by some who count and not by others, so the counts agree within their number.
    fn finish(mut self, said: Counts, suites: u64) -> Result<Tests, Confused> {
        let seen = self.tally.counts();
        let (passed, failed) = self.groups;
        let agree = |seen: u64, said: u64, fewer: u64, more: u64| {
            said <= seen.saturating_add(fewer) && seen <= said.saturating_add(more)
        };
        let agreed = agree(seen.failed, said.failed, failed, failed)
            && agree(seen.passed, said.passed, passed, suites)
            && agree(seen.skipped, said.skipped, 0, suites);
        if !agreed {
            self.tally.confuse("the tests by name are not those of the summary");
        }
        self.tally.finish(Runner::Node, if agreed { seen } else { said }, false)
    }
}

/// `not ok 2 - fails`: what, and how it ended.
fn point(text: &str) -> Option<(&str, Outcome)> {
    let (failed, rest) = match text.strip_prefix("not ok ") {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix("ok ")?),
    };
    let title = number(rest)?.1.strip_prefix(" - ")?;
    // A `#` of a name is escaped.
    match title.split_once(" # ") {
        Some((title, _)) => Some((title, Outcome::Skipped)),
        None => Some((title, if failed { Outcome::Failed } else { Outcome::Passed })),
    }
}
