//! What holds: every layer checked and laid over the one before, every value with its place.
//!
//! - The organisation's limits are ceilings: nobody goes above them. Its rules hold with everybody else's.
//! - The user and the command line set what they like below that.
//! - The repository can lower limits and narrow grants at will; what raises a limit or names a secret takes a
//!   [`Trusted`]. So does everything in it that executes: checks, set-up, services, and what commands see of the machine.
//! - `[grants.AGENT]` narrows, in each file: what is left is what all of them leave.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use orchestra_pit_core::amount::{Span, Usd};
use orchestra_pit_core::argv::ArgvPattern;
use orchestra_pit_core::budget::Caps;
use orchestra_pit_core::commands::Commands;
use orchestra_pit_core::manifest::{Manifest, Spending};
use orchestra_pit_core::pattern::Pattern;
use orchestra_pit_core::policy::{self, Profile, Rule, Rules};

use super::trust::Trusted;
use super::written::{Files, Flags};
use super::{ConfigError, Layer, Origin, Said, Source, Widening};
use crate::effect::model::settings::{Alias, Full, Provider, Settings};
use crate::effect::model::{family, price};

mod commands;
mod connections;
mod limits;
mod narrowing;
mod rules;
mod whole;

pub(super) use connections::is_model;
use narrowing::Narrowing;
pub use whole::BuiltIn;

/// Levels of agents below the first: a lead starts planner, coders and reviewers, and they start nobody.
const DEPTH: u32 = 2;
/// Children that an agent may have running: all coders, each with a reviewer, and a planner.
const WIDTH: u32 = 2 * MOST_CODERS as u32 + 1;
/// Coders at a time, at most: more of them only wait for the model's server.
const MOST_CODERS: u64 = 16;

/// The whole configuration of one run.
#[derive(Clone, Debug)]
pub struct Settled {
    /// What a run may use up.
    pub budget: Budget,
    /// Coders at a time.
    pub coders: Said<u64>,
    /// What is asked about or refused.
    pub rules: Vec<Said<Rule>>,
    /// Models by alias: as written, until [`super::choose`] has completed them.
    pub models: BTreeMap<String, Said<Full>>,
    /// Endpoints that somebody configured, by the first part of `provider/model`.
    pub providers: BTreeMap<String, Said<Provider>>,
    /// Where each value of a provider stands, by its key.
    places: BTreeMap<String, Origin>,
    /// What models accept and cost, where somebody said so; the user's before the organisation's.
    families: Vec<Said<family::Row>>,
    prices: Vec<Said<price::Row>>,
    /// The program that shows long texts.
    pub pager: Option<Said<String>>,
    /// Levels of agents below the first.
    pub depth: u32,
    /// Children at a time.
    pub width: u32,
    /// Checks, set-up and what commands see.
    commands: commands::Settled,
    /// What is left of an agent's grants, by its name, one layer after the other.
    narrowings: Vec<(String, Narrowing)>,
}

/// What a run may use up. None: without limit.
#[derive(Clone, PartialEq, Debug)]
pub struct Budget {
    /// US dollars.
    pub usd: Said<Option<Usd>>,
    /// Tokens.
    pub tokens: Said<Option<u64>>,
    /// Time since the start in which it was at work.
    pub wall: Said<Option<Span>>,
    /// Requests to a model by each agent.
    pub turns: Said<Option<u64>>,
}

/// One line of the configuration as people read it.
#[derive(Clone, PartialEq, Debug)]
pub struct Line {
    /// `table.key`.
    pub key: String,
    /// What holds.
    pub value: String,
    /// Who said so.
    pub from: Origin,
}

