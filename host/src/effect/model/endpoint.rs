//! One provider's server: the only place where a model's request leaves the machine.
//!
//! Proxies come from the person's file and never from the environment, redirects are not followed (they would carry
//! the key elsewhere), nothing is unpacked, and every read is bounded in bytes and time. Dropping the future closes the
//! connection, which is how a server learns that nobody listens any more.

#![expect(clippy::disallowed_methods, reason = "the one client for models, told all that it must not do")]

use std::sync::Mutex;
use std::time::Duration;

use orchestra_pit_core::amount::Span;
use orchestra_pit_core::call::model::{Part, Reply, Usage};
use orchestra_pit_core::call::{CallId, Error, ErrorKind};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use tokio::sync::OnceCell;
use tokio::time::timeout;

use super::complaint::Complaint;
use super::key::{Environment, Source};
use super::patience::{Limiter, Patience, retry_after};
use super::secret::{Redactor, Secret, Stream};
use super::sse::Parser;
use super::wire::{Decoder, Fault, Prepared, Protocol};
use super::{Delta, Events, estimate};

/// A provider's server.
#[derive(Debug)]
pub struct Endpoint {
    /// Its name, for people.
    pub name: String,
    /// How it is spoken to.
    pub protocol: Protocol,
    /// The base address.
    pub url: reqwest::Url,
    /// Where its key is; a local server needs none.
    pub key: Option<Source>,
    /// The header the key goes into.
    pub key_header: HeaderName,
    /// Sent with each request.
    pub headers: HeaderMap,
    /// As the person's file says.
    pub proxy: Option<reqwest::Proxy>,
    /// Trusted beside the machine's.
    pub certificates: Vec<reqwest::Certificate>,
    /// How long and how often.
    pub patience: Patience,
    /// How many at a time.
    pub limiter: Limiter,
    /// Made when first asked: it reads the machine's certificates, which takes longer than `pit --help` may.
    pub client: OnceCell<reqwest::Client>,
    /// Read when first asked, and kept.
    pub secret: OnceCell<Option<Secret>>,
}

/// What became of a request.
#[derive(Debug)]
pub struct Outcome {
    /// The reply, or why there is none.
    pub answer: Result<Reply, Error>,
    /// What attempts that broke off used.
    pub lost: Usage,
}

/// An attempt that failed.
struct Trouble {
    error: Box<Error>,
    passing: bool,
    busy: bool,
    after: Option<Duration>,
    used: Usage,
}

/// Bytes of an error's body that are read.
const MAX_COMPLAINT: usize = 64 << 10;

/// How long the end of a body is waited for when its last event has come, so that the connection can be used again.
const TAIL: Duration = Duration::from_millis(20);

