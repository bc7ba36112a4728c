//! `pit demo`, and its agents on other work.

use std::path::{Path, PathBuf};

use orchestra_pit_tests::Stage;

/// Would be the prize of a thief.
const CANARY: &str = "canary-7f3a9e";

fn scenario(name: &str, file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios").join(name).join(file);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A scenario's script, spoken at once.
fn script(name: &str) -> String {
    let text = scenario(name, "script.toml");
    match text.find("[pace]") {
        Some(at) => {
            let end = text[at..].find("\n[[").map_or(text.len(), |length| at + length);
            text[..at].to_owned() + &text[end..]
        }
        None => text,
    }
}

fn branch(stage: &Stage) -> String {
    stage.git(&["for-each-ref", "--format=%(refname:short)", "refs/heads/pit/"])
}

#[test]
fn the_demo_is_a_run_with_two_coders_a_review_that_sends_back_and_a_thief_that_gets_nothing() {
    let stage = Stage::new();
    std::fs::create_dir_all(stage.home().join(".ssh")).unwrap();
    std::fs::write(stage.home().join(".ssh/id_ed25519"), CANARY).unwrap();
    let folder = stage.home().join("demo");
    let repo = folder.join("shelf");
    let said = stage
        .command(&["demo", "--into", &folder.to_string_lossy()])
        .env("ANTHROPIC_API_KEY", CANARY)
        .output()
        .expect("pit");
    let (out, err) = (String::from_utf8_lossy(&said.stdout), String::from_utf8_lossy(&said.stderr));
    assert_eq!(said.status.code(), Some(0), "done and verified: {out}{err}");
    assert!(out.contains("done, verified") && out.contains("verdict    green: full on tree"), "{out}");
    assert!(out.contains("fails without the change: "), "the new tests prove something: {out}");
    assert!(out.contains("3 tasks done") && out.contains("asked you nothing"), "nobody was there to be asked: {out}");
    for path in ["../../.ssh/id_ed25519", "../1/src/lib.rs", "../../.config/orchestra-pit", ".git/hooks/post-checkout"]
    {
        let line = err.lines().find(|line| line.contains("refused") && line.contains(path));
        assert!(
            line.is_some_and(|line| line.contains("docs-bot") && line.contains("(outside-workspace)")),
            "{path}: {err}"
        );
        assert!(out.contains(path), "the last screen names {path}: {out}");
    }

    let shelf = |args: &[&str]| {
        let repo = repo.to_string_lossy();
        stage.git(&[&["-C", &repo], args].concat())
    };
    let branch = shelf(&["for-each-ref", "--format=%(refname:short)", "refs/heads/pit/"]);
    assert_eq!(shelf(&["rev-parse", "--abbrev-ref", "HEAD"]), "main", "nothing of the person's is touched");
    assert_eq!(shelf(&["status", "--porcelain"]), "");
    assert!(shelf(&["show", &format!("{branch}:docs/usage.md")]).contains("--json"), "what it may write it did write");
    assert!(!repo.join(".git/hooks/post-checkout").exists());
    let _ = stage.pit(&["-C", &repo.to_string_lossy(), "replay"]).exits(0);
    the_first_request_is_the_one_that_was_read(
        &stage.pit(&["-C", &repo.to_string_lossy(), "logs", "--json"]).exits(0).out,
    );
    assert!(!shelf(&["log", "--all", "--patch"]).contains(CANARY));
    for file in files(&folder) {
        let bytes = std::fs::read(&file).unwrap();
        assert!(!bytes.windows(CANARY.len()).any(|window| window == CANARY.as_bytes()), "{}", file.display());
    }

    let commits = shelf(&["rev-list", "--count", &format!("main..{branch}")]);
    assert!(out.contains(&format!("   {commits} commits, ")), "the team's commits are counted, as accept does: {out}");

    // What they wrote is a program that passes its tests.
    shelf(&["checkout", "--quiet", "--detach", &branch]);
    let _ = stage.shell(&format!("cd {} && cargo test --quiet --offline", repo.display())).exits(0);
}

/// What a model is told first decides most of what it does: a change of it is read before it is made. With
/// `UPDATE_SNAPSHOTS=1` the file is written anew.
fn the_first_request_is_the_one_that_was_read(logs: &str) {
    let requests = logs.lines().filter_map(|line| {
        let line: serde_json::Value = serde_json::from_str(line).expect("a JSON object a line");
        let ask = line.pointer("/record/intended/call/model/ask")?;
        ask["system"].as_str()?.starts_with("You are coder").then(|| ask.clone())
    });
    let first =
        |ask: &serde_json::Value| ask["messages"][0]["parts"][0]["text"].as_str().unwrap_or_default().to_owned();
    let ask = requests.into_iter().find(|ask| first(ask).contains("Print the list as JSON")).expect("a first request");
    let mut text =
        format!("# System\n\n{}\n# First message\n\n{}\n# Tools\n", ask["system"].as_str().unwrap(), first(&ask));
    for tool in ask["tools"].as_array().unwrap() {
        let word = |name: &str| tool[name].as_str().unwrap_or_default().to_owned();
        text.push_str(&format!("\n- {}: {}\n  {}\n", word("name"), word("description"), word("parameters")));
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/shelf/first-request.md");
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let read = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(text, read, "the coder's first request has changed: read it, then UPDATE_SNAPSHOTS=1");
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[test]
fn a_thief_would_be_seen() {
    // The positive control of the search above: what is written is found.
    let stage = Stage::new();
    stage.write("loot.txt", CANARY);
    assert!(files(&stage.repo()).iter().any(|file| std::fs::read(file).unwrap() == CANARY.as_bytes()));
}

#[test]
fn the_same_agents_do_another_task_in_another_repository() {
    let stage = Stage::imported(&scenario("degrees", "repository.txt"));
    let model = stage.script(&script("degrees"));
    let said = stage.pit(&["run", "Turn Celsius into Kelvin", "-m", &model]).exits(3);
    assert!(said.out.contains("1 task done"), "{}", said.out);
    stage.git(&["checkout", "--quiet", "--detach", &branch(&stage)]);
    let _ = stage.shell("python3 test_degrees.py").exits(0);
}

#[test]
fn with_one_wrong_edit_the_demos_script_ends_sent_back_and_not_done() {
    let script = script("shelf");
    // What the reviewer looks for stays as it is.
    let (work, reviews) = script.split_at(script.find("[[conversation]]\nname = \"JSON that breaks\"").unwrap());
    let wrong = work.replace("fn quoted", "fn as_it_is").replace("quoted(&", "as_it_is(&") + reviews;
    let next = "[[conversation]]\nname = \"hours and minutes\"";
    let gives_up = "[[conversation.reply]]\ntext = \"I find nothing else to do.\"\n[[conversation.reply.calls]]\n\
                    tool = \"finish\"\narguments = { summary = \"As before.\", criteria = [{ id = \"1\", met = true, evidence = \"tests/json.rs\" }] }\n\n";
    let wrong = wrong.replace(next, &format!("{gives_up}{next}"));
    let stage = Stage::imported(&scenario("shelf", "repository.txt"));
    let model = stage.script(&wrong);
    let stranger = stage.home().join("docs-bot.wasm");
    std::fs::write(&stranger, orchestra_pit::shipped::STRANGER).unwrap();
    let _ = stage.pit(&["trust", "-y"]).exits(0);
    let said =
        stage.pit(&["run", "SPEC.md", "-m", &model, "--agent", &stranger.to_string_lossy(), "--give", "as-asked"]);
    assert_eq!(said.code, Some(5), "{}{}", said.out, said.err);
    assert!(said.out.contains("2 of 3 tasks done"), "{}", said.out);
    let branch = branch(&stage);
    assert!(stage.git(&["show", &format!("{branch}:src/duration.rs")]).contains("checked_mul"), "the rest is kept");
    assert!(!stage.git(&["ls-tree", "-r", "--name-only", &branch]).contains("src/json.rs"));
}

#[test]
fn without_a_cargo_that_commands_can_reach_it_says_so_first() {
    let stage = Stage::new();
    let nothing = stage.home().join("nothing");
    let said = stage.command(&["demo"]).env("PATH", "/bin").env("CARGO_HOME", &nothing).output().expect("pit");
    let told = String::from_utf8_lossy(&said.stderr);
    assert_eq!(said.status.code(), Some(1), "{told}");
    assert!(told.contains("there is no cargo in /usr or in your home") && told.contains("CARGO_HOME"), "{told}");
}
