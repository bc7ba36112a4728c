//! What the three protocols have in common: a request ready to be written, and a reply being put together.

use std::collections::BTreeMap;

use orchestra_pit_core::call::model::{Opaque, Part, Reply, Request, Role, Stop, ToolCall, Usage};
use orchestra_pit_core::call::{Error, ErrorKind, More};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::complaint::Complaint;
use super::family::Family;
use super::sse::Event;
use super::{Delta, chat, messages, responses};

/// How a server is spoken to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// OpenAI's chat completions, and what all local servers speak.
    Chat,
    /// OpenAI's responses.
    Responses,
    /// Anthropic's messages.
    Messages,
}

/// A request with all that the host adds to it.
#[derive(Clone, Copy, Debug)]
pub struct Prepared<'a> {
    /// What the agent asked.
    pub request: &'a Request,
    /// `provider/model`: whose opaque parts may go back.
    pub name: &'a str,
    /// The model's name at its server.
    pub model: &'a str,
    /// What the model accepts.
    pub family: &'a Family,
    /// How hard to think, where the person's configuration says so.
    pub effort: Option<&'a str>,
    /// Tokens that the reply may have.
    pub most_output: u32,
    /// The same for all requests of a run, for servers that route by it to where the prefix is cached.
    pub cache_key: Option<&'a str>,
}

/// A reply that could not be read to its end.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fault {
    /// It is not what the protocol says.
    Garbled(String),
    /// It stopped before its end.
    Cut,
    /// The server says that something went wrong, in the middle.
    Complaint(Complaint),
}

impl Protocol {
    /// What an opaque part of it is marked with.
    pub fn word(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Responses => "responses",
            Self::Messages => "messages",
        }
    }

    /// Where requests go, below the base address.
    pub fn path(self) -> &'static str {
        match self {
            Self::Chat => "/chat/completions",
            Self::Responses => "/responses",
            Self::Messages => "/messages",
        }
    }

    /// The body of a request. Two requests of one conversation begin with the same bytes up to where it goes on.
    pub fn encode(self, prepared: &Prepared<'_>) -> Result<String, Error> {
        let written = match self {
            Self::Chat => serde_json::to_string(&chat::request(prepared)?),
            Self::Responses => serde_json::to_string(&responses::request(prepared)?),
            Self::Messages => serde_json::to_string(&messages::request(prepared)?),
        };
        written.map_err(|error| Error::new(ErrorKind::Invalid, format!("the request cannot be written: {error}")))
    }

    /// What reads the answer to it.
    pub fn decoder(self, prepared: &Prepared<'_>) -> Decoder {
        let assembly = Assembly::new(self, prepared);
        match self {
            Self::Chat => Decoder::Chat(chat::Decoder::new(assembly)),
            Self::Responses => Decoder::Responses(responses::Decoder::new(assembly)),
            Self::Messages => Decoder::Messages(messages::Decoder::new(assembly)),
        }
    }
}

/// Reads one answer, event by event.
#[derive(Debug)]
#[expect(missing_docs, reason = "one for each protocol")]
pub enum Decoder {
    Chat(chat::Decoder),
    Responses(responses::Decoder),
    Messages(messages::Decoder),
}

impl Decoder {
    /// Takes the next event; what it adds goes to `to`.
    pub fn event(&mut self, event: &Event, to: &mut Vec<Delta>) -> Result<(), Fault> {
        match self {
            Self::Chat(decoder) => decoder.event(event, to),
            Self::Responses(decoder) => decoder.event(event, to),
            Self::Messages(decoder) => decoder.event(event, to),
        }
    }

    /// Whether the last event has come.
    pub fn is_done(&self) -> bool {
        match self {
            Self::Chat(decoder) => decoder.is_done(),
            Self::Responses(decoder) => decoder.is_done(),
            Self::Messages(decoder) => decoder.is_done(),
        }
    }

    /// What the server has said so far of the tokens used: charged also when the answer breaks off.
    pub fn usage(&self) -> Option<Usage> {
        self.assembly().usage
    }

    /// What has come so far of the reply's tokens, estimated.
    pub fn arrived(&self) -> u64 {
        self.assembly().arrived as u64 / 3
    }

    fn assembly(&self) -> &Assembly {
        match self {
            Self::Chat(decoder) => &decoder.assembly,
            Self::Responses(decoder) => &decoder.assembly,
            Self::Messages(decoder) => &decoder.assembly,
        }
    }

    /// The reply, once the last event has come.
    pub fn finish(self) -> Result<Reply, Fault> {
        match self {
            Self::Chat(decoder) => decoder.finish(),
            Self::Responses(decoder) => decoder.finish(),
            Self::Messages(decoder) => decoder.finish(),
        }
    }
}

/// Reads JSON that a server sent.
pub fn json<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, Fault> {
    serde_json::from_str(text).map_err(|error| Fault::Garbled(format!("the server sent what is not expected: {error}")))
}

