//! Waiting for a time.

use serde::{Deserialize, Serialize};

use crate::time::Time;

/// Waits until a time of the run's own clock. Every timer of WASI comes down to one of these.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Sleep {
    /// When to go on.
    pub until: Time,
}
