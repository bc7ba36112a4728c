//! `vcs.blame`: who wrote the lines of a file, as of the last commit.

use std::collections::HashMap;
use std::path::Path;

use orchestra_pit_core::call::vcs::Blamed;
use orchestra_pit_core::call::{Error, ErrorKind};
use orchestra_pit_core::id::Oid;
use orchestra_pit_core::path::RepoPath;
use orchestra_pit_core::tree::{self, Sort};

use super::super::store::{Repo, failed, git_id, our_id};
use super::super::workspace::MAX_FILE;

pub(super) fn blame(repo: &Repo, head: Oid, path: &RepoPath) -> Result<Vec<Blamed>, Error> {
    let found = tree::find(repo, repo.tree_of(head)?, path)?;
    let Some((mode, blob)) = found else {
        return Err(Error::new(ErrorKind::NotFound, format!("the last commit has nothing at `{path}`")));
    };
    if !matches!(tree::sort(mode), Sort::File { .. }) || repo.blob_size(blob)? > MAX_FILE {
        return Err(Error::new(ErrorKind::Unsupported, format!("`{path}` is no file, or larger than 8 MiB")));
    }
    let hunks = repo.with(|repo| {
        let mut options = git2::BlameOptions::new();
        options.newest_commit(git_id(head));
        let blame = repo.blame_file(Path::new(path.as_str()), Some(&mut options))?;
        let hunks =
            blame.iter().map(|hunk| (hunk.final_start_line(), hunk.lines_in_hunk(), our_id(hunk.final_commit_id())));
        Ok(hunks.collect::<Vec<_>>())
    });
    let mut commits = HashMap::new();
    let mut blamed: Vec<Blamed> = Vec::new();
    for (first, lines, id) in hunks.map_err(|error| failed(&error))? {
        let first = u32::try_from(first).unwrap_or(u32::MAX);
        let last = first.saturating_add(u32::try_from(lines).unwrap_or(0)).saturating_sub(1);
        match blamed.last_mut() {
            Some(before) if before.commit.id == id && before.last.saturating_add(1) == first => before.last = last,
            _ => {
                let commit = match commits.entry(id) {
                    std::collections::hash_map::Entry::Occupied(known) => known.into_mut(),
                    std::collections::hash_map::Entry::Vacant(new) => new.insert(super::shown(repo, id)?),
                };
                blamed.push(Blamed { first, last, commit: commit.clone() });
            }
        }
    }
    Ok(blamed)
}
