//! Whether the tests of a change prove anything: they are run on the base without the rest of the change.

use std::sync::Arc;

use orchestra_pit_core::call::Error;
use orchestra_pit_core::check::prove::{self, Changed, Proof, Proves, Role, Split, Trial, classify, role};
use orchestra_pit_core::check::verdict::{Ran, Runs};
use orchestra_pit_core::commands::Check;
use orchestra_pit_core::id::Oid;
use orchestra_pit_core::map::{Map, Node};
use orchestra_pit_core::path::RepoPath;
use orchestra_pit_core::tree::{self, Sort};

use super::super::around::Around;
use super::super::boxed::Watch;
use super::super::run::blocking;
use super::{Case, Exec, On, object};
use crate::effect::store::{Blob, Object};

/// Bytes of a file that is looked into for tests.
const MOST_TEXT: u64 = 1 << 20;

/// Microseconds that tests have without the change at least.
const LEAST: u64 = 60_000_000;

/// Files of tests that are tried one by one where all together do not build, and times that files which cannot be loaded are
/// left out: each costs a run of the tests.
const MOST_ALONE: usize = 4;

/// Whether a file has tests that can be tried without another's. What pytest loads for all of a folder goes with each.
fn is_alone(path: &str) -> bool {
    role(path) == Role::Test && !path.ends_with("conftest.py")
}

/// What it is tried with.
#[derive(Clone, Copy)]
pub(super) struct Trying<'a> {
    pub(super) case: &'a Case,
    pub(super) checks: &'a Arc<Vec<Check>>,
    pub(super) around: &'a Arc<Around>,
    /// What ran on the whole change.
    pub(super) with: &'a [Runs],
    /// What ran on the base.
    pub(super) before: &'a [Runs],
    pub(super) watch: Watch<'a>,
}

impl<'a> Trying<'a> {
    /// The checks whose output is understood test by test, with what ran on the base: a linter proves nothing.
    fn understood(&self) -> impl Iterator<Item = (&'a Runs, Option<&'a Ran>)> {
        let before = self.before;
        self.with.iter().filter(|runs| runs.first.report.tests().is_some()).map(move |runs| {
            let base = before.iter().find(|base| base.first.name == runs.first.name);
            (runs, base.map(|base| &base.first))
        })
    }
}

impl Exec {
    /// What the change's own tests prove.
    pub(super) async fn prove(&self, trying: &Trying<'_>) -> Result<Option<Proof>, Error> {
        let (exec, of) = (self.clone(), trying.case.clone());
        let texts = blocking(move || exec.changed(&of)).await?;
        let changed: Vec<Changed<'_>> =
            texts.iter().map(|(path, old, new)| Changed { path, old: old.as_deref(), new: new.as_deref() }).collect();
        let split = prove::split(&changed);
        if let Some(why) = split.not_judged() {
            let judged = trying.understood().map(|(with, base)| {
                Proof::not_judged(why.clone(), with.first.report.tests(), base.and_then(|base| base.report.tests()))
            });
            return Ok(Some(judged.reduce(Proof::and).unwrap_or_else(|| Proof::not_judged(why, None, None))));
        }
        let proof = self.all_that_load(trying, &split).await?;
        let (tests, beside): (Vec<&str>, Vec<&str>) = split.tests.iter().copied().partition(|path| is_alone(path));
        let unbuilt = proof.whole() == Proves::DoesNotBuild || !proof.named(Proves::DoesNotBuild).is_empty();
        if proof.whole() == Proves::Proved || !unbuilt || tests.len() < 2 {
            return Ok(Some(proof));
        }
        // One file that needs what is not there keeps the others from being built: each is tried alone.
        let mut all = proof;
        for test in tests.into_iter().take(MOST_ALONE) {
            let alone: Vec<&str> = std::iter::once(test).chain(beside.iter().copied()).collect();
            all = all.and(self.trial(trying, &split, &alone).await?.0);
        }
        Ok(Some(all))
    }

