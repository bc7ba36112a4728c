//! Ownership of a tree, and the way others reach its owner.
//!
//! The owner holds a lock on a file (released by the kernel, however the process ends) and listens on a private socket.
//! Commands do not travel over the socket: they are put into the journal's inbox, where nothing is lost, and the socket is
//! only the doorbell. In the other direction it carries one line for each thing that happens, for those who watch.

use std::fs::File;
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use orchestra_pit_core::id::RunId;
use rustix::fs::{FlockOperation, flock};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use super::command::Command;
use super::events::Live;
use super::tree::Tree;
use crate::effect::model::Delta;

/// Where owners leave their locks and doorbells.
#[derive(Clone, Debug)]
pub struct Bells {
    locks: PathBuf,
    bells: PathBuf,
}

/// Why a tree is not to be had.
#[derive(Debug, thiserror::Error)]
pub enum OwnerError {
    /// Another process is at work on it.
    #[error("another pit is at work on run {0}; `pit attach {0}` shows it")]
    Taken(String),
    /// The lock or the socket cannot be made.
    #[error("{what} {path}: {why}")]
    Machine {
        /// What failed.
        what: &'static str,
        /// Where.
        path: PathBuf,
        /// What the machine says.
        why: io::Error,
    },
}

/// The lease of a tree. Dropped, or with the process, it is free.
#[derive(Debug)]
pub struct Lease {
    _lock: File,
}

#[expect(clippy::disallowed_methods, reason = "the lease and the doorbell are files and sockets of the host's own")]
impl Bells {
    /// `locks` in the repository's `pit/` folder, `bells` in a private folder of the user's: a socket's path may only be
    /// about a hundred bytes long, and a repository's folder is not.
    pub fn new(locks: PathBuf, bells: PathBuf) -> Self {
        Self { locks, bells }
    }

    /// Takes the lease of a tree.
    pub fn take(&self, tree: RunId) -> Result<Lease, OwnerError> {
        let path = self.locks.join(format!("{tree}.lock"));
        let failed = |why| OwnerError::Machine { what: "cannot take the lease", path: path.clone(), why };
        std::fs::create_dir_all(&self.locks).map_err(failed)?;
        let lock = File::options().create(true).truncate(false).write(true).mode(0o600).open(&path).map_err(failed)?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Lease { _lock: lock }),
            Err(rustix::io::Errno::WOULDBLOCK) => Err(OwnerError::Taken(tree.short())),
            Err(errno) => Err(failed(errno.into())),
        }
    }

    /// Whether somebody is at work on a tree.
    pub fn owned(&self, tree: RunId) -> bool {
        matches!(self.take(tree), Err(OwnerError::Taken(_)))
    }

    /// Listens for a tree's doorbell.
    pub fn listen(&self, tree: RunId) -> Result<UnixListener, OwnerError> {
        let path = self.bell(tree);
        let failed = |why| OwnerError::Machine { what: "cannot listen on", path: path.clone(), why };
        private(&self.bells).map_err(failed)?;
        // Whoever holds the lease is the only owner: a socket that is there was left by a dead one.
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
        let listener = UnixListener::bind(&path).map_err(failed)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).map_err(failed)?;
        Ok(listener)
    }

    /// Rings a tree's doorbell: there is something in the inbox. False if nobody is there.
    pub async fn ring(&self, tree: RunId) -> bool {
        match UnixStream::connect(self.bell(tree)).await {
            Ok(mut stream) => stream.write_all(b"ring\n").await.is_ok(),
            Err(_) => false,
        }
    }

    /// Watches a tree: one line for each thing that happens. None if nobody is there.
    pub async fn watch(&self, tree: RunId) -> Option<tokio::io::Lines<BufReader<UnixStream>>> {
        let mut stream = UnixStream::connect(self.bell(tree)).await.ok()?;
        stream.write_all(b"watch\n").await.ok()?;
        Some(BufReader::new(stream).lines())
    }

    /// Removes the doorbell of a tree that is not owned any more.
    pub fn silence(&self, tree: RunId) {
        // Whoever comes next removes it otherwise.
        let _ = std::fs::remove_file(self.bell(tree));
    }

    fn bell(&self, tree: RunId) -> PathBuf {
        self.bells.join(format!("{tree}.sock"))
    }
}

/// Makes a folder that only this user can enter, and refuses one that is somebody else's.
#[expect(clippy::disallowed_methods, reason = "the doorbells' folder is the host's own")]
fn private(folder: &Path) -> io::Result<()> {
    match std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let meta = std::fs::symlink_metadata(folder)?;
    let mine = meta.is_dir() && meta.uid() == rustix::process::geteuid().as_raw() && meta.mode() & 0o077 == 0;
    if mine { Ok(()) } else { Err(io::Error::other("the folder belongs to somebody else, or others can enter it")) }
}

