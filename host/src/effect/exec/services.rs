//! Services: commands of the person's that live as long as a run and that its commands talk to: a database, a server.
//!
//! They share a loopback that is the run's own and reach nothing else; a command of nobody's holds it open, so that it
//! lives however services come and go. From outside a service is reached by a port of this machine's loopback, whose
//! connections the sandbox itself makes on the inside. A service sees the files as they were when it was started, and what
//! it writes is its own. Dropped, or with the process, however that ends, all of it is gone.

#![expect(
    clippy::disallowed_methods,
    reason = "listens on this machine's loopback for a service's sake, and says where in a file"
)]

use std::fs;
use std::io;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use orchestra_pit_core::call::{Error, ErrorKind};
use orchestra_pit_core::commands::Service;
use orchestra_pit_core::id::{Oid, RunId};
use orchestra_pit_core::secret::Redacting;
use orchestra_pit_sandbox::{self as sandbox, Limits, Network, Spec, Started, system};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::around::Around;
use super::beside::beside;
use super::boxed::{self, Kept, pump};
use super::caches::Warmed;
use super::checkout::Stack;
use super::folder::unique;
use super::git::View;
use super::included::Included;
use super::inside::{self, Home, Told};
use super::layer::{Layer, Upper};
use super::sweep::{self, CHECK};
use super::{Exec, Machine, runs};
use crate::effect::store::lock;

/// How long a service may take to listen. A database that is made anew takes seconds, on a busy machine tens of them.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks whether it does.
const LOOK: Duration = Duration::from_millis(50);
/// Bytes of a service's output that are kept, and lines of it that are shown.
const KEPT: usize = 64 << 10;
const TAIL: (usize, usize) = (10, 2 << 10);
/// Ports for services that take any, on the run's own loopback.
const FIRST_PORT: u16 = 20_080;

/// The services of one run.
pub(super) struct Services {
    holder: Arc<Mutex<Started>>,
    network: u32,
    all: Vec<One>,
    /// Where people read by which ports they are reached.
    told: PathBuf,
    files: Option<Files>,
}

/// One service.
struct One {
    service: Service,
    /// On the run's loopback.
    port: u16,
    /// On this machine's.
    outside: u16,
    door: JoinHandle<()>,
    life: Option<Life>,
}

/// A service that was started.
struct Life {
    control: Option<std::os::unix::net::UnixStream>,
    ended: mpsc::Receiver<String>,
    said: Arc<Mutex<Kept>>,
}

impl Drop for Life {
    fn drop(&mut self) {
        if let Some(control) = self.control.take() {
            // Then all of it ends; whoever waits for it is a thread of its own.
            let _ = control.shutdown(std::net::Shutdown::Both);
        }
    }
}

/// What services see.
struct Files {
    layer: Layer,
    stack: Stack,
    warm: Warmed,
    seen: Seen,
    uppers: Vec<Upper>,
}

/// What is made beside a layer for a service.
pub(super) struct Seen {
    /// `.git`.
    pub(super) git: View,
    /// Covers what the run may not read: a service would be a way around its grants.
    pub(super) covering: Option<PathBuf>,
}

/// What a command has of its run's services.
pub(super) struct Served {
    /// The network to join.
    pub(super) network: Network,
    /// What it is told.
    pub(super) env: Vec<(String, String)>,
    /// What became of services since the last command.
    pub(super) notes: Vec<String>,
}

impl Default for Served {
    fn default() -> Self {
        Self { network: Network::Loopback, env: Vec::new(), notes: Vec::new() }
    }
}

impl Drop for Services {
    fn drop(&mut self) {
        self.all.iter().for_each(|one| one.door.abort());
        self.all.clear();
        // What is left of it names ports that nobody listens on, and is written over by the next.
        let _ = fs::remove_file(&self.told);
        if let Some(files) = self.files.take() {
            let place = files.layer.place().to_owned();
            drop(files);
            beside(move || sweep::remove(&place));
        }
    }
}

impl Services {
    /// The network that commands join.
    pub(super) fn network(&self) -> Network {
        Network::Of(self.network)
    }

    /// What commands are told: the port of the first, and each by its name.
    pub(super) fn env(&self) -> Vec<(String, String)> {
        let first = self.all.first().map(|one| ("PIT_PORT".to_owned(), one.port.to_string()));
        let named = self.all.iter().map(|one| (variable(&one.service.name), one.port.to_string()));
        first.into_iter().chain(named).collect()
    }
}

/// `PIT_PORT_NAME`.
fn variable(name: &str) -> String {
    let word = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
    format!("PIT_PORT_{}", name.chars().map(word).collect::<String>())
}

/// By which port of this machine each service of a run is reached, by those who look from another process.
pub fn read(state: &Path, run: RunId) -> Vec<(String, u16)> {
    let text = fs::read_to_string(ports(state, run)).unwrap_or_default();
    let line = |line: &str| line.split_once(' ').and_then(|(name, port)| Some((name.to_owned(), port.parse().ok()?)));
    text.lines().filter_map(line).collect()
}

