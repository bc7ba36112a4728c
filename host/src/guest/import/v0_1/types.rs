//! `types`: errors, tasks and outcomes.

use orchestra_pit_core::call::Error;
use orchestra_pit_core::call::delegate::{Criterion, Evidence, Report, Task};

use super::wit::types;
use crate::guest::agent::Ended;
use crate::guest::store::State;

impl types::Host for State {}

/// Bytes of a state that is handed on, as `wit/types.wit` says.
const MAX_STATE: usize = 1 << 20;

impl From<Error> for types::Error {
    fn from(error: Error) -> Self {
        Self {
            kind: error.kind.word().to_owned(),
            message: error.message,
            rule: error.rule,
            hint: error.hint,
            more: error.more,
        }
    }
}

impl From<Task> for types::Task {
    fn from(task: Task) -> Self {
        let criterion = |Criterion { id, text }| types::Criterion { id, text, more: Vec::new() };
        Self {
            goal: task.goal,
            criteria: task.criteria.into_iter().map(criterion).collect(),
            settings: task.settings,
            round: task.round,
            feedback: task.feedback,
            state: task.state.map(|state| state.to_vec()),
            more: Vec::new(),
        }
    }
}

impl From<types::Task> for Task {
    fn from(task: types::Task) -> Self {
        let criterion = |types::Criterion { id, text, .. }| Criterion { id, text };
        Self {
            goal: task.goal,
            criteria: task.criteria.into_iter().map(criterion).collect(),
            settings: task.settings,
            round: task.round,
            feedback: task.feedback,
            state: task.state.map(Into::into),
        }
    }
}

impl From<types::Report> for Report {
    fn from(report: types::Report) -> Self {
        let evidence = |types::Evidence { criterion, met, evidence, .. }| Evidence { criterion, met, evidence };
        Self {
            summary: report.summary,
            criteria: report.criteria.into_iter().map(evidence).collect(),
            doubts: report.doubts,
            state: report.state.map(Into::into),
        }
    }
}

impl From<Report> for types::Report {
    fn from(report: Report) -> Self {
        let evidence =
            |Evidence { criterion, met, evidence }| types::Evidence { criterion, met, evidence, more: Vec::new() };
        Self {
            summary: report.summary,
            criteria: report.criteria.into_iter().map(evidence).collect(),
            doubts: report.doubts,
            state: report.state.map(|state| state.to_vec()),
            more: Vec::new(),
        }
    }
}

/// How a life ended, by what `run` returned.
pub(super) fn ended(outcome: Result<types::Outcome, types::Failure>) -> Ended {
    let too_large = |size: usize| Ended::Failed {
        kind: "too-large".to_owned(),
        message: format!("the state it handed on has {size} bytes; {MAX_STATE} are kept"),
    };
    match outcome {
        Ok(types::Outcome::Again(state)) if state.len() > MAX_STATE => too_large(state.len()),
        Ok(types::Outcome::Again(state)) => Ended::Again(state.into()),
        Ok(types::Outcome::Done(report)) => match &report.state {
            Some(state) if state.len() > MAX_STATE => too_large(state.len()),
            _ => Ended::Done(report.into()),
        },
        Ok(types::Outcome::Other((name, _))) => Ended::Failed {
            kind: "unsupported".to_owned(),
            message: format!("it ended with the outcome `{name}`, which this host does not know"),
        },
        Err(types::Failure { kind, message, .. }) => Ended::Failed { kind, message },
    }
}
