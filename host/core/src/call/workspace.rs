//! `workspace`: the agent's own files.

use serde::{Deserialize, Serialize};

use super::bytes::Bytes;
use crate::edit::Edit;
use crate::id::Oid;
use crate::path::RepoPath;

/// A call of `workspace`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the fields are the parameters in wit/workspace.wit")]
pub enum Call {
    List { glob: String, after: Option<String>, limit: u32 },
    Stat { path: RepoPath },
    Read { path: RepoPath, lines: Option<(u32, u32)> },
    Search(Query),
    Write { path: RepoPath, bytes: Bytes, expect: Option<Expect>, executable: Option<bool> },
    Edit { edits: Vec<Edit> },
    Rename { from: RepoPath, to: RepoPath },
    Remove { path: RepoPath },
    Snapshot { label: String },
    Restore { snapshot: String },
    Changes,
}

impl Call {
    /// `workspace.function`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::List { .. } => "workspace.list",
            Self::Stat { .. } => "workspace.stat",
            Self::Read { .. } => "workspace.read",
            Self::Search(_) => "workspace.search",
            Self::Write { .. } => "workspace.write",
            Self::Edit { .. } => "workspace.edit",
            Self::Rename { .. } => "workspace.rename",
            Self::Remove { .. } => "workspace.remove",
            Self::Snapshot { .. } => "workspace.snapshot",
            Self::Restore { .. } => "workspace.restore",
            Self::Changes => "workspace.changes",
        }
    }

    /// Whether it changes the workspace: what a fold of the journal must do again.
    pub fn changes_files(&self) -> bool {
        matches!(
            self,
            Self::Write { .. }
                | Self::Edit { .. }
                | Self::Rename { .. }
                | Self::Remove { .. }
                | Self::Snapshot { .. }
                | Self::Restore { .. }
        )
    }
}

/// What a file must be for a write to go ahead.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Expect {
    /// It must not exist.
    Absent,
    /// It must have these contents.
    Blob(Oid),
}

/// `workspace.search`
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of wit/workspace.wit")]
pub struct Query {
    pub pattern: String,
    pub literal: bool,
    pub ignore_case: bool,
    pub paths: Vec<String>,
    pub limit: u32,
}

/// What `workspace` answers.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each answers the function of its name in wit/workspace.wit")]
pub enum Value {
    Listing { entries: Vec<Entry>, next: Option<String> },
    Entry(Entry),
    Content(Content),
    Matches { matches: Vec<Match>, cut: bool, skipped: u32 },
    Written(Oid),
    Edited(Vec<Edited>),
    Snapshot(String),
    Changes(Vec<Change>),
}

/// What an entry is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each is described once, in wit/workspace.wit")]
pub enum Kind {
    File,
    Executable,
    Symlink,
    Directory,
    Submodule,
}

/// One entry. `path` is text, because a name that is not UTF-8 is listed escaped.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of wit/workspace.wit")]
pub struct Entry {
    pub path: String,
    pub kind: Kind,
    pub size: u64,
    pub hash: Option<Oid>,
}

/// A file, or some of its lines.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of wit/workspace.wit")]
pub struct Content {
    /// In the journal by reference: the blob and the range of it.
    pub bytes: Stored,
    pub hash: Oid,
    pub size: u64,
    pub lines: u32,
    pub cut: bool,
}

/// Part of a blob that the repository or the host's store keeps: recorded as the blob's id and the range, filled in
/// again when the answer is recalled.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Stored {
    /// The blob.
    pub blob: Oid,
    /// Bytes `from..to` of it.
    pub from: u64,
    /// See `from`.
    pub to: u64,
    /// The bytes; `None` when read back from the journal and not yet filled in.
    #[serde(skip)]
    pub bytes: Option<Bytes>,
}

/// A line that was found.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of wit/workspace.wit")]
pub struct Match {
    pub path: String,
    pub line: u32,
    pub text: String,
}

/// A file that an edit changed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of wit/workspace.wit")]
pub struct Edited {
    pub path: RepoPath,
    pub hash: Option<Oid>,
    pub places: u32,
    pub nearness: String,
}

/// What became of a file since the last commit.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the words say it")]
pub enum What {
    Added,
    Modified,
    Removed,
}

/// A file that differs from the last commit.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of wit/workspace.wit")]
pub struct Change {
    pub path: RepoPath,
    pub what: What,
    pub added: u32,
    pub removed: u32,
    pub protected: bool,
}
