//! Removing checkouts that nobody needs.

#![expect(clippy::disallowed_methods, reason = "checkouts are folders of pit's own")]

use std::collections::HashSet;
use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::time::{Duration, SystemTime};

use orchestra_pit_core::id::Oid;

use super::super::folder::Folder;
use super::about::About;
use super::{Checkouts, GONE, MAKING, is_on_disk, open_if_there};

/// What is being made is locked a moment after its folder is there; what is still not locked after this long was left by
/// a process that died.
const LEFT: Duration = Duration::from_secs(3600);

impl Checkouts {
    /// Flushes what was made since the last time, and removes what died in the making, what nobody has used for long, and what is over the limit, the oldest first.
    /// Takes its time: seconds for a large checkout, so it runs where nobody waits for it.
    pub fn tidy(&self) -> io::Result<()> {
        let now = SystemTime::now();
        self.flush()?;
        let mut there = self.there();
        there.sort();
        let (mut total, mut needed) = (0, HashSet::new());
        let mut sized = Vec::new();
        for (used, tree) in there {
            let Some(about) = About::read(&self.place(tree))? else { continue };
            let (needs, warm) = self.warm_needs(tree);
            let bytes = about.bytes.saturating_add(warm);
            total += bytes;
            needed.extend(about.over.into_iter().chain(needs));
            sized.push((used, tree, bytes));
        }
        for (used, tree, bytes) in sized {
            let idle = now.duration_since(used).unwrap_or_default() > self.limits.idle;
            // What stands on it is younger, and goes first the next time.
            if (idle || total > self.limits.bytes) && !needed.contains(&tree) && self.retire(tree)? {
                total = total.saturating_sub(bytes);
            }
        }
        self.sweep(now)
    }

    /// Has every checkout on disk, and says so after it: what says so earlier than it is would be believed.
    fn flush(&self) -> io::Result<()> {
        let there: Vec<_> = self.there().into_iter().map(|(_, tree)| self.place(tree)).collect();
        let new: Vec<_> =
            there.into_iter().filter(|place| is_on_disk(place) && !place.join("flushed").exists()).collect();
        if !new.is_empty() {
            Folder::open(&self.folder, None)?.sync_all()?;
        }
        new.iter().try_for_each(|place| match fs::write(place.join("flushed"), "") {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        })
    }

    /// Moves a checkout aside if nobody uses it and nothing stands on it.
    fn retire(&self, tree: Oid) -> io::Result<bool> {
        let Some(lock) = open_if_there(&self.place(tree).join("lock"))? else { return Ok(false) };
        if lock.try_lock().is_err() {
            return Ok(false);
        }
        // Whoever makes one over it holds a lock until that has its name: what is not seen now will never be.
        for (_, other) in self.there() {
            let over = About::read(&self.place(other))?.and_then(|about| about.over);
            if over == Some(tree) || self.warm_needs(other).0.contains(&tree) {
                return Ok(false);
            }
        }
        self.aside(tree)?;
        Ok(true)
    }

    /// Every checkout, and when it was last used.
    pub(super) fn there(&self) -> Vec<(SystemTime, Oid)> {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let found = entries.filter_map(|entry| {
            let tree = Oid::parse(entry.file_name().to_str()?)?;
            let used = fs::metadata(entry.path().join("lock")).and_then(|lock| lock.modified()).ok()?;
            Some((used, tree))
        });
        found.collect()
    }

    fn sweep(&self, now: SystemTime) -> io::Result<()> {
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let name = entry.file_name();
            let name = name.as_bytes();
            let left = name.starts_with(MAKING.as_bytes()) && {
                let age = entry.metadata().and_then(|known| known.modified());
                let old = age.is_ok_and(|then| now.duration_since(then).unwrap_or_default() > LEFT);
                old && File::open(entry.path().join("lock")).map_or(true, |lock| lock.try_lock().is_ok())
            };
            if left || name.starts_with(GONE.as_bytes()) {
                self.throw_away(name)?;
            }
        }
        Ok(())
    }

    /// Removes a folder with all that is in it.
    pub(super) fn throw_away(&self, name: &[u8]) -> io::Result<()> {
        let folder = Folder::open(&self.folder, None)?;
        let gone = folder.sub(name)?;
        gone.empty()?;
        folder.discard_empty(name)
    }
}
