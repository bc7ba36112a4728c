//! The small program that plays the stages.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::Path;
use std::process::Command;

use orchestra_pit_sandbox::{NAME, SANDBOX_ID};

use crate::common::PROGRAM;

/// Which program plays the stages for one in this folder.
fn stages(folder: &Path) -> String {
    let output = Command::new(folder.join("pit")).output().expect("it starts");
    let path = String::from_utf8(output.stdout).expect("a path");
    Path::new(path.trim_end()).file_name().expect("a name").to_string_lossy().into_owned()
}

/// Copies a program, by another process: what a test beside this one forks would hold a file that is being written
/// here, and the kernel starts no program that somebody may write (`ETXTBSY`).
fn copy(program: &str, to: &Path, mode: u32) {
    let copied = Command::new("cp").arg(program).arg(to).status().expect("cp starts");
    assert!(copied.success(), "a copy");
    fs::set_permissions(to, fs::Permissions::from_mode(mode)).expect("its mode");
}

#[test]
fn the_small_program_is_taken_if_it_is_of_this_build_and_kept_as_this_one_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let beside = folder.path().join(NAME);
    let put = |program: &str, mode: u32| {
        let _ = fs::remove_file(&beside);
        copy(program, &beside, mode);
    };
    copy(PROGRAM, &folder.path().join("pit"), 0o755);
    assert_eq!(stages(folder.path()), "pit", "there is none");
    put(PROGRAM, 0o755);
    assert_eq!(stages(folder.path()), NAME, "the control");
    put("/bin/echo", 0o755);
    assert_eq!(stages(folder.path()), "pit", "it is of another build");
    put(PROGRAM, 0o777);
    assert_eq!(stages(folder.path()), "pit", "others may write it");
    put(PROGRAM, 0o755);
    if rustix::process::geteuid().is_root() {
        chown(&beside, Some(SANDBOX_ID), None).expect("an owner");
        assert_eq!(stages(folder.path()), "pit", "it is another's");
    }
}
