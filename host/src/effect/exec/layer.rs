//! A run's own layer: the files of its workspace that differ from its checkout, for its commands to see.
//!
//! Before each command the layer is made to show the workspace's tree. Exactly the paths whose content or mode differs
//! from what it showed are written, as of now; a path that has gone back to what the checkout has is written too, for
//! something may have been built of what was there meanwhile, and the checkout's file is older than that.
//!
//! Beside it are the run's outputs that git ignores, the folders that start warm, and the upper of the command that is
//! running. What all of that is worth hangs on the layer's times, so it is made anew together: when the host was killed
//! in the middle of a change, when the machine was started again (nothing here is flushed), and for another checkout.
//!
//! No journal: a file says what the layer shows. It is removed before a change and written after it.

#![expect(clippy::disallowed_methods, reason = "a run's layer is a folder of pit's own")]

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use orchestra_pit_core::call::Error;
use orchestra_pit_core::id::Oid;
use orchestra_pit_core::tree::{self, Sort};
use rustix::fs::Timespec;

use super::checkout::{Stack, failed, same};
use super::folder::{Cursor, Folder, Kind, Owner, boot, name_of, now, unique};
use super::source::{Along, Source, along, can_be_written, find};

/// First line of the file that says what the layer shows.
const FORMAT: &str = "pit layer 1";

/// Mode and id of a file, a link or a submodule; none if it is gone.
type Leaf = Option<(u32, Oid)>;

/// See the module.
#[derive(Debug)]
pub struct Layer {
    place: PathBuf,
    owner: Option<Owner>,
    /// The tree of the checkout below.
    base: Oid,
    /// The tree that it shows; none while that is not known.
    tree: Option<Oid>,
    /// Every path that was ever written here, and what is there now.
    shown: BTreeMap<Vec<u8>, Leaf>,
    /// Keeps the folder from being swept.
    _lock: File,
}

/// The empty upper of one command, and the folder that the overlay needs beside it.
#[derive(Debug)]
pub struct Upper {
    /// Where what the command writes comes to be.
    pub upper: PathBuf,
    /// The overlay's own.
    pub work: PathBuf,
    name: String,
}

impl Upper {
    /// The same for what it writes into its home, which is nobody's afterwards.
    pub(super) fn home(&self) -> (PathBuf, PathBuf) {
        let home = self.upper.with_file_name("home");
        (home.join("upper"), home.join("work"))
    }
}

impl Layer {
    /// The layer of a run over the checkout of a tree, as it was left or made anew.
    pub fn open(place: &Path, base: Oid, owner: Option<Owner>) -> Result<Self, Error> {
        let fail = |error: io::Error| failed(place, &error);
        let lock = hold(place).map_err(fail)?;
        let mut layer = Self { place: place.to_owned(), owner, base, tree: None, shown: BTreeMap::new(), _lock: lock };
        match layer.read_shows() {
            Some((tree, shown)) => (layer.tree, layer.shown) = (Some(tree), shown),
            None => layer.reset().map_err(fail)?,
        }
        layer.sweep().map_err(fail)?;
        Ok(layer)
    }

    /// What a command's overlay has below, top first: what git ignores, the layer, and the checkout.
    pub fn lowers(&self, stack: &Stack) -> Vec<PathBuf> {
        [self.ignored(), self.files()].into_iter().chain(stack.layers.iter().cloned()).collect()
    }

    /// Outputs of earlier commands that git ignores.
    pub fn ignored(&self) -> PathBuf {
        self.place.join("ignored")
    }

    fn files(&self) -> PathBuf {
        self.place.join("files")
    }

    /// Where things of the run are kept that have to go when the layer is made anew.
    pub fn place(&self) -> &Path {
        &self.place
    }

    pub(super) fn owner(&self) -> Option<Owner> {
        self.owner
    }

    pub(super) fn ignored_folder(&self) -> io::Result<Folder> {
        Folder::open(&self.ignored(), self.owner)
    }

    /// Where folders go that are in the way; emptied when there is time.
    pub(super) fn trash(&self) -> io::Result<Folder> {
        Folder::open(&self.place.join("gone"), None)
    }

    /// The tree that it shows.
    pub fn tree(&self) -> Option<Oid> {
        self.tree
    }

    /// Makes the layer show a tree. Answers how many paths were written. Nothing of a command may be running.
    ///
    /// If it fails half way, the layer is made anew the next time.
    pub fn follow<S: Source + ?Sized>(&mut self, source: &S, to: Oid) -> Result<usize, Error> {
        if self.tree == Some(to) {
            return Ok(0);
        }
        let at = self.place.clone();
        let fail = |error: io::Error| failed(&at, &error);
        if self.tree.is_none() {
            self.reset().map_err(fail)?;
        }
        let changes = self.changes(source, to)?;
        if !changes.is_empty() {
            self.forget_shows().map_err(fail)?;
            self.tree = None;
            self.apply(source, to, &changes)?;
            self.shown.extend(changes.iter().cloned());
        }
        self.tree = Some(to);
        self.write_shows().map_err(fail)?;
        Ok(changes.len())
    }

