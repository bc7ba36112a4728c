//! `--with-changes`: what the person has not committed, as a commit that a run starts from; and the way back, when its
//! result is accepted while the very same changes still lie in the working tree.
//!
//! The person's own git adds the files, so that their filters and line ends are the person's. It works on a copy of the
//! index and into a folder of objects of its own: index, files and branches are as they were.

#![expect(clippy::disallowed_methods, reason = "the index is copied, so that the person's own is never written")]

use std::path::{Path, PathBuf};

use orchestra_pit_core::id::{Oid, RunId};
use orchestra_pit_core::policy::likely_secrets;

use super::Failure;
use super::accept::told;
use super::git::Git;
use super::out::note;
use crate::effect::store::Repo;
use crate::surface::exit::Exit;
use crate::surface::words;

/// What the commit says. It is the person's, by name and address, and is on no branch before a result of it is accepted.
const MESSAGE: &str = "Changes that were not committed\n\nTaken along by `pit run --with-changes`.";

/// To look is no act of the person's: no hook, no monitor, no advice.
const QUIET: [&str; 6] =
    ["-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "advice.addEmbeddedRepo=false"];

/// Makes a commit of HEAD with all that is changed or new and not ignored, and pins it for a run. HEAD itself, if
/// there is nothing.
pub fn take(repo: &Repo, run: RunId, head: Oid) -> Result<Oid, Failure> {
    let Some(top) = repo.work_tree() else {
        return Err(Failure::new(Exit::Usage, "a bare repository has no files, and so no changes to take along"));
    };
    let aside = repo.state().join("tmp");
    std::fs::create_dir_all(&aside)?;
    let aside = tempfile::Builder::new().prefix("changes-").tempdir_in(&aside)?;
    let (index, objects) = (aside.path().join("index"), aside.path().join("objects"));
    std::fs::create_dir_all(objects.join("pack"))?;
    let here = Git::at(&top);
    // A copy keeps what is known of each file, and which are left out of a sparse tree.
    let own = top.join(here.text(&["rev-parse", "--git-path", "index"])?);
    let copied = own.is_file();
    if copied {
        std::fs::copy(&own, &index)?;
    }
    let here = here
        .with("GIT_INDEX_FILE", &index)
        .with("GIT_OBJECT_DIRECTORY", &objects)
        .with("GIT_ALTERNATE_OBJECT_DIRECTORIES", repo.common().join("objects"));
    if !copied {
        here.run(&["read-tree", &head.to_string()])?;
    }
    let secrets = secrets(&here)?;
    here.run(&[&QUIET[..], &["add", "--all", "--", "."]].concat())?;
    if !secrets.is_empty() {
        let paths = secrets.iter().map(String::as_str);
        here.run(&["update-index", "--force-remove", "--"].into_iter().chain(paths).collect::<Vec<_>>())?;
        let named = secrets.iter().map(|path| words::line(path, 100)).collect::<Vec<_>>().join(", ");
        note!("not taken along, for they look like secrets and nobody added them: {named}");
    }
    let tree = here.text(&["write-tree"])?;
    if tree == here.text(&["rev-parse", &format!("{head}^{{tree}}")])? {
        return Ok(head);
    }
    let made = here.text(&["commit-tree", "-p", &head.to_string(), "-m", MESSAGE, &tree])?;
    let made = Oid::parse(&made).ok_or_else(|| Failure::new(Exit::Failed, "git made no commit of the changes"))?;
    repo.adopt(&objects, run, made).map_err(told)?;
    Ok(made)
}

/// New files that look like secrets. One that the person has added to the index is meant to be in a commit.
fn secrets(here: &Git) -> Result<Vec<String>, Failure> {
    let likely = likely_secrets();
    let mut new = here.list(&["ls-files", "--others", "--exclude-standard", "-z"])?;
    new.retain(|path| likely.has(path));
    Ok(new)
}

/// A working tree in which changes may lie that a run took along.
pub struct Taken {
    top: PathBuf,
    git: Git,
    base: Oid,
}

impl Taken {
    /// If the run's base is no commit of the branch's, it was made of changes.
    pub fn find(repo: &Repo, folder: &Path, onto: Oid, base: Oid) -> Result<Option<Self>, Failure> {
        let on_branch = repo.reaches(onto, base).map_err(told)?;
        let git = Git::at(folder).with("GIT_LITERAL_PATHSPECS", "1");
        Ok((!on_branch).then(|| Self { top: folder.to_owned(), git, base }))
    }

    /// Whether a file of the person's is as the run took it along: then the result has it, and putting it away loses nothing.
    pub fn has(&self, path: &str) -> bool {
        let of = |args: &[&str]| self.git.try_run(args).ok().filter(|said| said.done).map(|said| said.out);
        let Some(then) = of(&["ls-tree", &self.base.to_string(), "--", path]) else { return false };
        let now = std::fs::symlink_metadata(self.top.join(path));
        match now {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => then.is_empty(),
            // Git would follow a link here, so links are left to the person.
            Ok(now) if now.is_file() && then.starts_with(b"100") => {
                let blob =
                    of(&["rev-parse", "--verify", "--quiet", "--end-of-options", &format!("{}:{path}", self.base)]);
                blob.is_some() && blob == of(&["hash-object", "--path", path, "--", path])
            }
            _ => false,
        }
    }

    /// Makes files what they are in the result, so that git finds nothing in its way.
    pub fn put_away(&self, paths: &[String], new: &str) -> Result<(), Failure> {
        self.restore(&["--staged", "--worktree", "--source", new], paths)
    }

    /// Makes files what the run took along, uncommitted as they were.
    pub fn put_back(&self, paths: &[String]) -> Result<(), Failure> {
        self.restore(&["--staged", "--source", "HEAD"], paths)?;
        self.restore(&["--worktree", "--source", &self.base.to_string()], paths)
    }

    fn restore(&self, how: &[&str], paths: &[String]) -> Result<(), Failure> {
        if paths.is_empty() {
            return Ok(());
        }
        let mut args = [&QUIET[..], &["restore", "--quiet"], how].concat();
        args.push("--");
        args.extend(paths.iter().map(String::as_str));
        self.git.run(&args).map(drop)
    }
}
