//! Checkouts against what git's trees say, seen through the overlays that commands have.
#![expect(clippy::disallowed_methods, reason = "tests look at what was made")]

use std::fs;
use std::sync::Barrier;

use super::super::tests::{Bench, Files, Leaf, changed, files, lines, names, seen, time};
use super::*;

fn ten(change: &str) -> Files {
    let mut all: Files = (0..10).map(|n| (format!("src/f{n}").into_bytes(), Leaf::File(format!("{n}\n")))).collect();
    all.insert(b"src/f0".to_vec(), Leaf::File(change.to_owned()));
    all
}

#[test]
fn the_same_tree_again_costs_nothing() {
    let bench = Bench::new();
    let checkouts = bench.checkouts(Limits::default());
    let tree = bench.tree(&ten("0\n"));
    let first = checkouts.of(&bench.repo, tree).unwrap();
    let made = fs::metadata(&first.layers[0]).unwrap();
    let again = checkouts.of(&bench.repo, tree).unwrap();
    assert_eq!(first.layers, again.layers);
    assert!(same(&made, &fs::metadata(&again.layers[0]).unwrap()));
    assert_eq!(names(checkouts.folder()), [tree.to_string()]);
}

#[test]
fn a_few_files_that_differ_are_a_layer_over_the_nearest() {
    let bench = Bench::new();
    let checkouts = bench.checkouts(Limits::default());
    let far = checkouts.of(&bench.repo, bench.tree(&files(&[("x", "y\n")]))).unwrap();
    let base = checkouts.of(&bench.repo, bench.tree(&ten("0\n"))).unwrap();
    let near = checkouts.of(&bench.repo, bench.tree(&ten("new\n"))).unwrap();
    assert_eq!(far.layers.len(), 1);
    assert_eq!(near.layers[1..], base.layers);
    assert_eq!(names(&near.layers[0].join("src")), ["f0"]);
}

#[test]
fn every_tree_is_shown_as_it_is() {
    let bench = Bench::new();
    let checkouts = bench.checkouts(Limits::default());
    let (mut now, mut seed) = (ten("0\n"), 7);
    let mut heights = Vec::new();
    for _ in 0..40 {
        now = changed(&now, &mut seed);
        let tree = bench.tree(&now);
        let stack = checkouts.of(&bench.repo, tree).unwrap();
        assert_eq!(seen(&stack.layers), lines(&bench.expected(tree)), "{now:?}");
        heights.push(stack.layers.len());
    }
    assert!(heights.iter().max() > Some(&3) && heights.iter().max() <= Some(&MAX_LAYERS), "{heights:?}");
}

/// The first `n` of twenty files have changed.
fn so_many(n: usize) -> Files {
    let text = |at| if at < n { "new\n".to_owned() } else { "old\n".to_owned() };
    (0..20).map(|at| (format!("src/f{at}").into_bytes(), Leaf::File(text(at)))).collect()
}

#[test]
fn a_stack_is_not_higher_than_an_overlay_takes() {
    let bench = Bench::new();
    let checkouts = bench.checkouts(Limits::default());
    let make = |n| checkouts.of(&bench.repo, bench.tree(&so_many(n))).unwrap().layers.len();
    let heights: Vec<_> = (0..=MAX_LAYERS).map(make).collect();
    assert_eq!(heights, [1, 2, 3, 4, 5, 6, 7, 8, 1]);
}

#[test]
fn more_than_a_quarter_is_a_layer_with_everything() {
    let bench = Bench::new();
    let checkouts = bench.checkouts(Limits::default());
    let make = |n| checkouts.of(&bench.repo, bench.tree(&so_many(n))).unwrap().layers.len();
    assert_eq!([make(0), make(5), make(11)], [1, 2, 1]);
}

