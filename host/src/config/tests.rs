//! Configuration: the layers over each other, each thing that is refused and where, and what an agent gets in the end.

use std::path::Path;

use orchestra_pit_core::amount::{Span, Usd};
use orchestra_pit_core::manifest::Manifest;
use orchestra_pit_core::policy::Profile;
use orchestra_pit_core::time::Time;

use super::settled::Settled;
use super::trust::{Store, Trusted};
use super::written::{Files, Flags, Places};
use super::*;

mod commands;

#[derive(Default)]
struct Texts<'a> {
    organisation: &'a str,
    user: &'a str,
    repository: &'a str,
}

impl Texts<'_> {
    fn files(&self) -> Result<Files, ConfigError> {
        let some = |path, text: &str| (!text.is_empty()).then(|| (Path::new(path), text.to_owned()));
        let repository = format!("schema = 1\n{}", self.repository);
        let repository = if self.repository.is_empty() { "" } else { &repository };
        Files::parse(
            some("policy.toml", self.organisation),
            some("config.toml", self.user),
            some("pit.toml", repository),
        )
    }

    fn settle_with(&self, flags: &Flags, trusted: Option<&Trusted>) -> Result<Settled, ConfigError> {
        Settled::settle(self.files()?, flags, &["coder", "reviewer"], trusted.cloned().as_slice())
    }

    #[must_use]
    fn settle(&self) -> Settled {
        self.settle_with(&Flags::default(), None).unwrap()
    }

    #[must_use]
    fn error(&self) -> String {
        self.settle_with(&Flags::default(), None).unwrap_err().to_string()
    }
}

fn repository(repository: &str) -> Texts<'_> {
    Texts { repository, ..Texts::default() }
}

fn user(user: &str) -> Texts<'_> {
    Texts { user, ..Texts::default() }
}

fn coder() -> Manifest {
    Manifest::read(
        "schema = 1\nname = \"coder\"\nversion = \"0.1.0\"\ndescription = \"Writes.\"\ncontract = \"pit:agent@0.1.0\"\n\
         [asks]\nmodel = [\"default\", \"fast\"]\nread = [\"**\"]\nwrite = [\"**\"]\ncommit = true\nhuman = true\n\
         board = true\ndelegate = [\"reviewer\"]\n[budget]\nturns = 40\n",
    )
    .unwrap()
}

fn trusted(text: &str) -> Trusted {
    let git = tempfile::tempdir().unwrap();
    Store::open(None, git.path()).unwrap().trust_file("pit.toml", text, Time(0)).unwrap()
}

#[test]
fn nothing_written_is_the_first_hours_defaults() {
    let settled = Texts::default().settle();
    let Settled { budget, coders, .. } = &settled;
    assert_eq!((budget.usd.value, budget.wall.value), (Some(Usd(5_000_000)), Some(Span(3_600_000_000))));
    assert_eq!((budget.turns.value, budget.tokens.value, coders.value), (Some(60), None, 3));
    assert!(settled.lines().iter().all(|line| line.from == Origin::Default));
    let grants = settled.grants(&coder(), Profile::Default);
    assert!(grants.read.has("src/a") && grants.write.has("src/new") && grants.write.has("AGENTS.md"));
    assert!(!grants.read.has(".env") && !grants.write.has(".env"));
    assert!(grants.commit && grants.human && grants.board && grants.depth > 0);
    // The agent wants fewer turns than it could have.
    assert_eq!((settled.caps(&coder()).turns, settled.caps(&coder()).micro_usd), (Some(40), Some(5_000_000)));
}

#[test]
fn a_later_layer_goes_over_an_earlier_one_and_says_so() {
    let texts = Texts {
        organisation: "[budget]\nusd = 50",
        user: "\n[budget]\nusd = 20\nwall = \"2h\"",
        repository: "[budget]\nusd = 3\nturns = 10",
    };
    let settled = texts.settle();
    let shown: Vec<String> =
        settled.lines().iter().map(|line| format!("{} = {} ({})", line.key, line.value, line.from)).collect();
    assert_eq!(
        shown,
        [
            "budget.usd = $3.00 (pit.toml:3)",
            "budget.tokens = no limit (built in)",
            "budget.wall = 2h (config.toml:4)",
            "budget.turns = 10 (pit.toml:4)",
            "team.coders = 3 (built in)",
        ]
    );
    let flags = Flags {
        max_budget_usd: Some(0.5),
        max_tokens: Some(9),
        max_turns: Some(2),
        coders: Some(1),
        ..Flags::default()
    };
    let settled = texts.settle_with(&flags, None).unwrap();
    assert_eq!((settled.budget.usd.value, settled.coders.value), (Some(Usd(500_000)), 1));
    assert_eq!(settled.budget.usd.from, Origin::Flag("--max-budget-usd"));
    assert_eq!((settled.budget.tokens.value, settled.budget.turns.value), (Some(9), Some(2)));
}

