//! The file: who may read it, what is refused, and what is left of what was erased.
#![expect(clippy::disallowed_methods, reason = "looks at the journal's files")]

use std::os::unix::fs::PermissionsExt as _;

use super::conformance::{InSqlite, Place};
use super::*;

fn mode(path: &std::path::Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn open(path: &std::path::Path) -> OpenError {
    match Journal::sqlite(path) {
        Ok(_) => panic!("opened"),
        Err(error) => error,
    }
}

#[tokio::test]
async fn nobody_else_may_read_it() {
    let place = InSqlite::new();
    let journal = place.open();
    journal.new_tree(TREE).await;
    assert_eq!(mode(place.file().parent().unwrap()), 0o700);
    for end in ["journal.db", "journal.db-wal", "journal.db-shm"] {
        assert_eq!(mode(&place.file().with_file_name(end)), 0o600, "{end}");
    }
    std::fs::set_permissions(place.file(), std::fs::Permissions::from_mode(0o644)).unwrap();
    drop(place.open());
    assert_eq!(mode(&place.file()), 0o600);
}

#[tokio::test]
async fn a_link_is_not_followed() {
    let (place, elsewhere) = (InSqlite::new(), InSqlite::new());
    drop(elsewhere.open());
    std::fs::create_dir(place.file().parent().unwrap()).unwrap();
    std::os::unix::fs::symlink(elsewhere.file(), place.file()).unwrap();
    assert!(matches!(open(&place.file()), OpenError::System { .. }));
}

#[tokio::test]
async fn newer_tables_and_other_files_are_refused_and_left_alone() {
    let place = InSqlite::new();
    drop(place.open());
    let raw = rusqlite::Connection::open(place.file()).unwrap();
    raw.pragma_update(None, "user_version", 2).unwrap();
    let refused = open(&place.file());
    assert!(matches!(refused, OpenError::Newer { found: 2, known: 1, .. }), "{refused:?}");
    assert!(refused.to_string().contains("newer pit (tables 2, this one knows 1)"), "{refused}");
    raw.pragma_update(None, "application_id", 5).unwrap();
    raw.pragma_update(None, "user_version", 1).unwrap();
    assert!(matches!(open(&place.file()), OpenError::Other { .. }));
    drop(raw);
    let text = place.file().with_file_name("text.db");
    std::fs::write(&text, "not a database, but long enough to be looked at as if it were one".repeat(20)).unwrap();
    let before = std::fs::read(&text).unwrap();
    assert!(matches!(open(&text), OpenError::Other { .. }));
    assert_eq!(std::fs::read(&text).unwrap(), before);
}

#[tokio::test]
async fn a_tree_of_a_newer_format_is_refused_by_name() {
    let place = InSqlite::new();
    let journal = place.open();
    journal.new_tree(TREE).await;
    let raw = rusqlite::Connection::open(place.file()).unwrap();
    raw.execute("UPDATE trees SET format = 2", []).unwrap();
    assert_eq!(journal.claim(TREE).await, Err(Refused::Newer { tree: TREE, format: 2 }));
    journal.new_tree(OTHER).await;
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_is_named() {
    let place = InSqlite::new();
    std::fs::write(place.0.path().join("pit"), "a file where the folder should be").unwrap();
    let refused = open(&place.file()).to_string();
    assert!(refused.contains("pit/journal.db cannot be opened for writing"), "{refused}");
}

#[tokio::test]
async fn a_full_disk_refuses_from_then_on_and_keeps_what_was_written() {
    let place = InSqlite::new();
    let (store, shelf) = sqlite::open(&place.file()).unwrap();
    store.fill(20);
    let journal = Journal::start(Box::new(store), Arc::new(shelf), Options::default());
    journal.new_tree(TREE).await;
    let mut written = 0;
    let refused = loop {
        match journal.call(TREE, TREE, written, ask(&["x".repeat(5000).as_str()])).await {
            Ok(()) => written += 1,
            Err(refused) => break refused,
        }
    };
    assert!(written > 3, "{written}");
    assert_eq!(refused, Refused::Full);
    assert!(refused.to_string().contains("make room"), "{refused}");
    assert_eq!(journal.call(OTHER, OTHER, 0, line("rides")).await, Err(Refused::Full));
    assert_eq!(journal.claim(OTHER).await, Err(Refused::Full));
    let ticket = journal.write(TREE, Time(9), said("late"));
    assert_eq!(journal.flush(ticket).await, Err(Refused::Full));
    // It can still be read.
    assert!(journal.verify(TREE).await.unwrap() >= 2 * written);
    assert_eq!(journal.trees().await.unwrap().len(), 1);
    drop(journal);
    // With room again, another host goes on.
    let journal = place.open();
    assert_eq!(journal.claim(TREE).await, Ok(2));
    let records = journal.resume(TREE).await.unwrap();
    assert!(records.len() as u64 >= 2 * written, "{} records of {written} calls", records.len());
    journal.call(TREE, TREE, written, ask(&["y"])).await.unwrap();
    journal.verify(TREE).await.unwrap();
}

#[tokio::test]
async fn a_lock_of_another_process_is_waited_for() {
    let place = InSqlite::new();
    let journal = place.open();
    journal.new_tree(TREE).await;
    let other = rusqlite::Connection::open(place.file()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let call = tokio::spawn({
        let journal = journal.clone();
        async move { journal.call(TREE, TREE, 0, ask(&["a"])).await }
    });
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    assert!(!call.is_finished());
    // What rides goes on, and who only reads is not in anybody's way.
    assert_eq!(place.open().verify(TREE).await, Ok(1));
    other.execute_batch("COMMIT").unwrap();
    assert_eq!(call.await.unwrap(), Ok(()));
}

#[tokio::test]
async fn what_is_erased_is_in_no_file() {
    let place = InSqlite::new();
    let journal = place.open();
    journal.new_tree(TREE).await;
    let secret = "the launch code is 0000".repeat(300);
    let ticket = journal.write(TREE, Time(2), said(&secret));
    journal.flush(ticket).await.unwrap();
    let found = || {
        let files = std::fs::read_dir(place.file().parent().unwrap()).unwrap();
        files
            .filter(|file| {
                let bytes = std::fs::read(file.as_ref().unwrap().path()).unwrap();
                bytes.windows(15).any(|window| window == b"the launch code")
            })
            .count()
    };
    assert!(found() > 0);
    assert_eq!(journal.erase(TREE, 1).await, Ok(true));
    assert_eq!(found(), 0);
}

#[tokio::test]
async fn commits_are_on_disk_when_they_return() {
    let (store, _) = sqlite::open(&InSqlite::new().file()).unwrap();
    // 2 is FULL. Nothing but a power cut shows the difference, so the setting itself is held.
    assert_eq!(store.synchronous(), 2);
}

/// As two processes do: each has its own connections and its own writer.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn owners_side_by_side_write_in_one_file() {
    let place = Arc::new(InSqlite::new());
    let mut owners = Vec::new();
    for n in 0..4u8 {
        let place = Arc::clone(&place);
        owners.push(tokio::spawn(async move {
            let (journal, tree) = (place.open(), RunId([n + 1; 16]));
            journal.new_tree(tree).await;
            for seq in 0..50 {
                journal.call(tree, tree, seq, ask(&["a"])).await.unwrap();
            }
        }));
    }
    for owner in owners {
        owner.await.unwrap();
    }
    let journal = place.open();
    for n in 0..4u8 {
        assert_eq!(journal.verify(RunId([n + 1; 16])).await, Ok(101));
    }
}
