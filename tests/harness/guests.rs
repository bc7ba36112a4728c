//! The test agents of `tests/guests`, as `cargo xtask guests` builds them.

use std::path::{Path, PathBuf};
use std::{env, fs};

/// Where a test agent lies. Those in Rust are named like their source (`steps`), the others with their language
/// (`hello-c`, `hello-python`).
///
/// # Panics
/// If it has not been built.
#[must_use]
pub fn path(name: &str) -> PathBuf {
    let path = folder().join(format!("{name}.wasm"));
    assert!(path.is_file(), "{} is not there; type: cargo xtask guests", path.display());
    path
}

/// A test agent's component.
///
/// # Panics
/// If it has not been built.
#[must_use]
pub fn component(name: &str) -> Vec<u8> {
    fs::read(path(name)).expect("a built guest can be read")
}

/// The same folder that `xtask/src/place.rs` names.
pub(crate) fn folder() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |dir| root.join(dir));
    target.join("guests")
}

#[cfg(test)]
mod tests {
    use super::*;
    use orchestra_pit_core::{embed, manifest::Manifest};

    /// The sources of every guest: its manifest, and the name its component has.
    fn sources() -> Vec<(PathBuf, String)> {
        let guests = Path::new(env!("CARGO_MANIFEST_DIR")).join("guests");
        let entries = |folder: &Path| -> Vec<PathBuf> {
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
        };
        let stem = |path: &Path| path.file_stem().unwrap().to_str().unwrap().to_owned();
        let rust = entries(&guests.join("rust/guests")).into_iter().filter(|path| path.extension().unwrap() == "toml");
        let mut all: Vec<_> = rust.map(|path| (path.clone(), stem(&path))).collect();
        for language in ["c", "python"] {
            for guest in entries(&guests.join(language)) {
                all.push((guest.join("agent.toml"), format!("{}-{language}", stem(&guest))));
            }
        }
        all
    }

    #[test]
    fn every_guest_is_built_and_carries_its_own_manifest() {
        let sources = sources();
        assert!(sources.len() >= 4, "{sources:?}");
        for (manifest, name) in sources {
            let written = fs::read_to_string(&manifest).unwrap();
            assert_eq!(embed::extract(&component(&name)).unwrap(), Some(written.clone()), "{name}");
            assert_eq!(Manifest::read(&written).unwrap().name, name);
        }
    }
}
