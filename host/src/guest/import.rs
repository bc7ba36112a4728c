//! The contract as a guest imports it: one folder a version, all of them linked side by side.

use orchestra_pit_core::call::delegate::Task;
use wasmtime::Store;
use wasmtime::component::{Component, Linker};

use super::agent::Ended;
use super::load::LoadError;
use super::store::State;
use super::wasi;

mod v0_1;

/// A version of `pit:agent`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Contract {
    #[default]
    V0_1,
}

/// A component that has all its imports, by the version it was built against.
pub(super) enum Ready {
    V0_1(v0_1::Ready),
}

/// The package of the contract.
const PACKAGE: &str = "pit:agent/";

/// Which version an import belongs to.
pub(super) fn contract(import: &str) -> Result<Contract, LoadError> {
    let Some((name, version)) = import.strip_prefix(PACKAGE).and_then(|rest| rest.split_once('@')) else {
        return Err(LoadError::Import(import.to_owned()));
    };
    let known = v0_1::INTERFACES.contains(&name);
    match version.split('.').collect::<Vec<_>>().as_slice() {
        ["0", "1", _] if known => Ok(Contract::V0_1),
        ["0", "1", _] => Err(LoadError::Import(import.to_owned())),
        _ => Err(LoadError::Contract { name: import.to_owned(), offered: v0_1::VERSION }),
    }
}

impl Contract {
    pub(super) fn version(self) -> &'static str {
        match self {
            Self::V0_1 => v0_1::VERSION,
        }
    }

    /// Gives a component its imports, and finds its `run`.
    pub(super) fn link(self, engine: &wasmtime::Engine, component: &Component) -> Result<Ready, LoadError> {
        let mut linker = Linker::<State>::new(engine);
        // A linker each: what is hollow takes its shape from the component.
        let linked = wasi::link(&mut linker, component).and_then(|()| match self {
            Self::V0_1 => v0_1::link(&mut linker),
        });
        linked.map_err(|why| LoadError::Host(format!("the host's own imports do not fit together: {why:#}")))?;
        let ready = linker.instantiate_pre(component).and_then(|pre| match self {
            Self::V0_1 => v0_1::Ready::new(pre).map(Ready::V0_1),
        });
        ready.map_err(|why| LoadError::Types(format!("{why:#}")))
    }
}

impl Ready {
    pub(super) async fn run(&self, store: &mut Store<State>, task: Task, card: String) -> wasmtime::Result<Ended> {
        match self {
            Self::V0_1(ready) => ready.run(store, task, card).await,
        }
    }
}
