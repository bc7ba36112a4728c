//! What people really have: repositories of every sort, files of every sort, changes that are not committed, others at work
//! beside, and machines that are full. Each works, or is refused with what happened, what is kept and what to type.

use std::path::Path;

use orchestra_pit_tests::{Said, Stage};

use super::run::script;

mod beside;
mod changes;
mod files;
mod machine;
mod repositories;
mod words;

/// One coder's run at the stage's repository.
fn solo(stage: &Stage) -> Said {
    let model = stage.script(&script(""));
    stage.pit(&["run", "--solo", "Never overflow", "-m", &model])
}

/// The same somewhere else.
fn solo_at(stage: &Stage, at: &Path) -> Said {
    let model = stage.script(&script(""));
    stage.pit(&["-C", &at.to_string_lossy(), "run", "--solo", "Never overflow", "-m", &model])
}

/// The branches of runs.
fn branches(stage: &Stage) -> Vec<String> {
    let found = stage.git(&["for-each-ref", "--format=%(refname:short)", "refs/heads/pit/"]);
    found.lines().map(str::to_owned).collect()
}
