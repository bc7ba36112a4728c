//! Workspaces over repositories that git made: what agents do, what hostile ones try, and the same again from a journal.
#![expect(clippy::disallowed_methods, reason = "tests make repositories and ask git itself")]

use orchestra_pit_core::call::workspace::{Call, Entry, Expect, Kind, Query, Value as Answered};
use orchestra_pit_core::call::{Call as Any, ErrorKind};
use orchestra_pit_core::edit::Edit;
use orchestra_pit_core::id::Hash;
use orchestra_pit_core::pattern::{PathSet, Pattern};

use super::super::store::tests::Git;
use super::*;

pub(crate) fn run_id(n: u8) -> RunId {
    RunId([n; 16])
}

pub(crate) fn site(n: u8) -> Site {
    Site {
        run: run_id(n),
        tree: run_id(1),
        parent: None,
        agent: Hash::NONE,
        agent_name: "coder@1.0.0".into(),
        branch: branch(n),
        model: None,
    }
}

pub(crate) fn branch(n: u8) -> String {
    if n == 1 { "refs/heads/pit/01-work".into() } else { format!("refs/pit/tasks/{n}") }
}

/// Workspaces over a repository, and run 1's opened at its HEAD.
pub(crate) struct Desk {
    pub(crate) git: Git,
    pub(crate) all: Workspaces,
}

impl Desk {
    #[must_use]
    pub(crate) fn new(files: &[(&str, &[u8])]) -> Self {
        Self::over(Git::new(files))
    }

    #[must_use]
    pub(crate) fn over(git: Git) -> Self {
        let all = Workspaces::new(Arc::new(git.open()));
        all.open(run_id(1), git.oid("HEAD"), &branch(1)).unwrap();
        Self { git, all }
    }

    pub(crate) fn ask(&self, call: Call) -> Answer {
        self.all.call(&site(1), &call, &Scope::all())
    }

    pub(crate) fn write(&self, path: &str, bytes: &[u8]) -> Answer {
        self.ask(write(path, bytes))
    }

    pub(crate) fn text(&self, path: &str) -> Option<String> {
        match self.ask(Call::Read { path: at(path), lines: None }) {
            Ok(Value::Workspace(Answered::Content(content))) => {
                Some(String::from_utf8_lossy(&content.bytes.bytes.unwrap()).into_owned())
            }
            _ => None,
        }
    }

    pub(crate) fn list(&self, glob: &str, scope: &Scope) -> Vec<String> {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let call = Call::List { glob: glob.into(), after, limit: 2 };
            match self.all.call(&site(1), &call, scope).unwrap() {
                Value::Workspace(Answered::Listing { entries, next }) => {
                    assert!(entries.len() <= 2);
                    all.extend(entries.into_iter().map(|entry| entry.path));
                    after = next;
                }
                other => panic!("{other:?}"),
            }
            if after.is_none() {
                return all;
            }
        }
    }
}

pub(crate) fn at(path: &str) -> RepoPath {
    RepoPath::new(path).unwrap()
}

pub(crate) fn write(path: &str, bytes: &[u8]) -> Call {
    Call::Write { path: at(path), bytes: bytes.to_vec().into(), expect: None, executable: None }
}

pub(crate) fn kind(answer: Answer) -> ErrorKind {
    answer.unwrap_err().kind
}

fn but(pattern: &str) -> Scope {
    let read = Arc::new(PathSet { but: vec![Pattern::new(pattern).unwrap()].into(), ..PathSet::all() });
    Scope { read, ..Scope::all() }
}

fn query(pattern: &str) -> Query {
    Query { pattern: pattern.into(), literal: false, ignore_case: false, paths: Vec::new(), limit: 0 }
}

fn found(answer: Answer) -> (Vec<(String, u32, String)>, bool, u32) {
    match answer.unwrap() {
        Value::Workspace(Answered::Matches { matches, cut, skipped }) => {
            (matches.into_iter().map(|m| (m.path, m.line, m.text)).collect(), cut, skipped)
        }
        other => panic!("{other:?}"),
    }
}

