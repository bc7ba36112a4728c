//! Everything a server can do wrong, on a real connection.

use super::server::{Act, STREAM, hello, serve, status, stream};
use super::*;

fn at(port: u16, more: &str) -> Models {
    let settings = format!(
        "[provider.test]\nprotocol = \"chat\"\nurl = \"http://127.0.0.1:{port}/v1/\"\nkey = {{ env = \"K\" }}\n{more}\n\
         [[price]]\nmodel = \"test/*\"\ninput = 1\ncached_read = 1\ncache_write = 1\noutput = 2"
    );
    let mut models = models(&settings, Some("test/m"), &["K"]).unwrap();
    models.endpoints.get_mut("test").unwrap().patience = Patience {
        connect: Duration::from_secs(5),
        silence: Duration::from_millis(300),
        total: Duration::from_secs(20),
        attempts: 3,
        first_wait: Duration::from_millis(10),
        longest_wait: Duration::from_millis(1_500),
    };
    models
}

async fn after(answers: Vec<Vec<Act>>) -> (Told, Vec<Delta>, Vec<String>) {
    let server = serve(answers).await;
    let (told, deltas) = ask(&at(server.port, ""), &request("hi")).await;
    let requests = server.requests.lock().unwrap().clone();
    (told, deltas, requests)
}

fn agains(deltas: &[Delta]) -> Vec<&str> {
    let agains = deltas.iter().filter_map(|delta| match delta {
        Delta::Again { why, .. } => Some(why.as_str()),
        _ => None,
    });
    agains.collect()
}

#[tokio::test]
async fn a_reply_streams_and_is_paid() {
    let (told, deltas, requests) = after(vec![hello()]).await;
    let reply = told.answer.unwrap();
    assert_eq!((said(&reply).as_str(), reply.stop, reply.model.as_str()), ("hello", Stop::End, "m-1"));
    assert_eq!(deltas, [Delta::Text("hel".into()), Delta::Text("lo".into())]);
    assert_eq!((told.used.input, told.used.output, told.micro_usd), (10, 2, Some(14)));
    let request = requests[0].to_lowercase();
    assert!(request.starts_with("post /v1/chat/completions http/1.1\r\n"), "{request}");
    assert!(request.contains(&format!("authorization: bearer {KEY}")));
    assert!(request.contains(&format!("idempotency-key: pit-{}-3", "09".repeat(16))));
    assert!(!request.contains("accept-encoding"), "nothing packed is asked for");
}

#[tokio::test]
async fn what_passes_is_tried_again_and_people_are_told() {
    let overloaded = r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#;
    let half = || stream("data: {\"choices\":[{\"delta\":{\"content\":\"hel\"}}]}\n\ndata: {\"cho");
    for (bad, why) in [
        (status("529 Overloaded", "", overloaded), "Overloaded"),
        (status("500 Oops", "", "<html>"), "(500): <html>"),
        (status("429 Slow", "retry-after: 0\r\n", r#"{"error":{"message":"slow down"}}"#), "slow down"),
        (half(), "broke off before the end"),
        ([half(), vec![Act::Reset]].concat(), "broke off"),
        (vec![Act::Reset], "broke off"),
        ([half(), vec![Act::Pause(2_000)]].concat(), "was silent for 0.3 seconds"),
        (vec![Act::Pause(2_000)], "was silent"),
        (stream(": ping\n\ndata: {\"error\":{\"message\":\"boom\",\"type\":\"server_error\"}}\n\n"), "boom"),
        (stream("data: nonsense\n\n"), "not expected"),
        (stream(""), "broke off before the end"),
    ] {
        let (told, deltas, requests) = after(vec![bad, hello()]).await;
        assert_eq!(said(&told.answer.unwrap()), "hello", "{why}");
        let agains = agains(&deltas);
        assert!(agains.len() == 1 && agains[0].contains(why), "{why}: {agains:?}");
        assert_eq!(requests.len(), 2);
        assert_eq!(requests[0], requests[1], "the same request, byte for byte");
    }
}

/// Refuses: model.ask unavailable
#[tokio::test]
async fn what_broke_off_is_paid_too() {
    let counted = "data: {\"choices\":[{\"delta\":{\"content\":\"hel\"}}],\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":1}}\n\n";
    let (told, ..) = after(vec![stream(counted), hello()]).await;
    assert_eq!((told.used.input, told.used.output, told.micro_usd), (20, 3, Some(26)));
    let uncounted = "data: {\"choices\":[{\"delta\":{\"content\":\"hel\"}}]}\n\n";
    let (told, ..) = after(vec![stream(uncounted)]).await;
    assert_eq!(told.answer.unwrap_err().kind, ErrorKind::Unavailable);
    assert!(told.used.input > 0 && told.micro_usd > Some(0), "three attempts that began were sent and estimated");
}

