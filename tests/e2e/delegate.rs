//! A parent and its children: each on a branch of its own, within the parent's grants, one owner a file.

use orchestra_pit_tests::{Stage, guest};

/// What the model says to both children.
pub const HELLO: &str =
    "schema = 1\n[[conversation]]\nagent = \"hello\"\nruns = 2\n[[conversation.reply]]\ntext = \"Hello, team.\"\n";

#[test]
fn children_work_side_by_side_and_the_parent_takes_their_work_over() {
    let stage = Stage::new();
    let script = stage.script(HELLO);
    let said = stage
        .pit(&["agent", "run", &guest("parent").to_string_lossy(), "lead", "-m", &script, "--give", "as-asked"])
        .exits(3);
    let id = stage.trees().remove(0);
    let status = stage.status(&id);
    let summary = status["runs"][0]["end"]["done"]["summary"].as_str().expect("a summary").to_owned();
    let mut lines: Vec<&str> = summary.lines().collect();
    lines.sort_unstable();
    let expected = [
        "again: true",
        "first done",
        "integrated: true",
        "leased twice: conflict",
        "no child of mine: not-found",
        "second failed",
        "unknown agent: denied",
        "written by the parent: conflict",
    ];
    assert_eq!(lines, expected, "{}", said.out);
    let branch = status["branch"].as_str().expect("a branch").trim_start_matches("refs/heads/").to_owned();
    assert!(stage.git(&["show", &format!("{branch}:HELLO.md")]).contains("Hello, team."));
    let authors = stage.git(&["log", "--format=%an", &format!("main..{branch}")]);
    assert!(authors.contains("hello via pit") && authors.contains("parent via pit"), "{authors}");
    // Tasks' branches are not among the person's.
    assert_eq!(stage.git(&["for-each-ref", "--format=%(refname)", "refs/heads/"]).lines().count(), 2);
    stage.git(&["fsck", "--strict"]);
}
