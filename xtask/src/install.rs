//! `cargo xtask install`: `pit`, built for release, in cargo's bin folder.

use crate::{stage, tools};

pub fn run() -> Result<(), String> {
    tools::wasm()?;
    let mut cargo = stage::cargo(&["install", "--locked", "--path", "host"]);
    stage::run("build pit for release (many minutes)", &mut cargo)?;
    println!("pit is installed; type: pit doctor");
    Ok(())
}
