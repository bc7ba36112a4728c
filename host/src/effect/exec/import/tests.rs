//! Uppers that commands wrote, over overlays as the sandbox mounts them, and uppers that only a hostile hand writes.
#![expect(clippy::disallowed_methods, reason = "tests write what commands would write")]

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::process::Command;

use super::super::checkout::{Limits, Stack};
use super::super::layer::Upper;
use super::super::tests::{Bench, Files, Leaf, changed, files, names, overlay, seen};
use super::*;

/// A run whose workspace has some files.
struct Run {
    bench: Bench,
    stack: Stack,
    layer: Layer,
    tree: Oid,
    /// What its last commit has: what it began with.
    head: Oid,
    warm: Vec<RepoPath>,
    secrets: Secrets,
}

impl Run {
    #[must_use]
    fn new(files: &Files) -> Self {
        let bench = Bench::new();
        let tree = bench.tree(files);
        let stack = bench.checkouts(Limits::default()).of(&bench.repo, tree).unwrap();
        let layer = Layer::open(&bench.dir.path().join("run"), tree, None).unwrap();
        Self { bench, stack, layer, tree, head: tree, warm: Vec::new(), secrets: Secrets::default() }
    }

    /// What a script did, before it is imported.
    fn command(&self, script: &str) -> Upper {
        let upper = self.layer.begin().unwrap();
        overlay(&self.layer.lowers(&self.stack), Some((&upper.upper, &upper.work)), script);
        upper
    }

    fn import(&self, upper: &Upper) -> Imported {
        self.import_for(upper, &|_| true)
    }

    fn import_for(&self, upper: &Upper, may_write: &dyn Fn(&RepoPath) -> bool) -> Imported {
        let take = Take { head: self.head, warm: &self.warm, secrets: &self.secrets, may_write };
        let imported = import(&upper.upper, &self.layer, &self.bench.repo, self.tree, take).unwrap();
        self.layer.end(upper).unwrap();
        imported
    }

    /// The workspace has what was imported.
    fn take(&mut self, imported: &Imported) {
        for bytes in imported.contents.values() {
            self.bench.object(git2::ObjectType::Blob, bytes);
        }
        let mut map = Map::new(self.tree);
        for (path, node) in &imported.changes {
            map.put(&self.bench.repo, path, *node).unwrap().unwrap();
        }
        let built = map.build(&self.bench.repo).unwrap();
        for bytes in built.new.values() {
            self.bench.object(git2::ObjectType::Tree, bytes);
        }
        self.tree = built.root;
        self.layer.follow(&self.bench.repo, self.tree).unwrap();
    }

    /// Runs a script, and has its changes.
    fn run(&mut self, script: &str) -> Imported {
        let imported = self.import(&self.command(script));
        self.take(&imported);
        imported
    }

    fn seen(&self) -> Vec<String> {
        seen(&self.layer.lowers(&self.stack))
    }

    fn expected(&self) -> Vec<String> {
        self.bench.expected(self.tree)
    }
}

fn shown(imported: &Imported) -> Vec<String> {
    let one = |(path, node): &(RepoPath, Node)| match node {
        Node::Gone => format!("- {path}"),
        Node::Symlink { blob } => format!("@ {path} {}", String::from_utf8_lossy(&imported.contents[blob])),
        Node::File { blob, executable } => {
            let mark = if *executable { "*" } else { "+" };
            format!("{mark} {path} {}", String::from_utf8_lossy(&imported.contents[blob]).trim_end())
        }
    };
    imported.changes.iter().map(one).collect()
}

fn start() -> Files {
    files(&[("a/b/x", "1\n"), ("a/y", "2\n"), ("b", "3\n"), ("c/z", "4\n"), ("run.sh", "5\n")])
}

#[test]
fn each_kind_of_change_is_seen_and_nothing_else() {
    let mut run = Run::new(&start());
    let script = "echo new > new; echo 22 > a/y; rm b; chmod +x run.sh; ln -s /etc/passwd link; mkdir -p deep/er empty;
        echo d > deep/er/d; touch c/z; ln a/y hard";
    let imported = run.run(script);
    let expected = ["- b", "+ a/y 22", "+ deep/er/d d", "+ hard 22", "@ link /etc/passwd", "+ new new", "* run.sh 5"];
    assert_eq!(shown(&imported), expected);
    assert_eq!((imported.left_out, imported.more, imported.ignored), (vec![], 0, 0));
    assert_eq!(run.seen(), run.expected());
    assert_eq!(shown(&run.run("cat new")), [""; 0]);
}

