//! `board`: what a team shares.

use serde::{Deserialize, Serialize};

/// A call of `board`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the fields are the parameters in wit/board.wit")]
pub enum Call {
    Post { topic: String, body: String },
    Notes { topic: String, after: u64 },
    Put { cards: Vec<Card> },
    Cards,
}

impl Call {
    /// `board.function`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Post { .. } => "board.post",
            Self::Notes { .. } => "board.notes",
            Self::Put { .. } => "board.put",
            Self::Cards => "board.cards",
        }
    }

    /// Bytes of one note: a hand-off, not a file.
    pub const MAX_NOTE: usize = 64 << 10;
    /// Bytes of all notes of a team.
    pub const MAX_NOTES: usize = 4 << 20;
    /// Tasks of a team: past this nobody reads the list.
    pub const MAX_CARDS: usize = 200;
}

/// What `board` answers.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each answers the function of its name in wit/board.wit")]
pub enum Value {
    Posted(u64),
    Notes(Vec<Note>),
    Cards(Vec<Card>),
}

/// A note.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of wit/board.wit")]
pub struct Note {
    pub number: u64,
    pub topic: String,
    pub author: String,
    pub body: String,
}

/// A task of the team's list.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of wit/board.wit")]
pub struct Card {
    pub id: String,
    pub title: String,
    pub state: String,
    pub doing: String,
    pub after: Vec<String>,
    pub run: String,
}
