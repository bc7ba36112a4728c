//! A folder as a handle: what is in it is named by one part of a path, and no link is ever followed.
//!
//! Checkouts are written from trees that a stranger made, and uppers were written by a stranger's command. A name here is
//! one part of a path, a folder is opened only if it is one, and a file only if it is a regular one; so nothing that
//! either of them laid leads anywhere else.

#![expect(
    clippy::disallowed_methods,
    reason = "the folders of native commands are made, read and removed through this"
)]

use std::fs::File;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{
    AtFlags, CWD, Dir, FileType, Gid, Mode, OFlags, ResolveFlags, Timespec, Timestamps, Uid, XattrFlags, chmodat,
    chownat, fchmod, fchown, fgetxattr, fremovexattr, fsetxattr, futimens, linkat, mkdirat, mknodat, openat, openat2,
    readlinkat, renameat, statat, symlinkat, unlinkat,
};
use rustix::io::Errno;

/// Marks a folder that hides what the layers below have in it. The name is that of overlays that are mounted with
/// `userxattr`, as those in a user namespace are.
const OPAQUE: &str = "user.overlay.opaque";

/// The user whose files these are, when it is not the one that pit runs as: a layer whose owner is not mapped into the
/// sandbox cannot be written over (EOVERFLOW).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Owner {
    /// User.
    pub uid: u32,
    /// Group.
    pub gid: u32,
}

/// An open folder.
#[derive(Debug)]
pub(crate) struct Folder {
    fd: OwnedFd,
    owner: Option<Owner>,
}

/// What an entry is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    File,
    Folder,
    Link,
    /// An overlay's sign that what is below is gone.
    Whiteout,
    Pipe,
    Socket,
    Device,
}

/// What is known of an entry without opening it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct About {
    pub(crate) kind: Kind,
    pub(crate) size: u64,
    pub(crate) mode: u32,
    /// When its content was last changed: seconds, nanoseconds.
    pub(crate) changed: (i64, i64),
}

/// A file's bytes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Content {
    Bytes(Vec<u8>),
    /// More than was asked for.
    Larger(u64),
}

/// This moment, to the nanosecond. What the kernel stamps by itself is up to a tick of its clock older, so a file with
/// this time is newer than all that was written before.
pub(crate) fn now() -> Timespec {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Timespec { tv_sec: now.as_secs().cast_signed(), tv_nsec: now.subsec_nanos().into() }
}

/// A time in nanoseconds since 1970.
pub(crate) fn nanoseconds(at: Timespec) -> u128 {
    u128::from(at.tv_sec.cast_unsigned()) * 1_000_000_000 + u128::from(at.tv_nsec.cast_unsigned())
}

impl Folder {
    /// Opens a folder of pit's own by its path.
    pub(crate) fn open(path: &Path, owner: Option<Owner>) -> io::Result<Self> {
        Ok(Self { fd: openat(CWD, path, FOLDER, Mode::empty())?, owner })
    }

    /// A folder in this one. One that its owner may not enter is opened all the same, once nobody else is at it.
    pub(crate) fn sub(&self, name: &[u8]) -> io::Result<Self> {
        let opened = openat(&self.fd, part(name)?, FOLDER, Mode::empty());
        let fd = match opened {
            Err(Errno::ACCESS) if self.is(name, Kind::Folder)? => {
                chmodat(&self.fd, name, Mode::RWXU, AtFlags::empty())?;
                openat(&self.fd, name, FOLDER, Mode::empty())?
            }
            other => other?,
        };
        let mode = Mode::from_raw_mode(rustix::fs::fstat(&fd)?.st_mode);
        if !mode.contains(Mode::RWXU) {
            // What is in it could be listed and not looked at. That of somebody else cannot be changed, or need not be.
            let _ = fchmod(&fd, mode | Mode::RWXU);
        }
        Ok(Self { fd, owner: self.owner })
    }

    /// A folder in this one, of somebody's own files: nothing about it is changed.
    pub(crate) fn look(&self, name: &[u8]) -> io::Result<Self> {
        Ok(Self { fd: openat(&self.fd, part(name)?, FOLDER, Mode::empty())?, owner: None })
    }

