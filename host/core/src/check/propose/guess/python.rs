//! Python: what manages the project, what its tests are, and where they find what they need.

use super::super::{MOST_CHECKS, PYTHON};
use super::*;

/// Where Python's programs are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in super::super) enum Programs {
    /// In what uv or poetry manages.
    Managed(&'static str),
    /// In a virtual environment that set-up makes.
    Venv,
    /// On the machine: nothing is installed.
    Machine,
}

/// Files that say that there is a project, whether or not it can be installed.
const PROJECTS: &[&str] = &["pyproject.toml", "setup.py", "setup.cfg", "requirements.txt", "tox.ini"];

/// Other languages' projects: a file of tests alone does not make these Python's.
const OTHERS: &[&str] = &["Cargo.toml", "package.json", "go.mod", "pom.xml", "build.gradle", "build.gradle.kts"];

/// Whether a file is one of tests that is looked into for what sort they are. A few say it for all.
pub(in super::super) fn is_test(path: &str) -> bool {
    let name = ["tests/", "test/"].iter().find_map(|folder| path.strip_prefix(folder)).unwrap_or(path);
    name.starts_with("test_") && name.ends_with(".py") && !name.contains('/')
}

impl Programs {
    fn python(self) -> String {
        match self {
            Self::Managed(manager) => format!("{manager} run python"),
            Self::Venv => ".venv/bin/python".to_owned(),
            Self::Machine => "python3".to_owned(),
        }
    }

    /// A program that is not Python itself.
    fn program(self, name: &str) -> String {
        match self {
            Self::Managed(manager) => format!("{manager} run {name}"),
            Self::Venv => format!(".venv/bin/{name}"),
            Self::Machine => name.to_owned(),
        }
    }

    /// A command of a CI file, as it has to be here: there `python` is the one that a step before has installed into.
    pub(in super::super) fn within(self, mut run: Vec<String>) -> Vec<String> {
        let is_set = |word: &String| word == "env" || word.contains('=');
        let at = run.iter().take_while(|word| is_set(word)).count();
        let program = run.get(at).map(String::as_str).unwrap_or_default();
        let python = program == "python" || program.starts_with("python3");
        match self {
            Self::Venv if program == "pytest" => {
                run.splice(at..=at, split(".venv/bin/python -m pytest"));
            }
            Self::Venv | Self::Machine if python => run[at] = self.python(),
            _ => {}
        }
        // It looks at every folder, and in CI there is none with other people's programs.
        if self == Self::Venv && run.iter().any(|word| word == "flake8") {
            run.push("--extend-exclude=.venv".to_owned());
        }
        run
    }
}

impl Guess<'_, '_> {
    pub(super) fn python(&mut self) -> Programs {
        let Some(because) = self.because() else { return Programs::Machine };
        let programs = self.programs(&because);
        if let Some((tests, source)) = self.tests() {
            self.check(Part::Test, &format!("{} -m {tests}", programs.python()), &source);
        }
        for (tool, run, part) in [("ruff", "ruff check", Part::Lint), ("mypy", "mypy .", Part::Types)] {
            if let Some(source) = self.configured(tool) {
                self.check(part, &programs.program(run), &source);
            }
        }
        if programs != Programs::Machine {
            self.warm(&[".venv"], &because.path);
        }
        self.tools(&["pyenv", "uv"], &because.path);
        programs
    }

    /// What says that there is Python at all.
    fn because(&self) -> Option<Source> {
        let project = self.first(PROJECTS).or_else(|| self.first(PYTHON));
        let by_ci = || Some(self.python_by_ci().next()?.source.clone());
        let tests = || self.first(OTHERS).is_none().then(|| self.test_file())?;
        project.or_else(tests).map(|path| self.repository.source(path, "")).or_else(by_ci)
    }

    fn python_by_ci(&self) -> impl Iterator<Item = &Found> {
        self.by_ci.iter().filter(|found| sort::tool(&found.run) == "python")
    }

