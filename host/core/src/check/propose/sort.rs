//! What a command is for, by its first words.

/// What a check looks at.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Part {
    /// That it builds.
    Build,
    /// Its types.
    Types,
    /// Its tests.
    Test,
    /// Its manners.
    Lint,
    /// Its layout.
    Format,
}

impl Part {
    /// The name of such a check.
    pub fn word(self) -> &'static str {
        match self {
            Self::Build => "build",
            Self::Types => "types",
            Self::Test => "test",
            Self::Lint => "lint",
            Self::Format => "format",
        }
    }
}

/// What a command is for; none if it is no check, or none that is known.
pub(super) fn sort(run: &[String]) -> Option<Part> {
    let words = bare(run);
    let has = |word: &str| words.contains(&word);
    match words.as_slice() {
        ["cargo", "test" | "t", ..] | ["cargo", "nextest", "run", ..] => Some(Part::Test),
        ["cargo", "check" | "build" | "c" | "b", ..] => Some(Part::Build),
        ["cargo", "clippy", ..] => Some(Part::Lint),
        ["cargo", "fmt", ..] if has("--check") => Some(Part::Format),
        ["pytest" | "tox" | "nox", ..] | ["python", "-m", "pytest" | "unittest" | "tox" | "nox", ..] => {
            Some(Part::Test)
        }
        ["mypy" | "pyright", ..] | ["python", "-m", "mypy", ..] | ["tsc", ..] => Some(Part::Types),
        ["ruff", "format", ..] | ["black" | "prettier", ..] => {
            (has("--check") || has("--diff")).then_some(Part::Format)
        }
        ["ruff", ..] if !has("--fix") => Some(Part::Lint),
        ["flake8" | "pylint", ..] | ["golangci-lint", "run", ..] | ["go", "vet", ..] => Some(Part::Lint),
        ["eslint", ..] if !has("--fix") => Some(Part::Lint),
        ["jest" | "vitest" | "mocha" | "ava", ..] | ["node", "--test", ..] | ["go", "test", ..] => Some(Part::Test),
        ["go", "build", ..] => Some(Part::Build),
        ["npm" | "yarn" | "pnpm" | "bun", "run", script, ..] => script_part(script),
        ["npm" | "yarn" | "pnpm" | "bun", script, ..] => script_part(script),
        ["make" | "just", target] => script_part(target),
        ["mvn" | "mvnw", ..] => (has("test") || has("verify")).then_some(Part::Test),
        ["gradle" | "gradlew", ..] => match () {
            () if has("test") || has("check") || has("build") => Some(Part::Test),
            () if has("assemble") || has("classes") => Some(Part::Build),
            () => None,
        },
        _ => None,
    }
}

/// What a script or target is for, by its name.
pub(super) fn script_part(name: &str) -> Option<Part> {
    match name {
        "test" | "tests" | "t" | "check" | "test:unit" | "test:ci" | "unit" => Some(Part::Test),
        "lint" | "clippy" | "vet" | "lint:check" => Some(Part::Lint),
        "build" | "compile" => Some(Part::Build),
        "typecheck" | "type-check" | "types" | "tsc" | "check-types" | "mypy" => Some(Part::Types),
        "fmt-check" | "format:check" | "check-format" | "format-check" => Some(Part::Format),
        _ => None,
    }
}

/// The words of a command without what only starts it.
fn bare(run: &[String]) -> Vec<&str> {
    let mut words: Vec<&str> = run.iter().map(String::as_str).collect();
    if words.first() == Some(&"env") {
        words.remove(0);
        let values = words.iter().take_while(|word| word.contains('=')).count();
        words.drain(..values);
    }
    match words.as_slice() {
        ["uv" | "poetry" | "hatch" | "pdm" | "pipenv", "run", ..] => drop(words.drain(..2)),
        ["npx" | "bunx", ..] => drop(words.drain(..1)),
        ["yarn" | "pnpm", "exec", ..] => drop(words.drain(..2)),
        _ => {}
    }
    if let Some(first) = words.first_mut() {
        *first = first.rsplit('/').next().unwrap_or(first);
        if *first == "python3" {
            *first = "python";
        }
    }
    words
}

/// Which language's tool a command is; two checks of one purpose are the same if it is.
pub(super) fn tool(run: &[String]) -> &'static str {
    match bare(run).first().copied().unwrap_or_default() {
        "cargo" => "rust",
        "pytest" | "tox" | "nox" | "python" | "pip" | "pip3" | "mypy" | "pyright" | "ruff" | "black" | "flake8"
        | "pylint" => "python",
        "npm" | "yarn" | "pnpm" | "bun" | "jest" | "vitest" | "mocha" | "ava" | "node" | "tsc" | "eslint"
        | "prettier" => "node",
        "go" | "golangci-lint" => "go",
        "mvn" | "mvnw" | "gradle" | "gradlew" => "java",
        _ => "",
    }
}

/// The tools that bring a command's program, as `[workspace]` names them.
pub(super) fn tools(run: &[String]) -> &'static [&'static str] {
    match (tool(run), bare(run).first().copied()) {
        ("rust", _) => &["cargo", "rustup"],
        ("python", _) => &["pyenv", "uv"],
        ("node", _) => &["nvm", "fnm", "volta", "npm"],
        ("go", _) => &["go"],
        ("java", Some("mvn" | "mvnw")) => &["maven"],
        ("java", _) => &["gradle"],
        _ => &[],
    }
}

/// Whether a command may stand for any language: what `make test` runs is not known, and is not run twice.
pub(super) fn is_general(run: &[String]) -> bool {
    matches!(bare(run).first(), Some(&("make" | "just")))
}
