//! `pit config show` and `pit init`: what holds here and who says so, and a first file to say more.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use clap::Subcommand;
use orchestra_pit_core::check::propose::{Proposal, Repository, is_read, propose};
use orchestra_pit_core::check::verdict::{CheckVerdict, Ending};
use orchestra_pit_core::commands::{Commands, shown};
use orchestra_pit_core::id::Oid;
use orchestra_pit_core::text::{clean, clean_lines};

use super::Failure;
use super::ask::confirm;
use super::git::Git;
use super::open::{Place, dirs, home};
use super::out::{self, note, out};
use super::setting::{self, FILE, LimitArgs};
use super::stranger::{self, BroughtArgs};
use super::trust::forgotten;
use crate::assemble;
use crate::config::Origin;
use crate::config::choose::{Choice, choose};
use crate::config::file;
use crate::config::init::{self, Facts, Seen};
use crate::config::settled::{BuiltIn, Line, Settled};
use crate::config::trust::Store;
use crate::config::written::{Flags, INCLUDE};
use crate::effect::exec::judge::Case;
use crate::effect::exec::tools;
use crate::effect::model::family::Families;
use crate::effect::model::price::Prices;
use crate::effect::store::Repo;
use crate::run::clock::now;
use crate::shipped::AGENTS;
use crate::surface::exit::Exit;

/// `pit config …`
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Prints all that holds in this repository, each value with the place it came from.
    Show(ShowArgs),
}

/// `pit config show`
#[derive(Debug, clap::Args)]
pub struct ShowArgs {
    /// As JSON, an object a line.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    limits: LimitArgs,
    #[command(flatten)]
    brought: BroughtArgs,
}

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

/// Shows it.
pub fn run(at: &Place, verb: Verb) -> Result<Exit, Failure> {
    let Verb::Show(args) = verb;
    let brought = stranger::names(&args.brought.components()?);
    let flags = Flags { brought, ..args.limits.flags() };
    let lines = whole(&setting::settle(&*at.repo()?, &flags)?)?;
    let width = lines.iter().map(|line| line.key.chars().count()).max().unwrap_or(0);
    for line in lines {
        let from = line.from.to_string();
        if args.json {
            out!("{}", serde_json::json!({"schema": 1, "key": line.key, "value": line.value, "from": from}));
        } else {
            out::shown(&format!("{:<width$}  {:<24}  {}", clean(&line.key), clean(&line.value), clean(&from)));
        }
    }
    Ok(Exit::Done)
}

/// All that holds. Nobody is asked which model: where that is open, it says so.
fn whole(settled: &Settled) -> Result<Vec<Line>, Failure> {
    let (settings, mut settled) = (settled.model_settings(), settled.clone());
    let (families, prices) = (Families::new(settings.family)?, Prices::new(settings.price)?);
    let is_set = |name: &str| setting::environment(name).is_some_and(|value| !value.is_empty());
    let open = match choose(None, &settled, families.providers(), &is_set) {
        Ok(Choice::Models(models)) => {
            settled.models = models;
            None
        }
        Ok(Choice::Ask(candidates)) => {
            let names: Vec<_> = candidates.iter().map(|one| one.provider.as_str()).collect();
            Some(format!("not settled: keys of {} are there", names.join(" and ")))
        }
        Err(error) => Some(format!("not settled: {}", error.to_string().lines().next().unwrap_or_default())),
    };
    let agents = AGENTS.iter().map(|agent| Ok(assemble::known(agent.component)?.1));
    let agents = agents.collect::<Result<Vec<_>, Failure>>()?;
    let mut lines =
        settled.whole(&BuiltIn { agents: &agents, providers: families.providers(), prices: &prices, is_set: &is_set });
    lines.extend(open.map(|value| Line { key: "models".into(), value, from: Origin::Default }));
    Ok(lines)
}

