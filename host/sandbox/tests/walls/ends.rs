//! Ends: whatever was started is gone, however it ended.

use std::fs;
use std::io::Read;
use std::process::{Command, Stdio};
use std::time::Duration;

use orchestra_pit_sandbox::{Ended, Error, Spec};

use crate::common::{PROGRAM, bare, run, run_with, sh, start};

/// Whether a process of this machine has a word among its arguments.
fn lives(word: &str) -> bool {
    let processes = fs::read_dir("/proc").expect("/proc").flatten();
    let lines = processes.filter_map(|process| fs::read(process.path().join("cmdline")).ok());
    lines.map(|line| String::from_utf8_lossy(&line).into_owned()).any(|line| line.split('\0').any(|part| part == word))
}

/// Waits for something that comes sooner or later; a minute is for a machine that does much else.
#[track_caller]
fn comes(what: &str, mut is: impl FnMut() -> bool) {
    for _ in 0..6000 {
        if is() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("{what} did not come");
}

/// A number of seconds that nobody else sleeps.
fn mark(of: u32) -> String {
    format!("{}.{of}", 100_000 + std::process::id())
}

/// A command that leaves a daemon, a double fork and a session of its own behind.
fn leaving(mark: &str, then: &str) -> Spec {
    sh(&format!("sleep {mark} & (setsid sh -c 'nohup sleep {mark} >/dev/null 2>&1 & sleep {mark} &' &) ; {then}"))
}

#[test]
fn daemons_are_gone_when_it_is_said_to_have_ended() {
    let mark = mark(1);
    let started = start(&leaving(&mark, &format!("sleep {mark}")));
    comes("a daemon", || lives(&mark));
    drop(started);
    assert!(!lives(&mark), "after the call was dropped");
    run(&leaving(&mark, "sleep 0.3")).well();
    assert!(!lives(&mark), "after the command ended");
    let mut spec = leaving(&mark, "sleep 1000");
    spec.limits.wall_ms = Some(500);
    assert!(matches!(run(&spec).report.ended, Ended::Over(_)));
    assert!(!lives(&mark), "after its time");
}

#[test]
fn nothing_is_left_of_a_host_that_was_killed() {
    let mark = mark(2);
    let mut spec = leaving(&mark, &format!("sleep {mark}"));
    // Longer than the test waits, so that it is not this that ends it.
    spec.limits.wall_ms = Some(600_000);
    let spec = serde_json::to_string(&spec).expect("JSON");
    let mut host = Command::new(PROGRAM).arg(spec).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("a host");
    comes("the command", || lives(&mark));
    host.kill().expect("kill -9");
    host.wait().expect("its end");
    comes("the end", || !lives(&mark));
}

#[test]
fn the_first_process_cannot_be_killed_or_stopped_from_inside() {
    let said = run(&sh("kill -9 1; kill -STOP 1; kill -TERM 1; sleep 0.2; echo still here")).well();
    assert_eq!(said, "still here\n");
}

#[test]
fn an_end_is_told_as_it_was() {
    assert_eq!(run(&sh("exit 7")).report.ended, Ended::Exit(7));
    assert_eq!(run(&sh("kill -SEGV $$")).report.ended, Ended::Signal(11));
    assert_eq!(run(&sh("kill -9 $$")).report.ended, Ended::Signal(9));
}

#[test]
fn standard_input_ends() {
    let spec = bare(&["cat"]);
    assert_eq!(run(&spec).well(), "");
    let long = vec![b'x'; 3 << 20];
    assert_eq!(run_with(&spec, &long).expect("a sandbox").well().len(), long.len());
    assert_eq!(run_with(&sh("echo no > /dev/stdin; cat"), b"sealed").expect("a sandbox").well(), "sealed");
}

#[test]
fn what_cannot_be_started_is_named() {
    let said = |spec: &Spec| match run_with(spec, b"") {
        Err(Error::Failed(failed)) => failed.to_string(),
        other => panic!("{other:?}"),
    };
    assert!(said(&bare(&["no-such-tool"])).contains("`no-such-tool` is not in /usr/local/bin:/usr/bin:/bin"));
    let mut spec = sh("true");
    spec.cwd = "/no/such".into();
    assert!(said(&spec).contains("working directory"), "{}", said(&spec));
    let mut spec = sh("true");
    spec.mounts.push(orchestra_pit_sandbox::Mount::read_only("/no/such", "/w"));
    assert!(said(&spec).contains("/no/such"));
    assert!(said(&bare(&[])).contains("empty"));
}

#[test]
fn a_terminal_is_the_commands_own() {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).expect("a terminal");
    grantpt(&master).and_then(|()| unlockpt(&master)).expect("its other end");
    let name = ptsname(&master, Vec::new()).expect("a name").into_string().expect("a name");
    let slave = fs::File::options().read(true).write(true).open(name).expect("its other end");
    let mut spec = sh("test -t 0 && test -t 1 && echo own > /dev/tty; ps -o tpgid= -p $$ >/dev/null; exit 3");
    spec.terminal = true;
    let ends = [Stdio::from(slave.try_clone().expect("a copy")), Stdio::from(slave)];
    let [out, err] = ends;
    let started = orchestra_pit_sandbox::start_at(PROGRAM.as_ref(), &spec, b"", out, err).expect("a sandbox");
    assert_eq!(started.wait().expect("a report").ended, Ended::Exit(3));
    let mut said = [0; 64];
    let length = fs::File::from(master).read(&mut said).expect("output");
    assert_eq!(&said[..length], b"own\r\n");
}

#[test]
fn a_key_that_interrupts_the_host_is_not_for_the_command() {
    let started = start(&sh("sleep 1000"));
    let group = |id: Option<rustix::process::Pid>| rustix::process::getpgid(id).expect("its group");
    let stage = rustix::process::Pid::from_raw(i32::try_from(started.id()).expect("a small number"));
    assert_ne!(group(stage), group(None));
}
