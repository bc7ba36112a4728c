//! `agent.toml`: what an agent says it is, and what it asks for. It asks; nothing in it is given by being written.
//!
//! The build puts the file into the component ([`crate::embed`]), and it is read from there and nowhere else.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use toml::Spanned;

use crate::amount::{Span, Usd};
use crate::argv::ArgvPattern;
use crate::budget::Caps;
use crate::pattern::{PathSet, Pattern};
use crate::policy::Grants;
use crate::strict::{self, Fault, Schema};
use crate::text;

#[cfg(test)]
mod tests;
mod wants;

pub use wants::{Flag, Lack, Want};

/// Bytes that the file may have: hundreds of times what the shipped ones have.
pub const MAX_BYTES: usize = 64 * 1024;
/// Entries that a list may have. A person is to read what is asked for before saying yes.
const MAX_LIST: usize = 64;
/// Settings that an agent may declare.
const MAX_SETTINGS: usize = 32;
/// Characters of a description: two lines of a terminal.
const MAX_DESCRIPTION: usize = 160;
/// Characters of what is said about a setting.
const MAX_ABOUT: usize = 300;
/// Bytes of a setting's value.
const MAX_DEFAULT: usize = 4096;

/// What an agent says of itself, checked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Manifest {
    /// Lower-case letters, digits and `-`.
    pub name: String,
    /// Three numbers, and a pre-release if there is one.
    pub version: String,
    /// One sentence.
    pub description: String,
    /// The package of the contract it was built for: `pit:agent@0.1.0`.
    pub contract: String,
    /// What it asks for.
    pub asks: Asks,
    /// What it wants to spend at most.
    pub budget: Spending,
    /// Settings that a task may give, by name.
    pub settings: BTreeMap<String, Setting>,
}

/// What an agent asks for. What is left out is not asked for.
#[derive(Clone, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Asks {
    /// Aliases of models.
    pub model: Vec<String>,
    /// Globs of paths to list, read and search.
    pub read: Vec<Pattern>,
    /// Globs of paths to write.
    pub write: Vec<Pattern>,
    /// To commit on its own branch and integrate its children.
    pub commit: bool,
    /// Commands to run.
    pub exec: Vec<ArgvPattern>,
    /// Names of variables to set for them.
    pub env: Vec<String>,
    /// To have the person's checks run.
    pub check: bool,
    /// To ask, propose to and notify the person.
    pub human: bool,
    /// To use its team's board.
    pub board: bool,
    /// Names of agents to start.
    pub delegate: Vec<String>,
}

/// Limits as people write them: in `agent.toml` and in every configuration file.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Spending {
    /// US dollars, for the run and all below it.
    pub usd: Option<Usd>,
    /// Tokens, for the run and all below it.
    pub tokens: Option<u64>,
    /// Time since the start in which it was at work.
    pub wall: Option<Span>,
    /// Requests to a model by each agent.
    pub turns: Option<u64>,
}

/// A value that a task may set.
#[derive(Clone, PartialEq, Eq, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Setting {
    /// What it is when the task says nothing.
    pub default: String,
    /// One or two sentences.
    pub about: String,
}

/// The file as it is written. Where a text has a syntax of its own, its place is kept.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(rename = "schema")]
    _schema: i64,
    name: Spanned<String>,
    version: Spanned<String>,
    description: Spanned<String>,
    contract: Spanned<String>,
    #[serde(default)]
    asks: Option<Spanned<Asks>>,
    #[serde(default)]
    budget: Spending,
    #[serde(default)]
    settings: BTreeMap<Spanned<String>, Setting>,
}

impl Manifest {
    /// Reads `agent.toml`.
    ///
    /// # Errors
    /// What is wrong first, and in which line.
    pub fn read(text: &str) -> Result<Self, Fault> {
        let written: Written = strict::read(text, Schema::Required(1), MAX_BYTES)?;
        let check = |value: Spanned<String>, right: fn(&str) -> Result<(), &'static str>| {
            right(value.get_ref())
                .map_err(|why| Fault::value(text, value.span().start, why))
                .map(|()| value.into_inner())
        };
        let (asks, at) = match written.asks {
            Some(asks) => (asks.as_ref().clone(), asks.span().start),
            None => (Asks::default(), 0),
        };
        asks.check().map_err(|why| Fault::value(text, at, why))?;
        let mut settings = BTreeMap::new();
        for (name, setting) in written.settings {
            setting.check().map_err(|why| Fault::value(text, name.span().start, why))?;
            if settings.len() == MAX_SETTINGS {
                return Err(Fault::value(text, name.span().start, format!("more than {MAX_SETTINGS} settings")));
            }
            settings.insert(check(name, is_name)?, setting);
        }
        Ok(Self {
            name: check(written.name, is_name)?,
            version: check(written.version, is_version)?,
            description: check(written.description, is_description)?,
            contract: check(written.contract, is_contract)?,
            asks,
            budget: written.budget,
            settings,
        })
    }

    /// `name@version`, as records and trailers have it.
    pub fn id(&self) -> String {
        format!("{}@{}", self.name, self.version)
    }

    /// Everything that is asked for, as grants. How deep and wide a team may be is for the person to say.
    pub fn asks(&self, depth: u32, width: u32) -> Grants {
        let set = |patterns: &[Pattern]| Arc::new(PathSet { any: patterns.to_vec().into(), ..PathSet::default() });
        Grants {
            model: self.asks.model.clone(),
            read: set(&self.asks.read),
            write: set(&self.asks.write),
            commit: self.asks.commit,
            exec: self.asks.exec.clone(),
            env: self.asks.env.clone(),
            check: self.asks.check,
            human: self.asks.human,
            board: self.asks.board,
            delegate: self.asks.delegate.clone(),
            depth,
            width,
        }
    }

    /// The settings of a task: what it gives, and the defaults of what it does not.
    ///
    /// # Errors
    /// A name that the agent does not declare.
    pub fn settings(&self, given: &[(String, String)]) -> Result<Vec<(String, String)>, UnknownSetting> {
        if let Some((name, _)) = given.iter().find(|(name, _)| !self.settings.contains_key(name)) {
            let known = self.settings.keys().map(String::as_str);
            let meant = strict::nearest(name, known).map(str::to_owned);
            return Err(UnknownSetting { agent: self.name.clone(), name: name.clone(), meant });
        }
        let value = |name: &str, setting: &Setting| {
            let said = given.iter().rev().find(|(given, _)| given == name);
            said.map_or_else(|| setting.default.clone(), |(_, value)| value.clone())
        };
        Ok(self.settings.iter().map(|(name, setting)| (name.clone(), value(name, setting))).collect())
    }
}

