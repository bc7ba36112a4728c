//! What the host concludes from the checks that it ran: *green*, *no worse* or *red*.
//!
//! A [`Verdict`] is made by [`conclude`] alone. It is small enough for a record and a commit's trailer: names are capped,
//! with counts of the rest; everything else stands in the logs that it names by hash.

mod compare;
mod gist;
mod line;
mod lost;

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use super::report::{Counts, Report};
use crate::id::{Hash, Oid};
use crate::text;
use compare::{Compared, compare};
pub use gist::gist;

/// Names that a verdict keeps of each sort. A reader looks at the first few; the rest is in the log.
pub const MOST_NAMES: usize = 20;

/// Characters of a name or a reason in a verdict.
pub const MOST_WIDTH: usize = 200;

/// Which checks are run.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Level {
    /// In the coder's loop.
    Fast,
    /// On each result, before a person takes it.
    Full,
    /// Another that `pit.toml` names.
    Other(String),
}

/// The end of the name of a level that was judged without what is withheld from the agent that asked. It is another level: what
/// all the files come to, such a verdict does not say.
const READABLE: &str = " of what its agent may read";

impl Level {
    /// The same on no more than an agent may read.
    pub fn of_readable(self) -> Self {
        Self::Other(format!("{}{READABLE}", self.name()))
    }

    /// The level that was asked for, as `pit.toml` names it.
    pub fn asked(&self) -> &str {
        self.name().strip_suffix(READABLE).unwrap_or(self.name())
    }
}

impl From<String> for Level {
    fn from(name: String) -> Self {
        match name.as_str() {
            "fast" => Self::Fast,
            "full" => Self::Full,
            _ => Self::Other(name),
        }
    }
}

impl From<Level> for String {
    fn from(level: Level) -> Self {
        level.name().to_owned()
    }
}

impl Level {
    /// As `pit.toml` has it.
    pub fn name(&self) -> &str {
        match self {
            Self::Fast => "fast",
            Self::Full => "full",
            Self::Other(name) => name,
        }
    }
}

/// A check that `pit.toml` has.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Wanted {
    /// Its name.
    pub name: String,
    /// The command.
    pub argv: Vec<String>,
    /// Whether it counts. One that does not is shown.
    pub required: bool,
}

/// How a command ended.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// With an exit code.
    Exit(i32),
    /// By a signal.
    Signal(i32),
    /// It took longer than it may.
    TimedOut,
    /// It could not be started.
    NotStarted(String),
    /// The host did not run it.
    Skipped(String),
    /// What `pit.toml` says of it cannot be carried out.
    Misconfigured(String),
}

/// One command that the host ran for a check.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ran {
    /// The check's name.
    pub name: String,
    /// The command, as it was run.
    pub argv: Vec<String>,
    /// How it ended.
    pub ending: Ending,
    /// Microseconds that it took.
    pub micros: u64,
    /// Its output.
    pub log: Hash,
    /// The same without what differs from run to run: see [`gist`]. [`Hash::NONE`] of an output that is not there as a whole:
    /// it is compared with nothing.
    pub gist: Hash,
    /// What its output says.
    pub report: Report,
}

/// A check on one tree: once, and once more if it failed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Runs {
    /// The run that counts.
    pub first: Ran,
    /// The run after a failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again: Option<Ran>,
}

/// What ran on the tree that the change is based on.
#[derive(Clone, Copy, Debug)]
pub struct Base<'a> {
    /// The tree.
    pub tree: Oid,
    /// The checks.
    pub runs: &'a [Runs],
}

/// What a verdict is concluded from.
#[derive(Clone, Debug)]
pub struct Evidence<'a> {
    /// Which checks.
    pub level: Level,
    /// The tree that they ran on.
    pub tree: Oid,
    /// The checks that `pit.toml` has for the level.
    pub wanted: &'a [Wanted],
    /// What ran.
    pub runs: &'a [Runs],
    /// What ran on the base, if it was judged.
    pub base: Option<Base<'a>>,
    /// Tests, or checks, that the person's file calls flaky.
    pub flaky: &'a [String],
}

