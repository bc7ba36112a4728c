//! `pit init`, `pit config show` and `pit completion`.

use orchestra_pit_tests::Stage;

#[test]
fn a_first_file_is_written_once_and_holds() {
    let stage = Stage::new();
    let _ = stage.pit(&["init", "--dry-run"]).exits(0).says("schema = 1");
    assert_eq!(stage.git(&["status", "--porcelain"]), "", "a dry run writes nothing");
    let _ = stage.pit(&["init"]).exits(0).says("pit.toml is written");
    assert!(stage.read("pit.toml").contains("\"src/**\", \"docs/**\""));
    let _ = stage.pit(&["config", "show"]).exits(0).says("budget.usd");
    stage.write("pit.toml", "schema = 1\n# mine\n");
    let _ = stage.pit(&["init"]).exits(2).says("already");
    assert_eq!(stage.read("pit.toml"), "schema = 1\n# mine\n");
}

#[test]
fn each_value_says_where_it_came_from() {
    let stage = Stage::new();
    stage.write("pit.toml", "schema = 1\n\n[budget]\nusd = 0.5\n");
    let said = stage.pit(&["config", "show", "--max-turns", "7"]).exits(0);
    let line = |key: &str| said.out.lines().find(|line| line.starts_with(key)).unwrap_or_default().to_owned();
    assert!(line("budget.usd").contains("$0.50") && line("budget.usd").ends_with("pit.toml:4"), "{}", said.out);
    assert!(line("budget.turns").contains('7') && line("budget.turns").ends_with("--max-turns"), "{}", said.out);
    assert!(line("budget.wall").ends_with("built in"), "{}", said.out);
    stage.write("pit.toml", "schema = 1\n[budget]\nusdd = 0.5\n");
    let _ = stage.pit(&["config", "show"]).exits(1).says("pit.toml:3").says("usd");
}

#[test]
fn the_whole_of_what_holds_is_shown_and_of_keys_only_where_they_are() {
    let stage = Stage::new();
    stage.write(
        "pit.toml",
        "schema = 1\n[grants.coder]\nwrite = [\"src/**\"]\ncommit = false\n[grants.docs-bot]\nread = [\"docs/**\"]\n\
         [[rule]]\nname = \"no-notes\"\neffect = \"deny\"\non = [\"workspace.write\"]\npaths = [\"notes/**\"]\n",
    );
    let folder = stage.home().join(".config/orchestra-pit");
    std::fs::create_dir_all(&folder).unwrap();
    let own = "[models]\ndefault = \"house/small\"\n[provider.house]\nurl = \"https://models.example/v1\"\n\
               protocol = \"chat\"\nkey = { env = \"HOUSE_KEY\" }\n[[price]]\nmodel = \"house/*\"\ninput = 1\n\
               cached_read = 0.1\ncache_write = 1\noutput = 2\n[[family]]\nmatch = [\"small*\"]\ncontext = 9000\n";
    std::fs::write(folder.join("config.toml"), own).unwrap();
    let show = |args: &[&str], variables: &[(&str, &str)]| {
        let args = [&["config", "show"], args].concat();
        let said = stage.command(&args).envs(variables.iter().copied()).output().expect("pit");
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
        String::from_utf8(said.stdout).expect("text")
    };
    let keys = [("HOUSE_KEY", "canary-1"), ("ANTHROPIC_API_KEY", "canary-2")];
    let out = show(&[], &keys);
    assert!(!out.contains("canary"), "{out}");
    for (key, value, from) in [
        ("grants.coder.write ", "[**] but likely secrets", "built in"),
        ("grants.coder.write ", "of these [src/**]", "pit.toml:3"),
        ("grants.coder.commit ", "false", "pit.toml:4"),
        ("grants.coder.read ", "[**] but likely secrets", "built in"),
        ("grants.coder.turns ", "at most 60", "built in"),
        ("grants.lead.delegate ", "coder", "built in"),
        ("grants.docs-bot.read ", "[docs/**]", "pit.toml:6"),
        ("models.default ", "house/small", "config.toml:2"),
        ("models.default.price ", "$1.00 in, $0.10 cached", "config.toml:7"),
        ("price.house/* ", "$2.00 out", "config.toml:7"),
        ("family.small* ", "context 9000", "config.toml:13"),
        ("provider.house.url ", "https://models.example/v1", "config.toml:4"),
        ("provider.house.key ", "the variable HOUSE_KEY", "config.toml:6"),
        ("provider.anthropic.key ", "the variable ANTHROPIC_API_KEY (set)", "built in"),
        ("provider.openai.key ", "(not set)", "built in"),
        ("protected.git-hooks ", "**/.husky/**", "built in"),
        ("secrets.likely ", ".env", "built in"),
        ("rule.no-notes ", "deny workspace.write of [notes/**]", "pit.toml:8"),
        ("rule.protected-paths ", "ask", "built in"),
    ] {
        let found =
            out.lines().any(|line| line.starts_with(key) && line.contains(value) && line.trim_end().ends_with(from));
        assert!(found, "no {key}{value} {from} in\n{out}");
    }
    let json: Vec<serde_json::Value> =
        show(&["--json"], &keys).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(json.len(), out.lines().count());
    assert!(json.iter().any(|line| line["key"] == "grants.coder.commit" && line["value"] == "false"));

    std::fs::remove_file(folder.join("config.toml")).unwrap();
    let line = |variables: &[(&str, &str)]| {
        show(&[], variables).lines().filter(|line| line.starts_with("models")).collect::<String>()
    };
    assert!(line(&[]).contains("not settled: no model is named"), "{}", line(&[]));
    assert!(line(&[keys[1], ("OPENAI_API_KEY", "canary-3")]).contains("keys of anthropic and openai are there"));
    assert!(line(&keys[1..]).contains("anthropic/") && line(&keys[1..]).contains("$ANTHROPIC_API_KEY"));
}