#[test]
fn what_takes_another_kinds_place_takes_it_whole() {
    for (script, expected) in [
        ("rm -r a; echo f > a", &["- a/b/x", "- a/y", "+ a f"][..]),
        ("rm b; mkdir b; echo f > b/f", &["- b", "+ b/f f"]),
        ("rm b; mkdir b", &["- b"]),
        ("rm -r a", &["- a/b/x", "- a/y"]),
        ("rm -r a; mkdir a; echo 2 > a/y", &["- a/b/x"]),
        ("rm -r a; mkdir -p a/b; echo n > a/b/n", &["- a/b/x", "- a/y", "+ a/b/n n"]),
        ("cp -r c d; rm -r c", &["- c/z", "+ d/z 4"]),
        ("mv b bb; mv bb b", &[]),
        ("rm -r a; ln -s c a", &["- a/b/x", "- a/y", "@ a c"]),
        ("rm -r ./*", &["- a/b/x", "- a/y", "- b", "- c/z", "- run.sh"]),
    ] {
        let mut run = Run::new(&start());
        assert_eq!(shown(&run.run(script)), expected, "{script}");
        assert_eq!(run.seen(), run.expected(), "{script}");
    }
}

#[test]
fn whatever_a_command_does_the_workspace_has_what_it_saw() {
    let plain = |files: &Files| -> Files {
        let named = files.iter().filter(|(path, leaf)| {
            std::str::from_utf8(path).is_ok_and(|path| !path.contains('\n')) && **leaf != Leaf::Submodule
        });
        named.map(|(path, leaf)| (path.clone(), leaf.clone())).collect()
    };
    let (mut now, mut seed) = (start(), 11);
    let mut run = Run::new(&now);
    for round in 0..30 {
        let next = plain(&changed(&now, &mut seed));
        let mut script = String::new();
        for path in now.keys().filter(|path| next.get(*path) != now.get(*path)) {
            script.push_str(&format!("rm {}; ", String::from_utf8_lossy(path)));
        }
        script.push_str("find . -mindepth 1 -type d -empty -delete; ");
        for (path, leaf) in next.iter().filter(|(path, leaf)| now.get(*path) != Some(*leaf)) {
            let path = String::from_utf8_lossy(path);
            let (text, mode) = match leaf {
                Leaf::Link(target) => {
                    script.push_str(&format!("mkdir -p $(dirname {path}); ln -s {target} {path}; "));
                    continue;
                }
                Leaf::Program(text) => (text, "755"),
                Leaf::File(text) => (text, "644"),
                Leaf::Submodule => unreachable!(),
            };
            script.push_str(&format!(
                "mkdir -p $(dirname {path}); echo {} > {path}; chmod {mode} {path}; ",
                text.trim_end()
            ));
        }
        run.run(&script);
        assert_eq!(run.tree, run.bench.tree(&next), "round {round}: {script}");
        assert_eq!(run.seen(), run.expected());
        now = next;
    }
}

#[test]
fn what_the_run_may_not_write_is_left_out_by_name() {
    let run = Run::new(&start());
    let may = |path: &RepoPath| path.starts_with("c/") || &**path == "new";
    let script = "echo 1 > new; echo 1 > other; rm b; echo 4444 > c/z; rm -r a; echo f > a; touch run.sh";
    let imported = run.import_for(&run.command(script), &may);
    assert_eq!(shown(&imported), ["+ c/z 4444", "+ new 1"]);
    let left: Vec<_> = imported.left_out.iter().map(|(path, why)| (path.as_str(), *why)).collect();
    assert_eq!(left, [("a", Why::NotGranted), ("b", Why::NotGranted), ("other", Why::NotGranted)]);
    // A file that stays keeps what would be below it out, and a folder of which something stays keeps a file out.
    let imported = run.import_for(&run.command("rm b; mkdir b; echo 1 > b/x"), &|path| &**path != "b");
    assert_eq!((shown(&imported).len(), &*imported.left_out), (0, &[("b".to_owned(), Why::NotGranted)][..]));
    let imported = run.import_for(&run.command("rm -r a; echo f > a"), &|path| &**path != "a/b/x");
    assert_eq!((shown(&imported).len(), &*imported.left_out), (0, &[("a".to_owned(), Why::Below)][..]));
    assert_eq!(shown(&run.import(&run.command(script))).len(), 7, "with the grant all of it is taken");
}

