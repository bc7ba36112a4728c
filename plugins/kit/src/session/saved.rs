//! What of a session outlives the agent: for the next round, or the next life.

use super::{Limits, Session, Spoken};
use crate::talk;
use crate::trouble::Troubles;
use orchestra_pit_sdk::model::Tool;
use serde::{Deserialize, Serialize};

/// A session that can be written down.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Saved {
    talk: talk::saved::Saved,
    troubles: Troubles,
    turns: u32,
    noted: u64,
}

impl Session {
    /// Writes it down in at most so many bytes of JSON, shortening the conversation if it must.
    pub fn save(&mut self, most: usize, sections: &str) -> Saved {
        loop {
            let saved = Saved {
                talk: (&self.talk).into(),
                troubles: self.troubles.clone(),
                turns: self.turns,
                noted: self.noted,
            };
            let before = self.talk.bytes();
            if serde_json::to_vec(&saved).is_ok_and(|bytes| bytes.len() <= most) {
                return saved;
            }
            self.talk.compact(before / 2, sections);
            if self.talk.bytes() >= before {
                // Only the task is left.
                return saved;
            }
        }
    }

    /// Takes up what was written down; `None` for what is none.
    pub fn resume(saved: Saved, system: String, tools: Vec<Tool>, spoken: Spoken, limits: Limits) -> Option<Self> {
        let Saved { talk, troubles, turns, noted } = saved;
        let session = Self::new(talk.restore()?, system, tools, spoken, limits);
        Some(Self { troubles, turns, noted, ..session })
    }

    /// Begins a new round: turns and failures are counted anew.
    pub fn new_round(&mut self) {
        self.turns = 0;
        self.troubles = Troubles::default();
    }
}
