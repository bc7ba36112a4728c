//! The map.

pub mod effect;
