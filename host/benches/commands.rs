//! Rows: an agent's first `cargo test` against a new work tree's, the next with one line changed against a warm checkout's,
//! and what eight agents that have run the tests take on the disk.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use orchestra_pit::effect::exec::beside::settle;
use orchestra_pit::effect::exec::judge::Case;
use orchestra_pit::effect::exec::tools::{Home, VARIABLES};
use orchestra_pit::effect::exec::{Exec, Machine};
use orchestra_pit::effect::store::Repo;
use orchestra_pit::effect::workspace::Workspaces;
use orchestra_pit_core::call::exec::{self, Call, Ended, Value};
use orchestra_pit_core::call::workspace;
use orchestra_pit_core::call::{self, Site};
use orchestra_pit_core::commands::{Check, Commands};
use orchestra_pit_core::id::{Hash, Oid, RunId};
use orchestra_pit_core::path::RepoPath;
use orchestra_pit_core::policy::Scope;

use crate::repository::{folder, git};
use crate::row::{Pairs, Reach, Row};
use crate::{Asked, Result};

/// Crates with their own tests, and a file of each that is changed by a line: one without dependencies, one with some, one with
/// many. What is measured is what need not be built again, so they are not such whose tests take longer than their build.
const CRATES: &[(&str, &str, &str)] = &[
    ("csv-core", "0.1.13", "src/lib.rs"),
    ("globset", "0.4.21", "src/lib.rs"),
    ("toml", "1.2.2+spec-1.1.0", "src/lib.rs"),
];
/// Agents that share a disk.
const AGENTS: u8 = 8;
const TEST: &[&str] = &["cargo", "test", "--offline", "--quiet"];

pub fn rows(_: &Asked) -> Result<Vec<Row>> {
    let [mut first, mut warm, mut changed, mut disk] = [(); 4].map(|()| Pairs::default());
    for (name, version, file) in CRATES {
        eprintln!("  cargo test of {name} {version}");
        let bench = Bench::new(name, version)?;
        bench.measure(file, [&mut first, &mut warm, &mut changed, &mut disk])?;
    }
    let names: Vec<String> = CRATES.iter().map(|(name, version, _)| format!("{name} {version}")).collect();
    let (figure, names) = (first.each(|ours, theirs| theirs / ours), names.join(", "));
    let one = first.row("an agent's first `cargo test`", "s", "× faster", figure, Reach::AtLeast(5.0));
    let figure = changed.each(|ours, theirs| ours / theirs);
    let two = changed.row("the next, with one line changed", "s", "×", figure, Reach::AtMost(1.2));
    let figure = disk.each(|ours, theirs| ours / theirs * 100.0);
    let three = disk.row("the disk of eight agents that ran them", "MiB", "%", figure, Reach::AtMost(10.0));
    let least = warm.each(|ours, theirs| ours / theirs).middle;
    let least = format!("ours takes {least:.2} × what it takes where all is built, in an ordinary checkout");
    Ok(vec![
        one.note(format!("baseline: git worktree add and the same there; {names}; {least}")),
        two.note("baseline: the same in an ordinary checkout that was tested before".to_owned()),
        three.note(
            "baseline: eight work trees that were tested; the base, which all share, is counted to neither".to_owned(),
        ),
    ])
}

/// One crate as a repository.
struct Bench {
    repo: tempfile::TempDir,
    cache: tempfile::TempDir,
    workspaces: Arc<Workspaces>,
    exec: Exec,
    runtime: tokio::runtime::Runtime,
    commands: Arc<Commands>,
    base: Oid,
}

