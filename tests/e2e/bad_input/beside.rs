//! Others at work in the same repository: another pit, git's collector, somebody who cleans up.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use orchestra_pit_tests::{Stage, guest};

use super::branches;
use crate::delegate;
use crate::run::script;

/// A coder that takes its time.
fn slow(stage: &Stage) -> String {
    stage.script(&script("").replace("[model]", "[pace]\ndelay_ms = 1500\n[model]"))
}

/// Starts a run and waits until it is on record.
fn start(stage: &Stage, model: &str) -> (Child, String) {
    let before = stage.trees().len();
    let run = stage.start(&["run", "--solo", "Never overflow", "-m", model]);
    let began = Instant::now();
    while stage.trees().len() == before {
        assert!(began.elapsed() < Duration::from_secs(60), "it has not begun");
        std::thread::sleep(Duration::from_millis(50));
    }
    (run, stage.trees().remove(0))
}

fn ends(run: Child) -> Option<i32> {
    run.wait_with_output().expect("pit").status.code()
}

#[test]
fn a_run_has_one_owner_and_others_are_told_who() {
    let stage = Stage::new();
    let model = slow(&stage);
    let (run, id) = start(&stage, &model);
    let _ = stage.pit(&["resume", &id, "-m", &model]).exits(1).says("another pit is at work").says("pit attach");
    let _ = stage.pit(&["accept", "--unverified", &id, "-y"]).exits(2).says("has not ended");
    assert_eq!(ends(run), Some(3));
    // The control: without an owner the same is possible.
    let _ = stage.pit(&["accept", "--unverified", &id, "-y"]).exits(0);
}

#[test]
fn two_runs_side_by_side_do_not_meet() {
    let stage = Stage::new();
    let model = slow(&stage);
    let (one, _) = start(&stage, &model);
    let (two, _) = start(&stage, &model);
    assert_eq!((ends(one), ends(two)), (Some(3), Some(3)));
    assert_eq!(branches(&stage).len(), 2);
    stage.git(&["fsck", "--strict", "--no-dangling"]);
}

/// `git gc --prune=now` without a break, until it is dropped.
struct Collector(Child);

impl Collector {
    fn start(stage: &Stage) -> Self {
        let looping =
            "trap ended=yes TERM; while [ -z \"$ended\" ]; do git gc -q --prune=now; git prune --expire=now; done";
        let mut shell = Command::new("sh");
        let child = shell.args(["-c", looping]).current_dir(stage.repo()).stderr(Stdio::null()).spawn();
        Self(child.expect("sh"))
    }
}

impl Drop for Collector {
    /// The shell alone is asked to end: what it has started ends by itself, for git that is killed leaves its locks.
    fn drop(&mut self) {
        let _ = Command::new("kill").args(["-TERM", "--", &self.0.id().to_string()]).status();
        let _ = self.0.wait();
    }
}

#[test]
fn a_team_works_on_beside_a_collector_that_never_rests() {
    let stage = Stage::new();
    let script = stage.script(&delegate::HELLO.replace("schema = 1", "schema = 1\n[pace]\ndelay_ms = 800"));
    let collector = Collector::start(&stage);
    let parent = guest("parent").to_string_lossy().into_owned();
    let _ = stage.pit(&["agent", "run", &parent, "lead", "-m", &script, "--give", "as-asked"]).exits(3);
    drop(collector);
    stage.git(&["gc", "-q", "--prune=now"]);
    stage.git(&["fsck", "--strict", "--no-dangling"]);
    let branch = branches(&stage).remove(0);
    assert!(stage.git(&["show", &format!("{branch}:HELLO.md")]).contains("Hello, team."));
}

#[test]
fn somebody_who_cleans_up_in_the_middle_takes_nothing_of_a_run() {
    let stage = Stage::new();
    let model = slow(&stage);
    stage.write("scratch.txt", "mine\n");
    let (run, id) = start(&stage, &model);
    stage.git(&["clean", "-fdxq"]);
    assert!(!stage.repo().join("scratch.txt").exists());
    assert_eq!(ends(run), Some(3));
    stage.git(&["clean", "-fdxq"]);
    let _ = stage.pit(&["accept", "--unverified", &id, "-y"]).exits(0);
    assert!(stage.read("src/lib.rs").contains("saturating_add"));
}
