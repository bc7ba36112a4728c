//! Trees of the repository as files: shared by all runs, made from what is there already, never written to again.
//!
//! A checkout is a stack of layers, top first: one with all files and a few with what differs, whiteouts for what is gone.
//! The same tree again costs nothing, and a tree that is near one that is there costs its differences. A stack that would
//! be higher than [`MAX_LAYERS`], or a difference of more than a quarter, becomes a new layer with all files, in which
//! unchanged ones are other names of the old ones.
//!
//! **Times.** cargo, make, ninja, pytest and tsc ask whether a source is newer than what was built of it. So a file has
//! the moment when the checkout got that content at that path: in a layer of differences, the moment when the layer was
//! made, which is later than anything that was built over the layers below before; in a layer with all files the same,
//! but for files that are as in the checkout it was made from, which keep their time. Going back to an earlier content is
//! a change like any other. Outputs that were built over a checkout are therefore right over one that was made from it
//! later ([`Checkouts::lineage`]); over no other.
//!
//! A checkout is made in a folder of its own and moved to its name whole, so a half-made one is never used and two
//! processes may make the same. Nobody waits for the disk: [`Checkouts::tidy`] flushes later, and a checkout that was not
//! flushed before the machine was started again is not believed. Whoever uses one holds a shared lock on it and on those below; what nobody has used
//! for long, or what is too much, is moved aside and removed by [`Checkouts::tidy`].

#![expect(clippy::disallowed_methods, reason = "checkouts are folders of pit's own")]

pub(super) mod about;
mod clean;
mod make;

#[cfg(test)]
mod tests;

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use orchestra_pit_core::call::{Error, ErrorKind};
use orchestra_pit_core::id::{Hash, Oid};

pub use super::folder::Owner;
use super::folder::{boot, unique};
use super::source::Source;
use about::About;

/// Layers of one stack at most. An overlay looks for a file from the top down, and a mount's options have one page for
/// the names of all layers.
pub const MAX_LAYERS: usize = 8;

/// What is kept.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// What nobody has used for so long is removed.
    pub idle: Duration,
    /// Bytes of all checkouts of a repository; the ones that were used last are kept.
    pub bytes: u64,
}

impl Default for Limits {
    /// A fortnight, and as much as a handful of large checkouts: they can be made again, which costs seconds.
    fn default() -> Self {
        Self { idle: Duration::from_secs(14 * 24 * 3600), bytes: 20 << 30 }
    }
}

/// The checkouts of one repository.
#[derive(Debug)]
pub struct Checkouts {
    folder: PathBuf,
    owner: Option<Owner>,
    limits: Limits,
}

/// A checkout in use. It is not removed while this lives.
#[must_use = "without it the layers may be removed"]
#[derive(Debug)]
pub struct Stack {
    /// Folders, top first: an overlay's lower layers.
    pub layers: Vec<PathBuf>,
    /// The tree that they show.
    pub tree: Oid,
    about: About,
    held: Vec<Held>,
}

/// A shared lock on a checkout's folder.
#[derive(Debug)]
pub(super) struct Held {
    _lock: File,
}

impl Checkouts {
    /// Those of a repository, by its common git directory, below pit's folder for what can be made again.
    ///
    /// `owner` is who commands run as, if that is not who runs pit.
    pub fn new(cache: &Path, common: &Path, owner: Option<Owner>, limits: Limits) -> Result<Self, Error> {
        let id = Hash::of(common.as_os_str().as_encoded_bytes()).to_string();
        let folder = cache.join("checkouts").join(&id[..16]);
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(|error| failed(&folder, &error))?;
        Ok(Self { folder, owner, limits })
    }

    /// Those in a folder, to be looked through alone.
    pub(super) fn within(folder: &Path, limits: Limits) -> Self {
        Self { folder: folder.to_owned(), owner: None, limits }
    }

    /// Where they are: on the same disk is where uppers and runs' layers belong.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Who commands run as, if that is not who runs pit.
    pub fn owner(&self) -> Option<Owner> {
        self.owner
    }

