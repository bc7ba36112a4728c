//! A hunk: some lines of a file as they are and as they are to be, and what is known about where they are.

use similar::{Algorithm, DiffOp, capture_diff_slices};

/// What becomes of a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Op {
    Keep,
    Drop,
    Add,
}

/// What is known about where a hunk is, apart from its text.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Place {
    /// Lines above, outermost first: `@@ class A`, `@@ def f`.
    pub(super) anchors: Vec<String>,
    /// Whether the anchors are only a help to choose among several places: the heading that git puts after the line
    /// numbers need not be near, nor whole.
    pub(super) loose: bool,
    /// The first line's number, from 1, as a diff says. Believed only to choose among places that are the same to the
    /// byte, because models cannot count.
    pub(super) line: Option<u32>,
    /// It ends with the file.
    pub(super) at_end: bool,
    /// It says that there was nothing before (`-0,0`).
    pub(super) from_nothing: bool,
}

/// Some lines as they are and as they are to be.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Hunk {
    pub(super) lines: Vec<(Op, String)>,
    pub(super) place: Place,
    /// Whether the last old, and the last new, line is said to have no line end.
    pub(super) bare: (bool, bool),
    /// The line of the edit's text that it starts at, from 1.
    pub(super) origin: usize,
}

impl Hunk {
    /// A hunk from two texts, told apart by the lines they share.
    pub(super) fn between(old: &[&str], new: &[&str]) -> Vec<(Op, String)> {
        let same = |(a, b): &(&&str, &&str)| a == b;
        let head = old.iter().zip(new).take_while(same).count();
        let (old, new, top) = (&old[head..], &new[head..], &old[..head]);
        let tail = old.iter().rev().zip(new.iter().rev()).take_while(same).count();
        let (old, end) = old.split_at(old.len() - tail);
        let new = &new[..new.len() - tail];
        let mut lines = Vec::with_capacity(top.len() + old.len() + new.len() + end.len());
        let mut put = |op, texts: &[&str]| lines.extend(texts.iter().map(|text| (op, (*text).to_owned())));
        put(Op::Keep, top);
        for op in ops(old, new) {
            match op {
                DiffOp::Equal { old_index, len, .. } => put(Op::Keep, &old[old_index..old_index + len]),
                other => {
                    put(Op::Drop, &old[other.old_range()]);
                    put(Op::Add, &new[other.new_range()]);
                }
            }
        }
        put(Op::Keep, end);
        lines
    }

    /// The lines that must be there.
    pub(super) fn old(&self) -> Vec<&str> {
        self.side(Op::Add)
    }

    /// The lines that will be there.
    pub(super) fn new_lines(&self) -> Vec<&str> {
        self.side(Op::Drop)
    }

    fn side(&self, but: Op) -> Vec<&str> {
        self.lines.iter().filter(|(op, _)| *op != but).map(|(_, text)| text.as_str()).collect()
    }

    pub(super) fn changes(&self) -> bool {
        self.lines.iter().any(|(op, _)| *op != Op::Keep) || self.bare.0 != self.bare.1
    }
}

/// Cells of the table that a difference may take in the worst case: a second's work on a slow machine. An agent could
/// otherwise send two texts of a million lines that have nothing in common.
const MAX_CELLS: usize = 4 << 20;

fn ops(old: &[&str], new: &[&str]) -> Vec<DiffOp> {
    if old.len().saturating_mul(new.len()) > MAX_CELLS {
        return vec![DiffOp::Replace { old_index: 0, old_len: old.len(), new_index: 0, new_len: new.len() }];
    }
    capture_diff_slices(Algorithm::Myers, old, new)
}

/// Lines that two texts do not share, as (added, removed); moved lines of very large differences count for nothing.
pub(super) fn count_changes(old: &[&[u8]], new: &[&[u8]]) -> (u32, u32) {
    let head = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let (old, new) = (&old[head..], &new[head..]);
    let tail = old.iter().rev().zip(new.iter().rev()).take_while(|(a, b)| a == b).count();
    let (old, new) = (&old[..old.len() - tail], &new[..new.len() - tail]);
    let shared = if old.len().saturating_mul(new.len()) > MAX_CELLS {
        let mut left = std::collections::HashMap::<&[u8], u32>::new();
        old.iter().for_each(|line| *left.entry(line).or_default() += 1);
        new.iter()
            .filter(|line| left.get_mut(**line).is_some_and(|n| n.checked_sub(1).map(|less| *n = less).is_some()))
            .count()
    } else {
        let equal = |op: &DiffOp| if matches!(op, DiffOp::Equal { .. }) { op.old_range().len() } else { 0 };
        capture_diff_slices(Algorithm::Myers, old, new).iter().map(equal).sum()
    };
    ((new.len() - shared) as u32, (old.len() - shared) as u32)
}

/// Collects the lines of a hunk as patches and diffs write them, and as models do.
#[derive(Default)]
pub(super) struct Writing {
    hunk: Hunk,
    /// Which of the lines are empty without the space that a context line starts with.
    blank: Vec<bool>,
    counts: (usize, usize),
}

impl Writing {
    pub(super) fn new(place: Place, origin: usize) -> Self {
        Self { hunk: Hunk { place, origin, ..Hunk::default() }, ..Self::default() }
    }

    /// Takes a line. One without a sign at its start is context whose space was forgotten: it must be in the file all
    /// the same, so believing it can do no harm.
    pub(super) fn push(&mut self, raw: &str) {
        if raw.starts_with("\\ ") {
            return self.no_line_end();
        }
        let rest = raw.get(1..).unwrap_or_default();
        let (op, text) = match raw.as_bytes().first() {
            Some(b'+') => (Op::Add, rest),
            Some(b'-') => (Op::Drop, rest),
            Some(b' ') => (Op::Keep, rest),
            _ => (Op::Keep, raw),
        };
        self.blank.push(raw.is_empty());
        self.counts.0 += usize::from(op != Op::Add);
        self.counts.1 += usize::from(op != Op::Drop);
        self.hunk.lines.push((op, text.to_owned()));
    }

    fn no_line_end(&mut self) {
        let (old, new) = self.hunk.bare;
        self.hunk.bare = match self.hunk.lines.last() {
            Some((Op::Drop, _)) => (true, new),
            Some((Op::Add, _)) => (old, true),
            _ => (true, true),
        };
    }

    pub(super) fn end_of_file(&mut self) {
        self.hunk.place.at_end = true;
    }

    /// How many old and new lines there are so far.
    pub(super) fn counts(&self) -> (usize, usize) {
        self.counts
    }

    /// The hunk. Empty lines at its ends are more often the writer's layout than context, and without them the hunk
    /// can only be found in more places, never in a wrong one.
    pub(super) fn finish(mut self) -> Hunk {
        while self.blank.last() == Some(&true) {
            self.blank.pop();
            self.hunk.lines.pop();
        }
        let top = self.blank.iter().take_while(|blank| **blank).count();
        self.hunk.lines.drain(..top);
        self.hunk
    }
}
