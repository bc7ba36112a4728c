//! Carries out what the model of a writer calls, and keeps what must not be forgotten: the list of steps, the files
//! touched, the last verdict.

use crate::brief::Instructions;
use crate::can::{Can, FULL};
use crate::checks::{self, CHECK, Judged};
use crate::edits::{self, Wanted};
use crate::look::{self, Numbers};
use crate::session::TEAM;
use crate::shape::Shape;
use crate::tool::{Answer, Args, MAX_RESULT, cap, first_line, invalid, tool};
use crate::writer::{Must, Writer};
use crate::{Host, Role, Step, run};
use orchestra_pit_sdk::human::Question;
use orchestra_pit_sdk::model::{Tool, ToolCall};
use orchestra_pit_sdk::vcs::DiffOptions;
use orchestra_pit_sdk::{Error, Report};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeSet;

/// Bytes of the list of steps.
const TODO: usize = 4_000;

/// Files that are named when the conversation is shortened, and in the hand-off.
const TOUCHED: usize = 200;

/// Characters of a commit's subject.
const SUBJECT: usize = 72;

/// The tool that ends the work.
pub const FINISH: &str = "finish";

/// All tools of a shape, in the order in which they are offered.
pub fn tools(shape: Shape, can: &Can, finish: Tool) -> Vec<Tool> {
    let mut tools = edits::tools(shape);
    if can.commands {
        tools.push(run::offer(shape));
    }
    tools.extend(checks::offer(can));
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
        finish,
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
    /// The last verdict, and what came after it.
    #[serde(default)]
    pub judged: Judged,
}

/// The tools at work.
pub struct Hands<'a> {
    writer: &'a mut dyn Writer,
    can: Can,
    instructions: Instructions,
    tools: Vec<String>,
    /// What must not be forgotten.
    pub memory: Memory,
}

type Told = Result<String, Error>;

impl<'a> Hands<'a> {
    /// Hands for a writer.
    pub fn new(
        writer: &'a mut dyn Writer,
        can: Can,
        tools: &[Tool],
        mut instructions: Instructions,
        mut memory: Memory,
    ) -> Self {
        memory.instructed.extend(instructions.shown().iter().cloned());
        instructions.set_shown(memory.instructed.clone());
        Self { writer, can, instructions, tools: tools.iter().map(|tool| tool.name.clone()).collect(), memory }
    }

    fn has(&self, tool: &str) -> bool {
        self.tools.iter().any(|known| known == tool)
    }

    /// Runs a command.
    fn run(&mut self, host: &dyn Host, args: &Args) -> Step<Report> {
        let command = match run::command(args) {
            Ok(command) => command,
            Err(error) => return Step::failed("run", error),
        };
        match host.run(&command) {
            Ok(ran) => {
                if !ran.changed.is_empty() {
                    self.touch(&ran.changed);
                }
                self.memory.judged.tried();
                Step::Said(run::answer(&command, &ran))
            }
            Err(error) => Step::failed(format!("run {}", run::shown(&command)), error),
        }
    }

    /// Has the checks of a level run.
    fn check(&mut self, host: &dyn Host, level: &str) -> Result<Answer, Error> {
        let verdict = host.check(level)?;
        self.memory.judged.take(&verdict);
        Ok(checks::answer(&verdict))
    }

    fn check_call(&mut self, host: &dyn Host, args: &Args) -> Step<Report> {
        let first = self.can.checks.first().cloned().unwrap_or_default();
        let level = match args.text_if("level") {
            Ok(level) => level.filter(|level| !level.is_empty()).unwrap_or(&first),
            Err(error) => return Step::failed(CHECK, error),
        };
        match self.check(host, level) {
            Ok(answer) => Step::Said(answer),
            Err(error) => Step::failed(format!("check {level}"), error),
        }
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
        self.memory.judged.change();
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
        let subject = first_line(message, SUBJECT);
        let id = committed.id.get(..7).unwrap_or(&committed.id);
        self.memory.commits.push(format!("{id} {subject}"));
        Ok(format!("committed {id} {subject}"))
    }

