//! Replay: every run of a tree once more from its records, offline, with the guests' own code. What it proves is that the
//! component, given the same answers, asks for the same things and comes to the same end.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use orchestra_pit_core::call::delegate::End;
use orchestra_pit_core::call::{Answer, Call, Error, ErrorKind, Site};
use orchestra_pit_core::id::{Hash, RunId};
use orchestra_pit_core::record::{Began, Ended, Event, Header, Started};
use orchestra_pit_core::time::Time;

use super::{Host, StartError, fold};
use crate::gate::lock;
use crate::guest::{self, Door, LifeEnd, Passed, Start};

/// What came of replaying one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replayed {
    /// Which.
    pub run: RunId,
    /// Calls that were the same.
    pub calls: u64,
    /// The first thing that was not; none if all was.
    pub difference: Option<Difference>,
}

/// Where a replay departs from the record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Difference {
    /// The guest asks for something else.
    #[error("call {seq} is {now}, which is not the call on record")]
    Call {
        /// Which call.
        seq: u64,
        /// What the guest asks for now.
        now: String,
    },
    /// It ends otherwise.
    #[error("it ends with {now}, and on record with {then}")]
    End {
        /// Now.
        now: String,
        /// On record.
        then: String,
    },
    /// The workspace is another.
    #[error("its tree is {now}, and on record {then}")]
    Tree {
        /// Now.
        now: String,
        /// On record.
        then: String,
    },
    /// It could not be replayed at all.
    #[error("{0}")]
    Impossible(String),
}

/// A stretch of guest code on record: how it began, and what it came to.
struct Stretch {
    began: Began,
    /// What it handed over, or how it ended; none for a run that was left in the middle.
    close: Option<Close>,
}

enum Close {
    Again(Option<Vec<u8>>),
    End(Ended),
}

/// A run's records, as far as a replay needs them.
struct Recorded {
    started: Started,
    answers: HashMap<u64, (Hash, Answer, Time)>,
    stretches: Vec<Stretch>,
}

/// Replays all runs of a tree. The records may be of a tree that another host is at work on: what is there is replayed.
pub async fn replay(host: &Arc<Host>, tree: RunId) -> Result<Vec<Replayed>, StartError> {
    let records = host.journal.read_tree(tree, 0).await?;
    let mut state = super::State::default();
    let mut trees = HashMap::new();
    let records: Vec<(Header, Option<Event>)> = records.into_iter().map(|row| (row.header, row.event)).collect();
    fold::fold(&host.effects.workspaces, &records, &mut state, |run, ended| {
        if let Ok(tree) = host.effects.workspaces.tree_id(run) {
            trees.entry(run).or_insert_with(Vec::new).push((tree, ended.tree));
        }
    })?;
    let mut replayed = Vec::new();
    for run in &state.order {
        let recorded = gather(*run, &records);
        let mut outcome = match recorded {
            Some(recorded) => replay_run(host, *run, recorded).await,
            None => Replayed {
                run: *run,
                calls: 0,
                difference: Some(Difference::Impossible("it has no start record".into())),
            },
        };
        let other = trees.remove(run).into_iter().flatten().find(|(now, then)| now != then);
        if let (None, Some((now, then))) = (&outcome.difference, other) {
            outcome.difference = Some(Difference::Tree { now: now.to_string(), then: then.to_string() });
        }
        replayed.push(outcome);
    }
    Ok(replayed)
}

fn gather(run: RunId, records: &[(Header, Option<Event>)]) -> Option<Recorded> {
    let mut recorded: Option<Recorded> = None;
    for (header, event) in records.iter().filter(|(header, _)| header.run == run) {
        match (event.as_ref()?, &mut recorded) {
            (Event::Started(started), slot) => {
                *slot = Some(Recorded { started: (**started).clone(), answers: HashMap::new(), stretches: Vec::new() });
            }
            (Event::Began(began), Some(recorded)) => {
                if let Some(last) = recorded.stretches.last_mut()
                    && last.close.is_none()
                {
                    last.close = Some(Close::Again(began.task.state.as_ref().map(|state| state.to_vec())));
                }
                recorded.stretches.push(Stretch { began: (**began).clone(), close: None });
            }
            (Event::Answered(answered), Some(recorded)) => {
                recorded.answers.insert(answered.seq, (answered.digest, answered.answer.clone(), header.at));
            }
            (Event::Ended(ended), Some(recorded)) => {
                if let Some(last) = recorded.stretches.last_mut() {
                    last.close = Some(Close::End((**ended).clone()));
                }
            }
            _ => {}
        }
    }
    recorded
}

