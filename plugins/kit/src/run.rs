//! The tool that runs a command: its shape by the model's family, and how its answer is cut.
//!
//! One family was trained on a shell that takes a line of text, another on a list of arguments. A list goes to the program
//! as it is, and so does a text of which a shell would make no more than words: a person who grants `cargo test **` grants
//! no shell. Any other text goes to `sh -c`.

use crate::shape::Shape;
use crate::tool::{Answer, Args, first_line, invalid, plain, tool};
use orchestra_pit_sdk::Result;
use orchestra_pit_sdk::exec::{Command, Ended, Ran, Stream};
use orchestra_pit_sdk::model::Tool;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Bytes of each stream that are asked for: both, and what is said around them, fit one result.
const STREAM: u32 = 10_000;

/// Paths that are named in an answer, of those that a command changed or could not keep.
const PATHS: usize = 30;

/// The name of the tool in a shape.
pub fn name(shape: Shape) -> &'static str {
    match shape {
        Shape::EditTool => "bash",
        Shape::Patch => "shell",
        Shape::Blocks | Shape::Envelope | Shape::Line => "run_command",
    }
}

/// Whether a call is of this tool, whatever its shape.
pub fn is(name: &str) -> bool {
    matches!(name, "bash" | "shell" | "run_command")
}

/// The tool in a shape.
pub fn offer(shape: Shape) -> Tool {
    let about = "Each call is a new process at the top of the repository, or in the folder named; it has 10 minutes if \
                 nothing else is said. The answer has the beginning and the end of long output.";
    let rest = r#""timeout_ms":{"type":"integer","description":"Milliseconds it may take, up to an hour"}},"required":["command"],"additionalProperties":false}"#;
    let folder =
        r#""type":"string","description":"The folder it starts in, relative to the repository; left out: the top""#;
    match shape {
        Shape::Patch => tool(
            name(shape),
            &format!("Runs a program with its arguments. {about}"),
            &format!(
                r#"{{"type":"object","properties":{{"command":{{"type":"array","items":{{"type":"string"}},"description":"The program and its arguments; no shell looks at them, unless it is [\"sh\", \"-c\", …]"}},"workdir":{{{folder}}},{rest}"#
            ),
        ),
        _ => tool(
            name(shape),
            &format!("Runs a command of the shell (sh). {about}"),
            &format!(r#"{{"type":"object","properties":{{"command":{{"type":"string"}},"dir":{{{folder}}},{rest}"#),
        ),
    }
}

/// Reads a call.
///
/// # Errors
/// `invalid`, naming the argument.
pub fn command(args: &Args) -> Result<Command> {
    let argv = match args.text_if("command") {
        Ok(None) => return Err(invalid("the argument `command` is missing")),
        Ok(Some(text)) if text.trim().is_empty() => Vec::new(),
        Ok(Some(text)) => words(text).unwrap_or_else(|| vec!["sh".to_owned(), "-c".to_owned(), text.to_owned()]),
        Err(_) => args.texts("command")?,
    };
    if argv.is_empty() {
        return Err(invalid("the argument `command` is empty: name a program"));
    }
    let folder = match args.text_if("dir")? {
        Some(folder) => Some(folder),
        None => args.text_if("workdir")?,
    };
    let dir = folder.map(plain).filter(|folder| *folder != ".").unwrap_or_default().to_owned();
    let timeout = match args.number_if("timeout_ms")? {
        Some(timeout) => Some(timeout),
        // The oldest tool of this kind called it so, and models remember.
        None => args.number_if("timeout")?,
    };
    let timeout = timeout.map(|timeout| u64::try_from(timeout).ok().filter(|timeout| *timeout > 0));
    let timeout_ms = match timeout {
        Some(None) => return Err(invalid("the argument `timeout_ms` must be more than 0")),
        Some(timeout) => timeout,
        None => None,
    };
    Ok(Command { argv, dir, timeout_ms, limit: STREAM, ..Command::default() })
}

/// What only a shell can do, or does in another way than the program of the name.
const SHELLS_OWN: &[&str] = &[
    ".", ":", "alias", "bg", "case", "cd", "command", "do", "echo", "eval", "exec", "exit", "export", "fc", "fg",
    "for", "function", "getopts", "hash", "if", "jobs", "kill", "local", "printf", "pwd", "read", "readonly", "return",
    "set", "shift", "source", "times", "trap", "type", "ulimit", "umask", "unalias", "unset", "until", "wait", "while",
];

/// The words of a line that needs no shell; none if it does.
fn words(line: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut letters = line.trim().chars();
    while let Some(letter) = letters.next() {
        match letter {
            ' ' => words.extend(word.take()),
            '\'' | '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match letters.next()? {
                        end if end == letter => break,
                        '$' | '`' | '\\' if letter == '"' => return None,
                        inside => word.push(inside),
                    }
                }
            }
            _ if letter.is_alphanumeric() || "_-./=,:@%+".contains(letter) => word.get_or_insert_default().push(letter),
            _ => return None,
        }
    }
    words.extend(word);
    let program = words.first()?;
    let plain = !program.is_empty() && !program.contains('=') && !SHELLS_OWN.contains(&program.as_str());
    plain.then_some(words)
}

