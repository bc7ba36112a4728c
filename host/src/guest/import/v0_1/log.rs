//! `log`: lines for the person who watches.

use super::wit::log::{Host, Level};
use crate::guest::store::State;

/// Bytes of a level's name: a word.
const MAX_LEVEL: usize = 32;

impl Host for State {
    async fn write(&mut self, level: Level, message: String) -> wasmtime::Result<()> {
        let level = match &level {
            Level::Debug => "debug",
            Level::Info => "info",
            Level::Warn => "warn",
            Level::Other(word) => word.get(..word.floor_char_boundary(MAX_LEVEL)).unwrap_or_default(),
        };
        self.log(level, message).await
    }
}
