//! What is a test, and what it proved.

use super::*;
use crate::check::report;
use crate::check::verdict::{Ending, Ran};
use crate::id::Hash;

fn changed<'a>(path: &'a str, old: &'a str, new: &'a str) -> Changed<'a> {
    Changed { path, old: Some(old), new: Some(new) }
}

#[test]
fn tests_are_told_by_their_paths() {
    for (path, wanted) in [
        ("tests/adds.rs", Role::Test),
        ("crates/a/tests/it/main.rs", Role::Test),
        ("tests/data/a.json", Role::Fixture),
        ("src/lib.rs", Role::Code),
        ("src/map/tests.rs", Role::Code),
        ("tests/test_adds.py", Role::Test),
        ("shelf/adds_test.py", Role::Test),
        ("tests/conftest.py", Role::Test),
        ("tests/helpers.py", Role::Fixture),
        ("shelf/testing.py", Role::Code),
        ("src/add.test.ts", Role::Test),
        ("src/add.spec.jsx", Role::Test),
        ("src/__tests__/add.js", Role::Test),
        ("test/add.js", Role::Test),
        ("src/latest.js", Role::Code),
        ("shelf/add_test.go", Role::Test),
        ("shelf/testdata/a.go", Role::Fixture),
        ("shelf/add.go", Role::Code),
        ("src/test/java/org/AddTest.java", Role::Test),
        ("src/main/java/org/Add.java", Role::Code),
        ("contest/a.py", Role::Code),
    ] {
        assert_eq!(role(path), wanted, "{path}");
    }
}

#[test]
fn a_change_is_taken_apart() {
    let inside = |body: &str, test: &str| format!("fn a() {{ {body} }}\n#[cfg(test)]\nmod tests {{ {test} }}\n");
    let (old, body, both) = (inside("1", "x"), inside("2", "x"), inside("2", "y"));
    let split_of = |new| split(&[changed("src/lib.rs", &old, new)]).mixed.len();
    // The tests in the file were altered, or only the code beside them was.
    assert_eq!((split_of(&both), split_of(&body)), (1, 0));
    let files = [
        changed("src/lib.rs", &old, &both),
        changed("src/a.py", "1", "2"),
        changed("tests/test_a.py", "1", "2"),
        changed("tests/test_same.py", "1", "1"),
        Changed { path: "tests/test_gone.py", old: Some("1"), new: None },
        Changed { path: "tests/data.json", old: None, new: Some("{}") },
    ];
    let split = split(&files);
    assert_eq!(split.tests, ["tests/test_a.py", "tests/data.json"]);
    assert_eq!((split.mixed, split.rest), (vec!["src/lib.rs"], vec!["src/a.py", "tests/test_gone.py"]));
}

#[test]
fn what_cannot_be_judged_says_why() {
    let why = |files: &[Changed<'_>]| match split(files).not_judged() {
        Some(why) => why,
        None => panic!("it can be judged"),
    };
    assert_eq!(why(&[changed("src/a.py", "1", "2")]), "the change adds and alters no tests");
    assert_eq!(why(&[changed("tests/test_a.py", "1", "2")]), "the change consists of tests only");
    let inside = changed("src/lib.rs", "", "#[cfg(test)]\nmod tests {}");
    assert_eq!(why(&[inside]), "its tests are in the file under test (src/lib.rs)");
    assert_eq!(why(&[changed("tests/data.json", "1", "2")]), "the change adds and alters no tests");
}

fn ran(command: &str, code: i32, output: &str) -> Ran {
    let argv: Vec<String> = command.split(' ').map(str::to_owned).collect();
    let report = report::read(&argv, output);
    Ran {
        name: "test".to_owned(),
        argv,
        ending: Ending::Exit(code),
        micros: 1,
        log: Hash::NONE,
        gist: Hash::NONE,
        report,
    }
}

/// What the tests of a change proved, by what the runner says without it, with it, and on the base.
#[track_caller]
fn proof(command: &str, tests: &str, without: (i32, &str), with: &str, base: &str) -> Proof {
    let files = [changed("src/code.rs", "1", "2"), changed(tests, "1", "2")];
    let split = split(&files);
    let (run, with, base) = (ran(command, without.0, without.1), ran(command, 0, with), ran(command, 0, base));
    classify(&Trial { split: &split, without: &run, again: None, output: without.1, with: &with, base: Some(&base) })
}

