//! The person who decides.

use crate::Result;
use crate::bindings::pit::agent::human as host;

pub use host::{Decision, Proposal, Question, Remark};

/// Asks and waits, however long it takes.
///
/// # Errors
/// `unavailable` if the run was started with nobody to ask.
pub fn ask(question: &Question) -> Result<String> {
    Ok(host::ask(question)?)
}

/// Proposes something and waits for yes or no. A yes widens nothing that the agent may do.
///
/// # Errors
/// `unavailable` if the run was started with nobody to ask.
pub fn propose(proposal: &Proposal) -> Result<Decision> {
    Ok(host::propose(proposal)?)
}

/// Tells, without waiting. Free; past 100 a run it is dropped.
///
/// # Errors
/// Only those that any call may answer.
pub fn notify(text: &str) -> Result<()> {
    Ok(host::notify(text)?)
}

/// What people have sent since the last look. Does not wait; free.
///
/// # Errors
/// Only those that any call may answer.
pub fn remarks() -> Result<Vec<Remark>> {
    Ok(host::remarks()?)
}

impl Question {
    /// A question that is answered in the person's own words.
    pub fn new(text: impl Into<String>) -> Self {
        Question { text: text.into(), ..Question::default() }
    }

    /// The same question with these answers to choose from.
    #[must_use]
    pub fn choices<T: Into<String>>(mut self, choices: impl IntoIterator<Item = T>) -> Self {
        self.choices = choices.into_iter().map(Into::into).collect();
        self
    }
}
