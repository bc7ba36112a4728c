//! Many small steps, each of several kinds of call: what a run that is stopped anywhere and resumed must not notice.

use guests::number;
use orchestra_pit_sdk::{Agent, Failure, Outcome, Report, Task, agent, board, log, vcs, workspace};

struct Steps;

impl Agent for Steps {
    fn run(task: Task) -> Result<Outcome, Failure> {
        let steps = number(&task, "steps", 3)?;
        let mut last = String::new();
        for step in 1..=steps {
            let path = format!("steps/{step}.txt");
            let hash = workspace::write_text(&path, format!("{step}: {}\n", task.goal))?;
            workspace::snapshot(&format!("step {step}"))?;
            board::post("steps", &format!("{path} {hash}"))?;
            last = vcs::commit(&format!("Take step {step}"))?.id;
            log::info(format!("step {step} is {last}"));
        }
        let files = workspace::list_all("steps/*")?;
        Ok(Report::new(format!("{} files, last commit {last}", files.len())).into())
    }
}

agent!(Steps);
