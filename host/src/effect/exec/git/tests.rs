//! The view of `.git`, as git itself sees it inside.
#![expect(clippy::disallowed_methods, reason = "tests make repositories and ask git itself")]

use std::process::Command;

use super::super::checkout::{Checkouts, Limits};
use super::super::tests::names;
use super::*;
use crate::effect::store::tests::Git;
use orchestra_pit_core::pattern::PathSet;

/// Runs a script where a command would run: the files, and the view at `.git`.
fn inside(layer: &Layer, stack: &Stack, view: &View, script: &str) -> (bool, String) {
    let upper = layer.begin().unwrap();
    let at = tempfile::tempdir().unwrap();
    let lowers = layer.lowers(stack).iter().map(|path| path.to_str().unwrap().to_owned()).collect::<Vec<_>>().join(":");
    let mut mounts = format!(
        "mount -t overlay overlay -o userxattr,lowerdir={lowers},upperdir={},workdir={} {at}; mkdir {at}/.git; \
         mount --bind {} {at}/.git; mount -o remount,bind,ro {at}/.git; ",
        upper.upper.display(),
        upper.work.display(),
        view.folder.display(),
        at = at.path().display(),
    );
    for (from, to) in &view.binds {
        let to = at.path().join(".git").join(to);
        mounts.push_str(&format!(
            "mount --bind {} {to}; mount -o remount,bind,ro {to}; ",
            from.display(),
            to = to.display()
        ));
    }
    let out = Command::new("unshare")
        .args(["-Urm", "sh", "-ec", &format!("{mounts} cd {}; {script}", at.path().display())])
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .unwrap();
    layer.end(&upper).unwrap();
    // Both, so that a warning is seen.
    (out.status.success(), [out.stdout, out.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat())
}

struct Run {
    git: Git,
    repo: Repo,
    _dir: tempfile::TempDir,
    stack: Stack,
    layer: Layer,
}

impl Run {
    fn new() -> Self {
        let git = Git::new(&[("a", b"1\n"), ("b/c", b"2\n")]);
        git.run(&["tag", "-a", "-m", "one", "v1.0"]);
        git.run(&["tag", "light"]);
        git.run(&["remote", "add", "origin", "https://secret@example.org/x"]);
        git.put(&[("a", b"2\n")]);
        git.commit("two");
        git.run(&["branch", "private"]);
        let repo = git.open();
        let dir = tempfile::tempdir().unwrap();
        let checkouts = Checkouts::new(dir.path(), repo.common(), None, Limits::default()).unwrap();
        let stack = checkouts.of(&repo, repo.tree_of(git.oid("HEAD")).unwrap()).unwrap();
        let layer = Layer::open(&dir.path().join("run"), stack.tree, None).unwrap();
        Self { git, repo, _dir: dir, stack, layer }
    }

    fn view(&self, branch: &str) -> View {
        let commit = self.git.oid("HEAD");
        let at = At { commit, branch, base: Some(("refs/heads/main", commit)) };
        view(&self.repo, &self.repo, &self.stack, &self.layer, &at).unwrap()
    }

    fn ask(&self, view: &View, script: &str) -> String {
        let (fine, out) = inside(&self.layer, &self.stack, view, script);
        assert!(fine, "{script}: {out}");
        out
    }
}

#[test]
fn what_builds_ask_of_git_is_answered() {
    let run = Run::new();
    let view = run.view("refs/heads/pit/01-work");
    let head = run.git.oid("HEAD").to_string();
    let ask = |script: &str| run.ask(&view, script);
    assert_eq!(ask("git rev-parse HEAD").trim(), head);
    assert_eq!(ask("git describe --tags --long --match v*"), format!("v1.0-1-g{}\n", &head[..7]));
    assert_eq!(ask("git log --format=%s"), "two\nstart\n");
    assert_eq!(ask("git symbolic-ref HEAD"), "refs/heads/pit/01-work\n");
    assert_eq!(
        ask("git for-each-ref --format='%(refname)'"),
        "refs/heads/main\nrefs/heads/pit/01-work\nrefs/tags/light\nrefs/tags/v1.0\n"
    );
    assert_eq!(ask("git status --porcelain; git diff --stat main"), "");
    assert_eq!(ask("git ls-files -s"), run.git.run(&["ls-files", "-s"]));
    assert_eq!(ask("git remote; git stash list"), "");
    assert_eq!(ask("echo 3 > a; echo n > n; rm b/c; git status --porcelain"), " M a\n D b/c\n?? n\n");
    assert_eq!(ask("git fsck --connectivity-only 2>&1 | grep -v dangling || true"), "");
}

#[test]
fn nothing_can_be_written_and_nothing_else_is_there() {
    let run = Run::new();
    let view = run.view("refs/heads/pit/01-work");
    for script in
        ["git commit --allow-empty -m x", "git tag x", "echo x > .git/config", "git update-ref refs/heads/main HEAD~1"]
    {
        assert!(!inside(&run.layer, &run.stack, &view, script).0, "{script}");
    }
    assert_eq!(names(&view.folder), ["HEAD", "alternates", "config", "index", "objects", "packed-refs", "refs"]);
    assert!(!fs::read_to_string(view.folder.join("packed-refs")).unwrap().contains("private"));
    let config = run.ask(&view, "git config --list --local");
    assert!(!config.contains("remote") && !config.contains("secret"), "{config}");
}

#[test]
fn a_task_without_a_branch_of_its_own_is_detached() {
    let run = Run::new();
    let view = run.view("refs/pit/tasks/2");
    assert_eq!(run.ask(&view, "git status --porcelain --branch"), "## HEAD (no branch)\n");
    assert_eq!(run.ask(&view, "git rev-parse HEAD").trim(), run.git.oid("HEAD").to_string());
}

#[test]
fn the_index_spares_git_the_reading_and_hides_no_change() {
    let mut run = Run::new();
    // Git looks at a file again whose time is not before the index's; so these are of an earlier second.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    let view = run.view("refs/heads/pit/01-work");
    // This one compares times and sizes and reads nothing.
    assert_eq!(run.ask(&view, "git diff-files --name-only"), "");
    // The workspace has another content of the same size than the commit.
    run.git.run(&["checkout", "-q", "-b", "changed"]);
    run.git.put(&[("a", b"3\n")]);
    let changed = run.repo.tree_of(run.git.commit("three")).unwrap();
    run.git.run(&["checkout", "-q", "main"]);
    run.layer.follow(&run.repo, changed).unwrap();
    let commit = run.git.oid("HEAD");
    let at = At { commit, branch: "refs/heads/pit/01-work", base: None };
    let view = super::view(&run.repo, &run.repo, &run.stack, &run.layer, &at).unwrap();
    assert_eq!(run.ask(&view, "git status --porcelain"), " M a\n");
}

#[test]
fn databases_that_stand_on_others_are_bound_with_them() {
    let origin = Git::new(&[("a", b"1\n")]);
    let dir = tempfile::tempdir().unwrap();
    let clone = dir.path().join("clone");
    origin.run(&["clone", "-q", "--shared", ".", clone.to_str().unwrap()]);
    let repo = Repo::open(&clone).unwrap();
    repo.stow(&[crate::effect::store::Object { kind: git2::ObjectType::Blob, bytes: b"x"[..].into() }]).unwrap();
    let checkouts = Checkouts::new(dir.path(), repo.common(), None, Limits::default()).unwrap();
    let commit = origin.oid("HEAD");
    let stack = checkouts.of(&repo, repo.tree_of(commit).unwrap()).unwrap();
    let layer = Layer::open(&dir.path().join("run"), stack.tree, None).unwrap();
    let at = At { commit, branch: "refs/heads/pit/1", base: None };
    let view = view(&repo, &repo, &stack, &layer, &at).unwrap();
    let blob = crate::effect::store::blob_id(b"x");
    let (fine, out) =
        inside(&layer, &stack, &view, &format!("git log --format=%s; git cat-file -p {blob}; git status -s"));
    assert!(fine);
    assert_eq!(out, "start\nx", "and not a word about databases that are not there");
}

/// A repository with a withheld file at two commits, one more that only history has, and tags of all kinds.
fn with_a_secret() -> (Run, PathSet) {
    let run = Run::new();
    let git = &run.git;
    git.put(&[
        ("key.pem", b"old secret\n"),
        ("deep/odd [1] \"k\".pem", b"odd secret\n"),
        ("past.pem", b"past secret\n"),
    ]);
    git.commit("three");
    git.run(&["rm", "-q", "past.pem"]);
    git.put(&[("key.pem", b"new secret\n"), ("a", b"3\n")]);
    git.commit("four");
    git.run(&["tag", "-a", "-m", "a blob", "of-a-file", "HEAD~1:key.pem"]);
    git.run(&["tag", "of-a-file-itself", "HEAD:key.pem"]);
    let set = PathSet { but: PathSet::of(&["**/*.pem"]).any, ..PathSet::all() };
    let Run { git, repo, _dir, .. } = run;
    let checkouts = Checkouts::new(_dir.path(), repo.common(), None, Limits::default()).unwrap();
    let stack = checkouts.of(&repo, repo.tree_of(git.oid("HEAD")).unwrap()).unwrap();
    let layer = Layer::open(&_dir.path().join("run"), stack.tree, None).unwrap();
    (Run { git, repo, _dir, stack, layer }, set)
}

impl Run {
    fn view_without(&self, read: &PathSet) -> View {
        let commit = self.git.oid("HEAD");
        let at = At { commit, branch: "refs/heads/pit/01-work", base: Some(("refs/heads/main", commit)) };
        let withheld = Withheld { read, cache: self._dir.path() };
        view_without(&self.repo, &self.repo, &self.stack, &self.layer, &at, Some(withheld)).unwrap()
    }
}

/// Prints every content that git has, whatever names it.
const EVERYTHING: &str = "git cat-file --batch-all-objects --batch --buffer";

#[test]
fn nothing_that_is_withheld_is_in_any_object_and_builds_find_what_they_ask_for() {
    let (run, read) = with_a_secret();
    // The control: in the whole view it is.
    assert!(run.ask(&run.view("refs/heads/pit/01-work"), EVERYTHING).contains("secret"));
    let view = run.view_without(&read);
    let ask = |script: &str| run.ask(&view, script);
    let all = ask(EVERYTHING);
    assert!(!all.contains("secret") && all.contains("four"), "{all}");
    assert!(!inside(&run.layer, &run.stack, &view, "git show HEAD:key.pem").0);
    let head = run.git.oid("HEAD").to_string();
    assert_eq!(ask("git describe --tags --long --match v*"), format!("v1.0-3-g{}\n", &head[..7]));
    assert_eq!(ask("git log --format=%s"), "four\nthree\ntwo\nstart\n");
    assert_eq!(ask("git tag"), "light\nv1.0\n", "and no word of those that are of a file");
    // As a sandbox covers them; that they are not there is no change.
    let gone = "rm -f key.pem deep/*.pem; ";
    assert_eq!(
        ask(&format!("{gone} git status --porcelain; git diff --stat; git describe --dirty --tags --match v*")),
        format!("v1.0-3-g{}\n", &head[..7])
    );
    assert_eq!(ask(&format!("{gone} git archive -o all.tar HEAD 2>/dev/null; tar tf all.tar")), "a\nb/\nb/c\ndeep/\n");
    assert_eq!(ask("echo 4 > a; git diff -U0 | tail -2"), "-3\n+4\n");
    assert_eq!(ask("git ls-files"), "a\nb/c\n\"deep/odd [1] \\\"k\\\".pem\"\nkey.pem\n");
}

#[test]
fn objects_of_those_who_may_read_the_same_are_copied_once_and_grow() {
    let (run, read) = with_a_secret();
    let first = run.view_without(&read);
    let place = |view: &View| view.binds[0].0.clone();
    run.git.put(&[("a", b"4\n"), ("key.pem", b"newer secret\n")]);
    let tree = run.repo.tree_of(run.git.commit("five")).unwrap();
    let mut run = run;
    run.layer.follow(&run.repo, tree).unwrap();
    let second = run.view_without(&read);
    assert_eq!(place(&first), place(&second));
    assert_eq!(run.ask(&second, "git log --format=%s -2; git show HEAD:a"), "five\nfour\n4\n");
    assert!(!run.ask(&second, EVERYTHING).contains("secret"));
    let all = run.view_without(&PathSet { but: PathSet::of(&["key.pem"]).any, ..PathSet::all() });
    assert_ne!(place(&all), place(&second), "those who may read more have more");
    assert!(run.ask(&all, EVERYTHING).contains("odd secret"));
    assert!(!run.ask(&all, EVERYTHING).contains("newer secret"));
    // What is in use is not removed, and then it is.
    let gone = Limits { idle: std::time::Duration::ZERO, bytes: 0 };
    super::super::sweep::sweep(run._dir.path(), gone).unwrap();
    assert!(place(&all).is_dir());
    let (one, other) = (place(&all), place(&second));
    drop((first, second, all));
    super::super::sweep::sweep(run._dir.path(), gone).unwrap();
    assert!(!one.exists() && !other.exists());
}

#[test]
fn many_at_once_make_one_database() {
    let (run, read) = with_a_secret();
    let withheld = Withheld { read: &read, cache: run._dir.path() };
    let commit = run.git.oid("HEAD");
    std::thread::scope(|scope| {
        let one = || {
            let mut tags = super::tags(&run.repo).unwrap();
            let part = Part::open(&run.repo, &withheld).unwrap();
            part.follow(&run.repo, &withheld, &[commit], &mut tags).unwrap();
            tags.len()
        };
        let all: Vec<_> = (0..8).map(|_| scope.spawn(one)).collect();
        assert!(all.into_iter().all(|one| one.join().unwrap() == 2));
    });
    let place = Part::open(&run.repo, &withheld).unwrap().objects().parent().unwrap().parent().unwrap().to_owned();
    assert_eq!(names(&place), ["ends", "git", "lock", "marks"], "and leave nothing beside it");
}

#[test]
fn of_a_shallow_clone_git_knows_where_it_ends() {
    let (whole, read) = with_a_secret();
    let dir = tempfile::tempdir().unwrap();
    let clone = dir.path().join("clone");
    let from = format!("file://{}", whole.git.dir.path().display());
    whole.git.run(&["clone", "-q", "--depth", "2", &from, clone.to_str().unwrap()]);
    let repo = Repo::open(&clone).unwrap();
    let commit = whole.git.oid("HEAD");
    let checkouts = Checkouts::new(dir.path(), repo.common(), None, Limits::default()).unwrap();
    let stack = checkouts.of(&repo, repo.tree_of(commit).unwrap()).unwrap();
    let layer = Layer::open(&dir.path().join("run"), stack.tree, None).unwrap();
    let at = At { commit, branch: "refs/heads/pit/1", base: None };
    let withheld = Withheld { read: &read, cache: dir.path() };
    for _ in 0..2 {
        let view = view_without(&repo, &repo, &stack, &layer, &at, Some(withheld)).unwrap();
        let (fine, out) = inside(&layer, &stack, &view, "git log --format=%s");
        assert!(fine, "{out}");
        assert_eq!(out, "four\nthree\n");
    }
}
