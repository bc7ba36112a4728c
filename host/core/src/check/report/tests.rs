//! Real outputs of real runners, read; and outputs that are cut, contradict themselves or are nobody's.

use proptest::prelude::*;

use super::*;

const FIXTURES: &[(&str, &str)] = &[
    ("cargo test", include_str!("fixtures/cargo-test.txt")),
    ("cargo nextest run", include_str!("fixtures/nextest.txt")),
    ("pytest", include_str!("fixtures/pytest.txt")),
    ("pytest -v", include_str!("fixtures/pytest-v.txt")),
    ("python3 -m pytest -q", include_str!("fixtures/pytest-q.txt")),
    ("pytest", include_str!("fixtures/pytest-collect.txt")),
    ("pytest -x", include_str!("fixtures/pytest-x.txt")),
    ("npx jest", include_str!("fixtures/jest.txt")),
    ("npx jest --verbose", include_str!("fixtures/jest-v.txt")),
    ("npx vitest run", include_str!("fixtures/vitest.txt")),
    ("npx vitest run --reporter=verbose", include_str!("fixtures/vitest-v.txt")),
    ("npx mocha", include_str!("fixtures/mocha.txt")),
    ("go test ./...", include_str!("fixtures/go.txt")),
    ("go test -v ./...", include_str!("fixtures/go-v.txt")),
    ("go test -json ./...", include_str!("fixtures/go.jsonl")),
    ("cat", include_str!("fixtures/pytest.xml")),
    ("python3 -m unittest", include_str!("fixtures/unittest.txt")),
    (".venv/bin/python -m unittest -v", include_str!("fixtures/unittest-v.txt")),
    ("node --test", include_str!("fixtures/node.txt")),
    ("npm test", include_str!("fixtures/node.tap")),
];

fn argv(command: &str) -> Vec<String> {
    command.split(' ').map(str::to_owned).collect()
}

#[track_caller]
fn tests_of(command: &str, output: &str) -> Tests {
    match read(&argv(command), output) {
        Report::Understood(tests) => *tests,
        Report::NotUnderstood { why } => panic!("{command}: {why}"),
    }
}

fn fixture(command: &str) -> Tests {
    let (_, output) = FIXTURES.iter().find(|(found, _)| *found == command).expect("a fixture");
    tests_of(command, output)
}

#[track_caller]
fn why_not(command: &str, output: &str) -> String {
    match read(&argv(command), output) {
        Report::Understood(tests) => panic!("understood: {tests:?}"),
        Report::NotUnderstood { why } => why,
    }
}

/// What failed, and by what.
fn failed(tests: &Tests) -> Vec<(&str, How)> {
    tests.failed.iter().map(|(name, failure)| (name.as_str(), failure.how)).collect()
}

fn names(set: &BTreeSet<String>) -> Vec<&str> {
    set.iter().map(String::as_str).collect()
}

fn counts(passed: u64, failed: u64, skipped: u64) -> Counts {
    Counts { passed, failed, skipped }
}

#[test]
fn libtest_tells_equal_names_in_two_programs_apart() {
    let tests = fixture("cargo test");
    assert_eq!((tests.runner, tests.counts), (Runner::Libtest, counts(4, 4, 1)));
    assert!(tests.all_named && !tests.stopped);
    assert_eq!(
        failed(&tests),
        [
            ("adds::adds", How::Assertion),
            ("shelf (doc)::src/lib.rs - add #2", How::Assertion),
            ("shelf::tests::carries", How::Assertion),
            ("shelf::tests::opens", How::Error),
        ]
    );
    let passed = ["adds::other", "shelf (doc)::src/lib.rs - add", "shelf::tests::adds", "shelf::tests::refuses"];
    assert_eq!(names(&tests.passed), passed);
    assert_eq!(names(&tests.skipped), ["shelf::tests::slow"]);
    let carries = &tests.failed["shelf::tests::carries"];
    assert_eq!(carries.at.as_deref(), Some("src/lib.rs"));
    assert_eq!(carries.lines.last().map(String::as_str), Some(" right: 12"));
}

