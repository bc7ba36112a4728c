//! `pit completion`: what a shell needs to complete pit's commands.

use clap::CommandFactory;
use clap_complete::Shell;

use super::{Failure, Pit};
use crate::surface::exit::Exit;

/// `pit completion`
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The shell.
    shell: Shell,
}

/// Prints the script.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    clap_complete::generate(args.shell, &mut Pit::command(), "pit", &mut std::io::stdout());
    Ok(Exit::Done)
}
