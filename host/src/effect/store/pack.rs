//! Writing objects so that a garbage collection beside us cannot take them.
//!
//! `git gc --prune=now` deletes every loose object that no ref reached when it looked, however young, so objects written
//! one by one can be gone before a ref points to them. A pack with a `.keep` beside it is never deleted, and a pack that
//! came while a collection was under way is not among those it replaces. So what belongs together is written as one
//! pack, which also takes three flushes instead of one an object; the `.keep` goes when the ref has moved, and the next
//! collection finds the objects through the ref.

#![expect(clippy::disallowed_methods, reason = "a pack is flushed and moved in place here")]

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use orchestra_pit_core::call::{Error, ErrorKind};
use orchestra_pit_core::id::Hash;

use super::{Repo, failed};

/// An object to be written.
#[derive(Clone, Debug)]
pub struct Object<'a> {
    /// What it is.
    pub kind: git2::ObjectType,
    /// Its bytes, without git's header.
    pub bytes: std::borrow::Cow<'a, [u8]>,
}

/// Holds a pack until a ref points into it.
#[must_use = "dropped at once, the pack may be collected before a ref points into it"]
#[derive(Debug)]
pub struct Kept {
    /// The `.keep`, locked for as long as somebody is between the pack and the ref.
    keep: Option<(PathBuf, File)>,
}

impl Drop for Kept {
    fn drop(&mut self) {
        if let Some((path, file)) = self.keep.take() {
            // One that stays is swept the next time the repository is opened.
            let _ = fs::remove_file(path);
            drop(file);
        }
    }
}

/// First word of every `.keep` of ours.
const MARK: &str = "pit: until a ref points here\n";

/// Tells apart the packs of one process.
static NEXT: AtomicU64 = AtomicU64::new(0);

impl Repo {
    /// Puts objects into the user's repository, on disk when this returns.
    pub(crate) fn write(&self, objects: &[Object<'_>]) -> Result<Kept, Error> {
        self.write_into(&self.common.join("objects/pack"), objects)
    }

    pub(super) fn write_into(&self, folder: &Path, objects: &[Object<'_>]) -> Result<Kept, Error> {
        if objects.is_empty() {
            return Ok(Kept { keep: None });
        }
        let name = format!("{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let aside = self.state.join("tmp").join(&name);
        let written = build(&aside, objects)
            .map_err(|error| failed(&error))
            .and_then(|()| install(&aside, folder, &name).map_err(|error| no_room(&error)));
        let _ = fs::remove_dir_all(&aside);
        written
    }

    /// Removes what a process that died left: every `.keep` of ours that nobody holds.
    pub(super) fn sweep(&self) {
        let found = fs::read_dir(self.common.join("objects/pack")).into_iter().flatten();
        for path in found.filter_map(|entry| Some(entry.ok()?.path())) {
            let ours = path.extension().is_some_and(|end| end == "keep")
                && fs::read(&path).is_ok_and(|text| text == MARK.as_bytes());
            if ours && File::open(&path).is_ok_and(|file| file.try_lock().is_ok()) {
                let _ = fs::remove_file(path);
            }
        }
    }
}

/// Writes `pack-….pack` and `pack-….idx` into a folder of their own.
fn build(aside: &Path, objects: &[Object<'_>]) -> Result<(), git2::Error> {
    fs::create_dir_all(aside).map_err(|error| git2::Error::from_str(&error.to_string()))?;
    let odb = git2::Odb::new()?;
    odb.add_new_mempack_backend(1)?;
    let ids =
        objects.iter().map(|object| odb.write(object.kind, &object.bytes)).collect::<Result<Vec<_>, git2::Error>>()?;
    let memory = git2::Repository::from_odb(odb)?;
    // Of the user's and the system's configuration nothing counts here: a pack is a pack.
    memory.set_config(&git2::Config::new()?)?;
    let mut pack = memory.packbuilder()?;
    pack.set_threads(1);
    ids.into_iter().try_for_each(|id| pack.insert_object(id, None))?;
    pack.write(aside, 0o444)
}

/// Moves a pack in place: first its `.keep`, last its index, which is what makes it seen.
fn install(aside: &Path, folder: &Path, name: &str) -> io::Result<Kept> {
    let (mut pack, mut index) = (None, None);
    for entry in fs::read_dir(aside)? {
        let path = entry?.path();
        match path.extension().and_then(|end| end.to_str()) {
            Some("pack") => pack = Some(path),
            Some("idx") => index = Some(path),
            _ => {}
        }
    }
    let (Some(pack), Some(index)) = (pack, index) else { return Err(io::ErrorKind::NotFound.into()) };
    fs::create_dir_all(folder)?;
    // A name of its own each time: a pack with the same objects may be there and about to be deleted.
    let own = Hash::of_parts(&[name.as_bytes(), index.as_os_str().as_encoded_bytes(), &nonce()]).to_string();
    let stem = folder.join(format!("pack-{}", &own[..40]));
    let keep_path = stem.with_extension("keep");
    let mut keep = File::create_new(&keep_path)?;
    keep.lock()?;
    keep.write_all(MARK.as_bytes())?;
    let kept = Kept { keep: Some((keep_path, keep)) };
    place(&pack, &stem.with_extension("pack"))?;
    place(&index, &stem.with_extension("idx"))?;
    File::open(folder)?.sync_all()?;
    Ok(kept)
}

/// Makes a name unlike that of an earlier process with the same number.
fn nonce() -> [u8; 16] {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    now.as_nanos().to_be_bytes()
}

/// Flushes a file and moves it, over a copy where the objects are on another file system.
fn place(from: &Path, to: &Path) -> io::Result<()> {
    File::open(from)?.sync_all()?;
    match fs::rename(from, to) {
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
            // Git's own name for a pack that is not whole yet; its `gc` removes old ones.
            let half = to.with_file_name(format!("tmp_pack_{}", to.file_name().unwrap_or_default().to_string_lossy()));
            fs::copy(from, &half)?;
            File::open(&half)?.sync_all()?;
            fs::rename(half, to)
        }
        other => other,
    }
}

fn no_room(error: &io::Error) -> Error {
    Error::new(ErrorKind::Unavailable, format!("could not write to the repository: {error}; nothing was changed"))
}
