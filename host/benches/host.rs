//! A host as `assemble` puts it together, in this process.

use std::collections::BTreeMap;
use std::path::Path;

use orchestra_pit::assemble::{self, Pit};
use orchestra_pit::effect::model::models::Models;
use orchestra_pit::effect::model::settings::{Alias, Provider, Settings};
use orchestra_pit::effect::model::wire::Protocol;
use orchestra_pit::guest::{Compiler, Engine, Limits, Places, Pool, Start};
use orchestra_pit::run::{Asks, Spec};
use orchestra_pit_core::budget::Caps;
use orchestra_pit_core::call::delegate::Task;
use orchestra_pit_core::id::{Hash, RunId};
use orchestra_pit_core::policy::Rules;
use orchestra_pit_core::time::Time;

use crate::Result;
use crate::repository::git;

/// The agent that is measured at real work.
const CODER: &str = "coder";
/// The model that the loopback server stands for. Nobody knows it, so it gets the tools of most families.
pub const MODEL: &str = "bench/model";

/// As `pit` itself has it.
pub fn runtime() -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}

fn places(folder: &Path) -> Places {
    Places { code: folder.join("code"), key: folder.join("key") }
}

/// An engine as `assemble` sets it up; this program is its compiler.
pub fn engine(folder: &Path) -> Result<Engine> {
    Ok(Engine::new(&Limits::default(), &Pool::default(), &places(folder), Compiler::this_program()?)?)
}

/// What a life of an agent starts from that needs no run around it.
pub fn life() -> Start {
    let task = Task { goal: "greet".into(), round: 1, ..Task::default() };
    Start { task, card: String::new(), seed: [7; 32], at: Time(1), limits: Limits::default() }
}

/// A small repository with a host on it, which asks a server on this machine.
pub fn pit(folder: &Path, port: u16, concurrency: usize) -> Result<Pit> {
    let top = folder.join("repo");
    std::fs::create_dir_all(top.join("src"))?;
    std::fs::write(top.join("README.md"), "# Tally\n\nCounts things.\n")?;
    std::fs::write(
        top.join("src/lib.rs"),
        "//! Counts things.\n\n/// Adds one.\npub fn more(n: u32) -> u32 {\n    n + 1\n}\n",
    )?;
    git(&top, &["init", "-q", "-b", "main"])?;
    git(&top, &["config", "user.name", "Bench"])?;
    git(&top, &["config", "user.email", "bench@example.org"])?;
    git(&top, &["add", "-A"])?;
    git(&top, &["commit", "-qm", "Start"])?;
    let provider = Provider {
        protocol: Some(Protocol::Chat),
        url: Some(format!("http://127.0.0.1:{port}/v1")),
        concurrency: Some(concurrency),
        ..Provider::default()
    };
    let settings = Settings {
        models: BTreeMap::from([("default".to_owned(), Alias::Name(MODEL.to_owned()))]),
        provider: BTreeMap::from([("bench".to_owned(), provider)]),
        ..Settings::default()
    };
    let models = Models::new(settings, Box::new(|_| None))?;
    Ok(assemble::pit(assemble::repository(&top)?, places(folder), folder.join("bells"), models, None)?)
}

/// The n-th tree: a coder alone, with all that it asks for.
pub fn coder(pit: &Pit, n: u32) -> Result<Spec> {
    let mut id = [0; 16];
    id[..4].copy_from_slice(&(n + 1).to_be_bytes());
    let head = pit.repo.head()?;
    let known = pit.host.agents.named(CODER).ok_or("this build has no coder")?;
    Ok(Spec {
        id: RunId(id),
        seed: Hash::of(&id),
        agent: CODER.to_owned(),
        task: Task { goal: "Never overflow in src/lib.rs.".into(), ..Task::default() },
        title: "Never overflow".into(),
        grants: known.asks.clone(),
        rules: Rules::default(),
        commands: None,
        enlisted: Vec::new(),
        caps: Caps { tokens: Some(100_000_000), turns: Some(60), ..Caps::default() },
        models: BTreeMap::from([("default".to_owned(), MODEL.to_owned())]),
        base: head.commit,
        onto: head.branch,
        branch: format!("refs/heads/pit/bench-{n}"),
        asks: Asks::Nothing,
    })
}