/// What each test proved, by its name.
fn tests(proof: &Proof) -> Vec<(&str, Proves)> {
    assert_eq!(proof.why().is_some(), proof.whole() == Proves::NotJudged, "{proof:?}");
    proof.tests().iter().map(|(name, proves)| (name.as_str(), *proves)).collect()
}

fn libtest(results: &[(&str, &str)]) -> String {
    let passed = results.iter().filter(|(_, why)| why.is_empty()).count();
    let failed = results.len() - passed;
    let mut text = format!("     Running tests/a.rs (target/debug/deps/a-1)\n\nrunning {} tests\n", results.len());
    for (name, why) in results {
        text += &format!("test {name} ... {}\n", if why.is_empty() { "ok" } else { "FAILED" });
    }
    text += if failed > 0 { "\nfailures:\n\n" } else { "" };
    for (name, why) in results.iter().filter(|(_, why)| !why.is_empty()) {
        text += &format!("---- {name} stdout ----\n\nthread '{name}' (7) panicked at {why}\n\n");
    }
    let word = if failed > 0 { "FAILED" } else { "ok" };
    text + &format!("\ntest result: {word}. {passed} passed; {failed} failed; 0 ignored; 0 measured; 0 filtered out\n")
}

#[test]
fn an_assertion_that_fails_without_the_change_proves_it() {
    let with = libtest(&[("old", ""), ("new", ""), ("idle", "")]);
    let base = libtest(&[("old", "")]);
    let failing = |why| libtest(&[("old", ""), ("new", why), ("idle", "")]);
    let proof = |why| proof("cargo test", "tests/a.rs", (101, &failing(why)), &with, &base);
    // What passes is named beside what does not.
    let proved = [("a::new", Proves::Proved), ("a::idle", Proves::Passes)];
    assert_eq!(tests(&proof("tests/a.rs:3:5:\nassertion `left == right` failed\n  left: 1\n right: 2")), proved);
    // An assertion with words of its own, in the test's own file; and a panic elsewhere.
    assert_eq!(tests(&proof("tests/a.rs:3:5:\nnine and two are eleven")), proved);
    let errors = [("a::new", Proves::Errors), ("a::idle", Proves::Passes)];
    assert_eq!(tests(&proof("src/code.rs:3:5:\nthe shelf is full")), errors);
    assert_eq!(tests(&proof("tests/a.rs:3:5:\ncalled `Result::unwrap()` on an `Err` value: 1")), errors);
}

#[test]
fn a_test_that_passes_without_the_change_is_named() {
    let all = libtest(&[("old", ""), ("new", "")]);
    let base = libtest(&[("old", "")]);
    let passes = proof("cargo test", "tests/a.rs", (0, &all), &all, &base);
    assert_eq!(tests(&passes), [("a::new", Proves::Passes)]);
    let unnamed = proof("make", "tests/a.rs", (0, "fine"), "fine", "");
    assert_eq!((tests(&unnamed), unnamed.whole()), (vec![], Proves::Passes));
}

#[test]
fn a_test_that_fails_with_the_change_too_proves_nothing() {
    let assertion = "tests/a.rs:3:5:\nassertion failed: x";
    let all = libtest(&[("old", ""), ("new", assertion)]);
    let proof = proof("cargo test", "tests/a.rs", (101, &all), &all, &libtest(&[("old", "")]));
    assert_eq!((tests(&proof), proof.whole()), (vec![], Proves::NotJudged));
}