impl Bench {
    fn new(name: &str, version: &str) -> Result<Self> {
        let (dir, cache) = (folder()?, folder()?);
        unpack(name, version, dir.path())?;
        std::fs::write(dir.path().join(".gitignore"), "/target\n")?;
        git(dir.path(), &["init", "-q", "-b", "main"])?;
        git(dir.path(), &["add", "-A"])?;
        git(dir.path(), &["-c", "user.name=B", "-c", "user.email=b@example.org", "commit", "-qm", "x"])?;
        let repo = Arc::new(Repo::open(dir.path())?);
        let base = repo.head()?.commit;
        let workspaces = Arc::new(Workspaces::new(repo));
        let machine = Machine::new(cache.path().to_owned(), home());
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let check = Check {
            name: "test".into(),
            run: TEST.iter().map(|word| (*word).to_owned()).collect(),
            dir: None,
            required: true,
            timeout: 600_000_000,
            env: Default::default(),
            flaky: Vec::new(),
            reports: Default::default(),
        };
        let commands = Arc::new(Commands {
            checks: [("full".to_owned(), vec![check])].into(),
            warm: vec![RepoPath::new("target")?],
            tools: vec!["cargo".into(), "rustup".into()],
            ..Commands::default()
        });
        let exec = Exec::new(workspaces.clone(), Some(machine));
        Ok(Self { repo: dir, cache, workspaces, exec, runtime, commands, base })
    }

    fn measure(&self, file: &str, [first, warm, changed, disk]: [&mut Pairs; 4]) -> Result<()> {
        let tree = self.workspaces.repo().tree_of(self.base).map_err(|e| e.message)?;
        // As the host does before any result is judged: the base once, and what it built is below every agent's.
        let case = Case { tree, base: tree, commit: self.base, level: "full".into(), within: None };
        let judged = self.runtime.block_on(self.exec.judge(case, self.commands.clone(), &|_| {}));
        let judged = judged.map_err(|e| e.message)?;
        if judged.verdict.kind() != orchestra_pit_core::check::verdict::Kind::Green {
            return Err(format!("the tests of the base fail: {}", judged.verdict.line()).into());
        }
        let before = size(self.cache.path())?;
        let ours = timed(|| self.run(1))?;
        // One crate's will do: eight builds by hand take minutes.
        let agents = if disk.ours.is_empty() { AGENTS } else { 1 };
        (2..=agents).try_for_each(|agent| self.run(agent))?;
        let ours_disk = size(self.cache.path())?.saturating_sub(before);
        let path = RepoPath::new(file)?;
        let text = std::fs::read_to_string(self.repo.path().join(file))?;
        let line = format!("{text}\n// A line more.\n");
        let bytes = line.clone().into_bytes().into();
        let write = workspace::Call::Write { path, bytes, expect: None, executable: None };
        self.workspaces.call(&site(1), &write, &Scope::all()).map_err(|e| e.message)?;
        let ours_changed = timed(|| self.run(1))?;

        let at = |n: u8| self.cache.path().with_extension(format!("tree-{n}"));
        let theirs = timed(|| self.by_hand(&at(1)))?;
        // The ordinary checkout: warm, and then with the same line more.
        let here = self.repo.path();
        test(here)?;
        warm.add(ours, timed(|| test(here))?);
        std::fs::write(here.join(file), line)?;
        let theirs_changed = timed(|| test(here))?;
        (2..=agents).try_for_each(|n| self.by_hand(&at(n)))?;
        let theirs_disk = (1..=agents).map(|n| size(&at(n))).sum::<Result<u64>>()?;
        (1..=agents).try_for_each(|n| std::fs::remove_dir_all(at(n)))?;
        first.add(ours, theirs);
        changed.add(ours_changed, theirs_changed);
        if agents == AGENTS {
            disk.add(ours_disk as f64 / 1048576.0, theirs_disk as f64 / 1048576.0);
        }
        Ok(())
    }

    /// An agent's command.
    fn run(&self, agent: u8) -> Result<()> {
        let site = site(agent);
        self.workspaces.open(site.run, self.base, &site.branch).map_err(|e| e.message)?;
        let argv = TEST.iter().map(|word| (*word).to_owned()).collect();
        let command =
            exec::Command { argv, dir: None, env: Vec::new(), stdin: Vec::new().into(), timeout_ms: None, limit: 0 };
        let call = Call::Run(command);
        let all = Scope::all();
        let answer = self.exec.call(&site, &call, &all, self.commands.clone(), &|_| {});
        match self.runtime.block_on(answer).map_err(|e| e.message)? {
            call::Value::Exec(Value::Ran(ran)) if ran.ended == Ended::Exited(0) => Ok(()),
            other => Err(format!("the tests fail: {other:?}").into()),
        }
    }

