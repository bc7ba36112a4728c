//! `pit accept`: the person takes a result. One commit on the person's branch, in the person's name, by the person's git.
//!
//! It is made aside, in a working tree of its own, and only then put on the branch: until that one step nothing of the
//! person's has changed, and git itself takes that step only if no file is in its way.

use std::path::{Path, PathBuf};

use orchestra_pit_core::id::Oid;
use orchestra_pit_core::record::Event;
use orchestra_pit_core::text::clean;

use super::Failure;
use super::ask::confirm;
use super::changes::Taken;
use super::git::Git;
use super::judge::{Judge, is_good};
use super::open::{Desk, Named, Place, find, state};
use super::out::{self, note, out};
use crate::effect::store::Repo;
use crate::run::State;
use crate::run::clock::now;
use crate::run::owner::Lease;
use crate::run::state::{Acceptance, Phase, Run};
use crate::surface::exit::Exit;
use crate::surface::{last, words};

/// Lines of commits and of files on the screen.
const SHOWN: usize = 20;

/// `pit accept`
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The run; the newest if none is named.
    id: Option<String>,
    /// The branch that takes it; else the one that the run started from.
    #[arg(long, value_name = "BRANCH")]
    onto: Option<String>,
    /// One plain commit instead of a merge.
    #[arg(long)]
    squash: bool,
    /// The branch goes forward to the result's own commits; not if it has moved on.
    #[arg(long, conflicts_with = "squash")]
    ff: bool,
    /// Changes in the working tree and no commit.
    #[arg(long, conflicts_with_all = ["squash", "ff"])]
    stage: bool,
    /// Takes the last acceptance back, if nothing was added since.
    #[arg(long, conflicts_with_all = ["onto", "squash", "ff", "stage"])]
    undo: bool,
    /// Takes a result that the host's checks have not found good: red, or never checked.
    #[arg(long, conflicts_with = "undo")]
    unverified: bool,
    /// Says yes without a question.
    #[arg(short, long)]
    yes: bool,
}

/// What becomes of the commits of a result.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Merge {
    /// They stay, with a merge commit on top.
    Merged,
    /// One commit in their place.
    Squashed,
    /// None at all.
    Staged,
}

/// What is taken, and where it goes.
pub(super) struct Taking<'a> {
    pub(super) run: &'a Run,
    pub(super) name: String,
    pub(super) onto: String,
    pub(super) old: Oid,
    /// What the host found of the result, in a line.
    verdict: String,
    git: Git,
}

/// Accepts, or takes it back.
pub async fn run(at: &Place, args: Args) -> Result<Exit, Failure> {
    let desk = at.desk()?;
    let named = find(&desk.journal, args.id.as_deref()).await?;
    let state = state(&desk.journal, named.tree).await?;
    if args.undo {
        return undo(&desk, &named, &state).await;
    }
    let mut taking = taking(&desk, &named, &state, args.onto.as_deref())?;
    if desk.repo.reaches(taking.old, taking.run.tip).map_err(told)? {
        out!("{} has all of {} already", short(&taking.onto), taking.name);
        return Ok(Exit::Done);
    }
    let files = taking.files()?;
    for line in taking.screen(&files)?.into_iter().chain(reports(&state)) {
        out::shown(&line);
    }
    if args.ff && !desk.repo.reaches(taking.run.tip, taking.old).map_err(told)? {
        return Err(moved(&taking.onto).hint(format!("pit accept {} makes a merge commit", taking.name)));
    }
    let away = taking.in_the_way(&desk.repo, &files)?;
    let judge = Judge::new(at, &desk, &state, args.unverified);
    if judge.others_now() {
        note!("pit.toml has other checks now than those that this was judged by when it ran");
    }
    if !judge.moved(&taking)? {
        judge.gate(state.result.as_ref(), &taking.name)?;
    }
    if args.stage {
        return taking.stage(&desk, &named, args.yes, &judge).await;
    }
    let how = match (args.squash, args.ff) {
        (true, _) => "one commit",
        (_, true) => "its own commits",
        _ => "a merge commit",
    };
    if !confirm(&format!("put it on {} as {how}", short(&taking.onto)), args.yes)? {
        out!("not accepted; nothing has changed");
        return Ok(Exit::Cancelled);
    }
    let _lease = own(&desk, &named).await?;
    if args.unverified && !is_good(state.result.as_ref()) && !judge.moved(&taking)? {
        taking.verdict.push_str("; taken unverified");
    }
    let mut new = if args.ff { taking.run.tip } else { taking.merge(args.squash)? };
    let tree = desk.repo.tree_of(new).map_err(told)?;
    let judged = judge.merged(&taking, tree, new).await?;
    if judge.moved(&taking)? {
        // The verdict is the merge's: that of the run was about another tree.
        taking.verdict =
            judged.unwrap_or_else(|| format!("none: taken unverified; before the merge: {}", taking.verdict));
        new = taking.merge(args.squash)?;
        if desk.repo.tree_of(new).map_err(told)? != tree {
            return Err(moved(&taking.onto).hint(format!("pit accept {} looks at it anew", taking.name)));
        }
    }
    taking.put(new, away)?;
    let by = desk.repo.person().name.clone();
    let event = Event::Accepted { onto: taking.onto.clone(), old: taking.old, new, by, staged: None };
    desk.journal.flush(desk.journal.write(named.tree, now(), event)).await?;
    out!("{} is on {} as {}", taking.name, short(&taking.onto), brief(new));
    out!("  next       pit accept --undo {} takes it back", taking.name);
    Ok(Exit::Done)
}

