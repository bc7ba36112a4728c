//! All models a run can ask: aliases, the endpoints behind them, what they accept and what they cost.

#![expect(clippy::disallowed_methods, reason = "certificates are a file that the person's own configuration names")]

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use orchestra_pit_core::call::model::{About, Choice, Request, Usage};
use orchestra_pit_core::call::{Error, ErrorKind};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};

use super::endpoint::{self, Endpoint};
use super::family::{Families, Family, KnownProvider};
use super::key::{Environment, Source};
use super::patience::{Limiter, Patience};
use super::price::{Price, Prices};
use super::scripted::Script;
use super::settings::{Alias, Full, Provider, Settings, Unusable};
use super::wire::{self, Prepared, Protocol};
use super::{Asking, Events, Told, estimate};

/// What a request can cost, for the hold on the budget.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Quote {
    /// Tokens that will be sent, estimated upwards.
    pub input: u64,
    /// Tokens of a reply below which asking makes no sense.
    pub least_output: u32,
    /// Tokens of a reply that the model, the configuration and the agent allow.
    pub most_output: u32,
    /// `None` where it is not known.
    pub price: Option<Price>,
}

impl Quote {
    /// What it costs at most with so many tokens of output, in millionths of a US dollar. All input is taken to be of the
    /// dearest sort, since it is not known yet what a cache will do.
    pub fn micro_usd(&self, output: u32) -> Option<u64> {
        let price = self.price?;
        let input = u128::from(self.input) * u128::from(price.dearest_input().0);
        let output = u128::from(output) * u128::from(price.output.0);
        Some(u64::try_from((input + output).div_ceil(1_000_000)).unwrap_or(u64::MAX))
    }
}

/// Where an alias leads, for the first line of a run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place {
    /// `provider/model`.
    pub name: String,
    /// The server's host; empty for a script.
    pub host: String,
    /// Whether its price is known.
    pub priced: bool,
}

/// A reply that is asked for without a limit has this one. A run's siblings wait while the budget holds it, and what an
/// agent writes in one turn is far below it.
const USUAL_OUTPUT: u32 = 32_000;

/// Less than this cannot hold an edit.
const LEAST_OUTPUT: u32 = 1_024;

/// All models.
pub struct Models {
    script: Option<Arc<Script>>,
    aliases: BTreeMap<String, Full>,
    endpoints: BTreeMap<String, Endpoint>,
    families: Families,
    prices: Prices,
    environment: Box<Environment>,
}

impl fmt::Debug for Models {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Models").field("aliases", &self.aliases).finish_non_exhaustive()
    }
}

/// What an alias leads to.
struct Behind<'a> {
    full: &'a Full,
    endpoint: &'a Endpoint,
    model: &'a str,
    family: Family,
}

impl Models {
    /// Puts the person's settings over what is known. Which models are asked is settled before
    /// ([`crate::config::choose`]).
    pub fn new(settings: Settings, environment: Box<Environment>) -> Result<Self, Unusable> {
        let Settings { models, provider, family, price } = settings;
        let (families, prices) = (Families::new(family)?, Prices::new(price)?);
        let mut endpoints = BTreeMap::new();
        for known in families.providers().iter().filter(|known| !provider.contains_key(&known.name)) {
            endpoints.insert(known.name.clone(), endpoint_of(&known.name, Some(known), &Provider::default())?);
        }
        for (name, written) in &provider {
            let known = families.providers().iter().find(|known| known.name == *name);
            endpoints.insert(name.clone(), endpoint_of(name, known, written)?);
        }
        let aliases = models.into_iter().map(|(alias, written)| match written {
            Alias::Name(model) => (alias, Full { model, effort: None, max_output: None }),
            Alias::Full(full) => (alias, full),
        });
        let all = Self { script: None, aliases: aliases.collect(), endpoints, families, prices, environment };
        for (alias, full) in &all.aliases {
            if all.behind_name(full).is_none() {
                let known: Vec<_> = all.endpoints.keys().map(String::as_str).collect();
                let (model, known) = (&full.model, known.join(", "));
                return Err(Unusable::Wrong(format!(
                    "the model `{model}` (alias `{alias}`) is not of the form provider/model with a provider that is known: {known}"
                )));
            }
        }
        Ok(all)
    }

    /// A script in the place of every model.
    pub fn scripted(script: Arc<Script>) -> Result<Self, Unusable> {
        let mut all = Self::new(Settings::default(), Box::new(|_| None))?;
        all.script = Some(script);
        Ok(all)
    }

    /// Whether there is a model to ask at all; if not, what to do about it.
    pub fn ready(&self) -> Result<(), Error> {
        if self.script.is_some() { Ok(()) } else { self.behind("").map(drop) }
    }

