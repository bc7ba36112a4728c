//! What nobody waits for: folders are removed beside everything else, and only a process that ends waits for it, a moment.

use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// How much of it is at work.
static AT_WORK: (Mutex<usize>, Condvar) = (Mutex::new(0), Condvar::new());

/// Ends it, however it ends.
struct Work;

impl Drop for Work {
    fn drop(&mut self) {
        *AT_WORK.0.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        AT_WORK.1.notify_all();
    }
}

/// Does something beside.
pub(super) fn beside(work: impl FnOnce() + Send + 'static) {
    *AT_WORK.0.lock().unwrap_or_else(PoisonError::into_inner) += 1;
    let own = Work;
    thread::spawn(move || {
        let _own = own;
        work();
    });
}

/// Waits until nothing is at work beside, and no longer than this. What is left then, whoever comes next finds.
pub fn settle(most: Duration) {
    let at_work = AT_WORK.0.lock().unwrap_or_else(PoisonError::into_inner);
    let _ = AT_WORK.1.wait_timeout_while(at_work, most, |at_work| *at_work > 0);
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn what_is_at_work_is_waited_for_also_when_some_of_it_panics() {
        let done = Arc::new(AtomicUsize::new(0));
        for panics in [false, true, false] {
            let done = done.clone();
            beside(move || {
                thread::sleep(Duration::from_millis(50));
                assert!(!panics, "as it is to");
                done.fetch_add(1, Ordering::Relaxed);
            });
        }
        settle(Duration::from_secs(60));
        assert_eq!(done.load(Ordering::Relaxed), 2);
    }
}
