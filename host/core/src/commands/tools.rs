//! The tools that a person's files can name, and what of the home each of them is. One list for whoever reads a file,
//! proposes one, mounts a folder, or says which line is missing.

use crate::strict;

/// A tool that lies under a person's home.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Tool {
    /// As `tools` of `[workspace]` names it.
    pub name: &'static str,
    /// Its folders and programs, from the home. Never the home itself, and never a folder that other things share.
    pub paths: &'static [&'static str],
    /// What in them holds a credential, from the home: never shown to a command.
    pub secrets: &'static [&'static str],
}

/// All of them, by name. Files with credentials that lie beside these folders (`.npmrc`, `.netrc`, `.yarnrc.yml`) are
/// not in the list, so nobody mounts them.
pub const TOOLS: &[Tool] = &[
    Tool { name: "asdf", paths: &[".asdf"], secrets: &[] },
    Tool { name: "bun", paths: &[".bun"], secrets: &[] },
    Tool { name: "cargo", paths: &[".cargo"], secrets: &[".cargo/credentials", ".cargo/credentials.toml"] },
    Tool { name: "deno", paths: &[".deno", ".cache/deno"], secrets: &[] },
    Tool { name: "fnm", paths: &[".local/share/fnm", ".fnm"], secrets: &[] },
    Tool { name: "go", paths: &["go"], secrets: &[] },
    Tool {
        name: "gradle",
        paths: &[".gradle"],
        secrets: &[".gradle/gradle.properties", ".gradle/init.gradle", ".gradle/init.gradle.kts", ".gradle/init.d"],
    },
    Tool { name: "maven", paths: &[".m2"], secrets: &[".m2/settings.xml", ".m2/settings-security.xml"] },
    Tool { name: "mise", paths: &[".local/share/mise", ".local/bin/mise"], secrets: &[] },
    Tool { name: "npm", paths: &[".npm"], secrets: &[] },
    Tool { name: "nvm", paths: &[".nvm"], secrets: &[] },
    Tool { name: "pnpm", paths: &[".local/share/pnpm"], secrets: &[] },
    Tool { name: "poetry", paths: &[".local/share/pypoetry", ".local/bin/poetry", ".cache/pypoetry"], secrets: &[] },
    Tool { name: "pyenv", paths: &[".pyenv"], secrets: &[] },
    Tool { name: "rbenv", paths: &[".rbenv"], secrets: &[] },
    Tool { name: "rustup", paths: &[".rustup"], secrets: &[] },
    Tool { name: "sdkman", paths: &[".sdkman"], secrets: &[] },
    Tool {
        name: "uv",
        paths: &[".local/share/uv", ".local/bin/uv", ".local/bin/uvx", ".cache/uv"],
        secrets: &[".local/share/uv/credentials"],
    },
    Tool { name: "volta", paths: &[".volta"], secrets: &[] },
    Tool { name: "yarn", paths: &[".yarn", ".cache/yarn"], secrets: &[] },
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
        format!("no tool is called `{}`; {help}", crate::text::excerpt(name, 40))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::is_name;
    use crate::path::RepoPath;

    #[test]
    fn each_tool_is_a_part_of_a_home_and_hides_what_is_in_it() {
        for tool in TOOLS {
            assert!(is_name(tool.name).is_ok() && Tool::named(tool.name) == Some(tool), "{}", tool.name);
            assert!(!tool.paths.is_empty());
            let shared = [".local", ".local/share", ".local/bin", ".cache", ".config"];
            for path in tool.paths {
                assert!(RepoPath::new(path).is_ok() && !shared.contains(path), "{path}");
            }
            for secret in tool.secrets {
                assert!(tool.paths.iter().any(|path| secret.starts_with(&format!("{path}/"))), "{secret}");
            }
        }
        assert!(TOOLS.windows(2).all(|two| two[0].name < two[1].name));
    }

    #[test]
    fn an_unknown_one_is_told_what_it_resembles() {
        assert_eq!(Tool::named("crago"), None);
        assert_eq!(Tool::unknown("crago"), "no tool is called `crago`; did you mean `cargo`?");
        assert!(Tool::unknown("everything").contains("there are asdf, bun, cargo,"));
    }
}
