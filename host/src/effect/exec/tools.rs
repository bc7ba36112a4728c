//! Toolchains and package caches outside /usr: what of the person's home a command sees, by the names of the tools.
//!
//! Each is mounted read-only where it is, so that absolute paths in it stay right, or, for caches that a tool looks for
//! in its own home, into the command's private one. Never a whole home, and never a file that holds credentials.

#![expect(clippy::disallowed_methods, reason = "looks which tool folders are there")]

use std::fs;
use std::path::{Path, PathBuf};

use orchestra_pit_core::commands::{CREDENTIALS, TOOLS, Tool};
use orchestra_pit_sandbox::Mount;

/// Where a command's private home is.
pub const HOME: &str = "/home/pit";

/// A person's home, and the tool folders that lie elsewhere because a variable says so.
#[derive(Clone, Debug, Default)]
pub struct Home {
    /// The home.
    pub folder: PathBuf,
    /// The first part of a path below it, and where that really is.
    pub elsewhere: Vec<(&'static str, PathBuf)>,
}

/// Variables by which tools are told where their folder is, and which folder below the home that is otherwise.
pub const VARIABLES: &[(&str, &str)] = &[
    ("CARGO_HOME", ".cargo"),
    ("RUSTUP_HOME", ".rustup"),
    ("NVM_DIR", ".nvm"),
    ("VOLTA_HOME", ".volta"),
    ("PYENV_ROOT", ".pyenv"),
    ("RBENV_ROOT", ".rbenv"),
    ("ASDF_DATA_DIR", ".asdf"),
    ("GOPATH", "go"),
    ("SDKMAN_DIR", ".sdkman"),
];

impl Home {
    /// Where a path below the home really is.
    pub fn at(&self, place: &str) -> PathBuf {
        for (first, folder) in &self.elsewhere {
            if let Ok(rest) = Path::new(place).strip_prefix(first) {
                return folder.join(rest);
            }
        }
        self.folder.join(place)
    }
}

/// What is mounted, found and set for some tools.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// Read-only, each.
    pub mounts: Vec<Mount>,
    /// Folders of programs, to stand before the system's.
    pub path: Vec<PathBuf>,
    /// Variables.
    pub env: Vec<(String, String)>,
}

/// What these tools need of a home.
pub fn find(home: &Home, tools: &[String]) -> Found {
    let mut found = Found::default();
    for tool in TOOLS.iter().filter(|tool| tools.iter().any(|name| name == tool.name)) {
        for place in tool.here {
            mount(&home.at(place), &home.at(place), &mut found);
        }
        for place in tool.own {
            mount(&home.at(place), &Path::new(HOME).join(place), &mut found);
        }
        for bin in tool.bins {
            spelt_out(home, bin).iter().for_each(|bin| links(bin, &mut found));
            found.path.extend(spelt_out(home, bin).into_iter().filter(|bin| bin.is_dir()));
        }
        let at = |value: &str| match value.strip_prefix("~/") {
            Some(place) => home.at(place).display().to_string(),
            None => value.replacen('$', HOME, 1),
        };
        found.env.extend(tool.env.iter().map(|(name, value)| ((*name).to_owned(), at(value))));
    }
    let mut seen = Vec::new();
    found.path.retain(|bin| {
        !seen.contains(bin) && {
            seen.push(bin.clone());
            true
        }
    });
    found
}

/// The tools whose folders this home has: what `pit init` proposes.
pub fn present(home: &Home) -> Vec<&'static str> {
    let there = |tool: &&Tool| tool.places().any(|place| home.at(place).exists());
    TOOLS.iter().filter(there).map(|tool| tool.name).collect()
}

/// The tools that would bring a program: first those whose folder has it, then those that are known for it.
pub fn bringing(home: &Home, program: &str) -> Vec<&'static str> {
    let program = program.rsplit('/').next().unwrap_or(program);
    let has =
        |tool: &&Tool| tool.bins.iter().any(|bin| spelt_out(home, bin).iter().any(|bin| bin.join(program).exists()));
    let known = |tool: &&Tool| tool.programs.contains(&program);
    let mut names: Vec<_> = TOOLS.iter().filter(has).map(|tool| tool.name).collect();
    if names.is_empty() {
        names.extend(TOOLS.iter().filter(known).map(|tool| tool.name));
    }
    names
}

fn mount(from: &Path, to: &Path, found: &mut Found) {
    // A link could lead anywhere: what it leads to is what is mounted, at the place of the link.
    let Ok(from) = fs::canonicalize(from) else { return };
    if found.mounts.iter().any(|mount| mount.to() == to) {
        return;
    }
    let hidden: Vec<PathBuf> =
        CREDENTIALS.iter().filter(|name| from.join(name).exists()).map(|name| to.join(name)).collect();
    found.mounts.push(Mount::read_only(from, to));
    found.mounts.extend(hidden.into_iter().map(|to| Mount::read_only("/dev/null", to)));
}

