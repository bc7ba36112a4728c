//! What a tree of runs stands at: a fold of its records.
//!
//! The owner applies each record as it writes it, a resumed owner applies them all again, and whoever only looks
//! (`pit status`) does the same: there is no second truth.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use orchestra_pit_core::budget::{Balance, Cost, Ledger, Line, Shortage};
use orchestra_pit_core::call::delegate::Task;
use orchestra_pit_core::call::exec::Judged;
use orchestra_pit_core::call::human::Remark;
use orchestra_pit_core::call::{Answer, Call, ErrorKind, Facts, Value, delegate, exec, human, model, vcs};
use orchestra_pit_core::check::verdict::Level;
use orchestra_pit_core::id::{Oid, RunId};
use orchestra_pit_core::path::RepoPath;
use orchestra_pit_core::policy::Approval;
use orchestra_pit_core::record::{Asked, Began, Ended, Event, Said, Started};
use orchestra_pit_core::time::Time;

use crate::effect::board::Board;

/// The level of checks that every result is judged by.
pub const FULL: &str = "full";

/// Who a remark is from that a parent sends.
pub const PARENT: &str = "parent";

/// A tree of runs as its records say.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// By id. Boxed: a node of the map has room for eleven, and most trees are few runs.
    pub runs: BTreeMap<RunId, Box<Run>>,
    /// In the order in which they were started: a run's place here is its ordinal.
    pub order: Vec<RunId>,
    /// What the team shares.
    pub board: Board,
    /// What was held and spent.
    pub ledger: Ledger,
    /// What became of the result, newest last.
    pub accepted: Vec<Acceptance>,
    /// What the host's checks came to, by the tree that was judged: the newest of each level.
    pub verdicts: BTreeMap<(Oid, String), Judged>,
    /// Those of them that an agent was answered, of no more than it may read: the host's own are of all files, for people.
    told: BTreeMap<(Oid, String), Judged>,
    /// What they came to on the result; of a round that is not over there is none.
    pub result: Option<Judged>,
    /// What of the budget runs low, until it is raised.
    pub low: Option<(Time, Shortage)>,
}

/// A result that a person took, or gave back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acceptance {
    /// The ref.
    pub onto: String,
    /// Before.
    pub old: Oid,
    /// Now.
    pub new: Oid,
    /// What of the run was taken: another round may have come since.
    pub tip: Oid,
    /// The tree of the index, if it was staged there and not committed.
    pub staged: Option<Oid>,
    /// Taken back since.
    pub undone: bool,
}

/// One run.
#[derive(Clone, Debug)]
pub struct Run {
    /// Its start record.
    pub started: Arc<Started>,
    /// When it was started.
    pub since: Time,
    /// The stretch of guest code it is in, and how many there were.
    pub began: Option<Arc<Began>>,
    /// Whether it is at work.
    pub phase: Phase,
    /// The call it is in, if it is in one.
    pub open: Option<Open>,
    /// What was said to it and not read yet.
    pub remarks: VecDeque<Remark>,
    /// Something was said since it last read, or was told while it waited that there is something to read.
    pub unheard: bool,
    /// When its parent last said something to it.
    pub parent_said: Time,
    /// What people have said yes to.
    pub approvals: Vec<Approval>,
    /// The tip of its branch.
    pub tip: Oid,
    /// Commits it has made.
    pub commits: u32,
    /// The number of its next call.
    pub next: u64,
    /// Notices it has sent to people.
    pub notices: u64,
    /// Bytes of lines it has logged.
    pub logged: usize,
    /// Turns it has taken with a model.
    pub turns: u64,
    /// What it was refused, oldest first.
    pub refused: Vec<Refusal>,
    /// What of the budget was too little for its last call that was refused for that.
    pub short: Option<Shortage>,
    /// The last thing it did: when and what.
    pub last: (Time, String),
    /// Questions that were put to people by it.
    pub asked: u32,
    /// What it wanted to know when nobody was there to answer.
    pub unanswered: Vec<String>,
    /// What models used and cost it.
    pub usage: model::Usage,
    /// It has asked a model whose price is not known.
    pub unpriced: bool,
}

