//! Changes a repository to do one task: looks, edits, commits, and hands over with evidence for each criterion.
//!
//! - [`prompt`]: what the model is told first.
//! - [`finish`]: how it hands over.
//! - [`line`]: one prepared line, for models too small for the rest.
//! - [`work`]: from a task to its outcome. The tools, and what carries them out, are the kit's.

mod finish;
mod line;
mod prompt;
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
