//! A dirty tree: agents start from HEAD and one line says what they do not see; `--with-changes` takes it along, and accepting
//! loses none of it.

use orchestra_pit_tests::Stage;

use super::{branches, solo};
use crate::run::script;

/// A repository with changes of every sort: staged, not staged, new, removed, ignored.
fn dirty() -> Stage {
    let stage = Stage::with(&[
        ("README.md", "# Tally\n"),
        ("src/lib.rs", "//! Counts.\n\npub fn more(n: u32) -> u32 {\n    n + 1\n}\n"),
        ("docs/usage.md", "# Usage\n"),
        ("kept.txt", "as it was\n"),
        (".gitignore", "*.log\n"),
    ]);
    stage.write("README.md", "# Tally\n\nMine.\n");
    stage.git(&["add", "README.md"]);
    stage.write("src/lib.rs", "//! Counts.\n\n/// Mine.\npub fn more(n: u32) -> u32 {\n    n + 1\n}\n");
    stage.write("notes/new.txt", "new\n");
    stage.write("build.log", "noise\n");
    std::fs::remove_file(stage.repo().join("docs/usage.md")).unwrap();
    stage
}

/// Everything of the person's: index, HEAD, branches, and what git says of the files.
fn own(stage: &Stage) -> (Vec<u8>, String, String) {
    let index = std::fs::read(stage.repo().join(".git/index")).unwrap();
    (
        index,
        stage.git(&["rev-parse", "HEAD", "main"]),
        stage.read("src/lib.rs") + &stage.git(&["status", "--porcelain"]),
    )
}

fn with_changes(stage: &Stage) -> String {
    let model = stage.script(&script(""));
    let run = ["run", "--solo", "Never overflow", "-m", &model, "--with-changes"];
    let said = stage.pit(&run).exits(3);
    assert!(!said.err.contains("do not see"), "{}", said.err);
    stage.trees().remove(0)
}

#[test]
fn what_is_not_committed_stays_the_persons_and_one_line_says_so() {
    let stage = dirty();
    let before = own(&stage);
    let said = solo(&stage).exits(3).says("do not see what is not committed").says("--with-changes");
    assert!(said.err.contains(" and 3 more"), "{}", said.err);
    assert_eq!(own(&stage), before);
    let branch = branches(&stage).remove(0);
    assert!(!stage.git(&["show", &format!("{branch}:src/lib.rs")]).contains("Mine"));
    assert!(stage.git(&["ls-tree", "-r", "--name-only", &branch]).contains("docs/usage.md"));
}

#[test]
fn with_changes_the_run_starts_from_them_and_nothing_of_the_persons_is_touched() {
    let stage = dirty();
    let before = own(&stage);
    with_changes(&stage);
    assert_eq!(own(&stage), before);
    let branch = branches(&stage).remove(0);
    let base = format!("{branch}~1");
    assert_eq!(
        stage.git(&["log", "-1", "--format=%an|%P", &base]),
        format!("Ada|{}", stage.git(&["rev-parse", "HEAD"]))
    );
    assert_eq!(
        stage.git(&["diff", "--name-status", "HEAD", &base]),
        "M\tREADME.md\nD\tdocs/usage.md\nA\tnotes/new.txt\nM\tsrc/lib.rs"
    );
    assert!(stage.git(&["show", &format!("{branch}:src/lib.rs")]).contains("/// Mine."));
    // Pinned: no collection takes it, whatever becomes of the branch.
    let base = stage.git(&["rev-parse", &base]);
    stage.git(&["branch", "-q", "-D", &branch]);
    stage.git(&["gc", "-q", "--prune=now"]);
    assert!(stage.git(&["for-each-ref", "--format=%(objectname)", "refs/pit/base/"]).contains(&base));
    assert_eq!(stage.git(&["show", &format!("{base}:notes/new.txt")]), "new");
    stage.git(&["fsck", "--strict", "--no-dangling"]);
}

