//! Unified diffs, as git writes them and as models do: the text is believed, the line numbers are not.

use super::hunk::{Hunk, Op, Place, Writing};
use super::step::{Over, Splice, Step};
use super::text::lines_of;
use super::{Fault, FaultKind, patch};

const NOWHERE: &str = "/dev/null";

/// Whether some lines are a diff.
pub(super) fn looks_like(lines: &[&str]) -> bool {
    lines.iter().any(|line| line.starts_with("diff --git ")) || (0..lines.len()).any(|at| header(lines, at))
}

/// Whether the two lines from one on name a file.
fn header(lines: &[&str], at: usize) -> bool {
    let starts = |at: usize, sign: &str| lines.get(at).is_some_and(|line| line.starts_with(sign));
    starts(at, "--- ") && starts(at + 1, "+++ ")
}

/// What `@@ -12,3 +12,4 @@ heading` says.
pub(super) struct Numbers<'a> {
    pub(super) line: u32,
    pub(super) from_nothing: bool,
    pub(super) heading: Option<&'a str>,
    counts: (usize, usize),
}

/// The numbers of a hunk's header, if it has them.
pub(super) fn numbered(line: &str) -> Option<Numbers<'_>> {
    let rest = line.strip_prefix("@@")?.trim_start().strip_prefix('-')?;
    let (old, rest) = rest.split_once(' ')?;
    let rest = rest.trim_start().strip_prefix('+')?;
    let end = rest.find([' ', '@']).unwrap_or(rest.len());
    let (new, rest) = rest.split_at_checked(end)?;
    let range = |text: &str| {
        let (line, count) = text.split_once(',').unwrap_or((text, "1"));
        Some((line.parse::<u32>().ok()?, count.parse::<usize>().ok()?))
    };
    let (old, new) = (range(old)?, range(new)?);
    let heading = rest.trim_start().trim_start_matches('@').trim();
    Some(Numbers {
        line: old.0,
        from_nothing: old == (0, 0),
        heading: Some(heading).filter(|heading| !heading.is_empty()),
        counts: (old.1, new.1),
    })
}

/// What a diff says of one file.
#[derive(Default)]
struct File {
    origin: usize,
    /// The path of `diff --git`, if both are the same.
    git: Option<String>,
    named: Option<(String, String)>,
    renamed: (Option<String>, Option<String>),
    made: bool,
    gone: bool,
    executable: Option<bool>,
    hunks: Vec<Hunk>,
}

/// The steps of a diff.
pub(super) fn parse(text: &str) -> Result<Vec<Step>, Fault> {
    let lines = lines_of(text);
    let mut steps = Vec::new();
    let mut file: Option<File> = None;
    let mut at = 0;
    while let Some(line) = lines.get(at) {
        if let Some(paths) = line.strip_prefix("diff --git ") {
            finish(&mut steps, file.take())?;
            file = Some(File { origin: at + 1, git: git_path(paths), ..File::default() });
            at += 1;
        } else if header(&lines, at) {
            if !file.as_ref().is_some_and(|file| file.named.is_none() && file.hunks.is_empty()) {
                finish(&mut steps, file.take())?;
            }
            let file = file.get_or_insert_with(|| File { origin: at + 1, ..File::default() });
            let side = |at: usize| lines.get(at).and_then(|line| line.get(4..)).map(path).unwrap_or_default();
            file.named = Some((side(at), side(at + 1)));
            at += 2;
        } else if line.starts_with("@@") {
            let Some(file) = &mut file else {
                return Err(Fault::invalid(format!(
                    "the part at line {} of the diff is for no file: say `--- a/PATH` and `+++ b/PATH` first",
                    at + 1
                )));
            };
            at = hunk(&lines, at, file)?;
        } else {
            if let Some(file) = file.as_mut().filter(|file| file.hunks.is_empty()) {
                extended(file, line)?;
            }
            at += 1;
        }
    }
    finish(&mut steps, file)?;
    if steps.is_empty() {
        return Err(Fault::invalid(
            "there is no diff: it has `--- a/PATH`, `+++ b/PATH`, then parts that start with `@@`",
        ));
    }
    Ok(steps)
}

