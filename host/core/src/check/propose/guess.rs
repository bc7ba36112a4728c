//! What a language's own files suggest where no CI file says it: checks, set-up, warm folders and tools.

mod make;
mod python;

use super::sort::{self, Part};
use super::{Folder, Found, Proposal, Repository, Setup, Source};
pub(super) use python::{Programs, is_test};

/// The checks; set-up and folders go into the proposal at once. What a CI file runs needs its set-up and folders as well.
pub(super) fn guess(
    repository: &Repository<'_>,
    by_ci: &[Found],
    pip: Vec<(Vec<String>, Source)>,
    into: &mut Proposal,
) -> (Vec<Found>, Programs) {
    let mut guess = Guess { repository, by_ci, pip, into, found: Vec::new() };
    guess.rust();
    guess.node();
    let programs = guess.python();
    guess.go();
    guess.java();
    guess.make();
    guess.versions();
    (guess.found, programs)
}

struct Guess<'a, 'r> {
    repository: &'a Repository<'r>,
    by_ci: &'a [Found],
    /// What CI installs with pip.
    pip: Vec<(Vec<String>, Source)>,
    into: &'a mut Proposal,
    found: Vec<Found>,
}

fn split(command: &str) -> Vec<String> {
    command.split(' ').map(str::to_owned).collect()
}

impl Guess<'_, '_> {
    fn check(&mut self, part: Part, command: &str, source: &Source) {
        self.found.push(Found { part, run: split(command), dir: String::new(), source: source.clone() });
    }

    fn setup(&mut self, name: &str, command: &str, inputs: &[&str], source: &Source) {
        let mut there: Vec<String> =
            inputs.iter().filter(|path| self.repository.has(path)).map(|path| (*path).to_owned()).collect();
        // A lock file that is not there is stood for by what it would be made from, which may be named already.
        there.dedup();
        let inputs = there;
        let network = !command.contains(" -m venv ");
        let setup =
            Setup { name: name.to_owned(), run: split(command), dir: None, inputs, network, source: source.clone() };
        self.into.setup.push(setup);
    }

    fn warm(&mut self, names: &[&str], because: &str) {
        add(&mut self.into.warm, names, because);
    }

    fn tools(&mut self, names: &[&str], because: &str) {
        add(&mut self.into.tools, names, because);
    }

    /// The first of these files that is there.
    fn first<'p>(&self, paths: &[&'p str]) -> Option<&'p str> {
        paths.iter().copied().find(|path| self.repository.has(path))
    }

    fn rust(&mut self) {
        let path = "Cargo.toml";
        let Some(text) = self.repository.text(path) else { return };
        let section = if text.contains("[workspace]") { "[workspace]" } else { "[package]" };
        let source = self.repository.source(path, section);
        self.check(Part::Build, "cargo check --workspace --all-targets", &source);
        self.check(Part::Test, "cargo test --workspace --no-fail-fast", &source);
        if let Some(lints) = self.first(&["clippy.toml", ".clippy.toml"]) {
            let source = self.repository.source(lints, "");
            self.check(Part::Lint, "cargo clippy --workspace --all-targets -- -D warnings", &source);
        }
        match self.first(&["Cargo.lock"]) {
            Some(lock) => {
                let source = self.repository.source(lock, "");
                self.setup("fetch", "cargo fetch --locked", &[lock], &source);
            }
            None => self.setup("fetch", "cargo fetch", &[path], &source),
        }
        self.warm(&["target"], path);
        self.tools(&["cargo", "rustup"], path);
    }

    fn node(&mut self) {
        let path = "package.json";
        let Some(text) = self.repository.text(path) else { return };
        let (program, install, lock) = match self.first(&["pnpm-lock.yaml", "yarn.lock", "package-lock.json"]) {
            Some(lock @ "pnpm-lock.yaml") => ("pnpm", "pnpm install --frozen-lockfile", lock),
            Some(lock @ "yarn.lock") => ("yarn", "yarn install --frozen-lockfile", lock),
            Some(lock) => ("npm", "npm ci", lock),
            None => ("npm", "npm install", path),
        };
        let package: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
        let scripts = package.get("scripts").and_then(serde_json::Value::as_object);
        for (name, script) in scripts.into_iter().flatten() {
            let (Some(part), Some(script)) = (sort::script_part(name), script.as_str()) else { continue };
            // What `npm init` writes where there are no tests.
            if script.contains("no test specified") {
                continue;
            }
            let source = self.repository.source(path, &format!("\"{name}\":"));
            // A name is a key of a table of ours, so it is one plain word.
            self.check(part, &format!("{program} run {name}"), &source);
        }
        let source = self.repository.source(lock, "");
        self.setup("install", install, &[lock, path], &source);
        self.warm(&["node_modules"], path);
        self.tools(&["nvm", "fnm", "volta", "npm"], path);
    }

    fn go(&mut self) {
        let path = "go.mod";
        if self.repository.text(path).is_none() {
            return;
        }
        let source = self.repository.source(path, "module ");
        self.check(Part::Build, "go build ./...", &source);
        self.check(Part::Test, "go test ./...", &source);
        self.check(Part::Lint, "go vet ./...", &source);
        self.setup("download", "go mod download", &[path, "go.sum"], &source);
        self.tools(&["go"], path);
    }

    fn java(&mut self) {
        if self.repository.text("pom.xml").is_some() {
            let program = if self.repository.has("mvnw") { "./mvnw" } else { "mvn" };
            let source = self.repository.source("pom.xml", "<project");
            self.check(Part::Test, &format!("{program} -B -o test"), &source);
            // What Surefire runs tests with is fetched by no other goal than the one that runs them.
            let fetch = format!("{program} -B test -Dmaven.test.failure.ignore=true");
            self.setup("fetch", &fetch, &["pom.xml"], &source);
            self.warm(&["target"], "pom.xml");
            self.tools(&["maven"], "pom.xml");
        } else if let Some(path) = self.first(&["build.gradle.kts", "build.gradle"]) {
            let program = if self.repository.has("gradlew") { "./gradlew" } else { "gradle" };
            let source = self.repository.source(path, "");
            self.check(Part::Build, &format!("{program} --offline classes"), &source);
            self.check(Part::Test, &format!("{program} --offline test --continue"), &source);
            self.setup("fetch", &format!("{program} classes testClasses"), &[path, "gradle.lockfile"], &source);
            self.warm(&["build", ".gradle"], path);
            self.tools(&["gradle"], path);
        }
    }

    /// Files that choose a toolchain's version by a manager's help.
    fn versions(&mut self) {
        for (path, tools) in
            [(".tool-versions", &["asdf", "mise"][..]), ("mise.toml", &["mise"]), (".mise.toml", &["mise"])]
        {
            if self.repository.has(path) {
                self.tools(tools, path);
            }
        }
    }
}

fn add(folders: &mut Vec<Folder>, names: &[&str], because: &str) {
    for name in names {
        if !folders.iter().any(|folder| folder.name == *name) {
            folders.push(Folder { name: (*name).to_owned(), because: because.to_owned() });
        }
    }
}
