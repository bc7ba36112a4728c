//! The store of our own, `pit/store.git`: contents that no ref of the user's points to.
//!
//! The journal holds every write by value, so what is here could be made again; here it is out of memory. It is a bare
//! repository with the user's objects as its alternate, so git's own tools can look into it.

#![expect(clippy::disallowed_methods, reason = "the store of our own is made and opened here")]

use std::fs;
use std::path::Path;

use orchestra_pit_core::call::Error;
use orchestra_pit_core::id::Oid;

use super::{Object, Repo, failed, lock};

/// Collections of the store are ours to start, not git's: only the journal knows what is needed.
const CONFIG: &str =
    "[core]\n\trepositoryformatversion = 0\n\tbare = true\n\tfsyncObjectFiles = true\n[gc]\n\tauto = 0\n";

impl Repo {
    /// Puts contents into the store, on disk when this returns.
    pub(crate) fn stow(&self, objects: &[Object<'_>]) -> Result<(), Error> {
        let mut kept = lock(&self.kept);
        let path = self.state.join("store.git");
        if kept.is_none() {
            make(&path).map_err(|error| failed(&git2::Error::from_str(&error.to_string())))?;
            *kept = Some(git2::Repository::open_bare(&path).map_err(|error| failed(&error))?);
        }
        // Nothing collects the store, so nothing has to be held.
        drop(self.write_into(&path.join("objects/pack"), objects)?);
        if let Some(store) = kept.as_ref() {
            let _ = store.odb().and_then(|odb| odb.refresh());
        }
        Ok(())
    }

    /// Reads what only the store has: a store of an earlier process is opened when something is missed.
    pub(super) fn kept_read<R>(
        &self,
        id: Oid,
        read: &mut impl FnMut(&git2::Odb<'_>) -> Result<R, git2::Error>,
    ) -> Option<Result<R, Error>> {
        let mut kept = lock(&self.kept);
        if kept.is_none() {
            *kept = git2::Repository::open_bare(self.state.join("store.git")).ok();
        }
        let odb = kept.as_ref()?.odb().ok()?;
        odb.exists(super::git_id(id)).then(|| read(&odb).map_err(|error| failed(&error)))
    }
}

/// Makes the store whole or not at all: another pit may be doing the same.
fn make(path: &Path) -> std::io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let aside = path.with_extension(format!("git.{}", std::process::id()));
    for folder in ["objects/info", "objects/pack", "refs/heads"] {
        fs::create_dir_all(aside.join(folder))?;
    }
    fs::write(aside.join("HEAD"), "ref: refs/heads/none\n")?;
    fs::write(aside.join("config"), CONFIG)?;
    // Relative, so that the repository can be moved.
    fs::write(aside.join("objects/info/alternates"), "../../../objects\n")?;
    let moved = fs::rename(&aside, path);
    if moved.is_err() {
        let _ = fs::remove_dir_all(&aside);
    }
    if path.is_dir() { Ok(()) } else { moved }
}
