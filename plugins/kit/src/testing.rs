//! A host in memory, for tests of what an agent decides.
//!
//! It has files, a history of commits, a board, and a model that gives the replies it was told to. It runs nothing: what
//! commands and checks come to is told it too. It judges nothing and edits only in the plainest way: grants and the edit engine are the real host's and tested there.

mod exec;
mod team;

use crate::Host;
use orchestra_pit_sdk::board::{Card, Note};
use orchestra_pit_sdk::exec::{Command, Ran, Verdict};
use orchestra_pit_sdk::human::{Question, Remark};
use orchestra_pit_sdk::model::{Details, Message, Part, Reply, Request, Stop, ToolCall, Usage};
use orchestra_pit_sdk::vcs::{Committed, DiffOptions, Difference};
use orchestra_pit_sdk::workspace::{
    Change, Content, EditStep, Edited, Entry, Kind, Lines, Listing, Match, Matches, Query,
};
use orchestra_pit_sdk::{Error, Result};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};

pub use exec::{ran, verdict};
pub use team::{Child, Crew, Play, failed};

type Files = BTreeMap<String, Vec<u8>>;

/// The host. Its fields are what a test sets up and looks at.
#[derive(Default)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Fake {
    pub files: RefCell<Files>,
    pub committed: RefCell<Files>,
    pub commits: RefCell<Vec<String>>,
    pub replies: RefCell<VecDeque<Result<Reply>>>,
    pub requests: RefCell<Vec<Request>>,
    pub details: RefCell<Option<Details>>,
    /// Remarks, each with the number of the model call before which it comes.
    pub remarks: RefCell<Vec<(usize, String)>>,
    pub notes: RefCell<Vec<Note>>,
    pub answers: RefCell<VecDeque<Result<String>>>,
    pub questions: RefCell<Vec<Question>>,
    pub edits: RefCell<Vec<EditStep>>,
    pub said: RefCell<Vec<String>>,
    /// What a call of this name is refused with: `edit`, `read`, `remarks`, `notes`, `post`, `commit`, ….
    pub refused: RefCell<BTreeMap<&'static str, Error>>,
    pub protected: Cell<bool>,
    pub cards: RefCell<Vec<Card>>,
    /// Who signs the notes; `coder` if it is empty.
    pub author: RefCell<String>,
    pub commands: RefCell<Vec<Command>>,
    /// What commands come to, in order.
    pub ran: RefCell<VecDeque<Result<Ran>>>,
    /// The levels of checks that were asked for.
    pub checked: RefCell<Vec<String>>,
    /// What checks come to, in order; green where nothing is said.
    pub verdicts: RefCell<VecDeque<Result<Verdict>>>,
    /// The children of whoever leads a team.
    pub crew: Crew,
}

/// A reply that calls tools: name and arguments, with ids `1`, `2`, ….
pub fn calls(calls: &[(&str, &str)]) -> Result<Reply> {
    let parts = calls.iter().enumerate().map(|(at, (name, arguments))| {
        let call = ToolCall { id: (at + 1).to_string(), name: (*name).to_owned(), arguments: (*arguments).to_owned() };
        Part::ToolCall(call)
    });
    Ok(reply(parts.collect(), Stop::ToolCalls))
}

/// A reply of words alone.
pub fn words(text: &str) -> Result<Reply> {
    Ok(reply(vec![Part::Text(text.to_owned())], Stop::End))
}

/// A reply.
pub fn reply(parts: Vec<Part>, stop: Stop) -> Reply {
    let usage = Usage { input: 0, cached_read: 0, cache_write: 0, output: 0, reasoning: 0, more: Vec::new() };
    Reply { parts, stop, usage, model: "fake".to_owned(), more: Vec::new() }
}

/// All text of a message, results included.
pub fn text_of(message: &Message) -> String {
    let parts = message.parts.iter().map(|part| match part {
        Part::Text(text) => text.clone(),
        Part::ToolResult(result) => result.content.clone(),
        Part::ToolCall(call) => format!("{} {}", call.name, call.arguments),
        Part::Opaque(_) | Part::Other(_) => String::new(),
    });
    parts.collect::<Vec<_>>().join("\n")
}

