//! `pit trust`: the person reads what the repository's file would change, and says yes to just that text.

use orchestra_pit_core::text::clean_lines;

use super::Failure;
use super::ask::confirm;
use super::open::{Place, dirs};
use super::out::{note, out};
use super::setting::{FILE, agents, files, wrong};
use super::stranger::{BroughtArgs, names};
use crate::config::ConfigError;
use crate::config::settled::Settled;
use crate::config::trust::{Standing, Store};
use crate::config::written::Flags;
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

/// Shows and asks.
pub fn run(at: &Place, args: &Args) -> Result<Exit, Failure> {
    let (repo, dirs) = (at.repo()?, dirs());
    let mut store = Store::open(dirs.state.as_deref(), repo.common()).map_err(wrong)?;
    if args.forget {
        store.forget()?;
        out!("nothing in this repository is trusted any more");
        return Ok(Exit::Done);
    }
    let (files, brought) = (files(&repo, &dirs)?, args.brought.components()?);
    let Some(source) = files.repository.as_ref().map(|(source, _)| source.clone()) else {
        out!("there is no {FILE} here, and nothing to trust");
        return Ok(Exit::Done);
    };
    match store.file(FILE, &source.text) {
        Standing::Trusted(_) => {
            out!("{} is trusted as it is", source.path.display());
            return Ok(Exit::Done);
        }
        Standing::New => note!("{}", clean_lines(source.text.trim_end())),
        Standing::Changed { difference } => note!("{}", clean_lines(difference.trim_end())),
    }
    match Settled::settle(files, &Flags::default(), &agents(&names(&brought)), None) {
        Ok(_) => {
            out!("{} gives nothing that there is not without it: it holds without a yes", source.path.display());
            return Ok(Exit::Done);
        }
        Err(ConfigError::Untrusted { widens, .. }) => {
            note!("\nit gives more than there is without it:");
            for widening in widens {
                let line = format!("{} = {} (without it {})", widening.key, widening.to, widening.without);
                note!("  line {}: {}", widening.line, clean_lines(&line));
            }
        }
        Err(error) => return Err(wrong(error)),
    }
    if !confirm("trust this text", args.yes)? {
        out!("not trusted");
        return Ok(Exit::Cancelled);
    }
    store.trust_file(FILE, &source.text, now())?;
    out!("trusted; a changed text will be asked about again");
    forgotten(&store);
    Ok(Exit::Done)
}

/// Tells a person whose yes nobody will remember.
pub fn forgotten(store: &Store) {
    if !store.is_kept() {
        note!("there is no folder to keep it in, so it is forgotten at once: set HOME to one that can be written");
    }
}
