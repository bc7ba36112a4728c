//! The tool that has the person's checks run, a verdict as a model reads it, and what is remembered of the last one.

use crate::can::Can;
use crate::run::{essence, seconds};
use crate::tool::{Answer, tool};
use orchestra_pit_sdk::exec::{Checked, Verdict};
use orchestra_pit_sdk::model::Tool;
use serde::{Deserialize, Serialize};

/// The name of the tool.
pub const CHECK: &str = "check";

/// Tests that are named of each list.
const NAMED: usize = 30;

/// Bytes of a check's last lines: what went wrong stands there.
const TAIL: usize = 6_000;

/// The tool, for the levels there are; none for none.
pub fn offer(can: &Can) -> Option<Tool> {
    let first = can.checks.first()?;
    let levels = can.checks.iter().map(|level| format!("\"{level}\"")).collect::<Vec<_>>().join(",");
    let parameters = format!(
        r#"{{"type":"object","properties":{{"level":{{"type":"string","enum":[{levels}],"description":"Left out: {first}"}}}},"additionalProperties":false}}"#
    );
    let about = "Has the host run the person's checks on your files as they are, in a clean place, and shows its verdict: \
                 green, no-worse (fails only what failed before you) or red.";
    Some(tool(CHECK, about, &parameters))
}

/// Whether work with such a verdict is to be mended. What is not known is not taken for good.
pub fn is_red(verdict: &Verdict) -> bool {
    !matches!(verdict.kind.as_str(), "green" | "no-worse")
}

/// What the model is answered. Red is a failure, and the same failure if the same fails.
pub fn answer(verdict: &Verdict) -> Answer {
    let error = is_red(verdict).then(|| {
        let bad = verdict.checks.iter().filter(|check| !passed(check));
        let what = bad.map(|check| match check.failed.as_slice() {
            [] => format!("{} {}", check.name, essence(&check.tail)),
            failed => format!("{} {}", check.name, failed.join(" ")),
        });
        format!("red: {}", what.collect::<Vec<_>>().join("; "))
    });
    Answer { error, ..Answer::done(format!("check {}", verdict.level), told(verdict)) }
}

/// A verdict, with what a writer needs to mend what is red.
pub fn told(verdict: &Verdict) -> String {
    let mut text = format!("{}\n", line(verdict));
    for check in &verdict.checks {
        text.push_str(&format!("- {}: {}, {}\n", check.name, check.result, seconds(check.time)));
        list(&mut text, "fails now and did not before", &check.failed);
        list(&mut text, "fails as it did before", &check.known);
        if !check.tail.trim().is_empty() {
            let tail = last(check.tail.trim_end(), TAIL);
            text.push_str(&format!("  its last lines:\n{tail}\n"));
        }
    }
    text.push_str(&proof(verdict));
    text
}

/// The verdict in one line that begins with its kind.
pub fn line(verdict: &Verdict) -> String {
    let said = verdict.line.trim();
    if said.starts_with(&verdict.kind) { said.to_owned() } else { format!("{}: {said}", verdict.kind) }
}

/// What the tests that were added or changed prove, a line each.
pub fn proof(verdict: &Verdict) -> String {
    let mut text: String =
        verdict.proof.iter().map(|(test, proof)| format!("- {}: {}\n", named(test), means(proof))).collect();
    for (_, why) in verdict.more.iter().filter(|(name, _)| name == "unproved") {
        text.push_str(&format!("  not judged: {why}\n"));
    }
    text
}

/// The tests that were added or changed and prove nothing, each with why.
pub fn unproved(verdict: &Verdict) -> Vec<String> {
    let nothing = |proof: &str| matches!(proof, "passes" | "does-not-build" | "errors");
    let tests = verdict.proof.iter().filter(|(_, proof)| nothing(proof));
    tests.map(|(test, proof)| format!("{}: {}", named(test), means(proof))).collect()
}

fn named(test: &str) -> String {
    if test.is_empty() { "its tests".to_owned() } else { format!("test {test}") }
}

