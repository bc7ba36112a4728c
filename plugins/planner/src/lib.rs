//! Divides a task into the fewest tasks that will do. It reads, and hands a plan over on the board; who carries it out,
//! and whether, is not its to say.
//!
//! - [`prompt`]: what the model is told.
//! - [`propose`]: the tool `propose_plan`, and what is wrong with a plan.

mod prompt;
mod propose;
#[cfg(test)]
mod tests;

use orchestra_pit_sdk::{Agent, Failure, Outcome, Task, agent};

struct Planner;

impl Agent for Planner {
    fn run(task: Task) -> Result<Outcome, Failure> {
        kit::reader::work(&kit::Pit, &task, &mut propose::Planning::new(&task))
    }
}

agent!(Planner);
