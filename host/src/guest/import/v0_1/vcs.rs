//! `vcs`: history, and the agent's own branch.

use orchestra_pit_core::call::vcs::{self as core, Call, Point};
use orchestra_pit_core::call::{self, Error, Value};
use orchestra_pit_core::id::Oid;

use super::delegate::child_of;
use super::wit::vcs::{self as wit, Host};
use super::workspace::checked;
use super::{Told, not_found};
use crate::guest::store::State;

impl Host for State {
    async fn log(&mut self, path: String, limit: u32) -> Told<Vec<wit::Committed>> {
        let path = if path.is_empty() { Ok(None) } else { checked(&path).map(Some) };
        self.history("vcs.log", path.map(|path| Call::Log { path, limit }), |value| match value {
            core::Value::Log(commits) => Some(commits.into_iter().map(Into::into).collect()),
            _ => None,
        })
        .await
    }

    async fn blame(&mut self, path: String) -> Told<Vec<wit::Blamed>> {
        self.history("vcs.blame", checked(&path).map(|path| Call::Blame { path }), |value| match value {
            core::Value::Blame(lines) => Some(lines.into_iter().map(Into::into).collect()),
            _ => None,
        })
        .await
    }

    async fn diff(&mut self, options: wit::DiffOptions) -> Told<wit::Difference> {
        self.history("vcs.diff", options.try_into().map(Call::Diff), |value| match value {
            core::Value::Diff(core::Diff { text, files, added, removed, cut }) => {
                Some(wit::Difference { text, files, added, removed, cut, more: Vec::new() })
            }
            _ => None,
        })
        .await
    }

    async fn commit(&mut self, message: String) -> Told<wit::Committed> {
        self.history("vcs.commit", Ok(Call::Commit { message }), |value| match value {
            core::Value::Commit(commit) => Some(commit.into()),
            _ => None,
        })
        .await
    }

    async fn integrate(&mut self, child: String, message: String) -> Told<wit::Integration> {
        let call = child_of(&child).map(|child| Call::Integrate { child, message });
        self.history("vcs.integrate", call, |value| match value {
            core::Value::Integration(integration) => Some(integration.into()),
            _ => None,
        })
        .await
    }
}

impl State {
    async fn history<T>(
        &mut self,
        function: &'static str,
        call: Result<Call, Error>,
        answer: impl FnOnce(core::Value) -> Option<T>,
    ) -> Told<T> {
        self.tell(function, call.map(call::Call::Vcs), |value| match value {
            Value::Vcs(value) => answer(value),
            _ => None,
        })
        .await
    }
}

impl TryFrom<wit::DiffOptions> for core::DiffOptions {
    type Error = Error;

    fn try_from(options: wit::DiffOptions) -> Result<Self, Error> {
        let wit::DiffOptions { from, to, paths, context, limit, .. } = options;
        Ok(Self { from: point(&from)?, to: point(&to)?, paths, context, limit })
    }
}

fn point(text: &str) -> Result<Point, Error> {
    Ok(match text {
        "base" => Point::Base,
        "head" => Point::Head,
        "workspace" => Point::Workspace,
        id => Point::Commit(
            Oid::parse(id)
                .ok_or_else(|| not_found(format!("{id:?} is not a commit's id, `base`, `head` or `workspace`")))?,
        ),
    })
}

impl From<core::Commit> for wit::Committed {
    fn from(core::Commit { id, author, time, message }: core::Commit) -> Self {
        Self { id: id.to_string(), author, time: time.0, message, more: Vec::new() }
    }
}

impl From<core::Blamed> for wit::Blamed {
    fn from(core::Blamed { first, last, commit }: core::Blamed) -> Self {
        Self { first, last, commit: commit.into() }
    }
}

impl From<core::Integration> for wit::Integration {
    fn from(integration: core::Integration) -> Self {
        let conflict =
            |core::Conflict { path, base, ours, theirs }| wit::Conflict { path, base, ours, theirs, more: Vec::new() };
        match integration {
            core::Integration::Merged(commit) => Self::Merged(commit.into()),
            core::Integration::Nothing => Self::Nothing,
            core::Integration::Conflicts(all) => Self::Conflicts(all.into_iter().map(conflict).collect()),
        }
    }
}
