//! The record format: what the journal of a run consists of.
//!
//! A record is a [`Header`] and a payload. The header is small, is chained to the one before by its hash, and names the
//! payload by *its* hash, so that a payload can be erased and the chain still be checked. Both are canonical JSON
//! ([`crate::call::canonical`]). A call has two to four records under one number `seq`: asked, ruled, intended, answered.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::budget::{Caps, Cost, Line, Shortage};
use crate::call::delegate::{End, Task};
use crate::call::exec::Judged;
use crate::call::{Answer, Call, Facts, Site, canonical};
use crate::check::verdict::Kind;
use crate::commands::Commands;
use crate::id::{Hash, Oid, RunId};
use crate::path::RepoPath;
use crate::policy::{Approval, Grants, Reason, Rules};
use crate::time::Time;

/// The version of everything in this file. It goes up with any change that an older `pit` would misread; a host refuses
/// to read a version it does not know, and never writes any but its own.
pub const FORMAT: u32 = 1;

/// What a guest may come to notice of the host: engine settings, WASI, the clock, limits. It goes up with any change to
/// these, and a run is only ever replayed with the number it was started with.
pub const SEMANTICS: u32 = 1;

/// The fixed part of a record.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// [`FORMAT`].
    pub format: u32,
    /// Whose journal.
    pub run: RunId,
    /// Counts the run's records from 0 without a gap.
    pub number: u64,
    /// Which owner wrote it: counts the lives of the tree.
    pub epoch: u64,
    /// When it was queued.
    pub at: Time,
    /// The kind of event, as [`Event::kind`] names it.
    pub kind: String,
    /// [`Hash`] of the header before, as it is stored; all zeros for the first.
    pub prev: Hash,
    /// [`Hash`] of the payload.
    pub payload: Hash,
}

/// What is recorded.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Event {
    /// The first record of a run: all that its guest will ever see besides answers.
    Started(Box<Started>),
    /// A stretch of guest code begins: the first round, a later round, or after `again(state)`.
    Began(Box<Began>),
    /// A call waits for a person.
    Asked(Box<Asked>),
    /// A person answered, or a rule did.
    Ruled(Box<Ruled>),
    /// A call is about to have its effect.
    Intended(Box<Intended>),
    /// What the agent is told.
    Answered(Box<Answered>),
    /// Somebody said something to the run.
    Remarked(Remarked),
    /// A person changed the limits.
    Raised {
        /// The limits that changed.
        caps: Caps,
        /// Who.
        by: String,
    },
    /// The budget ran low.
    Noticed(Shortage),
    /// A host went on with the run: a new life.
    Resumed {
        /// The host's version.
        host: String,
    },
    /// This life ended for the host's reasons; the run goes on with the next.
    Stopped {
        /// In a few words.
        why: String,
    },
    /// The run ended. Another round may follow.
    Ended(Box<Ended>),
    /// The host ran the checks of its own accord: on the result of the tree, say.
    Judged(Box<Judged>),
    /// A person took the result.
    Accepted {
        /// The ref it went to.
        onto: String,
        /// What that ref was before.
        old: Oid,
        /// What it is now: the same, where the result was staged and not committed.
        new: Oid,
        /// Who.
        by: String,
        /// The tree of the index, where the result was staged and not committed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        staged: Option<Oid>,
    },
    /// A person took the acceptance back.
    Unaccepted {
        /// The ref.
        onto: String,
        /// What it is now: what it was before.
        new: Oid,
        /// Who.
        by: String,
    },
}

