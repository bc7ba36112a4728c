//! The host's one clock.

use std::sync::atomic::{AtomicU64, Ordering};

use orchestra_pit_core::time::Time;

/// The last time that was told. Two calls never get the same time, and time never goes back, whatever the machine's
/// clock does: records of one process are in the order of their times.
static LAST: AtomicU64 = AtomicU64::new(0);

/// Now.
#[expect(clippy::disallowed_methods, reason = "the one place where the host reads the machine's clock")]
pub fn now() -> Time {
    let machine =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_micros());
    let machine = u64::try_from(machine).unwrap_or(u64::MAX - 1);
    let told = |last: u64| Some(machine.max(last.saturating_add(1)));
    let last = LAST.fetch_update(Ordering::Relaxed, Ordering::Relaxed, told).unwrap_or_else(|last| last);
    Time(machine.max(last.saturating_add(1)))
}
