//! Hands a terminal over to a command that has one of its own: keys go in as they are typed, what it shows comes out, and
//! the size follows.

use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::os::fd::OwnedFd;
use std::thread;

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr, tcsetwinsize};
use tokio::signal::unix::{SignalKind, signal};

/// This terminal while it is a command's. Dropped, it is what it was.
pub struct Passed {
    before: Termios,
    shown: Option<thread::JoinHandle<()>>,
}

/// Passes this terminal on to the other end of one. None if there is none here.
pub fn pass(to: &OwnedFd) -> io::Result<Option<Passed>> {
    let stdin = io::stdin();
    if !stdin.is_terminal() || !io::stdout().is_terminal() {
        return Ok(None);
    }
    let before = tcgetattr(&stdin)?;
    resize(to);
    let (size, mut keys, mut screen) = (to.try_clone()?, File::from(to.try_clone()?), File::from(to.try_clone()?));
    let mut raw = before.clone();
    raw.make_raw();
    // What was typed ahead is for the shell.
    tcsetattr(&stdin, OptionalActions::Drain, &raw)?;
    // Ends with the program: a read of a keyboard cannot be called off.
    thread::spawn(move || io::copy(&mut io::stdin().lock(), &mut keys));
    let shown = thread::spawn(move || {
        let mut buffer = vec![0; 64 << 10];
        // When the last who has the other end is gone, reading fails.
        while let Ok(length @ 1..) = screen.read(&mut buffer) {
            let mut out = io::stdout().lock();
            if out.write_all(&buffer[..length]).and_then(|()| out.flush()).is_err() {
                break;
            }
        }
    });
    if let Ok(mut resized) = signal(SignalKind::window_change()) {
        tokio::spawn(async move {
            while resized.recv().await.is_some() {
                resize(&size);
            }
        });
    }
    Ok(Some(Passed { before, shown: Some(shown) }))
}

impl Passed {
    /// Waits until all that the command has said is shown. Its end of the terminal has to be closed everywhere.
    pub fn drain(&mut self) {
        if let Some(shown) = self.shown.take() {
            let _ = shown.join();
        }
    }
}

impl Drop for Passed {
    fn drop(&mut self) {
        let _ = tcsetattr(io::stdin(), OptionalActions::Flush, &self.before);
    }
}

fn resize(to: &OwnedFd) {
    if let Ok(size) = tcgetwinsize(io::stdout()) {
        // A command that does not know the size has eighty columns.
        let _ = tcsetwinsize(to, size);
    }
}
