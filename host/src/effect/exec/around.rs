//! What is around the commands of a tree of runs: what the person's files say, and what was made of it.

use std::path::PathBuf;
use std::sync::Arc;

use orchestra_pit_core::call::Error;
use orchestra_pit_core::commands::Commands;
use orchestra_pit_core::id::{Oid, RunId};

use super::Exec;
use super::boxed::Watch;
use super::caches::Warmed;
use super::included::Included;
use super::run::blocking;
use super::setup::SetUp;
use crate::effect::store::lock;

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Around {
    /// What the files say.
    pub(super) commands: Arc<Commands>,
    /// What set-up left.
    pub(super) setup: Option<Arc<SetUp>>,
    /// Files of the person's that git ignores.
    pub(super) included: Arc<Included>,
}

impl Around {
    /// Layers below the workspace's, which hides whatever of them it has itself.
    pub(super) fn below(&self, warm: &Warmed) -> impl Iterator<Item = PathBuf> {
        let kept = self.included.below().into_iter().chain(self.setup.as_ref().map(|setup| setup.ignored()));
        warm.layers.clone().into_iter().chain(kept)
    }
}

/// What a tree of runs was started from. Set-up sees this and nothing that an agent has committed since: it may use the
/// network, and it is what a person has read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Start {
    /// The files.
    pub(super) tree: Oid,
    /// Where `.git` stands; without it there is none to be seen.
    pub(super) commit: Option<Oid>,
}

impl Exec {
    /// What is around the commands of a tree of runs.
    pub(super) async fn around(
        &self,
        start: Start,
        commands: Arc<Commands>,
        watch: Watch<'_>,
    ) -> Result<Around, Error> {
        let (exec, told) = (self.clone(), commands.clone());
        let included = blocking(move || exec.include(start.tree, &told.include)).await?;
        let setup = self.set_up(start, &commands, &included, watch).await?;
        Ok(Around { commands, setup, included })
    }

    /// What a tree of runs was started from, by its first run.
    pub(super) fn start_of(&self, tree: RunId) -> Result<Start, Error> {
        let state = self.workspaces.state(tree)?;
        let state = lock(&state);
        Ok(Start { tree: state.base_tree(), commit: Some(state.base()) })
    }
}
