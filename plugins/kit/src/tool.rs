//! What a tool is to a model: its schema, its arguments, its answer, and how much of a result is shown.

use orchestra_pit_sdk::Error;
use orchestra_pit_sdk::model::{Tool, ToolResult};
use serde_json::{Map, Value};

/// Bytes of one tool result at most: about 6,000 tokens, so that a few dozen of them fit any window of today, and one
/// of them fits the smallest. Each tool that can have more says how to get the rest.
pub const MAX_RESULT: usize = 24_000;

/// A tool, its parameters given as the text of a JSON Schema object: the same bytes in every request, whatever a
/// library does with maps.
pub fn tool(name: &str, description: &str, parameters: &str) -> Tool {
    Tool { name: name.to_owned(), description: description.to_owned(), parameters: parameters.to_owned() }
}

/// The arguments of a call. What is wrong with them is an error that the model can act on.
#[derive(Debug)]
pub struct Args(Map<String, Value>);

impl Args {
    /// Reads them.
    ///
    /// # Errors
    /// `invalid` for what is no JSON object.
    pub fn new(text: &str) -> Result<Self, Error> {
        match serde_json::from_str(text) {
            Ok(Value::Object(map)) => Ok(Self(map)),
            Ok(_) => Err(invalid("the arguments must be one JSON object")),
            Err(error) => Err(invalid(format!("the arguments are no JSON: {error}"))),
        }
    }

    /// A text that must be there.
    ///
    /// # Errors
    /// `invalid`, naming the argument.
    pub fn text(&self, name: &str) -> Result<&str, Error> {
        self.text_if(name)?.ok_or_else(|| invalid(format!("the argument `{name}` is missing")))
    }

    /// A text that may be left out.
    ///
    /// # Errors
    /// `invalid`, naming the argument.
    pub fn text_if(&self, name: &str) -> Result<Option<&str>, Error> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(invalid(format!("the argument `{name}` must be a text"))),
        }
    }

    /// A path as the workspace spells it: models like to begin with `./` and to end a folder with `/`.
    ///
    /// # Errors
    /// `invalid`, naming the argument.
    pub fn path(&self, name: &str) -> Result<&str, Error> {
        Ok(plain(self.text(name)?))
    }

    /// A whole number that may be left out. Models write numbers as text now and then.
    ///
    /// # Errors
    /// `invalid`, naming the argument.
    pub fn number_if(&self, name: &str) -> Result<Option<i64>, Error> {
        let number = match self.0.get(name) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::String(text)) => text.trim().parse().ok(),
            Some(value) => value.as_i64(),
        };
        number.map(Some).ok_or_else(|| invalid(format!("the argument `{name}` must be a whole number")))
    }

    /// Yes or no; no where it is left out.
    ///
    /// # Errors
    /// `invalid`, naming the argument.
    pub fn flag(&self, name: &str) -> Result<bool, Error> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(_) => Err(invalid(format!("the argument `{name}` must be true or false"))),
        }
    }

    /// A list; empty where it is left out.
    ///
    /// # Errors
    /// `invalid`, naming the argument.
    pub fn list(&self, name: &str) -> Result<&[Value], Error> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(&[]),
            Some(Value::Array(items)) => Ok(items),
            Some(_) => Err(invalid(format!("the argument `{name}` must be a list"))),
        }
    }

    /// A list of texts. One text alone is taken as a list of one.
    ///
    /// # Errors
    /// `invalid`, naming the argument.
    pub fn texts(&self, name: &str) -> Result<Vec<String>, Error> {
        if let Some(Value::String(text)) = self.0.get(name) {
            return Ok(if text.is_empty() { Vec::new() } else { vec![text.clone()] });
        }
        let texts = self.list(name)?.iter().map(|item| item.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>();
        texts.ok_or_else(|| invalid(format!("the argument `{name}` must be a list of texts")))
    }
}

/// An error about a call's arguments.
pub fn invalid(message: impl Into<String>) -> Error {
    Error::new("invalid", message)
}

/// A path without what models put around it.
pub fn plain(path: &str) -> &str {
    let path = path.trim();
    let path = path.strip_prefix("./").unwrap_or(path);
    path.strip_suffix('/').unwrap_or(path)
}

/// What a tool answers.
#[derive(Clone, PartialEq, Debug)]
pub struct Answer {
    /// For the model.
    pub content: String,
    /// What it was about, in a few words: a failure counts as the same when kind and subject are the same.
    pub subject: String,
    /// The kind of the error, if it is one.
    pub error: Option<String>,
}

impl Answer {
    /// It was done.
    pub fn done(subject: impl Into<String>, content: impl Into<String>) -> Self {
        Self { content: content.into(), subject: subject.into(), error: None }
    }

    /// It was not.
    pub fn failed(subject: impl Into<String>, error: &Error) -> Self {
        Self { content: explain(error), subject: subject.into(), error: Some(error.kind.clone()) }
    }

    /// The answer to a call.
    pub fn result(&self, id: &str) -> ToolResult {
        let content = cap(&self.content, MAX_RESULT, "ask for less at a time");
        ToolResult { id: id.to_owned(), content, is_error: self.error.is_some() }
    }
}

