//! A plan: the tasks that a goal is divided into, as the planner hands it over and a person edits it.

mod check;
mod written;

use crate::tool::first_line;
use orchestra_pit_sdk::Criterion;
use serde::{Deserialize, Serialize};

pub use check::Known;
pub use written::comment;

/// The topic of plans.
pub const PLAN: &str = "plan";

/// Who does a task of which nothing else is said.
pub const CODER: &str = "coder";

/// Tasks of a plan: past this nobody reads it before saying yes.
pub const MOST_TASKS: usize = 20;

/// A plan.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Its tasks.
    #[serde(rename = "task", default)]
    pub tasks: Vec<Planned>,
}

/// One task of a plan.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Planned {
    /// Names it in `after`, and on the board: lower-case letters, digits and `-`.
    pub id: String,
    /// A few words for people.
    pub title: String,
    /// What is to be done.
    pub goal: String,
    /// What must be true of it. One that is the id of a criterion of the whole stands for that criterion.
    pub criteria: Vec<String>,
    /// Paths, or globs of them, that it is expected to change.
    #[serde(default)]
    pub files: Vec<String>,
    /// Tasks that must be done first.
    #[serde(default)]
    pub after: Vec<String>,
    /// Who does it.
    #[serde(default = "coder", skip_serializing_if = "is_coder")]
    pub agent: String,
    /// Whether a tester writes tests on top of its result.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub tests: bool,
}

fn coder() -> String {
    CODER.to_owned()
}

fn is_coder(agent: &str) -> bool {
    agent == CODER
}

impl Planned {
    /// The criterion of the whole that one of the task's criteria stands for: the text is its id, its id and a colon, or
    /// its own words.
    pub fn stands_for<'a>(text: &str, whole: &'a [Criterion]) -> Option<&'a Criterion> {
        let text = text.trim();
        whole.iter().find(|criterion| {
            let id = criterion.id.as_str();
            text == id
                || text == criterion.text.trim()
                || text.strip_prefix(id).is_some_and(|rest| rest.starts_with(':'))
        })
    }

    /// The criteria as whoever does the task is given them: those of the whole with their own ids, the task's with
    /// `ID.NUMBER`.
    pub fn criteria_for(&self, whole: &[Criterion]) -> Vec<Criterion> {
        let mut criteria: Vec<Criterion> = Vec::new();
        for (at, text) in self.criteria.iter().enumerate() {
            let criterion = Self::stands_for(text, whole).cloned().unwrap_or_else(|| Criterion {
                id: format!("{}.{}", self.id, at + 1),
                text: text.trim().to_owned(),
                more: Vec::new(),
            });
            if !criteria.iter().any(|other| other.id == criterion.id) {
                criteria.push(criterion);
            }
        }
        criteria
    }

    /// What whoever does the task is told to do.
    pub fn words(&self) -> String {
        let (title, goal) = (first_line(&self.title, 80), self.goal.trim());
        if goal == title { title } else { format!("{title}\n\n{goal}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole() -> Vec<Criterion> {
        let criterion = |id: &str, text: &str| Criterion { id: id.into(), text: text.into(), more: Vec::new() };
        vec![criterion("1", "prints JSON"), criterion("11", "is documented")]
    }

    #[test]
    fn criteria_of_the_whole_keep_their_ids() {
        let task = Planned {
            id: "t1".into(),
            criteria: vec!["1".into(), "11: is documented".into(), "has a test".into(), "prints JSON".into()],
            ..Planned::default()
        };
        let criteria = task.criteria_for(&whole());
        let ids: Vec<_> = criteria.iter().map(|c| (c.id.as_str(), c.text.as_str())).collect();
        assert_eq!(ids, [("1", "prints JSON"), ("11", "is documented"), ("t1.3", "has a test")]);
    }

    #[test]
    fn the_first_line_of_what_is_to_be_done_is_the_title() {
        let task = Planned { title: "Add --json".into(), goal: "Print JSON.".into(), ..Planned::default() };
        assert_eq!(task.words(), "Add --json\n\nPrint JSON.");
        assert_eq!(Planned { goal: "Add --json".into(), ..task }.words(), "Add --json");
    }
}
