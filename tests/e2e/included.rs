//! `.worktreeinclude`: ignored files of the person's that commands see and agents do not.

use orchestra_pit_tests::{Said, Stage, guest};

const SECRET: &str = "tok-5f3a-not-for-agents";

fn stage() -> Stage {
    let stage = Stage::with(&[("src.txt", "a\n"), (".gitignore", ".env\n/dist/\n"), (".worktreeinclude", ".env\n")]);
    stage.write(".env", &format!("TOKEN={SECRET}\nPORT=8080\n"));
    stage
}

/// Has an agent run a command, and tells everything that was said and kept of it.
fn run(stage: &Stage, text: &str) -> Said {
    let runs = guest("runs").to_string_lossy().into_owned();
    stage.pit(&["agent", "run", &runs, &format!("sh {text}"), "--give", "as-asked", "-o", "stream-json"])
}

#[test]
fn its_files_are_for_commands_once_the_person_has_said_yes() {
    let stage = stage();
    let _ = run(&stage, "cat .env").exits(9).says(".worktreeinclude is not trusted").says("commands see ignored .env");
    assert!(stage.trees().is_empty(), "nothing was started");
    let _ = stage.pit(&["trust", "-y"]).exits(0).says("line 1: workspace.include = commands see ignored .env");
    let _ = stage.pit(&["trust"]).exits(0).says(".worktreeinclude is trusted as it is");
    let _ = run(&stage, "test -f .env && wc -c < .env > size && echo $(cat size) bytes").exits(3).says("40 bytes");
    stage.write(".worktreeinclude", ".env\n/dist/\n");
    let _ = run(&stage, "true").exits(9).says("line 2: workspace.include = commands see ignored /dist/");
}

#[test]
fn without_the_file_a_command_sees_nothing_that_git_ignores() {
    let stage = stage();
    stage.git(&["rm", "-q", ".worktreeinclude"]);
    stage.git(&["commit", "-qm", "x"]);
    let said = run(&stage, "cat .env");
    assert!(said.out.contains("No such file"), "{}", said.out);
}

#[test]
fn its_values_are_in_nothing_that_anybody_is_shown_and_in_no_file_that_an_agent_gets() {
    let stage = stage();
    let _ = stage.pit(&["trust", "-y"]).exits(0);
    let text = "cat .env; cat .env >&2; cp .env copy.txt; cp .env dist; echo fine > fine.txt; \
                printf tok-5f3a-; sleep 0.3; printf 'not-for-agents '; grep -c TOKEN .env; \
                touch \"n-$(sed -n s/TOKEN=//p .env)\"";
    let said = run(&stage, &format!("{text}\ncommit"));
    assert!(said.out.contains("TOKEN=[redacted]") && said.out.contains("PORT=8080"), "{}", said.out);
    assert!(said.out.contains("copy.txt") && said.out.contains(".worktreeinclude names"), "{}", said.out);
    assert!(!said.out.contains(SECRET) && !said.err.contains(SECRET), "{}{}", said.out, said.err);
    let id = stage.trees().remove(0);
    let seen = stage.pit(&["terminal", &id, "--", "sh", "-c", "ls; sha256sum < .env; cat .env | wc -l"]).exits(0);
    assert!(seen.out.contains("fine.txt") && !seen.out.contains("copy.txt"), "{}", seen.out);
    let kept = walk(&stage.repo().join(".git"));
    assert!(!kept.is_empty());
    for (path, bytes) in kept {
        let has = bytes.windows(SECRET.len()).any(|part| part == SECRET.as_bytes());
        assert!(!has, "{} has it", path.display());
    }
}

#[test]
fn a_check_sees_them_and_its_log_does_not_tell() {
    let stage = stage();
    stage.write(
        "pit.toml",
        "schema = 1\n[checks.full]\nenv = { run = [\"sh\", \"-c\", \"cat .env; grep -q tok- .env && false\"] }\n",
    );
    stage.git(&["add", "-A"]);
    stage.git(&["commit", "-qm", "x"]);
    let _ = stage.pit(&["trust", "-y"]).exits(0).says("checks.full.env").says("workspace.include");
    let said = run(&stage, "echo more >> src.txt\ncommit");
    let shown = said.out.lines().any(|line| line.contains("exec.output") && line.contains("TOKEN=[redacted]"));
    assert!(shown, "what the host runs at the end is shown as it comes: {}", said.out);
    let logs: Vec<String> = walk(&stage.repo().join(".git/pit/checks"))
        .into_iter()
        .filter(|(path, _)| path.extension().is_some_and(|end| end == "log"))
        .map(|(_, bytes)| String::from_utf8_lossy(&bytes).into_owned())
        .collect();
    assert!(logs.iter().any(|log| log.contains("TOKEN=[redacted]")), "{logs:?}");
    assert!(!logs.iter().any(|log| log.contains(SECRET)), "{logs:?}");
}

/// All files below a folder.
fn walk(folder: &std::path::Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(path),
                Ok(kind) if kind.is_file() => found.extend(std::fs::read(&path).ok().map(|bytes| (path, bytes))),
                _ => {}
            }
        }
    }
    found
}

#[test]
fn a_first_file_shows_and_trusts_it_too_and_tries_the_checks_with_it() {
    let stage = stage();
    stage.write("Makefile", "test:\n\tgrep -q tok- .env\n");
    stage.git(&["add", "-A"]);
    stage.git(&["commit", "-qm", "x"]);
    let _ = stage.pit(&["init"]).exits(0).says("commands see the files of yours that .worktreeinclude names");
    std::fs::remove_file(stage.repo().join("pit.toml")).expect("it is there");
    let _ = stage.pit(&["init", "-y"]).exits(0);
    assert!(stage.read("pit.toml").contains("at init: passes on "), "{}", stage.read("pit.toml"));
    let _ = stage.pit(&["trust"]).exits(0).says("pit.toml is trusted as it is").says(".worktreeinclude is trusted");
}
