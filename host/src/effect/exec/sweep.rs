//! Removing what nobody uses any more of all that native commands have on the disk: files of runs and of checks, set-up,
//! checkouts. Whoever uses one holds a lock on it; a lock dies with its process, and what a dead one left is found here.

#![expect(clippy::disallowed_methods, reason = "removes folders of pit's own")]

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

use orchestra_pit_core::id::RunId;

use super::checkout::{Checkouts, GONE, Limits};
use super::folder::{Folder, unique};
use super::git;
use super::layer::LOCK;
use super::runs;
use super::setup::MAKING;

/// A folder is locked a moment after it is there; what has no lock for so long was left by a process that died.
const LEFT: Duration = Duration::from_secs(3600);

/// How the names begin of the files of checks, set-up and terminals: they end with their process.
pub(super) const CHECK: &str = "check-";

/// What was removed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Swept {
    /// Folders, whole.
    pub folders: usize,
}

/// Goes through everything below pit's folder for what can be made again. Takes its time, so it runs where nobody waits.
///
/// # Errors
/// The first thing that could not be removed; the rest is.
pub fn sweep(cache: &Path, limits: Limits) -> io::Result<Swept> {
    let (mut folders, mut failed) = (0, Ok(()));
    let mut count = |done: io::Result<usize>| match done {
        Ok(done) => folders += done,
        Err(error) => failed = Err(error),
    };
    for (name, at) in entries(&runs(cache)) {
        let idle = if RunId::parse(&name).is_some() { limits.idle } else { Duration::ZERO };
        count(if name.starts_with(GONE) { empty(&at).map(|()| 1) } else { one(&at, idle) });
    }
    for (name, at) in entries(&git::parts(cache)) {
        count(if name.starts_with(GONE) { empty(&at).map(|()| 1) } else { one(&at, limits.idle) });
    }
    for (_, repository) in entries(&cache.join("setup")) {
        for (name, at) in entries(&repository) {
            match () {
                () if name.starts_with(GONE) => count(empty(&at).map(|()| 1)),
                () if name.starts_with(MAKING) => count(if age(&at) > LEFT { gone(&at) } else { Ok(0) }),
                () if at.is_dir() => count(one(&at, limits.idle)),
                () => count(lapsed(&at, limits.idle)),
            }
        }
    }
    for (_, repository) in entries(&cache.join("checkouts")) {
        let before = entries(&repository).count();
        let tidied = Checkouts::within(&repository, limits).tidy();
        count(tidied.map(|()| before.saturating_sub(entries(&repository).count())));
    }
    failed.map(|()| Swept { folders })
}

/// Removes a folder unless somebody works in it. What could not be removed is found by the next sweep.
pub(super) fn remove(at: &Path) {
    for _ in 0..TRIES {
        // A lock that was just given up is held a moment longer by a process that is being started beside.
        match one(at, Duration::ZERO) {
            Ok(0) if at.join(LOCK).exists() => std::thread::sleep(TRY),
            _ => return,
        }
    }
}

/// How often, and how long between.
const TRIES: usize = 100;
const TRY: Duration = Duration::from_millis(20);

/// Removes the files of a run, unless somebody is at work on it.
pub fn forget(cache: &Path, run: RunId) {
    remove(&runs(cache).join(run.to_string()));
}

/// Removes a folder that was not used for so long and is not in use.
fn one(at: &Path, idle: Duration) -> io::Result<usize> {
    let lock = match File::options().write(true).open(at.join(LOCK)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return if age(at) > LEFT { gone(at) } else { Ok(0) };
        }
        other => other?,
    };
    if age(&at.join(LOCK)) < idle || lock.try_lock().is_err() {
        return Ok(0);
    }
    gone(at)
}

/// Out of sight at once, and then removed.
fn gone(at: &Path) -> io::Result<usize> {
    let aside = at.with_file_name(format!("{GONE}{}", unique()));
    match fs::rename(at, &aside) {
        Ok(()) => empty(&aside).map(|()| 1),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(error),
    }
}

