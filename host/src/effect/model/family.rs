//! What a model accepts, and how its provider is reached: rows of `families.toml`, with the user's rows over them.

use orchestra_pit_core::call::model::Request;
use serde::Deserialize;

use super::wire::Protocol;

/// The name of the field that limits a reply in chat completions. The other protocols have one name each.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the fields' own names")]
pub enum Limit {
    MaxTokens,
    MaxCompletionTokens,
}

/// How thinking is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Thinking {
    /// Not at all, or by effort alone.
    None,
    /// Anthropic's `adaptive`.
    Adaptive,
}

/// The shape of edits that a model was trained to write.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the shapes' own names")]
pub enum Edits {
    StrReplace,
    ApplyPatch,
    SearchReplace,
    /// It knows no tools: one JSON object a reply, held to a schema.
    Envelope,
}

impl Edits {
    /// As `model.about` says it.
    pub fn word(self) -> &'static str {
        match self {
            Self::StrReplace => "str_replace",
            Self::ApplyPatch => "apply_patch",
            Self::SearchReplace => "search_replace",
            Self::Envelope => "envelope",
        }
    }
}

/// What a model accepts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Family {
    /// `claude`, `gpt`, … or `other`.
    pub name: String,
    /// The edits it writes best.
    pub edits: Edits,
    /// How its limit is called.
    pub limit: Limit,
    /// Tokens of request and reply together.
    pub context: u64,
    /// Tokens of a reply.
    pub max_output: u32,
    /// Whether it takes a temperature. Where not, it is left out.
    pub temperature: bool,
    /// Whether it can be made to call a tool. Where not, it is left to decide.
    pub forced_tools: bool,
    /// Whether its text can be held to a JSON Schema. Where not, the schema is left out.
    pub schema: bool,
    /// Whether it takes an effort.
    pub effort: bool,
    /// How thinking is asked for.
    pub thinking: Thinking,
    /// Whether it takes a seed.
    pub seed: bool,
}

/// A row as written: what it leaves out stays as it is below.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the fields of a family, each optional")]
pub struct Row {
    #[serde(rename = "match")]
    pub patterns: Vec<String>,
    pub name: Option<String>,
    pub edits: Option<Edits>,
    pub limit: Option<Limit>,
    pub context: Option<u64>,
    pub max_output: Option<u32>,
    pub temperature: Option<bool>,
    pub forced_tools: Option<bool>,
    pub schema: Option<bool>,
    pub effort: Option<bool>,
    pub thinking: Option<Thinking>,
    pub seed: Option<bool>,
}

impl Row {
    /// What it says of the models that match, in its own words.
    pub fn said(&self) -> String {
        let word = |name: &str, value: Option<String>| value.map(|value| format!("{name} {value}"));
        let switch = |value: Option<bool>| value.map(|value| value.to_string());
        let limit = self.limit.map(|limit| match limit {
            Limit::MaxTokens => "max_tokens".to_owned(),
            Limit::MaxCompletionTokens => "max_completion_tokens".to_owned(),
        });
        let thinking = self.thinking.map(|thinking| match thinking {
            Thinking::None => "none".to_owned(),
            Thinking::Adaptive => "adaptive".to_owned(),
        });
        let all = [
            word("name", self.name.clone()),
            word("edits", self.edits.map(|edits| edits.word().to_owned())),
            word("limit", limit),
            word("context", self.context.map(|tokens| tokens.to_string())),
            word("max_output", self.max_output.map(|tokens| tokens.to_string())),
            word("temperature", switch(self.temperature)),
            word("forced_tools", switch(self.forced_tools)),
            word("schema", switch(self.schema)),
            word("effort", switch(self.effort)),
            word("thinking", thinking),
            word("seed", switch(self.seed)),
        ];
        all.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}

/// A provider as written; a user's row with the name of a known provider is laid over it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KnownProvider {
    /// The first part of `provider/model`.
    pub name: String,
    /// How it is spoken to.
    pub protocol: Option<Protocol>,
    /// The base address, up to `/v1`.
    pub url: Option<String>,
    /// The variable its key is found in by custom; none for a local server.
    pub key_env: Option<String>,
    /// The model for agents that ask for none.
    pub default: Option<String>,
    /// The model for the alias `strong`.
    pub strong: Option<String>,
    /// The model for the alias `fast`.
    pub fast: Option<String>,
    /// Whether it routes by a key to where the prefix is cached.
    pub cache_key: bool,
    /// Seconds without a byte after which an answer is given up.
    pub silence: Option<u64>,
    /// Requests at a time.
    pub concurrency: Option<usize>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    dated: String,
    provider: Vec<KnownProvider>,
    family: Vec<Row>,
}

/// All that is known.
#[derive(Debug)]
pub struct Families {
    dated: String,
    providers: Vec<KnownProvider>,
    rows: Vec<Row>,
    users: Vec<Row>,
}

