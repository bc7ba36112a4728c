//! What a server says when it does not answer, and what that means for the agent.

use std::borrow::Cow;

use orchestra_pit_core::call::{Error, ErrorKind};
use serde::Deserialize;

/// An error as any of the protocols writes it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Said {
    /// For people.
    pub message: Option<String>,
    /// A word for the sort of error.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// A finer word, or a number.
    pub code: Option<serde_json::Value>,
}

/// A server's refusal, understood.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Complaint {
    /// What it is for the agent.
    pub kind: ErrorKind,
    /// Whether the same request may go well later.
    pub passing: bool,
    /// Whether it is about how much is sent, so that others to the same server should wait too.
    pub busy: bool,
    /// The HTTP status, where there was one.
    pub status: Option<u16>,
    /// In the server's words, capped.
    pub message: String,
}

/// Bytes of a server's message that are kept. Theirs are a line; a proxy's may be a page of HTML.
const MAX_MESSAGE: usize = 600;

impl Complaint {
    /// Understands an error that came as JSON.
    pub fn said(status: Option<u16>, said: Said) -> Self {
        let code = match &said.code {
            Some(serde_json::Value::String(code)) => Cow::from(code.as_str()),
            Some(code) => code.to_string().into(),
            None => "".into(),
        };
        let status = status.or_else(|| code.parse().ok().filter(|code| (400..600).contains(code)));
        let kind = said.kind.unwrap_or_default();
        let message = capped(said.message.as_deref().unwrap_or_default());
        let words = format!("{kind} {code} {message}").to_lowercase();
        let (kind, passing) = meaning(status, &words);
        let busy = status == Some(429) || words.contains("rate_limit") || words.contains("overloaded");
        let message = if message.is_empty() { format!("{code} without a message").trim().to_owned() } else { message };
        Self { kind, passing, busy: busy && passing, status, message }
    }

    /// Understands the body of an answer with an error's status, whatever it is.
    pub fn body(status: u16, body: &[u8]) -> Self {
        #[derive(Deserialize)]
        struct Wrapped {
            error: Inner,
        }
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Inner {
            Said(Said),
            Text(String),
        }
        // Google wraps the object in a list; some proxies leave out the wrapper; a web server sends HTML. The list is
        // tried first, because serde reads a list as the fields of a structure in their order.
        let wrapped = serde_json::from_slice::<Vec<Wrapped>>(body)
            .ok()
            .and_then(|list| list.into_iter().next())
            .or_else(|| serde_json::from_slice::<Wrapped>(body).ok());
        let said = match wrapped.map(|wrapped| wrapped.error) {
            Some(Inner::Said(said)) => said,
            Some(Inner::Text(message)) => Said { message: Some(message), ..Said::default() },
            None => serde_json::from_slice::<Said>(body)
                .ok()
                .filter(|said| said.message.is_some())
                .unwrap_or_else(|| Said { message: Some(String::from_utf8_lossy(body).into()), ..Said::default() }),
        };
        Self::said(Some(status), said)
    }

    /// What the agent is told.
    pub fn error(&self, place: &str) -> Error {
        let status = self.status.map(|status| format!(" ({status})")).unwrap_or_default();
        Error::new(self.kind, format!("{place} answers{status}: {}", self.message))
    }
}

