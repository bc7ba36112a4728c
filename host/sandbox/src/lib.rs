//! The walls around a native command: what it may see is built for it, what it may do is taken away before it starts.
//!
//! A program is started for it that has one thread, so nothing is forked inside a process with more. Read in this order: `spec`
//! (what is asked for), `stages` (which program), `start` (the host's end), `outer` (leaves the host's namespaces), `inner`
//! (builds the root, drops every right, starts the command, watches it), `walls` (what this machine can give).

mod report;
mod spec;
mod stages;
mod start;
mod system;
mod walls;
mod wire;

#[cfg(target_os = "linux")]
mod forward;
#[cfg(target_os = "linux")]
mod inner;
#[cfg(target_os = "linux")]
mod landlocked;
#[cfg(target_os = "linux")]
mod loopback;
#[cfg(target_os = "linux")]
mod outer;
#[cfg(target_os = "linux")]
mod probe;
#[cfg(target_os = "linux")]
mod root;
#[cfg(target_os = "linux")]
mod seccomp;
#[cfg(target_os = "linux")]
mod sys;
#[cfg(target_os = "linux")]
mod watch;

use std::process::ExitCode;

pub use report::{Ended, Failed, Limit, Message, Report};
pub use spec::{Limits, Mount, Network, SANDBOX_ID, Spec, layer_owner};
pub use stages::{NAME, stages};
pub use start::{Error, Ran, Started, Stream, run, start_at};
pub use system::system;
pub use walls::{Class, Wall, Walls, walls};

/// A terminal for a command with `Spec::terminal`: the end that is read and typed into, and the one that is its output.
#[cfg(target_os = "linux")]
pub fn terminal() -> std::io::Result<(std::os::fd::OwnedFd, std::os::fd::OwnedFd)> {
    sys::terminal()
}

/// First argument of the stage that leaves the host's namespaces.
pub const OUTER: &str = "__sandbox-outer";
/// First argument of the stage that tries one wall after the other.
pub const PROBE: &str = "__sandbox-probe";
/// First argument of who asks which build this is.
pub const BUILD: &str = "__sandbox-build";

/// Plays the stage that this process was started as, if it was started as one.
///
/// To be called first in `main`: a process with a second thread can neither leave its user namespace nor change its ids whole.
pub fn main_if_asked() -> Option<ExitCode> {
    let asked = std::env::args_os().nth(1)?;
    #[cfg(target_os = "linux")]
    {
        if asked == OUTER {
            return Some(outer::main());
        }
        if asked == PROBE {
            return Some(probe::main());
        }
        if asked == BUILD {
            return Some(stages::say_build());
        }
    }
    #[cfg(not(target_os = "linux"))]
    drop(asked);
    None
}
