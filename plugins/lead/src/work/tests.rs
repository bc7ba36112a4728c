//! The machine, rule by rule.

use super::*;
use kit::review::Finding;
use kit::tested::{Came, Probe};

fn task(id: &str, after: &[&str]) -> Planned {
    Planned {
        id: id.into(),
        title: format!("Do {id}"),
        goal: "x".into(),
        criteria: vec!["it is done".into()],
        files: Vec::new(),
        after: after.iter().map(|id| (*id).to_owned()).collect(),
        agent: "coder".into(),
        tests: false,
    }
}

fn work(tasks: &[(&str, &[&str])], coders: usize) -> Work {
    Work::new(Plan { tasks: tasks.iter().map(|(id, after)| task(id, after)).collect() }, coders)
}

fn review(verdict: Verdict) -> Option<Review> {
    let criteria = vec![Finding { id: "c".into(), met: verdict == Verdict::Approve, evidence: "a:1".into() }];
    Some(Review { card: String::new(), verdict, criteria, remarks: vec!["mend it".into()] })
}

fn done() -> How {
    How::Done(Vec::new())
}

/// Takes a task from its start to its review.
fn written(work: &mut Work, at: usize) {
    work.started(at, format!("w{at}"), "base".into());
    work.ended(at, done(), None);
}

fn reviewed(work: &mut Work, at: usize, verdict: Verdict) {
    assert_eq!(work.next(), Next::Review(at));
    work.reviewing(at, format!("r{at}"));
    work.ended(at, done(), review(verdict));
}

fn states(work: &Work) -> Vec<String> {
    work.cards().into_iter().map(|card| card.state).collect()
}

#[test]
fn one_task_is_one_writer_and_one_reviewer() {
    let mut work = work(&[("a", &[])], 3);
    assert_eq!(work.next(), Next::Start(0));
    work.started(0, "w".into(), "base".into());
    assert_eq!(work.next(), Next::Wait(vec!["w".into()]));
    assert_eq!(work.task_of("w"), Some(0));
    work.ended(0, done(), None);
    assert_eq!(work.next(), Next::Review(0));
    work.reviewing(0, "r".into());
    assert_eq!(work.next(), Next::Wait(vec!["r".into()]));
    work.ended(0, done(), review(Verdict::Approve));
    assert_eq!(work.next(), Next::Integrate(0));
    work.taken(0, Taken::Merged("tip".into(), "base".into()));
    assert_eq!((work.next(), states(&work)), (Next::Finish, vec!["done".to_owned()]));
}

#[test]
fn no_more_write_at_once_than_may() {
    let mut work = work(&[("a", &[]), ("b", &[]), ("c", &[])], 2);
    for at in [0, 1] {
        assert_eq!(work.next(), Next::Start(at));
        work.started(at, format!("w{at}"), String::new());
    }
    assert_eq!(work.next(), Next::Wait(vec!["w0".into(), "w1".into()]));
    work.ended(0, done(), None);
    assert_eq!(work.next(), Next::Review(0), "what can be finished comes first");
    work.reviewing(0, "r0".into());
    assert_eq!(work.next(), Next::Start(2), "a review is no writer");
}

#[test]
fn who_depends_on_a_task_waits_until_it_is_in() {
    let mut work = work(&[("a", &[]), ("b", &["a"]), ("c", &["b"])], 3);
    assert_eq!(work.next(), Next::Start(0));
    written(&mut work, 0);
    reviewed(&mut work, 0, Verdict::Approve);
    assert_eq!(states(&work), ["in-review", "waiting", "waiting"]);
    work.taken(0, Taken::Nothing);
    assert_eq!(work.next(), Next::Start(1));
    assert_eq!(states(&work), ["done", "ready", "waiting"]);
}

#[test]
fn work_is_sent_back_twice_and_then_a_person_decides() {
    for (decided, state) in [(Decided::Yes, "in-review"), (Decided::No, "failed"), (Decided::Nobody, "failed")] {
        let mut work = work(&[("a", &[]), ("b", &["a"])], 3);
        written(&mut work, 0);
        for _ in 0..2 {
            reviewed(&mut work, 0, Verdict::SendBack);
            let Next::Again(0, feedback) = work.next() else { panic!("not sent back") };
            assert!(feedback.contains("c is not met: a:1") && feedback.contains("- mend it"), "{feedback}");
            assert_eq!(states(&work)[0], "sent-back");
            work.went_back(0);
            assert!(work.cards()[0].doing.contains("mend it"));
            work.ended(0, done(), None);
        }
        assert_eq!(work.item(0).unwrap().remarked.len(), 2, "the next review knows what was remarked");
        reviewed(&mut work, 0, Verdict::SendBack);
        assert_eq!(work.next(), Next::Ask(0));
        work.decided(0, decided);
        assert_eq!(states(&work)[0], state, "{decided:?}");
        let next = if decided == Decided::Yes { Next::Integrate(0) } else { Next::Finish };
        assert_eq!(work.next(), next);
    }
}

