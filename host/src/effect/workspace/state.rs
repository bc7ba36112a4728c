//! One workspace: its map, the contents that are new, its snapshots, and the commit it stands on.

use std::collections::HashMap;
use std::sync::Arc;

use orchestra_pit_core::call::{Error, ErrorKind, Value, vcs};
use orchestra_pit_core::id::{Oid, RunId};
use orchestra_pit_core::map::{Built, Clash, Found, Map, Node, Over};
use orchestra_pit_core::path::RepoPath;

use super::super::store::{Blob, Object, Repo, blob_id};
use super::{MAX_CHANGES, MAX_FILE, diverged};

/// Bytes of new contents that one workspace keeps in memory. Most runs never reach it.
const MAX_HELD: u64 = 32 << 20;

/// Snapshots of one run: each may hold as many paths as there were changes.
const MAX_SNAPSHOTS: usize = 10_000;

/// A workspace.
pub(crate) struct State {
    pub(crate) run: RunId,
    pub(crate) branch: String,
    base: Oid,
    base_tree: Oid,
    head: Oid,
    /// Its base is the tree of `head`.
    map: Map,
    /// The size of every content that the run ever wrote.
    own: HashMap<Oid, u64>,
    /// Those of them that are neither stowed nor committed.
    held: HashMap<Oid, Arc<[u8]>>,
    held_bytes: u64,
    /// Bytes of the run's own contents that the map names.
    changed_bytes: u64,
    snapshots: Vec<Map>,
    /// The map's tree, until the next change.
    built: Option<Arc<Built>>,
}

impl State {
    pub(crate) fn new(repo: &Repo, run: RunId, base: Oid, branch: &str) -> Result<Self, Error> {
        let tree = repo.tree_of(base)?;
        Ok(Self {
            run,
            branch: branch.to_owned(),
            base,
            base_tree: tree,
            head: base,
            map: Map::new(tree),
            own: HashMap::new(),
            held: HashMap::new(),
            held_bytes: 0,
            changed_bytes: 0,
            snapshots: Vec::new(),
            built: None,
        })
    }

    pub(crate) fn base(&self) -> Oid {
        self.base
    }

    pub(crate) fn base_tree(&self) -> Oid {
        self.base_tree
    }

    pub(crate) fn head(&self) -> Oid {
        self.head
    }

    pub(crate) fn map(&self) -> &Map {
        &self.map
    }

    /// The tree of the files as they are.
    pub(crate) fn built(&mut self, repo: &Repo) -> Result<Arc<Built>, Error> {
        if let Some(built) = &self.built {
            return Ok(Arc::clone(built));
        }
        let built = Arc::new(self.map.build(repo)?);
        self.built = Some(Arc::clone(&built));
        Ok(built)
    }

    /// What is at a path.
    pub(crate) fn at(&self, repo: &Repo, path: &RepoPath) -> Result<Option<Found>, Error> {
        self.map.at(repo, path)
    }

    /// The size of a content.
    pub(crate) fn size(&self, repo: &Repo, blob: Oid) -> Result<u64, Error> {
        self.own.get(&blob).map_or_else(|| repo.blob_size(blob), |size| Ok(*size))
    }

    /// A content of at most so many bytes.
    pub(crate) fn blob(&self, repo: &Repo, blob: Oid, most: u64) -> Result<Blob, Error> {
        match self.held.get(&blob) {
            Some(bytes) if bytes.len() as u64 <= most => Ok(Blob::Bytes(Arc::clone(bytes))),
            Some(bytes) => Ok(Blob::Larger(bytes.len() as u64)),
            None => repo.blob(blob, most),
        }
    }

    /// A content that has to be whole.
    pub(crate) fn bytes(&self, repo: &Repo, blob: Oid, most: u64) -> Result<Arc<[u8]>, Error> {
        match self.blob(repo, blob, most)? {
            Blob::Bytes(bytes) => Ok(bytes),
            Blob::Larger(size) => {
                Err(Error::new(ErrorKind::TooLarge, format!("the file has {size} bytes, more than {most}")))
            }
        }
    }

    /// Whether there is room for a content at a path, before anything is changed.
    pub(crate) fn room(&self, path: &str, size: u64) -> Result<(), Error> {
        if size > MAX_FILE {
            let limit = MAX_FILE >> 20;
            return Err(Error::new(
                ErrorKind::TooLarge,
                format!("`{path}` would have {size} bytes; {limit} MiB a file"),
            ));
        }
        Ok(())
    }

