//! Each refusal, and what it says.

use insta::assert_snapshot;

use super::*;
use crate::edit::{FaultKind, MAX_BYTES};

const SOURCE: &str = "\
fn one() {
    println!(\"one\");
}

fn two() {
    println!(\"two\");
}

fn three() {
    println!(\"one\");
}
";

#[test]
fn shows_the_nearest_text() {
    assert_snapshot!(file(SOURCE).refuses(&[replace("fn two() {\n    println!(\"tow\");\n}", "x")]), @r#"
        Conflict: the text is not in f
        the nearest is lines 5-7:
          5 | fn two() {
          6 |     println!("two");
          7 | }
        line 6 differs: the file has `    println!("two");`, the edit `    println!("tow");`
        nothing was changed
        "#);
}

#[test]
fn shows_the_nearest_line_by_its_letters() {
    assert_snapshot!(file(SOURCE).refuses(&[replace("fn thre() {", "x")]), @r#"
        Conflict: the text is not in f
        the nearest is line 9:
          9 | fn three() {
        line 9 differs: the file has `fn three() {`, the edit `fn thre() {`
        nothing was changed
        "#);
}

#[test]
fn says_when_nothing_is_like_it() {
    assert_snapshot!(file(SOURCE).refuses(&[replace("SELECT * FROM users WHERE id = 7", "x")]), @r#"
        Conflict: the text is not in f, and nothing in its 11 lines is like it
        read the file again
        nothing was changed
        "#);
}

#[test]
fn shows_only_so_much() {
    let source: String = (0..100).map(|n| format!("line {n} {}\n", "x".repeat(300))).collect();
    let old = source.replace("line 50", "line fifty");
    let refusal = file(&source).refuses(&[replace(&old, "y")]);
    assert!(refusal.lines().count() < 20 && refusal.len() < 4000, "{refusal}");
    assert!(refusal.contains("line 51 differs"), "{refusal}");
}

#[test]
fn says_where_the_places_are() {
    assert_snapshot!(file(SOURCE).refuses(&[replace("    println!(\"one\");", "x")]), @r#"
        Conflict: the text is in f more than once, at lines 2 and 10
        add lines from around the one that is meant, or set `all`
        nothing was changed
        "#);
}

#[test]
fn says_that_there_are_many_places() {
    assert_snapshot!(file(&"x\n".repeat(9)).refuses(&[patch("@@\n-x\n+y")]), @r#"
        Conflict: line 3 of the edit: the text is in f more than once, at lines 1, 2, 3, 4, 5 and more
        add lines from around the one that is meant
        nothing was changed
        "#);
}

#[test]
fn says_that_places_are_in_one_line() {
    assert_snapshot!(file("x = x\n").refuses(&[replace("x", "y")]), @r#"
        Conflict: the text is in f more than once, at line 1
        add lines from around the one that is meant, or set `all`
        nothing was changed
        "#);
}

#[test]
fn refuses_to_shift_past_the_first_column() {
    let source = file("a:\n  b\n  c\n");
    assert_eq!(source.edit(replace("    b\n    c", "    d")).0, "a:\n  d\n");
    assert_snapshot!(source.refuses(&[replace("    b\n    c", "d")]), @r#"
        Conflict: the text is at line 2 of f with less indent, and the new text cannot be moved that far left
        copy the text from the file with its indent
        nothing was changed
        "#);
}

#[test]
fn says_that_it_was_done_before() {
    assert_snapshot!(file("let answer = 42;\n").refuses(&[replace("let answer = 41;", "let answer = 42;")]), @r#"
        Conflict: the text is not in f, but the new text is, at line 1: has this edit been made before?
        nothing was changed
        "#);
}

#[test]
fn says_which_edit_and_which_part() {
    assert_snapshot!(file(SOURCE).refuses(&[
        replace("fn two", "fn 2"),
        patch("@@ fn one() {\n-    println!(\"one\");\n+    one();\n@@\n-fn four() {\n+fn five() {"),
    ]), @r#"
        Conflict: edit 2 of 2: part 2 (line 6 of the edit): the text is not in f
        the nearest is line 1:
          1 | fn one() {
        line 1 differs: the file has `fn one() {`, the edit `fn four() {`
        nothing was changed
        "#);
}

#[test]
fn refuses_an_anchor_that_is_not_there() {
    assert_snapshot!(file(SOURCE).refuses(&[patch("@@ fn thrice() {\n-    println!(\"two\");\n+    two();")]), @r#"
        Conflict: line 3 of the edit: no line of f has the anchor `@@ fn thrice() {`
        the nearest is line 9:
          9 | fn three() {
        nothing was changed
        "#);
}

#[test]
fn refuses_a_text_above_its_anchor() {
    assert_snapshot!(file(SOURCE).refuses(&[patch("@@ fn three() {\n-    println!(\"two\");\n+    two();")]), @r#"
        Conflict: line 3 of the edit: the text is at line 6 of f, which is above its anchor `@@ fn three() {`
        leave the anchor out, or name one that is above the text
        nothing was changed
        "#);
}

#[test]
fn refuses_lines_that_could_go_anywhere() {
    assert_snapshot!(file(SOURCE).refuses(&[diff("@@ -3,0 +4 @@\n+// x")]), @r#"
        Invalid: line 3 of the edit: only adds lines to f and has no line that is there already, so it could go anywhere
        begin with the line above as context
        nothing was changed
        "#);
}

#[test]
fn refuses_an_empty_text() {
    assert_snapshot!(file(SOURCE).refuses(&[replace("", "x")]), @r#"
        Invalid: the text to replace is empty, and an empty text is everywhere
        to make a file use create; to add lines use insert
        nothing was changed
        "#);
    assert_snapshot!(file(SOURCE).refuses(&[block("", "x")]), @r#"
        Conflict: f exists, and an empty SEARCH is only for new files
        put the lines that the new ones go after into SEARCH and REPLACE
        nothing was changed
        "#);
    assert_snapshot!(file(SOURCE).refuses(&[insert(1, "")]), @r#"
        Invalid: the text to insert is empty, so the edit would change nothing
        nothing was changed
        "#);
}

#[test]
fn refuses_what_changes_nothing() {
    assert_snapshot!(file(SOURCE).refuses(&[replace("two", "two")]), @r#"
        Invalid: the old and the new text are the same, so the edit would change nothing
        nothing was changed
        "#);
    assert_snapshot!(file("a \n").refuses(&[diff("@@ -1 +1 @@\n-a\n+a ")]), @r#"
        Invalid: line 3 of the edit: the edit would change nothing: f already reads that way there
        nothing was changed
        "#);
    assert_snapshot!(file(SOURCE).refuses(&[patch("@@\n fn one() {")]), @r#"
        Invalid: the part at line 3 of the patch has no line with `-` or `+`, so it would change nothing
        nothing was changed
        "#);
    assert_snapshot!(file(SOURCE).refuses(&[block("a", "a")]), @r#"
        Invalid: the block at line 2 has the same text in SEARCH and REPLACE, so it would change nothing
        nothing was changed
        "#);
    assert_snapshot!(file(SOURCE).refuses(&[diff("")]), @r#"
        Invalid: the file at line 1 of the diff changes nothing in f
        nothing was changed
        "#);
    assert_snapshot!(file(SOURCE).refuses(&[]), @r#"Invalid: there is no edit in the list"#);
}

#[test]
fn refuses_placeholders() {
    assert_snapshot!(file(SOURCE).refuses(&[replace("    println!(\"two\");", "    // ... existing code ...")]), @r#"
        Invalid: the new text for f has `// ... existing code ...`, which stands for code instead of being it
        write the code out, or leave it out of both the old and the new text
        nothing was changed
        "#);
    assert!(apply(&files([]), &[create("g", "a\n# ... rest of the file ...\n")]).is_err());
    assert!(apply(&file(SOURCE), &[patch("@@\n-fn two() {\n+// existing code unchanged\n+fn two() {")]).is_err());
    let has_one = file("a\n// ... existing code ...\n");
    assert_eq!(has_one.edit(replace("a\n// ... existing code ...", "b\n// ... existing code ...")).1, Nearness::Exact);
}

#[test]
fn refuses_what_is_not_text() {
    assert_snapshot!(file("a\0b\n").refuses(&[replace("a", "x")]), @r#"
        Unsupported: f has a NUL byte, so it is not text
        use write for the whole file
        nothing was changed
        "#);
    assert_snapshot!(file("a\n").refuses(&[replace("a", "x\0")]), @r#"
        Invalid: the edit's text has a NUL byte: use write for what is not text
        nothing was changed
        "#);
}

#[test]
fn refuses_what_is_too_large() {
    let most = format!("{}\n", "a".repeat(1023)).repeat(MAX_BYTES / 1024);
    let kind = |memory: Memory, edit: Edit| apply(&memory, &[edit]).map(|_| ()).map_err(|fault| fault.kind);
    assert_eq!(kind(file(&format!("{most}b")), replace("b", "c")), Err(FaultKind::TooLarge));
    assert_eq!(kind(file(&most), insert(0, "b")), Err(FaultKind::TooLarge));
    assert_eq!(kind(file(&most), replace_all("a", "bb")), Err(FaultKind::TooLarge));
    assert_eq!(kind(file(&most), replace_all("a", "b")), Ok(()));
    assert_eq!(kind(file("a"), replace("a", &format!("{most}b"))), Err(FaultKind::TooLarge));
}

#[test]
fn refuses_more_work_than_a_call_is_worth() {
    let source = file(&"a".repeat(MAX_BYTES / 2));
    let inserts = |count| (0..count).map(|_| insert(0, "b")).collect::<Vec<_>>();
    assert_eq!(apply(&source, &inserts(50)).map(|outcomes| outcomes[0].places), Ok(50));
    assert_snapshot!(source.refuses(&inserts(300)), @r#"
        TooLarge: edit 256 of 300: f: the edits have too many parts for files this large, or the text repeats itself too often
        split them over several calls
        nothing was changed
        "#);
}

#[test]
fn refuses_files_that_are_or_are_not_there() {
    assert_snapshot!(files([]).refuses(&[replace("a", "b")]), @r#"
        NotFound: there is no file f
        nothing was changed
        "#);
    assert_snapshot!(file("a\n").refuses(&[create("f", "b\n")]), @r#"
        Conflict: f exists already
        to change it replace some of its text
        nothing was changed
        "#);
    assert_snapshot!(file("a\n").refuses(&[Edit::Blocks("f\n<<<<<<< SEARCH\n=======\nb\n>>>>>>> REPLACE".into())]), @r#"
        Conflict: f exists, and an empty SEARCH is only for new files
        put the lines that the new ones go after into SEARCH and REPLACE
        nothing was changed
        "#);
    assert_snapshot!(
        files([("f", "a\n"), ("g", "b\n")])
            .refuses(&[Edit::Patch("*** Begin Patch\n*** Update File: f\n*** Move to: g\n*** End Patch".into())]), @r#"
        Conflict: f cannot be moved to g, because that exists already
        nothing was changed
        "#);
    assert_snapshot!(files([]).refuses(&[Edit::Patch("*** Begin Patch\n*** Delete File: f\n*** End Patch".into())]), @r#"
        NotFound: there is no file f
        nothing was changed
        "#);
    assert_snapshot!(file("a\n").refuses(&[insert(2, "b")]), @r#"
        Invalid: f has 1 line, so there is no such line to insert after
        nothing was changed
        "#);
}

#[test]
fn refuses_to_remove_lines_that_a_diff_does_not_show() {
    assert_snapshot!(
        file("a\nb\nc\n").refuses(&[Edit::Diff("--- a/f\n+++ /dev/null\n@@ -1,2 +0,0 @@\n-a\n-b\n".into())]), @r#"
        Conflict: the diff removes f, but the diff does not show 1 line of it
        read the file again
        nothing was changed
        "#);
}

#[test]
fn refuses_patches_that_are_not() {
    let patch = |text: &str| file("a\n").refuses(&[Edit::Patch(text.into())]);
    assert_snapshot!(patch("hello"), @r#"
        Invalid: there is no patch: it begins with a line `*** Begin Patch` and has at least one file
        nothing was changed
        "#);
    assert_snapshot!(patch("*** Begin Patch\n*** Update File: f\n@@\n-a\n+b\n"), @r#"
        Invalid: the patch has no `*** End Patch`: it may have been cut short
        nothing was changed
        "#);
    assert_snapshot!(patch("*** Begin Patch\n-a\n+b\n*** End Patch"), @r#"
        Invalid: line 2 of the patch, `-a`, belongs to no file: say `*** Add File: PATH`, `*** Update File: PATH` or `*** Delete File: PATH` first
        nothing was changed
        "#);
    assert_snapshot!(patch("*** Begin Patch\n*** Add File: g\nhello\n*** End Patch"), @r#"
        Invalid: line 3 of the patch, `hello`, does not start with `+`, as each line of a new file does
        nothing was changed
        "#);
    assert_snapshot!(patch("*** Begin Patch\n*** Update File: f\n@@\n-a\n+b\n*** End Patch\n*** Delete File: f\n"), @r#"
        Invalid: line 7 of the patch, `*** Delete File: f`, is not between `*** Begin Patch` and `*** End Patch`
        nothing was changed
        "#);
    assert_snapshot!(patch("*** Begin Patch\n*** Update File:\n@@\n-a\n+b\n*** End Patch"), @r#"
        Invalid: a path is empty
        nothing was changed
        "#);
}

#[test]
fn refuses_blocks_that_are_not() {
    let blocks = |text: &str| file("a\n").refuses(&[Edit::Blocks(text.into())]);
    assert_snapshot!(blocks("hello"), @r#"
        Invalid: there is no block: it is a path, then the lines `<<<<<<< SEARCH`, the old text, `=======`, the new text, `>>>>>>> REPLACE`
        nothing was changed
        "#);
    assert_snapshot!(blocks("<<<<<<< SEARCH\na\n=======\nb\n>>>>>>> REPLACE"), @r#"
        Invalid: there is no path above the block at line 1: put the file's path on the line before it
        nothing was changed
        "#);
    assert_snapshot!(blocks("Now the second change:\n<<<<<<< SEARCH\na\n=======\nb\n>>>>>>> REPLACE"), @r#"
        Invalid: the line above the block at line 2 is a sentence, not a path
        put the file's path alone on the line before the block
        nothing was changed
        "#);
    assert_snapshot!(blocks("f\n<<<<<<< SEARCH\na\n=======\nb\n"), @r#"
        Invalid: the block at line 2 has no line `>>>>>>> REPLACE`: it may have been cut short
        nothing was changed
        "#);
    assert_snapshot!(blocks("f\n<<<<<<< SEARCH\na\n>>>>>>> REPLACE"), @r#"
        Invalid: the block at line 2 has no line `=======` between its two texts
        nothing was changed
        "#);
    assert_snapshot!(blocks("f\n<<<<<<< SEARCH\na\n=======\nb\n=======\nc\n>>>>>>> REPLACE"), @r#"
        Invalid: the block at line 2 has more than one line `=======`, so it is not clear where its old text ends
        use replace for this edit
        nothing was changed
        "#);
    assert_snapshot!(blocks("f\n<<<<<<< SEARCH\na\n=======\n<<<<<<< SEARCH\nb\n=======\nc\n>>>>>>> REPLACE"), @r#"
        Invalid: the block at line 2 has another `<<<<<<< SEARCH` in it before its `>>>>>>> REPLACE`
        nothing was changed
        "#);
}

#[test]
fn refuses_diffs_that_are_not() {
    let diff = |text: &str| file("a\n").refuses(&[Edit::Diff(text.into())]);
    assert_snapshot!(diff("hello"), @r#"
        Invalid: there is no diff: it has `--- a/PATH`, `+++ b/PATH`, then parts that start with `@@`
        nothing was changed
        "#);
    assert_snapshot!(diff("@@ -1 +1 @@\n-a\n+b\n"), @r#"
        Invalid: the part at line 1 of the diff is for no file: say `--- a/PATH` and `+++ b/PATH` first
        nothing was changed
        "#);
    assert_snapshot!(diff("--- a/f\n+++ b/g\n@@ -1 +1 @@\n-a\n+b\n"), @r#"
        Invalid: the file at line 1 of the diff has two paths: say `rename from` and `rename to` to move it
        nothing was changed
        "#);
    assert_snapshot!(diff("--- /dev/null\n+++ b/g\n@@ -1 +1 @@\n-a\n+b\n"), @r#"
        Invalid: the file at line 1 of the diff makes g, so all its lines must start with `+`
        nothing was changed
        "#);
    assert_snapshot!(diff("diff --git a/g b/g\nnew file mode 120000\n--- /dev/null\n+++ b/g\n@@ -0,0 +1 @@\n+/etc\n"), @r#"
        Unsupported: line 1 of the diff is for a symlink, which an edit cannot make
        nothing was changed
        "#);
    assert_snapshot!(diff("diff --git a/f b/f\nBinary files a/f and b/f differ\n"), @r#"
        Unsupported: line 1 of the diff is for a file that is not text, which an edit cannot make
        nothing was changed
        "#);
    assert_snapshot!(diff("diff --git a/f b/g\nsimilarity index 100%\ncopy from f\ncopy to g\n"), @r#"
        Unsupported: line 1 of the diff is for a copy, which an edit cannot make
        nothing was changed
        "#);
    assert_snapshot!(diff("diff --cc f\n--- a/f\n+++ b/f\n@@@ -1,1 -1,1 +1,1 @@@\n- a\n"), @r#"
        Unsupported: a diff of a merge (`@@@`) cannot be carried out
        nothing was changed
        "#);
}
