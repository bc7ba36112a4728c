//! `board`: what a team shares.

use orchestra_pit_core::call::board::{self as core, Call};
use orchestra_pit_core::call::{self, Value};

use super::wit::board::{self as wit, Host};
use super::{Told, done};
use crate::guest::store::State;

impl Host for State {
    async fn post(&mut self, topic: String, body: String) -> Told<u64> {
        self.tell("board.post", Ok(call::Call::Board(Call::Post { topic, body })), |value| match value {
            Value::Board(core::Value::Posted(number)) => Some(number),
            _ => None,
        })
        .await
    }

    async fn notes(&mut self, topic: String, after: u64) -> Told<Vec<wit::Note>> {
        self.tell("board.notes", Ok(call::Call::Board(Call::Notes { topic, after })), |value| match value {
            Value::Board(core::Value::Notes(notes)) => Some(notes.into_iter().map(Into::into).collect()),
            _ => None,
        })
        .await
    }

    async fn put(&mut self, cards: Vec<wit::Card>) -> Told<()> {
        let cards = cards.into_iter().map(Into::into).collect();
        self.tell("board.put", Ok(call::Call::Board(Call::Put { cards })), done).await
    }

    async fn cards(&mut self) -> Told<Vec<wit::Card>> {
        self.tell("board.cards", Ok(call::Call::Board(Call::Cards)), |value| match value {
            Value::Board(core::Value::Cards(cards)) => Some(cards.into_iter().map(Into::into).collect()),
            _ => None,
        })
        .await
    }
}

impl From<core::Note> for wit::Note {
    fn from(core::Note { number, topic, author, body }: core::Note) -> Self {
        Self { number, topic, author, body, more: Vec::new() }
    }
}

impl From<core::Card> for wit::Card {
    fn from(core::Card { id, title, state, doing, after, run }: core::Card) -> Self {
        Self { id, title, state, doing, after, run, more: Vec::new() }
    }
}

impl From<wit::Card> for core::Card {
    fn from(card: wit::Card) -> Self {
        let wit::Card { id, title, state, doing, after, run, .. } = card;
        Self { id, title, state, doing, after, run }
    }
}
