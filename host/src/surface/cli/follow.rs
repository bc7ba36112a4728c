//! Follows a tree of runs that this process owns, to its end: progress on standard error, the result on standard output.

use std::sync::Arc;

use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use super::Failure;
use crate::assemble::Pit;
use crate::run::Tree;
use crate::run::clock::now;
use crate::run::events::Live;
use crate::surface::exit::Exit;
use crate::surface::{json, words};

/// What standard output gets.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, clap::ValueEnum)]
pub enum Output {
    /// The last screen.
    #[default]
    Text,
    /// One JSON object at the end.
    Json,
    /// One JSON object a line for what happens, and the one at the end.
    StreamJson,
}

/// Shows what happens until the tree has ended or is stopped; then the last screen.
pub async fn follow(
    pit: &Pit,
    tree: &Arc<Tree>,
    events: broadcast::Receiver<Live>,
    output: Output,
) -> Result<Exit, Failure> {
    let bell = pit.bells.listen(tree.id)?;
    let doorman = tokio::spawn(tree.clone().answer_bell(bell));
    let shown = tokio::spawn(show(tree.clone(), events, output));
    tokio::select! {
        _ = tree.finished() => {}
        interrupted = tokio::signal::ctrl_c() => {
            interrupted?;
            tree.stop("interrupted").await?;
        }
    }
    doorman.abort();
    pit.bells.silence(tree.id);
    // The last records are told after they are on disk: a moment for them, and none for what may never come.
    let _ = tokio::time::timeout(std::time::Duration::from_millis(50), shown).await;
    match output {
        Output::Text => {
            for line in tree.look(|state| words::last_screen(state, now())) {
                println!("{line}");
            }
        }
        Output::Json | Output::StreamJson => {
            println!("{}", tree.look(|state| serde_json::to_string(&json::tree(state)))?);
        }
    }
    Ok(tree.look(Exit::of))
}

async fn show(tree: Arc<Tree>, mut events: broadcast::Receiver<Live>, output: Output) {
    loop {
        match events.recv().await {
            Ok(Live::Record { run, at, event }) if output == Output::StreamJson => {
                let line = tree.look(|state| {
                    json::line(state, run, at, &event).and_then(|line| serde_json::to_string(&line).ok())
                });
                if let Some(line) = line {
                    println!("{line}");
                }
            }
            Ok(Live::Record { run, event, .. }) => {
                if let Some(line) = tree.look(|state| words::event(state, run, &event)) {
                    eprintln!("{line}");
                }
            }
            Ok(Live::Unheeded { why, .. }) => eprintln!("{why}"),
            Ok(Live::Delta { .. }) | Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return,
        }
    }
}
