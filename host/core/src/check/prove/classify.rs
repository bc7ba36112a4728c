//! What the tests of a change did without it, test by test.

use std::collections::BTreeMap;

use super::built::does_not_build;
use super::{Proof, Proves, Split, paths};
use crate::check::report::{Failure, How, Report, Runner, Tests};
use crate::check::verdict::{Ending, Ran};

/// A run of the tests on the tree without the change, and what it is compared with.
#[derive(Clone, Copy, Debug)]
pub struct Trial<'a> {
    /// The change, taken apart.
    pub split: &'a Split<'a>,
    /// The run on the base with the tests of the change.
    pub without: &'a Ran,
    /// The same once more, where it failed: what fails for no reason of the change's fails once and passes once.
    pub again: Option<&'a Ran>,
    /// The first run's output, in which a compiler's errors stand.
    pub output: &'a str,
    /// The same check on the tree with the whole change. What fails there proves nothing.
    pub with: &'a Ran,
    /// The same check on the base, if it was judged: what failed there already is not what the tests are about.
    pub base: Option<&'a Ran>,
}

impl Trial<'_> {
    /// The files of the change's tests that cannot be loaded without the rest of it, where that kept all others from being
    /// run: pytest runs no test if it cannot load one of the files.
    pub fn unloaded(&self) -> Vec<String> {
        let Some(without) = self.without.report.tests().filter(|tests| tests.stopped) else { return Vec::new() };
        // A runner names files from its own folder, which may be further down.
        let is_named = |path: &str| {
            let within = |name: &String| path.strip_suffix(name.as_str()).is_some_and(|above| above.ends_with('/'));
            without.failed.keys().any(|name| name == path || (paths::is_file(name) && within(name)))
        };
        self.split.tests.iter().filter(|path| is_named(path)).map(|path| (*path).to_owned()).collect()
    }

    /// What a test proves that failed without the change, by what it did in the second run.
    fn steady(&self, name: &str, proves: Proves) -> Proves {
        let Some(again) = self.again else { return proves };
        match again.report.tests().filter(|_| matches!(again.ending, Ending::Exit(_))) {
            Some(again) if again.failed.contains_key(name) => proves,
            Some(again) if !again.stopped && holds(again, name) => Proves::Passes,
            _ => Proves::NotJudged,
        }
    }
}

/// What the tests proved.
pub fn classify(trial: &Trial<'_>) -> Proof {
    let (with, base) = (trial.with.report.tests(), trial.base.and_then(|base| base.report.tests()));
    let not_judged = |why: String| Proof::not_judged(why, with, base);
    let unnamed = |whole| Proof::of(BTreeMap::new(), whole, None);
    if let Some(why) = trial.split.not_judged() {
        return not_judged(why);
    }
    match (&trial.without.ending, &trial.without.report) {
        (Ending::Exit(_), Report::Understood(without)) => match with {
            Some(with) if matches!(trial.with.ending, Ending::Exit(_)) => by_name(trial, without, with, base),
            _ => not_judged("what the tests do with the change is not understood".to_owned()),
        },
        (Ending::Exit(0), Report::NotUnderstood { .. }) => unnamed(Proves::Passes),
        (Ending::Exit(_), _) if does_not_build(trial.output) => {
            let new = with.into_iter().flat_map(|with| new(with, base));
            Proof::of(new.map(|name| (name.clone(), Proves::DoesNotBuild)).collect(), Proves::DoesNotBuild, None)
        }
        (Ending::Exit(_), Report::NotUnderstood { why }) => not_judged(why.clone()),
        (Ending::Signal(signal), _) => not_judged(format!("the tests were ended by signal {signal}")),
        (Ending::TimedOut, _) => not_judged("the tests took too long and were stopped".to_owned()),
        (Ending::NotStarted(why) | Ending::Skipped(why) | Ending::Misconfigured(why), _) => {
            not_judged(format!("the tests were not run: {why}"))
        }
    }
}