#[test]
fn the_person_is_asked_when_nothing_else_is_left() {
    let mut work = work(&[("a", &[]), ("b", &[])], 3);
    written(&mut work, 0);
    for _ in 0..2 {
        reviewed(&mut work, 0, Verdict::SendBack);
        work.went_back(0);
        work.ended(0, done(), None);
    }
    reviewed(&mut work, 0, Verdict::SendBack);
    assert_eq!(work.next(), Next::Start(1));
    work.started(1, "w1".into(), String::new());
    assert_eq!(work.next(), Next::Wait(vec!["w1".into()]));
    work.ended(1, How::Not("broken".into(), "trap".into()), None);
    assert_eq!(work.next(), Next::Ask(0));
}

#[test]
fn a_task_that_fails_takes_only_those_with_it_that_need_it() {
    for how in ["refused", "exhausted", "broken", "cancelled"] {
        let mut work = work(&[("a", &[]), ("b", &["a"]), ("c", &["b"]), ("d", &[])], 3);
        work.started(0, "w0".into(), String::new());
        work.ended(0, How::Not(how.into(), "because".into()), None);
        assert_eq!(states(&work), ["failed", "dropped", "dropped", "ready"]);
        assert_eq!(work.item(1).unwrap().lost(), Some("it needs a, which was not done"));
        assert_eq!(work.next(), Next::Start(3));
    }
}

#[test]
fn a_review_that_comes_to_nothing_is_made_again_once() {
    let mut work = work(&[("a", &[])], 3);
    written(&mut work, 0);
    assert_eq!(work.next(), Next::Review(0));
    work.reviewing(0, "r".into());
    work.ended(0, How::Not("broken".into(), "trap".into()), None);
    assert_eq!(work.next(), Next::Review(0));
    work.reviewing(0, "r2".into());
    work.ended(0, done(), None);
    assert_eq!(work.next(), Next::Ask(0));
    work.decided(0, Decided::Nobody);
    let lost = "it could not be reviewed: it left no verdict, and nobody was there to decide";
    assert_eq!(work.item(0).unwrap().lost(), Some(lost));
}

#[test]
fn a_conflict_is_done_again_once_on_the_new_base_and_then_a_person_decides() {
    for decided in [Decided::Yes, Decided::Nobody] {
        let mut work = work(&[("a", &[])], 3);
        written(&mut work, 0);
        reviewed(&mut work, 0, Verdict::Approve);
        work.taken(0, Taken::Conflicts("both sides".into()));
        assert_eq!(work.next(), Next::Start(0));
        assert_eq!(work.item(0).unwrap().feedback, ["both sides"]);
        written(&mut work, 0);
        reviewed(&mut work, 0, Verdict::Approve);
        work.taken(0, Taken::Conflicts("other sides".into()));
        assert_eq!(work.next(), Next::Ask(0));
        work.decided(0, decided);
        let next = if decided == Decided::Yes { Next::Start(0) } else { Next::Finish };
        assert_eq!(work.next(), next);
    }
}

#[test]
fn what_others_are_in_the_way_of_is_tried_again_when_one_has_ended() {
    let mut work = work(&[("a", &[]), ("b", &[])], 3);
    work.started(0, "w0".into(), String::new());
    assert_eq!(work.next(), Next::Start(1));
    work.refused(1, "conflict".into(), "leased".into(), true);
    assert_eq!(work.next(), Next::Wait(vec!["w0".into()]));
    work.ended(0, done(), None);
    assert_eq!(work.next(), Next::Review(0));
    work.reviewing(0, "r0".into());
    assert_eq!(work.next(), Next::Start(1));
    work.refused(1, "conflict".into(), "leased".into(), true);
    work.ended(0, How::Not("broken".into(), String::new()), None);
    reviewed(&mut work, 0, Verdict::Approve);
    work.taken(0, Taken::Nothing);
    assert_eq!(work.next(), Next::Start(1));
    work.refused(1, "conflict".into(), "leased".into(), true);
    assert_eq!(work.next(), Next::Finish, "with nobody left in the way it fails");
    assert_eq!(work.item(1).unwrap().lost(), Some("leased"));
    let mut other = self::work(&[("a", &[])], 3);
    other.refused(0, "denied".into(), "no".into(), false);
    assert_eq!((other.next(), states(&other)), (Next::Finish, vec!["failed".to_owned()]));
}