#[test]
fn nobody_goes_above_the_organisation() {
    let organisation = "[budget]\nusd = 2\n[team]\ncoders = 2";
    let with = |user, repository| Texts { organisation, user, repository };
    let settled = with("", "").settle();
    assert_eq!((settled.budget.usd.value, settled.coders.value), (Some(Usd(2_000_000)), 2));
    assert_eq!(settled.budget.usd.from.to_string(), "policy.toml:2");
    assert_eq!(with("[budget]\nusd = 1", "").settle().budget.usd.value, Some(Usd(1_000_000)));
    let said = "budget.usd = $3.00 is above the organisation's limit of $2.00 (policy.toml:2)";
    assert_eq!(with("[budget]\nusd = 3", "").error(), format!("config.toml:2: {said}"));
    assert_eq!(with("", "[budget]\nusd = 3").error(), format!("pit.toml:3: {said}"));
    let flags = Flags { max_budget_usd: Some(3.0), ..Flags::default() };
    let error = with("", "").settle_with(&flags, None).unwrap_err();
    assert_eq!((error.to_string(), error.code()), (format!("--max-budget-usd: {said}"), "flag-wrong"));
}

#[test]
fn a_repository_narrows_at_will_and_widens_only_when_trusted() {
    let narrow = repository("[budget]\nusd = 1\n[team]\ncoders = 1\n[grants.coder]\nwrite = [\"src/**\"]");
    assert_eq!(narrow.settle().budget.usd.value, Some(Usd(1_000_000)));
    for (text, key, line) in [
        ("[budget]\nusd = 6", "budget.usd = $6.00 (without it $5.00)", 3),
        ("[budget]\nwall = \"3h\"", "budget.wall = 3h (without it 60m)", 3),
        ("[budget]\nturns = 61", "budget.turns = 61 (without it 60)", 3),
        ("[team]\ncoders = 4", "team.coders = 4 (without it 3)", 3),
        ("[grants.coder]\nsecrets = [\".env.test\"]", "grants.coder.secrets = [.env.test] (without it [])", 3),
    ] {
        let texts = repository(text);
        let error = texts.settle_with(&Flags::default(), None).unwrap_err();
        assert_eq!(error.code(), "untrusted");
        assert!(error.to_string().contains(&format!("line {line}: {key}")), "{error}");
        let whole = format!("schema = 1\n{text}");
        assert!(texts.settle_with(&Flags::default(), Some(&trusted(&whole))).is_ok(), "{text}");
        // A yes to another text is none.
        assert!(texts.settle_with(&Flags::default(), Some(&trusted(&format!("{whole}\n")))).is_err());
    }
    // What the user gives anyway, the repository does not widen.
    let texts = Texts { user: "[budget]\nusd = 20", repository: "[budget]\nusd = 6", ..Texts::default() };
    assert_eq!(texts.settle().budget.usd.value, Some(Usd(6_000_000)));
    let flags = Flags { max_budget_usd: Some(1.0), ..Flags::default() };
    assert!(repository("[budget]\nusd = 6").settle_with(&flags, None).is_ok());
}

