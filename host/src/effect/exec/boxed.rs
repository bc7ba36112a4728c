//! One command in the sandbox, awaited: its output as it comes, its end, and its end at once when nobody waits any more.

use std::io::{PipeReader, Read};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex, mpsc};
use std::thread;

use orchestra_pit_core::call::exec::Stream as Shown;
use orchestra_pit_core::check::report;
use orchestra_pit_core::commands;
use orchestra_pit_core::secret::Redacting;
use orchestra_pit_sandbox::{self as sandbox, Error, Failed, Report, Spec};

use super::included::Included;
use crate::effect::model::Delta;
use crate::effect::store::lock;

/// Bytes of output after which a command is ended: nobody reads so much, and it fills a disk.
const MOST_OUTPUT: u64 = 1 << 30;

/// Bytes of what is read at once that are shown to people.
const MOST_SHOWN: usize = 4 << 10;

/// Bytes that are read at once.
const CHUNK: usize = 64 << 10;

/// A command that has ended.
#[derive(Debug)]
pub struct Boxed {
    /// How, and what it took; none if it was ended for its output.
    pub report: Option<Report>,
    /// Standard output.
    pub out: Kept,
    /// Standard error.
    pub err: Kept,
    /// Both, line by line as they came: a line of one is never cut by the other.
    pub both: Kept,
}

/// The beginning and the end of what came.
#[derive(Clone, Debug)]
pub struct Kept {
    head: Vec<u8>,
    tail: std::collections::VecDeque<u8>,
    most_head: usize,
    most_tail: usize,
    /// Bytes in all.
    total: u64,
}

impl Kept {
    /// Keeps at most so many bytes: a quarter from the beginning, the rest from the end, where the reason stands.
    pub fn new(most: usize) -> Self {
        let most_head = most / 4;
        let tail = std::collections::VecDeque::new();
        Self { head: Vec::new(), tail, most_head, most_tail: most - most_head, total: 0 }
    }

    pub(super) fn take(&mut self, bytes: &[u8]) {
        self.total += bytes.len() as u64;
        let room = self.most_head - self.head.len();
        let (head, rest) = bytes.split_at(room.min(bytes.len()));
        self.head.extend_from_slice(head);
        self.tail.extend(&rest[rest.len().saturating_sub(self.most_tail)..]);
        let over = self.tail.len().saturating_sub(self.most_tail);
        self.tail.drain(..over);
    }

    /// As an agent is answered.
    pub fn shown(&self) -> Shown {
        let tail: Vec<u8> = self.tail.iter().copied().collect();
        let cut = self.total - self.head.len() as u64 - tail.len() as u64;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if cut == 0 {
            return Shown { head: text(&[self.head.as_slice(), &tail].concat()), tail: String::new(), cut };
        }
        Shown { head: text(&self.head), tail: text(&tail), cut }
    }

    /// Whether something is left out.
    pub fn is_cut(&self) -> bool {
        self.total > self.head.len() as u64 + self.tail.len() as u64
    }

    /// As one text, with a line for what is cut.
    pub fn text(&self) -> String {
        let Shown { head, tail, cut } = self.shown();
        if cut == 0 { head } else { format!("{head}\n[{cut} bytes are left out here]\n{tail}") }
    }
}

/// What people see of commands while they run.
#[derive(Clone, Copy, Debug)]
pub enum Watched<'a> {
    /// This one begins. Beside its words what it is run for, where they do not say.
    Begins(&'a [String], &'a str),
    /// The one that began last writes this.
    Writes(&'a str),
}

impl From<Watched<'_>> for Delta {
    fn from(seen: Watched<'_>) -> Self {
        match seen {
            Watched::Begins(argv, "") => Self::Command(commands::shown(argv)),
            Watched::Begins(argv, what) => Self::Command(format!("{} ({what})", commands::shown(argv))),
            Watched::Writes(text) => Self::Output(text.to_owned()),
        }
    }
}

