//! Rows: what a hand feels, with `pit` as a program of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use crate::repository::{folder, git, make};
use crate::row::{Middle, Pairs, Reach, Row};
use crate::server::{FINISH, Reply, Server};
use crate::{Asked, Result};

/// Starts of a short command.
const STARTS: usize = 21;
/// Runs on the large repository.
const RUNS: usize = 7;
/// Runs that `status` and `ls` find on record.
const RECORDED: usize = 10;
const FILES: usize = 60_000;
/// How long an idle host is watched.
const WATCHED: Duration = Duration::from_secs(5);

pub fn rows(_: &Asked) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    rows.extend(on_a_large_repository()?);
    rows.extend(with_and_without_a_host()?);
    Ok(rows)
}

/// A repository, a home, and a model to ask.
struct Desk {
    folder: tempfile::TempDir,
    server: Server,
}

impl Desk {
    fn new(files: usize, replies: Vec<Reply>) -> Result<Self> {
        let folder = folder()?;
        let server = Server::start(replies, Duration::from_millis(50))?;
        let configuration = folder.path().join("home/.config/orchestra-pit");
        fs::create_dir_all(&configuration)?;
        let text = format!(
            "schema = 1\n[models]\ndefault = \"bench/model\"\n[provider.bench]\nprotocol = \"chat\"\n\
             url = \"http://127.0.0.1:{}/v1\"\n",
            server.port
        );
        fs::write(configuration.join("config.toml"), text)?;
        let desk = Self { folder, server };
        fs::create_dir_all(desk.repo())?;
        make(&desk.repo(), files)?;
        git(&desk.repo(), &["reset", "-q", "--hard"])?;
        Ok(desk)
    }

    fn repo(&self) -> PathBuf {
        self.folder.path().join("repo")
    }

