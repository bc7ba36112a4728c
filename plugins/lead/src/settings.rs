//! The settings of `agent.toml`, read once, and how the budget is shared out.

use crate::work::Tests;
use kit::can::Can;
use kit::plan::CODER;
use orchestra_pit_sdk::delegate::Share;
use orchestra_pit_sdk::{Failure, Task};

/// Writers at the same time, where nobody says otherwise: what one person can still follow.
const CODERS: usize = 3;

/// What the person set.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settings {
    /// Whom a task may be given to.
    pub agents: Vec<String>,
    /// Writers at the same time.
    pub coders: usize,
    /// What those who write may run.
    pub can: Can,
    /// For which tasks tests are written.
    pub tests: Tests,
    /// What the run may cost; 0 is not known.
    micro_usd: u64,
    /// Tokens that it may use; 0 is not known.
    tokens: u64,
}

impl Settings {
    /// Reads them from a task.
    pub fn of(task: &Task) -> Result<Self, Failure> {
        let names = task.setting("agents").unwrap_or_default().split(',').map(|name| name.trim().to_owned());
        let mut agents: Vec<String> = names.filter(|name| !name.is_empty()).collect();
        if !agents.iter().any(|agent| agent == CODER) {
            agents.insert(0, CODER.to_owned());
        }
        let coders = match number(task, "coders")? {
            None => CODERS,
            Some(coders) => usize::try_from(coders)
                .ok()
                .filter(|coders| *coders > 0)
                .ok_or_else(|| Failure::new("invalid", "the setting `coders` is 0; somebody has to do the work"))?,
        };
        let can = Can::of(task)?;
        let tests = tests(task, &can)?;
        let micro_usd = number(task, "micro-usd")?.unwrap_or(0);
        Ok(Self { agents, coders, can, tests, micro_usd, tokens: number(task, "tokens")?.unwrap_or(0) })
    }

    /// The planner's share: a tenth. Who cannot say for that what is to be done would not get it done for the rest.
    pub fn planners(&self) -> Share {
        self.part(10)
    }

    /// The share of whoever writes one of so many tasks.
    ///
    /// A share is taken out of the budget at the start and given back at the end, so shares of those who run side by side
    /// must not come to more than there is, or the next start would wait. With one task there is nobody to keep anything
    /// for: no share, which is the run's own limit. With several each gets an equal part of three quarters, so that one
    /// that goes in circles leaves the others theirs; reviews, and rounds after the first, are paid from the last quarter
    /// and from what comes back, by whoever needs it first.
    pub fn writers(&self, tasks: usize) -> Share {
        match u64::try_from(tasks) {
            Ok(tasks) if tasks > 1 => Share {
                micro_usd: self.micro_usd / 4 * 3 / tasks,
                tokens: self.tokens / 4 * 3 / tasks,
                ..Share::default()
            },
            _ => Share::default(),
        }
    }

    fn part(&self, of: u64) -> Share {
        Share { micro_usd: self.micro_usd / of, tokens: self.tokens / of, ..Share::default() }
    }
}

/// For which tasks tests are written: a tester that can run nothing would only guess.
fn tests(task: &Task, can: &Can) -> Result<Tests, Failure> {
    let wanted = match task.setting("tester").unwrap_or_default() {
        "" | "plan" => Tests::Planned,
        "yes" | "true" => Tests::All,
        "no" | "false" => Tests::None,
        other => {
            let message = format!("the setting `tester` is {other:?}; it must be plan, yes or no");
            return Err(Failure::new("invalid", message));
        }
    };
    Ok(if can.commands || !can.checks.is_empty() { wanted } else { Tests::None })
}

fn number(task: &Task, name: &str) -> Result<Option<u64>, Failure> {
    match task.setting(name) {
        None | Some("") => Ok(None),
        Some(text) => text.parse().map(Some).map_err(|_| {
            Failure::new("invalid", format!("the setting `{name}` is {text:?}; it must be a whole number"))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(settings: &[(&str, &str)]) -> Result<Settings, String> {
        let settings = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Settings::of(&Task { settings, ..Task::new("x") }).map_err(|failure| failure.message)
    }

    #[test]
    fn what_is_not_set_has_its_default() {
        let settings = read(&[]).unwrap();
        assert_eq!((settings.agents, settings.coders), (vec!["coder".to_owned()], 3));
        let settings = read(&[("agents", "docs-bot, coder"), ("coders", "1")]).unwrap();
        assert_eq!((settings.agents.len(), settings.coders), (2, 1));
        assert!(read(&[("coders", "0")]).unwrap_err().contains("somebody has to do the work"));
        assert!(read(&[("tokens", "many")]).unwrap_err().contains("a whole number"));
    }

    #[test]
    fn tests_are_written_where_they_can_be_run() {
        for (settings, tests) in [
            (vec![], Tests::None),
            (vec![("tester", "yes")], Tests::None),
            (vec![("commands", "yes")], Tests::Planned),
            (vec![("checks", "full"), ("tester", "plan")], Tests::Planned),
            (vec![("checks", "full"), ("tester", "yes")], Tests::All),
            (vec![("checks", "full"), ("tester", "no")], Tests::None),
        ] {
            assert_eq!(read(&settings).unwrap().tests, tests, "{settings:?}");
        }
        assert!(read(&[("tester", "often")]).unwrap_err().contains("it must be plan, yes or no"));
    }

    #[test]
    fn shares_leave_something_for_everybody() {
        let settings = read(&[("micro-usd", "5000000"), ("tokens", "1000")]).unwrap();
        assert_eq!(settings.planners().micro_usd, 500_000);
        assert_eq!(settings.writers(1), Share::default());
        let each = settings.writers(4);
        assert_eq!((each.micro_usd, each.tokens), (937_500, 187));
        assert_eq!(read(&[]).unwrap().writers(4), Share::default());
    }
}
