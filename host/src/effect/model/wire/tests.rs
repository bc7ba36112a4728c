//! The three protocols on recorded shapes of their streams, and on what goes back to them.

use orchestra_pit_core::call::model::{Choice, Message, Tool, ToolResult};
use serde_json::{Value, json};

use super::super::family::Families;
use super::super::sse::Parser;
use super::*;

const NAME: &str = "anthropic/claude-sonnet-5-5";

fn family(model: &str) -> Family {
    Families::new(Vec::new()).unwrap().of(model)
}

fn prepared<'a>(request: &'a Request, family: &'a Family) -> Prepared<'a> {
    Prepared { request, name: NAME, model: "m", family, effort: Some("high"), most_output: 4096, cache_key: None }
}

fn said(role: Role, parts: Vec<Part>) -> Message {
    Message { role, parts }
}

fn text(text: &str) -> Part {
    Part::Text(text.into())
}

fn request() -> Request {
    let tool = |name: &str| Tool {
        name: name.into(),
        description: "Does.".into(),
        parameters: r#"{"type": "object", "properties": {"z": {}, "a": {}}}"#.into(),
    };
    Request {
        model: String::new(),
        system: "You code.".into(),
        messages: vec![said(Role::User, vec![text("Add --json")])],
        tools: vec![tool("view"), tool("todo")],
        choice: Choice::Automatic,
        schema: None,
        max_output: None,
        temperature: Some(0.5),
        more: vec![("seed".into(), "7".into())],
    }
}

fn read(protocol: Protocol, stream: &str, most_output: u32) -> (Result<Reply, Fault>, Vec<Delta>) {
    let (request, family) = (request(), family("claude-sonnet-5-5"));
    let mut decoder = protocol.decoder(&Prepared { most_output, ..prepared(&request, &family) });
    let (mut parser, mut events, mut deltas) = (Parser::default(), Vec::new(), Vec::new());
    // Seven bytes at a time: every token and every character is split somewhere.
    for piece in stream.as_bytes().chunks(7) {
        parser.push(piece, &mut events).unwrap();
    }
    for event in &events {
        if let Err(fault) = decoder.event(event, &mut deltas) {
            return (Err(fault), deltas);
        }
    }
    (decoder.finish(), deltas)
}

macro_rules! fixture {
    ($protocol:ident, $name:literal) => {
        read(Protocol::$protocol, include_str!(concat!("../fixtures/", $name, ".sse")), 4096)
    };
}

fn calls(reply: &Reply) -> Vec<(&str, &str, &str)> {
    let calls = reply.parts.iter().filter_map(|part| match part {
        Part::ToolCall(call) => Some((call.id.as_str(), call.name.as_str(), call.arguments.as_str())),
        _ => None,
    });
    calls.collect()
}

fn opaques(reply: &Reply) -> Vec<&str> {
    let opaques = reply.parts.iter().filter_map(|part| match part {
        Part::Opaque(opaque) => unsealed(opaque, protocol_of(opaque), NAME).map(RawValue::get),
        _ => None,
    });
    opaques.collect()
}

fn protocol_of(opaque: &Opaque) -> Protocol {
    [Protocol::Chat, Protocol::Responses, Protocol::Messages].into_iter().find(|p| p.word() == opaque.protocol).unwrap()
}

