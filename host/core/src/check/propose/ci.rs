//! What CI files run, read line by line: enough for the commands that people write there, and no YAML.
//!
//! A command is taken only if it consists of plain words: variables, pipes, substitutions and redirections need a shell, and are
//! passed over. Of the folder that it runs in, `working-directory` and `cd` to a plain name are understood.

mod github;

use super::{Repository, Source, below};
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

/// A command of a CI file, the folder that it runs in, below the top, and where it stands.
pub(super) type Command = (Vec<String>, String, Source);

/// The commands of all CI files, in their order.
pub(super) fn commands(repository: &Repository<'_>) -> Vec<Command> {
    steps(repository, words).take(MOST_COMMANDS).collect()
}

/// Commands that one shell runs.
#[derive(Default)]
struct Step<'a> {
    /// The folder that it starts in, as it is written; none is the top.
    folder: Option<&'a str>,
    /// With the numbers of their lines.
    lines: Vec<(usize, &'a str)>,
}

/// Each command of all CI files that `take` makes words of, in their order.
fn steps<'a>(
    repository: &'a Repository<'_>,
    take: fn(&str) -> Option<Vec<String>>,
) -> impl Iterator<Item = Command> + 'a {
    repository.texts.iter().filter(|(path, _)| is_ci(path)).flat_map(move |(path, text)| {
        let steps = if path.starts_with(".gitlab") { gitlab(text) } else { github::steps(text) };
        steps.into_iter().flat_map(move |step| step.commands(repository, path, take))
    })
}

impl Step<'_> {
    /// Its commands. One that goes into a folder takes those behind it along; where that is not known, they are left out.
    fn commands(self, repository: &Repository<'_>, path: &str, take: fn(&str) -> Option<Vec<String>>) -> Vec<Command> {
        let mut found = Vec::new();
        let Some(mut folder) = inside(repository, "", self.folder.unwrap_or(".")) else { return found };
        for (line, command) in self.lines {
            for command in command.split("&&").map(str::trim) {
                if let Some(to) = command.strip_prefix("cd ") {
                    let Some(to) = inside(repository, &folder, unquoted(to.trim())) else { return found };
                    folder = to;
                } else if command.starts_with("pushd") {
                    return found;
                } else if let Some(words) = take(command) {
                    found.push((words, folder.clone(), Source { path: path.to_owned(), line }));
                }
            }
        }
        found
    }
}

/// A folder of the repository, from another one: plain names, none for the top.
fn inside(repository: &Repository<'_>, from: &str, to: &str) -> Option<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.@+".contains(c);
    let mut names: Vec<&str> = from.split('/').filter(|name| !name.is_empty()).collect();
    if to.starts_with('/') {
        return None;
    }
    for name in to.split('/') {
        match name {
            "" | "." => {}
            ".." => drop(names.pop()?),
            name if !name.starts_with('-') && name.chars().all(plain) => names.push(name),
            _ => return None,
        }
    }
    let folder = names.join("/");
    let begin = format!("{folder}/");
    (folder.is_empty() || repository.paths.iter().any(|path| path.starts_with(&begin))).then_some(folder)
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

/// The items of each `script:`, which are lines of one.
fn gitlab(text: &str) -> Vec<Step<'_>> {
    let mut steps: Vec<Step<'_>> = Vec::new();
    let mut script: Option<usize> = None;
    for (at, line) in text.lines().enumerate() {
        let text = line.trim();
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        let item = if let Some(value) = text.strip_prefix("script:") {
            script = Some(indent(line));
            steps.push(Step::default());
            Some(value.trim()).filter(|value| !value.is_empty())
        } else {
            text.strip_prefix("- ").filter(|_| script.is_some_and(|above| indent(line) >= above))
        };
        match (item, steps.last_mut()) {
            (Some(item), Some(step)) => step.lines.push((at + 1, unquoted(item.trim()))),
            _ if text.starts_with("script:") => {}
            _ => script = None,
        }
    }
    steps
}

fn unquoted(value: &str) -> &str {
    let inner = |quote: char| value.strip_prefix(quote)?.strip_suffix(quote);
    inner('"').or_else(|| inner('\'')).unwrap_or(value)
}

/// What CI installs with pip in a folder, as its arguments: the words after `pip install`. A file that is not there is not
/// installed.
pub(super) fn pip(repository: &Repository<'_>, folder: &str) -> Vec<(Vec<String>, Source)> {
    let mut all: Vec<(Vec<String>, Source)> = Vec::new();
    for (words, at, source) in steps(repository, packages).take(MOST_COMMANDS) {
        let named = words.windows(2).filter(|pair| ["-r", "-c", "--requirement", "--constraint"].contains(&&*pair[0]));
        let has = |path: &str| repository.has(&below(&at, path.trim_start_matches("./")));
        let there = named.map(|pair| &*pair[1]).all(has);
        if there && at == folder && !all.iter().any(|(known, _)| *known == words) {
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
