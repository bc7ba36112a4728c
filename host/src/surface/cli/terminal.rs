//! `pit terminal`: a shell in the sandbox on the files of a run, as its commands see them. What is changed there is gone at
//! the end.

use std::io::IsTerminal;
use std::process::Stdio;
use std::sync::Arc;

use orchestra_pit_core::call::Site;
use orchestra_pit_sandbox::{self as sandbox, Ended, Report};

use super::Failure;
use super::accept::{told, tried};
use super::open::{Place, find};
use super::out::note;
use crate::effect::exec::Exec;
use crate::effect::exec::terminal::Ready;
use crate::effect::workspace::Workspaces;
use crate::run::standing;
use crate::surface::exit::Exit;
use crate::surface::terminal::pass;

/// `pit terminal`
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The run; the newest if none is named.
    id: Option<String>,
    /// On what a branch would have if it took the run's result now, as accept does; else the branch that it started from.
    #[arg(long, value_name = "BRANCH", num_args = 0..=1)]
    merged: Option<Option<String>>,
    /// A command instead of a shell, after `--`.
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,
}

/// Shells that are in the sandbox where the system has them; one of another place is not.
const INSIDE: [&str; 2] = ["/bin/", "/usr/bin/"];

/// Starts it and waits for its end.
pub async fn run(at: &Place, args: Args) -> Result<Exit, Failure> {
    let here = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    if args.command.is_empty() && !here {
        return Err(Failure::new(Exit::Usage, "there is no terminal here for a shell")
            .hint("pit terminal ID -- COMMAND runs one command instead"));
    }
    let desk = at.desk()?;
    let named = find(&desk.journal, args.id.as_deref()).await?;
    let workspaces = Arc::new(Workspaces::new(desk.repo.clone()));
    let state = standing(&desk.journal, &workspaces, named.tree).await?;
    let mut name = state.name(named.run);
    if let Some(onto) = &args.merged {
        let merged = tried(&desk, &named, &state, onto.as_deref())?;
        workspaces.stand(named.run, merged).map_err(told)?;
        name = format!("{name} merged");
    }
    let site = state.runs.get(&named.run).map(|run| run.started.site.clone());
    let site: Site = site.ok_or_else(|| Failure::new(Exit::Usage, "there is no such run"))?;
    let commands = state.root().and_then(|root| root.started.commands.as_deref().cloned()).unwrap_or_default();
    let argv = if args.command.is_empty() { vec![shell()] } else { args.command };
    let mut env = vec![("PS1".to_owned(), format!("(pit {name}) $ "))];
    if here {
        env.extend(std::env::var("TERM").ok().map(|term| ("TERM".to_owned(), term)));
    }
    let exec = Exec::new(workspaces, at.machine());
    let ready = exec.ready(&site, argv.clone(), env, here, Arc::new(commands), &|_| {}).await.map_err(told)?;
    let copy =
        if args.merged.is_some() { String::new() } else { format!(" (pit checkout {name} makes a copy that stays)") };
    note!("{name} as it stands; what is changed here is gone at the end{copy}");
    let report = carry_out(ready, here).await.map_err(|error| told(exec.told(&error, &argv)))?;
    Ok(match report.ended {
        Ended::Exit(0) => Exit::Done,
        Ended::Exit(code) => {
            note!("exit {code}");
            Exit::Failed
        }
        Ended::Signal(signal) => {
            note!("ended by signal {signal}");
            Exit::Failed
        }
        Ended::Over(limit) => {
            note!("ended: too much {limit:?}");
            Exit::Failed
        }
    })
}

/// The person's own shell, if it is inside too.
fn shell() -> String {
    let own = std::env::var("SHELL").ok().filter(|shell| INSIDE.iter().any(|folder| shell.starts_with(folder)));
    own.unwrap_or_else(|| "/bin/sh".to_owned())
}

/// Runs it to its end, at a terminal of its own if there is one here.
async fn carry_out(ready: Ready, here: bool) -> Result<Report, sandbox::Error> {
    let mut passed = None;
    let (out, err) = if here {
        let (ours, theirs) = sandbox::terminal()?;
        passed = pass::pass(&ours)?;
        (Stdio::from(theirs.try_clone()?), Stdio::from(theirs))
    } else {
        (Stdio::inherit(), Stdio::inherit())
    };
    let wait = move || {
        let ended = ready.start(out, err)?.wait();
        drop(ready);
        ended
    };
    let ended = tokio::task::spawn_blocking(wait).await.unwrap_or(Err(sandbox::Error::Lost));
    if let Some(passed) = &mut passed {
        passed.drain();
    }
    ended
}
