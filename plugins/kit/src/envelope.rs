//! Tool calls for models that know none: the reply is one JSON object `{"tool": …, "arguments": {…}}`, held to a schema
//! by the server, and an answer comes back as plain text.
//!
//! The conversation itself stays as it is with any model; only the request is written differently, always in the same
//! way, so that the prefix of a request still does not change from turn to turn.

use orchestra_pit_sdk::model::{Message, Part, Role, Tool, ToolCall};
use serde_json::{Map, Value};

/// The schema that a reply must keep to: one of the tools, with its arguments.
pub fn schema(tools: &[Tool]) -> String {
    let one = |tool: &Tool| {
        let parameters = if tool.parameters.trim().is_empty() { "{\"type\":\"object\"}" } else { &tool.parameters };
        let name = Value::String(tool.name.clone());
        format!(
            r#"{{"type":"object","properties":{{"tool":{{"const":{name}}},"arguments":{parameters}}},"required":["tool","arguments"],"additionalProperties":false}}"#
        )
    };
    match tools {
        [tool] => one(tool),
        tools => format!(r#"{{"anyOf":[{}]}}"#, tools.iter().map(one).collect::<Vec<_>>().join(",")),
    }
}

/// What the system prompt says of the tools.
pub fn describe(tools: &[Tool]) -> String {
    let mut text = String::from(
        "# Tools\n\nAnswer with one JSON object and nothing else: {\"tool\": NAME, \"arguments\": {…}}. What came of it is \
         told to you then.\n",
    );
    for tool in tools {
        text.push_str(&format!("\n## {}\n\n{}\nArguments: {}\n", tool.name, tool.description, tool.parameters));
    }
    text
}

/// The messages with calls and results as text.
pub fn plain(messages: &[Message]) -> Vec<Message> {
    let plain = |message: &Message| {
        let mut parts: Vec<Part> = message.parts.iter().filter_map(|part| plain_part(message, part)).collect();
        if parts.is_empty() {
            parts.push(Part::Text("(no answer)".to_owned()));
        }
        Message { role: message.role.clone(), parts, more: message.more.clone() }
    };
    messages.iter().map(plain).collect()
}

fn plain_part(message: &Message, part: &Part) -> Option<Part> {
    Some(Part::Text(match part {
        // The words around a call are not part of the envelope.
        Part::Text(_) if message.role == Role::Assistant && has_call(message) => return None,
        Part::Text(text) => text.clone(),
        Part::ToolCall(call) => write(call),
        Part::ToolResult(result) if result.is_error => format!("It failed:\n{}", result.content),
        Part::ToolResult(result) => format!("It answered:\n{}", result.content),
        Part::Opaque(_) | Part::Other(_) => return None,
    }))
}

fn has_call(message: &Message) -> bool {
    message.parts.iter().any(|part| matches!(part, Part::ToolCall(_)))
}

fn write(call: &ToolCall) -> String {
    let name = Value::String(call.name.clone());
    format!(r#"{{"tool":{name},"arguments":{}}}"#, call.arguments)
}

/// Reads a reply's text. `None` if there is no envelope in it: the model just talks.
pub fn read(text: &str, id: String) -> Option<ToolCall> {
    let text = text.trim();
    let text = text.strip_prefix("```json").or_else(|| text.strip_prefix("```")).unwrap_or(text);
    let start = text.find('{')?;
    let mut values = serde_json::Deserializer::from_str(text.get(start..)?).into_iter::<Map<String, Value>>();
    let mut map = values.next()?.ok()?;
    let Some(Value::String(name)) = map.remove("tool") else { return None };
    let arguments = match map.remove("arguments") {
        Some(arguments @ Value::Object(_)) => arguments.to_string(),
        None => "{}".to_owned(),
        Some(_) => return None,
    };
    Some(ToolCall { id, name, arguments })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tool::tool;
    use orchestra_pit_sdk::model::ToolResult;

    #[test]
    fn an_envelope_is_read_through_fences_and_chatter() {
        for text in [
            r#"{"tool":"read","arguments":{"path":"a"}}"#,
            "```json\n{\"tool\":\"read\",\"arguments\":{\"path\":\"a\"}}\n```",
            r#"Sure: {"tool":"read","arguments":{"path":"a"}} and so on"#,
        ] {
            let call = read(text, "7".into()).unwrap();
            assert_eq!(
                (call.id.as_str(), call.name.as_str(), call.arguments.as_str()),
                ("7", "read", r#"{"path":"a"}"#)
            );
        }
        for text in ["I would read it", "{\"tool\":1}", "{\"tool\":\"a\",\"arguments\":[]}", "{\"tool\":\"rea"] {
            assert_eq!(read(text, "7".into()), None, "{text}");
        }
    }

    #[test]
    fn the_schema_is_json_and_names_each_tool() {
        let tools = [tool("read", "Reads.", r#"{"type":"object"}"#), tool("finish", "Ends.", "")];
        let schema: Value = serde_json::from_str(&schema(&tools)).unwrap();
        assert_eq!(schema["anyOf"][1]["properties"]["tool"]["const"], "finish");
        let alone: Value = serde_json::from_str(&super::schema(&tools[..1])).unwrap();
        assert_eq!(alone["properties"]["arguments"]["type"], "object");
    }

    #[test]
    fn calls_and_results_become_text() {
        let call = Part::ToolCall(ToolCall { id: "1".into(), name: "read".into(), arguments: "{}".into() });
        let messages = [
            Message::user("do it"),
            Message::assistant(vec![Part::Text("I look".into()), call]),
            Message::results([ToolResult { id: "1".into(), content: "text".into(), is_error: false }]),
        ];
        let plain = plain(&messages);
        let texts: Vec<&Part> = plain.iter().flat_map(|message| &message.parts).collect();
        let text = |text: &str| Part::Text(text.to_owned());
        assert_eq!(texts, [&text("do it"), &text(r#"{"tool":"read","arguments":{}}"#), &text("It answered:\ntext")]);
    }
}