    /// Where the programs are; what brings them there is set-up.
    fn programs(&mut self, because: &Source) -> Programs {
        for (lock, name, run, manager) in
            [("uv.lock", "sync", "uv sync --frozen", "uv"), ("poetry.lock", "install", "poetry install", "poetry")]
        {
            if self.repository.has(lock) {
                let source = self.repository.source(lock, "");
                self.setup(name, run, &[lock, "pyproject.toml"], &source);
                return Programs::Managed(manager);
            }
        }
        let installs = self.installs(because);
        if installs.is_empty() {
            return Programs::Machine;
        }
        self.setup("venv", "python3 -m venv .venv", &[], &installs[0].1);
        for (at, (words, source)) in installs.iter().enumerate() {
            let name = if at == 0 { "install".to_owned() } else { format!("install-{}", at + 1) };
            let inputs = self.inputs(words);
            let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
            self.setup(&name, &format!(".venv/bin/pip install {}", words.join(" ")), &inputs, source);
        }
        Programs::Venv
    }

    /// What pip is to install, as its arguments: what CI installs for what it runs, and without any the project with what its
    /// tests need.
    fn installs(&self, because: &Source) -> Vec<(Vec<String>, Source)> {
        let files: Vec<&str> = self.python_by_ci().map(|found| &*found.source.path).collect();
        let by_ci = self.pip.iter().filter(|(_, source)| files.contains(&&*source.path));
        let by_ci: Vec<_> = by_ci.take(MOST_CHECKS).cloned().collect();
        if !by_ci.is_empty() {
            return by_ci;
        }
        let words = self.needs();
        let source = match self.first(&["requirements.txt"]) {
            Some(path) => self.repository.source(path, ""),
            None => because.clone(),
        };
        if words.is_empty() { Vec::new() } else { vec![(words, source)] }
    }

    /// The project with what its tests need, which is mostly named apart; pytest is often named nowhere.
    fn needs(&self) -> Vec<String> {
        let mut words = Vec::new();
        if self.repository.has("requirements.txt") {
            words.extend(split("-r requirements.txt"));
        } else if self.can_be_installed() {
            let extra = self.extra().map_or(String::new(), |extra| format!("[{extra}]"));
            words.extend(["-e".to_owned(), format!(".{extra}")]);
        }
        let apart = self.first(PYTHON).filter(|path| !["requirements.txt", "setup.py"].contains(path));
        words.extend(apart.into_iter().flat_map(|path| ["-r".to_owned(), path.to_owned()]));
        let by_ci = |name: &str| self.python_by_ci().any(|found| found.run.iter().any(|word| word == name));
        for (name, wanted) in [
            ("pytest", self.pytest().is_some()),
            ("ruff", self.configured("ruff").is_some()),
            ("mypy", self.configured("mypy").is_some()),
        ] {
            words.extend((wanted || by_ci(name)).then(|| name.to_owned()));
        }
        words
    }

    /// A file of settings for tools alone names nothing to install.
    fn can_be_installed(&self) -> bool {
        let says = |path: &str, words: &[&str]| {
            let text = self.repository.text(path).unwrap_or_default();
            words.iter().any(|words| text.contains(words))
        };
        self.repository.has("setup.py")
            || says("pyproject.toml", &["[project]", "[build-system]", "[tool.poetry]"])
            || says("setup.cfg", &["[metadata]"])
    }

