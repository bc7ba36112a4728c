//! What a check's output says, test by test, for the runners that are known.
//!
//! [`read`] never guesses. A report is understood only if the names that were seen and the runner's own counts agree;
//! output that was cut, that contradicts itself or that two runners wrote is *not understood*, and says why.

mod absent;
mod files;
mod go;
mod jest;
mod junit;
mod jvm;
mod libtest;
mod lines;
mod mocha;
mod nextest;
mod node;
mod pytest;
mod tally;
mod unittest;
mod vitest;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

pub use absent::{absent, nothing};
pub use files::{Gathered, wanted};
pub use junit::junit;
pub use lines::plain;
use tally::Tally;

/// Tests that one report may name. The largest suites of public repositories have some tens of thousands.
pub const MOST_TESTS: usize = 200_000;

/// Bytes of a test's name. A longer one is not understood, rather than cut and then equal to another.
pub const MOST_NAME: usize = 1000;

/// Lines kept to explain one failure: an assertion with both of its values and a short trace.
pub const MOST_LINES: usize = 20;

/// Characters kept of each of these lines.
pub const MOST_WIDTH: usize = 300;

/// Failures that keep their lines. A suite that fails as a whole says the same thing many times.
pub const MOST_EXPLAINED: usize = 100;

/// A test runner whose output is understood.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Runner {
    /// Rust's own, as `cargo test` starts it: many programs in one output.
    Libtest,
    /// `cargo nextest`.
    Nextest,
    /// pytest.
    Pytest,
    /// Python's own.
    Unittest,
    /// Node's own, `node --test`.
    Node,
    /// Jest.
    Jest,
    /// Vitest.
    Vitest,
    /// Mocha with its `spec` reporter.
    Mocha,
    /// `go test`, plain, `-v` or `-json`.
    Go,
    /// A JUnit XML file.
    Junit,
}

impl Runner {
    /// What people call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Libtest => "libtest",
            Self::Nextest => "nextest",
            Self::Pytest => "pytest",
            Self::Unittest => "unittest",
            Self::Node => "node --test",
            Self::Jest => "jest",
            Self::Vitest => "vitest",
            Self::Mocha => "mocha",
            Self::Go => "go test",
            Self::Junit => "junit",
        }
    }
}

/// What a check's output says.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Report {
    /// A runner's results.
    Understood(Box<Tests>),
    /// No results that could be relied upon.
    NotUnderstood {
        /// In a few words.
        why: String,
    },
}

/// The results of one runner.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Tests {
    /// Whose output it is.
    pub runner: Runner,
    /// The runner's own counts, which the names agree with.
    pub counts: Counts,
    /// Whether each test that passed or was skipped is named too. Quiet output names only what failed.
    pub all_named: bool,
    /// Whether the runner stopped at a failure, so that other tests were never run.
    pub stopped: bool,
    /// Passed, by name.
    pub passed: BTreeSet<String>,
    /// Skipped, ignored, or expected to fail, by name.
    pub skipped: BTreeSet<String>,
    /// Failed, by name. What failed outside of any test (a file that could not be loaded) is one too, under its own name.
    pub failed: BTreeMap<String, Failure>,
}

/// How many tests.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// Passed.
    pub passed: u64,
    /// Failed, and errors outside of tests.
    pub failed: u64,
    /// Skipped.
    pub skipped: u64,
}

/// Why a test failed, as far as its runner says.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failure {
    /// By what.
    pub how: How,
    /// The file it failed in, if that is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// The last lines that explain it.
    pub lines: Vec<String>,
}

/// What made a test fail.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// An assertion did not hold.
    Assertion,
    /// Something else went wrong, before or instead of an assertion: a name that is not there, a file that is not found.
    Error,
    /// It is not said.
    #[default]
    Unsaid,
}

impl Report {
    /// The results, if they were understood.
    pub fn tests(&self) -> Option<&Tests> {
        match self {
            Self::Understood(tests) => Some(tests),
            Self::NotUnderstood { .. } => None,
        }
    }
}

impl Tests {
    /// Whether a test of this name was seen at all.
    pub fn has(&self, name: &str) -> bool {
        self.passed.contains(name) || self.skipped.contains(name) || self.failed.contains_key(name)
    }

    /// How many tests passed without being named, if that is known: Go does not even count them unless it names them.
    pub fn unnamed_passes(&self) -> Option<u64> {
        let counted = self.all_named || self.runner != Runner::Go;
        counted.then(|| self.counts.passed.saturating_sub(self.passed.len() as u64))
    }
}

/// Why output is not understood, by a reader that found its runner in it.
type Confused = String;

/// A reader: nothing if its runner did not write this.
type Reader = fn(&[&str]) -> Option<Result<Tests, Confused>>;

const READERS: &[(Runner, Reader)] = &[
    (Runner::Libtest, libtest::read),
    (Runner::Nextest, nextest::read),
    (Runner::Pytest, pytest::read),
    (Runner::Unittest, unittest::read),
    (Runner::Node, node::read),
    (Runner::Jest, jest::read),
    (Runner::Vitest, vitest::read),
    (Runner::Mocha, mocha::read),
    (Runner::Go, go::read),
    (Runner::Junit, junit::read),
];

/// What the output of a command says.
///
/// The command decides where it names a runner: then no other is looked for, whatever tests print. `make test` and
/// `npm test` name none, and the output must then be one runner's alone.
pub fn read(argv: &[String], output: &str) -> Report {
    let plain = lines::plain(output);
    let lines: Vec<&str> = plain.lines().collect();
    let named = named(argv);
    let wanted = READERS.iter().filter(|(runner, _)| named.is_none_or(|named| named == *runner));
    let mut found = wanted.filter_map(|(runner, reader)| Some((*runner, reader(&lines)?)));
    let report = match (found.next(), found.next()) {
        (None, _) => Err("no test runner's results were found in the output".to_owned()),
        (Some((one, _)), Some((other, _))) => {
            Err(format!("the output looks like that of {} and of {}", one.name(), other.name()))
        }
        (Some((_, result)), None) => result,
    };
    match report {
        Ok(tests) => Report::Understood(Box::new(tests)),
        Err(why) => Report::NotUnderstood { why },
    }
}

/// The runner that a command names.
fn named(argv: &[String]) -> Option<Runner> {
    let base = |word: &str| word.rsplit('/').next().unwrap_or_default().trim_end_matches(".js").to_owned();
    let words: Vec<String> = argv.iter().map(|word| base(word)).collect();
    let has = |word: &str| words.iter().any(|found| found == word);
    match words.first().map(String::as_str)? {
        "cargo" if has("nextest") => Some(Runner::Nextest),
        "cargo" if has("test") || has("t") => Some(Runner::Libtest),
        "cargo-nextest" => Some(Runner::Nextest),
        "go" if has("test") => Some(Runner::Go),
        "pytest" | "py.test" => Some(Runner::Pytest),
        python if python.starts_with("python") || matches!(python, "uv" | "poetry" | "hatch") => match () {
            () if has("pytest") => Some(Runner::Pytest),
            () => has("unittest").then_some(Runner::Unittest),
        },
        "node" if has("--test") => Some(Runner::Node),
        "jest" => Some(Runner::Jest),
        "vitest" => Some(Runner::Vitest),
        "mocha" => Some(Runner::Mocha),
        "npx" | "pnpm" | "yarn" | "node" | "bunx" => match words.get(1).map(String::as_str) {
            Some("jest") => Some(Runner::Jest),
            Some("vitest") => Some(Runner::Vitest),
            Some("mocha" | "_mocha") => Some(Runner::Mocha),
            _ => None,
        },
        _ => None,
    }
}
