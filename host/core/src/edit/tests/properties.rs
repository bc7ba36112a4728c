//! The engine against a simple model of what it promises, and against any input at all.

use proptest::prelude::*;

use super::*;
use crate::edit::hunk::Hunk;
use crate::edit::text::BOM;

/// Texts of few letters, so that there are repetitions, overlaps and blank lines.
fn small() -> impl Strategy<Value = String> {
    "[ab \n]{0,24}"
}

/// Anything that a parser might stumble over.
fn hostile() -> impl Strategy<Value = String> {
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
    prop_oneof![
        hostile().prop_map(Edit::Patch),
        hostile().prop_map(Edit::Blocks),
        hostile().prop_map(Edit::Diff),
        (hostile(), hostile(), any::<bool>()).prop_map(|(old, new, all)| Edit::Replace {
            path: "f".into(),
            old,
            new,
            all
        }),
        (0..5_u32, hostile()).prop_map(|(after, text)| Edit::Insert { path: "f".into(), after, text }),
        hostile().prop_map(|text| Edit::Create { path: "g".into(), text }),
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

    /// An edit in LF of a file in CRLF does what the same edit does in LF.
    #[test]
    fn crlf_is_a_matter_of_the_file(before in small(), edit in any_edit()) {
        let has_cr = format!("{edit:?}").contains("\\r");
        prop_assume!(!has_cr && before.contains('\n'));
        let crlf = |text: &[u8]| String::from_utf8(text.to_vec()).unwrap().replace('\n', "\r\n");
        let (lf, cr) = (apply(&file(&before), std::slice::from_ref(&edit)), apply(&file(&crlf(before.as_bytes())), &[edit]));
        match (lf, cr) {
            (Ok(lf), Ok(cr)) => for (lf, cr) in lf.iter().zip(&cr).filter(|(lf, _)| lf.path == "f" && lf.added + lf.removed > 0) {
                // A file that lost its last CRLF, or its contents, has no style left to keep.
                let (lf, cr) = (lf.after.as_deref().map(crlf), cr.after.as_deref().map(|text| String::from_utf8_lossy(text).into_owned()));
                prop_assert!(lf == cr || !before.trim_end_matches('\n').contains('\n') || lf.as_ref().is_some_and(|lf| lf.replace("\r\n", "\n") == *cr.as_ref().unwrap()), "{lf:?} {cr:?}");
            },
            (Err(lf), Err(cr)) => prop_assert_eq!(lf.kind, cr.kind),
            (lf, cr) => prop_assert!(false, "{lf:?} {cr:?}"),
        }
    }

    #[test]
    fn the_byte_order_mark_stays(before in small(), edit in any_edit()) {
        let marked = file(&format!("\u{feff}{before}"));
        if let Ok(outcomes) = apply(&marked, &[edit]) {
            for after in outcomes.iter().filter(|outcome| outcome.path == "f" && outcome.places > 0).filter_map(|outcome| outcome.after.as_ref()) {
                prop_assert!(after.starts_with(BOM) || outcomes.len() > 1);
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
}
