//! What is said of texts.

use super::Text;

/// One line on a text.
pub fn line(text: &Text) -> String {
    format!("{} bytes", text.byte_len())
}
