//! JUnit's XML, which most runners can write: a reader of just enough XML, with no entities but the five and numbers,
//! no documents but the one given, and nothing that a text could make grow.

use std::collections::BTreeMap;

use super::files::without;
use super::lines::how;
use super::tally::Outcome;
use super::{Confused, How, MOST_TESTS, Report, Runner, Tally, Tests};
use crate::secret::Secrets;

/// What a JUnit file says.
pub fn junit(text: &str) -> Report {
    match document(text) {
        Ok(tests) => Report::Understood(Box::new(tests)),
        Err(why) => Report::NotUnderstood { why },
    }
}

/// Reads it, if the output is such a file and nothing else.
pub(super) fn read(lines: &[&str]) -> Option<Result<Tests, Confused>> {
    let first = lines.iter().find(|line| !line.trim().is_empty())?;
    let is_one = first.trim_start().starts_with("<?xml") || first.trim_start().starts_with("<testsuite");
    (is_one && lines.iter().any(|line| line.contains("<testsuite"))).then(|| document(&lines.join("\n")))
}

/// A piece of a document.
enum Piece<'a> {
    Open { name: &'a str, attributes: &'a str, empty: bool },
    Close(&'a str),
    Text(&'a str),
    Cut,
}

/// The next piece, and what follows it.
fn piece(text: &str) -> Option<(Piece<'_>, &str)> {
    let Some(tag) = text.strip_prefix('<') else {
        let (plain, rest) = text.split_at_checked(text.find('<').unwrap_or(text.len()))?;
        return (!plain.is_empty()).then_some((Piece::Text(plain), rest));
    };
    let until = |rest: &'_ str, end: &str| rest.find(end).map(|at| (at, at + end.len()));
    for (begin, end, keep) in [("![CDATA[", "]]>", true), ("!--", "-->", false), ("?", "?>", false), ("!", ">", false)]
    {
        if let Some(rest) = tag.strip_prefix(begin) {
            let Some((at, after)) = until(rest, end) else { return Some((Piece::Cut, "")) };
            let inner = if keep { rest.get(..at) } else { None };
            return Some((Piece::Text(inner.unwrap_or_default()), rest.get(after..).unwrap_or_default()));
        }
    }
    let Some(end) = end_of_tag(tag) else { return Some((Piece::Cut, "")) };
    let (inner, rest) = (tag.get(..end)?, tag.get(end + 1..)?);
    if let Some(name) = inner.strip_prefix('/') {
        return Some((Piece::Close(name.trim()), rest));
    }
    let empty = inner.ends_with('/');
    let inner = inner.trim_end_matches('/');
    let (name, attributes) = inner.split_once(|c: char| c.is_whitespace()).unwrap_or((inner, ""));
    Some((Piece::Open { name, attributes, empty }, rest))
}

/// Where a tag ends: at the first `>` outside of quotes.
fn end_of_tag(tag: &str) -> Option<usize> {
    let mut quote = None;
    tag.char_indices().find_map(|(at, c)| match (quote, c) {
        (None, '>') => Some(at),
        (None, '"' | '\'') => {
            quote = Some(c);
            None
        }
        (Some(open), c) if open == c => {
            quote = None;
            None
        }
        _ => None,
    })
}

fn attribute(attributes: &str, wanted: &str) -> Option<String> {
    let mut rest = attributes.trim_start();
    while let Some((name, after)) = rest.split_once('=') {
        let after = after.trim_start();
        let quote = after.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        let (value, next) = after.get(1..)?.split_once(quote)?;
        if name.trim() == wanted {
            return Some(unescape(value));
        }
        rest = next.trim_start();
    }
    None
}

fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((plain, after)) = rest.split_once('&') {
        out.push_str(plain);
        // Not looked for further than a name is long, or many `&` would each read all that follows.
        let end = after.bytes().take(10).position(|b| b == b';');
        let Some((name, next)) = end.and_then(|end| Some((after.get(..end)?, after.get(end + 1..)?))) else {
            out.push('&');
            rest = after;
            continue;
        };
        let code = name.strip_prefix('#').and_then(|code| match code.strip_prefix('x') {
            Some(hex) => u32::from_str_radix(hex, 16).ok(),
            None => code.parse().ok(),
        });
        out.push(match name {
            "lt" => '<',
            "gt" => '>',
            "amp" => '&',
            "quot" => '"',
            "apos" => '\'',
            _ => code.and_then(char::from_u32).unwrap_or('\u{fffd}'),
        });
        rest = next;
    }
    out + rest
}

