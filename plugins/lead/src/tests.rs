//! The lead with a team in memory: what it starts, from where, with what words, and what it comes to.

mod judged;

use crate::lead::lead;
use kit::plan::PLAN;
use kit::review::{Finding, REVIEW, Review, Verdict};
use kit::testing::{Child, Fake, failed};
use kit::{Host, Plan};
use orchestra_pit_sdk::delegate::End;
use orchestra_pit_sdk::human::Decision;
use orchestra_pit_sdk::vcs::{Conflict, Integration};
use orchestra_pit_sdk::{Criterion, Error, Failure, Outcome, Report, Task};

fn whole() -> Task {
    let criterion = |id: &str, text: &str| Criterion { id: id.into(), text: text.into(), more: Vec::new() };
    Task {
        criteria: vec![criterion("1", "prints JSON"), criterion("2", "is documented")],
        settings: vec![("agents".into(), "coder,docs-bot".into()), ("micro-usd".into(), "1000000".into())],
        ..Task::new("Add --json")
    }
}

const TWO: &str = r#"{"task":[
    {"id":"code","title":"Print JSON","goal":"x","criteria":["1"],"files":["src/ls.rs","src/cmd/*"]},
    {"id":"docs","title":"Document it","goal":"y","criteria":["2"],"files":["docs/ls.md"],"after":["code"],"agent":"docs-bot"}
]}"#;

const ONE: &str = r#"{"task":[{"id":"all","title":"Do it","goal":"z","criteria":["1","2"],"files":[]}]}"#;

/// What a team does that works: the planner leaves the plan of its round, the reviewers approve.
fn works(plans: Vec<&'static str>, mut other: impl FnMut(&Fake, &Child) -> Option<End> + 'static) -> Fake {
    Fake::new("claude", &[("src/ls.rs", ""), ("src/cmd/a.rs", "")]).play(move |host, child| {
        if let Some(end) = other(host, child) {
            return end;
        }
        let round = child.round as usize - 1;
        match child.order.agent.as_str() {
            "planner" => signed(host, "planner 3f.1", PLAN, plans.get(round).copied().unwrap_or(TWO)),
            "reviewer" => judge(host, child, Verdict::Approve, &[]),
            _ => {}
        }
        End::Done(Report::new("done").doubt("Windows"))
    })
}

fn signed(host: &Fake, author: &str, topic: &str, body: &str) {
    host.author.replace(author.to_owned());
    host.post(topic, body).unwrap();
    host.author.replace(String::new());
}

fn judge(host: &Fake, child: &Child, verdict: Verdict, remarks: &[&str]) {
    let finding = |criterion: &Criterion| Finding {
        id: criterion.id.clone(),
        met: verdict == Verdict::Approve,
        evidence: format!("a.rs:{}", criterion.id),
    };
    let criteria = child.order.task.criteria.iter().map(finding).collect();
    let remarks = remarks.iter().map(|remark| (*remark).to_owned()).collect();
    let review = Review { card: child.order.card.clone(), verdict, criteria, remarks };
    signed(host, "reviewer 3f.3", REVIEW, &serde_json::to_string(&review).unwrap());
}

fn done(outcome: Result<Outcome, Failure>) -> Report {
    match outcome {
        Ok(Outcome::Done(report)) => report,
        other => panic!("{other:?}"),
    }
}

fn did(host: &Fake) -> Vec<String> {
    host.crew.did.borrow().clone()
}

#[test]
fn a_plan_is_carried_out_in_order_and_reported_with_what_the_reviews_found() {
    let host = works(vec![TWO], |_, _| None);
    let report = done(lead(&host, &whole()));
    let order = [
        "start planner",
        "start coder code",
        "start reviewer code",
        "integrate 2",
        "start docs-bot docs",
        "start reviewer docs",
        "integrate 4",
    ];
    assert_eq!(did(&host), order);
    assert_eq!(report.summary, "2 tasks done: Print JSON; Document it");
    let met: Vec<_> = report.criteria.iter().map(|e| (e.criterion.as_str(), e.met, e.evidence.as_str())).collect();
    assert_eq!(met, [("1", true, "a.rs:1"), ("2", true, "a.rs:2")]);
    assert_eq!(report.doubts, ["code: Windows", "docs: Windows"]);
    let cards: Vec<_> =
        host.cards.borrow().iter().map(|card| (card.id.clone(), card.state.clone(), card.run.clone())).collect();
    assert_eq!(cards, [("code".into(), "done".into(), "2".into()), ("docs".into(), "done".into(), "4".into())]);
}