#[test]
fn what_nobody_was_at_work_to_hear_is_told_to_whoever_writes_next() {
    let mut work = work(&[("a", &[]), ("b", &[])], 1);
    work.keep("be brief".into());
    work.started(0, "w0".into(), String::new());
    assert_eq!((work.item(0).unwrap().told.len(), work.unheard().len()), (1, 0));
    assert!(words::goal(work.item(0).unwrap()).ends_with("The person has said meanwhile:\n- be brief\n"));
    assert_eq!(work.writers(), ["w0"]);
}

fn checked(tasks: &[(&str, &[&str])]) -> Work {
    work(tasks, 3).checked(true, Tests::None)
}

/// Takes a task that is approved into the whole, from a tip.
fn take(work: &mut Work, at: usize, from: &str, to: &str) {
    assert_eq!(work.next(), Next::Integrate(at));
    work.taking(at, from, Some(format!("before {to}")));
    work.taken(at, Taken::Merged(to.into(), from.into()));
    assert_eq!(work.next(), Next::Judge(at));
}

fn red() -> Judged {
    Judged::Red("red: 1 of 2 fails".into(), "ls::json fails".into())
}

#[test]
fn what_is_in_is_done_when_the_host_has_judged_it() {
    let mut work = checked(&[("a", &[]), ("b", &["a"])]);
    written(&mut work, 0);
    reviewed(&mut work, 0, Verdict::Approve);
    take(&mut work, 0, "base", "tip");
    assert_eq!(states(&work), ["in-review", "waiting"]);
    work.judged(0, Judged::Good("green: all".into()));
    assert_eq!((work.next(), work.cards()[0].doing.as_str()), (Next::Start(1), "green: all"));
    assert!(work.unsettled().is_empty());
}

#[test]
fn red_goes_back_to_its_writer_twice_and_then_a_person_decides() {
    for (decided, next) in
        [(Decided::Yes, Next::Finish), (Decided::No, Next::TakeBack(0)), (Decided::Nobody, Next::TakeBack(0))]
    {
        let mut work = checked(&[("a", &[])]);
        written(&mut work, 0);
        for (from, to) in [("base", "tip1"), ("tip1", "tip2")] {
            reviewed(&mut work, 0, Verdict::Approve);
            take(&mut work, 0, from, to);
            work.judged(0, red());
            let Next::Again(0, feedback) = work.next() else { panic!("not sent back: {:?}", work.next()) };
            assert!(feedback.starts_with("Your work was taken over.") && feedback.ends_with("ls::json fails"));
            assert!(work.cards()[0].doing.contains("red: 1 of 2 fails"), "{:?}", work.cards());
            work.went_back(0);
            work.ended(0, done(), None);
        }
        reviewed(&mut work, 0, Verdict::Approve);
        take(&mut work, 0, "tip2", "tip3");
        work.judged(0, red());
        assert_eq!(work.next(), Next::Ask(0));
        let (question, _) = words::question(work.item(0).unwrap(), "checks", "why");
        assert!(question.ends_with("ls::json fails"), "{question}");
        work.decided(0, decided);
        assert_eq!(work.next(), next);
        if decided == Decided::Yes {
            assert_eq!(work.item(0).unwrap().merged, Some(("tip3".into(), "base".into())), "all of it is one result");
            assert!(work.item(0).unwrap().overruled);
            continue;
        }
        work.taken_back(0, Ok(()));
        assert_eq!(work.next(), Next::Finish);
        assert!(work.item(0).unwrap().lost().unwrap().ends_with("; what was taken over of it is taken back"));
    }
}

#[test]
fn while_a_red_result_is_in_nobody_builds_on_it_but_who_mends_it() {
    let mut work = checked(&[("a", &[]), ("b", &[]), ("c", &[])]);
    written(&mut work, 0);
    written(&mut work, 1);
    reviewed(&mut work, 0, Verdict::Approve);
    take(&mut work, 0, "base", "tip");
    work.judged(0, red());
    assert!(matches!(work.next(), Next::Again(0, _)));
    work.went_back(0);
    // What can be done without the branch goes on.
    reviewed(&mut work, 1, Verdict::Approve);
    assert_eq!(work.next(), Next::Wait(vec!["w0".into()]), "b is approved and c is ready, and both wait");
    work.ended(0, How::Not("stuck".into(), "in circles".into()), None);
    assert_eq!(work.next(), Next::TakeBack(0));
    work.taken_back(0, Err("no snapshot".into()));
    assert!(work.item(0).unwrap().lost().unwrap().contains("the branch still has it"));
    assert_eq!(work.next(), Next::Integrate(1));
}

