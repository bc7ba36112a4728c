//! One suite for every store, and what is particular to each.

use std::sync::Arc;

use orchestra_pit_core::budget::{Caps, Cost, Hold, Ledger, Quote};
use orchestra_pit_core::call::model::{self, Choice, Message, Part, Request, Role};
use orchestra_pit_core::call::{Answer, Call, CallId, Facts, Order, Site, Value, log};
use orchestra_pit_core::id::{Hash, RunId};
use orchestra_pit_core::policy::{Grants, Rules, Ruling, judge};
use orchestra_pit_core::record::{Began, Event, Remarked};
use orchestra_pit_core::time::Time;

use super::*;

mod conformance;
mod crash;
mod damage;
mod document;
mod files;
mod past;
mod talks;
mod waiting;

const TREE: RunId = RunId([1; 16]);
const CHILD: RunId = RunId([2; 16]);
const OTHER: RunId = RunId([9; 16]);

fn site(run: RunId, tree: RunId) -> Site {
    Site { run, tree, parent: None, agent: Hash::NONE, agent_name: "a@1".into(), branch: "b".into(), model: None }
}

/// A call that rides.
fn line(text: &str) -> Call {
    Call::Log(log::Line { level: "info".into(), message: text.into() })
}

/// A call that must be on disk before its effect.
fn ask(messages: &[&str]) -> Call {
    let message = |text: &&str| Message { role: Role::User, parts: vec![Part::Text((*text).into())] };
    Call::Model(model::Call::Ask(Request {
        model: String::new(),
        system: "be brief".into(),
        messages: messages.iter().map(message).collect(),
        tools: Vec::new(),
        choice: Choice::Automatic,
        schema: None,
        max_output: None,
        temperature: None,
        more: Vec::new(),
    }))
}

fn order(run: RunId, tree: RunId, seq: u64, call: Call) -> Order {
    Order::new(CallId { run, seq }, site(run, tree), call, Facts::default(), Time(1000 + seq))
}

/// A hold, by the only way there is.
fn hold(order: Order) -> Hold {
    let grants = Grants { model: vec!["default".into()], ..Grants::default() };
    let run = order.site().run;
    let mut ledger = Ledger::default();
    ledger.open(run, Caps::default(), Time(0));
    match judge(order, &Rules::default(), &grants, &[]) {
        Ruling::Allow(permit) => ledger.hold(permit, Quote::default()).unwrap(),
        other => panic!("{other:?}"),
    }
}

fn said(text: &str) -> Event {
    Event::Remarked(Remarked { from: "person".into(), text: text.into() })
}

fn began(first: u64) -> Event {
    Event::Began(Box::new(Began { first, at: Time(1), task: Default::default() }))
}

const YES: Answer = Ok(Value::Done);

impl Journal {
    /// One whole call.
    async fn call(&self, run: RunId, tree: RunId, seq: u64, call: Call) -> Result<(), Refused> {
        let (_, open) = self.intend(hold(order(run, tree, seq, call)), None).await?;
        let charge = self.answer(open, &YES, Time(2000 + seq), Cost::default())?;
        assert!(charge.is_some());
        Ok(())
    }

    /// A tree that is claimed and whose first run has begun.
    async fn new_tree(&self, tree: RunId) -> u64 {
        let epoch = self.claim(tree).await.unwrap();
        self.begin(tree, tree);
        let ticket = self.write(tree, Time(1), began(0));
        self.flush(ticket).await.unwrap();
        epoch
    }
}

/// Numbers that look random and are the same in every run of a test.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }
}
