//! `delegate`: other agents, by the ids of their runs.

use orchestra_pit_core::call::delegate::{self as core, Call};
use orchestra_pit_core::call::{self, Error, Value};
use orchestra_pit_core::id::RunId;

use super::wit::delegate::{self as wit, Host};
use super::workspace::checked;
use super::{Told, done, not_found};
use crate::guest::store::State;

impl Host for State {
    async fn start(&mut self, order: wit::Order) -> Told<String> {
        let call = core::Order::try_from(order).map(|order| call::Call::Delegate(Call::Start(order.into())));
        self.tell("delegate.start", call, |value| match value {
            Value::Delegate(core::Value::Started(child)) => Some(child.to_string()),
            _ => None,
        })
        .await
    }

    async fn wait(&mut self, children: Vec<String>, timeout_ms: Option<u64>) -> Told<wit::Awaited> {
        let children = children.iter().map(|child| child_of(child)).collect::<Result<_, _>>();
        let call = children.map(|children| call::Call::Delegate(Call::Wait { children, timeout_ms }));
        self.tell("delegate.wait", call, |value| match value {
            Value::Delegate(core::Value::Awaited(ended)) => {
                Some(ended.map_or(wit::Awaited::Time, |ended| wit::Awaited::Ended(ended.into())))
            }
            Value::Delegate(core::Value::Remark) => Some(wit::Awaited::Other(("remark".to_owned(), String::new()))),
            _ => None,
        })
        .await
    }

    async fn message(&mut self, child: String, text: String) -> Told<()> {
        let call = child_of(&child).map(|child| call::Call::Delegate(Call::Message { child, text }));
        self.tell("delegate.message", call, done).await
    }

    async fn again(&mut self, child: String, feedback: String) -> Told<()> {
        let call = child_of(&child).map(|child| call::Call::Delegate(Call::Again { child, feedback }));
        self.tell("delegate.again", call, done).await
    }

    async fn cancel(&mut self, child: String, reason: String) -> Told<()> {
        let call = child_of(&child).map(|child| call::Call::Delegate(Call::Cancel { child, reason }));
        self.tell("delegate.cancel", call, done).await
    }
}

/// A child as an agent names it. Whether it is one, the effect knows.
pub(super) fn child_of(text: &str) -> Result<RunId, Error> {
    RunId::parse(text).ok_or_else(|| not_found(format!("{text:?} is not the id of a child")))
}

impl TryFrom<wit::Order> for core::Order {
    type Error = Error;

    fn try_from(order: wit::Order) -> Result<Self, Error> {
        let start = match order.start.as_str() {
            "head" => core::Start::Head,
            "base" => core::Start::Base,
            child => core::Start::Child(child_of(child)?),
        };
        let wit::Share { micro_usd, tokens, turns, seconds, .. } = order.share;
        Ok(Self {
            agent: order.agent,
            task: order.task.into(),
            card: order.card,
            model: order.model,
            start,
            write: order.write,
            lease: order.lease.iter().map(|path| checked(path)).collect::<Result<_, _>>()?,
            share: core::Share { micro_usd, tokens, turns, seconds },
        })
    }
}

impl From<core::Ended> for wit::Ended {
    fn from(ended: core::Ended) -> Self {
        let end = match ended.end {
            core::End::Done(report) => wit::End::Done(report.into()),
            core::End::Failed { kind, message } => wit::End::Failed(wit::Failure { kind, message, more: Vec::new() }),
            core::End::Cancelled(reason) => wit::End::Cancelled(reason),
            core::End::Exhausted(what) => wit::End::Exhausted(what),
            core::End::Broken(why) => wit::End::Broken(why),
        };
        Self { child: ended.child.to_string(), end, commit: ended.commit.to_string(), more: ended.more }
    }
}
