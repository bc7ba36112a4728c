//! A run's layer of what git ignores and of what starts warm: moved there out of an upper, for the next command to have
//! below it.

use std::io;

use super::folder::{Content, Folder, Kind, name_of};
use super::layer::Layer;

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

    /// Such a layer in another folder.
    pub(super) fn at(top: Folder, layer: &Layer) -> io::Result<Self> {
        Ok(Self { top, trash: layer.trash()? })
    }

    /// Takes away what an earlier command left at a path.
    pub(super) fn remove(&self, path: &[u8]) -> io::Result<()> {
        match self.parent(path, false)? {
            Some(parent) => parent.as_ref().unwrap_or(&self.top).discard(name_of(path), &self.trash),
            None => Ok(()),
        }
    }

    /// Whether what the layers below have at a path is hidden: a folder that comes there has none of it.
    pub(super) fn hides(&self, path: &[u8]) -> io::Result<bool> {
        Ok(self.kind(path)? == Some(Kind::Whiteout))
    }

    /// Hides what the layers below have at a path.
    pub(super) fn hide(&self, path: &[u8]) -> io::Result<()> {
        let Some(parent) = self.parent(path, true)? else { return Ok(()) };
        let parent = parent.as_ref().unwrap_or(&self.top);
        parent.discard(name_of(path), &self.trash)?;
        parent.hide(name_of(path))
    }

    /// Whether an earlier command left something at a path.
    pub(super) fn has(&self, path: &[u8]) -> io::Result<bool> {
        Ok(self.kind(path)?.is_some())
    }

    fn kind(&self, path: &[u8]) -> io::Result<Option<Kind>> {
        let Some(parent) = self.parent(path, false)? else { return Ok(None) };
        Ok(parent.as_ref().unwrap_or(&self.top).about(name_of(path))?.map(|about| about.kind))
    }

    /// Moves what earlier commands left at a path, if they did, into another such layer.
    pub(super) fn hand_over(&self, path: &[u8], to: &Self) -> io::Result<()> {
        let Some(parent) = self.parent(path, false)? else { return Ok(()) };
        let parent = parent.as_ref().unwrap_or(&self.top);
        if parent.about(name_of(path))?.is_none() { Ok(()) } else { to.take(parent, name_of(path), path) }
    }

    /// A file that an earlier command has left.
    pub(super) fn read(&self, path: &[u8], most: u64) -> io::Result<Option<Content>> {
        let Some(parent) = self.parent(path, false)? else { return Ok(None) };
        let parent = parent.as_ref().unwrap_or(&self.top);
        match parent.about(name_of(path))?.map(|about| about.kind) {
            Some(Kind::File) => parent.read(name_of(path), most).map(Some),
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
                    let made = parent.make(part)?;
                    made.set_opaque()?;
                    made
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
        if kind(from)? == Some(Kind::Folder) && kind(to)?.is_some_and(|kind| kind != Kind::Folder) {
            // What was in its place hid what is below; the kernel need not have said so once more.
            from.sub(name)?.set_opaque()?;
        }
        to.discard(name, &self.trash)?;
        from.rename(name, to, name)
    }
}

/// Names that are moved before more are read.
const BATCH: usize = 10_000;
