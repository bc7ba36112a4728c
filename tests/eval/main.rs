//! How well the agents do a dozen small tasks of our own, through `pit run` as a person would type it. What counts as
//! solved is decided by checks that no agent sees. `cargo xtask eval` builds all of it and starts this.
//!
//! A check runs what a model wrote, on the machine itself: it is for machines that can be thrown away.

#![expect(clippy::disallowed_methods, reason = "a developer's tool: it makes repositories and starts programs")]

use serde::Deserialize;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

/// The name of the small model that xtask brings along, and of its server in the configuration.
const SMALL: &str = "smollm2";

/// US dollars that one task may cost, unless the person says otherwise.
const MOST: &str = "1";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &[String]) -> Result<(), String> {
    let wanted = Wanted::read(args)?;
    let small = if wanted.model == SMALL { Some(Server::start()?) } else { None };
    let mut all = Vec::new();
    println!("{:<18} {:<8} {:>5} {:>9} {:>9} {:>7}", "task", "", "turns", "tokens", "cost", "time");
    for task in tasks(&wanted.names)? {
        let done = attempt(&task, &wanted, small.as_ref())?;
        done.show(&task.name);
        all.push(done);
    }
    let solved = all.iter().filter(|one| one.solved).count();
    let cost: Option<f64> = all.iter().map(|one| one.usd).sum();
    let cost = cost.map_or_else(|| "?".to_owned(), |usd| format!("${usd:.2}"));
    let tokens: u64 = all.iter().map(|one| one.tokens).sum();
    println!("\n{solved} of {} solved by {}, {tokens} tokens, {cost}", all.len(), wanted.model);
    if small.is_some() {
        println!(
            "{SMALL} has 135 million parameters and is given one prepared line: this is a floor, not a measure of the agents."
        );
    }
    Ok(())
}

/// What the person asks for.
struct Wanted {
    model: String,
    /// Handed on to `pit run`.
    rest: Vec<String>,
    /// Tasks; none named is all.
    names: Vec<String>,
}

impl Wanted {
    fn read(args: &[String]) -> Result<Self, String> {
        let usage = || format!("cargo xtask eval --model provider/model|{SMALL} [TASK]… [-- FLAGS OF pit run]");
        let (mine, rest) = match args.iter().position(|arg| arg == "--") {
            Some(at) => args.split_at(at),
            None => (args, &[][..]),
        };
        let mut wanted = Self { model: String::new(), rest: rest.iter().skip(1).cloned().collect(), names: Vec::new() };
        let mut mine = mine.iter();
        while let Some(arg) = mine.next() {
            match arg.as_str() {
                "--model" | "-m" => wanted.model = mine.next().cloned().ok_or_else(usage)?,
                flag if flag.starts_with('-') => return Err(usage()),
                name => wanted.names.push(name.to_owned()),
            }
        }
        if wanted.model.is_empty() { Err(usage()) } else { Ok(wanted) }
    }
}

/// A task: what the agents get, and what they do not see.
struct Task {
    name: String,
    folder: PathBuf,
}

fn tasks(names: &[String]) -> Result<Vec<Task>, String> {
    let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("eval");
    let entries = fs::read_dir(&home).map_err(|error| format!("{}: {error}", home.display()))?;
    let task = |folder: PathBuf| {
        let name = folder.file_name()?.to_str()?.to_owned();
        folder.is_dir().then_some(Task { name, folder })
    };
    let mut all: Vec<Task> = entries.filter_map(|entry| task(entry.ok()?.path())).collect();
    all.sort_by(|a, b| a.name.cmp(&b.name));
    if let Some(name) = names.iter().find(|name| !all.iter().any(|task| task.name == **name)) {
        let known = all.iter().map(|task| task.name.as_str()).collect::<Vec<_>>().join(", ");
        return Err(format!("there is no task {name}; there are {known}"));
    }
    all.retain(|task| names.is_empty() || names.contains(&task.name));
    Ok(all)
}

/// What came of one task.
#[derive(Default)]
struct Done {
    solved: bool,
    turns: u64,
    tokens: u64,
    /// None if the model's price is not known.
    usd: Option<f64>,
    time: Duration,
    /// The word for how the run ended.
    state: String,
}

impl Done {
    fn show(&self, name: &str) {
        let said = if self.solved { "solved" } else { "-" };
        let cost = self.usd.map_or_else(|| "?".to_owned(), |usd| format!("${usd:.4}"));
        let time = format!("{:.1} s", self.time.as_secs_f64());
        println!("{name:<18} {said:<8} {:>5} {:>9} {cost:>9} {time:>7}  {}", self.turns, self.tokens, self.state);
    }
}

/// The last object that `pit run -o json` prints, as far as it counts here.
#[derive(Deserialize)]
struct Envelope {
    state: String,
    #[serde(default)]
    branch: String,
    #[serde(default)]
    spent: Spent,
    #[serde(default)]
    runs: Vec<Run>,
}

#[derive(Default, Deserialize)]
struct Spent {
    micro_usd: Option<u64>,
    tokens: u64,
}

#[derive(Deserialize)]
struct Run {
    turns: u64,
}

