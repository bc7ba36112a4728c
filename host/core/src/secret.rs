//! Values that commands see and agents do not: read from the files that hold them, and taken out of what is shown.
//!
//! A file of secrets has any format, so more is taken for a value than is one: what stands behind `=` or `:`, every
//! quoted text that is no key, the password of an address, and a line that has nothing of all that. What is too short,
//! or a word that stands everywhere, is none: an output without it could not be read.

use std::collections::BTreeSet;

use aho_corasick::{AhoCorasick, MatchKind};

/// Bytes that a value has at least. A shorter one is not taken out.
pub const MIN: usize = 6;
/// Bytes of a value that are looked for: whoever sees so many of a longer one has seen enough.
const MAX: usize = 4096;
/// What stands in the place of a value.
pub const MARK: &str = "[redacted]";

/// Values that tell nobody anything.
const COMMON: &[&str] = &[
    "127.0.0.1",
    "0.0.0.0",
    "debug",
    "development",
    "disabled",
    "enabled",
    "localhost",
    "nobody",
    "postgres",
    "postgresql",
    "production",
    "staging",
    "sqlite",
    "testing",
    "warning",
];

/// Finds values.
#[derive(Clone, Debug, Default)]
pub struct Secrets {
    /// None if there is no value.
    finder: Option<AhoCorasick>,
    values: Vec<Vec<u8>>,
}

/// Takes values out of one stream, however it is cut into pieces.
#[derive(Debug)]
pub struct Redacting<'a> {
    secrets: &'a Secrets,
    held: Vec<u8>,
}

impl Secrets {
    /// Of the files that hold them.
    pub fn of<'a>(files: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut values = BTreeSet::new();
        files.into_iter().filter_map(|file| std::str::from_utf8(file).ok()).for_each(|text| read(text, &mut values));
        let values: Vec<Vec<u8>> = values.into_iter().map(String::into_bytes).collect();
        let finder = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(&values);
        // It fails for more bytes of values than files of secrets may have.
        let finder = finder.ok().filter(|_| !values.is_empty());
        Self { finder, values }
    }

    /// Whether there is no value.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Whether a text has one.
    pub fn are_in(&self, bytes: &[u8]) -> bool {
        self.finder.as_ref().is_some_and(|finder| finder.is_match(bytes))
    }

    /// Begins with a stream.
    pub fn redacting(&self) -> Redacting<'_> {
        Redacting { secrets: self, held: Vec::new() }
    }

    /// A whole text without them.
    pub fn redacted(&self, bytes: &[u8]) -> Vec<u8> {
        let mut stream = self.redacting();
        let mut out = stream.take(bytes);
        out.extend(stream.end());
        out
    }
}

impl Redacting<'_> {
    /// The next piece of the stream: what of it, and of the pieces before, can be shown by now. What may be the beginning
    /// of a value waits.
    pub fn take(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.held.extend_from_slice(bytes);
        self.give(false)
    }

    /// What waited, when nothing more comes.
    pub fn end(&mut self) -> Vec<u8> {
        self.give(true)
    }

    fn give(&mut self, all: bool) -> Vec<u8> {
        let Some(finder) = &self.secrets.finder else { return std::mem::take(&mut self.held) };
        let longest = finder.max_pattern_len();
        // A match that begins before this is as long as it will ever be.
        let sure = if all { self.held.len() } else { (self.held.len() + 1).saturating_sub(longest) };
        let (mut out, mut at) = (Vec::new(), 0);
        for found in finder.find_iter(&self.held) {
            if found.start() >= sure {
                break;
            }
            out.extend_from_slice(&self.held[at..found.start()]);
            out.extend_from_slice(MARK.as_bytes());
            at = found.end();
        }
        let begins = |from: &usize| {
            let rest = &self.held[*from..];
            // Of equal length it is a whole value, that a longer one may begin with.
            self.secrets.values.iter().any(|value| value.starts_with(rest) || rest.starts_with(value))
        };
        let to =
            if all { self.held.len() } else { (sure.max(at)..self.held.len()).find(begins).unwrap_or(self.held.len()) };
        out.extend_from_slice(&self.held[at..to]);
        self.held.drain(..to);
        out
    }
}

