//! Checks, set-up, services, and what commands see of the machine: each checked, in the order of the file, with its place.
//!
//! What runs is a repository's to say, and counts only with a yes. Which tools are mounted anyway and which walls have to
//! be up is for the user and the organisation. Of walls the stricter word holds.

use std::collections::BTreeMap;

use orchestra_pit_core::amount::Span;
use orchestra_pit_core::commands::{Check, Commands, Service, Setup, Tool, Walls, shown};
use orchestra_pit_core::path::RepoPath;
use orchestra_pit_core::pattern::{Pattern, Patterns};
use orchestra_pit_core::{manifest, strict, text};
use toml::Spanned;

use super::Line;
use crate::config::written::commands::{self as written, Named};
use crate::config::{ConfigError, Origin, Said, Source, Widening};

/// How long a check may take if nobody says: a large test suite's time, and what a person can bear to lose to one that
/// hangs.
const CHECK: Span = Span(20 * 60 * 1_000_000);
/// The same for set-up, which may have to fetch and build all that a repository depends on.
const SETUP: Span = Span(30 * 60 * 1_000_000);
/// Words and bytes of a command: more than anybody reads.
const MOST_WORDS: usize = 256;
const MOST_BYTES: usize = 16 * 1024;
/// Patterns of a check's reports: more than there are runners in a check.
const MOST_REPORTS: usize = 20;
/// Patterns of `.worktreeinclude`.
const MOST_INCLUDE: usize = 200;
/// Under what key they are shown.
const KEY_INCLUDE: &str = "workspace.include";
/// What the host itself sets begins like this, and nobody else's word for it would hold.
const OURS: &str = "PIT_";

/// What all files say.
#[derive(Clone, Debug, Default)]
pub(super) struct Settled {
    checks: Vec<(String, Vec<Said<Check>>)>,
    setup: Vec<Said<Setup>>,
    services: Vec<Said<Service>>,
    warm: Vec<Said<RepoPath>>,
    tools: Vec<Said<&'static Tool>>,
    include: Vec<Said<String>>,
    walls: Option<Said<Walls>>,
}

/// What a repository's file says.
pub(super) struct Theirs {
    pub(super) checks: Named<Named<written::Check>>,
    pub(super) setup: Named<written::Setup>,
    pub(super) services: Named<written::Service>,
    pub(super) workspace: written::Workspace,
}

impl Settled {
    /// Adds what the organisation's or the user's file says.
    pub(super) fn of_machine(
        &mut self,
        source: &Source,
        machine: written::Machine,
        sandbox: written::Sandbox,
    ) -> Result<(), ConfigError> {
        self.add_tools(source, machine.tools)?;
        if let Some(required) = sandbox.require.map(|required| source.said(required)) {
            self.walls = match self.walls.take() {
                Some(other) if other.value >= required.value => Some(other),
                _ => Some(required),
            };
        }
        Ok(())
    }

    /// Adds what the repository's file says: all of it runs, or lets what runs see more.
    pub(super) fn of_repository(&mut self, source: &Source, theirs: Theirs) -> Result<Vec<Widening>, ConfigError> {
        for (level, checks) in in_order(theirs.checks) {
            is_level(source, &level)?;
            // A level without a check would be green whatever the result is.
            if checks.is_empty() {
                return Err(source.wrong(level.span().start, format!("`checks.{}` has no check", level.get_ref())));
            }
            let checks = in_order(checks).into_iter().map(|(name, check)| settle_check(source, name, check));
            self.checks.push((level.into_inner(), checks.collect::<Result<_, _>>()?));
        }
        for (name, setup) in in_order(theirs.setup) {
            self.setup.push(settle_setup(source, name, setup)?);
        }
        for (name, service) in in_order(theirs.services) {
            let service = settle_service(source, name, service)?;
            let same = |other: &&Said<Service>| service.value.port != 0 && other.value.port == service.value.port;
            if let Some(other) = self.services.iter().find(same) {
                let message = format!("port {} is that of `{}` already", service.value.port, other.value.name);
                return Err(at_line(source, &service.from, message));
            }
            self.services.push(service);
        }
        for folder in theirs.workspace.warm {
            let at = folder.span().start;
            if folder.get_ref().contains(['*', '?', '[']) {
                return Err(source
                    .wrong(at, format!("`{}` is a pattern; `warm` has the path of each folder", folder.get_ref())));
            }
            let within = |other: &&Said<RepoPath>| {
                let (one, other) = (folder.get_ref(), &other.value);
                one == other
                    || one.ancestors().any(|above| above == other.as_str())
                    || other.ancestors().any(|above| above == one.as_str())
            };
            if let Some(other) = self.warm.iter().find(within) {
                return Err(source.wrong(at, format!("`{}` and `{}` are in each other", folder.get_ref(), other.value)));
            }
            self.warm.push(source.said(folder));
        }
        self.add_tools(source, theirs.workspace.tools)?;
        let theirs = self.lines().into_iter().filter(|line| line.from.layer() == source.layer);
        Ok(theirs.filter_map(widening).collect())
    }

