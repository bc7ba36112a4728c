//! The host's end: starts the stages, hands over what is asked for, and reads how it ended.

#![expect(clippy::disallowed_methods, reason = "starts the process that becomes the sandbox")]

use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::thread;

use serde::{Deserialize, Serialize};

use crate::report::{Failed, Message, Report};
use crate::spec::{Mount, Network, Spec};
use crate::{OUTER, wire};

/// Why there is no report of a command.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A wall or a stage that could not be had.
    #[error(transparent)]
    Failed(#[from] Failed),
    /// The sandbox could not be started or asked.
    #[error("the sandbox cannot be started: {0}")]
    Io(#[from] io::Error),
    /// The sandbox is gone without a word, for the host's reasons.
    #[error("the sandbox ended without a report; the command and all it started are gone")]
    Lost,
}

/// What the outer stage has to know.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Outside {
    pub sources: Vec<PathBuf>,
    pub network: Network,
}

impl Outside {
    fn of(spec: &Spec) -> Self {
        let sources = spec.mounts.iter().flat_map(Mount::sources).map(Path::to_owned).collect();
        Self { sources, network: spec.network }
    }
}

/// A sandbox that runs. Dropping it, or the control socket alone, ends everything in it.
#[derive(Debug)]
pub struct Started {
    control: Option<UnixStream>,
    child: Child,
}

/// Starts a command with a program as the stages: `stages()`, or another one whose `main` begins with `main_if_asked`.
pub fn start_at(program: &Path, spec: &Spec, stdin: &[u8], stdout: Stdio, stderr: Stdio) -> Result<Started, Error> {
    let mut started = spawn(program, OUTER, spec.terminal, stdout, stderr)?;
    let control = started.control.as_mut().ok_or(Error::Lost)?;
    let handed = wire::put(control, &Outside::of(spec))
        .and_then(|()| wire::put(control, spec))
        .and_then(|()| wire::write(control, stdin));
    match handed {
        // A stage that failed has closed its end, and its reason is still to be read.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(started),
        Err(error) => Err(error.into()),
        Ok(()) => Ok(started),
    }
}

pub(crate) fn spawn(
    program: &Path,
    stage: &str,
    terminal: bool,
    stdout: Stdio,
    stderr: Stdio,
) -> Result<Started, Error> {
    if !cfg!(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))) {
        let reason = "native commands need Linux on x86-64 or arm64".to_owned();
        return Err(Failed { stage: "this system".to_owned(), reason }.into());
    }
    let (ours, theirs) = UnixStream::pair()?;
    let mut command = Command::new(program);
    command.arg(stage).env_clear().stdin(Stdio::from(OwnedFd::from(theirs))).stdout(stdout).stderr(stderr);
    if !terminal {
        // A key that interrupts the host is for the host, which lets what is at work come to its end.
        command.process_group(0);
    }
    Ok(Started { control: Some(ours), child: command.spawn()? })
}

impl Started {
    /// What the command writes, if it was started with pipes.
    pub fn output(&mut self) -> (Option<ChildStdout>, Option<ChildStderr>) {
        (self.child.stdout.take(), self.child.stderr.take())
    }

    /// The process by which another sandbox can join this one's network.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The control socket and the process, for a host that waits in its own way: read `Message`s with `message`, then wait for the
    /// process, after which the mounts are gone too.
    pub fn control(&self) -> io::Result<UnixStream> {
        self.control.as_ref().map_or_else(|| Err(io::ErrorKind::NotConnected.into()), UnixStream::try_clone)
    }

    /// Waits for the next message of a sandbox.
    pub fn message(&mut self) -> Result<Message, Error> {
        let control = self.control.as_mut().ok_or(Error::Lost)?;
        wire::take(control).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset => Error::Lost,
            _ => Error::Io(error),
        })
    }

    /// Waits for the end. When it returns nothing is left: no process, no mount.
    pub fn wait(mut self) -> Result<Report, Error> {
        let ended = loop {
            match self.message() {
                Ok(Message::Ended(report)) => break Ok(report),
                Ok(Message::Failed(failed)) => break Err(failed.into()),
                Ok(Message::Running | Message::Probed(_)) => {}
                Err(error) => break Err(error),
            }
        };
        self.end();
        ended
    }

    /// A connection to what listens on a port of the sandbox's own loopback.
    #[cfg(target_os = "linux")]
    pub fn connect(&mut self, port: u16) -> io::Result<std::net::TcpStream> {
        let control = self.control.as_ref().ok_or(io::ErrorKind::NotConnected)?;
        crate::forward::ask(control, port)
    }

    fn end(&mut self) {
        self.control = None;
        // It ends by itself as soon as the socket is closed, and it is not killed: it waits for what is inside.
        let _ = self.child.wait();
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        self.end();
    }
}

/// Where output came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// A command that has ended.
#[derive(Debug)]
pub struct Ran {
    /// How, and what it took.
    pub report: Report,
}

/// Runs a command to its end and shows its output as it comes.
pub fn run(program: &Path, spec: &Spec, stdin: &[u8], mut on_output: impl FnMut(Stream, &[u8])) -> Result<Ran, Error> {
    let mut started = start_at(program, spec, stdin, Stdio::piped(), Stdio::piped())?;
    let (out, err) = started.output();
    let (send, receive) = mpsc::sync_channel(4);
    let readers =
        [out.map(|out| pump(out, Stream::Out, send.clone())), err.map(|err| pump(err, Stream::Err, send.clone()))];
    drop(send);
    for (stream, bytes) in receive {
        on_output(stream, &bytes);
    }
    for reader in readers.into_iter().flatten() {
        let _ = reader.join();
    }
    Ok(Ran { report: started.wait()? })
}

fn pump(
    mut from: impl Read + Send + 'static,
    stream: Stream,
    to: mpsc::SyncSender<(Stream, Vec<u8>)>,
) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        let mut buffer = vec![0; 64 << 10];
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            if to.send((stream, buffer[..length].to_vec())).is_err() {
                break;
            }
        }
    })
}
