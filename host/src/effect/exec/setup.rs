//! Set-up: commands of the person's that run once for what they are made from, before any agent's command.
//!
//! They run in the sandbox on the files that the tree of runs was started from, never on what an agent committed, and the
//! network is theirs where `pit.toml` says so. What they leave in ignored files, in folders that start warm and in their
//! home is kept by a key of the commands and of the contents of their inputs, and is a layer below every command that has
//! the same key. Nobody writes to it again: commands have uppers of their own over it.
//!
//! One process makes it and others wait; half of it is never used. pit takes the person at their word that nothing but
//! the inputs matters.

#![expect(clippy::disallowed_methods, reason = "what set-up leaves lies in a folder of pit's own")]

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use orchestra_pit_core::call::{self, Error, ErrorKind};
use orchestra_pit_core::commands::{Commands, Setup};
use orchestra_pit_core::id::{Hash, Oid};
use orchestra_pit_core::path::RepoPath;
use orchestra_pit_core::secret::Secrets;
use orchestra_pit_sandbox::{self as sandbox, Mount, Network, Spec};

use super::around::{Around, Start};
use super::beside::beside;
use super::boxed::{self, Boxed, How, Watch};
use super::caches::{self, Warmed};
use super::checkout::{Stack, failed, same};
use super::folder::{Folder, unique};
use super::git::{self, At};
use super::import::{Take, import};
use super::included::Included;
use super::inside::{self, Home, Told};
use super::layer::{Layer, Upper};
use super::run::{blocking, ended};
use super::source::find;
use super::sweep::{self, CHECK};
use super::{Exec, Machine, runs};

/// Part of the key: another number where what is kept is laid out in another way.
const FORMAT: &str = "pit set-up 3";

/// Lines of a failed command's output that are shown, and their bytes.
const TAIL: (usize, usize) = (20, 4 << 10);

/// What set-up left. It is not removed while this lives.
#[derive(Debug)]
pub struct SetUp {
    id: String,
    place: PathBuf,
    _lock: File,
}

impl SetUp {
    /// What tells it from other set-up.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// Files that git ignores, and folders that start warm.
    pub(super) fn ignored(&self) -> PathBuf {
        self.place.join("ignored")
    }

    /// A home: caches of packages, for the most part.
    pub(super) fn home(&self) -> PathBuf {
        self.place.join("home")
    }

    /// What is there under a key, locked.
    fn open(folder: &Path, id: &str) -> io::Result<Option<Arc<Self>>> {
        let place = folder.join(id);
        let at = place.join("lock");
        let lock = match File::options().write(true).open(&at) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other?,
        };
        lock.lock_shared()?;
        if !fs::metadata(&at).is_ok_and(|now| lock.metadata().is_ok_and(|was| same(&was, &now))) {
            return Ok(None);
        }
        // When it was last used, for those who tidy up. That it cannot be said is no reason to fail.
        let _ = lock.set_modified(std::time::SystemTime::now());
        Ok(Some(Arc::new(Self { id: id.to_owned(), place, _lock: lock })))
    }
}

/// The files that set-up works on.
struct Place {
    machine: Machine,
    layer: Layer,
    stack: Stack,
    start: Start,
}

impl Exec {
    /// What the person's set-up left for what a tree of runs was started from, made if it is not there. What failed in
    /// this process is not tried again by it: every command would wait for the same.
    pub(super) async fn set_up(
        &self,
        start: Start,
        commands: &Arc<Commands>,
        included: &Arc<Included>,
        watch: Watch<'_>,
    ) -> Result<Option<Arc<SetUp>>, Error> {
        if commands.setup.is_empty() {
            return Ok(None);
        }
        let (exec, told) = (self.clone(), commands.clone());
        let (folder, id) = blocking(move || exec.setup_key(start, &told)).await?;
        let mut made = self.inner.setups.lock().await;
        if let Some(known) = made.get(&id) {
            return known.clone().map(Some);
        }
        let around = Around { commands: commands.clone(), setup: None, included: included.clone() };
        let done = self.set_up_once(&folder, &id, start, &around, watch).await;
        made.insert(id, done.clone());
        done.map(Some)
    }

    /// Has set-up made of a tree, to see whether it can be. If not, it says which command went wrong, if it was one; it is
    /// `not-found` if that could not be started.
    ///
    /// # Errors
    /// What a command would be told.
    pub async fn try_set_up(&self, tree: Oid, commands: Arc<Commands>) -> Result<(), (Option<Setup>, Error)> {
        let around = self.around(Start { tree, commit: None }, commands.clone(), &|_| {}).await;
        let of = |error: &Error| commands.setup.iter().find(|setup| error.message.starts_with(&begins(setup))).cloned();
        around.map(drop).map_err(|error| (of(&error), error))
    }

