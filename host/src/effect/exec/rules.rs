//! What git ignores: `.gitignore` files of a tree, read as git reads them, without a working tree.
//!
//! Matching takes time in proportion to the pattern and the path, whatever a stranger wrote: no backtracking.

use std::sync::Arc;

/// Bytes of one `.gitignore` that are looked at, and patterns of it: hundreds are many.
pub(crate) const MAX_BYTES: u64 = 256 << 10;
const MAX_RULES: usize = 4096;

/// One `.gitignore`.
#[derive(Debug, Default)]
pub(crate) struct Patterns {
    rules: Vec<Rule>,
}

#[derive(Debug)]
struct Rule {
    pattern: Vec<Token>,
    /// `!`: what an earlier rule ignored is not ignored after all.
    keep: bool,
    folders_only: bool,
    /// Without a slash but at its end, a rule is about names in any folder below.
    name_only: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Is(u8),
    /// `?`, and a `[…]` that has these and not those.
    Of(Arc<[bool; 256]>),
    /// `*`
    Some,
    /// `**` at the end.
    All,
    /// `**/`: no folders, or what [`Token::Within`] takes.
    Folders,
    /// Anything that ends with a slash.
    Within,
}

/// Patterns of a folder and of those above it.
pub(crate) struct Scope<'a> {
    above: Option<&'a Scope<'a>>,
    /// Length of the folder's path with its slash.
    prefix: usize,
    rules: Patterns,
}

impl<'a> Scope<'a> {
    /// Of a folder whose path, with its slash, has so many bytes.
    pub(crate) fn new(above: Option<&'a Scope<'a>>, prefix: usize, rules: Patterns) -> Self {
        Self { above, prefix, rules }
    }

    /// Whether a path is ignored by itself. What is in an ignored folder is too, which is for the caller to know.
    pub(crate) fn ignores(&self, path: &[u8], folder: bool) -> bool {
        let mut scope = Some(self);
        while let Some(here) = scope {
            if let Some(ignored) = path.get(here.prefix..).and_then(|path| here.rules.say(path, folder)) {
                return ignored;
            }
            scope = here.above;
        }
        false
    }
}

impl Patterns {
    /// Reads a file. What is no pattern never matches, as in git.
    pub(crate) fn parse(bytes: &[u8]) -> Self {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let lines = bytes.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        Self { rules: lines.filter_map(Rule::parse).take(MAX_RULES).collect() }
    }

    /// Whether a rule with a path may match something below a folder.
    pub(crate) fn enters(&self, folder: &[u8]) -> bool {
        let inner = [folder, b"/"].concat();
        self.rules.iter().any(|rule| !rule.keep && !rule.name_only && reaches(&rule.pattern, &inner))
    }

    /// What the last rule that matches says, if one does.
    pub(crate) fn say(&self, path: &[u8], folder: bool) -> Option<bool> {
        let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or(path);
        let rule = self.rules.iter().rev().find(|rule| {
            (folder || !rule.folders_only) && matches(&rule.pattern, if rule.name_only { name } else { path })
        });
        rule.map(|rule| !rule.keep)
    }
}

impl Rule {
    fn parse(line: &[u8]) -> Option<Self> {
        let line = without_end_spaces(line);
        if line.first().is_none_or(|first| *first == b'#') {
            return None;
        }
        let (keep, line) = line.strip_prefix(b"!").map_or((false, line), |rest| (true, rest));
        let (folders_only, line) = line.strip_suffix(b"/").map_or((false, line), |rest| (true, rest));
        let name_only = !line.contains(&b'/');
        let line = line.strip_prefix(b"/").unwrap_or(line);
        if line.is_empty() {
            return None;
        }
        Some(Self { pattern: tokens(line)?, keep, folders_only, name_only })
    }
}

/// Spaces at the end do not count unless a backslash is before them.
fn without_end_spaces(line: &[u8]) -> &[u8] {
    let (mut at, mut end) = (0, 0);
    while let Some(byte) = line.get(at) {
        at += if *byte == b'\\' { 2 } else { 1 };
        if *byte != b' ' {
            end = at.min(line.len());
        }
    }
    line.get(..end).unwrap_or(line)
}

fn tokens(mut rest: &[u8]) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut at_start = true;
    while let Some((first, after)) = rest.split_first() {
        let starts = at_start;
        at_start = *first == b'/';
        rest = after;
        match first {
            b'*' => {
                let stars = rest.iter().take_while(|byte| **byte == b'*').count();
                rest = rest.get(stars..)?;
                match rest.first() {
                    None if stars > 0 && starts => tokens.push(Token::All),
                    Some(b'/') if stars > 0 && starts => {
                        rest = rest.get(1..)?;
                        at_start = true;
                        tokens.extend([Token::Folders, Token::Within]);
                    }
                    _ => tokens.push(Token::Some),
                }
            }
            b'?' => tokens.push(Token::Of(Arc::new([true; 256]))),
            b'[' => {
                let (class, after) = class(rest)?;
                rest = after;
                tokens.push(Token::Of(Arc::new(class)));
            }
            b'\\' => {
                let (escaped, after) = rest.split_first()?;
                rest = after;
                tokens.push(Token::Is(*escaped));
            }
            plain => tokens.push(Token::Is(*plain)),
        }
    }
    Some(tokens)
}

