//! `pit clean`: removes what is kept of runs whose work is somewhere else too. Unmerged work is never removed, whatever is said.

#![expect(
    clippy::disallowed_methods,
    reason = "removes the logs and locks of runs that are removed, in pit's own folder"
)]

use std::time::Duration;

use orchestra_pit_core::id::{Oid, RunId};
use orchestra_pit_core::text::clean;

use super::Failure;
use super::ask::confirm;
use super::git::Git;
use super::open::{Desk, Place, state};
use super::out::out;
use crate::effect::exec::checkout::Limits;
use crate::effect::exec::sweep;
use crate::effect::store::Repo;
use crate::effect::workspace::{TASKS, Workspaces};
use crate::run::state::{Acceptance, Phase, Run};
use crate::run::{State, standing};
use crate::surface::exit::Exit;
use crate::surface::words::line;

/// `pit clean`
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Shows what would be removed and what not, and removes nothing.
    #[arg(long)]
    dry_run: bool,
    /// Says yes without a question.
    #[arg(short, long)]
    yes: bool,
    /// Removes everything that can be made again too: checkouts, what set-up left, the files of commands. What a run at work
    /// uses stays.
    #[arg(long)]
    caches: bool,
}

/// A run, and why it can go or stays.
struct Found {
    tree: RunId,
    title: String,
    verdict: Result<String, String>,
    state: State,
}

/// Shows, asks, removes.
pub async fn run(at: &Place, args: Args) -> Result<Exit, Failure> {
    let desk = at.desk()?;
    let git = Git::at(desk.repo.common());
    let mut found = Vec::new();
    for row in desk.journal.trees().await? {
        let tree = row.first.tree;
        // The files of its runs too, as they stand: not everything is in a commit.
        let workspaces = Workspaces::new(desk.repo.clone());
        let (state, followed) = match standing(&desk.journal, &workspaces, tree).await {
            Ok(state) => (state, Ok(())),
            Err(error) => (state(&desk.journal, tree).await?, Err(error.to_string())),
        };
        let Some(root) = state.root() else { continue };
        let look = Look { desk: &desk, git: &git, state: &state, workspaces: &workspaces };
        let verdict = match followed {
            Ok(()) => look.verdict(root)?,
            Err(why) => Err(format!("its record cannot be followed: {why}")),
        };
        let title = line(&root.started.title, 50);
        found.push(Found { tree, title, verdict, state });
    }
    let (gone, kept): (Vec<_>, Vec<_>) = found.into_iter().partition(|found| found.verdict.is_ok());
    for found in gone.iter().chain(&kept) {
        let (what, why) = match &found.verdict {
            Ok(why) => ("remove", why),
            Err(why) => ("keep", why),
        };
        out!("{what:<7} {}  {:<50} {}", found.tree.short(), found.title, clean(why));
    }
    if args.dry_run {
        return Ok(Exit::Done);
    }
    if gone.is_empty() {
        out!("there is no run to remove");
        return caches(at, args.caches);
    }
    let runs = if gone.len() == 1 { "1 run".to_owned() } else { format!("{} runs", gone.len()) };
    if !confirm(&format!("remove {runs}, with branch, record and log"), args.yes)? {
        out!("nothing was removed");
        return Ok(Exit::Cancelled);
    }
    let runs_of: Vec<RunId> = gone.iter().flat_map(|found| found.state.order.clone()).collect();
    for found in gone {
        remove(&desk, &git, &found).await?;
    }
    out!("{runs} removed");
    if let Some(machine) = at.machine() {
        runs_of.into_iter().for_each(|run| sweep::forget(&machine.cache, run));
    }
    caches(at, args.caches)
}

/// Gives the disk back: what was not used for long, or all that nobody uses.
fn caches(at: &Place, all: bool) -> Result<Exit, Failure> {
    if all && at.repo()?.forget_texts()? {
        out!("what searches had kept of this repository's texts removed");
    }
    if all {
        forget_bases(&*at.repo()?);
    }
    let Some(machine) = at.machine() else { return Ok(Exit::Done) };
    let nothing = Limits { idle: Duration::ZERO, bytes: 0 };
    let limits = if all { nothing } else { Limits::default() };
    let swept = sweep::sweep(&machine.cache, limits).map_err(|error| {
        Failure::new(Exit::Failed, format!("not all of {} could be removed: {error}", machine.cache.display()))
            .hint("pit clean goes on where this one stopped")
    })?;
    match swept.folders {
        0 => {}
        1 => out!("1 folder of files that can be made again removed"),
        many => out!("{many} folders of files that can be made again removed"),
    }
    Ok(Exit::Done)
}

/// Forgets what the checks came to on bases: what they built is removed, and only running them builds it again. Logs stay.
fn forget_bases(repo: &Repo) {
    let kept = std::fs::read_dir(repo.state().join("checks")).into_iter().flatten().flatten();
    let kept = kept.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|end| end == "json"));
    // One that cannot be removed is believed still, and its base stays cold.
    kept.for_each(|path| drop(std::fs::remove_file(path)));
}

/// A tree of runs, with what is known of where its work is.
struct Look<'a> {
    desk: &'a Desk,
    git: &'a Git,
    state: &'a State,
    workspaces: &'a Workspaces,
}

