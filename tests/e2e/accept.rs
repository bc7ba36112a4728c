//! `pit diff` and `pit accept`: a person looks at a result and takes it, or does not.

use orchestra_pit_tests::Stage;

use crate::run::script;

/// A stage with one result, and its run's id.
fn done() -> (Stage, String) {
    let stage = Stage::new();
    let model = stage.script(&script(""));
    let _ = stage.pit(&["run", "--solo", "Never overflow", "-m", &model]).exits(3);
    let id = stage.trees().remove(0);
    (stage, id)
}

fn state(stage: &Stage) -> (String, String, String) {
    (stage.git(&["rev-parse", "main"]), stage.git(&["status", "--porcelain"]), stage.read("src/lib.rs"))
}

#[test]
fn a_result_is_shown_taken_as_one_merge_and_put_back() {
    let (stage, id) = done();
    let _ = stage.pit(&["diff", &id]).exits(0).says("+    n.saturating_add(1)");
    let before = state(&stage);
    let _ = stage.pit(&["accept", "--unverified", &id]).exits(5).says("-y").says("src/lib.rs").says("none changed");
    assert_eq!(state(&stage), before, "without an answer nothing changes");

    stage.write("notes.txt", "mine\n");
    let _ = stage.pit(&["accept", "--unverified", &id, "-y"]).exits(0).says("accept --undo");
    assert!(stage.read("src/lib.rs").contains("saturating_add"));
    assert_eq!(stage.git(&["log", "-1", "--format=%an|%P|%s", "main"]).split('|').next(), Some("Ada"));
    assert_eq!(stage.git(&["log", "-1", "--format=%P", "main"]).split(' ').count(), 2, "a merge");
    assert_eq!(stage.git(&["status", "--porcelain"]), "?? notes.txt");
    assert_eq!(stage.git(&["worktree", "list"]).lines().count(), 1);
    let _ = stage.pit(&["accept", "--unverified", &id, "-y"]).exits(0).says("already");

    let _ = stage.pit(&["accept", "--undo", &id]).exits(0);
    assert_eq!((stage.git(&["rev-parse", "main"]), stage.read("src/lib.rs")), (before.0, before.2));
    assert_eq!(stage.read("notes.txt"), "mine\n");
    let _ = stage.pit(&["accept", "--undo", &id]).exits(2).says("not accepted");
}

#[test]
fn a_file_in_the_way_stops_it_before_anything_has_changed() {
    let (stage, id) = done();
    stage.write("src/lib.rs", "mine\n");
    let before = state(&stage);
    let _ = stage.pit(&["accept", "--unverified", &id, "-y"]).exits(1).says("in the way").says("src/lib.rs");
    assert_eq!(state(&stage), before);
    // The same with the file as it was.
    stage.git(&["checkout", "-q", "src/lib.rs"]);
    let _ = stage.pit(&["accept", "--unverified", &id, "-y"]).exits(0);
}

#[test]
fn a_branch_that_moved_on_takes_it_unless_both_changed_the_same() {
    let (stage, id) = done();
    stage.write("README.md", "# More\n");
    stage.git(&["commit", "-qam", "More"]);
    let _ = stage.pit(&["accept", "--unverified", &id, "-y"]).exits(0);
    assert!(stage.read("src/lib.rs").contains("saturating_add") && stage.read("README.md") == "# More\n");

    let (stage, id) = done();
    stage.write("src/lib.rs", "pub fn more(n: u32) -> u32 {\n    n + 2\n}\n");
    stage.git(&["commit", "-qam", "By two"]);
    let before = state(&stage);
    let _ = stage.pit(&["accept", "--unverified", &id, "-y"]).exits(1).says("both changed src/lib.rs");
    assert_eq!(state(&stage), before);
    assert_eq!(stage.git(&["worktree", "list"]).lines().count(), 1);
}

#[test]
fn it_goes_onto_another_branch_squashed_and_past_the_persons_hooks() {
    let (stage, id) = done();
    stage.git(&["branch", "release"]);
    let before = state(&stage);
    let hook = stage.repo().join(".git/hooks/pre-commit");
    std::fs::create_dir_all(hook.parent().unwrap()).unwrap();
    std::fs::write(&hook, "#!/bin/sh\necho not today >&2\nexit 1\n").unwrap();
    std::fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let accept = ["accept", "--unverified", &id, "--onto", "release", "--squash", "-y"];
    let _ = stage.pit(&accept).exits(1).says("not today");
    assert_eq!(stage.git(&["rev-parse", "release"]), before.0);
    std::fs::remove_file(&hook).unwrap();
    let _ = stage.pit(&accept).exits(0);
    assert_eq!(stage.git(&["log", "-1", "--format=%P", "release"]), before.0, "one plain commit");
    assert_eq!(state(&stage), before, "what is checked out is not touched");
    stage.git(&["commit", "--allow-empty", "-qm", "Later"]);
    let _ = stage.pit(&["accept", "--undo", &id]).exits(0);
    assert_eq!(stage.git(&["rev-parse", "release"]), before.0);
    let _ = stage.pit(&["accept", "--unverified", &id, "--onto", "nowhere", "-y"]).exits(2).says("no branch nowhere");
}

#[test]
fn what_was_started_from_no_branch_says_that_one_is_to_be_named() {
    let stage = Stage::new();
    stage.git(&["checkout", "-q", "--detach"]);
    let model = stage.script(&script(""));
    let said = stage.pit(&["run", "--solo", "Never overflow", "-m", &model]).exits(3);
    let id = stage.trees().remove(0);
    let _ = said.says(&format!("pit accept {id} --onto BRANCH"));
    let _ = stage.pit(&["accept", "--unverified", &id, "--onto", "main", "-y"]).exits(0);
}

