//! `pit run`: a team, from a task to one branch. The lead is the program under test; what models say is a script.

pub mod cast;

use cast::{Cast, approve, call, create, finish, propose, replace, send_back, task};
use orchestra_pit_tests::{Said, Stage, guest};

const SPEC: &str = "# Never overflow\n\nIt panics.\n\n## Done when\n\n- `more` saturates\n- docs say so\n";

fn branch(stage: &Stage) -> String {
    stage.git(&["for-each-ref", "--format=%(refname:short)", "refs/heads/pit/"])
}

fn shown(stage: &Stage, path: &str) -> String {
    stage.git(&["show", &format!("{}:{path}", branch(stage))])
}

/// Runs a team with nobody to ask.
fn run(stage: &Stage, cast: &Cast) -> Said {
    stage.write("SPEC.md", SPEC);
    stage.pit(&["run", "SPEC.md", "-m", &stage.script(cast.text())])
}

/// How the runs of an agent ended, in the order of their start.
fn ends(stage: &Stage, agent: &str) -> Vec<String> {
    let status = stage.status(&stage.trees()[0]);
    let runs = status["runs"]
        .as_array()
        .expect("runs")
        .iter()
        .filter(|run| run["agent"].as_str().expect("an agent").starts_with(agent));
    runs.map(|run| run["end"].as_object().map_or_else(String::new, |end| end.keys().next().expect("an end").clone()))
        .collect()
}

/// Two tasks that do not touch each other.
fn two() -> [String; 2] {
    [
        task("code", "Saturate", "\"1\"", "\"src/lib.rs\"", ""),
        task("docs", "Document it", "\"2\"", "\"docs/usage.md\"", ""),
    ]
}

/// Three tasks, two of them side by side and the third upon both, the first sent back once; nothing in it hangs on who is
/// faster.
pub fn relay() -> Cast {
    let code = task("code", "Saturate", "\"saturates\"", "\"src/lib.rs\"", "");
    let docs = task("docs", "Document it", "\"says so\"", "\"docs/usage.md\"", "");
    let news = task("news", "Announce it", "\"announced\"", "\"NEWS.md\"", "\"code\", \"docs\"");
    let right = format!("{}\nexpect.last_contains = \"it wraps\"", replace("src/lib.rs", "wrapping", "saturating"));
    Cast::new(&[&code, &docs, &news])
        .coder(
            "Saturate",
            &[
                &replace("src/lib.rs", "n + 1", "n.wrapping_add(1)"),
                &finish("Adds", &["code.1"]),
                &right,
                &finish("Saturates", &["code.1"]),
            ],
        )
        .coder(
            "Document it",
            &[&replace("docs/usage.md", "Call", "It saturates. Call"), &finish("Documents", &["docs.1"])],
        )
        .coder("Announce it", &[&create("NEWS.md", "It saturates.\n"), &finish("Announces", &["news.1"])])
        .review("Saturate", &send_back("code.1", "it wraps"))
        .says("reviewer", "first_contains = [\"Review: Saturate\", \"After round 1\"]", &[&approve(&["code.1"])])
        .review("Document", &approve(&["docs.1"]))
        .review("Announce", &approve(&["news.1"]))
}