/// Makes sure that whatever comes can be written down: nobody else is at work on the run.
async fn own(desk: &Desk, named: &Named) -> Result<Lease, Failure> {
    let lease = desk.bells.take(named.tree)?;
    desk.journal.claim(named.tree).await?;
    desk.journal.resume(named.tree).await?;
    Ok(lease)
}

/// What the run says of itself, and what is known of it.
fn reports(state: &State) -> Vec<String> {
    let mut lines = last::report(state);
    lines.extend(last::result(state));
    lines.extend(last::denied(state));
    lines.extend(last::unanswered(state));
    lines.push(last::cost(state));
    lines
}

/// What the branch would have if it took a run's result now: a commit that no branch has, made without the person's hooks.
pub(super) fn tried(desk: &Desk, named: &Named, state: &State, onto: Option<&str>) -> Result<Oid, Failure> {
    let taking = taking(desk, named, state, onto)?;
    let (tip, old) = (taking.run.tip.to_string(), taking.old.to_string());
    taking.aside(|aside| {
        taking.merge_in(aside, &tip, Merge::Staged)?;
        let tree = aside.text(&["write-tree"])?;
        let commit = aside.text(&["commit-tree", &tree, "-p", &old, "-p", &tip, "-m", "What accept would make"])?;
        Oid::parse(&commit).ok_or_else(|| Failure::new(Exit::Failed, "git made no commit of the merge"))
    })
}

/// Finds out what is to be taken and whether it can be.
fn taking<'a>(desk: &Desk, named: &Named, state: &'a State, onto: Option<&str>) -> Result<Taking<'a>, Failure> {
    let name = named.tree.short();
    let refuse = |why: String| Failure::new(Exit::Usage, why);
    if named.run != named.tree {
        return Err(refuse(format!("{} is a part of a run", state.name(named.run))).hint(format!("pit accept {name}")));
    }
    let run = state.root().ok_or_else(|| refuse(format!("run {name} has not started")))?;
    if run.phase == Phase::Live {
        return Err(refuse(format!("run {name} has not ended")).hint(format!("pit status {name}, pit resume {name}")));
    }
    if run.tip == run.started.base {
        return Err(refuse(format!("run {name} has committed nothing, so there is nothing to accept")));
    }
    let onto = match onto {
        Some(branch) if branch.starts_with("refs/heads/") => branch.to_owned(),
        Some(branch) => format!("refs/heads/{branch}"),
        None => run.started.onto.clone().ok_or_else(|| {
            refuse(format!("run {name} started from no branch")).hint(format!("pit accept {name} --onto BRANCH"))
        })?,
    };
    let old = desk.repo.ref_at(&onto).map_err(told)?;
    let old = old.ok_or_else(|| refuse(format!("there is no branch {}", clean(short(&onto)))))?;
    let verdict =
        state.result.as_ref().map_or_else(|| "none".to_owned(), |judged| words::line(&judged.verdict.line(), 200));
    Ok(Taking { run, name, onto, old, verdict, git: Git::at(desk.repo.common()) })
}

