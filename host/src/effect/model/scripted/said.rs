//! A request as a script looks at it: who asks, at which turn, and the texts to search.

use orchestra_pit_core::call::model::{Message, Part, Request, Role};

/// What of a request the matchers of a script can see.
pub(super) struct Said<'a> {
    who: &'a str,
    request: &'a Request,
    first: String,
    last: String,
    all: String,
    turn: usize,
}

impl<'a> Said<'a> {
    pub fn of(who: &'a str, request: &'a Request) -> Self {
        let last_reply = request.messages.iter().rposition(|message| message.role == Role::Assistant);
        let since = request.messages.get(last_reply.map_or(0, |at| at + 1)..).unwrap_or_default();
        Self {
            who,
            request,
            first: request.messages.first().map(|message| texts(std::slice::from_ref(message))).unwrap_or_default(),
            last: texts(since),
            all: texts(&request.messages),
            turn: 1 + request.messages.iter().filter(|message| message.role == Role::Assistant).count(),
        }
    }

    /// The agent.
    pub fn who(&self) -> &str {
        self.who
    }

    /// The alias that was asked for.
    pub fn model(&self) -> &str {
        &self.request.model
    }

    /// The system prompt.
    pub fn system(&self) -> &str {
        &self.request.system
    }

    /// The first message.
    pub fn first(&self) -> &str {
        &self.first
    }

    /// All that came after the last reply.
    pub fn last(&self) -> &str {
        &self.last
    }

    /// Every message.
    pub fn all(&self) -> &str {
        &self.all
    }

    /// One more than the replies that the request already holds.
    pub fn turn(&self) -> usize {
        self.turn
    }

    /// Whether the model may call this tool.
    pub fn offers(&self, tool: &str) -> bool {
        self.request.tools.iter().any(|offered| offered.name == tool)
    }

    /// The tools the model may call, for people.
    pub fn tools(&self) -> String {
        match self.request.tools.as_slice() {
            [] => "none".into(),
            tools => tools.iter().map(|tool| tool.name.as_str()).collect::<Vec<_>>().join(", "),
        }
    }
}

fn texts(messages: &[Message]) -> String {
    let mut all = String::new();
    for part in messages.iter().flat_map(|message| &message.parts) {
        match part {
            Part::Text(text) => all.push_str(text),
            Part::ToolResult(result) => all.push_str(&result.content),
            Part::ToolCall(call) => {
                all.push_str(&call.name);
                all.push(' ');
                all.push_str(&call.arguments);
            }
            Part::Opaque(_) => continue,
        }
        all.push('\n');
    }
    all
}

/// A text as an error quotes it: its first four hundred bytes, escaped.
pub(super) fn quoted(text: &str) -> String {
    const MOST: usize = 400;
    let text = text.trim_end();
    if text.len() <= MOST {
        return format!("{text:?}");
    }
    let head = text.get(..text.floor_char_boundary(MOST)).unwrap_or_default();
    format!("{head:?}… ({} bytes)", text.len())
}
