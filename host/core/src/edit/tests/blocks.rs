//! SEARCH and REPLACE, however models dress them up.

use super::*;

#[test]
fn several_blocks_for_several_files() {
    let text = "\
I changed two files.

src/a.py
```python
<<<<<<< SEARCH
one
=======
1
>>>>>>> REPLACE
```

```python
<<<<<<< SEARCH
two
=======
2
>>>>>>> REPLACE
```

**`src/b.py`**
<<<<<<< SEARCH
=======
new
>>>>>>> REPLACE
";
    let outcomes = files([("src/a.py", "one\ntwo\n")]).outcomes(&[Edit::Blocks(text.into())]);
    assert_eq!(outcomes[0].after.as_deref(), Some(&b"1\n2\n"[..]));
    assert_eq!((outcomes[0].path.as_str(), outcomes[0].places), ("src/a.py", 2));
    assert_eq!((outcomes[1].path.as_str(), outcomes[1].after.as_deref()), ("src/b.py", Some(&b"new\n"[..])));
}

#[test]
fn the_path_is_found_however_it_is_written() {
    for above in [
        "f",
        "`f`",
        "**f**",
        "### f",
        "f:",
        "File: f",
        "**`f`**:",
        "```\nf",
        "f\n```python",
        "```rust\nf\n",
        "f\n\n```",
    ] {
        let text = format!("{above}\n<<<<<<< SEARCH\na\n=======\nb\n>>>>>>> REPLACE\n");
        assert_eq!(file("a\n").edit(Edit::Blocks(text)).0, "b\n", "{above}");
    }
}

#[test]
fn an_empty_search_fills_an_empty_file() {
    assert_eq!(file("").edit(Edit::Blocks("f\n<<<<<<< SEARCH\n=======\na\n>>>>>>> REPLACE".into())).0, "a\n");
}

#[test]
fn an_empty_replace_removes_lines() {
    assert_eq!(
        file("a\nb\nc\n").edit(Edit::Blocks("f\n<<<<<<< SEARCH\nb\n=======\n>>>>>>> REPLACE".into())).0,
        "a\nc\n"
    );
}

#[test]
fn whole_lines_only() {
    assert_eq!(file("ab\nb\n").edit(block("b", "c")).0, "ab\nc\n");
}

#[test]
fn a_text_may_have_a_line_of_equals_signs_of_another_width() {
    let (after, _) = file("Title\n=====\ntext\n").edit(block("Title\n=====\ntext", "Title\n=====\nmore"));
    assert_eq!(after, "Title\n=====\nmore\n");
}

#[test]
fn marks_of_other_widths() {
    let text = "f\n<<<<< SEARCH\na\n=====\nb\n>>>>> REPLACE\n";
    assert_eq!(file("a\n").edit(Edit::Blocks(text.into())).0, "b\n");
}
