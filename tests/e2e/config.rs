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
