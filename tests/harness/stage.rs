//! A stage for one test: a repository of its own, a home of its own, and the real `pit`.
//!
//! A [`Stage`] that goes out of scope without a panic replays, offline, every tree of runs that was made on it: what is
//! tested once for what it does is always tested for being repeatable as well.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;

/// A repository, a home and a `pit`.
#[must_use]
pub struct Stage {
    dir: TempDir,
    person: Option<PathBuf>,
    replays: bool,
}

/// What a command said and how it ended.
#[must_use]
#[derive(Debug)]
pub struct Said {
    /// The exit code; none if a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Said {
    fn of(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// Asserts how it ended, and hands over what it said.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self
    }

    /// Asserts that both streams together have a text.
    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        assert!(
            self.out.contains(text) || self.err.contains(text),
            "no `{text}` in\nstdout:\n{}\nstderr:\n{}",
            self.out,
            self.err
        );
        self
    }
}

/// Files of a small library that most tests work on.
pub const LIBRARY: &[(&str, &str)] = &[
    ("README.md", "# Tally\n\nCounts things.\n"),
    ("src/lib.rs", "//! Counts things.\n\n/// Adds one.\npub fn more(n: u32) -> u32 {\n    n + 1\n}\n"),
    ("docs/usage.md", "# Usage\n\nCall `more`.\n"),
];

impl Stage {
    /// A repository with one commit of the small library.
    pub fn new() -> Self {
        Self::with(LIBRARY)
    }

    /// A repository with one commit of these files.
    pub fn with(files: &[(&str, &str)]) -> Self {
        let stage = Self::bare_of_commits();
        for (path, text) in files {
            stage.write(path, text);
        }
        stage.git(&["add", "-A"]);
        stage.git(&["commit", "-qm", "Start"]);
        stage
    }

    /// A repository with a history, as `git fast-import` reads it.
    pub fn imported(history: &str) -> Self {
        let stage = Self::bare_of_commits();
        let mut import = Command::new("git");
        stage.clear(&mut import);
        import.args(["fast-import", "--quiet", "--done"]).current_dir(stage.repo()).stdin(Stdio::piped());
        let mut import = import.spawn().expect("git");
        let mut stdin = import.stdin.take().expect("a pipe");
        std::io::Write::write_all(&mut stdin, history.as_bytes()).expect("git reads");
        drop(stdin);
        assert!(import.wait().expect("git").success(), "git fast-import");
        stage.git(&["checkout", "-q", "main"]);
        stage
    }

    /// A repository without a commit.
    pub fn bare_of_commits() -> Self {
        let dir = tempfile::Builder::new().prefix("pit-").tempdir().expect("a temporary folder");
        let stage = Self { dir, person: None, replays: true };
        std::fs::create_dir_all(stage.repo()).expect("a folder");
        std::fs::create_dir_all(stage.home()).expect("a folder");
        std::fs::write(stage.home().join(".gitconfig"), "[user]\n\tname = Ada\n\temail = ada@example.org\n")
            .expect("a file");
        stage.git(&["init", "-q", "-b", "main"]);
        stage
    }

    /// The same, not replayed at the end: for tests that damage the record on purpose.
    pub fn unreplayed(mut self) -> Self {
        self.replays = false;
        self
    }

    /// A repository with one commit of a package as its registry has it, and some files more; the person has the home
    /// with the tools that its tests need.
    pub fn package(name: &str, more: &[(&str, &str)]) -> Self {
        let mut stage = Self::bare_of_commits();
        let place = person();
        let source = place.join("sources").join(name);
        assert!(source.is_dir(), "{} is not there; type: cargo xtask guests", source.display());
        stage.person = Some(place.join("home"));
        let copied = Command::new("cp").arg("-rT").arg(&source).arg(stage.repo()).status();
        assert!(copied.is_ok_and(|status| status.success()), "{name} is copied");
        for (path, text) in more {
            stage.write(path, text);
        }
        stage.git(&["add", "-A", "-f"]);
        stage.git(&["commit", "-qm", "Start"]);
        stage
    }

    /// Where the node of the home with tools has its own packages.
    pub fn module_folder() -> PathBuf {
        let versions = person().join("home/.nvm/versions/node");
        let versions = std::fs::read_dir(&versions).unwrap_or_else(|error| panic!("{}: {error}", versions.display()));
        let version = versions.flatten().next().expect("a version of node");
        version.path().join("lib/node_modules")
    }

    /// The repository's folder.
    pub fn repo(&self) -> PathBuf {
        self.dir.path().join("repo")
    }

    /// The home of everything that is started on the stage.
    pub fn home(&self) -> PathBuf {
        self.dir.path().join("home")
    }

    /// Where a person's tools are: the home, unless the stage has one with tools.
    pub fn tools(&self) -> PathBuf {
        self.person.clone().unwrap_or_else(|| self.home())
    }

    /// Writes a file of the repository.
    pub fn write(&self, path: &str, text: &str) {
        self.write_at(&self.repo().join(path), text);
    }

