//! What CI files run, read line by line: enough for the commands that people write there, and no YAML.
//!
//! A command is taken only if it consists of plain words. Variables, pipes, substitutions and redirections need a shell,
//! and a step that goes into another folder runs something else than its words say: these are passed over.

use super::{Repository, Source};
use crate::text::is_hidden;

/// Commands taken from all files; a matrix of many jobs repeats itself.
const MOST_COMMANDS: usize = 200;

/// Words, and bytes, of one command.
const MOST_WORDS: usize = 40;
const MOST_LENGTH: usize = 400;

/// Whether a file says what a CI service runs.
pub(super) fn is_ci(path: &str) -> bool {
    let name = path.strip_prefix(".github/workflows/");
    let workflow = name.is_some_and(|name| !name.contains('/') && (name.ends_with(".yml") || name.ends_with(".yaml")));
    workflow || matches!(path, ".gitlab-ci.yml" | ".gitlab-ci.yaml")
}

/// The commands of all CI files, in their order.
pub(super) fn commands(repository: &Repository<'_>) -> Vec<(Vec<String>, Source)> {
    steps(repository, words).take(MOST_COMMANDS).collect()
}

/// Each command of all CI files that `take` makes words of, in their order.
fn steps<'a>(
    repository: &'a Repository<'_>,
    take: fn(&str) -> Option<Vec<String>>,
) -> impl Iterator<Item = (Vec<String>, Source)> + 'a {
    repository.texts.iter().filter(|(path, _)| is_ci(path)).flat_map(move |(path, text)| {
        let lines = if path.starts_with(".gitlab") { gitlab(text) } else { github(text) };
        lines.into_iter().flat_map(move |(line, command)| {
            let source = Source { path: (*path).to_owned(), line };
            command.split("&&").filter_map(take).map(move |words| (words, source.clone()))
        })
    })
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

/// Lines of a file that are commands, by their numbers: the values of `run:` of steps that stay in the top folder.
fn github(text: &str) -> Vec<(usize, &str)> {
    let says = |key: &str| text.lines().any(|line| line.trim_start_matches([' ', '-']).starts_with(key));
    // Which of the jobs the defaults are for would take a reader of YAML to know.
    if says("defaults:") && says("working-directory:") {
        return Vec::new();
    }
    let (mut found, mut step) = (Vec::new(), Vec::new());
    let mut elsewhere = false;
    let mut steps: Option<usize> = None;
    // The indent of the `run: |` whose lines these are, and whether each is a command: `>` folds them into one.
    let mut block: Option<(usize, bool)> = None;
    for (at, line) in text.lines().enumerate() {
        let text = line.trim();
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        if let Some((above, each)) = block {
            if indent(line) > above {
                step.extend(each.then_some((at + 1, text)));
                continue;
            }
            block = None;
        }
        if text == "steps:" {
            steps = None;
        }
        let begins = text.starts_with("- ") && steps.is_none_or(|steps| indent(line) <= steps);
        if begins {
            take(&mut found, &mut step, elsewhere);
            elsewhere = false;
            steps = Some(indent(line));
        }
        let key = text.trim_start_matches("- ");
        elsewhere |= key.starts_with("working-directory:");
        if let Some(value) = key.strip_prefix("run:") {
            match value.trim() {
                "" => {}
                value if value.starts_with(['|', '>']) => {
                    block = Some((indent(line) + if begins { 2 } else { 0 }, value.starts_with('|')));
                }
                value => step.push((at + 1, unquoted(value))),
            }
        }
    }
    take(&mut found, &mut step, elsewhere);
    found
}

fn take<'a>(found: &mut Vec<(usize, &'a str)>, step: &mut Vec<(usize, &'a str)>, elsewhere: bool) {
    if elsewhere || step.iter().any(|(_, line)| line.starts_with("cd ")) {
        step.clear();
    }
    found.append(step);
}

/// Lines of a file that are commands: the items of `script:`.
fn gitlab(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut script: Option<usize> = None;
    for (at, line) in text.lines().enumerate() {
        let text = line.trim();
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        if let Some(value) = text.strip_prefix("script:") {
            script = Some(indent(line));
            if !value.trim().is_empty() {
                found.push((at + 1, unquoted(value.trim())));
            }
        } else if let Some(above) = script {
            match text.strip_prefix("- ") {
                Some(item) if indent(line) >= above => found.push((at + 1, unquoted(item.trim()))),
                _ => script = None,
            }
        }
    }
    found
}

fn unquoted(value: &str) -> &str {
    let inner = |quote: char| value.strip_prefix(quote)?.strip_suffix(quote);
    inner('"').or_else(|| inner('\'')).unwrap_or(value)
}

/// What CI installs with pip, as its arguments: the words after `pip install`. A file that is not there is not installed.
pub(super) fn pip(repository: &Repository<'_>) -> Vec<(Vec<String>, Source)> {
    let mut all: Vec<(Vec<String>, Source)> = Vec::new();
    for (words, source) in steps(repository, packages).take(MOST_COMMANDS) {
        let named = words.windows(2).filter(|pair| ["-r", "-c", "--requirement", "--constraint"].contains(&&*pair[0]));
        let there = named.map(|pair| pair[1].trim_start_matches("./")).all(|path| repository.has(path));
        if there && !all.iter().any(|(known, _)| *known == words) {
            all.push((words, source));
        }
    }
    all
}

/// Packages as pip takes them, with extras in brackets, for which no shell is needed.
fn packages(command: &str) -> Option<Vec<String>> {
    let command = where_there(command.trim());
    let begins = ["python -m ", "python3 -m ", "uv "];
    let command = begins.iter().find_map(|begin| command.strip_prefix(begin)).unwrap_or(command);
    let rest = command.strip_prefix("pip install ").or_else(|| command.strip_prefix("pip3 install "))?;
    // The machine's own Python is uv's word, and not meant here.
    let words = rest.split(' ').filter(|word| !word.is_empty() && *word != "--system").map(unquoted);
    let words: Vec<&str> = words.collect();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./[],=:@+<>~!".contains(c);
    // A version behind a name is meant, also where a shell would write to a file of that name.
    let taken = |word: &str| word.chars().all(plain) && !word.starts_with(['<', '>', '~', '!']);
    if words.is_empty() || rest.len() > MOST_LENGTH || !words.iter().all(|word| taken(word)) {
        return None;
    }
    // Nobody needs a newer pip to install the rest.
    let mut named = words.iter().filter(|word| !word.starts_with('-'));
    let own = named.all(|word| ["pip", "setuptools", "wheel"].contains(word));
    (!own).then(|| words.into_iter().map(str::to_owned).collect())
}

/// A command without the question whether its file is there, as the file that GitHub proposes asks it.
fn where_there(command: &str) -> &str {
    let inner = || {
        let (_, rest) = command.strip_prefix("if [ -f ")?.split_once(" ]; then ")?;
        rest.strip_suffix("; fi")
    };
    inner().unwrap_or(command)
}

/// The words of a command that needs no shell.
pub(super) fn words(command: &str) -> Option<Vec<String>> {
    let command = command.trim();
    let needs_shell = |c: char| "|&;<>()$`\\\"'*?[]{}~#!".contains(c) || is_hidden(c);
    if command.is_empty() || command.len() > MOST_LENGTH || command.contains(needs_shell) {
        return None;
    }
    let mut words: Vec<String> = command.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect();
    // `A=b command` is how a shell sets a variable for one command; `env` does it without one.
    if words.first().is_some_and(|word| word.contains('=')) {
        words.insert(0, "env".to_owned());
    }
    (words.len() <= MOST_WORDS).then_some(words)
}
