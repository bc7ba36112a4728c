//! Row: a checkout for native commands that differs in ten files from the nearest one that is there.

use std::path::Path;
use std::time::Instant;

use orchestra_pit::effect::exec::checkout::{Checkouts, Limits};
use orchestra_pit::effect::store::Repo;
use orchestra_pit_core::id::Oid;

use crate::repository::{folder, git, make, name, some};
use crate::row::{Middle, Reach, Row};
use crate::{Asked, Result};

const FILES: usize = 60_000;

/// More than a stack is high: one of them makes a layer with all files.
const ROUNDS: usize = 9;

pub fn rows(_: &Asked) -> Result<Vec<Row>> {
    let (dir, cache) = (folder()?, folder()?);
    make(dir.path(), FILES)?;
    git(dir.path(), &["reset", "-q", "--hard"])?;
    let mut trees = vec![head(dir.path())?];
    for round in 0..ROUNDS {
        for n in some(10, FILES) {
            std::fs::write(dir.path().join(name(n + round)), format!("changed in round {round}\n"))?;
        }
        git(dir.path(), &["commit", "-q", "-a", "-m", "x"])?;
        trees.push(head(dir.path())?);
    }
    let mut taken = Vec::new();
    for tree in &trees {
        // As in a process that has not seen the repository before.
        let start = Instant::now();
        let repo = Repo::open(dir.path())?;
        let checkouts = Checkouts::new(cache.path(), repo.common(), None, Limits::default()).map_err(|e| e.message)?;
        let stack = checkouts.of(&repo, *tree).map_err(|e| e.message)?;
        taken.push((start.elapsed().as_secs_f64() * 1e3, stack.layers.len()));
    }
    let differing: Vec<f64> = taken.iter().skip(1).filter(|(_, high)| *high > 1).map(|(ms, _)| *ms).collect();
    let whole: Vec<String> = taken.iter().filter(|(_, high)| *high == 1).map(|(ms, _)| format!("{ms:.0} ms")).collect();
    Ok(vec![Row {
        what: "a checkout that differs in ten files, of 60,000",
        ours: Middle::of(&differing).middle,
        baseline: None,
        unit: "ms",
        figure: Middle::of(&differing),
        of: "ms",
        reach: Reach::AtMost(500.0),
        note: format!("with all files, the first and then every eighth: {}", whole.join(", ")),
    }])
}

fn head(dir: &Path) -> Result<Oid> {
    let repo = Repo::open(dir)?;
    let commit = repo.head()?.commit;
    Ok(repo.tree_of(commit).map_err(|e| e.message)?)
}
