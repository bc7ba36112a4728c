//! Puts a change into a file's bytes, and leaves every other byte as it is.

use std::borrow::Cow;

use memchr::memmem;

use super::find::{self, Found, Miss, Progress, Shift, Work};
use super::hunk::{Hunk, Op};
use super::step::Splice;
use super::text::{Fold, Folded, Page, bare, lines_of};
use super::{Fault, FaultKind, MAX_BYTES, Nearness};

/// A file after a change.
pub(super) struct Spliced {
    pub(super) bytes: Vec<u8>,
    pub(super) places: u32,
    pub(super) nearness: Nearness,
}

/// Carries out one change.
pub(super) fn carry_out(
    bytes: &[u8],
    splice: &Splice,
    progress: &mut Progress,
    work: &mut Work,
) -> Result<Spliced, Miss> {
    // Every change makes the file's bytes anew.
    work.spend(bytes.len())?;
    match splice {
        Splice::Text { old, new, all } => text(bytes, old, new, *all, work),
        Splice::After { line, text } => after(bytes, *line as usize, text),
        Splice::Lines(hunk) => hunk_of(bytes, hunk, progress, work),
    }
}

fn once(bytes: Vec<u8>, nearness: Nearness) -> Spliced {
    Spliced { bytes, places: 1, nearness }
}

fn hunk_of(bytes: &[u8], hunk: &Hunk, progress: &mut Progress, work: &mut Work) -> Result<Spliced, Miss> {
    let page = Page::new(bytes);
    let found = find::hunk(&page, hunk, *progress, work)?;
    let mut lines: Vec<(Op, &str)> = hunk.lines.iter().map(|(op, text)| (*op, text.as_str())).collect();
    let old = lines.iter().filter(|(op, _)| *op != Op::Add).count();
    if old == 0 && found.count == 1 {
        lines.insert(0, (Op::Keep, ""));
    } else if old > found.count {
        lines.pop();
    }
    let last = match hunk.bare {
        (true, false) => Last::Ended,
        (false, true) => Last::Bare,
        _ => Last::of(&page),
    };
    let bytes = rewrite(&page, &found, &lines, last)?;
    let kept = lines.iter().filter(|(op, _)| *op != Op::Drop).count();
    *progress = Progress {
        line: found.first + kept,
        moved: progress.moved.saturating_add_unsigned(kept).saturating_sub_unsigned(found.count),
    };
    Ok(once(bytes, found.nearness))
}

fn after(bytes: &[u8], line: usize, text: &str) -> Result<Spliced, Miss> {
    let page = Page::new(bytes);
    if line > page.len() {
        return Err(Miss::PastEnd(page.len()));
    }
    let mut lines: Vec<_> = lines_of(text).into_iter().map(|line| (Op::Add, line)).collect();
    // The line above is taken in, because it needs a line end if it is the last and has none.
    if line > 0 {
        lines.insert(0, (Op::Keep, ""));
    }
    let (first, count) = (line.saturating_sub(1), line.min(1));
    let found = Found { first, count, shift: Shift::None, hanging: false, nearness: Nearness::Exact };
    Ok(once(rewrite(&page, &found, &lines, Last::of(&page))?, Nearness::Exact))
}

fn text(bytes: &[u8], old: &str, new: &str, all: bool, work: &mut Work) -> Result<Spliced, Miss> {
    work.spend(bytes.len() + old.len())?;
    let crlf = memmem::find(bytes, b"\r\n").is_some();
    if !(crlf && old.contains('\n') && !old.contains('\r')) {
        let places = places(bytes, old.as_bytes(), all, work, |_| true)?;
        let its_own = old.contains('\r') || new.contains('\r');
        let new = |style: &[u8]| if its_own { Cow::Borrowed(new.as_bytes()) } else { styled(new, style) };
        if let Some(bytes) = replace(bytes, old, &only(bytes, places, all)?, new)? {
            return Ok(bytes);
        }
    }
    let lines = Hunk::between(&segments(old), &segments(new));
    if (crlf || old.contains('\r'))
        && old.contains('\n')
        && let Some(done) = folded(bytes, old, &lines, Fold::Endings, all, work)?
    {
        return Ok(done);
    }
    if all {
        return Err(Miss::Absent);
    }
    let page = Page::new(bytes);
    let near = |levels: &[Nearness], work: &mut Work| -> Result<Spliced, Miss> {
        let old_lines = lines_of(old);
        let new_lines = if new.is_empty() && old.ends_with('\n') { Vec::new() } else { lines_of(new) };
        let found = find::lines(&page, &old_lines, levels, work, |_| Ok(()))?;
        let lines = Hunk::between(&old_lines, &new_lines);
        let lines: Vec<_> = lines.iter().map(|(op, text)| (*op, text.as_str())).collect();
        Ok(once(rewrite(&page, &found, &lines, Last::of(&page))?, found.nearness))
    };
    match near(&[Nearness::Exact, Nearness::TrailingSpace, Nearness::Indent], work) {
        Err(Miss::Absent) => {}
        other => return other,
    }
    match folded(bytes, old, &lines, Fold::Punctuation, false, work)? {
        Some(done) => Ok(done),
        None => near(&[Nearness::Punctuation], work),
    }
}