#[test]
fn what_does_not_build_counts_as_nothing() {
    let rust = "error[E0425]: cannot find function `add` in this scope\nerror: could not compile `a` (test \"a\")\n";
    let with = libtest(&[("new", "")]);
    let unbuilt = proof("cargo test", "tests/a.rs", (101, rust), &with, &libtest(&[("old", "")]));
    assert_eq!(tests(&unbuilt), [("a::new", Proves::DoesNotBuild)]);
    let go = "# x/a [x/a.test]\na_test.go:5:2: undefined: Add\nFAIL\tx/a [build failed]\nFAIL\n";
    let with = "=== RUN   TestAdd\n--- PASS: TestAdd (0.00s)\nok  \tx/a\t0.1s\n";
    let base = "=== RUN   TestOld\n--- PASS: TestOld (0.00s)\nok  \tx/a\t0.1s\n";
    let unbuilt = proof("go test -v", "a/a_test.go", (1, go), with, base);
    assert_eq!(tests(&unbuilt), [("x/a.TestAdd", Proves::DoesNotBuild)]);
    // Where the base names no tests, it is not known which are new.
    let unbuilt = proof("go test -v", "a/a_test.go", (1, go), with, "ok  \tx/a\t0.1s\n");
    assert_eq!(tests(&unbuilt), [("x/a (build)", Proves::DoesNotBuild)]);
    let odd = proof("make test", "tests/a.rs", (2, "make: *** [test] Error 1"), "fine", "fine");
    assert_eq!((tests(&odd), odd.whole()), (vec![], Proves::NotJudged));
}

#[test]
fn a_name_that_is_not_there_is_no_assertion() {
    let pytest = |line: &str, end: &str| format!("=== short test summary info ===\n{line}\n=== {end} in 0.1s ===\n");
    let with = "tests/test_a.py::test_new PASSED [100%]\n=== 1 passed in 0.1s ===\n";
    let proof =
        |without: &str| proof("pytest -v", "tests/test_a.py", (1, without), with, "=== no tests ran in 0.1s ===\n");
    let file = pytest("ERROR tests/test_a.py - ImportError: cannot import name 'add'", "1 error");
    assert_eq!(tests(&proof(&file)), [("tests/test_a.py::test_new", Proves::Errors)]);
    for error in ["NameError: name 'add' is not defined", "AttributeError: no 'add'", "TypeError: add() takes 1"] {
        let test = pytest(&format!("FAILED tests/test_a.py::test_new - {error}"), "1 failed");
        assert_eq!(tests(&proof(&test)), [("tests/test_a.py::test_new", Proves::Errors)], "{error}");
    }
    for why in ["assert 3 == 4", "AssertionError: three", "Failed: DID NOT RAISE <class 'OSError'>"] {
        let test = pytest(&format!("FAILED tests/test_a.py::test_new - {why}"), "1 failed");
        assert_eq!(tests(&proof(&test)), [("tests/test_a.py::test_new", Proves::Proved)], "{why}");
    }
}

#[test]
fn what_failed_on_the_base_already_is_not_what_the_tests_are_about() {
    let assertion = "tests/a.rs:3:5:\nassertion failed: x";
    let without = libtest(&[("old", assertion), ("new", "")]);
    let with = libtest(&[("old", ""), ("new", "")]);
    let files = [changed("src/code.rs", "1", "2"), changed("tests/a.rs", "1", "2")];
    let split = split(&files);
    let run = ran("cargo test", 101, &without);
    let (with, base) = (ran("cargo test", 0, &with), ran("cargo test", 101, &libtest(&[("old", assertion)])));
    let trial = Trial { split: &split, without: &run, again: None, output: &without, with: &with, base: Some(&base) };
    assert_eq!(tests(&classify(&trial)), [("a::new", Proves::Passes)]);
}

