//! A tree of runs at work: one owner, one ledger, one team.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use orchestra_pit_core::budget::Ledger;
use orchestra_pit_core::call::delegate::{End, Task};
use orchestra_pit_core::check::verdict::Kind;
use orchestra_pit_core::id::{Oid, RunId};
use orchestra_pit_core::record::{Began, Ended, Event, Remarked};
use orchestra_pit_core::time::Time;
use tokio::sync::Notify;
use tokio::task::AbortHandle;

use super::clock::now;
use super::command::{Command, Unheeded, What};
use super::desk::Questions;
use super::events::Live;
use super::state::{Phase, Run, State, enter};
use super::{Host, life};
use crate::gate::lock;
use crate::journal::{Refused, Ticket};

/// How long a kept answer waits for a resumed guest to come to its question again. Going through a thousand recorded calls
/// takes a fraction of a second; compiling a large agent first takes tens.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(120);

/// How long a call may take to come to its end when a tree is being stopped: enough for what is nearly there, such as a
/// model's reply that is paid for already, and no longer than a person waits without doubting that they were heard.
const GRACE: std::time::Duration = std::time::Duration::from_secs(5);

/// A tree of runs in the hands of its owner.
pub struct Tree {
    /// What all trees of this process share.
    pub host: Arc<Host>,
    /// The id of its first run.
    pub id: RunId,
    /// The books. What `state` has is the fold for people; this is what holds are taken from.
    pub(super) ledger: Arc<Mutex<Ledger>>,
    pub(super) state: Mutex<State>,
    pub(super) questions: Questions,
    /// Something happened that a wait may be about: a run ended, a remark came.
    pub(super) changed: Notify,
    /// Somebody gave back what they held.
    pub(super) freed: Notify,
    /// The tasks of each run: its life, and the effect it waits for.
    tasks: Mutex<HashMap<RunId, Vec<AbortHandle>>>,
    stopping: AtomicBool,
    /// This life is over, and all of it is on disk.
    stopped: AtomicBool,
    /// No call begins any more.
    winding_down: AtomicBool,
    /// The checks on what the work starts from, once they were begun.
    pub(super) base: Mutex<Option<AbortHandle>>,
}

impl Tree {
    pub(super) fn new(host: Arc<Host>, id: RunId, state: State) -> Arc<Self> {
        let ledger = Arc::new(Mutex::new(state.ledger.clone()));
        Arc::new(Self {
            host,
            id,
            ledger,
            state: Mutex::new(state),
            questions: Questions::default(),
            changed: Notify::new(),
            freed: Notify::new(),
            tasks: Mutex::new(HashMap::new()),
            stopping: AtomicBool::new(false),
            stopped: AtomicBool::new(false),
            winding_down: AtomicBool::new(false),
            base: Mutex::default(),
        })
    }

    /// What the tree stands at, for whoever looks.
    pub fn look<T>(&self, see: impl FnOnce(&State) -> T) -> T {
        see(&lock(&self.state))
    }

    /// Writes a record and applies it, in one step for whoever looks.
    pub(super) fn write(&self, run: RunId, event: Event) -> Ticket {
        let at = now();
        let mut state = lock(&self.state);
        state.apply(run, at, &event);
        enter(&mut lock(&self.ledger), run, at, &event);
        // An end is told when it is on disk.
        if !matches!(event, Event::Ended(_)) {
            self.show(run, at, || event.clone());
        }
        self.host.journal.write(run, at, event)
    }

    /// Shows a record to those who watch this process, if there are any.
    pub(super) fn show(&self, run: RunId, at: Time, event: impl FnOnce() -> Event) {
        if self.host.events.receiver_count() > 0 {
            self.tell(Live::Record { run, at, event: Arc::new(event()) });
        }
    }

    /// Writes a record that nobody has to wait for: what depends on it waits for a later one.
    pub(super) fn note(&self, run: RunId, event: Event) {
        let _rides = self.write(run, event);
    }

    /// Waits until nothing of the tree is at work and its records are on disk: whoever hears of it may end the process.
    /// False if it was told to stop before its first run had ended.
    pub async fn finished(&self) -> bool {
        loop {
            let changed = self.changed.notified();
            if self.look(|state| state.root().is_some_and(|root| root.ended().is_some())) {
                // A journal that takes no more has nothing left to wait for.
                let _ = self.host.journal.barrier().await;
                return true;
            }
            if self.stopped.load(Ordering::Acquire) {
                return false;
            }
            changed.await;
        }
    }

