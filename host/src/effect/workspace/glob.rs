//! Globs that know where not to look.

use orchestra_pit_core::call::{Error, ErrorKind};
use orchestra_pit_core::pattern::Pattern;

/// A pattern, and what can be said of the paths it matches without matching them.
pub(crate) struct Glob {
    pattern: Pattern,
    /// The parts at its start that have no special letters: matches are below.
    fixed: Vec<String>,
    /// Parts of a match at most; none with `**`.
    depth: Option<usize>,
    /// Whether folders match too. `a/**` is every file in `a`.
    pub(crate) folders: bool,
}

impl Glob {
    pub(crate) fn new(text: &str) -> Result<Self, Error> {
        let pattern = Pattern::new(text).map_err(|why| Error::new(ErrorKind::Invalid, why.to_string()))?;
        // Braces can hold slashes, so nothing is known of a pattern's parts once there is one.
        let plain = text.split('{').next().unwrap_or_default();
        let parts: Vec<&str> = plain.split('/').collect();
        let special = |part: &&&str| !part.contains(['*', '?', '[', ']', '\\']);
        // The last part names the match itself, not a folder above it.
        let above = parts.len().saturating_sub(1);
        let fixed = parts.iter().take(above).take_while(special).map(|part| (*part).to_owned()).collect();
        let depth = (!text.contains("**") && !text.contains('{')).then_some(parts.len());
        Ok(Self { pattern, fixed, depth, folders: !text.ends_with("**") })
    }

    pub(crate) fn matches(&self, path: &str) -> bool {
        self.pattern.matches(path)
    }

    /// Whether anything below a folder could match.
    pub(crate) fn enters(&self, folder: &str) -> bool {
        let mut parts = 0;
        for (at, part) in folder.split('/').enumerate() {
            parts = at + 1;
            if self.fixed.get(at).is_some_and(|fixed| fixed != part) {
                return false;
            }
        }
        self.depth.is_none_or(|depth| parts < depth)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_glob_enters_only_folders_with_a_possible_match() {
        for (glob, folder, expected) in [
            ("**", "a/b", true),
            ("*", "a", false),
            ("src/*.rs", "src", true),
            ("src/*.rs", "src/x", false),
            ("src/*.rs", "docs", false),
            ("src/**/x", "src/a/b/c", true),
            ("src/**/x", "tests", false),
            ("a/b/c", "a", true),
            ("a/b/c", "a/b", true),
            ("a/b/c", "a/x", false),
            ("{a,b/c}/d", "b/c", true),
            ("x/{a,b/c}/d", "y", false),
            ("*/b", "any", true),
        ] {
            assert_eq!(Glob::new(glob).unwrap().enters(folder), expected, "{glob} into {folder}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_match_is_in_a_folder_that_is_not_entered(
            glob in "[ab*?/{},]{1,8}", path in "[ab]{1,2}(/[ab]{1,2}){0,3}",
        ) {
            if let Ok(glob) = Glob::new(&glob) && glob.matches(&path) {
                for (at, _) in path.match_indices('/') {
                    proptest::prop_assert!(glob.enters(&path[..at]));
                }
            }
        }
    }
}
