//! Pulling the plug: kill -9 at record boundaries, then `pit resume`: same outcome, same tree.

use orchestra_pit_tests::{Stage, guest};

use super::agent::HELLO;
use super::{delegate, team};

/// A way to be killed: at a record that is on disk, or at one that is queued and not.
const WAYS: [&str; 2] = ["PIT_TEST_DIE_DURABLE", "PIT_TEST_DIE_QUEUED"];

/// Runs a command line with the plug pulled at a record, resumes, and hands over whether it was cut and what the branch holds.
fn cut_at(stage: &Stage, line: &[&str], how: &str, record: u64) -> (bool, String) {
    let before = stage.trees().len();
    let output = stage.command(line).env(how, record.to_string()).output().expect("pit");
    let cut = output.status.code().is_none();
    if cut && stage.trees().len() > before {
        let _ = stage.pit(&["resume", "-m", line.last().expect("a model")]).exits(3);
    } else if cut {
        // Nothing was on record yet, so nothing was begun: the person starts again.
        let _ = stage.pit(line).exits(3);
    }
    let status = stage.status(&stage.trees()[0]);
    let branch = status["branch"].as_str().expect("a branch");
    let commits = stage.git(&["rev-list", "--count", &format!("main..{branch}")]);
    (cut, format!("{} {commits}", stage.git(&["rev-parse", &format!("{branch}^{{tree}}")])))
}

/// Cuts at every `step`th record until the run gets through, and compares each time. All in one repository: what a host that
/// was killed leaves behind must be in nobody's way, and agents are compiled once.
pub fn cut_everywhere(line: &[&str], script: &str, step: usize, least: u64) {
    let stage = Stage::new();
    let script = stage.script(script);
    let line = [line, &["-m", &script]].concat();
    let (cut, undisturbed) = cut_at(&stage, &line, "PIT_TEST_NONE", 0);
    assert!(!cut);
    for how in WAYS {
        for record in (1_u64..).step_by(step) {
            let (cut, tree) = cut_at(&stage, &line, how, record);
            assert_eq!(tree, undisturbed, "{how} at record {record}");
            if !cut {
                assert!(record > least, "{how}: only {record} records were reached");
                break;
            }
        }
    }
    stage.git(&["fsck", "--strict"]);
}

/// A command line that runs one agent.
fn agent(agent: &str) -> [&str; 6] {
    ["agent", "run", agent, "greet", "--give", "as-asked"]
}

#[test]
fn killed_at_every_record_and_resumed_it_comes_to_the_same() {
    cut_everywhere(&agent("hello"), &HELLO.replace("hello-c", "hello"), 1, 8);
}

#[test]
fn a_parent_that_is_killed_anywhere_comes_to_the_same() {
    cut_everywhere(&agent(&guest("parent").to_string_lossy()), delegate::HELLO, 5, 25);
}

#[test]
fn a_team_that_is_killed_anywhere_comes_to_the_same() {
    // Sent back, taken over, built upon: a stride that is no multiple of anything, so that it comes upon all of it.
    cut_everywhere(&["run", "Never overflow"], team::relay().text(), 29, 150);
}

#[test]
fn a_run_whose_host_is_gone_is_cancelled_without_going_on() {
    let stage = Stage::new();
    let script = stage.script(&HELLO.replace("hello-c", "hello"));
    let line = [&agent("hello")[..], &["-m", &script]].concat();
    let cut = stage.command(&line).env("PIT_TEST_DIE_DURABLE", "5").output().expect("pit");
    assert!(cut.status.code().is_none(), "it is killed");
    let _ = stage.pit(&["ls"]).exits(0).says("stopped; can be resumed");
    let id = stage.trees().remove(0);
    let row = stage.pit(&["status"]).exits(0).out.lines().nth(1).unwrap_or_default().to_owned();
    assert!(row.contains(" stopped: ") && !row.contains(" s "), "it is not at work: {row}");
    // Without its model, which `resume` would ask for.
    let _ = stage.pit(&["cancel", &id, "-m", "not needed"]).exits(0).says("is cancelled; what was committed is kept");
    let _ = stage.pit(&["ls"]).exits(0).says("cancelled: not needed");
    let _ = stage.pit(&["cancel", &id]).exits(0).says("has ended already");
}
