//! Why a call was not carried out, as an error of Rust.

use crate::bindings::pit::agent::types;
use crate::{Failure, More};
use std::fmt;

/// What every call of the contract answers.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a call was not carried out. It is an answer like any other: an agent may read it and try something else, or
/// pass it on with `?`, which ends its run with a [`Failure`] of the same kind.
#[derive(Clone, Debug, PartialEq)]
pub struct Error {
    /// One word: `denied`, `exhausted`, `invalid`, `not-found`, `conflict`, `too-large`, `unsupported`, `unavailable`,
    /// `refused`, `context-full`, `cancelled` or `interrupted`. A later host may know more.
    pub kind: String,
    /// What happened, for people and models.
    pub message: String,
    /// The rule that stood against it.
    pub rule: Option<String>,
    /// How to ask for it, or what to do instead.
    pub hint: Option<String>,
    /// Named values added by later hosts.
    pub more: More,
}

impl Error {
    /// An error of one's own making.
    pub fn new(kind: impl Into<String>, message: impl Into<String>) -> Self {
        Error { kind: kind.into(), message: message.into(), rule: None, hint: None, more: Vec::new() }
    }

    /// Whether it is of this kind.
    pub fn is(&self, kind: &str) -> bool {
        self.kind == kind
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind, self.message)?;
        if let Some(rule) = &self.rule {
            write!(f, " ({rule})")?;
        }
        match &self.hint {
            Some(hint) => write!(f, "; {hint}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}

impl From<types::Error> for Error {
    fn from(error: types::Error) -> Self {
        let types::Error { kind, message, rule, hint, more } = error;
        Error { kind, message, rule, hint, more }
    }
}

impl From<Error> for Failure {
    /// The rule and the hint travel in `more`, so that whoever started the agent can read them.
    fn from(error: Error) -> Self {
        let mut more = error.more;
        more.extend(error.rule.map(|rule| ("rule".to_owned(), rule)));
        more.extend(error.hint.map(|hint| ("hint".to_owned(), hint)));
        Failure { kind: error.kind, message: error.message, more }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn denied() -> Error {
        Error {
            rule: Some("protected-paths".into()),
            hint: Some("ask for write".into()),
            ..Error::new("denied", "write .git/hooks/x")
        }
    }

    #[test]
    fn an_error_reads_as_one_line() {
        assert_eq!(denied().to_string(), "denied: write .git/hooks/x (protected-paths); ask for write");
        assert_eq!(Error::new("not-found", "no file a.rs").to_string(), "not-found: no file a.rs");
    }

    #[test]
    fn the_question_mark_keeps_kind_rule_and_hint() {
        fn gives_up() -> std::result::Result<(), Failure> {
            Err(denied())?
        }
        let failure = gives_up().unwrap_err();
        assert_eq!((failure.kind.as_str(), failure.message.as_str()), ("denied", "write .git/hooks/x"));
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(failure.more, [pair("rule", "protected-paths"), pair("hint", "ask for write")]);
    }
}
