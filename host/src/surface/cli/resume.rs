//! `pit resume`: go on with a run that was stopped or cut off.

use super::Failure;
use super::detach::{self, DetachArgs};
use super::display::HowArgs;
use super::follow::{Output, follow};
use super::open::{Place, find};
use super::setting::{self, ModelArgs};
use crate::config::written::Flags;
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
    let mut settled = setting::settle(&*at.repo()?, &Flags::default())?;
    // A run may have nothing left to ask a model.
    let models = setting::models(&mut settled, &args.model, false)?;
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
