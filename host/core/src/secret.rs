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

/// Patterns that are looked for, of all values in all their forms. More than settings and keys come to.
const MOST: usize = 100_000;

/// Finds values, and takes them out.
#[derive(Clone, Debug, Default)]
pub struct Secrets {
    /// None if there is no value.
    finder: Option<AhoCorasick>,
    /// What is looked for, in order.
    values: Vec<Vec<u8>>,
    mark: &'static str,
}

/// Takes values out of one stream, however it is cut into pieces.
#[derive(Debug, Default)]
pub struct Redacting {
    held: Vec<u8>,
}

/// There are more values than can be looked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("there are more values than can be kept from being shown")]
pub struct TooMany;

impl Secrets {
    /// What files hold, each in the forms that [`forms`] has.
    ///
    /// # Errors
    /// If it is too much to be looked for: then none of it would be taken out.
    pub fn of_files<'a>(files: impl IntoIterator<Item = &'a [u8]>) -> Result<Self, TooMany> {
        let mut values = BTreeSet::new();
        // A line that is no text has no value; the others of its file have.
        let lines = files.into_iter().flat_map(|file| file.split(|byte| *byte == b'\n'));
        lines.filter_map(|line| std::str::from_utf8(line).ok()).for_each(|line| read(line, &mut values));
        Self::of(values.iter().flat_map(|value| forms(value, MIN)), MARK)
    }

    /// Of just these, with what stands in their place.
    ///
    /// # Errors
    /// As [`of_files`](Self::of_files).
    pub fn of(values: impl IntoIterator<Item = String>, mark: &'static str) -> Result<Self, TooMany> {
        let mut known = BTreeSet::new();
        for value in values.into_iter().filter(|value| !value.is_empty()) {
            known.insert(value.into_bytes());
            if known.len() > MOST {
                return Err(TooMany);
            }
        }
        let values: Vec<Vec<u8>> = known.into_iter().collect();
        let finder =
            AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(&values).map_err(|_| TooMany)?;
        Ok(Self { finder: (!values.is_empty()).then_some(finder), values, mark })
    }

    /// Whether a text has one.
    pub fn are_in(&self, bytes: &[u8]) -> bool {
        self.finder.as_ref().is_some_and(|finder| finder.is_match(bytes))
    }

    /// A whole text without them.
    pub fn redacted(&self, bytes: &[u8]) -> Vec<u8> {
        let mut stream = Redacting::default();
        let mut out = stream.take(self, bytes);
        out.extend(stream.end(self));
        out
    }

    /// Whether a longer text that begins like this may be a value.
    fn may_begin(&self, text: &[u8]) -> bool {
        let at = self.values.partition_point(|value| value.as_slice() < text);
        self.values.get(at).is_some_and(|value| value.starts_with(text))
    }
}

impl Redacting {
    /// The next piece of the stream: what of it, and of the pieces before, can be shown by now. What may be the beginning
    /// of a value waits. Of a text whole characters come out where whole characters went in.
    pub fn take(&mut self, secrets: &Secrets, bytes: &[u8]) -> Vec<u8> {
        self.held.extend_from_slice(bytes);
        self.give(secrets, false)
    }

    /// What waited, when nothing more comes.
    pub fn end(&mut self, secrets: &Secrets) -> Vec<u8> {
        self.give(secrets, true)
    }

    fn give(&mut self, secrets: &Secrets, all: bool) -> Vec<u8> {
        let Some(finder) = &secrets.finder else { return std::mem::take(&mut self.held) };
        let held = self.held.len();
        // What begins before this is as long as it will ever be.
        let sure = if all { held } else { (held + 1).saturating_sub(finder.max_pattern_len()) };
        let waits = |from: usize, to: usize| (sure.max(from)..to).find(|at| secrets.may_begin(&self.held[*at..]));
        let (mut out, mut at, mut to) = (Vec::new(), 0, None);
        for found in finder.find_iter(&self.held) {
            // Here, or before it, a longer one may begin.
            to = waits(at, found.start() + 1);
            if to.is_some() {
                break;
            }
            out.extend_from_slice(&self.held[at..found.start()]);
            out.extend_from_slice(secrets.mark.as_bytes());
            at = found.end();
        }
        let to = to.or_else(|| waits(at, held)).unwrap_or(held);
        out.extend_from_slice(&self.held[at..to]);
        self.held.drain(..to);
        out
    }
}

