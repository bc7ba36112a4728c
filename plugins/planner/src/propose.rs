//! `propose_plan`: reads what the model proposes, and hands it over if it can be carried out.

use crate::prompt;
use kit::brief::{Allowance, Instructions};
use kit::plan::{CODER, Known, PLAN};
use kit::reader::Reader;
use kit::tool::{Args, invalid, tool};
use kit::{Host, Plan};
use orchestra_pit_sdk::model::Tool;
use orchestra_pit_sdk::{Error, Report, Result, Task};
use serde_json::{Value, json};

/// A planner at work.
#[derive(Debug)]
pub struct Planning<'a> {
    task: &'a Task,
    agents: Vec<String>,
    /// Whether there is a tester.
    tests: bool,
}

impl<'a> Planning<'a> {
    /// For a task.
    pub fn new(task: &'a Task) -> Self {
        let names = task.setting("agents").unwrap_or_default().split(',').map(|name| name.trim().to_owned());
        let agents: Vec<String> = names.filter(|name| !name.is_empty()).collect();
        let agents = if agents.is_empty() { vec![CODER.to_owned()] } else { agents };
        Self { task, agents, tests: task.setting("tests") == Some("yes") }
    }

    fn plan(&self, args: &Args) -> Result<Plan> {
        let tasks = args.list("tasks")?;
        let tasks: Vec<Value> = tasks.iter().map(without_nothing).collect();
        let plan: Plan = serde_json::from_value(json!({ "task": tasks }))
            .map_err(|error| invalid(format!("the tasks are not as they must be: {error}")))?;
        let faults = plan.faults(Known { agents: &self.agents, criteria: &self.task.criteria });
        if faults.is_empty() {
            return Ok(plan);
        }
        Err(invalid(format!("the plan cannot be carried out:\n- {}", faults.join("\n- "))))
    }
}

/// Models like to write `null`, or nothing, for what they leave out.
fn without_nothing(task: &Value) -> Value {
    let Value::Object(task) = task else { return task.clone() };
    let some = |(name, value): (&String, &Value)| {
        let nothing = value.is_null() || (name == "agent" && value == "");
        (!nothing).then(|| (name.clone(), value.clone()))
    };
    Value::Object(task.iter().filter_map(some).collect())
}

impl Reader for Planning<'_> {
    fn system(&self) -> String {
        prompt::system(self.tests)
    }

    fn first(&self, host: &dyn Host, instructions: &mut Instructions, allowance: Allowance) -> String {
        prompt::first(host, self.task, &self.agents, instructions, allowance)
    }

    fn again(&self, heard: usize) -> String {
        prompt::again(self.task, heard)
    }

    fn tools(&self) -> Vec<Tool> {
        let texts = r#""type":"array","items":{"type":"string"}"#;
        let tests = if self.tests {
            r#","tests":{"type":"boolean","description":"Whether a tester writes tests on top of it; left out: no"}"#
        } else {
            ""
        };
        let parameters = format!(
            r#"{{"type":"object","properties":{{"tasks":{{"type":"array","items":{{"type":"object","properties":{{"id":{{"type":"string","description":"t1, t2, …"}},"title":{{"type":"string","description":"A few words in the imperative"}},"goal":{{"type":"string","description":"What is to be done and where"}},"criteria":{{{texts},"description":"Ids of criteria of the whole, and sentences of your own"}},"files":{{{texts},"description":"Paths or globs that the task will change"}},"after":{{{texts},"description":"Ids of tasks that must be done first"}},"agent":{{"type":"string","description":"Left out: coder"}}{tests}}},"required":["id","title","goal","criteria","files"],"additionalProperties":false}}}}}},"required":["tasks"],"additionalProperties":false}}"#
        );
        vec![tool("propose_plan", "Hands the plan over. This ends your work.", &parameters)]
    }

    fn show(&mut self, _: &dyn Host, _: &str, _: &Args) -> Option<(String, Result<String>)> {
        None
    }

    fn say(&mut self, host: &dyn Host, args: &Args) -> Result<Report> {
        let plan = self.plan(args)?;
        let body = serde_json::to_string(&plan).map_err(|error| Error::new("invalid", error.to_string()))?;
        host.post(PLAN, &body)?;
        let titles = plan.tasks.iter().map(|task| task.title.trim()).collect::<Vec<_>>().join("; ");
        let tasks = if plan.tasks.len() == 1 { "1 task".to_owned() } else { format!("{} tasks", plan.tasks.len()) };
        Ok(Report::new(format!("{tasks}: {titles}")))
    }

    fn hears_the_team(&self) -> bool {
        // There is none yet.
        false
    }
}
