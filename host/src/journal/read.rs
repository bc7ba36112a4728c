//! Reading a journal, by its owner, by other processes and by commands: whole runs, the end of a tree, and how things stand.

use std::collections::BTreeMap;
use std::sync::Arc;

use orchestra_pit_core::id::RunId;
use orchestra_pit_core::record::{self, Chain, Damage, Ended, Event, Header, Intended, Started};

use super::error::JournalError;
use super::past::NO_BEGINNING;
use super::prefix::whole;
use super::store::{End, Inbox, Kept, Of, Shelf, Stand};
use super::{Journal, blocking};

/// A record; without its event, if the payload was erased.
pub type Record = (Header, Option<Event>);

/// A record of a tree, and its row: where to read on from.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Grows with every record of the journal.
    pub row: u64,
    /// The fixed part.
    pub header: Header,
    /// What is recorded, unless it was erased. A model's request has the messages that follow its prefix.
    pub event: Option<Event>,
}

/// How a run stands.
#[derive(Clone, Debug)]
pub struct RunRow {
    /// Which tree it is of.
    pub tree: RunId,
    /// Which.
    pub run: RunId,
    /// How many records it has.
    pub records: u64,
    /// What it was started with; none, if that was erased.
    pub started: Option<Box<Started>>,
    /// The last record that says how it stands: began, resumed, stopped, ended, accepted or unaccepted.
    pub last: Option<Record>,
}

/// How a tree stands.
#[derive(Clone, Debug)]
pub struct TreeRow {
    /// Its lives so far.
    pub epoch: u64,
    /// Its first run.
    pub first: RunRow,
}

impl Journal {
    /// All trees, the oldest first.
    pub async fn trees(&self) -> Result<Vec<TreeRow>, JournalError> {
        let stands = self.stands(None).await?;
        stands.into_iter().map(|stand| Ok(TreeRow { epoch: stand.epoch, first: run_row(stand)? })).collect()
    }

    /// What waits in all inboxes, with the tree that it is for, oldest first. It stays there.
    pub async fn inboxes(&self) -> Result<Vec<(RunId, Inbox)>, JournalError> {
        self.settled().await;
        let shelf = Arc::clone(&self.inner.shelf);
        blocking(move || shelf.inboxes()).await
    }

    /// The runs of a tree, in the order in which they were started.
    pub async fn runs(&self, tree: RunId) -> Result<Vec<RunRow>, JournalError> {
        let stands = self.stands(Some(tree)).await?;
        if stands.is_empty() {
            return Err(JournalError::Unknown { run: tree });
        }
        stands.into_iter().map(run_row).collect()
    }

    /// How a run ended; none if it has not, or was sent back to work since. Costs a look at the record that is in the row
    /// already, or at the few that people have added after the end: nothing that grows with the run.
    pub async fn end(&self, row: &RunRow) -> Result<Option<Box<Ended>>, JournalError> {
        match &row.last {
            Some((_, Some(Event::Ended(ended)))) => return Ok(Some(ended.clone())),
            // Neither of these changes whether the run is over.
            Some((_, Some(Event::Accepted { .. } | Event::Unaccepted { .. }))) => {}
            _ => return Ok(None),
        }
        let (shelf, run) = (Arc::clone(&self.inner.shelf), row.run);
        blocking(move || {
            let mut end = None;
            shelf.back(run, &mut |kept| {
                let (header, event) = open(&kept)?;
                if let Some(Event::Ended(ended)) = event {
                    end = Some(ended);
                }
                Ok(end.is_none() && header.kind != "began")
            })?;
            Ok(end)
        })
        .await
    }

    /// A run's records from a number on, whole: also a model's requests. The chain is checked from the start.
    pub async fn read(&self, run: RunId, from: u64) -> Result<Vec<Record>, JournalError> {
        self.settled().await;
        let shelf = Arc::clone(&self.inner.shelf);
        blocking(move || read(&*shelf, run, from)).await
    }

    /// The records of a tree after a row, for whoever follows it: 0 for all. Each is checked by itself, and a model's request has
    /// only the messages that follow its prefix; [`read`](Self::read) and [`verify`](Self::verify) do more and cost more.
    pub async fn read_tree(&self, tree: RunId, after: u64) -> Result<Vec<Row>, JournalError> {
        self.fold_tree(tree, after, Vec::new(), Vec::push).await
    }

