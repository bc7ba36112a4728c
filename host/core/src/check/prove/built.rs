//! Whether an output is that of something that could not be built, by what compilers and loaders say.

/// What begins a line of a compiler's or a build tool's failure.
const BEGINS: &[&str] = &[
    "error[E",
    "error: could not compile",
    "error: no test target named",
    "SyntaxError: ",
    "E   SyntaxError: ",
    "[ERROR] COMPILATION ERROR",
    "> Compilation failed; see the compiler",
    // Mocha loads all files before it runs a test of any.
    " Exception during run: ",
];

/// What ends one.
const ENDS: &[&str] = &[" [build failed]", " [setup failed]"];

/// Whether it is.
pub(super) fn does_not_build(output: &str) -> bool {
    let typescript = |line: &str| {
        // `src/a.ts(3,5): error TS2339: …`, or `src/a.ts:3:5 - error TS2339: …`.
        line.split_once("error TS").is_some_and(|(_, code)| code.starts_with(|c: char| c.is_ascii_digit()))
    };
    // That a build of Gradle's failed is said of tests that fail, too.
    let gradle = |line: &str| {
        let task = line.strip_prefix("Execution failed for task '").and_then(|rest| rest.split('\'').next());
        task.is_some_and(|task| task.rsplit(':').next().is_some_and(|name| name.starts_with("compile")))
    };
    output.lines().any(|line| {
        let line = line.trim_end();
        BEGINS.iter().any(|begin| line.starts_with(begin))
            || ENDS.iter().any(|end| line.ends_with(end))
            || typescript(line)
            || gradle(line)
    })
}
