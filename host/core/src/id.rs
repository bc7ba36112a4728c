//! Names that machines give: run ids, hashes, and the ids derived from them.

use std::fmt;

use serde::{Deserialize, Serialize, de::Error as _};
use sha2::{Digest as _, Sha256};

/// Declares a fixed-size id written as lower-case hex in text and in records.
macro_rules! id_type {
    ($(#[$doc:meta])* $name:ident, $len:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub [u8; $len]);

        impl $name {
            /// Reads the full hex form; anything else is `None`.
            pub fn parse(text: &str) -> Option<Self> {
                let mut bytes = [0; $len];
                (text.len() == 2 * $len).then_some(())?;
                for (at, byte) in bytes.iter_mut().enumerate() {
                    let digits = text.get(2 * at..2 * at + 2)?;
                    if !digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
                        return None;
                    }
                    *byte = u8::from_str_radix(digits, 16).ok()?;
                }
                Some(Self(bytes))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                // By hand, because ids are written several times for every call, and `{:02x}` takes fifty times as long.
                const DIGITS: &[u8; 16] = b"0123456789abcdef";
                let mut text = [0; 2 * $len];
                for (pair, byte) in text.chunks_exact_mut(2).zip(self.0) {
                    pair.copy_from_slice(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
                }
                f.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<str>::deserialize(from)?;
                Self::parse(&text).ok_or_else(|| D::Error::custom(concat!("not a ", stringify!($name))))
            }
        }
    };
}

id_type! {
    /// A run of one agent. A tree of runs is named by the id of its first.
    RunId, 16
}
id_type! {
    /// A SHA-256.
    Hash, 32
}
id_type! {
    /// A git object's id. SHA-1: other repositories are refused when they are opened.
    Oid, 20
}

impl RunId {
    /// The id of the child that call `seq` of run `self` starts: the same however often the call is made.
    pub fn child(&self, seq: u64) -> Self {
        let hash = Hash::of_parts(&[b"pit child", &self.0, &seq.to_be_bytes()]);
        let mut id = [0; 16];
        id.copy_from_slice(&hash.0[..16]);
        Self(id)
    }

    /// The first eight digits, for people.
    pub fn short(&self) -> String {
        self.to_string()[..8].to_owned()
    }
}

impl Hash {
    /// All zeros: what the first record of a chain follows.
    pub const NONE: Self = Self([0; 32]);

    /// The SHA-256 of some bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The SHA-256 of several parts, each preceded by its length, so that no two lists of parts hash alike.
    pub fn of_parts(parts: &[&[u8]]) -> Self {
        let mut hasher = Sha256::new();
        for part in parts {
            hasher.update((part.len() as u64).to_be_bytes());
            hasher.update(part);
        }
        Self(hasher.finalize().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_survive_text_and_refuse_anything_else() {
        let id = RunId([0xab; 16]);
        assert_eq!(RunId::parse(&id.to_string()), Some(id));
        for bad in ["", "ab", &"g".repeat(32), &"AB".repeat(16), &"é".repeat(16), &"+1".repeat(16)] {
            assert_eq!(RunId::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_child_id_depends_on_parent_and_call() {
        let parent = RunId([1; 16]);
        assert_eq!(parent.child(3), parent.child(3));
        assert_ne!(parent.child(3), parent.child(4));
        assert_ne!(parent.child(3), RunId([2; 16]).child(3));
    }

    #[test]
    fn parts_cannot_be_shifted() {
        assert_ne!(Hash::of_parts(&[b"ab", b"c"]), Hash::of_parts(&[b"a", b"bc"]));
    }
}
