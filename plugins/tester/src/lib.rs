//! Writes the tests that a task's criteria lack, runs them, and says what fails. It may write tests and nothing else: its
//! `agent.toml` asks for no other path.
//!
//! - [`prompt`]: what the model is told first.
//! - [`finish`]: how it hands over what it found.
//! - [`work`]: from a task to its outcome. The tools, and what carries them out, are the kit's.

mod finish;
mod prompt;
#[cfg(test)]
mod tests;
mod work;

use orchestra_pit_sdk::{Agent, Failure, Outcome, Task, agent};

struct Tester;

impl Agent for Tester {
    fn run(task: Task) -> Result<Outcome, Failure> {
        work::work(&kit::Pit, &task)
    }
}

agent!(Tester);
