//! What people and programs outside see and say: each surface turns events into words and words into commands, and decides
//! nothing. English is made here and nowhere else.

// They panic when the reader has gone away; `cli/out.rs` does not.
#![deny(clippy::print_stdout, clippy::print_stderr)]

pub mod cli;
pub mod exit;
pub mod json;
pub mod last;
pub mod spec;
pub mod terminal;
pub mod words;
