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
    /// Its writer is done; to be tested or reviewed.
    Written,
    /// This run writes tests for it.
    Testing(String),
    /// This run reviews it.
    Reviewing(String),
    /// To go back to its writer with this.
    SentBack(String),
    /// To be taken over.
    Approved,
    /// It is in, and to be judged by the host.
    Taken,
    /// For the person to decide: about a `review`, a `conflict` or `checks`, and why.
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

/// A result that was taken over and is not known to be good.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Inside {
    /// The workspace before it, if it could be kept.
    pub before: Option<String>,
    /// Whether nothing else was taken over since its writer began: its writer has what was judged.
    pub alone: bool,
    /// Whether it came in.
    pub came: bool,
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
    /// The run whose result a new writer starts from; none is the integrated tip.
    pub from: Option<String>,
    /// Whether a tester was at it, or could not be.
    pub tried: bool,
    /// The run that put its tests on top of what the writer did.
    pub tester: Option<String>,
    /// What the host itself said about the result of whoever was at work last.
    pub shown: Vec<String>,
    /// Set from when it is taken over until the host's verdict settles it.
    pub inside: Option<Inside>,
    /// The host's last verdict on it when it was in.
    pub verdict: Option<String>,
    /// What was red when it was judged last.
    pub red: String,
    /// Whether the person took it with a red verdict.
    pub overruled: bool,
    /// What a person should know of how it was done.
    pub notes: Vec<String>,
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
            from: None,
            tried: false,
            tester: None,
            shown: Vec::new(),
            inside: None,
            verdict: None,
            red: String::new(),
            overruled: false,
            notes: Vec::new(),
        }
    }

    /// The run whose workspace is the result.
    pub fn result(&self) -> Option<&str> {
        self.tester.as_deref().or(self.writer.as_ref().map(|writer| writer.run.as_str()))
    }

    /// The work goes back to whoever has the files that it is about: its writer; or, where a tester or others have added to
    /// them, a new writer, who starts from what there is.
    pub fn goes_back(&mut self, feedback: String) {
        let others = self.inside.as_ref().is_some_and(|inside| !inside.alone);
        if self.tester.is_none() && !others {
            self.stage = Stage::SentBack(feedback);
            return;
        }
        let tester = self.tester.take();
        self.from = if self.inside.is_some() { None } else { tester };
        self.feedback.push(feedback);
        self.stage = Stage::Ready;
    }

    /// The run that is at work on it.
    pub fn running(&self) -> Option<&str> {
        match &self.stage {
            Stage::Writing => self.writer.as_ref().map(|writer| writer.run.as_str()),
            Stage::Reviewing(run) | Stage::Testing(run) => Some(run),
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
            Stage::Ready if self.sent_back > 0 => ("sent-back", again()),
            Stage::Ready => ("ready", String::new()),
            // That it came back is what a person wants to know of it, more than that it is being worked at.
            Stage::Writing if self.sent_back > 0 || self.conflicts > 0 => ("sent-back", again()),
            Stage::Writing => ("working", again()),
            Stage::Written | Stage::Reviewing(_) => ("in-review", "in review".to_owned()),
            Stage::SentBack(_) => ("sent-back", again()),
            Stage::Testing(_) => ("in-review", "its tests are being written".to_owned()),
            Stage::Approved => ("in-review", "approved".to_owned()),
            Stage::Taken => ("in-review", "the checks are run on it".to_owned()),
            Stage::Disputed(_, why) => ("in-review", format!("for you to decide: {why}")),
            Stage::Done => ("done", self.verdict.as_deref().map(|line| first_line(line, 160)).unwrap_or_default()),
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
