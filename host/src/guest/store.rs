//! What the host keeps for one life of a guest: its hatch, its clock, and what it has used up.

use std::sync::Arc;

use orchestra_pit_core::call::log::Line;
use orchestra_pit_core::call::{Answer, Call, Error, Value};
use orchestra_pit_core::time::Time;
use wasmtime::component::ResourceTable;
use wasmtime::{ResourceLimiter, UpdateDeadline};

use super::hatch::Hatch;
use super::limits::Limits;
use super::ticker::Turn;
use super::wasi::{Clock, Output, Random};
use super::{LifeEnd, Passed};

/// The data of a guest's store.
pub(super) struct State {
    /// The same for doors of every type, so that all agents share one set of compiled imports.
    hatch: Arc<Hatch>,
    pub clock: Clock,
    pub random: Random,
    pub output: Output,
    pub table: ResourceTable,
    pub usage: Usage,
    pub ticks: Ticks,
    turn: Turn,
    /// What is left of [`Limits::output`]; `None` once it was not enough.
    lines: Option<usize>,
}

/// The guest ended itself with a status. Passed up as an error, because nothing of the guest runs after it.
#[derive(Debug, thiserror::Error)]
#[error("exit with status {0}")]
pub(super) struct Exit(pub u8);

/// The guest used up its ticks.
#[derive(Debug, thiserror::Error)]
#[error("ran for {0} ticks without a call")]
pub(super) struct Deadline(pub u32);

impl State {
    /// The guest's own code runs from here on, but for its calls.
    pub fn new(hatch: Arc<Hatch>, seed: [u8; 32], at: Time, limits: &Limits, mut turn: Turn) -> Self {
        turn.go();
        let mut table = ResourceTable::new();
        table.set_max_capacity(limits.handles);
        Self {
            hatch,
            clock: Clock::starting(at),
            random: Random::from_seed(seed),
            output: Output::default(),
            table,
            usage: Usage::new(limits),
            ticks: Ticks { used: 0, most: limits.ticks },
            turn,
            lines: Some(limits.output),
        }
    }

    /// The one way out of a guest.
    pub async fn pass(&mut self, call: Call) -> wasmtime::Result<Answer> {
        self.turn.wait();
        let passed = self.hatch.pass(call).await;
        self.turn.go();
        match passed {
            Passed::Answer(answer, at) => {
                self.clock.settle(at);
                self.ticks.used = 0;
                Ok(answer)
            }
            Passed::EndLife(end) => Err(end.into()),
        }
    }

    /// The same for one function of the contract: arguments that make no call are passed as what they are, so that what
    /// an agent tried is judged and journalled like any other call.
    pub async fn ask<T>(
        &mut self,
        function: &'static str,
        call: Result<Call, Error>,
        answer: impl FnOnce(Value) -> Option<T>,
    ) -> wasmtime::Result<Result<T, Error>> {
        let call = call.unwrap_or_else(|error| Call::Malformed { function: function.to_owned(), error });
        match self.pass(call).await? {
            Ok(value) => match answer(value) {
                Some(value) => Ok(Ok(value)),
                None => Err(LifeEnd::fault(format!("the answer to {function} is not one to it")).into()),
            },
            Err(error) => Ok(Err(error)),
        }
    }

    /// Writes a line, cut at [`Line::MAX`]; past the life's cap one line says so, and there are no more.
    pub async fn log(&mut self, level: &str, mut message: String) -> wasmtime::Result<()> {
        let Some(left) = self.lines else { return Ok(()) };
        message.truncate(message.floor_char_boundary(Line::MAX));
        self.lines = left.checked_sub(message.len().max(Limits::LINE));
        let line = match self.lines {
            Some(_) => Line { level: level.to_owned(), message },
            None => {
                Line { level: "warn".to_owned(), message: "the agent wrote too much; the rest is left out".to_owned() }
            }
        };
        // A line has no answer that the guest could read.
        let _told = self.pass(Call::Log(line)).await?;
        Ok(())
    }

    pub fn lines_are_full(&self) -> bool {
        self.lines.is_none()
    }
}

/// How long the guest's own code has run since its last answer.
pub(super) struct Ticks {
    used: u32,
    most: u32,
}

impl Ticks {
    /// A tick has passed while the guest ran. Lets others run, until there were too many.
    pub fn tick(&mut self) -> wasmtime::Result<UpdateDeadline> {
        self.used += 1;
        if self.used > self.most { Err(Deadline(self.most).into()) } else { Ok(UpdateDeadline::Yield(1)) }
    }
}

/// What a life holds of the machine, over all its memories and tables.
pub(super) struct Usage {
    memory: usize,
    table_elements: usize,
    most: Limits,
}

impl Usage {
    fn new(limits: &Limits) -> Self {
        Self { memory: 0, table_elements: 0, most: limits.clone() }
    }

    fn grow(
        held: &mut usize,
        most: usize,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        // What the guest's own declaration forbids must not be counted: it will not happen.
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        match held.checked_add(desired.saturating_sub(current)) {
            Some(total) if total <= most => {
                *held = total;
                Ok(true)
            }
            _ => Ok(false),
        }
    }
}

impl ResourceLimiter for Usage {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        Self::grow(&mut self.memory, self.most.memory, current, desired, maximum)
    }

    /// The guest was within its limit and the machine could not give it: that is the host's failure, and a guest that
    /// saw it would go another way than it did before.
    fn memory_grow_failed(&mut self, why: wasmtime::Error) -> wasmtime::Result<()> {
        Err(LifeEnd::fault(format!("no memory to be had: {why:#}")).into())
    }

    fn table_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        Self::grow(&mut self.table_elements, self.most.table_elements, current, desired, maximum)
    }

    fn table_grow_failed(&mut self, why: wasmtime::Error) -> wasmtime::Result<()> {
        Err(LifeEnd::fault(format!("no room for a table: {why:#}")).into())
    }

    fn instances(&self) -> usize {
        self.most.instances
    }
}
