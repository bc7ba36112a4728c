//! What a manifest asks for and what it does not, line by line and as codes: the page a person decides by. English is
//! made by whoever shows it.

use std::sync::LazyLock;

use super::Manifest;
use crate::amount::Usd;
use crate::argv::ArgvPattern;
use crate::pattern::{PathSet, Pattern};
use crate::policy::likely_secrets;
use crate::protected;

/// One thing that is asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Want {
    /// To read.
    Read {
        /// What.
        paths: Vec<Pattern>,
        /// Whether that is about everything.
        broad: bool,
    },
    /// To write.
    Write {
        /// What.
        paths: Vec<Pattern>,
        /// Whether that is about everything.
        broad: bool,
    },
    /// To ask models.
    Model {
        /// Which.
        aliases: Vec<String>,
        /// Money at most, if it says.
        usd: Option<Usd>,
    },
    /// To commit on its own branch.
    Commit,
    /// To run commands.
    Exec {
        /// Which.
        commands: Vec<ArgvPattern>,
        /// Variables that it wants to set for them.
        env: Vec<String>,
        /// Whether that is about any command.
        broad: bool,
    },
    /// To have the checks run.
    Check,
    /// To ask the person.
    Human,
    /// To use the team's board.
    Board,
    /// To start agents.
    Delegate {
        /// Which.
        agents: Vec<String>,
    },
}

/// One thing that is not asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "each is the noun that is not asked for")]
pub enum Lack {
    Read,
    Write,
    Model,
    Commit,
    Human,
    Board,
    OtherAgents,
    Commands,
    /// No agent can ask for it.
    Network,
}

/// Something in what is asked for that a person should look at twice.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Flag {
    /// It wants to read about everything.
    ReadsEverything,
    /// It wants to write about everything.
    WritesEverything,
    /// It wants to run about any command.
    RunsAnything,
    /// It names what is likely a secret.
    NamesSecrets(Pattern),
    /// It wants to write what runs or steers something on the person's machine.
    WritesProtected(Pattern),
}

/// Paths of repositories of many kinds. A list of globs that has half of them is about everything, however it is spelt.
const TYPICAL: &[&str] = &[
    ".gitignore",
    "Cargo.toml",
    "CHANGELOG.md",
    "LICENSE",
    "Makefile",
    "README.md",
    "app/models/user.rb",
    "assets/logo.svg",
    "benches/speed.rs",
    "bin/start.sh",
    "client/index.ts",
    "cmd/server/main.go",
    "config/app.yml",
    "core/engine.cpp",
    "data/table.csv",
    "docs/guide/intro.md",
    "examples/hello.py",
    "go.mod",
    "include/api.h",
    "internal/store/store.go",
    "kernel/sched.c",
    "lib/util.js",
    "migrations/0001.sql",
    "package.json",
    "packages/ui/button.tsx",
    "public/index.html",
    "scripts/release.sh",
    "server/App.java",
    "src/main.rs",
    "tests/test_all.py",
    "vendor/x/y.c",
    "web/site.css",
];

/// Files that no honest glob has by accident.
const SECRET: &[&str] =
    &[".env", ".env.production", ".npmrc", ".netrc", "secrets/token", "id_rsa", "id_ed25519", "server.key", "a/b.pem"];

/// Commands of many kinds, of which patterns that have half are about any command.
const COMMANDS: &[&[&str]] = &[
    &["./configure"],
    &["cargo", "test"],
    &["curl", "-O", "https://example.com/x"],
    &["docker", "ps"],
    &["find", ".", "-delete"],
    &["git", "push", "origin", "main"],
    &["go", "build", "./..."],
    &["ls"],
    &["make", "all"],
    &["node", "index.js"],
    &["npm", "run", "build"],
    &["python3", "-c", "print()"],
    &["rm", "-r", "src"],
    &["ssh", "host"],
];

static SECRETS: LazyLock<PathSet> = LazyLock::new(likely_secrets);