/// Links of a folder of programs that lead into what is mounted already, as `uv tool install` makes them: each alone, since
/// others put their own beside them.
fn links(bin: &Path, found: &mut Found) {
    if found.mounts.iter().any(|mount| bin.starts_with(mount.to())) {
        return;
    }
    let entries = fs::read_dir(bin).into_iter().flatten().flatten();
    for link in entries.map(|entry| entry.path()).filter(|path| path.is_symlink()) {
        let leads = |target: PathBuf| found.mounts.iter().any(|mount| target.starts_with(mount.to()));
        if fs::canonicalize(&link).is_ok_and(leads) {
            mount(&link, &link, found);
        }
    }
}

/// The folders that a pattern names; of a `*` the last in order, which is the newest version as a rule.
fn spelt_out(home: &Home, pattern: &str) -> Vec<PathBuf> {
    let Some((before, after)) = pattern.split_once('*') else { return vec![home.at(pattern)] };
    let Ok(entries) = fs::read_dir(home.at(before.trim_end_matches('/'))) else { return Vec::new() };
    let mut found: Vec<PathBuf> =
        entries.flatten().map(|entry| entry.path().join(after.trim_start_matches('/'))).collect();
    found.retain(|bin| bin.is_dir());
    found.sort_by_key(|bin| numbers(&bin.to_string_lossy()));
    found.pop().into_iter().collect()
}

/// The numbers of a name, so that `v9` comes before `v20`.
fn numbers(name: &str) -> Vec<u64> {
    name.split(|c: char| !c.is_ascii_digit()).filter_map(|digits| digits.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home(paths: &[&str]) -> tempfile::TempDir {
        let home = tempfile::tempdir().unwrap();
        for path in paths {
            let path = home.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, "").unwrap();
        }
        home
    }

    fn of(home: &tempfile::TempDir) -> Home {
        Home { folder: home.path().to_owned(), elsewhere: Vec::new() }
    }

    fn names(found: &Found) -> Vec<String> {
        found.mounts.iter().map(|mount| mount.to().display().to_string()).collect()
    }

    #[test]
    fn a_tool_brings_its_own_folders_and_no_credentials() {
        let home = home(&[
            ".cargo/bin/cargo",
            ".cargo/registry/x",
            ".cargo/credentials.toml",
            ".ssh/id",
            ".rustup/settings.toml",
        ]);
        let at = |path: &str| home.path().join(path).display().to_string();
        let found = find(&of(&home), &["cargo".into(), "rustup".into()]);
        assert_eq!(names(&found), [at(".cargo/bin"), "/home/pit/.cargo/registry".into(), at(".rustup")]);
        assert_eq!(found.path, [home.path().join(".cargo/bin")]);
        assert!(found.env.contains(&("RUSTUP_HOME".into(), at(".rustup"))));
        assert!(found.env.contains(&("CARGO_HOME".into(), "/home/pit/.cargo".into())));
        assert!(names(&find(&of(&home), &[])).is_empty(), "only what is named");
    }

    #[test]
    fn credentials_within_a_folder_are_covered() {
        let home = home(&[".pyenv/shims/python", ".pyenv/.pypirc"]);
        let found = find(&of(&home), &["pyenv".into()]);
        let covered = Mount::read_only("/dev/null", home.path().join(".pyenv/.pypirc"));
        assert!(found.mounts.contains(&covered), "{found:?}");
    }

    #[test]
    fn a_folder_is_where_the_tools_own_variable_says() {
        let (home, other) = (home(&[]), home(&["bin/cargo"]));
        let elsewhere = vec![(".cargo", other.path().to_owned())];
        let found = find(&Home { folder: home.path().to_owned(), elsewhere }, &["cargo".into()]);
        assert_eq!(found.path, [other.path().join("bin")]);
        assert_eq!(found.mounts, [Mount::read_only(other.path().join("bin"), other.path().join("bin"))]);
    }

    #[test]
    fn programs_that_a_tool_installed_are_found_by_their_links_and_those_of_others_are_not() {
        let home = home(&[".local/share/uv/tools/pytest/bin/pytest", ".local/bin/uv", "own/secret"]);
        let folder = fs::canonicalize(home.path()).unwrap();
        for (link, target) in [("pytest", ".local/share/uv/tools/pytest/bin/pytest"), ("other", "own/secret")] {
            std::os::unix::fs::symlink(folder.join(target), folder.join(".local/bin").join(link)).unwrap();
        }
        let found = find(&Home { folder: folder.clone(), elsewhere: Vec::new() }, &["uv".into()]);
        let at = |path: &str| folder.join(path).display().to_string();
        assert!(names(&found).contains(&at(".local/bin/pytest")), "{found:?}");
        assert!(!names(&found).contains(&at(".local/bin/other")), "{found:?}");
    }

    #[test]
    fn the_newest_version_is_found() {
        let home = home(&[".nvm/versions/node/v9.1.0/bin/node", ".nvm/versions/node/v20.2.0/bin/node"]);
        let found = find(&of(&home), &["nvm".into()]);
        assert_eq!(found.path, [home.path().join(".nvm/versions/node/v20.2.0/bin")]);
        assert_eq!(present(&of(&home)), ["nvm"]);
        assert_eq!(bringing(&of(&home), "node"), ["nvm"]);
        assert_eq!(bringing(&of(&home), "cargo"), ["cargo"], "known for it, though it is not there");
    }
}