#[test]
fn an_unchanged_file_keeps_its_time_and_a_changed_one_never_has_an_older() {
    let bench = Bench::new();
    let checkouts = bench.checkouts(Limits::default());
    let at = |files: &Files| checkouts.of(&bench.repo, bench.tree(files)).unwrap().layers;
    let before = at(&so_many(0));
    let kept = time(&before, "src/f19");
    let mut last = kept.clone();
    // The last of them is a layer with everything.
    for n in 1..=MAX_LAYERS {
        let layers = at(&so_many(n));
        assert_eq!(time(&layers, "src/f19"), kept, "{n} layers up");
        let now = time(&layers, &format!("src/f{}", n - 1));
        assert!(now > last, "{now} after {last}");
        last = now;
    }
    // Going back to an earlier content is a change like any other.
    let mut back = so_many(MAX_LAYERS);
    back.insert(b"src/f0".to_vec(), Leaf::File("old\n".into()));
    let layers = at(&back);
    assert_eq!(time(&layers, "src/f19"), kept);
    assert!(time(&layers, "src/f0") > last);
}

#[test]
fn what_is_used_stays_and_what_is_not_goes() {
    let bench = Bench::new();
    let checkouts = bench.checkouts(Limits { idle: Duration::ZERO, bytes: 0 });
    let used = checkouts.of(&bench.repo, bench.tree(&ten("0\n"))).unwrap();
    let over = checkouts.of(&bench.repo, bench.tree(&ten("1\n"))).unwrap();
    let other = checkouts.of(&bench.repo, bench.tree(&files(&[("x", "y\n")]))).unwrap().tree;
    let (below, above) = (used.tree, over.tree);
    checkouts.tidy().unwrap();
    assert!(!checkouts.place(other).exists(), "nobody used it");
    assert!(checkouts.place(below).exists() && checkouts.place(above).exists());
    // Nobody holds the one below by itself, and something stands on it.
    drop(used);
    checkouts.tidy().unwrap();
    assert_eq!(seen(&over.layers), bench.expected(above));
    drop(over);
    checkouts.tidy().unwrap();
    checkouts.tidy().unwrap();
    assert_eq!(names(checkouts.folder()), [""; 0]);
}

#[test]
fn a_generous_limit_keeps_everything() {
    let bench = Bench::new();
    let checkouts = bench.checkouts(Limits::default());
    let tree = checkouts.of(&bench.repo, bench.tree(&ten("0\n"))).unwrap().tree;
    checkouts.tidy().unwrap();
    assert!(checkouts.place(tree).exists());
}

#[test]
fn what_is_half_made_or_damaged_is_never_used() {
    let bench = Bench::new();
    let checkouts = bench.checkouts(Limits::default());
    let tree = bench.tree(&ten("0\n"));
    // As a host leaves it that is killed in the middle.
    fs::create_dir_all(checkouts.folder().join("making.1.2.3.0/files/src")).unwrap();
    // As a person's hand may leave it.
    fs::create_dir_all(checkouts.place(tree).join("files")).unwrap();
    let stack = checkouts.of(&bench.repo, tree).unwrap();
    assert_eq!(seen(&stack.layers), bench.expected(tree));
    let above = checkouts.of(&bench.repo, bench.tree(&ten("1\n"))).unwrap();
    assert_eq!(above.layers.len(), 2);
    let tree_above = above.tree;
    drop((stack, above));
    fs::remove_dir_all(checkouts.place(tree)).unwrap();
    let again = checkouts.of(&bench.repo, tree_above).unwrap();
    assert_eq!(seen(&again.layers), bench.expected(tree_above));
    // What is being made now is left alone; what was left an hour ago goes.
    checkouts.tidy().unwrap();
    assert!(checkouts.folder().join("making.1.2.3.0").exists());
    let old = SystemTime::now() - Duration::from_secs(7200);
    File::open(checkouts.folder().join("making.1.2.3.0")).unwrap().set_modified(old).unwrap();
    checkouts.tidy().unwrap();
    assert!(!checkouts.folder().join("making.1.2.3.0").exists());
}

#[test]
fn what_was_not_flushed_is_not_believed_after_the_machine_was_started_again() {
    let bench = Bench::new();
    let checkouts = bench.checkouts(Limits::default());
    let tree = bench.tree(&ten("0\n"));
    let start_again = || {
        let file = checkouts.of(&bench.repo, tree).unwrap().layers[0].join("src/f0");
        fs::write(&file, "lost\n").unwrap();
        fs::write(checkouts.place(tree).join("boot"), "another").unwrap();
        let again = checkouts.of(&bench.repo, tree).unwrap();
        fs::read_to_string(again.layers[0].join("src/f0")).unwrap()
    };
    assert_eq!(start_again(), "0\n", "made again");
    checkouts.tidy().unwrap();
    assert_eq!(start_again(), "lost\n", "flushed, and so believed");
}

