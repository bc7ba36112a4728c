//! `pit agent`: look at an agent, or run one on this repository.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use orchestra_pit_core::call::delegate::Task;
use orchestra_pit_core::id::{Hash, RunId};
use orchestra_pit_core::policy::Profile;

use super::Failure;
use super::carry::StartArgs;
use super::detach;
use super::follow::follow;
use super::open::Place;
use super::out::{self, out};
use super::setting;
use super::stranger;
use super::trust;
use crate::assemble;
use crate::config::written::Flags;
use crate::effect::model::models::Models;
use crate::run::{Spec, Tree};
use crate::shipped::AGENTS;
use crate::surface::exit::Exit;
use crate::surface::words;

mod build;

/// `pit agent …`
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Puts an agent's component and its agent.toml into one file that can be run.
    Build(build::Args),
    /// Says what an agent is and what it asks for, without running it.
    Inspect(InspectArgs),
    /// Runs an agent on this repository, with what you give it.
    Run(RunArgs),
}

/// `pit agent inspect`
#[derive(Debug, Args)]
pub struct InspectArgs {
    /// The component, or the name of a shipped agent.
    file: PathBuf,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

/// `pit agent run`
#[derive(Debug, Args)]
pub struct RunArgs {
    /// The component, or the name of a shipped agent.
    agent: String,
    /// What it is to do.
    task: String,
    #[command(flatten)]
    pub start: StartArgs,
}

/// The model behind each alias, as it goes on record.
pub fn aliases(models: &Models) -> BTreeMap<String, String> {
    let named = |alias: &str| Some((alias.to_owned(), models.place(alias).ok()?.name));
    setting::ALIASES.into_iter().filter_map(named).collect()
}

/// Runs `pit agent …`.
pub async fn run(at: &Place, verb: Verb) -> Result<Exit, Failure> {
    match verb {
        Verb::Build(args) => build::run(at, &args),
        Verb::Inspect(args) => inspect(&args),
        Verb::Run(args) => run_agent(at, args).await,
    }
}

fn inspect(args: &InspectArgs) -> Result<Exit, Failure> {
    let shipped = AGENTS.iter().find(|agent| args.file == Path::new(agent.name));
    let (known, manifest) = match shipped {
        Some(agent) => assemble::known(agent.component)?,
        None => stranger::component(&args.file)?,
    };
    if args.json {
        let about = serde_json::json!({
            "schema": 1,
            "name": manifest.name,
            "version": manifest.version,
            "description": manifest.description,
            "contract": manifest.contract,
            "sha256": known.hash,
            "bytes": known.wasm.len(),
            "asks": known.asks,
        });
        out!("{about}");
    } else {
        words::agent(&known, &manifest).iter().for_each(|line| out!("{line}"));
    }
    Ok(Exit::Done)
}

async fn run_agent(at: &Place, args: RunArgs) -> Result<Exit, Failure> {
    let StartArgs { carry, approvals, limits, agents } = args.start;
    let shipped = AGENTS.iter().find(|agent| agent.name == args.agent);
    let (known, manifest) = match shipped {
        Some(agent) => assemble::known(agent.component)?,
        None => stranger::component(Path::new(&args.agent))?,
    };
    let brought = agents.brought.components()?;
    let mut names = stranger::names(&brought);
    names.push(manifest.name.clone());
    let flags = Flags { brought: names, ..limits.flags() };
    let mut settled = trust::settled(at, &*at.repo()?, &flags, &agents.brought)?;
    let grants = match shipped {
        Some(_) => settled.grants(&manifest, Profile::Default),
        None => stranger::give(at, &settled, &known, &manifest, agents.give.as_deref())?,
    };
    if carry.detach.detach && at.hosts().is_none() {
        return detach::start(at, random_id()?, at.attended()).await;
    }
    let models = setting::models(at, &mut settled, &carry.model, !manifest.asks.model.is_empty())?;
    if !manifest.asks.model.is_empty() {
        out::told(&setting::first_line(&settled, &models)?);
    }
    let aliases = aliases(&models);
    let name = manifest.name.clone();
    let pit = at.pit(models)?;
    let head = pit.repo.head()?;
    let id = at.hosts().map_or_else(random_id, Ok)?;
    let mut enlisted = agents.enlist(at, &settled, brought)?;
    enlisted.extend(stranger::narrowed(&settled)?);
    // Last: it may have been named among the others too.
    enlisted.retain(|(other, _)| *other != name);
    enlisted.push((name.clone(), known));
    let mut given = Vec::new();
    setting::of_commands(&settled, &manifest, &grants, &mut given);
    let settings = manifest.settings(&given)?;
    let tree = Spec {
        id,
        seed: random_hash()?,
        agent: name.clone(),
        title: words::line(&args.task, 80),
        task: Task { goal: args.task, settings, ..Task::default() },
        grants,
        enlisted,
        rules: settled.rules(),
        commands: Some(settled.commands()),
        caps: settled.caps(&manifest),
        models: aliases,
        base: head.commit,
        onto: head.branch,
        branch: format!("refs/heads/pit/{}-{}", id.short(), name),
        asks: approvals.asks(at),
    };
    let _lease = pit.bells.take(id)?;
    let events = pit.host.events.subscribe();
    let tree = Tree::start(pit.host.clone(), tree).await?;
    follow(&pit, &tree, events, carry.output_format, carry.how()).await
}

/// A new tree's id.
pub fn random_id() -> Result<RunId, Failure> {
    let hash = random_hash()?;
    let mut id = [0; 16];
    id.copy_from_slice(&hash.0[..16]);
    Ok(RunId(id))
}

/// Thirty-two bytes from the operating system.
pub fn random_hash() -> Result<Hash, Failure> {
    let mut bytes = [0; 32];
    let mut filled = 0;
    while filled < bytes.len() {
        filled += rustix::rand::getrandom(&mut bytes[filled..], rustix::rand::GetRandomFlags::empty())
            .map_err(|errno| Failure::new(Exit::Failed, format!("the system has no randomness: {errno}")))?;
    }
    Ok(Hash(bytes))
}
