//! What keeps the records, and its promises.

use orchestra_pit_core::id::{Hash, RunId};
use orchestra_pit_core::time::Time;

use super::error::{JournalError, Refused};

/// The writing end of a store; the writer's thread has the only one of its process.
///
/// - [`commit`](Self::commit) carries operations out in their order, a prefix of them or all; what it has returned `Ok` for
///   survives a crash of the process, and of the machine where the store is on disk.
/// - A record is kept only if its run's journal ends just before its number, and its tree has no later owner than its epoch.
///   Otherwise none of the tree's operations are carried out, the tree is named, and all others are.
/// - `Err` means that it is not known what was kept beyond a prefix, and the store takes no more.
/// - Nothing is promised about two trees at once, so that a store may be many servers.
pub(super) trait Store: Send {
    /// Carries operations out, and fills in their results. Returns the trees whose operations were refused.
    fn commit(&mut self, ops: &mut [Op]) -> Result<Vec<(RunId, Refused)>, Refused>;
}

/// The reading end: from any thread, of whatever is committed at that moment.
pub(super) trait Shelf: Send + Sync {
    /// Gives the records of a tree or a run in the order in which they were written, and then tells where each run ends; all as
    /// of one moment.
    fn read(&self, of: Of, each: &mut dyn FnMut(Kept) -> Result<(), JournalError>) -> Result<Vec<End>, JournalError>;
    /// Gives the records of a run from the last to the first, until told that it is enough.
    fn back(&self, run: RunId, each: &mut dyn FnMut(Kept) -> Result<bool, JournalError>) -> Result<(), JournalError>;
    /// The first and the last record that tells how a run stands: of the runs of a tree, or of the first run of every tree.
    fn stands(&self, tree: Option<RunId>) -> Result<Vec<Stand>, JournalError>;
    /// What is in all inboxes, with whose it is, oldest first.
    fn inboxes(&self) -> Result<Vec<(RunId, Inbox)>, JournalError>;
}

/// Which records.
#[derive(Clone, Copy, Debug)]
pub(super) enum Of {
    /// Those of all runs of a tree, after a row.
    Tree(RunId, u64),
    /// Those of one run.
    Run(RunId),
}

/// An operation of the queue.
#[derive(Debug)]
pub(super) enum Op {
    /// Keeps a record.
    Append(Append),
    /// Makes sure that the tree is still of this epoch.
    Check { tree: RunId, epoch: u64 },
    /// Makes the next epoch of a tree; tells which it is.
    Claim { tree: RunId, epoch: u64 },
    /// Puts something into an inbox; tells its number.
    Put { tree: RunId, body: String, by: String, at: Time, id: u64 },
    /// Gives what is in the inbox and was not yet given to this epoch.
    Take { tree: RunId, epoch: u64, taken: Vec<Inbox> },
    /// Takes something out of an inbox for good.
    Done { tree: RunId, epoch: u64, id: u64 },
    /// Erases a payload; tells whether there is such a record.
    Erase { run: RunId, number: u64, found: bool },
}

/// A record to keep.
#[derive(Debug)]
pub(super) struct Append {
    pub(super) tree: RunId,
    pub(super) run: RunId,
    pub(super) number: u64,
    pub(super) epoch: u64,
    /// Canonical JSON.
    pub(super) header: Vec<u8>,
    /// Canonical JSON.
    pub(super) payload: Vec<u8>,
    /// The hash of the header: the end of the run's chain.
    pub(super) head: Hash,
    /// Whether it tells how the run stands.
    pub(super) stand: bool,
}

impl Op {
    /// The tree that must be of this epoch.
    pub(super) fn owned(&self) -> Option<(RunId, u64)> {
        match *self {
            Self::Append(Append { tree, epoch, .. })
            | Self::Check { tree, epoch }
            | Self::Take { tree, epoch, .. }
            | Self::Done { tree, epoch, .. } => Some((tree, epoch)),
            Self::Claim { .. } | Self::Put { .. } | Self::Erase { .. } => None,
        }
    }
}

/// A record that was kept.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub(super) row: u64,
    pub(super) run: RunId,
    pub(super) number: u64,
    pub(super) header: Vec<u8>,
    pub(super) payload: Option<Vec<u8>>,
}

/// Where a run's journal ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct End {
    pub(super) run: RunId,
    pub(super) next: u64,
    pub(super) head: Hash,
}

/// How a run stands.
#[derive(Clone, Debug)]
pub(super) struct Stand {
    pub(super) tree: RunId,
    pub(super) run: RunId,
    pub(super) epoch: u64,
    pub(super) records: u64,
    pub(super) first: Option<Kept>,
    pub(super) last: Option<Kept>,
}

/// Something that another process wants of a tree's owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inbox {
    /// Its number: in the order in which they came.
    pub id: u64,
    /// What.
    pub body: String,
    /// Who put it there.
    pub by: String,
    /// When.
    pub at: Time,
}