    /// Makes a folder in this one, or finds it made.
    pub(crate) fn make(&self, name: &[u8]) -> io::Result<Self> {
        match mkdirat(&self.fd, part(name)?, Mode::from_raw_mode(0o755)) {
            Ok(()) => {
                let made = self.sub(name)?;
                // What the process keeps from new files must not decide what a command can read.
                fchmod(&made.fd, Mode::from_raw_mode(0o755))?;
                made.own_folder()?;
                Ok(made)
            }
            Err(Errno::EXIST) => self.sub(name),
            Err(error) => Err(error.into()),
        }
    }

    fn own_folder(&self) -> io::Result<()> {
        let Some((uid, gid)) = self.ids() else { return Ok(()) };
        Ok(fchown(&self.fd, uid, gid)?)
    }

    fn ids(&self) -> Option<(Option<Uid>, Option<Gid>)> {
        self.owner.map(|owner| (Some(Uid::from_raw(owner.uid)), Some(Gid::from_raw(owner.gid))))
    }

    /// What is there.
    pub(crate) fn about(&self, name: &[u8]) -> io::Result<Option<About>> {
        match statat(&self.fd, part(name)?, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(about(&stat))),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn is(&self, name: &[u8], kind: Kind) -> io::Result<bool> {
        Ok(self.about(name)?.is_some_and(|about| about.kind == kind))
    }

    /// Names of what is in it, in no order: not many more than `most`.
    pub(crate) fn names(&self, most: usize) -> io::Result<Vec<Vec<u8>>> {
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.fd)? {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if name != b"." && name != b".." {
                names.push(name.to_vec());
            }
            if names.len() > most {
                break;
            }
        }
        Ok(names)
    }

    /// The bytes of a regular file. One that its owner may not read is read all the same.
    pub(crate) fn read(&self, name: &[u8], most: u64) -> io::Result<Content> {
        match self.peek(name, most) {
            Err(error) if error.kind() == ErrorKind::PermissionDenied && self.is(name, Kind::File)? => {
                chmodat(&self.fd, name, Mode::RUSR | Mode::WUSR, AtFlags::empty())?;
                self.peek(name, most)
            }
            other => other,
        }
    }

