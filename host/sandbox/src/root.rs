//! Builds the root: a file system in memory with what was asked for attached, each at a place no link leads away from.
//!
//! Every mount is made aside and then attached to an open folder. A path would be looked up once more, and the workspace, whose
//! links an agent wrote, lies on the way to some of them.

#![expect(clippy::disallowed_methods, reason = "builds the root file system of the sandbox")]

use std::ffi::OsStr;
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Component, Path, PathBuf};

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags};
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MountPropagationFlags, MoveMountFlags, OpenTreeFlags, UnmountFlags,
};
use rustix::path::Arg;

use crate::report::Failed;
use crate::spec::Mount;
use crate::sys;

/// Where the new root is put together, over whatever is there: in this namespace nobody else looks.
const STAGE: &str = "/tmp";

/// In the new root, where layers are while an overlay is mounted. The names are short because older kernels take 256 bytes.
const LAYERS: &str = ".l";

/// Devices that every program may expect, and that give nothing.
const DEVICES: &[&str] = &["null", "zero", "full", "random", "urandom", "tty"];

/// Of /proc: what speaks of the machine, or to it, rather than of the processes inside.
const HIDDEN: &[&str] =
    &["kcore", "keys", "key-users", "kmsg", "sched_debug", "sysrq-trigger", "timer_list", "kallsyms"];
const FROZEN: &[&str] = &["sys", "bus", "fs", "irq"];

/// No mount of ours reaches another namespace, and none of the host's reaches us.
pub fn keep_mounts_here() -> io::Result<()> {
    let flags = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    Ok(rustix::mount::mount_change("/", flags)?)
}

/// A file or folder of the host with all that is mounted under it, attached nowhere yet.
pub fn tree(path: &Path) -> io::Result<OwnedFd> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC | OpenTreeFlags::AT_RECURSIVE;
    Ok(rustix::mount::open_tree(CWD, path, flags)?)
}

pub fn is_folder(at: impl AsFd) -> io::Result<bool> {
    Ok(FileType::from_raw_mode(rustix::fs::fstat(at)?.st_mode).is_dir())
}

/// Attaches a mount to a path below a folder, or to the folder itself with an empty path.
pub fn attach(mount: impl AsFd, folder: impl AsFd, path: impl Arg) -> io::Result<()> {
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    Ok(rustix::mount::move_mount(mount, "", folder, path, flags)?)
}

/// A new file system with options, attached nowhere yet.
fn new(kind: &str, options: &[(&str, &str)], switches: &[&str], attributes: MountAttrFlags) -> io::Result<OwnedFd> {
    let context = rustix::mount::fsopen(kind, FsOpenFlags::FSOPEN_CLOEXEC)?;
    for &(key, value) in options {
        rustix::mount::fsconfig_set_string(context.as_fd(), key, value)?;
    }
    for &switch in switches {
        rustix::mount::fsconfig_set_flag(context.as_fd(), switch)?;
    }
    rustix::mount::fsconfig_create(context.as_fd())?;
    Ok(rustix::mount::fsmount(context.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, attributes)?)
}

const PLAIN: MountAttrFlags = MountAttrFlags::MOUNT_ATTR_NOSUID.union(MountAttrFlags::MOUNT_ATTR_NODEV);

pub fn tmpfs(size: u64, mode: u32) -> io::Result<OwnedFd> {
    // An inode takes about a kilobyte of the kernel's memory that its size does not count.
    let inodes = (size / 4096).clamp(1024, 4 << 20);
    let options = [("size", size.to_string()), ("mode", format!("{mode:o}")), ("nr_inodes", inodes.to_string())];
    let options: Vec<(&str, &str)> = options.iter().map(|(key, value)| (*key, value.as_str())).collect();
    new("tmpfs", &options, &[], PLAIN)
}

/// The mounts of a sandbox, their sources already open: attaching one may hide the path of another.
pub struct Plan<'a> {
    mounts: &'a [Mount],
    trees: std::vec::IntoIter<OwnedFd>,
    shm: u64,
}

