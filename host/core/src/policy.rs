//! What an agent may do. (The judge follows.)

use std::sync::Arc;

use crate::pattern::PathSet;

/// What a call that was allowed may see, decided by the judge and carried to the effect with the permit: paths outside
/// are not listed, not searched and not shown in a diff.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// Paths that may be read.
    pub read: Arc<PathSet>,
}

impl Scope {
    /// Everything; for the host's own look at a workspace.
    pub fn all() -> Self {
        Self { read: Arc::new(PathSet::all()) }
    }
}
