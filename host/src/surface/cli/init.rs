//! `pit init`: a first `pit.toml`, of what the repository and its CI files run, each check tried once on HEAD.

mod trial;

use std::collections::BTreeSet;
use std::path::Path;

use orchestra_pit_core::check::propose::{Proposal, Repository, is_read, propose};
use orchestra_pit_core::text::clean_lines;

use super::Failure;
use super::ask::confirm;
use super::git::Git;
use super::open::{Place, dirs, home};
use super::out::{self, note, out};
use super::setting::{self, FILE};
use super::trust::forgotten;
use crate::config::file;
use crate::config::init::{self, Facts, Tried};
use crate::config::trust::Store;
use crate::config::written::INCLUDE;
use crate::effect::exec::tools;
use crate::effect::store::{OpenError, Repo};
use crate::run::clock::now;
use crate::surface::exit::Exit;
use trial::Trial;

/// `pit init`
#[derive(Debug, clap::Args)]
pub struct InitArgs {
    /// Prints the file and writes nothing.
    #[arg(long)]
    dry_run: bool,
    /// Does not try the checks.
    #[arg(long)]
    no_try: bool,
    /// Says yes to what it would run, without a question.
    #[arg(short, long)]
    yes: bool,
}

/// Writes a first `pit.toml` where there is none, and asks for a yes to what it would run. With a yes each check is tried once on
/// HEAD, behind the walls, and what was seen stands in the file.
pub async fn run(at: &Place, args: &InitArgs) -> Result<Exit, Failure> {
    let repo = at.repo()?;
    let top =
        repo.work_tree().ok_or_else(|| Failure::new(Exit::Usage, "a bare repository has no place for pit.toml"))?;
    committed(&repo)?;
    let mut facts = facts(&top)?;
    let text = init::propose(&facts, &Tried::default());
    if args.dry_run {
        out::text(&text);
        return Ok(Exit::Done);
    }
    let path = top.join(FILE);
    free(&path)?;
    if facts.commands == Proposal::default() {
        file::replace(&path, &text)?;
        out!("{} is written; every line of it can go", path.display());
        unjudged(&facts, &Tried::default());
        return Ok(Exit::Done);
    }
    note!("{}", clean_lines(text.trim_end()));
    // It takes a yes of its own, and without it nothing would run.
    let include = setting::files(&repo, &dirs())?.include;
    if let Some(source) = &include {
        note!("\ncommands see the files of yours that {INCLUDE} names and git ignores:");
        note!("{}", clean_lines(source.text.trim_end()));
    }
    let question = if args.no_try { "trust it" } else { "try each check once, in the sandbox, and trust it" };
    // Nothing that a repository wants run is run before the person has seen it.
    if !((args.yes || at.has_terminal()) && confirm(question, args.yes)?) {
        file::replace(&path, &text)?;
        out!("{} is written; nothing of it runs until you say yes to it: pit trust", path.display());
        return Ok(Exit::Done);
    }
    let mut store = Store::open(dirs().state.as_deref(), repo.common()).map_err(setting::wrong)?;
    if let Some(source) = &include {
        store.trust_file(INCLUDE, &source.text, now())?;
    }
    // Trying takes its time.
    free(&path)?;
    file::replace(&path, &text)?;
    store.trust_file(FILE, &text, now())?;
    let tried = if args.no_try { Tried::default() } else { Trial::new(at, repo, args.yes).run(&mut facts).await };
    let text = init::propose(&facts, &tried);
    file::replace(&path, &text)?;
    store.trust_file(FILE, &text, now())?;
    out!("{} is written and trusted as it is; every line of it can go", path.display());
    unjudged(&facts, &tried);
    forgotten(&store);
    Ok(Exit::Done)
}

/// What is not committed is neither looked at nor tried, and a file that says nothing would be in the way of the next one.
fn committed(repo: &Repo) -> Result<(), Failure> {
    match repo.head() {
        Ok(_) => Ok(()),
        Err(OpenError::Empty(_)) => {
            Err(Failure::new(Exit::Usage, format!("nothing is committed here yet; no {FILE} was written")).hint(
                "git add -A && git commit, then pit init: checks are found in what is committed, and tried on it",
            ))
        }
        Err(other) => Err(other.into()),
    }
}

/// Says what follows where there is nothing to judge results by, and what would change it.
fn unjudged(facts: &Facts, tried: &Tried) {
    if tried.judges(&facts.commands) {
        return;
    }
    if !facts.commands.full.is_empty() {
        out!("none of its checks can be run here: until one can, no result is verified");
        return;
    }
    out!("nothing was found to check results by: until [checks.full] has a command, no result is verified");
    let scripts = facts.commands.setup.iter().filter_map(|setup| setup.run.first());
    match scripts.into_iter().find(|program| ["npm", "yarn", "pnpm"].contains(&program.as_str())) {
        Some(program) => {
            out!(
                "package.json has no script `test`; with one: test = {{ run = [\"{program}\", \"test\"] }} below [checks.full]"
            );
        }
        None => out!("the command that runs your tests: test = {{ run = [\"make\", \"test\"] }} below [checks.full]"),
    }
    out!("then say yes to it: pit trust");
}

/// Refuses to write over what is there: whatever it is, a link too, it is the person's.
fn free(path: &Path) -> Result<(), Failure> {
    match file::read(path) {
        Ok(None) => Ok(()),
        _ => Err(Failure::new(Exit::Usage, format!("there is a {FILE} already; it was not touched"))
            .hint("pit config show prints what holds, pit init --dry-run what a new file would say")),
    }
}

/// What is known of the repository, from what git has in its working tree and what this machine has.
fn facts(top: &Path) -> Result<Facts, Failure> {
    let tracked = Git::at(top).list(&["ls-files", "-z"])?;
    let folders: BTreeSet<&str> =
        tracked.iter().filter_map(|path| path.split_once('/')).map(|(folder, _)| folder).collect();
    // One that cannot be read proposes nothing.
    let read = |path: &str| Some((path.to_owned(), file::read(&top.join(path)).ok().flatten()?));
    let texts: Vec<_> = tracked.iter().filter(|path| is_read(path)).filter_map(|path| read(path)).collect();
    let texts = texts.iter().map(|(path, text)| (path.as_str(), text.as_str()));
    let mut commands = propose(&Repository::new(tracked.iter().map(String::as_str), texts));
    let present = home().map(|home| tools::present(&home)).unwrap_or_default();
    commands.tools.retain(|tool| present.contains(&tool.name.as_str()));
    Ok(Facts { folders: folders.into_iter().map(str::to_owned).collect(), commands })
}
