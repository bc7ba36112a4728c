//! What the files and the command line say, and nothing else: strict, unchecked against each other, each value with
//! its place.

use std::collections::BTreeMap;
use std::path::Path;

use orchestra_pit_core::amount::{Span, Usd};
use orchestra_pit_core::pattern::Pattern;
use orchestra_pit_core::policy::Effect;
use orchestra_pit_core::strict::{self, Schema, What};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use toml::Spanned;

use super::{ConfigError, Layer, Source, file};
use crate::effect::model::settings::{Alias, Provider};
use crate::effect::model::{family, price};
use commands::{Check, Machine, Named, Patterns, Sandbox, Service, Setup, Workspace};

pub mod commands;

/// `pit.toml`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Repository {
    #[serde(rename = "schema")]
    _schema: i64,
    /// Limits of a run.
    pub budget: Budget,
    /// How many work.
    pub team: Team,
    /// What agents get, by their names.
    pub grants: BTreeMap<Spanned<String>, Grants>,
    /// What is asked about or refused.
    pub rule: Vec<Rule>,
    /// What the host judges results by, by level.
    pub checks: Named<Named<Check>>,
    /// What is run once before any agent.
    pub setup: Named<Setup>,
    /// What runs beside every command.
    pub services: Named<Service>,
    /// What of the machine commands see.
    pub workspace: Workspace,
}

/// The user's file, and the organisation's.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Own {
    #[serde(rename = "schema")]
    _schema: i64,
    /// The program that shows long texts.
    pub pager: Option<Spanned<String>>,
    /// Limits of a run.
    pub budget: Budget,
    /// How many work.
    pub team: Team,
    /// What agents get, by their names.
    pub grants: BTreeMap<Spanned<String>, Grants>,
    /// What is asked about or refused.
    pub rule: Vec<Rule>,
    /// Models by alias.
    pub models: BTreeMap<Spanned<String>, Spanned<Alias>>,
    /// Endpoints, by the first part of `provider/model`.
    pub provider: BTreeMap<Spanned<String>, Provider>,
    /// What models accept.
    pub family: Vec<Spanned<family::Row>>,
    /// What they cost.
    pub price: Vec<Spanned<price::Row>>,
    /// What of the machine commands see.
    pub workspace: Machine,
    /// The walls around them.
    pub sandbox: Sandbox,
}

/// `[budget]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Budget {
    /// US dollars of a run.
    pub usd: Option<Spanned<Usd>>,
    /// Tokens of a run.
    pub tokens: Option<Spanned<u64>>,
    /// Time of a run.
    pub wall: Option<Spanned<Span>>,
    /// Requests to a model by each agent.
    pub turns: Option<Spanned<u64>>,
}

/// `[team]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Team {
    /// Coders at a time.
    pub coders: Option<Spanned<u64>>,
}

/// `[grants.AGENT]`: what is left of what the agent would get. Only `secrets` adds to it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Grants {
    /// Paths that stay readable.
    pub read: Option<Spanned<Vec<Pattern>>>,
    /// Paths that stay writable.
    pub write: Option<Spanned<Vec<Pattern>>>,
    /// Likely secrets that can be read all the same.
    pub secrets: Option<Spanned<Vec<Pattern>>>,
    /// Aliases that stay.
    pub model: Option<Spanned<Vec<String>>>,
    /// Whether it stays able to commit.
    pub commit: Option<Spanned<bool>>,
    /// Commands that it stays able to run.
    pub exec: Option<Spanned<Patterns>>,
    /// Variables that it stays able to set for them.
    pub env: Option<Spanned<Vec<String>>>,
    /// Whether it stays able to have the checks run.
    pub check: Option<Spanned<bool>>,
    /// Whether it stays able to ask the person.
    pub human: Option<Spanned<bool>>,
    /// Whether it stays able to use the board.
    pub board: Option<Spanned<bool>>,
    /// Agents that it stays able to start.
    pub delegate: Option<Spanned<Vec<String>>>,
}

/// `[[rule]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Named in every denial and question.
    pub name: Spanned<String>,
    /// What it says.
    pub effect: Effect,
    /// The functions it is about. With `exec` it is plain which.
    #[serde(default)]
    pub on: Option<Vec<String>>,
    /// The paths it is about.
    #[serde(default)]
    pub paths: Option<Vec<Pattern>>,
    /// The commands it is about.
    #[serde(default)]
    pub exec: Option<Spanned<Patterns>>,
    /// Commands that it has to be about.
    #[serde(default, rename = "match")]
    pub matches: Vec<Spanned<Vec<String>>>,
    /// Commands that it must not be about.
    #[serde(default)]
    pub not_match: Vec<Spanned<Vec<String>>>,
}

/// The command line, as far as it configures.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Flags {
    /// `-m provider/model` or an alias.
    pub model: Option<String>,
    /// `--max-budget-usd`.
    pub max_budget_usd: Option<f64>,
    /// `--max-tokens`.
    pub max_tokens: Option<u64>,
    /// `--max-turns`.
    pub max_turns: Option<u64>,
    /// `--coders`.
    pub coders: Option<u64>,
    /// `--deny FUNCTION`, `--deny FUNCTION:GLOB` or `--deny exec:COMMAND`.
    pub deny: Vec<String>,
    /// Agents that are brought along, by their names: files may speak of them.
    pub brought: Vec<String>,
}

