//! A key in memory, and its removal from whatever a server sends back.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// A key. It can be shown nowhere: `Debug` does not know it, there is no `Display`, and it is not serializable.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Arc<str>);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Shorter keys are not looked for: they would be found in innocent text, and no provider has such.
const SHORTEST: usize = 8;

const REMOVED: &str = "[key removed]";

impl Secret {
    /// Takes a key, without the line's end that files and commands put after it.
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        let printable = text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
        (!text.is_empty() && printable).then(|| Self(text.into()))
    }

    /// The key itself, for the one header it goes into.
    pub(super) fn expose(&self) -> &str {
        &self.0
    }

    /// What removes the key from texts.
    pub fn redactor(&self) -> Redactor {
        let key = self.0.as_bytes();
        if key.len() < SHORTEST {
            return Redactor::default();
        }
        let hex: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
        let mut needles = vec![self.0.to_string(), hex.to_uppercase(), hex];
        for offset in 0..3 {
            let inside = base64_inside(key, offset);
            needles.push(inside.replace('+', "-").replace('/', "_"));
            needles.push(inside);
        }
        needles.retain(|needle| needle.len() >= SHORTEST);
        // The longest first, so that none is broken up by another.
        needles.sort_by_key(|needle| std::cmp::Reverse(needle.len()));
        needles.dedup();
        Redactor { needles: needles.into() }
    }
}

/// The characters of a text's base64 that depend on this key alone, when it begins at `offset` of a group of three.
fn base64_inside(key: &[u8], offset: usize) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bits = |at: usize| {
        let byte = at.checked_sub(offset).and_then(|at| key.get(at)).copied();
        u32::from(byte.unwrap_or(0))
    };
    let first = (offset * 8).div_ceil(6);
    let last = (offset + key.len()) * 8 / 6;
    let digit = |at: usize| {
        let (byte, shift) = (at * 6 / 8, 10 - at * 6 % 8);
        let pair = bits(byte) << 8 | bits(byte + 1);
        DIGITS.get((pair >> shift & 63) as usize).map_or('=', |digit| char::from(*digit))
    };
    (first..last).map(digit).collect()
}

/// Removes a key in plain, hexadecimal and base64 from texts.
#[derive(Clone, Default)]
pub struct Redactor {
    needles: Arc<[String]>,
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Redactor(…)")
    }
}

impl Redactor {
    /// The text without the key.
    pub fn clean<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut text = Cow::from(text);
        for needle in self.needles.iter() {
            if text.contains(needle.as_str()) {
                text = text.replace(needle.as_str(), REMOVED).into();
            }
        }
        text
    }

    /// Whether the key is in there.
    pub fn is_in(&self, bytes: &[u8]) -> bool {
        let text = String::from_utf8_lossy(bytes);
        self.needles.iter().any(|needle| text.contains(needle.as_str()))
    }

    /// Bytes at the end of a text that may be the beginning of a key.
    fn held(&self, text: &str) -> usize {
        let longest = |needle: &String| {
            let most = text.len().min(needle.len() - 1);
            (1..=most).rev().find(|len| text.as_bytes().ends_with(&needle.as_bytes()[..*len])).unwrap_or(0)
        };
        self.needles.iter().map(longest).max().unwrap_or(0)
    }
}

/// A text that comes in pieces, from which a key is removed although it may be split over them.
#[derive(Debug, Default)]
pub struct Stream {
    held: String,
}

impl Stream {
    /// Takes a piece, gives what can be shown by now.
    pub fn push(&mut self, redactor: &Redactor, piece: &str) -> String {
        self.held.push_str(piece);
        let mut clean = redactor.clean(&self.held).into_owned();
        let held = redactor.held(&clean);
        // Keys are ASCII, so what is held begins at a character.
        self.held = clean.split_off(clean.len() - held);
        clean
    }

    /// The rest, once nothing follows.
    pub fn end(&mut self) -> String {
        std::mem::take(&mut self.held)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "sk-ant-api03-Zq9/x_Kb+41";

    fn base64(bytes: &[u8]) -> String {
        let padded = base64_inside(&[bytes, &[0, 0]].concat(), 0);
        padded[..(bytes.len() * 8).div_ceil(6)].to_owned()
    }

    #[test]
    fn a_key_is_shown_by_nothing() {
        let secret = Secret::new(&format!("{KEY}\n")).unwrap();
        assert_eq!(secret.expose(), KEY);
        assert_eq!(format!("{secret:?} {:?}", secret.redactor()), "Secret(…) Redactor(…)");
        assert_eq!(Secret::new(" \n"), None);
        assert_eq!(Secret::new("a\nb"), None);
    }

    #[test]
    fn a_key_is_removed_in_every_form_and_place() {
        assert_eq!(base64(b"any carnal pleas"), "YW55IGNhcm5hbCBwbGVhcw");
        let redactor = Secret::new(KEY).unwrap().redactor();
        let hex: String = KEY.bytes().map(|byte| format!("{byte:02X}")).collect();
        let mut forms = vec![KEY.to_owned(), hex.to_lowercase(), hex, format!("Bearer {KEY}!")];
        for before in ["", "x", "xy", "xyz"] {
            forms.push(base64(format!("{before}{KEY}").as_bytes()));
            forms.push(base64(format!("{before}{KEY}, and more").as_bytes()).replace('/', "_").replace('+', "-"));
        }
        for form in forms {
            let text = format!("bad key {form} given");
            let clean = redactor.clean(&text);
            assert!(clean.contains(REMOVED), "{form}: {clean}");
            assert!(!clean.contains("Zq9"), "{clean}");
            assert!(redactor.is_in(text.as_bytes()));
        }
        assert_eq!(redactor.clean("nothing here"), "nothing here");
    }

    #[test]
    fn a_key_split_over_pieces_is_removed() {
        let redactor = Secret::new(KEY).unwrap().redactor();
        let text = format!("é sk-an, {KEY}{KEY} sk-ant");
        for size in 1..12 {
            let mut stream = Stream::default();
            let chars: Vec<char> = text.chars().collect();
            let pieces = chars.chunks(size).map(|piece| piece.iter().collect::<String>());
            let mut shown: String = pieces.map(|piece| stream.push(&redactor, &piece)).collect();
            shown.push_str(&stream.end());
            assert_eq!(shown, format!("é sk-an, {REMOVED}{REMOVED} sk-ant"), "in pieces of {size}");
        }
    }

    #[test]
    fn without_a_key_nothing_is_held_back() {
        let mut stream = Stream::default();
        assert_eq!(stream.push(&Redactor::default(), "sk-"), "sk-");
    }
}
