//! Where the files of a command come from: trees and contents, of the repository and of a workspace that is in no commit.

use std::sync::Arc;

use orchestra_pit_core::call::{Error, ErrorKind};
use orchestra_pit_core::id::{Oid, RunId};
use orchestra_pit_core::map::Over;
use orchestra_pit_core::path::{PathError, RepoPath};
use orchestra_pit_core::tree::{self, Sort, Trees};

use crate::effect::store::{Blob, Repo, lock};
use crate::effect::workspace::{State, Workspaces};

/// Bytes of one file that is written for a command. Git's own tools warn of a hundredth of it.
const MAX_CONTENT: u64 = 2 << 30;

/// Gives trees and contents.
pub trait Source: Trees<Error = Error> {
    /// The whole content of a file or the target of a link. No filter is run: what LFS or git-crypt keep is a pointer.
    fn content(&self, id: Oid) -> Result<Arc<[u8]>, Error>;
}

impl Source for Repo {
    fn content(&self, id: Oid) -> Result<Arc<[u8]>, Error> {
        match self.blob(id, MAX_CONTENT)? {
            Blob::Bytes(bytes) => Ok(bytes),
            Blob::Larger(size) => Err(Error::new(
                ErrorKind::TooLarge,
                format!("a file of the repository ({id}) has {size} bytes, more than is written for a command"),
            )),
        }
    }
}

/// The files of a workspace as they are.
pub struct Files<'a> {
    trees: Over<'a, Repo>,
    state: &'a State,
}

impl Workspaces {
    /// Uses the files of a run as they are, and their tree. The run's workspace does not change meanwhile.
    pub fn files<R>(&self, run: RunId, use_them: impl FnOnce(&Files<'_>, Oid) -> Result<R, Error>) -> Result<R, Error> {
        let state = self.state(run)?;
        let mut state = lock(&state);
        let built = state.built(self.repo())?;
        let files = Files { trees: Over { built: &built, under: self.repo() }, state: &state };
        use_them(&files, built.root)
    }
}

impl Trees for Files<'_> {
    type Error = Error;

    fn tree(&self, id: Oid) -> Result<Arc<[u8]>, Error> {
        self.trees.tree(id)
    }

    fn id_of(&self, bytes: &[u8]) -> Oid {
        self.trees.id_of(bytes)
    }
}

impl Source for Files<'_> {
    fn content(&self, id: Oid) -> Result<Arc<[u8]>, Error> {
        self.state.bytes(self.trees.under, id, MAX_CONTENT)
    }
}

/// What a tree has at a path of any bytes.
pub(crate) fn find<S: Trees + ?Sized>(source: &S, root: Oid, path: &[u8]) -> Result<Option<(u32, Oid)>, S::Error> {
    Ok(match along(source, root, path)? {
        Along::Folder(id) => Some((tree::mode(Sort::Directory), id)),
        Along::Leaf(at, mode, id) if at == path.len() => Some((mode, id)),
        Along::Leaf(..) | Along::Nothing(_) => None,
    })
}

/// How far a path goes in a tree.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Along {
    /// All of it is folders.
    Folder(Oid),
    /// So many of its bytes name a file, a link or a submodule, with this mode and id.
    Leaf(usize, u32, Oid),
    /// So many of its bytes are the first that name nothing.
    Nothing(usize),
}

/// Follows a path down a tree.
pub(crate) fn along<S: Trees + ?Sized>(source: &S, root: Oid, path: &[u8]) -> Result<Along, S::Error> {
    let (mut folder, mut to) = (root, 0);
    for part in path.split(|byte| *byte == b'/') {
        to += part.len() + usize::from(to > 0);
        let bytes = source.tree(folder)?;
        let mut found = None;
        for item in tree::items(&bytes) {
            let item = item?;
            if item.name == part {
                found = Some((item.mode, item.id));
                break;
            }
        }
        match found {
            None => return Ok(Along::Nothing(to)),
            Some((mode, id)) if tree::sort(mode) == Sort::Directory => folder = id,
            Some((mode, id)) => return Ok(Along::Leaf(to, mode, id)),
        }
    }
    Ok(Along::Folder(folder))
}

/// Whether a path of a tree can be written. A tree may have names that git itself refuses to check out (`..`, `.git`) or
/// that no file system takes; they stay in the tree, and no command sees them.
pub(crate) fn can_be_written(path: &[u8]) -> bool {
    path.len() < RepoPath::MAX && path.split(|byte| *byte == b'/').all(is_a_name)
}

/// The same of one part.
pub(crate) fn is_a_name(part: &[u8]) -> bool {
    let plain = !part.is_empty() && part != b"." && part != b".." && !part.contains(&b'/') && part.len() <= 255;
    plain && !is_git(part)
}

/// Whether git could take a name for `.git`.
pub(crate) fn is_git(part: &[u8]) -> bool {
    std::str::from_utf8(part).is_ok_and(|text| RepoPath::new(text) == Err(PathError::Git))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effect::workspace::tests::{Desk, run_id};

    #[test]
    fn what_is_in_no_commit_is_read_with_the_rest() {
        let desk = Desk::new(&[("a/x", b"1"), ("b", b"2")]);
        desk.write("a/new", b"3").unwrap();
        let read = |files: &Files<'_>, tree| {
            let text = |path: &[u8]| files.content(find(files, tree, path).unwrap().unwrap().1).unwrap().to_vec();
            Ok([text(b"a/x"), text(b"b"), text(b"a/new")])
        };
        assert_eq!(desk.all.files(run_id(1), read).unwrap(), [b"1", b"2", b"3"].map(|text| text.to_vec()));
    }
}
