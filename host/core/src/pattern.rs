//! Globs over the paths of a workspace.

use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use globset::{Glob, GlobBuilder, GlobMatcher, GlobSet, GlobSetBuilder};
use serde::{Deserialize, Serialize, de::Error as _};

/// A glob: `*` and `?` stay within a part of the path, `**` crosses parts, `[ab]` and `{a,b}` choose. Letters count as
/// they are, whatever the file system under a checkout may think.
#[derive(Clone)]
pub struct Pattern(Arc<Inner>);

struct Inner {
    text: String,
    glob: Glob,
    /// Made for the first path: it costs a thousand times what reading the text does, and most that are read from a journal are
    /// never asked.
    matcher: OnceLock<GlobMatcher>,
}

/// Why a text is not a pattern.
#[derive(Debug, thiserror::Error)]
#[error("`{text}` is not a pattern: {why}")]
pub struct PatternError {
    text: String,
    why: String,
}

impl Pattern {
    /// Bytes at most: a pattern is written by a person, and compiling one costs time.
    pub const MAX: usize = 1024;

    /// Reads a pattern.
    pub fn new(text: &str) -> Result<Self, PatternError> {
        let fail = |why: String| PatternError { text: text.chars().take(80).collect(), why };
        if text.is_empty() || text.len() > Self::MAX {
            return Err(fail("it is empty or longer than 1024 bytes".into()));
        }
        if text.starts_with('/') || text.split('/').any(|part| matches!(part, "." | "..")) {
            return Err(fail("patterns start at the workspace's top and have no `.` or `..`".into()));
        }
        let glob = GlobBuilder::new(text)
            .literal_separator(true)
            .backslash_escape(false)
            .empty_alternates(true)
            .build()
            .map_err(|error| fail(error.kind().to_string()))?;
        Ok(Self(Arc::new(Inner { text: text.to_owned(), glob, matcher: OnceLock::new() })))
    }

    /// Whether it matches the whole path.
    pub fn matches(&self, path: &str) -> bool {
        self.0.matcher.get_or_init(|| self.0.glob.compile_matcher()).is_match(path)
    }

    /// As written.
    pub fn as_str(&self) -> &str {
        &self.0.text
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0.text, f)
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.text == other.0.text
    }
}

impl Eq for Pattern {}

impl Serialize for Pattern {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.0.text)
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(from)?;
        Self::new(&text).map_err(D::Error::custom)
    }
}

/// A list of patterns, of which any may match. All are tried at once: a search asks of each file whether it is in a set of fifty.
#[derive(Clone, Default)]
pub struct Patterns(Arc<List>);

#[derive(Default)]
struct List {
    patterns: Vec<Pattern>,
    /// Whether one of them is `**`, which needs no trying.
    all: bool,
    /// Made for the first path; none if they are too many to be tried at once.
    set: OnceLock<Option<GlobSet>>,
}

impl Patterns {
    /// Whether one matches the whole path.
    pub fn match_any(&self, path: &str) -> bool {
        let together = || {
            let mut all = GlobSetBuilder::new();
            self.iter().for_each(|pattern| {
                all.add(pattern.0.glob.clone());
            });
            all.build().ok()
        };
        if self.0.all || self.0.patterns.is_empty() {
            return self.0.all;
        }
        match self.0.set.get_or_init(together) {
            Some(set) => set.is_match(path),
            None => self.iter().any(|pattern| pattern.matches(path)),
        }
    }
}

impl From<Vec<Pattern>> for Patterns {
    fn from(patterns: Vec<Pattern>) -> Self {
        let all = patterns.iter().any(|pattern| pattern.as_str() == "**");
        Self(Arc::new(List { patterns, all, set: OnceLock::new() }))
    }
}

impl FromIterator<Pattern> for Patterns {
    fn from_iter<I: IntoIterator<Item = Pattern>>(patterns: I) -> Self {
        patterns.into_iter().collect::<Vec<_>>().into()
    }
}

