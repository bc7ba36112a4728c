//! A file as lines without losing a byte, and texts made plain with a way back to the bytes they came from.

use std::borrow::Cow;

/// UTF-8's byte order mark, which is part of no line.
pub(super) const BOM: &[u8] = b"\xef\xbb\xbf";

/// A file as lines. A line ends with LF or CRLF; a lone CR is content, and the last line may have no ending.
pub(super) struct Page<'a> {
    pub(super) bytes: &'a [u8],
    /// Where each line starts. Four bytes a line, because a file of nothing but line ends has eight million.
    starts: Vec<u32>,
}

impl<'a> Page<'a> {
    /// `bytes` is no longer than [`super::MAX_BYTES`], so offsets fit.
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        let first = if bytes.starts_with(BOM) { BOM.len() } else { 0 };
        let ends = memchr::memchr_iter(b'\n', bytes).map(|at| at + 1);
        let starts = std::iter::once(first).chain(ends).filter(|&at| at < bytes.len()).map(|at| at as u32).collect();
        Self { bytes, starts }
    }

    pub(super) fn len(&self) -> usize {
        self.starts.len()
    }

    /// Where a line starts; past the last one, the end of the file.
    pub(super) fn start(&self, line: usize) -> usize {
        self.starts.get(line).map_or(self.bytes.len(), |&at| at as usize)
    }

    fn whole(&self, line: usize) -> &'a [u8] {
        self.bytes.get(self.start(line)..self.start(line + 1)).unwrap_or_default()
    }

    /// A line without its ending.
    pub(super) fn line(&self, line: usize) -> &'a [u8] {
        let whole = self.whole(line);
        whole.get(..whole.len() - self.ending(line).len()).unwrap_or_default()
    }

    /// A line's ending: LF, CRLF, or nothing.
    pub(super) fn ending(&self, line: usize) -> &'a [u8] {
        let whole = self.whole(line);
        let length = if whole.ends_with(b"\r\n") { 2 } else { usize::from(whole.ends_with(b"\n")) };
        whole.get(whole.len() - length..).unwrap_or_default()
    }

    /// The line that a byte is in.
    pub(super) fn line_at(&self, byte: usize) -> usize {
        self.starts.partition_point(|&at| at as usize <= byte).saturating_sub(1)
    }

    /// The ending that a new line gets here: that of the line itself, else of the one before. In a file of mixed
    /// endings this is more often right than the file's majority.
    pub(super) fn style(&self, line: usize) -> &'a [u8] {
        [line, line.saturating_sub(1)].iter().map(|&at| self.ending(at)).find(|end| !end.is_empty()).unwrap_or(b"\n")
    }

    pub(super) fn lines(&self) -> impl Iterator<Item = &'a [u8]> + '_ {
        (0..self.len()).map(|line| self.line(line))
    }
}

/// The lines of a text that an edit brings, without their endings. A final line end ends the last line and starts none.
pub(super) fn lines_of(text: &str) -> Vec<&str> {
    let text = text.strip_suffix('\n').unwrap_or(text);
    text.split('\n').map(bare).collect()
}

/// A line without a CR at its end: line endings are the file's, whatever the edit's text has.
pub(super) fn bare(line: &str) -> &str {
    line.strip_suffix('\r').unwrap_or(line)
}

/// The white space that a line starts with.
pub(super) fn indent(line: &[u8]) -> &[u8] {
    let length = line.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    line.get(..length).unwrap_or_default()
}

/// What a typographic character is on a typewriter; `None` for a character that is itself.
fn typed(c: char) -> Option<&'static str> {
    Some(match c {
        '\u{2018}'..='\u{201b}' | '\u{2032}' | '\u{ff07}' => "'",
        '\u{201c}'..='\u{201f}' | '\u{2033}' | '\u{ff02}' => "\"",
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{ff0d}' => "-",
        '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => " ",
        '\u{2026}' => "...",
        _ => return None,
    })
}

/// A line with typographic punctuation made plain.
pub(super) fn plain(line: &[u8]) -> Cow<'_, [u8]> {
    if line.is_ascii() {
        return Cow::Borrowed(line);
    }
    Cow::Owned(Folded::new(line, Fold::Punctuation).text)
}

/// What a text is folded by.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Fold {
    /// CRLF becomes LF.
    Endings,
    /// CRLF becomes LF, and typographic punctuation plain.
    Punctuation,
}

/// A text made plain, with the way back.
pub(super) struct Folded {
    pub(super) text: Vec<u8>,
    /// For each byte of `text`, and for its end, where it came from; [`INSIDE`] for all but the first byte of what one
    /// character became, so that no match starts or ends within a character.
    origin: Vec<u32>,
}

const INSIDE: u32 = u32::MAX;

impl Folded {
    pub(super) fn new(bytes: &[u8], fold: Fold) -> Self {
        let mut folded = Self { text: Vec::with_capacity(bytes.len()), origin: Vec::with_capacity(bytes.len() + 1) };
        let mut at = 0;
        for chunk in bytes.utf8_chunks() {
            for c in chunk.valid().chars() {
                let end = at + c.len_utf8();
                let source = bytes.get(at..end).unwrap_or_default();
                match (fold, c, bytes.get(end)) {
                    (_, '\r', Some(b'\n')) => folded.push(b"\n", at),
                    // The LF of a CRLF went with its CR.
                    (_, '\n', _) if at > 0 && bytes.get(at - 1) == Some(&b'\r') => {}
                    (Fold::Punctuation, ..) => folded.push(typed(c).map_or(source, str::as_bytes), at),
                    (Fold::Endings, ..) => folded.push(source, at),
                }
                at = end;
            }
            for &byte in chunk.invalid() {
                folded.push(&[byte], at);
                at += 1;
            }
        }
        folded.origin.push(at as u32);
        folded
    }

    fn push(&mut self, text: &[u8], from: usize) {
        self.text.extend_from_slice(text);
        self.origin.extend((0..text.len()).map(|inside| if inside == 0 { from as u32 } else { INSIDE }));
    }

    /// The bytes that a part of `text` came from, if it starts and ends with whole characters.
    pub(super) fn source(&self, from: usize, to: usize) -> Option<(usize, usize)> {
        let back = |at: usize| self.origin.get(at).filter(|&&at| at != INSIDE).map(|&at| at as usize);
        Some((back(from)?, back(to)?))
    }
}
