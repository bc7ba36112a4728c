//! `diff` and `judge`: the change, and what is said of it.

use crate::prompt;
use kit::brief::{self, Allowance, Instructions};
use kit::look::change;
use kit::reader::Reader;
use kit::review::{Finding, REVIEW, Verdict};
use kit::tool::{Args, MAX_RESULT, cap, invalid, tool};
use kit::{Host, Review};
use orchestra_pit_sdk::model::Tool;
use orchestra_pit_sdk::{Error, Evidence, Report, Result, Task};
use serde_json::Value;

/// Bytes of a remark, or of evidence: a review is a note that others read.
const MOST_WORDS: usize = 4_000;

/// A reviewer at work.
#[derive(Debug)]
pub struct Judging<'a> {
    task: &'a Task,
    since: String,
}

impl<'a> Judging<'a> {
    /// For a task.
    pub fn new(task: &'a Task) -> Self {
        let since = task.setting("since").filter(|since| !since.is_empty()).unwrap_or("base").to_owned();
        Self { task, since }
    }

    fn review(&self, args: &Args) -> Result<Review> {
        let verdict = match args.text("verdict")? {
            "approve" => Verdict::Approve,
            "send-back" => Verdict::SendBack,
            other => return Err(invalid(format!("the verdict is {other:?}; it must be approve or send-back"))),
        };
        let review = Review {
            card: brief::card(self.task).unwrap_or_default().to_owned(),
            verdict,
            criteria: args.list("criteria")?.iter().map(finding).collect::<Result<_>>()?,
            remarks: args.texts("remarks")?.iter().map(|remark| cap(remark.trim(), MOST_WORDS, "be brief")).collect(),
        };
        let faults = review.faults(self.task);
        if faults.is_empty() {
            return Ok(review);
        }
        Err(invalid(format!("the judgement is not complete:\n- {}", faults.join("\n- "))))
    }
}

fn finding(value: &Value) -> Result<Finding> {
    let text = |name: &str| value.get(name).and_then(Value::as_str);
    match (text("id"), value.get("met").and_then(Value::as_bool)) {
        (Some(id), Some(met)) => Ok(Finding {
            id: id.to_owned(),
            met,
            evidence: cap(text("evidence").unwrap_or_default(), MOST_WORDS, "be brief"),
        }),
        _ => Err(invalid("each of `criteria` must have `id` (a text), `met` (true or false) and `evidence` (a text)")),
    }
}

impl Reader for Judging<'_> {
    fn system(&self) -> String {
        prompt::SYSTEM.to_owned()
    }

    fn first(&self, host: &dyn Host, instructions: &mut Instructions, allowance: Allowance) -> String {
        prompt::first(host, self.task, &self.since, instructions, allowance)
    }

    fn again(&self, heard: usize) -> String {
        prompt::again(self.task, heard)
    }

    fn tools(&self) -> Vec<Tool> {
        vec![
            tool(
                "diff",
                "Shows what was changed, as a unified diff.",
                r#"{"type":"object","properties":{"paths":{"type":"array","items":{"type":"string"},"description":"Globs; left out: all files"}},"additionalProperties":false}"#,
            ),
            tool(
                "judge",
                "Says what you came to. This ends your work.",
                r#"{"type":"object","properties":{"verdict":{"type":"string","enum":["approve","send-back"]},"criteria":{"type":"array","items":{"type":"object","properties":{"id":{"type":"string"},"met":{"type":"boolean"},"evidence":{"type":"string","description":"A file and line, or the name of a test"}},"required":["id","met","evidence"],"additionalProperties":false},"description":"Each criterion of the task"},"remarks":{"type":"array","items":{"type":"string"},"description":"What must be changed; with an approval, what a person should know"}},"required":["verdict","criteria","remarks"],"additionalProperties":false}"#,
            ),
        ]
    }

    fn show(&mut self, host: &dyn Host, name: &str, args: &Args) -> Option<(String, Result<String>)> {
        (name == "diff").then(|| {
            let told = args.texts("paths").and_then(|paths| change(host, &self.since, &paths, MAX_RESULT - 300));
            ("diff".to_owned(), told)
        })
    }

    fn say(&mut self, host: &dyn Host, args: &Args) -> Result<Report> {
        let review = self.review(args)?;
        let body = serde_json::to_string(&review).map_err(|error| Error::new("invalid", error.to_string()))?;
        host.post(REVIEW, &body)?;
        let said = if review.verdict == Verdict::Approve { "approved" } else { "sent back" };
        let summary = review.remarks.first().map_or_else(|| said.to_owned(), |first| format!("{said}: {first}"));
        let evidence = |finding: Finding| Evidence {
            criterion: finding.id,
            met: finding.met,
            evidence: finding.evidence,
            more: Vec::new(),
        };
        let criteria = review.criteria.into_iter().map(evidence).collect();
        Ok(Report { criteria, ..Report::new(summary) })
    }

    fn hears_the_team(&self) -> bool {
        // What the writers tell each other is their account of the work too.
        false
    }
}
