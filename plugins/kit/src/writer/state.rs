//! What is kept for the next round (`report.state`) or the next life (`outcome.again`).

use crate::hands::Memory;
use crate::session::saved::Saved;
use crate::shape::Shape;
use serde::{Deserialize, Serialize};

/// The version of what is written. What has another one is not read: the work then begins with a new conversation,
/// which costs tokens and nothing else.
const VERSION: u32 = 1;

/// Bytes of the conversation in the state: the host keeps a MiB, and what is beside it is small.
pub const MAX_TALK: usize = 800 << 10;

/// The state.
#[derive(Debug, Serialize, Deserialize)]
pub struct State {
    version: u32,
    /// The tools that the conversation knows.
    pub shape: Shape,
    /// The round it is of.
    pub round: u32,
    /// How much of the feedback is in the conversation.
    pub heard: usize,
    /// What the hands remember.
    pub memory: Memory,
    /// The conversation.
    pub session: Saved,
}

impl State {
    /// A state.
    pub fn new(shape: Shape, round: u32, heard: usize, memory: Memory, session: Saved) -> Self {
        Self { version: VERSION, shape, round, heard, memory, session }
    }

    /// As bytes; none if it cannot be written.
    pub fn write(&self) -> Option<Vec<u8>> {
        serde_json::to_vec(self).ok().filter(|bytes| bytes.len() < 1 << 20)
    }

    /// Reads what [`State::write`] wrote.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok().filter(|state: &Self| state.version == VERSION)
    }
}
