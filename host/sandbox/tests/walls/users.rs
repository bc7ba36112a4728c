//! The same tests as an ordinary user, who has other ways in and other rights to lose.

use std::process::Command;

/// An id that no account has.
const ORDINARY: &str = "54321";

#[test]
fn all_of_it_holds_for_an_ordinary_user() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let this = std::env::current_exe().expect("this program");
    let setpriv = || {
        let mut command = Command::new("setpriv");
        command.args(["--reuid", ORDINARY, "--regid", ORDINARY, "--clear-groups", "--inh-caps=-all"]);
        command
    };
    let reaches = setpriv().args(["test", "-x"]).arg(&this).status();
    if !reaches.is_ok_and(|status| status.success()) {
        eprintln!("not tried as an ordinary user: setpriv is missing, or {} cannot be reached by one", this.display());
        return;
    }
    let run = setpriv().arg(&this).args(["--test-threads", "2"]).current_dir("/").output().expect("the tests");
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success(), "{said}\n{}", String::from_utf8_lossy(&run.stderr));
    // Not that nothing failed because nothing ran.
    assert!(said.contains("files::the_system_is_read_only_and_tmp_is_not ... ok"), "{said}");
}
