//! A view of `.git` for commands: history, tags and a clean index at the agent's commit, and nothing else of the person's.
//!
//! No remotes, hooks, reflogs, stash or configuration of the person's come along, and no branch but the run's own and the
//! base. Objects are read where they are, through alternates that the sandbox binds read-only. `git describe`, `git log`,
//! `git status`, setuptools-scm and build scripts work; what writes fails.
//!
//! The index has each file's time and size, as far as the layers show what the commit has, so that `git status` looks at
//! no content. A file of which they show something else has none, and git finds out itself.

#![expect(clippy::disallowed_methods, reason = "the view is a folder of pit's own")]

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use orchestra_pit_core::call::{Error, ErrorKind};
use orchestra_pit_core::id::Oid;
use orchestra_pit_core::tree::{self, Sort, Step};

use super::checkout::{Stack, failed};
use super::folder::{Folder, now, unique};
use super::layer::Layer;
use super::source::{Source, can_be_written};
use crate::effect::store::{Repo, git_id, our_id};

/// What git is told: what it needs to take this for a repository, and to believe the index (inodes and change times differ
/// from mount to mount).
const CONFIG: &str = "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = false\n\tlogAllRefUpdates = false\n\
    \tcheckStat = minimal\n\ttrustctime = false\n\tfsmonitor = false\n\thooksPath = /dev/null\n[gc]\n\tauto = 0\n\
    [maintenance]\n\tauto = false\n";

/// Object databases that name each other; git goes no further.
const MAX_ALTERNATES: usize = 8;

/// Where a run stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct At<'a> {
    /// The commit.
    pub commit: Oid,
    /// The run's branch, as a whole ref; what is not below `refs/heads/` shows as a detached HEAD.
    pub branch: &'a str,
    /// The branch that it started from, as a whole ref, and where.
    pub base: Option<(&'a str, Oid)>,
}

/// A view that was written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct View {
    /// To be bound read-only at the workspace's `.git`.
    pub folder: PathBuf,
    /// What is to be bound read-only below that, in this order: from here, to there.
    pub binds: Vec<(PathBuf, PathBuf)>,
}

/// Writes the view of a run whose layer shows `source`'s tree. An earlier one stays as it is for whoever has it mounted,
/// until the layer is tidied.
pub fn view<S: Source + ?Sized>(
    repo: &Repo,
    source: &S,
    stack: &Stack,
    layer: &Layer,
    at: &At<'_>,
) -> Result<View, Error> {
    let fail = |error: io::Error| failed(layer.place(), &error);
    let place = Folder::open(layer.place(), layer.owner()).map_err(fail)?;
    let aside = format!("git.{}", unique());
    let binds = write(repo, source, stack, layer, at, &place, &aside)?;
    let trash = layer.trash().map_err(fail)?;
    place.discard(b"git", &trash).and_then(|()| place.rename(aside.as_bytes(), &place, b"git")).map_err(fail)?;
    Ok(View { folder: layer.place().join("git"), binds })
}

fn write<S: Source + ?Sized>(
    repo: &Repo,
    source: &S,
    stack: &Stack,
    layer: &Layer,
    at: &At<'_>,
    place: &Folder,
    name: &str,
) -> Result<Vec<(PathBuf, PathBuf)>, Error> {
    let fail = |error: io::Error| failed(layer.place(), &error);
    let view = place.make(name.as_bytes()).map_err(fail)?;
    let put = |name: &[u8], text: &str| view.write(name, text.as_bytes(), false, now()).map(drop).map_err(fail);
    let head = match at.branch.strip_prefix("refs/heads/") {
        Some(_) => format!("ref: {}\n", at.branch),
        None => format!("{}\n", at.commit),
    };
    put(b"HEAD", &head)?;
    put(b"config", CONFIG)?;
    put(b"packed-refs", &refs(repo, at)?)?;
    match fs::read_to_string(repo.common().join("shallow")) {
        Ok(text) => put(b"shallow", &text)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(fail(error)),
    }
    index(repo, source, stack, layer, at, &layer.place().join(name))?;
    let (binds, alternates) = objects(repo, &view).map_err(fail)?;
    let folders = view.make(b"refs").and_then(|refs| refs.make(b"heads")).and_then(|_| view.make(b"objects"));
    let info = folders.and_then(|objects| objects.make(b"pack").and_then(|_| objects.make(b"info"))).map_err(fail)?;
    info.write(b"alternates", alternates.as_bytes(), false, now()).map_err(fail)?;
    Ok(binds)
}

