//! Counts things.

/// Adds one.
pub fn more(n: u32) -> u32 {
    n.saturating_add(1)
}
