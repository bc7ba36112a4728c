//! What the system tells a process that shows something: that it is to stop, that its terminal is gone, that it has another size.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// What was told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Told {
    /// Ctrl-C, or a polite `kill`.
    Stop,
    /// Ctrl-\.
    StopNow,
    /// The terminal is gone.
    HungUp,
    /// The terminal has another size.
    Resized,
    /// The process was put aside and is back.
    Continued,
}

/// All of them.
pub struct Signals {
    interrupt: Signal,
    terminate: Signal,
    quit: Signal,
    hang_up: Signal,
    resize: Signal,
    go_on: Signal,
}

impl Signals {
    /// From now on they come here, and do nothing by themselves.
    pub fn new() -> io::Result<Self> {
        let go_on = SignalKind::from_raw(rustix::process::Signal::CONT.as_raw());
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            quit: signal(SignalKind::quit())?,
            hang_up: signal(SignalKind::hangup())?,
            resize: signal(SignalKind::window_change())?,
            go_on: signal(go_on)?,
        })
    }

    /// The next one.
    pub async fn next(&mut self) -> Told {
        tokio::select! {
            _ = self.interrupt.recv() => Told::Stop,
            _ = self.terminate.recv() => Told::Stop,
            _ = self.quit.recv() => Told::StopNow,
            _ = self.hang_up.recv() => Told::HungUp,
            _ = self.resize.recv() => Told::Resized,
            _ = self.go_on.recv() => Told::Continued,
        }
    }
}
