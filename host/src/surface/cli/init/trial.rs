//! Trying what a first `pit.toml` would run, once, on HEAD: what each check came to, why, and what it lacked.
//!
//! What the host finds out here it need not find out again with the first run.

use std::collections::BTreeSet;
use std::sync::Arc;

use orchestra_pit_core::call::ErrorKind;
use orchestra_pit_core::check::propose::Folder;
use orchestra_pit_core::check::verdict::{CheckVerdict, Ending, Kind};
use orchestra_pit_core::commands::{Check, Commands, shown};
use orchestra_pit_core::id::Oid;
use orchestra_pit_core::text::{clean, clean_lines};

use super::super::Failure;
use super::super::ask::confirm;
use super::super::open::Place;
use super::super::out::note;
use super::super::setting;
use crate::assemble;
use crate::config::init::{Command, Facts, Seen, Tried, Worth};
use crate::config::written::Flags;
use crate::effect::exec::Exec;
use crate::effect::exec::judge::Case;
use crate::effect::store::Repo;
use crate::surface::words::line;

/// Last lines of what failed: enough for its reason, and few enough for all checks to be read.
const TAIL: usize = 8;

/// See the module.
pub(super) struct Trial {
    exec: Exec,
    repo: Arc<Repo>,
    yes: bool,
    /// Tools that were offered once.
    offered: BTreeSet<&'static str>,
}

/// A check that was tried.
struct One {
    check: Check,
    found: CheckVerdict,
    tail: String,
}

impl Trial {
    /// `yes`: the person has said yes to all of it.
    pub(super) fn new(at: &Place, repo: Arc<Repo>, yes: bool) -> Self {
        Self { exec: assemble::exec(repo.clone(), at.machine()), repo, yes, offered: BTreeSet::new() }
    }

    /// What everything came to. Tools without which it could not be run are added to the facts.
    pub(super) async fn run(mut self, facts: &mut Facts) -> Tried {
        let mut tried = Tried::default();
        let settled =
            settled(&self.repo).and_then(|(commit, commands)| Ok((self.repo.tree_of(commit)?, commit, commands)));
        let (tree, commit, mut commands) = match settled {
            Ok(settled) => settled,
            Err(error) => {
                note!("they could not be tried: {}", clean_lines(&error.error));
                return tried;
            }
        };
        note!("trying them on {}, which may take its time", brief(commit));
        while !self.set_up(tree, commit, &mut commands, facts, &mut tried).await {}
        let mut all = self.judge(tree, commit, &commands).await;
        while self.lacks(all.iter().flat_map(One::said), &mut commands, facts) {
            all = self.judge(tree, commit, &commands).await;
        }
        for one in &all {
            let seen = Seen { said: format!("{} on {}", came_to(&one.found), brief(commit)), worth: one.worth() };
            tried.checks.insert(one.command(), seen);
        }
        let mut told = BTreeSet::new();
        all.iter().filter(|one| told.insert(one.command())).for_each(|one| self.tell(one, facts, &tried));
        tried
    }

    /// Has set-up made; answers whether there is nothing left to try. One that cannot be started here is left out.
    async fn set_up(
        &mut self,
        tree: Oid,
        commit: Oid,
        commands: &mut Commands,
        facts: &mut Facts,
        tried: &mut Tried,
    ) -> bool {
        let Err((setup, error)) = self.exec.try_set_up(tree, Arc::new(commands.clone())).await else { return true };
        // Of anything else the checks' own trial says the same.
        let Some(setup) = setup else { return true };
        let absent = error.kind == ErrorKind::NotFound;
        let program = absent.then(|| format!("{}: command not found", setup.run.first().map_or("", |word| word)));
        if self.lacks([program.unwrap_or_else(|| error.message.clone())], commands, facts) {
            return false;
        }
        note!("  {}", clean(error.message.lines().next().unwrap_or_default()));
        tail(&error.message.lines().skip(2).collect::<Vec<_>>().join("\n"));
        let said = format!("{} on {}", brief_of(&error.message), brief(commit));
        let said = said.strip_prefix(&format!("set-up `{}` ", setup.name)).map_or(said.clone(), str::to_owned);
        let worth = if absent { Worth::Nothing } else { Worth::Counts };
        tried.setup.insert(setup.name.clone(), Seen { said, worth });
        if absent {
            note!("    it cannot be run here, so it does not count: its line is a comment");
            commands.setup.retain(|other| other.name != setup.name);
            return false;
        }
        note!(
            "    until it goes well no check is run, and no result verified: correct [setup] in pit.toml, then pit trust"
        );
        true
    }

    /// All checks of all levels.
    async fn judge(&self, tree: Oid, commit: Oid, commands: &Commands) -> Vec<One> {
        let mut all = Vec::new();
        for (level, checks) in &commands.checks {
            let case = Case { tree, base: tree, commit, level: level.clone(), within: None };
            match self.exec.judge(case, Arc::new(commands.clone()), &|_| {}).await {
                Ok(judged) => {
                    for (check, found) in checks.iter().zip(judged.verdict.checks()) {
                        let failed = found.log().filter(|_| found.kind() != Kind::Green);
                        let tail = failed.map(|log| self.exec.last_lines(log)).unwrap_or_default();
                        all.push(One { check: check.clone(), found: found.clone(), tail });
                    }
                }
                Err(error) => {
                    note!("they could not be tried: {}", clean(&error.message));
                    error.hint.iter().for_each(|hint| note!("  {}", clean(hint)));
                }
            }
        }
        all
    }

