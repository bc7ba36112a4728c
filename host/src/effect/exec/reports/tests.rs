//! Reports of checks that ran over overlays as the sandbox mounts them, and what only a hostile hand puts in their place.
#![expect(clippy::disallowed_methods, reason = "tests write what commands would write")]

use orchestra_pit_core::pattern::Pattern;

use super::super::checkout::{Limits, Stack};
use super::super::layer::Upper;
use super::super::tests::{Bench, files, overlay};
use super::*;

const AT: &str = "target/surefire-reports";

/// A place where a check has run some commands.
struct Place {
    bench: Bench,
    stack: Stack,
    layer: Layer,
    tree: Oid,
}

impl Place {
    #[must_use]
    fn new() -> Self {
        let bench = Bench::new();
        let kept = "<testsuite><testcase classname=\"Kept\" name=\"t\"/></testsuite>\n";
        let tree = bench.tree(&files(&[("a", "1\n"), ("old/target/surefire-reports/TEST-Kept.xml", kept)]));
        let stack = bench.checkouts(Limits::default()).of(&bench.repo, tree).unwrap();
        let layer = Layer::open(&bench.dir.path().join("run"), tree, None).unwrap();
        Self { bench, stack, layer, tree }
    }

    fn run(&self, script: &str) -> Upper {
        let upper = self.layer.begin().unwrap();
        let write = "w() { mkdir -p \"${1%/*}\"; printf '<testsuite><testcase classname=\"%s\" name=\"t\"/></testsuite>' $2 > \"$1\"; }\n";
        overlay(&self.layer.lowers(&self.stack), Some((&upper.upper, &upper.work)), &format!("{write}{script}"));
        upper
    }

    fn read(&self, upper: &Upper, bounds: Bounds, reports: &[&str]) -> Report {
        let reports = reports.iter().map(|text| Pattern::new(text).unwrap()).collect();
        let run = vec!["make".to_owned(), "test".to_owned()];
        let (name, timeout) = ("test".to_owned(), 1);
        let (dir, env, flaky) = (None, Default::default(), Vec::new());
        let check = Check { name, run, dir, required: true, timeout, env, flaky, reports };
        let ground = Ground {
            upper: &upper.upper,
            layer: &self.layer,
            source: &self.bench.repo,
            tree: self.tree,
            secrets: &Secrets::default(),
        };
        within(bounds, &check, "", &ground).unwrap()
    }
}

/// The tests that passed, or why they are not known.
fn said(report: Report) -> Result<String, String> {
    match report {
        Report::Understood(tests) => Ok(tests.passed.into_iter().collect::<Vec<_>>().join(" ")),
        Report::NotUnderstood { why } => Err(why),
    }
}

#[test]
fn what_a_command_wrote_is_read_and_taken_away() {
    let place = Place::new();
    let upper = place.run(&format!("w {AT}/TEST-A.xml A; w b/c/{AT}/TEST-B.xml B; w out/junit.xml C; w {AT}/A.xml D"));
    assert_eq!(said(place.read(&upper, BOUNDS, &[])), Ok("A::t b/c/B::t".into()));
    assert_eq!(said(place.read(&upper, BOUNDS, &["out/*.xml"])), Ok("C::t".into()));
    let none = "no test runner's results were found in the output";
    assert_eq!(said(place.read(&upper, BOUNDS, &[])), Err(none.into()), "the next run does not find them");
    let none = "it wrote no file that its `reports` names (out/*.xml)";
    assert_eq!(said(place.read(&upper, BOUNDS, &["out/*.xml"])), Err(none.into()));
    assert!(upper.upper.join(AT).join("A.xml").exists(), "what is no report stays");
}

