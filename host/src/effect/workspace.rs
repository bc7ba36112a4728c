//! The agents' workspaces: values over git, one a run.
//!
//! Between an agent and its files there is no file system. A workspace is a commit's tree and a map of what differs from
//! it ([`orchestra_pit_core::map`]); contents that are new are held in memory, and beyond a few megabytes in the store.
//! It is a fold of the run's journal: [`Workspaces::call`] carries a call out, [`Workspaces::redo`] does again what the
//! journal says was done, by the same code, and checks that it comes out the same.

mod ahead;
mod change;
pub(crate) mod glob;
mod lease;
mod list;
mod read;
pub(crate) mod search;
pub(crate) mod state;

#[cfg(test)]
pub(crate) mod tests;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use orchestra_pit_core::call::{self, Answer, Error, ErrorKind, Facts, Site, Value, exec, vcs, workspace};
use orchestra_pit_core::id::{Oid, RunId};
use orchestra_pit_core::path::RepoPath;
use orchestra_pit_core::policy::Scope;
use orchestra_pit_core::{edit, protected};

use super::store::{Repo, lock};
use lease::Leases;
pub(crate) use state::State;

/// Bytes of one file at most; a larger one of the base can be listed and read, not searched, compared or written.
pub const MAX_FILE: u64 = 8 << 20;

/// Bytes of all changed files at most.
pub const MAX_CHANGES: u64 = 256 << 20;

/// Bytes that one read answers at most.
pub const MAX_READ: u64 = 1 << 20;

/// Below it are the branches of a tree's tasks: `refs/pit/tasks/TREE/ORDINAL`.
pub const TASKS: &str = "refs/pit/tasks/";

/// How long what is done while a model is asked lets the question itself go first.
pub const HEAD_START: Duration = Duration::from_millis(300);

/// Every open workspace of this process.
pub struct Workspaces {
    repo: Arc<Repo>,
    runs: RwLock<HashMap<RunId, Arc<Mutex<State>>>>,
    leases: Mutex<Leases>,
    /// Whether files have been read ahead, or are being.
    ahead: AtomicBool,
}

impl Workspaces {
    /// No workspaces yet.
    pub fn new(repo: Arc<Repo>) -> Self {
        Self { repo, runs: RwLock::default(), leases: Mutex::default(), ahead: AtomicBool::new(false) }
    }

    /// The repository that they are over.
    pub fn repo(&self) -> &Arc<Repo> {
        &self.repo
    }

    /// Opens a run's workspace at a commit, which is pinned first. Costs the same in a repository of any size.
    ///
    /// `branch` is where its commits go: `refs/heads/pit/…` or `refs/pit/tasks/…`. It need not exist, and is not made
    /// before the first commit. Opening again answers to the same workspace, as it is.
    pub fn open(&self, run: RunId, base: Oid, branch: &str) -> Result<(), Error> {
        if !(branch.starts_with("refs/heads/pit/") || branch.starts_with(TASKS))
            || !git2::Reference::is_valid_name(branch)
        {
            return Err(Error::new(ErrorKind::Invalid, format!("{branch} is no branch that pit may move")));
        }
        if self.state(run).is_ok() {
            return Ok(());
        }
        self.repo.pin_base(run, base)?;
        let state = State::new(&self.repo, run, base, branch)?;
        let mut runs = self.runs.write().unwrap_or_else(PoisonError::into_inner);
        runs.entry(run).or_insert_with(|| Arc::new(Mutex::new(state)));
        Ok(())
    }

    /// Has an open workspace stand at a commit that is not the run's, to be looked at; nothing is pinned for it.
    pub fn stand(&self, run: RunId, commit: Oid) -> Result<(), Error> {
        let state = self.state(run)?;
        let mut state = lock(&state);
        *state = State::new(&self.repo, run, commit, &state.branch)?;
        Ok(())
    }

    /// Has the files of a run's commit read while nobody waits for them, once in the life of a process: a search reads
    /// what is not there by then.
    pub fn read_ahead(&self, run: RunId) {
        let Ok(head) = self.head(run) else { return };
        if self.ahead.swap(true, Ordering::Relaxed) {
            return;
        }
        let repo = self.repo.clone();
        // One thread of its own, and nobody waits for it: what it cannot do costs time, and nothing else. The question itself goes
        // out first.
        let _ = std::thread::Builder::new().name("read-ahead".to_owned()).spawn(move || {
            std::thread::sleep(HEAD_START);
            ahead::read(&repo, head)
        });
    }

    /// Forgets a workspace; its commits and pins stay.
    pub fn close(&self, run: RunId) {
        lock(&self.leases).release(run);
        self.runs.write().unwrap_or_else(PoisonError::into_inner).remove(&run);
    }

    pub(crate) fn state(&self, run: RunId) -> Result<Arc<Mutex<State>>, Error> {
        let runs = self.runs.read().unwrap_or_else(PoisonError::into_inner);
        let found = runs.get(&run).map(Arc::clone);
        found.ok_or_else(|| Error::new(ErrorKind::NotFound, format!("run {} has no open workspace", run.short())))
    }

    /// What must be known of a call before it is judged.
    pub fn facts(&self, site: &Site, call: &call::Call) -> Result<Facts, Error> {
        let mut facts = Facts::default();
        match call {
            call::Call::Workspace(workspace::Call::Edit { edits }) => {
                let touched = edit::touched(edits).map_err(change::fault)?;
                facts.writes = touched.iter().map(|path| RepoPath::new(path)).collect::<Result<_, _>>()?;
            }
            call::Call::Vcs(vcs::Call::Commit { .. }) => {
                let state = self.state(site.run)?;
                let mut state = lock(&state);
                facts.tree = Some(state.built(&self.repo)?.root);
                facts.protected = state.protected();
            }
            _ => {}
        }
        Ok(facts)
    }