    fn by_hand(&self, at: &Path) -> Result<()> {
        git(self.repo.path(), &["worktree", "add", "-q", "--detach", &at.display().to_string()])?;
        test(at)
    }
}

fn timed(work: impl FnOnce() -> Result<()>) -> Result<f64> {
    let since = Instant::now();
    work()?;
    Ok(since.elapsed().as_secs_f64())
}

fn site(agent: u8) -> Site {
    let run = RunId([agent; 16]);
    let branch = format!("refs/heads/pit/bench-{agent}");
    Site { run, tree: run, parent: None, agent: Hash::NONE, agent_name: "bench@1".into(), branch, model: None }
}

fn home() -> Option<Home> {
    let folder = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|folder| folder.is_absolute());
    let elsewhere = VARIABLES.iter().filter_map(|(name, first)| Some((*first, folder(name)?))).collect();
    folder("HOME").map(|folder| Home { folder, elsewhere })
}

/// Runs the tests as one does without pit.
fn test(at: &Path) -> Result<()> {
    let mut cargo = Command::new(TEST[0]);
    let done = clean(cargo.args(&TEST[1..]).current_dir(at)).output()?;
    if done.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&done.stderr).into()) }
}

/// Without what the cargo that started this tells those that it starts.
fn clean(command: &mut Command) -> &mut Command {
    for (name, _) in std::env::vars_os().filter(|(name, _)| {
        let name = name.to_string_lossy();
        name.starts_with("CARGO") && name != "CARGO_HOME" || name == "RUSTUP_TOOLCHAIN" || name == "RUSTFLAGS"
    }) {
        command.env_remove(name);
    }
    command.stdin(Stdio::null())
}

/// The sources of a crate and of all that its tests depend on, as the registry has them.
fn unpack(name: &str, version: &str, to: &Path) -> Result<()> {
    let probe = folder()?;
    let write = |path: &str, text: &str| -> Result<()> {
        let path = probe.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap_or(&path))?;
        Ok(std::fs::write(path, text)?)
    };
    let manifest = "[package]\nname = \"probe\"\nedition = \"2021\"\n[workspace]\n[dependencies]\n";
    write("Cargo.toml", &format!("{manifest}{name} = \"={version}\"\n"))?;
    write("src/lib.rs", "")?;
    let fetch = |at: &Path| -> Result<()> {
        let done = clean(Command::new("cargo").args(["fetch", "--quiet"]).current_dir(at)).output()?;
        if done.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&done.stderr).into()) }
    };
    fetch(probe.path())?;
    let own = home().ok_or("no HOME")?;
    let cargo = std::env::var_os("CARGO_HOME").map_or_else(|| own.folder.join(".cargo"), PathBuf::from);
    let crates = std::fs::read_dir(cargo.join("registry/src"))?.flatten();
    let sources = crates.map(|index| index.path().join(format!("{name}-{version}"))).find(|path| path.is_dir());
    let done = Command::new("cp").arg("-rT").arg(sources.ok_or("not unpacked")?).arg(to).status()?;
    if !done.success() {
        return Err("cp failed".into());
    }
    // A package by itself, wherever it lies.
    let path = to.join("Cargo.toml");
    let text = std::fs::read_to_string(&path)?;
    std::fs::write(path, if text.contains("[workspace]") { text } else { format!("{text}\n[workspace]\n") })?;
    fetch(to)
}

/// Bytes that a folder takes on the disk, once what is removed beside is gone.
fn size(folder: &Path) -> Result<u64> {
    settle(Duration::from_secs(60));
    let out = Command::new("du").args(["-s", "-B1"]).arg(folder).output()?;
    let text = String::from_utf8_lossy(&out.stdout);
    Ok(text.split_whitespace().next().ok_or("du said nothing")?.parse()?)
}
