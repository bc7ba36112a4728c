//! The person's checks on a tree: run by the host, in a clean place, over what the host itself has built of the base.
//!
//! Nothing that an agent or its commands left behind is below a check: its files are the tree's, written anew over the
//! base's checkout, and what starts warm was made by the host's own run on the base. The base is judged once for a
//! configuration, and what it came to is kept beside the journal.

#![expect(clippy::disallowed_methods, reason = "keeps logs, and what the base came to, in pit's own folder")]

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::{fmt, fs};

use orchestra_pit_core::call::exec::{Judged, Value};
use orchestra_pit_core::call::{self, Answer, Error, ErrorKind, Site};
use orchestra_pit_core::check::report::{self, Report};
use orchestra_pit_core::check::verdict::{Base, Ending, Kind, Level, Ran, Runs, gist};
use orchestra_pit_core::commands::{Check, Commands};
use orchestra_pit_core::id::{Hash, Oid, RunId};
use orchestra_pit_core::pattern::PathSet;
use orchestra_pit_core::policy::Scope;
use orchestra_pit_core::secret::Secrets;
use orchestra_pit_sandbox as sandbox;

use super::around::{Around, Start};
use super::beside::beside;
use super::boxed::{self, Boxed, How, Watch, Watched, tail};
use super::checkout::Stack;
use super::folder::unique;
use super::git::{self, At, Withheld};
use super::hidden::Hidden;
use super::import::{Take, import};
use super::inside::{self, Home, Told};
use super::layer::{Layer, Upper};
use super::reports::{self, Ground};
use super::run::blocking;
use super::services::Seen;
use super::sweep::{self, CHECK};
use super::{Exec, Machine, runs};
use crate::effect::store::{Object, Repo, lock};
use prove::Trying;
use said::{TAIL, blame_inputs, concluded, name_withheld};

mod prove;
mod said;

/// Another number where what is kept of a base means something else: how its output is compared, for one.
const KEPT: u32 = 8;

/// A tree that is to be judged, and what it is compared with.
#[derive(Clone, Debug)]
pub struct Case {
    /// The tree; its objects are in the repository or in the store.
    pub tree: Oid,
    /// The tree it was made from.
    pub base: Oid,
    /// A commit for `.git` to stand at.
    pub commit: Oid,
    /// Which checks.
    pub level: String,
    /// What the agent that asks may read, if something is withheld from it: a check that it may have written itself sees no more
    /// than its commands do.
    pub within: Option<Arc<PathSet>>,
}

/// The files of a judgement, laid out for one check after the other.
struct Place {
    machine: Machine,
    layer: Layer,
    stack: Stack,
    commit: Oid,
    tree: Oid,
    /// What may be read, if not everything, and what is covered for that.
    within: Option<Arc<PathSet>>,
    hidden: Hidden,
    serving: Serving,
}

/// By which a place's services are known. Dropped, they are gone.
struct Serving(Exec, RunId);

impl Drop for Serving {
    fn drop(&mut self) {
        self.0.unserve(self.1);
    }
}

/// Which tree checks are run on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum On {
    /// What the work was made from.
    Base,
    /// The work.
    Result,
    /// The work's tests on what it was made from.
    Tests,
}

impl fmt::Display for On {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Base => "the base",
            Self::Result => "the result",
            Self::Tests => "the base with the new tests",
        })
    }
}

/// One check that was run, with its output.
struct Outcome {
    ran: Ran,
    output: String,
}

impl Exec {
    /// Has the checks of a level run on a workspace as it is.
    pub(super) async fn check(
        &self,
        site: &Site,
        level: &str,
        scope: &Scope,
        commands: Arc<Commands>,
        watch: Watch<'_>,
    ) -> Answer {
        let (exec, run, level, read) = (self.clone(), site.run, level.to_owned(), scope.read.clone());
        let case = blocking(move || {
            let state = exec.workspaces.state(run)?;
            let mut state = lock(&state);
            let repo = exec.workspaces.repo();
            let built = state.built(repo)?;
            let (base, commit) = (state.base_tree(), state.head());
            // Kept, so that the tree can be judged like any other, and looked at later.
            let blobs = state.new_blobs(repo)?;
            let trees = built.new.values().map(|tree| object(git2::ObjectType::Tree, tree));
            let objects: Vec<Object<'_>> =
                trees.chain(blobs.iter().map(|blob| object(git2::ObjectType::Blob, blob))).collect();
            if !objects.is_empty() {
                repo.stow(&objects)?;
            }
            drop(objects);
            let mut hidden = Hidden::default();
            hidden.follow(&**repo, base, built.root, &read)?;
            let within = (!hidden.is_empty()).then_some(read);
            Ok((Case { tree: built.root, base, commit, level, within }, hidden.names()))
        });
        let (case, withheld) = case.await?;
        let mut judged = self.judge_from(self.start_of(site.tree)?, case, false, commands, watch).await?;
        name_withheld(&mut judged, &site.agent_name, &withheld);
        Ok(call::Value::Exec(Value::Verdict(Box::new(judged))))
    }

