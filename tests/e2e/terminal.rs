//! What a person at a terminal sees of a run and can do: answer by keys, watch, stop, leave and come back.

use orchestra_pit_tests::{Attended, Stage, guest};

use crate::people::{ASK, FINISH, PROTECTED, branch, script};

/// What the last screen says that a person's `yes` or `no` to the protected file came to.
fn committed(stage: &Stage) -> bool {
    let branch = branch(stage);
    !branch.is_empty() && stage.git(&["ls-tree", "--name-only", &branch]).contains("AGENTS.md")
}

/// A coder that wants to commit a protected file, at a terminal that shows the question.
fn permission(stage: &Stage) -> Attended {
    let script = script(stage, &[PROTECTED, FINISH].concat());
    let run = stage.attend(&["agent", "run", "coder", "Write rules.", "-m", &script]);
    run.sees("[y] this call");
    run
}

#[test]
fn a_permission_says_who_what_where_to_by_which_rule_and_y_gives_it_once() {
    let stage = Stage::new();
    let mut run = permission(&stage);
    for text in ["coder", "vcs.commit", "AGENTS.md   (agents and their tools)", "reach", "protected-paths", "it says"] {
        run.sees(text);
    }
    // What a hand presses by itself answers nothing.
    run.types("\r\r x\x1b[A");
    std::thread::sleep(std::time::Duration::from_millis(300));
    run.sees("[y] this call");
    assert!(!run.is_as_before(), "keys come one by one");
    run.types("y");
    assert_eq!(run.ends(), 3, "{}", run.screen());
    assert!(committed(&stage));
    assert!(run.is_as_before(), "the terminal is what it was");
}

