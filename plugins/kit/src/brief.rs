//! The first message: what is to be done, what must be true, and what whoever does it should know before looking.
//!
//! Sections stand under fixed headings in a fixed order, and an empty one is left out. Each part that could be long has
//! an allowance that follows the model's window.

mod instructions;
mod map;

use crate::Host;
use crate::tool::{cap, first_line};
use orchestra_pit_sdk::Task;

pub use instructions::Instructions;
pub use map::map;

/// Commits of the history that are shown.
const COMMITS: u32 = 10;

/// Notes that are shown: a team has at most a few tasks that this one can depend on.
const NOTES: usize = 20;

/// The topic of what one agent hands over to those that come after it.
pub const HANDOFF: &str = "handoff";

/// Bytes that each long section may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// Of the map of the repository.
    pub map: usize,
    /// Of the repository's instructions.
    pub instructions: usize,
    /// Of what others handed over.
    pub handoffs: usize,
}

impl Allowance {
    /// An allowance for a window of so many tokens: together they take at most about a fifth of it.
    pub fn of(context: u64, map_tokens: u64) -> Self {
        // Three bytes are about one token.
        let share = usize::try_from(context.saturating_mul(3) / 16).unwrap_or(usize::MAX);
        let map = usize::try_from(map_tokens.saturating_mul(3)).unwrap_or(usize::MAX);
        Self { map: map.min(share), instructions: share.min(16_000), handoffs: share.min(16_000) }
    }
}

/// A text of sections.
#[derive(Debug, Default)]
pub struct Brief(String);

impl Brief {
    /// Adds a section, unless it is empty.
    #[must_use]
    pub fn section(mut self, heading: &str, body: &str) -> Self {
        if !body.trim().is_empty() {
            if !self.0.is_empty() {
                self.0.push('\n');
            }
            self.0.push_str(&format!("# {heading}\n\n{}\n", body.trim_end()));
        }
        self
    }

    /// The text.
    pub fn text(self) -> String {
        self.0
    }
}

/// The criteria, a line each, with the id that evidence must name.
pub fn criteria(task: &Task) -> String {
    task.criteria.iter().map(|criterion| format!("- {}: {}\n", criterion.id, criterion.text.trim())).collect()
}

/// What was said when the work was sent back, from round `seen` on.
pub fn feedback(task: &Task, seen: usize) -> String {
    let said = task.feedback.iter().enumerate().skip(seen);
    said.map(|(at, text)| format!("After round {}:\n{}\n\n", at + 1, text.trim())).collect()
}

/// The last commits.
pub fn history(host: &dyn Host) -> String {
    let commits = host.history("", COMMITS).unwrap_or_default();
    let line = |id: &str, message: &str| format!("- {} {}\n", id.get(..7).unwrap_or(id), first_line(message, 100));
    commits.iter().map(|commit| line(&commit.id, &commit.message)).collect()
}

/// The task of the team's plan that an agent works at, if it works at one.
pub fn card(task: &Task) -> Option<&str> {
    task.more.iter().find(|(name, _)| name == "card").map(|(_, card)| card.as_str())
}

/// What others handed over, newest last. Whoever works at a task of a plan is shown what those handed over whose tasks
/// had to be done first, and no others: it is what its task was planned to build on, and what those who work beside it
/// leave meanwhile would make the first message depend on who is faster.
pub fn handoffs(host: &dyn Host, task: &Task, most: usize) -> String {
    let before = card(task).map(|card| before(host, card));
    let mut notes: Vec<(Option<String>, String)> = Vec::new();
    let mut after = 0;
    // A page has up to a hundred; a team's board is bounded, and so is this.
    while let Ok(page) = host.notes(HANDOFF, after) {
        let Some(last) = page.last() else { break };
        after = last.number;
        for note in page {
            let body: Option<serde_json::Value> = serde_json::from_str(&note.body).ok();
            let of = body.as_ref().and_then(|body| body.get("task")?.as_str()).map(str::to_owned);
            match &before {
                Some(before) if !of.as_ref().is_some_and(|of| before.contains(of)) => continue,
                // Of a task that went back, the last word counts.
                Some(_) => notes.retain(|(other, _)| *other != of),
                None => {}
            }
            notes.push((of, format!("From {}:\n{}\n\n", note.author, note.body.trim())));
        }
    }
    let surplus = notes.len().saturating_sub(NOTES);
    let shown: String = notes.into_iter().skip(surplus).map(|(_, note)| note).collect();
    cap(&shown, most, "the rest is on the board only")
}

