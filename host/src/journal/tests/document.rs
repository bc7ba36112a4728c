//! docs/journal-format.md shows records as they are.
#![expect(clippy::disallowed_methods, reason = "reads a journal's file as the page tells people to")]

use orchestra_pit_core::call::workspace::{Content, Stored, Value as Files};
use orchestra_pit_core::call::{Value, workspace};
use orchestra_pit_core::id::Oid;
use orchestra_pit_core::path::RepoPath;
use orchestra_pit_core::pattern::PathSet;

use super::conformance::{InSqlite, Place};
use super::*;

const PAGE: &str = include_str!("../../../../docs/journal-format.md");

#[tokio::test]
async fn the_example_is_what_is_written() {
    let place = InSqlite::new();
    let journal = place.open();
    let run = RunId([0x3f; 16]);
    journal.claim(run).await.unwrap();
    journal.begin(run, run);
    let read = Call::Workspace(workspace::Call::Read { path: RepoPath::new("src/ls.rs").unwrap(), lines: None });
    let order = Order::new(CallId { run, seq: 0 }, site(run, run), read, Facts::default(), Time(1_795_500_000_000_000));
    let grants = Grants { read: Arc::new(PathSet::all()), ..Grants::default() };
    let mut ledger = Ledger::default();
    ledger.open(run, Caps::default(), Time(0));
    let Ruling::Allow(permit) = judge(order, &Rules::default(), &grants, &[]) else { panic!("denied") };
    let hold = ledger.hold(permit, Quote { least: ONE, most: ONE }).unwrap();
    let (_, open) = journal.intend(hold, None).await.unwrap();
    let blob = Oid([0x5c; 20]);
    let bytes = Stored { blob, from: 0, to: 1204, bytes: Some(vec![b'x'; 1204].into()) };
    let content = Content { bytes, hash: blob, size: 1204, lines: 41, cut: false };
    let answer = Ok(Value::Workspace(Files::Content(content)));
    assert!(journal.answer(open, &answer, Time(1_795_500_000_000_140), ONE).unwrap().is_some());
    drop(journal);
    let raw = rusqlite::Connection::open(place.file()).unwrap();
    let mut rows = raw.prepare("SELECT header, payload FROM records ORDER BY row").unwrap();
    let rows = rows.query_map([], |row| Ok([row.get::<_, String>(0)?, row.get::<_, String>(1)?])).unwrap();
    let missing: Vec<String> = rows.flat_map(|row| row.unwrap()).filter(|text| !PAGE.contains(text)).collect();
    assert!(missing.is_empty(), "docs/journal-format.md does not have\n{}", missing.join("\n"));
}

const ONE: Cost = Cost { micro_usd: 0, unpriced: false, tokens: 0, turns: 0, calls: 1, work: 0 };

/// The tables are shown whole, apart from how the text is set.
#[test]
fn the_tables_are_those_that_are_made() {
    let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let made =
        sqlite::SCHEMA.lines().filter(|line| !line.trim_start().starts_with("--")).collect::<Vec<_>>().join("\n");
    assert!(plain(PAGE).contains(&plain(&made)), "docs/journal-format.md does not show\n{made}");
}

/// Every kind of record has a line.
#[test]
fn every_kind_is_explained() {
    for kind in [
        "started",
        "began",
        "asked",
        "ruled",
        "intended",
        "answered",
        "remarked",
        "raised",
        "noticed",
        "resumed",
        "stopped",
        "ended",
        "accepted",
        "unaccepted",
    ] {
        assert!(PAGE.contains(&format!("| `{kind}` |")), "{kind}");
    }
}
