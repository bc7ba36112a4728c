//! What the tests of a command's files share: trees made by hand, and overlays mounted as the sandbox mounts them.
#![expect(clippy::disallowed_methods, reason = "tests make repositories and mount overlays")]

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use orchestra_pit_core::id::Oid;
use orchestra_pit_core::tree::{self, Item, Sort, Step};

use super::checkout::{Checkouts, Limits};
use super::source::Source;
use crate::effect::store::tests::Git;
use crate::effect::store::{Object, Repo, hash};

/// A file of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Leaf {
    File(String),
    Program(String),
    Link(String),
    Submodule,
}

pub(crate) type Files = BTreeMap<Vec<u8>, Leaf>;

pub(crate) fn files(all: &[(&str, &str)]) -> Files {
    all.iter().map(|(path, text)| (path.as_bytes().to_vec(), Leaf::File((*text).to_owned()))).collect()
}

/// A repository, its checkouts and a folder for the rest.
pub(crate) struct Bench {
    _git: Git,
    pub(crate) repo: Repo,
    pub(crate) dir: tempfile::TempDir,
}

impl Bench {
    #[must_use]
    pub(crate) fn new() -> Self {
        let git = Git::new(&[]);
        let repo = git.open();
        Self { _git: git, repo, dir: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn checkouts(&self, limits: Limits) -> Checkouts {
        Checkouts::new(self.dir.path(), self.repo.common(), None, limits).unwrap()
    }

    pub(crate) fn object(&self, kind: git2::ObjectType, bytes: &[u8]) -> Oid {
        self.repo.stow(&[Object { kind, bytes: bytes.into() }]).unwrap();
        hash(kind, bytes)
    }

    /// A tree of entries that nobody has looked at.
    pub(crate) fn raw(&self, items: &[(u32, &[u8], Oid)]) -> Oid {
        let mut bytes = Vec::new();
        items.iter().for_each(|(mode, name, id)| tree::push(&mut bytes, &Item { mode: *mode, name, id: *id }));
        self.object(git2::ObjectType::Tree, &bytes)
    }

    pub(crate) fn blob(&self, text: &str) -> Oid {
        self.object(git2::ObjectType::Blob, text.as_bytes())
    }

    /// The tree of some files.
    pub(crate) fn tree(&self, files: &Files) -> Oid {
        let mut objects = BTreeMap::new();
        let root = folder(files, b"", &mut objects);
        let all: Vec<_> =
            objects.values().map(|(kind, bytes)| Object { kind: *kind, bytes: (&**bytes).into() }).collect();
        self.repo.stow(&all).unwrap();
        root
    }

    /// What a command must see of a tree: [`seen`] of it.
    pub(crate) fn expected(&self, root: Oid) -> Vec<String> {
        let mut all = Vec::new();
        tree::walk(&self.repo, root, &mut |path, item| {
            let path = String::from_utf8_lossy(path);
            let text = |id| String::from_utf8_lossy(&self.repo.content(id).unwrap()).into_owned();
            match item.sort() {
                Sort::Directory => return Ok(Step::Into),
                Sort::File { executable } => {
                    all.push(format!(
                        "{path} f {} {}",
                        if executable { "755" } else { "644" },
                        text(item.id).trim_end()
                    ));
                }
                Sort::Symlink => all.push(format!("{path} l 777 {}", text(item.id))),
                Sort::Submodule => all.push(format!("{path} d 755 ")),
            }
            Ok(Step::Over)
        })
        .unwrap();
        all.sort();
        all
    }
}

fn folder(files: &Files, prefix: &[u8], objects: &mut BTreeMap<Oid, (git2::ObjectType, Vec<u8>)>) -> Oid {
    let mut entries: BTreeMap<Vec<u8>, (u32, Oid)> = BTreeMap::new();
    for (path, leaf) in files {
        let Some(rest) = path.strip_prefix(prefix) else { continue };
        let name = rest.split(|byte| *byte == b'/').next().unwrap().to_vec();
        if entries.contains_key(&name) {
            continue;
        }
        let entry = if name.len() < rest.len() {
            (0o040_000, folder(files, &[prefix, &name, b"/"].concat(), objects))
        } else {
            let (mode, text) = match leaf {
                Leaf::File(text) => (0o100_644, text),
                Leaf::Program(text) => (0o100_755, text),
                Leaf::Link(target) => (0o120_000, target),
                Leaf::Submodule => (0o160_000, &String::new()),
            };
            let id = hash(git2::ObjectType::Blob, text.as_bytes());
            objects.insert(id, (git2::ObjectType::Blob, text.clone().into_bytes()));
            (mode, id)
        };
        entries.insert(name, entry);
    }
    let mut items: Vec<Item<'_>> =
        entries.iter().map(|(name, (mode, id))| Item { mode: *mode, name, id: *id }).collect();
    items.sort_by(|a, b| tree::order((a.name, a.sort()), (b.name, b.sort())));
    let mut bytes = Vec::new();
    items.iter().for_each(|item| tree::push(&mut bytes, item));
    let id = hash(git2::ObjectType::Tree, &bytes);
    objects.insert(id, (git2::ObjectType::Tree, bytes));
    id
}

/// Runs a script in an overlay, mounted in a user namespace with the options that the sandbox uses; what it prints.
pub(crate) fn overlay(lowers: &[PathBuf], upper: Option<(&Path, &Path)>, script: &str) -> String {
    let at = tempfile::tempdir().unwrap();
    let lower = lowers.iter().map(|path| path.to_str().unwrap()).collect::<Vec<_>>().join(":");
    let mut options = format!("userxattr,lowerdir={lower}");
    if let Some((upper, work)) = upper {
        options = format!("{options},upperdir={},workdir={}", upper.display(), work.display());
    }
    let out = Command::new("unshare")
        .args([
            "-Urm",
            "sh",
            "-ec",
            "mount -t overlay overlay -o \"$1\" \"$2\"; cd \"$2\"; eval \"$3\"",
            "sh",
            &options,
        ])
        .arg(at.path())
        .arg(script)
        .output()
        .unwrap();
    assert!(out.status.success(), "{script}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8_lossy(&out.stdout).into_owned()
}

/// Each file, link and empty folder that an overlay shows: path, kind, mode, content or target.
pub(crate) fn seen(lowers: &[PathBuf]) -> Vec<String> {
    let mut lowers = lowers.to_vec();
    // One layer alone is no overlay.
    let empty = tempfile::tempdir().unwrap();
    lowers.push(empty.path().to_owned());
    let script = r"find . -mindepth 1 \( -type l -o -type d -empty \) -printf '%P %y %m %l\n';
        find . -type f -printf '%P %y %m ' -exec cat {} \; -exec echo \;";
    let shown = overlay(&lowers, None, script);
    let mut lines: Vec<String> = shown.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect();
    lines.sort();
    lines
}

/// Seconds and nanoseconds of the topmost file at a path.
pub(crate) fn time(lowers: &[PathBuf], path: &str) -> String {
    let mut lowers = lowers.to_vec();
    let empty = tempfile::tempdir().unwrap();
    lowers.push(empty.path().to_owned());
    let shown = overlay(&lowers, None, &format!("find '{path}' -printf '%T@'"));
    let (seconds, rest) = shown.split_once('.').unwrap();
    format!("{seconds:0>12}.{rest}")
}

/// Another set of files, near the last one; the same for the same number.
pub(crate) fn changed(files: &Files, seed: &mut u64) -> Files {
    const NAMES: [&[u8]; 6] = [b"a", b"b", b"c", b"caf\xe9", b"d\n", b"e"];
    let mut random = |most: usize| {
        *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(*seed >> 33).unwrap() % most
    };
    let mut files = files.clone();
    for _ in 0..=random(4) {
        let depth = 1 + random(3);
        let path: Vec<&[u8]> = (0..depth).map(|_| NAMES[random(NAMES.len())]).collect();
        let path = path.join(&b'/');
        let below = [&path[..], b"/"].concat();
        match random(5) {
            // Whatever is there goes, with all that is below.
            0 | 1 => files.retain(|other, _| *other != path && !other.starts_with(&below)),
            kind => {
                files.retain(|other, _| !other.starts_with(&below) && !path.starts_with(&[&other[..], b"/"].concat()));
                let text = format!("{}\n", random(5));
                let leaf = match kind {
                    2 if random(3) == 0 => Leaf::Submodule,
                    2 => Leaf::Link(format!("to{}", text.trim_end())),
                    3 => Leaf::Program(text),
                    _ => Leaf::File(text),
                };
                files.insert(path, leaf);
            }
        }
    }
    files
}

/// Names with a line break come apart in a list of lines; both sides of a comparison come apart alike.
pub(crate) fn lines(all: &[String]) -> Vec<String> {
    let mut lines: Vec<String> = all.iter().flat_map(|line| line.lines()).map(str::to_owned).collect();
    lines.sort();
    lines
}

/// Every name in a folder of pit's own.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let found = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<String> = found.map(|name| String::from_utf8_lossy(name.as_bytes()).into_owned()).collect();
    names.sort();
    names
}
