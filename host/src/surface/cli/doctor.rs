//! `pit doctor`: whether everything is there that a run needs, and what to type where it is not. Nothing is sent further than
//! to this machine's own servers.

#![expect(
    clippy::disallowed_methods,
    reason = "looks for model servers on this machine's own loopback ports, and nowhere else"
)]

mod walls;

use std::io::IsTerminal;
use std::path::Path;
use std::time::Duration;

use orchestra_pit_core::commands::Walls;
use orchestra_pit_core::text::excerpt;
use serde::Serialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use url::{Host, Url};

use super::Failure;
use super::git::Git;
use super::open::{Place, dirs};
use super::out::out;
use super::setting;
use crate::config::dirs::ORGANISATION;
use crate::config::written::Flags;
use crate::effect::model::family::{Families, KnownProvider};
use crate::effect::model::key;
use crate::effect::model::settings::Provider;
use crate::surface::exit::Exit;
use crate::surface::terminal::tty;

/// How long a server on this machine may take to answer: it does it in a millisecond, or is busy loading a model.
const PATIENCE: Duration = Duration::from_millis(500);
/// Bytes of its answer.
const MOST: u64 = 256 << 10;

/// `pit doctor`
#[derive(Debug, clap::Args)]
pub struct Args {
    /// As JSON, an object a line.
    #[arg(long)]
    json: bool,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Line {
    schema: u32,
    what: &'static str,
    state: Standing,
    found: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    walls: Option<walls::Seen>,
}

/// Whether it is there.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
enum Standing {
    /// It is.
    Ok,
    /// It is not, and nothing needs it.
    None,
    /// It is not, and runs need it.
    Missing,
}

impl Line {
    fn ok(what: &'static str, found: impl Into<String>) -> Self {
        Self { schema: 1, what, state: Standing::Ok, found: found.into(), hint: None, walls: None }
    }

    fn none(what: &'static str, found: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { schema: 1, what, state: Standing::None, found: found.into(), hint: Some(hint.into()), walls: None }
    }