/// Where a text is, of the places that count. Overlapping ones do when there must be just one, as it would matter which
/// of them is meant.
fn places(
    bytes: &[u8],
    old: &[u8],
    all: bool,
    work: &mut Work,
    counts: impl Fn(usize) -> bool,
) -> Result<Vec<usize>, Fault> {
    let finder = memmem::Finder::new(old);
    if all {
        return Ok(finder.find_iter(bytes).filter(|&at| counts(at)).collect());
    }
    let mut places = Vec::new();
    let mut from = 0;
    // Six, because five are shown.
    while places.len() < 6
        && let Some(at) = bytes.get(from..).and_then(|rest| finder.find(rest))
    {
        work.spend(old.len())?;
        if counts(from + at) {
            places.push(from + at);
        }
        from += at + 1;
    }
    Ok(places)
}

fn only(bytes: &[u8], places: Vec<usize>, all: bool) -> Result<Vec<usize>, Miss> {
    if all || places.len() < 2 {
        return Ok(places);
    }
    let page = Page::new(bytes);
    Err(find::several(places.into_iter().map(|at| page.line_at(at) + 1)))
}

/// Puts a text at each of the places of another; `None` if there are no places.
fn replace<'a>(
    bytes: &[u8],
    old: &str,
    places: &[usize],
    new: impl Fn(&[u8]) -> Cow<'a, [u8]>,
) -> Result<Option<Spliced>, Miss> {
    if places.is_empty() {
        return Ok(None);
    }
    let page = Page::new(bytes);
    let mut out = Vec::with_capacity(bytes.len());
    let mut from = 0;
    for &at in places {
        put(&mut out, bytes.get(from..at).unwrap_or_default())?;
        put(&mut out, &new(page.style(page.line_at(at))))?;
        from = at + old.len();
    }
    put(&mut out, bytes.get(from..).unwrap_or_default())?;
    Ok(Some(Spliced { bytes: out, places: places.len() as u32, nearness: Nearness::Exact }))
}

/// A new text with line ends in the style of where it goes.
fn styled<'a>(new: &'a str, style: &[u8]) -> Cow<'a, [u8]> {
    if style == b"\r\n" && new.contains('\n') {
        return Cow::Owned(new.replace('\n', "\r\n").into_bytes());
    }
    Cow::Borrowed(new.as_bytes())
}

/// The parts of a text between its line ends.
fn segments(text: &str) -> Vec<&str> {
    let mut parts: Vec<&str> = text.split('\n').collect();
    let last = parts.pop();
    parts.iter_mut().for_each(|part| *part = bare(part));
    parts.extend(last);
    parts
}

