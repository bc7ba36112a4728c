//! Ask a language model. The key and the address stay with the host.

use crate::Result;
use crate::bindings::pit::agent::model as host;

pub use host::{Choice, Details, Message, Opaque, Part, Reply, Request, Role, Stop, Tool, ToolCall, ToolResult, Usage};

/// Sends the conversation and waits for the whole reply.
///
/// Costs the tokens of the reply's usage; the most it can cost is held before it is sent.
///
/// # Errors
/// `unavailable` after the host's own retries, `refused`, `context-full`, `not-found` for an alias the run does not have.
pub fn ask(request: &Request) -> Result<Reply> {
    Ok(host::ask(request)?)
}

/// What is known of a model, by its alias; empty is the agent's own. Free.
///
/// # Errors
/// `not-found`.
pub fn about(model: &str) -> Result<Details> {
    Ok(host::about(model)?)
}

impl Request {
    /// One question to the agent's own model.
    pub fn new(question: impl Into<String>) -> Self {
        Request { messages: vec![Message::user(question)], ..Request::default() }
    }
}

impl Message {
    /// The agent's words.
    pub fn user(text: impl Into<String>) -> Self {
        Message { role: Role::User, parts: vec![Part::Text(text.into())], more: Vec::new() }
    }

    /// The model's words, to be shown to it again.
    pub fn assistant(parts: Vec<Part>) -> Self {
        Message { role: Role::Assistant, parts, more: Vec::new() }
    }

    /// The results of all calls of one reply: they go together into the one message after it.
    pub fn results(results: impl IntoIterator<Item = ToolResult>) -> Self {
        Message { role: Role::User, parts: results.into_iter().map(Part::ToolResult).collect(), more: Vec::new() }
    }
}

impl Reply {
    /// The text of all its parts.
    pub fn text(&self) -> String {
        let texts =
            self.parts.iter().filter_map(|part| if let Part::Text(text) = part { Some(text.as_str()) } else { None });
        texts.collect()
    }

    /// The tools it wants called, in its order. Each wants a result under its id.
    pub fn calls(&self) -> impl Iterator<Item = &ToolCall> {
        self.parts.iter().filter_map(|part| if let Part::ToolCall(call) = part { Some(call) } else { None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_gives_its_text_and_its_calls_apart() {
        let call = ToolCall { id: "1".into(), name: "view".into(), arguments: "{}".into() };
        let usage = Usage { input: 1, cached_read: 0, cache_write: 0, output: 1, reasoning: 0, more: Vec::new() };
        let parts = vec![Part::Text("a".into()), Part::ToolCall(call.clone()), Part::Text("b".into())];
        let reply = Reply { parts, stop: Stop::ToolCalls, usage, model: "m".into(), more: Vec::new() };
        assert_eq!(reply.text(), "ab");
        assert_eq!(reply.calls().collect::<Vec<_>>(), [&call]);
    }
}
