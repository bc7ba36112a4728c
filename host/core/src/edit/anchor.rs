//! The parts of a file that a hunk's anchors (`@@ class A`, `@@ def f`) name.

use std::ops::Range;

use super::Fault;
use super::find::{LINE, Miss, Work};
use super::hunk::Place;
use super::text::{Page, indent, plain};

/// Lines that an anchor may be before it says nothing.
const MAX_ANCHORS: usize = 64;

/// The parts of the file that the anchors name: from the line of the last one to the end of its block.
pub(super) fn ranges(page: &Page<'_>, place: &Place, work: &mut Work) -> Result<Vec<Range<usize>>, Miss> {
    let whole = 0..page.len();
    let mut ranges = Vec::new();
    for anchor in &place.anchors {
        let within = if ranges.is_empty() { vec![whole.clone()] } else { ranges };
        ranges = Vec::new();
        for range in &within {
            work.spend(page.start(range.end) - page.start(range.start) + LINE * range.len())?;
        }
        let mut found = lines(page, anchor, &within);
        if found.is_empty() {
            let top = within.iter().map(|range| range.start).min().unwrap_or_default();
            work.read(page)?;
            found = lines(page, anchor, std::slice::from_ref(&(top..page.len())));
        }
        if found.is_empty() {
            if place.loose {
                return Ok(Vec::new());
            }
            return Err(Miss::NoAnchor(anchor.clone()));
        }
        let crowded = found.len() > MAX_ANCHORS;
        for line in found {
            let end = if crowded { page.len() } else { block_end(page, line, work)? };
            ranges.push(line..end);
            if crowded {
                break;
            }
        }
    }
    Ok(ranges)
}

/// The lines that are an anchor, else that start with it, else that have it in them.
fn lines(page: &Page<'_>, anchor: &str, within: &[Range<usize>]) -> Vec<usize> {
    let anchor = plain(anchor.trim().as_bytes()).into_owned();
    let matching = |like: Like| {
        let mut lines: Vec<usize> = within
            .iter()
            .flat_map(Clone::clone)
            .filter(|&line| like.holds(plain(page.line(line)).trim_ascii(), &anchor))
            .collect();
        lines.sort_unstable();
        lines.dedup();
        lines
    };
    [Like::Same, Like::Starts, Like::Has].into_iter().map(matching).find(|lines| !lines.is_empty()).unwrap_or_default()
}

/// How a line is like an anchor.
#[derive(Clone, Copy)]
enum Like {
    Same,
    Starts,
    Has,
}

impl Like {
    fn holds(self, line: &[u8], anchor: &[u8]) -> bool {
        match self {
            Self::Same => line == anchor,
            Self::Starts => line.starts_with(anchor),
            Self::Has => memchr::memmem::find(line, anchor).is_some(),
        }
    }
}

/// The end of the block that a line opens: the next line indented no deeper that is not only a bracket of the opening
/// (`{`, `) -> T {`). A line that opens no block stands for all that follows it.
fn block_end(page: &Page<'_>, line: usize, work: &mut Work) -> Result<usize, Fault> {
    let depth = indent(page.line(line)).len();
    for at in line + 1..page.len() {
        let text = page.line(at);
        work.spend(text.len() + LINE)?;
        let body = text.trim_ascii();
        let opening = matches!(body.first(), None | Some(b'{' | b')' | b']'));
        if !opening && indent(text).len() <= depth {
            return Ok(if at == line + 1 { page.len() } else { at });
        }
    }
    Ok(page.len())
}
