//! Commits, diffs and merges held against git's own.
#![expect(clippy::disallowed_methods, reason = "tests make repositories and ask git itself")]

use orchestra_pit_core::call::vcs::{Conflict, DiffOptions, Integration, Point};
use orchestra_pit_core::call::workspace;
use orchestra_pit_core::call::{Call as Any, ErrorKind};
use orchestra_pit_core::id::RunId;

use super::super::store::tests::{Git, collecting};
use super::super::workspace::tests::{Desk, at, branch, kind, run_id, site, write};
use super::*;

const NOW: Time = Time(1_800_000_000_123_456);

fn vcs(desk: &Desk, n: u8, call: &Call) -> Answer {
    desk.all.vcs(&site(n), call, NOW, &Scope::all())
}

fn commit(desk: &Desk, n: u8, message: &str) -> Commit {
    match vcs(desk, n, &Call::Commit { message: message.into() }).unwrap() {
        call::Value::Vcs(Value::Commit(commit)) => commit,
        other => panic!("{other:?}"),
    }
}

fn integrate(desk: &Desk, child: u8) -> Integration {
    match vcs(desk, 1, &Call::Integrate { child: run_id(child), message: "take it".into() }).unwrap() {
        call::Value::Vcs(Value::Integration(done)) => done,
        other => panic!("{other:?}"),
    }
}

fn put(desk: &Desk, n: u8, path: &str, text: &str) {
    desk.all.call(&site(n), &write(path, text.as_bytes()), &Scope::all()).unwrap();
}

fn remove(desk: &Desk, n: u8, path: &str) {
    desk.all.call(&site(n), &workspace::Call::Remove { path: at(path) }, &Scope::all()).unwrap();
}

fn diff(desk: &Desk, from: Point, to: Point) -> orchestra_pit_core::call::vcs::Diff {
    let options = DiffOptions { from, to, paths: Vec::new(), context: 3, limit: 0 };
    match vcs(desk, 1, &Call::Diff(options)).unwrap() {
        call::Value::Vcs(Value::Diff(diff)) => diff,
        other => panic!("{other:?}"),
    }
}

/// Refuses: vcs.commit conflict
#[test]
fn a_commit_is_what_git_would_have_made() {
    let desk = Desk::new(&[("a", b"1\n"), ("d/b", b"2\n"), ("d/e/f", b"3\n")]);
    put(&desk, 1, "a", "changed\n");
    put(&desk, 1, "d/new", "n\n");
    remove(&desk, 1, "d/e/f");
    let made = commit(&desk, 1, "Change things\n\nWith a reason.");
    assert_eq!(desk.git.oid(&branch(1)), made.id);
    desk.git.fsck();

    // The same files, by git: the same tree.
    desk.git.put(&[("a", b"changed\n"), ("d/new", b"n\n")]);
    std::fs::remove_file(desk.git.dir.path().join("d/e/f")).unwrap();
    desk.git.commit("by hand");
    assert_eq!(desk.git.oid("HEAD^{tree}"), desk.git.oid(&format!("{}^{{tree}}", branch(1))));

    let show = |format: &str| desk.git.run(&["log", "-1", &format!("--format={format}"), &branch(1)]);
    assert_eq!(
        show("%an <%ae>|%cn <%ce>|%at|%ct").trim(),
        "coder via pit <coder@pit.invalid>|Person <person@example.org>|1800000000|1800000000"
    );
    assert_eq!(show("%(trailers)").trim(), format!("Pit-Run: {}\nPit-Agent: coder@1.0.0", run_id(1)));
    assert!(!desk.all.is_changed(run_id(1)).unwrap());
    assert_eq!(kind(vcs(&desk, 1, &Call::Commit { message: "x".into() })), ErrorKind::Conflict, "nothing has changed");
}

