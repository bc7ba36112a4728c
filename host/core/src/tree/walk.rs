//! Every entry below a tree, in the order of the paths.

use std::sync::Arc;

use super::{Item, Items, MAX_DEPTH, MAX_VISITS, Malformed, Sort, Trees, items};
use crate::id::Oid;

/// What to do after an entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// Go on, and into it if it is a folder.
    Into,
    /// Go on beside it.
    Over,
    /// That is all.
    Stop,
}

/// Is shown each entry with its whole path, and says where to go next.
pub type Visit<'a, E> = dyn FnMut(&[u8], &Item<'_>) -> Result<Step, E> + 'a;

/// One folder on the way down.
struct Level {
    bytes: Arc<[u8]>,
    at: usize,
    /// Length of the path of the folder, with its `/`.
    prefix: usize,
}

/// Shows every entry with its whole path, folders before what is in them. No recursion: a stranger's tree may be deep.
pub fn walk<T: Trees + ?Sized>(trees: &T, root: Oid, visit: &mut Visit<'_, T::Error>) -> Result<(), T::Error> {
    let mut path = Vec::new();
    let mut levels = vec![Level { bytes: trees.tree(root)?, at: 0, prefix: 0 }];
    let mut visits = 0;
    while let Some(level) = levels.last_mut() {
        path.truncate(level.prefix);
        let mut rest: Items<'_> = items(&level.bytes[level.at..]);
        let Some(item) = rest.next().transpose()? else {
            levels.pop();
            continue;
        };
        visits += 1;
        if visits > MAX_VISITS {
            return Err(Malformed::Many.into());
        }
        path.extend_from_slice(item.name);
        let step = visit(&path, &item)?;
        let below = (step == Step::Into && item.sort() == Sort::Directory).then_some(item.id);
        level.at = level.bytes.len() - rest.rest.len();
        if step == Step::Stop {
            return Ok(());
        }
        if let Some(id) = below {
            if levels.len() >= MAX_DEPTH {
                return Err(Malformed::Deep.into());
            }
            path.push(b'/');
            levels.push(Level { bytes: trees.tree(id)?, at: 0, prefix: path.len() });
        }
    }
    Ok(())
}
