//! Which walls this machine gives to native commands, tried where their files would be.

#![expect(clippy::disallowed_methods, reason = "makes a folder of pit's own to try an overlay in")]

use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

use orchestra_pit_core::call::{Error, ErrorKind};
use orchestra_pit_sandbox::{Walls, walls};

use super::Machine;
use super::folder::{Folder, unique};
use super::owner;

/// Tries each wall, and an overlay below the folder of the caches.
pub fn probe(machine: &Machine) -> Result<Walls, Error> {
    let cannot = |error: &dyn std::fmt::Display| {
        Error::new(ErrorKind::Unavailable, format!("the walls could not be tried: {error}"))
            .hint("`pit doctor` says more of the folders that pit uses")
    };
    let name = format!("probe.{}", unique());
    made(&machine.cache, &name).map_err(|error| cannot(&error))?;
    let tried = walls(&machine.program, &machine.cache.join(&name)).map_err(|error| cannot(&error));
    // A folder that is left is empty, and nobody's way.
    let _ = fs::remove_dir(machine.cache.join(&name));
    tried
}

fn made(cache: &Path, name: &str) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(cache)?;
    Folder::open(cache, owner())?.make(name.as_bytes()).map(drop)
}
