//! Paths that run or steer something on a person's machine: an agent may write them, and no commit has them without a
//! person's approval.
//!
//! The table is data, so that it can be read, shown and argued about. It names what a tool picks up *by itself* from a
//! repository that somebody opens, checks out, builds or pushes. A build script or a test is code that somebody runs on
//! purpose, and what `accept` shows as running on the machine; it is not in this table.

use std::sync::LazyLock;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

/// One sort of protected path.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Group {
    /// What picks these up; the word is shown to people.
    pub what: &'static str,
    /// Lower-case globs: a checkout may be on a file system that does not tell `.ENVRC` from `.envrc`.
    pub globs: &'static [&'static str],
}

/// What is protected, by what would pick it up.
pub const GROUPS: &[Group] = &[
    // Attributes name filters and merge drivers; submodules name addresses; the rest is git's mail and blame handling.
    Group {
        what: "git",
        globs: &["**/.gitattributes", "**/.gitmodules", "**/.gitconfig", "**/.lfsconfig", "**/.gitreview"],
    },
    Group {
        what: "git hooks",
        globs: &[
            "**/.githooks/**",
            "**/.husky/**",
            "**/lefthook*.{yml,yaml,toml,json}",
            "**/.lefthook*.{yml,yaml,toml,json}",
            "**/.lefthook/**",
            "**/.pre-commit-config.y{,a}ml",
            "**/.pre-commit-hooks.y{,a}ml",
            "**/.overcommit.yml",
            "**/.git-hooks/**",
            "**/.lintstagedrc*",
            "**/lint-staged.config.*",
            "**/.huskyrc*",
        ],
    },
    Group {
        what: "continuous integration",
        globs: &[
            ".github/**",
            ".gitlab-ci.y{,a}ml",
            ".gitlab/**",
            ".circleci/**",
            ".travis.yml",
            ".appveyor.yml",
            "appveyor.yml",
            "azure-pipelines*.y{,a}ml",
            ".azure-pipelines/**",
            ".buildkite/**",
            ".drone.y{,a}ml",
            ".woodpecker/**",
            ".woodpecker.y{,a}ml",
            ".forgejo/**",
            ".gitea/**",
            ".cirrus.y{,a}ml",
            ".cirrus.star",
            "bitbucket-pipelines.yml",
            "jenkinsfile*",
            "**/jenkinsfile",
            ".teamcity/**",
            ".semaphore/**",
            ".builds/**",
            ".build.yml",
            ".sourcehut/**",
            "buildspec.y{,a}ml",
            "cloudbuild.{yaml,yml,json}",
            "wercker.yml",
            ".tekton/**",
            ".ci/**",
            "renovate.json*",
            ".renovaterc*",
            ".mergify.yml",
            ".goreleaser.y{,a}ml",
            "netlify.toml",
            "vercel.json",
        ],
    },
    Group {
        what: "editor",
        globs: &[
            "**/.vscode/**",
            "**/*.code-workspace",
            "**/.idea/**",
            "**/*.iml",
            "**/.fleet/**",
            "**/.zed/**",
            "**/.vs/**",
            "**/.vimrc",
            "**/.exrc",
            "**/.nvimrc",
            "**/.nvim.lua",
            "**/.dir-locals.el",
            "**/.dir-locals-2.el",
            "**/.projectile",
            "**/.sublime-project",
            "**/*.sublime-project",
            "**/.devcontainer/**",
            "**/.devcontainer.json",
            "**/.gitpod.yml",
            "**/.helix/**",
            "**/.kakrc",
            "**/.nova/**",
            "**/.theia/**",
            "**/.eclipse/**",
            "**/.settings/**",
        ],
    },
    Group {
        what: "shell",
        globs: &[
            "**/.envrc",
            "**/.envrc.*",
            "**/.direnvrc",
            "**/.direnv/**",
            "**/.bashrc",
            "**/.bash_profile",
            "**/.bash_login",
            "**/.bash_logout",
            "**/.bash_aliases",
            "**/.profile",
            "**/.zshrc",
            "**/.zshenv",
            "**/.zprofile",
            "**/.zlogin",
            "**/.zlogout",
            "**/.inputrc",
            "**/.config/fish/**",
            "**/.tmux.conf",
            "**/.screenrc",
            "**/.autoenv",
            "**/.autoenv.zsh",
            "**/.mise.toml",
            "**/mise.toml",
            "**/.mise/**",
            "**/.mise.*.toml",
            "**/mise.*.toml",
            "**/.tool-versions",
            "**/.rtx.toml",
            "**/.gdbinit",
            "**/.lldbinit",
            "**/.env",
            "**/.env.*",
            "**/.ssh/**",
        ],
    },
    Group {
        what: "agents and their tools",
        globs: &[
            "**/agents.md",
            "**/agents.override.md",
            "**/agent.md",
            "**/claude.md",
            "**/claude.local.md",
            "**/gemini.md",
            "**/skill.md",
            "**/.mcp.json",
            "**/mcp.json",
            "**/.cursor/**",
            "**/.cursorrules",
            "**/.cursorignore",
            "**/.claude/**",
            "**/.claude.json",
            "**/.codex/**",
            "**/.gemini/**",
            "**/.agents/**",
            "**/.aider*",
            "**/.windsurf/**",
            "**/.windsurfrules",
            "**/.clinerules",
            "**/.clinerules/**",
            "**/.roo/**",
            "**/.roorules*",
            "**/.roomodes",
            "**/.continue/**",
            "**/.continuerules",
            "**/.kiro/**",
            "**/.junie/**",
            "**/.goosehints",
            "**/.opencode/**",
            "**/opencode.json*",
            "**/.amp/**",
            "**/.trae/**",
            "**/.amazonq/**",
            "**/copilot-instructions.md",
            "**/.worktreeinclude",
        ],
    },
    Group { what: "Orchestra Pit", globs: &["**/pit.toml", "**/agent.toml", "**/.pit/**"] },
    Group {
        what: "package manager",
        globs: &[
            "**/.npmrc",
            "**/.yarnrc",
            "**/.yarnrc.y{,a}ml",
            "**/.yarn/**",
            "**/.pnpmfile.{c,m,}js",
            "**/pnpm-workspace.yaml",
            "**/bunfig.toml",
            "**/.bunfig.toml",
            "**/.cargo/**",
            "**/rust-toolchain",
            "**/rust-toolchain.toml",
            "**/pip.conf",
            "**/pip.ini",
            "**/.pip/**",
            "**/.pypirc",
            "**/uv.toml",
            "**/.condarc",
            "**/poetry.toml",
            "**/pdm.toml",
            "**/.pdm.toml",
            "**/.python-version",
            "**/sitecustomize.py",
            "**/usercustomize.py",
            "**/*.pth",
            "**/.bundle/**",
            "**/.gemrc",
            "**/.ruby-version",
            "**/.nvmrc",
            "**/.node-version",
            "**/.noderc",
            "**/.mvn/**",
            "**/gradle.properties",
            "**/gradle/wrapper/**",
            "**/gradlew",
            "**/gradlew.bat",
            "**/mvnw",
            "**/mvnw.cmd",
            "**/nuget.config",
            "**/.netrc",
            "**/auth.json",
            "**/.bazelrc",
            "**/.bazelversion",
            "**/.terraformrc",
            "**/.curlrc",
            "**/.wgetrc",
            "**/go.work",
            "**/.sdkmanrc",
            "**/.java-version",
            "**/.jvmopts",
            "**/.sbtopts",
            "**/.jrubyrc",
            "**/.corepack.env",
        ],
    },
];

