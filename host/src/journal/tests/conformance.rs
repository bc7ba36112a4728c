//! What every store must do. Each test is a function of an opener; the macro makes one test a store of each.

use super::*;

/// Opens the same journal again and again, each time as another process would.
pub(super) trait Place: Send + Sync {
    fn open(&self) -> Journal;
}

pub(super) struct InMemory(super::super::memory::Memory);

impl InMemory {
    pub(super) fn new() -> Self {
        Self(Default::default())
    }
}

impl Place for InMemory {
    fn open(&self) -> Journal {
        Journal::start(Box::new(self.0.clone()), Arc::new(self.0.clone()), Options::default())
    }
}

macro_rules! for_every_store {
    ($($test:ident)*) => {
        mod memory {
            $(#[tokio::test] async fn $test() { super::$test(&super::InMemory::new()).await; })*
        }
    };
}

for_every_store! {
    what_is_written_is_read_in_order
    a_finished_call_is_recalled
}

fn kinds(records: &[Record]) -> Vec<&str> {
    records.iter().map(|(header, _)| header.kind.as_str()).collect()
}

async fn what_is_written_is_read_in_order(place: &dyn Place) {
    let journal = place.open();
    assert_eq!(journal.new_tree(TREE).await, 1);
    journal.begin(CHILD, TREE);
    for n in 0..5 {
        let ticket = journal.write(if n % 2 == 0 { TREE } else { CHILD }, Time(n), said(&n.to_string()));
        if n == 4 {
            journal.flush(ticket).await.unwrap();
        }
    }
    let texts: Vec<u64> = journal.read_tree(TREE, 1).await.unwrap().iter().map(|row| row.header.at.0).collect();
    assert_eq!(texts, [0, 1, 2, 3, 4]);
    assert_eq!(kinds(&journal.read(CHILD, 0).await.unwrap()), ["remarked", "remarked"]);
    assert_eq!(journal.read(TREE, 2).await.unwrap().len(), 2);
    assert_eq!(journal.verify(TREE).await, Ok(6));
    assert_eq!(journal.verify(OTHER).await, Err(JournalError::Unknown { run: OTHER }));
}

async fn a_finished_call_is_recalled(place: &dyn Place) {
    let journal = place.open();
    journal.new_tree(TREE).await;
    journal.call(TREE, TREE, 0, line("a")).await.unwrap();
    journal.call(TREE, TREE, 1, ask(&["x"])).await.unwrap();
    let (_, open) = journal.intend(hold(order(TREE, TREE, 2, ask(&["x", "y"]))), None).await.unwrap();
    drop((open, journal));

    let journal = place.open();
    assert_eq!(journal.claim(TREE).await.unwrap(), 2);
    let records = journal.resume(TREE).await.unwrap();
    assert_eq!(kinds(&records), ["began", "intended", "answered", "intended", "answered", "intended"]);
    match journal.recall(&order(TREE, TREE, 0, line("a"))) {
        Recall::Answered { answer, at } => assert_eq!((answer, at), (YES, Time(2000))),
        other => panic!("{other:?}"),
    }
    match journal.recall(&order(TREE, TREE, 1, ask(&["z"]))) {
        Recall::Diverged { recorded } => assert_eq!(recorded, ask(&["x"]).digest()),
        other => panic!("{other:?}"),
    }
    let doubt = match journal.recall(&order(TREE, TREE, 2, ask(&["x", "y"]))) {
        Recall::InDoubt(doubt) => doubt,
        other => panic!("{other:?}"),
    };
    assert_eq!(doubt.at(), Time(1002));
    let again = order(TREE, TREE, 2, ask(&["x", "y"]));
    let (_, open) = journal.intend(hold(again), Some(doubt)).await.unwrap();
    journal.answer(open, &YES, Time(3000), Cost::default()).unwrap();
    assert!(matches!(journal.recall(&order(TREE, TREE, 3, line("b"))), Recall::New));
    let records = journal.read(TREE, 0).await.unwrap();
    assert_eq!(kinds(&records)[5..], ["intended", "answered"]);
    match &records[6].1 {
        Some(Event::Answered(answered)) => assert_eq!(answered.digest, ask(&["x", "y"]).digest()),
        other => panic!("{other:?}"),
    }
}