/// Where it goes.
pub type Watch<'a> = &'a (dyn Fn(Watched<'_>) + Send + Sync);

/// Hangs up when it is dropped: then the command and all it started are gone.
#[derive(Clone, Default)]
struct Line(Arc<Mutex<Hung>>);

#[derive(Default)]
struct Hung {
    up: bool,
    control: Option<UnixStream>,
}

struct Guard(Line);

impl Drop for Guard {
    fn drop(&mut self) {
        let mut hung = lock(&self.0.0);
        hung.up = true;
        if let Some(control) = hung.control.take() {
            // The other end may be gone already.
            let _ = control.shutdown(Shutdown::Both);
        }
    }
}

/// How a command is run.
#[derive(Clone, Debug, Default)]
pub struct How {
    /// The program that plays the sandbox's stages.
    pub program: PathBuf,
    /// Standard input.
    pub stdin: Vec<u8>,
    /// Bytes of each stream that are kept, beside the log.
    pub most: usize,
    /// Both streams through one pipe: then they are read in the order in which they were written, and not in that in which two
    /// pipes happen to be looked at. All of it counts as standard output.
    pub in_order: bool,
    /// Whose values are taken out of the output before anybody sees it.
    pub(super) included: Arc<Included>,
}

/// Runs a command to its end. Dropped, it ends the command; what is left is away before long.
pub async fn run(how: How, spec: Spec, watch: Watch<'_>) -> Result<Boxed, Error> {
    let line = Line::default();
    let _guard = Guard(line.clone());
    let (send, mut receive) = tokio::sync::mpsc::channel::<Vec<u8>>(16);
    let work = tokio::task::spawn_blocking(move || carry_out(&how, &spec, &line, &send));
    while let Some(bytes) = receive.recv().await {
        // Of a flood the end of each piece is enough to be shown.
        watch(Watched::Writes(&String::from_utf8_lossy(&bytes[bytes.len().saturating_sub(MOST_SHOWN)..])));
    }
    work.await.unwrap_or(Err(Error::Lost))
}

fn carry_out(how: &How, spec: &Spec, line: &Line, send: &tokio::sync::mpsc::Sender<Vec<u8>>) -> Result<Boxed, Error> {
    if lock(&line.0).up {
        return Err(Error::Lost);
    }
    let (stdout, stderr, one) = streams(how.in_order)?;
    let mut started = sandbox::start_at(&how.program, spec, &how.stdin, stdout, stderr)?;
    {
        let mut hung = lock(&line.0);
        if hung.up {
            return Err(Error::Lost);
        }
        hung.control = Some(started.control()?);
    }
    let (out, err) = started.output();
    let (pour, flow) = mpsc::sync_channel(4);
    let pumps = [
        one.map(|from| pump(from, true, pour.clone())),
        out.map(|from| pump(from, true, pour.clone())),
        err.map(|from| pump(from, false, pour.clone())),
    ];
    drop(pour);
    let mut boxed =
        Boxed { report: None, out: Kept::new(how.most), err: Kept::new(how.most), both: Kept::new(MOST_LOG) };
    let (mut total, mut begun) = (0, [Vec::new(), Vec::new()]);
    let secrets = how.included.secrets();
    let mut redacting = [Redacting::default(), Redacting::default()];
    let mut take = |is_out: bool, bytes: Vec<u8>| {
        if bytes.is_empty() {
            return;
        }
        let stream = if is_out { &mut boxed.out } else { &mut boxed.err };
        stream.take(&bytes);
        whole_lines(&mut begun[usize::from(is_out)], &bytes, &mut boxed.both);
        // Whoever watches may be slow: they miss something, and the command does not wait.
        let _ = send.try_send(bytes);
    };
    for (is_out, bytes) in flow {
        total += bytes.len() as u64;
        take(is_out, redacting[usize::from(is_out)].take(secrets, &bytes));
        if total > MOST_OUTPUT {
            break;
        }
    }
    redacting.iter_mut().zip([false, true]).for_each(|(rest, is_out)| take(is_out, rest.end(secrets)));
    begun.iter().for_each(|rest| boxed.both.take(rest));
    if total > MOST_OUTPUT {
        drop(started);
        return Ok(boxed);
    }
    for pump in pumps.into_iter().flatten() {
        let _ = pump.join();
    }
    boxed.report = Some(started.wait()?);
    lock(&line.0).control = None;
    Ok(boxed)
}

/// Where a command writes, and where that is read if it is one pipe.
fn streams(in_order: bool) -> std::io::Result<(Stdio, Stdio, Option<PipeReader>)> {
    if !in_order {
        return Ok((Stdio::piped(), Stdio::piped(), None));
    }
    let (read, write) = std::io::pipe()?;
    Ok((Stdio::from(write.try_clone()?), Stdio::from(write), Some(read)))
}

/// Bytes of a line that waits for its end; of a longer one what there is goes on.
const LONG_LINE: usize = 64 << 10;

/// Takes the lines that are whole; the rest waits.
fn whole_lines(begun: &mut Vec<u8>, bytes: &[u8], both: &mut Kept) {
    begun.extend_from_slice(bytes);
    let end = begun.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let end = if begun.len() - end > LONG_LINE { begun.len() } else { end };
    both.take(&begun[..end]);
    begun.drain(..end);
}

/// Bytes of both streams together that are kept as a log.
const MOST_LOG: usize = 4 << 20;

pub(super) fn pump(
    mut from: impl Read + Send + 'static,
    out: bool,
    to: mpsc::SyncSender<(bool, Vec<u8>)>,
) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        let mut buffer = vec![0; CHUNK];
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            if to.send((out, buffer[..length].to_vec())).is_err() {
                break;
            }
        }
    })
}

