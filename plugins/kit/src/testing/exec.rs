//! Commands and checks of the host in memory: what they come to is what the test says.

use super::Fake;
use orchestra_pit_sdk::exec::{Checked, Command, Ended, Ran, Stream, Verdict};
use orchestra_pit_sdk::{Error, Result};

/// What a command came to that exited with a code and said something.
pub fn ran(code: i32, said: &str) -> Ran {
    let stream = |head: &str| Stream { head: head.to_owned(), tail: String::new(), cut: 0 };
    Ran {
        ended: Ended::Exited(code),
        out: stream(said),
        err: stream(""),
        time: 1_500_000,
        memory: 0,
        tree: "7".repeat(40),
        changed: Vec::new(),
        left_out: Vec::new(),
        more: Vec::new(),
    }
}

/// A verdict of one check, with the tests that fail and did not before.
pub fn verdict(kind: &str, level: &str, failed: &[&str]) -> Verdict {
    let failed: Vec<String> = failed.iter().map(|test| (*test).to_owned()).collect();
    let check = Checked {
        name: "test".to_owned(),
        result: if failed.is_empty() { "passed" } else { "failed" }.to_owned(),
        tail: if failed.is_empty() { String::new() } else { format!("test {} ... FAILED", failed.join(" ")) },
        failed,
        known: Vec::new(),
        time: 1_500_000,
        more: Vec::new(),
    };
    Verdict {
        kind: kind.to_owned(),
        level: level.to_owned(),
        tree: "7".repeat(40),
        line: format!("{kind}: {level} on tree 7777"),
        checks: vec![check],
        proof: Vec::new(),
        more: Vec::new(),
    }
}

impl Fake {
    /// Says what commands come to, in order.
    #[must_use]
    pub fn runs(self, ran: impl IntoIterator<Item = Ran>) -> Self {
        self.ran.replace(ran.into_iter().map(Ok).collect());
        self
    }

    /// Says what checks come to, in order.
    #[must_use]
    pub fn judges(self, verdicts: impl IntoIterator<Item = Verdict>) -> Self {
        self.verdicts.replace(verdicts.into_iter().map(Ok).collect());
        self
    }

    /// A command: the paths that it changes are written.
    pub(super) fn commanded(&self, command: &Command) -> Result<Ran> {
        self.may("run")?;
        self.commands.borrow_mut().push(command.clone());
        let none = || Err(Error::new("not-found", "the test has no such program"));
        let ran = self.ran.borrow_mut().pop_front().unwrap_or_else(none)?;
        for path in &ran.changed {
            self.files.borrow_mut().insert(path.clone(), command.argv.join(" ").into_bytes());
        }
        Ok(ran)
    }
}
