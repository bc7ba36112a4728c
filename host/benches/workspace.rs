//! What a workspace costs, against `git worktree add` and the same by hand; and that it does not follow the
//! repository's size.
//!
//! `cargo bench -p orchestra-pit --bench workspace` makes repositories of 6,000, 60,000 and 600,000 files in the system's
//! folder for temporary files and prints a table; `FILES=60000` makes only that one. The largest is not done by hand.
#![expect(clippy::disallowed_methods, reason = "a benchmark makes repositories, runs git and reads the clock")]

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
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

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

const BRANCH: &str = "refs/heads/pit/bench";

fn main() -> Result<()> {
    let sizes: Vec<usize> = match std::env::var("FILES") {
        Ok(one) => vec![one.parse()?],
        Err(_) => vec![6_000, 60_000, 600_000],
    };
    println!("{:>8}  {:<34} {:>10}", "files", "what", "ms");
    for files in sizes {
        let dir = tempfile::tempdir()?;
        make(dir.path(), files)?;
        let ours = ours(dir.path(), files)?;
        let git = if files > 60_000 { Vec::new() } else { by_hand(dir.path(), files)? };
        let total = |all: &[(&str, Duration)]| all.iter().map(|(_, time)| *time).sum::<Duration>();
        for (what, time) in ours.iter().chain([&("all of it", total(&ours))]) {
            println!("{files:>8}  pit  {what:<29} {:>10.2}", time.as_secs_f64() * 1e3);
        }
        let small = ours.iter().filter(|(what, _)| !matches!(*what, "list" | "search")).map(|(_, time)| *time);
        println!(
            "{files:>8}  pit  {:<29} {:>10.2}",
            "without list and search",
            small.sum::<Duration>().as_secs_f64() * 1e3
        );
        if git.is_empty() {
            continue;
        }
        for (what, time) in git.iter().chain([&("all of it", total(&git))]) {
            println!("{files:>8}  git  {what:<29} {:>10.2}", time.as_secs_f64() * 1e3);
        }
        let ratio = |ours: Duration, git: Duration| git.as_secs_f64() / ours.as_secs_f64();
        println!("{files:>8}  times faster {:>32.1}", ratio(total(&ours), total(&git)));
        let unsearched =
            |all: &[(&str, Duration)]| all.iter().filter(|(what, _)| *what != "search").map(|(_, t)| *t).sum();
        println!("{files:>8}  times faster, search aside {:>19.1}", ratio(unsearched(&ours), unsearched(&git)));
    }
    Ok(())
}

/// 60 files a folder, 1 to 3 KiB each, as small sources are.
fn name(n: usize) -> String {
    format!("src/m{}/p{}/f{n}.rs", n / 6_000, n / 60)
}

fn body(n: usize) -> String {
    (0..30 + n % 40)
        .map(|line| format!("    let value_{line} = compute({}, {line}); // {n}\n", n * 31 + line * 7))
        .collect()
}

fn make(dir: &Path, files: usize) -> Result<()> {
    git(dir, &["init", "-q", "-b", "main"])?;
    git(dir, &["config", "user.name", "Bench"])?;
    git(dir, &["config", "user.email", "bench@example.org"])?;
    let mut import =
        Command::new("git").current_dir(dir).args(["fast-import", "--quiet"]).stdin(Stdio::piped()).spawn()?;
    {
        let mut to = std::io::BufWriter::new(import.stdin.take().ok_or("no pipe")?);
        write!(to, "commit refs/heads/main\ncommitter B <b@example.org> 1700000000 +0000\ndata 1\nx\n")?;
        for n in 0..files {
            let mut text = body(n);
            if n % 5_000 == 4_321 {
                text.push_str("needle\n");
            }
            write!(to, "M 644 inline {}\ndata {}\n{text}\n", name(n), text.len())?;
        }
        writeln!(to, "done")?;
    }
    if !import.wait()?.success() {
        return Err("git fast-import failed".into());
    }
    git(dir, &["repack", "-qad"])
}