#[test]
fn what_is_red_only_with_the_others_goes_to_a_new_writer_who_has_both() {
    let mut work = checked(&[("a", &[])]);
    written(&mut work, 0);
    reviewed(&mut work, 0, Verdict::Approve);
    // Others were taken over since it began.
    take(&mut work, 0, "another base", "tip");
    work.judged(0, red());
    assert_eq!(work.next(), Next::Start(0));
    let item = work.item(0).unwrap();
    assert_eq!((item.from.as_deref(), item.feedback.len()), (None, 1));
    assert!(item.feedback[0].contains("you start from what there is now"), "{:?}", item.feedback);
    work.started(0, "w2".into(), "tip".into());
    work.ended(0, done(), None);
    reviewed(&mut work, 0, Verdict::Approve);
    take(&mut work, 0, "tip", "tip2");
    work.judged(0, red());
    assert!(matches!(work.next(), Next::Again(0, _)), "that one has all there is");
}

#[test]
fn what_did_not_come_in_need_not_be_taken_back() {
    let mut work = checked(&[("a", &[])]);
    written(&mut work, 0);
    reviewed(&mut work, 0, Verdict::Approve);
    work.taking(0, "base", Some("kept".into()));
    work.taken(0, Taken::Refused("conflict".into(), "changes".into()));
    assert_eq!(work.next(), Next::Finish);
    assert!(work.unsettled().is_empty());
}

#[test]
fn what_cannot_be_judged_is_said_and_kept() {
    let mut work = checked(&[("a", &[])]);
    written(&mut work, 0);
    reviewed(&mut work, 0, Verdict::Approve);
    take(&mut work, 0, "base", "tip");
    work.judged(0, Judged::Not("no walls".into()));
    assert_eq!((work.next(), states(&work)), (Next::Finish, vec!["done".to_owned()]));
    assert_eq!(work.item(0).unwrap().notes, ["what was taken over was not judged: no walls"]);
}

fn found(result: Came) -> Option<Tested> {
    let seen = "left 1".to_owned();
    let tests = vec![Probe { test: "t".into(), criterion: "a.1".into(), result, seen }];
    Some(Tested { card: "a".into(), how: "cargo test".into(), tests, untested: Vec::new() })
}

#[test]
fn tests_are_written_where_the_plan_says_so_or_everywhere() {
    for (tests, marked, next) in [
        (Tests::None, true, Next::Review(0)),
        (Tests::Planned, false, Next::Review(0)),
        (Tests::Planned, true, Next::Test(0)),
        (Tests::All, false, Next::Test(0)),
    ] {
        let mut task = task("a", &[]);
        task.tests = marked;
        let mut work = Work::new(Plan { tasks: vec![task] }, 3).checked(false, tests);
        written(&mut work, 0);
        assert_eq!(work.next(), next);
    }
}

#[test]
fn tests_that_pass_are_part_of_the_result() {
    let mut work = work(&[("a", &[])], 3).checked(false, Tests::All);
    written(&mut work, 0);
    work.testing(0, "t0".into());
    assert_eq!((work.next(), work.task_of("t0")), (Next::Wait(vec!["t0".into()]), Some(0)));
    work.tested(0, done(), found(Came::Passes));
    assert_eq!((work.next(), work.item(0).unwrap().result()), (Next::Review(0), Some("t0")));
    // A review that sends it back sends it to somebody who has the tests, from where the work began.
    reviewed(&mut work, 0, Verdict::SendBack);
    assert_eq!(work.next(), Next::Start(0));
    assert_eq!(work.item(0).unwrap().from.as_deref(), Some("t0"));
    work.started(0, "w1".into(), "base".into());
    work.ended(0, done(), None);
    assert_eq!((work.next(), work.item(0).unwrap().result()), (Next::Review(0), Some("w1")), "tested once");
}

#[test]
fn tests_that_fail_send_the_work_back_with_what_was_seen() {
    let mut work = work(&[("a", &[])], 3).checked(false, Tests::All);
    written(&mut work, 0);
    work.testing(0, "t0".into());
    work.tested(0, done(), found(Came::Fails));
    assert_eq!(work.next(), Next::Start(0));
    let item = work.item(0).unwrap();
    assert_eq!((item.from.as_deref(), item.sent_back), (Some("t0"), 1));
    assert!(item.feedback[0].contains("- t (a.1): left 1"), "{:?}", item.feedback);
    assert_eq!(work.cards()[0].state, "sent-back");
}

#[test]
fn a_tester_that_comes_to_nothing_holds_nothing_up() {
    for (how, found) in [(How::Not("broken".into(), "trap".into()), None), (done(), None)] {
        let mut work = work(&[("a", &[])], 3).checked(false, Tests::All);
        written(&mut work, 0);
        work.testing(0, "t0".into());
        work.tested(0, how, found);
        assert_eq!((work.next(), work.item(0).unwrap().result()), (Next::Review(0), Some("w0")));
        assert_eq!(work.item(0).unwrap().notes.len(), 1);
    }
}