/// The last lines of an output, without colours: so many, and so many bytes.
pub(super) fn tail(output: &str, (most_lines, most_bytes): (usize, usize)) -> String {
    let plain = report::plain(output);
    let lines: Vec<&str> = plain.trim_end().lines().collect();
    let text = lines[lines.len().saturating_sub(most_lines)..].join("\n");
    let from = (0..=text.len()).find(|at| text.len() - at <= most_bytes && text.is_char_boundary(*at)).unwrap_or(0);
    text[from..].to_owned()
}

/// Whether a command could not be started because it is not there.
pub fn is_missing(failed: &Failed) -> bool {
    failed.stage.starts_with("the command")
}

/// Whether it is the folder that is not there in which it was to run.
pub fn is_misplaced(failed: &Failed) -> bool {
    failed.stage == "its working directory"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_one_stream_is_not_cut_by_the_other() {
        let (mut both, mut out, mut err) = (Kept::new(1000), Vec::new(), Vec::new());
        whole_lines(&mut out, b"test a ... ", &mut both);
        whole_lines(&mut err, b"Running x\n", &mut both);
        whole_lines(&mut out, b"ok\nrest", &mut both);
        assert_eq!(both.shown().head, "Running x\ntest a ... ok\n");
        assert_eq!(out, b"rest");
    }

    #[test]
    fn last_lines_have_no_colours() {
        let said = "one\ntwo\n\x1b[31mred\x1b[0m\r\n\x1b[0m\n\n";
        assert_eq!(tail(said, (2, 100)), "two\nred");
        assert_eq!(tail(said, (9, 3)), "red");
    }

    #[test]
    fn the_beginning_and_the_end_are_kept_and_what_is_cut_is_counted() {
        let mut kept = Kept::new(8);
        kept.take(b"ab");
        kept.take(b"cdefgh");
        assert_eq!(kept.shown(), Shown { head: "abcdefgh".into(), tail: String::new(), cut: 0 });
        kept.take(b"ijklmnopqrstuvwxyz");
        assert_eq!(kept.shown(), Shown { head: "ab".into(), tail: "uvwxyz".into(), cut: 18 });
        assert!(kept.text().contains("[18 bytes are left out here]"));
    }
}
