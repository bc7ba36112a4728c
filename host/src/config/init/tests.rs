//! The proposed file: short, true, and nothing in it that a stranger's file name or command could have smuggled in.

use std::cell::Cell;
use std::path::Path;

use orchestra_pit_core::check::propose::{MOST_CHECKS, Repository, Source, propose as look};
use orchestra_pit_core::commands::Commands;
use orchestra_pit_core::time::Time;

use super::*;
use crate::config::settled::Settled;
use crate::config::trust::Store;
use crate::config::written::{Files, Flags};

fn files(text: &str) -> Files {
    Files::parse(None, None, Some((Path::new("pit.toml"), text.to_owned()))).unwrap()
}

fn settle(text: &str) -> Settled {
    Settled::settle(files(text), &Flags::default(), &["coder"], &[]).unwrap()
}

/// As it holds after the person's yes.
fn trusted(text: &str) -> Commands {
    let git = tempfile::tempdir().unwrap();
    let yes = Store::open(None, git.path()).unwrap().trust_file("pit.toml", text, Time(0)).unwrap();
    Settled::settle(files(text), &Flags::default(), &["coder"], &[yes]).unwrap().commands()
}

fn untried(facts: &Facts) -> String {
    propose(facts, &|_| None)
}

fn rust() -> Facts {
    let ci = "jobs:\n  a:\n    steps:\n      - run: cargo test --workspace\n";
    let texts = [("Cargo.toml", "[workspace]\nmembers = []\n"), (".github/workflows/ci.yml", ci)];
    let paths = ["Cargo.toml", "Cargo.lock", ".github/workflows/ci.yml", "src/lib.rs"];
    Facts { folders: vec!["src".into()], commands: look(&Repository::new(paths, texts)) }
}

/// More of everything than any repository has.
fn most(word: &str) -> Facts {
    let source = Source { path: format!(".github/workflows/{word}.yml"), line: 7 };
    let run = vec![word.to_owned()];
    let check = |n: usize| Check { name: format!("test-{n}"), run: run.clone(), source: source.clone() };
    let inputs = vec!["Cargo.lock".to_owned()];
    let setup = |n: usize| Setup {
        name: format!("fetch-{n}"),
        run: run.clone(),
        inputs: inputs.clone(),
        network: true,
        source: source.clone(),
    };
    let checks: Vec<Check> = (0..MOST_CHECKS).map(check).collect();
    let folder = |name: &str| vec![Folder { name: name.into(), because: "Cargo.toml".into() }];
    let setup = (0..8).map(setup).collect();
    let commands =
        Proposal { fast: checks.clone(), full: checks, setup, warm: folder("target"), tools: folder("cargo") };
    Facts { folders: Vec::new(), commands }
}

#[test]
fn without_anything_to_run_it_says_what_holds_without_it_and_needs_no_trust() {
    let text = untried(&Facts::default());
    assert!(text.lines().count() <= MOST_LINES, "{}", text.lines().count());
    let without = Settled::settle(Files::default(), &Flags::default(), &[], &[]).unwrap();
    let with = settle(&text);
    assert_eq!(with.budget.spending(), without.budget.spending());
    assert_eq!(with.coders.value, without.coders.value);
    assert_eq!(with.lines().len(), without.lines().len());
}

#[test]
fn every_comment_that_would_count_does() {
    let text = untried(&Facts { folders: vec!["docs".into(), "src".into(), "target".into()], ..Facts::default() });
    assert!(text.contains("# write = [\"src/**\", \"docs/**\"]\n"), "{text}");
    let all: String = text
        .lines()
        .map(|line| {
            let code = line.strip_prefix("# ").filter(|rest| rest.starts_with('[') || rest.contains(" = "));
            format!("{}\n", code.unwrap_or(line))
        })
        .collect();
    let error = Settled::settle(files(&all), &Flags::default(), &["coder"], &[]).unwrap_err().to_string();
    // The named secret and the check are the things in it that widen.
    assert!(error.contains("grants.coder.secrets") && error.contains("checks.full.test = make test"), "{error}");
    let settled =
        settle(&all.replace("\nsecrets", "\n# secrets").replace("\n[checks.full]", "\n#").replace("\ntest =", "\n#"));
    assert_eq!((settled.rules.len(), settled.budget.tokens.value), (1, Some(2_000_000)));
}

