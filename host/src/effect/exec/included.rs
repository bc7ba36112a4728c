//! Files of the person's that git ignores and that commands see: those that `.worktreeinclude` names, such as `.env`.
//!
//! They are copied once for a process into a layer below every command's files, and are never part of a workspace. Of
//! what commands say, and of files that they write, their values are kept from agents. A command that means to can
//! still spell a value in another way: whoever lets strangers' agents run commands includes nothing that is worth it.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use orchestra_pit_core::call::{Error, ErrorKind};
use orchestra_pit_core::id::{Hash, Oid};
use orchestra_pit_core::secret::Secrets;
use rustix::fs::Timespec;

use super::checkout::failed;
use super::folder::{Content, Cursor, Folder, Kind, name_of, unique};
use super::layer::Layer;
use super::rules::Patterns;
use super::source::{find, is_git};
use super::sweep::{self, CHECK};
use super::{Exec, Machine, runs};
use crate::effect::store::{Repo, lock};

/// Files that are included, and their bytes: settings and keys. Whole trees of packages are what set-up is for.
const MOST_FILES: usize = 1_000;
const MOST_BYTES: u64 = 4 << 20;
/// Entries of the working tree that are looked at.
const MOST_SEEN: usize = 2_000_000;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Included {
    layer: Option<Layer>,
    secrets: Secrets,
    digest: Option<Hash>,
}

impl Included {
    /// What tells its content from another; none if there is none.
    pub(super) fn digest(&self) -> Option<Hash> {
        self.digest
    }

    /// The layer, if there is anything in it.
    pub(super) fn below(&self) -> Option<PathBuf> {
        self.layer.as_ref().map(Layer::ignored)
    }

    /// What agents are not shown.
    pub(super) fn secrets(&self) -> &Secrets {
        &self.secrets
    }
}

impl Drop for Included {
    fn drop(&mut self) {
        let Some(layer) = self.layer.take() else { return };
        let place = layer.place().to_owned();
        drop(layer);
        sweep::remove(&place);
    }
}

/// By the tree and by the lines that name files.
pub(super) type Known = HashMap<(Oid, Vec<String>), Arc<Included>>;

/// One file to be included.
struct Found {
    path: Vec<u8>,
    bytes: Vec<u8>,
    executable: bool,
    changed: Timespec,
}

impl Exec {
    /// What commands over a tree see beside it, copied once by this process.
    pub(super) fn include(&self, tree: Oid, lines: &[String]) -> Result<Arc<Included>, Error> {
        if lines.is_empty() {
            return Ok(Arc::default());
        }
        // Held while it is made: whoever comes meanwhile waits for the same.
        let mut known = lock(&self.inner.included);
        let key = (tree, lines.to_vec());
        if let Some(included) = known.get(&key) {
            return Ok(included.clone());
        }
        let machine = self.machine()?;
        let owner = self.checkouts(&machine)?.owner();
        let made = Arc::new(make(&machine, self.workspaces.repo(), tree, lines, owner)?);
        known.insert(key, made.clone());
        Ok(made)
    }
}

fn make(
    machine: &Machine,
    repo: &Repo,
    tree: Oid,
    lines: &[String],
    owner: Option<super::Owner>,
) -> Result<Included, Error> {
    let Some(top) = repo.work_tree() else { return Ok(Included::default()) };
    let fail = |error: std::io::Error| failed(&top, &error);
    let mut look =
        Look { repo, tree, wanted: Patterns::parse(lines.join("\n").as_bytes()), found: Vec::new(), seen: 0, bytes: 0 };
    look.folder(&Folder::open(&top, None).map_err(fail)?, &mut Vec::new(), false)?;
    let mut found = look.found;
    if found.is_empty() {
        return Ok(Included::default());
    }
    found.sort_by(|one, other| one.path.cmp(&other.path));
    let secrets = Secrets::of_files(found.iter().map(|file| &*file.bytes));
    // Without it they would be shown.
    let secrets = secrets.map_err(|_| too_much("names files with more values than can be kept from being shown"))?;
    let parts: Vec<&[u8]> = found.iter().flat_map(|file| [&*file.path, &*file.bytes]).collect();
    let digest = Hash::of_parts(&parts);
    let place = runs(&machine.cache).join(format!("{CHECK}{}", unique()));
    let layer = Layer::open(&place, tree, owner)?;
    let mut cursor = Cursor::new(layer.ignored_folder().map_err(fail)?);
    for file in &found {
        let folder = cursor.folder(&file.path, |parent, name| parent.make(name)).map_err(fail)?;
        folder.write(name_of(&file.path), &file.bytes, file.executable, file.changed).map_err(fail)?;
    }
    Ok(Included { layer: Some(layer), secrets, digest: Some(digest) })
}