/// What a `[…]` has, and what follows it.
fn class(mut rest: &[u8]) -> Option<([bool; 256], &[u8])> {
    let mut has = [false; 256];
    let not = matches!(rest.first(), Some(b'!' | b'^'));
    if not {
        rest = rest.get(1..)?;
    }
    let mut first = true;
    loop {
        let (byte, after) = rest.split_first()?;
        rest = after;
        match byte {
            b']' if !first => break,
            b'[' if rest.first() == Some(&b':') => {
                let end = rest.windows(2).position(|two| two == b":]")?;
                let of = named(rest.get(1..end)?)?;
                rest = rest.get(end + 2..)?;
                (0..=255_u8).filter(of).for_each(|byte| has[usize::from(byte)] = true);
            }
            from => {
                let from = if *from == b'\\' { escaped(&mut rest)? } else { *from };
                // Git takes the first letter of a range for itself, even of a range that has nothing in it.
                has[usize::from(from)] = true;
                let mut to = from;
                if rest.first() == Some(&b'-') && rest.get(1).is_some_and(|end| *end != b']') {
                    rest = rest.get(1..)?;
                    to = escaped_or_plain(&mut rest)?;
                }
                (from..=to).for_each(|byte| has[usize::from(byte)] = true);
            }
        }
        first = false;
    }
    if not {
        has.iter_mut().for_each(|has| *has = !*has);
    }
    Some((has, rest))
}

fn escaped(rest: &mut &[u8]) -> Option<u8> {
    let (byte, after) = rest.split_first()?;
    *rest = after;
    Some(*byte)
}

fn escaped_or_plain(rest: &mut &[u8]) -> Option<u8> {
    match escaped(rest)? {
        b'\\' => escaped(rest),
        plain => Some(plain),
    }
}

fn named(class: &[u8]) -> Option<fn(&u8) -> bool> {
    Some(match class {
        b"alnum" => u8::is_ascii_alphanumeric,
        b"alpha" => u8::is_ascii_alphabetic,
        b"blank" => |byte| matches!(byte, b' ' | b'\t'),
        b"cntrl" => u8::is_ascii_control,
        b"digit" => u8::is_ascii_digit,
        b"graph" => u8::is_ascii_graphic,
        b"lower" => u8::is_ascii_lowercase,
        b"print" => |byte| (0x20..0x7f).contains(byte),
        b"punct" => u8::is_ascii_punctuation,
        b"space" => u8::is_ascii_whitespace,
        b"upper" => u8::is_ascii_uppercase,
        b"xdigit" => u8::is_ascii_hexdigit,
        _ => return None,
    })
}

/// Whether a text is what a pattern means.
fn matches(pattern: &[Token], text: &[u8]) -> bool {
    places(pattern, text)[pattern.len()]
}

/// Whether a text is how something may begin that a pattern means.
fn reaches(pattern: &[Token], text: &[u8]) -> bool {
    places(pattern, text).contains(&true)
}

/// Every place in the pattern that the text can have come to, letter by letter.
fn places(pattern: &[Token], text: &[u8]) -> Vec<bool> {
    let mut at = vec![false; pattern.len() + 1];
    at[0] = true;
    pass(pattern, &mut at);
    for byte in text {
        let mut next = vec![false; pattern.len() + 1];
        for (place, token) in pattern.iter().enumerate().filter(|(place, _)| at[*place]) {
            let (stays, goes) = match token {
                Token::Is(letter) => (false, letter == byte),
                Token::Of(class) => (false, *byte != b'/' && class[usize::from(*byte)]),
                Token::Some => (*byte != b'/', false),
                Token::All => (true, false),
                Token::Folders => (false, false),
                Token::Within => (true, *byte == b'/'),
            };
            next[place] |= stays;
            next[place + 1] |= goes;
        }
        pass(pattern, &mut next);
        at = next;
    }
    at
}

/// What can be passed without a letter.
fn pass(pattern: &[Token], at: &mut [bool]) {
    for (place, token) in pattern.iter().enumerate() {
        if at[place] {
            at[place + 1] |= matches!(token, Token::Some | Token::All | Token::Folders);
            if *token == Token::Folders {
                at[place + 2] = true;
            }
        }
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "asks git itself")]
mod tests {
    use super::*;
    use crate::effect::store::tests::Git;
    use std::io::Write as _;
    use std::process::{Command, Stdio};

