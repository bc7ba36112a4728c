//! What an agent asks of the host, and what it is told: a [`Call`], its [`Answer`], and the [`Order`] that carries one
//! through the gate.
//!
//! One file a noun, in the words of `wit/`. All of it is plain data that is written into the journal as it stands; a
//! field that is added must have a default, or the record format's version goes up.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::id::{Hash, Oid, RunId};
use crate::path::{PathError, RepoPath};
use crate::time::Time;

pub mod board;
pub mod bytes;
pub mod clock;
pub mod delegate;
pub mod exec;
pub mod human;
pub mod log;
pub mod model;
pub mod vcs;
pub mod workspace;

/// Named values that later versions may add.
pub type More = Vec<(String, String)>;

/// The n-th call of a run. A replayed guest counts again from where its stretch began, so the id is the same in every
/// life of the run.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct CallId {
    /// The run that calls.
    pub run: RunId,
    /// Calls of the run before this one.
    pub seq: u64,
}

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.run.short(), self.seq)
    }
}

/// What an effect must know of the run that calls: ids only, filled from the start record, never by the guest.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Site {
    /// The run that calls; its workspace has the same id.
    pub run: RunId,
    /// The tree of runs it belongs to: the id of the tree's first run.
    pub tree: RunId,
    /// The run that started it.
    pub parent: Option<RunId>,
    /// SHA-256 of the component's bytes.
    pub agent: Hash,
    /// `name@version` of the agent, as its manifest says.
    pub agent_name: String,
    /// The ref that its commits go to.
    pub branch: String,
    /// The models that it may ask, for its commits to name; empty if it asks none. None in records of before there was this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
}

/// A call of any noun.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Call {
    /// A call whose arguments make no sense: it reaches the gate all the same, so that what an agent tried is judged,
    /// journalled and seen like any other call.
    Malformed {
        /// `noun.function`.
        function: String,
        /// What it is answered.
        error: Error,
    },
    /// `log`
    Log(log::Line),
    /// Waiting for a time: the one thing of WASI that the host has to do.
    Clock(clock::Sleep),
    /// `model`
    Model(model::Call),
    /// `workspace`
    Workspace(workspace::Call),
    /// `vcs`
    Vcs(vcs::Call),
    /// `exec`
    Exec(exec::Call),
    /// `human`
    Human(human::Call),
    /// `board`
    Board(board::Call),
    /// `delegate`
    Delegate(delegate::Call),
}

/// What a call that was carried out answers, by noun.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Value {
    /// Nothing but that it is done.
    Done,
    /// `model`
    Model(Box<model::Value>),
    /// `workspace`
    Workspace(workspace::Value),
    /// `vcs`
    Vcs(vcs::Value),
    /// `exec`
    Exec(exec::Value),
    /// `human`
    Human(human::Value),
    /// `board`
    Board(board::Value),
    /// `delegate`
    Delegate(delegate::Value),
}

/// What the agent is told.
pub type Answer = Result<Value, Error>;

/// Why a call was not carried out. The words are those of `wit/types.wit`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each is described once, in wit/types.wit")]
pub enum ErrorKind {
    Denied,
    Exhausted,
    Invalid,
    NotFound,
    Conflict,
    TooLarge,
    Unsupported,
    Unavailable,
    Refused,
    ContextFull,
    Cancelled,
    Interrupted,
}

impl ErrorKind {
    /// The word in `wit/types.wit`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Denied => "denied",
            Self::Exhausted => "exhausted",
            Self::Invalid => "invalid",
            Self::NotFound => "not-found",
            Self::Conflict => "conflict",
            Self::TooLarge => "too-large",
            Self::Unsupported => "unsupported",
            Self::Unavailable => "unavailable",
            Self::Refused => "refused",
            Self::ContextFull => "context-full",
            Self::Cancelled => "cancelled",
            Self::Interrupted => "interrupted",
        }
    }
}

/// An answer that is a no, for the agent to read.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, thiserror::Error)]
#[error("{}: {message}", kind.word())]
pub struct Error {
    /// What sort of no.
    pub kind: ErrorKind,
    /// What was wanted and what stands against it.
    pub message: String,
    /// The rule that was decisive, for `denied`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// What would help.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Further named values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub more: More,
}

impl Error {
    /// A no without rule or hint.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), rule: None, hint: None, more: Vec::new() }
    }

    /// A denial by a rule.
    pub fn denied(rule: impl Into<String>, message: impl Into<String>) -> Self {
        Self { rule: Some(rule.into()), ..Self::new(ErrorKind::Denied, message) }
    }

    /// The same with a hint.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}

impl From<PathError> for Error {
    fn from(why: PathError) -> Self {
        let kind = match why {
            PathError::Git | PathError::Absolute | PathError::Dots => {
                return Self::denied("outside-workspace", why.to_string());
            }
            PathError::Empty | PathError::Character | PathError::Long => ErrorKind::Invalid,
        };
        Self::new(kind, why.to_string())
    }
}

impl From<crate::tree::Malformed> for Error {
    fn from(why: crate::tree::Malformed) -> Self {
        Self::new(ErrorKind::Unsupported, why.to_string())
    }
}

/// May a call be carried out again when a crash left it without an answer?
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Redo {
    /// It changes nothing outside the run's own records.
    Freely,
    /// Doing it again makes the same thing, because all that the host chooses derives from the call's id.
    WithKey,
    /// Only a person can say.
    Never,
}

