//! The queue between those who write and the one thread that commits: first in, first out, one a process.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use orchestra_pit_core::budget::{Cost, Line};
use orchestra_pit_core::call::{Answer, Call, Facts};
use orchestra_pit_core::id::{Hash, RunId};
use orchestra_pit_core::record::Event;
use orchestra_pit_core::time::Time;
use tokio::sync::oneshot;

use super::error::Refused;
use super::store::Op;
use super::weigh;
use super::writer::Line as Written;

/// How long a record may wait for company before it is written. Long enough that an agent that makes one read after the other
/// shares a commit, short enough that a crash loses nothing that a person has had time to notice.
pub(super) const LINGER: Duration = Duration::from_millis(20);

/// Bytes that may be queued before new calls wait: a few commits' worth of a fast disk. Answers never wait, but an agent has
/// only one call at a time.
const ROOM: usize = 64 << 20;

/// A place in the queue: what [`flush`](super::Journal::flush) waits for.
#[must_use = "a record is only queued until its ticket is flushed"]
#[derive(Clone, Copy, Debug)]
pub struct Ticket {
    /// The tree; a run that nobody owns here stands for itself.
    tree: RunId,
    /// `None`: it was not even queued.
    position: Option<u64>,
}

/// What is queued.
pub(super) enum Item {
    Begin { run: RunId, tree: RunId },
    Install { tree: RunId, runs: Vec<(RunId, Written)> },
    Record { run: RunId, tree: RunId, at: Time, what: What },
    Check { tree: RunId },
    Done { tree: RunId, id: u64 },
    Ask { op: Op, reply: oneshot::Sender<Result<Op, Refused>> },
}

impl Item {
    pub(super) fn is_claim(&self) -> bool {
        matches!(self, Self::Ask { op: Op::Claim { .. }, .. })
    }
}

/// A record before it is encoded.
pub(super) enum What {
    Event(Event),
    Intended { seq: u64, call: Arc<Call>, facts: Option<Arc<Facts>>, rule: Cow<'static, str>, line: Line },
    Answered { seq: u64, digest: Option<Hash>, answer: Answer, cost: Cost },
}

#[derive(Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    bell: Condvar,
    /// Whether new calls wait for room. Beside the state, so that a call need not lock it twice.
    crowded: AtomicBool,
}

#[derive(Default)]
struct State {
    items: Vec<Item>,
    /// Of everything that is not on disk yet.
    bytes: usize,
    /// Items ever queued: the position of the last.
    queued: u64,
    /// Items ever settled: on disk, or refused.
    settled: u64,
    waiting: Vec<Waiting>,
    crowd: Vec<oneshot::Sender<()>>,
    /// The tree of each run that may be written.
    runs: HashMap<RunId, RunId>,
    /// The trees that take no more, or did not for a while.
    lost: HashMap<RunId, Lost>,
    /// The same for everything.
    failed: Option<(u64, Refused)>,
    writer: Writer,
    urgent: bool,
    closed: bool,
}

/// Positions of a tree that were not written, and why: until it was claimed again, if it was.
struct Lost {
    since: u64,
    until: Option<u64>,
    why: Refused,
}

struct Waiting {
    position: u64,
    tree: RunId,
    tell: oneshot::Sender<Result<(), Refused>>,
}

/// What the writer's thread is doing, so that it is only woken when that is needed: waking costs a system call.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum Writer {
    #[default]
    Awake,
    /// Until the linger is over, or something is urgent.
    Lingers,
    Sleeps,
}

impl State {
    /// Why the tree takes no more, if so.
    fn refused(&self, tree: RunId) -> Result<(), Refused> {
        if let Some((_, why)) = &self.failed {
            return Err(why.clone());
        }
        if self.lost.is_empty() {
            return Ok(());
        }
        match self.lost.get(&tree) {
            Some(Lost { until: None, why, .. }) => Err(why.clone()),
            _ => Ok(()),
        }
    }

    /// What became of a position; `None` while it is not settled.
    fn outcome(&self, tree: RunId, position: u64) -> Option<Result<(), Refused>> {
        let within = |lost: &&Lost| lost.since <= position && lost.until.is_none_or(|until| position < until);
        if let Some(lost) = self.lost.get(&tree).filter(within) {
            return Some(Err(lost.why.clone()));
        }
        if let Some((_, why)) = self.failed.as_ref().filter(|(since, _)| *since <= position) {
            return Some(Err(why.clone()));
        }
        (position <= self.settled).then_some(Ok(()))
    }

