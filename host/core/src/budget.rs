//! Budgets: one ledger for a tree of runs.
//!
//! A call holds the most it can cost before it starts and is settled by what it did cost. The ledger is a fold of the
//! journal: replaying the records of a tree gives the same figures. What is held and never settled stays charged, so
//! that no accident ever frees money.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::call::{Order, delegate::Share};
use crate::id::RunId;
use crate::policy::{Permit, Scope};
use crate::time::Time;

mod clock;
#[cfg(test)]
mod tests;

use clock::Clock;

/// What a call costs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Cost {
    /// Millionths of a US dollar; 0 for a model without a price.
    pub micro_usd: u64,
    /// A model was asked whose price is not known: what that cost is not in `micro_usd`, and no ledger counts it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unpriced: bool,
    /// Tokens sent and received.
    pub tokens: u64,
    /// Requests to a model.
    pub turns: u64,
    /// Calls of any kind.
    pub calls: u64,
    /// Microseconds of work: an effect at work, without waiting for people, children or the clock.
    pub work: u64,
}

/// The limits of one account. None: no limit of its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Caps {
    /// Millionths of a US dollar, for the run and all below it.
    pub micro_usd: Option<u64>,
    /// Tokens, for the run and all below it.
    pub tokens: Option<u64>,
    /// Microseconds of work, for the run and all below it.
    pub work: Option<u64>,
    /// Requests to a model by this run alone.
    pub turns: Option<u64>,
    /// Calls by this run alone.
    pub calls: Option<u64>,
    /// Microseconds since the run started in which a host was at work on its tree and the tree had not ended.
    pub elapsed: Option<u64>,
}

/// What can be limited, in the order in which a shortage is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the fields of Caps say it")]
pub enum Item {
    MicroUsd,
    Tokens,
    Work,
    Turns,
    Calls,
    Elapsed,
}

/// What counts for a whole tree, and is carved.
const SHARED: [Item; 3] = [Item::MicroUsd, Item::Tokens, Item::Work];
/// What counts for each run alone.
const OWN: [Item; 2] = [Item::Turns, Item::Calls];

impl Cost {
    fn get(&self, item: Item) -> u64 {
        match item {
            Item::MicroUsd => self.micro_usd,
            Item::Tokens => self.tokens,
            Item::Work => self.work,
            Item::Turns => self.turns,
            Item::Calls => self.calls,
            Item::Elapsed => 0,
        }
    }

    fn get_mut(&mut self, item: Item) -> Option<&mut u64> {
        match item {
            Item::MicroUsd => Some(&mut self.micro_usd),
            Item::Tokens => Some(&mut self.tokens),
            Item::Work => Some(&mut self.work),
            Item::Turns => Some(&mut self.turns),
            Item::Calls => Some(&mut self.calls),
            Item::Elapsed => None,
        }
    }

    fn add(&mut self, item: Item, amount: u64) {
        if let Some(field) = self.get_mut(item) {
            *field = field.saturating_add(amount);
        }
    }

    fn sub(&mut self, item: Item, amount: u64) {
        if let Some(field) = self.get_mut(item) {
            *field = field.saturating_sub(amount);
        }
    }

    /// Both together.
    #[must_use]
    pub fn plus(mut self, other: Self) -> Self {
        for item in SHARED.into_iter().chain(OWN) {
            self.add(item, other.get(item));
        }
        self.unpriced |= other.unpriced;
        self
    }
}

impl Caps {
    /// The limit of an item.
    pub fn get(&self, item: Item) -> Option<u64> {
        match item {
            Item::MicroUsd => self.micro_usd,
            Item::Tokens => self.tokens,
            Item::Work => self.work,
            Item::Turns => self.turns,
            Item::Calls => self.calls,
            Item::Elapsed => self.elapsed,
        }
    }

