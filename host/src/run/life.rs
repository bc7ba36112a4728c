//! One life of a run: from the last beginning on record, through the guest, to the end or to the next life.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use orchestra_pit_core::call::delegate::{self, End};
use orchestra_pit_core::call::{Call, CallId, Error, ErrorKind, Facts, Order, Site};
use orchestra_pit_core::id::{Hash, RunId};
use orchestra_pit_core::record::{Began, GuestLimits, Started};

use super::clock::now;
use super::state::Phase;
use super::table::Table;
use super::tree::Tree;
use crate::gate::{Gate, Stopped};
use crate::guest::{Door, Ended, LifeEnd, Limits, Passed, Start};

/// Puts a run to work in a task of its own.
pub(super) fn spawn(tree: Arc<Tree>, run: RunId) {
    let of = tree.clone();
    let task = tokio::spawn(async move {
        if let Err(stopped) = live(&of, run).await
            && !of.winding_down()
            && !of.stopping()
        {
            // Whoever waits for this run would wait for ever: the whole tree stops, in a task that does not end with this one.
            let why = stopped.to_string();
            tokio::spawn(async move { of.stop(&why).await });
        }
    });
    tree.track(run, task.abort_handle());
}

async fn live(tree: &Arc<Tree>, run: RunId) -> Result<(), Stopped> {
    let Some((started, began)) = tree.look(|state| {
        let run = state.runs.get(&run).filter(|run| run.phase == Phase::Live)?;
        Some((run.started.clone(), run.began.clone()?))
    }) else {
        return Ok(());
    };
    let end = match tree.host.agents.load(&tree.host.engine, started.site.agent).await {
        Ok(agent) => {
            let (door, start) = prepare(tree, run, &started, &began);
            agent.run(door, start).await
        }
        Err(error) => {
            return Ok(tree.end(run, End::Broken(error.to_string())).await?);
        }
    };
    let end = match end {
        Ended::Life(why) => return Err(Stopped::Told(why.message)),
        Ended::Again(state) => {
            let task = delegate::Task { state: Some(state), ..began.task.clone() };
            let ticket = tree.begin(run, task);
            tree.host.journal.flush(ticket).await?;
            return Ok(());
        }
        Ended::Done(report) => End::Done(report),
        Ended::Failed { kind, message } if kind == ErrorKind::Exhausted.word() => End::Exhausted(message),
        Ended::Failed { kind, message } => End::Failed { kind, message },
        Ended::Broken(broken) => End::Broken(broken.why.to_string()),
    };
    Ok(tree.end(run, end).await?)
}

fn prepare(tree: &Arc<Tree>, run: RunId, started: &Arc<Started>, began: &Began) -> (LifeDoor, Start) {
    let approvals = tree.look(|state| state.runs.get(&run).map(|run| run.approvals.clone()).unwrap_or_default());
    let site = Arc::new(started.site.clone());
    let gate = Gate {
        journal: tree.host.journal.clone(),
        ledger: tree.ledger.clone(),
        rules: Arc::new(started.rules.clone()),
        grants: Arc::new(started.grants.clone()),
        approvals: std::sync::Mutex::new(approvals),
        desk: Table { tree: tree.clone(), run, site: site.clone() },
    };
    let door = LifeDoor { tree: tree.clone(), gate, site, next: AtomicU64::new(began.first) };
    // Each stretch has randomness of its own, or a guest that starts anew would draw the same numbers again.
    let seed = Hash::of_parts(&[&started.seed.0, &began.first.to_be_bytes()]);
    let (task, card) = (began.task.clone(), started.card.clone());
    let start = Start { task, card, seed: seed.0, at: began.at, limits: limits(&started.limits) };
    (door, start)
}

/// The guest's door: puts an order together and takes it through the gate.
struct LifeDoor {
    tree: Arc<Tree>,
    gate: Gate<Table>,
    site: Arc<Site>,
    next: AtomicU64,
}

impl Door for LifeDoor {
    async fn pass(&self, call: Call) -> Passed {
        if self.tree.winding_down() {
            return Passed::EndLife(LifeEnd::new("stopped", "its host is being stopped"));
        }
        let seq = self.next.fetch_add(1, Ordering::Relaxed);
        let facts = match self.facts(&call) {
            Ok(facts) => facts,
            // Judging without the facts would be judging something else: nothing is done.
            Err(error) => return Passed::EndLife(LifeEnd::new("stopped", error.to_string())),
        };
        let order = Order::new(CallId { run: self.site.run, seq }, self.site.clone(), call, facts, now());
        match self.gate.pass(order).await {
            Ok((answer, at)) => Passed::Answer(answer, at),
            Err(stopped) => Passed::EndLife(LifeEnd::new("stopped", stopped.to_string())),
        }
    }
}

impl LifeDoor {
    /// What judging must know of a call and the call itself does not say.
    fn facts(&self, call: &Call) -> Result<Facts, Error> {
        match call {
            Call::Workspace(_) | Call::Vcs(_) => self.tree.host.effects.workspaces.facts(&self.site, call),
            Call::Delegate(delegate::Call::Start(_)) => {
                let running = |state: &super::state::State| {
                    state.children(self.site.run).filter(|(_, child)| child.phase == Phase::Live).count()
                };
                let children = u32::try_from(self.tree.look(running)).unwrap_or(u32::MAX);
                Ok(Facts { children, ..Facts::default() })
            }
            _ => Ok(Facts::default()),
        }
    }
}

/// The guest's limits as they are on record. How long it may think is the machine's business, and not on record.
pub(super) fn limits(recorded: &GuestLimits) -> Limits {
    Limits {
        memory: usize::try_from(recorded.memory).unwrap_or(usize::MAX),
        table_elements: usize::try_from(recorded.table_elements).unwrap_or(usize::MAX),
        instances: recorded.instances as usize,
        handles: recorded.handles as usize,
        call_bytes: usize::try_from(recorded.call_bytes).unwrap_or(usize::MAX),
        output: usize::try_from(recorded.output).unwrap_or(usize::MAX),
        ..Limits::default()
    }
}

/// The limits that a new run is started with.
pub(super) fn recorded_limits() -> GuestLimits {
    let Limits { memory, table_elements, instances, handles, call_bytes, output, .. } = Limits::default();
    let small = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    GuestLimits {
        memory: memory as u64,
        table_elements: table_elements as u64,
        instances: small(instances),
        handles: small(handles),
        call_bytes: call_bytes as u64,
        output: output as u64,
    }
}
