//! Lines for the person who watches. Free, and never refused.

use crate::bindings::pit::agent::log as host;

pub use host::Level;

/// Writes a line: past 4 KiB a line and 1 MiB a run it is cut.
pub fn write(level: Level, message: &str) {
    host::write(&level, message);
}

/// What only the agent's author wants to know.
pub fn debug(message: impl AsRef<str>) {
    write(Level::Debug, message.as_ref());
}

/// What the person wants to know.
pub fn info(message: impl AsRef<str>) {
    write(Level::Info, message.as_ref());
}

/// What the person should look at.
pub fn warn(message: impl AsRef<str>) {
    write(Level::Warn, message.as_ref());
}
