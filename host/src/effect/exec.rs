//! `exec`: native commands in a sandbox over the agent's own workspace, and the checks that only the host runs.
//!
//! In reading order: [`run`] is one command from its files to what is taken over of it, [`judge`] are the person's checks
//! on a tree. [`checkout`], [`layer`], [`caches`] and [`git`] lay files out, [`hidden`] covers what a run may not read,
//! [`inside`] and [`tools`] are all else that a command finds, [`boxed`] awaits it, [`import`] takes over what it wrote.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};

use orchestra_pit_core::call::exec::Call;
use orchestra_pit_core::call::{Answer, Error, ErrorKind, Site};
use orchestra_pit_core::commands::Commands;
use orchestra_pit_core::id::{Oid, RunId};
use orchestra_pit_core::policy::Scope;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::store::lock;
use super::workspace::Workspaces;
use checkout::{Checkouts, Limits, Owner};
use layer::Layer;
use run::Ground;

pub mod boxed;
pub mod caches;
pub mod checkout;
pub(crate) mod folder;
pub mod git;
pub mod hidden;
pub mod import;
pub mod inside;
pub mod judge;
pub mod layer;
pub(crate) mod rules;
pub mod run;
pub mod source;
pub mod tools;

#[cfg(test)]
pub(crate) mod tests;

/// What commands need of the machine.
#[derive(Clone, Debug)]
pub struct Machine {
    /// The user's folder for what can be made again.
    pub cache: PathBuf,
    /// The person's home: tool folders are looked for in it, and nothing else.
    pub home: Option<tools::Home>,
}

/// Runs native commands.
#[derive(Clone)]
pub struct Exec {
    workspaces: Arc<Workspaces>,
    inner: Arc<Inner>,
}

struct Inner {
    machine: Option<Machine>,
    checkouts: OnceLock<Arc<Checkouts>>,
    grounds: Mutex<HashMap<RunId, Arc<Mutex<Ground>>>>,
    slots: Semaphore,
    /// Judgements of this process: one at a time for a tree, so that two who ask the same wait for one answer.
    judging: tokio::sync::Mutex<()>,
}

impl Exec {
    /// Ready to run commands. Without a machine every command is refused.
    pub fn new(workspaces: Arc<Workspaces>, machine: Option<Machine>) -> Self {
        let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        let inner = Inner {
            machine,
            checkouts: OnceLock::new(),
            grounds: Mutex::default(),
            slots: Semaphore::new(cores),
            judging: tokio::sync::Mutex::new(()),
        };
        Self { workspaces, inner: Arc::new(inner) }
    }

    /// Carries a call out.
    pub async fn call(
        &self,
        site: &Site,
        call: &Call,
        scope: &Scope,
        commands: Arc<Commands>,
        watch: boxed::Watch<'_>,
    ) -> Answer {
        match call {
            Call::Run(command) => self.command(site, command, scope, commands, watch).await,
            Call::Check { level } => self.check(site, level, commands, watch).await,
        }
    }

    /// Forgets a run's files; what is on disk is removed when there is time.
    pub fn release(&self, run: RunId) {
        let ground = lock(&self.inner.grounds).remove(&run);
        let Some(machine) = self.inner.machine.clone().filter(|_| ground.is_some()) else { return };
        drop(ground);
        let place = runs(&machine.cache).join(run.to_string());
        std::thread::spawn(move || {
            // What is left is swept with the next run that comes here.
            let _ = Layer::tidy(&place);
        });
    }

    fn machine(&self) -> Result<Machine, Error> {
        self.inner.machine.clone().ok_or_else(|| {
            Error::new(ErrorKind::Unsupported, "there is no private folder for the files of native commands")
                .hint("set HOME or XDG_CACHE_HOME to a folder that can be written")
        })
    }

    /// As many heavy commands at a time as there are cores.
    async fn slot(&self) -> Option<SemaphorePermit<'_>> {
        self.inner.slots.acquire().await.ok()
    }

    fn checkouts(&self, machine: &Machine) -> Result<Arc<Checkouts>, Error> {
        if let Some(checkouts) = self.inner.checkouts.get() {
            return Ok(checkouts.clone());
        }
        let owner = owner();
        let made = Checkouts::new(&machine.cache, self.workspaces.repo().common(), owner, Limits::default())?;
        Ok(self.inner.checkouts.get_or_init(|| Arc::new(made)).clone())
    }

    /// The files of a run between its commands.
    fn ground(
        &self,
        machine: &Machine,
        run: RunId,
        base: Oid,
        owner: Option<Owner>,
    ) -> Result<Arc<Mutex<Ground>>, Error> {
        if let Some(ground) = lock(&self.inner.grounds).get(&run) {
            return Ok(ground.clone());
        }
        let layer = Layer::open(&runs(&machine.cache).join(run.to_string()), base, owner)?;
        let ground = Arc::new(Mutex::new(Ground::new(layer)));
        Ok(lock(&self.inner.grounds).entry(run).or_insert(ground).clone())
    }

    /// Where the workspace is seen inside: at the repository's own path, which build outputs name.
    fn seen_at(&self) -> PathBuf {
        let repo = self.workspaces.repo();
        let at = repo.work_tree().unwrap_or_else(|| repo.common().join("work"));
        // As a shell in it would say: git ends it with a slash.
        at.components().collect()
    }
}

/// Where runs have their layers: on the disk of the checkouts.
fn runs(cache: &Path) -> PathBuf {
    cache.join("runs")
}

/// Who commands run as, if that is not who runs pit.
fn owner() -> Option<Owner> {
    let (uid, gid) = orchestra_pit_sandbox::layer_owner();
    (uid != rustix::process::geteuid().as_raw()).then_some(Owner { uid, gid })
}
