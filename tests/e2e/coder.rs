//! The shipped coder: from a prompt to a commit in each shape of edits, sent back, and stopped when it goes in circles.

use orchestra_pit_tests::Stage;

const GOAL: &str = "Make `more` add two.";

/// A script for the coder whose model is said to write edits of a shape.
fn script(edits: &str, replies: &str) -> String {
    format!(
        "schema = 1\n[model]\nedits = \"{edits}\"\n[[conversation]]\nagent = \"coder\"\nfirst_contains = [\"# Task\", \"Make `more`\", \"src/\", \"Start\"]\n{replies}"
    )
}

const FINISH: &str = r#"
[[conversation.reply]]
calls = [{ tool = "finish", arguments = { summary = "Make more add two", criteria = [], doubts = ["nothing was run"] } }]
"#;

fn branch(stage: &Stage) -> String {
    stage.git(&["for-each-ref", "--format=%(refname:short)", "refs/heads/pit/"])
}

#[test]
fn every_shape_of_edits_ends_in_the_same_commit() {
    let edit_tool = r#"
[[conversation.reply]]
expect.tools = ["str_replace_based_edit_tool", "commit", "finish"]
calls = [{ tool = "str_replace_based_edit_tool", arguments = { command = "view", path = "src/lib.rs" } }]
[[conversation.reply]]
expect.last_contains = ["     5\t    n + 1"]
calls = [{ tool = "str_replace_based_edit_tool", arguments = { command = "str_replace", path = "src/lib.rs", old_str = "n + 1", new_str = "n + 2" } }]
"#;
    let patch = r#"
[[conversation.reply]]
expect.tools = ["apply_patch", "read_file"]
calls = [{ tool = "apply_patch", arguments = { input = "*** Begin Patch\n*** Update File: src/lib.rs\n@@ pub fn more(n: u32) -> u32 {\n-    n + 1\n+    n + 2\n }\n*** End Patch" } }]
"#;
    let blocks = r#"
[[conversation.reply]]
expect.tools = ["edit_file", "create_file"]
calls = [{ tool = "edit_file", arguments = { blocks = "src/lib.rs\n<<<<<<< SEARCH\n    n + 1\n=======\n    n + 2\n>>>>>>> REPLACE\n" } }]
"#;
    let envelope = r#"
[[conversation.reply]]
text = '{"tool": "replace", "arguments": {"path": "src/lib.rs", "old": "n + 1", "new": "n + 2"}}'
"#;
    let envelope_finish = r#"
[[conversation.reply]]
text = '{"tool": "finish", "arguments": {"summary": "Make more add two", "criteria": []}}'
"#;
    for (edits, replies) in [
        ("str_replace", [edit_tool, FINISH]),
        ("apply_patch", [patch, FINISH]),
        ("search_replace", [blocks, FINISH]),
        ("envelope", [envelope, envelope_finish]),
    ] {
        let stage = Stage::new();
        let script = stage.script(&script(edits, &replies.concat()));
        let _ = stage.pit(&["agent", "run", "coder", GOAL, "-m", &script]).exits(3);
        let branch = branch(&stage);
        assert!(stage.git(&["show", &format!("{branch}:src/lib.rs")]).contains("    n + 2\n"), "{edits}");
        let log = stage.git(&["log", "-1", "--format=%an|%s", &branch]);
        assert_eq!(log, "coder via pit|Make more add two", "{edits}");
    }
}

#[test]
fn going_in_circles_ends_it_and_keeps_what_there_is() {
    let wrong = r#"
[[conversation.reply]]
calls = [{ tool = "str_replace_based_edit_tool", arguments = { command = "str_replace", path = "src/lib.rs", old_str = "n + 7", new_str = "n" } }]
"#;
    let good = r#"
[[conversation.reply]]
calls = [{ tool = "str_replace_based_edit_tool", arguments = { command = "create", path = "NOTES.md", file_text = "begun\n" } }]
"#;
    let step = "[[conversation.reply]]\nexpect.last_contains = \"# Reflection\"\ntext = \"Next step: view the file\"\n";
    let stage = Stage::new();
    let script = stage.script(&script("str_replace", &[good, wrong, wrong, step, wrong].concat()));
    let said = stage.pit(&["agent", "run", "coder", GOAL, "-m", &script]).exits(1);
    assert!(said.out.contains("the same step failed for the third time"), "{}", said.out);
    let branch = branch(&stage);
    assert_eq!(stage.git(&["log", "-1", "--format=%s", &branch]), "Keep unfinished work");
    assert_eq!(stage.git(&["show", &format!("{branch}:NOTES.md")]), "begun");
}

#[test]
fn a_coder_or_tester_alone_runs_commands_and_checks_as_in_a_team() {
    let stage = Stage::new();
    let level = |name: &str| format!("[checks.{name}]\nlook = {{ run = [\"true\"] }}\n");
    stage.write("pit.toml", &format!("schema = 1\n{}{}{}", level("fast"), level("full"), level("slow")));
    let _ = stage.pit(&["trust", "-y"]).exits(0);
    for agent in ["coder", "tester"] {
        let tools = "[[conversation.reply]]\nexpect.tools = [\"bash\", \"check\"]\ntext = \"no\"\n";
        let head = "schema = 1\n[model]\nedits = \"str_replace\"\n[[conversation]]\n";
        let script = stage.script(&format!("{head}agent = \"{agent}\"\n{tools}"));
        let said = stage.pit(&["agent", "run", agent, GOAL, "-m", &script]);
        assert!(said.out.contains("asks for turn 2"), "{agent}: {}{}", said.out, said.err);
    }
}

#[test]
fn a_coder_that_was_granted_some_commands_runs_them_and_no_shell() {
    let stage = Stage::new();
    stage.write("pit.toml", "schema = 1\n[grants.coder]\nexec = [[\"ls\", \"**\"]]\n");
    let replies = r#"
[[conversation.reply]]
calls = [{ tool = "bash", arguments = { command = "ls src" } }]
[[conversation.reply]]
expect.last_contains = ["exit 0", "lib.rs"]
calls = [{ tool = "bash", arguments = { command = "ls src | cat" } }]
[[conversation.reply]]
expect.last_contains = ["`sh -c ls src | cat` is not among the commands", "it may run `ls **`; a shell is not among them"]
calls = [{ tool = "str_replace_based_edit_tool", arguments = { command = "str_replace", path = "src/lib.rs", old_str = "n + 1", new_str = "n + 2" } }]
"#;
    let script = stage.script(&script("str_replace", &[replies, FINISH].concat()));
    let _ = stage.pit(&["run", "--solo", GOAL, "-m", &script]).exits(3);
}