/// What a run is at.
#[derive(Clone, Debug, PartialEq)]
pub enum Phase {
    /// In a life, or to be resumed into one.
    Live,
    /// Over, unless somebody sends it back.
    Ended(Arc<Ended>),
}

/// A call without an answer.
#[derive(Clone, Debug)]
pub struct Open {
    /// Its number.
    pub seq: u64,
    /// What.
    pub call: Call,
    /// When it was made.
    pub at: Time,
    /// A rule asks a person about it.
    pub asked: Option<Arc<Asked>>,
    /// What is held for it; none while it is only asked about.
    pub line: Option<Line>,
}

/// A call that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The call's number.
    pub seq: u64,
    /// When.
    pub at: Time,
    /// `noun.function`.
    pub function: String,
    /// What it was about: a path, an agent's name.
    pub about: String,
    /// The rule.
    pub rule: String,
    /// The sentence.
    pub message: String,
}

impl State {
    /// Applies a record.
    pub fn apply(&mut self, run: RunId, at: Time, event: &Event) {
        enter(&mut self.ledger, run, at, event);
        match event {
            Event::Started(started) => {
                self.order.push(run);
                self.runs.insert(run, Box::new(Run::new(at, started)));
                return;
            }
            Event::Raised { .. } => {
                self.low = self.low.filter(|(_, shortage)| shortage.account != run);
            }
            Event::Noticed(shortage) => self.low = Some((at, *shortage)),
            Event::Judged(judged) => {
                self.judged(judged);
                self.result = Some((**judged).clone());
            }
            Event::Began(_) if self.order.first() == Some(&run) => self.result = None,
            Event::Accepted { onto, old, new, staged, .. } => {
                let (onto, staged) = (onto.clone(), *staged);
                let tip = self.runs.get(&run).map_or(*new, |run| run.tip);
                self.accepted.push(Acceptance { onto, old: *old, new: *new, tip, staged, undone: false });
            }
            Event::Unaccepted { .. } => {
                if let Some(last) = self.accepted.last_mut() {
                    last.undone = true;
                }
            }
            Event::Intended(intended) => {
                return self.intended(run, at, intended.seq, &intended.call, intended.at, intended.line);
            }
            Event::Answered(answered) => {
                let call = self.answered(run, at, answered.seq, &answered.answer, answered.cost);
                if let (Some(Call::Board(call)), Ok(_)) = (&call, &answered.answer) {
                    let author = self.author(run);
                    // Whatever it answers now, it has answered then.
                    let _ = self.board.call(&author, call);
                }
                return;
            }
            _ => {}
        }
        if let Some(entry) = self.runs.get_mut(&run) {
            entry.apply(at, event);
        }
    }

    /// Applies an intent.
    pub fn intended(&mut self, run: RunId, at: Time, seq: u64, call: &Call, made: Time, line: Line) {
        self.ledger.recall_hold(run, line);
        if let Some(entry) = self.runs.get_mut(&run) {
            entry.intend(at, seq, call, made, line);
        }
    }

    /// Undoes what the intent of a call holds that is about to be made again; with what it was.
    pub fn take_back(&mut self, run: RunId, seq: u64) -> Option<Line> {
        let open = self.runs.get_mut(&run)?.open.as_mut().filter(|open| open.seq == seq)?;
        let line = open.line.take()?;
        self.ledger.take_back(run, line);
        Some(line)
    }

    /// Remembers a verdict.
    fn judged(&mut self, judged: &Judged) {
        self.verdicts.insert(key(judged), judged.clone());
    }

