//! `cargo xtask bench`: what pit costs, a row for each promise, as a table and as JSON.

use crate::{place, stage, tools};
use std::process::ExitCode;

/// What cargo is told to build and run: the benchmark, and the `pit` that it starts, of one build.
const BENCH: &[&str] = &["bench", "--quiet", "--package", "orchestra-pit", "--bench", "bench"];

pub fn run(args: &[String]) -> Result<ExitCode, String> {
    tools::wasm()?;
    stage::run("build pit for release (many minutes, the first time)", stage::cargo(BENCH).arg("--no-run"))?;
    let json = place::target().join("bench.json");
    let status = stage::cargo(BENCH).args(["--", "--write"]).arg(&json).args(args).status();
    let status = status.map_err(|error| error.to_string())?;
    if status.success() {
        eprintln!("the same as JSON: {}", json.display());
    }
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
