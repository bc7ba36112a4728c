//! A parent of two: starts them side by side, waits for both, takes one's work over, sends it back once, and tries what a
//! parent may not. What came of each is in its report, a line each.

use orchestra_pit_sdk::delegate::{self, Awaited, End, Order};
use orchestra_pit_sdk::{Agent, Failure, Outcome, Report, Result, Task, agent, board, vcs, workspace};

struct Parent;

impl Agent for Parent {
    fn run(_: Task) -> std::result::Result<Outcome, Failure> {
        let mut lines = Vec::new();
        board::post("plan", "two greetings")?;
        let mut order = Order::new("hello", Task::new("greet"));
        order.lease = vec!["HELLO.md".to_owned()];
        let first = delegate::start(&order)?;
        lines.push(format!("leased twice: {}", kind(delegate::start(&order))));
        lines.push(format!("written by the parent: {}", kind(workspace::write_text("HELLO.md", "mine"))));
        let mut narrow = Order::new("hello", Task::new("greet"));
        narrow.write = vec!["nothing/**".to_owned()];
        let second = delegate::start(&narrow)?;
        lines.push(format!("unknown agent: {}", kind(delegate::start(&Order::new("stranger", Task::new("x"))))));
        lines.push(format!("no child of mine: {}", kind(delegate::wait(&["0".repeat(32)], None))));
        for _ in 0..2 {
            let children: Vec<String> = [&first, &second]
                .into_iter()
                .filter(|id| !lines.iter().any(|line| line.contains(*id)))
                .cloned()
                .collect();
            let Awaited::Ended(ended) = delegate::wait(&children, None)? else { return Err(failure("nobody ended")) };
            let how = match ended.end {
                End::Done(_) => "done",
                End::Failed(_) => "failed",
                _ => "otherwise",
            };
            lines.push(format!("{} {how}", ended.child));
        }
        let merged = vcs::integrate(&first, "Take the greeting over")?;
        lines.push(format!("integrated: {}", matches!(merged, vcs::Integration::Merged(_))));
        lines.push(format!("again: {}", matches!(vcs::integrate(&first, "Twice")?, vcs::Integration::Nothing)));
        let names = lines.join("\n").replace(&first, "first").replace(&second, "second");
        Ok(Report::new(names).into())
    }
}

fn kind<T>(result: Result<T>) -> String {
    match result {
        Ok(_) => "allowed".to_owned(),
        Err(error) => error.kind,
    }
}

fn failure(message: &str) -> Failure {
    Failure::new("test", message)
}

agent!(Parent);
