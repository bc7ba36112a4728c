//! `human`: the person who decides.

use orchestra_pit_core::call::human::{self as core, Call};
use orchestra_pit_core::call::{self, Value};

use super::wit::human::{self as wit, Host};
use super::{Told, done};
use crate::guest::store::State;

impl Host for State {
    async fn ask(&mut self, question: wit::Question) -> Told<String> {
        let wit::Question { text, choices, .. } = question;
        let call = Ok(call::Call::Human(Call::Ask { text, choices }));
        self.tell("human.ask", call, |value| match value {
            Value::Human(core::Value::Text(text)) => Some(text),
            _ => None,
        })
        .await
    }

    async fn propose(&mut self, proposal: wit::Proposal) -> Told<wit::Decision> {
        let wit::Proposal { title, body, form, .. } = proposal;
        let call = Ok(call::Call::Human(Call::Propose { title, body, form }));
        self.tell("human.propose", call, |value| match value {
            Value::Human(core::Value::Decision(decision)) => Some(match decision {
                core::Decision::Approved(body) => wit::Decision::Approved(body),
                core::Decision::Rejected(reason) => wit::Decision::Rejected(reason),
            }),
            _ => None,
        })
        .await
    }

    async fn notify(&mut self, text: String) -> Told<()> {
        self.tell("human.notify", Ok(call::Call::Human(Call::Notify { text })), done).await
    }

    async fn remarks(&mut self) -> Told<Vec<wit::Remark>> {
        self.tell("human.remarks", Ok(call::Call::Human(Call::Remarks)), |value| match value {
            Value::Human(core::Value::Remarks(remarks)) => Some(remarks.into_iter().map(Into::into).collect()),
            _ => None,
        })
        .await
    }
}

impl From<core::Remark> for wit::Remark {
    fn from(core::Remark { text, time, from }: core::Remark) -> Self {
        Self { text, time: time.0, more: vec![("from".to_owned(), from)] }
    }
}
