//! What differs between two commits, for people: which files, and how many lines came and went.

use orchestra_pit_core::call::Error;
use orchestra_pit_core::id::Oid;
use orchestra_pit_core::tree::{self, Sort};

use super::super::store::{Blob, Repo};
use super::super::workspace::MAX_FILE;
use super::diff::line_counts;

/// Bytes of files whose lines are counted; past them files are only named.
const MAX_COUNTED: u64 = 256 << 20;

/// What differs.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Compared {
    /// Commits that came, those that were merged among them.
    pub commits: usize,
    /// The paths, sorted.
    pub paths: Vec<String>,
    /// Lines that came.
    pub added: u64,
    /// Lines that went.
    pub removed: u64,
}

/// Compares two commits. Only bytes are looked at: no filter, no driver, no attribute.
///
/// # Errors
/// What of them cannot be read.
pub fn compare(repo: &Repo, from: Oid, to: Oid) -> Result<Compared, Error> {
    let mut compared = Compared { commits: repo.commits(from, to)?, ..Compared::default() };
    let mut left = MAX_COUNTED;
    let mut blob = |side: Option<(u32, Oid)>| match side.filter(|(mode, _)| tree::sort(*mode) != Sort::Submodule) {
        None => Ok(Blob::Bytes([].into())),
        Some((_, id)) => {
            let blob = repo.blob(id, MAX_FILE.min(left))?;
            if let Blob::Bytes(bytes) = &blob {
                left = left.saturating_sub(bytes.len() as u64);
            }
            Ok::<_, Error>(blob)
        }
    };
    for delta in tree::diff(repo, repo.tree_of(from)?, repo.tree_of(to)?)? {
        compared.paths.push(tree::escape(&delta.path).to_string());
        let (added, removed) = line_counts(&blob(delta.old)?, &blob(delta.new)?)?;
        compared.added += u64::from(added);
        compared.removed += u64::from(removed);
    }
    compared.paths.dedup();
    Ok(compared)
}
