//! Parses, assembles, runs one surface, returns an exit code.

use std::process::ExitCode;
use std::time::Duration;

use orchestra_pit::effect::exec::beside::settle;
use orchestra_pit::guest::{COMPILE, compile_child};
use orchestra_pit::surface::cli;

fn main() -> ExitCode {
    // Before anything else: the compiler's process has limits of its own, and no business with the rest.
    if std::env::args_os().nth(1).is_some_and(|arg| arg == COMPILE) {
        return compile_child(std::io::stdin().lock(), std::io::stdout().lock());
    }
    if let Some(exit) = orchestra_pit_sandbox::main_if_asked() {
        return exit;
    }
    let pit = match cli::parse(std::env::args_os()) {
        Ok(pit) => pit,
        Err(exit) => return ExitCode::from(exit.code()),
    };
    // Folders in each other, which commands make as they like, are gone through one call each: what is not used of a stack
    // costs nothing.
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().thread_stack_size(8 << 20).build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("pit: cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    let exit = runtime.block_on(cli::run(pit));
    // What is still at work (an owner's doorbell, a reader of the terminal) has nothing left to lose.
    runtime.shutdown_background();
    // But what commands left on the disk goes with the process that ran them, if that takes no longer than one would wait.
    settle(Duration::from_secs(2));
    ExitCode::from(exit.code())
}
