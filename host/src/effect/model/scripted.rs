//! The scripted model: answers from a TOML file, and fails loudly when a conversation departs from it.
//!
//! What it answers depends on the agent and the request alone, never on what other agents asked meanwhile: a
//! conversation is found by what its messages hold, and the reply by how many replies the request already has. So
//! several agents may use one script side by side, and a resumed run goes on where it was. The format is described in
//! `docs/scripted-model.md`.

#![expect(clippy::disallowed_methods, reason = "a script is a file that the person names")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use orchestra_pit_core::call::model::{About, Part, Reply, Request, Role, Stop, ToolCall, Usage};
use orchestra_pit_core::call::{CallId, Error, ErrorKind};
use orchestra_pit_core::id::RunId;

use super::{Asking, Delta, Events, Told, estimate};
use written::{Conversation, Written};

mod said;
mod written;

use said::Said;

/// A script, and what has been asked of it since it was read.
#[derive(Debug)]
pub struct Script {
    written: Written,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// By conversation and run: which reply went to which call.
    given: BTreeMap<(usize, RunId), Vec<(usize, CallId)>>,
    departures: Vec<String>,
}

/// A script that could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ScriptError {
    /// The file is not there or not text.
    #[error("cannot read the script {0}: {1}")]
    Unreadable(String, std::io::Error),
    /// It is not TOML, has a key that no script has, or lacks one.
    #[error("the script is not understood: {0}")]
    Malformed(#[from] toml::de::Error),
    /// It contradicts itself.
    #[error("the script's {0}")]
    Senseless(String),
}

/// Which reply is due.
struct Step<'a> {
    conversation: usize,
    called: String,
    turn: usize,
    replies: Vec<(usize, &'a written::Reply)>,
}

impl Script {
    /// Reads a script from its text.
    pub fn parse(text: &str) -> Result<Self, ScriptError> {
        let written: Written = toml::from_str(text)?;
        written.check().map_err(ScriptError::Senseless)?;
        Ok(Self { written, state: Mutex::default() })
    }

