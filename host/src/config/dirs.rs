//! Where pit keeps things of the user's: configuration, state and cache by the XDG rules.
//!
//! A machine whose home cannot be written is no error. State and cache then go to a private folder of the system's
//! temporary one. They never go into the repository instead: what is trusted, and compiled code that is believed, must
//! not be where an unpacked archive could have put it.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

use super::file;

/// The folder's name, everywhere.
const NAME: &str = "orchestra-pit";

/// The organisation's file.
pub const ORGANISATION: &str = "/etc/orchestra-pit/policy.toml";

/// Folders of this user. They exist and only this user can enter them, but for `config`, which is looked into only.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Dirs {
    /// `config.toml` is here. None without a home.
    pub config: Option<PathBuf>,
    /// What has to stay: what the person trusts. None: only this process remembers it.
    pub state: Option<PathBuf>,
    /// What can be made again. None: it is made again each time.
    pub cache: Option<PathBuf>,
    /// Which of them are not where they should be.
    pub notices: Vec<Notice>,
}

/// A folder that could not be had.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Notice {
    /// `state` or `cache`.
    pub what: &'static str,
    /// Where it should have been; none if there is no home.
    pub wanted: Option<PathBuf>,
    /// Why it is not there.
    pub why: String,
    /// Where it is; none if it is kept in memory.
    pub instead: Option<PathBuf>,
}

impl Dirs {
    /// Finds and makes the folders, by the variables of the environment.
    pub fn find(variable: &dyn Fn(&str) -> Option<OsString>) -> Self {
        let mut notices = Vec::new();
        let temporary = absolute(variable("TMPDIR")).unwrap_or_else(|| PathBuf::from("/tmp"));
        let user = rustix::process::geteuid().as_raw();
        let spare = temporary.join(format!("{NAME}-{user}"));
        let mut made = |what, wanted: Option<PathBuf>| {
            let tried = match &wanted {
                Some(path) => file::private_dir(path),
                None => Err(io::Error::new(io::ErrorKind::NotFound, "HOME is not set")),
            };
            let Err(error) = tried else { return wanted };
            // Its parent first: that is the one in a folder which everybody can write.
            let instead = Some(spare.join(what))
                .filter(|path| file::private_dir(&spare).and_then(|()| file::private_dir(path)).is_ok());
            notices.push(Notice { what, wanted, why: error.to_string(), instead: instead.clone() });
            instead
        };
        let state = made("state", base(variable, "XDG_STATE_HOME", ".local/state"));
        let cache = made("cache", base(variable, "XDG_CACHE_HOME", ".cache"));
        Self { config: base(variable, "XDG_CONFIG_HOME", ".config"), state, cache, notices }
    }

    /// The user's file, whether it is there or not.
    pub fn user_file(&self) -> Option<PathBuf> {
        self.config.as_ref().map(|folder| folder.join("config.toml"))
    }
}

/// The XDG specification has relative paths ignored.
fn absolute(path: Option<OsString>) -> Option<PathBuf> {
    path.map(PathBuf::from).filter(|path| path.is_absolute())
}

fn base(variable: &dyn Fn(&str) -> Option<OsString>, xdg: &str, below_home: &str) -> Option<PathBuf> {
    let base = absolute(variable(xdg)).or_else(|| Some(absolute(variable("HOME"))?.join(below_home)))?;
    Some(base.join(NAME))
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the tests look at what was made")]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::{MetadataExt as _, symlink};
    use std::path::Path;

    fn find(variables: &[(&str, &Path)]) -> Dirs {
        Dirs::find(&|name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into()))
    }

    #[test]
    fn folders_are_by_the_rules_and_private() {
        let home = tempfile::tempdir().unwrap();
        let dirs = find(&[("HOME", home.path()), ("XDG_CACHE_HOME", Path::new("relative/ignored"))]);
        assert_eq!(dirs.user_file().unwrap(), home.path().join(".config/orchestra-pit/config.toml"));
        assert_eq!(dirs.state.as_deref(), Some(&*home.path().join(".local/state/orchestra-pit")));
        assert_eq!(dirs.cache.as_deref(), Some(&*home.path().join(".cache/orchestra-pit")));
        assert_eq!(dirs.notices, []);
        assert_eq!(fs::metadata(dirs.state.unwrap()).unwrap().mode() & 0o777, 0o700);
        assert!(!home.path().join(".config").exists(), "looking must not make anything");
        let elsewhere = tempfile::tempdir().unwrap();
        let dirs = find(&[("HOME", home.path()), ("XDG_STATE_HOME", elsewhere.path())]);
        assert_eq!(dirs.state.unwrap(), elsewhere.path().join("orchestra-pit"));
    }

    #[test]
    fn a_home_that_cannot_be_written_is_no_error_and_is_told() {
        let temporary = tempfile::tempdir().unwrap();
        // Root can write whatever the mode says, but nobody can make a folder below a file.
        let home = temporary.path().join("home");
        fs::write(&home, "").unwrap();
        let dirs = find(&[("HOME", &home), ("TMPDIR", temporary.path())]);
        let spare = temporary.path().join(format!("orchestra-pit-{}", rustix::process::geteuid().as_raw()));
        assert_eq!((dirs.state, dirs.cache), (Some(spare.join("state")), Some(spare.join("cache"))));
        assert_eq!(dirs.notices.iter().map(|notice| notice.what).collect::<Vec<_>>(), ["state", "cache"]);
        assert_eq!(fs::metadata(&spare).unwrap().mode() & 0o777, 0o700);
    }

    #[test]
    fn nobody_can_lay_the_spare_folder_for_us() {
        let temporary = tempfile::tempdir().unwrap();
        let theirs = tempfile::tempdir().unwrap();
        let spare = temporary.path().join(format!("orchestra-pit-{}", rustix::process::geteuid().as_raw()));
        symlink(theirs.path(), spare).unwrap();
        let dirs = find(&[("TMPDIR", temporary.path())]);
        assert_eq!((dirs.config, dirs.state, dirs.cache), (None, None, None));
        assert_eq!(dirs.notices.len(), 2);
        assert!(dirs.notices.iter().all(|notice| notice.instead.is_none()));
        assert_eq!(fs::read_dir(theirs.path()).unwrap().count(), 0);
    }
}
