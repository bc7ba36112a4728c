//! The first `pit.toml`: short, and every line of it either counts or is a comment that would.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use orchestra_pit_core::check::propose::{Check, Folder, Proposal, Setup};
use orchestra_pit_core::text::{clean, is_hidden};

#[cfg(test)]
mod tests;

/// What is known of a repository that the file is for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Facts {
    /// Folders at its top, in which git has files.
    pub folders: Vec<String>,
    /// What it seems to want run. Of tools only those that this machine has.
    pub commands: Proposal,
}

/// What a check came to on HEAD.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Seen {
    /// In a few words.
    pub said: String,
    /// Whether it can be run here at all. One that cannot would make every result red.
    pub runs: bool,
}

/// Lines of the file: what a person reads through before saying yes to it.
const MOST_LINES: usize = 40;

/// Folders that people let agents write in, where there are such.
const WRITABLE: &[&str] =
    &["src", "lib", "app", "crates", "packages", "cmd", "internal", "include", "tests", "test", "docs"];

const HEAD: &str = "\
# How pit works in this repository. What runs, or gives more than there would be without it, counts only after your
# yes to this very text: pit trust
schema = 1
";
const TEAM: &str = "\
[team]
coders = 3                    # at a time
";
const BUDGET: &str = "\
[budget]                      # of one run; raise it while it runs with: pit budget ID --usd 10
usd = 5.00
wall = \"60m\"
# turns = 60                  # requests to a model, each agent
# tokens = 2000000            # no limit without this
";
const RULE: &str = "\
# A rule asks you, or refuses, whatever is granted; the strictest one holds:
# [[rule]]
# name = \"publish\"
# effect = \"ask\"              # or \"deny\"
# exec = [\"cargo\", \"publish\", \"**\"]
# match = [[\"cargo\", \"publish\"]]
";
/// Where nothing is known to run.
const NO_CHECKS: &str = "\
# [checks.full]               # by the host on every result, before accept; without any, nothing is verified
# test = { run = [\"make\", \"test\"] }
";

/// The text of the file. `seen` is asked about each proposed check: what was seen when it ran on HEAD, if it was tried.
pub fn propose(facts: &Facts, seen: &dyn Fn(&Check) -> Option<Seen>) -> String {
    let runs = commands(&facts.commands, seen);
    let mut text = format!("{HEAD}\n{}", if runs.is_empty() { NO_CHECKS } else { &runs });
    let grants = grants(&facts.folders);
    let mut room = MOST_LINES.saturating_sub(text.lines().count());
    let mut fits = |part: &&str| {
        let lines = 1 + part.lines().count();
        let fits = lines <= room;
        room -= if fits { lines } else { 0 };
        fits
    };
    // What counts without being commented in is kept first.
    let [budget, team, grants, rule] = [BUDGET, TEAM, &grants, RULE].map(|part| Some(part).filter(&mut fits));
    for part in [team, budget, grants, rule].into_iter().flatten() {
        text.push('\n');
        text.push_str(part);
    }
    text
}

/// What runs, and what it sees.
fn commands(proposal: &Proposal, seen: &dyn Fn(&Check) -> Option<Seen>) -> String {
    let Proposal { fast, full, setup, warm, tools } = proposal;
    let mut text = String::new();
    // The same command of two levels is tried once.
    let mut tried: BTreeMap<&[String], Option<Seen>> = BTreeMap::new();
    let levels = [
        (fast, "[checks.fast]                 # in the coder's loop\n"),
        (full, "[checks.full]                 # by the host on every result, before accept\n"),
    ];
    for (checks, head) in levels.into_iter().filter(|(checks, _)| !checks.is_empty()) {
        let mut lines = String::new();
        for check in checks {
            let seen = tried.entry(&check.run).or_insert_with(|| seen(check)).clone();
            lines.push_str(&check_line(check, seen));
        }
        // A level without a check is none.
        let counts = lines.lines().any(|line| !line.starts_with('#'));
        text.push_str(&format!("{}{head}{lines}", if counts { "" } else { "# " }));
    }
    if !setup.is_empty() {
        text.push_str("[setup]                       # once for the files in `inputs`, before any agent\n");
        setup.iter().for_each(|setup| text.push_str(&setup_line(setup)));
    }
    if !warm.is_empty() || !tools.is_empty() {
        text.push_str("[workspace]\n");
        text.push_str(&folders("warm", warm, "ignored folders that start warm"));
        text.push_str(&folders("tools", tools, "of your home, read-only"));
    }
    text
}

fn check_line(check: &Check, seen: Option<Seen>) -> String {
    let Check { name, run, source } = check;
    // The name of a file is a stranger's text, and must not end the comment.
    let mut comment = format!("{}:{}", clean(&source.path), source.line);
    let mut begin = "";
    if let Some(Seen { said, runs }) = seen {
        // Writing to a string has no way to fail.
        let _ = write!(comment, "; at init: {}", clean(&said));
        begin = if runs { "" } else { "# " };
    }
    format!("{begin}{name} = {{ run = {} }}  # {comment}\n", list(run))
}

fn setup_line(setup: &Setup) -> String {
    let Setup { name, run, inputs, network, source } = setup;
    let inputs = if inputs.is_empty() { String::new() } else { format!(", inputs = {}", list(inputs)) };
    let network = if *network { ", network = true" } else { "" };
    format!("{name} = {{ run = {}{inputs}{network} }}  # {}:{}\n", list(run), clean(&source.path), source.line)
}

fn folders(key: &str, folders: &[Folder], what: &str) -> String {
    if folders.is_empty() {
        return String::new();
    }
    let names: Vec<String> = folders.iter().map(|folder| folder.name.clone()).collect();
    format!("{:<29} # {what}\n", format!("{key} = {}", list(&names)))
}

fn grants(folders: &[String]) -> String {
    let found: Vec<&str> =
        WRITABLE.iter().copied().filter(|folder| folders.iter().any(|have| have == folder)).collect();
    let found = if found.is_empty() { vec!["src", "tests", "docs"] } else { found };
    let globs: Vec<String> = found.iter().map(|folder| format!("{folder}/**")).collect();
    format!(
        "# What agents get is what they ask for, but likely secrets. This leaves less of it:\n\
         # [grants.coder]\n\
         # write = {}\n\
         # secrets = [\"tests/fixtures/server.pem\"]     # likely secrets that it may read all the same\n",
        list(&globs)
    )
}

/// A list of texts, as TOML has it.
fn list(texts: &[String]) -> String {
    format!("[{}]", texts.iter().map(|text| quoted(text)).collect::<Vec<_>>().join(", "))
}

/// A text, as TOML has it on one line; what nobody can see is written as its number.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if is_hidden(c) => {
                let _ = write!(quoted, "\\U{:08X}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted + "\""
}