    /// Whether too much is queued. Once nothing is written any more nobody waits: whatever they do next is refused.
    fn crowded(&self) -> bool {
        self.bytes > ROOM && self.failed.is_none()
    }

    fn push(&mut self, item: Item) -> u64 {
        self.bytes += weigh::item(&item);
        self.items.push(item);
        self.queued += 1;
        self.queued
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// After every push: wakes the writer where it has to know.
    fn ring(&self, mut state: MutexGuard<'_, State>) {
        if state.bytes > ROOM {
            self.crowded.store(state.crowded(), Ordering::Relaxed);
        }
        let wake = match state.writer {
            Writer::Awake => false,
            Writer::Lingers => state.urgent,
            Writer::Sleeps => true,
        };
        if wake {
            state.writer = Writer::Awake;
            drop(state);
            self.bell.notify_one();
        }
    }

    pub(super) fn begin(&self, run: RunId, tree: RunId) {
        let mut state = self.lock();
        state.runs.insert(run, tree);
        state.push(Item::Begin { run, tree });
        self.ring(state);
    }

    pub(super) fn install(&self, tree: RunId, runs: Vec<(RunId, Written)>) {
        let mut state = self.lock();
        state.runs.extend(runs.iter().map(|(run, _)| (*run, tree)));
        state.push(Item::Install { tree, runs });
        self.ring(state);
    }

    /// The tree is about to be claimed: nobody writes to it until it is resumed.
    pub(super) fn forget(&self, tree: RunId) {
        self.lock().runs.retain(|_, of| *of != tree);
    }

    /// The tree was claimed: what is queued from now on is written.
    pub(super) fn reclaimed(&self, tree: RunId) {
        let mut state = self.lock();
        let next = state.queued + 1;
        if let Some(lost) = state.lost.get_mut(&tree) {
            lost.until = Some(next);
        }
    }

    /// Queues an item of a tree.
    pub(super) fn push(&self, tree: RunId, item: Item) -> Result<(), Refused> {
        let mut state = self.lock();
        state.refused(tree)?;
        state.push(item);
        self.ring(state);
        Ok(())
    }

    /// Queues an item of a tree and waits for the disk.
    pub(super) async fn push_and_wait(&self, tree: RunId, item: Item) -> Result<(), Refused> {
        let told = {
            let mut state = self.lock();
            state.refused(tree)?;
            let position = state.push(item);
            self.wait(state, tree, position)
        };
        heard(told).await
    }

    pub(super) fn write(&self, run: RunId, at: Time, what: What, then: Option<Item>) -> Ticket {
        let mut state = self.lock();
        let Some(&tree) = state.runs.get(&run) else { return Ticket { tree: run, position: None } };
        let mut position = state.push(Item::Record { run, tree, at, what });
        if let Some(item) = then {
            position = state.push(item);
        }
        self.ring(state);
        Ticket { tree, position: Some(position) }
    }

    pub(super) fn done(&self, tree: RunId, id: u64, came_of_it: Option<(RunId, Time, Event)>) -> Ticket {
        let done = Item::Done { tree, id };
        match came_of_it {
            Some((run, at, event)) => self.write(run, at, What::Event(event), Some(done)),
            None => {
                let mut state = self.lock();
                let position = state.push(done);
                self.ring(state);
                Ticket { tree, position: Some(position) }
            }
        }
    }

    pub(super) async fn flush(&self, ticket: Ticket) -> Result<(), Refused> {
        let Ticket { tree, position: Some(position) } = ticket else {
            return Err(Refused::NotOwned { tree: ticket.tree });
        };
        let told = {
            let state = self.lock();
            match state.outcome(tree, position) {
                Some(outcome) => return outcome,
                None => self.wait(state, tree, position),
            }
        };
        heard(told).await
    }

    /// Waits until all that is queued is settled.
    pub(super) async fn barrier(&self) -> Result<(), Refused> {
        // No tree has this id, so only what concerns the whole journal is told.
        let told = {
            let state = self.lock();
            let position = state.queued;
            match state.outcome(NO_TREE, position) {
                Some(outcome) => return outcome,
                None => self.wait(state, NO_TREE, position),
            }
        };
        heard(told).await
    }

    pub(super) async fn ask(&self, op: Op) -> Result<Op, Refused> {
        let (reply, told) = oneshot::channel();
        {
            let mut state = self.lock();
            if let Some((_, why)) = &state.failed {
                return Err(why.clone());
            }
            state.push(Item::Ask { op, reply });
            state.urgent = true;
            self.ring(state);
        }
        told.await.unwrap_or_else(|_| Err(gone()))
    }

    /// Waits while too much is queued.
    pub(super) async fn room(&self) {
        while self.crowded.load(Ordering::Relaxed) {
            let told = {
                let mut state = self.lock();
                if !state.crowded() {
                    return;
                }
                let (tell, told) = oneshot::channel();
                state.crowd.push(tell);
                state.urgent = true;
                self.ring(state);
                told
            };
            if told.await.is_err() {
                return;
            }
        }
    }

    fn wait(
        &self,
        mut state: MutexGuard<'_, State>,
        tree: RunId,
        position: u64,
    ) -> oneshot::Receiver<Result<(), Refused>> {
        let (tell, told) = oneshot::channel();
        state.waiting.push(Waiting { position, tree, tell });
        state.urgent = true;
        self.ring(state);
        told
    }

    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.urgent = true;
        self.ring(state);
    }

