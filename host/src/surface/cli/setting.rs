//! What a run goes by: the configuration of all files with the flags over it, and the models that it asks.

use std::path::Path;
use std::sync::Arc;

use clap::Args;
use orchestra_pit_core::amount::Usd;
use orchestra_pit_core::budget::Caps;
use orchestra_pit_core::manifest::Manifest;
use orchestra_pit_core::policy::{Grants, Profile};

use super::Failure;
use super::ask;
use super::open::{Place, dirs};
use crate::assemble;
use crate::config::choose::{Choice, Unchosen, choose};
use crate::config::dirs::ORGANISATION;
use crate::config::settled::Settled;
use crate::config::trust::{Standing, Store};
use crate::config::written::{Files, Flags, INCLUDE, Places};
use crate::config::{ConfigError, Source, dirs::Dirs};
use crate::effect::model::family::Families;
use crate::effect::model::models::Models;
use crate::effect::model::scripted::Script;
use crate::effect::store::Repo;
use crate::run::{Asks, Known};
use crate::shipped::{AGENTS, Shipped};
use crate::surface::exit::Exit;

/// The repository's own file, at the top of its working tree.
pub const FILE: &str = "pit.toml";
/// The configuration's name of a model that answers from a file.
pub const SCRIPTED: &str = "scripted/";
/// The aliases by which agents ask.
pub const ALIASES: [&str; 3] = ["default", "strong", "fast"];
/// The shipped agents that work below the one that leads.
const TEAM: &[&str] = &["coder", "planner", "reviewer", "tester"];

/// Which model.
#[derive(Debug, Default, Args)]
pub struct ModelArgs {
    /// The model, as provider/model; `scripted/FILE` answers from a script.
    #[arg(short, long, value_name = "MODEL")]
    pub model: Option<String>,
}

/// What people are asked about.
#[derive(Debug, Default, Args)]
pub struct ApprovalArgs {
    /// What people are asked about; without a terminal nothing, if this does not say otherwise.
    #[arg(long, value_enum, value_name = "MODE")]
    approval_mode: Option<ApprovalMode>,
}

/// What people are asked about.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub enum ApprovalMode {
    /// The plan; whatever else would be asked about is refused.
    Plan,
    /// Everything; also without a terminal here, for people answer from others.
    Ask,
    /// Nothing: nobody is there. A plan goes on; whatever else would be asked about is refused.
    Refuse,
}

impl ApprovalArgs {
    /// As a run takes it.
    pub fn asks(&self, at: &Place) -> Asks {
        match self.approval_mode {
            Some(ApprovalMode::Plan) => Asks::Plan,
            Some(ApprovalMode::Ask) => Asks::All,
            Some(ApprovalMode::Refuse) => Asks::Nothing,
            None if at.attended() => Asks::All,
            None => Asks::Nothing,
        }
    }
}

/// Limits and rules of one run.
#[derive(Debug, Args)]
pub struct LimitArgs {
    /// US dollars that the run may cost.
    #[arg(long, value_name = "USD")]
    max_budget_usd: Option<f64>,
    /// Tokens that it may use.
    #[arg(long, value_name = "N")]
    max_tokens: Option<u64>,
    /// Requests that each agent may make to its model.
    #[arg(long, value_name = "N")]
    max_turns: Option<u64>,
    /// Refuses calls: `FUNCTION`, `FUNCTION:GLOB` for paths, or `exec:COMMAND` for a command and all that may follow it.
    #[arg(long, value_name = "RULE")]
    deny: Vec<String>,
}

impl LimitArgs {
    /// As the configuration takes them.
    pub fn flags(&self) -> Flags {
        Flags {
            max_budget_usd: self.max_budget_usd,
            max_tokens: self.max_tokens,
            max_turns: self.max_turns,
            deny: self.deny.clone(),
            ..Flags::default()
        }
    }
}

/// Reads the files that are there: the organisation's, the user's and the repository's.
pub fn files(repo: &Repo, dirs: &Dirs) -> Result<Files, Failure> {
    let user = dirs.user_file();
    let repository = repo.work_tree().map(|top| top.join(FILE));
    let places =
        Places { organisation: (Path::new(ORGANISATION), 0), user: user.as_deref(), repository: repository.as_deref() };
    Files::read(&places).map_err(wrong)
}

