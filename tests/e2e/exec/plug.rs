//! Pulling the plug while a command runs: nothing of it lives, it had no effect, and it is run again and comes to the same.

use orchestra_pit_tests::Stage;

use super::{Running, Sign, branch, has, line, living, said, told, until, words};
use crate::agent::HELLO;

#[test]
fn a_command_in_whose_middle_the_host_is_killed_is_gone_and_runs_again() {
    let stage = Stage::new();
    // The second life is told from the first by an object that is put into the repository between them.
    let sign = Sign::new(&stage);
    let id = &sign.id;
    let waits = format!(
        "sh echo once >> log; setsid -f sleep 86404.11; git cat-file -e {id} || sleep 86404.11; echo more >> log"
    );
    let mut running = Running(stage.start(&words(&line(&["sh echo first > log", &waits, "$ cat log", "commit"]))));
    until("the command", || living("sleep 86404.11").len() >= 2);
    // As `kill -9` does.
    running.kill();
    until("the end of what it started", || living("sleep 86404.11").is_empty());
    sign.give(&stage);
    let _ = stage.pit(&["resume"]).exits(3);
    has(&said(&stage), "out=first\nonce\nmore err=");
    assert_eq!(stage.git(&["show", &format!("{}:log", branch(&stage))]), "first\nonce\nmore");
    assert_eq!(living("sleep 86404.11"), [0; 0]);
}

#[test]
fn a_run_of_commands_that_is_killed_anywhere_comes_to_the_same() {
    let steps = ["sh echo one > a; mkdir -p out; echo x > out/y", "write b two", "sh cat a b > c; rm a", "commit"];
    let line = line(&steps);
    crate::resume::cut_everywhere(&words(&line), HELLO, 3, 8);
}

#[test]
fn a_replay_does_not_run_a_command_again() {
    let stage = Stage::new();
    // What it says and writes is another each time: replayed, it is compared.
    let said = told(&stage, &["sh cat /proc/sys/kernel/random/uuid | tee id", "$ cat id", "commit"]);
    let ids: Vec<&String> = said.iter().filter(|line| line.starts_with("ran: ")).collect();
    assert_eq!(ids.len(), 2, "{said:?}");
    assert_eq!(ids[0], ids[1]);
    let _ = stage.pit(&["replay"]).exits(0);
    // The control: another run has another.
    let again = told(&stage, &["sh cat /proc/sys/kernel/random/uuid | tee id", "$ cat id", "commit"]);
    assert!(!again.contains(ids[0]), "{again:?}");
}

#[test]
fn services_go_with_a_host_that_is_killed() {
    let stage = Stage::new();
    let serve = "import http.server, os, subprocess; subprocess.Popen(['setsid', 'sleep', '86404.12']); \
                 http.server.HTTPServer(('127.0.0.1', int(os.environ['PIT_PORT'])), http.server.SimpleHTTPRequestHandler).serve_forever()";
    stage.write("pit.toml", &format!("schema = 1\n[services]\nweb = {{ run = [\"python3\", \"-c\", \"{serve}\"] }}\n"));
    stage.git(&["add", "-A"]);
    stage.git(&["commit", "-qm", "x"]);
    let _ = stage.pit(&["trust", "-y"]).exits(0);
    let mut running = Running(stage.start(&words(&line(&["sh sleep 86404.13"]))));
    until("the command", || !living("sleep 86404.13").is_empty());
    assert!(!living("sleep 86404.12").is_empty(), "the service is there");
    running.kill();
    until("the end of the command and of the service", || {
        living("sleep 86404.13").is_empty() && living("sleep 86404.12").is_empty()
    });
}