/// Refuses: workspace.stat not-found
#[test]
fn files_are_read_written_and_listed() {
    let desk = Desk::new(&[("README.md", b"one\ntwo\nthree\n"), ("src/main.rs", b"fn main() {}\n")]);
    assert_eq!(desk.text("src/main.rs").as_deref(), Some("fn main() {}\n"));
    desk.write("src/new/x.rs", b"// new\n").unwrap();
    desk.write("README.md", b"one\n2\nthree\n").unwrap();
    assert_eq!(desk.text("README.md").as_deref(), Some("one\n2\nthree\n"));
    assert_eq!(desk.list("**", &Scope::all()), ["README.md", "src/main.rs", "src/new/x.rs"]);
    assert_eq!(desk.list("*", &Scope::all()), ["README.md", "src"]);
    assert_eq!(desk.list("src/*", &Scope::all()), ["src/main.rs", "src/new"]);
    assert_eq!(desk.list("**/*.rs", &Scope::all()), ["src/main.rs", "src/new/x.rs"]);
    let changes = desk.ask(Call::Changes).unwrap();
    let Value::Workspace(Answered::Changes(changes)) = changes else { panic!() };
    let changes: Vec<_> = changes.iter().map(|c| (c.path.as_str(), c.added, c.removed)).collect();
    assert_eq!(changes, [("README.md", 1, 1), ("src/new/x.rs", 1, 0)]);
    desk.ask(Call::Remove { path: at("README.md") }).unwrap();
    assert_eq!(kind(desk.ask(Call::Stat { path: at("README.md") })), ErrorKind::NotFound);
    desk.ask(Call::Rename { from: at("src/main.rs"), to: at("src/new/main.rs") }).unwrap();
    assert_eq!(desk.list("**", &Scope::all()), ["src/new/main.rs", "src/new/x.rs"]);
    assert_eq!(desk.git.run(&["status", "--porcelain"]), "", "the user's work tree is untouched");
}

/// Refuses: any invalid
#[test]
fn lines_are_read_by_number() {
    let desk = Desk::new(&[("a", b"1\r\n2\n3"), ("bin", b"\0\n")]);
    let read = |path: &str, lines| match desk.ask(Call::Read { path: at(path), lines }) {
        Ok(Value::Workspace(Answered::Content(c))) => (c.bytes.bytes.unwrap().to_vec(), c.lines, c.size, c.cut),
        other => panic!("{other:?}"),
    };
    assert_eq!(read("a", Some((2, 2))), (b"2\n".to_vec(), 3, 6, false));
    assert_eq!(read("a", Some((1, 2))), (b"1\r\n2\n".to_vec(), 3, 6, false));
    assert_eq!(read("a", Some((3, 0))), (b"3".to_vec(), 3, 6, false));
    assert_eq!(read("a", Some((9, 12))), (Vec::new(), 3, 6, false));
    assert_eq!(read("bin", None), (b"\0\n".to_vec(), 0, 2, false));
    assert_eq!(kind(desk.ask(Call::Read { path: at("a"), lines: Some((3, 2)) })), ErrorKind::Invalid);
}

/// Refuses: workspace.edit conflict, any denied
#[test]
fn edits_go_through_the_engine_and_are_all_or_nothing() {
    let desk = Desk::new(&[("a", b"x = 1\r\n"), ("b", b"y\n"), ("link", b"")]);
    let replace = |path: &str, old: &str, new: &str| Edit::Replace {
        path: path.into(),
        old: old.into(),
        new: new.into(),
        all: false,
    };
    let edits = vec![replace("a", "x = 1", "x = 2"), Edit::Create { path: "c/d".into(), text: "new\n".into() }];
    let Value::Workspace(Answered::Edited(edited)) = desk.ask(Call::Edit { edits }).unwrap() else { panic!() };
    assert_eq!(edited.iter().map(|e| e.path.as_str()).collect::<Vec<_>>(), ["a", "c/d"]);
    assert_eq!(desk.text("a").as_deref(), Some("x = 2\r\n"), "line ends are kept");
    let before = desk.all.tree_id(run_id(1)).unwrap();
    let edits = vec![replace("b", "y", "z"), replace("a", "not there", "x")];
    assert_eq!(kind(desk.ask(Call::Edit { edits })), ErrorKind::Conflict);
    let edits = vec![replace("b", "y", "z"), Edit::Create { path: "a/below".into(), text: "x\n".into() }];
    assert_eq!(kind(desk.ask(Call::Edit { edits })), ErrorKind::Conflict);
    assert_eq!(desk.all.tree_id(run_id(1)).unwrap(), before);
    let edits = vec![replace(".git/config", "a", "b")];
    assert_eq!(kind(desk.ask(Call::Edit { edits: edits.clone() })), ErrorKind::Denied);
    let facts = desk.all.facts(&site(1), &Any::Workspace(Call::Edit { edits: vec![replace("q", "a", "b")] })).unwrap();
    assert_eq!(facts.writes, [at("q")]);
    assert!(desk.all.facts(&site(1), &Any::Workspace(Call::Edit { edits })).is_err());
}

