//! A plan at work, as a machine: what happened goes in, what is to be done next comes out. It knows no host, so each of
//! its rules is a test.

mod item;

use kit::plan::{Plan, Planned};
use kit::review::{Review, Verdict};
use orchestra_pit_sdk::board::Card;

pub use item::{Item, Stage, Writer};

use crate::words;

/// How often a review may send work back. Whoever has not got it right with two rounds of remarks goes in circles, or the
/// criteria are such that a person has to look.
pub const MOST_SENT_BACK: u32 = 2;

/// Reviews of one result that may come to nothing (the reviewer failed) before a person is asked.
const MOST_REVIEWS: u32 = 2;

/// What is to be done next. Tasks are named by their place in the plan.
#[derive(Clone, PartialEq, Debug)]
pub enum Next {
    /// Start somebody to write a task, from the integrated tip.
    Start(usize),
    /// Send the writer of a task back to work with this.
    Again(usize, String),
    /// Start a review of what a writer has done.
    Review(usize),
    /// Take a result over.
    Integrate(usize),
    /// Wait for any of these.
    Wait(Vec<String>),
    /// Ask the person about a task.
    Ask(usize),
    /// All is said and done.
    Finish,
}

/// How a child ended.
#[derive(Clone, PartialEq, Debug)]
pub enum How {
    /// By its own word: what it was not sure of.
    Done(Vec<String>),
    /// Otherwise: a kind and why.
    Not(String, String),
}

/// What came of taking a result over.
#[derive(Clone, PartialEq, Debug)]
pub enum Taken {
    /// It is in: the new tip, and the one before.
    Merged(String, String),
    /// There was nothing to take.
    Nothing,
    /// It does not fit; what the next writer is told of both sides.
    Conflicts(String),
    /// It was refused: a kind and why.
    Refused(String, String),
}

/// What the person decided about a result that is disputed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Decided {
    /// Take it, or try once more where it cannot be taken.
    Yes,
    /// Leave it out.
    No,
    /// Nobody is there.
    Nobody,
}

/// A plan at work.
#[derive(Debug)]
pub struct Work {
    items: Vec<Item>,
    coders: usize,
    /// What the person said that nobody was at work to hear.
    unheard: Vec<String>,
}

impl Work {
    /// A plan about to be begun.
    pub fn new(plan: Plan, coders: usize) -> Self {
        Self::of(plan.tasks.into_iter().map(Item::new).collect(), coders)
    }

    /// Tasks as they stand.
    pub fn of(items: Vec<Item>, coders: usize) -> Self {
        let mut work = Self { items, coders, unheard: Vec::new() };
        work.settle();
        work
    }

    /// The tasks.
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// One task.
    pub fn item(&self, at: usize) -> Option<&Item> {
        self.items.get(at)
    }

    /// The tasks as the board has them.
    pub fn cards(&self) -> Vec<Card> {
        self.items.iter().map(Item::card).collect()
    }

    /// What is to be done next. What can be finished comes before what can be begun, so that those who depend on it wait
    /// no longer than they must; the person is asked when nothing else is left, because whoever asks waits, and nobody
    /// would look after the others.
    pub fn next(&mut self) -> Next {
        loop {
            if let Some(next) = self.ready() {
                return next;
            }
            let running: Vec<String> = self.items.iter().filter_map(|item| item.running().map(str::to_owned)).collect();
            if !running.is_empty() {
                return Next::Wait(running);
            }
            if let Some(at) = self.items.iter().position(|item| matches!(item.stage, Stage::Disputed(..))) {
                return Next::Ask(at);
            }
            // Held up by something that is not there any more, or never was.
            let Some(held) = self.items.iter_mut().find(|item| item.held.is_some()) else { return Next::Finish };
            let (kind, why) = held.held.take().unwrap_or_default();
            held.stage = Stage::Failed(kind, why);
            self.settle();
        }
    }

