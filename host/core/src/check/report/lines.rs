//! Small things that all readers need: plain lines, numbers, and the words by which errors are known.

use std::borrow::Cow;

use super::How;

/// A text without terminal escapes and carriage returns before line ends. Runners colour their marks when told to.
pub fn plain(text: &str) -> Cow<'_, str> {
    if !text.contains(['\x1b', '\r']) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\x1b' if rest.peek() == Some(&'[') => {
                rest.next();
                // Parameters and intermediates, then one final byte; a line end is no part of any of them.
                while rest.next_if(|c| matches!(c, '\x20'..='\x3f')).is_some() {}
                rest.next_if(|c| matches!(c, '\x40'..='\x7e'));
            }
            '\x1b' => {}
            '\r' if rest.peek() == Some(&'\n') => {}
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// The number at the start of a text, and what follows it.
pub(super) fn number(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at_checked(end)?;
    Some((digits.parse().ok()?, rest))
}

/// `3 failed, 2 passed`: the counts and their words, whatever separates them.
pub(super) fn counts<'a>(text: &'a str, separator: &str) -> Option<Vec<(u64, &'a str)>> {
    let one = |part: &'a str| {
        let (count, word) = number(part.trim())?;
        Some((count, word.trim()))
    };
    text.split(separator).map(one).collect()
}

/// The number that a list of counts gives a word; 0 if it gives none.
pub(super) fn of(counts: &[(u64, &str)], words: &[&str]) -> u64 {
    let of = counts.iter().filter(|(_, word)| words.contains(word)).map(|(count, _)| *count);
    of.fold(0, u64::saturating_add)
}

/// What made a test fail, by the line that names the error: `AssertionError: …`, `NameError: …`, `expect(received)…`.
pub(super) fn how(line: &str) -> How {
    let line = line.trim();
    let first = line.split([':', '(', ' ', '[']).next().unwrap_or_default();
    let name = first.rsplit('.').next().unwrap_or_default();
    let asserts = [
        "AssertionError",
        "AssertionFailedError",
        "ComparisonFailure",
        "MultipleFailuresError",
        "AssertJMultipleFailuresError",
        "SoftAssertionError",
        "ConditionNotSatisfiedError",
        "SpockComparisonFailure",
        "assert",
        "expect",
        "Failed",
        "Assertion",
    ];
    if asserts.contains(&name) || line.starts_with("Error: expect(") {
        How::Assertion
    } else if !name.is_empty() && (name.ends_with("Error") || name.ends_with("Exception")) {
        How::Error
    } else {
        How::Unsaid
    }
}
