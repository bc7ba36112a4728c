//! What the planner tells its model, and what becomes of a plan.

use crate::propose::Planning;
use kit::plan::PLAN;
use kit::testing::{Fake, calls, text_of};
use kit::{Plan, reader};
use orchestra_pit_sdk::{Criterion, Failure, Outcome, Task};

const GOOD: &str = r#"{"tasks":[
    {"id":"t1","title":"Add --json","goal":"In src/ls.rs.","criteria":["1"],"files":["src/ls.rs"],"agent":null},
    {"id":"t2","title":"Document it","goal":"In docs.","criteria":["docs/ls.md names it"],"files":["docs/ls.md"],"after":["t1"],"agent":"docs-bot"}
]}"#;

fn task() -> Task {
    Task {
        criteria: vec![Criterion { id: "1".into(), text: "prints JSON".into(), more: Vec::new() }],
        settings: vec![("agents".into(), "coder, docs-bot".into())],
        ..Task::new("Add --json to ls")
    }
}

fn run(host: &Fake, task: &Task) -> Result<Outcome, Failure> {
    reader::work(host, task, &mut Planning::new(task))
}

#[test]
fn the_first_message_has_task_criteria_agents_and_the_repository() {
    let host = Fake::new("claude", &[("src/ls.rs", "fn ls() {}\n")]).replies([calls(&[("propose_plan", GOOD)])]);
    run(&host, &task()).unwrap();
    let first = host.requests.borrow().first().and_then(|request| request.messages.first().map(text_of)).unwrap();
    let mut at = 0;
    for part in ["# Task\n\nAdd --json", "# Criteria\n\n- 1: prints JSON", "# Agents\n\n- coder\n- docs-bot", "ls.rs"] {
        at += first.get(at..).and_then(|rest| rest.find(part)).unwrap_or_else(|| panic!("no {part:?} in\n{first}"));
    }
    let tools: Vec<String> = host.requests.borrow()[0].tools.iter().map(|tool| tool.name.clone()).collect();
    assert_eq!(tools, ["read_file", "list_files", "search", "propose_plan"]);
    let parameters = &host.requests.borrow()[0].tools[3].parameters;
    assert!(serde_json::from_str::<serde_json::Value>(parameters).is_ok(), "{parameters}");
}

#[test]
fn a_plan_travels_on_the_board() {
    let host = Fake::new("claude", &[]).replies([calls(&[("propose_plan", GOOD)])]);
    let Ok(Outcome::Done(report)) = run(&host, &task()) else { panic!("not done") };
    assert_eq!(report.summary, "2 tasks: Add --json; Document it");
    let notes = host.notes.borrow();
    assert_eq!(notes[0].topic, PLAN);
    let plan: Plan = serde_json::from_str(&notes[0].body).unwrap();
    assert_eq!((plan.tasks[0].agent.as_str(), plan.tasks[1].agent.as_str()), ("coder", "docs-bot"));
    assert_eq!(plan.tasks[1].after, ["t1"]);
}

#[test]
fn a_plan_that_cannot_be_carried_out_goes_back_to_the_model() {
    let bad = r#"{"tasks":[{"id":"t1","title":"x","goal":"y","criteria":["z"],"files":["/etc"]}]}"#;
    let odd = r#"{"tasks":[{"name":"t1"}]}"#;
    for (wrong, said) in [
        (bad, ["no path of the repository", "no task has the criterion 1"]),
        (odd, ["not as they must be", "unknown field `name`"]),
    ] {
        let replies = [calls(&[("propose_plan", wrong)]), calls(&[("propose_plan", GOOD)])];
        let host = Fake::new("claude", &[]).replies(replies);
        assert!(run(&host, &task()).is_ok());
        let told = host.last_told();
        assert!(said.iter().all(|part| told.contains(part)), "{told}");
        assert_eq!(host.notes.borrow().len(), 1);
    }
}

#[test]
fn a_plan_that_was_not_taken_is_made_again_in_the_same_conversation() {
    let host = Fake::new("claude", &[]).replies([calls(&[("propose_plan", GOOD)]), calls(&[("propose_plan", GOOD)])]);
    let Ok(Outcome::Done(report)) = run(&host, &task()) else { panic!("not done") };
    let again = Task { round: 2, feedback: vec!["one task is enough".into()], state: report.state, ..task() };
    assert!(run(&host, &again).is_ok());
    assert!(host.last_told().contains("# Round 2\n\nThe plan was not taken:\n\nAfter round 1:\none task is enough"));
    assert_eq!(host.requests.borrow()[1].messages.len(), 3);
}

#[test]
fn a_tester_is_spoken_of_where_there_is_one() {
    let good = GOOD.replacen("\"agent\":null", "\"tests\":true", 1);
    for (there, word) in [("yes", true), ("", false)] {
        let host = Fake::new("claude", &[]).replies([calls(&[("propose_plan", &good)])]);
        let mut task = task();
        task.settings.push(("tests".into(), there.into()));
        run(&host, &task).unwrap();
        let requests = host.requests.borrow();
        assert_eq!(requests[0].system.contains("a tester then writes tests"), word);
        let parameters: serde_json::Value = serde_json::from_str(&requests[0].tools[3].parameters).unwrap();
        let properties = &parameters["properties"]["tasks"]["items"]["properties"];
        assert_eq!(properties["tests"].is_object(), word, "{parameters}");
        let plan: Plan = serde_json::from_str(&host.notes.borrow()[0].body).unwrap();
        assert_eq!((plan.tasks[0].tests, plan.tasks[1].tests), (true, false));
    }
}
