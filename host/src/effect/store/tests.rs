//! A repository as users have them, made by git itself; what is refused by name; and git's collector in a loop.
#![expect(clippy::disallowed_methods, reason = "tests make repositories and ask git itself")]

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;

/// A repository in a folder that goes away, and git in it.
pub(crate) struct Git {
    pub(crate) dir: tempfile::TempDir,
}

impl Git {
    /// With one commit of these files.
    #[must_use]
    pub(crate) fn new(files: &[(&str, &[u8])]) -> Self {
        let git = Self::empty();
        git.put(files);
        git.commit("start");
        git
    }

    #[must_use]
    pub(crate) fn empty() -> Self {
        let git = Self { dir: tempfile::tempdir().unwrap() };
        git.run(&["init", "-q", "-b", "main"]);
        git.run(&["config", "user.name", "Person"]);
        git.run(&["config", "user.email", "person@example.org"]);
        git
    }

    pub(crate) fn put(&self, files: &[(&str, &[u8])]) {
        for (path, bytes) in files {
            let path = self.dir.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
    }

    pub(crate) fn commit(&self, message: &str) -> Oid {
        self.run(&["add", "-A"]);
        self.run(&["commit", "-q", "--allow-empty", "-m", message]);
        self.oid("HEAD")
    }

    pub(crate) fn oid(&self, name: &str) -> Oid {
        Oid::parse(self.run(&["rev-parse", name]).trim()).unwrap()
    }

    /// Runs git, which must succeed, away from the configuration of whoever runs the tests.
    pub(crate) fn run(&self, args: &[&str]) -> String {
        let (fine, out) = self.try_run(self.dir.path(), args);
        assert!(fine, "git {args:?}: {out}");
        out
    }

    pub(crate) fn try_run(&self, at: &Path, args: &[&str]) -> (bool, String) {
        let out = Command::new("git")
            .current_dir(at)
            .args(args)
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_AUTHOR_DATE", "1700000000 +0000")
            .env("GIT_COMMITTER_DATE", "1700000000 +0000")
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&out.stdout).into_owned();
        (out.status.success(), if out.status.success() { text } else { String::from_utf8_lossy(&out.stderr).into() })
    }

    pub(crate) fn open(&self) -> Repo {
        Repo::open(self.dir.path()).unwrap()
    }

    /// Nothing is missing or broken.
    pub(crate) fn fsck(&self) {
        let (fine, out) = self.try_run(self.dir.path(), &["fsck", "--full", "--strict", "--no-dangling"]);
        assert!(fine && !out.contains("error") && !out.contains("missing"), "{out}");
    }
}

fn refusal(git: &Git, at: &Path) -> String {
    let _ = git;
    Repo::open(at).map(|_| ()).unwrap_err().to_string()
}

#[test]
fn every_ordinary_repository_opens() {
    let git = Git::new(&[("a", b"1"), ("d/b", b"2")]);
    let first = git.oid("HEAD");
    assert_eq!(git.open().head().unwrap(), Head { commit: first, branch: Some("refs/heads/main".into()) });
    assert_eq!(Repo::open(&git.dir.path().join("d")).unwrap().head().unwrap().commit, first);

    git.commit("second");
    let first = git.oid("HEAD");
    git.run(&["checkout", "-q", "--detach"]);
    assert_eq!(git.open().head().unwrap(), Head { commit: first, branch: None });

    git.run(&["worktree", "add", "-q", "-b", "side", "linked"]);
    let linked = Repo::open(&git.dir.path().join("linked")).unwrap();
    assert_eq!(linked.head().unwrap().branch.as_deref(), Some("refs/heads/side"));
    assert_eq!(linked.state(), git.open().state(), "linked work trees share the state");

    git.run(&["sparse-checkout", "set", "d"]);
    assert_eq!(git.open().head().unwrap().commit, first);

    let source = format!("file://{}", git.dir.path().display());
    git.run(&["clone", "-q", "--depth=1", &source, "shallow"]);
    Repo::open(&git.dir.path().join("shallow")).unwrap().head().unwrap();
    git.run(&["clone", "-q", "--bare", &source, "bare.git"]);
    Repo::open(&git.dir.path().join("bare.git")).unwrap().head().unwrap();
}

#[test]
fn what_libgit2_cannot_read_is_refused_by_name() {
    let git = Git::new(&[("a", b"1")]);
    let nowhere = tempfile::tempdir().unwrap();
    assert!(refusal(&git, nowhere.path()).contains("no git repository"));

    let empty = Git::empty();
    assert!(empty.open().head().unwrap_err().to_string().contains("no commit yet"));

    git.run(&["init", "-q", "--object-format=sha256", "sha256"]);
    assert!(refusal(&git, &git.dir.path().join("sha256")).contains("SHA-256"));

    git.run(&["init", "-q", "--ref-format=reftable", "reftable"]);
    assert!(refusal(&git, &git.dir.path().join("reftable")).contains("reftable"));

    git.run(&["config", "uploadpack.allowFilter", "true"]);
    let source = format!("file://{}", git.dir.path().display());
    git.run(&["clone", "-q", "--filter=blob:none", &source, "partial"]);
    let partial = git.dir.path().join("partial");
    assert!(refusal(&git, &partial).contains("partial clone"));

    git.run(&["config", "core.repositoryFormatVersion", "1"]);
    git.run(&["config", "extensions.tomorrow", "true"]);
    let why = refusal(&git, git.dir.path());
    assert!(why.contains("tomorrow"), "{why}");
}

