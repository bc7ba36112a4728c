//! From a task to its outcome: one prepared line where the model can do no more, and a writer's work otherwise.

use crate::{finish, line, prompt};
use kit::brief::{Allowance, Instructions};
use kit::can::Can;
use kit::shape::Shape;
use kit::writer::{self, Must, Settings, Writer};
use kit::{Args, Host};
use orchestra_pit_sdk::model::Tool;
use orchestra_pit_sdk::{Error, Failure, Outcome, Report, Task};

/// Does a task.
pub fn work(host: &dyn Host, task: &Task) -> Result<Outcome, Failure> {
    let settings = Settings::of(task)?;
    let model = host.about("")?;
    let shape = settings.shape.unwrap_or_else(|| Shape::of(&model));
    // The smallest models do one line if the task names it, and are let try otherwise.
    let small = settings.shape.is_none() && model.family == "smollm";
    if shape == Shape::Line || small {
        match line::place(host, task) {
            Some(place) => {
                let fixed = line::fix(host, task, &place).map(Outcome::Done);
                return fixed.map_err(|failure| writer::keep(host, failure));
            }
            None if small => {}
            None => return Err(line::nowhere()),
        }
    }
    writer::work(host, task, &mut Coder(task), settings, &model)
}

/// Who changes code.
struct Coder<'a>(&'a Task);

impl Writer for Coder<'_> {
    fn system(&self, shape: Shape, can: &Can) -> String {
        prompt::system(shape, can)
    }

    fn first(&self, host: &dyn Host, instructions: &mut Instructions, allowance: Allowance) -> String {
        prompt::first(host, self.0, instructions, allowance)
    }

    fn again(&self, heard: usize) -> String {
        prompt::again(self.0, heard)
    }

    fn finish(&self) -> Tool {
        finish::offer()
    }

    fn report(&mut self, args: &Args) -> Result<Report, Error> {
        finish::report(self.0, args)
    }

    fn must(&self) -> Must {
        Must::BeGreen
    }

    fn hand_over(
        &self,
        host: &dyn Host,
        report: &Report,
        touched: &mut dyn Iterator<Item = &String>,
    ) -> Result<(), Error> {
        finish::hand_over(host, self.0, report, touched)
    }
}