    /// Whether this life of the tree is being ended.
    pub(super) fn stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// Remembers a task of a run, to be dropped with it.
    pub(super) fn track(&self, run: RunId, task: AbortHandle) {
        let mut tasks = lock(&self.tasks);
        let of_run = tasks.entry(run).or_default();
        of_run.retain(|task| !task.is_finished());
        of_run.push(task);
    }

    fn drop_tasks(&self, run: RunId) {
        for task in lock(&self.tasks).remove(&run).into_iter().flatten() {
            task.abort();
        }
    }

    /// Begins a stretch of a run: on record, and at work.
    pub(super) fn begin(self: &Arc<Self>, run: RunId, task: Task) -> Ticket {
        let first = self.look(|state| state.runs.get(&run).map_or(0, |run| run.next));
        let ticket = self.write(run, Event::Began(Box::new(Began { first, at: now(), task })));
        life::spawn(self.clone(), run);
        ticket
    }

    /// Ends a run: its children first, then on record and on disk, then told.
    pub(super) async fn end(self: &Arc<Self>, run: RunId, end: End) -> Result<(), Refused> {
        let children: Vec<RunId> = self.look(|state| {
            state.children(run).filter(|(_, child)| child.phase == Phase::Live).map(|(id, _)| id).collect()
        });
        for child in children {
            Box::pin(self.cancel(child, "the agent that started it has ended")).await?;
        }
        let unjudged = if run == self.id { self.judge_result(matches!(end, End::Done(_))).await.err() } else { None };
        if run == self.id {
            self.drop_base();
        }
        let (commit, tree) = self.ends(run);
        let uncommitted = self.host.effects.workspaces.is_changed(run).unwrap_or(false);
        let calls = self.look(|state| state.runs.get(&run).map_or(0, |run| run.next));
        let result = |state: &State| {
            let verdict = state.result.as_ref().map(|judged| &judged.verdict);
            verdict.map(|verdict| (verdict.kind(), verdict.kind() == Kind::NoWorse && !verdict.verifies()))
        };
        let (verdict, doubtful) = if run == self.id { self.look(result) } else { None }.unzip();
        let doubtful = doubtful.unwrap_or_default();
        let ended = Ended { end, commit, tree, calls, verdict, doubtful, unjudged, uncommitted };
        let ended = Event::Ended(Box::new(ended));
        let ticket = self.write(run, ended.clone());
        self.host.effects.workspaces.release(run);
        self.host.effects.exec.release(run);
        if run == self.id {
            self.host.effects.exec.forget(self.look(|state| state.order.clone()));
        }
        self.host.journal.flush(ticket).await?;
        self.show(run, now(), || ended);
        self.freed.notify_waiters();
        self.changed.notify_waiters();
        Ok(())
    }

    /// The commit and the tree that a run's workspace stands at. One that was never opened stands where the run started.
    fn ends(&self, run: RunId) -> (Oid, Oid) {
        let workspaces = &self.host.effects.workspaces;
        let base = self.look(|state| state.runs.get(&run).map(|run| run.started.base)).unwrap_or(Oid([0; 20]));
        let commit = workspaces.head(run).unwrap_or(base);
        let tree = workspaces.tree_id(run).or_else(|_| workspaces.repo().tree_of(commit)).unwrap_or(base);
        (commit, tree)
    }

    /// Stops a run and all below it. What it committed is kept.
    pub(super) async fn cancel(self: &Arc<Self>, run: RunId, why: &str) -> Result<(), Refused> {
        if self.look(|state| state.runs.get(&run).is_none_or(|run| run.phase != Phase::Live)) {
            return Ok(());
        }
        self.drop_tasks(run);
        self.end(run, End::Cancelled(why.to_owned())).await
    }

    /// Whether no call is to begin any more.
    pub(super) fn winding_down(&self) -> bool {
        self.winding_down.load(Ordering::Acquire)
    }