impl<'a> Plan<'a> {
    /// Opens all sources, which root's outer stage has put elsewhere.
    pub fn open(mounts: &'a [Mount], shown: Option<&Path>, shm: u64) -> Result<Self, Failed> {
        let sources = mounts.iter().flat_map(Mount::sources).enumerate();
        let opened = sources.map(|(number, path)| {
            let there = shown.map_or_else(|| path.to_owned(), |shown| shown.join(number.to_string()));
            tree(&there).map_err(Failed::at(path.display().to_string()))
        });
        let trees: Vec<OwnedFd> = opened.collect::<Result<_, _>>()?;
        Ok(Self { mounts, trees: trees.into_iter(), shm })
    }

    /// Builds the root and moves into it.
    pub fn build(mut self) -> Result<(), Failed> {
        let devices = DEVICES.iter().map(|name| tree(&Path::new("/dev").join(name)));
        let devices: Vec<OwnedFd> = devices.collect::<io::Result<_>>().map_err(Failed::at("/dev of the host"))?;
        let mount = tmpfs(64 << 20, 0o755).map_err(Failed::at("a root in memory"))?;
        attach(&mount, CWD, STAGE).map_err(Failed::at(STAGE))?;
        let root = open_folder(CWD, STAGE).map_err(Failed::at(STAGE))?;
        rustix::fs::mkdirat(&root, LAYERS, Mode::RWXU)
            .map_err(io::Error::from)
            .map_err(Failed::at("a folder for layers"))?;
        proc(&root).map_err(Failed::at("/proc"))?;
        dev(&root, devices, self.shm).map_err(Failed::at("/dev"))?;
        for mount in self.mounts {
            self.one(&root, mount).map_err(Failed::at(mount.to().display().to_string()))?;
        }
        let _ = rustix::fs::unlinkat(&root, LAYERS, AtFlags::REMOVEDIR);
        enter(&root).map_err(Failed::at("moving into the new root"))
    }

    fn next(&mut self) -> io::Result<OwnedFd> {
        self.trees.next().ok_or_else(|| io::Error::other("a source was not opened"))
    }

    fn one(&mut self, root: &OwnedFd, mount: &Mount) -> io::Result<()> {
        match mount {
            Mount::Bind { to, writable, exec, .. } => {
                let tree = self.next()?;
                bind(root, &tree, to, *writable, *exec)
            }
            Mount::Overlay { lowers, upper, work, to } => self.overlay(root, lowers.len(), [upper, work], to),
            Mount::Tmpfs { to, size, mode } => attach(tmpfs(*size, *mode)?, folder(root, to)?, ""),
            Mount::File { to, bytes, mode } => {
                let (above, name) = above(root, to)?;
                let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                let file = rustix::fs::openat(above, name, flags, Mode::from_raw_mode(*mode))?;
                std::fs::File::from(file).write_all(bytes)
            }
            Mount::Symlink { to, target } => {
                let (above, name) = above(root, to)?;
                Ok(rustix::fs::symlinkat(target, above, name)?)
            }
        }
    }

    /// The layers are attached by number while the overlay is mounted, which takes clones of them, and then detached: no names of
    /// the host's in options, none to escape, and none left to be seen.
    fn overlay(&mut self, root: &OwnedFd, lowers: usize, writable: [&PathBuf; 2], to: &Path) -> io::Result<()> {
        let layers = open_folder(root, LAYERS)?;
        let mut paths = Vec::new();
        for number in 0..=lowers {
            let name = number.to_string();
            rustix::fs::mkdirat(&layers, &name, Mode::RWXU)?;
            attach(self.next()?, &layers, name.as_str())?;
            paths.push(format!("{STAGE}/{LAYERS}/{name}"));
        }
        let names = writable.map(|path| path.file_name().and_then(OsStr::to_str).unwrap_or_default());
        if writable[0].parent() != writable[1].parent() || names.contains(&"") {
            return Err(io::Error::other("upper and work must be in the same folder"));
        }
        let both = paths.pop().unwrap_or_default();
        let [upper, work] = names.map(|name| format!("{both}/{name}"));
        let lower = paths.join(":");
        let options = [("source", "overlay"), ("lowerdir", &lower), ("upperdir", &upper), ("workdir", &work)];
        // What the kernel would otherwise write to the disk before a command has ended: all that it changed. Whoever keeps an
        // upper sees to that, or believes it only until the machine is started anew. Of the last mount of these a folder is
        // left by which the kernel refuses the next.
        let left = [("/volatile/dirty", AtFlags::empty()), ("/volatile", AtFlags::REMOVEDIR), ("", AtFlags::REMOVEDIR)];
        for (name, flags) in left {
            let _ = rustix::fs::unlinkat(CWD, format!("{work}/work/incompat{name}"), flags);
        }
        let overlay = new("overlay", &options, &["userxattr", "volatile"], PLAIN)?;
        for number in 0..=lowers {
            let name = number.to_string();
            rustix::mount::unmount(format!("{STAGE}/{LAYERS}/{name}"), UnmountFlags::DETACH)?;
            rustix::fs::unlinkat(&layers, name, AtFlags::REMOVEDIR)?;
        }
        attach(overlay, folder(root, to)?, "")
    }
}

