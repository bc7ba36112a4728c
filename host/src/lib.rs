//! Orchestra Pit: teams of AI agents that nobody has to trust.
//!
//! > An agent **calls**; the **gate** asks **policy**, takes from the **budget**, writes the **journal**, and only then lets
//! > the **effect** happen.
//!
//! In reading order: [`gate`] is the one door. Policy and budget are in `orchestra-pit-core`, which knows no world.
//! [`journal`] keeps what is about to happen and what came of it; [`effect`] touches the world, one file a noun. [`guest`]
//! is wasmtime and nothing else. [`run`] is an agent's life and the tree of runs it belongs to. [`surface`] is what people
//! see. [`config`] is what they wrote, and what it settles. [`assemble`] puts it together.

pub mod assemble;
pub mod config;
pub mod effect;
pub mod gate;
pub mod guest;
pub mod journal;
pub mod run;
pub mod shipped;
pub mod surface;

/// The contract that this host's guests are built for.
pub const CONTRACT: &str = "pit:agent@0.1.0";