/// A value as it may be shown: plain, in hexadecimal, and in base64, wherever in a longer text it stood. What of these is
/// shorter than `least` is left away.
pub fn forms(value: &str, least: usize) -> Vec<String> {
    let bytes = value.as_bytes();
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut forms = vec![value.to_owned(), hex.to_uppercase(), hex];
    for offset in 0..3 {
        let inside = base64_inside(bytes, offset);
        forms.push(inside.replace('+', "-").replace('/', "_"));
        forms.push(inside);
    }
    forms.retain(|form| form.len() >= least);
    forms
}

/// The characters of a text's base64 that depend on this part of it alone, when that begins at `offset` of a group of three.
fn base64_inside(part: &[u8], offset: usize) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bits = |at: usize| {
        let byte = at.checked_sub(offset).and_then(|at| part.get(at)).copied();
        u32::from(byte.unwrap_or(0))
    };
    let first = (offset * 8).div_ceil(6);
    let last = (offset + part.len()) * 8 / 6;
    let digit = |at: usize| {
        let (byte, shift) = (at * 6 / 8, 10 - at * 6 % 8);
        let pair = bits(byte) << 8 | bits(byte + 1);
        DIGITS.get((pair >> shift & 63) as usize).map_or('=', |digit| char::from(*digit))
    };
    (first..last).map(digit).collect()
}

