//! The map.

pub mod config;
pub mod effect;
pub mod guest;
pub mod journal;
pub mod shipped;
