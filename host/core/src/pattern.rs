//! Globs over the paths of a workspace.

use std::fmt;

use globset::{GlobBuilder, GlobMatcher};
use serde::{Deserialize, Serialize, de::Error as _};

/// A glob: `*` and `?` stay within a part of the path, `**` crosses parts, `[ab]` and `{a,b}` choose. Letters count as
/// they are, whatever the file system under a checkout may think.
#[derive(Clone)]
pub struct Pattern {
    text: String,
    glob: GlobMatcher,
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

    /// Compiles a pattern.
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
        Ok(Self { text: text.to_owned(), glob: glob.compile_matcher() })
    }

    /// Whether it matches the whole path.
    pub fn matches(&self, path: &str) -> bool {
        self.glob.is_match(path)
    }

    /// As written.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Pattern {}

impl Serialize for Pattern {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(from)?;
        Self::new(&text).map_err(D::Error::custom)
    }
}

/// Paths that are in: those that match one of `any` and none of `but`, or one of `even`; and are in `within`, if there
/// is one. The default is empty, and nothing is in it.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PathSet {
    /// What is in.
    pub any: Vec<Pattern>,
    /// What is out all the same.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub but: Vec<Pattern>,
    /// What is in although `but` has it: the few that somebody named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub even: Vec<Pattern>,
    /// What a child's paths can never leave: its parent's. Two lists of globs have no list of globs in common, so
    /// the narrowing is kept as it came about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<Box<PathSet>>,
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
        let one_of = |patterns: &[Pattern]| patterns.iter().any(|pattern| pattern.matches(path));
        (one_of(&self.any) && !one_of(&self.but) || one_of(&self.even))
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
        let most = PathSet { but: vec![Pattern::new("secrets/**").unwrap()], ..PathSet::all() };
        assert!(most.has("a") && !most.has("secrets/key"));
        let more = PathSet { even: vec![Pattern::new("secrets/sample").unwrap()], ..most };
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