/// A test case.
pub(super) struct Case {
    pub(super) name: String,
    pub(super) outcome: Outcome,
    file: Option<String>,
    how: How,
    text: String,
}

fn document(text: &str) -> Result<Tests, Confused> {
    let mut tally = Tally::default();
    for case in cases(text)? {
        case.add(&case.name, &mut tally);
    }
    let said = tally.counts();
    tally.finish(Runner::Junit, said, false)
}

/// What a file is read into.
#[derive(Default)]
struct Reading {
    cases: Vec<Case>,
    open: Option<Case>,
    /// For each open suite, how many cases it says that it has, and how many there were before it.
    suites: Vec<(Option<u64>, usize)>,
    /// Within a failure's own text.
    within: bool,
    /// Elements of suites that are open, and whether the outermost was closed.
    depth: u64,
    closed: bool,
}

/// The test cases of a file, each with a name that no other of it has.
pub(super) fn cases(text: &str) -> Result<Vec<Case>, Confused> {
    let mut reading = Reading::default();
    // Some writers begin with a mark of the order of bytes.
    let mut rest = text.trim_start_matches('\u{feff}').trim();
    while let Some((piece, after)) = piece(rest) {
        rest = after;
        match piece {
            Piece::Cut => return Err(CUT.to_owned()),
            Piece::Open { name, attributes, empty } => reading.open(name, attributes, empty)?,
            Piece::Text(found) => reading.text(found),
            Piece::Close(name) => reading.close(name)?,
        }
        if reading.cases.len() > MOST_TESTS {
            return Err(format!("there are more than {MOST_TESTS} tests"));
        }
    }
    match reading {
        Reading { closed: false, depth: 0, .. } => Err("it has no `testsuite`, and is no JUnit file".to_owned()),
        Reading { closed: true, depth: 0, open: None, cases, .. } => Ok(told_apart(cases)),
        _ => Err(CUT.to_owned()),
    }
}

const CUT: &str = "the JUnit file is cut short";

impl Reading {
    fn open(&mut self, name: &str, attributes: &str, empty: bool) -> Result<(), Confused> {
        match name {
            "testsuite" | "testsuites" => {
                self.depth += 1;
                if name == "testsuite" {
                    let said = attribute(attributes, "tests").and_then(|tests| tests.parse().ok());
                    self.suites.push((said, self.cases.len()));
                }
                if empty {
                    self.close(name)?;
                }
            }
            "testcase" => {
                if self.open.replace(Case::new(attributes)).is_some() {
                    return Err("a test case is within another".to_owned());
                }
                if empty {
                    self.close(name)?;
                }
            }
            "failure" | "error" | "skipped" => match &mut self.open {
                Some(case) => {
                    case.result(name, attributes);
                    self.within = !empty && name != "skipped";
                }
                // Which test it is of is not said, and to leave it out would be to hide it.
                None if name != "skipped" => return Err("something failed outside of any test case".to_owned()),
                None => {}
            },
            _ => {}
        }
        Ok(())
    }

    fn text(&mut self, found: &str) {
        if let Some(case) = self.open.as_mut().filter(|_| self.within) {
            case.text.push_str(&unescape(found));
        }
    }

