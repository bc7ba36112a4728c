//! Git's tree objects as bytes: read without trusting them, walked, compared, and written as git sorts them.
//!
//! Nothing here knows where trees are kept: [`Trees`] gives the bytes of one. An entry that an agent does not change is
//! copied byte for byte, so names that are not UTF-8, modes of old and submodules pass through unharmed.

mod diff;
mod name;
mod walk;

#[cfg(test)]
pub(crate) mod tests;

use std::cmp::Ordering;
use std::sync::Arc;

pub use diff::{Delta, diff};
pub use name::{escape, unescape};
pub use walk::{Step, walk};

use crate::id::Oid;

/// Where trees are kept.
pub trait Trees {
    /// Why a tree cannot be had.
    type Error: From<Malformed>;

    /// The bytes of a tree.
    fn tree(&self, id: Oid) -> Result<Arc<[u8]>, Self::Error>;

    /// The id of a tree with these bytes.
    fn id_of(&self, bytes: &[u8]) -> Oid;
}

/// A tree that is not one. Git's own tools make none; a repository from a stranger may have one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Malformed {
    /// Cut short, or a mode that is no number.
    #[error("a tree of the repository is damaged; `git fsck` shows which")]
    Bytes,
    /// Deeper than [`MAX_DEPTH`].
    #[error("the repository's folders are nested more than 1024 deep")]
    Deep,
    /// More than [`MAX_VISITS`] entries: small trees that name each other many times can stand for billions of files.
    #[error("the repository has more than 20 million entries")]
    Many,
}

/// Folders in folders at most: every name takes two bytes, so half of [`RepoPath::MAX`](crate::path::RepoPath::MAX) would
/// do; git's own limit (`core.maxTreeDepth`) is 2048.
pub const MAX_DEPTH: usize = 1024;

/// Entries that one walk visits at most. The largest public repositories have a million or two.
pub const MAX_VISITS: u64 = 20_000_000;

/// What an entry is, by its mode.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sort {
    /// A file; executable if its owner may execute it.
    File {
        /// As the mode says.
        executable: bool,
    },
    /// A symbolic link; the blob is its target.
    Symlink,
    /// A folder.
    Directory,
    /// Another repository's commit.
    Submodule,
}

/// An entry of a tree.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Item<'a> {
    /// As written: `0o100644`, …
    pub mode: u32,
    /// One part of a path; any bytes but NUL.
    pub name: &'a [u8],
    /// The blob, tree or commit.
    pub id: Oid,
}

impl Item<'_> {
    /// What it is.
    pub fn sort(&self) -> Sort {
        sort(self.mode)
    }
}

/// What a mode means. Unknown ones are files, as git takes them.
pub fn sort(mode: u32) -> Sort {
    match mode & 0o170_000 {
        0o040_000 => Sort::Directory,
        0o120_000 => Sort::Symlink,
        0o160_000 => Sort::Submodule,
        _ => Sort::File { executable: mode & 0o100 != 0 },
    }
}

/// The mode that git writes for a sort.
pub fn mode(sort: Sort) -> u32 {
    match sort {
        Sort::File { executable: false } => 0o100_644,
        Sort::File { executable: true } => 0o100_755,
        Sort::Symlink => 0o120_000,
        Sort::Directory => 0o040_000,
        Sort::Submodule => 0o160_000,
    }
}

/// The entries of a tree's bytes, in the order they are in. Ends after the first that is malformed.
pub fn items(bytes: &[u8]) -> Items<'_> {
    Items { rest: bytes }
}

/// See [`items`].
#[derive(Clone, Debug)]
pub struct Items<'a> {
    rest: &'a [u8],
}

impl<'a> Items<'a> {
    fn item(&mut self) -> Option<Item<'a>> {
        let space = self.rest.iter().take(8).position(|b| *b == b' ')?;
        let (digits, rest) = self.rest.split_at(space);
        let mut mode = 0;
        for digit in digits {
            mode = mode * 8 + char::from(*digit).to_digit(8)?;
        }
        let rest = rest.get(1..)?;
        let nul = rest.iter().position(|b| *b == 0)?;
        let (name, rest) = rest.split_at(nul);
        let (id, rest) = rest.get(1..)?.split_at_checked(20)?;
        self.rest = rest;
        Some(Item { mode, name, id: Oid(id.try_into().ok()?) })
    }
}

impl<'a> Iterator for Items<'a> {
    type Item = Result<Item<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        Some(self.item().ok_or_else(|| {
            self.rest = &[];
            Malformed::Bytes
        }))
    }
}

/// Appends an entry as git writes it.
pub fn push(to: &mut Vec<u8>, item: &Item<'_>) {
    to.extend_from_slice(format!("{:o} ", item.mode).as_bytes());
    to.extend_from_slice(item.name);
    to.push(0);
    to.extend_from_slice(&item.id.0);
}

/// Git's order of entries: by bytes, a folder as if its name ended with `/`. Joined to whole paths, this is the order of
/// the paths' bytes.
pub fn order(a: (&[u8], Sort), b: (&[u8], Sort)) -> Ordering {
    let key = |(name, sort): (&[u8], Sort), at: usize| {
        name.get(at).copied().or((at == name.len() && sort == Sort::Directory).then_some(b'/'))
    };
    let common = a.0.len().min(b.0.len());
    a.0[..common].cmp(&b.0[..common]).then_with(|| {
        let rest = |it: (&[u8], Sort)| (key(it, common), key(it, common + 1));
        // Past the shorter name, at most the `/` is left of it, so two bytes decide or the longer name wins.
        rest(a).cmp(&rest(b)).then(a.0.len().cmp(&b.0.len()))
    })
}

/// What a tree has at a path, if anything. A part that is not a folder has nothing below it.
pub fn find<T: Trees + ?Sized>(trees: &T, root: Oid, path: &str) -> Result<Option<(u32, Oid)>, T::Error> {
    let mut here = (0o040_000, root);
    for part in path.split('/') {
        if sort(here.0) != Sort::Directory {
            return Ok(None);
        }
        let bytes = trees.tree(here.1)?;
        let mut found = None;
        for item in items(&bytes) {
            let item = item?;
            if item.name == part.as_bytes() {
                found = Some((item.mode, item.id));
                break;
            }
        }
        match found {
            Some(next) => here = next,
            None => return Ok(None),
        }
    }
    Ok(Some(here))
}
