//! The smallest program with walls: plays the stages, and otherwise runs the `Spec` that is its first argument, or without one
//! says which program plays the stages for it. For tests.

#![expect(clippy::disallowed_methods, reason = "looks where the program that plays the stages lies")]

use std::io::Write;
use std::process::ExitCode;

use orchestra_pit_sandbox::{Spec, Stream, main_if_asked, run, stages};

fn main() -> ExitCode {
    if let Some(exit) = main_if_asked() {
        return exit;
    }
    let Some(asked) = std::env::args().nth(1) else {
        println!("{}", std::fs::read_link(stages()).unwrap_or_default().display());
        return ExitCode::SUCCESS;
    };
    let spec: Spec = match serde_json::from_str(&asked) {
        Ok(spec) => spec,
        Err(error) => {
            eprintln!("walled: its argument is no spec: {error}");
            return ExitCode::FAILURE;
        }
    };
    let ran = run(&stages(), &spec, b"", |stream, bytes| {
        let _ = match stream {
            Stream::Out => std::io::stdout().write_all(bytes),
            Stream::Err => std::io::stderr().write_all(bytes),
        };
    });
    match ran {
        Ok(ran) => {
            eprintln!("walled: {:?}", ran.report);
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("walled: {error}");
            ExitCode::FAILURE
        }
    }
}