/// An error as a model should read it: what happened, which rule, what may be done instead, and, where a second try
/// cannot help, that it cannot.
pub fn explain(error: &Error) -> String {
    let mut text = format!("{}: {}", error.kind, error.message);
    if let Some(rule) = &error.rule {
        text.push_str(&format!("\nrule: {rule}"));
    }
    if let Some(hint) = &error.hint {
        text.push_str(&format!("\nhint: {hint}"));
    }
    for (name, value) in &error.more {
        text.push_str(&format!("\n{name}: {value}"));
    }
    let advice = match error.kind.as_str() {
        "denied" => {
            "This is a rule and no accident: the same call will be denied again, however it is spelled. Do without it, or \
             ask the person."
        }
        "interrupted" => "It is not known whether it had an effect. Look before you repeat it.",
        "unavailable" => "Go on without it.",
        _ => return text,
    };
    text.push('\n');
    text.push_str(advice);
    text
}

/// The start of a text, up to so many bytes, with a last line that says that more was there and how to get it.
pub fn cap(text: &str, most: usize, rest: &str) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let mut end = most;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let shown = text.get(..end).unwrap_or_default();
    // Whole lines where that does not lose much.
    let shown = match shown.rfind('\n') {
        Some(at) if at > end / 2 => shown.get(..at).unwrap_or(shown),
        _ => shown,
    };
    format!("{shown}\n[cut: {} of {} bytes are shown; {rest}]", shown.len(), text.len())
}

/// The first line of a text, up to so many characters; with the list below it, if it only says that there is one.
pub fn first_sentence(text: &str, most: usize) -> String {
    let mut lines = text.trim().lines().map(str::trim);
    let first = lines.next().unwrap_or_default();
    let list: Vec<&str> = match first.ends_with(':') {
        true => lines.map_while(|line| line.strip_prefix("- ")).collect(),
        false => Vec::new(),
    };
    first_line(format!("{first} {}", list.join("; ")).trim_end(), most)
}

/// The first line of a text, up to so many characters.
pub fn first_line(text: &str, most: usize) -> String {
    let line = text.trim().lines().next().unwrap_or_default().trim();
    if line.chars().count() <= most {
        return line.to_owned();
    }
    let mut short: String = line.chars().take(most).collect();
    short.push('…');
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_first_line_that_announces_a_list_has_it() {
        for (text, sentence) in [
            ("invalid: not finished:\n- no test\n- no docs\nrule: x", "invalid: not finished: no test; no docs"),
            ("exit 1\n- a\n- b", "exit 1"),
            ("it is:\nred", "it is:"),
            ("", ""),
        ] {
            assert_eq!(first_sentence(text, 100), sentence);
        }
        assert_eq!(first_sentence("no:\n- tests", 5), "no: t…");
    }

    #[test]
    fn arguments_are_taken_as_models_write_them() {
        let args = Args::new(r#"{"path":"./src/","line":"12","all":true,"paths":"a","none":null}"#).unwrap();
        assert_eq!(args.path("path").unwrap(), "src");
        assert_eq!(args.number_if("line").unwrap(), Some(12));
        assert!(args.flag("all").unwrap());
        assert_eq!(args.texts("paths").unwrap(), ["a"]);
        assert_eq!(args.text_if("none").unwrap(), None);
        assert!(args.list("absent").unwrap().is_empty());
    }

    #[test]
    fn what_is_wrong_with_arguments_is_named() {
        let args = Args::new(r#"{"n":"x","t":1,"l":2,"f":"yes","m":[1]}"#).unwrap();
        let said = |error: Error| error.to_string();
        assert_eq!(said(args.text("path").unwrap_err()), "invalid: the argument `path` is missing");
        assert_eq!(said(args.text("t").unwrap_err()), "invalid: the argument `t` must be a text");
        assert_eq!(said(args.number_if("n").unwrap_err()), "invalid: the argument `n` must be a whole number");
        assert_eq!(said(args.list("l").unwrap_err()), "invalid: the argument `l` must be a list");
        assert_eq!(said(args.flag("f").unwrap_err()), "invalid: the argument `f` must be true or false");
        assert_eq!(said(args.texts("m").unwrap_err()), "invalid: the argument `m` must be a list of texts");
        assert!(said(Args::new("{").unwrap_err()).contains("no JSON"));
        assert!(said(Args::new("[]").unwrap_err()).contains("one JSON object"));
    }

    #[test]
    fn a_denial_names_rule_and_hint_and_ends_the_trying() {
        let error = Error {
            rule: Some("protected-paths".into()),
            hint: Some("ask for it".into()),
            more: vec![("run".into(), "3f.2".into())],
            ..Error::new("denied", "write .git/hooks/x")
        };
        let said = explain(&error);
        assert!(said.starts_with("denied: write .git/hooks/x\nrule: protected-paths\nhint: ask for it\nrun: 3f.2\n"));
        assert!(said.contains("will be denied again"));
        assert_eq!(explain(&Error::new("conflict", "no")), "conflict: no");
    }

    #[test]
    fn a_long_text_is_cut_at_a_line_and_says_so() {
        let text = "line of some length\n".repeat(100);
        let short = cap(&text, 200, "read on with first_line");
        assert!(short.ends_with("\n[cut: 199 of 2000 bytes are shown; read on with first_line]"), "{short}");
        assert_eq!(cap("short", 5, ""), "short");
        assert!(cap(&"é".repeat(50), 11, "x").starts_with("ééééé\n"));
    }
}
