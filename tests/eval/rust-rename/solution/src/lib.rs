//! Texts and how long they are.

pub mod report;

/// A text.
pub struct Text(pub String);

impl Text {
    /// Its length in bytes.
    pub fn byte_len(&self) -> usize {
        self.0.len()
    }

    /// Its length in characters.
    pub fn char_len(&self) -> usize {
        self.0.chars().count()
    }
}