/// Replaces a text that is the same as the file's when both are folded; `None` if it is not there.
fn folded(
    bytes: &[u8],
    old: &str,
    lines: &[(Op, String)],
    fold: Fold,
    all: bool,
    work: &mut Work,
) -> Result<Option<Spliced>, Miss> {
    let (file, needle) = (Folded::new(bytes, fold), Folded::new(old.as_bytes(), fold).text);
    let page = Page::new(bytes);
    work.spend(bytes.len())?;
    let found = places(&file.text, &needle, all, work, |at| file.source(at, at + needle.len()).is_some())?;
    let found: Vec<_> = found.into_iter().filter_map(|at| file.source(at, at + needle.len())).collect();
    only(bytes, found.iter().map(|range| range.0).collect(), all)?;
    if found.is_empty() {
        return Ok(None);
    }
    let lines: Vec<_> = lines.iter().map(|(op, text)| (*op, text.as_str())).collect();
    let mut out = Vec::with_capacity(bytes.len());
    let mut from = 0;
    for &(start, end) in &found {
        put(&mut out, bytes.get(from..start).unwrap_or_default())?;
        let parts = bytes.get(start..end).unwrap_or_default().split_inclusive(|byte| *byte == b'\n').map(ended);
        // A text that ends with a line end is followed by an empty part, as in `segments`.
        let parts = parts.chain(std::iter::once((&b""[..], &b""[..])));
        let style = page.style(page.line_at(start));
        weave(&mut out, &lines, parts, style, Last::Bare, |text| Ok(text.to_vec()))?;
        from = end;
    }
    put(&mut out, bytes.get(from..).unwrap_or_default())?;
    let nearness = if fold == Fold::Endings { Nearness::Exact } else { Nearness::Punctuation };
    Ok(Some(Spliced { bytes: out, places: found.len() as u32, nearness }))
}

/// A line and its ending.
fn ended(line: &[u8]) -> (&[u8], &[u8]) {
    let length = if line.ends_with(b"\r\n") { 2 } else { usize::from(line.ends_with(b"\n")) };
    line.split_at(line.len() - length)
}

/// Whether the last of some new lines has a line end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    Ended,
    Bare,
}

impl Last {
    /// As the file has it. A line put into an empty file is ended.
    fn of(page: &Page<'_>) -> Self {
        if page.len() > 0 && page.ending(page.len() - 1).is_empty() { Self::Bare } else { Self::Ended }
    }
}

/// The file with the found lines as they are to be; `last` counts if they are the file's last.
fn rewrite(page: &Page<'_>, found: &Found, lines: &[(Op, &str)], last: Last) -> Result<Vec<u8>, Miss> {
    let end = found.first + found.count;
    let last = if end == page.len() { last } else { Last::Ended };
    let parts = (found.first..end).map(|line| (page.line(line), page.ending(line)));
    let mut out = Vec::with_capacity(page.bytes.len());
    put(&mut out, page.bytes.get(..page.start(found.first)).unwrap_or_default())?;
    let mut hanging = found.hanging && matches!(lines.iter().find(|(op, _)| *op != Op::Drop), Some((Op::Add, _)));
    weave(&mut out, lines, parts, page.style(found.first), last, |text| {
        if std::mem::take(&mut hanging) {
            return Ok([super::text::indent(page.line(found.first)), text].concat());
        }
        if text.trim_ascii().is_empty() {
            return Ok(text.to_vec());
        }
        found.shift.apply(text).ok_or(Miss::Unshiftable { line: found.first + 1 })
    })?;
    put(&mut out, page.bytes.get(page.start(end)..).unwrap_or_default())?;
    Ok(out)
}

/// Writes what the lines become. Kept lines come from the file, new ones from `shifted`.
fn weave<'a>(
    out: &mut Vec<u8>,
    lines: &[(Op, &str)],
    mut file: impl Iterator<Item = (&'a [u8], &'a [u8])>,
    style: &[u8],
    last: Last,
    mut shifted: impl FnMut(&[u8]) -> Result<Vec<u8>, Miss>,
) -> Result<(), Miss> {
    let kept = lines.iter().filter(|(op, _)| *op != Op::Drop).count();
    let mut written = 0;
    for (op, text) in lines {
        let mut ending: &[u8] = b"";
        match op {
            Op::Drop => {
                file.next();
                continue;
            }
            Op::Keep => {
                let (line, its_own) = file.next().unwrap_or_default();
                put(out, line)?;
                ending = its_own;
            }
            Op::Add => put(out, &shifted(text.as_bytes())?)?,
        }
        written += 1;
        match last {
            Last::Bare if written == kept => {}
            _ => put(out, if ending.is_empty() { style } else { ending })?,
        }
    }
    Ok(())
}

/// Appends, up to the limit: a replacement for a text that is everywhere must not choose how much the host allocates.
fn put(out: &mut Vec<u8>, bytes: &[u8]) -> Result<(), Fault> {
    if out.len() + bytes.len() > MAX_BYTES {
        return Err(Fault::new(
            FaultKind::TooLarge,
            format!("the file would have more than {MAX_BYTES} bytes, and that is the most an edit makes"),
        ));
    }
    out.extend_from_slice(bytes);
    Ok(())
}
