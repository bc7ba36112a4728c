//! The calls that change files, one code for the first time and for doing them again, and `workspace.changes`.

use std::sync::Arc;

use orchestra_pit_core::call::workspace::{Call, Change, Edited, Expect, Value, What};
use orchestra_pit_core::call::{self, Answer, Error, ErrorKind};
use orchestra_pit_core::edit::{self, Fault, FaultKind, Outcome};
use orchestra_pit_core::id::Oid;
use orchestra_pit_core::map::{Found, Node};
use orchestra_pit_core::path::RepoPath;
use orchestra_pit_core::policy::Scope;
use orchestra_pit_core::protected;
use orchestra_pit_core::tree::{self, Sort};

use super::super::store::{Blob, Repo};
use super::super::vcs::diff::line_counts;
use super::state::State;
use super::{MAX_CHANGES, MAX_FILE};

/// Every path that a call writes.
pub(super) fn writes(call: &Call) -> Result<Vec<RepoPath>, Error> {
    Ok(match call {
        Call::Write { path, .. } | Call::Remove { path } => vec![path.clone()],
        Call::Rename { from, to } => vec![from.clone(), to.clone()],
        Call::Edit { edits } => {
            edit::touched(edits).map_err(fault)?.iter().map(|path| RepoPath::new(path)).collect::<Result<_, _>>()?
        }
        // Going back to a snapshot is not held up by a lease: it undoes only what this run did, in its own workspace.
        Call::Snapshot { .. } | Call::Restore { .. } => Vec::new(),
        Call::List { .. } | Call::Stat { .. } | Call::Read { .. } | Call::Search(_) | Call::Changes => Vec::new(),
    })
}

/// Carries out a call that changes files: all of it or nothing.
pub(super) fn apply(repo: &Repo, state: &mut State, call: &Call) -> Answer {
    let value = match call {
        Call::Write { path, bytes, expect, executable } => {
            Value::Written(write(repo, state, path, &bytes.0, *expect, *executable)?)
        }
        Call::Edit { edits } => Value::Edited(edit(repo, state, edits)?),
        Call::Rename { from, to } => {
            rename(repo, state, from, to)?;
            return Ok(call::Value::Done);
        }
        Call::Remove { path } => {
            state.place(repo, path, Node::Gone)?;
            return Ok(call::Value::Done);
        }
        Call::Snapshot { .. } => Value::Snapshot(state.snapshot()?),
        Call::Restore { snapshot } => {
            state.restore(repo, snapshot)?;
            return Ok(call::Value::Done);
        }
        Call::List { .. } | Call::Stat { .. } | Call::Read { .. } | Call::Search(_) | Call::Changes => {
            return Ok(call::Value::Done);
        }
    };
    Ok(call::Value::Workspace(value))
}

fn write(
    repo: &Repo,
    state: &mut State,
    path: &RepoPath,
    bytes: &Arc<[u8]>,
    expect: Option<Expect>,
    executable: Option<bool>,
) -> Result<Oid, Error> {
    let found = state.at(repo, path)?;
    let now = match found {
        Some(Found::File { blob, .. }) => Some(blob),
        Some(Found::Symlink { .. }) => return Err(in_the_way(path, "is a symbolic link; remove it first")),
        // Whatever else is there, the map refuses it by name.
        Some(Found::Directory | Found::Submodule { .. }) | None => None,
    };
    match (expect, now) {
        (None, _) | (Some(Expect::Absent), None) => {}
        (Some(Expect::Absent), Some(_)) => return Err(in_the_way(path, "exists already")),
        (Some(Expect::Blob(wanted)), Some(blob)) if wanted == blob => {}
        (Some(Expect::Blob(wanted)), now) => {
            let is = now.map_or_else(|| "gone".to_owned(), |blob| format!("{blob} now"));
            return Err(in_the_way(path, &format!("is not {wanted} any more, it is {is}; read it again")));
        }
    }
    let was = matches!(found, Some(Found::File { executable: true, .. }));
    state.put(repo, path, bytes, executable.unwrap_or(was))
}

fn rename(repo: &Repo, state: &mut State, from: &RepoPath, to: &RepoPath) -> Result<(), Error> {
    let node = match state.at(repo, from)? {
        None => return Err(Error::new(ErrorKind::NotFound, format!("there is nothing at `{from}`"))),
        Some(Found::File { blob, executable }) => Node::File { blob, executable },
        Some(Found::Symlink { blob }) => Node::Symlink { blob },
        Some(Found::Directory) => return Err(in_the_way(from, "is a folder; move the files in it")),
        Some(Found::Submodule { .. }) => return Err(in_the_way(from, "is a submodule")),
    };
    if from == to || state.at(repo, to)?.is_some() {
        return Err(in_the_way(to, "exists already"));
    }
    // First out, then in: `a` can become `a/b`. What cannot be put is put back.
    state.place(repo, from, Node::Gone)?;
    state.place(repo, to, node).or_else(|why| state.place(repo, from, node).and(Err(why)))
}

