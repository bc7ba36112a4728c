//! `wasi:random`: drawn from the run's seed, so that each life of a run draws the same.

use orchestra_pit_core::id::Hash;

use super::bindings::wasi::random::{insecure, insecure_seed, random};
use crate::guest::store::State;

/// Bytes that a guest may draw at once: far more than any key or seed, far less than would keep the host busy.
const MAX_DRAW: u64 = 1 << 20;

/// Block n of the stream is the SHA-256 of seed and n: unpredictable without the seed, and said in one line, so that
/// it means the same in every later version.
pub struct Random {
    seed: [u8; 32],
    block: u64,
    left: Vec<u8>,
}

impl Random {
    pub fn from_seed(seed: [u8; 32]) -> Self {
        Self { seed, block: 0, left: Vec::new() }
    }

    fn draw(&mut self, len: u64) -> wasmtime::Result<Vec<u8>> {
        if len > MAX_DRAW {
            wasmtime::bail!("{len} random bytes at once are over the limit of {MAX_DRAW}");
        }
        let len = usize::try_from(len)?;
        while self.left.len() < len {
            let block = Hash::of_parts(&[b"pit random", &self.seed, &self.block.to_be_bytes()]);
            self.block += 1;
            self.left.extend_from_slice(&block.0);
        }
        let rest = self.left.split_off(len);
        Ok(std::mem::replace(&mut self.left, rest))
    }

    fn number(&mut self) -> wasmtime::Result<u64> {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&self.draw(8)?);
        Ok(u64::from_le_bytes(bytes))
    }
}

impl random::Host for State {
    fn get_random_bytes(&mut self, len: u64) -> wasmtime::Result<Vec<u8>> {
        self.random.draw(len)
    }

    fn get_random_u64(&mut self) -> wasmtime::Result<u64> {
        self.random.number()
    }
}

impl insecure::Host for State {
    fn get_insecure_random_bytes(&mut self, len: u64) -> wasmtime::Result<Vec<u8>> {
        self.random.draw(len)
    }

    fn get_insecure_random_u64(&mut self) -> wasmtime::Result<u64> {
        self.random.number()
    }
}

impl insecure_seed::Host for State {
    fn insecure_seed(&mut self) -> wasmtime::Result<(u64, u64)> {
        Ok((self.random.number()?, self.random.number()?))
    }
}
