//! Edits, in the shapes that models were trained on, and the one engine that carries them out.
//!
//! Every shape is parsed into the same few steps ([`step`]); one matcher ([`find`]) looks for the text of a step: byte
//! for byte, then without trailing space, then with the indent shifted, then with typographic punctuation made plain.
//! The first of these that finds anything must find it once, or the edit is refused: a wrong guess costs an agent more
//! than another try. What is not replaced stays as it is to the byte, with its line endings, byte order mark and final
//! newline; a line that an edit only repeats as context stays as the file has it.
//!
//! Nothing here touches a file. [`touched`] says from the text alone what an edit would write, so that policy can judge
//! it first; [`apply`] answers what the files would be, all of them or none. Both go by the same steps, so they cannot
//! disagree. Given the same files, [`apply`] always makes the same bytes: it knows no time, no chance, no deadline.

mod anchor;
mod blocks;
mod diff;
mod find;
mod hunk;
mod nearest;
mod patch;
mod placeholder;
mod splice;
mod stage;
mod step;
mod text;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// One edit: `edit` of wit/workspace.wit.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the cases are those of wit/workspace.wit")]
pub enum Edit {
    Replace { path: String, old: String, new: String, all: bool },
    Insert { path: String, after: u32, text: String },
    Create { path: String, text: String },
    Patch(String),
    Blocks(String),
    Diff(String),
}

/// Bytes of a file, of a result and of an edit's text, at most: what `workspace.write` takes, and more than any text
/// that a person keeps in one file.
pub const MAX_BYTES: usize = 8 << 20;

/// Bytes that one call may look through, over all its steps. Every step reads its file from start to end, so a list of
/// ten thousand edits to one large file would otherwise keep the host busy for minutes.
pub const MAX_WORK: u64 = 1 << 30;

/// A file as it is before an edit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Source {
    /// What is in it.
    pub bytes: Arc<[u8]>,
    /// Whether it may be executed; kept by an edit unless a diff changes it.
    pub executable: bool,
}

/// Where the files of an edit are read from.
pub trait Files {
    /// What is at a path; `None` if there is nothing. Only paths that [`touched`] names are asked for, each once.
    fn read(&self, path: &str) -> Result<Option<Source>, Fault>;
}

/// How near the text of an edit was to that of the file, nearest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Nearness {
    /// The same, up to line endings.
    #[default]
    Exact,
    /// The same but for white space at the ends of lines.
    TrailingSpace,
    /// The same but for the indent, shifted by the same amount in every line, or tabs for spaces throughout.
    Indent,
    /// The same but for typographic quotes, dashes, spaces and ellipses, and possibly the above.
    Punctuation,
}

impl Nearness {
    /// As wit/workspace.wit spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::TrailingSpace => "trailing-space",
            Self::Indent => "indent",
            Self::Punctuation => "punctuation",
        }
    }
}

impl fmt::Display for Nearness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What became of one path.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outcome {
    /// The path, as the edit spells it.
    pub path: String,
    /// What the file holds now; `None` if it is gone.
    pub after: Option<Vec<u8>>,
    /// Whether it may be executed.
    pub executable: bool,
    /// The path that the file had before all the edits, if another.
    pub renamed_from: Option<String>,
    /// Places changed; a file that is made or removed counts as one, a bare rename as none.
    pub places: u32,
    /// The farthest of them.
    pub nearness: Nearness,
    /// Lines that were not there before all the edits.
    pub added: u32,
    /// Lines that are there no more.
    pub removed: u32,
}

/// The sort of a [`Fault`], one of the kinds of `error` in wit/types.wit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FaultKind {
    /// A file that the edit changes is not there.
    NotFound,
    /// The text is not there or there more than once, or a file that is to be made exists.
    Conflict,
    /// The edit makes no sense by itself.
    Invalid,
    /// Over [`MAX_BYTES`] or [`MAX_WORK`].
    TooLarge,
    /// Not a text file, or not something that an edit can do.
    Unsupported,
}

/// Why an edit was refused. Nothing was changed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{message}")]
pub struct Fault {
    /// What sort of refusal.
    pub kind: FaultKind,
    /// What is wrong, where, and what would help, over several lines; may quote the file.
    pub message: String,
}

impl Fault {
    /// A fault of a kind.
    pub fn new(kind: FaultKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    fn invalid(message: impl Into<String>) -> Self {
        Self::new(FaultKind::Invalid, message)
    }

    fn conflict(message: impl Into<String>) -> Self {
        Self::new(FaultKind::Conflict, message)
    }

    /// Says which edit of several it was.
    fn in_edit(mut self, index: usize, count: usize) -> Self {
        if count > 1 {
            self.message = format!("edit {} of {count}: {}", index + 1, self.message);
        }
        self
    }
}

/// What the files would be after all the edits, or why there is no such thing. A later edit sees what the earlier ones
/// did. One outcome for each path that [`touched`] names, in the same order.
pub fn apply(files: &impl Files, edits: &[Edit]) -> Result<Vec<Outcome>, Fault> {
    let mut stage = stage::Stage::new(files);
    for (index, edit) in some(edits)?.iter().enumerate() {
        step::parse(edit)
            .and_then(|steps| steps.into_iter().try_for_each(|step| stage.carry_out(step)))
            .map_err(|fault| fault.in_edit(index, edits.len()))
            .map_err(|fault| Fault { message: format!("{}\nnothing was changed", fault.message), ..fault })?;
    }
    Ok(stage.outcomes())
}

/// Every path that the edits would write, make or remove, each once, in the order of the text. It is known from the text
/// alone, so that a rule can stand against it before any file is read.
pub fn touched(edits: &[Edit]) -> Result<Vec<String>, Fault> {
    let mut seen = std::collections::HashSet::new();
    let mut paths = Vec::new();
    for (index, edit) in some(edits)?.iter().enumerate() {
        let steps = step::parse(edit).map_err(|fault| fault.in_edit(index, edits.len()))?;
        for path in steps.iter().flat_map(step::Step::paths) {
            if seen.insert(path.to_owned()) {
                paths.push(path.to_owned());
            }
        }
    }
    Ok(paths)
}

fn some(edits: &[Edit]) -> Result<&[Edit], Fault> {
    if edits.is_empty() { Err(Fault::invalid("there is no edit in the list")) } else { Ok(edits) }
}
