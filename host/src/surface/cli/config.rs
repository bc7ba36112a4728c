//! `pit config show`: what holds here, and who says so.

use clap::Subcommand;
use orchestra_pit_core::text::clean;

use super::Failure;
use super::open::Place;
use super::out::{self, out};
use super::setting::{self, LimitArgs};
use super::stranger::{self, BroughtArgs};
use crate::assemble;
use crate::config::Origin;
use crate::config::choose::{Choice, choose};
use crate::config::settled::{BuiltIn, Line, Settled};
use crate::config::written::Flags;
use crate::effect::model::family::Families;
use crate::effect::model::price::Prices;
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
