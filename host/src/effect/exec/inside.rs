//! What a command finds inside: its files at the repository's own path, the system, tools, a home and variables.

use std::path::{Path, PathBuf};

use orchestra_pit_core::commands::Walls;
use orchestra_pit_core::path::RepoPath;
use orchestra_pit_sandbox::{Class, Limits, Mount, Network, Spec, system};

use super::around::Around;
use super::git::View;
use super::layer::Upper;
use super::tools::{self, Found, HOME};

/// Bytes that /tmp and the private home may hold.
const TEMPORARY: u64 = 4 << 30;

/// Where programs of the system are.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The files of one command.
pub struct Files<'a> {
    /// Where the workspace is seen: the repository's own path.
    pub at: &'a Path,
    /// Layers, top first.
    pub lowers: Vec<PathBuf>,
    /// Takes what is written.
    pub upper: &'a Upper,
    /// `.git`, if there is one to be seen.
    pub git: Option<&'a View>,
    /// What the home has at first.
    pub home: Home<'a>,
}

/// The home of a command.
pub enum Home<'a> {
    /// Empty and in memory, or over what set-up left, in the command's own upper; gone with the command.
    Own,
    /// A folder that is kept, for set-up itself.
    Kept {
        /// Where.
        folder: &'a Path,
        /// Whether packages can be fetched: then the person's own caches are no good, for they cannot be written.
        network: bool,
    },
}

/// Folders that start warm and whose programs are found by name, as in a shell in which somebody has activated them.
const VENV: &[&str] = &[".venv", "venv"];

/// Variables that tell a tool to do without the network.
const OFFLINE: &[&str] = &["CARGO_NET_OFFLINE", "npm_config_offline", "UV_OFFLINE", "GOPROXY", "MAVEN_ARGS"];
/// Where go has its packages, if not in the home.
const GO_CACHE: (&str, &str) = ("GOMODCACHE", "go/pkg/mod");

/// A command and what it is told.
pub struct Told<'a> {
    /// The program and its arguments.
    pub argv: &'a [String],
    /// The folder it starts in.
    pub dir: Option<&'a RepoPath>,
    /// Variables beside those that everybody gets.
    pub env: Vec<(String, String)>,
    /// Microseconds it may take.
    pub timeout: u64,
    /// What of a network there is.
    pub network: Network,
}

/// Puts a command together.
pub(super) fn spec(files: &Files<'_>, told: Told<'_>, around: &Around, home: Option<&tools::Home>) -> Spec {
    let commands = &around.commands;
    let mut found = home.map(|home| tools::find(home, &commands.tools)).unwrap_or_default();
    let mut mounts = system(told.network, TEMPORARY);
    mounts.extend(home_of(files, around, &mut found));
    mounts.append(&mut found.mounts);
    mounts.push(Mount::Overlay {
        lowers: files.lowers.clone(),
        upper: files.upper.upper.clone(),
        work: files.upper.work.clone(),
        to: files.at.to_owned(),
    });
    if let Some(view) = files.git {
        let git = files.at.join(".git");
        let read = |from: &Path, to: PathBuf| Mount::Bind { from: from.to_owned(), to, writable: false, exec: false };
        mounts.push(read(&view.folder, git.clone()));
        mounts.extend(view.binds.iter().map(|(from, to)| read(from, git.join(to))));
    }
    let mut spec = Spec::new(mounts, &[]);
    spec.argv = told.argv.to_vec();
    spec.cwd = told.dir.map_or_else(|| files.at.to_owned(), |dir| files.at.join(dir.as_str()));
    // That of the folder in which it starts goes before the top's.
    let folders = told.dir.map(|dir| files.at.join(dir.as_str())).into_iter().chain([files.at.to_owned()]);
    let within = folders.flat_map(|folder| VENV.iter().map(move |name| folder.join(name)));
    let is_warm = |venv: &PathBuf| commands.warm.iter().any(|name| files.at.join(name.as_str()) == *venv);
    let within: Vec<PathBuf> = within.filter(is_warm).collect();
    if let Some(venv) = within.first() {
        found.env.push(("VIRTUAL_ENV".to_owned(), venv.display().to_string()));
    }
    let bins: Vec<PathBuf> = within.iter().map(|venv| venv.join("bin")).chain(found.path).collect();
    spec.env = variables(files.at, &bins, found.env, told.env);
    spec.limits = Limits { wall_ms: Some(told.timeout.div_ceil(1000)), ..Limits::default() };
    spec.network = told.network;
    spec.require = class(commands.walls);
    spec
}

/// The class of walls that files require.
pub(super) fn class(walls: Walls) -> Class {
    match walls {
        Walls::Partial => Class::Partial,
        Walls::Full => Class::Full,
    }
}

/// The home, and of what the tools bring only what goes with it.
fn home_of(files: &Files<'_>, around: &Around, found: &mut Found) -> Option<Mount> {
    let within = |mount: &Mount| mount.to().strip_prefix(HOME).map(Path::to_owned).ok();
    match (&files.home, &around.setup) {
        (Home::Kept { folder, network }, _) => {
            if *network {
                found.mounts.retain(|mount| within(mount).is_none());
                found.env.retain(|(name, _)| !OFFLINE.contains(&name.as_str()) && name != GO_CACHE.0);
            }
            let (from, to) = ((*folder).to_owned(), PathBuf::from(HOME));
            Some(Mount::Bind { from, to, writable: true, exec: true })
        }
        (Home::Own, Some(setup)) => {
            let kept = setup.home();
            found.mounts.retain(|mount| within(mount).is_none_or(|path| !is_there(&kept.join(path))));
            if is_there(&kept.join(GO_CACHE.1)) {
                found.env.retain(|(name, _)| name != GO_CACHE.0);
            }
            let (upper, work) = files.upper.home();
            Some(Mount::Overlay { lowers: vec![kept], upper, work, to: PathBuf::from(HOME) })
        }
        (Home::Own, None) => None,
    }
}

#[expect(clippy::disallowed_methods, reason = "looks which caches set-up has filled")]
fn is_there(path: &Path) -> bool {
    path.exists()
}

/// The whole environment. What is said later goes over what was said before.
fn variables(
    at: &Path,
    bins: &[PathBuf],
    tools: Vec<(String, String)>,
    told: Vec<(String, String)>,
) -> Vec<(String, String)> {
    let mut path: Vec<String> = bins.iter().map(|bin| bin.display().to_string()).collect();
    path.push(PATH.to_owned());
    let at = at.display().to_string();
    let fixed = [
        ("PATH", path.join(":")),
        ("HOME", HOME.to_owned()),
        ("USER", "pit".to_owned()),
        ("LOGNAME", "pit".to_owned()),
        ("SHELL", "/bin/sh".to_owned()),
        ("TERM", "dumb".to_owned()),
        ("LANG", "C.UTF-8".to_owned()),
        ("TMPDIR", "/tmp".to_owned()),
        ("CI", "1".to_owned()),
        ("PIT_ROOT", at.clone()),
        ("PIT_WORKSPACE", at),
    ];
    let mut all: Vec<(String, String)> = fixed.map(|(name, value)| (name.to_owned(), value)).to_vec();
    for (name, value) in tools.into_iter().chain(told) {
        all.retain(|(known, _)| *known != name);
        all.push((name, value));
    }
    all
}