/// A command in a line.
pub fn shown(command: &Command) -> String {
    let line = match command.argv.as_slice() {
        [sh, c, text] if sh == "sh" && c == "-c" => text.clone(),
        words => words.join(" "),
    };
    first_line(&line, 100)
}

/// What the model is answered. What did not end with 0 is a failure, and the same failure if it said the same.
pub fn answer(command: &Command, ran: &Ran) -> Answer {
    let (end, good) = match &ran.ended {
        Ended::Exited(code) => (format!("exit {code}"), *code == 0),
        Ended::Signalled(signal) => (format!("ended by {signal}"), false),
        Ended::TimedOut => ("stopped, because its time was up".to_owned(), false),
        Ended::OverLimit(limit) => (format!("stopped, because it came over its limit of {limit}"), false),
        Ended::Other((kind, why)) => (format!("{kind} {why}"), false),
    };
    let mut text = format!("{end} after {}\n", seconds(ran.time));
    stream(&mut text, "output", &ran.out);
    stream(&mut text, "errors", &ran.err);
    paths(&mut text, "changed", ran.changed.iter().cloned());
    paths(&mut text, "not kept", ran.left_out.iter().map(|(path, why)| format!("{path} ({why})")));
    let said = [&ran.out, &ran.err].map(|stream| format!("{}\n{}", stream.head, stream.tail)).concat();
    let error = (!good).then(|| format!("{end} {}", essence(&said)));
    Answer { error, ..Answer::done(format!("run {}", shown(command)), text) }
}

fn stream(text: &mut String, name: &str, stream: &Stream) {
    if stream.head.is_empty() && stream.tail.is_empty() {
        return;
    }
    text.push_str(&format!("--- {name} ---\n{}", stream.head));
    end_line(text);
    if stream.cut > 0 {
        text.push_str(&format!(
            "[cut: {} bytes are not shown; to see them run it again through a filter, as in `… | grep -n error` or `… | \
             sed -n '100,200p'`]\n",
            stream.cut
        ));
    }
    text.push_str(&stream.tail);
    end_line(text);
}

fn end_line(text: &mut String) {
    if !text.ends_with('\n') {
        text.push('\n');
    }
}

fn paths(text: &mut String, name: &str, paths: impl Iterator<Item = String>) {
    let all: Vec<String> = paths.collect();
    if all.is_empty() {
        return;
    }
    let more = all.len().saturating_sub(PATHS);
    let named = all.iter().take(PATHS).cloned().collect::<Vec<_>>().join(", ");
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    text.push_str(&format!("{name}: {named}{more}\n"));
}

/// A time for people, of microseconds.
pub fn seconds(time: u64) -> String {
    format!("{}.{} s", time / 1_000_000, time / 100_000 % 10)
}

