//! Each rule by which green, no worse and red are told apart.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::call::canonical;
use crate::check::report::{self, Failure, Runner, Tests};

const TREE: Oid = Oid([0x9c; 20]);
const BASE: Oid = Oid([0xa1; 20]);

fn wanted(name: &str) -> Wanted {
    Wanted { name: name.to_owned(), argv: vec!["run".to_owned(), name.to_owned()], required: true }
}

/// Tests by name: `+a` passed, `-b` failed, `?c` was skipped.
fn tests(names: &str) -> Tests {
    let of = |mark: char| names.split_whitespace().filter_map(move |name| name.strip_prefix(mark)).map(str::to_owned);
    let (passed, skipped): (BTreeSet<_>, BTreeSet<_>) = (of('+').collect(), of('?').collect());
    let failed: BTreeMap<_, _> = of('-').map(|name| (name, Failure::default())).collect();
    let counts = Counts { passed: passed.len() as u64, failed: failed.len() as u64, skipped: skipped.len() as u64 };
    Tests { runner: Runner::Libtest, counts, all_named: true, stopped: false, passed, skipped, failed }
}

fn ran(name: &str, ending: Ending, report: Report) -> Ran {
    Ran {
        name: name.to_owned(),
        argv: wanted(name).argv,
        ending,
        micros: 44_300_000,
        log: Hash::of(b"log"),
        gist: Hash::of(b"gist"),
        report,
    }
}

fn understood(names: &str) -> Ran {
    let tests = tests(names);
    let code = if tests.failed.is_empty() { 0 } else { 101 };
    ran("test", Ending::Exit(code), Report::Understood(Box::new(tests)))
}

fn opaque(ending: Ending) -> Ran {
    ran("test", ending, Report::NotUnderstood { why: "noise".to_owned() })
}

fn once(first: Ran) -> Vec<Runs> {
    vec![Runs { first, again: None }]
}

fn twice(first: Ran, again: Ran) -> Vec<Runs> {
    vec![Runs { first, again: Some(again) }]
}

fn verdict(runs: &[Runs], base: Option<&[Runs]>, flaky: &[&str]) -> Verdict {
    let flaky: Vec<String> = flaky.iter().map(|name| (*name).to_owned()).collect();
    conclude(&Evidence {
        level: Level::Full,
        tree: TREE,
        wanted: &[wanted("test")],
        runs,
        base: base.map(|runs| Base { tree: BASE, runs }),
        flaky: &flaky,
    })
}

#[track_caller]
fn says(verdict: &Verdict, kind: Kind, line: &str) {
    assert_eq!((verdict.kind(), verdict.line().as_str()), (kind, line));
}

#[test]
fn all_required_checks_passed_is_green() {
    says(
        &verdict(&once(understood("+a +b")), None, &[]),
        Kind::Green,
        "green: full on tree 9c9c9c9c, 2 pass (test 44 s)",
    );
    let plain = verdict(&once(opaque(Ending::Exit(0))), None, &[]);
    says(&plain, Kind::Green, "green: full on tree 9c9c9c9c (test 44 s)");
}

#[test]
fn a_required_check_that_did_not_really_run_is_red() {
    says(&verdict(&[], None, &[]), Kind::Red, "red: full on tree 9c9c9c9c: test fails: it was not run");
    for (ending, line) in [
        (Ending::TimedOut, "it took too long and was stopped"),
        (Ending::NotStarted("no such program".into()), "it could not be started: no such program"),
        (Ending::Skipped("no slot".into()), "it was not run: no slot"),
        (Ending::Misconfigured("no command".into()), "it is misconfigured: no command"),
    ] {
        let runs = once(opaque(ending));
        // Not even a base that ended in the same way makes it any better.
        for base in [None, Some(runs.as_slice())] {
            says(
                &verdict(&runs, base, &["test"]),
                Kind::Red,
                &format!("red: full on tree 9c9c9c9c: test fails: {line}"),
            );
        }
    }
    let mut other = understood("+a");
    other.argv = vec!["true".to_owned()];
    assert_eq!(verdict(&once(other), None, &[]).checks()[0].why(), Some("another command was run"));
    let runs = [once(understood("+a")), once(understood("+a"))].concat();
    assert_eq!(verdict(&runs, None, &[]).kind(), Kind::Red);
}

