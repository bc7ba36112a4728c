//! What a team shares: notes under topics, and the list of its tasks. A team is one tree of runs.

use crate::Result;
use crate::bindings::pit::agent::board as host;

pub use host::{Card, Note};

/// Puts a note. Answers its number.
///
/// # Errors
/// `too-large` over 64 KiB a note or 4 MiB a team.
pub fn post(topic: &str, body: &str) -> Result<u64> {
    Ok(host::post(topic, body)?)
}

/// Notes of a topic after a number, oldest first, up to 100. Free.
///
/// # Errors
/// Only those that any call may answer.
pub fn notes(topic: &str, after: u64) -> Result<Vec<Note>> {
    Ok(host::notes(topic, after)?)
}

/// Adds tasks to the team's list, or changes them: the whole card, by its id.
///
/// # Errors
/// `too-large` over 200 cards.
pub fn put(cards: &[Card]) -> Result<()> {
    Ok(host::put(cards)?)
}

/// The team's list, in the order of first mention. Free.
///
/// # Errors
/// Only those that any call may answer.
pub fn cards() -> Result<Vec<Card>> {
    Ok(host::cards()?)
}
