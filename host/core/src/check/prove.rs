//! Does a test prove anything: new and altered tests on a tree without the change that they test.
//!
//! The host [`split`]s a change into tests and the rest by path, runs the tests on a tree that has the tests only, and
//! [`classify`]s what it sees. A test proves its change if it was built, ran, and failed *by its own assertion*. One that
//! passes proves nothing. One that does not build, or that fails for a name that is not there, says only that the change
//! is not there, which nobody doubted.

mod built;
mod classify;
mod paths;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::report::Tests;
use classify::new;
pub use classify::{Trial, classify};
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
    pub fn not_judged(&self) -> Option<String> {
        match self {
            Self { tests, mixed, .. } if tests.is_empty() && mixed.is_empty() => {
                Some("the change adds and alters no tests".to_owned())
            }
            Self { tests, mixed, .. } if tests.is_empty() => {
                let first = mixed.first().copied().unwrap_or_default();
                Some(format!("its tests are in the file under test ({first})"))
            }
            Self { rest, mixed, .. } if rest.is_empty() && mixed.is_empty() => {
                Some("the change consists of tests only".to_owned())
            }
            _ => None,
        }
    }
}

/// What a test proves of the change that it came with. Of a test that was tried several times, the first of these counts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Proves {
    /// Without the change it failed, by its own assertion.
    Proved,
    /// Without the change it failed, and not by an assertion: counts as nothing.
    Errors,
    /// It passes without the change: it proves nothing.
    Passes,
    /// Without the change it does not build: counts as nothing.
    DoesNotBuild,
    /// It cannot be said.
    NotJudged,
}

impl Proves {
    /// The word for programs.
    pub fn word(self) -> &'static str {
        match self {
            Self::Proved => "proved",
            Self::Errors => "errors",
            Self::Passes => "passes",
            Self::DoesNotBuild => "does-not-build",
            Self::NotJudged => "not-judged",
        }
    }

    /// As people are told.
    pub fn told(self) -> &'static str {
        match self {
            Self::Proved => "fails without the change",
            Self::Errors => "fails without the change, and not by an assertion",
            Self::Passes => "passes without the change, and proves nothing",
            Self::DoesNotBuild => "does not build without the change, which proves nothing",
            Self::NotJudged => "not judged",
        }
    }
}

/// What the tests of a change prove.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// Each new or altered test that is known by its name, those that prove most first; at most [`MOST_TESTS`].
    tests: Vec<(String, Proves)>,
    /// How many there are besides.
    more: u64,
    /// What all of them come to: the most that one of them proves. Runners that name no tests leave this alone.
    whole: Proves,
    /// Why it cannot be said, where it cannot.
    why: Option<String>,
}

/// Tests that a proof names.
pub const MOST_TESTS: usize = 100;

impl Proof {
    /// What some tests prove; `whole` if none is known by its name.
    fn of(named: BTreeMap<String, Proves>, whole: Proves, why: Option<String>) -> Self {
        let whole = named.values().min().copied().unwrap_or(whole);
        let mut tests: Vec<(String, Proves)> = named.into_iter().collect();
        tests.sort_by(|a, b| (a.1, &a.0).cmp(&(b.1, &b.0)));
        let more = tests.len().saturating_sub(MOST_TESTS) as u64;
        tests.truncate(MOST_TESTS);
        Self { tests, more, whole, why: why.filter(|_| whole == Proves::NotJudged) }
    }

    /// Tests that cannot be judged, and why: those that pass with the change and were not there before it.
    pub fn not_judged(why: String, with: Option<&Tests>, base: Option<&Tests>) -> Self {
        let new = with.into_iter().flat_map(|with| new(with, base)).map(|name| (name.clone(), Proves::NotJudged));
        Self::of(new.collect(), Proves::NotJudged, Some(why))
    }

    /// What two trials of a change's tests come to.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let (whole, why) = (self.whole.min(other.whole), self.why.or(other.why));
        let (mut named, more) = (BTreeMap::new(), self.more.max(other.more));
        for (name, proves) in self.tests.into_iter().chain(other.tests) {
            named.entry(name).and_modify(|had: &mut Proves| *had = proves.min(*had)).or_insert(proves);
        }
        let all = Self::of(named, whole, why);
        Self { more: all.more.saturating_add(more), ..all }
    }

    /// Each test that is known by its name, those that prove most first.
    pub fn tests(&self) -> &[(String, Proves)] {
        &self.tests
    }

    /// The names of those that prove this.
    pub fn named(&self, proves: Proves) -> Vec<&str> {
        self.tests.iter().filter(|(_, one)| *one == proves).map(|(name, _)| name.as_str()).collect()
    }

    /// How many are not named.
    pub fn more(&self) -> u64 {
        self.more
    }

    /// The most that one of them proves.
    pub fn whole(&self) -> Proves {
        self.whole
    }

    /// Why it cannot be said, where it cannot.
    pub fn why(&self) -> Option<&str> {
        self.why.as_deref()
    }
}
