//! `board`: what a team shares. A fold of the journal: the same calls in the order of the record give the same board.

use orchestra_pit_core::call::board::{Call, Card, Note, Value as Answered};
use orchestra_pit_core::call::{Answer, Error, ErrorKind, Value};

/// Notes and tasks of one tree of runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Board {
    notes: Vec<Note>,
    bytes: usize,
    cards: Vec<Card>,
}

impl Board {
    /// Notes that one look answers: a hand-off is a handful, and an agent that has fallen behind pages on.
    const PAGE: usize = 100;

    /// Carries a call out. `author` is the agent's name and run, as the host knows them.
    pub fn call(&mut self, author: &str, call: &Call) -> Answer {
        match call {
            Call::Post { topic, body } => self.post(author, topic, body),
            Call::Notes { topic, after } => {
                let notes = self.notes.iter().filter(|note| note.topic == *topic && note.number > *after);
                Ok(Value::Board(Answered::Notes(notes.take(Self::PAGE).cloned().collect())))
            }
            Call::Put { cards } => self.put(cards),
            Call::Cards => Ok(Value::Board(Answered::Cards(self.cards.clone()))),
        }
    }

    /// The team's tasks, for people.
    pub fn cards(&self) -> &[Card] {
        &self.cards
    }

    /// The team's notes, for people.
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    fn post(&mut self, author: &str, topic: &str, body: &str) -> Answer {
        let size = topic.len() + body.len();
        if size > Call::MAX_NOTE {
            return Err(too_large(format!("the note has {size} bytes, and {} are the most", Call::MAX_NOTE)));
        }
        if self.bytes + size > Call::MAX_NOTES {
            return Err(too_large(format!("the team's notes are full at {} bytes", Call::MAX_NOTES)));
        }
        self.bytes += size;
        let number = self.notes.len() as u64 + 1;
        self.notes.push(Note { number, topic: topic.to_owned(), author: author.to_owned(), body: body.to_owned() });
        Ok(Value::Board(Answered::Posted(number)))
    }

    fn put(&mut self, cards: &[Card]) -> Answer {
        let mut next = self.cards.clone();
        for card in cards {
            match next.iter_mut().find(|known| known.id == card.id) {
                Some(known) => *known = card.clone(),
                None => next.push(card.clone()),
            }
        }
        let size: usize = next.iter().map(|card| card.title.len() + card.doing.len() + card.id.len()).sum();
        if next.len() > Call::MAX_CARDS || size > Call::MAX_NOTES {
            return Err(too_large(format!(
                "the list would have {} tasks, and {} are the most",
                next.len(),
                Call::MAX_CARDS
            )));
        }
        self.cards = next;
        Ok(Value::Done)
    }
}

fn too_large(message: String) -> Error {
    Error::new(ErrorKind::TooLarge, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card(id: &str, state: &str) -> Card {
        Card {
            id: id.into(),
            title: id.into(),
            state: state.into(),
            doing: String::new(),
            after: vec![],
            run: String::new(),
        }
    }

    #[test]
    fn notes_are_numbered_signed_and_read_by_topic_from_a_number() {
        let mut board = Board::default();
        for (topic, body) in [("a", "1"), ("b", "2"), ("a", "3")] {
            board.call("coder", &Call::Post { topic: topic.into(), body: body.into() }).unwrap();
        }
        let Ok(Value::Board(Answered::Notes(notes))) = board.call("x", &Call::Notes { topic: "a".into(), after: 1 })
        else {
            panic!("no notes")
        };
        assert_eq!(notes, [Note { number: 3, topic: "a".into(), author: "coder".into(), body: "3".into() }]);
    }

    #[test]
    fn cards_keep_their_place_when_they_change() {
        let mut board = Board::default();
        board.call("lead", &Call::Put { cards: vec![card("t1", "ready"), card("t2", "waiting")] }).unwrap();
        board.call("lead", &Call::Put { cards: vec![card("t1", "done"), card("t3", "ready")] }).unwrap();
        let states: Vec<_> = board.cards().iter().map(|card| (card.id.as_str(), card.state.as_str())).collect();
        assert_eq!(states, [("t1", "done"), ("t2", "waiting"), ("t3", "ready")]);
    }

    /// Refuses: board.post too-large
    #[test]
    fn board_post_refuses_too_large() {
        let mut board = Board::default();
        let post = |size: usize| Call::Post { topic: String::new(), body: "x".repeat(size) };
        assert_eq!(board.call("a", &post(Call::MAX_NOTE + 1)).unwrap_err().kind, ErrorKind::TooLarge);
        for _ in 0..Call::MAX_NOTES / Call::MAX_NOTE {
            board.call("a", &post(Call::MAX_NOTE)).unwrap();
        }
        assert_eq!(board.call("a", &post(1)).unwrap_err().kind, ErrorKind::TooLarge);
    }

    /// Refuses: board.put too-large
    #[test]
    fn board_put_refuses_too_large_and_changes_nothing() {
        let mut board = Board::default();
        let many = (0..=Call::MAX_CARDS).map(|n| card(&n.to_string(), "ready")).collect();
        assert_eq!(board.call("a", &Call::Put { cards: many }).unwrap_err().kind, ErrorKind::TooLarge);
        assert!(board.cards().is_empty());
    }
}
