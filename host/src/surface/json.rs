//! What a tree of runs stands at and what happens in it, for programs: `-o json`, `-o stream-json`, `--json`.

use orchestra_pit_core::budget::Cost;
use orchestra_pit_core::call::delegate::{End, Report};
use orchestra_pit_core::call::{Value, model};
use orchestra_pit_core::check::prove::Proof;
use orchestra_pit_core::check::verdict::{CheckVerdict, Kind, Level};
use orchestra_pit_core::id::{Hash, Oid, RunId};
use orchestra_pit_core::record::Event;
use orchestra_pit_core::time::Time;
use serde::Serialize;

use super::exit::Exit;
use super::words;
use crate::run::State;
use crate::run::state::{Phase, Run};

/// The version of everything in this file. New fields may come; a field that goes or changes is a new version.
pub const SCHEMA: u32 = 1;

/// What a command came to that began nothing, as the object at the end of `json` and `stream-json`.
pub fn failure(exit: Exit, error: &str, hints: &[String]) -> serde_json::Value {
    serde_json::json!({
        "schema": SCHEMA,
        "type": "run",
        "state": exit.word(),
        "exit": exit.code(),
        "error": error,
        "hints": hints,
    })
}

/// A tree of runs.
#[derive(Debug, Serialize)]
pub struct Tree {
    schema: u32,
    /// `run`, by which the last line of `stream-json` is told from those before it.
    #[serde(rename = "type")]
    kind: &'static str,
    id: RunId,
    title: String,
    /// The end state's word, as of the exit code.
    state: &'static str,
    exit: u8,
    branch: String,
    base: String,
    commit: String,
    started: Time,
    /// Microseconds at work: what `--wall` limits.
    elapsed: u64,
    spent: Spent,
    /// What the host's checks came to on the result; null where none were run.
    result: Option<Verdict>,
    runs: Vec<One>,
}

/// The host's verdict.
#[derive(Debug, Serialize)]
struct Verdict {
    /// `green`, `no-worse` or `red`.
    kind: Kind,
    /// Whether the result is a verified one.
    verified: bool,
    level: Level,
    tree: Oid,
    line: String,
    checks: Vec<CheckVerdict>,
    proof: Option<Proof>,
}

/// One run of a tree.
#[derive(Debug, Serialize)]
struct One {
    id: RunId,
    name: String,
    parent: Option<RunId>,
    agent: String,
    title: String,
    phase: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<End>,
    #[serde(skip_serializing_if = "Option::is_none")]
    asks: Option<String>,
    doing: String,
    last: Time,
    turns: u64,
    commits: u32,
    refused: usize,
    /// What it asked when nobody was there to answer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unanswered: Vec<String>,
    spent: Spent,
}

/// What a run and all below it have cost.
#[derive(Debug, Serialize)]
struct Spent {
    /// Null as soon as a model was asked whose price is not known.
    micro_usd: Option<u64>,
    tokens: u64,
    turns: u64,
    calls: u64,
    work: u64,
}

fn spent(state: &State, run: RunId) -> Spent {
    let Cost { tokens, turns, calls, work, .. } = state.balance(run).spent;
    Spent { micro_usd: state.money(run), tokens, turns, calls, work }
}

/// The whole tree.
pub fn tree(state: &State) -> Option<Tree> {
    let root = state.root()?;
    let exit = Exit::of(state);
    let balance = state.balance(root.started.site.run);
    Some(Tree {
        schema: SCHEMA,
        kind: "run",
        id: root.started.site.tree,
        title: root.started.title.clone(),
        state: if root.phase == Phase::Live { "live" } else { exit.word() },
        exit: exit.code(),
        branch: root.started.site.branch.clone(),
        base: root.started.base.to_string(),
        commit: root.tip.to_string(),
        started: root.since,
        elapsed: balance.elapsed,
        // Turns are limited agent by agent, and no account adds them up.
        spent: Spent { turns: state.runs.values().map(|run| run.turns).sum(), ..spent(state, root.started.site.run) },
        result: state.result.as_ref().map(|judged| Verdict {
            kind: judged.verdict.kind(),
            verified: judged.verdict.verifies(),
            level: judged.verdict.level().clone(),
            tree: judged.verdict.tree(),
            line: judged.verdict.line(),
            checks: judged.verdict.checks().to_vec(),
            proof: judged.proof.clone(),
        }),
        runs: state.order.iter().filter_map(|id| Some(one(state, *id, state.runs.get(id)?))).collect(),
    })
}