/// JSON that an agent wrote and that must be one object: a schema, arguments.
pub fn object<'a>(text: &'a str, what: &str) -> Result<&'a RawValue, Error> {
    let wrong = |why: String| Error::new(ErrorKind::Invalid, format!("{what} is not a JSON object: {why}"));
    let raw: &RawValue = serde_json::from_str(text).map_err(|error| wrong(error.to_string()))?;
    // Not `trim`: what serde_json accepts around a value are exactly these.
    if raw.get().trim_start_matches([' ', '\n', '\t', '\r']).starts_with('{') {
        Ok(raw)
    } else {
        Err(wrong("it is another kind of value".into()))
    }
}

/// What is kept in an opaque part: the provider's bytes, and whose they are. Sealed thinking is accepted only by
/// the model that made it, so it is left out when a conversation goes on with another one.
#[derive(Serialize, Deserialize)]
struct Sealed<'a> {
    of: std::borrow::Cow<'a, str>,
    #[serde(borrow)]
    part: &'a RawValue,
}

/// The provider's own bytes in an opaque part, if they may go back to this model over this protocol.
pub fn unsealed<'a>(opaque: &'a Opaque, protocol: Protocol, name: &str) -> Option<&'a RawValue> {
    if opaque.protocol != protocol.word() {
        return None;
    }
    let sealed: Sealed<'a> = serde_json::from_slice(&opaque.data).ok()?;
    (sealed.of == name).then_some(sealed.part)
}

/// How many parts a reply may have. A server that counts them up would otherwise fill memory with empty ones.
const MAX_PARTS: usize = 1_000;

/// A reply being put together.
#[derive(Debug)]
pub struct Assembly {
    protocol: Protocol,
    name: String,
    most_output: u32,
    context: u64,
    /// In order of first mention, by the key that the protocol uses.
    parts: Vec<(String, Building)>,
    /// The server's name of the model.
    pub model: String,
    /// What it said of the tokens.
    pub usage: Option<Usage>,
    arrived: usize,
}

/// A part that is not complete yet.
#[derive(Debug)]
pub enum Building {
    /// More text may come.
    Text(String),
    /// More of the arguments may come.
    #[expect(missing_docs, reason = "as in a tool call")]
    Call { id: String, name: String, arguments: String },
    /// The provider's own, as it came.
    Opaque(Box<RawValue>),
    /// Kept for its place; becomes something or nothing at its end.
    Pending(String, String),
}

impl Assembly {
    fn new(protocol: Protocol, prepared: &Prepared<'_>) -> Self {
        Self {
            protocol,
            name: prepared.name.into(),
            most_output: prepared.most_output,
            context: prepared.family.context,
            parts: Vec::new(),
            model: String::new(),
            usage: None,
            arrived: 0,
        }
    }

    /// The part with this key, begun as `begin` if it is new.
    pub fn part(&mut self, key: &str, begin: impl FnOnce() -> Building) -> Result<&mut Building, Fault> {
        let at = match self.parts.iter().position(|(known, _)| known == key) {
            Some(at) => at,
            None if self.parts.len() < MAX_PARTS => {
                self.parts.push((key.into(), begin()));
                self.parts.len() - 1
            }
            None => return Err(Fault::Garbled(format!("the reply has more than {MAX_PARTS} parts"))),
        };
        // Found or pushed above, so it is there; the fault is for a reader of the code, not for a server.
        self.parts.get_mut(at).map(|(_, part)| part).ok_or(Fault::Cut)
    }

    /// Adds to a text.
    pub fn text(&mut self, key: &str, more: &str, to: &mut Vec<Delta>) -> Result<(), Fault> {
        if more.is_empty() {
            return Ok(());
        }
        self.arrived += more.len();
        match self.part(key, || Building::Text(String::new()))? {
            Building::Text(text) => text.push_str(more),
            _ => return Err(Fault::Garbled("the server adds text to what is no text".into())),
        }
        to.push(Delta::Text(more.into()));
        Ok(())
    }

    /// Begins a call of a tool.
    pub fn call(&mut self, key: &str, id: &str, name: &str, to: &mut Vec<Delta>) -> Result<(), Fault> {
        let (id, name) = (id.to_owned(), name.to_owned());
        to.push(Delta::Call(name.clone()));
        self.part(key, || Building::Call { id, name, arguments: String::new() }).map(drop)
    }

    /// Adds to a call's arguments.
    pub fn arguments(&mut self, key: &str, more: &str, to: &mut Vec<Delta>) -> Result<(), Fault> {
        if more.is_empty() {
            return Ok(());
        }
        self.arrived += more.len();
        let none = || Building::Call { id: String::new(), name: String::new(), arguments: String::new() };
        match self.part(key, none)? {
            Building::Call { arguments, .. } => arguments.push_str(more),
            _ => return Err(Fault::Garbled("the server adds arguments to what is no tool call".into())),
        }
        to.push(Delta::Arguments(more.into()));
        Ok(())
    }

