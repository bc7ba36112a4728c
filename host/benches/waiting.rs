//! Row: what a thousand coders take that have made their first model call and wait for the second.
//!
//! They live in a process of their own, which measures itself, so that nothing else of this program is in the figure.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use orchestra_pit::run::Tree;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::repository::folder;
use crate::row::{Middle, Reach, Row};
use crate::server::{Reply, Server};
use crate::{Asked, Result, host};

const CODERS: u32 = 1_000;
/// The hidden argument that makes this program the process of the coders.
pub const CHILD: &str = "__waiting";
/// Five minutes: each coder takes tens of milliseconds to come to its second call, and on a machine with other work as much again
/// for each of them.
const PATIENCE: u32 = 3_000;

pub fn rows(_: &Asked) -> Result<Vec<Row>> {
    enough_files()?;
    let folder = folder()?;
    let server =
        Server::start(vec![Reply::Call("read_file", r#"{"path":"src/lib.rs"}"#), Reply::Hold], Duration::ZERO)?;
    let mut child = Command::new(std::env::current_exe()?)
        .arg(CHILD)
        .arg(server.port.to_string())
        .arg(folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let all = (0..PATIENCE).any(|_| {
        std::thread::sleep(Duration::from_millis(100));
        server.asked().len() >= 2 * CODERS as usize
    });
    if !all {
        child.kill()?;
        child.wait()?;
        return Err(format!("{} of {} requests came", server.asked().len(), 2 * CODERS).into());
    }
    child.stdin.take().ok_or("no pipe")?.write_all(b"all wait\n")?;
    let mut said = String::new();
    BufReader::new(child.stdout.take().ok_or("no pipe")?).read_line(&mut said)?;
    child.wait()?;
    let said: Vec<f64> = said.split_whitespace().map(str::parse).collect::<std::result::Result<_, _>>()?;
    let [resident, own] = said[..] else { return Err("the coders' process said something else".into()) };
    // What the machine has of them: a page of an image that a thousand coders have mapped is there once.
    let row = Row::plain("1,000 waiting coders, memory", "MiB", Middle::one(own), Reach::AtMost(150.0));
    Ok(vec![row.note(format!(
        "each with an open request; pages that coders share counted for each of them, as RSS does, it is {resident:.0} MiB"
    ))])
}

/// Each waiting coder has a connection, on either side.
fn enough_files() -> Result<()> {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    Ok(setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })?)
}

/// The coders' process: starts them, waits for a word, says what they take.
pub fn child() -> Result<()> {
    enough_files()?;
    let mut args = std::env::args().skip(2);
    let (Some(port), Some(folder)) = (args.next(), args.next()) else { return Err("port and folder".into()) };
    let runtime = host::runtime()?;
    runtime.block_on(async {
        let pit = host::pit(Path::new(&folder), port.parse()?, CODERS as usize)?;
        let before = memory()?;
        let mut trees = Vec::new();
        for n in 0..CODERS {
            trees.push(Tree::start(pit.host.clone(), host::coder(&pit, n)?).await?);
        }
        tokio::task::spawn_blocking(|| std::io::stdin().lock().read_line(&mut String::new())).await??;
        let after = memory()?;
        println!("{} {}", after[0] - before[0], after[1] - before[1]);
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
    })?;
    // A thousand coders need not be stopped one by one.
    std::process::exit(0)
}

/// MiB that are resident, and the same with what is mapped several times counted in parts.
fn memory() -> Result<[f64; 2]> {
    let rollup = std::fs::read_to_string("/proc/self/smaps_rollup")?;
    let of = |name: &str| -> Result<f64> {
        let line = rollup.lines().find_map(|line| line.strip_prefix(name)?.split_whitespace().next());
        Ok(line.ok_or("the system does not say what is resident")?.parse::<f64>()? / 1024.0)
    };
    Ok([of("Rss:")?, of("Pss:")?])
}
