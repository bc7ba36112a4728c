//! Rules: what is asked about, or refused, although it is granted.

use serde::{Deserialize, Serialize};

use super::Reason;
use crate::call::{Call, Order, vcs, workspace};
use crate::path::RepoPath;
use crate::pattern::PathSet;

/// What a rule says. The strictest wins, so the order of the cases is part of their meaning.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// Named, so that the journal says which rule let it pass.
    Allow,
    /// A person decides.
    Ask,
    /// Never.
    Deny,
}

/// One rule, as a person or an organisation wrote it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Named in every denial and question.
    pub name: String,
    /// What it says.
    pub effect: Effect,
    /// Functions it is about: `workspace.write`, `vcs.*`, `*`.
    pub on: Vec<String>,
    /// Paths it is about; without any, every call of those functions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paths: Option<PathSet>,
    /// Where it was written: a file and line, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub from: String,
}

/// All rules that hold for a run, with those that are always there.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Rules(pub Vec<Rule>);

impl Rule {
    fn is_about(&self, order: &Order) -> bool {
        let name = order.call().name();
        let named = self.on.iter().any(|on| {
            on == "*"
                || on == name
                || on.strip_suffix('*').is_some_and(|noun| noun.ends_with('.') && name.starts_with(noun))
        });
        named && self.paths.as_ref().is_none_or(|set| touched(order).iter().any(|path| set.has(path)))
    }
}

impl Rules {
    /// What the rules say of an order, in no order.
    pub(super) fn about(&self, order: &Order) -> Vec<Reason> {
        let written = self.0.iter().filter(|rule| rule.is_about(order)).map(|rule| {
            let message = match rule.effect {
                Effect::Allow => format!("{} is allowed", order.call().name()),
                Effect::Ask => format!("{} needs a person's yes", describe(order)),
                Effect::Deny => format!("{} is never allowed here", describe(order)),
            };
            let hint = (!rule.from.is_empty()).then(|| format!("the rule is written in {}", rule.from));
            Reason { rule: rule.name.clone(), effect: rule.effect, message, hint }
        });
        written.chain(protected(order)).collect()
    }
}

/// The rule that is always there: what runs on a person's machine, or steers agents, is committed only with a person's yes.
fn protected(order: &Order) -> Option<Reason> {
    let paths = &order.facts().protected;
    (matches!(order.call(), Call::Vcs(_)) && !paths.is_empty()).then(|| Reason {
        rule: "protected-paths".to_owned(),
        effect: Effect::Ask,
        message: format!("a commit with {} needs a person's yes", listed(paths)),
        hint: None,
    })
}

/// The paths a call is about.
fn touched(order: &Order) -> Vec<&RepoPath> {
    match order.call() {
        Call::Workspace(
            workspace::Call::Stat { path }
            | workspace::Call::Read { path, .. }
            | workspace::Call::Write { path, .. }
            | workspace::Call::Remove { path },
        )
        | Call::Vcs(vcs::Call::Blame { path } | vcs::Call::Log { path: Some(path), .. }) => vec![path],
        Call::Workspace(workspace::Call::Rename { from, to }) => vec![from, to],
        _ => order.facts().writes.iter().chain(&order.facts().protected).collect(),
    }
}

fn describe(order: &Order) -> String {
    let paths: Vec<RepoPath> = touched(order).into_iter().cloned().collect();
    if paths.is_empty() {
        order.call().name().to_owned()
    } else {
        format!("{} of {}", order.call().name(), listed(&paths))
    }
}

/// The first few paths, for a sentence.
fn listed(paths: &[RepoPath]) -> String {
    const SHOWN: usize = 3;
    let mut text = paths.iter().take(SHOWN).map(|path| format!("`{path}`")).collect::<Vec<_>>().join(", ");
    if paths.len() > SHOWN {
        text.push_str(&format!(" and {} more", paths.len() - SHOWN));
    }
    text
}