fn git(dir: &Path, args: &[&str]) -> Result<()> {
    let done = Command::new("git").current_dir(dir).args(args).stdout(Stdio::null()).status()?;
    if done.success() { Ok(()) } else { Err(format!("git {args:?} failed").into()) }
}

fn timed<'a>(all: &mut Vec<(&'a str, Duration)>, what: &'a str, work: impl FnOnce() -> Result<()>) -> Result<()> {
    let start = Instant::now();
    work()?;
    all.push((what, start.elapsed()));
    Ok(())
}

fn ours(dir: &Path, files: usize) -> Result<Vec<(&'static str, Duration)>> {
    let mut all = Vec::new();
    let site = Site {
        run: RunId([1; 16]),
        tree: RunId([1; 16]),
        parent: None,
        agent: Hash::NONE,
        agent_name: "bench@1".into(),
        branch: BRANCH.into(),
    };
    let mut opened = None;
    timed(&mut all, "open", || {
        let repo = Arc::new(Repo::open(dir)?);
        let head = repo.head()?.commit;
        let workspaces = Workspaces::new(repo);
        workspaces.open(site.run, head, BRANCH)?;
        opened = Some(workspaces);
        Ok(())
    })?;
    let all_of = opened.ok_or("not opened")?;
    let ask = |call: Call| -> Answer { all_of.call(&site, &call, &Scope::all()) };
    let some = |count: usize| (0..count).map(move |k| k * files / count + 7);
    timed(&mut all, "read 20", || {
        some(20).try_for_each(|n| {
            ask(Call::Read { path: RepoPath::new(&name(n))?, lines: None })?;
            Ok(())
        })
    })?;
    timed(&mut all, "list", || {
        ask(Call::List { glob: "**".into(), after: None, limit: 1_000 })?;
        Ok(())
    })?;
    timed(&mut all, "search", || {
        let query =
            Query { pattern: "^needle".into(), literal: false, ignore_case: false, paths: Vec::new(), limit: 100 };
        ask(Call::Search(query))?;
        Ok(())
    })?;
    timed(&mut all, "edit 3", || {
        some(3).try_for_each(|n| {
            let bytes = format!("// edited\n{}", body(n)).into_bytes().into();
            ask(Call::Write { path: RepoPath::new(&name(n))?, bytes, expect: None, executable: None })?;
            Ok(())
        })
    })?;
    let vcs = |call: vcs::Call| all_of.vcs(&site, &call, Time(1_800_000_000_000_000), &Scope::all());
    timed(&mut all, "diff", || {
        let (from, to) = (Point::Head, Point::Workspace);
        vcs(vcs::Call::Diff(DiffOptions { from, to, paths: Vec::new(), context: 3, limit: 0 }))?;
        Ok(())
    })?;
    timed(&mut all, "commit", || {
        vcs(vcs::Call::Commit { message: "bench".into() })?;
        Ok(())
    })?;
    Ok(all)
}

fn by_hand(dir: &Path, files: usize) -> Result<Vec<(&'static str, Duration)>> {
    let mut all = Vec::new();
    let tree = dir.join("by-hand");
    let shown = tree.display().to_string();
    timed(&mut all, "worktree add", || git(dir, &["worktree", "add", "-q", "-b", "by-hand", &shown]))?;
    let some = |count: usize| (0..count).map(move |k| k * files / count + 7);
    timed(&mut all, "read 20", || some(20).try_for_each(|n| Ok(std::fs::read(tree.join(name(n))).map(drop)?)))?;
    timed(&mut all, "list", || git(&tree, &["ls-files"]))?;
    timed(&mut all, "search", || git(&tree, &["grep", "-n", "^needle"]))?;
    timed(&mut all, "edit 3", || {
        some(3).try_for_each(|n| Ok(std::fs::write(tree.join(name(n)), format!("// edited\n{}", body(n)))?))
    })?;
    timed(&mut all, "diff", || git(&tree, &["diff"]))?;
    timed(&mut all, "commit", || git(&tree, &["commit", "-qam", "bench"]))?;
    Ok(all)
}
