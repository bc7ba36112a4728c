//! `wasi:clocks`: the time of the run, which stands still while the guest computes.

use orchestra_pit_core::time::Time;
use wasmtime::component::Resource;

use super::bindings::wasi::clocks::{monotonic_clock, wall_clock};
use super::io::Pollable;
use crate::guest::store::State;

/// The time that a guest can see: that of its last answer, and one microsecond more for each look at it, so that a
/// guest that waits by looking gets there and one that measures never divides by zero.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    now: Time,
}

impl Clock {
    pub fn starting(at: Time) -> Self {
        Self { now: at }
    }

    /// Without looking.
    pub fn now(self) -> Time {
        self.now
    }

    /// Looks.
    pub fn read(&mut self) -> Time {
        self.now = self.now.plus_micros(1);
        self.now
    }

    /// Moves on to the time of an answer. Never back: many looks may have gone past it.
    pub fn settle(&mut self, at: Time) {
        self.now = self.now.max(at);
    }
}

/// A microsecond, the journal's unit.
const RESOLUTION_NANOS: u64 = 1_000;

impl monotonic_clock::Host for State {
    fn now(&mut self) -> wasmtime::Result<u64> {
        Ok(self.clock.read().0.saturating_mul(RESOLUTION_NANOS))
    }

    fn resolution(&mut self) -> wasmtime::Result<u64> {
        Ok(RESOLUTION_NANOS)
    }

    fn subscribe_instant(&mut self, when: u64) -> wasmtime::Result<Resource<Pollable>> {
        let until = Time(when.div_ceil(RESOLUTION_NANOS));
        Ok(self.table.push(Pollable::Timer(until))?)
    }

    fn subscribe_duration(&mut self, duration: u64) -> wasmtime::Result<Resource<Pollable>> {
        let until = self.clock.now().plus_micros(duration.div_ceil(RESOLUTION_NANOS));
        Ok(self.table.push(Pollable::Timer(until))?)
    }
}

impl wall_clock::Host for State {
    fn now(&mut self) -> wasmtime::Result<wall_clock::Datetime> {
        let micros = self.clock.read().0;
        // A remainder of a million, times a thousand, is below 2^32.
        let nanoseconds = u32::try_from(micros % 1_000_000 * RESOLUTION_NANOS).unwrap_or_default();
        Ok(wall_clock::Datetime { seconds: micros / 1_000_000, nanoseconds })
    }

    fn resolution(&mut self) -> wasmtime::Result<wall_clock::Datetime> {
        Ok(wall_clock::Datetime { seconds: 0, nanoseconds: 1_000 })
    }
}
