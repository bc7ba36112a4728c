//! What a command wrote, as changes of its run's workspace.
//!
//! The upper was written by a stranger's command, so everything in it is looked at through handles that follow no link,
//! up to bounds of number, size and depth. What cannot be part of a workspace, and what the run may not write, is left
//! out and named with its reason. What git ignores by the `.gitignore` files of the tree *before* the command (what the
//! command made of them counts from the next one on) is moved into the run's layer of ignored files, and so is what starts
//! warm. Only a folder that no tree has may bring its own rules.
//!
//! Nothing of the command may live any more. A folder that is new and has nothing in it is no change: git has none such.

mod why;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;
use std::path::Path;
use std::sync::Arc;

use orchestra_pit_core::call::Error;
use orchestra_pit_core::id::Oid;
use orchestra_pit_core::map::{Map, Node};
use orchestra_pit_core::path::RepoPath;
use orchestra_pit_core::secret::Secrets;
use orchestra_pit_core::tree::{self, Sort, Step};

use super::checkout::failed;
use super::folder::{About, Content, Folder, Kind};
use super::ignored::Ignored;
use super::layer::Layer;
use super::rules::{self, Patterns, Scope};
use super::source::{Source, find, is_git};
use crate::effect::store::blob_id;
use crate::effect::workspace::{MAX_CHANGES, MAX_FILE};
pub use why::Why;

/// Paths that one command may change: more is a build into a folder that git does not ignore.
pub const MAX_PATHS: usize = 20_000;

/// How much of an upper is looked at and taken.
#[derive(Clone, Copy)]
struct Bounds {
    /// Paths that change.
    paths: usize,
    /// Entries that are looked at; of an ignored folder that is new, only the folder counts.
    seen: usize,
    /// Bytes that are taken.
    bytes: u64,
    /// Bytes that are read to find out whether a file changed at all.
    read: u64,
}

const BOUNDS: Bounds = Bounds { paths: MAX_PATHS, seen: 1_000_000, bytes: MAX_CHANGES, read: 4 * MAX_CHANGES };

/// Names that are told of what was left out; the rest is counted.
const MAX_NAMED: usize = 200;

/// What became of an upper.
#[derive(Debug, Default)]
pub struct Imported {
    /// What is to be put into the workspace's map, in this order: what is gone, then what is there.
    pub changes: Vec<(RepoPath, Node)>,
    /// The contents that the changes name.
    pub contents: HashMap<Oid, Arc<[u8]>>,
    /// What was left out, escaped where it is no path, and why. [`Why::Bits`] alone is of a file that was taken.
    pub left_out: Vec<(String, Why)>,
    /// How much more was left out than is named.
    pub more: u64,
    /// Files and folders that git ignores and that were moved, whole folders counted as one.
    pub ignored: u64,
}

/// What is taken of an upper.
#[derive(Clone, Copy)]
pub struct Take<'a> {
    /// The tree of the commit that the run stands on: a file that git has there is not ignored, though a command removed it.
    pub head: Oid,
    /// Folders that start warm: moved like what git ignores, whether it does or not.
    pub warm: &'a [RepoPath],
    /// No file is taken that has one of these.
    pub secrets: &'a Secrets,
    /// Asked for each path that differs.
    pub may_write: &'a dyn Fn(&RepoPath) -> bool,
}

/// Takes over what a command wrote on top of a tree.
///
/// Files that git ignores are moved out of the upper; all else in it is only read.
pub fn import<S: Source + ?Sized>(
    upper: &Path,
    layer: &Layer,
    source: &S,
    before: Oid,
    take: Take<'_>,
) -> Result<Imported, Error> {
    within(BOUNDS, upper, layer, source, before, take)
}

fn within<S: Source + ?Sized>(
    bounds: Bounds,
    upper: &Path,
    layer: &Layer,
    source: &S,
    before: Oid,
    take: Take<'_>,
) -> Result<Imported, Error> {
    let fail = |error: io::Error| failed(upper, &error);
    let top = Folder::open(upper, layer.owner()).map_err(fail)?;
    let ignored = Ignored::open(layer).map_err(fail)?;
    let mut import = Import {
        bounds,
        source,
        take,
        ignored,
        out: Imported::default(),
        gone: BTreeSet::new(),
        put: BTreeMap::new(),
        seen: 0,
        read: 0,
        bytes: 0,
    };
    let hidden = top.is_opaque().map_err(fail)?;
    import.folder(&top, &mut Vec::new(), Some(before), hidden, None)?;
    let Import { mut out, gone, put, .. } = import;
    out.changes = gone.into_iter().map(|path| (path, Node::Gone)).chain(put).collect();
    Ok(out)
}

