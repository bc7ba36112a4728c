//! Reports as Maven and Gradle write them, several as one; and files that are cut, contradict each other or are none.

use super::*;

const SUREFIRE: &str = include_str!("../fixtures/surefire.xml");
const SETUP: &str = include_str!("../fixtures/surefire-setup.xml");
const GRADLE: &str = include_str!("../fixtures/gradle.xml");

const AT: &str = "target/surefire-reports/TEST-shelf.ShelfTest.xml";

/// What Maven says around a test that failed.
const MAVEN: &str = "[ERROR] Tests run: 8, Failures: 3, Errors: 1, Skipped: 1\n[INFO] \n[INFO] BUILD FAILURE\n\
    [ERROR] Failed to execute goal org.apache.maven.plugins:maven-surefire-plugin:3.2.5:test (default-test) on project shelf: \
    There are test failures.\n[ERROR] \n[ERROR] Please refer to /srv/shelf/target/surefire-reports\n";

fn argv(command: &str) -> Vec<String> {
    command.split(' ').map(str::to_owned).collect()
}

/// What a command says that wrote these files.
fn report(command: &str, reports: &[&str], files: &[(&str, &str)], output: &str) -> Report {
    let (argv, reports) = (argv(command), reports.iter().map(|text| Pattern::new(text).unwrap()).collect());
    let said = crate::check::report::read(&argv, output);
    let Some(wanted) = wanted(&argv, &reports, &said) else { return said };
    let mut gathered = Gathered::default();
    for (path, text) in files.iter().filter(|(path, _)| wanted.match_any(path)) {
        gathered.add(path, text.as_bytes(), &Secrets::default());
    }
    gathered.report(&argv, &reports, said, output)
}

#[track_caller]
fn tests_of(command: &str, files: &[(&str, &str)], output: &str) -> Tests {
    match report(command, &[], files, output) {
        Report::Understood(tests) => *tests,
        Report::NotUnderstood { why } => panic!("{why}"),
    }
}

#[track_caller]
fn why_not(command: &str, files: &[(&str, &str)]) -> String {
    match report(command, &[], files, "") {
        Report::NotUnderstood { why } => why,
        Report::Understood(tests) => panic!("understood: {tests:?}"),
    }
}

fn failed(tests: &Tests) -> Vec<(&str, How)> {
    tests.failed.iter().map(|(name, failure)| (name.as_str(), failure.how)).collect()
}

fn suite(cases: &str) -> String {
    format!("<testsuite name=\"x\">{cases}</testsuite>")
}

#[test]
fn what_surefire_writes_for_each_class_is_one_report() {
    let broken = "target/surefire-reports/TEST-shelf.BrokenTest.xml";
    let tests = tests_of("mvn -B test", &[(AT, SUREFIRE), (broken, SETUP)], MAVEN);
    let counts = Counts { passed: 3, failed: 5, skipped: 1 };
    assert_eq!((tests.runner, tests.counts, tests.all_named, tests.stopped), (Runner::Junit, counts, true, false));
    let wanted = [
        ("shelf.BrokenTest::", How::Error),
        ("shelf.ShelfTest::all", How::Assertion),
        ("shelf.ShelfTest::carries", How::Assertion),
        ("shelf.ShelfTest::names", How::Error),
        ("shelf.ShelfTest::words(String)[2]", How::Assertion),
    ];
    assert_eq!(failed(&tests), wanted);
    // What explains it, and none of the runner's own frames.
    let lines = &tests.failed["shelf.ShelfTest::carries"].lines;
    assert_eq!(lines.last().map(String::as_str), Some("\tat shelf.ShelfTest.carries(ShelfTest.java:9)"), "{lines:?}");
    assert!(lines[0].contains("expected: <9> but was: <2>") && lines.len() == 3, "{lines:?}");
}