    /// Adds what the repository's `.worktreeinclude` says, a pattern a line.
    pub(super) fn of_include(&mut self, source: &Source) -> Result<Vec<Widening>, ConfigError> {
        let mut at = 0;
        for line in source.text.split_inclusive('\n') {
            let start = at;
            at += line.len();
            let line = line.trim_end_matches(['\n', '\r']);
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            if line.len() > 1_000 || line.chars().any(text::is_hidden) {
                return Err(source.wrong(start, "a pattern is a line of up to 1000 bytes that can be read"));
            }
            if self.include.len() == MOST_INCLUDE {
                return Err(source.wrong(start, format!("more than {MOST_INCLUDE} patterns")));
            }
            let from = source.origin(start);
            self.include.push(Said { value: line.to_owned(), from });
        }
        let lines = self.lines().into_iter().filter(|line| line.key == KEY_INCLUDE);
        Ok(lines.filter_map(widening).collect())
    }

    /// Tools that others gave anyway stay theirs.
    fn add_tools(&mut self, source: &Source, tools: Vec<Spanned<String>>) -> Result<(), ConfigError> {
        for name in tools {
            let tool = Tool::named(name.get_ref());
            let tool = tool.ok_or_else(|| source.wrong(name.span().start, Tool::unknown(name.get_ref())))?;
            if !self.tools.iter().any(|known| known.value == tool) {
                self.tools.push(source.said(name).map(|_| tool));
            }
        }
        Ok(())
    }

    /// As runs have it.
    pub(super) fn commands(&self) -> Commands {
        fn all<T: Clone>(said: &[Said<T>]) -> Vec<T> {
            said.iter().map(|said| said.value.clone()).collect()
        }
        Commands {
            checks: self.checks.iter().map(|(level, checks)| (level.clone(), all(checks))).collect(),
            setup: all(&self.setup),
            services: all(&self.services),
            warm: all(&self.warm),
            tools: self.tools.iter().map(|tool| tool.value.name.to_owned()).collect(),
            include: all(&self.include),
            walls: self.walls.as_ref().map_or_else(Walls::default, |said| said.value),
        }
    }

    /// For people, in the order of the files.
    pub(super) fn lines(&self) -> Vec<Line> {
        let line = |key: String, value: String, from: &Origin| Line { key, value, from: from.clone() };
        let checks = self.checks.iter().flat_map(|(level, checks)| checks.iter().map(move |check| (level, check)));
        let checks = checks
            .map(|(level, Said { value, from })| line(format!("checks.{level}.{}", value.name), of_check(value), from));
        let setup =
            self.setup.iter().map(|Said { value, from }| line(format!("setup.{}", value.name), of_setup(value), from));
        let services = self
            .services
            .iter()
            .map(|Said { value, from }| line(format!("services.{}", value.name), of_service(value), from));
        let warm = self.warm.iter().map(|said| line("workspace.warm".into(), said.value.to_string(), &said.from));
        let tools = self.tools.iter().map(|said| line("workspace.tools".into(), of_tool(said.value), &said.from));
        let include = self.include.iter();
        let include =
            include.map(|said| line(KEY_INCLUDE.into(), format!("commands see ignored {}", said.value), &said.from));
        let walls = self.walls.clone().unwrap_or_else(|| Said::default(Walls::default()));
        let word = match walls.value {
            Walls::Full => "full",
            Walls::Partial => "partial",
        };
        let walls = std::iter::once(line("sandbox.require".into(), word.into(), &walls.from));
        checks.chain(setup).chain(services).chain(warm).chain(tools).chain(include).chain(walls).collect()
    }
}

