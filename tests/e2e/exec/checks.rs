//! Verdicts that only the host makes, and tools of a person's home: real packages with their own tests, green as they are,
//! red with a fault, no worse with one that was there before.

use orchestra_pit_tests::Stage;

use super::{has, has_not, line, told, words};

/// A package, the checks of it, and a fault by which one of its tests fails.
struct Package {
    name: &'static str,
    tools: &'static str,
    run: &'static [&'static str],
    /// What else is said of the check.
    more: &'static str,
    /// A file, what stands in it, and what a fault makes of it.
    fault: (&'static str, &'static str, &'static str),
    /// A test that the fault makes fail, and what its runner calls it.
    test: &'static str,
}

const CSV: Package = Package {
    name: "csv-core",
    tools: "\"cargo\", \"rustup\"",
    run: &["cargo", "test", "--offline", "--lib", "--no-fail-fast"],
    more: "",
    fault: ("src/writer.rs", "QuoteStyle::Necessary => self.needs_quotes(input)", "QuoteStyle::Necessary => false"),
    test: "writer::tests::",
};

const INFLECTION: Package = Package {
    name: "inflection",
    tools: "\"uv\"",
    run: &["pytest", "-q", "-rA", "test_inflection.py"],
    more: "",
    fault: ("inflection/__init__.py", "return word.lower()", "return word"),
    test: "test_underscore",
};

const PORT: Package = Package {
    name: "requires-port",
    tools: "\"nvm\"",
    run: &["mocha", "test.js"],
    more: ", env = { NODE_PATH = \"MODULES\" }",
    fault: ("index.js", "return port !== 80;", "return port !== 81;"),
    test: "http",
};

impl Package {
    fn stage(&self, more: &[(&str, &str)]) -> Stage {
        let run = self.run.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(", ");
        let own = self.more;
        let modules = Stage::module_folder().display().to_string();
        let file = format!(
            "schema = 1\n[checks.full]\ntest = {{ run = [{run}]{own} }}\n[workspace]\ntools = [{}]\n",
            self.tools
        );
        let file = file.replace("MODULES", &modules);
        let stage = Stage::package(
            self.name,
            &[&[("pit.toml", &*file), (".gitignore", "target/\n__pycache__/\n")], more].concat(),
        );
        let _ = stage.pit(&["trust", "-y"]).exits(0);
        stage
    }

    /// The file with the fault in it.
    fn faulty(&self, stage: &Stage) -> String {
        let (path, good, bad) = self.fault;
        let text = stage.read(path);
        assert!(text.contains(good), "{path} of {} is another one now", self.name);
        text.replacen(good, bad, 1)
    }

    /// Has the agent put the fault in.
    fn sed(&self) -> String {
        let (path, good, bad) = self.fault;
        let quoted = |text: &str| text.replace(['/', '!', '(', ')', '{', '[', '*', '.'], ".");
        format!("sh sed -i 's/{}/{}/' {path}; git diff --stat", quoted(good), bad.replace('/', "\\/"))
    }

    /// Its tests run as a command of an agent, and as a check: green, red with a fault, no worse with one that was there.
    fn is_judged(&self) {
        let stage = self.stage(&[]);
        let words = format!("$ {}", self.run.join(" "));
        let environment = format!("env NODE_PATH={}", Stage::module_folder().display());
        let said = told(&stage, &[&*environment, &*words, "check full", &*self.sed(), "check full"]);
        has(&said, "ran: exit 0 out=");
        has(&said, "verdict: green");
        has(&said, "verdict: red");
        let red =
            said.iter().find(|line| line.starts_with("check: test failed")).unwrap_or_else(|| panic!("{said:#?}"));
        assert!(red.contains(self.test) && !red.contains("failed= "), "{red}");
        // The same fault, but it was there before.
        let faulty = self.faulty(&stage);
        let before = self.stage(&[(self.fault.0, &faulty)]);
        let said = told(&before, &["sh echo beside > beside.txt", "check full"]);
        has(&said, "verdict: no worse");
        has_not(&said, "verdict: red");
        let known =
            said.iter().find(|line| line.starts_with("check: test failed")).unwrap_or_else(|| panic!("{said:#?}"));
        assert!(known.contains("failed= known=") && known.contains(self.test), "{known}");
    }
}

