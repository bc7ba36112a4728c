//! What the reviewer is shown, what it is not, and what becomes of a verdict.

use crate::judge::Judging;
use kit::brief::HANDOFF;
use kit::review::{REVIEW, Verdict};
use kit::session::TEAM;
use kit::testing::{Fake, calls, text_of};
use kit::{Host, Review, reader};
use orchestra_pit_sdk::{Criterion, Failure, Outcome, Task};

const YES: &str = r#"{"verdict":"approve","criteria":[{"id":"1","met":true,"evidence":"src/ls.rs:4"}],"remarks":[]}"#;

fn task() -> Task {
    Task {
        criteria: vec![Criterion { id: "1".into(), text: "prints JSON".into(), more: Vec::new() }],
        settings: vec![("since".into(), "0123abcd".into())],
        more: vec![("card".into(), "t1".into())],
        ..Task::new("Add --json to ls")
    }
}

fn run(host: &Fake, task: &Task) -> Result<Outcome, Failure> {
    reader::work(host, task, &mut Judging::new(task))
}

/// A host on which a writer has said much about its work.
fn praised() -> Fake {
    let host = Fake::new("claude", &[("src/ls.rs", "fn ls() {}\n"), ("AGENTS.md", "Test all.")]);
    host.commits.replace(vec!["Begin".into(), "NARRATIVE in a commit".into()]);
    host.post(HANDOFF, r#"{"task":"t1","changed":"NARRATIVE handed over"}"#).unwrap();
    host.post(TEAM, "NARRATIVE on the board").unwrap();
    host.files.borrow_mut().insert("src/new.rs".into(), b"x".to_vec());
    host
}

#[test]
fn it_sees_change_criteria_and_files_and_not_the_writers_words() {
    let host = praised().replies([calls(&[("diff", "{}")]), calls(&[("judge", YES)])]);
    assert!(run(&host, &task()).is_ok());
    let all: String = host.requests.borrow().iter().flat_map(|request| &request.messages).map(text_of).collect();
    assert!(!all.contains("NARRATIVE"), "{all}");
    for part in ["# Task\n\nAdd --json", "- 1: prints JSON", "Test all.", "# Change", "diff --git a/src/new.rs"] {
        assert!(all.contains(part), "no {part:?} in\n{all}");
    }
}

#[test]
fn a_verdict_travels_on_the_board_with_its_task() {
    let host = praised().replies([calls(&[("judge", YES)])]);
    let Ok(Outcome::Done(report)) = run(&host, &task()) else { panic!("not done") };
    assert_eq!((report.summary.as_str(), report.criteria[0].met), ("approved", true));
    let notes = host.notes.borrow();
    let review: Review = serde_json::from_str(&notes.iter().find(|note| note.topic == REVIEW).unwrap().body).unwrap();
    assert_eq!((review.card.as_str(), review.verdict), ("t1", Verdict::Approve));
}

#[test]
fn a_verdict_without_evidence_or_remarks_goes_back_to_the_model() {
    let none = r#"{"verdict":"approve","criteria":[],"remarks":[]}"#;
    let silent = r#"{"verdict":"send-back","criteria":[{"id":"1","met":false,"evidence":"nowhere"}],"remarks":[]}"#;
    let odd = r#"{"verdict":"maybe","criteria":[],"remarks":[]}"#;
    let no = r#"{"verdict":"send-back","criteria":[{"id":"1","met":false,"evidence":"nowhere"}],"remarks":["add it"]}"#;
    for (wrong, said) in
        [(none, "1 is not answered: prints JSON"), (silent, "needs a remark"), (odd, "it must be approve or send-back")]
    {
        let host = praised().replies([calls(&[("judge", wrong)]), calls(&[("judge", YES)])]);
        assert!(run(&host, &task()).is_ok());
        assert!(host.last_told().contains(said), "{}", host.last_told());
    }
    let outcome = run(&praised().replies([calls(&[("judge", no)])]), &task());
    let Ok(Outcome::Done(report)) = outcome else { panic!("{outcome:?}") };
    assert_eq!(report.summary, "sent back: add it");
}

#[test]
fn the_hosts_verdict_is_shown_before_the_change_where_there_is_one() {
    for (said, word) in [("green: full on tree 7777\n- test a: proved: it fails without the change", true), ("", false)]
    {
        let host = praised().replies([calls(&[("judge", YES)])]);
        let mut task = task();
        task.settings.push(("verdict".into(), said.into()));
        run(&host, &task).unwrap();
        let first = text_of(&host.requests.borrow()[0].messages[0]);
        assert_eq!(first.contains("# Verdict\n\nThe host ran"), word, "{first}");
        assert!(
            first.contains(said) && first.find("# Verdict").unwrap_or(0) < first.find("# Change").unwrap(),
            "{first}"
        );
    }
}
