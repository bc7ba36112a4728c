//! Just one place, or none.

use super::*;

#[test]
fn each_level_is_unique_or_refused() {
    for (source, old) in [
        ("a = 1\nb\na = 1\n", "a = 1"),
        ("a = 1 \nb\na = 1\t\n", "a = 1\n"),
        ("  a = 1\n    b\n    a = 1\n      b\n", "a = 1\n  b"),
        ("say \u{2018}a\u{2019}\nb\nsay \u{201b}a\u{2019}\n", "say 'a'"),
    ] {
        let refusal = file(source).refuses(&[replace(old, "new")]);
        assert!(refusal.starts_with("Conflict: the text is in f more than once"), "{source}: {refusal}");
        let once: String = source.lines().take(2).flat_map(|line| [line, "\n"]).collect();
        assert!(file(&once).edit(replace(old, "new")).0.contains("new"), "with one place it is carried out: {source}");
    }
}

#[test]
fn places_that_overlap_are_two() {
    assert!(apply(&file("aaa\n"), &[replace("aa", "b")]).is_err());
    assert_eq!(file("aab\n").edit(replace("aa", "b")).0, "bb\n");
}

#[test]
fn all_is_exact_only() {
    assert!(apply(&file("a \nb\n"), &[replace_all("a\nb", "c")]).is_err());
    assert_eq!(file("a \nb\n").edit(replace("a\nb", "c")).0, "c\n", "one place may be near");
}

#[test]
fn blank_lines_are_not_near_each_other() {
    assert!(apply(&file("a\n \nb\n"), &[block("", "x")]).is_err());
    assert!(apply(&file("a\n\t\t\nb\n"), &[replace(" \n \n", "x\n")]).is_err());
}

#[test]
fn a_line_is_not_found_inside_another() {
    assert!(apply(&file("xab\n"), &[patch("@@\n-ab\n+c")]).is_err());
}

#[test]
fn an_ellipsis_is_replaced_whole_or_not_at_all() {
    assert!(apply(&file("a\u{2026}b\n"), &[replace("a..", "x")]).is_err());
    assert_eq!(file("a\u{2026}b\n").edit(replace("a...b", "x")).0, "x\n");
}

#[test]
fn a_huge_file_of_equal_lines_takes_no_longer() {
    let source = file(&"aaaaaaaa\n".repeat(20_000));
    let old = "aaaaaaaa\n".repeat(10_000);
    assert!(
        apply(&source, &[patch(&format!("@@\n{}-b\n+c", old.replace("aaaa\n", "aaab\n").replace("aaaab", " aaab")))])
            .is_err()
    );
    assert!(apply(&source, &[replace(&format!("{old}b"), "c")]).is_err());
    assert!(apply(&source, &[block(&old.replace("aaaaaaaa", "  aaaaaaaa"), "c")]).is_err());
}
