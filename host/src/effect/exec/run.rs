//! One command of an agent: its files are laid out, it runs, and what it changed is taken over.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use orchestra_pit_core::call::exec::{Command, Ended, Ran, Stream as Shown, Value};
use orchestra_pit_core::call::{self, Answer, Error, ErrorKind, Site};
use orchestra_pit_core::commands::Commands;
use orchestra_pit_core::id::Oid;
use orchestra_pit_core::path::RepoPath;
use orchestra_pit_core::policy::Scope;
use orchestra_pit_sandbox::{self as sandbox, Limit, Spec};

use super::around::Around;
use super::boxed::{self, Boxed, How};
use super::caches::Warmed;
use super::checkout::Stack;
use super::git::{self, At, View, Withheld};
use super::hidden::Hidden;
use super::import::{Imported, Take, import};
use super::inside::{self, Home, Told};
use super::layer::{Layer, Upper};
use super::services::Seen;
use super::source;
use super::{Exec, Machine, explain};
use crate::effect::store::lock;

/// Milliseconds that a command may take if nobody says otherwise.
const TIMEOUT_MS: u64 = 600_000;
/// Bytes of each stream that are answered if nobody says otherwise.
const LIMIT: u32 = 32 << 10;
/// Names of what was left out that are recorded.
const LEFT_OUT: usize = 100;

/// What a run's commands work on, between one and the next.
#[derive(Debug)]
pub(super) struct Ground {
    layer: Layer,
    hidden: Hidden,
}

impl Ground {
    /// Of a layer, before the first command.
    pub(super) fn new(layer: Layer) -> Self {
        Self { layer, hidden: Hidden::default() }
    }
}

/// The files of one command, laid out.
struct Laid {
    before: Oid,
    stack: Stack,
    lowers: Vec<PathBuf>,
    upper: Upper,
    _warm: Warmed,
    git: View,
    notes: Vec<String>,
    around: Around,
}

impl Exec {
    /// Runs a command for an agent.
    pub(super) async fn command(
        &self,
        site: &Site,
        command: &Command,
        scope: &Scope,
        commands: Arc<Commands>,
        watch: boxed::Watch<'_>,
    ) -> Answer {
        let machine = self.machine()?;
        let around = self.around(self.start_of(site.tree)?, commands, watch).await?;
        let _slot = self.slot().await;
        let (command, scope, program) = (command.clone(), scope.clone(), machine.program.clone());
        let (exec, at, told, within) = (self.clone(), site.clone(), command.clone(), scope.clone());
        let (ground, laid, spec) = blocking(move || exec.lay_out(&machine, &at, &told, &within, &around)).await?;
        let limit = if command.limit == 0 { LIMIT } else { command.limit };
        let most = usize::try_from(limit).unwrap_or(usize::MAX);
        watch(boxed::Watched::Begins(&command.argv, ""));
        let ran = boxed::run(
            How {
                program,
                stdin: command.stdin.to_vec(),
                most,
                included: laid.around.included.clone(),
                in_order: false,
            },
            spec,
            watch,
        )
        .await;
        let (exec, at) = (self.clone(), site.clone());
        blocking(move || exec.take_over(&at, &ground, laid, ran, &command, &scope)).await
    }

