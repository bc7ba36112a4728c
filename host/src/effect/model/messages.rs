//! Anthropic's messages. The host marks what is worth caching: the tools, the system prompt, and the last two messages
//! of the user, so that each request finds what the one before it wrote.

use orchestra_pit_core::call::Error;
use orchestra_pit_core::call::model::{Choice, Message, Part, Reply, Role, Stop, Usage};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::Delta;
use super::complaint::{Complaint, Said};
use super::family::Thinking;
use super::sse::Event;
use super::wire::{Assembly, Building, Fault, Prepared, Protocol, json, object, unsealed};

/// The body. Fields that stay the same stand before the messages and those that change after them.
#[derive(Serialize)]
pub struct Body<'a> {
    model: &'a str,
    stream: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Tool<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    system: Vec<Block<'a>>,
    messages: Vec<Turn<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<ToolChoice<'a>>,
    max_tokens: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking: Option<ThinkingMode>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_config: Option<OutputConfig<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u32>,
}

#[derive(Serialize, Clone, Copy)]
struct Mark {
    r#type: &'static str,
}

const MARK: Mark = Mark { r#type: "ephemeral" };

#[derive(Serialize)]
struct Tool<'a> {
    name: &'a str,
    description: &'a str,
    input_schema: &'a RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_control: Option<Mark>,
}

#[derive(Serialize)]
struct ToolChoice<'a> {
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
}

#[derive(Serialize)]
struct ThinkingMode {
    r#type: &'static str,
    /// Without it the newest models send their thinking sealed only, and people would watch silence.
    display: &'static str,
}

#[derive(Serialize)]
struct OutputConfig<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    effort: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<Format<'a>>,
}

#[derive(Serialize)]
struct Format<'a> {
    r#type: &'static str,
    schema: &'a RawValue,
}

#[derive(Serialize)]
struct Turn<'a> {
    role: &'static str,
    content: Vec<Block<'a>>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Block<'a> {
    Text {
        r#type: &'static str,
        text: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<Mark>,
    },
    Use {
        r#type: &'static str,
        id: &'a str,
        name: &'a str,
        input: &'a RawValue,
    },
    Result {
        r#type: &'static str,
        tool_use_id: &'a str,
        content: &'a str,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        is_error: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<Mark>,
    },
    Opaque(&'a RawValue),
}

impl Block<'_> {
    fn mark(&mut self) {
        if let Self::Text { cache_control, .. } | Self::Result { cache_control, .. } = self {
            *cache_control = Some(MARK);
        }
    }
}

