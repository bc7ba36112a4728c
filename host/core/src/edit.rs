//! Edits, in the shapes that models were trained on.

use serde::{Deserialize, Serialize};

/// One edit: `edit` of wit/workspace.wit.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the cases are those of wit/workspace.wit")]
pub enum Edit {
    Replace { path: String, old: String, new: String, all: bool },
    Insert { path: String, after: u32, text: String },
    Create { path: String, text: String },
    Patch(String),
    Blocks(String),
    Diff(String),
}
