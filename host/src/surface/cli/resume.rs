//! `pit resume`: go on with a run that was stopped or cut off.

use super::Failure;
use super::detach::{self, DetachArgs};
use super::display::HowArgs;
use super::follow::{Output, follow};
use super::open::{self, Place, find};
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
    /// What standard output gets.
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value_t)]
    output_format: Output,
    #[command(flatten)]
    detach: DetachArgs,
    #[command(flatten)]
    how: HowArgs,
    #[command(flatten)]
    model: ModelArgs,
}

impl Args {
    /// What standard output gets, also when nothing begins.
    pub fn output(&self) -> Output {
        self.output_format
    }
}

/// Resumes.
pub async fn run(at: &Place, args: Args) -> Result<Exit, Failure> {
    if args.detach.detach && at.hosts().is_none() {
        let desk = at.desk()?;
        let named = find(&desk.journal, args.id.as_deref()).await?;
        return detach::start(at, named.tree, at.attended()).await;
    }
    let models = models(at, &args).await?;
    let pit = at.pit(models)?;
    let mut named = find(&pit.host.journal, args.id.as_deref()).await?;
    if let Some(tree) = at.hosts() {
        named.tree = tree;
    }
    let _lease = pit.bells.take(named.tree)?;
    let events = pit.host.events.subscribe();
    let tree = Tree::resume(pit.host.clone(), named.tree).await?;
    follow(&pit, &tree, events, args.output_format, args.how).await
}

/// The models that the run was started with. One that cannot be asked here is said before anything begins: an agent that
/// cannot ask its model gives up, and the run would be over.
async fn models(at: &Place, args: &Args) -> Result<Models, Failure> {
    let desk = at.desk()?;
    let named = find(&desk.journal, args.id.as_deref()).await?;
    let tree = at.hosts().unwrap_or(named.tree);
    let state = open::state(&desk.journal, tree).await?;
    let wanted = state.root().map(|root| root.started.models.clone()).unwrap_or_default();
    let choose = |model: &ModelArgs, needed: bool| {
        let mut settled = setting::settle(&desk.repo, &Flags::default())?;
        setting::models(&mut settled, model, needed)
    };
    let there = |models: &Models| wanted.values().find(|name| models.place(name).is_err()).cloned();
    let mut models = choose(&args.model, false)?;
    if args.model.model.is_none()
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
            Err(Failure::new(
                Exit::Usage,
                format!("run {id} asks {missing}, which is not to be had here; nothing was begun"),
            )
            .hint(format!("pit resume {id} -m {how}")))
        }
    }
}