/// Where that is written down.
fn ports(state: &Path, run: RunId) -> PathBuf {
    state.join("services").join(run.to_string())
}

impl Exec {
    /// The services of a run at work, started if they are not, and what a command has to be told of them.
    ///
    /// `lay` makes a layer over a checkout show what the run's workspace has.
    pub(super) fn serve(
        &self,
        run: RunId,
        around: &Around,
        machine: &Machine,
        base: Oid,
        lay: impl FnOnce(&mut Layer, &Stack) -> Result<Seen, Error>,
    ) -> Result<Served, Error> {
        if around.commands.services.is_empty() {
            return Ok(Served::default());
        }
        let known = lock(&self.inner.services).get(&run).cloned();
        let services = match known {
            Some(services) => services,
            None => {
                let made = Arc::new(Mutex::new(self.open_services(run, around, machine, base, lay)?));
                lock(&self.inner.services).entry(run).or_insert(made).clone()
            }
        };
        let mut services = lock(&services);
        let notes = self.keep_up(&mut services, around, machine)?;
        Ok(Served { network: services.network(), env: services.env(), notes })
    }

    fn open_services(
        &self,
        run: RunId,
        around: &Around,
        machine: &Machine,
        base: Oid,
        lay: impl FnOnce(&mut Layer, &Stack) -> Result<Seen, Error>,
    ) -> Result<Services, Error> {
        let checkouts = self.checkouts(machine)?;
        let stack = checkouts.of(&**self.workspaces.repo(), base)?;
        let at = runs(&machine.cache).join(format!("{CHECK}{}", unique()));
        let mut layer = Layer::open(&at, stack.tree, checkouts.owner())?;
        let seen = lay(&mut layer, &stack)?;
        let warm = checkouts.warm(&stack, &layer, &around.commands.warm, around.setup.as_deref())?;
        let mut spec = Spec::new(system(Network::Loopback, 1 << 20), &["sleep", "infinity"]);
        spec.limits = Limits { wall_ms: None, ..Limits::default() };
        spec.require = inside::class(around.commands.walls);
        let holder = start(&machine.program, &spec, Stdio::null(), Stdio::null())?;
        let network = holder.id();
        let holder = Arc::new(Mutex::new(holder));
        let mut all = Vec::new();
        for (number, service) in around.commands.services.iter().enumerate() {
            let any = FIRST_PORT.saturating_add(u16::try_from(number).unwrap_or(u16::MAX));
            let port = if service.port == 0 { any } else { service.port };
            let (outside, door) = door(holder.clone(), port).map_err(|error| cannot(service, &error))?;
            all.push(One { service: service.clone(), port, outside, door, life: None });
        }
        let told = ports(self.workspaces.repo().state(), run);
        let lines: String = all.iter().map(|one| format!("{} {}\n", one.service.name, one.outside)).collect();
        // It is reached all the same by those who know the port.
        let _ = told.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&told, lines));
        Ok(Services { holder, network, all, told, files: Some(Files { layer, stack, warm, seen, uppers: Vec::new() }) })
    }

    /// Starts what does not run, and says of each that had ended why.
    fn keep_up(&self, services: &mut Services, around: &Around, machine: &Machine) -> Result<Vec<String>, Error> {
        let (mut notes, network, env) = (Vec::new(), services.network(), services.env());
        let Services { holder, all, files, .. } = services;
        let Some(files) = files.as_mut() else { return Ok(notes) };
        for one in all.iter_mut() {
            if let Some(life) = &one.life {
                let Ok(how) = life.ended.try_recv() else { continue };
                let last = boxed::tail(&lock(&life.said).text(), TAIL);
                notes.push(format!("service `{}` had ended ({how}) and was started again: {last}", one.service.name));
                one.life = None;
            }
            let spec = self.service_spec(one, files, around, machine, network, env.clone())?;
            let mut life = begin(&machine.program, &spec, &around.included)
                .map_err(|error| self.not_run(&error, &one.service.run))?;
            listens(&mut life, holder, one)?;
            one.life = Some(life);
        }
        Ok(notes)
    }

    fn service_spec(
        &self,
        one: &One,
        files: &mut Files,
        around: &Around,
        machine: &Machine,
        network: Network,
        env: Vec<(String, String)>,
    ) -> Result<Spec, Error> {
        let upper = files.layer.begin()?;
        let seen = self.seen_at();
        let covering = files.seen.covering.clone();
        let own = covering.into_iter().chain(files.layer.lowers(&files.stack));
        let lowers = own.chain(around.below(&files.warm)).collect();
        let git = Some(&files.seen.git);
        let laid = inside::Files { at: &seen, lowers, upper: &upper, git, home: Home::Own };
        let own = [("PIT_PORT".to_owned(), one.port.to_string())];
        let env = env.into_iter().filter(|(name, _)| name != "PIT_PORT").chain(own).collect();
        let told = Told { argv: &one.service.run, dir: None, env, timeout: 0, network };
        let mut spec = inside::spec(&laid, told, around, machine.home.as_ref());
        spec.limits.wall_ms = None;
        files.uppers.push(upper);
        Ok(spec)
    }

    /// Ends the services of a run.
    pub(super) fn unserve(&self, run: RunId) {
        drop(lock(&self.inner.services).remove(&run));
    }
}

