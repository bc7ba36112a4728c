//! `exec`: native commands in a sandbox over the agent's own workspace, and the checks that only the host runs.
//!
//! In reading order: [`run`] is one command from its files to what is taken over of it, [`judge`] are the person's checks
//! on a tree. [`checkout`], [`layer`], [`caches`] and [`git`] lay files out, [`hidden`] covers what a run may not read,
//! `included` shows commands alone what a person has of their own, [`inside`] and [`tools`] are all else that a command
//! finds, [`boxed`] awaits it, [`import`] takes over what it wrote.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};

use orchestra_pit_core::call::exec::Call;
use orchestra_pit_core::call::{Answer, Error, ErrorKind, Site};
use orchestra_pit_core::commands::Commands;
use orchestra_pit_core::id::{Oid, RunId};
use orchestra_pit_core::policy::Scope;

use super::store::lock;
use super::workspace::Workspaces;
use beside::beside;
use checkout::{Checkouts, Limits, Owner};
use layer::Layer;
use run::Ground;
use services::Services;
use setup::SetUp;
use slots::{Slot, Slots};

mod around;
mod before;
pub mod beside;
pub mod boxed;
pub mod caches;
pub mod checkout;
mod explain;
pub(crate) mod folder;
pub mod git;
pub mod hidden;
mod ignored;
pub mod import;
mod included;
pub mod inside;
pub mod judge;
pub mod layer;
pub mod plain;
pub mod probe;
mod reports;
pub(crate) mod rules;
pub mod run;
pub mod services;
pub mod setup;
mod slots;
pub mod source;
pub mod sweep;
pub mod terminal;
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
    /// The program that plays the sandbox's stages: `stages()`, unless a test has one of its own.
    pub program: PathBuf,
    /// How the network is reached from here, for set-up that may use it: variables of a proxy and of certificates.
    pub network: Vec<(String, String)>,
}

/// The variables by which programs find a proxy, and whose certificates they believe.
pub const NETWORK: &[&str] = &[
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "CURL_CA_BUNDLE",
    "REQUESTS_CA_BUNDLE",
    "PIP_CERT",
    "NODE_EXTRA_CA_CERTS",
    "CARGO_HTTP_CAINFO",
    "GIT_SSL_CAINFO",
];

impl Machine {
    /// This program's own.
    pub fn new(cache: PathBuf, home: Option<tools::Home>) -> Self {
        Self { cache, home, program: orchestra_pit_sandbox::stages(), network: Vec::new() }
    }
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
    slots: Slots,
    /// Judgements of this process: one at a time for a tree, so that two who ask the same wait for one answer.
    judging: tokio::sync::Mutex<()>,
    services: Mutex<HashMap<RunId, Arc<Mutex<Services>>>>,
    /// Files of the person's that commands over a tree see, by the patterns that name them.
    included: Mutex<included::Known>,
    /// Set-up that this process has made, or failed to.
    setups: tokio::sync::Mutex<HashMap<String, Result<Arc<SetUp>, Error>>>,
}

impl Exec {
    /// Ready to run commands. Without a machine every command is refused.
    pub fn new(workspaces: Arc<Workspaces>, machine: Option<Machine>) -> Self {
        let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        let inner = Inner {
            slots: Slots::new(cores, machine.as_ref().map(|machine| machine.cache.join("slots"))),
            machine,
            checkouts: OnceLock::new(),
            grounds: Mutex::default(),
            judging: tokio::sync::Mutex::default(),
            services: Mutex::default(),
            included: Mutex::default(),
            setups: tokio::sync::Mutex::default(),
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
            Call::Check { level } => self.check(site, level, scope, commands, watch).await,
        }
    }

    /// Forgets a run's files; what is on disk is removed when there is time.
    pub fn release(&self, run: RunId) {
        self.unserve(run);
        let ground = lock(&self.inner.grounds).remove(&run);
        let Some(machine) = self.inner.machine.clone().filter(|_| ground.is_some()) else { return };
        drop(ground);
        let place = runs(&machine.cache).join(run.to_string());
        beside(move || {
            // What is left is swept with the next run that comes here.
            let _ = Layer::tidy(&place);
        });
    }

    /// Removes the files of a tree of runs that is over: another round of it begins with what its checkout has.
    pub fn forget(&self, runs: Vec<RunId>) {
        // What is secret first, and before the process can end.
        lock(&self.inner.included).clear();
        let Some(machine) = self.inner.machine.clone() else { return };
        {
            let mut grounds = lock(&self.inner.grounds);
            runs.iter().for_each(|run| drop(grounds.remove(run)));
        }
        beside(move || runs.into_iter().for_each(|run| sweep::forget(&machine.cache, run)));
    }

    fn machine(&self) -> Result<Machine, Error> {
        self.inner.machine.clone().ok_or_else(|| {
            Error::new(ErrorKind::Unsupported, "there is no private folder for the files of native commands")
                .hint("set HOME or XDG_CACHE_HOME to a folder that can be written")
        })
    }

    /// As many heavy commands at a time as there are cores, of all pits of this user.
    async fn slot(&self) -> Slot<'_> {
        self.inner.slots.take().await
    }

    fn checkouts(&self, machine: &Machine) -> Result<Arc<Checkouts>, Error> {
        if let Some(checkouts) = self.inner.checkouts.get() {
            return Ok(checkouts.clone());
        }
        let owner = owner();
        let made = Checkouts::new(&machine.cache, self.workspaces.repo().common(), owner, Limits::default())?;
        // Once in the life of a process that uses them; what is not done when it ends is done by the next.
        let cache = machine.cache.clone();
        std::thread::spawn(move || sweep::sweep(&cache, Limits::default()));
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
