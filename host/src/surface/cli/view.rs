//! Where a display looks and whom it tells: the tree that this process owns, or the records and the inbox of one that another
//! process owns.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use orchestra_pit_core::id::RunId;
use tokio::sync::{broadcast, watch};

use super::open::Desk;
use crate::effect::model::Delta;
use crate::gate::lock;
use crate::run::clock::now;
use crate::run::command::{Command, What};
use crate::run::events::Live;
use crate::run::state::Phase;
use crate::run::{State, Tree};

/// How long the journal's queue may take: a record that was told of may not be on disk before.
const QUEUE: Duration = Duration::from_millis(30);
/// How often another process's records are looked at although nothing was told: what an agent reads is not.
const LOOK: Duration = Duration::from_secs(1);

/// A tree to be shown.
#[derive(Clone)]
pub enum View {
    /// This process's own.
    Own(Arc<Tree>),
    /// Another process's.
    Other(Arc<Other>),
}

/// A tree that another process owns.
pub struct Other {
    desk: Desk,
    tree: RunId,
    state: Mutex<State>,
    events: broadcast::Sender<Live>,
    over: watch::Sender<bool>,
}

impl View {
    /// The tree's id.
    pub fn id(&self) -> RunId {
        match self {
            Self::Own(tree) => tree.id,
            Self::Other(other) => other.tree,
        }
    }

    /// What the tree stands at.
    pub fn look<T>(&self, see: impl FnOnce(&State) -> T) -> T {
        match self {
            Self::Own(tree) => tree.look(see),
            Self::Other(other) => see(&lock(&other.state)),
        }
    }

    /// What happens from now on.
    pub fn events(&self) -> broadcast::Receiver<Live> {
        match self {
            Self::Own(tree) => tree.host.events.subscribe(),
            Self::Other(other) => other.events.subscribe(),
        }
    }

    /// Waits until nothing happens any more: the tree has ended, was stopped, or its owner is gone.
    pub async fn over(&self) {
        match self {
            Self::Own(tree) => drop(tree.finished().await),
            Self::Other(other) => {
                // The sender lives as long as this does.
                let _ = other.over.subscribe().wait_for(|over| *over).await;
            }
        }
    }

    /// Tells a run what the person at this terminal says. What comes of it is told as it happens.
    pub fn tell(&self, run: RunId, call: Option<u64>, what: What, by: &str) {
        let command = Command { run, what, by: by.to_owned(), call };
        match self.clone() {
            Self::Own(tree) => tokio::spawn(async move {
                let why = match tree.command(command).await {
                    Ok(Ok(())) => return,
                    Ok(Err(unheeded)) => unheeded.to_string(),
                    Err(refused) => refused.to_string(),
                };
                let _ = tree.host.events.send(Live::Unheeded { run, why });
            }),
            Self::Other(other) => tokio::spawn(async move {
                if let Err(why) = other.put(command).await {
                    let _ = other.events.send(Live::Unheeded { run, why });
                }
            }),
        };
    }
}

/// What is seen of a command, or of a model that is asked again, as its owner tells it.
fn seen_of(line: &serde_json::Value) -> Option<Live> {
    let said = ["command", "output", "again"].iter().find_map(|what| Some((*what, line.get(what)?)));
    let (what, said) = said?;
    let run = RunId::parse(said.get("run")?.as_str()?)?;
    let text = said.get("text")?.as_str()?.to_owned();
    let delta = match what {
        "command" => Delta::Command(text),
        "output" => Delta::Output(text),
        _ => Delta::Again { why: text, wait_ms: said.get("wait_ms")?.as_u64()? },
    };
    Some(Live::Delta { run, delta })
}

impl Other {
    /// A tree of another process, as it stands, and from now on as it goes. None if nobody is at work on it.
    pub async fn watch(desk: Desk, tree: RunId) -> Result<Option<Arc<Self>>, crate::journal::JournalError> {
        let Some(mut bell) = desk.bells.watch(tree).await else { return Ok(None) };
        let other = Arc::new(Self {
            desk,
            tree,
            state: Mutex::default(),
            events: broadcast::channel(4096).0,
            over: watch::channel(false).0,
        });
        let mut seen = 0;
        let mut over = other.read(&mut seen, false).await?;
        let pump = other.clone();
        tokio::spawn(async move {
            while !over {
                match tokio::time::timeout(LOOK, bell.next_line()).await {
                    Ok(Ok(Some(line))) => {
                        let line: serde_json::Value = serde_json::from_str(&line).unwrap_or_default();
                        if line.get("delta").is_some() {
                            continue;
                        }
                        if let Some(live) = seen_of(&line) {
                            // Nobody may be watching.
                            let _ = pump.events.send(live);
                            continue;
                        }
                        if let Some(why) = line.pointer("/unheeded/why").and_then(|why| why.as_str()) {
                            let _ = pump.events.send(Live::Unheeded { run: tree, why: why.to_owned() });
                        }
                        tokio::time::sleep(QUEUE).await;
                    }
                    // Its owner is gone; what it wrote last is still read.
                    Ok(_) => over = true,
                    Err(_) => {}
                }
                over |= pump.read(&mut seen, true).await.unwrap_or(true);
            }
            pump.over.send_replace(true);
        });
        Ok(Some(other))
    }

    /// Applies what is new on record. True if the tree has ended.
    async fn read(&self, seen: &mut u64, tell: bool) -> Result<bool, crate::journal::JournalError> {
        for row in self.desk.journal.read_tree(self.tree, *seen).await? {
            *seen = row.row;
            let (run, at) = (row.header.run, row.header.at);
            let Some(event) = row.event else { continue };
            lock(&self.state).apply(run, at, &event);
            if tell {
                let _ = self.events.send(Live::Record { run, at, event: Arc::new(event) });
            }
        }
        Ok(lock(&self.state).root().is_some_and(|root| root.phase != Phase::Live))
    }

    async fn put(&self, command: Command) -> Result<(), String> {
        let body = serde_json::to_string(&command).map_err(|error| error.to_string())?;
        self.desk.journal.put(self.tree, body, command.by, now()).await.map_err(|error| error.to_string())?;
        match self.desk.bells.ring(self.tree).await {
            true => Ok(()),
            false => Err(format!("kept: nobody is at work on it; pit resume {} goes on", self.tree.short())),
        }
    }
}
