//! The part of a repository's objects that a run may read, in a database of its own, for a run from which files are withheld:
//! all commits and tags, the folders of the commits that it stands on, and of their files those that it may read.
//!
//! So `git describe`, `git status` and `git diff` work, and no content of a withheld file is there to be had, however
//! old. Each database is for one set of paths, is shared by all runs that may read just those, and grows with the commits
//! they make. It is not flushed, so it is believed until the machine is started anew.

#![expect(clippy::disallowed_methods, reason = "the database and its marks are pit's own")]

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use orchestra_pit_core::call::{self, Error, ErrorKind};
use orchestra_pit_core::id::{Hash, Oid};
use orchestra_pit_core::pattern::PathSet;
use orchestra_pit_core::tree::{self, Sort, Step, Trees as _};

use super::super::checkout::failed;
use super::super::folder::{boot, unique};
use super::super::layer::hold;
use super::{Tag, unavailable};
use crate::effect::store::{Blob, Repo, git_id};

/// Commits of a history that are taken. One that is longer is shown as a shallow clone shows it.
const MOST_COMMITS: usize = 100_000;

/// Bytes of one file that is taken: of a larger one git has the name, and no content to compare with.
const MOST_BYTES: u64 = 32 << 20;

/// What a run may not read.
#[derive(Clone, Copy)]
pub struct Withheld<'a> {
    /// What it may.
    pub read: &'a PathSet,
    /// The user's folder for what can be made again.
    pub cache: &'a Path,
}

impl Withheld<'_> {
    /// Whether a file is withheld.
    pub(super) fn has(&self, path: &[u8]) -> bool {
        !std::str::from_utf8(path).is_ok_and(|path| self.read.has(path))
    }
}

/// Where such databases are.
pub(in super::super) fn folder(cache: &Path) -> PathBuf {
    cache.join("objects")
}

/// Such a database. It is not removed while this lives.
#[derive(Debug)]
pub(super) struct Part {
    place: PathBuf,
    _lock: File,
}

impl Part {
    /// That of a repository and of a set of paths.
    pub(super) fn open(repo: &Repo, withheld: &Withheld<'_>) -> Result<Self, Error> {
        let of = (repo.common().as_os_str().as_encoded_bytes(), boot(), withheld.read);
        let id = Hash::of(&call::canonical(&of)).to_string();
        let place = folder(withheld.cache).join(&id[..32]);
        let fail = |error: io::Error| failed(&place, &error);
        let part = Self { _lock: hold(&place).map_err(fail)?, place: place.clone() };
        if !part.objects().is_dir() {
            // Made aside: others may be at it, and what is half made is never seen.
            let aside = place.join(unique());
            let mut plain = git2::RepositoryInitOptions::new();
            plain.bare(true).external_template(false);
            git2::Repository::init_opts(&aside, &plain).map_err(|error| unavailable(&error))?;
            match fs::rename(&aside, place.join("git")) {
                Err(_) if part.objects().is_dir() => fs::remove_dir_all(aside).map_err(fail)?,
                other => other.map_err(fail)?,
            }
        }
        Ok(part)
    }

    /// The objects.
    pub(super) fn objects(&self) -> PathBuf {
        self.place.join("git/objects")
    }

    /// Has the objects of commits there, and of tags: those that are of no commit are taken away. Answers at which commits a history
    /// ends although it goes on, a line each.
    pub(super) fn follow(
        &self,
        repo: &Repo,
        withheld: &Withheld<'_>,
        stands_on: &[Oid],
        tags: &mut Vec<Tag>,
    ) -> Result<String, Error> {
        let fail = |error: io::Error| failed(&self.place, &error);
        let marks = self.place.join("marks");
        fs::create_dir_all(&marks).map_err(fail)?;
        let own = git2::Repository::open_bare(self.place.join("git")).map_err(|error| unavailable(&error))?;
        let odb = own.odb().map_err(|error| unavailable(&error))?;
        for commit in stands_on {
            let tree = repo.tree_of(*commit)?;
            let mark = marks.join(tree.to_string());
            if !mark.exists() {
                files(repo, &odb, tree, withheld)?;
                fs::write(mark, "").map_err(fail)?;
            }
        }
        let ends = self.place.join("ends");
        let tips: Vec<Oid> = stands_on.iter().copied().chain(tags.iter().map(|(_, tag, _)| *tag)).collect();
        let mut known = File::options().create(true).append(true).read(true).open(&ends).map_err(fail)?;
        known.write_all(histories(repo, &odb, &tips)?.as_bytes()).map_err(fail)?;
        tags.retain(|(_, tag, _)| is_there(&odb, *tag));
        fs::read_to_string(ends).map_err(fail)
    }
}