#[test]
fn each_is_told_what_concerns_it_and_no_more() {
    let host = works(vec![TWO], |_, _| None);
    done(lead(&host, &whole()));
    let children = host.crew.children.borrow();
    let [planner, coder, reviewer, docs, _] = children.as_slice() else { panic!("{} children", children.len()) };
    assert_eq!(planner.order.task.setting("agents"), Some("coder,docs-bot"));
    assert_eq!((planner.order.share.micro_usd, coder.order.share.micro_usd), (100_000, 375_000));
    assert_eq!((coder.order.card.as_str(), coder.order.start.as_str()), ("code", "head"));
    assert_eq!(coder.order.lease, ["src/cmd/a.rs", "src/ls.rs"]);
    assert_eq!(coder.order.task.goal, "Print JSON\n\nx");
    assert_eq!(coder.order.task.criteria.len(), 1);
    // The reviewer has the writer's files and the commit they began from, and nothing that the writer said.
    assert_eq!((reviewer.order.start.as_str(), reviewer.order.card.as_str()), ("2", "code"));
    assert_eq!(reviewer.order.task.setting("since"), Some("0".repeat(40).as_str()));
    assert_eq!(reviewer.order.task.goal, "Review: Print JSON\n\nx");
    assert!(reviewer.order.write.is_empty() && reviewer.order.lease.is_empty());
    assert_eq!(docs.order.agent, "docs-bot");
}

#[test]
fn a_plan_that_cannot_be_carried_out_goes_back_twice() {
    let ghost = r#"{"task":[{"id":"a","title":"t","goal":"g","criteria":["1","2"],"agent":"ghost"}]}"#;
    let host = works(vec![ghost, "no plan at all", ONE], |_, _| None);
    done(lead(&host, &whole()));
    assert_eq!(&did(&host)[..4], ["start planner", "again 1", "again 1", "start coder all"]);
    assert!(host.crew.children.borrow()[0].feedback[0].contains("there is no agent \"ghost\""));
    let host = works(vec![ghost; 3], |_, _| None);
    let failure = lead(&host, &whole()).unwrap_err();
    assert_eq!((failure.kind.as_str(), did(&host).len()), ("no-plan", 3));
}

#[test]
fn nobody_but_the_planner_makes_a_plan_and_nobody_but_a_reviewer_a_verdict() {
    let host = works(vec![ONE], |host, child| {
        match child.order.agent.as_str() {
            "planner" => signed(host, "planner 3f.1", PLAN, ONE),
            "coder" => judge_as(host, child, "coder 3f.2"),
            _ => return None,
        }
        signed(host, "stranger 3f.9", PLAN, TWO);
        Some(End::Done(Report::new("done")))
    });
    // The reviewer is done without a word: the coder's own approval does not count.
    let host = host.play(|host, child| {
        match child.order.agent.as_str() {
            "planner" => {
                signed(host, "planner 3f.1", PLAN, ONE);
                signed(host, "stranger 3f.9", PLAN, TWO);
            }
            "coder" => judge_as(host, child, "coder 3f.2"),
            _ => {}
        }
        End::Done(Report::new("done"))
    });
    let failure = lead(&host, &whole()).unwrap_err();
    assert_eq!(failure.kind, "needs-person");
    assert!(failure.message.contains("0 of 1 tasks done: all (Do it): it could not be reviewed"), "{failure:?}");
}

fn judge_as(host: &Fake, child: &Child, author: &str) {
    let finding = |criterion: &Criterion| Finding { id: criterion.id.clone(), met: true, evidence: "mine".into() };
    let criteria = child.order.task.criteria.iter().map(finding).collect();
    let review = Review { card: child.order.card.clone(), verdict: Verdict::Approve, criteria, remarks: Vec::new() };
    signed(host, author, REVIEW, &serde_json::to_string(&review).unwrap());
}