    fn missing(what: &'static str, failure: &Failure) -> Self {
        // A line that can be typed is more help than another.
        let hint = failure.hints.iter().find(|hint| hint.contains("pit ")).or(failure.hints.first()).cloned();
        Self { schema: 1, what, state: Standing::Missing, found: failure.error.clone(), hint, walls: None }
    }
}

/// Looks at everything.
pub async fn run(at: &Place, args: Args) -> Result<Exit, Failure> {
    let mut lines = vec![git(), repository(at), state(at)];
    lines.extend(folders());
    let machine = at.machine();
    let settled = at.repo().and_then(|repo| setting::settle(&repo, &Flags::default())).ok();
    let required = settled.map_or_else(Walls::default, |settled| settled.commands().walls);
    let walls = tokio::task::spawn_blocking(move || walls::lines(machine.as_ref(), required));
    lines.extend(walls.await.unwrap_or_default());
    lines.extend(files(at));
    lines.extend(models(at).await?);
    lines.push(terminal());
    for line in &lines {
        if args.json {
            out!("{}", serde_json::to_string(line)?);
            continue;
        }
        let mark = match line.state {
            Standing::Ok => "ok",
            Standing::None => "none",
            Standing::Missing => "MISSING",
        };
        out!("{:<8} {:<12} {}", mark, line.what, excerpt(&line.found, 300));
        if let Some(hint) = &line.hint {
            out!("{:<21} {}", "", excerpt(hint, 300));
        }
    }
    Ok(if lines.iter().any(|line| line.state == Standing::Missing) { Exit::Failed } else { Exit::Done })
}

fn git() -> Line {
    match Git::at(Path::new(".")).text(&["--version"]) {
        Ok(version) => Line::ok("git", version),
        Err(failure) => Line::missing("git", &failure.hint("install git: accepting a result is done by yours")),
    }
}

fn repository(at: &Place) -> Line {
    let found = at.repo().and_then(|repo| {
        let head = repo.head()?;
        let branch = head.branch.map_or("a detached HEAD".to_owned(), |branch| branch.replacen("refs/heads/", "", 1));
        let name = &repo.person().name;
        Ok(format!("{} on {branch}; agents commit in their own name, you as {name}", repo.common().display()))
    });
    match found {
        Ok(found) => Line::ok("repository", found),
        Err(failure) => Line::missing("repository", &failure),
    }
}

fn state(at: &Place) -> Line {
    match at.desk() {
        Ok(desk) => Line::ok("state", desk.repo.state().display().to_string()),
        Err(failure) => Line::missing("state", &failure),
    }
}

fn folders() -> Vec<Line> {
    let dirs = dirs();
    let mut lines = Vec::new();
    for (what, path) in [("cache", &dirs.cache), ("trust", &dirs.state)] {
        let notice = dirs.notices.iter().find(|notice| notice.what == if what == "cache" { "cache" } else { "state" });
        lines.push(match (path, notice) {
            (Some(path), None) => Line::ok(what, path.display().to_string()),
            (Some(path), Some(notice)) => Line::none(
                what,
                format!("{} instead of its own place: {}", path.display(), notice.why),
                "set HOME to a folder that can be written",
            ),
            (None, _) => Line::missing(
                what,
                &Failure::new(Exit::Failed, "there is no private folder")
                    .hint("set HOME or TMPDIR to a folder that can be written"),
            ),
        });
    }
    lines
}

fn files(at: &Place) -> Vec<Line> {
    let user = dirs().user_file().map(|path| path.display().to_string()).unwrap_or_default();
    let Ok(repo) = at.repo() else { return Vec::new() };
    let files = match setting::files(&repo, &dirs()) {
        Ok(files) => files,
        Err(failure) => return vec![Line::missing("files", &failure)],
    };
    let mut lines = Vec::new();
    lines.push(match &files.organisation {
        Some(_) => Line::ok("policy", ORGANISATION),
        None => Line::none("policy", format!("no {ORGANISATION}: nobody but you sets rules"), "nothing to do"),
    });
    lines.push(match &files.user {
        Some(_) => Line::ok("your file", user),
        None => {
            Line::none("your file", "everything is as it comes", format!("models and limits of yours go into {user}"))
        }
    });
    lines.push(match (&files.repository, setting::settle(&repo, &Flags::default())) {
        (_, Err(failure)) => Line::missing("pit.toml", &failure),
        (Some(_), Ok(_)) => Line::ok("pit.toml", "read"),
        (None, Ok(_)) => Line::none("pit.toml", "none here; runs work without", "pit init writes a first one"),
    });
    lines
}

async fn models(at: &Place) -> Result<Vec<Line>, Failure> {
    let settled = at.repo().and_then(|repo| setting::settle(&repo, &Flags::default())).ok();
    let rows = settled.as_ref().map(|settled| settled.model_settings().family).unwrap_or_default();
    let families = Families::new(rows)?;
    let mut lines = Vec::new();
    let mut named: Vec<&str> = Vec::new();
    for known in families.providers() {
        let set = |name: &&String| setting::environment(name).is_some_and(|value| !value.is_empty());
        if let Some(variable) = known.key_env.as_ref().filter(set) {
            lines.push(Line::ok(
                "key",
                format!("{variable} is set, for {} at {}", known.name, host(known.url.as_deref())),
            ));
            named.push(&known.name);
        }
    }
    let mut own = false;
    for (name, provider) in settled.iter().flat_map(|settled| settled.model_settings().provider) {
        lines.push(endpoint(&name, &provider).await);
        own = true;
    }
    let aliases: Vec<String> = settled.iter().flat_map(|settled| settled.model_settings().models.into_keys()).collect();
    if !aliases.is_empty() {
        lines.push(Line::ok("aliases", format!("{}, by your file", aliases.join(", "))));
    }
    let local = families.providers().iter().filter_map(|known| Some((known, loopback(known)?)));
    let mut local_found = false;
    for (known, url) in local {
        let Some(models) = ask(&url).await else { continue };
        local_found = true;
        lines.push(match models.first() {
            Some(model) => Line::ok(
                "local server",
                format!(
                    "{} at {}: -m {}/{}{}",
                    known.name,
                    host(Some(url.as_str())),
                    known.name,
                    model,
                    more(models.len())
                ),
            ),
            None => Line::none(
                "local server",
                format!("{} at {} has no model", known.name, host(Some(url.as_str()))),
                "load one",
            ),
        });
    }
    if !local_found && named.is_empty() && aliases.is_empty() && !own {
        let no = Failure::new(
            Exit::Failed,
            "no key in the environment, no alias in your file, no server on this machine",
        )
        .hint(
            "export ANTHROPIC_API_KEY=…, or start Ollama, llama-server, LM Studio or vLLM and name it: -m ollama/MODEL",
        );
        lines.push(Line::missing("model", &no));
    } else if !local_found {
        lines.push(Line::none("local server", "none on this machine's usual ports", "nothing to do"));
    }
    Ok(lines)
}

/// An endpoint of the person's file, and whether its key is where that says. A keyring or a command is not asked: it may ask the
/// person in turn.
async fn endpoint(name: &str, provider: &Provider) -> Line {
    let found = format!("{name} at {}, by your file", host(provider.url.as_deref()));
    match &provider.key {
        Some(key @ (key::Source::Env(_) | key::Source::File(_))) => match key.read(&setting::environment).await {
            Ok(_) => Line::ok("endpoint", found),
            Err(error) => Line::none(
                "endpoint",
                format!("{found}; its key is not to be had: {}", error.message),
                error.hint.unwrap_or_else(|| "say in your file where it is".to_owned()),
            ),
        },
        _ => Line::ok("endpoint", found),
    }
}

fn more(models: usize) -> String {
    if models > 1 { format!(" (and {} more)", models - 1) } else { String::new() }
}

fn host(url: Option<&str>) -> String {
    let url = url.and_then(|url| Url::parse(url).ok());
    url.and_then(|url| {
        Some(format!("{}{}", url.host_str()?, url.port().map(|port| format!(":{port}")).unwrap_or_default()))
    })
    .unwrap_or_else(|| "its known place".to_owned())
}

/// The address of a provider that is on this machine, by the table.
fn loopback(known: &KnownProvider) -> Option<Url> {
    let url = Url::parse(known.url.as_deref()?).ok()?;
    let here = match url.host()? {
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
        Host::Domain(name) => name == "localhost",
    };
    here.then_some(url)
}

/// The models of a server on this machine; none if there is no server that answers as one of models does.
async fn ask(url: &Url) -> Option<Vec<String>> {
    let port = url.port_or_known_default()?;
    let asked = async {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await.ok()?;
        let path = format!("{}/models", url.path().trim_end_matches('/'));
        let request = format!("GET {path} HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\nAccept: application/json\r\n\r\n");
        stream.write_all(request.as_bytes()).await.ok()?;
        let mut answer = Vec::new();
        stream.take(MOST).read_to_end(&mut answer).await.ok()?;
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let (_, body) = answer.split_once("\r\n\r\n")?;
        let body = body.get(body.find('{')?..=body.rfind('}')?)?;
        let list: serde_json::Value = serde_json::from_str(body).ok()?;
        let ids = list.get("data")?.as_array()?.iter().filter_map(|model| model.get("id")?.as_str());
        Some(ids.map(|id| excerpt(id, 100)).collect())
    };
    tokio::time::timeout(PATIENCE, asked).await.ok()?
}

fn terminal() -> Line {
    let (input, output) = (std::io::stdin().is_terminal(), std::io::stderr().is_terminal());
    if !input || !output {
        return Line::none(
            "terminal",
            "none here: runs ask nobody and show a line for each thing that happens",
            "--approval-mode ask lets people answer from other terminals",
        );
    }
    let size = tty::size(std::io::stderr());
    let kind = std::env::var("TERM").unwrap_or_else(|_| "no TERM".to_owned());
    Line::ok("terminal", format!("{kind}, {} columns, {} rows", size.columns, size.rows))
}
