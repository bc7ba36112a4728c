//! `pit trust`: the person reads what the repository's file would change, and says yes to just that text.

use orchestra_pit_core::text::clean_lines;

use super::Failure;
use super::ask::confirm;
use super::open::{Place, dirs};
use super::out::{note, out};
use super::setting::{FILE, agents, files, of_repository, settle, wrong};
use super::stranger::{BroughtArgs, names};
use crate::config::settled::Settled;
use crate::config::trust::{Standing, Store, Trusted};
use crate::config::written::Flags;
use crate::config::{ConfigError, Source, Widening};
use crate::effect::store::Repo;
use crate::run::clock::now;
use crate::surface::exit::Exit;

/// `pit trust`
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Takes back every yes in this repository.
    #[arg(long)]
    forget: bool,
    /// Says yes without a question.
    #[arg(short, long)]
    yes: bool,
    #[command(flatten)]
    brought: BroughtArgs,
}

/// What holds for a run. Where a file of the repository waits for a yes, somebody at a terminal is asked for it.
pub fn settled(at: &Place, repo: &Repo, flags: &Flags, brought: &BroughtArgs) -> Result<Settled, Failure> {
    match settle(repo, flags) {
        Err(failure) if failure.exit == Exit::Untrusted && at.has_terminal() => match ask(at, brought, false)? {
            Exit::Done => settle(repo, flags),
            _ => Err(failure),
        },
        other => other,
    }
}

/// Shows and asks, or takes back.
pub fn run(at: &Place, args: &Args) -> Result<Exit, Failure> {
    if args.forget {
        Store::open(dirs().state.as_deref(), at.repo()?.common()).map_err(wrong)?.forget()?;
        out!("nothing in this repository is trusted any more");
        return Ok(Exit::Done);
    }
    ask(at, &args.brought, args.yes)
}

fn ask(at: &Place, brought: &BroughtArgs, yes: bool) -> Result<Exit, Failure> {
    let (repo, dirs) = (at.repo()?, dirs());
    let mut store = Store::open(dirs.state.as_deref(), repo.common()).map_err(wrong)?;
    let (first, brought) = (files(&repo, &dirs)?, brought.components()?);
    let sources: Vec<(&str, Source)> = of_repository(&first).map(|(name, source)| (name, source.clone())).collect();
    if sources.is_empty() {
        out!("there is no {FILE} here, and nothing to trust");
        return Ok(Exit::Done);
    }
    let mut trusted = Vec::new();
    for (name, source) in &sources {
        if let Standing::Trusted(known) = store.file(name, &source.text) {
            out!("{} is trusted as it is", source.path.display());
            trusted.push(known);
        }
    }
    let before = trusted.len();
    loop {
        // What is wrong with a file is said before anybody is asked about it.
        let (path, widens) =
            match Settled::settle(files(&repo, &dirs)?, &Flags::default(), &agents(&names(&brought)), &trusted) {
                Ok(_) => break,
                Err(ConfigError::Untrusted { path, widens }) => (path, widens),
                Err(error) => return Err(wrong(error)),
            };
        let known = |source: &Source| trusted.iter().any(|trusted: &Trusted| trusted.is_of(&source.text));
        let asked = sources.iter().find(|(_, source)| *source.path == *path && !known(source));
        let changed = || Failure::new(Exit::Failed, format!("{} has just been changed; look again", path.display()));
        let (name, source) = asked.ok_or_else(changed)?;
        show(&store, name, source, &widens);
        if !confirm("trust this text", yes)? {
            out!("not trusted");
            return Ok(Exit::Cancelled);
        }
        trusted.push(store.trust_file(name, &source.text, now())?);
        out!("trusted; a changed text will be asked about again");
    }
    if trusted.len() > before {
        forgotten(&store);
    } else if before < sources.len() {
        let rest = sources.iter().filter(|(_, source)| !trusted.iter().any(|known| known.is_of(&source.text)));
        rest.for_each(|(_, source)| {
            out!("{} gives nothing that there is not without it: it holds without a yes", source.path.display());
        });
    }
    Ok(Exit::Done)
}

/// Shows a text, or what is another in it, and what it gives.
fn show(store: &Store, name: &str, source: &Source, widens: &[Widening]) {
    note!("{}:", source.path.display());
    match store.file(name, &source.text) {
        Standing::Changed { difference } => note!("{}", clean_lines(difference.trim_end())),
        _ => note!("{}", clean_lines(source.text.trim_end())),
    }
    note!("\nit gives more than there is without it:");
    for widening in widens {
        let line = format!("{} = {} (without it {})", widening.key, widening.to, widening.without);
        note!("  line {}: {}", widening.line, clean_lines(&line));
    }
}

/// Tells a person whose yes nobody will remember.
pub fn forgotten(store: &Store) {
    if !store.is_kept() {
        note!("there is no folder to keep it in, so it is forgotten at once: set HOME to one that can be written");
    }
}
