//! The smallest program with walls: plays the stages, and otherwise runs the `Spec` that is its first argument. For tests.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use orchestra_pit_sandbox::{Spec, Stream, main_if_asked, run};

fn main() -> ExitCode {
    if let Some(exit) = main_if_asked() {
        return exit;
    }
    let asked = std::env::args().nth(1).unwrap_or_default();
    let spec: Spec = match serde_json::from_str(&asked) {
        Ok(spec) => spec,
        Err(error) => {
            eprintln!("walled: its argument is no spec: {error}");
            return ExitCode::FAILURE;
        }
    };
    let ran = run(Path::new("/proc/self/exe"), &spec, b"", |stream, bytes| {
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
