//! The user's repository, as the host uses it: read through libgit2, written by whole packs and compare-and-swap of refs.
//!
//! Nothing of the repository is ever run: no hook, filter, merge or diff driver, fsmonitor or credential helper. libgit2
//! starts no program by itself, and nothing here goes through the work tree, the index or `.gitattributes`.
//!
//! Anything may happen beside it: another pit, a person's `git commit`, `git gc --prune=now` in a loop. What is needed is
//! pinned by a ref before it is relied on, what is written cannot be collected before a ref points to it ([`pack`]), and
//! a read that meets a pack that has just been replaced looks again.

mod adopt;
mod handle;
mod keep;
mod open;
mod pack;
mod refs;
mod texts;

#[cfg(test)]
pub(crate) mod tests;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use open::{Head, OpenError};
pub use pack::Object;
pub use refs::Was;
pub(crate) use texts::{Text, Texts};

use orchestra_pit_core::call::{Error, ErrorKind};
use orchestra_pit_core::id::Oid;
use orchestra_pit_core::tree::Trees;

/// A repository that runs work in, and the state that pit keeps in it.
pub struct Repo {
    /// The git directory that all work trees share.
    common: PathBuf,
    /// The git directory that was opened: a linked work tree's own, or the same as `common`.
    git_dir: PathBuf,
    /// `pit/` in it: the journal and the store.
    state: PathBuf,
    /// Who commits: the person, as git is configured.
    person: Person,
    /// Handles that nobody is using: a libgit2 repository is used by one thread at a time.
    idle: Mutex<Vec<git2::Repository>>,
    /// Trees that were read, because every call looks at the same few.
    trees: Mutex<Cache>,
    /// The store of our own, once it was needed.
    kept: Mutex<Option<git2::Repository>>,
    /// What earlier searches have left.
    texts: Mutex<Option<Arc<Texts>>>,
    /// Whether somebody packs them.
    packs: texts::Packs,
}

/// Name and address of whoever runs pit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Person {
    /// `user.name`
    pub name: String,
    /// `user.email`
    pub email: String,
}

/// Bytes of trees kept in memory: those of a repository of some hundred thousand files.
const MAX_CACHED: usize = 64 << 20;

/// Handles kept open; more threads than this at once open their own for a moment.
const MAX_IDLE: usize = 8;

#[derive(Default)]
struct Cache {
    trees: HashMap<Oid, Arc<[u8]>>,
    bytes: usize,
}

/// A blob, or the size of one that is too large to be taken into memory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Blob {
    /// Its bytes.
    Bytes(Arc<[u8]>),
    /// Only how many.
    Larger(u64),
}

impl Repo {
    /// `pit/` in the git directory that all work trees share.
    pub fn state(&self) -> &Path {
        &self.state
    }

    /// The git directory that all work trees share.
    pub fn common(&self) -> &Path {
        &self.common
    }

    /// Who commits: `GIT_COMMITTER_NAME` and `GIT_COMMITTER_EMAIL`, or `user.name` and `user.email` of git's configuration, or a
    /// stand-in that says so.
    pub fn person(&self) -> &Person {
        &self.person
    }

    /// The size of a blob.
    pub fn blob_size(&self, id: Oid) -> Result<u64, Error> {
        self.odb(id, |odb| odb.read_header(git_id(id)).map(|(size, _)| size as u64))
    }

    /// A blob of at most so many bytes.
    pub fn blob(&self, id: Oid, most: u64) -> Result<Blob, Error> {
        self.odb(id, |odb| {
            let (size, _) = odb.read_header(git_id(id))?;
            if size as u64 > most {
                return Ok(Blob::Larger(size as u64));
            }
            odb.read(git_id(id)).map(|object| Blob::Bytes(object.data().into()))
        })
    }

    /// The tree of a commit.
    pub fn tree_of(&self, commit: Oid) -> Result<Oid, Error> {
        self.with(|repo| repo.find_commit(git_id(commit)).map(|commit| our_id(commit.tree_id())))
            .map_err(|error| gone(commit, &error))
    }

    /// Whether a commit is another one or comes before it.
    pub fn reaches(&self, from: Oid, commit: Oid) -> Result<bool, Error> {
        if from == commit {
            return Ok(true);
        }
        let reached = self.with(|repo| match repo.find_commit(git_id(commit)) {
            Err(error) if error.code() == git2::ErrorCode::NotFound => Ok(false),
            Err(error) => Err(error),
            Ok(_) => repo.graph_descendant_of(git_id(from), git_id(commit)),
        });
        reached.map_err(|error| failed(&error))
    }

    /// How many commits one has in its history that another has not.
    pub fn commits(&self, from: Oid, to: Oid) -> Result<usize, Error> {
        let counted = self.with(|repo| repo.graph_ahead_behind(git_id(to), git_id(from)));
        counted.map(|(ahead, _)| ahead).map_err(|error| failed(&error))
    }
}

impl Trees for Repo {
    type Error = Error;

    fn tree(&self, id: Oid) -> Result<Arc<[u8]>, Error> {
        if let Some(bytes) = lock(&self.trees).trees.get(&id) {
            return Ok(Arc::clone(bytes));
        }
        let bytes: Arc<[u8]> = self.odb(id, |odb| {
            let object = odb.read(git_id(id))?;
            if object.kind() != git2::ObjectType::Tree {
                return Err(git2::Error::from_str("not a tree"));
            }
            Ok(object.data().into())
        })?;
        let mut cache = lock(&self.trees);
        if cache.bytes + bytes.len() > MAX_CACHED {
            *cache = Cache::default();
        }
        if bytes.len() <= MAX_CACHED / 16 && cache.trees.insert(id, Arc::clone(&bytes)).is_none() {
            cache.bytes += bytes.len();
        }
        Ok(bytes)
    }

    fn id_of(&self, bytes: &[u8]) -> Oid {
        hash(git2::ObjectType::Tree, bytes)
    }
}

/// The id that git gives an object.
pub fn hash(kind: git2::ObjectType, bytes: &[u8]) -> Oid {
    // Hashing memory fails only for a kind that is no object's, and none such is ever passed.
    git2::Oid::hash_object(kind, bytes).map_or(Oid([0; 20]), our_id)
}

/// The id of a file's contents.
pub fn blob_id(bytes: &[u8]) -> Oid {
    hash(git2::ObjectType::Blob, bytes)
}

pub(crate) fn git_id(id: Oid) -> git2::Oid {
    git2::Oid::from_bytes(&id.0).unwrap_or(git2::Oid::ZERO_SHA1)
}

pub(crate) fn our_id(id: git2::Oid) -> Oid {
    id.as_bytes().try_into().map_or(Oid([0; 20]), Oid)
}

/// Locks that hold plain data stay good when a thread that held one panicked.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What an agent is told when the repository fails it.
pub(crate) fn failed(error: &git2::Error) -> Error {
    Error::new(ErrorKind::Unavailable, format!("the repository could not be used: {}", error.message()))
}

fn gone(id: Oid, error: &git2::Error) -> Error {
    match error.code() {
        git2::ErrorCode::NotFound => {
            Error::new(ErrorKind::NotFound, format!("{id} is not in the repository, or is no commit"))
        }
        _ => failed(error),
    }
}
