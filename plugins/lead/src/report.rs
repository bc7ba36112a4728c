//! What it came to: all tasks or some, each criterion with what the review of its task found, and all doubts.

use crate::memory::Memory;
use crate::work::{Item, Stage, Work};
use kit::review::{Finding, Verdict};
use kit::tool::first_line;
use orchestra_pit_sdk::{Evidence, Failure, Report, Task};

/// The report, or the failure if a task was not done.
pub fn report(task: &Task, work: &Work, memory: &Memory) -> Result<Report, Failure> {
    let (items, all) = (work.items(), work.items().len());
    let lost: Vec<(&Item, &str)> = items.iter().filter_map(|item| Some((item, item.lost()?))).collect();
    if !lost.is_empty() {
        let why = lost.iter().map(|(item, why)| format!("{} ({}): {why}", item.task.id, title(item)));
        let message = format!("{} of {all} tasks done: {}", all - lost.len(), why.collect::<Vec<_>>().join("; "));
        return Err(Failure::new(kind(&lost), message));
    }
    let titles = items.iter().map(title).collect::<Vec<_>>().join("; ");
    let tasks = if all == 1 { "1 task done".to_owned() } else { format!("{all} tasks done") };
    Ok(Report {
        criteria: evidence(task, work, memory),
        doubts: doubts(work),
        state: memory.write(),
        ..Report::new(format!("{tasks}: {titles}"))
    })
}

fn title(item: &Item) -> String {
    first_line(&item.task.title, 80)
}

/// One word for why it failed: that of the tasks, if it is the same for all that did not merely wait for them.
fn kind(lost: &[(&Item, &str)]) -> String {
    let mut kinds = lost.iter().filter_map(|(item, _)| match &item.stage {
        Stage::Failed(kind, _) => Some(kind.as_str()),
        _ => None,
    });
    match kinds.next() {
        Some(first) if kinds.all(|kind| kind == first) => first.to_owned(),
        _ => "failed".to_owned(),
    }
}

/// Each criterion of the whole, with what was found in the review of the task that has it; then those of the tasks' own.
fn evidence(task: &Task, work: &Work, memory: &Memory) -> Vec<Evidence> {
    let found = |id: &str| memory.findings.iter().find(|finding| finding.id == id);
    let shown = |id: &str, finding: Option<&Finding>| Evidence {
        criterion: id.to_owned(),
        met: finding.is_some_and(|finding| finding.met),
        evidence: finding.map_or_else(|| "no review has looked at it".to_owned(), |finding| finding.evidence.clone()),
        more: Vec::new(),
    };
    let mut evidence: Vec<Evidence> =
        task.criteria.iter().map(|criterion| shown(&criterion.id, found(&criterion.id))).collect();
    for criterion in work.items().iter().flat_map(|item| item.task.criteria_for(&task.criteria)) {
        if !evidence.iter().any(|known| known.criterion == criterion.id) {
            evidence.push(shown(&criterion.id, found(&criterion.id)));
        }
    }
    evidence
}

/// What the writers were not sure of, what the reviews add to an approval, and what the person said in vain.
fn doubts(work: &Work) -> Vec<String> {
    let mut doubts = Vec::new();
    for item in work.items() {
        let id = &item.task.id;
        doubts.extend(item.doubts.iter().chain(&item.notes).map(|doubt| format!("{id}: {doubt}")));
        if let Some(line) = item.verdict.as_ref().filter(|_| item.overruled) {
            doubts.push(format!("{id}, the host's verdict, which you overruled: {line}"));
        }
        if let Some(review) = &item.review {
            let said =
                if review.verdict == Verdict::Approve { "its review" } else { "its review, which you overruled" };
            doubts.extend(review.remarks.iter().map(|remark| format!("{id}, {said}: {remark}")));
        }
    }
    doubts.extend(work.unheard().iter().map(|remark| format!("nobody was at work any more to hear: {remark}")));
    doubts
}
