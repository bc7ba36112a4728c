//! A workspace as a value: the tree it started from, and what is different now.
//!
//! A map says of each path that differs from its base what is there instead. What is as in the base is not in it, so the
//! map *is* the list of changes, two maps over one base are equal just when the files are, and a clone, which is what a
//! snapshot is, shares everything. Cost follows the changes, never the size of the repository.

mod build;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

pub use build::{Built, Over};
use serde::{Deserialize, Serialize};

use crate::id::Oid;
use crate::path::RepoPath;
use crate::tree::{self, Sort, Step, Trees};

/// What the map has at a path.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Node {
    /// A file.
    File {
        /// Its contents.
        blob: Oid,
        /// Whether it may be executed.
        executable: bool,
    },
    /// A symbolic link, which nothing ever follows.
    Symlink {
        /// Its target.
        blob: Oid,
    },
    /// The base's file or link is not there.
    Gone,
}

/// What is at a path of the workspace.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Found {
    /// A file.
    File {
        /// Its contents.
        blob: Oid,
        /// Whether it may be executed.
        executable: bool,
    },
    /// A symbolic link.
    Symlink {
        /// Its target.
        blob: Oid,
    },
    /// A folder with something in it. Others do not exist.
    Directory,
    /// Another repository's commit.
    Submodule {
        /// The commit.
        commit: Oid,
    },
}

/// Why a change cannot be.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Clash {
    /// There is nothing to remove.
    #[error("there is nothing at `{0}`")]
    Nothing(RepoPath),
    /// A folder is where a file is to be.
    #[error("`{0}` is a folder")]
    Directory(RepoPath),
    /// A file is where a folder would have to be.
    #[error("`{0}` is a file, so nothing can be below it")]
    Below(String),
    /// A link is where a folder would have to be, and links are never followed.
    #[error("`{0}` is a symbolic link, and links are never followed")]
    Link(String),
    /// Another repository's files.
    #[error("`{0}` is a submodule, whose files are another repository's")]
    Submodule(String),
    /// Deeper than a tree may be.
    #[error("`{0}` has more than {max} folders in each other", max = Map::MAX_DEPTH)]
    Deep(RepoPath),
    /// More changes than a workspace may have.
    #[error("the workspace already has {max} changed paths", max = Map::MAX_PATHS)]
    Many,
}

/// A base and what is different. See the module.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Map {
    base: Oid,
    nodes: Arc<BTreeMap<RepoPath, Node>>,
}

impl Map {
    /// Paths that may differ, at most.
    pub const MAX_PATHS: usize = 1_000_000;

    /// Folders in each other that a change may be in, at most: writing a tree goes down this far.
    pub const MAX_DEPTH: usize = 256;

    /// Nothing is different.
    pub fn new(base: Oid) -> Self {
        Self { base, nodes: Arc::default() }
    }

    /// The tree that it differs from.
    pub fn base(&self) -> Oid {
        self.base
    }

    /// Whether nothing is different.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Paths that are different.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// What is different, in the order of the paths.
    pub fn iter(&self) -> impl Iterator<Item = (&RepoPath, &Node)> {
        self.nodes.iter()
    }

    /// What the map itself has at a path.
    pub fn node(&self, path: &str) -> Option<Node> {
        self.nodes.get(path).copied()
    }

    /// What is at a path.
    pub fn at<T: Trees + ?Sized>(&self, trees: &T, path: &RepoPath) -> Result<Option<Found>, T::Error> {
        match self.node(path) {
            Some(Node::File { blob, executable }) => return Ok(Some(Found::File { blob, executable })),
            Some(Node::Symlink { blob }) => return Ok(Some(Found::Symlink { blob })),
            Some(Node::Gone) | None => {}
        }
        // Something live above hides all that the base has below it.
        if path.ancestors().any(|above| matches!(self.node(above), Some(Node::File { .. } | Node::Symlink { .. }))) {
            return Ok(None);
        }
        let (mut live, mut gone) = (false, false);
        for node in self.below(path) {
            live |= *node != Node::Gone;
            gone |= *node == Node::Gone;
        }
        if live {
            return Ok(Some(Found::Directory));
        }
        let Some((mode, id)) = tree::find(trees, self.base, path)? else { return Ok(None) };
        Ok(match tree::sort(mode) {
            Sort::Directory if !gone || self.any_left(trees, path, id)? => Some(Found::Directory),
            Sort::Directory => None,
            _ if self.node(path) == Some(Node::Gone) => None,
            Sort::Submodule => Some(Found::Submodule { commit: id }),
            Sort::Symlink => Some(Found::Symlink { blob: id }),
            Sort::File { executable } => Some(Found::File { blob: id, executable }),
        })
    }

    /// What the map has below a folder.
    fn below(&self, folder: &str) -> impl Iterator<Item = &Node> {
        // `0` follows `/`, so these bounds hold just what starts with the folder and a slash.
        let (from, to) = (format!("{folder}/"), format!("{folder}0"));
        self.nodes.range::<str, _>((Bound::Included(&*from), Bound::Excluded(&*to))).map(|(_, node)| node)
    }

