//! What to say when a text is not there: the nearest that is, with line numbers.

use std::collections::HashMap;

use similar::{Algorithm, capture_diff_slices, diff_ratio};

use super::find::{self, Miss};
use super::hunk::Hunk;
use super::step::Splice;
use super::text::{Page, lines_of, plain};
use super::{Fault, FaultKind, Nearness};

/// Lines shown, and characters of each: enough to copy the text from, little enough for a model's context.
const SHOWN_LINES: usize = 12;
const SHOWN_CHARS: usize = 160;

/// Says why a change has no place, in a file and with the words of the edit.
pub(super) fn explain(miss: Miss, bytes: &[u8], path: &str, splice: &Splice, which: &str) -> Fault {
    let page = Page::new(bytes);
    match miss {
        Miss::Fault(fault) => Fault { message: format!("{path}: {which}{}", fault.message), ..fault },
        Miss::Absent => Fault::conflict(absent(&page, path, splice, which)),
        Miss::Many { lines, more } => {
            let all = if matches!(splice, Splice::Text { .. }) { ", or set `all`" } else { "" };
            Fault::conflict(format!(
                "{which}the text is in {path} more than once, at {}\nadd lines from around the one that is meant{all}",
                list(&lines, more)
            ))
        }
        Miss::NoAnchor(anchor) => {
            let near = near(&page, &[anchor.as_str()]).map(|at| shown(&page, at, 1)).unwrap_or_default();
            Fault::conflict(format!("{which}no line of {path} has the anchor `@@ {}`{near}", cut(anchor.as_bytes())))
        }
        Miss::AboveAnchor { line, anchor } => Fault::conflict(format!(
            "{which}the text is at line {line} of {path}, which is above its anchor `@@ {}`\nleave the anchor out, or name one that is above the text",
            cut(anchor.as_bytes())
        )),
        Miss::Nowhere => Fault::invalid(format!(
            "{which}only adds lines to {path} and has no line that is there already, so it could go anywhere\nbegin with the line above as context",
        )),
        Miss::Unshiftable { line } => Fault::conflict(format!(
            "{which}the text is at line {line} of {path} with less indent, and the new text cannot be moved that far left\ncopy the text from the file with its indent"
        )),
        Miss::PastEnd(lines) => {
            Fault::invalid(format!("{path} has {}, so there is no such line to insert after", count_of(lines)))
        }
    }
}

fn list(lines: &[usize], more: bool) -> String {
    let mut lines = lines.to_vec();
    lines.dedup();
    let mut texts: Vec<String> = lines.iter().map(ToString::to_string).collect();
    if more {
        texts.push("more".to_owned());
    }
    let last = texts.pop().unwrap_or_default();
    if texts.is_empty() { format!("line {last}") } else { format!("lines {} and {last}", texts.join(", ")) }
}

pub(super) fn count_of(lines: usize) -> String {
    if lines == 1 { "1 line".to_owned() } else { format!("{lines} lines") }
}

fn absent(page: &Page<'_>, path: &str, splice: &Splice, which: &str) -> String {
    let (old, new) = match splice {
        Splice::Text { old, new, .. } => (lines_of(old), lines_of(new)),
        Splice::Lines(hunk) => (hunk.old(), hunk.new_lines()),
        Splice::After { .. } => return format!("{which}there is no such line in {path}"),
    };
    let mut message = format!("{which}the text is not in {path}");
    if let Some(line) = done_already(page, &old, &new) {
        return format!("{message}, but the new text is, at line {line}: has this edit been made before?");
    }
    if page.len() == 0 {
        return format!("{message}, which is empty");
    }
    let Some(first) = near(page, &old) else {
        return format!("{message}, and nothing in its {} is like it\nread the file again", count_of(page.len()));
    };
    // The first line that differs, if the nearest place is compared line by line.
    let differs = old.iter().enumerate().find(|(at, text)| {
        first + at >= page.len() || page.line(first + at).trim_ascii_end() != text.trim_end().as_bytes()
    });
    let from = differs.map_or(first, |(at, _)| first + at.saturating_sub(SHOWN_LINES / 2));
    message += &shown(page, from, old.len().saturating_sub(from - first));
    if let Some((at, text)) = differs.filter(|(at, _)| first + at < page.len()) {
        message += &format!(
            "\nline {} differs: the file has `{}`, the edit `{}`",
            first + at + 1,
            cut(page.line(first + at)),
            cut(text.as_bytes())
        );
    }
    message
}

/// The line where the new text is, if it is long enough not to be there by chance.
fn done_already(page: &Page<'_>, old: &[&str], new: &[&str]) -> Option<usize> {
    let said: usize = new.iter().map(|line| line.trim().len()).sum();
    if said < 8 || new.len() <= old.len() / 2 {
        return None;
    }
    match find::same(page, new, Nearness::Exact).as_slice() {
        [first] => Some(first + 1),
        _ => None,
    }
}

