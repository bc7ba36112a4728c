//! `cargo xtask demo`: a team at work on a small repository, with no key and no network.

use crate::{place, stage, tools};
use std::process::{Command, ExitCode};

pub fn run(args: &[String]) -> Result<ExitCode, String> {
    tools::wasm()?;
    stage::run("build pit (minutes, the first time)", &mut stage::cargo(&["build", "--package", "orchestra-pit"]))?;
    let pit = place::target().join("debug/pit");
    let status = Command::new(&pit).arg("demo").args(args).status();
    let status = status.map_err(|error| format!("{} does not start: {error}", pit.display()))?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
}
