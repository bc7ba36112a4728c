//! Toolchains and package caches outside /usr: what of the person's home a command sees, by the names of the tools.
//!
//! Each is mounted read-only where it is, so that absolute paths in it stay right, or, for caches that a tool looks for
//! in its own home, into the command's private one. Never a whole home, and never a file that holds credentials.

#![expect(clippy::disallowed_methods, reason = "looks which tool folders are there")]

use std::fs;
use std::path::{Path, PathBuf};

use orchestra_pit_core::commands;
use orchestra_pit_sandbox::Mount;

/// Where a command's private home is.
pub const HOME: &str = "/home/pit";

/// One tool.
struct Tool {
    name: &'static str,
    /// Folders and files below the person's home that stay where they are.
    here: &'static [&'static str],
    /// Folders below the person's home that are seen at the same place of the command's own.
    own: &'static [&'static str],
    /// Folders of programs, below the person's home; a `*` stands for the last name in order.
    bins: &'static [&'static str],
    /// Variables; `~` stands for the person's home, `$` for the command's.
    env: &'static [(&'static str, &'static str)],
    /// Programs by which a person would know it.
    programs: &'static [&'static str],
}

/// Every tool that can be named in `[workspace] tools`.
const TOOLS: &[Tool] = &[
    Tool {
        name: "cargo",
        here: &[".cargo/bin"],
        own: &[".cargo/registry", ".cargo/git"],
        bins: &[".cargo/bin"],
        env: &[("CARGO_HOME", "$/.cargo"), ("CARGO_NET_OFFLINE", "true")],
        programs: &["cargo", "rustc", "rustfmt", "cargo-clippy", "cargo-nextest", "rust-analyzer"],
    },
    Tool {
        name: "rustup",
        here: &[".rustup"],
        own: &[],
        bins: &[".cargo/bin"],
        env: &[("RUSTUP_HOME", "~/.rustup"), ("RUSTUP_AUTO_INSTALL", "0")],
        programs: &["rustup"],
    },
    Tool {
        name: "nvm",
        here: &[".nvm/versions", ".nvm/alias"],
        own: &[],
        bins: &[".nvm/versions/node/*/bin"],
        env: &[],
        programs: &["node", "npm", "npx", "corepack", "yarn", "pnpm"],
    },
    Tool {
        name: "fnm",
        here: &[".local/share/fnm"],
        own: &[],
        bins: &[".local/share/fnm/aliases/default/bin", ".local/share/fnm/node-versions/*/installation/bin"],
        env: &[],
        programs: &["fnm"],
    },
    Tool {
        name: "volta",
        here: &[".volta/bin", ".volta/tools"],
        own: &[],
        bins: &[".volta/bin"],
        env: &[("VOLTA_HOME", "~/.volta")],
        programs: &["volta"],
    },
    Tool {
        name: "npm",
        here: &[],
        own: &[".npm/_cacache"],
        bins: &[],
        env: &[("npm_config_offline", "true"), ("npm_config_cache", "$/.npm")],
        programs: &[],
    },
    Tool {
        name: "bun",
        here: &[".bun/bin", ".bun/install/cache"],
        own: &[],
        bins: &[".bun/bin"],
        env: &[],
        programs: &["bun", "bunx"],
    },
    Tool { name: "deno", here: &[".deno/bin"], own: &[], bins: &[".deno/bin"], env: &[], programs: &["deno"] },
    Tool {
        name: "pyenv",
        here: &[".pyenv"],
        own: &[],
        bins: &[".pyenv/shims", ".pyenv/bin"],
        env: &[("PYENV_ROOT", "~/.pyenv")],
        programs: &["pyenv", "python", "python3", "pip", "pip3", "pytest"],
    },
    Tool {
        name: "uv",
        here: &[".local/share/uv", ".local/bin/uv", ".local/bin/uvx"],
        own: &[".cache/uv"],
        bins: &[".local/bin"],
        env: &[("UV_OFFLINE", "1")],
        programs: &["uv", "uvx"],
    },
    Tool {
        name: "mise",
        here: &[".local/share/mise", ".local/bin/mise"],
        own: &[],
        bins: &[".local/share/mise/shims", ".local/bin"],
        env: &[("MISE_DATA_DIR", "~/.local/share/mise")],
        programs: &["mise"],
    },
    Tool {
        name: "asdf",
        here: &[".asdf"],
        own: &[],
        bins: &[".asdf/shims", ".asdf/bin"],
        env: &[("ASDF_DATA_DIR", "~/.asdf")],
        programs: &["asdf"],
    },
    Tool {
        name: "go",
        here: &["go/pkg/mod", "go/bin", "sdk"],
        own: &[],
        bins: &["go/bin", "sdk/*/bin"],
        env: &[("GOMODCACHE", "~/go/pkg/mod"), ("GOFLAGS", "-modcacherw=false"), ("GOPROXY", "off")],
        programs: &["go", "gofmt", "golangci-lint"],
    },
    Tool {
        name: "maven",
        here: &[],
        own: &[".m2/repository", ".m2/wrapper"],
        bins: &[],
        env: &[("MAVEN_ARGS", "--offline")],
        programs: &["mvn"],
    },
    Tool {
        name: "gradle",
        here: &[],
        own: &[".gradle/caches", ".gradle/wrapper"],
        bins: &[],
        env: &[("GRADLE_USER_HOME", "$/.gradle")],
        programs: &["gradle"],
    },
    Tool {
        name: "pnpm",
        here: &[".local/share/pnpm"],
        own: &[],
        bins: &[".local/share/pnpm"],
        env: &[("PNPM_HOME", "~/.local/share/pnpm")],
        programs: &["pnpm", "pnpx"],
    },
    Tool {
        name: "poetry",
        here: &[".local/share/pypoetry", ".local/bin/poetry"],
        own: &[".cache/pypoetry"],
        bins: &[".local/bin"],
        env: &[],
        programs: &["poetry"],
    },
    Tool {
        name: "rbenv",
        here: &[".rbenv"],
        own: &[],
        bins: &[".rbenv/shims", ".rbenv/bin"],
        env: &[("RBENV_ROOT", "~/.rbenv")],
        programs: &["rbenv", "ruby", "gem", "bundle", "rake"],
    },
    Tool {
        name: "yarn",
        here: &[".yarn"],
        own: &[".cache/yarn"],
        bins: &[".yarn/bin"],
        env: &[("YARN_ENABLE_NETWORK", "0")],
        programs: &["yarn"],
    },
    Tool {
        name: "sdkman",
        here: &[".sdkman/candidates"],
        own: &[],
        bins: &[".sdkman/candidates/*/current/bin"],
        env: &[],
        programs: &[],
    },
];

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
    fn at(&self, place: &str) -> PathBuf {
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
            mount(tool.name, home, place, home.at(place), &mut found);
        }
        for place in tool.own {
            mount(tool.name, home, place, Path::new(HOME).join(place), &mut found);
        }
        for bin in tool.bins {
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

fn mount(tool: &str, home: &Home, place: &str, to: PathBuf, found: &mut Found) {
    // A link could lead anywhere: what it leads to is what is mounted, at the place of the link.
    let Ok(from) = fs::canonicalize(home.at(place)) else { return };
    if found.mounts.iter().any(|mount| *mount.to() == to) {
        return;
    }
    found.mounts.push(Mount::read_only(&from, &to));
    let secrets = commands::Tool::named(tool).map_or(&[][..], |tool| tool.secrets);
    let within = secrets.iter().filter_map(|secret| Path::new(secret).strip_prefix(place).ok());
    for rest in within.filter(|rest| from.join(rest).exists()) {
        let covered = to.join(rest);
        found.mounts.push(match from.join(rest).is_dir() {
            true => Mount::Tmpfs { to: covered, size: 1 << 12, mode: 0o755 },
            false => Mount::read_only("/dev/null", covered),
        });
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
        let home = home(&[".local/share/uv/python/x", ".local/share/uv/credentials/token"]);
        let found = find(&of(&home), &["uv".into()]);
        let covered = home.path().join(".local/share/uv/credentials");
        assert!(found.mounts.contains(&Mount::Tmpfs { to: covered, size: 1 << 12, mode: 0o755 }), "{found:?}");
    }

    #[test]
    fn every_tool_that_can_be_named_is_known_here() {
        let mut names: Vec<_> = TOOLS.iter().map(|tool| tool.name).collect();
        names.sort_unstable();
        assert_eq!(names, commands::TOOLS.iter().map(|tool| tool.name).collect::<Vec<_>>());
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
    fn the_newest_version_is_found() {
        let home = home(&[".nvm/versions/node/v9.1.0/bin/node", ".nvm/versions/node/v20.2.0/bin/node"]);
        let found = find(&of(&home), &["nvm".into()]);
        assert_eq!(found.path, [home.path().join(".nvm/versions/node/v20.2.0/bin")]);
        assert_eq!(bringing(&of(&home), "node"), ["nvm"]);
        assert_eq!(bringing(&of(&home), "cargo"), ["cargo"], "known for it, though it is not there");
    }
}
