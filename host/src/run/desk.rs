//! The desk where people answer: each run has at most one open question, because an agent makes one call at a time.

use std::collections::BTreeMap;
use std::sync::Mutex;

use orchestra_pit_core::call::{Call, CallId, human};
use orchestra_pit_core::id::RunId;
use tokio::sync::{Notify, oneshot};

use super::command::{Unheeded, What};
use super::state::Open;
use crate::gate::lock;

/// What a run waits to hear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Waits {
    /// Any words, or one of these choices.
    Words(Vec<String>),
    /// Yes, perhaps with changes, or no.
    Decision,
    /// Yes or no to a call that a rule asks about.
    Permission,
}

impl Waits {
    /// What a run in this call waits to hear, if it waits for a person.
    pub fn of(open: &Open) -> Option<Self> {
        match &open.call {
            _ if open.asked.is_some() => Some(Self::Permission),
            Call::Human(human::Call::Ask { choices, .. }) => Some(Self::Words(choices.clone())),
            Call::Human(human::Call::Propose { .. }) => Some(Self::Decision),
            _ => None,
        }
    }

    /// What is heard of what a person says.
    ///
    /// # Errors
    /// What it waits for instead.
    pub fn hear(&self, what: What, by: String) -> Result<Heard, String> {
        match (self, what) {
            (Self::Words(choices), What::Answer { text }) => {
                let numbered = text.parse::<usize>().ok().and_then(|number| choices.get(number.checked_sub(1)?));
                match choices.iter().find(|choice| **choice == text).or(numbered) {
                    Some(choice) => Ok(Heard::Words(choice.clone())),
                    None if choices.is_empty() => Ok(Heard::Words(text)),
                    None => Err(format!("one of: {}", choices.join(", "))),
                }
            }
            (Self::Words(choices), _) if !choices.is_empty() => Err(format!("one of: {}", choices.join(", "))),
            (Self::Words(_), _) => Err("an answer in words".to_owned()),
            (Self::Decision, What::Approve { run, body }) => Ok(Heard::Yes { run, body, by }),
            // A permission is for what was shown: there is nothing in it that a person could change.
            (Self::Permission, What::Approve { run, body: None }) => Ok(Heard::Yes { run, body: None, by }),
            (Self::Decision | Self::Permission, What::Reject { why }) => Ok(Heard::No { why, by }),
            (Self::Decision | Self::Permission, _) => Err("a yes or no".to_owned()),
        }
    }
}

/// What a person said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// In words.
    Words(String),
    /// Yes.
    Yes {
        /// For all that is alike in this run.
        run: bool,
        /// As changed.
        body: Option<String>,
        /// Who.
        by: String,
    },
    /// No.
    No {
        /// For the agent.
        why: String,
        /// Who.
        by: String,
    },
}

/// The open questions of a tree.
#[derive(Debug, Default)]
pub struct Questions {
    open: Mutex<BTreeMap<RunId, Pending>>,
    opened: Notify,
}

#[derive(Debug)]
struct Pending {
    call: CallId,
    waits: Waits,
    tell: oneshot::Sender<Heard>,
}

impl Questions {
    /// Opens the question of a call. An answer resolves the receiver, once.
    pub fn open(&self, call: CallId, waits: Waits) -> oneshot::Receiver<Heard> {
        let (tell, hear) = oneshot::channel();
        lock(&self.open).insert(call.run, Pending { call, waits, tell });
        self.opened.notify_waiters();
        hear
    }

    /// Waits until a run's question is open. A resumed guest comes to its question only after it has been through all the
    /// calls before, and an answer that was kept for it is there first.
    pub async fn opened(&self, run: RunId) {
        loop {
            let opened = self.opened.notified();
            if lock(&self.open).contains_key(&run) {
                return;
            }
            opened.await;
        }
    }

    /// Closes what a run asked: it is not waiting any more.
    pub fn close(&self, call: CallId) {
        let mut open = lock(&self.open);
        if open.get(&call.run).is_some_and(|pending| pending.call == call) {
            open.remove(&call.run);
        }
    }

