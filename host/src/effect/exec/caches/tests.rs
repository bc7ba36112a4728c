//! Warm folders: what is shared, what is a run's own, and what may be inherited.
#![expect(clippy::disallowed_methods, reason = "tests look at what was made")]

use super::super::checkout::Limits;
use super::super::import::{Take, import};
use super::super::tests::{Bench, Files, Leaf, files as tree_files, names, overlay};
use super::*;
use orchestra_pit_core::secret::Secrets;
use std::time::Duration;

fn so_many(n: usize) -> Files {
    let text = |at| if at < n { "new\n".to_owned() } else { "old\n".to_owned() };
    (0..20).map(|at| (format!("src/f{at}").into_bytes(), Leaf::File(text(at)))).collect()
}

struct Run<'a> {
    bench: &'a Bench,
    checkouts: &'a Checkouts,
    stack: Stack,
    layer: Layer,
}

impl<'a> Run<'a> {
    fn new(bench: &'a Bench, checkouts: &'a Checkouts, name: &str, files: &Files) -> Self {
        let stack = checkouts.of(&bench.repo, bench.tree(files)).unwrap();
        let layer = Layer::open(&bench.dir.path().join(name), stack.tree, None).unwrap();
        Self { bench, checkouts, stack, layer }
    }

    fn warm(&self) -> Warmed {
        self.checkouts.warm(&self.stack, &self.layer, &target(), None).unwrap()
    }

    /// Runs a script at the top, as a command, with what it leaves in warm folders taken over.
    fn command(&self, script: &str) -> String {
        let warm = self.warm();
        let lowers: Vec<PathBuf> = self.layer.lowers(&self.stack).into_iter().chain(warm.layers.clone()).collect();
        let upper = self.layer.begin().unwrap();
        let said = overlay(&lowers, Some((&upper.upper, &upper.work)), script);
        let head = self.stack.tree;
        let take = Take { head, warm: &target(), secrets: &Secrets::default(), may_write: &|_| false };
        import(&upper.upper, &self.layer, &self.bench.repo, self.stack.tree, take).unwrap();
        self.layer.end(&upper).unwrap();
        said
    }

    /// The same in the warm folder.
    fn build(&self, script: &str) -> String {
        self.command(&format!("mkdir -p a/target; cd a/target; {script}"))
    }

    fn adopt(&self) -> bool {
        let warmed = self.warm();
        self.checkouts.adopt(&self.stack, &self.layer, &warmed).unwrap()
    }
}

fn target() -> Vec<RepoPath> {
    paths(&["a/target".into()]).unwrap()
}

#[test]
fn what_the_host_built_is_below_every_run_and_what_a_run_builds_is_its_own() {
    let bench = Bench::new();
    let checkouts = bench.checkouts(Limits::default());
    let host = Run::new(&bench, &checkouts, "host", &so_many(0));
    host.build("echo built > lib; echo old > app");
    assert!(host.adopt());
    assert!(!host.adopt(), "it has one already");
    let (one, two) = (Run::new(&bench, &checkouts, "1", &so_many(0)), Run::new(&bench, &checkouts, "2", &so_many(0)));
    assert_eq!(one.build("cat lib app; echo new > app; rm lib"), "built\nold\n");
    assert_eq!(two.build("cat lib app"), "built\nold\n");
    assert_eq!(one.build("cat app; ls"), "new\napp\n", "a run's own lasts from command to command");
    assert_eq!(names(&two.layer.ignored()), [""; 0], "and costs what differs");
    // It goes with the layer whose times it was built by.
    fs::remove_file(one.layer.place().join("shows")).unwrap();
    let one = Run::new(&bench, &checkouts, "1", &so_many(0));
    assert_eq!(one.build("cat lib app"), "built\nold\n");
}

