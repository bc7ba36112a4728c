//! `status`, `ls`, `logs`: what runs stand at and what happened in them, with or without a host at work.

use std::io::IsTerminal;

use clap::Args;
use orchestra_pit_core::record::Event;

use super::Failure;
use super::open::{Place, find, state};
use super::out::out;
use super::say;
use crate::effect::exec::services;
use crate::run::State;
use crate::run::clock::now;
use crate::run::state::{Phase, Run};
use crate::surface::exit::Exit;
use crate::surface::terminal::{table, tty};
use crate::surface::{json, words};

/// `pit status`
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// The run; the newest if none is named.
    id: Option<String>,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

/// `pit ls`
#[derive(Debug, Args)]
pub struct LsArgs {
    /// As JSON, an object a line.
    #[arg(long)]
    json: bool,
}

/// `pit logs`
#[derive(Debug, Args)]
pub struct LogsArgs {
    /// The run; the newest if none is named.
    id: Option<String>,
    /// Go on with what happens, until the run has ended.
    #[arg(short, long)]
    follow: bool,
    /// Every record as JSON, one a line.
    #[arg(long)]
    json: bool,
}

/// Shows one tree.
pub async fn status(at: &Place, args: StatusArgs) -> Result<Exit, Failure> {
    let desk = at.desk()?;
    let named = find(&desk.journal, args.id.as_deref()).await?;
    let state = state(&desk.journal, named.tree).await?;
    if args.json {
        out!("{}", serde_json::to_string(&json::tree(&state))?);
        return Ok(Exit::Done);
    }
    let live = state.root().is_some_and(|root| root.phase == Phase::Live);
    let owned = desk.bells.owned(named.tree);
    let beside = table::Beside { stopped: live && !owned, ..table::Beside::default() };
    // On a terminal it is one screen, with a line left for the prompt; what is not one takes every row.
    let (columns, room) = match std::io::stdout().is_terminal() {
        true => (tty::size(std::io::stdout()).columns, tty::size(std::io::stdout()).rows.saturating_sub(1)),
        false => (160, usize::MAX),
    };
    for row in table::fitting(&state, &beside, now(), columns, room) {
        out!("{}", row.text);
    }
    for (run, id) in state.order.iter().filter(|_| live && owned).map(|run| (run, state.name(*run))) {
        for (service, port) in services::read(desk.repo.state(), *run) {
            out!("service `{service}` of {id} listens on 127.0.0.1:{port}");
        }
    }
    let kept = say::kept(&desk).await?;
    for (_, by, text) in kept.iter().filter(|(tree, ..)| *tree == named.tree) {
        out!("not heard yet: {} said: {}", words::line(by, 40), words::whole(text, 200));
        if !live {
            out!("pit resume {} starts another round with it", named.tree.short());
        }
    }
    if live && !owned {
        out!("nobody is at work on it; pit resume {} goes on", named.tree.short());
    }
    Ok(Exit::Done)
}

/// Lists trees, newest first.
pub async fn ls(at: &Place, args: LsArgs) -> Result<Exit, Failure> {
    let desk = at.desk()?;
    let kept = say::kept(&desk).await?;
    for row in desk.journal.trees().await?.into_iter().rev() {
        let tree = row.first.tree;
        // Of a run that was removed only the headers are left.
        let Some(started) = &row.first.started else { continue };
        if args.json {
            // All that is known of a tree, and so from all its records.
            if let Some(tree) = json::tree(&state(&desk.journal, tree).await?) {
                out!("{}", serde_json::to_string(&tree)?);
            }
            continue;
        }
        let taken = matches!(row.first.last, Some((_, Some(Event::Accepted { .. }))));
        let what = match desk.journal.end(&row.first).await? {
            Some(ended) if taken => format!("{}; accepted", words::came_to(&ended)),
            Some(ended) => words::came_to(&ended),
            None if desk.bells.owned(tree) => "at work".to_owned(),
            None => "stopped; can be resumed".to_owned(),
        };
        let told = match kept.iter().any(|(of, ..)| *of == tree) {
            true => format!("; a remark waits for pit resume {}", tree.short()),
            false => String::new(),
        };
        out!("{}  {:<50} {what}{told}", tree.short(), words::line(&started.title, 50));
    }
    Ok(Exit::Done)
}

/// What a run stands at, in a few words.
pub fn standing(root: &Run, owned: bool) -> String {
    match root.ended() {
        Some(end) => words::came_to(end),
        None if owned => "at work".to_owned(),
        None => "stopped; can be resumed".to_owned(),
    }
}

/// Tells what happened, and goes on telling.
pub async fn logs(at: &Place, args: LogsArgs) -> Result<Exit, Failure> {
    let desk = at.desk()?;
    let named = find(&desk.journal, args.id.as_deref()).await?;
    let mut bell = if args.follow { desk.bells.watch(named.tree).await } else { None };
    let (mut state, mut seen) = (State::default(), 0);
    loop {
        for row in desk.journal.read_tree(named.tree, seen).await? {
            seen = row.row;
            let (run, at) = (row.header.run, row.header.at);
            let Some(event) = row.event else { continue };
            state.apply(run, at, &event);
            if named.run != named.tree && named.run != run {
                continue;
            }
            let line = match args.json {
                true => json::line(&state, run, at, &event).map(|line| serde_json::to_string(&line)).transpose()?,
                false => words::event(&state, run, &event),
            };
            if let Some(line) = line {
                out!("{line}");
            }
        }
        let over = state.root().is_none_or(|root| root.phase != Phase::Live);
        match &mut bell {
            Some(lines) if !over => {
                if !matches!(lines.next_line().await, Ok(Some(_))) {
                    bell = None;
                }
            }
            _ => return Ok(Exit::Done),
        }
    }
}
