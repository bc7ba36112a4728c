//! A run's layer, seen through an overlay over its checkout, after every change.
#![expect(clippy::disallowed_methods, reason = "tests look at what was made and break it")]

use super::super::checkout::Limits;
use super::super::tests::{Bench, changed, files, lines, overlay, seen, time};
use super::*;

fn over(layer: &Layer, stack: &Stack) -> Vec<PathBuf> {
    layer.lowers(stack)
}

#[test]
fn the_layer_shows_every_tree_that_it_follows() {
    let bench = Bench::new();
    let start = files(&[("a/b/x", "1\n"), ("a/y", "2\n"), ("b", "3\n"), ("c/z", "4\n")]);
    let stack = bench.checkouts(Limits::default()).of(&bench.repo, bench.tree(&start)).unwrap();
    let place = bench.dir.path().join("run");
    let mut layer = Layer::open(&place, stack.tree, None).unwrap();
    let (mut now, mut seed) = (start, 3);
    for round in 0..40 {
        now = changed(&now, &mut seed);
        let tree = bench.tree(&now);
        layer.follow(&bench.repo, tree).unwrap();
        assert_eq!(layer.tree(), Some(tree));
        assert_eq!(seen(&over(&layer, &stack)), lines(&bench.expected(tree)), "round {round}: {now:?}");
        if round % 5 == 4 {
            // Another host goes on with it.
            layer = Layer::open(&place, stack.tree, None).unwrap();
            assert_eq!(layer.tree(), Some(tree));
        }
    }
}

#[test]
fn only_what_differs_is_written_and_going_back_is_a_change() {
    let bench = Bench::new();
    let (one, two) = (files(&[("a", "1\n"), ("b", "1\n")]), files(&[("a", "2\n"), ("b", "1\n")]));
    let (one, two) = (bench.tree(&one), bench.tree(&two));
    let stack = bench.checkouts(Limits::default()).of(&bench.repo, one).unwrap();
    let mut layer = Layer::open(&bench.dir.path().join("run"), one, None).unwrap();
    assert_eq!(layer.follow(&bench.repo, one).unwrap(), 0);
    let at = |layer: &Layer, path| time(&over(layer, &stack), path);
    let (first, kept) = (at(&layer, "a"), at(&layer, "b"));
    assert_eq!(layer.follow(&bench.repo, two).unwrap(), 1);
    let second = at(&layer, "a");
    assert_eq!(layer.follow(&bench.repo, two).unwrap(), 0);
    assert_eq!(at(&layer, "a"), second);
    assert_eq!(layer.follow(&bench.repo, one).unwrap(), 1);
    let third = at(&layer, "a");
    assert!(first < second && second < third, "{first} {second} {third}");
    assert_eq!(at(&layer, "b"), kept);
    assert_eq!(seen(&over(&layer, &stack)), bench.expected(one));
}

#[test]
fn a_file_is_newer_than_what_was_written_just_before() {
    let bench = Bench::new();
    let (one, two) = (bench.tree(&files(&[("a", "1\n")])), bench.tree(&files(&[("a", "2\n")])));
    let mut layer = Layer::open(&bench.dir.path().join("run"), one, None).unwrap();
    let output = bench.dir.path().join("output");
    for tree in [two, one].repeat(10) {
        // The kernel's own stamp, which may lag by a tick of its clock.
        fs::write(&output, "built").unwrap();
        layer.follow(&bench.repo, tree).unwrap();
        let time_of = |path: &Path| fs::metadata(path).unwrap().modified().unwrap();
        assert!(time_of(&layer.files().join("a")) > time_of(&output));
    }
}