    /// The checkout of a tree, made if it is not there.
    pub fn of<S: Source + ?Sized>(&self, source: &S, tree: Oid) -> Result<Stack, Error> {
        // Another process may remove what was just made, if the limits are narrow and the clock is wrong; not for ever.
        for _ in 0..5 {
            if let Some(stack) = self.take(tree).map_err(|error| failed(&self.folder, &error))? {
                return Ok(stack);
            }
            self.make(source, tree)?;
        }
        Err(Error::new(
            ErrorKind::Unavailable,
            format!("the checkout of {tree} in {} vanished each time it was made", self.folder.display()),
        ))
    }

    /// The checkout of a tree if it is there whole.
    pub(super) fn take(&self, tree: Oid) -> io::Result<Option<Stack>> {
        let mut stack: Option<Stack> = None;
        let mut next = Some(tree);
        while let Some(id) = next {
            let high = stack.as_ref().map_or(0, |stack| stack.layers.len());
            let Some((held, about)) = self.hold(id)?.filter(|_| high < MAX_LAYERS) else {
                // A layer below is gone, which only a person's hand can do: what stood on it is nothing any more.
                if stack.is_some() {
                    drop(stack);
                    self.aside(tree)?;
                }
                return Ok(None);
            };
            next = about.over;
            let layer = self.place(id).join("files");
            let stack = stack.get_or_insert_with(|| Stack { layers: Vec::new(), tree, about, held: Vec::new() });
            stack.layers.push(layer);
            stack.held.push(held);
        }
        Ok(stack)
    }

    /// Locks a checkout's folder against its removal, if it is there.
    pub(super) fn hold(&self, tree: Oid) -> io::Result<Option<(Held, About)>> {
        let place = self.place(tree);
        let Some(lock) = open_if_there(&place.join("lock"))? else { return Ok(None) };
        lock.lock_shared()?;
        // Between the opening and the locking it may have been moved aside.
        let there = fs::metadata(place.join("lock")).is_ok_and(|now| lock.metadata().is_ok_and(|was| same(&was, &now)));
        if !there {
            return Ok(None);
        }
        let Some(about) = About::read(&place)?.filter(|_| is_on_disk(&place)) else { return Ok(None) };
        // When it was last used, for those who tidy up. That it cannot be said is no reason to fail.
        let _ = lock.set_modified(SystemTime::now());
        Ok(Some((Held { _lock: lock }, about)))
    }

    pub(super) fn place(&self, tree: Oid) -> PathBuf {
        self.folder.join(tree.to_string())
    }

    /// Moves a checkout away from its name.
    fn aside(&self, tree: Oid) -> io::Result<()> {
        match fs::rename(self.place(tree), self.folder.join(format!("{GONE}{}", unique()))) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// The checkouts that a checkout's unchanged files have their times from, nearest first, each with the moment before
    /// which something must have been built over it to be right over this one: when the next one was made, in
    /// nanoseconds since 1970. The first is the checkout itself, over which everything is right.
    pub(super) fn lineage(&self, stack: &Stack) -> Vec<(Oid, u128)> {
        let mut all = vec![(stack.tree, u128::MAX)];
        let mut about = stack.about;
        while let Some(from) = about.from.filter(|_| all.len() < MAX_LINEAGE) {
            all.push((from, about.made));
            match About::read(&self.place(from)) {
                Ok(Some(next)) => about = next,
                _ => break,
            }
        }
        all
    }
}

/// Generations that are looked at for something to inherit; a loop, which only a person's hand can make, ends here.
const MAX_LINEAGE: usize = 64;

/// How the names of folders begin that are being made, and of those that are to be removed.
const MAKING: &str = "making.";
pub(super) const GONE: &str = "gone.";

fn open_if_there(path: &Path) -> io::Result<Option<File>> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether a checkout is as it was made: it is of this start of the machine, or was flushed since.
fn is_on_disk(place: &Path) -> bool {
    place.join("flushed").exists() || fs::read_to_string(place.join("boot")).is_ok_and(|then| Some(then) == boot())
}

pub(super) fn same(a: &fs::Metadata, b: &fs::Metadata) -> bool {
    (a.dev(), a.ino()) == (b.dev(), b.ino())
}

/// What is said when a folder of a command's files fails.
pub(super) fn failed(at: &Path, why: &io::Error) -> Error {
    let hint = match why.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "; `pit clean --caches` removes what can be made again"
        }
        _ => "",
    };
    Error::new(
        ErrorKind::Unavailable,
        format!(
            "the files of a command could not be laid out below {}: {why}; the workspace is as it was{hint}",
            at.display()
        ),
    )
}
