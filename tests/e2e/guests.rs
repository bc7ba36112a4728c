//! The test guests as a person would run them: what one can see of a machine, what becomes of one that never ends, and
//! one of many steps that is cut off anywhere.

use std::time::{Duration, Instant};

use orchestra_pit_tests::{Stage, guest};

use super::delegate::HELLO;

fn run(agent: &str, goal: &str) -> Vec<String> {
    let path = guest(agent).to_string_lossy().into_owned();
    ["agent", "run", &path, goal, "--give", "as-asked"].map(str::to_owned).to_vec()
}

fn args(all: &[String]) -> Vec<&str> {
    all.iter().map(String::as_str).collect()
}

/// What the newest run has said, a line each.
fn lines(stage: &Stage) -> Vec<String> {
    let log = stage.pit(&["logs", "--json"]).exits(0).out;
    let events = log.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"));
    let said = events.filter_map(|event| {
        let found = format!("{event}");
        let (_, rest) = found.split_once("\"message\":\"")?;
        Some(rest.split_once('"')?.0.to_owned())
    });
    said.collect()
}

#[test]
fn an_agent_sees_the_same_in_each_life_and_nothing_of_the_machine() {
    let looks = || {
        let stage = Stage::new();
        let output = stage.command(&args(&run("observes", "look"))).env("TOKEN", "hunter2").output().expect("pit");
        assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
        (lines(&stage), stage)
    };
    let (first, stage) = looks();
    let starting = |what: &str| {
        let line = first.iter().find(|line| line.starts_with(&format!("{what}: ")));
        line.unwrap_or_else(|| panic!("no `{what}` in {first:?}")).clone()
    };
    assert_eq!(starting("environment"), "environment: 0", "not even what pit itself was given");
    for closed in ["folder", "file", "thread", "socket", "name"] {
        assert!(starting(closed).contains("Err("), "{}", starting(closed));
    }
    assert!(starting("input").starts_with("input: Ok("), "{}", starting("input"));
    assert!(first.iter().any(|line| line == "on standard output"), "{first:?}");
    // It waited: the clock went on by what it asked for.
    assert!(starting("slept").contains("ms"), "{}", starting("slept"));
    // The same life again, later and elsewhere: every line is compared.
    let mut replay = stage.command(&["replay"]);
    let replay = replay.env("TOKEN", "another").env("TZ", "Asia/Tokyo").output().expect("pit");
    assert_eq!(replay.status.code(), Some(0), "{}", String::from_utf8_lossy(&replay.stdout));
    // The control: another run has another clock and other randomness, so these lines were not the same by nature.
    let (second, _stage) = looks();
    let of = |all: &[String], what: &str| all.iter().find(|line| line.starts_with(what)).cloned();
    for changes in ["wall clock", "order of a map"] {
        assert_ne!(of(&first, changes), of(&second, changes), "{changes}");
    }
}

#[test]
fn an_agent_that_never_ends_is_ended_and_nobody_else_notices() {
    let stage = Stage::new();
    let script = stage.script(HELLO);
    let loops = guest("loops").to_string_lossy().into_owned();
    let mut team = run("refused", "beside");
    team.extend(["--agent", &loops, "-m", &script].map(str::to_owned));
    let began = Instant::now();
    let mut running = stage.start(&args(&team));
    // Other commands have their answers meanwhile.
    while stage.trees().is_empty() {
        assert!(began.elapsed() < Duration::from_secs(60), "it has not begun");
    }
    let id = stage.trees().remove(0);
    let mut slowest = Duration::ZERO;
    while running.try_wait().expect("a child").is_none() {
        let asked = Instant::now();
        let _status = stage.status(&id);
        slowest = slowest.max(asked.elapsed());
        assert!(began.elapsed() < Duration::from_secs(120), "it is not ended");
        std::thread::sleep(Duration::from_millis(200));
    }
    assert!(slowest < Duration::from_secs(10), "{slowest:?}");
    let status = stage.status(&id);
    let summary = status["runs"][0]["end"]["done"]["summary"].as_str().unwrap_or_default().to_owned();
    assert_eq!(summary, "20 answers meanwhile; it ran for 10000 ms without asking for anything", "{status}");
    assert!(status["runs"][1]["end"]["broken"].is_string(), "{status}");
}

#[test]
fn an_agent_that_never_ends_leaves_a_record_and_says_what_is_kept() {
    let stage = Stage::new();
    let said = stage.pit(&args(&run("loops", "x"))).exits(1);
    assert!(said.out.contains("without asking for anything"), "{}{}", said.out, said.err);
    let _ = stage.pit(&["logs"]).exits(0).says("without asking for anything");
}

#[test]
fn an_agent_of_many_steps_commits_each_and_comes_to_the_same_wherever_it_is_cut() {
    let stage = Stage::new();
    let _ = stage.pit(&args(&run("steps", "walk"))).exits(3);
    let status = stage.status(&stage.trees().remove(0));
    let summary = status["runs"][0]["end"]["done"]["summary"].as_str().expect("a summary").to_owned();
    assert!(summary.starts_with("3 files, last commit "), "{summary}");
    let branch = status["branch"].as_str().expect("a branch").to_owned();
    assert!(summary.ends_with(&stage.git(&["rev-parse", &branch])), "{summary}");
    assert_eq!(stage.git(&["rev-list", "--count", &format!("main..{branch}")]), "3");
    super::resume::cut_everywhere(&args(&run("steps", "walk")), HELLO, 7, 20);
}

#[test]
fn an_agent_in_c_runs_what_it_was_granted_and_has_the_checks_run() {
    let stage = Stage::new();
    stage.write("pit.toml", "schema = 1\n[checks.full]\nsame = { run = [\"grep\", \"-q\", \"\", \"README.md\"] }\n");
    stage.git(&["add", "-A"]);
    stage.git(&["commit", "-qm", "x"]);
    let _ = stage.pit(&["trust", "-y"]).exits(0);
    let said = stage.pit(&args(&run("commands-c", "copy"))).exits(0);
    assert!(said.out.contains("wrote 1 files; green: full on tree"), "{}", said.out);
    let id = stage.trees().remove(0);
    let branch = stage.status(&id)["branch"].as_str().expect("a branch").to_owned();
    assert_eq!(stage.git(&["show", &format!("{branch}:made.txt")]), stage.read("README.md").trim_end());
}
