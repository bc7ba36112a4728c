//! Judges the result of one task: it sees what changed, what must be true, and the files, and nothing of what the writer
//! says about them.
//!
//! - [`prompt`]: what the model is told.
//! - [`judge`]: the tools `diff` and `judge`.

mod judge;
mod prompt;
#[cfg(test)]
mod tests;

use orchestra_pit_sdk::{Agent, Failure, Outcome, Task, agent};

struct Reviewer;

impl Agent for Reviewer {
    fn run(task: Task) -> Result<Outcome, Failure> {
        kit::reader::work(&kit::Pit, &task, &mut judge::Judging::new(&task))
    }
}

agent!(Reviewer);
