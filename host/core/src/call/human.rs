//! `human`: the person who decides.

use serde::{Deserialize, Serialize};

use crate::time::Time;

/// A call of `human`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the fields are the parameters in wit/human.wit")]
pub enum Call {
    Ask { text: String, choices: Vec<String> },
    Propose { title: String, body: String, form: String },
    Notify { text: String },
    Remarks,
}

impl Call {
    /// `human.function`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Ask { .. } => "human.ask",
            Self::Propose { .. } => "human.propose",
            Self::Notify { .. } => "human.notify",
            Self::Remarks => "human.remarks",
        }
    }

    /// Notices that a run may send: what a person could still read.
    pub const MAX_NOTICES: u64 = 100;
}

/// What `human` answers.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Value {
    /// To a question.
    Text(String),
    /// To a proposal.
    Decision(Decision),
    /// What people have sent.
    Remarks(Vec<Remark>),
}

/// Yes or no.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    /// As proposed, or as the person changed it.
    Approved(String),
    /// With the reason given.
    Rejected(String),
}

/// What a person, or the parent, sent.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Remark {
    /// What was said.
    pub text: String,
    /// When.
    pub time: Time,
    /// `person` or `parent`.
    pub from: String,
}
