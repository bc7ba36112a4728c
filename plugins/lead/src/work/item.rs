//! One task of a plan at work: where it stands, and how it came there.

use kit::plan::Planned;
use kit::review::Review;
use kit::tool::first_line;
use orchestra_pit_sdk::board::Card;

/// Where a task stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Stage {
    /// For tasks that must be done first.
    Waiting,
    /// To be begun from the integrated tip.
    Ready,
    /// Its writer is at work.
    Writing,
    /// Its writer is done; to be reviewed.
    Written,
    /// This run reviews it.
    Reviewing(String),
    /// To go back to its writer with this.
    SentBack(String),
    /// To be taken over.
    Approved,
    /// For the person to decide: about a `review` or a `conflict`, and why.
    Disputed(String, String),
    /// It is in.
    Done,
    /// It will not be: a kind and why.
    Failed(String, String),
    /// It was not begun, and why.
    Dropped(String),
}

/// Who writes a task.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Writer {
    /// The run.
    pub run: String,
    /// The commit that it started from.
    pub base: String,
}

/// A task of a plan at work.
#[derive(Clone, PartialEq, Debug)]
pub struct Item {
    /// As planned.
    pub task: Planned,
    /// Where it stands.
    pub stage: Stage,
    /// Who writes it, or wrote it.
    pub writer: Option<Writer>,
    /// The last verdict.
    pub review: Option<Review>,
    /// What reviews said that sent it back, for the reviews that come after.
    pub remarked: Vec<String>,
    /// What a new writer is told of those before.
    pub feedback: Vec<String>,
    /// What the person said before its writer began.
    pub told: Vec<String>,
    /// What its writer was not sure of.
    pub doubts: Vec<String>,
    /// How often a review sent it back.
    pub sent_back: u32,
    /// How often it came into conflict when it was to be taken over.
    pub conflicts: u32,
    /// Reviews of this result that came to nothing.
    pub lost_reviews: u32,
    /// What it could not be begun for, until another run has ended: a kind and why.
    pub held: Option<(String, String)>,
    /// The tip that it became part of, and the one before.
    pub merged: Option<(String, String)>,
}

impl Item {
    /// A task about to be begun.
    pub fn new(task: Planned) -> Self {
        Self {
            task,
            stage: Stage::Waiting,
            writer: None,
            review: None,
            remarked: Vec::new(),
            feedback: Vec::new(),
            told: Vec::new(),
            doubts: Vec::new(),
            sent_back: 0,
            conflicts: 0,
            lost_reviews: 0,
            held: None,
            merged: None,
        }
    }

    /// The run that is at work on it.
    pub fn running(&self) -> Option<&str> {
        match &self.stage {
            Stage::Writing => self.writer.as_ref().map(|writer| writer.run.as_str()),
            Stage::Reviewing(run) => Some(run),
            _ => None,
        }
    }

    /// Why it is not done, if it will not be.
    pub fn lost(&self) -> Option<&str> {
        match &self.stage {
            Stage::Failed(_, why) | Stage::Dropped(why) => Some(why),
            _ => None,
        }
    }

    /// The task as the board has it.
    pub fn card(&self) -> Card {
        let again = || match (self.remarked.last(), self.conflicts) {
            (Some(remark), _) => {
                format!("round {}: {}", self.sent_back + 1, first_line(remark.trim_start_matches("- "), 80))
            }
            (None, 0) => "writing".to_owned(),
            (None, _) => "writing, on the new base".to_owned(),
        };
        let (state, doing) = match &self.stage {
            Stage::Waiting => ("waiting", format!("for {}", self.task.after.join(", "))),
            Stage::Ready | Stage::Writing if self.held.is_some() => ("ready", "held up by another task".to_owned()),
            Stage::Ready => ("ready", String::new()),
            // That it came back is what a person wants to know of it, more than that it is being worked at.
            Stage::Writing if self.sent_back > 0 || self.conflicts > 0 => ("sent-back", again()),
            Stage::Writing => ("working", again()),
            Stage::Written | Stage::Reviewing(_) => ("in-review", "in review".to_owned()),
            Stage::SentBack(_) => ("sent-back", again()),
            Stage::Approved => ("in-review", "approved".to_owned()),
            Stage::Disputed(_, why) => ("in-review", format!("for you to decide: {why}")),
            Stage::Done => ("done", String::new()),
            Stage::Failed(_, why) => ("failed", first_line(why, 160)),
            Stage::Dropped(why) => ("dropped", first_line(why, 160)),
        };
        Card {
            id: self.task.id.clone(),
            title: first_line(&self.task.title, 80),
            state: state.to_owned(),
            doing,
            after: self.task.after.clone(),
            run: self.writer.as_ref().map(|writer| writer.run.clone()).unwrap_or_default(),
            more: Vec::new(),
        }
    }
}
