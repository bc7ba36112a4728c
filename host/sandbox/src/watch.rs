//! Watches a command from the first process inside: reaps, counts, ends what takes too much, and leaves nothing behind.

#![expect(
    clippy::disallowed_methods,
    reason = "reads /proc of the sandbox and the clock that limits are measured with"
)]

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::process::Child;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::process::{Pid, PidfdFlags, Signal, WaitOptions, WaitStatus};

use crate::forward;
use crate::report::{Ended, Limit, Report};
use crate::spec::Limits;
use crate::sys;

/// Between two looks: short at first, when a command shows what it is up to, then so long that an idle service costs nothing.
const SHORT: Duration = Duration::from_millis(4);
const LONG: Duration = Duration::from_millis(40);
const LONGEST: Duration = Duration::from_millis(500);

/// Ticks of /proc's times in a second; the kernel has shown a hundred to programs for as long as there is a /proc.
const TICKS: u64 = 100;

pub struct Watch {
    limits: Limits,
    main: Pid,
    ends: OwnedFd,
    since: Instant,
    peak: u64,
}

#[derive(Default)]
struct Seen {
    processes: u64,
    memory: u64,
    cpu_us: u64,
}

impl Watch {
    pub fn new(limits: Limits, child: &Child) -> io::Result<Self> {
        let main = Pid::from_child(child);
        let ends = rustix::process::pidfd_open(main, PidfdFlags::empty())?;
        Ok(Self { limits, main, ends, since: Instant::now(), peak: 0 })
    }

    /// Nothing if the host is gone.
    pub fn until_the_end(mut self, control: &UnixStream) -> Option<Report> {
        let ended = self.ended(control);
        let wall_us = micros(self.since.elapsed());
        end_all();
        let (cpu_us, one) = sys::taken_by_children();
        Some(Report { ended: ended?, wall_us, cpu_us, peak_memory: self.peak.max(one) })
    }

    fn ended(&mut self, control: &UnixStream) -> Option<Ended> {
        let mut pause = SHORT;
        loop {
            let left = self.limits.wall_ms.map(|most| Duration::from_millis(most).saturating_sub(self.since.elapsed()));
            let wait = left.map_or(pause, |left| left.min(pause));
            let wait = Timespec { tv_sec: 0, tv_nsec: wait.subsec_nanos().into() };
            let mut fds = [PollFd::new(control, PollFlags::IN), PollFd::new(&self.ends, PollFlags::IN)];
            let _ = rustix::event::poll(&mut fds, Some(&wait));
            let [asks, _] = fds.map(|fd| !fd.revents().is_empty());
            if let Some(ended) = self.reap() {
                return Some(ended);
            }
            if asks && !matches!(forward::answer(control), Ok(Some(()))) {
                return None;
            }
            let looked = Instant::now();
            if let Some(limit) = self.over(left) {
                return Some(Ended::Over(limit));
            }
            // Where there are so many processes that looking takes long, it is done less often.
            pause = (pause * 2).min(LONG).max(looked.elapsed() * 8).min(LONGEST);
        }
    }

    /// Takes what has ended, orphans too, which come to the first process.
    fn reap(&self) -> Option<Ended> {
        let mut ended = None;
        while let Ok(Some((pid, status))) = rustix::process::wait(WaitOptions::NOHANG) {
            if pid == self.main {
                ended = how(status);
            }
        }
        ended
    }

    fn over(&mut self, left: Option<Duration>) -> Option<Limit> {
        if left.is_some_and(|left| left.is_zero()) {
            return Some(Limit::Wall);
        }
        let seen = self.look(cheap);
        self.peak = self.peak.max(seen.memory.min(self.limits.memory));
        if seen.processes > self.limits.processes {
            return Some(Limit::Processes);
        }
        let cpu_us = seen.cpu_us + sys::taken_by_children().0;
        if self.limits.cpu_ms.is_some_and(|most| cpu_us > most.saturating_mul(1000)) {
            return Some(Limit::Cpu);
        }
        // Pages that processes share are counted once only by what is slow to read, so it is read when it matters.
        let over = seen.memory > self.limits.memory && self.look(exact).memory > self.limits.memory;
        over.then_some(Limit::Memory)
    }