/// Refuses: model.ask refused, model.ask context-full, model.ask unavailable
#[tokio::test]
async fn what_does_not_pass_is_asked_once_and_says_what_would_help() {
    let key = format!(r#"{{"error":{{"message":"Incorrect API key provided: {KEY}"}}}}"#);
    for (bad, kind, message, hint) in [
        (
            status("401 No", "", &key),
            ErrorKind::Denied,
            "(401): Incorrect API key provided: [key removed]",
            "the variable K",
        ),
        (status("400 Bad", "", r#"{"error":{"message":"unknown field"}}"#), ErrorKind::Invalid, "unknown field", ""),
        (
            status("404 No", "", r#"{"error":{"message":"no such model"}}"#),
            ErrorKind::NotFound,
            "no such model",
            "choose a model",
        ),
        (
            status("429 No", "", r#"{"error":{"code":"insufficient_quota","message":"no quota"}}"#),
            ErrorKind::Refused,
            "no quota",
            "",
        ),
        (
            status("400 No", "", r#"{"error":{"type":"exceed_context_size_error","message":"too long"}}"#),
            ErrorKind::ContextFull,
            "too long",
            "",
        ),
        (
            status("503 Later", "retry-after: 3600\r\n", "{}"),
            ErrorKind::Unavailable,
            "; it asks to wait 60m and pit waits 2s at most",
            "go on in 60m",
        ),
        (status("200 OK", "", r#"{"choices":[]}"#), ErrorKind::Unsupported, "does not stream", ""),
    ] {
        let (told, deltas, requests) = after(vec![bad]).await;
        let error = told.answer.unwrap_err();
        assert_eq!((error.kind, requests.len(), deltas.len()), (kind, 1, 0), "{error}");
        assert!(error.message.contains(message) && error.message.contains("test at 127.0.0.1"), "{error}");
        assert!(error.hint.clone().unwrap_or_default().contains(hint), "{error:?}");
        assert!(!format!("{error:?}").contains(KEY));
        assert_eq!(told.micro_usd, Some(0));
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = serve(vec![hello()]).await;
    let location = format!("location: http://127.0.0.1:{}/v1/chat/completions\r\n", elsewhere.port);
    for line in ["301 Moved", "307 Temporary", "308 Permanent"] {
        let (told, _, requests) = after(vec![status(line, &location, "")]).await;
        let error = told.answer.unwrap_err();
        assert!(error.message.contains("not followed"), "{error}");
        assert_eq!(requests.len(), 1);
    }
    assert!(elsewhere.requests.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_key_that_the_server_says_is_seen_by_nobody() {
    let (head, tail) = KEY.split_at(9);
    let hex: String = KEY.bytes().map(|byte| format!("{byte:02x}")).collect();
    let events = format!(
        "data: {{\"model\":\"{KEY}\",\"choices\":[{{\"delta\":{{\"content\":\"it is {head}\"}}}}]}}\n\n\
         data: {{\"choices\":[{{\"delta\":{{\"content\":\"{tail} or {hex}\",\"reasoning_content\":\"{KEY}\"}}}}]}}\n\n\
         data: {{\"choices\":[{{\"delta\":{{\"tool_calls\":[{{\"index\":0,\"id\":\"{KEY}\",\"function\":{{\"name\":\"t\",\"arguments\":\"{{\\\"k\\\":\\\"{KEY}\\\"}}\"}}}}]}},\"finish_reason\":\"tool_calls\"}}]}}\n\n\
         data: [DONE]\n\n"
    );
    let (told, deltas, _) = after(vec![stream(&events)]).await;
    let reply = told.answer.unwrap();
    assert_eq!(said(&reply), "it is [key removed] or [key removed]");
    let shown = format!("{reply:?} {deltas:?}");
    assert!(!shown.contains(KEY) && !shown.contains(head) && !shown.contains(&hex), "{shown}");
    assert!(reply.parts.iter().all(|part| !matches!(part, Part::Opaque(_))), "it held the key");
    assert!(reply.more.contains(&("usage".into(), "estimated".into())));
}

#[tokio::test]
async fn an_endless_answer_ends() {
    // An event that never ends, and empty events for ever.
    let line = format!("data: {}", "x".repeat(1 << 20));
    let flood = std::iter::once(Act::Send(STREAM.into())).chain((0..12).map(|_| Act::Send(line[6..].into())));
    let (told, ..) = after(vec![flood.collect()]).await;
    assert!(told.answer.unwrap_err().message.contains("larger than 8 MiB"));

    let pings = (0..400).flat_map(|_| [Act::Send(": ping\n\n".into()), Act::Pause(10)]);
    let server = serve(vec![std::iter::once(Act::Send(STREAM.into())).chain(pings).collect()]).await;
    let mut models = at(server.port, "");
    models.endpoints.get_mut("test").unwrap().patience.total = Duration::from_millis(400);
    let (told, _) = ask(&models, &request("hi")).await;
    assert!(told.answer.unwrap_err().message.contains("has not answered in"));
}

#[tokio::test]
async fn dropping_the_question_closes_the_connection() {
    let text = "data: {\"choices\":[{\"delta\":{\"content\":\"hel\"}}]}\n\n";
    let server = serve(vec![[stream(text), vec![Act::Gone]].concat()]).await;
    let mut models = at(server.port, "");
    models.endpoints.get_mut("test").unwrap().patience.silence = Duration::from_secs(30);
    let begun = tokio::sync::Notify::new();
    let asked = request("hi");
    let asking = Asking { who: "coder", id: id(0), model: &asked.model, request: &asked, most_output: 64 };
    let show = |_| begun.notify_one();
    tokio::select! {
        _ = models.ask(asking, &show) => panic!("it does not end by itself"),
        () = begun.notified() => {}
    }
    tokio::time::timeout(Duration::from_secs(5), server.gone.notified()).await.expect("the server notices");
}

#[tokio::test]
async fn a_busy_server_is_left_alone_by_everybody() {
    let busy = status("429 Slow", "retry-after: 1\r\n", r#"{"error":{"message":"slow down"}}"#);
    let server = serve(vec![busy, hello()]).await;
    let models = at(server.port, "concurrency = 1");
    let asked = request("hi");
    let started = std::time::Instant::now();
    let first = ask(&models, &asked);
    let second = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        ask(&models, &asked).await
    };
    let ((one, _), (two, deltas)) = tokio::join!(first, second);
    assert!(one.answer.is_ok() && two.answer.is_ok());
    assert!(started.elapsed() >= Duration::from_secs(1));
    assert!(agains(&deltas).is_empty(), "the second was not sent before the pause was over");
}

#[tokio::test]
async fn a_proxy_is_asked_when_the_persons_file_names_it() {
    let proxy = serve(vec![hello()]).await;
    let settings = format!(
        "[provider.corp]\nprotocol = \"chat\"\nurl = \"http://models.invalid/v1\"\nproxy = \"http://127.0.0.1:{}\"",
        proxy.port
    );
    let models = models(&settings, Some("corp/m"), &[]).unwrap();
    let (told, _) = ask(&models, &request("hi")).await;
    assert_eq!(said(&told.answer.unwrap()), "hello");
    assert!(proxy.requests.lock().unwrap()[0].starts_with("POST http://models.invalid/v1/chat/completions"));
}

/// A process cannot change its own environment safely, so this test starts itself again with proxies in it.
#[tokio::test]
async fn the_environments_proxies_are_not_asked() {
    if let Ok(port) = std::env::var("PIT_TEST_SERVER_PORT") {
        let (told, _) = ask(&at(port.parse().unwrap(), ""), &request("hi")).await;
        assert_eq!(said(&told.answer.unwrap()), "hello");
        return;
    }
    let (server, proxy) = (serve(vec![hello()]).await, serve(vec![hello()]).await);
    let address = format!("http://127.0.0.1:{}", proxy.port);
    let mut again = tokio::process::Command::new(std::env::current_exe().unwrap());
    again.args([
        "--exact",
        concat!(module_path!(), "::the_environments_proxies_are_not_asked").split_once("::").unwrap().1,
    ]);
    for name in ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] {
        again.env(name, &address);
    }
    let output = again.env("PIT_TEST_SERVER_PORT", server.port.to_string()).output().await.unwrap();
    assert!(output.status.success() && String::from_utf8_lossy(&output.stdout).contains("1 passed"), "{output:?}");
    assert_eq!((server.requests.lock().unwrap().len(), proxy.requests.lock().unwrap().len()), (1, 0));
}

#[tokio::test]
async fn nobody_there_is_said_so() {
    let port = serve(vec![]).await.port;
    let mut models = at(port, "");
    models.endpoints.get_mut("test").unwrap().key = None;
    let (told, deltas) = ask(&models, &request("hi")).await;
    let error = told.answer.unwrap_err();
    assert!(error.message.contains("cannot be reached"), "{error}");
    assert_eq!(error.hint, Some(format!("is the server running? it is expected at 127.0.0.1:{port}")));
    assert_eq!(agains(&deltas).len(), 2);
}

#[tokio::test]
async fn anthropics_headers_are_its_own() {
    let events = include_str!("../../fixtures/messages-thinking-calls.sse");
    let server = serve(vec![stream(events)]).await;
    let settings = format!(
        "[provider.anthropic]\nurl = \"http://127.0.0.1:{}/v1\"\nkey = {{ env = \"K\" }}\nheaders = {{ x-team = \"pit\" }}",
        server.port
    );
    let models = models(&settings, Some("anthropic/claude-sonnet-5-5"), &["K"]).unwrap();
    let tool = Tool { name: "view".into(), description: String::new(), parameters: "{}".into() };
    let asked = Request { tools: vec![tool], choice: Choice::Required, ..request("hi") };
    let (told, _) = ask(&models, &asked).await;
    let reply = told.answer.unwrap();
    assert!(reply.more.contains(&("choice".into(), "automatic".into())));
    // 12 fresh at $2, 2,000 read at $0.10, 300 written at $2.50, 95 out at $10.
    assert_eq!(told.micro_usd, Some(24 + 200 + 750 + 950));
    let sent = server.requests.lock().unwrap()[0].to_lowercase();
    for header in [format!("x-api-key: {KEY}"), "anthropic-version: 2023-06-01".into(), "x-team: pit".into()] {
        assert!(sent.contains(&header), "{header}");
    }
    assert!(!sent.contains("authorization:"));
}
