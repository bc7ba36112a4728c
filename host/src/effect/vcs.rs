//! History, and the agents' own branches: git's plumbing as host code.

mod blame;
mod commit;
pub mod compare;
pub(crate) mod diff;
mod log;
mod merge;
mod message;

#[cfg(test)]
mod tests;

use orchestra_pit_core::call::vcs::{Call, Commit, Value};
use orchestra_pit_core::call::{self, Answer, Error, Site};
use orchestra_pit_core::id::Oid;
use orchestra_pit_core::policy::Scope;
use orchestra_pit_core::time::Time;

use super::store::{Repo, git_id, lock, our_id};
use super::workspace::Workspaces;

impl Workspaces {
    /// Carries out a call of `vcs`. `at` is the order's time, and the commit's: done twice, it is the same commit.
    ///
    /// That the run to be integrated is a child of this one, and has ended, is for the caller to know.
    pub fn vcs(&self, site: &Site, call: &Call, at: Time, scope: &Scope) -> Answer {
        let repo = self.repo();
        let child = match call {
            Call::Integrate { child, .. } => Some(self.head(*child)?),
            _ => None,
        };
        let state = self.state(site.run)?;
        let mut state = lock(&state);
        let state = &mut *state;
        let value = match call {
            Call::Log { path, limit } => Value::Log(log::log(repo, state.head(), path.as_ref(), *limit)?),
            Call::Blame { path } => Value::Blame(blame::blame(repo, state.head(), path)?),
            Call::Diff(options) => Value::Diff(diff::diff(repo, state, scope, options)?),
            Call::Commit { message } => Value::Commit(commit::commit(repo, state, site, message, at)?),
            Call::Integrate { message, .. } => {
                let tip = child.unwrap_or(state.head());
                Value::Integration(merge::integrate(repo, state, site, tip, message, at)?)
            }
        };
        Ok(call::Value::Vcs(value))
    }
}

/// A commit, as agents are shown one.
pub(crate) fn shown(repo: &Repo, id: Oid) -> Result<Commit, Error> {
    repo.with(|repo| Ok(of(&repo.find_commit(git_id(id))?))).map_err(|error| super::store::failed(&error))
}

/// Bytes of a message that are shown.
const MAX_MESSAGE: usize = 16 << 10;

fn of(commit: &git2::Commit<'_>) -> Commit {
    let author = commit.author();
    let lossy = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut message = lossy(commit.message_bytes());
    message.truncate(message.floor_char_boundary(MAX_MESSAGE.min(message.len())));
    message.truncate(message.trim_end().len());
    let seconds = u64::try_from(author.when().seconds()).unwrap_or(0);
    Commit {
        id: our_id(commit.id()),
        author: format!("{} <{}>", lossy(author.name_bytes()), lossy(author.email_bytes())),
        time: Time(seconds.saturating_mul(1_000_000)),
        message,
    }
}
