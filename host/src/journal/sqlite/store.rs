//! Writing: one transaction a batch.

use std::collections::HashMap;

use orchestra_pit_core::id::{Hash, RunId};
use orchestra_pit_core::record::FORMAT;
use orchestra_pit_core::time::Time;
use rusqlite::{Connection, ErrorCode, OptionalExtension as _, Transaction, TransactionBehavior, params};

use super::super::error::Refused;
use super::super::store::{Append, Inbox, Op, Store};
use super::busy;

/// Times that a batch is tried while another process holds the lock: [`BUSY`](super::BUSY) each, so a minute. Commits take
/// milliseconds; who takes longer was stopped in the middle of one.
const TRIES: u32 = 6;

/// The one connection that writes.
pub(in super::super) struct Writing {
    connection: Connection,
    /// Rows of `runs`, which never change.
    runs: HashMap<RunId, i64>,
}

/// Why a transaction was taken back.
enum Stop {
    /// A tree's operations must be left out.
    Lost(RunId, Refused),
    Sql(rusqlite::Error),
}

impl From<rusqlite::Error> for Stop {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl Writing {
    pub(super) fn new(connection: Connection) -> Self {
        Self { connection, runs: HashMap::new() }
    }
}

#[cfg(test)]
impl Writing {
    /// Lets the file grow no further, as a full disk would.
    pub(in super::super) fn fill(&self, more_pages: u32) {
        let pages: u32 = self.connection.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
        self.connection.pragma_update(None, "max_page_count", pages + more_pages).unwrap();
    }

    pub(in super::super) fn synchronous(&self) -> i64 {
        self.connection.pragma_query_value(None, "synchronous", |row| row.get(0)).unwrap()
    }
}

impl Store for Writing {
    fn commit(&mut self, ops: &mut [Op]) -> Result<Vec<(RunId, Refused)>, Refused> {
        let mut lost = Vec::new();
        let mut tries = 0;
        loop {
            match attempt(&mut self.connection, &self.runs, ops, &lost) {
                Ok(new) => {
                    self.runs.extend(new);
                    break;
                }
                Err(Stop::Lost(tree, why)) => lost.push((tree, why)),
                Err(Stop::Sql(error)) if busy(&error) && tries < TRIES => tries += 1,
                Err(Stop::Sql(error)) => return Err(refused(&error)),
            }
        }
        if ops.iter().any(|op| matches!(op, Op::Erase { found: true, .. })) {
            // What was erased is in the log as well, until that is written back and cut. Where a reader stands in the way,
            // the next checkpoint does it.
            let _ = self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        }
        Ok(lost)
    }
}

/// Carries out all but the operations of lost trees, in one transaction. Returns the rows of new runs.
fn attempt(
    connection: &mut Connection,
    known: &HashMap<RunId, i64>,
    ops: &mut [Op],
    lost: &[(RunId, Refused)],
) -> Result<HashMap<RunId, i64>, Stop> {
    let is_lost = |tree: &RunId| lost.iter().any(|(lost, _)| lost == tree);
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let trees = owners(&transaction, ops, &is_lost)?;
    let runs = Runs::advance(&transaction, known, ops, &trees)?;
    let mut row = runs.base;
    let mut insert = transaction.prepare_cached(
        "INSERT INTO records (row, tree, run, number, header, payload) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    for op in ops {
        match op {
            Op::Append(append) => {
                let (Some(tree), Some(run)) = (trees.get(&append.tree), runs.id(&append.run)) else { continue };
                let (header, payload) = (text(&append.header), text(&append.payload));
                insert.execute(params![row, tree, run, append.number, header, payload])?;
                row += 1;
            }
            Op::Take { tree, .. } | Op::Done { tree, .. } if !trees.contains_key(tree) => {}
            Op::Claim { tree, .. } if is_lost(tree) => {}
            op => other(&transaction, op)?,
        }
    }
    drop(insert);
    transaction.commit()?;
    Ok(runs.new)
}

/// The rows of the trees that operations are about, once it is sure that each is still of its epoch.
fn owners(
    transaction: &Transaction<'_>,
    ops: &[Op],
    is_lost: &impl Fn(&RunId) -> bool,
) -> Result<HashMap<RunId, i64>, Stop> {
    let mut trees = HashMap::new();
    let mut find = transaction.prepare_cached("SELECT id, epoch FROM trees WHERE tree = ?1")?;
    for (tree, mine) in ops.iter().filter_map(Op::owned) {
        if is_lost(&tree) || trees.contains_key(&tree) {
            continue;
        }
        let found = find.query_row([tree.0], |row| Ok((row.get(0)?, row.get::<_, u64>(1)?))).optional()?;
        match found {
            Some((id, now)) if now == mine => drop(trees.insert(tree, id)),
            found => {
                let now = found.map_or(0, |(_, now)| now);
                return Err(Stop::Lost(tree, Refused::Taken { tree, mine, now }));
            }
        }
    }
    Ok(trees)
}

/// The runs that a batch appends to.
struct Runs<'a> {
    known: &'a HashMap<RunId, i64>,
    new: HashMap<RunId, i64>,
    /// The row of the batch's first record.
    base: i64,
}

/// What a batch appends to one run.
struct Stretch {
    tree: RunId,
    from: u64,
    next: u64,
    head: Hash,
    first: i64,
    last: Option<i64>,
}

