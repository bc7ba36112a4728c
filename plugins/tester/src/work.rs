//! From a task to its outcome: a writer's work, with tests for what it writes.

use crate::{finish, prompt};
use kit::brief::{Allowance, Instructions};
use kit::can::Can;
use kit::shape::Shape;
use kit::tested::Tested;
use kit::writer::{self, Must, Settings, Writer};
use kit::{Args, Host};
use orchestra_pit_sdk::model::Tool;
use orchestra_pit_sdk::{Error, Failure, Outcome, Report, Task};

/// Does a task.
pub fn work(host: &dyn Host, task: &Task) -> Result<Outcome, Failure> {
    let settings = Settings::of(task)?;
    let model = host.about("")?;
    writer::work(host, task, &mut Testing { task, found: Tested::default() }, settings, &model)
}

/// Who writes tests.
struct Testing<'a> {
    task: &'a Task,
    found: Tested,
}

impl Writer for Testing<'_> {
    fn system(&self, shape: Shape, can: &Can) -> String {
        prompt::system(shape, can)
    }

    fn first(&self, host: &dyn Host, instructions: &mut Instructions, allowance: Allowance) -> String {
        prompt::first(host, self.task, instructions, allowance)
    }

    fn again(&self, heard: usize) -> String {
        prompt::again(self.task, heard)
    }

    fn finish(&self) -> Tool {
        finish::offer()
    }

    fn report(&mut self, args: &Args) -> Result<Report, Error> {
        let (found, report) = finish::found(self.task, args)?;
        self.found = found;
        Ok(report)
    }

    fn must(&self) -> Must {
        Must::HaveRun
    }

    fn hand_over(&self, host: &dyn Host, _: &Report, _: &mut dyn Iterator<Item = &String>) -> Result<(), Error> {
        finish::hand_over(host, &self.found)
    }
}