impl Endpoint {
    /// The server's host, for the first line of a run.
    pub fn host(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        self.url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    /// Asks until there is an answer or patience ends.
    pub async fn ask(
        &self,
        prepared: &Prepared<'_>,
        id: CallId,
        environment: &Environment,
        events: Events<'_>,
    ) -> Outcome {
        let lost = Mutex::new(Usage::default());
        let attempts = self.attempts(prepared, id, environment, events, &lost);
        let answer = match timeout(self.patience.total, attempts).await {
            Ok(answer) => answer,
            Err(_) => Err(self.unavailable(format!("has not answered in {} seconds", self.patience.total.as_secs()))),
        };
        Outcome { answer, lost: lost.into_inner().unwrap_or_default() }
    }

    async fn attempts(
        &self,
        prepared: &Prepared<'_>,
        id: CallId,
        environment: &Environment,
        events: Events<'_>,
        lost: &Mutex<Usage>,
    ) -> Result<Reply, Error> {
        let secret = self.secret(environment).await?;
        let redactor = secret.map(Secret::redactor).unwrap_or_default();
        let headers = self.headers(secret, id)?;
        for attempt in 1.. {
            let place = self.limiter.enter().await;
            // Written anew for each attempt, and gone once it is sent: it is as large as the conversation, and of many agents
            // that wait for their models each would keep one more copy.
            let body = self.protocol.encode(prepared)?;
            let sent = self.once(prepared, body, headers.clone(), &redactor, events).await;
            drop(place);
            let trouble = match sent {
                Ok(reply) => return cleaned(reply, &redactor),
                Err(trouble) => trouble,
            };
            if let Ok(mut lost) = lost.lock() {
                add(&mut lost, &trouble.used);
            }
            let error = Error { message: redactor.clean(&trouble.error.message).into_owned(), ..*trouble.error };
            let wait = trouble.passing.then(|| self.patience.wait(attempt, id, trouble.after)).flatten();
            let Some(wait) = wait else {
                return Err(match trouble.after.filter(|_| trouble.passing) {
                    Some(after) => self.later(error, after),
                    None => self.hinted(error),
                });
            };
            if trouble.busy {
                self.limiter.pause(wait);
            }
            events(Delta::Again { why: error.message, wait_ms: u64::try_from(wait.as_millis()).unwrap_or(u64::MAX) });
            tokio::time::sleep(wait).await;
        }
        Err(self.unavailable("was not asked".into()))
    }

    async fn secret(&self, environment: &Environment) -> Result<Option<&Secret>, Error> {
        let read = async || match &self.key {
            Some(source) => source.read(environment).await.map(Some),
            None => Ok(None),
        };
        self.secret.get_or_try_init(read).await.map(Option::as_ref)
    }

    fn headers(&self, secret: Option<&Secret>, id: CallId) -> Result<HeaderMap, Error> {
        let mut headers = self.headers.clone();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if self.protocol == Protocol::Messages {
            headers.entry("anthropic-version").or_insert(HeaderValue::from_static("2023-06-01"));
        }
        // The same for every attempt and after a crash: a server that knows such keys does the work once.
        if let Ok(key) = HeaderValue::from_str(&format!("pit-{}-{}", id.run, id.seq)) {
            headers.insert("idempotency-key", key);
        }
        if let Some(secret) = secret {
            let bearer = self.key_header == AUTHORIZATION;
            let value = if bearer { format!("Bearer {}", secret.expose()) } else { secret.expose().to_owned() };
            let mut value = HeaderValue::from_str(&value)
                .map_err(|_| Error::denied("model-key", "the key has characters that no header can have"))?;
            value.set_sensitive(true);
            headers.insert(self.key_header.clone(), value);
        }
        Ok(headers)
    }

    async fn client(&self) -> Result<&reqwest::Client, Error> {
        let build = async || {
            // An error means that there is one already, which is as good.
            let _ = rustls::crypto::ring::default_provider().install_default();
            let mut builder = reqwest::Client::builder()
                .user_agent(concat!("orchestra-pit/", env!("CARGO_PKG_VERSION")))
                .no_proxy()
                .redirect(reqwest::redirect::Policy::none())
                .retry(reqwest::retry::never())
                .referer(false)
                .connect_timeout(self.patience.connect);
            if let Some(proxy) = &self.proxy {
                builder = builder.proxy(proxy.clone());
            }
            if !self.certificates.is_empty() {
                builder = builder.tls_certs_merge(self.certificates.iter().cloned());
            }
            builder.build().map_err(|error| self.unavailable(format!("cannot be spoken to: {}", chain(&error))))
        };
        self.client.get_or_try_init(build).await
    }

    /// One attempt.
    async fn once(
        &self,
        prepared: &Prepared<'_>,
        body: String,
        headers: HeaderMap,
        redactor: &Redactor,
        events: Events<'_>,
    ) -> Result<Reply, Trouble> {
        let client = self.client().await.map_err(Trouble::lasting)?;
        let path = format!("{}{}", self.url.path().trim_end_matches('/'), self.protocol.path());
        let mut url = self.url.clone();
        url.set_path(&path);
        // Wrapped, nobody on the way can clone it for a redirect or a retry that there will never be.
        let request = client.post(url).headers(headers).body(reqwest::Body::wrap(body)).send();
        let mut response = match timeout(self.patience.silence, request).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Err(Trouble::passing(self.broken(&error))),
            Err(_) => return Err(Trouble::passing(self.silent())),
        };
        let streams = response.headers().get(CONTENT_TYPE).is_some_and(|kind| {
            kind.to_str().is_ok_and(|kind| kind.trim_start().to_ascii_lowercase().starts_with("text/event-stream"))
        });
        if !response.status().is_success() || !streams {
            return Err(self.complaint(&mut response).await);
        }
        let mut reading = Reading::new(self.protocol.decoder(prepared), redactor, events);
        loop {
            let piece = match timeout(self.patience.silence, response.chunk()).await {
                Ok(Ok(Some(piece))) => piece,
                Ok(Ok(None)) => break,
                Ok(Err(error)) => return Err(reading.broke(prepared, Trouble::passing(self.broken(&error)))),
                Err(_) => return Err(reading.broke(prepared, Trouble::passing(self.silent()))),
            };
            if let Err(trouble) = reading.take(&piece, self) {
                return Err(reading.broke(prepared, trouble));
            }
            if reading.decoder.is_done() {
                // Anything that still comes is not read; the usual nothing lets the connection be kept.
                let _ = timeout(TAIL, response.chunk()).await;
                break;
            }
        }
        reading.finish(prepared, self)
    }

