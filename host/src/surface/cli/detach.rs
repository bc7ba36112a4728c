//! `-d`: a run whose host has no terminal. The command starts itself again in a session of its own and says what it is called.

#![expect(
    clippy::disallowed_methods,
    reason = "starts this very program again, and opens the file that it writes to instead of a terminal"
)]

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use orchestra_pit_core::id::RunId;
use orchestra_pit_core::text::{clean, clean_lines};

use super::Failure;
use super::open::Place;
use super::out::{self, note, out};
use super::setting;
use crate::assemble;
use crate::config::file;
use crate::effect::store::Repo;
use crate::surface::exit::Exit;

/// How often it is looked whether the host has begun.
const LOOK: Duration = Duration::from_millis(20);
/// Bytes of what a host said before it failed.
const SAID: u64 = 64 << 10;

/// What the person says with `-d`.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub struct DetachArgs {
    /// Works without a terminal: `pit attach` shows it, and questions are answered there or by `pit answer`, `approve`, `reject`.
    #[arg(short, long)]
    pub detach: bool,
}

/// Where a host without a terminal writes.
fn path(repo: &Repo, tree: RunId) -> Result<PathBuf, std::io::Error> {
    let logs = repo.state().join("logs");
    file::private_dir(&logs)?;
    Ok(logs.join(format!("{tree}.log")))
}

/// The file that a host writes to which has no terminal, or has lost it. Only this user can read it.
pub fn log(repo: &Repo, tree: RunId) -> Result<File, std::io::Error> {
    File::options().create(true).append(true).read(true).mode(0o600).open(path(repo, tree)?)
}

/// Starts the host of a tree in a session of its own, and waits until it has begun.
pub async fn start(at: &Place, tree: RunId, attended: bool) -> Result<Exit, Failure> {
    let repo = at.repo()?;
    // Made if it is not there: it is looked into until the host has begun to write.
    let journal = assemble::journal(&repo)?;
    let mut log = log(&repo, tree)?;
    let from = log.seek(SeekFrom::End(0))?;
    let before = journal.trees().await?.iter().find(|row| row.first.tree == tree).map(|row| row.epoch);
    let mut host = Command::new(std::env::current_exe()?);
    host.arg("--hosts").arg(tree.to_string());
    if attended {
        host.arg("--attended");
    }
    host.args(std::env::args_os().skip(1)).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log.try_clone()?);
    let mut host = host.spawn()?;
    let id = tree.short();
    loop {
        let begun = journal.trees().await?.iter().find(|row| row.first.tree == tree).map(|row| row.epoch);
        if begun > before {
            before_it_began(&said(&mut log, from)?);
            out!("{id}");
            note!("  next       pit attach {id} shows it · pit status {id} · pit cancel {id} stops it");
            return Ok(Exit::Done);
        }
        if let Some(status) = host.try_wait()? {
            out::ask(format_args!("{}", clean_lines(&said(&mut log, from)?)));
            let exit = status.code().and_then(|code| u8::try_from(code).ok()).and_then(Exit::from_code);
            return Ok(exit.unwrap_or(Exit::Failed));
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// What a host has written since it was started.
fn said(log: &mut File, from: u64) -> Result<String, Failure> {
    log.seek(SeekFrom::Start(from))?;
    let mut said = Vec::new();
    log.take(SAID).read_to_end(&mut said)?;
    Ok(String::from_utf8_lossy(&said).into_owned())
}

/// Passes on what a host said up to the first line of its run: who is asked, what it costs at most, what leaves the machine.
fn before_it_began(said: &str) {
    let lines: Vec<&str> = said.lines().collect();
    let first = lines.iter().position(|line| setting::is_first(line)).unwrap_or_default();
    lines
        .iter()
        .take(first + 1)
        .filter(|line| setting::is_first(line) || first > 0)
        .for_each(|line| out::told(&clean(line)));
}

/// Leaves the terminal's session, so that whatever becomes of it is nothing to this process.
pub fn leave_session() {
    // A process that leads a group already has a session of its own.
    let _ = rustix::process::setsid();
}