    /// What the host's checks of a level came to on a tree.
    pub fn verdict(&self, tree: Oid, level: &str) -> Option<&Judged> {
        self.verdicts.get(&(tree, level.to_owned()))
    }

    /// What agents were told of a tree by the checks that one of them asked for.
    pub fn told(&self, tree: Oid) -> Option<&Judged> {
        let of = |level: &str| self.told.get(&(tree, level.to_owned()));
        of(FULL).or_else(|| of(Level::Full.of_readable().name()))
    }

    /// Applies an answer, except to the board, which the effect itself has changed when this happens live. Comes back with the
    /// call that was answered.
    pub fn answered(&mut self, run: RunId, at: Time, seq: u64, answer: &Answer, cost: Cost) -> Option<Call> {
        if let Ok(Value::Exec(exec::Value::Verdict(judged))) = answer {
            self.judged(judged);
            self.told.insert(key(judged), (**judged).clone());
        }
        let entry = self.runs.get_mut(&run)?;
        let open = entry.answer(at, seq, answer)?;
        entry.unpriced |= cost.unpriced;
        match open.line {
            Some(Line::Spend(held)) => self.ledger.recall_settle(run, held, cost),
            Some(Line::Carve(_, caps)) if answer.is_err() => self.ledger.give_back(run, caps),
            Some(Line::Carve(..)) | None => {}
        }
        Some(open.call)
    }

    /// Who a note of a run is signed by: the agent and its place, `coder 3f.2`.
    pub fn author(&self, run: RunId) -> String {
        match self.runs.get(&run) {
            Some(entry) => format!("{} {}", entry.agent(), self.name(run)),
            None => run.short(),
        }
    }

    /// A run's name for people: the tree's short id, and the run's place in it unless it is the first.
    pub fn name(&self, run: RunId) -> String {
        let Some(entry) = self.runs.get(&run) else { return run.short() };
        match entry.started.ordinal {
            0 => run.short(),
            ordinal => format!("{}.{ordinal}", entry.started.site.tree.short()),
        }
    }

    /// The first run of the tree.
    pub fn root(&self) -> Option<&Run> {
        self.runs.get(self.order.first()?).map(|run| &**run)
    }

    /// The children of a run, oldest first.
    pub fn children(&self, parent: RunId) -> impl Iterator<Item = (RunId, &Run)> {
        self.order.iter().filter_map(move |id| {
            let run: &Run = self.runs.get(id)?;
            (run.started.site.parent == Some(parent)).then_some((*id, run))
        })
    }

    /// What a run and all below it have cost, in millionths of a US dollar; none as soon as a model is asked whose price is not
    /// known, for no sum is the right one then.
    pub fn money(&self, run: RunId) -> Option<u64> {
        let unpriced = self.runs.iter().any(|(id, entry)| entry.unpriced() && self.is_below(*id, run));
        (!unpriced).then(|| self.balance(run).spent.micro_usd)
    }

    /// Whether a run is another one, or was started by it or below it.
    fn is_below(&self, run: RunId, above: RunId) -> bool {
        let parent = |id: &RunId| self.runs.get(id)?.started.site.parent;
        std::iter::successors(Some(run), parent).any(|id| id == above)
    }

    /// What a run's account stands at.
    pub fn balance(&self, run: RunId) -> Balance {
        self.ledger.balance(run)
    }
}

fn key(judged: &Judged) -> (Oid, String) {
    (judged.verdict.tree(), judged.verdict.level().name().to_owned())
}

impl Run {
    fn new(at: Time, started: &Started) -> Self {
        Self {
            since: at,
            began: None,
            phase: Phase::Live,
            open: None,
            remarks: VecDeque::new(),
            unheard: false,
            parent_said: at,
            approvals: Vec::new(),
            tip: started.base,
            commits: 0,
            next: 0,
            notices: 0,
            logged: 0,
            turns: 0,
            refused: Vec::new(),
            short: None,
            last: (at, "started".to_owned()),
            asked: 0,
            unanswered: Vec::new(),
            usage: model::Usage::default(),
            unpriced: false,
            started: Arc::new(started.clone()),
        }
    }

