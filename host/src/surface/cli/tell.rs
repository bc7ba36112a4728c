//! How a command says that it failed: what happened, what was kept, what to type next.

use std::fmt::Display;

use orchestra_pit_core::text::clean;

use crate::surface::exit::Exit;

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

    /// Says it on standard error.
    pub fn tell(&self) {
        eprintln!("pit: {}", clean(&self.error));
        for hint in &self.hints {
            eprintln!("  {}", clean(hint));
        }
    }
}

/// Most errors are their own explanation.
impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::new(Exit::Failed, error)
    }
}