#[test]
fn tests_of_a_file_that_cannot_be_loaded_are_named() {
    let with = "tests/test_a.py::test_new PASSED\ntests/test_b.py::test_idle PASSED\n=== 2 passed in 0.1s ===\n";
    let without = "tests/test_b.py::test_idle PASSED\n=== short test summary info ===\n\
                   ERROR tests/test_a.py - ImportError: cannot import name 'add'\n=== 1 passed, 1 error in 0.1s ===\n";
    let base = "tests/test_b.py::test_old PASSED\n=== 1 passed in 0.1s ===\n";
    let proof = proof("pytest -v", "tests/test_a.py", (1, without), with, base);
    let wanted = [("tests/test_a.py::test_new", Proves::Errors), ("tests/test_b.py::test_idle", Proves::Passes)];
    assert_eq!(tests(&proof), wanted);
    // Python's own runner names a module, and Node's no file.
    let rule = "=".repeat(70);
    let with = "test_new (t.test_a.T.test_new) ... ok\n\nRan 1 test in 0.1s\n\nOK\n";
    let without = format!(
        "t.test_a (unittest.loader._FailedTest.t.test_a) ... ERROR\n\n{rule}\nERROR: t.test_a \
         (unittest.loader._FailedTest.t.test_a)\nImportError: cannot import name 'add'\n\nRan 1 test in 0.1s\n\nFAILED (errors=1)\n"
    );
    let base = "test_old (t.test_b.T.test_old) ... ok\n\nRan 1 test in 0.1s\n\nOK\n";
    let python = self::proof("python3 -m unittest -v", "t/test_a.py", (1, &without), with, base);
    assert_eq!(tests(&python), [("t.test_a.T.test_new", Proves::Errors)]);
    let said = |passed: u32, failed: u32| format!("ℹ tests {}\nℹ pass {passed}\nℹ fail {failed}\n", passed + failed);
    let with = format!("✔ new (1ms)\n{}", said(1, 0));
    let without = format!("✖ test/a.test.js (1ms)\n{}", said(0, 1));
    let base = format!("✔ old (1ms)\n{}", said(1, 0));
    let node = self::proof("node --test", "test/a.test.js", (1, &without), &with, &base);
    assert_eq!(tests(&node), [("new", Proves::Errors), ("test/a.test.js", Proves::Errors)]);
}

#[test]
fn tests_in_the_file_under_test_are_named_and_not_judged() {
    let inside = changed("src/lib.rs", "", "#[cfg(test)]\nmod tests {}");
    let (with, base) = (ran("cargo test", 0, &libtest(&[("old", ""), ("new", "")])), libtest(&[("old", "")]));
    let base = ran("cargo test", 0, &base);
    let trial = |files: &[Changed<'_>]| {
        let split = split(files);
        classify(&Trial { split: &split, without: &base, again: None, output: "", with: &with, base: Some(&base) })
    };
    let alone = trial(&[inside]);
    assert_eq!(tests(&alone), [("a::new", Proves::NotJudged)]);
    assert_eq!(alone.why(), Some("its tests are in the file under test (src/lib.rs)"));
    // Beside one of its own.
    let beside = trial(&[inside, changed("tests/b.rs", "1", "2")]);
    assert_eq!(tests(&beside), [("a::new", Proves::NotJudged)]);
    assert_eq!(beside.why(), Some("it did not run without the change"));
}

#[test]
fn of_several_trials_what_says_most_of_a_test_counts() {
    let of = |tests: &[(&str, Proves)]| {
        let named = tests.iter().map(|(name, proves)| ((*name).to_owned(), *proves)).collect();
        Proof::of(named, Proves::NotJudged, Some("why".to_owned()))
    };
    let both = of(&[("a", Proves::DoesNotBuild), ("b", Proves::DoesNotBuild)]).and(of(&[
        ("a", Proves::Proved),
        ("b", Proves::DoesNotBuild),
        ("c", Proves::Passes),
    ]));
    assert_eq!(tests(&both), [("a", Proves::Proved), ("c", Proves::Passes), ("b", Proves::DoesNotBuild)]);
    assert_eq!(tests(&of(&[]).and(of(&[]))), []);
    let names: Vec<String> = (0..MOST_TESTS + 7).map(|n| format!("t{n:03}")).collect();
    let many: Vec<(&str, Proves)> = names.iter().map(|name| (name.as_str(), Proves::Passes)).collect();
    assert_eq!((of(&many).tests().len(), of(&many).more(), of(&many).and(of(&many)).more()), (MOST_TESTS, 7, 7));
}