fn attempt(task: &Task, wanted: &Wanted, small: Option<&Server>) -> Result<Done, String> {
    let dir = tempfile::tempdir().map_err(|error| error.to_string())?;
    let stage = dir.path().join(&task.name);
    lay(&stage, &[&task.folder.join("start")])?;
    fs::copy(task.folder.join("SPEC.md"), stage.join("SPEC.md")).map_err(|error| error.to_string())?;
    for args in [&["init", "-q", "-b", "main"][..], &["add", "-A"], &["commit", "-qm", "Begin"]] {
        git(&stage, args)?;
    }
    let start = Instant::now();
    let mut pit = Command::new(pit()?);
    pit.args(["run", "SPEC.md", "-o", "json", "--approval-mode", "refuse"]).current_dir(&stage).stdin(Stdio::null());
    match small {
        Some(server) => pit.args(["--solo", "-m", "llama-server/smollm2"]).env("XDG_CONFIG_HOME", server.config.path()),
        None => pit.args(["-m", &wanted.model, "--max-budget-usd", MOST]),
    };
    let output = pit.args(&wanted.rest).output().map_err(|error| format!("pit does not start: {error}"))?;
    let time = start.elapsed();
    let said = String::from_utf8_lossy(&output.stdout);
    let Some(envelope) = said.lines().last().and_then(|line| serde_json::from_str::<Envelope>(line).ok()) else {
        return Err(format!("{}: pit said no result:\n{}", task.name, String::from_utf8_lossy(&output.stderr)));
    };
    let solved =
        envelope.branch.starts_with("refs/") && git(&stage, &["checkout", "-q", "--detach", &envelope.branch]).is_ok();
    Ok(Done {
        solved: solved && check(task, &stage)?,
        turns: envelope.runs.iter().map(|run| run.turns).sum(),
        tokens: envelope.spent.tokens,
        usd: envelope.spent.micro_usd.map(|micro| micro as f64 / 1e6),
        time,
        state: envelope.state,
    })
}

/// Runs a task's check in a folder with a result.
fn check(task: &Task, result: &Path) -> Result<bool, String> {
    let mut check = Command::new("sh");
    check.arg(task.folder.join("check.sh")).current_dir(result);
    let done = check.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    Ok(done.map_err(|error| format!("sh does not start: {error}"))?.success())
}

/// A new folder with the files of others, the later over the earlier.
fn lay(folder: &Path, from: &[&Path]) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(failed)?;
    }
    fs::create_dir_all(folder).map_err(failed)?;
    from.iter().try_for_each(|from| copy(from, folder).map_err(failed))
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            fs::create_dir_all(&to)?;
            copy(&entry.path(), &to)?;
        } else {
            fs::copy(entry.path(), to)?;
        }
    }
    Ok(())
}

fn git(at: &Path, args: &[&str]) -> Result<(), String> {
    let mut git = Command::new("git");
    git.args(["-c", "user.name=Eval", "-c", "user.email=eval@example.org"]).args(args).current_dir(at);
    let output = git.output().map_err(|error| format!("git does not start: {error}"))?;
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

/// The program under test: where cargo puts it, above its examples.
fn pit() -> Result<PathBuf, String> {
    let me = std::env::current_exe().map_err(|error| error.to_string())?;
    me.ancestors()
        .nth(2)
        .map(|folder| folder.join("pit"))
        .filter(|pit| pit.is_file())
        .ok_or_else(|| "pit is not built".into())
}

/// The small model's server, with a configuration that names it. It ends when its standard input does.
struct Server {
    config: tempfile::TempDir,
    _process: std::process::Child,
}

impl Server {
    fn start() -> Result<Self, String> {
        let place =
            |name: &str| std::env::var_os(name).ok_or_else(|| format!("{name} is not set; type: cargo xtask eval"));
        let (server, model) = (place("PIT_TEST_LLAMA_SERVER")?, place("PIT_TEST_LLAMA_MODEL")?);
        let failed = |error: std::io::Error| format!("the small model's server does not start: {error}");
        // Free a moment ago; the server has no way to say which port it got.
        let port =
            std::net::TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).map_err(failed)?.port();
        let config = tempfile::tempdir().map_err(failed)?;
        let folder = config.path().join("orchestra-pit");
        fs::create_dir_all(&folder).map_err(failed)?;
        let text = format!(
            "[provider.llama-server]\nprotocol = \"chat\"\nurl = \"http://127.0.0.1:{port}/v1\"\n\
             [[family]]\nmatch = [\"smollm*\"]\ncontext = 2048\n"
        );
        fs::write(folder.join("config.toml"), text).map_err(failed)?;
        let mut command = Command::new(server);
        command.arg(model).arg(port.to_string()).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let process = command.spawn().map_err(failed)?;
        for _ in 0..600 {
            if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return Ok(Self { config, _process: process });
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Err("the small model's server does not listen".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A check that passes on anything, or on nothing, measures nothing.
    #[test]
    fn each_check_fails_before_and_passes_after_the_solution() {
        let tasks = tasks(&[]).unwrap();
        assert_eq!(tasks.len(), 12);
        for task in tasks {
            let dir = tempfile::tempdir().unwrap();
            let stage = dir.path().join(&task.name);
            let (start, solution) = (task.folder.join("start"), task.folder.join("solution"));
            lay(&stage, &[&start]).unwrap();
            assert!(!check(&task, &stage).unwrap(), "{} is solved before anything is done", task.name);
            lay(&stage, &[&start, &solution]).unwrap();
            assert!(check(&task, &stage).unwrap(), "{} is not solved by its own solution", task.name);
        }
    }
}
