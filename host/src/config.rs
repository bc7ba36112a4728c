//! What the person, the organisation and the repository configured: read strictly, settled into one value in which
//! everything says where it came from.
//!
//! Defaults, the organisation's file, the user's, the repository's `pit.toml` and the command line, in this order:
//! [`written`] is exactly what they say, [`settled`] is what holds. The repository's file can narrow at will; what in it
//! widens counts only with a [`trust::Trusted`]. Where the layers may not go over each other, [`settled`] says so.
//! [`choose`] is which models are asked, [`dirs`] where pit keeps things, [`file`] the only part that opens one, [`init`] proposes a first `pit.toml`.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use orchestra_pit_core::strict;

pub mod choose;
pub mod dirs;
pub mod file;
pub mod init;
pub mod settled;
pub mod trust;
pub mod written;

#[cfg(test)]
mod tests;

/// Who says a thing. A later one goes over an earlier one, as far as that one lets it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Layer {
    /// Nobody: it is built in.
    Default,
    /// `/etc/orchestra-pit/policy.toml`.
    Organisation,
    /// `config.toml` of the user.
    User,
    /// `pit.toml` of the repository.
    Repository,
    /// A variable of the environment.
    Environment,
    /// The command line.
    Flag,
}

/// Where a value came from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Origin {
    /// It is built in.
    Default,
    /// A line of a file.
    File {
        /// Whose file.
        layer: Layer,
        /// Where it is.
        path: Arc<Path>,
        /// From 1.
        line: usize,
    },
    /// A variable of the environment.
    Environment(String),
    /// A flag.
    Flag(&'static str),
}

/// A value and where it came from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Said<T> {
    /// What holds.
    pub value: T,
    /// Who said so.
    pub from: Origin,
}

/// One file's text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Source {
    /// Whose it is.
    pub layer: Layer,
    /// Where it is.
    pub path: Arc<Path>,
    /// All of it.
    pub text: Arc<str>,
}

/// Why the configuration does not hold. Nothing has been started or sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ConfigError {
    /// A file that is there cannot be read.
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// Somebody else could have written what has to be believed.
    Unsafe {
        /// The file.
        path: PathBuf,
        /// The file or the folder above that others can write.
        part: PathBuf,
    },
    /// What a file says cannot hold.
    Wrong {
        /// Which.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// What is wrong.
        message: String,
        /// What would help.
        hint: Option<String>,
    },
    /// What the command line says cannot hold.
    Flag {
        /// Which.
        flag: &'static str,
        /// What is wrong.
        message: String,
    },
    /// The repository's file widens, and the person has not said yes to it.
    Untrusted {
        /// The file.
        path: PathBuf,
        /// What would count only then.
        widens: Vec<Widening>,
    },
}

/// Something in a repository's file that gives more than there would be without it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Widening {
    /// In which line.
    pub line: usize,
    /// The key.
    pub key: String,
    /// What it would be.
    pub to: String,
    /// What it is without.
    pub without: String,
}

impl ConfigError {
    /// A word for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "config-unreadable",
            Self::Unsafe { .. } => "config-unsafe",
            Self::Wrong { .. } => "config-wrong",
            Self::Flag { .. } => "flag-wrong",
            Self::Untrusted { .. } => "untrusted",
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { path, why } => write!(f, "{} cannot be read: {why}", path.display()),
            Self::Unsafe { path, part } => write!(
                f,
                "{} is not believed, because others than its owner can write {}; take that right away and try again",
                path.display(),
                part.display()
            ),
            Self::Wrong { path, line, message, hint } => {
                write!(f, "{}:{line}: {message}", path.display())?;
                hint.iter().try_for_each(|hint| write!(f, "\n{hint}"))
            }
            Self::Flag { flag, message } => write!(f, "{flag}: {message}"),
            Self::Untrusted { path, widens } => {
                write!(f, "{} is not trusted, and gives more than there is without it:", path.display())?;
                for Widening { line, key, to, without } in widens {
                    write!(f, "\n  line {line}: {key} = {to} (without it {without})")?;
                }
                write!(f, "\nnothing was started; read the file, then type: pit trust")
            }
        }
    }
}

impl std::error::Error for ConfigError {}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("built in"),
            Self::File { path, line, .. } => write!(f, "{}:{line}", path.display()),
            Self::Environment(name) => write!(f, "${name}"),
            Self::Flag(name) => f.write_str(name),
        }
    }
}

impl Origin {
    /// Who said it.
    pub fn layer(&self) -> Layer {
        match self {
            Self::Default => Layer::Default,
            Self::File { layer, .. } => *layer,
            Self::Environment(_) => Layer::Environment,
            Self::Flag(_) => Layer::Flag,
        }
    }
}

impl<T> Said<T> {
    /// Built in.
    pub fn default(value: T) -> Self {
        Self { value, from: Origin::Default }
    }

    /// The same place, another value.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Said<U> {
        Said { value: change(self.value), from: self.from }
    }
}

impl Source {
    /// The line of an offset.
    pub fn line(&self, offset: usize) -> usize {
        strict::place(&self.text, offset).line
    }

    /// The place of an offset.
    pub fn origin(&self, offset: usize) -> Origin {
        Origin::File { layer: self.layer, path: self.path.clone(), line: self.line(offset) }
    }

    /// A value that is written here.
    pub fn said<T>(&self, value: toml::Spanned<T>) -> Said<T> {
        let from = self.origin(value.span().start);
        Said { value: value.into_inner(), from }
    }

    /// What is wrong at an offset.
    pub fn wrong(&self, offset: usize, message: impl Into<String>) -> ConfigError {
        let line = self.line(offset);
        ConfigError::Wrong { path: self.path.to_path_buf(), line, message: message.into(), hint: None }
    }
}