#[test]
fn a_package_of_rust_is_tested_with_the_cargo_of_a_home() {
    CSV.is_judged();
}

#[test]
fn a_package_of_python_is_tested_with_the_pytest_of_a_home() {
    INFLECTION.is_judged();
}

#[test]
fn a_package_of_python_is_told_of_by_the_report_that_pytest_writes() {
    // What it prints names what fails as `test_inflection.py::…`, and no test that passes.
    let run = &["pytest", "-q", "--junitxml=out/junit.xml", "test_inflection.py"];
    let test = "test_inflection::test_underscore";
    Package { run, more: ", reports = [\"out/*.xml\"]", test, ..INFLECTION }.is_judged();
}

#[test]
fn a_package_of_node_is_tested_with_the_node_of_a_home() {
    PORT.is_judged();
}

/// Refuses: exec.check not-found
#[test]
fn checks_that_nobody_wrote_are_not_found() {
    let stage = Stage::new();
    let said = told(&stage, &["check full"]);
    has(&said, "refused: not-found there are no checks of the level `full`");
    // The control: with one there is a verdict.
    stage.write("pit.toml", "schema = 1\n[checks.full]\nthere = { run = [\"test\", \"-e\", \"README.md\"] }\n");
    let _ = stage.pit(&["trust", "-y"]).exits(0);
    let said = told(&stage, &["check full", "check other"]);
    has(&said, "verdict: green");
    has(&said, "refused: not-found there are no checks of the level `other`");
}

#[test]
fn what_an_agent_leaves_in_a_warm_folder_is_not_below_a_check() {
    let stage = Stage::with(&[
        (".gitignore", "target/\n"),
        ("README.md", "# Tally\n"),
        (
            "build.sh",
            "test -e target/poison && echo poisoned && exit 0\nmkdir -p target\necho made >> target/made\ngrep -q Tally README.md\n",
        ),
        (
            "pit.toml",
            "schema = 1\n[checks.full]\nbuild = { run = [\"sh\", \"build.sh\"] }\n[workspace]\nwarm = [\"target\"]\n",
        ),
    ]);
    let _ = stage.pit(&["trust", "-y"]).exits(0);
    let said = told(
        &stage,
        &[
            "check full",
            // It breaks the files, and leaves behind what would let the build pass all the same.
            "sh ls target; echo broken > README.md; echo x > target/poison; sh build.sh; echo exit $?",
            "sh ls target",
            "check full",
        ],
    );
    // The control: in its own workspace it has its way.
    has(&said, "poisoned\nexit 0");
    has(&said, "verdict: green");
    has(&said, "verdict: red");
    // Nor does another run begin with it.
    let said = told(&stage, &["sh ls target; echo looked"]);
    has_not(&said, "poison");
    has(&said, "looked");
}

#[test]
fn a_command_that_fails_as_the_base_did_is_told_so() {
    let suite = "printf 'running 2 tests\\ntest old ... FAILED\\ntest new ... %s\\n\\nfailures:\\n\\nfailures:\\n    old\\n' $1\n\
                 test $1 = ok || echo '    new'\ntest $1 = ok && n='1 passed; 1' || n='0 passed; 2'\n\
                 echo; echo \"test result: FAILED. $n failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\"\nexit 101\n";
    let file = "schema = 1\n[checks.full]\ntest = { run = [\"sh\", \"suite.sh\", \"ok\"] }\nlint = { run = [\"sh\", \"lint.sh\"] }\n";
    let lint = "echo one problem\nexit 1\n";
    let stage = Stage::with(&[("suite.sh", suite), ("lint.sh", lint), ("pit.toml", file)]);
    let _ = stage.pit(&["trust", "-y"]).exits(0);
    const TOLD: &str = "[pit: before this run changed anything ";
    // The control: nobody knows yet what the base came to.
    let said = told(&stage, &["$ sh suite.sh FAILED", "$ sh lint.sh"]);
    has_not(&said, TOLD);
    let said = told(&stage, &["check full", "$ sh suite.sh FAILED", "$ sh lint.sh", "sh sh suite.sh FAILED | head -4"]);
    // Whoever has changed nothing is not told that it fails since.
    has(&said, "verdict: no worse: full");
    assert_eq!(said.iter().filter(|said| said.contains(&format!("{TOLD}these failed: old]"))).count(), 2, "{said:?}");
    has(&said, &format!("{TOLD}`sh lint.sh` failed]"));
    // Of what is new nothing is said.
    let said = told(&stage, &["sh echo test new ... FAILED; exit 1", "sh sh suite.sh ok | wc -l"]);
    has_not(&said, TOLD);
}

