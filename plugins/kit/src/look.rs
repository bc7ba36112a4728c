//! The tools that only read: a file, a list of files, a search. Each shows a part, and says how to get the rest.

use crate::tool::{Args, MAX_RESULT, cap, invalid, plain, tool};
use crate::{Answer, Host, Step};
use orchestra_pit_sdk::model::{Tool, ToolCall};
use orchestra_pit_sdk::vcs::DiffOptions;
use orchestra_pit_sdk::workspace::{Content, Kind, Lines, Query};
use orchestra_pit_sdk::{Error, Result};

/// Lines of a file shown at once.
const LINES: u32 = 400;

/// Bytes of one line that are shown: longer ones are data or minified.
const LINE: usize = 2_000;

/// Entries of a listing.
const ENTRIES: u32 = 200;

/// Matches of a search.
const MATCHES: u32 = 60;

/// `read_file`.
pub const READ: &str = "read_file";
/// `list_files`.
pub const LIST: &str = "list_files";
/// `search`.
pub const SEARCH: &str = "search";

/// `read_file`, for models whose edit tool does not view files too.
pub fn read_tool() -> Tool {
    let parameters = r#"{"type":"object","properties":{"path":{"type":"string","description":"Relative to the repository, as in src/lib.rs"},"first_line":{"type":"integer","description":"From 1; left out: the start"},"last_line":{"type":"integer","description":"Left out: as much as is shown at once"}},"required":["path"],"additionalProperties":false}"#;
    tool(READ, "Shows a file, or some lines of it: up to 400 lines at once, as they stand in the file.", parameters)
}

/// `list_files` and `search`.
pub fn tools() -> [Tool; 2] {
    let list = r#"{"type":"object","properties":{"pattern":{"type":"string","description":"A glob: * is the top folder, src/* one folder, src/**/*.rs all below. Left out: *"},"after":{"type":"string","description":"The last path of the part before, to get the next part"}},"additionalProperties":false}"#;
    let search = r#"{"type":"object","properties":{"pattern":{"type":"string","description":"A regular expression; with literal, the text itself"},"literal":{"type":"boolean"},"ignore_case":{"type":"boolean"},"paths":{"type":"array","items":{"type":"string"},"description":"Globs of the files to look in; left out: all"}},"required":["pattern"],"additionalProperties":false}"#;
    [
        tool(LIST, "Lists the files and folders that match a glob, 200 at once.", list),
        tool(SEARCH, "Finds lines in files, up to 60 at once, as path:line: text.", search),
    ]
}

/// Carries out a call if it is one of these tools.
pub fn call<D>(host: &dyn Host, call: &ToolCall) -> Option<Step<D>> {
    let (subject, done) = match call.name.as_str() {
        READ => run("read", call, |args| {
            let range = (args.number_if("first_line")?, args.number_if("last_line")?);
            let path = args.path("path")?;
            let rest = |first: u32| format!("go on with first_line {first}");
            Ok((path.to_owned(), read(host, path, range, Numbers::None, &rest)))
        }),
        LIST => run("list", call, |args| {
            let pattern = args.text_if("pattern")?.map_or("*", plain);
            let pattern = if matches!(pattern, "" | ".") { "*" } else { pattern };
            Ok((pattern.to_owned(), list(host, pattern, args.text_if("after")?)))
        }),
        SEARCH => run("search", call, |args| {
            let pattern = args.text("pattern")?;
            Ok((pattern.to_owned(), search(host, pattern, args)))
        }),
        _ => return None,
    };
    Some(match done {
        Ok(content) => Step::Said(Answer::done(subject, content)),
        Err(error) => Step::failed(subject, error),
    })
}

fn run(
    verb: &str,
    call: &ToolCall,
    act: impl FnOnce(&Args) -> Result<(String, Result<String>)>,
) -> (String, Result<String>) {
    match Args::new(&call.arguments).and_then(|args| act(&args)) {
        Ok((subject, done)) => (format!("{verb} {subject}"), done),
        Err(error) => (verb.to_owned(), Err(error)),
    }
}

/// Whether lines are numbered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Numbers {
    /// As they stand.
    None,
    /// Each after its number and a tab.
    Tab,
}

