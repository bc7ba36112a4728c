//! The command line: one file a command.

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use orchestra_pit_core::id::RunId;

use super::exit::Exit;

mod accept;
mod again;
mod agent;
mod ask;
mod attach;
mod carry;
mod changes;
mod checkout;
mod clean;
mod completion;
mod config;
mod demo;
mod detach;
mod diff;
mod display;
mod doctor;
mod editor;
mod follow;
mod git;
mod init;
mod judge;
mod open;
mod out;
mod replay;
mod resume;
mod run;
mod say;
mod setting;
mod show;
mod signals;
mod stranger;
mod tell;
mod terminal;
mod trust;
mod usage;
mod view;

pub use tell::Failure;
pub use usage::parse;

/// Runs teams of AI agents that nobody has to trust.
///
/// Each agent is a WebAssembly component that can only call the host, and every call is judged, paid for and written down
/// before it has any effect.
#[derive(Debug, Parser)]
#[command(name = "pit", version, propagate_version = true, arg_required_else_help = true)]
pub struct Pit {
    /// Work as if started in this folder.
    #[arg(short = 'C', long = "directory", global = true, value_name = "DIR", default_value = ".")]
    directory: PathBuf,
    /// For `-d`: this process is the host of that run, and has no terminal.
    #[arg(long, hide = true, value_name = "ID", value_parser = hosted)]
    hosts: Option<RunId>,
    /// For `-d`: somebody was at the terminal that it was started from.
    #[arg(long, hide = true)]
    attended: bool,
    #[command(subcommand)]
    verb: Verb,
}

fn hosted(text: &str) -> Result<RunId, String> {
    RunId::parse(text).ok_or_else(|| "the id of a run".to_owned())
}

/// What to do.
#[derive(Debug, Subcommand)]
enum Verb {
    /// Watch a team at work on a small repository, without a key or a network.
    Demo(demo::Args),
    /// Have a task done in this repository, on a branch of its own.
    Run(run::Args),
    /// What a run has changed.
    Diff(diff::Args),
    /// Take a run's result onto your branch, or put that back.
    Accept(accept::Args),
    /// Read what this repository's pit.toml would change, and say yes or no to it.
    Trust(trust::Args),
    /// Write a first pit.toml.
    Init(init::InitArgs),
    /// Whether everything is there that a run needs, and what to type where it is not.
    Doctor(doctor::Args),
    /// Remove what is kept of runs whose work is on another branch. Unmerged work stays.
    Clean(clean::Args),
    /// What is configured here.
    #[command(subcommand)]
    Config(config::Verb),
    /// Complete commands in a shell.
    Completion(completion::Args),
    /// Look at an agent, or run one.
    #[command(subcommand)]
    Agent(agent::Verb),
    /// Go on with a run that was stopped or cut off.
    Resume(resume::Args),
    /// Run the agents once more from the record, offline, and compare.
    Replay(replay::Args),
    /// Show a run that another process is at work on, and answer it here.
    Attach(attach::Args),
    /// What runs stand at.
    Status(show::StatusArgs),
    /// The runs of this repository.
    Ls(show::LsArgs),
    /// What happened in a run.
    Logs(show::LogsArgs),
    /// Answer an agent's question.
    Answer(say::AnswerArgs),
    /// Say yes to what an agent waits for.
    Approve(say::ApproveArgs),
    /// Say no to what an agent waits for.
    Reject(say::RejectArgs),
    /// Say something to a run: at work, it reads it before its next turn; ended, it starts another round.
    Send(say::SendArgs),
    /// Give a run other limits.
    Budget(say::BudgetArgs),
    /// A shell in the sandbox on the files of a run, as its commands see them.
    Terminal(terminal::Args),
    /// The files of a run as a plain folder.
    Checkout(checkout::Args),
    /// Stop a run and all below it. What was committed is kept.
    Cancel(say::CancelArgs),
}

/// Runs one command.
pub async fn run(pit: Pit) -> Exit {
    if pit.hosts.is_some() {
        detach::leave_session();
    }
    let carry = match &pit.verb {
        Verb::Run(args) => Some(&args.start.carry),
        Verb::Resume(args) => Some(&args.carry),
        Verb::Agent(agent::Verb::Run(args)) => Some(&args.start.carry),
        _ => None,
    };
    let output = carry.map_or_else(|| usage::wanted(std::env::args_os().skip(1)), |carry| carry.output_format);
    let printing = carry.is_some_and(|carry| carry.print);
    // A host is started where it belongs.
    let directory = if pit.hosts.is_some() { PathBuf::from(".") } else { pit.directory };
    let at = match open::Place::enter(&directory) {
        Ok(at) => at.hosting(pit.hosts, pit.attended).printing(printing),
        Err(failure) => return failure.tell_as(output),
    };
    let done = match pit.verb {
        Verb::Demo(args) => demo::run(&at, args).await,
        Verb::Run(args) => run::run(&at, args).await,
        Verb::Diff(args) => diff::run(&at, args).await,
        Verb::Accept(args) => accept::run(&at, args).await,
        Verb::Trust(args) => trust::run(&at, &args),
        Verb::Doctor(args) => doctor::run(&at, args).await,
        Verb::Clean(args) => clean::run(&at, args).await,
        Verb::Init(args) => init::run(&at, &args).await,
        Verb::Config(verb) => config::run(&at, verb),
        Verb::Completion(args) => completion::run(&args),
        Verb::Agent(verb) => agent::run(&at, verb).await,
        Verb::Resume(args) => resume::run(&at, args).await,
        Verb::Replay(args) => replay::run(&at, args).await,
        Verb::Attach(args) => attach::run(&at, args).await,
        Verb::Status(args) => show::status(&at, args).await,
        Verb::Ls(args) => show::ls(&at, args).await,
        Verb::Logs(args) => show::logs(&at, args).await,
        Verb::Answer(args) => say::answer(&at, args).await,
        Verb::Approve(args) => say::approve(&at, args).await,
        Verb::Reject(args) => say::reject(&at, args).await,
        Verb::Send(args) => say::send(&at, args).await,
        Verb::Budget(args) => say::budget(&at, args).await,
        Verb::Terminal(args) => terminal::run(&at, args).await,
        Verb::Checkout(args) => checkout::run(&at, args).await,
        Verb::Cancel(args) => say::cancel(&at, args).await,
    };
    done.unwrap_or_else(|failure| failure.tell_as(output))
}
