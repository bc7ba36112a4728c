//! `log`: lines for the person who watches.

use serde::{Deserialize, Serialize};

/// `log.write`, and what a guest writes to its standard streams.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Line {
    /// `debug`, `info`, `warn`, or a word of the agent's own.
    pub level: String,
    /// At most [`Line::MAX`] bytes.
    pub message: String,
}

impl Line {
    /// Bytes of one line: enough for a paragraph; whoever writes more writes a file.
    pub const MAX: usize = 4096;
    /// Bytes of all lines of a run: what a person could still scroll through.
    pub const MAX_RUN: usize = 1 << 20;
}
