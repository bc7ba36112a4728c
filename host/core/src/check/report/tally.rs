//! What a reader counts while it reads: names and results, and whether they agree with what the runner says in the end.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Confused, Counts, Failure, How, MOST_EXPLAINED, MOST_LINES, MOST_NAME, MOST_TESTS, MOST_WIDTH, Runner, Tests,
};

/// What a reader found so far.
#[derive(Debug, Default)]
pub(super) struct Tally {
    passed: BTreeSet<String>,
    skipped: BTreeSet<String>,
    failed: BTreeMap<String, Failure>,
    explained: usize,
    fault: Option<Confused>,
}

/// How one test ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Outcome {
    Passed,
    Skipped,
    Failed,
}

impl Tally {
    /// A test's result. The second result of one name is a contradiction, and so is a name that nobody could have given.
    pub(super) fn add(&mut self, name: &str, outcome: Outcome) {
        if name.is_empty() || name.len() > MOST_NAME {
            self.confuse(format!("a test's name has {} bytes", name.len()));
        } else if self.outcome(name).is_some() {
            self.confuse(format!("the test `{name}` has two results"));
        } else if self.len() >= MOST_TESTS {
            self.confuse(format!("there are more than {MOST_TESTS} tests"));
        } else {
            let name = name.to_owned();
            match outcome {
                Outcome::Passed => self.passed.extend([name]),
                Outcome::Skipped => self.skipped.extend([name]),
                Outcome::Failed => self.failed.extend([(name, Failure::default())]),
            }
        }
    }

    /// A line that explains a failure. The last ones are kept.
    pub(super) fn explain(&mut self, name: &str, line: &str) {
        let Some(failure) = self.failed.get_mut(name) else { return };
        if failure.lines.is_empty() {
            if self.explained == MOST_EXPLAINED || line.trim().is_empty() {
                return;
            }
            self.explained += 1;
        }
        if failure.lines.len() == MOST_LINES {
            failure.lines.remove(0);
        }
        failure.lines.push(line.trim_end().chars().take(MOST_WIDTH).collect());
    }

    /// What made a test fail. The first word counts: what follows is a consequence.
    pub(super) fn how(&mut self, name: &str, how: How, at: Option<&str>) {
        let Some(failure) = self.failed.get_mut(name) else { return };
        if failure.how == How::Unsaid {
            failure.how = how;
        }
        if failure.at.is_none() {
            failure.at = at.map(|at| at.chars().take(MOST_WIDTH).collect());
        }
    }

    /// Something contradicts itself; the first such thing is what is said.
    pub(super) fn confuse(&mut self, why: impl Into<Confused>) {
        self.fault.get_or_insert_with(|| why.into());
    }

    /// What contradicts itself, if anything does so far.
    pub(super) fn fault(&self) -> Option<&str> {
        self.fault.as_deref()
    }

    /// How a test ended.
    pub(super) fn outcome(&self, name: &str) -> Option<Outcome> {
        match () {
            () if self.passed.contains(name) => Some(Outcome::Passed),
            () if self.skipped.contains(name) => Some(Outcome::Skipped),
            () if self.failed.contains_key(name) => Some(Outcome::Failed),
            () => None,
        }
    }

    /// The counts of what is named.
    pub(super) fn counts(&self) -> Counts {
        let count = |len: usize| u64::try_from(len).unwrap_or(u64::MAX);
        Counts {
            passed: count(self.passed.len()),
            failed: count(self.failed.len()),
            skipped: count(self.skipped.len()),
        }
    }

    fn len(&self) -> usize {
        self.passed.len() + self.skipped.len() + self.failed.len()
    }

    /// The results, if the names agree with the runner's counts. What failed must be named; what passed or was skipped
    /// may be counted only.
    pub(super) fn finish(mut self, runner: Runner, said: Counts, stopped: bool) -> Result<Tests, Confused> {
        let seen = self.counts();
        let more = |what: &str, seen: u64, said: u64| format!("{seen} tests {what} by name, and {said} by the summary");
        if seen.failed != said.failed {
            self.confuse(more("failed", seen.failed, said.failed));
        }
        if seen.passed > said.passed {
            self.confuse(more("passed", seen.passed, said.passed));
        }
        if seen.skipped > said.skipped {
            self.confuse(more("were skipped", seen.skipped, said.skipped));
        }
        match self.fault {
            Some(fault) => Err(fault),
            None => Ok(Tests {
                runner,
                counts: said,
                all_named: seen == said,
                stopped,
                passed: self.passed,
                skipped: self.skipped,
                failed: self.failed,
            }),
        }
    }
}

/// The groups that a line of a tree of tests is in, by their indents.
#[derive(Debug, Default)]
pub(super) struct Groups<'a> {
    open: Vec<(usize, &'a str)>,
    /// Bytes of all their names: a name is written once for each test in it.
    bytes: usize,
}

impl<'a> Groups<'a> {
    /// Leaves the groups that a line of this indent is not in.
    pub(super) fn leave(&mut self, indent: usize) {
        while let Some((_, name)) = self.open.pop_if(|(above, _)| *above >= indent) {
            self.bytes -= name.len();
        }
    }

    /// A group begins. What is longer than any name is something that a test printed.
    pub(super) fn enter(&mut self, indent: usize, name: &'a str) {
        if self.bytes + name.len() <= MOST_NAME {
            self.open.push((indent, name));
            self.bytes += name.len();
        }
    }

    /// The name of a test in these groups.
    pub(super) fn name(&self, file: Option<&str>, title: &str) -> String {
        let groups = self.open.iter().map(|(_, name)| *name);
        file.into_iter().chain(groups).chain([title]).collect::<Vec<_>>().join(" › ")
    }
}
