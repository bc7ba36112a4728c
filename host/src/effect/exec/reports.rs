//! The reports that a check has written into files, read out of its upper.
//!
//! The upper was empty when the command began, so what is in it is of this run. One thing is not: an overlay copies a whole
//! file up when the command changes no more than its time or its mode. A file of the tree that is so touched, and says what it
//! said before, is therefore none that was written. What set-up has left could be touched in the same way; that would take a
//! set-up that runs tests and a check that touches their reports and writes none, and nobody has such a pair.
//!
//! A report is read and taken away. It would be below the next run otherwise, where a build tool that finds its work done
//! (Gradle's `UP-TO-DATE`) writes none and tells of no test. Without it the tests are run again, on the tree that is judged.
//!
//! The upper was written by a stranger's command: links are not followed, and number, size and depth are bounded. What a
//! command's own link leads out of the upper is not found.

#[cfg(test)]
mod tests;

use std::io;
use std::path::Path;

use orchestra_pit_core::call::Error;
use orchestra_pit_core::check::report::{self, Gathered, Report};
use orchestra_pit_core::commands::Check;
use orchestra_pit_core::id::Oid;
use orchestra_pit_core::map::Map;
use orchestra_pit_core::pattern::Patterns;
use orchestra_pit_core::secret::Secrets;
use orchestra_pit_core::tree;

use super::checkout::failed;
use super::folder::{About, Content, Folder, Kind, unique};
use super::layer::Layer;
use super::source::{Source, find, is_git};
use crate::effect::store::blob_id;

/// How much of an upper is looked at and read.
#[derive(Clone, Copy)]
struct Bounds {
    /// Entries that are looked at: as many as are when an upper is imported.
    seen: usize,
    /// Reports: some times the test classes of the largest public builds.
    reports: usize,
    /// Bytes of one, in which all that its tests print may be.
    each: u64,
    /// Bytes of all, which are read one after the other.
    all: u64,
}

const BOUNDS: Bounds = Bounds { seen: 1_000_000, reports: 20_000, each: 32 << 20, all: 512 << 20 };

/// Where a check has run: its upper, over the layer and the tree that it was run on.
pub(super) struct Ground<'a, S: ?Sized> {
    pub(super) upper: &'a Path,
    pub(super) layer: &'a Layer,
    pub(super) source: &'a S,
    pub(super) tree: Oid,
    /// Values that nobody is shown, in a report no more than in output.
    pub(super) secrets: &'a Secrets,
}

/// What a check that has run says of its tests, by its output or by the reports that it wrote.
pub(super) fn read<S: Source<Error = Error> + ?Sized>(
    check: &Check,
    output: &str,
    ground: &Ground<'_, S>,
) -> Result<Report, Error> {
    within(BOUNDS, check, output, ground)
}

fn within<S: Source<Error = Error> + ?Sized>(
    bounds: Bounds,
    check: &Check,
    output: &str,
    ground: &Ground<'_, S>,
) -> Result<Report, Error> {
    let said = report::read(&check.run, output);
    let Some(wanted) = report::wanted(&check.run, &check.reports, &said) else { return Ok(said) };
    let fail = |error: io::Error| failed(ground.upper, &error);
    let trash = ground.layer.trash().map_err(fail)?;
    let top = Folder::open(ground.upper, ground.layer.owner()).map_err(fail)?;
    let mut walk = Walk { bounds, wanted, ground, trash, gathered: Gathered::default(), seen: 0, reports: 0, bytes: 0 };
    walk.folder(&top, &mut String::new(), 1)?;
    Ok(walk.gathered.report(&check.run, &check.reports, said, output))
}

struct Walk<'a, S: ?Sized> {
    bounds: Bounds,
    wanted: Patterns,
    ground: &'a Ground<'a, S>,
    trash: Folder,
    gathered: Gathered,
    seen: usize,
    reports: usize,
    bytes: u64,
}

impl<S: Source<Error = Error> + ?Sized> Walk<'_, S> {
    fn folder(&mut self, here: &Folder, path: &mut String, depth: usize) -> Result<(), Error> {
        let fail = |path: &str, error: io::Error| failed(Path::new(&tree::escape(path.as_bytes())), &error);
        let mut names = here.names(self.bounds.seen - self.seen).map_err(|error| fail(path, error))?;
        names.sort();
        let top = path.len();
        for name in names {
            self.seen += 1;
            if self.seen >= self.bounds.seen || depth >= Map::MAX_DEPTH {
                self.gathered.give_up("it wrote too much for reports to be looked for in it");
                return Ok(());
            }
            // Two names that are no text may come to be one; then a test has two results.
            path.push_str(&String::from_utf8_lossy(&name));
            match here.about(&name).map_err(|error| fail(path, error))? {
                Some(About { kind: Kind::Folder, .. }) if !is_git(&name) => {
                    let below = here.sub(&name).map_err(|error| fail(path, error))?;
                    path.push('/');
                    self.folder(&below, path, depth + 1)?;
                }
                Some(About { kind: Kind::Folder | Kind::Whiteout, .. }) | None => {}
                Some(about) if self.wanted.match_any(path) => self.report(here, &name, path, about.kind)?,
                Some(_) => {}
            }
            path.truncate(top);
        }
        Ok(())
    }

    /// Takes what is in the place of a report.
    fn report(&mut self, here: &Folder, name: &[u8], path: &str, kind: Kind) -> Result<(), Error> {
        let fail = |error: io::Error| failed(Path::new(&tree::escape(path.as_bytes())), &error);
        self.reports += 1;
        let Ground { source, tree, secrets, .. } = self.ground;
        let room = self.bounds.each.min(self.bounds.all - self.bytes);
        if kind != Kind::File {
            self.gathered.refuse(path, "it is no regular file", secrets);
        } else if self.reports > self.bounds.reports {
            self.gathered.refuse(path, &format!("it is one of more than {} reports", self.bounds.reports), secrets);
        } else {
            match here.read(name, room).map_err(fail)? {
                Content::Larger(size) => {
                    self.gathered.refuse(
                        path,
                        &format!("it has {size} bytes, and no more than {room} are read"),
                        secrets,
                    );
                }
                Content::Bytes(bytes) => {
                    self.bytes += bytes.len() as u64;
                    let was = find(*source, *tree, path.as_bytes())?.map(|(_, id)| id);
                    if was != Some(blob_id(&bytes)) {
                        self.gathered.add(path, &bytes, secrets);
                    }
                }
            }
        }
        // Moved and not removed, which takes a disk a hundred times as long where it is told of what is free.
        here.rename(name, &self.trash, unique().as_bytes()).map_err(fail)
    }
}
