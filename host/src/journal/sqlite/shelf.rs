//! Reading, from any thread.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Mutex;

use orchestra_pit_core::id::{Hash, RunId};
use orchestra_pit_core::record::Damage;
use orchestra_pit_core::time::Time;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, params};

use super::super::error::JournalError;
use super::super::store::{End, Inbox, Kept, Of, Shelf, Stand};
use super::{connect, lock};

/// Connections that are not in use.
pub(in super::super) struct Reading {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

impl From<rusqlite::Error> for JournalError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Read { why: error.to_string() }
    }
}

impl Reading {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, idle: Mutex::default() }
    }

    /// Reads as of one moment.
    fn with<T>(&self, read: impl FnOnce(&Transaction<'_>) -> Result<T, JournalError>) -> Result<T, JournalError> {
        let idle = lock(&self.idle).pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => {
                let connection = connect(&self.path)?;
                connection.pragma_update(None, "query_only", true)?;
                connection
            }
        };
        let read = connection.transaction().map_err(JournalError::from).and_then(|transaction| read(&transaction));
        lock(&self.idle).push(connection);
        read
    }
}

/// A row of `runs`.
struct Run {
    run: RunId,
    end: End,
}

impl Shelf for Reading {
    fn read(&self, of: Of, each: &mut dyn FnMut(Kept) -> Result<(), JournalError>) -> Result<Vec<End>, JournalError> {
        self.with(|transaction| {
            let (tree, after, only) = match of {
                Of::Tree(tree, after) => (tree_row(transaction, tree)?, after, None),
                Of::Run(run) => match run_row(transaction, run)? {
                    Some((tree, id)) => (Some(tree), 0, Some(id)),
                    None => (None, 0, None),
                },
            };
            let Some(tree) = tree else { return Ok(Vec::new()) };
            let runs = runs(transaction, tree, only)?;
            let sql = "SELECT row, run, number, header, payload FROM records
                 WHERE tree = ?1 AND row > ?2 AND (?3 IS NULL OR run = ?3) ORDER BY row";
            let mut statement = transaction.prepare_cached(sql)?;
            let mut rows = statement.query(params![tree, signed(after), only])?;
            while let Some(row) = rows.next()? {
                let id: i64 = row.get(1)?;
                let kept = kept(row, runs.get(&id).map(|run| run.run), [0, 2, 3, 4])?;
                each(kept)?;
            }
            Ok(runs.into_values().map(|run| run.end).collect())
        })
    }

    fn back(&self, run: RunId, each: &mut dyn FnMut(Kept) -> Result<bool, JournalError>) -> Result<(), JournalError> {
        self.with(|transaction| {
            let Some((tree, id)) = run_row(transaction, run)? else { return Ok(()) };
            // The index has each tree's records in the order of their rows, so nothing is read that is not asked for.
            let sql = "SELECT row, number, header, payload FROM records WHERE tree = ?1 AND run = ?2 ORDER BY row DESC";
            let mut statement = transaction.prepare_cached(sql)?;
            let mut rows = statement.query(params![tree, id])?;
            while let Some(row) = rows.next()? {
                if !each(kept(row, Some(run), [0, 1, 2, 3])?)? {
                    break;
                }
            }
            Ok(())
        })
    }