#[test]
fn what_gradle_writes_is_read_and_equal_names_are_told_apart() {
    let tests =
        tests_of("./gradlew test --continue", &[("build/test-results/test/TEST-shelf.ShelfTest.xml", GRADLE)], "");
    assert_eq!((tests.counts, tests.all_named), (Counts { passed: 3, failed: 2, skipped: 1 }, true));
    let wanted = [("shelf.ShelfTest::[1] a (2 of 2)", How::Assertion), ("shelf.ShelfTest::names()", How::Error)];
    assert_eq!(failed(&tests), wanted);
    assert!(tests.passed.contains("shelf.ShelfTest::[1] a (1 of 2)"), "{tests:?}");
    let lines = &tests.failed["shelf.ShelfTest::[1] a (2 of 2)"].lines;
    assert_eq!(lines.last().map(String::as_str), Some("\tat app//shelf.ShelfTest.others(ShelfTest.java:16)"));
}

#[test]
fn a_module_and_a_task_are_part_of_a_name() {
    let one = suite("<testcase classname='A' name='t'/>");
    let paths = [
        "target/surefire-reports/TEST-A.xml",
        "core/target/failsafe-reports/TEST-A.xml",
        "libs/x/build/test-results/test/TEST-A.xml",
        "app/build/test-results/testDebugUnitTest/TEST-A.xml",
    ];
    let tests = tests_of("make test", &paths.map(|path| (path, &*one)), "");
    let names: Vec<&str> = tests.passed.iter().map(String::as_str).collect();
    assert_eq!(names, ["A::t", "app/testDebugUnitTest/A::t", "core/A::t", "libs/x/A::t"]);
}

#[test]
fn one_bad_file_is_enough_and_is_named() {
    let good = suite("<testcase classname='A' name='t'/>");
    let other = "target/surefire-reports/TEST-B.xml";
    let end = SUREFIRE.len();
    for (bad, why) in [
        (&SUREFIRE[..end / 2], "the JUnit file is cut short"),
        (&SUREFIRE[..end - 14], "the JUnit file is cut short"),
        (&*format!("{good}<testsuite>"), "the JUnit file is cut short"),
        (&*good, "the test `A::t` has two results"),
        ("", "it has no `testsuite`"),
        ("<assembly><test/></assembly>", "it has no `testsuite`"),
        ("<testsuite tests='2'><testcase name='a'/></testsuite>", "a suite says that it has 2 tests, and 1 are named"),
        ("<testsuite><testcase name='a'><testcase name='b'/></testcase></testsuite>", "a test case is within another"),
        ("<testsuite><error message='x'/></testsuite>", "something failed outside of any test case"),
    ] {
        let said = why_not("mvn test", &[("target/surefire-reports/TEST-A.xml", &good), (other, bad)]);
        assert!(said.starts_with(&format!("{other}: {why}")), "{said}");
    }
    let mut gathered = Gathered::default();
    gathered.add(other, b"<testsuite>\xff</testsuite>", &Secrets::default());
    let said = gathered.report(&argv("mvn test"), &Patterns::default(), report("true", &[], &[], ""), "");
    assert_eq!(said, Report::NotUnderstood { why: format!("{other}: it is not UTF-8") });
    // A failure is one whatever else is said of the test.
    let both = suite("<testcase name='a'><failure/><skipped/></testcase>");
    assert_eq!(tests_of("mvn test", &[(other, &both)], "").counts.failed, 1);
}

#[test]
fn the_output_of_a_runner_and_the_files_that_a_person_names_come_first() {
    let xml = suite("<testcase classname='A' name='t'/>");
    let files = [(AT, &*xml), ("out/junit.xml", &*xml)];
    let pytest =
        "tests/test_a.py::test_x PASSED [100%]\n!!!! stopping after 1 failures !!!!\n=== 1 passed in 0.1s ===\n";
    let runner = |report: Report| report.tests().map(|tests| (tests.runner, tests.stopped));
    assert_eq!(runner(report("make test", &[], &files, "")), Some((Runner::Junit, false)));
    assert_eq!(runner(report("make test", &[], &files, pytest)), Some((Runner::Pytest, true)));
    // A command that names a runner is that runner's, and one that stopped has not run more for its file.
    assert_eq!(runner(report("pytest", &[], &files, "")), None);
    assert_eq!(runner(report("pytest", &["out/*.xml"], &files, pytest)), Some((Runner::Junit, true)));
    let Report::NotUnderstood { why } = report("pytest", &["**/r-*.xml", "b"], &files, pytest) else { panic!() };
    assert_eq!(why, "it wrote no file that its `reports` names (**/r-*.xml, b)");
    // Without any file it is what the output says.
    assert_eq!(report("make", &[], &[], "noise"), crate::check::report::read(&argv("make"), "noise"));
}