    /// Runs all of the change's tests without the rest of it, and again without the files that cannot be loaded, as long as
    /// these keep the others from being run. A runner names all such files at once, or, told to stop early, one at a time.
    async fn all_that_load(&self, trying: &Trying<'_>, split: &Split<'_>) -> Result<Proof, Error> {
        let mut left = split.tests.clone();
        let (mut proof, mut unloaded) = self.trial(trying, split, &left).await?;
        for _ in 0..MOST_ALONE {
            let before = left.len();
            left.retain(|path| !unloaded.iter().any(|unloaded| unloaded == path));
            if left.len() == before || !left.iter().any(|path| is_alone(path)) {
                break;
            }
            let more;
            (more, unloaded) = self.trial(trying, split, &left).await?;
            proof = proof.and(more);
        }
        Ok(proof)
    }

    /// Runs some of the change's tests without the rest of it. Answers which of their files kept others from being run.
    async fn trial(
        &self,
        trying: &Trying<'_>,
        split: &Split<'_>,
        paths: &[&str],
    ) -> Result<(Proof, Vec<String>), Error> {
        let paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
        let (exec, of) = (self.clone(), trying.case.clone());
        let without = blocking(move || exec.only(&of, &paths)).await?;
        let (mut proof, mut unloaded): (Option<Proof>, _) = (None, Vec::new());
        for (runs, base) in trying.understood() {
            let name = &runs.first.name;
            // A test that waits for what is not there waits no longer than all of them took with the change, and some.
            let most = runs.first.micros.saturating_mul(10).max(LEAST);
            let brief = |check: &Check| Check { timeout: check.timeout.min(most), ..check.clone() };
            let one: Vec<Check> = trying.checks.iter().filter(|check| check.name == *name).map(brief).collect();
            let outcomes =
                self.run_all(trying.case, without, &Arc::new(one), trying.around, trying.watch, On::Tests).await?;
            let Some((first, again)) = outcomes.into_iter().next() else { continue };
            let again = again.as_ref().map(|again| &again.ran);
            let (without, output) = (&first.ran, &*first.output);
            let trial = Trial { split, without, again, output, with: &runs.first, base };
            unloaded.extend(trial.unloaded());
            let found = classify(&trial);
            proof = Some(match proof {
                Some(proof) => proof.and(found),
                None => found,
            });
        }
        let none = || "no check's output is understood test by test".to_owned();
        Ok((proof.unwrap_or_else(|| Proof::not_judged(none(), None, None)), unloaded))
    }

    /// The files that a change touches, with their texts.
    fn changed(&self, case: &Case) -> Result<Vec<Text>, Error> {
        let repo = self.workspaces.repo();
        let mut texts = Vec::new();
        for delta in tree::diff(&**repo, case.base, case.tree)? {
            let Ok(path) = String::from_utf8(delta.path) else { continue };
            let text = |leaf: Option<(u32, Oid)>| match leaf
                .filter(|(mode, _)| matches!(tree::sort(*mode), Sort::File { .. }))
            {
                Some((_, blob)) => match repo.blob(blob, MOST_TEXT)? {
                    Blob::Bytes(bytes) => Ok::<_, Error>(Some(String::from_utf8_lossy(&bytes).into_owned())),
                    Blob::Larger(_) => Ok(Some(String::new())),
                },
                None => Ok(None),
            };
            texts.push((path, text(delta.old)?, text(delta.new)?));
        }
        Ok(texts)
    }

    /// The base with some of the change's files, as a tree that is kept.
    fn only(&self, case: &Case, paths: &[String]) -> Result<Oid, Error> {
        let repo = self.workspaces.repo();
        let mut map = Map::new(case.base);
        for delta in tree::diff(&**repo, case.base, case.tree)? {
            let Ok(path) = String::from_utf8(delta.path) else { continue };
            let (true, Some((mode, blob))) = (paths.contains(&path), delta.new) else { continue };
            let executable = matches!(tree::sort(mode), Sort::File { executable: true });
            map.put(&**repo, &RepoPath::new(&path)?, Node::File { blob, executable })?
                .map_err(crate::effect::workspace::state::clash)?;
        }
        let built = map.build(&**repo)?;
        let trees: Vec<Object<'_>> = built.new.values().map(|tree| object(git2::ObjectType::Tree, tree)).collect();
        if !trees.is_empty() {
            repo.stow(&trees)?;
        }
        Ok(built.root)
    }
}

/// A path with its text before and after.
type Text = (String, Option<String>, Option<String>);