/// Things by the order in which the file has them.
fn in_order<T>(named: Named<T>) -> Vec<(Spanned<String>, T)> {
    let mut all: Vec<_> = named.into_iter().collect();
    all.sort_by_key(|(name, _)| name.span().start);
    all
}

/// What a line of the repository's gives that there is not without it.
fn widening(line: Line) -> Option<Widening> {
    let Origin::File { line: number, .. } = line.from else { return None };
    Some(Widening { line: number, key: line.key, to: line.value, without: "nothing".into() })
}

fn at_line(source: &Source, from: &Origin, message: String) -> ConfigError {
    let line = if let Origin::File { line, .. } = from { *line } else { 1 };
    ConfigError::Wrong { path: source.path.to_path_buf(), line, message, hint: None }
}

/// Levels have any name. One that is a letter away from a known one would be checks that nobody runs.
fn is_level(source: &Source, level: &Spanned<String>) -> Result<(), ConfigError> {
    let (at, name) = (level.span().start, level.get_ref());
    manifest::is_name(name).map_err(|why| source.wrong(at, why))?;
    match ["fast", "full"].into_iter().find(|known| strict::is_slip(name, known)) {
        Some(meant) => Err(source.wrong(at, format!("no level is called `{name}`; did you mean `{meant}`?"))),
        None => Ok(()),
    }
}

fn named(source: &Source, name: Spanned<String>) -> Result<Said<String>, ConfigError> {
    manifest::is_name(name.get_ref()).map_err(|why| source.wrong(name.span().start, why))?;
    Ok(source.said(name))
}

fn settle_check(source: &Source, name: Spanned<String>, check: written::Check) -> Result<Said<Check>, ConfigError> {
    let Said { value: name, from } = named(source, name)?;
    for test in &check.flaky {
        let is = |test: &str| !test.is_empty() && test.len() <= 400 && !test.chars().any(text::is_hidden);
        if !is(test.get_ref()) {
            return Err(source.wrong(test.span().start, "a test is named by one line of up to 400 bytes"));
        }
    }
    let value = Check {
        name,
        run: command(source, check.run)?,
        dir: check.dir,
        required: check.required.unwrap_or(true),
        timeout: time(source, check.timeout, CHECK)?,
        env: variables(source, check.env)?,
        flaky: check.flaky.into_iter().map(Spanned::into_inner).collect(),
        reports: reports(source, check.reports)?,
    };
    Ok(Said { value, from })
}

fn settle_setup(source: &Source, name: Spanned<String>, setup: written::Setup) -> Result<Said<Setup>, ConfigError> {
    let Said { value: name, from } = named(source, name)?;
    let written::Setup { run, dir, inputs, network, timeout } = setup;
    let (run, timeout) = (command(source, run)?, time(source, timeout, SETUP)?);
    Ok(Said { value: Setup { name, run, dir, inputs, network, timeout }, from })
}

fn settle_service(
    source: &Source,
    name: Spanned<String>,
    service: written::Service,
) -> Result<Said<Service>, ConfigError> {
    let Said { value: name, from } = named(source, name)?;
    let run = command(source, service.run)?;
    Ok(Said { value: Service { name, run, port: service.port.unwrap_or(0) }, from })
}

/// A command that a person can have read: what cannot be seen is not run.
fn command(source: &Source, run: Spanned<Vec<String>>) -> Result<Vec<String>, ConfigError> {
    let words = run.get_ref();
    let hides = |c: char| text::is_hidden(c) && !matches!(c, '\n' | '\t');
    let why = if words.first().is_none_or(String::is_empty) {
        "`run` is a program and its arguments, a list of words such as [\"cargo\", \"test\"]"
    } else if words.len() > MOST_WORDS || words.iter().map(String::len).sum::<usize>() > MOST_BYTES {
        "`run` has up to 256 words and 16 KiB: put what is longer into a script of the repository"
    } else if words.iter().any(|word| word.chars().any(hides)) {
        "`run` has characters that nobody can see"
    } else {
        return Ok(run.into_inner());
    };
    Err(source.wrong(run.span().start, why))
}