    /// A child's limits: what its share says, and its parent's for each run alone where the share says nothing.
    #[must_use]
    pub fn carve(&self, share: &Share) -> Self {
        let some = |amount: u64| (amount > 0).then_some(amount);
        Self {
            micro_usd: some(share.micro_usd),
            tokens: some(share.tokens),
            work: None,
            turns: match (some(share.turns.into()), self.turns) {
                (Some(asked), Some(mine)) => Some(asked.min(mine)),
                (asked, mine) => asked.or(mine),
            },
            calls: self.calls,
            elapsed: some(u64::from(share.seconds) * 1_000_000),
        }
    }
}

/// What a call may cost: between the least with which it makes sense and the most it could come to. Where the budget
/// has less than the most, as much as there is is held, and the effect keeps to it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Quote {
    /// With less than this the call is refused.
    pub least: Cost,
    /// At least `least`.
    pub most: Cost,
}

/// What a hold becomes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Line {
    /// Settled by the call's answer.
    Spend(Cost),
    /// Becomes the child's account, settled by the child's end.
    Carve(RunId, Caps),
}

/// The right to be journalled: an order that is paid for. Only [`Ledger::hold`] makes one.
#[must_use = "a hold that is dropped stays charged, and its call is never answered"]
#[derive(Debug)]
pub struct Hold {
    order: Order,
    rule: Cow<'static, str>,
    scope: Scope,
    line: Line,
}

/// What is left to settle once the order is on its way. Dropped unsettled it stays charged at the most.
#[must_use = "a charge that is dropped stays charged at the most"]
#[derive(Debug)]
pub struct Charge {
    run: RunId,
    held: Cost,
}

/// Why nothing was held.
#[derive(Debug)]
pub enum Short {
    /// What is left does not cover it, whoever gives back what: which item, whose limit, how much is left.
    Exhausted(Box<Order>, Shortage),
    /// It would be covered if others gave back what they only hold: wait for that and try again.
    Wait(Box<Permit>),
}

/// What there is too little of.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Shortage {
    /// Of what.
    pub item: Item,
    /// The run whose limit it is.
    pub account: RunId,
    /// The limit.
    pub cap: u64,
    /// What was spent of it.
    pub spent: u64,
}

/// One run's account.
#[derive(Clone, Debug, Default)]
struct Account {
    parent: Option<RunId>,
    caps: Caps,
    /// What was taken out of the parent's account for this one; given back by its end.
    carved: Caps,
    /// What the tree's clock showed at its start.
    since: u64,
    spent: Cost,
    held: Cost,
    noticed: bool,
}

/// The accounts of one tree of runs.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    /// Boxed: a node of the map has room for eleven, and most trees are few runs.
    accounts: BTreeMap<RunId, Box<Account>>,
    clock: Clock,
}

/// What an account stands at, for people.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Balance {
    /// Settled.
    pub spent: Cost,
    /// Held by calls in flight and by children.
    pub held: Cost,
    /// The limits.
    pub caps: Caps,
    /// Microseconds that count against [`Caps::elapsed`], as far as there are records.
    pub elapsed: u64,
}

impl Ledger {
    /// Opens the account of a tree's first run.
    pub fn open(&mut self, run: RunId, caps: Caps, started: Time) {
        self.clock.go(started);
        self.accounts.insert(run, Box::new(Account { caps, ..Account::default() }));
    }

    /// Something was written about the tree at this time.
    pub fn see(&mut self, at: Time) {
        self.clock.see(at);
    }

    /// A stretch of a run begins. The first run's puts a tree that had ended to work again.
    pub fn begin(&mut self, run: RunId, at: Time) {
        if self.is_first(run) {
            self.clock.go(at);
        }
    }

    /// A new life of the tree begins; what has passed since the last record of the life before is not counted.
    pub fn resume(&mut self, at: Time) {
        self.clock.resume(at);
    }

    /// A run has ended: a child's account is closed, and with the first run no time passes any more.
    pub fn end(&mut self, run: RunId, at: Time) {
        if self.is_first(run) {
            self.clock.stop(at);
        }
        self.close_child(run);
    }

