//! What `pit init` proposes as checks, from a repository's file list and the texts of a few files.
//!
//! Pure: nothing is run and nothing is looked up. What a CI file runs beats what is guessed from a language's own files,
//! because somebody relies on it. Each proposal says which file and line it came from. The texts are a stranger's: they
//! become arguments of a command only as plain words, never as a shell's, and a person sees and trusts them before
//! anything runs.

mod ci;
mod folders;
mod guess;
mod sort;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

pub use sort::Part;
use sort::sort;

/// Bytes of a text that is read. Such files are written by hand; a larger one is passed over.
pub const MOST_BYTES: usize = 1 << 20;

/// Checks of one level. More than a person reads through are not proposed.
pub const MOST_CHECKS: usize = 8;

/// Whether `pit init` should read a file for this.
pub fn is_read(path: &str) -> bool {
    let named = [
        "Cargo.toml",
        "package.json",
        "pyproject.toml",
        "setup.cfg",
        "tox.ini",
        "pytest.ini",
        "go.mod",
        "pom.xml",
        "build.gradle",
        "build.gradle.kts",
        "GNUmakefile",
        "makefile",
        "Makefile",
    ];
    let is = |path: &str| named.contains(&path) || PYTHON.contains(&path) || guess::is_test(path);
    // Also of a project in a folder, or in a folder of folders.
    let (first, second) = (inner(path), inner(path).and_then(inner));
    ci::is_ci(path) || [Some(path), first, second].into_iter().flatten().any(is)
}

/// A path within its first folder.
fn inner(path: &str) -> Option<&str> {
    path.split_once('/').map(|(_, rest)| rest)
}

/// A path in a folder; the empty one is the top.
fn below(folder: &str, path: &str) -> String {
    if folder.is_empty() { path.to_owned() } else { format!("{folder}/{path}") }
}

/// Where Python projects name what their tests need.
const PYTHON: &[&str] = &[
    "requirements-dev.txt",
    "requirements-test.txt",
    "dev-requirements.txt",
    "test-requirements.txt",
    "requirements/dev.txt",
    "requirements/test.txt",
    "requirements.txt",
    "setup.py",
];

/// A repository, as far as proposals look at it.
#[derive(Clone, Debug, Default)]
pub struct Repository<'a> {
    /// The folder that it is of a larger one; empty for all of it.
    folder: String,
    paths: BTreeSet<&'a str>,
    texts: BTreeMap<&'a str, &'a str>,
}

impl<'a> Repository<'a> {
    /// All paths, and the texts of those that [`is_read`].
    pub fn new(paths: impl IntoIterator<Item = &'a str>, texts: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let texts = texts.into_iter().filter(|(path, text)| is_read(path) && text.len() <= MOST_BYTES);
        Self { folder: String::new(), paths: paths.into_iter().collect(), texts: texts.collect() }
    }

    /// One of its folders, as a repository of its own.
    fn within(&self, folder: &str) -> Self {
        let begin = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let texts = self.texts.iter().filter_map(|(path, text)| Some((path.strip_prefix(&*begin)?, *text)));
        let paths = self.paths.iter().filter_map(|path| path.strip_prefix(&*begin));
        Self { folder: folder.to_owned(), paths: paths.collect(), texts: texts.collect() }
    }

    fn has(&self, path: &str) -> bool {
        self.paths.contains(path)
    }

    fn text(&self, path: &str) -> Option<&'a str> {
        self.texts.get(path).copied()
    }

    /// The first line of a file that has these words, and the file itself if none has.
    fn source(&self, path: &str, words: &str) -> Source {
        let line = self.text(path).and_then(|text| text.lines().position(|line| line.contains(words)));
        self.at(path, line.map_or(1, |line| line + 1))
    }

    fn at(&self, path: &str, line: usize) -> Source {
        Source { path: below(&self.folder, path), line }
    }
}

/// Where a proposal came from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Source {
    /// The file.
    pub path: String,
    /// The line, counted from 1.
    pub line: usize,
}

/// A check that is proposed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Check {
    /// `build`, `test`, `lint`, …; unique in its level.
    pub name: String,
    /// The command.
    pub run: Vec<String>,
    /// The folder that it starts in; none is the top.
    pub dir: Option<String>,
    /// From where.
    pub source: Source,
}

/// A command that is run once before any agent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Setup {
    /// `fetch`, `install`, …
    pub name: String,
    /// The command.
    pub run: Vec<String>,
    /// The folder that it starts in; none is the top.
    pub dir: Option<String>,
    /// The files that it depends on: it is run again when one of them changes.
    pub inputs: Vec<String>,
    /// Whether it needs the network.
    pub network: bool,
    /// From where.
    pub source: Source,
}

/// A folder, and what asked for it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Folder {
    /// `target`; `cargo`.
    pub name: String,
    /// The file.
    pub because: String,
}

/// What is proposed.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Proposal {
    /// Checks in the coder's loop.
    pub fast: Vec<Check>,
    /// Checks of every result.
    pub full: Vec<Check>,
    /// What is run before.
    pub setup: Vec<Setup>,
    /// Ignored folders that start warm.
    pub warm: Vec<Folder>,
    /// Toolchains and caches by name. Which of them a machine has, and where, is for the host to find out.
    pub tools: Vec<Folder>,
}

