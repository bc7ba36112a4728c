//! `answer`, `approve`, `reject`, `send`, `budget`, `cancel`: what people say to runs, from any terminal.

use std::path::{Path, PathBuf};

use clap::Args;
use orchestra_pit_core::amount::{Span, Usd};
use orchestra_pit_core::budget::Caps;
use orchestra_pit_core::id::RunId;

use super::Failure;
use super::open::{Desk, Named, Place, find, state};
use super::out::{note, out};
use super::setting::environment;
use crate::config::file;
use crate::effect::model::models::Models;
use crate::effect::model::settings::Settings;
use crate::journal::Inbox;
use crate::run::Tree;
use crate::run::clock::now;
use crate::run::command::{Command, What};
use crate::run::desk::Waits;
use crate::run::state::Phase;
use crate::surface::exit::Exit;
use crate::surface::words;

/// `pit answer`
#[derive(Debug, Args)]
pub struct AnswerArgs {
    /// The run that asked: `3f`, `3f.2`.
    id: String,
    /// The answer.
    text: String,
}

/// `pit approve`
#[derive(Debug, Args)]
pub struct ApproveArgs {
    /// The run that waits.
    id: String,
    /// Also for all that is alike in this run.
    #[arg(long)]
    run: bool,
    /// What it proposes as you changed it, such as a plan: a file.
    #[arg(long, value_name = "FILE")]
    body: Option<PathBuf>,
}

/// `pit reject`
#[derive(Debug, Args)]
pub struct RejectArgs {
    /// The run that waits.
    id: String,
    /// Why; the agent reads it.
    #[arg(short, long, default_value = "")]
    message: String,
}

/// `pit send`
#[derive(Debug, Args)]
pub struct SendArgs {
    /// The run.
    id: String,
    /// The remark.
    text: String,
}

/// `pit budget`
#[derive(Debug, Args)]
pub struct BudgetArgs {
    /// The run.
    id: String,
    /// US dollars in all.
    #[arg(long, value_parser = dollars)]
    usd: Option<Usd>,
    /// Tokens in all.
    #[arg(long)]
    tokens: Option<u64>,
    /// Time at work in all: `90m`.
    #[arg(long, value_parser = Span::parse)]
    wall: Option<Span>,
    /// Turns of the run with its model.
    #[arg(long)]
    turns: Option<u64>,
}

/// `pit cancel`
#[derive(Debug, Args)]
pub struct CancelArgs {
    /// The run.
    id: String,
    /// Why, for the record.
    #[arg(short, long, default_value = "a person cancelled it")]
    message: String,
}

fn dollars(text: &str) -> Result<Usd, String> {
    let dollars = text.trim_start_matches('$').parse().ok().and_then(Usd::from_dollars);
    dollars.ok_or_else(|| "an amount in US dollars, such as 5 or 0.50".to_owned())
}

/// Answers a question.
pub async fn answer(at: &Place, args: AnswerArgs) -> Result<Exit, Failure> {
    waiting(at, &args.id, What::Answer { text: args.text }).await
}

/// Says yes.
pub async fn approve(at: &Place, args: ApproveArgs) -> Result<Exit, Failure> {
    let body = args.body.map(|path| changed(at, &path)).transpose()?;
    waiting(at, &args.id, What::Approve { run: args.run, body }).await
}

/// A proposal as a person changed it.
fn changed(at: &Place, path: &Path) -> Result<String, Failure> {
    let path = at.join(path);
    let text = file::read_linked(&path).map_err(|error| Failure::new(Exit::Usage, error))?;
    text.ok_or_else(|| Failure::new(Exit::Usage, format!("there is no file {}", path.display())))
}

/// Says no.
pub async fn reject(at: &Place, args: RejectArgs) -> Result<Exit, Failure> {
    waiting(at, &args.id, What::Reject { why: args.message }).await
}

/// Says something.
pub async fn send(at: &Place, args: SendArgs) -> Result<Exit, Failure> {
    let desk = at.desk()?;
    let named = find(&desk.journal, Some(&args.id)).await?;
    if args.text.trim().is_empty() {
        let failure = Failure::new(Exit::Usage, "there is nothing to say; nothing was kept");
        return Err(failure.hint(format!("pit send {} \"what to do\"", args.id)));
    }
    put(&desk, &named, What::Send { text: args.text }, None).await
}

/// What people have said to runs that nobody was at work on, with the tree and who said it, oldest first.
pub async fn kept(desk: &Desk) -> Result<Vec<(RunId, String, String)>, Failure> {
    let said = |(tree, letter): (RunId, Inbox)| match serde_json::from_str::<Command>(&letter.body).ok()?.what {
        What::Send { text } => Some((tree, letter.by, text)),
        _ => None,
    };
    Ok(desk.journal.inboxes().await?.into_iter().filter_map(said).collect())
}