#[test]
fn what_is_no_file_of_a_workspace_is_left_out_by_name() {
    let run = Run::new(&start());
    let upper = run.layer.begin().unwrap();
    let at = |name: &str| upper.upper.join(name);
    fs::create_dir_all(at(".git/hooks")).unwrap();
    fs::write(at(".git/hooks/pre-commit"), "evil").unwrap();
    fs::create_dir_all(at("sub/.GIT")).unwrap();
    fs::write(at("sub/.GIT/config"), "evil").unwrap();
    fs::write(at("setuid"), "s\n").unwrap();
    fs::set_permissions(at("setuid"), fs::Permissions::from_mode(0o6755)).unwrap();
    fs::write(at("line\nbreak"), "x").unwrap();
    fs::write(upper.upper.join(std::ffi::OsStr::from_bytes(b"caf\xe9")), "x").unwrap();
    fs::File::create(at("large")).unwrap().set_len(MAX_FILE + 1).unwrap();
    fs::File::create(at("terabyte")).unwrap().set_len(1 << 40).unwrap();
    assert!(Command::new("mkfifo").arg(at("pipe")).status().unwrap().success());
    let _socket = UnixListener::bind(at("socket")).unwrap();
    // Only root can make one, and only a broken sandbox lets it.
    let device = Command::new("mknod").arg(at("zero")).args(["c", "1", "5"]).output().unwrap().status.success();
    fs::write(at("fine"), "fine\n").unwrap();
    let imported = run.import(&upper);
    assert_eq!(shown(&imported), ["+ fine fine", "* setuid s"]);
    let mut left: Vec<_> = imported.left_out.iter().map(|(path, why)| (path.as_str(), *why)).collect();
    left.retain(|(path, _)| *path != "zero");
    assert_eq!(imported.left_out.iter().any(|(path, why)| path == "zero" && *why == Why::Device), device);
    let expected = [
        ("\\x2egit", Why::Git),
        ("caf\\xe9", Why::Name),
        ("large", Why::Large(MAX_FILE + 1)),
        ("line\\x0abreak", Why::Name),
        ("pipe", Why::Pipe),
        ("setuid", Why::Bits),
        ("socket", Why::Socket),
        ("\\x73ub/.GIT", Why::Git),
        ("terabyte", Why::Large(1 << 40)),
    ];
    assert_eq!(left, expected);
}

#[test]
fn links_are_taken_as_they_are_and_never_followed() {
    let run = Run::new(&start());
    let out = tempfile::tempdir().unwrap();
    fs::write(out.path().join("secret"), "secret").unwrap();
    let upper = run.layer.begin().unwrap();
    symlink(out.path(), upper.upper.join("a")).unwrap();
    symlink(out.path().join("secret"), upper.upper.join("b")).unwrap();
    symlink("loop", upper.upper.join("loop")).unwrap();
    let imported = run.import(&upper);
    let target = out.path().display();
    let expected = [
        "- a/b/x".to_owned(),
        "- a/y".into(),
        format!("@ a {target}"),
        format!("@ b {target}/secret"),
        "@ loop loop".into(),
    ];
    assert_eq!(shown(&imported), expected);
    // A layer of ignored files may have a link too: nothing is moved through it.
    symlink(out.path(), run.layer.ignored().join("target")).unwrap();
    assert_eq!(names(out.path()), ["secret"]);
}

#[test]
fn numbers_sizes_and_depth_are_bounded() {
    let mut run = Run::new(&start());
    let few = |run: &Run, bounds: Bounds, script: &str| {
        let upper = run.command(script);
        let take = Take { head: run.head, warm: &[], secrets: &run.secrets, may_write: &|_| true };
        let imported = within(bounds, &upper.upper, &run.layer, &run.bench.repo, run.tree, take).unwrap();
        let left: Vec<_> = imported.left_out.iter().map(|(path, why)| (path.clone(), *why)).collect();
        (imported.changes.len(), left, imported.more)
    };
    let named = |all: &[(&str, Why)]| all.iter().map(|(path, why)| ((*path).to_owned(), *why)).collect::<Vec<_>>();
    let script = "mkdir m; for n in 1 2 3 4; do echo 12345678 > m/$n; done";
    let all = (4, vec![], 0);
    assert_eq!(few(&run, BOUNDS, script), all);
    assert_eq!(few(&run, Bounds { paths: 4, ..BOUNDS }, script), all);
    let paths = named(&[("m/3", Why::Many), ("m/4", Why::Many)]);
    assert_eq!(few(&run, Bounds { paths: 2, ..BOUNDS }, script), (2, paths, 0));
    assert_eq!(few(&run, Bounds { seen: 4, ..BOUNDS }, script), (2, named(&[("\\x6d/", Why::Many)]), 0));
    let total = named(&[("m/3", Why::Total), ("m/4", Why::Total)]);
    assert_eq!(few(&run, Bounds { bytes: 20, ..BOUNDS }, script), (2, total.clone(), 0));
    assert_eq!(few(&run, Bounds { read: 20, ..BOUNDS }, script), (2, total, 0));
    assert_eq!(few(&run, Bounds { paths: 1, ..BOUNDS }, "rm -r a; echo f > a").1, named(&[("a", Why::Below)]));
    let imported = run.run(&format!("seq {} | xargs mkfifo", MAX_NAMED + 3));
    assert_eq!((imported.changes.len(), imported.left_out.len(), imported.more), (0, MAX_NAMED, 3));
}