#[test]
fn a_check_that_an_agent_wrote_sees_no_more_than_its_commands() {
    let look = "cat .env; git cat-file --batch-all-objects --batch --buffer | grep -a TOKEN; ls -A; git describe --always; exit 1";
    let file = "schema = 1\n[checks.full]\nlook = { run = [\"sh\", \"check.sh\"] }\n";
    let stage = Stage::with(&[(".env", "TOKEN=hunter2\n"), ("check.sh", "test -e .env\n"), ("pit.toml", file)]);
    let _ = stage.pit(&["trust", "-y"]).exits(0);
    let said = told(&stage, &["check full", &format!("write check.sh {look}\\n"), "check full"]);
    has_not(&said, "hunter2");
    // Also what it did not write: without the file the check fails, and so it did before.
    has(&said, "verdict: no worse: full of what its agent may read on tree ");
    has(&said, "tail=cat: .env: No such file or directory");
    has(&said, "[pit: this ran without .env, on the base too");
    // The control: the verdict on the result is on all files.
    let stage = Stage::with(&[(".env", "TOKEN=hunter2\n"), ("check.sh", "test -e .env\n"), ("pit.toml", file)]);
    let _ = stage.pit(&["trust", "-y"]).exits(0);
    let run = line(&["check full", "write notes.txt x", "commit"]);
    let _ = stage.pit(&words(&run)).exits(0).says("green: full on tree ");
    // And with the grant its own check sees the file, and so does whoever reads what it says.
    stage.write("pit.toml", &format!("{file}[grants.runs]\nsecrets = [\".env\"]\n"));
    let _ = stage.pit(&["trust", "-y"]).exits(0);
    let said = told(&stage, &[&format!("write check.sh {look}\\n"), "check full"]);
    has(&said, "TOKEN=hunter2");
}

#[test]
fn the_verdict_on_all_files_is_for_people_and_no_agent_is_answered_it() {
    let suite = "n=$(cat .env 2>/dev/null || echo none)\\necho running 1 test\\necho \"test $n ... FAILED\"\\necho\\n\
                 echo failures:\\necho\\necho failures:\\necho \"    $n\"\\necho\\necho 'test result: FAILED. 0 passed; 1 failed; \
                 0 ignored; 0 measured; 0 filtered out; finished in 0.00s'\\nexit 101\\n";
    let file = "schema = 1\n[checks.full]\ntest = { run = [\"sh\", \"suite.sh\"] }\n";
    let stage = Stage::with(&[(".env", "hunter2\n"), ("suite.sh", "exit 0\n"), ("pit.toml", file)]);
    let _ = stage.pit(&["trust", "-y"]).exits(0);
    let run = line(&[&format!("write suite.sh {suite}"), "check full", "commit", "beside src/**|sh true"]);
    // The control: people are told.
    let _ = stage.pit(&words(&run)).exits(4).says("test fails: hunter2 (exit 101)");
    let id = stage.trees().remove(0);
    let _ = stage.pit(&["send", &id, "Again"]);
    let _ = stage.pit(&["resume", &id]);
    let logs = stage.pit(&["logs", &id, "--json"]).exits(0).out;
    let answers: Vec<&str> = logs.lines().filter(|line| line.contains("awaited")).collect();
    assert!(answers.len() > 1 && !answers.iter().any(|line| line.contains("hunter2")), "{answers:?}");
}
