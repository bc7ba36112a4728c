//! OpenAI's responses. Nothing is stored at the server: reasoning comes sealed and goes back as it came.

use orchestra_pit_core::call::Error;
use orchestra_pit_core::call::model::{Choice, Message, Part, Reply, Role, Stop, Usage};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::Delta;
use super::chat::{InputDetails, OutputDetails};
use super::complaint::{Complaint, Said};
use super::sse::Event;
use super::wire::{Assembly, Building, Fault, Prepared, Protocol, json, object, unsealed};

/// The body. Fields that stay the same stand before the input and those that change after it.
#[derive(Serialize)]
pub struct Body<'a> {
    model: &'a str,
    stream: bool,
    store: bool,
    include: [&'static str; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt_cache_key: Option<&'a str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    instructions: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Tool<'a>>,
    input: Vec<Item<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<ToolChoice<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<Text<'a>>,
    max_output_tokens: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning: Option<Reasoning<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u32>,
}

#[derive(Serialize)]
struct Tool<'a> {
    r#type: &'static str,
    name: &'a str,
    description: &'a str,
    parameters: &'a RawValue,
    strict: bool,
}

#[derive(Serialize)]
#[serde(untagged)]
enum ToolChoice<'a> {
    Word(&'static str),
    Named { r#type: &'static str, name: &'a str },
}

#[derive(Serialize)]
struct Text<'a> {
    format: Format<'a>,
}

#[derive(Serialize)]
struct Format<'a> {
    r#type: &'static str,
    name: &'static str,
    schema: &'a RawValue,
    strict: bool,
}

