//! Sandboxes for tests: a system, a command of the shell, and what came of it.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use orchestra_pit_sandbox::{Ended, Error, Limits, Mount, Network, Report, Spec, Started, Stream, layer_owner, system};

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_walled");

#[derive(Debug)]
pub struct Said {
    pub out: String,
    pub err: String,
    pub report: Report,
}

impl Said {
    /// What a command that must have succeeded wrote.
    #[track_caller]
    pub fn well(self) -> String {
        assert_eq!(self.report.ended, Ended::Exit(0), "{self:?}");
        self.out
    }

    /// All that it wrote, however it ended.
    pub fn well_or_ill(self) -> String {
        self.out + &self.err
    }

    /// The complaint of a command that must have failed by itself.
    #[track_caller]
    pub fn ill(self) -> String {
        assert!(matches!(self.report.ended, Ended::Exit(1..)), "{self:?}");
        self.out + &self.err
    }
}

/// A sandbox with the system and nothing else, in /tmp.
pub fn bare(argv: &[&str]) -> Spec {
    let mut spec = Spec::new(system(Network::Loopback, 256 << 20), argv);
    spec.cwd = "/tmp".into();
    spec.limits = Limits { wall_ms: Some(60_000), ..Limits::default() };
    spec
}

pub fn sh(script: &str) -> Spec {
    bare(&["sh", "-c", script])
}

pub fn python(script: &str) -> Spec {
    bare(&["python3", "-c", script])
}

#[must_use]
pub fn run(spec: &Spec) -> Said {
    run_with(spec, b"").expect("a sandbox")
}

pub fn run_with(spec: &Spec, stdin: &[u8]) -> Result<Said, Error> {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let ran = orchestra_pit_sandbox::run(Path::new(PROGRAM), spec, stdin, |stream, bytes| match stream {
        Stream::Out => out.extend(bytes),
        Stream::Err => err.extend(bytes),
    })?;
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ok(Said { out: text(out), err: text(err), report: ran.report })
}

pub fn start(spec: &Spec) -> Started {
    orchestra_pit_sandbox::start_at(Path::new(PROGRAM), spec, b"", Stdio::null(), Stdio::null()).expect("a sandbox")
}

/// A folder of the id that sandboxes have, removed at the end.
pub struct Folder(tempfile::TempDir);

impl Folder {
    pub fn new() -> Self {
        let folder = Self(tempfile::tempdir().expect("a folder"));
        folder.own("");
        folder
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A folder in it that belongs to the sandbox's id.
    pub fn dir(&self, name: &str) -> PathBuf {
        std::fs::create_dir_all(self.path(name)).expect("a folder");
        self.own(name);
        self.path(name)
    }

    pub fn file(&self, name: &str, text: &str) -> PathBuf {
        std::fs::write(self.path(name), text).expect("a file");
        self.own(name);
        self.path(name)
    }

    fn own(&self, name: &str) {
        let (uid, gid) = layer_owner();
        std::os::unix::fs::chown(self.path(name), Some(uid), Some(gid)).expect("an owner");
    }

    /// An overlay at /w over the folder `lower`.
    pub fn overlay(&self) -> Mount {
        let lowers = vec![self.dir("lower")];
        Mount::Overlay { lowers, upper: self.dir("over/upper"), work: self.dir("over/work"), to: "/w".into() }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ =
            std::fs::set_permissions(self.path("over/work/work"), std::os::unix::fs::PermissionsExt::from_mode(0o700));
    }
}
