//! A host that dies: what is left is a prefix of what it queued, with all that it was told is on disk.
#![expect(clippy::disallowed_methods, reason = "starts a host, kills it and looks at what it leaves")]

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::conformance::{InSqlite, Place};
use super::*;

const FILE: &str = "PIT_TEST_JOURNAL";
const DIE: &str = "PIT_TEST_DIE";

/// Runs whose agents take turns in the host that dies.
const RUNS: u8 = 3;

fn run(n: u64) -> RunId {
    RunId([(n % u64::from(RUNS)) as u8 + 1; 16])
}

/// The host: writes on and on, and says what it was told is on disk. Record n (from 0) has the time n, whoever's it is.
#[tokio::test]
#[ignore = "started by the other tests, in a process of its own"]
async fn host() {
    let Ok(file) = std::env::var(FILE) else { return };
    let die = std::env::var(DIE).ok().and_then(|text| {
        let (kind, number) = text.split_once(' ')?;
        let number = number.parse().ok()?;
        Some(if kind == "durable" { Die::Durable(number) } else { Die::Queued(number) })
    });
    let journal = Journal::sqlite_with(Path::new(&file), Options { die }).unwrap();
    let tree = run(0);
    journal.claim(tree).await.unwrap();
    for n in 0..u64::from(RUNS) {
        journal.begin(run(n), tree);
    }
    for n in 0.. {
        let at = 2 * n;
        let call = if n % 4 == 3 { ask(&["a", "b"]) } else { line("rides") };
        let order = Order::new(CallId { run: run(n), seq: n }, site(run(n), tree), call, Facts::default(), Time(at));
        let before = order.call().durability() == Durability::Before;
        let (_, open) = journal.intend(hold(order), None).await.unwrap();
        println!("{} {at}", if before { "kept" } else { "went" });
        assert!(journal.answer(open, &YES, Time(at + 1), Cost::default()).unwrap().is_some());
        println!("went {}", at + 1);
    }
}

fn start(file: &Path, die: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "journal::tests::crash::host", "--ignored", "--nocapture"])
        .env(FILE, file)
        .env(DIE, die)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// What the host had said when it died: the last record that it went past, and the last that it was told is on disk.
fn watch(mut child: Child, mut kill_after: usize) -> (Option<u64>, Option<u64>) {
    let (mut went, mut kept) = (None, None);
    for said in BufReader::new(child.stdout.take().unwrap()).lines() {
        let said = said.unwrap();
        let Some((word, at)) = said.split_once(' ') else { continue };
        let Ok(at) = at.parse() else { continue };
        match word {
            "kept" => (went, kept) = (Some(at), Some(at)),
            "went" => went = Some(at),
            _ => continue,
        }
        kill_after = kill_after.saturating_sub(1);
        if kill_after == 0 {
            child.kill().unwrap();
        }
    }
    let status = child.wait().unwrap();
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(9), "{status}");
    (went, kept)
}

/// Checks that a journal has a prefix of what was queued, and how long it is.
async fn prefix(journal: &Journal) -> u64 {
    let times: Vec<u64> = journal.read_tree(run(0), 0).await.unwrap().iter().map(|row| row.header.at.0).collect();
    let length = times.len() as u64;
    assert_eq!(times, (0..length).collect::<Vec<_>>());
    if length > 0 {
        assert_eq!(journal.verify(run(0)).await, Ok(length));
        journal.claim(run(0)).await.unwrap();
        assert_eq!(journal.resume(run(0)).await.unwrap().len() as u64, length);
    }
    length
}

#[tokio::test]
async fn killed_at_any_moment_a_prefix_is_left_with_all_that_was_told() {
    for kill_after in [1, 2, 9, 30, 111, 250] {
        let place = InSqlite::new();
        let (_, kept) = watch(start(&place.file(), ""), kill_after);
        let length = prefix(&place.open()).await;
        assert!(kept.is_none_or(|kept| length > kept), "{length} records, but {kept:?} was told");
    }
}

#[tokio::test]
async fn killed_at_every_record_exactly_that_many_are_left() {
    for n in 1..=12 {
        let place = InSqlite::new();
        watch(start(&place.file(), &format!("durable {n}")), usize::MAX);
        assert_eq!(prefix(&place.open()).await, n);
        let place = InSqlite::new();
        watch(start(&place.file(), &format!("queued {n}")), usize::MAX);
        assert_eq!(prefix(&place.open()).await, n - 1);
    }
}

#[tokio::test]
async fn a_log_that_is_cut_anywhere_leaves_a_prefix() {
    let place = InSqlite::new();
    watch(start(&place.file(), "durable 60"), usize::MAX);
    let (data, log) =
        (std::fs::read(place.file()).unwrap(), std::fs::read(place.file().with_extension("db-wal")).unwrap());
    let mut random = Random(3);
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..60 {
        let cut = InSqlite::new();
        std::fs::create_dir(cut.file().parent().unwrap()).unwrap();
        std::fs::write(cut.file(), &data).unwrap();
        std::fs::write(cut.file().with_extension("db-wal"), &log[..random.below(log.len())]).unwrap();
        // With so little left that there are no tables, it is as if it had never been.
        let journal = cut.open();
        seen.insert(prefix(&journal).await);
    }
    assert!(seen.len() > 5, "{seen:?}");
}