#[test]
fn no_required_check_is_not_green() {
    let runs = once(understood("+a"));
    let evidence = Evidence { level: Level::Fast, tree: TREE, wanted: &[], runs: &runs, base: None, flaky: &[] };
    says(&conclude(&evidence), Kind::Red, "red: fast on tree 9c9c9c9c: no check is required");
    let shown = Wanted { required: false, ..wanted("test") };
    let evidence = Evidence { wanted: &[shown, wanted("lint")], ..evidence };
    let mut runs = once(understood("-a"));
    runs.extend(once(ran("lint", Ending::Exit(0), Report::NotUnderstood { why: String::new() })));
    let line = "green: fast on tree 9c9c9c9c, test fails and is not required (test 44 s, lint 44 s)";
    says(&conclude(&Evidence { runs: &runs, ..evidence }), Kind::Green, line);
}

#[test]
fn what_the_base_failed_by_name_is_no_worse() {
    let base = once(understood("+a -b -c"));
    let line = "no worse: full on tree 9c9c9c9c, 1 pass, 2 fail as before (test 44 s)";
    says(&verdict(&once(understood("+a -b -c")), Some(&base), &[]), Kind::NoWorse, line);
    assert_eq!(verdict(&once(understood("+a +b -c")), Some(&base), &[]).kind(), Kind::NoWorse);
    assert!(verdict(&once(understood("+a -b -c")), Some(&base), &[]).verifies());
    let line = "red: full on tree 9c9c9c9c: test fails: a (exit 101)";
    says(&verdict(&once(understood("-a -b +c")), Some(&base), &[]), Kind::Red, line);
    // Without a base, or with one that ran another command, nothing failed before.
    assert_eq!(verdict(&once(understood("-b")), None, &[]).kind(), Kind::Red);
    let mut other = base.clone();
    other[0].first.argv.push("-q".to_owned());
    assert_eq!(verdict(&once(understood("-b")), Some(&other), &[]).kind(), Kind::Red);
}

#[test]
fn many_failures_are_counted_and_some_named() {
    let many: String = (0..200).map(|n| format!("-t{n:03} ")).collect();
    let verdict = verdict(&once(understood(&many)), None, &[]);
    says(&verdict, Kind::Red, "red: full on tree 9c9c9c9c: test fails: t000, t001 and 198 more (exit 101)");
    let fails = verdict.checks()[0].fails();
    assert_eq!((fails.first().len(), fails.count()), (MOST_NAMES, 200));
}

#[test]
fn a_check_that_is_not_understood_is_compared_as_a_whole_and_that_is_said() {
    let failed = once(opaque(Ending::Exit(2)));
    let line = "no worse: full on tree 9c9c9c9c, test fails as a whole as before, by exit 2 (test 44 s)";
    let same = verdict(&failed, Some(&failed), &[]);
    says(&same, Kind::NoWorse, line);
    assert!(!same.verifies(), "what it says twice may be that it could not look");
    assert_eq!(same.checks()[0].why(), Some("its output is not understood: noise; compared as a whole"));
    for base in [Ending::Exit(0), Ending::Exit(1), Ending::Signal(2)] {
        assert_eq!(verdict(&failed, Some(&once(opaque(base))), &[]).kind(), Kind::Red);
    }
    // Tests that do not build any more have the same exit code as one that failed before.
    let broken = verdict(&once(opaque(Ending::Exit(101))), Some(&once(understood("-a"))), &[]);
    assert_eq!(broken.kind(), Kind::Red);
    // And a base that did not build is not better than tests that fail.
    let mended = verdict(&once(understood("+a -b")), Some(&once(opaque(Ending::Exit(101)))), &[]);
    assert_eq!(mended.kind(), Kind::NoWorse);
}

