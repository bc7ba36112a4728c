//! Does what the machine says is next, and tells it what came of it.

use crate::memory::{self, Memory};
use crate::planning;
use crate::report;
use crate::settings::Settings;
use crate::words;
use crate::work::{Decided, How, Item, Next, Stage, Taken, Work};
use kit::review::REVIEW;
use kit::{Review, Team};
use orchestra_pit_sdk::board::Card;
use orchestra_pit_sdk::delegate::{Awaited, End, Ended, Order};
use orchestra_pit_sdk::human::Question;
use orchestra_pit_sdk::vcs::Integration;
use orchestra_pit_sdk::{Error, Failure, Outcome, Task};

/// Who reviews.
const REVIEWER: &str = "reviewer";

/// Files that one glob of a task is made a lease of.
const LEASED: u32 = 200;

/// Does a task with a team.
pub fn lead(host: &dyn Team, task: &Task) -> Result<Outcome, Failure> {
    let settings = Settings::of(task)?;
    let memory = Memory::find(host, task);
    let work = match memory.as_ref().and_then(|memory| memory.take_up(task, &head(host), settings.coders)) {
        Some(work) => work,
        None => Work::new(planning::plan(host, task, &settings)?, settings.coders),
    };
    let mut team = Lead { host, task, settings, work, shown: Vec::new() };
    team.run()?;
    let Lead { work, .. } = team;
    let memory = Memory::of(&work, memory, task);
    match report::report(task, &work, &memory) {
        Ok(report) => Ok(Outcome::Done(report)),
        Err(failure) => {
            // A failure hands nothing on, and a person may send this run back all the same.
            memory::leave(host, &memory);
            Err(failure)
        }
    }
}

/// The integrated tip.
fn head(host: &dyn Team) -> String {
    let last = host.history("", 1).unwrap_or_default();
    last.into_iter().next().map(|commit| commit.id).unwrap_or_default()
}

struct Lead<'a> {
    host: &'a dyn Team,
    task: &'a Task,
    settings: Settings,
    work: Work,
    /// The board as it was put last.
    shown: Vec<Card>,
}

