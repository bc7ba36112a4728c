//! The program `pit`.

use std::process::ExitCode;

fn main() -> ExitCode {
    // The compiler's own process, started by `guest`: hidden, and before anything else, because it limits itself first.
    if std::env::args_os().nth(1).is_some_and(|argument| argument == orchestra_pit::guest::COMPILE) {
        return orchestra_pit::guest::compile_child(std::io::stdin(), std::io::stdout());
    }
    ExitCode::SUCCESS
}