impl Look<'_> {
    /// Why it can go, or why it stays.
    fn verdict(&self, root: &Run) -> Result<Result<String, String>, Failure> {
        let tree = root.started.site.tree;
        if self.desk.bells.owned(tree) {
            return Ok(Err("a pit is at work on it".to_owned()));
        }
        if root.phase == Phase::Live {
            let id = tree.short();
            return Ok(Err(format!("it has not ended: pit resume {id}, or pit cancel {id}")));
        }
        let taken = match self.root(root)? {
            Ok(taken) => taken,
            Err(why) => return Ok(Err(why)),
        };
        if let Some(why) = self.left_by_others(root)? {
            return Ok(Err(why));
        }
        // Whoever took a result has been shown it, and has left what was not in it.
        let left = if taken.is_none() { self.uncommitted() } else { None };
        Ok(left.map_or_else(|| Ok(taken.unwrap_or_else(|| "it committed nothing".to_owned())), Err))
    }

    /// Who has the commits of the result, if there are any; or that nobody has them.
    fn root(&self, root: &Run) -> Result<Result<Option<String>, String>, Failure> {
        if root.tip == root.started.base {
            return Ok(Ok(None));
        }
        let own = root.started.site.branch.as_str();
        if let Some(branch) = holding(self.git, root.tip, own)? {
            return Ok(Ok(Some(format!("{} has its commits", short(&branch)))));
        }
        // Squashed, its commits are nowhere else, but its work is; a later round's is not. Staged, it is where nobody has
        // committed it yet.
        let taken = |last: &&Acceptance| !last.undone && last.staged.is_none() && last.tip == root.tip;
        if let Some(last) = self.state.accepted.last().filter(taken)
            && let Some(branch) = holding(self.git, last.new, own)?
        {
            return Ok(Ok(Some(format!("accepted onto {}", short(&branch)))));
        }
        Ok(Err(match self.desk.repo.ref_at(own).map_err(|error| Failure::new(Exit::Failed, error.message))? {
            Some(_) => format!("only its own branch {} has its commits", short(own)),
            None => format!("its branch is gone and no other has its commits: git branch NAME {}", brief(root.tip)),
        }))
    }

    /// Says that a run of the team has commits that neither the result nor a branch has.
    fn left_by_others(&self, root: &Run) -> Result<Option<String>, Failure> {
        for (id, run) in self.state.runs.iter().filter(|(_, run)| run.tip != run.started.base) {
            // What is gone is in nobody's history.
            if self.desk.repo.reaches(root.tip, run.tip).unwrap_or(false)
                || holding(self.git, run.tip, &run.started.site.branch)?.is_some()
            {
                continue;
            }
            let (name, tip) = (self.state.name(*id), brief(run.tip));
            return Ok(Some(format!("{name} has commits that nobody took: pit diff {name}, git branch NAME {tip}")));
        }
        Ok(None)
    }

    /// Says that a run's files have what no commit has.
    fn uncommitted(&self) -> Option<String> {
        let changed = |id: &RunId| self.workspaces.is_changed(*id).unwrap_or(true);
        let name = self.state.order.iter().find(|id| changed(id)).map(|id| self.state.name(*id))?;
        Some(format!("{name} has files that were not committed: pit checkout {name}"))
    }
}

/// A branch or tag, not the run's own nor another run's, that has a commit.
fn holding(git: &Git, commit: Oid, own: &str) -> Result<Option<String>, Failure> {
    let contains = format!("--contains={commit}");
    let said =
        git.try_run(&["for-each-ref", "--format=%(refname)", &contains, "refs/heads", "refs/remotes", "refs/tags"])?;
    // A commit that is gone is in no branch.
    let all = if said.done { String::from_utf8_lossy(&said.out).into_owned() } else { String::new() };
    // Another run's branch may be removed by this very command.
    Ok(all.lines().find(|name| *name != own && !name.starts_with("refs/heads/pit/")).map(str::to_owned))
}

async fn remove(desk: &Desk, git: &Git, found: &Found) -> Result<(), Failure> {
    let tree = found.tree;
    // Nobody goes on with it in the meantime.
    let _lease = desk.bells.take(tree)?;
    let failed = |error: orchestra_pit_core::call::Error| Failure::new(Exit::Failed, error.message);
    let own = found.state.root().map(|root| root.started.site.branch.clone()).unwrap_or_default();
    // What the person has checked out is theirs, and so is what they added to it.
    let tip = found.state.root().map(|root| root.tip);
    if git.work_tree_of(&own)?.is_none()
        && desk.repo.ref_at(&own).map_err(failed)? == tip
        && let Some(tip) = tip
    {
        git.run(&["update-ref", "-d", &own, &tip.to_string()])?;
    }
    let records = desk.journal.read_tree(tree, 0).await?;
    desk.journal.claim(tree).await?;
    for (id, run) in &found.state.runs {
        let task = run.started.site.branch.as_str();
        if task.starts_with(TASKS) && desk.repo.ref_at(task).map_err(failed)?.is_some() {
            git.run(&["update-ref", "-d", task])?;
        }
        desk.repo.unpin(*id).map_err(failed)?;
    }
    // The headers stay, so that the rest of the journal can still be checked.
    for row in records {
        desk.journal.erase(row.header.run, row.header.number).await?;
    }
    for file in [format!("logs/{tree}.log"), format!("locks/{tree}.lock")] {
        // What is not there is gone already.
        let _ = std::fs::remove_file(desk.repo.state().join(file));
    }
    Ok(())
}

fn short(branch: &str) -> &str {
    branch.strip_prefix("refs/heads/").unwrap_or(branch)
}

fn brief(commit: Oid) -> String {
    commit.to_string().chars().take(8).collect()
}
