//! The tests that a check ran on the base and does not run any more: gone, or skipped.
//!
//! Where a runner names all that passes, a test that ran before and is neither among these nor among those that fail is lost,
//! whatever else there is: a new one in its place does not make up for it, though the counts are the same. That the runner
//! counts what it skips, and names none of it, as pytest does, leaves open only which of the two became of it.

use crate::check::report::{Runner, Tests};

/// What is lost.
pub(super) struct Lost<'a> {
    pub(super) gone: Vec<&'a str>,
    pub(super) muted: Vec<&'a str>,
}

/// In the place of a test that a runner does not name, and how many of these are counted: more than any suite has.
const UNNAMED: &str = "one that its runner does not name";
const MOST_UNNAMED: usize = 1_000_000;

/// What ran before and does not now, where this many tests fail that did not.
pub(super) fn lost<'a>(now: &Tests, before: &'a Tests, failed: u64) -> Lost<'a> {
    let as_text = |names: Vec<&'a String>| names.into_iter().map(String::as_str).collect::<Vec<_>>();
    let ran = || before.passed.iter().chain(before.failed.keys());
    let muted = as_text(ran().filter(|name| now.skipped.contains(*name)).collect());
    let is_test = |name: &&String| before.passed.contains(*name) || is_test(before.runner, name);
    let missing = as_text(ran().filter(|name| !now.has(name)).filter(is_test).collect());
    let more_skipped = now.counts.skipped.saturating_sub(before.counts.skipped).saturating_sub(count(&muted));
    let unnamed = now.unnamed_passes();
    let mut lost = if unnamed == Some(0) {
        // As many more are skipped without a name as there are tests missing, so these are skipped; of some of them it could
        // not be said which, and then they are all said to be gone.
        let hidden = now.counts.skipped.saturating_sub(now.skipped.len() as u64).min(more_skipped);
        if hidden >= count(&missing) {
            Lost { gone: Vec::new(), muted: [muted, missing].concat() }
        } else {
            Lost { gone: missing, muted }
        }
    } else {
        // Any of those that pass without a name may be one that is missing, unless it passed without a name before. Where all
        // that passed had names, the change has taken them away: then what they hide is nobody's word.
        let spare = match (unnamed, before.unnamed_passes()) {
            (_, Some(0)) => 0,
            (Some(now), Some(before)) => now.saturating_sub(before).saturating_add(failed),
            _ => u64::MAX,
        };
        let some = count(&missing).saturating_sub(spare);
        let skipped = more_skipped.min(some);
        Lost { gone: nameless(some - skipped), muted: [muted, nameless(skipped)].concat() }
    };
    lost.by_count(now, before, failed);
    lost
}

impl Lost<'_> {
    /// Adds those of which nothing but the count is known: fewer pass than did.
    fn by_count(&mut self, now: &Tests, before: &Tests, failed: u64) {
        let fewer = before.counts.passed.saturating_sub(now.counts.passed).saturating_sub(failed);
        let rest = fewer.saturating_sub(count(&self.gone)).saturating_sub(count(&self.muted));
        let skipped =
            now.counts.skipped.saturating_sub(before.counts.skipped).saturating_sub(count(&self.muted)).min(rest);
        self.gone.extend(nameless(rest - skipped));
        self.muted.extend(nameless(skipped));
    }
}

fn count(names: &[&str]) -> u64 {
    names.len() as u64
}

fn nameless(count: u64) -> Vec<&'static str> {
    vec![UNNAMED; usize::try_from(count).unwrap_or(usize::MAX).min(MOST_UNNAMED)]
}

/// Whether what failed was a test. A failure of a whole file or package is none, and is gone once that can be loaded.
fn is_test(runner: Runner, name: &str) -> bool {
    match runner {
        Runner::Libtest | Runner::Nextest => !name.ends_with(" (build)"),
        // What fails while a test is put away has a name beside the test's own.
        Runner::Pytest => name.contains("::") && !name.ends_with(" (error)"),
        // What sets up a whole class has no name of its own, or one of these.
        Runner::Junit => name
            .split_once("::")
            .is_some_and(|(_, test)| !matches!(test, "" | "initializationError" | "executionError" | "classMethod")),
        _ => false,
    }
}