/// One of git's lines between `diff --git` and the first hunk.
fn extended(file: &mut File, line: &str) -> Result<(), Fault> {
    let unsupported = |what: &str| {
        Err(Fault::new(
            FaultKind::Unsupported,
            format!("line {} of the diff is for {what}, which an edit cannot make", file.origin),
        ))
    };
    let mode = |mode: &str| match mode.trim() {
        "120000" => Err("a symlink"),
        "160000" => Err("a submodule"),
        mode => Ok(mode == "100755"),
    };
    let mut new_mode = |text: &str| match mode(text) {
        Ok(executable) => {
            file.executable = Some(executable);
            Ok(())
        }
        Err(what) => unsupported(what),
    };
    if let Some(text) = line.strip_prefix("new file mode ") {
        file.made = true;
        new_mode(text)
    } else if let Some(text) = line.strip_prefix("new mode ") {
        new_mode(text)
    } else if line.starts_with("deleted file mode ") {
        file.gone = true;
        Ok(())
    } else if let Some(from) = line.strip_prefix("rename from ") {
        file.renamed.0 = Some(path(from));
        Ok(())
    } else if let Some(to) = line.strip_prefix("rename to ") {
        file.renamed.1 = Some(path(to));
        Ok(())
    } else if line.starts_with("copy from ") || line.starts_with("copy to ") {
        unsupported("a copy")
    } else if line.starts_with("GIT binary patch") || (line.starts_with("Binary files ") && line.ends_with(" differ")) {
        unsupported("a file that is not text")
    } else {
        Ok(())
    }
}

/// Takes a hunk, and answers the line after it.
fn hunk(lines: &[&str], start: usize, file: &mut File) -> Result<usize, Fault> {
    let mut place = Place::default();
    let mut at = start;
    let mut counts = None;
    while let Some(line) = lines.get(at).filter(|line| line.starts_with("@@")) {
        if line.starts_with("@@@") {
            return Err(Fault::new(FaultKind::Unsupported, "a diff of a merge (`@@@`) cannot be carried out"));
        }
        counts = numbered(line).map(|numbers| numbers.counts);
        patch::anchor(&mut place, line);
        at += 1;
    }
    let mut writing = Writing::new(place, start + 1);
    while let Some(line) = lines.get(at) {
        if ends(
            lines,
            at,
            counts.map(|(old, new)| (old.checked_sub(writing.counts().0), new.checked_sub(writing.counts().1))),
        ) {
            break;
        }
        writing.push(line);
        at += 1;
    }
    let hunk = writing.finish();
    if hunk.changes() {
        file.hunks.push(hunk);
    } else if !hunk.lines.is_empty() {
        return Err(Fault::invalid(format!(
            "the part at line {} of the diff has no line with `-` or `+`, so it would change nothing",
            start + 1
        )));
    }
    Ok(at)
}

/// Whether a line is no longer the hunk's, of which so many old and new lines are left if its numbers are right. They
/// often are not, so they decide only what the line itself leaves open.
fn ends(lines: &[&str], at: usize, left: Option<(Option<usize>, Option<usize>)>) -> bool {
    let line = lines.get(at).copied().unwrap_or_default();
    if line.starts_with("@@") || line.starts_with("diff --git ") || line.starts_with("```") {
        return true;
    }
    let complete = left == Some((Some(0), Some(0)));
    if header(lines, at) {
        // A line `-- x` that becomes `++ y` looks like a header. It is one hunk's last change if the numbers say so.
        let followed = lines.get(at + 2).is_none_or(|line| line.starts_with("@@"));
        let prefixed = line.starts_with("--- a/") && lines.get(at + 1).is_some_and(|line| line.starts_with("+++ b/"));
        return complete || followed && (prefixed || left != Some((Some(1), Some(1))));
    }
    // What follows a complete hunk is the signature of a mail, the next mail, or talk.
    complete && (line == "-- " || !(line.is_empty() || line.starts_with([' ', '+', '-', '\\'])))
}

fn finish(steps: &mut Vec<Step>, file: Option<File>) -> Result<(), Fault> {
    if let Some(file) = file {
        steps.push(step(file)?);
    }
    Ok(())
}

