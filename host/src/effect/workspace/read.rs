//! `workspace.stat` and `workspace.read`.

use orchestra_pit_core::call::workspace::{Content, Entry, Kind, Stored};
use orchestra_pit_core::call::{Error, ErrorKind};
use orchestra_pit_core::map::Found;
use orchestra_pit_core::path::RepoPath;
use orchestra_pit_core::tree::{Sort, mode};

use super::super::store::Repo;
use super::{MAX_READ, State, list};

/// A file of the base that is read at all. It is inflated whole, even for one line of it.
const MAX_BASE_FILE: u64 = 128 << 20;

pub(super) fn stat(repo: &Repo, state: &State, path: &RepoPath) -> Result<Entry, Error> {
    let (mode, id) = match state.at(repo, path)? {
        None => return Err(missing(path)),
        Some(Found::Directory) => {
            return Ok(Entry { path: path.to_string(), kind: Kind::Directory, size: 0, hash: None });
        }
        Some(Found::Submodule { commit }) => (mode(Sort::Submodule), commit),
        Some(Found::Symlink { blob }) => (mode(Sort::Symlink), blob),
        Some(Found::File { blob, executable }) => (mode(Sort::File { executable }), blob),
    };
    list::entry(repo, state, path.to_string(), mode, id)
}

pub(super) fn read(repo: &Repo, state: &State, path: &RepoPath, lines: Option<(u32, u32)>) -> Result<Content, Error> {
    let Some(found) = state.at(repo, path)? else { return Err(missing(path)) };
    let blob = match found {
        Found::File { blob, .. } => blob,
        Found::Directory => return Err(no_file(path, "a folder; list it")),
        Found::Symlink { .. } => return Err(no_file(path, "a symbolic link, and links are never followed")),
        Found::Submodule { .. } => return Err(no_file(path, "a submodule, whose files are another repository's")),
    };
    let whole = state.bytes(repo, blob, MAX_BASE_FILE)?;
    let text = !whole.contains(&0);
    let count = u32::try_from(count_lines(&whole)).unwrap_or(u32::MAX);
    let (from, asked) = match lines {
        None => (0, whole.len()),
        Some((first, last)) if last != 0 && last < first => {
            return Err(Error::new(ErrorKind::Invalid, format!("lines {first} to {last} are none")));
        }
        Some((first, last)) => {
            let last = if last == 0 { usize::MAX } else { last as usize };
            (line_start(&whole, first.max(1) as usize - 1), line_start(&whole, last))
        }
    };
    let to = cut(&whole, from, asked);
    let bytes = whole.get(from..to).unwrap_or_default();
    Ok(Content {
        bytes: Stored { blob, from: from as u64, to: to as u64, bytes: Some(bytes.to_vec().into()) },
        hash: blob,
        size: whole.len() as u64,
        lines: if text { count } else { 0 },
        cut: to < asked,
    })
}

/// Lines of a text; the last needs no newline.
pub(crate) fn count_lines(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte == b'\n').count() + usize::from(bytes.last().is_some_and(|byte| *byte != b'\n'))
}

/// Where the line after `n` lines starts; the end if there are no more.
fn line_start(bytes: &[u8], n: usize) -> usize {
    if n == 0 {
        return 0;
    }
    bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').nth(n - 1).map_or(bytes.len(), |(at, _)| at + 1)
}

/// Where an answer ends: at the limit, moved back to the end of a line, or at least of a letter.
fn cut(bytes: &[u8], from: usize, to: usize) -> usize {
    let limit = from.saturating_add(MAX_READ as usize);
    if to <= limit {
        return to;
    }
    let part = bytes.get(from..limit).unwrap_or_default();
    if let Some(line) = part.iter().rposition(|byte| *byte == b'\n') {
        return from + line + 1;
    }
    let letters = (0..4).find(|back| bytes.get(limit - back).is_none_or(|byte| byte & 0xc0 != 0x80)).unwrap_or(0);
    limit - letters
}

fn missing(path: &RepoPath) -> Error {
    Error::new(ErrorKind::NotFound, format!("there is nothing at `{path}`"))
}

fn no_file(path: &RepoPath, what: &str) -> Error {
    Error::new(ErrorKind::Unsupported, format!("`{path}` is {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_counted_as_an_editor_counts_them() {
        for (text, lines) in [("", 0), ("a", 1), ("a\n", 1), ("a\nb", 2), ("\n\n", 2), ("a\r\nb\r\n", 2)] {
            assert_eq!(count_lines(text.as_bytes()), lines, "{text:?}");
        }
        assert_eq!((0..4).map(|n| line_start(b"a\nbc\nd", n)).collect::<Vec<_>>(), [0, 2, 5, 6]);
    }

    #[test]
    fn an_answer_is_cut_between_lines_or_letters() {
        let limit = MAX_READ as usize;
        let lines = "0123456\n".repeat(limit / 8 + 9);
        assert_eq!(cut(lines.as_bytes(), 3, lines.len()) % 8, 0);
        let letters = "\u{20ac}".repeat(limit / 3 + 9);
        assert!(letters.is_char_boundary(cut(letters.as_bytes(), 0, letters.len())));
        assert_eq!(cut(b"abc", 1, 3), 3);
    }
}