/// A repository that says what it runs.
fn with_ci() -> Stage {
    let ci = "jobs:\n  a:\n    steps:\n      - run: make test\n";
    let stage = Stage::with(&[("README.md", "x\n"), ("Makefile", "test:\n\ttrue\n"), (".github/workflows/ci.yml", ci)]);
    std::fs::create_dir_all(stage.home().join(".local/share/mise")).unwrap();
    stage
}

#[test]
fn what_a_first_file_would_run_waits_for_a_yes() {
    let stage = with_ci();
    let check = "test = { run = [\"make\", \"test\"] }  # .github/workflows/ci.yml:4";
    let _ = stage.pit(&["init", "--dry-run", "-y"]).exits(0).says(check);
    // Nobody is there to say it: the file is written, and does not count.
    let _ = stage.pit(&["init"]).exits(0).says(check).says("nothing of it runs until you say yes to it: pit trust");
    assert!(stage.read("pit.toml").contains(check));
    let _ =
        stage.pit(&["config", "show"]).exits(9).says("checks.full.test = make test; up to 20m (without it nothing)");
    let _ = stage.pit(&["run", "x", "--solo", "-m", "scripted/none"]).exits(9).says("nothing was started");
    assert!(stage.trees().is_empty());
    // With it the file counts as it stands, and no longer when it is another.
    std::fs::remove_file(stage.repo().join("pit.toml")).unwrap();
    let _ = stage.pit(&["init", "-y", "--no-try"]).exits(0).says("written and trusted as it is");
    let said = stage.pit(&["config", "show"]).exits(0);
    let line = said.out.lines().find(|line| line.starts_with("checks.full.test ")).unwrap_or_default().to_owned();
    assert!(line.contains("make test; up to 20m") && line.contains("pit.toml:"), "{}", said.out);
    stage.write("pit.toml", &stage.read("pit.toml").replace("\"test\"]", "\"evil\"]"));
    let _ = stage.pit(&["config", "show"]).exits(9).says("make evil");
}

#[test]
fn a_check_that_cannot_be_run_here_does_not_count() {
    let stage = with_ci();
    let ci = "jobs:\n  a:\n    steps:\n      - run: make test\n      - run: golangci-lint run\n";
    stage.write(".github/workflows/ci.yml", ci);
    stage.git(&["commit", "-qam", "Lint"]);
    let _ = stage
        .pit(&["init", "-y"])
        .exits(0)
        .says("golangci-lint run: ")
        .says("it cannot be run here, so it does not count");
    let text = stage.read("pit.toml");
    assert!(text.contains("\ntest = { run = [\"make\", \"test\"] }"), "the control: {text}");
    assert!(text.contains("\n# lint = { run = [\"golangci-lint\", \"run\"] }"), "{text}");
    let _ = stage.pit(&["config", "show"]).exits(0);
}

