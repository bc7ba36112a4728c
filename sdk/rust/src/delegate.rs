//! Start other agents with part of one's own grants and budget.

use crate::bindings::pit::agent::delegate as host;
use crate::{Result, Task};
use std::time::Duration;

pub use host::{Awaited, End, Ended, Order, Share};

/// Starts a child and answers its id at once. Its share of the budget is held until it ends.
///
/// # Errors
/// `not-found` for an agent the run does not know; `denied` over the run's depth or width; `conflict` if a running
/// sibling leases one of its files.
pub fn start(order: &Order) -> Result<String> {
    Ok(host::start(order)?)
}

/// Waits until one of the children has ended, or the time is up; without a time it waits as long as it takes.
/// A child that has ended answers at once, as often as it is named.
///
/// Answers `Awaited::Other` with `remark` when something was said to this agent that it has not read: once for all that
/// `human::remarks` then has, so that an agent which reads none can wait again.
///
/// # Errors
/// `not-found` for what is not a child of this agent.
pub fn wait(children: &[String], timeout: Option<Duration>) -> Result<Awaited> {
    let timeout = timeout.map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
    Ok(host::wait(children, timeout)?)
}

/// Sends a running child a remark; it reads it with `human::remarks`, marked as its parent's.
///
/// # Errors
/// `not-found`; `conflict` if it has ended.
pub fn message(child: &str, text: &str) -> Result<()> {
    Ok(host::message(child, text)?)
}

/// Sends a child that has ended back to work: same branch, workspace and conversation, one round more.
///
/// # Errors
/// `not-found`; `conflict` if it is still running.
pub fn again(child: &str, feedback: &str) -> Result<()> {
    Ok(host::again(child, feedback)?)
}

/// Stops a child and all that it started. What it committed is kept.
///
/// # Errors
/// `not-found`.
pub fn cancel(child: &str, reason: &str) -> Result<()> {
    Ok(host::cancel(child, reason)?)
}

impl Order {
    /// An order to an agent the run knows, from the parent's last commit, within the parent's grants and budget.
    pub fn new(agent: impl Into<String>, task: Task) -> Self {
        Order { agent: agent.into(), task, start: "head".to_owned(), ..Order::default() }
    }
}
