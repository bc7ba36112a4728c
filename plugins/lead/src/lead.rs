//! Does what the machine says is next, and tells it what came of it.

use crate::memory::{self, Memory};
use crate::planning;
use crate::report;
use crate::settings::Settings;
use crate::words;
use crate::work::{Decided, How, Item, Judged, Next, Stage, Taken, Work};
use kit::can::FULL;
use kit::plan::CODER;
use kit::review::REVIEW;
use kit::tested::{TESTS, Tested};
use kit::{Review, Team, checks};
use orchestra_pit_sdk::board::Card;
use orchestra_pit_sdk::delegate::{Awaited, End, Ended, Order};
use orchestra_pit_sdk::human::Question;
use orchestra_pit_sdk::vcs::Integration;
use orchestra_pit_sdk::{Error, Failure, Outcome, Task};

/// Who reviews.
const REVIEWER: &str = "reviewer";

/// Who writes tests.
const TESTER: &str = "tester";

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
    let work = work.checked(!settings.can.checks.is_empty(), settings.tests);
    let mut team = Lead { host, task, settings, work, shown: Vec::new() };
    if let Err(failure) = team.run() {
        // Nothing stays on the branch that was not judged or is red, if the run can go no further.
        team.work.unsettled().into_iter().for_each(|at| team.take_back(at));
        return Err(failure);
    }
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
                Next::Test(at) => self.test(at),
                Next::Review(at) => self.review(at),
                Next::Integrate(at) => self.integrate(at),
                Next::Judge(at) => self.judge(at)?,
                Next::TakeBack(at) => self.take_back(at),
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
            // A stranger's agent may know other settings.
            settings: if item.task.agent == CODER { self.settings.can.settings() } else { Vec::new() },
            ..Task::new(words::goal(&told))
        };
        let mut order = Order {
            card: item.task.id.clone(),
            lease: self.lease(&item.task.files),
            share: self.settings.writers(self.work.items().len()),
            ..Order::new(item.task.agent.clone(), task)
        };
        // Who goes on with another's result is reviewed with it.
        let base = match (&item.from, &item.writer) {
            (Some(run), Some(writer)) => {
                order.start.clone_from(run);
                writer.base.clone()
            }
            _ => head(self.host),
        };
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

    fn test(&mut self, at: usize) {
        let Some((item, writer)) = self.work.item(at).and_then(|item| Some((item, item.writer.as_ref()?))) else {
            return;
        };
        let mut settings = self.settings.can.settings();
        settings.push(("since".to_owned(), writer.base.clone()));
        let task =
            Task { criteria: item.task.criteria_for(&self.task.criteria), settings, ..Task::new(words::to_test(item)) };
        let order = Order { start: writer.run.clone(), card: item.task.id.clone(), ..Order::new(TESTER, task) };
        match self.host.start(&order) {
            Ok(run) => self.work.testing(at, run),
            Err(error) if waits_for_others(&error) => self.refused(at, &error),
            // Without tests of its own it is still reviewed and judged.
            Err(error) => self.work.tested(at, How::Not(error.kind, error.message), None),
        }
    }

    fn review(&mut self, at: usize) {
        let Some((item, writer)) = self.work.item(at).and_then(|item| Some((item, item.writer.as_ref()?))) else {
            return;
        };
        let mut settings = vec![("since".to_owned(), writer.base.clone())];
        if !item.shown.is_empty() {
            settings.push(("verdict".to_owned(), item.shown.join("\n")));
        }
        let task = Task {
            criteria: item.task.criteria_for(&self.task.criteria),
            settings,
            feedback: item.remarked.clone(),
            round: u32::try_from(item.remarked.len()).unwrap_or(u32::MAX).saturating_add(1),
            ..Task::new(words::to_review(item))
        };
        // Its workspace is what the writer has committed, so it can be nobody's but the writer's own, and of that it sees
        // the files alone.
        let start = item.result().unwrap_or(&writer.run).to_owned();
        let order = Order { start, card: item.task.id.clone(), ..Order::new(REVIEWER, task) };
        match self.host.start(&order) {
            Ok(run) => self.work.reviewing(at, run),
            Err(error) => self.refused(at, &error),
        }
    }

    fn refused(&mut self, at: usize, error: &Error) {
        let others = waits_for_others(error);
        self.work.refused(at, error.kind.clone(), error.message.clone(), others);
    }

    fn integrate(&mut self, at: usize) {
        let Some((run, message)) = self.work.item(at).and_then(|item| {
            let run = item.result()?.to_owned();
            Some((run, words::merge(item)))
        }) else {
            return;
        };
        let before = head(self.host);
        if self.work.is_judged() {
            let inside = self.work.item(at).is_some_and(|item| item.inside.is_some());
            let kept = if inside { None } else { self.host.snapshot(&format!("before {run}")).ok() };
            self.work.taking(at, &before, kept);
        }
        let taken = match self.host.integrate(&run, &message) {
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

    /// Has the host judge the whole, with the result in it: what counts is its verdict on what is handed on, and no agent's
    /// word about its own files.
    fn judge(&mut self, at: usize) -> Result<(), Failure> {
        let level = self.settings.can.checks.last().map_or(FULL, String::as_str);
        let judged = match self.host.check(level) {
            Ok(verdict) if checks::is_red(&verdict) => Judged::Red(checks::line(&verdict), checks::told(&verdict)),
            Ok(verdict) => Judged::Good(checks::line(&verdict)),
            Err(error) if error.is("exhausted") || error.is("cancelled") => return Err(error.into()),
            Err(error) => {
                if error.is("not-found") {
                    self.work.unjudged();
                }
                Judged::Not(error.message)
            }
        };
        self.work.judged(at, judged);
        Ok(())
    }

    /// Undoes that a result was taken over, by a commit: no call moves a branch back, and the next writer starts from the
    /// files, which are as they were.
    fn take_back(&mut self, at: usize) {
        let Some(item) = self.work.item(at) else { return };
        let kept = item.inside.as_ref().and_then(|inside| inside.before.clone());
        let undone = match kept {
            None => Err("the workspace before it was not kept".to_owned()),
            Some(kept) => {
                let restored = self.host.restore(&kept).and_then(|()| self.host.commit(&words::taken_back(item)));
                restored.map(|_| ()).map_err(|error| error.to_string())
            }
        };
        if let Err(error) = &undone {
            self.host.say(&format!("{} is on the branch, and could not be taken back: {error}", item.task.id));
        }
        self.work.taken_back(at, undone);
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
        // What the host puts beside an end, never what is in an agent's report.
        let told = ended.more.iter().filter(|(name, _)| name == "verdict" || name == "proof");
        let told: Vec<String> = told.map(|(_, line)| line.clone()).collect();
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
        if self.work.item(at).is_some_and(|item| matches!(item.stage, Stage::Testing(_))) {
            let found = self.found(at);
            self.work.tested(at, how, found);
        } else {
            self.work.ended(at, how, review);
        }
        if !reviewed {
            self.work.show(at, told);
        }
    }

    /// What the tester of a task has just left: the last that is complete.
    fn found(&self, at: usize) -> Option<Tested> {
        let (item, task) = self.of(at)?;
        self.last(TESTS, TESTER, |body| {
            let found: Option<Tested> = serde_json::from_str(body).ok();
            found.filter(|found| found.card == item.task.id && found.faults(&task).is_empty())
        })
    }

    /// A task, and its criteria as those are given them who work at it.
    fn of(&self, at: usize) -> Option<(&Item, Task)> {
        let item = self.work.item(at)?;
        Some((item, Task { criteria: item.task.criteria_for(&self.task.criteria), ..Task::default() }))
    }

    /// The last note of a topic by an agent of a name, which the host has signed, that can be read.
    fn last<T>(&self, topic: &str, author: &str, read: impl Fn(&str) -> Option<T>) -> Option<T> {
        let (mut found, mut after) = (None, 0);
        while let Ok(page) = self.host.notes(topic, after) {
            let Some(last) = page.last() else { break };
            after = last.number;
            for note in page.iter().filter(|note| note.author.split(' ').next() == Some(author)) {
                found = read(&note.body).or(found);
            }
        }
        found
    }

    /// The verdict about a task that its reviewer has just left: the last one, since no reviewer is done without one.
    fn verdict(&self, at: usize) -> Option<Review> {
        let (item, task) = self.of(at)?;
        self.last(REVIEW, REVIEWER, |body| {
            let review: Option<Review> = serde_json::from_str(body).ok();
            review.filter(|review| review.card == item.task.id && review.faults(&task).is_empty())
        })
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

/// A sibling's lease, or as many at work as may be: it is worth trying again when one has ended.
fn waits_for_others(error: &Error) -> bool {
    error.is("conflict") || error.rule.as_deref() == Some("width")
}
