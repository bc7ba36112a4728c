//! The map.

pub mod config;
pub mod effect;
pub mod journal;
pub mod shipped;
