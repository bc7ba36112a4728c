//! Files that a run may not read: covered for its commands too, or a command would be a way around the grants.

#![expect(clippy::disallowed_methods, reason = "the layer that covers files is a folder of pit's own")]

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use orchestra_pit_core::call::{Error, ErrorKind};
use orchestra_pit_core::id::Oid;
use orchestra_pit_core::pattern::PathSet;
use orchestra_pit_core::tree::{self, Sort, Step};
use rustix::fs::{CWD, FileType, Mode, makedev, mknodat};

use super::source::Source;

/// What is covered.
#[derive(Debug, Default)]
pub struct Hidden {
    /// For which base and which tree that was found out.
    of: Option<(Oid, Oid)>,
    /// What of the base is not to be seen.
    below: BTreeSet<Vec<u8>>,
    paths: BTreeSet<Vec<u8>>,
    /// What the folder has.
    made: Option<BTreeSet<Vec<u8>>>,
}

impl Hidden {
    /// Finds out what of a tree is not to be seen. What is as it was before costs nothing.
    ///
    /// The base is always there to compare with; a tree between, which was in no commit, is in no store any more.
    pub fn follow<S: Source<Error = Error> + ?Sized>(
        &mut self,
        source: &S,
        base: Oid,
        to: Oid,
        read: &PathSet,
    ) -> Result<(), Error> {
        if self.of == Some((base, to)) {
            return Ok(());
        }
        let seen = |path: &[u8]| std::str::from_utf8(path).is_ok_and(|path| read.has(path));
        if self.of.is_none_or(|(known, _)| known != base) {
            self.of = None;
            self.below.clear();
            tree::walk(source, base, &mut |path, item| {
                if item.sort() == Sort::Directory {
                    return Ok::<_, Error>(Step::Into);
                }
                if !seen(path) {
                    self.below.insert(path.to_vec());
                }
                Ok(Step::Over)
            })?;
        }
        let mut paths = self.below.clone();
        for delta in tree::diff(source, base, to)? {
            match delta.new {
                Some(_) if !seen(&delta.path) => drop(paths.insert(delta.path)),
                _ => drop(paths.remove(&delta.path)),
            }
        }
        self.paths = paths;
        self.of = Some((base, to));
        Ok(())
    }

    /// Whether nothing is covered.
    pub fn is_empty(&self) -> bool {
        self.paths.is_empty()
    }

    /// What is covered, as it is told.
    pub fn names(&self) -> Vec<String> {
        self.paths.iter().map(|path| tree::escape(path)).collect()
    }

    /// The layer that covers it, made below a place where it is not; none if there is nothing to cover.
    pub fn layer(&mut self, place: &Path) -> Result<Option<PathBuf>, Error> {
        if self.paths.is_empty() {
            return Ok(None);
        }
        let layer = place.join("hidden");
        if self.made.as_ref() != Some(&self.paths) {
            self.made = None;
            make(&layer, &self.paths).map_err(|error| {
                Error::new(ErrorKind::Unavailable, format!("what this agent may not read cannot be covered: {error}"))
            })?;
            self.made = Some(self.paths.clone());
        }
        Ok(Some(layer))
    }
}

fn make(layer: &Path, paths: &BTreeSet<Vec<u8>>) -> io::Result<()> {
    use std::os::unix::ffi::OsStrExt as _;
    match fs::remove_dir_all(layer) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let owner = orchestra_pit_sandbox::layer_owner();
    let own = |path: &Path| std::os::unix::fs::lchown(path, Some(owner.0), Some(owner.1));
    fs::create_dir_all(layer)?;
    own(layer)?;
    for path in paths {
        let path = Path::new(std::ffi::OsStr::from_bytes(path));
        let mut at = layer.to_owned();
        for part in path.parent().into_iter().flat_map(Path::components) {
            at.push(part);
            match fs::create_dir(&at) {
                Ok(()) => own(&at)?,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        // A whiteout, which everybody may make.
        mknodat(CWD, layer.join(path), FileType::CharacterDevice, Mode::empty(), makedev(0, 0))?;
    }
    Ok(())
}
