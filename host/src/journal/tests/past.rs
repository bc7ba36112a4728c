//! What is recalled of earlier lives.

use orchestra_pit_core::policy::{Approval, Reach};
use orchestra_pit_core::record::{Asked, Ended, Ruled, Said};

use super::conformance::{InMemory, Place};
use super::*;

/// A journal in its second life, after these events of the first.
async fn after(events: impl IntoIterator<Item = Event>) -> Journal {
    let place = InMemory::new();
    let journal = place.open();
    journal.new_tree(TREE).await;
    for event in events {
        let ticket = journal.write(TREE, Time(77), event);
        journal.flush(ticket).await.unwrap();
    }
    drop(journal);
    let journal = place.open();
    journal.claim(TREE).await.unwrap();
    journal.resume(TREE).await.unwrap();
    journal
}

fn asked(seq: u64, call: Call) -> Event {
    let facts = Facts { children: 3, ..Facts::default() };
    Event::Asked(Box::new(Asked { seq, call, facts, at: Time(50), reasons: Vec::new() }))
}

fn ruled(seq: u64, ruling: Said) -> Event {
    Event::Ruled(Box::new(Ruled { seq, ruling }))
}

fn answered(seq: u64, call: &Call) -> Event {
    use orchestra_pit_core::record::Answered;
    Event::Answered(Box::new(Answered { seq, digest: call.digest(), answer: YES, cost: Cost::default() }))
}

fn recall(journal: &Journal, seq: u64, text: &str) -> Recall {
    journal.recall(&order(TREE, TREE, seq, line(text)))
}

#[tokio::test]
async fn a_question_stays_a_question_until_it_is_answered() {
    let approval = Approval { reach: Reach::Call(Hash::NONE), by: "me".into(), at: Time(60), expires: None };
    for said in [Vec::new(), vec![ruled(0, Said::Approved(approval))]] {
        let journal = after(std::iter::once(asked(0, line("a"))).chain(said)).await;
        match recall(&journal, 0, "a") {
            Recall::Asked { facts, at } => assert_eq!((facts.children, at), (3, Time(50))),
            other => panic!("{other:?}"),
        }
        assert!(matches!(recall(&journal, 0, "b"), Recall::Diverged { recorded } if recorded == line("a").digest()));
    }
    let journal = after([asked(0, line("a")), answered(0, &line("a"))]).await;
    assert!(matches!(recall(&journal, 0, "a"), Recall::Answered { at: Time(77), .. }));
}

#[tokio::test]
async fn a_denial_without_its_answer_is_judged_again() {
    let denied = || ruled(0, Said::Denied { call: line("a"), reasons: Vec::new(), paths: Vec::new() });
    let journal = after([denied()]).await;
    assert!(matches!(recall(&journal, 0, "a"), Recall::New));
    let journal = after([denied()]).await;
    assert!(matches!(recall(&journal, 0, "b"), Recall::Diverged { .. }));
}

#[tokio::test]
async fn only_the_stretch_since_it_last_began_counts() {
    let journal = after([answered(0, &line("a")), began(1), answered(1, &line("b"))]).await;
    assert!(matches!(recall(&journal, 0, "a"), Recall::Diverged { recorded: Hash::NONE }));
    assert!(matches!(recall(&journal, 1, "b"), Recall::Answered { .. }));
    // A new stretch has no past.
    let ticket = journal.write(TREE, Time(80), began(2));
    assert!(matches!(recall(&journal, 1, "other"), Recall::New));
    journal.flush(ticket).await.unwrap();
    let end = orchestra_pit_core::call::delegate::End::Cancelled("a test".into());
    let none = orchestra_pit_core::id::Oid([0; 20]);
    let ended = Event::Ended(Box::new(Ended {
        end,
        commit: none,
        tree: none,
        calls: 1,
        verdict: None,
        doubtful: false,
        unjudged: None,
        uncommitted: false,
    }));
    let journal = after([answered(0, &line("a")), ended]).await;
    assert!(matches!(recall(&journal, 0, "other"), Recall::New));
}

#[tokio::test]
async fn a_run_has_a_past_until_it_has_made_all_its_calls_again() {
    let journal = after([answered(0, &line("a")), answered(1, &line("b"))]).await;
    for _ in 0..2 {
        assert!(matches!(recall(&journal, 0, "a"), Recall::Answered { .. }));
        assert!(matches!(recall(&journal, 1, "b"), Recall::Answered { .. }));
    }
    assert!(matches!(recall(&journal, 2, "c"), Recall::New));
    assert!(matches!(recall(&journal, 0, "x"), Recall::New));
}

#[tokio::test]
async fn a_call_whose_answer_was_erased_is_not_made_again() {
    let place = InMemory::new();
    let journal = place.open();
    journal.new_tree(TREE).await;
    journal.call(TREE, TREE, 0, line("a")).await.unwrap();
    journal.call(TREE, TREE, 1, line("b")).await.unwrap();
    assert_eq!(journal.erase(TREE, 4).await, Ok(true));
    drop(journal);
    let journal = place.open();
    journal.claim(TREE).await.unwrap();
    journal.resume(TREE).await.unwrap();
    assert!(matches!(recall(&journal, 0, "a"), Recall::Answered { .. }));
    assert!(matches!(recall(&journal, 1, "b"), Recall::Diverged { recorded: Hash::NONE }));
}
