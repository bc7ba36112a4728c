//! Reads and writes pit's own files, and nothing else: regular files of a bounded size, never through a link that a
//! repository has laid, never half written.

#![expect(clippy::disallowed_methods, reason = "configuration and trust are files; no agent names any of them")]

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use super::ConfigError;

/// Bytes that a file of pit's may have: thousands of times what people write, and no burden to hold.
pub const MAX_BYTES: u64 = 1024 * 1024;

/// Reads a file; none if it is not there. Neither a link nor a pipe that somebody put in its place is opened.
///
/// # Errors
/// If it is there and cannot be read.
pub fn read(path: &Path) -> Result<Option<String>, ConfigError> {
    open(path, true)
}

/// As [`read`], for files that a user may well keep elsewhere and link to.
///
/// # Errors
/// If it is there and cannot be read.
pub fn read_linked(path: &Path) -> Result<Option<String>, ConfigError> {
    open(path, false)
}

fn open(path: &Path, no_link: bool) -> Result<Option<String>, ConfigError> {
    let fail = |why: String| ConfigError::Unreadable { path: path.to_owned(), why };
    // Without NONBLOCK the opening of a pipe would wait for whoever writes into it.
    let mut flags = OFlags::NONBLOCK | OFlags::CLOEXEC;
    flags.set(OFlags::NOFOLLOW, no_link);
    let opened = OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path);
    let file = match opened {
        Ok(file) => file,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => {
            return Err(fail("it is a symbolic link".into()));
        }
        Err(error) => return Err(fail(error.to_string())),
    };
    let about = file.metadata().map_err(|error| fail(error.to_string()))?;
    if !about.is_file() {
        return Err(fail("it is not a file".into()));
    }
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(|error| fail(error.to_string()))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(fail(format!("it has more than {MAX_BYTES} bytes")));
    }
    String::from_utf8(bytes).map(Some).map_err(|_| fail("it is not UTF-8 text".into()))
}

/// Refuses a file if others than its owner and root could have written it: the file itself, every folder above, and
/// whatever links lead to it. `owner` is who must own all of it.
///
/// # Errors
/// The part that others can write. A file that is not there is no error: its folders are looked at by whoever makes it.
pub fn only_writable_by(path: &Path, owner: u32) -> Result<(), ConfigError> {
    only_writable_below(path, owner, Path::new("/"))
}

fn only_writable_below(path: &Path, owner: u32, top: &Path) -> Result<(), ConfigError> {
    let fail = |error: io::Error| ConfigError::Unreadable { path: path.to_owned(), why: error.to_string() };
    if let Err(error) = fs::symlink_metadata(path) {
        return if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(fail(error)) };
    }
    let real = fs::canonicalize(path).map_err(fail)?;
    // Both spellings: a link is as good as the folder it stands in.
    for spelling in [path, &real] {
        for part in spelling.ancestors().take_while(|part| part.starts_with(top)) {
            let about = fs::symlink_metadata(part).map_err(fail)?;
            let link = about.file_type().is_symlink();
            if about.uid() != owner || (!link && about.mode() & 0o022 != 0) {
                return Err(ConfigError::Unsafe { path: path.to_owned(), part: part.to_owned() });
            }
        }
    }
    Ok(())
}

/// Makes a folder that only this user can enter, with what is missing above it. One that is there already must be this
/// user's own and no link; rights that others have to it are taken away.
///
/// # Errors
/// Why there is no such folder.
pub fn private_dir(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    let about = fs::symlink_metadata(path)?;
    if !about.is_dir() {
        return Err(io::Error::new(io::ErrorKind::NotADirectory, "it is a link, and links are not followed"));
    }
    if about.uid() != rustix::process::geteuid().as_raw() {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "it belongs to somebody else"));
    }
    if about.mode() & 0o077 != 0 {
        fs::set_permissions(path, fs::Permissions::from_mode(0o700))?;
    }
    // A folder on a read-only file system can be there and be of no use.
    rustix::fs::access(path, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK)?;
    Ok(())
}

/// Waits for a lock that processes agree on, and holds it until what is returned is dropped.
///
/// # Errors
/// Why there is none.
pub fn locked(path: &Path) -> io::Result<fs::File> {
    let flags = (OFlags::NOFOLLOW | OFlags::CLOEXEC).bits().cast_signed();
    let open = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).custom_flags(flags).open(path);
    let lock = open?;
    lock.lock()?;
    Ok(lock)
}

