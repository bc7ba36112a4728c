//! The agent's own files: a value that starts as the tree of a commit and changes by these calls alone.
//!
//! Paths are UTF-8, relative to the workspace, with `/`, without `.`, `..`, empty parts or a trailing `/`.
//! Hashes are the hex of the git blob's id.

use crate::bindings::pit::agent::workspace as host;
use crate::{Error, Result};

pub use host::{
    Change, Content, EditStep, Edited, Entry, Kind, Lines, Listing, Match, Matches, Query, Replace, WriteOptions,
};

/// Entries asked for at a time by [`list_all`]: a page of a few dozen kilobytes, so that a large repository costs some
/// calls rather than one answer that fills the agent's memory.
const PAGE: u32 = 1000;

/// One page of what matches a glob (`**` is all), in the order of the paths. Free.
///
/// # Errors
/// `invalid` for a glob that is none.
pub fn list(glob: &str, after: Option<&str>, limit: u32) -> Result<Listing> {
    Ok(host::list(glob, after, limit)?)
}

/// All that matches a glob, page by page.
///
/// # Errors
/// As [`list`].
pub fn list_all(glob: &str) -> Result<Vec<Entry>> {
    let mut page = list(glob, None, PAGE)?;
    let mut entries = page.entries;
    while let Some(after) = page.next {
        page = list(glob, Some(&after), PAGE)?;
        entries.append(&mut page.entries);
    }
    Ok(entries)
}

/// What is at a path. Free.
///
/// # Errors
/// `not-found`.
pub fn stat(path: &str) -> Result<Entry> {
    Ok(host::stat(path)?)
}

/// Reads a file, or some lines of it, up to 1 MiB. Free.
///
/// # Errors
/// `not-found`; `unsupported` for anything but a file.
pub fn read(path: &str, lines: Option<Lines>) -> Result<Content> {
    Ok(host::read(path, lines)?)
}

/// Reads the whole of a text file.
///
/// # Errors
/// As [`read`]; `too-large` over 1 MiB, `unsupported` for what is not UTF-8.
pub fn read_text(path: &str) -> Result<String> {
    let content = read(path, None)?;
    if content.cut {
        return Err(Error::new("too-large", format!("{path} has {} bytes; read it by lines", content.size)));
    }
    String::from_utf8(content.bytes).map_err(|_| Error::new("unsupported", format!("{path} is not UTF-8 text")))
}

/// Finds lines. Free.
///
/// # Errors
/// `invalid` for a pattern that is none.
pub fn search(query: &Query) -> Result<Matches> {
    Ok(host::search(query)?)
}

/// Writes a whole file and makes its folders. Answers its hash.
///
/// # Errors
/// `conflict` if `expect` does not hold, or a sibling holds a lease on the path; `too-large` over 8 MiB a file or
/// 256 MiB of changes.
pub fn write(path: &str, bytes: &[u8], options: &WriteOptions) -> Result<String> {
    Ok(host::write(path, bytes, options)?)
}

/// Writes a text file, whatever is there.
///
/// # Errors
/// As [`write`].
pub fn write_text(path: &str, text: impl AsRef<str>) -> Result<String> {
    write(path, text.as_ref().as_bytes(), &WriteOptions::default())
}

/// Carries out all edits or none.
///
/// # Errors
/// `not-found`; `conflict` if a text is not there or there more than once, or a sibling holds a lease on the path;
/// `too-large`; `unsupported` for what is not text, and for parts of a diff that no edit makes.
pub fn edit(steps: &[EditStep]) -> Result<Vec<Edited>> {
    Ok(host::edit(steps)?)
}

/// Moves a file.
///
/// # Errors
/// `not-found`; `conflict` if there is something already, or a sibling holds a lease on either path.
pub fn rename(from: &str, to: &str) -> Result<()> {
    Ok(host::rename(from, to)?)
}

/// Removes a file.
///
/// # Errors
/// `not-found`; `conflict` if a sibling holds a lease on the path.
pub fn remove(path: &str) -> Result<()> {
    Ok(host::remove(path)?)
}

/// Keeps the workspace as it is now, under a label. Free. Answers the snapshot's id.
///
/// # Errors
/// Only those that any call may answer.
pub fn snapshot(label: &str) -> Result<String> {
    Ok(host::snapshot(label)?)
}

/// Goes back to a snapshot of this run.
///
/// # Errors
/// `not-found`.
pub fn restore(snapshot: &str) -> Result<()> {
    Ok(host::restore(snapshot)?)
}

/// What differs from the last commit, in the order of the paths. Free.
///
/// # Errors
/// Only those that any call may answer.
pub fn changes() -> Result<Vec<Change>> {
    Ok(host::changes()?)
}