    /// Gives a person's answer to the run that waits for it, and to no other: to the question of `call`, if it names one.
    pub fn answer(&self, run: RunId, call: Option<u64>, what: What, by: String) -> Result<(), Unheeded> {
        let mut open = lock(&self.open);
        let meant = open.get(&run).filter(|pending| call.is_none_or(|seq| pending.call.seq == seq));
        let waits = meant.map(|pending| pending.waits.clone()).ok_or(Unheeded::NotWaiting(run))?;
        let heard = waits.hear(what, by).map_err(|what| Unheeded::Otherwise { run, what })?;
        if let Some(pending) = open.remove(&run) {
            // Whoever waited may have been cancelled in between: then nobody is there to hear it.
            pending.tell.send(heard).map_err(|_| Unheeded::NotWaiting(run))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: CallId = CallId { run: RunId([1; 16]), seq: 3 };
    const B: CallId = CallId { run: RunId([2; 16]), seq: 3 };

    fn words(text: &str) -> What {
        What::Answer { text: text.into() }
    }

    #[test]
    fn an_answer_reaches_the_one_who_asked_and_once() {
        let desk = Questions::default();
        let (mut a, mut b) = (desk.open(A, Waits::Words(vec![])), desk.open(B, Waits::Words(vec![])));
        desk.answer(A.run, None, words("yes"), "me".into()).unwrap();
        assert_eq!(a.try_recv(), Ok(Heard::Words("yes".into())));
        assert!(b.try_recv().is_err());
        assert_eq!(desk.answer(A.run, None, words("again"), "me".into()), Err(Unheeded::NotWaiting(A.run)));
    }

    #[test]
    fn an_answer_to_one_question_never_reaches_the_next() {
        let desk = Questions::default();
        let mut heard = desk.open(A, Waits::Permission);
        let yes = || What::Approve { run: false, body: None };
        assert_eq!(desk.answer(A.run, Some(A.seq - 1), yes(), "me".into()), Err(Unheeded::NotWaiting(A.run)));
        assert!(heard.try_recv().is_err());
        desk.answer(A.run, Some(A.seq), yes(), "me".into()).unwrap();
        assert_eq!(heard.try_recv(), Ok(Heard::Yes { run: false, body: None, by: "me".into() }));
    }

    #[test]
    fn what_does_not_fit_leaves_the_question_open() {
        let desk = Questions::default();
        let mut heard = desk.open(A, Waits::Words(vec!["a".into(), "b".into()]));
        assert!(matches!(desk.answer(A.run, None, words("c"), "me".into()), Err(Unheeded::Otherwise { .. })));
        assert!(matches!(
            desk.answer(A.run, None, What::Approve { run: false, body: None }, "me".into()),
            Err(Unheeded::Otherwise { .. })
        ));
        desk.answer(A.run, None, words("b"), "me".into()).unwrap();
        assert_eq!(heard.try_recv(), Ok(Heard::Words("b".into())));
    }

    #[test]
    fn a_permission_is_a_yes_or_no_to_what_was_shown() {
        let desk = Questions::default();
        let mut heard = desk.open(A, Waits::Permission);
        assert!(desk.answer(A.run, None, words("sure"), "me".into()).is_err());
        assert!(
            desk.answer(A.run, None, What::Approve { run: false, body: Some("more".into()) }, "me".into()).is_err()
        );
        desk.answer(A.run, None, What::Reject { why: "no".into() }, "me".into()).unwrap();
        assert_eq!(heard.try_recv(), Ok(Heard::No { why: "no".into(), by: "me".into() }));
    }

    #[test]
    fn a_closed_question_is_not_answered() {
        let desk = Questions::default();
        let _heard = desk.open(A, Waits::Decision);
        desk.close(CallId { seq: 4, ..A });
        desk.close(A);
        assert_eq!(
            desk.answer(A.run, None, What::Reject { why: String::new() }, "me".into()),
            Err(Unheeded::NotWaiting(A.run))
        );
    }
}