#[test]
fn r_gives_it_for_what_is_alike_in_this_run() {
    let stage = Stage::new();
    let mut run = permission(&stage);
    run.types("r");
    assert_eq!(run.ends(), 3, "{}", run.screen());
    let _ = stage.pit(&["logs", "--json"]).exits(0).says(r#""reach":{"run":{"function":"vcs.commit""#);
    assert!(committed(&stage));
}

#[test]
fn n_refuses_and_capital_n_says_why() {
    let stage = Stage::new();
    let mut run = permission(&stage);
    run.types("N");
    run.sees("why not>");
    run.types("not  today\x7f\x7fy\x1b");
    run.sees_no_more("why not>");
    run.types("N");
    run.sees("why not>");
    run.types("keep it kind\r");
    run.sees("said no: keep it kind");
    assert_ne!(run.ends(), 3);
    assert!(!committed(&stage));

    let stage = Stage::new();
    let mut run = permission(&stage);
    run.types("n");
    run.sees("said no");
    assert_ne!(run.ends(), 3);
    assert!(!committed(&stage));
}

#[test]
fn keys_typed_before_the_question_was_there_do_not_answer_it() {
    let stage = Stage::new();
    let script = script(&stage, &[PROTECTED, FINISH].concat());
    let mut run = stage.attend(&["agent", "run", "coder", "Write rules.", "-m", &script]);
    run.types("yyyyy\ryy\r");
    run.sees("[y] this call");
    std::thread::sleep(std::time::Duration::from_millis(500));
    let id = stage.trees().remove(0);
    assert!(stage.status(&id)["runs"][0]["asks"].is_string(), "nobody has said yes:\n{}", run.screen());
    assert!(!committed(&stage));
    run.types("n");
    assert_ne!(run.ends(), 3);
}

#[test]
fn a_question_in_words_is_answered_in_words() {
    let stage = Stage::new();
    let script = script(&stage, &[ASK, FINISH].concat());
    let mut run = stage.attend(&["agent", "run", "coder", "Paint it.", "-m", &script]);
    run.sees("Which colour?");
    run.sees("answer>");
    run.types("\rgreen\x15blux\x7fe\r");
    assert_eq!(run.ends(), 3, "{}", run.screen());
    assert_eq!(stage.git(&["show", &format!("{}:colour.txt", branch(&stage))]), "blue");
}

#[test]
fn a_prompt_goes_away_when_somebody_answers_elsewhere() {
    let stage = Stage::new();
    let script = script(&stage, &[ASK, FINISH].concat());
    let mut run = stage.attend(&["agent", "run", "coder", "Paint it.", "-m", &script]);
    run.sees("answer>");
    let (id, _) = stage.asked();
    let _ = stage.pit(&["answer", &id, "blue"]).exits(0);
    run.sees_no_more("answer>");
    assert_eq!(run.ends(), 3, "{}", run.screen());
}

/// The test agent that proposes, at a terminal.
fn proposes(stage: &Stage, what: &str, editor: &str) -> Attended {
    let agent = guest("proposes");
    let args = ["agent", "run", &agent.to_string_lossy(), what, "--give", "as-asked"];
    stage.attend_with(&args, &[("EDITOR", editor)])
}

#[test]
fn a_plan_is_a_list_that_enter_takes_and_n_refuses_with_a_reason() {
    let stage = Stage::new();
    let mut run = proposes(&stage, "plan", "false");
    for text in ["t1  json output  (coder)", "src/ls.rs", "one object a line", "t2  docs of ls", "after      t1"] {
        run.sees(text);
    }
    run.sees("[Enter] go on");
    run.types("yq");
    run.types("\r");
    assert_eq!(run.ends(), 3, "{}", run.screen());
    run.sees("as proposed");

    let mut run = proposes(&stage, "plan", "false");
    run.sees("[Enter] go on");
    run.types("n");
    run.sees("why not>");
    run.types("too much\r");
    assert_eq!(run.ends(), 3, "{}", run.screen());
    run.sees("told: no: too much");
}

#[test]
fn a_plan_is_changed_in_the_persons_editor() {
    let stage = Stage::new();
    let script = stage.home().join("editor.sh");
    let mode = "test \"$(stat -c %a \"$1\")\" = 600 || exit 9";
    std::fs::write(&script, format!("{mode}\nprintf '[[task]]\\nid = \"only\"\\n' > \"$1\"\n")).expect("a file");
    let mut run = proposes(&stage, "plan", "false");
    run.sees("[Enter] go on");
    run.types("e");
    run.sees("nothing was changed");
    run.types("n");
    run.sees("why not>");
    run.types("no editor\r");
    assert_eq!(run.ends(), 3, "{}", run.screen());

    let mut run = proposes(&stage, "plan", &format!("sh {}", script.display()));
    run.sees("[Enter] go on");
    run.types("e");
    assert_eq!(run.ends(), 3, "{}", run.screen());
    run.sees("told: yes to 21 bytes");
    assert!(run.is_as_before());
}

#[test]
fn any_other_proposal_is_a_text_and_takes_a_y() {
    let stage = Stage::new();
    let mut run = proposes(&stage, "text", "false");
    run.sees("| to the attic.");
    run.types("\r\r");
    run.sees("[y] yes");
    run.types("y");
    assert_eq!(run.ends(), 3, "{}", run.screen());
}

#[test]
fn a_choice_is_made_by_its_number() {
    let stage = Stage::new();
    let mut run = proposes(&stage, "choice", "false");
    run.sees("2          blue");
    run.types("\r7\r");
    run.sees("a number from 1 to 2");
    run.types("2\r");
    assert_eq!(run.ends(), 3, "{}", run.screen());
    run.sees("told: blue");
}

#[test]
fn in_plan_mode_the_plan_is_asked_about() {
    let stage = Stage::new();
    let agent = guest("proposes");
    let agent = agent.to_string_lossy();
    let mut run = stage.attend(&["agent", "run", &agent, "plan", "--give", "as-asked", "--approval-mode", "plan"]);
    run.sees("[Enter] go on");
    run.types("\r");
    assert_eq!(run.ends(), 3, "{}", run.screen());
    let run = stage.attend(&["agent", "run", &agent, "text", "--give", "as-asked", "--approval-mode", "plan"]);
    assert_ne!(run.code(), 3);
}

#[test]
fn the_table_fits_the_terminal_and_without_one_there_are_only_lines() {
    let stage = Stage::new();
    let mut run = permission(&stage);
    run.sees("1 waiting");
    run.resizes(12, 40);
    run.sees("…");
    let widest = || run.screen().lines().map(|line| line.chars().count()).max().unwrap_or(0);
    assert!(widest() <= 80, "{}", run.screen());
    run.types("y");
    assert_eq!(run.ends(), 3, "{}", run.screen());
    assert!(run.sent().contains("\x1b[1;33m"));

    for (args, variables) in
        [(vec!["--plain"], vec![]), (vec![], vec![("TERM", "dumb")]), (vec!["-q"], vec![("NO_COLOR", "1")])]
    {
        let script = script(&stage, &[ASK, FINISH].concat());
        let mut all = vec!["agent", "run", "coder", "Paint it.", "-m", &script];
        all.extend(&args);
        let mut run = stage.attend_with(&all, &variables);
        run.sees("answer>");
        run.types("blux\x7fe\r");
        assert_eq!(run.ends(), 3, "{args:?}: {}", run.screen());
        assert!(!run.sent().contains("\x1b[1"), "no colour and no cursor: {:?}", run.sent());
        assert!(args == ["-q"] || !run.sent().contains('\x1b'), "{:?}", run.sent());
        assert_eq!(run.screen().contains("asks: Which colour?"), args != ["-q"] || run.screen().contains("? "));
    }
}

#[test]
fn ctrl_c_stops_and_keeps_and_a_second_one_stops_at_once() {
    for keys in ["\x03", "\x03\x03"] {
        let stage = Stage::new();
        let script = script(&stage, &[ASK, FINISH].concat());
        let mut run = stage.attend(&["agent", "run", "coder", "Paint it.", "-m", &script]);
        run.sees("answer>");
        run.types(keys);
        assert_eq!(run.ends(), 8, "{}", run.screen());
        run.sees("kept; pit resume");
        assert!(run.is_as_before());
        let id = stage.trees().remove(0);
        let mut run = stage.attend(&["resume", &id, "-m", &script]);
        run.sees("answer>");
        run.types("blue\r");
        assert_eq!(run.ends(), 3, "{}", run.screen());
    }
}

#[test]
fn a_call_in_flight_comes_to_its_end_unless_that_is_not_wanted() {
    for (again, left_open) in [(false, 0), (true, 1)] {
        let stage = Stage::new();
        let slow = ASK.replacen("[[conversation.reply]]\n", "[[conversation.reply]]\ndelay_ms = 3000\n", 1);
        let script = script(&stage, &[&slow, FINISH].concat());
        let mut run = stage.attend(&["agent", "run", "coder", "Paint it.", "-m", &script]);
        run.sees("thinking");
        run.types("\x03");
        run.sees("once more stops at once");
        if again {
            run.types("\x03");
        }
        assert_eq!(run.ends(), 8, "{}", run.screen());
        let id = stage.trees().remove(0);
        let logs = stage.pit(&["logs", &id, "--json"]).exits(0).out;
        let count = |what: &str| logs.lines().filter(|line| line.contains(&format!(r#""type":"{what}""#))).count();
        assert_eq!(count("call.started") - count("call.completed"), left_open, "{logs}");
        let mut run = stage.attend(&["resume", &id, "-m", &script]);
        run.sees("answer>");
        run.types("blue\r");
        assert_eq!(run.ends(), 3, "{}", run.screen());
    }
}

#[test]
fn another_terminal_shows_the_run_answers_and_leaves_without_stopping_it() {
    let stage = Stage::new();
    let script = script(&stage, &[ASK, FINISH].concat());
    let run = stage.attend(&["agent", "run", "coder", "Paint it.", "-m", &script]);
    run.sees("answer>");
    let (id, _) = stage.asked();
    let mut left = stage.attend(&["attach", &id]);
    left.sees("answer>");
    left.types("\x03");
    assert_eq!(left.ends(), 0);
    left.sees("goes on");
    let mut answers = stage.attend(&["attach", &id]);
    answers.sees("answer>");
    answers.types("blue\r");
    assert_eq!(answers.ends(), 3, "{}", answers.screen());
    assert_eq!(run.code(), 3);
    let _ = stage.pit(&["attach", &id]).exits(3).says("pit accept");
}

#[test]
fn attach_says_when_nobody_is_at_work() {
    let stage = Stage::new();
    let script = script(&stage, &[ASK, FINISH].concat());
    let run = stage.attend(&["agent", "run", "coder", "Paint it.", "-m", &script]);
    let (id, _) = stage.asked();
    let mut watching = stage.attend(&["attach", &id]);
    watching.sees("answer>");
    run.kill();
    assert_eq!(watching.ends(), 8, "{}", watching.screen());
    watching.sees("pit resume");
    let _ = stage.pit(&["attach", &id]).exits(8).says("nobody is at work").says("pit resume");
    let _ = stage.pit(&["answer", &id, "blue"]).exits(0);
    let _ = stage.pit(&["resume", &id, "-m", &script]).exits(3);
}

#[test]
fn a_lost_terminal_leaves_the_run_at_work() {
    let stage = Stage::new();
    let script = script(&stage, &[ASK, FINISH].concat());
    let mut run = stage.attend(&["agent", "run", "coder", "Paint it.", "-m", &script]);
    run.sees("answer>");
    let (id, _) = stage.asked();
    run.signal("HUP");
    let _ = stage.pit(&["answer", &id, "blue"]).exits(0);
    assert_eq!(run.ends(), 3);
    assert!(
        stage
            .read(&format!(".git/pit/logs/{}.log", stage.status(&id)["id"].as_str().expect("an id")))
            .contains("done, not verified")
    );
}

#[test]
fn a_detached_run_has_no_terminal_and_people_all_the_same() {
    let stage = Stage::new();
    let script = script(&stage, &[ASK, FINISH].concat());
    let args = ["agent", "run", "coder", "Paint it.", "-m", &script, "-d", "--approval-mode", "ask"];
    let said = stage.pit(&args).exits(0).says("pit attach");
    let (id, _) = stage.asked();
    assert_eq!(said.out.trim(), id);
    let first = said.err.lines().next().unwrap_or_default();
    assert!(first.starts_with("scripted/") && first.contains(" · at most "), "{}", said.err);
    assert_eq!(said.err.lines().count(), 2, "{}", said.err);
    let mut watching = stage.attend(&["attach", &id]);
    watching.sees("answer>");
    watching.types("blue\r");
    assert_eq!(watching.ends(), 3, "{}", watching.screen());
    // What fails before it begins is said here, not in a file.
    let _ = stage.pit(&["agent", "run", "nowhere.wasm", "x", "-d"]).exits(2).says("nowhere.wasm");
}

#[test]
fn lines_break_at_words_to_the_terminals_width_and_nowhere_without_one() {
    let stage = Stage::new();
    let mut run = permission(&stage);
    run.resizes(24, 50);
    run.types("y");
    assert_eq!(run.ends(), 3, "{}", run.screen());
    run.sees("pit send");
    let screen = run.screen();
    let last: Vec<&str> = screen.lines().skip_while(|line| !line.contains("done, not verified")).collect();
    assert!(last.iter().all(|line| line.chars().count() <= 50), "{screen}");
    let cost = last.iter().position(|line| line.starts_with("  cost       ")).expect("a cost");
    assert!(last[cost + 1].starts_with("             ") && !last[cost + 1].trim().is_empty(), "{screen}");

    let mut accept = stage.attend(&["accept", "--unverified"]);
    accept.sees("[y/n]");
    let shown = accept.screen();
    assert!(shown.lines().all(|line| line.chars().count() <= 80), "{shown}");
    accept.types("n\r");
    assert_eq!(accept.ends(), 130);
    let said = stage.pit(&["accept", "--unverified"]).exits(5);
    assert!(
        said.out.lines().any(|line| line.starts_with("  cost ") && line.ends_with("asked you once")),
        "{}",
        said.out
    );
}

/// A coder whose first turn has cost most of its budget, and whose second does not come before it is waited for.
fn low(stage: &Stage) -> Attended {
    let script = stage.script(
        r#"
schema = 1
[model]
price = { input = 3.0, cached_read = 0.3, cache_write = 3.75, output = 15.0 }
[[conversation]]
agent = "coder"
[[conversation.reply]]
usage = { output = 16_000 }
calls = [{ tool = "str_replace_based_edit_tool", arguments = { command = "view", path = "src/lib.rs" } }]
[[conversation.reply]]
delay_ms = 3_600_000
calls = [{ tool = "finish", arguments = { summary = "Done", criteria = [] } }]
"#,
    );
    let run = stage.attend(&["agent", "run", "coder", "Look.", "-m", &script, "--max-budget-usd", "0.28"]);
    run.sees("[y] raise it   [n] leave it");
    run.sees("$0.56");
    run
}

#[test]
fn at_85_percent_the_terminal_asks_whether_to_raise_the_budget() {
    let stage = Stage::new();
    let mut run = low(&stage);
    // What a hand presses by itself raises nothing.
    run.types("\r x");
    run.types("y");
    run.sees("budget set by Ada");
    run.sees_no_more("[y] raise it");
    run.sees("of $0.56");
    let id = stage.trees().remove(0);
    let _ = stage.pit(&["cancel", &id]).exits(0);
    assert_eq!(run.ends(), 130, "{}", run.screen());

    let stage = Stage::new();
    let mut run = low(&stage);
    run.types("n");
    run.sees_no_more("[y] raise it");
    let id = stage.trees().remove(0);
    let said = stage.pit(&["status", &id]).exits(0).says(" of $0.28");
    assert!(!said.out.contains("$0.56"), "{}", said.out);
    let logs = stage.pit(&["logs", &id, "--json"]).exits(0).out;
    assert!(!logs.contains(r#""type":"budget.raised""#), "{logs}");
    let _ = stage.pit(&["cancel", &id]).exits(0);
    assert_eq!(run.ends(), 130, "{}", run.screen());
}

#[test]
fn printed_for_a_program_a_terminal_shows_lines_and_asks_nothing() {
    let stage = Stage::new();
    let model = script(&stage, &[PROTECTED, FINISH].concat());
    let mut run = stage.attend(&["agent", "run", "coder", "Write rules.", "-m", &model, "-p"]);
    assert_ne!(run.ends(), 3, "nobody was there to say yes");
    assert!(!run.sent().contains('\x1b') && !run.screen().contains("[y]"), "{:?}", run.sent());
    assert!(!committed(&stage));
    // Pit's own questions are not put either.
    let agent = guest("proposes");
    let mut run = stage.attend(&["agent", "run", &agent.to_string_lossy(), "text", "-p"]);
    assert_eq!(run.ends(), 9, "{}", run.screen());
    run.sees("--give");
    // With people at other terminals, they are asked.
    let model = script(&stage, &[ASK, FINISH].concat());
    let args = ["agent", "run", "coder", "Paint it.", "-m", &model, "-p", "--approval-mode", "ask"];
    let mut run = stage.attend(&args);
    run.sees("pit answer");
    let (id, _) = stage.asked();
    let _ = stage.pit(&["answer", &id, "blue"]).exits(0);
    assert_eq!(run.ends(), 3, "{}", run.screen());
    let _ = stage.pit(&["run", "x", "-p", "-d"]).exits(2);
}

#[test]
fn a_run_to_go_on_with_is_chosen_at_a_terminal() {
    let stage = Stage::new();
    let model = script(&stage, &[ASK, FINISH].concat());
    let args = ["agent", "run", "coder", "Paint it.", "-m", &model];
    let first = stage.attend(&args);
    first.sees("answer>");
    let (id, _) = stage.asked();
    first.kill();
    let second = stage.attend(&args);
    second.sees("answer>");
    second.kill();
    let mut again = stage.attend(&["run", "-r", "-m", &model]);
    again.sees("which run? [1-2]");
    again.sees("stopped; can be resumed");
    again.types("2\r");
    again.sees("answer>");
    again.types("blue\r");
    assert_eq!(again.ends(), 3, "{}", again.screen());
    assert_eq!(stage.status(&id)["state"], "done-unverified");
    let _ = stage.pit(&["answer", "last", "blue"]).exits(0);
    let _ = stage.pit(&["run", "-c", "-m", &model]).exits(3);
}