    fn is_first(&self, run: RunId) -> bool {
        self.accounts.get(&run).is_some_and(|account| account.parent.is_none())
    }

    /// Opens a child's account for a hold's [`Line::Carve`]: when the child's start record is written or read.
    pub fn open_child(&mut self, parent: RunId, child: RunId, caps: Caps, started: Time) {
        let turns_and_calls = self.accounts.get(&parent).map(|account| account.caps).unwrap_or_default();
        let full =
            Caps { turns: caps.turns.or(turns_and_calls.turns), calls: caps.calls.or(turns_and_calls.calls), ..caps };
        let carved = Caps { turns: None, calls: None, elapsed: None, ..caps };
        let since = self.clock.at(started);
        let account = Account { parent: Some(parent), caps: full, carved, since, ..Account::default() };
        self.accounts.insert(child, Box::new(account));
    }

    /// Closes a child's account: what it did not spend of its share goes back. Closing twice changes nothing.
    fn close_child(&mut self, child: RunId) {
        let Some(account) = self.accounts.get_mut(&child) else { return };
        let (parent, carved, spent) = (account.parent, std::mem::take(&mut account.carved), account.spent);
        let Some(parent) = parent else { return };
        for item in SHARED {
            if let Some(share) = carved.get(item) {
                self.each_payer(parent, item, |account| {
                    account.held.sub(item, share);
                    account.spent.add(item, spent.get(item));
                });
            }
        }
    }

    /// Holds what a permitted order may cost.
    pub fn hold(&mut self, permit: Permit, quote: Quote) -> Result<Hold, Short> {
        let (run, at) = (permit.order().site().run, permit.order().at());
        match self.covered(run, at, &quote) {
            Ok(cost) => {
                self.take(run, cost);
                Ok(Self::mint(permit, Line::Spend(cost)))
            }
            Err((shortage, false)) => Err(Short::Exhausted(Box::new(permit.into_parts().0), shortage)),
            Err((_, true)) => Err(Short::Wait(Box::new(permit))),
        }
    }

    /// Holds a child's share, and one call of the parent.
    pub fn carve(&mut self, permit: Permit, child: RunId, share: &Share) -> Result<Hold, Short> {
        let (run, at) = (permit.order().site().run, permit.order().at());
        let caps = self.accounts.get(&run).map(|account| account.caps).unwrap_or_default().carve(share);
        let cost = Cost { micro_usd: share.micro_usd, tokens: share.tokens, calls: 1, ..Cost::default() };
        match self.covered(run, at, &Quote { least: cost, most: cost }) {
            Ok(cost) => {
                self.take(run, cost);
                // The call itself is over with its answer; only the share stays held.
                self.spend(run, Cost { calls: 1, ..Cost::default() }, Cost { calls: 1, ..Cost::default() });
                Ok(Self::mint(permit, Line::Carve(child, caps)))
            }
            Err((shortage, false)) => Err(Short::Exhausted(Box::new(permit.into_parts().0), shortage)),
            Err((_, true)) => Err(Short::Wait(Box::new(permit))),
        }
    }

    /// The only place that makes a [`Hold`].
    fn mint(permit: Permit, line: Line) -> Hold {
        let (order, rule, scope) = permit.into_parts();
        Hold { order, rule, scope, line }
    }

    /// Settles a charge by what the call did cost.
    pub fn settle(&mut self, charge: Charge, real: Cost) {
        self.spend(charge.run, charge.held, real);
    }

    /// What a record of an earlier life held: folds an intent.
    pub fn recall_hold(&mut self, run: RunId, line: Line) {
        match line {
            Line::Spend(cost) => self.take(run, cost),
            Line::Carve(_, caps) => {
                let cost = Cost {
                    micro_usd: caps.micro_usd.unwrap_or(0),
                    tokens: caps.tokens.unwrap_or(0),
                    ..Cost::default()
                };
                self.take(run, cost);
                self.spend(run, Cost::default(), Cost { calls: 1, ..Cost::default() });
            }
        }
    }

