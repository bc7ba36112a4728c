//! The journal: what is about to happen and what came of it, on record before anything else is done about it.
//!
//! Third in the sentence: a [`Hold`] comes in, an [`Intent`] (the right to act once) and an [`Open`] (the duty to answer)
//! go out. What is kept where is up to a [`store::Store`]; its promises stand there, and one conformance suite holds every
//! store to them. Here is what follows from them for a run:
//!
//! - Everything that one process writes goes through one queue, first in, first out, and a commit takes a prefix of it. What a
//!   crash loses is a suffix of the whole, never one agent's middle.
//! - An answer is queued before anyone can see it. The agent does not wait for its answers: the queue is flushed with the
//!   next intent that must be on disk, whoever's it is, and after [`queue::LINGER`] in any case. So one durable write a call
//!   suffices, shared by all agents. An empty queue costs nothing, not even a timer.
//! - A caller only moves typed values into the queue. Encoding, digests and the hash chain are the writer's, a thread of its own.
//! - A tree of runs is written by its last owner alone: [`Journal::claim`] makes every earlier owner's records refused.
//! - What cannot be written is refused from then on, with what was kept and what to type; nothing is skipped.
//!
//! Deliberately absent: transactions over two trees, deleting, and a clock; whoever writes says when.

use std::path::Path;
use std::sync::Arc;

use orchestra_pit_core::budget::{Charge, Cost, Hold, Line};
use orchestra_pit_core::call::{Answer, CallId, Durability, Facts, Order};
use orchestra_pit_core::id::{Hash, RunId};
use orchestra_pit_core::policy::Scope;
use orchestra_pit_core::record::Event;
use orchestra_pit_core::time::Time;

mod error;
mod memory;
mod past;
mod prefix;
mod queue;
mod read;
mod sqlite;
mod store;
mod weigh;
mod writer;

pub use error::{JournalError, OpenError, Refused};
pub use past::Recall;
pub use queue::Ticket;
pub use read::{Record, Row, RunRow, TreeRow};
pub use store::Inbox;
pub use writer::Die;

use past::Pasts;
use queue::{Item, Queue, What};
use store::{Op, Shelf};

/// A journal. Cheap to clone; when the last clone is dropped, what is queued is written.
#[derive(Clone)]
pub struct Journal {
    inner: Arc<Inner>,
}

struct Inner {
    queue: Arc<Queue>,
    shelf: Arc<dyn Shelf>,
    pasts: Pasts,
    writer: Option<std::thread::JoinHandle<()>>,
}

/// How to open a journal. For tests that kill the host at a chosen record.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// End the process without warning at this record.
    pub die: Option<Die>,
}

/// The right to act once. The effect consumes it.
#[must_use = "an intent is on record: carry it out, and answer"]
#[derive(Debug)]
pub struct Intent {
    order: Order,
    scope: Scope,
    line: Line,
}

impl Intent {
    /// What to do.
    pub fn order(&self) -> &Order {
        &self.order
    }

    /// What the call may see.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// What was held for it: the most it may cost.
    pub fn line(&self) -> Line {
        self.line
    }

    /// Uses the right up.
    pub fn into_parts(self) -> (Order, Scope, Line) {
        (self.order, self.scope, self.line)
    }
}

/// The duty to answer a call whose intent is on record. Stays with `run` while the effect is at work.
#[must_use = "a call whose intent is on record must be answered"]
#[derive(Debug)]
pub struct Open {
    id: CallId,
    tree: RunId,
    name: &'static str,
    charge: Option<Charge>,
    /// `None`: the writer has it from the intent.
    digest: Option<Hash>,
}

impl Open {
    /// Which call.
    pub fn id(&self) -> CallId {
        self.id
    }

    /// `noun.function`.
    pub fn name(&self) -> &'static str {
        self.name
    }
}