/// A look through the person's working tree.
struct Look<'a> {
    repo: &'a Repo,
    tree: Oid,
    wanted: Patterns,
    found: Vec<Found>,
    seen: usize,
    bytes: u64,
}

impl Look<'_> {
    /// `prefix` is the folder's path with a slash; `whole`: all that is in it is wanted.
    fn folder(&mut self, here: &Folder, prefix: &mut Vec<u8>, whole: bool) -> Result<(), Error> {
        let names = here.names(MOST_SEEN - self.seen.min(MOST_SEEN)).map_err(|error| at(prefix, &error))?;
        let names: BTreeSet<Vec<u8>> = names.into_iter().filter(|name| !is_git(name)).collect();
        self.seen += names.len();
        if self.seen > MOST_SEEN {
            return Err(too_much("has to look through too many files"));
        }
        let top = prefix.len();
        for name in &names {
            prefix.extend_from_slice(name);
            self.entry(here, name, prefix, whole)?;
            prefix.truncate(top);
        }
        Ok(())
    }

    fn entry(&mut self, here: &Folder, name: &[u8], path: &mut Vec<u8>, whole: bool) -> Result<(), Error> {
        let fail = |path: &[u8], error: std::io::Error| at(path, &error);
        let Some(about) = here.about(name).map_err(|error| fail(path, error))? else { return Ok(()) };
        let folder = about.kind == Kind::Folder;
        let wanted = match self.wanted.say(path, folder) {
            Some(wanted) => wanted,
            None => whole,
        };
        match about.kind {
            Kind::Folder => {
                // Without a pattern that leads into it, an ignored folder is not looked through: it has packages.
                if !wanted && self.is_ignored(path, true)? && !self.wanted.enters(path) {
                    return Ok(());
                }
                let below = here.look(name).map_err(|error| fail(path, error))?;
                path.push(b'/');
                self.folder(&below, path, wanted)
            }
            Kind::File if wanted && self.is_ignored(path, false)? && find(self.repo, self.tree, path)?.is_none() => {
                let room = MOST_BYTES - self.bytes;
                let Content::Bytes(bytes) = here.peek(name, room).map_err(|error| fail(path, error))? else {
                    return Err(too_much(&format!("names more than {} MiB of files", MOST_BYTES >> 20)));
                };
                self.bytes += bytes.len() as u64;
                if self.found.len() == MOST_FILES {
                    return Err(too_much(&format!("names more than {MOST_FILES} files")));
                }
                let changed = Timespec { tv_sec: about.changed.0, tv_nsec: about.changed.1 };
                self.found.push(Found { path: path.clone(), bytes, executable: about.mode & 0o100 != 0, changed });
                Ok(())
            }
            // Neither what git has, nor a link: that may lead anywhere.
            _ => Ok(()),
        }
    }

    fn is_ignored(&self, path: &[u8], folder: bool) -> Result<bool, Error> {
        use std::os::unix::ffi::OsStrExt as _;
        let mut path = path.to_vec();
        if folder {
            path.push(b'/');
        }
        let path = Path::new(std::ffi::OsStr::from_bytes(&path));
        self.repo.with(|repo| repo.is_path_ignored(path)).map_err(|error| {
            Error::new(ErrorKind::Unavailable, format!("git cannot say what it ignores: {}", error.message()))
        })
    }
}

fn too_much(what: &str) -> Error {
    Error::new(ErrorKind::TooLarge, format!(".worktreeinclude {what}, so no command was run"))
        .hint("it is for settings and keys; what is fetched or built belongs to [setup] and `warm` in pit.toml")
}

