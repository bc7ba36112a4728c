//! What people are shown while a tree of runs is at work.

use std::sync::Arc;

use orchestra_pit_core::id::RunId;
use orchestra_pit_core::record::Event;
use orchestra_pit_core::time::Time;

use crate::effect::model::Delta;

/// Something that happened. Records are told after they are on disk; deltas as they come, and may be missed.
#[derive(Clone, Debug)]
pub enum Live {
    /// A record was written.
    Record {
        /// Whose.
        run: RunId,
        /// When.
        at: Time,
        /// What.
        event: Arc<Event>,
    },
    /// A model's reply arrives.
    Delta {
        /// To whom.
        run: RunId,
        /// More of it.
        delta: Delta,
    },
    /// Pit itself has something to say.
    Notice {
        /// In a line.
        text: String,
    },
    /// A command did nothing.
    Unheeded {
        /// For whom it was.
        run: RunId,
        /// Why.
        why: String,
    },
}
