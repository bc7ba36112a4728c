//! OpenAI's chat completions: what most servers, and all local ones, speak.
//!
//! Opaque parts are fields of a message that only some servers know: OpenRouter's `reasoning_details`, DeepSeek's
//! `reasoning_content`, Google's `extra_content` of a tool call, which signs it.

use orchestra_pit_core::call::Error;
use orchestra_pit_core::call::model::{Choice, Message, Part, Reply, Role, Stop, Usage};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::complaint::{Complaint, Said};
use super::sse::Event;
use super::wire::{Assembly, Building, Fault, Prepared, Protocol, json, object, unsealed};
use super::{Delta, family};

/// The body. Fields that stay the same stand before the messages and those that change after them.
#[derive(Serialize)]
pub struct Body<'a> {
    model: &'a str,
    stream: bool,
    stream_options: StreamOptions,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt_cache_key: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Tool<'a>>,
    messages: Vec<Turn<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<ToolChoice<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_format: Option<Format<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_effort: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u32>,
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
}

#[derive(Serialize)]
struct Tool<'a> {
    r#type: &'static str,
    function: Function<'a>,
}

#[derive(Serialize)]
struct Function<'a> {
    name: &'a str,
    description: &'a str,
    parameters: &'a RawValue,
}

#[derive(Serialize)]
#[serde(untagged)]
enum ToolChoice<'a> {
    Word(&'static str),
    Named { r#type: &'static str, function: Named<'a> },
}

#[derive(Serialize)]
struct Named<'a> {
    name: &'a str,
}

#[derive(Serialize)]
struct Format<'a> {
    r#type: &'static str,
    json_schema: Schema<'a>,
}

#[derive(Serialize)]
struct Schema<'a> {
    name: &'static str,
    schema: &'a RawValue,
    strict: bool,
}

#[derive(Serialize, Default)]
struct Turn<'a> {
    role: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_content: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_details: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<Call<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<&'a str>,
}

#[derive(Serialize)]
struct Call<'a> {
    id: &'a str,
    r#type: &'static str,
    function: Called<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extra_content: Option<&'a RawValue>,
}

#[derive(Serialize)]
struct Called<'a> {
    name: &'a str,
    arguments: &'a str,
}

/// A server's own fields, as an opaque part keeps them.
#[derive(Serialize, Deserialize, Default)]
struct Extra<'a> {
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    reasoning_content: Option<&'a RawValue>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    reasoning_details: Option<&'a RawValue>,
    /// For the call of this id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    call: Option<std::borrow::Cow<'a, str>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    extra_content: Option<&'a RawValue>,
}

