//! Commands and checks: what is offered, what comes of them, and how the work ends.

use super::{call, done, edit, finish, host, shown, task};
use crate::work::work;
use kit::testing::{Fake, calls, ran, text_of, verdict, words};
use orchestra_pit_sdk::model::Reply;
use orchestra_pit_sdk::{Error, Report, Result, Task};
use serde_json::json;

fn granted(commands: &str, checks: &str) -> Task {
    Task { settings: vec![("commands".into(), commands.into()), ("checks".into(), checks.into())], ..task() }
}

fn bash(command: &str) -> Result<Reply> {
    call("bash", json!({ "command": command }))
}

fn check() -> Result<Reply> {
    call("check", json!({}))
}

fn told(host: &Fake, request: usize) -> String {
    host.requests.borrow().get(request).and_then(|request| request.messages.last()).map(text_of).unwrap_or_default()
}

fn worked(host: &Fake, checks: &str) -> Report {
    done(work(host, &granted("yes", checks)))
}

#[test]
fn the_first_request_with_commands_and_checks_is_the_one_that_was_read() {
    let host = host("claude").replies([finish()]);
    work(&host, &granted("yes", "fast,full")).unwrap();
    let shown = shown(&host.requests.borrow()[0]);
    let read = include_str!("checked-request.txt");
    let tools = shown.split("===== tools =====").next().unwrap_or_default();
    assert!(
        tools.trim_end() == read.trim_end(),
        "the system prompt is another than in src/tests/checked-request.txt; it is now:\n{tools}"
    );
}

