//! `workspace`: paths are checked here, before there is a call.

use orchestra_pit_core::call::workspace::{self as core, Call};
use orchestra_pit_core::call::{self, Error, Value};
use orchestra_pit_core::edit::Edit;
use orchestra_pit_core::id::Oid;
use orchestra_pit_core::path::RepoPath;

use super::wit::workspace::{self as wit, Host};
use super::{Told, done, invalid};
use crate::guest::store::State;

impl Host for State {
    async fn list(&mut self, glob: String, after: Option<String>, limit: u32) -> Told<wit::Listing> {
        let call = Ok(Call::List { glob, after, limit });
        self.files("workspace.list", call, |value| match value {
            core::Value::Listing { entries, next } => {
                Some(wit::Listing { entries: entries.into_iter().map(Into::into).collect(), next })
            }
            _ => None,
        })
        .await
    }

    async fn stat(&mut self, path: String) -> Told<wit::Entry> {
        let call = checked(&path).map(|path| Call::Stat { path });
        self.files("workspace.stat", call, |value| match value {
            core::Value::Entry(entry) => Some(entry.into()),
            _ => None,
        })
        .await
    }

    async fn read(&mut self, path: String, lines: Option<wit::Lines>) -> Told<wit::Content> {
        let lines = lines.map(|lines| (lines.first, lines.last));
        let call = checked(&path).map(|path| Call::Read { path, lines });
        self.files("workspace.read", call, |value| match value {
            core::Value::Content(content) => content_of(content),
            _ => None,
        })
        .await
    }

    async fn search(&mut self, query: wit::Query) -> Told<wit::Matches> {
        let wit::Query { pattern, literal, ignore_case, paths, limit, .. } = query;
        let call = Ok(Call::Search(core::Query { pattern, literal, ignore_case, paths, limit }));
        self.files("workspace.search", call, |value| match value {
            core::Value::Matches { matches, cut, skipped } => {
                let found = |core::Match { path, line, text }| wit::Match { path, line, text };
                Some(wit::Matches { matches: matches.into_iter().map(found).collect(), cut, skipped })
            }
            _ => None,
        })
        .await
    }

    async fn write(&mut self, path: String, bytes: Vec<u8>, options: wit::WriteOptions) -> Told<String> {
        let call = write(&path, bytes, &options);
        self.files("workspace.write", call, |value| match value {
            core::Value::Written(hash) => Some(hash.to_string()),
            _ => None,
        })
        .await
    }

    async fn edit(&mut self, edits: Vec<wit::EditStep>) -> Told<Vec<wit::Edited>> {
        let call = edits.into_iter().map(step).collect::<Result<_, _>>().map(|edits| Call::Edit { edits });
        self.files("workspace.edit", call, |value| match value {
            core::Value::Edited(edited) => Some(edited.into_iter().map(Into::into).collect()),
            _ => None,
        })
        .await
    }

    async fn rename(&mut self, from: String, to: String) -> Told<()> {
        let call = checked(&from).and_then(|from| Ok(Call::Rename { from, to: checked(&to)? }));
        self.tell("workspace.rename", call.map(call::Call::Workspace), done).await
    }

    async fn remove(&mut self, path: String) -> Told<()> {
        let call = checked(&path).map(|path| Call::Remove { path });
        self.tell("workspace.remove", call.map(call::Call::Workspace), done).await
    }

    async fn snapshot(&mut self, label: String) -> Told<String> {
        self.files("workspace.snapshot", Ok(Call::Snapshot { label }), |value| match value {
            core::Value::Snapshot(id) => Some(id),
            _ => None,
        })
        .await
    }

    async fn restore(&mut self, snapshot: String) -> Told<()> {
        self.tell("workspace.restore", Ok(call::Call::Workspace(Call::Restore { snapshot })), done).await
    }

    async fn changes(&mut self) -> Told<Vec<wit::Change>> {
        self.files("workspace.changes", Ok(Call::Changes), |value| match value {
            core::Value::Changes(changes) => Some(changes.into_iter().map(Into::into).collect()),
            _ => None,
        })
        .await
    }
}

