//! All models together: settings, choices and quotes; and against servers on this machine in [`network`].

use std::sync::Mutex;

use orchestra_pit_core::call::CallId;
use orchestra_pit_core::call::model::{Message, Part, Reply, Role, Stop, Tool};
use orchestra_pit_core::id::RunId;

use super::super::Delta;
use super::*;

mod llama;
mod network;
mod server;
mod tls;

const KEY: &str = "sk-test-0123456789abcdef";

fn environment(names: &'static [&'static str]) -> Box<Environment> {
    Box::new(|name| names.contains(&name).then(|| KEY.to_owned()))
}

fn models(settings: &str, chosen: Option<&str>, names: &'static [&'static str]) -> Result<Models, Unusable> {
    let mut settings: Settings = toml::from_str(settings).unwrap();
    if let Some(chosen) = chosen {
        settings.models.insert("default".into(), Alias::Name(chosen.into()));
    }
    Models::new(settings, environment(names))
}

fn request(text: &str) -> Request {
    Request {
        model: String::new(),
        system: "You code.".into(),
        messages: vec![Message { role: Role::User, parts: vec![Part::Text(text.into())] }],
        tools: Vec::new(),
        choice: Choice::Automatic,
        schema: None,
        max_output: None,
        temperature: None,
        more: Vec::new(),
    }
}

fn id(seq: u64) -> CallId {
    CallId { run: RunId([9; 16]), seq }
}

async fn ask(models: &Models, request: &Request) -> (Told, Vec<Delta>) {
    let deltas = Mutex::new(Vec::new());
    let asking = Asking { who: "coder", id: id(3), model: &request.model, request, most_output: 64 };
    let told = models.ask(asking, &|delta| deltas.lock().unwrap().push(delta)).await;
    (told, deltas.into_inner().unwrap())
}

fn said(reply: &Reply) -> String {
    let text = |part: &Part| match part {
        Part::Text(text) => text.clone(),
        _ => String::new(),
    };
    reply.parts.iter().map(text).collect()
}

#[test]
fn which_model() {
    let name = |models: &Models, alias| models.place(alias).map(|place| place.name).map_err(|error| error.message);
    let settings = "[models]\nstrong = \"openai/gpt-6.1-sol\"\nmine = { model = \"ollama/qwen3\", effort = \"low\" }";
    let written = models(settings, None, &[]).unwrap();
    assert_eq!(name(&written, "").unwrap(), "openai/gpt-6.1-sol", "the one that is there for the hard things");
    assert_eq!(name(&written, "mine").unwrap(), "ollama/qwen3");
    assert_eq!(name(&written, "other").unwrap_err(), "this run has no model `other`; it has mine, strong");
    let place = written.place("strong").unwrap();
    assert_eq!((place.host.as_str(), place.priced), ("api.openai.com", true));
    let chosen = models(settings, Some("anthropic/claude-haiku-5-5"), &[]).unwrap();
    assert_eq!(
        name(&chosen, "fast").unwrap(),
        "anthropic/claude-haiku-5-5",
        "a role that nobody filled is the default"
    );
    let about = written.about("mine").unwrap();
    assert_eq!((about.family.as_str(), about.more[0].1.as_str()), ("qwen", "search_replace"));
    let none = models("", None, &["ANTHROPIC_API_KEY"]).unwrap().ready().unwrap_err();
    assert_eq!(none.message, "no model is chosen", "a key alone chooses nothing here");
    let unknown = models("", Some("nobody/model"), &[]).unwrap_err().to_string();
    assert!(unknown.contains("`nobody/model`") && unknown.contains("anthropic"), "{unknown}");
}

#[test]
fn settings_that_cannot_work_are_refused_with_their_place() {
    let refusal = |provider: &str| models(&format!("[provider.corp]\n{provider}"), None, &[]).unwrap_err().to_string();
    assert!(refusal("").starts_with("[provider.corp] needs `protocol`"));
    let chat = "protocol = \"chat\"\n";
    let wrong = |more: &str| refusal(&format!("{chat}{more}"));
    assert!(wrong("url = \"corp\"").contains("that is none"));
    assert!(wrong("url = \"ftp://corp/\"").contains("only https: and http:"));
    assert!(wrong("url = \"https://me:key@corp/v1\"").contains("keys go into `key`"));
    assert!(wrong("url = \"http://corp/v1\"\nkey = { env = \"K\" }").contains("over plain http"));
    let fine = "url = \"https://corp/v1\"\n";
    assert!(wrong(&format!("{fine}headers = {{ Host = \"x\" }}")).contains("connection's own"));
    assert!(wrong(&format!("{fine}headers = {{ \"a b\" = \"x\" }}")).contains("no header name"));
    let proxy = wrong(&format!("{fine}proxy = \"http://me:secret@:x\""));
    assert!(proxy.contains("`proxy`") && !proxy.contains("secret"), "{proxy}");
    assert!(wrong(&format!("{fine}ca = \"no/such.pem\"")).contains("cannot be read"));
    assert!(models(&format!("[provider.corp]\n{chat}{fine}"), Some("corp/m"), &[]).is_ok());
    assert!(toml::from_str::<Settings>("[provider.corp]\nbase_url = \"x\"").is_err());
}

#[test]
fn a_known_providers_key_goes_to_no_other_address() {
    let moved = models("[provider.anthropic]\nurl = \"https://elsewhere.example/v1\"", None, &[]).unwrap();
    assert_eq!(moved.endpoints["anthropic"].key, None);
    assert_eq!(moved.endpoints["openai"].key, Some(Source::Env("OPENAI_API_KEY".into())));
    let tuned = models("[provider.anthropic]\nsilence = 20", None, &[]).unwrap();
    assert_eq!(tuned.endpoints["anthropic"].key, Some(Source::Env("ANTHROPIC_API_KEY".into())));
    assert_eq!(tuned.endpoints["anthropic"].patience.silence, Duration::from_secs(20));
    let shown = format!("{tuned:?} {:?}", tuned.endpoints["anthropic"]);
    assert!(!shown.contains(KEY));
}

#[test]
fn a_quote_is_never_too_low_and_leaves_room() {
    let models = models("", Some("anthropic/claude-haiku-5-5"), &[]).unwrap();
    let mut asked = request(&"word ".repeat(1_000));
    let quote = models.quote(&asked.model, &asked).unwrap();
    assert!(quote.input >= 1_250, "{quote:?}");
    assert_eq!((quote.least_output, quote.most_output), (LEAST_OUTPUT, USUAL_OUTPUT));
    // Held at the cache's price, the dearest for input.
    let expected = (quote.input * 125_000 + 10_000 * 500_000).div_ceil(1_000_000);
    assert_eq!(quote.micro_usd(10_000), Some(expected));

    asked.max_output = Some(500);
    let quote = models.quote(&asked.model, &asked).unwrap();
    assert_eq!((quote.least_output, quote.most_output), (500, 500));
    asked.max_output = Some(u32::MAX);
    assert_eq!(models.quote(&asked.model, &asked).unwrap().most_output, 128_000);
    // Above a hundred thousand tokens of input this model costs five times as much, and the quote knows.
    let long = models.quote("", &request(&"word ".repeat(60_000))).unwrap();
    assert_eq!(long.price.map(|price| price.output), Some(crate::effect::model::price::Rate(2_500_000)));

    let local = super::tests::models("", Some("openrouter/some/model"), &[]).unwrap();
    let quote = local.quote("", &request(&"word ".repeat(50_000))).unwrap();
    assert_eq!((quote.price, quote.micro_usd(1), quote.most_output), (None, None, LEAST_OUTPUT));
}
