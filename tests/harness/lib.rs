//! The harness: what the tests of the whole program stand on.

#![expect(clippy::disallowed_methods, reason = "tests read and write files, and start programs")]

pub mod guests;
mod stage;
mod terminal;

pub use guests::path as guest;
pub use stage::{LIBRARY, Said, Stage, pit};
pub use terminal::Attended;
