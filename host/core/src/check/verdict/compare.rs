//! One check: its first run, its second after a failure, and the same on the base.
//!
//! Names are compared only where both outputs were understood and the tree's runner did not stop early: what was not run
//! may have failed too. Otherwise the check as a whole is compared, by exit code and by every word of its output, and that is
//! said. A tree whose output is no longer understood, where the base's was, is red: tests that do not build any more end with
//! the same exit code as one that failed before.

use std::collections::BTreeSet;

use super::lost::lost;
use super::{Ending, Kind, Ran, Runs, Wanted};
use crate::check::report::{Counts, Report, Runner, Tests};
use crate::id::Hash;

/// What is concluded of a check.
#[derive(Debug)]
pub(super) struct Compared<'a> {
    pub(super) kind: Kind,
    pub(super) why: Option<String>,
    pub(super) fails: Vec<&'a str>,
    pub(super) as_before: Vec<&'a str>,
    pub(super) flaky: Vec<&'a str>,
    pub(super) known_flaky: Vec<&'a str>,
    pub(super) gone: Vec<&'a str>,
    pub(super) muted: Vec<&'a str>,
}

impl Compared<'_> {
    fn new(kind: Kind) -> Self {
        Self {
            kind,
            why: None,
            fails: Vec::new(),
            as_before: Vec::new(),
            flaky: Vec::new(),
            known_flaky: Vec::new(),
            gone: Vec::new(),
            muted: Vec::new(),
        }
    }

    /// Red, for a reason that is not a test's.
    pub(super) fn red(why: impl Into<String>) -> Self {
        Self { why: Some(why.into()), ..Self::new(Kind::Red) }
    }
}

impl Ran {
    /// Whether it passed. A command that hides its tests' failure behind a 0 did not.
    fn passes(&self) -> bool {
        self.ending == Ending::Exit(0) && self.report.tests().is_none_or(|tests| tests.failed.is_empty())
    }

    /// The tests that failed, if they explain that it failed.
    fn explained(&self) -> Option<&Tests> {
        self.report.tests().filter(|tests| !tests.failed.is_empty() && matches!(self.ending, Ending::Exit(_)))
    }
}

/// Concludes.
pub(super) fn compare<'a>(
    wanted: &'a Wanted,
    runs: &'a Runs,
    base: Option<&'a Runs>,
    flaky: &[String],
) -> Compared<'a> {
    let first = &runs.first;
    let mut compared = match &first.ending {
        Ending::TimedOut => Compared::red("it took too long and was stopped"),
        Ending::NotStarted(why) => Compared::red(format!("it could not be started: {why}")),
        Ending::Skipped(why) => Compared::red(format!("it was not run: {why}")),
        Ending::Misconfigured(why) => Compared::red(format!("it is misconfigured: {why}")),
        _ if first.passes() => Compared::new(Kind::Green),
        Ending::Exit(_) | Ending::Signal(_) => failed(wanted, runs, base, flaky),
    };
    with_lost(&mut compared, first, base);
    compared
}

/// The tests that the base ran and the tree does not.
fn with_lost<'a>(compared: &mut Compared<'a>, first: &Ran, base: Option<&'a Runs>) {
    let Some(before) = base.and_then(|base| base.first.report.tests()) else { return };
    let Some(now) = first.report.tests() else {
        // A change that ends the runner before it speaks would pass for one whose tests all do.
        if compared.kind == Kind::Green && before.counts != Counts::default() {
            let ran = before.counts.passed + before.counts.failed;
            *compared = Compared::red(format!(
                "it passes and tells of no test; on the base {} told of {ran}",
                before.runner.name()
            ));
        }
        return;
    };
    // A suite of which nothing passes any more has checked nothing, whatever was done to it.
    if now.counts.passed == 0 && before.counts.passed > 0 && compared.kind != Kind::Red {
        compared.kind = Kind::Red;
        compared.why = Some(format!("no test of it passes any more; {} did on the base", before.counts.passed));
    }
    if now.runner != before.runner && compared.kind == Kind::Green {
        compared.kind = Kind::NoWorse;
        compared.why = Some(format!("its tests are {}'s now and were {}'s", now.runner.name(), before.runner.name()));
    }
    if now.stopped || now.runner != before.runner {
        return;
    }
    let failed = compared.fails.len() + compared.flaky.len() + compared.known_flaky.len();
    let lost = lost(now, before, failed as u64);
    (compared.gone, compared.muted) = (lost.gone, lost.muted);
    // Nothing fails, and less is known than was: a person looks at the list before it is taken for good.
    if compared.kind == Kind::Green && !(compared.gone.is_empty() && compared.muted.is_empty()) {
        compared.kind = Kind::NoWorse;
    }
}