#[test]
fn only_what_was_granted_is_offered_and_told() {
    for (commands, checks, there) in
        [("", "", ""), ("yes", "", "bash"), ("", "fast", "check"), ("yes", "full", "bash check")]
    {
        let host = host("claude").replies([finish()]);
        work(&host, &granted(commands, checks)).unwrap();
        let requests = host.requests.borrow();
        let names: Vec<&str> = requests[0].tools.iter().map(|tool| tool.name.as_str()).collect();
        let offered: Vec<&str> = names.iter().copied().filter(|name| matches!(*name, "bash" | "check")).collect();
        assert_eq!(offered.join(" "), there);
        assert_eq!(requests[0].system.contains("You cannot run commands"), commands.is_empty());
        assert_eq!(requests[0].system.contains("`check` has the host run"), !checks.is_empty());
    }
    // What is not offered does not work either.
    let host = host("claude").replies([calls(&[("bash", r#"{"command":"ls"}"#), ("check", "{}")]), finish()]);
    done(work(&host, &task()));
    assert!(host.commands.borrow().is_empty() && host.checked.borrow().is_empty());
    assert!(host.last_told().contains("there is no tool \"check\""), "{}", host.last_told());
}

#[test]
fn a_failure_goes_back_to_the_model_until_it_is_green() {
    let host = host("claude")
        .replies([edit("String", "str"), check(), edit("> str", "> &str"), check(), finish()])
        .judges([verdict("red", "fast", &["ls::json"]), verdict("green", "fast", &[])]);
    let report = worked(&host, "fast");
    assert!(told(&host, 2).contains("red: fast on tree 7777\n- test: failed"), "{}", told(&host, 2));
    assert!(told(&host, 2).contains("fails now and did not before: ls::json"));
    assert_eq!(*host.checked.borrow(), ["fast", "fast"]);
    assert_eq!(report.doubts, ["Windows"]);
    assert_eq!(report.more, [("verdict".to_owned(), "green: fast on tree 7777".to_owned())]);
}

#[test]
fn the_end_without_a_check_is_held_back_once() {
    let host = host("claude").replies([edit("String", "str"), finish(), check(), finish()]);
    let report = worked(&host, "fast");
    assert!(told(&host, 2).contains("run the checks first"), "{}", told(&host, 2));
    assert_eq!(report.doubts, ["Windows"]);
    // Whoever insists is let go, and the report says how things stand.
    let host = self::host("claude").replies([edit("String", "str"), finish(), finish()]);
    let report = worked(&host, "fast");
    assert!(host.checked.borrow().is_empty());
    assert_eq!(report.doubts, ["Windows", "the checks were not run after the last change"]);
    assert!(report.more.is_empty(), "there is no verdict about these files");
}

#[test]
fn a_claim_of_green_and_the_hosts_red_are_both_in_the_report() {
    let host = host("claude").replies([edit("String", "str"), check(), finish(), finish()]).judges([verdict(
        "red",
        "fast",
        &["ls::json"],
    )]);
    let report = worked(&host, "fast");
    assert!(told(&host, 3).contains("the checks are red; mend what fails"), "{}", told(&host, 3));
    assert!(report.criteria[0].met, "its claim stays");
    assert_eq!(report.doubts[1], "the host's verdict is red: red: fast on tree 7777");
    assert_eq!(report.more[0].1, "red: fast on tree 7777");
    assert!(host.notes.borrow()[0].body.contains("the host's verdict is red"), "those who come after know it too");
}

#[test]
fn a_result_is_judged_in_full_before_it_is_handed_over() {
    let red = verdict("red", "full", &["other"]);
    let host = host("claude")
        .replies([edit("String", "str"), check(), finish(), edit("> str", "> &str"), check(), finish()])
        .judges([
            verdict("green", "fast", &[]),
            red.clone(),
            verdict("green", "fast", &[]),
            verdict("no-worse", "full", &[]),
        ]);
    let report = worked(&host, "fast,full");
    assert_eq!(*host.checked.borrow(), ["fast", "full", "fast", "full"]);
    assert!(told(&host, 3).starts_with("The work is not handed over yet, because the full checks are red."));
    assert!(told(&host, 3).contains("fails now and did not before: other"));
    assert_eq!((report.doubts.len(), report.more[0].1.as_str()), (1, "no-worse: full on tree 7777"));
    // It is held back once; then both are reported.
    let host = self::host("claude")
        .replies([edit("String", "str"), check(), finish(), finish()])
        .judges([verdict("green", "fast", &[]), red]);
    let report = worked(&host, "fast,full");
    assert!(report.doubts[1].starts_with("the host's verdict is red"), "{:?}", report.doubts);
    // What cannot be judged is said, and does not hold up the rest.
    let host = self::host("claude").replies([edit("String", "str"), finish(), finish()]);
    host.refuse("check", Error::new("unsupported", "no walls"));
    let report = worked(&host, "full");
    assert!(report.doubts.iter().any(|doubt| doubt.contains("no walls")), "{:?}", report.doubts);
}

#[test]
fn what_a_command_changes_counts_as_a_change() {
    let mut formatted = ran(0, "formatted");
    formatted.changed = vec!["src/ls.rs".into()];
    let host = host("claude")
        .replies([edit("String", "str"), check(), bash("cargo fmt"), finish(), finish()])
        .runs([formatted]);
    let report = worked(&host, "fast");
    assert!(told(&host, 3).contains("exit 0 after 1.5 s\n--- output ---\nformatted\nchanged: src/ls.rs"));
    assert!(told(&host, 4).contains("run the checks first"), "{}", told(&host, 4));
    assert_eq!(host.commands.borrow()[0].argv, ["cargo", "fmt"]);
    assert!(report.doubts.contains(&"the checks were not run after the last change".to_owned()));
    assert!(host.notes.borrow()[0].body.contains("src/ls.rs"), "it is among the files handed over");
}

#[test]
fn the_third_same_failure_of_a_command_or_a_check_ends_it() {
    let test = || bash("cargo test");
    let step = || words("Next step: read it");
    let host = host("claude")
        .replies([test(), test(), step(), test()])
        .runs((1..4).map(|n| ran(101, &format!("src/a.rs:{n}: test a ... FAILED"))));
    let failure = work(&host, &granted("yes", "fast")).unwrap_err();
    assert_eq!(failure.kind, "stuck");
    assert!(failure.message.contains("run cargo test: exit 101"), "{}", failure.message);

    let host = self::host("claude")
        .replies([edit("String", "a"), check(), edit("> a", "> b"), check(), step(), edit("> b", "> c"), check()])
        .judges((0..3).map(|_| verdict("red", "fast", &["ls::json"])));
    let failure = work(&host, &granted("yes", "fast")).unwrap_err();
    assert!(failure.message.contains("check fast: red: fast"), "{}", failure.message);
    assert!(failure.message.contains("what there was is committed"), "{}", failure.message);
}

#[test]
fn a_failure_that_is_another_each_time_is_progress() {
    let host = host("claude")
        .replies([
            edit("String", "a"),
            check(),
            edit("> a", "> b"),
            check(),
            edit("> b", "> c"),
            check(),
            edit("> c", "> d"),
            check(),
            finish(),
        ])
        .judges([
            verdict("red", "fast", &["a", "b", "c"]),
            verdict("red", "fast", &["a", "b"]),
            verdict("red", "fast", &["a"]),
        ]);
    assert_eq!(worked(&host, "fast").more[0].1, "green: fast on tree 7777");
}

#[test]
fn a_refusal_is_told_and_a_spent_budget_ends_it() {
    let host = host("claude").replies([bash("ls"), finish()]);
    host.refuse("run", Error { rule: Some("no-shell".into()), ..Error::new("denied", "run sh -c ls") });
    worked(&host, "");
    assert!(host.last_told().contains("rule: no-shell"), "{}", host.last_told());
    let host = self::host("claude").replies([edit("String", "str"), bash("ls")]);
    host.refuse("run", Error::new("exhausted", "60 minutes are used up"));
    let failure = work(&host, &granted("yes", "")).unwrap_err();
    assert_eq!((failure.kind.as_str(), host.commits.borrow().len()), ("exhausted", 2));
}
