//! What a journal says when it cannot: opened, written or read.

use std::path::PathBuf;

use orchestra_pit_core::id::RunId;
use orchestra_pit_core::record::{Damage, FORMAT};

/// Why nothing more is written. Lasts: what was refused once is refused until the tree is claimed again, because records that
/// follow a lost one would have no chain to be part of.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Another host went on with the tree.
    #[error(
        "another host went on with run {} (its life {now}, this one's was {mine}): what this one did since is not on record; see `pit status {}`",
        tree.short(), tree.short()
    )]
    Taken {
        /// Which tree.
        tree: RunId,
        /// The life that this process had claimed.
        mine: u64,
        /// The one that counts.
        now: u64,
    },
    /// It was never claimed, begun or resumed here, or is claimed anew by somebody else in this process.
    #[error("run {} is not this host's to write: `pit resume {}` takes it over", tree.short(), tree.short())]
    NotOwned {
        /// Which tree or run.
        tree: RunId,
    },
    /// A newer `pit` has written to it.
    #[error(
        "run {} was written by a newer pit (record format {format}, this one writes {FORMAT}): use that one, nothing was changed",
        tree.short()
    )]
    Newer {
        /// Which tree.
        tree: RunId,
        /// What it is written in.
        format: u32,
    },
    /// No space.
    #[error(
        "the disk is full where the journal is: all records up to then are kept; make room and `pit resume` the run"
    )]
    Full,
    /// Somebody else has it locked.
    #[error(
        "another process has kept the journal locked for a minute: all records up to then are kept; end that process and `pit resume` the run"
    )]
    Locked,
    /// Anything else.
    #[error(
        "the journal cannot be written ({why}): all records up to then are kept; `pit resume` the run when that is mended"
    )]
    Failed {
        /// What the system says.
        why: String,
    },
}

/// Why a journal was not opened. Nothing was changed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Its tables are of a newer version.
    #[error("{} was made by a newer pit (tables {found}, this one knows {known}): use that one, nothing was changed", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// The version it has.
        found: i64,
        /// The newest that this `pit` knows.
        known: i64,
    },
    /// Some other file.
    #[error("{} is not a journal of pit: move it away and try again, nothing was changed", path.display())]
    Other {
        /// The file.
        path: PathBuf,
    },
    /// The system refuses.
    #[error("{} cannot be opened for writing ({why}): pit keeps its journal there, let it write; nothing was changed", path.display())]
    System {
        /// The file or its folder.
        path: PathBuf,
        /// What the system says.
        why: String,
    },
}

/// Why a journal was not read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JournalError {
    /// It is not what was written.
    #[error("{0}")]
    Damage(#[from] Damage),
    /// It cannot be written, and so not gone on with.
    #[error("{0}")]
    Refused(#[from] Refused),
    /// There is no such run.
    #[error("there is no run {}: `pit ls` shows those there are", run.short())]
    Unknown {
        /// What was looked for.
        run: RunId,
    },
    /// The system refuses.
    #[error("the journal cannot be read: {why}")]
    Read {
        /// What the system says.
        why: String,
    },
}