/// What else runs on a person's machine outside the sandbox: by what runs it when somebody builds, tests or starts the
/// project on purpose. Shown before a result is taken, and otherwise written like any file.
pub const RUNS: &[Group] = &[
    Group {
        what: "build script",
        globs: &[
            "**/build.rs",
            "**/cargo.toml",
            "**/makefile",
            "**/makefile.*",
            "**/gnumakefile",
            "**/*.mk",
            "**/cmakelists.txt",
            "**/*.cmake",
            "**/meson.build",
            "**/configure",
            "**/configure.ac",
            "**/*.gradle",
            "**/*.gradle.kts",
            "**/pom.xml",
            "**/build.xml",
            "**/setup.py",
            "**/setup.cfg",
            "**/pyproject.toml",
            "**/hatch_build.py",
            "**/rakefile",
            "**/*.rake",
            "**/gemfile",
            "**/*.gemspec",
            "**/justfile",
            "**/.justfile",
            "**/taskfile.y{,a}ml",
            "**/build.zig",
            "**/build{,.bazel}",
            "**/workspace{,.bazel}",
            "**/module.bazel",
            "**/*.bzl",
            "**/sconstruct",
            "**/build.sbt",
            "**/*.csproj",
            "**/*.fsproj",
            "**/*.vbproj",
            "**/*.targets",
            "**/*.props",
            "**/package.swift",
            "**/mix.exs",
            "**/flake.nix",
            "**/default.nix",
            "**/shell.nix",
            "**/dockerfile*",
            "**/containerfile*",
            "**/compose*.y{,a}ml",
            "**/docker-compose*.y{,a}ml",
            "**/xtask/**",
        ],
    },
    Group {
        what: "package scripts",
        globs: &["**/package.json", "**/composer.json", "**/deno.json{,c}", "**/procfile", "**/requirements*.txt"],
    },
    Group {
        what: "test configuration",
        globs: &[
            "**/conftest.py",
            "**/pytest.ini",
            "**/tox.ini",
            "**/noxfile.py",
            "**/.rspec",
            "**/.mocharc.*",
            "**/{jest,vitest,vite,karma,playwright,cypress,babel,webpack,rollup,eslint,prettier,postcss,tailwind,next,nuxt,metro}.conf{,ig}.*",
            "**/{gulpfile,gruntfile}.*",
            "**/.eslintrc*",
            "**/.prettierrc*",
            "**/.babelrc*",
            "**/phpunit.xml*",
            "**/nextest.toml",
        ],
    },
    Group { what: "shell script", globs: &["**/*.{sh,bash,zsh,fish,ps1,bat,cmd}", "**/scripts/**", "**/bin/**"] },
];

