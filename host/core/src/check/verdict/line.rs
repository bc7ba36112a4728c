//! The one line that says it all, in the terminal, the journal and the trailer.

use super::{CheckVerdict, Ending, Kind, Names, Verdict};

/// Tests that the line names; the others are counted.
const NAMED: usize = 2;

impl Kind {
    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Green => "green",
            Self::NoWorse => "no worse",
            Self::Red => "red",
        }
    }
}

impl Verdict {
    /// `no worse: full on tree 9c1e0a3b, 211 pass, 3 fail as before (test 44 s, lint 9 s)`.
    pub fn line(&self) -> String {
        let tree: String = self.tree.to_string().chars().take(8).collect();
        let mut line = format!("{}: {} on tree {tree}", self.kind.word(), crate::text::excerpt(self.level.name(), 40));
        if self.kind == Kind::Red {
            line.push_str(": ");
            line.push_str(&self.red());
        } else {
            self.counted(&mut line);
        }
        let sum = |of: fn(&CheckVerdict) -> &Names| self.checks.iter().map(|check| of(check).count()).sum::<u64>();
        for (count, what) in [
            (sum(CheckVerdict::known_flaky), "flaky"),
            (sum(CheckVerdict::gone), "no longer there"),
            (sum(CheckVerdict::muted), "skipped that ran"),
        ] {
            if count > 0 {
                line.push_str(&format!(", {count} {what}"));
            }
        }
        let times = self.checks.iter().filter(|check| check.ending.is_some());
        let times: Vec<String> = times.map(|check| format!("{} {}", check.name, seconds(check.micros))).collect();
        if self.kind != Kind::Red && !times.is_empty() {
            line.push_str(&format!(" ({})", times.join(", ")));
        }
        line
    }

    fn counted(&self, line: &mut String) {
        let passed: u64 = self.checks.iter().filter_map(|check| check.counts).map(|counts| counts.passed).sum();
        let before: u64 = self.checks.iter().map(|check| check.as_before.count()).sum();
        let whole = |check: &&CheckVerdict| check.kind == Kind::NoWorse && check.required && check.why.is_some();
        if passed > 0 {
            line.push_str(&format!(", {passed} pass"));
        }
        if before > 0 {
            line.push_str(&format!(", {before} fail as before"));
        }
        for check in self.checks.iter().filter(whole) {
            line.push_str(&format!(", {} fails as a whole as before, by {}", check.name, ending(check)));
        }
        for check in self.checks.iter().filter(|check| !check.required && check.kind == Kind::Red) {
            line.push_str(&format!(", {} fails and is not required", check.name));
        }
    }

    fn red(&self) -> String {
        let red = self.checks.iter().filter(|check| check.required && check.kind == Kind::Red);
        let said: Vec<String> = red.map(CheckVerdict::red).collect();
        if said.is_empty() { "no check is required".to_owned() } else { said.join("; ") }
    }
}

impl CheckVerdict {
    /// `test fails: tests::a, tests::b and 3 more (exit 101)`.
    fn red(&self) -> String {
        let mut said = Vec::new();
        if !self.fails.is_empty() {
            said.push(format!("fails: {}", listed(&self.fails)));
        }
        if !self.flaky.is_empty() {
            said.push(format!("is flaky: {}", listed(&self.flaky)));
        }
        if let Some(why) = &self.why {
            said.push(if said.is_empty() { format!("fails: {why}") } else { why.clone() });
        }
        if said.is_empty() {
            said.push("fails".to_owned());
        }
        let shown = matches!(self.ending, Some(Ending::Exit(_) | Ending::Signal(_)));
        let ending = if shown { format!(" ({})", ending(self)) } else { String::new() };
        format!("{} {}{ending}", self.name, said.join(", "))
    }
}

fn listed(names: &Names) -> String {
    let first = names.first().iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    match names.count() - names.first().len().min(NAMED) as u64 {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

fn ending(check: &CheckVerdict) -> String {
    match &check.ending {
        Some(Ending::Exit(code)) => format!("exit {code}"),
        Some(Ending::Signal(signal)) => format!("signal {signal}"),
        Some(Ending::TimedOut) => "time".to_owned(),
        _ => "not running".to_owned(),
    }
}

/// `44 s`, `0.4 s`, `3 m 10 s`.
fn seconds(micros: u64) -> String {
    match micros / 1_000_000 {
        0..10 => format!("{}.{} s", micros / 1_000_000, micros / 100_000 % 10),
        seconds @ 10..120 => format!("{seconds} s"),
        seconds => format!("{} m {} s", seconds / 60, seconds % 60),
    }
}