    /// Judges a tree.
    ///
    /// # Errors
    /// `not-found` if there are no checks of the level; `unsupported` if the walls are not to be had.
    pub async fn judge(&self, case: Case, commands: Arc<Commands>, watch: Watch<'_>) -> Result<Judged, Error> {
        // The base of a whole result is a commit of the person's; which one, its tree does not say.
        let start = Start { tree: case.base, commit: None };
        self.judge_from(start, case, true, commands, watch).await
    }

    /// The same for something on the way: set-up is for what the tree of runs was started from. `by_itself` is a base judged to know
    /// what it comes to; an agent that has changed nothing has broken nothing, and its check is compared with the base it is.
    async fn judge_from(
        &self,
        start: Start,
        case: Case,
        by_itself: bool,
        commands: Arc<Commands>,
        watch: Watch<'_>,
    ) -> Result<Judged, Error> {
        let checks = commands.checks.get(&case.level).filter(|checks| !checks.is_empty()).cloned();
        let checks = Arc::new(checks.ok_or_else(|| {
            Error::new(ErrorKind::NotFound, format!("there are no checks of the level `{}`", case.level))
                .hint("a person writes them into pit.toml: `pit init` proposes some")
        })?);
        let around = match self.around(start, commands, watch).await {
            Ok(around) => Arc::new(around),
            Err(error) if error.kind == ErrorKind::Unsupported => return Err(error),
            Err(error) => return Ok(self.none_could_run(&case, &checks, &error)),
        };
        // One after the other: they share the machine, and often the base.
        let _turn = self.inner.judging.lock().await;
        let before = self.base(&case, &checks, &around, watch).await?;
        let (runs, outputs) = if case.tree == case.base {
            (before.clone(), Vec::new())
        } else {
            let outcomes = self.run_all(&case, case.tree, &checks, &around, watch, On::Result).await?;
            outcomes.into_iter().map(split).unzip()
        };
        let base = (case.tree != case.base || !by_itself).then_some(Base { tree: case.base, runs: &before });
        let mut judged = concluded(&case, &checks, &runs, &outputs, base);
        if judged.verdict.kind() == Kind::Red {
            let (exec, around, at) = (self.clone(), around.clone(), case.clone());
            let altered = blocking(move || exec.altered(&around.commands, start.tree, at.tree)).await?;
            blame_inputs(&mut judged, &altered);
        }
        if case.level == Level::Full.name() && case.tree != case.base && judged.verdict.kind() != Kind::Red {
            let (case, checks, around) = (&case, &checks, &around);
            judged.proof = self.prove(&Trying { case, checks, around, with: &runs, before: &before, watch }).await?;
        }
        Ok(judged)
    }

    /// Of checks that have nothing to run on, as where set-up fails: a required one that was not run is red, and says why.
    fn none_could_run(&self, case: &Case, checks: &[Check], error: &Error) -> Judged {
        let outcomes = checks.iter().map(|check| (self.skipped(check, &error.message), None));
        let (runs, mut outputs): (Vec<Runs>, Vec<String>) = outcomes.map(split).unzip();
        if let Some(hint) = &error.hint {
            outputs.iter_mut().for_each(|output| output.push_str(&format!("\n({hint})")));
        }
        concluded(case, checks, &runs, &outputs, None)
    }

    /// A check that was not run: the first line says why, the others are in the place of its output.
    fn skipped(&self, check: &Check, why: &str) -> Outcome {
        let (first, rest) = why.split_once('\n').unwrap_or((why, ""));
        let (ending, report) =
            (Ending::Skipped(first.trim_end_matches([':', ';']).to_owned()), report::read(&check.run, rest));
        self.came_to(check, ending, 0, rest.to_owned(), report)
    }