fn bind(root: &OwnedFd, tree: &OwnedFd, to: &Path, writable: bool, exec: bool) -> io::Result<()> {
    let mut attributes = libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NODEV;
    if !writable {
        attributes |= libc::MOUNT_ATTR_RDONLY;
    }
    if !exec {
        attributes |= libc::MOUNT_ATTR_NOEXEC;
    }
    sys::restrict_mounts(tree, attributes)?;
    let place = if is_folder(tree)? { folder(root, to)? } else { file(root, to)? };
    attach(tree, place, "")
}

fn open_folder(at: impl AsFd, name: impl Arg) -> io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(rustix::fs::openat(at, name, flags, Mode::empty())?)
}

/// A folder inside, made where it is missing, with no link followed on the way.
fn folder(root: &OwnedFd, path: &Path) -> io::Result<OwnedFd> {
    let mut at = root.try_clone()?;
    for part in path.components() {
        let name = match part {
            Component::RootDir | Component::CurDir => continue,
            Component::Normal(name) => name,
            Component::ParentDir | Component::Prefix(_) => return Err(io::Error::other("a path inside has no `..`")),
        };
        at = match open_folder(&at, name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                rustix::fs::mkdirat(&at, name, Mode::from_raw_mode(0o755))?;
                open_folder(&at, name)?
            }
            Err(error) => return Err(io::Error::new(error.kind(), format!("{}: {error}", name.display()))),
            Ok(next) => next,
        };
    }
    Ok(at)
}

/// The folder above a path, and its last part.
fn above<'a>(root: &OwnedFd, path: &'a Path) -> io::Result<(OwnedFd, &'a OsStr)> {
    let name = path.file_name().ok_or_else(|| io::Error::other("a file needs a name"))?;
    Ok((folder(root, path.parent().unwrap_or(Path::new("/")))?, name))
}

/// A file inside on which one of the host's can be put.
fn file(root: &OwnedFd, path: &Path) -> io::Result<OwnedFd> {
    let (above, name) = above(root, path)?;
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match rustix::fs::openat(&above, name, flags, Mode::empty()) {
        Ok(there) if FileType::from_raw_mode(rustix::fs::fstat(&there)?.st_mode).is_symlink() => {
            Err(io::Error::other("a symbolic link is in its place"))
        }
        Ok(there) => Ok(there),
        Err(_) => {
            let made = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            rustix::fs::openat(&above, name, made, Mode::from_raw_mode(0o644))?;
            Ok(rustix::fs::openat(&above, name, flags, Mode::empty())?)
        }
    }
}