    fn look(&self, memory: fn(&str) -> Option<Memory>) -> Seen {
        let mut seen = Seen::default();
        let mut all = Memory::default();
        let mut files = BTreeMap::new();
        for id in processes() {
            seen.processes += 1;
            let one = memory(&id).unwrap_or_default();
            all = Memory { own: all.own + one.own, shared: all.shared + one.shared };
            files_in_memory(&id, &mut files);
            if self.limits.cpu_ms.is_some() {
                seen.cpu_us += cpu(&id).unwrap_or(0);
            }
        }
        // What is in a file in memory may be mapped as well, and nothing says how much of it, so the greater of the two counts.
        seen.memory = all.own + all.shared.max(files.values().sum()) + shared_segments();
        seen
    }
}

/// Bytes that processes hold by themselves, and those that they share with others and with files in memory.
#[derive(Default)]
struct Memory {
    own: u64,
    shared: u64,
}

/// The ids of all processes inside but the first, which is this one.
fn processes() -> impl Iterator<Item = String> {
    let all = fs::read_dir("/proc").into_iter().flatten().flatten();
    let names = all.filter_map(|entry| entry.file_name().into_string().ok());
    names.filter(|id| id != "1" && id.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The open files of a process that are in memory and have no name, by device and number.
fn files_in_memory(id: &str, found: &mut BTreeMap<(u64, u64), u64>) {
    for entry in fs::read_dir(format!("/proc/{id}/fd")).into_iter().flatten().flatten() {
        let path = entry.path();
        let is_memory =
            fs::read_link(&path).is_ok_and(|link| link.as_os_str().as_encoded_bytes().starts_with(b"/memfd:"));
        if let Some(meta) = is_memory.then(|| fs::metadata(&path).ok()).flatten() {
            found.insert((meta.dev(), meta.ino()), meta.blocks() * 512);
        }
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

fn how(status: WaitStatus) -> Option<Ended> {
    status.exit_status().map(Ended::Exit).or_else(|| status.terminating_signal().map(Ended::Signal))
}

/// Ends whatever is left and waits until it is gone: this is the first process here, so all of it becomes its child.
fn end_all() {
    loop {
        // To the group of the first process means, to the kernel, to every process that may be signalled but oneself.
        let _ = rustix::process::kill_process_group(Pid::INIT, Signal::KILL);
        if rustix::process::wait(WaitOptions::empty()).is_err() {
            return;
        }
    }
}

/// What a process has, each page that it shares counted whole.
fn cheap(id: &str) -> Option<Memory> {
    let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    Some(Memory { own: kilobytes(&status, &["RssAnon:", "VmSwap:"]), shared: kilobytes(&status, &["RssShmem:"]) })
}

/// The same, with its part only of each page that it shares.
fn exact(id: &str) -> Option<Memory> {
    let rollup = fs::read_to_string(format!("/proc/{id}/smaps_rollup")).ok()?;
    Some(Memory { own: kilobytes(&rollup, &["Pss_Anon:", "SwapPss:"]), shared: kilobytes(&rollup, &["Pss_Shmem:"]) })
}

/// The sum of some lines, in bytes.
fn kilobytes(text: &str, names: &[&str]) -> u64 {
    let line = |name: &&str| text.lines().find_map(|line| line.strip_prefix(*name));
    let values = names.iter().filter_map(line).filter_map(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
    values.sum::<u64>() * 1024
}

/// Shared segments that no process holds any more stay until they are removed. The columns: `… rss swap` at the end.
fn shared_segments() -> u64 {
    let Ok(table) = fs::read_to_string("/proc/sysvipc/shm") else { return 0 };
    let detached = table.lines().skip(1).filter(|line| line.split_whitespace().nth(6) == Some("0"));
    detached.filter_map(|line| line.split_whitespace().rev().nth(1)?.parse::<u64>().ok()).sum()
}

/// Processor time of a process and of what it waited for.
fn cpu(id: &str) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The name is in parentheses and may hold any byte, so fields are counted from the last of them.
    let (_, fields) = stat.rsplit_once(')')?;
    let ticks: u64 = fields.split_whitespace().skip(11).take(4).filter_map(|field| field.parse::<u64>().ok()).sum();
    Some(ticks * 1_000_000 / TICKS)
}
