//! Native commands over the agent's own workspace, and the person's checks, which only the host runs.

use crate::Result;
use crate::bindings::pit::agent::exec as host;

pub use host::{Checked, Command, Ended, Ran, Stream, Verdict};

/// Runs a command, and takes over what it changed when nothing of it lives any more.
///
/// Costs the time it takes.
///
/// # Errors
/// `not-found` for a program or folder that is not there; `unsupported` where the machine cannot give the walls that the
/// person requires.
pub fn run(command: &Command) -> Result<Ran> {
    Ok(host::run(command)?)
}

/// The same for a program with its arguments, at the top of the workspace.
///
/// # Errors
/// As [`run`].
pub fn argv(argv: &[&str]) -> Result<Ran> {
    run(&Command { argv: argv.iter().map(|word| (*word).to_owned()).collect(), ..Command::default() })
}

/// Has the host run the person's checks of a level (`fast`, `full`) on the workspace as it is, in a clean place.
///
/// # Errors
/// `not-found` if the person has no checks of that level; `unsupported` as for a command.
pub fn check(level: &str) -> Result<Verdict> {
    Ok(host::check(level)?)
}