    /// The agent's name without its version.
    pub fn agent(&self) -> &str {
        let name = self.started.site.agent_name.as_str();
        name.split_once('@').map_or(name, |(name, _)| name)
    }

    /// The task it is at.
    pub fn task(&self) -> Option<&Task> {
        self.began.as_deref().map(|began| &began.task)
    }

    /// Whether it waits for a person, by its records.
    pub fn asks(&self) -> bool {
        let asks = |open: &Open| {
            open.asked.is_some()
                || matches!(open.call, Call::Human(human::Call::Ask { .. } | human::Call::Propose { .. }))
        };
        self.phase == Phase::Live && self.open.as_ref().is_some_and(asks)
    }

    /// Whether a call of it is having its effect, and not only waiting for a person, a child or a time.
    pub fn at_work(&self) -> bool {
        let waits = |call: &Call| {
            matches!(
                call,
                Call::Human(human::Call::Ask { .. } | human::Call::Propose { .. })
                    | Call::Delegate(delegate::Call::Wait { .. })
                    | Call::Clock(_)
            )
        };
        self.phase == Phase::Live && self.open.as_ref().is_some_and(|open| open.line.is_some() && !waits(&open.call))
    }

    /// Whether it has asked, or asks, a model whose price is not known.
    fn unpriced(&self) -> bool {
        self.unpriced
            || self.open.as_ref().is_some_and(|open| matches!(open.line, Some(Line::Spend(held)) if held.unpriced))
    }

    /// How it ended, if it has.
    pub fn ended(&self) -> Option<&Ended> {
        match &self.phase {
            Phase::Ended(ended) => Some(ended),
            Phase::Live => None,
        }
    }

    fn apply(&mut self, at: Time, event: &Event) {
        match event {
            Event::Began(began) => {
                self.phase = Phase::Live;
                self.next = began.first;
                self.open = None;
                self.began = Some(Arc::new((**began).clone()));
            }
            Event::Asked(asked) => {
                self.asked += 1;
                self.last = (at, format!("asks: {}", asked.call.name()));
                let asked = Arc::new((**asked).clone());
                let (seq, call, made) = (asked.seq, asked.call.clone(), asked.at);
                self.open = Some(Open { seq, call, at: made, asked: Some(asked), line: None });
            }
            Event::Ruled(ruled) => self.rule(at, ruled.seq, &ruled.ruling),
            Event::Remarked(remark) => {
                self.remarks.push_back(Remark { text: remark.text.clone(), time: at, from: remark.from.clone() });
                self.unheard = true;
                if remark.from == PARENT {
                    self.parent_said = at;
                }
            }
            Event::Ended(ended) => {
                self.tip = ended.commit;
                self.open = None;
                self.last = (at, "ended".to_owned());
                self.phase = Phase::Ended(Arc::new((**ended).clone()));
            }
            _ => {}
        }
    }

    fn rule(&mut self, at: Time, seq: u64, said: &Said) {
        let mut refuse = |call: &Call, paths: &[RepoPath], rule: &str, message: String| {
            self.refused.push(Refusal {
                seq,
                at,
                function: function(call),
                about: if paths.is_empty() { about(call) } else { some_of(paths) },
                rule: rule.to_owned(),
                message,
            });
        };
        match said {
            Said::Approved(approval) => {
                self.approvals.push(approval.clone());
                // It may still wait for money; for a person it waits no more.
                if let Some(open) = &mut self.open {
                    open.asked = None;
                }
            }
            Said::Rejected { by, why } => {
                if let Some(open) = &self.open {
                    let paths = open.asked.as_ref().map(|asked| paths_of(&asked.facts)).unwrap_or_default();
                    refuse(&open.call, &paths, "person", format!("{by} said no: {why}"));
                }
            }
            Said::Denied { call, reasons, paths } => {
                let first = reasons.first();
                refuse(
                    call,
                    paths,
                    first.map_or("", |r| &r.rule),
                    first.map(|r| r.message.clone()).unwrap_or_default(),
                );
                self.open = Some(Open { seq, call: call.clone(), at, asked: None, line: None });
            }
            Said::Exhausted { call, shortage } => {
                refuse(call, &[], "budget", shortage.message());
                self.short = Some(*shortage);
                self.open = Some(Open { seq, call: call.clone(), at, asked: None, line: None });
            }
        }
    }

