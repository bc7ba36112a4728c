//! What commands work on: the repository they were started in, and the runs that people name in it.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use orchestra_pit_core::id::RunId;

use super::Failure;
use crate::assemble::{self, Pit};
use crate::config::dirs::Dirs;
use crate::config::file;
use crate::effect::exec::tools::{Home, VARIABLES};
use crate::effect::exec::{Machine, NETWORK};
use crate::effect::model::models::Models;
use crate::effect::store::Repo;
use crate::guest::Places;
use crate::journal::{Journal, Row, TreeRow};
use crate::run::State;
use crate::run::owner::Bells;
use crate::surface::exit::Exit;

/// Where a command was started.
#[derive(Debug)]
pub struct Place {
    directory: PathBuf,
    hosts: Option<RunId>,
    attended: bool,
    printing: bool,
}

/// A repository with its journal: enough to look, to answer and to send.
pub struct Desk {
    /// The repository.
    pub repo: Arc<Repo>,
    /// Its journal.
    pub journal: Journal,
    /// How owners are found.
    pub bells: Bells,
}

impl Place {
    /// Goes into a folder, as git's `-C` does: whatever else the command line names is meant from there.
    pub fn enter(directory: &Path) -> Result<Self, Failure> {
        let enter = || {
            std::env::set_current_dir(directory)?;
            std::env::current_dir()
        };
        let entered =
            enter().map_err(|error| Failure::new(Exit::Usage, format!("{}: {error}", directory.display())))?;
        Ok(Self { directory: entered, hosts: None, attended: false, printing: false })
    }

    /// The same for a process that was started to be the host of a run, away from any terminal.
    #[must_use]
    pub fn hosting(self, hosts: Option<RunId>, attended: bool) -> Self {
        Self { hosts, attended, ..self }
    }

    /// The same as if no terminal were there: for `-p`.
    #[must_use]
    pub fn printing(self, printing: bool) -> Self {
        Self { printing, ..self }
    }

    /// The run that this process was started to be the host of.
    pub fn hosts(&self) -> Option<RunId> {
        self.hosts
    }

    /// Whether somebody is there to be asked: at this terminal, or at the one that `-d` was typed at.
    pub fn attended(&self) -> bool {
        self.attended || self.has_terminal()
    }

    /// Whether somebody can be asked here and now.
    pub fn has_terminal(&self) -> bool {
        !self.printing && std::io::stdin().is_terminal()
    }

    /// A path as a person named it, from here.
    pub fn join(&self, path: &Path) -> PathBuf {
        self.directory.join(path)
    }

    /// The repository alone.
    pub fn repo(&self) -> Result<Arc<Repo>, Failure> {
        Ok(assemble::repository(&self.directory)?)
    }

    /// The repository's runs, to look at.
    pub fn desk(&self) -> Result<Desk, Failure> {
        let repo = assemble::repository(&self.directory)?;
        let journal = assemble::journal_if_any(&repo)?;
        let bells = assemble::bells(&repo, bells(&dirs())?);
        Ok(Desk { repo, journal, bells })
    }

    /// Everything it takes to run agents that ask these models.
    pub fn pit(&self, models: Models) -> Result<Pit, Failure> {
        let repo = assemble::repository(&self.directory)?;
        let dirs = dirs();
        let folder = |path: &Option<PathBuf>| path.clone().ok_or_else(|| no_folder(&dirs));
        let places = Places { code: folder(&dirs.cache)?.join("code"), key: folder(&dirs.state)?.join("code.key") };
        let bells = bells(&dirs)?;
        Ok(assemble::pit(repo, places, bells, models, machine(&dirs))?)
    }

    /// What native commands need of the machine; none without a folder for their files.
    pub fn machine(&self) -> Option<Machine> {
        machine(&dirs())
    }
}

fn machine(dirs: &Dirs) -> Option<Machine> {
    let network = NETWORK.iter().filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?))).collect();
    Some(Machine { network, ..Machine::new(dirs.cache.clone()?, home()) })
}

/// The person's home, and where tools have their folders.
pub fn home() -> Option<Home> {
    let folder = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|folder| folder.is_absolute());
    let elsewhere = VARIABLES.iter().filter_map(|(name, first)| Some((*first, folder(name)?))).collect();
    folder("HOME").map(|folder| Home { folder, elsewhere })
}

/// The user's folders, by the environment.
pub fn dirs() -> Dirs {
    Dirs::find(&|name| std::env::var_os(name))
}

