//! A real model on a real server: SmolLM2 on llama.cpp, through all three protocols. `cargo xtask test` installs both and
//! says where they are; without it the test says that it was skipped.

use std::process::Stdio;

use super::super::super::wire::Protocol;
use super::*;

/// Ends when its standard input does, so that no server outlives its test, however that ends.
struct Server {
    port: u16,
    _process: tokio::process::Child,
}

/// `None` without the variables.
async fn start() -> Option<Server> {
    let (server, model) = (std::env::var("PIT_TEST_LLAMA_SERVER").ok()?, std::env::var("PIT_TEST_LLAMA_MODEL").ok()?);
    // Free a moment ago; the server has no way to say which port it got.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut command = tokio::process::Command::new(server);
    command.arg(model).arg(port.to_string()).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut process = command.kill_on_drop(true).spawn().unwrap();
    for _ in 0..600 {
        assert_eq!(process.try_wait().unwrap(), None, "the server has ended");
        if tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
            return Some(Server { port, _process: process });
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the server does not listen");
}

impl Server {
    fn over(&self, protocol: Protocol) -> Models {
        let settings = format!(
            "[provider.llama-server]\nprotocol = \"{}\"\nurl = \"http://127.0.0.1:{}/v1\"\n\
             [[family]]\nmatch = [\"smollm*\"]\ncontext = 2048\n",
            protocol.word(),
            self.port
        );
        models(&settings, Some("llama-server/smollm2"), &[]).unwrap()
    }
}

const ALL: [Protocol; 3] = [Protocol::Chat, Protocol::Responses, Protocol::Messages];

fn asked(seed: u32) -> Request {
    let temperature = Some(if seed == 0 { 0.0 } else { 1.5 });
    Request {
        temperature,
        max_output: Some(6),
        more: vec![("seed".into(), seed.to_string())],
        ..request("Say a word.")
    }
}

async fn told(models: &Models, request: &Request) -> (Told, Vec<Delta>) {
    let deltas = Mutex::new(Vec::new());
    let most_output = models.quote(&request.model, request).unwrap().most_output;
    let asking = Asking { who: "coder", id: id(1), model: &request.model, request, most_output };
    let told = models.ask(asking, &|delta| deltas.lock().unwrap().push(delta)).await;
    (told, deltas.into_inner().unwrap())
}

/// One test, because one server serves it, one request at a time.
#[tokio::test]
async fn a_real_model_answers_over_each_protocol() {
    let Some(server) = start().await else {
        eprintln!("skipped: PIT_TEST_LLAMA_SERVER and PIT_TEST_LLAMA_MODEL are not set; `cargo xtask test` sets them");
        return;
    };
    // It listens before it has read the model, and answers 503 meanwhile: a question put now waits for it.
    told(&server.over(Protocol::Chat), &asked(0)).await.0.answer.unwrap();
    for protocol in ALL {
        streams_and_counts(&server.over(protocol)).await;
    }
    // Anthropic's protocol has no seed, and llama.cpp takes none over it.
    for protocol in [Protocol::Chat, Protocol::Responses] {
        seed_decides(&server.over(protocol)).await;
    }
    for protocol in ALL {
        overflow_is_typed(&server.over(protocol)).await;
        dropping_frees_the_server(&server.over(protocol)).await;
    }
    schema_is_kept(&server.over(Protocol::Chat)).await;
}

async fn streams_and_counts(models: &Models) {
    let (told, deltas) = told(models, &asked(0)).await;
    let reply = told.answer.unwrap();
    let text = |delta: &Delta| match delta {
        Delta::Text(text) => text.clone(),
        other => panic!("{other:?}"),
    };
    let shown: String = deltas.iter().map(text).collect();
    assert_eq!(shown, said(&reply));
    assert!(deltas.len() > 1 && !shown.is_empty(), "{shown}");
    assert!(reply.model.ends_with(".gguf"), "{}", reply.model);
    assert_eq!((reply.usage.output, reply.stop), (6, Stop::Length));
    assert!((20..80).contains(&reply.usage.input), "{:?}", reply.usage);
    assert_eq!(told.micro_usd, Some(0), "one's own machine costs nothing");
    // The estimate is for the budget: never below what the server counts.
    assert!(models.quote("", &asked(0)).unwrap().input >= reply.usage.input - 20);
}

async fn seed_decides(models: &Models) {
    let mut texts = Vec::new();
    for seed in [11, 11, 12, 13] {
        texts.push(said(&told(models, &asked(seed)).await.0.answer.unwrap()));
    }
    assert_eq!(texts[0], texts[1]);
    assert!(texts[2] != texts[0] || texts[3] != texts[0], "{texts:?}");
}

async fn overflow_is_typed(models: &Models) {
    let long = request(&"word ".repeat(4_000));
    let (told, deltas) = told(models, &long).await;
    assert_eq!(told.answer.unwrap_err().kind, ErrorKind::ContextFull);
    assert!(deltas.is_empty(), "it is not tried again");
}

/// The server has one place: were it still busy with the dropped request, the next would wait for 1,500 tokens.
async fn dropping_frees_the_server(models: &Models) {
    let endless = Request { max_output: Some(1_500), ..request("Count from 1 to 1000, all numbers.") };
    let begun = tokio::sync::Notify::new();
    let show = |_| begun.notify_one();
    let most_output = models.quote(&endless.model, &endless).unwrap().most_output;
    assert!(most_output > 1_000);
    tokio::select! {
        told = models.ask(Asking { who: "coder", id: id(2), model: &endless.model, request: &endless, most_output }, &show) => {
            panic!("it ends before it was dropped: {told:?}")
        }
        () = begun.notified() => {}
    }
    let short = asked(0);
    let next = tokio::time::timeout(Duration::from_secs(120), told(models, &short));
    assert!(next.await.expect("the server is free again").0.answer.is_ok());
}

async fn schema_is_kept(models: &Models) {
    let schema = r#"{"type":"object","properties":{"n":{"type":"integer","minimum":0,"maximum":9}},"required":["n"],"additionalProperties":false}"#;
    let asked = Request { schema: Some(schema.into()), max_output: Some(40), ..asked(0) };
    let reply = told(models, &asked).await.0.answer.unwrap();
    let value: serde_json::Value = serde_json::from_str(&said(&reply)).unwrap();
    assert!(value["n"].as_u64().is_some_and(|n| n < 10), "{value}");
    assert_eq!(reply.stop, Stop::End);
}
