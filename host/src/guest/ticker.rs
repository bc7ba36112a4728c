//! The clock of guests: a thread that counts ticks while any guest's own code runs, and stands still while all of them
//! wait, so that a host with nothing to do does nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, Thread};

use super::limits::Limits;

/// The clock. Stops with its value.
pub(super) struct Ticker {
    shared: Arc<Shared>,
    clock: Thread,
}

#[derive(Default)]
struct Shared {
    /// Guests whose own code runs.
    running: AtomicUsize,
    /// Whether the thread sleeps until somebody runs.
    parked: AtomicBool,
    over: AtomicBool,
}

/// One guest's share in the clock: it goes on while [`Turn::go`] was called last.
pub(super) struct Turn {
    shared: Arc<Shared>,
    clock: Thread,
    running: bool,
}

impl Ticker {
    /// Starts the thread, which calls `tick` every [`Limits::TICK`] while it counts.
    pub fn start(mut tick: impl FnMut() + Send + 'static) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let of = Arc::clone(&shared);
        let count = move || {
            while !of.over.load(Ordering::SeqCst) {
                of.stand_still();
                thread::sleep(Limits::TICK);
                tick();
            }
        };
        let thread = thread::Builder::new().name("pit ticks".to_owned()).spawn(count)?;
        Ok(Self { shared, clock: thread.thread().clone() })
    }

    /// A share for one guest, which does not run yet.
    pub fn turn(&self) -> Turn {
        Turn { shared: Arc::clone(&self.shared), clock: self.clock.clone(), running: false }
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::SeqCst);
        self.shared.parked.store(false, Ordering::SeqCst);
        // The thread ends a tick later at most; nobody has to wait for that.
        self.clock.unpark();
    }
}

impl Shared {
    /// Returns once somebody runs. Whoever begins to run after the flag is up sees it, and who began before is seen here:
    /// both sides write before they read, in one order for all.
    fn stand_still(&self) {
        self.parked.store(true, Ordering::SeqCst);
        if self.running.load(Ordering::SeqCst) > 0 || self.over.load(Ordering::SeqCst) {
            self.parked.store(false, Ordering::SeqCst);
        }
        while self.parked.load(Ordering::SeqCst) {
            thread::park();
        }
    }
}

impl Turn {
    /// The guest's own code runs from here on.
    pub fn go(&mut self) {
        if self.running {
            return;
        }
        self.running = true;
        self.shared.running.fetch_add(1, Ordering::SeqCst);
        // At most once a tick: the flag is up only after a tick without anybody.
        if self.shared.parked.load(Ordering::SeqCst) && self.shared.parked.swap(false, Ordering::SeqCst) {
            self.clock.unpark();
        }
    }

    /// The guest waits from here on.
    pub fn wait(&mut self) {
        if self.running {
            self.running = false;
            self.shared.running.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Waits for something that is soon true.
    fn soon(what: impl Fn() -> bool) {
        for _ in 0..2_000 {
            if what() {
                return;
            }
            thread::sleep(Limits::TICK / 2);
        }
        panic!("it did not come about");
    }

    #[test]
    fn the_clock_goes_while_somebody_runs_and_stands_still_while_all_wait() {
        let ticks = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&ticks);
        let count = move || {
            counted.fetch_add(1, Ordering::SeqCst);
        };
        let ticker = Ticker::start(count).unwrap();
        let so_far = || ticks.load(Ordering::SeqCst);
        let parked = || ticker.shared.parked.load(Ordering::SeqCst);

        soon(parked);
        assert_eq!(so_far(), 0, "nobody ran yet");
        let (mut one, mut other) = (ticker.turn(), ticker.turn());
        for _ in 0..3 {
            let before = so_far();
            one.go();
            one.go();
            other.go();
            soon(|| so_far() > before + 2);
            one.wait();
            let before = so_far();
            soon(|| so_far() > before + 2);
            other.wait();
            other.wait();
            soon(parked);
            let before = so_far();
            thread::sleep(Limits::TICK * 5);
            assert_eq!(so_far(), before);
        }
    }

    #[test]
    fn a_guest_that_is_dropped_runs_no_more_and_the_thread_ends_with_the_clock() {
        let alive = Arc::new(());
        let held = Arc::clone(&alive);
        let ticker = Ticker::start(move || drop(Arc::clone(&held))).unwrap();
        let mut turn = ticker.turn();
        turn.go();
        drop(turn);
        soon(|| ticker.shared.parked.load(Ordering::SeqCst));
        drop(ticker);
        soon(|| Arc::strong_count(&alive) == 1);
    }
}
