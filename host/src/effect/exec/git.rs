//! A view of `.git` for commands: history, tags and a clean index at the agent's commit, and nothing else of the person's.
//!
//! No remotes, hooks, reflogs, stash or configuration of the person's come along, and no branch but the run's own and the
//! base. Objects are read where they are, through alternates that the sandbox binds read-only. `git describe`, `git log`,
//! `git status`, setuptools-scm and build scripts work; what writes fails.
//!
//! For a run from which files are withheld the objects are copied, those of such files left out ([`part`]); the index says that
//! they are not checked out, and `git archive` passes them over.
//!
//! The index has each file's time and size, as far as the layers show what the commit has, so that `git status` looks at
//! no content. A file of which they show something else has none, and git finds out itself.

#![expect(clippy::disallowed_methods, reason = "the view is a folder of pit's own")]

mod part;

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use orchestra_pit_core::call::{Error, ErrorKind};
use orchestra_pit_core::id::Oid;
use orchestra_pit_core::tree::{self, Sort, Step};

use super::checkout::{Stack, failed};
use super::folder::{Folder, now, unique};
use super::layer::Layer;
use super::source::{Source, can_be_written};
use crate::effect::store::{Repo, git_id, our_id};
use part::Part;
pub use part::Withheld;
pub(super) use part::folder as parts;

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
#[derive(Clone, Debug)]
pub struct View {
    /// To be bound read-only at the workspace's `.git`.
    pub folder: PathBuf,
    /// What is to be bound read-only below that, in this order: from here, to there.
    pub binds: Vec<(PathBuf, PathBuf)>,
    /// Where the objects are, if they are copies.
    _part: Option<Arc<Part>>,
}

/// Writes the view of a run that may read every file, and whose layer shows `source`'s tree. An earlier one stays as it is for
/// whoever has it mounted, until the layer is tidied.
pub fn view<S: Source + ?Sized>(
    repo: &Repo,
    source: &S,
    stack: &Stack,
    layer: &Layer,
    at: &At<'_>,
) -> Result<View, Error> {
    view_without(repo, source, stack, layer, at, None)
}

/// The same of a run from which files are withheld.
pub fn view_without<S: Source + ?Sized>(
    repo: &Repo,
    source: &S,
    stack: &Stack,
    layer: &Layer,
    at: &At<'_>,
    withheld: Option<Withheld<'_>>,
) -> Result<View, Error> {
    let fail = |error: io::Error| failed(layer.place(), &error);
    let place = Folder::open(layer.place(), layer.owner()).map_err(fail)?;
    let aside = format!("git.{}", unique());
    let part = withheld.as_ref().map(|withheld| Part::open(repo, withheld)).transpose()?.map(Arc::new);
    let without = part.as_deref().zip(withheld);
    let binds = Writing { repo, source, stack, layer, at, without }.write(&place, &aside)?;
    let trash = layer.trash().map_err(fail)?;
    place.discard(b"git", &trash).and_then(|()| place.rename(aside.as_bytes(), &place, b"git")).map_err(fail)?;
    Ok(View { folder: layer.place().join("git"), binds, _part: part })
}

/// A view that is being written.
struct Writing<'a, S: ?Sized> {
    repo: &'a Repo,
    source: &'a S,
    stack: &'a Stack,
    layer: &'a Layer,
    at: &'a At<'a>,
    without: Option<(&'a Part, Withheld<'a>)>,
}

impl<S: Source + ?Sized> Writing<'_, S> {
    fn write(&self, place: &Folder, name: &str) -> Result<Vec<(PathBuf, PathBuf)>, Error> {
        let (repo, at) = (self.repo, self.at);
        let fail = |error: io::Error| failed(self.layer.place(), &error);
        let view = place.make(name.as_bytes()).map_err(fail)?;
        let put = |name: &[u8], text: &str| view.write(name, text.as_bytes(), false, now()).map(drop).map_err(fail);
        let head = match at.branch.strip_prefix("refs/heads/") {
            Some(_) => format!("ref: {}\n", at.branch),
            None => format!("{}\n", at.commit),
        };
        put(b"HEAD", &head)?;
        put(b"config", CONFIG)?;
        let mut tags = tags(repo)?;
        let shallow = match &self.without {
            Some((part, withheld)) => {
                let stands_on: Vec<Oid> = at.base.into_iter().map(|(_, base)| base).chain([at.commit]).collect();
                part.follow(repo, withheld, &stands_on, &mut tags)?
            }
            None => shallow(repo).map_err(fail)?,
        };
        put(b"packed-refs", &refs(tags, at))?;
        if !shallow.is_empty() {
            put(b"shallow", &shallow)?;
        }
        let withheld = self.index(&self.layer.place().join(name))?;
        if !withheld.is_empty() {
            let lines: String = withheld.iter().filter_map(|path| passed_over(path)).collect();
            let info = view.make(b"info").map_err(fail)?;
            info.write(b"attributes", lines.as_bytes(), false, now()).map_err(fail)?;
        }
        let found = match &self.without {
            Some((part, _)) => vec![part.objects()],
            None => vec![repo.common().join("objects"), repo.state().join("store.git/objects")],
        };
        let (binds, alternates) = objects(repo, found, &view).map_err(fail)?;
        let folders = view.make(b"refs").and_then(|refs| refs.make(b"heads")).and_then(|_| view.make(b"objects"));
        let info =
            folders.and_then(|objects| objects.make(b"pack").and_then(|_| objects.make(b"info"))).map_err(fail)?;
        info.write(b"alternates", alternates.as_bytes(), false, now()).map_err(fail)?;
        Ok(binds)
    }
}