#[test]
fn libtest_is_matched_with_cargos_lines_wherever_they_stand() {
    let text = FIXTURES[0].1;
    let cargo = |line: &str| ["     Running", "   Doc-tests", "error: "].iter().any(|begin| line.starts_with(begin));
    let part = |of_cargo: bool| text.lines().filter(|line| cargo(line) == of_cargo).collect::<Vec<_>>().join("\n");
    let mixed = fixture("cargo test");
    assert_eq!(tests_of("cargo test", &format!("{}\n{}", part(true), part(false))), mixed);
    assert_eq!(tests_of("cargo test", &format!("{}\n{}", part(false), part(true))), mixed);
    // Without cargo's lines the names of this output still differ.
    assert_eq!(tests_of("make test", &part(false)).counts, mixed.counts);
}

#[test]
fn cargo_that_stops_at_the_first_failing_program_says_so() {
    let text = FIXTURES[0].1;
    let first = text.split_inclusive("rerun pass `--lib`\n").next().expect("the first program");
    assert!(tests_of("cargo test", first).stopped);
}

#[test]
fn what_a_test_prints_is_no_result() {
    // The fixture's `adds` prints a result and a summary. Here one prints the end of its own block, with other counts.
    let output = "running 2 tests\ntest a ... FAILED\ntest b ... ok\n\nfailures:\n\n---- a stdout ----\ntest c ... ok\n\
                  failures:\n    b\n\ntest result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out\n\
                  ---- b stdout ----\n\nfailures:\n    a\n\n\
                  test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.0s\n";
    let tests = tests_of("cargo test", output);
    assert_eq!((names(&tests.passed), tests.failed.len()), (vec!["b"], 1));
}

#[test]
fn output_that_was_cut_or_contradicts_itself_is_not_understood() {
    for (from, to, said) in [
        ("test result: FAILED. 2 passed", "test result: FAILED. 3 passed", "do not agree"),
        ("test tests::adds ... ok\n", "", "do not agree"),
        ("running 5 tests", "running 6 tests", "do not agree"),
        ("test other ... ok", "test adds ... ok", "two results"),
    ] {
        let output = FIXTURES[0].1.replacen(from, to, 1);
        assert_ne!(output, FIXTURES[0].1, "{from}");
        assert!(why_not("cargo test", &output).contains(said), "{from}: {}", why_not("cargo test", &output));
    }
    for (at, from, to) in [
        (1, "6 tests run: 3 passed", "6 tests run: 4 passed"),
        (1, "        PASS [   0.018s] (1/6) shelf tests::adds\n", ""),
        (2, "FAILED tests/test_adds.py::test_carries", "XFAILED x"),
        (3, "test_words[z] PASSED", "test_adds PASSED"),
        (7, "2 failed, 1 skipped, 2 passed", "1 failed, 1 skipped, 2 passed"),
        (8, "    ✓ adds (33 ms)", "    ✓ carries (33 ms)"),
        (11, "1 passing", "0 passing"),
        (12, "FAIL\texample.org/shelf/shelf", "ok  \texample.org/shelf/shelf"),
        (13, "FAIL\texample.org/shelf/shelf\t0.016s\n", ""),
        (14, "\"Action\":\"fail\",\"Package\":\"example.org/shelf/shelf\",\"Elapsed\"", "\"Action\":\"x\",\"A\""),
        (15, "tests=\"8\"", "tests=\"9\""),
        (15, "</testsuites>", ""),
        (16, "Ran 9 tests", "Ran some tests"),
        (16, "failures=2", "failures=3"),
        (16, "FAIL: test_fail (tests.test_a.T.test_fail)", "FAIL: test_fail"),
        (17, "ERROR: test_err (", "test_err ("),
        (18, "ℹ fail 4", "ℹ fail 2"),
        (18, "✔ adds (", "✔ throws ("),
        (19, "# pass 6", "# pass 9"),
        (19, "ok 9 - adds", "ok 9 - throws"),
    ] {
        let (command, text) = FIXTURES[at];
        let output = text.replacen(from, to, 1);
        assert_ne!(output, text, "{command}: {from}");
        why_not(command, &output);
    }
}

