//! The parts of the person's configuration that are about models. Only their own file and the organisation's have
//! them: in a repository's `pit.toml` each of these names is a load error.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

use super::wire::Protocol;
use super::{family, key, price};

/// `[models]`, `[provider.NAME]`, `[[family]]` and `[[price]]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// By alias: `default`, `strong`, `fast`, or a name of the person's own.
    pub models: BTreeMap<String, Alias>,
    /// By the first part of `provider/model`.
    pub provider: BTreeMap<String, Provider>,
    /// Laid over the known families.
    pub family: Vec<family::Row>,
    /// Before the known prices.
    pub price: Vec<price::Row>,
}

/// What an alias stands for.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(untagged)]
pub enum Alias {
    /// `provider/model`.
    Name(String),
    /// The same with more said.
    Full(Full),
}

/// An alias with more said.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Full {
    /// `provider/model`.
    pub model: String,
    /// How hard to think: a word of the provider's (`low`, `medium`, `high`).
    #[serde(default)]
    pub effort: Option<String>,
    /// Tokens that a reply may have.
    #[serde(default)]
    pub max_output: Option<u32>,
}

/// An endpoint. What it leaves out is as for the known provider of the same name.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Provider {
    /// How it is spoken to.
    pub protocol: Option<Protocol>,
    /// The base address, up to `/v1`. Plain `http` only on this machine, or without a key.
    pub url: Option<String>,
    /// Where its key is.
    pub key: Option<key::Source>,
    /// The header the key goes into; `authorization` is sent as a bearer's.
    pub key_header: Option<String>,
    /// Sent with each request.
    pub headers: BTreeMap<String, String>,
    /// `http://`, `https://` or `socks5://`; never taken from the environment.
    pub proxy: Option<String>,
    /// Certificates to trust beside the machine's, in PEM.
    pub ca: Option<PathBuf>,
    /// Requests at a time.
    pub concurrency: Option<usize>,
    /// Seconds for a connection.
    pub connect: Option<u64>,
    /// Seconds without a byte.
    pub silence: Option<u64>,
    /// Seconds for a request with all its attempts.
    pub total: Option<u64>,
    /// How often a request is sent.
    pub attempts: Option<u32>,
}

/// Settings that cannot work.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// Names what, in the words of the file.
    #[error("{0}")]
    Wrong(String),
    /// A table that pit was built with does not read: a test would have failed.
    #[error("the built-in tables do not read: {0}")]
    Tables(#[from] toml::de::Error),
}
