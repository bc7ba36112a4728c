//! Using libgit2 beside everybody else: handles from a pool, and another look when something moved underneath.

#![expect(clippy::disallowed_methods, reason = "the user's repository is opened anew for each thread")]

use std::time::Duration;

use orchestra_pit_core::call::Error;
use orchestra_pit_core::id::Oid;

use super::{MAX_IDLE, Repo, failed, lock};

/// How long to wait before looking again. A lock of git's is held for the time of a few writes; a pack that is gone has
/// a successor already.
const PAUSES: [Duration; 7] = [
    Duration::from_millis(1),
    Duration::from_millis(4),
    Duration::from_millis(15),
    Duration::from_millis(40),
    Duration::from_millis(100),
    Duration::from_millis(200),
    Duration::from_millis(400),
];

impl Repo {
    /// Uses a handle. What fails because somebody else was at it is tried again, with a handle that has seen nothing
    /// yet; so `use_it` must be something that can be done twice.
    pub(crate) fn with<R>(
        &self,
        mut use_it: impl FnMut(&git2::Repository) -> Result<R, git2::Error>,
    ) -> Result<R, git2::Error> {
        let mut pauses = PAUSES.iter();
        loop {
            let idle = lock(&self.idle).pop();
            let repo = idle.map_or_else(|| self.fresh(), Ok)?;
            match use_it(&repo) {
                Ok(result) => {
                    let mut idle = lock(&self.idle);
                    if idle.len() < MAX_IDLE {
                        idle.push(repo);
                    }
                    return Ok(result);
                }
                Err(error) => match pauses.next() {
                    Some(pause) if may_pass(&error, *pause) => {
                        drop(repo);
                        std::thread::sleep(*pause);
                        if error.code() != git2::ErrorCode::Locked {
                            lock(&self.idle).clear();
                        }
                    }
                    _ => return Err(error),
                },
            }
        }
    }

    /// Reads from the user's objects, then from our own.
    pub(crate) fn odb<R>(
        &self,
        id: Oid,
        mut read: impl FnMut(&git2::Odb<'_>) -> Result<R, git2::Error>,
    ) -> Result<R, Error> {
        let kept = lock(&self.kept);
        if let Some(store) = kept.as_ref()
            && let Ok(odb) = store.odb()
            && odb.exists_ext(super::git_id(id), git2::OdbLookupFlags::NO_REFRESH)
            && let Ok(result) = read(&odb)
        {
            return Ok(result);
        }
        drop(kept);
        self.with(|repo| read(&repo.odb()?)).or_else(|error| match self.kept_read(id, &mut read) {
            Some(result) => result,
            None => Err(failed(&error)),
        })
    }

    /// A new handle, whose writes are on disk before they are answered: `core.fsyncObjectFiles` is what makes libgit2
    /// flush refs.
    pub(super) fn fresh(&self) -> Result<git2::Repository, git2::Error> {
        let repo = git2::Repository::open(&self.git_dir)?;
        repo.config()?.add_file(&self.state.join("git.config"), git2::ConfigLevel::App, true)?;
        Ok(repo)
    }
}

/// Whether another try may do better. What is not there is looked for once more, in case its pack was just replaced.
fn may_pass(error: &git2::Error, pause: Duration) -> bool {
    use git2::{ErrorClass, ErrorCode};
    match error.code() {
        ErrorCode::Locked => true,
        ErrorCode::NotFound => error.class() == ErrorClass::Odb && pause <= PAUSES[1],
        ErrorCode::GenericError => {
            matches!(error.class(), ErrorClass::Os | ErrorClass::Odb | ErrorClass::Zlib | ErrorClass::Reference)
                && pause < Duration::from_millis(100)
        }
        _ => false,
    }
}