    /// What has to be written for a tree to be seen.
    fn changes<S: Source + ?Sized>(&self, source: &S, to: Oid) -> Result<Vec<(Vec<u8>, Leaf)>, Error> {
        let wanted: BTreeMap<Vec<u8>, Leaf> =
            tree::diff(source, self.base, to)?.into_iter().map(|delta| (delta.path, delta.new)).collect();
        let mut changes: Vec<(Vec<u8>, Leaf)> = Vec::new();
        for (path, leaf) in &wanted {
            if self.shown.get(path) != Some(leaf) && can_be_written(path) {
                changes.push((path.clone(), *leaf));
            }
        }
        for (path, leaf) in self.shown.iter().filter(|(path, _)| !wanted.contains_key(*path)) {
            let below = find(source, self.base, path)?.filter(|(mode, _)| tree::sort(*mode) != Sort::Directory);
            if *leaf != below {
                changes.push((path.clone(), below));
            }
        }
        changes.sort();
        Ok(changes)
    }

    fn apply<S: Source + ?Sized>(&self, source: &S, to: Oid, changes: &[(Vec<u8>, Leaf)]) -> Result<(), Error> {
        let fail = |error: io::Error| failed(&self.place, &error);
        let trash = self.trash().map_err(fail)?;
        let ignored = self.ignored_folder().map_err(fail)?;
        let mut cursor = Cursor::new(Folder::open(&self.files(), self.owner).map_err(fail)?);
        let at = now();
        for (path, _) in changes.iter().filter(|(_, leaf)| leaf.is_none()) {
            // Where the tree has a folder or a file now, that is what hides what was there.
            if let Along::Nothing(end) = along(source, to, path)? {
                hide(&mut cursor, path.get(..end).unwrap_or(path), &trash).map_err(fail)?;
            }
        }
        for (path, leaf) in changes {
            let Some((mode, id)) = *leaf else { continue };
            let sort = tree::sort(mode);
            let bytes = match sort {
                Sort::File { .. } | Sort::Symlink => Some(source.content(id)?),
                Sort::Directory | Sort::Submodule => None,
            };
            put(&mut cursor, path, sort, bytes.as_deref(), at, &trash).map_err(fail)?;
            give_way(&ignored, path, &trash).map_err(fail)?;
        }
        Ok(())
    }

    /// An empty upper for one command.
    pub fn begin(&self) -> Result<Upper, Error> {
        let name = format!("{UPPER}{}", unique());
        let fail = |error: io::Error| failed(&self.place, &error);
        let own = Folder::open(&self.place, self.owner).and_then(|place| place.make(name.as_bytes())).map_err(fail)?;
        for part in ["upper", "work"] {
            own.make(part.as_bytes()).map_err(fail)?;
        }
        let home = own.make(b"home").map_err(fail)?;
        for part in ["upper", "work"] {
            home.make(part.as_bytes()).map_err(fail)?;
        }
        let at = self.place.join(&name);
        Ok(Upper { upper: at.join("upper"), work: at.join("work"), name })
    }

    /// Throws an upper away: out of sight at once, and removed by [`Layer::tidy`].
    pub fn end(&self, upper: &Upper) -> Result<(), Error> {
        let ended =
            Folder::open(&self.place, None).and_then(|place| place.discard(upper.name.as_bytes(), &self.trash()?));
        ended.map_err(|error| failed(&self.place, &error))
    }

    /// Removes what was thrown away. Takes its time, so it runs where nobody waits for it.
    pub fn tidy(place: &Path) -> io::Result<()> {
        Folder::open(&place.join("gone"), None)?.empty()
    }

    /// Uppers of commands that a host did not live to import: they had no effect.
    fn sweep(&self) -> io::Result<()> {
        let (place, trash) = (Folder::open(&self.place, None)?, self.trash()?);
        let left = place.names(MAX_LEFT)?;
        left.iter().filter(|name| name.starts_with(UPPER.as_bytes())).try_for_each(|name| place.discard(name, &trash))
    }

    /// Throws away everything that the layer and its outputs have, and shows the checkout as it is.
    fn reset(&mut self) -> io::Result<()> {
        self.forget_shows()?;
        self.tree = None;
        self.shown.clear();
        let place = Folder::open(&self.place, self.owner)?;
        let trash = place.make(b"gone")?;
        for name in place.names(MAX_LEFT)?.iter().filter(|name| *name != b"gone" && *name != LOCK.as_bytes()) {
            place.discard(name, &trash)?;
        }
        place.make(b"files")?;
        place.make(b"ignored")?;
        self.tree = Some(self.base);
        self.write_shows()
    }

