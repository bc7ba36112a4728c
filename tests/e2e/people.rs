//! What people say reaches the one it is for: answers, approvals, remarks; the host alive or dead.

use orchestra_pit_tests::Stage;

pub fn script(stage: &Stage, replies: &str) -> String {
    stage.script(&format!("schema = 1\n[[conversation]]\nagent = \"coder\"\n{replies}"))
}

pub const ASK: &str = r#"
[[conversation.reply]]
calls = [{ tool = "ask_person", arguments = { question = "Which colour?" } }]
[[conversation.reply]]
expect.last_contains = "blue"
calls = [{ tool = "str_replace_based_edit_tool", arguments = { command = "create", path = "colour.txt", file_text = "blue\n" } }]
"#;

pub const PROTECTED: &str = r#"
[[conversation.reply]]
calls = [{ tool = "str_replace_based_edit_tool", arguments = { command = "create", path = "AGENTS.md", file_text = "Be kind.\n" } }]
"#;

pub const FINISH: &str = r#"
[[conversation.reply]]
calls = [{ tool = "finish", arguments = { summary = "Done as asked", criteria = [] } }]
"#;

pub fn branch(stage: &Stage) -> String {
    stage.git(&["for-each-ref", "--format=%(refname:short)", "refs/heads/pit/"])
}

#[test]
fn an_answer_from_another_terminal_reaches_the_one_who_asked_once() {
    let stage = Stage::new();
    let script = script(&stage, &[ASK, FINISH].concat());
    let run = stage.attend(&["agent", "run", "coder", "Paint it.", "-m", &script]);
    let (id, asks) = stage.asked();
    assert!(asks.contains("Which colour?"), "{asks}");
    let _ = stage.pit(&["approve", &id]).exits(2).says("waits for an answer in words");
    let _ = stage.pit(&["answer", &id, "blue"]).exits(0);
    assert_eq!(run.code(), 3);
    assert_eq!(stage.git(&["show", &format!("{}:colour.txt", branch(&stage))]), "blue");
    let _ = stage.pit(&["answer", &id, "red"]).exits(2).says("is not waiting");
}

#[test]
fn an_answer_given_while_nobody_is_at_work_is_kept() {
    let stage = Stage::new();
    let script = script(&stage, &[ASK, FINISH].concat());
    let run = stage.attend(&["agent", "run", "coder", "Paint it.", "-m", &script]);
    let (id, _) = stage.asked();
    run.kill();
    let _ = stage.pit(&["answer", &id, "blue"]).exits(0).says("kept");
    let said = stage.pit(&["resume", &id, "-m", &script]).exits(3);
    assert!(said.err.lines().next().is_some_and(|first| first.contains(" · at most ")), "{}", said.err);
    assert_eq!(stage.git(&["show", &format!("{}:colour.txt", branch(&stage))]), "blue");
    // Nothing is left to go on with, and nothing is waited for: not even a second.
    let took = || {
        let began = std::time::Instant::now();
        let _ = stage.pit(&["resume", &id, "-m", &script]).exits(3);
        began.elapsed()
    };
    let took = std::iter::repeat_with(took).take(3).min().unwrap_or_default();
    assert!(took < std::time::Duration::from_millis(900), "{took:?}");
}

#[test]
fn a_protected_path_is_committed_only_with_a_yes() {
    for (say, committed) in [(["approve", ""], true), (["reject", "not now"], false)] {
        let stage = Stage::new();
        let script = script(&stage, &[PROTECTED, FINISH].concat());
        let run = stage.attend(&["agent", "run", "coder", "Write rules.", "-m", &script]);
        let (id, asks) = stage.asked();
        assert!(asks.contains("AGENTS.md"), "{asks}");
        let args = if committed { vec![say[0], id.as_str()] } else { vec![say[0], id.as_str(), "-m", say[1]] };
        let _ = stage.pit(&args).exits(0);
        if !committed {
            // The coder may ask once more for what it leaves behind; the answer stays the same.
            std::thread::sleep(std::time::Duration::from_millis(500));
        }
        drop_rest(&stage, &id, committed);
        let code = run.code();
        let branch = branch(&stage);
        let has = !branch.is_empty() && stage.git(&["ls-tree", "--name-only", &branch]).contains("AGENTS.md");
        assert_eq!(has, committed, "exit {code}");
    }
}

