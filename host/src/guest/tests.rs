//! Guests at work, each a real component: most are written out in WebAssembly's text form, because they do what no
//! compiler would.

#![expect(clippy::disallowed_methods, reason = "tests look at the files that are kept, and at the clock")]

use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex};

use orchestra_pit_core::call::delegate::{Report, Task};
use orchestra_pit_core::call::{Answer, Call, Error, ErrorKind, Value};
use orchestra_pit_core::time::Time;

use super::*;

mod cache;
mod isolation;
mod limits;
mod load;
mod text;
mod wasi;

/// The compiler's process of a test: this test program, started again to run [`child`] alone. What the test harness
/// prints goes nowhere, and the third descriptor is where the machine code comes out.
fn compiler() -> Compiler {
    let script = r#"exec "$0" --exact guest::tests::child --ignored --nocapture 3>&1 1>/dev/null"#;
    let this = std::env::current_exe().unwrap();
    Compiler::new("/bin/sh".into(), ["-c".into(), script.into(), this.into()])
}

#[test]
#[ignore = "not a test: the process that other tests compile with"]
fn child() {
    let output = std::fs::File::options().write(true).open("/dev/fd/3");
    // Without the descriptor somebody runs the ignored tests; there is nothing to do for them.
    let Ok(output) = output else { return };
    let code = compile_child(std::io::stdin(), output);
    std::process::exit(i32::from(code != std::process::ExitCode::SUCCESS) * 3);
}

/// One folder for all tests of this process, so that what two of them use is compiled once.
static PLACES: LazyLock<(tempfile::TempDir, Places)> = LazyLock::new(fresh_places);

fn fresh_places() -> (tempfile::TempDir, Places) {
    let folder = tempfile::tempdir().unwrap();
    let places = Places { code: folder.path().join("code"), key: folder.path().join("key") };
    (folder, places)
}

fn pool(memories: u32) -> Pool {
    Pool { memories }
}

/// An engine that most tests share.
static ENGINE: LazyLock<Engine> =
    LazyLock::new(|| Engine::new(&Limits::default(), &pool(64), &PLACES.1, compiler()).unwrap());

async fn load(wat: &str) -> Agent {
    ENGINE.load(&text::binary(wat)).await.unwrap()
}

fn hello() -> &'static [u8] {
    crate::shipped::AGENTS.iter().find(|agent| agent.name == "hello").unwrap().component
}

/// When every life of a test starts.
const AT: Time = Time(1_000_000_000);

fn start() -> Start {
    let task = Task { goal: "greet".into(), round: 1, ..Task::default() };
    Start { task, card: String::new(), seed: [7; 32], at: AT, limits: few() }
}

/// Limits that a test comes up against soon.
fn few() -> Limits {
    Limits {
        memory: 16 << 20,
        table_elements: 10_000,
        handles: 100,
        call_bytes: 1 << 20,
        ticks: 20,
        ..Limits::default()
    }
}

/// A door that remembers what came through and answers by a function of it.
struct Script<F> {
    calls: Mutex<Vec<Call>>,
    answer: F,
}

impl<F: Fn(usize, &Call) -> Passed + Send + Sync + 'static> Door for Script<F> {
    async fn pass(&self, call: Call) -> Passed {
        let mut calls = self.calls.lock().unwrap();
        let passed = (self.answer)(calls.len(), &call);
        calls.push(call);
        passed
    }
}

fn script<F: Fn(usize, &Call) -> Passed + Send + Sync + 'static>(answer: F) -> Arc<Script<F>> {
    Arc::new(Script { calls: Mutex::default(), answer })
}

impl<F> Script<F> {
    fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }

    /// The log lines that came through.
    fn lines(&self) -> Vec<String> {
        let calls = self.calls();
        calls.iter().filter(|call| matches!(call, Call::Log(_))).map(said).collect()
    }
}

fn said(call: &Call) -> String {
    let Call::Log(line) = call else { panic!("{call:?}") };
    format!("{}: {}", line.level, line.message)
}

/// An answer a millisecond after the one before it.
fn told(seq: usize, answer: Answer) -> Passed {
    Passed::Answer(answer, AT.plus_micros(1_000 * (seq as u64 + 1)))
}

/// Answers everything with "done", as a door does that log lines alone go through.
fn always_done(seq: usize, _: &Call) -> Passed {
    told(seq, Ok(Value::Done))
}

/// Denies everything but log lines, so that a guest that gives up at the first no is done after one call.
fn deny(seq: usize, call: &Call) -> Passed {
    told(seq, if matches!(call, Call::Log(_)) { Ok(Value::Done) } else { Err(Error::denied("test", "no")) })
}

fn done(summary: &str) -> Ended {
    Ended::Done(Report { summary: summary.into(), ..Report::default() })
}

#[track_caller]
fn why(ended: Ended) -> Why {
    match ended {
        Ended::Broken(broken) => broken.why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_guest_reads_its_answers_and_the_host_its_failure() {
    let agent = ENGINE.load(hello()).await.unwrap();
    let door = script(deny);
    let ended = agent.run(Arc::clone(&door), start()).await;
    assert_eq!(ended, Ended::Failed { kind: "denied".into(), message: "no".into() });
    let [Call::Workspace(call)] = &door.calls()[..] else { panic!("{:?}", door.calls()) };
    assert_eq!(call.name(), "workspace.list");
    assert_eq!(agent.contract(), "0.1.0");
}

#[tokio::test]
async fn what_cannot_be_a_call_still_goes_to_the_door() {
    let agent = load(&text::reads("../secret")).await;
    let door = script(|seq, call| match call {
        Call::Malformed { error, .. } => told(seq, Err(error.clone())),
        _ => always_done(seq, call),
    });
    assert_eq!(agent.run(Arc::clone(&door), start()).await, done(""));
    let [Call::Malformed { function, error }] = &door.calls()[..] else { panic!("{:?}", door.calls()) };
    assert_eq!(function, "workspace.read");
    assert_eq!((error.kind, error.rule.as_deref()), (ErrorKind::Denied, Some("outside-workspace")));
    assert!(error.message.contains("../secret"), "{error}");

    // The same guest with a path that is one.
    let agent = load(&text::reads("src/lib.rs")).await;
    let door = script(deny);
    assert_eq!(agent.run(Arc::clone(&door), start()).await, done(""));
    assert!(matches!(&door.calls()[..], [Call::Workspace(_)]));
}

#[tokio::test]
async fn a_life_that_the_host_ends_is_never_observed() {
    let agent = load(&text::reads("a")).await;
    let end = LifeEnd::new("parked", "for a person");
    let given = end.clone();
    let door = script(move |_, _| Passed::EndLife(given.clone()));
    assert_eq!(agent.run(Arc::clone(&door), start()).await, Ended::Life(end));
    assert_eq!(door.calls().len(), 1);
}

#[tokio::test]
async fn an_answer_to_something_else_is_the_hosts_fault() {
    let agent = load(&text::reads("a")).await;
    let ended = agent.run(script(always_done), start()).await;
    let Ended::Life(end) = ended else { panic!("{ended:?}") };
    assert_eq!((end.code, end.message.as_str()), ("host-fault", "the answer to workspace.read is not one to it"));
}