/// A fresh /proc, of the processes inside. It is made while the host's is still there: the kernel gives one only to who sees one.
fn proc(root: &OwnedFd) -> io::Result<()> {
    let place = folder(root, Path::new("/proc"))?;
    let proc = new("proc", &[], &[], PLAIN | MountAttrFlags::MOUNT_ATTR_NOEXEC)?;
    attach(&proc, &place, "")?;
    let inside = open_folder(root, "proc")?;
    for name in FROZEN {
        if let Ok(path) = open_path(&inside, name) {
            let flags =
                OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC | OpenTreeFlags::AT_EMPTY_PATH;
            let tree = rustix::mount::open_tree(&path, "", flags)?;
            sys::restrict_mounts(&tree, libc::MOUNT_ATTR_RDONLY)?;
            attach(&tree, &path, "")?;
        }
    }
    for name in HIDDEN {
        if let Ok(path) = open_path(&inside, name) {
            attach(tree(Path::new("/dev/null"))?, &path, "")?;
        }
    }
    Ok(())
}

fn open_path(at: impl AsFd, name: &str) -> io::Result<OwnedFd> {
    Ok(rustix::fs::openat(at, name, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())?)
}

/// A /dev with what gives nothing, terminals of its own, and shared memory of its own.
fn dev(root: &OwnedFd, devices: Vec<OwnedFd>, shm: u64) -> io::Result<()> {
    let mount = tmpfs(1 << 20, 0o755)?;
    attach(&mount, folder(root, Path::new("/dev"))?, "")?;
    for (name, device) in DEVICES.iter().zip(devices) {
        sys::restrict_mounts(&device, libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NOEXEC)?;
        attach(&device, file(root, &Path::new("/dev").join(name))?, "")?;
    }
    let terminals = [("ptmxmode", "0666"), ("mode", "0620")];
    let quiet = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NOEXEC;
    attach(new("devpts", &terminals, &["newinstance"], quiet)?, folder(root, Path::new("/dev/pts"))?, "")?;
    attach(tmpfs(shm, 0o1777)?, folder(root, Path::new("/dev/shm"))?, "")?;
    let links = [("ptmx", "pts/ptmx"), ("fd", "/proc/self/fd"), ("stdin", "/proc/self/fd/0")];
    let links = links.into_iter().chain([("stdout", "/proc/self/fd/1"), ("stderr", "/proc/self/fd/2")]);
    for (name, target) in links {
        rustix::fs::symlinkat(target, &mount, name)?;
    }
    frozen(&mount)
}

/// Only this mount, not what is mounted under it.
fn frozen(mount: &OwnedFd) -> io::Result<()> {
    sys::restrict_mount(mount, libc::MOUNT_ATTR_RDONLY)
}

fn enter(root: &OwnedFd) -> io::Result<()> {
    rustix::process::fchdir(root)?;
    frozen(root)?;
    // The old root is stacked upon the new one and taken away: there is no folder needed to put it, and none is left.
    rustix::process::pivot_root(".", ".")?;
    rustix::mount::unmount(".", UnmountFlags::DETACH)?;
    Ok(rustix::process::chdir("/")?)
}

/// Mounts an overlay with its upper in this folder, makes a folder in it, and leaves nothing.
pub fn try_overlay(folder: &Path) -> io::Result<()> {
    keep_mounts_here()?;
    let here = folder.join(format!(".pit-probe-{}", rustix::process::getpid().as_raw_nonzero()));
    let names = ["lower", "upper", "work", "merged"].map(|name| here.join(name));
    let tried = try_layers(&here, &names);
    let _ = rustix::mount::unmount(&names[3], UnmountFlags::DETACH);
    // The kernel leaves a folder in it that not even its owner may list.
    let _ = rustix::fs::chmod(names[2].join("work"), Mode::RWXU);
    let _ = std::fs::remove_dir_all(&here);
    tried
}

fn try_layers(here: &Path, names: &[PathBuf; 4]) -> io::Result<()> {
    std::fs::create_dir(here)?;
    for name in names {
        std::fs::create_dir(name)?;
    }
    std::fs::create_dir(names[0].join("below"))?;
    let [lower, upper, work, merged] = names.each_ref().map(|name| name.display().to_string());
    let options = [("source", "overlay"), ("lowerdir", &lower), ("upperdir", &upper), ("workdir", &work)];
    attach(new("overlay", &options, &["userxattr", "volatile"], PLAIN)?, CWD, merged.as_str())?;
    std::fs::create_dir(names[3].join("below/made"))
}
