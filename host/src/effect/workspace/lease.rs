//! Who may write what, among the runs of a tree: one file, one owner.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;

use orchestra_pit_core::call::{Error, ErrorKind};
use orchestra_pit_core::id::RunId;
use orchestra_pit_core::path::RepoPath;

/// The leases of every tree.
#[derive(Default)]
pub(super) struct Leases {
    trees: HashMap<RunId, BTreeMap<RepoPath, RunId>>,
}

impl Leases {
    /// Takes all of the paths, or none.
    pub(super) fn take(&mut self, tree: RunId, run: RunId, paths: &[RepoPath]) -> Result<(), Error> {
        for path in paths {
            self.check(tree, run, path)?;
            self.check_below(tree, run, path)?;
        }
        let held = self.trees.entry(tree).or_default();
        held.extend(paths.iter().map(|path| (path.clone(), run)));
        Ok(())
    }

    pub(super) fn release(&mut self, run: RunId) {
        self.trees.values_mut().for_each(|held| held.retain(|_, owner| *owner != run));
        self.trees.retain(|_, held| !held.is_empty());
    }

    /// Whether nobody else has a path or a folder above it.
    pub(super) fn check(&self, tree: RunId, run: RunId, path: &RepoPath) -> Result<(), Error> {
        let Some(held) = self.trees.get(&tree) else { return Ok(()) };
        for at in std::iter::once(path.as_str()).chain(path.ancestors()) {
            match held.get(at) {
                Some(owner) if *owner != run => return Err(taken(path, *owner)),
                _ => {}
            }
        }
        Ok(())
    }

    /// Whether nobody else has anything below a path.
    fn check_below(&self, tree: RunId, run: RunId, path: &RepoPath) -> Result<(), Error> {
        let Some(held) = self.trees.get(&tree) else { return Ok(()) };
        let (from, to) = (format!("{path}/"), format!("{path}0"));
        match held.range::<str, _>((Bound::Included(&*from), Bound::Excluded(&*to))).find(|(_, owner)| **owner != run) {
            Some((at, owner)) => Err(taken(at, *owner)),
            None => Ok(()),
        }
    }
}

fn taken(path: &RepoPath, owner: RunId) -> Error {
    let error = Error::new(ErrorKind::Conflict, format!("`{path}` is leased by run {}", owner.short()));
    let error = error.hint("leave the file to that run, or wait for it to end");
    Error { more: vec![("run".to_owned(), owner.to_string())], ..error }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> RepoPath {
        RepoPath::new(text).unwrap()
    }

    #[test]
    fn one_file_has_one_owner_until_it_is_released() {
        let (tree, a, b) = (RunId([0; 16]), RunId([1; 16]), RunId([2; 16]));
        let mut leases = Leases::default();
        leases.take(tree, a, &[path("src/ui"), path("README.md")]).unwrap();
        leases.take(tree, a, &[path("README.md")]).unwrap();
        for taken in ["README.md", "src/ui", "src/ui/x.rs", "src"] {
            let refused = leases.take(tree, b, &[path("free"), path(taken)]).unwrap_err();
            assert_eq!(refused.kind, ErrorKind::Conflict, "{taken}");
            assert!(refused.message.contains(&a.short()), "{refused}");
        }
        assert!(leases.check(tree, a, &path("free")).is_ok(), "all or none");
        assert!(leases.check(tree, b, &path("src/ui-kit")).is_ok());
        assert!(leases.check(tree, b, &path("src/ui/x.rs")).is_err());
        assert!(leases.check(RunId([9; 16]), b, &path("README.md")).is_ok(), "another tree's files are others");
        leases.release(a);
        leases.take(tree, b, &[path("README.md"), path("src")]).unwrap();
    }
}
