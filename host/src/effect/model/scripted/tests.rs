//! The scripted model: several agents at once, and everything that counts as a departure.

use orchestra_pit_core::call::model::{Choice, Message, Tool, ToolResult};

use super::*;

const SCRIPT: &str = r#"
    schema = 1
    [model]
    price = { input = 3.0, cached_read = 0.3, cache_write = 3.75, output = 15.0 }

    [[conversation]]
    name = "json"
    agent = "coder"
    first_contains = "--json"
    [[conversation.reply]]
    expect.tools = "view"
    thinking = "where is it?"
    text = "I look."
    calls = [{ tool = "view", arguments = { path = "src/ls.rs", lines = [1, 2] } }]
    [[conversation.reply]]
    expect.last_contains = ["fn ls", "}"]
    expect.last_lacks = "panic"
    text = "Done."

    [[conversation]]
    agent = "coder"
    first_contains = "docs"
    [[conversation.reply]]
    error = { kind = "unavailable", message = "overloaded" }
    [[conversation.reply]]
    turn = 1
    text = "Written."
"#;

fn user(text: &str) -> Message {
    Message { role: Role::User, parts: vec![Part::Text(text.into())] }
}

fn request(first: &str) -> Request {
    Request {
        model: String::new(),
        system: "You code.".into(),
        messages: vec![user(first)],
        tools: vec![Tool { name: "view".into(), description: "Reads.".into(), parameters: "{}".into() }],
        choice: Choice::Automatic,
        schema: None,
        max_output: None,
        temperature: None,
        more: Vec::new(),
    }
}

fn next(mut request: Request, reply: &Reply, result: &str) -> Request {
    request.messages.push(Message { role: Role::Assistant, parts: reply.parts.clone() });
    let results = reply.parts.iter().filter_map(|part| match part {
        Part::ToolCall(call) => {
            Some(Part::ToolResult(ToolResult { id: call.id.clone(), content: result.into(), is_error: false }))
        }
        _ => None,
    });
    let mut parts: Vec<_> = results.collect();
    if parts.is_empty() {
        parts.push(Part::Text("go on".into()));
    }
    request.messages.push(Message { role: Role::User, parts });
    request
}

async fn ask(script: &Script, who: &str, run: u8, seq: u64, request: &Request) -> Result<Reply, Error> {
    let id = CallId { run: RunId([run; 16]), seq };
    script.ask(Asking { who, id, model: &request.model, request, most_output: 4096 }, &|_| {}).await.answer
}