#[test]
fn what_a_repository_runs_is_proposed_with_where_it_stands() {
    let text = untried(&rust());
    for line in [
        "test = { run = [\"cargo\", \"test\", \"--workspace\", \"--no-fail-fast\"] }  # .github/workflows/ci.yml:4",
        "fetch = { run = [\"cargo\", \"fetch\", \"--locked\"], inputs = [\"Cargo.lock\"], network = true }  # Cargo.lock:1",
        "warm = [\"target\"]             # ignored folders that start warm",
        "tools = [\"cargo\", \"rustup\"]   # of your home, read-only",
    ] {
        assert!(text.lines().any(|have| have == line), "no {line} in\n{text}");
    }
    assert!(text.lines().count() <= MOST_LINES && text.contains("\n[budget]") && text.contains("\n# [grants.coder]"));
    let commands = trusted(&text);
    assert_eq!((commands.checks["fast"].len(), commands.checks["full"].len()), (1, 1));
    assert_eq!((commands.setup.len(), commands.tools.len(), commands.warm.len()), (1, 2, 1));
}

#[test]
fn what_was_seen_is_written_down_and_each_command_is_tried_once() {
    let (mut facts, tries) = (rust(), Cell::new(0));
    facts.commands.fast = facts.commands.full.clone();
    let text = propose(&facts, &|check| {
        tries.set(tries.get() + 1);
        let said = "209 of 212 pass on a1b2c3d\ntools = [\"go\"]".to_owned();
        (check.name == "test").then_some(Seen { said, runs: true })
    });
    assert_eq!(text.matches("ci.yml:4; at init: 209 of 212 pass on a1b2c3d").count(), 2, "{text}");
    assert_eq!(tries.get(), 1);
    // What was seen is a comment: it runs nothing and gives nothing.
    assert_eq!(trusted(&text), trusted(&untried(&facts)));
}

#[test]
fn what_cannot_be_run_here_is_a_comment() {
    let facts = rust();
    let text = propose(&facts, &|_| Some(Seen { said: "fails with exit 127 on a1b2c3d".to_owned(), runs: false }));
    assert!(text.contains("\n# test = { run = [\"cargo\", \"test\""), "{text}");
    let commands = trusted(&text);
    assert!(commands.checks.is_empty() && !commands.setup.is_empty(), "{text}");
}

#[test]
fn it_never_gets_long_and_what_runs_goes_before_what_holds_anyway() {
    let text = untried(&most("cargo"));
    assert!(text.lines().count() <= MOST_LINES, "{}", text.lines().count());
    let commands = trusted(&text);
    assert_eq!((commands.checks["fast"].len(), commands.checks["full"].len(), commands.setup.len()), (8, 8, 8));
    assert!(!text.contains("[[rule]]"));
}

#[test]
fn no_name_and_no_word_gets_out_of_its_place() {
    for word in ["a\ntools = [\"go\"]", "\"]}\n#", "a\\", "'''", "\"\"\"", "# x"] {
        let text = untried(&most(word));
        assert!(text.lines().count() <= MOST_LINES && !text.chars().any(|c| c != '\n' && is_hidden(c)), "{text:?}");
        let commands = trusted(&text);
        assert_eq!((&*commands.checks["full"][0].run[0], commands.tools), (word, vec!["cargo".to_owned()]), "{text}");
    }
    // Not even a yes makes something run that nobody can see.
    for word in ["\u{202e}x", "\u{7f}"] {
        let text = untried(&most(word));
        assert!(!text.chars().any(|c| c != '\n' && is_hidden(c)), "{text:?}");
        let error = Settled::settle(files(&text), &Flags::default(), &[], &[]).unwrap_err().to_string();
        assert!(error.contains("nobody can see"), "{error}");
    }
}
