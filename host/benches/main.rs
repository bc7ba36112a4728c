//! What pit costs: one row for each promise about speed, each against a baseline measured in the same run.
//!
//! `cargo xtask bench` runs it; docs/performance.md says what each row means. Nothing here passes or fails: a machine that
//! is busy with other things must not turn anything red.

#![expect(clippy::disallowed_methods, reason = "a benchmark makes repositories, starts programs and reads the clock")]

mod bare;
mod checkout;
mod commands;
mod durable;
mod gated;
mod hand;
mod host;
mod repository;
mod row;
mod server;
mod start;
mod syncs;
mod tasks;
#[path = "../src/guest/tests/text.rs"]
#[expect(dead_code, reason = "the tests of `guest` use the rest")]
mod text;
mod through;
mod waiting;
mod walls;
mod workspace;

use std::path::PathBuf;
use std::process::ExitCode;

use orchestra_pit::guest::{COMPILE, compile_child};
use row::Row;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Measures one thing: a row or several.
type Measure = fn(&Asked) -> Result<Vec<Row>>;

/// What can be measured, in the order of the table.
const ROWS: &[(&str, Measure)] = &[
    ("start", start::rows),
    ("gated", gated::rows),
    ("durable", durable::rows),
    ("workspace", workspace::rows),
    ("checkout", checkout::rows),
    ("walls", walls::rows),
    ("commands", commands::rows),
    ("waiting", waiting::rows),
    ("tasks", tasks::rows),
    ("hand", hand::rows),
];

/// What the command line asks for.
#[derive(Default)]
struct Asked {
    rows: Vec<String>,
    /// Leave out what takes a repository of 600,000 files.
    quick: bool,
    /// JSON to standard output instead of a table.
    json: bool,
    /// JSON to a file as well.
    write: Option<PathBuf>,
}

fn main() -> ExitCode {
    // This program is its own compiler of agents, as pit is.
    if std::env::args_os().nth(1).is_some_and(|arg| arg == COMPILE) {
        return compile_child(std::io::stdin().lock(), std::io::stdout().lock());
    }
    // And its own sandbox.
    if let Some(exit) = orchestra_pit_sandbox::main_if_asked() {
        return exit;
    }
    let done = match std::env::args().nth(1).as_deref() {
        Some(waiting::CHILD) => waiting::child(),
        _ => asked().and_then(|asked| measure(&asked)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn asked() -> Result<Asked> {
    let mut asked = Asked::default();
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--quick" => asked.quick = true,
            "--json" => asked.json = true,
            "--write" => asked.write = args.next().map(PathBuf::from),
            // Cargo says this to every benchmark.
            "--bench" => {}
            name if ROWS.iter().any(|(known, _)| *known == name) => asked.rows.push(arg),
            other => {
                let known: Vec<_> = ROWS.iter().map(|(name, _)| *name).collect();
                return Err(format!("there is no row `{other}`; there are {}", known.join(", ")).into());
            }
        }
    }
    Ok(asked)
}

fn measure(asked: &Asked) -> Result<()> {
    let mut rows = Vec::new();
    for (name, measure) in ROWS {
        if !asked.rows.is_empty() && !asked.rows.iter().any(|row| row == name) {
            continue;
        }
        eprintln!("measuring {name}");
        // What cannot be measured here must not hide the rest.
        match measure(asked) {
            Ok(measured) => rows.extend(measured),
            Err(error) => eprintln!("{name} could not be measured: {error}"),
        }
    }
    let json = serde_json::to_string_pretty(&row::json(&rows))?;
    if let Some(path) = &asked.write {
        std::fs::write(path, format!("{json}\n"))?;
    }
    match asked.json {
        true => println!("{json}"),
        false => row::table(&rows),
    }
    Ok(())
}
