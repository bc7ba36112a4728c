//! The calls of the contract, as a trait: in a component they are the SDK's, in a test a table in memory.
//!
//! One method a function; what each costs and refuses stands in the SDK.

use orchestra_pit_sdk::board::{Card, Note};
use orchestra_pit_sdk::exec::{Command, Ran, Verdict};
use orchestra_pit_sdk::human::{Question, Remark};
use orchestra_pit_sdk::model::{Details, Reply, Request};
use orchestra_pit_sdk::vcs::{Committed, DiffOptions, Difference};
use orchestra_pit_sdk::workspace::{Change, Content, EditStep, Edited, Lines, Listing, Matches, Query};
use orchestra_pit_sdk::{Result, board, exec, human, log, model, vcs, workspace};

/// What an agent can ask of its host.
#[expect(missing_docs, reason = "each is described once, in the SDK")]
#[expect(clippy::missing_errors_doc, reason = "each is described once, in the SDK")]
pub trait Host {
    fn ask_model(&self, request: &Request) -> Result<Reply>;
    fn about(&self, model: &str) -> Result<Details>;

    fn list(&self, glob: &str, after: Option<&str>, limit: u32) -> Result<Listing>;
    fn read(&self, path: &str, lines: Option<Lines>) -> Result<Content>;
    fn search(&self, query: &Query) -> Result<Matches>;
    fn edit(&self, steps: &[EditStep]) -> Result<Vec<Edited>>;
    fn rename(&self, from: &str, to: &str) -> Result<()>;
    fn remove(&self, path: &str) -> Result<()>;
    fn changes(&self) -> Result<Vec<Change>>;

    fn history(&self, path: &str, limit: u32) -> Result<Vec<Committed>>;
    fn diff(&self, options: &DiffOptions) -> Result<Difference>;
    fn commit(&self, message: &str) -> Result<Committed>;

    fn run(&self, command: &Command) -> Result<Ran>;
    fn check(&self, level: &str) -> Result<Verdict>;

    fn ask_person(&self, question: &Question) -> Result<String>;
    fn remarks(&self) -> Result<Vec<Remark>>;

    fn post(&self, topic: &str, body: &str) -> Result<u64>;
    fn notes(&self, topic: &str, after: u64) -> Result<Vec<Note>>;
    fn cards(&self) -> Result<Vec<Card>>;

    /// A line for the person who watches.
    fn say(&self, line: &str);
}

/// The host that runs this component.
#[derive(Clone, Copy, Debug)]
pub struct Pit;

impl Host for Pit {
    fn ask_model(&self, request: &Request) -> Result<Reply> {
        model::ask(request)
    }

    fn about(&self, model: &str) -> Result<Details> {
        model::about(model)
    }

    fn list(&self, glob: &str, after: Option<&str>, limit: u32) -> Result<Listing> {
        workspace::list(glob, after, limit)
    }

    fn read(&self, path: &str, lines: Option<Lines>) -> Result<Content> {
        workspace::read(path, lines)
    }

    fn search(&self, query: &Query) -> Result<Matches> {
        workspace::search(query)
    }

    fn edit(&self, steps: &[EditStep]) -> Result<Vec<Edited>> {
        workspace::edit(steps)
    }

    fn rename(&self, from: &str, to: &str) -> Result<()> {
        workspace::rename(from, to)
    }

    fn remove(&self, path: &str) -> Result<()> {
        workspace::remove(path)
    }

    fn changes(&self) -> Result<Vec<Change>> {
        workspace::changes()
    }

    fn history(&self, path: &str, limit: u32) -> Result<Vec<Committed>> {
        vcs::log(path, limit)
    }

    fn diff(&self, options: &DiffOptions) -> Result<Difference> {
        vcs::diff(options)
    }

    fn commit(&self, message: &str) -> Result<Committed> {
        vcs::commit(message)
    }

    fn run(&self, command: &Command) -> Result<Ran> {
        exec::run(command)
    }

    fn check(&self, level: &str) -> Result<Verdict> {
        exec::check(level)
    }

    fn ask_person(&self, question: &Question) -> Result<String> {
        human::ask(question)
    }

    fn remarks(&self) -> Result<Vec<Remark>> {
        human::remarks()
    }

    fn post(&self, topic: &str, body: &str) -> Result<u64> {
        board::post(topic, body)
    }

    fn notes(&self, topic: &str, after: u64) -> Result<Vec<Note>> {
        board::notes(topic, after)
    }

    fn cards(&self) -> Result<Vec<Card>> {
        board::cards()
    }

    fn say(&self, line: &str) {
        log::info(line);
    }
}
