//! Making a checkout: from the nearest one that is there, as differences or whole.

#![expect(clippy::disallowed_methods, reason = "checkouts are folders of pit's own")]

use std::collections::HashSet;
use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::time::SystemTime;

use orchestra_pit_core::call::Error;
use orchestra_pit_core::id::Oid;
use orchestra_pit_core::tree::{self, Delta, Sort, Step};
use rustix::fs::Timespec;

use super::super::folder::{Cursor, Folder, boot, name_of, nanoseconds, now, unique};
use super::super::source::{Along, Source, along, can_be_written, is_a_name};
use super::about::About;
use super::{Checkouts, MAKING, MAX_LAYERS, Stack, failed};

/// Checkouts that are compared with, those used last first. Comparing costs the folders that differ.
const CANDIDATES: usize = 8;

/// A checkout that is there, and how the new one differs from it.
struct Near {
    stack: Stack,
    deltas: Vec<Delta>,
}

/// One checkout that is being written.
struct Making<'a, S: ?Sized> {
    source: &'a S,
    tree: Oid,
    at: Timespec,
    cursor: Cursor,
    files: u64,
    bytes: u64,
}

impl Checkouts {
    /// Makes the checkout of a tree and moves it to its name, unless somebody else was faster.
    pub(super) fn make<S: Source + ?Sized>(&self, source: &S, tree: Oid) -> Result<(), Error> {
        let near = self.nearest(source, tree);
        let name = format!("{MAKING}{}", unique());
        let aside = self.folder.join(&name);
        let made = self.write(source, tree, near.as_ref(), &aside).and_then(|()| {
            match fs::rename(&aside, self.place(tree)) {
                // Whoever was faster has made the same.
                Err(error)
                    if matches!(error.kind(), io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::AlreadyExists) =>
                {
                    if !self.hold(tree).is_ok_and(|held| held.is_some()) {
                        self.aside(tree).map_err(|error| failed(&self.folder, &error))?;
                    }
                    Ok(())
                }
                other => other.map_err(|error| failed(&self.folder, &error)),
            }
        });
        // What stands under this name now is not needed; the next to tidy up removes what cannot be removed now.
        if aside.exists() {
            let _ = self.throw_away(name.as_bytes());
        }
        made
    }

    /// The checkout that differs least. One that cannot be compared, because git has deleted its tree, is none.
    fn nearest<S: Source + ?Sized>(&self, source: &S, tree: Oid) -> Option<Near> {
        let mut there: Vec<(SystemTime, Oid)> = self.there();
        there.sort_by(|a, b| b.cmp(a));
        let near = there.into_iter().take(CANDIDATES).filter_map(|(_, old)| {
            let deltas = tree::diff(source, old, tree).ok()?;
            Some((deltas, old))
        });
        let mut near: Vec<_> = near.collect();
        near.sort_by_key(|(deltas, _)| deltas.len());
        near.into_iter().find_map(|(deltas, old)| Some(Near { stack: self.take(old).ok()??, deltas }))
    }

    fn write<S: Source + ?Sized>(&self, source: &S, tree: Oid, near: Option<&Near>, aside: &Path) -> Result<(), Error> {
        let fail = |error: io::Error| failed(&self.folder, &error);
        fs::create_dir(aside).map_err(fail)?;
        // Held while it is being made: nobody takes it for a left-over.
        let lock = File::create_new(aside.join("lock")).map_err(fail)?;
        lock.lock_shared().map_err(fail)?;
        let place = Folder::open(aside, self.owner).map_err(fail)?;
        let files = place.make(b"files").map_err(fail)?;
        let at = now();
        let mut making = Making { source, tree, at, cursor: Cursor::new(files), files: 0, bytes: 0 };
        let over = near.filter(|near| is_better_over(near));
        match (over, near) {
            (Some(near), _) => making.differences(near)?,
            (None, near) => making.whole(near, &self.folder)?,
        }
        let about = About {
            over: over.map(|near| near.stack.tree),
            from: near.map(|near| near.stack.tree),
            made: nanoseconds(at),
            files: making.files,
            bytes: making.bytes,
        };
        fs::write(aside.join("about"), about.text()).map_err(fail)?;
        fs::write(aside.join("boot"), boot().unwrap_or_default()).map_err(fail)
    }
}

