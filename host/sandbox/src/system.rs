//! What every command finds: programs and libraries read-only, a private /tmp and home, and an /etc of harmless files.

#![expect(clippy::disallowed_methods, reason = "looks at which system folders are there")]

use std::fs;
use std::path::{Path, PathBuf};

use crate::spec::{Mount, Network, layer_owner};

/// Folders of programs and libraries. Where the system has made them links into /usr, they are links inside too.
const PROGRAMS: &[&str] = &["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"];

/// Of /etc: what programs look up to run at all, and nothing about this machine, its people or its secrets.
const ETC: &[&str] = &[
    "/etc/alternatives",
    "/etc/ca-certificates",
    "/etc/java-11-openjdk",
    "/etc/java-17-openjdk",
    "/etc/java-21-openjdk",
    "/etc/java-25-openjdk",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/localtime",
    // Without the settings beside them, in which passwords of servers may stand.
    "/etc/maven/logging",
    "/etc/maven/m2.conf",
    "/etc/mime.types",
    "/etc/pki/ca-trust",
    "/etc/pki/tls/certs",
    "/etc/protocols",
    "/etc/services",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
];

/// The home inside.
pub const HOME: &str = "/home/pit";

/// The system's part of a root: everything but the workspace and toolchains. `tmp` is how many bytes /tmp and the home may hold.
pub fn system(network: Network, tmp: u64) -> Vec<Mount> {
    let mut mounts: Vec<Mount> = PROGRAMS.iter().chain(ETC).filter_map(|path| as_it_is(Path::new(path))).collect();
    let (uid, gid) = layer_owner();
    let file = |to: &str, text: String| Mount::File { to: to.into(), bytes: text.into_bytes(), mode: 0o644 };
    mounts.push(file(
        "/etc/passwd",
        format!("pit:x:{uid}:{gid}:pit:{HOME}:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n"),
    ));
    mounts.push(file("/etc/group", format!("pit:x:{gid}:\nnogroup:x:65534:\n")));
    mounts.push(file("/etc/hosts", "127.0.0.1 localhost pit\n::1 localhost\n".to_owned()));
    mounts.push(file("/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n".to_owned()));
    let names = match network {
        Network::Host => fs::read_to_string("/etc/resolv.conf").unwrap_or_default(),
        Network::Loopback | Network::Of(_) => String::new(),
    };
    mounts.push(file("/etc/resolv.conf", names));
    mounts.push(Mount::Tmpfs { to: "/tmp".into(), size: tmp, mode: 0o1777 });
    mounts.push(Mount::Symlink { to: "/var/tmp".into(), target: "/tmp".into() });
    mounts.push(Mount::Tmpfs { to: HOME.into(), size: tmp, mode: 0o755 });
    mounts
}

/// A link as a link with the same words if it stays among what is mounted, all else as itself; nothing where there is nothing.
fn as_it_is(path: &Path) -> Option<Mount> {
    let meta = fs::symlink_metadata(path).ok()?;
    if meta.is_symlink() && PROGRAMS.iter().any(|program| path == Path::new(program)) {
        return Some(Mount::Symlink { to: path.into(), target: fs::read_link(path).ok()? });
    }
    let from: PathBuf = fs::canonicalize(path).ok()?;
    Some(Mount::read_only(from, path))
}