#[test]
fn a_folder_that_starts_warm_is_removed_like_any_other() {
    let bench = Bench::new();
    let checkouts = bench.checkouts(Limits::default());
    let host = Run::new(&bench, &checkouts, "host", &so_many(0));
    host.build("echo built > lib; mkdir deep; echo 1 > deep/er");
    assert!(host.adopt());
    let run = Run::new(&bench, &checkouts, "run", &so_many(0));
    assert_eq!(run.command("rm -rf a; ls"), "src\n");
    assert_eq!(run.command("ls"), "src\n", "and stays away");
    assert_eq!(run.build("ls; echo mine > app"), "", "a new one is empty");
    assert_eq!(run.build("ls -A; rm app; rmdir ../target"), "app\n");
    assert_eq!(run.build("ls"), "");
    let other = Run::new(&bench, &checkouts, "other", &so_many(0));
    assert_eq!(other.build("cat lib deep/er"), "built\n1\n", "nobody else's is touched");
    let third = Run::new(&bench, &checkouts, "third", &so_many(0));
    third.build("rm -r deep");
    third.build("mkdir deep");
    assert_eq!(
        third.build("ls deep; ls"),
        "deep\nlib\n",
        "what is made in the place of what was removed has none of it"
    );
    third.command("rm -r a/target");
    third.build("echo mine > app");
    assert_eq!(third.build("ls"), "app\n", "also the folder itself, by a later command");
    // What replaces it hides it whole, also where only part of it comes back.
    assert_eq!(
        other.command("mv a/target a/old; mkdir -p a/target/deep; ls a/old a/target"),
        "a/old:\ndeep\nlib\n\na/target:\ndeep\n"
    );
    assert_eq!(other.command("find a/target"), "a/target\na/target/deep\n");
}

#[test]
fn what_was_built_for_other_folders_is_another() {
    let bench = Bench::new();
    let checkouts = bench.checkouts(Limits::default());
    let host = Run::new(&bench, &checkouts, "host", &so_many(0));
    host.build("echo built > lib");
    assert!(host.adopt());
    let base = host.stack.tree;
    let more = paths(&["a/target".into(), "dist".into()]).unwrap();
    assert!(checkouts.is_warm(base, &target(), None) && !checkouts.is_warm(base, &more, None));
    let run = Run::new(&bench, &checkouts, "run", &so_many(0));
    run.build("echo mine > app");
    let warmed = checkouts.warm(&run.stack, &run.layer, &more, None).unwrap();
    assert!(warmed.layers.is_empty());
    assert!(!run.layer.ignored().join("a/target").exists(), "what was written over the other goes with it");
}

#[test]
fn what_two_levels_build_of_a_base_lies_one_over_the_other() {
    let bench = Bench::new();
    let checkouts = bench.checkouts(Limits::default());
    let fast = Run::new(&bench, &checkouts, "fast", &so_many(0));
    let base = fast.stack.tree;
    assert!(!checkouts.is_warm(base, &target(), None));
    fast.build("echo 1 > checked; echo 1 > both");
    assert!(fast.adopt());
    assert!(checkouts.is_warm(base, &target(), None));
    let early = Run::new(&bench, &checkouts, "early", &so_many(0));
    early.build("echo mine > app");
    let full = Run::new(&bench, &checkouts, "full", &so_many(0));
    full.build("echo 2 > tested; echo 2 > both");
    assert!(full.adopt());
    let run = Run::new(&bench, &checkouts, "run", &so_many(0));
    assert_eq!(run.build("cat checked tested both"), "1\n2\n2\n");
    assert_eq!(early.build("ls; cat both"), "app\nboth\nchecked\n1\n", "it goes on over what it was written over");
    let third = Run::new(&bench, &checkouts, "third", &so_many(0));
    third.build("echo 3 > more");
    assert!(!third.adopt(), "two are enough");
    // A base that was made after both stands on both.
    let new = Run::new(&bench, &checkouts, "new", &so_many(1));
    assert_eq!(new.build("cat checked tested both; echo 4 > app"), "1\n2\n2\n");
    assert!(new.adopt());
    assert_eq!(Run::new(&bench, &checkouts, "newer", &so_many(1)).build("cat both app"), "2\n4\n");
}