    /// Whether these words say of a program that is not there, that the person's home has it, and the person lets them see it. What
    /// says so is a stranger's: it gets a toolchain read-only, by a name that pit knows, and by no other word than the person's.
    fn lacks(&mut self, said: impl IntoIterator<Item = String>, commands: &mut Commands, facts: &mut Facts) -> bool {
        let mut tools: Vec<&'static str> = said.into_iter().flat_map(|said| self.exec.bringing(&said)).collect();
        tools.retain(|tool| !commands.tools.iter().any(|have| have == tool) && self.offered.insert(tool));
        if tools.is_empty() {
            return false;
        }
        let names = tools.join(", ");
        note!("  what they need is in your home, and not mounted: {names}");
        if !confirm(&format!("add {names} to [workspace] tools, read-only, and try again"), self.yes).unwrap_or(false) {
            return false;
        }
        note!("  added to [workspace] tools, read-only; trying again");
        let because = |name: &&str| Folder { name: (*name).to_owned(), because: "the trial".to_owned() };
        facts.commands.tools.extend(tools.iter().map(because));
        commands.tools.extend(tools.into_iter().map(str::to_owned));
        true
    }

    /// What a check came to, and why.
    fn tell(&self, one: &One, facts: &Facts, tried: &Tried) {
        let One { check, found, tail: said } = one;
        let Some(seen) = tried.checks.get(&one.command()) else { return };
        let at = check.dir.as_ref().map(|dir| format!(" in {dir}")).unwrap_or_default();
        note!("  {}{}: {}", clean(&shown(&check.run)), clean(&at), clean(&seen.said));
        // Why set-up went wrong was told with it.
        if found.kind() == Kind::Green || matches!(found.ending(), Some(Ending::Skipped(_))) {
            return;
        }
        tail(said);
        if let Some(log) = found.log().filter(|_| !said.is_empty()) {
            note!("    its output: {}", clean(&self.exec.log(log).display().to_string()));
        }
        match seen.worth {
            Worth::Counts => {}
            Worth::Nameless if tried.spares(&facts.commands, &one.command()) => {
                note!("    it names no test, so a result could not be told from what fails already: required = false");
                note!("    when it passes, take that away and say yes to it: pit trust");
            }
            Worth::Nameless => {
                note!("    nothing else is checked, so it stays required: mend it, or results are hardly verified")
            }
            Worth::Nothing => {
                note!("    it cannot be run here, so it does not count: its line is a comment");
                note!("    when it can, take the # away and say yes to it: pit trust");
            }
        }
    }
}

impl One {
    fn command(&self) -> Command {
        (self.check.run.clone(), self.check.dir.as_ref().map(ToString::to_string))
    }

    fn worth(&self) -> Worth {
        let found = &self.found;
        let named = found.counts().is_some_and(|counts| counts.failed > 0);
        match found.ending() {
            Some(ending) if ending.lacks_its_program() => Worth::Nothing,
            Some(ending) if ending.has_run() && found.kind() == Kind::Red && !named => Worth::Nameless,
            _ => Worth::Counts,
        }
    }

    /// Where it may say that a program is not there.
    fn said(&self) -> Vec<String> {
        let program = self.check.run.first().filter(|_| matches!(self.found.ending(), Some(Ending::NotStarted(_))));
        program.map(|program| format!("{program}: command not found")).into_iter().chain([self.tail.clone()]).collect()
    }
}

/// The last lines of an output, which is a stranger's.
fn tail(said: &str) {
    let lines: Vec<&str> = said.lines().filter(|line| !line.trim().is_empty()).collect();
    lines.iter().skip(lines.len().saturating_sub(TAIL)).for_each(|text| note!("    | {}", line(text, 120)));
}

fn brief(commit: Oid) -> String {
    commit.to_string().chars().take(7).collect()
}

/// The commit that is tried, and the commands as a run would have them.
fn settled(repo: &Repo) -> Result<(Oid, Commands), Failure> {
    let settled = setting::settle(repo, &Flags::default())?;
    Ok((repo.head()?.commit, settled.commands()))
}

/// What a check came to, in a few words.
fn came_to(check: &CheckVerdict) -> String {
    match (check.counts(), check.ending()) {
        (Some(counts), Some(Ending::Exit(0)) | None) if counts.failed == 0 => format!("{} pass", counts.passed),
        (Some(counts), Some(Ending::Exit(code))) if counts.failed == 0 => {
            format!("{} pass, and it fails with exit {code}", counts.passed)
        }
        (Some(counts), _) => format!("{} of {} pass", counts.passed, counts.passed + counts.failed),
        (None, Some(Ending::Exit(0))) => "passes".to_owned(),
        (None, Some(Ending::Exit(code))) => format!("fails with exit {code}"),
        (None, Some(Ending::TimedOut)) => "takes too long".to_owned(),
        (None, Some(Ending::Misconfigured(why))) => format!("cannot be run: {}", clean(why)),
        (None, Some(Ending::Skipped(why))) => format!("was not run: {}", brief_of(why)),
        (None, Some(Ending::NotStarted(why))) => format!("does not start: {}", brief_of(why)),
        _ => "fails".to_owned(),
    }
}

/// The first line of a reason, without what a person has no use for: where was looked for a program, and the whole command of
/// set-up, which is a line of the file.
fn brief_of(why: &str) -> String {
    let first = why.lines().next().unwrap_or_default().trim_end_matches([':', ';']);
    let first = first.split_once(", so no command was run").map_or(first, |(first, _)| first);
    match first.split_once(" is not in /") {
        Some((program, _)) => format!("{} is not there", clean(program)),
        None => clean(first).into_owned(),
    }
}
