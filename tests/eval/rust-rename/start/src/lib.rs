//! Texts and their sizes.

pub mod report;

/// A text.
pub struct Text(pub String);

impl Text {
    /// Its size in bytes.
    pub fn size(&self) -> usize {
        self.0.len()
    }
}