/// What a refusal means, and whether it passes.
fn meaning(status: Option<u16>, words: &str) -> (ErrorKind, bool) {
    let any = |list: &[&str]| list.iter().any(|word| words.contains(word));
    // Before the status: servers send these with 400, 413, 422, 500 and in the middle of a stream.
    if any(&[
        "context_length_exceeded",
        "exceed_context_size",
        "exceeds the available context size",
        "prompt is too long",
        "maximum context length",
        "exceed context limit",
        "exceeds the context window",
        "exceeds the maximum number of tokens",
        "context window of this model",
        "input is too long",
        "model_context_window_exceeded",
        "reduce the length of the messages",
    ]) {
        return (ErrorKind::ContextFull, false);
    }
    if any(&["insufficient_quota", "billing", "credit balance", "insufficient balance", "payment required"]) {
        return (ErrorKind::Refused, false);
    }
    if any(&["content_policy", "content_filter", "safety_", "cyber_policy", "usage policies"]) {
        return (ErrorKind::Refused, false);
    }
    match status {
        Some(401 | 403) => (ErrorKind::Denied, false),
        Some(402) => (ErrorKind::Refused, false),
        Some(404) => (ErrorKind::NotFound, false),
        Some(413) => (ErrorKind::ContextFull, false),
        Some(408 | 409 | 425 | 429) => (ErrorKind::Unavailable, true),
        Some(400..500) => (ErrorKind::Invalid, false),
        Some(_) => (ErrorKind::Unavailable, true),
        None if any(&["authentication", "permission", "invalid_api_key"]) => (ErrorKind::Denied, false),
        None if any(&["invalid_request", "invalid_prompt"]) => (ErrorKind::Invalid, false),
        // In the middle of a stream there is only the word: `overloaded_error`, `server_error`, `rate_limit_exceeded`.
        None => (ErrorKind::Unavailable, true),
    }
}

fn capped(text: &str) -> String {
    let text = text.trim();
    let end = text.floor_char_boundary(MAX_MESSAGE);
    let head = text.get(..end).unwrap_or_default();
    if end < text.len() { format!("{head}…") } else { head.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(status: u16, body: &str) -> (ErrorKind, bool) {
        let complaint = Complaint::body(status, body.as_bytes());
        (complaint.kind, complaint.passing)
    }

    #[test]
    fn each_provider_says_context_full_in_its_own_way() {
        for (status, body) in [
            (
                400,
                r#"{"error":{"message":"This model's maximum context length is 128000 tokens.","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}"#,
            ),
            (
                400,
                r#"{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 208310 tokens > 200000 maximum"}}"#,
            ),
            (
                400,
                r#"{"type":"error","error":{"type":"invalid_request_error","message":"input length and `max_tokens` exceed context limit: 199000 + 8192 > 200000"}}"#,
            ),
            (
                400,
                r#"{"error":{"code":400,"message":"request (5031 tokens) exceeds the available context size (2048 tokens), try increasing it","type":"exceed_context_size_error","n_prompt_tokens":5031,"n_ctx":2048}}"#,
            ),
            (
                400,
                r#"[{"error":{"code":400,"message":"The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).","status":"INVALID_ARGUMENT"}}]"#,
            ),
            (
                413,
                r#"{"type":"error","error":{"type":"request_too_large","message":"Request exceeds the maximum size"}}"#,
            ),
            (
                500,
                r#"{"error":{"message":"Your input exceeds the context window of this model.","code":"context_length_exceeded"}}"#,
            ),
        ] {
            assert_eq!(of(status, body), (ErrorKind::ContextFull, false), "{body}");
        }
    }

    #[test]
    fn what_passes_and_what_does_not() {
        let overloaded = r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#;
        assert_eq!(of(529, overloaded), (ErrorKind::Unavailable, true));
        assert!(Complaint::body(529, overloaded.as_bytes()).busy);
        assert_eq!(
            of(429, r#"{"error":{"message":"slow down","code":"rate_limit_exceeded"}}"#),
            (ErrorKind::Unavailable, true)
        );
        let quota = r#"{"error":{"message":"You exceeded your current quota","type":"insufficient_quota"}}"#;
        assert_eq!(of(429, quota), (ErrorKind::Refused, false));
        assert!(!Complaint::body(429, quota.as_bytes()).busy);
        assert_eq!(of(401, r#"{"error":{"message":"bad key"}}"#), (ErrorKind::Denied, false));
        assert_eq!(of(404, r#"{"error":"model not found"}"#), (ErrorKind::NotFound, false));
        assert_eq!(of(400, r#"{"message":"unknown field"}"#), (ErrorKind::Invalid, false));
        assert_eq!(of(502, "<html>bad gateway</html>"), (ErrorKind::Unavailable, true));
        assert_eq!(of(418, ""), (ErrorKind::Invalid, false));
    }

    #[test]
    fn a_page_of_html_is_cut() {
        let complaint = Complaint::body(503, "é".repeat(5_000).as_bytes());
        assert!(complaint.message.len() <= MAX_MESSAGE + 3 && complaint.message.ends_with('…'));
    }
}
