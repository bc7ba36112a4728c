//! Addresses of pages.

/// A title as a part of an address.
pub fn slug(title: &str) -> String {
    title.chars().map(|c| if c.is_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect()
}