/// The values of a file.
fn read(text: &str, values: &mut BTreeSet<String>) {
    for line in text.lines() {
        let line = line.trim();
        let line = line.strip_prefix("export ").unwrap_or(line);
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let quoted = quoted(line);
        let parted = line.split_once('=').or_else(|| line.split_once(": ")).or_else(|| line.split_once(':'));
        match parted {
            Some((_, value)) => {
                let value = value.trim();
                // A comment may follow what is not in quotes.
                let bare = value.split_once(" #").map_or(value, |(value, _)| value).trim_end();
                if value.starts_with(['[', '{']) {
                    flow(value).for_each(|value| add(value, values));
                } else if !value.starts_with(['"', '\'']) {
                    [value, bare].iter().for_each(|value| add(value, values));
                    // An anchor or a tag of YAML stands before what it is about.
                    let marked = bare.strip_prefix(['&', '!']).and_then(|rest| rest.split_once(' '));
                    marked.iter().for_each(|(_, value)| add(value, values));
                }
                // `host:port:database:user:password`
                if line.matches(':').count() >= 4 && !line.contains(['=', ' ', '/']) {
                    line.rsplit(':').take(1).for_each(|value| add(value, values));
                }
            }
            // A line of a key, or of words as `.netrc` has them.
            None if quoted.is_empty() => {
                add(line, values);
                let words: Vec<&str> = line.split_whitespace().collect();
                let pairs = words.windows(2).filter(|pair| ["login", "password", "account"].contains(&pair[0]));
                pairs.for_each(|pair| add(pair[1], values));
            }
            None => {}
        }
        quoted.iter().for_each(|text| {
            add(text, values);
            if let Ok(meant) = serde_json::from_str::<String>(&format!("\"{text}\"")) {
                meant.lines().for_each(|line| add(line, values));
            }
        });
    }
}

/// The items of a list or a table in one line, as YAML has them.
fn flow(value: &str) -> impl Iterator<Item = &str> {
    let items = value.split([',', '[', ']', '{', '}']).map(str::trim);
    items.map(|item| item.split_once(':').map_or(item, |(_, value)| value.trim())).filter(|item| !item.starts_with('"'))
}

