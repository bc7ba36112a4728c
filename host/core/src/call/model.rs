//! `model`: ask a language model.

use serde::{Deserialize, Serialize};

use super::{More, bytes::Bytes};

/// A call of `model`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Call {
    /// `model.ask`
    Ask(Request),
    /// `model.about`
    About(String),
}

impl Call {
    /// `model.function`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Ask(_) => "model.ask",
            Self::About(_) => "model.about",
        }
    }
}

/// What `model` answers.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Value {
    /// To `model.ask`.
    Reply(Reply),
    /// To `model.about`.
    About(About),
}

/// Who speaks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the words say it")]
pub enum Role {
    User,
    Assistant,
}

/// A part of a message.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// Plain text.
    Text(String),
    /// The model calls a tool.
    ToolCall(ToolCall),
    /// What the tool answered.
    ToolResult(ToolResult),
    /// The provider's own, returned as it came.
    Opaque(Opaque),
}

/// The model wants a tool called.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ToolCall {
    /// The model's own id for it.
    pub id: String,
    /// The tool.
    pub name: String,
    /// One JSON object.
    pub arguments: String,
}

/// The answer of a tool.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ToolResult {
    /// [`ToolCall::id`].
    pub id: String,
    /// For the model to read.
    pub content: String,
    /// Whether the tool failed.
    pub is_error: bool,
}

/// Something of the provider's that must be returned exactly as it came.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Opaque {
    /// `chat`, `responses` or `messages`; another protocol leaves it out.
    pub protocol: String,
    /// As it came.
    pub data: Bytes,
}

/// One message of the conversation.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// In order.
    pub parts: Vec<Part>,
}

/// A tool the model may call.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Tool {
    /// Unique in the request.
    pub name: String,
    /// For the model.
    pub description: String,
    /// A JSON Schema object.
    pub parameters: String,
}

/// Whether tools are called.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Choice {
    /// As the model likes.
    #[default]
    Automatic,
    /// None.
    None,
    /// At least one.
    Required,
    /// This one.
    Tool(String),
}

/// What is sent.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Request {
    /// An alias of the run, or empty for the agent's own.
    pub model: String,
    /// The system prompt.
    pub system: String,
    /// The conversation, oldest first.
    pub messages: Vec<Message>,
    /// What the model may call.
    pub tools: Vec<Tool>,
    /// Whether it must.
    pub choice: Choice,
    /// A JSON Schema for the text of the reply.
    pub schema: Option<String>,
    /// Tokens of the reply, at most.
    pub max_output: Option<u32>,
    /// 0 to 2; finite, checked where the guest's value comes in.
    pub temperature: Option<f32>,
    /// Further named values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub more: More,
}

/// Why the model stopped.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each is described once, in wit/model.wit")]
pub enum Stop {
    End,
    ToolCalls,
    Length,
    Refused,
    ContextFull,
    Other(String),
}

/// Tokens. `input` counts all that was sent, cached reads and writes included; `output` includes reasoning.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the words are those of wit/model.wit")]
pub struct Usage {
    pub input: u64,
    pub cached_read: u64,
    pub cache_write: u64,
    pub output: u64,
    pub reasoning: u64,
}

/// What came back.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Reply {
    /// In order.
    pub parts: Vec<Part>,
    /// Why it ended.
    pub stop: Stop,
    /// What it used, as the server counted, or as the host estimated where the server did not say (then `more` says so).
    pub usage: Usage,
    /// The name that the server gave.
    pub model: String,
    /// Further named values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub more: More,
}

/// What is known of a model.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct About {
    /// `provider/model`.
    pub name: String,
    /// The family it belongs to.
    pub family: String,
    /// Tokens that request and reply may have together.
    pub context: u64,
    /// Tokens of a reply at most.
    pub max_output: u64,
    /// Further named values: `edits` is the shape of edits it writes best (`str_replace`, `apply_patch`,
    /// `search_replace`, `envelope`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub more: More,
}
