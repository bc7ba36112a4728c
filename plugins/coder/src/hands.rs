//! Carries out what the model calls, and keeps what must not be forgotten: the list of steps, the files touched.

use crate::edits::{self, Wanted};
use crate::finish;
use crate::shape::Shape;
use kit::brief::Instructions;
use kit::look::{self, Numbers};
use kit::session::TEAM;
use kit::tool::{Answer, Args, MAX_RESULT, cap, first_line, invalid, tool};
use kit::{Host, Role, Step};
use orchestra_pit_sdk::human::Question;
use orchestra_pit_sdk::model::{Tool, ToolCall};
use orchestra_pit_sdk::vcs::DiffOptions;
use orchestra_pit_sdk::{Error, Report, Task};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeSet;

/// Bytes of the list of steps.
const TODO: usize = 4_000;

/// Files that are named when the conversation is shortened, and in the hand-off.
const TOUCHED: usize = 200;

/// All tools of a shape, in the order in which they are offered.
pub fn tools(shape: Shape) -> Vec<Tool> {
    let mut tools = edits::tools(shape);
    tools.extend([
        tool(
            "diff",
            "Shows what you have changed, as a unified diff.",
            r#"{"type":"object","properties":{"paths":{"type":"array","items":{"type":"string"},"description":"Globs; left out: all files"},"since":{"type":"string","enum":["start","commit"],"description":"Since the start of the work, or since the last commit; left out: start"}},"additionalProperties":false}"#,
        ),
        tool(
            "commit",
            "Commits all that was changed since the last commit.",
            r#"{"type":"object","properties":{"message":{"type":"string","description":"A subject of at most 72 characters in the imperative; after an empty line, why"}},"required":["message"],"additionalProperties":false}"#,
        ),
        tool(
            "todo",
            "Writes down the steps of your work, the whole list each time. Use it where there are more than two.",
            r#"{"type":"object","properties":{"steps":{"type":"array","items":{"type":"object","properties":{"text":{"type":"string"},"done":{"type":"boolean"}},"required":["text","done"],"additionalProperties":false}}},"required":["steps"],"additionalProperties":false}"#,
        ),
        tool(
            "note",
            "Tells the other agents of the team something that they must know while they work.",
            r#"{"type":"object","properties":{"text":{"type":"string"}},"required":["text"],"additionalProperties":false}"#,
        ),
        tool(
            "ask_person",
            "Asks the person, and waits for the answer. Only for what you cannot decide.",
            r#"{"type":"object","properties":{"question":{"type":"string"},"choices":{"type":"array","items":{"type":"string"},"description":"Left out: free text"}},"required":["question"],"additionalProperties":false}"#,
        ),
        tool(
            "finish",
            "Ends the work and hands it over. What is not committed is committed.",
            r#"{"type":"object","properties":{"summary":{"type":"string","description":"What was done, in a few sentences"},"criteria":{"type":"array","items":{"type":"object","properties":{"id":{"type":"string"},"met":{"type":"boolean"},"evidence":{"type":"string","description":"A file and line, or the name of a test"}},"required":["id","met","evidence"],"additionalProperties":false},"description":"Each criterion of the task"},"doubts":{"type":"array","items":{"type":"string"},"description":"What you are not sure of, or did not verify"}},"required":["summary","criteria"],"additionalProperties":false}"#,
        ),
    ]);
    tools
}

/// What outlives a life of the agent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// The list of steps, as the model wrote it.
    pub todo: Vec<(String, bool)>,
    /// Files that were changed.
    pub touched: BTreeSet<String>,
    /// Subjects of commits.
    pub commits: Vec<String>,
    /// Notes of our own to the team.
    pub notes: Vec<u64>,
    /// Files of instructions that the model has seen.
    pub instructed: BTreeSet<String>,
}

/// The tools at work.
#[derive(Debug)]
pub struct Hands<'a> {
    task: &'a Task,
    instructions: Instructions,
    tools: Vec<String>,
    /// What must not be forgotten.
    pub memory: Memory,
}

type Told = Result<String, Error>;

impl<'a> Hands<'a> {
    /// Hands for a task.
    pub fn new(task: &'a Task, tools: &[Tool], mut instructions: Instructions, mut memory: Memory) -> Self {
        memory.instructed.extend(instructions.shown().iter().cloned());
        instructions.set_shown(memory.instructed.clone());
        Self { task, instructions, tools: tools.iter().map(|tool| tool.name.clone()).collect(), memory }
    }