impl Fake {
    /// A host with these files, all of them committed, and a model of a family.
    pub fn new(family: &str, files: &[(&str, &str)]) -> Self {
        let fake = Self::default();
        let files: Files = files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())).collect();
        fake.committed.replace(files.clone());
        fake.files.replace(files);
        fake.commits.borrow_mut().push("Begin".to_owned());
        fake.details.replace(Some(Details {
            name: format!("fake/{family}"),
            family: family.to_owned(),
            context: 200_000,
            max_output: 32_000,
            more: Vec::new(),
        }));
        fake
    }

    /// Sets the replies of the model.
    #[must_use]
    pub fn replies(self, replies: impl IntoIterator<Item = Result<Reply>>) -> Self {
        self.replies.replace(replies.into_iter().collect());
        self
    }

    /// Has calls of a name refused.
    pub fn refuse(&self, call: &'static str, error: Error) {
        self.refused.borrow_mut().insert(call, error);
    }

    /// The text of a file.
    pub fn text(&self, path: &str) -> Option<String> {
        self.files.borrow().get(path).map(|bytes| String::from_utf8_lossy(bytes).into_owned())
    }

    /// What the model was told last.
    pub fn last_told(&self) -> String {
        self.requests.borrow().last().and_then(|request| request.messages.last()).map(text_of).unwrap_or_default()
    }

    fn may(&self, call: &'static str) -> Result<()> {
        self.refused.borrow().get(call).map_or(Ok(()), |error| Err(error.clone()))
    }

    fn step(&self, step: &EditStep) -> Result<Edited> {
        let mut files = self.files.borrow_mut();
        let path = match step {
            EditStep::Replace(replace) => {
                let file = files.get_mut(&replace.path).ok_or_else(|| missing(&replace.path))?;
                let text = String::from_utf8_lossy(file).into_owned();
                match text.matches(&replace.old).count() {
                    1 => *file = text.replacen(&replace.old, &replace.new, 1).into_bytes(),
                    0 => return Err(Error::new("conflict", "the text is not there")),
                    many => return Err(Error::new("conflict", format!("the text is there {many} times"))),
                }
                &replace.path
            }
            EditStep::Insert((path, after, text)) => {
                let file = files.get_mut(path).ok_or_else(|| missing(path))?;
                let old = String::from_utf8_lossy(file).into_owned();
                let mut lines: Vec<&str> = old.lines().collect();
                lines.insert((*after as usize).min(lines.len()), text.trim_end_matches('\n'));
                *file = (lines.join("\n") + "\n").into_bytes();
                path
            }
            EditStep::Create((path, text)) => {
                if files.contains_key(path) {
                    return Err(Error::new("conflict", format!("{path} exists")));
                }
                files.insert(path.clone(), text.clone().into_bytes());
                path
            }
            // The shapes themselves are the host's; a file that is touched is enough here.
            EditStep::Patch(text) | EditStep::Blocks(text) | EditStep::Diff(text) | EditStep::Other((_, text)) => {
                files.insert("edited.txt".to_owned(), text.clone().into_bytes());
                return Ok(edited("edited.txt"));
            }
        };
        Ok(edited(path))
    }
}

fn edited(path: &str) -> Edited {
    let nearness = "exact".to_owned();
    Edited { path: path.to_owned(), hash: "0".repeat(40), places: 1, nearness, more: Vec::new() }
}

fn missing(path: &str) -> Error {
    Error::new("not-found", format!("there is no file {path}"))
}

fn glob(glob: &str, path: &str) -> bool {
    match glob.strip_prefix("**/") {
        _ if glob == "**" || glob == path => true,
        Some(name) => path == name || path.ends_with(&format!("/{name}")),
        None if glob == "*" => !path.contains('/'),
        None if glob.ends_with("/*") => path.rsplit_once('/').is_some_and(|(folder, _)| glob == format!("{folder}/*")),
        None => glob.strip_suffix("/**").is_some_and(|folder| path.starts_with(&format!("{folder}/"))),
    }
}

