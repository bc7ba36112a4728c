//! One line, prepared: for models too small to find their way, the program does everything but write the line.
//!
//! The task names the place as `path:line`. The model is shown that line, the task and two examples, and its reply is
//! held to an envelope whose only free text is the new line: the old one stands before it, so that it is copied rather
//! than invented. Of twelve small fixes that were tried, a model of 135 million parameters got eight right this way,
//! and one when it was only shown the file and the line.

use crate::finish;
use kit::can::Can;
use kit::tool::{first_line, plain};
use kit::{Args, Host, checks, envelope};
use orchestra_pit_sdk::model::{Message, Part, Request};
use orchestra_pit_sdk::workspace::{EditStep, Lines, Replace};
use orchestra_pit_sdk::{Failure, Report, Task};
use serde_json::Value;

const SYSTEM: &str = "You correct one line. Repeat the line with the mistake corrected; the rest stays as it is.";

/// Line, task, new line. Two that copy much and change little, each in its own way.
const EXAMPLES: [(&str, &str, &str); 2] = [
    ("print(f\"{b} {a}\", end=\"\")", "a must come before b", "print(f\"{a} {b}\", end=\"\")"),
    ("if (count > 10) {", "10 counts too: use >=", "if (count >= 10) {"),
];

/// Tokens of the reply: twice the old line and the new one, for a long line.
const OUTPUT: u32 = 400;

/// A line of a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place {
    path: String,
    line: u32,
    /// What the task says of it.
    wish: String,
}

/// The first line of a file that a task names, if the file has it.
pub fn place(host: &dyn Host, task: &Task) -> Option<Place> {
    let edge = |letter: char| letter.is_whitespace() || matches!(letter, '`' | '"' | '\'' | '(' | ')' | ',');
    for word in task.goal.split(edge) {
        let Some((path, line)) = word.trim_end_matches([':', '.', ';']).rsplit_once(':') else { continue };
        let Ok(line) = line.parse::<u32>() else { continue };
        let path = plain(path);
        let found = host.read(path, Some(Lines { first: line, last: line }));
        if line == 0 || !found.is_ok_and(|content| content.lines >= line) {
            continue;
        }
        let wish = task.goal.split_once(word).map(|(_, after)| after.trim_start_matches(|c| edge(c) || c == ':'));
        let wish = wish.filter(|wish| wish.contains(char::is_alphanumeric)).unwrap_or(&task.goal);
        return Some(Place { path: path.to_owned(), line, wish: first_line(wish, 300) });
    }
    None
}

/// Has the line written anew, commits it, and reports.
pub fn fix(host: &dyn Host, task: &Task, place: &Place) -> Result<Report, Failure> {
    let content = host.read(&place.path, None)?;
    let text = String::from_utf8(content.bytes).map_err(|_| no_text(place))?;
    let lines: Vec<&str> = text.lines().collect();
    let at = usize::try_from(place.line).unwrap_or(usize::MAX).saturating_sub(1);
    let old = *lines.get(at).ok_or_else(|| no_text(place))?;

    let reply = host.ask_model(&request(old.trim(), &wish(task, place)))?;
    let call = envelope::read(&reply.text(), "1".to_owned());
    let new = call.as_ref().and_then(|call| Args::new(&call.arguments).ok()?.text("new").ok().map(str::to_owned));
    let new = new.unwrap_or_default();
    let new = new.trim();
    if new.is_empty() || new.contains('\n') || new == old.trim() {
        return Err(Failure::new("stuck", format!("the model gave no other line for {}:{}", place.path, place.line)));
    }
    let indent = old.get(..old.len() - old.trim_start().len()).unwrap_or_default();
    let line = format!("{indent}{new}");
    host.edit(&[step(place, &lines, at, &line)])?;
    let subject = first_line(&place.wish, 72);
    host.commit(&format!("{subject}\n\nChanges line {} of {}.", place.line, place.path))?;

    let shown = format!("{}:{}", place.path, place.line);
    let mut report = Report::new(format!("Changed {shown} from `{}` to `{new}`", old.trim()));
    for criterion in &task.criteria {
        report = report.criterion(&criterion.id, true, &shown);
    }
    judge(host, task, &mut report)?;
    finish::hand_over(host, task, &report, [&place.path].into_iter())?;
    Ok(report)
}

