//! Counts what is made durable: this program's `fsync` and `fdatasync` stand before the C library's, so that whoever
//! calls them, SQLite above all, calls these.

#![expect(unsafe_code, reason = "the names of C functions are taken over, and a C function's argument is believed")]

use std::os::fd::{BorrowedFd, RawFd};
use std::sync::atomic::{AtomicU64, Ordering};

static SYNCS: AtomicU64 = AtomicU64::new(0);

/// Calls so far, by the whole process.
pub fn so_far() -> u64 {
    SYNCS.load(Ordering::Relaxed)
}

fn counted(file: RawFd, sync: impl FnOnce(BorrowedFd<'_>) -> rustix::io::Result<()>) -> i32 {
    SYNCS.fetch_add(1, Ordering::Relaxed);
    // SAFETY: the caller's descriptor is open for the length of its call, as the C function asks too.
    let file = unsafe { BorrowedFd::borrow_raw(file) };
    sync(file).map_or(-1, |()| 0)
}

// SAFETY: takes and answers what the C library's function of this name does, and does the same by the same system call.
#[unsafe(no_mangle)]
extern "C" fn fsync(file: RawFd) -> i32 {
    counted(file, |file| rustix::fs::fsync(file))
}

// SAFETY: as above.
#[unsafe(no_mangle)]
extern "C" fn fdatasync(file: RawFd) -> i32 {
    counted(file, |file| rustix::fs::fdatasync(file))
}