#[test]
fn what_was_added_since_is_never_undone() {
    let (stage, id) = done();
    let _ = stage.pit(&["accept", "--unverified", &id, "-y"]).exits(0);
    stage.git(&["commit", "--allow-empty", "-qm", "Later"]);
    let before = state(&stage);
    let _ = stage.pit(&["accept", "--undo", &id]).exits(1).says("moved on").says("git revert");
    assert_eq!(state(&stage), before);
}

#[test]
fn it_goes_forward_or_into_the_working_tree_where_that_is_wanted() {
    let (stage, id) = done();
    let tip = stage.git(&["for-each-ref", "--format=%(objectname)", "refs/heads/pit/"]);
    let said = stage.pit(&["accept", "--unverified", &id, "--ff", "-y"]).exits(0);
    for text in ["verdict    none", "cost", "runs on your machine   none changed"] {
        assert!(said.out.contains(text), "no `{text}` in {}", said.out);
    }
    assert_eq!(stage.git(&["rev-parse", "main"]), tip);
    assert!(stage.read("src/lib.rs").contains("saturating_add"));

    let (stage, id) = done();
    stage.write("notes.txt", "mine\n");
    let before = stage.git(&["rev-parse", "main"]);
    let _ = stage.pit(&["accept", "--unverified", &id, "--stage", "-y"]).exits(0).says("git diff --cached");
    assert_eq!(stage.git(&["rev-parse", "main"]), before);
    assert_eq!(stage.git(&["status", "--porcelain"]), "M  src/lib.rs\n?? notes.txt");
    assert_eq!(stage.git(&["worktree", "list"]).lines().count(), 1);
    let _ = stage.pit(&["accept", "--unverified", &id, "--stage", "-y"]).exits(1);

    let (stage, id) = done();
    stage.git(&["commit", "--allow-empty", "-qm", "Later"]);
    let before = state(&stage);
    let _ = stage.pit(&["accept", "--unverified", &id, "--ff", "-y"]).exits(1).says("moved on");
    assert_eq!(state(&stage), before);
}

#[test]
fn what_runs_on_the_persons_machine_is_named() {
    let stage = Stage::new();
    let edit =
        "command = \"str_replace\", path = \"src/lib.rs\", old_str = \"n + 1\", new_str = \"n.saturating_add(1)\"";
    let model = script("").replace(edit, "command = \"create\", path = \"build.rs\", file_text = \"fn main() {}\\n\"");
    let model = stage.script(&model);
    let said = stage.pit(&["run", "--solo", "Build it", "-m", &model]).exits(3);
    assert!(said.out.contains("build.rs (build script)"), "{}", said.out);
    assert!(said.out.contains("1 commit, 1 file, +1 −0, on main @ "), "{}", said.out);
    let _ = stage.pit(&["accept", "--unverified"]).exits(5).says("build.rs (build script)");
}

/// A stage with a result that is staged, and its run's id.
fn staged() -> (Stage, String) {
    let (stage, id) = done();
    let _ = stage.pit(&["accept", "--unverified", &id, "--stage", "-y"]).exits(0).says("accept --undo");
    assert_eq!(stage.git(&["status", "--porcelain"]), "M  src/lib.rs");
    (stage, id)
}

#[test]
fn what_was_staged_is_taken_back_if_it_is_as_it_was() {
    let (stage, id) = staged();
    // What else the person has there is theirs.
    stage.write("notes.txt", "mine\n");
    stage.write("README.md", "# Mine\n");
    let _ = stage.pit(&["accept", "--undo", &id]).exits(0).says("kept on its own branch");
    // The harness trims the end alone.
    assert_eq!(stage.git(&["status", "--porcelain"]), " M README.md\n?? notes.txt");
    assert!(stage.read("src/lib.rs").contains("n + 1") && stage.read("README.md") == "# Mine\n");
    let _ = stage.pit(&["accept", "--undo", &id]).exits(2).says("not accepted");
    // And again, the other way.
    stage.git(&["checkout", "-q", "README.md"]);
    let _ = stage.pit(&["accept", "--unverified", &id, "-y"]).exits(0);
    let _ = stage.pit(&["accept", "--undo", &id]).exits(0);
}

#[test]
fn what_was_staged_and_changed_since_is_left_alone() {
    type Change<'a> = (&'a str, &'a dyn Fn(&Stage));
    let changes: [Change<'_>; 4] = [
        ("files of the result have changed", &|stage| stage.write("src/lib.rs", "mine\n")),
        ("what is staged has changed", &|stage| {
            stage.write("README.md", "# Mine\n");
            stage.git(&["add", "README.md"]);
        }),
        ("what is staged has changed", &|stage| drop(stage.git(&["reset", "-q"]))),
        ("moved on", &|stage| drop(stage.git(&["commit", "-qm", "Taken"]))),
    ];
    for (says, change) in changes {
        let (stage, id) = staged();
        change(&stage);
        let before = (state(&stage), stage.git(&["write-tree"]));
        let _ = stage.pit(&["accept", "--undo", &id]).exits(1).says(says).says("nothing has changed");
        assert_eq!((state(&stage), stage.git(&["write-tree"])), before, "{says}");
    }
}

#[test]
fn a_staged_result_is_not_removed_by_clean() {
    let (stage, id) = staged();
    let _ = stage.pit(&["clean", "-y"]).exits(0).says("there is no run to remove");
    assert_eq!(stage.trees(), [id]);
    assert!(!stage.git(&["for-each-ref", "refs/heads/pit/"]).is_empty(), "the work is nowhere else");
}
