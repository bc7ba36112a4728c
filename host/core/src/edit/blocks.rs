//! Blocks of SEARCH and REPLACE, as aider taught them to models.

use super::Fault;
use super::hunk::{Hunk, Place};
use super::stage::ended_lines;
use super::step::{Over, Splice, Step};
use super::text::lines_of;

/// Whether a line begins a block.
pub(super) fn begins(line: &str) -> bool {
    head(line).is_some()
}

/// How many signs a line starts with, if they are five to nine and followed by the word.
fn marker(line: &str, sign: char, word: &str) -> Option<usize> {
    let rest = line.trim_end().trim_start_matches(sign);
    let count = line.trim_end().len() - rest.len();
    ((5..=9).contains(&count) && rest.trim_start().trim_end_matches(['<', '>']) == word).then_some(count)
}

fn head(line: &str) -> Option<usize> {
    marker(line, '<', "SEARCH")
}

fn divider(line: &str) -> Option<usize> {
    marker(line, '=', "")
}

fn tail(line: &str) -> Option<usize> {
    marker(line, '>', "REPLACE")
}

/// The steps of some blocks. A block without a path is for the file of the block before it.
pub(super) fn parse(text: &str) -> Result<Vec<Step>, Fault> {
    let lines = lines_of(text);
    let mut steps: Vec<Step> = Vec::new();
    let mut path: Option<String> = None;
    let mut above = 0;
    while let Some(start) = (above..lines.len()).find(|&at| lines.get(at).is_some_and(|line| begins(line))) {
        let number = start + 1;
        path = path_above(lines.get(above..start).unwrap_or_default(), number)?.or(path);
        let Some(path) = path.clone() else {
            return Err(Fault::invalid(format!(
                "there is no path above the block at line {number}: put the file's path on the line before it"
            )));
        };
        let body = lines.get(start + 1..).unwrap_or_default();
        let width = lines.get(start).and_then(|line| head(line)).unwrap_or_default();
        let (length, split) = body_of(body, width, number)?;
        let old = body.get(..split).unwrap_or_default();
        let new = body.get(split + 1..length).unwrap_or_default();
        add(&mut steps, path, old, new, number)?;
        above = start + 1 + length + 1;
    }
    if steps.is_empty() {
        return Err(Fault::invalid(
            "there is no block: it is a path, then the lines `<<<<<<< SEARCH`, the old text, `=======`, the new text, `>>>>>>> REPLACE`",
        ));
    }
    Ok(steps)
}

/// Where a block's REPLACE line is, and where the line between its two texts.
fn body_of(body: &[&str], width: usize, number: usize) -> Result<(usize, usize), Fault> {
    let wrong = |what: &str| Err(Fault::invalid(format!("the block at line {number} {what}")));
    let Some(length) = body.iter().position(|line| tail(line).is_some()) else {
        return wrong("has no line `>>>>>>> REPLACE`: it may have been cut short");
    };
    let inside = body.get(..length).unwrap_or_default();
    if inside.iter().any(|line| begins(line)) {
        return wrong("has another `<<<<<<< SEARCH` in it before its `>>>>>>> REPLACE`");
    }
    let dividers = |test: &dyn Fn(usize) -> bool| -> Vec<usize> {
        inside.iter().enumerate().filter(|(_, line)| divider(line).is_some_and(test)).map(|(at, _)| at).collect()
    };
    // A text may have a line of `=` of its own, under a title say: then the one as wide as the other marks counts.
    match (dividers(&|_| true).as_slice(), dividers(&|count| count == width).as_slice()) {
        (&[split], _) | (_, &[split]) => Ok((length, split)),
        ([], _) => wrong("has no line `=======` between its two texts"),
        _ => wrong(
            "has more than one line `=======`, so it is not clear where its old text ends\nuse replace for this edit",
        ),
    }
}

fn add(steps: &mut Vec<Step>, path: String, old: &[&str], new: &[&str], number: usize) -> Result<(), Fault> {
    if old == new {
        return Err(Fault::invalid(format!(
            "the block at line {number} has the same text in SEARCH and REPLACE, so it would change nothing"
        )));
    }
    if old.iter().all(|line| line.trim().is_empty()) {
        if !old.is_empty() && new.is_empty() {
            return Err(Fault::invalid(format!("the SEARCH text of the block at line {number} is blank")));
        }
        let text = ended_lines(new.iter().copied());
        steps.push(Step::Create { path, text, executable: false, over: Over::EmptyFile });
        return Ok(());
    }
    let lines = Hunk::between(old, new);
    // Blocks come in any order, so each stands for itself and says nothing about where the next one is.
    let hunk = Hunk { lines, place: Place::default(), origin: number, ..Hunk::default() };
    steps.push(Step::Change { path, to: None, splices: vec![Splice::Lines(hunk)], executable: None });
    Ok(())
}

/// The path on the last line that has something on it, however it is dressed up; `None` if there is no such line.
fn path_above(lines: &[&str], number: usize) -> Result<Option<String>, Fault> {
    for line in lines.iter().rev() {
        let line = line.trim();
        if let Some(language) = line.strip_prefix("```") {
            if language.contains(['/', '.']) {
                return Ok(Some(language.trim().to_owned()));
            }
            continue;
        }
        if line.is_empty() {
            continue;
        }
        let path = undressed(line);
        if path.contains(char::is_whitespace) && line.ends_with([':', '.', '!', '?', ',', ';']) {
            return Err(Fault::invalid(format!(
                "the line above the block at line {number} is a sentence, not a path\nput the file's path alone on the line before the block"
            )));
        }
        return Ok(Some(path.to_owned()));
    }
    Ok(None)
}

fn undressed(line: &str) -> &str {
    let line = line.trim_start_matches('#');
    let line = line.trim().trim_matches('*').trim_end_matches(':').trim_matches('*').trim();
    let line = ["File:", "file:", "Path:", "path:"].iter().find_map(|label| line.strip_prefix(label)).unwrap_or(line);
    line.trim().trim_matches('`').trim_end_matches(':').trim()
}