/// A task sets what the agent does not know.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the agent {agent} has no setting `{name}`{}", .meant.as_ref().map(|meant| format!("; did you mean `{meant}`?")).unwrap_or_default())]
pub struct UnknownSetting {
    /// The agent.
    pub agent: String,
    /// What was set.
    pub name: String,
    /// What it resembles.
    pub meant: Option<String>,
}

impl Spending {
    /// The limits as the ledger has them.
    pub fn caps(&self) -> Caps {
        Caps {
            micro_usd: self.usd.map(|usd| usd.0),
            tokens: self.tokens,
            turns: self.turns,
            elapsed: self.wall.map(|wall| wall.0),
            ..Caps::default()
        }
    }

    /// The lower of both, item by item.
    #[must_use]
    pub fn min(self, other: Self) -> Self {
        fn least<T: Ord>(one: Option<T>, two: Option<T>) -> Option<T> {
            match (one, two) {
                (Some(one), Some(two)) => Some(one.min(two)),
                (one, two) => one.or(two),
            }
        }
        Self {
            usd: least(self.usd, other.usd),
            tokens: least(self.tokens, other.tokens),
            wall: least(self.wall, other.wall),
            turns: least(self.turns, other.turns),
        }
    }
}

impl Asks {
    fn check(&self) -> Result<(), String> {
        let lists = [
            ("model", self.model.len()),
            ("read", self.read.len()),
            ("write", self.write.len()),
            ("exec", self.exec.len()),
            ("env", self.env.len()),
            ("delegate", self.delegate.len()),
        ];
        if let Some((list, _)) = lists.iter().find(|(_, len)| *len > MAX_LIST) {
            return Err(format!("`{list}` has more than {MAX_LIST} entries"));
        }
        for name in self.model.iter().chain(&self.delegate) {
            is_name(name).map_err(|why| format!("`{}`: {why}", text::excerpt(name, 40)))?;
        }
        let variable = |name: &&String| {
            let right = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'*');
            name.is_empty() || name.len() > 100 || !name.bytes().all(right)
        };
        if let Some(name) = self.env.iter().find(variable) {
            return Err(format!("`{}` names no variable", text::excerpt(name, 40)));
        }
        match self.read.iter().chain(&self.write).find(|pattern| pattern.as_str().chars().any(text::is_hidden)) {
            Some(pattern) => Err(format!("`{}` has characters that nobody can see", text::clean(pattern.as_str()))),
            None => Ok(()),
        }
    }
}

impl Setting {
    fn check(&self) -> Result<(), String> {
        if self.about.chars().count() > MAX_ABOUT || self.default.len() > MAX_DEFAULT {
            return Err(format!("`about` has at most {MAX_ABOUT} characters and `default` {MAX_DEFAULT} bytes"));
        }
        Ok(())
    }
}

/// Whether a text can name an agent, a model's alias or a setting. Nothing that could be taken for a path, a flag or
/// another name that looks alike.
pub fn is_name(name: &str) -> Result<(), &'static str> {
    let right = name.len() <= 40
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && !name.ends_with('-')
        && !name.contains("--")
        && name.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'));
    right.then_some(()).ok_or("a name is up to 40 lower-case letters, digits and single `-`, and begins with a letter")
}

fn is_version(version: &str) -> Result<(), &'static str> {
    let number = |text: &str| {
        (1..=9).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_digit())
            && (text == "0" || !text.starts_with('0'))
    };
    let (numbers, pre) = version.split_once('-').map_or((version, None), |(numbers, pre)| (numbers, Some(pre)));
    let right = numbers.split('.').count() == 3
        && numbers.split('.').all(number)
        && pre.is_none_or(|pre| {
            let part = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
            pre.len() <= 40 && pre.split('.').all(part)
        });
    right.then_some(()).ok_or("a version is three numbers, such as `1.2.0`, or `1.2.0-rc.1`")
}

fn is_description(text: &str) -> Result<(), &'static str> {
    let right =
        !text.trim().is_empty() && text.chars().count() <= MAX_DESCRIPTION && !text.chars().any(text::is_hidden);
    right.then_some(()).ok_or("a description is one line of up to 160 characters that people can see")
}

fn is_contract(contract: &str) -> Result<(), &'static str> {
    let version = contract.strip_prefix("pit:agent@").ok_or("the contract is `pit:agent@` and a version")?;
    is_version(version).map_err(|_| "the contract is `pit:agent@` and a version")
}
