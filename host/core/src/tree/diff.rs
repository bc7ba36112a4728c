//! What differs between two trees, looking only at folders that differ.

use std::cmp::Ordering;
use std::sync::Arc;

use super::{Item, MAX_DEPTH, MAX_VISITS, Malformed, Sort, Trees, items, order};
use crate::id::Oid;

/// A path that differs. Folders are never one: what is in them is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Delta {
    /// From the top; any bytes.
    pub path: Vec<u8>,
    /// Mode and id before; `None` if it was not there.
    pub old: Option<(u32, Oid)>,
    /// Mode and id after.
    pub new: Option<(u32, Oid)>,
}

/// Two folders at the same path, one of which may be missing.
type Pair = (Vec<u8>, Option<Oid>, Option<Oid>);

/// Everything that differs, in the order of the paths. A path may come twice, when a folder took a file's place.
pub fn diff<T: Trees + ?Sized>(trees: &T, old: Oid, new: Oid) -> Result<Vec<Delta>, T::Error> {
    let mut deltas = Vec::new();
    let mut pairs: Vec<Pair> = vec![(Vec::new(), Some(old), Some(new))];
    let mut visits = 0_u64;
    while let Some((prefix, old, new)) = pairs.pop() {
        if old == new {
            continue;
        }
        if prefix.iter().filter(|b| **b == b'/').count() >= MAX_DEPTH {
            return Err(Malformed::Deep.into());
        }
        let (old, new) = (load(trees, old)?, load(trees, new)?);
        let (old, new) = (sorted(&old)?, sorted(&new)?);
        visits += (old.len() + new.len()) as u64;
        if visits > MAX_VISITS {
            return Err(Malformed::Many.into());
        }
        compare(&prefix, &old, &new, &mut deltas, &mut pairs);
    }
    deltas.sort_by(|a, b| a.path.cmp(&b.path).then(a.new.is_some().cmp(&b.new.is_some())));
    Ok(deltas)
}

fn load<T: Trees + ?Sized>(trees: &T, id: Option<Oid>) -> Result<Arc<[u8]>, T::Error> {
    id.map_or_else(|| Ok(Arc::from([])), |id| trees.tree(id))
}

/// A stranger's tree may be out of order; then walking two in step would see changes where there are none.
fn sorted(bytes: &[u8]) -> Result<Vec<Item<'_>>, Malformed> {
    let mut all = items(bytes).collect::<Result<Vec<_>, _>>()?;
    if !all.is_sorted_by(|a, b| order((a.name, a.sort()), (b.name, b.sort())).is_le()) {
        all.sort_by(|a, b| order((a.name, a.sort()), (b.name, b.sort())));
    }
    Ok(all)
}

fn compare(prefix: &[u8], old: &[Item<'_>], new: &[Item<'_>], deltas: &mut Vec<Delta>, pairs: &mut Vec<Pair>) {
    let (mut old, mut new) = (old.iter().peekable(), new.iter().peekable());
    loop {
        let side = match (old.peek(), new.peek()) {
            (None, None) => return,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(a), Some(b)) => order((a.name, a.sort()), (b.name, b.sort())),
        };
        let a = if side.is_le() { old.next() } else { None };
        let b = if side.is_ge() { new.next() } else { None };
        let Some(name) = a.or(b).map(|item| item.name) else { return };
        let path = [prefix, name].concat();
        if a.map(|a| (a.mode, a.id)) == b.map(|b| (b.mode, b.id)) {
            continue;
        }
        let folder = |item: Option<&Item<'_>>| item.filter(|i| i.sort() == Sort::Directory).map(|i| i.id);
        let leaf = |item: Option<&Item<'_>>| item.filter(|i| i.sort() != Sort::Directory).map(|i| (i.mode, i.id));
        if let (Some(_), _) | (_, Some(_)) = (folder(a), folder(b)) {
            pairs.push(([&path[..], b"/"].concat(), folder(a), folder(b)));
        }
        if let (Some(_), _) | (_, Some(_)) = (leaf(a), leaf(b)) {
            deltas.push(Delta { path, old: leaf(a), new: leaf(b) });
        }
    }
}