/// Replaces a file as a whole, readable by this user only: whoever reads it sees the old text or the new one.
///
/// # Errors
/// Why it was not written; the old one is as it was.
pub fn replace(path: &Path, text: &str) -> io::Result<()> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_string_lossy().into_owned();
    let beside = path.with_file_name(format!(".{name}.{}", std::process::id()));
    let written = write_new(&beside, text).and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        // What is left would only be in the way of the next one; that it could not be written is what counts.
        let _ = fs::remove_file(&beside);
        return written;
    }
    // The new name is on disk only when its folder is.
    match path.parent() {
        Some(folder) => fs::File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

fn write_new(path: &Path, text: &str) -> io::Result<()> {
    // Left over from a process of the same number that ended in the middle.
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// The path with its links resolved: what names a place whatever way one came.
///
/// # Errors
/// If it is not there.
pub fn real(path: &Path) -> io::Result<PathBuf> {
    fs::canonicalize(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn me() -> u32 {
        rustix::process::geteuid().as_raw()
    }

    fn mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    fn why(path: &Path) -> String {
        match read(path).unwrap_err() {
            ConfigError::Unreadable { why, .. } => why,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_file_is_read_and_what_only_looks_like_one_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        fs::write(path("good"), "x = 1").unwrap();
        assert_eq!(read(&path("good")).unwrap().as_deref(), Some("x = 1"));
        assert_eq!(read(&path("none")).unwrap(), None);
        symlink(path("good"), path("link")).unwrap();
        assert_eq!(why(&path("link")), "it is a symbolic link");
        assert!(read_linked(&path("link")).unwrap().is_some());
        rustix::fs::mkfifoat(rustix::fs::CWD, path("pipe"), rustix::fs::Mode::RUSR).unwrap();
        assert_eq!(why(&path("pipe")), "it is not a file");
        assert_eq!(why(dir.path()), "it is not a file");
        fs::write(path("bytes"), b"\xff").unwrap();
        assert_eq!(why(&path("bytes")), "it is not UTF-8 text");
        fs::write(path("big"), vec![b' '; MAX_BYTES as usize + 1]).unwrap();
        assert!(why(&path("big")).contains("more than"));
    }

    #[test]
    fn what_others_can_write_is_not_believed() {
        let dir = tempfile::tempdir().unwrap();
        let top = fs::canonicalize(dir.path()).unwrap();
        let (folder, file) = (top.join("etc"), top.join("etc/policy.toml"));
        let check = || only_writable_below(&file, me(), &top);
        assert_eq!(check(), Ok(()), "not there");
        fs::create_dir(&folder).unwrap();
        fs::write(&file, "").unwrap();
        mode(&folder, 0o755);
        mode(&file, 0o644);
        assert_eq!(check(), Ok(()));
        let refused = |part: &Path| Err(ConfigError::Unsafe { path: file.clone(), part: part.to_owned() });
        for bad in [0o664, 0o646] {
            mode(&file, bad);
            assert_eq!(check(), refused(&file));
        }
        mode(&file, 0o644);
        for bad in [0o775, 0o757, 0o1777] {
            mode(&folder, bad);
            assert_eq!(check(), refused(&folder));
        }
        mode(&folder, 0o755);
        assert_eq!(check(), Ok(()));
        assert_eq!(only_writable_below(&file, me() + 1, &top), refused(&file), "somebody else's");
    }

    #[test]
    fn a_link_is_as_good_as_where_it_leads() {
        let dir = tempfile::tempdir().unwrap();
        let top = fs::canonicalize(dir.path()).unwrap();
        let (open, file) = (top.join("open"), top.join("policy.toml"));
        fs::create_dir(&open).unwrap();
        fs::write(open.join("real"), "").unwrap();
        mode(&open.join("real"), 0o644);
        symlink(open.join("real"), &file).unwrap();
        mode(&open, 0o755);
        assert_eq!(only_writable_below(&file, me(), &top), Ok(()));
        mode(&open, 0o777);
        assert!(
            matches!(only_writable_below(&file, me(), &top), Err(ConfigError::Unsafe { part, .. }) if part == open)
        );
    }

    #[test]
    fn a_private_folder_is_private_or_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/b");
        private_dir(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o700);
        mode(&path, 0o755);
        private_dir(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o700);
        symlink(&path, dir.path().join("link")).unwrap();
        assert!(private_dir(&dir.path().join("link")).is_err());
        fs::write(dir.path().join("file"), "").unwrap();
        assert!(private_dir(&dir.path().join("file")).is_err());
        assert!(private_dir(&dir.path().join("file/below")).is_err());
    }

    #[test]
    fn a_private_folder_is_nobody_elses() {
        // Somebody else's by nature, or given to somebody else, which only root can do.
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run");
        private_dir(&path).unwrap();
        let strange = if rustix::process::geteuid().is_root() {
            std::os::unix::fs::chown(&path, Some(65_534), None).unwrap();
            path
        } else {
            PathBuf::from("/usr")
        };
        let refused = private_dir(&strange).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::PermissionDenied);
        assert_eq!(refused.to_string(), "it belongs to somebody else");
    }

    #[test]
    fn a_file_is_replaced_as_a_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("trust.json");
        replace(&path, "one").unwrap();
        replace(&path, "two").unwrap();
        assert_eq!(read(&path).unwrap().as_deref(), Some("two"));
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        assert!(replace(&dir.path().join("none/x"), "x").is_err());
    }
}