#[test]
fn the_person_sees_the_plan_first_and_what_they_make_of_it_is_done() {
    let host = works(vec![TWO], |_, _| None);
    let edited = Plan { tasks: serde_json::from_str::<Plan>(ONE).unwrap().tasks }.to_toml(&[], &[]);
    let bad = edited.replace("id = \"all\"", "id = \"all\"\nafter = [\"nothing\"]");
    let complained = |text: &str| Ok(Decision::Approved(format!("# ! whatever\n{text}")));
    // The second yes is to the very text that was complained about.
    host.crew.decisions.borrow_mut().extend([
        Ok(Decision::Approved(bad.clone())),
        complained(&bad),
        Ok(Decision::Approved(edited)),
    ]);
    done(lead(&host, &whole()));
    assert_eq!(&did(&host)[..2], ["start planner", "start coder all"]);
    let proposals = host.crew.proposals.borrow();
    assert_eq!((proposals[0].form.as_str(), proposals[0].title.as_str()), ("plan", "a plan of 2 tasks"));
    assert!(proposals[0].body.contains("1: prints JSON"), "{}", proposals[0].body);
    assert!(proposals[1].body.starts_with("# ! "), "{}", proposals[1].body);
    assert!(proposals[1].title.starts_with("your plan cannot be carried out: "), "{}", proposals[1].title);
    assert_eq!(proposals.len(), 3);
}

#[test]
fn a_task_that_the_person_takes_out_is_not_done() {
    let host = works(vec![TWO], |_, _| None);
    let mut plan: Plan = serde_json::from_str(TWO).unwrap();
    plan.tasks.truncate(1);
    plan.tasks[0].criteria = vec!["something else".into()];
    let id = plan.tasks[0].id.clone();
    host.crew.decisions.borrow_mut().push_back(Ok(Decision::Approved(plan.to_toml(&[], &[]))));
    let _ended = lead(&host, &whole());
    let started: Vec<String> = did(&host).into_iter().filter(|did| did.starts_with("start coder")).collect();
    assert_eq!(started, [format!("start coder {id}")]);
}

#[test]
fn a_plan_that_the_person_does_not_want_is_made_anew_once() {
    let host = works(vec![TWO, ONE], |_, _| None);
    host.crew.decisions.borrow_mut().push_back(Ok(Decision::Rejected("one task will do".into())));
    done(lead(&host, &whole()));
    assert_eq!(host.crew.children.borrow()[0].feedback, ["The person said no to the plan: one task will do"]);
    let host = works(vec![TWO, ONE], |_, _| None);
    let no = || Ok(Decision::Rejected("no".into()));
    host.crew.decisions.borrow_mut().extend([no(), no()]);
    assert_eq!(lead(&host, &whole()).unwrap_err().kind, "rejected");
    assert_eq!(did(&host), ["start planner", "again 1"]);
}

#[test]
fn work_that_is_sent_back_goes_to_its_writer_and_to_a_new_reviewer_with_the_remarks() {
    let host = works(vec![ONE], |host, child| {
        let first = child.order.agent == "reviewer" && child.order.task.feedback.is_empty();
        first.then(|| {
            judge(host, child, Verdict::SendBack, &["test it"]);
            End::Done(Report::new("sent back"))
        })
    });
    done(lead(&host, &whole()));
    let order =
        ["start planner", "start coder all", "start reviewer all", "again 2", "start reviewer all", "integrate 2"];
    assert_eq!(did(&host), order);
    let children = host.crew.children.borrow();
    assert!(children[1].feedback[0].contains("- test it"), "{:?}", children[1].feedback);
    assert_eq!(children[3].order.task.feedback, ["- test it\n"]);
}

#[test]
fn a_conflict_is_done_again_from_the_tip_with_both_sides() {
    let host = works(vec![ONE], |_, _| None);
    let conflict = Conflict {
        path: "src/ls.rs".into(),
        base: "old".into(),
        ours: "theirs before".into(),
        theirs: "mine".into(),
        more: Vec::new(),
    };
    host.crew.integrations.borrow_mut().push_back(Ok(Integration::Conflicts(vec![conflict])));
    done(lead(&host, &whole()));
    let children = host.crew.children.borrow();
    let again = children.iter().rfind(|child| child.order.agent == "coder").unwrap();
    assert_eq!((again.id.as_str(), again.order.start.as_str()), ("4", "head"));
    for side in ["src/ls.rs", "theirs before", "mine"] {
        assert!(again.order.task.feedback[0].contains(side), "{}", again.order.task.feedback[0]);
    }
}

