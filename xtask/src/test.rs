//! `cargo xtask test`: every test there is, and one line at the end that adds them up.

use crate::{guests, llama, person, place, stage, tools};
use std::process::{Command, ExitCode};

pub fn run(args: &[String]) -> Result<ExitCode, String> {
    tools::wasm()?;
    guests::run()?;
    person::run()?;
    tools::maven();
    let mut total = Total::default();
    if args.is_empty() {
        total.workspace()?;
        total.agents("the agents we ship", "plugins")?;
        total.agents("the SDK for Rust", "sdk/rust")?;
    } else {
        // Somebody is looking for something: they see what cargo says.
        let status = stage::cargo(&["test"])
            .args(args)
            .envs(llama::environment()?)
            .status()
            .map_err(|error| error.to_string())?;
        return Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    println!("{} passed, {} failed", total.passed, total.failed);
    Ok(if total.red { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// What the `proptest` crate draws its cases from.
const SEED: &str = "PROPTEST_RNG_SEED";

#[derive(Default)]
struct Total {
    passed: u64,
    failed: u64,
    /// Whether anything ended badly; a test program that crashes has no failed tests to count.
    red: bool,
}

impl Total {
    fn workspace(&mut self) -> Result<(), String> {
        // The end-to-end tests start the program as a person does; cargo builds for tests only what they link.
        let build = ["build", "--workspace", "--bins"];
        stage::run("build pit (minutes, the first time)", &mut stage::cargo(&build))?;
        let args = ["test", "--workspace", "--no-fail-fast"];
        stage::run("compile the tests (minutes, the first time)", stage::cargo(&args).arg("--no-run"))?;
        self.add("run the tests", stage::cargo(&args).envs(llama::environment()?))
    }

    /// What of an agent's logic needs no host is tested on the machine itself.
    fn agents(&mut self, what: &str, folder: &str) -> Result<(), String> {
        let mut cargo = stage::cargo(&["test", "--no-fail-fast", "--target-dir"]);
        cargo.arg(place::target().join("guests-rust")).current_dir(place::root().join(folder));
        self.add(&format!("test {what}"), &mut cargo)
    }

    fn add(&mut self, title: &str, command: &mut Command) -> Result<(), String> {
        // Properties are tried on the same cases each time, so that what turns red is what was changed. Other cases are had by
        // setting it to another number.
        if std::env::var_os(SEED).is_none() {
            command.env(SEED, "1");
        }
        let (status, said) = stage::watch(title, command)?;
        for line in said.lines().filter(|line| line.starts_with("test result: ")) {
            self.passed += count(line, " passed");
            self.failed += count(line, " failed");
        }
        if !status.success() {
            eprint!("{said}");
            self.red = true;
        }
        Ok(())
    }
}

/// The number before a word, in a line such as `test result: ok. 5 passed; 0 failed; 1 ignored`.
fn count(line: &str, word: &str) -> u64 {
    let before = line.split_once(word).map_or("", |(before, _)| before);
    before.rsplit(' ').next().and_then(|number| number.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::count;

    #[test]
    fn a_summary_line_is_counted() {
        let line = "test result: FAILED. 12 passed; 3 failed; 0 ignored; 0 measured; 9 filtered out";
        assert_eq!((count(line, " passed"), count(line, " failed")), (12, 3));
        assert_eq!(count("test result: what?", " passed"), 0);
    }
}