/// Refuses: workspace.edit not-found, workspace.edit unsupported, workspace.edit too-large
#[test]
fn an_edit_is_of_a_text_that_is_there() {
    let large = vec![b'x'; MAX_FILE as usize + 1];
    let desk = Desk::new(&[("a", b"x\n"), ("bin", b"x\0\n"), ("large", &large)]);
    let edit = |path: &str| {
        let edits = vec![Edit::Replace { path: path.into(), old: "x".into(), new: "y".into(), all: true }];
        desk.ask(Call::Edit { edits })
    };
    assert_eq!(kind(edit("none")), ErrorKind::NotFound);
    assert_eq!(kind(edit("bin")), ErrorKind::Unsupported);
    assert_eq!(kind(edit("large")), ErrorKind::TooLarge);
    let grown = Edit::Replace { path: "a".into(), old: "x".into(), new: "y".repeat(MAX_FILE as usize), all: false };
    assert_eq!(kind(desk.ask(Call::Edit { edits: vec![grown] })), ErrorKind::TooLarge);
    edit("a").unwrap();
    assert_eq!(desk.text("a").as_deref(), Some("y\n"));
}

/// Refuses: workspace.rename not-found, workspace.rename conflict, workspace.remove not-found
#[test]
fn only_what_is_there_is_moved_or_removed() {
    let desk = Desk::new(&[("a", b"1"), ("b", b"2")]);
    let rename = |from: &str, to: &str| desk.ask(Call::Rename { from: at(from), to: at(to) });
    assert_eq!(kind(rename("none", "c")), ErrorKind::NotFound);
    for to in ["b", "a", "a/below/b/too"] {
        let refused = rename("b", to);
        assert_eq!(kind(refused), ErrorKind::Conflict, "{to}");
    }
    assert_eq!(kind(desk.ask(Call::Remove { path: at("none") })), ErrorKind::NotFound);
    assert_eq!(desk.list("**", &Scope::all()), ["a", "b"], "nothing was changed");
    rename("b", "c").unwrap();
    desk.ask(Call::Remove { path: at("a") }).unwrap();
    assert_eq!(desk.list("**", &Scope::all()), ["c"]);
}

/// Refuses: workspace.write conflict
#[test]
fn a_write_can_expect_what_it_replaces() {
    let desk = Desk::new(&[("a", b"1")]);
    let write = |path: &str, expect| {
        desk.ask(Call::Write { path: at(path), bytes: b"2".to_vec().into(), expect: Some(expect), executable: None })
    };
    let (old, new) = (super::super::store::blob_id(b"1"), super::super::store::blob_id(b"2"));
    assert_eq!(kind(write("a", Expect::Absent)), ErrorKind::Conflict);
    assert_eq!(kind(write("a", Expect::Blob(new))), ErrorKind::Conflict);
    assert_eq!(kind(write("b", Expect::Blob(new))), ErrorKind::Conflict);
    assert_eq!(write("a", Expect::Blob(old)).unwrap(), Value::Workspace(Answered::Written(new)));
    write("b", Expect::Absent).unwrap();
}