#[test]
fn coders_work_side_by_side_and_a_review_sends_one_back() {
    let stage = Stage::new();
    let [code, docs] = two();
    // It holds its files until the other has tried to change them.
    let asks = call("ask_person", "question = \"Shall it wrap?\"");
    let wrong = replace("src/lib.rs", "n + 1", "n.wrapping_add(1)");
    let taken = format!(
        "{}\nexpect.last_contains = \"src/lib.rs` is leased by run\"",
        replace("docs/usage.md", "Call", "It saturates. Call")
    );
    let right = format!("{}\nexpect.last_contains = \"it wraps\"", replace("src/lib.rs", "wrapping", "saturating"));
    let again =
        "first_contains = [\"Review: Saturate\", \"After round 1\", \"it wraps\", \"+    n.saturating_add(1)\"]";
    let cast = Cast::new(&[&code, &docs])
        .coder("Saturate", &[&asks, &wrong, &finish("Saturates", &["1"]), &right, &finish("Saturates now", &["1"])])
        .coder("Document it", &[&replace("src/lib.rs", "Adds", "Ads"), &taken, &finish("Documents", &["2"])])
        .review("Saturate", &send_back("1", "it wraps"))
        .says("reviewer", again, &[&approve(&["1"])])
        .review("Document", &approve(&["2"]));
    stage.write("SPEC.md", SPEC);
    let run = stage.start(&["run", "SPEC.md", "-m", &stage.script(cast.text()), "--approval-mode", "ask"]);
    let (id, plan) = stage.asked();
    assert!(plan.contains("a plan of 2 tasks"), "{plan}");
    let _ = stage.pit(&["approve", &id]).exits(0);
    let coders = |status: &serde_json::Value, is: &dyn Fn(&serde_json::Value) -> bool| {
        let all = status["runs"].as_array().into_iter().flatten();
        let of = all.filter(|run| run["agent"].as_str().is_some_and(|agent| agent.starts_with("coder")) && is(run));
        of.map(|run| run["name"].as_str().expect("a name").to_owned()).next()
    };
    let mut waiting = None;
    until(&stage, |status| {
        waiting = coders(status, &|run| run["asks"].is_string());
        waiting.is_some() && coders(status, &|run| run["turns"].as_u64() >= Some(2)).is_some()
    });
    let _ = stage.pit(&["answer", &waiting.expect("a coder that asks"), "try it"]).exits(0);
    let output = run.wait_with_output().expect("pit ends");
    let out = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(3), "{out}{}", String::from_utf8_lossy(&output.stderr));
    for text in ["2 tasks done: Saturate; Document it", "met: seen for 1", "met: seen for 2"] {
        assert!(out.contains(text), "{out}");
    }
    assert!(shown(&stage, "src/lib.rs").contains("n.saturating_add(1)"));
    assert!(shown(&stage, "docs/usage.md").contains("It saturates."));
    assert_eq!(ends(&stage, "coder"), ["done", "done"], "one writer a task");
    assert_eq!(ends(&stage, "reviewer").len(), 3);
    stage.git(&["fsck", "--strict"]);
    // Each commit says whose it is in words that pit takes.
    let trailers =
        "--format=%(trailers:key=Pit-Task,valueonly,separator=)|%(trailers:key=Pit-Model,valueonly,separator=)";
    let said = stage.git(&["log", "--no-merges", "--author=coder via pit", trailers, &branch(&stage)]);
    let tasks: Vec<&str> = said.lines().filter_map(|line| line.strip_suffix("|scripted/script")).collect();
    assert_eq!(tasks.len(), 3, "one was sent back: {said}");
    for task in tasks {
        let run: &serde_json::Value = &stage.status(&id)["runs"];
        let run = run.as_array().expect("runs").iter().find(|run| run["name"] == task).expect("its run");
        assert!(run["agent"].as_str().is_some_and(|agent| agent.starts_with("coder@")), "{task}");
        let own = run["id"].as_str().expect("an id");
        let _ = stage.pit(&["logs", &own[..8]]).exits(0).says("starts");
        // Less than what is shown of it is a slip of the finger.
        let _ = stage.pit(&["logs", &own[..7]]).exits(2).says("there is no run");
    }
}

#[test]
fn a_task_that_builds_on_another_starts_from_its_result_and_is_told_what_was_handed_over() {
    // With the note removed the second coder is told nothing, and its conversation departs.
    for (note, code) in [("the secret word is plum", 3), ("there is no word", 1)] {
        let stage = Stage::new();
        let cast = Cast::new(&[
            &task("code", "Saturate", "\"1\"", "\"src/lib.rs\"", ""),
            &task("docs", "Document it", "\"2\"", "\"docs/usage.md\"", "\"code\""),
        ])
        .coder("Saturate", &[&replace("src/lib.rs", "n + 1", "n.saturating_add(1)"), &finish(note, &["1"])])
        .review("Saturate", &approve(&["1"]))
        .says(
            "coder",
            "first_contains = [\"# Task\\n\\nDocument it\", \"# Hand-offs\", \"word is plum\"]",
            &[
                &call("str_replace_based_edit_tool", "command = \"view\", path = \"src/lib.rs\""),
                &format!("{}\nexpect.last_contains = \"saturating_add\"", create("docs/more.md", "It saturates.\n")),
                &finish("Documents", &["2"]),
            ],
        )
        .review("Document", &approve(&["2"]));
        let said = run(&stage, &cast).exits(code);
        assert_eq!(said.out.contains("1 of 2 tasks done"), code == 1, "{}", said.out);
        assert!(shown(&stage, "src/lib.rs").contains("saturating_add"), "what was done is kept");
    }
}