impl Lead<'_> {
    fn run(&mut self) -> Result<(), Failure> {
        loop {
            let next = self.work.next();
            self.show();
            match next {
                Next::Start(at) => self.start(at),
                Next::Again(at, feedback) => self.again(at, &feedback),
                Next::Review(at) => self.review(at),
                Next::Integrate(at) => self.integrate(at),
                Next::Wait(runs) => self.wait(&runs)?,
                Next::Ask(at) => self.ask(at)?,
                Next::Finish => return Ok(()),
            }
        }
    }

    /// Puts what has changed of the tasks on the board. Who has no board works on.
    fn show(&mut self) {
        let cards = self.work.cards();
        let changed: Vec<Card> = cards.iter().filter(|card| !self.shown.contains(card)).cloned().collect();
        if !changed.is_empty() && self.host.put(&changed).is_ok() {
            self.shown = cards;
        }
    }

    fn start(&mut self, at: usize) {
        let Some(item) = self.work.item(at) else { return };
        let mut told = item.clone();
        told.told.extend_from_slice(self.work.unheard());
        let task = Task {
            criteria: item.task.criteria_for(&self.task.criteria),
            feedback: item.feedback.clone(),
            round: u32::try_from(item.feedback.len()).unwrap_or(u32::MAX).saturating_add(1),
            ..Task::new(words::goal(&told))
        };
        let mut order = Order {
            card: item.task.id.clone(),
            lease: self.lease(&item.task.files),
            share: self.settings.writers(self.work.items().len()),
            ..Order::new(item.task.agent.clone(), task)
        };
        let base = head(self.host);
        let mut started = self.host.start(&order);
        if started.as_ref().is_err_and(|error| error.is("exhausted")) {
            // What is left may still be enough, if it is not set aside.
            order.share = Default::default();
            started = self.host.start(&order);
        }
        match started {
            Ok(run) => self.work.started(at, run, base),
            Err(error) => self.refused(at, &error),
        }
    }

    /// The files that a task keeps for itself: its paths, and what its globs match now.
    fn lease(&self, files: &[String]) -> Vec<String> {
        let mut lease: Vec<String> = Vec::new();
        for file in files {
            if !file.contains(['*', '?', '[', '{']) {
                lease.push(file.clone());
            } else if let Ok(page) = self.host.list(file, None, LEASED) {
                lease.extend(page.entries.into_iter().map(|entry| entry.path));
            }
        }
        lease.sort();
        lease.dedup();
        lease
    }

    fn again(&mut self, at: usize, feedback: &str) {
        let Some(run) = self.writer(at) else { return };
        let mut feedback = feedback.to_owned();
        for remark in self.work.unheard() {
            feedback.push_str(&format!("\nThe person has said meanwhile: {}\n", remark.trim()));
        }
        match self.host.again(&run, &feedback) {
            Ok(()) => self.work.went_back(at),
            Err(error) => self.refused(at, &error),
        }
    }

    fn review(&mut self, at: usize) {
        let Some((item, writer)) = self.work.item(at).and_then(|item| Some((item, item.writer.as_ref()?))) else {
            return;
        };
        let task = Task {
            criteria: item.task.criteria_for(&self.task.criteria),
            settings: vec![("since".to_owned(), writer.base.clone())],
            feedback: item.remarked.clone(),
            round: u32::try_from(item.remarked.len()).unwrap_or(u32::MAX).saturating_add(1),
            ..Task::new(words::to_review(item))
        };
        // Its workspace is what the writer has committed, so it can be nobody's but the writer's own, and of that it sees
        // the files alone.
        let order = Order { start: writer.run.clone(), card: item.task.id.clone(), ..Order::new(REVIEWER, task) };
        match self.host.start(&order) {
            Ok(run) => self.work.reviewing(at, run),
            Err(error) => self.refused(at, &error),
        }
    }

    fn refused(&mut self, at: usize, error: &Error) {
        // A sibling's lease, or as many at work as may be: it is worth trying again when one has ended.
        let others = error.is("conflict") || error.rule.as_deref() == Some("width");
        self.work.refused(at, error.kind.clone(), error.message.clone(), others);
    }

    fn integrate(&mut self, at: usize) {
        let Some((item, run)) = self.work.item(at).zip(self.writer(at)) else { return };
        let before = head(self.host);
        let taken = match self.host.integrate(&run, &words::merge(item)) {
            Ok(Integration::Merged(tip)) => Taken::Merged(tip.id, before),
            Ok(Integration::Nothing) => Taken::Nothing,
            Ok(Integration::Conflicts(conflicts)) => Taken::Conflicts(words::conflicts(&conflicts)),
            Ok(Integration::Other((name, _))) => {
                Taken::Refused("unsupported".to_owned(), format!("taking it over came to {name:?}, which is not known"))
            }
            Err(error) => Taken::Refused(error.kind, error.message),
        };
        self.work.taken(at, taken);
    }

    fn writer(&self, at: usize) -> Option<String> {
        Some(self.work.item(at)?.writer.as_ref()?.run.clone())
    }

    fn wait(&mut self, runs: &[String]) -> Result<(), Failure> {
        match self.host.wait(runs)? {
            Awaited::Ended(ended) => self.ended(ended),
            Awaited::Time | Awaited::Other(_) => self.listen()?,
        }
        Ok(())
    }

    fn ended(&mut self, ended: Ended) {
        let Some(at) = self.work.task_of(&ended.child) else { return };
        let reviewed = self.work.item(at).is_some_and(|item| matches!(item.stage, Stage::Reviewing(_)));
        let review = if reviewed { self.verdict(at) } else { None };
        let how = match ended.end {
            End::Done(report) => How::Done(report.doubts),
            End::Failed(failure) => How::Not(failure.kind, failure.message),
            End::Cancelled(why) => How::Not("cancelled".to_owned(), format!("it was cancelled: {why}")),
            End::Exhausted(why) => How::Not("exhausted".to_owned(), why),
            End::Broken(why) => How::Not("broken".to_owned(), format!("the agent broke: {why}")),
            End::Other((kind, why)) => How::Not(kind, why),
        };
        self.work.ended(at, how, review);
    }

    /// The verdict about a task that its reviewer has just left: the last one, since no reviewer is done without one.
    fn verdict(&self, at: usize) -> Option<Review> {
        let item = self.work.item(at)?;
        let task = Task { criteria: item.task.criteria_for(&self.task.criteria), ..Task::default() };
        let (mut found, mut after) = (None, 0);
        while let Ok(page) = self.host.notes(REVIEW, after) {
            let Some(last) = page.last() else { break };
            after = last.number;
            for note in page.iter().filter(|note| note.author.split(' ').next() == Some(REVIEWER)) {
                let review: Option<Review> = serde_json::from_str(&note.body).ok();
                found =
                    review.filter(|review| review.card == item.task.id && review.faults(&task).is_empty()).or(found);
            }
        }
        found
    }

    /// Passes on what the person says to everybody who is writing; or else keeps it for whoever writes next.
    fn listen(&mut self) -> Result<(), Failure> {
        for remark in self.host.remarks()? {
            let mut heard = false;
            for run in self.work.writers() {
                match self.host.message(&run, &remark.text) {
                    Ok(()) => heard = true,
                    // It has just ended.
                    Err(error) if error.is("conflict") => {}
                    Err(error) => return Err(error.into()),
                }
            }
            if !heard {
                self.work.keep(remark.text);
            }
        }
        Ok(())
    }

    fn ask(&mut self, at: usize) -> Result<(), Failure> {
        let Some(Item { stage: Stage::Disputed(kind, why), .. }) = self.work.item(at) else { return Ok(()) };
        let Some(item) = self.work.item(at) else { return Ok(()) };
        let (text, [yes, no]) = words::question(item, kind, why);
        let decided = match self.host.ask_person(&Question::new(text).choices([yes, no])) {
            Ok(answer) if answer == yes => Decided::Yes,
            Ok(_) => Decided::No,
            Err(error) if error.is("unavailable") || error.is("denied") => Decided::Nobody,
            Err(error) => return Err(error.into()),
        };
        self.work.decided(at, decided);
        Ok(())
    }
}