#[test]
fn folders_in_folders_are_left_out_and_removed_all_the_same() {
    let run = Run::new(&start());
    // Deeper than a path can name and a process can hold open, so it is made from inside.
    let imported = run.import(&run.command("for n in $(seq 2100); do mkdir d; cd -P d; done; echo x > f"));
    assert_eq!(imported.changes.len(), 0);
    assert_eq!(imported.left_out.iter().map(|(_, why)| *why).collect::<Vec<_>>(), [Why::Deep]);
    Layer::tidy(run.layer.place()).unwrap();
    assert_eq!(names(&run.layer.place().join("gone")), [""; 0]);
}

#[test]
fn what_nobody_may_read_is_read_by_its_owner() {
    let mut run = Run::new(&start());
    let imported = run.run("echo s > secret; chmod 0 secret; mkdir shut; echo i > shut/in; chmod 0 shut");
    assert_eq!(shown(&imported), ["+ secret s", "+ shut/in i"]);
}

fn ignoring() -> Files {
    let mut all = start();
    all.extend(files(&[
        (".gitignore", "target/\n*.o\n!keep.o\n"),
        ("target/tracked", "t\n"),
        ("a/.gitignore", "/out\n"),
    ]));
    all
}

#[test]
fn what_git_ignores_is_no_change_and_is_there_the_next_time() {
    let mut run = Run::new(&ignoring());
    let imported = run
        .run("echo o > x.o; echo k > keep.o; mkdir -p target/debug a/out; echo d > target/debug/d; echo a > a/out/a");
    assert_eq!(shown(&imported), ["+ keep.o k"]);
    assert_eq!((imported.left_out.len(), imported.ignored), (0, 3));
    let all = run.seen();
    for there in ["x.o f 644 o", "target/debug/d f 644 d", "a/out/a f 644 a", "target/tracked f 644 t"] {
        assert!(all.contains(&there.to_owned()), "{there}: {all:?}");
    }
    // Changed, removed, merged, and replaced by another kind.
    run.run("echo oo > x.o; echo e > target/debug/e; rm a/out/a; echo tt > target/tracked");
    let all = run.seen();
    for there in ["x.o f 644 oo", "target/debug/d f 644 d", "target/debug/e f 644 e", "target/tracked f 644 tt"] {
        assert!(all.contains(&there.to_owned()), "{there}: {all:?}");
    }
    assert!(!all.iter().any(|line| line.starts_with("a/out/a ")), "{all:?}");
    let imported = run.run("rm -r target; mkdir target; echo n > target/n; rm x.o");
    assert_eq!(shown(&imported), ["- target/tracked"]);
    let all = run.seen();
    assert!(all.contains(&"target/n f 644 n".to_owned()), "{all:?}");
    assert!(!all.iter().any(|line| line.contains("debug") || line.starts_with("x.o")), "{all:?}");
    run.run("rm -r target; echo f > x.o");
    run.run("rm x.o; mkdir x.o; echo in > x.o/in");
    let all = run.seen();
    assert!(
        all.contains(&"x.o/in f 644 in".to_owned()) && !all.iter().any(|line| line.starts_with("target")),
        "{all:?}"
    );
}

#[test]
fn only_the_trees_own_rules_count() {
    let mut run = Run::new(&ignoring());
    let imported = run.run("echo '*' > .gitignore; mkdir new; echo '*' > new/.gitignore; echo f > new/f; echo o > x.o");
    assert_eq!(shown(&imported), ["+ .gitignore *"], "and those of a folder that no tree has");
    assert_eq!(imported.ignored, 3);
    assert_eq!(shown(&run.run("echo g > new/g; echo h > h")), [""; 0], "from the next command on they do");
}

#[test]
fn ignored_files_are_never_moved_through_a_link() {
    let run = Run::new(&ignoring());
    let out = tempfile::tempdir().unwrap();
    symlink(out.path(), run.layer.ignored().join("a")).unwrap();
    let upper = run.layer.begin().unwrap();
    fs::create_dir_all(upper.upper.join("a/out")).unwrap();
    fs::write(upper.upper.join("a/out/f"), "x").unwrap();
    run.import(&upper);
    assert_eq!(names(out.path()), [""; 0]);
    let moved: PathBuf = run.layer.ignored().join("a/out/f");
    assert_eq!(fs::read_to_string(moved).unwrap(), "x");
}