    /// What the base came to: once for a tree and a configuration.
    async fn base(
        &self,
        case: &Case,
        checks: &Arc<Vec<Check>>,
        around: &Arc<Around>,
        watch: Watch<'_>,
    ) -> Result<Vec<Runs>, Error> {
        let kept = self.kept(case.base, checks, around, case.within.as_deref());
        // What it came to may be known for longer than what was built of it is kept. Of a part of it nothing is kept.
        let is_warm = case.within.is_some() || self.is_warm(case.base, around)?;
        if let Some(runs) =
            fs::read(&kept).ok().filter(|_| is_warm).and_then(|bytes| serde_json::from_slice(&bytes).ok())
        {
            return Ok(runs);
        }
        let outcomes = self.run_all(case, case.base, checks, around, watch, On::Base).await?;
        let runs: Vec<Runs> = outcomes.into_iter().map(|outcome| split(outcome).0).collect();
        // What could not be run says nothing about the tree.
        if runs.iter().all(|runs| runs.first.ending.has_run())
            && let Ok(text) = serde_json::to_vec(&runs)
        {
            // Kept to save time alone: whoever cannot keep it runs it again.
            let _ = keep(&kept, &text);
        }
        Ok(runs)
    }

    fn is_warm(&self, base: Oid, around: &Around) -> Result<bool, Error> {
        let checkouts = self.checkouts(&self.machine()?)?;
        Ok(checkouts.is_warm(base, &around.commands.warm, around.setup.as_deref()))
    }

    /// Where it is kept what a base came to.
    pub(super) fn kept(&self, tree: Oid, checks: &[Check], around: &Around, within: Option<&PathSet>) -> PathBuf {
        let setup = around.setup.as_ref().map(|setup| setup.id());
        // All that checks see besides the tree: what failed for want of a tool may pass with it.
        let Commands { services, warm, tools, .. } = &*around.commands;
        let seen = (services, warm, tools, around.included.digest());
        let config = Hash::of(&call::canonical(&(KEPT, checks, setup, seen, within))).to_string();
        self.workspaces.repo().state().join("checks").join(format!("{tree}-{}.json", &config[..16]))
    }

    /// Runs every check on a tree: what fails once more. What the base leaves starts warm for those that follow.
    async fn run_all(
        &self,
        case: &Case,
        tree: Oid,
        checks: &Arc<Vec<Check>>,
        around: &Arc<Around>,
        watch: Watch<'_>,
        on: On,
    ) -> Result<Vec<(Outcome, Option<Outcome>)>, Error> {
        let (exec, of) = (self.clone(), case.clone());
        let mut place = blocking(move || exec.place(&of, tree)).await?;
        let mut outcomes = Vec::new();
        for check in checks.iter() {
            watch(Watched::Begins(&check.run, &format!("check {:?} on {on}", check.name)));
            let (first, back) = self.run_one(place, check, around, watch).await?;
            place = back;
            let again = if first.ran.ending.has_run() && first.ran.ending != Ending::Exit(0) {
                watch(Watched::Begins(&check.run, &format!("check {:?} on {on}, once more", check.name)));
                let (again, back) = self.run_one(place, check, around, watch).await?;
                place = back;
                Some(again)
            } else {
                None
            };
            outcomes.push((first, again));
        }
        let (exec, told) = (self.clone(), around.clone());
        // What was built without some of the files is not what all of them would have been built to.
        let adopt = on == On::Base && case.within.is_none();
        blocking(move || exec.clear(place, &told, adopt)).await?;
        Ok(outcomes)
    }

    /// Lays a tree out over the checkout of its base.
    fn place(&self, case: &Case, tree: Oid) -> Result<Place, Error> {
        let machine = self.machine()?;
        let (checkouts, repo) = (self.checkouts(&machine)?, self.workspaces.repo());
        let stack = checkouts.of(&**repo, case.base)?;
        let at = runs(&machine.cache).join(format!("{CHECK}{}", unique()));
        let mut layer = Layer::open(&at, case.base, checkouts.owner())?;
        layer.follow(&**repo, tree)?;
        let (within, mut hidden) = (case.within.clone(), Hidden::default());
        if let Some(read) = &within {
            hidden.follow(&**repo, case.base, tree, read)?;
        }
        let mut services = RunId([0; 16]);
        services.0.copy_from_slice(&Hash::of(at.as_os_str().as_encoded_bytes()).0[..16]);
        let (commit, serving) = (case.commit, Serving(self.clone(), services));
        Ok(Place { machine, layer, stack, commit, tree, within, hidden, serving })
    }