/// An intent of an earlier life without an answer: the effect may have happened or not.
#[must_use = "a call in doubt must be done again or answered"]
#[derive(Debug)]
pub struct InDoubt {
    seq: u64,
    digest: Hash,
    facts: Facts,
    at: Time,
}

impl InDoubt {
    /// What was found out about the call then.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// When it was made: done again, it is made at the same time.
    pub fn at(&self) -> Time {
        self.at
    }
}

impl Journal {
    /// A journal that is gone with the process.
    pub fn memory() -> Self {
        let (store, shelf) = memory::open();
        Self::start(Box::new(store), Arc::new(shelf), Options::default())
    }

    /// The journal of a repository: `pit/journal.db` in its common git directory. Made where there is none, readable by
    /// nobody else.
    pub fn sqlite(path: &Path) -> Result<Self, OpenError> {
        Self::sqlite_with(path, Options::default())
    }

    /// The same with options.
    pub fn sqlite_with(path: &Path, options: Options) -> Result<Self, OpenError> {
        let (store, shelf) = sqlite::open(path)?;
        Ok(Self::start(Box::new(store), Arc::new(shelf), options))
    }

    fn start(store: Box<dyn store::Store>, shelf: Arc<dyn Shelf>, options: Options) -> Self {
        let queue = Arc::new(Queue::default());
        let writer = writer::spawn(store, Arc::clone(&queue), options.die);
        Self { inner: Arc::new(Inner { queue, shelf, pasts: Pasts::default(), writer }) }
    }

    /// Takes a tree over: from now on its records are this process's, in a new life. A tree nobody has heard of begins.
    pub async fn claim(&self, tree: RunId) -> Result<u64, Refused> {
        self.inner.queue.forget(tree);
        match self.ask(Op::Claim { tree, epoch: 0 }).await? {
            Op::Claim { epoch, .. } => {
                self.inner.queue.reclaimed(tree);
                Ok(epoch)
            }
            _ => Err(Refused::NotOwned { tree }),
        }
    }

    /// Begins a new run's journal.
    pub fn begin(&self, run: RunId, tree: RunId) {
        self.inner.queue.begin(run, tree);
    }

    /// Reads a claimed tree, in the order in which it was written, and gets ready to go on with it: records follow those that
    /// are there, and [`Journal::recall`] knows every call since each run last began. Calls of a model are as they are stored:
    /// with the messages that follow [`Intended::prefix`](orchestra_pit_core::record::Intended::prefix).
    pub async fn resume(&self, tree: RunId) -> Result<Vec<Record>, JournalError> {
        self.barrier().await?;
        let shelf = Arc::clone(&self.inner.shelf);
        let resumed = blocking(move || past::resume(&*shelf, tree)).await?;
        for (run, past) in resumed.pasts {
            self.inner.pasts.put(run, past);
        }
        self.inner.queue.install(tree, resumed.runs);
        Ok(resumed.records)
    }

    /// What is on record about a call. Costs a few nanoseconds for a run that has not been resumed.
    pub fn recall(&self, order: &Order) -> Recall {
        self.inner.pasts.recall(order)
    }

    /// Queues a record.
    pub fn write(&self, run: RunId, at: Time, event: Event) -> Ticket {
        if matches!(event, Event::Began(_)) {
            self.inner.pasts.drop(run);
        }
        self.inner.queue.write(run, at, What::Event(event), None)
    }

    /// Waits until a record is on disk, and with it all that was queued before.
    pub async fn flush(&self, ticket: Ticket) -> Result<(), Refused> {
        self.inner.queue.flush(ticket).await
    }

