//! wasmtime as one would use it without pit: the same settings, the same component, nothing around it.

use wasmtime::component::{Component, InstancePre, Linker};
use wasmtime::{Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, Store};

use crate::Result;

/// The contract's types and `run`; the imports are linked by hand, only those that a component has.
pub mod bindings {
    wasmtime::component::bindgen!({
        path: "../wit",
        world: "pit:agent/agent",
        imports: { default: async | trappable },
        exports: { default: async },
    });
}

pub use bindings::AgentPre;
pub use bindings::pit::agent as wit;

/// The settings of `guest::Engine`, which are not to be compared: both sides have pooling, copy-on-write images and one
/// call at a time.
pub fn engine() -> Result<Engine> {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_memories(1_000)
        .total_stacks(1_000)
        .total_component_instances(1_000)
        .total_core_instances(100_000)
        .total_tables(64_000)
        .max_core_instances_per_component(100)
        .max_memories_per_component(8)
        .max_tables_per_component(64)
        .max_memory_size(4 << 30)
        .table_elements(100_000)
        .linear_memory_keep_resident(64 << 10)
        .table_keep_resident(64 << 10)
        .async_stack_keep_resident(64 << 10);
    let mut config = Config::new();
    config
        .cranelift_nan_canonicalization(true)
        .concurrency_support(false)
        .epoch_interruption(true)
        .max_wasm_stack(2 << 20)
        .async_stack_size(3 << 20)
        .memory_reservation(4 << 30)
        .memory_may_move(false)
        .memory_init_cow(true)
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    Ok(Engine::new(&config)?)
}

/// A component that has the imports `link` gives it.
pub fn prepare<T: Send + 'static>(
    engine: &Engine,
    wasm: &[u8],
    link: impl FnOnce(&mut Linker<T>) -> wasmtime::Result<()>,
) -> Result<AgentPre<T>> {
    let component = Component::new(engine, wasm)?;
    let mut linker = Linker::new(engine);
    // It has types alone, and the component names it.
    linker.instance("pit:agent/types@0.1.0")?;
    link(&mut linker)?;
    let pre: InstancePre<T> = linker.instantiate_pre(&component)?;
    Ok(AgentPre::new(pre)?)
}

/// One life: an instance of its own, `run` called once. Hands back what the host kept for it.
pub async fn run<T: Send + 'static>(engine: &Engine, agent: &AgentPre<T>, state: T) -> Result<T> {
    let mut store = Store::new(engine, state);
    store.set_epoch_deadline(u64::MAX / 2);
    let instance = agent.instantiate_async(&mut store).await?;
    let task = wit::types::Task {
        goal: "greet".into(),
        criteria: Vec::new(),
        settings: Vec::new(),
        round: 1,
        feedback: Vec::new(),
        state: None,
        more: Vec::new(),
    };
    let outcome = instance.call_run(&mut store, &task).await?;
    outcome.map_err(|failure| failure.message)?;
    Ok(store.into_data())
}