/// Sets limits.
pub async fn budget(at: &Place, args: BudgetArgs) -> Result<Exit, Failure> {
    let caps = Caps {
        micro_usd: args.usd.map(|usd| usd.0),
        tokens: args.tokens,
        elapsed: args.wall.map(|span| span.0),
        turns: args.turns,
        ..Caps::default()
    };
    let desk = at.desk()?;
    let named = find(&desk.journal, Some(&args.id)).await?;
    let state = state(&desk.journal, named.tree).await?;
    if caps == Caps::default() {
        out!("{}  {}", state.name(named.run), words::spent(&state, named.run));
        return Ok(Exit::Done);
    }
    if caps.micro_usd.is_some() && state.money(named.run).is_none() {
        let name = state.name(named.run);
        return Err(Failure::new(
            Exit::Usage,
            format!(
                "{name} asks a model whose price is not known, so no limit in dollars can be kept; nothing has changed"
            ),
        )
        .hint(format!("pit budget {name} --tokens N limits its tokens")));
    }
    let name = state.name(named.run);
    if state.root().is_some_and(|root| root.phase == Phase::Live) {
        return put(&desk, &named, What::Budget { caps }, None).await;
    }
    keep(&desk, &named, What::Budget { caps }, None).await?;
    note!("kept: {name} has ended; pit send {name} \"go on\" starts another round with it");
    Ok(Exit::Done)
}

/// Cancels.
pub async fn cancel(at: &Place, args: CancelArgs) -> Result<Exit, Failure> {
    let desk = at.desk()?;
    let named = find(&desk.journal, Some(&args.id)).await?;
    let state = state(&desk.journal, named.tree).await?;
    if state.runs.get(&named.run).is_some_and(|run| run.phase != Phase::Live) {
        out!("{} has ended already", state.name(named.run));
        return Ok(Exit::Done);
    }
    keep(&desk, &named, What::Cancel { why: args.message }, None).await?;
    if desk.bells.ring(named.tree).await {
        return Ok(Exit::Done);
    }
    // Nobody is at work on it: no agent has to go on for it to end.
    let pit = at.pit(Models::new(Settings::default(), Box::new(environment))?)?;
    let _lease = pit.bells.take(named.tree)?;
    let tree = Tree::settle(pit.host.clone(), named.tree).await?;
    let name = state.name(named.run);
    if tree.look(|state| state.runs.get(&named.run).is_some_and(|run| run.phase == Phase::Live)) {
        return Err(Failure::new(Exit::Failed, format!("{name} could not be cancelled; it stands as it was")));
    }
    out!(
        "{name} is cancelled; what was committed is kept (pit diff {name}), and so are its files (pit checkout {name})"
    );
    Ok(Exit::Done)
}

/// Puts a command for a run that must be waiting for it.
async fn waiting(at: &Place, id: &str, what: What) -> Result<Exit, Failure> {
    let desk = at.desk()?;
    let named = find(&desk.journal, Some(id)).await?;
    let state = state(&desk.journal, named.tree).await?;
    let asks = state.runs.get(&named.run).is_some_and(|run| words::question(run).is_some());
    if !asks {
        let waiting: Vec<String> = state
            .runs
            .iter()
            .filter(|(_, run)| words::question(run).is_some())
            .map(|(id, _)| state.name(*id))
            .collect();
        let failure = Failure::new(Exit::Usage, format!("{} is not waiting for anybody", state.name(named.run)));
        return Err(match waiting.as_slice() {
            [] => failure,
            waiting => failure.hint(format!("waiting: {}", waiting.join(", "))),
        });
    }
    let open = state.runs.get(&named.run).and_then(|run| run.open.as_ref());
    // What does not fit is said here, and not on another terminal.
    if let Some(Err(instead)) = open.and_then(Waits::of).map(|waits| waits.hear(what.clone(), String::new())) {
        let failure = Failure::new(Exit::Usage, format!("{} waits for {instead}", state.name(named.run)));
        return Err(match words::how_to_answer(&state, named.run) {
            Some(how) => failure.hint(how),
            None => failure,
        });
    }
    put(&desk, &named, what, open.map(|open| open.seq)).await
}

/// Puts a command into the inbox and rings. With no owner there it waits for the next.
pub async fn put(desk: &Desk, named: &Named, what: What, call: Option<u64>) -> Result<Exit, Failure> {
    keep(desk, named, what, call).await?;
    if desk.bells.ring(named.tree).await {
        note!("told: {} is at work", named.tree.short());
    } else {
        note!("kept: nobody is at work on {}; pit resume {} goes on with it", named.tree.short(), named.tree.short());
    }
    Ok(Exit::Done)
}

/// Puts a command into the inbox, for whoever goes on with the run.
pub async fn keep(desk: &Desk, named: &Named, what: What, call: Option<u64>) -> Result<(), Failure> {
    let by = desk.repo.person().name.clone();
    let command = Command { run: named.run, what, by: by.clone(), call };
    let body = serde_json::to_string(&command)?;
    desk.journal.put(named.tree, body, by, now()).await?;
    Ok(())
}
