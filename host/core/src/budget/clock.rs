//! How long a tree was at work: the time that `elapsed` limits.
//!
//! It runs while a host is at work on the tree and the tree has not ended. A night between the end of a run and the
//! remark that sends it back to work is nobody's work; neither is the time between two lives, for nothing happens in it.

use crate::time::Time;

/// The stretches in which a tree was at work: those that are over, summed up, and the one that is not.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Clock {
    before: u64,
    since: Option<Time>,
    /// The last sign of life: all that is known of the end of a life that was cut off.
    seen: Time,
}

impl Clock {
    /// A record was written.
    pub(super) fn see(&mut self, at: Time) {
        self.seen = self.seen.max(at);
    }

    /// The tree goes to work, unless it is there already.
    pub(super) fn go(&mut self, at: Time) {
        self.since.get_or_insert(at);
        self.see(at);
    }

    /// The tree has ended.
    pub(super) fn stop(&mut self, at: Time) {
        self.before = self.at(at);
        self.since = None;
        self.see(at);
    }

    /// A new life goes on where the last one was seen for the last time.
    pub(super) fn resume(&mut self, at: Time) {
        self.before = self.at(self.seen);
        self.since = Some(at);
        // Not the later of the two: a machine whose clock was set back between two lives would stand still here.
        self.seen = at;
    }

    /// Microseconds at work until a time; all of the stretches that are over, if the time is before the present one.
    pub(super) fn at(&self, at: Time) -> u64 {
        self.before.saturating_add(self.since.map_or(0, |since| at.since(since)))
    }

    /// Microseconds at work as far as there are records.
    pub(super) fn seen(&self) -> u64 {
        self.at(self.seen)
    }
}
