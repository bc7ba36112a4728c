//! Write an agent for Orchestra Pit in Rust.
//!
//! An agent is a type with one function. It can do nothing but call the modules of this crate, one for each noun of
//! the contract; each call is judged, paid for and written down by the host before it has any effect.
//!
//! ```ignore
//! use orchestra_pit_sdk::{agent, workspace, Agent, Failure, Outcome, Report, Task};
//!
//! struct Counter;
//!
//! impl Agent for Counter {
//!     fn run(_task: Task) -> Result<Outcome, Failure> {
//!         let files = workspace::list_all("**")?;
//!         Ok(Report::new(format!("{} files", files.len())).into())
//!     }
//! }
//!
//! agent!(Counter);
//! ```
//!
//! Build it as a `cdylib` for `wasm32-wasip2`. What it asks for stands in `agent.toml` beside its `Cargo.toml`.
//!
//! The reference for every call, what it costs and what it may refuse, is the documentation of the functions here.
//! Nothing in this crate decides anything: the little it adds is names, defaults and reading page by page.

#[doc(hidden)]
pub mod bindings;

pub mod board;
pub mod delegate;
mod error;
pub mod exec;
pub mod human;
pub mod log;
pub mod model;
mod task;
pub mod vcs;
pub mod workspace;

pub use error::{Error, Result};
pub use task::{Criterion, Evidence, Failure, More, Outcome, Report, Task};

/// What an agent is: one function, called once in a life of the agent.
pub trait Agent {
    /// Does one task.
    ///
    /// [`Outcome::Done`] and a [`Failure`] both end the run and keep its branch. [`Outcome::Again`] starts the agent
    /// anew with fresh memory and the given state in `task.state`: the same run, with the same workspace, grants and budget.
    fn run(task: Task) -> std::result::Result<Outcome, Failure>;
}

/// Makes a type that implements [`Agent`] the agent of this component. Said once a crate.
#[macro_export]
macro_rules! agent {
    ($agent:ty) => {
        const _: () = {
            type Exported = $crate::Export<$agent>;
    $crate::bindings::export!(Exported with_types_in $crate::bindings);
        };
    };
}

/// Carries an [`Agent`] over to the generated export; [`agent!`] names it, nobody else needs to.
#[doc(hidden)]
pub struct Export<A>(std::marker::PhantomData<A>);

impl<A: Agent> bindings::Guest for Export<A> {
    fn run(task: Task) -> std::result::Result<Outcome, Failure> {
        A::run(task)
    }
}