impl Settled {
    /// Lays the layers over each other. `agents` are the names that are known, so that a misspelt one is found.
    ///
    /// # Errors
    /// What is wrong first; [`ConfigError::Untrusted`] if all is right but a file of the repository's widens and none of
    /// `trusted` is about this very text.
    pub fn settle(mut files: Files, flags: &Flags, agents: &[&str], trusted: &[Trusted]) -> Result<Self, ConfigError> {
        let mut widens = Vec::new();
        let (budget, coders) = limits::settle(&mut files, flags, &mut widens)?;
        let rules = rules::settle(&mut files, flags)?;
        let mut commands = commands::Settled::default();
        let (mut narrowings, mut pager) = (Vec::new(), None);
        let (mut models, mut providers, mut places) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let (mut families, mut prices) = (Vec::new(), Vec::new());
        for (source, own) in [files.organisation, files.user].into_iter().flatten() {
            narrowing::settle(&source, own.grants, agents, &mut narrowings)?;
            pager = own.pager.map(|pager| source.said(pager)).or(pager);
            connections::models(&source, own.models, &mut models)?;
            connections::providers(&source, own.provider, &mut providers, &mut places)?;
            commands.of_machine(&source, own.workspace, own.sandbox)?;
            // The first that fits is taken, and the user's go over the organisation's.
            families.splice(0..0, own.family.into_iter().map(|row| source.said(row)));
            prices.splice(0..0, own.price.into_iter().map(|row| source.said(row)));
        }
        if let Some((source, file)) = files.repository {
            widens.extend(file.grants.iter().filter_map(|(agent, grants)| {
                let secrets = grants.secrets.as_ref().filter(|secrets| !secrets.get_ref().is_empty())?;
                Some(Widening {
                    line: source.line(secrets.span().start),
                    key: format!("grants.{}.secrets", agent.get_ref()),
                    to: listed(secrets.get_ref().iter().map(Pattern::as_str)),
                    without: "[]".into(),
                })
            }));
            narrowing::settle(&source, file.grants, agents, &mut narrowings)?;
            let theirs = commands::Theirs {
                checks: file.checks,
                setup: file.setup,
                services: file.services,
                workspace: file.workspace,
            };
            widens.extend(commands.of_repository(&source, theirs)?);
            is_trusted(&source, widens, trusted)?;
        }
        if let Some(source) = files.include {
            let widens = commands.of_include(&source)?;
            is_trusted(&source, widens, trusted)?;
        }
        let (depth, width) = (DEPTH, WIDTH);
        Ok(Self {
            budget,
            coders,
            rules,
            models,
            providers,
            places,
            families,
            prices,
            pager,
            depth,
            width,
            commands,
            narrowings,
        })
    }

    /// Checks, set-up and what commands see, as runs have them.
    pub fn commands(&self) -> Commands {
        self.commands.commands()
    }

    /// The rules, as runs have them.
    pub fn rules(&self) -> Rules {
        Rules(self.rules.iter().map(|rule| rule.value.clone()).collect())
    }

    /// What an agent gets: what it asks for, as far as the profile gives it and no file takes it away.
    pub fn grants(&self, manifest: &Manifest, profile: Profile) -> policy::Grants {
        let mut grants = profile.grants(&manifest.asks(self.depth, self.width), &self.secrets(&manifest.name));
        self.narrow(&manifest.name, &mut grants);
        grants
    }

    /// Takes away from what an agent was given whatever rules and files leave to nobody, or not to it.
    pub fn narrow(&self, agent: &str, grants: &mut policy::Grants) {
        grants.read = Arc::new(grants.read.narrowed(&self.rules().readable()));
        let secrets = self.secrets(agent);
        self.of(agent).for_each(|narrowing| narrowing.apply(grants, &secrets));
    }

    /// Whether a file takes anything away from an agent.
    pub fn narrows(&self, agent: &str) -> bool {
        self.of(agent).next().is_some()
    }

    fn of(&self, agent: &str) -> impl Iterator<Item = &Narrowing> {
        self.narrowings.iter().filter(move |(name, _)| name == agent).map(|(_, narrowing)| narrowing)
    }

    /// The likely secrets that somebody named for an agent to read.
    pub fn secrets(&self, agent: &str) -> Vec<Pattern> {
        self.of(agent).flat_map(|narrowing| narrowing.secrets()).cloned().collect()
    }

    /// What a run of an agent may use up: no more than the person gives, and no more than the agent wants.
    pub fn caps(&self, manifest: &Manifest) -> Caps {
        self.budget.spending().min(manifest.budget).caps()
    }

