//! Models and the servers behind them, as the user and the organisation say. Whether they can work is for the effect to
//! say that connects; here is only what one file may say over another.

use std::collections::BTreeMap;

use orchestra_pit_core::manifest::is_name;
use serde::Deserialize;
use serde::de::IgnoredAny;
use toml::Spanned;

use super::{Alias, Full, Layer, Line, Provider, Settled, listed};
use crate::config::{ConfigError, Origin, Said, Source};

pub(super) fn models(
    source: &Source,
    written: BTreeMap<Spanned<String>, Spanned<Alias>>,
    models: &mut BTreeMap<String, Said<Full>>,
) -> Result<(), ConfigError> {
    for (alias, model) in written {
        is_name(alias.get_ref()).map_err(|why| source.wrong(alias.span().start, why))?;
        let at = model.span().start;
        let said = source.said(model).map(|model| match model {
            Alias::Name(model) => Full { model, effort: None, max_output: None },
            Alias::Full(full) => full,
        });
        is_model(&said.value.model).map_err(|why| source.wrong(at, why))?;
        models.insert(alias.into_inner(), said);
    }
    Ok(())
}

/// Where the keys of each provider stand in a file.
#[derive(Default, Deserialize)]
struct Keys {
    #[serde(default)]
    provider: BTreeMap<String, BTreeMap<Spanned<String>, IgnoredAny>>,
}

fn key_of(provider: &str, key: &str) -> String {
    format!("provider.{provider}.{key}")
}

pub(super) fn providers(
    source: &Source,
    written: BTreeMap<Spanned<String>, Provider>,
    providers: &mut BTreeMap<String, Said<Provider>>,
    places: &mut BTreeMap<String, Origin>,
) -> Result<(), ConfigError> {
    // The values are read by now; this is where their keys stand.
    let keys: Keys = toml::from_str(&source.text).unwrap_or_default();
    for (name, keys) in keys.provider {
        let place = |key: Spanned<String>| (key_of(&name, key.get_ref()), source.origin(key.span().start));
        places.extend(keys.into_keys().map(place));
    }
    for (name, provider) in written {
        let at = name.span().start;
        is_name(name.get_ref()).map_err(|why| source.wrong(at, why))?;
        // An organisation that names a proxy or a server means it.
        if let Some(other) = providers.get(name.get_ref()).filter(|other| other.from.layer() == Layer::Organisation) {
            let message =
                format!("the organisation's file has a provider `{}` already ({})", name.get_ref(), other.from);
            return Err(source.wrong(at, message));
        }
        providers.insert(name.into_inner(), Said { value: provider, from: source.origin(at) });
    }
    Ok(())
}

/// Whether a text names a model: `provider/model`.
pub(crate) fn is_model(text: &str) -> Result<(), &'static str> {
    let right = text.split_once('/').is_some_and(|(provider, model)| {
        is_name(provider).is_ok()
            && (1..=200).contains(&model.len())
            && model.bytes().all(|b| b.is_ascii_graphic() && b != b'`')
    });
    right.then_some(()).ok_or("a model is written as `provider/model`, such as `anthropic/claude-sonnet-5-5`")
}

/// For people: of headers only the names, of a proxy only that there is one, for both can have a password in them.
pub(super) fn lines(settled: &Settled) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for (alias, said) in &settled.models {
        let Full { model, effort, max_output } = &said.value;
        let effort = effort.as_ref().map(|effort| format!(" (effort {effort})"));
        let most = max_output.map(|most| format!(" (replies up to {most} tokens)"));
        let value = [Some(model.clone()), effort, most].into_iter().flatten().collect();
        lines.push(Line { key: format!("models.{alias}"), value, from: said.from.clone() });
    }
    for (name, said) in &settled.providers {
        let Provider { protocol, url, key, key_header, headers, proxy, ca, .. } = &said.value;
        let Provider { concurrency, connect, silence, total, attempts, .. } = &said.value;
        let seconds = |number: u64| format!("{number} s");
        let parts = [
            ("protocol", protocol.map(|protocol| protocol.word().to_owned())),
            ("url", url.clone()),
            ("key", key.as_ref().map(|key| key.place())),
            ("key_header", key_header.clone()),
            ("headers", (!headers.is_empty()).then(|| listed(headers.keys().map(String::as_str)))),
            ("proxy", proxy.as_ref().map(|_| "set".to_owned())),
            ("ca", ca.as_ref().map(|path| path.display().to_string())),
            ("concurrency", concurrency.map(|number| number.to_string())),
            ("connect", connect.map(seconds)),
            ("silence", silence.map(seconds)),
            ("total", total.map(seconds)),
            ("attempts", attempts.map(|number| number.to_string())),
        ];
        lines.extend(parts.into_iter().filter_map(|(key, value)| {
            let key = key_of(name, key);
            let from = settled.places.get(&key).unwrap_or(&said.from).clone();
            Some(Line { key, value: value?, from })
        }));
    }
    lines
}
