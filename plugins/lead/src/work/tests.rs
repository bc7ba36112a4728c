//! The machine, rule by rule.

use super::*;
use kit::review::Finding;

fn task(id: &str, after: &[&str]) -> Planned {
    Planned {
        id: id.into(),
        title: format!("Do {id}"),
        goal: "x".into(),
        criteria: vec!["it is done".into()],
        files: Vec::new(),
        after: after.iter().map(|id| (*id).to_owned()).collect(),
        agent: "coder".into(),
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