    /// One call: what it was about, and what came of it.
    fn act(&mut self, host: &dyn Host, call: &ToolCall, args: &Args) -> (String, Told) {
        if let Some(wanted) = edits::wanted(&call.name, args) {
            return match wanted {
                Ok(wanted) => self.file(host, wanted),
                Err(error) => (call.name.clone(), Err(error)),
            };
        }
        let told = match call.name.as_str() {
            "diff" => diff(host, args),
            "commit" => args.text("message").and_then(|message| self.commit(host, message)),
            "todo" => self.todo(args),
            "note" => args.text("text").and_then(|text| {
                self.memory.notes.push(host.post(TEAM, text)?);
                Ok("the team was told".to_owned())
            }),
            "ask_person" => ask(host, args),
            other => Err(invalid(format!("there is no tool {other:?}; there are {}", self.tools.join(", ")))),
        };
        (call.name.clone(), told)
    }

    fn file(&mut self, host: &dyn Host, wanted: Wanted) -> (String, Told) {
        match wanted {
            Wanted::View(path, first, last) => (format!("view {path}"), self.view(host, &path, first, last)),
            Wanted::Edit(subject, step) => {
                let told = host.edit(&[step]).map(|edited| {
                    let paths: Vec<String> = edited.iter().map(|edited| edited.path.clone()).collect();
                    self.touch(&paths);
                    let near = paths.iter().filter_map(|path| self.instructions.near(host, path)).collect::<String>();
                    edits::told(&edited) + &near
                });
                (subject, told)
            }
            Wanted::Move(from, to) => {
                let told = host.rename(&from, &to).map(|()| {
                    self.touch(&[from.clone(), to.clone()]);
                    format!("{from} is {to} now")
                });
                (format!("move {from}"), told)
            }
            Wanted::Remove(path) => {
                let told = host.remove(&path).map(|()| {
                    self.touch(std::slice::from_ref(&path));
                    format!("{path} is gone")
                });
                (format!("remove {path}"), told)
            }
        }
    }

    fn view(&mut self, host: &dyn Host, path: &str, first: Option<i64>, last: Option<i64>) -> Told {
        if matches!(path, "" | "." | "/") {
            return look::list(host, "*", None);
        }
        let rest = |first: u32| format!("go on with view_range [{first}, -1]");
        match look::read(host, path, (first, last), Numbers::Tab, &rest) {
            Ok(text) => Ok(text + &self.near(host, path)),
            Err(error) if error.is("unsupported") || error.is("not-found") => {
                // A folder is viewed by listing it.
                let page = host.list(&format!("{path}/*"), None, 1);
                if page.is_ok_and(|page| !page.entries.is_empty()) {
                    return look::list(host, &format!("{path}/*"), None);
                }
                Err(error)
            }
            Err(error) => Err(error),
        }
    }

    /// Instructions that hold for a file and are news to the model.
    fn near(&mut self, host: &dyn Host, path: &str) -> String {
        let near = self.instructions.near(host, path).map(|near| format!("\n{near}")).unwrap_or_default();
        self.memory.instructed = self.instructions.shown().clone();
        near
    }

    fn touch(&mut self, paths: &[String]) {
        for path in paths {
            if self.memory.touched.len() < TOUCHED {
                self.memory.touched.insert(path.clone());
            }
        }
    }

    fn todo(&mut self, args: &Args) -> Told {
        let step = |value: &Value| {
            let text = value.get("text").and_then(Value::as_str)?;
            Some((text.to_owned(), value.get("done").and_then(Value::as_bool).unwrap_or(false)))
        };
        let steps = args.list("steps")?.iter().map(step).collect::<Option<Vec<_>>>();
        let steps = steps.ok_or_else(|| invalid("each of `steps` must have `text` and `done`"))?;
        if steps.iter().map(|(text, _)| text.len() + 6).sum::<usize>() > TODO {
            return Err(Error::new("too-large", format!("the list is over {TODO} bytes; be brief")));
        }
        self.memory.todo = steps;
        Ok(self.steps())
    }

    fn steps(&self) -> String {
        self.memory.todo.iter().map(|(text, done)| format!("- [{}] {text}\n", if *done { 'x' } else { ' ' })).collect()
    }