/// The verdict in a word.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Each required check passed.
    Green,
    /// Nothing failed but what the base failed.
    NoWorse,
    /// Anything else.
    Red,
}

/// What the host concluded. Made by [`conclude`], or read from where that was written down.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verdict {
    level: Level,
    tree: Oid,
    base: Option<Oid>,
    config: Hash,
    kind: Kind,
    checks: Vec<CheckVerdict>,
}

/// What the host concluded of one check.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckVerdict {
    name: String,
    required: bool,
    kind: Kind,
    ending: Option<Ending>,
    micros: u64,
    log: Option<Hash>,
    counts: Option<Counts>,
    why: Option<String>,
    fails: Names,
    as_before: Names,
    flaky: Names,
    known_flaky: Names,
    gone: Names,
    muted: Names,
}

/// Some names, and how many there are besides.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Names {
    names: Vec<String>,
    more: u64,
}

impl Names {
    fn of<'a>(all: impl IntoIterator<Item = &'a str>) -> Self {
        let mut names = Self::default();
        for name in all {
            if names.names.len() < MOST_NAMES {
                names.names.push(text::excerpt(name, MOST_WIDTH));
            } else {
                names.more += 1;
            }
        }
        names
    }

    /// The first ones.
    pub fn first(&self) -> &[String] {
        &self.names
    }

    /// How many there are in all.
    pub fn count(&self) -> u64 {
        self.more.saturating_add(self.names.len() as u64)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.count() == 0
    }
}

impl Verdict {
    /// Which checks were run.
    pub fn level(&self) -> &Level {
        &self.level
    }

    /// The tree that was judged.
    pub fn tree(&self) -> Oid {
        self.tree
    }

    /// The tree that it was compared with.
    pub fn base(&self) -> Option<Oid> {
        self.base
    }

    /// The digest of the checks that were wanted and of what is called flaky: another configuration is another verdict.
    pub fn config(&self) -> Hash {
        self.config
    }

    /// Green, no worse or red.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Whether a result with it is a verified one: green, or no worse by the name of each test. What was compared as a whole, or
    /// has lost tests, is no worse as far as is known; whether it is good is for a person to say.
    pub fn verifies(&self) -> bool {
        let known = |check: &CheckVerdict| check.why.is_none() && check.gone.is_empty() && check.muted.is_empty();
        self.kind != Kind::Red
            && self.checks.iter().all(|check| !check.required || check.kind == Kind::Green || known(check))
    }

    /// Each check, in the order of `pit.toml`.
    pub fn checks(&self) -> &[CheckVerdict] {
        &self.checks
    }
}

impl CheckVerdict {
    /// The check.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it counts.
    pub fn required(&self) -> bool {
        self.required
    }

    /// What it adds to the verdict, if it counts.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// How its first run ended; none if it did not run.
    pub fn ending(&self) -> Option<&Ending> {
        self.ending.as_ref()
    }

    /// Microseconds of its first run.
    pub fn micros(&self) -> u64 {
        self.micros
    }

    /// The output of its first run.
    pub fn log(&self) -> Option<Hash> {
        self.log
    }

    /// How many tests passed, failed and were skipped, if its output was understood.
    pub fn counts(&self) -> Option<Counts> {
        self.counts
    }

    /// What is to be said of it besides names.
    pub fn why(&self) -> Option<&str> {
        self.why.as_deref()
    }

    /// Tests that failed, and not on the base.
    pub fn fails(&self) -> &Names {
        &self.fails
    }

    /// Tests that failed on the base too.
    pub fn as_before(&self) -> &Names {
        &self.as_before
    }

    /// Tests that failed once and passed once, and are not called flaky.
    pub fn flaky(&self) -> &Names {
        &self.flaky
    }

    /// Tests that failed once and passed once, and are called flaky: they do not count.
    pub fn known_flaky(&self) -> &Names {
        &self.known_flaky
    }

    /// Tests that ran on the base and are not there any more, or may be skipped without a name.
    pub fn gone(&self) -> &Names {
        &self.gone
    }

    /// Tests that ran on the base and are skipped now.
    pub fn muted(&self) -> &Names {
        &self.muted
    }
}

