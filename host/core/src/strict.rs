//! TOML that people write, read strictly: an unknown key is an error that names its line and the key that was meant.

use std::fmt;

use serde::de::DeserializeOwned;
use toml::de::{DeTable, DeValue, Deserializer};

/// A place in a file, both counted from 1.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The column, in characters.
    pub column: usize,
}

/// What is wrong with a file, and where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    /// Where.
    pub at: Place,
    /// What.
    pub what: What,
}

/// What can be wrong with a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum What {
    /// It has more bytes than such a file may have.
    Large {
        /// Bytes that it may have.
        most: usize,
    },
    /// It is not TOML.
    Syntax(String),
    /// It is written for another version of the format.
    Schema {
        /// What it says; none if it says nothing, or something that is not a number.
        found: Option<i64>,
        /// What is read here.
        reads: i64,
    },
    /// A key that means nothing here.
    UnknownKey {
        /// As written.
        key: String,
        /// The known key it resembles.
        meant: Option<String>,
        /// The known keys.
        known: Vec<String>,
    },
    /// A key that must be there is not.
    MissingKey(String),
    /// A value that cannot be.
    Value(String),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.line)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.at, self.what)
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Large { most } => write!(f, "the file has more than {most} bytes"),
            Self::Syntax(message) => write!(f, "not TOML: {message}"),
            Self::Schema { found: None, reads } => write!(f, "the file has to begin with `schema = {reads}`"),
            Self::Schema { found: Some(found), reads } => {
                write!(f, "written for schema {found}, and this version of pit reads {reads}")
            }
            Self::UnknownKey { key, meant: Some(meant), .. } => {
                write!(f, "unknown key `{key}`; did you mean `{meant}`?")
            }
            Self::UnknownKey { key, meant: None, known } if known.is_empty() => {
                write!(f, "unknown key `{key}`; there are none here")
            }
            Self::UnknownKey { key, meant: None, known } => {
                write!(f, "unknown key `{key}`; there are `{}`", known.join("`, `"))
            }
            Self::MissingKey(key) => write!(f, "the key `{key}` is missing"),
            Self::Value(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for Fault {}

/// Whether a file must say which schema it has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Schema {
    /// It must.
    Required(i64),
    /// It may; if it does, it must be this.
    Optional(i64),
}

impl Fault {
    /// Something that the types could not say, at an offset into the text.
    pub fn value(text: &str, offset: usize, message: impl Into<String>) -> Self {
        Self { at: place(text, offset), what: What::Value(message.into()) }
    }
}

/// The place of an offset in a text.
pub fn place(text: &str, offset: usize) -> Place {
    let before = text.get(..offset.min(text.len())).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    Place { line: before.bytes().filter(|b| *b == b'\n').count() + 1, column: before[line_start..].chars().count() + 1 }
}

/// The known word that a word most resembles, if one is near enough to have been meant.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // A third of the letters wrong is where guesses begin to look silly. Long words are not compared: it takes
    // quadratic time, and nobody meant them.
    let most = word.chars().count().div_ceil(3);
    known
        .into_iter()
        .filter(|_| word.len() <= 64)
        .map(|known| (strsim::damerau_levenshtein(word, known), known))
        .filter(|(distance, _)| *distance <= most)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}

/// Whether a word is another one with one slip of the hand: a letter that is wrong, missing, too many, or two that changed
/// places. For names that may be any, where [`nearest`] would refuse honest ones.
pub fn is_slip(word: &str, known: &str) -> bool {
    word.len() <= 64 && strsim::damerau_levenshtein(word, known) == 1
}

/// Reads a file of at most `most` bytes. The type must refuse unknown fields and have a field `schema`.
///
/// # Errors
/// What is wrong first, and where.
pub fn read<T: DeserializeOwned>(text: &str, schema: Schema, most: usize) -> Result<T, Fault> {
    let start = Place { line: 1, column: 1 };
    if text.len() > most {
        return Err(Fault { at: start, what: What::Large { most } });
    }
    let document = DeTable::parse(text).map_err(|error| {
        let at = error.span().map_or(start, |span| place(text, span.start));
        Fault { at, what: What::Syntax(error.message().to_owned()) }
    })?;
    // Before anything else, for a newer file's keys are unknown because it is newer.
    let (reads, required) = match schema {
        Schema::Required(reads) => (reads, true),
        Schema::Optional(reads) => (reads, false),
    };
    let said = document.get_ref().get("schema");
    let found = said.and_then(|value| match value.get_ref() {
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).ok(),
        _ => None,
    });
    if found != Some(reads) && (required || said.is_some()) {
        let at = said.map_or(start, |value| place(text, value.span().start));
        return Err(Fault { at, what: What::Schema { found, reads } });
    }
    T::deserialize(Deserializer::from(document)).map_err(|error| {
        let at = error.span().map_or(start, |span| place(text, span.start));
        Fault { at, what: what(error.message()) }
    })
}

