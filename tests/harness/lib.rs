//! The harness: what the tests of the whole program stand on.

#![expect(clippy::disallowed_methods, reason = "tests read and write files, and start programs")]

pub mod guests;
mod stage;

pub use guests::path as guest;
pub use stage::{Attended, LIBRARY, Said, Stage, pit};