impl Taking<'_> {
    /// Files that would change on the branch.
    fn files(&self) -> Result<Vec<String>, Failure> {
        let range = format!("{}...{}", self.old, self.run.tip);
        self.git.list(&["diff", "--name-only", "-z", "--no-renames", "--no-ext-diff", &range, "--"])
    }

    fn screen(&self, files: &[String]) -> Result<Vec<String>, Failure> {
        let range = format!("{}..{}", self.old, self.run.tip);
        let commits = self.git.list(&["log", "-z", "--no-color", "--format=%h %an: %s", &range, "--"])?;
        let mut lines = vec![format!(
            "{}  {}   onto {} @ {}, {}, {}",
            self.name,
            words::line(&self.run.started.title, 60),
            clean(short(&self.onto)),
            brief(self.old),
            words::several(commits.len(), "commit"),
            words::several(files.len(), "file"),
        )];
        listed(&mut lines, "commits", commits.into_iter());
        listed(&mut lines, "files", files.iter().cloned());
        lines.extend(last::machine(files));
        Ok(lines)
    }

    /// Refuses while a file of the person's is where one of the result would be, unless it is as the run took it along:
    /// those can be put away.
    fn in_the_way(&self, repo: &Repo, files: &[String]) -> Result<Option<(Taken, Vec<String>)>, Failure> {
        let Some(folder) = self.git.work_tree_of(&self.onto)? else { return Ok(None) };
        let taken = Taken::find(repo, &folder, self.old, self.run.started.base)?;
        let (mut found, mut away): (Vec<String>, Vec<String>) = Default::default();
        for (how, path) in beside(&folder, files)? {
            let known = how != "!!" && taken.as_ref().is_some_and(|taken| taken.has(&path));
            if known { away.push(path) } else { found.push(path) }
        }
        if found.is_empty() {
            return Ok(taken.map(|taken| (taken, away)));
        }
        let mut failure = Failure::new(
            Exit::Failed,
            format!("files of yours are in the way in {}; nothing has changed", clean(&folder.to_string_lossy())),
        );
        failure.hints.extend(found.iter().take(SHOWN).map(|path| words::line(path, 200)));
        Err(failure.hint(format!("commit them or put them aside, then: pit accept {}", self.name)))
    }

    /// Puts the changes into the working tree that has the branch, and into its index, and commits nothing.
    async fn stage(&self, desk: &Desk, named: &Named, yes: bool, judge: &Judge<'_>) -> Result<Exit, Failure> {
        let folder = self.git.work_tree_of(&self.onto)?.ok_or_else(|| {
            Failure::new(
                Exit::Usage,
                format!("{} is checked out nowhere, so there is no working tree", short(&self.onto)),
            )
        })?;
        let here = Git::at(&folder);
        if !here.list(&["diff", "--cached", "--name-only", "-z"])?.is_empty() {
            return Err(Failure::new(Exit::Failed, "something is staged already; nothing has changed")
                .hint("commit it or unstage it, so that the two are not mixed"));
        }
        if !confirm(&format!("put its changes into {}", clean(&folder.to_string_lossy())), yes)? {
            out!("not accepted; nothing has changed");
            return Ok(Exit::Cancelled);
        }
        let _lease = own(desk, named).await?;
        let tree = self.aside(|aside| {
            self.merge_in(aside, &self.run.tip.to_string(), Merge::Staged)?;
            aside.text(&["write-tree"])
        })?;
        if let Some(tree) = Oid::parse(&tree) {
            judge.merged(self, tree, self.run.tip).await?;
        }
        // As a whole or not at all: it stops at a file that the person has changed since.
        here.run(&["read-tree", "-m", "-u", &self.old.to_string(), &tree])?;
        let (onto, old, by) = (self.onto.clone(), self.old, desk.repo.person().name.clone());
        let event = Event::Accepted { onto, old, new: old, by, staged: Oid::parse(&tree) };
        desk.journal.flush(desk.journal.write(named.tree, now(), event)).await?;
        out!("{} is staged on {} and not committed", self.name, short(&self.onto));
        out!("  next       git diff --cached · git commit · pit accept --undo {} takes it back", self.name);
        Ok(Exit::Done)
    }

    /// Makes the commit, aside.
    fn merge(&self, squash: bool) -> Result<Oid, Failure> {
        let how = if squash { Merge::Squashed } else { Merge::Merged };
        self.aside(|aside| {
            self.merge_in(aside, &self.run.tip.to_string(), how)?;
            aside.commit("HEAD")
        })
    }

    /// Does something in a working tree of its own that stands at the branch.
    fn aside<T>(&self, act: impl FnOnce(&Git) -> Result<T, Failure>) -> Result<T, Failure> {
        let aside = tempfile::Builder::new().prefix("pit-accept-").tempdir()?;
        let folder = aside.path().join("tree");
        let (path, old) = (folder.to_string_lossy().into_owned(), self.old.to_string());
        // To fill it is no act of the person's: no hook.
        let add = ["-c", "core.hooksPath=/dev/null", "worktree", "add", "--quiet", "--detach", &path, &old];
        self.git.run(&add)?;
        let made = act(&Git::at(&folder));
        // That it stays behind harms nothing: git forgets a working tree whose folder is gone.
        let _ = self.git.try_run(&["worktree", "remove", "--force", &path]);
        made
    }

    fn merge_in(&self, aside: &Git, tip: &str, how: Merge) -> Result<(), Failure> {
        let title = words::line(&self.run.started.title, 60);
        let message = format!("{title}\n\nPit-Run: {}\nPit-Verdict: {}", self.run.started.site.tree, self.verdict);
        let args: &[&str] = match how {
            Merge::Merged => &["merge", "--no-ff", "-m", &message, tip],
            Merge::Squashed | Merge::Staged => &["merge", "--squash", "--quiet", tip],
        };
        let merged = aside.try_run(args)?;
        if !merged.done {
            let files = aside.list(&["diff", "--name-only", "-z", "--diff-filter=U"])?;
            let what = format!("it cannot be merged into {}; nothing has changed", short(&self.onto));
            let mut failure = Failure::new(Exit::Failed, what);
            match files.is_empty() {
                true => failure.hints.extend(merged.why.lines().take(SHOWN).map(|line| clean(line).into_owned())),
                false => {
                    failure.hints.extend(files.iter().map(|file| format!("both changed {}", words::line(file, 200))));
                    failure.hints.push(format!("merge {} by hand", clean(short(&self.run.started.site.branch))));
                }
            }
            return Err(failure);
        }
        if how == Merge::Squashed {
            aside.run(&["commit", "--quiet", "-m", &message])?;
        }
        Ok(())
    }

    /// Puts the commit on the branch, in one step that fails as a whole.
    fn put(&self, new: Oid, away: Option<(Taken, Vec<String>)>) -> Result<(), Failure> {
        let (old, new) = (self.old.to_string(), new.to_string());
        match self.git.work_tree_of(&self.onto)? {
            Some(folder) => {
                let here = Git::at(&folder);
                if here.commit("HEAD")? != self.old {
                    return Err(moved(&self.onto));
                }
                let merge = ["merge", "--ff-only", "--quiet", "--no-overwrite-ignore", &new];
                let Some((taken, paths)) = away else { return here.run(&merge).map(drop) };
                taken.put_away(&paths, &new)?;
                here.run(&merge).map(drop).or_else(|failure| taken.put_back(&paths).and(Err(failure)))
            }
            None => {
                let why = format!("pit accept {}", self.name);
                self.git.run(&["update-ref", "-m", &why, &self.onto, &new, &old]).map(drop)
            }
        }
    }
}

