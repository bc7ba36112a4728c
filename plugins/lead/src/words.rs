//! What the others are told.

use crate::work::Item;
use kit::Review;
use kit::tool::{cap, first_line};
use orchestra_pit_sdk::vcs::Conflict;

/// Bytes of all that is told about conflicts: some files of a few hundred lines.
const CONFLICTS: usize = 24_000;

/// Bytes of what is red, in a question: a screen.
const ASKED: usize = 2_000;

/// The remarks of a review, for the next one.
pub fn remarks(review: &Review) -> String {
    review.remarks.iter().map(|remark| format!("- {}\n", remark.trim())).collect()
}

/// What a writer is to do: the task, and what the person said since it was planned.
pub fn goal(item: &Item) -> String {
    let mut goal = item.task.words();
    if !item.told.is_empty() {
        goal.push_str("\n\nThe person has said meanwhile:\n");
        item.told.iter().for_each(|remark| goal.push_str(&format!("- {}\n", remark.trim())));
    }
    goal
}

/// What a review is of: the task, never what its writer says of it.
pub fn to_review(item: &Item) -> String {
    format!("Review: {}", goal(item))
}

/// What a tester is to do: test the task, as it was given.
pub fn to_test(item: &Item) -> String {
    format!("Test: {}", goal(item))
}

/// What whoever mends a red result is told: what the host found, and where they start.
pub fn red(item: &Item, told: &str) -> String {
    let alone = item.tester.is_none() && item.inside.as_ref().is_none_or(|inside| inside.alone);
    let start = if alone {
        "Your work was taken over"
    } else {
        "The task was done once, and its result was taken over: you start from what there is now, which has it"
    };
    format!(
        "{start}. Then the host ran the person's checks on the whole, and they are red. Mend what fails now and did not \
         before, and keep the rest.\n\n{}",
        cap(told, CONFLICTS, "the rest is left out")
    )
}

/// Both sides of a conflict, for whoever does the task again.
pub fn conflicts(conflicts: &[Conflict]) -> String {
    let mut text = String::from(
        "The task was done once, and its result does not fit: other work was taken over meanwhile and changed the same \
         places. You start from what there is now. Do the task again on it, and keep what the others did.\n",
    );
    let each = CONFLICTS / conflicts.len().clamp(1, 12);
    for conflict in conflicts.iter().take(12) {
        let side = |name: &str, side: &str| match side.is_empty() {
            true => format!("{name}: there is no such file\n"),
            false => format!("{name}:\n```\n{}\n```\n", cap(side.trim_end(), each / 2, "the file is longer")),
        };
        text.push_str(&format!("\n{}\n", conflict.path));
        text.push_str(&side("as it is now", &conflict.ours));
        text.push_str(&side("as the earlier result had it", &conflict.theirs));
    }
    text
}

/// The goal of a task that takes up a remark on a finished run.
pub fn sent_back(goal: &str, remark: &str) -> String {
    format!(
        "{}\n\nThis was the whole task, which is done and committed:\n{}\n\nChange what the remark asks for, and nothing \
         else.",
        remark.trim(),
        goal.trim()
    )
}

/// The message of the merge that takes a result over.
pub fn merge(item: &Item) -> String {
    format!("{}\n\nTask {} of the plan.", first_line(&item.task.title, 72), item.task.id)
}

/// The message of the commit that takes a result back.
pub fn taken_back(item: &Item) -> String {
    let why = item.lost().unwrap_or("the run ended before it was judged");
    format!("Take back: {}\n\nTask {} of the plan: {why}", first_line(&item.task.title, 60), item.task.id)
}

/// The question about a result that is disputed, and the answers: yes, then no.
pub fn question(item: &Item, kind: &str, why: &str) -> (String, [&'static str; 2]) {
    let mut text = format!("task {} ({}): {why}", item.task.id, first_line(&item.task.title, 80));
    if kind == "conflict" {
        return (text, ["try again", "leave it out"]);
    }
    if kind == "checks" {
        text.push_str(&format!("\n{}", cap(item.red.trim_end(), ASKED, "the rest is left out")));
    } else if let Some(review) = &item.review {
        text.push_str(&format!("\n{}", remarks(review).trim_end()));
    }
    (text, ["take it", "leave it out"])
}
