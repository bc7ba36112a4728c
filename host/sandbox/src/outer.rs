//! Stage *outer*: leaves the host's namespaces, gets its id, forks the first process inside and waits for it.
//!
//! Started by root it first shows what it needs in a folder of its own and becomes an id that owns nothing, and from there on
//! does what an ordinary user's does: one way in, not two.

#![expect(clippy::disallowed_methods, reason = "writes its id maps and looks at namespaces")]

use std::fs;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use rustix::fs::CWD;
use rustix::process::{DumpableBehavior, Gid, Uid, WaitOptions};
use rustix::thread::{CapabilitySet, LinkNameSpaceType, UnshareFlags};

use crate::report::{Failed, Message};
use crate::spec::{Network, SANDBOX_ID, is_there};
use crate::start::Outside;
use crate::{inner, root, sys, wire};

/// Where root shows the sources to the id that it becomes: each under its number.
pub const SHOWN: &str = "/tmp";

pub fn main() -> ExitCode {
    let Ok(mut control) = control() else { return ExitCode::FAILURE };
    match stage(&mut control) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) => {
            let _ = wire::put(&mut control, &Message::Failed(failed));
            ExitCode::FAILURE
        }
    }
}

/// The socket that the host gave as standard input, in a descriptor that is not inherited.
pub fn control() -> io::Result<UnixStream> {
    Ok(UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?))
}

fn stage(control: &mut UnixStream) -> Result<(), Failed> {
    sys::inherit_nothing().map_err(Failed::at("closing what was left open"))?;
    let asked: Outside = wire::take(control).map_err(Failed::at("reading what is asked for"))?;
    let joined = match asked.network {
        Network::Of(id) => Some(other(id).map_err(Failed::at("the network of another sandbox"))?),
        Network::Loopback | Network::Host => None,
    };
    let shown = prepare(&asked.sources)?;
    if let Some([user, net]) = &joined {
        let join = rustix::thread::move_into_link_name_space;
        join(user.as_fd(), Some(LinkNameSpaceType::User))
            .map_err(io::Error::from)
            .map_err(Failed::at("joining a user namespace"))?;
        join(net.as_fd(), Some(LinkNameSpaceType::Network))
            .map_err(io::Error::from)
            .map_err(Failed::at("joining a network"))?;
    }
    drop(joined);
    own_user()?;
    leave(asked.network)?;
    match sys::fork().map_err(Failed::at("starting the first process inside"))? {
        // Its rights are over namespaces that hold nothing of the host's, and an overlay works with those of who mounted it.
        None => inner::main(control, shown.then_some(Path::new(SHOWN))),
        Some(_) => {
            let ends = drop_rights().and_then(|()| Ok(rustix::process::wait(WaitOptions::empty())?));
            ends.map(drop).map_err(Failed::at("waiting for the first process inside"))
        }
    }
}

/// Root's part: a folder in memory with each source bound under its number, so that an id that may not even search the folders
/// above reaches them.
fn show(sources: &[PathBuf]) -> Result<(), Failed> {
    sys::unshare(UnshareFlags::NEWNS).map_err(Failed::at("a mount namespace for root"))?;
    root::keep_mounts_here().map_err(Failed::at("keeping mounts to ourselves"))?;
    let mut trees = Vec::new();
    for path in sources {
        trees.push(root::tree(path).map_err(Failed::at(path.display().to_string()))?);
    }
    let shown = root::tmpfs(1 << 20, 0o755).map_err(Failed::at("a folder in memory"))?;
    root::attach(&shown, CWD, SHOWN).map_err(Failed::at(SHOWN))?;
    for (number, tree) in trees.iter().enumerate() {
        let to = Path::new(SHOWN).join(number.to_string());
        let made = if root::is_folder(tree).unwrap_or(false) { fs::create_dir(&to) } else { fs::write(&to, b"") };
        made.and_then(|()| root::attach(tree, CWD, &to)).map_err(Failed::at(to.display().to_string()))?;
    }
    Ok(())
}