/// A part of a file. `rest` says how to see what begins at a line.
///
/// # Errors
/// As `workspace.read`; `invalid` for lines that are not there.
pub fn read(
    host: &dyn Host,
    path: &str,
    (first, last): (Option<i64>, Option<i64>),
    numbers: Numbers,
    rest: &dyn Fn(u32) -> String,
) -> Result<String> {
    let first = first.map_or(1, |first| u32::try_from(first.max(1)).unwrap_or(u32::MAX));
    // -1 and 0 are the end, as models are used to.
    let wanted = last.filter(|last| *last > 0).map_or(u32::MAX, |last| u32::try_from(last).unwrap_or(u32::MAX));
    if wanted < first {
        return Err(invalid(format!("the last line, {wanted}, is before the first, {first}")));
    }
    let last = wanted.min(first.saturating_add(LINES - 1));
    let content = host.read(path, Some(Lines { first, last }))?;
    if content.size == 0 {
        return Ok(format!("[{path} is empty]"));
    }
    if content.lines == 0 {
        return Err(Error::new("unsupported", format!("{path} is no text: {} bytes", content.size)));
    }
    if first > content.lines {
        return Err(invalid(format!("{path} has {} lines", content.lines)));
    }
    let (mut text, next) = lines(&content, first, numbers);
    if next <= content.lines.min(wanted) {
        text.push_str(&format!("[lines {first}-{} of {}; {}]\n", next - 1, content.lines, rest(next)));
    } else if first > 1 || next <= content.lines {
        text.push_str(&format!("[lines {first}-{} of {}]\n", next - 1, content.lines));
    }
    Ok(text)
}

/// As many lines as are shown at once, and the number of the one after them.
fn lines(content: &Content, first: u32, numbers: Numbers) -> (String, u32) {
    let all = String::from_utf8_lossy(&content.bytes);
    let (mut text, mut number) = (String::new(), first);
    for line in all.lines() {
        let line = cap_line(line);
        if text.len() + line.len() > MAX_RESULT - 500 {
            break;
        }
        match numbers {
            Numbers::None => text.push_str(&line),
            Numbers::Tab => text.push_str(&format!("{number:6}\t{line}")),
        }
        text.push('\n');
        number = number.saturating_add(1);
    }
    (text, number)
}

fn cap_line(line: &str) -> String {
    if line.len() <= LINE {
        return line.to_owned();
    }
    let end = (0..=LINE).rev().find(|end| line.is_char_boundary(*end)).unwrap_or(0);
    format!("{}… [a line of {} bytes]", line.get(..end).unwrap_or_default(), line.len())
}

/// What matches a glob.
///
/// # Errors
/// As `workspace.list`.
pub fn list(host: &dyn Host, pattern: &str, after: Option<&str>) -> Result<String> {
    let mut page = host.list(pattern, after, ENTRIES)?;
    // A folder named alone: what is in it is meant.
    let folder = page.entries.first().filter(|entry| matches!(entry.kind, Kind::Directory) && entry.path == pattern);
    if folder.is_some() || (page.entries.is_empty() && after.is_none() && !pattern.contains('*')) {
        page = host.list(&format!("{pattern}/*"), after, ENTRIES)?;
    }
    if page.entries.is_empty() {
        return Ok(format!("[nothing matches {pattern}]"));
    }
    let mut text = String::new();
    for entry in &page.entries {
        match entry.kind {
            Kind::Directory => text.push_str(&format!("{}/\n", entry.path)),
            Kind::Symlink => text.push_str(&format!("{} (symlink)\n", entry.path)),
            Kind::Submodule => text.push_str(&format!("{} (submodule)\n", entry.path)),
            _ => text.push_str(&format!("{} ({} bytes)\n", entry.path, entry.size)),
        }
    }
    if let Some(next) = page.next {
        text.push_str(&format!("[there are more; go on with after {next:?}, or use a narrower pattern]\n"));
    }
    Ok(text)
}

fn search(host: &dyn Host, pattern: &str, args: &Args) -> Result<String> {
    let found = host.search(&Query {
        pattern: pattern.to_owned(),
        literal: args.flag("literal")?,
        ignore_case: args.flag("ignore_case")?,
        paths: args.texts("paths")?,
        limit: MATCHES,
        more: Vec::new(),
    })?;
    if found.matches.is_empty() {
        return Ok("[no match]".to_owned());
    }
    let mut text = String::new();
    for found in &found.matches {
        text.push_str(&format!("{}:{}: {}\n", found.path, found.line, found.text));
    }
    let mut text = cap(&text, MAX_RESULT - 200, "use a narrower pattern, or paths");
    if found.cut {
        text.push_str(&format!("[the first {MATCHES} matches; use a narrower pattern, or paths]\n"));
    }
    Ok(text)
}

