//! `vcs`: history, and the agent's own branch.

use serde::{Deserialize, Serialize};

use super::{Durability, Redo};
use crate::id::{Oid, RunId};
use crate::path::RepoPath;
use crate::time::Time;

/// A call of `vcs`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the fields are the parameters in wit/vcs.wit")]
pub enum Call {
    /// `path` is empty for the whole history.
    Log {
        path: Option<RepoPath>,
        limit: u32,
    },
    Blame {
        path: RepoPath,
    },
    Diff(DiffOptions),
    Commit {
        message: String,
    },
    Integrate {
        child: RunId,
        message: String,
    },
}

impl Call {
    /// `vcs.function`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Log { .. } => "vcs.log",
            Self::Blame { .. } => "vcs.blame",
            Self::Diff(_) => "vcs.diff",
            Self::Commit { .. } => "vcs.commit",
            Self::Integrate { .. } => "vcs.integrate",
        }
    }

    /// A commit has its author, times and parents from its order: made again, it is the same object.
    pub fn redo(&self) -> Redo {
        if self.durability() == Durability::Before { Redo::WithKey } else { Redo::Freely }
    }

    /// Commits touch the user's repository; the rest only reads it.
    pub fn durability(&self) -> Durability {
        match self {
            Self::Commit { .. } | Self::Integrate { .. } => Durability::Before,
            Self::Log { .. } | Self::Blame { .. } | Self::Diff(_) => Durability::Rides,
        }
    }
}

/// What to compare.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of wit/vcs.wit")]
pub struct DiffOptions {
    pub from: Point,
    pub to: Point,
    pub paths: Vec<String>,
    pub context: u32,
    pub limit: u32,
}

/// A state of the files.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Point {
    /// Where the run started.
    Base,
    /// The run's last commit.
    Head,
    /// As the files are now.
    Workspace,
    /// A commit of the run's own history.
    Commit(Oid),
}

/// What `vcs` answers.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each answers the function of its name in wit/vcs.wit")]
pub enum Value {
    Log(Vec<Commit>),
    Blame(Vec<Blamed>),
    Diff(Diff),
    Commit(Commit),
    Integration(Integration),
}

/// A commit.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of wit/vcs.wit")]
pub struct Commit {
    pub id: Oid,
    pub author: String,
    pub time: Time,
    pub message: String,
}

/// Lines and the commit they come from.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of wit/vcs.wit")]
pub struct Blamed {
    pub first: u32,
    pub last: u32,
    pub commit: Commit,
}

/// A unified diff.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of wit/vcs.wit")]
pub struct Diff {
    pub text: String,
    pub files: u32,
    pub added: u32,
    pub removed: u32,
    pub cut: bool,
}

/// What became of an integration.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Integration {
    /// The new tip.
    Merged(Commit),
    /// It was in already.
    Nothing,
    /// Nothing was changed.
    Conflicts(Vec<Conflict>),
}

/// A place where two sides do not fit.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of wit/vcs.wit")]
pub struct Conflict {
    pub path: String,
    pub base: String,
    pub ours: String,
    pub theirs: String,
}