impl State {
    async fn files<T>(
        &mut self,
        function: &'static str,
        call: Result<Call, Error>,
        answer: impl FnOnce(core::Value) -> Option<T>,
    ) -> Told<T> {
        self.tell(function, call.map(call::Call::Workspace), |value| match value {
            Value::Workspace(value) => answer(value),
            _ => None,
        })
        .await
    }
}

/// A path as an agent wrote it.
pub(super) fn checked(path: &str) -> Result<RepoPath, Error> {
    RepoPath::new(path).map_err(|why| {
        // What is wrong with it stands in the message; the path itself, for the person who reads the journal.
        let mut error = Error::from(why);
        let shown: String = path.chars().take(200).collect();
        error.message = format!("{shown:?}: {}", error.message);
        error.more.push(("path".to_owned(), shown));
        error
    })
}

fn write(path: &str, bytes: Vec<u8>, options: &wit::WriteOptions) -> Result<Call, Error> {
    let expect = match options.expect.as_deref() {
        None => None,
        Some("") => Some(core::Expect::Absent),
        Some(hash) => match Oid::parse(hash) {
            Some(hash) => Some(core::Expect::Blob(hash)),
            None => return Err(invalid("`expect` is not the hash of a file")),
        },
    };
    Ok(Call::Write { path: checked(path)?, bytes: bytes.into(), expect, executable: options.executable })
}

fn step(step: wit::EditStep) -> Result<Edit, Error> {
    Ok(match step {
        wit::EditStep::Replace(wit::Replace { path, old, new, all }) => {
            Edit::Replace { path: checked(&path)?.to_string(), old, new, all }
        }
        wit::EditStep::Insert((path, after, text)) => Edit::Insert { path: checked(&path)?.to_string(), after, text },
        wit::EditStep::Create((path, text)) => Edit::Create { path: checked(&path)?.to_string(), text },
        wit::EditStep::Patch(text) => Edit::Patch(text),
        wit::EditStep::Blocks(text) => Edit::Blocks(text),
        wit::EditStep::Diff(text) => Edit::Diff(text),
        wit::EditStep::Other((name, _)) => {
            return Err(invalid(format!("`{name}` is not an edit that this host knows")));
        }
    })
}

/// None if the effect left the bytes out, which only a record may.
fn content_of(content: core::Content) -> Option<wit::Content> {
    Some(wit::Content {
        bytes: content.bytes.bytes?.to_vec(),
        hash: content.hash.to_string(),
        size: content.size,
        lines: content.lines,
        cut: content.cut,
        more: Vec::new(),
    })
}

impl From<core::Entry> for wit::Entry {
    fn from(entry: core::Entry) -> Self {
        let kind = match entry.kind {
            core::Kind::File => wit::Kind::File,
            core::Kind::Executable => wit::Kind::Executable,
            core::Kind::Symlink => wit::Kind::Symlink,
            core::Kind::Directory => wit::Kind::Directory,
            core::Kind::Submodule => wit::Kind::Submodule,
        };
        let hash = entry.hash.map(|hash| hash.to_string()).unwrap_or_default();
        Self { path: entry.path, kind, size: entry.size, hash, more: Vec::new() }
    }
}

impl From<core::Edited> for wit::Edited {
    fn from(edited: core::Edited) -> Self {
        let core::Edited { path, hash, places, nearness } = edited;
        let hash = hash.map(|hash| hash.to_string()).unwrap_or_default();
        Self { path: path.to_string(), hash, places, nearness, more: Vec::new() }
    }
}

impl From<core::Change> for wit::Change {
    fn from(change: core::Change) -> Self {
        let core::Change { path, what, added, removed, protected } = change;
        let what = match what {
            core::What::Added => "added",
            core::What::Modified => "modified",
            core::What::Removed => "removed",
        };
        Self { path: path.to_string(), what: what.to_owned(), added, removed, protected, more: Vec::new() }
    }
}