/// The repository's files that take a yes, by their names.
pub fn of_repository(files: &Files) -> impl Iterator<Item = (&'static str, &Source)> {
    let own = files.repository.as_ref().map(|(source, _)| (FILE, source));
    own.into_iter().chain(files.include.as_ref().map(|source| (INCLUDE, source)))
}

/// What holds in a repository. Its own file widens only if the person has said yes to it.
pub fn settle(repo: &Repo, flags: &Flags) -> Result<Settled, Failure> {
    let dirs = dirs();
    let files = files(repo, &dirs)?;
    let store = Store::open(dirs.state.as_deref(), repo.common()).map_err(wrong)?;
    let known = of_repository(&files).filter_map(|(name, source)| match store.file(name, &source.text) {
        Standing::Trusted(trusted) => Some(trusted),
        Standing::New | Standing::Changed { .. } => None,
    });
    let trusted: Vec<_> = known.collect();
    Settled::settle(files, flags, &agents(&flags.brought), &trusted).map_err(wrong)
}

/// The names of agents that a file can speak of.
pub fn agents(brought: &[String]) -> Vec<&str> {
    AGENTS.iter().map(|agent| agent.name).chain(brought.iter().map(String::as_str)).collect()
}

/// Who works below the agent that leads a team, each with what it asks for as far as no file takes it away. It goes on record
/// with the run, so that a resumed one starts the very same.
pub fn team(settled: &Settled) -> Result<Vec<(String, Known)>, Failure> {
    let narrowed = |agent: &Shipped| {
        let (known, manifest) = assemble::known(agent.component)?;
        let asks = settled.grants(&manifest, Profile::Default);
        Ok((agent.name.to_owned(), Known { asks, ..known }))
    };
    AGENTS.iter().filter(|agent| TEAM.contains(&agent.name)).map(narrowed).collect()
}

/// What the agent that leads a team is told of the configuration, and whom it may give a task to.
pub fn of_lead(settled: &Settled, caps: &Caps, strangers: &[(String, Known)]) -> Vec<(String, String)> {
    let number = |amount: Option<u64>| amount.unwrap_or(0).to_string();
    let agents: Vec<&str> = std::iter::once("coder").chain(strangers.iter().map(|(name, _)| name.as_str())).collect();
    let settings = [
        ("agents", agents.join(",")),
        ("coders", settled.coders.value.to_string()),
        ("micro-usd", number(caps.micro_usd)),
        ("tokens", number(caps.tokens)),
    ];
    settings.map(|(name, value)| (name.to_owned(), value)).to_vec()
}

/// What an agent is told of native commands, if it wants to know: that it may run some, and which levels of checks.
pub fn of_commands(settled: &Settled, manifest: &Manifest, grants: &Grants, given: &mut Vec<(String, String)>) {
    let commands = settled.commands();
    let levels: Vec<&str> = commands.checks.keys().filter(|_| grants.check).map(String::as_str).collect();
    let some = if grants.exec.is_empty() { "no" } else { "yes" };
    for (name, value) in [("commands", some.to_owned()), ("checks", levels.join(","))] {
        let said = given.iter().any(|(known, _)| known == name);
        if manifest.settings.contains_key(name) && !said {
            given.push((name.to_owned(), value));
        }
    }
}

/// Chooses the models and makes ready to ask them. `needed`: without one there is no point in starting.
pub fn models(at: &Place, settled: &mut Settled, args: &ModelArgs, needed: bool) -> Result<Models, Failure> {
    if let Some(path) = args.model.as_deref().and_then(|model| model.strip_prefix(SCRIPTED)) {
        return Ok(Models::scripted(Arc::new(Script::load(Path::new(path))?))?);
    }
    let families = Families::new(settled.model_settings().family)?;
    let is_set = |name: &str| environment(name).is_some_and(|value| !value.is_empty());
    let mut choice = choose(args.model.as_deref(), settled, families.providers(), &is_set);
    if let Ok(Choice::Ask(candidates)) = &choice {
        let shown = candidates.iter().map(|one| format!("{} ({}, {})", one.provider, one.model, one.variable));
        let picked = ask::pick(at, "which model", &shown.collect::<Vec<_>>())?;
        choice = match picked.and_then(|at| candidates.get(at)) {
            Some(one) => choose(Some(&one.provider), settled, families.providers(), &is_set),
            None => Err(Unchosen::Several(candidates.clone())),
        };
    }
    match choice {
        Ok(Choice::Models(models)) => settled.models = models,
        Ok(Choice::Ask(candidates)) if needed => return Err(unchosen(&Unchosen::Several(candidates))),
        Err(error) if needed || args.model.is_some() => return Err(unchosen(&error)),
        Ok(Choice::Ask(_)) | Err(_) => {}
    }
    Ok(Models::new(settled.model_settings(), Box::new(environment))?)
}

