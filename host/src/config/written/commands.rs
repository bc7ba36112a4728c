//! What files say of native commands, as it stands there: checks, set-up, services, folders, tools, walls.

use std::collections::BTreeMap;

use orchestra_pit_core::amount::Span;
use orchestra_pit_core::argv::{ArgvError, ArgvPattern};
use orchestra_pit_core::commands::Walls;
use orchestra_pit_core::path::RepoPath;
use orchestra_pit_core::pattern::Pattern;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use toml::Spanned;

/// Things by their names. The order of the file is that of the names' places.
pub type Named<T> = BTreeMap<Spanned<String>, T>;

/// `NAME = { run = […] }` in `[checks.LEVEL]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// What runs.
    pub run: Spanned<Vec<String>>,
    /// The folder it starts in.
    #[serde(default)]
    pub dir: Option<RepoPath>,
    /// Whether the verdict depends on it.
    #[serde(default)]
    pub required: Option<bool>,
    /// How long it may take.
    #[serde(default)]
    pub timeout: Option<Spanned<Span>>,
    /// Variables.
    #[serde(default)]
    pub env: Named<String>,
    /// Tests that are known to fail now and then.
    #[serde(default)]
    pub flaky: Vec<Spanned<String>>,
    /// Files of JUnit's XML that it writes, from the top.
    #[serde(default)]
    pub reports: Option<Spanned<Vec<Pattern>>>,
}

/// `NAME = { run = […] }` in `[setup]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Setup {
    /// What runs.
    pub run: Spanned<Vec<String>>,
    /// The folder it starts in.
    #[serde(default)]
    pub dir: Option<RepoPath>,
    /// The files that it depends on, from the top.
    #[serde(default)]
    pub inputs: Vec<RepoPath>,
    /// Whether it may use the network.
    #[serde(default)]
    pub network: bool,
    /// How long it may take.
    #[serde(default)]
    pub timeout: Option<Spanned<Span>>,
}

/// `NAME = { run = […] }` in `[services]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// What runs.
    pub run: Spanned<Vec<String>>,
    /// The port that it listens on.
    #[serde(default)]
    pub port: Option<u16>,
}

/// `[workspace]` of a repository.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Workspace {
    /// Ignored folders that start warm.
    pub warm: Vec<Spanned<RepoPath>>,
    /// Tool folders under the home.
    pub tools: Vec<Spanned<String>>,
}

/// `[workspace]` of the user and the organisation: what is about their machine.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Machine {
    /// Tool folders under the home.
    pub tools: Vec<Spanned<String>>,
}

/// `[sandbox]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sandbox {
    /// The walls that have to be up.
    pub require: Option<Spanned<Walls>>,
}

/// Patterns of commands: a list of them, or just one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Patterns(pub Vec<ArgvPattern>);

impl Patterns {
    /// One, of these words.
    ///
    /// # Errors
    /// If they are no pattern.
    pub fn one(words: Vec<String>) -> Result<Self, ArgvError> {
        Ok(Self(vec![ArgvPattern::try_from(words)?]))
    }
}

impl<'de> Deserialize<'de> for Patterns {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        /// What a person writes without thinking of it, and what is meant to be written.
        #[derive(Deserialize)]
        #[serde(
            untagged,
            expecting = "a command is a list of words, such as [\"cargo\", \"publish\", \"**\"]; here is one, or a list of them"
        )]
        enum Part {
            Word(String),
            Pattern(Vec<String>),
        }
        let (mut words, mut patterns) = (Vec::new(), Vec::new());
        for part in Vec::<Part>::deserialize(from)? {
            match part {
                Part::Word(word) => words.push(word),
                Part::Pattern(words) => patterns.push(ArgvPattern::try_from(words).map_err(D::Error::custom)?),
            }
        }
        if words.is_empty() {
            return Ok(Self(patterns));
        }
        if !patterns.is_empty() {
            return Err(D::Error::custom(
                "words and lists of words side by side: write each command as a list of words",
            ));
        }
        Self::one(words).map_err(D::Error::custom)
    }
}
