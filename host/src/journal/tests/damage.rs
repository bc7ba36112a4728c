//! Whoever edits the file is found out: the first bad record is named.
#![expect(clippy::disallowed_methods, reason = "damages a journal's file")]

use orchestra_pit_core::record::Damage;

use super::conformance::{InSqlite, Place};
use super::*;

/// What checking says after some SQL was run on a journal of two runs, four records each.
async fn after(sql: &str) -> Result<u64, JournalError> {
    let place = InSqlite::new();
    let journal = place.open();
    journal.new_tree(TREE).await;
    journal.begin(CHILD, TREE);
    for n in 0..7 {
        let ticket = journal.write(if n % 2 == 0 { CHILD } else { TREE }, Time(n), said(&n.to_string()));
        journal.flush(ticket).await.unwrap();
    }
    drop(journal);
    rusqlite::Connection::open(place.file()).unwrap().execute_batch(sql).unwrap();
    let journal = place.open();
    let verified = journal.verify(TREE).await;
    // Whoever would go on with it, or reads the run, is told the same.
    journal.claim(TREE).await.unwrap();
    assert_eq!(journal.resume(TREE).await.map(|records| records.len() as u64), verified);
    verified
}

fn wrong(damage: Damage) -> Result<u64, JournalError> {
    Err(JournalError::Damage(damage))
}

#[tokio::test]
async fn what_is_as_it_was_written_passes() {
    assert_eq!(after("").await, Ok(8));
    assert_eq!(after("UPDATE records SET payload = NULL WHERE row = 3").await, Ok(8));
}

#[tokio::test]
async fn an_edited_record_is_named() {
    // Rows 1, 3, 5 and 7 are the first run's, 2, 4, 6 and 8 the child's.
    let payload = after(r#"UPDATE records SET payload = replace(payload, '3', '9') WHERE row = 5"#).await;
    assert_eq!(payload, wrong(Damage::Payload { run: TREE, number: 2 }));
    let header = after(r#"UPDATE records SET header = replace(header, '"at":3', '"at":9') WHERE row = 5"#).await;
    assert_eq!(header, wrong(Damage::Chain { run: TREE, number: 3 }), "the next does not follow the edited one");
    let last = after(r#"UPDATE records SET header = replace(header, '"at":6', '"at":9') WHERE row = 8"#).await;
    assert_eq!(last, wrong(Damage::Chain { run: CHILD, number: 3 }), "nothing follows the last, but its hash is kept");
    let gone = after("UPDATE records SET header = 'gone' WHERE row = 4").await;
    assert!(matches!(gone, Err(JournalError::Damage(Damage::Unreadable { run: CHILD, number: 1, .. }))), "{gone:?}");
    let format =
        after(r#"UPDATE records SET header = replace(header, '"format":1', '"format":2') WHERE row = 3"#).await;
    assert_eq!(format, wrong(Damage::Format { run: TREE, number: 1, format: 2 }));
}

#[tokio::test]
async fn a_moved_record_is_named() {
    let swap = "UPDATE records SET row = 100 WHERE row = 3; UPDATE records SET row = 3 WHERE row = 5; UPDATE records SET row = 5 WHERE row = 100";
    assert_eq!(after(swap).await, wrong(Damage::Missing { run: TREE, number: 1 }));
    let renumbered = format!("{swap}; UPDATE records SET number = (row - 1) / 2");
    assert_eq!(after(&renumbered).await, wrong(Damage::Chain { run: TREE, number: 1 }));
    let to_another = "UPDATE records SET run = (SELECT run FROM records WHERE row = 2) WHERE row = 3";
    assert_eq!(after(to_another).await, wrong(Damage::Chain { run: CHILD, number: 1 }));
}

#[tokio::test]
async fn a_record_that_was_taken_away_or_added_is_named() {
    assert_eq!(after("DELETE FROM records WHERE row = 3").await, wrong(Damage::Missing { run: TREE, number: 1 }));
    assert_eq!(after("DELETE FROM records WHERE row = 7").await, wrong(Damage::Missing { run: TREE, number: 3 }));
    assert_eq!(after("DELETE FROM records WHERE row > 3").await, wrong(Damage::Missing { run: TREE, number: 2 }));
    let doubled = "INSERT INTO records SELECT 100, tree, run, number, header, payload FROM records WHERE row = 7";
    assert_eq!(after(doubled).await, wrong(Damage::Chain { run: TREE, number: 4 }));
    let set_back = "UPDATE runs SET next = 3 WHERE first = 1";
    assert_eq!(after(set_back).await, wrong(Damage::Chain { run: TREE, number: 3 }));
}
