//! `pit checkout`: the files of a run, as they are, as a plain folder.

use std::path::{Path, PathBuf};
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
    /// The folder to be made; one beside the repository if none is named.
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
    let to = match (args.dir, desk.repo.work_tree()) {
        (Some(dir), _) => at.join(&dir),
        (None, top) => beside(top.as_deref().unwrap_or(desk.repo.common()), &name),
    };
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

/// A folder beside a repository: in it, git would find it and agents would see it with `--with-changes`.
fn beside(top: &Path, name: &str) -> PathBuf {
    let own = top.file_name().unwrap_or_default().to_string_lossy();
    top.with_file_name(format!("{own}-{name}"))
}
