//! The terminal as a device: a key at a time instead of a line, its size, and what it was before.

use std::io::{self, IsTerminal, Stdin};
use std::os::fd::AsFd;
use std::sync::{Mutex, Once};

use rustix::termios::{
    InputModes, LocalModes, OptionalActions, QueueSelector, SpecialCodeIndex, Termios, tcflush, tcgetattr, tcgetpgrp,
    tcgetwinsize, tcsetattr,
};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::keys::{Key, Keys};
use super::screen::Size;
use crate::gate::lock;

/// What the terminal was before: put back by whoever ends, however it ends.
static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);

/// A keyboard that is read key by key. Dropped, the terminal is what it was.
#[derive(Debug)]
pub struct Tty {
    input: AsyncFd<Stdin>,
    keys: Keys,
    closed: bool,
}

impl Tty {
    #[expect(
        deprecated,
        reason = "its successor is unsafe because a descriptor may be closed while it is registered; standard input never is"
    )]
    /// Takes the terminal of standard input over; none if there is none, or it is at work for somebody else.
    pub fn open() -> Option<Self> {
        let stdin = io::stdin();
        if !stdin.is_terminal() || !is_mine(&stdin) {
            return None;
        }
        let before = tcgetattr(&stdin).ok()?;
        *lock(&BEFORE) = Some(before);
        restore_on_panic();
        let tty = Self {
            input: AsyncFd::with_interest(stdin, Interest::READABLE).ok()?,
            keys: Keys::default(),
            closed: false,
        };
        tty.take().ok()?;
        Some(tty)
    }

    /// Takes it again, after it was given back or somebody else has had it.
    pub fn take(&self) -> io::Result<()> {
        let Some(mut modes) = lock(&BEFORE).clone() else { return Ok(()) };
        // Keys that send signals go on doing so: that is how Ctrl-C stops a run that is busy.
        modes.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO);
        modes.input_modes.insert(InputModes::ICRNL);
        // A read never waits: readiness is what is waited for.
        modes.special_codes[SpecialCodeIndex::VMIN] = 0;
        modes.special_codes[SpecialCodeIndex::VTIME] = 0;
        Ok(tcsetattr(self.input.get_ref(), OptionalActions::Flush, &modes)?)
    }

    /// Gives it back for a while: to an editor.
    pub fn give_back(&mut self) {
        self.keys.forget();
        restore();
    }

    /// Drops what was typed up to now.
    pub fn forget(&mut self) {
        self.keys.forget();
        let _ = tcflush(self.input.get_ref(), QueueSelector::IFlush);
    }

    /// The next keys. Never comes back from a terminal that is gone. Dropped while it waits, it has taken nothing.
    pub async fn read(&mut self) -> Vec<Key> {
        while !self.closed {
            let Ok(mut ready) = self.input.readable().await else { break };
            let gone = ready.ready().is_read_closed();
            let mut bytes = [0; 256];
            match rustix::io::read(self.input.get_ref(), &mut bytes) {
                Ok(0) | Err(rustix::io::Errno::AGAIN) => {
                    ready.clear_ready();
                    self.closed |= gone;
                }
                Ok(read) => {
                    let keys = self.keys.take(bytes.get(..read).unwrap_or_default());
                    if !keys.is_empty() {
                        return keys;
                    }
                }
                Err(rustix::io::Errno::INTR) => {}
                Err(_) => self.closed = true,
            }
        }
        std::future::pending().await
    }
}

impl Drop for Tty {
    fn drop(&mut self) {
        restore();
        *lock(&BEFORE) = None;
    }
}

/// The size of a terminal; what a terminal has at least, if it does not say.
pub fn size(terminal: impl AsFd) -> Size {
    let found = tcgetwinsize(terminal).ok().filter(|size| size.ws_col > 0 && size.ws_row > 0);
    found.map_or(Size { columns: 80, rows: 24 }, |size| Size { columns: size.ws_col.into(), rows: size.ws_row.into() })
}

/// Whether the terminal of standard input listens to this process: one that was started in the background must leave it alone,
/// or the system stops it.
fn is_mine(stdin: &Stdin) -> bool {
    tcgetpgrp(stdin.as_fd()).is_ok_and(|group| group == rustix::process::getpgrp())
}

/// Makes the terminal what it was before.
fn restore() {
    if let Some(before) = lock(&BEFORE).as_ref() {
        let stdin = io::stdin();
        if is_mine(&stdin) {
            // What was typed at the end of a run is not for the shell.
            let _ = tcsetattr(&stdin, OptionalActions::Flush, before);
        }
    }
}

/// A panic's message is read on a terminal that shows what is typed next.
fn restore_on_panic() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let told = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            restore();
            told(panic);
        }));
    });
}
