//! Moves what git ignores out of an upper, into the layer that the run's next command has below.

use std::io;

use super::super::folder::{Content, Folder, Kind};
use super::super::layer::Layer;

/// Folders in each other that are merged; what is deeper takes the place of what was there.
const MAX_DEPTH: usize = 200;

/// A run's layer of ignored files.
pub(super) struct Ignored {
    top: Folder,
    trash: Folder,
}

impl Ignored {
    pub(super) fn open(layer: &Layer) -> io::Result<Self> {
        Ok(Self { top: layer.ignored_folder()?, trash: layer.trash()? })
    }

    /// Takes away what an earlier command left at a path.
    pub(super) fn remove(&self, path: &[u8]) -> io::Result<()> {
        match self.parent(path, false)? {
            Some(parent) => parent.as_ref().unwrap_or(&self.top).discard(last(path), &self.trash),
            None => Ok(()),
        }
    }

    /// A file that an earlier command has left.
    pub(super) fn read(&self, path: &[u8], most: u64) -> io::Result<Option<Content>> {
        let Some(parent) = self.parent(path, false)? else { return Ok(None) };
        let parent = parent.as_ref().unwrap_or(&self.top);
        match parent.about(last(path))?.map(|about| about.kind) {
            Some(Kind::File) => parent.read(last(path), most).map(Some),
            _ => Ok(None),
        }
    }

    /// Moves an entry of an upper, sign of absence or not, over what is here.
    pub(super) fn take(&self, from: &Folder, name: &[u8], path: &[u8]) -> io::Result<()> {
        let Some(parent) = self.parent(path, true)? else { return Ok(()) };
        self.merge(from, name, parent.as_ref().unwrap_or(&self.top), 0)
    }

    /// The folder of a path; inside, none for the top. Outside, none if it is not there and is not to be made.
    fn parent(&self, path: &[u8], make: bool) -> io::Result<Option<Option<Folder>>> {
        let mut here: Option<Folder> = None;
        let parts: Vec<&[u8]> = path.split(|byte| *byte == b'/').collect();
        for part in parts.iter().take(parts.len().saturating_sub(1)) {
            let parent = here.as_ref().unwrap_or(&self.top);
            let next = match parent.about(part)?.map(|about| about.kind) {
                Some(Kind::Folder) => parent.sub(part)?,
                None if !make => return Ok(None),
                None => parent.make(part)?,
                Some(_) if !make => return Ok(None),
                Some(_) => {
                    parent.discard(part, &self.trash)?;
                    parent.make(part)?
                }
            };
            here = Some(next);
        }
        Ok(Some(here))
    }

    fn merge(&self, from: &Folder, name: &[u8], to: &Folder, depth: usize) -> io::Result<()> {
        let kind = |folder: &Folder| Ok::<_, io::Error>(folder.about(name)?.map(|about| about.kind));
        if kind(from)? == Some(Kind::Folder) && kind(to)? == Some(Kind::Folder) && depth < MAX_DEPTH {
            let (new, old) = (from.sub(name)?, to.sub(name)?);
            if !new.is_opaque()? {
                loop {
                    let names = new.names(BATCH)?;
                    if names.is_empty() {
                        return Ok(());
                    }
                    names.iter().try_for_each(|name| self.merge(&new, name, &old, depth + 1))?;
                    // Folders that were merged are empty now and in the way of the rest.
                    names.iter().try_for_each(|name| new.discard(name, &self.trash))?;
                }
            }
        }
        to.discard(name, &self.trash)?;
        from.rename(name, to, name)
    }
}

/// Names that are moved before more are read.
const BATCH: usize = 10_000;

fn last(path: &[u8]) -> &[u8] {
    super::super::folder::name_of(path)
}