    /// What a record of an earlier life settled: folds the answer to a spending intent.
    pub fn recall_settle(&mut self, run: RunId, held: Cost, real: Cost) {
        self.spend(run, held, real);
    }

    /// Takes back what an intent of an earlier life holds: it is about to be held anew, and must not stand in its own way.
    pub fn take_back(&mut self, run: RunId, line: Line) {
        match line {
            Line::Spend(cost) => self.spend(run, cost, Cost::default()),
            Line::Carve(_, caps) => {
                self.give_back(run, caps);
                self.each_payer(run, Item::Calls, |account| account.spent.sub(Item::Calls, 1));
            }
        }
    }

    /// Gives a carve back whose child was not started after all.
    pub fn give_back(&mut self, run: RunId, caps: Caps) {
        for item in SHARED {
            let share = caps.get(item).unwrap_or(0);
            self.each_payer(run, item, |account| account.held.sub(item, share));
        }
    }

    /// Sets new limits where they are given.
    pub fn raise(&mut self, run: RunId, caps: Caps) {
        let Some(account) = self.accounts.get_mut(&run) else { return };
        let old = account.caps;
        account.caps = Caps {
            micro_usd: caps.micro_usd.or(old.micro_usd),
            tokens: caps.tokens.or(old.tokens),
            work: caps.work.or(old.work),
            turns: caps.turns.or(old.turns),
            calls: caps.calls.or(old.calls),
            elapsed: caps.elapsed.or(old.elapsed),
        };
        account.noticed = false;
    }

    /// What an account stands at.
    pub fn balance(&self, run: RunId) -> Balance {
        let elapsed = |account: &Account| self.clock.seen().saturating_sub(account.since);
        let balance = |a: &Account| Balance { spent: a.spent, held: a.held, caps: a.caps, elapsed: elapsed(a) };
        self.accounts.get(&run).map(|account| balance(account)).unwrap_or_default()
    }

    /// The first item of a run's own account of which 85 % are spent, told once until the limit is raised: late enough to
    /// be worth a person's attention, early enough to act on.
    pub fn notice(&mut self, run: RunId) -> Option<Shortage> {
        let account = self.accounts.get_mut(&run)?;
        if account.noticed {
            return None;
        }
        let found = SHARED.into_iter().find_map(|item| {
            let (cap, spent) = (account.caps.get(item)?, account.spent.get(item));
            (u128::from(spent) * 100 >= u128::from(cap) * 85).then_some(Shortage { item, account: run, cap, spent })
        })?;
        account.noticed = true;
        Some(found)
    }

    /// As much of the quote as every account on the way up covers; or what is short, and whether waiting could help.
    fn covered(&self, run: RunId, at: Time, quote: &Quote) -> Result<Cost, (Shortage, bool)> {
        let mut cost = quote.most;
        let mut account = Some(run);
        while let Some((id, found)) = account.and_then(|id| Some((id, self.accounts.get(&id)?))) {
            let spent = self.clock.at(at).saturating_sub(found.since);
            if let Some(cap) = found.caps.elapsed.filter(|cap| spent >= *cap) {
                return Err((Shortage { item: Item::Elapsed, account: id, cap, spent }, false));
            }
            account = found.parent;
        }
        for item in SHARED.into_iter().chain(OWN) {
            let (least, mut most) = (quote.least.get(item), quote.most.get(item));
            if most == 0 && least == 0 {
                continue;
            }
            let mut waiting = None;
            for (id, account) in self.payers(run, item) {
                let Some(cap) = account.caps.get(item) else { continue };
                let shortage = Shortage { item, account: id, cap, spent: account.spent.get(item) };
                let unspent = cap.saturating_sub(account.spent.get(item));
                if unspent < least || (least == 0 && most > 0 && unspent == 0) {
                    return Err((shortage, false));
                }
                let free = unspent.saturating_sub(account.held.get(item));
                if free < least || (least == 0 && most > 0 && free == 0) {
                    waiting = Some(shortage);
                }
                most = most.min(free);
            }
            if let Some(shortage) = waiting {
                return Err((shortage, true));
            }
            let short = cost.get(item).saturating_sub(most);
            cost.sub(item, short);
        }
        Ok(cost)
    }