fn means(proof: &str) -> &str {
    match proof {
        "proved" => "fails without the change",
        "passes" => "passes without the change too, so it proves nothing",
        "does-not-build" => "does not build without the change, which proves nothing",
        "errors" => "fails without the change, and not by an assertion, which proves nothing",
        "not-judged" => "not judged",
        other => other,
    }
}

fn passed(check: &Checked) -> bool {
    check.result == "passed"
}

fn list(text: &mut String, what: &str, names: &[String]) {
    if names.is_empty() {
        return;
    }
    let more = names.len().saturating_sub(NAMED);
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    text.push_str(&format!("  {what}: {}{more}\n", names.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ")));
}

/// The end of a text, whole lines of it.
fn last(text: &str, most: usize) -> &str {
    if text.len() <= most {
        return text;
    }
    let mut from = text.len() - most;
    while !text.is_char_boundary(from) {
        from += 1;
    }
    let end = text.get(from..).unwrap_or_default();
    end.split_once('\n').map_or(end, |(_, rest)| rest)
}

/// What is remembered of the checks, for `finish`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judged {
    /// The last verdict in a line, its level, and whether it was red.
    last: Option<(String, String, bool)>,
    /// Whether files were changed since.
    changed: bool,
    /// Whether nothing was run since files were changed.
    untried: bool,
    /// Whether the end was held back for it in this round.
    met: bool,
    /// Whether it was held back for what the last, full checks found.
    met_full: bool,
}

impl Judged {
    /// Files were changed.
    pub fn change(&mut self) {
        (self.changed, self.untried) = (true, true);
    }

    /// A command was run.
    pub fn tried(&mut self) {
        self.untried = false;
    }

    /// Checks were run.
    pub fn take(&mut self, verdict: &Verdict) {
        self.last = Some((line(verdict), verdict.level.clone(), is_red(verdict)));
        (self.changed, self.untried) = (false, false);
    }

    /// A round begins.
    pub fn new_round(&mut self) {
        (self.met, self.met_full) = (false, false);
    }

    /// Why the work should not be ended yet, said once a round: whoever is told twice has a reason, and the report says
    /// how things stand.
    pub fn not_green(&mut self, can: &Can) -> Option<String> {
        let level = can.checks.first()?;
        let why = match &self.last {
            _ if self.changed => format!("run the checks first: files were changed since `check` ran ({level})"),
            Some((line, _, true)) => format!("the checks are red; mend what fails, or say in doubts why not: {line}"),
            _ => return None,
        };
        (!std::mem::replace(&mut self.met, true)).then_some(why)
    }

    /// The same for those who are to show what fails: that they have run it.
    pub fn not_run(&mut self, can: &Can) -> Option<String> {
        let able = can.commands || !can.checks.is_empty();
        let why = "run the tests first: files were changed since anything ran".to_owned();
        (able && self.untried && !std::mem::replace(&mut self.met, true)).then_some(why)
    }

    /// Whether the end is held back for a red verdict of all checks: once a round.
    pub fn hold_for_full(&mut self) -> bool {
        self.met = true;
        !std::mem::replace(&mut self.met_full, true)
    }

    /// Whether the last verdict is of a level and of the files as they are.
    pub fn stands(&self, level: &str) -> bool {
        !self.changed && self.last.as_ref().is_some_and(|(_, of, _)| of == level)
    }

    /// The host's word, for a report beside the writer's own, if it is of the files as they are.
    pub fn verdict(&self) -> Option<&str> {
        self.last.as_ref().filter(|_| !self.changed).map(|(line, _, _)| line.as_str())
    }

    /// What a report must not leave out.
    pub fn doubt(&self, can: &Can) -> Option<String> {
        match &self.last {
            _ if self.changed && !can.checks.is_empty() => {
                Some("the checks were not run after the last change".to_owned())
            }
            Some((line, _, true)) => Some(format!("the host's verdict is red: {line}")),
            _ => None,
        }
    }

    /// How things stand, for a conversation that was shortened.
    pub fn words(&self) -> String {
        match &self.last {
            Some((line, _, _)) if self.changed => format!("{line}\nFiles were changed since."),
            Some((line, _, _)) => line.clone(),
            None => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::verdict;

    fn can(checks: &[&str]) -> Can {
        Can { commands: true, checks: checks.iter().map(|level| (*level).to_owned()).collect() }
    }

    #[test]
    fn the_tool_is_offered_for_the_levels_there_are() {
        assert!(offer(&Can::default()).is_none());
        let tool = offer(&can(&["fast", "full"])).unwrap();
        let schema: serde_json::Value = serde_json::from_str(&tool.parameters).unwrap();
        assert_eq!(schema["properties"]["level"]["enum"], serde_json::json!(["fast", "full"]));
    }

    #[test]
    fn a_verdict_is_told_with_what_is_to_be_mended() {
        let mut red = verdict("red", "fast", &["ls::json"]);
        red.checks[0].known = vec!["old".into()];
        red.checks[0].tail = format!("{}\nassertion failed", "noise\n".repeat(2_000));
        red.proof = vec![("ls::json".into(), "passes".into()), ("ls::other".into(), "proved".into())];
        red.proof.push((String::new(), "does-not-build".into()));
        red.more = vec![("unproved".into(), "why not".into())];
        let answer = answer(&red);
        let told = &answer.content;
        assert!(told.starts_with("red: "), "{told}");
        for part in [
            "- test: failed, 1.5 s\n  fails now and did not before: ls::json\n  fails as it did before: old\n",
            "\nassertion failed\n",
            "ls::json: passes without the change too, so it proves nothing",
            "ls::other: fails without the change",
            "- its tests: does not build without the change, which proves nothing\n  not judged: why not\n",
        ] {
            assert!(told.contains(part), "{part:?} is not in {told}");
        }
        assert!(told.len() < TAIL + 1_000);
        assert_eq!((answer.subject.as_str(), answer.error.as_deref()), ("check fast", Some("red: test ls::json")));
        let unproved = unproved(&red);
        assert_eq!(unproved[0], "test ls::json: passes without the change too, so it proves nothing");
        assert_eq!(unproved[1..], ["its tests: does not build without the change, which proves nothing"]);
        for kind in ["green", "no-worse"] {
            assert!(super::answer(&verdict(kind, "fast", &[])).error.is_none());
        }
        assert!(is_red(&verdict("of a later version", "fast", &[])));
    }

    #[test]
    fn the_end_is_held_back_once_a_round() {
        let mut judged = Judged::default();
        assert_eq!(judged.not_green(&can(&["fast"])), None, "nothing was changed");
        judged.change();
        assert_eq!(judged.not_green(&can(&[])), None, "there are no checks");
        assert!(judged.not_green(&can(&["fast"])).unwrap().starts_with("run the checks first"));
        assert_eq!(judged.not_green(&can(&["fast"])), None);
        assert_eq!(judged.doubt(&can(&["fast"])).unwrap(), "the checks were not run after the last change");
        judged.new_round();
        judged.take(&verdict("red", "fast", &["a"]));
        assert!(judged.not_green(&can(&["fast"])).unwrap().starts_with("the checks are red"));
        assert!(judged.doubt(&can(&["fast"])).unwrap().starts_with("the host's verdict is red: red"));
        assert!(judged.stands("fast") && !judged.stands("full"));
        judged.take(&verdict("no-worse", "full", &[]));
        judged.new_round();
        assert_eq!((judged.not_green(&can(&["fast"])), judged.doubt(&can(&["fast"]))), (None, None));
    }

    #[test]
    fn whoever_shows_what_fails_must_have_run_it() {
        let mut judged = Judged::default();
        judged.change();
        assert_eq!(judged.clone().not_run(&Can::default()), None);
        assert!(judged.clone().not_run(&can(&[])).is_some());
        judged.tried();
        assert_eq!(judged.not_run(&can(&[])), None);
    }
}
