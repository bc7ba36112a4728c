//! Text from agents, models and repositories, made harmless for whoever reads it.
//!
//! A terminal obeys control characters, a reader's eye obeys bidirectional ones, and what has no width is read by
//! models and not by people. None of them is dropped: each is shown as a visible mark in its place, so that a text that
//! tried something looks like one. Every sink cleans what it shows; what is stored stays as it came.

use std::borrow::Cow;
use std::fmt::Write as _;

/// A text for one line: every control character, line ends and tabs too, and every invisible one becomes visible.
pub fn clean(text: &str) -> Cow<'_, str> {
    visible(text, |_| false)
}

/// A text of several lines: as [`clean`], but line feeds and tabs stay.
pub fn clean_lines(text: &str) -> Cow<'_, str> {
    visible(text, |c| matches!(c, '\n' | '\t'))
}

/// The start of a text, cleaned for one line and not longer than `most` characters, with `…` where it was cut.
pub fn excerpt(text: &str, most: usize) -> String {
    // A mark is up to ten characters for one, so cutting before cleaning bounds the work, and after it the width.
    let (head, cut) = match text.char_indices().nth(most) {
        Some((at, _)) => (text.get(..at).unwrap_or_default(), true),
        None => (text, false),
    };
    let cleaned = clean(head);
    if !cut && cleaned.chars().count() <= most {
        return cleaned.into_owned();
    }
    let mut short: String = cleaned.chars().take(most.saturating_sub(1)).collect();
    short.push('…');
    short
}

/// Whether a character does something to its reader instead of being read: controls, bidirectional marks, line and
/// paragraph separators, and what Unicode calls default-ignorable, which has no width and hides text from people.
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{fe00}'..='\u{fe0d}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

fn visible(text: &str, keep: impl Fn(char) -> bool) -> Cow<'_, str> {
    let hides = |c: char| is_hidden(c) && !keep(c);
    let Some(first) = text.find(hides) else { return Cow::Borrowed(text) };
    let (plain, rest) = text.split_at(first);
    let mut out = String::with_capacity(text.len() + 16);
    out.push_str(plain);
    for c in rest.chars() {
        match c {
            _ if !hides(c) => out.push(c),
            // Unicode has a picture of each of these: one character for one, so columns still line up.
            '\0'..='\x1f' => out.extend(char::from_u32(0x2400 + u32::from(c))),
            '\x7f' => out.push('␡'),
            // Writing to a string has no way to fail.
            _ => drop(write!(out, "<U+{:04X}>", u32::from(c))),
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_a_terminal_would_obey_is_shown() {
        for (raw, shown) in [
            ("\x1b[2J\x1b[1;1Happrove?", "␛[2J␛[1;1Happrove?"),
            ("\x1b]52;c;cm0gLXJm\x07", "␛]52;c;cm0gLXJm␇"),
            ("\x1b]8;;https://evil.example\x1b\\docs\x1b]8;;\x1b\\", "␛]8;;https://evil.example␛\\docs␛]8;;␛\\"),
            ("\u{9b}2J", "<U+009B>2J"),
            ("done\rrefused", "done␍refused"),
            ("ab\x08\x08\x7f", "ab␈␈␡"),
            ("a\nb\tc", "a␊b␉c"),
        ] {
            assert_eq!(clean(raw), shown);
        }
    }

    #[test]
    fn what_an_eye_would_not_see_is_shown() {
        for (raw, shown) in [
            ("user\u{202e}txt.exe", "user<U+202E>txt.exe"),
            ("\u{2066}if admin\u{2069}", "<U+2066>if admin<U+2069>"),
            ("pass\u{200b}word", "pass<U+200B>word"),
            ("\u{feff}x\u{2060}", "<U+FEFF>x<U+2060>"),
            ("hi\u{e0049}\u{e0067}", "hi<U+E0049><U+E0067>"),
            ("a\u{2028}b", "a<U+2028>b"),
            ("soft\u{ad}hyphen", "soft<U+00AD>hyphen"),
        ] {
            assert_eq!(clean(raw), shown);
            assert_eq!(clean_lines(raw), shown);
        }
    }

    #[test]
    fn honest_text_is_not_touched_nor_copied() {
        for text in ["plain", "Grüße, 日本語, עברית, العربية", "emoji ✔️ 🚀", "\u{fffd}", "e\u{301}"]
        {
            assert!(matches!(clean(text), Cow::Borrowed(same) if same == text), "{text}");
        }
        assert!(matches!(clean_lines("fn a() {\n\tb\n}\n"), Cow::Borrowed(_)));
        assert_eq!(clean_lines("a\r\nb\x1b"), "a␍\nb␛");
    }

    #[test]
    fn an_excerpt_is_as_short_as_it_was_asked_to_be() {
        assert_eq!(excerpt("short", 5), "short");
        assert_eq!(excerpt("longer", 5), "long…");
        assert_eq!(excerpt("a\nb", 5), "a␊b");
        assert_eq!(excerpt("\u{202e}\u{202e}", 5), "<U+2…");
        assert_eq!(excerpt("x", 0), "…");
    }

    proptest! {
        #[test]
        fn nothing_hidden_is_left(text in "\\PC*|[\\x00-\\x{ff}\\u{2000}-\\u{2070}\\u{e0000}-\\u{e0080}]*") {
            prop_assert!(!clean(&text).chars().any(is_hidden));
            prop_assert!(!clean_lines(&text).chars().any(|c| is_hidden(c) && c != '\n' && c != '\t'));
            prop_assert_eq!(clean(&clean(&text)).into_owned(), clean(&text).into_owned());
        }
    }
}