impl Host for Fake {
    fn ask_model(&self, request: &Request) -> Result<Reply> {
        self.requests.borrow_mut().push(request.clone());
        let none = || Err(Error::new("refused", "the test has no reply for this"));
        self.replies.borrow_mut().pop_front().unwrap_or_else(none)
    }

    fn about(&self, _model: &str) -> Result<Details> {
        self.details.borrow().clone().ok_or_else(|| Error::new("not-found", "there is no model"))
    }

    fn list(&self, pattern: &str, after: Option<&str>, limit: u32) -> Result<Listing> {
        self.may("list")?;
        let files = self.files.borrow();
        let mut found = files.iter().filter(|(path, _)| glob(pattern, path) && after.is_none_or(|a| path.as_str() > a));
        let entries: Vec<Entry> = found
            .by_ref()
            .take(limit as usize)
            .map(|(path, bytes)| Entry {
                path: path.clone(),
                kind: Kind::File,
                size: bytes.len() as u64,
                hash: "0".repeat(40),
                more: Vec::new(),
            })
            .collect();
        let next = found.next().and_then(|_| entries.last().map(|entry| entry.path.clone()));
        Ok(Listing { entries, next })
    }

    fn read(&self, path: &str, lines: Option<Lines>) -> Result<Content> {
        self.may("read")?;
        let files = self.files.borrow();
        let Some(all) = files.get(path) else {
            if files.keys().any(|file| file.starts_with(&format!("{path}/"))) {
                return Err(Error::new("unsupported", format!("{path} is a folder; list it")));
            }
            return Err(missing(path));
        };
        let text = String::from_utf8_lossy(all);
        let first = lines.map_or(1, |lines| lines.first.max(1)) as usize;
        let last = lines.map_or(0, |lines| lines.last) as usize;
        let count = text.lines().count();
        let last = if last == 0 { count } else { last.min(count) };
        let chosen = text.split_inclusive('\n').skip(first - 1).take((last + 1).saturating_sub(first));
        Ok(Content {
            bytes: chosen.collect::<String>().into_bytes(),
            hash: "0".repeat(40),
            size: all.len() as u64,
            lines: if all.contains(&0) { 0 } else { count as u32 },
            cut: false,
            more: Vec::new(),
        })
    }

    fn search(&self, query: &Query) -> Result<Matches> {
        self.may("search")?;
        let files = self.files.borrow();
        let mut all =
            files.iter().filter(|(path, _)| query.paths.is_empty() || query.paths.iter().any(|g| glob(g, path)));
        let mut matches: Vec<Match> = Vec::new();
        for (path, bytes) in all.by_ref() {
            for (at, line) in String::from_utf8_lossy(bytes).lines().enumerate() {
                if line.contains(&query.pattern) {
                    matches.push(Match { path: path.clone(), line: at as u32 + 1, text: line.to_owned() });
                }
            }
        }
        let cut = matches.len() > query.limit as usize;
        matches.truncate(query.limit as usize);
        Ok(Matches { matches, cut, skipped: 0 })
    }

    fn edit(&self, steps: &[EditStep]) -> Result<Vec<Edited>> {
        self.may("edit")?;
        self.edits.borrow_mut().extend_from_slice(steps);
        steps.iter().map(|step| self.step(step)).collect()
    }

    fn rename(&self, from: &str, to: &str) -> Result<()> {
        self.may("rename")?;
        let mut files = self.files.borrow_mut();
        let bytes = files.remove(from).ok_or_else(|| missing(from))?;
        files.insert(to.to_owned(), bytes);
        Ok(())
    }

    fn remove(&self, path: &str) -> Result<()> {
        self.may("remove")?;
        self.files.borrow_mut().remove(path).map(|_| ()).ok_or_else(|| missing(path))
    }