/// Starts something and waits until it runs.
fn start(program: &Path, spec: &Spec, out: Stdio, err: Stdio) -> Result<Started, Error> {
    let failed = |error: sandbox::Error| {
        Error::new(ErrorKind::Unavailable, format!("the network of services cannot be made: {error}"))
            .hint("`pit doctor` says which walls this machine gives")
    };
    let mut started = sandbox::start_at(program, spec, b"", out, err).map_err(failed)?;
    match started.message().map_err(failed)? {
        sandbox::Message::Failed(why) => Err(failed(why.into())),
        _ => Ok(started),
    }
}

fn begin(program: &Path, spec: &Spec, included: &Arc<Included>) -> Result<Life, sandbox::Error> {
    let mut started = sandbox::start_at(program, spec, b"", Stdio::piped(), Stdio::piped())?;
    let control = Some(started.control()?);
    let (out, err) = started.output();
    let (pour, flow) = mpsc::sync_channel(4);
    drop([out.map(|from| pump(from, true, pour.clone())), err.map(|from| pump(from, false, pour.clone()))]);
    drop(pour);
    let flow: mpsc::Receiver<(bool, Vec<u8>)> = flow;
    let said = Arc::new(Mutex::new(Kept::new(KEPT)));
    let (kept, (tell, ended)) = (said.clone(), mpsc::channel());
    let included = included.clone();
    let reading = thread::spawn(move || {
        let mut redacting = [Redacting::default(), Redacting::default()];
        for (is_out, bytes) in flow {
            lock(&kept).take(&redacting[usize::from(is_out)].take(included.secrets(), &bytes));
        }
        redacting.iter_mut().for_each(|rest| lock(&kept).take(&rest.end(included.secrets())));
    });
    thread::spawn(move || {
        let how = match started.wait() {
            Ok(report) => match report.ended {
                sandbox::Ended::Exit(code) => format!("exit {code}"),
                sandbox::Ended::Signal(signal) => format!("signal {signal}"),
                sandbox::Ended::Over(limit) => format!("over its limit of {limit:?}"),
            },
            Err(error) => error.to_string(),
        };
        // Its last lines are to be there when it is said that it has ended. Nothing of it lives that could write more.
        let _ = reading.join();
        // The run may be over.
        let _ = tell.send(how);
    });
    Ok(Life { control, ended, said })
}

/// Waits until a service listens.
fn listens(life: &mut Life, holder: &Mutex<Started>, one: &One) -> Result<(), Error> {
    let begun = Instant::now();
    loop {
        if lock(holder).connect(one.port).is_ok() {
            return Ok(());
        }
        let what = match life.ended.recv_timeout(LOOK) {
            Ok(how) => format!("ended ({how}) before it listened on port {}", one.port),
            Err(RecvTimeoutError::Timeout) if begun.elapsed() < PATIENCE => continue,
            Err(_) => format!("did not listen on port {} within {} s", one.port, PATIENCE.as_secs()),
        };
        let last = boxed::tail(&lock(&life.said).text(), TAIL);
        let message =
            format!("service `{}` {what}, so the command was not run; its last lines:\n{last}", one.service.name);
        return Err(Error::new(ErrorKind::Unavailable, message)
            .hint("it has to listen on 127.0.0.1 at the port in PIT_PORT; correct [services] in pit.toml"));
    }
}

/// A port of this machine's loopback that leads to one of the run's.
fn door(holder: Arc<Mutex<Started>>, port: u16) -> io::Result<(u16, JoinHandle<()>)> {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    listener.set_nonblocking(true)?;
    let runtime = tokio::runtime::Handle::try_current().map_err(io::Error::other)?;
    let _within = runtime.enter();
    let listener = TcpListener::from_std(listener)?;
    let outside = listener.local_addr()?.port();
    let door = runtime.spawn(async move {
        loop {
            let Ok((mut outer, _)) = listener.accept().await else {
                // Out of descriptors, most likely.
                tokio::time::sleep(LOOK).await;
                continue;
            };
            let holder = holder.clone();
            tokio::spawn(async move {
                let inner = tokio::task::spawn_blocking(move || lock(&holder).connect(port)).await;
                let Ok(Ok(inner)) = inner else { return };
                let Ok(mut inner) = inner.set_nonblocking(true).and_then(|()| tokio::net::TcpStream::from_std(inner))
                else {
                    return;
                };
                // Whoever hangs up first ends it.
                let _ = tokio::io::copy_bidirectional(&mut outer, &mut inner).await;
            });
        }
    });
    Ok((outside, door))
}

fn cannot(service: &Service, error: &io::Error) -> Error {
    Error::new(
        ErrorKind::Unavailable,
        format!("service `{}` cannot have a port of this machine: {error}", service.name),
    )
}