    fn lay_out(
        &self,
        machine: &Machine,
        site: &Site,
        command: &Command,
        scope: &Scope,
        around: &Around,
    ) -> Result<(Arc<Mutex<Ground>>, Laid, Spec), Error> {
        let repo = self.workspaces.repo();
        let checkouts = self.checkouts(machine)?;
        let (base, head) = {
            let state = self.workspaces.state(site.run)?;
            let state = lock(&state);
            (state.base_tree(), state.head())
        };
        let stack = checkouts.of(&**repo, base)?;
        let ground = self.ground(machine, site.run, base, checkouts.owner())?;
        let at = At { commit: head, branch: &site.branch, base: None };
        let git_of = |files: &source::Files<'_>, stack: &Stack, layer: &Layer, hidden: &Hidden| {
            // What is covered in the files must not be read from the objects.
            let withheld = (!hidden.is_empty()).then_some(Withheld { read: &scope.read, cache: &machine.cache });
            git::view_without(repo, files, stack, layer, &at, withheld)
        };
        let mut held = lock(&ground);
        let Ground { layer, hidden } = &mut *held;
        let (before, git) = self.workspaces.files(site.run, |files, tree| {
            layer.follow(files, tree)?;
            hidden.follow(files, base, tree, &scope.read)?;
            Ok((tree, git_of(files, &stack, layer, hidden)?))
        })?;
        let served = self.serve(site.run, around, machine, base, |own, stack| {
            self.workspaces.files(site.run, |files, tree| {
                let mut hidden = Hidden::default();
                own.follow(files, tree)?;
                hidden.follow(files, base, tree, &scope.read)?;
                let git = git_of(files, stack, own, &hidden)?;
                Ok(Seen { git, covering: hidden.layer(own.place())? })
            })
        })?;
        let covering = hidden.layer(layer.place())?;
        let warm = checkouts.warm(&stack, layer, &around.commands.warm, around.setup.as_deref())?;
        let lowers = covering.into_iter().chain(layer.lowers(&stack)).chain(around.below(&warm)).collect();
        let (upper, notes) = (layer.begin()?, served.notes);
        let laid = Laid { before, stack, lowers, upper, _warm: warm, git, notes, around: around.clone() };
        let told = Told {
            argv: &command.argv,
            dir: command.dir.as_ref(),
            env: served.env.into_iter().chain(command.env.iter().cloned()).collect(),
            timeout: command.timeout_ms.unwrap_or(TIMEOUT_MS).saturating_mul(1000),
            network: served.network,
        };
        let at = self.seen_at();
        let files = inside::Files {
            at: &at,
            lowers: laid.lowers.clone(),
            upper: &laid.upper,
            git: Some(&laid.git),
            home: Home::Own,
        };
        let spec = inside::spec(&files, told, around, machine.home.as_ref());
        drop(held);
        Ok((ground, laid, spec))
    }

    fn take_over(
        &self,
        site: &Site,
        ground: &Mutex<Ground>,
        laid: Laid,
        ran: Result<Boxed, sandbox::Error>,
        command: &Command,
        scope: &Scope,
    ) -> Answer {
        let held = lock(ground);
        let taken = ran.map_err(|error| self.not_run(&error, &command.argv)).and_then(|boxed| {
            let repo = self.workspaces.repo();
            let free = |path: &RepoPath| self.workspaces.is_free(site, path);
            let may_write = |path: &RepoPath| scope.write.has(path) && scope.read.has(path) && free(path);
            let Around { commands, included, .. } = &laid.around;
            let head = repo.tree_of(lock(&*self.workspaces.state(site.run)?).head())?;
            let take = Take { head, warm: &commands.warm, secrets: included.secrets(), may_write: &may_write };
            let imported = self
                .workspaces
                .files(site.run, |files, _| import(&laid.upper.upper, &held.layer, files, laid.before, take));
            let Imported { changes, contents, left_out, more, .. } = imported?;
            let state = self.workspaces.state(site.run)?;
            let mut state = lock(&state);
            state.take_over(repo, &changes, &contents)?;
            let tree = state.built(repo)?.root;
            let mut left_out: Vec<(String, String)> =
                left_out.into_iter().take(LEFT_OUT).map(|(path, why)| (path, why.to_string())).collect();
            if more > 0 {
                left_out.push((String::new(), format!("and {more} more")));
            }
            left_out.extend(laid.notes.iter().map(|note| ("(services)".to_owned(), note.clone())));
            let (ended, time, memory) = ended(&boxed);
            let (out, err) = self.explained(&boxed, &ended, &laid, &command.argv);
            Ok(Ran { ended, out, err, time, memory, tree, changes, left_out })
        });
        held.layer.end(&laid.upper)?;
        drop(laid);
        Ok(call::Value::Exec(Value::Ran(Box::new(taken?))))
    }

    /// Both streams of a command, with what pit has to say of them.
    fn explained(&self, boxed: &Boxed, ended: &Ended, laid: &Laid, argv: &[String]) -> (Shown, Shown) {
        let (mut out, mut err) = (boxed.out.shown(), boxed.err.shown());
        let Ended::Exited(code) = ended else { return (out, err) };
        // In a pipe it is the last program's code that counts, and often both streams are in one.
        for said in [&mut err, &mut out] {
            self.explain(explain::end(said), &laid.around.commands.tools);
        }
        if *code != 0 || argv.iter().any(|word| word.contains('|')) {
            let before = self.failed_before(laid.stack.tree, &laid.around, argv, &boxed.both.text());
            before.into_iter().for_each(|before| explain::add(explain::end(&mut err), &before));
        }
        (out, err)
    }

    /// Why a command has no end.
    pub(super) fn not_run(&self, error: &sandbox::Error, argv: &[String]) -> Error {
        match error {
            sandbox::Error::Failed(failed) if boxed::is_missing(failed) => {
                let error = Error::new(ErrorKind::NotFound, failed.reason.clone());
                match self.hint(argv, &[]) {
                    Some(hint) => error.hint(hint),
                    None => error,
                }
            }
            sandbox::Error::Failed(failed) if failed.stage == "its working directory" => {
                Error::new(ErrorKind::NotFound, format!("there is no folder to start in: {}", failed.reason))
            }
            sandbox::Error::Failed(failed) => Error::new(ErrorKind::Unsupported, failed.to_string())
                .hint("`pit doctor` says which walls this machine gives"),
            other => Error::new(ErrorKind::Unavailable, other.to_string()),
        }
    }
}