#[derive(Serialize)]
struct Reasoning<'a> {
    effort: &'a str,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Item<'a> {
    Message { r#type: &'static str, role: &'static str, content: Vec<Content<'a>> },
    Call { r#type: &'static str, call_id: &'a str, name: &'a str, arguments: &'a str },
    Output { r#type: &'static str, call_id: &'a str, output: String },
    Opaque(&'a RawValue),
}

#[derive(Serialize)]
struct Content<'a> {
    r#type: &'static str,
    text: &'a str,
}

/// Writes a request.
pub fn request<'a>(prepared: &Prepared<'a>) -> Result<Body<'a>, Error> {
    let Prepared { request, family, .. } = *prepared;
    let tools = request.tools.iter().map(|tool| {
        let parameters = object(&tool.parameters, &format!("the parameters of the tool `{}`", tool.name))?;
        // Strict would refuse schemas with optional fields, which most tools have.
        Ok(Tool { r#type: "function", name: &tool.name, description: &tool.description, parameters, strict: false })
    });
    let text = match &request.schema {
        Some(schema) if family.schema => Some(Text {
            format: Format {
                r#type: "json_schema",
                name: "reply",
                schema: object(schema, "the schema")?,
                strict: true,
            },
        }),
        _ => None,
    };
    let tool_choice = match &request.choice {
        _ if request.tools.is_empty() => None,
        Choice::None => Some(ToolChoice::Word("none")),
        Choice::Required if family.forced_tools => Some(ToolChoice::Word("required")),
        Choice::Tool(name) if family.forced_tools => Some(ToolChoice::Named { r#type: "function", name }),
        Choice::Automatic | Choice::Required | Choice::Tool(_) => None,
    };
    Ok(Body {
        model: prepared.model,
        stream: true,
        store: false,
        include: ["reasoning.encrypted_content"],
        prompt_cache_key: prepared.cache_key,
        instructions: &request.system,
        tools: tools.collect::<Result<_, Error>>()?,
        input: request.messages.iter().flat_map(|message| items(message, prepared)).collect(),
        tool_choice,
        text,
        max_output_tokens: prepared.most_output,
        temperature: request.temperature.filter(|_| family.temperature),
        reasoning: prepared.effort.filter(|_| family.effort).map(|effort| Reasoning { effort }),
        seed: family.seed(request),
    })
}

fn items<'a>(message: &'a Message, prepared: &Prepared<'_>) -> Vec<Item<'a>> {
    let (role, kind) = match message.role {
        Role::User => ("user", "input_text"),
        Role::Assistant => ("assistant", "output_text"),
    };
    let mut items: Vec<Item<'a>> = Vec::new();
    for part in &message.parts {
        match part {
            Part::Text(text) => {
                let content = Content { r#type: kind, text };
                match items.last_mut() {
                    Some(Item::Message { content: before, .. }) => before.push(content),
                    _ => items.push(Item::Message { r#type: "message", role, content: vec![content] }),
                }
            }
            Part::ToolCall(call) => items.push(Item::Call {
                r#type: "function_call",
                call_id: &call.id,
                name: &call.name,
                arguments: &call.arguments,
            }),
            Part::ToolResult(result) => {
                let output =
                    if result.is_error { format!("error: {}", result.content) } else { result.content.clone() };
                items.push(Item::Output { r#type: "function_call_output", call_id: &result.id, output });
            }
            Part::Opaque(opaque) => {
                items.extend(unsealed(opaque, Protocol::Responses, prepared.name).map(Item::Opaque));
            }
        }
    }
    items
}

#[derive(Deserialize)]
struct Happening<'a> {
    #[serde(default)]
    r#type: String,
    #[serde(default)]
    output_index: Option<u64>,
    #[serde(default)]
    item_id: Option<String>,
    #[serde(default)]
    delta: Option<String>,
    #[serde(borrow, default)]
    item: Option<&'a RawValue>,
    #[serde(default)]
    response: Option<Response>,
    #[serde(default)]
    error: Option<Said>,
    #[serde(default)]
    code: Option<serde_json::Value>,
    #[serde(default)]
    message: Option<String>,
}

#[derive(Deserialize)]
struct OutputItem {
    #[serde(default)]
    r#type: String,
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    call_id: Option<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    arguments: Option<String>,
}

#[derive(Deserialize)]
struct Response {
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    usage: Option<Tokens>,
    #[serde(default)]
    error: Option<Said>,
    #[serde(default)]
    incomplete_details: Option<Incomplete>,
}

#[derive(Deserialize)]
struct Incomplete {
    #[serde(default)]
    reason: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Tokens {
    input_tokens: u64,
    output_tokens: u64,
    input_tokens_details: Option<InputDetails>,
    output_tokens_details: Option<OutputDetails>,
}

impl From<Tokens> for Usage {
    fn from(tokens: Tokens) -> Self {
        let input = tokens.input_tokens_details.unwrap_or_default();
        Self {
            input: tokens.input_tokens,
            cached_read: input.cached_tokens.unwrap_or(0),
            cache_write: input.cache_write_tokens.unwrap_or(0),
            output: tokens.output_tokens,
            reasoning: tokens.output_tokens_details.unwrap_or_default().reasoning_tokens.unwrap_or(0),
        }
    }
}

/// Reads an answer.
#[derive(Debug)]
pub struct Decoder {
    pub(super) assembly: Assembly,
    stop: Option<Stop>,
    refused: bool,
}

impl Decoder {
    pub(super) fn new(assembly: Assembly) -> Self {
        Self { assembly, stop: None, refused: false }
    }

    pub(super) fn is_done(&self) -> bool {
        self.stop.is_some()
    }

    pub(super) fn event(&mut self, event: &Event, to: &mut Vec<Delta>) -> Result<(), Fault> {
        if event.data.trim() == "[DONE]" {
            return Ok(());
        }
        let happening: Happening<'_> = json(&event.data)?;
        // llama.cpp counts no items; there an item's own id finds it again.
        let key = match (happening.output_index, &happening.item_id) {
            (Some(index), _) => Some(format!("item {index}")),
            (None, id) => id.clone(),
        };
        let more = happening.delta.unwrap_or_default();
        match happening.r#type.as_str() {
            "response.output_item.added" | "response.output_item.done" => {
                let done = happening.r#type.ends_with("done");
                self.item(happening.item, key, done, to)
            }
            "response.output_text.delta" => self.assembly.text(&known(key)?, &more, to),
            "response.refusal.delta" => {
                self.refused = true;
                self.assembly.text(&known(key)?, &more, to)
            }
            "response.function_call_arguments.delta" => self.assembly.arguments(&known(key)?, &more, to),
            "response.reasoning_summary_text.delta" | "response.reasoning_text.delta" => {
                self.assembly.thinking(&more, to);
                Ok(())
            }
            "response.completed" | "response.incomplete" | "response.failed" => {
                let failed = happening.r#type.ends_with("failed");
                self.end(happening.response, failed)
            }
            "error" => {
                let said = happening.error.unwrap_or_default();
                let said =
                    Said { message: said.message.or(happening.message), code: said.code.or(happening.code), ..said };
                Err(Fault::Complaint(Complaint::said(None, said)))
            }
            // `response.created` names the model; the others repeat what deltas have said.
            _ => {
                if let Some(model) = happening.response.and_then(|response| response.model) {
                    self.assembly.model = model;
                }
                Ok(())
            }
        }
    }

    fn item(
        &mut self,
        raw: Option<&RawValue>,
        key: Option<String>,
        done: bool,
        to: &mut Vec<Delta>,
    ) -> Result<(), Fault> {
        let Some(raw) = raw else { return Err(Fault::Garbled("an item is announced without it".into())) };
        let item: OutputItem = json(raw.get())?;
        let key = known(key.or(item.id))?;
        match item.r#type.as_str() {
            "message" => self.assembly.part(&key, || Building::Text(String::new())).map(drop),
            "function_call" => {
                let (id, name) = (item.call_id.unwrap_or_default(), item.name.unwrap_or_default());
                let part = self.assembly.part(&key, || Building::Pending(id.clone(), name.clone()))?;
                let begun = matches!(part, Building::Call { .. });
                if !begun {
                    *part = Building::Call { id, name: name.clone(), arguments: String::new() };
                    to.push(Delta::Call(name));
                }
                // The finished item has all of them; what came in deltas was for people.
                if let (true, Some(all), Building::Call { arguments, .. }) = (done, item.arguments, part) {
                    *arguments = all;
                }
                Ok(())
            }
            // Reasoning, and whatever the provider thinks of next: kept for its place, returned as it is when done.
            _ => {
                let part = self.assembly.part(&key, || Building::Pending(String::new(), String::new()))?;
                if done {
                    *part = Building::Opaque(raw.to_owned());
                }
                Ok(())
            }
        }
    }

    fn end(&mut self, response: Option<Response>, failed: bool) -> Result<(), Fault> {
        let Some(response) = response else { return Err(Fault::Garbled("the end came without a response".into())) };
        if let Some(model) = response.model {
            self.assembly.model = model;
        }
        if let Some(usage) = response.usage {
            self.assembly.usage = Some(usage.into());
        }
        if failed {
            return Err(Fault::Complaint(Complaint::said(None, response.error.unwrap_or_default())));
        }
        let reason = response.incomplete_details.and_then(|details| details.reason);
        self.stop = Some(match reason.as_deref() {
            Some("max_output_tokens") => Stop::Length,
            Some("content_filter") => Stop::Refused,
            Some(other) => Stop::Other(other.into()),
            None if self.refused => Stop::Refused,
            None if self.assembly.has_calls() => Stop::ToolCalls,
            None => Stop::End,
        });
        Ok(())
    }

    pub(super) fn finish(self) -> Result<Reply, Fault> {
        let stop = self.stop.ok_or(Fault::Cut)?;
        self.assembly.settle(stop)
    }
}

fn known(key: Option<String>) -> Result<String, Fault> {
    key.ok_or_else(|| Fault::Garbled("an event does not say which item it is about".into()))
}