/// Refuses: workspace.restore not-found
#[test]
fn snapshots_are_gone_back_to_even_over_commits() {
    let desk = Desk::new(&[("a", b"1"), ("d/b", b"2")]);
    desk.write("a", b"changed").unwrap();
    assert_eq!(
        desk.ask(Call::Snapshot { label: "x".into() }).unwrap(),
        Value::Workspace(Answered::Snapshot("s1".into()))
    );
    let then = desk.all.tree_id(run_id(1)).unwrap();
    desk.ask(Call::Remove { path: at("d/b") }).unwrap();
    desk.write("d", b"a file now").unwrap();
    let call = vcs::Call::Commit { message: "x".into() };
    desk.all.vcs(&site(1), &call, orchestra_pit_core::time::Time(7_000_000), &Scope::all()).unwrap();
    desk.ask(Call::Restore { snapshot: "s1".into() }).unwrap();
    assert_eq!(desk.all.tree_id(run_id(1)).unwrap(), then);
    assert_eq!(desk.text("d/b").as_deref(), Some("2"));
    assert!(desk.all.is_changed(run_id(1)).unwrap(), "it differs from the last commit");
    for bad in ["s0", "s2", "s01", "", "x", "s18446744073709551616"] {
        assert_eq!(kind(desk.ask(Call::Restore { snapshot: bad.into() })), ErrorKind::NotFound, "{bad}");
    }
}

/// Refuses: workspace.read unsupported, workspace.read not-found
#[test]
fn links_submodules_and_odd_names_are_listed_and_nothing_more() {
    let git = Git::new(&[("target", b"secret"), ("d/x", b"1")]);
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt as _;
        std::os::unix::fs::symlink("/etc/passwd", git.dir.path().join("out")).unwrap();
        std::os::unix::fs::symlink("loop", git.dir.path().join("loop")).unwrap();
        std::fs::write(git.dir.path().join(std::ffi::OsStr::from_bytes(b"caf\xe9")), "odd").unwrap();
    }
    git.run(&["update-index", "--add", "--cacheinfo", "160000,1111111111111111111111111111111111111111,sub"]);
    git.run(&["add", "out", "loop", "d", "target", "."]);
    git.run(&["update-index", "--add", "--cacheinfo", "160000,1111111111111111111111111111111111111111,sub"]);
    git.run(&["commit", "-qm", "odd"]);
    let desk = Desk::over(git);
    assert_eq!(desk.list("**", &Scope::all()), ["caf\\xe9", "d/x", "loop", "out", "sub", "target"]);
    let stat = |path: &str| match desk.ask(Call::Stat { path: at(path) }) {
        Ok(Value::Workspace(Answered::Entry(Entry { kind, .. }))) => kind,
        other => panic!("{other:?}"),
    };
    assert_eq!((stat("out"), stat("sub"), stat("d")), (Kind::Symlink, Kind::Submodule, Kind::Directory));
    for path in ["out", "loop", "sub", "d"] {
        assert_eq!(kind(desk.ask(Call::Read { path: at(path), lines: None })), ErrorKind::Unsupported, "{path}");
    }
    for path in ["out/x", "loop/x", "sub/x", "out", "sub", "d"] {
        assert_eq!(kind(desk.write(path, b"x")), ErrorKind::Conflict, "{path}");
    }
    assert_eq!(kind(desk.ask(Call::Read { path: at("out/passwd"), lines: None })), ErrorKind::NotFound);
    assert_eq!(found(desk.ask(Call::Search(query("root")))).0, [], "no link was followed");
    // The positive control: the link itself can be moved and removed, an ordinary file read.
    desk.ask(Call::Rename { from: at("out"), to: at("in") }).unwrap();
    desk.ask(Call::Remove { path: at("loop") }).unwrap();
    assert_eq!(desk.text("target").as_deref(), Some("secret"));
    desk.all
        .vcs(&site(1), &vcs::Call::Commit { message: "x".into() }, orchestra_pit_core::time::Time(1), &Scope::all())
        .unwrap();
    let names = desk.git.run(&["ls-tree", "-r", "--name-only", "refs/heads/pit/01-work"]);
    assert_eq!(names, "\"caf\\351\"\nd/x\nin\nsub\ntarget\n");
    desk.git.fsck();
}

