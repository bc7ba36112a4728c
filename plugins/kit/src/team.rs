//! The calls of whoever leads a team, as a trait of their own: those who work in one have no use for them.

use crate::{Host, Pit};
use orchestra_pit_sdk::board::Card;
use orchestra_pit_sdk::delegate::{Awaited, Order};
use orchestra_pit_sdk::human::{Decision, Proposal};
use orchestra_pit_sdk::vcs::Integration;
use orchestra_pit_sdk::{Result, board, delegate, human, vcs, workspace};

/// What a lead can ask of its host.
#[expect(missing_docs, reason = "each is described once, in the SDK")]
#[expect(clippy::missing_errors_doc, reason = "each is described once, in the SDK")]
pub trait Team: Host {
    fn start(&self, order: &Order) -> Result<String>;
    fn wait(&self, children: &[String]) -> Result<Awaited>;
    fn message(&self, child: &str, text: &str) -> Result<()>;
    fn again(&self, child: &str, feedback: &str) -> Result<()>;

    fn put(&self, cards: &[Card]) -> Result<()>;
    fn propose(&self, proposal: &Proposal) -> Result<Decision>;
    fn integrate(&self, child: &str, message: &str) -> Result<Integration>;
    fn snapshot(&self, label: &str) -> Result<String>;
    fn restore(&self, snapshot: &str) -> Result<()>;
}

impl Team for Pit {
    fn start(&self, order: &Order) -> Result<String> {
        delegate::start(order)
    }

    fn wait(&self, children: &[String]) -> Result<Awaited> {
        delegate::wait(children, None)
    }

    fn message(&self, child: &str, text: &str) -> Result<()> {
        delegate::message(child, text)
    }

    fn again(&self, child: &str, feedback: &str) -> Result<()> {
        delegate::again(child, feedback)
    }

    fn put(&self, cards: &[Card]) -> Result<()> {
        board::put(cards)
    }

    fn propose(&self, proposal: &Proposal) -> Result<Decision> {
        human::propose(proposal)
    }

    fn integrate(&self, child: &str, message: &str) -> Result<Integration> {
        vcs::integrate(child, message)
    }

    fn snapshot(&self, label: &str) -> Result<String> {
        workspace::snapshot(label)
    }

    fn restore(&self, snapshot: &str) -> Result<()> {
        workspace::restore(snapshot)
    }
}
