//! How names that are no part of a workspace's path are shown: escaped, so that nobody can ask for them.

use crate::path::RepoPath;

/// A path as it is listed. What an agent can ask for is as it is; in anything else, the bytes that stand in the way are
/// `\xNN`. A backslash is never part of a path, so an escaped name is never that of another file.
pub fn escape(path: &[u8]) -> String {
    if let Ok(text) = std::str::from_utf8(path)
        && RepoPath::new(text).is_ok()
    {
        return text.to_owned();
    }
    let mut shown = String::with_capacity(path.len() + 8);
    for chunk in path.utf8_chunks() {
        for letter in chunk.valid().chars() {
            if letter.is_control() || letter == '\\' {
                let mut bytes = [0; 4];
                letter.encode_utf8(&mut bytes).bytes().for_each(|byte| push_hex(&mut shown, byte));
            } else {
                shown.push(letter);
            }
        }
        chunk.invalid().iter().for_each(|byte| push_hex(&mut shown, *byte));
    }
    if RepoPath::new(&shown).is_ok() || !shown.contains('\\') {
        // The letters are fine and the path is not: `..`, `.git`, an absolute one. One escaped letter says so.
        let first = shown.chars().next();
        let rest: String = shown.chars().skip(1).collect();
        shown.clear();
        let mut bytes = [0; 4];
        first.map_or("", |letter| letter.encode_utf8(&mut bytes)).bytes().for_each(|byte| push_hex(&mut shown, byte));
        shown.push_str(&rest);
    }
    shown
}

fn push_hex(to: &mut String, byte: u8) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    to.push_str("\\x");
    to.push(char::from(DIGITS[usize::from(byte >> 4)]));
    to.push(char::from(DIGITS[usize::from(byte & 15)]));
}

/// The bytes that [`escape`] shows so; `None` for what it never answers.
pub fn unescape(shown: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(shown.len());
    let mut rest = shown.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        if *first != b'\\' {
            bytes.push(*first);
            rest = after;
            continue;
        }
        let [b'x', high, low, after @ ..] = after else { return None };
        let digit = |b: u8| char::from(b).to_digit(16);
        bytes.push(u8::try_from(digit(*high)? * 16 + digit(*low)?).ok()?);
        rest = after;
    }
    Some(bytes)
}