/// The tasks that had to be done before one, directly or not.
fn before(host: &dyn Host, card: &str) -> Vec<String> {
    let cards = host.cards().unwrap_or_default();
    let mut found: Vec<String> = Vec::new();
    let mut look = vec![card.to_owned()];
    while let Some(next) = look.pop() {
        for first in cards.iter().filter(|card| card.id == next).flat_map(|card| &card.after) {
            if !found.contains(first) {
                found.push(first.clone());
                look.push(first.clone());
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Fake;
    use orchestra_pit_sdk::Criterion;
    use orchestra_pit_sdk::board::Card;

    #[test]
    fn sections_have_headings_and_empty_ones_are_left_out() {
        let brief = Brief::default().section("Task", "do it\n\n").section("Criteria", " \n").section("History", "- a");
        assert_eq!(brief.text(), "# Task\n\ndo it\n\n# History\n\n- a\n");
    }

    #[test]
    fn criteria_and_feedback_are_numbered_as_the_task_has_them() {
        let criterion = Criterion { id: "c1".into(), text: "prints JSON".into(), more: Vec::new() };
        let task =
            Task { criteria: vec![criterion], feedback: vec!["no test".into(), "wrong flag".into()], ..Task::new("x") };
        assert_eq!(criteria(&task), "- c1: prints JSON\n");
        assert_eq!(feedback(&task, 1), "After round 2:\nwrong flag\n\n");
        assert_eq!(feedback(&task, 0).matches("After round").count(), 2);
    }

    #[test]
    fn the_history_is_newest_first() {
        let host = Fake::new("gpt", &[]);
        host.commits.replace(vec!["Begin\n\nbody".into(), "Add ls".into()]);
        assert_eq!(history(&host), "- 0000000 Add ls\n- 0000000 Begin\n");
    }

    #[test]
    fn what_was_handed_over_is_shown_up_to_the_allowance() {
        let (host, alone) = (Fake::new("gpt", &[]), Task::new("x"));
        assert_eq!(handoffs(&host, &alone, 1000), "");
        host.post(HANDOFF, r#"{"task":"t1"}"#).unwrap();
        host.post("team", "chatter").unwrap();
        assert_eq!(handoffs(&host, &alone, 1000), "From coder:\n{\"task\":\"t1\"}\n\n");
        for _ in 0..30 {
            host.post(HANDOFF, &"x".repeat(100)).unwrap();
        }
        assert!(handoffs(&host, &alone, 1000).len() < 1100);
        assert!(!handoffs(&host, &alone, 100_000).contains("t1"), "the newest count");
    }

    #[test]
    fn who_works_at_a_task_is_shown_what_the_tasks_before_it_left() {
        let host = Fake::new("gpt", &[]);
        let card = |id: &str, after: &[&str]| Card {
            id: id.into(),
            after: after.iter().map(|id| (*id).to_owned()).collect(),
            ..Card::default()
        };
        host.cards.replace(vec![card("a", &[]), card("b", &["a"]), card("c", &["b"]), card("d", &[])]);
        for note in [r#"{"task":"a","n":1}"#, r#"{"task":"d"}"#, r#"{"task":"b"}"#, r#"{"task":"a","n":2}"#, "words"] {
            host.post(HANDOFF, note).unwrap();
        }
        let of = |id: &str| Task { more: vec![("card".into(), id.into())], ..Task::new("x") };
        assert_eq!(handoffs(&host, &of("a"), 1000), "");
        let shown = handoffs(&host, &of("c"), 1000);
        assert_eq!(shown, "From coder:\n{\"task\":\"b\"}\n\nFrom coder:\n{\"task\":\"a\",\"n\":2}\n\n");
    }

    #[test]
    fn allowances_follow_the_window() {
        assert_eq!(Allowance::of(200_000, 2_000), Allowance { map: 6_000, instructions: 16_000, handoffs: 16_000 });
        assert_eq!(Allowance::of(8_192, 2_000), Allowance { map: 1_536, instructions: 1_536, handoffs: 1_536 });
    }
}
