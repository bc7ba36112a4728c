//! What a person's files say of native commands: the checks, what is set up before them, services beside them, and
//! what of the machine they see. Part of the start record, so that a resumed run is judged by the same.

mod tools;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::path::RepoPath;
use crate::pattern::Patterns;

pub use tools::{CREDENTIALS, TOOLS, Tool};

/// All of it.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Commands {
    /// By level.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub checks: BTreeMap<String, Vec<Check>>,
    /// In the order in which they run.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub setup: Vec<Setup>,
    /// Beside every command of a run.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<Service>,
    /// Ignored folders that start warm.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warm: Vec<RepoPath>,
    /// Tool folders under the person's home that commands see, by the names of the tools.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<String>,
    /// Lines of `.worktreeinclude`: ignored files of the person's that commands see.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub include: Vec<String>,
    /// The walls that have to be up.
    pub walls: Walls,
}

/// One check.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// Its name.
    pub name: String,
    /// What runs, at the top of the workspace or in `dir`.
    pub run: Vec<String>,
    /// The folder it starts in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dir: Option<RepoPath>,
    /// Whether the verdict depends on it.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub required: bool,
    /// Microseconds it may take.
    pub timeout: u64,
    /// Variables.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// Tests that are known to fail now and then.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flaky: Vec<String>,
    /// Files from the top, of JUnit's XML, in which its runner says what each test did.
    #[serde(default, skip_serializing_if = "no_patterns")]
    pub reports: Patterns,
}

/// A command that is run once for what it is made from, before any agent touches the files.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Setup {
    /// Its name.
    pub name: String,
    /// What runs, at the top of the workspace or in `dir`.
    pub run: Vec<String>,
    /// The folder it starts in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dir: Option<RepoPath>,
    /// The files that it depends on: with others, it is run again.
    pub inputs: Vec<RepoPath>,
    /// Whether it may use the network.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub network: bool,
    /// Microseconds it may take.
    pub timeout: u64,
}

/// A command that lives as long as a run.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// Its name.
    pub name: String,
    /// What runs.
    pub run: Vec<String>,
    /// The port that it listens on, on the run's own loopback. 0 is any that is free: the command reads `PIT_PORT`.
    pub port: u16,
}

/// Which walls have to be up for a command to run at all, in the order of their strength. The classes of
/// `orchestra_pit_sandbox` by the same names.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Walls {
    /// All that keep a command away from the machine: namespaces, an unprivileged user, system call filter. File rules of
    /// Landlock may be missing where the kernel has none.
    Partial,
    /// All there are.
    #[default]
    Full,
}

/// A command as people read it: words that a shell would take as they are stand plain, others in quotes, so that nobody
/// takes two for one. Of use only to be read; nothing takes it apart again.
pub fn shown(run: &[String]) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@%+^*".contains(c);
    let word = |word: &String| match !word.is_empty() && word.chars().all(plain) {
        true => word.clone(),
        false => format!("{word:?}"),
    };
    run.iter().map(word).collect::<Vec<_>>().join(" ")
}

fn no_patterns(patterns: &Patterns) -> bool {
    patterns.is_empty()
}

fn yes() -> bool {
    true
}

fn is_true(value: &bool) -> bool {
    *value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_shown_word_by_word() {
        let shown = |words: &[&str]| super::shown(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
        assert_eq!(shown(&["cargo", "test", "-p", "a", "--", "--exact"]), "cargo test -p a -- --exact");
        assert_eq!(shown(&["sh", "-c", "make && rm -rf x", ""]), "sh -c \"make && rm -rf x\" \"\"");
        assert_eq!(shown(&["a\nb", "c\u{202e}d"]), "\"a\\nb\" \"c\\u{202e}d\"");
    }

    #[test]
    fn the_stricter_walls_are_the_greater() {
        assert!(Walls::Full > Walls::Partial);
        assert_eq!(Walls::default(), Walls::Full);
    }
}
