//! `go test`: plain, with `-v`, and `-json`.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::tally::Outcome;
use super::{Confused, How, Runner, Tally, Tests};

/// Reads it.
pub(super) fn read(lines: &[&str]) -> Option<Result<Tests, Confused>> {
    let events: Vec<Event> = lines.iter().filter_map(|line| event(line)).collect();
    if events.is_empty() { plain(lines) } else { Some(json(&events)) }
}

/// What a package's line says.
enum Package<'a> {
    Ok(&'a str),
    Failed(&'a str),
    NotBuilt(&'a str),
    /// Without tests.
    Empty,
}

fn package(line: &str) -> Option<Package<'_>> {
    if line.starts_with("?   \t") || (line.starts_with('\t') && line.contains("coverage: ")) {
        return Some(Package::Empty);
    }
    if let Some(rest) = line.strip_prefix("ok  \t") {
        return Some(Package::Ok(rest.split('\t').next()?));
    }
    let rest = line.strip_prefix("FAIL\t")?;
    match rest.strip_suffix(" [build failed]").or_else(|| rest.strip_suffix(" [setup failed]")) {
        Some(name) => Some(Package::NotBuilt(name)),
        None => Some(Package::Failed(rest.split('\t').next()?)),
    }
}

/// `    --- FAIL: TestCarries/nine (0.00s)`.
fn result(line: &str) -> Option<(&str, Outcome)> {
    let rest = line.trim_start_matches(' ').strip_prefix("--- ")?;
    let (word, rest) = rest.split_once(": ")?;
    let outcome = match word {
        "PASS" => Outcome::Passed,
        "FAIL" => Outcome::Failed,
        "SKIP" => Outcome::Skipped,
        _ => return None,
    };
    let (name, time) = rest.rsplit_once(" (")?;
    time.ends_with("s)").then_some((name, outcome))
}

fn plain(lines: &[&str]) -> Option<Result<Tests, Confused>> {
    let verbose = lines.iter().any(|line| line.starts_with("=== RUN   "));
    lines.iter().any(|line| package(line).is_some()).then_some(())?;
    let mut tally = Tally::default();
    let mut from = 0;
    let (mut unnamed, mut stopped) = (false, false);
    for (at, line) in lines.iter().enumerate() {
        let Some(package) = package(line) else { continue };
        let within = lines.get(from..at).unwrap_or_default();
        from = at + 1;
        match package {
            Package::Empty => {}
            Package::NotBuilt(name) => not_built(&mut tally, name, within),
            Package::Ok(name) => {
                unnamed |= !verbose;
                if add(&mut tally, name, within) > 0 {
                    tally.confuse(format!("the package `{name}` is ok, and a test of it failed"));
                }
            }
            Package::Failed(name) => {
                unnamed |= !verbose;
                stopped |= within.iter().any(|line| line.starts_with("panic: "));
                if add(&mut tally, name, within) == 0 {
                    tally.add(name, Outcome::Failed);
                    within.iter().for_each(|line| tally.explain(name, line));
                }
            }
        }
    }
    let after = lines.get(from..).unwrap_or_default();
    if after.iter().any(|line| result(line).is_some()) {
        tally.confuse("the last package has no result: the output was cut");
    }
    // Where anything failed, the last word is `FAIL`, after all packages.
    if tally.counts().failed > 0 && !after.contains(&"FAIL") {
        tally.confuse("the last line is missing: the output was cut");
    }
    let said = tally.counts();
    let tests = tally.finish(Runner::Go, said, stopped);
    Some(tests.map(|tests| Tests { all_named: !unnamed, ..tests }))
}

fn not_built(tally: &mut Tally, package: &str, lines: &[&str]) {
    let name = format!("{package} (build)");
    tally.add(&name, Outcome::Failed);
    tally.how(&name, How::Error, None);
    lines.iter().for_each(|line| tally.explain(&name, line));
}

/// Adds a package's tests; how many failed. With `-v` a test's lines stand before its result, otherwise after it.
fn add(tally: &mut Tally, package: &str, lines: &[&str]) -> usize {
    let mut failed = 0;
    let mut within: Option<String> = None;
    let mut before: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut running = "";
    for line in lines {
        if let Some((test, outcome)) = result(line) {
            let name = format!("{package}.{test}");
            tally.add(&name, outcome);
            failed += usize::from(outcome == Outcome::Failed);
            for line in before.remove(test).unwrap_or_default() {
                explain(tally, &name, line);
            }
            within = (outcome == Outcome::Failed).then_some(name);
        } else if let Some(test) = ["=== RUN   ", "=== CONT  ", "=== NAME  "].iter().find_map(|p| line.strip_prefix(p))
        {
            running = test;
            within = None;
        } else if let Some(name) = &within {
            explain(tally, name, line);
        } else if !running.is_empty() {
            before.entry(running).or_default().push(line);
        }
    }
    failed
}

fn explain(tally: &mut Tally, name: &str, line: &str) {
    if line == "FAIL" {
        return;
    }
    tally.explain(name, line);
    // `t.Error` and its like name the test's own file and line; a panic does not.
    let place = line.trim_start().split(": ").next().and_then(|place| place.rsplit_once(':'));
    match place {
        _ if line.starts_with("panic: ") => tally.how(name, How::Error, None),
        Some((file, at)) if file.ends_with("_test.go") && at.bytes().all(|b| b.is_ascii_digit()) => {
            tally.how(name, How::Assertion, Some(file));
        }
        _ => {}
    }
}

/// A line of `-json`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Event {
    action: String,
    #[serde(default)]
    package: String,
    #[serde(default)]
    test: String,
    #[serde(default)]
    output: String,
    #[serde(default)]
    failed_build: String,
}