    fn write_at(&self, path: &Path, text: &str) {
        std::fs::create_dir_all(path.parent().expect("a folder above")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    }

    /// Reads a file of the repository.
    pub fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.repo().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// Runs git in the repository and hands over what it said.
    #[track_caller]
    pub fn git(&self, args: &[&str]) -> String {
        let mut git = Command::new("git");
        self.clear(&mut git);
        let output = git.args(args).current_dir(self.repo()).output().expect("git");
        assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    /// A script for the scripted model, as the value of `-m`.
    pub fn script(&self, text: &str) -> String {
        let path = self.dir.path().join(format!("script-{}.toml", text.len()));
        self.write_at(&path, text);
        format!("scripted/{}", path.display())
    }

    /// A command line of pit, to be started with whatever else a test needs.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut pit = Command::new(pit());
        self.clear(&mut pit);
        pit.args(args).current_dir(self.repo()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        pit
    }

    /// Runs pit in the repository.
    pub fn pit(&self, args: &[&str]) -> Said {
        Said::of(self.command(args).output().expect("pit"))
    }

    /// Types a line into a shell in the repository, as a person who has `pit` and Rust installed.
    pub fn shell(&self, line: &str) -> Said {
        let mut shell = Command::new("sh");
        self.clear(&mut shell);
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = pit().parent().map(Path::to_owned).into_iter().chain(std::env::split_paths(&path));
        shell.env("PATH", std::env::join_paths(folders).expect("a search path"));
        // What agents in Rust are made of was built for the test guests.
        shell.env("CARGO_TARGET_DIR", super::guests::folder().with_file_name("guests-rust"));
        let output = shell.args(["-c", line]).current_dir(self.repo()).stdin(Stdio::null()).output();
        Said::of(output.expect("a shell"))
    }

    /// Starts pit in the repository.
    pub fn start(&self, args: &[&str]) -> Child {
        self.command(args).spawn().expect("pit")
    }

    /// The short ids of all trees, newest first.
    pub fn trees(&self) -> Vec<String> {
        self.pit(&["ls", "--json"])
            .exits(0)
            .out
            .lines()
            .map(|line| {
                let tree: serde_json::Value = serde_json::from_str(line).expect("a JSON object a line");
                tree["id"].as_str().expect("an id")[..8].to_owned()
            })
            .collect()
    }

    /// One tree as `pit status --json` has it.
    pub fn status(&self, id: &str) -> serde_json::Value {
        serde_json::from_str(&self.pit(&["status", "--json", id]).exits(0).out).expect("JSON")
    }

    /// A cleared environment: nothing of whoever runs the tests reaches what is tested.
    fn clear(&self, command: &mut Command) {
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.tools())
            .env("XDG_CONFIG_HOME", self.home().join(".config"))
            .env("XDG_STATE_HOME", self.home().join(".local/state"))
            .env("GIT_CONFIG_GLOBAL", self.home().join(".gitconfig"))
            .env("XDG_RUNTIME_DIR", self.dir.path().join("run"))
            .env("XDG_CACHE_HOME", cache())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_AUTHOR_DATE", "2026-01-02T03:04:05Z")
            .env("GIT_COMMITTER_DATE", "2026-01-02T03:04:05Z");
        // Where Rust is, for whoever builds something: the stage's home has none, unless it is one with tools.
        if self.person.is_some() {
            return;
        }
        let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
        for (name, folder) in [("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup")] {
            command.env(name, std::env::var_os(name).map_or_else(|| home.join(folder), PathBuf::from));
        }
    }

    fn replay_all(&self) {
        for id in self.trees() {
            let said = self.pit(&["replay", &id]);
            assert_eq!(said.code, Some(0), "replay of {id}:\n{}{}", said.out, said.err);
        }
    }
}

impl Default for Stage {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if self.replays && !std::thread::panicking() {
            self.replay_all();
        }
    }
}

/// What `xtask/src/person.rs` made.
fn person() -> PathBuf {
    let place = super::guests::folder().with_file_name("xtask").join("person");
    // As a home is named: without a way up in it.
    std::fs::canonicalize(&place).unwrap_or(place)
}

/// The program under test: where cargo puts it, next to the tests.
pub fn pit() -> PathBuf {
    let test = std::env::current_exe().expect("the test's own path");
    let folder = test.ancestors().nth(2).expect("target/debug");
    let pit = folder.join("pit");
    assert!(pit.exists(), "{} is not there: cargo build --bin pit", pit.display());
    pit
}

/// One cache of compiled agents for all tests: it is private to the user and authenticated, and compiling takes time. Its key
/// is in each stage's home, so what one stage compiled another does not take: the tests also show that.
/// Who may not write there says where with `PIT_TEST_CACHE`.
fn cache() -> PathBuf {
    std::env::var_os("PIT_TEST_CACHE").map_or_else(|| pit().with_file_name("test-cache"), PathBuf::from)
}

impl Stage {
    /// What the last terminal was sent.
    pub(crate) fn transcript(&self) -> PathBuf {
        self.dir.path().join("terminal.txt")
    }

    /// The folder of what is warm of a tree, below the person's caches.
    pub fn warm_of(&self, tree: &str) -> PathBuf {
        let checkouts = cache().join("orchestra-pit/checkouts");
        let all = std::fs::read_dir(checkouts).expect("caches").flatten();
        let mut found = all.map(|entry| entry.path().join(tree).join("warm")).filter(|warm| warm.is_dir());
        found.next().expect("something warm")
    }

    /// Waits until the newest tree's first run asks something, and hands over its id and what it asks.
    pub fn asked(&self) -> (String, String) {
        for _ in 0..120 {
            if let Some(id) = self.trees().into_iter().next()
                && let Some(asks) = self.status(&id)["runs"][0]["asks"].as_str()
            {
                return (id, asks.to_owned());
            }
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        let shown = std::fs::read_to_string(self.transcript()).unwrap_or_default();
        panic!("nothing was asked within a minute; the terminal shows:\n{shown}");
    }
}