/// What a failure said, without what differs each time: digits (times, addresses, lines that moved) and the order of
/// lines (tests run side by side). Two failures with the same essence are the same.
pub fn essence(said: &str) -> String {
    let plain = |line: &str| line.chars().filter(|letter| !letter.is_ascii_digit()).collect::<String>();
    let mut lines: Vec<String> = said.lines().map(|line| plain(line.trim())).filter(|line| !line.is_empty()).collect();
    lines.sort();
    lines.dedup();
    let mut hasher = DefaultHasher::new();
    lines.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::ran;

    fn read(arguments: &str) -> std::result::Result<Command, String> {
        command(&Args::new(arguments).unwrap()).map_err(|error| error.message)
    }

    #[test]
    fn a_text_goes_to_a_shell_only_if_it_needs_one() {
        for (line, argv) in [
            (" cargo test  --workspace ", &["cargo", "test", "--workspace"][..]),
            ("pytest -k 'a or b' \"tests/x y.py\"::t ''", &["pytest", "-k", "a or b", "tests/x y.py::t", ""]),
            ("./run.sh 'a | b' x=1 50%", &["./run.sh", "a | b", "x=1", "50%"]),
        ] {
            assert_eq!(words(line).unwrap(), argv, "{line}");
        }
        for line in [
            "cargo test | tail",
            "a; b",
            "a && b",
            "a\nb",
            "a > b",
            "a < b",
            "a *.rs",
            "a ?",
            "a [b]",
            "a {b,c}",
            "a ~",
            "a $B",
            "a \"$B\"",
            "a \"`b`\"",
            "a `b`",
            "a \\b",
            "a \"\\n\"",
            "a #b",
            "! a",
            "(a)",
            "A=1 b",
            "cd sub",
            "echo a",
            "a 'b",
            "exit",
            "type cargo",
            "''",
            "",
        ] {
            assert_eq!(words(line), None, "{line}");
        }
    }

    #[test]
    fn a_text_and_a_list_are_both_read() {
        let command = read(r#"{"command":"cargo test | tail","dir":"./sub/","timeout_ms":"5000"}"#).unwrap();
        assert_eq!(command.argv, ["sh", "-c", "cargo test | tail"]);
        assert_eq!((command.dir.as_str(), command.timeout_ms, command.limit), ("sub", Some(5000), STREAM));
        let command = read(r#"{"command":["cargo","test","a | b"],"workdir":".","timeout":7}"#).unwrap();
        assert_eq!(command.argv, ["cargo", "test", "a | b"]);
        assert_eq!((command.dir.as_str(), command.timeout_ms), ("", Some(7)));
    }

    #[test]
    fn what_is_wrong_with_a_call_is_named() {
        assert_eq!(read("{}").unwrap_err(), "the argument `command` is missing");
        for empty in [r#"{"command":" "}"#, r#"{"command":[]}"#] {
            assert!(read(empty).unwrap_err().contains("`command` is empty"), "{empty}");
        }
        assert!(read(r#"{"command":[1]}"#).unwrap_err().contains("`command` must be a list of texts"));
        assert!(read(r#"{"command":"x","timeout_ms":0}"#).unwrap_err().contains("more than 0"));
    }

    #[test]
    fn each_family_is_offered_what_it_knows() {
        for (shape, name, kind) in [
            (Shape::EditTool, "bash", "string"),
            (Shape::Patch, "shell", "array"),
            (Shape::Blocks, "run_command", "string"),
            (Shape::Envelope, "run_command", "string"),
        ] {
            let tool = offer(shape);
            let schema: serde_json::Value = serde_json::from_str(&tool.parameters).unwrap();
            assert_eq!((tool.name.as_str(), &schema["properties"]["command"]["type"]), (name, &kind.into()));
            assert!(is(name));
        }
        assert!(!is("check"));
    }

    #[test]
    fn an_answer_has_end_streams_what_was_cut_and_what_became_of_files() {
        let command = read(r#"{"command":"make\nall"}"#).unwrap();
        let mut ran = ran(2, "begin");
        ran.out = Stream { head: "begin".into(), tail: "end".into(), cut: 12 };
        ran.err.head = "oh\n".into();
        ran.changed = (0..32).map(|n| format!("f{n}")).collect();
        ran.left_out = vec![(".git/config".into(), "not among the paths that you may write".into())];
        let answer = answer(&command, &ran);
        assert!(answer.content.starts_with("exit 2 after 1.5 s\n--- output ---\nbegin\n[cut: 12 bytes"), "{answer:?}");
        for part in
            ["]\nend\n--- errors ---\noh\nchanged: f0, f1", "f29 and 2 more\n", "not kept: .git/config (not among"]
        {
            assert!(answer.content.contains(part), "{part:?} is not in {}", answer.content);
        }
        assert_eq!(answer.subject, "run make");
        assert!(answer.error.is_some());
    }

    #[test]
    fn every_end_is_told_and_only_zero_is_a_success() {
        let command = read(r#"{"command":["a"]}"#).unwrap();
        let told = |ended: Ended| {
            let answer = answer(&command, &Ran { ended, ..ran(0, "") });
            (answer.content.lines().next().unwrap_or_default().to_owned(), answer.error.is_none())
        };
        assert_eq!(told(Ended::Exited(0)), ("exit 0 after 1.5 s".to_owned(), true));
        for (ended, part) in [
            (Ended::Exited(101), "exit 101"),
            (Ended::Signalled("SIGSEGV".into()), "ended by SIGSEGV"),
            (Ended::TimedOut, "its time was up"),
            (Ended::OverLimit("memory".into()), "limit of memory"),
            (Ended::Other(("frozen".into(), "x".into())), "frozen x"),
        ] {
            let (line, good) = told(ended);
            assert!(line.contains(part) && !good, "{line}");
        }
    }

    #[test]
    fn failures_are_the_same_if_they_say_the_same_at_other_lines_times_and_orders() {
        let one = "test a ... FAILED\ntest b ... ok\nsrc/a.rs:12: left 1\n";
        let same = "test b ... ok\ntest a ... FAILED\nsrc/a.rs:345: left 1\n";
        assert_eq!(essence(one), essence(same));
        assert_ne!(essence(one), essence("test a ... ok\ntest b ... FAILED\n"));
    }
}
