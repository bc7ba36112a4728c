//! A script as it is written: the TOML, checked for what TOML cannot say.

use orchestra_pit_core::call::ErrorKind;
use orchestra_pit_core::call::model::{Stop, Usage};
use serde::Deserialize;

use super::said::Said;
use crate::effect::model::family::Edits;
use crate::effect::model::price::Price;

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    schema: u32,
    #[serde(default)]
    pub model: Model,
    #[serde(default)]
    pub pace: Pace,
    #[serde(default)]
    pub conversation: Vec<Conversation>,
}

/// What the script says it is.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Model {
    pub name: String,
    pub family: String,
    pub edits: Edits,
    pub context: u64,
    pub max_output: u64,
    pub price: Option<Price>,
}

impl Default for Model {
    fn default() -> Self {
        Self {
            name: "scripted/script".into(),
            family: "scripted".into(),
            edits: Edits::StrReplace,
            context: 200_000,
            max_output: 32_000,
            price: None,
        }
    }
}

/// How long a reply takes.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Pace {
    /// Before the first word.
    pub delay_ms: u64,
    /// After each.
    pub word_ms: u64,
}

/// The replies to one agent's one conversation.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Conversation {
    #[serde(default)]
    name: Option<String>,
    agent: String,
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    system_contains: Texts,
    #[serde(default)]
    first_contains: Texts,
    #[serde(default)]
    first_lacks: Texts,
    #[serde(default)]
    any_contains: Texts,
    #[serde(default)]
    any_lacks: Texts,
    #[serde(default = "one")]
    pub runs: u32,
    pub reply: Vec<Reply>,
}

/// What is answered at one turn.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Reply {
    #[serde(default)]
    turn: Option<usize>,
    #[serde(default)]
    pub expect: Expect,
    #[serde(default)]
    pub text: String,
    #[serde(default)]
    pub thinking: Option<String>,
    #[serde(default)]
    pub calls: Vec<ToolUse>,
    #[serde(default)]
    pub stop: Option<Stop>,
    #[serde(default)]
    pub error: Option<Failure>,
    #[serde(default)]
    pub usage: Option<Tokens>,
    #[serde(default)]
    pub delay_ms: Option<u64>,
}

/// What the request must hold, or the conversation has departed.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Expect {
    last_contains: Texts,
    last_lacks: Texts,
    tools: Texts,
}

/// A call of a tool, its arguments as a TOML table.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ToolUse {
    pub tool: String,
    #[serde(default)]
    pub arguments: serde_json::Map<String, serde_json::Value>,
}

/// A refusal in the place of a reply.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Failure {
    pub kind: ErrorKind,
    pub message: String,
}

/// Tokens, where the estimate will not do.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Tokens {
    input: u64,
    cached_read: u64,
    cache_write: u64,
    output: u64,
    reasoning: u64,
}

impl From<Tokens> for Usage {
    fn from(tokens: Tokens) -> Self {
        let Tokens { input, cached_read, cache_write, output, reasoning } = tokens;
        Self { input, cached_read, cache_write, output, reasoning }
    }
}

/// One text or several: `"a"` or `["a", "b"]`.
#[derive(Debug, Default, Deserialize)]
#[serde(from = "OneOrMore")]
struct Texts(Vec<String>);

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

impl From<OneOrMore> for Texts {
    fn from(texts: OneOrMore) -> Self {
        match texts {
            OneOrMore::One(text) => Self(vec![text]),
            OneOrMore::More(texts) => Self(texts),
        }
    }
}

impl Texts {
    fn missing_in(&self, text: &str) -> Option<&str> {
        self.0.iter().map(String::as_str).find(|wanted| !text.contains(wanted))
    }

    fn found_in(&self, text: &str) -> Option<&str> {
        self.0.iter().map(String::as_str).find(|unwanted| text.contains(unwanted))
    }
}

fn one() -> u32 {
    1
}

impl Written {
    /// What the types cannot say.
    pub fn check(&self) -> Result<(), String> {
        if self.schema != 1 {
            return Err(format!("schema is {}, and this version of pit reads 1", self.schema));
        }
        for (at, conversation) in self.conversation.iter().enumerate() {
            let called = conversation.called(at);
            if conversation.reply.is_empty() {
                return Err(format!("{called} has no reply"));
            }
            if conversation.turns().windows(2).any(|pair| pair[0] > pair[1]) || conversation.turns().contains(&0) {
                return Err(format!("{called} has a turn before the one above it, or a turn 0; turns count from 1"));
            }
            for (reply, turn) in conversation.reply.iter().zip(conversation.turns()) {
                let says = !reply.text.is_empty() || !reply.calls.is_empty() || reply.stop.is_some();
                if says == reply.error.is_some() {
                    return Err(format!("{called}, turn {turn} needs either text, calls or stop, or an error"));
                }
            }
        }
        Ok(())
    }

    /// Takes all pauses out.
    pub fn without_pauses(&mut self) {
        self.pace = Pace::default();
        for reply in self.conversation.iter_mut().flat_map(|c| &mut c.reply) {
            reply.delay_ms = None;
        }
    }
}

impl Conversation {
    /// What messages call it.
    pub fn called(&self, at: usize) -> String {
        match &self.name {
            Some(name) => format!("conversation \"{name}\""),
            None => format!("conversation {} ({})", at + 1, self.agent),
        }
    }

    /// The turn of each reply: as written, or one more than that of the reply above it.
    pub fn turns(&self) -> Vec<usize> {
        let mut last = 0;
        self.reply
            .iter()
            .map(|reply| {
                last = reply.turn.unwrap_or(last + 1);
                last
            })
            .collect()
    }

    /// Whether a request belongs to it, or the first thing that says it does not.
    pub fn applies(&self, said: &Said) -> Result<(), String> {
        if self.agent != said.who() {
            return Err(format!("is for the agent {}", self.agent));
        }
        if let Some(model) = self.model.as_deref().filter(|model| *model != said.model()) {
            return Err(format!("is for the model `{model}`, and this asks for `{}`", said.model()));
        }
        let wanted = [
            (&self.system_contains, said.system(), "the system prompt"),
            (&self.first_contains, said.first(), "the first message"),
            (&self.any_contains, said.all(), "no message"),
        ];
        for (texts, place, named) in wanted {
            if let Some(text) = texts.missing_in(place) {
                let verb = if named == "no message" { "has" } else { "lacks" };
                return Err(format!("{named} {verb} {text:?}"));
            }
        }
        let unwanted =
            [(&self.first_lacks, said.first(), "the first message"), (&self.any_lacks, said.all(), "a message")];
        for (texts, place, named) in unwanted {
            if let Some(text) = texts.found_in(place) {
                return Err(format!("{named} has {text:?}"));
            }
        }
        Ok(())
    }
}

impl Expect {
    /// What of it the request does not keep to.
    pub fn against(&self, said: &Said) -> Result<(), String> {
        let came = || super::said::quoted(said.last());
        if let Some(text) = self.last_contains.missing_in(said.last()) {
            return Err(format!("expected {text:?} in what came last, which was {}", came()));
        }
        if let Some(text) = self.last_lacks.found_in(said.last()) {
            return Err(format!("expected no {text:?} in what came last, which was {}", came()));
        }
        if let Some(tool) = self.tools.0.iter().find(|tool| !said.offers(tool)) {
            return Err(format!("expected the tool `{tool}` to be offered, and the request offers {}", said.tools()));
        }
        Ok(())
    }
}