/// A command that a file has, and what it is for.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Found {
    part: Part,
    run: Vec<String>,
    /// The folder that it starts in; the empty one is the top.
    dir: String,
    source: Source,
}

/// What a repository seems to want.
pub fn propose(repository: &Repository<'_>) -> Proposal {
    let mut proposal = Proposal::default();
    let by_ci = ci::commands(repository).into_iter().map(|(run, dir, source)| (without_clean(run), dir, source));
    let by_ci: Vec<Found> =
        by_ci.filter_map(|(run, dir, source)| Some(Found { part: sort(&run)?, run, dir, source })).collect();
    let mut found: Vec<Found> = Vec::new();
    for folder in folders::of(repository, &by_ci) {
        let of = by_ci.iter().filter(|found| found.dir == folder).cloned().collect();
        folders::look(repository, &folder, of, &mut found, &mut proposal);
    }
    levels(&found, &mut proposal);
    proposal
}

/// Puts each check into its level.
fn levels(found: &[Found], proposal: &mut Proposal) {
    for found in found {
        let level = match found.part {
            Part::Build | Part::Types => &mut proposal.fast,
            Part::Test | Part::Lint | Part::Format => &mut proposal.full,
        };
        push(level, found);
    }
    // Something has to tell a coder that it is on the wrong way, and where nothing is built that is the tests.
    if proposal.fast.is_empty() {
        let tests = found.iter().filter(|found| found.part == Part::Test);
        tests.for_each(|found| push(&mut proposal.fast, found));
    }
    // What only is in the coder's loop would not be checked on the result.
    if proposal.full.is_empty() {
        proposal.full.clone_from(&proposal.fast);
    }
}

fn push(level: &mut Vec<Check>, found: &Found) {
    if level.len() == MOST_CHECKS {
        return;
    }
    let word = found.part.word();
    let free = |name: &String| !level.iter().any(|check| check.name == *name);
    let mut names = std::iter::once(word.to_owned()).chain((2..=MOST_CHECKS).map(|n| format!("{word}-{n}")));
    if let Some(name) = names.find(free) {
        let dir = Some(&found.dir).filter(|dir| !dir.is_empty()).cloned();
        level.push(Check { name, run: found.run.clone(), dir, source: found.source.clone() });
    }
}

/// What is thrown away is what starts warm, and else the host's tree is clean anyway.
fn without_clean(mut run: Vec<String>) -> Vec<String> {
    if sort::tool(&run) == "java" || sort::is_general(&run) {
        run.retain(|word| word != "clean");
    }
    run
}

/// Neither pytest nor unittest names what passes unless it is told to, so that nobody could say which tests are lost, and Go
/// does not even count it.
fn naming(mut run: Vec<String>) -> Vec<String> {
    let any = |is: &dyn Fn(&str) -> bool| run.iter().any(|word| is(word));
    if any(&|word| word == "pytest" || word.ends_with("/pytest")) {
        let quiet = any(&|word| word.starts_with("-q") || word == "--quiet");
        let verbose = !quiet && any(&|word| word.starts_with("-v") || word == "--verbose");
        // Of several of these the last one counts.
        if !verbose && !any(&|word| word.starts_with("-r") && word.contains(['p', 'P', 'A'])) {
            run.push("-rap".to_owned());
        }
    } else if run.windows(2).any(|words| words == ["-m", "unittest"])
        && !any(&|word| matches!(word, "-v" | "--verbose" | "-q" | "--quiet"))
    {
        let after = run.iter().position(|word| word == "unittest").map_or(run.len(), |at| at + 1);
        // A word that is none of `unittest`'s own is its first.
        let after = if run.get(after).is_some_and(|word| word == "discover") { after + 1 } else { after };
        run.insert(after, "-v".to_owned());
    } else if matches!(&*run, [go, test, ..] if go == "go" && test == "test")
        && !any(&|word| ["-v", "--v", "-v=true", "-json", "--json", "-v=test2json"].contains(&word))
    {
        run.insert(2, "-v".to_owned());
    }
    run
}

/// Cargo stops at the first program with a failure, Maven at the first module, Gradle at the first task; which others fail is
/// then not known, and *no worse* cannot be said.
fn all_failures(run: Vec<String>) -> Vec<String> {
    let mut run = naming(run);
    if let Some(flag) = goes_on(&run) {
        run.push(flag.to_owned());
        return run;
    }
    let tests = run.first().is_some_and(|word| word == "cargo")
        && run.get(1).is_some_and(|word| matches!(word.as_str(), "test" | "t" | "nextest"));
    if tests && !run.iter().any(|word| word == "--no-fail-fast") {
        let at = run.iter().position(|word| word == "--").unwrap_or(run.len());
        run.insert(at, "--no-fail-fast".to_owned());
    }
    run
}

/// What has Maven or Gradle go on with other tests after a failure, where nothing of that is said.
fn goes_on(run: &[String]) -> Option<&'static str> {
    let program = run.first()?.rsplit('/').next()?;
    let (flag, said) = match program {
        "mvn" | "mvnw" => ("-fae", &["-fae", "--fail-at-end", "-fn", "--fail-never", "-ff", "--fail-fast"][..]),
        "gradle" | "gradlew" => ("--continue", &["--continue", "--no-continue"][..]),
        _ => return None,
    };
    (sort::sort(run) == Some(Part::Test) && !run.iter().any(|word| said.contains(&word.as_str()))).then_some(flag)
}