#[test]
fn split_tool_calls_come_together() {
    let (reply, deltas) = fixture!(Chat, "chat-split-calls");
    let reply = reply.unwrap();
    assert_eq!(reply.parts[0], text("I read both — é."));
    assert_eq!(
        calls(&reply),
        [("call_a", "view", r#"{"path":"a.rs"}"#), ("call_b", "view", r#"{"path":"b.rs","lines":[1,20]}"#)]
    );
    assert_eq!(reply.stop, Stop::ToolCalls);
    assert_eq!(reply.usage, Usage { input: 1200, cached_read: 1024, cache_write: 0, output: 70, reasoning: 12 });
    assert_eq!(reply.model, "gpt-4.1-2025-04-14");
    assert_eq!(deltas[0], Delta::Thinking("Two files. ".into()));
    assert!(deltas.contains(&Delta::Call("view".into())) && deltas.contains(&Delta::Text("both — é.".into())));

    let (reply, _) = fixture!(Messages, "messages-thinking-calls");
    let reply = reply.unwrap();
    assert_eq!(calls(&reply), [("toolu_a", "view", r#"{"path": "a.rs"}"#), ("toolu_b", "todo", "{}")]);
    assert_eq!(reply.usage, Usage { input: 2312, cached_read: 2000, cache_write: 300, output: 95, reasoning: 40 });

    let (reply, _) = fixture!(Responses, "responses-reasoning-calls");
    let reply = reply.unwrap();
    assert_eq!(calls(&reply), [("call_a", "view", r#"{"path":"a.rs"}"#), ("call_b", "todo", "{}")]);
    assert_eq!(reply.usage, Usage { input: 3000, cached_read: 2048, cache_write: 900, output: 210, reasoning: 128 });
    assert_eq!(reply.stop, Stop::ToolCalls);
}

#[test]
fn what_is_sealed_goes_back_byte_for_byte_and_only_to_its_own_model() {
    let sealed = [
        (
            fixture!(Messages, "messages-thinking-calls").0.unwrap(),
            vec![
                r#"{"type":"thinking","thinking":"Let me look at \"both\".\n","signature":"EqQBCgIYAhIM1gbcDa9GJwZA2b3h"}"#,
                r#"{"type":"redacted_thinking","data":"EmwKAhgBEgy3va3pzix/LafPsn4aDFIT2Xlxh0L5L8rLVyIwxtE3rAFBa8cr3qpP"}"#,
            ],
        ),
        (
            fixture!(Responses, "responses-reasoning-calls").0.unwrap(),
            vec![r#"{"id":"rs_1", "type":"reasoning","encrypted_content":"gAAAAABo\u002bx/=","summary":[]}"#],
        ),
        (
            fixture!(Chat, "chat-split-calls").0.unwrap(),
            vec![
                r#"{"call":"call_b","extra_content":{"google":{"thought_signature":"c2ln"}}}"#,
                r#"{"reasoning_content":"Two files. "}"#,
            ],
        ),
    ];
    let family = family("claude-sonnet-5-5");
    for (reply, expected) in sealed {
        assert_eq!(opaques(&reply), expected);
        let Some(Part::Opaque(opaque)) = reply.parts.iter().find(|part| matches!(part, Part::Opaque(_))) else {
            panic!()
        };
        let protocol = protocol_of(opaque);
        let mut next = request();
        next.messages.push(said(Role::Assistant, reply.parts.clone()));
        let body = |protocol: Protocol, name| protocol.encode(&Prepared { name, ..prepared(&next, &family) }).unwrap();
        let inner = expected[0].trim_matches(['{', '}']);
        let inner = if protocol == Protocol::Chat {
            r#""extra_content":{"google":{"thought_signature":"c2ln"}}"#
        } else {
            inner
        };
        assert!(body(protocol, NAME).contains(inner), "{}", body(protocol, NAME));
        assert!(!body(protocol, "anthropic/claude-opus-5-5").contains(inner));
        for other in [Protocol::Chat, Protocol::Responses, Protocol::Messages] {
            assert!(other == protocol || !body(other, NAME).contains(inner));
        }
    }
}

#[test]
fn an_answer_cut_inside_a_call_keeps_what_is_whole() {
    let (reply, _) = fixture!(Chat, "chat-cut-in-call");
    let reply = reply.unwrap();
    assert_eq!(reply.stop, Stop::Length);
    assert_eq!(calls(&reply), [("call_a", "view", r#"{"path":"a.rs"}"#)]);
    assert_eq!(reply.more, [("cut-call".into(), "str_replace".into())]);
    for (reply, _) in [fixture!(Messages, "messages-cut-in-call"), fixture!(Responses, "responses-cut-in-call")] {
        let reply = reply.unwrap();
        assert_eq!((reply.stop.clone(), calls(&reply).len()), (Stop::Length, 0));
        assert_eq!(reply.more, [("cut-call".into(), "write".into())]);
    }
}

#[test]
fn a_call_whose_arguments_are_no_object_is_left_out_and_named() {
    let reply = fixture!(Chat, "chat-bad-arguments").0.unwrap();
    assert_eq!((calls(&reply).len(), reply.stop), (0, Stop::End));
    assert_eq!(reply.more, [("bad-call".into(), "view".into())]);
}

#[test]
fn an_error_in_the_middle_is_understood_and_half_an_event_is_a_cut() {
    let passing = |fault: Result<Reply, Fault>| match fault {
        Err(Fault::Complaint(complaint)) => (complaint.passing, complaint.busy, complaint.message),
        other => panic!("{other:?}"),
    };
    assert_eq!(passing(fixture!(Messages, "messages-overloaded").0), (true, true, "Overloaded".into()));
    assert!(passing(fixture!(Chat, "chat-error-midstream").0).0);
    assert!(passing(fixture!(Responses, "responses-failed").0).0);
    assert_eq!(passing(fixture!(Responses, "responses-error").0), (true, true, "Rate limit reached".into()));
    assert_eq!(fixture!(Chat, "chat-half").0, Err(Fault::Cut));
    for stream in
        [include_str!("../fixtures/messages-thinking-calls.sse"), include_str!("../fixtures/messages-cut-in-call.sse")]
    {
        // Wherever it is cut, it is a fault and never a shorter reply.
        for at in (0..stream.len() - 2).filter(|at| stream.is_char_boundary(*at)) {
            assert!(read(Protocol::Messages, &stream[..at], 4096).0.is_err(), "cut at {at}");
        }
    }
}

#[test]
fn stops_have_one_meaning() {
    assert_eq!(fixture!(Messages, "messages-refusal").0.unwrap().stop, Stop::Refused);
    assert_eq!(fixture!(Messages, "messages-refusal").0.unwrap().parts, [text("I can't do that.")]);
    assert_eq!(fixture!(Messages, "messages-full").0.unwrap().stop, Stop::ContextFull);
    let local = include_str!("../fixtures/responses-local.sse");
    assert_eq!(read(Protocol::Responses, local, 5).0.unwrap().stop, Stop::End);
    // llama.cpp says `completed` when the limit cut it.
    assert_eq!(read(Protocol::Responses, local, 4).0.unwrap().stop, Stop::Length);
}

#[test]
fn a_server_that_counts_up_parts_is_stopped() {
    let block = |n: u64| {
        format!("data: {{\"type\":\"content_block_start\",\"index\":{n},\"content_block\":{{\"type\":\"text\"}}}}\n\n")
    };
    let stream: String = (0..1_001).map(|n| block(u64::MAX - n)).collect();
    assert!(matches!(read(Protocol::Messages, &stream, 1).0, Err(Fault::Garbled(why)) if why.contains("1000 parts")));
}

fn body(protocol: Protocol, request: &Request, model: &str) -> Value {
    let family = family(model);
    serde_json::from_str(&protocol.encode(&prepared(request, &family)).unwrap()).unwrap()
}

#[test]
fn all_results_go_into_one_message_and_the_marks_are_on_the_last_two() {
    let call = |id: &str| {
        Part::ToolCall(ToolCall { id: id.into(), name: "view".into(), arguments: r#"{"b":1,"a":2}"#.into() })
    };
    let result =
        |id: &str, is_error| Part::ToolResult(ToolResult { id: id.into(), content: format!("of {id}"), is_error });
    let mut request = request();
    request.messages.push(said(Role::Assistant, vec![text("both"), call("1"), call("2")]));
    request.messages.push(said(Role::User, vec![text("and hurry"), result("2", true), result("1", false)]));
    check(&request).unwrap();

    let messages = body(Protocol::Messages, &request, "claude-haiku-4-5");
    let mark = json!({"type": "ephemeral"});
    assert_eq!(
        messages["messages"][2]["content"],
        json!([
            {"type": "tool_result", "tool_use_id": "2", "content": "of 2", "is_error": true},
            {"type": "tool_result", "tool_use_id": "1", "content": "of 1"},
            {"type": "text", "text": "and hurry", "cache_control": mark},
        ])
    );
    assert_eq!(messages["messages"][0]["content"][0]["cache_control"], mark);
    assert_eq!(messages["system"][0]["cache_control"], mark);
    assert_eq!((&messages["tools"][0]["cache_control"], &messages["tools"][1]["cache_control"]), (&Value::Null, &mark));
    assert_eq!(messages.to_string().matches("cache_control").count(), 4);

    let chat = body(Protocol::Chat, &request, "smollm");
    let roles: Vec<_> = chat["messages"].as_array().unwrap().iter().map(|m| m["role"].as_str().unwrap()).collect();
    assert_eq!(roles, ["system", "user", "assistant", "tool", "tool", "user"]);
    assert_eq!(chat["messages"][3]["content"], "error: of 2");
    // The agent's bytes, not a parser's idea of them.
    assert_eq!(chat["messages"][2]["tool_calls"][1]["function"]["arguments"], r#"{"b":1,"a":2}"#);

    let responses = body(Protocol::Responses, &request, "gpt-5");
    let kinds: Vec<_> = responses["input"].as_array().unwrap().iter().map(|m| m["type"].as_str().unwrap()).collect();
    let expected = [
        "message",
        "message",
        "function_call",
        "function_call",
        "message",
        "function_call_output",
        "function_call_output",
    ];
    assert_eq!(kinds, expected);
    assert_eq!(responses["store"], false);
}

#[test]
fn a_family_gets_only_what_it_accepts() {
    let asked = Request { choice: Choice::Tool("view".into()), schema: Some("{}".into()), ..request() };
    let new = body(Protocol::Messages, &asked, "claude-opus-5-5");
    assert_eq!((&new["temperature"], &new["tool_choice"], &new["seed"]), (&Value::Null, &Value::Null, &Value::Null));
    assert_eq!(new["thinking"], json!({"type": "adaptive", "display": "summarized"}));
    assert_eq!(new["output_config"], json!({"effort": "high", "format": {"type": "json_schema", "schema": {}}}));
    let old = body(Protocol::Messages, &asked, "claude-haiku-4-5");
    assert_eq!(
        (&old["temperature"], &old["tool_choice"]["name"], &old["thinking"]),
        (&json!(0.5), &json!("view"), &Value::Null)
    );

    let (gpt, local) = (body(Protocol::Chat, &asked, "gpt-5"), body(Protocol::Chat, &asked, "smollm"));
    assert_eq!(
        (&gpt["max_completion_tokens"], &gpt["max_tokens"], &gpt["temperature"]),
        (&json!(4096), &Value::Null, &Value::Null)
    );
    assert_eq!(gpt["reasoning_effort"], "high");
    assert_eq!((&local["max_tokens"], &local["seed"], &local["temperature"]), (&json!(4096), &json!(7), &json!(0.5)));
    assert_eq!(body(Protocol::Responses, &asked, "gpt-5")["max_output_tokens"], 4096);
}

#[test]
fn a_longer_conversation_begins_with_the_same_bytes() {
    for protocol in [Protocol::Chat, Protocol::Responses] {
        let family = family("gpt-6.1-sol");
        let short = request();
        let mut long = Request { max_output: Some(9), ..short.clone() };
        long.messages.push(said(Role::Assistant, vec![text("yes?")]));
        long.messages.push(said(Role::User, vec![text("more")]));
        let short = protocol.encode(&prepared(&short, &family)).unwrap();
        let long = protocol.encode(&Prepared { most_output: 9, ..prepared(&long, &family) }).unwrap();
        let end = short.as_bytes().windows(8).position(|at| at == b"}],\"max_" || at == b"}],\"reas").unwrap();
        assert_eq!(short[..=end], long[..=end]);
        assert!(short[..end].contains("Add --json"));
    }
}

#[test]
fn a_conversation_that_no_server_would_take_is_refused_here() {
    let call = || Part::ToolCall(ToolCall { id: "1".into(), name: "view".into(), arguments: "{}".into() });
    let result = || Part::ToolResult(ToolResult { id: "1".into(), content: "x".into(), is_error: false });
    let refusal = |more: Vec<Message>| {
        let mut request = request();
        request.messages.extend(more);
        check(&request).unwrap_err().message
    };
    let unanswered = refusal(vec![said(Role::Assistant, vec![call()]), said(Role::User, vec![text("so?")])]);
    assert!(unanswered.contains("leaves the call `1` without a result"), "{unanswered}");
    assert!(refusal(vec![said(Role::User, vec![result()])]).contains("which is not open"));
    assert!(refusal(vec![said(Role::Assistant, vec![result()])]).contains("has a tool result"));
    assert!(refusal(vec![said(Role::User, vec![call()])]).contains("has a tool call"));
    assert!(check(&Request { messages: Vec::new(), ..request() }).is_err());
    let twice = vec![said(Role::Assistant, vec![call()]), said(Role::User, vec![result(), result()])];
    assert!(refusal(twice).contains("not open"));

    let family = family("smollm");
    let mut bad = request();
    bad.tools[0].parameters = "[]".into();
    for protocol in [Protocol::Chat, Protocol::Responses, Protocol::Messages] {
        let error = protocol.encode(&prepared(&bad, &family)).unwrap_err();
        assert!(error.kind == ErrorKind::Invalid && error.message.contains("`view`"), "{error}");
    }
}