/// Becomes the sandbox's id. Capabilities over the host's namespaces end with the next user namespace; they are kept until then
/// because where unprivileged user namespaces are switched off root may still make one.
fn give_up_root() -> io::Result<()> {
    let (uid, gid) = (Uid::from_raw(SANDBOX_ID), Gid::from_raw(SANDBOX_ID));
    rustix::thread::set_keep_capabilities(true)?;
    rustix::thread::set_thread_groups(&[])?;
    rustix::thread::set_thread_res_gid(gid, gid, gid)?;
    rustix::thread::set_thread_res_uid(uid, uid, uid)?;
    let mut sets = rustix::thread::capabilities(None)?;
    sets.effective = sets.permitted;
    rustix::thread::set_capabilities(None, sets)?;
    rustix::thread::set_keep_capabilities(false)?;
    // Becoming another id makes the files of /proc/self root's, and the id maps are among them.
    Ok(rustix::process::set_dumpable_behavior(DumpableBehavior::Dumpable)?)
}

/// The namespaces of another sandbox's outer stage.
fn other(id: u32) -> io::Result<[OwnedFd; 2]> {
    let open = |name| fs::File::open(format!("/proc/{id}/ns/{name}")).map(OwnedFd::from);
    Ok([open("user")?, open("net")?])
}

/// Whoever this is, an id that owns nothing of anybody else's afterwards. Says whether root has shown the sources elsewhere.
pub fn prepare(sources: &[PathBuf]) -> Result<bool, Failed> {
    let root = rustix::process::geteuid().is_root();
    if root {
        if !is_there(SANDBOX_ID) {
            return Err(Failed {
                stage: "an id that owns nothing".to_owned(),
                reason: "this is root of a user namespace that has no other id, as `unshare -r` makes it; start pit \
                         outside of it, or as an ordinary user"
                    .to_owned(),
            });
        }
        show(sources)?;
        give_up_root().map_err(Failed::at("giving up root"))?;
    }
    Ok(root)
}

/// A user namespace of its own, with the one id that it has outside as well.
pub fn own_user() -> Result<(), Failed> {
    let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    sys::unshare(UnshareFlags::NEWUSER).map_err(Failed::at("a user namespace"))?;
    fs::write("/proc/self/setgroups", "deny").map_err(Failed::at("denying setgroups"))?;
    fs::write("/proc/self/uid_map", format!("{uid} {uid} 1")).map_err(Failed::at("the user id map"))?;
    fs::write("/proc/self/gid_map", format!("{gid} {gid} 1")).map_err(Failed::at("the group id map"))
}

/// All at once, which saves the kernel as many copies; where that is refused, one by one, so that the refusal has a name.
fn leave(network: Network) -> Result<(), Failed> {
    let all = namespaces(network);
    let together = all.iter().fold(UnshareFlags::empty(), |flags, (_, flag)| flags | *flag);
    if sys::unshare(together).is_ok() {
        return Ok(());
    }
    for (name, flag) in all {
        sys::unshare(flag).map_err(Failed::at(name))?;
    }
    Ok(())
}

/// The namespaces besides the user's.
pub fn namespaces(network: Network) -> Vec<(&'static str, UnshareFlags)> {
    let mut all = vec![
        ("a mount namespace", UnshareFlags::NEWNS),
        ("a process namespace", UnshareFlags::NEWPID),
        ("an IPC namespace", UnshareFlags::NEWIPC),
        ("a host name namespace", UnshareFlags::NEWUTS),
    ];
    if network == Network::Loopback {
        all.push(("a network namespace", UnshareFlags::NEWNET));
    }
    all
}

/// Takes every right from this process; what it executes gets none either.
pub fn drop_rights() -> io::Result<()> {
    rustix::thread::clear_ambient_capability_set()?;
    let none = CapabilitySet::empty();
    let sets = rustix::thread::CapabilitySets { effective: none, permitted: none, inheritable: none };
    rustix::thread::set_capabilities(None, sets)?;
    Ok(rustix::thread::set_no_new_privs(true)?)
}