    fn ready(&self) -> Option<Next> {
        let find =
            |wanted: fn(&Stage) -> bool| self.items.iter().position(|item| item.held.is_none() && wanted(&item.stage));
        if let Some(at) = find(|stage| matches!(stage, Stage::Approved)) {
            return Some(Next::Integrate(at));
        }
        if let Some(at) = find(|stage| matches!(stage, Stage::SentBack(_)))
            && let Some(Item { stage: Stage::SentBack(feedback), .. }) = self.items.get(at)
        {
            return Some(Next::Again(at, feedback.clone()));
        }
        if let Some(at) = find(|stage| matches!(stage, Stage::Written)) {
            return Some(Next::Review(at));
        }
        let writing = self.items.iter().filter(|item| matches!(item.stage, Stage::Writing)).count();
        let ready = find(|stage| matches!(stage, Stage::Ready)).filter(|_| writing < self.coders);
        ready.map(Next::Start)
    }

    /// A writer was started, from a commit.
    pub fn started(&mut self, at: usize, run: String, base: String) {
        let unheard = std::mem::take(&mut self.unheard);
        if let Some(item) = self.items.get_mut(at) {
            item.writer = Some(Writer { run, base });
            item.stage = Stage::Writing;
            item.told.extend(unheard);
        }
    }

    /// A writer went back to work.
    pub fn went_back(&mut self, at: usize) {
        self.unheard.clear();
        self.at_work(at, Stage::Writing);
    }

    /// A review was begun.
    pub fn reviewing(&mut self, at: usize, run: String) {
        self.at_work(at, Stage::Reviewing(run));
    }

    fn at_work(&mut self, at: usize, stage: Stage) {
        if let Some(item) = self.items.get_mut(at) {
            item.stage = stage;
        }
    }

    /// What `Next` said could not be begun. What others are in the way of is tried again when one of them has ended; the
    /// rest fails the task.
    pub fn refused(&mut self, at: usize, kind: String, why: String, others: bool) {
        if let Some(item) = self.items.get_mut(at) {
            if others {
                item.held = Some((kind, why));
            } else {
                item.stage = Stage::Failed(kind, why);
            }
        }
        self.settle();
    }

    /// The task that a child works at.
    pub fn task_of(&self, run: &str) -> Option<usize> {
        self.items.iter().position(|item| item.running() == Some(run))
    }

    /// A child has ended; with the verdict it left, if it was a review.
    pub fn ended(&mut self, at: usize, how: How, review: Option<Review>) {
        for item in &mut self.items {
            item.held = None;
        }
        let Some(item) = self.items.get_mut(at) else { return };
        match (&item.stage, how) {
            (Stage::Writing, How::Done(doubts)) => {
                item.doubts = doubts;
                item.stage = Stage::Written;
                item.lost_reviews = 0;
            }
            (Stage::Writing, How::Not(kind, why)) => item.stage = Stage::Failed(kind, why),
            (Stage::Reviewing(_), how) => item.reviewed(how, review),
            _ => {}
        }
        self.settle();
    }

    /// A result was taken over, or not.
    pub fn taken(&mut self, at: usize, taken: Taken) {
        let Some(item) = self.items.get_mut(at) else { return };
        match taken {
            Taken::Merged(tip, before) => {
                item.merged = Some((tip, before));
                item.stage = Stage::Done;
            }
            Taken::Nothing => item.stage = Stage::Done,
            // Once, on the new base; whoever comes into conflict twice is in the way of something that a person must sort out.
            Taken::Conflicts(sides) if item.conflicts == 0 => item.anew(sides),
            Taken::Conflicts(sides) => {
                item.feedback.push(sides);
                item.stage =
                    Stage::Disputed("conflict".to_owned(), "it came into conflict with other tasks twice".to_owned());
            }
            Taken::Refused(kind, why) => item.stage = Stage::Failed(kind, why),
        }
        self.settle();
    }