    fn take(&mut self, run: RunId, cost: Cost) {
        for item in SHARED.into_iter().chain(OWN).filter(|item| cost.get(*item) > 0) {
            self.each_payer(run, item, |account| account.held.add(item, cost.get(item)));
        }
    }

    fn spend(&mut self, run: RunId, held: Cost, real: Cost) {
        let moves = |item: &Item| held.get(*item) > 0 || real.get(*item) > 0;
        for item in SHARED.into_iter().chain(OWN).filter(moves) {
            self.each_payer(run, item, |account| {
                account.held.sub(item, held.get(item));
                account.spent.add(item, real.get(item));
            });
        }
    }

    /// The accounts that an item is charged to, from the run upwards: up to the first that has a share of it carved out.
    fn payers(&self, run: RunId, item: Item) -> impl Iterator<Item = (RunId, &Account)> {
        let mut next = Some(run);
        std::iter::from_fn(move || {
            let id = next?;
            let account = self.accounts.get(&id)?;
            next = account.next_payer(item);
            Some((id, &**account))
        })
    }

    fn each_payer(&mut self, run: RunId, item: Item, mut change: impl FnMut(&mut Account)) {
        let mut next = Some(run);
        while let Some(account) = next.and_then(|id| self.accounts.get_mut(&id)) {
            change(account);
            next = account.next_payer(item);
        }
    }
}

impl Account {
    fn next_payer(&self, item: Item) -> Option<RunId> {
        let own = OWN.contains(&item) || self.carved.get(item).is_some();
        if own { None } else { self.parent }
    }
}

impl Hold {
    /// What is paid for.
    pub fn order(&self) -> &Order {
        &self.order
    }

    /// Which rule allowed it.
    pub fn rule(&self) -> &str {
        &self.rule
    }

    /// What was held.
    pub fn line(&self) -> Line {
        self.line
    }

    /// Gives the hold up for the next step: the order, which rule allowed it, what it may see, what it may cost, and the duty to
    /// settle. A carve is settled by the child's end, so nothing is left of it here.
    pub fn split(self) -> (Order, Cow<'static, str>, Scope, Line, Option<Charge>) {
        let charge = match self.line {
            Line::Spend(held) => Some(Charge { run: self.order.site().run, held }),
            Line::Carve(..) => None,
        };
        (self.order, self.rule, self.scope, self.line, charge)
    }
}

impl Shortage {
    /// The shortage as a sentence.
    pub fn message(&self) -> String {
        let usd = |micro: u64| format!("${}.{:02}", micro / 1_000_000, micro % 1_000_000 / 10_000);
        let minutes = |micros: u64| match micros {
            0..120_000_000 => format!("{} s", micros / 1_000_000),
            _ => format!("{} min", micros / 60_000_000),
        };
        match self.item {
            Item::MicroUsd => format!("{} of {} are spent", usd(self.spent), usd(self.cap)),
            Item::Tokens => format!("{} of {} tokens are spent", self.spent, self.cap),
            Item::Work => format!("{} of {} of work are done", minutes(self.spent), minutes(self.cap)),
            Item::Turns => format!("{} of {} turns are taken", self.spent, self.cap),
            Item::Calls => format!("{} of {} calls are made", self.spent, self.cap),
            Item::Elapsed => format!("{} of {} have passed", minutes(self.spent), minutes(self.cap)),
        }
    }
}
