//! The same as an ordinary user, who has other ways in and other rights to lose: nothing of the machine is root's to give.
//! And a machine that gives no walls at all, which only such a user can be shown.

use std::os::unix::fs::MetadataExt as _;
use std::process::{Command, Output};

use orchestra_pit_tests::Stage;

use super::{has, line, said, words};

/// An id that no account has.
const ORDINARY: u32 = 54321;

/// What is tried again: what commands are told and find, what is left out, and a package whose cargo is rustup's.
const AGAIN: &[&str] = &[
    "exec::answers::a_command_is_its_words_in_a_folder_with_variables_and_input",
    "exec::inside::it_has_a_home_a_name_and_what_programs_expect",
    "exec::inside::git_answers_as_in_an_ordinary_clone_and_nothing_of_it_can_be_changed",
    "exec::inside::there_is_no_network_but_its_own_loopback",
    "exec::inside::what_commands_leave_ignored_stays_for_the_next_and_is_in_no_commit",
    "exec::files::paths_outside_the_write_grants_are_as_they_were_for_the_next_command",
    "exec::hostile::other_processes_are_not_visible_and_their_variables_are_not_to_be_had",
    "exec::hostile::what_a_command_leaves_running_is_gone_when_it_ends",
    "exec::user::where_the_machine_gives_no_walls_nothing_runs_and_nothing_is_judged",
    "exec::checks::a_package_of_rust_is_tested_with_the_cargo_of_a_home",
    "exec::checks::a_package_of_python_is_tested_with_the_pytest_of_a_home",
    "exec::checks::a_package_of_node_is_tested_with_the_node_of_a_home",
];

#[test]
fn it_holds_for_an_ordinary_user_whose_tools_are_under_a_home() {
    if !is_root() {
        // Whoever runs this is one.
        return;
    }
    let this = std::env::current_exe().expect("this program");
    let id = ORDINARY.to_string();
    let setpriv = || {
        let mut command = Command::new("setpriv");
        command.args(["--reuid", &id, "--regid", &id, "--clear-groups", "--inh-caps=-all"]);
        command
    };
    let reaches = setpriv().args(["test", "-x"]).arg(&this).status();
    if !reaches.is_ok_and(|status| status.success()) {
        eprintln!("not tried as an ordinary user: setpriv is missing, or {} cannot be reached by one", this.display());
        return;
    }
    let own = tempfile::tempdir().expect("a folder");
    std::os::unix::fs::chown(own.path(), Some(ORDINARY), Some(ORDINARY)).expect("its owner");
    let mut again = setpriv();
    again.arg(&this).args(["--exact", "--test-threads", "1"]).args(AGAIN).current_dir("/");
    again.env("PIT_TEST_CACHE", own.path()).env("HOME", own.path());
    let said = again.output().expect("the tests");
    let text = String::from_utf8_lossy(&said.stdout);
    assert!(said.status.success(), "{text}\n{}", String::from_utf8_lossy(&said.stderr));
    for test in AGAIN {
        assert!(text.contains(&format!("{test} ... ok")), "{test}: {text}");
    }
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").expect("this process").uid() == 0
}

/// Runs a command line of pit where the kernel lets so many user namespaces be made, and hands over how it ended. The
/// number is that of a namespace of its own, made for it.
fn with_namespaces(stage: &Stage, most: &str, line: &[&str]) -> Output {
    let pit = stage.command(line);
    let limit =
        "echo \"$0\" > /proc/sys/user/max_user_namespaces && exec setpriv --ambient-caps=-all --inh-caps=-all \"$@\"";
    let mut within = Command::new("unshare");
    within.args(["--user", "--map-current-user", "--keep-caps", "sh", "-c", limit, most]);
    within.arg(pit.get_program()).args(pit.get_args()).current_dir(stage.repo());
    within.env_clear().envs(pit.get_envs().filter_map(|(name, value)| Some((name, value?))));
    within.output().expect("unshare")
}

/// Refuses: exec.run unsupported, exec.check unsupported
#[test]
fn where_the_machine_gives_no_walls_nothing_runs_and_nothing_is_judged() {
    if is_root() {
        // Root is asked as an ordinary user, by the test above.
        return;
    }
    let stage = Stage::new();
    stage.write("pit.toml", "schema = 1\n[checks.full]\nthere = { run = [\"true\"] }\n");
    stage.git(&["add", "-A"]);
    stage.git(&["commit", "-qm", "Check"]);
    let _ = stage.pit(&["trust", "-y"]).exits(0);
    let line = line(&["$ touch mark", "check full", "write note.txt x", "commit"]);
    let refused = with_namespaces(&stage, "0", &words(&line));
    assert_eq!(refused.status.code(), Some(3), "{}", String::from_utf8_lossy(&refused.stderr));
    let told = said(&stage);
    let unsupported = told.iter().filter(|line| line.starts_with("refused: unsupported the sandbox cannot be built"));
    assert_eq!(unsupported.count(), 2, "{told:#?}");
    has(&told, "`pit doctor` says which walls this machine gives");
    // It is on record why there is no verdict.
    let why = "none: the checks could not be run: the sandbox cannot be built";
    let _ = stage.pit(&["accept", "-y"]).exits(3).says(why).says("--unverified");
    assert!(!stage.repo().join("mark").exists());
    // The control: the same where they are given.
    let given = with_namespaces(&stage, "100", &words(&line));
    assert_eq!(given.status.code(), Some(0), "{}", String::from_utf8_lossy(&given.stderr));
    let told = said(&stage);
    has(&told, "ran: exit 0");
    has(&told, "verdict: green");
}