/// Puts the branch back to what it was before the last acceptance.
async fn undo(desk: &Desk, named: &Named, state: &State) -> Result<Exit, Failure> {
    let last = state.accepted.last().filter(|last| !last.undone).ok_or_else(|| {
        Failure::new(Exit::Usage, format!("run {} is not accepted, so there is nothing to undo", named.tree.short()))
    })?;
    if desk.repo.ref_at(&last.onto).map_err(told)? != Some(last.new) {
        let moved = moved(&last.onto);
        return Err(match last.staged {
            Some(_) => moved.hint("git revert takes a commit back with another"),
            None => moved.hint(format!("git revert -m 1 {} takes a merge back with a commit", brief(last.new))),
        });
    }
    let _lease = own(desk, named).await?;
    let git = Git::at(desk.repo.common());
    let (old, new) = (last.old.to_string(), last.new.to_string());
    match git.work_tree_of(&last.onto)? {
        folder if last.staged.is_some() => unstage(folder, last)?,
        // It stops, as a whole, at a file that the person has changed since.
        Some(folder) => Git::at(&folder).run(&["reset", "--quiet", "--keep", &old])?,
        None => git.run(&["update-ref", "-m", "pit accept --undo", &last.onto, &old, &new])?,
    };
    let by = desk.repo.person().name.clone();
    let event = Event::Unaccepted { onto: last.onto.clone(), new: last.old, by };
    desk.journal.flush(desk.journal.write(named.tree, now(), event)).await?;
    let name = named.tree.short();
    if last.staged.is_some() {
        out!("the working tree is at {} again; {name} is kept on its own branch", brief(last.old));
        return Ok(Exit::Done);
    }
    out!("{} is at {} again; {name} is kept on its own branch", short(&last.onto), brief(last.old));
    let base = state.root().map(|root| root.started.base);
    if let Some(base) = base.filter(|base| !desk.repo.reaches(last.old, *base).unwrap_or(true)) {
        out!("what you had not committed when it started is in {}", brief(base));
        out!("  next       git restore --source {} --worktree -- .", brief(base));
    }
    Ok(Exit::Done)
}

