//! What is a test, and what it proved.

use super::*;
use crate::check::report;
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
        Some(Proof::NotJudged(why)) => why,
        other => panic!("{other:?}"),
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
    classify(&Trial { split: &split, without: &run, output: without.1, with: &with, base: Some(&base) })
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
    let proved = Proof::Proved { by: vec!["a::new".into()], passes: vec!["a::idle".into()] };
    assert_eq!(proof("tests/a.rs:3:5:\nassertion `left == right` failed\n  left: 1\n right: 2"), proved);
    // An assertion with words of its own, in the test's own file; and a panic elsewhere.
    assert_eq!(proof("tests/a.rs:3:5:\nnine and two are eleven"), proved);
    let errors = Proof::Errors { tests: vec!["a::new".into()] };
    assert_eq!(proof("src/code.rs:3:5:\nthe shelf is full"), errors);
    assert_eq!(proof("tests/a.rs:3:5:\ncalled `Result::unwrap()` on an `Err` value: 1"), errors);
}

#[test]
fn a_test_that_passes_without_the_change_is_named() {
    let all = libtest(&[("old", ""), ("new", "")]);
    let base = libtest(&[("old", "")]);
    let passes = proof("cargo test", "tests/a.rs", (0, &all), &all, &base);
    assert_eq!(passes, Proof::Passes { tests: vec!["a::new".into()] });
    assert_eq!(proof("make", "tests/a.rs", (0, "fine"), "fine", ""), Proof::Passes { tests: vec![] });
}

#[test]
fn a_test_that_fails_with_the_change_too_proves_nothing() {
    let assertion = "tests/a.rs:3:5:\nassertion failed: x";
    let all = libtest(&[("old", ""), ("new", assertion)]);
    let proof = proof("cargo test", "tests/a.rs", (101, &all), &all, &libtest(&[("old", "")]));
    assert!(matches!(proof, Proof::NotJudged(_)), "{proof:?}");
}

#[test]
fn what_does_not_build_counts_as_nothing() {
    let rust = "error[E0425]: cannot find function `add` in this scope\nerror: could not compile `a` (test \"a\")\n";
    let with = libtest(&[("new", "")]);
    assert_eq!(proof("cargo test", "tests/a.rs", (101, rust), &with, &libtest(&[])), Proof::DoesNotBuild);
    let go = "# x/a [x/a.test]\na_test.go:5:2: undefined: Add\nFAIL\tx/a [build failed]\nFAIL\n";
    let with = "=== RUN   TestAdd\n--- PASS: TestAdd (0.00s)\nok  \tx/a\t0.1s\n";
    assert_eq!(proof("go test -v", "a/a_test.go", (1, go), with, "ok  \tx/a\t0.1s\n"), Proof::DoesNotBuild);
    let odd = proof("make test", "tests/a.rs", (2, "make: *** [test] Error 1"), "fine", "fine");
    assert!(matches!(odd, Proof::NotJudged(_)), "{odd:?}");
}

#[test]
fn a_name_that_is_not_there_is_no_assertion() {
    let pytest = |line: &str, end: &str| format!("=== short test summary info ===\n{line}\n=== {end} in 0.1s ===\n");
    let with = "tests/test_a.py::test_new PASSED [100%]\n=== 1 passed in 0.1s ===\n";
    let proof =
        |without: &str| proof("pytest -v", "tests/test_a.py", (1, without), with, "=== no tests ran in 0.1s ===\n");
    let file = pytest("ERROR tests/test_a.py - ImportError: cannot import name 'add'", "1 error");
    assert_eq!(proof(&file), Proof::Errors { tests: vec!["tests/test_a.py".into()] });
    for error in ["NameError: name 'add' is not defined", "AttributeError: no 'add'", "TypeError: add() takes 1"] {
        let test = pytest(&format!("FAILED tests/test_a.py::test_new - {error}"), "1 failed");
        assert_eq!(proof(&test), Proof::Errors { tests: vec!["tests/test_a.py::test_new".into()] }, "{error}");
    }
    for why in ["assert 3 == 4", "AssertionError: three", "Failed: DID NOT RAISE <class 'OSError'>"] {
        let test = pytest(&format!("FAILED tests/test_a.py::test_new - {why}"), "1 failed");
        assert!(matches!(proof(&test), Proof::Proved { .. }), "{why}");
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
    let trial = Trial { split: &split, without: &run, output: &without, with: &with, base: Some(&base) };
    assert_eq!(classify(&trial), Proof::Passes { tests: vec!["a::new".into()] });
}
