//! Failures, counted, so that an agent does not go in circles.
//!
//! The second same failure, or the third of any kind in a row, makes the model stop and name a different next step. The
//! third same failure ends the work: whoever has run into a wall three times the same way will do so a fourth time, and
//! each time costs money.

use crate::tool::first_sentence;
use serde::{Deserialize, Serialize};

/// The same failure this often ends the work.
const SAME: u32 = 3;

/// Failures of any kind in a row that make the model think again, and how many of them it is shown.
const ROW: usize = 3;

/// Open failures that are listed when a conversation is shortened: older ones were left behind, not forgotten.
const LISTED: usize = 10;

/// Characters of a failure's message that are repeated to the model: its sense stands at the start.
const SHOWN: usize = 600;

/// One failure.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Trouble {
    /// What was tried, in a few words.
    pub subject: String,
    /// The kind of the error.
    pub kind: String,
    /// How it was put.
    pub message: String,
}

impl Trouble {
    /// A failure.
    pub fn new(subject: &str, kind: &str, message: &str) -> Self {
        Self { subject: subject.to_owned(), kind: kind.to_owned(), message: first_sentence(message, SHOWN) }
    }

    fn same(&self, other: &Self) -> bool {
        self.subject == other.subject && self.kind == other.kind
    }
}

/// What to do about the failures so far.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Course {
    /// Nothing special.
    On,
    /// Have the model name a different next step.
    Reflect,
    /// It is the third of the same: end.
    Stop,
}

/// All failures that matter still.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Troubles {
    /// Each open failure once, with how often it came; a success with the same subject closes it.
    open: Vec<(Trouble, u32)>,
    /// The last few, oldest first.
    last: Vec<Trouble>,
    /// How many came with no success in between.
    row: usize,
    /// The next steps that were named, so that the next one is another.
    steps: Vec<String>,
}

impl Troubles {
    /// Takes in what the calls of one reply came to: the failures, each counted once however many calls met it, and
    /// the subjects of what succeeded.
    pub fn take(&mut self, failed: &[Trouble], succeeded: &[String]) -> Course {
        if !succeeded.is_empty() {
            self.row = 0;
        }
        self.open.retain(|(trouble, _)| !succeeded.contains(&trouble.subject));
        let mut course = Course::On;
        for (at, trouble) in failed.iter().enumerate() {
            self.last.push(trouble.clone());
            if failed.iter().take(at).any(|earlier| earlier.same(trouble)) {
                continue;
            }
            self.row += 1;
            let count = match self.open.iter_mut().find(|(open, _)| open.same(trouble)) {
                Some((open, count)) => {
                    *open = trouble.clone();
                    *count += 1;
                    *count
                }
                None => {
                    self.open.push((trouble.clone(), 1));
                    1
                }
            };
            course = course.max(match count {
                SAME.. => Course::Stop,
                2 => Course::Reflect,
                _ if self.row.is_multiple_of(ROW) => Course::Reflect,
                _ => Course::On,
            });
        }
        let surplus = self.last.len().saturating_sub(ROW);
        self.last.drain(..surplus);
        course
    }

    /// The failure that came most often.
    pub fn worst(&self) -> Option<&Trouble> {
        self.open.iter().max_by_key(|(_, count)| *count).map(|(trouble, _)| trouble)
    }

    /// What the model is asked at [`Course::Reflect`].
    pub fn question(&self) -> String {
        let mut text = String::from("# Reflection\n\nThese failed last:\n");
        for (at, trouble) in self.last.iter().enumerate() {
            text.push_str(&format!("{}. {}: {}\n", at + 1, trouble.subject, trouble.message));
        }
        text.push_str(
            "\nThe same again will fail again. Think about why, then answer with one line that begins with `Next step:` \
             and names a step of another kind. Call no tool in this answer.",
        );
        text
    }

    /// Takes the model's answer to the question. `false` if it names no step, or one it named before.
    pub fn resolve(&mut self, answer: &str) -> bool {
        let step = answer
            .lines()
            .filter_map(|line| line.trim().trim_matches('*').strip_prefix("Next step:"))
            .next_back()
            .unwrap_or(answer);
        let step: String = step.to_lowercase().chars().filter(|letter| letter.is_alphanumeric()).collect();
        if step.is_empty() || self.steps.contains(&step) {
            return false;
        }
        self.steps.push(step);
        self.row = 0;
        true
    }

    /// The last failures that nothing has settled, a line each; empty without any.
    pub fn lines(&self) -> String {
        let last = self.open.iter().skip(self.open.len().saturating_sub(LISTED));
        last.map(|(open, count)| format!("- {} ({count}×): {}\n", open.subject, open.message)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(path: &str) -> Trouble {
        Trouble::new(&format!("edit {path}"), "conflict", "the text is not there\nnearest: …")
    }

    #[test]
    fn the_second_same_failure_asks_and_the_third_stops() {
        let mut troubles = Troubles::default();
        assert_eq!(troubles.take(&[edit("a")], &[]), Course::On);
        assert_eq!(troubles.take(&[], &["view a".into()]), Course::On, "another subject's success settles nothing");
        assert_eq!(troubles.take(&[edit("a")], &[]), Course::Reflect);
        assert_eq!(troubles.take(&[edit("a")], &[]), Course::Stop);
        assert_eq!(troubles.worst().map(|worst| worst.subject.as_str()), Some("edit a"));
    }

    #[test]
    fn a_success_settles_what_failed() {
        let mut troubles = Troubles::default();
        troubles.take(&[edit("a")], &[]);
        troubles.take(&[], &["edit a".into()]);
        assert_eq!(troubles.lines(), "");
        assert_eq!(troubles.take(&[edit("a")], &[]), Course::On);
    }

    #[test]
    fn the_last_ten_open_failures_are_listed() {
        let mut troubles = Troubles::default();
        (0..30).for_each(|n| _ = troubles.take(&[edit(&n.to_string())], &[]));
        let lines = troubles.lines();
        assert!(lines.starts_with("- edit 20 (1×): the text is not there\n") && lines.lines().count() == 10, "{lines}");
    }

    #[test]
    fn three_failures_of_one_reply_are_one_if_they_are_the_same() {
        let mut troubles = Troubles::default();
        assert_eq!(troubles.take(&[edit("a"), edit("a"), edit("a")], &[]), Course::On);
    }

    #[test]
    fn any_three_in_a_row_ask_and_the_question_has_the_last_three() {
        let mut troubles = Troubles::default();
        troubles.take(&[edit("a")], &["view a".into()]);
        troubles.take(&[], &["view b".into()]);
        for (path, course) in [("b", Course::On), ("c", Course::On), ("d", Course::Reflect)] {
            assert_eq!(troubles.take(&[edit(path)], &[]), course, "{path}");
        }
        let question = troubles.question();
        assert!(!question.contains("edit a"), "{question}");
        for path in ["1. edit b: the text", "2. edit c: the text", "3. edit d: the text"] {
            assert!(question.contains(path), "{question}");
        }
    }

    #[test]
    fn the_next_step_must_be_named_and_be_another() {
        let mut troubles = Troubles::default();
        assert!(!troubles.resolve("  \n"));
        assert!(troubles.resolve("I misread it.\nNext step: view the file."));
        assert!(!troubles.resolve("**Next step: View the file**"));
        assert!(troubles.resolve("Next step: replace the whole function"));
    }
}