#[tokio::test]
async fn a_conversation_goes_as_written_and_others_do_not_disturb_it() {
    let script = Script::parse(SCRIPT).unwrap();
    let first = request("Add --json to ls");
    let reply = ask(&script, "coder", 1, 0, &first).await.unwrap();
    assert_eq!(reply.stop, Stop::ToolCalls);
    let [Part::Text(text), Part::ToolCall(call)] = reply.parts.as_slice() else { panic!("{reply:?}") };
    assert_eq!((text.as_str(), call.name.as_str(), call.id.as_str()), ("I look.", "view", "call-1-1"));
    assert_eq!(call.arguments, r#"{"lines":[1,2],"path":"src/ls.rs"}"#);

    // Another agent's conversation in between; the server fails once, and the same turn asked again goes well.
    let docs = request("write docs");
    assert_eq!(ask(&script, "coder", 2, 0, &docs).await.unwrap_err().kind, ErrorKind::Unavailable);
    assert_eq!(script.unused().len(), 2);
    ask(&script, "coder", 2, 1, &docs).await.unwrap();

    let second = next(first.clone(), &reply, "fn ls() {}");
    let done = ask(&script, "coder", 1, 1, &second).await.unwrap();
    assert_eq!(done.parts, [Part::Text("Done.".into())]);
    assert!(done.usage.cached_read > 0 && done.usage.cached_read < done.usage.input);
    // The same call asked again is told the same: a resumed run does that.
    assert_eq!(ask(&script, "coder", 1, 1, &second).await.unwrap(), done);
    assert!(script.unused().is_empty() && script.departures().is_empty());
}

#[tokio::test]
async fn a_reply_is_given_once_and_a_conversation_to_one_run() {
    let script = Script::parse(SCRIPT).unwrap();
    let first = request("Add --json to ls");
    ask(&script, "coder", 1, 0, &first).await.unwrap();
    let twice = ask(&script, "coder", 1, 1, &first).await.unwrap_err();
    assert!(twice.message.contains("already given to another call"), "{twice}");
    let other = ask(&script, "coder", 2, 0, &first).await.unwrap_err();
    assert!(other.message.contains("it is for 1"), "{other}");
    assert_eq!(script.departures().len(), 2);
}

#[tokio::test]
async fn every_departure_names_what_was_expected_and_what_came() {
    let script = Script::parse(SCRIPT).unwrap();
    let first = request("Add --json to ls");
    let reply = ask(&script, "coder", 1, 0, &first).await.unwrap();

    let wrong = ask(&script, "coder", 1, 1, &next(first.clone(), &reply, "no such file")).await.unwrap_err();
    insta::assert_snapshot!(wrong.message, @r#"the conversation departs from the script: conversation "json", turn 2, coder asks: expected "fn ls" in what came last, which was "no such file""#);
    assert_eq!((wrong.kind, wrong.more), (ErrorKind::Refused, vec![("script".into(), "departed".into())]));

    let unknown = ask(&script, "reviewer", 3, 0, &request("Review it")).await.unwrap_err();
    insta::assert_snapshot!(unknown.message, @r#"
    the conversation departs from the script: no conversation is for reviewer at turn 1, whose first message begins "Review it"
      conversation "json": is for the agent coder
      conversation 2 (coder): is for the agent coder
    "#);

    let both = ask(&script, "coder", 4, 0, &request("docs of --json")).await.unwrap_err();
    insta::assert_snapshot!(both.message, @r#"the conversation departs from the script: more than one conversation is for coder: conversation "json", conversation 2 (coder)"#);

    let second = next(first.clone(), &reply, "fn ls() {}");
    let done = ask(&script, "coder", 1, 2, &second).await.unwrap();
    let third = next(second, &done, "");
    let over = ask(&script, "coder", 1, 3, &third).await.unwrap_err();
    insta::assert_snapshot!(over.message, @r#"the conversation departs from the script: conversation "json" ends with turn 2, and coder asks for turn 3, after "go on""#);

    let toolless = Request { tools: Vec::new(), ..request("Add --json") };
    let script = Script::parse(&SCRIPT.replace("expect.tools = \"view\"", "")).unwrap();
    let untooled = ask(&script, "coder", 1, 0, &toolless).await.unwrap_err();
    insta::assert_snapshot!(untooled.message, @r#"the conversation departs from the script: conversation "json", turn 1, coder asks: the script calls the tool `view`, and the request offers none"#);
}

#[tokio::test]
async fn a_reply_over_the_limit_is_cut_without_its_calls() {
    let script = Script::parse(SCRIPT).unwrap();
    let first = request("Add --json to ls");
    let id = CallId { run: RunId([1; 16]), seq: 0 };
    let told =
        script.ask(Asking { who: "coder", id, model: &first.model, request: &first, most_output: 2 }, &|_| {}).await;
    let reply = told.answer.unwrap();
    assert_eq!((reply.stop, reply.parts), (Stop::Length, vec![Part::Text("I lo".into())]));
    assert_eq!(reply.usage.output, 2);
    assert_eq!(told.micro_usd, script.price().map(|price| price.of(&told.used)));
}

#[tokio::test(start_paused = true)]
async fn a_pace_streams_words() {
    let script = Script::parse(&SCRIPT.replacen("[[conv", "[pace]\ndelay_ms = 500\nword_ms = 20\n[[conv", 1)).unwrap();
    let seen = Mutex::new(Vec::new());
    let id = CallId { run: RunId([1; 16]), seq: 0 };
    let first = request("Add --json to ls");
    let started = tokio::time::Instant::now();
    let asking = Asking { who: "coder", id, model: &first.model, request: &first, most_output: 4096 };
    script.ask(asking, &|delta| seen.lock().unwrap().push(delta)).await.answer.unwrap();
    assert_eq!(started.elapsed(), Duration::from_millis(500 + 3 * 20 + 2 * 20 + 20));
    let seen = seen.into_inner().unwrap();
    assert_eq!(seen[0], Delta::Thinking("where ".into()));
    assert_eq!(seen[3..5], [Delta::Text("I ".into()), Delta::Text("look.".into())]);
    assert_eq!(seen[5], Delta::Call("view".into()));
}

#[test]
fn a_script_that_makes_no_sense_is_refused_with_the_place() {
    let refusal = |text: &str| Script::parse(text).unwrap_err().to_string();
    assert!(refusal("schema = 2").contains("reads 1"));
    assert!(refusal("schema = 1\nsteps = []").contains("unknown field `steps`"));
    let one = "schema = 1\n[[conversation]]\nagent = \"a\"\n";
    assert!(refusal(&format!("{one}reply = []")).contains("has no reply"));
    assert!(refusal(&format!("{one}[[conversation.reply]]\ndelay_ms = 1")).contains("turn 1 needs either text"));
    let back = "[[conversation.reply]]\nturn = 2\ntext = \"x\"\n[[conversation.reply]]\nturn = 1\ntext = \"x\"";
    assert!(refusal(&format!("{one}{back}")).contains("turn before the one above"));
    assert!(matches!(Script::load(Path::new("no/such/script.toml")), Err(ScriptError::Unreadable(..))));
}
