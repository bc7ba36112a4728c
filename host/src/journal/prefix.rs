//! A model's conversation by reference: each request is stored as the longest beginning that is on record already, and the
//! messages that follow. By value, a journal would grow with the square of a conversation's length.

use std::collections::VecDeque;

use orchestra_pit_core::call::model::{Call as Model, Message, Request};
use orchestra_pit_core::call::{Call, canonical};
use orchestra_pit_core::id::Hash;
use orchestra_pit_core::record::{Intended, Prefix};

/// Conversations of a run whose beginnings are remembered. An agent has one as a rule; one that plans, writes and reviews in
/// turn has three. Of each only hashes are kept: a thousand waiting agents cost a few megabytes, not their conversations.
const KEPT: usize = 4;

/// The conversations of one run that the next request may go on with, the latest last.
#[derive(Debug, Default)]
pub(super) struct Talks {
    kept: VecDeque<Talk>,
}

#[derive(Debug)]
struct Talk {
    seq: u64,
    /// Of each message, its own prefix included.
    messages: Vec<Hash>,
}

impl Talks {
    /// The request without the beginning that is stored, and which that is; remembers the request.
    pub(super) fn shorten(&mut self, seq: u64, request: &Request) -> (Request, Option<Prefix>) {
        let messages: Vec<Hash> = request.messages.iter().map(hash).collect();
        let (at, common) = self
            .kept
            .iter()
            .map(|talk| talk.messages.iter().zip(&messages).take_while(|(a, b)| a == b).count())
            .enumerate()
            .max_by_key(|(_, common)| *common)
            .unwrap_or((0, 0));
        let prefix = self.kept.get(at).filter(|_| common > 0).map(|talk| talk.seq);
        self.remember(at, common, Talk { seq, messages });
        let prefix = prefix.zip(u32::try_from(common).ok()).map(|(seq, messages)| Prefix { seq, messages });
        let from = if prefix.is_some() { common } else { 0 };
        let rest = Request {
            model: request.model.clone(),
            system: request.system.clone(),
            messages: request.messages.iter().skip(from).cloned().collect(),
            tools: request.tools.clone(),
            choice: request.choice.clone(),
            schema: request.schema.clone(),
            more: request.more.clone(),
            max_output: request.max_output,
            temperature: request.temperature,
        };
        (rest, prefix)
    }

    /// Remembers a request as it is stored.
    pub(super) fn recall(&mut self, intended: &Intended) {
        let Call::Model(Model::Ask(request)) = &intended.call else { return };
        let own = request.messages.iter().map(hash);
        let Some(prefix) = intended.prefix else {
            let messages = own.collect();
            return self.remember(0, 0, Talk { seq: intended.seq, messages });
        };
        // Where the beginning is not remembered, the journal was written with other rules: the next request is stored whole.
        let common = usize::try_from(prefix.messages).unwrap_or(usize::MAX);
        let Some((at, talk)) = self.kept.iter().enumerate().find(|(_, talk)| talk.seq == prefix.seq) else { return };
        let Some(before) = talk.messages.get(..common) else { return };
        let messages = before.iter().copied().chain(own).collect();
        self.remember(at, common, Talk { seq: intended.seq, messages });
    }

    /// What goes on with a whole conversation takes its place; what branches off, or is new, takes that of the oldest.
    fn remember(&mut self, at: usize, common: usize, talk: Talk) {
        if self.kept.get(at).is_some_and(|old| common > 0 && old.messages.len() == common) {
            self.kept.remove(at);
        } else if self.kept.len() >= KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back(talk);
    }

    /// The conversations are over.
    pub(super) fn clear(&mut self) {
        self.kept.clear();
    }
}

fn hash(message: &Message) -> Hash {
    Hash::of(&canonical(message))
}

/// The whole call of a stored intent. `earlier` finds the run's stored intents by their `seq`. `None` if one that is needed is
/// not there, or was erased.
pub(super) fn whole<'a>(intended: &'a Intended, earlier: impl Fn(u64) -> Option<&'a Intended>) -> Option<Call> {
    let (Call::Model(Model::Ask(request)), Some(mut prefix)) = (&intended.call, intended.prefix) else {
        return Some(intended.call.clone());
    };
    // From the last part back to the first; every step goes to an earlier call, so it ends.
    let mut parts: Vec<&[Message]> = vec![&request.messages];
    let mut before = intended.seq;
    loop {
        let from = earlier(prefix.seq).filter(|from| from.seq < before)?;
        let Call::Model(Model::Ask(stored)) = &from.call else { return None };
        let count = usize::try_from(prefix.messages).ok()?;
        let theirs = from.prefix.map_or(0, |theirs| usize::try_from(theirs.messages).unwrap_or(usize::MAX));
        if count > theirs {
            parts.push(stored.messages.get(..count - theirs)?);
        }
        before = from.seq;
        match from.prefix {
            // The part that is wanted may end within the other's own prefix.
            Some(theirs) => prefix = Prefix { seq: theirs.seq, messages: theirs.messages.min(prefix.messages) },
            None => break,
        }
    }
    let messages = parts.into_iter().rev().flatten().cloned().collect();
    Some(Call::Model(Model::Ask(Request { messages, ..request.clone() })))
}
