//! The map.

pub mod effect;
pub mod journal;
pub mod shipped;