    const PATTERNS: &[&str] = &[
        "target",
        "/target",
        "target/",
        "*.o",
        "!keep.o",
        "a/b",
        "/a/*.c",
        "a/**",
        "a/**/z",
        "**/z",
        "**",
        "*",
        "?.x",
        "[a-c]x",
        "[!a-c]x",
        "[^a]x",
        "[[:digit:]]x",
        "[]x]",
        "[a",
        "a\\",
        "\\!x",
        "\\#x",
        "#x",
        "x ",
        "x\\ ",
        " x",
        "x\r",
        "{a,b}",
        "a**b",
        "a/**b",
        "b**/z",
        "/",
        "",
        "!",
        "a/",
        "!a/b",
        "a/*",
        "*/z",
        "a?b",
        "a[/]b",
        "\\*",
        "[\\]]x",
        "[z-a]x",
        "[a-]x",
        "./a",
        "a//b",
        "[[:nosuch:]]x",
        "**/",
        "/**/z",
        "x/**/",
        "***",
        "a/***",
        "caf\u{e9}",
        "?",
    ];

    const PATHS: &[&str] = &[
        "target",
        "sub/target",
        "x.o",
        "keep.o",
        "sub/keep.o",
        "a/b",
        "sub/a/b",
        "a/x.c",
        "a/y/x.c",
        "a/z",
        "a/q/r/z",
        "z",
        "y.x",
        "ax",
        "bx",
        "dx",
        "1x",
        "]",
        "]x",
        "x",
        "[a",
        "a\\",
        "!x",
        "#x",
        "x ",
        " x",
        "{a,b}",
        "ab",
        "aqb",
        "a/qb",
        "b1/z",
        "*",
        "a-x",
        "-x",
        "b/z",
        "caf\u{e9}",
        "\u{e9}",
        "x/q/w",
        "zx",
        "a",
    ];

    /// What git says of each path, by its own rules and no others.
    fn by_git(git: &Git, paths: &[&str]) -> Vec<bool> {
        let mut asked = Command::new("git")
            .current_dir(git.dir.path())
            .args(["-c", "core.excludesFile=/dev/null", "check-ignore", "--no-index", "--stdin", "-z", "-v", "-n"])
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut to = asked.stdin.take().unwrap();
        paths.iter().for_each(|path| write!(to, "{path}\0").unwrap());
        drop(to);
        let out = asked.wait_with_output().unwrap();
        let fields: Vec<&[u8]> = out.stdout.split(|byte| *byte == 0).collect();
        let rows = fields.chunks_exact(4);
        let ignored: Vec<bool> = rows.map(|row| !row[2].is_empty() && !row[2].starts_with(b"!")).collect();
        assert_eq!(ignored.len(), paths.len());
        ignored
    }

    /// Whether a path or a folder above it is ignored.
    fn by_us(scope: &Scope<'_>, path: &str) -> bool {
        let slashes = path.match_indices('/').map(|(at, _)| at);
        slashes.clone().any(|at| scope.ignores(&path.as_bytes()[..at], true)) || scope.ignores(path.as_bytes(), false)
    }

    #[test]
    fn a_pattern_means_what_it_means_to_git() {
        let git = Git::new(&[]);
        for pattern in PATTERNS {
            git.put(&[(".gitignore", format!("{pattern}\n").as_bytes())]);
            let scope = Scope::new(None, 0, Patterns::parse(format!("{pattern}\n").as_bytes()));
            let theirs = by_git(&git, PATHS);
            for (path, theirs) in PATHS.iter().zip(theirs) {
                assert_eq!(by_us(&scope, path), theirs, "{pattern:?} and {path:?}: git says {theirs}");
            }
        }
    }

    #[test]
    fn the_last_rule_and_the_nearest_file_win() {
        let git = Git::new(&[]);
        let (top, sub): (&[u8], &[u8]) = (b"*.log\n!important.log\n/b\nsub/c\n", b"!d.log\nimportant.log\n/e\n");
        git.put(&[(".gitignore", top), ("sub/.gitignore", sub)]);
        let above = Scope::new(None, 0, Patterns::parse(top));
        let below = Scope::new(Some(&above), 4, Patterns::parse(sub));
        let paths = [
            "a.log",
            "important.log",
            "b",
            "sub/b",
            "sub/c",
            "sub/d.log",
            "sub/x.log",
            "sub/important.log",
            "sub/e",
            "e",
        ];
        for (path, theirs) in paths.iter().zip(by_git(&git, &paths)) {
            let scope = if path.starts_with("sub/") { &below } else { &above };
            assert_eq!(by_us(scope, path), theirs, "{path}");
        }
    }

    #[test]
    fn a_hostile_pattern_takes_no_longer_than_another() {
        let pattern = format!("{}b", "*a".repeat(2_000));
        let rules = Patterns::parse(pattern.as_bytes());
        let path = "a".repeat(4_000);
        assert_eq!(rules.say(path.as_bytes(), false), None);
        assert_eq!(rules.say(format!("{path}b").as_bytes(), false), Some(true));
        assert_eq!(Patterns::parse("x\n".repeat(MAX_RULES + 9).as_bytes()).rules.len(), MAX_RULES);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_rules(bytes: Vec<u8>, path: Vec<u8>) {
            let _ = Patterns::parse(&bytes).say(&path, true);
        }
    }
}