fn step(file: File) -> Result<Step, Fault> {
    let wrong = |what: String| Fault::invalid(format!("the file at line {} of the diff {what}", file.origin));
    let (made, gone, path, to) = paths(&file).ok_or_else(|| wrong("has no path".to_owned()))?;
    if made {
        if file.hunks.iter().flat_map(|hunk| &hunk.lines).any(|(op, _)| *op != Op::Add) {
            return Err(wrong(format!("makes {path}, so all its lines must start with `+`")));
        }
        let lines = file.hunks.iter().flat_map(|hunk| &hunk.lines).map(|(_, text)| text.as_str());
        let mut text = super::stage::ended_lines(lines);
        if file.hunks.last().is_some_and(|hunk| hunk.bare.1) {
            text.pop();
        }
        return Ok(Step::Create { path, text, executable: file.executable.unwrap_or_default(), over: Over::Nothing });
    }
    if gone {
        return Ok(Step::Remove { path, hunks: file.hunks });
    }
    let to = to.filter(|to| *to != path);
    if to.is_some() && file.renamed == (None, None) {
        return Err(wrong("has two paths: say `rename from` and `rename to` to move it".to_owned()));
    }
    if file.hunks.is_empty() && to.is_none() && file.executable.is_none() {
        return Err(wrong(format!("changes nothing in {path}")));
    }
    let splices = file.hunks.into_iter().map(Splice::Lines).collect();
    Ok(Step::Change { path, to, splices, executable: file.executable })
}

/// Whether the file is made, whether it is removed, its path, and the other path if there are two.
fn paths(file: &File) -> Option<(bool, bool, String, Option<String>)> {
    if let (Some(from), Some(to)) = &file.renamed.clone() {
        return Some((false, false, from.clone(), Some(to.clone())));
    }
    let Some((old, new)) = &file.named else {
        return Some((file.made, file.gone, file.git.clone()?, None));
    };
    let without = |path: &str, prefix: &str| path.strip_prefix(prefix).unwrap_or(path).to_owned();
    match (old == NOWHERE, new == NOWHERE) {
        (true, true) => None,
        (true, false) => Some((true, false, without(new, "b/"), None)),
        (false, true) => Some((false, true, without(old, "a/"), None)),
        // A folder may be named `a`; the prefixes are there only if they make the two paths one.
        (false, false) if old == new => Some((file.made, file.gone, old.clone(), None)),
        (false, false) => Some((file.made, file.gone, without(old, "a/"), Some(without(new, "b/")))),
    }
}

/// The path of `a/PATH b/PATH`, if it is one.
fn git_path(paths: &str) -> Option<String> {
    let paths = paths.trim_end();
    if paths.starts_with('"') {
        let (old, new) = paths.split_once("\" \"")?;
        let (old, new) = (path(&format!("{old}\"")), path(&format!("\"{new}")));
        return (old.strip_prefix("a/")? == new.strip_prefix("b/")?).then(|| new.get(2..).map(str::to_owned))?;
    }
    let (old, new) = paths.split_at_checked(paths.len() / 2)?;
    let new = new.strip_prefix(' ')?;
    match (old.strip_prefix("a/"), new.strip_prefix("b/")) {
        (Some(old), Some(new)) if old == new => Some(old.to_owned()),
        _ => (old == new).then(|| old.to_owned()),
    }
}

/// A path as a diff writes it: up to a tab and a date, and quoted as in C if it is odd.
fn path(text: &str) -> String {
    let text = text.split('\t').next().unwrap_or_default().trim_end();
    match text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
        Some(quoted) => unquoted(quoted),
        None => text.to_owned(),
    }
}

fn unquoted(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes().peekable();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        match rest.next() {
            Some(b'n') => bytes.push(b'\n'),
            Some(b't') => bytes.push(b'\t'),
            Some(b'r') => bytes.push(b'\r'),
            Some(digit @ b'0'..=b'7') => {
                let mut code = u32::from(digit - b'0');
                for _ in 0..2 {
                    if let Some(digit) = rest.next_if(|byte| matches!(byte, b'0'..=b'7')) {
                        code = code * 8 + u32::from(digit - b'0');
                    }
                }
                bytes.push(code as u8);
            }
            Some(other) => bytes.push(other),
            None => bytes.push(b'\\'),
        }
    }
    // A name that is not UTF-8 becomes one that no workspace has, and is refused as not found.
    String::from_utf8_lossy(&bytes).into_owned()
}
