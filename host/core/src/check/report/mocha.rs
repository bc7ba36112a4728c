//! Mocha with its `spec` reporter: a tree of tests in which failures have numbers, counts, and the failures by number.

use std::collections::BTreeMap;

use super::jest::untimed;
use super::lines::{how, number};
use super::tally::{Groups, Outcome};
use super::{Confused, Counts, How, Runner, Tally, Tests};

/// Reads it.
pub(super) fn read(lines: &[&str]) -> Option<Result<Tests, Confused>> {
    let at = lines.iter().rposition(|line| count(line, " passing (").is_some())?;
    let tail = lines.get(at..).unwrap_or_default();
    let said = |word: &str| tail.iter().find_map(|line| count(line, word)).unwrap_or(0);
    let said = Counts { passed: said(" passing ("), failed: said(" failing"), skipped: said(" pending") };
    let mut tally = Tally::default();
    let failures = tree(lines.get(..at).unwrap_or_default(), &mut tally);
    let mut within: Option<&str> = None;
    // The next failure's heading: what a failure prints may look like that of any other.
    let mut next = 1_u64;
    for line in tail.iter().skip(1) {
        let heading = line
            .strip_prefix("  ")
            .and_then(number)
            .is_some_and(|(found, rest)| found == next && rest.starts_with(") "));
        if heading {
            within = failures.get(&next).map(String::as_str);
            next += 1;
        } else if let Some(name) = within {
            explain(&mut tally, name, line);
        }
    }
    Some(tally.finish(Runner::Mocha, said, false))
}

/// `  3 passing (5ms)`.
fn count(line: &str, word: &str) -> Option<u64> {
    let (count, rest) = number(line.strip_prefix("  ")?)?;
    rest.starts_with(word).then_some(count)
}

/// Adds the tests of the tree; the names of the failures by their numbers.
fn tree(lines: &[&str], tally: &mut Tally) -> BTreeMap<u64, String> {
    let mut groups = Groups::default();
    let mut failures = BTreeMap::new();
    for line in lines {
        let text = line.trim_start_matches(' ');
        let indent = line.len() - text.len();
        if indent < 2 || text.is_empty() {
            continue;
        }
        groups.leave(indent);
        let failure = number(text).and_then(|(found, rest)| Some((found, rest.strip_prefix(") ")?)));
        let (outcome, title) = match (text.split_once(' '), failure) {
            (_, Some((_, title))) => (Outcome::Failed, title),
            (Some(("✔" | "✓", title)), None) => (Outcome::Passed, untimed(title)),
            (Some(("-", title)), None) => (Outcome::Skipped, title),
            _ => {
                groups.enter(indent, text);
                continue;
            }
        };
        let name = groups.name(None, title);
        tally.add(&name, outcome);
        if title.contains("\" hook") {
            tally.how(&name, How::Error, None);
        }
        if let Some((found, _)) = failure {
            failures.insert(found, name);
        }
    }
    failures
}

fn explain(tally: &mut Tally, name: &str, line: &str) {
    tally.explain(name, line);
    let text = line.trim();
    if let Some(place) = text.strip_prefix("at ") {
        let place = place.rsplit_once('(').map_or(place, |(_, place)| place.trim_end_matches(')'));
        tally.how(name, How::Unsaid, place.rsplitn(3, ':').nth(2));
    } else if !text.is_empty() {
        tally.how(name, how(text), None);
    }
}
