//! `pit:agent@0.1`: each import is WIT values to a [`Call`], the door, and the answer back.
//!
//! What cannot be a call (a path that leaves the workspace, a temperature that is no number) goes to the door as what
//! it is, so that it is journalled and seen like any other; the conversions are one file a noun.

use orchestra_pit_core::call::{self, Call, Error, Value};
use wasmtime::Store;
use wasmtime::component::{HasSelf, InstancePre, Linker};

use super::super::agent::Ended;
use super::super::store::State;
use orchestra_pit_core::call::delegate::Task;

mod board;
mod delegate;
mod exec;
mod human;
mod log;
mod model;
mod types;
mod vcs;
mod workspace;

mod bindings {
    wasmtime::component::bindgen!({
        path: "../wit",
        world: "pit:agent/agent",
        imports: { default: async | trappable },
        exports: { default: async },
    });
}

use bindings::pit::agent as wit;

/// The version that is offered; those before it in the same line link to it.
pub(super) const VERSION: &str = "0.1.0";

/// What the world imports.
pub(super) const INTERFACES: &[&str] =
    &["board", "delegate", "exec", "human", "log", "model", "types", "vcs", "workspace"];

/// What an import comes back with: an answer for the guest, or the end of its life.
type Told<T> = wasmtime::Result<Result<T, wit::types::Error>>;

/// A component of this version that has all its imports.
pub(in super::super) struct Ready(bindings::AgentPre<State>);

/// Offers the contract's imports.
pub(super) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    bindings::Agent::add_to_linker::<State, HasSelf<State>>(linker, |state| state)
}

impl Ready {
    pub(super) fn new(pre: InstancePre<State>) -> wasmtime::Result<Self> {
        bindings::AgentPre::new(pre).map(Self)
    }

    pub(super) async fn run(&self, store: &mut Store<State>, task: Task, card: String) -> wasmtime::Result<Ended> {
        let agent = self.0.instantiate_async(&mut *store).await?;
        let mut task = wit::types::Task::from(task);
        if !card.is_empty() {
            task.more.push(("card".to_owned(), card));
        }
        let outcome = agent.call_run(store, &task).await?;
        Ok(types::ended(outcome))
    }
}

impl State {
    /// [`State::ask`], with the error in this version's words.
    async fn tell<T>(
        &mut self,
        function: &'static str,
        call: Result<Call, Error>,
        answer: impl FnOnce(Value) -> Option<T>,
    ) -> Told<T> {
        Ok(self.ask(function, call, answer).await?.map_err(Into::into))
    }
}

/// The answer of functions that have none.
fn done(value: Value) -> Option<()> {
    (value == Value::Done).then_some(())
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(call::ErrorKind::Invalid, message)
}

fn not_found(message: impl Into<String>) -> Error {
    Error::new(call::ErrorKind::NotFound, message)
}
