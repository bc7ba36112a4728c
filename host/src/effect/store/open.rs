//! Opening a repository, and saying why one cannot be used.

#![expect(clippy::disallowed_methods, reason = "finding and opening the repository is what this file is for")]

use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use orchestra_pit_core::id::Oid;

use super::texts::Packs;
use super::{Cache, Person, Repo, our_id};
use crate::config::file;

/// Why a repository cannot be used. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// No repository here or above.
    #[error("there is no git repository at {0} or above; `git init` makes one, `-C DIR` names another place")]
    Nothing(PathBuf),
    /// Somebody else's.
    #[error(
        "the repository at {0} belongs to somebody else; if you trust it: git config --global --add safe.directory {0}"
    )]
    Owner(PathBuf),
    /// Objects that would have to be fetched.
    #[error(
        "{0} is a partial clone, which lacks objects that only git itself can fetch; `git fetch --refetch --no-filter` in it, \
         and then `git config --unset-all remote.origin.promisor` and `git config --unset-all remote.origin.partialclonefilter`, \
         make it a whole one"
    )]
    Partial(PathBuf),
    /// SHA-256.
    #[error("{0} names its objects by SHA-256, which libgit2 does not read; only SHA-1 repositories can be used")]
    Sha256(PathBuf),
    /// Reftable.
    #[error(
        "{0} keeps its refs as a reftable, which libgit2 does not read; `git refs migrate --ref-format=files` changes that"
    )]
    Reftable(PathBuf),
    /// An extension that nobody here knows.
    #[error("{path} uses git's extension `{name}`, which libgit2 does not know")]
    Extension {
        /// The git directory.
        path: PathBuf,
        /// Without `extensions.`.
        name: String,
    },
    /// No commit yet.
    #[error("{0} has no commit yet, and work starts from one: `git commit --allow-empty -m start` makes it")]
    Empty(PathBuf),
    /// Anything else that git found.
    #[error("{path} cannot be opened: {why}")]
    Broken {
        /// The git directory, or where it was looked for.
        path: PathBuf,
        /// libgit2's words.
        why: String,
    },
    /// The state folder.
    #[error("cannot write {path}, where pit keeps its state: {why}")]
    State {
        /// A file or folder in it.
        path: PathBuf,
        /// The system's words.
        why: std::io::Error,
    },
}

/// Where a repository stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Head {
    /// The commit.
    pub commit: Oid,
    /// The branch's ref; `None` when detached.
    pub branch: Option<String>,
}

/// What makes libgit2 flush what it writes; read after the user's own files.
const CONFIG: &str = "# Read by pit's own git library only.\n[core]\n\tfsyncObjectFiles = true\n";

impl Repo {
    /// Opens the repository that holds a folder, as git finds it: upwards, on one file system. A linked work tree, a bare,
    /// shallow or sparse repository and a detached HEAD are as good as any.
    pub fn open(start: &Path) -> Result<Self, OpenError> {
        // Hashing every object that is read doubles what a read costs. Git does not do it either: a pack's own checksums
        // find what a disk has damaged, and who can write into the repository can move its refs as well.
        git2::opts::strict_hash_verification(false);
        let none: [&Path; 0] = [];
        // Neither `GIT_DIR` nor any other variable is asked: what a run works on does not depend on who started pit.
        let repo = git2::Repository::open_ext(start, git2::RepositoryOpenFlags::empty(), none)
            .map_err(|error| why_not(start, &error))?;
        let git_dir = repo.path().to_owned();
        let common = repo.commondir().to_owned();
        let mut config = repo.config().map_err(|error| broken(&common, &error))?;
        unusable(&config, &common).map_or(Ok(()), Err)?;
        // libgit2 looks for the person's own file at its usual places alone.
        if let Some(own) = std::env::var_os("GIT_CONFIG_GLOBAL").map(PathBuf::from) {
            config.add_file(&own, git2::ConfigLevel::Global, true).map_err(|error| broken(&own, &error))?;
        }
        let person = person(&config);
        let state = common.join("pit");
        prepare(&state)?;
        let opened = Self {
            common,
            git_dir,
            state,
            person,
            idle: Mutex::default(),
            trees: Mutex::new(Cache::default()),
            kept: Mutex::default(),
            texts: Mutex::default(),
            packs: Packs::default(),
        };
        opened.sweep();
        Ok(opened)
    }

    /// The top of the working tree; none in a bare repository.
    pub fn work_tree(&self) -> Option<PathBuf> {
        self.with(|repo| Ok(repo.workdir().map(Path::to_owned))).ok().flatten()
    }

