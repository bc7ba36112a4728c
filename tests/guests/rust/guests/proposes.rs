//! Puts a plan, a text or a choice to the person, as its task says, and reports what it was told.

use orchestra_pit_sdk::human::{self, Decision, Proposal, Question};
use orchestra_pit_sdk::{Agent, Failure, Outcome, Report, Task, agent};

/// Two tasks, one after the other.
const PLAN: &str = r#"[[task]]
id = "t1"
title = "json output"
agent = "coder"
files = ["src/ls.rs"]
criteria = ["one object a line"]

[[task]]
id = "t2"
title = "docs of ls"
after = ["t1"]
"#;

struct Proposes;

impl Agent for Proposes {
    fn run(task: Task) -> Result<Outcome, Failure> {
        let propose = |form: &str, body: &str| {
            let (title, body, form) = ("Add --json to ls".to_owned(), body.to_owned(), form.to_owned());
            human::propose(&Proposal { title, body, form, ..Proposal::default() })
        };
        let told = match task.goal.as_str() {
            "plan" => decided(propose("plan", PLAN)?),
            "text" => decided(propose("text", "Move everything\nto the attic.")?),
            _ => human::ask(&Question::new("Which colour?").choices(["red", "blue"]))?,
        };
        Ok(Report::new(format!("told: {told}")).into())
    }
}

fn decided(decision: Decision) -> String {
    match decision {
        Decision::Approved(body) => {
            format!("yes to {} bytes{}", body.len(), if body == PLAN { ", as proposed" } else { "" })
        }
        Decision::Rejected(why) => format!("no: {why}"),
        Decision::Other((kind, _)) => kind,
    }
}

agent!(Proposes);