impl Tree {
    /// Answers the doorbell until the process ends: takes commands from the inbox, and tells watchers what happens.
    pub async fn answer_bell(self: Arc<Self>, listener: UnixListener) {
        self.take_commands().await;
        loop {
            let Ok((stream, _)) = listener.accept().await else {
                // Out of descriptors, most likely: those who ring will ring again.
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                continue;
            };
            let tree = self.clone();
            tokio::spawn(async move { tree.visitor(stream).await });
        }
    }

    async fn visitor(self: Arc<Self>, stream: UnixStream) {
        let (read, mut write) = stream.into_split();
        // Whoever connects is this user; the limit is against a mistake.
        let mut line = String::new();
        let mut read = BufReader::new(tokio::io::AsyncReadExt::take(read, 64));
        if read.read_line(&mut line).await.is_err() {
            return;
        }
        match line.trim() {
            "ring" => self.take_commands().await,
            "watch" => {
                let mut events = self.host.events.subscribe();
                while let Some(line) = next_line(&mut events).await {
                    if write.write_all(line.as_bytes()).await.is_err() {
                        return;
                    }
                }
            }
            _ => {}
        }
    }

    /// Takes what is in the inbox, in order, each once.
    pub(super) async fn take_commands(self: &Arc<Self>) {
        let Ok(inbox) = self.host.journal.take(self.id).await else { return };
        for item in inbox {
            if let Ok(command) = serde_json::from_str::<Command>(&item.body) {
                let run = command.run;
                match self.command(Command { by: item.by, ..command }).await {
                    Ok(Ok(())) => {}
                    Ok(Err(unheeded)) => self.tell(Live::Unheeded { run, why: unheeded.to_string() }),
                    // The journal takes no more: the command stays in the inbox for the next owner.
                    Err(_) => return,
                }
            }
            let done = self.host.journal.done(self.id, item.id, None);
            if self.host.journal.flush(done).await.is_err() {
                return;
            }
        }
    }
}

/// The next thing that happens, as a line of JSON. A watcher that is too slow misses deltas, never records: those it reads from
/// the journal, and a line only says that there are some.
async fn next_line(events: &mut broadcast::Receiver<Live>) -> Option<String> {
    loop {
        let value = match events.recv().await {
            Ok(Live::Record { run, .. }) => serde_json::json!({ "record": run }),
            Ok(Live::Delta { run, delta: Delta::Text(text) }) => {
                serde_json::json!({ "delta": { "run": run, "text": text } })
            }
            Ok(Live::Delta { run, delta: Delta::Command(text) }) => {
                serde_json::json!({ "command": { "run": run, "text": text } })
            }
            Ok(Live::Delta { run, delta: Delta::Output(text) }) => {
                serde_json::json!({ "output": { "run": run, "text": text } })
            }
            Ok(Live::Delta { run, delta: Delta::Again { why, wait_ms } }) => {
                serde_json::json!({ "again": { "run": run, "text": why, "wait_ms": wait_ms } })
            }
            Ok(Live::Unheeded { run, why }) => serde_json::json!({ "unheeded": { "run": run, "why": why } }),
            Ok(Live::Delta { .. } | Live::Notice { .. }) => continue,
            Err(RecvError::Lagged(_)) => serde_json::json!({ "missed": true }),
            Err(RecvError::Closed) => return None,
        };
        return Some(format!("{value}\n"));
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the tests look at the folder and the socket")]
mod tests {
    use super::*;

    /// Listens in a folder, and says why it did not.
    async fn listens(folder: &Path) -> Result<(), String> {
        let bells = Bells::new(folder.join("locks"), folder.to_owned());
        let tree = RunId([5; 16]);
        let _listener = bells.listen(tree).map_err(|error| error.to_string())?;
        let mode = std::fs::metadata(bells.bell(tree)).map_err(|error| error.to_string())?.mode();
        assert_eq!(mode & 0o777, 0o600, "the socket itself is the user's alone");
        Ok(())
    }

    #[tokio::test]
    async fn a_doorbell_hangs_only_where_nobody_else_can_reach_it() {
        let top = tempfile::tempdir().unwrap();
        let folder = top.path().join("bells");
        listens(&folder).await.unwrap();
        assert_eq!(std::fs::metadata(&folder).unwrap().mode() & 0o777, 0o700);
        for open in [0o710, 0o701, 0o755, 0o777] {
            std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(open)).unwrap();
            assert!(listens(&folder).await.unwrap_err().contains("others can enter it"), "{open:o}");
        }
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o700)).unwrap();
        listens(&folder).await.unwrap();
        let link = top.path().join("link");
        std::os::unix::fs::symlink(&folder, &link).unwrap();
        assert!(listens(&link).await.is_err(), "where a link leads can change");
        // Only root can give a folder away.
        if rustix::process::geteuid().is_root() {
            std::os::unix::fs::chown(&folder, Some(65_534), None).unwrap();
            assert!(listens(&folder).await.unwrap_err().contains("belongs to somebody else"));
        }
    }
}
