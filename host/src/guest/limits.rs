//! How much of the machine one agent may use, and how many agents may use it at once.

use serde::{Deserialize, Serialize};

/// What one life of an agent may use. Each number is its own, never a share of a pool: a guest that feels a limit feels
/// the same one in every life, on every machine. Kept in the start record.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Limits {
    /// Bytes of all linear memories together. An interpreter with its libraries starts at 20 to 40 MiB; a conversation
    /// that fills a large model's context is about 4 MiB of text, held a few times over.
    pub memory: usize,
    /// Elements of all tables together: function pointers. CPython has about 8,000, a large Go program 30,000.
    pub table_elements: usize,
    /// Core instances, with the adapters a component is made of. CPython with its extension modules has about 30.
    pub instances: usize,
    /// Handles and pollables that are open at once. Nothing an agent is offered needs more than a few.
    pub handles: usize,
    /// Bytes that one call may bring out of the guest. The largest honest one is a model request whose messages fill a
    /// context, or the 8 MiB of a written file; both fit several times.
    pub call_bytes: usize,
    /// Bytes of log lines and standard output in one life, each line counted as at least [`Limits::LINE`].
    pub output: usize,
    /// Ticks ([`Limits::TICK`]) that the guest's own code may run between two answers. A guest that thinks for this long
    /// without asking for anything is stuck; parsing a megabyte of text in an interpreter takes a tenth of it.
    pub ticks: u32,
}

impl Limits {
    /// How often a running guest is looked at: short enough that one that spins does not hold back another for longer
    /// than a person notices, long enough to cost nothing.
    pub const TICK: std::time::Duration = std::time::Duration::from_millis(10);

    /// What an empty line costs: about what its record in the journal takes.
    pub const LINE: usize = 128;

    /// Whether a machine that is set up for `most` has room for these. Where it has not, a guest would come up against the
    /// machine's limit before its own.
    pub(super) fn fit(&self, most: &Self) -> bool {
        self.memory <= most.memory && self.table_elements <= most.table_elements && self.instances <= most.instances
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory: 256 << 20,
            table_elements: 100_000,
            instances: 100,
            handles: 1_000,
            call_bytes: 32 << 20,
            output: 1 << 20,
            ticks: 1_000,
        }
    }
}

/// What the process sets aside for all agents. A full pool is a queue, never an error.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pool {
    /// Linear memories in use at once; nearly every component has one. Each reserves 4 GiB of addresses (so that no
    /// access needs a check) and about ten of the 65,530 mappings that Linux allows a process.
    pub memories: u32,
}

impl Default for Pool {
    fn default() -> Self {
        Self { memories: 1_000 }
    }
}

impl Pool {
    /// Memories of one component. Languages bring one; a composed component, one for each part.
    pub const MEMORIES_EACH: u32 = 8;
    /// Tables of one component: each module that was linked into it brings one.
    pub const TABLES_EACH: u32 = 64;
}
