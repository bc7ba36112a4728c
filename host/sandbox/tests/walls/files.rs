//! Files: what is there, what may be written, and that nothing gets around it.

use std::fs;

use orchestra_pit_sandbox::Mount;

use crate::common::{Folder, run, sh};

#[test]
fn a_command_runs_with_its_words_and_its_output() {
    assert_eq!(
        run(&sh("echo here; pwd; id -u; cat /etc/hostname 2>/dev/null; uname -n")).well().lines().next(),
        Some("here")
    );
}