static SETS: LazyLock<Vec<(&'static str, GlobSet)>> = LazyLock::new(|| sets(GROUPS));
static RUN_SETS: LazyLock<Vec<(&'static str, GlobSet)>> = LazyLock::new(|| sets(RUNS));

fn sets(groups: &'static [Group]) -> Vec<(&'static str, GlobSet)> {
    let set = |group: &Group| {
        let mut all = GlobSetBuilder::new();
        for glob in group.globs {
            // The table is compiled in and a test compiles each of its lines.
            if let Ok(glob) = GlobBuilder::new(glob).literal_separator(true).empty_alternates(true).build() {
                all.add(glob);
            }
        }
        (group.what, all.build().unwrap_or_default())
    };
    groups.iter().map(set).collect()
}

/// What would pick up a path, if it is protected.
///
/// Letters do not count, nor do the code points that HFS+ ignores, nor spaces and dots at the end of a part, which NTFS
/// drops: what matters is the name that a checkout would have.
pub fn group(path: &str) -> Option<&'static str> {
    found(&SETS, path)
}

/// What runs a path on the person's machine outside the sandbox, if anything does: by itself, or when somebody builds, tests
/// or starts the project.
pub fn runs(path: &str) -> Option<&'static str> {
    group(path).or_else(|| found(&RUN_SETS, path))
}