#[test]
fn the_same_commit_made_again_is_the_same_object() {
    let git = Git::new(&[("a", b"1\n")]);
    let base = git.oid("HEAD");
    let made = |name: &str| {
        git.run(&["config", "user.name", name]);
        let all = Workspaces::new(std::sync::Arc::new(git.open()));
        all.open(run_id(1), base, &branch(1)).unwrap();
        all.call(&site(1), &write("b", b"2\n"), &Scope::all()).unwrap();
        match all.vcs(&site(1), &Call::Commit { message: "x".into() }, NOW, &Scope::all()).unwrap() {
            call::Value::Vcs(Value::Commit(commit)) => commit.id,
            other => panic!("{other:?}"),
        }
    };
    let first = made("Person");
    assert_eq!(made("Person"), first, "an earlier life was stopped between the branch and the answer");
    assert_eq!(made("Renamed"), first, "even when the person has another name now");
    assert_eq!(git.run(&["rev-list", "--count", &branch(1)]).trim(), "2");
}

/// Refuses: vcs.commit conflict
#[test]
fn a_branch_that_is_not_ours_any_more_is_left_alone() {
    let desk = Desk::new(&[("a", b"1\n")]);
    put(&desk, 1, "b", "2\n");
    let strange = desk.git.commit("strange");
    desk.git.run(&["update-ref", &branch(1), &strange.to_string()]);
    assert_eq!(kind(vcs(&desk, 1, &Call::Commit { message: "x".into() })), ErrorKind::Conflict);
    assert_eq!(desk.git.oid(&branch(1)), strange);
    assert!(desk.all.is_changed(run_id(1)).unwrap(), "the work is kept");

    desk.git.run(&["update-ref", "-d", &branch(1)]);
    commit(&desk, 1, "now it goes");
    desk.git.run(&["checkout", "-q", "pit/01-work"]);
    put(&desk, 1, "b", "3\n");
    let refused = vcs(&desk, 1, &Call::Commit { message: "x".into() }).unwrap_err();
    assert!(refused.message.contains("checked out"), "{refused}");
    assert_eq!(desk.git.run(&["status", "--porcelain"]), "");
    desk.git.run(&["checkout", "-q", "main"]);
    commit(&desk, 1, "and again");
}

#[test]
fn a_commit_says_what_is_protected_before_it_is_made() {
    let desk = Desk::new(&[("a", b"1\n"), (".envrc", b"old\n")]);
    for path in ["a", ".github/workflows/ci.yml", "sub/AGENTS.md"] {
        put(&desk, 1, path, "x\n");
    }
    remove(&desk, 1, ".envrc");
    let facts = desk.all.facts(&site(1), &Any::Vcs(Call::Commit { message: "x".into() })).unwrap();
    assert_eq!(facts.protected, [at(".envrc"), at(".github/workflows/ci.yml"), at("sub/AGENTS.md")]);
    assert_eq!(facts.tree, Some(desk.all.tree_id(run_id(1)).unwrap()));
    let made = commit(&desk, 1, "x");
    assert_eq!(facts.tree, Some(desk.git.oid(&format!("{}^{{tree}}", made.id))));
}

#[test]
fn a_diff_is_gits_but_for_the_index_line() {
    let body =
        |n: u32| (0..60).map(|i| format!("line {}\n", if i % 17 == n { i * 100 } else { i })).collect::<String>();
    let desk = Desk::new(&[
        ("changed", body(3).as_bytes()),
        ("gone", b"bye\n"),
        ("bin", b"\0\x01"),
        ("end", b"no newline"),
        ("fn.c", b"int a() {\n  1;\n  2;\n  3;\n  4;\n  5;\n  6;\n  7;\n}\n"),
        (".gitattributes", b"changed -diff\n*.c diff=none\n"),
    ]);
    put(&desk, 1, "changed", &body(5));
    put(&desk, 1, "d/new", "hello\n");
    put(&desk, 1, "empty", "");
    put(&desk, 1, "bin", "\0\u{2}");
    put(&desk, 1, "end", "no newline still");
    put(&desk, 1, "fn.c", "int a() {\n  1;\n  2;\n  3;\n  4;\n  5;\n  6;\n  8;\n}\n");
    remove(&desk, 1, "gone");
    let call = workspace::Call::Write {
        path: at("run"),
        bytes: b"#!\n".to_vec().into(),
        expect: None,
        executable: Some(true),
    };
    desk.all.call(&site(1), &call, &Scope::all()).unwrap();
    let before = diff(&desk, Point::Head, Point::Workspace);
    let made = commit(&desk, 1, "x");
    let git = |extra: &str| {
        desk.git.run(&[
            "-c",
            "core.attributesFile=/dev/null",
            "--attr-source=4b825dc642cb6eb9a060e54bf8d69288fbee4904",
            "diff",
            "--no-renames",
            "--no-ext-diff",
            "--no-textconv",
            extra,
            "main",
            &made.id.to_string(),
        ])
    };
    let expected: String = git("-U3").split_inclusive('\n').filter(|line| !line.starts_with("index ")).collect();
    let ours = diff(&desk, Point::Base, Point::Head);
    assert_eq!(ours.text, expected);
    assert_eq!(before, ours, "a commit changes no files");
    let stat = git("--shortstat");
    assert!(
        stat.contains(&format!(
            "{} files changed, {} insertions(+), {} deletions(-)",
            ours.files, ours.added, ours.removed
        )),
        "{stat} {ours:?}"
    );
    assert_eq!(diff(&desk, Point::Head, Point::Workspace).text, "");
    assert_eq!(diff(&desk, Point::Commit(made.id), Point::Base).files, ours.files);

    let options = DiffOptions { from: Point::Base, to: Point::Head, paths: vec!["d/**".into()], context: 0, limit: 30 };
    let call::Value::Vcs(Value::Diff(some)) = vcs(&desk, 1, &Call::Diff(options)).unwrap() else { panic!() };
    assert_eq!((some.files, some.added, some.cut), (1, 1, true));
    assert!(some.text.len() <= 30);
}

