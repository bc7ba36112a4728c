//! Moving refs: by compare-and-swap, and never one that somebody has checked out.

#![expect(
    clippy::disallowed_methods,
    reason = "which work trees have a branch checked out is in git's own small files"
)]

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use orchestra_pit_core::call::{Error, ErrorKind};
use orchestra_pit_core::id::{Oid, RunId};

use super::{Repo, failed, git_id, our_id};

/// Refs that nobody but `pit` moves.
const OURS: &[&str] = &["refs/pit/", "refs/heads/pit/"];

/// A lock that was not let go of after this has nobody who would: the file it is for has a line.
const ABANDONED: Duration = Duration::from_secs(1);

/// What a ref must be for it to be moved.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Was {
    /// It must not exist.
    Absent,
    /// It must be this.
    At(Oid),
    /// Whatever it is.
    Any,
}

impl Repo {
    /// What a ref is.
    pub fn ref_at(&self, name: &str) -> Result<Option<Oid>, Error> {
        let found = self.with(|repo| match repo.refname_to_id(name) {
            Err(error) if error.code() == git2::ErrorCode::NotFound => Ok(None),
            other => other.map(|id| Some(our_id(id))),
        });
        found.map_err(|error| failed(&error))
    }

    /// Moves a ref if it is what it was thought to be. A ref that is there already is a success.
    pub fn move_ref(&self, name: &str, was: Was, to: Oid, why: &str) -> Result<(), Error> {
        if was != Was::Any && self.ref_at(name)? == Some(to) {
            return Ok(());
        }
        let once = || {
            self.with(|repo| {
                match was {
                    Was::Any => repo.reference(name, git_id(to), true, why),
                    Was::Absent => repo.reference_matching(name, git_id(to), true, git2::Oid::ZERO_SHA1, why),
                    Was::At(old) => repo.reference_matching(name, git_id(to), true, git_id(old), why),
                }
                .map(drop)
            })
        };
        let moved = match once() {
            Err(error) if error.code() == git2::ErrorCode::Locked && self.unlock(name) => once(),
            moved => moved,
        };
        moved.map_err(|error| match error.code() {
            git2::ErrorCode::Modified | git2::ErrorCode::Exists => {
                Error::new(ErrorKind::Conflict, format!("somebody else moved {name}; it was left as it is"))
            }
            _ => self.has_room(name).err().unwrap_or_else(|| failed(&error)),
        })
    }

    /// Waits for whoever holds the lock of a ref. Git's lock is a file, which outlives a process that was killed while it held
    /// it: one of ours that is as it was after [`ABANDONED`] is taken away. Of refs of ours only the owner of a tree moves
    /// any, and git's own collector, which holds a lock for as long as it takes to look at one small file.
    fn unlock(&self, name: &str) -> bool {
        let lock = self.common.join(format!("{name}.lock"));
        let stamp = || fs::metadata(&lock).and_then(|found| found.modified()).ok();
        let Some(before) = stamp() else { return true };
        let began = Instant::now();
        while began.elapsed() < ABANDONED {
            std::thread::sleep(Duration::from_millis(20));
            if stamp() != Some(before) {
                return true;
            }
        }
        OURS.iter().any(|ours| name.starts_with(ours)) && fs::remove_file(lock).is_ok()
    }

    /// Whether git could have a ref of this name: not if there is one where a folder of it would have to be.
    pub fn has_room(&self, name: &str) -> Result<(), Error> {
        match self.above(name) {
            None => Ok(()),
            Some(above) => {
                let error =
                    Error::new(ErrorKind::Conflict, format!("there is a ref {above}, so git cannot have {name}"));
                Err(error.hint("if it is a branch, rename it: git branch -m"))
            }
        }
    }

    /// A ref that stands where a folder of `name` would have to be.
    fn above(&self, name: &str) -> Option<String> {
        let mut rest = name;
        while let Some((above, _)) = rest.rsplit_once('/') {
            if self.ref_at(above).ok().flatten().is_some() {
                return Some(above.to_owned());
            }
            rest = above;
        }
        None
    }

    /// Keeps `git gc` from a run's base; done before anything of it is read.
    pub fn pin_base(&self, run: RunId, base: Oid) -> Result<(), Error> {
        self.move_ref(&base_ref(run), Was::Any, base, "pit: base of a run")?;
        self.tree_of(base).map(drop)
    }

    /// Keeps a run's last commit, whatever becomes of its branch.
    pub fn pin_head(&self, run: RunId, head: Oid) -> Result<(), Error> {
        self.move_ref(&head_ref(run), Was::Any, head, "pit: last commit of a run")
    }

    /// The last commit of a run, if it made any.
    pub fn pinned_head(&self, run: RunId) -> Result<Option<Oid>, Error> {
        self.ref_at(&head_ref(run))
    }

    /// What a run started from.
    pub fn pinned_base(&self, run: RunId) -> Result<Option<Oid>, Error> {
        self.ref_at(&base_ref(run))
    }

    /// Lets `git gc` have what only this run needed. For `clean`, when nothing will ask for the run again.
    pub fn unpin(&self, run: RunId) -> Result<(), Error> {
        for name in [base_ref(run), head_ref(run)] {
            let removed = self.with(|repo| match repo.find_reference(&name) {
                Ok(mut found) => found.delete(),
                Err(error) if error.code() == git2::ErrorCode::NotFound => Ok(()),
                Err(error) => Err(error),
            });
            removed.map_err(|error| failed(&error))?;
        }
        Ok(())
    }

    /// The git directory of a work tree that has a branch checked out, or is in the middle of rebasing it.
    pub fn checked_out(&self, name: &str) -> Option<PathBuf> {
        let linked = fs::read_dir(self.common.join("worktrees")).into_iter().flatten();
        let all = std::iter::once(self.common.clone()).chain(linked.filter_map(|entry| Some(entry.ok()?.path())));
        // Only small text files of git's own are looked at.
        let says = |file: PathBuf, prefix: &str| {
            fs::read_to_string(file).is_ok_and(|text| text.trim_end().strip_prefix(prefix) == Some(name))
        };
        all.into_iter().find(|dir| {
            says(dir.join("HEAD"), "ref: ")
                || says(dir.join("rebase-merge/head-name"), "")
                || says(dir.join("rebase-apply/head-name"), "")
        })
    }
}

fn base_ref(run: RunId) -> String {
    format!("refs/pit/base/{run}")
}

fn head_ref(run: RunId) -> String {
    format!("refs/pit/head/{run}")
}