    fn changes(&self) -> Result<Vec<Change>> {
        let (files, committed) = (self.files.borrow(), self.committed.borrow());
        let mut paths: Vec<&String> = files.keys().chain(committed.keys()).collect();
        paths.sort();
        paths.dedup();
        let what = |path: &String| match (committed.get(path), files.get(path)) {
            (None, _) => "added",
            (_, None) => "removed",
            _ => "modified",
        };
        let changed = paths.into_iter().filter(|path| files.get(*path) != committed.get(*path));
        let protected = self.protected.get();
        let change = |path: &String| Change {
            path: path.clone(),
            what: what(path).to_owned(),
            added: 1,
            removed: 1,
            protected,
            more: Vec::new(),
        };
        Ok(changed.map(change).collect())
    }

    fn history(&self, _path: &str, limit: u32) -> Result<Vec<Committed>> {
        let commits = self.commits.borrow();
        Ok((0..commits.len()).rev().take(limit as usize).filter_map(|at| committed(at, commits.get(at)?)).collect())
    }

    fn diff(&self, _options: &DiffOptions) -> Result<Difference> {
        let changes = self.changes()?;
        let text = changes.iter().map(|change| format!("diff --git a/{0} b/{0}\n", change.path)).collect();
        let count = changes.len() as u32;
        Ok(Difference { text, files: count, added: count, removed: count, cut: false, more: Vec::new() })
    }

    fn commit(&self, message: &str) -> Result<Committed> {
        self.may("commit")?;
        if self.changes()?.is_empty() {
            return Err(Error::new("conflict", "nothing has changed"));
        }
        self.committed.replace(self.files.borrow().clone());
        self.commits.borrow_mut().push(message.to_owned());
        let at = self.commits.borrow().len() - 1;
        committed(at, message).ok_or_else(|| Error::new("conflict", "nothing has changed"))
    }

    fn run(&self, command: &Command) -> Result<Ran> {
        self.commanded(command)
    }

    fn check(&self, level: &str) -> Result<Verdict> {
        self.may("check")?;
        self.checked.borrow_mut().push(level.to_owned());
        self.verdicts.borrow_mut().pop_front().unwrap_or_else(|| Ok(verdict("green", level, &[])))
    }

    fn ask_person(&self, question: &Question) -> Result<String> {
        self.questions.borrow_mut().push(question.clone());
        let nobody = || Err(Error::new("unavailable", "nobody is there to ask"));
        self.answers.borrow_mut().pop_front().unwrap_or_else(nobody)
    }

    fn remarks(&self) -> Result<Vec<Remark>> {
        self.may("remarks")?;
        let turn = self.requests.borrow().len();
        let mut waiting = self.remarks.borrow_mut();
        let (now, later) = waiting.drain(..).partition(|(at, _)| *at <= turn);
        *waiting = later;
        let now: Vec<(usize, String)> = now;
        Ok(now.into_iter().map(|(_, text)| Remark { text, time: 0, more: Vec::new() }).collect())
    }

    fn post(&self, topic: &str, body: &str) -> Result<u64> {
        self.may("post")?;
        let mut notes = self.notes.borrow_mut();
        let number = notes.len() as u64 + 1;
        let (topic, body) = (topic.to_owned(), body.to_owned());
        let author = Some(self.author.borrow().clone()).filter(|author| !author.is_empty());
        let author = author.unwrap_or_else(|| "coder".to_owned());
        notes.push(Note { number, topic, author, body, more: Vec::new() });
        Ok(number)
    }

    fn notes(&self, topic: &str, after: u64) -> Result<Vec<Note>> {
        self.may("notes")?;
        let notes = self.notes.borrow();
        Ok(notes.iter().filter(|note| note.topic == topic && note.number > after).cloned().collect())
    }

    fn cards(&self) -> Result<Vec<Card>> {
        self.may("cards")?;
        Ok(self.cards.borrow().clone())
    }

    fn say(&self, line: &str) {
        self.said.borrow_mut().push(line.to_owned());
    }
}

fn committed(at: usize, message: &str) -> Option<Committed> {
    let (author, message) = ("coder".to_owned(), message.to_owned());
    Some(Committed { id: format!("{at:040x}"), author, time: 0, message, more: Vec::new() })
}
