//! Whether a command says that what it was to run is not there: then nothing was checked.

/// In its own words, if it says so. `output` is that of a command that failed and told of no test.
///
/// The same exit code and the same words on the base would pass for an old failure.
pub fn absent(output: &str) -> Option<&str> {
    output.lines().map(str::trim).find(|line| {
        let after = |begin: &str| line.split_once(begin).map(|(_, after)| after);
        // `python -m pytest`: a module that a test imports is missing in another way, with a trace.
        let module = line.split_once(": No module named ").is_some_and(|(program, module)| {
            let name = program.rsplit('/').next().unwrap_or(program);
            name.starts_with("python") && !module.contains(' ')
        });
        let script = ["npm error", "npm ERR!"].iter().any(|begin| {
            after(begin).is_some_and(|said| said.trim().to_ascii_lowercase().starts_with("missing script"))
        });
        let command = ["error: no such command: ", "error Command \""].iter().any(|begin| line.starts_with(begin))
            && (line.contains("no such command") || line.contains("not found"));
        let rule = line.starts_with("make: ") && line.contains("No rule to make target") && !line.contains("needed by");
        module || script || command || rule
    })
}

/// Whether a command says that it has run nothing: `python -m unittest` and `node --test` do where they find no test.
pub fn nothing(output: &str) -> Option<&str> {
    let ran = |line: &&str| {
        (line.starts_with("Ran ") && line.contains(" test"))
            || line.starts_with("# tests ")
            || line.starts_with("ℹ tests ")
    };
    let mut runs = output.lines().map(str::trim).filter(ran).peekable();
    let first = *runs.peek()?;
    let none = |line: &str| line.starts_with("Ran 0 tests in ") || matches!(line, "# tests 0" | "ℹ tests 0");
    runs.all(none).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::{absent, nothing};

    #[test]
    fn a_run_of_no_test_is_told_from_one_of_some() {
        assert_eq!(nothing("ℹ tests 0\nℹ suites 0\n"), Some("ℹ tests 0"));
        assert_eq!(nothing("\n-----\nRan 0 tests in 0.000s\n\nOK\n"), Some("Ran 0 tests in 0.000s"));
        for said in [
            "Ran 3 tests in 0.1s\nOK",
            "Ran 1 test in 0.1s",
            "Ran 0 tests in 0.0s\nRan 2 tests in 0.1s",
            "ℹ tests 2",
            "# tests 10",
            "OK",
            "",
        ] {
            assert_eq!(nothing(said), None, "{said}");
        }
    }

    #[test]
    fn what_is_not_there_is_told_from_what_fails() {
        for said in [
            "/usr/bin/python3: No module named pytest",
            "x\n.venv/bin/python: No module named pytest\n",
            "npm error Missing script: \"test\"\nnpm error",
            "npm ERR! missing script: test",
            "error: no such command: `nextest`",
            "error Command \"test\" not found.",
            "make: *** No rule to make target 'check'.  Stop.",
        ] {
            assert!(absent(said).is_some(), "{said}");
        }
        for said in [
            "ModuleNotFoundError: No module named 'requests'",
            "E   ModuleNotFoundError: No module named pytest",
            "assertion failed: no such command",
            "make: *** No rule to make target 'a.h', needed by 'a.o'.  Stop.",
            "1 failed",
            "",
        ] {
            assert_eq!(absent(said), None, "{said}");
        }
    }
}
