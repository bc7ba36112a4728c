//! What a sandbox says of a command: how it ended, what it took, or which stage could not be done.

use serde::{Deserialize, Serialize};

/// What was exceeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// Wall time.
    Wall,
    /// Processor time.
    Cpu,
    /// Memory of all processes together.
    Memory,
    /// Number of processes.
    Processes,
}

/// How a command ended. Whatever it started is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// By itself, with this code.
    Exit(i32),
    /// By this signal.
    Signal(i32),
    /// It was ended, because it took more than it was given.
    Over(Limit),
}

/// The end of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// How.
    pub ended: Ended,
    /// Microseconds from its start to its end.
    pub wall_us: u64,
    /// Microseconds of processor time of all its processes.
    pub cpu_us: u64,
    /// The most bytes that all processes were seen to hold together, or one was known to.
    pub peak_memory: u64,
}

/// A wall or a stage that could not be had. Nothing of the command has run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("the sandbox cannot be built: {stage}: {reason}")]
pub struct Failed {
    /// Which, in words that a person can look for.
    pub stage: String,
    /// What the system said.
    pub reason: String,
}

impl Failed {
    #[cfg(target_os = "linux")]
    pub(crate) fn at(stage: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let stage = stage.into();
        move |error| Self { stage, reason: error.to_string() }
    }
}

/// What comes over the control socket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Message {
    /// Every wall is up and the command runs.
    Running,
    /// It has ended.
    Ended(Report),
    /// It was never started.
    Failed(Failed),
    /// The answer of `walls`.
    Probed(Vec<crate::walls::Wall>),
}
