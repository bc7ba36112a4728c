//! `vcs.integrate`: a child's commits into the branch of its parent, by a merge commit or not at all.
//!
//! Three trees are compared folder by folder, so the cost follows the changes. A file that both sides changed is merged by
//! its lines with git's own merge; nothing of `.gitattributes` is asked, since a merge driver is a program. Renames are
//! not guessed: a file that one side moved and the other changed is a conflict, which the child can resolve.

use std::collections::BTreeMap;

use orchestra_pit_core::call::vcs::{Conflict, Integration};
use orchestra_pit_core::call::{Error, ErrorKind, Site};
use orchestra_pit_core::id::Oid;
use orchestra_pit_core::map::{Clash, Map, Node};
use orchestra_pit_core::path::RepoPath;
use orchestra_pit_core::time::Time;
use orchestra_pit_core::tree::{self, Sort};

use super::super::store::{Blob, Repo, failed, git_id, our_id};
use super::super::workspace::{MAX_FILE, State, search::is_binary};
use super::commit::Draft;
use super::message;

/// Bytes of each of a conflict's three texts that are shown.
const MAX_SHOWN: usize = 256 << 10;

/// Conflicts that are shown at most.
const MAX_CONFLICTS: usize = 100;

pub(super) fn integrate(
    repo: &Repo,
    state: &mut State,
    site: &Site,
    tip: Oid,
    text: &str,
    at: Time,
) -> Result<Integration, Error> {
    if !state.map().is_empty() {
        return Err(Error::new(ErrorKind::Conflict, "the workspace has changes; commit them or go back first"));
    }
    let ours = state.head();
    if repo.reaches(ours, tip)? {
        return Ok(Integration::Nothing);
    }
    let message = message::message(site, text)?;
    let base = repo
        .with(|repo| repo.merge_base(git_id(ours), git_id(tip)))
        .map_err(|_| Error::new(ErrorKind::Conflict, "the two histories have nothing in common"))?;
    let sides = [repo.tree_of(our_id(base))?, repo.tree_of(ours)?, repo.tree_of(tip)?];
    let mut merge = Merge { repo, state, map: Map::new(sides[1]), conflicts: Vec::new() };
    merge.run(sides)?;
    let Merge { map, conflicts, .. } = merge;
    if !conflicts.is_empty() {
        return Ok(Integration::Conflicts(conflicts));
    }
    // From here on the workspace is the merge; if the branch will not move, it is what it was.
    let before = state.mark();
    state.take(map);
    let built = state.built(repo)?;
    let draft = Draft { tree: built.root, parents: vec![ours, tip], message };
    match draft.land(repo, state, site, at, &built) {
        Ok(id) => {
            state.stand_on(id, built.root);
            Ok(Integration::Merged(super::shown(repo, id)?))
        }
        Err(error) => {
            state.go_back(before);
            Err(error)
        }
    }
}

/// Mode and id of a side, if it has the path.
type Side = Option<(u32, Oid)>;

struct Merge<'a> {
    repo: &'a Repo,
    state: &'a mut State,
    /// Our tree, and what of theirs is taken.
    map: Map,
    conflicts: Vec<Conflict>,
}

