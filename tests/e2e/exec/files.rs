//! What of that which a command wrote becomes part of the workspace, and what is left out and said to be.

use orchestra_pit_tests::Stage;

use super::{Running, Sign, branch, has, has_not, line, said, told, until, words};

#[test]
fn what_is_no_file_of_a_repository_is_left_out_with_its_reason() {
    let stage = Stage::new();
    let said = told(
        &stage,
        &[
            "sh cp /bin/true program; chmod 6755 program; echo plain > plain; chmod 755 plain; ln -s plain link",
            "sh mkfifo pipe; python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind(\"socket\")'; ls -A",
            "sh mknod device c 1 3; mknod block b 7 0; mknod hides c 0 0; ls -A",
            "sh mkdir sub && git -C sub init -q . && echo x > sub/file; ls -A sub",
            "sh ls -lA; test -u program || echo no longer set-uid",
            "commit",
        ],
    );
    has(&said, "left out: program: taken without its set-user-id and set-group-id bits");
    has(&said, "left out: pipe: it is a named pipe");
    has(&said, "left out: socket: it is a socket");
    has(&said, "Operation not permitted");
    // Escaped, as what is no path of a workspace is.
    has(&said, "ub/.git: git's own folder is not part of a workspace");
    has(&said, "no longer set-uid");
    // The control: what is a file, a program or a link is all there.
    let tree = stage.git(&["ls-tree", "-r", &branch(&stage)]);
    let modes: Vec<(&str, &str)> =
        tree.lines().filter_map(|line| Some((line.split_once(' ')?.0, line.split_once('\t')?.1))).collect();
    for entry in [("100755", "program"), ("100755", "plain"), ("120000", "link"), ("100644", "sub/file")] {
        assert!(modes.contains(&entry), "{entry:?} in {tree}");
    }
    for name in ["pipe", "socket", "device", "block", "hides"] {
        assert!(!modes.iter().any(|(_, path)| *path == name), "{name} in {tree}");
    }
}

#[test]
fn paths_outside_the_write_grants_are_as_they_were_for_the_next_command() {
    let stage = Stage::new();
    stage.write("pit.toml", "schema = 1\n[grants.runs]\nwrite = [\"src/**\"]\n");
    let said = told(
        &stage,
        &[
            "sh echo mine > README.md; echo mine > src/lib.rs; rm docs/usage.md; echo mine > new",
            "sh cat README.md src/lib.rs; ls",
        ],
    );
    for path in ["README.md", "docs/usage.md", "new"] {
        has(&said, &format!("left out: {path}: the run may not write it"));
    }
    has(&said, "changed: src/lib.rs");
    has(&said, "out=# Tally\n\nCounts things.\nmine\nREADME.md\ndocs\n");
}

#[test]
fn a_file_that_a_sibling_has_a_lease_of_is_left_to_it() {
    let stage = Stage::new();
    let sign = Sign::new(&stage);
    let waits = format!("beside docs|sh until git cat-file -e {}; do sleep 0.1; done", sign.id);
    let steps = [&*waits, "sh echo mine > docs/usage.md; echo mine > README.md"];
    let mut running = Running(stage.start(&words(&line(&steps))));
    until("the command beside", || {
        !stage.trees().is_empty() && said(&stage).iter().any(|line| line.contains("left out"))
    });
    sign.give(&stage);
    assert_eq!(running.ends(), Some(3));
    let said = said(&stage);
    has(&said, "left out: docs/usage.md: the run may not write it");
    has(&said, "changed: README.md");
    has_not(&said, "changed: README.md docs/usage.md");
}
