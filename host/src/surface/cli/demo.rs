//! `pit demo`: `pit run` on a small repository of its own, with a model that speaks from a script.
//!
//! It lays the stage and says the line that a person would type there; the rest is what any run does and shows.

use std::path::{Path, PathBuf};

use clap::Parser;

use super::git::Git;
use super::open::{Place, dirs, home};
use super::out::note;
use super::setting::{FILE, wrong};
use super::{Failure, Pit};
use crate::config::file;
use crate::config::trust::Store;
use crate::run::clock::now;
use crate::shipped::STRANGER;
use crate::surface::exit::Exit;

/// The repository with its history, as `git fast-import` reads it.
const REPOSITORY: &str = include_str!("../../../../tests/scenarios/shelf/repository.txt");
/// What the model says.
const SCRIPT: &str = include_str!("../../../../tests/scenarios/shelf/script.toml");

/// What a person would type in the repository.
const LINE: &[&str] =
    &["pit", "run", "SPEC.md", "--agent", "../docs-bot.wasm", "--give", "as-asked", "-m", "scripted/../script.toml"];

/// `pit demo`
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where to put the repository: a folder that is not there yet; left out, a temporary one.
    #[arg(long, value_name = "DIR")]
    into: Option<PathBuf>,
    /// More for `pit run`, such as `-o stream-json`.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGS")]
    rest: Vec<String>,
}

/// Lays the stage and runs.
pub async fn run(at: &Place, args: Args) -> Result<Exit, Failure> {
    if args.rest.iter().any(|arg| matches!(arg.as_str(), "-d" | "--detach")) {
        return Err(Failure::new(
            Exit::Usage,
            "a demo is to be seen: it does not run without a terminal to show it on",
        )
        .hint("pit demo -- -o stream-json writes what happens, for programs"));
    }
    if !has_cargo() {
        return Err(Failure::new(
            Exit::Failed,
            "the demo's agents build and test a small Rust library, and there is no cargo in /usr or in your home; \
             nothing was started",
        )
        .hint("https://rustup.rs installs it; one that lies elsewhere is found by CARGO_HOME and RUSTUP_HOME"));
    }
    let folder = match &args.into {
        Some(folder) => at.join(folder),
        None => std::env::temp_dir().join(format!("pit-demo-{}", std::process::id())),
    };
    let repository = lay(&folder)?;
    let rest = args.rest.iter().map(|arg| format!(" {arg}")).collect::<String>();
    note!("A small repository, a model that speaks from a script, a stranger's agent; no key, no network.");
    note!("$ cd {}\n$ {}{rest}\n", repository.display(), LINE.join(" "));
    let line = LINE.iter().copied().chain(args.rest.iter().map(String::as_str));
    let pit = Pit::try_parse_from(line).map_err(|error| Failure::lines(Exit::Usage, &error.to_string()))?;
    let shown = repository.clone();
    let exit = Box::pin(super::run(Pit { directory: repository, ..pit })).await;
    note!("\nIt is yours to look at, in {}; nothing else was changed.", folder.display());
    note!("  next       cd {} && pit diff · pit accept · pit logs", shown.display());
    Ok(exit)
}

/// Makes the repository, and beside it the script and the stranger.
#[expect(clippy::disallowed_methods, reason = "writes the demo's files into a folder that it has just made")]
fn lay(folder: &Path) -> Result<PathBuf, Failure> {
    let failed = |error: std::io::Error| {
        Failure::new(Exit::Failed, format!("{}: {error}", folder.display()))
            .hint("pit demo --into DIR, a folder that is not there")
    };
    let repository = folder.join("shelf");
    // Not all the way: a folder that is there is somebody's.
    std::fs::create_dir(folder).map_err(failed)?;
    std::fs::create_dir(&repository).map_err(failed)?;
    std::fs::write(folder.join("script.toml"), SCRIPT).map_err(failed)?;
    std::fs::write(folder.join("docs-bot.wasm"), STRANGER).map_err(failed)?;
    let git = Git::at(&repository);
    git.run(&["init", "--quiet", "--object-format=sha1", "--initial-branch=main"])?;
    git.feed(&["fast-import", "--quiet", "--done"], REPOSITORY)?;
    git.run(&["checkout", "--quiet", "main"])?;
    trust(&repository)?;
    Ok(repository)
}

/// The person's yes to the demo's own file: whoever runs this program has it already.
fn trust(repository: &Path) -> Result<(), Failure> {
    let Some(text) = file::read(&repository.join(FILE)).map_err(wrong)? else { return Ok(()) };
    let mut store = Store::open(dirs().state.as_deref(), &repository.join(".git")).map_err(wrong)?;
    store.trust_file(FILE, &text, now())?;
    Ok(())
}

/// Whether commands find a cargo: of the system, or in the home where they are given it.
#[expect(clippy::disallowed_methods, reason = "looks whether a program is there")]
fn has_cargo() -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.starts_with("/usr") && folder.join("cargo").is_file())
        || home().is_some_and(|home| home.at(".cargo/bin").join("cargo").is_file())
}