#[test]
fn many_may_make_the_same_at_once() {
    let bench = Bench::new();
    let (checkouts, tree, start) = (bench.checkouts(Limits::default()), bench.tree(&ten("0\n")), Barrier::new(6));
    std::thread::scope(|scope| {
        let make = || {
            start.wait();
            checkouts.of(&bench.repo, tree).unwrap().layers
        };
        let made: Vec<_> = (0..6).map(|_| scope.spawn(make)).collect();
        let made: Vec<_> = made.into_iter().map(|thread| thread.join().unwrap()).collect();
        assert!(made.iter().all(|layers| *layers == made[0]));
    });
    assert_eq!(names(checkouts.folder()), [tree.to_string()]);
    assert_eq!(seen(&checkouts.of(&bench.repo, tree).unwrap().layers), bench.expected(tree));
}

#[test]
fn a_hostile_tree_leads_nowhere() {
    let bench = Bench::new();
    let checkouts = bench.checkouts(Limits::default());
    let (blob, mode) = (bench.blob("x\n"), 0o100_644);
    let out = tempfile::tempdir().unwrap();
    let hooks = bench.raw(&[(mode, b"config", blob)]);
    let long = [b'n'; 300];
    let tree = bench.raw(&[
        (mode, b"..", blob),
        (0o040_000, b"..", hooks),
        (mode, b"../evil", blob),
        (0o040_000, b".GIT", hooks),
        (0o040_000, b".git", hooks),
        (mode, b"fine", blob),
        (mode, &long, blob),
    ]);
    let stack = checkouts.of(&bench.repo, tree).unwrap();
    assert_eq!(seen(&stack.layers), ["fine f 644 x"]);
    assert!(!checkouts.place(tree).join("evil").exists());
    // A link, and a folder of the same name that would be written through it.
    let target = bench.blob(out.path().to_str().unwrap());
    let through = bench.raw(&[(0o120_000, b"a", target), (0o040_000, b"a", hooks)]);
    let error = checkouts.of(&bench.repo, through).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable);
    assert_eq!(names(out.path()), [""; 0]);
    // The same as a difference.
    let many: Vec<(Vec<u8>, u32)> = (0..20_u8).map(|n| (vec![b'b' + n], mode)).collect();
    let fine: Vec<(u32, &[u8], Oid)> = many.iter().map(|(name, mode)| (*mode, &name[..], blob)).collect();
    checkouts.of(&bench.repo, bench.raw(&fine)).unwrap().layers.clear();
    let evil = [&[(0o120_000, &b"a"[..], target), (0o040_000, &b"a"[..], hooks)][..], &fine].concat();
    checkouts.of(&bench.repo, bench.raw(&evil)).unwrap_err();
    assert_eq!(names(out.path()), [""; 0]);
}

#[test]
fn links_are_written_as_links_and_modules_as_empty_folders() {
    let bench = Bench::new();
    let checkouts = bench.checkouts(Limits::default());
    let mut all = ten("0\n");
    all.insert(b"passwd".to_vec(), Leaf::Link("/etc/passwd".into()));
    all.insert(b"module".to_vec(), Leaf::Submodule);
    all.insert(b"big.bin".to_vec(), Leaf::File("version https://git-lfs.github.com/spec/v1\n".into()));
    all.insert(b".gitattributes".to_vec(), Leaf::File("*.bin filter=lfs\n".into()));
    let tree = bench.tree(&all);
    let shown = seen(&checkouts.of(&bench.repo, tree).unwrap().layers);
    assert_eq!(shown, bench.expected(tree));
    assert!(shown.contains(&"passwd l 777 /etc/passwd".to_owned()) && shown.contains(&"module d 755 ".to_owned()));
    assert!(shown.contains(&"big.bin f 644 version https://git-lfs.github.com/spec/v1".to_owned()));
}
