//! `exec`: native commands over the agent's own workspace, and the checks that only the host runs.

use serde::{Deserialize, Serialize};

use super::bytes::Bytes;
use super::{Durability, Redo};
use crate::check::prove::Proof;
use crate::check::verdict::Verdict;
use crate::id::Oid;
use crate::map::Node;
use crate::path::RepoPath;

/// A call of `exec`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the fields are the parameters in wit/exec.wit")]
pub enum Call {
    Run(Command),
    Check { level: String },
}

impl Call {
    /// `exec.function`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Run(_) => "exec.run",
            Self::Check { .. } => "exec.check",
        }
    }

    /// What a command writes goes into a folder of its own, and is taken over when its answer is recorded: until then it
    /// had no effect.
    pub fn redo(&self) -> Redo {
        Redo::WithKey
    }

    /// Work that takes minutes is on record before it begins.
    pub fn durability(&self) -> Durability {
        Durability::Before
    }
}

/// A command.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of wit/exec.wit")]
pub struct Command {
    pub argv: Vec<String>,
    /// None is the top of the workspace.
    pub dir: Option<RepoPath>,
    pub env: Vec<(String, String)>,
    pub stdin: Bytes,
    pub timeout_ms: Option<u64>,
    pub limit: u32,
}

/// What `exec` answers.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each answers the function of its name in wit/exec.wit")]
pub enum Value {
    Ran(Box<Ran>),
    Verdict(Box<Judged>),
}

/// How a command came to its end.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each is described once, in wit/exec.wit")]
pub enum Ended {
    Exited(i32),
    Signalled(String),
    TimedOut,
    OverLimit(String),
}

/// What a stream had.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of wit/exec.wit")]
pub struct Stream {
    pub head: String,
    pub tail: String,
    pub cut: u64,
}

/// What the host says of a tree, after it ran the person's checks on it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Judged {
    /// The verdict.
    pub verdict: Verdict,
    /// What the change's own tests prove; none where that was not looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<Proof>,
    /// The last lines of what failed, by check.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tails: Vec<(String, String)>,
}

/// What became of a command.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of wit/exec.wit")]
pub struct Ran {
    pub ended: Ended,
    pub out: Stream,
    pub err: Stream,
    pub time: u64,
    pub memory: u64,
    pub tree: Oid,
    /// All that it changed, by reference: the contents are in the host's store before this is recorded.
    pub changes: Vec<(RepoPath, Node)>,
    pub left_out: Vec<(String, String)>,
}