    /// Records that a call is about to have its effect. Waits for the disk, unless the call's intent rides with the next
    /// that does; waits as well while too much is queued. `again`: the intent of an earlier life stands, and all that is
    /// made sure of is that the tree is still this process's.
    pub async fn intend(&self, hold: Hold, again: Option<InDoubt>) -> Result<(Intent, Open), Refused> {
        let (order, rule, scope, line, charge) = hold.split();
        let (run, tree) = (order.site().run, order.site().tree);
        let (seq, at) = (order.id().seq, order.at());
        let durability = order.call().durability();
        self.inner.queue.room().await;
        let (what, digest) = match again {
            Some(doubt) if doubt.seq == seq => (None, Some(doubt.digest)),
            _ => {
                let (call, facts) = (order.share_call(), order.share_facts());
                (Some(What::Intended { seq, call, facts, rule, line }), None)
            }
        };
        let item = match what {
            Some(what) => Item::Record { run, tree, at, what },
            None => Item::Check { tree },
        };
        match durability {
            Durability::Rides => self.inner.queue.push(tree, item)?,
            Durability::Before => self.inner.queue.push_and_wait(tree, item).await?,
        }
        let open = Open { id: order.id(), tree, name: order.call().name(), charge, digest };
        Ok((Intent { order, scope, line }, open))
    }

    /// Records an answer; only then may anyone see it. Gives back what is left to settle.
    pub fn answer(&self, open: Open, answer: &Answer, at: Time, real: Cost) -> Result<Option<Charge>, Refused> {
        let Open { id, tree, digest, charge, .. } = open;
        let what = What::Answered { seq: id.seq, digest, answer: answer.clone(), cost: real };
        self.inner.queue.push(tree, Item::Record { run: id.run, tree, at, what })?;
        Ok(charge)
    }

    /// Puts something into the inbox of a tree, for its owner to take. Returns its number once it is on disk.
    pub async fn put(&self, tree: RunId, body: String, by: String, at: Time) -> Result<u64, Refused> {
        match self.ask(Op::Put { tree, body, by, at, id: 0 }).await? {
            Op::Put { id, .. } => Ok(id),
            _ => Err(Refused::NotOwned { tree }),
        }
    }

    /// Takes what is in the inbox of a claimed tree, oldest first. Each is given once to a life of the tree, and once more
    /// to the next life if this one ended before it was [`done`](Self::done).
    pub async fn take(&self, tree: RunId) -> Result<Vec<Inbox>, Refused> {
        match self.ask(Op::Take { tree, epoch: 0, taken: Vec::new() }).await? {
            Op::Take { taken, .. } => Ok(taken),
            _ => Err(Refused::NotOwned { tree }),
        }
    }

    /// Takes something out of the inbox for good, in one commit with the record of what came of it: so it is acted on once.
    pub fn done(&self, tree: RunId, id: u64, came_of_it: Option<(RunId, Time, Event)>) -> Ticket {
        self.inner.queue.done(tree, id, came_of_it)
    }

    /// Erases the payload of a record. The header stays, so that the chain can still be checked; what the payload was can
    /// no longer be read from the file. False if there is no such record.
    pub async fn erase(&self, run: RunId, number: u64) -> Result<bool, Refused> {
        match self.ask(Op::Erase { run, number, found: false }).await? {
            Op::Erase { found, .. } => Ok(found),
            _ => Ok(false),
        }
    }

    /// Has the writer carry something out, and waits until it is on disk.
    async fn ask(&self, op: Op) -> Result<Op, Refused> {
        self.inner.queue.ask(op).await
    }

    /// Waits until all that is queued is written, so that a reader of this process sees it.
    pub async fn barrier(&self) -> Result<(), Refused> {
        self.inner.queue.barrier().await
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.queue.close();
        if let Some(writer) = self.writer.take() {
            // A writer that panicked has nothing left to write.
            drop(writer.join());
        }
    }
}

/// Reads away from the threads that agents run on.
async fn blocking<T: Send + 'static>(
    read: impl FnOnce() -> Result<T, JournalError> + Send + 'static,
) -> Result<T, JournalError> {
    tokio::task::spawn_blocking(read).await.unwrap_or_else(|error| Err(JournalError::Read { why: error.to_string() }))
}

#[cfg(test)]
mod tests;
