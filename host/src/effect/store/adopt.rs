//! Taking over objects that the person's own git has made aside.

#![expect(clippy::disallowed_methods, reason = "reads a folder of objects that was made for this")]

use std::path::Path;

use orchestra_pit_core::call::Error;
use orchestra_pit_core::id::{Oid, RunId};

use super::{Object, Repo, failed};

impl Repo {
    /// Takes over all objects of a folder, and pins the commit that needs them as a run's base: at no moment could a
    /// collection have them.
    pub fn adopt(&self, folder: &Path, run: RunId, commit: Oid) -> Result<(), Error> {
        let objects = read(folder).map_err(|error| failed(&error))?;
        let kept = self.write(&objects)?;
        self.pin_base(run, commit)?;
        drop(kept);
        Ok(())
    }
}

fn read(folder: &Path) -> Result<Vec<Object<'static>>, git2::Error> {
    let odb = git2::Odb::new()?;
    odb.add_disk_alternate(&folder.to_string_lossy())?;
    let mut ids = Vec::new();
    odb.foreach(|id| {
        ids.push(*id);
        true
    })?;
    let object = |id| odb.read(id).map(|found| Object { kind: found.kind(), bytes: found.data().to_vec().into() });
    ids.into_iter().map(object).collect()
}