    /// A command line, in an environment with nothing of whoever measures.
    fn command(&self, program: impl AsRef<Path>, args: &[&str]) -> Command {
        let mut command = Command::new(program.as_ref());
        command
            .args(args)
            .current_dir(self.repo())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.folder.path().join("home"))
            .env("XDG_RUNTIME_DIR", self.folder.path().join("run"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    fn pit(&self, args: &[&str]) -> Command {
        self.command(env!("CARGO_BIN_EXE_pit"), args)
    }

    /// Starts a short command often, in turns with the shortest there is: what a process costs on this machine now.
    fn often(&self, what: &'static str, args: &[&str], most: f64) -> Result<Row> {
        let mut pairs = Pairs::default();
        for round in 0..=STARTS {
            let (ours, plain) = (timed(&mut self.pit(args))?, timed(&mut self.command("true", &[]))?);
            if round > 0 {
                pairs.add(ours, plain);
            }
        }
        Ok(pairs.row(what, "ms", "ms", Middle::of(&pairs.ours), Reach::AtMost(most)).note("baseline: true"))
    }

    /// Runs a task to its end: milliseconds to the first request, and from the last token to the commit.
    fn task(&self) -> Result<[f64; 2]> {
        self.server.forget();
        let known = branches(&self.repo());
        let begin = SystemTime::now();
        let ended = self.pit(&["run", "--solo", "Make a file."]).status()?;
        let asked = self.server.asked();
        let (Some(first), Some(last)) = (asked.first(), asked.last().and_then(|last| last.answered)) else {
            return Err(format!("pit run asked nothing and ended with {ended}").into());
        };
        let mut new = branches(&self.repo()).into_iter().filter(|path| !known.contains(path));
        let branch = new.next().ok_or_else(|| format!("pit run made no branch and ended with {ended}"))?;
        let committed = fs::metadata(branch)?.modified()?;
        let since = |from: SystemTime, to: SystemTime| to.duration_since(from).unwrap_or_default().as_secs_f64() * 1e3;
        Ok([since(begin, first.at), since(last, committed)])
    }
}

/// The files of the branches that runs have made.
fn branches(repo: &Path) -> Vec<PathBuf> {
    let found = fs::read_dir(repo.join(".git/refs/heads/pit")).into_iter().flatten();
    found.filter_map(|entry| Some(entry.ok()?.path())).collect()
}

/// Milliseconds until a command has ended, well.
fn timed(command: &mut Command) -> Result<f64> {
    let start = Instant::now();
    let status = command.status()?;
    let took = start.elapsed();
    if status.success() { Ok(took.as_secs_f64() * 1e3) } else { Err(format!("{command:?}: {status}").into()) }
}

fn on_a_large_repository() -> Result<Vec<Row>> {
    let replies =
        vec![Reply::Call("create_file", r#"{"path":"made.txt","text":"made\n"}"#), Reply::Call("finish", FINISH)];
    let desk = Desk::new(FILES, replies)?;
    let (mut first, mut last) = (Pairs::default(), Vec::new());
    for round in 0..=RUNS {
        let [asked, committed] = desk.task()?;
        let status = timed(&mut desk.command("git", &["status", "--porcelain"]))?;
        if round > 0 {
            first.add(asked, status);
            last.push(committed);
        }
    }
    let asked = Middle::of(&first.ours);
    Ok(vec![
        desk.often("pit --help", &["--help"], 20.0)?,
        first
            .row("Enter to the first request, 60,000 files", "ms", "ms", asked, Reach::AtMost(300.0))
            .note("baseline: git status on the same repository"),
        Row::plain("last token to commit, 60,000 files", "ms", Middle::of(&last), Reach::AtMost(100.0))
            .note("by the time of the branch's file, which the system keeps to a few milliseconds"),
    ])
}

fn with_and_without_a_host() -> Result<Vec<Row>> {
    let done =
        vec![Reply::Call("create_file", r#"{"path":"made.txt","text":"made\n"}"#), Reply::Call("finish", FINISH)];
    let desk = Desk::new(100, done)?;
    for _ in 0..RECORDED {
        desk.task()?;
    }
    // The last run has another model, which asks.
    let asking = Server::start(vec![Reply::Call("ask_person", r#"{"question":"Which colour?"}"#)], Duration::ZERO)?;
    let configuration = desk.folder.path().join("home/.config/orchestra-pit/config.toml");
    let text = fs::read_to_string(&configuration)?;
    fs::write(&configuration, text.replace(&desk.server.port.to_string(), &asking.port.to_string()))?;
    let host = Running(desk.pit(&["run", "--solo", "Paint it.", "--approval-mode", "ask"]).spawn()?);
    until_asked(&desk)?;
    let mut rows = vec![idle(&host.0)?];
    rows.push(desk.often("pit status, a host at work", &["status"], 50.0)?);
    rows.push(desk.often("pit ls, a host at work", &["ls"], 50.0)?);
    drop(host);
    rows.push(desk.often("pit status, no host", &["status"], 50.0)?);
    rows.push(desk.often("pit ls, no host", &["ls"], 50.0)?);
    Ok(rows)
}

/// A host that ends with its value.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits until the run's agent waits for a person.
fn until_asked(desk: &Desk) -> Result<()> {
    for _ in 0..100 {
        let said = desk.pit(&["status", "--json"]).stdout(Stdio::piped()).output()?;
        let status: serde_json::Value = serde_json::from_slice(&said.stdout)?;
        if status["runs"][0]["asks"].is_string() {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    Err("no agent asked anything".into())
}

fn idle(host: &Child) -> Result<Row> {
    // What was begun by the question is over.
    std::thread::sleep(Duration::from_secs(1));
    let (begin, before) = (Instant::now(), worked(host.id())?);
    std::thread::sleep(WATCHED);
    let worked = worked(host.id())?.saturating_sub(before);
    let percent = worked.as_secs_f64() / begin.elapsed().as_secs_f64() * 100.0;
    // Half of what a monitor shows as 0.1 %.
    let row = Row::plain("an idle host, waiting for a person", "% CPU", Middle::one(percent), Reach::AtMost(0.05));
    Ok(row.note(format!("{:.2} ms in {} s", worked.as_secs_f64() * 1e3, WATCHED.as_secs())))
}

/// How long a process has had a processor: to the nanosecond where the system keeps that, else in its ticks.
fn worked(process: u32) -> Result<Duration> {
    let mut nanos = 0;
    for task in fs::read_dir(format!("/proc/{process}/task"))? {
        match fs::read_to_string(task?.path().join("schedstat")) {
            Ok(text) => nanos += text.split(' ').next().unwrap_or_default().parse::<u64>()?,
            Err(_) => return ticks(process),
        }
    }
    Ok(Duration::from_nanos(nanos))
}

fn ticks(process: u32) -> Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The program's name, in parentheses, may have spaces.
    let (_, rest) = stat.rsplit_once(')').ok_or("no stat")?;
    let ticks: u64 = rest.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    // Linux counts in hundredths of a second for everybody, whatever its own clock does.
    Ok(Duration::from_millis(ticks * 10))
}
