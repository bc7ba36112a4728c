//! The matcher: where some lines are in a file, exactly or nearly, if there is just one such place.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use super::hunk::{Hunk, Op};
use super::text::{Page, indent, plain};
use super::{Fault, FaultKind, MAX_WORK, Nearness, anchor};

/// Where some lines were found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Found {
    pub(super) first: usize,
    pub(super) count: usize,
    pub(super) shift: Shift,
    /// The first line came without its indent while the others have theirs, as happens to text that is copied from
    /// its first letter on.
    pub(super) hanging: bool,
    pub(super) nearness: Nearness,
}

/// How the file's indent differs from the edit's, in every line that is not blank.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Shift {
    None,
    /// The file has this in front.
    Deeper(Vec<u8>),
    /// The edit has this in front.
    Shallower(Vec<u8>),
    /// The file has a tab for so many spaces.
    Tabs(usize),
    /// The file has so many spaces for a tab.
    Spaces(usize),
}

/// Why there is no one place.
#[derive(Debug)]
pub(super) enum Miss {
    /// There is none.
    Absent,
    /// There are these, numbered from 1; `more` if not all are listed.
    Many {
        lines: Vec<usize>,
        more: bool,
    },
    /// There is no line for an anchor.
    NoAnchor(String),
    /// The text is somewhere, but above its anchor.
    AboveAnchor {
        line: usize,
        anchor: String,
    },
    /// Nothing says where.
    Nowhere,
    /// The shifted replacement would start left of the first column.
    Unshiftable {
        line: usize,
    },
    /// Past the end of a file of so many lines.
    PastEnd(usize),
    Fault(Fault),
}

impl From<Fault> for Miss {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// What a line costs besides its bytes, measured on files of very short lines.
pub(super) const LINE: usize = 16;

/// What is left of [`MAX_WORK`].
pub(super) struct Work(u64);

impl Work {
    pub(super) fn new() -> Self {
        Self(MAX_WORK)
    }

    /// Looking at every line of a file, which costs more than its bytes.
    pub(super) fn read(&mut self, page: &Page<'_>) -> Result<(), Fault> {
        self.spend(page.bytes.len() + page.len() * LINE)
    }

    pub(super) fn spend(&mut self, bytes: usize) -> Result<(), Fault> {
        self.0 = self.0.checked_sub(bytes as u64).ok_or_else(|| {
            Fault::new(
                FaultKind::TooLarge,
                "the edits have too many parts for files this large, or the text repeats itself too often\nsplit them over several calls",
            )
        })?;
        Ok(())
    }
}

/// The place of the lines in the first of the levels that has any, after `narrow` has had its say; refused if that
/// leaves more than one.
pub(super) fn lines(
    page: &Page<'_>,
    old: &[&str],
    levels: &[Nearness],
    work: &mut Work,
    mut narrow: impl FnMut(&mut Vec<Found>) -> Result<(), Miss>,
) -> Result<Found, Miss> {
    for &level in levels {
        let mut places = at_level(page, old, level, work)?;
        if places.is_empty() {
            continue;
        }
        narrow(&mut places)?;
        match places.as_slice() {
            [] => {}
            [_] => return places.pop().ok_or(Miss::Absent),
            many => return Err(several(many.iter().map(|place| place.first + 1))),
        }
    }
    Err(Miss::Absent)
}

/// The first few of several places.
pub(super) fn several(lines: impl Iterator<Item = usize>) -> Miss {
    let mut lines: Vec<usize> = lines.take(6).collect();
    let more = lines.len() > 5;
    lines.truncate(5);
    Miss::Many { lines, more }
}

fn at_level(page: &Page<'_>, old: &[&str], level: Nearness, work: &mut Work) -> Result<Vec<Found>, Fault> {
    let blank = old.iter().all(|line| line.trim().is_empty());
    if old.is_empty() || old.len() > page.len() || (blank && level > Nearness::Exact) {
        return Ok(Vec::new());
    }
    let length = old.iter().map(|line| line.len() + LINE).sum();
    work.read(page)?;
    work.spend(length)?;
    let mut found = Vec::new();
    for first in same(page, old, level) {
        let (shift, hanging) = match level {
            Nearness::Exact | Nearness::TrailingSpace => (Some(Shift::None), false),
            _ => {
                work.spend(length)?;
                match shift(page, first, old, 0) {
                    Some(shift) => (Some(shift), false),
                    None => (hanging(page, first, old), true),
                }
            }
        };
        if let Some(shift) = shift {
            found.push(Found { first, count: old.len(), shift, hanging, nearness: level });
        }
    }
    Ok(found)
}

/// What of a line must be the same at a level.
fn key(line: &[u8], level: Nearness) -> Cow<'_, [u8]> {
    match level {
        Nearness::Exact => Cow::Borrowed(line),
        Nearness::TrailingSpace => Cow::Borrowed(line.trim_ascii_end()),
        Nearness::Indent => Cow::Borrowed(line.trim_ascii()),
        Nearness::Punctuation => match plain(line) {
            Cow::Borrowed(line) => Cow::Borrowed(line.trim_ascii()),
            Cow::Owned(line) => Cow::Owned(line.trim_ascii().to_vec()),
        },
    }
}

