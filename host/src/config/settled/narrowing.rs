//! `[grants.AGENT]`: what one file leaves of an agent's grants.

use std::collections::BTreeMap;
use std::sync::Arc;

use orchestra_pit_core::argv::ArgvPattern;
use orchestra_pit_core::pattern::{PathSet, Pattern};
use orchestra_pit_core::policy::{self, Grants};
use orchestra_pit_core::{manifest, strict, text};
use toml::Spanned;

use super::{Line, listed, patterns};
use crate::config::written::commands::Patterns;
use crate::config::{ConfigError, Origin, Said, Source, written};

#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Narrowing {
    read: Option<Said<Vec<Pattern>>>,
    write: Option<Said<Vec<Pattern>>>,
    secrets: Option<Said<Vec<Pattern>>>,
    model: Option<Said<Vec<String>>>,
    commit: Option<Said<bool>>,
    exec: Option<Said<Vec<ArgvPattern>>>,
    env: Option<Said<Vec<String>>>,
    check: Option<Said<bool>>,
    human: Option<Said<bool>>,
    board: Option<Said<bool>>,
    delegate: Option<Said<Vec<String>>>,
}

/// Adds what a file says to what others said.
pub(super) fn settle(
    source: &Source,
    grants: BTreeMap<Spanned<String>, written::Grants>,
    agents: &[&str],
    narrowings: &mut Vec<(String, Narrowing)>,
) -> Result<(), ConfigError> {
    for (agent, grants) in grants {
        let (at, name) = (agent.span().start, agent.into_inner());
        manifest::is_name(&name).map_err(|why| source.wrong(at, why))?;
        // An agent that is not known may come later; one that is nearly known is a wall in the wrong place.
        let known = agents.contains(&name.as_str());
        if let Some(meant) = strict::nearest(&name, agents.iter().copied()).filter(|_| !known) {
            return Err(source.wrong(at, format!("no agent is called `{name}`; did you mean `{meant}`?")));
        }
        let written::Grants { read, write, secrets, model, commit, exec, env, check, human, board, delegate } = grants;
        env.iter().try_for_each(|names| are_variables(source, names))?;
        let narrowing = Narrowing {
            read: read.map(|value| source.said(value)),
            write: write.map(|value| source.said(value)),
            secrets: secrets.map(|value| source.said(value)),
            model: model.map(|value| source.said(value)),
            commit: commit.map(|value| source.said(value)),
            exec: exec.map(|value| source.said(value).map(|Patterns(patterns)| patterns)),
            env: env.map(|value| source.said(value)),
            check: check.map(|value| source.said(value)),
            human: human.map(|value| source.said(value)),
            board: board.map(|value| source.said(value)),
            delegate: delegate.map(|value| source.said(value)),
        };
        narrowings.push((name, narrowing));
    }
    Ok(())
}

/// Whether these can be names of variables; `*` stands for any characters.
fn are_variables(source: &Source, names: &Spanned<Vec<String>>) -> Result<(), ConfigError> {
    let right = |name: &String| {
        let right = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'*');
        !name.is_empty() && name.len() <= 100 && name.bytes().all(right)
    };
    match names.get_ref().iter().find(|name| !right(name)) {
        Some(name) => Err(source.wrong(names.span().start, format!("`{}` names no variable", text::excerpt(name, 40)))),
        None => Ok(()),
    }
}

impl Narrowing {
    /// The likely secrets that the agent may read all the same.
    pub(super) fn secrets(&self) -> &[Pattern] {
        self.secrets.as_ref().map_or(&[], |said| &said.value)
    }

    /// Takes away what is not left. `secrets` are those of all files: a list of sources does not mean to take them back.
    pub(super) fn apply(&self, grants: &mut Grants, secrets: &[Pattern]) {
        let narrow = |set: &mut Arc<PathSet>, left: &Option<Said<Vec<Pattern>>>, even: &[Pattern]| {
            if let Some(left) = left {
                let left = PathSet { any: left.value.clone().into(), even: even.to_vec().into(), ..PathSet::default() };
                *set = Arc::new(set.narrowed(&left));
            }
        };
        narrow(&mut grants.read, &self.read, secrets);
        narrow(&mut grants.write, &self.write, &[]);
        for (names, left) in [(&mut grants.model, &self.model), (&mut grants.delegate, &self.delegate)] {
            if let Some(left) = left {
                names.retain(|name| left.value.contains(name));
            }
        }
        let stays = |left: &Option<Said<bool>>| left.as_ref().is_none_or(|left| left.value);
        if let Some(left) = &self.exec {
            grants.exec = policy::commands(&left.value, &grants.exec);
        }
        if let Some(left) = &self.env {
            grants.env = policy::names(&left.value, &grants.env);
        }
        grants.commit &= stays(&self.commit);
        grants.check &= stays(&self.check);
        grants.human &= stays(&self.human);
        grants.board &= stays(&self.board);
    }

    /// The paths it leaves, or the secrets it names.
    pub(super) fn paths(&self, key: &str) -> Option<&Said<Vec<Pattern>>> {
        match key {
            "read" => self.read.as_ref(),
            "write" => self.write.as_ref(),
            _ => self.secrets.as_ref(),
        }
    }

    /// Who says which names stay.
    pub(super) fn names(&self, key: &str) -> Option<Origin> {
        match key {
            "model" => self.model.as_ref().map(|said| said.from.clone()),
            "exec" => self.exec.as_ref().map(|said| said.from.clone()),
            "env" => self.env.as_ref().map(|said| said.from.clone()),
            _ => self.delegate.as_ref().map(|said| said.from.clone()),
        }
    }

    /// Who takes a right away.
    pub(super) fn takes(&self, key: &str) -> Option<Origin> {
        let said = match key {
            "commit" => &self.commit,
            "check" => &self.check,
            "human" => &self.human,
            _ => &self.board,
        };
        said.as_ref().filter(|said| !said.value).map(|said| said.from.clone())
    }

    pub(super) fn lines(&self, agent: &str) -> Vec<Line> {
        let paths = |said: &Said<Vec<Pattern>>| listed(said.value.iter().map(Pattern::as_str));
        let names = |said: &Said<Vec<String>>| listed(said.value.iter().map(String::as_str));
        let line = |key: &str, value: String, from: &Origin| Line {
            key: format!("grants.{agent}.{key}"),
            value,
            from: from.clone(),
        };
        let lists = [("read", &self.read), ("write", &self.write), ("secrets", &self.secrets)];
        let lists =
            lists.into_iter().filter_map(|(key, said)| said.as_ref().map(|said| line(key, paths(said), &said.from)));
        let exec = self.exec.iter().map(|said| line("exec", patterns(&said.value), &said.from));
        let named = [("model", &self.model), ("env", &self.env), ("delegate", &self.delegate)];
        let named =
            named.into_iter().filter_map(|(key, said)| said.as_ref().map(|said| line(key, names(said), &said.from)));
        let flags = [("commit", &self.commit), ("check", &self.check), ("human", &self.human), ("board", &self.board)];
        let flags = flags
            .into_iter()
            .filter_map(|(key, said)| said.as_ref().map(|said| line(key, said.value.to_string(), &said.from)));
        lists.chain(exec).chain(named).chain(flags).collect()
    }
}
