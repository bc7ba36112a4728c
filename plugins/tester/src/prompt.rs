//! What the model is told: the system prompt, the first message, and what a new round adds.
//!
//! The change is shown and not what its writer says of it in messages of commits: a test is written for the criterion.

use kit::Host;
use kit::brief::{self, Allowance, Brief, Instructions};
use kit::can::Can;
use kit::look::change;
use kit::shape::Shape;
use kit::writer::{DATA, editing};
use orchestra_pit_sdk::Task;

const WHO: &str = "\
You are tester, an agent that tests the result of one task. Somebody else wrote the code; you write the tests that its \
criteria lack, run them, and say what fails. You may write tests and what they read, and nothing else: writing any other \
file is denied.

# How to work

- Find out first how this repository is tested: its instructions, its build files, the tests it has. Write yours in the \
same way, beside those that are there.
- For each criterion look whether a test shows it already. Where none does, write the smallest one that fails if the \
criterion is not met, and passes if it is. Test what the criterion says, at its edges too, and not how the code does it.
- A test that cannot fail proves nothing. Where you can, see it fail: think through what the code did before the change.
- Do not bend a test to what the code does. If the code does not meet a criterion, the test fails, and that is what you \
report: what you expected, what you saw, where.
- A criterion that no test can show (a text that must read well) gets none; say so.
";

const THEN: &str = "\
- Commit the tests with `commit`: a subject of at most 72 characters in the imperative.
- End with `finish`: the command that runs the tests, each test by name with its criterion and what it did, each criterion \
without a test and why. Say only what you have seen.
";

/// The system prompt.
pub fn system(shape: Shape, can: &Can) -> String {
    format!("{WHO}{}{THEN}\n# Editing\n\n{}\n\n{DATA}", can.words(shape), editing(shape))
}

/// The first message.
pub fn first(host: &dyn Host, task: &Task, instructions: &mut Instructions, allowance: Allowance) -> String {
    let since = task.setting("since").filter(|since| !since.is_empty()).unwrap_or("base");
    let change = change(host, since, &[], allowance.handoffs);
    Brief::default()
        .section("Task", &task.goal)
        .section("Criteria", &brief::criteria(task))
        .section("Feedback", &brief::feedback(task, 0))
        .section("Instructions", &instructions.top(host))
        .section("Repository", &brief::map(host, allowance.map))
        .section("Change", &change.unwrap_or_else(|error| format!("[the change cannot be shown: {error}]")))
        .section("Hand-offs", &brief::handoffs(host, task, allowance.handoffs))
        .text()
}

/// What a round after the first begins with, in the same conversation.
pub fn again(task: &Task, heard: usize) -> String {
    Brief::default()
        .section(&format!("Round {}", task.round), &brief::feedback(task, heard))
        .section("Criteria", &brief::criteria(task))
        .text()
}
