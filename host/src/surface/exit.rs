//! Exit codes: one end state a run, ordered.

use orchestra_pit_core::call::delegate::End;
use orchestra_pit_core::check::verdict::Kind;

use crate::run::State;
use crate::run::state::Phase;

/// What a command ends with.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[repr(u8)]
pub enum Exit {
    /// Done, and verified where there was something to verify.
    Done = 0,
    /// Failed.
    Failed = 1,
    /// The command line makes no sense.
    Usage = 2,
    /// Done; the host has verified nothing.
    Unverified = 3,
    /// Done, and the host's checks are red.
    Red = 4,
    /// It waits for a person, or a person would have been needed.
    NeedsPerson = 5,
    /// The budget is used up.
    Budget = 6,
    /// A call that it needed was denied.
    Denied = 7,
    /// Stopped in the middle; it can be resumed.
    Interrupted = 8,
    /// The repository's configuration is not trusted.
    Untrusted = 9,
    /// A person cancelled it.
    Cancelled = 130,
}

impl Exit {
    /// For the operating system.
    pub fn code(self) -> u8 {
        self as u8
    }

    /// The end that a process told by its code.
    pub fn from_code(code: u8) -> Option<Self> {
        [
            Self::Done,
            Self::Failed,
            Self::Usage,
            Self::Unverified,
            Self::Red,
            Self::NeedsPerson,
            Self::Budget,
            Self::Denied,
            Self::Interrupted,
            Self::Untrusted,
            Self::Cancelled,
        ]
        .into_iter()
        .find(|exit| exit.code() == code)
    }

    /// What a tree of runs came to. Only the host's own verdict makes a result a verified one.
    pub fn of(state: &State) -> Self {
        let Some(root) = state.root() else { return Self::Failed };
        let Phase::Ended(ended) = &root.phase else { return Self::Interrupted };
        match &ended.end {
            End::Done(_) => match state.result.as_ref().map(|judged| &judged.verdict) {
                Some(verdict) if verdict.verifies() => Self::Done,
                Some(verdict) if verdict.kind() == Kind::Red => Self::Red,
                _ => Self::Unverified,
            },
            End::Exhausted(_) => Self::Budget,
            End::Cancelled(_) => Self::Cancelled,
            End::Failed { kind, .. } if kind == "denied" && nobody_was_there(state) => Self::NeedsPerson,
            End::Failed { kind, .. } if kind == "denied" => Self::Denied,
            End::Failed { kind, .. } if kind == "needs-person" => Self::NeedsPerson,
            End::Failed { .. } | End::Broken(_) => Self::Failed,
        }
    }

    /// The word for programs.
    pub fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Usage => "usage",
            Self::Unverified => "done-unverified",
            Self::Red => "checks-red",
            Self::NeedsPerson => "needs-person",
            Self::Budget => "budget",
            Self::Denied => "denied",
            Self::Interrupted => "interrupted",
            Self::Untrusted => "untrusted",
            Self::Cancelled => "cancelled",
        }
    }
}

/// Whether a rule asked for a person and the run had none.
fn nobody_was_there(state: &State) -> bool {
    state.runs.values().any(|run| {
        (!run.started.attended || run.started.plan_only)
            // As the rules that ask for one say it.
            && run.refused.iter().any(|no| no.message.ends_with("needs a person's yes"))
    })
}
