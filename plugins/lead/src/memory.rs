//! What is kept for the next round: the plan, who did what, and what the reviews found.

use crate::work::{Item, Stage, Work, Writer, task_about};
use kit::Team;
use kit::plan::Planned;
use kit::review::Finding;
use orchestra_pit_sdk::Task;
use serde::{Deserialize, Serialize};

/// The version of what is written. What has another one is not read; the task is then planned anew.
const VERSION: u32 = 1;

/// The topic under which a lead that failed leaves it for itself.
const LEAD: &str = "lead";

/// What is kept.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Memory {
    version: u32,
    tasks: Vec<Kept>,
    /// What reviews found of criteria in tasks that are done, of all rounds.
    pub findings: Vec<Finding>,
}

/// A task as it is kept.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
struct Kept {
    task: Planned,
    done: bool,
    /// The run that wrote it and the commit that it started from.
    writer: Option<(String, String)>,
    /// The tip that it became part of, and the one before.
    merged: Option<(String, String)>,
}

impl Memory {
    /// What stands at the end of a round, on top of what stood before it.
    pub fn of(work: &Work, before: Option<Self>, task: &Task) -> Self {
        let kept = |item: &Item| Kept {
            task: item.task.clone(),
            done: item.stage == Stage::Done,
            // Whoever wrote it has not got the tests that were put on top: a remark is for whoever starts from both.
            writer: item
                .writer
                .as_ref()
                .filter(|_| item.tester.is_none())
                .map(|writer| (writer.run.clone(), writer.base.clone())),
            merged: item.merged.clone(),
        };
        let mut findings = before.map(|before| before.findings).unwrap_or_default();
        for item in work.items().iter().filter(|item| item.stage == Stage::Done) {
            let ids: Vec<String> =
                item.task.criteria_for(&task.criteria).into_iter().map(|criterion| criterion.id).collect();
            for finding in
                item.review.iter().flat_map(|review| &review.criteria).filter(|found| ids.contains(&found.id))
            {
                findings.retain(|other| other.id != finding.id);
                findings.push(finding.clone());
            }
        }
        Self { version: VERSION, tasks: work.items().iter().map(kept).collect(), findings }
    }

    /// What the round before has left: with its report, or on the board if it failed.
    pub fn find(host: &dyn Team, task: &Task) -> Option<Self> {
        if task.round < 2 {
            return None;
        }
        if let Some(state) = task.state.as_deref() {
            return Self::read(state);
        }
        let (mut found, mut after) = (None, 0);
        while let Ok(page) = host.notes(LEAD, after) {
            let Some(last) = page.last() else { break };
            after = last.number;
            // The host signs notes: nobody else writes this one.
            let mine = page.iter().rev().find(|note| note.author.split(' ').next() == Some(LEAD));
            found = mine.and_then(|note| Self::read(note.body.as_bytes())).or(found);
        }
        found
    }

    /// As bytes.
    pub fn write(&self) -> Option<Vec<u8>> {
        serde_json::to_vec(self).ok()
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok().filter(|memory: &Self| memory.version == VERSION)
    }

    /// The work of a round that begins with a person's remark. What was not done is taken up again, with the remark among
    /// what must be true. Where all was done: a single task goes back to the one who did it, with the conversation it was
    /// done in, as long as nothing was added to it since; otherwise whoever takes the remark up starts from what there is.
    pub fn take_up(&self, task: &Task, head: &str, coders: usize) -> Option<Work> {
        let remark = task.feedback.last()?;
        let mut tasks = self.tasks.clone();
        let mut items = Vec::new();
        if tasks.iter().any(|kept| !kept.done) {
            for kept in &mut tasks {
                if !kept.done {
                    kept.task.criteria.push(remark.trim().to_owned());
                }
                items.push(kept.item(remark));
            }
            return Some(Work::of(items, coders));
        }
        if let [kept] = tasks.as_mut_slice()
            && kept.stands(head)
        {
            kept.task.criteria.push(remark.trim().to_owned());
            let mut item = kept.item(remark);
            item.stage = Stage::SentBack(remark.clone());
            return Some(Work::of(vec![item], coders));
        }
        items.extend(tasks.iter().map(|kept| kept.item(remark)));
        items.push(Item::new(task_about(remark, &task.goal, task.round)));
        Some(Work::of(items, coders))
    }
}

impl Kept {
    /// Whether the integrated tip is this task's result and nothing else.
    fn stands(&self, head: &str) -> bool {
        match (&self.writer, &self.merged) {
            (Some((_, base)), Some((tip, before))) => tip == head && before == base,
            _ => false,
        }
    }

    fn item(&self, remark: &str) -> Item {
        let mut item = Item::new(self.task.clone());
        item.writer = self.writer.clone().map(|(run, base)| Writer { run, base });
        item.merged = self.merged.clone();
        if self.done {
            item.stage = Stage::Done;
        } else {
            item.feedback.push(remark.to_owned());
        }
        item
    }
}

/// Leaves it on the board, for a round after a failure.
pub fn leave(host: &dyn Team, memory: &Memory) {
    if let Some(body) = memory.write().and_then(|bytes| String::from_utf8(bytes).ok())
        && let Err(error) = host.post(LEAD, &body)
    {
        host.say(&format!("nothing is kept for another round: {error}"));
    }
}