/// Refuses: vcs.diff not-found
#[test]
fn only_the_own_history_can_be_named() {
    let desk = Desk::new(&[("a", b"1\n")]);
    desk.git.run(&["checkout", "-q", "-b", "secret"]);
    desk.git.put(&[("key", b"hunter2\n")]);
    let hidden = desk.git.commit("hidden");
    let options = |from| DiffOptions { from, to: Point::Head, paths: Vec::new(), context: 3, limit: 0 };
    for id in [hidden, Oid([7; 20])] {
        assert_eq!(kind(vcs(&desk, 1, &Call::Diff(options(Point::Commit(id))))), ErrorKind::NotFound);
    }
    vcs(&desk, 1, &Call::Diff(options(Point::Commit(desk.git.oid("main"))))).unwrap();
    let narrow = orchestra_pit_core::policy::Scope {
        read: std::sync::Arc::new(orchestra_pit_core::pattern::PathSet::of(&["src/**"])),
        ..orchestra_pit_core::policy::Scope::all()
    };
    put(&desk, 1, "a", "2\n");
    put(&desk, 1, "src/b", "2\n");
    let call = Call::Diff(DiffOptions { to: Point::Workspace, ..options(Point::Base) });
    let call::Value::Vcs(Value::Diff(seen)) = desk.all.vcs(&site(1), &call, NOW, &narrow).unwrap() else { panic!() };
    assert!(seen.text.contains("src/b") && !seen.text.contains("a/a"), "{}", seen.text);
}

