//! Rows: calls that are on disk before their effect, of a hundred agents and of one.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use orchestra_pit::journal::Journal;
use orchestra_pit_core::call::{Call, Value, human};
use orchestra_pit_core::id::RunId;
use rusqlite::{Connection, TransactionBehavior, params};

use crate::repository::folder;
use crate::row::{Middle, Pairs, Reach, Row};
use crate::through::{Through, caught_up, ledger};
use crate::{Asked, Result, host, syncs};

const ROUNDS: usize = 7;
const AGENTS: u8 = 100;
const CALLS: u32 = 100;
const TREE: RunId = RunId([200; 16]);

pub fn rows(_: &Asked) -> Result<Vec<Row>> {
    let runtime = host::runtime()?;
    let (mut pairs, mut one, mut batch) = (Pairs::default(), Vec::new(), 0);
    for round in 0..=ROUNDS {
        let (ours, bare) = (folder()?, folder()?);
        let made = runtime.block_on(many(&ours.path().join("journal.db"), AGENTS, CALLS))?;
        let rows = read(&ours.path().join("journal.db"))?;
        batch = rows.len().div_ceil(usize::try_from(made.syncs)?.max(1));
        let baseline = insert(&bare.path().join("bare.db"), &rows, batch)?;
        let single = folder()?;
        let single = runtime.block_on(many(&single.path().join("journal.db"), 1, 500))?;
        if round > 0 {
            let calls = f64::from(AGENTS) * f64::from(CALLS);
            pairs.add(calls / made.seconds, calls / baseline);
            one.push(single.syncs as f64 / 500.0);
        }
    }
    let figure = pairs.each(|ours, bare| ours / bare);
    let hundred = pairs.row("durable calls of 100 agents, 1 KiB each way", "calls/s", "×", figure, Reach::AtLeast(0.5));
    let hundred = hundred.note(format!(
        "baseline: the same rows inserted by a bare loop, {batch} a commit as in the journal; sqlite WAL, FULL"
    ));
    let one = Row::plain("syncs a durable call of one agent", "syncs", Middle::of(&one), Reach::AtMost(1.1));
    Ok(vec![hundred, one.note("fsync and fdatasync, counted; checkpoints are among them")])
}

struct Made {
    seconds: f64,
    syncs: u64,
}

/// So many agents of one tree, each with one call after the other.
async fn many(path: &Path, agents: u8, calls: u32) -> Result<Made> {
    let journal = Journal::sqlite(path)?;
    journal.claim(TREE).await?;
    let ledger = ledger();
    let answer = Ok(Value::Human(human::Value::Text("y".repeat(1024))));
    let doors: Vec<_> = (0..agents)
        .map(|agent| Arc::new(Through::new(&journal, &ledger, TREE, RunId([agent; 16]), answer.clone())))
        .collect();
    caught_up(&journal, TREE).await?;
    let (begin, before) = (Instant::now(), syncs::so_far());
    let tasks: Vec<_> = doors
        .into_iter()
        .map(|door| {
            tokio::spawn(async move {
                for _ in 0..calls {
                    let call = human::Call::Notify { text: "x".repeat(1024) };
                    let (answer, _) = door.call(Call::Human(call)).await.map_err(|stopped| stopped.to_string())?;
                    answer.map_err(|error| error.to_string())?;
                }
                Ok::<_, String>(())
            })
        })
        .collect();
    for task in tasks {
        task.await??;
    }
    let syncs = syncs::so_far() - before;
    // The last answers ride with nobody.
    caught_up(&journal, TREE).await?;
    Ok(Made { seconds: begin.elapsed().as_secs_f64(), syncs })
}

/// A row of the journal.
type Record = (i64, i64, i64, i64, String, Option<String>);

fn read(path: &Path) -> Result<Vec<Record>> {
    let connection = Connection::open(path)?;
    let mut rows = connection.prepare("SELECT row, tree, run, number, header, payload FROM records ORDER BY row")?;
    let rows =
        rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Inserts rows as fast as SQLite does it with the same settings, so many a commit. Answers the seconds.
fn insert(path: &Path, rows: &[Record], batch: usize) -> Result<f64> {
    let mut connection = Connection::open(path)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "secure_delete", true)?;
    connection.pragma_update(None, "wal_autocheckpoint", 4096)?;
    connection.execute_batch(
        "CREATE TABLE records (row INTEGER PRIMARY KEY, tree INTEGER NOT NULL, run INTEGER NOT NULL,
             number INTEGER NOT NULL, header TEXT NOT NULL, payload TEXT) STRICT;
         CREATE INDEX records_of_tree ON records (tree);",
    )?;
    let begin = Instant::now();
    for rows in rows.chunks(batch) {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        {
            let mut insert = transaction.prepare_cached("INSERT INTO records VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
            for (row, tree, run, number, header, payload) in rows {
                insert.execute(params![row, tree, run, number, header, payload])?;
            }
        }
        transaction.commit()?;
    }
    Ok(begin.elapsed().as_secs_f64())
}