#[test]
fn what_fails_besides_tests_has_a_name_of_its_own() {
    let checkstyle = "[ERROR] Failed to execute goal org.apache.maven.plugins:maven-checkstyle-plugin:3.3.0:check (style) on \
                      project core: You have 2 Checkstyle violations. -> [Help 1]\n";
    let compiler = "[ERROR] Failed to execute goal org.apache.maven.plugins:maven-compiler-plugin:3.11.0:testCompile \
                    (default-testCompile) on project web: Compilation failure: Compilation failure: \n";
    let output = [MAVEN, checkstyle, compiler].concat();
    let tests = tests_of("mvn -fae verify", &[(AT, SUREFIRE)], &output);
    let beside = |name: &&str| !name.starts_with("shelf.");
    let names =
        |tests: &Tests| tests.failed.keys().map(String::as_str).filter(beside).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(names(&tests), ["core (maven-checkstyle-plugin:check)", "web (build)"]);
    assert_eq!((tests.counts.failed, tests.stopped, tests.all_named), (6, false, true));
    let skipped = format!("{output}[INFO] web .................................... SKIPPED\n");
    assert!(tests_of("mvn verify", &[(AT, SUREFIRE)], &skipped).stopped);
    let crashed = MAVEN.replace("There are test failures.", "ExecutionException The forked VM terminated");
    assert_eq!(names(&tests_of("mvn test", &[(AT, SUREFIRE)], &crashed)), ["shelf (maven-surefire-plugin:test)"]);

    let at = "build/test-results/test/TEST-shelf.ShelfTest.xml";
    let gradle = "FAILURE: Build completed with 3 failures.\n\n1: Task failed with an exception.\n-----------\n\
                  * What went wrong:\nExecution failed for task ':test'.\n> There were failing tests. See the report at: \
                  file:///srv/shelf/build/reports/tests/test/index.html\n\n* What went wrong:\n\
                  Execution failed for task ':checkstyleMain'.\n> A failure occurred while executing x\n\
                  Execution failed for task ':web:compileTestJava' (registered by plugin 'java').\n\
                  > Compilation failed; see the compiler output below.\n";
    let tests = tests_of("./gradlew check --continue", &[(at, GRADLE)], gradle);
    assert_eq!(
        (names(&tests), tests.stopped),
        (vec![":checkstyleMain (task)".into(), ":web:compileTestJava (build)".into()], false)
    );
    assert!(tests_of("./gradlew check", &[(at, GRADLE)], gradle).stopped, "which others there were is not known");
}

#[test]
fn what_is_kept_from_agents_is_in_no_report() {
    let secrets = Secrets::of(["pass&word<1>".to_owned(), "plain-value".to_owned()], "[hidden]").unwrap();
    let escaped = "pass&amp;word&lt;1&gt;";
    let text = format!(
        "<testsuite><testcase name='{escaped}' file='plain-value.py'><failure message='{escaped}'><![CDATA[pass&word<1> plain-value]]>\
         </failure></testcase></testsuite>"
    );
    let mut gathered = Gathered::default();
    gathered.add("plain-value/target/surefire-reports/TEST-A.xml", text.as_bytes(), &secrets);
    let said = gathered.report(&argv("make"), &Patterns::default(), report("true", &[], &[], ""), "");
    let shown = format!("{:?}", said.tests().expect("understood"));
    assert!(!shown.contains("plain-value") && !shown.contains("word"), "{shown}");
    assert!(shown.contains("[hidden]/[hidden]"), "{shown}");
    let mut gathered = Gathered::default();
    gathered.refuse("plain-value.xml", "it is no regular file", &secrets);
    let said = gathered.report(&argv("make"), &Patterns::default(), report("true", &[], &[], ""), "");
    assert_eq!(said, Report::NotUnderstood { why: "[hidden].xml: it is no regular file".into() });
}
