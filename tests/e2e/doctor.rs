//! `pit doctor`: each thing that a run needs is there, or the line says what to type.

use std::io::{Read as _, Write as _};

use orchestra_pit_tests::Stage;

fn lines(stage: &Stage, variables: &[(&str, &str)]) -> (Option<i32>, Vec<serde_json::Value>) {
    let mut command = stage.command(&["doctor", "--json"]);
    let output = command.envs(variables.iter().copied()).output().expect("pit");
    let lines =
        String::from_utf8_lossy(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (output.status.code(), lines)
}

fn state(lines: &[serde_json::Value], what: &str) -> Vec<String> {
    let of = lines.iter().filter(|line| line["what"] == what);
    of.map(|line| format!("{}: {}", line["state"].as_str().unwrap(), line["found"].as_str().unwrap())).collect()
}

#[test]
fn it_says_what_is_there_and_what_is_missing() {
    let stage = Stage::new();
    let (_, found) = lines(&stage, &[("ANTHROPIC_API_KEY", "sk-very-secret")]);
    for what in ["git", "repository", "state", "cache"] {
        assert!(state(&found, what)[0].starts_with("ok: "), "{found:?}");
    }
    assert_eq!(state(&found, "key"), ["ok: ANTHROPIC_API_KEY is set, for anthropic at api.anthropic.com"]);
    assert!(found.iter().all(|line| !line.to_string().contains("very-secret")), "a key is named and never shown");

    let _ = stage.pit(&["-C", &stage.home().to_string_lossy(), "doctor"]).exits(1).says("MISSING").says("git init");
    stage.write("pit.toml", "schema = 1\nnonsense = 2\n");
    let _ = stage.pit(&["doctor"]).says("nonsense");
}

#[test]
fn the_key_of_an_endpoint_of_ones_own_is_looked_for() {
    let stage = Stage::new();
    let folder = stage.home().join(".config/orchestra-pit");
    std::fs::create_dir_all(&folder).unwrap();
    let config = "[provider.mc]\nprotocol = \"chat\"\nurl = \"http://127.0.0.1:9/v1\"\nkey = { env = \"MC_KEY\" }\n";
    std::fs::write(folder.join("config.toml"), config).unwrap();
    let (_, found) = lines(&stage, &[]);
    assert!(state(&found, "endpoint")[0].contains("its key is not to be had: MC_KEY is not set"), "{found:?}");
    let (_, found) = lines(&stage, &[("MC_KEY", "sk-very-secret")]);
    assert_eq!(state(&found, "endpoint"), ["ok: mc at 127.0.0.1:9, by your file"]);
    assert!(state(&found, "model").is_empty(), "there is one: {found:?}");
}

#[test]
fn the_walls_are_tried_and_not_guessed() {
    let stage = Stage::new();
    let (_, found) = lines(&stage, &[]);
    let walls = found.iter().find(|line| line["what"] == "walls").expect("the walls");
    let tried = walls["walls"]["tried"].as_array().expect("each wall");
    let named =
        |name: &str| tried.iter().find(|wall| wall["name"] == name).unwrap_or_else(|| panic!("{name}: {walls}"));
    let up = |name: &str| named(name)["missing"].is_null();
    let full = tried.iter().all(|wall| wall["missing"].is_null());
    assert_eq!(walls["walls"]["class"] == "full", full, "{walls}");
    assert_eq!((walls["walls"]["required"].as_str(), walls["state"] == "ok"), (Some("full"), full), "{walls}");
    assert!(up("a user namespace") || walls["hint"].is_string(), "{walls}");
    assert_eq!(state(&found, "overlay").len(), 1, "{found:?}");
    // A folder that an overlay does not work in is said to be none: /proc takes no folder at all.
    let (code, found) = lines(&stage, &[("XDG_CACHE_HOME", "/proc")]);
    assert!(code == Some(1) || !state(&found, "walls")[0].contains("/proc"), "{found:?}");
}

#[test]
fn a_model_server_on_this_machine_is_found_and_how_to_name_it() {
    // The port of vLLM; where something else has it there is nothing to see here.
    let Ok(listener) = std::net::TcpListener::bind("127.0.0.1:8000") else { return };
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut stream = stream;
            let _ = stream.read(&mut [0; 1024]);
            let _ = stream.write_all(b"HTTP/1.0 200 OK\r\n\r\n{\"data\": [{\"id\": \"tiny\"}]}");
        }
    });
    let stage = Stage::new();
    let (_, found) = lines(&stage, &[]);
    assert!(
        state(&found, "local server").contains(&"ok: vllm at 127.0.0.1:8000: -m vllm/tiny".to_owned()),
        "{found:?}"
    );
}

#[test]
fn root_of_a_namespace_without_another_id_is_told_so() {
    let stage = Stage::new();
    let pit = stage.command(&["doctor"]);
    let mut unshare = std::process::Command::new("unshare");
    unshare.arg("-Ur").arg(pit.get_program()).args(pit.get_args());
    unshare.envs(pit.get_envs().filter_map(|(name, value)| Some((name, value?))));
    unshare.current_dir(pit.get_current_dir().unwrap_or(&stage.repo()));
    let output = unshare.output().expect("unshare");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    // Where nobody may make a user namespace there is nothing to be seen.
    if !said.is_empty() {
        assert!(said.contains("MISSING  walls") && said.contains("has no other id"), "{said}");
    }
}