#[test]
fn the_log_is_gits() {
    let desk = {
        let git = Git::new(&[("a", b"1\n"), ("d/b", b"1\n")]);
        for n in 2..8 {
            git.put(&[(if n % 2 == 0 { "a" } else { "d/b" }, format!("{n}\n").as_bytes())]);
            git.commit(&format!("change {n}"));
        }
        git.run(&["checkout", "-q", "-b", "side", "HEAD~3"]);
        git.put(&[("side", b"x\n")]);
        git.commit("side");
        git.run(&["checkout", "-q", "main"]);
        git.run(&["merge", "-q", "--no-ff", "-m", "merge", "side"]);
        Desk::over(git)
    };
    let log = |path: Option<&str>, limit| match vcs(&desk, 1, &Call::Log { path: path.map(at), limit }).unwrap() {
        call::Value::Vcs(Value::Log(commits)) => commits.into_iter().map(|c| c.id.to_string()).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    for path in [None, Some("a"), Some("d"), Some("d/b"), Some("side"), Some("nothing")] {
        let mut args = vec!["log", "--format=%H"];
        args.extend(path.iter().flat_map(|path| ["--", *path]));
        let mut expected: Vec<String> = desk.git.run(&args).lines().map(str::to_owned).collect();
        let mut ours = log(path, 100);
        // Every commit here is of the same second; the order between branches is nobody's promise.
        expected.sort();
        ours.sort();
        assert_eq!(ours, expected, "{path:?}");
    }
    assert_eq!(log(None, 3).len(), 3);
    assert_eq!(log(None, 1), [desk.git.oid("HEAD").to_string()]);
}

/// Refuses: vcs.blame not-found
#[test]
fn blame_is_gits() {
    let git = Git::new(&[("a", b"1\n2\n3\n4\n")]);
    git.put(&[("a", b"1\nx\n3\n4\n5\n")]);
    git.commit("x");
    let desk = Desk::over(git);
    put(&desk, 1, "a", "1\nx\n3\nmine\n5\n");
    commit(&desk, 1, "mine");
    let call::Value::Vcs(Value::Blame(lines)) = vcs(&desk, 1, &Call::Blame { path: at("a") }).unwrap() else {
        panic!()
    };
    let ours: Vec<String> = lines.iter().flat_map(|b| (b.first..=b.last).map(|_| b.commit.id.to_string())).collect();
    let git: Vec<String> =
        desk.git.run(&["blame", "-l", "--root", &branch(1), "--", "a"]).lines().map(|l| l[..40].to_owned()).collect();
    assert_eq!(ours, git);
    assert_eq!(kind(vcs(&desk, 1, &Call::Blame { path: at("none") })), ErrorKind::NotFound);
}

/// Run 1 and run 2, a child of it, from the same commit.
fn two(files: &[(&str, &[u8])]) -> Desk {
    let desk = Desk::new(files);
    desk.all.open(run_id(2), desk.all.head(run_id(1)).unwrap(), &branch(2)).unwrap();
    desk
}

#[test]
fn a_childs_work_is_merged_as_git_merges_it() {
    let text = (0..40).map(|n| format!("{n}\n")).collect::<String>();
    let desk = two(&[("a", text.as_bytes()), ("b", b"b\n"), ("c", b"c\n"), ("d/x", b"x\n")]);
    put(&desk, 2, "a", &text.replace("\n35\n", "\nthirty-five\n"));
    put(&desk, 2, "new/file", "n\n");
    remove(&desk, 2, "d/x");
    put(&desk, 2, "d", "now a file\n");
    let theirs = commit(&desk, 2, "child");
    put(&desk, 1, "a", &text.replace("\n5\n", "\nfive\n"));
    remove(&desk, 1, "b");
    let ours = commit(&desk, 1, "parent");
    desk.all.close(run_id(2));
    let Integration::Merged(merged) = integrate(&desk, 2) else { panic!("did not merge") };
    desk.git.fsck();

    let parents = desk.git.run(&["log", "-1", "--format=%P", &branch(1)]);
    assert_eq!(parents.trim(), format!("{} {}", ours.id, theirs.id));
    desk.git.run(&["checkout", "-q", "--detach", &ours.id.to_string()]);
    desk.git.run(&["merge", "-q", "--no-ff", "-m", "by git", &theirs.id.to_string()]);
    assert_eq!(desk.git.oid("HEAD^{tree}"), desk.git.oid(&format!("{}^{{tree}}", merged.id)));
    assert_eq!(desk.text("d").as_deref(), Some("now a file\n"), "the workspace has it too");
    assert_eq!(integrate(&desk, 2), Integration::Nothing, "it is in already");
    assert_eq!(desk.all.head(run_id(1)).unwrap(), merged.id);
}

#[test]
fn a_conflict_changes_nothing_and_shows_three_texts() {
    let desk = two(&[("a", b"base\n"), ("gone", b"g\n"), ("bin", b"\0"), ("fine", b"1\n")]);
    for (n, text) in [(1, "ours\n"), (2, "theirs\n")] {
        put(&desk, n, "a", text);
        put(&desk, n, "both-new", text);
        put(&desk, n, "bin", &format!("\0{text}"));
    }
    remove(&desk, 1, "gone");
    put(&desk, 2, "gone", "changed\n");
    put(&desk, 2, "fine", "2\n");
    put(&desk, 1, "clash", "a file\n");
    put(&desk, 2, "clash/below", "x\n");
    let (ours, theirs) = (commit(&desk, 1, "p"), commit(&desk, 2, "c"));
    let Integration::Conflicts(conflicts) = integrate(&desk, 2) else { panic!() };
    let shown = |path: &str, base: &str, ours: &str, theirs: &str| Conflict {
        path: path.into(),
        base: base.into(),
        ours: ours.into(),
        theirs: theirs.into(),
    };
    assert_eq!(
        conflicts,
        [
            shown("a", "base\n", "ours\n", "theirs\n"),
            shown("bin", "(binary, 1 bytes)", "(binary, 6 bytes)", "(binary, 8 bytes)"),
            shown("both-new", "", "ours\n", "theirs\n"),
            shown("gone", "g\n", "", "changed\n"),
            shown("clash/below", "", "", "x\n"),
        ]
    );
    let (merged, said) = {
        desk.git.run(&["checkout", "-q", "--detach", &ours.id.to_string()]);
        desk.git.try_run(desk.git.dir.path(), &["merge", "-q", "--no-ff", "-m", "x", &theirs.id.to_string()])
    };
    assert!(!merged, "git finds conflicts too: {said}");
    assert_eq!(desk.git.oid(&branch(1)), ours.id);
    assert!(!desk.all.is_changed(run_id(1)).unwrap());
    assert_eq!(desk.text("fine").as_deref(), Some("1\n"));
}

/// Refuses: vcs.integrate conflict, vcs.integrate not-found
#[test]
fn integrating_needs_a_clean_workspace_and_a_run() {
    let desk = two(&[("a", b"1\n")]);
    put(&desk, 2, "b", "2\n");
    commit(&desk, 2, "c");
    put(&desk, 1, "c", "3\n");
    let call = |child: RunId| vcs(&desk, 1, &Call::Integrate { child, message: "x".into() });
    assert_eq!(kind(call(run_id(2))), ErrorKind::Conflict);
    assert_eq!(kind(call(run_id(9))), ErrorKind::NotFound);
    commit(&desk, 1, "clean now");
    call(run_id(2)).unwrap();
}

#[test]
fn work_goes_on_beside_a_collector_that_never_rests() {
    let desk = Desk::new(&[("a", b"1\n"), ("d/b", b"2\n")]);
    let rounds = collecting(&desk.git, || {
        std::thread::scope(|scope| {
            for n in 2..5_u8 {
                desk.all.open(run_id(n), desk.git.oid("main"), &branch(n)).unwrap();
                let desk = &desk;
                scope.spawn(move || {
                    for round in 0..8 {
                        put(desk, n, &format!("d/f{n}"), &format!("{round}\n"));
                        // What some unreachable object in the repository may have had already.
                        put(desk, n, "same", &format!("{round}\n"));
                        commit(desk, n, &format!("round {round}"));
                        assert!(!desk.list("**", &Scope::all()).is_empty());
                    }
                });
            }
            // No commits of the person's own at the same time: git writes those as loose objects, and this very collector may
            // take them before a branch has them.
        });
        for n in 2..3 {
            assert!(matches!(integrate(&desk, n), Integration::Merged(_)));
        }
    });
    assert!(rounds > 0);
    for n in 2..5 {
        assert_eq!(desk.git.run(&["rev-list", "--count", &format!("main..{}", branch(n))]).trim(), "8");
    }
    desk.git.fsck();
    desk.git.run(&["gc", "-q", "--prune=now"]);
    desk.git.fsck();
    assert_eq!(desk.text("d/f2").as_deref(), Some("7\n"));
}

#[test]
fn two_pits_in_one_repository_do_not_meet() {
    let git = Git::new(&[("a", b"1\n")]);
    let base = git.oid("HEAD");
    std::thread::scope(|scope| {
        for n in 2..6_u8 {
            let git = &git;
            scope.spawn(move || {
                let all = Workspaces::new(std::sync::Arc::new(git.open()));
                all.open(run_id(n), base, &branch(n)).unwrap();
                for round in 0..5 {
                    all.call(&site(n), &write("x", format!("{n} {round}").as_bytes()), &Scope::all()).unwrap();
                    all.vcs(&site(n), &Call::Commit { message: "x".into() }, NOW, &Scope::all()).unwrap();
                }
            });
        }
    });
    for n in 2..6 {
        assert_eq!(git.run(&["show", &format!("{}:x", branch(n))]), format!("{n} 4"));
    }
    git.fsck();
}
