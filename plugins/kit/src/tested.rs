//! What a tester found, as it travels on the board: which test, for which criterion, what was seen.

use orchestra_pit_sdk::Task;
use serde::{Deserialize, Serialize};

/// The topic of it.
pub const TESTS: &str = "tests";

/// What a test did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Came {
    /// It passed.
    Passes,
    /// It failed, because the criterion is not met.
    Fails,
    /// It could not be run.
    NotRun,
}

/// One test.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Probe {
    /// Its name, as the runner spells it, with its file.
    pub test: String,
    /// `criterion.id`.
    pub criterion: String,
    /// What it did.
    pub result: Came,
    /// What was seen: the assertion that failed, or what stood in the way.
    #[serde(default)]
    pub seen: String,
}

/// A criterion that no test was written for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Untested {
    /// `criterion.id`.
    pub criterion: String,
    /// Why.
    pub why: String,
}

/// What was found of a task.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Tested {
    /// The task on the board.
    #[serde(default)]
    pub card: String,
    /// How the repository is tested: the command.
    pub how: String,
    /// The tests.
    pub tests: Vec<Probe>,
    /// What has none.
    #[serde(default)]
    pub untested: Vec<Untested>,
}

impl Tested {
    /// What is wrong with it for a task: all at once, a line each. Empty if nothing is.
    pub fn faults(&self, task: &Task) -> Vec<String> {
        let mut faults = Vec::new();
        if self.how.trim().is_empty() {
            faults.push("`how` is empty: name the command that runs the tests".to_owned());
        }
        for criterion in &task.criteria {
            let id = criterion.id.as_str();
            let tested = self.tests.iter().any(|test| test.criterion == id);
            if !tested && !self.untested.iter().any(|other| other.criterion == id && !other.why.trim().is_empty()) {
                faults.push(format!("{id} has no test, and no reason under `untested`: {}", criterion.text.trim()));
            }
        }
        let known = |id: &str| task.criteria.iter().any(|criterion| criterion.id == id);
        for test in &self.tests {
            if test.test.trim().is_empty() {
                faults.push(format!("a test of {} has no name", test.criterion));
            }
            if !known(&test.criterion) {
                faults.push(format!("there is no criterion {:?}", test.criterion));
            }
            if test.result != Came::Passes && test.seen.trim().is_empty() {
                faults.push(format!("{}: say under `seen` what was seen", test.test));
            }
        }
        faults
    }

    /// Whether a criterion is met as far as its tests show.
    pub fn met(&self, criterion: &str) -> bool {
        let mut of = self.tests.iter().filter(|test| test.criterion == criterion).peekable();
        of.peek().is_some() && of.all(|test| test.result == Came::Passes)
    }

    /// What shows it: the names of its tests, or why there are none.
    pub fn evidence(&self, criterion: &str) -> String {
        let of = self.tests.iter().filter(|test| test.criterion == criterion);
        let named: Vec<String> = of
            .map(|test| match test.result {
                Came::Passes => test.test.clone(),
                Came::Fails => format!("{} fails: {}", test.test, test.seen.trim()),
                Came::NotRun => format!("{} was not run: {}", test.test, test.seen.trim()),
            })
            .collect();
        if !named.is_empty() {
            return named.join("; ");
        }
        let why = self.untested.iter().find(|other| other.criterion == criterion);
        why.map_or_else(|| "it has no test".to_owned(), |other| format!("it has no test: {}", other.why.trim()))
    }

    /// What the writer of the code is told, if a test fails.
    pub fn feedback(&self) -> Option<String> {
        let failed = self.tests.iter().filter(|test| test.result == Came::Fails);
        let lines: String =
            failed.map(|test| format!("- {} ({}): {}\n", test.test.trim(), test.criterion, test.seen.trim())).collect();
        (!lines.is_empty()).then(|| {
            format!(
                "Tests were written for the criteria, and they fail on the work. They are run by: {}\n{lines}",
                self.how
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use orchestra_pit_sdk::Criterion;

    fn task() -> Task {
        let criterion = |id: &str| Criterion { id: id.into(), text: "is so".into(), more: Vec::new() };
        Task { criteria: vec![criterion("1"), criterion("2")], ..Task::new("x") }
    }

    fn probe(criterion: &str, result: Came, seen: &str) -> Probe {
        Probe { test: format!("tests/a.rs::t{criterion}"), criterion: criterion.into(), result, seen: seen.into() }
    }

    #[test]
    fn each_criterion_has_a_test_or_a_reason() {
        let why = |why: &str| vec![Untested { criterion: "2".into(), why: why.into() }];
        let mut found = Tested {
            how: "cargo test".into(),
            tests: vec![probe("1", Came::Passes, "")],
            untested: why("it is about the README"),
            ..Tested::default()
        };
        assert!(found.faults(&task()).is_empty());
        assert!(found.met("1") && !found.met("2"));
        assert_eq!(found.evidence("1"), "tests/a.rs::t1");
        assert_eq!(found.evidence("2"), "it has no test: it is about the README");
        assert_eq!(found.feedback(), None);
        found = Tested { tests: vec![probe("9", Came::Fails, " ")], untested: why(" "), ..Tested::default() };
        let said = found.faults(&task()).join("\n");
        for part in ["`how` is empty", "1 has no test", "2 has no test", "no criterion \"9\"", "what was seen"] {
            assert!(said.contains(part), "{part:?} is not in {said}");
        }
    }

    #[test]
    fn what_fails_goes_back_with_what_was_seen() {
        let tests = vec![probe("1", Came::Fails, "left 1, right 2"), probe("2", Came::NotRun, "no database")];
        let found = Tested { how: "cargo test".into(), tests, ..Tested::default() };
        let said = found.feedback().unwrap();
        assert!(said.contains("run by: cargo test\n- tests/a.rs::t1 (1): left 1, right 2\n"), "{said}");
        assert!(!said.contains("no database"), "what could not be run is not the writer's");
        assert!(!found.met("1") && !found.met("2"));
        let text = serde_json::to_string(&found).unwrap();
        assert!(text.contains(r#""result":"not-run""#));
        assert_eq!(serde_json::from_str::<Tested>(&text).unwrap(), found);
    }
}
