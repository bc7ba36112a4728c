//! What people and programs outside see and say: each surface turns events into words and words into commands, and decides
//! nothing. English is made here and nowhere else.

pub mod cli;
pub mod exit;
pub mod json;
pub mod last;
pub mod spec;
pub mod terminal;
pub mod words;