/// The change since a commit, as a unified diff in at most so many bytes.
///
/// # Errors
/// Those of the host.
pub fn change(host: &dyn Host, since: &str, paths: &[String], most: usize) -> Result<String> {
    let shown = host.diff(&DiffOptions {
        from: since.to_owned(),
        to: "head".to_owned(),
        paths: paths.to_vec(),
        context: 5,
        limit: u32::try_from(most).unwrap_or(u32::MAX),
        more: Vec::new(),
    })?;
    if shown.files == 0 {
        return Ok("[nothing has changed]".to_owned());
    }
    let rest = "see the rest with diff and paths, a file at a time";
    let mut text = cap(&shown.text, most, rest);
    if shown.cut {
        text.push_str(&format!("\n[cut: {rest}]"));
    }
    Ok(format!("{} files, +{} -{}\n{text}", shown.files, shown.added, shown.removed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Fake;

    fn ask(host: &Fake, name: &str, arguments: &str) -> Answer {
        let call = ToolCall { id: "1".into(), name: name.into(), arguments: arguments.into() };
        match super::call::<()>(host, &call) {
            Some(Step::Said(answer)) => answer,
            other => panic!("{other:?}"),
        }
    }

    fn many() -> String {
        (1..=1000).map(|n| format!("line {n}\n")).collect()
    }

    #[test]
    fn a_file_is_shown_in_parts_and_each_says_where_the_next_begins() {
        let host = Fake::new("gpt", &[("a.txt", &many()), ("empty", ""), ("bin", "a\0b")]);
        let shown = ask(&host, READ, r#"{"path":"./a.txt"}"#).content;
        assert!(shown.starts_with("line 1\n"), "{shown}");
        assert!(shown.ends_with("line 400\n[lines 1-400 of 1000; go on with first_line 401]\n"), "{shown}");
        let shown = ask(&host, READ, r#"{"path":"a.txt","first_line":10,"last_line":11}"#).content;
        assert_eq!(shown, "line 10\nline 11\n[lines 10-11 of 1000]\n");
        let shown = ask(&host, READ, r#"{"path":"a.txt","first_line":999}"#).content;
        assert_eq!(shown, "line 999\nline 1000\n[lines 999-1000 of 1000]\n");
        assert_eq!(ask(&host, READ, r#"{"path":"empty"}"#).content, "[empty is empty]");
        for (arguments, kind) in [
            (r#"{"path":"bin"}"#, "unsupported"),
            (r#"{"path":"none"}"#, "not-found"),
            (r#"{"path":"a.txt","first_line":2000}"#, "invalid"),
            (r#"{"path":"a.txt","first_line":5,"last_line":4}"#, "invalid"),
            ("{}", "invalid"),
        ] {
            assert_eq!(ask(&host, READ, arguments).error.as_deref(), Some(kind), "{arguments}");
        }
    }

    #[test]
    fn a_wide_file_is_cut_by_bytes_and_nothing_is_over_the_cap() {
        let host = Fake::new("gpt", &[("wide", &"x".repeat(999).repeat(3).add_line().repeat(200))]);
        let answer = ask(&host, READ, r#"{"path":"wide"}"#);
        assert!(answer.content.len() <= MAX_RESULT, "{}", answer.content.len());
        assert!(answer.content.contains("… [a line of 2997 bytes]\n"));
        assert!(answer.content.ends_with("go on with first_line 12]\n"), "{}", &answer.content[20_000..]);
    }

    trait AddLine {
        fn add_line(self) -> String;
    }

    impl AddLine for String {
        fn add_line(self) -> String {
            self + "\n"
        }
    }

    #[test]
    fn numbers_stand_before_a_tab() {
        let host = Fake::new("claude", &[("a", "x\ny\n")]);
        let shown = read(&host, "a", (None, Some(-1)), Numbers::Tab, &|_| String::new()).unwrap();
        assert_eq!(shown, "     1\tx\n     2\ty\n");
    }

    #[test]
    fn a_listing_says_how_to_go_on() {
        let paths: Vec<String> = (0..250).map(|n| format!("src/f{n:03}")).collect();
        let files: Vec<(&str, &str)> = paths.iter().map(|path| (path.as_str(), "x")).collect();
        let host = Fake::new("gpt", &files);
        let shown = ask(&host, LIST, r#"{"pattern":"**"}"#).content;
        assert!(shown.starts_with("src/f000 (1 bytes)\n"), "{shown}");
        assert!(shown.contains(r#"[there are more; go on with after "src/f199""#), "{shown}");
        let shown = ask(&host, LIST, r#"{"pattern":"**","after":"src/f199"}"#).content;
        assert_eq!(shown.lines().count(), 50, "{shown}");
        assert_eq!(ask(&host, LIST, r#"{"pattern":"docs/**"}"#).content, "[nothing matches docs/**]");
    }

    #[test]
    fn a_search_is_capped() {
        let host = Fake::new("gpt", &[("a.txt", &many()), ("b.txt", "line x\n")]);
        let shown = ask(&host, SEARCH, r#"{"pattern":"line"}"#).content;
        assert!(shown.starts_with("a.txt:1: line 1\n") && shown.ends_with("use a narrower pattern, or paths]\n"));
        assert_eq!(shown.lines().count(), 61);
        let shown = ask(&host, SEARCH, r#"{"pattern":"line x","paths":"b.txt"}"#).content;
        assert_eq!(shown, "b.txt:1: line x\n");
        assert_eq!(ask(&host, SEARCH, r#"{"pattern":"nowhere"}"#).content, "[no match]");
    }

    #[test]
    fn what_ends_a_run_is_no_answer() {
        let host = Fake::new("gpt", &[]);
        host.refuse("read", Error::new("exhausted", "no calls are left"));
        let call = ToolCall { id: "1".into(), name: READ.into(), arguments: r#"{"path":"a"}"#.into() };
        assert!(matches!(super::call::<()>(&host, &call), Some(Step::Stop(_))));
    }
}
