//! Rust's own test runner, as `cargo test` starts it: one program after the other in one output.
//!
//! Equal names in two programs are told apart by cargo's `Running … (target/…)` lines. Those go to standard error and
//! the results to standard output, so that either may come first: with as many of the ones as of the others they are
//! matched in order, else each block takes the line before it. What tests print stands between `---- name stdout ----`
//! and the summary, and is never read as results: a summary ends a block only if its counts are those of the block.

use std::collections::{BTreeMap, BTreeSet};

use super::lines::{counts, number, of};
use super::tally::Outcome;
use super::{Confused, Counts, How, Runner, Tally, Tests};

/// One program's results.
#[derive(Default)]
struct Block<'a> {
    /// How many `Running` lines were seen before it.
    after: usize,
    wanted: u64,
    results: Vec<(&'a str, Outcome)>,
    seen: Counts,
    failed: BTreeSet<&'a str>,
    /// Lines that explain a failure, by the failed test's name.
    why: BTreeMap<&'a str, Vec<&'a str>>,
    /// The failure whose lines these are.
    within: Option<&'a str>,
    in_failures: bool,
    complete: bool,
}

/// Reads it.
pub(super) fn read(lines: &[&str]) -> Option<Result<Tests, Confused>> {
    let mut headers: Vec<Header> = Vec::new();
    let mut blocks: Vec<Block<'_>> = Vec::new();
    let (mut stopped, mut finished) = (false, false);
    for line in lines {
        if let Some(block) = blocks.last_mut().filter(|block| !block.complete) {
            // Standard error may be mixed in; outside of what a failed test printed, cargo's lines are cargo's.
            if !(block.within.is_none() && header(line).is_some()) {
                block.line(line);
                continue;
            }
        }
        if let Some(header) = header(line) {
            headers.push(header);
        } else if let Some(wanted) = running(line) {
            blocks.push(Block { after: headers.len(), wanted, ..Block::default() });
        } else if line.starts_with("error: test failed, to rerun pass")
            || line.starts_with("error: doctest failed, to rerun pass")
        {
            stopped = true;
        } else if line.starts_with("error: ") && (line.ends_with("target failed:") || line.ends_with("targets failed:"))
        {
            finished = true;
        }
    }
    if blocks.is_empty() {
        return None;
    }
    let headers = told_apart(headers);
    let mut tally = Tally::default();
    for (at, block) in blocks.iter().enumerate() {
        let header = if headers.len() == blocks.len() { Some(at) } else { block.after.checked_sub(1) };
        block.add(header.and_then(|at| headers.get(at)).map(String::as_str), &mut tally);
    }
    let said = tally.counts();
    Some(tally.finish(Runner::Libtest, said, stopped && !finished))
}

/// `running 5 tests`.
fn running(line: &str) -> Option<u64> {
    let (count, rest) = number(line.strip_prefix("running ")?)?;
    matches!(rest, " test" | " tests").then_some(count)
}

/// A program, as cargo announces it.
struct Header {
    name: String,
    /// By which cargo tells it from others of the name: of the package that it is in, and of nothing in its files.
    mark: String,
}

/// What a program is called: `shelf` for the library, `adds` for `tests/adds.rs`, and with its path where the two differ.
fn header(line: &str) -> Option<Header> {
    if let Some(krate) = line.strip_prefix("   Doc-tests ") {
        return Some(Header { name: format!("{} (doc)", krate.trim()), mark: String::new() });
    }
    let (source, program) = line.strip_prefix("     Running ")?.rsplit_once(" (")?;
    let program = program.strip_suffix(')')?.rsplit(['/', '\\']).next()?.trim_end_matches(".exe");
    let (stem, mark) = program.rsplit_once('-').unwrap_or((program, ""));
    let source = source.strip_prefix("unittests ").unwrap_or(source);
    let file = source.rsplit('/').next()?.trim_end_matches(".rs");
    let same = source == "src/lib.rs" || file == stem;
    let name = if same { stem.to_owned() } else { format!("{stem} ({source})") };
    Some(Header { name, mark: mark.to_owned() })
}

/// Two members of a workspace may have programs of one name. Which is which does not follow from their order: where one is gone,
/// the other would have its name, and its failures.
fn told_apart(headers: Vec<Header>) -> Vec<String> {
    let mut of_a_name: BTreeMap<String, usize> = BTreeMap::new();
    for header in &headers {
        *of_a_name.entry(header.name.clone()).or_default() += 1;
    }
    let alone = |name: &str| of_a_name.get(name).is_none_or(|count| *count == 1);
    let name = |Header { name, mark }| if alone(&name) { name } else { format!("{name} [{mark}]") };
    headers.into_iter().map(name).collect()
}

impl<'a> Block<'a> {
    fn line(&mut self, line: &'a str) {
        if let Some(rest) = line.strip_prefix("test result: ") {
            // What a failed test printed may look like a summary. The true one has the counts of this block.
            self.complete = self.ends_with(rest);
            if self.complete || self.in_failures {
                return;
            }
        }
        if !self.in_failures {
            if line == "failures:" {
                self.in_failures = true;
            } else if let Some((name, outcome)) = result(line) {
                self.result(name, outcome);
            }
            return;
        }
        let section = line.strip_prefix("---- ").and_then(|rest| rest.strip_suffix(" stdout ----"));
        let begins = section.filter(|name| self.failed.contains(name) && !self.why.contains_key(name));
        if let Some(name) = begins {
            self.why.insert(name, Vec::new());
            self.within = Some(name);
        } else if line == "failures:" {
            self.within = None;
        } else if let Some(lines) = self.within.and_then(|name| self.why.get_mut(name)) {
            lines.push(line);
        }
    }