/// Has the host judge the result, and puts its verdict beside what the report says.
fn judge(host: &dyn Host, task: &Task, report: &mut Report) -> Result<(), Failure> {
    let Some(level) = Can::of(task)?.checks.pop() else {
        report.doubts.push("only this line was looked at, and nothing was run".to_owned());
        return Ok(());
    };
    report.doubts.push("only this line was looked at".to_owned());
    match host.check(&level) {
        Ok(verdict) => {
            let line = checks::line(&verdict);
            if checks::is_red(&verdict) {
                report.doubts.push(format!("the host's verdict is red: {line}"));
            }
            report.more.push(("verdict".to_owned(), line));
        }
        Err(error) if error.is("exhausted") || error.is("cancelled") => return Err(error.into()),
        Err(error) => report.doubts.push(format!("the {level} checks could not be run: {error}")),
    }
    Ok(())
}

fn no_text(place: &Place) -> Failure {
    Failure::new("unsupported", format!("{} has no text at line {}", place.path, place.line))
}

/// What is asked for: the task, and what was said when it was sent back last.
fn wish(task: &Task, place: &Place) -> String {
    match task.feedback.last() {
        Some(said) => format!("{}; {}", place.wish, first_line(said, 300)),
        None => place.wish.clone(),
    }
}

fn request(old: &str, wish: &str) -> Request {
    let mut messages = Vec::new();
    for (line, task, new) in EXAMPLES {
        messages.push(Message::user(question(line, task)));
        messages.push(Message::assistant(vec![Part::Text(call(line, new))]));
    }
    messages.push(Message::user(question(old, wish)));
    Request {
        system: SYSTEM.to_owned(),
        messages,
        schema: Some(schema(old)),
        max_output: Some(OUTPUT),
        temperature: Some(0.0),
        more: vec![("seed".to_owned(), "1".to_owned())],
        ..Request::default()
    }
}

fn question(line: &str, task: &str) -> String {
    format!("Line: {line}\nTask: {task}")
}

