//! What people write wrong: models, keys, configuration, agents.

use orchestra_pit_tests::{Stage, guest};

use crate::agent::HELLO;
use crate::run::script;

#[test]
fn two_keys_are_a_question_and_one_that_is_missing_is_named() {
    let stage = Stage::new();
    let run = |model: &[&str], keys: &[&str]| {
        let mut pit = stage.command(&[&["run", "--solo", "x"], model].concat());
        let pit = keys.iter().fold(&mut pit, |pit, key| pit.env(key, "sk-0123456789"));
        let output = pit.output().expect("pit");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, said) = run(&[], &["ANTHROPIC_API_KEY", "OPENAI_API_KEY"]);
    assert_eq!(code, Some(5), "{said}");
    assert!(said.contains("-m anthropic ") && said.contains("-m openai "), "{said}");
    let (code, said) = run(&["-m", "openai/gpt-x"], &["ANTHROPIC_API_KEY"]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("export OPENAI_API_KEY="), "{said}");
    let (code, said) = run(&["-m", "nobody/x"], &[]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("`nobody/x` is no model"), "{said}");
    assert!(!said.contains("sk-0123456789"));
    assert!(stage.trees().is_empty(), "nothing was started");
}

#[test]
fn a_configuration_that_is_wrong_is_shown_by_line_and_starts_nothing() {
    let stage = Stage::new();
    let model = stage.script(&script(""));
    for (text, says) in [
        ("schema = 1\n[budget]\nusd = \"much\"\n", "pit.toml:3"),
        ("schema = 1\n[budgte]\nusd = 1\n", "did you mean"),
        ("schema = 1\n[budget\n", "pit.toml:2"),
        ("schema = 9\n", "schema"),
        ("\u{0}", "pit.toml"),
    ] {
        stage.write("pit.toml", text);
        let said = stage.pit(&["run", "--solo", "x", "-m", &model]).says(says);
        assert!(matches!(said.code, Some(1 | 2)), "{text:?}: {said:?}");
    }
    assert!(stage.trees().is_empty(), "nothing was started");
    stage.write("pit.toml", "schema = 1\n[budget]\nusd = 1\n");
    let _ = stage.pit(&["run", "--solo", "Never overflow", "-m", &model]).exits(3).says("at most $1.00");
}

#[test]
fn an_agent_goes_by_the_same_configuration_and_flags_as_a_run() {
    let stage = Stage::new();
    let hello = guest("hello-c").to_string_lossy().into_owned();
    let model = stage.script(HELLO);
    let run = |flags: &[&str]| {
        stage.pit(&[&["agent", "run", &hello, "greet", "-m", &model, "--give", "as-asked"], flags].concat())
    };
    let denied = |said: &orchestra_pit_tests::Said| said.code != Some(3);
    let said = run(&["--deny", "vcs.commit"]);
    assert!(denied(&said), "{said:?}");
    let said = run(&["--max-turns", "0"]);
    assert!(denied(&said), "{said:?}");
    stage.write("pit.toml", "schema = 1\n[[rule]]\nname = \"no-greeting\"\neffect = \"deny\"\non = [\"workspace.write\"]\npaths = [\"HELLO.md\"]\n");
    let said = run(&[]).says("no-greeting");
    assert!(denied(&said), "{said:?}");
    // A shipped one too, and it by its name.
    stage.write("pit.toml", "schema = 1\n[grants.hello]\ncommit = false\n");
    let shipped = stage.script(&HELLO.replace("hello-c", "hello"));
    let said = stage.pit(&["agent", "run", "hello", "greet", "-m", &shipped]).says("commit-not-granted");
    assert!(denied(&said), "{said:?}");
    // The control.
    std::fs::remove_file(stage.repo().join("pit.toml")).unwrap();
    let _ = run(&[]).exits(3);
    let _ = stage.pit(&["agent", "run", "hello", "greet", "-m", &shipped]).exits(3);
}

#[test]
fn an_agent_that_is_none_is_told_by_what_it_is() {
    let stage = Stage::new();
    let model = stage.script(HELLO);
    let run = |agent: &str| stage.pit(&["agent", "run", agent, "greet", "-m", &model, "--give", "as-asked"]);
    let _ = run("helo").exits(2).says("there is no agent `helo`").says("did you mean `hello`?");
    let _ = run("nowhere.wasm").exits(2).says("nowhere.wasm");
    stage.write("README.md", "# Tally\n\nNot an agent.\n");
    let _ = run("README.md").exits(2).says("not a WebAssembly file");
    let _ = run("src").exits(2).says("src");

    // A component for a contract of another time: the same bytes but for the version.
    // And one whose agent.toml alone says so.
    for (old, new) in [("@0.1.0", "@0.9.0"), ("contract = \"pit:agent@0.1.0", "contract = \"pit:agent@0.9.0")] {
        let (old, new) = (old.as_bytes(), new.as_bytes());
        let mut bytes = std::fs::read(guest("hello-c")).unwrap();
        let mut at = 0;
        while let Some(found) = bytes.get(at..).and_then(|rest| rest.windows(old.len()).position(|part| part == old)) {
            at += found;
            bytes[at..at + old.len()].copy_from_slice(new);
        }
        assert!(at > 0);
        let future = stage.home().join("future.wasm");
        std::fs::write(&future, bytes).unwrap();
        let said = run(&future.to_string_lossy()).says("0.9.0").says("0.1.0");
        assert!(matches!(said.code, Some(1 | 2)), "{said:?}");
    }
    assert!(stage.trees().is_empty(), "nothing was started");
}

#[test]
fn looking_makes_nothing() {
    let stage = Stage::new();
    let _ = stage.pit(&["ls"]).exits(0);
    let _ = stage.pit(&["status"]).exits(2).says("nothing has been run");
    let _ = stage.pit(&["logs"]).exits(2).says("nothing has been run");
    let _ = stage.pit(&["send", "3f", "x"]).exits(2).says("nothing has been run");
    assert!(!stage.repo().join(".git/pit/journal.db").exists());
}