#[test]
fn nextest_names_binaries() {
    let tests = fixture("cargo nextest run");
    assert_eq!((tests.runner, tests.counts), (Runner::Nextest, counts(3, 3, 1)));
    assert!(tests.all_named && !tests.stopped);
    let wanted = [
        ("shelf tests::carries", How::Assertion),
        ("shelf tests::opens", How::Error),
        ("shelf::adds adds", How::Assertion),
    ];
    assert_eq!(failed(&tests), wanted);
    assert_eq!(tests.failed["shelf::adds adds"].at.as_deref(), Some("tests/adds.rs"));
    let output = FIXTURES[1].1.replace("6 tests run", "6/9 tests run");
    assert!(tests_of("cargo nextest run", &output).stopped);
}

const PYTEST: [(&str, How); 4] = [
    ("tests/test_adds.py::TestShelf::test_name", How::Error),
    ("tests/test_adds.py::test_carries", How::Assertion),
    ("tests/test_adds.py::test_setup", How::Error),
    ("tests/test_adds.py::test_words[x - y]", How::Assertion),
];

#[test]
fn pytest_names_what_failed_and_with_v_all() {
    for command in ["pytest", "pytest -v", "python3 -m pytest -q"] {
        let tests = fixture(command);
        assert_eq!((tests.runner, tests.counts), (Runner::Pytest, counts(2, 4, 2)), "{command}");
        assert_eq!((failed(&tests), tests.stopped), (PYTEST.to_vec(), false), "{command}");
        assert_eq!(tests.all_named, command == "pytest -v", "{command}");
    }
    let tests = fixture("pytest -v");
    assert_eq!(names(&tests.passed), ["tests/test_adds.py::test_adds", "tests/test_adds.py::test_words[z]"]);
    let failure = &tests.failed["tests/test_adds.py::test_carries"];
    assert_eq!(failure.lines.last().map(String::as_str), Some("tests/test_adds.py:8: AssertionError"));
    assert_eq!(failure.at.as_deref(), Some("tests/test_adds.py"));
}

#[test]
fn pytest_that_could_not_load_a_file_ran_nothing_and_says_so() {
    let tests = tests_of("pytest", FIXTURES[5].1);
    assert_eq!(failed(&tests), [("tests/test_gone.py", How::Error)]);
    assert!(tests.stopped);
    let lines = &tests.failed["tests/test_gone.py"].lines;
    assert!(lines.iter().any(|line| line.starts_with("E   ImportError: cannot import")), "{lines:?}");
    assert!(tests_of("pytest -x", FIXTURES[6].1).stopped);
}

#[test]
fn jest_names_files_groups_and_tests() {
    for command in ["npx jest", "npx jest --verbose"] {
        let tests = fixture(command);
        assert_eq!((tests.runner, tests.counts), (Runner::Jest, counts(2, 3, 1)));
        let wanted = [
            ("add.test.js › shelf › carries", How::Assertion),
            ("add.test.js › shelf › inner › names", How::Error),
            ("gone.test.js", How::Error),
        ];
        assert_eq!(failed(&tests), wanted, "{command}");
        assert_eq!(tests.all_named, command.ends_with("verbose"));
        assert_eq!(tests.failed["add.test.js › shelf › carries"].at.as_deref(), Some("add.test.js"));
    }
    let tests = fixture("npx jest --verbose");
    assert_eq!(names(&tests.passed), ["add.test.js › shelf › adds", "other.test.js › adds"]);
}

#[test]
fn vitest_names_files_groups_and_tests() {
    for command in ["npx vitest run", "npx vitest run --reporter=verbose"] {
        let tests = fixture(command);
        assert_eq!((tests.runner, tests.counts), (Runner::Vitest, counts(2, 3, 1)));
        let wanted = [
            ("add.test.js > shelf > carries", How::Assertion),
            ("add.test.js > shelf > inner > names", How::Error),
            ("gone.test.js", How::Error),
        ];
        assert_eq!(failed(&tests), wanted, "{command}");
        assert_eq!(tests.all_named, command.ends_with("verbose"));
    }
}