#[cfg(unix)]
#[test]
fn somebody_elses_repository_is_refused_as_git_refuses_it() {
    let git = Git::new(&[("a", b"1")]);
    // Only root can give a folder away; elsewhere git's own refusal cannot be had either.
    let given = Command::new("chown").args(["-R", "12345"]).arg(git.dir.path()).status();
    if !rustix::process::geteuid().is_root() || !given.is_ok_and(|status| status.success()) {
        return;
    }
    assert!(!git.try_run(git.dir.path(), &["status"]).0, "git refuses it");
    let why = refusal(&git, git.dir.path());
    assert!(why.contains("belongs to somebody else") && why.contains("safe.directory"), "{why}");
    assert!(!git.dir.path().join(".git/pit").exists(), "nothing was written");
}

#[cfg(unix)]
#[test]
fn a_repository_cannot_lead_its_state_elsewhere() {
    use std::os::unix::fs::{MetadataExt as _, symlink};
    let (git, theirs) = (Git::new(&[("a", b"1")]), tempfile::tempdir().unwrap());
    let state = git.dir.path().join(".git/pit");
    symlink(theirs.path(), &state).unwrap();
    let why = refusal(&git, git.dir.path());
    assert!(why.contains("links are not followed"), "{why}");
    assert_eq!(std::fs::read_dir(theirs.path()).unwrap().count(), 0, "nothing was written");
    // One that everybody may enter is closed.
    std::fs::remove_file(&state).unwrap();
    std::fs::create_dir(&state).unwrap();
    std::fs::set_permissions(&state, std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
    let _ = git.open();
    assert_eq!(std::fs::metadata(&state).unwrap().mode() & 0o777, 0o700);
}

#[test]
fn nothing_in_a_repository_is_run() {
    let git = Git::new(&[("a", b"1")]);
    let trap = git.dir.path().join("trap");
    let run = format!("touch {}", trap.display());
    for hook in ["pre-commit", "post-commit", "reference-transaction", "post-checkout", "post-index-change"] {
        let path = git.dir.path().join(".git/hooks").join(hook);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, format!("#!/bin/sh\n{run}\n")).unwrap();
        #[cfg(unix)]
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    }
    git.put(&[(".gitattributes", b"* filter=x diff=x merge=x\n")]);
    for key in
        ["core.fsmonitor", "filter.x.clean", "filter.x.smudge", "diff.x.command", "diff.x.textconv", "merge.x.driver"]
    {
        git.run(&["config", key, &run]);
    }
    let repo = git.open();
    let head = repo.head().unwrap().commit;
    let kept = repo.write(&[Object { kind: git2::ObjectType::Blob, bytes: b"x".into() }]).unwrap();
    repo.move_ref("refs/heads/pit/x", Was::Absent, head, "test").unwrap();
    drop(kept);
    assert!(!trap.exists(), "nothing of the repository ran");
    git.try_run(git.dir.path(), &["add", "-A"]);
    git.try_run(git.dir.path(), &["commit", "-qm", "x"]);
    assert!(trap.exists(), "with git itself it would have");
}

#[test]
fn objects_are_there_for_git_and_the_guard_goes() {
    let git = Git::new(&[("a", b"1")]);
    let repo = git.open();
    let kept = repo.write(&[Object { kind: git2::ObjectType::Blob, bytes: b"hello\n".into() }]).unwrap();
    let id = blob_id(b"hello\n");
    git.run(&["gc", "-q", "--prune=now"]);
    assert_eq!(git.run(&["cat-file", "blob", &id.to_string()]), "hello\n", "guarded from the collector");
    drop(kept);
    git.run(&["gc", "-q", "--prune=now"]);
    assert!(!git.try_run(git.dir.path(), &["cat-file", "-e", &id.to_string()]).0, "nothing points to it any more");
    git.fsck();
}

#[test]
fn a_guard_that_a_dead_process_left_is_swept() {
    let git = Git::new(&[("a", b"1")]);
    let folder = git.dir.path().join(".git/objects/pack");
    let guards = || {
        std::fs::read_dir(&folder)
            .unwrap()
            .filter(|e| e.as_ref().unwrap().path().extension() == Some("keep".as_ref()))
            .count()
    };
    let repo = git.open();
    let kept = repo.write(&[Object { kind: git2::ObjectType::Blob, bytes: b"x".into() }]).unwrap();
    let _ = git.open();
    assert_eq!(guards(), 1, "one that is held stays");
    std::fs::write(folder.join("pack-users.keep"), "mine").unwrap();
    drop(kept);
    std::fs::write(folder.join("pack-dead.keep"), "pit: until a ref points here\n").unwrap();
    let _ = git.open();
    assert_eq!(guards(), 1, "the user's own stays");
}

