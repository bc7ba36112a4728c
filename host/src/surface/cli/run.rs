//! `pit run`: a task in this repository, from prompt to a branch that a person can take.

use std::path::Path;
use std::sync::Arc;

use orchestra_pit_core::call::delegate::Task;
use orchestra_pit_core::policy::Profile;

use super::Failure;
use super::again::{self, AgainArgs};
use super::agent::{aliases, random_hash, random_id};
use super::carry::StartArgs;
use super::changes;
use super::detach;
use super::follow::follow;
use super::open::Place;
use super::out;
use super::setting;
use super::stranger;
use super::trust;
use crate::assemble;
use crate::config::file;
use crate::config::written::Flags;
use crate::effect::store::Repo;
use crate::run::events::Live;
use crate::run::{Spec, Tree};
use crate::shipped::AGENTS;
use crate::surface::exit::Exit;
use crate::surface::spec::{self, slug};

/// The agent that works alone.
const CODER: &str = "coder";
/// The agent that leads a team.
const LEAD: &str = "lead";

/// `pit run`
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What to do: a few words, or a Markdown file with title, goal and criteria (`SPEC.md`).
    #[arg(required_unless_present_any = ["continues", "resume"])]
    task: Option<String>,
    /// One coder alone.
    #[arg(long)]
    solo: bool,
    /// Tasks that are written at the same time, at most.
    #[arg(long, value_name = "N", conflicts_with = "solo")]
    coders: Option<u64>,
    /// Start from the files as they are, with what is not committed.
    #[arg(long)]
    with_changes: bool,
    #[command(flatten)]
    again: AgainArgs,
    #[command(flatten)]
    pub start: StartArgs,
}

/// Runs.
pub async fn run(at: &Place, args: Args) -> Result<Exit, Failure> {
    let StartArgs { carry, approvals, limits, agents } = args.start;
    if args.again.is_meant() {
        let text = args.task.map(|task| Ok::<_, Failure>(written(at, &task)?.0)).transpose()?;
        return again::run(at, &args.again, text, &carry).await;
    }
    let spec = task(at, &args.task.unwrap_or_default())?;
    if carry.detach.detach && at.hosts().is_none() {
        return detach::start(at, random_id()?, at.attended()).await;
    }
    let repo = at.repo()?;
    let head = repo.head()?;
    let brought = agents.brought.components()?;
    let flags = Flags { coders: args.coders, brought: stranger::names(&brought), ..limits.flags() };
    let mut settled = trust::settled(at, &repo, &flags, &agents.brought)?;
    let strangers = agents.enlist(at, &settled, brought)?;
    let models = setting::models(at, &mut settled, &carry.model, true)?;
    out::told(&setting::first_line(&settled, &models)?);
    let models_named = aliases(&models);
    let pit = at.pit(models)?;
    let agent = if args.solo { CODER } else { LEAD };
    let shipped = AGENTS.iter().find(|shipped| shipped.name == agent);
    let shipped =
        shipped.ok_or_else(|| Failure::new(Exit::Failed, format!("this pit was built without its {agent}")))?;
    let (_, manifest) = assemble::known(shipped.component)?;
    let (mut grants, caps) = (settled.grants(&manifest, Profile::Default), settled.caps(&manifest));
    let (mut given, mut enlisted) = (spec.task.settings, strangers);
    if !args.solo {
        // Whom the person brings along the lead may start, with what the person gave them and no more than it has itself.
        grants.delegate.extend(enlisted.iter().map(|(name, _)| name.clone()));
        given.extend(setting::of_lead(&settled, &caps, &enlisted));
        enlisted.extend(setting::team(&settled)?);
    }
    setting::of_commands(&settled, &manifest, &grants, &mut given);
    let settings = manifest.settings(&given)?;
    let id = at.hosts().map_or_else(random_id, Ok)?;
    let tree = Spec {
        id,
        seed: random_hash()?,
        agent: agent.to_owned(),
        branch: format!("refs/heads/pit/{}-{}", id.short(), slug(&spec.title)),
        title: spec.title,
        task: Task { settings, ..spec.task },
        grants,
        enlisted,
        rules: settled.rules(),
        commands: Some(settled.commands()),
        caps,
        models: models_named,
        base: if args.with_changes { changes::take(&repo, id, head.commit)? } else { head.commit },
        onto: head.branch,
        asks: approvals.asks(at),
    };
    let _lease = pit.bells.take(id)?;
    let events = pit.host.events.subscribe();
    // It may take its time on a large tree, and nothing waits for it.
    if !args.with_changes {
        let notices = pit.host.events.clone();
        tokio::task::spawn_blocking(move || {
            if let Some(text) = unseen(&repo) {
                // It may be over already.
                let _ = notices.send(Live::Notice { text });
            }
        });
    }
    let tree = Tree::start(pit.host.clone(), tree).await?;
    follow(&pit, &tree, events, carry.output_format, carry.how()).await
}

/// What the person asks for.
fn task(at: &Place, text: &str) -> Result<spec::Spec, Failure> {
    let (text, markdown) = written(at, text)?;
    Ok(if markdown { spec::Spec::markdown(&text) } else { spec::Spec::words(&text) })
}

/// What the person has written, and whether it is a file of Markdown. A name that ends in `.md` is a file's, and nothing else.
fn written(at: &Place, text: &str) -> Result<(String, bool), Failure> {
    if text.trim().is_empty() {
        return Err(Failure::new(Exit::Usage, "there is no task").hint("pit run \"what to do\", or pit run SPEC.md"));
    }
    let path = Path::new(text);
    if text.contains(char::is_whitespace) || path.extension().is_none_or(|extension| extension != "md") {
        return Ok((text.to_owned(), false));
    }
    let path = at.join(path);
    let read = file::read_linked(&path).map_err(|error| Failure::new(Exit::Usage, error))?;
    match read {
        Some(text) if !text.trim().is_empty() => Ok((text, true)),
        Some(_) => Err(Failure::new(Exit::Usage, format!("{} is empty", path.display()))),
        None => Err(Failure::new(Exit::Usage, format!("there is no file {}", path.display()))
            .hint("a task in words has no name of a file: pit run \"what to do\"")),
    }
}

/// One line about what the person has changed and not committed: agents start from HEAD.
fn unseen(repo: &Arc<Repo>) -> Option<String> {
    let changed = repo.uncommitted().ok()?;
    let first = changed.first()?;
    let more = changed.len() - 1;
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    let what = "agents start from HEAD and do not see what is not committed";
    Some(format!("{what}: {first}{more}; --with-changes takes it along"))
}
