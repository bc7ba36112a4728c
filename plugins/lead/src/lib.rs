//! Leads a team. It is a program and not a prompt: who runs, when, from where, how often work comes back and what is taken
//! over is decided here, by rules that can be read and tested; models only propose the plan and judge the work.
//!
//! - [`settings`]: what it was set to.
//! - [`planning`]: from a goal to a plan that a person has seen.
//! - [`work`]: the plan at work, as a machine without a host: what happened goes in, what is to be done comes out.
//! - [`lead`]: does what the machine says, and tells it what came of it.
//! - [`words`]: what the others are told.
//! - [`report`]: what it came to; [`memory`]: what is kept for the next round.

mod lead;
mod memory;
mod planning;
mod report;
mod settings;
#[cfg(test)]
mod tests;
mod words;
mod work;

use orchestra_pit_sdk::{Agent, Failure, Outcome, Task, agent};

struct Lead;

impl Agent for Lead {
    fn run(task: Task) -> Result<Outcome, Failure> {
        lead::lead(&kit::Pit, &task)
    }
}

agent!(Lead);