    /// The same, one record at a time: who only wants to know what they come to need not hold all of them.
    pub async fn fold_tree<T: Send + 'static>(
        &self,
        tree: RunId,
        after: u64,
        mut to: T,
        mut each: impl FnMut(&mut T, Row) + Send + 'static,
    ) -> Result<T, JournalError> {
        self.settled().await;
        let shelf = Arc::clone(&self.inner.shelf);
        blocking(move || {
            shelf.read(Of::Tree(tree, after), &mut |kept| {
                let (header, event) = open(&kept)?;
                each(&mut to, Row { row: kept.row, header, event });
                Ok(())
            })?;
            Ok(to)
        })
        .await
    }

    /// Checks every record of a tree: that none was changed, moved, added or taken away. Names the first that is wrong. Returns
    /// how many there are.
    pub async fn verify(&self, tree: RunId) -> Result<u64, JournalError> {
        self.settled().await;
        let shelf = Arc::clone(&self.inner.shelf);
        blocking(move || {
            let (mut chains, mut count) = (Chains::default(), 0);
            let ends = shelf.read(Of::Tree(tree, 0), &mut |kept| {
                count += 1;
                chains.check(&kept).map(drop)
            })?;
            if ends.is_empty() {
                return Err(JournalError::Unknown { run: tree });
            }
            chains.end(&ends)?;
            Ok(count)
        })
        .await
    }

    /// Waits until what is queued can be read. A journal that takes no more can still be read: that is when people look.
    async fn settled(&self) {
        let _ = self.barrier().await;
    }

    async fn stands(&self, tree: Option<RunId>) -> Result<Vec<Stand>, JournalError> {
        self.settled().await;
        let shelf = Arc::clone(&self.inner.shelf);
        blocking(move || shelf.stands(tree)).await
    }
}

fn run_row(stand: Stand) -> Result<RunRow, JournalError> {
    let started = match stand.first.as_ref().map(open).transpose()? {
        Some((_, Some(Event::Started(started)))) => Some(started),
        _ => None,
    };
    let last = stand.last.as_ref().map(open).transpose()?;
    Ok(RunRow { tree: stand.tree, run: stand.run, records: stand.records, started, last })
}

fn open(kept: &Kept) -> Result<Record, Damage> {
    record::open(kept.run, kept.number, &kept.header, kept.payload.as_deref())
}

fn read(shelf: &dyn Shelf, run: RunId, from: u64) -> Result<Vec<Record>, JournalError> {
    let mut chains = Chains::default();
    let (mut records, mut talks): (Vec<Record>, BTreeMap<u64, Box<Intended>>) = Default::default();
    let mut erased = false;
    let ends = shelf.read(Of::Run(run), &mut |kept| {
        let (header, mut event) = chains.check(&kept)?;
        erased |= event.is_none();
        if let Some(Event::Intended(intended)) = &mut event
            && matches!(&intended.call, orchestra_pit_core::call::Call::Model(_))
        {
            talks.insert(intended.seq, intended.clone());
            if header.number >= from {
                match whole(intended, |seq| talks.get(&seq).map(|stored| &**stored)) {
                    Some(call) => (intended.call, intended.prefix) = (call, None),
                    // Stays as it is stored: its beginning was erased.
                    None if erased => {}
                    None => {
                        let why = NO_BEGINNING.to_owned();
                        return Err(Damage::Unreadable { run, number: header.number, why }.into());
                    }
                }
            }
        }
        if header.number >= from {
            records.push((header, event));
        }
        Ok(())
    })?;
    if ends.is_empty() {
        return Err(JournalError::Unknown { run });
    }
    chains.end(&ends)?;
    Ok(records)
}

/// Checks the chains of several runs at once.
#[derive(Default)]
pub(super) struct Chains {
    chains: BTreeMap<RunId, Chain>,
}

impl Chains {
    /// Checks the next record of its run.
    pub(super) fn check(&mut self, kept: &Kept) -> Result<Record, JournalError> {
        let chain = self.chains.entry(kept.run).or_insert_with(|| Chain::new(kept.run));
        let (run, number) = (kept.run, chain.next());
        if kept.number > number {
            return Err(Damage::Missing { run, number }.into());
        }
        Ok(chain.check(&kept.header, kept.payload.as_deref())?)
    }

    /// Checks that every run ends where it should, and gives its chain.
    pub(super) fn end(mut self, ends: &[End]) -> Result<Vec<(RunId, Chain)>, JournalError> {
        let mut chains = Vec::new();
        for end in ends {
            let run = end.run;
            let chain = self.chains.remove(&run).unwrap_or_else(|| Chain::new(run));
            if chain.next() < end.next {
                return Err(Damage::Missing { run, number: chain.next() }.into());
            }
            if chain.next() > end.next || chain.head() != end.head {
                return Err(Damage::Chain { run, number: chain.next().saturating_sub(1) }.into());
            }
            chains.push((run, chain));
        }
        match self.chains.into_keys().next() {
            Some(run) => Err(Damage::Chain { run, number: 0 }.into()),
            None => Ok(chains),
        }
    }
}