    fn result(&mut self, name: &'a str, outcome: Outcome) {
        self.results.push((name, outcome));
        match outcome {
            Outcome::Passed => self.seen.passed += 1,
            Outcome::Skipped => self.seen.skipped += 1,
            Outcome::Failed => {
                self.seen.failed += 1;
                self.failed.insert(name);
            }
        }
    }

    /// Whether these are the counts of what was seen: `FAILED. 2 passed; 2 failed; 1 ignored; 0 measured; …`.
    fn ends_with(&self, rest: &str) -> bool {
        let Some((word, rest)) = rest.split_once(". ") else { return false };
        let counted = rest.split(';').filter_map(|part| counts(part, ";")).flatten().collect::<Vec<_>>();
        let said = Counts {
            passed: of(&counted, &["passed", "measured"]),
            failed: of(&counted, &["failed"]),
            skipped: of(&counted, &["ignored"]),
        };
        let all = self.results.len() as u64 == self.wanted;
        said == self.seen && all && word == if said.failed == 0 { "ok" } else { "FAILED" }
    }

    fn add(&self, header: Option<&str>, tally: &mut Tally) {
        if !self.complete {
            tally.confuse(match header {
                Some(header) => format!("the results of `{header}` are cut short or do not agree with their summary"),
                None => "results are cut short or do not agree with their summary".to_owned(),
            });
        }
        let names = without_lines(&self.results);
        for ((raw, outcome), name) in self.results.iter().zip(names) {
            let name = header.map_or_else(|| name.clone(), |header| format!("{header}::{name}"));
            tally.add(&name, *outcome);
            explain(tally, &name, self.why.get(raw).map_or(&[], Vec::as_slice));
        }
    }
}

/// `test NAME ... ok`.
fn result(line: &str) -> Option<(&str, Outcome)> {
    let (name, result) = line.strip_prefix("test ")?.rsplit_once(" ... ")?;
    let outcome = match result {
        "ok" => Outcome::Passed,
        "FAILED" => Outcome::Failed,
        result if result.starts_with("ignored") => Outcome::Skipped,
        result if result.starts_with("bench:") => Outcome::Passed,
        _ => return None,
    };
    let notes = [" - should panic", " - compile fail", " - compile"];
    Some((notes.iter().find_map(|note| name.strip_suffix(note)).unwrap_or(name), outcome))
}

/// The names without the lines that doc tests have in them: a line moves with any change above it, and the test is the
/// same. The tests of one item are numbered from the second on.
fn without_lines(results: &[(&str, Outcome)]) -> Vec<String> {
    let split = |name: &str| {
        let (item, line) = name.rsplit_once(" (line ")?;
        Some((item.to_owned(), number(line)?.0))
    };
    let mut of_item: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for (item, line) in results.iter().filter_map(|(name, _)| split(name)) {
        of_item.entry(item).or_default().push(line);
    }
    of_item.values_mut().for_each(|lines| lines.sort_unstable());
    let name = |name: &str| {
        let Some((item, line)) = split(name) else { return name.to_owned() };
        match of_item.get(&item).and_then(|lines| lines.binary_search(&line).ok()) {
            Some(at) if at > 0 => format!("{item} #{}", at + 1),
            _ => item,
        }
    };
    results.iter().map(|(raw, _)| name(raw)).collect()
}

fn explain(tally: &mut Tally, name: &str, lines: &[&str]) {
    let trace = lines.iter().position(|line| *line == "stack backtrace:").unwrap_or(lines.len());
    let said = lines.get(..trace).unwrap_or_default();
    said.iter().for_each(|line| tally.explain(name, line));
    let Some(at) = said.iter().rposition(|line| panicked(line).is_some()) else {
        let missed = said.iter().any(|line| line.starts_with("note: test did not panic as expected"));
        return tally.how(name, if missed { How::Assertion } else { How::Unsaid }, None);
    };
    let message = said.get(at + 1).copied().unwrap_or_default();
    tally.how(name, how(message), said.get(at).and_then(|line| panicked(line)));
}

/// The file that a panic names: `thread 'x' (8092) panicked at src/lib.rs:19:20:`.
pub(super) fn panicked(line: &str) -> Option<&str> {
    let (_, place) = line.trim().strip_prefix("thread '")?.rsplit_once(" panicked at ")?;
    let mut parts = place.trim_end_matches(':').rsplitn(3, ':');
    parts.next()?;
    parts.next()?;
    parts.next()
}

/// What a panic's message says of its cause. An assertion with a message of its own says only that.
pub(super) fn how(message: &str) -> How {
    let message = message.trim();
    if message.starts_with("assertion failed") || message.starts_with("assertion `") {
        How::Assertion
    } else if message.starts_with("called `")
        || message.starts_with("index out of bounds")
        || message.starts_with("not ")
    {
        How::Error
    } else {
        How::Unsaid
    }
}