/// What a message of serde's says. Its texts are the only form in which it tells, and have not changed since its first version;
/// one that is not understood is passed on as it is.
fn what(message: &str) -> What {
    if let Some(rest) = message.strip_prefix("unknown field `") {
        let (key, known) = rest.rsplit_once("`, expected ").or_else(|| rest.rsplit_once("`, ")).unwrap_or((rest, ""));
        let known = quoted(known);
        let meant = nearest(key, known.iter().map(String::as_str)).map(str::to_owned);
        return What::UnknownKey { key: key.to_owned(), meant, known };
    }
    if let Some(key) = message.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`')) {
        return What::MissingKey(key.to_owned());
    }
    if let Some((word, known)) =
        message.strip_prefix("unknown variant `").and_then(|rest| rest.rsplit_once("`, expected "))
    {
        let known = quoted(known);
        let hint = match nearest(word, known.iter().map(String::as_str)) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("there are `{}`", known.join("`, `")),
        };
        return What::Value(format!("`{word}` is not known here; {hint}"));
    }
    let typed = message.strip_prefix("invalid type: ").or_else(|| message.strip_prefix("invalid value: "));
    if let Some((found, wanted)) = typed.and_then(|rest| rest.rsplit_once(", expected ")) {
        return What::Value(format!("expected {}, found {found}", plain(wanted)));
    }
    if message.starts_with("data did not match any variant of untagged enum") {
        return What::Value("the value has not the form that is expected here".into());
    }
    What::Value(message.to_owned())
}

/// What stands in backquotes.
fn quoted(text: &str) -> Vec<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// A type's name as people say it.
fn plain(wanted: &str) -> &str {
    match wanted {
        "f64" | "f32" => "a number",
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number, not negative",
        "i8" | "i16" | "i32" | "i64" => "a whole number",
        "a boolean" => "true or false",
        "a sequence" => "a list",
        "a map" => "a table",
        other if other.starts_with("struct ") => "a table",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct File {
        #[serde(default, rename = "schema")]
        _schema: u32,
        #[serde(default)]
        table: Inner,
        #[serde(default)]
        word: Option<Word>,
    }

    #[derive(Debug, Default, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        number: u32,
        #[serde(default)]
        list: Vec<String>,
        #[serde(default)]
        wide: f64,
        #[serde(default)]
        yes: bool,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    enum Word {
        Deny,
        Ask,
    }

    fn fault(text: &str) -> String {
        read::<File>(text, Schema::Required(1), 1000).unwrap_err().to_string()
    }

    #[test]
    fn a_right_file_is_read() {
        let file: File = read(
            "schema = 1\nword = \"ask\"\n[table]\nnumber = 3\nlist = [\"a\"]\nwide = 2\nyes = true",
            Schema::Required(1),
            1000,
        )
        .unwrap();
        assert_eq!((file.table.number, file.table.list.len(), file.table.wide), (3, 1, 2.0));
        assert!(file.table.yes && matches!(file.word, Some(Word::Ask)));
        assert!(read::<File>("", Schema::Optional(1), 1000).is_ok());
    }

    #[test]
    fn each_fault_names_its_line() {
        for (text, said) in [
            ("", "line 1: the file has to begin with `schema = 1`"),
            ("schema = \"1\"", "line 1: the file has to begin with `schema = 1`"),
            ("\nschema = 2\nnew = 1", "line 2: written for schema 2, and this version of pit reads 1"),
            ("schema = 1\nx = ", "line 2: not TOML: string values must be quoted, expected literal string"),
            ("schema = 1\ntabel.number = 1", "line 2: unknown key `tabel`; did you mean `table`?"),
            (
                "schema = 1\n[table]\nnumber = 1\nzzz = 1",
                "line 4: unknown key `zzz`; there are `number`, `list`, `wide`, `yes`",
            ),
            ("schema = 1\n\n[table]\n", "line 3: the key `number` is missing"),
            ("schema = 1\nword = \"dney\"", "line 2: `dney` is not known here; did you mean `deny`?"),
            ("schema = 1\nword = \"perhaps\"", "line 2: `perhaps` is not known here; there are `deny`, `ask`"),
            ("schema = 1\n[table]\nnumber = -1", "line 3: expected a whole number, not negative, found integer `-1`"),
            ("schema = 1\n[table]\nnumber = 1\nlist = \"a\"", "line 4: expected a list, found string \"a\""),
            ("schema = 1\n[table]\nnumber = 1\nwide = \"a\"", "line 4: expected a number, found string \"a\""),
            ("schema = 1\ntable = 1", "line 2: expected a table, found integer `1`"),
        ] {
            assert_eq!(fault(text), said, "{text}");
        }
        assert_eq!(fault(&" ".repeat(1001)), "line 1: the file has more than 1000 bytes");
    }

    #[test]
    fn a_guess_is_near_or_not_made() {
        assert_eq!(nearest("raed", ["read", "write"]), Some("read"));
        assert_eq!(nearest("wirte", ["read", "write"]), Some("write"));
        assert_eq!(nearest("budget", ["read", "write"]), None);
        assert_eq!(nearest(&"read".repeat(40), ["read"]), None);
    }

    #[test]
    fn places_count_characters() {
        assert_eq!(place("é = 1\nüb x", 10), Place { line: 2, column: 3 });
        assert_eq!(place("a", 99), Place { line: 1, column: 2 });
    }
}
