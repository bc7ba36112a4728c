//! Jest: with `--verbose` a tree of each file's tests, `●` sections for what failed, and a summary that counts.

use super::lines::{counts, how, of};
use super::tally::{Groups, Outcome};
use super::{Confused, Counts, How, Runner, Tally, Tests};

/// What stands between the names of groups and tests, as Jest writes it.
const WITHIN: &str = " › ";

/// Reads it.
pub(super) fn read(lines: &[&str]) -> Option<Result<Tests, Confused>> {
    let suites = lines.iter().rev().find_map(|line| line.strip_prefix("Test Suites: "))?;
    let said = lines.iter().rev().find_map(|line| line.strip_prefix("Tests: "))?;
    // Many files that failed are shown once more at the end.
    let end = lines.iter().position(|line| *line == "Summary of all failing tests").unwrap_or(lines.len());
    let mut reader = Jest::default();
    lines.get(..end).unwrap_or_default().iter().for_each(|line| reader.line(line));
    let Some(counted) = counts(said, ",") else { return Some(Err("Jest's summary is not one".to_owned())) };
    let said = Counts {
        passed: of(&counted, &["passed"]),
        failed: of(&counted, &["failed"]).saturating_add(reader.files),
        skipped: of(&counted, &["skipped", "todo"]),
    };
    Some(reader.tally.finish(Runner::Jest, said, suites.contains(" of ")))
}

#[derive(Default)]
struct Jest<'a> {
    tally: Tally,
    file: &'a str,
    groups: Groups<'a>,
    /// The failure whose lines these are.
    within: Option<String>,
    /// Files that failed as a whole: the summary does not count them as tests.
    files: u64,
}

impl<'a> Jest<'a> {
    fn line(&mut self, line: &'a str) {
        if let Some(rest) = line.strip_prefix("FAIL ").or_else(|| line.strip_prefix("PASS ")) {
            let rest = rest.trim();
            let path = rest.rsplit_once(" (").filter(|(_, time)| time.ends_with("s)")).map_or(rest, |(path, _)| path);
            self.file = path.trim_start_matches("./");
            self.groups = Groups::default();
            self.within = None;
        } else if self.file.is_empty() {
        } else if let Some(title) = line.strip_prefix("  ● ") {
            self.section(title);
        } else if let Some(name) = &self.within {
            self.tally.explain(name, line);
            let text = line.trim();
            if let Some(place) = text.strip_prefix("at ") {
                let place = place.rsplit_once('(').map_or(place, |(_, place)| place.trim_end_matches(')'));
                self.tally.how(name, How::Unsaid, place.rsplitn(3, ':').nth(2));
            } else if !text.is_empty() {
                self.tally.how(name, how(text), None);
            }
        } else {
            self.tree(line);
        }
    }

    fn section(&mut self, title: &str) {
        self.within = None;
        if title == "Console" {
            return;
        }
        let whole = title == "Test suite failed to run";
        let name = if whole { self.file.to_owned() } else { format!("{}{WITHIN}{title}", self.file) };
        // A test with several errors has several sections.
        if self.tally.outcome(&name) != Some(Outcome::Failed) {
            self.tally.add(&name, Outcome::Failed);
            self.files += u64::from(whole);
        }
        if whole {
            self.tally.how(&name, How::Error, None);
        }
        self.within = Some(name);
    }

    fn tree(&mut self, line: &'a str) {
        let text = line.trim_start_matches(' ');
        let indent = line.len() - text.len();
        if text.is_empty() || indent == 0 {
            return;
        }
        self.groups.leave(indent);
        let (mark, title) = text.split_once(' ').unwrap_or((text, ""));
        let outcome = match mark {
            "✓" => Outcome::Passed,
            "✕" => Outcome::Failed,
            "○" | "✎" => Outcome::Skipped,
            _ => return self.groups.enter(indent, text),
        };
        let title = title.strip_prefix("skipped ").or_else(|| title.strip_prefix("todo ")).unwrap_or(title);
        let name = self.groups.name(Some(self.file), untimed(title));
        self.tally.add(&name, outcome);
    }
}

/// A title without the time that is shown after slow tests: `adds (33 ms)`, `adds (33ms)`, `adds (1.5 s)`.
pub(super) fn untimed(title: &str) -> &str {
    let Some((name, time)) = title.rsplit_once(" (") else { return title };
    let digits = time.trim_end_matches(')').trim_end_matches('s').trim_end_matches('m').trim();
    let timed = time.ends_with("s)") && !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    if timed { name } else { title }
}