    /// Puts a content at a path.
    pub(crate) fn put(
        &mut self,
        repo: &Repo,
        path: &RepoPath,
        bytes: &Arc<[u8]>,
        executable: bool,
    ) -> Result<Oid, Error> {
        let size = bytes.len() as u64;
        self.room(path, size)?;
        let before = self.weight(self.map.node(path));
        if self.changed_bytes - before + size > MAX_CHANGES {
            let limit = MAX_CHANGES >> 20;
            return Err(Error::new(
                ErrorKind::TooLarge,
                format!("the changed files would have more than {limit} MiB; `{path}` was not written"),
            ));
        }
        let blob = blob_id(bytes);
        self.own.insert(blob, size);
        self.place(repo, path, Node::File { blob, executable })?;
        self.keep(repo, blob, bytes)?;
        Ok(blob)
    }

    /// Keeps a content until it is committed.
    fn keep(&mut self, repo: &Repo, blob: Oid, bytes: &Arc<[u8]>) -> Result<(), Error> {
        if self.held.insert(blob, Arc::clone(bytes)).is_none() {
            self.held_bytes += bytes.len() as u64;
        }
        if self.held_bytes > MAX_HELD {
            self.stow(repo)?;
        }
        Ok(())
    }

    /// Puts a file or link that is known already at a path, or takes away what is there.
    pub(crate) fn place(&mut self, repo: &Repo, path: &RepoPath, node: Node) -> Result<(), Error> {
        let before = self.weight(self.map.node(path));
        self.map.put(repo, path, node)?.map_err(clash)?;
        self.changed_bytes = self.changed_bytes - before + self.weight(self.map.node(path));
        self.built = None;
        Ok(())
    }

    fn weight(&self, node: Option<Node>) -> u64 {
        match node {
            Some(Node::File { blob, .. }) => self.own.get(&blob).copied().unwrap_or(0),
            _ => 0,
        }
    }

    /// Moves the contents that are held into the store.
    fn stow(&mut self, repo: &Repo) -> Result<(), Error> {
        let blobs: Vec<Object<'_>> = self.held.values().map(|bytes| blob_object(bytes)).collect();
        repo.stow(&blobs)?;
        self.held.clear();
        self.held_bytes = 0;
        Ok(())
    }

    /// The contents that a commit of the map must bring: all that the run wrote, since nothing else is known to be
    /// reachable from a ref.
    pub(crate) fn new_blobs(&self, repo: &Repo) -> Result<Vec<Arc<[u8]>>, Error> {
        let mut seen = std::collections::HashSet::new();
        let mut blobs = Vec::new();
        for (_, node) in self.map.iter() {
            if let Node::File { blob, .. } = node
                && self.own.contains_key(blob)
                && seen.insert(*blob)
            {
                blobs.push(self.bytes(repo, *blob, MAX_FILE)?);
            }
        }
        Ok(blobs)
    }

    /// Keeps the files as they are. Answers the snapshot's id: the first is `s1`.
    pub(crate) fn snapshot(&mut self) -> Result<String, Error> {
        if self.snapshots.len() >= MAX_SNAPSHOTS {
            return Err(Error::new(ErrorKind::TooLarge, format!("the run has {MAX_SNAPSHOTS} snapshots already")));
        }
        self.snapshots.push(self.map.clone());
        Ok(format!("s{}", self.snapshots.len()))
    }

    /// Goes back to a snapshot. The last commit stays where it is: what differs from it is a change.
    pub(crate) fn restore(&mut self, repo: &Repo, id: &str) -> Result<(), Error> {
        let number = id.strip_prefix('s').and_then(|digits| digits.parse::<usize>().ok());
        let then = number.and_then(|n| self.snapshots.get(n.checked_sub(1)?));
        let Some(then) = then.filter(|_| number.is_some_and(|n| format!("s{n}") == id)) else {
            return Err(Error::new(ErrorKind::NotFound, format!("this run has no snapshot `{id}`")));
        };
        let map = if then.base() == self.map.base() { then.clone() } else { then.onto(repo, self.map.base())? };
        self.map = map;
        self.changed_bytes = self.map.iter().map(|(_, node)| self.weight(Some(*node))).sum();
        self.built = None;
        Ok(())
    }

    /// Stands on a commit that has the files as they are, or on one that took a child's in.
    pub(crate) fn stand_on(&mut self, commit: Oid, tree: Oid) {
        for (_, node) in self.map.iter() {
            if let Node::File { blob, .. } = node
                && let Some(bytes) = self.held.remove(blob)
            {
                self.held_bytes -= bytes.len() as u64;
            }
        }
        self.head = commit;
        self.map = Map::new(tree);
        self.changed_bytes = 0;
        self.built = None;
    }