/// What each of the change's tests did without it.
///
/// A test that failed on the base already is not what the change's tests are about, and one that fails with the change too
/// is left out, whatever it does without. Of those that pass, only the ones that the base has not are known to be new; of
/// those that did not run without the change, likewise.
fn by_name(trial: &Trial<'_>, without: &Tests, with: &Tests, base: Option<&Tests>) -> Proof {
    let Failed { mut named, mut files, mut packages } = failed(trial, without, with, base);
    let fails = trial.without.ending != Ending::Exit(0);
    let unsteady = named.values().any(|proves| *proves == Proves::NotJudged);
    let unbuilt = !packages.is_empty() || (fails && does_not_build(trial.output));
    for name in new(with, base).filter(|name| !without.failed.contains_key(*name)) {
        let proves = match () {
            () if without.passed.contains(name) => Proves::Passes,
            // Node's names have no file in them: one that did not run is in a file that cannot be loaded, if there is one.
            () if files.iter().any(|file| with.runner == Runner::Node || name.starts_with(file.as_str())) => {
                Proves::Errors
            }
            () if unbuilt => Proves::DoesNotBuild,
            () => Proves::NotJudged,
        };
        named.insert(name.clone(), proves);
    }
    // It is named itself where the tests are not known.
    files.retain(|file| !named.keys().any(|name| name.starts_with(file.as_str())));
    if named.values().any(|proves| *proves == Proves::DoesNotBuild) {
        packages.clear();
    }
    named.extend(files.into_iter().map(|name| (name.clone(), Proves::Errors)));
    named.extend(packages.into_iter().map(|name| (name.clone(), Proves::DoesNotBuild)));
    let (whole, why) = match () {
        () if unbuilt => (Proves::DoesNotBuild, None),
        () if !fails => (Proves::Passes, None),
        () if unsteady => (Proves::NotJudged, Some("run once more, the tests that failed were not seen to fail again")),
        () if without.stopped => (Proves::NotJudged, Some("the runner stopped before these tests")),
        () if without.failed.keys().all(|name| failed_before(name, base)) => (Proves::Passes, None),
        () => (Proves::NotJudged, Some("none of the tests that failed without the change holds with it")),
    };
    Proof::of(named, whole, Some(why.unwrap_or("it did not run without the change").to_owned()))
}

/// What failed without the change: tests, and what keeps tests from being there, which are files that cannot be loaded and
/// packages that do not build.
struct Failed<'a> {
    named: BTreeMap<String, Proves>,
    files: Vec<&'a String>,
    packages: Vec<&'a String>,
}

fn failed<'a>(trial: &Trial<'_>, without: &'a Tests, with: &Tests, base: Option<&Tests>) -> Failed<'a> {
    let mut failed = Failed { named: BTreeMap::new(), files: Vec::new(), packages: Vec::new() };
    for (name, failure) in &without.failed {
        let outside = is_outside(name, with);
        if failed_before(name, base) || (!outside && !holds(with, name)) {
            continue;
        }
        if is_unbuilt(name) {
            failed.packages.push(name);
        } else if outside {
            failed.files.push(name);
        } else {
            let proves = if own(failure, trial.split) { Proves::Proved } else { Proves::Errors };
            failed.named.insert(name.clone(), trial.steady(name, proves));
        }
    }
    failed
}

/// Whether a test passes, as far as is known where some that pass are not named.
fn holds(tests: &Tests, name: &str) -> bool {
    tests.passed.contains(name) || (tests.unnamed_passes() != Some(0) && !tests.has(name))
}

fn failed_before(name: &str, base: Option<&Tests>) -> bool {
    base.is_some_and(|base| base.failed.contains_key(name))
}

/// Whether a failure is no test's but a whole file's, module's or package's: nothing of its name is there once it can be loaded.
fn is_outside(name: &str, with: &Tests) -> bool {
    let is_module = || with.passed.iter().any(|test| test.strip_prefix(name).is_some_and(|rest| rest.starts_with('.')));
    !with.has(name) && (is_unbuilt(name) || paths::is_file(name) || (with.runner == Runner::Unittest && is_module()))
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

/// The tests that pass with the change and did not run before it. Without a base that names what passes, none is known.
pub(super) fn new<'a>(with: &'a Tests, base: Option<&'a Tests>) -> impl Iterator<Item = &'a String> {
    let base = base.filter(|base| base.unnamed_passes() == Some(0));
    base.into_iter().flat_map(move |base| with.passed.iter().filter(move |name| !base.has(name)))
}
