//! Rules: what is asked about, or refused, although it is granted.

use serde::{Deserialize, Serialize};

use super::Reason;
use crate::argv::{self, ArgvPattern};
use crate::call::{Call, Order, exec, vcs, workspace};
use crate::path::RepoPath;
use crate::pattern::PathSet;
use crate::{manifest, strict};

/// The name of the rule that is always there.
const PROTECTED: &str = "protected-paths";

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
    /// Commands it is about, however they are wrapped; without any, every call of those functions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exec: Option<Vec<ArgvPattern>>,
    /// Where it was written: a file and line, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub from: String,
}

/// All rules that hold for a run, with those that are always there.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Rules(pub Vec<Rule>);

/// The functions that a rule can be about, and whether one that is bound to paths can be.
///
/// A list, a search and a diff have no path of their own: what they show is bounded by the grants.
pub const FUNCTIONS: &[(&str, bool)] = &[
    ("board.cards", false),
    ("board.notes", false),
    ("board.post", false),
    ("board.put", false),
    ("clock.sleep", false),
    ("delegate.again", false),
    ("delegate.cancel", false),
    ("delegate.message", false),
    ("delegate.start", false),
    ("delegate.wait", false),
    ("exec.check", false),
    ("exec.run", false),
    ("human.ask", false),
    ("human.notify", false),
    ("human.propose", false),
    ("human.remarks", false),
    ("log.write", false),
    ("model.about", false),
    ("model.ask", false),
    ("vcs.blame", true),
    ("vcs.commit", false),
    ("vcs.diff", false),
    ("vcs.integrate", false),
    ("vcs.log", true),
    ("workspace.changes", false),
    ("workspace.edit", true),
    ("workspace.list", false),
    ("workspace.read", true),
    ("workspace.remove", true),
    ("workspace.rename", true),
    ("workspace.restore", false),
    ("workspace.search", false),
    ("workspace.snapshot", false),
    ("workspace.stat", true),
    ("workspace.write", true),
];

/// What shows the contents of files.
const READING: &[&str] = &["workspace.read", "vcs.blame", "vcs.log"];

/// What changes files, whatever the tool that an agent does it with is called: `workspace.write` in a rule stands for all of it.
const WRITING: &[&str] = &["workspace.edit", "workspace.remove", "workspace.rename"];

/// Why a rule cannot hold.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RuleError {
    /// The name is none, or stands for a rule that is always there.
    #[error("a rule is named by up to 40 lower-case letters, digits and single `-`, and not `protected-paths`")]
    Name,
    /// It is about nothing.
    #[error(
        "the rule is about nothing: name functions in `on`, such as \"workspace.write\", \"vcs.*\" or \"*\", or commands \
         in `exec`"
    )]
    Nothing,
    /// There is no such function.
    #[error("no function is called `{on}`{}", .meant.map(|meant| format!("; did you mean `{meant}`?")).unwrap_or_default())]
    Function {
        /// As written.
        on: String,
        /// What it resembles.
        meant: Option<&'static str>,
    },
    /// It has paths and is about no function that has any.
    #[error("`{on}` has no path of its own, so a rule with `paths` would never hold for it")]
    NoPaths {
        /// As written.
        on: String,
    },
    /// It has commands and is about no function that runs any, or paths as well.
    #[error("a rule with `exec` is about `exec.run` and has no `paths`")]
    NoCommands,
    /// It asks about single paths being read.
    #[error(
        "reading is not asked about path by path, for a search or a diff would show the same; use `deny`, or name the \
         functions that write"
    )]
    AsksToRead,
}

/// Whether what is written in `on` names a function.
fn names(on: &str, function: &str) -> bool {
    on == "*"
        || on == function
        || (on == "workspace.write" && WRITING.contains(&function))
        || on.strip_suffix('*').is_some_and(|noun| noun.ends_with('.') && function.starts_with(noun))
}

