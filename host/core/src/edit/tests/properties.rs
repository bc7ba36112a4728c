//! The engine against a simple model of what it promises, and against any input at all.

use proptest::prelude::*;

use super::*;
use crate::edit::hunk::{Hunk, Op};
use crate::edit::text::BOM;

/// Texts of few letters, so that there are repetitions, overlaps and blank lines.
fn small() -> impl Strategy<Value = String> {
    "[ab \n]{0,24}"
}

/// Anything that a parser might stumble over.
fn hostile() -> impl Strategy<Value = String> + Clone {
    let piece = prop::sample::select(vec![
        "*** Begin Patch\n",
        "*** End Patch\n",
        "*** Update File: f\n",
        "*** Add File: g\n",
        "*** Delete File: f\n",
        "*** Move to: h\n",
        "*** End of File\n",
        "@@\n",
        "@@ a\n",
        "@@ -1,2 +1,2 @@\n",
        "@@ -0,0 +1 @@ b\n",
        "@@ -",
        "--- a/f\n",
        "+++ b/f\n",
        "--- /dev/null\n",
        "+++ /dev/null\n",
        "diff --git a/f b/f\n",
        "rename from f\n",
        "rename to g\n",
        "new file mode 100644\n",
        "deleted file mode 100644\n",
        "\\ No newline at end of file\n",
        "<<<<<<< SEARCH\n",
        "=======\n",
        ">>>>>>> REPLACE\n",
        "f\n",
        "```\n",
        " a\n",
        "-a\n",
        "+b\n",
        "-",
        "+",
        " ",
        "\n",
        "a\n",
        "b\r\n",
        "\u{2026}",
        "\u{2019}\n",
        "\"a\\",
        "-- \n",
    ]);
    prop_oneof![
        4 => prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat()),
        1 => any::<String>(),
    ]
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => prop::collection::vec(prop::sample::select(vec!["a", "b", " ", "\t", "\n", "\r\n", "\r", "\u{2019}", "\u{2026}", "\u{feff}"]), 0..24)
            .prop_map(|pieces| pieces.concat().into_bytes()),
        1 => prop::collection::vec(any::<u8>(), 0..48),
    ]
}

fn any_edit() -> impl Strategy<Value = Edit> {
    edit_of(hostile())
}

fn edit_of(text: impl Strategy<Value = String> + Clone + 'static) -> impl Strategy<Value = Edit> {
    prop_oneof![
        text.clone().prop_map(Edit::Patch),
        text.clone().prop_map(Edit::Blocks),
        text.clone().prop_map(Edit::Diff),
        (text.clone(), text.clone(), any::<bool>()).prop_map(|(old, new, all)| Edit::Replace {
            path: "f".into(),
            old,
            new,
            all
        }),
        (0..5_u32, text.clone()).prop_map(|(after, text)| Edit::Insert { path: "f".into(), after, text }),
        text.clone().prop_map(|text| Edit::Create { path: "g".into(), text }),
    ]
}