#[test]
fn what_looks_like_a_secret_is_taken_along_only_if_it_was_added() {
    let stage = dirty();
    stage.write(".env", "KEY=abc\n");
    stage.write("deep/server.pem", "key\n");
    stage.write(".npmrc", "registry=x\n");
    stage.git(&["add", ".npmrc"]);
    let model = stage.script(&script(""));
    let said = stage.pit(&["run", "--solo", "Never overflow", "-m", &model, "--with-changes"]).exits(3);
    assert!(said.err.contains("not taken along") && said.err.contains(".env, deep/server.pem"), "{}", said.err);
    let taken = stage.git(&["ls-tree", "-r", "--name-only", &branches(&stage).remove(0)]);
    assert!(taken.contains("notes/new.txt") && taken.contains(".npmrc"), "{taken}");
    assert!(!taken.contains(".env") && !taken.contains("server.pem"), "{taken}");
}

#[test]
fn a_clean_tree_with_changes_is_head() {
    let stage = Stage::new();
    with_changes(&stage);
    let branch = branches(&stage).remove(0);
    assert_eq!(stage.git(&["rev-parse", &format!("{branch}~1")]), stage.git(&["rev-parse", "HEAD"]));
    let bare = stage.home().join("bare.git");
    stage.git(&["clone", "-q", "--bare", ".", &bare.to_string_lossy()]);
    let model = stage.script(&script(""));
    let at = bare.to_string_lossy().into_owned();
    let run = ["-C", &at, "run", "--solo", "x", "-m", &model, "--with-changes"];
    let _ = stage.pit(&run).exits(2).says("a bare repository has no files");
}

#[test]
fn accepting_takes_the_changes_too_and_leaves_a_clean_tree() {
    let stage = dirty();
    let files = ["README.md", "notes/new.txt", "src/lib.rs"].map(|path| stage.read(path));
    let head = stage.git(&["rev-parse", "HEAD"]);
    let id = with_changes(&stage);
    let _ = stage.pit(&["accept", "--unverified", &id, "-y"]).exits(0);
    assert_eq!(stage.git(&["status", "--porcelain"]), "", "what lay there is committed, as it was");
    let text = stage.read("src/lib.rs");
    assert!(text.contains("saturating_add") && text.contains("/// Mine."), "{text}");
    assert_eq!((stage.read("notes/new.txt").as_str(), stage.read("build.log").as_str()), ("new\n", "noise\n"));
    assert!(!stage.repo().join("docs/usage.md").exists());

    // Back, and the changes are where it says.
    let said = stage.pit(&["accept", "--undo", &id]).exits(0).says("git restore --source");
    assert_eq!(stage.git(&["rev-parse", "HEAD"]), head);
    let restore = said.out.lines().find_map(|line| line.trim().strip_prefix("next ")).unwrap().trim().to_owned();
    let args: Vec<&str> = restore.split(' ').skip(1).collect();
    stage.git(&args);
    assert_eq!(["README.md", "notes/new.txt", "src/lib.rs"].map(|path| stage.read(path)), files);
    // But for what was staged.
    let status = stage.git(&["status", "--porcelain"]);
    assert_eq!(status, " M README.md\n D docs/usage.md\n M src/lib.rs\n?? notes/");
}

#[test]
fn a_file_that_was_changed_further_is_in_the_way_and_nothing_is_lost() {
    let stage = dirty();
    let id = with_changes(&stage);
    stage.write("notes/new.txt", "newer\n");
    let before = own(&stage);
    let said = stage.pit(&["accept", "--unverified", &id, "-y"]).exits(1).says("in the way").says("notes/new.txt");
    assert!(!said.err.contains("src/lib.rs"), "only what would be lost: {}", said.err);
    assert_eq!(own(&stage), before);
    assert_eq!(stage.read("notes/new.txt"), "newer\n");
    stage.write("notes/new.txt", "new\n");
    let _ = stage.pit(&["accept", "--unverified", &id, "-y"]).exits(0);
}
