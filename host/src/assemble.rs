//! Puts the program together: the only place that knows every concrete type.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use orchestra_pit_core::id::Hash;
use orchestra_pit_core::manifest::Manifest;
use tokio::sync::broadcast;

use crate::effect::Effects;
use crate::effect::exec::{Exec, Machine};
use crate::effect::model::models::Models;
use crate::effect::store::{OpenError as RepoError, Repo};
use crate::effect::workspace::Workspaces;
use crate::guest::{Compiler, Engine, Limits, LoadError, Places, Pool};
use crate::journal::{Die, Journal, OpenError, Options};
use crate::run::owner::Bells;
use crate::run::{Agents, Host, Known};
use crate::shipped::AGENTS;

/// Depth and width of a tree of agents where nobody says otherwise: a lead, its team, and room for one level more; as many
/// at once as a person can follow.
pub const DEPTH: u32 = 3;
/// See [`DEPTH`].
pub const WIDTH: u32 = 8;

/// The journal's file in a repository's state.
const JOURNAL: &str = "journal.db";

/// Everything that commands on one repository work with.
pub struct Pit {
    /// What runs are made of.
    pub host: Arc<Host>,
    /// How owners are found.
    pub bells: Bells,
    /// The repository.
    pub repo: Arc<Repo>,
}

/// Why the program cannot be put together.
#[derive(Debug, thiserror::Error)]
pub enum AssembleError {
    /// The repository cannot be used.
    #[error(transparent)]
    Repo(#[from] RepoError),
    /// The journal cannot be opened.
    #[error(transparent)]
    Journal(#[from] OpenError),
    /// Guests cannot be run.
    #[error(transparent)]
    Guest(#[from] LoadError),
    /// An agent is none.
    #[error("{0}")]
    Agent(String),
}

/// Opens the repository that a folder is in, without anything that a command may not need.
pub fn repository(start: &Path) -> Result<Arc<Repo>, AssembleError> {
    Ok(Arc::new(Repo::open(start)?))
}

/// The journal of a repository, to look into: one that is not there is empty, and is not made by looking.
#[expect(clippy::disallowed_methods, reason = "whether there is a journal is asked of its file")]
pub fn journal_if_any(repo: &Repo) -> Result<Journal, AssembleError> {
    if repo.state().join(JOURNAL).exists() { journal(repo) } else { Ok(Journal::memory()) }
}

/// The journal of a repository.
pub fn journal(repo: &Repo) -> Result<Journal, AssembleError> {
    Ok(Journal::sqlite_with(&repo.state().join(JOURNAL), Options { die: die() })?)
}

/// How owners of a repository's trees are found.
pub fn bells(repo: &Repo, runtime: PathBuf) -> Bells {
    Bells::new(repo.state().join("locks"), runtime)
}

/// Runs native commands and checks on a repository, apart from any run of an agent.
pub fn exec(repo: Arc<Repo>, machine: Option<Machine>) -> Exec {
    Exec::new(Arc::new(Workspaces::new(repo)), machine)
}

/// Puts everything together, around the models that are there.
pub fn pit(
    repo: Arc<Repo>,
    places: Places,
    runtime: PathBuf,
    models: Models,
    machine: Option<Machine>,
) -> Result<Pit, AssembleError> {
    let (events, _) = broadcast::channel(4096);
    let journal = journal(&repo)?;
    let engine = Engine::new(&Limits::default(), &Pool::default(), &places, Compiler::this_program()?)?;
    let workspaces = Arc::new(Workspaces::new(repo.clone()));
    let exec = Exec::new(workspaces.clone(), machine);
    let host = Host {
        journal,
        engine,
        effects: Effects { workspaces, models: Arc::new(models), exec },
        agents: Agents::new(shipped()?, repo.state().join("agents")),
        events,
    };
    Ok(Pit { host: Arc::new(host), bells: bells(&repo, runtime), repo })
}

/// The agents inside the program.
fn shipped() -> Result<Vec<(String, Known)>, AssembleError> {
    AGENTS.iter().map(|agent| Ok((agent.name.to_owned(), known(agent.component)?.0))).collect()
}

/// An agent from its component: what can be known without running it.
pub fn known(component: &[u8]) -> Result<(Known, Manifest), AssembleError> {
    let text =
        orchestra_pit_core::embed::extract(component).map_err(|error| AssembleError::Agent(error.to_string()))?;
    let text = text.ok_or_else(|| {
        AssembleError::Agent(
            "it carries no manifest: build it with its agent.toml embedded (docs/writing-an-agent.md)".into(),
        )
    })?;
    let manifest = Manifest::read(&text).map_err(|fault| AssembleError::Agent(format!("its agent.toml: {fault}")))?;
    if manifest.contract != crate::CONTRACT {
        let (wants, offered) = (&manifest.contract, crate::CONTRACT);
        return Err(AssembleError::Agent(format!(
            "its agent.toml says that it is for {wants}; this pit offers {offered}"
        )));
    }
    let known = Known {
        name: manifest.id(),
        hash: Hash::of(component),
        asks: manifest.asks(DEPTH, WIDTH),
        wasm: component.into(),
    };
    Ok((known, manifest))
}

/// For tests alone: at which record the host is to end without warning. Read here and nowhere else.
fn die() -> Option<Die> {
    let at = |name: &str| std::env::var(name).ok()?.parse().ok();
    at("PIT_TEST_DIE_DURABLE").map(Die::Durable).or_else(|| at("PIT_TEST_DIE_QUEUED").map(Die::Queued))
}
