//! The end: each criterion ticked with its evidence, the rest committed, the next agent told.

use kit::brief::{self, HANDOFF};
use kit::hands::FINISH;
use kit::tool::{first_line, invalid, tool};
use kit::{Args, Host};
use orchestra_pit_sdk::model::Tool;
use orchestra_pit_sdk::{Error, Evidence, Report, Task};
use serde_json::{Value, json};

/// The tool.
pub fn offer() -> Tool {
    tool(
        FINISH,
        "Ends the work and hands it over. What is not committed is committed.",
        r#"{"type":"object","properties":{"summary":{"type":"string","description":"What was done, in a few sentences"},"criteria":{"type":"array","items":{"type":"object","properties":{"id":{"type":"string"},"met":{"type":"boolean"},"evidence":{"type":"string","description":"A file and line, or the name of a test"}},"required":["id","met","evidence"],"additionalProperties":false},"description":"Each criterion of the task"},"doubts":{"type":"array","items":{"type":"string"},"description":"What you are not sure of, or did not verify"}},"required":["summary","criteria"],"additionalProperties":false}"#,
    )
}

/// Reads the arguments of `finish`. What is missing is said all at once.
pub fn report(task: &Task, args: &Args) -> Result<Report, Error> {
    let summary = args.text("summary")?.trim();
    if summary.is_empty() {
        return Err(invalid("the summary is empty: say what was done, in a few sentences"));
    }
    let given = args.list("criteria")?.iter().map(evidence).collect::<Result<Vec<_>, _>>()?;
    let mut wrong = Vec::new();
    for criterion in &task.criteria {
        match given.iter().find(|evidence| evidence.criterion == criterion.id) {
            None => wrong.push(format!("{} is not answered: {}", criterion.id, criterion.text.trim())),
            Some(evidence) if evidence.evidence.trim().is_empty() => {
                wrong.push(format!("{} has no evidence: name a file and line, or a test", criterion.id));
            }
            Some(_) => {}
        }
    }
    for evidence in &given {
        if !task.criteria.iter().any(|criterion| criterion.id == evidence.criterion) {
            wrong.push(format!("there is no criterion {:?}", evidence.criterion));
        }
    }
    if !wrong.is_empty() {
        return Err(invalid(format!("the work is not finished:\n- {}", wrong.join("\n- "))));
    }
    let report = Report { criteria: given, doubts: args.texts("doubts")?, ..Report::new(summary) };
    Ok(report)
}

fn evidence(value: &Value) -> Result<Evidence, Error> {
    let text = |name: &str| value.get(name).and_then(Value::as_str);
    let met = value.get("met").and_then(Value::as_bool);
    match (text("id"), met) {
        (Some(id), Some(met)) => Ok(Evidence {
            criterion: id.to_owned(),
            met,
            evidence: text("evidence").unwrap_or_default().to_owned(),
            more: Vec::new(),
        }),
        _ => Err(invalid("each of `criteria` must have `id` (a text), `met` (true or false) and `evidence` (a text)")),
    }
}

/// What the next agent finds on the board.
fn handoff<'a>(task: &Task, report: &Report, files: impl Iterator<Item = &'a String>) -> String {
    let card = brief::card(task).map(str::to_owned);
    let verified: Vec<Value> = report
        .criteria
        .iter()
        .map(|evidence| json!({"criterion": evidence.criterion, "met": evidence.met, "evidence": evidence.evidence}))
        .collect();
    json!({
        "task": card.unwrap_or_else(|| first_line(&task.goal, 100)),
        "round": task.round,
        "changed": report.summary,
        "files": files.collect::<Vec<_>>(),
        "verified": verified,
        "doubts": report.doubts,
    })
    .to_string()
}

/// Tells the next agent.
pub fn hand_over<'a>(
    host: &dyn Host,
    task: &Task,
    report: &Report,
    files: impl Iterator<Item = &'a String>,
) -> Result<(), Error> {
    match host.post(HANDOFF, &handoff(task, report, files)) {
        Ok(_) => Ok(()),
        Err(error) if error.is("exhausted") || error.is("cancelled") => Err(error),
        // Who works alone has no board, and the report says the same.
        Err(error) => {
            host.say(&format!("no hand-off was left: {error}"));
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use orchestra_pit_sdk::Criterion;

    fn task() -> Task {
        let criterion = |id: &str, text: &str| Criterion { id: id.into(), text: text.into(), more: Vec::new() };
        Task {
            criteria: vec![criterion("c1", "prints JSON"), criterion("c2", "is documented")],
            ..Task::new("Add --json")
        }
    }

    fn read(arguments: &str) -> Result<Report, String> {
        report(&task(), &Args::new(arguments).unwrap()).map_err(|error| error.message)
    }

    #[test]
    fn every_criterion_is_answered_with_evidence() {
        let report = read(
            r#"{"summary":"Adds it.","criteria":[{"id":"c1","met":true,"evidence":"tests/ls.rs::json"},{"id":"c2","met":false,"evidence":"docs/ is missing"}],"doubts":["Windows"]}"#,
        )
        .unwrap();
        assert_eq!(report.criteria.iter().map(|e| e.met).collect::<Vec<_>>(), [true, false]);
        assert_eq!(report.doubts, ["Windows"]);
    }

    #[test]
    fn all_that_is_missing_is_said_at_once() {
        let said = read(
            r#"{"summary":"x","criteria":[{"id":"c2","met":true,"evidence":" "},{"id":"c9","met":true,"evidence":"y"}]}"#,
        );
        let said = said.unwrap_err();
        for part in ["c1 is not answered: prints JSON", "c2 has no evidence", "there is no criterion \"c9\""] {
            assert!(said.contains(part), "{said}");
        }
        assert!(read(r#"{"summary":" "}"#).unwrap_err().contains("summary is empty"));
        assert!(read(r#"{"summary":"x","criteria":["c1"]}"#).unwrap_err().contains("must have `id`"));
    }

    #[test]
    fn the_hand_off_names_task_change_proof_and_doubts() {
        let report = Report::new("Adds it.").criterion("c1", true, "a.rs:3").doubt("Windows");
        let files = ["a.rs".to_owned()];
        let note: Value = serde_json::from_str(&handoff(&task(), &report, files.iter())).unwrap();
        assert_eq!(note["task"], "Add --json");
        assert_eq!(
            (&note["round"], &note["changed"], &note["files"][0]),
            (&json!(1), &json!("Adds it."), &json!("a.rs"))
        );
        assert_eq!((&note["verified"][0]["evidence"], &note["doubts"][0]), (&json!("a.rs:3"), &json!("Windows")));
        let carded = Task { more: vec![("card".into(), "t1".into())], ..task() };
        let note: Value = serde_json::from_str(&handoff(&carded, &report, files.iter())).unwrap();
        assert_eq!(note["task"], "t1");
    }
}
