//! The patch format that GPT models were trained on: `*** Begin Patch`, files, `@@` anchors, `*** End Patch`.

use super::Fault;
use super::diff::numbered;
use super::hunk::{Hunk, Place, Writing};
use super::step::{Over, Splice, Step};
use super::text::{bare, lines_of};

pub(super) const BEGIN: &str = "*** Begin Patch";
const END: &str = "*** End Patch";
const ADD: &str = "*** Add File:";
const DELETE: &str = "*** Delete File:";
const UPDATE: &str = "*** Update File:";
const MOVE: &str = "*** Move to:";
const END_OF_FILE: &str = "*** End of File";

/// Whether a line begins a patch. There may be a here-document, a fence or talk around it, which is passed over.
pub(super) fn begins(line: &str) -> bool {
    line.trim() == BEGIN
}

/// The steps of a patch.
pub(super) fn parse(text: &str) -> Result<Vec<Step>, Fault> {
    let lines: Vec<&str> = lines_of(text);
    let mut lines = Lines { lines: &lines, at: 0 };
    let mut steps = Vec::new();
    while let Some(line) = lines.next() {
        if begins(line) {
            patch(&mut lines, &mut steps)?;
        } else if file(line).is_some() {
            return Err(lines.wrong("is not between `*** Begin Patch` and `*** End Patch`"));
        }
    }
    if steps.is_empty() {
        return Err(Fault::invalid(
            "there is no patch: it begins with a line `*** Begin Patch` and has at least one file",
        ));
    }
    Ok(steps)
}

struct Lines<'a> {
    lines: &'a [&'a str],
    at: usize,
}

impl<'a> Lines<'a> {
    fn peek(&self) -> Option<&'a str> {
        self.lines.get(self.at).copied()
    }

    fn next(&mut self) -> Option<&'a str> {
        let line = self.peek()?;
        self.at += 1;
        Some(line)
    }

    fn next_if(&mut self, test: impl Fn(&str) -> bool) -> Option<&'a str> {
        self.peek().filter(|line| test(line)).inspect(|_| self.at += 1)
    }

    /// What is wrong with the line that was taken last.
    fn wrong(&self, what: &str) -> Fault {
        let line: String = self
            .at
            .checked_sub(1)
            .and_then(|at| self.lines.get(at))
            .into_iter()
            .flat_map(|line| line.chars())
            .take(80)
            .collect();
        Fault::invalid(format!("line {} of the patch, `{line}`, {what}", self.at))
    }
}

/// The header of a file, and its path.
fn file(line: &str) -> Option<(&'static str, &str)> {
    let line = line.trim();
    [ADD, DELETE, UPDATE].into_iter().find_map(|header| Some((header, line.strip_prefix(header)?.trim())))
}

fn ends_file(line: &str) -> bool {
    line.trim_end() == END || file(line).is_some_and(|_| line.starts_with("***"))
}

fn patch(lines: &mut Lines<'_>, steps: &mut Vec<Step>) -> Result<(), Fault> {
    while let Some(line) = lines.next() {
        if line.trim() == END {
            return Ok(());
        }
        let Some((header, path)) = file(line) else {
            if line.trim().is_empty() {
                continue;
            }
            return Err(lines.wrong("belongs to no file: say `*** Add File: PATH`, `*** Update File: PATH` or `*** Delete File: PATH` first"));
        };
        let path = path.to_owned();
        steps.push(match header {
            ADD => Step::Create { path, text: added(lines)?, executable: false, over: Over::Nothing },
            DELETE => Step::Remove { path, hunks: Vec::new() },
            _ => updated(lines, path)?,
        });
    }
    Err(Fault::invalid("the patch has no `*** End Patch`: it may have been cut short"))
}

fn added(lines: &mut Lines<'_>) -> Result<String, Fault> {
    let mut text = String::new();
    // Blank lines without their sign count only if the file goes on after them.
    let mut blank = 0;
    let mut bare_end = false;
    while let Some(line) = lines.next_if(|line| !ends_file(line)) {
        if line.is_empty() {
            blank += 1;
        } else if let Some(line) = line.strip_prefix('+') {
            text.extend(std::iter::repeat_n('\n', std::mem::take(&mut blank)));
            text.push_str(line);
            text.push('\n');
        } else if line.starts_with("\\ ") {
            bare_end = true;
        } else if line.trim_end() != END_OF_FILE {
            return Err(lines.wrong("does not start with `+`, as each line of a new file does"));
        }
    }
    if bare_end {
        text.pop();
    }
    Ok(text)
}

fn updated(lines: &mut Lines<'_>, path: String) -> Result<Step, Fault> {
    let start = lines.at;
    let to = lines.next_if(|line| line.starts_with(MOVE)).and_then(|line| line.strip_prefix(MOVE));
    let to = to.map(|to| to.trim().to_owned());
    let mut splices = Vec::new();
    while lines.peek().is_some_and(|line| !ends_file(line)) {
        let hunk = hunk(lines);
        if hunk.changes() {
            splices.push(Splice::Lines(hunk));
        } else if !hunk.lines.is_empty() {
            return Err(Fault::invalid(format!(
                "the part at line {} of the patch has no line with `-` or `+`, so it would change nothing",
                hunk.origin
            )));
        }
    }
    if splices.is_empty() && to.is_none() {
        return Err(Fault::invalid(format!("the update of {path} at line {start} of the patch changes nothing")));
    }
    let to = to.filter(|to| *to != path);
    Ok(Step::Change { path, to, splices, executable: None })
}

fn hunk(lines: &mut Lines<'_>) -> Hunk {
    let origin = lines.at + 1;
    let mut place = Place::default();
    while let Some(line) = lines.next_if(|line| line.starts_with("@@")) {
        anchor(&mut place, line);
    }
    let mut writing = Writing::new(place, origin);
    while let Some(line) = lines.next_if(|line| !ends_file(line) && !line.starts_with("@@")) {
        if line.trim_end() == END_OF_FILE {
            writing.end_of_file();
            break;
        }
        writing.push(bare(line));
    }
    writing.finish()
}

/// What an `@@` line says: an anchor, or what a diff says there.
pub(super) fn anchor(place: &mut Place, line: &str) {
    let text = line.trim_start_matches('@').trim();
    if let Some(numbers) = numbered(line) {
        place.line = Some(numbers.line);
        place.from_nothing = numbers.from_nothing;
        place.loose = true;
        place.anchors.extend(numbers.heading.map(str::to_owned));
        return;
    }
    let text = text.strip_suffix("@@").unwrap_or(text).trim();
    if !text.chars().all(|c| matches!(c, '.' | '\u{2026}' | '@' | ' ')) {
        place.anchors.push(text.to_owned());
    }
}