impl Merge<'_> {
    fn run(&mut self, [base, ours, theirs]: [Oid; 3]) -> Result<(), Error> {
        let mine: BTreeMap<_, _> = changes(self.repo, base, ours)?;
        let mut taken = Vec::new();
        for (path, (was, their)) in changes(self.repo, base, theirs)? {
            let path = std::str::from_utf8(&path).ok().and_then(|path| RepoPath::new(path).ok()).ok_or_else(|| {
                Error::new(ErrorKind::Unsupported, "the child changed a path that no workspace can name")
            })?;
            let our = match mine.get(path.as_bytes()) {
                None => was,
                Some((_, our)) => *our,
            };
            if our == their {
                continue;
            }
            match if our == was { Some(their) } else { self.both(&path, was, our, their)? } {
                Some(merged) => taken.push((path, merged, [was, our, their])),
                None => self.conflict(&path, [was, our, their])?,
            }
        }
        // Removals first: a file may take the place of a folder.
        taken.sort_by_key(|(_, merged, _)| merged.is_some());
        for (path, merged, sides) in taken {
            let node = node(merged)?;
            match self.map.put(self.repo, &path, node)? {
                Ok(()) | Err(Clash::Nothing(_)) => {}
                Err(_) => self.conflict(&path, sides)?,
            }
        }
        Ok(())
    }

    /// A path that both sides changed, each its own way.
    fn both(&mut self, path: &RepoPath, was: Side, our: Side, their: Side) -> Result<Option<Side>, Error> {
        let (Some((our_mode, our_id)), Some((their_mode, their_id))) = (our, their) else { return Ok(None) };
        let is_file = |mode| matches!(tree::sort(mode), Sort::File { .. });
        if !is_file(our_mode) || !is_file(their_mode) || was.is_some_and(|(mode, _)| !is_file(mode)) {
            return Ok(None);
        }
        let mode = if was.map(|(mode, _)| mode) == Some(our_mode) { their_mode } else { our_mode };
        if mode != their_mode && was.map(|(mode, _)| mode) != Some(their_mode) {
            return Ok(None);
        }
        if our_id == their_id {
            return Ok(Some(Some((mode, our_id))));
        }
        let was_id = was.map(|(_, id)| id);
        if was_id == Some(our_id) || was_id == Some(their_id) {
            let id = if was_id == Some(our_id) { their_id } else { our_id };
            return Ok(Some(Some((mode, id))));
        }
        let sides = (self.text(was_id)?, self.text(Some(our_id))?, self.text(Some(their_id))?);
        let (Some(was), Some(our), Some(their)) = sides else { return Ok(None) };
        match lines(&was, &our, &their)? {
            None => Ok(None),
            Some(merged) => {
                let blob = self.state.hold(self.repo, path, &merged.into())?;
                Ok(Some(Some((mode, blob))))
            }
        }
    }

    /// A text that can be merged by its lines.
    fn text(&self, id: Option<Oid>) -> Result<Option<std::sync::Arc<[u8]>>, Error> {
        let Some(id) = id else { return Ok(Some(std::sync::Arc::from([]))) };
        match self.state.blob(self.repo, id, MAX_FILE)? {
            Blob::Bytes(bytes) if !is_binary(&bytes) => Ok(Some(bytes)),
            Blob::Bytes(_) | Blob::Larger(_) => Ok(None),
        }
    }

    fn conflict(&mut self, path: &RepoPath, [was, our, their]: [Side; 3]) -> Result<(), Error> {
        if self.conflicts.len() >= MAX_CONFLICTS {
            return Ok(());
        }
        let show = |side: Side| -> Result<String, Error> {
            let Some((mode, id)) = side else { return Ok(String::new()) };
            if tree::sort(mode) == Sort::Submodule {
                return Ok(format!("(submodule at {id})"));
            }
            match self.state.blob(self.repo, id, MAX_FILE)? {
                Blob::Bytes(bytes) if !is_binary(&bytes) => {
                    let mut text = String::from_utf8_lossy(&bytes).into_owned();
                    text.truncate(text.floor_char_boundary(MAX_SHOWN.min(text.len())));
                    Ok(text)
                }
                Blob::Bytes(bytes) => Ok(format!("(binary, {} bytes)", bytes.len())),
                Blob::Larger(size) => Ok(format!("({size} bytes)")),
            }
        };
        let conflict = Conflict { path: path.to_string(), base: show(was)?, ours: show(our)?, theirs: show(their)? };
        self.conflicts.push(conflict);
        Ok(())
    }
}

/// What a side changed, by path: what was there, and what is now.
fn changes(repo: &Repo, base: Oid, side: Oid) -> Result<BTreeMap<Vec<u8>, (Side, Side)>, Error> {
    Ok(tree::diff(repo, base, side)?.into_iter().map(|delta| (delta.path, (delta.old, delta.new))).collect())
}

fn node(side: Side) -> Result<Node, Error> {
    match side.map(|(mode, blob)| (tree::sort(mode), blob)) {
        None => Ok(Node::Gone),
        Some((Sort::File { executable }, blob)) => Ok(Node::File { blob, executable }),
        Some((Sort::Symlink, blob)) => Ok(Node::Symlink { blob }),
        Some((Sort::Submodule | Sort::Directory, _)) => {
            Err(Error::new(ErrorKind::Unsupported, "the child changed a submodule"))
        }
    }
}

/// Three texts by their lines; `None` where they do not fit.
fn lines(was: &[u8], our: &[u8], their: &[u8]) -> Result<Option<Vec<u8>>, Error> {
    let input = |content| {
        let mut input = git2::MergeFileInput::new();
        input.content(content);
        input
    };
    let merged = git2::merge_file(&input(was), &input(our), &input(their), None).map_err(|error| failed(&error))?;
    Ok(merged.is_automergeable().then(|| merged.content().to_vec()))
}
