//! `pit agent inspect` and `pit agent run`: one agent through the whole gate.

use orchestra_pit_tests::{Stage, guest};

/// What the model says to the hello agent.
pub const HELLO: &str = r#"
schema = 1
[[conversation]]
agent = "hello-c"
[[conversation.reply]]
text = "Hello from the script."
"#;

#[test]
fn inspect_says_what_an_agent_asks_for() {
    let stage = Stage::new();
    let hello = guest("hello-c");
    let said = stage.pit(&["agent", "inspect", &hello.to_string_lossy()]).exits(0);
    for text in [
        "hello-c 0.1.0",
        "sha256",
        "read README*",
        "write HELLO.md",
        "a model",
        "commit",
        "commands, other agents, network",
    ] {
        assert!(said.out.contains(text), "no `{text}` in {}", said.out);
    }
    let _ = stage.pit(&["agent", "inspect", "coder"]).exits(0).says("write every file");
    let _ = stage.pit(&["run", "x", "--agent", "coder"]).exits(2).says("is in pit already");
}

#[test]
fn what_is_no_agent_is_refused_by_what_it_is() {
    let stage = Stage::new();
    for (name, bytes, says) in [
        ("text.wasm", b"hello".as_slice(), "not a WebAssembly file"),
        ("module.wasm", b"\0asm\x01\0\0\0", "a WebAssembly module, not a component"),
        ("cut.wasm", b"\0asm\x0d\0", "damaged"),
        ("bare.wasm", b"\0asm\x0d\0\x01\0", "no manifest"),
    ] {
        let path = stage.home().join(name);
        std::fs::write(&path, bytes).unwrap();
        let _ = stage.pit(&["agent", "inspect", &path.to_string_lossy()]).exits(2).says(says);
    }
    let _ = stage.pit(&["agent", "inspect", "nowhere.wasm"]).exits(2).says("nowhere.wasm");
}

#[test]
fn an_unknown_agent_gets_nothing_without_a_person() {
    let stage = Stage::new();
    let script = stage.script(HELLO);
    let hello = guest("hello-c");
    let _ = stage.pit(&["agent", "run", &hello.to_string_lossy(), "greet", "-m", &script]).exits(9).says("--give");
    assert!(stage.trees().is_empty());
}

#[test]
fn an_agent_reads_asks_writes_and_commits_on_its_own_branch() {
    let stage = Stage::new();
    let script = stage.script(HELLO);
    let hello = guest("hello-c");
    let before = (stage.git(&["rev-parse", "main"]), stage.git(&["status", "--porcelain"]));
    let said =
        stage.pit(&["agent", "run", &hello.to_string_lossy(), "greet", "-m", &script, "--give", "as-asked"]).exits(3);
    assert!(said.out.contains("done, not verified"), "{}", said.out);
    let branch = stage.git(&["for-each-ref", "--format=%(refname:short)", "refs/heads/pit/"]);
    assert!(stage.git(&["show", &format!("{branch}:HELLO.md")]).contains("Hello from the script."));
    assert_eq!(stage.git(&["log", "-1", "--format=%an|%cn", &branch]), "hello-c via pit|Ada");
    // The user's branch, index and files are untouched.
    assert_eq!(before, (stage.git(&["rev-parse", "main"]), stage.git(&["status", "--porcelain"])));
    stage.git(&["fsck", "--strict"]);
}

#[test]
fn without_the_grant_the_same_agent_is_denied_by_name() {
    let stage = Stage::new();
    let script = stage.script(HELLO);
    let hello = guest("hello-c");
    let said = stage.pit(&["agent", "run", &hello.to_string_lossy(), "greet", "-m", &script, "--give", "reader"]);
    assert_ne!(said.code, Some(3));
    assert!(
        said.out.contains("write-not-granted") || said.out.contains("commit-not-granted"),
        "{}{}",
        said.out,
        said.err
    );
    assert_eq!(stage.git(&["for-each-ref", "refs/heads/pit/"]), "");
}

#[test]
fn rust_python_and_c_keep_the_same_contract() {
    let shipped = "hello".to_owned();
    let path = |name| guest(name).to_string_lossy().into_owned();
    for (name, agent) in [("hello", shipped), ("hello-python", path("hello-python")), ("hello-c", path("hello-c"))] {
        let stage = Stage::new();
        let script = stage.script(&HELLO.replace("\"hello-c\"", &format!("\"{name}\"")));
        let _ = stage.pit(&["agent", "run", &agent, "greet", "-m", &script, "--give", "as-asked"]).exits(3);
        let branch = stage.git(&["for-each-ref", "--format=%(refname:short)", "refs/heads/pit/"]);
        assert!(stage.git(&["show", &format!("{branch}:HELLO.md")]).contains("Hello from the script."), "{name}");
    }
}

#[test]
fn files_narrow_an_agent_that_is_brought_along_whatever_it_is_called() {
    let stage = Stage::new();
    let script = stage.script(HELLO);
    let hello = guest("hello-c");
    let hello = hello.to_string_lossy();
    let run = ["agent", "run", &hello, "greet", "-m", &script, "--give", "as-asked"];
    stage.write("pit.toml", "schema = 1\n[grants.hello-c]\nwrite = []\n");
    // A name that is nearly a shipped agent's is a mistake until somebody brings the agent along.
    let _ = stage.pit(&["config", "show"]).exits(1).says("pit.toml:2").says("did you mean `hello`?");
    let _ = stage.pit(&["config", "show", "--agent", &hello]).exits(0).says("grants.hello-c.write");
    let said = stage.pit(&run).says("write-not-granted");
    assert_ne!(said.code, Some(3));

    // What widens is for the person to say yes to, as with any other agent.
    stage.write("pit.toml", "schema = 1\n[grants.hello-c]\nsecrets = [\"keys/sample.pem\"]\n");
    let _ = stage.pit(&run).exits(9).says("grants.hello-c.secrets");
    let _ = stage.pit(&["trust", "-y"]).exits(1).says("did you mean `hello`?");
    let _ = stage.pit(&["trust", "-y", "--agent", &hello]).exits(0).says("grants.hello-c.secrets");
    let _ = stage.pit(&run).exits(3);
    let logs = stage.pit(&["logs", "--json"]).exits(0).out;
    assert!(logs.lines().next().is_some_and(|line| line.contains("keys/sample.pem")), "it is granted: {logs}");
}
