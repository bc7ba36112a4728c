//! `pit resume`: go on with a run that was stopped or cut off.

use super::Failure;
use super::agent::ModelArgs;
use super::follow::follow;
use super::open::{Place, find};
use crate::assemble::Parts;
use crate::run::Tree;
use crate::surface::exit::Exit;

/// `pit resume`
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The run; the newest if none is named.
    id: Option<String>,
    #[command(flatten)]
    model: ModelArgs,
}

/// Resumes.
pub async fn run(at: &Place, args: Args) -> Result<Exit, Failure> {
    let pit = at.pit(Parts { models: args.model.models()?, agents: Vec::new() })?;
    let named = find(&pit.host.journal, args.id.as_deref()).await?;
    let _lease = pit.bells.take(named.tree)?;
    let events = pit.host.events.subscribe();
    let tree = Tree::resume(pit.host.clone(), named.tree).await?;
    follow(&pit, &tree, events).await
}
