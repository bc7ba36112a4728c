//! Row: what a workspace costs against `git worktree add` and the same by hand; and that it does not follow the
//! repository's size.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use orchestra_pit::effect::store::Repo;
use orchestra_pit::effect::workspace::Workspaces;
use orchestra_pit_core::call::vcs::{self, DiffOptions, Point};
use orchestra_pit_core::call::workspace::{Call, Query};
use orchestra_pit_core::call::{Answer, Site};
use orchestra_pit_core::id::{Hash, RunId};
use orchestra_pit_core::path::RepoPath;
use orchestra_pit_core::policy::Scope;
use orchestra_pit_core::time::Time;

use crate::repository::{body, folder, git, make, name, some};
use crate::row::{Pairs, Reach, Row};
use crate::{Asked, Result};

/// Of ours.
const ROUNDS: u8 = 3;

/// What each step took.
type Steps = Vec<(&'static str, Duration)>;

pub fn rows(asked: &Asked) -> Result<Vec<Row>> {
    let mut rows = vec![against_git()?];
    if !asked.quick {
        rows.push(against_a_small_one()?);
    }
    Ok(rows)
}

fn against_git() -> Result<Row> {
    const FILES: usize = 60_000;
    let dir = folder()?;
    make(dir.path(), FILES)?;
    let mut pairs = Pairs::default();
    // By hand it is done once: on a disk that is not idle, checking 60,000 files out takes git half a minute, and removing
    // them again longer still. Ours is so short that one time would say little. Nothing has to be warmed: the machine has
    // just written the repository.
    let hand = by_hand(dir.path(), FILES)?;
    // The first search reads git's packs, and leaves what it has read for all that follow in any process.
    let first = ours(dir.path(), FILES, 0, true)?;
    let mut last = Vec::new();
    for round in 1..=ROUNDS {
        last = ours(dir.path(), FILES, round, true)?;
        pairs.add(total(&last, &[]), total(&hand, &[]));
    }
    let figure = pairs.each(|ours, hand| hand / ours);
    let row = pairs.row("a workspace's work on 60,000 files", "ms", "× faster", figure, Reach::AtLeast(20.0));
    let (ours, hand, cold) = (shown(&last), shown(&hand), total(&hand, &[]) / total(&first, &[]));
    Ok(row.note(format!(
        "baseline: git worktree add and the same by hand ({hand}); of ours {ours}; the first time in a repository \
         {cold:.1} × ({})",
        shown(&first)
    )))
}

fn against_a_small_one() -> Result<Row> {
    const SMALL: usize = 6_000;
    const LARGE: usize = 600_000;
    let (small, large) = (folder()?, folder()?);
    make(small.path(), SMALL)?;
    make(large.path(), LARGE)?;
    let aside = ["list", "search"];
    let mut pairs = Pairs::default();
    let mut last = Vec::new();
    for round in 0..=ROUNDS {
        // What stands aside takes half a minute on the large one: it is done once, to be told.
        let steps = ours(large.path(), LARGE, round, round == ROUNDS)?;
        let baseline = total(&ours(small.path(), SMALL, round, round == ROUNDS)?, &aside);
        if round > 0 {
            pairs.add(total(&steps, &aside), baseline);
            last = steps;
        }
    }
    let figure = pairs.each(|large, small| large / small);
    let row = pairs.row("the same on 600,000 files, list, search aside", "ms", "×", figure, Reach::AtMost(2.0));
    Ok(row.note(format!("baseline: on 6,000 files; on 600,000 {}", shown(&last))))
}

/// In milliseconds, without what stands aside.
fn total(steps: &Steps, aside: &[&str]) -> f64 {
    let counted = steps.iter().filter(|(what, _)| !aside.contains(what));
    counted.map(|(_, time)| time.as_secs_f64() * 1e3).sum()
}

fn shown(steps: &Steps) -> String {
    let each: Vec<_> = steps.iter().map(|(what, time)| format!("{what} {:.1}", time.as_secs_f64() * 1e3)).collect();
    each.join(", ")
}

fn timed(steps: &mut Steps, what: &'static str, work: impl FnOnce() -> Result<()>) -> Result<()> {
    let start = Instant::now();
    work()?;
    steps.push((what, start.elapsed()));
    Ok(())
}

/// A workspace as a run has it, in a process that has not seen the repository before; `whole` with what looks at every file.
fn ours(dir: &Path, files: usize, round: u8, whole: bool) -> Result<Steps> {
    let mut steps = Vec::new();
    let branch = format!("refs/heads/pit/bench-{round}");
    let run = RunId([round + 1; 16]);
    let site = Site {
        run,
        tree: run,
        parent: None,
        agent: Hash::NONE,
        agent_name: "bench@1".into(),
        branch: branch.clone(),
        model: None,
    };
    let mut opened = None;
    timed(&mut steps, "open", || {
        let repo = Arc::new(Repo::open(dir)?);
        let head = repo.head()?.commit;
        let workspaces = Workspaces::new(repo);
        workspaces.open(site.run, head, &branch)?;
        opened = Some(workspaces);
        Ok(())
    })?;
    let all_of = opened.ok_or("not opened")?;
    let ask = |call: Call| -> Answer { all_of.call(&site, &call, &Scope::all()) };
    if whole {
        timed(&mut steps, "list", || {
            ask(Call::List { glob: "**".into(), after: None, limit: 1_000 })?;
            Ok(())
        })?;
        timed(&mut steps, "search", || {
            let query =
                Query { pattern: "^needle".into(), literal: false, ignore_case: false, paths: Vec::new(), limit: 100 };
            ask(Call::Search(query))?;
            Ok(())
        })?;
    }
    timed(&mut steps, "read 20", || {
        some(20, files).try_for_each(|n| {
            ask(Call::Read { path: RepoPath::new(&name(n))?, lines: None })?;
            Ok(())
        })
    })?;
    timed(&mut steps, "edit 3", || {
        some(3, files).try_for_each(|n| {
            let bytes = format!("// edited in round {round}\n{}", body(n)).into_bytes().into();
            ask(Call::Write { path: RepoPath::new(&name(n))?, bytes, expect: None, executable: None })?;
            Ok(())
        })
    })?;
    let vcs = |call: vcs::Call| all_of.vcs(&site, &call, Time(1_800_000_000_000_000), &Scope::all());
    timed(&mut steps, "diff", || {
        let (from, to) = (Point::Head, Point::Workspace);
        vcs(vcs::Call::Diff(DiffOptions { from, to, paths: Vec::new(), context: 3, limit: 0 }))?;
        Ok(())
    })?;
    timed(&mut steps, "commit", || {
        vcs(vcs::Call::Commit { message: "bench".into() })?;
        Ok(())
    })?;
    Ok(steps)
}

/// The same with git and the file system, as one does it without pit.
fn by_hand(dir: &Path, files: usize) -> Result<Steps> {
    let mut steps = Vec::new();
    let tree = dir.join("by-hand");
    let shown = tree.display().to_string();
    timed(&mut steps, "worktree add", || git(dir, &["worktree", "add", "-q", "-b", "by-hand", &shown]))?;
    timed(&mut steps, "list", || git(&tree, &["ls-files"]))?;
    timed(&mut steps, "search", || git(&tree, &["grep", "-n", "^needle"]))?;
    timed(&mut steps, "read 20", || {
        some(20, files).try_for_each(|n| Ok(std::fs::read(tree.join(name(n))).map(drop)?))
    })?;
    timed(&mut steps, "edit 3", || {
        some(3, files).try_for_each(|n| Ok(std::fs::write(tree.join(name(n)), format!("// edited\n{}", body(n)))?))
    })?;
    timed(&mut steps, "diff", || git(&tree, &["diff"]))?;
    timed(&mut steps, "commit", || git(&tree, &["commit", "-qam", "bench"]))?;
    Ok(steps)
}
