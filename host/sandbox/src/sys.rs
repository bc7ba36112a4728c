//! The system calls that no crate of ours wraps safely, each behind a function that cannot be called wrongly.

#![expect(clippy::disallowed_methods, reason = "opens a terminal of the sandbox's own, and counts threads")]

use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};

use rustix::fs::{Mode, OFlags};
use rustix::process::Pid;
use rustix::thread::UnshareFlags;

/// Leaves namespaces. The file table is not one of the things that can be left with it.
pub fn unshare(flags: UnshareFlags) -> io::Result<()> {
    let flags = flags.difference(UnshareFlags::FILES);
    #[expect(unsafe_code, reason = "unsafe only with FILES, which is taken out a line above")]
    // SAFETY: the one obligation is that threads never see descriptors of a table that was left; no table is left.
    let done = unsafe { rustix::thread::unshare_unsafe(flags) };
    Ok(done?)
}

/// A second process with a copy of all that this one has; to it the answer is none. Only where there is one thread.
pub fn fork() -> io::Result<Option<Pid>> {
    if std::fs::read_dir("/proc/self/task")?.count() != 1 {
        return Err(io::Error::other("there is more than one thread"));
    }
    #[expect(unsafe_code, reason = "std starts programs, and to start this one again takes longer than all else")]
    // SAFETY: a copy of a process with several threads has their locks and not the threads that would open them; there is one, and
    // nothing but it could start another in between.
    let id = unsafe { libc::fork() };
    match id {
        0 => Ok(None),
        id => Pid::from_raw(id).filter(|_| id > 0).map(Some).ok_or_else(io::Error::last_os_error),
    }
}

/// Adds attributes (`libc::MOUNT_ATTR_*`) to a mount and all that is mounted under it: a tree of which only the top is read-only
/// is not.
pub fn restrict_mounts(tree: impl AsFd, attributes: u64) -> io::Result<()> {
    set_attributes(tree, attributes, libc::AT_RECURSIVE)
}

/// Adds attributes to a mount alone.
pub fn restrict_mount(mount: impl AsFd, attributes: u64) -> io::Result<()> {
    set_attributes(mount, attributes, 0)
}

fn set_attributes(mount: impl AsFd, attributes: u64, depth: i32) -> io::Result<()> {
    let attr = libc::mount_attr { attr_set: attributes, attr_clr: 0, propagation: 0, userns_fd: 0 };
    let flags = libc::AT_EMPTY_PATH | depth;
    #[expect(unsafe_code, reason = "rustix has no mount_setattr, and nothing else does a whole tree at once")]
    // SAFETY: the descriptor is open for the whole call, the path is a constant that ends with a zero, and the kernel reads
    // `size_of` bytes of a struct that lives until the call returns. Nothing is written to our memory.
    let done = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mount.as_fd().as_raw_fd(),
            c"".as_ptr(),
            flags,
            &raw const attr,
            size_of::<libc::mount_attr>(),
        )
    };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Puts a filter before every system call of this thread and of whatever it starts. Needs no-new-privileges.
pub fn filter_calls(program: &[libc::sock_filter]) -> io::Result<()> {
    let length = u16::try_from(program.len()).map_err(io::Error::other)?;
    // The kernel only reads the program, though the struct's pointer is to what may be changed.
    let program = libc::sock_fprog { len: length, filter: program.as_ptr().cast_mut() };
    #[expect(unsafe_code, reason = "nothing in std or rustix installs a filter")]
    // SAFETY: `len` is the length of the slice that `filter` points to, both live until the call returns, and the kernel copies
    // and verifies the program before it uses it.
    let done = unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, 0, &raw const program) };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Marks every descriptor but the three standard ones to be closed when a program is executed. What the host, or whoever started
/// it, left open without that mark would reach the command.
pub fn inherit_nothing() -> io::Result<()> {
    let (first, last): (libc::c_uint, libc::c_uint) = (3, libc::c_uint::MAX);
    #[expect(unsafe_code, reason = "std and rustix mark one descriptor at a time, and these are not known")]
    // SAFETY: with this flag nothing is closed, so no descriptor that somebody owns changes its meaning.
    let done = unsafe { libc::syscall(libc::SYS_close_range, first, last, libc::CLOSE_RANGE_CLOEXEC) };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// What the children that were waited for took together: microseconds of processor time, and the most bytes that one held.
pub fn taken_by_children() -> (u64, u64) {
    #[expect(unsafe_code, reason = "neither std nor rustix tells it")]
    // SAFETY: rusage is integers only, for which zero is a value; the kernel writes one rusage into one that we own.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_CHILDREN, &raw mut usage);
        usage
    };
    let micros = |time: libc::timeval| time.tv_sec.unsigned_abs() * 1_000_000 + time.tv_usec.unsigned_abs();
    (micros(usage.ru_utime) + micros(usage.ru_stime), usage.ru_maxrss.unsigned_abs() * 1024)
}

/// A new terminal: the end that a program like this one keeps, and the end that a command has.
pub fn terminal() -> io::Result<(OwnedFd, OwnedFd)> {
    let ours = rustix::fs::open("/dev/ptmx", OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty())?;
    let locked: libc::c_int = 0;
    #[expect(unsafe_code, reason = "rustix has it behind a feature that would have everything built once more")]
    // SAFETY: the request reads one integer, which lives until the call returns, from a descriptor that is open.
    let unlocked = unsafe { libc::ioctl(ours.as_raw_fd(), libc::TIOCSPTLCK, &raw const locked) };
    if unlocked != 0 {
        return Err(io::Error::last_os_error());
    }
    let flags = libc::O_RDWR | libc::O_NOCTTY | libc::O_CLOEXEC;
    #[expect(unsafe_code, reason = "nothing in std opens the other end, and by its name it might be another's by now")]
    // SAFETY: the request takes flags and no pointer, and answers a new descriptor that nobody else has, or -1.
    let theirs = unsafe {
        let theirs = libc::ioctl(ours.as_raw_fd(), libc::TIOCGPTPEER, flags);
        if theirs < 0 {
            return Err(io::Error::last_os_error());
        }
        OwnedFd::from_raw_fd(theirs)
    };
    Ok((ours, theirs))
}