    /// The person has decided about a disputed result.
    pub fn decided(&mut self, at: usize, decided: Decided) {
        let Some(item) = self.items.get_mut(at) else { return };
        let Stage::Disputed(kind, why) = &item.stage else { return };
        let (conflict, why) = (kind == "conflict", why.clone());
        match decided {
            Decided::Yes if conflict => {
                let sides = item.feedback.pop().unwrap_or_default();
                item.anew(sides);
            }
            Decided::Yes => item.stage = Stage::Approved,
            Decided::No => item.stage = Stage::Failed("rejected".to_owned(), format!("{why}; the person left it out")),
            Decided::Nobody => {
                item.stage = Stage::Failed("needs-person".to_owned(), format!("{why}, and nobody was there to decide"));
            }
        }
        self.settle();
    }

    /// The runs that are writing: who is told what the person says.
    pub fn writers(&self) -> Vec<String> {
        let writing = self.items.iter().filter(|item| matches!(item.stage, Stage::Writing));
        writing.filter_map(|item| item.writer.as_ref().map(|writer| writer.run.clone())).collect()
    }

    /// The person said something and nobody was writing: whoever writes next is told.
    pub fn keep(&mut self, remark: String) {
        self.unheard.push(remark);
    }

    /// What nobody has heard.
    pub fn unheard(&self) -> &[String] {
        &self.unheard
    }

    /// Brings every task to where the others let it be.
    fn settle(&mut self) {
        loop {
            let (mut changed, before) = (false, self.items.clone());
            let find = |id: &String| before.iter().find(|item| item.task.id == *id).map(|item| &item.stage);
            for item in self.items.iter_mut().filter(|item| item.stage == Stage::Waiting) {
                let first = &item.task.after;
                let lost =
                    first.iter().find(|id| matches!(find(id), Some(Stage::Failed(..) | Stage::Dropped(_)) | None));
                if let Some(lost) = lost {
                    item.stage = Stage::Dropped(format!("it needs {lost}, which was not done"));
                    changed = true;
                } else if first.iter().all(|id| find(id) == Some(&Stage::Done)) {
                    item.stage = Stage::Ready;
                    changed = true;
                }
            }
            if !changed {
                return;
            }
        }
    }
}

impl Item {
    /// A review has ended.
    fn reviewed(&mut self, how: How, review: Option<Review>) {
        let Some(review) = review.filter(|_| matches!(how, How::Done(_))) else {
            self.lost_reviews += 1;
            let why = match how {
                How::Not(_, why) => why,
                How::Done(_) => "it left no verdict".to_owned(),
            };
            self.stage = if self.lost_reviews < MOST_REVIEWS {
                Stage::Written
            } else {
                Stage::Disputed("review".to_owned(), format!("it could not be reviewed: {why}"))
            };
            return;
        };
        self.stage = match review.verdict {
            Verdict::Approve => Stage::Approved,
            Verdict::SendBack if self.sent_back < MOST_SENT_BACK => {
                self.sent_back += 1;
                self.remarked.push(words::remarks(&review));
                Stage::SentBack(review.feedback())
            }
            Verdict::SendBack => {
                let times = MOST_SENT_BACK + 1;
                Stage::Disputed("review".to_owned(), format!("{times} reviews would send it back"))
            }
        };
        self.review = Some(review);
    }

    /// The task goes to a new writer, on the new base.
    fn anew(&mut self, sides: String) {
        self.conflicts += 1;
        self.feedback.push(sides);
        self.stage = Stage::Ready;
    }
}

/// A task about the remark that a person sent a finished run back with.
pub fn task_about(remark: &str, goal: &str, round: u32) -> Planned {
    Planned {
        id: format!("round-{round}"),
        title: kit::tool::first_line(remark, 80),
        goal: words::sent_back(goal, remark),
        criteria: vec![remark.trim().to_owned()],
        ..Planned { agent: kit::plan::CODER.to_owned(), ..Planned::default() }
    }
}

#[cfg(test)]
mod tests;
