//! The settings of `agent.toml`, read once.

use crate::session::TURNS;
use crate::shape::Shape;
use orchestra_pit_sdk::{Failure, Task};

/// Tokens of the map, where nobody says otherwise: a few hundred files.
const MAP: u64 = 2_000;

/// What the person or the parent set.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Settings {
    /// None: by the model's family.
    pub shape: Option<Shape>,
    /// Turns of one round.
    pub turns: u32,
    /// Tokens of the map.
    pub map: u64,
}

impl Settings {
    /// Reads them from a task.
    pub fn of(task: &Task) -> Result<Self, Failure> {
        let shape = match task.setting("shape").unwrap_or("auto") {
            "auto" | "" => None,
            name => Some(
                Shape::named(name)
                    .ok_or_else(|| wrong("shape", name, "auto, edit-tool, patch, blocks, envelope or line"))?,
            ),
        };
        let turns = number(task, "turns")?.unwrap_or(u64::from(TURNS));
        let turns = u32::try_from(turns).ok().filter(|turns| *turns > 0);
        let turns = turns.ok_or_else(|| wrong("turns", task.setting("turns").unwrap_or_default(), "1 or more"))?;
        Ok(Self { shape, turns, map: number(task, "map")?.unwrap_or(MAP) })
    }
}

fn number(task: &Task, name: &str) -> Result<Option<u64>, Failure> {
    match task.setting(name) {
        None | Some("") => Ok(None),
        Some(text) => text.parse().map(Some).map_err(|_| wrong(name, text, "a whole number")),
    }
}

fn wrong(name: &str, value: &str, expected: &str) -> Failure {
    Failure::new("invalid", format!("the setting `{name}` is {value:?}; it must be {expected}"))
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
        assert_eq!(read(&[]), Ok(Settings { shape: None, turns: 60, map: 2_000 }));
        let set = read(&[("shape", "patch"), ("turns", "5"), ("map", "0")]);
        assert_eq!(set, Ok(Settings { shape: Some(Shape::Patch), turns: 5, map: 0 }));
    }

    #[test]
    fn a_wrong_setting_is_named_with_what_it_may_be() {
        let said = read(&[("shape", "vim")]).unwrap_err();
        assert_eq!(said, "the setting `shape` is \"vim\"; it must be auto, edit-tool, patch, blocks, envelope or line");
        assert!(read(&[("turns", "0")]).unwrap_err().contains("1 or more"));
        assert!(read(&[("map", "big")]).unwrap_err().contains("a whole number"));
    }
}
