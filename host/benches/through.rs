//! The gate with effects that have their answer at once: what is left is what the gate, the books and the journal cost.

use std::future::pending;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use orchestra_pit::effect::ONE_CALL;
use orchestra_pit::gate::{Desk, Gate, Passage, Price, Stopped};
use orchestra_pit::guest::{Door, LifeEnd, Passed};
use orchestra_pit::journal::{InDoubt, Intent, Journal, Open};
use orchestra_pit::run::clock::now;
use orchestra_pit_core::budget::{Caps, Ledger, Quote};
use orchestra_pit_core::call::{Answer, Call, CallId, Error, Facts, Order, Site};
use orchestra_pit_core::id::{Hash, RunId};
use orchestra_pit_core::pattern::PathSet;
use orchestra_pit_core::policy::{Approval, Grants, Question, Rules};
use orchestra_pit_core::record::Said;

use crate::Result;

/// One agent's way through the gate.
pub struct Through {
    gate: Gate<AtOnce>,
    site: Arc<Site>,
    next: AtomicU64,
}

impl Through {
    /// A run of a tree that was claimed, with grants, rules and limits as a coder has them.
    pub fn new(journal: &Journal, ledger: &Arc<Mutex<Ledger>>, tree: RunId, run: RunId, answer: Answer) -> Self {
        journal.begin(run, tree);
        let caps = Caps { tokens: Some(u64::MAX / 4), calls: Some(u64::MAX / 4), ..Caps::default() };
        ledger.lock().unwrap_or_else(PoisonError::into_inner).open(run, caps, now());
        let grants = Grants { read: Arc::new(PathSet::all()), human: true, ..Grants::default() };
        let site = Site {
            run,
            tree,
            parent: None,
            agent: Hash::NONE,
            agent_name: "bench@1".into(),
            branch: "refs/heads/pit/bench".into(),
            model: None,
        };
        let gate = Gate {
            journal: journal.clone(),
            ledger: ledger.clone(),
            rules: Arc::new(Rules::default()),
            grants: Arc::new(grants),
            approvals: Mutex::default(),
            desk: AtOnce { journal: journal.clone(), ledger: ledger.clone(), answer },
        };
        Self { gate, site: Arc::new(site), next: AtomicU64::new(0) }
    }

    /// Takes a call through, as the run's own door does.
    pub async fn call(&self, call: Call) -> Passage {
        let seq = self.next.fetch_add(1, Ordering::Relaxed);
        let id = CallId { run: self.site.run, seq };
        self.gate.pass(Order::new(id, self.site.clone(), call, Facts::default(), now())).await
    }
}

impl Door for Through {
    async fn pass(&self, call: Call) -> Passed {
        match self.call(call).await {
            Ok((answer, at)) => Passed::Answer(answer, at),
            Err(stopped) => Passed::EndLife(LifeEnd::new("stopped", stopped.to_string())),
        }
    }
}

/// A ledger for [`Through`].
pub fn ledger() -> Arc<Mutex<Ledger>> {
    Arc::default()
}

/// Waits until everything that was queued is on disk, or wherever the journal keeps it.
pub async fn caught_up(journal: &Journal, tree: RunId) -> Result<()> {
    // An inbox's number is told once it is on disk, and the queue has one order.
    journal.put(tree, String::new(), String::new(), now()).await?;
    Ok(())
}

struct AtOnce {
    journal: Journal,
    ledger: Arc<Mutex<Ledger>>,
    answer: Answer,
}

impl Desk for AtOnce {
    fn price(&self, _: &Order) -> Price {
        Price::Spend(Quote { least: ONE_CALL, most: ONE_CALL })
    }

    async fn ask(&self, _: &Question) -> std::result::Result<std::result::Result<Approval, Error>, Stopped> {
        Err(Stopped::Told("nobody is asked here".into()))
    }

    async fn start(&self, intent: Intent, open: Open) -> Passage {
        let (_order, _, _) = intent.into_parts();
        let at = now();
        let charge = self.journal.answer(open, &self.answer, at, ONE_CALL)?;
        if let Some(charge) = charge {
            self.ledger.lock().unwrap_or_else(PoisonError::into_inner).settle(charge, ONE_CALL);
        }
        Ok((self.answer.clone(), at))
    }

    async fn in_doubt(
        &self,
        _: &Order,
        doubt: InDoubt,
    ) -> std::result::Result<std::result::Result<InDoubt, Error>, Stopped> {
        Ok(Ok(doubt))
    }

    fn refuse(&self, _: Order, _: Option<Said>, error: Error) -> Passage {
        Err(Stopped::Told(format!("refused: {error}")))
    }

    fn recall(&self, answer: Answer) -> std::result::Result<Answer, Stopped> {
        Ok(answer)
    }

    fn freed(&self) -> impl Future<Output = ()> + Send {
        pending()
    }
}
