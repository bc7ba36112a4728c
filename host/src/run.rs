//! An agent's life: started, carried through its calls, stopped, resumed, ended; and the tree of runs it belongs to.
//!
//! A [`Tree`] has one owner, this process, which holds its lease ([`owner`]). People tell it things by [`command`]s, and
//! see it by its records ([`state`]) and what happens live ([`events`]).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use orchestra_pit_core::budget::Caps;
use orchestra_pit_core::call::Site;
use orchestra_pit_core::call::delegate::Task;
use orchestra_pit_core::commands::Commands;
use orchestra_pit_core::id::{Hash, Oid, RunId};
use orchestra_pit_core::policy::{Grants, Rules};
use orchestra_pit_core::record::{Event, SEMANTICS, Started};
use tokio::sync::broadcast;

use crate::effect::Effects;
use crate::guest::Engine;
use crate::journal::{Journal, JournalError, Refused};

pub mod agents;
pub mod clock;
pub mod command;
pub mod desk;
pub mod events;
pub mod owner;
pub mod replay;
pub mod state;
pub mod tree;

mod fold;
mod judged;
mod life;
mod table;
mod team;

pub use agents::{Agents, Known};
pub use fold::standing;
pub use state::State;
pub use tree::Tree;

/// What all trees of a process share. Put together by `assemble`.
pub struct Host {
    /// Where everything is written down.
    pub journal: Journal,
    /// Runs guests.
    pub engine: Engine,
    /// Touches the world.
    pub effects: Effects,
    /// Who can be started.
    pub agents: Agents,
    /// What happens, for whoever watches.
    pub events: broadcast::Sender<events::Live>,
}

/// The first run of a tree, as a person asks for it.
#[derive(Clone, Debug)]
pub struct Spec {
    /// Its id: random, for it is the only thing that a tree does not derive.
    pub id: RunId,
    /// What its randomness comes from.
    pub seed: Hash,
    /// The agent's name.
    pub agent: String,
    /// What it is to do.
    pub task: Task,
    /// A few words for people.
    pub title: String,
    /// What it is given.
    pub grants: Grants,
    /// The rules that hold.
    pub rules: Rules,
    /// Agents that the person brought along, by the names they are started by, each with what it was given.
    pub enlisted: Vec<(String, Known)>,
    /// What files say of native commands; none where nobody can run any.
    pub commands: Option<Commands>,
    /// Its limits.
    pub caps: Caps,
    /// The model behind each alias.
    pub models: BTreeMap<String, String>,
    /// The commit it starts from.
    pub base: Oid,
    /// The branch that the person started from.
    pub onto: Option<String>,
    /// The branch it commits to.
    pub branch: String,
    /// Whether there is somebody to ask, and about what.
    pub asks: Asks,
}

/// What people are asked about in a tree of runs. Everything else that would have to be asked is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Asks {
    /// Everything: somebody is there, here or at another terminal, or will be.
    All,
    /// The plan of the first run, and nothing after it.
    Plan,
    /// Nothing: nobody is there.
    Nothing,
}

/// Why a tree cannot be started or resumed.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No such agent.
    #[error("there is no agent `{0}`")]
    NoAgent(String),
    /// Its component cannot be kept.
    #[error(transparent)]
    Agent(#[from] agents::AgentError),
    /// Its branch cannot be.
    #[error("{0}; {1}")]
    NoBranch(String, String),
    /// Its workspace cannot be opened.
    #[error("the workspace cannot be opened: {0}")]
    Workspace(orchestra_pit_core::call::Error),
    /// The journal takes no more.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The journal cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// There is no such tree.
    #[error("there is no run {0} on record")]
    NoTree(RunId),
    /// It was made by a host whose guests see something else.
    #[error(
        "run {run} was started with semantics {theirs}, and this pit has {SEMANTICS}: resume it with the pit that started it"
    )]
    Semantics {
        /// Which run.
        run: RunId,
        /// What its start record says.
        theirs: u32,
    },
    /// The workspace is not what the records say.
    #[error("the workspace of run {run} cannot be made again: {why}")]
    Fold {
        /// Which run.
        run: RunId,
        /// What is wrong.
        why: String,
    },
}

/// The models behind the aliases that an agent may use, by their own names.
fn asked(models: &BTreeMap<String, String>, aliases: &[String]) -> String {
    let names: BTreeSet<&str> = aliases.iter().filter_map(|alias| models.get(alias)).map(String::as_str).collect();
    names.into_iter().collect::<Vec<_>>().join(", ")
}

