//! Does a test prove anything: new and altered tests on a tree without the change that they test.
//!
//! The host [`split`]s a change into tests and the rest by path, runs the tests on a tree that has the tests only, and
//! [`classify`]s what it sees. A test proves its change if it was built, ran, and failed *by its own assertion*. One that
//! passes proves nothing. One that does not build, or that fails for a name that is not there, says only that the change
//! is not there, which nobody doubted.

mod built;
mod paths;

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use super::report::{Failure, How, Report, Tests};
use super::verdict::{Ending, Ran};
use built::does_not_build;
pub use paths::{Role, role};

/// A file that a change touches.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Changed<'a> {
    /// Where.
    pub path: &'a str,
    /// Its text before; none if it is new.
    pub old: Option<&'a str>,
    /// Its text after; none if it is gone.
    pub new: Option<&'a str>,
}

/// A change, taken apart.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Split<'a> {
    /// Files of tests that were added or altered, and what they need beside them: these alone are put on the base.
    pub tests: Vec<&'a str>,
    /// Files with tests inside the file under test: the one cannot be had without the other.
    pub mixed: Vec<&'a str>,
    /// Everything else.
    pub rest: Vec<&'a str>,
}

/// Takes a change apart. A test that was only removed proves nothing, and belongs to the rest.
pub fn split<'a>(changed: &[Changed<'a>]) -> Split<'a> {
    let mut split = Split::default();
    for file in changed.iter().filter(|file| file.old != file.new) {
        match role(file.path) {
            Role::Test | Role::Fixture if file.new.is_some() => split.tests.push(file.path),
            Role::Code if paths::alters_tests_inside(file) => split.mixed.push(file.path),
            _ => split.rest.push(file.path),
        }
    }
    // Data beside tests proves nothing by itself.
    if split.tests.iter().all(|path| role(path) == Role::Fixture) {
        split.rest.append(&mut split.tests);
    }
    split
}

impl Split<'_> {
    /// Why there is nothing to run, if so.
    pub fn not_judged(&self) -> Option<Proof> {
        match self {
            Self { tests, mixed, .. } if tests.is_empty() && mixed.is_empty() => {
                Some(Proof::NotJudged("the change adds and alters no tests".to_owned()))
            }
            Self { tests, mixed, .. } if tests.is_empty() => {
                let first = mixed.first().copied().unwrap_or_default();
                Some(Proof::NotJudged(format!("its tests are in the file under test ({first})")))
            }
            Self { rest, mixed, .. } if rest.is_empty() && mixed.is_empty() => {
                Some(Proof::NotJudged("the change consists of tests only".to_owned()))
            }
            _ => None,
        }
    }
}

/// What the tests of a change proved.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Proof {
    /// New or altered tests failed by their own assertions without the change.
    Proved {
        /// These.
        by: Vec<String>,
        /// New or altered tests that passed without the change: they prove nothing.
        passes: Vec<String>,
    },
    /// Without the change the tests do not build: counts as nothing.
    DoesNotBuild,
    /// They failed, and not by an assertion: counts as nothing.
    Errors {
        /// These.
        tests: Vec<String>,
    },
    /// They pass without the change: they prove nothing.
    Passes {
        /// These, if their names are known.
        tests: Vec<String>,
    },
    /// It cannot be said, and why.
    NotJudged(String),
}

impl Proof {
    /// As it is shown, in a word or two.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Proved { .. } => "proved",
            Self::DoesNotBuild => "does not build",
            Self::Errors { .. } => "errors",
            Self::Passes { .. } => "passes",
            Self::NotJudged(_) => "not judged",
        }
    }
}

/// A run of the tests on the tree without the change, and what it is compared with.
#[derive(Clone, Copy, Debug)]
pub struct Trial<'a> {
    /// The change, taken apart.
    pub split: &'a Split<'a>,
    /// The run on the base with the tests of the change.
    pub without: &'a Ran,
    /// Its output, in which a compiler's errors stand.
    pub output: &'a str,
    /// The same check on the tree with the whole change. What fails there proves nothing.
    pub with: &'a Ran,
    /// The same check on the base, if it was judged: what failed there already is not what the tests are about.
    pub base: Option<&'a Ran>,
}

