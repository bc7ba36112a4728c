//! A key in memory, and its removal from whatever a server sends back.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use orchestra_pit_core::secret::{Redacting, Secrets, forms};

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
        if self.0.len() < SHORTEST {
            return Redactor::default();
        }
        // One key is never too many.
        Redactor(Secrets::of(forms(&self.0, SHORTEST), REMOVED).unwrap_or_default())
    }
}

/// Removes a key in plain, hexadecimal and base64 from texts.
#[derive(Clone, Default)]
pub struct Redactor(Secrets);

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Redactor(…)")
    }
}

impl Redactor {
    /// The text without the key.
    pub fn clean<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if self.is_in(text.as_bytes()) { text_of(self.0.redacted(text.as_bytes())).into() } else { text.into() }
    }

    /// Whether the key is in there.
    pub fn is_in(&self, bytes: &[u8]) -> bool {
        self.0.are_in(bytes)
    }
}

/// A text that comes in pieces, from which a key is removed although it may be split over them.
#[derive(Debug, Default)]
pub struct Stream(Redacting);

impl Stream {
    /// Takes a piece, gives what can be shown by now.
    pub fn push(&mut self, redactor: &Redactor, piece: &str) -> String {
        text_of(self.0.take(&redactor.0, piece.as_bytes()))
    }

    /// The rest, once nothing follows.
    pub fn end(&mut self, redactor: &Redactor) -> String {
        text_of(self.0.end(&redactor.0))
    }
}

/// Of a text whole characters come out.
fn text_of(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|bytes| String::from_utf8_lossy(bytes.as_bytes()).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "sk-ant-api03-Zq9/x_Kb+41";

    fn base64(bytes: &[u8]) -> String {
        const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let bits: Vec<u8> = bytes.iter().flat_map(|byte| (0..8).rev().map(move |at| byte >> at & 1)).collect();
        let digit = |six: &[u8]| (0..6).fold(0, |all, at| all << 1 | six.get(at).copied().unwrap_or(0));
        bits.chunks(6).map(|six| char::from(DIGITS[usize::from(digit(six))])).collect()
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
            shown.push_str(&stream.end(&redactor));
            assert_eq!(shown, format!("é sk-an, {REMOVED}{REMOVED} sk-ant"), "in pieces of {size}");
        }
    }

    #[test]
    fn without_a_key_nothing_is_held_back() {
        let mut stream = Stream::default();
        assert_eq!(stream.push(&Redactor::default(), "sk-"), "sk-");
    }
}
