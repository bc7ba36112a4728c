//! The person's own `git`: for what bears the person's name, so that identity, hooks, signing and filters are theirs.

#![expect(clippy::disallowed_methods, reason = "accepting is the person's own act, done with the person's own git")]

use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use orchestra_pit_core::id::Oid;
use orchestra_pit_core::text::clean;

use super::Failure;
use crate::surface::exit::Exit;

/// A working tree, or a bare repository, in which git is called.
#[derive(Clone, Debug)]
pub struct Git {
    at: PathBuf,
    variables: Vec<(&'static str, OsString)>,
}

/// What git said.
#[derive(Debug)]
pub struct Said {
    /// Whether it did what it was asked.
    pub done: bool,
    /// Standard output.
    pub out: Vec<u8>,
    /// Standard error, or standard output if that is empty.
    pub why: String,
}

impl Git {
    /// Calls it in a folder.
    pub fn at(folder: &Path) -> Self {
        Self { at: folder.to_owned(), variables: Vec::new() }
    }

    /// Calls it with a variable of its own.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<OsString>) -> Self {
        self.variables.push((name, value.into()));
        self
    }

    /// Calls it.
    pub fn try_run<S: AsRef<OsStr>>(&self, args: &[S]) -> Result<Said, Failure> {
        let output = self.command(args).stdin(Stdio::inherit()).output().map_err(unstarted)?;
        let why = String::from_utf8_lossy(if output.stderr.is_empty() { &output.stdout } else { &output.stderr });
        Ok(Said { done: output.status.success(), why: why.trim().to_owned(), out: output.stdout })
    }

    /// Calls it with something to read.
    pub fn feed<S: AsRef<OsStr>>(&self, args: &[S], input: &str) -> Result<(), Failure> {
        let mut git = self.command(args).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().map_err(unstarted)?;
        if let Some(mut stdin) = git.stdin.take() {
            stdin.write_all(input.as_bytes())?;
        }
        let status = git.wait()?;
        if status.success() {
            Ok(())
        } else {
            Err(Failure::new(Exit::Failed, format!("git did not take it: {status}")))
        }
    }

    fn command<S: AsRef<OsStr>>(&self, args: &[S]) -> Command {
        let mut git = Command::new("git");
        git.arg("-C").arg(&self.at).args(args);
        // A variable that a hook was started with must not lead elsewhere.
        git.env_remove("GIT_DIR").env_remove("GIT_WORK_TREE").env_remove("GIT_INDEX_FILE");
        git.env("GIT_PAGER", "cat").env("GIT_MERGE_AUTOEDIT", "no");
        git.envs(self.variables.iter().map(|(name, value)| (name, value)));
        git
    }

    /// Calls it and takes what it wrote.
    pub fn run<S: AsRef<OsStr>>(&self, args: &[S]) -> Result<Vec<u8>, Failure> {
        let said = self.try_run(args)?;
        if said.done {
            return Ok(said.out);
        }
        let mut words = args.iter().map(|arg| arg.as_ref().to_string_lossy());
        let mut verb = words.next().unwrap_or_default();
        while verb == "-c" {
            verb = words.nth(1).unwrap_or_default();
        }
        let mut failure = Failure::new(Exit::Failed, format!("git {verb} did not work"));
        failure.hints.extend(said.why.lines().take(20).map(|line| clean(line).into_owned()));
        Err(failure)
    }

    /// What it wrote as a text without the last line feed.
    pub fn text<S: AsRef<OsStr>>(&self, args: &[S]) -> Result<String, Failure> {
        Ok(String::from_utf8_lossy(&self.run(args)?).trim_end().to_owned())
    }

    /// What it wrote, taken apart at its zeroes.
    pub fn list<S: AsRef<OsStr>>(&self, args: &[S]) -> Result<Vec<String>, Failure> {
        let bytes = self.run(args)?;
        let parts = bytes.split(|byte| *byte == 0).filter(|part| !part.is_empty());
        Ok(parts.map(|part| String::from_utf8_lossy(part).into_owned()).collect())
    }

    /// The working tree that has a branch checked out.
    pub fn work_tree_of(&self, branch: &str) -> Result<Option<PathBuf>, Failure> {
        let (mut found, mut folder) = (None, None);
        for line in self.list(&["worktree", "list", "--porcelain", "-z"])? {
            if let Some(path) = line.strip_prefix("worktree ") {
                folder = Some(PathBuf::from(path));
            } else if line.strip_prefix("branch ") == Some(branch) {
                found = found.or_else(|| folder.clone());
            }
        }
        Ok(found)
    }

    /// The commit of a name.
    pub fn commit(&self, name: &str) -> Result<Oid, Failure> {
        let text =
            self.text(&["rev-parse", "--verify", "--quiet", "--end-of-options", &format!("{name}^{{commit}}")])?;
        Oid::parse(&text).ok_or_else(|| Failure::new(Exit::Failed, format!("git knows no commit {}", clean(name))))
    }
}

fn unstarted(error: std::io::Error) -> Failure {
    Failure::new(Exit::Failed, format!("git cannot be started: {error}")).hint("pit works beside git; install it")
}
