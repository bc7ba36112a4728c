//! Greets a repository: reads its README, asks the model once, writes `HELLO.md`, commits.

use orchestra_pit_sdk::model::Request;
use orchestra_pit_sdk::workspace::Lines;
use orchestra_pit_sdk::{Agent, Error, Failure, Outcome, Report, Task, agent, log, model, vcs, workspace};

const SYSTEM: &str = "You greet people who open a repository for the first time. Answer with the greeting alone: two or \
                      three plain sentences on what the repository is for.";

/// What a README is for stands at its top; the rest would only cost tokens.
const README_LINES: u32 = 60;

/// Tokens: far more than three sentences need, and a bound on what a talkative model can cost.
const MAX_OUTPUT: u32 = 400;

struct Hello;

impl Agent for Hello {
    fn run(task: Task) -> Result<Outcome, Failure> {
        let (path, readme) = readme()?;
        log::info(format!("read {path}"));

        let question = format!("The task: {}\n\n{path} begins:\n\n{readme}", task.goal);
        let request = Request { system: SYSTEM.to_owned(), max_output: Some(MAX_OUTPUT), ..Request::new(question) };
        let greeting = model::ask(&request)?.text();

        workspace::write_text("HELLO.md", format!("# Hello\n\n{}\n", greeting.trim()))?;
        let commit = vcs::commit("Greet whoever opens the repository")?;
        log::info(format!("committed {}", commit.id));
        Ok(Report::new(format!("wrote HELLO.md from {path}")).into())
    }
}

/// The first README there is, and how it begins.
fn readme() -> Result<(String, String), Error> {
    let page = workspace::list("README*", None, 1)?;
    let Some(entry) = page.entries.into_iter().next() else {
        return Err(Error::new("not-found", "the repository has no README"));
    };
    let content = workspace::read(&entry.path, Some(Lines { first: 1, last: README_LINES }))?;
    Ok((entry.path, String::from_utf8_lossy(&content.bytes).into_owned()))
}

agent!(Hello);