/// What stands for itself in an address: `%40` is `@`.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let two = (*first == b'%').then(|| after.get(..2)).flatten().and_then(|two| std::str::from_utf8(two).ok());
        match two.and_then(|two| u8::from_str_radix(two, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_default()
}

/// Texts in quotes that are no keys.
fn quoted(line: &str) -> Vec<&str> {
    let (mut found, mut rest) = (Vec::new(), line);
    while let Some(start) = rest.find(['"', '\'']) {
        let quote = &rest[start..=start];
        let within = &rest[start + 1..];
        let mut escaped = false;
        let end = within.find(|c: char| {
            let ends = !escaped && quote.starts_with(c);
            escaped = !escaped && c == '\\';
            ends
        });
        let Some(end) = end else { break };
        rest = &within[end + 1..];
        if !rest.trim_start().starts_with(':') {
            found.push(&within[..end]);
        }
    }
    found
}

fn add(value: &str, values: &mut BTreeSet<String>) {
    let value = value.trim().trim_end_matches([',', ';']);
    let is_number = value.len() < 8 && value.bytes().all(|byte| byte.is_ascii_digit());
    let is_common = COMMON.iter().any(|common| value.eq_ignore_ascii_case(common));
    if value.len() < MIN || is_number || is_common {
        return;
    }
    // An address is one, and so is the password in it.
    if let Some((_, after)) = value.split_once("//")
        && let Some((user, _)) = after.split('/').next().unwrap_or(after).rsplit_once('@')
    {
        user.split(':').for_each(|part| {
            add(part, values);
            add(&decoded(part), values);
        });
    }
    // As it is, as it is meant where it is escaped, and as JSON and Python show it.
    let meant = value.replace('\\', "");
    let shown = value.replace('\\', "\\\\").replace('"', "\\\"");
    for text in [value, &meant, &shown] {
        if text.len() >= MIN {
            values.insert(text[..text.floor_char_boundary(MAX)].to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(file: &str, output: &str) -> String {
        String::from_utf8(Secrets::of([file.as_bytes()]).redacted(output.as_bytes())).unwrap()
    }

    #[test]
    fn values_of_the_usual_formats_are_found() {
        for (file, output, expected) in [
            ("TOKEN=tok-123456", "is tok-123456.", "is [redacted]."),
            ("export TOKEN='tok-12 3456' # mine", "tok-12 3456", "[redacted]"),
            ("TOKEN=tok-123456 # mine", "tok-123456", "[redacted]"),
            ("TOKEN=a=b=c=d", "x a=b=c=d", "x [redacted]"),
            ("token: tok-123456", "tok-123456", "[redacted]"),
            (
                "{\"token\":\"tok-123456\",\"other\": [\"list-1234\"]}",
                "token tok-123456 list-1234",
                "token [redacted] [redacted]",
            ),
            ("{\"key\": \"-----BEGIN\\nabcdefgh\\n\"}", "abcdefgh", "[redacted]"),
            ("-----BEGIN KEY-----\nMIIBVgIBADANBg\n", "MIIBVgIBADANBg", "[redacted]"),
            ("machine x.org login alice7 password s3cr3t-0", "alice7 s3cr3t-0", "[redacted] [redacted]"),
            ("//npm.example/:_authToken=npm_abcdef", "npm_abcdef", "[redacted]"),
            ("URL=postgres://app:hunter2-x@db/app", "hunter2-x", "[redacted]"),
            ("URL=postgres://app:hunter2-x@db/app", "postgres://app:hunter2-x@db/app", "[redacted]"),
            ("token = \"tok-123456\"\r\n", "tok-123456", "[redacted]"),
            ("https://user:urlpass44@host/path", "urlpass44", "[redacted]"),
            ("URL=db://app:p%40ssword9@db", "p@ssword9", "[redacted]"),
            ("all: {k: inline-12, j: [other-13]}", "inline-12 other-13", "[redacted] [redacted]"),
            ("key: &a anchored-17", "anchored-17", "[redacted]"),
            ("db.example:5432:app:me:pgpass-44", "pgpass-44", "[redacted]"),
            ("A=back\\slash-1", "'back\\\\slash-1'", "'[redacted]'"),
            ("A=\"dq\\$esc\\\"val77\"", "dq$esc\"val77", "[redacted]"),
        ] {
            assert_eq!(shown(file, output), expected, "{file}");
        }
    }

    #[test]
    fn what_tells_nobody_anything_stays() {
        let file = "PORT=8080\nDEBUG=true\nHOST=localhost\nENV=production\n# comment-of-some-length\nN=1234567\nE=\n";
        assert!(Secrets::of([file.as_bytes()]).is_empty());
        assert!(Secrets::of([&b"\xff\xfe\x00binary"[..]]).is_empty());
        assert!(!Secrets::default().are_in(b"anything"));
        assert_eq!(shown("", "anything"), "anything");
    }

    #[test]
    fn a_longer_value_goes_as_a_whole() {
        assert_eq!(shown("A=secret\nB=secret-and-more", "secret-and-more, secret-and"), "[redacted], [redacted]-and");
    }

    #[test]
    fn what_cannot_be_a_value_does_not_wait() {
        let secrets = Secrets::of([&b"A=secret-and-more"[..]]);
        let mut stream = secrets.redacting();
        assert_eq!(stream.take(b"a line\nand sec"), b"a line\nand ");
        assert_eq!(stream.take(b"ond"), b"second");
        assert_eq!(stream.take(b" secret-and-"), b" ");
        assert_eq!(stream.take(b"more!"), b"[redacted]!");
        assert_eq!(stream.take(b"secret"), b"");
        assert_eq!(stream.end(), b"secret");
    }

    proptest::proptest! {
        #[test]
        fn however_it_is_cut_no_value_is_seen(
            values in proptest::collection::vec("[ab]{6,9}", 1..4),
            output in "[ab]{0,60}",
            cuts in proptest::collection::vec(1..9_usize, 0..30),
        ) {
            let file = values.iter().map(|value| format!("K={value}\n")).collect::<String>();
            let secrets = Secrets::of([file.as_bytes()]);
            let (mut stream, mut rest, mut out) = (secrets.redacting(), output.as_bytes(), Vec::new());
            for cut in cuts {
                let (piece, after) = rest.split_at(cut.min(rest.len()));
                out.extend(stream.take(piece));
                rest = after;
            }
            out.extend(stream.take(rest));
            out.extend(stream.end());
            proptest::prop_assert_eq!(&out, &secrets.redacted(output.as_bytes()));
            proptest::prop_assert!(!secrets.are_in(&out));
        }

        #[test]
        fn any_bytes_are_read(file: Vec<u8>, output: Vec<u8>) {
            let _ = Secrets::of([&file[..]]).redacted(&output);
        }
    }
}