    /// Lets the calls in flight come to their end for a while, and none begin, and then ends this life of the whole tree.
    pub async fn wind_down(self: &Arc<Self>, why: &str) -> Result<(), Refused> {
        self.winding_down.store(true, Ordering::Release);
        let at_work = || self.look(|state| state.runs.values().any(|run| run.at_work()));
        let quiet = async {
            while at_work() {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        };
        // What is still in flight then is abandoned: the next life makes the call again.
        let _ = tokio::time::timeout(GRACE, quiet).await;
        self.stop(why).await
    }

    /// Ends this life of the whole tree. What is on record goes on with the next.
    pub async fn stop(self: &Arc<Self>, why: &str) -> Result<(), Refused> {
        self.stopping.store(true, Ordering::Release);
        self.drop_base();
        let runs: Vec<RunId> = lock(&self.tasks).keys().copied().collect();
        for run in runs {
            self.drop_tasks(run);
        }
        let live: Vec<RunId> = self
            .look(|state| state.runs.iter().filter(|(_, run)| run.phase == Phase::Live).map(|(id, _)| *id).collect());
        let mut last = None;
        for run in live {
            last = Some(self.write(run, Event::Stopped { why: why.to_owned() }));
        }
        let written = match last {
            Some(ticket) => self.host.journal.flush(ticket).await,
            None => Ok(()),
        };
        self.stopped.store(true, Ordering::Release);
        self.changed.notify_waiters();
        written
    }

    /// Carries out what a person tells the tree.
    pub async fn command(self: &Arc<Self>, command: Command) -> Result<Result<(), Unheeded>, Refused> {
        let Command { run, what, by, call } = command;
        if !self.look(|state| state.runs.contains_key(&run)) {
            return Ok(Err(Unheeded::NoRun(run)));
        }
        match what {
            What::Answer { .. } | What::Approve { .. } | What::Reject { .. } => {
                let meant = |run: &Run| call.is_none_or(|seq| run.open.as_ref().is_some_and(|open| open.seq == seq));
                if self.look(|state| state.runs.get(&run).is_some_and(|run| run.asks() && meant(run))) {
                    // On record it asks; the guest may still be on its way there.
                    let _ = tokio::time::timeout(PATIENCE, self.questions.opened(run)).await;
                }
                Ok(self.questions.answer(run, call, what, by))
            }
            What::Send { text } => return self.send(run, text).await,
            What::Budget { caps } => {
                let ticket = self.write(run, Event::Raised { caps, by });
                self.host.journal.flush(ticket).await?;
                self.freed.notify_waiters();
                Ok(Ok(()))
            }
            What::Cancel { why } => {
                if self.look(|state| state.runs.get(&run).is_some_and(|run| run.phase != Phase::Live)) {
                    return Ok(Err(Unheeded::Ended(run)));
                }
                self.cancel(run, &why).await.map(Ok)
            }
            What::Stop => self.stop("a person stopped it").await.map(Ok),
        }
    }

    /// A remark: to a run at work it is on record before its next turn; to one that has ended it starts another round.
    async fn send(self: &Arc<Self>, run: RunId, text: String) -> Result<Result<(), Unheeded>, Refused> {
        let (live, root_live) = self.look(|state| {
            let live = |id: &RunId| state.runs.get(id).is_some_and(|run| run.phase == Phase::Live);
            (live(&run), live(&self.id))
        });
        let ticket = match (live, root_live) {
            (true, _) => self.write(run, Event::Remarked(Remarked { from: "person".to_owned(), text })),
            (false, true) => return Ok(Err(Unheeded::Ended(run))),
            // About a task of a tree that is over: whoever led it takes it up again.
            (false, false) if run != self.id => {
                let name = self.look(|state| state.name(run));
                self.next_round(self.id, format!("about {name}: {text}"))
            }
            (false, false) => self.next_round(run, text),
        };
        self.host.journal.flush(ticket).await?;
        self.changed.notify_waiters();
        Ok(Ok(()))
    }

    /// Sends a run that has ended back to work: same branch, workspace and grants, one round more.
    pub(super) fn next_round(self: &Arc<Self>, run: RunId, feedback: String) -> Ticket {
        let task = self.look(|state| {
            let run = state.runs.get(&run);
            let mut task = run.and_then(|run| run.task()).cloned().unwrap_or_default();
            task.round += 1;
            task.feedback.push(feedback);
            task.state = match run.and_then(|run| run.ended()).map(|ended| &ended.end) {
                Some(End::Done(report)) => report.state.clone(),
                _ => task.state.take(),
            };
            task
        });
        self.begin(run, task)
    }

    /// Tells those who watch this process how a reply arrives.
    pub(super) fn tell(&self, live: Live) {
        // Nobody may be watching.
        let _ = self.host.events.send(live);
    }
}