    /// What in the working tree differs from HEAD, new files too: what agents do not see. Paths, with a slash after a
    /// folder that is new as a whole.
    pub fn uncommitted(&self) -> Result<Vec<String>, OpenError> {
        let found = self.with(|repo| {
            if repo.is_bare() {
                return Ok(Vec::new());
            }
            let mut options = git2::StatusOptions::new();
            options.include_untracked(true).exclude_submodules(true);
            let statuses = repo.statuses(Some(&mut options))?;
            let index = repo.index()?;
            // What a sparse tree leaves out is not removed; libgit2 does not know of sparse trees.
            let left_out = |entry: &git2::StatusEntry<'_>| {
                entry.status() == git2::Status::WT_DELETED
                    && index.get_path(Path::new(OsStr::from_bytes(entry.path_bytes())), 0).is_some_and(|found| {
                        found.flags_extended & git2::IndexEntryExtendedFlag::SKIP_WORKTREE.bits() != 0
                    })
            };
            let changed = statuses.iter().filter(|entry| !left_out(entry));
            Ok(changed.map(|entry| String::from_utf8_lossy(entry.path_bytes()).into_owned()).collect())
        });
        found.map_err(|error| broken(&self.common, &error))
    }

    /// What HEAD is.
    pub fn head(&self) -> Result<Head, OpenError> {
        let found = self.with(|repo| {
            let head = repo.head()?;
            let branch = (!repo.head_detached()?).then(|| head.name().map(str::to_owned)).transpose()?;
            Ok(Head { commit: our_id(head.peel_to_commit()?.id()), branch })
        });
        found.map_err(|error| match error.code() {
            git2::ErrorCode::UnbornBranch | git2::ErrorCode::NotFound => OpenError::Empty(self.common.clone()),
            _ => broken(&self.common, &error),
        })
    }
}

fn broken(path: &Path, error: &git2::Error) -> OpenError {
    OpenError::Broken { path: path.to_owned(), why: error.message().to_owned() }
}

/// Names the reason that libgit2 only hints at.
fn why_not(start: &Path, error: &git2::Error) -> OpenError {
    match error.code() {
        git2::ErrorCode::NotFound => return OpenError::Nothing(start.to_owned()),
        git2::ErrorCode::Owner => {
            let found = discover(start).unwrap_or_else(|| start.to_owned());
            let top = if found.ends_with(".git") { found.parent().map(Path::to_owned) } else { None };
            return OpenError::Owner(top.unwrap_or(found));
        }
        _ => {}
    }
    // It is the caller's own and libgit2 will not have it. Its configuration, which is only data, says why.
    let Some(git_dir) = discover(start) else { return broken(start, error) };
    let common = match fs::read_to_string(git_dir.join("commondir")) {
        Ok(relative) => git_dir.join(relative.trim_end()),
        Err(_) => git_dir,
    };
    let named = git2::Config::open(&common.join("config")).ok().and_then(|config| unusable(&config, &common));
    named.unwrap_or_else(|| broken(&common, error))
}

fn discover(start: &Path) -> Option<PathBuf> {
    let none: [&Path; 0] = [];
    git2::Repository::discover_path(start, none).ok()
}

/// What stands against a repository in its configuration.
fn unusable(config: &git2::Config, at: &Path) -> Option<OpenError> {
    let mut found = None;
    let entries = config.entries(None).ok()?;
    let _ = entries.for_each(|entry| {
        let Ok(name) = entry.name() else { return };
        let value = entry.value().unwrap_or_default();
        let at = || at.to_owned();
        let reason = match name {
            "extensions.objectformat" if !value.eq_ignore_ascii_case("sha1") => Some(OpenError::Sha256(at())),
            "extensions.refstorage" if !value.eq_ignore_ascii_case("files") => Some(OpenError::Reftable(at())),
            "extensions.partialclone" => Some(OpenError::Partial(at())),
            _ if name.starts_with("remote.")
                && (name.ends_with(".partialclonefilter")
                    || name.ends_with(".promisor") && git2::Config::parse_bool(value).unwrap_or(true)) =>
            {
                Some(OpenError::Partial(at()))
            }
            _ => match name.strip_prefix("extensions.") {
                Some(
                    "noop" | "objectformat" | "worktreeconfig" | "preciousobjects" | "relativeworktrees" | "refstorage",
                )
                | None => None,
                Some(other) => Some(OpenError::Extension { path: at(), name: other.to_owned() }),
            },
        };
        found = found.take().or(reason);
    });
    found
}

fn person(config: &git2::Config) -> Person {
    let value = |variable: &str, name: &str| {
        let value = std::env::var(variable).ok().or_else(|| config.get_string(name).ok());
        value.map(|value| clean(&value)).filter(|value| !value.is_empty())
    };
    Person {
        name: value("GIT_COMMITTER_NAME", "user.name").unwrap_or_else(|| "somebody without user.name".to_owned()),
        email: value("GIT_COMMITTER_EMAIL", "user.email").unwrap_or_else(|| "somebody@pit.invalid".to_owned()),
    }
}

/// What a commit's header can hold.
pub(crate) fn clean(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() && !matches!(c, '<' | '>')).collect::<String>().trim().to_owned()
}

/// Makes the state folder, for its owner's eyes: it will hold whatever agents read.
fn prepare(state: &Path) -> Result<(), OpenError> {
    let fail = |path: &Path| {
        let path = path.to_owned();
        move |why| OpenError::State { path, why }
    };
    // A link there, laid by whoever packed the repository, would lead what agents read to where others see it.
    file::private_dir(state).map_err(fail(state))?;
    let config = state.join("git.config");
    if fs::read(&config).ok().as_deref() != Some(CONFIG.as_bytes()) {
        // Another pit may be doing the same: each writes its own file and puts it in place whole.
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let aside = format!("git.config.{}.{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let aside = state.join(aside);
        let mut file = fs::File::create(&aside).map_err(fail(&aside))?;
        file.write_all(CONFIG.as_bytes()).map_err(fail(&aside))?;
        fs::rename(&aside, &config).map_err(fail(&config))?;
    }
    Ok(())
}