    /// The extra of the project that is for its tests.
    fn extra(&self) -> Option<&'static str> {
        let text = self.repository.text("pyproject.toml")?;
        let (_, extras) = text.split_once("[project.optional-dependencies]")?;
        let named = |name: &str| {
            let mut lines = extras.lines().take_while(|line| !line.starts_with('['));
            lines.any(|line| line.split_once('=').is_some_and(|(key, _)| key.trim() == name))
        };
        ["test", "tests", "dev"].into_iter().find(|name| named(name))
    }

    /// The files that pip's words name, or that name the project.
    fn inputs(&self, words: &[String]) -> Vec<String> {
        let file = |word: &String| match word.split_once('=') {
            Some(("--requirement" | "--constraint", path)) => path.to_owned(),
            _ => word.strip_prefix("-r").unwrap_or(word).to_owned(),
        };
        let is_project = |word: &String| word == "." || word.starts_with(".[");
        let projects = ["pyproject.toml", "setup.cfg", "setup.py"].iter().filter(|_| words.iter().any(is_project));
        let project = self.first(PROJECTS).or_else(|| self.first(PYTHON));
        let mut files: Vec<String> = words.iter().map(file).collect();
        for path in projects.copied().chain(project) {
            if !files.iter().any(|known| known == path) {
                files.push(path.to_owned());
            }
        }
        files
    }

    /// The module that runs the tests, with its arguments, and what says so.
    fn tests(&self) -> Option<(&'static str, Source)> {
        if let Some(source) = self.pytest() {
            return Some(("pytest", source));
        }
        let path = self.test_file().or_else(|| self.any_test())?;
        // unittest goes into no folder that is not a package.
        let alone = |folder: &str| !path.contains('/') || self.repository.has(&format!("{folder}/__init__.py"));
        let run = match path.split_once('/') {
            Some(("tests", _)) if !alone("tests") => "unittest discover -s tests",
            Some(("test", _)) if !alone("test") => "unittest discover -s test",
            _ => "unittest",
        };
        Some((run, self.repository.source(path, "")))
    }

    /// What says that the tests are pytest's.
    fn pytest(&self) -> Option<Source> {
        let says = [
            ("pyproject.toml", "[tool.pytest"),
            ("pytest.ini", "[pytest]"),
            ("setup.cfg", "[tool:pytest]"),
            ("tox.ini", "[pytest]"),
            ("pyproject.toml", "pytest"),
            ("tox.ini", "pytest"),
        ];
        let has = |path: &str, words: &str| self.repository.text(path).is_some_and(|text| text.contains(words));
        let named = PYTHON.iter().map(|path| (*path, "pytest"));
        let found = says.into_iter().chain(named).find(|(path, words)| has(path, words));
        let file = self.repository.paths.iter().find(|path| path.ends_with("conftest.py"));
        let source = |path: &str, words: &str| self.repository.source(path, words);
        let found = found.map(|(path, words)| source(path, words));
        found.or_else(|| file.map(|path| source(path, ""))).or_else(|| self.pytest_style())
    }

    /// A line that only pytest makes a test of: of unittest are methods of a class alone.
    fn pytest_style(&self) -> Option<Source> {
        let begins = ["import pytest", "from pytest", "def test_", "async def test_"];
        let is = |line: &str| begins.iter().any(|words| line.starts_with(words));
        let texts = self.repository.texts.iter().filter(|(path, _)| is_test(path));
        texts.into_iter().find_map(|(path, text)| {
            let line = text.lines().position(is)? + 1;
            Some(self.repository.at(path, line))
        })
    }

    /// A file of tests at the top or in the usual folder.
    fn test_file(&self) -> Option<&str> {
        let mut tests = self.repository.paths.iter().copied().filter(|path| is_test(path));
        let first = tests.next()?;
        Some(if first.contains('/') { tests.find(|path| !path.contains('/')).unwrap_or(first) } else { first })
    }

    /// One anywhere.
    fn any_test(&self) -> Option<&str> {
        let name = |path: &str| path.rsplit('/').next().is_some_and(|name| name.starts_with("test_"));
        self.repository.paths.iter().copied().find(|path| path.ends_with(".py") && name(path))
    }

    /// Where a tool's settings are.
    fn configured(&self, tool: &str) -> Option<Source> {
        let words = format!("[tool.{tool}");
        let text = self.repository.text("pyproject.toml")?;
        text.contains(&words).then(|| self.repository.source("pyproject.toml", &words))
    }
}
