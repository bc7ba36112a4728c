//! The shape of the edit tools: that which the model's family was trained on, since a model edits best as it learned to.
//! Below all of them is one engine, the host's.

use crate::session::Spoken;
use orchestra_pit_sdk::model::Details;
use serde::{Deserialize, Serialize};

/// How a model edits.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shape {
    /// `str_replace_based_edit_tool`: view, create, `str_replace`, insert.
    EditTool,
    /// `apply_patch`.
    Patch,
    /// SEARCH and REPLACE.
    Blocks,
    /// One small replacement at a time, in a JSON envelope, for models that know no tools.
    Envelope,
    /// One line that the task names, with all but the line prepared: the coder does it.
    Line,
}

impl Shape {
    /// The one that the setting names.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "edit-tool" => Self::EditTool,
            "patch" => Self::Patch,
            "blocks" => Self::Blocks,
            "envelope" => Self::Envelope,
            "line" => Self::Line,
            _ => return None,
        })
    }

    /// As the setting spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::EditTool => "edit-tool",
            Self::Patch => "patch",
            Self::Blocks => "blocks",
            Self::Envelope => "envelope",
            Self::Line => "line",
        }
    }

    /// That which suits a model. The host's table of families says which edits a model was trained to write, and a
    /// person can extend that table; where it says nothing, the family's name decides. Most families that are not named
    /// here saw SEARCH and REPLACE in training.
    pub fn of(model: &Details) -> Self {
        let edits = model.more.iter().find(|(name, _)| name == "edits").map(|(_, edits)| edits.as_str());
        match (edits, model.family.to_lowercase().as_str()) {
            (Some("str_replace"), _) => Self::EditTool,
            (Some("apply_patch"), _) => Self::Patch,
            (Some("envelope"), _) => Self::Envelope,
            (Some(_), _) => Self::Blocks,
            (None, "claude") => Self::EditTool,
            (None, "gpt") => Self::Patch,
            (None, "smollm") => Self::Envelope,
            (None, _) => Self::Blocks,
        }
    }

    /// How its calls are spoken.
    pub fn spoken(self) -> Spoken {
        match self {
            Self::EditTool | Self::Patch | Self::Blocks => Spoken::Calls,
            Self::Envelope | Self::Line => Spoken::Envelope,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(family: &str, edits: Option<&str>) -> Shape {
        let more = edits.map(|edits| ("edits".to_owned(), edits.to_owned()));
        Shape::of(&Details {
            name: "provider/model".into(),
            family: family.into(),
            context: 0,
            max_output: 0,
            more: more.into_iter().collect(),
        })
    }

    #[test]
    fn a_shape_is_found_by_its_name() {
        for shape in [Shape::EditTool, Shape::Patch, Shape::Blocks, Shape::Envelope, Shape::Line] {
            assert_eq!(Shape::named(shape.name()), Some(shape));
        }
    }

    #[test]
    fn each_family_has_its_shape() {
        for (family, shape) in [
            ("claude", Shape::EditTool),
            ("Claude", Shape::EditTool),
            ("gpt", Shape::Patch),
            ("gemini", Shape::Blocks),
            ("qwen", Shape::Blocks),
            ("other", Shape::Blocks),
            ("", Shape::Blocks),
            ("smollm", Shape::Envelope),
        ] {
            assert_eq!(of(family, None), shape, "{family}");
        }
    }

    #[test]
    fn what_the_host_knows_of_the_model_wins() {
        for (edits, shape) in [
            ("str_replace", Shape::EditTool),
            ("apply_patch", Shape::Patch),
            ("search_replace", Shape::Blocks),
            ("envelope", Shape::Envelope),
            ("of a later version", Shape::Blocks),
        ] {
            assert_eq!(of("gpt", Some(edits)), shape, "{edits}");
        }
    }
}