#[test]
fn tests_that_failed_do_not_excuse_another_end() {
    let base = once(understood("-a"));
    let mut other = understood("-a");
    other.ending = Ending::Exit(2);
    assert_eq!(verdict(&once(other), Some(&base), &[]).kind(), Kind::Red);
    let mut killed = understood("-a");
    killed.ending = Ending::Signal(9);
    assert_eq!(verdict(&once(killed), Some(&base), &[]).kind(), Kind::Red);
    let mut hidden = understood("+a -b");
    hidden.ending = Ending::Exit(0);
    assert_eq!(verdict(&once(hidden), None, &[]).kind(), Kind::Red);
}

#[test]
fn a_runner_that_stopped_early_does_not_show_that_the_rest_is_no_worse() {
    let stopped = |names: &str| {
        let Report::Understood(mut tests) = understood(names).report else { unreachable!() };
        tests.stopped = true;
        once(ran("test", Ending::Exit(101), Report::Understood(tests)))
    };
    let verdict = verdict(&stopped("+a -b"), Some(&stopped("+a -b")), &[]);
    assert_eq!(verdict.kind(), Kind::Red);
    assert!(verdict.checks()[0].why().expect("a reason").contains("stopped at a failure"));
}

#[test]
fn another_answer_in_the_second_run_is_flaky_and_red_unless_it_is_called_so() {
    let runs = twice(understood("+a -b"), understood("+a +b"));
    says(&verdict(&runs, None, &[]), Kind::Red, "red: full on tree 9c9c9c9c: test is flaky: b (exit 101)");
    let line = "green: full on tree 9c9c9c9c, 1 pass, 1 flaky (test 44 s)";
    says(&verdict(&runs, None, &["b"]), Kind::Green, line);
    // Called flaky, and failing each time: that is no flake.
    assert_eq!(verdict(&twice(understood("-b"), understood("-b")), None, &["b"]).kind(), Kind::Red);
    // One that fails only in the second run.
    assert_eq!(verdict(&twice(understood("+a -b"), understood("-a +b")), None, &["b"]).kind(), Kind::Red);
    assert_eq!(verdict(&twice(understood("+a -b"), understood("-a +b")), None, &["a", "b"]).kind(), Kind::Green);
    // A second run that says nothing excuses nothing.
    assert_eq!(verdict(&twice(understood("-b"), opaque(Ending::Exit(101))), None, &["b"]).kind(), Kind::Red);
    let whole = twice(opaque(Ending::Exit(1)), opaque(Ending::Exit(0)));
    says(&verdict(&whole, None, &[]), Kind::Red, "red: full on tree 9c9c9c9c: test is flaky: test (exit 1)");
    assert_eq!(verdict(&whole, None, &["test"]).kind(), Kind::Green);
    // Red on the base in one run of two is not red before.
    let base = twice(understood("-b"), understood("+b"));
    assert_eq!(verdict(&once(understood("-b")), Some(&base), &[]).kind(), Kind::Red);
}

#[test]
fn a_test_that_passed_before_and_is_missing_or_skipped_now_is_named() {
    let base = once(understood("+a +b +c -d"));
    let verdict = verdict(&once(understood("+a ?c -d")), Some(&base), &[]);
    let line = "no worse: full on tree 9c9c9c9c, 1 pass, 1 fail as before, 1 no longer there, 1 skipped that ran \
                (test 44 s)";
    says(&verdict, Kind::NoWorse, line);
    let check = &verdict.checks()[0];
    assert_eq!((check.gone().first(), check.muted().first()), (&["b".to_owned()][..], &["c".to_owned()][..]));
}

