//! The host's own checks of a tree of runs: on what the work starts from, and on what it came to.

use std::sync::Arc;

use orchestra_pit_core::record::Event;

use super::clock::now;
use super::events::Live;
use super::state::FULL;
use super::tree::Tree;
use crate::effect::Team;
use crate::effect::exec::boxed::Watched;
use crate::effect::exec::judge::Case;
use crate::effect::workspace::HEAD_START;
use crate::gate::lock;

impl Tree {
    /// Has the base judged, once in a life, while a model is asked: whoever runs a command later finds warm what the checks
    /// built, and no result waits for it. What it comes to is kept beside the journal, for all that is compared with it.
    pub(super) fn judge_base(self: &Arc<Self>) {
        let mut begun = lock(&self.base);
        let commands = Team::commands(self, self.id);
        if begun.is_some() || self.stopping() || commands.checks.get(FULL).is_none_or(Vec::is_empty) {
            return;
        }
        let Some(commit) = self.look(|state| state.root().map(|root| root.started.base)) else { return };
        let tree = self.clone();
        let work = async move {
            tokio::time::sleep(HEAD_START).await;
            let Ok(base) = tree.host.effects.workspaces.repo().tree_of(commit) else { return };
            let case = Case { tree: base, base, commit, level: FULL.to_owned(), within: None };
            let watch = |seen: Watched<'_>| tree.tell(Live::Delta { run: tree.id, delta: seen.into() });
            // Where it cannot be judged, the result cannot be either, and that is said of the result.
            let _ = tree.host.effects.exec.judge(case, commands, &watch).await;
        };
        *begun = Some(tokio::spawn(work).abort_handle());
    }

    /// Nobody needs it any more: what runs of it is ended.
    pub(super) fn drop_base(&self) {
        if let Some(work) = &*lock(&self.base) {
            work.abort();
        }
    }

    /// Has the result's verdict on record before its end is: on the files of the last commit, by the host's own run. A result that
    /// was judged on the way is not judged again.
    /// Of a run that did not end well, only a verdict that there is already is told: nobody waits for another.
    ///
    /// # Errors
    /// Why the checks could not be run: without a verdict the result is not verified, and says so.
    pub(super) async fn judge_result(self: &Arc<Self>, done: bool) -> Result<(), String> {
        let commands = Team::commands(self, self.id);
        let Some(base) = self.look(|state| state.root().map(|root| root.started.base)) else { return Ok(()) };
        let effects = &self.host.effects;
        let commit = effects.workspaces.head(self.id).unwrap_or(base);
        if commit == base || commands.checks.get(FULL).is_none_or(Vec::is_empty) {
            return Ok(());
        }
        let repo = effects.workspaces.repo();
        let (Ok(tree), Ok(base)) = (repo.tree_of(commit), repo.tree_of(base)) else { return Ok(()) };
        if let Some(judged) = self.look(|state| state.verdict(tree, FULL).cloned()) {
            // People were shown it when it was made.
            let (at, event) = (now(), Event::Judged(Box::new(judged)));
            lock(&self.state).apply(self.id, at, &event);
            let _rides = self.host.journal.write(self.id, at, event);
            return Ok(());
        }
        if !done {
            return Ok(());
        }
        let case = Case { tree, base, commit, level: FULL.to_owned(), within: None };
        let watch = |seen: Watched<'_>| self.tell(Live::Delta { run: self.id, delta: seen.into() });
        let judged = effects.exec.judge(case, commands, &watch).await.map_err(|error| {
            let hint = error.hint.map(|hint| format!("; {hint}")).unwrap_or_default();
            format!("the checks could not be run: {}{hint}", error.message)
        })?;
        self.note(self.id, Event::Judged(Box::new(judged)));
        Ok(())
    }
}
