//! What comes from a keyboard: bytes taken apart into keys, and a line that is being typed.

/// A key, as far as anything here depends on it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Key {
    /// A character.
    Char(char),
    /// Enter.
    Enter,
    /// Backspace.
    Back,
    /// Escape alone.
    Escape,
    /// Control and `u`: the line is wiped.
    Wipe,
    /// Control and `w`: the last word is wiped.
    WipeWord,
    /// An arrow, a function key, another control character.
    Other,
}

/// Takes bytes apart; what is cut off in the middle of a character waits for the rest.
#[derive(Debug, Default)]
pub struct Keys {
    rest: Vec<u8>,
}

impl Keys {
    /// The keys of what was read.
    pub fn take(&mut self, bytes: &[u8]) -> Vec<Key> {
        self.rest.extend_from_slice(bytes);
        let mut keys = Vec::new();
        let mut at = 0;
        while let Some((key, length)) = self.rest.get(at..).and_then(next) {
            keys.push(key);
            at += length;
        }
        self.rest.drain(..at);
        keys
    }

    /// Forgets what waits for its rest.
    pub fn forget(&mut self) {
        self.rest.clear();
    }
}

/// The first key and how many bytes it is; none if there is none, or not all of it.
fn next(bytes: &[u8]) -> Option<(Key, usize)> {
    let first = *bytes.first()?;
    Some(match first {
        b'\r' | b'\n' => (Key::Enter, 1),
        0x08 | 0x7f => (Key::Back, 1),
        0x15 => (Key::Wipe, 1),
        0x17 => (Key::WipeWord, 1),
        0x1b => escape(bytes),
        0..0x20 => (Key::Other, 1),
        0x20..0x80 => (Key::Char(char::from(first)), 1),
        _ => {
            let length = match first {
                0xc2..=0xdf => 2,
                0xe0..=0xef => 3,
                0xf0..=0xf4 => 4,
                _ => return Some((Key::Other, 1)),
            };
            match bytes.get(..length).map(std::str::from_utf8) {
                Some(Ok(text)) => (Key::Char(text.chars().next()?), length),
                Some(Err(_)) => (Key::Other, 1),
                None => return None,
            }
        }
    })
}

/// A terminal sends the bytes of a special key together, so an escape with nothing behind it is the key itself.
fn escape(bytes: &[u8]) -> (Key, usize) {
    match bytes.get(1) {
        None => (Key::Escape, 1),
        Some(b'[' | b'O') => {
            let end = bytes.iter().skip(2).position(|byte| (0x40..0x7f).contains(byte));
            (Key::Other, end.map_or(bytes.len(), |end| end + 3))
        }
        Some(0x1b) => (Key::Escape, 1),
        Some(_) => (Key::Other, 2),
    }
}

/// Characters of an answer: far more than a person types, and no burden to an agent's memory.
const MOST: usize = 20_000;

/// A line that is being typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// What it has so far.
    pub text: String,
}

impl Line {
    /// Takes a key. Comes back with the line when it is done.
    pub fn key(&mut self, key: Key) -> Option<String> {
        match key {
            Key::Char(c) if self.text.len() < MOST => self.text.push(c),
            Key::Back => drop(self.text.pop()),
            Key::Wipe => self.text.clear(),
            Key::WipeWord => {
                let kept = self.text.trim_end().rfind(' ').map_or(0, |at| at + 1);
                self.text.truncate(kept);
            }
            Key::Enter => return Some(self.text.trim().to_owned()),
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_become_keys() {
        let mut keys = Keys::default();
        assert_eq!(keys.take(b"yN\r\n"), [Key::Char('y'), Key::Char('N'), Key::Enter, Key::Enter]);
        assert_eq!(keys.take("ü漢".as_bytes()), [Key::Char('ü'), Key::Char('漢')]);
        assert_eq!(keys.take(b"\x1b[A\x1b[15~y\x1bOP"), [Key::Other, Key::Other, Key::Char('y'), Key::Other]);
        assert_eq!(keys.take(b"\x1b"), [Key::Escape]);
        assert_eq!(keys.take(b"\x7f\x15\x17\x01\xff"), [Key::Back, Key::Wipe, Key::WipeWord, Key::Other, Key::Other]);
    }

    #[test]
    fn a_character_may_come_in_pieces() {
        let mut keys = Keys::default();
        assert_eq!(keys.take(&[0xe6]), []);
        assert_eq!(keys.take(&[0xbc, 0xa2, b'y']), [Key::Char('漢'), Key::Char('y')]);
    }

    #[test]
    fn a_line_can_be_changed_until_enter() {
        let mut line = Line::default();
        for key in Keys::default().take("not  nowx\x7f".as_bytes()) {
            assert_eq!(line.key(key), None);
        }
        assert_eq!(line.text, "not  now");
        line.key(Key::WipeWord);
        assert_eq!(line.text, "not  ");
        assert_eq!(line.key(Key::Enter), Some("not".to_owned()));
        line.key(Key::Wipe);
        assert_eq!(line.key(Key::Enter), Some(String::new()));
    }
}