#[test]
fn what_a_run_wrote_stays_over_what_it_was_written_over() {
    let bench = Bench::new();
    let checkouts = bench.checkouts(Limits::default());
    let early = Run::new(&bench, &checkouts, "early", &so_many(0));
    early.build("echo mine > app");
    let host = Run::new(&bench, &checkouts, "host", &so_many(0));
    host.build("echo built > lib");
    assert!(host.adopt());
    assert_eq!(early.build("ls"), "app\n", "it started cold and goes on so");
    let late = Run::new(&bench, &checkouts, "late", &so_many(0));
    assert_eq!(late.build("ls; echo late > app"), "lib\n");
    // What it stood on was removed and made again: not the same, whatever it has.
    fs::remove_dir_all(checkouts.place(late.stack.tree).join("warm")).unwrap();
    let again = Run::new(&bench, &checkouts, "again", &so_many(0));
    again.build("echo again > lib");
    assert!(again.adopt());
    assert_eq!(late.build("ls; cat lib"), "lib\nagain\n");
}

#[test]
fn a_base_inherits_what_was_built_before_its_checkout_was_made() {
    let bench = Bench::new();
    let checkouts = bench.checkouts(Limits::default());
    let old = Run::new(&bench, &checkouts, "old", &so_many(0));
    old.build("echo 0 > lib; echo 0 > app");
    assert!(old.adopt());
    let new = Run::new(&bench, &checkouts, "new", &so_many(1));
    assert_eq!(new.build("cat lib app; echo 1 > app"), "0\n0\n");
    assert!(new.adopt());
    let newer = Run::new(&bench, &checkouts, "newer", &so_many(2));
    assert_eq!(newer.warm().layers.len(), 2);
    assert_eq!(newer.build("cat lib app"), "0\n1\n");
    // Of another lineage: a full checkout with times of its own.
    let other = Run::new(&bench, &checkouts, "other", &tree_files(&[("x", "y\n")]));
    let all = checkouts.lineage(&other.stack);
    assert!(all.len() > 1, "made from what was there, with nothing in common");
    assert_eq!(other.build("ls"), "app\nlib\n", "every file of it is newer");
}

#[test]
fn a_base_does_not_inherit_what_was_built_after_its_checkout_was_made() {
    let bench = Bench::new();
    let checkouts = bench.checkouts(Limits::default());
    let old = Run::new(&bench, &checkouts, "old", &so_many(0));
    let new = Run::new(&bench, &checkouts, "new", &so_many(1));
    // Newer than the file that `new` has changed, and not built of it: a build tool would take it for up to date.
    old.build("echo 0 > app");
    assert!(old.adopt());
    assert_eq!(new.build("ls"), "");
    assert_eq!(old.build("cat app"), "0\n", "over its own base it is right");
}

#[test]
fn what_something_warm_stands_on_is_not_removed() {
    let bench = Bench::new();
    let checkouts = bench.checkouts(Limits { idle: Duration::ZERO, bytes: 0 });
    let old = Run::new(&bench, &checkouts, "old", &so_many(0));
    old.build("echo 0 > lib");
    old.adopt();
    let new = Run::new(&bench, &checkouts, "new", &so_many(15));
    assert_eq!(new.stack.layers.len(), 1, "its files do not stand on the other");
    new.build("echo 1 > app");
    new.adopt();
    let below = old.stack.tree;
    drop(old);
    checkouts.tidy().unwrap();
    assert_eq!(new.build("cat lib app"), "0\n1\n");
    drop(new);
    (0..2).for_each(|_| checkouts.tidy().unwrap());
    assert!(!checkouts.place(below).exists(), "nothing stands on it any more");
}

#[test]
fn a_name_that_is_no_path_is_refused() {
    for bad in ["../target", "/target", ".git", "a//b", ""] {
        let error = paths(&[bad.to_owned()]).unwrap_err();
        assert!(error.message.contains("pit.toml"), "{bad}: {}", error.message);
    }
}