#[test]
fn a_suite_that_has_lost_tests_is_no_worse_at_best() {
    let base = once(understood("+a +b"));
    let lost = verdict(&once(understood("+a +new")), Some(&base), &[]);
    says(&lost, Kind::NoWorse, "no worse: full on tree 9c9c9c9c, 2 pass, 1 no longer there (test 44 s)");
    let muted = verdict(&once(understood("+a ?b")), Some(&base), &[]);
    assert_eq!(muted.kind(), Kind::NoWorse);
    assert!(!lost.verifies() && !muted.verifies(), "less is known than was");
    // One that failed is skipped as cheaply as it is deleted.
    let red = once(understood("+a -b"));
    let hidden = verdict(&once(understood("+a ?b")), Some(&red), &[]);
    says(&hidden, Kind::NoWorse, "no worse: full on tree 9c9c9c9c, 1 pass, 1 skipped that ran (test 44 s)");
    let more = verdict(&once(understood("+a +b +new")), Some(&base), &[]);
    assert_eq!(more.kind(), Kind::Green);
    assert!(more.verifies(), "the control");
}

#[test]
fn where_passed_tests_are_not_named_they_are_counted() {
    let quiet = |names: &str| quiet(Runner::Pytest, names);
    let lost = verdict(&quiet("+a"), Some(&quiet("+a +b")), &[]);
    says(&lost, Kind::NoWorse, "no worse: full on tree 9c9c9c9c, 1 pass, 1 no longer there (test 44 s)");
    assert_eq!(lost.checks()[0].gone().first(), ["one that its runner does not name"]);
    let muted = verdict(&quiet("+a ?b"), Some(&quiet("+a +b")), &[]);
    says(&muted, Kind::NoWorse, "no worse: full on tree 9c9c9c9c, 1 pass, 1 skipped that ran (test 44 s)");
    let deleted = verdict(&once(understood("+a")), Some(&once(understood("+a -b"))), &[]);
    says(&deleted, Kind::NoWorse, "no worse: full on tree 9c9c9c9c, 1 pass, 1 no longer there (test 44 s)");
    assert_eq!(verdict(&quiet("+a +c"), Some(&quiet("+a +b")), &[]).kind(), Kind::Green);
    // What fails is named, so of one that failed it is known whether it passes now: then one more does.
    let (base, mended) = (quiet("-a::x +b"), quiet("+a::x +b"));
    assert_eq!(verdict(&mended, Some(&base), &[]).kind(), Kind::Green);
    let deleted = verdict(&quiet("+b"), Some(&base), &[]);
    says(&deleted, Kind::NoWorse, "no worse: full on tree 9c9c9c9c, 1 pass, 1 no longer there (test 44 s)");
    let skipped = verdict(&quiet("?a::x +b"), Some(&base), &[]);
    says(&skipped, Kind::NoWorse, "no worse: full on tree 9c9c9c9c, 1 pass, 1 skipped that ran (test 44 s)");
    // Two that change places are none that is lost.
    let swapped = verdict(&quiet("+a::x -b"), Some(&base), &[]);
    assert_eq!((swapped.kind(), swapped.checks()[0].gone().count()), (Kind::Red, 0));
    // Go without `-v` does not even count what passes.
    let go = |names: &str| super::tests::quiet(Runner::Go, names);
    assert_eq!(verdict(&go("+a::x +b"), Some(&go("-a::x +b")), &[]).kind(), Kind::Green);
}

/// What a runner says that names what fails alone.
fn quiet(runner: Runner, names: &str) -> Vec<Runs> {
    let mut tests = Tests { runner, all_named: false, ..tests(names) };
    if runner == Runner::Go {
        tests.counts.passed = 0;
    }
    (tests.passed, tests.skipped) = Default::default();
    let ending = Ending::Exit(i32::from(!tests.failed.is_empty()));
    once(ran("test", ending, Report::Understood(Box::new(tests))))
}

/// What `pytest -q -rap` comes to, by its short summary and its last line.
fn pytest(code: i32, summary: &str, last: &str) -> Vec<Runs> {
    let output =
        format!("s..                    [100%]\n=== short test summary info ===\n{summary}\n{last} in 0.02s\n");
    let report = crate::check::report::read(&["pytest", "-q", "-rap"].map(str::to_owned), &output);
    assert!(report.tests().is_some(), "{report:?}");
    once(ran("test", Ending::Exit(code), report))
}