    /// For the writer: all that is queued, once something is urgent or has lingered. `None` when the journal was dropped and
    /// nothing is left. The queue goes on in the vector that was emptied, so that it need not grow anew.
    pub(super) fn next(&self, mut emptied: Vec<Item>) -> Option<Vec<Item>> {
        let mut state = self.lock();
        loop {
            if state.items.is_empty() {
                if state.closed {
                    return None;
                }
                state.writer = Writer::Sleeps;
                state = self
                    .bell
                    .wait_while(state, |s| s.items.is_empty() && !s.closed)
                    .unwrap_or_else(PoisonError::into_inner);
                state.writer = Writer::Awake;
                continue;
            }
            if !state.urgent {
                state.writer = Writer::Lingers;
                let waited = self.bell.wait_timeout_while(state, LINGER, |s| !s.urgent);
                state = waited.unwrap_or_else(PoisonError::into_inner).0;
                state.writer = Writer::Awake;
            }
            state.urgent = false;
            std::mem::swap(&mut state.items, &mut emptied);
            return Some(emptied);
        }
    }

    /// For the writer: so many items and bytes are settled, and these trees take no more.
    pub(super) fn settle(&self, items: u64, bytes: usize, lost: Vec<(RunId, Refused)>) {
        let mut state = self.lock();
        let since = state.settled + 1;
        for (tree, why) in lost {
            let lost = Lost { since, until: None, why };
            match state.lost.entry(tree) {
                Entry::Occupied(old) if old.get().until.is_none() => {}
                Entry::Occupied(mut old) => drop(old.insert(lost)),
                Entry::Vacant(new) => drop(new.insert(lost)),
            }
        }
        state.settled += items;
        state.bytes = state.bytes.saturating_sub(bytes);
        self.tell(state);
    }

    /// For the writer: nothing is written any more.
    pub(super) fn fail(&self, why: Refused) {
        let mut state = self.lock();
        let since = state.settled + 1;
        state.failed.get_or_insert((since, why));
        self.tell(state);
    }

    fn tell(&self, mut state: MutexGuard<'_, State>) {
        let mut told = Vec::new();
        let waiting = std::mem::take(&mut state.waiting);
        for waiting in waiting {
            match state.outcome(waiting.tree, waiting.position) {
                Some(outcome) => told.push((waiting.tell, outcome)),
                None => state.waiting.push(waiting),
            }
        }
        let crowded = state.crowded();
        self.crowded.store(crowded, Ordering::Relaxed);
        let crowd = if crowded { Vec::new() } else { std::mem::take(&mut state.crowd) };
        drop(state);
        for (tell, outcome) in told {
            // Whoever no longer waits need not be told.
            let _ = tell.send(outcome);
        }
        for tell in crowd {
            let _ = tell.send(());
        }
    }
}

/// Stands for no tree: run ids are hashes or random.
const NO_TREE: RunId = RunId([0; 16]);

async fn heard(told: oneshot::Receiver<Result<(), Refused>>) -> Result<(), Refused> {
    told.await.unwrap_or_else(|_| Err(gone()))
}

/// The writer's thread is gone, which only a bug in it can bring about.
pub(super) fn gone() -> Refused {
    Refused::Failed { why: "the journal's writer has stopped".into() }
}
