//! An agent's code at work: wasmtime and nothing but wasmtime.
//!
//! An [`Engine`] turns a component's bytes into an [`Agent`], and [`Agent::run`] is one life of it: a fresh instance
//! that can do nothing but call its [`Door`]. What may be done, what it costs and what is remembered is behind that
//! door, and this module cannot name it.
//!
//! A guest sees its bytes, its task, and answers. Time, randomness and standard streams derive from these
//! (`wasi/`), limits are its own numbers ([`Limits`]), and what ends a life for the host's reasons ends it without a
//! word to the guest: the same start and the same answers make the same calls, in this life and in every later one.

mod agent;
mod cache;
mod check;
mod compile;
mod engine;
mod hatch;
mod import;
mod limits;
mod load;
mod store;
mod ticker;
mod wasi;

#[cfg(test)]
mod tests;

use orchestra_pit_core::call::{Answer, Call};
use orchestra_pit_core::time::Time;

/// Whether a component is one that could be run here, without compiling it: its form, its size, what it imports.
///
/// # Errors
/// Why it could not.
pub fn look_over(component: &[u8]) -> Result<(), LoadError> {
    check::check(component).map(drop)
}

pub use agent::{Agent, Broken, Ended, Start, Why};
pub use cache::Places;
pub use compile::{COMPILE, Compiler, compile_child};
pub use engine::Engine;

pub use limits::{Limits, Pool};
pub use load::{Form, LoadError};

/// What a guest's imports call. Each call of a life comes one after the other.
///
/// Dropping the future drops only the waiting: the guest it belongs to is gone.
pub trait Door: Send + Sync + 'static {
    /// Takes one call and comes back with what the guest is told, or with the end of its life.
    fn pass(&self, call: Call) -> impl Future<Output = Passed> + Send;
}

impl<D: Door> Door for std::sync::Arc<D> {
    fn pass(&self, call: Call) -> impl Future<Output = Passed> + Send {
        D::pass(self, call)
    }
}

/// What becomes of a call.
#[derive(Clone, Debug)]
pub enum Passed {
    /// The guest is told this. The time is the answer's own, and the guest's clock from here on.
    Answer(Answer, Time),
    /// The guest is told nothing: this life of it ends here.
    EndLife(LifeEnd),
}

/// Why the host ended a life. The run may have another.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{code}: {message}")]
pub struct LifeEnd {
    /// A word for programs, from whoever ended it; `host-fault` is this module's own.
    pub code: &'static str,
    /// For people.
    pub message: String,
}

impl LifeEnd {
    /// The host could not keep its side: it ran out of memory, or an answer did not fit its call.
    pub const HOST_FAULT: &'static str = "host-fault";

    /// With a code and a message.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    pub(crate) fn fault(message: impl Into<String>) -> Self {
        Self::new(Self::HOST_FAULT, message)
    }
}