#[test]
fn mocha_names_groups_tests_and_hooks() {
    let tests = fixture("npx mocha");
    assert_eq!((tests.runner, tests.counts, tests.all_named), (Runner::Mocha, counts(1, 3, 1), true));
    let wanted = [
        ("disk › \"before each\" hook for \"writes\"", How::Error),
        ("shelf › carries", How::Assertion),
        ("shelf › inner › names", How::Error),
    ];
    assert_eq!(failed(&tests), wanted);
}

#[test]
fn unittest_names_what_failed_and_with_v_all() {
    let wanted = [
        ("setUpClass (tests.test_c.C)", How::Error),
        ("tests.test_a.T.test_err", How::Error),
        ("tests.test_a.T.test_fail", How::Assertion),
        ("tests.test_a.T.test_sub (i=1)", How::Assertion),
        ("tests.test_a.T.test_xpass", How::Unsaid),
        ("tests.test_b", How::Error),
    ];
    for command in ["python3 -m unittest", ".venv/bin/python -m unittest -v"] {
        let tests = fixture(command);
        assert_eq!((tests.runner, tests.counts), (Runner::Unittest, counts(2, 6, 2)), "{command}");
        assert_eq!(failed(&tests), wanted, "{command}");
    }
    let tests = fixture(".venv/bin/python -m unittest -v");
    // What a test prints stands in the middle of its line, and then its name is not known to have passed.
    assert_eq!((names(&tests.passed), tests.all_named), (vec!["tests.test_a.T.test_ok"], false));
    assert_eq!(names(&tests.skipped), ["tests.test_a.T.test_skip", "tests.test_a.T.test_xfail"]);
    let failure = &tests.failed["tests.test_a.T.test_fail"];
    assert!(failure.lines.iter().any(|line| line == "AssertionError: 1 != 2"), "{failure:?}");
    assert_eq!(failure.at.as_deref(), Some("/tmp/u/tests/test_a.py"));
    // Before Python 3.11 the test's name stands once.
    let old = "test_a (m.T) ... ok\ntest_b (m.T)\nSays what. ... ok\n\n---\nRan 2 tests in 0.001s\n\nOK\n";
    let tests = tests_of("python3.9 -m unittest", old);
    assert_eq!((names(&tests.passed), tests.all_named), (vec!["m.T.test_a", "m.T.test_b"], true));
}

#[test]
fn node_names_groups_and_tests_in_both_its_forms() {
    for (command, file) in [("node --test", "test/b.test.js"), ("npm test", "/tmp/n/test/b.test.js")] {
        let tests = fixture(command);
        assert_eq!((tests.runner, tests.counts, tests.all_named), (Runner::Node, counts(5, 4, 2), true), "{command}");
        let wanted = if command == "npm test" { "fails \\# odd" } else { "fails # odd" };
        let mut wanted = [
            (file, How::Unsaid),
            (wanted, How::Assertion),
            ("group › bad inner", How::Assertion),
            ("throws", How::Error),
        ];
        wanted.sort_by_key(|(name, _)| *name);
        assert_eq!(failed(&tests), wanted, "{command}");
        assert_eq!(names(&tests.passed), ["adds", "adds (2)", "group › deep › x", "group › inner", "sub › one"]);
        assert_eq!(names(&tests.skipped), ["skipped", "todo"]);
        let failure = &tests.failed["group › bad inner"];
        assert!(failure.at.as_deref().is_some_and(|at| at.ends_with("test/a.test.js")), "{failure:?}");
        assert!(failure.lines.iter().any(|line| line.contains("oh")), "{failure:?}");
    }
    // A group whose own end fails, and none of its tests.
    let own = "▶ all\n  ✔ one (1ms)\n✖ all (2.5ms)\nℹ tests 2\nℹ suites 0\nℹ pass 1\nℹ fail 1\n";
    assert_eq!(failed(&tests_of("node --test", own)), [("all", How::Unsaid)]);
}

