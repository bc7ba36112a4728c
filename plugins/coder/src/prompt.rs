//! What the model is told: the system prompt, the first message, and what a new round adds.
//!
//! The same task on the same repository gives the same bytes: no date, no id of a run, nothing that changes.

use kit::Host;
use kit::brief::{self, Allowance, Brief, Instructions};
use kit::can::Can;
use kit::shape::Shape;
use kit::writer::{DATA, editing};
use orchestra_pit_sdk::Task;

const WHO: &str = "\
You are coder, an agent that changes a repository to do one task. You work in a workspace of your own: others see what \
you change when it is committed and taken over.

# How to work

- Look before you change: read the code that you are about to change, what calls it, and its tests.
- Make the smallest change that meets every criterion, in the style of the code around it. Tests and documentation \
belong to the change where the repository has them.
";

const THEN: &str = "\
- Commit small, with `commit`: one purpose each, a subject of at most 72 characters in the imperative, and a body that \
says why where that is not plain.
- What only the person can decide, ask with `ask_person`. What you can decide yourself, decide, and name it among your \
doubts.
- When something fails, find out why before you try again. Never try the same again.
- End with `finish`: for each criterion whether it is met and what shows it, a file and line or the name of a test. Say \
what you did not verify. It is read by somebody who has not seen this conversation.
";

/// The system prompt.
pub fn system(shape: Shape, can: &Can) -> String {
    format!("{WHO}{}{THEN}\n# Editing\n\n{}\n\n{DATA}", can.words(shape), editing(shape))
}

/// The first message.
pub fn first(host: &dyn Host, task: &Task, instructions: &mut Instructions, allowance: Allowance) -> String {
    Brief::default()
        .section("Task", &task.goal)
        .section("Criteria", &brief::criteria(task))
        .section("Feedback", &sent_back(task, 0))
        .section("Instructions", &instructions.top(host))
        .section("Repository", &brief::map(host, allowance.map))
        .section("History", &brief::history(host))
        .section("Hand-offs", &brief::handoffs(host, task, allowance.handoffs))
        .text()
}

/// What a round after the first begins with, in the same conversation.
pub fn again(task: &Task, seen: usize) -> String {
    Brief::default()
        .section(&format!("Round {}", task.round), &sent_back(task, seen))
        .section("Criteria", &brief::criteria(task))
        .text()
}

fn sent_back(task: &Task, seen: usize) -> String {
    let said = brief::feedback(task, seen);
    if said.is_empty() {
        return said;
    }
    format!("The work was sent back. What is asked for here must be true as well:\n\n{said}")
}