impl Families {
    /// The table that pit was built with, and the user's rows.
    pub fn new(users: Vec<Row>) -> Result<Self, toml::de::Error> {
        let File { dated, provider, family } = toml::from_str(include_str!("families.toml"))?;
        Ok(Self { dated, providers: provider, rows: family, users })
    }

    /// When the table was made.
    pub fn dated(&self) -> &str {
        &self.dated
    }

    /// The providers that need no more than a key.
    pub fn providers(&self) -> &[KnownProvider] {
        &self.providers
    }

    /// What a model accepts, by its name at its server.
    pub fn of(&self, model: &str) -> Family {
        let mut family = Family {
            name: "other".into(),
            edits: Edits::SearchReplace,
            limit: Limit::MaxTokens,
            context: 32_768,
            max_output: 8_192,
            temperature: true,
            forced_tools: true,
            schema: true,
            effort: false,
            thinking: Thinking::None,
            seed: true,
        };
        let full = model.to_lowercase();
        let bare = full.rsplit('/').next().unwrap_or(&full);
        let fits = |row: &&Row| row.patterns.iter().any(|pattern| matches(pattern, bare) || matches(pattern, &full));
        for row in [self.rows.iter().find(fits), self.users.iter().find(fits)].into_iter().flatten() {
            row.lay_over(&mut family);
        }
        family
    }
}

impl Row {
    fn lay_over(&self, family: &mut Family) {
        fn set<T: Clone>(to: &mut T, from: &Option<T>) {
            if let Some(value) = from {
                to.clone_from(value);
            }
        }
        set(&mut family.name, &self.name);
        set(&mut family.edits, &self.edits);
        set(&mut family.limit, &self.limit);
        set(&mut family.context, &self.context);
        set(&mut family.max_output, &self.max_output);
        set(&mut family.temperature, &self.temperature);
        set(&mut family.forced_tools, &self.forced_tools);
        set(&mut family.schema, &self.schema);
        set(&mut family.effort, &self.effort);
        set(&mut family.thinking, &self.thinking);
        set(&mut family.seed, &self.seed);
    }
}

impl Family {
    /// The seed that a request asks for in `more`, if the model takes one.
    pub fn seed(&self, request: &Request) -> Option<u32> {
        let (_, seed) = request.more.iter().find(|(name, _)| name == "seed").filter(|_| self.seed)?;
        seed.parse().ok()
    }
}

/// Whether a name fits a pattern in which `*` stands for any text.
pub fn matches(pattern: &str, name: &str) -> bool {
    let mut pieces = pattern.split('*');
    let Some(mut rest) = pieces.next().and_then(|head| name.strip_prefix(head)) else { return false };
    let Some(tail) = pattern.contains('*').then(|| pieces.next_back()).flatten() else { return rest.is_empty() };
    for piece in pieces {
        match rest.split_once(piece) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(tail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (pattern, name, fits) in [
            ("claude-*", "claude-opus-5-5", true),
            ("claude-*", "gpt-5", false),
            ("gpt-5.4", "gpt-5.4", true),
            ("gpt-5.4", "gpt-5.4-mini", false),
            ("*", "", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c", false),
            ("*b", "ab", true),
            ("ab*ba", "aba", false),
        ] {
            assert_eq!(matches(pattern, name), fits, "{pattern} {name}");
        }
    }

    #[test]
    fn the_table_reads_and_the_first_row_that_fits_counts() {
        let families = Families::new(Vec::new()).unwrap();
        assert!(families.dated() >= "2026-11");
        let sonnet = families.of("claude-sonnet-5-5");
        assert_eq!((sonnet.name.as_str(), sonnet.temperature, sonnet.forced_tools), ("claude", false, false));
        assert_eq!(families.of("anthropic/claude-haiku-4.5").max_output, 64_000);
        assert_eq!(families.of("gpt-5.4-mini").context, 400_000);
        assert_eq!(families.of("gpt-6.1-sol").edits, Edits::ApplyPatch);
        let small = families.of("SmolLM2.gguf");
        assert_eq!((small.name.as_str(), small.edits), ("smollm", Edits::Envelope));
        assert_eq!(families.of("my-model.gguf").name, "other");
        // Every default of a provider is a model that something is known of.
        for provider in families.providers() {
            for model in [&provider.default, &provider.strong, &provider.fast].into_iter().flatten() {
                assert_ne!(families.of(model).name, "other", "{model}");
            }
        }
    }

    #[test]
    fn a_users_row_changes_only_what_it_says() {
        let row: Row = toml::from_str("match = [\"smollm*\"]\ncontext = 2048").unwrap();
        let families = Families::new(vec![row]).unwrap();
        let family = families.of("smollm2-135m");
        assert_eq!((family.context, family.max_output, family.name.as_str()), (2048, 2_048, "smollm"));
    }
}
