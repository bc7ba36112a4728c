//! The agents inside `pit`: what the build made of `plugins/`.

/// One agent that comes with the program.
#[derive(Debug)]
pub struct Shipped {
    /// Its name, which is its folder's in `plugins/`.
    pub name: &'static str,
    /// Its `agent.toml`, which its component carries too.
    pub manifest: &'static str,
    /// The component.
    pub component: &'static [u8],
}

include!(concat!(env!("OUT_DIR"), "/agents.rs"));

#[cfg(test)]
mod tests {
    use super::*;
    use orchestra_pit_core::{embed, manifest::Manifest};

    #[test]
    fn each_component_carries_its_own_manifest() {
        assert!(AGENTS.iter().any(|agent| agent.name == "hello"));
        for agent in AGENTS {
            assert_eq!(embed::extract(agent.component).unwrap().as_deref(), Some(agent.manifest), "{}", agent.name);
            assert_eq!(Manifest::read(agent.manifest).unwrap().name, agent.name);
        }
    }
}