fn one(state: &State, id: RunId, run: &Run) -> One {
    One {
        id,
        name: state.name(id),
        parent: run.started.site.parent,
        agent: run.started.site.agent_name.clone(),
        title: run.started.title.clone(),
        phase: if run.phase == Phase::Live { "live" } else { "ended" },
        end: run.ended().map(|ended| without_state(&ended.end)),
        asks: words::question(run),
        doing: run.last.1.clone(),
        last: run.last.0,
        turns: run.turns,
        commits: run.commits,
        refused: run.refused.len(),
        unanswered: run.unanswered.clone(),
        spent: spent(state, id),
    }
}

/// How a run ended, without what it keeps for its next round: that is the agent's own, and up to a megabyte.
fn without_state(end: &End) -> End {
    match end {
        End::Done(report) => End::Done(Report { state: None, ..report.clone() }),
        end => end.clone(),
    }
}

/// One line of `stream-json`.
#[derive(Debug, Serialize)]
pub struct Line<'a> {
    schema: u32,
    #[serde(rename = "type")]
    kind: &'static str,
    tree: RunId,
    run: RunId,
    parent: Option<RunId>,
    at: Time,
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<&'a Event>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Used<'a>>,
}

/// What one answer of a model used.
#[derive(Debug, Serialize)]
struct Used<'a> {
    model: &'a str,
    #[serde(flatten)]
    tokens: model::Usage,
    /// Null where the model's price is not known.
    micro_usd: Option<u64>,
}

/// What a model used, of what is told while it happens: there no digest goes with it, nor what the model said. A record has both,
/// and is shown whole.
fn used(event: &Event) -> Option<Used<'_>> {
    let Event::Answered(answered) = event else { return None };
    if answered.digest != Hash::NONE {
        return None;
    }
    let Ok(Value::Model(value)) = &answered.answer else { return None };
    let model::Value::Reply(reply) = &**value else { return None };
    let micro_usd = (!answered.cost.unpriced).then_some(answered.cost.micro_usd);
    Some(Used { model: &reply.model, tokens: reply.usage, micro_usd })
}

/// What comes between the records, as a line of `stream-json`: a command begins, a piece of what it writes, a model is asked
/// again. Some may be missing.
pub fn seen<'a>(state: &State, kind: &'static str, run: RunId, at: Time, text: &'a str) -> Option<Line<'a>> {
    let site = &state.runs.get(&run)?.started.site;
    let (tree, parent) = (site.tree, site.parent);
    Some(Line { schema: SCHEMA, kind, tree, run, parent, at, record: None, text: Some(text), usage: None })
}

/// A record as a line of `stream-json`; none for what only matters inside.
pub fn line<'a>(state: &State, run: RunId, at: Time, event: &'a Event) -> Option<Line<'a>> {
    let entry = state.runs.get(&run)?;
    // A part of a run is a task, as people call it: `3f.2`.
    let task = entry.started.site.parent.is_some();
    let usage = used(event);
    let kind = match event {
        Event::Started(_) if task => "task.started",
        Event::Began(_) if task => "task.began",
        Event::Ended(_) if task => "task.completed",
        Event::Answered(_) if usage.is_some() => "usage",
        Event::Started(_) => "run.started",
        Event::Began(_) => "run.began",
        Event::Asked(_) => "approval.requested",
        Event::Ruled(_) => "approval.ruled",
        Event::Intended(_) => "call.started",
        Event::Answered(_) => "call.completed",
        Event::Remarked(_) => "remark.received",
        Event::Raised { .. } => "budget.raised",
        Event::Noticed(_) => "budget.low",
        Event::Judged(_) => "result.judged",
        Event::Resumed { .. } => "run.resumed",
        Event::Stopped { .. } => "run.stopped",
        Event::Ended(_) => "run.completed",
        Event::Accepted { .. } => "result.accepted",
        Event::Unaccepted { .. } => "result.unaccepted",
    };
    Some(Line {
        schema: SCHEMA,
        kind,
        tree: entry.started.site.tree,
        run,
        parent: entry.started.site.parent,
        at,
        record: usage.is_none().then_some(event),
        text: None,
        usage,
    })
}
