//! `pit run`: one coder, from a task in words or a SPEC.md to a branch.

use orchestra_pit_tests::Stage;

/// A coder that makes one edit and answers for one criterion, if there is one.
pub fn script(criteria: &str) -> String {
    format!(
        r#"
schema = 1
[model]
price = {{ input = 3.0, cached_read = 0.3, cache_write = 3.75, output = 15.0 }}
[[conversation]]
agent = "coder"
[[conversation.reply]]
calls = [{{ tool = "str_replace_based_edit_tool", arguments = {{ command = "view", path = "src/lib.rs" }} }}]
[[conversation.reply]]
expect.last_contains = ["n + 1"]
calls = [{{ tool = "str_replace_based_edit_tool", arguments = {{ command = "str_replace", path = "src/lib.rs", old_str = "n + 1", new_str = "n.saturating_add(1)" }} }}]
[[conversation.reply]]
calls = [{{ tool = "finish", arguments = {{ summary = "Count no further than the largest number", criteria = [{criteria}] }} }}]
"#
    )
}

fn branch(stage: &Stage) -> String {
    stage.git(&["for-each-ref", "--format=%(refname:short)", "refs/heads/pit/"])
}

#[test]
fn a_task_in_words_becomes_a_branch() {
    let stage = Stage::new();
    let model = stage.script(&script(""));
    let said = stage.pit(&["run", "--solo", "Never overflow", "-m", &model]).exits(3);
    assert!(said.err.starts_with("scripted"), "{}", said.err);
    assert!(said.err.contains("at most $5.00") && said.out.contains("done, not verified"), "{}{}", said.err, said.out);
    let branch = branch(&stage);
    assert!(branch.ends_with("-never-overflow"), "{branch}");
    assert!(stage.git(&["show", &format!("{branch}:src/lib.rs")]).contains("saturating_add"));
    assert!(stage.read("src/lib.rs").contains("n + 1"), "the person's files are their own");
}

#[test]
fn the_committer_is_who_git_would_say() {
    let own = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(own.path(), "[user]\n\tname = Own File\n\temail = own@example.org\n").unwrap();
    let file = ("GIT_CONFIG_GLOBAL", own.path().to_str().unwrap());
    let variables = [("GIT_COMMITTER_NAME", "By Name"), ("GIT_COMMITTER_EMAIL", "name@example.org")];
    for (environment, wanted) in [
        (vec![file], "Own File <own@example.org>"),
        (vec![file, variables[0], variables[1]], "By Name <name@example.org>"),
        (vec![("GIT_CONFIG_GLOBAL", "/dev/null")], "somebody without user.name <somebody@pit.invalid>"),
    ] {
        let stage = Stage::new();
        let model = stage.script(&script(""));
        let run = ["run", "--solo", "Never overflow", "-m", &model];
        let said = stage.command(&run).envs(environment).output().expect("pit");
        assert_eq!(said.status.code(), Some(3), "{}", String::from_utf8_lossy(&said.stderr));
        assert_eq!(stage.git(&["log", "-1", "--format=%cn <%ce>", &branch(&stage)]), wanted);
    }
}

