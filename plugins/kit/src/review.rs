//! A review: what the reviewer says of one task's result, as it travels on the board.

use orchestra_pit_sdk::Task;
use serde::{Deserialize, Serialize};

/// The topic of reviews.
pub const REVIEW: &str = "review";

/// Whether a result is taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It is.
    Approve,
    /// It goes back to whoever made it.
    SendBack,
}

/// Whether one criterion is met.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Finding {
    /// `criterion.id`.
    pub id: String,
    /// Whether it is.
    pub met: bool,
    /// A file and line, or a test's name.
    pub evidence: String,
}

/// A review.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Review {
    /// The task on the board.
    pub card: String,
    /// Whether it is taken.
    pub verdict: Verdict,
    /// One for each criterion.
    pub criteria: Vec<Finding>,
    /// What is to be changed; with an approval, what a person should know.
    pub remarks: Vec<String>,
}

impl Review {
    /// What is wrong with it for a task: all at once, a line each. Empty if nothing is.
    pub fn faults(&self, task: &Task) -> Vec<String> {
        let mut faults = Vec::new();
        for criterion in &task.criteria {
            match self.criteria.iter().find(|finding| finding.id == criterion.id) {
                None => faults.push(format!("{} is not answered: {}", criterion.id, criterion.text.trim())),
                Some(finding) if finding.evidence.trim().is_empty() => {
                    faults.push(format!("{} has no evidence: name a file and line, or a test", criterion.id));
                }
                Some(finding) if !finding.met && self.verdict == Verdict::Approve => {
                    faults.push(format!("{} is not met, so it cannot be approved", criterion.id));
                }
                Some(_) => {}
            }
        }
        for finding in &self.criteria {
            if !task.criteria.iter().any(|criterion| criterion.id == finding.id) {
                faults.push(format!("there is no criterion {:?}", finding.id));
            }
        }
        if self.verdict == Verdict::SendBack && self.remarks.iter().all(|remark| remark.trim().is_empty()) {
            faults.push("work that is sent back needs a remark that says what to change".to_owned());
        }
        faults
    }

    /// What the writer is told: what is not met, and the remarks.
    pub fn feedback(&self) -> String {
        let mut text = String::from("The review sends it back:\n");
        for finding in self.criteria.iter().filter(|finding| !finding.met) {
            text.push_str(&format!("- {} is not met: {}\n", finding.id, finding.evidence.trim()));
        }
        for remark in &self.remarks {
            text.push_str(&format!("- {}\n", remark.trim()));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use orchestra_pit_sdk::Criterion;

    fn review(verdict: Verdict, met: &[(&str, bool, &str)], remarks: &[&str]) -> Review {
        let finding = |(id, met, evidence): &(&str, bool, &str)| Finding {
            id: (*id).to_owned(),
            met: *met,
            evidence: (*evidence).to_owned(),
        };
        Review {
            card: "t1".into(),
            verdict,
            criteria: met.iter().map(finding).collect(),
            remarks: remarks.iter().map(|remark| (*remark).to_owned()).collect(),
        }
    }

    #[test]
    fn a_review_answers_each_criterion_and_fits_its_verdict() {
        let criterion = |id: &str| Criterion { id: id.into(), text: "is so".into(), more: Vec::new() };
        let task = Task { criteria: vec![criterion("1"), criterion("2")], ..Task::new("x") };
        let good = review(Verdict::Approve, &[("1", true, "a.rs:1"), ("2", true, "b.rs:2")], &[]);
        assert!(good.faults(&task).is_empty());
        let said = review(Verdict::Approve, &[("1", false, "a.rs:1"), ("3", true, "x")], &[]).faults(&task);
        assert_eq!(
            said,
            ["1 is not met, so it cannot be approved", "2 is not answered: is so", "there is no criterion \"3\""]
        );
        let said = review(Verdict::SendBack, &[("1", true, " "), ("2", false, "x")], &[" "]).faults(&task);
        assert!(said[0].contains("no evidence") && said[1].contains("needs a remark"), "{said:?}");
    }

    #[test]
    fn what_goes_back_is_what_is_not_met_and_the_remarks() {
        let review = review(Verdict::SendBack, &[("1", false, "a.rs:3"), ("2", true, "b")], &["test it"]);
        assert_eq!(review.feedback(), "The review sends it back:\n- 1 is not met: a.rs:3\n- test it\n");
        let text = serde_json::to_string(&review).unwrap();
        assert!(text.contains(r#""verdict":"send-back""#), "{text}");
        assert_eq!(serde_json::from_str::<Review>(&text).unwrap(), review);
    }
}
