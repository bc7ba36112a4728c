//! The agents that a tree of runs knows: by name for those who start them, by hash for those who resume them.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use orchestra_pit_core::id::Hash;
use orchestra_pit_core::policy::Grants;
use orchestra_pit_core::record::Enlisted;

use crate::gate::lock;
use crate::guest::{Agent, Engine};

/// An agent that can be started.
#[derive(Clone, Debug)]
pub struct Known {
    /// `name@version`.
    pub name: String,
    /// SHA-256 of its component.
    pub hash: Hash,
    /// What its manifest asks for.
    pub asks: Grants,
    /// Its component.
    pub wasm: Arc<[u8]>,
}

impl Known {
    /// The same on record, under the name by which it is started. `asks` is what it was given: a child gets no more.
    pub fn enlisted(self, name: String) -> Enlisted {
        Enlisted { name, agent: self.name, hash: self.hash, grants: self.asks }
    }
}

/// The agents of a process. Components are kept by hash in a folder, so that a run can be resumed with the very bytes that it was
/// started with; what is compiled from them is never kept there.
pub struct Agents {
    named: BTreeMap<String, Known>,
    keep: PathBuf,
    loaded: Mutex<HashMap<Hash, Agent>>,
}

/// Why an agent cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// Its component is not there.
    #[error("the component {hash} of this run is not in {keep}: {why}")]
    Gone {
        /// Which.
        hash: Hash,
        /// Where it should be.
        keep: PathBuf,
        /// What the machine says.
        why: String,
    },
    /// It is not what it was.
    #[error("the component in {0} is not the one that the run was started with")]
    Changed(PathBuf),
    /// It cannot be kept.
    #[error("the component cannot be written to {keep}: {why}; what is on record is kept")]
    Keep {
        /// Where.
        keep: PathBuf,
        /// What the machine says.
        why: String,
    },
    /// It is no agent.
    #[error(transparent)]
    Load(#[from] crate::guest::LoadError),
}

#[expect(clippy::disallowed_methods, reason = "components are kept as files of the host's own, named by their hash")]
impl Agents {
    /// Agents by name, and the folder where components are kept.
    pub fn new(named: impl IntoIterator<Item = (String, Known)>, keep: PathBuf) -> Self {
        Self { named: named.into_iter().collect(), keep, loaded: Mutex::default() }
    }

    /// The agent of a name.
    pub fn named(&self, name: &str) -> Option<&Known> {
        self.named.get(name)
    }

    /// Keeps an agent's component for later lives of the runs that it is started in.
    pub fn keep(&self, known: &Known) -> Result<(), AgentError> {
        let path = self.path(known.hash);
        if path.exists() {
            return Ok(());
        }
        let write = || {
            std::fs::create_dir_all(&self.keep)?;
            // Written aside and renamed: a host that dies in between leaves no half component under a hash.
            let aside = path.with_extension(format!("{}.part", std::process::id()));
            std::fs::write(&aside, &known.wasm)?;
            std::fs::File::open(&aside)?.sync_all()?;
            std::fs::rename(&aside, &path)
        };
        write().map_err(|error| AgentError::Keep { keep: self.keep.clone(), why: error.to_string() })
    }

    /// Makes an agent ready to run, from its name's bytes or from those that were kept.
    pub async fn load(&self, engine: &Engine, hash: Hash) -> Result<Agent, AgentError> {
        if let Some(agent) = lock(&self.loaded).get(&hash) {
            return Ok(agent.clone());
        }
        let wasm = match self.named.values().find(|known| known.hash == hash) {
            Some(known) => {
                self.keep(known)?;
                known.wasm.clone()
            }
            None => self.kept(hash)?,
        };
        let agent = engine.load(&wasm).await?;
        lock(&self.loaded).insert(hash, agent.clone());
        Ok(agent)
    }

    fn kept(&self, hash: Hash) -> Result<Arc<[u8]>, AgentError> {
        let path = self.path(hash);
        let gone = |error: std::io::Error| AgentError::Gone { hash, keep: self.keep.clone(), why: error.to_string() };
        let bytes = std::fs::read(&path).map_err(gone)?;
        if Hash::of(&bytes) != hash { Err(AgentError::Changed(path)) } else { Ok(bytes.into()) }
    }

    fn path(&self, hash: Hash) -> PathBuf {
        self.keep.join(format!("{hash}.wasm"))
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the test changes the kept file behind the host's back")]
mod tests {
    use super::*;

    #[test]
    fn a_kept_component_is_the_one_that_was_kept_or_none() {
        let folder = tempfile::tempdir().unwrap();
        let agents = Agents::new([], folder.path().join("components"));
        let wasm: Arc<[u8]> = b"what the run was started with".as_slice().into();
        let hash = Hash::of(&wasm);
        assert!(matches!(agents.kept(hash), Err(AgentError::Gone { .. })));
        let known = Known { name: "x@1".into(), hash, asks: Grants::default(), wasm: wasm.clone() };
        agents.keep(&known).unwrap();
        assert_eq!(agents.kept(hash).unwrap(), wasm);
        let file = folder.path().join(format!("components/{hash}.wasm"));
        std::fs::write(&file, b"what somebody else would rather have run").unwrap();
        let changed = agents.kept(hash).unwrap_err();
        assert!(matches!(&changed, AgentError::Changed(path) if *path == file), "{changed}");
    }
}
