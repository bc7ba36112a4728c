//! `pit diff`: what a run has changed since it began.

use orchestra_pit_core::text::clean_lines;

use super::Failure;
use super::git::Git;
use super::open::{Place, find, state};
use super::out::{note, out};
use crate::surface::exit::Exit;

/// `pit diff`
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The run; the newest if none is named.
    id: Option<String>,
    /// Only which files, and how much of each.
    #[arg(long)]
    stat: bool,
}

/// Shows it.
pub async fn run(at: &Place, args: Args) -> Result<Exit, Failure> {
    let desk = at.desk()?;
    let named = find(&desk.journal, args.id.as_deref()).await?;
    let state = state(&desk.journal, named.tree).await?;
    let run = state.runs.get(&named.run).ok_or_else(|| Failure::new(Exit::Usage, "there is no such run"))?;
    let (base, tip) = (run.started.base.to_string(), run.tip.to_string());
    if base == tip {
        note!("{} has committed nothing", state.name(named.run));
        return Ok(Exit::Done);
    }
    // What an agent committed names neither a program nor a colour here.
    let mut line = vec!["diff", "--no-ext-diff", "--no-textconv", "--no-color"];
    line.extend(args.stat.then_some("--stat=100"));
    line.extend([base.as_str(), tip.as_str(), "--"]);
    let shown = Git::at(desk.repo.common()).text(&line)?;
    out!("{}", clean_lines(&shown));
    Ok(Exit::Done)
}