    /// The same of somebody's own files, where nothing is changed to get at it.
    pub(crate) fn peek(&self, name: &[u8], most: u64) -> io::Result<Content> {
        // Without NONBLOCK the opening of a pipe would wait for whoever writes into it.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
        let file = File::from(openat(&self.fd, part(name)?, flags, Mode::empty())?);
        let known = file.metadata()?;
        if !known.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
        }
        if known.len() > most {
            return Ok(Content::Larger(known.len()));
        }
        let mut bytes = Vec::new();
        file.take(most + 1).read_to_end(&mut bytes)?;
        Ok(if bytes.len() as u64 > most { Content::Larger(bytes.len() as u64) } else { Content::Bytes(bytes) })
    }

    /// Where a link leads; nobody goes there.
    pub(crate) fn target(&self, name: &[u8]) -> io::Result<Vec<u8>> {
        Ok(readlinkat(&self.fd, part(name)?, Vec::new())?.into_bytes())
    }

    /// Writes a file that is not there yet, as of a time.
    pub(crate) fn write(&self, name: &[u8], bytes: &[u8], executable: bool, at: Timespec) -> io::Result<File> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut file = File::from(openat(&self.fd, part(name)?, flags, Mode::RUSR | Mode::WUSR)?);
        file.write_all(bytes)?;
        fchmod(&file, Mode::from_raw_mode(if executable { 0o755 } else { 0o644 }))?;
        if let Some((uid, gid)) = self.ids() {
            fchown(&file, uid, gid)?;
        }
        futimens(&file, &Timestamps { last_access: at, last_modification: at })?;
        Ok(file)
    }

    /// Makes a link that is not there yet.
    pub(crate) fn link(&self, name: &[u8], target: &[u8]) -> io::Result<()> {
        symlinkat(target, &self.fd, part(name)?)?;
        self.own(name)
    }

    /// Hides what the layers below have at a name. Ordinary users may make this one device since Linux 5.8.
    pub(crate) fn hide(&self, name: &[u8]) -> io::Result<()> {
        mknodat(&self.fd, part(name)?, FileType::CharacterDevice, Mode::empty(), 0)?;
        self.own(name)
    }

    fn own(&self, name: &[u8]) -> io::Result<()> {
        let Some((uid, gid)) = self.ids() else { return Ok(()) };
        Ok(chownat(&self.fd, name, uid, gid, AtFlags::SYMLINK_NOFOLLOW)?)
    }

    /// Lets commands read a file that something else has written.
    pub(crate) fn share(&self, name: &[u8]) -> io::Result<()> {
        if self.is(name, Kind::File)? {
            chmodat(&self.fd, name, Mode::from_raw_mode(0o644), AtFlags::empty())?;
        }
        self.own(name)
    }

    /// What is at a path below, if no link leads there.
    pub(crate) fn stat(&self, path: &[u8]) -> Option<About> {
        let how = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let found = openat2(&self.fd, path, flags, Mode::empty(), how).ok()?;
        rustix::fs::fstat(found).ok().map(|stat| about(&stat))
    }

    /// Has another name for a file of a layer, so that both are one on the disk and have one time.
    pub(crate) fn same(&self, name: &[u8], layer: &Self, path: &[u8]) -> io::Result<()> {
        Ok(linkat(&layer.fd, path, &self.fd, part(name)?, AtFlags::empty())?)
    }

    /// Hides all that the layers below have in this folder.
    pub(crate) fn set_opaque(&self) -> io::Result<()> {
        Ok(fsetxattr(&self.fd, OPAQUE, b"y", XattrFlags::empty())?)
    }

    /// Whether the layers below are hidden here.
    pub(crate) fn is_opaque(&self) -> io::Result<bool> {
        let mut value = [0_u8; 1];
        match fgetxattr(&self.fd, OPAQUE, &mut value) {
            Ok(1) => Ok(&value == b"y"),
            // A longer value is none of the overlay's.
            Ok(_) | Err(Errno::NODATA | Errno::NOTSUP | Errno::RANGE) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Shows again what the layers below have.
    pub(crate) fn clear_opaque(&self) -> io::Result<()> {
        match fremovexattr(&self.fd, OPAQUE) {
            Ok(()) | Err(Errno::NODATA | Errno::NOTSUP) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Moves an entry, over what is there if that is a file or an empty folder.
    pub(crate) fn rename(&self, name: &[u8], to: &Self, as_name: &[u8]) -> io::Result<()> {
        match renameat(&self.fd, part(name)?, &to.fd, part(as_name)?) {
            // A folder that its owner may not write cannot be moved to another one: its `..` changes.
            Err(Errno::ACCESS) if self.is(name, Kind::Folder)? => {
                chmodat(&self.fd, name, Mode::RWXU, AtFlags::empty())?;
                Ok(renameat(&self.fd, name, &to.fd, as_name)?)
            }
            other => Ok(other?),
        }
    }

    /// Takes an entry away: what is a folder goes into `trash`, which somebody empties when there is time.
    pub(crate) fn discard(&self, name: &[u8], trash: &Self) -> io::Result<()> {
        match unlinkat(&self.fd, part(name)?, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(Errno::ISDIR | Errno::PERM) => self.rename(name, trash, unique().as_bytes()),
            Err(error) => Err(error.into()),
        }
    }

    /// Removes all that is in the folder, at any depth: folders are brought up here before they are emptied, so no path
    /// grows and no more than two of them are open. Several may be at it at a time: what another has removed or is just
    /// filling with what it brings up is looked at once more.
    pub(crate) fn empty(&self) -> io::Result<()> {
        loop {
            let names = self.names(BATCH)?;
            if names.is_empty() {
                return Ok(());
            }
            for name in names {
                match unlinkat(&self.fd, &*name, AtFlags::empty()) {
                    Ok(()) | Err(Errno::NOENT) => {}
                    Err(Errno::ISDIR | Errno::PERM) => match self.raise_all(&name) {
                        Err(error) if ![ErrorKind::NotFound, ErrorKind::DirectoryNotEmpty].contains(&error.kind()) => {
                            return Err(error);
                        }
                        _ => {}
                    },
                    Err(error) => return Err(error.into()),
                }
            }
        }
    }

    /// Removes an empty folder.
    pub(crate) fn discard_empty(&self, name: &[u8]) -> io::Result<()> {
        match unlinkat(&self.fd, part(name)?, AtFlags::REMOVEDIR) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Empties a folder of this one and removes it; what folders it had are now here.
    fn raise_all(&self, name: &[u8]) -> io::Result<()> {
        chmodat(&self.fd, name, Mode::RWXU, AtFlags::empty())?;
        let below = self.sub(name)?;
        loop {
            let names = below.names(BATCH)?;
            if names.is_empty() {
                break;
            }
            for inner in names {
                below.discard(&inner, self)?;
            }
        }
        self.discard_empty(name)
    }

    /// Has everything on its disk that any process has written there.
    pub(crate) fn sync_all(&self) -> io::Result<()> {
        Ok(rustix::fs::syncfs(self.fd.as_fd())?)
    }
}

const FOLDER: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC).union(OFlags::NONBLOCK);

/// Names that are read before some of them are removed.
const BATCH: usize = 10_000;

/// What the machine was started as. What was not flushed is not believed after the power was gone.
pub(crate) fn boot() -> Option<String> {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(id.trim().to_owned()).filter(|id| !id.is_empty())
}

/// A name is one part of a path: with a slash in it, it would be another folder's.
fn part(name: &[u8]) -> io::Result<&[u8]> {
    if name.is_empty() || name == b"." || name == b".." || name.contains(&b'/') {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not the name of one file"));
    }
    Ok(name)
}

/// A name that nobody else has: of this process, and unlike that of an earlier one with the same number.
pub(crate) fn unique() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let (now, next) = (now(), NEXT.fetch_add(1, Ordering::Relaxed));
    format!("{}.{}.{}.{next}", std::process::id(), now.tv_sec, now.tv_nsec)
}

fn about(stat: &rustix::fs::Stat) -> About {
    let kind = match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => Kind::File,
        FileType::Directory => Kind::Folder,
        FileType::Symlink => Kind::Link,
        FileType::CharacterDevice if stat.st_rdev == 0 => Kind::Whiteout,
        FileType::Fifo => Kind::Pipe,
        FileType::Socket => Kind::Socket,
        _ => Kind::Device,
    };
    About {
        kind,
        size: u64::try_from(stat.st_size).unwrap_or(0),
        mode: stat.st_mode & 0o7777,
        changed: (stat.st_mtime, stat.st_mtime_nsec.cast_signed()),
    }
}

/// Goes from path to path, and keeps the folders on the way open. Paths in the order of their bytes cost least.
pub(crate) struct Cursor {
    top: Folder,
    open: Vec<(Vec<u8>, Folder)>,
}

impl Cursor {
    pub(crate) fn new(top: Folder) -> Self {
        Self { top, open: Vec::new() }
    }

    /// The folder of a path, made with all above it if need be. `make` makes one.
    pub(crate) fn folder(
        &mut self,
        path: &[u8],
        make: impl Fn(&Folder, &[u8]) -> io::Result<Folder>,
    ) -> io::Result<&Folder> {
        let parts: Vec<&[u8]> = path.split(|byte| *byte == b'/').collect();
        let above = parts.get(..parts.len().saturating_sub(1)).unwrap_or_default();
        let same = self.open.iter().zip(above).take_while(|((open, _), part)| open == *part).count();
        self.open.truncate(same);
        for part in above.iter().skip(same) {
            let last = self.open.last().map_or(&self.top, |(_, folder)| folder);
            let next = make(last, part)?;
            self.open.push((part.to_vec(), next));
        }
        Ok(self.open.last().map_or(&self.top, |(_, folder)| folder))
    }
}

/// The last part of a path.
pub(crate) fn name_of(path: &[u8]) -> &[u8] {
    path.rsplit(|byte| *byte == b'/').next().unwrap_or(path)
}