/// The run's branch, the base's, and all tags, as git packs them.
fn refs(repo: &Repo, at: &At<'_>) -> Result<String, Error> {
    let mut all: BTreeMap<String, (Oid, Option<Oid>)> = BTreeMap::new();
    let tags = repo.with(|git| {
        let mut tags = Vec::new();
        for tag in git.references_glob("refs/tags/*")? {
            let tag = tag?;
            let (Ok(name), Some(target)) = (tag.name(), tag.target()) else { continue };
            // Only a ref that is packed knows what its tag is of.
            let of = match tag.target_peel() {
                Some(of) => Some(of),
                None => git.find_tag(target).and_then(|tag| tag.peel()).ok().map(|of| of.id()),
            };
            tags.push((name.to_owned(), our_id(target), of.map(our_id)));
        }
        Ok(tags)
    });
    for (name, target, peeled) in tags.map_err(|error| unavailable(&error))? {
        all.insert(name, (target, peeled));
    }
    if let Some((base, commit)) = at.base {
        all.insert(base.to_owned(), (commit, None));
    }
    if at.branch.starts_with("refs/heads/") {
        all.insert(at.branch.to_owned(), (at.commit, None));
    }
    let mut text = "# pack-refs with: peeled fully-peeled sorted \n".to_owned();
    for (name, (target, peeled)) in all.iter().filter(|(name, _)| git2::Reference::is_valid_name(name)) {
        text.push_str(&format!("{target} {name}\n"));
        if let Some(peeled) = peeled {
            text.push_str(&format!("^{peeled}\n"));
        }
    }
    Ok(text)
}

/// Where objects are: the person's, pit's own, and what those name. What a database says of others is covered by an empty
/// folder, since it names paths that are not there inside; they are named here instead.
fn objects(repo: &Repo, view: &Folder) -> io::Result<(Vec<(PathBuf, PathBuf)>, String)> {
    let mut found = vec![repo.common().join("objects")];
    let own = repo.state().join("store.git/objects");
    if own.is_dir() {
        found.push(own);
    }
    let (mut binds, mut text) = (Vec::new(), String::new());
    let places = view.make(b"alternates")?;
    let empty = repo.state().join("empty");
    let mut at = 0;
    while let Some(objects) = found.get(at).cloned().filter(|_| at < MAX_ALTERNATES) {
        places.make(at.to_string().as_bytes())?;
        let inside = PathBuf::from(format!("alternates/{at}"));
        text.push_str(&format!("../alternates/{at}\n"));
        binds.push((objects.clone(), inside.clone()));
        let named = match fs::read_to_string(objects.join("info/alternates")) {
            Ok(named) => named,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error),
        };
        if !named.is_empty() {
            fs::create_dir_all(&empty)?;
            binds.push((empty.clone(), inside.join("info")));
        }
        for line in named.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            // Joined to an absolute path, that path is what is left.
            if let Ok(other) = fs::canonicalize(objects.join(line))
                && !found.iter().any(|known| is_same(known, &other))
            {
                found.push(other);
            }
        }
        at += 1;
    }
    Ok((binds, text))
}

fn is_same(a: &Path, b: &Path) -> bool {
    let id = |path: &Path| fs::metadata(path).map(|about| (about.dev(), about.ino())).ok();
    id(a).is_some_and(|a| id(b) == Some(a))
}

/// An index of the commit's tree.
fn index<S: Source + ?Sized>(
    repo: &Repo,
    source: &S,
    stack: &Stack,
    layer: &Layer,
    at: &At<'_>,
    view: &Path,
) -> Result<(), Error> {
    let tree = repo.tree_of(at.commit)?;
    let shown = layer.tree().unwrap_or(stack.tree);
    let other: HashSet<Vec<u8>> = tree::diff(source, tree, shown)?.into_iter().map(|delta| delta.path).collect();
    let layers = layer.lowers(stack).iter().map(|layer| Folder::open(layer, None)).collect::<io::Result<Vec<_>>>();
    let layers = layers.map_err(|error| failed(view, &error))?;
    let file = view.join("index");
    let mut index = git2::Index::open(&file).map_err(|error| unavailable(&error))?;
    tree::walk(source, tree, &mut |path, item| {
        let mode = match item.sort() {
            Sort::Directory => return Ok(Step::Into),
            sort => tree::mode(sort),
        };
        // What nobody can write is not in the files of a command, nor in what git takes for them.
        if !can_be_written(path) {
            return Ok(Step::Over);
        }
        let known = if other.contains(path) { None } else { layers.iter().find_map(|layer| layer.stat(path)) };
        let (seconds, nanoseconds, size) =
            known.map_or((0, 0, 0), |about| (about.changed.0, about.changed.1, about.size));
        let entry = git2::IndexEntry {
            ctime: git2::IndexTime::new(0, 0),
            mtime: git2::IndexTime::new(i32::try_from(seconds).unwrap_or(0), u32::try_from(nanoseconds).unwrap_or(0)),
            dev: 0,
            ino: 0,
            mode,
            uid: 0,
            gid: 0,
            file_size: u32::try_from(size).unwrap_or(0),
            id: git_id(item.id),
            flags: u16::try_from(path.len().min(0xfff)).unwrap_or(0xfff),
            flags_extended: 0,
            path: path.to_vec(),
        };
        index.add(&entry).map_err(|error| unavailable(&error))?;
        Ok(Step::Over)
    })?;
    index.write().map_err(|error| unavailable(&error))?;
    let own = Folder::open(view, layer.owner()).and_then(|view| view.share(b"index"));
    own.map_err(|error| failed(&file, &error))
}

fn unavailable(error: &git2::Error) -> Error {
    Error::new(ErrorKind::Unavailable, format!("git's view for commands could not be written: {}", error.message()))
}

#[cfg(test)]
mod tests;
