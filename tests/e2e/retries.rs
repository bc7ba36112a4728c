//! A server that does not answer: what people see of pit's patience, and of its end.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;

use orchestra_pit_tests::Stage;

/// A server that says no in these words, each time it is asked; it ends with the test. Configured as `busy` for the stage.
fn busy(stage: &Stage, head: &'static str) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("its number").port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut reader = BufReader::new(stream);
            let (mut line, mut length) = (String::new(), 0_u64);
            while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
                let small = line.to_ascii_lowercase();
                length = small.strip_prefix("content-length:").map_or(length, |n| n.trim().parse().unwrap_or(0));
                line.clear();
            }
            // An answer before the whole request would be a broken connection.
            let _ = std::io::copy(&mut (&mut reader).take(length), &mut std::io::sink());
            let body = r#"{"error":{"message":"slow down"}}"#;
            let answer =
                format!("HTTP/1.1 {head}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len());
            let _ = reader.get_mut().write_all(answer.as_bytes());
        }
    });
    let config = stage.home().join(".config/orchestra-pit");
    std::fs::create_dir_all(&config).expect("a folder");
    let text = format!(
        "schema = 1\n[provider.busy]\nprotocol = \"chat\"\nurl = \"http://127.0.0.1:{port}/v1\"\nattempts = 2\n\
         [[family]]\nmatch = [\"m*\"]\ncontext = 20000\n"
    );
    std::fs::write(config.join("config.toml"), text).expect("a file");
}

const RUN: &[&str] = &["run", "--solo", "Paint it", "-m", "busy/m"];

#[test]
fn each_new_attempt_is_seen() {
    let stage = Stage::new();
    busy(&stage, "429 Too Many Requests\r\nretry-after: 1");
    let said = stage.pit(RUN).exits(1);
    let line = said.err.lines().find(|line| line.contains("  asks again in ")).unwrap_or_else(|| panic!("{said:?}"));
    assert!(line.starts_with("coder ") && line.ends_with("answers (429): slow down"), "{line}");
    let said = stage.pit(&[RUN, &["-o", "stream-json"]].concat()).exits(1);
    let line = said.out.lines().find(|line| line.contains("model.retried")).unwrap_or_else(|| panic!("{said:?}"));
    assert!(line.contains("asks again in ") && line.contains(" s: busy at 127.0.0.1"), "{line}");
    let mut run = stage.attend(RUN);
    run.sees("asks again in ");
    assert_eq!(run.ends(), 1);
}

#[test]
fn a_wait_that_is_too_long_is_told_at_once() {
    let stage = Stage::new();
    busy(&stage, "429 Too Many Requests\r\nretry-after: 3600");
    let said = stage.pit(RUN).exits(1);
    assert!(!said.err.contains("asks again"), "{}", said.err);
    let _ = said.says("answers (429): slow down; it asks to wait 60m and pit waits 2m at most").says("pit send ");
}

#[test]
fn a_run_keeps_its_models_and_says_so() {
    let stage = Stage::new();
    busy(&stage, "429 Too Many Requests\r\nretry-after: 3600");
    let _ = stage.pit(RUN).exits(1);
    let id = stage.trees().remove(0);
    let other = stage.pit(&["resume", &id, "-m", "busy/m2"]).exits(2);
    let _ =
        other.says(&format!("run {id} asks busy/m, and a run keeps its models")).says("-m busy/m2 starts another run");
    // The control: with its own it goes on, or says that there is nothing to go on with.
    let said = stage.pit(&["resume", &id, "-m", "busy/m"]);
    assert!(!said.err.contains("keeps its models"), "{}", said.err);
}
