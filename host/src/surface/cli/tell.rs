//! How a command says that it failed: what happened, what was kept, what to type next.

use std::fmt::Display;

use orchestra_pit_core::text::clean;

use super::follow::Output;
use super::out::{note, out};
use crate::surface::exit::Exit;
use crate::surface::json;

/// A command that did not do what it was asked.
#[derive(Debug)]
pub struct Failure {
    /// The exit code.
    pub exit: Exit,
    /// What happened.
    pub error: String,
    /// What would help; each a line.
    pub hints: Vec<String>,
}

impl Failure {
    /// With an exit code of its own.
    pub fn new(exit: Exit, error: impl Display) -> Self {
        Self { exit, error: error.to_string(), hints: Vec::new() }
    }

    /// From a text of several lines: the first happened, the others help.
    pub fn lines(exit: Exit, text: &str) -> Self {
        let mut lines = text.lines();
        let error = lines.next().unwrap_or_default().to_owned();
        Self { exit, error, hints: lines.map(str::to_owned).collect() }
    }

    /// The same with a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Says it on standard error, and to a program that waits for JSON on standard output too. Comes back with the exit code.
    pub fn tell_as(&self, output: Output) -> Exit {
        self.tell();
        if output != Output::Text {
            out!("{}", json::failure(self.exit, &self.error, &self.hints));
        }
        self.exit
    }

    /// Says it on standard error.
    pub fn tell(&self) {
        note!("pit: {}", clean(&self.error));
        for hint in &self.hints {
            note!("  {}", clean(hint));
        }
    }
}

/// Most errors are their own explanation.
impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::new(Exit::Failed, error)
    }
}
