//! What is asked of a sandbox: the files that are there, the command, its limits. Data, so that it crosses a socket.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::walls::Class;

/// The id that a sandbox started by root has outside as well as inside: far above what systems hand out to people, services
/// and subordinate ranges, so that nothing on the machine belongs to it but what was made for sandboxes.
pub const SANDBOX_ID: u32 = 1_879_048_193;

/// The uid and gid that the files of writable binds and of overlay layers must have: an overlay copies up only what belongs to
/// an id that the sandbox has.
pub fn layer_owner() -> (u32, u32) {
    #[cfg(target_os = "linux")]
    {
        let uid = rustix::process::geteuid();
        if !uid.is_root() || !is_there(SANDBOX_ID) {
            return (uid.as_raw(), rustix::process::getegid().as_raw());
        }
    }
    (SANDBOX_ID, SANDBOX_ID)
}

/// Whether this user namespace has an id at all: `unshare -r` makes one with a root and nobody else.
#[cfg(target_os = "linux")]
#[expect(clippy::disallowed_methods, reason = "reads what the kernel says of this process")]
pub(crate) fn is_there(id: u32) -> bool {
    let map = std::fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    map.lines().any(|line| {
        let mut numbers = line.split_whitespace().filter_map(|number| number.parse::<u64>().ok());
        let (Some(first), Some(_), Some(count)) = (numbers.next(), numbers.next(), numbers.next()) else {
            return false;
        };
        (first..first.saturating_add(count)).contains(&id.into())
    })
}

/// Something that is to be there inside. Mounts are made in the order in which they are listed; a folder on the way to one is
/// made where it is missing; a symbolic link on the way is refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mount {
    /// A file or folder of the host, with all that is mounted under it.
    Bind {
        /// Where it is on the host.
        from: PathBuf,
        /// Where it is inside.
        to: PathBuf,
        /// Whether the command may change it.
        writable: bool,
        /// Whether what is in it may be executed.
        exec: bool,
    },
    /// Layers, the first on top, below a folder that takes the changes.
    Overlay {
        /// Layers that are not changed.
        lowers: Vec<PathBuf>,
        /// Takes the changes. Must be in the same folder as `work`, and the folder on a file system that can hold an upper.
        upper: PathBuf,
        /// The kernel's own, empty.
        work: PathBuf,
        /// Where it is inside.
        to: PathBuf,
    },
    /// An empty writable folder in memory.
    Tmpfs {
        /// Where it is inside.
        to: PathBuf,
        /// Bytes at most.
        size: u64,
        /// Permissions of the folder.
        mode: u32,
    },
    /// A file with these bytes, which must not be there yet.
    File {
        /// Where it is inside.
        to: PathBuf,
        /// What is in it.
        bytes: Vec<u8>,
        /// Its permissions.
        mode: u32,
    },
    /// A symbolic link.
    Symlink {
        /// Where it is inside.
        to: PathBuf,
        /// What it says.
        target: PathBuf,
    },
}

impl Mount {
    /// A folder or file of the host that can be read and executed.
    pub fn read_only(from: impl Into<PathBuf>, to: impl Into<PathBuf>) -> Self {
        Self::Bind { from: from.into(), to: to.into(), writable: false, exec: true }
    }

    /// The paths of the host that it needs, in an order that both sides of the socket agree on.
    pub(crate) fn sources(&self) -> Vec<&Path> {
        match self {
            Self::Bind { from, .. } => vec![from],
            Self::Overlay { lowers, upper, .. } => {
                // Upper and work have to be reached through one mount, so it is the folder they share that is taken.
                lowers.iter().map(PathBuf::as_path).chain(upper.parent()).collect()
            }
            Self::Tmpfs { .. } | Self::File { .. } | Self::Symlink { .. } => Vec::new(),
        }
    }

    /// Where it is inside.
    pub fn to(&self) -> &Path {
        match self {
            Self::Bind { to, .. }
            | Self::Overlay { to, .. }
            | Self::Tmpfs { to, .. }
            | Self::File { to, .. }
            | Self::Symlink { to, .. } => to,
        }
    }
}

/// What of a network is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Network {
    /// A loopback of its own and nothing else.
    Loopback,
    /// The host's, for what a person approved by digest.
    Host,
    /// That of another sandbox, by the process id that `Started::id` gave: a check that talks to a service.
    Of(u32),
}

/// How much of everything. Output is bounded by who reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Milliseconds from start to end; none for a service.
    pub wall_ms: Option<u64>,
    /// Milliseconds of processor time of all processes together.
    pub cpu_ms: Option<u64>,
    /// Bytes of memory of all processes together. Looked at every few milliseconds: a bound on what lasts, not on a peak.
    pub memory: u64,
    /// Processes and threads.
    pub processes: u64,
    /// Open files of a process.
    pub open_files: u64,
    /// Bytes of a file.
    pub file_size: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            wall_ms: Some(10 * 60 * 1000),
            cpu_ms: None,
            memory: 4 << 30,
            // A build on sixteen cores with a runtime that starts a thread a core in each process stays well below.
            processes: 2048,
            open_files: 4096,
            file_size: 8 << 30,
        }
    }
}

/// One command and all that is around it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spec {
    /// The files that are there: usually `system()` and more.
    pub mounts: Vec<Mount>,
    /// The folder in which it starts.
    pub cwd: PathBuf,
    /// The program, looked up along `PATH` of `env` unless it has a slash, and its arguments.
    pub argv: Vec<String>,
    /// Its whole environment.
    pub env: Vec<(String, String)>,
    /// How much of everything.
    pub limits: Limits,
    /// The machine's name inside.
    pub hostname: String,
    /// Whether its output is a terminal that is to be its controlling one, and its input too.
    pub terminal: bool,
    /// What of a network is there.
    pub network: Network,
    /// The least class of walls: with fewer it is not started.
    pub require: Class,
}

impl Spec {
    /// A command in these mounts, with a loopback, ordinary limits and every wall required.
    pub fn new(mounts: Vec<Mount>, argv: &[&str]) -> Self {
        Self {
            mounts,
            cwd: PathBuf::from("/"),
            argv: argv.iter().map(|&arg| arg.to_owned()).collect(),
            env: vec![("PATH".to_owned(), "/usr/local/bin:/usr/bin:/bin".to_owned())],
            limits: Limits::default(),
            hostname: "pit".to_owned(),
            terminal: false,
            network: Network::Loopback,
            require: Class::Full,
        }
    }
}
