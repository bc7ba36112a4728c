//! What an agent is given, and what it gives back.

pub use crate::bindings::pit::agent::types::{Criterion, Evidence, Failure, More, Outcome, Report, Task};

impl Task {
    /// A task of the first round, with nothing but its goal.
    pub fn new(goal: impl Into<String>) -> Self {
        Task { goal: goal.into(), round: 1, ..Task::default() }
    }

    /// The value of a setting that `agent.toml` declares.
    pub fn setting(&self, name: &str) -> Option<&str> {
        self.settings.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

impl Report {
    /// A report that says no more than this.
    pub fn new(summary: impl Into<String>) -> Self {
        Report { summary: summary.into(), ..Report::default() }
    }

    /// The same report with an account of one criterion.
    #[must_use]
    pub fn criterion(mut self, id: impl Into<String>, met: bool, evidence: impl Into<String>) -> Self {
        self.criteria.push(Evidence { criterion: id.into(), met, evidence: evidence.into(), more: Vec::new() });
        self
    }

    /// The same report with something the agent is not sure of.
    #[must_use]
    pub fn doubt(mut self, doubt: impl Into<String>) -> Self {
        self.doubts.push(doubt.into());
        self
    }

    /// The same report with what the agent wants to find in `task.state` if the work is sent back.
    #[must_use]
    pub fn state(mut self, state: impl Into<Vec<u8>>) -> Self {
        self.state = Some(state.into());
        self
    }
}

impl From<Report> for Outcome {
    fn from(report: Report) -> Self {
        Outcome::Done(report)
    }
}

impl Failure {
    /// Gives up for a reason of the agent's own.
    pub fn new(kind: impl Into<String>, message: impl Into<String>) -> Self {
        Failure { kind: kind.into(), message: message.into(), more: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_found_by_its_name() {
        let task = Task { settings: vec![("lines".into(), "3".into())], ..Task::default() };
        assert_eq!(task.setting("lines"), Some("3"));
        assert_eq!(task.setting("line"), None);
    }

    #[test]
    fn a_report_is_built_piece_by_piece() {
        let report = Report::new("done").criterion("c1", true, "src/lib.rs:4").doubt("windows").state(*b"s");
        assert_eq!(report.criteria.first().map(|e| (e.criterion.as_str(), e.met)), Some(("c1", true)));
        assert_eq!(report.doubts, ["windows"]);
        assert_eq!(report.state.as_deref(), Some(b"s".as_slice()));
        assert!(matches!(Outcome::from(report), Outcome::Done(_)));
    }
}