#[test]
fn what_two_reviews_did_not_mend_fails_its_task_and_those_that_need_it() {
    let stage = Stage::new();
    let [code, docs] = two();
    let after = task("more", "Announce it", "\"announced\"", "\"NEWS.md\"", "\"code\"");
    let edit = |n: u32| create(&format!("try{n}.txt"), "x");
    let cast = Cast::new(&[&code, &docs, &after])
        .coder(
            "Saturate",
            &[&edit(1), &finish("One", &["1"]), &edit(2), &finish("Two", &["1"]), &edit(3), &finish("Three", &["1"])],
        )
        .coder("Document it", &[&create("docs/more.md", "x"), &finish("Documents", &["2"])])
        .says("reviewer", "runs = 3\nfirst_contains = \"Review: Saturate\"", &[&send_back("1", "not yet")])
        .review("Document", &approve(&["2"]));
    let said = run(&stage, &cast).exits(5);
    for text in [
        "1 of 3 tasks done",
        "3 reviews would send it back, and nobody was there to decide",
        "it needs code, which was not done",
    ] {
        assert!(said.err.contains(text) || said.out.contains(text), "{}{}", said.out, said.err);
    }
    assert_eq!(shown(&stage, "docs/more.md"), "x", "the branch keeps what was integrated");
    assert!(!stage.git(&["ls-tree", "-r", "--name-only", &branch(&stage)]).contains("try"));
    // What was integrated is somebody's now; what was sent back is still its own run's alone.
    stage.git(&["branch", "taken", &branch(&stage)]);
    let _ = stage.pit(&["clean", "-y"]).exits(0).says("has commits that nobody took: pit diff");
}

#[test]
fn a_conflict_goes_back_once_with_both_sides() {
    let stage = Stage::new();
    // Neither says that it changes the file. Both start from the same commit, and whoever is integrated last goes back.
    let tasks = [("Saturate", "a", "1", "n.saturating_add(1)"), ("Rename it", "b", "2", "1 + n")];
    let [a, b] =
        tasks.map(|(title, id, criterion, _)| task(id, title, &format!("{criterion:?}"), &format!("\"{id}.txt\""), ""));
    let mut cast = Cast::new(&[&a, &b]);
    for ((title, _, criterion, mine), (.., theirs)) in [(tasks[0], tasks[1]), (tasks[1], tasks[0])] {
        let first = format!("first_contains = \"# Task\\n\\n{title}\"\nfirst_lacks = \"does not fit\"");
        let again = format!("first_contains = [\"# Task\\n\\n{title}\", \"does not fit\", {mine:?}, {theirs:?}]");
        let review = format!("runs = 2\nfirst_contains = \"Review: {title}\"");
        let both = replace("src/lib.rs", theirs, "1u32.saturating_add(n)");
        cast = cast
            .says("coder", &first, &[&replace("src/lib.rs", "n + 1", mine), &finish("One side", &[criterion])])
            .says("coder", &again, &[&both, &finish("Both sides", &[criterion])])
            .says("reviewer", &review, &[&approve(&[criterion])]);
    }
    let _ = run(&stage, &cast).exits(3).says("2 tasks done");
    assert!(shown(&stage, "src/lib.rs").contains("1u32.saturating_add(n)"));
    assert_eq!(ends(&stage, "coder").len(), 3);
}

#[test]
fn what_a_person_denies_and_what_the_lead_has_not_is_denied_to_its_coders() {
    let deny = ["--deny", "workspace.write:docs/**", "--deny", "workspace.edit:docs/**"].as_slice();
    let narrow = "schema = 1\n[grants.lead]\nwrite = [\"src/**\"]\n";
    // With nothing denied the same coder makes the same file.
    for (flags, file, refused) in [(&[][..], "", ""), (deny, "", "deny-flag-"), (&[], narrow, "write-not-granted")] {
        let stage = Stage::new();
        let [code, _] = two();
        let next = replace("src/lib.rs", "n + 1", "n.saturating_add(1)");
        let cast = Cast::new(&[&code.replace("\"1\"", "\"1\", \"2\"")]).coder(
            "Saturate",
            &[
                &create("docs/more.md", "x"),
                &format!("{next}\nexpect.last_contains = {refused:?}"),
                &finish("Saturates", &["1", "2"]),
            ],
        );
        let cast = cast.review("Saturate", &approve(&["1", "2"]));
        stage.write("SPEC.md", SPEC);
        if !file.is_empty() {
            stage.write("pit.toml", file);
        }
        let model = stage.script(cast.text());
        let _ = stage.pit(&[&["run", "SPEC.md", "-m", &model], flags].concat()).exits(3).says(refused);
        let made = stage.git(&["ls-tree", "-r", "--name-only", &branch(&stage)]).contains("docs/more.md");
        assert_eq!(made, refused.is_empty(), "{refused}");
        assert!(shown(&stage, "src/lib.rs").contains("saturating_add"));
    }
}