/// A quarter of the files is written again either way, and from then on found at once.
fn is_better_over(near: &Near) -> bool {
    near.stack.layers.len() < MAX_LAYERS && (near.deltas.len() as u64).saturating_mul(4) <= near.stack.about.files
}

impl<S: Source + ?Sized> Making<'_, S> {
    /// Only what differs from a checkout that is there.
    fn differences(&mut self, near: &Near) -> Result<(), Error> {
        let mut files = near.stack.about.files;
        for delta in &near.deltas {
            files = files + u64::from(delta.new.is_some()) - u64::from(delta.old.is_some() && files > 0);
            if !can_be_written(&delta.path) {
                continue;
            }
            match delta.new {
                Some((mode, id)) => self.put(&delta.path, mode, id, true)?,
                None => self.remove(&delta.path)?,
            }
        }
        self.files = files;
        Ok(())
    }

    /// All files; what is as in a checkout that is there has its time and its place on the disk.
    fn whole(&mut self, near: Option<&Near>, at: &Path) -> Result<(), Error> {
        let changed: HashSet<&[u8]> =
            near.into_iter().flat_map(|near| near.deltas.iter().map(|delta| &*delta.path)).collect();
        let layers = near.map_or(Ok(Vec::new()), |near| {
            near.stack.layers.iter().map(|layer| Folder::open(layer, None)).collect::<io::Result<Vec<_>>>()
        });
        let layers = layers.map_err(|error| failed(at, &error))?;
        let (source, tree) = (self.source, self.tree);
        tree::walk(source, tree, &mut |path, item| {
            if !is_a_name(item.name) || !can_be_written(path) {
                return Ok(Step::Over);
            }
            if item.sort() == Sort::Directory {
                return Ok(Step::Into);
            }
            self.files += 1;
            let kept = item.sort() != Sort::Submodule && !changed.contains(path) && self.keep(path, &layers);
            if !kept {
                self.put(path, item.mode, item.id, false)?;
            }
            Ok(Step::Over)
        })
    }

    /// Gives a file of an older checkout another name. It may have as many as its file system lets it; then it is written.
    fn keep(&mut self, path: &[u8], layers: &[Folder]) -> bool {
        let Ok(folder) = self.cursor.folder(path, Folder::make) else { return false };
        // The topmost layer that has it is the one that shows; above it, no layer has anything at this path.
        layers.iter().any(|layer| folder.same(name_of(path), layer, path).is_ok())
    }

    fn put(&mut self, path: &[u8], mode: u32, id: Oid, over: bool) -> Result<(), Error> {
        let sort = tree::sort(mode);
        let content = match sort {
            Sort::File { .. } | Sort::Symlink => Some(self.source.content(id)?),
            Sort::Directory | Sort::Submodule => None,
        };
        self.bytes += content.as_ref().map_or(0, |bytes| bytes.len() as u64);
        self.lay(path, sort, content.as_deref(), over).map_err(|error| at_path(path, &error))
    }

    fn lay(&mut self, path: &[u8], sort: Sort, content: Option<&[u8]>, over: bool) -> io::Result<()> {
        let folder = self.cursor.folder(path, Folder::make)?;
        let name = name_of(path);
        match (sort, content) {
            (Sort::File { executable }, Some(bytes)) => {
                folder.write(name, bytes, executable, self.at)?;
            }
            (Sort::Symlink, Some(target)) => folder.link(name, target)?,
            _ => {
                // A submodule's place: an empty folder, whatever was there before.
                let empty = folder.make(name)?;
                if over {
                    empty.set_opaque()?;
                }
            }
        }
        Ok(())
    }

    fn remove(&mut self, path: &[u8]) -> Result<(), Error> {
        // Where the tree has a folder or a file now, that hides what was there.
        let Along::Nothing(to) = along(self.source, self.tree, path)? else { return Ok(()) };
        let path = path.get(..to).unwrap_or(path);
        let hidden = self.cursor.folder(path, Folder::make).and_then(|folder| folder.hide(name_of(path)));
        match hidden {
            // Several files of one folder that is gone.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            other => other.map_err(|error| at_path(path, &error)),
        }
    }
}

fn at_path(path: &[u8], error: &io::Error) -> Error {
    failed(Path::new(&tree::escape(path)), error)
}
