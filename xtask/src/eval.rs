//! `cargo xtask eval --model M`: how well the agents do a dozen small tasks of our own. What does it is in `tests/eval`.

use crate::{llama, place, stage, tools};
use std::process::{Command, ExitCode};

pub fn run(args: &[String]) -> Result<ExitCode, String> {
    tools::wasm()?;
    let build = ["build", "--workspace", "--bins", "--example", "eval"];
    stage::run("build pit (minutes, the first time)", &mut stage::cargo(&build))?;
    let mut eval = Command::new(place::target().join("debug/examples/eval"));
    let small = args.iter().any(|arg| arg == "smollm2");
    if small {
        eval.envs(llama::environment()?);
    }
    let status = eval.args(args).status().map_err(|error| format!("it does not start: {error}"))?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
