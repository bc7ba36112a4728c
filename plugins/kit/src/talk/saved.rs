//! A conversation as bytes, for the next round or the next life.

use super::Talk;
use orchestra_pit_sdk::model::{Message, Opaque, Part, Role, ToolCall, ToolResult};
use serde::{Deserialize, Serialize};

/// A [`Talk`] that can be written down. Keys are short because there are many.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Saved {
    messages: Vec<SavedMessage>,
    log: Vec<String>,
    standing: Vec<(usize, String)>,
    carried: Vec<String>,
    rate: u64,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
struct SavedMessage {
    model: bool,
    parts: Vec<SavedPart>,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum SavedPart {
    Text(String),
    /// Id, name, arguments.
    Call(String, String, String),
    /// Id, content, whether it is an error.
    Result(String, String, bool),
    /// Protocol, data that is text, as nearly all is.
    Opaque(String, String),
    /// Protocol, data that is none, as hex.
    Hex(String, String),
    Other(String, String),
}

impl From<&Talk> for Saved {
    fn from(talk: &Talk) -> Self {
        let messages = talk.messages.iter().map(|message| SavedMessage {
            model: message.role == Role::Assistant,
            parts: message.parts.iter().map(save).collect(),
        });
        Self {
            messages: messages.collect(),
            log: talk.log.clone(),
            standing: talk.standing.clone(),
            carried: talk.carried.clone(),
            rate: talk.rate,
        }
    }
}

impl Saved {
    /// The conversation; `None` for what no [`Talk`] was saved as.
    pub fn restore(self) -> Option<Talk> {
        let mut messages = Vec::with_capacity(self.messages.len());
        for (at, SavedMessage { model, parts }) in self.messages.into_iter().enumerate() {
            if model != (at % 2 == 1) {
                return None;
            }
            let parts = parts.into_iter().map(restore).collect::<Option<Vec<_>>>()?;
            messages.push(if model {
                Message::assistant(parts)
            } else {
                Message { role: Role::User, parts, more: Vec::new() }
            });
        }
        let Self { log, standing, carried, rate, .. } = self;
        (!messages.is_empty()).then_some(Talk { messages, log, standing, carried, rate })
    }
}

fn save(part: &Part) -> SavedPart {
    match part {
        Part::Text(text) => SavedPart::Text(text.clone()),
        Part::ToolCall(call) => SavedPart::Call(call.id.clone(), call.name.clone(), call.arguments.clone()),
        Part::ToolResult(result) => SavedPart::Result(result.id.clone(), result.content.clone(), result.is_error),
        Part::Opaque(opaque) => match std::str::from_utf8(&opaque.data) {
            Ok(text) => SavedPart::Opaque(opaque.protocol.clone(), text.to_owned()),
            Err(_) => SavedPart::Hex(opaque.protocol.clone(), opaque.data.iter().map(|b| format!("{b:02x}")).collect()),
        },
        Part::Other((name, value)) => SavedPart::Other(name.clone(), value.clone()),
    }
}

fn restore(part: SavedPart) -> Option<Part> {
    Some(match part {
        SavedPart::Text(text) => Part::Text(text),
        SavedPart::Call(id, name, arguments) => Part::ToolCall(ToolCall { id, name, arguments }),
        SavedPart::Result(id, content, is_error) => Part::ToolResult(ToolResult { id, content, is_error }),
        SavedPart::Opaque(protocol, text) => Part::Opaque(Opaque { protocol, data: text.into_bytes() }),
        SavedPart::Hex(protocol, hex) => Part::Opaque(Opaque { protocol, data: bytes(&hex)? }),
        SavedPart::Other(name, value) => Part::Other((name, value)),
    })
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    hex.as_bytes()
        .chunks(2)
        .map(|pair| std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok()))
        .collect()
}