#[test]
fn what_may_not_be_read_is_not_shown() {
    let desk =
        Desk::new(&[("a", b"word\n"), ("secrets/key", b"word\n"), ("deep/secrets/x", b"word\n"), (".env", b"word\n")]);
    let narrow = but("{secrets/**,.env}");
    assert_eq!(desk.list("**", &narrow), ["a", "deep/secrets/x"]);
    assert_eq!(desk.list("*", &narrow), ["a", "deep"], "not even the folder's name");
    let paths = |answer| found(answer).0.into_iter().map(|(path, ..)| path).collect::<Vec<_>>();
    assert_eq!(paths(desk.all.call(&site(1), &Call::Search(query("word")), &narrow)), ["a", "deep/secrets/x"]);
    desk.write("secrets/key", b"other\n").unwrap();
    let changes = |scope: &Scope| match desk.all.call(&site(1), &Call::Changes, scope).unwrap() {
        Value::Workspace(Answered::Changes(changes)) => changes.len(),
        other => panic!("{other:?}"),
    };
    assert_eq!((changes(&narrow), changes(&Scope::all())), (0, 1));
    assert_eq!(desk.list("**", &Scope::default()), Vec::<String>::new(), "an empty list means deny");
}

#[test]
fn a_search_finds_the_same_in_what_an_earlier_one_has_left() {
    let files: Vec<(String, Vec<u8>)> =
        (0..2_100).map(|n| (format!("f{n}"), format!("{n}\nneedle {n}").into())).collect();
    let named: Vec<(&str, &[u8])> = files.iter().map(|(name, text)| (name.as_str(), text.as_slice())).collect();
    let git = Git::new(&named);
    git.put(&[("bin", b"\0needle"), ("large", &vec![b'x'; 300 << 10])]);
    git.commit("more");
    let desk = Desk::over(git);
    let ask = |desk: &Desk| found(desk.ask(Call::Search(query("needle 1?[07]+$"))));
    let first = ask(&desk);
    assert!(first.0.len() > 10 && first.2 == 1, "{first:?}");
    let left = desk.git.dir.path().join(".git/pit/texts");
    assert_eq!(std::fs::read_dir(&left).unwrap().count(), 1);
    assert_eq!(ask(&desk), first);
    // Another process, and one for whom a file is another.
    let again = Desk::over(desk.git);
    assert_eq!(ask(&again), first);
    again.write("f7", b"needle 7\n").unwrap();
    let changed = ask(&again);
    assert_ne!(changed, first);
    std::fs::remove_dir_all(left).unwrap();
    let without = Desk::over(again.git);
    without.write("f7", b"needle 7\n").unwrap();
    assert_eq!(ask(&without), changed, "and without it the same");
}

#[test]
fn a_search_finds_what_grep_finds() {
    let files: Vec<(String, Vec<u8>)> = (0..300)
        .map(|n| (format!("d{}/f{n}.txt", n % 7), format!("one {n}\nneedle{}\r\n\nlast {n}", n % 10).into_bytes()))
        .collect();
    let files: Vec<(&str, &[u8])> = files.iter().map(|(path, bytes)| (path.as_str(), &bytes[..])).collect();
    let git = Git::new(&files);
    git.put(&[("bin", b"\0needle1"), ("caf\u{e9}", "n\u{e9}edle1".as_bytes())]);
    git.commit("more");
    let desk = Desk::over(git);
    let (matches, cut, skipped) = found(desk.ask(Call::Search(query("needle[15]"))));
    let expected = desk.git.run(&["grep", "-n", "-I", "-E", "needle[15]", "HEAD"]).replace('\r', "");
    let shown: String = matches.iter().map(|(path, line, text)| format!("HEAD:{path}:{line}:{text}\n")).collect();
    assert_eq!((shown, cut, skipped), (expected, false, 1));
    let some = Query { limit: 5, ..query("needle1") };
    let (few, cut, _) = found(desk.ask(Call::Search(some)));
    assert_eq!((few.len(), cut), (5, true));
    assert_eq!(few[..], found(desk.ask(Call::Search(query("needle1")))).0[..5]);
    let narrow = Query { paths: vec!["d3/*".into()], literal: true, ..query("needle1") };
    assert!(found(desk.ask(Call::Search(narrow))).0.iter().all(|(path, ..)| path.starts_with("d3/")));
    let shouted = Query { ignore_case: true, ..query("NEEDLE1") };
    assert_eq!(found(desk.ask(Call::Search(shouted))).0.len(), 30);
}