/// Which files a check's reports are. An empty list would be a check that nobody understands.
fn reports(source: &Source, written: Option<Spanned<Vec<Pattern>>>) -> Result<Patterns, ConfigError> {
    let Some(written) = written else { return Ok(Patterns::default()) };
    let (at, patterns) = (written.span().start, written.into_inner());
    if patterns.is_empty() || patterns.len() > MOST_REPORTS {
        return Err(source.wrong(at, format!("`reports` has one to {MOST_REPORTS} patterns of files, from the top")));
    }
    if patterns.iter().any(|pattern| pattern.as_str().chars().any(text::is_hidden)) {
        return Err(source.wrong(at, "`reports` has characters that nobody can see"));
    }
    Ok(patterns.into())
}

fn time(source: &Source, written: Option<Spanned<Span>>, default: Span) -> Result<u64, ConfigError> {
    match written {
        Some(none) if none.get_ref().0 == 0 => Err(source.wrong(none.span().start, "`timeout` is at least 1s")),
        Some(time) => Ok(time.into_inner().0),
        None => Ok(default.0),
    }
}

fn variables(source: &Source, env: Named<String>) -> Result<BTreeMap<String, String>, ConfigError> {
    for (name, value) in &env {
        let right = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
        let text = name.get_ref();
        let why =
            if text.is_empty() || text.len() > 100 || !text.bytes().all(right) || text.as_bytes()[0].is_ascii_digit() {
                format!("`{}` names no variable", text::excerpt(text, 40))
            } else if text.starts_with(OURS) {
                format!("`{text}` is set by pit, so this would not hold")
            } else if value.chars().any(text::is_hidden) {
                format!("`{text}` has characters that nobody can see")
            } else {
                continue;
            };
        return Err(source.wrong(name.span().start, why));
    }
    Ok(env.into_iter().map(|(name, value)| (name.into_inner(), value)).collect())
}

fn of_check(check: &Check) -> String {
    let mut parts = vec![shown(&check.run)];
    parts.extend(check.dir.as_ref().map(|dir| format!("in {dir}")));
    let set = check.env.iter().map(|(name, value)| shown(&[format!("{name}={value}")]));
    parts.extend((!check.env.is_empty()).then(|| format!("with {}", set.collect::<Vec<_>>().join(" "))));
    parts.push(format!("up to {}", Span(check.timeout)));
    parts.extend((!check.required).then(|| "not required".to_owned()));
    parts.extend((!check.flaky.is_empty()).then(|| format!("flaky: {}", check.flaky.join(", "))));
    let reports: Vec<&str> = check.reports.iter().map(Pattern::as_str).collect();
    parts.extend((!reports.is_empty()).then(|| format!("reports in {}", reports.join(", "))));
    parts.join("; ")
}

fn of_setup(setup: &Setup) -> String {
    let mut parts = vec![shown(&setup.run)];
    parts.extend(setup.dir.as_ref().map(|dir| format!("in {dir}")));
    parts.extend(setup.network.then(|| "with the network".to_owned()));
    let inputs: Vec<&str> = setup.inputs.iter().map(RepoPath::as_str).collect();
    parts.extend((!inputs.is_empty()).then(|| format!("again when {} changes", inputs.join(", "))));
    parts.push(format!("up to {}", Span(setup.timeout)));
    parts.join("; ")
}

fn of_service(service: &Service) -> String {
    let port = match service.port {
        0 => "at any port".to_owned(),
        port => format!("at port {port}"),
    };
    format!("{}; {port}", shown(&service.run))
}

fn of_tool(tool: &Tool) -> String {
    let paths: Vec<String> = tool.places().map(|place| format!("~/{place}")).collect();
    format!("{} ({})", tool.name, paths.join(", "))
}
