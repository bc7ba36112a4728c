//! The repository's own instructions: `AGENTS.md`, or `CLAUDE.md` where there is none; the nearest to a file wins.
//!
//! Those at the top are in the first message. Those of a folder are told once, with the first answer about a file in it.

use crate::Host;
use crate::tool::cap;
use std::collections::BTreeSet;

const NAMES: [&str; 2] = ["AGENTS.md", "CLAUDE.md"];

/// Files of instructions that are looked for at most; more than a person would write.
const FILES: u32 = 500;

/// Which files of instructions there are, and which the model has seen.
#[derive(Clone, Debug, Default)]
pub struct Instructions {
    /// The folders that have any (the top is empty), with the file's path.
    folders: Vec<(String, String)>,
    shown: BTreeSet<String>,
    most: usize,
}

impl Instructions {
    /// Looks for them. What may not be read is not there.
    pub fn find(host: &dyn Host, most: usize) -> Self {
        let mut folders: Vec<(String, String)> = Vec::new();
        for name in NAMES {
            let Ok(page) = host.list(&format!("**/{name}"), None, FILES) else { continue };
            for entry in page.entries {
                let folder = entry.path.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
                // The first name in a folder wins.
                if !folders.iter().any(|(there, _)| *there == folder) {
                    folders.push((folder, entry.path));
                }
            }
        }
        Self { folders, shown: BTreeSet::new(), most }
    }

    /// Those at the top, for the first message; empty if there are none.
    pub fn top(&mut self, host: &dyn Host) -> String {
        self.of(host, "").unwrap_or_default()
    }

    /// Those that hold for a file and were not told yet.
    pub fn near(&mut self, host: &dyn Host, path: &str) -> Option<String> {
        let mut folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        loop {
            if self.folders.iter().any(|(there, _)| there == folder) {
                return self.of(host, folder);
            }
            if folder.is_empty() {
                return None;
            }
            folder = folder.rsplit_once('/').map_or("", |(above, _)| above);
        }
    }

    /// What was told, to tell it no second time in another life.
    pub fn shown(&self) -> &BTreeSet<String> {
        &self.shown
    }

    /// Takes over what was told in a life before.
    pub fn set_shown(&mut self, shown: BTreeSet<String>) {
        self.shown = shown;
    }

    /// Tells them anew, after the conversation was shortened.
    pub fn forget(&mut self) {
        self.shown.retain(|path| !path.contains('/'));
    }

    fn of(&mut self, host: &dyn Host, folder: &str) -> Option<String> {
        let (_, path) = self.folders.iter().find(|(there, _)| there == folder)?;
        if !self.shown.insert(path.clone()) {
            return None;
        }
        let content = host.read(path, None).ok()?;
        let text = String::from_utf8_lossy(&content.bytes);
        let text = cap(text.trim(), self.most, "read the file for the rest");
        let holds = if folder.is_empty() { "everywhere".to_owned() } else { format!("for {folder}/**") };
        Some(format!("<instructions path={path:?} hold={holds:?}>\n{text}\n</instructions>\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Fake;

    #[test]
    fn the_nearest_wins_and_is_told_once() {
        let host = Fake::new(
            "claude",
            &[
                ("AGENTS.md", "at the top"),
                ("CLAUDE.md", "never"),
                ("docs/CLAUDE.md", "for docs"),
                ("src/deep/AGENTS.md", "deep"),
            ],
        );
        let mut instructions = Instructions::find(&host, 1000);
        let top = instructions.top(&host);
        assert!(top.contains("at the top") && !top.contains("never"), "{top}");
        assert_eq!(instructions.near(&host, "src/lib.rs"), None, "those at the top were told");
        let deep = instructions.near(&host, "src/deep/a/b.rs").unwrap();
        assert_eq!(
            deep,
            "<instructions path=\"src/deep/AGENTS.md\" hold=\"for src/deep/**\">\ndeep\n</instructions>\n"
        );
        assert_eq!(instructions.near(&host, "src/deep/c.rs"), None);
        assert!(instructions.near(&host, "docs/a.md").unwrap().contains("for docs"));
        instructions.forget();
        assert!(instructions.near(&host, "docs/a.md").is_some() && instructions.near(&host, "a").is_none());
    }

    #[test]
    fn without_any_there_is_nothing_to_tell() {
        let host = Fake::new("claude", &[("src/lib.rs", "")]);
        let mut instructions = Instructions::find(&host, 1000);
        assert_eq!(instructions.top(&host), "");
        assert_eq!(instructions.near(&host, "src/lib.rs"), None);
    }

    #[test]
    fn long_ones_are_cut() {
        let host = Fake::new("claude", &[("AGENTS.md", &"be brief\n".repeat(500))]);
        let top = Instructions::find(&host, 300).top(&host);
        assert!(top.len() < 500 && top.contains("read the file for the rest"), "{top}");
    }
}
