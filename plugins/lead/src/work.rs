//! A plan at work, as a machine: what happened goes in, what is to be done next comes out. It knows no host, so each of
//! its rules is a test.

mod item;

use kit::plan::{Plan, Planned};
use kit::review::{Review, Verdict};
use kit::tested::Tested;
use orchestra_pit_sdk::board::Card;

pub use item::{Inside, Item, Stage, Writer};

use crate::words;

/// How often a review, a test or the checks may send work back. Whoever has not got it right with two rounds of remarks goes in circles, or the
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
    /// Have tests written on top of what a writer has done.
    Test(usize),
    /// Start a review of what a writer has done.
    Review(usize),
    /// Take a result over.
    Integrate(usize),
    /// Have the host judge the whole, with a result that is in.
    Judge(usize),
    /// Undo that a result was taken over.
    TakeBack(usize),
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

/// What the host said of the whole, with a result in it.
#[derive(Clone, PartialEq, Debug)]
pub enum Judged {
    /// Green, or no worse: in a line.
    Good(String),
    /// Red: in a line, and what whoever mends it needs.
    Red(String, String),
    /// It could not be judged, and why.
    Not(String),
}

/// For which tasks tests are written by a tester.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Tests {
    /// None: there is no tester, or it could run nothing.
    #[default]
    None,
    /// Those that the plan marks.
    Planned,
    /// All that have criteria.
    All,
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
    /// Whether the host judges what is taken over.
    judged: bool,
    tests: Tests,
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
        let mut work = Self { items, coders, judged: false, tests: Tests::None, unheard: Vec::new() };
        work.settle();
        work
    }

    /// The same work, judged by the host and tested.
    #[must_use]
    pub fn checked(self, judged: bool, tests: Tests) -> Self {
        Self { judged, tests, ..self }
    }

    /// Whether the host judges what is taken over.
    pub fn is_judged(&self) -> bool {
        self.judged
    }

    /// What the host says of the result of whoever was at work last.
    pub fn show(&mut self, at: usize, told: Vec<String>) {
        if let Some(item) = self.items.get_mut(at) {
            item.shown = told;
        }
    }

    /// Which tests the host found to prove nothing, when it judged the whole with a result in it. Those that were in the
    /// whole before are another task's.
    pub fn unproved(&mut self, at: usize, mut tests: Vec<String>) {
        let others = self.items.iter().enumerate().filter(|(of, _)| *of != at);
        let known: Vec<&String> = others.flat_map(|(_, item)| &item.unproved).collect();
        tests.retain(|test| !known.contains(&test));
        if let Some(item) = self.items.get_mut(at) {
            item.unproved = tests;
        }
    }

    /// There are no checks after all.
    pub fn unjudged(&mut self) {
        self.judged = false;
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
        if let Some(at) = find(|stage| matches!(stage, Stage::Taken)) {
            return Some(Next::Judge(at));
        }
        // While a red result is in, nothing is put on top of it and nobody starts from it but who mends it: so it can be
        // taken back, and what is red is nobody else's.
        let red = self.items.iter().position(|item| item.inside.is_some());
        if let Some(at) = red.filter(|at| self.item(*at).is_some_and(|item| item.lost().is_some())) {
            return Some(Next::TakeBack(at));
        }
        let may = |at: usize| red.is_none_or(|red| red == at);
        let first = |wanted: fn(&Stage) -> bool| {
            let mut items = self.items.iter().enumerate();
            items.find(|(at, item)| may(*at) && item.held.is_none() && wanted(&item.stage)).map(|(at, _)| at)
        };
        if let Some(at) = first(|stage| matches!(stage, Stage::Approved)) {
            return Some(Next::Integrate(at));
        }
        if let Some(at) = find(|stage| matches!(stage, Stage::SentBack(_)))
            && let Some(Item { stage: Stage::SentBack(feedback), .. }) = self.items.get(at)
        {
            return Some(Next::Again(at, feedback.clone()));
        }
        if let Some(at) = find(|stage| matches!(stage, Stage::Written)) {
            let tested = self.item(at).is_some_and(|item| self.is_tested(item));
            return Some(if tested { Next::Test(at) } else { Next::Review(at) });
        }
        let writing = self.items.iter().filter(|item| matches!(item.stage, Stage::Writing)).count();
        let ready = first(|stage| matches!(stage, Stage::Ready)).filter(|_| writing < self.coders);
        ready.map(Next::Start)
    }

    /// Whether a tester is to be at a task. Once is enough: whoever mends what its tests found keeps them.
    fn is_tested(&self, item: &Item) -> bool {
        let wanted = match self.tests {
            Tests::None => false,
            Tests::Planned => item.task.tests,
            Tests::All => true,
        };
        wanted && !item.tried && item.task.criteria.iter().any(|text| !text.trim().is_empty())
    }

    /// A writer was started, from a commit.
    pub fn started(&mut self, at: usize, run: String, base: String) {
        let unheard = std::mem::take(&mut self.unheard);
        if let Some(item) = self.items.get_mut(at) {
            item.writer = Some(Writer { run, base });
            item.from = None;
            item.stage = Stage::Writing;
            item.told.extend(unheard);
        }
    }

    /// A writer went back to work.
    pub fn went_back(&mut self, at: usize) {
        self.unheard.clear();
        self.at_work(at, Stage::Writing);
    }

    /// A tester was started.
    pub fn testing(&mut self, at: usize, run: String) {
        self.at_work(at, Stage::Testing(run));
    }

    /// A tester has ended, with what it found; or could not be started. Its word can send work back, and no more: what it
    /// says is good is reviewed and judged like the rest.
    pub fn tested(&mut self, at: usize, how: How, found: Option<Tested>) {
        for item in &mut self.items {
            item.held = None;
        }
        let Some(item) = self.items.get_mut(at) else { return };
        item.tried = true;
        let run = if let Stage::Testing(run) = &item.stage { Some(run.clone()) } else { None };
        item.stage = Stage::Written;
        let found = match (how, found) {
            (How::Done(doubts), Some(found)) => {
                item.notes.extend(doubts.into_iter().map(|doubt| format!("its tester: {doubt}")));
                found
            }
            (How::Done(_), None) => {
                item.notes.push("its tester left no findings, and its tests were left out".to_owned());
                return;
            }
            (How::Not(_, why), _) => {
                item.notes.push(format!("no tests were written for it: {why}"));
                return;
            }
        };
        item.tester = run;
        match found.feedback() {
            Some(feedback) if item.sent_back < MOST_SENT_BACK => {
                item.sent_back += 1;
                item.remarked.push(format!("- {}\n", feedback.trim_end()));
                item.goes_back(feedback);
            }
            Some(feedback) => item.notes.push(feedback),
            None => {}
        }
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

    /// A result is about to be taken over, from a tip, with the workspace kept as it is now.
    pub fn taking(&mut self, at: usize, tip: &str, kept: Option<String>) {
        if let Some(item) = self.items.get_mut(at).filter(|item| item.inside.is_none()) {
            let alone = item.writer.as_ref().is_some_and(|writer| writer.base == tip);
            item.inside = Some(Inside { before: kept, alone, came: false });
        } else if let Some(Item { inside: Some(inside), writer: Some(writer), .. }) = self.items.get_mut(at) {
            // Whoever began from the tip with the first try in it has all there is.
            inside.alone |= writer.base == tip;
        }
    }

    /// The host has judged the whole, with a result in it.
    pub fn judged(&mut self, at: usize, judged: Judged) {
        let Some(item) = self.items.get_mut(at) else { return };
        match judged {
            Judged::Good(line) => {
                item.verdict = Some(line);
                (item.inside, item.stage) = (None, Stage::Done);
            }
            Judged::Not(why) => {
                item.notes.push(format!("what was taken over was not judged: {why}"));
                (item.inside, item.stage) = (None, Stage::Done);
            }
            Judged::Red(line, told) => {
                (item.verdict, item.red) = (Some(line.clone()), told.clone());
                if item.sent_back < MOST_SENT_BACK {
                    item.sent_back += 1;
                    let found = std::iter::once(format!("the host's checks were red on it: {line}"));
                    let found = found.chain(item.unproved.iter().cloned());
                    item.remarked.push(found.map(|line| format!("- {line}\n")).collect());
                    item.goes_back(words::red(item, &told));
                } else {
                    let why = format!("it was sent back {MOST_SENT_BACK} times, and the checks are {line}");
                    item.stage = Stage::Disputed("checks".to_owned(), why);
                }
            }
        }
        self.settle();
    }

    /// A result was taken back, or why it could not be.
    pub fn taken_back(&mut self, at: usize, undone: Result<(), String>) {
        let Some(item) = self.items.get_mut(at) else { return };
        (item.inside, item.merged) = (None, None);
        if let Stage::Failed(_, why) = &mut item.stage {
            why.push_str(&match undone {
                Ok(()) => "; what was taken over of it is taken back".to_owned(),
                Err(error) => format!("; the branch still has it, because it could not be taken back: {error}"),
            });
        }
    }

    /// The tasks whose result is in and not known to be good.
    pub fn unsettled(&self) -> Vec<usize> {
        (0..self.items.len()).filter(|at| self.item(*at).is_some_and(|item| item.inside.is_some())).collect()
    }

    /// A result was taken over, or not.
    pub fn taken(&mut self, at: usize, taken: Taken) {
        let Some(item) = self.items.get_mut(at) else { return };
        match taken {
            Taken::Merged(tip, before) => {
                // What was mended after it was taken over is one result with what was taken over first.
                let first = item.merged.take().filter(|_| item.inside.as_ref().is_some_and(|inside| inside.came));
                item.merged = Some((tip, first.map_or(before, |(_, before)| before)));
                item.stage = if self.judged { Stage::Taken } else { Stage::Done };
                item.inside.iter_mut().for_each(|inside| inside.came = true);
            }
            // Nothing was mended: the same files have the same verdict.
            Taken::Nothing if item.inside.as_ref().is_some_and(|inside| inside.came) => item.stage = Stage::Taken,
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
        // What never came in need not be taken back.
        item.inside = item.inside.take().filter(|inside| inside.came);
        self.settle();
    }

    /// The person has decided about a disputed result.
    pub fn decided(&mut self, at: usize, decided: Decided) {
        let Some(item) = self.items.get_mut(at) else { return };
        let Stage::Disputed(kind, why) = &item.stage else { return };
        let (conflict, checks, why) = (kind == "conflict", kind == "checks", why.clone());
        match decided {
            Decided::Yes if checks => {
                item.overruled = true;
                (item.inside, item.stage) = (None, Stage::Done);
            }
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
                self.goes_back(review.feedback());
                self.review = Some(review);
                return;
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
        // The tests of the first try are in what did not fit.
        (self.tester, self.from, self.tried) = (None, None, false);
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