#[test]
fn a_task_that_fails_disturbs_no_other() {
    let stage = Stage::new();
    let [code, docs] = two();
    // The model refuses one; the other goes on.
    let cast = Cast::new(&[&code, &docs])
        .coder("Saturate", &["stop = \"refused\"\ntext = \"I would rather not.\""])
        .coder("Document it", &[&create("docs/more.md", "x"), &finish("Documents", &["2"])])
        .review("Document", &approve(&["2"]));
    let _ = run(&stage, &cast).exits(1).says("1 of 2 tasks done").says("the model declined: I would rather not.");
    assert_eq!(shown(&stage, "docs/more.md"), "x");
}

#[test]
fn a_stranger_that_breaks_or_may_not_fails_its_own_task() {
    // One never ends and never calls; the other was given nothing and gives up at its first refusal.
    for (name, give, why) in [
        ("loops", "as-asked", "without asking for anything"),
        ("parent", "nothing", "this agent may not use the board"),
    ] {
        let stage = Stage::new();
        let [code, _] = two();
        let strange = task("strange", "Be odd", "\"2\"", "\"odd.txt\"", "")
            .replace("after", &format!("agent = \"{name}\", after"));
        let cast = Cast::new(&[&strange, &code])
            .coder("Saturate", &[&replace("src/lib.rs", "n + 1", "n.saturating_add(1)"), &finish("A", &["1"])])
            .says("reviewer", "first_contains = \"Review: Be odd\"", &[&send_back("2", "nothing was done")])
            .review("Saturate", &approve(&["1"]));
        stage.write("SPEC.md", SPEC);
        let (agent, model) = (guest(name), stage.script(cast.text()));
        let said = stage.pit(&["run", "SPEC.md", "-m", &model, "--agent", &agent.to_string_lossy(), "--give", give]);
        let said = said.says("1 of 2 tasks done: strange (Be odd)").says(why);
        assert!(!matches!(said.code, Some(0 | 3)), "{said:?}");
        assert!(shown(&stage, "src/lib.rs").contains("saturating_add"));
    }
}

#[test]
fn where_no_task_was_done_the_last_screen_says_where_the_work_is() {
    let stage = Stage::new();
    let edit = |n: u32| create(&format!("try{n}.txt"), "x");
    let finish = || finish("Tried", &["code.1"]);
    let cast = Cast::new(&[&task("code", "Saturate", "\"it saturates\"", "\"src/lib.rs\"", "")])
        .coder("Saturate", &[&edit(1), &finish(), &edit(2), &finish(), &edit(3), &finish()])
        .says("reviewer", "runs = 3\nfirst_contains = \"Review: Saturate\"", &[&send_back("code.1", "not yet")]);
    let said = stage.pit(&["run", "Never overflow", "-m", &stage.script(cast.text())]).exits(5);
    let id = stage.trees().remove(0);
    assert!(said.out.contains(&format!("  next       pit diff {id}.2 · pit logs {id}")), "{}", said.out);
    let _ = stage.pit(&["diff", &format!("{id}.2")]).exits(0).says("try3.txt");
}

#[test]
fn a_criterion_of_the_plan_is_shown_in_its_words() {
    let stage = Stage::new();
    let cast = Cast::new(&[&task("code", "Saturate", "\"it saturates\"", "\"src/lib.rs\"", "")])
        .coder("Saturate", &[&replace("src/lib.rs", "n + 1", "n.saturating_add(1)"), &finish("Saturates", &["code.1"])])
        .review("Saturate", &approve(&["code.1"]));
    let said = stage.pit(&["run", "Never overflow", "-m", &stage.script(cast.text())]).exits(3);
    assert!(said.out.contains("  criteria   code.1  it saturates  met: "), "{}", said.out);
}