    /// Where an alias leads.
    pub fn place(&self, alias: &str) -> Result<Place, Error> {
        if let Some(script) = &self.script {
            return Ok(Place { name: script.about().name, host: String::new(), priced: script.price().is_some() });
        }
        let behind = self.behind(alias)?;
        let priced = self.prices.of(&behind.full.model, 0).is_some();
        Ok(Place { name: behind.full.model.clone(), host: behind.endpoint.host(), priced })
    }

    /// What is known of a model.
    pub fn about(&self, alias: &str) -> Result<About, Error> {
        if let Some(script) = &self.script {
            return Ok(script.about());
        }
        let Behind { full, family, .. } = self.behind(alias)?;
        let max_output = u64::from(full.max_output.unwrap_or(family.max_output).min(family.max_output));
        let more = vec![("edits".into(), family.edits.word().into())];
        Ok(About { name: full.model.clone(), family: family.name, context: family.context, max_output, more })
    }

    /// What a request can cost.
    pub fn quote(&self, model: &str, request: &Request) -> Result<Quote, Error> {
        let input = estimate::request(request);
        let (context, max_output, price) = match &self.script {
            Some(script) => (script.about().context, script.about().max_output, script.price()),
            None => {
                let about = self.about(model)?;
                (about.context, about.max_output, self.prices.of(&about.name, input).map(|quoted| quoted.price))
            }
        };
        // The estimate is high, so it does not refuse a request for being too long: the server knows.
        let room = context.saturating_sub(input).max(u64::from(LEAST_OUTPUT));
        let wanted = u64::from(request.max_output.unwrap_or(USUAL_OUTPUT)).max(1);
        let most_output = u32::try_from(wanted.min(max_output).min(room)).unwrap_or(u32::MAX);
        Ok(Quote { input, least_output: most_output.min(LEAST_OUTPUT), most_output, price })
    }

    /// Asks, and says what it cost.
    pub async fn ask(&self, asking: Asking<'_>, events: Events<'_>) -> Told {
        let nothing = |error| Told { answer: Err(error), used: Usage::default(), micro_usd: Some(0) };
        if let Err(error) = wire::check(asking.request) {
            return nothing(error);
        }
        if let Some(script) = &self.script {
            return script.ask(asking, events).await;
        }
        let Behind { full, endpoint, model, family } = match self.behind(asking.model) {
            Ok(behind) => behind,
            Err(error) => return nothing(error),
        };
        let cache_key = asking.id.run.to_string();
        let routes = self.families.providers().iter().any(|known| known.name == endpoint.name && known.cache_key);
        let prepared = Prepared {
            request: asking.request,
            name: &full.model,
            model,
            family: &family,
            effort: full.effort.as_deref(),
            most_output: asking.most_output.min(family.max_output).max(1),
            cache_key: routes.then_some(cache_key.as_str()),
        };
        let endpoint::Outcome { mut answer, lost } =
            endpoint.ask(&prepared, asking.id, &*self.environment, events).await;
        let cost = |usage: &Usage| self.prices.of(&full.model, usage.input).map(|quoted| quoted.price.of(usage));
        let (mut used, mut micro_usd) = (lost, cost(&lost));
        if let Ok(reply) = &mut answer {
            let forced = matches!(asking.request.choice, Choice::Required | Choice::Tool(_));
            if forced && !family.forced_tools {
                reply.more.push(("choice".into(), "automatic".into()));
            }
            if asking.request.schema.is_some() && !family.schema {
                reply.more.push(("schema".into(), "ignored".into()));
            }
            endpoint::add(&mut used, &reply.usage);
            micro_usd = micro_usd.zip(cost(&reply.usage)).map(|(lost, reply)| lost.saturating_add(reply));
        }
        Told { answer, used, micro_usd }
    }

    fn behind(&self, alias: &str) -> Result<Behind<'_>, Error> {
        let alias = if alias.is_empty() { "default" } else { alias };
        // An agent may ask for a role that the person has not filled: then it is their default.
        let role = matches!(alias, "strong" | "fast");
        let named = || self.aliases.values().find(|full| full.model == alias);
        let full =
            self.aliases.get(alias).or_else(named).or_else(|| role.then(|| self.aliases.get("default")).flatten());
        let full = full.or_else(|| (alias == "default").then(|| self.aliases.get("strong")).flatten());
        full.and_then(|full| self.behind_name(full)).ok_or_else(|| self.unknown(alias))
    }

    fn behind_name<'a>(&'a self, full: &'a Full) -> Option<Behind<'a>> {
        let (provider, model) = full.model.split_once('/').filter(|(_, model)| !model.is_empty())?;
        let endpoint = self.endpoints.get(provider)?;
        Some(Behind { full, endpoint, model, family: self.families.of(model) })
    }

    fn unknown(&self, alias: &str) -> Error {
        let error = |message: String| Error::new(ErrorKind::NotFound, message);
        if self.aliases.is_empty() {
            return error("no model is chosen".into()).hint("name one: -m provider/model");
        }
        let known: Vec<_> = self.aliases.keys().map(String::as_str).collect();
        error(format!("this run has no model `{alias}`; it has {}", known.join(", ")))
    }
}