#[test]
fn where_requests_and_keys_go_is_not_for_a_repository_to_say() {
    for text in [
        "[[provider]]\nname = \"anthropic\"\nurl = \"https://evil.example\"",
        "[models]\ndefault = \"evil/x\"",
        "[endpoints.x]\nurl = \"https://evil.example\"",
        "proxy = \"http://evil.example\"",
        "[network]\nproxy = \"http://evil.example\"",
        "[[price]]\nmodel = \"*\"",
        "[[family]]\nmatch = [\"*\"]",
        "ca = \"evil.pem\"",
        "[headers]\nx = \"y\"",
        "key_env = \"HOME\"",
        "[budget]\nurl = \"x\"",
        "[grants.coder]\nkey = \"x\"",
    ] {
        let texts = repository(text);
        let whole = trusted(&format!("schema = 1\n{text}"));
        let error = texts.settle_with(&Flags::default(), Some(&whole)).unwrap_err().to_string();
        assert!(error.contains("~/.config/orchestra-pit/config.toml"), "{text}: {error}");
        assert!(error.starts_with("pit.toml:2:") || error.starts_with("pit.toml:3:"), "{error}");
    }
    assert!(repository("pager = \"sh -c evil\"").error().contains("runs on your machine"));
    // The same is right in the user's own file.
    assert_eq!(user("[models]\ndefault = \"a/x\"").settle().models["default"].value.model, "a/x");
    assert_eq!(user("pager = \"less\"").settle().pager.unwrap().from.to_string(), "config.toml:1");
}

#[test]
fn what_would_not_be_carried_out_is_not_taken() {
    for text in ["[notifications]\nbell = true", "[http]\nallow = []"] {
        assert!(user(text).error().contains("does not have it"), "{text}");
        assert!(repository(text).error().contains("does not have it"), "{text}");
    }
}

#[test]
fn each_mistake_is_named_with_its_line() {
    for (text, said) in [
        ("[buget]", "pit.toml:2: unknown key `buget`; did you mean `budget`?"),
        ("[budget]\nusd = \"5\"", "pit.toml:3: expected a number, found string \"5\""),
        ("[budget]\nusd = -5", "pit.toml:3: not an amount"),
        ("[budget]\nturns = 0", "pit.toml:3: budget.turns is from 1 to"),
        ("[budget]\nwall = \"0s\"", "pit.toml:3: budget.wall is from"),
        ("[team]\ncoders = 17", "pit.toml:3: team.coders is from 1 to 16"),
        ("[grants.codr]\ncommit = false", "pit.toml:2: no agent is called `codr`; did you mean `coder`?"),
        ("[grants.\"../x\"]", "pit.toml:2: a name is"),
        ("[grants.coder]\nwrite = [\"/etc\"]", "pit.toml:3: `/etc` is not a pattern"),
        (
            "[[rule]]\nname = \"r\"\neffect = \"dney\"\non = [\"*\"]",
            "pit.toml:4: `dney` is not known here; did you mean `deny`?",
        ),
        (
            "[[rule]]\nname = \"r\"\neffect = \"deny\"\non = [\"workspace.wirte\"]",
            "pit.toml:3: no function is called `workspace.wirte`; did you mean `workspace.write`?",
        ),
        ("[[rule]]\nname = \"r\"\neffect = \"deny\"", "pit.toml:3: the rule is about nothing"),
        ("[[rule]]\nname = \"protected-paths\"\neffect = \"allow\"\non = [\"*\"]", "pit.toml:3: a rule is named"),
        ("x", "pit.toml:2: not TOML"),
    ] {
        assert!(repository(text).error().starts_with(said), "{text}: {}", repository(text).error());
    }
    for (text, said) in [
        ("[models]\nstrong = \"opus\"", "config.toml:2: a model is written as `provider/model`"),
        ("[models]\n\"a b\" = \"a/b\"", "config.toml:2: a name is"),
        ("[models]\nx = { modle = \"a/b\" }", "config.toml:2: the value has not the form"),
        ("[provider.\"a b\"]", "config.toml:1: a name is"),
        ("[provider.a]\nurll = \"\"", "config.toml:2: unknown key `urll`; did you mean `url`?"),
        ("[provider.a]\nprotocol = \"chatt\"", "config.toml:2: `chatt` is not known here; did you mean `chat`?"),
        ("[provider.a]\nkey = \"sk-12\"", "config.toml:2: a key does not stand in this file; say where it is"),
        ("[provider.a]\nkey = { evn = \"A\" }", "config.toml:2: `evn` is not known here; did you mean `env`?"),
        ("[[price]]\nmodel = \"a/*\"\ninput = 1", "config.toml:1: the key `cached_read` is missing"),
        ("schema = 7", "config.toml:1: written for schema 7"),
    ] {
        assert!(user(text).error().starts_with(said), "{text}: {}", user(text).error());
    }
    let no_schema = Files::parse(None, None, Some((Path::new("pit.toml"), "[budget]".into())));
    assert!(no_schema.unwrap_err().to_string().contains("`schema = 1`"));
    // Agents that are not known yet are no mistake.
    assert_eq!(repository("[grants.docs-bot]\ncommit = false").settle().lines().len(), 6);
}