impl Deref for Patterns {
    type Target = [Pattern];

    fn deref(&self) -> &[Pattern] {
        &self.0.patterns
    }
}

impl fmt::Debug for Patterns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl PartialEq for Patterns {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Patterns {}

impl Serialize for Patterns {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        (**self).serialize(to)
    }
}

impl<'de> Deserialize<'de> for Patterns {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Vec::deserialize(from).map(Self::from)
    }
}

/// Paths that are in: those that match one of `any` and none of `but`, or one of `even`; and are in `within`, if there
/// is one. The default is empty, and nothing is in it.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PathSet {
    /// What is in.
    pub any: Patterns,
    /// What is out all the same.
    #[serde(default, skip_serializing_if = "is_empty")]
    pub but: Patterns,
    /// What is in although `but` has it: the few that somebody named.
    #[serde(default, skip_serializing_if = "is_empty")]
    pub even: Patterns,
    /// What a child's paths can never leave: its parent's. Two lists of globs have no list of globs in common, so
    /// the narrowing is kept as it came about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<Box<PathSet>>,
}

fn is_empty(patterns: &Patterns) -> bool {
    patterns.is_empty()
}

impl PathSet {
    /// Every path.
    pub fn all() -> Self {
        Self::of(&["**"])
    }

    /// Patterns that are known to be right; one that is not matches nothing.
    pub fn of(patterns: &[&str]) -> Self {
        Self { any: patterns.iter().filter_map(|text| Pattern::new(text).ok()).collect(), ..Self::default() }
    }

    /// These paths, as far as they are in `outer` too.
    #[must_use]
    pub fn narrowed(&self, outer: &Self) -> Self {
        let within = match &self.within {
            Some(inner) => inner.narrowed(outer),
            None => outer.clone(),
        };
        Self { within: Some(Box::new(within)), ..self.clone() }
    }

    /// Whether a path is in.
    pub fn has(&self, path: &str) -> bool {
        (self.any.match_any(path) && !self.but.match_any(path) || self.even.match_any(path))
            && self.within.as_deref().is_none_or(|outer| outer.has(path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_keep_to_parts_and_letters() {
        for (pattern, path, expected) in [
            ("**", "a/b.rs", true),
            ("src/**", "src/a/b", true),
            ("src/**", "src", false),
            ("src/**", "src-secret/a", false),
            ("src", "src-secret", false),
            ("*.rs", "a/b.rs", false),
            ("**/*.rs", "b.rs", true),
            (".env*", ".env.local", true),
            ("**/.env*", "deep/.env", true),
            ("README.md", "readme.md", false),
            ("caf\u{e9}", "cafe\u{301}", false),
            ("{a,b}/*", "b/x", true),
            ("a%2fb", "a/b", false),
        ] {
            assert_eq!(Pattern::new(pattern).unwrap().matches(path), expected, "{pattern} on {path}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for bad in ["", "/etc/*", "../x", "a/./b", "[", "{a", &"x".repeat(1025)] {
            assert!(Pattern::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_empty_set_has_nothing() {
        assert!(!PathSet::default().has("a"));
        let most = PathSet { but: vec![Pattern::new("secrets/**").unwrap()].into(), ..PathSet::all() };
        assert!(most.has("a") && !most.has("secrets/key"));
        let more = PathSet { even: vec![Pattern::new("secrets/sample").unwrap()].into(), ..most };
        assert!(more.has("a") && more.has("secrets/sample") && !more.has("secrets/key"));
        assert!(!more.narrowed(&PathSet::of(&["src/**"])).has("secrets/sample"));
    }

    #[test]
    fn narrowing_never_widens() {
        let parent = PathSet::of(&["src/**"]).narrowed(&PathSet::of(&["**/*.rs"]));
        let child = PathSet::all().narrowed(&parent);
        assert!(child.has("src/a.rs"));
        assert!(!child.has("docs/a.rs") && !child.has("src/a.md"));
    }
}
