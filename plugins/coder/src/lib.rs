//! Changes a repository to do one task: looks, edits, commits, and hands over with evidence for each criterion.
//!
//! - [`settings`], [`shape`]: which tools, by the model's family.
//! - [`prompt`]: what the model is told first.
//! - [`edits`], [`finish`], [`hands`]: the tools, and what carries them out.
//! - [`line`]: one prepared line, for models too small for the rest.
//! - [`state`]: what outlives this life.
//! - [`work`]: from a task to its outcome.

mod edits;
mod finish;
mod hands;
mod line;
mod prompt;
mod settings;
mod shape;
mod state;
#[cfg(test)]
mod tests;
mod work;

use orchestra_pit_sdk::{Agent, Failure, Outcome, Task, agent};

struct Coder;

impl Agent for Coder {
    fn run(task: Task) -> Result<Outcome, Failure> {
        work::work(&kit::Pit, &task)
    }
}

agent!(Coder);
