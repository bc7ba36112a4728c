//! Asks for what cannot be had, each way once, and starts itself until it may not. What came of each is in its report, a
//! line each.

use std::time::Duration;

use orchestra_pit_sdk::delegate::{self, Awaited, End, Ended, Order};
use orchestra_pit_sdk::human::{self, Proposal, Question};
use orchestra_pit_sdk::model::{self, Request};
use orchestra_pit_sdk::{Agent, Failure, Outcome, Report, Result, Task, agent, vcs, workspace};

struct Refused;

impl Agent for Refused {
    fn run(task: Task) -> std::result::Result<Outcome, Failure> {
        match task.goal.as_str() {
            "sleep" => {
                std::thread::sleep(Duration::from_secs(3_600));
                Ok(Report::new("slept").into())
            }
            "deep" => deep(),
            "beside" => beside(),
            _ => knock(),
        }
    }
}

/// Starts itself below itself as far as that goes, and says how far that was.
fn deep() -> std::result::Result<Outcome, Failure> {
    let child = match delegate::start(&Order::new("refused", Task::new("deep"))) {
        Ok(child) => child,
        Err(error) => return Ok(Report::new(says::<()>(Err(error))).into()),
    };
    match wait(&child)?.end {
        End::Done(report) => Ok(Report::new(format!("below {}", report.summary)).into()),
        _ => Err(Failure::new("test", "the child did not end well")),
    }
}

/// Works on while a child does nothing but turn round.
fn beside() -> std::result::Result<Outcome, Failure> {
    let looping = delegate::start(&Order::new("loops", Task::new("x")))?;
    let mut answers = 0;
    for number in 0..20 {
        workspace::write_text(&format!("{number}.txt"), "x")?;
        let found = delegate::wait(std::slice::from_ref(&looping), Some(Duration::from_millis(20)))?;
        answers += u32::from(!matches!(found, Awaited::Ended(_)));
    }
    let end = match wait(&looping)?.end {
        End::Broken(why) => why,
        _ => "otherwise".to_owned(),
    };
    Ok(Report::new(format!("{answers} answers meanwhile; {end}")).into())
}

fn knock() -> std::result::Result<Outcome, Failure> {
    let absent = || Request { model: "absent".to_owned(), ..Request::default() };
    let stranger = "0".repeat(32);
    let mut lines = vec![
        format!("human.ask: {}", says(human::ask(&Question::new("Who?")))),
        format!(
            "human.propose: {}",
            says(human::propose(&Proposal { title: "This".to_owned(), ..Proposal::default() }))
        ),
        format!("model.ask: {}", says(model::ask(&absent()))),
        format!("model.about: {}", says(model::about("absent"))),
        format!("delegate.start: {}", says(delegate::start(&Order::new("nobody", Task::new("x"))))),
        format!("delegate.message: {}", says(delegate::message(&stranger, "x"))),
        format!("delegate.again: {}", says(delegate::again(&stranger, "x"))),
        format!("delegate.cancel: {}", says(delegate::cancel(&stranger, "x"))),
    ];
    let sleeper = sleeper()?;
    delegate::message(&sleeper, "sleep well")?;
    lines.push(format!("again, at work: {}", says(delegate::again(&sleeper, "x"))));
    lines.push(format!("integrate, at work: {}", says(vcs::integrate(&sleeper, "x"))));
    delegate::cancel(&sleeper, "enough")?;
    lines.push(format!("cancelled: {}", matches!(wait(&sleeper)?.end, End::Cancelled(_))));
    lines.push(format!("message, ended: {}", says(delegate::message(&sleeper, "x"))));

    let below = delegate::start(&Order::new("refused", Task::new("deep")))?;
    if let End::Done(report) = wait(&below)?.end {
        lines.push(format!("depth: {}", report.summary));
    }
    let mut sleepers = 0;
    let width = loop {
        match delegate::start(&Order::new("refused", Task::new("sleep"))) {
            Ok(_) => sleepers += 1,
            Err(error) => break says::<()>(Err(error)),
        }
    };
    lines.push(format!("width: {width} after {sleepers}"));
    Ok(Report::new(lines.join("\n")).into())
}

fn sleeper() -> Result<String> {
    delegate::start(&Order::new("refused", Task::new("sleep")))
}

fn wait(child: &str) -> std::result::Result<Ended, Failure> {
    match delegate::wait(&[child.to_owned()], None)? {
        Awaited::Ended(ended) => Ok(ended),
        _ => Err(Failure::new("test", "nobody ended")),
    }
}

fn says<T>(result: Result<T>) -> String {
    match result {
        Ok(_) => "allowed".to_owned(),
        Err(error) => match error.rule {
            Some(rule) => format!("{} ({rule})", error.kind),
            None => error.kind,
        },
    }
}

agent!(Refused);
