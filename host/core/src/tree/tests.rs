//! Trees in memory, and what their code promises.

use std::cell::RefCell;
use std::collections::HashMap;

use super::*;
use crate::id::Hash;

/// A store of trees without git: ids are the start of a SHA-256.
#[derive(Default, Debug)]
pub(crate) struct Memory {
    trees: RefCell<HashMap<Oid, Arc<[u8]>>>,
    /// How many were asked for.
    pub reads: std::cell::Cell<usize>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Absent(Oid),
    Malformed(Malformed),
}

impl From<Malformed> for Fault {
    fn from(why: Malformed) -> Self {
        Self::Malformed(why)
    }
}

impl Trees for Memory {
    type Error = Fault;

    fn tree(&self, id: Oid) -> Result<Arc<[u8]>, Fault> {
        self.reads.set(self.reads.get() + 1);
        self.trees.borrow().get(&id).cloned().ok_or(Fault::Absent(id))
    }

    fn id_of(&self, bytes: &[u8]) -> Oid {
        oid(bytes)
    }
}

pub(crate) fn oid(bytes: &[u8]) -> Oid {
    let mut id = [0; 20];
    id.copy_from_slice(&Hash::of(bytes).0[..20]);
    Oid(id)
}

impl Memory {
    pub(crate) fn add(&self, bytes: Vec<u8>) -> Oid {
        let id = oid(&bytes);
        self.trees.borrow_mut().insert(id, bytes.into());
        id
    }

    pub(crate) fn keep(&self, built: &crate::map::Built) -> Oid {
        self.trees.borrow_mut().extend(built.new.iter().map(|(id, bytes)| (*id, Arc::clone(bytes))));
        built.root
    }

    /// A tree of these paths, the slow and obvious way.
    pub(crate) fn of(&self, files: &[(&str, u32, Oid)]) -> Oid {
        let mut names: Vec<&str> = files.iter().filter_map(|(path, ..)| path.split('/').next()).collect();
        names.sort_unstable();
        names.dedup();
        let mut all = Vec::new();
        for name in names {
            let below: Vec<_> = files
                .iter()
                .filter_map(|(path, mode, id)| Some((path.strip_prefix(name)?.strip_prefix('/')?, *mode, *id)))
                .collect();
            match files.iter().find(|(path, ..)| *path == name) {
                Some((_, mode, id)) => all.push((name, *mode, *id)),
                None => all.push((name, 0o040_000, self.of(&below))),
            }
        }
        all.sort_by_key(|(name, mode, _)| if *mode == 0o040_000 { format!("{name}/") } else { (*name).to_owned() });
        let mut bytes = Vec::new();
        all.iter().for_each(|(name, mode, id)| push(&mut bytes, &Item { mode: *mode, name: name.as_bytes(), id: *id }));
        self.add(bytes)
    }
}

/// Every file below a tree.
pub(crate) fn files<T: Trees<Error = Fault>>(trees: &T, root: Oid) -> Vec<(String, u32, Oid)> {
    let mut all = Vec::new();
    walk(trees, root, &mut |path, item| {
        if item.sort() != Sort::Directory {
            all.push((String::from_utf8_lossy(path).into_owned(), item.mode, item.id));
        }
        Ok(Step::Into)
    })
    .unwrap();
    all
}

const FILE: u32 = 0o100_644;

#[test]
fn a_walk_is_in_the_order_of_the_paths() {
    let (trees, blob) = (Memory::default(), oid(b"x"));
    let paths = ["a-b", "a.b", "a/b", "a/c/d", "a0", "b"];
    let root = trees.of(&paths.map(|path| (path, FILE, blob)));
    assert_eq!(files(&trees, root).into_iter().map(|(path, ..)| path).collect::<Vec<_>>(), paths);
}

#[test]
fn a_walk_stops_and_steps_over() {
    let (trees, blob) = (Memory::default(), oid(b"x"));
    let root = trees.of(&["a/b", "a/c", "d/e", "f"].map(|path| (path, FILE, blob)));
    let mut seen = Vec::new();
    walk(&trees, root, &mut |path, _| {
        seen.push(String::from_utf8_lossy(path).into_owned());
        Ok(match path {
            b"a" => Step::Over,
            b"d/e" => Step::Stop,
            _ => Step::Into,
        })
    })
    .unwrap();
    assert_eq!(seen, ["a", "d", "d/e"]);
}