/// Where the repository's own history ends, if it is a shallow clone.
fn shallow(repo: &Repo) -> io::Result<String> {
    match fs::read_to_string(repo.common().join("shallow")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        other => other,
    }
}

/// A line for `git archive` to leave a file out that is not there to be read. What cannot be written in such a line is left.
fn passed_over(path: &[u8]) -> Option<String> {
    let path = std::str::from_utf8(path).ok().filter(|path| !path.contains(|c: char| c.is_control()))?;
    // Once for the pattern, and once more for the quotes.
    let pattern: String =
        path.chars().flat_map(|c| "*?[]\\".contains(c).then_some('\\').into_iter().chain([c])).collect();
    let quoted = pattern.replace('\\', "\\\\").replace('"', "\\\"");
    Some(format!("\"/{quoted}\" export-ignore\n"))
}

/// A tag's name, the object that it names, and what that is of.
type Tag = (String, Oid, Option<Oid>);

fn tags(repo: &Repo) -> Result<Vec<Tag>, Error> {
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
    tags.map_err(|error| unavailable(&error))
}

/// The run's branch, the base's, and tags, as git packs them.
fn refs(tags: Vec<Tag>, at: &At<'_>) -> String {
    let named = |(name, target, peeled): Tag| (name, (target, peeled));
    let mut all: BTreeMap<String, (Oid, Option<Oid>)> = tags.into_iter().map(named).collect();
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
    text
}

/// Where objects are: in these databases, and in what they name. What a database says of others is covered by an empty folder,
/// since it names paths that are not there inside; they are named here instead.
fn objects(repo: &Repo, mut found: Vec<PathBuf>, view: &Folder) -> io::Result<(Vec<(PathBuf, PathBuf)>, String)> {
    found.retain(|objects| objects.is_dir());
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

/// Says of a file in an index that it is not checked out, which is as it should be.
const NOT_CHECKED_OUT: u16 = 1 << 14;

impl<S: Source + ?Sized> Writing<'_, S> {
    /// An index of the commit's tree. Answers which files in it are withheld.
    fn index(&self, view: &Path) -> Result<Vec<Vec<u8>>, Error> {
        let Writing { repo, source, stack, layer, at, without } = *self;
        let mut withheld = Vec::new();
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
            let is_withheld = without.as_ref().is_some_and(|(_, withheld)| withheld.has(path));
            if is_withheld {
                withheld.push(path.to_vec());
            }
            let known = if other.contains(path) { None } else { layers.iter().find_map(|layer| layer.stat(path)) };
            let (seconds, nanoseconds, size) =
                known.map_or((0, 0, 0), |about| (about.changed.0, about.changed.1, about.size));
            let entry = git2::IndexEntry {
                ctime: git2::IndexTime::new(0, 0),
                mtime: git2::IndexTime::new(
                    i32::try_from(seconds).unwrap_or(0),
                    u32::try_from(nanoseconds).unwrap_or(0),
                ),
                dev: 0,
                ino: 0,
                mode,
                uid: 0,
                gid: 0,
                file_size: u32::try_from(size).unwrap_or(0),
                id: git_id(item.id),
                flags: u16::try_from(path.len().min(0xfff)).unwrap_or(0xfff),
                flags_extended: if is_withheld { NOT_CHECKED_OUT } else { 0 },
                path: path.to_vec(),
            };
            index.add(&entry).map_err(|error| unavailable(&error))?;
            Ok(Step::Over)
        })?;
        index.write().map_err(|error| unavailable(&error))?;
        let own = Folder::open(view, layer.owner()).and_then(|view| view.share(b"index"));
        own.map(|()| withheld).map_err(|error| failed(&file, &error))
    }
}

fn unavailable(error: &git2::Error) -> Error {
    Error::new(ErrorKind::Unavailable, format!("git's view for commands could not be written: {}", error.message()))
}

#[cfg(test)]
mod tests;