#[test]
fn go_names_packages_and_tests() {
    for (command, passed) in [("go test ./...", 0), ("go test -v ./...", 2), ("go test -json ./...", 2)] {
        let tests = fixture(command);
        let wanted = [
            ("example.org/shelf/broken (build)", How::Error),
            ("example.org/shelf/shelf.TestCarries", How::Unsaid),
            ("example.org/shelf/shelf.TestCarries/nine", How::Assertion),
        ];
        assert_eq!(failed(&tests), wanted, "{command}");
        assert_eq!((tests.counts.passed, tests.all_named), (passed, passed > 0), "{command}");
        let nine = &tests.failed["example.org/shelf/shelf.TestCarries/nine"];
        assert!(nine.lines.iter().any(|line| line.ends_with("add_test.go:14: got 11")), "{command}: {nine:?}");
    }
}

#[test]
fn junit_is_read_without_an_xml_library() {
    let tests = fixture("cat");
    assert_eq!((tests.runner, tests.counts, tests.all_named), (Runner::Junit, counts(2, 4, 2), true));
    let wanted = [
        ("tests.test_adds.TestShelf::test_name", How::Error),
        ("tests.test_adds::test_carries", How::Assertion),
        ("tests.test_adds::test_setup", How::Error),
        ("tests.test_adds::test_words[x - y]", How::Assertion),
    ];
    assert_eq!(failed(&tests), wanted);
    let odd = "<!DOCTYPE x [<!ENTITY a \"b\">]><testsuite tests='1'><!-- <testcase name='no'/> --><testcase name='a&#62;&amp;\
               &lol;'><system-out><![CDATA[</testcase></testsuite><testcase name='c'>]]></system-out></testcase></testsuite>";
    let Report::Understood(tests) = junit(odd) else { panic!("{:?}", junit(odd)) };
    assert_eq!(names(&tests.passed), ["a>&\u{fffd}"]);
}

#[test]
fn the_command_decides_whose_output_it_is_and_without_a_name_only_one_may_be_there() {
    let printed = format!("{}\n  3 passing (5ms)\n", FIXTURES[0].1);
    assert_eq!(tests_of("cargo test", &printed).runner, Runner::Libtest);
    assert_eq!(why_not("make test", &printed), "the output looks like that of libtest and of mocha");
    assert_eq!(tests_of("make test", FIXTURES[0].1).runner, Runner::Libtest);
    assert!(why_not("pytest", FIXTURES[0].1).starts_with("no test runner"));
    assert!(why_not("true", "").starts_with("no test runner"));
}

#[test]
fn a_report_survives_the_journal_and_is_bounded() {
    for (command, output) in FIXTURES {
        let report = read(&argv(command), output);
        let text = serde_json::to_string(&report).expect("JSON");
        assert_eq!(serde_json::from_str::<Report>(&text).expect("a report"), report);
    }
    let long = "x".repeat(MOST_NAME + 1);
    let output = format!("running 1 test\ntest {long} ... ok\n\ntest result: ok. 1 passed; 0 failed; 0 ignored\n");
    assert!(why_not("cargo test", &output).contains("bytes"));
    let noise = format!("{}\n", "y".repeat(5000)).repeat(50);
    let output = FIXTURES[0].1.replace("assertion `left == right` failed: nine and two", &noise);
    let failure = &tests_of("cargo test", &output).failed["shelf::tests::carries"];
    assert_eq!((failure.lines.len(), failure.lines[0].len()), (MOST_LINES, MOST_WIDTH));
}

