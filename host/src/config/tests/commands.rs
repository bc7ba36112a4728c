//! What runs: what files can say of it, that a repository's word counts only with a yes, and each thing that is refused.

use std::collections::BTreeMap;

use orchestra_pit_core::commands::{Check, Commands, Service, Setup, Walls};
use orchestra_pit_core::path::RepoPath;
use orchestra_pit_core::pattern::{Pattern, Patterns};

use super::*;

const MINUTE: u64 = 60 * 1_000_000;

/// All that a repository can say of commands. Line 1 is the schema.
const WHOLE: &str = "[checks.full]
test = { run = [\"cargo\", \"test\"], timeout = \"10m\", flaky = [\"net::slow\"] }
lint = { run = [\"cargo\", \"clippy\"], required = false, reports = [\"out/*.xml\", \"**/lint.xml\"] }
[checks.fast]
build = { run = [\"cargo\", \"check\"], dir = \"core\", env = { RUSTFLAGS = \"-D warnings\" } }
[setup]
fetch = { run = [\"cargo\", \"fetch\"], inputs = [\"Cargo.lock\"], network = true }
data = { run = [\"sh\", \"-c\", \"make data && make index\"], dir = \"web\", timeout = \"1h30m\" }
[services]
web = { run = [\"./serve\"] }
db = { run = [\"postgres\", \"-D\", \"db\"], port = 5432 }
[workspace]
warm = [\"target\", \"web/node_modules\"]
tools = [\"rustup\", \"cargo\"]
";

impl Texts<'_> {
    /// With the person's yes to the repository's file as it is.
    #[must_use]
    fn trusted(&self) -> Settled {
        let yes = trusted(&format!("schema = 1\n{}", self.repository));
        self.settle_with(&Flags::default(), Some(&yes)).unwrap()
    }
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn path(path: &str) -> RepoPath {
    RepoPath::new(path).unwrap()
}

fn check(name: &str, run: &[&str]) -> Check {
    let timeout = 20 * MINUTE;
    Check {
        name: name.into(),
        run: words(run),
        dir: None,
        required: true,
        timeout,
        env: BTreeMap::new(),
        flaky: vec![],
        reports: Patterns::default(),
    }
}

#[test]
fn a_run_gets_all_that_is_written_in_the_order_of_the_file() {
    let reports = ["out/*.xml", "**/lint.xml"].into_iter().map(|text| Pattern::new(text).unwrap()).collect();
    let full = vec![
        Check { timeout: 10 * MINUTE, flaky: words(&["net::slow"]), ..check("test", &["cargo", "test"]) },
        Check { required: false, reports, ..check("lint", &["cargo", "clippy"]) },
    ];
    let fast = Check {
        dir: Some(path("core")),
        env: BTreeMap::from([("RUSTFLAGS".into(), "-D warnings".into())]),
        ..check("build", &["cargo", "check"])
    };
    let commands = Commands {
        checks: BTreeMap::from([("fast".into(), vec![fast]), ("full".into(), full)]),
        setup: vec![
            Setup {
                name: "fetch".into(),
                run: words(&["cargo", "fetch"]),
                dir: None,
                inputs: vec![path("Cargo.lock")],
                network: true,
                timeout: 30 * MINUTE,
            },
            Setup {
                name: "data".into(),
                run: words(&["sh", "-c", "make data && make index"]),
                dir: Some(path("web")),
                inputs: vec![],
                network: false,
                timeout: 90 * MINUTE,
            },
        ],
        services: vec![
            Service { name: "web".into(), run: words(&["./serve"]), port: 0 },
            Service { name: "db".into(), run: words(&["postgres", "-D", "db"]), port: 5432 },
        ],
        warm: vec![path("target"), path("web/node_modules")],
        tools: words(&["rustup", "cargo"]),
        include: vec![],
        walls: Walls::Full,
    };
    assert_eq!(repository(WHOLE).trusted().commands(), commands);
    assert_eq!(Texts::default().settle().commands(), Commands::default());
}

#[test]
fn everything_that_runs_or_is_seen_takes_a_yes_and_is_shown_with_its_line() {
    let error = repository(WHOLE).settle_with(&Flags::default(), None).unwrap_err();
    let ConfigError::Untrusted { widens, .. } = &error else { panic!("{error}") };
    let shown: Vec<String> = widens.iter().map(|one| format!("{} {} = {}", one.line, one.key, one.to)).collect();
    assert_eq!(
        shown,
        [
            "3 checks.full.test = cargo test; up to 10m; flaky: net::slow",
            "4 checks.full.lint = cargo clippy; up to 20m; not required; reports in out/*.xml, **/lint.xml",
            "6 checks.fast.build = cargo check; in core; with \"RUSTFLAGS=-D warnings\"; up to 20m",
            "8 setup.fetch = cargo fetch; with the network; again when Cargo.lock changes; up to 30m",
            "9 setup.data = sh -c \"make data && make index\"; in web; up to 1h30m",
            "11 services.web = ./serve; at any port",
            "12 services.db = postgres -D db; at port 5432",
            "14 workspace.warm = target",
            "14 workspace.warm = web/node_modules",
            "15 workspace.tools = rustup (~/.rustup)",
            "15 workspace.tools = cargo (~/.cargo/bin, ~/.cargo/registry, ~/.cargo/git)",
        ]
    );
    assert!(widens.iter().all(|one| one.without == "nothing"));
    // Each line alone takes one, too; a yes to another text is none.
    for text in [
        "[checks.full]\nt = { run = [\"true\"] }",
        "[setup]\ns = { run = [\"true\"] }",
        "[services]\ns = { run = [\"true\"] }",
        "[workspace]\nwarm = [\"target\"]",
        "[workspace]\ntools = [\"cargo\"]",
    ] {
        let texts = repository(text);
        assert_eq!(texts.settle_with(&Flags::default(), None).unwrap_err().code(), "untrusted", "{text}");
        let other = trusted("schema = 1\n");
        assert_eq!(texts.settle_with(&Flags::default(), Some(&other)).unwrap_err().code(), "untrusted", "{text}");
        let _ = texts.trusted();
    }
    // What holds nothing gives nothing.
    for empty in ["[checks]", "[setup]", "[services]", "[workspace]\nwarm = []\ntools = []"] {
        assert_eq!(repository(empty).settle().commands().setup, [], "{empty}");
    }
}

#[test]
fn tools_that_the_user_gives_anyway_are_no_widening() {
    let user = "[workspace]\ntools = [\"cargo\"]";
    let settled = Texts { user, repository: "[workspace]\ntools = [\"cargo\"]", ..Texts::default() }.settle();
    assert_eq!(settled.commands().tools, ["cargo"]);
    let more = Texts { user, repository: "[workspace]\ntools = [\"cargo\", \"rustup\"]", ..Texts::default() };
    let error = more.error();
    assert!(error.contains("line 3: workspace.tools = rustup") && !error.contains(".cargo"), "{error}");
    assert_eq!(more.trusted().commands().tools, ["cargo", "rustup"]);
}

#[test]
fn the_stricter_walls_of_user_and_organisation_hold() {
    let walls = |organisation, user| Texts { organisation, user, ..Texts::default() }.settle().commands().walls;
    let (full, partial) = ("[sandbox]\nrequire = \"full\"", "[sandbox]\nrequire = \"partial\"");
    assert_eq!((walls("", ""), walls(full, ""), walls("", full)), (Walls::Full, Walls::Full, Walls::Full));
    assert_eq!((walls(partial, ""), walls("", partial)), (Walls::Partial, Walls::Partial));
    assert_eq!((walls(full, partial), walls(partial, full)), (Walls::Full, Walls::Full));
    let error = user("[sandbox]\nrequire = \"ful\"").error();
    assert!(error.starts_with("config.toml:2: `ful` is not known here; did you mean `full`?"), "{error}");
}

#[test]
fn each_file_says_only_what_is_its_to_say() {
    for text in ["[sandbox]\nrequire = \"partial\"", "[workspace]\nrequire = \"partial\""] {
        // Not even with a yes.
        let yes = trusted(&format!("schema = 1\n{text}"));
        let error = repository(text).settle_with(&Flags::default(), Some(&yes)).unwrap_err().to_string();
        assert!(error.contains("for you to say"), "{error}");
    }
    for text in [
        "[checks.full]\nt = { run = [\"true\"] }",
        "[setup]\ns = { run = [\"true\"] }",
        "[services]\ns = { run = [\"true\"] }",
        "[workspace]\nwarm = [\"target\"]",
    ] {
        assert!(user(text).error().contains("belongs in its own pit.toml"), "{}", user(text).error());
    }
    let error = repository("[checks.full]\nt = { run = [\"true\"], network = true }").error();
    assert!(error.starts_with("pit.toml:3: `network` does not count here\nno check"), "{error}");
}

#[test]
fn what_could_never_hold_is_refused_with_its_line() {
    for (text, said) in [
        ("[check.full]", "pit.toml:2: unknown key `check`; did you mean `checks`?"),
        ("[checks.full]", "pit.toml:2: `checks.full` has no check"),
        ("[checks.ful]", "pit.toml:2: no level is called `ful`; did you mean `full`?"),
        ("[checks.\"a b\"]", "pit.toml:2: a name is"),
        ("[checks.full]\n\"a b\" = { run = [\"x\"] }", "pit.toml:3: a name is"),
        ("[checks.full]\nt = {}", "pit.toml:3: the key `run` is missing"),
        ("[checks.full]\nt = { run = \"cargo test\" }", "pit.toml:3: expected a list, found string \"cargo test\""),
        ("[checks.full]\nt = { run = [] }", "pit.toml:3: `run` is a program and its arguments"),
        ("[checks.full]\nt = { run = [\"\"] }", "pit.toml:3: `run` is a program and its arguments"),
        ("[checks.full]\nt = { run = [\"a\\u202e\"] }", "pit.toml:3: `run` has characters that nobody can see"),
        (
            "[checks.full]\nt = { run = [\"a\"], tmeout = \"1m\" }",
            "pit.toml:3: unknown key `tmeout`; did you mean `timeout`?",
        ),
        ("[checks.full]\n[checks.full.t]\nrun = [\"a\"]\ntimeout = \"0s\"", "pit.toml:5: `timeout` is at least 1s"),
        ("[checks.full]\nt = { run = [\"a\"], timeout = \"10\" }", "pit.toml:3: not a length of time"),
        ("[checks.full]\nt = { run = [\"a\"], timeout = 10 }", "pit.toml:3: expected"),
        ("[checks.full]\nt = { run = [\"a\"], dir = \"../x\" }", "pit.toml:3: the path has a `.` or `..`"),
        ("[checks.full]\nt = { run = [\"a\"], env = { \"A-B\" = \"x\" } }", "pit.toml:3: `A-B` names no variable"),
        ("[checks.full]\nt = { run = [\"a\"], env = { PIT_PORT = \"1\" } }", "pit.toml:3: `PIT_PORT` is set by pit"),
        ("[checks.full]\nt = { run = [\"a\"], flaky = [\"\"] }", "pit.toml:3: a test is named by"),
        ("[checks.full]\nt = { run = [\"a\"], reports = [] }", "pit.toml:3: `reports` has one to 20 patterns of files"),
        (
            "[checks.full]\nt = { run = [\"a\"], reports = [\"/tmp/x.xml\"] }",
            "pit.toml:3: `/tmp/x.xml` is not a pattern",
        ),
        ("[checks.full]\nt = { run = [\"a\"], reports = [\"../x.xml\"] }", "pit.toml:3: `../x.xml` is not a pattern"),
        ("[checks.full]\nt = { run = [\"a\"], reports = [\"a\\u202e\"] }", "pit.toml:3: `reports` has characters"),
        ("[checks.full]\nt = { run = [\"a\"], reports = \"x.xml\" }", "pit.toml:3: expected a list"),
        ("[setup]\ns = { run = [\"a\"], inputs = [\"/etc/passwd\"] }", "pit.toml:3: the path is absolute"),
        ("[setup]\ns = { run = [\"a\"], network = \"yes\" }", "pit.toml:3: expected"),
        ("[services]\ns = { run = [\"a\"], port = 70000 }", "pit.toml:3: expected"),
        (
            "[services]\na = { run = [\"a\"], port = 80 }\nb = { run = [\"b\"], port = 80 }",
            "pit.toml:4: port 80 is that of `a` already",
        ),
        ("[workspace]\nwarm = [\"/target\"]", "pit.toml:3: the path is absolute"),
        ("[workspace]\nwarm = [\"../target\"]", "pit.toml:3: the path has a `.` or `..`"),
        ("[workspace]\nwarm = [\"**/out\"]", "pit.toml:3: `**/out` is a pattern; `warm` has the path of each folder"),
        ("[workspace]\nwarm = [\".git/x\"]", "pit.toml:3: the path goes into `.git`"),
        ("[workspace]\nwarm = [\"a/b\", \"a\"]", "pit.toml:3: `a` and `a/b` are in each other"),
        ("[workspace]\nwarm = [\"a\", \"a\"]", "pit.toml:3: `a` and `a` are in each other"),
        ("[workspace]\ntools = [\"crago\"]", "pit.toml:3: no tool is called `crago`; did you mean `cargo`?"),
        ("[workspace]\ntools = [\"~\"]", "pit.toml:3: no tool is called `~`; there are cargo, rustup, nvm"),
        ("[grants.coder]\nexec = [\"**\", \"x\"]", "pit.toml:3: `**` stands for all further arguments"),
        ("[grants.coder]\nexec = [[]]", "pit.toml:3: a pattern of a command has at least one word"),
        ("[grants.coder]\nexec = [[\"a\"], \"b\"]", "pit.toml:3: words and lists of words side by side"),
        ("[grants.coder]\nexec = [1]", "pit.toml:3: a command is a list of words"),
        ("[grants.coder]\nenv = [\"A=B\"]", "pit.toml:3: `A=B` names no variable"),
    ] {
        assert!(repository(text).error().starts_with(said), "{text}: {}", repository(text).error());
    }
    // Honest names beside the two that are known.
    for level in ["fuzz", "nightly", "slow"] {
        let text = format!("[checks.{level}]\nt = {{ run = [\"a\"] }}");
        assert_eq!(repository(&text).trusted().commands().checks.len(), 1, "{level}");
    }
}

#[test]
fn commands_variables_and_checks_are_narrowed_as_all_grants_are() {
    let mut tester = coder();
    tester.asks.exec = vec![words(&["**"]).try_into().unwrap()];
    (tester.asks.env, tester.asks.check) = (words(&["*"]), true);
    let given = |texts: &Texts<'_>| texts.settle().grants(&tester, Profile::Default);
    let all = given(&Texts::default());
    assert_eq!((all.exec.len(), all.env.clone(), all.check), (1, words(&["*"]), true));
    let texts = Texts {
        user: "[grants.coder]\nexec = [[\"cargo\", \"**\"], [\"make\"]]\nenv = [\"RUST_*\", \"CI\"]",
        repository: "[grants.coder]\nexec = [\"make\"]\nenv = [\"CI\", \"HOME\"]\ncheck = false",
        ..Texts::default()
    };
    let narrowed = given(&texts);
    assert_eq!(narrowed.exec, [words(&["make"]).try_into().unwrap()]);
    assert_eq!((narrowed.env, narrowed.check), (words(&["CI"]), false));
    assert_eq!(given(&repository("[grants.coder]\nexec = []\nenv = []")).exec, []);
    // No file gives what is not asked for, or what the profile does not give.
    let widest = repository("[grants.coder]\nexec = [[\"**\"]]\nenv = [\"*\"]\ncheck = true").settle();
    let grants = widest.grants(&coder(), Profile::Default);
    assert!(grants.exec.is_empty() && grants.env.is_empty() && !grants.check);
    assert!(widest.grants(&tester, Profile::Reader).exec.is_empty());
    let lines: Vec<String> =
        texts.settle().lines().iter().map(|line| format!("{} = {} ({})", line.key, line.value, line.from)).collect();
    for line in [
        "grants.coder.exec = [cargo **, make] (config.toml:2)",
        "grants.coder.env = [RUST_*, CI] (config.toml:3)",
        "grants.coder.check = false (pit.toml:5)",
    ] {
        assert!(lines.iter().any(|have| have == line), "{line}: {lines:?}");
    }
}

fn rule(rest: &str) -> String {
    format!("[[rule]]\nname = \"publish\"\neffect = \"deny\"\n{rest}")
}

#[test]
fn a_rule_about_commands_needs_no_function_and_takes_one_pattern_or_several() {
    for (exec, about) in [
        ("exec = [\"cargo\", \"publish\", \"**\"]", "deny exec.run of [cargo publish **]"),
        ("exec = [[\"cargo\", \"publish\", \"**\"]]", "deny exec.run of [cargo publish **]"),
        ("exec = [[\"npm\", \"publish\"], [\"twine\", \"**\"]]", "deny exec.run of [npm publish, twine **]"),
        ("on = [\"exec.*\"]\nexec = [\"make\"]", "deny exec.* of [make]"),
    ] {
        let text = rule(exec);
        let settled = repository(&text).settle();
        assert_eq!(settled.lines().last().unwrap().value, about);
        assert!(settled.rules().0[0].exec.is_some());
    }
    for (exec, said) in [
        ("exec = []", "pit.toml:5: `exec` names no command"),
        ("exec = [\"make\"]\non = [\"workspace.write\"]", "pit.toml:3: a rule with `exec` is about `exec.run`"),
        ("exec = [\"make\"]\npaths = [\"a\"]", "pit.toml:3: `exec.run` has no path"),
        ("exec = \"make\"", "pit.toml:5: expected a list"),
    ] {
        let text = rule(exec);
        assert!(repository(&text).error().starts_with(said), "{exec}: {}", repository(&text).error());
    }
}

#[test]
fn examples_are_held_against_their_rule() {
    let good = rule(
        "exec = [\"cargo\", \"publish\", \"**\"]\nmatch = [[\"cargo\", \"publish\"], [\"sh\", \"-c\", \"cargo publish -p x\"]]\n\
         not_match = [[\"cargo\", \"test\"]]",
    );
    assert_eq!(repository(&good).settle().rules().0.len(), 1);
    for (rest, said) in [
        (
            "exec = [\"cargo\", \"publish\"]\nmatch = [[\"cargo\", \"publish\", \"-p\", \"x\"]]",
            "pit.toml:6: the rule `publish` is not about `cargo publish -p x`, and its `match` says otherwise; it is about \
             [cargo publish]",
        ),
        (
            "exec = [\"cargo\", \"**\"]\nnot_match = [[\"make\"], [\"cargo\", \"test\"]]",
            "pit.toml:6: the rule `publish` is about `cargo test`, and its `not_match` says otherwise",
        ),
        (
            "on = [\"*\"]\nmatch = [[\"make\"]]",
            "pit.toml:6: `match` has examples of commands, and the rule `publish` has no `exec`",
        ),
        ("exec = [\"make\"]\nmatch = [[]]", "pit.toml:6: an example in `match` is a list of words"),
        ("exec = [\"make\"]\nmatch = [\"make\"]", "pit.toml:6: expected a list, found string"),
    ] {
        let text = rule(rest);
        assert!(repository(&text).error().starts_with(said), "{rest}: {}", repository(&text).error());
    }
}

#[test]
fn a_command_denied_on_the_command_line_is_denied_with_all_that_follows() {
    let deny = |text: &str| {
        let flags = Flags { deny: vec![text.into()], ..Flags::default() };
        Texts::default().settle_with(&flags, None)
    };
    for (text, shown) in [
        ("exec:cargo publish", "deny exec.run of [cargo publish **]"),
        ("exec:cargo publish **", "deny exec.run of [cargo publish **]"),
        ("exec.run:git push", "deny exec.run of [git push **]"),
        ("exec:**", "deny exec.run of [**]"),
        ("exec.*", "deny exec.*"),
    ] {
        assert_eq!(deny(text).unwrap().lines().last().unwrap().value, shown, "{text}");
    }
    for (text, said) in [
        ("exec:", "--deny: a pattern of a command has at least one word"),
        ("exec:** x", "--deny: `**` stands for all further arguments"),
        ("exec", "--deny: no function is called `exec`"),
        ("exec.check:x", "--deny: `exec.check` has no path"),
    ] {
        assert!(deny(text).unwrap_err().to_string().starts_with(said), "{text}: {}", deny(text).unwrap_err());
    }
}

#[test]
fn what_worktreeinclude_names_counts_only_with_a_yes_of_its_own() {
    let with = |text: &str| Files {
        include: Some(crate::config::written::included(Path::new(".worktreeinclude"), text.to_owned())),
        ..Texts::default().files().unwrap()
    };
    let settle = |text: &str, yes: &[Trusted]| Settled::settle(with(text), &Flags::default(), &[], yes);
    let text = "# keys\n.env\n\n!/.env.example\r\n";
    let error = settle(text, &[]).unwrap_err();
    let ConfigError::Untrusted { path, widens } = &error else { panic!("{error}") };
    let lines: Vec<_> = widens.iter().map(|widening| (widening.line, widening.to.as_str())).collect();
    assert_eq!(path, Path::new(".worktreeinclude"));
    assert_eq!(lines, [(2, "commands see ignored .env"), (4, "commands see ignored !/.env.example")]);
    assert_eq!(settle(text, &[trusted("# another")]).unwrap_err().code(), "untrusted");
    let settled = settle(text, &[trusted("# another"), trusted(text)]).unwrap();
    assert_eq!(settled.commands().include, [".env", "!/.env.example"]);
    assert!(settle("# nothing\n\n", &[]).unwrap().commands().include.is_empty());
    for (bad, why) in
        [("a\u{202e}b", "can be read"), (&"x\n".repeat(201), "more than 200"), (&"y".repeat(2000), "1000")]
    {
        let error = settle(bad, &[trusted(bad)]).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
}