    fn close(&mut self, name: &str) -> Result<(), Confused> {
        match name {
            "testcase" => {
                self.cases.extend(self.open.take());
                self.within = false;
            }
            "failure" | "error" => self.within = false,
            "testsuite" | "testsuites" => {
                self.depth = self.depth.saturating_sub(1);
                self.closed = self.depth == 0;
                let (said, before) = if name == "testsuite" { self.suites.pop() } else { None }.unwrap_or_default();
                let named = self.cases.len().saturating_sub(before) as u64;
                if let Some(said) = said.filter(|said| *said != named) {
                    return Err(format!("a suite says that it has {said} tests, and {named} are named"));
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// Of cases with one name, which is it: Gradle names those of all parameters by these alone, whatever the method. How many
/// there are is in each name, so that nothing which comes or goes among them makes one of the others look like it.
fn told_apart(mut cases: Vec<Case>) -> Vec<Case> {
    let mut all: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for case in &cases {
        all.entry(case.name.clone()).or_default().1 += 1;
    }
    for case in &mut cases {
        if let Some((nth, of)) = all.get_mut(&case.name).filter(|(_, of)| *of > 1) {
            *nth += 1;
            case.name = format!("{} ({nth} of {of})", case.name);
        }
    }
    cases
}

impl Case {
    fn new(attributes: &str) -> Self {
        let name = attribute(attributes, "name").unwrap_or_default();
        let class = attribute(attributes, "classname").filter(|class| !class.is_empty());
        Self {
            name: class.map_or(name.clone(), |class| format!("{class}::{name}")),
            file: attribute(attributes, "file"),
            outcome: Outcome::Passed,
            how: How::Unsaid,
            text: String::new(),
        }
    }

    fn result(&mut self, word: &str, attributes: &str) {
        if word == "skipped" {
            // What failed as well has failed.
            if self.outcome == Outcome::Passed {
                self.outcome = Outcome::Skipped;
            }
            return;
        }
        self.outcome = Outcome::Failed;
        let message = attribute(attributes, "message").unwrap_or_default();
        let sort = attribute(attributes, "type").unwrap_or_default();
        if self.how == How::Unsaid {
            self.how = match (word, how(&message), how(&sort)) {
                ("error", ..) => How::Error,
                // A message is what the test's author wrote, and may begin with any word.
                (_, _, How::Assertion) => How::Assertion,
                (_, How::Unsaid, of_type) => of_type,
                (_, of_message, _) => of_message,
            };
        }
        self.text.push_str(&message);
        self.text.push('\n');
    }

    /// The same with no value of these in what explains it.
    pub(super) fn without(self, secrets: &Secrets) -> Self {
        let file = self.file.map(|file| without(secrets, &file));
        Self { text: without(secrets, &self.text), file, ..self }
    }

    /// Counts it under a name.
    pub(super) fn add(&self, name: &str, tally: &mut Tally) {
        tally.add(name, self.outcome);
        let mut frames = 0;
        for line in self.text.lines() {
            match frame(line) {
                Some(place) if RUNNERS.iter().any(|of| place.starts_with(of)) => continue,
                Some(_) => frames += 1,
                None => frames = 0,
            }
            if frames <= MOST_FRAMES {
                tally.explain(name, line);
            }
        }
        tally.how(name, self.how, self.file.as_deref());
    }
}

/// Frames of a Java trace that are kept in a row. The last lines of a failure are what is kept of it, and the last dozens of
/// a trace are the runner's: nothing else would be left.
const MOST_FRAMES: usize = 5;

/// Whose frames explain nothing.
const RUNNERS: &[&str] = &[
    "java.",
    "jdk.",
    "sun.",
    "junit.",
    "org.junit.",
    "org.testng.",
    "org.opentest4j.",
    "org.apache.maven.",
    "org.gradle.",
];

/// Where a frame of a Java trace is, without the module or the loader: `at java.base/java.util.ArrayList.forEach(…)`,
/// `at app//shelf.ShelfTest.adds(ShelfTest.java:9)`.
fn frame(line: &str) -> Option<&str> {
    let place = line.trim_start().strip_prefix("at ").filter(|rest| rest.ends_with(')') && rest.contains('('))?;
    Some(place.rsplit_once('/').map_or(place, |(_, place)| place))
}
