//! Finds lines that stand for code instead of being it: `// ... rest of the function ...`.

use std::collections::HashSet;

/// What a comment may start or end with, in the languages that models write.
const MARKS: &[char] =
    &['/', '#', '*', '-', '<', '>', '!', ';', '%', '{', '}', '(', ')', '[', ']', '"', '\'', ' ', '\t'];

/// Characters at most: a placeholder is short, and a long line with such words is prose.
const MAX_CHARS: usize = 100;

/// The first line of some new text that is a placeholder and not already in the file.
pub(super) fn in_new<'a>(new: impl Iterator<Item = &'a str>, file: &[u8]) -> Option<&'a str> {
    let mut there: Option<HashSet<&[u8]>> = None;
    new.filter(|line| is(line)).find(|line| {
        let there = there.get_or_insert_with(|| file.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).collect());
        !there.contains(line.trim().as_bytes())
    })
}

/// Whether a line is one. A comment, or something that starts with dots, that says that code stays as it was. Bare
/// prose and bare dots are not: a Markdown file may say "the rest of the code", and `...` is Python.
fn is(line: &str) -> bool {
    let line = line.trim();
    if line.len() > MAX_CHARS * 4 || line.chars().count() > MAX_CHARS {
        return false;
    }
    let body = line.trim_matches(MARKS).to_lowercase();
    let comment =
        ["//", "#", "/*", "*", "--", "<!--", ";", "%", "{/*", "\"\"\""].iter().any(|mark| line.starts_with(mark));
    let dotted = ["...", "\u{2026}"].iter().any(|dots| body.starts_with(dots) || body.ends_with(dots));
    let words: Vec<&str> = body.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    if words.is_empty() || words.len() > 12 {
        return false;
    }
    let any = |list: &[&str]| words.iter().any(|word| list.contains(word));
    let leads =
        |list: &[&str]| words.iter().find(|word| !FILLERS.contains(word)).is_some_and(|word| list.contains(word));
    if dotted && (comment || line.starts_with(['.', '\u{2026}', '(', '[', '<'])) {
        return any(LEFT_OUT) && (any(CODE) || any(UNCHANGED));
    }
    comment
        && (leads(&["rest", "remainder", "remaining", "existing", "everything"]) || leads(CODE))
        && any(&["rest", "remainder", "remaining", "existing", "everything", "other", "code"])
        && words.iter().all(|word| [FILLERS, LEFT_OUT, CODE, UNCHANGED].iter().any(|list| list.contains(word)))
        && (any(CODE) || any(&["everything", "other"]))
        && (any(UNCHANGED) || leads(&["rest", "remainder"]))
}

const FILLERS: &[&str] = &[
    "the", "of", "this", "your", "its", "is", "are", "be", "as", "in", "all", "and", "here", "goes", "stay", "stays",
    "remain", "remains", "keep", "kept", "left", "exactly", "above", "below", "for", "brevity",
];

const LEFT_OUT: &[&str] = &[
    "rest",
    "remainder",
    "remaining",
    "remains",
    "existing",
    "unchanged",
    "same",
    "omitted",
    "previous",
    "other",
    "others",
    "everything",
    "keep",
    "before",
];

const CODE: &[&str] = &[
    "code",
    "file",
    "function",
    "functions",
    "method",
    "methods",
    "class",
    "classes",
    "implementation",
    "content",
    "contents",
    "logic",
    "component",
    "module",
    "script",
    "body",
    "lines",
    "imports",
    "fields",
    "tests",
    "config",
];

const UNCHANGED: &[&str] =
    &["unchanged", "same", "omitted", "before", "untouched", "unmodified", "brevity", "existing", "remains", "here"];

#[cfg(test)]
mod tests {
    use super::is;

    #[test]
    fn stands_for_code() {
        for line in [
            "... rest of the code ...",
            "// ... rest of the code ...",
            "    # ... existing code ...",
            "// existing code unchanged",
            "// ...existing code...",
            "/* ... remaining methods ... */",
            "<!-- ... rest of the file unchanged ... -->",
            "# rest of the function remains the same",
            "// The rest of your code here",
            "{/* ... existing content ... */}",
            "// … other methods unchanged …",
            "-- remaining code unchanged",
            "# (rest of the file is unchanged)",
            "# ... (rest of the implementation omitted for brevity)",
            "[... rest of file unchanged ...]",
        ] {
            assert!(is(line), "{line}");
        }
    }

    #[test]
    fn is_code_or_prose() {
        for line in [
            "...",
            "    ...",
            "// ...",
            "The rest of the code is in src.",
            "// Reads the rest of the file into the buffer.",
            "// the rest",
            "let x = [...rest];",
            "foo(...args)",
            "# Existing users keep their settings",
            "// existing code paths call this twice",
            "fn rest_of_file() {}",
            "# Loading...",
            "// unchanged",
            "# remaining = total - used",
            "* other methods take a `&mut self`",
        ] {
            assert!(!is(line), "{line}");
        }
    }
}