    /// What the effect that asks models is made from.
    pub fn model_settings(&self) -> Settings {
        Settings {
            models: self.models.iter().map(|(alias, full)| (alias.clone(), Alias::Full(full.value.clone()))).collect(),
            provider: self.providers.iter().map(|(name, said)| (name.clone(), said.value.clone())).collect(),
            family: self.families.iter().map(|said| said.value.clone()).collect(),
            price: self.prices.iter().map(|said| said.value.clone()).collect(),
        }
    }

    /// Refuses a limit in dollars on the command line for a model whose price is not known: it could not be kept.
    ///
    /// # Errors
    /// Says so, and what would help.
    pub fn check_price(&self, model: &str, priced: bool) -> Result<(), ConfigError> {
        match &self.budget.usd.from {
            Origin::Flag(flag) if !priced => Err(ConfigError::Flag {
                flag,
                message: format!(
                    "the price of {model} is not known, so no limit in dollars can be kept; limit --max-tokens, or add \
                     its [[price]] to your configuration"
                ),
            }),
            _ => Ok(()),
        }
    }

    /// What files and flags say, over the limits that hold if they say nothing, for people.
    pub fn lines(&self) -> Vec<Line> {
        let mut lines = self.limits();
        lines.extend(connections::lines(self));
        lines.extend(self.pager_line());
        lines.extend(self.narrowings.iter().flat_map(|(agent, narrowing)| narrowing.lines(agent)));
        lines.extend(self.commands.lines().into_iter().filter(|line| line.from != Origin::Default));
        lines.extend(self.rule_lines());
        lines
    }

    fn limits(&self) -> Vec<Line> {
        fn limit<T: fmt::Display>(key: &str, said: &Said<Option<T>>) -> Line {
            let value = said.value.as_ref().map_or_else(|| "no limit".to_owned(), T::to_string);
            Line { key: key.to_owned(), value, from: said.from.clone() }
        }
        let Budget { usd, tokens, wall, turns } = &self.budget;
        vec![
            limit("budget.usd", usd),
            limit("budget.tokens", tokens),
            limit("budget.wall", wall),
            limit("budget.turns", turns),
            Line { key: "team.coders".into(), value: self.coders.value.to_string(), from: self.coders.from.clone() },
        ]
    }

    fn pager_line(&self) -> Option<Line> {
        let Said { value, from } = self.pager.clone()?;
        Some(Line { key: "pager".into(), value, from })
    }

    fn rule_lines(&self) -> impl Iterator<Item = Line> {
        self.rules.iter().map(|rule| Line {
            key: format!("rule.{}", rule.value.name),
            value: rules::shown(&rule.value),
            from: rule.from.clone(),
        })
    }
}

impl Budget {
    /// The limits without their places.
    pub fn spending(&self) -> Spending {
        let Self { usd, tokens, wall, turns } = self;
        Spending { usd: usd.value, tokens: tokens.value, wall: wall.value, turns: turns.value }
    }
}

/// What widens takes a yes to this very text.
fn is_trusted(source: &Source, widens: Vec<Widening>, trusted: &[Trusted]) -> Result<(), ConfigError> {
    if widens.is_empty() || trusted.iter().any(|trusted| trusted.is_of(&source.text)) {
        return Ok(());
    }
    Err(ConfigError::Untrusted { path: source.path.to_path_buf(), widens })
}

fn listed<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    format!("[{}]", texts.collect::<Vec<_>>().join(", "))
}

fn patterns(patterns: &[ArgvPattern]) -> String {
    format!("[{}]", patterns.iter().map(ArgvPattern::to_string).collect::<Vec<_>>().join(", "))
}

/// What a file says of something, if it is there.
fn of<F, T>(
    file: &mut Option<(Source, F)>,
    take: impl FnOnce(&mut F) -> Option<toml::Spanned<T>>,
) -> Option<(&Source, toml::Spanned<T>)> {
    let (source, file) = file.as_mut()?;
    Some((&*source, take(file)?))
}