/// The start record.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Started {
    /// [`SEMANTICS`].
    pub semantics: u32,
    /// The run, its tree, its parent, its agent and its branch.
    pub site: Site,
    /// Its place in the tree, counted from 0 for the first: `3f.2` for people.
    pub ordinal: u32,
    /// The contract that the component was built for: `pit:agent@0.1.0`.
    pub contract: String,
    /// What the guest's randomness comes from.
    pub seed: Hash,
    /// What the guest can feel.
    pub limits: GuestLimits,
    /// What it was given.
    pub grants: Grants,
    /// The rules that hold for it.
    pub rules: Rules,
    /// Its limits.
    pub caps: Caps,
    /// The model behind each alias, as `provider/model`.
    pub models: BTreeMap<String, String>,
    /// The commit its workspace starts from.
    pub base: Oid,
    /// The name of the branch that the person started from; the first run only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub onto: Option<String>,
    /// What it is to do first: a host that ends before the first stretch is on record has lost nothing.
    pub task: Task,
    /// A few words for people.
    pub title: String,
    /// The task on the board it works at.
    pub card: String,
    /// Files that nobody else may write while it runs.
    pub lease: Vec<RepoPath>,
    /// Whether there is somebody to ask.
    pub attended: bool,
    /// Of a run with somebody to ask: whether that is about its plan alone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub plan_only: bool,
    /// Agents that this tree's runs may be started with, before those inside `pit`: the ones that a person brought along, and
    /// the team's own as far as files narrow them; the first run only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub agents: Vec<Enlisted>,
    /// What the person's files say of native commands; the first run only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commands: Option<Box<Commands>>,
}

/// An agent with what it was given.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Enlisted {
    /// By which it is started.
    pub name: String,
    /// `name@version`, as its manifest says.
    pub agent: String,
    /// SHA-256 of its component.
    pub hash: Hash,
    /// What it was given.
    pub grants: Grants,
}

/// Limits that a guest can feel, and that replay must therefore repeat.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GuestLimits {
    /// Bytes of all its memories together.
    pub memory: u64,
    /// Elements of all its tables together.
    pub table_elements: u64,
    /// Core instances.
    pub instances: u32,
    /// Handles (pollables, streams) at once.
    pub handles: u32,
    /// Bytes that one call may bring out of the guest.
    pub call_bytes: u64,
    /// Bytes of log lines and standard output in one life.
    pub output: u64,
}

/// The beginning of a stretch of guest code. A replay starts at the last one.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Began {
    /// The number of the stretch's first call.
    pub first: u64,
    /// The clock at its start.
    pub at: Time,
    /// What it is called with.
    pub task: Task,
}

/// A question to a person about a call.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// Which call.
    pub seq: u64,
    /// What the agent wants.
    pub call: Call,
    /// What was found out about it.
    pub facts: Facts,
    /// When it was made.
    pub at: Time,
    /// Which rules ask.
    pub reasons: Vec<Reason>,
}

/// An answer to a question, or a denial.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ruled {
    /// Which call.
    pub seq: u64,
    /// What was said.
    pub ruling: Said,
}

/// What a rule or a person said.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Said {
    /// A person's yes.
    Approved(Approval),
    /// A person's no.
    Rejected {
        /// Who.
        by: String,
        /// For the agent to read.
        why: String,
    },
    /// A rule's no.
    Denied {
        /// The call, which no intent will hold.
        call: Call,
        /// The decisive rule first.
        reasons: Vec<Reason>,
        /// The paths it was refused for, where the call does not show them.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        paths: Vec<RepoPath>,
    },
    /// The budget's no.
    Exhausted {
        /// The call, which no intent will hold.
        call: Call,
        /// What is short.
        shortage: Shortage,
    },
}

/// An intent: what is about to happen, and what it may cost.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Intended {
    /// Which call.
    pub seq: u64,
    /// What.
    pub call: Call,
    /// What was found out about it.
    #[serde(default)]
    pub facts: Facts,
    /// When it was made: an effect that is done again uses the same.
    pub at: Time,
    /// Which rule allowed it.
    pub rule: String,
    /// What was held for it.
    pub line: Line,
    /// For a model's conversation: `call` has only the messages after these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<Prefix>,
}

/// The beginning of a conversation that an earlier call of the run has already put on record. Every turn sends the whole
/// conversation again; by value, the journal would grow with the square of its length.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prefix {
    /// The earlier call.
    pub seq: u64,
    /// How many of its messages, counted from the first, its own prefix included.
    pub messages: u32,
}

/// An answer.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answered {
    /// Which call.
    pub seq: u64,
    /// [`Call::digest`], so that a replay that asks for something else is found out.
    pub digest: Hash,
    /// What the agent is told.
    pub answer: Answer,
    /// What it did cost.
    pub cost: Cost,
}