/// A check that failed by exit code, signal or tests.
fn failed<'a>(wanted: &'a Wanted, runs: &'a Runs, base: Option<&'a Runs>, called: &[String]) -> Compared<'a> {
    let is_called = |name: &str| called.iter().any(|called| names_it(called, name));
    let tests = runs.first.explained();
    let (unsteady, steady) = match (&runs.again, tests) {
        (Some(again), None) if again.passes() => {
            let known = is_called(&wanted.name);
            let mut compared = Compared::new(if known { Kind::Green } else { Kind::Red });
            let names = if known { &mut compared.known_flaky } else { &mut compared.flaky };
            names.push(wanted.name.as_str());
            return compared;
        }
        (_, None) => return as_a_whole(&runs.first, base),
        (None, Some(first)) => (BTreeSet::new(), names(first)),
        (Some(again), Some(first)) => match again_failed(again) {
            Some(second) => {
                let first = names(first);
                (&first ^ &second, &first & &second)
            }
            // The second run says nothing of the tests: none of them is known to have passed in it.
            None => (BTreeSet::new(), names(first)),
        },
    };
    let mut compared = by_test(&runs.first, &steady, base);
    let (known, unknown): (Vec<&str>, Vec<&str>) = unsteady.into_iter().partition(|name| is_called(name));
    if !unknown.is_empty() {
        compared.kind = Kind::Red;
    }
    compared.known_flaky = known;
    compared.flaky = unknown;
    compared
}

/// Whether somebody means a test: by its whole name, or by the end of it from where a crate, a file or a suite is named.
fn names_it(called: &str, name: &str) -> bool {
    let before = name.strip_suffix(called);
    before.is_some_and(|before| before.is_empty() || ["::", " > ", "/"].iter().any(|end| before.ends_with(end)))
}

fn names(tests: &Tests) -> BTreeSet<&str> {
    tests.failed.keys().map(String::as_str).collect()
}

/// The tests that failed in the second run, if it is understood.
fn again_failed(again: &Ran) -> Option<BTreeSet<&str>> {
    if again.passes() { Some(BTreeSet::new()) } else { again.explained().map(names) }
}

/// Compares the tests that failed each time.
fn by_test<'a>(first: &Ran, steady: &BTreeSet<&'a str>, base: Option<&'a Runs>) -> Compared<'a> {
    let stopped = first.report.tests().is_some_and(|tests| tests.stopped);
    let before = base.map(failed_before).unwrap_or_default();
    let (as_before, fails): (Vec<&str>, Vec<&str>) = steady.iter().partition(|name| before.contains(*name));
    let whole = base.filter(|base| base.first.explained().is_none() && !base.first.passes());
    if !steady.is_empty()
        && let Some(base) = whole
    {
        // The base's output was not understood, the tree's is.
        return Compared { as_before: steady.iter().copied().collect(), ..as_a_whole(first, Some(base)) };
    }
    let kind = match () {
        () if stopped || !fails.is_empty() => Kind::Red,
        () if as_before.is_empty() => Kind::Green,
        () => Kind::NoWorse,
    };
    let mut compared = Compared { as_before, fails, ..Compared::new(kind) };
    if stopped {
        compared.why = Some("its runner stopped at a failure, and the other tests were not run".to_owned());
    } else if kind == Kind::NoWorse && !same_ending(first, base) {
        compared.kind = Kind::Red;
        compared.why = Some("the same tests fail as before, and it ends in another way".to_owned());
    }
    compared
}

/// What failed on the base in each run of it.
fn failed_before(base: &Runs) -> BTreeSet<&str> {
    let first = base.first.explained().map(names).unwrap_or_default();
    match base.again.as_ref().map(again_failed) {
        Some(Some(second)) => &first & &second,
        _ => first,
    }
}

/// Whether a check ends as on the base. Mocha's exit code is the number of failures, and says nothing more.
fn same_ending(first: &Ran, base: Option<&Runs>) -> bool {
    let mocha = first.report.tests().is_some_and(|tests| tests.runner == Runner::Mocha);
    base.is_some_and(|base| mocha || base.first.ending == first.ending)
}

/// Compares a check of which no tests can be named.
fn as_a_whole<'a>(first: &Ran, base: Option<&Runs>) -> Compared<'a> {
    let why = match &first.report {
        _ if matches!(first.ending, Ending::Signal(_)) => "it was ended by a signal".to_owned(),
        Report::NotUnderstood { why } => format!("its output is not understood: {why}"),
        Report::Understood(tests) if tests.failed.is_empty() => "no test of it failed, and it did".to_owned(),
        Report::Understood(_) => "the base's output is not understood".to_owned(),
    };
    match base {
        Some(base) if base.first.explained().is_some() => {
            Compared::red(format!("{why}; on the base it was understood which tests fail"))
        }
        // A shell's word for a program that is not there or cannot be run: nothing was checked, here or on the base.
        _ if matches!(first.ending, Ending::Exit(126 | 127)) => {
            Compared::red(format!("{why}; a program that it needs is not there"))
        }
        Some(base) if !base.first.passes() && (first.gist == Hash::NONE || base.first.gist == Hash::NONE) => {
            Compared::red(format!("{why}; it failed on the base too, and says too much to be compared"))
        }
        // The same exit code may be a new failure that hides the old one: what it says has to be the same.
        Some(base) if !base.first.passes() && base.first.gist != first.gist => {
            Compared::red(format!("{why}; it failed on the base too, and not with the same words"))
        }
        Some(base) if !base.first.passes() && base.first.ending == first.ending => {
            let same = base.again.as_ref().is_none_or(|again| again.ending == first.ending);
            let kind = if same { Kind::NoWorse } else { Kind::Red };
            Compared { why: Some(format!("{why}; compared as a whole")), ..Compared::new(kind) }
        }
        _ => Compared::red(why),
    }
}
