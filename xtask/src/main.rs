//! `cargo xtask VERB`: everything one does with this repository. One file a verb.

#![expect(clippy::disallowed_methods, reason = "a developer's tool: it reads the sources and starts compilers")]

mod bench;
mod demo;
#[cfg_attr(not(test), expect(dead_code, reason = "the build only writes manifests; the host reads them"))]
#[path = "../../host/core/src/embed.rs"]
mod embed;
mod eval;
mod guests;
mod install;
mod llama;
mod person;
mod place;
mod stage;
mod test;
mod tools;

use std::process::ExitCode;

const HELP: &str = "\
cargo xtask VERB

  demo [ARGS]      build pit and run its demo: no key, no network
  test [ARGS]      build the test guests and run every test; with ARGS, `cargo test ARGS`
  eval --model M   have the agents do a dozen small tasks; M is provider/model, or smollm2, which it brings along;
                   runs what the model wrote on this machine, without walls
  bench [ROW…]     measure what pit costs: a table, and target/bench.json; --json prints the JSON instead of the table,
                   --quick leaves out the repository of 600,000 files; rows: docs/performance.md
  guests           build what tests need alone, for `cargo test` by hand: the test guests, a home with tools, and packages
  install          build pit for release and put it into cargo's bin folder

What a verb needs beyond the Rust toolchain it installs, if it is missing.
";

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let verb = args.next();
    let rest: Vec<String> = args.collect();
    let done = match (verb.as_deref(), rest.is_empty()) {
        (Some("bench"), _) => bench::run(&rest),
        (Some("demo"), _) => demo::run(&rest),
        (Some("test"), _) => test::run(&rest),
        (Some("eval"), _) => eval::run(&rest),
        (Some("guests"), true) => guests::run().and_then(|()| person::run()).map(|()| ExitCode::SUCCESS),
        (Some("install"), true) => install::run().map(|()| ExitCode::SUCCESS),
        (Some("help" | "-h" | "--help"), _) => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        _ => {
            eprint!("{HELP}");
            return ExitCode::from(2);
        }
    };
    done.unwrap_or_else(|error| {
        eprintln!("{error}");
        ExitCode::FAILURE
    })
}