    fn intend(&mut self, at: Time, seq: u64, wanted: &Call, made: Time, line: Line) {
        let call = light(wanted);
        if matches!(call, Call::Human(human::Call::Ask { .. } | human::Call::Propose { .. })) {
            self.asked += 1;
        }
        if let Some(doing) = doing(wanted) {
            self.last = (at, doing);
        }
        self.open = Some(Open { seq, call, at: made, asked: None, line: Some(line) });
    }

    fn answer(&mut self, at: Time, seq: u64, answer: &Answer) -> Option<Open> {
        self.next = seq + 1;
        let open = self.open.take().filter(|open| open.seq == seq)?;
        match (&open.call, answer) {
            (Call::Log(line), _) => self.logged += line.message.len(),
            (Call::Human(human::Call::Notify { .. }), _) => self.notices += 1,
            // Nobody was there to be asked.
            (Call::Human(human::Call::Ask { .. } | human::Call::Propose { .. }), Err(error)) => {
                self.asked = self.asked.saturating_sub(1);
                if let (Call::Human(human::Call::Ask { text, .. }), ErrorKind::Unavailable) = (&open.call, error.kind) {
                    self.unanswered.push(text.clone());
                }
            }
            (_, Ok(Value::Human(human::Value::Remarks(read)))) => {
                self.remarks.drain(..read.len().min(self.remarks.len()));
                self.unheard = !self.remarks.is_empty();
            }
            (_, Ok(Value::Delegate(delegate::Value::Remark))) => self.unheard = false,
            (
                _,
                Ok(Value::Vcs(vcs::Value::Commit(commit) | vcs::Value::Integration(vcs::Integration::Merged(commit)))),
            ) => {
                self.tip = commit.id;
                self.commits += 1;
                self.last = (at, format!("committed {}", &commit.id.to_string()[..8]));
            }
            (_, Ok(Value::Model(value))) => self.count(value),
            _ => {}
        }
        Some(open)
    }

    fn count(&mut self, value: &model::Value) {
        let model::Value::Reply(reply) = value else { return };
        self.turns += 1;
        self.usage.input += reply.usage.input;
        self.usage.cached_read += reply.usage.cached_read;
        self.usage.cache_write += reply.usage.cache_write;
        self.usage.output += reply.usage.output;
        self.usage.reasoning += reply.usage.reasoning;
    }
}

/// Enters a record into the books, but for what calls hold and spend: the gate does that as it happens.
pub(super) fn enter(ledger: &mut Ledger, run: RunId, at: Time, event: &Event) {
    match event {
        // A person can take a result long after the host that made it was cut off: no sign that it was at work until then.
        Event::Accepted { .. } | Event::Unaccepted { .. } => return,
        Event::Started(started) => match started.site.parent {
            Some(parent) => ledger.open_child(parent, run, started.caps, at),
            None => ledger.open(run, started.caps, at),
        },
        Event::Began(_) => ledger.begin(run, at),
        Event::Resumed { .. } => ledger.resume(at),
        Event::Raised { caps, .. } => ledger.raise(run, *caps),
        Event::Ended(_) => ledger.end(run, at),
        _ => {}
    }
    ledger.see(at);
}

