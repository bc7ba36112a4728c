//! The map against the obvious model: a dictionary of every file.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::tree::tests::{Memory, files, oid};

const FILE: u32 = 0o100_644;
const EXEC: u32 = 0o100_755;
const LINK: u32 = 0o120_000;

fn path(text: &str) -> RepoPath {
    RepoPath::new(text).unwrap()
}

fn file(content: u8) -> Node {
    Node::File { blob: oid(&[content]), executable: false }
}

/// Every file, whole.
#[derive(Clone, Default, Debug)]
struct Model(BTreeMap<String, (u32, Oid)>);

impl Model {
    fn is_dir(&self, path: &str) -> bool {
        self.0.keys().any(|key| key.strip_prefix(path).is_some_and(|rest| rest.starts_with('/')))
    }

    fn put(&mut self, path: &str, node: Node) -> bool {
        let below_file = path.match_indices('/').any(|(at, _)| self.0.contains_key(&path[..at]));
        let fine = !below_file && !self.is_dir(path);
        if fine {
            self.0.insert(path.to_owned(), written(node));
        }
        fine
    }

    fn tree(&self, trees: &Memory) -> Oid {
        let all: Vec<_> = self.0.iter().map(|(path, (mode, id))| (path.as_str(), *mode, *id)).collect();
        trees.of(&all)
    }
}

#[derive(Clone, Debug)]
enum Op {
    Put(String, Node),
    Remove(String),
    Snapshot,
    Restore(usize),
    Commit,
}

fn any_path() -> impl Strategy<Value = String> {
    // Few names, and those that git sorts in surprising places, so that paths meet.
    let part = prop::sample::select(vec!["a", "a-", "a.b", "a0", "b"]);
    prop::collection::vec(part, 1..4).prop_map(|parts| parts.join("/"))
}

fn any_node() -> impl Strategy<Value = Node> {
    (0_u8..4, 0_u8..5).prop_map(|(content, sort)| match sort {
        0 => Node::Symlink { blob: oid(&[content]) },
        1 => Node::File { blob: oid(&[content]), executable: true },
        _ => file(content),
    })
}

fn any_op() -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => (any_path(), any_node()).prop_map(|(path, node)| Op::Put(path, node)),
        4 => any_path().prop_map(Op::Remove),
        1 => Just(Op::Snapshot),
        1 => (0_usize..8).prop_map(Op::Restore),
        1 => Just(Op::Commit),
    ]
}

fn check(trees: &Memory, map: &Map, model: &Model, asked: &[String]) {
    for text in asked {
        let expected = match model.0.get(text) {
            Some((LINK, blob)) => Some(Found::Symlink { blob: *blob }),
            Some((mode, blob)) => Some(Found::File { blob: *blob, executable: *mode == EXEC }),
            None => model.is_dir(text).then_some(Found::Directory),
        };
        assert_eq!(map.at(trees, &path(text)).unwrap(), expected, "{text}");
    }
    let built = map.build(trees).unwrap();
    let expected: Vec<_> = model.0.iter().map(|(path, (mode, id))| (path.clone(), *mode, *id)).collect();
    assert_eq!(files(&Over { built: &built, under: trees }, built.root), expected);
    assert_eq!(built.root, model.tree(trees), "the id is that of the same files built from nothing");
    assert!(map.len() <= expected.len() + files(trees, map.base()).len());
    assert_eq!(map.is_empty(), built.root == map.base());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn a_map_is_the_files_it_stands_for(
        base in prop::collection::vec((any_path(), any_node()), 0..12),
        ops in prop::collection::vec(any_op(), 0..30),
    ) {
        let trees = Memory::default();
        let mut model = Model::default();
        base.iter().for_each(|(path, node)| _ = model.put(path, *node));
        let mut map = Map::new(model.tree(&trees));
        let mut kept: Vec<(Map, Model)> = Vec::new();
        let mut asked: Vec<String> = base.into_iter().map(|(path, _)| path).collect();
        for op in ops {
            match op {
                Op::Put(at, node) => {
                    let done = map.put(&trees, &path(&at), node).unwrap().is_ok();
                    prop_assert_eq!(done, model.put(&at, node), "put {}", at);
                    asked.push(at);
                }
                Op::Remove(at) => {
                    let done = map.remove(&trees, &path(&at)).unwrap().is_ok();
                    prop_assert_eq!(done, model.0.remove(&at).is_some(), "remove {}", at);
                    asked.push(at);
                }
                Op::Snapshot => kept.push((map.clone(), model.clone())),
                Op::Restore(n) => {
                    if let Some((then, files)) = kept.get(n) {
                        map = then.onto(&trees, map.base()).unwrap();
                        model = files.clone();
                    }
                }
                Op::Commit => map = Map::new(trees.keep(&map.build(&trees).unwrap())),
            }
            check(&trees, &map, &model, &asked);
        }
    }
}