    /// Takes a place away, its warm folders for the base's where they are to be.
    fn clear(&self, place: Place, around: &Around, adopt: bool) -> Result<(), Error> {
        if adopt {
            let checkouts = self.checkouts(&place.machine)?;
            let warmed = checkouts.warm(&place.stack, &place.layer, &around.commands.warm, around.setup.as_deref())?;
            checkouts.adopt(&place.stack, &place.layer, &warmed)?;
        }
        let at = place.layer.place().to_owned();
        drop(place);
        beside(move || sweep::remove(&at));
        Ok(())
    }

    async fn run_one(
        &self,
        place: Place,
        check: &Check,
        around: &Arc<Around>,
        watch: Watch<'_>,
    ) -> Result<(Outcome, Place), Error> {
        let _slot = self.slot().await;
        let (exec, wanted, told) = (self.clone(), check.clone(), around.clone());
        let (place, prepared) = blocking(move || {
            let mut place = place;
            let prepared = exec.prepare(&mut place, &wanted, &told)?;
            Ok((place, prepared))
        })
        .await?;
        let (spec, upper) = match prepared {
            Ok(prepared) => prepared,
            // Without what the person says it needs, a check has checked nothing.
            Err(why) => return Ok((self.skipped(check, &why), place)),
        };
        let (program, included) = (place.machine.program.clone(), around.included.clone());
        let how = How { program, included, in_order: true, ..How::default() };
        let boxed = boxed::run(how, spec, watch).await;
        let (exec, check, around) = (self.clone(), check.clone(), around.clone());
        blocking(move || {
            let repo = exec.workspaces.repo();
            let ground = Ground {
                upper: &upper.upper,
                layer: &place.layer,
                source: &**repo,
                tree: place.tree,
                secrets: around.included.secrets(),
            };
            let tools = &around.commands.tools;
            let outcome = exec.outcome(&check, tools, boxed, &|output| reports::read(&check, output, &ground))?;
            // What git ignores is there for the next check; nothing else of it is.
            let (head, secrets) = (place.tree, Secrets::default());
            let take = Take { head, warm: &around.commands.warm, secrets: &secrets, may_write: &|_| false };
            import(&upper.upper, &place.layer, &**repo, place.tree, take)?;
            place.layer.end(&upper)?;
            Ok((outcome, place))
        })
        .await
    }

    fn prepare(
        &self,
        place: &mut Place,
        check: &Check,
        around: &Around,
    ) -> Result<Result<(sandbox::Spec, Upper), String>, Error> {
        let (checkouts, repo) = (self.checkouts(&place.machine)?, self.workspaces.repo());
        let warm = checkouts.warm(&place.stack, &place.layer, &around.commands.warm, around.setup.as_deref())?;
        let at = At { commit: place.commit, branch: "", base: None };
        let withheld = place.within.as_deref().map(|read| Withheld { read, cache: &place.machine.cache });
        let view = git::view_without(repo, &**repo, &place.stack, &place.layer, &at, withheld)?;
        let served = self.serve(place.serving.1, around, &place.machine, place.stack.tree, |own, stack| {
            own.follow(&**repo, place.tree)?;
            let git = git::view_without(repo, &**repo, stack, own, &at, withheld)?;
            let mut hidden = Hidden::default();
            if let Some(read) = &place.within {
                hidden.follow(&**repo, place.stack.tree, place.tree, read)?;
            }
            Ok(Seen { git, covering: hidden.layer(own.place())? })
        });
        let served = match served {
            Ok(served) => served,
            Err(error) if error.kind == ErrorKind::Unsupported => return Err(error),
            Err(error) => return Ok(Err(error.message)),
        };
        let upper = place.layer.begin()?;
        let seen = self.seen_at();
        let covering = place.hidden.layer(place.layer.place())?;
        let own = covering.into_iter().chain(place.layer.lowers(&place.stack));
        let lowers = own.chain(around.below(&warm)).collect();
        let files = inside::Files { at: &seen, lowers, upper: &upper, git: Some(&view), home: Home::Own };
        let own = check.env.iter().map(|(name, value)| (name.clone(), value.clone()));
        let env = served.env.into_iter().chain(own).collect();
        let (argv, dir) = (&check.run[..], check.dir.as_ref());
        let told = Told { argv, dir, env, timeout: check.timeout, network: served.network };
        Ok(Ok((inside::spec(&files, told, around, place.machine.home.as_ref()), upper)))
    }