/// The values of a line.
fn read(line: &str, values: &mut BTreeSet<String>) {
    let line = line.trim();
    let line = line.strip_prefix("export ").unwrap_or(line);
    if line.is_empty() || line.starts_with('#') {
        return;
    }
    parts(line).for_each(|value| add(value, values));
    let quoted = quoted(line);
    let parted = line.split_once('=').or_else(|| line.split_once(": ")).or_else(|| line.split_once(':'));
    // What stands at the end of base64 parts nothing.
    match parted.filter(|(_, value)| value.bytes().any(|byte| byte != b'=')) {
        Some((_, value)) => {
            let value = value.trim();
            // A comment may follow what is not in quotes.
            let bare = value.split_once(" #").map_or(value, |(value, _)| value).trim_end();
            if value.starts_with(['[', '{']) {
                flow(value).for_each(|value| add(value, values));
            } else if quoted.is_empty() {
                // Quotes that do not end here are of a value of several lines.
                [value, bare].iter().for_each(|value| add(value.trim_start_matches(['"', '\'']), values));
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
            add(line.trim_end_matches(['"', '\'']), values);
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

/// Values of a line that has several: `export A=1 B=2`, `A=1; B=2`, a query's, JSON's and YAML's in one line, and what stands
/// between two tags.
fn parts(line: &str) -> impl Iterator<Item = &str> {
    let ends = |c: char| c.is_whitespace() || ";,&?{}[]<>\"'|()".contains(c);
    let named = line.split(ends).filter_map(|word| word.split_once(['=', ':']).map(|(_, value)| value));
    // `key: value` in a list of such.
    let spaced = line.split([',', '{', '}', '[', ']']).filter_map(|part| part.split_once(": ").map(|(_, value)| value));
    let tagged = line.split('>').skip(1).filter_map(|rest| rest.split_once('<').map(|(text, _)| text));
    named.chain(spaced).chain(tagged).filter(|value| !value.starts_with(['"', '\'', '/']))
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

    fn of(file: &str) -> Secrets {
        Secrets::of_files([file.as_bytes()]).unwrap()
    }

    fn shown(file: &str, output: &str) -> String {
        String::from_utf8(of(file).redacted(output.as_bytes())).unwrap()
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
            (
                "KEY=\"-----BEGIN\nMIIBVgIBADANBg\nabcdefgh==\n-----END\"",
                "MIIBVgIBADANBg abcdefgh==",
                "[redacted] [redacted]",
            ),
            ("dG9rLTEyMzQ1Ng==", "dG9rLTEyMzQ1Ng==", "[redacted]"),
            ("TOKEN=tok-123456", "746f6b2d313233343536", "[redacted]"),
            ("A=\"dq\\$esc\\\"val77\"", "dq$esc\"val77", "[redacted]"),
            ("export A1=firstvalue B1=secondvalue", "firstvalue, secondvalue", "[redacted], [redacted]"),
            ("A1=firstvalue; B1=secondvalue", "firstvalue, secondvalue", "[redacted], [redacted]"),
            ("{\"user\":\"bob12345\",\"pin\":12345678}", "bob12345 12345678", "[redacted] [redacted]"),
            ("{user: alice77x, password: hunter2hunter2}", "alice77x hunter2hunter2", "[redacted] [redacted]"),
            ("<db><password>xmlpass99</password></db>", "xmlpass99", "[redacted]"),
            ("URL=https://x.org/?token=querytok99&v=1", "querytok99", "[redacted]"),
        ] {
            assert_eq!(shown(file, output), expected, "{file}");
        }
    }

    #[test]
    fn what_tells_nobody_anything_stays() {
        let file = "PORT=8080\nDEBUG=true\nHOST=localhost\nENV=production\n# comment-of-some-length\nN=1234567\nE=\n";
        assert!(of(file).values.is_empty());
        assert!(Secrets::of_files([&b"\xff\xfe\x00binary"[..]]).unwrap().values.is_empty());
        // Beside what is no text, what is.
        assert!(Secrets::of_files([&b"# caf\xe9\nA=\xff\nB=tok-123456"[..]]).unwrap().are_in(b"tok-123456"));
        assert!(!Secrets::default().are_in(b"anything"));
        assert_eq!(shown("", "anything"), "anything");
    }

    #[test]
    fn more_than_can_be_looked_for_is_said_and_not_passed_over() {
        let file: String = (0..MOST).map(|n| format!("K={n}-value\n")).collect();
        assert_eq!(Secrets::of_files([file.as_bytes()]).err(), Some(TooMany));
    }

    #[test]
    fn base64_is_known_wherever_the_value_stood() {
        // Of `x`, `xy` and `xyz` before a value.
        for shown in ["dG9rLTEyMzQ1Ng==", "eHRvay0xMjM0NTY=", "eHl0b2stMTIzNDU2", "eHl6dG9rLTEyMzQ1Ng=="] {
            assert!(self::shown("A=tok-123456", shown).contains(MARK), "{shown}");
        }
        // With both alphabets.
        for shown in ["dG9rfn5+Pz8/", "dG9rfn5-Pz8_"] {
            assert!(self::shown("A=tok~~~???", shown).contains(MARK), "{shown}");
        }
    }

    #[test]
    fn a_longer_value_goes_as_a_whole() {
        assert_eq!(shown("A=secret\nB=secret-and-more", "secret-and-more, secret-and"), "[redacted], [redacted]-and");
    }

    #[test]
    fn what_cannot_be_a_value_does_not_wait() {
        let secrets = of("A=secret-and-more");
        let mut stream = Redacting::default();
        assert_eq!(stream.take(&secrets, b"a line\nand sec"), b"a line\nand ");
        assert_eq!(stream.take(&secrets, b"ond"), b"second");
        assert_eq!(stream.take(&secrets, b" secret-and-"), b" ");
        assert_eq!(stream.take(&secrets, b"more!"), b"[redacted]!");
        assert_eq!(stream.take(&secrets, b"secret"), b"");
        assert_eq!(stream.end(&secrets), b"secret");
    }

    proptest::proptest! {
        #[test]
        fn however_it_is_cut_no_value_is_seen(
            values in proptest::collection::vec("[ab]{6,9}", 1..4),
            output in "[ab]{0,60}",
            cuts in proptest::collection::vec(1..9_usize, 0..30),
        ) {
            let file = values.iter().map(|value| format!("K={value}\n")).collect::<String>();
            let secrets = of(&file);
            let (mut stream, mut rest, mut out) = (Redacting::default(), output.as_bytes(), Vec::new());
            for cut in cuts {
                let (piece, after) = rest.split_at(cut.min(rest.len()));
                out.extend(stream.take(&secrets, piece));
                rest = after;
            }
            out.extend(stream.take(&secrets, rest));
            out.extend(stream.end(&secrets));
            proptest::prop_assert_eq!(&out, &secrets.redacted(output.as_bytes()));
            proptest::prop_assert!(!secrets.are_in(&out));
        }

        #[test]
        fn any_bytes_are_read(file: Vec<u8>, output: Vec<u8>) {
            let _ = Secrets::of_files([&file[..]]).unwrap().redacted(&output);
        }
    }
}
