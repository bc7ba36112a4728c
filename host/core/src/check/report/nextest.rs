//! `cargo nextest`: a line for each test as it ends, what the failed ones printed, and a summary that repeats them.

use std::collections::BTreeMap;

use super::lines::{counts, number, of};
use super::tally::Outcome;
use super::{Confused, Counts, Runner, Tally, Tests, libtest};

/// Reads it.
pub(super) fn read(lines: &[&str]) -> Option<Result<Tests, Confused>> {
    let (at, summary) = lines.iter().enumerate().rev().find_map(|(at, line)| Some((at, summary(line)?)))?;
    let mut last: BTreeMap<String, Outcome> = BTreeMap::new();
    let mut order: Vec<(String, usize)> = Vec::new();
    let mut tally = Tally::default();
    for (at, line) in lines.iter().enumerate().take(at) {
        let Some((name, outcome, attempt)) = status(line) else { continue };
        order.push((name.clone(), at));
        if last.insert(name.clone(), outcome).is_some() && !attempt {
            tally.confuse(format!("the test `{name}` has two results"));
        }
    }
    last.iter().for_each(|(name, outcome)| tally.add(name, *outcome));
    for (index, (name, from)) in order.iter().enumerate() {
        let to = order.get(index + 1).map_or(at, |(_, next)| *next);
        explain(&mut tally, name, lines.get(from + 1..to).unwrap_or_default());
    }
    Some(summary.finish(tally))
}

struct Summary {
    said: Counts,
    stopped: bool,
}

impl Summary {
    fn finish(self, tally: Tally) -> Result<Tests, Confused> {
        // Skipped tests are counted and never named, so what passed and failed must be all there.
        let mut tests = tally.finish(Runner::Nextest, self.said, self.stopped)?;
        if tests.passed.len() as u64 != self.said.passed {
            return Err(format!(
                "{} tests passed by name, and {} by the summary",
                tests.passed.len(),
                self.said.passed
            ));
        }
        tests.all_named = true;
        Ok(tests)
    }
}

/// `     Summary [   1.000s] 6 tests run: 3 passed (1 slow), 3 failed, 1 skipped`.
fn summary(line: &str) -> Option<Summary> {
    let (_, rest) = line.trim_start().strip_prefix("Summary [")?.split_once("] ")?;
    let (run, results) = rest.split_once(" run: ")?;
    let (ran, after) = number(run)?;
    let planned = after.strip_prefix('/').and_then(number).map(|(planned, _)| planned);
    let plain = without_brackets(results);
    let counted = counts(&plain, ",")?;
    let failed = of(&counted, &["failed", "timed out", "exec failed", "failed due to leaky"]);
    let said = Counts { passed: of(&counted, &["passed"]), failed, skipped: of(&counted, &["skipped"]) };
    let agrees = said.passed.saturating_add(said.failed) == ran;
    agrees.then_some(Summary { said, stopped: planned.is_some_and(|planned| planned != ran) })
}

fn without_brackets(text: &str) -> String {
    let mut depth = 0_u32;
    let mut keep = |c: char| {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => return depth == 0,
        }
        false
    };
    text.chars().filter(|c| keep(*c)).collect()
}

/// `        FAIL [   0.402s] (2/6) shelf tests::opens`; true if it is one attempt of several.
fn status(line: &str) -> Option<(String, Outcome, bool)> {
    let (word, rest) = line.split_once('[')?;
    let (time, rest) = rest.split_once(']')?;
    time.trim().trim_start_matches('>').strip_suffix('s')?;
    let word = word.trim();
    let attempt = word.starts_with("TRY ");
    let word = word.strip_prefix("TRY ").and_then(number).map_or(word, |(_, rest)| rest.trim());
    let outcome = match word.split(' ').next()? {
        "PASS" | "LEAK" | "FLAKY" => Outcome::Passed,
        "FAIL" | "TIMEOUT" | "ABORT" | "LEAK-FAIL" | "FL" | "XFAIL" => Outcome::Failed,
        signal if signal.starts_with("SIG") => Outcome::Failed,
        _ => return None,
    };
    let rest = rest.trim();
    let name = match rest.strip_prefix('(').and_then(|rest| rest.split_once(") ")) {
        Some((place, name)) if place.contains('/') => name.trim(),
        _ => rest,
    };
    // `shelf::adds adds` is the binary and the test.
    name.contains(' ').then(|| (name.to_owned(), outcome, attempt))
}

fn explain(tally: &mut Tally, name: &str, lines: &[&str]) {
    let text: Vec<&str> = lines.iter().filter_map(|line| line.strip_prefix("    ")).collect();
    let end = text.iter().position(|line| *line == "stack backtrace:").unwrap_or(text.len());
    let said = text.get(..end).unwrap_or_default();
    said.iter().for_each(|line| tally.explain(name, line));
    if let Some(at) = said.iter().rposition(|line| libtest::panicked(line).is_some()) {
        let message = said.get(at + 1).copied().unwrap_or_default();
        tally.how(name, libtest::how(message), said.get(at).and_then(|line| libtest::panicked(line)));
    }
}
