//! A store that is gone with the process: for tests, and for runs that are to leave nothing behind.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use orchestra_pit_core::id::{Hash, RunId};
use orchestra_pit_core::time::Time;

use super::error::{JournalError, Refused};
use super::store::{Append, End, Inbox, Kept, Of, Op, Shelf, Stand, Store};

/// Opens an empty one.
pub(super) fn open() -> (Memory, Memory) {
    let memory = Memory::default();
    (memory.clone(), memory)
}

#[derive(Clone, Default)]
pub(super) struct Memory {
    tables: Arc<Mutex<Tables>>,
}

#[derive(Default)]
struct Tables {
    records: Vec<(RunId, Kept)>,
    trees: BTreeMap<RunId, u64>,
    runs: HashMap<RunId, Run>,
    inbox: BTreeMap<u64, Letter>,
    put: u64,
}

struct Run {
    tree: RunId,
    next: u64,
    head: Hash,
    first: u64,
    last: Option<u64>,
}

struct Letter {
    tree: RunId,
    body: String,
    by: String,
    at: Time,
    taken: u64,
}

impl Memory {
    fn lock(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for Memory {
    fn commit(&mut self, ops: &mut [Op]) -> Result<Vec<(RunId, Refused)>, Refused> {
        let mut tables = self.lock();
        let lost = tables.refused(ops);
        for op in ops {
            if op.owned().is_some_and(|(tree, _)| lost.iter().any(|(lost, _)| *lost == tree)) {
                continue;
            }
            tables.carry_out(op);
        }
        Ok(lost)
    }
}

impl Tables {
    /// The trees with an operation that may not be carried out.
    fn refused(&self, ops: &[Op]) -> Vec<(RunId, Refused)> {
        let mut lost: Vec<(RunId, Refused)> = Vec::new();
        let mut seen = BTreeSet::new();
        for op in ops {
            let Some((tree, mine)) = op.owned() else { continue };
            let now = self.trees.get(&tree).copied().unwrap_or(0);
            let why = match op {
                _ if now != mine => Some(Refused::Taken { tree, mine, now }),
                // Only the first of a run can be out of place: the writer counts on from there.
                Op::Append(append) if seen.insert(append.run) => {
                    let next = self.runs.get(&append.run).map_or(0, |run| run.next);
                    (next != append.number).then_some(Refused::NotOwned { tree })
                }
                _ => None,
            };
            if let Some(why) = why.filter(|_| lost.iter().all(|(lost, _)| *lost != tree)) {
                lost.push((tree, why));
            }
        }
        lost
    }

    fn carry_out(&mut self, op: &mut Op) {
        match op {
            Op::Append(append) => self.append(append),
            Op::Check { .. } => {}
            Op::Claim { tree, epoch } => {
                let last = self.trees.entry(*tree).or_default();
                *last += 1;
                *epoch = *last;
            }
            Op::Put { tree, body, by, at, id } => {
                self.put += 1;
                *id = self.put;
                let letter =
                    Letter { tree: *tree, body: std::mem::take(body), by: std::mem::take(by), at: *at, taken: 0 };
                self.inbox.insert(*id, letter);
            }
            Op::Take { tree, epoch, taken } => {
                for (id, letter) in &mut self.inbox {
                    if letter.tree == *tree && letter.taken != *epoch {
                        letter.taken = *epoch;
                        let (body, by) = (letter.body.clone(), letter.by.clone());
                        taken.push(Inbox { id: *id, body, by, at: letter.at });
                    }
                }
            }
            Op::Done { tree, id, .. } => {
                if self.inbox.get(id).is_some_and(|letter| letter.tree == *tree) {
                    self.inbox.remove(id);
                }
            }
            Op::Erase { run, number, found } => {
                let kept = self.records.iter_mut().find(|(_, kept)| kept.run == *run && kept.number == *number);
                if let Some((_, kept)) = kept {
                    kept.payload = None;
                    *found = true;
                }
            }
        }
    }

    fn append(&mut self, append: &mut Append) {
        let row = self.records.len() as u64 + 1;
        let run = self.runs.entry(append.run).or_insert(Run {
            tree: append.tree,
            next: 0,
            head: Hash::NONE,
            first: row,
            last: None,
        });
        run.next = append.number + 1;
        run.head = append.head;
        if append.stand {
            run.last = Some(row);
        }
        let kept = Kept {
            row,
            run: append.run,
            number: append.number,
            header: std::mem::take(&mut append.header),
            payload: Some(std::mem::take(&mut append.payload)),
        };
        self.records.push((append.tree, kept));
    }

    fn row(&self, row: u64) -> Option<Kept> {
        let at = usize::try_from(row.checked_sub(1)?).ok()?;
        self.records.get(at).map(|(_, kept)| kept.clone())
    }
}

impl Shelf for Memory {
    fn read(&self, of: Of, each: &mut dyn FnMut(Kept) -> Result<(), JournalError>) -> Result<Vec<End>, JournalError> {
        let tables = self.lock();
        let wanted = |tree: RunId, kept: &Kept| match of {
            Of::Tree(of, after) => tree == of && kept.row > after,
            Of::Run(of) => kept.run == of,
        };
        for (_, kept) in tables.records.iter().filter(|(tree, kept)| wanted(*tree, kept)) {
            each(kept.clone())?;
        }
        let mut ends: Vec<End> = tables
            .runs
            .iter()
            .filter(|(id, run)| match of {
                Of::Tree(of, _) => run.tree == of,
                Of::Run(of) => **id == of,
            })
            .map(|(id, run)| End { run: *id, next: run.next, head: run.head })
            .collect();
        ends.sort_by_key(|end| end.run);
        Ok(ends)
    }

    fn back(&self, run: RunId, each: &mut dyn FnMut(Kept) -> Result<bool, JournalError>) -> Result<(), JournalError> {
        let tables = self.lock();
        for (_, kept) in tables.records.iter().rev().filter(|(_, kept)| kept.run == run) {
            if !each(kept.clone())? {
                break;
            }
        }
        Ok(())
    }

    fn stands(&self, of: Option<RunId>) -> Result<Vec<Stand>, JournalError> {
        let tables = self.lock();
        let mut stands: Vec<Stand> = tables
            .runs
            .iter()
            .filter(|(id, run)| of.map_or(run.tree == **id, |tree| run.tree == tree))
            .map(|(id, run)| Stand {
                tree: run.tree,
                run: *id,
                epoch: tables.trees.get(&run.tree).copied().unwrap_or(0),
                records: run.next,
                first: tables.row(run.first),
                last: run.last.and_then(|row| tables.row(row)),
            })
            .collect();
        stands.sort_by_key(|stand| stand.first.as_ref().map(|first| first.row));
        Ok(stands)
    }

    fn inboxes(&self) -> Result<Vec<(RunId, Inbox)>, JournalError> {
        let inbox = |(id, letter): (&u64, &Letter)| {
            let (body, by) = (letter.body.clone(), letter.by.clone());
            (letter.tree, Inbox { id: *id, body, by, at: letter.at })
        };
        Ok(self.lock().inbox.iter().map(inbox).collect())
    }
}