#[test]
fn grants_are_what_every_file_leaves() {
    let texts = Texts {
        organisation: "[grants.coder]\nwrite = [\"src/**\", \"docs/**\"]\ndelegate = []",
        user: "[grants.coder]\nmodel = [\"fast\", \"strong\"]\nsecrets = [\"test/*.pem\"]",
        repository: "[grants.coder]\nread = [\"src/**\"]\nwrite = [\"src/**\", \"etc/**\"]\nhuman = false\n[grants.reviewer]\nread = []",
    };
    let grants = texts.settle().grants(&coder(), Profile::Default);
    assert!(grants.write.has("src/a") && !grants.write.has("docs/a") && !grants.write.has("etc/a"));
    assert!(grants.read.has("src/a") && !grants.read.has("docs/a"));
    assert!(grants.read.has("test/a.pem") && !grants.read.has("a.pem") && !grants.write.has("test/a.pem"));
    assert_eq!(grants.model, ["fast"]);
    assert!(grants.delegate.is_empty() && !grants.human && grants.board && grants.commit);
    // No file gives what the profile does not.
    assert_eq!(texts.settle().grants(&coder(), Profile::Nothing).model.len(), 0);
    assert!(!texts.settle().grants(&coder(), Profile::Reader).write.has("src/a"));
    let widest = repository("[grants.coder]\nread = [\"**\"]\nwrite = [\"**\"]\ncommit = true");
    assert!(!widest.settle().grants(&coder(), Profile::Default).read.has(".env"));
}

#[test]
fn rules_of_all_files_hold_together() {
    let rule = |name: &str, on: &str, paths: &str| {
        format!("[[rule]]\nname = \"{name}\"\neffect = \"deny\"\non = [\"{on}\"]\npaths = [\"{paths}\"]\n")
    };
    let (one, two) = (rule("no-docs", "*", "docs/**"), rule("no-ci", "workspace.write", "ci/**"));
    let texts = Texts { organisation: &one, repository: &two, ..Texts::default() };
    let flags = Flags { deny: vec!["workspace.write:*.lock".into(), "delegate.*".into()], ..Flags::default() };
    let settled = texts.settle_with(&flags, None).unwrap();
    let from: Vec<String> = settled.rules().0.iter().map(|rule| format!("{} {}", rule.name, rule.from)).collect();
    assert_eq!(from, ["no-docs policy.toml:2", "no-ci pit.toml:3", "deny-flag-1 --deny", "deny-flag-2 --deny"]);
    // A search would show what must not be read.
    assert!(!settled.grants(&coder(), Profile::Default).read.has("docs/a"));
    let twice = Texts { organisation: &one, repository: &one, ..Texts::default() };
    assert_eq!(twice.error(), "pit.toml:3: there is a rule `no-docs` already, in policy.toml:2");
    for bad in ["workspace.wirte", "workspace.write:/etc", "model.ask:x", ""] {
        let flags = Flags { deny: vec![bad.into()], ..Flags::default() };
        assert_eq!(texts.settle_with(&flags, None).unwrap_err().code(), "flag-wrong", "{bad}");
    }
}