#[test]
fn reading_is_linear_in_what_hostile_output_repeats() {
    // Each of these takes minutes where a line is looked up in, or copied to, all lines before it.
    let many = |line: &dyn Fn(usize) -> String| (0..20_000).map(line).collect::<Vec<_>>().join("\n");
    let deep = |n: usize| format!("{}{}", " ".repeat(2 + n % 40), "g".repeat(n % 900));
    let failing = many(&|n| format!("test t{n} ... FAILED"));
    let sections = many(&|n| format!("---- t{n} stdout ----\ntest result: FAILED. 1 passed; 1 failed; 0 ignored"));
    for (command, output) in [
        ("cargo test", format!("running 20000 tests\n{failing}\nfailures:\n{sections}")),
        ("pytest", many(&|n| format!("____ test_{n} ____"))),
        ("pytest", many(&|n| format!("FAILED a.py::test_{} - x", n % 9)) + "\n1 failed in 0.1s"),
        ("npx jest", format!("FAIL a.js\n{}\nTest Suites: 1\nTests: 1", many(&deep))),
        ("npx mocha", many(&|n| format!("{}\n      ✔ t{n}", deep(n))) + "\n  1 passing (1ms)"),
        (
            "npx vitest",
            many(&|n| format!(" FAIL  a > t{n}")) + &many(&|_| "x".to_owned()) + "\n Test Files  1\n Tests  1",
        ),
        ("node --test", many(&|n| format!("{}\n✔ t (1ms)", deep(n).replace('g', "▶ "))) + "\nℹ tests 1"),
        ("node --test", format!("▶ {}\n{}\nℹ tests 1", "g".repeat(1_000_000), many(&|n| format!(" ✔ t{n} (1ms)")))),
        (
            "python -m unittest",
            "=".repeat(70) + "\n" + &many(&|_| "FAIL: a (b.a)".to_owned()) + "\nRan 1 test in 0s\nOK",
        ),
        ("cat", format!("<testsuite>{}", "&".repeat(1_000_000))),
        ("cat", format!("<testsuite>{}", "<a b='".repeat(200_000))),
        ("make", "\x1b[".repeat(1_000_000)),
    ] {
        let _ = read(&argv(command), &output);
    }
}

/// Pieces of the fixtures, in any order and number: what looks like output and is not.
fn shuffled() -> impl Strategy<Value = String> {
    let lines: Vec<&str> = FIXTURES.iter().flat_map(|(_, text)| text.lines()).collect();
    proptest::collection::vec(proptest::sample::select(lines), 0..60).prop_map(|lines| lines.join("\n"))
}

proptest! {
    #[test]
    fn no_output_makes_a_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400), text in shuffled()) {
        let bytes = String::from_utf8_lossy(&bytes);
        for (command, _) in FIXTURES {
            let _ = read(&argv(command), &bytes);
            let _ = read(&argv(command), &text);
        }
        let _ = (read(&argv("make"), &text), junit(&bytes), junit(&text));
    }

    #[test]
    fn a_prefix_of_an_output_never_names_what_the_whole_does_not(at in 0_usize..100, index in 0..FIXTURES.len()) {
        let (command, text) = FIXTURES[index];
        let end = text.char_indices().map(|(end, _)| end).nth(text.chars().count() * at / 100).unwrap_or(text.len());
        let whole = tests_of(command, text);
        if let Report::Understood(tests) = read(&argv(command), &text[..end]) {
            for name in tests.failed.keys() {
                prop_assert!(whole.failed.contains_key(name), "{} {}", command, name);
            }
        }
    }
}

#[test]
fn what_passed_is_named_by_pytest_in_its_short_summary_too() {
    let output = "============ test session starts ============\ncollected 3 items\n\ntests/test_a.py .Fx [100%]\n\n\
                  =========== short test summary info ===========\n\
                  PASSED tests/test_a.py::test_ok\nXFAIL tests/test_a.py::test_later - not yet\n\
                  FAILED tests/test_a.py::test_no - assert 1 == 2\n\
                  ======== 1 failed, 1 passed, 1 xfailed in 0.02s ========\n";
    let report = read(&argv("python -m pytest -rap"), output);
    let tests = report.tests().expect("understood");
    assert!(tests.all_named && tests.passed.contains("tests/test_a.py::test_ok"), "{tests:?}");
    assert!(tests.skipped.contains("tests/test_a.py::test_later") && tests.failed.len() == 1, "{tests:?}");
}