#[test]
fn a_layer_that_does_not_say_what_it_shows_is_made_anew_with_its_outputs() {
    let bench = Bench::new();
    let (one, two) = (bench.tree(&files(&[("a", "1\n")])), bench.tree(&files(&[("a", "2\n")])));
    let place = bench.dir.path().join("run");
    let fresh = || {
        let mut layer = Layer::open(&place, one, None).unwrap();
        layer.follow(&bench.repo, two).unwrap();
        fs::write(layer.ignored().join("output"), "built").unwrap();
        layer
    };
    let left = |base| {
        let layer = Layer::open(&place, base, None).unwrap();
        (layer.tree().unwrap(), layer.ignored().join("output").exists(), layer.files().join("a").exists())
    };
    drop(fresh());
    assert_eq!(left(one), (two, true, true), "nothing was wrong");
    let shows = place.join("shows");
    fs::remove_file(&shows).unwrap();
    assert_eq!(left(one), (one, false, false), "killed in the middle of a change");
    drop(fresh());
    assert_eq!(left(two), (two, false, false), "another checkout");
    drop(fresh());
    let text = fs::read_to_string(&shows).unwrap();
    fs::write(&shows, text.replace("boot ", "boot 0")).unwrap();
    assert_eq!(left(one), (one, false, false), "started again");
    drop(fresh());
    fs::write(&shows, &text[..text.len() - 3]).unwrap();
    assert_eq!(left(one), (one, false, false), "cut short");
}

#[test]
fn a_change_that_fails_half_way_is_not_believed() {
    let bench = Bench::new();
    let (one, two) =
        (bench.tree(&files(&[("a", "1\n"), ("b", "1\n")])), bench.tree(&files(&[("a", "2\n"), ("b", "1\n")])));
    let missing = bench.raw(&[(0o100_644, b"a", bench.blob("3\n")), (0o100_644, b"b", Oid([9; 20]))]);
    let stack = bench.checkouts(Limits::default()).of(&bench.repo, one).unwrap();
    let mut layer = Layer::open(&bench.dir.path().join("run"), one, None).unwrap();
    layer.follow(&bench.repo, two).unwrap();
    layer.follow(&bench.repo, missing).unwrap_err();
    assert_eq!(layer.tree(), None);
    assert!(!bench.dir.path().join("run/shows").exists());
    layer.follow(&bench.repo, two).unwrap();
    assert_eq!(seen(&over(&layer, &stack)), bench.expected(two));
}

#[test]
fn what_git_ignored_gives_way_to_what_the_workspace_has() {
    let bench = Bench::new();
    let one = bench.tree(&files(&[("a", "1\n")]));
    let stack = bench.checkouts(Limits::default()).of(&bench.repo, one).unwrap();
    let mut layer = Layer::open(&bench.dir.path().join("run"), one, None).unwrap();
    for folder in ["dist/x", "out"] {
        fs::create_dir_all(layer.ignored().join(folder)).unwrap();
    }
    for file in ["dist/keep", "dist/x/old", "lib", "out/other"] {
        fs::write(layer.ignored().join(file), "ignored\n").unwrap();
    }
    let two = bench.tree(&files(&[("a", "1\n"), ("dist/x", "2\n"), ("lib/y", "3\n"), ("out/z", "4\n")]));
    layer.follow(&bench.repo, two).unwrap();
    let expected = [
        "a f 644 1",
        "dist/keep f 644 ignored",
        "dist/x f 644 2",
        "lib/y f 644 3",
        "out/other f 644 ignored",
        "out/z f 644 4",
    ];
    assert_eq!(seen(&over(&layer, &stack)), expected);
}

#[test]
fn an_upper_that_nobody_imported_had_no_effect() {
    let bench = Bench::new();
    let one = bench.tree(&files(&[("a", "1\n")]));
    let stack = bench.checkouts(Limits::default()).of(&bench.repo, one).unwrap();
    let place = bench.dir.path().join("run");
    let layer = Layer::open(&place, one, None).unwrap();
    let upper = layer.begin().unwrap();
    overlay(&layer.lowers(&stack), Some((&upper.upper, &upper.work)), "echo 2 > a; mkdir -p d/d; chmod 0 d/d d");
    assert!(upper.upper.join("a").exists());
    let again = Layer::open(&place, one, None).unwrap();
    assert!(!upper.upper.exists());
    assert_eq!(seen(&again.lowers(&stack)), bench.expected(one));
    let second = again.begin().unwrap();
    again.end(&second).unwrap();
    assert!(!second.upper.exists());
    Layer::tidy(&place).unwrap();
    assert_eq!(super::super::tests::names(&place.join("gone")), [""; 0]);
}
