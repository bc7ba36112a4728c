//! `workspace.list`: what matches a glob, in pages.

use orchestra_pit_core::call::workspace::{Entry, Kind, Value};
use orchestra_pit_core::call::{Error, ErrorKind};
use orchestra_pit_core::id::Oid;
use orchestra_pit_core::policy::Scope;
use orchestra_pit_core::tree::{self, Item, Sort, Step, Trees};

use super::super::store::Repo;
use super::State;
use super::glob::Glob;
use super::state::trees;

/// Entries of one page at most: the size of each is looked up.
const MAX_PAGE: usize = 10_000;

/// Lists a page. A page ends with the key of its last entry, which is its path, with a `/` after a folder's: in the order
/// of the keys, what is in a folder comes right after it.
pub(super) fn list(
    repo: &Repo,
    state: &mut State,
    scope: &Scope,
    glob: &str,
    after: Option<&str>,
    limit: u32,
) -> Result<Value, Error> {
    let glob = Glob::new(glob)?;
    let after = match after {
        None => Vec::new(),
        Some(text) => tree::unescape(text)
            .ok_or_else(|| Error::new(ErrorKind::Invalid, "`after` is no path that a listing ended with"))?,
    };
    let most = usize::try_from(limit).unwrap_or(MAX_PAGE).clamp(1, MAX_PAGE);
    let built = state.built(repo)?;
    let trees = trees(&built, repo);
    let (mut found, mut next) = (Vec::new(), None);
    tree::walk(&trees, built.root, &mut |path, item| {
        let folder = item.sort() == Sort::Directory;
        let key = if folder { [path, b"/"].concat() } else { path.to_vec() };
        // A folder that the cursor is in or past is entered, or passed over whole, without being listed again.
        if key <= after && !(folder && after.starts_with(&key)) {
            return Ok(Step::Over);
        }
        let shown = tree::escape(path);
        let step = if folder && glob.enters(&shown) { Step::Into } else { Step::Over };
        let listed = key > after
            && glob.matches(&shown)
            && if folder { glob.folders && shows(&trees, scope, path, item)? } else { scope.read.has(&shown) };
        if !listed {
            return Ok(step);
        }
        if found.len() == most {
            next = Some(last_key(&found));
            return Ok(Step::Stop);
        }
        found.push((shown, item.mode, item.id));
        Ok(step)
    })?;
    let entries = found.into_iter().map(|(path, mode, id)| entry(repo, state, path, mode, id));
    Ok(Value::Listing { entries: entries.collect::<Result<_, _>>()?, next })
}

fn last_key(found: &[(String, u32, Oid)]) -> String {
    found.last().map_or_else(String::new, |(path, mode, _)| match tree::sort(*mode) {
        Sort::Directory => format!("{path}/"),
        _ => path.clone(),
    })
}

/// Whether the agent may read anything in a folder: of others not even the name is shown.
fn shows<T: Trees<Error = Error>>(trees: &T, scope: &Scope, folder: &[u8], item: &Item<'_>) -> Result<bool, Error> {
    let mut any = false;
    tree::walk(trees, item.id, &mut |below, item| {
        if item.sort() == Sort::Directory {
            return Ok(Step::Into);
        }
        any = scope.read.has(&tree::escape(&[folder, b"/", below].concat()));
        Ok(if any { Step::Stop } else { Step::Over })
    })?;
    Ok(any)
}

/// One entry, as `list` and `stat` show it.
pub(super) fn entry(repo: &Repo, state: &State, path: String, mode: u32, id: Oid) -> Result<Entry, Error> {
    let kind = match tree::sort(mode) {
        Sort::File { executable: false } => Kind::File,
        Sort::File { executable: true } => Kind::Executable,
        Sort::Symlink => Kind::Symlink,
        Sort::Directory => return Ok(Entry { path, kind: Kind::Directory, size: 0, hash: None }),
        Sort::Submodule => return Ok(Entry { path, kind: Kind::Submodule, size: 0, hash: Some(id) }),
    };
    Ok(Entry { path, kind, size: state.size(repo, id)?, hash: Some(id) })
}