fn event(line: &str) -> Option<Event> {
    (line.starts_with('{') && line.contains("\"Action\":")).then(|| serde_json::from_str(line).ok())?
}

fn json(events: &[Event]) -> Result<Tests, Confused> {
    let mut tally = Tally::default();
    let mut open: BTreeMap<&str, usize> = BTreeMap::new();
    let mut lines: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    let mut stopped = false;
    for event in events {
        let name = format!("{}.{}", event.package, event.test);
        let outcome = match event.action.as_str() {
            "start" => {
                open.insert(&event.package, 0);
                continue;
            }
            "output" => {
                stopped |= event.output.starts_with("panic: ");
                lines.entry((&event.package, &event.test)).or_default().push(event.output.trim_end());
                continue;
            }
            "pass" => Outcome::Passed,
            "fail" => Outcome::Failed,
            "skip" => Outcome::Skipped,
            _ => continue,
        };
        let said = lines.remove(&(event.package.as_str(), event.test.as_str())).unwrap_or_default();
        let failed = outcome == Outcome::Failed;
        if !event.test.is_empty() {
            tally.add(&name, outcome);
            *open.entry(&event.package).or_default() += usize::from(failed);
            let said = said.iter().filter(|line| !line.starts_with("=== ") && result(line).is_none());
            said.for_each(|line| explain(&mut tally, &name, line));
            continue;
        }
        let failures = open.remove(event.package.as_str()).unwrap_or_default();
        match (failed, failures) {
            (true, 0) if !event.failed_build.is_empty() => not_built(&mut tally, &event.package, &said),
            (true, 0) => {
                tally.add(&event.package, Outcome::Failed);
                said.iter().for_each(|line| tally.explain(&event.package, line));
            }
            (false, 1..) => tally.confuse(format!("the package `{}` is ok, and a test of it failed", event.package)),
            _ => {}
        }
    }
    if let Some(package) = open.keys().next() {
        tally.confuse(format!("the package `{package}` has no result: the output was cut"));
    }
    let said = tally.counts();
    tally.finish(Runner::Go, said, stopped)
}