/// What the files say that are there.
#[derive(Debug, Default)]
pub struct Files {
    /// `/etc/orchestra-pit/policy.toml`.
    pub organisation: Option<(Source, Own)>,
    /// The user's `config.toml`.
    pub user: Option<(Source, Own)>,
    /// The repository's `pit.toml`.
    pub repository: Option<(Source, Repository)>,
    /// The `.worktreeinclude` beside it.
    pub include: Option<Source>,
}

/// Where files are looked for.
#[derive(Clone, Copy, Debug)]
pub struct Places<'a> {
    /// The organisation's, and who must own it and every folder above.
    pub organisation: (&'a Path, u32),
    /// The user's.
    pub user: Option<&'a Path>,
    /// The repository's, at the top of its working tree.
    pub repository: Option<&'a Path>,
}

impl Files {
    /// Reads the files that are there.
    ///
    /// # Errors
    /// What is wrong first. An organisation's file that others could have written is an error, for what it forbids has to
    /// hold.
    pub fn read(places: &Places<'_>) -> Result<Self, ConfigError> {
        let (organisation, owner) = places.organisation;
        file::only_writable_by(organisation, owner)?;
        let organisation = file::read_linked(organisation)?.map(|text| (organisation, text));
        let user = match places.user {
            Some(path) => file::read_linked(path)?.map(|text| (path, text)),
            None => None,
        };
        let repository = match places.repository {
            Some(path) => file::read(path)?.map(|text| (path, text)),
            None => None,
        };
        let beside = places.repository.map(|path| path.with_file_name(INCLUDE));
        let include = match &beside {
            Some(path) => file::read(path)?.map(|text| included(path, text)),
            None => None,
        };
        Ok(Self { include, ..Self::parse(organisation, user, repository)? })
    }

    /// Reads texts.
    ///
    /// # Errors
    /// What is wrong first.
    pub fn parse(
        organisation: Option<(&Path, String)>,
        user: Option<(&Path, String)>,
        repository: Option<(&Path, String)>,
    ) -> Result<Self, ConfigError> {
        fn one<T: DeserializeOwned>(
            layer: Layer,
            found: Option<(&Path, String)>,
        ) -> Result<Option<(Source, T)>, ConfigError> {
            let Some((path, text)) = found else { return Ok(None) };
            let source = Source { layer, path: path.into(), text: text.into() };
            let schema = if layer == Layer::Repository { Schema::Required(1) } else { Schema::Optional(1) };
            let most = usize::try_from(file::MAX_BYTES).unwrap_or(usize::MAX);
            match strict::read(&source.text, schema, most) {
                Ok(written) => Ok(Some((source, written))),
                Err(fault) => Err(wrong(&source, &fault)),
            }
        }
        Ok(Self {
            organisation: one(Layer::Organisation, organisation)?,
            user: one(Layer::User, user)?,
            repository: one(Layer::Repository, repository)?,
            include: None,
        })
    }
}

/// The file that names ignored files of the person's for commands to see.
pub const INCLUDE: &str = ".worktreeinclude";

/// Its text with its place.
pub(super) fn included(path: &Path, text: String) -> Source {
    Source { layer: Layer::Repository, path: path.into(), text: text.into() }
}

/// A fault as the person is told of it: with the file that a key belongs into, if it is another one.
fn wrong(source: &Source, fault: &strict::Fault) -> ConfigError {
    let hint = match &fault.what {
        What::UnknownKey { key, known, .. } => elsewhere(source.layer, key, known),
        _ => None,
    };
    let message = match (&fault.what, &hint) {
        // The guess would lead away from what is meant.
        (What::UnknownKey { key, .. }, Some(_)) => format!("`{key}` does not count here"),
        (what, _) => what.to_string(),
    };
    ConfigError::Wrong { path: source.path.to_path_buf(), line: fault.at.line, message, hint: hint.map(str::to_owned) }
}

/// Why a key that means something does not mean it in this file. `known` are the keys beside which it stands.
fn elsewhere(layer: Layer, key: &str, known: &[String]) -> Option<&'static str> {
    /// What says where requests and keys go, and what they cost.
    const CONNECTIONS: &[&str] = &[
        "api_key",
        "base_url",
        "ca",
        "cert",
        "certificate",
        "endpoint",
        "endpoints",
        "families",
        "family",
        "header",
        "headers",
        "key",
        "key_env",
        "key_file",
        "key_header",
        "key_keyring",
        "keys",
        "model",
        "models",
        "network",
        "price",
        "prices",
        "provider",
        "providers",
        "proxy",
        "url",
    ];
    let repository = layer == Layer::Repository;
    match key {
        "network" if known.iter().any(|key| key == "run") => {
            Some("no check and no service has a network; what has to be fetched is fetched by a command of [setup]")
        }
        _ if repository && CONNECTIONS.contains(&key) => Some(
            "a repository may not say which models are asked, where requests and keys go or what they cost: that \
             belongs in your own ~/.config/orchestra-pit/config.toml, or in /etc/orchestra-pit/policy.toml",
        ),
        "pager" if repository => {
            Some("a program that runs on your machine belongs in your own ~/.config/orchestra-pit/config.toml")
        }
        "sandbox" | "require" if repository => Some(
            "which walls have to be up on your machine is for you to say, in your own \
             ~/.config/orchestra-pit/config.toml, or for /etc/orchestra-pit/policy.toml",
        ),
        "include" => Some("ignored files that commands see are named in a file of their own: .worktreeinclude"),
        "checks" | "setup" | "services" | "warm" if !repository => {
            Some("what a repository's commands are belongs in its own pit.toml, where you see it before it counts")
        }
        "http" | "notifications" => {
            Some("this version of pit does not have it, and does not take what it would not carry out")
        }
        _ => None,
    }
}