/// Refuses: workspace.write too-large
#[test]
fn limits_are_answers() {
    let desk = Desk::new(&[("a", b"1")]);
    let large = vec![b'x'; MAX_FILE as usize + 1];
    assert_eq!(kind(desk.write("large", &large)), ErrorKind::TooLarge);
    for n in 0..32_u8 {
        let mut bytes = vec![b'x'; MAX_FILE as usize];
        bytes[0] = n;
        desk.write(&format!("f{n}"), &bytes).unwrap();
    }
    assert_eq!(kind(desk.write("one-more", b"x")), ErrorKind::TooLarge);
    assert_eq!(desk.text("f0").map(|text| text.len()), Some(MAX_READ as usize), "stowed contents are read again");
    desk.write("f0", b"small").unwrap();
    desk.write("one-more", b"x").unwrap();
    let deep = vec!["d"; 300].join("/");
    assert_eq!(kind(desk.write(&deep, b"x")), ErrorKind::TooLarge);
}

/// Refuses: workspace.write conflict, workspace.edit conflict, workspace.rename conflict, workspace.remove conflict
#[test]
fn a_sibling_keeps_off_what_is_leased() {
    let desk = Desk::new(&[("a", b"1"), ("b", b"1")]);
    desk.all.open(run_id(2), desk.git.oid("HEAD"), &branch(2)).unwrap();
    desk.all.lease(run_id(1), run_id(2), &[at("a"), at("new")]).unwrap();
    let refused = desk.write("a", b"2").unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Conflict);
    assert!(refused.message.contains(&run_id(2).short()), "it names the sibling: {refused}");
    for call in [
        Call::Remove { path: at("a") },
        Call::Rename { from: at("a"), to: at("c") },
        Call::Rename { from: at("b"), to: at("new/x") },
        Call::Edit { edits: vec![Edit::Create { path: "new".into(), text: "x\n".into() }] },
    ] {
        assert_eq!(kind(desk.ask(call)), ErrorKind::Conflict);
    }
    assert_eq!(desk.text("a").as_deref(), Some("1"), "reading is free");
    desk.all.call(&site(2), &write("a", b"3"), &Scope::all()).unwrap();
    desk.all.close(run_id(2));
    desk.write("a", b"2").unwrap();
}

#[test]
fn another_runs_files_cannot_be_reached() {
    let desk = Desk::new(&[("a", b"1")]);
    desk.all.open(run_id(2), desk.git.oid("HEAD"), &branch(2)).unwrap();
    desk.all.call(&site(2), &write("theirs", b"x"), &Scope::all()).unwrap();
    assert_eq!(kind(desk.ask(Call::Stat { path: at("theirs") })), ErrorKind::NotFound);
    assert_eq!(desk.list("**", &Scope::all()), ["a"]);
    for branch in
        ["refs/heads/main", "refs/heads/pit", "refs/tags/x", "refs/pit/base/x", "refs/heads/pit/../main", "main"]
    {
        assert!(desk.all.open(run_id(3), desk.git.oid("HEAD"), branch).is_err(), "{branch}");
    }
}