/// A call without what is large in it and nobody looks at while it is open.
fn light(call: &Call) -> Call {
    use orchestra_pit_core::call::workspace::Call as W;
    match call {
        Call::Model(model::Call::Ask(request)) => Call::Model(model::Call::About(request.model.clone())),
        Call::Workspace(W::Write { path, expect, executable, .. }) => Call::Workspace(W::Write {
            path: path.clone(),
            bytes: Default::default(),
            expect: *expect,
            executable: *executable,
        }),
        Call::Workspace(W::Edit { .. }) => Call::Workspace(W::Edit { edits: Vec::new() }),
        call => call.clone(),
    }
}

/// `noun.function`, also of a call that was malformed.
fn function(call: &Call) -> String {
    match call {
        Call::Malformed { function, .. } => function.clone(),
        call => call.name().to_owned(),
    }
}

/// The paths that a person said no to, where the call does not show them.
fn paths_of(facts: &Facts) -> Vec<RepoPath> {
    facts.writes.iter().chain(&facts.protected).cloned().collect()
}

/// Paths in a few words.
fn some_of(paths: &[RepoPath]) -> String {
    let first = paths.first().map(ToString::to_string).unwrap_or_default();
    match paths.len() {
        0 | 1 => first,
        all => format!("{first} and {} more", all - 1),
    }
}

/// What a call is about, in a word.
fn about(call: &Call) -> String {
    use orchestra_pit_core::call::workspace::Call as W;
    match call {
        Call::Workspace(W::Stat { path } | W::Read { path, .. } | W::Write { path, .. } | W::Remove { path }) => {
            path.to_string()
        }
        Call::Workspace(W::Rename { from, to }) => format!("{from} to {to}"),
        // A path that is none is known only as the agent wrote it.
        Call::Malformed { error, .. } => {
            error.more.iter().find(|(name, _)| name == "path").map(|(_, path)| path.clone()).unwrap_or_default()
        }
        Call::Delegate(delegate::Call::Start(order)) => order.agent.clone(),
        Call::Model(model::Call::Ask(request)) => request.model.clone(),
        Call::Model(model::Call::About(alias)) => alias.clone(),
        Call::Exec(exec::Call::Run(command)) => command.argv.join(" "),
        Call::Exec(exec::Call::Check { level }) => level.clone(),
        _ => String::new(),
    }
}

/// What a call does, as verb and object, for people who watch; none for what is not worth a line.
fn doing(call: &Call) -> Option<String> {
    use orchestra_pit_core::call::workspace::Call as W;
    Some(match call {
        Call::Model(model::Call::Ask(_)) => "thinking".to_owned(),
        Call::Workspace(W::Read { path, .. }) => format!("reading {path}"),
        Call::Workspace(W::Search(query)) => format!("searching `{}`", query.pattern),
        Call::Workspace(W::Write { path, .. }) => format!("writing {path}"),
        Call::Workspace(W::Edit { .. }) => "editing".to_owned(),
        Call::Workspace(W::Remove { path }) => format!("removing {path}"),
        Call::Workspace(W::Rename { from, to }) => format!("moving {from} to {to}"),
        Call::Vcs(vcs::Call::Commit { .. }) => "committing".to_owned(),
        Call::Vcs(vcs::Call::Integrate { .. }) => "integrating".to_owned(),
        Call::Exec(exec::Call::Run(command)) => format!("running {}", command.argv.join(" ")),
        Call::Exec(exec::Call::Check { level }) => format!("checking ({level})"),
        Call::Human(human::Call::Ask { .. }) => "asking".to_owned(),
        Call::Human(human::Call::Propose { .. }) => "proposing".to_owned(),
        Call::Delegate(delegate::Call::Start(order)) => format!("starting {}", order.agent),
        Call::Delegate(delegate::Call::Wait { .. }) => "waiting for its team".to_owned(),
        Call::Clock(_) => "waiting".to_owned(),
        _ => return None,
    })
}