/// Where a text is, overlaps too.
fn places(text: &str, part: &str) -> Vec<usize> {
    (0..text.len()).filter(|&at| text.is_char_boundary(at) && text[at..].starts_with(part)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn replaces_an_exact_text_as_the_model_does(before in small(), old in "[ab \n]{1,6}", new in small()) {
        let result = apply(&file(&before), &[replace(&old, &new)]);
        match places(&before, &old).as_slice() {
            [at] if old != new => {
                let wanted = [&before[..*at], &new, &before[at + old.len()..]].concat();
                let outcomes = result.unwrap();
                prop_assert_eq!(outcomes[0].after.as_deref(), Some(wanted.as_bytes()));
                prop_assert_eq!(outcomes[0].nearness, Nearness::Exact);
            }
            [_, _, ..] => prop_assert!(result.is_err()),
            _ => {
                // What is not there exactly is refused or near, never changed as if it were there.
                prop_assert!(result.is_err() || result.unwrap()[0].after.as_deref() != Some(before.as_bytes()));
            }
        }
    }

    #[test]
    fn replaces_all_as_the_standard_library_does(before in small(), old in "[ab \n]{1,3}", new in small()) {
        let wanted = before.replace(&old, &new);
        match apply(&file(&before), &[replace_all(&old, &new)]) {
            Ok(outcomes) => prop_assert_eq!(outcomes[0].after.as_deref(), Some(wanted.as_bytes())),
            Err(_) => prop_assert_eq!(wanted, before),
        }
    }

    /// An edit does to a file in CRLF what it does to the same file in LF, and leaves no line end of another style.
    #[test]
    fn crlf_is_a_matter_of_the_file(before in "[ab \n]{0,20}\n", edit in edit_of(hostile().prop_map(|text| text.replace('\r', "")))) {
        let crlf = before.replace('\n', "\r\n");
        match (apply(&file(&before), std::slice::from_ref(&edit)), apply(&file(&crlf), &[edit])) {
            (Ok(lf), Ok(crlf)) => for (lf, crlf) in lf.iter().zip(&crlf) {
                let text = |outcome: &Outcome| outcome.after.clone().map(|after| String::from_utf8(after).unwrap());
                prop_assert_eq!(text(lf), text(crlf).map(|text| text.replace("\r\n", "\n")));
                // What was made by the edit itself has its line ends.
                let made = lf.path != "f" && lf.renamed_from.is_none() || lf.removed as usize == before.lines().count();
                prop_assert!(made || text(crlf).is_none_or(|text| !text.replace("\r\n", "").contains('\n')));
            },
            (Err(lf), Err(crlf)) => prop_assert_eq!(lf.kind, crlf.kind),
            (lf, crlf) => prop_assert!(false, "{lf:?} {crlf:?}"),
        }
    }

    #[test]
    fn the_byte_order_mark_stays(before in small(), edit in any_edit()) {
        let marked = file(&format!("\u{feff}{before}"));
        // A file that a patch removes, in its words or in git's, and makes anew is another file.
        let words = format!("{edit:?}").to_lowercase();
        let anew = words.contains("delete") || words.contains("/dev/null");
        if let Ok(outcomes) = apply(&marked, &[edit]) {
            for after in outcomes.iter().filter(|outcome| outcome.path == "f" && outcome.places > 0).filter_map(|outcome| outcome.after.as_ref()) {
                prop_assert!(after.starts_with(BOM) || outcomes.len() > 1 || anew);
            }
        }
    }

    /// Nothing that an edit or a file holds makes the engine panic, and what it touches is what it said it would.
    #[test]
    fn takes_anything(before in bytes(), edits in prop::collection::vec(any_edit(), 0..4)) {
        let memory = Memory([("f".to_owned(), Source { bytes: Arc::from(before), executable: false })].into());
        let named = touched(&edits);
        match apply(&memory, &edits) {
            Ok(outcomes) => {
                let paths: Vec<_> = outcomes.into_iter().map(|outcome| outcome.path).collect();
                prop_assert_eq!(named, Ok(paths));
            }
            Err(fault) => prop_assert!(!fault.message.is_empty()),
        }
    }

    /// A file is only ever asked for if it was named.
    #[test]
    fn reads_only_what_it_touches(edits in prop::collection::vec(any_edit(), 1..4)) {
        struct Asked(std::cell::RefCell<Vec<String>>);
        impl Files for Asked {
            fn read(&self, path: &str) -> Result<Option<Source>, Fault> {
                self.0.borrow_mut().push(path.to_owned());
                Ok(Some(Source { bytes: Arc::from(&b"a\nb\n"[..]), executable: false }))
            }
        }
        let asked = Asked(Default::default());
        let _ = apply(&asked, &edits);
        if let Ok(named) = touched(&edits) {
            prop_assert!(asked.0.borrow().iter().all(|path| named.contains(path)));
        }
    }

    /// A hunk made of two texts is those two texts.
    #[test]
    fn a_hunk_has_both_sides(old in "[ab\n]{0,24}", new in "[ab\n]{0,24}") {
        let (old, new): (Vec<_>, Vec<_>) = (old.split('\n').collect(), new.split('\n').collect());
        let hunk = Hunk { lines: Hunk::between(&old, &new), ..Hunk::default() };
        prop_assert_eq!(hunk.old(), old);
        prop_assert_eq!(hunk.new_lines(), new);
    }

    /// What the `similar` crate says differs, the engine puts in: a diff of any two texts turns the one into the other.
    #[test]
    fn a_diff_of_two_files_makes_the_one_the_other(before in "([ab ]{0,3}\n){1,12}", after in "([ab ]{0,3}\n){1,12}") {
        prop_assume!(before != after);
        let text = similar::TextDiff::from_lines(&before, &after).unified_diff().header("a/f", "b/f").to_string();
        match apply(&file(&before), &[Edit::Diff(text)]) {
            Ok(outcomes) => prop_assert_eq!(outcomes[0].after.as_deref(), Some(after.as_bytes())),
            Err(fault) => prop_assert!(false, "{}", fault),
        }
    }
    /// Without line numbers a part may be refused for being in several places, but never put into the wrong one.
    #[test]
    fn a_patch_or_blocks_are_right_or_refused(before in "([abcd]{0,2}\n){1,12}", after in "([abcd]{0,2}\n){1,12}") {
        prop_assume!(before != after);
        let difference = similar::TextDiff::from_lines(&before, &after);
        let (mut patched, mut blocks) = (String::new(), String::new());
        for hunk in difference.unified_diff().context_radius(1).iter_hunks() {
            let lines: Vec<(Op, &str)> = hunk.iter_changes().map(|change| (match change.tag() {
                similar::ChangeTag::Equal => Op::Keep,
                similar::ChangeTag::Delete => Op::Drop,
                similar::ChangeTag::Insert => Op::Add,
            }, change.value())).collect();
            let side = |but: Op| lines.iter().filter(|(op, _)| *op != but).map(|(_, line)| *line).collect::<String>();
            let sign = |op: &Op| match op { Op::Keep => ' ', Op::Drop => '-', Op::Add => '+' };
            patched += "@@\n";
            lines.iter().for_each(|(op, line)| { patched.push(sign(op)); patched += line; });
            blocks += &format!("f\n<<<<<<< SEARCH\n{}=======\n{}>>>>>>> REPLACE\n", side(Op::Add), side(Op::Drop));
        }
        for edit in [patch(patched.trim_end_matches('\n')), Edit::Blocks(blocks)] {
            if let Ok(outcomes) = apply(&file(&before), &[edit]) {
                prop_assert_eq!(outcomes[0].after.as_deref(), Some(after.as_bytes()));
            }
        }
    }
}
