//! The thread that writes: takes what is queued, encodes it, chains it, commits it, and tells those who wait.

use std::collections::HashMap;
use std::sync::Arc;

use orchestra_pit_core::call::{Call, model};
use orchestra_pit_core::id::{Hash, RunId};
use orchestra_pit_core::record::{Answered, Chain, Event, Intended};
use orchestra_pit_core::time::Time;
use tokio::sync::oneshot;

use super::error::Refused;
use super::prefix::Talks;
use super::queue::{Item, Queue, What, gone};
use super::store::{Append, Op, Store};
use super::weigh;

/// Where a host that is tested for crashes ends, by SIGKILL; records are counted from 1, over all runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Die {
    /// Once this record is on disk, and none after it.
    Durable(u64),
    /// While this record is queued and not on disk, but all before it are.
    Queued(u64),
}

/// What the writer keeps of a run.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) tree: RunId,
    pub(super) chain: Chain,
    pub(super) talks: Talks,
    /// The digests of calls that are not answered yet. A run makes one call at a time, so this is short.
    pub(super) open: Vec<(u64, Hash)>,
}

impl Line {
    pub(super) fn new(run: RunId, tree: RunId) -> Self {
        Self { tree, chain: Chain::new(run), talks: Talks::default(), open: Vec::new() }
    }
}

/// Items that an idle queue keeps room for: half a megabyte.
const SPARE: usize = 1024;

struct Writer {
    store: Box<dyn Store>,
    queue: Arc<Queue>,
    /// The epoch of each tree that was claimed here.
    trees: HashMap<RunId, u64>,
    runs: HashMap<RunId, Line>,
    die: Option<Die>,
    /// Records ever encoded.
    records: u64,
}

/// Who asked for an operation, and waits for its result.
type Reply = oneshot::Sender<Result<Op, Refused>>;

/// A batch on its way.
#[derive(Default)]
struct Batch {
    ops: Vec<Op>,
    /// Who asked for the operation at this place.
    asked: Vec<(usize, Reply)>,
    lost: Vec<(RunId, Refused)>,
    items: u64,
    bytes: usize,
}

/// Starts the thread. Without one, everything is refused.
pub(super) fn spawn(store: Box<dyn Store>, queue: Arc<Queue>, die: Option<Die>) -> Option<std::thread::JoinHandle<()>> {
    let mut writer =
        Writer { store, queue: Arc::clone(&queue), trees: HashMap::new(), runs: HashMap::new(), die, records: 0 };
    let spawned = std::thread::Builder::new().name("pit-journal".into()).spawn(move || {
        // Also when this thread ends by a panic, those who wait are told.
        let end = End(Arc::clone(&writer.queue));
        writer.work();
        drop(end);
    });
    match spawned {
        Ok(thread) => Some(thread),
        Err(error) => {
            queue.fail(Refused::Failed { why: error.to_string() });
            None
        }
    }
}

struct End(Arc<Queue>);

impl Drop for End {
    fn drop(&mut self) {
        self.0.fail(gone());
    }
}

impl Writer {
    fn work(&mut self) {
        let mut emptied = Vec::new();
        while let Some(mut items) = self.queue.next(emptied) {
            while !items.is_empty() {
                // What was queued before a claim is of the life before it, and committed with that life's epoch.
                let claim = items.iter().position(Item::is_claim);
                let end = claim.map_or(items.len(), |at| at.max(1));
                let batch = self.encode(items.drain(..end));
                if let Err(why) = self.commit(batch) {
                    self.queue.fail(why.clone());
                    return self.refuse(items, &why);
                }
            }
            items.shrink_to(SPARE);
            emptied = items;
        }
    }

    /// Nothing is written any more; whoever asks is told why.
    fn refuse(&mut self, first: Vec<Item>, why: &Refused) {
        let rest = std::iter::from_fn(|| self.queue.next(Vec::new()));
        for item in std::iter::once(first).chain(rest).flatten() {
            if let Item::Ask { reply, .. } = item {
                drop(reply.send(Err(why.clone())));
            }
        }
    }

    fn encode(&mut self, items: impl ExactSizeIterator<Item = Item>) -> Batch {
        let mut batch = Batch { items: items.len() as u64, ..Batch::default() };
        for item in items {
            batch.bytes += weigh::item(&item);
            match item {
                Item::Begin { run, tree } => {
                    self.runs.insert(run, Line::new(run, tree));
                }
                Item::Install { tree, runs } => {
                    self.runs.retain(|_, line| line.tree != tree);
                    self.runs.extend(runs);
                }
                Item::Record { run, tree, at, what } => match self.record(run, at, what) {
                    Some(append) => batch.ops.push(Op::Append(append)),
                    None => batch.lost.push((tree, Refused::NotOwned { tree })),
                },
                Item::Check { tree } => match self.trees.get(&tree) {
                    Some(&epoch) => batch.ops.push(Op::Check { tree, epoch }),
                    None => batch.lost.push((tree, Refused::NotOwned { tree })),
                },
                Item::Done { tree, id } => match self.trees.get(&tree) {
                    Some(&epoch) => batch.ops.push(Op::Done { tree, epoch, id }),
                    None => batch.lost.push((tree, Refused::NotOwned { tree })),
                },
                Item::Ask { op, reply } => self.asked(op, reply, &mut batch),
            }
        }
        batch
    }

