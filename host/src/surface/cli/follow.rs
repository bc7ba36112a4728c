//! Follows a tree of runs that this process owns, to its end: progress on standard error, the result on standard output.

use std::sync::Arc;

use orchestra_pit_core::id::Oid;
use tokio::sync::broadcast;

use super::Failure;
use super::detach::log;
use super::display::{Display, HowArgs, Left};
use super::view::View;
use crate::assemble::Pit;
use crate::effect::store::Repo;
use crate::effect::vcs::compare::{Compared, compare};
use crate::run::Tree;
use crate::run::events::Live;
use crate::surface::exit::Exit;
use crate::surface::{json, last};

/// What standard output gets.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, clap::ValueEnum)]
pub enum Output {
    /// The last screen.
    #[default]
    Text,
    /// One JSON object at the end.
    Json,
    /// One JSON object a line for what happens, and the one at the end.
    StreamJson,
}

/// What a run's branch has that its base has not.
pub fn changed(repo: &Repo, ends: Option<(Oid, Oid)>) -> Option<Compared> {
    let (base, tip) = ends?;
    // A screen with less on it is better than none.
    compare(repo, base, tip).ok()
}

/// Shows what happens until the tree has ended or is stopped; then the last screen.
pub async fn follow(
    pit: &Pit,
    tree: &Arc<Tree>,
    events: broadcast::Receiver<Live>,
    output: Output,
    how: HowArgs,
) -> Result<Exit, Failure> {
    let bell = pit.bells.listen(tree.id)?;
    let doorman = tokio::spawn(tree.clone().answer_bell(bell));
    let by = pit.repo.person().name.clone();
    let mut display = Display::new(View::Own(tree.clone()), how, output == Output::StreamJson, by, events)?;
    let mut stopping = false;
    loop {
        match display.show().await {
            Left::Over => break,
            Left::Stop if !stopping => {
                stopping = true;
                display.say("stopping when the calls in flight are done; once more stops at once");
                let tree = tree.clone();
                // If the journal takes no more there is nothing left to write, and the tree is over all the same.
                tokio::spawn(async move { tree.wind_down("interrupted").await });
            }
            Left::Stop | Left::StopNow => {
                tree.stop("interrupted").await?;
                break;
            }
            // The run goes on: only who watched it is gone.
            Left::HungUp => display.hung_up(log(&pit.repo, tree.id).ok()),
        }
    }
    display.finish().await;
    doorman.abort();
    pit.bells.silence(tree.id);
    match output {
        Output::Text => {
            let changed = changed(&pit.repo, tree.look(|state| state.root().map(|root| (root.started.base, root.tip))));
            for line in tree.look(|state| last::screen(state, changed.as_ref())) {
                display.shown(&line);
            }
        }
        Output::Json | Output::StreamJson => {
            display.result(&tree.look(|state| serde_json::to_string(&json::tree(state)))?);
        }
    }
    Ok(tree.look(Exit::of))
}