impl Rule {
    /// Whether the rule can hold at all. One that cannot would be a wall that somebody believes in.
    ///
    /// # Errors
    /// The first reason why not.
    pub fn check(&self) -> Result<(), RuleError> {
        if manifest::is_name(&self.name).is_err() || self.name == PROTECTED {
            return Err(RuleError::Name);
        }
        if self.on.is_empty() {
            return Err(RuleError::Nothing);
        }
        for on in &self.on {
            let mut named = FUNCTIONS.iter().filter(|(function, _)| names(on, function)).peekable();
            if named.peek().is_none() {
                let meant = strict::nearest(on, FUNCTIONS.iter().map(|(function, _)| *function));
                return Err(RuleError::Function { on: on.clone(), meant });
            }
            if self.paths.is_some() && !named.any(|(_, paths)| *paths) {
                return Err(RuleError::NoPaths { on: on.clone() });
            }
        }
        if self.exec.is_some() && (self.paths.is_some() || !self.names("exec.run")) {
            return Err(RuleError::NoCommands);
        }
        if self.effect == Effect::Ask && self.paths.is_some() && READING.iter().any(|function| self.names(function)) {
            return Err(RuleError::AsksToRead);
        }
        Ok(())
    }

    fn names(&self, function: &str) -> bool {
        self.on.iter().any(|on| names(on, function))
    }

    fn is_about(&self, order: &Order) -> bool {
        self.names(order.call().name())
            && self.paths.as_ref().is_none_or(|set| touched(order).iter().any(|path| set.has(path)))
            && self.exec.as_ref().is_none_or(|patterns| match order.call() {
                Call::Exec(exec::Call::Run(command)) => argv::concerns(patterns, &command.argv),
                _ => false,
            })
    }
}

impl Rules {
    /// The paths that no rule denies reading. A denied path must not be shown by a search, a list or a diff either, which
    /// only grants can see to: narrow `read` to this.
    pub fn readable(&self) -> PathSet {
        all_but(self.0.iter().filter(|rule| rule.effect == Effect::Deny && rule.names("workspace.read")))
    }

    /// The paths that a command may write: those about which no rule refuses or asks. A rule that is about all
    /// commands too has had its say before one runs.
    pub(super) fn writable(&self) -> PathSet {
        let wrote = |rule: &&Rule| rule.names("workspace.write") && (rule.paths.is_some() || !rule.names("exec.run"));
        all_but(self.0.iter().filter(|rule| rule.effect != Effect::Allow).filter(wrote))
    }

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

/// All paths but those of these rules.
fn all_but<'a>(rules: impl Iterator<Item = &'a Rule>) -> PathSet {
    rules.fold(PathSet::all(), |left, rule| {
        let not_these = |paths: &PathSet| PathSet { but: paths.any.clone(), ..PathSet::all() };
        left.narrowed(&rule.paths.as_ref().map_or_else(PathSet::default, not_these))
    })
}

/// The rule that is always there: what runs on a person's machine, or steers agents, is committed only with a person's yes.
fn protected(order: &Order) -> Option<Reason> {
    let paths = &order.facts().protected;
    (matches!(order.call(), Call::Vcs(_)) && !paths.is_empty()).then(|| Reason {
        rule: PROTECTED.to_owned(),
        effect: Effect::Ask,
        message: format!("a commit with {} needs a person's yes", listed(paths)),
        hint: None,
    })
}

/// The paths that a refused call was refused for, where the call itself does not show them: those of an edit or a commit.
pub fn refused_for(order: &Order, reasons: &[Reason]) -> Vec<RepoPath> {
    let facts = order.facts();
    let all = || facts.writes.iter().chain(&facts.protected);
    let named = |path: &&RepoPath| reasons.first().is_some_and(|why| why.message.contains(&format!("`{path}`")));
    // A grant is missing for one of them, and says which.
    match all().filter(named).collect::<Vec<_>>().as_slice() {
        [one] => vec![(*one).clone()],
        _ => all().cloned().collect(),
    }
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
    if let Call::Exec(exec::Call::Run(command)) = order.call() {
        return format!("`{}`", crate::text::excerpt(&command.argv.join(" "), 200));
    }
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