    fn commit(&mut self, host: &dyn Host, message: &str) -> Told {
        let message = message.trim();
        if message.is_empty() {
            return Err(invalid("the message is empty: say what the commit does"));
        }
        let committed = host.commit(message)?;
        let subject = first_line(message, 72);
        let id = committed.id.get(..7).unwrap_or(&committed.id);
        self.memory.commits.push(format!("{id} {subject}"));
        Ok(format!("committed {id} {subject}"))
    }

    /// Ends the work: commits the rest, tells the next agent, and reports.
    fn finish(&mut self, host: &dyn Host, args: &Args) -> Result<Report, Error> {
        let mut report = finish::report(self.task, args)?;
        if !host.changes()?.is_empty() {
            self.commit(host, &finish::last_commit(&report))?;
        }
        if self.memory.commits.is_empty() {
            report.doubts.push("no file was changed".to_owned());
        }
        finish::hand_over(host, self.task, &report, self.memory.touched.iter())?;
        Ok(report)
    }
}

fn diff(host: &dyn Host, args: &Args) -> Told {
    let from = if args.text_if("since")? == Some("commit") { "head" } else { "base" };
    let shown = host.diff(&DiffOptions {
        from: from.to_owned(),
        to: "workspace".to_owned(),
        paths: args.texts("paths")?,
        context: 3,
        limit: u32::try_from(MAX_RESULT - 300).unwrap_or(u32::MAX),
        more: Vec::new(),
    })?;
    if shown.files == 0 {
        return Ok("[nothing has changed]".to_owned());
    }
    let mut text = cap(&shown.text, MAX_RESULT - 300, "ask for some of the files with paths");
    if shown.cut {
        text.push_str("\n[cut: ask for some of the files with paths]");
    }
    Ok(format!("{} files, +{} -{}\n{text}", shown.files, shown.added, shown.removed))
}

fn ask(host: &dyn Host, args: &Args) -> Told {
    let question = Question::new(args.text("question")?).choices(args.texts("choices")?);
    match host.ask_person(&question) {
        Ok(answer) => Ok(format!("The person answers: {answer}")),
        Err(error) if error.is("unavailable") => {
            Ok("Nobody is there to ask. Decide yourself, and name the decision among your doubts.".to_owned())
        }
        Err(error) => Err(error),
    }
}

impl Role for Hands<'_> {
    type Done = Report;

    fn call(&mut self, host: &dyn Host, call: &ToolCall) -> Step<Report> {
        if let Some(mut step) = look::call(host, call) {
            if let (Step::Said(answer), Ok(args)) = (&mut step, Args::new(&call.arguments))
                && let (look::READ, None, Ok(path)) = (call.name.as_str(), &answer.error, args.path("path"))
            {
                let near = self.near(host, path);
                answer.content.push_str(&near);
            }
            return step;
        }
        let args = match Args::new(&call.arguments) {
            Ok(args) => args,
            Err(error) => return Step::failed(&call.name, error),
        };
        if call.name == "finish" {
            return match self.finish(host, &args) {
                Ok(report) => Step::Done(report, "The work is handed over.".to_owned()),
                Err(error) => Step::failed("finish", error),
            };
        }
        match self.act(host, call, &args) {
            (subject, Ok(content)) => Step::Said(Answer::done(subject, content)),
            (subject, Err(error)) => Step::failed(subject, error),
        }
    }

    fn final_call(&self, call: &ToolCall) -> bool {
        matches!(call.name.as_str(), "commit" | "finish")
    }

    fn ends(&self, call: &ToolCall) -> bool {
        call.name == "finish"
    }

    fn sections(&self) -> String {
        let list =
            |items: &mut dyn Iterator<Item = &String>| items.map(|item| format!("- {item}\n")).collect::<String>();
        let Memory { touched, commits, .. } = &self.memory;
        let last = commits.len().saturating_sub(20);
        kit::brief::Brief::default()
            .section("Steps", &self.steps())
            .section("Changed files", &list(&mut touched.iter()))
            .section("Commits", &list(&mut commits.iter().skip(last)))
            .text()
    }

    fn idle(&self) -> &str {
        "You called no tool. Go on with the task; when it is done, call `finish`."
    }

    fn shortened(&mut self) {
        self.instructions.forget();
        self.memory.instructed = self.instructions.shown().clone();
    }

    fn own_notes(&self) -> &[u64] {
        &self.memory.notes
    }
}
