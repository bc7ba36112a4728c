//! `pit resume`: go on with a run that was stopped or cut off.

use orchestra_pit_core::id::RunId;

use super::Failure;
use super::carry::CarryArgs;
use super::detach;
use super::follow::follow;
use super::open::{self, Place, find};
use super::out;
use super::setting::{self, ModelArgs};
use crate::config::written::Flags;
use crate::effect::model::models::Models;
use crate::run::Tree;
use crate::surface::exit::Exit;

/// `pit resume`
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The run; the newest if none is named.
    id: Option<String>,
    #[command(flatten)]
    pub carry: CarryArgs,
}

/// Resumes.
pub async fn run(at: &Place, args: Args) -> Result<Exit, Failure> {
    let tree = match at.hosts() {
        Some(tree) => tree,
        None => find(&at.desk()?.journal, args.id.as_deref()).await?.tree,
    };
    go(at, tree, &args.carry, None).await
}

/// Goes on with a run, here or in a host of its own.
pub async fn go(at: &Place, tree: RunId, carry: &CarryArgs, models: Option<Models>) -> Result<Exit, Failure> {
    if carry.detach.detach && at.hosts().is_none() {
        return detach::start(at, tree, at.attended()).await;
    }
    let models = match models {
        Some(models) => models,
        None => self::models(at, tree, &carry.model).await?,
    };
    let caps = open::state(&at.desk()?.journal, tree).await?.balance(tree).caps;
    if let Some(line) = setting::asked(&models, &caps) {
        out::told(&line);
    }
    let pit = at.pit(models)?;
    let _lease = pit.bells.take(tree)?;
    let events = pit.host.events.subscribe();
    let tree = Tree::resume(pit.host.clone(), tree).await?;
    follow(&pit, &tree, events, carry.output_format, carry.how()).await
}

/// The models that the run was started with. One that cannot be asked here is said before anything begins: an agent that
/// cannot ask its model gives up, and the run would be over.
pub async fn models(at: &Place, tree: RunId, named: &ModelArgs) -> Result<Models, Failure> {
    let desk = at.desk()?;
    let state = open::state(&desk.journal, tree).await?;
    let wanted = state.root().map(|root| root.started.models.clone()).unwrap_or_default();
    let brought: Vec<String> =
        state.root().map(|root| root.started.agents.iter().map(|one| one.name.clone()).collect()).unwrap_or_default();
    let choose = |model: &ModelArgs, needed: bool| {
        let mut settled = setting::settle(&desk.repo, &Flags { brought: brought.clone(), ..Flags::default() })?;
        setting::models(at, &mut settled, model, needed)
    };
    let there = |models: &Models| wanted.values().find(|name| models.place(name).is_err()).cloned();
    let mut models = choose(named, false)?;
    if named.model.is_none()
        && there(&models).is_some()
        && let Some(name) = wanted.get("default").filter(|name| !name.starts_with(setting::SCRIPTED))
    {
        models = choose(&ModelArgs { model: Some(name.clone()) }, true)?;
    }
    match there(&models) {
        None => Ok(models),
        Some(missing) => {
            let id = tree.short();
            let script = missing.starts_with(setting::SCRIPTED);
            let how = if script { "scripted/FILE" } else { missing.as_str() };
            if let Some(other) = named.model.as_ref().filter(|other| !script && **other != missing) {
                let what = format!("run {id} asks {missing}, and a run keeps its models to its end; nothing was begun");
                return Err(Failure::new(Exit::Usage, what)
                    .hint(format!("pit resume {id} goes on with it; pit run \"…\" -m {other} starts another run")));
            }
            Err(Failure::new(
                Exit::Usage,
                format!("run {id} asks {missing}, which is not to be had here; nothing was begun"),
            )
            .hint(format!("pit resume {id} -m {how}")))
        }
    }
}