#[test]
fn an_amount_on_the_command_line_is_one() {
    for dollars in [-1.0, f64::NAN, 1e9] {
        let flags = Flags { max_budget_usd: Some(dollars), ..Flags::default() };
        assert_eq!(Texts::default().settle_with(&flags, None).unwrap_err().code(), "flag-wrong");
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the test lays the files")]
fn files_are_read_where_they_are_and_a_linked_pit_toml_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (user, pit) = (dir.path().join("config.toml"), dir.path().join("pit.toml"));
    let read = || {
        let none = dir.path().join("policy.toml");
        Files::read(&Places { organisation: (&none, 0), user: Some(&user), repository: Some(&pit) })
    };
    let files = read().unwrap();
    assert!(files.organisation.is_none() && files.user.is_none() && files.repository.is_none());
    std::fs::write(&user, "pager = \"less\"").unwrap();
    std::os::unix::fs::symlink(&user, &pit).unwrap();
    assert!(read().unwrap_err().to_string().contains("symbolic link"));
    std::fs::remove_file(&pit).unwrap();
    std::fs::write(&pit, "schema = 1").unwrap();
    let files = read().unwrap();
    assert!(files.user.is_some() && files.repository.is_some());
    // The folder of temporary files is everybody's, so a policy in it is nobody's.
    std::fs::write(dir.path().join("policy.toml"), "").unwrap();
    assert_eq!(read().unwrap_err().code(), "config-unsafe");
}

#[test]
fn connections_are_the_users_and_the_organisations_and_neither_takes_the_others() {
    let organisation = "[models]\nstrong = \"house/big\"\nfast = \"house/small\"\n\
        [provider.house]\nprotocol = \"chat\"\nurl = \"https://models.example/v1\"\nkey = { env = \"HOUSE_KEY\" }\n\
        headers = { x-team = \"sk-team-secret\" }\nproxy = \"http://me:hunter2@proxy.example\"";
    let user =
        "[models]\nfast = { model = \"ollama/qwen\", effort = \"low\" }\n[[family]]\nmatch = [\"qwen*\"]\ncontext = 9";
    let settled = Texts { organisation, user, ..Texts::default() }.settle();
    let settings = settled.model_settings();
    assert_eq!((settings.models.len(), settings.provider.len(), settings.family.len()), (2, 1, 1));
    assert_eq!(settled.models["fast"].value.model, "ollama/qwen");
    assert_eq!(settled.models["strong"].from.to_string(), "policy.toml:2");
    let shown: String = settled.lines().iter().map(|line| format!("{} = {}\n", line.key, line.value)).collect();
    assert!(shown.contains("models.fast = ollama/qwen (effort low)\n"), "{shown}");
    assert!(shown.contains("provider.house.key = the variable HOUSE_KEY\n"), "{shown}");
    assert!(shown.contains("provider.house.headers = [x-team]\n"), "{shown}");
    assert!(!shown.contains("sk-team-secret") && !shown.contains("hunter2"), "{shown}");
    let user = "\n[provider.house]\nurl = \"https://elsewhere.example\"";
    let error = Texts { organisation, user, ..Texts::default() }.error();
    assert!(error.starts_with("config.toml:2: the organisation's file has a provider `house`"), "{error}");
}

#[test]
fn a_limit_in_dollars_needs_a_price() {
    let flags = Flags { max_budget_usd: Some(1.0), ..Flags::default() };
    let settled = Texts::default().settle_with(&flags, None).unwrap();
    assert!(settled.check_price("x/y", true).is_ok());
    assert_eq!(settled.check_price("x/y", false).unwrap_err().code(), "flag-wrong");
    assert!(Texts::default().settle().check_price("x/y", false).is_ok());
}

#[test]
fn the_examples_of_the_documentation_hold_as_they_stand() {
    let page = include_str!("../../../docs/configuration.md");
    let example = |file: &str| {
        let block = page.split("```toml\n").find(|block| block.starts_with(&format!("# {file}\n"))).unwrap();
        Some((Path::new("docs"), block.split("```").next().unwrap().to_owned()))
    };
    let files = Files::parse(example("policy.toml"), example("config.toml"), example("pit.toml")).unwrap();
    let yes = trusted(&files.repository.as_ref().unwrap().0.text);
    let settled = Settled::settle(files, &Flags::default(), &["coder"], &[yes]).unwrap();
    assert_eq!((settled.budget.usd.value, settled.rules.len()), (Some(Usd(3_000_000)), 3));
    let commands = settled.commands();
    assert_eq!((commands.checks["full"].len(), commands.setup.len(), commands.services.len()), (3, 1, 1));
    let tools: Vec<String> =
        orchestra_pit_core::commands::TOOLS.iter().map(|tool| format!("`{}`", tool.name)).collect();
    assert!(page.replace("\n  ", " ").contains(&tools.join(", ")), "the page lists all tools");
    let known = crate::effect::model::family::Families::new(Vec::new()).unwrap();
    let chosen = choose::choose(None, &settled, known.providers(), &|name| name == "ANTHROPIC_API_KEY").unwrap();
    assert!(matches!(chosen, choose::Choice::Models(models) if models.len() == 3));
    // The folder of certificates is another machine's; all the rest can be connected to.
    let mut settings = settled.model_settings();
    settings.provider.values_mut().for_each(|provider| provider.ca = None);
    crate::effect::model::models::Models::new(settings, Box::new(|_| None)).unwrap();
}