/// Where the lines' keys are those of the file, overlaps too. Lines become numbers first and are then searched by Knuth,
/// Morris and Pratt, so that a file of a million equal lines takes no longer than another.
pub(super) fn same(page: &Page<'_>, old: &[&str], level: Nearness) -> Vec<usize> {
    let mut numbers = HashMap::new();
    let wanted: Vec<u32> = old
        .iter()
        .map(|line| {
            let next = numbers.len() as u32;
            *numbers.entry(key(line.as_bytes(), level)).or_insert(next)
        })
        .collect();
    let mut fallback = vec![0; wanted.len()];
    let mut matched = 0;
    for at in 1..wanted.len() {
        while matched > 0 && wanted[at] != wanted[matched] {
            matched = fallback[matched - 1];
        }
        matched += usize::from(wanted[at] == wanted[matched]);
        fallback[at] = matched;
    }
    let mut seen = [false; 1024];
    numbers.keys().for_each(|key| seen[glance(key)] = true);
    let mut found = Vec::new();
    matched = 0;
    for (at, line) in page.lines().enumerate() {
        let key = key(line, level);
        let number = if seen[glance(&key)] { numbers.get(&key).copied() } else { None };
        while matched > 0 && number != wanted.get(matched).copied() {
            matched = fallback[matched - 1];
        }
        matched += usize::from(number.is_some() && number == wanted.get(matched).copied());
        if matched == wanted.len() {
            found.push(at + 1 - matched);
            matched = fallback[matched - 1];
        }
    }
    found
}

/// A number below 1024 that tells most lines apart at a glance, and spares them a hash.
fn glance(line: &[u8]) -> usize {
    let byte = |at: usize| line.get(at).map_or(0, |byte| usize::from(*byte));
    (line.len() ^ byte(line.len() / 2) << 3 ^ byte(line.len().wrapping_sub(1)) << 5 ^ byte(0) << 1) % 1024
}

/// The one shift that explains the indent of every line from `skip` on that is not blank.
fn shift(page: &Page<'_>, first: usize, old: &[&str], skip: usize) -> Option<Shift> {
    let mut pairs = (skip..old.len()).filter_map(|at| {
        let line = old.get(at).filter(|line| !line.trim().is_empty())?;
        Some((spaces_only(plain(page.line(first + at))), spaces_only(plain(line.as_bytes()))))
    });
    let (file, edit) = pairs.next()?;
    let candidates = Shift::candidates(&file, &edit);
    let mut left: Vec<Shift> = candidates.into_iter().filter(|shift| shift.explains(&file, &edit)).collect();
    for (file, edit) in pairs {
        left.retain(|shift| shift.explains(&file, &edit));
        if left.is_empty() {
            return None;
        }
    }
    left.into_iter().next()
}

/// The indent of a line, borrowed if the line is.
fn spaces_only(line: Cow<'_, [u8]>) -> Cow<'_, [u8]> {
    match line {
        Cow::Borrowed(line) => Cow::Borrowed(indent(line)),
        Cow::Owned(line) => Cow::Owned(indent(&line).to_vec()),
    }
}

fn hanging(page: &Page<'_>, first: usize, old: &[&str]) -> Option<Shift> {
    let top = old.first()?;
    (!top.trim().is_empty() && !top.starts_with([' ', '\t'])).then(|| shift(page, first, old, 1)).flatten()
}

impl Shift {
    /// The shifts that two indents may differ by, the likelier first.
    fn candidates(file: &[u8], edit: &[u8]) -> Vec<Self> {
        let deeper = file.strip_suffix(edit).map(|prefix| Self::Deeper(prefix.to_vec()));
        let shallower = edit.strip_suffix(file).map(|prefix| Self::Shallower(prefix.to_vec()));
        let tabs = [4, 2, 8, 3].iter().flat_map(|&width| [Self::Tabs(width), Self::Spaces(width)]);
        std::iter::once(Self::None).chain(deeper).chain(shallower).chain(tabs).collect()
    }

    /// Whether an indent of the edit's is this one of the file's.
    fn explains(&self, file: &[u8], edit: &[u8]) -> bool {
        let of = |indent: &[u8], sign: u8| indent.iter().all(|byte| *byte == sign);
        match self {
            Self::None => file == edit,
            Self::Deeper(prefix) => file.strip_prefix(prefix.as_slice()) == Some(edit),
            Self::Shallower(prefix) => edit.strip_prefix(prefix.as_slice()) == Some(file),
            Self::Tabs(width) => of(file, b'\t') && of(edit, b' ') && edit.len() == file.len() * width,
            Self::Spaces(width) => of(file, b' ') && of(edit, b'\t') && file.len() == edit.len() * width,
        }
    }

    /// A line of the edit with the file's indent; `None` if it has less than there is to take away.
    pub(super) fn apply(&self, line: &[u8]) -> Option<Vec<u8>> {
        let spaces = || line.iter().take_while(|byte| **byte == b' ').count();
        let tabs = || line.iter().take_while(|byte| **byte == b'\t').count();
        let moved = |take: usize, put: &[u8]| Some([put, line.get(take..)?].concat());
        match self {
            Self::None => Some(line.to_vec()),
            Self::Deeper(prefix) => moved(0, prefix),
            Self::Shallower(prefix) => line.strip_prefix(prefix.as_slice()).map(<[u8]>::to_vec),
            Self::Tabs(width) => moved(spaces() / width * width, &b"\t".repeat(spaces() / width)),
            Self::Spaces(width) => moved(tabs(), &b" ".repeat(tabs() * width)),
        }
    }
}

/// Where the hunks of one file have got to: they come in order, and those before have moved the lines.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Progress {
    pub(super) line: usize,
    pub(super) moved: isize,
}