    /// Ends the work: commits the rest, has all of it judged, tells the next agent, and reports.
    ///
    /// The report keeps both: what the model says of the work, and the host's verdict.
    fn finish(&mut self, host: &dyn Host, args: &Args) -> Result<Ending, Error> {
        let mut report = self.writer.report(args)?;
        let unready = match self.writer.must() {
            Must::BeGreen => self.memory.judged.not_green(&self.can),
            Must::HaveRun => self.memory.judged.not_run(&self.can),
        };
        if let Some(why) = unready {
            return Err(Error::new("conflict", format!("the work is not ended yet: {why}")));
        }
        if !host.changes()?.is_empty() {
            self.commit(host, &last_commit(&report.summary))?;
        }
        match self.judge(host) {
            Ok(Some(answer)) => return Ok(Ending::Held(answer)),
            Ok(None) => {}
            Err(error) if matches!(error.kind.as_str(), "exhausted" | "cancelled") => return Err(error),
            Err(error) => report.doubts.push(format!("the full checks could not be run: {error}")),
        }
        if self.memory.commits.is_empty() {
            report.doubts.push("no file was changed".to_owned());
        }
        report.doubts.extend(self.memory.judged.doubt(&self.can));
        if let Some(line) = self.memory.judged.verdict() {
            report.more.push(("verdict".to_owned(), line.to_owned()));
        }
        self.writer.hand_over(host, &report, &mut self.memory.touched.iter())?;
        Ok(Ending::Done(report))
    }

    /// Has the full checks run on what is handed over. Their answer, if it is red and the model has not seen it.
    fn judge(&mut self, host: &dyn Host) -> Result<Option<Answer>, Error> {
        let wanted = self.writer.must() == Must::BeGreen && self.can.has(FULL) && !self.memory.commits.is_empty();
        if !wanted || self.memory.judged.stands(FULL) {
            return Ok(None);
        }
        let mut answer = self.check(host, FULL)?;
        if answer.error.is_none() || !self.memory.judged.hold_for_full() {
            return Ok(None);
        }
        answer.content.insert_str(0, "The work is not handed over yet, because the full checks are red. Mend it.\n");
        Ok(Some(answer))
    }
}

/// What came of `finish`.
enum Ending {
    Done(Report),
    Held(Answer),
}

/// The message of the commit that has what was not committed before the end.
fn last_commit(summary: &str) -> String {
    let subject = first_line(summary, SUBJECT - 1);
    if subject == summary.trim() { subject } else { format!("{subject}\n\n{}", summary.trim()) }
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
        if call.name == FINISH {
            return match self.finish(host, &args) {
                Ok(Ending::Done(report)) => Step::Done(report, "The work is handed over.".to_owned()),
                Ok(Ending::Held(answer)) => Step::Said(answer),
                Err(error) => Step::failed(FINISH, error),
            };
        }
        // Called by another family's name it is the same tool.
        if self.can.commands && run::is(&call.name) {
            return self.run(host, &args);
        }
        if call.name == CHECK && self.has(CHECK) {
            return self.check_call(host, &args);
        }
        match self.act(host, call, &args) {
            (subject, Ok(content)) => Step::Said(Answer::done(subject, content)),
            (subject, Err(error)) => Step::failed(subject, error),
        }
    }

    fn final_call(&self, call: &ToolCall) -> bool {
        matches!(call.name.as_str(), "commit" | FINISH)
    }

    fn ends(&self, call: &ToolCall) -> bool {
        call.name == FINISH
    }

    fn sections(&self) -> String {
        let list =
            |items: &mut dyn Iterator<Item = &String>| items.map(|item| format!("- {item}\n")).collect::<String>();
        let Memory { touched, commits, judged, .. } = &self.memory;
        let last = commits.len().saturating_sub(20);
        crate::brief::Brief::default()
            .section("Steps", &self.steps())
            .section("Changed files", &list(&mut touched.iter()))
            .section("Commits", &list(&mut commits.iter().skip(last)))
            .section("Checks", &judged.words())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_commit_has_a_short_subject() {
        assert_eq!(last_commit("Add --json to ls"), "Add --json to ls");
        let long = last_commit(&"x".repeat(100));
        let subject = long.lines().next().unwrap();
        assert_eq!((subject.chars().count(), long.lines().count()), (SUBJECT, 3));
    }
}