/// Writes a request.
pub fn request<'a>(prepared: &Prepared<'a>) -> Result<Body<'a>, Error> {
    let Prepared { request, family, .. } = *prepared;
    let mut messages = Vec::new();
    if !request.system.is_empty() {
        messages.push(Turn { role: "system", content: Some(request.system.clone()), ..Turn::default() });
    }
    for message in &request.messages {
        turns(message, prepared, &mut messages);
    }
    let tools = request.tools.iter().map(|tool| {
        let parameters = object(&tool.parameters, &format!("the parameters of the tool `{}`", tool.name))?;
        let function = Function { name: &tool.name, description: &tool.description, parameters };
        Ok(Tool { r#type: "function", function })
    });
    let response_format = match &request.schema {
        Some(schema) if family.schema => Some(Format {
            r#type: "json_schema",
            json_schema: Schema { name: "reply", schema: object(schema, "the schema")?, strict: true },
        }),
        _ => None,
    };
    let limit = Some(prepared.most_output);
    let long = family.limit == family::Limit::MaxCompletionTokens;
    Ok(Body {
        model: prepared.model,
        stream: true,
        stream_options: StreamOptions { include_usage: true },
        prompt_cache_key: prepared.cache_key,
        tools: tools.collect::<Result<_, Error>>()?,
        messages,
        tool_choice: tool_choice(prepared),
        response_format,
        max_tokens: limit.filter(|_| !long),
        max_completion_tokens: limit.filter(|_| long),
        temperature: request.temperature.filter(|_| family.temperature),
        reasoning_effort: prepared.effort.filter(|_| family.effort),
        seed: family.seed(request),
    })
}

fn tool_choice<'a>(prepared: &Prepared<'a>) -> Option<ToolChoice<'a>> {
    if prepared.request.tools.is_empty() {
        return None;
    }
    match &prepared.request.choice {
        Choice::None => Some(ToolChoice::Word("none")),
        Choice::Required if prepared.family.forced_tools => Some(ToolChoice::Word("required")),
        Choice::Tool(name) if prepared.family.forced_tools => {
            Some(ToolChoice::Named { r#type: "function", function: Named { name } })
        }
        Choice::Automatic | Choice::Required | Choice::Tool(_) => None,
    }
}

/// One message is several here: each tool result is a message of its own, and they come before any text.
fn turns<'a>(message: &'a Message, prepared: &Prepared<'_>, to: &mut Vec<Turn<'a>>) {
    let mut text: Vec<&str> = Vec::new();
    let mut turn = Turn { role: "assistant", ..Turn::default() };
    for part in &message.parts {
        match part {
            Part::Text(more) => text.push(more),
            Part::ToolCall(call) => turn.tool_calls.push(Call {
                id: &call.id,
                r#type: "function",
                function: Called { name: &call.name, arguments: &call.arguments },
                extra_content: None,
            }),
            Part::ToolResult(result) => {
                let content =
                    if result.is_error { format!("error: {}", result.content) } else { result.content.clone() };
                let tool_call_id = Some(result.id.as_str());
                to.push(Turn { role: "tool", content: Some(content), tool_call_id, ..Turn::default() });
            }
            Part::Opaque(opaque) => {
                let raw = unsealed(opaque, Protocol::Chat, prepared.name);
                let Some(extra) = raw.and_then(|raw| serde_json::from_str::<Extra<'_>>(raw.get()).ok()) else {
                    continue;
                };
                turn.reasoning_content = extra.reasoning_content.or(turn.reasoning_content);
                turn.reasoning_details = extra.reasoning_details.or(turn.reasoning_details);
                let id = extra.call.as_deref().unwrap_or_default();
                if let Some(call) = turn.tool_calls.iter_mut().find(|call| call.id == id) {
                    call.extra_content = extra.extra_content;
                }
            }
        }
    }
    turn.content = (!text.is_empty()).then(|| text.join("\n\n"));
    if message.role == Role::User {
        turn.role = "user";
    }
    if turn.content.is_some() || !turn.tool_calls.is_empty() {
        to.push(turn);
    }
}

#[derive(Deserialize)]
struct Chunk<'a> {
    #[serde(default)]
    model: Option<String>,
    #[serde(borrow, default)]
    choices: Vec<Picked<'a>>,
    #[serde(default)]
    usage: Option<Tokens>,
    #[serde(default)]
    error: Option<Said>,
}

#[derive(Deserialize)]
struct Picked<'a> {
    #[serde(borrow, default)]
    delta: Option<More<'a>>,
    #[serde(default)]
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct More<'a> {
    #[serde(default)]
    content: Option<String>,
    #[serde(default)]
    refusal: Option<String>,
    #[serde(default)]
    reasoning_content: Option<String>,
    #[serde(default)]
    reasoning: Option<String>,
    #[serde(borrow, default)]
    reasoning_details: Option<Vec<&'a RawValue>>,
    #[serde(borrow, default)]
    tool_calls: Option<Vec<CallMore<'a>>>,
}

#[derive(Deserialize)]
struct CallMore<'a> {
    #[serde(default)]
    index: Option<u64>,
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    function: Option<FunctionMore>,
    #[serde(borrow, default)]
    extra_content: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct FunctionMore {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    arguments: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Tokens {
    prompt_tokens: u64,
    completion_tokens: u64,
    prompt_cache_hit_tokens: u64,
    prompt_tokens_details: Option<InputDetails>,
    completion_tokens_details: Option<OutputDetails>,
}

/// Of the input, what a cache had to do with. The same words in two protocols.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct InputDetails {
    pub cached_tokens: Option<u64>,
    pub cache_write_tokens: Option<u64>,
}

/// Of the output, what was reasoning.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct OutputDetails {
    pub reasoning_tokens: Option<u64>,
}

impl From<Tokens> for Usage {
    fn from(tokens: Tokens) -> Self {
        let input = tokens.prompt_tokens_details.unwrap_or_default();
        Self {
            input: tokens.prompt_tokens,
            cached_read: input.cached_tokens.unwrap_or(tokens.prompt_cache_hit_tokens),
            cache_write: input.cache_write_tokens.unwrap_or(0),
            output: tokens.completion_tokens,
            reasoning: tokens.completion_tokens_details.unwrap_or_default().reasoning_tokens.unwrap_or(0),
        }
    }
}

/// Reads an answer.
#[derive(Debug)]
pub struct Decoder {
    pub(super) assembly: Assembly,
    finish: Option<String>,
    done: bool,
    refused: bool,
    reasoning: String,
    details: Vec<Box<RawValue>>,
}

