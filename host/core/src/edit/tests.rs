//! Files in memory, and the promises and refusals of the edit engine.

mod blocks;
mod diff;
mod patch;
mod place;
mod properties;
mod refusals;
mod replace;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Edit, Fault, Files, Nearness, Outcome, Source, apply, touched};

/// Some files.
#[derive(Clone, Default)]
pub(super) struct Memory(BTreeMap<String, Source>);

impl Files for Memory {
    fn read(&self, path: &str) -> Result<Option<Source>, Fault> {
        Ok(self.0.get(path).cloned())
    }
}

pub(super) fn files<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Memory {
    let source = |text: &str| Source { bytes: Arc::from(text.as_bytes()), executable: false };
    Memory(files.into_iter().map(|(path, text)| (path.to_owned(), source(text))).collect())
}

/// A file `f` with a text.
pub(super) fn file(text: &str) -> Memory {
    files([("f", text)])
}

impl Memory {
    #[track_caller]
    pub(super) fn outcomes(&self, edits: &[Edit]) -> Vec<Outcome> {
        let outcomes = apply(self, edits).unwrap_or_else(|fault| panic!("{fault}"));
        let paths: Vec<_> = outcomes.iter().map(|outcome| outcome.path.clone()).collect();
        assert_eq!(touched(edits).as_ref(), Ok(&paths), "what is touched is known before");
        outcomes
    }

    /// What the one file that an edit touches holds after it, and how near the text was.
    #[track_caller]
    pub(super) fn edit(&self, edit: Edit) -> (String, Nearness) {
        let outcomes = self.outcomes(&[edit]);
        let [outcome] = outcomes.as_slice() else { panic!("one file: {outcomes:?}") };
        let after = outcome.after.clone().expect("the file is there");
        (String::from_utf8(after).expect("it is UTF-8"), outcome.nearness)
    }

    #[track_caller]
    pub(super) fn refuses(&self, edits: &[Edit]) -> String {
        let fault = apply(self, edits).expect_err("it is refused");
        format!("{:?}: {fault}", fault.kind)
    }
}

pub(super) fn replace(old: &str, new: &str) -> Edit {
    Edit::Replace { path: "f".into(), old: old.into(), new: new.into(), all: false }
}

pub(super) fn replace_all(old: &str, new: &str) -> Edit {
    Edit::Replace { path: "f".into(), old: old.into(), new: new.into(), all: true }
}

pub(super) fn insert(after: u32, text: &str) -> Edit {
    Edit::Insert { path: "f".into(), after, text: text.into() }
}

pub(super) fn create(path: &str, text: &str) -> Edit {
    Edit::Create { path: path.into(), text: text.into() }
}

/// A patch that updates `f`.
pub(super) fn patch(body: &str) -> Edit {
    Edit::Patch(format!("*** Begin Patch\n*** Update File: f\n{body}\n*** End Patch\n"))
}

/// A diff of `f`.
pub(super) fn diff(body: &str) -> Edit {
    Edit::Diff(format!("--- a/f\n+++ b/f\n{body}\n"))
}

/// A block for `f`.
pub(super) fn block(old: &str, new: &str) -> Edit {
    Edit::Blocks(format!("f\n<<<<<<< SEARCH\n{old}\n=======\n{new}\n>>>>>>> REPLACE\n"))
}