/// What a run says that wrote a report of these tests, as Maven or Gradle does, and printed this.
fn wrote(code: i32, output: &str, cases: &[(&str, &str)]) -> Ran {
    let mut ran = ran("./gradlew test --continue", code, output);
    let cases: String =
        cases.iter().map(|(name, inner)| format!("<testcase classname='A' name='{name}'>{inner}</testcase>")).collect();
    let mut gathered = report::Gathered::default();
    if !cases.is_empty() {
        gathered.add(
            "target/surefire-reports/TEST-A.xml",
            format!("<testsuite>{cases}</testsuite>").as_bytes(),
            &Default::default(),
        );
    }
    ran.report = gathered.report(&ran.argv, &Default::default(), ran.report, output);
    ran
}

#[test]
fn reports_in_files_prove_what_output_does() {
    let failing = "FAILURE: Build failed with an exception.\n\n* What went wrong:\nExecution failed for task ':test'.\n\
                   > There were failing tests. See the report at: file:///x/index.html\n";
    let maven = "[ERROR] COMPILATION ERROR : \n[ERROR] A.java:[3,4] cannot find symbol\n";
    let gradle = "FAILURE: Build failed with an exception.\n\n* What went wrong:\nExecution failed for task \
                  ':compileTestKotlin'.\n> A failure occurred\n   > Compilation error. See log for more details\n";
    let files = [changed("src/main/java/A.java", "1", "2"), changed("src/test/java/ATest.java", "1", "2")];
    let split = split(&files);
    let with = wrote(0, "", &[("old", ""), ("new", ""), ("odd", ""), ("idle", "")]);
    let base = wrote(0, "", &[("old", "")]);
    let proof = |without: &Ran, output: &str| {
        classify(&Trial { split: &split, without, again: None, output, with: &with, base: Some(&base) })
    };
    let asserts = "<failure message='expected: &lt;1&gt;' type='org.opentest4j.AssertionFailedError'/>";
    let errors = "<error message='no' type='java.lang.NullPointerException'/>";
    let ran = wrote(1, failing, &[("old", ""), ("new", asserts), ("odd", errors), ("idle", "")]);
    let wanted = [("A::new", Proves::Proved), ("A::odd", Proves::Errors), ("A::idle", Proves::Passes)];
    assert_eq!(tests(&proof(&ran, failing)), wanted);
    for unbuilt in [maven, gradle] {
        let found = proof(&wrote(1, unbuilt, &[]), unbuilt);
        assert_eq!((found.whole(), found.tests().len()), (Proves::DoesNotBuild, 3), "{unbuilt}");
    }
    // Tests that fail are no build that does: what did not run is then not known to be unbuilt.
    let some = proof(&wrote(1, failing, &[("old", ""), ("new", asserts)]), failing);
    assert_eq!(
        tests(&some),
        [("A::new", Proves::Proved), ("A::idle", Proves::NotJudged), ("A::odd", Proves::NotJudged)]
    );
}

/// What `pytest -q -rap` says, by its short summary and its last line.
fn pytest(code: i32, summary: &str, last: &str) -> Ran {
    let output = format!("..                    [100%]\n=== short test summary info ===\n{summary}\n{last} in 0.02s\n");
    let ran = ran("pytest -q -rap", code, &output);
    assert!(ran.report.tests().is_some(), "{:?}", ran.report);
    ran
}

