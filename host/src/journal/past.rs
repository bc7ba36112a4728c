//! What earlier lives of a run left: its calls since it last began, for the guest that makes them again.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use orchestra_pit_core::call::{Answer, Facts, Order};
use orchestra_pit_core::id::{Hash, RunId};
use orchestra_pit_core::record::{Damage, Event, Header, Intended, Said};
use orchestra_pit_core::time::Time;

use super::InDoubt;
use super::error::JournalError;
use super::prefix::whole;
use super::read::{Chains, Record};
use super::store::{Of, Shelf};
use super::writer::Line;

/// What is on record about a call.
#[derive(Debug)]
pub enum Recall {
    /// Nothing.
    New,
    /// Its answer, and when it was given. A file's contents are there by reference only.
    Answered {
        /// What the agent was told.
        answer: Answer,
        /// When.
        at: Time,
    },
    /// A person was asked. What they said, if they did, is on record as well.
    Asked {
        /// What was found out about it.
        facts: Facts,
        /// When the call was made.
        at: Time,
    },
    /// It was about to have its effect.
    InDoubt(InDoubt),
    /// Another call than this one, or one whose record was erased (then all zeros).
    Diverged {
        /// [`Call::digest`](orchestra_pit_core::call::Call::digest) of the recorded call.
        recorded: Hash,
    },
}

/// The pasts of the runs that have one.
#[derive(Default)]
pub(super) struct Pasts {
    /// How many there are: a run that was never resumed must not pay for those that were.
    count: AtomicUsize,
    runs: Mutex<HashMap<RunId, Arc<Past>>>,
}

impl Pasts {
    fn lock(&self) -> MutexGuard<'_, HashMap<RunId, Arc<Past>>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn put(&self, run: RunId, past: Past) {
        let mut runs = self.lock();
        if past.calls.is_empty() {
            runs.remove(&run)
        } else {
            runs.insert(run, Arc::new(past))
        };
        self.count.store(runs.len(), Ordering::Release);
    }

    pub(super) fn drop(&self, run: RunId) {
        if self.count.load(Ordering::Acquire) > 0 {
            let mut runs = self.lock();
            runs.remove(&run);
            self.count.store(runs.len(), Ordering::Release);
        }
    }

    pub(super) fn recall(&self, order: &Order) -> Recall {
        if self.count.load(Ordering::Acquire) == 0 {
            return Recall::New;
        }
        let run = order.id().run;
        let Some(past) = self.lock().get(&run).cloned() else { return Recall::New };
        if past.calls.last_key_value().is_none_or(|(last, _)| order.id().seq > *last) {
            // It has made all its calls again.
            self.drop(run);
            return Recall::New;
        }
        past.recall(order)
    }
}

/// The calls of a run since it last began.
#[derive(Debug, Default)]
pub(super) struct Past {
    calls: BTreeMap<u64, Step>,
}

#[derive(Debug)]
struct Step {
    /// `None` while it has to be worked out from the intent.
    digest: Option<Hash>,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// A rule or the budget said no, but the answer is not on record: it is judged again.
    Refused,
    Asked {
        facts: Facts,
        at: Time,
    },
    Intended {
        facts: Facts,
        at: Time,
    },
    Answered {
        answer: Answer,
        at: Time,
    },
    Erased,
}

impl Past {
    fn recall(&self, order: &Order) -> Recall {
        let seq = order.id().seq;
        let Some(Step { digest: Some(recorded), stage }) = self.calls.get(&seq) else {
            return Recall::Diverged { recorded: Hash::NONE };
        };
        let (recorded, digest) = (*recorded, order.call().digest());
        if recorded != digest {
            return Recall::Diverged { recorded };
        }
        match stage {
            Stage::Refused => Recall::New,
            Stage::Asked { facts, at } => Recall::Asked { facts: facts.clone(), at: *at },
            Stage::Intended { facts, at } => Recall::InDoubt(InDoubt { seq, digest, facts: facts.clone(), at: *at }),
            Stage::Answered { answer, at } => Recall::Answered { answer: answer.clone(), at: *at },
            Stage::Erased => Recall::Diverged { recorded: Hash::NONE },
        }
    }

