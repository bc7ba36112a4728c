//! What an agent may do: grants, rules, and the judge that holds an order against them.
//!
//! Judging is pure: no I/O, the only time is the order's own, and the strictest rule wins. Whether a grant covers the
//! call is asked first (`grants.rs`); a rule can only narrow what is granted (`rules.rs`).

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::call::{Call, Error, Facts, Order, exec};
use crate::id::Hash;
use crate::path::RepoPath;
use crate::pattern::PathSet;
use crate::time::Time;

mod grants;
mod profile;
mod rules;
#[cfg(test)]
mod tests;

pub use grants::{Grants, commands, names};
pub use profile::{LIKELY_SECRETS, NO_SECRETS, Profile, all_but_secrets, likely_secrets};
pub use rules::{Effect, FUNCTIONS, Rule, RuleError, Rules, refused_for};

/// What a call that was allowed may see, decided by the judge and carried to the effect with the permit: paths outside
/// are not listed, not searched and not shown in a diff.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// Paths that may be read.
    pub read: Arc<PathSet>,
    /// Paths that may be written: what a command wrote elsewhere is not taken over.
    pub write: Arc<PathSet>,
}

impl Scope {
    /// Everything; for the host's own look at a workspace.
    pub fn all() -> Self {
        Self { read: Arc::new(PathSet::all()), write: Arc::new(PathSet::all()) }
    }
}

/// The right to be paid for. Only [`judge`] makes one.
#[must_use = "a permit that is dropped is a call that is never answered"]
#[derive(Debug)]
pub struct Permit {
    order: Order,
    rule: Cow<'static, str>,
    scope: Scope,
}

impl Permit {
    /// What was permitted.
    pub fn order(&self) -> &Order {
        &self.order
    }

    /// Which rule or grant allowed it.
    pub fn rule(&self) -> &str {
        &self.rule
    }

    /// Gives the permit up for the next step.
    pub(crate) fn into_parts(self) -> (Order, Cow<'static, str>, Scope) {
        (self.order, self.rule, self.scope)
    }
}

/// An order that a person must decide about. It never becomes a permit: the answer is journalled as an [`Approval`],
/// and the order is judged again.
#[must_use = "a question that is dropped is a call that is never answered"]
#[derive(Debug)]
pub struct Question {
    order: Order,
    reasons: Vec<Reason>,
}

impl Question {
    /// What is asked about.
    pub fn order(&self) -> &Order {
        &self.order
    }

    /// Which rules ask.
    pub fn reasons(&self) -> &[Reason] {
        &self.reasons
    }

    /// The order, to be judged again or refused.
    pub fn back(self) -> Order {
        self.order
    }
}

/// Why a ruling is what it is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Reason {
    /// The rule's name.
    pub rule: String,
    /// What the rule says of the call.
    pub effect: Effect,
    /// What was wanted and why not.
    pub message: String,
    /// What would help.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// What the judge says.
#[derive(Debug)]
pub enum Ruling {
    /// Go on.
    Allow(Permit),
    /// Ask a person.
    Ask(Question),
    /// The order comes back to be refused; the first reason is the decisive one.
    Deny(Order, Vec<Reason>),
}

/// How far a person's yes reaches.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reach {
    /// This order alone, by its digest.
    Call(Hash),
    /// Every order of the run with this function, asked about by these rules, that is about these paths or fewer.
    Run {
        /// `noun.function`.
        function: String,
        /// The rules that asked.
        rules: Vec<String>,
        /// The paths that were shown.
        paths: Vec<RepoPath>,
    },
}

/// A person's yes. Journalled before it counts.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Approval {
    /// What it covers.
    pub reach: Reach,
    /// Who gave it.
    pub by: String,
    /// When.
    pub at: Time,
    /// Until when it counts; none: as long as the run.
    pub expires: Option<Time>,
}

impl Approval {
    /// Whether it answers for an order that these rules ask about.
    fn covers(&self, order: &Order, asking: &[Reason]) -> bool {
        if self.expires.is_some_and(|end| order.at() >= end) {
            return false;
        }
        match &self.reach {
            Reach::Call(digest) => *digest == order.digest(),
            Reach::Run { function, rules, paths } => {
                *function == order.call().name()
                    && asking.iter().all(|reason| rules.contains(&reason.rule))
                    && concerned(order.facts()).all(|path| paths.contains(path))
            }
        }
    }
}

/// The paths that a person was shown when asked about an order.
fn concerned(facts: &Facts) -> impl Iterator<Item = &RepoPath> {
    facts.protected.iter().chain(&facts.writes)
}

impl Reach {
    /// The wider of the two reaches a person may choose for a question.
    pub fn run(question: &Question) -> Self {
        Self::Run {
            function: question.order.call().name().to_owned(),
            rules: question.reasons.iter().map(|reason| reason.rule.clone()).collect(),
            paths: concerned(question.order.facts()).cloned().collect(),
        }
    }
}

/// Holds an order against grants, rules and what people have approved. The only place that makes a [`Permit`].
pub fn judge(order: Order, rules: &Rules, grants: &Grants, approvals: &[Approval]) -> Ruling {
    let covered = match grants.cover(&order) {
        Ok(covered) => covered,
        Err(reason) => return Ruling::Deny(order, vec![*reason]),
    };
    let mut reasons = rules.about(&order);
    reasons.sort_by_key(|reason| std::cmp::Reverse(reason.effect));
    match reasons.first().map(|reason| reason.effect) {
        Some(Effect::Deny) => {
            reasons.retain(|reason| reason.effect == Effect::Deny);
            Ruling::Deny(order, reasons)
        }
        Some(Effect::Ask) => {
            reasons.retain(|reason| reason.effect == Effect::Ask);
            if approvals.iter().any(|approval| approval.covers(&order, &reasons)) {
                let rule = reasons.first().map_or_else(String::new, |reason| format!("{} (approved)", reason.rule));
                Ruling::Allow(Permit { scope: scope(&order, rules, grants), order, rule: rule.into() })
            } else {
                Ruling::Ask(Question { order, reasons })
            }
        }
        Some(Effect::Allow) | None => {
            let rule = reasons.first().map_or(Cow::Borrowed(covered), |reason| reason.rule.clone().into());
            Ruling::Allow(Permit { scope: scope(&order, rules, grants), order, rule })
        }
    }
}

/// What a call may reach. A command's writes are not orders of their own, so rules about files bind them here.
fn scope(order: &Order, rules: &Rules, grants: &Grants) -> Scope {
    let mut scope = grants.scope();
    if matches!(order.call(), Call::Exec(exec::Call::Run(_))) && !rules.0.is_empty() {
        scope.write = Arc::new(rules.writable().narrowed(&scope.write));
    }
    scope
}

/// What the agent is told of a denial.
pub fn denial(reasons: &[Reason]) -> Error {
    match reasons.first() {
        Some(first) => Error { hint: first.hint.clone(), ..Error::denied(first.rule.clone(), first.message.clone()) },
        None => Error::denied("no-grant", "nothing allows it"),
    }
}
