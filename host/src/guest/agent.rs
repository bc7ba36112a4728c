//! One life of an agent: an instance of its own, `run` called once, and what came of it.

use std::sync::Arc;

use orchestra_pit_core::call::bytes::Bytes;
use orchestra_pit_core::call::delegate::{Report, Task};
use orchestra_pit_core::id::Hash;
use orchestra_pit_core::time::Time;
use wasmtime::component::Component;

use wasmtime::{OutOfMemory, PoolConcurrencyLimitError, Store, Trap, WasmBacktrace};

use super::engine::Shared;
use super::hatch::Hatch;
use super::import::{Contract, Ready};
use super::limits::Limits;
use super::load::LoadError;
use super::store::{Deadline, Exit, State};
use super::{Door, LifeEnd};

/// A component that is ready to run. Cheap to clone; its code is let go with the last clone.
#[derive(Clone)]
pub struct Agent {
    pub(super) loaded: Arc<Loaded>,
}

pub(super) struct Loaded {
    shared: Arc<Shared>,
    hash: Hash,
    contract: Contract,
    ready: Ready,
    memories: u32,
}

/// What a life starts from. All of it is in the start record.
#[derive(Clone, Debug)]
pub struct Start {
    /// What the agent is to do.
    pub task: Task,
    /// The team's task that it works at, by its id on the board; may be empty.
    pub card: String,
    /// Where its randomness comes from.
    pub seed: [u8; 32],
    /// Its clock until the first answer.
    pub at: Time,
    /// What it may use.
    pub limits: Limits,
}

/// How a life ended.
#[derive(Clone, PartialEq, Debug)]
pub enum Ended {
    /// The agent is done, by its own account.
    Done(Report),
    /// It wants another life, with this state.
    Again(Bytes),
    /// It gives up.
    Failed {
        /// A word of the contract's, or its own.
        kind: String,
        /// Why.
        message: String,
    },
    /// It did what no agent may.
    Broken(Broken),
    /// The host ended it, for reasons that are not the agent's.
    Life(LifeEnd),
}

/// What broke an agent, and where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Broken {
    /// What it did.
    pub why: Why,
    /// The functions it was in, innermost first; names are the agent's own. At most [`Broken::MAX_TRACE`] bytes.
    pub trace: String,
}

impl Broken {
    /// Bytes of a trace: about thirty functions.
    pub const MAX_TRACE: usize = 4 << 10;
}

/// What an agent did that no agent may.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Why {
    /// It ran for too long without a call.
    #[error("it ran for {} ms without asking for anything", u128::from(*ticks) * Limits::TICK.as_millis())]
    Deadline {
        /// Its limit, in [`Limits::TICK`]s.
        ticks: u32,
    },
    /// Its calls went too deep.
    #[error("its calls went too deep for its stack")]
    StackOverflow,
    /// Its code came to a point that must not be reached: a panic, a division by zero, an access outside its memory.
    #[error("{0}")]
    Trap(String),
    /// It left without an outcome.
    #[error("it left with status {0} instead of an outcome")]
    Exit(u8),
    /// Anything else that the contract or a limit forbids.
    #[error("{0}")]
    Forbidden(String),
}

impl Why {
    /// Whether another life with the same answers would come to the same point. What depends on the machine (how fast
    /// it is, how deep its stack) would not.
    pub fn repeats(&self) -> bool {
        !matches!(self, Self::Deadline { .. } | Self::StackOverflow)
    }
}

impl Agent {
    /// SHA-256 of the component's bytes.
    pub fn hash(&self) -> Hash {
        self.loaded.hash
    }

    /// The version of `pit:agent` that it was built against.
    pub fn contract(&self) -> &'static str {
        self.loaded.contract.version()
    }

    /// Runs one life of it: a new instance that shares nothing with any other. Waits while the pool is full.
    ///
    /// Dropping the future ends the life at its next call or tick.
    pub async fn run(&self, door: impl Door, start: Start) -> Ended {
        let loaded = &*self.loaded;
        let Ok(_room) = loaded.shared.room.acquire_many(loaded.memories).await else {
            return Ended::Life(LifeEnd::fault("the pool of memories is closed"));
        };
        let limits = start.limits;
        if !limits.fit(&loaded.shared.most) {
            return Ended::Life(LifeEnd::fault("this pit is set up for smaller agents than the run's limits say"));
        }
        let hatch = Arc::new(Hatch::default());
        let state = State::new(Arc::clone(&hatch), start.seed, start.at, &limits, loaded.shared.ticker.turn());
        let mut store = Store::new(&loaded.shared.engine, state);
        store.limiter(|state| &mut state.usage);
        store.set_hostcall_fuel(limits.call_bytes);
        store.set_max_component_handles(limits.handles);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(|mut store| store.data_mut().ticks.tick());

        let guest = loaded.ready.run(&mut store, start.task, start.card);
        let ended = match hatch.serve(&door, guest).await {
            Ok(ended) => ended,
            Err(why) => broken(why),
        };
        let repeats = match &ended {
            Ended::Broken(broken) => broken.why.repeats(),
            Ended::Life(_) => false,
            Ended::Done(_) | Ended::Again(_) | Ended::Failed { .. } => true,
        };
        // What has no line's end is written down only where the next life would write the same.
        if repeats && let Err(why) = hatch.serve(&door, store.data_mut().end_output()).await {
            return broken(why);
        }
        ended
    }
}

impl Loaded {
    pub(super) fn new(
        shared: Arc<Shared>,
        hash: Hash,
        contract: Contract,
        component: &Component,
    ) -> Result<Self, LoadError> {
        let memories = component.resources_required().map_or(1, |needs| needs.num_memories.max(1));
        let ready = contract.link(&shared.engine, component)?;
        Ok(Self { shared, hash, contract, ready, memories })
    }
}

/// Sorts out why a guest did not come back.
fn broken(why: wasmtime::Error) -> Ended {
    if let Some(end) = why.downcast_ref::<LifeEnd>() {
        return Ended::Life(end.clone());
    }
    // The machine had no place for it: nothing that the guest did.
    if why.is::<PoolConcurrencyLimitError>() || why.is::<std::io::Error>() || why.is::<OutOfMemory>() {
        return Ended::Life(LifeEnd::fault(format!("no room for an agent: {why:#}")));
    }
    let mut trace = why.downcast_ref::<WasmBacktrace>().map(ToString::to_string).unwrap_or_default();
    trace.truncate(trace.floor_char_boundary(Broken::MAX_TRACE));
    let why = if let Some(Deadline(ticks)) = why.downcast_ref() {
        Why::Deadline { ticks: *ticks }
    } else if let Some(Exit(code)) = why.downcast_ref() {
        Why::Exit(*code)
    } else {
        match why.downcast_ref::<Trap>() {
            Some(Trap::StackOverflow) => Why::StackOverflow,
            Some(trap) => Why::Trap(trap.to_string()),
            None => Why::Forbidden(reason(&why)),
        }
    };
    Ended::Broken(Broken { why, trace })
}

/// What it comes down to; what is around it says where, and the trace says that.
fn reason(why: &wasmtime::Error) -> String {
    let mut text = why.root_cause().to_string();
    text.truncate(text.floor_char_boundary(Broken::MAX_TRACE));
    text
}