/// Writes a request.
pub fn request<'a>(prepared: &Prepared<'a>) -> Result<Body<'a>, Error> {
    let Prepared { request, family, .. } = *prepared;
    let tools = request.tools.iter().map(|tool| {
        let input_schema = object(&tool.parameters, &format!("the parameters of the tool `{}`", tool.name))?;
        Ok(Tool { name: &tool.name, description: &tool.description, input_schema, cache_control: None })
    });
    let mut tools: Vec<Tool<'_>> = tools.collect::<Result<_, Error>>()?;
    if let Some(last) = tools.last_mut() {
        last.cache_control = Some(MARK);
    }
    let system = match request.system.as_str() {
        "" => Vec::new(),
        text => vec![Block::Text { r#type: "text", text, cache_control: Some(MARK) }],
    };
    let turns = request.messages.iter().map(|message| turn(message, prepared));
    let mut messages: Vec<Turn<'_>> = turns.collect::<Result<_, Error>>()?;
    messages.retain(|turn| !turn.content.is_empty());
    for turn in messages.iter_mut().rev().filter(|turn| turn.role == "user").take(2) {
        if let Some(last) = turn.content.last_mut() {
            last.mark();
        }
    }
    let schema = request.schema.as_deref().filter(|_| family.schema);
    let schema = schema.map(|schema| object(schema, "the schema")).transpose()?;
    let format = schema.map(|schema| Format { r#type: "json_schema", schema });
    let config = OutputConfig { effort: prepared.effort.filter(|_| family.effort), format };
    Ok(Body {
        model: prepared.model,
        stream: true,
        tool_choice: tool_choice(prepared),
        tools,
        system,
        messages,
        max_tokens: prepared.most_output,
        temperature: request.temperature.filter(|_| family.temperature),
        thinking: (family.thinking == Thinking::Adaptive)
            .then_some(ThinkingMode { r#type: "adaptive", display: "summarized" }),
        output_config: (config.effort.is_some() || config.format.is_some()).then_some(config),
        seed: family.seed(request),
    })
}

fn tool_choice<'a>(prepared: &Prepared<'a>) -> Option<ToolChoice<'a>> {
    if prepared.request.tools.is_empty() {
        return None;
    }
    match &prepared.request.choice {
        Choice::None => Some(ToolChoice { r#type: "none", name: None }),
        Choice::Required if prepared.family.forced_tools => Some(ToolChoice { r#type: "any", name: None }),
        Choice::Tool(name) if prepared.family.forced_tools => Some(ToolChoice { r#type: "tool", name: Some(name) }),
        Choice::Automatic | Choice::Required | Choice::Tool(_) => None,
    }
}

fn turn<'a>(message: &'a Message, prepared: &Prepared<'_>) -> Result<Turn<'a>, Error> {
    let mut content = Vec::new();
    for part in &message.parts {
        match part {
            // An empty text is refused by the server, and says nothing.
            Part::Text(text) if text.trim().is_empty() => {}
            Part::Text(text) => content.push(Block::Text { r#type: "text", text, cache_control: None }),
            Part::ToolCall(call) => content.push(Block::Use {
                r#type: "tool_use",
                id: &call.id,
                name: &call.name,
                input: object(&call.arguments, &format!("the arguments of the call `{}`", call.id))?,
            }),
            Part::ToolResult(result) => content.push(Block::Result {
                r#type: "tool_result",
                tool_use_id: &result.id,
                content: &result.content,
                is_error: result.is_error,
                cache_control: None,
            }),
            Part::Opaque(opaque) => {
                content.extend(unsealed(opaque, Protocol::Messages, prepared.name).map(Block::Opaque));
            }
        }
    }
    let role = match message.role {
        // Results come first: the server wants them right after the calls.
        Role::User => {
            content.sort_by_key(|block| !matches!(block, Block::Result { .. }));
            "user"
        }
        Role::Assistant => "assistant",
    };
    Ok(Turn { role, content })
}

#[derive(Deserialize)]
struct Happening<'a> {
    #[serde(default)]
    r#type: String,
    #[serde(default)]
    message: Option<Start>,
    #[serde(default)]
    index: u64,
    #[serde(borrow, default)]
    content_block: Option<&'a RawValue>,
    #[serde(default)]
    delta: Option<More>,
    #[serde(default)]
    usage: Option<Tokens>,
    #[serde(default)]
    error: Option<Said>,
}

#[derive(Deserialize)]
struct Start {
    #[serde(default)]
    model: String,
    #[serde(default)]
    usage: Option<Tokens>,
}

#[derive(Deserialize)]
struct Begun {
    #[serde(default)]
    r#type: String,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    thinking: Option<String>,
    #[serde(default)]
    signature: Option<String>,
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    input: Option<serde_json::Map<String, serde_json::Value>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct More {
    text: Option<String>,
    partial_json: Option<String>,
    thinking: Option<String>,
    signature: Option<String>,
    stop_reason: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Tokens {
    input_tokens: Option<u64>,
    cache_creation_input_tokens: Option<u64>,
    cache_read_input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    output_tokens_details: Option<ThinkingTokens>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ThinkingTokens {
    thinking_tokens: Option<u64>,
}

/// Signed thinking as it goes back. The fields and their contents are the server's; there is no other form of them,
/// as they arrive in deltas.
#[derive(Serialize)]
struct Signed<'a> {
    r#type: &'static str,
    thinking: &'a str,
    signature: &'a str,
}

/// Reads an answer.
#[derive(Debug)]
pub struct Decoder {
    pub(super) assembly: Assembly,
    /// The counts as said so far: each event repeats some of them, and the last word counts.
    fresh: u64,
    written: u64,
    read: u64,
    stop: Option<Stop>,
    done: bool,
}

impl Decoder {
    pub(super) fn new(assembly: Assembly) -> Self {
        Self { assembly, fresh: 0, written: 0, read: 0, stop: None, done: false }
    }

    pub(super) fn is_done(&self) -> bool {
        self.done
    }

    pub(super) fn event(&mut self, event: &Event, to: &mut Vec<Delta>) -> Result<(), Fault> {
        let happening: Happening<'_> = json(&event.data)?;
        let key = happening.index.to_string();
        match happening.r#type.as_str() {
            "message_start" => {
                if let Some(start) = happening.message {
                    self.assembly.model = start.model;
                    self.count(start.usage);
                }
                Ok(())
            }
            "content_block_start" => self.begin(&key, happening.content_block, to),
            "content_block_delta" => self.more(&key, happening.delta.unwrap_or_default(), to),
            "content_block_stop" => self.seal(&key),
            "message_delta" => {
                self.count(happening.usage);
                if let Some(reason) = happening.delta.and_then(|delta| delta.stop_reason) {
                    self.stop = Some(stop(reason));
                }
                Ok(())
            }
            "message_stop" => {
                self.done = true;
                Ok(())
            }
            "error" => Err(Fault::Complaint(Complaint::said(None, happening.error.unwrap_or_default()))),
            // Pings, and what the provider adds: clients are asked to pass over what they do not know.
            _ => Ok(()),
        }
    }

    fn count(&mut self, tokens: Option<Tokens>) {
        let Some(tokens) = tokens else { return };
        self.fresh = tokens.input_tokens.unwrap_or(self.fresh);
        self.written = tokens.cache_creation_input_tokens.unwrap_or(self.written);
        self.read = tokens.cache_read_input_tokens.unwrap_or(self.read);
        let before = self.assembly.usage.unwrap_or_default();
        self.assembly.usage = Some(Usage {
            input: self.fresh.saturating_add(self.written).saturating_add(self.read),
            cached_read: self.read,
            cache_write: self.written,
            output: tokens.output_tokens.unwrap_or(before.output),
            reasoning: tokens
                .output_tokens_details
                .and_then(|details| details.thinking_tokens)
                .unwrap_or(before.reasoning),
        });
    }

    fn begin(&mut self, key: &str, raw: Option<&RawValue>, to: &mut Vec<Delta>) -> Result<(), Fault> {
        let Some(raw) = raw else { return Err(Fault::Garbled("a block is announced without it".into())) };
        let begun: Begun = json(raw.get())?;
        match begun.r#type.as_str() {
            "text" => {
                self.assembly.part(key, || Building::Text(String::new()))?;
                self.assembly.text(key, &begun.text.unwrap_or_default(), to)
            }
            "tool_use" => {
                let (id, name) = (begun.id.unwrap_or_default(), begun.name.unwrap_or_default());
                self.assembly.call(key, &id, &name, to)?;
                // Empty when arguments follow in deltas; some servers send them whole instead.
                match begun.input.filter(|input| !input.is_empty()) {
                    Some(input) => self.assembly.arguments(key, &serde_json::Value::Object(input).to_string(), to),
                    None => Ok(()),
                }
            }
            "thinking" => {
                let (thinking, signature) = (begun.thinking.unwrap_or_default(), begun.signature.unwrap_or_default());
                self.assembly.thinking(&thinking, to);
                self.assembly.part(key, || Building::Pending(thinking, signature)).map(drop)
            }
            // Redacted thinking comes whole; whatever else there may be is kept as it came.
            _ => {
                let raw = raw.to_owned();
                self.assembly.part(key, || Building::Opaque(raw)).map(drop)
            }
        }
    }

    fn more(&mut self, key: &str, more: More, to: &mut Vec<Delta>) -> Result<(), Fault> {
        if let Some(text) = more.text {
            self.assembly.text(key, &text, to)?;
        }
        if let Some(json) = more.partial_json {
            self.assembly.arguments(key, &json, to)?;
        }
        if let Some(thought) = &more.thinking {
            self.assembly.thinking(thought, to);
        }
        if more.thinking.is_some() || more.signature.is_some() {
            let part = self.assembly.part(key, || Building::Pending(String::new(), String::new()))?;
            if let Building::Pending(thinking, signature) = part {
                thinking.push_str(&more.thinking.unwrap_or_default());
                signature.push_str(&more.signature.unwrap_or_default());
            }
        }
        Ok(())
    }

    /// Thinking is complete, and worth returning, once it is signed.
    fn seal(&mut self, key: &str) -> Result<(), Fault> {
        let part = self.assembly.part(key, || Building::Pending(String::new(), String::new()))?;
        let Building::Pending(thinking, signature) = part else { return Ok(()) };
        if !signature.is_empty() {
            let signed = Signed { r#type: "thinking", thinking, signature };
            let raw = serde_json::value::to_raw_value(&signed).map_err(|error| Fault::Garbled(error.to_string()))?;
            *part = Building::Opaque(raw);
        }
        Ok(())
    }

    pub(super) fn finish(self) -> Result<Reply, Fault> {
        match self.stop {
            Some(stop) if self.done => self.assembly.settle(stop),
            _ => Err(Fault::Cut),
        }
    }
}

fn stop(reason: String) -> Stop {
    match reason.as_str() {
        "end_turn" | "stop_sequence" => Stop::End,
        "tool_use" => Stop::ToolCalls,
        "max_tokens" => Stop::Length,
        "refusal" => Stop::Refused,
        "model_context_window_exceeded" => Stop::ContextFull,
        _ => Stop::Other(reason),
    }
}