/// Says no to whatever else is asked, until the run has ended.
fn drop_rest(stage: &Stage, id: &str, committed: bool) {
    for _ in 0..100 {
        let status = stage.status(id);
        if committed || status["runs"][0]["phase"] == "ended" {
            return;
        }
        if status["runs"][0]["asks"].is_string() {
            let _said = stage.pit(&["reject", id, "-m", "not now"]);
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
}

#[test]
fn without_a_person_a_protected_path_is_not_committed_and_the_exit_code_says_so() {
    let stage = Stage::new();
    let script = script(&stage, &[PROTECTED, FINISH].concat());
    let said = stage.pit(&["agent", "run", "coder", "Write rules.", "-m", &script]);
    assert_ne!(said.code, Some(0));
    assert!(said.out.contains("protected-paths") || said.out.contains("AGENTS.md"), "{}{}", said.out, said.err);
    assert!(!stage.git(&["log", "--all", "--name-only", "--format="]).contains("AGENTS.md"));
}

#[test]
fn a_remark_to_a_finished_run_starts_another_round() {
    let change = r#"
[[conversation.reply]]
calls = [{ tool = "str_replace_based_edit_tool", arguments = { command = "create", path = "a.txt", file_text = "one\n" } }]
"#;
    let again = r#"
[[conversation.reply]]
expect.last_contains = "make it two"
calls = [{ tool = "str_replace_based_edit_tool", arguments = { command = "str_replace", path = "a.txt", old_str = "one", new_str = "two" } }]
"#;
    let stage = Stage::new();
    let script = script(&stage, &[change, FINISH, again, FINISH].concat());
    let _ = stage.pit(&["agent", "run", "coder", "Write a.", "-m", &script]).exits(3);
    let id = stage.trees().remove(0);
    for nothing in ["", " \n"] {
        let _ = stage.pit(&["send", &id, nothing]).exits(2).says(&format!("pit send {id} \""));
    }
    let _ = stage.pit(&["run", "-c", "-m", &script]).exits(2).says("there is nothing to go on with");
    let _ = stage.pit(&["send", &id, "make it two"]).exits(0).says("kept");
    let _ = stage.pit(&["ls"]).exits(0).says(&format!("done, not verified; a remark waits for pit resume {id}"));
    let _ = stage.pit(&["status", &id]).exits(0).says("not heard yet: Ada said: make it two");
    let _ = stage.pit(&["run", "-c", "-m", &script]).exits(3);
    assert_eq!(stage.git(&["show", &format!("{}:a.txt", branch(&stage))]), "two");
    let said = stage.pit(&["status", &id]).exits(0);
    assert!(!said.out.contains("not heard yet"), "{}", said.out);
    assert_eq!(stage.git(&["rev-list", "--count", &format!("main..{}", branch(&stage))]), "2");
}

/// Microseconds in which somebody was at work on a tree, by its records: from its start or a round to its end, and in a life
/// that was cut off to the last record.
fn at_work(stage: &Stage, id: &str) -> (u64, u64) {
    let log = stage.pit(&["logs", id, "--json"]).exits(0).out;
    let records: Vec<(String, u64)> = log
        .lines()
        .map(|line| {
            let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
            (line["type"].as_str().expect("a type").to_owned(), line["at"].as_u64().expect("a time"))
        })
        .collect();
    let (mut sum, mut since, mut last) = (0, None, 0);
    for (kind, at) in &records {
        match kind.as_str() {
            "run.completed" => sum += since.take().map_or(0, |since| at - since),
            "run.resumed" => sum += since.replace(*at).map_or(0, |since| last - since),
            _ => drop(since.get_or_insert(*at)),
        }
        last = *at;
    }
    (sum, last - records[0].1)
}

#[test]
fn the_time_in_which_nobody_was_at_work_is_not_charged() {
    let again = r#"
[[conversation.reply]]
expect.last_contains = "more of it"
calls = [{ tool = "str_replace_based_edit_tool", arguments = { command = "create", path = "more.txt", file_text = "blue\n" } }]
"#;
    let stage = Stage::new();
    let script = script(&stage, &[ASK, FINISH, again, FINISH].concat());
    let run = stage.attend(&["agent", "run", "coder", "Paint it.", "-m", &script]);
    let (id, _) = stage.asked();
    run.kill();
    let _ = stage.pit(&["answer", &id, "blue"]).exits(0);
    let _ = stage.pit(&["resume", &id, "-m", &script]).exits(3);
    let _ = stage.pit(&["send", &id, "more of it"]).exits(0);
    std::thread::sleep(std::time::Duration::from_millis(1_500));
    let said = stage.pit(&["resume", &id, "-m", &script]).exits(3);
    let (worked, passed) = at_work(&stage, &id);
    let elapsed = stage.status(&id)["elapsed"].as_u64().expect("a number");
    assert_eq!(elapsed, worked);
    assert!(0 < worked && worked < passed, "{worked} of {passed}");
    let cost = said.out.lines().find(|line| line.starts_with("  cost ")).unwrap_or_default();
    assert!(cost.contains(&format!(", {} s, ", worked / 1_000_000)), "{worked} and {cost}");
    let _ = stage.pit(&["budget", &id]).exits(0).says("at work");
}

#[test]
fn the_approval_mode_says_who_is_asked_with_and_without_a_terminal() {
    let stage = Stage::new();
    let script = script(&stage, &[ASK, FINISH].concat());
    let args = |mode| ["agent", "run", "coder", "Paint it.", "-m", &script, "--approval-mode", mode];
    let mut run = stage.start(&args("ask"));
    let (id, _) = stage.asked();
    let _ = stage.pit(&["answer", &id, "blue"]).exits(0);
    assert_eq!(run.wait().expect("pit ends").code(), Some(3), "somebody answered from elsewhere");
    for mode in ["refuse", "plan"] {
        let run = stage.attend(&args(mode));
        assert_ne!(run.code(), 3, "{mode}: the question of a coder is no plan");
    }
}

#[test]
fn a_run_whose_model_is_not_to_be_had_is_left_as_it_was() {
    let stage = Stage::new();
    let script = script(&stage, &[ASK, FINISH].concat());
    let run = stage.attend(&["agent", "run", "coder", "Paint it.", "-m", &script]);
    let (id, _) = stage.asked();
    run.kill();
    let _ = stage.pit(&["resume", &id]).exits(2).says("nothing was begun").says("-m scripted/FILE");
    let _ = stage.pit(&["answer", &id, "blue"]).exits(0);
    let _ = stage.pit(&["resume", &id, "-m", &script]).exits(3);
}

#[test]
fn the_newest_run_or_a_named_one_is_gone_on_with() {
    let change = r#"
[[conversation.reply]]
calls = [{ tool = "str_replace_based_edit_tool", arguments = { command = "create", path = "a.txt", file_text = "one\n" } }]
"#;
    let again = r#"
[[conversation.reply]]
expect.last_contains = "make it two"
calls = [{ tool = "str_replace_based_edit_tool", arguments = { command = "str_replace", path = "a.txt", old_str = "one", new_str = "two" } }]
"#;
    let stage = Stage::new();
    let _ = stage.pit(&["run", "-c", "x"]).exits(2).says("nothing has been run");
    let model = script(&stage, &[change, FINISH, again, FINISH].concat());
    let _ = stage.pit(&["agent", "run", "coder", "Write a.", "-m", &model]).exits(3);
    let id = stage.trees().remove(0);
    // What cannot be gone on with is told nothing.
    let _ = stage.pit(&["run", "-c"]).exits(2).says("has ended").says(&format!("pit run -r {id} \"…\""));
    let _ = stage.pit(&["run", "-c", "make it three"]).exits(2).says("nothing was begun");
    let _ = stage.pit(&["run", "-c", "make it two", "-m", &model]).exits(3);
    assert_eq!(stage.trees(), std::slice::from_ref(&id), "no other run was started");
    assert_eq!(stage.git(&["show", &format!("{}:a.txt", branch(&stage))]), "two");
    let logs = stage.pit(&["logs", &id, "--json"]).exits(0).out;
    assert!(!logs.contains("make it three"), "{logs}");

    // Without a terminal nobody can choose, and all are named.
    let said = stage.pit(&["run", "-r", "-o", "json"]).exits(2);
    let one: serde_json::Value = serde_json::from_str(said.out.trim()).expect("one object");
    assert!(
        one["hints"][0].as_str().is_some_and(|hint| hint.starts_with(&format!("pit run -r {id}  Write a."))),
        "{one}"
    );
    let _ = stage.pit(&["run", "-r", "ffffffff", "x"]).exits(2).says("there is no run `ffffffff`");
    for flags in [&["--solo"][..], &["--max-turns", "9"], &["--with-changes"]] {
        let _ = stage.pit(&[&["run", "-c", "x"], flags].concat()).exits(2).says("cannot be used with");
    }
}

#[test]
fn a_stopped_run_is_gone_on_with_and_told_what_is_said() {
    let stage = Stage::new();
    let model = script(&stage, &[ASK, FINISH].concat());
    let run = stage.attend(&["agent", "run", "coder", "Paint it.", "-m", &model]);
    let (id, _) = stage.asked();
    // To a run that another pit is at work on it is said, and no second owner starts.
    let _ = stage.pit(&["run", "-r", &id, "the fence"]).exits(0).says("pit attach");
    run.kill();
    let _ = stage.pit(&["answer", &id, "blue"]).exits(0);
    let _ = stage.pit(&["run", "-c", "and the gate", "-m", &model]).exits(3);
    let logs = stage.pit(&["logs", &id]).exits(0).out;
    assert!(logs.contains("the fence") && logs.contains("and the gate"), "{logs}");
    assert_eq!(stage.git(&["show", &format!("{}:colour.txt", branch(&stage))]), "blue");
}

#[test]
fn without_a_person_what_needs_one_says_so_and_how_to_go_on() {
    let protected = PROTECTED.replace("AGENTS.md", ".github/workflows/ci.yml");
    let thinks = "[[conversation.reply]]\ntext = \"Next step: finish without it.\"\n";
    let stage = Stage::new();
    let script = script(&stage, &[&protected, FINISH, FINISH, thinks, FINISH].concat());
    let said = stage.pit(&["run", "--solo", "Add CI.", "-m", &script]).exits(5);
    let id = stage.trees().remove(0);
    for text in [
        "why        the same step failed",
        "the run was started without one",
        "coder, vcs.commit .github/workflows/ci.yml (protected-paths)",
        &format!("files of {id} that were not committed: pit checkout {id}"),
    ] {
        assert!(said.out.contains(text), "no `{text}` in {}", said.out);
    }
    let told = "refused: vcs.commit .github/workflows/ci.yml (protected-paths)";
    assert!(said.err.contains(told), "{}", said.err);
    let _ = stage.pit(&["clean", "-y"]).exits(0).says("files that were not committed");
}

#[test]
fn a_question_that_nobody_was_there_for_is_not_lost() {
    let (ask, _) = ASK.rsplit_once("[[conversation.reply]]").unwrap();
    let stage = Stage::new();
    let script = script(&stage, &[ask, FINISH].concat());
    let said = stage.pit(&["run", "--solo", "Paint it.", "-m", &script]);
    assert!(said.out.contains("  unanswered coder asked: Which colour?\n"), "{}", said.out);
    assert!(said.out.contains("asked you nothing"), "{}", said.out);
    assert_eq!(stage.status(&stage.trees()[0])["runs"][0]["unanswered"][0], "Which colour?");
}

#[test]
fn a_failure_says_all_that_was_wrong_and_once() {
    let thinks = "[[conversation.reply]]\ntext = \"Next step: finish with evidence.\"\n";
    let stage = Stage::new();
    stage.write("SPEC.md", "# Paint it\n\nBlue.\n\n## Done when\n\n- the fence is blue\n");
    let script = script(&stage, &[FINISH, FINISH, thinks, FINISH].concat());
    let said = stage.pit(&["run", "--solo", "SPEC.md", "-m", &script]).exits(1);
    let why = "the same step failed for the third time: finish: invalid: the work is not finished: ";
    let (_, rest) = said.out.split_once(&format!("  why        {why}")).unwrap_or_else(|| panic!("{}", said.out));
    assert!(rest.starts_with("1 is not answered: the fence is blue"), "{rest}");
    assert_eq!(said.out.matches("the same step failed").count(), 1, "{}", said.out);
    assert!(said.out.lines().next().is_some_and(|head| head.contains("  failed   ")), "{}", said.out);
    let id = stage.trees().remove(0);
    for listing in [vec!["ls"], vec!["logs", &id]] {
        let _ = stage.pit(&listing).exits(0).says(why);
    }
}

#[test]
fn what_does_not_answer_a_question_is_refused_where_it_was_said() {
    let stage = Stage::new();
    let choose =
        ASK.replace("question = \"Which colour?\"", "question = \"Which colour?\", choices = [\"red\", \"blue\"]");
    let script = script(&stage, &[&choose, FINISH].concat());
    let run = stage.attend(&["agent", "run", "coder", "Paint it.", "-m", &script]);
    let (id, _) = stage.asked();
    for wrong in
        [&["answer", &id, "green"] as &[&str], &["answer", &id, "3"], &["approve", &id], &["reject", &id, "-m", "no"]]
    {
        let _ = stage.pit(wrong).exits(2).says("waits for one of: red, blue").says("pit answer");
    }
    let _ = stage.pit(&["answer", &id, "2"]).exits(0).says("told");
    assert_eq!(run.code(), 3);
    assert_eq!(stage.git(&["show", &format!("{}:colour.txt", branch(&stage))]), "blue");
}