    fn forget_shows(&self) -> io::Result<()> {
        match fs::remove_file(self.place.join("shows")) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn write_shows(&self) -> io::Result<()> {
        let (Some(tree), Some(boot)) = (self.tree, boot()) else { return Ok(()) };
        let mut text = format!("{FORMAT}\nboot {boot}\nbase {}\nshows {tree}\n", self.base);
        for (path, leaf) in &self.shown {
            let path = tree::escape(path);
            text.push_str(&match leaf {
                Some((mode, id)) => format!("{mode:o} {id} {path}\n"),
                None => format!("gone {path}\n"),
            });
        }
        let aside = self.place.join("shows.new");
        fs::write(&aside, text)?;
        fs::rename(aside, self.place.join("shows"))
    }

    /// What the layer shows, if that is known and this is still its checkout.
    fn read_shows(&self) -> Option<(Oid, BTreeMap<Vec<u8>, Leaf>)> {
        let text = fs::read_to_string(self.place.join("shows")).ok()?;
        let mut lines = text.lines();
        let mut value = |name: &str| Some(lines.next()?.strip_prefix(name)?.strip_prefix(' ')?.to_owned());
        let known = value("pit layer")? == "1"
            && Some(value("boot")?) == boot()
            && Oid::parse(&value("base")?) == Some(self.base);
        let tree = Oid::parse(&value("shows")?)?;
        let shown = lines.map(|line| {
            let (first, rest) = line.split_once(' ')?;
            if first == "gone" {
                return Some((tree::unescape(rest)?, None));
            }
            let (id, path) = rest.split_once(' ')?;
            Some((tree::unescape(path)?, Some((u32::from_str_radix(first, 8).ok()?, Oid::parse(id)?))))
        });
        let shown = shown.collect::<Option<BTreeMap<_, _>>>()?;
        (known && text.ends_with('\n')).then_some((tree, shown))
    }
}

/// Locked by whoever works on the layer; when it was last opened is its time.
pub(super) const LOCK: &str = "lock";

/// Makes the folder of a layer if need be and locks it against being swept, which may happen in between.
pub(super) fn hold(place: &Path) -> io::Result<File> {
    loop {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(place)?;
        let at = place.join(LOCK);
        let lock = match File::options().create(true).truncate(false).write(true).open(&at) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            other => other?,
        };
        lock.lock_shared()?;
        if fs::metadata(&at).is_ok_and(|now| lock.metadata().is_ok_and(|was| same(&was, &now))) {
            // For those who look what was not used for long. That it cannot be said is no reason to fail.
            let _ = lock.set_modified(std::time::SystemTime::now());
            return Ok(lock);
        }
    }
}

/// How the names of uppers begin.
const UPPER: &str = "command.";

/// Things beside a layer: a few.
const MAX_LEFT: usize = 1_000_000;

/// A folder on the way to a path. In the place of something else it must hide what that hid: the layers below may well
/// have a folder there, whose files are not these.
fn way(parent: &Folder, name: &[u8], trash: &Folder) -> io::Result<Folder> {
    match parent.about(name)? {
        None => parent.make(name),
        Some(about) if about.kind == Kind::Folder => parent.sub(name),
        Some(_) => {
            parent.discard(name, trash)?;
            let made = parent.make(name)?;
            made.set_opaque()?;
            Ok(made)
        }
    }
}

fn hide(cursor: &mut Cursor, path: &[u8], trash: &Folder) -> io::Result<()> {
    let folder = cursor.folder(path, |parent, name| way(parent, name, trash))?;
    let name = name_of(path);
    if folder.about(name)?.is_some_and(|about| about.kind == Kind::Whiteout) {
        return Ok(());
    }
    folder.discard(name, trash)?;
    folder.hide(name)
}

fn put(
    cursor: &mut Cursor,
    path: &[u8],
    sort: Sort,
    bytes: Option<&[u8]>,
    at: Timespec,
    trash: &Folder,
) -> io::Result<()> {
    let folder = cursor.folder(path, |parent, name| way(parent, name, trash))?;
    let name = name_of(path);
    folder.discard(name, trash)?;
    match (sort, bytes) {
        (Sort::File { executable }, Some(bytes)) => folder.write(name, bytes, executable, at).map(drop),
        (Sort::Symlink, Some(target)) => folder.link(name, target),
        _ => folder.make(name)?.set_opaque(),
    }
}

/// What git ignored lies above the layer: at a path that the workspace has now, it would hide it.
fn give_way(ignored: &Folder, path: &[u8], trash: &Folder) -> io::Result<()> {
    let mut below: Option<Folder> = None;
    let mut parts = path.split(|byte| *byte == b'/').peekable();
    while let Some(part) = parts.next() {
        let here = below.as_ref().unwrap_or(ignored);
        match here.about(part)? {
            Some(about) if about.kind == Kind::Folder && parts.peek().is_some() => {
                let next = here.sub(part)?;
                next.clear_opaque()?;
                below = Some(next);
            }
            Some(_) => return here.discard(part, trash),
            None => return Ok(()),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