#[test]
fn what_is_as_in_the_base_is_no_change() {
    let trees = Memory::default();
    let mut map = Map::new(trees.of(&[("a", FILE, oid(&[1])), ("d/b", EXEC, oid(&[2])), ("l", LINK, oid(&[3]))]));
    for (at, node) in [
        ("a", file(1)),
        ("d/b", Node::File { blob: oid(&[2]), executable: true }),
        ("l", Node::Symlink { blob: oid(&[3]) }),
    ] {
        map.put(&trees, &path(at), file(9)).unwrap().unwrap();
        assert_eq!(map.len(), 1);
        map.put(&trees, &path(at), node).unwrap().unwrap();
        assert!(map.is_empty(), "{at}");
    }
    map.put(&trees, &path("new"), file(1)).unwrap().unwrap();
    map.remove(&trees, &path("new")).unwrap().unwrap();
    assert!(map.is_empty());
}

#[test]
fn nothing_is_put_below_a_link_a_file_or_a_submodule() {
    let trees = Memory::default();
    let base = trees.of(&[("link", LINK, oid(b"/etc")), ("file", FILE, oid(&[1])), ("sub", 0o160_000, oid(&[2]))]);
    let mut map = Map::new(base);
    let mut put = |at: &str| map.put(&trees, &path(at), file(1)).unwrap();
    assert_eq!(put("link/passwd"), Err(Clash::Link("link".into())));
    assert_eq!(put("file/x"), Err(Clash::Below("file".into())));
    assert_eq!(put("sub/x/y"), Err(Clash::Submodule("sub".into())));
    assert_eq!(put("sub"), Err(Clash::Submodule("sub".into())));
    assert_eq!(put("beside/x"), Ok(()));
    assert_eq!(put("beside"), Err(Clash::Directory(path("beside"))));
    assert_eq!(put("link"), Ok(()), "a link itself can be replaced by a file");
    assert_eq!(map.at(&trees, &path("link/passwd")), Ok(None));
}

#[test]
fn a_clone_shares_until_one_of_them_changes() {
    let trees = Memory::default();
    let mut map = Map::new(trees.of(&[]));
    map.put(&trees, &path("a"), file(1)).unwrap().unwrap();
    let snapshot = map.clone();
    assert!(Arc::ptr_eq(&map.nodes, &snapshot.nodes));
    map.put(&trees, &path("b"), file(1)).unwrap().unwrap();
    assert_eq!((snapshot.len(), map.len()), (1, 2));
}

#[test]
fn a_change_reads_and_writes_only_its_own_folders() {
    let trees = Memory::default();
    let names: Vec<String> = (0..50).flat_map(|d| (0..20).map(move |f| format!("d{d}/e{f}/f"))).collect();
    let base = trees.of(&names.iter().map(|name| (name.as_str(), FILE, oid(&[1]))).collect::<Vec<_>>());
    let mut map = Map::new(base);
    trees.reads.set(0);
    map.put(&trees, &path("d3/e3/f"), file(2)).unwrap().unwrap();
    let built = map.build(&trees).unwrap();
    assert_eq!(built.new.len(), 3);
    assert!(trees.reads.get() <= 12, "{}", trees.reads.get());
}

#[test]
fn names_that_are_not_utf_8_stay_where_they_are() {
    let trees = Memory::default();
    let mut bytes = Vec::new();
    for name in [&b"a"[..], b"caf\xe9", b"z"] {
        tree::push(&mut bytes, &tree::Item { mode: FILE, name, id: oid(name) });
    }
    let mut map = Map::new(trees.add(bytes));
    map.remove(&trees, &path("a")).unwrap().unwrap();
    map.remove(&trees, &path("z")).unwrap().unwrap();
    let built = map.build(&trees).unwrap();
    let mut expected = Vec::new();
    tree::push(&mut expected, &tree::Item { mode: FILE, name: b"caf\xe9", id: oid(b"caf\xe9") });
    assert_eq!(&built.new[&built.root][..], expected);
}

#[test]
fn a_path_may_be_only_so_deep() {
    let trees = Memory::default();
    let mut map = Map::new(trees.of(&[]));
    let deep = path(&vec!["d"; Map::MAX_DEPTH + 1].join("/"));
    assert_eq!(map.put(&trees, &deep, file(1)).unwrap(), Err(Clash::Deep(deep)));
    let fine = path(&vec!["d"; Map::MAX_DEPTH].join("/"));
    assert_eq!(map.put(&trees, &fine, file(1)).unwrap(), Ok(()));
    map.build(&trees).unwrap();
}
