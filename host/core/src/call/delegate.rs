//! `delegate`: start other agents.

use serde::{Deserialize, Serialize};

use super::More;
use super::bytes::Bytes;
use crate::id::{Oid, RunId};
use crate::path::RepoPath;

/// A call of `delegate`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the fields are the parameters in wit/delegate.wit")]
pub enum Call {
    Start(Box<Order>),
    Wait { children: Vec<RunId>, timeout_ms: Option<u64> },
    Message { child: RunId, text: String },
    Again { child: RunId, feedback: String },
    Cancel { child: RunId, reason: String },
}

impl Call {
    /// `delegate.function`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Start(_) => "delegate.start",
            Self::Wait { .. } => "delegate.wait",
            Self::Message { .. } => "delegate.message",
            Self::Again { .. } => "delegate.again",
            Self::Cancel { .. } => "delegate.cancel",
        }
    }
}

/// What an agent is to do: `types.task` of the contract.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of wit/types.wit")]
pub struct Task {
    pub goal: String,
    pub criteria: Vec<Criterion>,
    pub settings: Vec<(String, String)>,
    pub round: u32,
    pub feedback: Vec<String>,
    pub state: Option<Bytes>,
}

/// One thing that must be true of the result.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of wit/types.wit")]
pub struct Criterion {
    pub id: String,
    pub text: String,
}

/// An agent's own account of its work.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of wit/types.wit")]
pub struct Report {
    pub summary: String,
    pub criteria: Vec<Evidence>,
    pub doubts: Vec<String>,
    pub state: Option<Bytes>,
}

/// What shows that a criterion is met, as the agent says.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of wit/types.wit")]
pub struct Evidence {
    pub criterion: String,
    pub met: bool,
    pub evidence: String,
}

/// `delegate.order`: a child to start.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of wit/delegate.wit")]
pub struct Order {
    pub agent: String,
    pub task: Task,
    pub card: String,
    pub model: String,
    pub start: Start,
    pub write: Vec<String>,
    pub lease: Vec<RepoPath>,
    pub share: Share,
}

/// Where a child's workspace starts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Start {
    /// The parent's last commit.
    Head,
    /// Where the parent started.
    Base,
    /// The tip of a child that has ended.
    Child(RunId),
}

/// A child's part of the budget; 0 is the parent's own limit.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of wit/delegate.wit")]
pub struct Share {
    pub micro_usd: u64,
    pub tokens: u64,
    pub turns: u32,
    pub seconds: u32,
}

/// What `delegate` answers.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Value {
    /// The child's id.
    Started(RunId),
    /// One of the children has ended; none in time, if `None`.
    Awaited(Option<Ended>),
    /// Something was said to the one who waits.
    Remark,
}

/// A child that has ended.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Ended {
    /// Which.
    pub child: RunId,
    /// How.
    pub end: End,
    /// The tip of its branch.
    pub commit: Oid,
    /// What the host says of it: `verdict`, and `proof` for each of its tests.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub more: More,
}

/// How a run ended.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    /// By its own word.
    Done(Report),
    /// It gave up: a kind and a message.
    Failed {
        /// A word.
        kind: String,
        /// Why.
        message: String,
    },
    /// A person or the parent stopped it.
    Cancelled(String),
    /// Its budget was used up.
    Exhausted(String),
    /// It trapped or used up a limit.
    Broken(String),
}