/// A repository whose CI calls targets of its Makefile.
fn with_targets(makefile: &str, targets: &[&str], more: &[(&str, &str)]) -> Stage {
    let steps: String = targets.iter().map(|target| format!("      - run: make {target}\n")).collect();
    let ci = format!("jobs:\n  a:\n    steps:\n{steps}");
    let files = [("Makefile", makefile), (".github/workflows/ci.yml", &ci)];
    Stage::with(&files.into_iter().chain(more.iter().copied()).collect::<Vec<_>>())
}

#[test]
fn a_check_that_fails_says_why_and_counts_only_if_it_names_tests() {
    let makefile = "test:\n\ttrue\nlint:\n\t@printf 'a line\\033[31m is \\n'; echo too long; exit 3\n";
    let stage = with_targets(makefile, &["test", "lint"], &[]);
    let said = stage
        .pit(&["init", "-y"])
        .exits(0)
        .says("make lint: fails with exit 2 on ")
        .says("    | too long")
        .says("its output: ")
        .says("required = false");
    assert!(said.err.contains(".git/pit/checks/") && !said.err.contains('\u{1b}'), "{}", said.err);
    let text = stage.read("pit.toml");
    assert!(text.contains("\nlint = { run = [\"make\", \"lint\"], required = false }  # .github"), "{text}");
    assert!(text.contains("\ntest = { run = [\"make\", \"test\"] }  # .github"), "the control: {text}");
    let alone = with_targets("lint:\n\tfalse\n", &["lint"], &[]);
    let _ = alone.pit(&["init", "-y"]).exits(0).says("nothing else is checked, so it stays required");
    assert!(!alone.read("pit.toml").contains("required = false"));
}

#[test]
fn a_tool_that_a_check_lacks_is_added_and_it_is_tried_again() {
    use std::os::unix::fs::PermissionsExt as _;
    // Which program it is, no file says but the script.
    let script = [("t.sh", "frobnicate\n")];
    let stage = with_targets("test:\n\tsh t.sh\n", &["test"], &script);
    let bin = stage.home().join(".deno/bin");
    std::fs::create_dir_all(&bin).unwrap();
    std::fs::write(bin.join("frobnicate"), "#!/bin/sh\n").unwrap();
    std::fs::set_permissions(bin.join("frobnicate"), std::fs::Permissions::from_mode(0o755)).unwrap();
    let _ = stage.pit(&["init", "-y"]).exits(0).says("and not mounted: deno").says("make test: passes on ");
    let text = stage.read("pit.toml");
    assert!(text.contains("\ntools = [\"deno\"] "), "{text}");
    // The control: without the tool on this machine nothing is added, and why it fails is said.
    let stage = with_targets("test:\n\tsh t.sh\n", &["test"], &script);
    let said = stage.pit(&["init", "-y"]).exits(0).says("make test: fails with exit 2").says("frobnicate: ");
    assert!(!said.err.contains("not mounted: deno") && !stage.read("pit.toml").contains("tools ="), "{}", said.err);
}

#[test]
fn set_up_that_cannot_be_run_here_does_not_keep_the_rest_from_it() {
    let poetry = [("poetry.lock", ""), ("pyproject.toml", "[project]\nname = \"a\"\n")];
    let stage = with_targets("test:\n\ttrue\n", &["test"], &poetry);
    let _ = stage
        .pit(&["init", "-y"])
        .exits(0)
        .says("set-up `install` could not run: `poetry` is not in ")
        .says("make test: passes on ");
    let text = stage.read("pit.toml");
    assert!(text.contains("\n# [setup]") && text.contains("\n# install = { run = [\"poetry\""), "{text}");
    assert!(text.contains("; at init: could not run: `poetry` is not there on "), "{text}");
    let _ = stage.pit(&["config", "show"]).exits(0);
}

#[test]
fn a_check_runs_in_the_folder_that_ci_names() {
    let ci = "jobs:\n  a:\n    steps:\n      - run: make test\n        working-directory: api\n";
    let stage = Stage::with(&[(".github/workflows/ci.yml", ci), ("api/Makefile", "test:\n\ttest -f Makefile\n")]);
    let _ = stage.pit(&["init", "-y"]).exits(0).says("make test in api: passes on ");
    assert!(stage.read("pit.toml").contains("\ntest = { run = [\"make\", \"test\"], dir = \"api\" }  # .github"));
    let _ = stage.pit(&["config", "show"]).exits(0).says("make test; in api; up to 20m");
}

