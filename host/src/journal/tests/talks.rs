//! Conversations by reference: stored short, read whole.

use orchestra_pit_core::record::Prefix;
use proptest::prelude::*;

use super::conformance::{InMemory, Place};
use super::*;

async fn asks(journal: &Journal, run: RunId, first: u64, talks: &[Vec<&str>]) {
    for (seq, messages) in (first..).zip(talks) {
        journal.call(run, run, seq, ask(messages)).await.unwrap();
    }
}

/// How each request is stored: its prefix, and the messages that follow.
async fn stored(journal: &Journal, tree: RunId) -> Vec<(Option<(u64, u32)>, usize)> {
    let intended = |row: &Row| match &row.event {
        Some(Event::Intended(intended)) => match &intended.call {
            Call::Model(model::Call::Ask(request)) => {
                Some((intended.prefix.map(|Prefix { seq, messages }| (seq, messages)), request.messages.len()))
            }
            _ => None,
        },
        _ => None,
    };
    journal.read_tree(tree, 0).await.unwrap().iter().filter_map(intended).collect()
}

/// Checks that each request is read whole and answers to the digest of its answer.
async fn whole(journal: &Journal, tree: RunId, talks: &[Vec<&str>]) {
    let records = journal.read(tree, 0).await.unwrap();
    let (mut calls, mut digests) = (Vec::new(), Vec::new());
    for (_, event) in records {
        match event {
            Some(Event::Intended(intended)) => {
                assert_eq!(intended.prefix, None);
                calls.push(intended.call);
            }
            Some(Event::Answered(answered)) => digests.push(answered.digest),
            _ => {}
        }
    }
    assert_eq!(calls, talks.iter().map(|messages| ask(messages)).collect::<Vec<_>>());
    assert_eq!(digests, calls.iter().map(Call::digest).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_conversation_is_stored_once() {
    let place = InMemory::new();
    let journal = place.open();
    journal.new_tree(TREE).await;
    let talks = [
        vec!["a"],
        vec!["a", "b", "c"],
        vec!["a", "b", "c"],
        vec!["a", "b", "x"],
        vec!["other"],
        vec!["a", "b", "c", "d"],
        vec!["a", "b", "x", "y"],
        vec!["other", "o"],
    ];
    asks(&journal, TREE, 0, &talks).await;
    whole(&journal, TREE, &talks).await;
    let expected = [
        (None, 1),
        (Some((0, 1)), 2),
        (Some((1, 3)), 0),
        (Some((2, 2)), 1),
        (None, 1),
        (Some((2, 3)), 1),
        (Some((3, 3)), 1),
        (Some((4, 1)), 1),
    ];
    assert_eq!(stored(&journal, TREE).await, expected);
    drop(journal);
    // The next life goes on with what is stored.
    let journal = place.open();
    journal.claim(TREE).await.unwrap();
    journal.resume(TREE).await.unwrap();
    asks(&journal, TREE, 8, &[vec!["other", "o", "p"]]).await;
    assert_eq!(stored(&journal, TREE).await.last(), Some(&(Some((7, 2)), 1)));
}

#[tokio::test]
async fn a_conversation_in_doubt_is_recognized() {
    let place = InMemory::new();
    let journal = place.open();
    journal.new_tree(TREE).await;
    asks(&journal, TREE, 0, &[vec!["a"], vec!["a", "b"]]).await;
    drop(journal.intend(hold(order(TREE, TREE, 2, ask(&["a", "b", "c"]))), None).await.unwrap());
    drop(journal);
    let journal = place.open();
    journal.claim(TREE).await.unwrap();
    journal.resume(TREE).await.unwrap();
    assert!(matches!(journal.recall(&order(TREE, TREE, 2, ask(&["a", "b", "c"]))), Recall::InDoubt(_)));
    assert!(matches!(journal.recall(&order(TREE, TREE, 2, ask(&["c"]))), Recall::Diverged { .. }));
}

#[tokio::test]
async fn a_beginning_that_was_erased_leaves_the_rest() {
    let journal = InMemory::new().open();
    journal.new_tree(TREE).await;
    asks(&journal, TREE, 0, &[vec!["a"], vec!["a", "b"]]).await;
    assert_eq!(journal.erase(TREE, 1).await, Ok(true));
    let records = journal.read(TREE, 0).await.unwrap();
    let Some(Event::Intended(intended)) = &records[3].1 else { panic!("{:?}", records[3]) };
    assert_eq!(intended.prefix, Some(Prefix { seq: 0, messages: 1 }));
    assert_eq!(journal.verify(TREE).await, Ok(5));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    /// Whatever an agent asks, in whatever order of beginnings, also over a change of process: it is read as it was asked.
    #[test]
    fn any_conversations_are_read_as_they_were_asked(
        talks in prop::collection::vec(prop::collection::vec(prop::sample::select(vec!["a", "b", "c"]), 0..6), 1..24),
        cut in 0usize..24,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let place = InMemory::new();
            let journal = place.open();
            journal.new_tree(TREE).await;
            let cut = cut.min(talks.len());
            asks(&journal, TREE, 0, &talks[..cut]).await;
            drop(journal);
            let journal = place.open();
            journal.claim(TREE).await.unwrap();
            journal.resume(TREE).await.unwrap();
            asks(&journal, TREE, cut as u64, &talks[cut..]).await;
            whole(&journal, TREE, &talks).await;
            drop(journal);
            let journal = place.open();
            journal.claim(TREE).await.unwrap();
            journal.resume(TREE).await.unwrap();
            for (seq, messages) in (0..).zip(&talks) {
                assert!(matches!(journal.recall(&order(TREE, TREE, seq, ask(messages))), Recall::Answered { .. }));
            }
        });
    }
}
