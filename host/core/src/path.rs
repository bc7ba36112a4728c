//! Paths inside a workspace, and what is wrong with those that are not.

use std::fmt;

use serde::{Deserialize, Serialize, de::Error as _};

/// A path inside a workspace: UTF-8, relative, with `/`, no `.`, `..`, empty part, NUL or backslash.
///
/// Between an agent and its files there is no file system, so this is all the checking there is: what is equal byte
/// for byte is the same file, and nothing else is.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct RepoPath(String);

/// Why a text is not a path of a workspace.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PathError {
    /// Nothing, or nothing between two slashes.
    #[error("the path is empty or has an empty part")]
    Empty,
    /// Starts with `/`, `\` or a drive letter.
    #[error("the path is absolute; paths start at the workspace's top")]
    Absolute,
    /// `.` or `..` as a part.
    #[error("the path has a `.` or `..`; paths are written out from the workspace's top")]
    Dots,
    /// A character no path may have.
    #[error("the path has a NUL, a control character or a backslash")]
    Character,
    /// A part that git itself would refuse to check out.
    #[error("the path goes into `.git`, which is not part of a workspace")]
    Git,
    /// Longer than [`RepoPath::MAX`].
    #[error("the path is longer than 4096 bytes")]
    Long,
}

impl RepoPath {
    /// Bytes at most: Linux's `PATH_MAX`, so that whatever is kept can be checked out.
    pub const MAX: usize = 4096;

    /// Checks a path as an agent wrote it.
    pub fn new(text: &str) -> Result<Self, PathError> {
        if text.len() > Self::MAX {
            return Err(PathError::Long);
        }
        if text.starts_with(['/', '\\'])
            || (text.as_bytes().get(1) == Some(&b':') && text.as_bytes()[0].is_ascii_alphabetic())
        {
            return Err(PathError::Absolute);
        }
        if text.chars().any(|c| c.is_control() || c == '\\') {
            return Err(PathError::Character);
        }
        for part in text.split('/') {
            match part {
                "" => return Err(PathError::Empty),
                "." | ".." => return Err(PathError::Dots),
                _ if is_dot_git(part) => return Err(PathError::Git),
                _ => {}
            }
        }
        Ok(Self(text.to_owned()))
    }

    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The last part.
    pub fn name(&self) -> &str {
        self.0.rsplit_once('/').map_or(self.0.as_str(), |(_, name)| name)
    }

    /// The folders above, nearest first.
    pub fn ancestors(&self) -> impl Iterator<Item = &str> {
        let mut rest = self.0.as_str();
        std::iter::from_fn(move || {
            rest = rest.rsplit_once('/')?.0;
            Some(rest)
        })
    }
}

/// Whether a file system could take a name for `.git`: by case, by HFS+'s ignored code points, by NTFS's short name,
/// trailing dots and streams. A commit that has such a name could plant hooks on somebody's checkout (CVE-2014-9390).
fn is_dot_git(part: &str) -> bool {
    let ignored = |c: &char| matches!(c, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}');
    // Nearly every part is done with here, without a copy: nothing but these letters is lower-cased to a dot or a g.
    if !part.chars().find(|c| !ignored(c)).is_some_and(|first| matches!(first, '.' | 'g' | 'G')) {
        return false;
    }
    let plain: String = part.chars().filter(|c| !ignored(c)).collect();
    let plain = plain.split(':').next().unwrap_or_default().trim_end_matches([' ', '.']).to_lowercase();
    plain == ".git" || plain == "git~1"
}

impl fmt::Display for RepoPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for RepoPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl std::ops::Deref for RepoPath {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl std::borrow::Borrow<str> for RepoPath {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for RepoPath {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(from)?;
        Self::new(&text).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_git_would_check_out() {
        for good in [
            "a",
            "src/lib.rs",
            ".gitignore",
            ".github/x",
            "a b/ü",
            "git",
            "x.git",
            "..a",
            "a..b",
            "c:/x"[1..].trim_start_matches([':', '/']),
        ] {
            assert_eq!(RepoPath::new(good).map(|p| p.to_string()), Ok(good.to_owned()));
        }
    }

    #[test]
    fn refuses_each_way_out() {
        for (bad, why) in [
            ("", PathError::Empty),
            ("a//b", PathError::Empty),
            ("a/", PathError::Empty),
            ("/etc/passwd", PathError::Absolute),
            ("\\\\host\\x", PathError::Absolute),
            ("C:/x", PathError::Absolute),
            ("c:x", PathError::Absolute),
            ("..", PathError::Dots),
            ("a/../../b", PathError::Dots),
            ("./a", PathError::Dots),
            ("a\0b", PathError::Character),
            ("a\nb", PathError::Character),
            ("a\\..\\b", PathError::Character),
            (".git/hooks/pre-commit", PathError::Git),
            ("sub/.GIT/config", PathError::Git),
            (".g\u{200c}it/config", PathError::Git),
            ("git~1/config", PathError::Git),
            (".git./config", PathError::Git),
            (".git::$INDEX_ALLOCATION/config", PathError::Git),
        ] {
            assert_eq!(RepoPath::new(bad), Err(why), "{bad}");
        }
        assert_eq!(RepoPath::new(&"x".repeat(4097)), Err(PathError::Long));
    }

    #[test]
    fn ancestors_go_up() {
        assert_eq!(RepoPath::new("a/b/c").unwrap().ancestors().collect::<Vec<_>>(), ["a/b", "a"]);
    }
}
