//! What Maven and Gradle say besides their tests' reports: what else of a build failed, and whether tests were not run.
//!
//! Reports name tests. A build with a test that fails as before may fail at something else too, and ends in the same way.

use std::collections::BTreeMap;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Beside<'a> {
    /// What failed and is no test, by name, with the line that says so. What could not be compiled ends in ` (build)`.
    pub(super) failed: BTreeMap<String, &'a str>,
    /// Whether a failure kept tests from being run.
    pub(super) stopped: bool,
}

/// Looks for it in an output.
pub(super) fn beside<'a>(argv: &[String], output: &'a str) -> Beside<'a> {
    let mut beside = Beside::default();
    // Without it Gradle stops at the first task that fails, and does not say which others there were.
    let continues = argv.iter().any(|word| word.contains("--continue"));
    let mut lines = output.lines().map(str::trim).peekable();
    while let Some(line) = lines.next() {
        if let Some(task) = gradle(line) {
            beside.stopped |= !continues;
            let why = lines.peek().copied().unwrap_or_default();
            if !why.contains("There were failing tests") {
                let name = task.rsplit(':').next().unwrap_or(task);
                let sort = if name.starts_with("compile") { "build" } else { "task" };
                beside.failed.insert(format!("{task} ({sort})"), why);
            }
        } else if let Some((goal, project, why)) = maven(line) {
            let of_tests = matches!(&*goal, "maven-surefire-plugin:test" | "maven-failsafe-plugin:verify");
            if !(of_tests && why.starts_with("There are ") && why.contains("test failures")) {
                let sort = if why.starts_with("Compilation failure") { "build" } else { &*goal };
                beside.failed.insert(format!("{project} ({sort})"), line);
            }
        } else if line.starts_with("[INFO] ") && line.ends_with(" SKIPPED") {
            // A module in the summary of several.
            beside.stopped = true;
        }
    }
    beside
}

/// The task of `Execution failed for task ':app:test'.` What it failed by is on the next line.
fn gradle(line: &str) -> Option<&str> {
    let (task, _) = line.strip_prefix("Execution failed for task '")?.split_once('\'')?;
    Some(task)
}

/// `[ERROR] Failed to execute goal GROUP:maven-surefire-plugin:3.2.5:test (default-test) on project app: There are …`, taken
/// apart: `maven-surefire-plugin:test`, the project, and why. Another version of a plugin makes no other failure.
fn maven(line: &str) -> Option<(String, &str, &str)> {
    let rest = line.strip_prefix("[ERROR] Failed to execute goal")?;
    let (goal, rest) = rest.split_once("on project ")?;
    let (project, why) = rest.split_once(": ")?;
    let parts: Vec<&str> = goal.trim().split(' ').next().unwrap_or_default().split(':').collect();
    let goal = match parts.as_slice() {
        [_, plugin, _, goal] => format!("{plugin}:{goal}"),
        _ => "maven".to_owned(),
    };
    Some((goal, project, why))
}
