//! Where things are.

use std::env;
use std::path::{Path, PathBuf};

/// The repository.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// Cargo's target folder, as its environment has it. `tests/harness` looks for the guests in the same one.
pub fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |dir| root().join(dir))
}

/// Where the finished test guests lie, one `NAME.wasm` each.
pub fn guests() -> PathBuf {
    target().join("guests")
}

/// A folder of this tool's own.
pub fn own(name: &str) -> PathBuf {
    target().join("xtask").join(name)
}
