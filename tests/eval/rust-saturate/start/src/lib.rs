//! Counts things.

/// Adds one.
pub fn more(n: u32) -> u32 {
    n + 1
}