    /// Stands again on a commit that the journal says was made.
    pub(crate) fn redo_commit(&mut self, repo: &Repo, value: &Value) -> Result<(), Error> {
        match value {
            Value::Vcs(vcs::Value::Commit(commit)) => {
                let tree = repo.tree_of(commit.id)?;
                if tree != self.built(repo)?.root {
                    return Err(diverged("vcs.commit", None));
                }
                self.stand_on(commit.id, tree);
            }
            Value::Vcs(vcs::Value::Integration(vcs::Integration::Merged(commit))) => {
                if !self.map.is_empty() {
                    return Err(diverged("vcs.integrate", None));
                }
                self.stand_on(commit.id, repo.tree_of(commit.id)?);
            }
            _ => {}
        }
        Ok(())
    }
}

/// Trees of a workspace: those that its map made, over the repository's.
pub(crate) fn trees<'a>(built: &'a Built, repo: &'a Repo) -> Over<'a, Repo> {
    Over { built, under: repo }
}

pub(crate) fn blob_object(bytes: &[u8]) -> Object<'_> {
    Object { kind: git2::ObjectType::Blob, bytes: bytes.into() }
}

pub(crate) fn clash(why: Clash) -> Error {
    let kind = match why {
        Clash::Nothing(_) => ErrorKind::NotFound,
        Clash::Deep(_) | Clash::Many => ErrorKind::TooLarge,
        Clash::Directory(_) | Clash::Below(_) | Clash::Link(_) | Clash::Submodule(_) => ErrorKind::Conflict,
    };
    Error::new(kind, why.to_string())
}

/// What a change of several files goes back to when one of them cannot be.
pub(crate) struct Mark {
    map: Map,
    changed_bytes: u64,
}

impl State {
    pub(crate) fn mark(&self) -> Mark {
        Mark { map: self.map.clone(), changed_bytes: self.changed_bytes }
    }

    /// Contents that were new stay: the next commit takes only those that the map names.
    pub(crate) fn go_back(&mut self, mark: Mark) {
        self.map = mark.map;
        self.changed_bytes = mark.changed_bytes;
        self.built = None;
    }
}

impl State {
    /// Holds a content that a merge made; it counts when a map that names it is taken.
    pub(crate) fn hold(&mut self, repo: &Repo, path: &str, bytes: &Arc<[u8]>) -> Result<Oid, Error> {
        let size = bytes.len() as u64;
        self.room(path, size)?;
        let blob = blob_id(bytes);
        self.own.insert(blob, size);
        self.keep(repo, blob, bytes)?;
        Ok(blob)
    }

    /// Has the files of a merge.
    pub(crate) fn take(&mut self, map: Map) {
        self.changed_bytes = map.iter().map(|(_, node)| self.weight(Some(*node))).sum();
        self.map = map;
        self.built = None;
    }
}

impl State {
    /// Takes over what a command changed, all of it or nothing. Its contents are on disk when this returns: the record that
    /// follows names them by reference.
    pub(crate) fn take_over(
        &mut self,
        repo: &Repo,
        changes: &[(RepoPath, Node)],
        contents: &HashMap<Oid, Arc<[u8]>>,
    ) -> Result<(), Error> {
        let blobs: Vec<Object<'_>> = contents.values().map(|bytes| blob_object(bytes)).collect();
        if !blobs.is_empty() {
            repo.stow(&blobs)?;
        }
        let before = self.mark();
        let sizes = contents.iter().map(|(blob, bytes)| (*blob, bytes.len() as u64));
        let taken = self.place_all(repo, changes, sizes);
        if taken.is_err() {
            self.go_back(before);
        }
        taken
    }

    /// Has again what the journal says a command changed.
    pub(crate) fn redo_changes(&mut self, repo: &Repo, changes: &[(RepoPath, Node)]) -> Result<(), Error> {
        let mut sizes = Vec::new();
        for (_, node) in changes {
            if let Node::File { blob, .. } | Node::Symlink { blob } = node {
                sizes.push((*blob, repo.blob_size(*blob)?));
            }
        }
        self.place_all(repo, changes, sizes)
    }

    fn place_all(
        &mut self,
        repo: &Repo,
        changes: &[(RepoPath, Node)],
        sizes: impl IntoIterator<Item = (Oid, u64)>,
    ) -> Result<(), Error> {
        self.own.extend(sizes);
        changes.iter().try_for_each(|(path, node)| self.place(repo, path, *node))?;
        if self.changed_bytes > MAX_CHANGES {
            let limit = MAX_CHANGES >> 20;
            return Err(Error::new(ErrorKind::TooLarge, format!("the changed files would have more than {limit} MiB")));
        }
        Ok(())
    }
}