#[test]
fn a_file_that_narrows_an_agent_narrows_it_in_a_team() {
    let stage = Stage::new();
    let [code, _] = two();
    let cast = Cast::new(&[&code.replace("\"1\"", "\"1\", \"2\"")]).coder(
        "Saturate",
        &[
            &replace("src/lib.rs", "n + 1", "n.saturating_add(1)"),
            &format!("{}\nexpect.last_contains = \"write-not-granted\"", create("docs/more.md", "x")),
            &finish("Documents", &["1", "2"]),
        ],
    );
    let cast = cast.review("Saturate", &approve(&["1", "2"]));
    stage.write("pit.toml", "schema = 1\n[grants.coder]\nwrite = [\"docs/**\"]\n");
    let _ = run(&stage, &cast).exits(3).says("coder, workspace.edit src/lib.rs (write-not-granted)");
    assert_eq!(shown(&stage, "docs/more.md"), "x");
}

#[test]
fn a_second_round_goes_back_to_the_one_who_wrote_and_is_reviewed_for_the_remark() {
    let stage = Stage::new();
    let one = task("code", "Saturate", "\"1\", \"2\"", "\"src/lib.rs\"", "");
    let more = format!("{}\nexpect.last_contains = \"name it\"", replace("src/lib.rs", "Adds one", "Adds one at most"));
    let cast = Cast::new(&[&one])
        .coder(
            "Saturate",
            &[
                &replace("src/lib.rs", "n + 1", "n.saturating_add(1)"),
                &finish("One", &["1", "2"]),
                &more,
                &finish("Two", &["1", "2"]),
            ],
        )
        .says(
            "reviewer",
            "first_contains = \"Review: Saturate\"\nfirst_lacks = \"name it in the comment\"",
            &[&approve(&["1", "2"])],
        )
        .says(
            "reviewer",
            "first_contains = [\"Review: Saturate\", \"code.3: name it in the comment\", \"+/// Adds one at most\"]",
            &[&approve(&["1", "2", "code.3"])],
        );
    let _ = run(&stage, &cast).exits(3).says("1 task done");
    let id = stage.trees().remove(0);
    let _ = stage.pit(&["send", &id, "name it in the comment"]).exits(0);
    let model = stage.script(cast.text());
    let said = stage.pit(&["resume", &id, "-m", &model]).exits(3);
    assert!(said.out.contains("met: seen for code.3"), "{}", said.out);
    assert!(shown(&stage, "src/lib.rs").contains("Adds one at most"));
    assert_eq!(ends(&stage, "coder"), ["done"], "the same coder, with its conversation");
}

#[test]
fn a_person_changes_the_plan_from_another_terminal() {
    let stage = Stage::new();
    let [code, docs] = two();
    let cast = Cast::new(&[&code, &docs])
        .coder("Saturate well", &[&replace("src/lib.rs", "n + 1", "n.saturating_add(1)"), &finish("A", &["1", "2"])])
        .says("reviewer", "first_contains = \"Review: Saturate well\"", &[&approve(&["1", "2"])]);
    stage.write("SPEC.md", SPEC);
    let model = stage.script(cast.text());
    let run = stage.attend(&["run", "SPEC.md", "-m", &model]);
    let (id, asks) = stage.asked();
    assert!(asks.contains("a plan of 2 tasks"), "{asks}");
    let _ = stage.pit(&["approve", &id, "--body", "nowhere.toml"]).exits(2).says("there is no file");
    stage.write("plan.toml", "[[task]]\nid = \"code\"\n");
    let before = stage.status(&id)["runs"][0]["last"].clone();
    let _ = stage.pit(&["approve", &id, "--body", "plan.toml"]).exits(0);
    // It cannot be carried out: it is proposed again.
    let proposed =
        |status: &serde_json::Value| status["runs"][0]["last"] != before && status["runs"][0]["asks"].is_string();
    until(&stage, proposed);
    let edited = "[[task]]\nid = \"code\"\ntitle = \"Saturate well\"\ngoal = \"Do.\"\ncriteria = [\"1\", \"2\"]\nfiles = [\"src/lib.rs\"]\n";
    stage.write("plan.toml", edited);
    let _ = stage.pit(&["approve", &id, "--body", "plan.toml"]).exits(0);
    assert_eq!(run.code(), 3);
    assert!(shown(&stage, "src/lib.rs").contains("saturating_add"));
}