/// What was said to a run.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Remarked {
    /// `person` or `parent`.
    pub from: String,
    /// What.
    pub text: String,
}

/// The end of a run, or of a round of it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ended {
    /// How.
    pub end: End,
    /// The tip of its branch; where it started, if it committed nothing.
    pub commit: Oid,
    /// The tree of its workspace, which may have changes that were not committed.
    pub tree: Oid,
    /// How many calls it has made, for a replay to compare.
    pub calls: u64,
    /// What the host's checks said of the result of a tree, in a word; the whole of it is a record of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Kind>,
    /// Whether that is no worse as far as is known, and no more: a check compared as a whole, or tests that are gone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub doubtful: bool,
    /// Why there is none, where the person's checks could not be run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unjudged: Option<String>,
    /// Whether its files have what was not committed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub uncommitted: bool,
}

impl Event {
    /// The kind, as the header has it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Started(_) => "started",
            Self::Began(_) => "began",
            Self::Asked(_) => "asked",
            Self::Ruled(_) => "ruled",
            Self::Intended(_) => "intended",
            Self::Answered(_) => "answered",
            Self::Remarked(_) => "remarked",
            Self::Raised { .. } => "raised",
            Self::Noticed(_) => "noticed",
            Self::Judged(_) => "judged",
            Self::Resumed { .. } => "resumed",
            Self::Stopped { .. } => "stopped",
            Self::Ended(_) => "ended",
            Self::Accepted { .. } => "accepted",
            Self::Unaccepted { .. } => "unaccepted",
        }
    }
}

/// What is wrong with a journal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// The header does not follow the one before.
    #[error("record {number} of run {run} does not follow the one before it")]
    Chain {
        /// Whose journal.
        run: RunId,
        /// Which record.
        number: u64,
    },
    /// Records that were written are not there.
    #[error("record {number} of run {run} is missing")]
    Missing {
        /// Whose journal.
        run: RunId,
        /// The first that is missing.
        number: u64,
    },
    /// The payload is not the one that was written.
    #[error("the payload of record {number} of run {run} is not the one that was written")]
    Payload {
        /// Whose journal.
        run: RunId,
        /// Which record.
        number: u64,
    },
    /// Written by a version of `pit` that this one does not know.
    #[error(
        "record {number} of run {run} has format {format}, and this pit reads {FORMAT}: use the pit that wrote it, or a newer one"
    )]
    Format {
        /// Whose journal.
        run: RunId,
        /// Which record.
        number: u64,
        /// What it says.
        format: u32,
    },
    /// It cannot be read at all.
    #[error("record {number} of run {run} cannot be read: {why}")]
    Unreadable {
        /// Whose journal.
        run: RunId,
        /// Which record.
        number: u64,
        /// What the reader says.
        why: String,
    },
}

/// The end of a run's chain: what the next record follows. Checks records one by one, and makes new ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    run: RunId,
    next: u64,
    prev: Hash,
}

impl Chain {
    /// An empty journal.
    pub fn new(run: RunId) -> Self {
        Self { run, next: 0, prev: Hash::NONE }
    }

    /// The number of the next record.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// The hash of the last record: what a person could write down to prove later what a run did.
    pub fn head(&self) -> Hash {
        self.prev
    }

    /// Makes the next record: its header and payload, as they are stored.
    pub fn append(&mut self, epoch: u64, at: Time, event: &Event) -> (Vec<u8>, Vec<u8>) {
        let payload = canonical(event);
        let header = Header {
            format: FORMAT,
            run: self.run,
            number: self.next,
            epoch,
            at,
            kind: event.kind().to_owned(),
            prev: self.prev,
            payload: Hash::of(&payload),
        };
        let header = canonical(&header);
        self.next += 1;
        self.prev = Hash::of(&header);
        (header, payload)
    }

    /// Checks a stored record against the chain. The payload may be erased (`None`); then there is no event.
    pub fn check(&mut self, header: &[u8], payload: Option<&[u8]>) -> Result<(Header, Option<Event>), Damage> {
        let (run, number) = (self.run, self.next);
        let (read, event) = open(run, number, header, payload)?;
        if read.prev != self.prev {
            return Err(Damage::Chain { run, number });
        }
        self.next += 1;
        self.prev = Hash::of(header);
        Ok((read, event))
    }
}

