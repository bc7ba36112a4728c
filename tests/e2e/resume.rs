//! Pulling the plug: kill -9 at record boundaries, then `pit resume`: same outcome, same tree.

use orchestra_pit_tests::{Stage, guest};

use super::agent::HELLO;
use super::delegate;

/// A way to be killed: at a record that is on disk, or at one that is queued and not.
const WAYS: [&str; 2] = ["PIT_TEST_DIE_DURABLE", "PIT_TEST_DIE_QUEUED"];

/// Runs an agent with the plug pulled at a record, resumes, and hands over whether it was cut and what the branch holds.
fn cut_at(agent: &str, script: &str, how: &str, record: u64) -> (bool, String) {
    let stage = Stage::new();
    let script = stage.script(script);
    let args = ["agent", "run", agent, "greet", "-m", &script, "--give", "as-asked"];
    let output = stage.command(&args).env(how, record.to_string()).output().expect("pit");
    let cut = output.status.code().is_none();
    if cut && !stage.trees().is_empty() {
        let _ = stage.pit(&["resume", "-m", &script]).exits(3);
    } else if cut {
        // Nothing was on record yet, so nothing was begun: the person starts again.
        let _ = stage.pit(&args).exits(3);
    }
    let branch = stage.git(&["for-each-ref", "--format=%(refname:short)", "refs/heads/pit/"]);
    stage.git(&["fsck", "--strict"]);
    let commits = stage.git(&["rev-list", "--count", &format!("main..{branch}")]);
    (cut, format!("{} {commits}", stage.git(&["rev-parse", &format!("{branch}^{{tree}}")])))
}

/// Cuts at every `step`th record until the run gets through, and compares each time.
fn cut_everywhere(agent: &str, script: &str, step: usize, least: u64) {
    let (cut, undisturbed) = cut_at(agent, script, "PIT_TEST_NONE", 0);
    assert!(!cut);
    for how in WAYS {
        for record in (1_u64..).step_by(step) {
            let (cut, tree) = cut_at(agent, script, how, record);
            assert_eq!(tree, undisturbed, "{how} at record {record}");
            if !cut {
                assert!(record > least, "{how}: only {record} records were reached");
                break;
            }
        }
    }
}

#[test]
fn killed_at_every_record_and_resumed_it_comes_to_the_same() {
    cut_everywhere("hello", &HELLO.replace("hello-c", "hello"), 1, 8);
}

#[test]
fn a_team_that_is_killed_anywhere_comes_to_the_same() {
    cut_everywhere(&guest("parent").to_string_lossy(), delegate::HELLO, 5, 25);
}
