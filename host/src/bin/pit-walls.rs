//! Plays the stages of the sandbox for the `pit` that lies beside it, and is small because one is started for every command.

use std::process::ExitCode;

fn main() -> ExitCode {
    orchestra_pit_sandbox::main_if_asked().unwrap_or_else(|| {
        eprintln!("pit-walls: started by `pit` for commands in a sandbox; there is nothing else that it does");
        ExitCode::FAILURE
    })
}