    fn stands(&self, of: Option<RunId>) -> Result<Vec<Stand>, JournalError> {
        self.with(|transaction| {
            // Two statements, so that each finds its runs by an index.
            let which = match of {
                None => "trees t JOIN runs r ON r.run = t.tree AND ?1 IS NULL",
                Some(_) => "trees t JOIN runs r ON r.tree = t.id AND t.tree = ?1",
            };
            let sql = format!(
                "SELECT t.tree, r.run, t.epoch, r.next,
                     f.row, f.number, f.header, f.payload, l.row, l.number, l.header, l.payload
                 FROM {which} LEFT JOIN records f ON f.row = r.first LEFT JOIN records l ON l.row = r.last
                 ORDER BY r.first"
            );
            let mut statement = transaction.prepare_cached(&sql)?;
            let mut rows = statement.query([of.map(|tree| tree.0)])?;
            let mut stands = Vec::new();
            while let Some(row) = rows.next()? {
                let run = RunId(row.get(1)?);
                let there = |at: usize| Ok::<_, JournalError>(row.get::<_, Option<i64>>(at)?.is_some());
                stands.push(Stand {
                    tree: RunId(row.get(0)?),
                    run,
                    epoch: row.get(2)?,
                    records: row.get(3)?,
                    first: there(4)?.then(|| kept(row, Some(run), [4, 5, 6, 7])).transpose()?,
                    last: there(8)?.then(|| kept(row, Some(run), [8, 9, 10, 11])).transpose()?,
                });
            }
            Ok(stands)
        })
    }

    fn inboxes(&self) -> Result<Vec<(RunId, Inbox)>, JournalError> {
        self.with(|transaction| {
            let mut statement = transaction.prepare_cached("SELECT tree, id, body, by, at FROM inbox ORDER BY id")?;
            let inbox = statement.query_map([], |row| {
                let inbox = Inbox { id: row.get(1)?, body: row.get(2)?, by: row.get(3)?, at: Time(row.get(4)?) };
                Ok((RunId(row.get(0)?), inbox))
            })?;
            Ok(inbox.collect::<rusqlite::Result<_>>()?)
        })
    }
}

fn tree_row(transaction: &Transaction<'_>, tree: RunId) -> rusqlite::Result<Option<i64>> {
    transaction.query_row("SELECT id FROM trees WHERE tree = ?1", [tree.0], |row| row.get(0)).optional()
}

/// The rows of a run's tree and of the run.
fn run_row(transaction: &Transaction<'_>, run: RunId) -> rusqlite::Result<Option<(i64, i64)>> {
    let sql = "SELECT tree, id FROM runs WHERE run = ?1";
    transaction.query_row(sql, [run.0], |row| Ok((row.get(0)?, row.get(1)?))).optional()
}

fn runs(transaction: &Transaction<'_>, tree: i64, only: Option<i64>) -> rusqlite::Result<BTreeMap<i64, Run>> {
    let sql = "SELECT id, run, next, head FROM runs WHERE tree = ?1 AND (?2 IS NULL OR id = ?2)";
    transaction
        .prepare_cached(sql)?
        .query_map(params![tree, only], |row| {
            let run = RunId(row.get(1)?);
            Ok((row.get(0)?, Run { run, end: End { run, next: row.get(2)?, head: Hash(row.get(3)?) } }))
        })?
        .collect()
}

/// A row of `records`. What is not of the right kind becomes something that no check accepts, so that the record is named.
fn kept(row: &Row<'_>, run: Option<RunId>, [id, number, header, payload]: [usize; 4]) -> Result<Kept, JournalError> {
    let number = u64::try_from(row.get::<_, i64>(number)?).unwrap_or(u64::MAX);
    let Some(run) = run else {
        let why = "it is of a run that is not in this tree".to_owned();
        return Err(Damage::Unreadable { run: RunId([0; 16]), number, why }.into());
    };
    let bytes = |at: usize| -> Result<Option<Vec<u8>>, JournalError> {
        Ok(match row.get_ref(at)? {
            ValueRef::Null => None,
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Some(bytes.to_owned()),
            ValueRef::Integer(_) | ValueRef::Real(_) => Some(Vec::new()),
        })
    };
    let row = u64::try_from(row.get::<_, i64>(id)?).unwrap_or(0);
    Ok(Kept { row, run, number, header: bytes(header)?.unwrap_or_default(), payload: bytes(payload)? })
}

fn signed(row: u64) -> i64 {
    i64::try_from(row).unwrap_or(i64::MAX)
}
