//! wasmtime set up so that a run can be repeated, and the way from a component's bytes to an [`Agent`].

#![expect(clippy::disallowed_methods, reason = "takes machine code in, once it is known to be ours")]

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use orchestra_pit_core::id::Hash;
use tokio::sync::Semaphore;
use wasmtime::component::Component;
use wasmtime::{Config, InstanceAllocationStrategy, PoolingAllocationConfig};

use super::agent::{Agent, Loaded};
use super::cache::{Cache, Places};
use super::check::check;
use super::compile::{Compiled, Compiler};
use super::limits::{Limits, Pool};
use super::load::LoadError;
use super::ticker::Ticker;

/// Bytes of stack for the guest's code. An interpreter needs several native frames for each of the guest's own calls:
/// CPython's limit of 1,000 calls fits.
const GUEST_STACK: usize = 2 << 20;
/// Bytes of stack below it for the host's own code, which runs there when the guest calls.
const HOST_STACK: usize = 1 << 20;
/// Bytes of addresses set aside for each memory: all that 32 bits reach, so that no access needs a check.
const RESERVATION: u64 = 4 << 30;
/// Bytes of a memory and of a stack that are wiped rather than given back, which is cheaper for what every life touches.
const KEEP_RESIDENT: usize = 64 << 10;
/// Compilations at once: one bomb must not keep everybody else's agent waiting until its time is up.
const COMPILERS: usize = 2;

/// Compiles agents and gives them room to run. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    shared: Arc<Shared>,
}

pub(super) struct Shared {
    pub engine: wasmtime::Engine,
    /// The largest agent that there is room for.
    pub most: Limits,
    /// Counts for the guests' deadlines.
    pub ticker: Ticker,
    /// One permit a memory of the pool.
    pub room: Semaphore,
    compiler: Compiler,
    compilations: Semaphore,
    cache: Cache,
    /// What is in use, by hash. A lock each, so that two who load the same agent compile it once.
    loaded: Mutex<HashMap<Hash, Entry>>,
}

type Entry = Arc<tokio::sync::Mutex<Weak<Loaded>>>;

impl Engine {
    /// Sets the machine up. The limits are those of the largest agent that will be run.
    ///
    /// # Errors
    /// When the places are not private to this user, or the system does not have the addresses for the pool.
    pub fn new(limits: &Limits, pool: &Pool, places: &Places, compiler: Compiler) -> Result<Self, LoadError> {
        let mut config = config();
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pooling(limits, pool)));
        let engine = wasmtime::Engine::new(&config).map_err(|why| {
            LoadError::Host(format!("the machine cannot set aside room for {} agents: {why:#}", pool.memories))
        })?;
        let mut configuration = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut configuration);
        let shared = Shared {
            ticker: ticker(&engine)?,
            cache: Cache::open(places, configuration.finish())?,
            room: Semaphore::new(pool.memories as usize),
            most: limits.clone(),
            compiler,
            compilations: Semaphore::new(COMPILERS),
            loaded: Mutex::default(),
            engine,
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Makes an agent of a component: looks it over, compiles it in a process of its own or takes what was compiled
    /// before, and checks that it fits the contract.
    ///
    /// # Errors
    /// Says what is wrong with the bytes; nothing of them has run.
    pub async fn load(&self, wasm: &[u8]) -> Result<Agent, LoadError> {
        let hash = Hash::of(wasm);
        let entry = {
            let mut loaded = self.shared.loaded.lock().unwrap_or_else(PoisonError::into_inner);
            loaded.retain(|_, entry| entry.try_lock().map_or(true, |agent| agent.strong_count() > 0));
            Arc::clone(loaded.entry(hash).or_default())
        };
        let mut entry = entry.lock().await;
        if let Some(loaded) = entry.upgrade() {
            return Ok(Agent { loaded });
        }
        let loaded = Arc::new(self.prepare(hash, wasm.into()).await?);
        *entry = Arc::downgrade(&loaded);
        Ok(Agent { loaded })
    }

    async fn prepare(&self, hash: Hash, wasm: Arc<[u8]>) -> Result<Loaded, LoadError> {
        let shared = Arc::clone(&self.shared);
        let bytes = Arc::clone(&wasm);
        let (contract, kept) = blocking(move || Ok((check(&bytes)?, shared.cache.get(hash)))).await?;
        let compiled = match kept {
            Some(compiled) => compiled,
            None => {
                let _turn = self.shared.compilations.acquire().await;
                self.shared.compiler.compile(&wasm).await?
            }
        };
        let shared = Arc::clone(&self.shared);
        blocking(move || {
            let component = deserialize(&shared.engine, &compiled)?;
            shared.cache.put(hash, &compiled);
            Loaded::new(shared, hash, contract, &component)
        })
        .await
    }
}