    /// Shows what the model thinks aloud.
    pub fn thinking(&mut self, more: &str, to: &mut Vec<Delta>) {
        self.arrived += more.len();
        if !more.is_empty() {
            to.push(Delta::Thinking(more.into()));
        }
    }

    /// Whether a tool is called.
    pub fn has_calls(&self) -> bool {
        self.parts.iter().any(|(_, part)| matches!(part, Building::Call { .. }))
    }

    /// The reply as the agent gets it.
    ///
    /// A call whose arguments are not one JSON object is dropped and named in `more`: `cut-call` when the reply was cut by a
    /// limit, which then says `length`, else `bad-call`. That is the model's mistake, and only the model can mend it: the
    /// same request would be answered in the same way.
    pub fn settle(self, stop: Stop) -> Result<Reply, Fault> {
        let mut more: More = Vec::new();
        let mut stop = self.stop(stop);
        let cut = matches!(stop, Stop::Length | Stop::ContextFull);
        let mut ids = BTreeMap::new();
        let mut parts = Vec::new();
        for (at, (_, part)) in self.parts.into_iter().enumerate() {
            match part {
                Building::Text(text) if text.is_empty() => {}
                Building::Text(text) => parts.push(Part::Text(text)),
                Building::Call { id, name, arguments } => {
                    let arguments = if arguments.trim().is_empty() { "{}".into() } else { arguments };
                    if name.is_empty() || object(&arguments, "").is_err() {
                        more.push((if cut { "cut-call" } else { "bad-call" }.into(), name));
                        continue;
                    }
                    parts.push(Part::ToolCall(ToolCall { id: unique(id, at, &mut ids), name, arguments }));
                }
                Building::Opaque(raw) => {
                    let sealed = Sealed { of: self.name.as_str().into(), part: &raw };
                    let data = serde_json::to_vec(&sealed).map_err(|error| Fault::Garbled(error.to_string()))?;
                    parts.push(Part::Opaque(Opaque { protocol: self.protocol.word().into(), data: data.into() }));
                }
                Building::Pending(..) => {}
            }
        }
        if stop == Stop::ToolCalls && !parts.iter().any(|part| matches!(part, Part::ToolCall(_))) {
            stop = Stop::End;
        }
        Ok(Reply { parts, stop, usage: self.usage.unwrap_or_default(), model: self.model, more })
    }

    /// The reason to stop, where the numbers know better than the server: llama.cpp says `stop` over two of the three
    /// protocols when a limit cut it, and `length` when the context was full.
    fn stop(&self, stop: Stop) -> Stop {
        let Some(usage) = self.usage else { return stop };
        let full = self.context > 0 && usage.input + usage.output >= self.context;
        match stop {
            Stop::Length if full => Stop::ContextFull,
            Stop::End if usage.output >= u64::from(self.most_output) => Stop::Length,
            stop => stop,
        }
    }
}

/// The id of a call; made up where the server gave none or the same one twice, since results are matched by it.
fn unique(id: String, at: usize, ids: &mut BTreeMap<String, ()>) -> String {
    let id = if id.is_empty() || ids.contains_key(&id) { format!("{id}call-{at}") } else { id };
    ids.insert(id.clone(), ());
    id
}

/// Checks what every protocol needs of a conversation, so that the agent hears of its mistake from us, in one form,
/// and before anything is paid.
pub fn check(request: &Request) -> Result<(), Error> {
    let wrong = |message: String| Err(Error::new(ErrorKind::Invalid, message));
    let Some(first) = request.messages.first() else { return wrong("the request has no messages".into()) };
    if first.role != Role::User {
        return wrong("the first message is the model's; a conversation begins with the user's".into());
    }
    let mut open: Vec<&str> = Vec::new();
    for (at, message) in request.messages.iter().enumerate() {
        let mut calls = Vec::new();
        for part in &message.parts {
            match (part, message.role) {
                (Part::ToolCall(call), Role::Assistant) => calls.push(call.id.as_str()),
                (Part::ToolResult(result), Role::User) => match open.iter().position(|id| *id == result.id) {
                    Some(at) => drop(open.swap_remove(at)),
                    None => return wrong(format!("message {at} answers the call `{}`, which is not open", result.id)),
                },
                (Part::ToolCall(_), Role::User) => {
                    return wrong(format!("message {at} is the user's and has a tool call"));
                }
                (Part::ToolResult(_), Role::Assistant) => {
                    return wrong(format!("message {at} is the model's and has a tool result"));
                }
                (Part::Text(_) | Part::Opaque(_), _) => {}
            }
        }
        if let Some(id) = open.first() {
            return wrong(format!(
                "message {at} leaves the call `{id}` without a result; all calls of a reply are answered in the one message after it"
            ));
        }
        open = calls;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
