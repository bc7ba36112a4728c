//! Which files are tests, by the conventions of five languages.

use super::Changed;

/// What a file is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// A test.
    Test,
    /// What tests need beside them: data, snapshots, helpers.
    Fixture,
    /// Anything else.
    Code,
}

/// Endings of programs. Other files in a folder of tests are what tests read.
const PROGRAMS: &[&str] =
    &["rs", "py", "js", "mjs", "cjs", "jsx", "ts", "mts", "cts", "tsx", "go", "java", "kt", "kts", "scala", "groovy"];

/// Folders whose files are tests or belong to them.
const FOLDERS: &[&str] = &["tests", "test", "__tests__", "spec"];

/// Folders of what tests read, wherever they are.
const DATA: &[&str] = &["testdata", "__snapshots__", "__mocks__", "__fixtures__"];

/// What a file is for, by its path.
pub fn role(path: &str) -> Role {
    let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
    let (stem, end) = file.rsplit_once('.').unwrap_or((file, ""));
    let within = |names: &[&str]| folder.split('/').any(|part| names.contains(&part));
    if within(DATA) {
        return Role::Fixture;
    }
    let java_test = path.starts_with("src/test/") || path.contains("/src/test/");
    let in_tests = within(FOLDERS) || java_test;
    if !PROGRAMS.contains(&end) {
        return if in_tests { Role::Fixture } else { Role::Code };
    }
    let is_test = match end {
        // `src/…/tests.rs` is a module of the program, and is built with it: it needs its parent's `mod tests`.
        "rs" => within(&["tests"]) && !within(&["src"]),
        "py" => stem.starts_with("test_") || stem.ends_with("_test") || (in_tests && stem == "conftest"),
        "go" => stem.ends_with("_test"),
        "java" | "kt" | "kts" | "scala" | "groovy" => java_test,
        _ => stem.ends_with(".test") || stem.ends_with(".spec") || within(&["__tests__", "test", "tests", "spec"]),
    };
    match () {
        () if is_test => Role::Test,
        () if end == "py" && (within(&["tests", "test"]) || stem == "conftest") => Role::Fixture,
        () => Role::Code,
    }
}

/// Whether a name is a file's, and no test's.
pub(super) fn is_file(name: &str) -> bool {
    let end = name.rsplit_once('.').map_or("", |(_, end)| end);
    !name.contains([' ', ':', '>']) && PROGRAMS.contains(&end)
}

/// Whether a change alters tests that stand in the file under test: Rust's `#[cfg(test)]`, or a module of nothing else.
pub(super) fn alters_tests_inside(file: &Changed<'_>) -> bool {
    if !file.path.ends_with(".rs") {
        return false;
    }
    let Some(new) = file.new else { return false };
    if file.path.ends_with("/tests.rs") || file.path.contains("/tests/") {
        return true;
    }
    let inside =
        |text: &str| text.lines().skip_while(|line| !line.contains("#[cfg(test)]")).collect::<Vec<_>>().join("\n");
    let tests = inside(new);
    !tests.is_empty() && file.old.map(inside).as_ref() != Some(&tests)
}
