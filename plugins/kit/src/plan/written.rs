//! A plan as a person reads and edits it: TOML, one `[[task]]` after the other.

use super::{Plan, Planned};
use orchestra_pit_sdk::Criterion;

const HEAD: &str = "\
# What is done first is above what comes after it. Change what you like: a task's criteria are what its review checks,
# `files` are kept from the others while it is at work, `after` names the tasks that must be done first.
";

impl Plan {
    /// As TOML, with what is wrong with it, or else is to be said, on top.
    pub fn to_toml(&self, whole: &[Criterion], notes: &[String]) -> String {
        let mut shown = self.clone();
        for criterion in shown.tasks.iter_mut().flat_map(|task| &mut task.criteria) {
            if let Some(stands) = Planned::stands_for(criterion, whole) {
                *criterion = format!("{}: {}", stands.id, stands.text.trim());
            }
        }
        let mut text = comment(notes);
        text.push_str(HEAD);
        // Nothing in a plan is more than texts and lists of texts, which TOML can all write.
        text.push_str(&format!("\n{}", toml::to_string_pretty(&shown).unwrap_or_default()));
        text
    }

    /// Reads what a person made of it.
    ///
    /// # Errors
    /// What is not understood, in one line.
    pub fn from_toml(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|error| {
            let line = error.span().map(|span| text.get(..span.start).unwrap_or_default().lines().count().max(1));
            let line = line.map(|line| format!("line {line}: ")).unwrap_or_default();
            format!("{line}{}", error.message().lines().next().unwrap_or_default())
        })
    }
}

/// Lines as comments of TOML.
pub fn comment(notes: &[String]) -> String {
    notes.iter().flat_map(|note| note.lines()).map(|line| format!("# {line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again_and_says_what_ids_stand_for() {
        let whole = [Criterion { id: "1".into(), text: "prints JSON".into(), more: Vec::new() }];
        let task = |id: &str, agent: &str| Planned {
            id: id.into(),
            title: "Add \"--json\"".into(),
            goal: "Two\nlines".into(),
            criteria: vec!["1".into(), "has a test".into()],
            files: vec!["src/ls.rs".into()],
            after: Vec::new(),
            agent: agent.into(),
            tests: id == "b",
        };
        let plan = Plan { tasks: vec![task("a", "coder"), task("b", "docs-bot")] };
        let text = plan.to_toml(&whole, &["b waits for a\nbecause".into()]);
        assert!(text.starts_with("# b waits for a\n# because\n# What is done"), "{text}");
        assert!(text.contains("1: prints JSON") && text.matches("agent = ").count() == 1, "{text}");
        assert!(text.matches("tests = true").count() == 1, "{text}");
        let read = Plan::from_toml(&text).unwrap();
        assert_eq!(read.tasks[0].criteria, ["1: prints JSON", "has a test"]);
        assert_eq!((read.tasks[0].agent.as_str(), read.tasks[1].agent.as_str()), ("coder", "docs-bot"));
        assert_eq!(read.tasks[0].goal, "Two\nlines");
    }

    #[test]
    fn what_is_not_understood_is_said_with_its_line() {
        let said = Plan::from_toml("[[task]]\nid = \"a\"\ntitle = \"b\"\ngoal = \"c\"\ncriteria = []\nfile = []\n");
        let said = said.unwrap_err();
        assert!(said.starts_with("line ") && said.contains("unknown field `file`"), "{said}");
        assert!(Plan::from_toml("[[task]\n").is_err());
        assert!(Plan::from_toml("[[task]]\nid = \"a\"\n").unwrap_err().contains("missing field"));
        assert_eq!(Plan::from_toml("").unwrap(), Plan::default());
    }
}