    /// Where set-up is kept, and the key of this one.
    fn setup_key(&self, start: Start, commands: &Commands) -> Result<(PathBuf, String), Error> {
        let (machine, repo) = (self.machine()?, self.workspaces.repo());
        let mut inputs = Vec::new();
        for setup in &commands.setup {
            for path in &setup.inputs {
                let found = find(&**repo, start.tree, path.as_bytes())?;
                inputs.push((path.as_str(), found.map(|(mode, id)| format!("{mode:o} {id}"))));
            }
        }
        let commands_as_run: Vec<_> =
            commands.setup.iter().map(|setup| (&setup.run, &setup.dir, setup.network)).collect();
        let all = (FORMAT, self.seen_at(), commands_as_run, inputs, &commands.tools, &commands.warm);
        let id = Hash::of(&call::canonical(&all)).to_string();
        Ok((folder(&machine.cache, repo.common()), id[..32].to_owned()))
    }

    /// The inputs of set-up that are others in a tree than where the work starts: for these it has not run.
    pub(super) fn altered(&self, commands: &Commands, start: Oid, tree: Oid) -> Result<Vec<RepoPath>, Error> {
        let repo = self.workspaces.repo();
        let inputs: BTreeSet<&RepoPath> = commands.setup.iter().flat_map(|setup| &setup.inputs).collect();
        let mut altered = Vec::new();
        for path in inputs {
            if find(&**repo, start, path.as_bytes())? != find(&**repo, tree, path.as_bytes())? {
                altered.push(path.clone());
            }
        }
        Ok(altered)
    }

    async fn set_up_once(
        &self,
        folder: &Path,
        id: &str,
        start: Start,
        around: &Around,
        watch: Watch<'_>,
    ) -> Result<Arc<SetUp>, Error> {
        let (at, name) = (folder.to_owned(), id.to_owned());
        // Another process may be at it: it is waited for.
        let turn = blocking(move || turn(&at, &name).map_err(|error| failed(&at, &error))).await?;
        let (at, name) = (folder.to_owned(), id.to_owned());
        if let Some(there) = blocking(move || SetUp::open(&at, &name).map_err(|error| failed(&at, &error))).await? {
            return Ok(there);
        }
        let exec = self.clone();
        let mut place = blocking(move || exec.setup_place(start)).await?;
        for setup in &around.commands.setup {
            place = self.set_up_one(place, setup, around, watch).await?;
        }
        let (at, name) = (folder.to_owned(), id.to_owned());
        let made = blocking(move || {
            let made = keep(&place, &at, &name);
            let used = place.layer.place().to_owned();
            drop(place);
            beside(move || sweep::remove(&used));
            made
        });
        let made = made.await;
        drop(turn);
        made
    }

    fn setup_place(&self, start: Start) -> Result<Place, Error> {
        let machine = self.machine()?;
        let (checkouts, repo) = (self.checkouts(&machine)?, self.workspaces.repo());
        let stack = checkouts.of(&**repo, start.tree)?;
        let at = runs(&machine.cache).join(format!("{CHECK}{}", unique()));
        let layer = Layer::open(&at, start.tree, checkouts.owner())?;
        let home = Folder::open(&at, checkouts.owner()).and_then(|place| place.make(b"home"));
        home.map_err(|error| failed(&at, &error))?;
        Ok(Place { machine, layer, stack, start })
    }

    async fn set_up_one(&self, place: Place, setup: &Setup, around: &Around, watch: Watch<'_>) -> Result<Place, Error> {
        let _slot = self.slot().await;
        let (exec, wanted, told) = (self.clone(), setup.clone(), around.clone());
        let (place, spec, upper) = blocking(move || {
            let (spec, upper) = exec.setup_spec(&place, &wanted, &told)?;
            Ok((place, spec, upper))
        })
        .await?;
        let (program, included) = (place.machine.program.clone(), around.included.clone());
        watch(boxed::Watched::Begins(&setup.run, "set-up"));
        let boxed = boxed::run(How { program, included, in_order: true, ..How::default() }, spec, watch).await;
        let (exec, setup, told) = (self.clone(), setup.clone(), around.commands.clone());
        blocking(move || {
            let repo = exec.workspaces.repo();
            // Files of the repository are the person's to change: only what git ignores is kept.
            let (head, secrets) = (place.start.tree, Secrets::default());
            let take = Take { head, warm: &told.warm, secrets: &secrets, may_write: &|_| false };
            import(&upper.upper, &place.layer, &**repo, place.start.tree, take)?;
            place.layer.end(&upper)?;
            exec.setup_went_well(&setup, boxed)?;
            Ok(place)
        })
        .await
    }

    fn setup_spec(&self, place: &Place, setup: &Setup, around: &Around) -> Result<(Spec, Upper), Error> {
        let repo = self.workspaces.repo();
        let git = place
            .start
            .commit
            .map(|commit| git::view(repo, &**repo, &place.stack, &place.layer, &At { commit, branch: "", base: None }));
        let (git, upper) = (git.transpose()?, place.layer.begin()?);
        let seen = self.seen_at();
        let lowers = place.layer.lowers(&place.stack).into_iter().chain(around.below(&Warmed::default())).collect();
        let home = place.layer.place().join("home");
        let home = Home::Kept { folder: &home, network: setup.network };
        let files = inside::Files { at: &seen, lowers, upper: &upper, git: git.as_ref(), home };
        let network = if setup.network { Network::Host } else { Network::Loopback };
        let env = if setup.network { place.machine.network.clone() } else { Vec::new() };
        let certificates = certificates(&env);
        let told = Told { argv: &setup.run, dir: setup.dir.as_ref(), env, timeout: setup.timeout, network };
        let mut spec = inside::spec(&files, told, around, place.machine.home.as_ref());
        spec.mounts.extend(certificates);
        Ok((spec, upper))
    }