fn found(sets: &[(&'static str, GlobSet)], path: &str) -> Option<&'static str> {
    let folded: Vec<String> = path.split('/').map(fold).collect();
    let folded = folded.join("/");
    sets.iter().find(|(_, set)| set.is_match(&folded)).map(|(what, _)| *what)
}

/// Whether a commit that has a path waits for a person.
pub fn is_protected(path: &str) -> bool {
    group(path).is_some()
}

fn fold(part: &str) -> String {
    let plain: String = part
        .chars()
        .filter(
            |c| !matches!(c, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}'),
        )
        .collect();
    // NTFS takes `x:stream` for a stream of the file `x`.
    let plain = plain.split(':').next().unwrap_or_default().trim_end_matches([' ', '.']);
    // `K` (Kelvin) and `ſ` fold to ASCII on file systems that ignore case.
    plain.chars().flat_map(char::to_lowercase).map(|c| if c == '\u{17f}' { 's' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_is_a_glob_in_lower_case() {
        for glob in GROUPS.iter().chain(RUNS).flat_map(|group| group.globs) {
            assert!(GlobBuilder::new(glob).literal_separator(true).empty_alternates(true).build().is_ok(), "{glob}");
            assert_eq!(*glob, glob.to_lowercase());
        }
    }

    #[test]
    fn what_a_tool_picks_up_is_protected() {
        for (path, what) in [
            (".gitattributes", "git"),
            ("deep/down/.gitmodules", "git"),
            (".husky/pre-commit", "git hooks"),
            ("lefthook.yml", "git hooks"),
            (".pre-commit-config.yaml", "git hooks"),
            (".github/workflows/ci.yml", "continuous integration"),
            (".gitlab-ci.yml", "continuous integration"),
            ("Jenkinsfile", "continuous integration"),
            (".vscode/tasks.json", "editor"),
            ("sub/.idea/workspace.xml", "editor"),
            (".envrc", "shell"),
            (".bashrc", "shell"),
            ("AGENTS.md", "agents and their tools"),
            ("crates/x/CLAUDE.md", "agents and their tools"),
            (".claude/skills/x/SKILL.md", "agents and their tools"),
            (".mcp.json", "agents and their tools"),
            (".cursor/mcp.json", "agents and their tools"),
            ("pit.toml", "Orchestra Pit"),
            ("plugins/x/agent.toml", "Orchestra Pit"),
            (".npmrc", "package manager"),
            (".yarnrc.yml", "package manager"),
            (".cargo/config.toml", "package manager"),
            ("pip.conf", "package manager"),
        ] {
            assert_eq!(group(path), Some(what), "{path}");
        }
    }

    #[test]
    fn no_spelling_that_a_file_system_takes_for_it_gets_by() {
        for path in [
            ".ENVRC",
            ".Github/Workflows/x",
            ".env\u{200c}rc",
            "Agents.MD",
            ".vscode./tasks.json",
            ".mcp.json ",
            "pit.toml::$DATA",
            ".vſcode/tasks.json",
            "\u{212a}nown/.PRE-COMMIT-CONFIG.YAML",
        ] {
            assert!(is_protected(path), "{path}");
        }
    }

    #[test]
    fn what_somebody_runs_on_purpose_is_shown_and_not_protected() {
        for (path, what) in [
            ("build.rs", "build script"),
            ("crates/x/Cargo.toml", "build script"),
            ("Makefile", "build script"),
            ("BUILD", "build script"),
            ("web/package.json", "package scripts"),
            ("tests/conftest.py", "test configuration"),
            ("vite.config.ts", "test configuration"),
            ("run.sh", "shell script"),
        ] {
            assert_eq!((runs(path), group(path)), (Some(what), None), "{path}");
        }
        assert_eq!(runs(".envrc"), Some("shell"));
        assert_eq!((runs("src/main.rs"), runs("docs/build.md")), (None, None));
    }

    #[test]
    fn ordinary_work_is_not() {
        for path in [
            "src/main.rs",
            "README.md",
            "Cargo.toml",
            "package.json",
            "build.rs",
            "Makefile",
            "tests/ci.rs",
            "docs/agents/intro.md",
            ".gitignore",
            "github/x",
            "envrc",
            "src/.hidden",
            "vscode/tasks.json",
            "src/pit.rs",
            "LICENSE",
        ] {
            assert_eq!(group(path), None, "{path}");
        }
    }
}
