//! Grants: the capabilities that one agent was given. An empty list is nothing.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Effect, Reason, Scope};
use crate::argv::{self, ArgvPattern};
use crate::call::{Call, Order, board, delegate, exec, human, model, vcs, workspace};
use crate::pattern::PathSet;

/// What an agent was given. Part of its run's start record; a child's are never wider than its parent's.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grants {
    /// Aliases of models it may ask; `default` is the one that an empty name means.
    pub model: Vec<String>,
    /// Paths it may list, read and search.
    pub read: Arc<PathSet>,
    /// Paths it may write in its workspace.
    pub write: Arc<PathSet>,
    /// Whether it may commit on its own branch and integrate its children.
    pub commit: bool,
    /// Commands it may run, behind the host's walls.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exec: Vec<ArgvPattern>,
    /// Names of variables that it may set for its commands; `*` stands for any characters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<String>,
    /// Whether it may have the person's checks run on its files.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub check: bool,
    /// Whether it may ask, propose to and notify the person.
    pub human: bool,
    /// Whether it may use its team's board.
    pub board: bool,
    /// Names of agents it may start.
    pub delegate: Vec<String>,
    /// How many levels of agents may be below it.
    pub depth: u32,
    /// How many children it may have running at once.
    pub width: u32,
}

/// A grant that is missing, as the reason of a denial.
/// Commands that a refusal names of those that are granted.
const NAMED: usize = 8;

fn missing(rule: &str, message: String, hint: impl Into<String>) -> Box<Reason> {
    Box::new(Reason { rule: rule.to_owned(), effect: Effect::Deny, message, hint: Some(hint.into()) })
}

/// The commands that both leave: those asked for that one of mine is, and all of mine where all are asked for.
pub fn commands(mine: &[ArgvPattern], theirs: &[ArgvPattern]) -> Vec<ArgvPattern> {
    let all = |patterns: &[ArgvPattern]| patterns.iter().any(ArgvPattern::is_all);
    match (all(mine), all(theirs)) {
        (true, _) => theirs.to_vec(),
        (false, true) => mine.to_vec(),
        (false, false) => theirs.iter().filter(|pattern| mine.contains(pattern)).cloned().collect(),
    }
}

/// The same for names of variables.
pub fn names(mine: &[String], theirs: &[String]) -> Vec<String> {
    let all = |names: &[String]| names.iter().any(|name| name == "*");
    match (all(mine), all(theirs)) {
        (true, _) => theirs.to_vec(),
        (false, true) => mine.to_vec(),
        (false, false) => theirs.iter().filter(|name| mine.contains(name)).cloned().collect(),
    }
}

impl Grants {
    /// The paths that an allowed call may see.
    pub(super) fn scope(&self) -> Scope {
        Scope { read: self.read.clone(), write: self.write.clone() }
    }

    /// What a child gets that asks for `asked`: no more than this.
    #[must_use]
    pub fn narrowed_to(&self, asked: &Self) -> Self {
        let both =
            |mine: &[String], theirs: &[String]| mine.iter().filter(|name| theirs.contains(name)).cloned().collect();
        Self {
            model: both(&self.model, &asked.model),
            read: Arc::new(asked.read.narrowed(&self.read)),
            write: Arc::new(asked.write.narrowed(&self.write)),
            commit: self.commit && asked.commit,
            exec: commands(&self.exec, &asked.exec),
            env: names(&self.env, &asked.env),
            check: self.check && asked.check,
            human: self.human && asked.human,
            board: self.board && asked.board,
            delegate: both(&self.delegate, &asked.delegate),
            depth: self.depth.saturating_sub(1).min(asked.depth),
            width: self.width.min(asked.width),
        }
    }

