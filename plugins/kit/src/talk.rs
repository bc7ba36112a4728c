//! A conversation that only grows, until it must be made to fit.
//!
//! What was sent once stays as it is to the byte, at the same place, so that the provider's cache of the prefix holds
//! from turn to turn. Only [`Talk::compact`] breaks that, and it keeps the first message's first part even so.
//!
//! A call and its result are never parted: a reply and the one message after it, which has the results of all its
//! calls, go or stay together. Parts that are the provider's own are kept as they came.

mod compact;
pub mod saved;
#[cfg(test)]
mod tests;

use orchestra_pit_sdk::model::{Message, Part, Role, ToolCall, ToolResult};

/// What a message costs beside its text: the provider's own marks, in bytes.
const OVERHEAD: u64 = 24;

/// Thousandths of a token for a byte, until a reply says how many there were: code has about three bytes a token.
const USUAL: u64 = 334;

/// A conversation: a user's message, a model's, a user's, …, beginning with the task.
#[derive(Clone, PartialEq, Debug)]
pub struct Talk {
    messages: Vec<Message>,
    /// What was left out, a line for each thing.
    log: Vec<String>,
    /// What people said, by the message it is in: it outlives the message.
    standing: Vec<(usize, String)>,
    /// What people said in messages that were left out.
    carried: Vec<String>,
    /// Thousandths of a token for a byte.
    rate: u64,
}

impl Talk {
    /// A conversation that begins with this.
    pub fn new(first: impl Into<String>) -> Self {
        let messages = vec![Message::user(first)];
        Self { messages, log: Vec::new(), standing: Vec::new(), carried: Vec::new(), rate: USUAL }
    }

    /// The messages, oldest first. The last is a user's whenever the model may be asked.
    pub fn messages(&self) -> &[Message] {
        &self.messages
    }

    /// The replies so far that are still there.
    pub fn replies(&self) -> usize {
        self.messages.iter().filter(|message| message.role == Role::Assistant).count()
    }

    /// Tells the model something, in the message that goes out next.
    pub fn tell(&mut self, text: impl Into<String>) {
        let part = Part::Text(text.into());
        match self.messages.last_mut() {
            Some(last) if last.role == Role::User => last.parts.push(part),
            _ => self.results(Vec::new(), Some(part)),
        }
    }

    /// Tells the model something that a person said: a compaction keeps it word for word.
    pub fn tell_standing(&mut self, text: impl Into<String>) {
        let text = text.into();
        self.tell(text.clone());
        self.standing.push((self.messages.len().saturating_sub(1), text));
    }

    /// Takes in a reply, all its parts as they came.
    pub fn reply(&mut self, parts: &[Part]) {
        let mut parts = parts.to_vec();
        if parts.is_empty() {
            // No provider takes a message without parts.
            parts.push(Part::Text("(no answer)".to_owned()));
        }
        self.messages.push(Message::assistant(parts));
    }

    /// Answers the calls of the last reply, all in one message. A call without a result here is answered too: no
    /// provider takes a call that is left open.
    pub fn answer(&mut self, results: Vec<ToolResult>) {
        self.results(results, None);
    }

    fn results(&mut self, results: Vec<ToolResult>, then: Option<Part>) {
        let calls = self.messages.last().into_iter().flat_map(calls);
        let mut parts: Vec<Part> = calls
            .map(|call| {
                let given = results.iter().find(|result| result.id == call.id).cloned();
                given.unwrap_or_else(|| ToolResult {
                    id: call.id.clone(),
                    content: "not carried out".to_owned(),
                    is_error: true,
                })
            })
            .map(Part::ToolResult)
            .collect();
        parts.extend(then);
        if !parts.is_empty() {
            self.messages.push(Message { role: Role::User, parts, more: Vec::new() });
        }
    }

    /// Learns from what a server counted: the tokens of a request that had so many bytes.
    pub fn measured(&mut self, bytes: u64, tokens: u64) {
        if bytes > 0 && tokens > 0 {
            // Outside these bounds the count is about something else than text.
            self.rate = (tokens.saturating_mul(1000) / bytes).clamp(100, 1000);
        }
    }

    /// Bytes of all messages.
    pub fn bytes(&self) -> u64 {
        self.messages.iter().map(weight).sum()
    }

    /// About how many tokens so many bytes are.
    pub fn tokens_of(&self, bytes: u64) -> u64 {
        bytes.saturating_mul(self.rate).div_ceil(1000)
    }

    /// About how many bytes so many tokens are.
    pub fn bytes_of(&self, tokens: u64) -> u64 {
        tokens.saturating_mul(1000) / self.rate.max(1)
    }
}

/// The calls of a message.
pub fn calls(message: &Message) -> impl Iterator<Item = &ToolCall> {
    message.parts.iter().filter_map(|part| if let Part::ToolCall(call) = part { Some(call) } else { None })
}

/// Bytes of a message.
pub fn weight(message: &Message) -> u64 {
    let parts = message.parts.iter().map(|part| {
        OVERHEAD
            + match part {
                Part::Text(text) => long(text),
                Part::ToolCall(call) => long(&call.id) + long(&call.name) + long(&call.arguments),
                Part::ToolResult(result) => long(&result.id) + long(&result.content),
                Part::Opaque(opaque) => u64::try_from(opaque.data.len()).unwrap_or(u64::MAX),
                Part::Other((name, value)) => long(name) + long(value),
            }
    });
    OVERHEAD + parts.sum::<u64>()
}

fn long(text: &str) -> u64 {
    u64::try_from(text.len()).unwrap_or(u64::MAX)
}