    /// Reads a script from a file.
    pub fn load(path: &Path) -> Result<Self, ScriptError> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| ScriptError::Unreadable(path.display().to_string(), error))?;
        Self::parse(&text)
    }

    /// The same script without its pauses.
    #[must_use]
    pub fn at_once(mut self) -> Self {
        self.written.without_pauses();
        self
    }

    /// What `model.about` says of it.
    pub fn about(&self) -> About {
        let model = &self.written.model;
        About {
            name: model.name.clone(),
            family: model.family.clone(),
            context: model.context,
            max_output: model.max_output,
            more: vec![("edits".into(), model.edits.word().into())],
        }
    }

    /// What its tokens cost, if the script says so.
    pub fn price(&self) -> Option<super::price::Price> {
        self.written.model.price
    }

    /// Replies that nobody has asked for, as `conversation "…", turn n`. A test ends by looking that there are none.
    pub fn unused(&self) -> Vec<String> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let used: BTreeSet<(usize, usize)> = state
            .given
            .iter()
            .flat_map(|((conversation, _), given)| given.iter().map(|(reply, _)| (*conversation, *reply)))
            .collect();
        let mut unused = Vec::new();
        for (at, conversation) in self.written.conversation.iter().enumerate() {
            for (reply, turn) in conversation.turns().into_iter().enumerate() {
                if !used.contains(&(at, reply)) {
                    unused.push(format!("{}, turn {turn}", conversation.called(at)));
                }
            }
        }
        unused
    }

    /// What did not go as written, in the order it was noticed. Empty is the only good answer.
    pub fn departures(&self) -> Vec<String> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).departures.clone()
    }

    /// Answers a request, at the pace the script sets.
    pub async fn ask(&self, asking: Asking<'_>, events: Events<'_>) -> Told {
        match self.due(&asking) {
            Ok(reply) => self.speak(&asking, reply, events).await,
            Err(departure) => {
                let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
                state.departures.push(departure.clone());
                let error =
                    Error::new(ErrorKind::Refused, format!("the conversation departs from the script: {departure}"))
                        .hint("run it again with a script that foresees this, or change what made it depart");
                let error = Error { more: vec![("script".into(), "departed".into())], ..error };
                Told { answer: Err(error), used: Usage::default(), micro_usd: Some(0) }
            }
        }
    }

    /// The reply that is due now, marked as given; or what stands against it.
    fn due(&self, asking: &Asking<'_>) -> Result<(&written::Reply, usize), String> {
        let said = Said::of(asking.who, asking.request);
        let step = self.step(&said)?;
        let Step { conversation, called, turn, .. } = &step;
        let place = format!("{called}, turn {turn}, {} asks", asking.who);

        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let runs = self.written.conversation.get(*conversation).map_or(1, |c| c.runs);
        let others = state.given.keys().filter(|(c, run)| c == conversation && *run != asking.id.run).count();
        if others >= runs as usize {
            return Err(format!("{place}: {others} other run(s) already had this conversation, and it is for {runs}"));
        }
        let given = state.given.entry((*conversation, asking.id.run)).or_default();
        // The same call asked again, after a crash or a retry, is told the same.
        let again = given.iter().find(|(_, id)| *id == asking.id).map(|(reply, _)| *reply);
        let fresh = || step.replies.iter().map(|(at, _)| *at).find(|at| given.iter().all(|(reply, _)| reply != at));
        let Some(chosen) = again.or_else(fresh) else {
            return Err(format!("{place}: this turn's reply was already given to another call of the same run"));
        };
        let Some((_, reply)) = step.replies.iter().find(|(at, _)| *at == chosen) else {
            return Err(format!("{place}: the call was told another turn's reply before"));
        };
        reply.expect.against(&said).map_err(|why| format!("{place}: {why}"))?;
        for call in &reply.calls {
            if !asking.request.tools.iter().any(|tool| tool.name == call.tool) {
                return Err(format!(
                    "{place}: the script calls the tool `{}`, and the request offers {}",
                    call.tool,
                    said.tools()
                ));
            }
        }
        if again.is_none() {
            given.push((chosen, asking.id));
        }
        Ok((reply, *turn))
    }

    /// The one conversation that a request belongs to, and the replies for its turn.
    fn step(&self, said: &Said) -> Result<Step<'_>, String> {
        let mut found: Vec<(usize, &Conversation)> = Vec::new();
        let mut why_not = Vec::new();
        for (at, conversation) in self.written.conversation.iter().enumerate() {
            match conversation.applies(said) {
                Ok(()) => found.push((at, conversation)),
                Err(why) => why_not.push(format!("\n  {}: {why}", conversation.called(at))),
            }
        }
        let (at, conversation) = match found.as_slice() {
            [one] => *one,
            [] => {
                return Err(format!(
                    "no conversation is for {} at turn {}, whose first message begins {}{}",
                    said.who(),
                    said.turn(),
                    said::quoted(said.first()),
                    why_not.concat()
                ));
            }
            several => {
                let names: Vec<_> = several.iter().map(|(at, c)| c.called(*at)).collect();
                return Err(format!("more than one conversation is for {}: {}", said.who(), names.join(", ")));
            }
        };
        let turns = conversation.turns();
        let replies: Vec<_> = turns
            .iter()
            .zip(&conversation.reply)
            .enumerate()
            .filter(|(_, (turn, _))| **turn == said.turn())
            .map(|(at, (_, reply))| (at, reply))
            .collect();
        let called = conversation.called(at);
        if replies.is_empty() {
            return Err(format!(
                "{called} ends with turn {}, and {} asks for turn {}, after {}",
                turns.last().copied().unwrap_or(0),
                said.who(),
                said.turn(),
                said::quoted(said.last())
            ));
        }
        Ok(Step { conversation: at, called, turn: said.turn(), replies })
    }

    /// Says a reply word by word.
    async fn speak(&self, asking: &Asking<'_>, (reply, turn): (&written::Reply, usize), events: Events<'_>) -> Told {
        let pace = self.written.pace;
        pause(reply.delay_ms.unwrap_or(pace.delay_ms)).await;
        if let Some(error) = &reply.error {
            let answer = Err(Error::new(error.kind, error.message.clone()));
            return Told { answer, used: Usage::default(), micro_usd: self.price().map(|_| 0) };
        }
        let settled = self.settled(asking, reply, turn);
        for word in words(reply.thinking.as_deref().unwrap_or_default(), pace.word_ms) {
            events(Delta::Thinking(word.to_owned()));
            pause(pace.word_ms).await;
        }
        for part in &settled.parts {
            match part {
                Part::Text(text) => {
                    for word in words(text, pace.word_ms) {
                        events(Delta::Text(word.to_owned()));
                        pause(pace.word_ms).await;
                    }
                }
                Part::ToolCall(call) => {
                    events(Delta::Call(call.name.clone()));
                    events(Delta::Arguments(call.arguments.clone()));
                    pause(pace.word_ms).await;
                }
                Part::ToolResult(_) | Part::Opaque(_) => {}
            }
        }
        let micro_usd = self.price().map(|price| price.of(&settled.usage));
        Told { used: settled.usage, answer: Ok(settled), micro_usd }
    }

    /// The reply as the agent gets it: cut at the limit, as a server would.
    fn settled(&self, asking: &Asking<'_>, reply: &written::Reply, turn: usize) -> Reply {
        let mut parts = Vec::new();
        if !reply.text.is_empty() {
            parts.push(Part::Text(reply.text.clone()));
        }
        parts.extend(reply.calls.iter().enumerate().map(|(n, call)| {
            Part::ToolCall(ToolCall {
                id: format!("call-{turn}-{}", n + 1),
                name: call.tool.clone(),
                arguments: serde_json::Value::Object(call.arguments.clone()).to_string(),
            })
        }));
        let stop = match (&reply.stop, reply.calls.is_empty()) {
            (Some(stop), _) => stop.clone(),
            (None, true) => Stop::End,
            (None, false) => Stop::ToolCalls,
        };
        let mut settled =
            Reply { parts, stop, usage: Usage::default(), model: self.written.model.name.clone(), more: Vec::new() };
        settled.usage = reply.usage.map_or_else(|| estimated(asking.request, &settled), Into::into);
        if settled.usage.output > u64::from(asking.most_output) {
            settled.usage.output = u64::from(asking.most_output);
            settled.stop = Stop::Length;
            settled.parts.retain(|part| matches!(part, Part::Text(_)));
            for part in &mut settled.parts {
                if let Part::Text(text) = part {
                    text.truncate(text.floor_char_boundary(asking.most_output as usize * 2));
                }
            }
        }
        settled
    }
}

/// What a provider with a cache of prefixes would count: all but what came after the last reply was sent before.
fn estimated(request: &Request, reply: &Reply) -> Usage {
    let known = request.messages.iter().rposition(|message| message.role == Role::Assistant).unwrap_or(0);
    let before = Request { messages: request.messages.iter().take(known).cloned().collect(), ..request.clone() };
    let usage = estimate::usage(request, reply);
    let cached_read = if known == 0 { 0 } else { estimate::request(&before) };
    Usage { cached_read, cache_write: usage.input - cached_read, ..usage }
}

async fn pause(milliseconds: u64) {
    if milliseconds > 0 {
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
    }
}

/// A text in pieces that end where a word does, or whole when nobody watches.
fn words(text: &str, word_ms: u64) -> impl Iterator<Item = &str> {
    let whole = (word_ms == 0 && !text.is_empty()).then_some(text);
    let pieces = if word_ms == 0 { "" } else { text };
    whole.into_iter().chain(pieces.split_inclusive(char::is_whitespace))
}

#[cfg(test)]
mod tests;