#[test]
fn a_task_that_fails_leaves_the_others_and_what_is_in_stays() {
    let free = r#"{"task":[
        {"id":"a","title":"A","goal":"x","criteria":["1"],"files":["a"],"agent":"docs-bot"},
        {"id":"b","title":"B","goal":"y","criteria":["2"],"files":["b"]}]}"#;
    for end in [
        failed("denied", "not this file"),
        End::Broken("it trapped".into()),
        End::Exhausted("no money".into()),
        End::Cancelled("by you".into()),
    ] {
        let how = end.clone();
        let host = works(vec![free], move |_, child| (child.order.card == "a").then(|| how.clone()));
        let failure = lead(&host, &whole()).unwrap_err();
        assert!(failure.message.starts_with("1 of 2 tasks done: a (A): "), "{failure:?}");
        assert!(did(&host).contains(&"integrate 3".to_owned()), "{:?}", did(&host));
        let kind = match end {
            End::Failed(_) => "denied",
            End::Broken(_) => "broken",
            End::Exhausted(_) => "exhausted",
            _ => "cancelled",
        };
        assert_eq!(failure.kind, kind);
    }
}

#[test]
fn a_start_that_a_lease_stands_against_is_tried_again() {
    let free = r#"{"task":[
        {"id":"a","title":"A","goal":"x","criteria":["1"],"files":["a"]},
        {"id":"b","title":"B","goal":"y","criteria":["2"],"files":["b"],"agent":"docs-bot"}]}"#;
    let host = works(vec![free], |_, _| None);
    let leased = Error::new("conflict", "`b` is leased by run 3f");
    host.crew.not_started.borrow_mut().push_back(("docs-bot".into(), leased));
    assert_eq!(done(lead(&host, &whole())).summary, "2 tasks done: A; B");
}

#[test]
fn what_the_person_says_is_passed_on_to_the_planner_and_to_writers() {
    let host = works(vec![ONE], |_, _| None);
    let said = |at: usize, text: &str| (at, text.to_owned());
    *host.crew.remark_in_wait.borrow_mut() = vec![said(1, "plan small"), said(3, "test all"), said(5, "too late")];
    let report = done(lead(&host, &whole()));
    let children = host.crew.children.borrow();
    assert_eq!(
        (&children[0].heard, &children[1].heard),
        (&vec!["plan small".to_owned()], &vec!["test all".to_owned()])
    );
    assert!(report.doubts.iter().any(|doubt| doubt.ends_with("hear: too late")), "{:?}", report.doubts);
}

#[test]
fn a_single_task_goes_back_to_the_one_who_did_it() {
    let host = works(vec![ONE], |_, _| None);
    let report = done(lead(&host, &whole()));
    let again = Task { round: 2, feedback: vec!["in colour".into()], state: report.state, ..whole() };
    let report = done(lead(&host, &again));
    assert_eq!(&did(&host)[4..], ["again 2", "start reviewer all", "integrate 2"]);
    assert!(report.criteria.iter().any(|e| e.criterion == "all.3" && e.met), "{:?}", report.criteria);
    let children = host.crew.children.borrow();
    let reviewer = children.last().unwrap();
    assert!(reviewer.order.task.criteria.iter().any(|criterion| criterion.text == "in colour"));
}

#[test]
fn a_remark_on_several_tasks_is_a_task_of_its_own_from_the_tip() {
    let host = works(vec![TWO], |_, _| None);
    let report = done(lead(&host, &whole()));
    let again = Task { round: 2, feedback: vec!["in colour".into()], state: report.state, ..whole() };
    let report = done(lead(&host, &again));
    assert_eq!(&did(&host)[7..], ["start coder round-2", "start reviewer round-2", "integrate 6"]);
    assert_eq!(report.criteria.len(), 3, "{:?}", report.criteria);
    assert!(report.criteria.iter().all(|e| e.met));
}

#[test]
fn after_a_failure_the_next_round_takes_up_what_was_not_done() {
    let host = works(vec![TWO], |_, child| {
        (child.order.agent == "docs-bot" && child.order.task.feedback.is_empty()).then(|| failed("stuck", "in circles"))
    });
    assert!(lead(&host, &whole()).is_err());
    // A failure has no state: what is kept is on the board, signed.
    let body = host.notes.borrow().last().map(|note| note.body.clone()).unwrap();
    signed(&host, "stranger 3f.9", "lead", "{}");
    signed(&host, "lead 3f", "lead", &body);
    let report = done(lead(&host, &Task { round: 2, feedback: vec!["once more".into()], ..whole() }));
    assert_eq!(report.summary, "2 tasks done: Print JSON; Document it");
    assert_eq!(did(&host).iter().filter(|did| *did == "start coder code").count(), 1);
}