fn shown(page: &Page<'_>, first: usize, lines: usize) -> String {
    let last = page.len().min(first + lines.clamp(1, SHOWN_LINES));
    let width = last.to_string().len();
    let mut text = if last - first == 1 {
        format!("\nthe nearest is line {last}:")
    } else {
        format!("\nthe nearest is lines {}-{last}:", first + 1)
    };
    for line in first..last {
        text += &format!("\n  {:>width$} | {}", line + 1, cut(page.line(line)));
    }
    text
}

/// A line as it can be shown.
fn cut(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line.get(..SHOWN_CHARS * 4).unwrap_or(line));
    let mut short: String = text.chars().take(SHOWN_CHARS).collect();
    if short.len() < line.len() && text.chars().count() > SHOWN_CHARS {
        short.push('\u{2026}');
    }
    short
}

/// The line where something most like the text starts. First by lines that are the same but for space, each of which
/// votes for where the text would start; else by the letters of the text's longest line.
fn near(page: &Page<'_>, old: &[&str]) -> Option<usize> {
    by_lines(page, old).or_else(|| by_letters(page, old))
}

/// Places of one line of the text that may vote: a text of a million closing brackets has nothing to say.
const MAX_VOTES: usize = 8;

fn by_lines(page: &Page<'_>, old: &[&str]) -> Option<usize> {
    let mut lines: HashMap<Vec<u8>, Vec<usize>> = HashMap::new();
    for (at, text) in old.iter().enumerate() {
        let places = lines.entry(plain(text.as_bytes()).trim_ascii().to_vec()).or_default();
        if places.len() < MAX_VOTES {
            places.push(at);
        }
    }
    let mut votes: HashMap<usize, usize> = HashMap::new();
    for (at, line) in page.lines().enumerate() {
        let line = plain(line);
        let line = line.trim_ascii();
        // A bracket alone is like every other bracket.
        if line.len() < 3 {
            continue;
        }
        for &place in lines.get(line).into_iter().flatten() {
            *votes.entry(at.saturating_sub(place)).or_default() += line.len().min(SHOWN_CHARS);
        }
    }
    votes.into_iter().max_by_key(|&(first, votes)| (votes, std::cmp::Reverse(first))).map(|(first, _)| first)
}

/// Lines that are compared letter by letter, after a count of letters has chosen them.
const COMPARED: usize = 24;

/// How much two lines must have in common to be worth showing.
const ALIKE: f32 = 0.5;

fn by_letters(page: &Page<'_>, old: &[&str]) -> Option<usize> {
    let (at, wanted) = old.iter().enumerate().max_by_key(|(at, line)| (line.trim().len(), std::cmp::Reverse(*at)))?;
    let wanted = short(wanted.as_bytes());
    if wanted.len() < 3 {
        return None;
    }
    let letters = count(wanted);
    let mut best: Vec<(usize, usize)> = Vec::new();
    for (number, line) in page.lines().enumerate() {
        let line = short(line);
        // A line three times as long has less in common than `ALIKE`, whatever its letters.
        if line.len() > 3 * wanted.len() || wanted.len() > 3 * line.len() {
            continue;
        }
        let common: usize = count(line).iter().zip(&letters).map(|(a, b)| usize::from(*a.min(b))).sum();
        // In thousandths of all letters, as `diff_ratio` counts; no line can be more alike than this.
        best.push((2000 * common / (line.len() + wanted.len()).max(1), number));
        if best.len() >= 2 * COMPARED {
            keep_best(&mut best);
        }
    }
    keep_best(&mut best);
    let alike = best.into_iter().map(|(_, number)| {
        let line = short(page.line(number));
        let ops = capture_diff_slices(Algorithm::Myers, wanted, line);
        (diff_ratio(&ops, wanted.len(), line.len()), number)
    });
    let (ratio, number) = alike.max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)))?;
    (ratio >= ALIKE).then(|| number.saturating_sub(at))
}

fn keep_best(best: &mut Vec<(usize, usize)>) {
    best.sort_unstable_by_key(|&(alike, number)| (std::cmp::Reverse(alike), number));
    best.truncate(COMPARED);
}

fn short(line: &[u8]) -> &[u8] {
    let line = line.trim_ascii();
    line.get(..SHOWN_CHARS).unwrap_or(line)
}

fn count(line: &[u8]) -> [u8; 256] {
    let mut counts = [0; 256];
    for &byte in line {
        counts[usize::from(byte)] += 1;
    }
    counts
}

/// Names a hunk of several by where it is in the edit's text.
pub(super) fn name(splice: &Splice, index: usize, count: usize) -> String {
    match splice {
        Splice::Lines(Hunk { origin, .. }) if count > 1 => format!("part {} (line {origin} of the edit): ", index + 1),
        Splice::Lines(Hunk { origin, .. }) if *origin > 1 => format!("line {origin} of the edit: "),
        _ => String::new(),
    }
}

/// What is not text.
pub(super) fn binary(path: &str) -> Fault {
    Fault::new(
        FaultKind::Unsupported,
        format!("{path} has a NUL byte, so it is not text\nuse write for the whole file"),
    )
}
