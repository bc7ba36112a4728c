//! The map.

pub mod effect;
pub mod shipped;