fn is_there(odb: &git2::Odb<'_>, id: Oid) -> bool {
    odb.exists_ext(git_id(id), git2::OdbLookupFlags::NO_REFRESH)
}

fn put(odb: &git2::Odb<'_>, kind: git2::ObjectType, bytes: &[u8]) -> Result<(), Error> {
    odb.write(kind, bytes).map(drop).map_err(|error| unavailable(&error))
}

/// Takes the folders of a tree and the files in them that are not withheld.
fn files(repo: &Repo, odb: &git2::Odb<'_>, root: Oid, withheld: &Withheld<'_>) -> Result<(), Error> {
    let mut folders = vec![root];
    tree::walk(repo, root, &mut |path, item| {
        match item.sort() {
            Sort::Directory => {
                folders.push(item.id);
                return Ok(Step::Into);
            }
            Sort::File { .. } | Sort::Symlink if !withheld.has(path) && !is_there(odb, item.id) => {
                if let Blob::Bytes(bytes) = repo.blob(item.id, MOST_BYTES)? {
                    put(odb, git2::ObjectType::Blob, &bytes)?;
                }
            }
            _ => {}
        }
        Ok::<_, Error>(Step::Over)
    })?;
    folders.retain(|folder| !is_there(odb, *folder));
    let mut taken = HashSet::new();
    for folder in folders.into_iter().filter(|folder| taken.insert(*folder)) {
        put(odb, git2::ObjectType::Tree, &repo.tree(folder)?)?;
    }
    Ok(())
}

/// Takes commits, tags and all commits before them, those first: what is there has its whole history there.
fn histories(repo: &Repo, odb: &git2::Odb<'_>, tips: &[Oid]) -> Result<String, Error> {
    let mut next: Vec<(Oid, bool)> = tips.iter().rev().map(|tip| (*tip, false)).collect();
    let (mut seen, mut ends) = (HashSet::new(), String::new());
    while let Some((id, is_after_its_parents)) = next.pop() {
        if is_after_its_parents {
            let (kind, bytes, before) = object(repo, id)?;
            let is_whole = before.iter().all(|before| is_there(odb, *before));
            match kind {
                git2::ObjectType::Commit if !is_whole => ends.push_str(&format!("{id}\n")),
                // It is of a file, or its commit is not taken.
                git2::ObjectType::Tag if !is_whole => continue,
                _ => {}
            }
            put(odb, kind, &bytes)?;
        } else if seen.len() < MOST_COMMITS && !is_there(odb, id) && seen.insert(id) {
            // Where a shallow clone ends there is none.
            let Ok((_, _, before)) = object(repo, id) else { continue };
            next.push((id, true));
            next.extend(before.iter().rev().map(|parent| (*parent, false)));
        }
    }
    Ok(ends)
}

/// A commit with its parents, or a tag with what it is of, as they say themselves: libgit2 leaves out the parents that a shallow
/// clone has not.
fn object(repo: &Repo, id: Oid) -> Result<(git2::ObjectType, Vec<u8>, Vec<Oid>), Error> {
    let (kind, bytes) = repo.odb(id, |odb| {
        let object = odb.read(git_id(id))?;
        Ok((object.kind(), object.data().to_vec()))
    })?;
    let word = match kind {
        git2::ObjectType::Commit => "parent ",
        git2::ObjectType::Tag => "object ",
        _ => return Err(Error::new(ErrorKind::NotFound, format!("{id} is neither a commit nor a tag"))),
    };
    let lines = bytes.split(|byte| *byte == b'\n').take_while(|line| !line.is_empty());
    let named = lines.filter_map(|line| std::str::from_utf8(line.strip_prefix(word.as_bytes())?).ok());
    let before = named.filter_map(Oid::parse).collect();
    Ok((kind, bytes, before))
}
