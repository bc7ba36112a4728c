//! Replace and insert: what they change, and every byte that they do not.

use super::*;

fn exact(text: &str) -> (String, Nearness) {
    (text.to_owned(), Nearness::Exact)
}

#[test]
fn replaces_the_one_place() {
    assert_eq!(file("let a = 1;\nlet b = 2;\n").edit(replace("= 2", "= 3")), exact("let a = 1;\nlet b = 3;\n"));
}

#[test]
fn replaces_all_places_from_left_to_right() {
    let outcomes = file("aXbXc\n").outcomes(&[replace_all("X", "YY")]);
    assert_eq!(outcomes[0].after.as_deref(), Some(&b"aYYbYYc\n"[..]));
    assert_eq!((outcomes[0].places, outcomes[0].added, outcomes[0].removed), (2, 1, 1));
}

#[test]
fn keeps_crlf_for_text_with_lf() {
    let crlf = file("one\r\ntwo\r\nthree\r\n");
    assert_eq!(crlf.edit(replace("one\ntwo", "1\n2\n2b")), exact("1\r\n2\r\n2b\r\nthree\r\n"));
    assert_eq!(crlf.edit(replace("two", "2\n2b")), exact("one\r\n2\r\n2b\r\nthree\r\n"));
    assert_eq!(crlf.edit(replace("\nthree", "")), exact("one\r\ntwo\r\n"));
    assert_eq!(crlf.edit(replace_all("e\n", "E\n")), exact("onE\r\ntwo\r\nthreE\r\n"));
    assert_eq!(crlf.edit(insert(1, "x\ny")), exact("one\r\nx\r\ny\r\ntwo\r\nthree\r\n"));
}

#[test]
fn takes_crlf_in_a_file_of_lf() {
    assert_eq!(file("one\ntwo\n").edit(replace("one\r\ntwo\r\n", "1\r\n2\r\n")), exact("1\n2\n"));
}

#[test]
fn changes_line_ends_that_the_edit_spells_out() {
    assert_eq!(file("a\r\nb\r\n").edit(replace("a\r\nb", "a\nb")), exact("a\nb\r\n"));
}

#[test]
fn mixed_line_ends_stay_mixed() {
    assert_eq!(file("a\nb\r\nc\nd\r\n").edit(replace("b\nc", "b\nx\nc")), exact("a\nb\r\nx\r\nc\nd\r\n"));
}

#[test]
fn keeps_the_byte_order_mark() {
    assert_eq!(file("\u{feff}a\nb\n").edit(replace("a\n", "x\n")), exact("\u{feff}x\nb\n"));
    assert_eq!(file("\u{feff}a\n").edit(insert(0, "x")), exact("\u{feff}x\na\n"));
    assert_eq!(file("\u{feff}a\n").edit(diff("@@ -1 +1 @@\n-a\n+b")), exact("\u{feff}b\n"));
}

#[test]
fn keeps_the_state_of_the_final_newline() {
    assert_eq!(file("a\nb").edit(insert(2, "c\n")), exact("a\nb\nc"));
    assert_eq!(file("a\nb\n").edit(insert(2, "c")), exact("a\nb\nc\n"));
    assert_eq!(file("a\nb").edit(replace("b\n", "c\n")), exact("a\nc"));
    assert_eq!(file("a\nb").edit(patch("@@\n a\n-b\n+c\n+d")), exact("a\nc\nd"));
    assert_eq!(file("").edit(insert(0, "x")), exact("x\n"));
}

#[test]
fn inserts_before_the_first_line_and_after_any() {
    assert_eq!(file("a\nb\n").edit(insert(0, "x\n\n")), exact("x\n\na\nb\n"));
    assert_eq!(file("a\nb\n").edit(insert(1, "x")), exact("a\nx\nb\n"));
}

#[test]
fn forgives_trailing_space_and_keeps_that_of_lines_that_stay() {
    let (after, nearness) =
        file("fn a() {  \n    one();\t\n}\n").edit(replace("fn a() {\n    one();\n}", "fn a() {\n    two();\n}"));
    assert_eq!(after, "fn a() {  \n    two();\n}\n");
    assert_eq!(nearness, Nearness::TrailingSpace);
}

#[test]
fn forgives_an_indent_and_gives_it_to_the_new_text() {
    let source = file("impl A {\n    fn a() {\n        one();\n    }\n}\n");
    let (after, nearness) =
        source.edit(replace("fn a() {\n    one();\n}", "fn a() {\n    if x {\n        two();\n    }\n}"));
    assert_eq!(after, "impl A {\n    fn a() {\n        if x {\n            two();\n        }\n    }\n}\n");
    assert_eq!(nearness, Nearness::Indent);
    let (after, _) = file("a:\n  b\n  c\n").edit(replace("      b\n      c", "      b\n        d\n      c"));
    assert_eq!(after, "a:\n  b\n    d\n  c\n");
}