#[test]
fn the_journal_makes_the_same_workspace_again() {
    let desk = Desk::new(&[("a", b"1\n"), ("d/b", b"2\n")]);
    let calls = vec![
        Any::Workspace(write("new/x", b"hello\n")),
        Any::Workspace(Call::Edit { edits: vec![Edit::Insert { path: "a".into(), after: 0, text: "zero\n".into() }] }),
        Any::Workspace(Call::Snapshot { label: String::new() }),
        Any::Workspace(Call::Remove { path: at("d/b") }),
        Any::Workspace(Call::Remove { path: at("nothing") }),
        Any::Vcs(vcs::Call::Commit { message: "first".into() }),
        Any::Workspace(Call::Restore { snapshot: "s1".into() }),
        Any::Workspace(Call::Rename { from: at("a"), to: at("c") }),
        Any::Workspace(Call::Read { path: at("new/x"), lines: None }),
    ];
    let time = orchestra_pit_core::time::Time(5_000_000);
    let answers: Vec<Answer> = calls
        .iter()
        .map(|call| match call {
            Any::Workspace(call) => desk.all.call(&site(1), call, &Scope::all()),
            Any::Vcs(call) => desk.all.vcs(&site(1), call, time, &Scope::all()),
            _ => unreachable!(),
        })
        .collect();
    let (tree, head) = (desk.all.tree_id(run_id(1)).unwrap(), desk.all.head(run_id(1)).unwrap());

    let again = Workspaces::new(Arc::new(desk.git.open()));
    again.open(run_id(1), desk.git.oid("HEAD"), &branch(1)).unwrap();
    for (call, answer) in calls.iter().zip(&answers) {
        again.redo(&site(1), call, answer).unwrap();
    }
    assert_eq!((again.tree_id(run_id(1)).unwrap(), again.head(run_id(1)).unwrap()), (tree, head));
    // A read is recorded without its bytes, and filled in.
    let recorded = serde_json::to_string(answers.last().unwrap().as_ref().unwrap()).unwrap();
    assert!(!recorded.contains("hello"));
    let mut recalled: Value = serde_json::from_str(&recorded).unwrap();
    again.fill(&site(1), &mut recalled).unwrap();
    assert_eq!(&recalled, answers.last().unwrap().as_ref().unwrap());

    // A record that does not fit is found out.
    let other = Workspaces::new(Arc::new(desk.git.open()));
    other.open(run_id(1), desk.git.oid("HEAD"), &branch(1)).unwrap();
    let wrong = Any::Workspace(write("new/x", b"another\n"));
    assert_eq!(other.redo(&site(1), &wrong, &answers[0]).unwrap_err().kind, ErrorKind::Interrupted);
    let commit = &calls[5];
    assert!(other.redo(&site(1), commit, &answers[5]).is_err(), "the tree is not the commit's");
}

#[test]
fn a_hundred_megabytes_and_other_peoples_pointers_are_only_bytes() {
    let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n";
    let large = vec![b'x'; 100 << 20];
    let git = Git::new(&[("large", &large), ("lfs.bin", pointer), ("a.txt", b"\xef\xbb\xbfa\r\nb\n")]);
    git.put(&[(".gitattributes", b"*.bin filter=lfs\n*.txt text eol=lf\n")]);
    // Not all files: what has the second of the index's own time is added anew, and by these attributes changed.
    git.run(&["add", ".gitattributes"]);
    git.run(&["commit", "-q", "-m", "attributes"]);
    let desk = Desk::over(git);
    let Value::Workspace(Answered::Content(content)) = desk.ask(Call::Read { path: at("large"), lines: None }).unwrap()
    else {
        panic!()
    };
    assert_eq!((content.size, content.cut, content.bytes.to), (100 << 20, true, MAX_READ));
    assert_eq!(desk.text("lfs.bin").unwrap().as_bytes(), pointer);
    assert_eq!(desk.text("a.txt").as_deref(), Some("\u{feff}a\r\nb\n"), "no conversion");
    assert_eq!(found(desk.ask(Call::Search(query("xxx")))).2, 1, "too large to be searched");
}

#[test]
fn a_base_is_kept_when_nothing_of_the_persons_points_to_it() {
    let git = Git::new(&[("a", b"1")]);
    git.put(&[("a", b"2")]);
    let base = git.commit("soon forgotten");
    let all = Workspaces::new(Arc::new(git.open()));
    all.open(run_id(1), base, &branch(1)).unwrap();
    git.run(&["reset", "-q", "--hard", "HEAD~1"]);
    git.run(&["reflog", "expire", "--expire=now", "--all"]);
    git.run(&["gc", "-q", "--prune=now"]);
    let all = Workspaces::new(Arc::new(git.open()));
    all.open(run_id(1), base, &branch(1)).unwrap();
    let desk = Desk { git, all };
    assert_eq!(desk.text("a").as_deref(), Some("2"));
}
