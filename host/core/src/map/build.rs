//! The tree of a map: only folders with changes are written, everything else is taken over by its id.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::{Map, Node, written};
use crate::id::Oid;
use crate::tree::{self, Item, Sort, Trees};

/// A tree that was built, and the trees below it that are in no store yet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Built {
    /// The workspace's tree.
    pub root: Oid,
    /// The bytes of each new tree.
    pub new: HashMap<Oid, Arc<[u8]>>,
}

/// Trees that were built, over those that are stored.
pub struct Over<'a, T: ?Sized> {
    /// What was built.
    pub built: &'a Built,
    /// Where the rest is.
    pub under: &'a T,
}

impl<T: Trees + ?Sized> Trees for Over<'_, T> {
    type Error = T::Error;

    fn tree(&self, id: Oid) -> Result<Arc<[u8]>, T::Error> {
        self.built.new.get(&id).map_or_else(|| self.under.tree(id), |bytes| Ok(Arc::clone(bytes)))
    }

    fn id_of(&self, bytes: &[u8]) -> Oid {
        self.under.id_of(bytes)
    }
}

/// The changes of one folder, by the first part of their paths.
#[derive(Default)]
struct Change<'a> {
    here: Option<Node>,
    below: Vec<(&'a str, Node)>,
}

pub(super) fn build<T: Trees + ?Sized>(map: &Map, trees: &T) -> Result<Built, T::Error> {
    let mut built = Built { root: map.base, new: HashMap::new() };
    if map.is_empty() {
        return Ok(built);
    }
    let changes = map.iter().map(|(path, node)| (path.as_str(), *node)).collect();
    let root = folder(trees, Some(map.base), changes, &mut built.new)?;
    built.root = match root {
        Some(root) => root,
        None => add(trees, Vec::new(), &mut built.new),
    };
    Ok(built)
}

fn add<T: Trees + ?Sized>(trees: &T, bytes: Vec<u8>, new: &mut HashMap<Oid, Arc<[u8]>>) -> Oid {
    let id = trees.id_of(&bytes);
    new.insert(id, bytes.into());
    id
}

/// Writes one folder; `None` if nothing is in it. Goes as deep as the paths that changed, which [`Map::MAX_DEPTH`] and
/// [`tree::MAX_DEPTH`] bound.
fn folder<T: Trees + ?Sized>(
    trees: &T,
    base: Option<Oid>,
    changes: Vec<(&str, Node)>,
    new: &mut HashMap<Oid, Arc<[u8]>>,
) -> Result<Option<Oid>, T::Error> {
    let mut parts: BTreeMap<&str, Change<'_>> = BTreeMap::new();
    for (path, node) in changes {
        match path.split_once('/') {
            Some((part, rest)) => parts.entry(part).or_default().below.push((rest, node)),
            None => parts.entry(path).or_default().here = Some(node),
        }
    }
    let bytes = base.map_or_else(|| Ok(Arc::from([])), |id| trees.tree(id))?;
    let mut items = Vec::new();
    for item in tree::items(&bytes) {
        let item = item?;
        match std::str::from_utf8(item.name).ok().and_then(|name| parts.remove(name)) {
            None => items.push(item),
            Some(change) => items.extend(entry(trees, Some(item), item.name, change, new)?),
        }
    }
    for (part, change) in parts {
        items.extend(entry(trees, None, part.as_bytes(), change, new)?);
    }
    if items.is_empty() {
        return Ok(None);
    }
    items.sort_by(|a, b| tree::order((a.name, a.sort()), (b.name, b.sort())));
    let mut written = Vec::with_capacity(bytes.len() + 64);
    items.iter().for_each(|item| tree::push(&mut written, item));
    Ok(Some(add(trees, written, new)))
}

/// One entry of a folder after its change.
fn entry<'a, T: Trees + ?Sized>(
    trees: &T,
    base: Option<Item<'a>>,
    name: &'a [u8],
    change: Change<'_>,
    new: &mut HashMap<Oid, Arc<[u8]>>,
) -> Result<Option<Item<'a>>, T::Error> {
    if let Some(node @ (Node::File { .. } | Node::Symlink { .. })) = change.here {
        let (mode, id) = written(node);
        return Ok(Some(Item { mode, name, id }));
    }
    let under = base.filter(|item| item.sort() == Sort::Directory);
    let kept = base.filter(|item| item.sort() != Sort::Directory && change.here.is_none());
    if kept.is_some() || change.below.is_empty() {
        return Ok(kept.or(under));
    }
    let id = folder(trees, under.map(|item| item.id), change.below, new)?;
    Ok(id.map(|id| Item { mode: under.map_or(tree::mode(Sort::Directory), |item| item.mode), name, id }))
}
