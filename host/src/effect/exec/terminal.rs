//! A person's own command on the files of a run as they are: what they see is what the run's commands see, and what they
//! change is gone when they leave. Nothing of it is taken over.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use orchestra_pit_core::call::{Error, Site};
use orchestra_pit_core::commands::Commands;
use orchestra_pit_sandbox::{self as sandbox, Network, Spec, Started};

use super::around::Around;
use super::boxed::Watch;
use super::caches::Warmed;
use super::checkout::Stack;
use super::folder::unique;
use super::git::{self, At};
use super::inside::{self, Home, Told};
use super::layer::{Layer, Upper};
use super::plain::{self, Written};
use super::run::blocking;
use super::sweep::{self, CHECK};
use super::{Exec, runs};
use crate::effect::store::lock;

/// A command that is ready to be started; its files are there as long as this is.
#[must_use = "dropped, its files are removed"]
pub struct Ready {
    spec: Spec,
    program: PathBuf,
    files: Option<(Layer, Stack, Upper, Warmed, Arc<Around>)>,
}

impl Ready {
    /// Starts it.
    pub fn start(&self, stdout: Stdio, stderr: Stdio) -> Result<Started, sandbox::Error> {
        sandbox::start_at(&self.program, &self.spec, b"", stdout, stderr)
    }
}

impl Drop for Ready {
    fn drop(&mut self) {
        let Some((layer, ..)) = self.files.take() else { return };
        let place = layer.place().to_owned();
        drop(layer);
        sweep::remove(&place);
    }
}

impl Exec {
    /// Lays the files of a run out for a command of the person's. At a terminal it is its own, with no limit of time.
    pub async fn ready(
        &self,
        site: &Site,
        argv: Vec<String>,
        env: Vec<(String, String)>,
        terminal: bool,
        commands: Arc<Commands>,
        watch: Watch<'_>,
    ) -> Result<Ready, Error> {
        let around = Arc::new(self.around(self.start_of(site.tree)?, commands, watch).await?);
        let (exec, site) = (self.clone(), site.clone());
        blocking(move || exec.laid_out(&site, &argv, env, terminal, &around)).await
    }

    fn laid_out(
        &self,
        site: &Site,
        argv: &[String],
        env: Vec<(String, String)>,
        terminal: bool,
        around: &Arc<Around>,
    ) -> Result<Ready, Error> {
        let (machine, repo) = (self.machine()?, self.workspaces.repo());
        let checkouts = self.checkouts(&machine)?;
        let (base, head) = {
            let state = self.workspaces.state(site.run)?;
            let state = lock(&state);
            (state.base_tree(), state.head())
        };
        let stack = checkouts.of(&**repo, base)?;
        let at = runs(&machine.cache).join(format!("{CHECK}{}", unique()));
        let mut layer = Layer::open(&at, base, checkouts.owner())?;
        let git = self.workspaces.files(site.run, |files, tree| {
            layer.follow(files, tree)?;
            git::view(repo, files, &stack, &layer, &At { commit: head, branch: &site.branch, base: None })
        })?;
        let warm = checkouts.warm(&stack, &layer, &around.commands.warm, around.setup.as_deref())?;
        let upper = layer.begin()?;
        let seen = self.seen_at();
        let lowers = layer.lowers(&stack).into_iter().chain(around.below(&warm)).collect();
        let files = inside::Files { at: &seen, lowers, upper: &upper, git: Some(&git), home: Home::Own };
        let told = Told { argv, dir: None, env, timeout: 0, network: Network::Loopback };
        let mut spec = inside::spec(&files, told, around, machine.home.as_ref());
        spec.limits.wall_ms = None;
        spec.terminal = terminal;
        Ok(Ready { spec, program: machine.program, files: Some((layer, stack, upper, warm, around.clone())) })
    }

    /// Why such a command could not run, with what to type.
    pub fn told(&self, error: &sandbox::Error, argv: &[String]) -> Error {
        self.not_run(error, argv)
    }

    /// Writes the files of a run as they are into a new folder.
    pub fn write_out(&self, site: &Site, to: &Path) -> Result<Written, Error> {
        self.workspaces.files(site.run, |files, tree| plain::write(files, tree, to))
    }
}
