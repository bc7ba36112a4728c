//! Repositories of every sort.

use std::path::Path;

use orchestra_pit_tests::Stage;

use super::{branches, solo, solo_at};

/// Refused, by these words, before anything was written or sent.
#[track_caller]
fn refused(stage: &Stage, at: &Path, says: &[&str]) {
    let said = says.iter().fold(solo_at(stage, at), |said, text| said.says(text));
    assert!(matches!(said.code, Some(1 | 2)), "{said:?}");
    assert!(said.out.is_empty(), "{}", said.out);
    for git_dir in [at.join(".git/pit"), at.join("pit")] {
        assert!(!git_dir.exists(), "nothing is written");
    }
}

/// Done, by what stands on its branch.
#[track_caller]
fn done_at(stage: &Stage, at: &Path) {
    let _ = solo_at(stage, at).exits(3);
    let here = at.to_string_lossy().into_owned();
    let git = |args: &[&str]| stage.git(&[&["-C", &here], args].concat());
    let branch = git(&["for-each-ref", "--format=%(refname)", "refs/heads/pit/"]);
    assert!(git(&["show", &format!("{branch}:src/lib.rs")]).contains("saturating_add"), "{branch}");
    git(&["fsck", "--strict", "--no-dangling"]);
    let _ = stage.pit(&["-C", &here, "replay"]).exits(0);
}

#[test]
fn no_repository_and_an_empty_one_say_what_to_type() {
    let stage = Stage::bare_of_commits();
    let nowhere = stage.home().join("nowhere");
    std::fs::create_dir_all(&nowhere).unwrap();
    refused(&stage, &nowhere, &["no git repository", "git init"]);
    let _ = solo(&stage).exits(1).says("no commit yet").says("git commit --allow-empty");
    // With one it goes on.
    for (path, text) in orchestra_pit_tests::LIBRARY {
        stage.write(path, text);
    }
    stage.git(&["add", "-A"]);
    stage.git(&["commit", "-qm", "Start"]);
    let _ = solo(&stage).exits(3);
}

#[test]
fn bare_shallow_and_linked_repositories_are_as_good_as_any() {
    let stage = Stage::new();
    stage.git(&["commit", "-q", "--allow-empty", "-m", "Second"]);
    let source = format!("file://{}", stage.repo().display());
    let place = |name: &str| stage.home().join(name);
    stage.git(&["clone", "-q", "--bare", &source, &place("bare.git").to_string_lossy()]);
    done_at(&stage, &place("bare.git"));
    stage.git(&["clone", "-q", "--depth=1", &source, &place("shallow").to_string_lossy()]);
    done_at(&stage, &place("shallow"));

    stage.git(&["worktree", "add", "-q", "-b", "side", &place("linked").to_string_lossy()]);
    done_at(&stage, &place("linked"));
    let id = stage.trees().remove(0);
    let _ = stage.pit(&["accept", "--unverified", &id, "-y"]).exits(0).says("side");
    let text = std::fs::read_to_string(place("linked").join("src/lib.rs")).unwrap();
    assert!(text.contains("saturating_add"), "the linked working tree has it");
    assert!(!stage.read("src/lib.rs").contains("saturating_add"), "the other has not");
}

#[test]
fn a_sparse_tree_shows_agents_all_files_and_stays_sparse() {
    let stage = Stage::new();
    stage.git(&["sparse-checkout", "set", "docs"]);
    assert!(!stage.repo().join("src").exists());
    let said = solo(&stage).exits(3);
    assert!(!said.err.contains("do not see"), "nothing is changed: {}", said.err);
    let id = stage.trees().remove(0);
    let _ = stage.pit(&["accept", "--unverified", &id, "-y"]).exits(0);
    assert!(stage.git(&["show", "main:src/lib.rs"]).contains("saturating_add"));
    assert!(!stage.repo().join("src").exists() && stage.git(&["status", "--porcelain"]).is_empty());
}

#[test]
fn a_detached_head_names_the_branch_to_be_chosen() {
    let stage = Stage::new();
    stage.git(&["checkout", "-q", "--detach"]);
    let _ = solo(&stage).exits(3);
    let id = stage.trees().remove(0);
    let _ =
        stage.pit(&["accept", "--unverified", &id, "-y"]).exits(2).says("started from no branch").says("--onto BRANCH");
    let _ = stage.pit(&["accept", "--unverified", &id, "--onto", "main", "-y"]).exits(0);
    assert!(stage.git(&["show", "main:src/lib.rs"]).contains("saturating_add"));
}

#[test]
fn what_libgit2_cannot_read_is_refused_at_once_by_name() {
    let stage = Stage::new();
    let place = |name: &str| stage.home().join(name);
    let init = |how: &str, name: &str| stage.git(&["init", "-q", how, &place(name).to_string_lossy()]);
    init("--object-format=sha256", "sha256");
    refused(&stage, &place("sha256"), &["SHA-256", "only SHA-1"]);
    init("--ref-format=reftable", "reftable");
    refused(&stage, &place("reftable"), &["reftable", "git refs migrate --ref-format=files"]);
    stage.git(&["config", "uploadpack.allowFilter", "true"]);
    let source = format!("file://{}", stage.repo().display());
    stage.git(&["clone", "-q", "--filter=blob:none", &source, &place("partial").to_string_lossy()]);
    refused(&stage, &place("partial"), &["partial clone", "git fetch --refetch"]);
}

#[test]
fn an_owner_that_git_calls_dubious_is_refused_with_gits_own_remedy() {
    let stage = Stage::new();
    let theirs = stage.home().join("theirs");
    stage.git(&["clone", "-q", ".", &theirs.to_string_lossy()]);
    // Only root can give a folder away; elsewhere git's own refusal cannot be had either.
    let mut give = std::process::Command::new("chown");
    let given = give.args(["-R", "12345"]).arg(&theirs).stderr(std::process::Stdio::null()).status();
    if !given.is_ok_and(|status| status.success()) {
        eprintln!("skipped: this user cannot give a folder away");
        return;
    }
    refused(&stage, &theirs, &["belongs to somebody else", "git config --global --add safe.directory"]);
    stage.git(&["config", "--global", "--add", "safe.directory", &theirs.to_string_lossy()]);
    done_at(&stage, &theirs);
}

#[test]
fn a_branch_that_stands_in_the_way_is_named_before_anything_is_spent() {
    let stage = Stage::new();
    stage.git(&["branch", "pit"]);
    let _ = solo(&stage).exits(1).says("refs/heads/pit").says("git branch -m");
    assert!(stage.trees().is_empty(), "nothing was started");
    stage.git(&["branch", "-m", "pit", "mine"]);
    let _ = solo(&stage).exits(3);
    assert_eq!(branches(&stage).len(), 1);
}
