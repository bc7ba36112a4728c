//! A stage: one command, its noise put aside. The screen shows what it is for and how long it takes; what it wrote is
//! shown, whole, if it fails.

use crate::place;
use std::env;
use std::fs::{self, File};
use std::io::{self, IsTerminal, Write};
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Short enough that a stage that has nothing to do does not feel like one.
const LOOK: Duration = Duration::from_millis(20);

/// The cargo that runs this tool.
pub fn cargo(args: &[&str]) -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(args).current_dir(place::root());
    // What cargo told this tool of itself: a crate that looks at such variables would be built anew for each caller.
    for name in env::vars_os().map(|(name, _)| name).filter(|name| name.to_string_lossy().starts_with("CARGO_PKG_")) {
        cargo.env_remove(name);
    }
    cargo.env_remove("CARGO_MANIFEST_DIR").env_remove("CARGO_MANIFEST_PATH");
    cargo
}

/// Runs a command that must succeed.
pub fn run(title: &str, command: &mut Command) -> Result<(), String> {
    let (status, said) = watch(title, command)?;
    if status.success() {
        return Ok(());
    }
    eprint!("{said}");
    Err(format!("{title}: {} ended with {status}", shown(command)))
}

/// Runs a command that may fail: answers how it ended and all it wrote, both of its streams in the order of writing.
pub fn watch(title: &str, command: &mut Command) -> Result<(ExitStatus, String), String> {
    // One file takes both streams, so that nothing has to read two pipes at once.
    let log = place::own(&format!("stage-{}.log", std::process::id()));
    fs::create_dir_all(place::own("")).map_err(|error| format!("{}: {error}", place::own("").display()))?;
    let file = File::create(&log).map_err(|error| format!("{}: {error}", log.display()))?;
    let also = file.try_clone().map_err(|error| error.to_string())?;

    let start = Instant::now();
    let line = Line::begin(title);
    let mut child = command
        .stdin(Stdio::null())
        .stdout(file)
        .stderr(also)
        .spawn()
        .map_err(|error| format!("{title}: {} does not start: {error}", shown(command)))?;
    let status = loop {
        if let Some(status) = child.try_wait().map_err(|error| error.to_string())? {
            break status;
        }
        line.tick(start.elapsed());
        thread::sleep(LOOK);
    };
    line.end(start.elapsed(), status.success());
    let said = fs::read(&log).map_err(|error| format!("{}: {error}", log.display()))?;
    fs::remove_file(&log).map_err(|error| format!("{}: {error}", log.display()))?;
    Ok((status, String::from_utf8_lossy(&said).into_owned()))
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// The stage's line on standard error: rewritten on a terminal, written in two pieces elsewhere.
struct Line<'a> {
    title: &'a str,
    terminal: bool,
}

impl<'a> Line<'a> {
    fn begin(title: &'a str) -> Self {
        let terminal = io::stderr().is_terminal();
        if !terminal {
            eprint!("{title:<44}");
        }
        Line { title, terminal }
    }

    fn tick(&self, elapsed: Duration) {
        if self.terminal {
            eprint!("\r{:<44}{:>7} s", self.title, elapsed.as_secs());
            // A terminal that has gone away is no reason to stop.
            let _ = io::stderr().flush();
        }
    }

    fn end(&self, elapsed: Duration, success: bool) {
        if self.terminal {
            eprint!("\r{:<44}", self.title);
        }
        eprintln!("{:>7.1} s{}", elapsed.as_secs_f32(), if success { "" } else { "   failed" });
    }
}
