//! `pit run -c` and `pit run -r`: on with a run that is there, by itself or with what the person says to it.

use super::Failure;
use super::ask;
use super::carry::CarryArgs;
use super::open::{Desk, Named, Place, find, state};
use super::out::note;
use super::resume;
use super::say;
use super::show::standing;
use crate::run::command::What;
use crate::run::state::Phase;
use crate::surface::exit::Exit;
use crate::surface::words;

/// Runs that are offered: more than a person looks through.
const OFFERED: usize = 20;

/// Which run.
#[derive(Debug, clap::Args)]
pub struct AgainArgs {
    /// Goes on with the newest run instead of starting one; what you write is said to it.
    #[arg(short, long = "continue", conflicts_with_all = ["resume", "solo", "coders", "with_changes", "approval_mode",
        "max_budget_usd", "max_tokens", "max_turns", "deny", "brought", "give"])]
    continues: bool,
    /// The same with this run; without an ID you choose one.
    #[arg(short, long, value_name = "ID", num_args = 0..=1, conflicts_with_all = ["solo", "coders", "with_changes",
        "approval_mode", "max_budget_usd", "max_tokens", "max_turns", "deny", "brought", "give"])]
    resume: Option<Option<String>>,
}

impl AgainArgs {
    /// Whether a run is meant that is there.
    pub fn is_meant(&self) -> bool {
        self.continues || self.resume.is_some()
    }
}

/// Goes on.
pub async fn run(at: &Place, again: &AgainArgs, text: Option<String>, carry: &CarryArgs) -> Result<Exit, Failure> {
    // A host was told which run, and whoever started it has said what there was to say.
    if let Some(tree) = at.hosts() {
        return resume::go(at, tree, carry, None).await;
    }
    let desk = at.desk()?;
    let named = match &again.resume {
        Some(None) => offer(at, &desk).await?,
        Some(Some(id)) => find(&desk.journal, Some(id)).await?,
        None => find(&desk.journal, None).await?,
    };
    let id = named.tree.short();
    let Some(text) = text else {
        let ended = state(&desk.journal, named.tree).await?.root().is_some_and(|root| root.phase != Phase::Live);
        let told = say::kept(&desk).await?.iter().any(|(tree, ..)| *tree == named.tree);
        return match ended && !told {
            true => Err(Failure::new(Exit::Usage, format!("run {id} has ended, and there is nothing to go on with"))
                .hint(format!("pit run -r {id} \"…\" sends it back to work with what you say"))),
            false => resume::go(at, named.tree, carry, None).await,
        };
    };
    let what = What::Send { text };
    if desk.bells.owned(named.tree) {
        say::put(&desk, &named, what, None).await?;
        note!("said to {id}, which another pit is at work on; pit attach {id} shows it");
        return Ok(Exit::Done);
    }
    // A run that cannot be gone on with is told nothing.
    let models = resume::models(at, named.tree, &carry.model).await?;
    say::keep(&desk, &named, what, None).await?;
    resume::go(at, named.tree, carry, Some(models)).await
}

/// Lets the person choose one of the newest runs.
async fn offer(at: &Place, desk: &Desk) -> Result<Named, Failure> {
    let (mut runs, mut lines) = (Vec::new(), Vec::new());
    for row in desk.journal.trees().await?.into_iter().rev() {
        let tree = row.first.tree;
        // Of a run that was removed only the headers are left.
        if row.first.started.is_none() || runs.len() == OFFERED {
            continue;
        }
        let state = state(&desk.journal, tree).await?;
        let Some(root) = state.root() else { continue };
        runs.push(tree);
        let title = words::line(&root.started.title, 50);
        lines.push(format!(
            "{}  {title}  ({})",
            tree.short(),
            words::line(&standing(root, desk.bells.owned(tree)), 50)
        ));
    }
    if runs.is_empty() {
        return find(&desk.journal, None).await;
    }
    match ask::pick(at, "which run", &lines)?.and_then(|at| runs.get(at)) {
        Some(tree) => Ok(Named { tree: *tree, run: *tree }),
        None => {
            let mut failure = Failure::new(Exit::Usage, "which run? nobody is there to choose; nothing was begun");
            failure.hints.extend(lines.iter().map(|line| format!("pit run -r {line}")));
            Err(failure)
        }
    }
}
