//! Manifests: the shipped ones are read, each thing that is wrong is refused with its line, and what is broad is flagged.

use super::*;

const WHOLE: &str = r#"schema = 1
name = "docs-bot"
version = "1.2.0"
description = "Writes what is missing in the docs."
contract = "pit:agent@0.1.0"

[asks]
model = ["default", "strong"]
read = ["**"]
write = ["docs/**", "README.md"]
commit = true
human = true
board = true
delegate = ["coder"]

[budget]
usd = 1.00
tokens = 200000
wall = "20m"
turns = 12

[settings.style]
default = "plain"
about = "How it writes: plain or terse."
"#;

fn whole() -> Manifest {
    Manifest::read(WHOLE).unwrap()
}

fn changed(from: &str, to: &str) -> Result<Manifest, String> {
    assert!(WHOLE.contains(from), "{from}");
    Manifest::read(&WHOLE.replacen(from, to, 1)).map_err(|fault| fault.to_string())
}

/// A manifest that asks to read and write these.
fn asking(read: &[&str], write: &[&str]) -> Manifest {
    let patterns = |texts: &[&str]| texts.iter().map(|text| Pattern::new(text).unwrap()).collect();
    Manifest { asks: Asks { read: patterns(read), write: patterns(write), ..Asks::default() }, ..whole() }
}

#[test]
fn a_whole_manifest_says_what_it_says() {
    let manifest = whole();
    assert_eq!(manifest.id(), "docs-bot@1.2.0");
    let grants = manifest.asks(2, 4);
    assert!(grants.read.has("src/a") && grants.write.has("docs/a/b") && !grants.write.has("src/a"));
    assert!(grants.commit && grants.human && grants.board);
    assert_eq!((grants.model.len(), grants.delegate.len(), grants.depth, grants.width), (2, 1, 2, 4));
    let caps = manifest.budget.caps();
    assert_eq!((caps.micro_usd, caps.tokens, caps.turns), (Some(1_000_000), Some(200_000), Some(12)));
    assert_eq!((caps.elapsed, caps.work, caps.calls), (Some(1_200_000_000), None, None));
}

#[test]
fn what_is_left_out_is_not_asked_for() {
    let manifest = Manifest::read(WHOLE.split("[asks]").next().unwrap()).unwrap();
    assert_eq!(manifest.asks(9, 9), Grants { depth: 9, width: 9, ..Grants::default() });
    assert_eq!(manifest.budget.caps(), Caps::default());
    assert!(manifest.wants().is_empty());
    assert_eq!(manifest.lacks().len(), 9);
}

#[test]
fn the_shipped_manifests_are_some() {
    let hello = Manifest::read(include_str!("../../../../plugins/hello/agent.toml")).unwrap();
    assert_eq!(hello.id(), "hello@0.1.0");
    assert!(hello.flags().is_empty() && !hello.needs_force());
    let coder = Manifest::read(include_str!("../../../../plugins/coder/agent.toml")).unwrap();
    assert_eq!((coder.id().as_str(), coder.settings.len()), ("coder@0.1.0", 5));
}

