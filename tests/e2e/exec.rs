//! Native commands as an agent runs them through `pit`: what they find, what becomes of what they write, and what those
//! that mean harm come to.

mod answers;
mod checks;
mod files;
mod hostile;
mod inside;
mod plug;
mod user;

use std::fs;
use std::process::Child;

use orchestra_pit_tests::{Stage, guest};
use serde_json::Value;

/// The command line that has the agent `runs` take some steps.
fn line(steps: &[&str]) -> Vec<String> {
    let path = guest("runs").to_string_lossy().into_owned();
    ["agent", "run", &path, &steps.join("\n"), "--give", "as-asked"].map(str::to_owned).to_vec()
}

fn words(line: &[String]) -> Vec<&str> {
    line.iter().map(String::as_str).collect()
}

/// Has steps taken, and hands over what was said of them.
fn told(stage: &Stage, steps: &[&str]) -> Vec<String> {
    let _ = stage.pit(&words(&line(steps))).exits(3);
    said(stage)
}

/// What the agents of the newest tree have said.
fn said(stage: &Stage) -> Vec<String> {
    let log = stage.pit(&["logs", "--json"]).exits(0).out;
    let mut all = Vec::new();
    for line in log.lines() {
        messages(&serde_json::from_str(line).expect("JSON"), &mut all);
    }
    all
}

fn messages(value: &Value, all: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(text) if name == "message" => all.push(text.clone()),
                    _ => messages(value, all),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| messages(value, all)),
        _ => {}
    }
}

/// Asserts that something was said.
#[track_caller]
fn has(said: &[String], text: &str) {
    assert!(said.iter().any(|line| line.contains(text)), "no `{text}` in {said:#?}");
}

/// Asserts that something was not said.
#[track_caller]
fn has_not(said: &[String], text: &str) {
    assert!(!said.iter().any(|line| line.contains(text)), "`{text}` in {said:#?}");
}

/// The branch of the newest tree.
fn branch(stage: &Stage) -> String {
    let status = stage.status(&stage.trees()[0]);
    status["branch"].as_str().expect("a branch").to_owned()
}

/// Processes of this machine whose command line has a text that nobody else's has.
fn living(text: &str) -> Vec<u32> {
    let processes = fs::read_dir("/proc").expect("processes").flatten();
    let ids = processes.filter_map(|entry| entry.file_name().to_string_lossy().parse().ok());
    ids.filter(|id: &u32| {
        let line = fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        // What carries the text as a part of a task is `pit`, not the command.
        line.contains(text) && !line.contains("agent run")
    })
    .collect()
}

/// Waits for something that must come to be, however slow the machine is.
#[track_caller]
fn until(what: &str, is: impl Fn() -> bool) {
    let began = std::time::Instant::now();
    while !is() {
        assert!(began.elapsed().as_secs() < 120, "{what}: not within two minutes");
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
}

/// A `pit` that is at work, and gone at the latest when the test is.
struct Running(Child);

impl Running {
    /// Waits for its end.
    fn ends(&mut self) -> Option<i32> {
        self.0.wait().expect("pit").code()
    }

    /// Ends it as `kill -9` does.
    fn kill(&mut self) {
        self.0.kill().expect("its end");
        self.0.wait().expect("its end");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A sign that a test gives to a command: an object that comes into the repository, which the command's git sees.
struct Sign {
    id: String,
}

impl Sign {
    fn new(stage: &Stage) -> Self {
        Self { id: Self::object(stage, &["hash-object"]) }
    }

    fn give(&self, stage: &Stage) {
        assert_eq!(Self::object(stage, &["hash-object", "-w"]), self.id);
    }

    fn object(stage: &Stage, how: &[&str]) -> String {
        let file = stage.home().join("sign");
        fs::write(&file, "go on").expect("a file");
        stage.git(&[how, &[&file.to_string_lossy()]].concat())
    }
}