fn in_the_way(path: &RepoPath, what: &str) -> Error {
    Error::new(ErrorKind::Conflict, format!("`{path}` {what}"))
}

/// The files of a workspace, as the edit engine reads them.
struct Files<'a> {
    repo: &'a Repo,
    state: &'a State,
}

impl edit::Files for Files<'_> {
    fn read(&self, path: &str) -> Result<Option<edit::Source>, Fault> {
        let read = || -> Result<Option<edit::Source>, Error> {
            let path = RepoPath::new(path)?;
            match self.state.at(self.repo, &path)? {
                None => Ok(None),
                Some(Found::File { blob, executable }) => {
                    let bytes = self.state.bytes(self.repo, blob, MAX_FILE)?;
                    Ok(Some(edit::Source { bytes, executable }))
                }
                Some(Found::Directory) => Err(in_the_way(&path, "is a folder")),
                Some(Found::Symlink { .. }) => {
                    Err(in_the_way(&path, "is a symbolic link, and links are never followed"))
                }
                Some(Found::Submodule { .. }) => Err(in_the_way(&path, "is a submodule")),
            }
        };
        read().map_err(|error| {
            let kind = match error.kind {
                ErrorKind::TooLarge => FaultKind::TooLarge,
                ErrorKind::Conflict => FaultKind::Conflict,
                ErrorKind::Denied | ErrorKind::Invalid => FaultKind::Invalid,
                _ => FaultKind::Unsupported,
            };
            Fault::new(kind, error.message)
        })
    }
}

fn edit(repo: &Repo, state: &mut State, edits: &[edit::Edit]) -> Result<Vec<Edited>, Error> {
    let outcomes = edit::apply(&Files { repo, state }, edits).map_err(fault)?;
    let paths = outcomes.iter().map(|outcome| RepoPath::new(&outcome.path)).collect::<Result<Vec<_>, _>>()?;
    let total: u64 = outcomes.iter().filter_map(|outcome| Some(outcome.after.as_ref()?.len() as u64)).sum();
    if total > MAX_CHANGES {
        return Err(Error::new(ErrorKind::TooLarge, "the edited files have more than 256 MiB together"));
    }
    let before = state.mark();
    let edited = put_all(repo, state, outcomes, paths);
    if edited.is_err() {
        state.go_back(before);
    }
    edited
}

/// Removals first: a file may take the place of a folder that the same edits empty.
fn put_all(repo: &Repo, state: &mut State, outcomes: Vec<Outcome>, paths: Vec<RepoPath>) -> Result<Vec<Edited>, Error> {
    for (outcome, path) in outcomes.iter().zip(&paths) {
        if outcome.after.is_none() && state.at(repo, path)?.is_some() {
            state.place(repo, path, Node::Gone)?;
        }
    }
    let put = outcomes.into_iter().zip(paths).map(|(outcome, path)| {
        let hash = match outcome.after {
            None => None,
            Some(bytes) => Some(state.put(repo, &path, &bytes.into(), outcome.executable)?),
        };
        Ok(Edited { path, hash, places: outcome.places, nearness: outcome.nearness.as_str().to_owned() })
    });
    put.collect()
}

/// What an agent is told of an edit that was refused.
pub(super) fn fault(fault: Fault) -> Error {
    let kind = match fault.kind {
        FaultKind::NotFound => ErrorKind::NotFound,
        FaultKind::Conflict => ErrorKind::Conflict,
        FaultKind::Invalid => ErrorKind::Invalid,
        FaultKind::TooLarge => ErrorKind::TooLarge,
        FaultKind::Unsupported => ErrorKind::Unsupported,
    };
    Error::new(kind, fault.message)
}

/// What differs from the last commit.
pub(super) fn changes(repo: &Repo, state: &State, scope: &Scope) -> Result<Vec<Change>, Error> {
    let mut changes = Vec::new();
    for (path, node) in state.map().iter().filter(|(path, _)| scope.read.has(path)) {
        let old = tree::find(repo, state.map().base(), path)?.filter(|(mode, _)| tree::sort(*mode) != Sort::Directory);
        let new = match node {
            Node::Gone => None,
            Node::File { blob, .. } | Node::Symlink { blob } => Some(*blob),
        };
        let what = match (old, new) {
            (Some(_), Some(_)) => What::Modified,
            (None, Some(_)) => What::Added,
            (Some(_), None) => What::Removed,
            (None, None) => continue,
        };
        let text = |blob: Option<Oid>| match blob {
            None => Ok(Blob::Bytes(Arc::from([]))),
            Some(blob) => state.blob(repo, blob, MAX_FILE),
        };
        let old = old.filter(|(mode, _)| tree::sort(*mode) != Sort::Submodule).map(|(_, id)| id);
        let (added, removed) = line_counts(&text(old)?, &text(new)?)?;
        changes.push(Change { path: path.clone(), what, added, removed, protected: protected::is_protected(path) });
    }
    Ok(changes)
}