#[test]
fn a_plan_that_is_rejected_is_made_anew_with_the_reason() {
    let stage = Stage::new();
    let [code, docs] = two();
    let one = task("code", "Saturate", "\"1\", \"2\"", "\"src/lib.rs\"", "");
    let second = format!("{}\nexpect.last_contains = \"one task will do\"", propose(&[&one]));
    let script =
        Cast::new(&[&code, &docs]).text().replace("[[conversation.reply]]", "[[conversation.reply]]\nturn = 1");
    let script = format!("{script}[[conversation.reply]]\nturn = 2\n{second}\n");
    let rest = Cast::new(&[])
        .coder("Saturate", &[&replace("src/lib.rs", "n + 1", "n.saturating_add(1)"), &finish("A", &["1", "2"])])
        .says("reviewer", "first_contains = \"Review: Saturate\"", &[&approve(&["1", "2"])]);
    let at = rest.text().find("[[conversation]]\nagent = \"coder\"").expect("the coder's part");
    stage.write("SPEC.md", SPEC);
    let model = stage.script(&format!("{script}{}", &rest.text()[at..]));
    let run = stage.attend(&["run", "SPEC.md", "-m", &model]);
    let (id, _) = stage.asked();
    let _ = stage.pit(&["reject", &id, "-m", "one task will do"]).exits(0);
    until(&stage, |status| status["runs"][0]["asks"].as_str().is_some_and(|asks| asks.contains("a plan of 1 task")));
    let _ = stage.pit(&["approve", &id]).exits(0);
    assert_eq!(run.code(), 3);
}

#[test]
fn what_a_person_says_reaches_those_who_are_writing() {
    let stage = Stage::new();
    let one = task("code", "Saturate", "\"1\", \"2\"", "\"src/lib.rs\"", "");
    let slow = format!("delay_ms = 4000\n{}", replace("src/lib.rs", "n + 1", "n.saturating_add(1)"));
    let told = format!(
        "{}\nexpect.last_contains = [\"# Remark from parent\", \"mind the docs\"]",
        create("docs/more.md", "x")
    );
    let cast = Cast::new(&[&one])
        .coder("Saturate", &[&slow, &told, &finish("A", &["1", "2"])])
        .review("Saturate", &approve(&["1", "2"]));
    stage.write("SPEC.md", SPEC);
    let model = stage.script(cast.text());
    let run = stage.start(&["run", "SPEC.md", "-m", &model]);
    let id = working(&stage);
    let _ = stage.pit(&["send", &id, "mind the docs"]).exits(0);
    let output = run.wait_with_output().expect("pit ends");
    assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(shown(&stage, "docs/more.md"), "x");
}

#[test]
fn cancelling_the_first_run_stops_all_below_it() {
    let stage = Stage::new();
    let [code, docs] = two();
    let slow = format!("delay_ms = 60000\n{}", create("x", "x"));
    let cast = Cast::new(&[&code, &docs]).coder("Saturate", &[&slow]).coder("Document it", &[&slow]);
    stage.write("SPEC.md", SPEC);
    let model = stage.script(cast.text());
    let run = stage.start(&["run", "SPEC.md", "-m", &model]);
    let id = working(&stage);
    let _ = stage.pit(&["cancel", &id]).exits(0);
    assert_eq!(run.wait_with_output().expect("pit ends").status.code(), Some(130));
    assert_eq!(ends(&stage, "lead"), ["cancelled"]);
    assert!(ends(&stage, "coder").iter().all(|end| end == "cancelled"));
}

/// Waits until a coder's first request to its model is under way, and hands over the tree's id.
fn working(stage: &Stage) -> String {
    until(stage, |status| {
        let coder = |run: &serde_json::Value| {
            run["agent"].as_str().is_some_and(|agent| agent.starts_with("coder")) && run["doing"] == "thinking"
        };
        status["runs"].as_array().is_some_and(|runs| runs.iter().any(coder))
    })
}

/// Waits until something is true of the newest tree, and hands over its id.
fn until(stage: &Stage, mut is: impl FnMut(&serde_json::Value) -> bool) -> String {
    for _ in 0..300 {
        if let Some(id) = stage.trees().into_iter().next()
            && is(&stage.status(&id))
        {
            return id;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    panic!("it did not come to that: {}", stage.status(&stage.trees()[0]));
}