/// When a call's intent is on disk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Durability {
    /// With the next record that must be: nothing outside the journal changes.
    Rides,
    /// Before the effect starts.
    Before,
}

impl Call {
    /// May it be repeated after a crash between intent and answer?
    pub fn redo(&self) -> Redo {
        match self {
            Self::Malformed { .. } | Self::Log(_) | Self::Clock(_) => Redo::Freely,
            Self::Workspace(_) | Self::Board(_) | Self::Human(_) => Redo::Freely,
            Self::Vcs(call) => call.redo(),
            Self::Exec(call) => call.redo(),
            // The child's id, the message's and the order's derive from the call's id.
            Self::Delegate(_) => Redo::WithKey,
            // A model's server may have worked, and charged, for a request whose answer was lost. The loss is bounded by
            // the hold and both are kept in the books, so the run goes on by itself: acceptance S5 allows the call in flight.
            Self::Model(_) => Redo::WithKey,
        }
    }

    /// Is the intent on disk before the effect, or does it ride with the next record that is?
    pub fn durability(&self) -> Durability {
        match self {
            // A workspace and a board are folds of the journal: what a crash loses of them, the guest does again.
            Self::Malformed { .. } | Self::Log(_) | Self::Clock(_) => Durability::Rides,
            Self::Workspace(_) | Self::Board(_) => Durability::Rides,
            Self::Model(model::Call::About(_)) | Self::Human(human::Call::Remarks) => Durability::Rides,
            Self::Vcs(call) => call.durability(),
            Self::Exec(call) => call.durability(),
            Self::Delegate(delegate::Call::Wait { .. }) => Durability::Rides,
            Self::Model(_) | Self::Human(_) | Self::Delegate(_) => Durability::Before,
        }
    }

    /// `noun.function`, as in `wit/`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Malformed { .. } => "malformed",
            Self::Log(_) => "log.write",
            Self::Clock(_) => "clock.sleep",
            Self::Model(call) => call.name(),
            Self::Workspace(call) => call.name(),
            Self::Vcs(call) => call.name(),
            Self::Exec(call) => call.name(),
            Self::Human(call) => call.name(),
            Self::Board(call) => call.name(),
            Self::Delegate(call) => call.name(),
        }
    }

    /// SHA-256 of the call's canonical form: what a replayed guest must ask for again.
    pub fn digest(&self) -> Hash {
        Hash::of(&canonical(self))
    }
}

/// The canonical form of anything that is recorded: JSON as `serde_json` writes it, without spaces, fields in the order
/// of their declaration. Core's types hold no maps without an order and no floats that are not finite.
pub fn canonical<T: Serialize>(value: &T) -> Vec<u8> {
    // Serializing plain data to memory has no way to fail; should a type ever break that, an empty form
    // matches no digest, and the call is refused as diverged.
    serde_json::to_vec(value).unwrap_or_default()
}

/// What the host found out about a call before it was judged. Part of what a person approves, no part of what a
/// replayed guest must repeat.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Facts {
    /// The protected paths that a commit would have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub protected: Vec<RepoPath>,
    /// The tree that a commit would have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tree: Option<Oid>,
    /// Every path that an edit would write.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub writes: Vec<RepoPath>,
    /// Children of the run that are running.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub children: u32,
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// A call on its way through the gate, with all that the host chose for it. Fixed before the intent is written, so
/// that carrying it out twice makes the same thing.
#[derive(Debug)]
pub struct Order {
    id: CallId,
    site: Arc<Site>,
    call: Arc<Call>,
    /// None where nothing was to be found out, as for most calls: an order is handed on from step to step, and is kept small.
    facts: Option<Arc<Facts>>,
    at: Time,
}

/// Of what nothing was to be found out.
static NO_FACTS: Facts = Facts { protected: Vec::new(), tree: None, writes: Vec::new(), children: 0 };

impl Order {
    /// Puts an order together. Only `run` has a site to give.
    pub fn new(id: CallId, site: impl Into<Arc<Site>>, call: Call, facts: Facts, at: Time) -> Self {
        Self { id, site: site.into(), call: Arc::new(call), facts: some(facts), at }
    }

    /// The same order with what an earlier life of the run had found out and chosen for it.
    #[must_use]
    pub fn as_recorded(self, facts: Facts, at: Time) -> Self {
        Self { facts: some(facts), at, ..self }
    }

    /// Which call of which run.
    pub fn id(&self) -> CallId {
        self.id
    }

    /// Where it comes from.
    pub fn site(&self) -> &Site {
        &self.site
    }

    /// What is wanted.
    pub fn call(&self) -> &Call {
        &self.call
    }

    /// The same to keep: a conversation is too long to copy for the journal.
    pub fn share_call(&self) -> Arc<Call> {
        Arc::clone(&self.call)
    }

    /// What the host found out about it.
    pub fn facts(&self) -> &Facts {
        self.facts.as_deref().unwrap_or(&NO_FACTS)
    }

    /// The same to keep.
    pub fn share_facts(&self) -> Option<Arc<Facts>> {
        self.facts.clone()
    }

    /// When it was made: the only time that judging knows.
    pub fn at(&self) -> Time {
        self.at
    }

    /// What a person's approval is bound to: the call, by whom, and what was found out about it.
    pub fn digest(&self) -> Hash {
        Hash::of_parts(&[&canonical(&self.id), &self.site.agent.0, &canonical(&self.call), &canonical(self.facts())])
    }
}

fn some(facts: Facts) -> Option<Arc<Facts>> {
    (facts != NO_FACTS).then(|| Arc::new(facts))
}