    /// Whether the base has anything below a folder that is not gone.
    fn any_left<T: Trees + ?Sized>(&self, trees: &T, folder: &str, id: Oid) -> Result<bool, T::Error> {
        let mut left = false;
        tree::walk(trees, id, &mut |path, item| {
            if item.sort() == Sort::Directory {
                return Ok(Step::Into);
            }
            let gone =
                std::str::from_utf8(path).is_ok_and(|path| self.node(&format!("{folder}/{path}")) == Some(Node::Gone));
            left = !gone;
            Ok(if left { Step::Stop } else { Step::Over })
        })?;
        Ok(left)
    }

    /// Puts a file or a link at a path, and makes its folders. `Gone` is [`Map::remove`].
    pub fn put<T: Trees + ?Sized>(
        &mut self,
        trees: &T,
        path: &RepoPath,
        node: Node,
    ) -> Result<Result<(), Clash>, T::Error> {
        if node == Node::Gone {
            return self.remove(trees, path);
        }
        match self.at(trees, path)? {
            Some(Found::Directory) => return Ok(Err(Clash::Directory(path.clone()))),
            Some(Found::Submodule { .. }) => return Ok(Err(Clash::Submodule(path.to_string()))),
            Some(Found::File { .. } | Found::Symlink { .. }) => {}
            None => {
                if let Err(clash) = self.room(trees, path)? {
                    return Ok(Err(clash));
                }
            }
        }
        let as_base = tree::find(trees, self.base, path)?.is_some_and(|(mode, id)| {
            let (as_written, blob) = written(node);
            tree::sort(mode) == tree::sort(as_written) && id == blob
        });
        let nodes = Arc::make_mut(&mut self.nodes);
        if as_base {
            nodes.remove(path);
        } else {
            nodes.insert(path.clone(), node);
        }
        Ok(Ok(()))
    }

    /// Whether a path that has nothing can have something.
    fn room<T: Trees + ?Sized>(&self, trees: &T, path: &RepoPath) -> Result<Result<(), Clash>, T::Error> {
        if path.ancestors().count() >= Self::MAX_DEPTH {
            return Ok(Err(Clash::Deep(path.clone())));
        }
        if self.nodes.len() >= Self::MAX_PATHS {
            return Ok(Err(Clash::Many));
        }
        for above in path.ancestors() {
            let Ok(folder) = RepoPath::new(above) else { continue };
            match self.at(trees, &folder)? {
                None => {}
                // Above a folder are only folders.
                Some(Found::Directory) => break,
                Some(Found::File { .. }) => return Ok(Err(Clash::Below(above.to_owned()))),
                Some(Found::Symlink { .. }) => return Ok(Err(Clash::Link(above.to_owned()))),
                Some(Found::Submodule { .. }) => return Ok(Err(Clash::Submodule(above.to_owned()))),
            }
        }
        Ok(Ok(()))
    }

    /// Removes a file or a link.
    pub fn remove<T: Trees + ?Sized>(&mut self, trees: &T, path: &RepoPath) -> Result<Result<(), Clash>, T::Error> {
        match self.at(trees, path)? {
            None => return Ok(Err(Clash::Nothing(path.clone()))),
            Some(Found::Directory) => return Ok(Err(Clash::Directory(path.clone()))),
            Some(Found::Submodule { .. }) => return Ok(Err(Clash::Submodule(path.to_string()))),
            Some(Found::File { .. } | Found::Symlink { .. }) => {}
        }
        if self.node(path).is_none() && self.nodes.len() >= Self::MAX_PATHS {
            return Ok(Err(Clash::Many));
        }
        let in_base = tree::find(trees, self.base, path)?.is_some_and(|(mode, _)| tree::sort(mode) != Sort::Directory);
        let nodes = Arc::make_mut(&mut self.nodes);
        if in_base {
            nodes.insert(path.clone(), Node::Gone);
        } else {
            nodes.remove(path);
        }
        Ok(Ok(()))
    }

    /// The tree of the workspace, and the trees that are new.
    pub fn build<T: Trees + ?Sized>(&self, trees: &T) -> Result<Built, T::Error> {
        build::build(self, trees)
    }

    /// The same files, as what differs from another base. Only what an agent can name may differ between the two.
    pub fn onto<T: Trees + ?Sized>(&self, trees: &T, base: Oid) -> Result<Self, T::Error> {
        if base == self.base {
            return Ok(self.clone());
        }
        let built = self.build(trees)?;
        let both = Over { built: &built, under: trees };
        let mut nodes: BTreeMap<RepoPath, Node> = BTreeMap::new();
        for delta in tree::diff(&both, base, built.root)? {
            let Some(path) = std::str::from_utf8(&delta.path).ok().and_then(|path| RepoPath::new(path).ok()) else {
                continue;
            };
            let node = match delta.new {
                None => Node::Gone,
                Some((mode, blob)) => match tree::sort(mode) {
                    Sort::Symlink => Node::Symlink { blob },
                    Sort::File { executable } => Node::File { blob, executable },
                    Sort::Submodule | Sort::Directory => continue,
                },
            };
            // When a file took a folder's place, the removals below it are kept: they count again once it is gone.
            nodes.insert(path, node);
        }
        Ok(Self { base, nodes: Arc::new(nodes) })
    }
}

/// A live node as git writes it.
fn written(node: Node) -> (u32, Oid) {
    match node {
        Node::File { blob, executable } => (tree::mode(Sort::File { executable }), blob),
        Node::Symlink { blob } => (tree::mode(Sort::Symlink), blob),
        Node::Gone => (0, Oid([0; 20])),
    }
}
