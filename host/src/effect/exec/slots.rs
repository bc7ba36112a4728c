//! Slots for heavy commands: as many as there are cores, for all pits of a user together. A slot is a lock on a file, so it
//! is free again however its process ends.

#![expect(clippy::disallowed_methods, reason = "locks files of pit's own")]

use std::fs::{self, File};
use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};

/// How often somebody who waits for another process looks: such a command takes seconds, and nobody is told when it ends.
const LOOK: Duration = Duration::from_millis(50);

/// See the module.
#[derive(Debug)]
pub(super) struct Slots {
    /// Those of this process wait in a row.
    own: Semaphore,
    folder: Option<PathBuf>,
    count: usize,
}

/// One of them, until it is dropped.
#[must_use = "dropped, it is free"]
#[derive(Debug)]
pub(super) struct Slot<'a> {
    _own: Option<SemaphorePermit<'a>>,
    _lock: Option<File>,
}

impl Slots {
    /// So many, whose files are in this folder. Without one they are this process's alone.
    pub(super) fn new(count: usize, folder: Option<PathBuf>) -> Self {
        Self { own: Semaphore::new(count), folder, count }
    }

    /// Waits for one.
    pub(super) async fn take(&self) -> Slot<'_> {
        let own = self.own.acquire().await.ok();
        loop {
            match self.free() {
                Some(lock) => return Slot { _own: own, _lock: lock },
                None => tokio::time::sleep(LOOK).await,
            }
        }
    }

    /// One that is free. Where files cannot be locked it is this process's own count that holds.
    fn free(&self) -> Option<Option<File>> {
        let Some(folder) = &self.folder else { return Some(None) };
        if fs::create_dir_all(folder).is_err() {
            return Some(None);
        }
        for number in 0..self.count {
            let path = folder.join(number.to_string());
            let Ok(lock) = File::options().create(true).truncate(false).write(true).open(path) else {
                return Some(None);
            };
            match lock.try_lock() {
                Ok(()) => return Some(Some(lock)),
                Err(fs::TryLockError::WouldBlock) => {}
                Err(fs::TryLockError::Error(_)) => return Some(None),
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt as _;

    #[tokio::test(start_paused = true)]
    async fn two_processes_share_the_slots_and_one_that_ends_gives_its_back() {
        let dir = tempfile::tempdir().unwrap();
        let slots = || Slots::new(2, Some(dir.path().join("slots")));
        // Locks belong to open files, so two of them in one process are as in two.
        let (one, other) = (slots(), slots());
        let first = one.take().await;
        let _second = other.take().await;
        assert!(one.take().now_or_never().is_none(), "both are taken");
        assert!(other.take().now_or_never().is_none());
        drop(first);
        let _third = other.take().await;
        assert!(one.take().now_or_never().is_none());
    }

    #[tokio::test]
    async fn without_a_folder_a_process_counts_for_itself() {
        let slots = Slots::new(1, None);
        let slot = slots.take().await;
        assert!(slots.take().now_or_never().is_none());
        drop(slot);
        let _slot = slots.take().now_or_never().unwrap();
    }
}
