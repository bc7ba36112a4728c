//! The team's side of the host in memory: children that end as the test says, in the order in which they were started.

use super::{Fake, Files, committed};
use crate::Team;
use orchestra_pit_sdk::board::Card;
use orchestra_pit_sdk::delegate::{Awaited, End, Ended, Order};
use orchestra_pit_sdk::human::{Decision, Proposal};
use orchestra_pit_sdk::vcs::Integration;
use orchestra_pit_sdk::{Error, Failure, Report, Result};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;

/// How a child ends: what the test decides when it is waited for. It may use the host, to leave a note for instance.
pub type Play = Box<dyn FnMut(&Fake, &Child) -> End>;

/// A child at work, or one that has ended.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Child {
    pub id: String,
    pub order: Order,
    /// 1 at first.
    pub round: u32,
    /// What it was sent back with.
    pub feedback: Vec<String>,
    /// What it was told while it worked.
    pub heard: Vec<String>,
    ended: Option<Ended>,
}

/// A team in memory.
#[derive(Default)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Crew {
    pub children: RefCell<Vec<Child>>,
    pub play: RefCell<Option<Play>>,
    /// What `delegate.start` is refused with, for the agents named.
    pub not_started: RefCell<VecDeque<(String, Error)>>,
    pub decisions: RefCell<VecDeque<Result<Decision>>>,
    pub proposals: RefCell<Vec<Proposal>>,
    pub integrations: RefCell<VecDeque<Result<Integration>>>,
    /// `start coder t1`, `again 1`, `integrate 1`, …: what was asked for, in order.
    pub did: RefCell<Vec<String>>,
    /// Remarks of the person, each with the number of the wait that it comes in.
    pub remark_in_wait: RefCell<Vec<(usize, String)>>,
    pub waits: Cell<usize>,
    /// What the host says beside the end of each child.
    pub beside: RefCell<Vec<(String, String)>>,
    /// What the workspace was, by the number of the snapshot.
    pub snapshots: RefCell<Vec<Files>>,
    /// The most children that were at work at once.
    pub most: Cell<usize>,
}

impl Fake {
    /// Says how children end.
    #[must_use]
    pub fn play(self, play: impl FnMut(&Self, &Child) -> End + 'static) -> Self {
        self.crew.play.replace(Some(Box::new(play)));
        self
    }

    /// Ends a child without its being waited for.
    fn finish(&self, at: usize) -> Option<Ended> {
        let child = self.crew.children.borrow().get(at).cloned()?;
        if child.ended.is_some() {
            return child.ended;
        }
        let mut play = self.crew.play.borrow_mut().take();
        let end = play.as_mut().map_or_else(|| End::Done(Report::new("done")), |play| play(self, &child));
        self.crew.play.replace(play);
        let more = self.crew.beside.borrow().clone();
        let ended = Ended { child: child.id.clone(), end, commit: format!("{}-{}", child.id, child.round), more };
        self.crew.children.borrow_mut().get_mut(at)?.ended = Some(ended.clone());
        Some(ended)
    }

    fn find(&self, id: &str) -> Result<usize> {
        let found = self.crew.children.borrow().iter().position(|child| child.id == id);
        found.ok_or_else(|| Error::new("not-found", format!("{id} is not a child of this agent")))
    }

    fn did(&self, what: String) {
        self.crew.did.borrow_mut().push(what);
    }
}

impl Team for Fake {
    fn start(&self, order: &Order) -> Result<String> {
        let refused = self.crew.not_started.borrow().front().is_some_and(|(agent, _)| *agent == order.agent);
        if refused && let Some((_, error)) = self.crew.not_started.borrow_mut().pop_front() {
            return Err(error);
        }
        self.did(format!("start {} {}", order.agent, order.card).trim_end().to_owned());
        let mut children = self.crew.children.borrow_mut();
        let id = (children.len() + 1).to_string();
        children.push(Child {
            id: id.clone(),
            order: order.clone(),
            round: 1,
            feedback: order.task.feedback.clone(),
            heard: Vec::new(),
            ended: None,
        });
        let running = children.iter().filter(|child| child.ended.is_none()).count();
        self.crew.most.set(self.crew.most.get().max(running));
        Ok(id)
    }