struct Import<'a, S: ?Sized> {
    bounds: Bounds,
    source: &'a S,
    take: Take<'a>,
    ignored: Ignored,
    out: Imported,
    gone: BTreeSet<RepoPath>,
    put: BTreeMap<RepoPath, Node>,
    seen: usize,
    read: u64,
    bytes: u64,
}

/// A mode and an id of a tree.
type Was = (u32, Oid);

/// Why what is new is kept with the ignored files.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Aside {
    /// It is not.
    No,
    /// It is in a folder that starts warm.
    Warm,
    /// Git ignores it.
    Ignored,
}

/// One entry of the upper.
struct Entry<'a> {
    here: &'a Folder,
    name: &'a [u8],
    path: &'a [u8],
    about: About,
    /// What the tree before had here.
    was: Option<Was>,
    /// Why it is not part of the workspace, if it is new.
    ignored: Aside,
    /// Whether it is, and git has nothing there: then it goes to the ignored files.
    aside: bool,
}

/// A folder of the upper whose entries are to be looked at.
struct Below {
    folder: Folder,
    /// What the tree before had here.
    before: Option<Oid>,
    /// Whether of that nothing is seen but what the upper has.
    hidden: bool,
}

impl<S: Source + ?Sized> Import<'_, S> {
    /// Takes a folder over. `prefix` is its path with a slash, `before` what the tree had there, `hidden` whether of that
    /// nothing is seen but what the upper has.
    fn folder(
        &mut self,
        here: &Folder,
        prefix: &mut Vec<u8>,
        before: Option<Oid>,
        hidden: bool,
        above: Option<(&Scope<'_>, Aside)>,
    ) -> Result<(), Error> {
        let is_new = before.is_none() && above.is_some();
        let before = self.items(before)?;
        let rules = self.rules(&before, is_new.then_some((here, &**prefix)))?;
        let scope = Scope::new(above.map(|(scope, _)| scope), prefix.len(), rules);
        let within = above.map_or(Aside::No, |(_, within)| within);
        let mut names = here.names(self.bounds.seen - self.seen).map_err(|error| at(prefix, &error))?;
        names.sort();
        let top = prefix.len();
        if hidden {
            for (name, was) in before.iter().filter(|(name, _)| names.binary_search(name).is_err()) {
                prefix.extend_from_slice(name);
                self.gone(prefix, *was)?;
                prefix.truncate(top);
            }
        }
        for name in &names {
            self.seen += 1;
            if self.seen >= self.bounds.seen {
                self.leave(prefix, Why::Many);
                return Ok(());
            }
            prefix.extend_from_slice(name);
            let Some(about) = here.about(name).map_err(|error| at(prefix, &error))? else { continue };
            let folder = matches!(about.kind, Kind::Folder | Kind::Whiteout);
            let is_warm = self.take.warm.iter().any(|warm| warm.as_bytes() == &**prefix);
            let ignored = match within {
                _ if within == Aside::Ignored || scope.ignores(prefix, folder) => Aside::Ignored,
                _ if within == Aside::Warm || is_warm => Aside::Warm,
                _ => Aside::No,
            };
            let (path, was) = (prefix.clone(), before.get(&**name).copied());
            let may_be = ignored != Aside::No && was.is_none();
            let aside = may_be && find(self.source, self.take.head, &path)?.is_none();
            if aside && ignored == Aside::Warm && about.kind != Kind::Whiteout {
                self.leave(&path, Why::Warm);
            }
            let entry = Entry { here, name, path: &path, about, was, ignored, aside };
            self.entry(&entry, hidden, &scope, prefix)?;
            prefix.truncate(top);
        }
        Ok(())
    }

    /// What the tree before has in a folder.
    fn items(&self, folder: Option<Oid>) -> Result<BTreeMap<Vec<u8>, Was>, Error> {
        let Some(folder) = folder else { return Ok(BTreeMap::new()) };
        let bytes = self.source.tree(folder)?;
        let items = tree::items(&bytes).map(|item| item.map(|item| (item.name.to_vec(), (item.mode, item.id))));
        Ok(items.collect::<Result<_, _>>()?)
    }

    /// What a folder says of itself that git ignores: as the tree before has it, or of a folder that is new as it is.
    fn rules(&self, before: &BTreeMap<Vec<u8>, Was>, new: Option<(&Folder, &[u8])>) -> Result<Patterns, Error> {
        if let Some((here, prefix)) = new {
            return self.own_rules(here, prefix).map_err(|error| at(prefix, &error));
        }
        let file = before.get(&b".gitignore"[..]).filter(|(mode, _)| matches!(tree::sort(*mode), Sort::File { .. }));
        let Some((_, blob)) = file else { return Ok(Patterns::default()) };
        let bytes = self.source.content(*blob)?;
        let most = usize::try_from(rules::MAX_BYTES).unwrap_or(usize::MAX);
        Ok(Patterns::parse(bytes.get(..most).unwrap_or(&bytes)))
    }

    /// Of a folder that no tree has: tools put a `.gitignore` beside what they keep there, as pytest does. It is the
    /// command's, or what an earlier one has left.
    fn own_rules(&self, here: &Folder, prefix: &[u8]) -> io::Result<Patterns> {
        let own = match here.about(b".gitignore")?.map(|about| about.kind) {
            Some(Kind::File) => Some(here.read(b".gitignore", rules::MAX_BYTES)?),
            Some(_) => None,
            None => self.ignored.read(&[prefix, b".gitignore"].concat(), rules::MAX_BYTES)?,
        };
        Ok(match own {
            Some(Content::Bytes(bytes)) => Patterns::parse(&bytes),
            _ => Patterns::default(),
        })
    }

    fn entry(&mut self, entry: &Entry<'_>, hidden: bool, scope: &Scope<'_>, path: &mut Vec<u8>) -> Result<(), Error> {
        if is_git(entry.name) {
            return self.git(entry);
        }
        if self.tells_by_name(entry) {
            return Ok(());
        }
        let fail = |error: io::Error| at(entry.path, &error);
        match entry.about.kind {
            Kind::Whiteout => {
                self.ignored.remove(entry.path).map_err(fail)?;
                match entry.was {
                    Some(was) => self.gone(entry.path, was)?,
                    None if entry.aside || self.warm_below(entry.path).next().is_some() => {
                        self.ignored.take(entry.here, entry.name, entry.path).map_err(fail)?
                    }
                    None => {}
                }
                Ok(())
            }
            Kind::Folder => {
                let Some(below) = self.below(entry, hidden)? else { return Ok(()) };
                path.push(b'/');
                self.folder(&below.folder, path, below.before, below.hidden, Some((scope, entry.ignored)))
            }
            Kind::File | Kind::Link => self.leaf(entry),
            Kind::Pipe | Kind::Socket | Kind::Device => {
                self.leave(entry.path, Why::of(entry.about.kind));
                Ok(())
            }
        }
    }

    /// The folders that start warm below a path.
    fn warm_below(&self, path: &[u8]) -> impl Iterator<Item = &RepoPath> {
        let is_below = |warm: &&RepoPath| warm.as_bytes().strip_prefix(path).is_some_and(|rest| rest.starts_with(b"/"));
        self.take.warm.iter().filter(is_below)
    }

    /// Git's own folder is never part of a workspace. An empty one is where the view of it was mounted.
    fn git(&mut self, entry: &Entry<'_>) -> Result<(), Error> {
        let empty = entry.about.kind == Kind::Folder
            && entry.here.sub(entry.name).and_then(|folder| folder.names(1)).is_ok_and(|names| names.is_empty());
        if !empty {
            self.leave(entry.path, Why::Git);
        }
        Ok(())
    }

    /// Looks at a folder, and says what is to be looked at in it: nothing where it is taken or left as it is. It calls none
    /// that call it, for the stack is as deep as the folders are.
    fn below(&mut self, entry: &Entry<'_>, hidden: bool) -> Result<Option<Below>, Error> {
        let fail = |error: io::Error| at(entry.path, &error);
        let folder = entry.here.sub(entry.name).map_err(fail)?;
        let opaque = folder.is_opaque().map_err(fail)? || self.ignored.hides(entry.path).map_err(fail)?;
        let before = entry.was.filter(|(mode, _)| tree::sort(*mode) == Sort::Directory).map(|(_, id)| id);
        let was_leaf = entry.was.is_some() && before.is_none();
        if entry.was.is_some_and(|(mode, _)| tree::sort(mode) == Sort::Submodule) {
            if !folder.names(1).map_err(fail)?.is_empty() {
                self.leave(entry.path, Why::Submodule);
            }
            return Ok(None);
        }
        if opaque {
            self.ignored.remove(entry.path).map_err(fail)?;
            let mut covered = self.warm_below(entry.path).filter(|_| !entry.aside);
            covered.try_for_each(|warm| self.ignored.hide(warm.as_bytes())).map_err(fail)?;
        }
        if let Some(was) = entry.was.filter(|_| was_leaf)
            && !self.gone_one(entry.path, was)
        {
            // Where the file stays, nothing can be below it.
            return Ok(None);
        }
        if entry.aside {
            self.out.ignored += 1;
            if hidden || opaque {
                // What hides what is below may be above it, or was in its place.
                folder.set_opaque().map_err(fail)?;
            }
            return self.ignored.take(entry.here, entry.name, entry.path).map(|()| None).map_err(fail);
        }
        if entry.path.iter().filter(|byte| **byte == b'/').count() + 1 >= Map::MAX_DEPTH {
            self.leave(entry.path, Why::Deep);
            return Ok(None);
        }
        Ok(Some(Below { folder, before, hidden: hidden || opaque || was_leaf }))
    }

    fn leaf(&mut self, entry: &Entry<'_>) -> Result<(), Error> {
        let fail = |error: io::Error| at(entry.path, &error);
        if entry.aside {
            self.out.ignored += 1;
            return self.ignored.take(entry.here, entry.name, entry.path).map_err(fail);
        }
        self.ignored.remove(entry.path).map_err(fail)?;
        let Some(path) = self.path(entry.path) else { return Ok(()) };
        let node = match entry.about.kind {
            Kind::Link => Some(link(entry).map_err(fail)?),
            _ => self.file(entry, &path).map_err(fail)?,
        };
        let Some((node, bytes)) = node else { return Ok(()) };
        if entry.was.is_some_and(|was| is_same(was, node)) {
            return Ok(());
        }
        let why = match self.refusal(&path, bytes.len() as u64) {
            None if self.tells(entry, &bytes)? => Some(Why::Secret),
            other => other,
        };
        if let Some(why) = why {
            self.leave(entry.path, why);
            return Ok(());
        }
        match entry.was {
            Some((mode, _)) if tree::sort(mode) == Sort::Submodule => {
                self.leave(entry.path, Why::Submodule);
                return Ok(());
            }
            Some((mode, id)) if tree::sort(mode) == Sort::Directory && !self.gone_whole(entry.path, id)? => {
                self.leave(entry.path, Why::Below);
                return Ok(());
            }
            _ => {}
        }
        self.bytes += bytes.len() as u64;
        let (Node::File { blob, .. } | Node::Symlink { blob }) = node else { return Ok(()) };
        self.out.contents.insert(blob, bytes);
        self.put.insert(path, node);
        Ok(())
    }

    /// Leaves out what has a value in its name, and names it without.
    fn tells_by_name(&mut self, entry: &Entry<'_>) -> bool {
        let tells = entry.about.kind != Kind::Whiteout && entry.was.is_none() && self.take.secrets.are_in(entry.name);
        if tells {
            let path = self.take.secrets.redacted(entry.path);
            self.leave(&path, Why::Secret);
        }
        tells
    }

    /// Whether a file has a value that is kept from agents and that was not in it before.
    fn tells(&self, entry: &Entry<'_>, bytes: &[u8]) -> Result<bool, Error> {
        if !self.take.secrets.are_in(bytes) {
            return Ok(false);
        }
        let was = entry.was.filter(|(mode, _)| matches!(tree::sort(*mode), Sort::File { .. }));
        Ok(match was {
            Some((_, id)) => !self.take.secrets.are_in(&self.source.content(id)?),
            None => true,
        })
    }

    fn file(&mut self, entry: &Entry<'_>, path: &RepoPath) -> io::Result<Option<(Node, Arc<[u8]>)>> {
        if entry.about.size > MAX_FILE {
            // A file that was this large before may have been copied up and not changed; it is not read to find out.
            self.leave(path.as_bytes(), Why::Large(entry.about.size));
            return Ok(None);
        }
        if self.read.saturating_add(entry.about.size) > self.bounds.read {
            self.leave(path.as_bytes(), Why::Total);
            return Ok(None);
        }
        self.read += entry.about.size;
        let bytes: Arc<[u8]> = match entry.here.read(entry.name, MAX_FILE)? {
            Content::Bytes(bytes) => bytes.into(),
            Content::Larger(size) => {
                self.leave(path.as_bytes(), Why::Large(size));
                return Ok(None);
            }
        };
        if entry.about.mode & 0o6000 != 0 {
            self.leave(path.as_bytes(), Why::Bits);
        }
        Ok(Some((Node::File { blob: blob_id(&bytes), executable: entry.about.mode & 0o100 != 0 }, bytes)))
    }

    /// All that the tree had at a path is gone.
    fn gone(&mut self, path: &[u8], was: Was) -> Result<(), Error> {
        if tree::sort(was.0) != Sort::Directory {
            self.gone_one(path, was);
            return Ok(());
        }
        let source = self.source;
        tree::walk(source, was.1, &mut |below, item| {
            if item.sort() == Sort::Directory {
                return Ok(Step::Into);
            }
            self.gone_one(&[path, b"/", below].concat(), (item.mode, item.id));
            Ok(Step::Over)
        })
    }

    /// One file or link is gone; whether that can be.
    fn gone_one(&mut self, path: &[u8], (mode, _): Was) -> bool {
        if tree::sort(mode) == Sort::Submodule {
            self.leave(path, Why::Submodule);
            return false;
        }
        let Some(path) = self.path(path) else { return false };
        if let Some(why) = self.refusal(&path, 0) {
            self.leave(path.as_bytes(), why);
            return false;
        }
        self.gone.insert(path);
        true
    }

    /// A whole folder is gone for a file in its place, or nothing of it is.
    fn gone_whole(&mut self, path: &[u8], folder: Oid) -> Result<bool, Error> {
        let (source, may_write) = (self.source, self.take.may_write);
        let mut all = Vec::new();
        let mut can = true;
        tree::walk(source, folder, &mut |below, item| {
            if item.sort() == Sort::Directory {
                return Ok(Step::Into);
            }
            let path = [path, b"/", below].concat();
            let path = std::str::from_utf8(&path).ok().and_then(|path| RepoPath::new(path).ok());
            let path = path.filter(|path| item.sort() != Sort::Submodule && may_write(path));
            can = path.is_some() && self.gone.len() + self.put.len() + all.len() < self.bounds.paths;
            all.extend(path);
            Ok(if can { Step::Over } else { Step::Stop })
        })?;
        if can {
            self.gone.extend(all);
        }
        Ok(can)
    }

    fn refusal(&self, path: &RepoPath, bytes: u64) -> Option<Why> {
        if !(self.take.may_write)(path) {
            return Some(Why::NotGranted);
        }
        if self.gone.len() + self.put.len() >= self.bounds.paths {
            return Some(Why::Many);
        }
        (self.bytes + bytes > self.bounds.bytes).then_some(Why::Total)
    }

    /// The path of a workspace that this is; what is none is left out.
    fn path(&mut self, path: &[u8]) -> Option<RepoPath> {
        let good = std::str::from_utf8(path).ok().and_then(|path| RepoPath::new(path).ok());
        if good.is_none() {
            self.leave(path, Why::Name);
        }
        good
    }

    fn leave(&mut self, path: &[u8], why: Why) {
        if self.out.left_out.len() < MAX_NAMED {
            self.out.left_out.push((tree::escape(path), why));
        } else {
            self.out.more += 1;
        }
    }
}

fn link(entry: &Entry<'_>) -> io::Result<(Node, Arc<[u8]>)> {
    let target: Arc<[u8]> = entry.here.target(entry.name)?.into();
    Ok((Node::Symlink { blob: blob_id(&target) }, target))
}

fn is_same((mode, id): Was, node: Node) -> bool {
    match (tree::sort(mode), node) {
        (Sort::File { executable: was }, Node::File { blob, executable }) => was == executable && id == blob,
        (Sort::Symlink, Node::Symlink { blob }) => id == blob,
        _ => false,
    }
}

fn at(path: &[u8], error: &io::Error) -> Error {
    failed(Path::new(&tree::escape(path)), error)
}
