//! Vitest: with its verbose reporter a line a test, `FAIL` sections for what failed, and a summary that counts.

use super::lines::{counts, how, of};
use super::tally::Outcome;
use super::{Confused, Counts, How, Runner, Tally, Tests};

/// Tests that share one explanation. With more of them it is kept for the first ones only, or each line would be
/// copied as often as there are tests.
const MOST_TOGETHER: usize = 20;

/// Reads it.
pub(super) fn read(lines: &[&str]) -> Option<Result<Tests, Confused>> {
    let find = |label: &str| lines.iter().rev().find_map(|line| line.trim_start().strip_prefix(label));
    find("Test Files  ")?;
    let said = find("Tests  ")?;
    let said = said.rsplit_once(" (").map_or(said, |(said, _)| said);
    let counted = if said == "no tests" { Some(Vec::new()) } else { counts(said, "|") };
    let Some(counted) = counted else { return Some(Err("Vitest's summary is not one".to_owned())) };
    let mut tally = Tally::default();
    // The tests that one explanation is for: equal errors are shown once, under all of their tests.
    let mut within: Vec<String> = Vec::new();
    let (mut heading, mut files) = (false, 0_u64);
    for line in lines {
        if line.starts_with("⎯⎯") {
            within.clear();
        } else if let Some(name) = line.strip_prefix(" FAIL  ") {
            if !heading {
                within.clear();
            }
            heading = true;
            let whole = !name.contains(" > ");
            let name = name.split_once(" [ ").filter(|_| whole).map_or(name, |(path, _)| path).trim();
            if tally.outcome(name) != Some(Outcome::Failed) {
                tally.add(name, Outcome::Failed);
                files += u64::from(whole);
            }
            if whole {
                tally.how(name, How::Error, None);
            }
            if within.len() < MOST_TOGETHER {
                within.push(name.to_owned());
            }
        } else if within.is_empty() {
            if let Some((name, outcome)) = verbose(line) {
                tally.add(name, outcome);
            }
        } else {
            heading = false;
            within.iter().for_each(|name| explain(&mut tally, name, line));
        }
    }
    if let Some(unhandled) = find("Errors  ") {
        let name = "errors outside of tests";
        tally.add(name, Outcome::Failed);
        tally.how(name, How::Error, None);
        tally.explain(name, unhandled);
        files += 1;
    }
    let said = Counts {
        passed: of(&counted, &["passed", "expected fail"]),
        failed: of(&counted, &["failed"]).saturating_add(files),
        skipped: of(&counted, &["skipped", "todo"]),
    };
    Some(tally.finish(Runner::Vitest, said, false))
}

/// ` ✓ add.test.js > shelf > adds 16ms`. What failed is taken from its section.
fn verbose(line: &str) -> Option<(&str, Outcome)> {
    let (mark, rest) = line.strip_prefix(' ')?.split_once(' ')?;
    let outcome = match mark {
        "✓" => Outcome::Passed,
        "↓" => Outcome::Skipped,
        _ => return None,
    };
    let timed = rest.strip_suffix("ms").and_then(|rest| rest.rsplit_once(' '));
    let name = match timed {
        Some((name, digits)) if digits.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => rest,
    };
    name.contains(" > ").then_some((name, outcome))
}

fn explain(tally: &mut Tally, name: &str, line: &str) {
    tally.explain(name, line);
    if let Some(place) = line.trim_start().strip_prefix("❯ ") {
        tally.how(name, How::Unsaid, place.rsplitn(3, ':').nth(2));
    } else if !line.trim().is_empty() {
        tally.how(name, how(line), None);
    }
}