#[test]
fn a_spec_names_title_and_criteria_and_one_line_says_what_agents_do_not_see() {
    let stage = Stage::new();
    stage.write("SPEC.md", "# Never overflow\n\nIt panics.\n\n## Done when\n\n- `more` saturates\n");
    let model = stage.script(&script(r#"{ id = "1", met = true, evidence = "src/lib.rs:5" }"#));
    let said = stage.pit(&["run", "--solo", "SPEC.md", "-m", &model]).exits(3);
    let text = "do not see what is not committed: SPEC.md";
    assert!(said.err.contains(text), "no `{text}` in {}", said.err);
    assert!(said.out.contains("met: src/lib.rs:5"), "{}", said.out);
    assert!(branch(&stage).ends_with("-never-overflow"));
    let _ = stage.pit(&["run", "NOWHERE.md", "-m", &model]).exits(2).says("NOWHERE.md");
    let _ = stage.pit(&["run", " ", "-m", &model]).exits(2).says("there is no task");
}

#[test]
fn for_programs_standard_output_has_nothing_but_json() {
    let stage = Stage::new();
    let model = stage.script(&script(""));
    let said = stage.pit(&["run", "--solo", "Never overflow", "-m", &model, "-o", "stream-json"]).exits(3);
    let lines: Vec<serde_json::Value> =
        said.out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(lines[0]["type"], "run.started");
    let used: Vec<_> = lines.iter().filter(|line| line["type"] == "usage").collect();
    assert!(used.iter().all(|line| line["usage"]["input"].as_u64() > Some(0) && line["record"].is_null()), "{used:?}");
    let last = lines.last().expect("an envelope");
    assert_eq!((last["type"].as_str(), last["spent"]["turns"].as_u64()), (Some("run"), Some(used.len() as u64)));
    assert_eq!((last["state"].as_str(), last["exit"].as_u64()), (Some("done-unverified"), Some(3)));
    let said = stage.pit(&["run", "--solo", "x", "-m", &model, "-o", "json", "--deny", "vcs.commit"]);
    let one: serde_json::Value = serde_json::from_str(said.out.trim()).expect("one object");
    assert_eq!(one["exit"].as_u64(), said.code.map(|code| code as u64), "also after a failure");
    assert_ne!(said.code, Some(3));
}

#[test]
fn a_file_that_widens_counts_only_after_a_yes_to_its_text() {
    let stage = Stage::new();
    let model = stage.script(&script(""));
    stage.write("pit.toml", "schema = 1\n[budget]\nusd = 50.0\n");
    let run = ["run", "--solo", "Never overflow", "-m", &model];
    let _ = stage.pit(&run).exits(9).says("pit.toml").says("budget.usd = $50.00").says("pit trust");
    let _ = stage.pit(&["trust"]).exits(5).says("-y");
    assert!(stage.trees().is_empty(), "nothing was started");
    let _ = stage.pit(&["trust", "-y"]).exits(0);
    let _ = stage.pit(&run).exits(3).says("at most $50.00");
    stage.write("pit.toml", "schema = 1\n[budget]\nusd = 60.0\n");
    let _ = stage.pit(&run).exits(9).says("$60.00");
    stage.write("pit.toml", "schema = 1\n[budget]\nusd = 0.5\n");
    let _ = stage.pit(&run).exits(3).says("at most $0.50");
}

#[test]
fn without_a_model_nothing_starts() {
    let stage = Stage::new();
    let _ = stage.pit(&["run", "--solo", "x"]).exits(2).says("export ANTHROPIC_API_KEY=");
    let _ =
        stage.pit(&["run", "--solo", "x", "-m", "antropic/claude"]).exits(2).says("did you mean `anthropic/claude`?");
    assert!(stage.trees().is_empty());
}

#[test]
fn for_programs_there_is_an_envelope_also_when_nothing_begins() {
    let stage = Stage::new();
    let home = stage.home().to_string_lossy().into_owned();
    for (args, exit) in [
        (vec!["run", "x", "-o", "json"], 2),
        (vec!["run", "NOWHERE.md", "-o", "stream-json"], 2),
        (vec!["-C", &home, "run", "x", "-o", "json"], 1),
        (vec!["agent", "run", "nowhere.wasm", "x", "-o", "json"], 2),
        (vec!["resume", "3f", "-o", "json"], 2),
        (vec!["status", "3f", "--json"], 2),
        (vec!["run", "-o", "json"], 2),
        (vec!["run", "x", "--bogus", "-ostream-json"], 2),
        (vec!["nothing", "--json"], 2),
    ] {
        let said = stage.pit(&args).exits(exit);
        let one: serde_json::Value = serde_json::from_str(said.out.trim()).expect("one object and nothing else");
        assert_eq!((one["schema"].as_u64(), one["exit"].as_i64()), (Some(1), Some(exit.into())), "{args:?}");
        assert!(one["error"].as_str().is_some_and(|error| !error.is_empty()) && one["hints"].is_array(), "{one}");
        assert!(said.err.starts_with("pit: ") || said.err.starts_with("error: "), "people are told too: {}", said.err);
    }
}

#[test]
fn a_model_without_a_price_costs_a_question_mark_and_never_nothing() {
    let stage = Stage::new();
    let priced = script("");
    let from = priced.find("[model]").expect("a model");
    let to = priced.find("[[conversation]]").expect("a conversation");
    let model = stage.script(&(priced[..from].to_owned() + &priced[to..]));
    let run = ["run", "--solo", "Never overflow", "-m", &model];
    let refused = stage.pit(&[&run[..], &["--max-budget-usd", "1"]].concat()).exits(2);
    assert!(refused.err.contains("is not known, so no limit in dollars can be kept"), "{}", refused.err);
    let agent = ["agent", "run", "coder", "Never overflow", "-m", &model, "--max-budget-usd", "1"];
    let _ = stage.pit(&agent).exits(2).says("no limit in dollars can be kept");
    assert!(stage.trees().is_empty(), "nothing was started");

    let said = stage.pit(&run).exits(3);
    assert!(
        said.err.lines().next().is_some_and(|line| line.contains("turns (its price is not known: ?)")),
        "{}",
        said.err
    );
    assert!(said.out.contains("cost       ?, ") && !said.out.contains("$0.00"), "{}", said.out);
    let id = stage.trees().remove(0);
    for args in [&["status", &id][..], &["budget", &id]] {
        let said = stage.pit(args).exits(0);
        assert!(said.out.contains('?') && !said.out.contains('$'), "{args:?}: {}", said.out);
    }
    let status = stage.status(&id);
    assert!(status["spent"]["micro_usd"].is_null() && status["runs"][0]["spent"]["micro_usd"].is_null(), "{status}");
    assert!(status["spent"]["tokens"].as_u64() > Some(0), "tokens are counted: {status}");
    let _ = stage.pit(&["budget", &id, "--usd", "9"]).exits(2).says("--tokens N");
    let _ = stage.pit(&["budget", &id, "--tokens", "900000"]).exits(0);

    // The same with the price that the script declares.
    let _ =
        stage.pit(&["run", "--solo", "Never overflow", "-m", &stage.script(&priced), "--max-budget-usd", "1"]).exits(3);
    let id = stage.trees().remove(0);
    assert!(stage.status(&id)["spent"]["micro_usd"].as_u64() > Some(0));
    let _ = stage.pit(&["status", &id]).exits(0).says(" of $1.00");
}

#[test]
fn a_command_line_that_makes_no_sense_ends_with_2_and_help_with_0() {
    let stage = Stage::new();
    let said = stage.pit(&["run", "x", "--bogus"]).exits(2).says("--bogus");
    assert_eq!(said.out, "", "nobody has asked for JSON");
    let _ = stage.pit(&["run"]).exits(2).says("<TASK>");
    let said = stage.pit(&["run", "--help"]).exits(0);
    assert!(said.out.contains("--continue") && said.err.is_empty(), "{}", said.err);
    let _ = stage.pit(&["--version"]).exits(0).says("pit ");
}