    fn take_in(&mut self, header: &Header, event: Option<&Event>) {
        let Some(event) = event else { return self.erased(&header.kind) };
        let (seq, digest, stage) = match event {
            Event::Began(_) | Event::Ended(_) => return self.calls.clear(),
            Event::Asked(asked) => {
                let stage = Stage::Asked { facts: asked.facts.clone(), at: asked.at };
                (asked.seq, Some(asked.call.digest()), stage)
            }
            Event::Ruled(ruled) => match &ruled.ruling {
                Said::Denied { call, .. } | Said::Exhausted { call, .. } => {
                    (ruled.seq, Some(call.digest()), Stage::Refused)
                }
                // Stays asked: whoever asks again finds what was said on record.
                Said::Approved(_) | Said::Rejected { .. } => return,
            },
            Event::Intended(intended) => {
                let digest = intended.prefix.is_none().then(|| intended.call.digest());
                let stage = Stage::Intended { facts: intended.facts.clone(), at: intended.at };
                (intended.seq, digest, stage)
            }
            Event::Answered(answered) => {
                let stage = Stage::Answered { answer: answered.answer.clone(), at: header.at };
                (answered.seq, Some(answered.digest), stage)
            }
            _ => return,
        };
        self.calls.insert(seq, Step { digest, stage });
    }

    /// A record that no longer tells which call it is about. A run makes one call at a time, so an answer is the last one's.
    fn erased(&mut self, kind: &str) {
        match kind {
            "began" | "ended" => self.calls.clear(),
            "intended" | "asked" => {
                let next = self.calls.last_key_value().map_or(0, |(last, _)| last + 1);
                self.calls.insert(next, Step { digest: Some(Hash::NONE), stage: Stage::Erased });
            }
            "answered" => {
                if let Some(mut last) = self.calls.last_entry() {
                    last.get_mut().stage = Stage::Erased;
                }
            }
            _ => {}
        }
    }
}

/// A tree to go on with.
pub(super) struct Resumed {
    pub(super) records: Vec<Record>,
    pub(super) runs: Vec<(RunId, Line)>,
    pub(super) pasts: Vec<(RunId, Past)>,
}

/// Reads a whole tree.
pub(super) fn resume(shelf: &dyn Shelf, tree: RunId) -> Result<Resumed, JournalError> {
    let mut chains = Chains::default();
    let mut records = Vec::new();
    let mut lines: HashMap<RunId, (Line, Past)> = HashMap::new();
    let ends = shelf.read(Of::Tree(tree, 0), &mut |kept| {
        let (header, event) = chains.check(&kept)?;
        let (line, past) = lines.entry(header.run).or_insert_with(|| (Line::new(header.run, tree), Past::default()));
        past.take_in(&header, event.as_ref());
        match &event {
            Some(Event::Intended(intended)) => line.talks.recall(intended),
            Some(Event::Ended(_)) => line.talks.clear(),
            _ => {}
        }
        records.push((header, event));
        Ok(())
    })?;
    let chains = chains.end(&ends)?;
    let mut resumed = Resumed { records, runs: Vec::new(), pasts: Vec::new() };
    for (run, chain) in chains {
        let (mut line, mut past) = lines.remove(&run).unwrap_or_else(|| (Line::new(run, tree), Past::default()));
        line.chain = chain;
        work_out(run, &resumed.records, &mut past)?;
        resumed.runs.push((run, line));
        resumed.pasts.push((run, past));
    }
    Ok(resumed)
}

/// Works out the digests of intents that are stored by reference and were not answered.
fn work_out(run: RunId, records: &[Record], past: &mut Past) -> Result<(), JournalError> {
    if past.calls.values().all(|step| step.digest.is_some()) {
        return Ok(());
    }
    let intents: BTreeMap<u64, (&Intended, u64)> = records
        .iter()
        .filter(|(header, _)| header.run == run)
        .filter_map(|(header, event)| match event {
            Some(Event::Intended(intended)) => Some((intended.seq, (&**intended, header.number))),
            _ => None,
        })
        .collect();
    for (seq, step) in past.calls.iter_mut().filter(|(_, step)| step.digest.is_none()) {
        let Some((intended, number)) = intents.get(seq) else { continue };
        let call = whole(intended, |seq| intents.get(&seq).map(|(intended, _)| *intended));
        match call {
            Some(call) => step.digest = Some(call.digest()),
            // A beginning that was erased leaves a call that nobody can compare.
            None if records.iter().any(|(header, event)| header.run == run && event.is_none()) => {
                step.stage = Stage::Erased;
            }
            None => return Err(Damage::Unreadable { run, number: *number, why: NO_BEGINNING.into() }.into()),
        }
    }
    Ok(())
}

/// What is wrong with a conversation whose prefix is nowhere.
pub(super) const NO_BEGINNING: &str = "it goes on with a conversation that is not on record";