    /// The name of the grant that covers an order, or why none does.
    pub(super) fn cover(&self, order: &Order) -> Result<&'static str, Box<Reason>> {
        match order.call() {
            Call::Log(_) | Call::Clock(_) => Ok("always"),
            // Answered with its own error by the gate; there is nothing to grant.
            Call::Malformed { error, .. } => Err(Box::new(Reason {
                rule: error.rule.clone().unwrap_or_else(|| "malformed".to_owned()),
                effect: Effect::Deny,
                message: error.message.clone(),
                hint: error.hint.clone(),
            })),
            Call::Model(call) => self.cover_model(call),
            Call::Workspace(call) => self.cover_workspace(call, order),
            Call::Vcs(call) => self.cover_vcs(call),
            Call::Exec(call) => self.cover_exec(call),
            Call::Human(call) => self.cover_human(call),
            Call::Board(call) => self.cover_board(call),
            Call::Delegate(call) => self.cover_delegate(call, order),
        }
    }

    fn cover_model(&self, call: &model::Call) -> Result<&'static str, Box<Reason>> {
        let alias = match call {
            model::Call::Ask(request) => request.model.as_str(),
            model::Call::About(alias) => alias.as_str(),
        };
        let alias = if alias.is_empty() { "default" } else { alias };
        if self.model.iter().any(|granted| granted == alias) {
            return Ok("grant:model");
        }
        Err(missing(
            "model-not-granted",
            format!("the model `{alias}` was not granted"),
            "name it in `model` of the agent's grants",
        ))
    }

    fn cover_workspace(&self, call: &workspace::Call, order: &Order) -> Result<&'static str, Box<Reason>> {
        use workspace::Call as W;
        let read = |path: &str| match self.read.has(path) {
            true => Ok("grant:read"),
            false => Err(missing(
                "read-not-granted",
                format!("`{path}` is not among the paths this agent may read"),
                "a person can add it to `read` of the agent's grants",
            )),
        };
        let write = |path: &str| match self.write.has(path) {
            true => Ok("grant:write"),
            false => Err(missing(
                "write-not-granted",
                format!("`{path}` is not among the paths this agent may write"),
                "a person can add it to `write` of the agent's grants",
            )),
        };
        match call {
            W::List { .. } | W::Search(_) | W::Changes => Ok("grant:read"),
            W::Stat { path } | W::Read { path, .. } => read(path),
            W::Write { path, .. } | W::Remove { path } => write(path),
            // An edit finds its places by what is there, and says so when it fails: it reads what it writes.
            W::Edit { .. } => {
                for path in &order.facts().writes {
                    read(path)?;
                    write(path)?;
                }
                Ok("grant:write")
            }
            W::Rename { from, to } => {
                read(from)?;
                write(from)?;
                write(to)
            }
            // A snapshot can only bring back what the run itself made.
            W::Snapshot { .. } | W::Restore { .. } => Ok("grant:write"),
        }
    }

    fn cover_vcs(&self, call: &vcs::Call) -> Result<&'static str, Box<Reason>> {
        match call {
            vcs::Call::Log { path: None, .. } | vcs::Call::Diff(_) => Ok("grant:read"),
            vcs::Call::Log { path: Some(path), .. } | vcs::Call::Blame { path } => match self.read.has(path) {
                true => Ok("grant:read"),
                false => Err(missing(
                    "read-not-granted",
                    format!("`{path}` is not among the paths this agent may read"),
                    "a person can add it to `read` of the agent's grants",
                )),
            },
            vcs::Call::Commit { .. } | vcs::Call::Integrate { .. } if self.commit => Ok("grant:commit"),
            vcs::Call::Commit { .. } | vcs::Call::Integrate { .. } => Err(missing(
                "commit-not-granted",
                "this agent may not commit".into(),
                "set `commit = true` in the agent's grants",
            )),
        }
    }

    fn cover_exec(&self, call: &exec::Call) -> Result<&'static str, Box<Reason>> {
        match call {
            exec::Call::Check { .. } if self.check => Ok("grant:check"),
            exec::Call::Check { .. } => Err(missing(
                "check-not-granted",
                "this agent may not have the checks run".into(),
                "set `check = true` in the agent's grants",
            )),
            exec::Call::Run(command) if !argv::covered(&self.exec, &command.argv) => Err(missing(
                "exec-not-granted",
                format!(
                    "`{}` is not among the commands this agent may run",
                    crate::text::excerpt(&command.argv.join(" "), 200)
                ),
                self.what_runs(&command.argv),
            )),
            exec::Call::Run(command) => {
                let granted = |name: &str| self.env.iter().any(|granted| argv::glob(granted, name));
                match command.env.iter().find(|(name, _)| !granted(name)) {
                    None => Ok("grant:exec"),
                    Some((name, _)) => Err(missing(
                        "env-not-granted",
                        format!("this agent may not set `{}` for its commands", crate::text::excerpt(name, 60)),
                        "a person can add it to `env` of the agent's grants",
                    )),
                }
            }
        }
    }

    /// What may be run in the place of what is not granted.
    fn what_runs(&self, argv: &[String]) -> String {
        let some: Vec<String> = self.exec.iter().take(NAMED).map(|pattern| format!("`{pattern}`")).collect();
        let more = if self.exec.len() > NAMED { " and more" } else { "" };
        let mut hint = match some.is_empty() {
            true => "it may run none; ".to_owned(),
            false => format!("it may run {}{more}; ", some.join(", ")),
        };
        let shell = argv.first().filter(|program| matches!(program.as_str(), "sh" | "bash"));
        let first = |pattern: &ArgvPattern| pattern.to_string().split(' ').next().map(str::to_owned);
        let none = |program: &String| !self.exec.iter().any(|pattern| first(pattern).as_ref() == Some(program));
        if shell.is_some_and(none) && !some.is_empty() {
            hint.push_str("a shell is not among them, so no pipes, `&&` or `$`; ");
        }
        hint + "a person can add it to `exec` of the agent's grants"
    }

    fn cover_human(&self, call: &human::Call) -> Result<&'static str, Box<Reason>> {
        match call {
            // Whoever works must be able to hear that it is to stop or to change course.
            human::Call::Remarks => Ok("always"),
            _ if self.human => Ok("grant:human"),
            _ => Err(missing(
                "human-not-granted",
                "this agent may not turn to the person".into(),
                "set `human = true` in the agent's grants",
            )),
        }
    }

    fn cover_board(&self, _: &board::Call) -> Result<&'static str, Box<Reason>> {
        match self.board {
            true => Ok("grant:board"),
            false => Err(missing(
                "board-not-granted",
                "this agent may not use the board".into(),
                "set `board = true` in the agent's grants",
            )),
        }
    }

    fn cover_delegate(&self, call: &delegate::Call, order: &Order) -> Result<&'static str, Box<Reason>> {
        let delegate::Call::Start(start) = call else {
            // About children that exist: whose they are is what the run's own records say.
            return Ok("grant:delegate");
        };
        if !self.delegate.contains(&start.agent) {
            return Err(missing(
                "delegate-not-granted",
                format!("this agent may not start `{}`", start.agent),
                "name it in `delegate` of the agent's grants",
            ));
        }
        if self.depth == 0 {
            return Err(missing(
                "depth",
                "no agents may be started below this one".into(),
                "the run's depth is set by the person",
            ));
        }
        if order.facts().children >= self.width {
            let message = format!("{} children are running, and {} may", order.facts().children, self.width);
            return Err(missing("width", message, "wait for one of them to end"));
        }
        match start.lease.iter().find(|path| !self.write.has(path)) {
            Some(path) => Err(missing(
                "write-not-granted",
                format!("`{path}` is leased for a child, and this agent may not write it"),
                "a person can add it to `write` of the agent's grants",
            )),
            None => Ok("grant:delegate"),
        }
    }
}
