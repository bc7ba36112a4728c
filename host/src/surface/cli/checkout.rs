//! `pit checkout`: the files of a run, as they are, as a plain folder.

use std::path::PathBuf;
use std::sync::Arc;

use orchestra_pit_core::text::clean;

use super::Failure;
use super::accept::told;
use super::open::{Place, find};
use super::out::{note, out};
use crate::effect::exec::Exec;
use crate::effect::workspace::Workspaces;
use crate::run::standing;
use crate::surface::exit::Exit;

/// `pit checkout`
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The run; the newest if none is named.
    id: Option<String>,
    /// The folder to be made; `pit-ID` here if none is named.
    dir: Option<PathBuf>,
}

/// Paths that are named.
const NAMED: usize = 10;

/// Writes them.
pub async fn run(at: &Place, args: Args) -> Result<Exit, Failure> {
    let desk = at.desk()?;
    let named = find(&desk.journal, args.id.as_deref()).await?;
    let workspaces = Arc::new(Workspaces::new(desk.repo.clone()));
    let state = standing(&desk.journal, &workspaces, named.tree).await?;
    let name = state.name(named.run);
    let site = state.runs.get(&named.run).map(|run| run.started.site.clone());
    let site = site.ok_or_else(|| Failure::new(Exit::Usage, "there is no such run"))?;
    let to = at.join(&args.dir.unwrap_or_else(|| PathBuf::from(format!("pit-{name}"))));
    let exec = Exec::new(workspaces, None);
    let (written, place) = tokio::task::spawn_blocking(move || (exec.write_out(&site, &to), to))
        .await
        .map_err(|error| Failure::new(Exit::Failed, error.to_string()))?;
    let written = written.map_err(told)?;
    for path in written.left_out.iter().take(NAMED) {
        note!("left out: {}, which no folder can have", clean(path));
    }
    if let Some(more) = written.left_out.len().checked_sub(NAMED).filter(|more| *more > 0) {
        note!("left out: {more} more");
    }
    out!("{}: {} files of {name} as they stand; it is yours, and no run sees it", place.display(), written.files);
    Ok(Exit::Done)
}