#[test]
fn refs_move_only_from_where_they_were() {
    let git = Git::new(&[("a", b"1")]);
    let (first, second) = (git.oid("HEAD"), git.commit("second"));
    let (repo, name) = (git.open(), "refs/heads/pit/x");
    repo.move_ref(name, Was::Absent, first, "").unwrap();
    assert_eq!(repo.move_ref(name, Was::Absent, second, "").unwrap_err().kind, ErrorKind::Conflict);
    assert_eq!(
        repo.move_ref(name, Was::At(second), git.oid("HEAD~0"), ""),
        Err(repo.move_ref(name, Was::Absent, second, "").unwrap_err())
    );
    repo.move_ref(name, Was::At(first), second, "").unwrap();
    repo.move_ref(name, Was::At(first), second, "").unwrap();
    assert_eq!(git.oid(name), second);
    repo.move_ref("refs/heads/taken", Was::Absent, first, "").unwrap();
    let why = repo.move_ref("refs/heads/taken/x", Was::Absent, first, "").unwrap_err();
    assert_eq!((why.kind, why.hint.is_some()), (ErrorKind::Conflict, true), "{why}");
}

#[test]
fn a_checked_out_branch_is_known_wherever_it_is() {
    let git = Git::new(&[("a", b"1")]);
    git.run(&["branch", "pit/x"]);
    let repo = git.open();
    assert_eq!(repo.checked_out("refs/heads/pit/x"), None);
    assert!(repo.checked_out("refs/heads/main").is_some());
    git.run(&["worktree", "add", "-q", "linked", "pit/x"]);
    assert!(repo.checked_out("refs/heads/pit/x").is_some());
}

#[test]
fn the_store_outlives_the_process_that_filled_it() {
    let git = Git::new(&[("a", b"1")]);
    let id = blob_id(b"only here");
    git.open().stow(&[Object { kind: git2::ObjectType::Blob, bytes: b"only here".into() }]).unwrap();
    git.run(&["gc", "-q", "--prune=now"]);
    assert_eq!(git.open().blob(id, 100).unwrap(), Blob::Bytes(b"only here"[..].into()));
    assert_eq!(git.open().blob(id, 3).unwrap(), Blob::Larger(9));
    assert!(!git.try_run(git.dir.path(), &["cat-file", "-e", &id.to_string()]).0, "it is not in the user's repository");
    let store = git.dir.path().join(".git/pit/store.git");
    assert!(
        git.try_run(&store, &["cat-file", "-e", &git.oid("HEAD").to_string()]).0,
        "the user's objects are seen through it"
    );
}

/// Collects without a break until dropped.
pub(crate) struct Collector<'a> {
    stop: &'a AtomicBool,
}

impl Drop for Collector<'_> {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

pub(crate) fn collecting(git: &Git, work: impl FnOnce()) -> usize {
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let collector = scope.spawn(|| {
            let mut rounds = 0;
            while !stop.load(Ordering::Relaxed) {
                git.try_run(git.dir.path(), &["gc", "-q", "--prune=now"]);
                git.try_run(git.dir.path(), &["prune", "--expire=now"]);
                rounds += 1;
            }
            rounds
        });
        let guard = Collector { stop: &stop };
        work();
        drop(guard);
        collector.join().unwrap()
    })
}

#[test]
fn a_lock_that_a_killed_host_left_is_taken_away_and_nobody_elses() {
    let git = Git::new(&[("a", b"1\n")]);
    let (repo, head) = (git.open(), git.oid("HEAD"));
    let left = |name: &str| {
        let lock = git.dir.path().join(".git").join(format!("{name}.lock"));
        std::fs::create_dir_all(lock.parent().unwrap()).unwrap();
        std::fs::write(&lock, "").unwrap();
        lock
    };
    let ours = left("refs/pit/base/x");
    repo.move_ref("refs/pit/base/x", Was::Any, head, "").unwrap();
    assert!(!ours.exists() && repo.ref_at("refs/pit/base/x").unwrap() == Some(head));

    let theirs = left("refs/heads/theirs");
    repo.move_ref("refs/heads/theirs", Was::Any, head, "").unwrap_err();
    assert!(theirs.exists(), "git may be at work there");

    // One that is let go of is waited for.
    let theirs = left("refs/heads/busy");
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(std::time::Duration::from_millis(100));
            std::fs::remove_file(&theirs).unwrap();
        });
        repo.move_ref("refs/heads/busy", Was::Any, head, "").unwrap();
    });
}
