//! The history under the workspace, and the agent's own branch.

use crate::Result;
use crate::bindings::pit::agent::vcs as host;

pub use host::{Blamed, Committed, Conflict, DiffOptions, Difference, Integration};

/// The last commits, newest first, up to 200; of one path if it is not empty. Free.
///
/// # Errors
/// Only those that any call may answer.
pub fn log(path: &str, limit: u32) -> Result<Vec<Committed>> {
    Ok(host::log(path, limit)?)
}

/// Who wrote the lines of a file, as of the last commit. Free.
///
/// # Errors
/// `not-found`.
pub fn blame(path: &str) -> Result<Vec<Blamed>> {
    Ok(host::blame(path)?)
}

/// Compares. Free.
///
/// # Errors
/// `not-found`.
pub fn diff(options: &DiffOptions) -> Result<Difference> {
    Ok(host::diff(options)?)
}

/// Commits the whole workspace on the agent's own branch, authored by the agent.
///
/// Changes to protected paths wait for a person's approval.
///
/// # Errors
/// `conflict` if nothing has changed or somebody else moved the branch.
pub fn commit(message: &str) -> Result<Committed> {
    Ok(host::commit(message)?)
}

/// Takes the commits of a child that has ended into this agent's branch and workspace, which must have no changes.
///
/// # Errors
/// `not-found` for what is not a child of this agent; `conflict` if it is still running or the workspace has changes.
pub fn integrate(child: &str, message: &str) -> Result<Integration> {
    Ok(host::integrate(child, message)?)
}
