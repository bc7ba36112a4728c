//! JUnit's XML, which most runners can write: a reader of just enough XML, with no entities but the five and numbers,
//! no documents but the one given, and nothing that a text could make grow.

use super::lines::how;
use super::tally::Outcome;
use super::{Confused, How, Report, Runner, Tally, Tests};

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

/// A test case that is being read.
struct Case {
    name: String,
    file: Option<String>,
    outcome: Outcome,
    how: How,
    text: String,
}

fn document(text: &str) -> Result<Tests, Confused> {
    let mut tally = Tally::default();
    // For each open suite, how many cases it says that it has, and how many there were before it.
    let mut suites: Vec<(Option<u64>, u64)> = Vec::new();
    let mut case: Option<Case> = None;
    let (mut cases, mut within, mut depth, mut closed) = (0_u64, false, 0_u64, false);
    let mut rest = text.trim();
    while let Some((piece, after)) = piece(rest) {
        rest = after;
        match piece {
            Piece::Cut => return Err("the JUnit file is cut short".to_owned()),
            Piece::Open { name: "testsuite", attributes, empty } => {
                depth += 1;
                suites.push((attribute(attributes, "tests").and_then(|tests| tests.parse().ok()), cases));
                if empty {
                    (depth, closed) = (depth - 1, depth == 1);
                    agree(&mut suites, cases, &mut tally);
                }
            }
            Piece::Open { name: "testsuites", empty: false, .. } => depth += 1,
            Piece::Open { name: "testsuites", .. } => closed = true,
            Piece::Open { name: "testcase", attributes, empty } => {
                cases += 1;
                let found = open(attributes);
                if empty { found.add(&mut tally) } else { case = Some(found) }
            }
            Piece::Open { name: word @ ("failure" | "error" | "skipped"), attributes, empty } => {
                if let Some(case) = &mut case {
                    case.result(word, attributes);
                    within = !empty && word != "skipped";
                }
            }
            Piece::Open { .. } => {}
            Piece::Text(found) if within => {
                if let Some(case) = &mut case {
                    case.text.push_str(&unescape(found));
                }
            }
            Piece::Text(_) => {}
            Piece::Close("testcase") => {
                if let Some(case) = case.take() {
                    case.add(&mut tally);
                }
                within = false;
            }
            Piece::Close("failure" | "error") => within = false,
            Piece::Close(name @ ("testsuite" | "testsuites")) => {
                depth = depth.saturating_sub(1);
                closed = depth == 0;
                if name == "testsuite" {
                    agree(&mut suites, cases, &mut tally);
                }
            }
            Piece::Close(_) => {}
        }
    }
    if !closed || case.is_some() {
        return Err("the JUnit file is cut short".to_owned());
    }
    let said = tally.counts();
    tally.finish(Runner::Junit, said, false)
}

fn agree(suites: &mut Vec<(Option<u64>, u64)>, cases: u64, tally: &mut Tally) {
    match suites.pop() {
        Some((Some(said), before)) if said != cases - before => {
            tally.confuse(format!("a suite says that it has {said} tests, and {} are named", cases - before));
        }
        _ => {}
    }
}

fn open(attributes: &str) -> Case {
    let name = attribute(attributes, "name").unwrap_or_default();
    let class = attribute(attributes, "classname").filter(|class| !class.is_empty());
    Case {
        name: class.map_or(name.clone(), |class| format!("{class}::{name}")),
        file: attribute(attributes, "file"),
        outcome: Outcome::Passed,
        how: How::Unsaid,
        text: String::new(),
    }
}

impl Case {
    fn result(&mut self, word: &str, attributes: &str) {
        if word == "skipped" {
            self.outcome = Outcome::Skipped;
            return;
        }
        self.outcome = Outcome::Failed;
        let message = attribute(attributes, "message").unwrap_or_default();
        let sort = attribute(attributes, "type").unwrap_or_default();
        if self.how == How::Unsaid {
            self.how = match (word, how(&message), how(&sort)) {
                ("error", ..) => How::Error,
                (_, How::Unsaid, of_type) => of_type,
                (_, of_message, _) => of_message,
            };
        }
        self.text.push_str(&message);
        self.text.push('\n');
    }

    fn add(self, tally: &mut Tally) {
        tally.add(&self.name, self.outcome);
        self.text.lines().for_each(|line| tally.explain(&self.name, line));
        tally.how(&self.name, self.how, self.file.as_deref());
    }
}
