//! `*** Begin Patch`, as it should be and as models write it.

use super::*;

const SOURCE: &str = "\
class A:
    def f(self):
        x = 1
        return x

    def g(self):
        x = 1
        return x

class B:
    def f(self):
        x = 1
        return x
";

#[test]
fn makes_removes_moves_and_changes() {
    let memory = files([("old.txt", "one\ntwo\nthree\n"), ("gone.txt", "x\n")]);
    let outcomes = memory.outcomes(&[Edit::Patch(
        "*** Begin Patch\n*** Add File: new/a.txt\n+hello\n+\n+world\n*** Delete File: gone.txt\n\
         *** Update File: old.txt\n*** Move to: moved.txt\n@@\n one\n-two\n+2\n three\n*** End Patch\n"
            .into(),
    )]);
    let [new, gone, old, moved] = outcomes.as_slice() else { panic!("{outcomes:?}") };
    assert_eq!((new.path.as_str(), new.after.as_deref()), ("new/a.txt", Some(&b"hello\n\nworld\n"[..])));
    assert_eq!((gone.path.as_str(), gone.after.as_deref(), gone.removed), ("gone.txt", None, 1));
    assert_eq!((old.path.as_str(), old.after.as_deref(), old.removed), ("old.txt", None, 0));
    assert_eq!((moved.path.as_str(), moved.after.as_deref()), ("moved.txt", Some(&b"one\n2\nthree\n"[..])));
    assert_eq!((moved.renamed_from.as_deref(), moved.added, moved.removed), (Some("old.txt"), 1, 1));
}

#[test]
fn moves_without_a_change() {
    let outcomes = file("a\0b")
        .outcomes(&[Edit::Patch("*** Begin Patch\n*** Update File: f\n*** Move to: g\n*** End Patch".into())]);
    assert_eq!((outcomes[1].after.as_deref(), outcomes[1].places), (Some(&b"a\0b"[..]), 0));
}

#[test]
fn anchors_choose_among_equal_places() {
    for (anchors, line) in [("@@ class A:\n@@     def f(self):", 3), ("@@ def g(self):", 7), ("@@ class B:", 12)] {
        let (after, nearness) = file(SOURCE).edit(patch(&format!("{anchors}\n-        x = 1\n+        x = 2")));
        assert_eq!(nearness, Nearness::Exact);
        let mut lines: Vec<&str> = SOURCE.lines().collect();
        lines[line - 1] = "        x = 2";
        assert_eq!(after.lines().collect::<Vec<_>>(), lines, "{anchors}");
    }
}

#[test]
fn anchors_may_be_the_start_of_a_line_and_repeat_in_the_context() {
    let (after, _) =
        file(SOURCE).edit(patch("@@ class B\n@@ def f\n     def f(self):\n-        x = 1\n+        x = 2"));
    assert!(after.ends_with("class B:\n    def f(self):\n        x = 2\n        return x\n"), "{after}");
}

#[test]
fn lines_that_are_only_added_go_below_their_anchor_or_to_the_end() {
    let (after, _) = file("a\nclass B:\n    y\n").edit(patch("@@ class B:\n+    x"));
    assert_eq!(after, "a\nclass B:\n    x\n    y\n");
    let (after, _) = file("a\nb\n").edit(patch("@@\n+c\n*** End of File"));
    assert_eq!(after, "a\nb\nc\n");
    let (after, _) = file("").edit(patch("@@\n+c"));
    assert_eq!(after, "c\n");
}

#[test]
fn the_end_of_the_file_chooses_the_last_place() {
    let (after, _) = file("x\ny\nx\n").edit(patch("@@\n-x\n+z\n*** End of File"));
    assert_eq!(after, "x\ny\nz\n");
}

#[test]
fn later_parts_are_below_earlier_ones() {
    let (after, _) = file("a\nx\nb\nx\n").edit(patch("@@\n-b\n+B\n@@\n-x\n+X"));
    assert_eq!(after, "a\nx\nB\nX\n");
    let (after, _) = file("a\nb\n").edit(patch("@@\n-b\n+B\n@@\n-a\n+A"));
    assert_eq!(after, "A\nB\n", "parts in the wrong order are found all the same");
}

#[test]
fn takes_what_models_wrap_around_it() {
    let body = "*** Begin Patch\n*** Update File: f\n@@\n-a\n+b\n*** End Patch";
    for text in [
        format!("```\n{body}\n```\n"),
        format!("```diff\n{body}\n```"),
        format!("apply_patch <<'EOF'\n{body}\nEOF\n"),
        format!("<<\"PATCH\"\n{body}\nPATCH"),
        format!("Here is the patch:\n\n{body}\n\nThat should do."),
        body.replace('\n', "\r\n"),
    ] {
        assert_eq!(file("a\n").edit(Edit::Patch(text.clone())).0, "b\n", "{text}");
        assert_eq!(file("a\n").edit(Edit::Diff(text.clone())).0, "b\n", "handed in as a diff: {text}");
    }
}

#[test]
fn takes_blank_context_without_its_space() {
    let (after, nearness) = file("a\n\nb\n").edit(patch("@@\n a\n\n-b\n+c\n\n"));
    assert_eq!((after.as_str(), nearness), ("a\n\nc\n", Nearness::Exact));
}

#[test]
fn takes_context_without_its_space() {
    assert_eq!(file("fn a() {\n}\n").edit(patch("@@\nfn a() {\n+    b();\n }")).0, "fn a() {\n    b();\n}\n");
}

#[test]
fn takes_a_blank_line_too_many_at_the_end() {
    assert_eq!(file("a\nb\n").edit(patch("@@\n a\n-b\n+c\n ")).0, "a\nc\n");
}

#[test]
fn takes_the_header_of_a_diff() {
    assert_eq!(file("a\nb\n").edit(patch("@@ -7,9 +7,9 @@ fn nowhere()\n a\n-b\n+c")).0, "a\nc\n");
}

#[test]
fn blank_lines_of_a_new_file_may_lack_their_sign() {
    let text = "*** Begin Patch\n*** Add File: f\n+a\n\n+b\n\n*** End Patch";
    assert_eq!(files([]).edit(Edit::Patch(text.into())).0, "a\n\nb\n");
}