/// Reads a stored record by itself: that it is this one and has the payload that was written, not that it follows the one
/// before. For whoever looks at the end of a journal that is being written.
pub fn open(run: RunId, number: u64, header: &[u8], payload: Option<&[u8]>) -> Result<(Header, Option<Event>), Damage> {
    let unreadable = |error: serde_json::Error| Damage::Unreadable { run, number, why: error.to_string() };
    #[derive(Deserialize)]
    struct Versioned {
        format: u32,
    }
    let Versioned { format } = serde_json::from_slice(header).map_err(unreadable)?;
    if format != FORMAT {
        return Err(Damage::Format { run, number, format });
    }
    let header: Header = serde_json::from_slice(header).map_err(unreadable)?;
    if header.run != run || header.number != number {
        return Err(Damage::Chain { run, number });
    }
    let event = match payload {
        None => None,
        Some(bytes) if Hash::of(bytes) != header.payload => return Err(Damage::Payload { run, number }),
        Some(bytes) => Some(serde_json::from_slice::<Event>(bytes).map_err(unreadable)?),
    };
    Ok((header, event))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(text: &str) -> Event {
        Event::Remarked(Remarked { from: "person".into(), text: text.into() })
    }

    fn journal() -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut chain = Chain::new(RunId([1; 16]));
        (0..4).map(|n| chain.append(1, Time(n), &event(&n.to_string()))).collect()
    }

    fn verify(rows: &[(Vec<u8>, Vec<u8>)]) -> Result<(), Damage> {
        let mut chain = Chain::new(RunId([1; 16]));
        rows.iter().try_for_each(|(header, payload)| chain.check(header, Some(payload)).map(drop))
    }

    #[test]
    fn what_was_written_verifies_also_with_a_payload_erased() {
        let rows = journal();
        assert_eq!(verify(&rows), Ok(()));
        let mut chain = Chain::new(RunId([1; 16]));
        for (at, (header, payload)) in rows.iter().enumerate() {
            let (_, event) = chain.check(header, (at != 2).then_some(payload.as_slice())).unwrap();
            assert_eq!(event.is_none(), at == 2);
        }
    }

    #[test]
    fn the_first_bad_record_is_named() {
        let run = RunId([1; 16]);
        let mut edited = journal();
        edited[1].1 = canonical(&event("other"));
        assert_eq!(verify(&edited), Err(Damage::Payload { run, number: 1 }));
        let mut reordered = journal();
        reordered.swap(1, 2);
        assert_eq!(verify(&reordered), Err(Damage::Chain { run, number: 1 }));
        let mut missing = journal();
        missing.remove(2);
        assert_eq!(verify(&missing), Err(Damage::Chain { run, number: 2 }));
        let mut later = journal();
        later[3].0 = String::from_utf8(later[3].0.clone()).unwrap().replace("\"epoch\":1", "\"epoch\":2").into_bytes();
        later.push(later[3].clone());
        assert_eq!(verify(&later), Err(Damage::Chain { run, number: 4 }));
    }

    #[test]
    fn another_format_is_refused_by_name() {
        let mut rows = journal();
        rows[0].0 = String::from_utf8(rows[0].0.clone()).unwrap().replace("\"format\":1", "\"format\":2").into_bytes();
        assert_eq!(verify(&rows), Err(Damage::Format { run: RunId([1; 16]), number: 0, format: 2 }));
    }

    #[test]
    fn the_format_is_pinned() {
        let mut chain = Chain::new(RunId([1; 16]));
        let (header, payload) = chain.append(1, Time(5), &event("hello"));
        insta::assert_snapshot!(String::from_utf8(header).unwrap(), @r#"{"format":1,"run":"01010101010101010101010101010101","number":0,"epoch":1,"at":5,"kind":"remarked","prev":"0000000000000000000000000000000000000000000000000000000000000000","payload":"c4375df574e78c198a9ae5b96d84f7fbabe9fe21b43b201b2267b77486c95b20"}"#);
        insta::assert_snapshot!(String::from_utf8(payload).unwrap(), @r#"{"remarked":{"from":"person","text":"hello"}}"#);
    }
}
