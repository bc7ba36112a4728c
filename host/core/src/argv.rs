//! Patterns over a command's arguments: what a grant covers, and what a rule is about however it is wrapped.
//!
//! A pattern is a list: a word stands for itself, `*` in a word for any characters, and `**` as the last word for any
//! further arguments. A grant covers a command by its very words. A rule that asks or refuses is also about a command
//! that another one starts (`env X`, `sh -c`, `xargs`), and where that cannot be read, it counts as meant.

use std::fmt;

use serde::{Deserialize, Serialize};

mod inner;
#[cfg(test)]
mod tests;

use inner::Started;

/// A pattern over a command's arguments.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct ArgvPattern(Vec<String>);

/// Words that a pattern may have: more than anybody reads.
const MOST: usize = 32;

/// Why a list is no pattern.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ArgvError {
    /// It has no word.
    #[error("a pattern of a command has at least one word, such as [\"cargo\", \"test\", \"**\"]")]
    Empty,
    /// `**` before the end.
    #[error("`**` stands for all further arguments, so it can only be the last word")]
    Rest,
    /// Too much of it.
    #[error("a pattern of a command has at most 32 words of 200 bytes, and no control characters")]
    Words,
}

impl TryFrom<Vec<String>> for ArgvPattern {
    type Error = ArgvError;

    fn try_from(words: Vec<String>) -> Result<Self, ArgvError> {
        if words.is_empty() {
            return Err(ArgvError::Empty);
        }
        if words.iter().rev().skip(1).any(|word| word == "**") {
            return Err(ArgvError::Rest);
        }
        let odd = |word: &String| word.len() > 200 || word.chars().any(char::is_control);
        if words.len() > MOST || words.iter().any(odd) {
            return Err(ArgvError::Words);
        }
        Ok(Self(words))
    }
}

impl From<ArgvPattern> for Vec<String> {
    fn from(pattern: ArgvPattern) -> Self {
        pattern.0
    }
}

impl fmt::Display for ArgvPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" "))
    }
}

/// A word of a command as far as it can be known: none is one that only the shell will know.
pub(crate) type Word = Option<String>;

impl ArgvPattern {
    /// Whether it covers every command.
    pub fn is_all(&self) -> bool {
        self.0 == ["**"]
    }

    /// Whether it is about a command, by its very words.
    pub fn is(&self, argv: &[String]) -> bool {
        self.fits(argv.len(), false, |at, pattern| glob(pattern, &argv[at]))
    }

    /// Whether it may be about a command of which not every word is known. The program counts by its last name, wherever it lies.
    fn may_be(&self, words: &[Word], open: bool) -> bool {
        self.fits(words.len(), open, |at, pattern| match words.get(at) {
            None | Some(None) => true,
            Some(Some(word)) if at == 0 => {
                glob(pattern, word) || glob(pattern, word.rsplit('/').next().unwrap_or(word))
            }
            Some(Some(word)) => glob(pattern, word),
        })
    }

    /// Whether it is about a command whatever further arguments it has.
    fn is_with_any(&self, argv: &[String]) -> bool {
        self.0.last().is_some_and(|last| last == "**") && self.is(argv)
    }

    /// `open`: of a command that may have more words.
    fn fits(&self, words: usize, open: bool, fits: impl Fn(usize, &str) -> bool) -> bool {
        let (rest, fixed) = match self.0.split_last() {
            Some((last, before)) if last == "**" => (true, before),
            _ => (false, &self.0[..]),
        };
        let enough = match (rest, open) {
            (_, true) => rest || words <= fixed.len(),
            (true, false) => words >= fixed.len(),
            (false, false) => words == fixed.len(),
        };
        enough && fixed.iter().enumerate().all(|(at, pattern)| fits(at, pattern))
    }
}

/// Whether grants cover a command, and every command that it is seen to start.
pub fn covered(grants: &[ArgvPattern], argv: &[String]) -> bool {
    let all = grants.iter().any(ArgvPattern::is_all);
    let covers = |Started { words, open }: &Started| {
        let known: Option<Vec<String>> = words.iter().cloned().collect();
        let covers =
            |grant: &ArgvPattern, argv: &[String]| if *open { grant.is_with_any(argv) } else { grant.is(argv) };
        known.is_some_and(|argv| grants.iter().any(|grant| covers(grant, &argv)))
    };
    all || (grants.iter().any(|grant| grant.is(argv))
        && inner::commands(argv).is_some_and(|started| started.iter().all(covers)))
}

/// Whether a rule with these patterns is about a command: itself, or one that it starts or may start.
pub fn concerns(patterns: &[ArgvPattern], argv: &[String]) -> bool {
    let own: Vec<Word> = argv.iter().cloned().map(Some).collect();
    let may = |words: &[Word], open: bool| patterns.iter().any(|pattern| pattern.may_be(words, open));
    may(&own, false) || inner::commands(argv).is_none_or(|all| all.iter().any(|one| may(&one.words, one.open)))
}

/// `*` stands for any characters; everything else for itself. Linear but for the usual going back to the last star.
pub(crate) fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t, mut star) = (0, 0, None);
    while t < text.len() {
        if pattern.get(p) == Some(&b'*') {
            star = Some((p, t));
            p += 1;
        } else if pattern.get(p) == Some(&text[t]) {
            p += 1;
            t += 1;
        } else if let Some((at, from)) = star {
            star = Some((at, from + 1));
            p = at + 1;
            t = from + 1;
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}
