//! Which walls this machine gives, each tried and not guessed, and the class that they make.

use std::path::Path;
use std::process::Stdio;

use serde::{Deserialize, Serialize};

use crate::report::Message;
use crate::spec::{Network, Spec};
use crate::start::{self, Error};
use crate::system::system;
use crate::{PROBE, wire};

/// How much of the walls there is. A policy requires one at least; what is required and not given is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// No command can be run.
    None,
    /// Namespaces, no rights, the filter of system calls and limits; not Landlock, the second wall around files.
    Partial,
    /// All.
    Full,
}

/// One wall, or the overlay, which is no wall but what makes workspaces cost nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wall {
    /// What it is.
    pub name: String,
    /// Why it is not there, if it is not.
    pub missing: Option<String>,
}

/// What this machine gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Walls {
    /// Each wall that was tried.
    pub walls: Vec<Wall>,
    /// Whether an overlay can be mounted with its upper at the folder that was asked about. Where it cannot, whoever wants one
    /// copies its layers.
    pub overlay: Wall,
    /// What they make together.
    pub class: Class,
}

/// Names that are used in more than one place.
pub(crate) const OVERLAY: &str = "overlay";
pub(crate) const LANDLOCK: &str = "Landlock";

/// Tries the walls with a program whose `main` begins with `main_if_asked`, and an overlay in this folder, which must exist and
/// belong to `layer_owner`.
pub fn walls(program: &Path, folder: &Path) -> Result<Walls, Error> {
    let mut started = start::spawn(program, PROBE, false, Stdio::null(), Stdio::null())?;
    wire::put(&mut started.control()?, &folder)?;
    let mut walls = match started.message()? {
        Message::Probed(walls) => walls,
        Message::Failed(failed) => return Err(failed.into()),
        Message::Running | Message::Ended(_) => return Err(Error::Lost),
    };
    let overlay = walls.iter().position(|wall| wall.name == OVERLAY).map(|at| walls.remove(at)).ok_or(Error::Lost)?;
    walls.push(whole(program));
    let missing = |wall: &&Wall| wall.missing.is_some();
    let class = match walls.iter().filter(missing).collect::<Vec<_>>().as_slice() {
        [] => Class::Full,
        [wall] if wall.name == LANDLOCK => Class::Partial,
        _ => Class::None,
    };
    Ok(Walls { walls, overlay, class })
}

/// All of them at once, around a program that does nothing.
fn whole(program: &Path) -> Wall {
    let mut spec = Spec::new(system(Network::Loopback, 1 << 20), &["true"]);
    spec.require = Class::Partial;
    let ran = start::run(program, &spec, b"", |_, _| {});
    let missing = ran.map(|_| None).unwrap_or_else(|error| Some(error.to_string()));
    Wall { name: "all together".to_owned(), missing }
}