#[test]
fn a_file_that_cannot_be_loaded_and_keeps_others_from_being_run_is_named() {
    let files = [
        changed("calc.py", "1", "2"),
        Changed { path: "py/tests/test_sub.py", old: None, new: Some("2") },
        changed("py/tests/test_a.py", "1", "2"),
        changed("py/tests/conftest.py", "1", "2"),
    ];
    let split = split(&files);
    let with = pytest(
        0,
        "SKIPPED [1] tests/test_a.py:9: later\nPASSED tests/test_a.py::test_old\nPASSED tests/test_a.py::test_new\nPASSED \
         tests/test_sub.py::test_sub",
        "3 passed, 1 skipped",
    );
    let base =
        pytest(0, "SKIPPED [1] tests/test_a.py:9: later\nPASSED tests/test_a.py::test_old", "1 passed, 1 skipped");
    let proof = |without: &Ran| {
        let trial = Trial { split: &split, without, again: Some(without), output: "", with: &with, base: Some(&base) };
        (trial.unloaded(), classify(&trial))
    };
    let (sub, new) = ("tests/test_sub.py::test_sub", "tests/test_a.py::test_new");
    // What pytest 8 says of it.
    let interrupted =
        "ERROR tests/test_sub.py\n!!!!!!!!!!!!!!!!!!!! Interrupted: 1 error during collection !!!!!!!!!!!!!!!!!!!!";
    let (unloaded, all) = proof(&pytest(2, interrupted, "1 error"));
    assert_eq!(
        (unloaded, tests(&all)),
        (owned(&["py/tests/test_sub.py"]), vec![(sub, Proves::Errors), (new, Proves::NotJudged)])
    );
    // Without it the other is judged, and what is known of both counts.
    let (unloaded, rest) = proof(&pytest(
        1,
        "SKIPPED [1] tests/test_a.py:9: later\nFAILED tests/test_a.py::test_new - assert 1 == 2\nPASSED tests/test_a.py::test_old",
        "1 failed, 1 passed, 1 skipped",
    ));
    assert_eq!((unloaded, tests(&all.and(rest))), (vec![], vec![(new, Proves::Proved), (sub, Proves::Errors)]));
    // One that pytest was told to go on after keeps nothing from being run.
    let (unloaded, _) =
        proof(&pytest(1, "ERROR tests/test_sub.py\nPASSED tests/test_a.py::test_new", "1 passed, 1 error"));
    assert_eq!(unloaded, owned(&[]));
    // A test that is skipped with the change, without a name, does not hold with it.
    let (_, odd) = proof(&pytest(1, "FAILED tests/test_a.py::test_later - assert 1 == 2", "1 failed"));
    assert_eq!(odd.named(Proves::Proved), owned(&[]));
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn a_file_that_mocha_cannot_load_keeps_the_others_from_being_run() {
    let said = |names: &[&str]| {
        let lines: String = names.iter().map(|name| format!("  ✔ {name}\n")).collect();
        format!("\n{lines}\n  {} passing (3ms)\n", names.len())
    };
    let without = "\n Exception during run: Error: Cannot find module '../sub'\nRequire stack:\n- /x/test/b.js\n    at Function._resolveFilename";
    let unbuilt = proof("mocha", "test/b.js", (1, without), &said(&["adds", "subs"]), &said(&["adds"]));
    assert_eq!(tests(&unbuilt), [("subs", Proves::DoesNotBuild)]);
}

#[test]
fn a_test_has_to_fail_each_time_to_prove_something() {
    let files = [changed("src/code.rs", "1", "2"), changed("tests/a.rs", "1", "2")];
    let split = split(&files);
    let asserts = "tests/a.rs:3:5:\nassertion failed: x";
    let of = |new: &str, idle: &str| {
        let code = if new.is_empty() && idle.is_empty() { 0 } else { 101 };
        ran("cargo test", code, &libtest(&[("old", ""), ("new", new), ("idle", idle)]))
    };
    let (with, base) = (of("", ""), ran("cargo test", 0, &libtest(&[("old", "")])));
    let without = of(asserts, asserts);
    let proof = |again: Option<&Ran>| {
        classify(&Trial { split: &split, without: &without, again, output: "", with: &with, base: Some(&base) })
    };
    let (new, idle) = ("a::new", "a::idle");
    assert_eq!(tests(&proof(Some(&without))), [(idle, Proves::Proved), (new, Proves::Proved)], "the control");
    assert_eq!(tests(&proof(None)), tests(&proof(Some(&without))), "a check that hides it ends with 0, and ran once");
    assert_eq!(tests(&proof(Some(&of(asserts, "")))), [(new, Proves::Proved), (idle, Proves::Passes)]);
    // A second run that says nothing of them proves nothing.
    for again in [ran("cargo test", 101, "noise"), Ran { ending: Ending::TimedOut, ..of("", "") }] {
        let said = proof(Some(&again));
        assert_eq!(tests(&said), [(idle, Proves::NotJudged), (new, Proves::NotJudged)]);
        assert_eq!(said.why(), Some("run once more, the tests that failed were not seen to fail again"));
    }
}