/// The first of a run's models whose price is not known. With one, no limit in dollars can be kept, and one on the command line
/// is refused.
pub fn prices(settled: &Settled, models: &Models) -> Result<Option<String>, Failure> {
    let places = ALIASES.iter().filter_map(|alias| models.place(alias).ok());
    let unpriced = places.filter(|place| !place.priced).map(|place| place.name).next();
    if let Some(name) = &unpriced {
        settled.check_price(name, false).map_err(wrong)?;
    }
    Ok(unpriced)
}

/// The first line of a run: who is asked, what it costs at most, and what leaves the machine.
pub fn first_line(settled: &Settled, models: &Models) -> Result<String, Failure> {
    let place = models.place("default").map_err(|error| Failure::new(Exit::Failed, error.message))?;
    let unpriced = prices(settled, models)?;
    let mut line = place.name.clone();
    if !place.host.is_empty() {
        line.push_str(&format!(" at {}", place.host));
    }
    let budget = &settled.budget;
    line.push_str(&most(budget.usd.value.filter(|_| unpriced.is_none()), budget.tokens.value, budget.turns.value));
    match unpriced {
        Some(name) if name != place.name => line.push_str(&format!(" (the price of {name} is not known: ?)")),
        Some(_) => line.push_str(" (its price is not known: ?)"),
        None => {}
    }
    line.push_str(sends(&place.host));
    Ok(line)
}

/// The limit that is kept, of those that are set: without a price none in dollars is.
fn most(usd: Option<Usd>, tokens: Option<u64>, turns: Option<u64>) -> String {
    let tokens = tokens.map(|tokens| format!("{tokens} tokens"));
    match usd.map(|usd| usd.to_string()).or(tokens).or_else(|| Some(format!("{} turns", turns?))) {
        Some(most) => format!(" · at most {most}"),
        None => " · without limit".to_owned(),
    }
}

/// Who is asked, what it costs at most in all, and what leaves the machine: of a run that goes on within its limits.
pub fn asked(models: &Models, caps: &Caps) -> Option<String> {
    let place = models.place("default").ok()?;
    let at = if place.host.is_empty() { String::new() } else { format!(" at {}", place.host) };
    let priced = ALIASES.iter().filter_map(|alias| models.place(alias).ok()).all(|place| place.priced);
    let most = most(caps.micro_usd.filter(|_| priced).map(Usd), caps.tokens, caps.turns);
    Some(format!("{}{at}{most}{}", place.name, sends(&place.host)))
}

/// Whether a line is a run's first: one of [`first_line`] or [`asked`].
pub fn is_first(line: &str) -> bool {
    line.ends_with(sends("")) || line.ends_with(sends("."))
}

fn sends(host: &str) -> &'static str {
    match host.is_empty() {
        true => " · sends nothing",
        false => " · sends files the agents read from this repository",
    }
}

/// A variable of pit's environment: a key, if a provider's name is asked for.
pub fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// A configuration that does not hold, as a command says it.
pub fn wrong(error: ConfigError) -> Failure {
    let exit = match &error {
        ConfigError::Untrusted { .. } => Exit::Untrusted,
        ConfigError::Flag { .. } => Exit::Usage,
        _ => Exit::Failed,
    };
    Failure::lines(exit, &error.to_string())
}

fn unchosen(error: &Unchosen) -> Failure {
    let exit = match error {
        Unchosen::Several(_) => Exit::NeedsPerson,
        _ => Exit::Usage,
    };
    Failure::lines(exit, &error.to_string())
}