const LEVELS: [Nearness; 4] = [Nearness::Exact, Nearness::TrailingSpace, Nearness::Indent, Nearness::Punctuation];

/// The place of a hunk. What else it says about where it is only chooses among places that its text is at.
pub(super) fn hunk(page: &Page<'_>, hunk: &Hunk, progress: Progress, work: &mut Work) -> Result<Found, Miss> {
    let anchored = anchor::ranges(page, &hunk.place, work)?;
    let old = hunk.old();
    if old.is_empty() {
        return nothing(page, hunk, &anchored);
    }
    let mut place =
        |old: &[&str]| lines(page, old, &LEVELS, work, |places| narrow(page, hunk, &anchored, progress, places));
    match (place(&old), old.split_last(), hunk.lines.last()) {
        // A blank last line of context is often the writer's idea of the file's last line end.
        (Err(Miss::Absent), Some((last, rest)), Some((Op::Keep, _))) if last.is_empty() && !rest.is_empty() => {
            place(rest)
        }
        (result, ..) => result,
    }
}

fn narrow(
    page: &Page<'_>,
    hunk: &Hunk,
    anchored: &[Range<usize>],
    progress: Progress,
    places: &mut Vec<Found>,
) -> Result<(), Miss> {
    let at_end = |place: &Found| place.first + place.count == page.len();
    if hunk.bare.0 != hunk.bare.1 {
        places.retain(at_end);
    }
    if !hunk.place.loose
        && let (Some(top), Some(anchor)) = (anchored.iter().map(|range| range.start).min(), hunk.place.anchors.last())
    {
        let above = places.first().map(|place| place.first + 1);
        places.retain(|place| place.first + place.count > top);
        if let (true, Some(line)) = (places.is_empty(), above) {
            return Err(Miss::AboveAnchor { line, anchor: anchor.clone() });
        }
    }
    if hunk.place.at_end || hunk.bare.0 {
        prefer(places, at_end);
    }
    prefer(places, |place| place.first >= progress.line);
    prefer(places, |place| {
        anchored.iter().any(|range| place.first < range.end && place.first + place.count > range.start)
    });
    if let Some(line) = hunk.place.line {
        let line = (line as usize).checked_add_signed(progress.moved);
        prefer(places, |place| place.nearness == Nearness::Exact && line == Some(place.first + 1));
    }
    Ok(())
}

/// Keeps those that pass, unless none does.
fn prefer(places: &mut Vec<Found>, test: impl Fn(&Found) -> bool) {
    if places.len() > 1 && places.iter().any(&test) {
        places.retain(test);
    }
}

/// The place of a hunk that only adds: below its one anchor, at the end, or in an empty file.
fn nothing(page: &Page<'_>, hunk: &Hunk, anchored: &[Range<usize>]) -> Result<Found, Miss> {
    let after = |lines: usize| Found {
        first: lines.saturating_sub(1),
        count: lines.min(1),
        shift: Shift::None,
        hanging: false,
        nearness: Nearness::Exact,
    };
    match anchored {
        _ if page.len() == 0 || hunk.place.at_end => Ok(after(page.len())),
        [one] if !hunk.place.loose => Ok(after(one.start + 1)),
        [] => Err(Miss::Nowhere),
        _ if hunk.place.loose => Err(Miss::Nowhere),
        many => Err(several(many.iter().map(|range| range.start + 1))),
    }
}
