//! Tests and checks in a team: who is told what, what is judged, and what is taken back.

use super::{ONE, TWO, did, done, judge, signed, whole, works};
use crate::lead::lead;
use kit::plan::PLAN;
use kit::review;
use kit::tested::TESTS;
use kit::testing::{Child, Fake, failed, verdict};
use orchestra_pit_sdk::delegate::End;
use orchestra_pit_sdk::exec::Verdict;
use orchestra_pit_sdk::{Error, Report, Task};

fn checked(settings: &[(&str, &str)]) -> Task {
    let mut task = whole();
    task.settings.extend(settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    task
}

const ALL: [(&str, &str); 2] = [("commands", "yes"), ("checks", "fast,full")];

fn red() -> Verdict {
    verdict("red", "full", &["ls::json"])
}

#[test]
fn without_checks_nobody_is_told_of_any_and_nothing_is_judged() {
    let host = works(vec![ONE], |_, _| None);
    done(lead(&host, &whole()));
    assert!(host.checked.borrow().is_empty() && host.crew.snapshots.borrow().is_empty());
    let children = host.crew.children.borrow();
    for setting in ["checks", "commands", "tests"] {
        assert!(children.iter().all(|child| child.order.task.setting(setting).is_none()), "{setting}");
    }
}

#[test]
fn what_is_merged_is_judged_by_the_host_and_shown() {
    let host = works(vec![ONE], |_, _| None);
    let report = done(lead(&host, &checked(&ALL)));
    assert_eq!(*host.checked.borrow(), ["full"]);
    assert_eq!(host.cards.borrow()[0].doing, "green: full on tree 7777");
    assert_eq!(report.doubts, ["all: Windows"]);
    let children = host.crew.children.borrow();
    let [planner, coder, reviewer] = children.as_slice() else { panic!("{} children", children.len()) };
    assert_eq!(
        (coder.order.task.setting("commands"), coder.order.task.setting("checks")),
        (Some("yes"), Some("fast,full"))
    );
    assert_eq!(planner.order.task.setting("tests"), Some("yes"), "there is a tester to ask for");
    assert!(reviewer.order.task.setting("checks").is_none());
}

#[test]
fn a_strangers_agent_is_told_nothing_that_it_may_not_know() {
    let plan = r#"{"task":[{"id":"all","title":"Do it","goal":"z","criteria":["1","2"],"agent":"docs-bot"}]}"#;
    let host = works(vec![plan], |_, _| None);
    done(lead(&host, &checked(&ALL)));
    assert!(host.crew.children.borrow()[1].order.task.settings.is_empty());
}

#[test]
fn an_agents_own_word_about_checks_does_not_count() {
    // The writer says green, in its report and as a doubt's absence; the host says red.
    let host = works(vec![ONE], |_, child| {
        (child.order.agent == "coder").then(|| {
            let more = vec![("verdict".to_owned(), "green: all is well".to_owned())];
            End::Done(Report { more, ..Report::new("done") })
        })
    })
    .judges([red(), verdict("green", "full", &[])]);
    done(lead(&host, &checked(&ALL)));
    assert_eq!(*host.checked.borrow(), ["full", "full"]);
    let children = host.crew.children.borrow();
    let mut reviewers = children.iter().filter(|child| child.order.agent == "reviewer");
    assert!(reviewers.clone().all(|child| child.order.task.setting("verdict").is_none()), "nor for its review");
    assert!(
        reviewers.next_back().unwrap().order.task.feedback[0].contains("red: full on tree 7777"),
        "the host's does"
    );
}

#[test]
fn what_the_host_says_beside_an_end_is_shown_to_the_review() {
    let host = works(vec![ONE], |_, _| None);
    let said = [("verdict", "green: full on tree 7777"), ("proof", "ls::json: proved"), ("other", "x")];
    host.crew.beside.replace(said.map(|(name, line)| (name.to_owned(), line.to_owned())).to_vec());
    done(lead(&host, &checked(&ALL)));
    let children = host.crew.children.borrow();
    let shown = children[2].order.task.setting("verdict");
    assert_eq!(shown, Some("green: full on tree 7777\nls::json: proved"));
}

#[test]
fn tests_that_prove_nothing_are_named_to_the_next_review_and_in_the_report() {
    let proof = |verdict: Verdict| Verdict { proof: vec![("ls::json".into(), "passes".into())], ..verdict };
    let host = works(vec![ONE], |_, _| None).judges([proof(red()), proof(verdict("green", "full", &[]))]);
    let report = done(lead(&host, &checked(&ALL)));
    let said = "test ls::json: passes without the change too, so it proves nothing";
    assert!(report.doubts.contains(&format!("all: {said}")), "{:?}", report.doubts);
    let children = host.crew.children.borrow();
    assert!(children[3].order.task.feedback[0].contains(said), "{:?}", children[3].order.task.feedback);
}

#[test]
fn a_test_that_proves_nothing_is_its_own_tasks_doubt() {
    let of = |names: &[&str]| Verdict {
        proof: names.iter().map(|name| ((*name).to_owned(), "passes".to_owned())).collect(),
        ..verdict("green", "full", &[])
    };
    let host = works(vec![TWO], |_, _| None).judges([of(&["a"]), of(&["a", "b"])]);
    let doubts = done(lead(&host, &checked(&ALL))).doubts;
    let of = |task: &str| -> Vec<&String> { doubts.iter().filter(|doubt| doubt.starts_with(task)).collect() };
    assert!(of("code: test a: ").len() == 1 && of("docs: test b: ").len() == 1, "{doubts:?}");
    assert!(of("docs: test a: ").is_empty(), "{doubts:?}");
}

#[test]
fn red_goes_back_with_the_failing_tests_and_is_taken_over_again() {
    let host = works(vec![ONE], |_, _| None).judges([red(), verdict("no-worse", "full", &[])]);
    done(lead(&host, &checked(&ALL)));
    let order = [
        "start planner",
        "start coder all",
        "start reviewer all",
        "integrate 2",
        "again 2",
        "start reviewer all",
        "integrate 2",
    ];
    assert_eq!(did(&host), order);
    let children = host.crew.children.borrow();
    for part in ["Your work was taken over", "fails now and did not before: ls::json", "ls::json ... FAILED"] {
        assert!(children[1].feedback[0].contains(part), "{part:?} is not in {:?}", children[1].feedback);
    }
}

#[test]
fn what_stays_red_is_taken_back_and_the_branch_is_as_it_was() {
    let host = works(vec![ONE], |_, _| None).judges([red(), red(), red()]);
    let before = host.files.borrow().clone();
    let failure = lead(&host, &checked(&ALL)).unwrap_err();
    assert_eq!((failure.kind.as_str(), host.checked.borrow().len()), ("needs-person", 3));
    for part in ["the checks are red: full", "nobody was there to decide", "taken back"] {
        assert!(failure.message.contains(part), "{}", failure.message);
    }
    assert_eq!(did(&host).last().unwrap(), "restore 0");
    assert!(host.commits.borrow().last().unwrap().starts_with("Take back: Do it\n\nTask all of the plan: it was sent"));
    assert_eq!(*host.committed.borrow(), before);
    // A person may take it all the same, and the report says so.
    let host = works(vec![ONE], |_, _| None).judges([red(), red(), red()]);
    host.answers.borrow_mut().push_back(Ok("take it".into()));
    let report = done(lead(&host, &checked(&ALL)));
    assert!(host.questions.borrow()[0].text.contains("fails now and did not before: ls::json"));
    assert!(report.doubts.contains(&"all, the host's verdict, which you overruled: red: full on tree 7777".to_owned()));
    assert!(!did(&host).iter().any(|did| did.starts_with("restore")));
}

#[test]
fn a_writer_that_gives_up_on_a_red_result_has_it_taken_back() {
    let host = works(vec![ONE], |_, child| (child.round > 1).then(|| failed("stuck", "in circles"))).judges([red()]);
    let before = host.files.borrow().clone();
    let failure = lead(&host, &checked(&ALL)).unwrap_err();
    assert_eq!((failure.kind.as_str(), &*host.committed.borrow()), ("stuck", &before));
}

#[test]
fn a_run_that_ends_before_the_verdict_leaves_nothing_unjudged() {
    let host = works(vec![ONE], |_, _| None);
    host.refuse("check", Error::new("exhausted", "60 minutes are used up"));
    let before = host.files.borrow().clone();
    let failure = lead(&host, &checked(&ALL)).unwrap_err();
    assert_eq!((failure.kind.as_str(), &*host.committed.borrow()), ("exhausted", &before));
    assert!(host.commits.borrow().last().unwrap().ends_with("the run ended before it was judged"));
}

#[test]
fn what_cannot_be_judged_is_a_doubt() {
    for kind in ["unsupported", "not-found"] {
        let host = works(vec![ONE], |_, _| None);
        host.refuse("check", Error::new(kind, "no walls"));
        let report = done(lead(&host, &checked(&ALL)));
        let doubt = "all: what was taken over was not judged: no walls".to_owned();
        assert!(report.doubts.contains(&doubt), "{:?}", report.doubts);
    }
}

/// Findings of a tester about the task `all`.
fn findings(result: &str) -> String {
    let test =
        |id: &str| format!(r#"{{"test":"tests/ls.rs::t{id}","criterion":"{id}","result":"{result}","seen":"left 1"}}"#);
    format!(r#"{{"card":"all","how":"cargo test","tests":[{},{}]}}"#, test("1"), test("2"))
}

fn tests(result: &'static str, author: &'static str) -> Fake {
    works(vec![ONE], move |host, child: &Child| {
        if child.order.agent != "tester" {
            return None;
        }
        signed(host, author, TESTS, &findings(result));
        Some(End::Done(Report::new("tested")))
    })
}

#[test]
fn a_tester_puts_its_tests_on_top_and_both_are_reviewed_and_merged() {
    let host = tests("passes", "tester 3f.3");
    done(lead(&host, &checked(&[("commands", "yes"), ("tester", "yes")])));
    let order = ["start planner", "start coder all", "start tester all", "start reviewer all", "integrate 3"];
    assert_eq!(did(&host), order);
    let children = host.crew.children.borrow();
    let (planner, tester, reviewer) = (&children[0].order, &children[2].order, &children[3].order);
    assert_eq!((tester.start.as_str(), tester.task.criteria.len()), ("2", 2));
    assert_eq!((tester.task.goal.as_str(), tester.task.setting("commands")), ("Test: Do it\n\nz", Some("yes")));
    assert_eq!(tester.task.setting("since"), Some("0".repeat(40).as_str()));
    assert_eq!((reviewer.start.as_str(), reviewer.task.setting("since")), ("3", tester.task.setting("since")));
    assert!(planner.task.setting("tests").is_none(), "where all is tested there is nothing to plan");
}

#[test]
fn what_its_tests_find_goes_to_a_writer_who_has_them() {
    let host = tests("fails", "tester 3f.3");
    done(lead(&host, &checked(&[("commands", "yes"), ("tester", "yes")])));
    let order = [
        "start planner",
        "start coder all",
        "start tester all",
        "start coder all",
        "start reviewer all",
        "integrate 4",
    ];
    assert_eq!(did(&host), order);
    let children = host.crew.children.borrow();
    let (again, reviewer) = (&children[3].order, &children[4].order);
    assert_eq!((again.start.as_str(), again.task.round), ("3", 2));
    assert!(again.task.feedback[0].contains("- tests/ls.rs::t1 (1): left 1"), "{:?}", again.task.feedback);
    assert_eq!(reviewer.task.setting("since"), Some("0".repeat(40).as_str()), "all of the work is reviewed");
    assert!(reviewer.task.feedback[0].contains("tests/ls.rs::t1"), "{:?}", reviewer.task.feedback);
}

#[test]
fn nobody_but_the_tester_says_what_tests_found() {
    let host = tests("fails", "stranger 3f.9");
    let report = done(lead(&host, &checked(&[("commands", "yes"), ("tester", "yes")])));
    assert_eq!(did(&host).iter().filter(|did| *did == "start coder all").count(), 1);
    assert!(report.doubts.iter().any(|doubt| doubt.contains("left no findings")), "{:?}", report.doubts);
}

#[test]
fn without_a_tester_the_work_goes_on() {
    let host = works(vec![ONE], |_, _| None);
    let gone = Error::new("not-found", "there is no agent `tester`");
    host.crew.not_started.borrow_mut().push_back(("tester".into(), gone));
    let report = done(lead(&host, &checked(&[("checks", "full"), ("tester", "yes")])));
    assert!(report.doubts.iter().any(|doubt| doubt.contains("no tests were written")), "{:?}", report.doubts);
    assert_eq!(*host.checked.borrow(), ["full"]);
}

#[test]
fn the_plan_says_which_tasks_are_tested() {
    let two = r#"{"task":[
        {"id":"all","title":"Do it","goal":"z","criteria":["1","2"],"files":["a"],"tests":true},
        {"id":"b","title":"B","goal":"y","criteria":["it is so"],"files":["b"]}]}"#;
    let host = works(vec!["no plan"], move |host, child| {
        match child.order.agent.as_str() {
            "planner" => signed(host, "planner 3f.1", PLAN, two),
            "tester" => signed(host, "tester 3f.3", TESTS, &findings("passes")),
            "reviewer" => judge(host, child, review::Verdict::Approve, &[]),
            _ => {}
        }
        Some(End::Done(Report::new("done")))
    });
    done(lead(&host, &checked(&ALL)));
    let tested: Vec<String> = did(&host).into_iter().filter(|did| did.starts_with("start tester")).collect();
    assert_eq!(tested, ["start tester all"]);
}
