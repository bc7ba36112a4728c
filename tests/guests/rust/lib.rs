//! What the test agents share.

use orchestra_pit_sdk::{Failure, Task};

/// A number that the task sets, or this one.
///
/// # Errors
/// A failure of kind `invalid` for a setting that is no number.
pub fn number(task: &Task, name: &str, otherwise: u32) -> Result<u32, Failure> {
    let Some(text) = task.setting(name) else { return Ok(otherwise) };
    text.parse().map_err(|_| Failure::new("invalid", format!("the setting {name} is not a number: {text}")))
}
