//! The proposed file: short, true, and nothing in it that a stranger's file name or command could have smuggled in.

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
    propose(facts, &Tried::default())
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
    let check = |n: usize| Check { name: format!("test-{n}"), run: run.clone(), dir: None, source: source.clone() };
    let inputs = vec!["Cargo.lock".to_owned()];
    let setup = |n: usize| Setup {
        name: format!("fetch-{n}"),
        run: run.clone(),
        dir: None,
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

/// All checks of these names came to the same.
fn tried(facts: &Facts, names: &[&str], said: &str, worth: Worth) -> Tried {
    let Proposal { fast, full, .. } = &facts.commands;
    let checks = fast.iter().chain(full).filter(|check| names.contains(&&*check.name));
    let seen = Seen { said: said.to_owned(), worth };
    Tried {
        checks: checks.map(|check| ((check.run.clone(), check.dir.clone()), seen.clone())).collect(),
        ..Tried::default()
    }
}

#[test]
fn what_was_seen_is_written_down() {
    let mut facts = rust();
    facts.commands.fast = facts.commands.full.clone();
    let tried = tried(&facts, &["test"], "209 of 212 pass on a1b2c3d\ntools = [\"go\"]", Worth::Counts);
    let text = propose(&facts, &tried);
    assert_eq!(text.matches("ci.yml:4; at init: 209 of 212 pass on a1b2c3d").count(), 2, "{text}");
    // What was seen is a comment: it runs nothing and gives nothing.
    assert_eq!(trusted(&text), trusted(&untried(&facts)));
}

#[test]
fn what_cannot_be_run_here_is_a_comment() {
    let facts = rust();
    let said = "fails with exit 127 on a1b2c3d";
    let mut tried = tried(&facts, &["build", "test"], said, Worth::Nothing);
    let text = propose(&facts, &tried);
    assert!(text.contains("\n# test = { run = [\"cargo\", \"test\""), "{text}");
    let commands = trusted(&text);
    assert!(commands.checks.is_empty() && !commands.setup.is_empty(), "{text}");
    // Set-up that cannot would keep everything else from being run.
    tried.setup.insert("fetch".to_owned(), Seen { said: said.to_owned(), worth: Worth::Nothing });
    let text = propose(&facts, &tried);
    assert!(text.contains("\n# [setup]") && text.contains("\n# fetch = { run"), "{text}");
    assert!(text.contains("Cargo.lock:1; at init: fails with exit 127"), "{text}");
    assert!(trusted(&text).setup.is_empty());
    // It may be mended; what goes wrong for another reason stays.
    tried.setup.insert("fetch".to_owned(), Seen { said: "failed (exit 1)".to_owned(), worth: Worth::Counts });
    let text = propose(&facts, &tried);
    assert!(text.contains("; at init: failed (exit 1)\n") && !trusted(&text).setup.is_empty(), "{text}");
}

#[test]
fn what_fails_without_a_name_does_not_count_where_something_else_does() {
    let mut facts = rust();
    let lint = Check { name: "lint".into(), run: vec!["lint".into()], ..facts.commands.full[0].clone() };
    facts.commands.full.push(lint);
    let tried = tried(&facts, &["lint"], "fails with exit 1 on a1b2c3d", Worth::Nameless);
    let text = propose(&facts, &tried);
    let line = "lint = { run = [\"lint\"], required = false }  # .github/workflows/ci.yml:4; at init: fails with exit 1 on \
                a1b2c3d; take required away once it passes";
    assert!(text.lines().any(|have| have == line), "{text}");
    let required = |text: &str| trusted(text).checks["full"].iter().map(|check| check.required).collect::<Vec<_>>();
    assert_eq!(required(&text), [true, false]);
    // With nothing that counts no result could ever be good.
    facts.commands.full.remove(0);
    facts.commands.fast.clear();
    assert_eq!(required(&propose(&facts, &tried)), [true]);
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