/// The folder of the doorbells. A socket's path may be a hundred bytes long: the runtime folder is short where there is one.
fn bells(dirs: &Dirs) -> Result<PathBuf, Failure> {
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|path| path.is_absolute());
    let runtime = runtime.map(|path| path.join("orchestra-pit")).filter(|path| file::private_dir(path).is_ok());
    let bells =
        runtime.or_else(|| dirs.state.as_ref().map(|state| state.join("bells"))).ok_or_else(|| no_folder(dirs))?;
    file::private_dir(&bells)?;
    Ok(bells)
}

fn no_folder(dirs: &Dirs) -> Failure {
    let why =
        dirs.notices.iter().map(|notice| format!("{}: {}", notice.what, notice.why)).collect::<Vec<_>>().join("; ");
    Failure::new(Exit::Failed, format!("there is no private folder to work with ({why})"))
        .hint("set HOME or TMPDIR to a folder that can be written")
}

/// A run as a person named it.
#[derive(Clone, Debug)]
pub struct Named {
    /// Its tree.
    pub tree: RunId,
    /// The run.
    pub run: RunId,
}

/// By which the newest tree is named where a name is needed; no id begins so, for they are hexadecimal.
const NEWEST: &str = "last";

/// Finds the run that a person means: `3f` a tree by the beginning of its id, `3f.2` a run of it, `last` or nothing the
/// newest tree.
pub async fn find(journal: &Journal, text: Option<&str>) -> Result<Named, Failure> {
    let mut trees = journal.trees().await?;
    // Of a run that was removed only the headers are left.
    trees.retain(|row| row.first.started.is_some());
    let Some(text) = text.filter(|text| *text != NEWEST) else {
        let newest = trees.last().ok_or_else(nothing_yet)?;
        return Ok(Named { tree: newest.first.tree, run: newest.first.tree });
    };
    let (tree, ordinal) = match text.split_once('.') {
        Some((tree, ordinal)) => (tree, Some(ordinal)),
        None => (text, None),
    };
    let found: Vec<&TreeRow> =
        trees.iter().filter(|row| row.first.tree.to_string().starts_with(&tree.to_lowercase())).collect();
    let tree = match found.as_slice() {
        _ if trees.is_empty() => return Err(nothing_yet()),
        [] => {
            let part = if ordinal.is_none() { part(journal, &trees, text).await? } else { None };
            let none = || Failure::new(Exit::Usage, format!("there is no run `{text}` here")).hint("pit ls lists them");
            return part.ok_or_else(none);
        }
        [one] => one.first.tree,
        many => {
            let ids = many.iter().map(|row| row.first.tree.short()).collect::<Vec<_>>().join(", ");
            return Err(Failure::new(Exit::Usage, format!("`{tree}` may be any of {ids}")));
        }
    };
    let run = match ordinal {
        None => tree,
        Some(ordinal) => {
            let state = state(journal, tree).await?;
            let place: Option<usize> = ordinal.parse().ok();
            *place.and_then(|place| state.order.get(place)).ok_or_else(|| {
                Failure::new(Exit::Usage, format!("run {} has no run {ordinal}", tree.short()))
                    .hint(format!("pit status {} lists them", tree.short()))
            })?
        }
    };
    Ok(Named { tree, run })
}

/// Characters of an id that people are shown.
const SHOWN: usize = 8;

/// A part of a run by an id of its own, which people see where it is named to agents; none if it may be several, or is shorter
/// than what they see: a slip of the finger must not reach what nobody meant.
async fn part(journal: &Journal, trees: &[TreeRow], text: &str) -> Result<Option<Named>, Failure> {
    let wanted = text.to_lowercase();
    if wanted.len() < SHOWN {
        return Ok(None);
    }
    let mut found = None;
    for tree in trees.iter().map(|row| row.first.tree) {
        for run in journal.runs(tree).await?.into_iter().map(|row| row.run) {
            if run.to_string().starts_with(&wanted) && found.replace(Named { tree, run }).is_some() {
                return Ok(None);
            }
        }
    }
    Ok(found)
}

fn nothing_yet() -> Failure {
    Failure::new(Exit::Usage, "nothing has been run in this repository yet").hint("pit run \"…\" starts a team")
}

/// What a tree stands at, from its records.
pub async fn state(journal: &Journal, tree: RunId) -> Result<State, Failure> {
    let apply = |state: &mut State, row: Row| {
        if let Some(event) = &row.event {
            state.apply(row.header.run, row.header.at, event);
        }
    };
    Ok(journal.fold_tree(tree, 0, State::default(), apply).await?)
}
