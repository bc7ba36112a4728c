//! The whole of what holds, for people: what files and flags say, and what is so where nobody says anything.

use orchestra_pit_core::manifest::Manifest;
use orchestra_pit_core::pattern::Pattern;
use orchestra_pit_core::policy::{LIKELY_SECRETS, NO_SECRETS, Profile};
use orchestra_pit_core::protected::GROUPS;

use super::narrowing::Narrowing;
use super::{Line, Settled, family, listed, patterns as commands};
use crate::config::{Origin, Said};
use crate::effect::model::family::KnownProvider;
use crate::effect::model::price::{Price, Prices};

/// What is built in, beside what a [`Settled`] has.
pub struct BuiltIn<'a> {
    /// The shipped agents' manifests.
    pub agents: &'a [Manifest],
    /// Providers.
    pub providers: &'a [KnownProvider],
    /// Prices, the user's among them.
    pub prices: &'a Prices,
    /// Whether a variable has a value.
    pub is_set: &'a dyn Fn(&str) -> bool,
}

impl Settled {
    /// Everything that holds, each value with its place. Of keys only where they are.
    pub fn whole(&self, built_in: &BuiltIn<'_>) -> Vec<Line> {
        let shipped = |agent: &str| built_in.agents.iter().any(|manifest| manifest.name == agent);
        let mut lines = self.limits();
        lines.push(default("team.depth", self.depth.to_string()));
        lines.push(default("team.width", self.width.to_string()));
        lines.extend(super::connections::lines(self));
        lines.extend(self.costs(built_in.prices));
        lines.extend(self.endpoints(built_in));
        lines.extend(self.pager_line());
        lines.extend(built_in.agents.iter().flat_map(|manifest| self.of_agent(manifest)));
        let others = self.narrowings.iter().filter(|(agent, _)| !shipped(agent));
        lines.extend(others.flat_map(|(agent, narrowing)| narrowing.lines(agent)));
        lines.extend(self.commands.lines());
        lines.extend(self.rule_lines());
        lines.push(default("rule.protected-paths", "ask vcs.* of what is protected".to_owned()));
        lines.extend(
            GROUPS
                .iter()
                .map(|group| default(&format!("protected.{}", group.what.replace(' ', "-")), list(group.globs))),
        );
        lines.push(default("secrets.likely", list(LIKELY_SECRETS)));
        lines.push(default("secrets.not", list(NO_SECRETS)));
        lines
    }

    /// What each alias's tokens cost, and what files say of families.
    fn costs(&self, prices: &Prices) -> Vec<Line> {
        let alias = |(alias, said): (&String, &Said<super::Full>)| {
            let model = &said.value.model;
            let own = self.prices.iter().find(|row| family::matches(&row.value.model, model));
            let (value, from) = match prices.of(model, 0) {
                Some(quoted) if own.is_none() => {
                    (format!("{} (list of {})", priced(&quoted.price), quoted.date), Origin::Default)
                }
                Some(quoted) => (priced(&quoted.price), own.map_or(Origin::Default, |row| row.from.clone())),
                None => ("?".to_owned(), Origin::Default),
            };
            Line { key: format!("models.{alias}.price"), value, from }
        };
        let prices = self.prices.iter().map(|said| Line {
            key: format!("price.{}", said.value.model),
            value: match said.value.above {
                0 => priced(&said.value.price()),
                above => format!("{}, above {above} tokens of input", priced(&said.value.price())),
            },
            from: said.from.clone(),
        });
        let families = self.families.iter().map(|said| Line {
            key: format!("family.{}", said.value.patterns.join(",")),
            value: said.value.said(),
            from: said.from.clone(),
        });
        self.models.iter().map(alias).chain(prices).chain(families).collect()
    }