/// An endpoint from what is known and what the person wrote.
fn endpoint_of(name: &str, known: Option<&KnownProvider>, written: &Provider) -> Result<Endpoint, Unusable> {
    let wrong = |what: String| Unusable::Wrong(format!("[provider.{name}] {what}"));
    let missing = |what: &str| wrong(format!("needs {what}: it is not a provider that pit knows"));
    let protocol = written.protocol.or(known.and_then(|known| known.protocol)).ok_or_else(|| missing("`protocol`"))?;
    let address = written.url.clone().or(known.and_then(|known| known.url.clone())).ok_or_else(|| missing("`url`"))?;
    let key = match (&written.key, &written.url, known) {
        (Some(key), ..) => Some(key.clone()),
        // A known provider's key goes to that provider's address and to no other.
        (None, Some(_), _) => None,
        (None, None, known) => known.and_then(|known| known.key_env.clone()).map(Source::Env),
    };
    let url = address_of(&address, key.is_some()).map_err(wrong)?;
    let mut headers = HeaderMap::new();
    for (header, value) in &written.headers {
        let header: HeaderName = header.parse().map_err(|_| wrong(format!("has no header name in `{header}`")))?;
        if ["host", "content-length", "transfer-encoding", "connection"].contains(&header.as_str()) {
            return Err(wrong(format!("sets the header `{header}`, which is the connection's own")));
        }
        let mut value = HeaderValue::from_str(value)
            .map_err(|_| wrong(format!("has a value for `{header}` that no header can have")))?;
        // It may well be a key of a gateway.
        value.set_sensitive(true);
        headers.insert(header, value);
    }
    let key_header = match &written.key_header {
        Some(header) => header.parse().map_err(|_| wrong(format!("has no header name in `{header}`")))?,
        None if protocol == Protocol::Messages => HeaderName::from_static("x-api-key"),
        None => AUTHORIZATION,
    };
    let proxy = written.proxy.as_deref().map(|proxy| {
        // Its address may have a password in it, so it is not repeated.
        let proxy = reqwest::Proxy::all(proxy).map_err(|_| wrong("has a `proxy` that is no address".into()))?;
        Ok::<_, Unusable>(proxy.no_proxy(reqwest::NoProxy::from_string("localhost,127.0.0.0/8,::1")))
    });
    let certificates = match &written.ca {
        Some(path) => certificates(path).map_err(wrong)?,
        None => Vec::new(),
    };
    let usual = Patience::default();
    let seconds = |written: Option<u64>, usual| written.map_or(usual, |seconds| Duration::from_secs(seconds.max(1)));
    let patience = Patience {
        connect: seconds(written.connect, usual.connect),
        silence: seconds(written.silence.or(known.and_then(|known| known.silence)), usual.silence),
        total: seconds(written.total, usual.total),
        attempts: written.attempts.unwrap_or(usual.attempts).max(1),
        ..usual
    };
    let concurrency = written.concurrency.or(known.and_then(|known| known.concurrency)).unwrap_or(8);
    Ok(Endpoint {
        name: name.into(),
        protocol,
        url,
        key,
        key_header,
        headers,
        proxy: proxy.transpose()?,
        certificates,
        patience,
        limiter: Limiter::new(concurrency),
        client: Default::default(),
        secret: Default::default(),
    })
}

/// An address that a request may be sent to.
fn address_of(text: &str, has_key: bool) -> Result<reqwest::Url, String> {
    let url: reqwest::Url = text.parse().map_err(|error| format!("has a `url` that is none: {error}"))?;
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
        return Err("has a `url` with more than an address in it; keys go into `key`".into());
    }
    let here = match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => return Err("has a `url` without a host".into()),
    };
    match url.scheme() {
        "https" => Ok(url),
        "http" if here || !has_key => Ok(url),
        "http" => Err("would send its key over plain http; use https".into()),
        other => Err(format!("has a `url` of the kind {other}:, and only https: and http: are known")),
    }
}

fn certificates(path: &std::path::Path) -> Result<Vec<reqwest::Certificate>, String> {
    let pem =
        std::fs::read(path).map_err(|error| format!("has a `ca` that cannot be read: {}: {error}", path.display()))?;
    match reqwest::Certificate::from_pem_bundle(&pem) {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        _ => Err(format!("has a `ca` without certificates in PEM: {}", path.display())),
    }
}

#[cfg(test)]
mod tests;
