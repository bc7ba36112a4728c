//! `vcs.log`: the last commits, as `git log` simplifies them.

use std::collections::{BinaryHeap, HashSet};

use orchestra_pit_core::call::Error;
use orchestra_pit_core::call::vcs::Commit;
use orchestra_pit_core::id::Oid;
use orchestra_pit_core::path::RepoPath;
use orchestra_pit_core::tree;

use super::super::store::{Repo, failed, git_id, our_id};

/// Commits that are shown at most.
const MAX_SHOWN: usize = 200;

/// Commits that are looked at for one path: a file that was last touched before them is answered as untouched.
const MAX_SEEN: usize = 100_000;

/// What is needed of a commit to go on from it.
struct Seen {
    tree: Oid,
    parents: Vec<Oid>,
    time: i64,
}

pub(super) fn log(repo: &Repo, head: Oid, path: Option<&RepoPath>, limit: u32) -> Result<Vec<Commit>, Error> {
    let most = (limit as usize).clamp(1, MAX_SHOWN);
    let mut shown = Vec::new();
    let mut queue = Queue::default();
    queue.push(head, look(repo, head)?);
    while let Some((id, commit)) = queue.pop() {
        let mut parents = Vec::new();
        for parent in &commit.parents {
            parents.push((*parent, look(repo, *parent)?));
        }
        let differs = match path {
            None => true,
            Some(path) => {
                let here = tree::find(repo, commit.tree, path)?;
                let mut same = None;
                for (at, (_, parent)) in parents.iter().enumerate() {
                    if tree::find(repo, parent.tree, path)? == here {
                        same = Some(at);
                        break;
                    }
                }
                // The side that has the file as it is explains it; the others are passed over.
                if let Some(at) = same {
                    parents = vec![parents.swap_remove(at)];
                }
                same.is_none() && (here.is_some() || !parents.is_empty())
            }
        };
        if differs {
            shown.push(super::shown(repo, id)?);
        }
        if shown.len() >= most || queue.seen.len() > MAX_SEEN {
            break;
        }
        parents.into_iter().for_each(|(id, commit)| queue.push(id, commit));
    }
    Ok(shown)
}

fn look(repo: &Repo, id: Oid) -> Result<Seen, Error> {
    let seen = repo.with(|repo| {
        let commit = repo.find_commit(git_id(id))?;
        Ok(Seen {
            tree: our_id(commit.tree_id()),
            parents: commit.parent_ids().map(our_id).collect(),
            time: commit.time().seconds(),
        })
    });
    seen.map_err(|error| failed(&error))
}

/// Newest first; of the same second, first come first.
#[derive(Default)]
struct Queue {
    heap: BinaryHeap<(i64, std::cmp::Reverse<usize>)>,
    commits: Vec<Option<(Oid, Seen)>>,
    seen: HashSet<Oid>,
}

impl Queue {
    fn push(&mut self, id: Oid, commit: Seen) {
        if self.seen.insert(id) {
            self.heap.push((commit.time, std::cmp::Reverse(self.commits.len())));
            self.commits.push(Some((id, commit)));
        }
    }

    fn pop(&mut self) -> Option<(Oid, Seen)> {
        let (_, std::cmp::Reverse(at)) = self.heap.pop()?;
        self.commits.get_mut(at)?.take()
    }
}