/// The verdict. The only one who makes it.
pub fn conclude(evidence: &Evidence<'_>) -> Verdict {
    let checks: Vec<CheckVerdict> = evidence.wanted.iter().map(|wanted| judge(wanted, evidence)).collect();
    let counted = checks.iter().filter(|check| check.required).map(|check| check.kind);
    // No check at all proves nothing, and is not green.
    let kind = counted.max().unwrap_or(Kind::Red);
    Verdict {
        level: evidence.level.clone(),
        tree: evidence.tree,
        base: evidence.base.map(|base| base.tree),
        config: config(evidence),
        kind,
        checks,
    }
}

/// The digest of a level's checks and of what is called flaky.
fn config(evidence: &Evidence<'_>) -> Hash {
    let mut parts: Vec<Hash> = vec![Hash::of_parts(&[b"pit checks", evidence.level.name().as_bytes()])];
    for wanted in evidence.wanted {
        let required: &[u8] = if wanted.required { b"required" } else { b"shown" };
        let argv = wanted.argv.iter().map(String::as_bytes);
        let check: Vec<&[u8]> = [wanted.name.as_bytes(), required].into_iter().chain(argv).collect();
        parts.push(Hash::of_parts(&check));
    }
    let flaky: Vec<&[u8]> = evidence.flaky.iter().map(String::as_bytes).collect();
    parts.push(Hash::of_parts(&flaky));
    Hash::of_parts(&parts.iter().map(|part| part.0.as_slice()).collect::<Vec<_>>())
}

fn judge(wanted: &Wanted, evidence: &Evidence<'_>) -> CheckVerdict {
    let found: Vec<&Runs> = evidence.runs.iter().filter(|runs| runs.first.name == wanted.name).collect();
    let twice = evidence.wanted.iter().filter(|other| other.name == wanted.name).count() > 1;
    let (runs, compared) = match found.as_slice() {
        _ if twice => (None, Compared::red("two checks have this name")),
        [] => (None, Compared::red("it was not run")),
        [runs] if runs.first.argv != wanted.argv => (Some(*runs), Compared::red("another command was run")),
        [runs] => {
            let base = evidence.base.and_then(|base| base.runs.iter().find(|base| base.first.name == wanted.name));
            let base = base.filter(|base| base.first.argv == wanted.argv);
            (Some(*runs), compare(wanted, runs, base, evidence.flaky))
        }
        _ => (None, Compared::red("it was run several times")),
    };
    let first = runs.map(|runs| &runs.first);
    CheckVerdict {
        name: text::excerpt(&wanted.name, MOST_WIDTH),
        required: wanted.required,
        kind: compared.kind,
        ending: first.map(|first| first.ending.short()),
        micros: first.map_or(0, |first| first.micros),
        log: first.map(|first| first.log),
        counts: first.and_then(|first| first.report.tests()).map(|tests| tests.counts),
        why: compared.why.map(|why| text::excerpt(&why, MOST_WIDTH)),
        fails: Names::of(compared.fails),
        as_before: Names::of(compared.as_before),
        flaky: Names::of(compared.flaky),
        known_flaky: Names::of(compared.known_flaky),
        gone: Names::of(compared.gone),
        muted: Names::of(compared.muted),
    }
}

impl Ending {
    /// Whether the check itself has ended, well or not: what could not be run says nothing about a tree.
    pub fn has_run(&self) -> bool {
        matches!(self, Self::Exit(_) | Self::Signal(_) | Self::TimedOut)
    }

    /// Whether the same will come of it on every tree: what it is to run is not there.
    pub fn lacks_its_program(&self) -> bool {
        matches!(self, Self::Exit(126 | 127) | Self::NotStarted(_) | Self::Misconfigured(_))
    }

    /// With reasons no longer than a verdict keeps.
    fn short(&self) -> Self {
        let cut = |why: &str| text::excerpt(why, MOST_WIDTH);
        match self {
            Self::NotStarted(why) => Self::NotStarted(cut(why)),
            Self::Skipped(why) => Self::Skipped(cut(why)),
            Self::Misconfigured(why) => Self::Misconfigured(cut(why)),
            other => other.clone(),
        }
    }
}
