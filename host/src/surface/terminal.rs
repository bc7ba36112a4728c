//! The terminal that a person sits at: what is drawn on it, and what its keys mean. What there is to show is a tree's state;
//! what is said goes back as commands.

pub mod keys;
pub mod pass;
pub mod plan;
pub mod prompt;
pub mod screen;
pub mod table;
pub mod tty;
pub mod width;
