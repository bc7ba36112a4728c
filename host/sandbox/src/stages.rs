//! Which program plays the stages: a small one that lies beside this one, or this one itself.
//!
//! A program is started for every command, and to start a large one takes longer than to build the walls.

#![expect(clippy::disallowed_methods, reason = "looks for a program beside this one, and asks which build it is")]

use std::env;
use std::fs::{self, File};
use std::io::Write as _;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::OnceLock;

/// The small program's name.
pub const NAME: &str = "pit-walls";

/// What this crate was built of: a small program of another build might not know a wall.
const SOURCES: &str = env!("PIT_SANDBOX_SOURCES");

/// The program that plays the stages. It is looked for once, and stays the same when another takes its place.
pub fn stages() -> PathBuf {
    static SMALL: OnceLock<Option<File>> = OnceLock::new();
    let beside = || env::current_exe().ok().and_then(|this| small(&this, &this.with_file_name(NAME)));
    match SMALL.get_or_init(beside) {
        Some(file) => by_descriptor(file),
        None => PathBuf::from("/proc/self/exe"),
    }
}

fn by_descriptor(file: &File) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()))
}

/// The program at a path if it is of the same build, and is this program's owner's as much as this program is: others may put
/// files into the folder.
fn small(this: &Path, path: &Path) -> Option<File> {
    let file = File::open(path).ok()?;
    let (meta, own) = (file.metadata().ok()?, fs::metadata(this).ok()?);
    let owned = |meta: &fs::Metadata| (meta.uid(), meta.gid(), meta.mode());
    if owned(&meta) != owned(&own) {
        return None;
    }
    let asked = Command::new(by_descriptor(&file)).arg(crate::BUILD).env_clear().stdin(Stdio::null()).output().ok()?;
    (asked.stdout == SOURCES.as_bytes()).then_some(file)
}

/// Answers who asks for this program's build.
pub fn say_build() -> ExitCode {
    std::io::stdout().write_all(SOURCES.as_bytes()).map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS)
}