/// Writes a first `pit.toml` where there is none, and asks for a yes to what it would run. With a yes each check is tried once on
/// HEAD, behind the walls, and what was seen stands in the file.
pub async fn init(at: &Place, args: &InitArgs) -> Result<Exit, Failure> {
    let repo = at.repo()?;
    let top =
        repo.work_tree().ok_or_else(|| Failure::new(Exit::Usage, "a bare repository has no place for pit.toml"))?;
    let facts = facts(&top)?;
    let text = init::propose(&facts, &|_| None);
    if args.dry_run {
        out::text(&text);
        return Ok(Exit::Done);
    }
    let path = top.join(FILE);
    free(&path)?;
    if facts.commands == Proposal::default() {
        file::replace(&path, &text)?;
        out!("{} is written; every line of it can go", path.display());
        out!("nothing was found to check results by: until [checks.full] has a command, no result is verified");
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
    let text = if args.no_try {
        text
    } else {
        store.trust_file(FILE, &text, now())?;
        let seen = tried(at, &repo).await;
        for (run, seen) in &seen {
            note!("  {}: {}", clean(&shown(run)), clean(&seen.said));
            if !seen.runs {
                note!("    it cannot be run here, so it does not count: its line is a comment");
                note!("    when it can, take the # away and say yes to it: pit trust");
            }
        }
        init::propose(&facts, &|check| seen.get(&check.run).cloned())
    };
    file::replace(&path, &text)?;
    store.trust_file(FILE, &text, now())?;
    out!("{} is written and trusted as it is; every line of it can go", path.display());
    forgotten(&store);
    Ok(Exit::Done)
}

/// What each check came to on HEAD, by its command. What the host finds out here it need not find out again with the first run.
async fn tried(at: &Place, repo: &Arc<Repo>) -> BTreeMap<Vec<String>, Seen> {
    let mut seen = BTreeMap::new();
    let (commit, commands) = match settled(repo) {
        Ok(settled) => settled,
        Err(error) => {
            note!("they could not be tried: {}", clean_lines(&error.error));
            return seen;
        }
    };
    let Ok(tree) = repo.tree_of(commit) else { return seen };
    let exec = assemble::exec(repo.clone(), at.machine());
    let brief: String = commit.to_string().chars().take(7).collect();
    for (level, checks) in &commands.checks {
        note!("trying the checks of the level {}, which may take its time", clean(level));
        let case = Case { tree, base: tree, commit, level: level.clone() };
        match exec.judge(case, commands.clone(), &|_| {}).await {
            Ok(judged) => {
                for (check, found) in checks.iter().zip(judged.verdict.checks()) {
                    let said = format!("{} on {brief}", came_to(found));
                    let runs = !found.ending().is_some_and(Ending::lacks_its_program);
                    seen.insert(check.run.clone(), Seen { said, runs });
                }
            }
            Err(error) => {
                note!("they could not be tried: {}", clean(&error.message));
                error.hint.iter().for_each(|hint| note!("  {}", clean(hint)));
            }
        }
    }
    seen
}

/// The commit that is tried, and the commands as a run would have them.
fn settled(repo: &Repo) -> Result<(Oid, Arc<Commands>), Failure> {
    let settled = setting::settle(repo, &Flags::default())?;
    Ok((repo.head()?.commit, Arc::new(settled.commands())))
}

/// What a check came to, in a few words.
fn came_to(check: &CheckVerdict) -> String {
    match (check.counts(), check.ending()) {
        (Some(counts), _) if counts.failed == 0 => format!("{} pass", counts.passed),
        (Some(counts), _) => format!("{} of {} pass", counts.passed, counts.passed + counts.failed),
        (None, Some(Ending::Exit(0))) => "passes".to_owned(),
        (None, Some(Ending::Exit(code))) => format!("fails with exit {code}"),
        (None, Some(Ending::TimedOut)) => "takes too long".to_owned(),
        (None, Some(Ending::Misconfigured(why))) => format!("cannot be run: {}", clean(why)),
        (None, Some(Ending::Skipped(why))) => format!("was not run: {}", clean(why)),
        (None, Some(Ending::NotStarted(why))) => format!("does not start: {}", clean(why)),
        _ => "fails".to_owned(),
    }
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
