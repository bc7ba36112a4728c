//! The tools that a person's files can name, and what of the home each of them is: one list for whoever reads a file,
//! proposes one, mounts a folder, or says which line is missing. Never the home itself, and never a file that holds
//! credentials.

use crate::{strict, text};

/// A tool that lies under a person's home.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Tool {
    /// As `tools` of `[workspace]` has it.
    pub name: &'static str,
    /// Folders and files below the person's home that stay where they are.
    pub here: &'static [&'static str],
    /// Folders below the person's home that are seen at the same place of the command's own.
    pub own: &'static [&'static str],
    /// Folders of programs, below the person's home; a `*` stands for the last name in order.
    pub bins: &'static [&'static str],
    /// Variables; `~` stands for the person's home, `$` for the command's.
    pub env: &'static [(&'static str, &'static str)],
    /// Programs by which a person would know it.
    pub programs: &'static [&'static str],
}

/// All of them.
pub const TOOLS: &[Tool] = &[
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
        name: "sdkman",
        here: &[".sdkman/candidates"],
        own: &[],
        bins: &[".sdkman/candidates/*/current/bin"],
        env: &[],
        programs: &[],
    },
];

/// Files that hold credentials, wherever they lie in a tool's folder.
pub const CREDENTIALS: &[&str] = &[
    "credentials",
    "credentials.toml",
    "auth.json",
    ".npmrc",
    ".netrc",
    ".pypirc",
    "settings.xml",
    "settings-security.xml",
    "gradle.properties",
];

impl Tool {
    /// The tool of a name.
    pub fn named(name: &str) -> Option<&'static Self> {
        TOOLS.iter().find(|tool| tool.name == name)
    }

    /// Why a name is none, for people.
    pub fn unknown(name: &str) -> String {
        let names = || TOOLS.iter().map(|tool| tool.name);
        let help = match strict::nearest(name, names()) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("there are {}", names().collect::<Vec<_>>().join(", ")),
        };
        format!("no tool is called `{}`; {help}", text::excerpt(name, 40))
    }

    /// All that it is of a home.
    pub fn places(&self) -> impl Iterator<Item = &'static str> {
        self.here.iter().chain(self.own).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::is_name;
    use crate::path::RepoPath;

    #[test]
    fn each_tool_is_a_part_of_a_home_that_nothing_else_shares() {
        for (at, tool) in TOOLS.iter().enumerate() {
            assert!(is_name(tool.name).is_ok() && tool.places().next().is_some(), "{}", tool.name);
            assert!(TOOLS[..at].iter().all(|other| other.name != tool.name), "{}", tool.name);
            assert_eq!(Tool::named(tool.name), Some(tool));
            for place in tool.places() {
                let shared = [".local", ".local/share", ".local/bin", ".cache", ".config", ".ssh"];
                assert!(RepoPath::new(place).is_ok() && !shared.contains(&place), "{place}");
                assert!(!CREDENTIALS.iter().any(|name| place.ends_with(name)), "{place}");
            }
        }
    }

    #[test]
    fn an_unknown_one_is_told_what_it_resembles() {
        assert_eq!(Tool::named("crago"), None);
        assert_eq!(Tool::unknown("crago"), "no tool is called `crago`; did you mean `cargo`?");
        assert!(Tool::unknown("everything").contains("there are cargo, rustup, nvm"));
    }
}