/// Work that would keep an async thread from its other tasks.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, LoadError> + Send + 'static,
) -> Result<T, LoadError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(why) => Err(LoadError::Host(format!("loading the agent broke off: {why}"))),
    }
}

#[expect(unsafe_code, reason = "wasmtime cannot check machine code; we know who made it")]
fn deserialize(engine: &wasmtime::Engine, compiled: &Compiled) -> Result<Component, LoadError> {
    // SAFETY: the bytes must be what wasmtime's compiler put out, unchanged. A `Compiled` is made in two places:
    // by our own compiler process, over a pipe that nobody else holds, and by the cache, from a file whose MAC under our
    // private key shows that we wrote exactly these bytes. They are read from memory, so they cannot change after that.
    // That they fit this engine's version and settings, wasmtime checks itself.
    unsafe { Component::deserialize(engine, compiled.bytes()) }.map_err(|why| LoadError::Unfit(format!("{why:#}")))
}

/// The settings that compiled code depends on: those of the compiler process and of the engine.
pub(super) fn config() -> Config {
    let mut config = Config::new();
    config
        // What one machine leaves open, another decides differently.
        .cranelift_nan_canonicalization(true)
        .relaxed_simd_deterministic(true)
        .wasm_shared_everything_threads(false)
        .wasm_memory64(false)
        .shared_memory(false)
        // One call at a time is the contract; without the bookkeeping for more, each costs half.
        .concurrency_support(false)
        .epoch_interruption(true)
        .max_wasm_stack(GUEST_STACK)
        .async_stack_size(GUEST_STACK + HOST_STACK)
        .memory_reservation(RESERVATION)
        .memory_may_move(false)
        .memory_init_cow(true);
    config
}

fn pooling(limits: &Limits, pool: &Pool) -> PoolingAllocationConfig {
    let each = u32::try_from(limits.instances).unwrap_or(u32::MAX);
    let mut pooling = PoolingAllocationConfig::new();
    pooling
        .total_memories(pool.memories)
        .total_stacks(pool.memories)
        .total_component_instances(pool.memories)
        .total_core_instances(pool.memories.saturating_mul(each))
        .total_tables(pool.memories.saturating_mul(Pool::TABLES_EACH))
        .max_core_instances_per_component(each)
        .max_memories_per_component(Pool::MEMORIES_EACH)
        .max_tables_per_component(Pool::TABLES_EACH)
        .max_memories_per_module(Pool::MEMORIES_EACH)
        .max_tables_per_module(Pool::TABLES_EACH)
        .max_memory_size(usize::try_from(RESERVATION).unwrap_or(usize::MAX))
        .table_elements(limits.table_elements)
        .linear_memory_keep_resident(KEEP_RESIDENT)
        .table_keep_resident(KEEP_RESIDENT)
        .async_stack_keep_resident(KEEP_RESIDENT);
    pooling
}

/// The clock that guests' deadlines go by.
fn ticker(engine: &wasmtime::Engine) -> Result<Ticker, LoadError> {
    let engine = engine.weak();
    let tick = move || {
        if let Some(engine) = engine.upgrade() {
            engine.increment_epoch();
        }
    };
    Ticker::start(tick).map_err(|why| LoadError::Host(format!("no thread to be had for the clock of guests: {why}")))
}