/// A call as the model is to write it. The order of its members is the point: the old line comes before the new one.
/// With spaces after the signs, as most of what the model was trained on, it errs less.
fn call(old: &str, new: &str) -> String {
    let (old, new) = (quoted(old), quoted(new));
    format!(r#"{{"tool": "replace", "arguments": {{"old": {old}, "new": {new}}}}}"#)
}

fn schema(old: &str) -> String {
    let old = quoted(old);
    format!(
        r#"{{"type":"object","properties":{{"tool":{{"const":"replace"}},"arguments":{{"type":"object","properties":{{"old":{{"const":{old}}},"new":{{"type":"string"}}}},"required":["old","new"],"additionalProperties":false}}}},"required":["tool","arguments"],"additionalProperties":false}}"#
    )
}

fn quoted(text: &str) -> String {
    Value::String(text.to_owned()).to_string()
}

/// The edit: the line, with as many lines before it as make it the only such place in the file.
fn step(place: &Place, lines: &[&str], at: usize, line: &str) -> EditStep {
    let all = lines.join("\n");
    let mut from = at;
    let old = loop {
        let old = lines.get(from..=at).unwrap_or_default().join("\n");
        if from == 0 || all.matches(&old).count() <= 1 {
            break old;
        }
        from -= 1;
    };
    let mut new: Vec<&str> = lines.get(from..at).unwrap_or_default().to_vec();
    new.push(line);
    EditStep::Replace(Replace { path: place.path.clone(), old, new: new.join("\n"), all: false })
}

/// No place is named.
pub fn nowhere() -> Failure {
    Failure::new("invalid", "the task names no line of a file; write it as in `src/lib.rs:12: what is wrong with it`")
}

#[cfg(test)]
mod tests {
    use super::*;
    use kit::testing::{Fake, verdict, words};
    use orchestra_pit_sdk::Criterion;

    const MATH: &str = "fn sub() {\n    a - b\n}\nfn add() {\n    a - b\n}\n";

    fn host(new: &str) -> Fake {
        let reply = call("a - b", new);
        Fake::new("smollm", &[("src/math.rs", MATH)]).replies([words(&reply)])
    }

    fn task(goal: &str) -> Task {
        let criterion = Criterion { id: "c1".into(), text: "it adds".into(), more: Vec::new() };
        Task { criteria: vec![criterion], ..Task::new(goal) }
    }

    fn fixed(host: &Fake, goal: &str) -> Result<Report, Failure> {
        let task = task(goal);
        fix(host, &task, &place(host, &task).unwrap())
    }

    #[test]
    fn one_line_from_the_task_to_the_commit() {
        let host = host("a + b");
        let report = fixed(&host, "Fix src/math.rs:5: add must return the sum").unwrap();
        assert_eq!(host.text("src/math.rs").unwrap(), "fn sub() {\n    a - b\n}\nfn add() {\n    a + b\n}\n");
        assert_eq!(host.commits.borrow()[1], "add must return the sum\n\nChanges line 5 of src/math.rs.");
        assert_eq!(report.criteria[0].evidence, "src/math.rs:5");
        assert_eq!(host.notes.borrow()[0].topic, "handoff");
        let requests = host.requests.borrow();
        let schema: Value = serde_json::from_str(requests[0].schema.as_deref().unwrap()).unwrap();
        assert_eq!(schema["properties"]["arguments"]["properties"]["old"]["const"], "a - b");
        assert_eq!((requests[0].messages.len(), requests[0].temperature), (5, Some(0.0)));
    }

    #[test]
    fn the_hosts_verdict_is_beside_what_the_report_says() {
        for (kind, doubts) in [("green", 1), ("red", 2)] {
            let host = host("a + b").judges([verdict(kind, "full", &[])]);
            let checks = ("checks".to_owned(), "fast,full".to_owned());
            let task = Task { settings: vec![checks], ..task("src/math.rs:5: it must add") };
            let report = fix(&host, &task, &place(&host, &task).unwrap()).unwrap();
            assert_eq!((report.criteria[0].met, report.doubts.len()), (true, doubts), "{:?}", report.doubts);
            assert_eq!(
                (report.more[0].1.clone(), &*host.checked.borrow()),
                (format!("{kind}: full on tree 7777"), &vec!["full".to_owned()])
            );
        }
        let host = host("a + b");
        let report = fixed(&host, "src/math.rs:5: it must add").unwrap();
        assert_eq!(report.doubts, ["only this line was looked at, and nothing was run"]);
    }

    #[test]
    fn the_old_line_comes_before_the_new_one() {
        let (call, schema) = (call("say(\"a\")", "b"), schema("say(\"a\")"));
        assert_eq!(call, r#"{"tool": "replace", "arguments": {"old": "say(\"a\")", "new": "b"}}"#);
        assert!(schema.find("\"old\"") < schema.find("\"new\""), "{schema}");
        serde_json::from_str::<Value>(&schema).unwrap();
    }

    #[test]
    fn a_place_is_found_as_people_write_it() {
        let host = host("");
        for (goal, wish) in [
            ("src/math.rs:2: it must add", "it must add"),
            ("In `src/math.rs:2` it must add", "it must add"),
            ("Make it add (./src/math.rs:2).", "Make it add (./src/math.rs:2)."),
            ("see https://a.b:80 and none.rs:1, then src/math.rs:2, which must add", "which must add"),
        ] {
            let found = place(&host, &task(goal)).unwrap();
            assert_eq!((found.path.as_str(), found.line, found.wish.as_str()), ("src/math.rs", 2, wish), "{goal}");
        }
        for goal in ["src/math.rs:99: x", "src/math.rs:0: x", "none.rs:1", "src/math.rs"] {
            assert_eq!(place(&host, &task(goal)), None, "{goal}");
        }
    }

    #[test]
    fn what_is_no_new_line_is_not_written() {
        for new in ["", " a - b ", "a\nb"] {
            let host = host(new);
            assert_eq!(fixed(&host, "src/math.rs:2: add").unwrap_err().kind, "stuck", "{new:?}");
            assert!(host.edits.borrow().is_empty() && host.commits.borrow().len() == 1);
        }
    }

    #[test]
    fn what_was_said_when_it_was_sent_back_is_asked_for() {
        let host = host("a + b");
        let task = Task { round: 2, feedback: vec!["use +".into()], ..task("src/math.rs:2: it must add") };
        fix(&host, &task, &place(&host, &task).unwrap()).unwrap();
        assert!(host.last_told().ends_with("Task: it must add; use +"), "{}", host.last_told());
    }
}
