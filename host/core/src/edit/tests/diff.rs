//! Unified diffs of git's and of models'.

use super::*;

#[test]
fn carries_out_what_git_writes() {
    let memory = files([("m.sh", "one\ntwo\nthree\n"), ("gone", "a\nb\n"), ("from", "1\n2\n3\n"), ("x", "x\n")]);
    let outcomes = memory.outcomes(&[Edit::Diff(
        "\
From 0123456 Mon Sep 17 00:00:00 2001
Subject: a mail

diff --git a/m.sh b/m.sh
old mode 100644
new mode 100755
index 4cb29ea..2aac9b3
--- a/m.sh
+++ b/m.sh
@@ -1,3 +1,3 @@
 one
-two
+2
 three
diff --git a/gone b/gone
deleted file mode 100644
index 422c2b7..0000000
--- a/gone
+++ /dev/null
@@ -1,2 +0,0 @@
-a
-b
diff --git a/from b/to
similarity index 66%
rename from from
rename to to
--- a/from
+++ b/to
@@ -1,3 +1,3 @@
 1
 2
-3
+three
diff --git \"a/n\\303\\244\" \"b/n\\303\\244\"
new file mode 100755
index 0000000..ce01362
--- /dev/null
+++ \"b/n\\303\\244\"
@@ -0,0 +1 @@
+hello
\\ No newline at end of file
diff --git a/empty b/empty
new file mode 100644
index 0000000..e69de29
diff --git a/x b/x
old mode 100644
new mode 100755
-- 
2.43.0
"
        .into(),
    )]);
    let seen: Vec<_> = outcomes
        .iter()
        .map(|o| {
            (o.path.as_str(), o.after.as_deref().map(String::from_utf8_lossy), o.executable, o.renamed_from.as_deref())
        })
        .collect();
    let text = |text: &'static str| Some(text.into());
    assert_eq!(
        seen,
        [
            ("m.sh", text("one\n2\nthree\n"), true, None),
            ("gone", None, false, None),
            ("from", None, false, None),
            ("to", text("1\n2\nthree\n"), false, Some("from")),
            ("n\u{e4}", text("hello"), true, None),
            ("empty", text(""), false, None),
            ("x", text("x\n"), true, None),
        ]
    );
}

#[test]
fn believes_the_text_and_not_the_numbers() {
    for header in ["@@ -90,7 +91,2 @@", "@@ -2 +2 @@", "@@", "@@ ... @@", "@@ -1,3 +1,3", "@@ -x,y +z @@"] {
        let edit = diff(&format!("{header}\n a\n-b\n+c\n d"));
        if header == "@@ -x,y +z @@" {
            assert!(apply(&file("a\nb\nd\n"), &[edit]).is_err(), "that is an anchor, and there is no such line");
        } else {
            assert_eq!(file("0\na\nb\nd\n").edit(edit).0, "0\na\nc\nd\n", "{header}");
        }
    }
}

#[test]
fn the_numbers_choose_among_equal_places() {
    let source = file("x\na\nx\nb\nx\n");
    assert_eq!(source.edit(diff("@@ -3 +3 @@\n-x\n+y")).0, "x\na\ny\nb\nx\n");
    assert_eq!(source.edit(diff("@@ -1,0 +1 @@\n-a\n+a\n+a2\n@@ -5 +6 @@\n-x\n+y")).0, "x\na\na2\nx\nb\ny\n");
    assert!(apply(&source, &[diff("@@ -2 +2 @@\n-x\n+y")]).is_err(), "at line 2 there is something else");
}

#[test]
fn the_heading_chooses_among_equal_places() {
    let source = file("fn a() {\n    x\n}\nfn b() {\n    x\n}\n");
    assert_eq!(source.edit(diff("@@ fn b()\n-    x\n+    y")).0, "fn a() {\n    x\n}\nfn b() {\n    y\n}\n");
    assert_eq!(
        source.edit(diff("@@ -90,1 +90,1 @@ fn b() {\n-    x\n+    y")).0,
        "fn a() {\n    x\n}\nfn b() {\n    y\n}\n"
    );
}

#[test]
fn prefixes_go_as_git_takes_them() {
    for (old, new, path) in [
        ("a/src/x", "b/src/x", "src/x"),
        ("src/x", "src/x", "src/x"),
        ("a/x", "a/x", "a/x"),
        ("a/b/x", "b/b/x", "b/x"),
        ("a/x\t2026-01-01 00:00:00", "b/x\t2026-01-02 00:00:00", "x"),
    ] {
        let edit = Edit::Diff(format!("--- {old}\n+++ {new}\n@@ -1 +1 @@\n-a\n+b\n"));
        assert_eq!(touched(&[edit]), Ok(vec![path.to_owned()]));
    }
}

#[test]
fn markers_of_a_missing_newline_change_it_or_keep_it() {
    let marker = "\\ No newline at end of file";
    assert_eq!(file("a").edit(diff(&format!("@@ -1 +1 @@\n-a\n{marker}\n+a"))).0, "a\n");
    assert_eq!(file("a\n").edit(diff(&format!("@@ -1 +1 @@\n-a\n+a\n{marker}"))).0, "a");
    assert_eq!(file("a").edit(diff(&format!("@@ -1 +1 @@\n-a\n{marker}\n+b\n{marker}"))).0, "b");
    assert_eq!(file("a").edit(diff("@@ -1 +1 @@\n-a\n+b")).0, "b", "not marked, so as the file has it");
}

#[test]
fn lines_that_look_like_a_header_are_lines_if_the_numbers_say_so() {
    let edit = diff("@@ -1,3 +1,3 @@\n a\n--- old comment\n+++ new\n b");
    assert_eq!(file("a\n-- old comment\nb\n").edit(edit).0, "a\n++ new\nb\n");
    let two = "--- a/f\n+++ b/f\n@@ -1,5 +1,5 @@\n-a\n+b\n--- a/g\n+++ b/g\n@@ -1,5 +1,5 @@\n-a\n+b\n";
    assert_eq!(touched(&[Edit::Diff(two.into())]), Ok(vec!["f".to_owned(), "g".to_owned()]));
}

#[test]
fn takes_fences_and_talk_around_it() {
    let text = "Sure:\n```diff\n--- a/f\n+++ b/f\n@@ -1,1 +1,1 @@\n-a\n+b\n```\nHope this helps!\n";
    assert_eq!(file("a\n").edit(Edit::Diff(text.into())).0, "b\n");
    assert_eq!(file("a\n").edit(Edit::Patch(text.into())).0, "b\n", "handed in as a patch");
}

#[test]
fn takes_a_file_that_is_made_of_nothing() {
    let edit = || diff("@@ -0,0 +1,2 @@\n+a\n+b");
    assert_eq!(files([]).edit(edit()).0, "a\nb\n");
    assert_eq!(file("").edit(edit()).0, "a\nb\n");
}

#[test]
fn keeps_crlf() {
    assert_eq!(file("a\r\nb\r\n").edit(diff("@@ -1,2 +1,3 @@\n a\n-b\n+c\n+d")).0, "a\r\nc\r\nd\r\n");
    assert_eq!(file("a\r\nb\r\n").edit(diff("@@ -1,2 +1,3 @@\n a\r\n-b\r\n+c\r\n+d\r")).0, "a\r\nc\r\nd\r\n");
}