    /// Carries a call out.
    pub fn call(&self, site: &Site, call: &workspace::Call, scope: &Scope) -> Answer {
        use workspace::Call;
        let state = self.state(site.run)?;
        let mut state = lock(&state);
        let (state, repo) = (&mut *state, &*self.repo);
        let value = match call {
            Call::List { glob, after, limit } => list::list(repo, state, scope, glob, after.as_deref(), *limit)?,
            Call::Stat { path } => workspace::Value::Entry(read::stat(repo, state, path)?),
            Call::Read { path, lines } => workspace::Value::Content(read::read(repo, state, path, *lines)?),
            Call::Search(query) => search::search(repo, state, scope, query)?,
            Call::Changes => workspace::Value::Changes(change::changes(repo, state, scope)?),
            _ => {
                let leases = lock(&self.leases);
                for path in change::writes(call)? {
                    leases.check(site.tree, site.run, &path)?;
                }
                drop(leases);
                return change::apply(repo, state, call);
            }
        };
        Ok(Value::Workspace(value))
    }

    /// Does again what the journal says was done. A call that was refused, or that changes nothing, does nothing.
    pub fn redo(&self, site: &Site, call: &call::Call, answer: &Answer) -> Result<(), Error> {
        let Ok(value) = answer else { return Ok(()) };
        let state = self.state(site.run)?;
        let mut state = lock(&state);
        match call {
            call::Call::Workspace(call) if call.changes_files() => {
                let done = change::apply(&self.repo, &mut state, call);
                if done.as_ref() == Ok(value) { Ok(()) } else { Err(diverged(call.name(), done.err())) }
            }
            call::Call::Vcs(_) => state.redo_commit(&self.repo, value),
            call::Call::Exec(_) => match value {
                Value::Exec(exec::Value::Ran(ran)) => {
                    state.redo_changes(&self.repo, &ran.changes)?;
                    let tree = state.built(&self.repo)?.root;
                    if tree == ran.tree { Ok(()) } else { Err(diverged(call.name(), None)) }
                }
                _ => Ok(()),
            },
            _ => Ok(()),
        }
    }

    /// Fills in the bytes of a read that was read back from the journal.
    pub fn fill(&self, site: &Site, value: &mut Value) -> Result<(), Error> {
        let Value::Workspace(workspace::Value::Content(content)) = value else { return Ok(()) };
        let stored = &mut content.bytes;
        if stored.bytes.is_none() {
            let state = self.state(site.run)?;
            let bytes = lock(&state).bytes(&self.repo, stored.blob, u64::MAX)?;
            let part = usize::try_from(stored.from)
                .ok()
                .zip(usize::try_from(stored.to).ok())
                .and_then(|(from, to)| bytes.get(from..to))
                .ok_or_else(|| diverged("workspace.read", None))?;
            stored.bytes = Some(part.to_vec().into());
        }
        Ok(())
    }

    /// Gives a run sole use of paths, and of what is below them, among the runs of its tree. All or none.
    ///
    /// Fails with a `conflict` that names the run that has one of them.
    pub fn lease(&self, tree: RunId, run: RunId, paths: &[RepoPath]) -> Result<(), Error> {
        lock(&self.leases).take(tree, run, paths)
    }

    /// Whether nobody else of a run's tree has a path for itself.
    pub fn is_free(&self, site: &Site, path: &RepoPath) -> bool {
        lock(&self.leases).check(site.tree, site.run, path).is_ok()
    }

    /// Ends a run's leases.
    pub fn release(&self, run: RunId) {
        lock(&self.leases).release(run);
    }

    /// The tree of the files as they are.
    pub fn tree_id(&self, run: RunId) -> Result<Oid, Error> {
        let state = self.state(run)?;
        let root = lock(&state).built(&self.repo)?.root;
        Ok(root)
    }

    /// The run's last commit, or its base: where a child of it starts, and what takes its work over. A run that is not
    /// open any more is found by its pin.
    pub fn head(&self, run: RunId) -> Result<Oid, Error> {
        if let Ok(state) = self.state(run) {
            return Ok(lock(&state).head());
        }
        let head = self.repo.pinned_head(run)?.map_or_else(|| self.repo.pinned_base(run), |head| Ok(Some(head)))?;
        head.ok_or_else(|| Error::new(ErrorKind::NotFound, format!("run {} has no workspace", run.short())))
    }

    /// Whether files differ from the last commit.
    pub fn is_changed(&self, run: RunId) -> Result<bool, Error> {
        let state = self.state(run)?;
        let changed = !lock(&state).map().is_empty();
        Ok(changed)
    }
}

fn diverged(name: &str, why: Option<Error>) -> Error {
    let why = why.map_or_else(String::new, |error| format!(": {}", error.message));
    Error::new(
        ErrorKind::Interrupted,
        format!("{name}, done again from the journal, did not come out as it was recorded{why}"),
    )
}

impl State {
    /// The changed paths that a commit would need an approval for.
    pub(crate) fn protected(&self) -> Vec<RepoPath> {
        self.map().iter().filter(|(path, _)| protected::is_protected(path)).map(|(path, _)| path.clone()).collect()
    }
}
