//! The first `pit.toml`: short, and every line of it either counts or is a comment that would.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use orchestra_pit_core::check::propose::{Check, Folder, Proposal, Setup, Source};
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

/// What a check or set-up came to on HEAD.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Seen {
    /// In a few words.
    pub said: String,
    /// What it is good for as it is.
    pub worth: Worth,
}

/// What a check is good for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Worth {
    /// Results can be judged by it.
    Counts,
    /// It fails and names no test, as a formatter does: other words of it after a change tell nothing.
    Nameless,
    /// It cannot be run here at all, and would make every result red.
    Nothing,
}

/// A command, and the folder that it starts in.
pub type Command = (Vec<String>, Option<String>);

/// What was seen when all was tried; nothing where it was not.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Tried {
    /// Checks, by their commands and folders.
    pub checks: BTreeMap<Command, Seen>,
    /// Set-up that went wrong, by its name.
    pub setup: BTreeMap<String, Seen>,
}

impl Tried {
    fn seen(&self, check: &Check) -> Option<&Seen> {
        self.checks.get(&(check.run.clone(), check.dir.clone()))
    }

    fn worth(&self, check: &Check) -> Worth {
        self.seen(check).map_or(Worth::Counts, |seen| seen.worth)
    }

    /// Whether anything is left by which results are judged.
    pub fn judges(&self, proposal: &Proposal) -> bool {
        proposal.full.iter().any(|check| self.worth(check) != Worth::Nothing)
    }

    /// Whether a check of a level is written down as one that is shown and does not count. Something has to count, or nothing
    /// would ever be good.
    fn is_spared(&self, check: &Check, level: &[Check]) -> bool {
        self.worth(check) == Worth::Nameless && level.iter().any(|other| self.worth(other) == Worth::Counts)
    }

    /// The same by its command, in any level.
    pub fn spares(&self, proposal: &Proposal, (run, dir): &Command) -> bool {
        let levels = [&proposal.fast, &proposal.full];
        levels.iter().any(|level| {
            level.iter().any(|check| check.run == *run && check.dir == *dir && self.is_spared(check, level))
        })
    }
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

/// The text of the file.
pub fn propose(facts: &Facts, tried: &Tried) -> String {
    let runs = commands(&facts.commands, tried);
    let none = if facts.commands.full.is_empty() { NO_CHECKS } else { "" };
    let mut text = format!("{HEAD}\n{none}{runs}");
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
fn commands(proposal: &Proposal, tried: &Tried) -> String {
    let Proposal { fast, full, setup, warm, tools } = proposal;
    let levels = [
        (fast, "[checks.fast]                 # in the coder's loop\n"),
        (full, "[checks.full]                 # by the host on every result, before accept\n"),
    ];
    let levels = levels.map(|(checks, head)| {
        let line = |check: &Check| check_line(check, tried.seen(check), tried.is_spared(check, checks));
        section(head, &checks.iter().map(line).collect::<String>())
    });
    let lines: String = setup.iter().map(|setup| setup_line(setup, tried.setup.get(&setup.name))).collect();
    let mut text = levels.concat();
    text.push_str(&section(
        "[setup]                       # once for the files in `inputs`, before any agent\n",
        &lines,
    ));
    if !warm.is_empty() || !tools.is_empty() {
        text.push_str("[workspace]\n");
        text.push_str(&folders("warm", warm, "ignored folders that start warm"));
        text.push_str(&folders("tools", tools, "of your home, read-only"));
    }
    text
}

/// Lines below their head. Where all of them are comments, it is one too: a level without a check is none.
fn section(head: &str, lines: &str) -> String {
    let counts = lines.lines().any(|line| !line.starts_with('#'));
    match lines.is_empty() {
        true => String::new(),
        false => format!("{}{head}{lines}", if counts { "" } else { "# " }),
    }
}

fn check_line(check: &Check, seen: Option<&Seen>, spared: bool) -> String {
    let Check { name, run, dir, source } = check;
    let (required, more) = match spared {
        true => (", required = false", "; take required away once it passes"),
        false => ("", ""),
    };
    format!(
        "{}{name} = {{ run = {}{}{required} }}  # {}{more}\n",
        begin(seen),
        list(run),
        in_dir(dir),
        comment(source, seen)
    )
}

fn setup_line(setup: &Setup, seen: Option<&Seen>) -> String {
    let Setup { name, run, dir, inputs, network, source } = setup;
    let inputs = if inputs.is_empty() { String::new() } else { format!(", inputs = {}", list(inputs)) };
    let network = if *network { ", network = true" } else { "" };
    format!(
        "{}{name} = {{ run = {}{}{inputs}{network} }}  # {}\n",
        begin(seen),
        list(run),
        in_dir(dir),
        comment(source, seen)
    )
}

fn in_dir(dir: &Option<String>) -> String {
    dir.as_ref().map(|dir| format!(", dir = {}", quoted(dir))).unwrap_or_default()
}

/// How a line begins: what cannot be run here is a comment.
fn begin(seen: Option<&Seen>) -> &'static str {
    if seen.is_some_and(|seen| seen.worth == Worth::Nothing) { "# " } else { "" }
}

/// Where a line is from, and what was seen of it. Both are a stranger's texts, and must not end the comment.
fn comment(source: &Source, seen: Option<&Seen>) -> String {
    let seen = seen.map(|seen| format!("; at init: {}", clean(&seen.said)));
    format!("{}:{}{}", clean(&source.path), source.line, seen.unwrap_or_default())
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
