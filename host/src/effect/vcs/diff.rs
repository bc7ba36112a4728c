//! `vcs.diff`: two states of the files, as git shows them.
//!
//! Only bytes are compared: no attribute chooses a driver, a text conversion or a function pattern, since those are the
//! repository's to choose and some of them run programs.

use std::sync::Arc;

use orchestra_pit_core::call::vcs::{Diff, DiffOptions, Point};
use orchestra_pit_core::call::{Error, ErrorKind};
use orchestra_pit_core::id::Oid;
use orchestra_pit_core::policy::Scope;
use orchestra_pit_core::tree::{self, Delta, Sort};

use super::super::store::{Blob, Repo, failed};
use super::super::workspace::{MAX_FILE, State, glob::Glob, search::is_binary, state::trees};

/// Bytes of a diff that are shown.
const MAX_TEXT: usize = 1 << 20;

/// Bytes of files that one diff compares; past them, files are named and not compared.
const MAX_COMPARED: u64 = 512 << 20;

pub(super) fn diff(repo: &Repo, state: &mut State, scope: &Scope, options: &DiffOptions) -> Result<Diff, Error> {
    let globs = options.paths.iter().map(|glob| Glob::new(glob)).collect::<Result<Vec<_>, _>>()?;
    let built = state.built(repo)?;
    let tree_at = |point: Point| match point {
        Point::Base => Ok(state.base_tree()),
        Point::Head => Ok(state.map().base()),
        Point::Workspace => Ok(built.root),
        Point::Commit(id) if repo.reaches(state.head(), id)? => repo.tree_of(id),
        Point::Commit(id) => {
            Err(Error::new(ErrorKind::NotFound, format!("{id} is no commit of this workspace's history")))
        }
    };
    let deltas = tree::diff(&trees(&built, repo), tree_at(options.from)?, tree_at(options.to)?)?;
    let most = match options.limit {
        0 => MAX_TEXT,
        limit => (limit as usize).min(MAX_TEXT),
    };
    let mut shown = Diff { text: String::new(), files: 0, added: 0, removed: 0, cut: false };
    let mut compared = 0;
    for delta in deltas {
        let path = tree::escape(&delta.path);
        if !scope.read.has(&path) || !(globs.is_empty() || globs.iter().any(|glob| glob.matches(&path))) {
            continue;
        }
        let file = file(repo, state, &path, &delta, options.context.min(100), &mut compared)?;
        shown.files += 1;
        shown.added = shown.added.saturating_add(file.added);
        shown.removed = shown.removed.saturating_add(file.removed);
        push(&mut shown, &file.text, most);
    }
    Ok(shown)
}

/// Adds whole lines for as long as there is room.
fn push(shown: &mut Diff, text: &str, most: usize) {
    for line in text.split_inclusive('\n') {
        shown.cut |= shown.text.len() + line.len() > most;
        if shown.cut {
            return;
        }
        shown.text.push_str(line);
    }
}

struct Shown {
    text: String,
    added: u32,
    removed: u32,
}

fn file(
    repo: &Repo,
    state: &State,
    path: &str,
    delta: &Delta,
    context: u32,
    compared: &mut u64,
) -> Result<Shown, Error> {
    let (old, new) = (content(repo, state, delta.old)?, content(repo, state, delta.new)?);
    let mut text = head(path, delta);
    let mut shown = Shown { text: String::new(), added: 0, removed: 0 };
    let names = || {
        let side = |letter: char, there: bool| if there { format!("{letter}/{path}") } else { "/dev/null".to_owned() };
        (side('a', delta.old.is_some()), side('b', delta.new.is_some()))
    };
    match (&old, &new) {
        _ if delta.old.map(|(_, id)| id) == delta.new.map(|(_, id)| id) => {}
        (Blob::Bytes(old), Blob::Bytes(new))
            if !is_binary(old) && !is_binary(new) && *compared + (old.len() + new.len()) as u64 <= MAX_COMPARED =>
        {
            *compared += (old.len() + new.len()) as u64;
            let (hunks, added, removed) = hunks(old, new, context)?;
            (shown.added, shown.removed) = (added, removed);
            if !hunks.is_empty() {
                let (a, b) = names();
                text.push_str(&format!("--- {a}\n+++ {b}\n{hunks}"));
            }
        }
        _ => {
            let (a, b) = names();
            text.push_str(&format!("Binary files {a} and {b} differ\n"));
        }
    }
    shown.text = text;
    Ok(shown)
}

/// The lines before `---`, as git writes them, but for `index`: abbreviated ids say nothing to an agent.
fn head(path: &str, delta: &Delta) -> String {
    let mut text = format!("diff --git a/{path} b/{path}\n");
    match (delta.old, delta.new) {
        (None, Some((mode, _))) => text.push_str(&format!("new file mode {mode:06o}\n")),
        (Some((mode, _)), None) => text.push_str(&format!("deleted file mode {mode:06o}\n")),
        (Some((old, _)), Some((new, _))) if old != new => {
            text.push_str(&format!("old mode {old:06o}\nnew mode {new:06o}\n"));
        }
        _ => {}
    }
    text
}

fn content(repo: &Repo, state: &State, side: Option<(u32, Oid)>) -> Result<Blob, Error> {
    match side {
        None => Ok(Blob::Bytes(Arc::from([]))),
        Some((mode, id)) if tree::sort(mode) == Sort::Submodule => {
            Ok(Blob::Bytes(format!("Subproject commit {id}\n").into_bytes().into()))
        }
        Some((_, id)) => state.blob(repo, id, MAX_FILE),
    }
}

/// The hunks of two texts, and how many lines came and went.
fn hunks(old: &[u8], new: &[u8], context: u32) -> Result<(String, u32, u32), Error> {
    let mut options = git2::DiffOptions::new();
    options.context_lines(context).indent_heuristic(true).force_text(true);
    let mut compare = || {
        let mut patch = git2::Patch::from_buffers(old, None, new, None, Some(&mut options))?;
        let (_, added, removed) = patch.line_stats()?;
        Ok((patch.to_buf()?.to_vec(), added, removed))
    };
    let (text, added, removed) = compare().map_err(|error: git2::Error| failed(&error))?;
    // The header names no file, since none was given.
    let start = if text.starts_with(b"@@") { Some(0) } else { find(&text, b"\n@@").map(|at| at + 1) };
    let text = start.and_then(|start| text.get(start..)).unwrap_or_default();
    Ok((String::from_utf8_lossy(text).into_owned(), count(added), count(removed)))
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|window| window == what)
}

fn count(lines: usize) -> u32 {
    u32::try_from(lines).unwrap_or(u32::MAX)
}

/// How many lines came and went; none for what is no text.
pub(crate) fn line_counts(old: &Blob, new: &Blob) -> Result<(u32, u32), Error> {
    match (old, new) {
        (Blob::Bytes(old), Blob::Bytes(new)) if !is_binary(old) && !is_binary(new) => {
            hunks(old, new, 0).map(|(_, added, removed)| (added, removed))
        }
        _ => Ok((0, 0)),
    }
}
