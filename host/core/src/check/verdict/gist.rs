//! What an output says, without what differs from run to run.

use crate::id::Hash;

/// An output without times, places and empty lines, in no order: what fails twice in the same way says the same but for these,
/// and for what of its two streams, or of several at work, came first. Numbers that count or name something stay.
pub fn gist(output: &str) -> Hash {
    let lines = output.lines().map(str::trim).filter(|line| !line.is_empty());
    let mut lines: Vec<String> = lines.map(without_numbers_of_one_run).collect();
    lines.sort();
    Hash::of(lines.join("\n").as_bytes())
}

/// A line without its numbers but those that stand by themselves and are small, as in `3 tests failed` and `1/7`, and those
/// that belong to a name, as in `test_1` and `issue-12`: an address, a port, a process, the place in a file and a time are of
/// one run.
fn without_numbers_of_one_run(line: &str) -> String {
    let (mut kept, mut rest) = (String::with_capacity(line.len()), line);
    while let Some(from) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, number) = rest.split_at(from);
        kept.push_str(before);
        let (number, after) = number.split_at(number.find(|c: char| !c.is_ascii_digit()).unwrap_or(number.len()));
        let left = line.get(..line.len() - after.len() - number.len()).unwrap_or_default();
        // Rust tells of a thread by its name and its number.
        let of_thread = kept.ends_with("' (");
        if number.len() <= 4 && !of_thread && (counts(left, after) || names(left, number, after)) {
            kept.push_str(number);
        }
        rest = after;
    }
    kept + rest
}

/// Whether a number between these stands by itself, and is no time.
fn counts(left: &str, after: &str) -> bool {
    const UNITS: &[&str] = &["s", "ms", "us", "\u{b5}s", "ns", "m", "h", "min", "mins"];
    let word = after.trim_start().split(|c: char| !c.is_alphabetic()).next().unwrap_or_default();
    let time = UNITS.contains(&word) || ["sec", "minute", "milli", "hour"].iter().any(|unit| word.starts_with(unit));
    let mut left = left.chars().rev();
    let begins = match left.next() {
        Some('/') => left.next().is_some_and(|c| c.is_ascii_digit()),
        Some(c) => !c.is_alphanumeric() && !".:_-+@#".contains(c),
        None => true,
    };
    begins && !time && ends(after)
}

/// Whether nothing of a larger number, a place or a date follows.
fn ends(after: &str) -> bool {
    let mut right = after.chars();
    match right.next() {
        Some('.') => !right.next().is_some_and(|c| c.is_ascii_digit()),
        Some(c) => !c.is_alphanumeric() && !":_-".contains(c),
        None => true,
    }
}

/// Whether a number is part of a name: after a letter or `_`, or after `-` or `#` that follow one. What looks drawn, as an
/// address, a digest or a temporary file, is none.
fn names(left: &str, number: &str, after: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric();
    let head = left.rsplit(|c| !is_word(c)).next().unwrap_or_default();
    let tail = after.split(|c| !is_word(c)).next().unwrap_or_default();
    let word = format!("{head}{number}{tail}");
    let hex = word.len() >= 6 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let turns = word.as_bytes().windows(2).filter(|two| two[0].is_ascii_digit() != two[1].is_ascii_digit()).count();
    let path = left.rsplit(char::is_whitespace).next().unwrap_or_default();
    if hex || turns >= 3 || word.starts_with("0x") || path.contains("/tmp/") {
        return false;
    }
    let mut left = left.chars().rev();
    match left.next() {
        Some('_') => true,
        Some('-' | '#') => left.next().is_some_and(|c| c.is_ascii_alphabetic() || c.is_whitespace()) && ends(after),
        Some(c) => c.is_ascii_alphabetic() && head.starts_with(|c: char| c.is_ascii_alphabetic()),
        None => false,
    }
}
