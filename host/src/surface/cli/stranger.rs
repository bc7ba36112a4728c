//! Agents that this repository does not know: read from the file that the person named, shown, and given what the person
//! says and no more.

use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};

use orchestra_pit_core::manifest::Manifest;
use orchestra_pit_core::policy::{Grants, Profile};
use orchestra_pit_core::strict::nearest;

use super::Failure;
use super::open::Place;
use super::out::{self, note};
use crate::assemble;
use crate::config::settled::Settled;
use crate::guest;
use crate::run::Known;
use crate::shipped::AGENTS;
use crate::surface::exit::Exit;
use crate::surface::words;

/// Agents that a person brings along.
#[derive(Debug, Default, clap::Args)]
pub struct BroughtArgs {
    /// Another agent, of which files may speak and which a run's team may use: a component. A run shows it first, and it gets
    /// what you give it.
    #[arg(id = "brought", long = "agent", value_name = "FILE")]
    agent: Vec<PathBuf>,
}

/// Agents that a person brings along, and what they get.
#[derive(Debug, Default, clap::Args)]
pub struct AgentArgs {
    #[command(flatten)]
    pub brought: BroughtArgs,
    /// What to give it without being asked: `as-asked`, `reader`, `edit` or `nothing`.
    #[arg(long, value_name = "PROFILE")]
    pub give: Option<String>,
}

impl AgentArgs {
    /// The agents by name, each with what the person gives it, as far as the files leave it that.
    pub fn enlist(
        &self,
        at: &Place,
        settled: &Settled,
        brought: Vec<(Known, Manifest)>,
    ) -> Result<Vec<(String, Known)>, Failure> {
        let enlist = |(known, manifest): (Known, Manifest)| {
            let asks = give(at, settled, &known, &manifest, self.give.as_deref())?;
            Ok((manifest.name, Known { asks, ..known }))
        };
        brought.into_iter().map(enlist).collect()
    }
}

impl BroughtArgs {
    /// The agents, before anything is given to them.
    pub fn components(&self) -> Result<Vec<(Known, Manifest)>, Failure> {
        let mut all: Vec<(Known, Manifest)> = Vec::new();
        for path in &self.agent {
            let (known, manifest) = component(path)?;
            let name = &manifest.name;
            if AGENTS.iter().any(|agent| agent.name == name) || all.iter().any(|(_, other)| other.name == *name) {
                return Err(Failure::new(
                    Exit::Usage,
                    format!(
                        "{}: there is an agent `{name}` already, and two of a name could not be told apart",
                        path.display()
                    ),
                )
                .hint("give it another name in its agent.toml"));
            }
            all.push((known, manifest));
        }
        Ok(all)
    }
}

/// The names by which files can speak of agents that were brought along.
pub fn names(brought: &[(Known, Manifest)]) -> Vec<String> {
    brought.iter().map(|(_, manifest)| manifest.name.clone()).collect()
}

/// The shipped agents from which a file takes something away. On the run's record, so that a child gets the same when the
/// run is resumed under other files.
pub fn narrowed(settled: &Settled) -> Result<Vec<(String, Known)>, Failure> {
    let shipped = AGENTS.iter().filter(|agent| settled.narrows(agent.name));
    let narrowed = shipped.map(|agent| {
        let mut known = assemble::known(agent.component)?.0;
        settled.narrow(agent.name, &mut known.asks);
        Ok((agent.name.to_owned(), known))
    });
    narrowed.collect()
}

/// An agent and its manifest, from a file.
#[expect(clippy::disallowed_methods, reason = "reads the component that the person named")]
pub fn component(path: &Path) -> Result<(Known, Manifest), Failure> {
    let bytes = std::fs::read(path).map_err(|error| unread(path, &error))?;
    let wrong = |error: &dyn std::fmt::Display| Failure::new(Exit::Usage, format!("{}: {error}", path.display()));
    let known = assemble::known(&bytes).map_err(|error| wrong(&error))?;
    // Now rather than at its first step: what could never be run is not started and put on record.
    guest::look_over(&bytes).map_err(|error| wrong(&error))?;
    Ok(known)
}

fn unread(path: &Path, error: &std::io::Error) -> Failure {
    let named = path.to_string_lossy();
    if error.kind() != std::io::ErrorKind::NotFound || path.extension().is_some() {
        return Failure::new(Exit::Usage, format!("{named}: {error}"));
    }
    if AGENTS.iter().any(|agent| agent.name == named) {
        return Failure::new(Exit::Usage, format!("`{named}` is in pit already, and a team has it without being told"))
            .hint("a component's file is wanted here");
    }
    let failure =
        Failure::new(Exit::Usage, format!("there is no agent `{named}` in this pit, and no file of that name"));
    match nearest(&named, AGENTS.iter().map(|agent| agent.name)) {
        Some(meant) => failure.hint(format!("did you mean `{meant}`?")),
        None => failure.hint("name a component's file, or one of the agents that are shipped"),
    }
}

/// What an agent gets that this repository does not know: what the person gives it, shown first and nothing without an answer,
/// as far as the files leave it that, and of likely secrets what they name.
pub fn give(
    at: &Place,
    settled: &Settled,
    known: &Known,
    manifest: &Manifest,
    given: Option<&str>,
) -> Result<Grants, Failure> {
    let profile = profile(at, known, manifest, given)?;
    let mut grants = profile.grants(&known.asks, &settled.secrets(&manifest.name));
    settled.narrow(&manifest.name, &mut grants);
    Ok(grants)
}

/// What the person gives.
fn profile(at: &Place, known: &Known, manifest: &Manifest, given: Option<&str>) -> Result<Profile, Failure> {
    if let Some(name) = given {
        return Profile::named(name).ok_or_else(|| {
            Failure::new(Exit::Usage, format!("there is no profile `{name}`")).hint("as-asked, reader, edit or nothing")
        });
    }
    if !at.has_terminal() {
        return Err(Failure::new(
            Exit::Untrusted,
            format!("`{}` is not known here, and nobody is there to say what it gets", manifest.name),
        )
        .hint("--give as-asked, reader, edit or nothing"));
    }
    for line in words::agent(known, manifest) {
        note!("{line}");
    }
    loop {
        out::ask(format_args!("give   [y] as asked   [r] reader (no writes)   [e] edit   [n] nothing  "));
        std::io::stderr().flush()?;
        let mut answer = String::new();
        if std::io::stdin().lock().read_line(&mut answer)? == 0 {
            return Err(Failure::new(Exit::Cancelled, "no answer; nothing was run"));
        }
        let profile = match answer.trim() {
            "y" => Profile::AsAsked,
            "r" => Profile::Reader,
            "e" => Profile::Edit,
            "n" => Profile::Nothing,
            _ => continue,
        };
        return Ok(profile);
    }
}