#[test]
fn each_thing_that_is_wrong_is_refused_with_its_line() {
    for (from, to, said) in [
        ("schema = 1", "schema = 2", "line 1: written for schema 2"),
        ("schema = 1\n", "", "line 1: the file has to begin with `schema = 1`"),
        ("read = ", "raed = ", "line 9: unknown key `raed`; did you mean `read`?"),
        ("read = ", "http = ", "line 9: unknown key `http`; there are `model`, `read`"),
        ("[budget]", "[buget]", "line 16: unknown key `buget`; did you mean `budget`?"),
        ("name = \"docs-bot\"\n", "", "line 1: the key `name` is missing"),
        ("\"docs-bot\"", "\"Docs\"", "line 2: a name is up to 40"),
        ("\"docs-bot\"", "\"../x\"", "line 2: a name is up to 40"),
        ("\"docs-bot\"", "\"d\u{43e}cs\"", "line 2: a name is up to 40"),
        ("\"1.2.0\"", "\"1.2\"", "line 3: a version is three numbers"),
        ("\"1.2.0\"", "\"01.2.0\"", "line 3: a version is three numbers"),
        ("\"1.2.0\"", "\"1.2.0-\"", "line 3: a version is three numbers"),
        ("docs.\"", "docs.\\u001b[2J\"", "line 4: a description is one line"),
        ("docs.\"", "docs.\\u202e\"", "line 4: a description is one line"),
        ("docs.\"", "docs.\\n\"", "line 4: a description is one line"),
        ("pit:agent@0.1.0", "pit:agent", "line 5: the contract is"),
        ("pit:agent@0.1.0", "other:agent@0.1.0", "line 5: the contract is"),
        ("\"**\"", "\"/\"", "line 9: `/` is not a pattern"),
        ("\"**\"", "\"../x\"", "line 9: `../x` is not a pattern"),
        ("\"**\"", "\"a\\u200bb\"", "line 7: `a<U+200B>b` has characters that nobody can see"),
        ("\"coder\"", "\"a b\"", "line 7: `a b`: a name is"),
        ("usd = 1.00", "usd = -1", "line 17: not an amount"),
        ("usd = 1.00", "usd = nan", "line 17: not an amount"),
        ("\"20m\"", "\"20\"", "line 19: not a length of time"),
        ("turns = 12", "turns = -1", "line 20: expected a whole number, not negative"),
        ("[settings.style]", "[settings.\"a b\"]", "line 22: a name is"),
        ("about =", "values = 1\nabout =", "line 24: unknown key `values`"),
    ] {
        let got = changed(from, to).unwrap_err();
        assert!(got.starts_with(said), "{to}: {got}");
    }
}

#[test]
fn nothing_grows_without_bound() {
    let many = |count: usize| format!("[{}]", vec!["\"a\""; count].join(", "));
    assert!(changed("[\"coder\"]", &many(64)).is_ok());
    assert!(changed("[\"coder\"]", &many(65)).unwrap_err().contains("`delegate` has more than 64"));
    assert!(changed("[\"**\"]", &many(65)).unwrap_err().contains("`read` has more than 64"));
    let settings = |count: usize| (0..count).map(|n| format!("[settings.s{n}]\n")).collect::<String>();
    assert!(Manifest::read(&format!("{WHOLE}{}", settings(31))).is_ok());
    assert!(Manifest::read(&format!("{WHOLE}{}", settings(32))).is_err());
    assert!(changed("plain or terse", &"x".repeat(301)).is_err());
    assert!(changed("docs.", &"x".repeat(200)).is_err());
    assert!(Manifest::read(&format!("{WHOLE}#{}", "x".repeat(MAX_BYTES))).is_err());
}

#[test]
fn about_everything_is_flagged_however_it_is_spelt() {
    for broad in [
        &["**"][..],
        &["**/*"],
        &["*", "*/**"],
        &["{*,*/**}"],
        &["[a-z]*/**"],
        &["**/*.*"],
        &["?*/**", "*.md"],
        &["src/**", "lib/**", "docs/**", "tests/**", "app/**", "bin/**", "config/**", "core/**", "data/**", "*"],
    ] {
        assert!(asking(&[], broad).needs_force(), "{broad:?}");
        assert_eq!(asking(&[], broad).flags(), [Flag::WritesEverything], "{broad:?}");
        assert_eq!(asking(broad, &[]).flags(), [Flag::ReadsEverything], "{broad:?}");
        assert!(!asking(broad, &[]).needs_force());
    }
    for narrow in [&["src/**"][..], &["**/*.rs"], &["docs/**", "README.md"], &["*.toml"], &["tests/**", "**/*_test.go"]]
    {
        assert!(asking(narrow, narrow).flags().is_empty(), "{narrow:?}");
    }
    assert_eq!(whole().flags(), [Flag::ReadsEverything]);
}

/// A manifest that asks to run these.
fn running(commands: &[&str]) -> Manifest {
    let words = |text: &&str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let exec = commands.iter().map(words).map(|words| words.try_into().unwrap()).collect();
    Manifest { asks: Asks { exec, ..Asks::default() }, ..whole() }
}

#[test]
fn any_command_is_flagged_however_it_is_spelt() {
    for broad in [&["**"][..], &["* **"], &["*", "* *", "* * *"], &["make", "**"], &["*o* **", "*e* **", "?s"]] {
        let manifest = running(broad);
        assert_eq!(manifest.flags(), [Flag::RunsAnything], "{broad:?}");
        assert!(manifest.needs_force(), "{broad:?}");
        assert!(matches!(&manifest.wants()[..], [Want::Exec { broad: true, .. }]), "{broad:?}");
    }
    for narrow in [&["cargo **"][..], &["npm run *", "make **"], &["sh -c **"], &[]] {
        assert!(running(narrow).flags().is_empty() && !running(narrow).needs_force(), "{narrow:?}");
    }
    assert_eq!(running(&["make"]).lacks().first(), Some(&Lack::Network));
    assert_eq!(running(&[]).lacks().first(), Some(&Lack::Commands));
}