#[test]
fn forgives_a_first_line_that_lost_its_indent() {
    let source = file("class A:\n    def f(self):  \n        return 1\n");
    let (after, nearness) = source.edit(replace("def f(self):\n        return 1", "def g(self):\n        return 2"));
    assert_eq!(after, "class A:\n    def g(self):\n        return 2\n");
    assert_eq!(nearness, Nearness::Indent);
}

#[test]
fn forgives_spaces_for_tabs() {
    let source = file("func f() {\n\tif x {\n\t\tone()\n\t}\n}\n");
    let (after, nearness) =
        source.edit(replace("    if x {\n        one()\n    }", "    if y {\n        one()\n        two()\n    }"));
    assert_eq!(after, "func f() {\n\tif y {\n\t\tone()\n\t\ttwo()\n\t}\n}\n");
    assert_eq!(nearness, Nearness::Indent);
    let (after, _) = file("a\n  b\n    c\n").edit(block("\tb\n\t\tc", "\tb\n\t\td"));
    assert_eq!(after, "a\n  b\n    d\n");
}

#[test]
fn forgives_typographic_punctuation_and_keeps_it_in_lines_that_stay() {
    let source = file("It\u{2019}s \u{201c}here\u{201d}\u{a0}\u{2014} wait\u{2026}\nand there\n");
    let (after, nearness) = source.edit(replace("\"here\" - wait...", "'gone'"));
    assert_eq!(after, "It\u{2019}s 'gone'\nand there\n");
    assert_eq!(nearness, Nearness::Punctuation);
    let (after, nearness) =
        source.edit(block("It's \"here\" - wait...\nand there", "It's \"here\" - wait...\nand here"));
    assert_eq!(after, "It\u{2019}s \u{201c}here\u{201d}\u{a0}\u{2014} wait\u{2026}\nand here\n");
    assert_eq!(nearness, Nearness::Punctuation);
}

#[test]
fn prefers_the_exact_place_to_a_near_one() {
    assert_eq!(file("  a b\na b  \n").edit(replace("a b  \n", "x\n")), exact("  a b\nx\n"));
}

#[test]
fn leaves_bytes_that_are_not_utf_8() {
    let bytes = [b"caf\xe9 one\r\n".as_slice(), b"two\r\n"].concat();
    let memory = Memory([("f".to_owned(), Source { bytes: Arc::from(bytes), executable: true })].into());
    let outcomes = memory.outcomes(&[replace("one\ntwo", "1\n2")]);
    assert_eq!(outcomes[0].after.as_deref(), Some(&b"caf\xe9 1\r\n2\r\n"[..]));
    assert!(outcomes[0].executable);
}

#[test]
fn edits_see_those_before_them() {
    let outcomes = file("a\n").outcomes(&[replace("a", "b"), replace("b", "c"), create("g", "x\n"), patch_of_g()]);
    assert_eq!(outcomes[0].after.as_deref(), Some(&b"c\n"[..]));
    assert_eq!(outcomes[0].places, 2);
    assert_eq!(outcomes[1].after.as_deref(), Some(&b"y\n"[..]));
    assert_eq!((outcomes[1].added, outcomes[1].removed), (1, 0));
}

fn patch_of_g() -> Edit {
    Edit::Patch("*** Begin Patch\n*** Update File: g\n@@\n-x\n+y\n*** End Patch".into())
}

#[test]
fn one_refusal_stops_all() {
    let source = file("a\n");
    assert_eq!(source.outcomes(&[replace("a", "b")]).len(), 1, "alone it is carried out");
    assert!(apply(&source, &[replace("a", "b"), replace("zzz", "y")]).is_err());
}

#[test]
fn edits_are_plain_data() {
    let edits = [replace("a", "b"), insert(1, "x"), create("g", ""), Edit::Diff("d".into())];
    let text = serde_json::to_string(&edits).unwrap();
    assert_eq!(
        text,
        r#"[{"replace":{"path":"f","old":"a","new":"b","all":false}},{"insert":{"path":"f","after":1,"text":"x"}},{"create":{"path":"g","text":""}},{"diff":"d"}]"#
    );
    assert_eq!(serde_json::from_str::<Vec<Edit>>(&text).unwrap(), edits);
}