#[test]
fn a_file_with_a_value_that_agents_do_not_see_is_left_out() {
    let mut run = Run::new(&files(&[("had", "a tok-123456\n"), ("has-not", "b\n")]));
    let script = "echo more >> had; echo tok-123456 >> has-not; echo tok-123456 > new; echo fine > fine";
    assert_eq!(shown(&run.import(&run.command(script))).len(), 4, "without values all of it is taken");
    run.secrets = Secrets::of_files([&b"TOKEN=tok-123456"[..]]).unwrap();
    let imported = run.import(&run.command(script));
    let left: Vec<_> = imported.left_out.iter().map(|(path, why)| (path.as_str(), *why)).collect();
    assert_eq!(left, [("has-not", Why::Secret), ("new", Why::Secret)]);
    assert_eq!(shown(&imported).len(), 2, "what the repository has itself tells nothing: {:?}", shown(&imported));
}

#[test]
fn a_name_with_such_a_value_is_left_out_and_not_told() {
    let mut run = Run::new(&files(&[("a", "a\n")]));
    run.secrets = Secrets::of_files([&b"TOKEN=tok-123456"[..]]).unwrap();
    let imported = run.import(&run.command("touch n-tok-123456; mkdir -p d-tok-123456/e; echo x > d-tok-123456/e/f"));
    assert!(shown(&imported).is_empty(), "{:?}", shown(&imported));
    let left: Vec<_> = imported.left_out.iter().map(|(path, why)| (path.as_str(), *why)).collect();
    assert_eq!(left, [("d-[redacted]", Why::Secret), ("n-[redacted]", Why::Secret)]);
}

#[test]
fn a_new_folder_may_say_itself_what_of_it_is_ignored() {
    let mut run = Run::new(&files(&[("kept/x", "x\n")]));
    let cache = "mkdir -p .cache/v; echo '*' > .cache/.gitignore; echo 1 > .cache/v/last";
    assert!(shown(&run.run(cache)).is_empty());
    // The next command writes there again, and the file that says so is below it.
    assert!(shown(&run.run("cat .cache/.gitignore; echo 2 > .cache/v/last; echo 3 > .cache/new")).is_empty());
    // The control: in a folder of the repository a command's own file counts only once it is part of the workspace.
    let told = shown(&run.import(&run.command("echo '*' > kept/.gitignore; echo y > kept/y")));
    assert_eq!(told, ["+ kept/.gitignore *", "+ kept/y y"]);
}

#[test]
fn what_git_has_is_not_ignored_though_an_earlier_command_removed_it() {
    let mut all = ignoring();
    all.insert(b"target/kept.js".to_vec(), Leaf::File("1\n".into()));
    all.insert(b"target/deep/too".to_vec(), Leaf::File("1\n".into()));
    let mut run = Run::new(&all);
    assert_eq!(shown(&run.run("rm -r target")), ["- target/deep/too", "- target/kept.js", "- target/tracked"]);
    let again = "mkdir -p target/deep; echo 2 > target/kept.js; echo 1 > target/deep/too; echo o > target/out";
    assert_eq!(shown(&run.run(again)), ["+ target/deep/too 1", "+ target/kept.js 2"], "as git itself would say");
    assert_eq!(run.run("cat target/out target/kept.js > seen").ignored, 0);
    assert!(run.seen().contains(&"target/out f 644 o".to_owned()), "{:?}", run.seen());
}

#[test]
fn what_is_new_in_a_warm_folder_that_git_does_not_ignore_is_told() {
    let mut run = Run::new(&ignoring());
    run.warm = vec![RepoPath::new("dist").unwrap(), RepoPath::new("target").unwrap()];
    let imported = run.run("mkdir -p dist target; echo x > dist/x; echo x > target/x");
    assert_eq!((imported.changes.len(), imported.left_out), (0, vec![("dist".to_owned(), Why::Warm)]));
    assert!(run.seen().iter().any(|line| line.starts_with("dist/x ")), "the next command has it");
    // Also beside what git has there.
    run.warm = vec![RepoPath::new("c").unwrap()];
    let imported = run.run("mkdir c/gen; echo x > c/gen/x; echo y > c/y; echo 5 > c/z");
    let told = ["c/gen", "c/y"].map(|path| (path.to_owned(), Why::Warm)).to_vec();
    assert_eq!((shown(&imported), imported.left_out), (vec!["+ c/z 5".to_owned()], told));
}