    fn wait(&self, children: &[String]) -> Result<Awaited> {
        let wait = self.crew.waits.get() + 1;
        self.crew.waits.set(wait);
        let said = self.crew.remark_in_wait.borrow().iter().position(|(at, _)| *at == wait);
        if let Some(said) = said {
            let (_, text) = self.crew.remark_in_wait.borrow_mut().remove(said);
            self.remarks.borrow_mut().push((0, text));
            return Ok(Awaited::Other(("remark".to_owned(), String::new())));
        }
        let mut first: Option<usize> = None;
        for id in children {
            let at = self.find(id)?;
            first = Some(first.map_or(at, |first| first.min(at)));
        }
        let ended = first.and_then(|at| self.finish(at));
        ended.map(Awaited::Ended).ok_or_else(|| Error::new("invalid", "there is no child to wait for"))
    }

    fn message(&self, child: &str, text: &str) -> Result<()> {
        let at = self.find(child)?;
        let mut children = self.crew.children.borrow_mut();
        match children.get_mut(at) {
            Some(child) if child.ended.is_none() => {
                child.heard.push(text.to_owned());
                Ok(())
            }
            _ => Err(Error::new("conflict", "that child has ended")),
        }
    }

    fn again(&self, child: &str, feedback: &str) -> Result<()> {
        let at = self.find(child)?;
        self.may("again")?;
        self.did(format!("again {child}"));
        if let Some(child) = self.crew.children.borrow_mut().get_mut(at) {
            child.ended = None;
            child.round += 1;
            child.feedback.push(feedback.to_owned());
        }
        Ok(())
    }

    fn put(&self, cards: &[Card]) -> Result<()> {
        let mut known = self.cards.borrow_mut();
        for card in cards {
            match known.iter_mut().find(|known| known.id == card.id) {
                Some(known) => *known = card.clone(),
                None => known.push(card.clone()),
            }
        }
        Ok(())
    }

    fn propose(&self, proposal: &Proposal) -> Result<Decision> {
        self.crew.proposals.borrow_mut().push(proposal.clone());
        let nobody = || Err(Error::new("unavailable", "nobody is there to answer"));
        self.crew.decisions.borrow_mut().pop_front().unwrap_or_else(nobody)
    }

    fn integrate(&self, child: &str, message: &str) -> Result<Integration> {
        self.find(child)?;
        self.did(format!("integrate {child}"));
        if let Some(integration) = self.crew.integrations.borrow_mut().pop_front() {
            return integration;
        }
        // What a child changed is one file, so that there is something to take back.
        let round = self.crew.did.borrow().len().to_string();
        self.files.borrow_mut().insert(format!("of-{child}"), round.into_bytes());
        self.committed.replace(self.files.borrow().clone());
        let mut commits = self.commits.borrow_mut();
        commits.push(message.to_owned());
        let tip = committed(commits.len() - 1, message).ok_or_else(|| Error::new("conflict", "nothing"))?;
        Ok(Integration::Merged(tip))
    }

    fn snapshot(&self, _label: &str) -> Result<String> {
        self.may("snapshot")?;
        let mut snapshots = self.crew.snapshots.borrow_mut();
        snapshots.push(self.files.borrow().clone());
        Ok((snapshots.len() - 1).to_string())
    }

    fn restore(&self, snapshot: &str) -> Result<()> {
        self.may("restore")?;
        self.did(format!("restore {snapshot}"));
        let files = snapshot.parse().ok().and_then(|at: usize| self.crew.snapshots.borrow().get(at).cloned());
        self.files.replace(files.ok_or_else(|| Error::new("not-found", "there is no such snapshot"))?);
        Ok(())
    }
}

/// An end that is a failure.
pub fn failed(kind: &str, message: &str) -> End {
    End::Failed(Failure::new(kind, message))
}