fn empty(at: &Path) -> io::Result<()> {
    let emptied = Folder::open(at, None).and_then(|folder| folder.empty()).and_then(|()| fs::remove_dir(at));
    match emptied {
        // Two may sweep at a time.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// A file by which processes take turns, once nobody has for long.
fn lapsed(at: &Path, idle: Duration) -> io::Result<usize> {
    let Ok(turn) = File::options().write(true).open(at) else { return Ok(0) };
    if age(at) >= idle && turn.try_lock().is_ok() {
        fs::remove_file(at)?;
    }
    Ok(0)
}

/// How long ago something was changed; nothing if that is not known, or in the future.
fn age(at: &Path) -> Duration {
    let then = fs::symlink_metadata(at).and_then(|known| known.modified());
    then.ok().and_then(|then| SystemTime::now().duration_since(then).ok()).unwrap_or_default()
}

fn entries(folder: &Path) -> impl Iterator<Item = (String, std::path::PathBuf)> {
    let found = fs::read_dir(folder).into_iter().flatten().flatten();
    found.map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path()))
}

#[cfg(test)]
mod tests {
    use super::super::layer::Layer;
    use super::super::tests::names;
    use super::*;
    use orchestra_pit_core::id::Oid;

    fn layer(cache: &Path, name: &str) -> Layer {
        Layer::open(&runs(cache).join(name), Oid([7; 20]), None).unwrap()
    }

    const ALL: Limits = Limits { idle: Duration::ZERO, bytes: 0 };

    #[test]
    fn what_is_in_use_stays_and_what_a_dead_process_left_goes() {
        let dir = tempfile::tempdir().unwrap();
        let (cache, run) = (dir.path(), RunId([3; 16]).to_string());
        let used = [layer(cache, "check-1"), layer(cache, &run)];
        // As if its process had been killed: the lock is free.
        drop(layer(cache, "check-2"));
        fs::write(runs(cache).join("check-2/files/big"), "x").unwrap();
        assert_eq!(sweep(cache, Limits::default()).unwrap().folders, 1);
        assert_eq!(names(&runs(cache)), [run.as_str(), "check-1"]);
        drop(used);
        assert_eq!(sweep(cache, Limits::default()).unwrap().folders, 1, "of a run that may go on the files stay");
        assert_eq!(names(&runs(cache)), [run.as_str()]);
        assert_eq!(sweep(cache, ALL).unwrap().folders, 1);
        assert_eq!(names(&runs(cache)), [""; 0]);
    }

    #[test]
    fn what_was_left_without_a_lock_goes_after_a_while() {
        let dir = tempfile::tempdir().unwrap();
        let place = runs(dir.path()).join("check-9");
        fs::create_dir_all(place.join("files")).unwrap();
        assert_eq!(sweep(dir.path(), ALL).unwrap().folders, 0, "it may be about to be locked");
        let long_ago = SystemTime::now() - 2 * LEFT;
        File::open(&place).unwrap().set_modified(long_ago).unwrap();
        assert_eq!(sweep(dir.path(), ALL).unwrap().folders, 1);
        assert!(!place.exists());
    }

    #[test]
    fn what_was_being_removed_when_a_process_died_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(runs(dir.path()).join("gone.1.2.3/deep")).unwrap();
        fs::create_dir_all(dir.path().join("setup/r/gone.1.2.3/deep")).unwrap();
        sweep(dir.path(), Limits::default()).unwrap();
        assert_eq!(names(&runs(dir.path())), [""; 0]);
        assert_eq!(names(&dir.path().join("setup/r")), [""; 0]);
    }

    #[test]
    fn several_may_empty_a_folder_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        for round in 0..20 {
            let place = dir.path().join(round.to_string());
            for deep in 0..300 {
                fs::create_dir_all(place.join(format!("gone/{deep}/a/b/c"))).unwrap();
                fs::write(place.join(format!("gone/{deep}/a/file")), "x").unwrap();
            }
            let tidied = place.clone();
            let beside = std::thread::spawn(move || Layer::tidy(&tidied));
            gone(&place).unwrap();
            // That the folder itself was gone before it began is no failure of its work.
            let _ = beside.join().unwrap();
            assert_eq!(names(dir.path()), [""; 0], "round {round}");
        }
    }
}
