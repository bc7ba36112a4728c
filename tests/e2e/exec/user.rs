//! The same as an ordinary user, who has other ways in and other rights to lose: nothing of the machine is root's to give.

use std::os::unix::fs::MetadataExt as _;
use std::process::Command;

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
    "exec::checks::a_package_of_rust_is_tested_with_the_cargo_of_a_home",
    "exec::checks::a_package_of_python_is_tested_with_the_pytest_of_a_home",
    "exec::checks::a_package_of_node_is_tested_with_the_node_of_a_home",
];

#[test]
fn it_holds_for_an_ordinary_user_whose_tools_are_under_a_home() {
    if std::fs::metadata("/proc/self").expect("this process").uid() != 0 {
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