fn is_broad(patterns: &[Pattern]) -> bool {
    let has = |path: &&&str| patterns.iter().any(|pattern| pattern.matches(path));
    2 * TYPICAL.iter().filter(has).count() >= TYPICAL.len()
}

fn runs_anything(patterns: &[ArgvPattern]) -> bool {
    let has = |argv: &&&[&str]| {
        let argv: Vec<String> = argv.iter().map(|word| (*word).to_owned()).collect();
        patterns.iter().any(|pattern| pattern.is(&argv))
    };
    2 * COMMANDS.iter().filter(has).count() >= COMMANDS.len()
}

impl Manifest {
    /// What is asked for, in the order in which people read it.
    pub fn wants(&self) -> Vec<Want> {
        let asks = &self.asks;
        let some = |any: bool, want: fn(&Self) -> Want| any.then(|| want(self));
        [
            some(!asks.read.is_empty(), |m| Want::Read { paths: m.asks.read.clone(), broad: is_broad(&m.asks.read) }),
            some(!asks.write.is_empty(), |m| Want::Write {
                paths: m.asks.write.clone(),
                broad: is_broad(&m.asks.write),
            }),
            some(!asks.model.is_empty(), |m| Want::Model { aliases: m.asks.model.clone(), usd: m.budget.usd }),
            some(asks.commit, |_| Want::Commit),
            some(!asks.exec.is_empty(), |m| Want::Exec {
                commands: m.asks.exec.clone(),
                env: m.asks.env.clone(),
                broad: runs_anything(&m.asks.exec),
            }),
            some(asks.check, |_| Want::Check),
            some(asks.human, |_| Want::Human),
            some(asks.board, |_| Want::Board),
            some(!asks.delegate.is_empty(), |m| Want::Delegate { agents: m.asks.delegate.clone() }),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// What is not asked for, in the order of what people fear.
    pub fn lacks(&self) -> Vec<Lack> {
        let asks = &self.asks;
        [
            (asks.exec.is_empty(), Lack::Commands),
            (true, Lack::Network),
            (asks.delegate.is_empty(), Lack::OtherAgents),
            (asks.write.is_empty(), Lack::Write),
            (asks.read.is_empty(), Lack::Read),
            (asks.model.is_empty(), Lack::Model),
            (!asks.commit, Lack::Commit),
            (!asks.human, Lack::Human),
            (!asks.board, Lack::Board),
        ]
        .into_iter()
        .filter_map(|(lacks, what)| lacks.then_some(what))
        .collect()
    }

    /// What a person should look at twice.
    pub fn flags(&self) -> Vec<Flag> {
        let mut flags = Vec::new();
        if is_broad(&self.asks.write) {
            flags.push(Flag::WritesEverything);
        }
        if runs_anything(&self.asks.exec) {
            flags.push(Flag::RunsAnything);
        }
        if is_broad(&self.asks.read) {
            flags.push(Flag::ReadsEverything);
        }
        // What also has ordinary files does not name secrets, and every profile leaves them out of it.
        let named = |pattern: &&Pattern| {
            !TYPICAL.iter().any(|path| pattern.matches(path))
                && (SECRET.iter().any(|path| pattern.matches(path)) || SECRETS.has(pattern.as_str()))
        };
        flags.extend(self.asks.read.iter().chain(&self.asks.write).filter(named).cloned().map(Flag::NamesSecrets));
        // A glob of protected paths, taken as a path, is one itself.
        let protected = self.asks.write.iter().filter(|pattern| protected::is_protected(pattern.as_str()));
        flags.extend(protected.cloned().map(Flag::WritesProtected));
        flags
    }

    /// Whether giving a stranger what it asks for takes an explicit word: it wants to write about everything, or to run about
    /// any command.
    pub fn needs_force(&self) -> bool {
        is_broad(&self.asks.write) || runs_anything(&self.asks.exec)
    }
}