/// Takes a staged result out of the index and the working tree, as a whole or not at all: only if both are as they were made.
fn unstage(folder: Option<PathBuf>, last: &Acceptance) -> Result<Vec<u8>, Failure> {
    let refuse = |what: String| Failure::new(Exit::Failed, format!("{what}; nothing has changed"));
    let folder = folder.ok_or_else(|| refuse(format!("{} is checked out nowhere any more", short(&last.onto))))?;
    let (here, old) = (Git::at(&folder), last.old.to_string());
    let staged = last.staged.map(|tree| tree.to_string()).unwrap_or_default();
    if here.text(&["write-tree"])? != staged {
        return Err(
            refuse("what is staged has changed since".to_owned()).hint("git diff --cached shows what it is now")
        );
    }
    let files = here.list(&["diff", "--name-only", "-z", "--no-renames", "--no-ext-diff", &old, &staged, "--"])?;
    // What is only staged is the result itself; whatever else lies there is the person's.
    let theirs: Vec<String> = beside(&folder, &files)?
        .into_iter()
        .filter(|(how, _)| !how.ends_with(' '))
        .map(|(_, path)| words::line(&path, 200))
        .take(SHOWN)
        .collect();
    if !theirs.is_empty() {
        let mut failure = refuse("files of the result have changed since".to_owned());
        failure.hints = theirs;
        return Err(failure.hint("git restore FILE puts one back to what was staged, if that is wanted"));
    }
    here.run(&["read-tree", "-m", "-u", &staged, &old])
}

/// What is changed, new or ignored in a working tree where these files are: how git's status has it, and its path.
fn beside(folder: &Path, files: &[String]) -> Result<Vec<(String, String)>, Failure> {
    let status = ["status", "--porcelain", "-z", "--untracked-files=all", "--ignored=matching", "--no-renames"];
    let under = |a: &str, b: &str| a.strip_prefix(b).is_some_and(|rest| rest.starts_with('/'));
    let mut found = Vec::new();
    for entry in Git::at(folder).list(&status)? {
        let (Some(how), Some(path)) = (entry.get(..2), entry.get(3..)) else { continue };
        let path = path.trim_end_matches('/');
        // A whole folder that is ignored is in the way only where one of the files would really be put.
        let ignored = how == "!!";
        if files.iter().any(|file| file == path || under(path, file) || (!ignored && under(file, path))) {
            found.push((how.to_owned(), path.to_owned()));
        }
    }
    Ok(found)
}

fn moved(onto: &str) -> Failure {
    Failure::new(Exit::Failed, format!("{} has moved on; nothing has changed", short(onto)))
}

fn listed(lines: &mut Vec<String>, title: &str, all: impl ExactSizeIterator<Item = String>) {
    let more = all.len().saturating_sub(SHOWN);
    for (at, text) in all.take(SHOWN).enumerate() {
        lines.push(format!("  {:<10} {}", if at == 0 { title } else { "" }, words::line(&text, 100)));
    }
    if more > 0 {
        lines.push(format!("             and {more} more"));
    }
}

fn short(branch: &str) -> &str {
    branch.strip_prefix("refs/heads/").unwrap_or(branch)
}

fn brief(commit: Oid) -> String {
    commit.to_string().chars().take(8).collect()
}

pub(super) fn told(error: orchestra_pit_core::call::Error) -> Failure {
    error.hint.into_iter().fold(Failure::new(Exit::Failed, error.message), Failure::hint)
}