/// Says that a result is no worse than what it was made from, and which tests are lost.
#[track_caller]
fn loses(now: &[Runs], base: &[Runs], gone: &[&str], muted: &[&str]) {
    let verdict = verdict(now, Some(base), &[]);
    let check = &verdict.checks()[0];
    assert_eq!((check.gone().first(), check.muted().first()), (&owned(gone)[..], &owned(muted)[..]));
    assert!(verdict.kind() == Kind::NoWorse && !verdict.verifies(), "{}", verdict.line());
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn a_new_test_of_pytest_does_not_make_up_for_one_that_is_lost() {
    let (add, bad, new) = ("PASSED test_a.py::test_add", "PASSED test_a.py::test_bad", "PASSED test_a.py::test_new");
    let skip = "SKIPPED [1] test_a.py:5: later";
    let lines = |lines: &[&str]| lines.join("\n");
    // It is skipped while another is mended.
    let red = pytest(1, &lines(&["FAILED test_a.py::test_bad - assert -1 == 1", add]), "1 failed, 1 passed");
    let now = pytest(0, &lines(&[skip, bad]), "1 passed, 1 skipped");
    loses(&now, &red, &[], &["test_a.py::test_add"]);
    let mended = pytest(0, &lines(&[add, bad]), "2 passed");
    assert_eq!(verdict(&mended, Some(&red), &[]).kind(), Kind::Green, "the control");
    // It is skipped while another is added.
    let now = pytest(0, &lines(&[skip, bad, new]), "2 passed, 1 skipped");
    loses(&now, &mended, &[], &["test_a.py::test_add"]);
    let more = pytest(0, &lines(&[add, bad, new]), "3 passed");
    assert_eq!(verdict(&more, Some(&mended), &[]).kind(), Kind::Green, "the control");
    // It is deleted while another is added, and one was skipped all the time.
    let base = pytest(0, &lines(&[skip, add, bad]), "2 passed, 1 skipped");
    let now = pytest(0, &lines(&[skip, bad, new]), "2 passed, 1 skipped");
    loses(&now, &base, &["test_a.py::test_add"], &[]);
    let more = pytest(0, &lines(&[skip, add, bad, new]), "3 passed, 1 skipped");
    assert_eq!(verdict(&more, Some(&base), &[]).kind(), Kind::Green, "the control");
    // One that is skipped no more is no loss, and neither is one that fails: that is worse, and said as such.
    assert_eq!(
        verdict(&mended, Some(&pytest(0, &lines(&[skip, add]), "1 passed, 1 skipped")), &[]).kind(),
        Kind::Green
    );
    let worse = verdict(&red, Some(&mended), &[]);
    assert_eq!((worse.kind(), worse.checks()[0].gone().count()), (Kind::Red, 0));
}

#[test]
fn what_became_of_a_test_of_pytest_is_told_as_far_as_is_known() {
    let base = pytest(0, "PASSED t.py::a\nPASSED t.py::b\nPASSED t.py::p[1]\nPASSED t.py::x", "4 passed");
    // What is expected to fail has its name, and so has a skip that is not folded.
    let now = pytest(
        0,
        "SKIPPED t.py::a - Skipped: later\nXFAIL t.py::x\nPASSED t.py::b\nPASSED t.py::p[1]",
        "2 passed, 1 skipped, 1 xfailed",
    );
    loses(&now, &base, &[], &["t.py::a", "t.py::x"]);
    // Another name or another parameter is another test.
    let now = pytest(0, "PASSED t.py::a\nPASSED t.py::c\nPASSED t.py::p[2]\nPASSED t.py::x", "4 passed");
    loses(&now, &base, &["t.py::b", "t.py::p[1]"], &[]);
    // Two are missing and one is skipped: which, nobody says.
    let now = pytest(0, "SKIPPED [1] t.py:3: later\nPASSED t.py::p[1]\nPASSED t.py::x", "2 passed, 1 skipped");
    loses(&now, &base, &["t.py::a", "t.py::b"], &[]);
    // A test that passes and cannot be put away has two results, and none that is lost once it can.
    let failing = pytest(1, "ERROR t.py::a - AssertionError: no\nPASSED t.py::a", "1 passed, 1 error");
    let mended = pytest(0, "PASSED t.py::a", "1 passed");
    assert_eq!(verdict(&mended, Some(&failing), &[]).kind(), Kind::Green);
}

#[test]
fn what_is_lost_is_known_of_each_runner_that_names_what_passes() {
    let says = |argv: &[&str], output: &str| {
        let argv: Vec<String> = argv.iter().map(|word| (*word).to_owned()).collect();
        let report = crate::check::report::read(&argv, output);
        assert!(report.tests().is_some(), "{report:?}");
        once(ran("test", Ending::Exit(0), report))
    };
    // nextest counts what is ignored, and never names it.
    let nextest = |names: &[&str], skipped: u32| {
        let lines: String = names.iter().map(|name| format!("        PASS [   0.004s] (1/2) shelf {name}\n")).collect();
        let ran = names.len();
        let end = format!("     Summary [   0.010s] {ran} tests run: {ran} passed, {skipped} skipped\n");
        says(&["cargo", "nextest", "run"], &format!("{lines}{end}"))
    };
    loses(&nextest(&["b", "new"], 1), &nextest(&["a", "b"], 0), &[], &["shelf a"]);
    loses(&nextest(&["b", "new"], 1), &nextest(&["a", "b"], 1), &["shelf a"], &[]);
    // Go names what it skips, too, where it names what passes.
    let go = |results: &[(&str, &str)]| {
        let lines: String =
            results.iter().map(|(word, name)| format!("=== RUN   {name}\n--- {word}: {name} (0.00s)\n")).collect();
        says(&["go", "test", "-v", "./..."], &format!("{lines}PASS\nok  \tx/a\t0.003s\n"))
    };
    let base = go(&[("PASS", "TestA"), ("PASS", "TestB"), ("PASS", "TestC")]);
    loses(&go(&[("SKIP", "TestA"), ("PASS", "TestC"), ("PASS", "TestNew")]), &base, &["x/a.TestB"], &["x/a.TestA"]);
    // A test of unittest that prints has no line of its own: it is not taken for the one that is lost.
    let unittest = |names: &[&str], skipped: &str, ran: u32| {
        let lines: String = names.iter().map(|name| format!("{name} (m.T.{name}) ... ok\n")).collect();
        let end = if skipped.is_empty() { "OK".to_owned() } else { "OK (skipped=1)".to_owned() };
        let output = format!("{lines}{skipped}loud (m.T.loud) ... hello\nok\n\nRan {ran} tests in 0.001s\n\n{end}\n");
        says(&["python3", "-m", "unittest", "-v"], &output)
    };
    let base = unittest(&["a", "b"], "", 3);
    loses(&unittest(&["b", "new"], "a (m.T.a) ... skipped 'later'\n", 4), &base, &[], &["m.T.a"]);
    loses(&unittest(&["b", "new"], "", 3), &base, &["one that its runner does not name"], &[]);
    assert_eq!(verdict(&unittest(&["a", "b", "new"], "", 4), Some(&base), &[]).kind(), Kind::Green, "the control");
}

#[test]
fn a_flaky_test_is_named_by_its_end_too() {
    let runs = twice(understood("-demo::tests::slow +a"), understood("+demo::tests::slow +a"));
    for called in ["demo::tests::slow", "tests::slow", "slow"] {
        assert_eq!(verdict(&runs, None, &[called]).kind(), Kind::Green, "{called}");
    }
    for called in ["low", "slo", "tests"] {
        assert_eq!(verdict(&runs, None, &[called]).kind(), Kind::Red, "{called}");
    }
}

#[test]
fn another_configuration_is_another_digest() {
    let runs = once(understood("+a"));
    let base =
        Evidence { level: Level::Full, tree: TREE, wanted: &[wanted("test")], runs: &runs, base: None, flaky: &[] };
    let mut seen = BTreeSet::from([conclude(&base).config()]);
    let other = Wanted { argv: vec!["run test".to_owned()], ..wanted("test") };
    let shown = Wanted { required: false, ..wanted("test") };
    for wanted in [&[other][..], &[shown], &[], &[wanted("test"), wanted("lint")]] {
        assert!(seen.insert(conclude(&Evidence { wanted, ..base.clone() }).config()), "{wanted:?}");
    }
    assert!(seen.insert(conclude(&Evidence { flaky: &["a".to_owned()], ..base.clone() }).config()));
    assert!(seen.insert(conclude(&Evidence { level: Level::Other("x".into()), ..base }).config()));
}

#[test]
fn a_verdict_survives_the_journal_and_is_small() {
    let long: String = (0..3000).map(|n| format!("-{n}{} ", "x".repeat(900))).collect();
    let verdict = verdict(&once(understood(&long)), None, &[]);
    let bytes = canonical(&verdict);
    assert!(bytes.len() < 8000, "{}", bytes.len());
    assert_eq!(serde_json::from_slice::<Verdict>(&bytes).expect("a verdict"), verdict);
    let text = String::from_utf8(bytes).expect("UTF-8");
    assert!(text.contains("\"kind\":\"red\"") && text.contains("\"level\":\"full\"") && !text.contains("null.0"));
}

#[test]
fn a_failure_with_other_words_is_not_the_failure_of_before() {
    let with = |gist: &[u8]| Ran { gist: Hash::of(gist), ..opaque(Ending::Exit(101)) };
    let (base, same, other) = (once(with(b"a")), once(with(b"a")), once(with(b"b")));
    assert_eq!(verdict(&same, Some(&base), &[]).kind(), Kind::NoWorse);
    assert_eq!(verdict(&other, Some(&base), &[]).kind(), Kind::Red);
    let missing = once(opaque(Ending::Exit(127)));
    assert_eq!(verdict(&missing, Some(&missing), &[]).kind(), Kind::Red, "what cannot be run has not passed before");
    assert_eq!(gist("a 12 s\n\n  b"), gist("a 7 s\nb"));
    assert_eq!(gist("out\nerr"), gist("err\nout"), "streams come together in any order");
    assert_ne!(gist("a"), gist("b"));
}

#[test]
fn an_output_that_is_not_there_as_a_whole_is_compared_with_nothing() {
    let cut = || Ran { gist: Hash::NONE, ..opaque(Ending::Exit(1)) };
    let whole = || opaque(Ending::Exit(1));
    assert_eq!(verdict(&once(whole()), Some(&once(whole())), &[]).kind(), Kind::NoWorse, "the control");
    for (base, result) in [(cut(), cut()), (cut(), whole()), (whole(), cut())] {
        assert_eq!(verdict(&once(result), Some(&once(base)), &[]).kind(), Kind::Red);
    }
}

#[test]
fn a_suite_of_which_nothing_passes_any_more_has_checked_nothing() {
    for (base, result) in [("+a +b", "?a ?b"), ("+a", ""), ("+a -b", "-b")] {
        let mut ran = understood(result);
        if !result.contains('-') {
            ran.ending = Ending::Exit(0);
        }
        let red = verdict(&once(ran), Some(&once(understood(base))), &[]);
        assert_eq!(red.kind(), Kind::Red, "{result} after {base}");
        assert!(red.line().contains("no test of it passes any more"), "{}", red.line());
    }
    let fewer = verdict(&once(understood("+a ?b")), Some(&once(understood("+a +b"))), &[]);
    assert_eq!(fewer.kind(), Kind::NoWorse, "the control");
}

#[test]
fn numbers_that_count_something_are_words_and_those_of_one_run_are_none() {
    for (one, other) in [
        ("1 tests failed", "7 tests failed"),
        ("(1 of 9)", "(2 of 9)"),
        ("1/7 pass", "2/7 pass"),
        ("errors: 3.", "errors: 4."),
        ("FAIL test_1", "FAIL test_2"),
        ("FAIL: t3", "FAIL: t4"),
        ("regress/issue-12.t failed", "regress/issue-13.t failed"),
        ("see #12", "see #13"),
        ("case utf8_2 differs", "case utf8_3 differs"),
    ] {
        assert_ne!(gist(one), gist(other), "{one}");
    }
    for (one, other) in [
        ("in 0.28s", "in 1.03s"),
        ("took 12 ms", "took 340 ms"),
        ("Finished in 3 seconds", "Finished in 4 seconds"),
        ("at src/lib.rs:12:5", "at src/lib.rs:14:5"),
        ("pid 48213 on 0x7712", "pid 50119 on 0x8190"),
        ("/tmp/tmp.12/x", "/tmp/tmp.19/x"),
        ("in /tmp/tmpab12/x", "in /tmp/tmpab19/x"),
        ("in tmpk3j2h9x1", "in tmpk4j1h8x7"),
        ("deps/t-1a2b3c4d", "deps/t-9a8b7c6d"),
        ("at 2026-11-25T14:03:22Z", "at 2026-11-26T09:13:01Z"),
        ("0x77aa", "0x81aa"),
        ("2026-11-25 14:03:22", "2026-11-26 09:13:01"),
        ("thread 'a' (1234) panicked", "thread 'a' (977) panicked"),
    ] {
        assert_eq!(gist(one), gist(other), "{one}");
    }
}

#[test]
fn a_runner_that_told_of_tests_and_does_not_any_more_is_not_green() {
    let silent = once(opaque(Ending::Exit(0)));
    for base in ["+a +b", "+a -b"] {
        let red = verdict(&silent, Some(&once(understood(base))), &[]);
        assert_eq!(red.kind(), Kind::Red, "{base}");
        assert!(red.line().contains("it passes and tells of no test; on the base libtest told of 2"), "{}", red.line());
    }
    assert_eq!(verdict(&silent, Some(&once(opaque(Ending::Exit(0)))), &[]).kind(), Kind::Green, "the control");
    let mut other = understood("+a +b");
    let Report::Understood(tests) = &mut other.report else { unreachable!() };
    tests.runner = Runner::Pytest;
    let verdict = verdict(&once(other), Some(&once(understood("+a +b"))), &[]);
    assert_eq!(verdict.kind(), Kind::NoWorse, "another runner's names are compared with nothing");
}

#[test]
fn names_that_a_change_takes_away_hide_nothing() {
    let argv = ["pytest", "-q", "-rap"].map(str::to_owned);
    let named = |names: &[&str]| {
        let lines: String = names.iter().map(|name| format!("PASSED tests/test_a.py::{name}\n")).collect();
        let short = "=========================== short test summary info ============================\n";
        report::read(&argv, &format!("..\n{short}{lines}{} passed in 0.03s\n", names.len()))
    };
    let unnamed = |count: usize| report::read(&argv, &format!("..\n{count} passed in 0.03s\n"));
    let tests = |report: &Report| report.tests().expect("it is understood").clone();
    let before = tests(&named(&["one", "two"]));
    let (now, none) = (tests(&unnamed(2)), tests(&named(&["one", "two", "three"])));
    assert_eq!(super::lost::lost(&now, &before, 0).gone.len(), 2, "as many pass, and nobody says which");
    assert_eq!(super::lost::lost(&none, &before, 0).gone.len(), 0, "the control");
    let quiet = tests(&unnamed(2));
    assert_eq!(super::lost::lost(&now, &quiet, 0).gone.len(), 0, "whoever never named them is counted");
}
