//! From a task to its outcome: take up the conversation or begin one, work, and keep what there is however it ends.

use crate::hands::{self, Hands};
use crate::line;
use crate::prompt;
use crate::settings::Settings;
use crate::shape::Shape;
use crate::state::{MAX_TALK, State};
use kit::brief::{Allowance, Instructions};
use kit::session::{Ended, Limits};
use kit::{Host, Role, Session, Talk};
use orchestra_pit_sdk::{Failure, Outcome, Task};

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
                return line::fix(host, task, &place).map(Outcome::Done).map_err(|failure| keep(host, failure));
            }
            None if small => {}
            None => return Err(line::nowhere()),
        }
    }
    let limits = Limits::of(&model, settings.turns);
    let allowance = Allowance::of(limits.context, settings.map);
    host.say(&format!("{}: edits in the shape {}", model.name, shape.name()));

    let (mut session, mut hands) = begin(host, task, shape, limits, allowance);
    let ended = session.run(host, &mut hands);
    let state = |session: &mut Session, hands: &Hands<'_>| {
        let saved = session.save(MAX_TALK, &hands.sections());
        State::new(shape, task.round, task.feedback.len(), hands.memory.clone(), saved).write()
    };
    match ended {
        Ended::Done(mut report) => {
            report.state = state(&mut session, &hands);
            Ok(Outcome::Done(report))
        }
        Ended::Again => match state(&mut session, &hands) {
            Some(state) => Ok(Outcome::Again(state)),
            None => Err(keep(host, Failure::new("too-large", "the conversation cannot be carried into another life"))),
        },
        Ended::Failed(failure) => Err(keep(host, failure)),
    }
}

/// The conversation of the life or round before, or a new one.
fn begin<'a>(
    host: &dyn Host,
    task: &'a Task,
    shape: Shape,
    limits: Limits,
    allowance: Allowance,
) -> (Session, Hands<'a>) {
    let (system, tools) = (prompt::system(shape), hands::tools(shape));
    let mut instructions = Instructions::find(host, allowance.instructions);
    // A conversation that knows other tools is of no use to this model.
    let state = task.state.as_deref().and_then(State::read).filter(|state| state.shape == shape);
    if let Some(State { round, heard, memory, session, .. }) = state
        && let Some(mut session) = Session::resume(session, system.clone(), tools.clone(), shape.spoken(), limits)
    {
        let hands = Hands::new(task, &tools, instructions, memory);
        if round < task.round {
            session.new_round();
            session.talk.tell_standing(prompt::again(task, heard));
        }
        return (session, hands);
    }
    let first = prompt::first(host, task, &mut instructions, allowance);
    let session = Session::new(Talk::new(first), system, tools.clone(), shape.spoken(), limits);
    (session, Hands::new(task, &tools, instructions, hands::Memory::default()))
}

/// Commits what there is before giving up, and says what became of it: a branch that ends badly still holds the work.
fn keep(host: &dyn Host, failure: Failure) -> Failure {
    let kept = match host.changes() {
        // Nobody should be asked to approve work that was given up.
        Ok(changes) if changes.iter().any(|change| change.protected) => {
            "not committed, because a protected path is among the changes; the workspace has them".to_owned()
        }
        Ok(changes) if changes.is_empty() => "nothing was left to commit".to_owned(),
        Ok(_) => match host.commit(&format!("Keep unfinished work\n\nThe agent gave up: {}", failure.message)) {
            Ok(committed) => {
                format!("what there was is committed as {}", committed.id.get(..7).unwrap_or(&committed.id))
            }
            Err(error) => format!("what there was could not be committed ({error}); the workspace has it"),
        },
        Err(_) => "the workspace has what was not committed".to_owned(),
    };
    Failure { message: format!("{}; {kept}", failure.message), ..failure }
}