#[test]
fn a_report_of_the_tree_that_was_only_touched_is_of_no_run() {
    let place = Place::new();
    let kept = "old/target/surefire-reports/TEST-Kept.xml";
    let upper = place.run(&format!("touch {kept}; chmod 600 {kept}"));
    assert!(upper.upper.join(kept).exists(), "the overlay has copied it up");
    assert!(said(place.read(&upper, BOUNDS, &[])).is_err());
    // The control: one that was written over is.
    let upper = place.run(&format!("w {kept} New"));
    assert_eq!(said(place.read(&upper, BOUNDS, &[])), Ok("old/New::t".into()));
}

#[test]
fn nothing_is_read_that_is_no_plain_file_of_its_own() {
    let place = Place::new();
    let outside = place.bench.dir.path().join("outside.xml");
    std::fs::write(&outside, "<testsuite><testcase name=\"secret\"/></testsuite>").unwrap();
    for (made, why) in [
        (format!("ln -s {} {AT}/TEST-X.xml", outside.display()), "TEST-X.xml: it is no regular file"),
        (format!("mkfifo {AT}/TEST-X.xml"), "TEST-X.xml: it is no regular file"),
        (
            format!("head -c 99 {AT}/TEST-A.xml | head -c 20 > {AT}/TEST-X.xml"),
            "TEST-X.xml: the JUnit file is cut short",
        ),
        (
            format!("truncate -s 40M {AT}/TEST-X.xml"),
            "TEST-X.xml: it has 41943040 bytes, and no more than 33554432 are read",
        ),
        (format!("printf '\\377' > {AT}/TEST-X.xml"), "TEST-X.xml: it is not UTF-8"),
    ] {
        let upper = place.run(&format!("w {AT}/TEST-A.xml A; {made}"));
        assert_eq!(said(place.read(&upper, BOUNDS, &[])), Err(format!("{AT}/{why}")), "{made}");
        assert_eq!(std::fs::read_dir(upper.upper.join(AT)).unwrap().count(), 0, "{made}: all are taken away");
    }
    // A folder's link leads nowhere: what is behind it is another's. A folder of a report's name is none.
    let folder = place.bench.dir.path().join("reports");
    std::fs::create_dir(&folder).unwrap();
    std::fs::copy(&outside, folder.join("TEST-X.xml")).unwrap();
    let link = format!("mkdir -p m/target {AT}/TEST-D.xml; ln -s {} m/{AT}; w {AT}/TEST-A.xml A", folder.display());
    assert_eq!(said(place.read(&place.run(&link), BOUNDS, &[])), Ok("A::t".into()));
    assert!(folder.join("TEST-X.xml").exists());
    // One that its owner may not read is read.
    let upper = place.run(&format!("w {AT}/TEST-A.xml A; chmod 0 {AT}/TEST-A.xml {AT}"));
    assert_eq!(said(place.read(&upper, BOUNDS, &[])), Ok("A::t".into()));
}

#[test]
fn number_size_and_depth_are_bounded() {
    let place = Place::new();
    let script = format!("w {AT}/TEST-A.xml A; w {AT}/TEST-B.xml B; touch c d");
    let read = |bounds: Bounds| said(place.read(&place.run(&script), bounds, &[]));
    assert_eq!(read(BOUNDS), Ok("A::t B::t".into()), "the control");
    let why = format!("{AT}/TEST-B.xml: it is one of more than 1 reports");
    assert_eq!(read(Bounds { reports: 1, ..BOUNDS }), Err(why));
    let why = format!("{AT}/TEST-B.xml: it has 57 bytes, and no more than 23 are read");
    assert_eq!(read(Bounds { all: 80, ..BOUNDS }), Err(why));
    let many = "it wrote too much for reports to be looked for in it";
    assert_eq!(read(Bounds { seen: 4, ..BOUNDS }), Err(many.into()));
    let deep = format!("w {AT}/TEST-A.xml A; for i in $(seq 300); do mkdir d && cd d; done");
    assert_eq!(said(place.read(&place.run(&deep), BOUNDS, &[])), Err(many.into()));
}
