//! `vcs.commit`: the whole workspace on the agent's own branch, without a checkout.

use orchestra_pit_core::call::vcs::Commit;
use orchestra_pit_core::call::{Error, ErrorKind, Site};
use orchestra_pit_core::id::Oid;
use orchestra_pit_core::map::Built;
use orchestra_pit_core::time::Time;

use super::super::store::{Object, Repo, Was, hash};
use super::super::workspace::State;
use super::message;

pub(super) fn commit(repo: &Repo, state: &mut State, site: &Site, text: &str, at: Time) -> Result<Commit, Error> {
    if state.map().is_empty() {
        return Err(Error::new(ErrorKind::Conflict, "nothing has changed since the last commit"));
    }
    let built = state.built(repo)?;
    let draft = Draft { tree: built.root, parents: vec![state.head()], message: message::message(site, text)? };
    let id = draft.land(repo, state, site, at, &built)?;
    state.stand_on(id, built.root);
    super::shown(repo, id)
}

/// A commit before it is one.
pub(super) struct Draft {
    pub(super) tree: Oid,
    /// The first is where the branch is.
    pub(super) parents: Vec<Oid>,
    pub(super) message: String,
}

impl Draft {
    /// Git's bytes of it: all from the order and the person's configuration, nothing from the moment.
    fn bytes(&self, repo: &Repo, site: &Site, at: Time) -> Vec<u8> {
        use std::fmt::Write as _;
        let mut text = format!("tree {}\n", self.tree);
        let seconds = at.0 / 1_000_000;
        let person = repo.person();
        // Writing into a string does not fail.
        for parent in &self.parents {
            let _ = writeln!(text, "parent {parent}");
        }
        let _ = writeln!(text, "author {} {seconds} +0000", message::author(site));
        let _ = write!(text, "committer {} <{}> {seconds} +0000\n\n{}", person.name, person.email, self.message);
        text.into_bytes()
    }

    /// Writes everything that is new, then moves the branch if it still is where the workspace stands.
    pub(super) fn land(&self, repo: &Repo, state: &State, site: &Site, at: Time, built: &Built) -> Result<Oid, Error> {
        let branch = &state.branch;
        if let Some(place) = repo.checked_out(branch) {
            let error = Error::new(
                ErrorKind::Conflict,
                format!("{branch} is checked out ({}), so it was left as it is", place.display()),
            );
            return Err(error.hint("switch that work tree to another branch"));
        }
        let bytes = self.bytes(repo, site, at);
        let id = hash(git2::ObjectType::Commit, &bytes);
        let tip = repo.ref_at(branch)?;
        if let Some(made) = tip.filter(|tip| *tip == id || self.is_made(repo, *tip, site, at)) {
            repo.pin_head(state.run, made)?;
            return Ok(made);
        }
        let was = match tip {
            None if state.head() == state.base() => Was::Absent,
            _ => Was::At(state.head()),
        };
        let blobs = state.new_blobs(repo)?;
        let mut objects = vec![Object { kind: git2::ObjectType::Commit, bytes: bytes.into() }];
        objects.extend(built.new.values().map(|tree| Object { kind: git2::ObjectType::Tree, bytes: (&**tree).into() }));
        objects.extend(blobs.iter().map(|blob| Object { kind: git2::ObjectType::Blob, bytes: (&**blob).into() }));
        let kept = repo.write(&objects)?;
        repo.move_ref(branch, was, id, "pit: commit")?;
        repo.pin_head(state.run, id)?;
        drop(kept);
        Ok(id)
    }

    /// Whether a commit is this one, made in an earlier life by a person who had another name then.
    fn is_made(&self, repo: &Repo, tip: Oid, site: &Site, at: Time) -> bool {
        let same = repo.with(|repo| {
            let tip = repo.find_commit(super::git_id(tip))?;
            let parents: Vec<Oid> = tip.parent_ids().map(super::our_id).collect();
            let author = tip.author();
            Ok(super::our_id(tip.tree_id()) == self.tree
                && parents == self.parents
                && tip.message_bytes() == self.message.as_bytes()
                && u64::try_from(author.when().seconds()) == Ok(at.0 / 1_000_000)
                && message::author(site).as_bytes()
                    == [author.name_bytes(), b" <", author.email_bytes(), b">"].concat())
        });
        same.unwrap_or(false)
    }
}