    /// What an answer that is no stream says.
    async fn complaint(&self, response: &mut reqwest::Response) -> Trouble {
        let (status, after) = (response.status(), retry_after(response.headers()));
        let mut body = Vec::new();
        while let Ok(Ok(Some(piece))) =
            timeout(self.patience.silence.min(Duration::from_secs(10)), response.chunk()).await
        {
            body.extend_from_slice(piece.get(..piece.len().min(MAX_COMPLAINT - body.len())).unwrap_or_default());
            if body.len() == MAX_COMPLAINT {
                break;
            }
        }
        if status.is_redirection() {
            let message = format!(
                "{} redirects ({status}), which is not followed: it would carry the key elsewhere",
                self.place()
            );
            let error = Error::new(ErrorKind::Invalid, message);
            return Trouble::lasting(error.hint("put the final address into your configuration"));
        }
        if status.is_success()
            && serde_json::from_slice::<serde_json::Value>(&body).is_ok_and(|said| said.get("error").is_none())
        {
            let message = format!("{} does not stream its answers", self.place());
            return Trouble::lasting(Error::new(ErrorKind::Unsupported, message));
        }
        let status = if status.is_success() { 502 } else { status.as_u16() };
        let complaint = Complaint::body(status, &body);
        Trouble { after, ..Trouble::complaint(&complaint, self) }
    }

    fn place(&self) -> String {
        format!("{} at {}", self.name, self.host())
    }

    fn unavailable(&self, what: String) -> Error {
        Error::new(ErrorKind::Unavailable, format!("{} {what}", self.place()))
    }

    fn silent(&self) -> Error {
        self.unavailable(format!("was silent for {} seconds", self.patience.silence.as_secs_f32()))
    }

    fn broken(&self, error: &reqwest::Error) -> Error {
        let what = if error.is_connect() { "cannot be reached" } else { "broke off" };
        self.unavailable(format!("{what}: {}", chain(error)))
    }

    /// The error with how long the server wants to be left alone: whoever goes on before gets the same answer.
    fn later(&self, error: Error, after: Duration) -> Error {
        let asked = span(after);
        let most = match after > self.patience.longest_wait {
            true => format!(" and pit waits {} at most", span(self.patience.longest_wait)),
            false => String::new(),
        };
        let message = format!("{}; it asks to wait {asked}{most}", error.message);
        Error { message, ..error }.hint(format!("go on in {asked}: pit send ID \"go on\""))
    }

    /// The error with what would help.
    fn hinted(&self, error: Error) -> Error {
        if error.hint.is_some() {
            return error;
        }
        let key = self.key.as_ref().map(Source::place);
        let hint = match (error.kind, key) {
            (ErrorKind::Denied, Some(key)) => {
                format!("the key comes from {key}: is it for {}, and still valid?", self.name)
            }
            (ErrorKind::Denied, None) => {
                format!("name the key's place in your configuration: [provider.{}] key = …", self.name)
            }
            (ErrorKind::Unavailable, None) => format!("is the server running? it is expected at {}", self.host()),
            (ErrorKind::NotFound, _) => "choose a model that this server has".into(),
            _ => return error,
        };
        let rule = (error.kind == ErrorKind::Denied).then(|| "model-key".to_owned()).or(error.rule.clone());
        Error { rule, ..error }.hint(hint)
    }
}

impl Trouble {
    fn passing(error: Error) -> Self {
        Self { error: Box::new(error), passing: true, busy: false, after: None, used: Usage::default() }
    }

    fn lasting(error: Error) -> Self {
        Self { passing: false, ..Self::passing(error) }
    }

    fn complaint(complaint: &Complaint, endpoint: &Endpoint) -> Self {
        let Complaint { passing, busy, .. } = *complaint;
        Self { passing, busy, ..Self::passing(complaint.error(&endpoint.place())) }
    }

    fn fault(fault: Fault, endpoint: &Endpoint) -> Self {
        match fault {
            Fault::Complaint(complaint) => Self::complaint(&complaint, endpoint),
            Fault::Cut => Self::passing(endpoint.unavailable("broke off before the end of its answer".into())),
            Fault::Garbled(why) => Self::passing(endpoint.unavailable(format!("answers what cannot be read: {why}"))),
        }
    }
}

/// An answer on its way from pieces of a body to deltas and a reply.
struct Reading<'a> {
    parser: Parser,
    decoder: Decoder,
    redactor: &'a Redactor,
    events: Events<'a>,
    /// For text, thinking and arguments: each may end in half a key.
    streams: [Stream; 3],
    begun: bool,
}

impl<'a> Reading<'a> {
    fn new(decoder: Decoder, redactor: &'a Redactor, events: Events<'a>) -> Self {
        Self { parser: Parser::default(), decoder, redactor, events, streams: Default::default(), begun: false }
    }

