//! The only code that touches the world for an agent: one file a noun.
//!
//! An effect acts on what the gate has let through. It sees ids, never grants, rules or ledgers, and decides nothing by
//! who asked.

pub mod model;
pub mod store;
pub mod vcs;
pub mod workspace;