#[test]
fn commands_variables_and_checks_are_asked_for_as_they_are_written() {
    let asks = "[asks]\nexec = [[\"cargo\", \"test\", \"**\"], [\"make\"]]\nenv = [\"RUST_*\"]\ncheck = true\n";
    let manifest = changed("[asks]\n", asks).unwrap();
    let grants = manifest.asks(1, 1);
    assert_eq!((grants.exec.len(), grants.env.as_slice(), grants.check), (2, &["RUST_*".to_owned()][..], true));
    let wants = manifest.wants();
    assert!(wants.contains(&Want::Check));
    let Some(Want::Exec { commands, env, broad: false }) = wants.iter().find(|want| matches!(want, Want::Exec { .. }))
    else {
        panic!("{wants:?}")
    };
    assert_eq!((commands.len(), env.len()), (2, 1));
    for (asks, said) in [
        ("exec = [\"cargo\"]", "line 8: expected a list"),
        ("exec = [[]]", "line 8: a pattern of a command has at least one word"),
        ("exec = [[\"**\", \"x\"]]", "line 8: `**` stands for all further arguments"),
        ("env = [\"A=B\"]", "line 7: `A=B` names no variable"),
        ("env = [\"\"]", "line 7: `` names no variable"),
        ("check = 1", "line 8: expected true or false"),
    ] {
        let error = changed("[asks]\n", &format!("[asks]\n{asks}\n")).unwrap_err();
        assert!(error.starts_with(said), "{asks}: {error}");
    }
}

#[test]
fn a_named_secret_is_flagged() {
    for secret in [".env", "**/.env", "id_*", "**/*.pem", "secrets/**", "config/prod.env"] {
        assert_eq!(asking(&[secret], &[]).flags(), [Flag::NamesSecrets(Pattern::new(secret).unwrap())]);
    }
}

#[test]
fn a_protected_path_to_write_is_flagged() {
    for path in [".github/**", "AGENTS.md", "**/pit.toml", ".vscode/tasks.json"] {
        assert_eq!(asking(&[], &[path]).flags(), [Flag::WritesProtected(Pattern::new(path).unwrap())]);
        assert!(asking(&[path], &[]).flags().is_empty());
    }
}

#[test]
fn wants_and_lacks_are_the_two_halves() {
    let manifest =
        Manifest { asks: Asks { model: vec!["default".into()], ..asking(&["**"], &["docs/**"]).asks }, ..whole() };
    let [Want::Read { broad: true, .. }, Want::Write { broad: false, paths }, Want::Model { usd, .. }] =
        &manifest.wants()[..]
    else {
        panic!("{:?}", manifest.wants())
    };
    assert_eq!((paths[0].as_str(), *usd), ("docs/**", Some(Usd(1_000_000))));
    assert_eq!(
        manifest.lacks(),
        [Lack::Commands, Lack::Network, Lack::OtherAgents, Lack::Commit, Lack::Human, Lack::Board]
    );
    assert_eq!(whole().lacks(), [Lack::Commands, Lack::Network]);
    assert_eq!(whole().wants().len(), 7);
}

#[test]
fn settings_are_those_that_are_declared() {
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(whole().settings(&[]).unwrap(), [pair("style", "plain")]);
    assert_eq!(whole().settings(&[pair("style", "terse")]).unwrap(), [pair("style", "terse")]);
    let error = whole().settings(&[pair("stile", "x")]).unwrap_err().to_string();
    assert_eq!(error, "the agent docs-bot has no setting `stile`; did you mean `style`?");
}

#[test]
fn the_lower_limit_counts() {
    let mine = Spending { usd: Some(Usd(5)), turns: Some(60), ..Spending::default() };
    let other = Spending { usd: Some(Usd(9)), tokens: Some(7), ..Spending::default() };
    let both = mine.min(other);
    assert_eq!((both.usd, both.tokens, both.turns, both.wall), (Some(Usd(5)), Some(7), Some(60), None));
}