fn at(path: &[u8], error: &std::io::Error) -> Error {
    failed(Path::new(&orchestra_pit_core::tree::escape(path)), error)
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the tests make a person's files and look at what became of them")]
mod tests {
    use super::*;
    use crate::effect::store::tests::Git;
    use std::fs;

    struct Fixture {
        git: Git,
        cache: tempfile::TempDir,
    }

    impl Fixture {
        fn new(files: &[(&str, &str)]) -> Self {
            let git = Git::new(&[(".gitignore", b".env*\n/node_modules\n/private/\n*.key\n"), ("src/a", b"a")]);
            for (path, text) in files {
                let path = git.dir.path().join(path);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
            Self { git, cache: tempfile::tempdir().unwrap() }
        }

        fn make(&self, lines: &[&str]) -> Result<Included, Error> {
            let machine = Machine::new(self.cache.path().to_owned(), None);
            let (repo, tree) = (self.git.open(), self.git.oid("HEAD^{tree}"));
            let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
            make(&machine, &repo, tree, &lines, None)
        }

        fn names(&self, lines: &[&str]) -> Vec<String> {
            let included = self.make(lines).unwrap();
            let Some(below) = included.below() else { return Vec::new() };
            let mut names = Vec::new();
            let mut folders = vec![below.clone()];
            while let Some(folder) = folders.pop() {
                for entry in fs::read_dir(folder).unwrap() {
                    let path = entry.unwrap().path();
                    if path.is_dir() {
                        folders.push(path);
                    } else {
                        names.push(path.strip_prefix(&below).unwrap().display().to_string());
                    }
                }
            }
            names.sort();
            names
        }
    }

    #[test]
    fn what_is_named_and_ignored_is_there_and_nothing_else() {
        let fixture = Fixture::new(&[
            (".env", "A=1"),
            (".env.local", "A=2"),
            ("sub/.env", "A=3"),
            ("node_modules/x/.env", "A=4"),
            ("private/deep/a.key", "k"),
            ("private/b", "b"),
            ("new.txt", "not ignored"),
        ]);
        assert_eq!(fixture.names(&[".env"]), [".env", "sub/.env"]);
        assert_eq!(fixture.names(&["/.env"]), [".env"]);
        assert_eq!(fixture.names(&[".env*", "!/.env.local"]), [".env", "sub/.env"]);
        assert_eq!(fixture.names(&["private/deep/*.key"]), ["private/deep/a.key"]);
        assert_eq!(fixture.names(&["private/"]), ["private/b", "private/deep/a.key"]);
        assert_eq!(fixture.names(&["private/", "!b"]), ["private/deep/a.key"]);
        assert_eq!(fixture.names(&["node_modules/x/.env"]), ["node_modules/x/.env"]);
        assert_eq!(fixture.names(&["*.key"]), [""; 0], "an ignored folder is not looked through for names");
        assert_eq!(fixture.names(&["new.txt", "src/a", "# x", ""]), [""; 0]);
    }

    #[test]
    fn what_git_has_and_what_a_link_leads_to_is_left_out() {
        let fixture = Fixture::new(&[(".env", "A=value-of-a"), ("outside", "x")]);
        std::os::unix::fs::symlink("outside", fixture.git.dir.path().join("x.key")).unwrap();
        std::os::unix::fs::symlink("/etc", fixture.git.dir.path().join("private")).unwrap();
        assert_eq!(fixture.names(&["*.key", "private/", "private/passwd", ".env"]), [".env"]);
        fixture.git.run(&["add", "-f", ".env"]);
        fixture.git.run(&["commit", "-qm", "x"]);
        assert_eq!(fixture.names(&[".env"]), [""; 0]);
    }

    #[test]
    fn its_values_are_known_and_it_is_gone_when_nobody_uses_it() {
        let fixture = Fixture::new(&[(".env", "A=value-of-a")]);
        let included = fixture.make(&[".env"]).unwrap();
        assert!(included.secrets().are_in(b"x value-of-a y"));
        drop(included);
        assert_eq!(fs::read_dir(fixture.cache.path().join("runs")).unwrap().count(), 0);
    }

    #[test]
    fn more_than_settings_is_refused() {
        let fixture = Fixture::new(&[]);
        let folder = fixture.git.dir.path().join("private");
        fs::create_dir(&folder).unwrap();
        (0..=MOST_FILES).for_each(|n| fs::write(folder.join(n.to_string()), "x").unwrap());
        let error = fixture.make(&["private"]).unwrap_err();
        assert!(error.message.contains("more than 1000 files"), "{error:?}");
        fs::remove_dir_all(&folder).unwrap();
        fs::create_dir(&folder).unwrap();
        fs::File::create(folder.join("big")).unwrap().set_len(MOST_BYTES + 1).unwrap();
        let error = fixture.make(&["private"]).unwrap_err();
        assert!(error.message.contains("more than 4 MiB"), "{error:?}");
    }
}
