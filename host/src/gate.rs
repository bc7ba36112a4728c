//! The one door: every call of every agent passes here, in the order policy, budget, journal, effect.
//!
//! Each step consumes what the one before minted (`Order`, `Permit`, `Hold`, `Intent` and `Open`), so a step that is left
//! out, done twice or done out of order does not compile. What the gate cannot do itself, because it takes a person, a
//! task or time, it asks of a [`Desk`], which `run` implements.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use orchestra_pit_core::budget::{Hold, Ledger, Quote, Short};
use orchestra_pit_core::call::delegate::Share;
use orchestra_pit_core::call::{Answer, Call, Error, ErrorKind, Order};
use orchestra_pit_core::id::{Hash, RunId};
use orchestra_pit_core::policy::{self, Approval, Grants, Permit, Question, Rules, Ruling, judge};
use orchestra_pit_core::record::Said;
use orchestra_pit_core::time::Time;

use crate::journal::{InDoubt, Intent, Journal, Open, Recall, Refused};

#[cfg(test)]
mod tests;

/// What the agent is told and when, or why this life of its run ends without telling it.
pub type Passage = Result<(Answer, Time), Stopped>;

/// Why a life of a run ends for the host's reasons. The agent never notices; the run may go on in another life.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Stopped {
    /// The journal takes no more.
    #[error("{0}")]
    Journal(#[from] Refused),
    /// The agent asked for something else than it did in an earlier life.
    #[error(
        "call {seq} is not the one on record (recorded {recorded}): the agent, or pit, is not the one that made the record"
    )]
    Diverged {
        /// Which call.
        seq: u64,
        /// The digest on record.
        recorded: Hash,
    },
    /// The run was told to stop.
    #[error("{0}")]
    Told(String),
}

/// What an order has to be paid with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Price {
    /// Between a least and a most.
    Spend(Quote),
    /// A child's part of the budget.
    Carve(RunId, Share),
}

/// Those around the gate: people, tasks, time. Owns the effects' tasks, so that dropping a [`Gate::pass`] (its guest was
/// parked, cancelled or trapped) drops only the waiting.
pub trait Desk: Send + Sync + 'static {
    /// What an order may cost.
    fn price(&self, order: &Order) -> Price;
    /// Asks a person; a yes is on record before it is returned, a no is what the agent is told.
    fn ask(&self, question: &Question) -> impl Future<Output = Result<Result<Approval, Error>, Stopped>> + Send;
    /// Starts the effect and waits for its answer.
    fn start(&self, intent: Intent, open: Open) -> impl Future<Output = Passage> + Send;
    /// Decides about a call that an earlier life left without an answer: do it again, or what the agent is told.
    fn in_doubt(
        &self,
        order: &Order,
        doubt: InDoubt,
    ) -> impl Future<Output = Result<Result<InDoubt, Error>, Stopped>> + Send;
    /// Records a no, and answers it.
    fn refuse(&self, order: Order, said: Option<Said>, error: Error) -> Passage;
    /// Completes an answer from the journal with what it has only by reference.
    fn recall(&self, answer: Answer) -> Result<Answer, Stopped>;
    /// Waits until somebody has given back what they held.
    fn freed(&self) -> impl Future<Output = ()> + Send;
}

/// The gate of one run.
pub struct Gate<D> {
    /// Where everything is written down.
    pub journal: Journal,
    /// The tree's ledger.
    pub ledger: Arc<Mutex<Ledger>>,
    /// What holds for the run.
    pub rules: Arc<Rules>,
    /// What the run was given.
    pub grants: Arc<Grants>,
    /// What people have said yes to in this run.
    pub approvals: Mutex<Vec<Approval>>,
    /// Those around it.
    pub desk: D,
}

impl<D: Desk> Gate<D> {
    /// Takes one order through.
    pub async fn pass(&self, order: Order) -> Passage {
        let (order, again) = match self.journal.recall(&order) {
            Recall::New => (order, None),
            Recall::Answered { answer, at } => return Ok((self.desk.recall(answer)?, at)),
            Recall::Diverged { recorded } => return Err(Stopped::Diverged { seq: order.id().seq, recorded }),
            Recall::Asked { facts, at } => (order.as_recorded(facts, at), None),
            Recall::InDoubt(doubt) => {
                let order = order.as_recorded(doubt.facts().clone(), doubt.at());
                match self.desk.in_doubt(&order, doubt).await? {
                    Ok(again) => (order, Some(again)),
                    Err(error) => return self.desk.refuse(order, None, error),
                }
            }
        };
        let permit = match self.permit(order).await? {
            Ok(permit) => permit,
            Err(refused) => return refused,
        };
        let hold = match self.hold(permit).await {
            Ok(hold) => hold,
            Err(refused) => return refused,
        };
        let (intent, open) = self.journal.intend(hold, again).await?;
        self.desk.start(intent, open).await
    }

    /// Judges until the ruling is yes or no: after each yes of a person the order is judged again, with the approval.
    async fn permit(&self, mut order: Order) -> Result<Result<Permit, Passage>, Stopped> {
        loop {
            let ruling = {
                let approvals = lock(&self.approvals);
                judge(order, &self.rules, &self.grants, &approvals)
            };
            match ruling {
                Ruling::Allow(permit) => return Ok(Ok(permit)),
                Ruling::Deny(order, reasons) => {
                    // What makes no sense is answered as what it is: there was nothing to be granted.
                    let error = match order.call() {
                        Call::Malformed { error, .. } => error.clone(),
                        _ => policy::denial(&reasons),
                    };
                    let paths = policy::refused_for(&order, &reasons);
                    let said = Said::Denied { call: order.call().clone(), reasons, paths };
                    return Ok(Err(self.desk.refuse(order, Some(said), error)));
                }
                Ruling::Ask(question) => match self.desk.ask(&question).await? {
                    Ok(approval) => {
                        lock(&self.approvals).push(approval);
                        order = question.back();
                    }
                    Err(error) => return Ok(Err(self.desk.refuse(question.back(), None, error))),
                },
            }
        }
    }

    /// Holds what the call may cost; waits while only others' holds stand against it.
    async fn hold(&self, mut permit: Permit) -> Result<Hold, Passage> {
        let price = self.desk.price(permit.order());
        loop {
            // Asked for before the ledger is looked at: what is freed in between must not be missed.
            let freed = self.desk.freed();
            let held = {
                let mut ledger = lock(&self.ledger);
                match price {
                    Price::Spend(quote) => ledger.hold(permit, quote),
                    Price::Carve(child, share) => ledger.carve(permit, child, &share),
                }
            };
            match held {
                Ok(hold) => return Ok(hold),
                Err(Short::Wait(back)) => permit = *back,
                Err(Short::Exhausted(order, shortage)) => {
                    let error = Error::new(ErrorKind::Exhausted, shortage.message())
                        .hint("a person can raise it with `pit budget`");
                    let said = Said::Exhausted { call: order.call().clone(), shortage };
                    return Err(self.desk.refuse(*order, Some(said), error));
                }
            }
            freed.await;
        }
    }
}

/// A lock that outlives a panic of whoever held it: what it guards is only ever changed whole.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