#[test]
fn damaged_trees_are_errors() {
    let trees = Memory::default();
    for bytes in [&b"100644 a\0short"[..], b"100644", b"9 a\0aaaaaaaaaaaaaaaaaaaa", b"100644 a"] {
        let root = trees.add(bytes.to_vec());
        let walked = walk(&trees, root, &mut |_, _| Ok(Step::Into));
        assert_eq!(walked, Err(Fault::Malformed(Malformed::Bytes)), "{bytes:?}");
        assert!(diff(&trees, root, trees.of(&[])).is_err());
        assert!(find(&trees, root, "zz").is_err());
    }
}

#[test]
fn a_tree_that_is_too_deep_or_too_wide_ends() {
    let trees = Memory::default();
    let mut root = trees.of(&[("a", FILE, oid(b"x"))]);
    for _ in 0..MAX_DEPTH {
        let mut bytes = Vec::new();
        push(&mut bytes, &Item { mode: 0o040_000, name: b"d", id: root });
        root = trees.add(bytes);
    }
    assert_eq!(walk(&trees, root, &mut |_, _| Ok(Step::Into)), Err(Fault::Malformed(Malformed::Deep)));
    assert!(diff(&trees, root, trees.of(&[])).is_err());
}

#[test]
fn a_diff_reads_only_what_differs() {
    let (trees, x, y) = (Memory::default(), oid(b"x"), oid(b"y"));
    let names: Vec<String> = (0..100).flat_map(|d| (0..10).map(move |f| format!("d{d}/f{f}"))).collect();
    let old: Vec<_> = names.iter().map(|name| (name.as_str(), FILE, x)).collect();
    let mut new = old.clone();
    new[505].2 = y;
    let (a, b) = (trees.of(&old), trees.of(&new));
    trees.reads.set(0);
    let deltas = diff(&trees, a, b).unwrap();
    assert_eq!(deltas.len(), 1);
    assert_eq!(deltas[0].path, b"d50/f5");
    assert_eq!(trees.reads.get(), 4);
}

#[test]
fn a_diff_of_a_file_that_became_a_folder() {
    let (trees, x) = (Memory::default(), oid(b"x"));
    let (a, b) = (trees.of(&[("a", FILE, x), ("a.c", FILE, x)]), trees.of(&[("a/b", FILE, x), ("a.c", FILE, x)]));
    let deltas = diff(&trees, a, b).unwrap();
    let paths: Vec<_> = deltas.iter().map(|d| (&d.path[..], d.old.is_some(), d.new.is_some())).collect();
    assert_eq!(paths, [(&b"a"[..], true, false), (&b"a/b"[..], false, true)]);
}

#[test]
fn names_that_nobody_can_ask_for_are_escaped() {
    for (bytes, shown) in [
        (&b"src/lib.rs"[..], "src/lib.rs"),
        ("caf\u{e9}".as_bytes(), "caf\u{e9}"),
        (b"caf\xe9", "caf\\xe9"),
        (b"a\\b", "a\\x5cb"),
        (b"a\nb", "a\\x0ab"),
        (b"..", "\\x2e."),
        (b".git", "\\x2egit"),
        (b"a/.git/config", "\\x61/.git/config"),
        (b"", "\\x"),
    ] {
        if bytes.is_empty() {
            continue;
        }
        assert_eq!(escape(bytes), shown);
        assert_eq!(unescape(shown).as_deref(), Some(bytes));
    }
    for bad in ["\\", "\\x", "\\xg0", "\\x1", "\\n"] {
        assert_eq!(unescape(bad), None, "{bad}");
    }
}

proptest::proptest! {
    #[test]
    fn an_escaped_name_is_nobody_elses(bytes: Vec<u8>) {
        proptest::prop_assume!(!bytes.is_empty());
        let shown = escape(&bytes);
        let back = unescape(&shown);
        proptest::prop_assert_eq!(back.as_deref(), Some(&bytes[..]));
        let plain = crate::path::RepoPath::new(&shown).is_ok();
        proptest::prop_assert_eq!(plain, shown.as_bytes() == bytes && !shown.contains('\\'));
    }

    #[test]
    fn any_bytes_parse_or_fail(bytes: Vec<u8>) {
        for item in items(&bytes) {
            let _ = item.map(|item| item.sort());
        }
    }
}
