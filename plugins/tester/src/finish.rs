//! The end: each test with its criterion and what it did, on the board and in the report.

use kit::brief;
use kit::hands::FINISH;
use kit::tested::{Came, TESTS, Tested};
use kit::tool::{cap, invalid, tool};
use kit::{Args, Host};
use orchestra_pit_sdk::model::Tool;
use orchestra_pit_sdk::{Error, Evidence, Report, Task};
use serde_json::json;

/// Bytes of what was seen of one test: the findings are a note that others read.
const SEEN: usize = 2_000;

/// The tool.
pub fn offer() -> Tool {
    tool(
        FINISH,
        "Ends the work and hands over what was found. What is not committed is committed.",
        r#"{"type":"object","properties":{"summary":{"type":"string","description":"What was tested and what came of it, in a few sentences"},"how":{"type":"string","description":"The command that runs the tests"},"tests":{"type":"array","items":{"type":"object","properties":{"test":{"type":"string","description":"Its file and name, as in tests/ls.rs::prints_json"},"criterion":{"type":"string","description":"The id of the criterion that it shows"},"result":{"type":"string","enum":["passes","fails","not-run"]},"seen":{"type":"string","description":"For what does not pass: what was expected and what was seen"}},"required":["test","criterion","result"],"additionalProperties":false},"description":"The tests of the criteria, those that were there already too"},"untested":{"type":"array","items":{"type":"object","properties":{"criterion":{"type":"string"},"why":{"type":"string"}},"required":["criterion","why"],"additionalProperties":false},"description":"Criteria that have no test"},"doubts":{"type":"array","items":{"type":"string"},"description":"What you are not sure of"}},"required":["summary","how","tests"],"additionalProperties":false}"#,
    )
}

/// Reads the arguments of `finish`. What is missing is said all at once.
pub fn found(task: &Task, args: &Args) -> Result<(Tested, Report), Error> {
    let summary = args.text("summary")?.trim();
    if summary.is_empty() {
        return Err(invalid("the summary is empty: say what was tested and what came of it"));
    }
    let written = json!({
        "card": brief::card(task).unwrap_or_default(),
        "how": args.text("how")?,
        "tests": args.list("tests")?,
        "untested": args.list("untested")?,
    });
    let mut tested: Tested = serde_json::from_value(written)
        .map_err(|error| invalid(format!("the tests are not as they must be: {error}")))?;
    let faults = tested.faults(task);
    if !faults.is_empty() {
        return Err(invalid(format!("the work is not finished:\n- {}", faults.join("\n- "))));
    }
    for test in &mut tested.tests {
        test.seen = cap(test.seen.trim(), SEEN, "be brief");
    }
    let evidence = task.criteria.iter().map(|criterion| Evidence {
        criterion: criterion.id.clone(),
        met: tested.met(&criterion.id),
        evidence: tested.evidence(&criterion.id),
        more: Vec::new(),
    });
    let mut report = Report { criteria: evidence.collect(), doubts: args.texts("doubts")?, ..Report::new(summary) };
    if tested.tests.iter().any(|test| test.result == Came::NotRun) {
        report.doubts.push("some of the tests were not run".to_owned());
    }
    Ok((tested, report))
}

/// Leaves what was found for the others.
pub fn hand_over(host: &dyn Host, tested: &Tested) -> Result<(), Error> {
    let body = serde_json::to_string(tested).map_err(|error| Error::new("invalid", error.to_string()))?;
    match host.post(TESTS, &body) {
        Ok(_) => Ok(()),
        Err(error) if error.is("exhausted") || error.is("cancelled") => Err(error),
        // Who works alone has no board, and the report says the same.
        Err(error) => {
            host.say(&format!("the findings were not left on the board: {error}"));
            Ok(())
        }
    }
}
