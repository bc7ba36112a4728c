//! A parent and its children: each on a branch of its own, within the parent's grants, one owner a file.

use orchestra_pit_tests::{Stage, guest};

/// What the model says to both children.
pub const HELLO: &str =
    "schema = 1\n[[conversation]]\nagent = \"hello\"\nruns = 2\n[[conversation.reply]]\ntext = \"Hello, team.\"\n";

/// Refuses: delegate.start conflict, delegate.wait not-found
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

/// What a guest sees of each, through the whole gate.
///
/// Refuses: human.ask unavailable, human.propose unavailable, model.ask not-found, model.about not-found.
/// Refuses: delegate.start not-found, delegate.start denied, delegate.message not-found, delegate.message conflict.
/// Refuses: delegate.again not-found, delegate.again conflict, delegate.cancel not-found, vcs.integrate conflict.
/// Refuses: any cancelled.
#[test]
fn what_cannot_be_had_is_refused_by_its_kind_and_depth_and_width_end() {
    let stage = Stage::new();
    let script = stage.script(HELLO);
    let refused = guest("refused").to_string_lossy().into_owned();
    let _ = stage.pit(&["agent", "run", &refused, "knock", "-m", &script, "--give", "as-asked"]).exits(3);
    let id = stage.trees().remove(0);
    let status = stage.status(&id);
    let summary = status["runs"][0]["end"]["done"]["summary"].as_str().expect("a summary").to_owned();
    let lines: Vec<&str> = summary.lines().collect();
    let expected = [
        "human.ask: unavailable",
        "human.propose: unavailable",
        "model.ask: not-found",
        "model.about: not-found",
        "delegate.start: not-found",
        "delegate.message: not-found",
        "delegate.again: not-found",
        "delegate.cancel: not-found",
        "again, at work: conflict",
        "integrate, at work: conflict",
        "cancelled: true",
        "message, ended: conflict",
        "depth: below below denied (depth)",
        "width: denied (width) after 8",
    ];
    assert_eq!(lines, expected);
    // A parent that ends takes its children with it: none is left at work, and each has a record of what it waited for.
    let runs = status["runs"].as_array().expect("runs");
    assert_eq!(runs.iter().filter(|run| run["end"]["cancelled"].is_string()).count(), 9, "{status}");
    let log = stage.pit(&["logs", &id, "--json"]).exits(0).out;
    assert_eq!(log.matches("\"kind\":\"cancelled\"").count(), 9, "{log}");
}