    /// Says which command failed, with its last lines and what to type.
    fn setup_went_well(&self, setup: &Setup, boxed: Result<Boxed, sandbox::Error>) -> Result<(), Error> {
        use orchestra_pit_core::call::exec::Ended;
        let boxed = match boxed {
            Ok(boxed) => boxed,
            Err(error) => {
                let error = self.not_run(&error, &setup.run);
                return Err(Error { message: format!("{}could not run: {}", begins(setup), error.message), ..error });
            }
        };
        let how = match ended(&boxed).0 {
            Ended::Exited(0) => return Ok(()),
            Ended::Exited(code) => format!("exit {code}"),
            Ended::Signalled(signal) => signal,
            Ended::TimedOut => format!("not done in {} s", setup.timeout / 1_000_000),
            Ended::OverLimit(what) => format!("too much {what}"),
        };
        let last = boxed::tail(&boxed.both.text(), TAIL);
        let said = if last.is_empty() { "it said nothing".to_owned() } else { format!("its last lines:\n{last}") };
        let command = setup.run.join(" ");
        let hint = if setup.network {
            "`pit terminal` on a run of this repository shows what it sees; correct [setup] in pit.toml"
        } else {
            "it had no network; if that is why, `network = true` in [setup] of pit.toml gives it one, else correct [setup]"
        };
        let message = format!("{}failed ({how}), so no command was run: {command}\n{said}", begins(setup));
        Err(Error::new(ErrorKind::Unavailable, message).hint(hint))
    }
}

/// How it begins what is said of a set-up command that went wrong.
fn begins(setup: &Setup) -> String {
    format!("set-up `{}` ", setup.name)
}

/// Files of certificates that variables name, where the sandbox has them not anyway.
fn certificates(env: &[(String, String)]) -> Vec<Mount> {
    let names = env.iter().filter(|(name, _)| name.contains("CA") || name.contains("CERT"));
    let there = |path: &PathBuf| {
        let is_inside = ["/usr", "/bin", "/lib", "/etc/ssl/certs"].iter().any(|folder| path.starts_with(folder));
        path.is_absolute() && !is_inside && path.is_file()
    };
    let paths: BTreeSet<PathBuf> = names.map(|(_, value)| PathBuf::from(value)).filter(there).collect();
    let read = |path: PathBuf| Mount::Bind { from: path.clone(), to: path, writable: false, exec: false };
    paths.into_iter().map(read).collect()
}

/// Moves what was left to its place.
fn keep(place: &Place, folder: &Path, id: &str) -> Result<Arc<SetUp>, Error> {
    let fail = |error: io::Error| failed(folder, &error);
    let owner = place.layer.owner();
    let kept = Folder::open(folder, owner).map_err(fail)?;
    let name = format!("{MAKING}{}", unique());
    let making = kept.make(name.as_bytes()).map_err(fail)?;
    let own = Folder::open(place.layer.place(), owner).map_err(fail)?;
    let taken = || {
        own.rename(b"ignored", &making, b"ignored")?;
        own.rename(b"home", &making, b"home")?;
        let bytes = caches::size(&making, 0)?;
        // What is not on disk after the power was gone would be believed.
        making.sync_all()?;
        fs::write(folder.join(&name).join("bytes"), bytes.to_string())?;
        File::options().create_new(true).write(true).open(folder.join(&name).join("lock"))?.sync_all()?;
        match kept.rename(name.as_bytes(), &kept, id.as_bytes()) {
            // Somebody else has made the same after all.
            Err(_) if folder.join(id).join("lock").exists() => Ok(()),
            other => other,
        }
    };
    taken().map_err(fail)?;
    SetUp::open(folder, id).map_err(fail)?.ok_or_else(|| {
        Error::new(ErrorKind::Unavailable, format!("what set-up left vanished from {}", folder.display()))
    })
}

/// How the names of folders begin that are being made.
pub(super) const MAKING: &str = "making.";

/// Where set-up of a repository is kept.
pub(super) fn folder(cache: &Path, common: &Path) -> PathBuf {
    let id = Hash::of(common.as_os_str().as_encoded_bytes()).to_string();
    cache.join("setup").join(&id[..16])
}

/// The right to make what a key stands for.
fn turn(folder: &Path, id: &str) -> io::Result<File> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let turn = File::options().create(true).truncate(false).write(true).open(folder.join(format!("{id}.turn")))?;
    turn.lock()?;
    Ok(turn)
}