    /// Where the providers are that pit knows, as far as nobody configured them.
    fn endpoints(&self, built_in: &BuiltIn<'_>) -> Vec<Line> {
        let mut lines = Vec::new();
        for known in built_in.providers {
            let own = self.providers.get(&known.name).map(|said| &said.value);
            let key = known.key_env.as_ref().map(|variable| {
                let set = if (built_in.is_set)(variable) { "set" } else { "not set" };
                format!("the variable {variable} ({set})")
            });
            let parts = [
                (
                    "protocol",
                    known.protocol.map(|it| it.word().to_owned()),
                    own.is_some_and(|own| own.protocol.is_some()),
                ),
                ("url", known.url.clone(), own.is_some_and(|own| own.url.is_some())),
                ("key", key, own.is_some_and(|own| own.key.is_some())),
            ];
            lines.extend(
                parts
                    .into_iter()
                    .filter(|(.., theirs)| !theirs)
                    .filter_map(|(part, value, _)| Some(default(&format!("provider.{}.{part}", known.name), value?))),
            );
        }
        lines
    }

    /// What a shipped agent gets. Of paths a line for each file that narrows: what is left is what all of them leave.
    fn of_agent(&self, manifest: &Manifest) -> Vec<Line> {
        let agent = manifest.name.as_str();
        let grants = self.grants(manifest, Profile::Default);
        let last = |from: &dyn Fn(&Narrowing) -> Option<Origin>| {
            self.of(agent).filter_map(from).last().unwrap_or(Origin::Default)
        };
        let line = |key: &str, value: String, from: Origin| Line { key: format!("grants.{agent}.{key}"), value, from };
        let patterns = |patterns: &[Pattern]| listed(patterns.iter().map(Pattern::as_str));
        let names = |names: &[String]| listed(names.iter().map(String::as_str));
        let mut lines = Vec::new();
        for (key, asked) in [("read", &manifest.asks.read), ("write", &manifest.asks.write)] {
            let but = if asked.is_empty() { "" } else { " but likely secrets" };
            lines.push(line(key, format!("{}{but}", patterns(asked)), Origin::Default));
            lines.extend(
                self.of(agent)
                    .filter_map(|narrowing| narrowing.paths(key))
                    .map(|said| line(key, format!("of these {}", patterns(&said.value)), said.from.clone())),
            );
        }
        lines.extend(
            self.of(agent)
                .filter_map(|narrowing| narrowing.paths("secrets"))
                .map(|said| line("secrets", patterns(&said.value), said.from.clone())),
        );
        lines.push(line("model", names(&grants.model), last(&|one| one.names("model"))));
        lines.push(line("commit", grants.commit.to_string(), last(&|one| one.takes("commit"))));
        lines.push(line("exec", commands(&grants.exec), last(&|one| one.names("exec"))));
        lines.push(line("env", names(&grants.env), last(&|one| one.names("env"))));
        lines.push(line("check", grants.check.to_string(), last(&|one| one.takes("check"))));
        lines.push(line("human", grants.human.to_string(), last(&|one| one.takes("human"))));
        lines.push(line("board", grants.board.to_string(), last(&|one| one.takes("board"))));
        lines.push(line("delegate", names(&grants.delegate), last(&|one| one.names("delegate"))));
        lines.extend(manifest.budget.turns.map(|turns| line("turns", format!("at most {turns}"), Origin::Default)));
        lines.extend(manifest.budget.usd.map(|usd| line("usd", format!("at most {usd}"), Origin::Default)));
        lines.extend(manifest.budget.tokens.map(|most| line("tokens", format!("at most {most}"), Origin::Default)));
        lines.extend(manifest.budget.wall.map(|wall| line("wall", format!("at most {wall}"), Origin::Default)));
        lines
    }
}

fn default(key: &str, value: String) -> Line {
    Line { key: key.to_owned(), value, from: Origin::Default }
}

fn list(texts: &[&str]) -> String {
    listed(texts.iter().copied())
}

/// A price as price lists print it.
fn priced(price: &Price) -> String {
    let Price { input, cached_read, cache_write, output } = price;
    format!("{input} in, {cached_read} cached, {cache_write} written to the cache, {output} out; a million tokens")
}
