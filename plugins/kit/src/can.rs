//! What an agent that changes files may do beside that, and what its model is told of it: run commands, and have the
//! person's checks run.
//!
//! Whoever starts the agent says so by two settings, because to find out by trying would cost a run of the checks and a
//! refusal that a person sees.

use crate::run;
use crate::shape::Shape;
use orchestra_pit_sdk::{Failure, Task};

/// The levels of checks, those that take little time first.
pub const LEVELS: [&str; 2] = [FAST, FULL];
/// The checks of the loop.
pub const FAST: &str = "fast";
/// The checks of a result.
pub const FULL: &str = "full";

/// What may be done.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Can {
    /// Whether commands can be run.
    pub commands: bool,
    /// The levels of checks that the person has, and this agent may have run.
    pub checks: Vec<String>,
}

impl Can {
    /// Reads the settings `commands` and `checks`.
    ///
    /// # Errors
    /// `invalid`, naming the setting.
    pub fn of(task: &Task) -> Result<Self, Failure> {
        let commands = match task.setting("commands").unwrap_or_default() {
            "yes" => true,
            "" | "no" => false,
            other => {
                let message = format!("the setting `commands` is {other:?}; it must be yes, no or empty");
                return Err(Failure::new("invalid", message));
            }
        };
        let written = task.setting("checks").unwrap_or_default();
        let named: Vec<&str> = written.split(',').map(str::trim).filter(|level| !level.is_empty()).collect();
        // A person may have levels of other names, for other agents.
        let checks = LEVELS.iter().filter(|level| named.contains(level)).map(|level| (*level).to_owned()).collect();
        Ok(Self { commands, checks })
    }

    /// As the settings of somebody else's task.
    pub fn settings(&self) -> Vec<(String, String)> {
        let mut settings = Vec::new();
        if self.commands {
            settings.push(("commands".to_owned(), "yes".to_owned()));
        }
        if !self.checks.is_empty() {
            settings.push(("checks".to_owned(), self.checks.join(",")));
        }
        settings
    }

    /// Whether the checks of a level can be run.
    pub fn has(&self, level: &str) -> bool {
        self.checks.iter().any(|known| known == level)
    }

    /// The lines of the system prompt about it.
    pub fn words(&self, shape: Shape) -> String {
        let mut text = String::new();
        if self.commands {
            text.push_str(&format!(
                "- Run commands with `{}`, in a sandbox over your workspace, without network: build what you changed and \
                 run its tests, the smallest part that can show a mistake first. What a command starts ends with it.\n",
                run::name(shape)
            ));
        } else {
            text.push_str(
                "- You cannot run commands. Read what you wrote once more, and think through whether it compiles and \
                 passes.\n",
            );
        }
        if !self.checks.is_empty() {
            text.push_str(&format!(
                "- `check` has the host run the person's checks ({}) on your files, in a clean place. Run it after your \
                 last change and before `finish`. What fails and did not fail before you is yours to mend; what failed \
                 before is not, unless the task says so. Only its verdict counts, never what you say of it.\n",
                self.checks.join(", ")
            ));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(settings: &[(&str, &str)]) -> Result<Can, String> {
        let settings = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Can::of(&Task { settings, ..Task::new("x") }).map_err(|failure| failure.message)
    }

    #[test]
    fn nothing_can_be_done_that_nobody_said() {
        assert_eq!(read(&[]), Ok(Can::default()));
        assert_eq!(read(&[("commands", "no"), ("checks", " , ")]), Ok(Can::default()));
        assert!(Can::default().words(Shape::EditTool).starts_with("- You cannot run commands."));
        let all = read(&[("commands", "yes"), ("checks", "full, fast")]).unwrap();
        assert_eq!((all.commands, all.checks.as_slice()), (true, ["fast".to_owned(), "full".to_owned()].as_slice()));
        assert_eq!(Can::of(&Task { settings: all.settings(), ..Task::new("x") }), Ok(all));
    }

    #[test]
    fn a_wrong_setting_is_named() {
        assert!(read(&[("commands", "maybe")]).unwrap_err().contains("`commands` is \"maybe\""));
        assert_eq!(read(&[("checks", "fast,slow")]).unwrap().checks, ["fast"]);
    }
}
