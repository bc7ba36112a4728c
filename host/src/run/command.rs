//! What people tell a tree of runs. Commands come from this process or through the inbox; either way the owner acts on
//! them and records what came of it.

use orchestra_pit_core::budget::Caps;
use orchestra_pit_core::id::RunId;
use serde::{Deserialize, Serialize};

/// A command, with the run it is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Command {
    /// For whom.
    pub run: RunId,
    /// What.
    pub what: What,
    /// Who says so.
    pub by: String,
    /// The number of the call that an answer is to, as the person was shown it; an answer without it is to whatever the run
    /// asks. What a person says to one question must never reach the next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<u64>,
}

/// What is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum What {
    /// Answers the run's question.
    Answer {
        /// In words.
        text: String,
    },
    /// Says yes to what the run waits for.
    Approve {
        /// For all that is alike in this run, not this once.
        run: bool,
        /// A proposal as the person changed it.
        body: Option<String>,
    },
    /// Says no to what the run waits for.
    Reject {
        /// For the agent to read.
        why: String,
    },
    /// A remark: read before the next turn; after the end it starts another round.
    Send {
        /// What is said.
        text: String,
    },
    /// New limits.
    Budget {
        /// Those that change.
        caps: Caps,
    },
    /// Stops the run and all below it, and keeps what was committed.
    Cancel {
        /// For the record.
        why: String,
    },
    /// Ends this life of the whole tree; it can be resumed.
    Stop,
}

/// Why a command did nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unheeded {
    /// There is no such run in the tree.
    #[error("there is no run {0} in this tree")]
    NoRun(RunId),
    /// It waits for nothing that this would answer.
    #[error("run {0} is not waiting for an answer")]
    NotWaiting(RunId),
    /// It waits for something else.
    #[error("run {run} waits for {what}")]
    Otherwise {
        /// Which.
        run: RunId,
        /// For what: `a yes or no`, `an answer in words`, `one of: a, b`.
        what: String,
    },
    /// It is over.
    #[error("run {0} has ended")]
    Ended(RunId),
}