#[test]
fn where_nothing_is_found_to_check_by_it_says_so() {
    let stage = Stage::with(&[("README.md", "x\n")]);
    let _ = stage.pit(&["init", "-y"]).exits(0).says("no result is verified").says("run = [\"make\", \"test\"]");
    // Set-up alone checks nothing.
    let stage = Stage::with(&[("package.json", "{\"name\": \"a\"}\n")]);
    let said = stage.pit(&["init", "-y", "--no-try"]).exits(0).says("no result is verified");
    assert!(
        said.out.contains("package.json has no script `test`; with one: test = { run = [\"npm\", \"test\"] }"),
        "{}",
        said.out
    );
    let text = stage.read("pit.toml");
    assert!(text.contains("without any, nothing is verified") && text.contains("[\"npm\", \"install\"]"), "{text}");
}

#[test]
fn before_the_first_commit_nothing_is_written() {
    let stage = Stage::with(&[("README.md", "x\n"), ("Makefile", "test:\n\ttrue\n")]);
    stage.git(&["update-ref", "-d", "HEAD"]);
    let _ = stage.pit(&["init", "-y"]).exits(2).says("nothing is committed here yet").says("git commit");
    assert!(!stage.repo().join("pit.toml").exists());
    // The control: with the commit it is found.
    stage.git(&["commit", "-qm", "First"]);
    let _ = stage.pit(&["init", "-y"]).exits(0).says("make test: passes on ");
}

#[test]
fn tools_are_proposed_where_this_machine_has_them() {
    let stage = with_ci();
    stage.write("mise.toml", "");
    stage.write("pyproject.toml", "[project]\nname = \"x\"\n");
    stage.git(&["add", "-A"]);
    let text = stage.pit(&["init", "--dry-run"]).exits(0).out;
    assert!(text.contains("tools = [\"mise\"] "), "{text}");
}

#[test]
fn a_check_is_shown_before_it_is_trusted_and_goes_on_the_runs_record() {
    let stage = Stage::new();
    stage.write("pit.toml", "schema = 1\n[checks.full]\nboth = { run = [\"sh\", \"-c\", \"true && true\"] }\n");
    let finish = "calls = [{ tool = \"finish\", arguments = { summary = \"x\", criteria = [] } }]";
    let reply = format!("[[conversation.reply]]\n{finish}\n").repeat(3);
    let script = stage.script(&format!("schema = 1\n[[conversation]]\nagent = \"coder\"\n{reply}"));
    let run = |stage: &Stage| stage.pit(&["run", "x", "--solo", "-m", &script]);
    let _ = run(&stage).exits(9).says("line 3: checks.full.both = sh -c \"true && true\"; up to 20m");
    assert!(stage.trees().is_empty());
    let _ = stage.pit(&["trust", "-y"]).exits(0).says("line 3: checks.full.both = sh -c \"true && true\"");
    let said = run(&stage);
    assert_ne!(said.code, Some(9), "{}", said.err);
    assert_eq!(stage.trees().len(), 1);
}

#[test]
fn a_command_is_denied_by_its_words() {
    let stage = Stage::new();
    let said = stage.pit(&["config", "show", "--deny", "exec:git push"]).exits(0);
    assert!(said.out.contains("deny exec.run of [git push **]"), "{}", said.out);
    let _ = stage.pit(&["config", "show", "--deny", "exec:"]).exits(2).says("at least one word");
}

#[test]
fn shells_are_told_of_every_command() {
    let stage = Stage::new();
    let _ = stage.pit(&["completion", "bash"]).exits(0).says("accept");
    let _ = stage.pit(&["completion", "abacus"]).exits(2);
}

#[test]
fn a_reader_that_has_gone_away_is_no_reason_to_panic() {
    let stage = Stage::new();
    for args in [&["config", "show"][..], &["doctor"], &["ls"], &["status"]] {
        let mut pit = stage.start(args);
        drop(pit.stdout.take());
        let said = pit.wait_with_output().expect("pit");
        let err = String::from_utf8_lossy(&said.stderr);
        assert!(said.status.code().is_some() && !err.contains("panicked"), "{args:?}: {err}");
    }
}