async fn replay_run(host: &Arc<Host>, run: RunId, recorded: Recorded) -> Replayed {
    let mut replayed = Replayed { run, calls: 0, difference: None };
    let agent = match host.agents.load(&host.engine, recorded.started.site.agent).await {
        Ok(agent) => agent,
        Err(error) => {
            replayed.difference = Some(Difference::Impossible(error.to_string()));
            return replayed;
        }
    };
    let answers = Arc::new(recorded.answers);
    for stretch in recorded.stretches {
        let door = Arc::new(RecordDoor {
            host: host.clone(),
            site: recorded.started.site.clone(),
            answers: answers.clone(),
            next: AtomicU64::new(stretch.began.first),
            same: AtomicU64::new(0),
            difference: Mutex::new(None),
        });
        let seed = Hash::of_parts(&[&recorded.started.seed.0, &stretch.began.first.to_be_bytes()]);
        let limits = super::life::limits(&recorded.started.limits);
        let card = recorded.started.card.clone();
        let start = Start { task: stretch.began.task, card, seed: seed.0, at: stretch.began.at, limits };
        let ended = agent.run(door.clone(), start).await;
        replayed.calls += door.same.load(Ordering::Relaxed);
        replayed.difference = lock(&door.difference).take().or_else(|| compare(ended, stretch.close));
        if replayed.difference.is_some() {
            break;
        }
    }
    replayed
}

/// Holds the end of a stretch against the record. A run that a person or its parent stopped has no end of its own.
fn compare(now: guest::Ended, then: Option<Close>) -> Option<Difference> {
    let then = match then {
        None | Some(Close::End(Ended { end: End::Cancelled(_), .. })) => return None,
        Some(Close::Again(state)) => {
            return match now {
                guest::Ended::Again(now) if Some(&*now) == state.as_deref() => None,
                now => Some(Difference::End { now: name(&now), then: "a new stretch".into() }),
            };
        }
        Some(Close::End(ended)) => ended.end,
    };
    let same = match (&now, &then) {
        (guest::Ended::Done(now), End::Done(then)) => now == then,
        (guest::Ended::Failed { kind, message }, End::Failed { kind: k, message: m }) => (kind, message) == (k, m),
        (guest::Ended::Failed { kind, message }, End::Exhausted(then)) => {
            kind == ErrorKind::Exhausted.word() && message == then
        }
        (guest::Ended::Broken(_), End::Broken(_)) => true,
        _ => false,
    };
    (!same).then(|| Difference::End { now: name(&now), then: format!("{then:?}").chars().take(200).collect() })
}

fn name(end: &guest::Ended) -> String {
    match end {
        guest::Ended::Done(_) => "a report".into(),
        guest::Ended::Again(_) => "a new stretch".into(),
        guest::Ended::Failed { kind, .. } => format!("the failure `{kind}`"),
        guest::Ended::Broken(broken) => broken.why.to_string(),
        guest::Ended::Life(why) => why.message.clone(),
    }
}

/// A door with nothing behind it but the record.
struct RecordDoor {
    host: Arc<Host>,
    site: Site,
    answers: Arc<HashMap<u64, (Hash, Answer, Time)>>,
    next: AtomicU64,
    same: AtomicU64,
    difference: Mutex<Option<Difference>>,
}

impl Door for RecordDoor {
    async fn pass(&self, call: Call) -> Passed {
        let seq = self.next.fetch_add(1, Ordering::Relaxed);
        let Some((digest, answer, at)) = self.answers.get(&seq) else {
            return Passed::EndLife(LifeEnd::new("end-of-record", "the record ends here"));
        };
        if *digest != call.digest() {
            *lock(&self.difference) = Some(Difference::Call { seq, now: call.name().to_owned() });
            return Passed::EndLife(LifeEnd::new("diverged", "the guest departs from the record"));
        }
        match self.complete(answer.clone()) {
            Ok(answer) => {
                self.same.fetch_add(1, Ordering::Relaxed);
                Passed::Answer(answer, *at)
            }
            Err(error) => {
                *lock(&self.difference) = Some(Difference::Impossible(error.message.clone()));
                Passed::EndLife(LifeEnd::new("diverged", error.message))
            }
        }
    }
}

impl RecordDoor {
    fn complete(&self, answer: Answer) -> Result<Answer, Error> {
        let Ok(mut value) = answer else { return Ok(answer) };
        self.host.effects.workspaces.fill(&self.site, &mut value)?;
        Ok(Ok(value))
    }
}