#[test]
fn a_test_of_pytest_that_cannot_be_put_away_has_two_results_in_either_order() {
    let sections = "____________________ ERROR at teardown of test_both ____________________\n\nE       AssertionError: teardown\n\n\
                    ============ FAILURES ============\n_______________ test_both _______________\n\nE   assert 0\n\n";
    let (error, failed) = ("ERROR t.py::test_both - AssertionError: teardown", "FAILED t.py::test_both - assert 0");
    for (first, second) in [(error, failed), (failed, error)] {
        let output = format!(
            "sEF\n============ ERRORS ============\n{sections}=== short test summary info ===\nSKIPPED [1] t.py:4: \
             later t.py::x\n{first}\n{second}\nERROR t.py::test_td - AssertionError: teardown\nPASSED t.py::test_td\n\
             1 failed, 1 passed, 1 skipped, 2 errors in 0.03s\n"
        );
        let report = read(&argv("pytest -q -rap"), &output);
        let tests = report.tests().unwrap_or_else(|| panic!("{report:?}"));
        assert_eq!(
            tests.failed.keys().collect::<Vec<_>>(),
            ["t.py::test_both", "t.py::test_both (error)", "t.py::test_td (error)"]
        );
        assert!(tests.failed["t.py::test_both"].lines.iter().any(|line| line == "E   assert 0"), "{tests:?}");
        assert_eq!((tests.unnamed_passes(), tests.skipped.len(), tests.all_named), (Some(0), 0, false));
    }
}

#[test]
fn programs_of_one_name_are_told_apart_by_what_does_not_follow_from_their_order() {
    let block = |mark: &str, result: &str| {
        let (passed, failed) = if result == "ok" { (1, 0) } else { (0, 1) };
        let word = if failed == 1 { "FAILED" } else { "ok" };
        format!(
            "     Running tests/t.rs (target/debug/deps/t-{mark})\n\nrunning 1 test\ntest counts ... {result}\n\n\
             test result: {word}. {passed} passed; {failed} failed; 0 ignored; 0 measured; 0 filtered out\n"
        )
    };
    let argv = ["cargo", "test", "--no-fail-fast"].map(str::to_owned);
    let read = |output: &str| read(&argv, output);
    let both = read(&(block("aaaa", "FAILED") + &block("bbbb", "ok")));
    let both = both.tests().expect("it is understood");
    assert_eq!(failed(both).iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["t [aaaa]::counts"]);
    assert_eq!(names(&both.passed), ["t [bbbb]::counts"]);
    // The other is gone: this one has not become it.
    let one = read(&block("bbbb", "FAILED"));
    assert_eq!(
        failed(one.tests().expect("it is understood")).iter().map(|(name, _)| *name).collect::<Vec<_>>(),
        ["t::counts"]
    );
}

#[test]
fn subtests_of_pytest_that_fail_have_names_of_their_own() {
    let output = "...\n=========================== short test summary info ============================\n\
        SUBFAILED(i=2) tests/test_a.py::TestU::test_sub - AssertionError: False is not true\n\
        SUBFAILED[with words] tests/test_a.py::test_x - ValueError\nPASSED tests/test_a.py::test_one\n\
        PASSED tests/test_a.py::TestU::test_sub\nPASSED tests/test_a.py::test_x\n\
        2 failed, 3 passed, 1 skipped, 2 subtests passed in 0.03s\n";
    let argv = ["pytest", "-q", "-rap"].map(str::to_owned);
    let report = read(&argv, output);
    let tests = report.tests().unwrap_or_else(|| panic!("{report:?}"));
    let failed: Vec<&str> = tests.failed.keys().map(String::as_str).collect();
    assert_eq!(failed, ["tests/test_a.py::TestU::test_sub (i=2)", "tests/test_a.py::test_x [with words]"]);
    assert_eq!(tests.failed["tests/test_a.py::TestU::test_sub (i=2)"].how, How::Assertion);
    assert_eq!((tests.passed.len(), tests.counts.skipped), (3, 1));
}