    fn take(&mut self, piece: &[u8], endpoint: &Endpoint) -> Result<(), Trouble> {
        let mut complete = Vec::new();
        let read = self.parser.push(piece, &mut complete);
        let mut deltas = Vec::new();
        for event in &complete {
            self.begun = true;
            let taken = self.decoder.event(event, &mut deltas);
            deltas.drain(..).for_each(|delta| self.show(delta));
            taken.map_err(|fault| Trouble::fault(fault, endpoint))?;
        }
        read.map_err(|why| Trouble::lasting(endpoint.unavailable(format!("answers what cannot be read: {why}"))))
    }

    fn show(&mut self, delta: Delta) {
        let [text, thinking, arguments] = &mut self.streams;
        let delta = match delta {
            Delta::Text(more) => Delta::Text(text.push(self.redactor, &more)),
            Delta::Thinking(more) => Delta::Thinking(thinking.push(self.redactor, &more)),
            Delta::Arguments(more) => Delta::Arguments(arguments.push(self.redactor, &more)),
            Delta::Call(name) => Delta::Call(self.redactor.clean(&name).into_owned()),
            other @ (Delta::Again { .. } | Delta::Command(_) | Delta::Output(_)) => other,
        };
        let empty =
            matches!(&delta, Delta::Text(more) | Delta::Thinking(more) | Delta::Arguments(more) if more.is_empty());
        if !empty {
            (self.events)(delta);
        }
    }

    /// What an attempt used that breaks off now: what the server has counted, or what has come and what was sent.
    fn broke(&self, prepared: &Prepared<'_>, trouble: Trouble) -> Trouble {
        let arrived = self.decoder.arrived();
        let estimated = Usage { input: estimate::request(prepared.request), output: arrived, ..Usage::default() };
        let used = match self.decoder.usage() {
            Some(usage) => Usage { output: usage.output.max(arrived), ..usage },
            None if self.begun => estimated,
            None => Usage::default(),
        };
        Trouble { used, ..trouble }
    }

    fn finish(mut self, prepared: &Prepared<'_>, endpoint: &Endpoint) -> Result<Reply, Trouble> {
        let [text, thinking, arguments] = &mut self.streams;
        let of = self.redactor;
        let rest = [Delta::Thinking(thinking.end(of)), Delta::Text(text.end(of)), Delta::Arguments(arguments.end(of))];
        for delta in rest {
            if !matches!(&delta, Delta::Text(more) | Delta::Thinking(more) | Delta::Arguments(more) if more.is_empty())
            {
                (self.events)(delta);
            }
        }
        if self.parser.is_cut() && !self.decoder.is_done() {
            return Err(self.broke(prepared, Trouble::fault(Fault::Cut, endpoint)));
        }
        let counted = self.decoder.usage().is_some();
        let lost = self.broke(prepared, Trouble::passing(endpoint.unavailable(String::new()))).used;
        match self.decoder.finish() {
            Ok(mut reply) => {
                if !counted {
                    reply.usage = estimate::usage(prepared.request, &reply);
                    reply.more.push(("usage".into(), "estimated".into()));
                }
                Ok(reply)
            }
            Err(fault) => Err(Trouble { used: lost, ..Trouble::fault(fault, endpoint) }),
        }
    }
}

/// The reply without the key, should the server have said it.
fn cleaned(mut reply: Reply, redactor: &Redactor) -> Result<Reply, Error> {
    let clean = |text: &mut String| {
        if let std::borrow::Cow::Owned(cleaned) = redactor.clean(text) {
            *text = cleaned;
        }
    };
    clean(&mut reply.model);
    reply.more.iter_mut().for_each(|(_, value)| clean(value));
    reply.parts.retain(|part| !matches!(part, Part::Opaque(opaque) if redactor.is_in(&opaque.data)));
    for part in &mut reply.parts {
        match part {
            Part::Text(text) => clean(text),
            Part::ToolCall(call) => [&mut call.id, &mut call.name, &mut call.arguments].into_iter().for_each(clean),
            Part::ToolResult(_) | Part::Opaque(_) => {}
        }
    }
    Ok(reply)
}

/// A wait as people write it, no shorter than it is.
fn span(wait: Duration) -> Span {
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    Span(seconds.saturating_mul(1_000_000))
}

/// Adds what one more attempt used.
pub(super) fn add(to: &mut Usage, more: &Usage) {
    to.input = to.input.saturating_add(more.input);
    to.cached_read = to.cached_read.saturating_add(more.cached_read);
    to.cache_write = to.cache_write.saturating_add(more.cache_write);
    to.output = to.output.saturating_add(more.output);
    to.reasoning = to.reasoning.saturating_add(more.reasoning);
}

/// An error with its causes, without the address, which the sentence around it names.
fn chain(error: &reqwest::Error) -> String {
    let mut source: Option<&dyn std::error::Error> = std::error::Error::source(error);
    let mut text = String::new();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text.push_str(if text.is_empty() { "" } else { ": " });
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    if text.is_empty() { "the connection was closed".into() } else { text }
}
