//! The few steps that every shape of edit is parsed into.

use super::hunk::Hunk;
use super::text::lines_of;
use super::{Edit, Fault, FaultKind, MAX_BYTES, blocks, diff, patch};

/// What is done to one path.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Step {
    /// Makes a file.
    Create { path: String, text: String, executable: bool, over: Over },
    /// Changes a file, and may move it.
    Change { path: String, to: Option<String>, splices: Vec<Splice>, executable: Option<bool> },
    /// Removes a file. With hunks, these must be all there is in it.
    Remove { path: String, hunks: Vec<Hunk> },
}

/// What may be there already where a file is made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Over {
    Nothing,
    /// An empty file, because an empty SEARCH means "where nothing is yet".
    EmptyFile,
}

/// One change inside a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Splice {
    /// Any text, not only whole lines.
    Text { old: String, new: String, all: bool },
    /// Lines put after a line by its number.
    After { line: u32, text: String },
    /// Lines found by their text.
    Lines(Hunk),
}

impl Step {
    /// The paths it writes, makes or removes.
    pub(super) fn paths(&self) -> impl Iterator<Item = &str> {
        let (path, to) = match self {
            Self::Create { path, .. } | Self::Remove { path, .. } => (path, None),
            Self::Change { path, to, .. } => (path, to.as_deref()),
        };
        std::iter::once(path.as_str()).chain(to)
    }
}

/// The steps of an edit. There is at least one.
pub(super) fn parse(edit: &Edit) -> Result<Vec<Step>, Fault> {
    let steps = match edit {
        Edit::Replace { path, old, new, all } => {
            bounded(&[old, new])?;
            vec![change(path, replace(old, new, *all)?)]
        }
        Edit::Insert { path, after, text } => {
            bounded(&[text])?;
            vec![change(path, insert(*after, text)?)]
        }
        Edit::Create { path, text } => {
            bounded(&[text])?;
            vec![Step::Create { path: path.clone(), text: text.clone(), executable: false, over: Over::Nothing }]
        }
        Edit::Patch(text) | Edit::Blocks(text) | Edit::Diff(text) => {
            bounded(&[text])?;
            match shape(edit, text) {
                Shape::Patch => patch::parse(text)?,
                Shape::Blocks => blocks::parse(text)?,
                Shape::Diff => diff::parse(text)?,
            }
        }
    };
    if steps.iter().flat_map(Step::paths).any(str::is_empty) {
        return Err(Fault::invalid("a path is empty"));
    }
    Ok(steps)
}

fn change(path: &str, splice: Splice) -> Step {
    Step::Change { path: path.to_owned(), to: None, splices: vec![splice], executable: None }
}

fn replace(old: &str, new: &str, all: bool) -> Result<Splice, Fault> {
    if old.is_empty() {
        return Err(Fault::invalid(
            "the text to replace is empty, and an empty text is everywhere\nto make a file use create; to add lines use insert",
        ));
    }
    if old == new {
        return Err(Fault::invalid("the old and the new text are the same, so the edit would change nothing"));
    }
    Ok(Splice::Text { old: old.to_owned(), new: new.to_owned(), all })
}

fn insert(line: u32, text: &str) -> Result<Splice, Fault> {
    if text.is_empty() {
        return Err(Fault::invalid("the text to insert is empty, so the edit would change nothing"));
    }
    Ok(Splice::After { line, text: text.to_owned() })
}

fn bounded(texts: &[&str]) -> Result<(), Fault> {
    for text in texts {
        if text.len() > MAX_BYTES {
            return Err(Fault::new(
                FaultKind::TooLarge,
                format!("the edit's text has {} bytes, and {MAX_BYTES} is the most", text.len()),
            ));
        }
        if text.contains('\0') {
            return Err(Fault::invalid("the edit's text has a NUL byte: use write for what is not text"));
        }
    }
    Ok(())
}

enum Shape {
    Patch,
    Blocks,
    Diff,
}

/// The shape that a text has, whatever it was handed in as: models mix them up, and no text is of two shapes. What
/// looks like none of them is parsed as what it was said to be, for the sake of the message.
fn shape(edit: &Edit, text: &str) -> Shape {
    let lines = lines_of(text);
    let says = |test: fn(&str) -> bool| lines.iter().any(|line| test(line));
    let (in_patch, in_blocks) = (says(patch::begins), says(blocks::begins));
    match edit {
        Edit::Patch(_) if in_patch => Shape::Patch,
        Edit::Blocks(_) if in_blocks => Shape::Blocks,
        Edit::Diff(_) if diff::looks_like(&lines) => Shape::Diff,
        _ if in_patch => Shape::Patch,
        _ if in_blocks => Shape::Blocks,
        _ if diff::looks_like(&lines) => Shape::Diff,
        Edit::Blocks(_) => Shape::Blocks,
        Edit::Diff(_) => Shape::Diff,
        _ => Shape::Patch,
    }
}