    /// What a check came to, its output kept as a log. `read` is asked what it says of its tests.
    fn outcome(
        &self,
        check: &Check,
        tools: &[String],
        boxed: Result<Boxed, sandbox::Error>,
        read: &dyn Fn(&str) -> Result<Report, Error>,
    ) -> Result<Outcome, Error> {
        let mut cut = false;
        let (ending, micros, output) = match boxed {
            Ok(boxed) => {
                cut = boxed.both.is_cut();
                let mut output = boxed.both.text();
                if matches!(&boxed.report, Some(report) if matches!(report.ended, sandbox::Ended::Exit(1..))) {
                    self.explain(&mut output, tools);
                }
                match &boxed.report {
                    None => (Ending::Signal(9), 0, format!("{output}\nended: more output than anybody reads\n")),
                    Some(report) => {
                        let ending = match report.ended {
                            sandbox::Ended::Exit(code) => Ending::Exit(code),
                            sandbox::Ended::Signal(signal) => Ending::Signal(signal),
                            sandbox::Ended::Over(sandbox::Limit::Wall) => Ending::TimedOut,
                            sandbox::Ended::Over(_) => Ending::Signal(9),
                        };
                        (ending, report.wall_us, output)
                    }
                }
            }
            Err(sandbox::Error::Failed(failed)) if boxed::is_missing(&failed) => {
                let hint = self.hint(&check.run, tools).map(|hint| format!("; {hint}")).unwrap_or_default();
                (Ending::NotStarted(format!("{}{hint}", failed.reason)), 0, String::new())
            }
            // The walls are there, and a folder that `pit.toml` names is not.
            Err(sandbox::Error::Failed(failed)) if boxed::is_misplaced(&failed) => {
                (Ending::Misconfigured(failed.to_string()), 0, String::new())
            }
            Err(sandbox::Error::Failed(failed)) => {
                return Err(Error::new(ErrorKind::Unsupported, failed.to_string())
                    .hint("`pit doctor` says which walls this machine gives"));
            }
            Err(other) => return Err(Error::new(ErrorKind::Unavailable, other.to_string())),
        };
        let report = read(&output)?;
        let mut outcome = self.came_to(check, ending, micros, output, report);
        if cut {
            // What is not there may be what differs.
            outcome.ran.gist = Hash::NONE;
        }
        Ok(outcome)
    }

    fn came_to(&self, check: &Check, ending: Ending, micros: u64, output: String, report: Report) -> Outcome {
        let log = Hash::of(output.as_bytes());
        // A log that cannot be kept is no reason for another verdict.
        let _ = keep(&self.log(log), output.as_bytes());
        let nothing = match (&ending, report.tests()) {
            (Ending::Exit(0), None) => report::nothing(&output),
            (Ending::Exit(_), None) => report::nothing(&output).or_else(|| report::absent(&output)),
            _ => None,
        };
        let ending = nothing.map_or(ending, |said| Ending::Misconfigured(said.to_owned()));
        let (name, argv) = (check.name.clone(), check.run.clone());
        let gist = gist(&output);
        Outcome { ran: Ran { name, argv, ending, micros, log, gist, report }, output }
    }

    /// The last lines of a check's output, which are none where it could not be kept.
    pub fn last_lines(&self, log: Hash) -> String {
        let output = fs::read(self.log(log)).unwrap_or_default();
        tail(&String::from_utf8_lossy(&output), TAIL)
    }

    /// Where the output of a check is kept.
    pub fn log(&self, log: Hash) -> PathBuf {
        log_of(self.workspaces.repo(), log)
    }
}

/// Where the output of a check is kept in a repository.
pub fn log_of(repo: &Repo, log: Hash) -> PathBuf {
    repo.state().join("checks").join(format!("{}.log", &log.to_string()[..16]))
}

fn object(kind: git2::ObjectType, bytes: &Arc<[u8]>) -> Object<'_> {
    Object { kind, bytes: (&**bytes).into() }
}

fn split((first, again): (Outcome, Option<Outcome>)) -> (Runs, String) {
    (Runs { first: first.ran, again: again.map(|again| again.ran) }, first.output)
}

/// Writes a file of pit's own whole, for this user alone.
fn keep(path: &std::path::Path, bytes: &[u8]) -> std::io::Result<()> {
    if path.exists() {
        return Ok(());
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let aside = path.with_extension(unique());
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&aside)?;
    file.write_all(bytes)?;
    fs::rename(aside, path)
}