impl<'a> Runs<'a> {
    /// Moves the end of every run on, if it is where the batch goes on from.
    fn advance(
        transaction: &Transaction<'_>,
        known: &'a HashMap<RunId, i64>,
        ops: &[Op],
        trees: &HashMap<RunId, i64>,
    ) -> Result<Self, Stop> {
        let base = transaction
            .prepare_cached("SELECT coalesce(max(row), 0) + 1 FROM records")?
            .query_row([], |row| row.get::<_, i64>(0))?;
        let mut runs = Self { known, new: HashMap::new(), base };
        let appends = ops.iter().filter_map(|op| match op {
            Op::Append(append) if trees.contains_key(&append.tree) => Some(append),
            _ => None,
        });
        for (run, stretch) in stretches(appends, base) {
            let tree = stretch.tree;
            if !runs.advance_one(transaction, run, &stretch, trees.get(&tree).copied())? {
                return Err(Stop::Lost(tree, Refused::NotOwned { tree }));
            }
        }
        Ok(runs)
    }

    fn advance_one(
        &mut self,
        transaction: &Transaction<'_>,
        run: RunId,
        stretch: &Stretch,
        tree: Option<i64>,
    ) -> rusqlite::Result<bool> {
        if stretch.from == 0 {
            let changed = transaction
                .prepare_cached(
                    "INSERT INTO runs (run, tree, next, head, first, last) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                     ON CONFLICT DO NOTHING",
                )?
                .execute(params![run.0, tree, stretch.next, stretch.head.0, stretch.first, stretch.last])?;
            self.new.insert(run, transaction.last_insert_rowid());
            return Ok(changed == 1);
        }
        let id = match self.id(&run) {
            Some(id) => Some(id),
            None => transaction
                .prepare_cached("SELECT id FROM runs WHERE run = ?1")?
                .query_row([run.0], |row| row.get(0))
                .optional()?,
        };
        let Some(id) = id else { return Ok(false) };
        self.new.insert(run, id);
        let changed = transaction
            .prepare_cached(
                "UPDATE runs SET next = ?1, head = ?2, last = coalesce(?3, last) WHERE id = ?4 AND next = ?5 AND tree = ?6",
            )?
            .execute(params![stretch.next, stretch.head.0, stretch.last, id, stretch.from, tree])?;
        Ok(changed == 1)
    }

    fn id(&self, run: &RunId) -> Option<i64> {
        self.new.get(run).or_else(|| self.known.get(run)).copied()
    }
}

fn stretches<'a>(appends: impl Iterator<Item = &'a Append>, base: i64) -> HashMap<RunId, Stretch> {
    let mut stretches: HashMap<RunId, Stretch> = HashMap::new();
    for (row, append) in (base..).zip(appends) {
        let stretch = stretches.entry(append.run).or_insert(Stretch {
            tree: append.tree,
            from: append.number,
            next: append.number,
            head: append.head,
            first: row,
            last: None,
        });
        stretch.next = append.number + 1;
        stretch.head = append.head;
        if append.stand {
            stretch.last = Some(row);
        }
    }
    stretches
}

/// Everything but appending.
fn other(transaction: &Transaction<'_>, op: &mut Op) -> Result<(), Stop> {
    match op {
        Op::Append(_) | Op::Check { .. } => {}
        Op::Claim { tree, epoch } => *epoch = claim(transaction, *tree)?,
        Op::Put { tree, body, by, at, id } => {
            transaction
                .prepare_cached("INSERT INTO inbox (tree, body, by, at) VALUES (?1, ?2, ?3, ?4)")?
                .execute(params![tree.0, *body, *by, at.0])?;
            *id = u64::try_from(transaction.last_insert_rowid()).unwrap_or(0);
        }
        Op::Take { tree, epoch, taken } => {
            *taken = transaction
                .prepare_cached("SELECT id, body, by, at FROM inbox WHERE tree = ?1 AND taken <> ?2 ORDER BY id")?
                .query_map(params![tree.0, *epoch], |row| {
                    Ok(Inbox { id: row.get(0)?, body: row.get(1)?, by: row.get(2)?, at: Time(row.get(3)?) })
                })?
                .collect::<rusqlite::Result<_>>()?;
            transaction
                .prepare_cached("UPDATE inbox SET taken = ?2 WHERE tree = ?1")?
                .execute(params![tree.0, *epoch])?;
        }
        Op::Done { tree, id, .. } => {
            transaction
                .prepare_cached("DELETE FROM inbox WHERE tree = ?1 AND id = ?2")?
                .execute(params![tree.0, *id])?;
        }
        Op::Erase { run, number, found } => {
            let sql = "UPDATE records SET payload = NULL WHERE number = ?2
                 AND run = (SELECT id FROM runs WHERE run = ?1) AND tree = (SELECT tree FROM runs WHERE run = ?1)";
            *found = transaction.execute(sql, params![run.0, *number])? > 0;
        }
    }
    Ok(())
}

fn claim(transaction: &Transaction<'_>, tree: RunId) -> Result<u64, Stop> {
    let format: Option<u32> =
        transaction.query_row("SELECT format FROM trees WHERE tree = ?1", [tree.0], |row| row.get(0)).optional()?;
    if let Some(format) = format.filter(|format| *format > FORMAT) {
        return Err(Stop::Lost(tree, Refused::Newer { tree, format }));
    }
    let sql = "INSERT INTO trees (tree, epoch, format) VALUES (?1, 1, ?2)
         ON CONFLICT (tree) DO UPDATE SET epoch = epoch + 1, format = excluded.format RETURNING epoch";
    Ok(transaction.query_row(sql, params![tree.0, FORMAT], |row| row.get(0))?)
}

/// Canonical JSON is UTF-8.
fn text(json: &[u8]) -> &str {
    std::str::from_utf8(json).unwrap_or_default()
}

fn refused(error: &rusqlite::Error) -> Refused {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => Refused::Full,
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Refused::Locked,
        _ => Refused::Failed { why: error.to_string() },
    }
}