    fn asked(&self, mut op: Op, reply: Reply, batch: &mut Batch) {
        if let Op::Take { tree, epoch, .. } = &mut op {
            match self.trees.get(tree) {
                Some(mine) => *epoch = *mine,
                None => return drop(reply.send(Err(Refused::NotOwned { tree: *tree }))),
            }
        }
        batch.asked.push((batch.ops.len(), reply));
        batch.ops.push(op);
    }

    /// Encodes and chains a record. `None` if its run or tree is not owned here.
    fn record(&mut self, run: RunId, at: Time, what: What) -> Option<Append> {
        let line = self.runs.get_mut(&run)?;
        let (tree, epoch) = (line.tree, *self.trees.get(&line.tree)?);
        let event = match what {
            What::Event(event) => event,
            What::Intended { seq, call, facts, rule, line: held } => {
                let digest = call.digest();
                line.open.retain(|(open, _)| *open != seq);
                line.open.push((seq, digest));
                let (call, prefix) = match &*call {
                    Call::Model(model::Call::Ask(request)) => {
                        let (rest, prefix) = line.talks.shorten(seq, request);
                        (Call::Model(model::Call::Ask(rest)), prefix)
                    }
                    _ => (Arc::unwrap_or_clone(call), None),
                };
                let (facts, rule) = (facts.map(Arc::unwrap_or_clone).unwrap_or_default(), rule.into_owned());
                Event::Intended(Box::new(Intended { seq, call, facts, at, rule, line: held, prefix }))
            }
            What::Answered { seq, digest, answer, cost } => {
                let open = line.open.iter().position(|(open, _)| *open == seq).map(|at| line.open.swap_remove(at).1);
                // The zeros match no call: a replay would stop there rather than take this for another call's answer.
                let digest = digest.or(open).unwrap_or(Hash::NONE);
                Event::Answered(Box::new(Answered { seq, digest, answer, cost }))
            }
        };
        let stand = stands(&event);
        if matches!(event, Event::Ended(_)) {
            line.talks.clear();
        }
        let number = line.chain.next();
        let (header, payload) = line.chain.append(epoch, at, &event);
        self.records += 1;
        Some(Append { tree, run, number, epoch, header, payload, head: line.chain.head(), stand })
    }

    fn commit(&mut self, mut batch: Batch) -> Result<(), Refused> {
        if let Some(keep) = self.dies(&batch) {
            batch.ops.truncate(keep);
            self.store.commit(&mut batch.ops)?;
            kill();
        }
        let lost = match self.store.commit(&mut batch.ops) {
            Ok(lost) => lost,
            Err(why) => {
                for (_, reply) in batch.asked {
                    drop(reply.send(Err(why.clone())));
                }
                return Err(why);
            }
        };
        batch.lost.extend(lost);
        for op in &batch.ops {
            if let Op::Claim { tree, epoch } = *op {
                self.trees.insert(tree, epoch);
                self.runs.retain(|_, line| line.tree != tree);
            }
        }
        for (tree, _) in &batch.lost {
            self.trees.remove(tree);
        }
        // Who waits for a record learns of it before who asked goes on, so that no answer overtakes a commit.
        let replies = replies(&mut batch);
        self.queue.settle(batch.items, batch.bytes, batch.lost);
        for (reply, outcome) in replies {
            drop(reply.send(outcome));
        }
        Ok(())
    }

    /// How many operations of the batch are still carried out, if the host is to die in it.
    fn dies(&self, batch: &Batch) -> Option<usize> {
        let (record, after) = match self.die? {
            Die::Durable(record) => (record, 1),
            Die::Queued(record) => (record, 0),
        };
        let appends = || batch.ops.iter().enumerate().filter(|(_, op)| matches!(op, Op::Append(_)));
        let before = self.records - appends().count() as u64;
        let nth = usize::try_from(record.checked_sub(before + 1)?).ok()?;
        appends().nth(nth).map(|(at, _)| at + after)
    }
}

/// What each who asked is told. Takes the operations from the end, so that places stay right.
fn replies(batch: &mut Batch) -> Vec<(Reply, Result<Op, Refused>)> {
    let mut replies = Vec::with_capacity(batch.asked.len());
    while let Some((at, reply)) = batch.asked.pop() {
        if at >= batch.ops.len() {
            continue;
        }
        let op = batch.ops.swap_remove(at);
        let tree = match &op {
            Op::Claim { tree, .. } | Op::Take { tree, .. } => Some(*tree),
            _ => None,
        };
        let lost = batch.lost.iter().find(|(lost, _)| Some(*lost) == tree);
        let outcome = lost.map_or(Ok(op), |(_, why)| Err(why.clone()));
        replies.push((reply, outcome));
    }
    replies
}

/// Whether an event tells how its run stands.
fn stands(event: &Event) -> bool {
    match event {
        Event::Began(_)
        | Event::Resumed { .. }
        | Event::Stopped { .. }
        | Event::Ended(_)
        | Event::Accepted { .. }
        | Event::Unaccepted { .. } => true,
        Event::Started(_)
        | Event::Asked(_)
        | Event::Ruled(_)
        | Event::Intended(_)
        | Event::Answered(_)
        | Event::Remarked(_)
        | Event::Raised { .. }
        | Event::Noticed(_)
        | Event::Judged(_) => false,
    }
}

fn kill() -> ! {
    // Nothing that a process does on its way out may run: no destructors, no flush.
    let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    std::process::abort()
}