/// What the tests proved.
pub fn classify(trial: &Trial<'_>) -> Proof {
    if let Some(proof) = trial.split.not_judged() {
        return proof;
    }
    match (&trial.without.ending, &trial.without.report) {
        (Ending::Exit(_), Report::Understood(without)) => match trial.with.report.tests() {
            Some(with) if matches!(trial.with.ending, Ending::Exit(_)) => by_name(trial, without, with),
            _ => Proof::NotJudged("what the tests do with the change is not understood".to_owned()),
        },
        (Ending::Exit(0), Report::NotUnderstood { .. }) => Proof::Passes { tests: Vec::new() },
        (Ending::Exit(_), _) if does_not_build(trial.output) => Proof::DoesNotBuild,
        (Ending::Exit(_), Report::NotUnderstood { why }) => Proof::NotJudged(why.clone()),
        (Ending::Signal(signal), _) => Proof::NotJudged(format!("the tests were ended by signal {signal}")),
        (Ending::TimedOut, _) => Proof::NotJudged("the tests took too long and were stopped".to_owned()),
        (Ending::NotStarted(why) | Ending::Skipped(why) | Ending::Misconfigured(why), _) => {
            Proof::NotJudged(format!("the tests were not run: {why}"))
        }
    }
}

/// What each of the change's tests did without it.
///
/// A test that failed on the base already is not what the change's tests are about, and one that fails with the change too
/// is left out, whatever it does without. Of those that pass, only the ones that the base has not are known to be new.
fn by_name(trial: &Trial<'_>, without: &Tests, with: &Tests) -> Proof {
    let base = trial.base.and_then(|base| base.report.tests());
    let failed_before = |name: &str| base.is_some_and(|base| base.failed.contains_key(name));
    let holds_with = |name: &str| {
        let passed = with.passed.contains(name);
        passed || (!with.all_named && !with.failed.contains_key(name) && !with.skipped.contains(name))
    };
    let (mut by, mut errors, mut passes) = (Vec::new(), Vec::new(), Vec::new());
    let mut unbuilt = false;
    for (name, failure) in &without.failed {
        let outside = is_outside(name, with);
        if failed_before(name) || (!outside && !holds_with(name)) {
            continue;
        }
        match own(failure, trial.split) {
            _ if is_unbuilt(name) => unbuilt = true,
            true if !outside => by.push(name.clone()),
            _ => errors.push(name.clone()),
        }
    }
    // Without a base it is not known which of the passing tests are new.
    if let Some(base) = base.filter(|base| base.all_named) {
        let new = without.passed.iter().filter(|name| !base.has(name) && with.passed.contains(*name));
        passes.extend(new.cloned());
    }
    match () {
        () if !by.is_empty() => Proof::Proved { by, passes },
        () if unbuilt || (trial.without.ending != Ending::Exit(0) && does_not_build(trial.output)) => {
            Proof::DoesNotBuild
        }
        () if !errors.is_empty() => Proof::Errors { tests: errors },
        () if trial.without.ending == Ending::Exit(0) || !passes.is_empty() => Proof::Passes { tests: passes },
        () if without.stopped => Proof::NotJudged("the runner stopped before these tests".to_owned()),
        () if without.failed.keys().all(|name| failed_before(name)) => Proof::Passes { tests: passes },
        () => Proof::NotJudged("none of the tests that failed without the change holds with it".to_owned()),
    }
}

/// Whether a failure is no test's but a whole file's or package's: nothing of its name is there once it can be loaded.
fn is_outside(name: &str, with: &Tests) -> bool {
    !with.has(name) && (is_unbuilt(name) || paths::is_file(name))
}

fn is_unbuilt(name: &str) -> bool {
    name.ends_with(" (build)")
}

/// Whether a failure is a test's own assertion. A panic with words of its own is one where it stands in a file of the
/// change's tests; in the code under test it is an error.
fn own(failure: &Failure, split: &Split<'_>) -> bool {
    match failure.how {
        How::Assertion => true,
        How::Error => false,
        How::Unsaid => failure.at.as_deref().is_some_and(|at| {
            split
                .tests
                .iter()
                .any(|test| at == *test || at.strip_suffix(test).is_some_and(|before| before.ends_with('/')))
        }),
    }
}