impl Decoder {
    pub(super) fn new(assembly: Assembly) -> Self {
        Self { assembly, finish: None, done: false, refused: false, reasoning: String::new(), details: Vec::new() }
    }

    pub(super) fn is_done(&self) -> bool {
        self.done
    }

    pub(super) fn event(&mut self, event: &Event, to: &mut Vec<Delta>) -> Result<(), Fault> {
        if event.data.trim() == "[DONE]" {
            self.done = true;
            return Ok(());
        }
        let chunk: Chunk<'_> = json(&event.data)?;
        if let Some(error) = chunk.error {
            return Err(Fault::Complaint(Complaint::said(None, error)));
        }
        if let Some(model) = chunk.model.filter(|model| !model.is_empty()) {
            self.assembly.model = model;
        }
        if let Some(usage) = chunk.usage {
            self.assembly.usage = Some(usage.into());
        }
        // One choice is asked for, and no more are read.
        let Some(picked) = chunk.choices.into_iter().next() else { return Ok(()) };
        if let Some(more) = picked.delta {
            self.more(more, to)?;
        }
        if picked.finish_reason.is_some() {
            self.finish = picked.finish_reason;
        }
        Ok(())
    }

    fn more(&mut self, more: More<'_>, to: &mut Vec<Delta>) -> Result<(), Fault> {
        if let Some(thought) = more.reasoning_content {
            self.reasoning.push_str(&thought);
            self.assembly.thinking(&thought, to);
        } else if let Some(thought) = more.reasoning {
            self.assembly.thinking(&thought, to);
        }
        self.details.extend(more.reasoning_details.into_iter().flatten().map(ToOwned::to_owned));
        if let Some(text) = more.content {
            self.assembly.text("text", &text, to)?;
        }
        if let Some(refusal) = more.refusal {
            self.refused = true;
            self.assembly.text("text", &refusal, to)?;
        }
        for call in more.tool_calls.into_iter().flatten() {
            let key = match (call.index, &call.id) {
                (Some(index), _) => format!("call {index}"),
                // A server that leaves the index out sends each call whole.
                (None, Some(id)) => format!("call {id}"),
                (None, None) => return Err(Fault::Garbled("a tool call has neither an index nor an id".into())),
            };
            let function = call.function.unwrap_or(FunctionMore { name: None, arguments: None });
            if let Some(name) = function.name.filter(|name| !name.is_empty()) {
                self.assembly.call(&key, call.id.as_deref().unwrap_or_default(), &name, to)?;
            }
            self.assembly.arguments(&key, &function.arguments.unwrap_or_default(), to)?;
            if let (Some(extra), Some(id)) = (call.extra_content, call.id) {
                let extra = Extra { call: Some(id.into()), extra_content: Some(extra), ..Extra::default() };
                self.opaque(&format!("{key} extra"), &extra)?;
            }
        }
        Ok(())
    }

    fn opaque(&mut self, key: &str, extra: &Extra<'_>) -> Result<(), Fault> {
        let extra = raw(extra)?;
        self.assembly.part(key, || Building::Opaque(extra)).map(drop)
    }

    pub(super) fn finish(mut self) -> Result<Reply, Fault> {
        let Some(finish) = self.finish.take() else { return Err(Fault::Cut) };
        if !self.reasoning.is_empty() || !self.details.is_empty() {
            let content = (!self.reasoning.is_empty()).then(|| raw(&self.reasoning)).transpose()?;
            let details = (!self.details.is_empty()).then(|| raw(&self.details)).transpose()?;
            let extra = Extra {
                reasoning_content: content.as_deref(),
                reasoning_details: details.as_deref(),
                ..Extra::default()
            };
            self.opaque("reasoning", &extra)?;
        }
        let stop = match finish.as_str() {
            _ if self.refused => Stop::Refused,
            "stop" if self.assembly.has_calls() => Stop::ToolCalls,
            "stop" | "eos" => Stop::End,
            "tool_calls" | "function_call" => Stop::ToolCalls,
            "length" => Stop::Length,
            "content_filter" => Stop::Refused,
            "error" => return Err(Fault::Garbled("the server ended the reply with an error".into())),
            other => Stop::Other(other.into()),
        };
        self.assembly.settle(stop)
    }
}

fn raw<T: Serialize>(value: &T) -> Result<Box<RawValue>, Fault> {
    serde_json::value::to_raw_value(value).map_err(|error| Fault::Garbled(error.to_string()))
}
