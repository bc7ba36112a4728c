//! Stage *inner*, the first process inside: builds the root, takes every right from itself, starts the command and watches it.

#![expect(clippy::disallowed_methods, reason = "starts the command, and looks it up along its path")]

use std::fs::{self, File};
use std::io::{self, Seek, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::fs::{MemfdFlags, Mode, SealFlags};
use rustix::process::{DumpableBehavior, Resource, Rlimit, Signal};
use rustix::thread::CapabilitySet;

use crate::report::{Failed, Message};
use crate::root::Plan;
use crate::spec::{Limits, Network, Spec};
use crate::walls::Class;
use crate::watch::Watch;
use crate::{landlocked, loopback, outer, seccomp, wire};

/// `shown`: where root has put the sources. When this process is gone the kernel ends all that is left inside, so it needs no word
/// if nobody listens.
pub fn main(control: &mut UnixStream, shown: Option<&Path>) -> ! {
    let running = stage(control, shown).and_then(|(spec, child)| {
        wire::put(control, &Message::Running).map_err(Failed::at("telling the host"))?;
        Watch::new(spec.limits, &child).map_err(Failed::at("watching the command"))
    });
    let said = match running {
        Ok(watch) => watch.until_the_end(control).map(Message::Ended),
        Err(failed) => Some(Message::Failed(failed)),
    };
    let heard = said.is_some_and(|said| wire::put(control, &said).is_ok());
    std::process::exit(i32::from(!heard))
}

fn stage(control: &mut UnixStream, shown: Option<&Path>) -> Result<(Spec, Child), Failed> {
    let dies = |()| rustix::process::set_parent_process_death_signal(Some(Signal::KILL)).map_err(io::Error::from);
    dies(()).map_err(Failed::at("ending with the outer stage"))?;
    let spec: Spec = wire::take(control).map_err(Failed::at("reading what is asked for"))?;
    let stdin = wire::read(control).map_err(Failed::at("reading standard input"))?;
    let hostname = rustix::system::sethostname(spec.hostname.as_bytes()).map_err(io::Error::from);
    hostname.map_err(Failed::at("the host name"))?;
    if spec.network == Network::Loopback {
        loopback::up().map_err(Failed::at("the loopback"))?;
    }
    Plan::open(&spec.mounts, shown, spec.limits.memory / 4)?.build()?;
    let input = input(&spec, &stdin).map_err(Failed::at("standard input"))?;
    // Of all that runs on the machine this is to be the first to go.
    let _ = fs::write("/proc/self/oom_score_adj", "1000");
    drop_all(&spec.limits).map_err(Failed::at("dropping rights"))?;
    // Changing rights has taken it away.
    dies(()).map_err(Failed::at("ending with the outer stage"))?;
    let landlocked = landlocked::apply(&spec.mounts);
    let landlocked = landlocked.map_err(|error| Failed { stage: "Landlock".to_owned(), reason: error.to_string() })?;
    if !landlocked && spec.require >= Class::Full {
        let reason = landlocked::version().err().unwrap_or_else(|| "it is not enforced".to_owned());
        return Err(Failed { stage: "Landlock, which is required".to_owned(), reason });
    }
    seccomp::apply().map_err(Failed::at("the filter of system calls"))?;
    let child = command(&spec, input)?;
    Ok((spec, child))
}

/// Standard input is bytes that end, never something of the host's.
fn input(spec: &Spec, bytes: &[u8]) -> io::Result<Stdio> {
    if spec.terminal {
        return Ok(Stdio::from(io::stdout().as_fd().try_clone_to_owned()?));
    }
    if bytes.is_empty() {
        return Ok(Stdio::null());
    }
    let memory = rustix::fs::memfd_create("stdin", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
    let mut file = File::from(memory);
    file.write_all(bytes)?;
    file.rewind()?;
    rustix::fs::fcntl_add_seals(&file, SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL)?;
    Ok(Stdio::from(OwnedFd::from(file)))
}

fn drop_all(limits: &Limits) -> io::Result<()> {
    rustix::process::umask(Mode::from_raw_mode(0o022));
    let bounds = [
        (Resource::Nproc, limits.processes),
        (Resource::Nofile, limits.open_files),
        (Resource::Fsize, limits.file_size),
        (Resource::Core, 0),
    ];
    for (resource, most) in bounds {
        let most = rustix::process::getrlimit(resource).maximum.map_or(most, |hard| hard.min(most));
        rustix::process::setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) })?;
    }
    for number in 0..64 {
        let right = CapabilitySet::from_bits_retain(1 << number);
        match rustix::thread::capability_is_in_bounding_set(right) {
            Ok(true) => rustix::thread::remove_capability_from_bounding_set(right)?,
            Ok(false) => {}
            // Beyond the last one that this kernel knows.
            Err(_) => break,
        }
    }
    outer::drop_rights()?;
    // The command has the same id and would otherwise reach this process's memory and descriptors by /proc/1.
    Ok(rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)?)
}

fn command(spec: &Spec, input: Stdio) -> Result<Child, Failed> {
    let name = spec
        .argv
        .first()
        .ok_or_else(|| Failed { stage: "the command".to_owned(), reason: "it is empty".to_owned() })?;
    let program = find(name, spec)?;
    let mut command = Command::new(program);
    command.arg0(name).args(&spec.argv[1..]).env_clear().envs(spec.env.iter().map(|(name, value)| (name, value)));
    command.current_dir(&spec.cwd).stdin(input);
    if spec.terminal {
        rustix::process::setsid().map_err(io::Error::from).map_err(Failed::at("a session of its own"))?;
        let terminal = io::stdout();
        // The command stays in this process's group, to which the terminal listens now. In one of its own it could look
        // before the terminal listens to that, as shells do, and would be stopped for ever. Keys that send signals reach
        // this process too, which as the first one inside ignores them.
        rustix::process::ioctl_tiocsctty(&terminal).map_err(io::Error::from).map_err(Failed::at("the terminal"))?;
    }
    command.spawn().map_err(|error| explain(name, &spec.cwd, &error))
}

/// Along the command's own path: the one of this process is not its business.
fn find(name: &str, spec: &Spec) -> Result<PathBuf, Failed> {
    if name.contains('/') {
        return Ok(PathBuf::from(name));
    }
    let path = spec.env.iter().find(|(key, _)| key == "PATH").map_or("", |(_, value)| value.as_str());
    let folders = path.split(':').filter(|folder| folder.starts_with('/'));
    let mut found = folders.map(|folder| Path::new(folder).join(name)).filter(|program| is_program(program));
    let reason = || format!("`{name}` is not in {path}");
    found.next().ok_or_else(|| Failed { stage: "the command is not found".to_owned(), reason: reason() })
}

fn is_program(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

fn explain(name: &str, cwd: &Path, error: &io::Error) -> Failed {
    let stage = if fs::metadata(cwd).is_ok_and(|meta| meta.is_dir()) { "the command" } else { "its working directory" };
    Failed { stage: stage.to_owned(), reason: format!("{name} in {}: {error}", cwd.display()) }
}