impl Tree {
    /// Starts a tree: on record and at work.
    pub async fn start(host: Arc<Host>, spec: Spec) -> Result<Arc<Self>, StartError> {
        let mine = spec.enlisted.iter().find(|(name, _)| *name == spec.agent).map(|(_, known)| known);
        let known = mine.or_else(|| host.agents.named(&spec.agent));
        let known = known.ok_or_else(|| StartError::NoAgent(spec.agent.clone()))?.clone();
        host.agents.keep(&known)?;
        spec.enlisted.iter().try_for_each(|(_, known)| host.agents.keep(known))?;
        let run = spec.id;
        host.journal.claim(run).await?;
        let (agent_name, branch) = (known.name, spec.branch);
        let model = Some(asked(&spec.models, &spec.grants.model));
        let started = Started {
            semantics: SEMANTICS,
            site: Site { run, tree: run, parent: None, agent: known.hash, agent_name, branch, model },
            ordinal: 0,
            contract: crate::CONTRACT.to_owned(),
            seed: spec.seed,
            limits: life::recorded_limits(),
            grants: spec.grants,
            rules: spec.rules,
            caps: spec.caps,
            models: spec.models,
            base: spec.base,
            onto: spec.onto,
            task: Task { round: spec.task.round.max(1), ..spec.task },
            title: spec.title,
            card: String::new(),
            lease: Vec::new(),
            attended: spec.asks != Asks::Nothing,
            plan_only: spec.asks == Asks::Plan,
            commands: spec.commands.map(Box::new),
            agents: spec.enlisted.into_iter().map(|(name, known)| known.enlisted(name)).collect(),
        };
        // Found out at the first commit, it would have cost all the work before.
        let room = host.effects.workspaces.repo().has_room(&started.site.branch);
        room.map_err(|error| StartError::NoBranch(error.message, error.hint.unwrap_or_default()))?;
        host.effects.workspaces.open(run, started.base, &started.site.branch).map_err(StartError::Workspace)?;
        host.journal.begin(run, run);
        let tree = Self::new(host, run, State::default());
        let task = started.task.clone();
        tree.note(run, Event::Started(Box::new(started)));
        let ticket = tree.begin(run, task);
        tree.host.journal.flush(ticket).await?;
        Ok(tree)
    }

    /// Goes on with a tree that an earlier host has left, from its records alone. Runs that have ended stay ended.
    pub async fn resume(host: Arc<Host>, id: RunId) -> Result<Arc<Self>, StartError> {
        let (tree, live) = Self::left(host, id).await?;
        for run in live {
            // Its host may have ended between the two records that start a run.
            match tree.look(|state| {
                state.runs.get(&run).filter(|run| run.began.is_none()).map(|run| run.started.task.clone())
            }) {
                Some(task) => drop(tree.begin(run, task)),
                None => life::spawn(tree.clone(), run),
            }
        }
        // What people said while nobody was at work: also what sends an ended run back to work.
        tree.take_commands().await;
        Ok(tree)
    }

    /// Carries out what people said to a tree that an earlier host has left, and lets none of its agents go on: for a word
    /// that ends it.
    pub async fn settle(host: Arc<Host>, id: RunId) -> Result<Arc<Self>, StartError> {
        let (tree, _) = Self::left(host, id).await?;
        tree.take_commands().await;
        Ok(tree)
    }

    /// A tree as its records say it stands, and those of its runs that have not ended.
    async fn left(host: Arc<Host>, id: RunId) -> Result<(Arc<Self>, Vec<RunId>), StartError> {
        host.journal.claim(id).await?;
        let records = host.journal.resume(id).await?;
        let mut state = State::default();
        fold::fold(&host.effects.workspaces, &records, &mut state, |_, _| ())?;
        let root = state.root().ok_or(StartError::NoTree(id))?;
        if root.started.semantics != SEMANTICS {
            return Err(StartError::Semantics { run: id, theirs: root.started.semantics });
        }
        let live: Vec<RunId> =
            state.order.iter().filter(|id| state.runs[id].phase == state::Phase::Live).copied().collect();
        let tree = Self::new(host, id, state);
        // All before the first is at work: what a life counts begins with these records, and nothing lies between them.
        for run in &live {
            tree.note(*run, Event::Resumed { host: env!("CARGO_PKG_VERSION").to_owned() });
        }
        Ok((tree, live))
    }
}
