//! Whole pieces of a tester's work, with a host in memory.

use crate::work::work;
use kit::Host;
use kit::brief::HANDOFF;
use kit::tested::{Came, TESTS, Tested};
use kit::testing::{Fake, calls, ran, text_of, verdict};
use orchestra_pit_sdk::board::Card;
use orchestra_pit_sdk::model::Reply;
use orchestra_pit_sdk::{Criterion, Error, Outcome, Report, Result, Task};
use serde_json::{Value, json};

fn task() -> Task {
    let criterion = |id: &str, text: &str| Criterion { id: id.into(), text: text.into(), more: Vec::new() };
    let setting = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    Task {
        criteria: vec![criterion("1", "prints JSON"), criterion("2", "reads well")],
        settings: vec![setting("since", "0123abcd"), setting("commands", "yes"), setting("checks", "fast,full")],
        more: vec![("card".into(), "t1".into())],
        ..Task::new("Test: add --json to ls")
    }
}

fn host() -> Fake {
    let host = Fake::new("claude", &[("src/ls.rs", "fn ls() {}\n"), ("AGENTS.md", "Test with cargo test.\n")]);
    host.files.borrow_mut().insert("src/json.rs".into(), b"x".to_vec());
    host
}

fn call(name: &str, arguments: Value) -> Result<Reply> {
    calls(&[(name, &arguments.to_string())])
}

fn write() -> Result<Reply> {
    let text = "#[test]\nfn json() {}\n";
    let create = json!({"command": "create", "path": "tests/ls.rs", "file_text": text});
    call("str_replace_based_edit_tool", create)
}

fn test() -> Result<Reply> {
    call("bash", json!({"command": "cargo test"}))
}

fn finish(result: &str, seen: &str) -> Result<Reply> {
    let tests = json!([{"test": "tests/ls.rs::json", "criterion": "1", "result": result, "seen": seen}]);
    let untested = json!([{"criterion": "2", "why": "no program can tell"}]);
    call("finish", json!({"summary": "Test --json", "how": "cargo test", "tests": tests, "untested": untested}))
}

fn done(host: &Fake) -> Report {
    match work(host, &task()) {
        Ok(Outcome::Done(report)) => report,
        other => panic!("{other:?}"),
    }
}

fn found(host: &Fake) -> Tested {
    let notes = host.notes.borrow();
    serde_json::from_str(&notes.iter().rfind(|note| note.topic == TESTS).unwrap().body).unwrap()
}

#[test]
fn from_the_first_look_to_the_findings() {
    let host = host()
        .replies([write(), test(), finish("fails", "expected [], saw nothing")])
        .runs([ran(101, "test json ... FAILED")]);
    let report = done(&host);
    assert_eq!(*host.commits.borrow(), ["Begin", "Test --json"]);
    let found = found(&host);
    assert_eq!((found.card.as_str(), found.how.as_str()), ("t1", "cargo test"));
    assert_eq!((found.tests[0].result, found.tests[0].criterion.as_str()), (Came::Fails, "1"));
    let met: Vec<_> = report.criteria.iter().map(|e| (e.met, e.evidence.as_str())).collect();
    assert_eq!(
        met,
        [(false, "tests/ls.rs::json fails: expected [], saw nothing"), (false, "it has no test: no program can tell")]
    );
    // What fails shows something; nobody has to make it green first, and the host judges it elsewhere.
    assert!(host.checked.borrow().is_empty());
}

#[test]
fn the_first_message_has_task_criteria_change_and_hand_offs_in_order() {
    let host = host().replies([finish("passes", "")]);
    host.post(HANDOFF, r#"{"task":"t0","changed":"made room"}"#).unwrap();
    let card = |id: &str, after: &[String]| Card {
        id: id.into(),
        title: String::new(),
        state: "done".into(),
        doing: String::new(),
        after: after.to_vec(),
        run: String::new(),
        more: Vec::new(),
    };
    host.cards.replace(vec![card("t0", &[]), card("t1", &["t0".into()])]);
    done(&host);
    let requests = host.requests.borrow();
    let (system, first) = (&requests[0].system, text_of(&requests[0].messages[0]));
    let mut at = 0;
    for part in [
        "# Task\n\nTest: add",
        "# Criteria\n\n- 1: prints JSON",
        "# Instructions",
        "Test with cargo test.",
        "# Repository",
        "# Change",
        "diff --git a/src/json.rs",
        "# Hand-offs",
    ] {
        at += first.get(at..).and_then(|rest| rest.find(part)).unwrap_or_else(|| panic!("no {part:?} in\n{first}"));
    }
    for part in ["You may write tests and what they read", "`bash`", "`check`", "str_replace_based_edit_tool"] {
        assert!(system.contains(part), "no {part:?} in\n{system}");
    }
    assert!(!first.contains("# History"));
}

#[test]
fn findings_are_complete_or_go_back_to_the_model() {
    let silent = call("finish", json!({"summary": "x", "how": "", "tests": []}));
    let odd = call("finish", json!({"summary": "x", "how": "y", "tests": [{"name": "a"}]}));
    for (wrong, said) in [
        (silent, ["`how` is empty", "1 has no test, and no reason"]),
        (finish("fails", " "), ["say under `seen`", "tests/ls.rs::json"]),
        (odd, ["not as they must be", "missing field"]),
    ] {
        let host = host().replies([wrong, finish("passes", "")]);
        done(&host);
        for part in said {
            assert!(host.last_told().contains(part), "{}", host.last_told());
        }
    }
}

#[test]
fn tests_that_nobody_ran_are_held_back_once() {
    let host = host().replies([write(), finish("passes", ""), test(), finish("passes", "")]).runs([ran(0, "ok")]);
    done(&host);
    let told = text_of(host.requests.borrow()[2].messages.last().unwrap());
    assert!(told.contains("run the tests first"), "{told}");
    // The person's checks do as well, and a red verdict is told as it is.
    let host = self::host()
        .replies([write(), call("check", json!({})), finish("not-run", "no database")])
        .judges([verdict("red", "fast", &["json"])]);
    let report = done(&host);
    assert_eq!(host.requests.borrow().len(), 3);
    assert!(report.doubts.contains(&"some of the tests were not run".to_owned()), "{:?}", report.doubts);
    assert!(report.doubts.iter().any(|doubt| doubt.starts_with("the host's verdict is red")), "{:?}", report.doubts);
}

#[test]
fn what_it_may_not_write_is_told_with_the_rule() {
    let edit = json!({"command": "str_replace", "path": "src/ls.rs", "old_str": "{}", "new_str": "{ }"});
    let host = host().replies([call("str_replace_based_edit_tool", edit), finish("passes", "")]);
    host.refuse("edit", Error { rule: Some("not-granted".into()), ..Error::new("denied", "write src/ls.rs") });
    done(&host);
    assert!(host.last_told().contains("rule: not-granted"), "{}", host.last_told());
}