/// How a command came to its end, with microseconds and bytes.
pub(super) fn ended(boxed: &Boxed) -> (Ended, u64, u64) {
    let Some(report) = &boxed.report else { return (Ended::OverLimit("output".to_owned()), 0, 0) };
    let ended = match report.ended {
        sandbox::Ended::Exit(code) => Ended::Exited(code),
        sandbox::Ended::Signal(signal) => Ended::Signalled(signal_name(signal)),
        sandbox::Ended::Over(Limit::Wall) => Ended::TimedOut,
        sandbox::Ended::Over(Limit::Cpu) => Ended::OverLimit("cpu".to_owned()),
        sandbox::Ended::Over(Limit::Memory) => Ended::OverLimit("memory".to_owned()),
        sandbox::Ended::Over(Limit::Processes) => Ended::OverLimit("processes".to_owned()),
    };
    (ended, report.wall_us, report.peak_memory)
}

fn signal_name(signal: i32) -> String {
    const NAMES: &[(i32, &str)] = &[
        (1, "SIGHUP"),
        (2, "SIGINT"),
        (3, "SIGQUIT"),
        (4, "SIGILL"),
        (5, "SIGTRAP"),
        (6, "SIGABRT"),
        (7, "SIGBUS"),
        (8, "SIGFPE"),
        (9, "SIGKILL"),
        (11, "SIGSEGV"),
        (13, "SIGPIPE"),
        (14, "SIGALRM"),
        (15, "SIGTERM"),
        (24, "SIGXCPU"),
        (25, "SIGXFSZ"),
        (31, "SIGSYS"),
    ];
    NAMES
        .iter()
        .find(|(number, _)| *number == signal)
        .map_or_else(|| format!("SIG{signal}"), |(_, name)| (*name).to_owned())
}

/// Away from the threads that guests run on.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let gone = |_| Err(Error::new(ErrorKind::Unavailable, "the host could not lay the files of a command out"));
    tokio::task::spawn_blocking(work).await.unwrap_or_else(gone)
}
