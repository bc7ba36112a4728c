//! What a command is told, and what its agent is answered.

use orchestra_pit_tests::Stage;

use super::{branch, has, told};

#[test]
fn a_command_is_its_words_in_a_folder_with_variables_and_input() {
    let stage = Stage::new();
    let repo = stage.repo().display().to_string();
    let said = told(
        &stage,
        &[
            "$ echo $HOME;id *",
            "sh echo $HOME",
            "dir src",
            "$ pwd",
            "$ pwd",
            "env GREETING=good day",
            "sh echo greeting=$GREETING",
            "sh echo greeting=$GREETING",
            r"stdin one\ntwo",
            "$ wc -l",
            "$ wc -c",
        ],
    );
    // No shell looks at the words, unless a shell is what runs.
    has(&said, "ran: exit 0 out=$HOME;id * err=");
    has(&said, "ran: exit 0 out=/home/pit err=");
    has(&said, &format!("out={repo}/src err="));
    has(&said, &format!("out={repo} err="));
    has(&said, "out=greeting=good day err=");
    has(&said, "out=greeting= err=");
    has(&said, "out=1 err=");
    // Without any input it is at its end at once: nobody waits for a person.
    has(&said, "out=0 err=");
}

/// Refuses: exec.run not-found
#[test]
fn a_program_or_folder_that_is_not_there_is_said_to_be_missing_with_the_line_that_mounts_it() {
    let stage = Stage::new();
    let program = stage.home().join(".deno/bin/frobnicate");
    std::fs::create_dir_all(program.parent().expect("a folder")).expect("a folder");
    std::fs::write(&program, "#!/bin/sh\n").expect("a file");
    let said = told(
        &stage,
        &[
            "$ nowhere-at-all",
            "$ frobnicate",
            "$ bun",
            "$ ./src/lib.rs",
            "dir nowhere",
            "$ pwd",
            "dir ../..",
            "$ pwd",
            "$ pwd",
        ],
    );
    has(&said, "refused: not-found");
    has(&said, "nowhere-at-all");
    has(&said, "in pit.toml: [workspace] tools = [\"deno\"]");
    has(&said, "it is not on this machine, nor is what would bring it: bun");
    has(&said, "there is no folder to start in");
    // A way out of the workspace is no path of it.
    has(&said, "refused: denied \"../..\"");
    // Also where another program looked for it.
    has(&told(&stage, &["$ env frobnicate"]), "[pit: its tool folder is not mounted; in pit.toml: [workspace] tools");
    // The control: a program that is there, in a folder that is there.
    has(&said, &format!("ran: exit 0 out={}", stage.repo().display()));
}

#[test]
fn how_it_ended_is_said_and_what_it_took() {
    let stage = Stage::new();
    let said = told(
        &stage,
        &[
            "$ true",
            "sh exit 7",
            "sh kill -SEGV $$",
            "timeout 300",
            "sh echo before; sleep 600",
            "figures",
            "sh head -c 300M /dev/zero | tail -c 300M | wc -c; sleep 0.3",
        ],
    );
    has(&said, "ran: exit 0 out= err=");
    has(&said, "ran: exit 7 ");
    has(&said, "ran: SIGSEGV ");
    // What it had said by then is not lost.
    has(&said, "ran: timed out out=before");
    let took = said.iter().find(|line| line.starts_with("took: ")).expect("figures");
    let numbers: Vec<u64> = took.split(|c: char| !c.is_ascii_digit()).filter_map(|word| word.parse().ok()).collect();
    assert!(numbers[0] >= 300_000, "microseconds: {took}");
    assert!(numbers[1] >= 200 << 20, "bytes: {took}");
}

#[test]
fn of_long_output_the_beginning_and_the_end_are_answered_and_the_rest_is_counted() {
    let stage = Stage::new();
    let said = told(&stage, &["limit 40", "$ seq 1 1000", "$ seq 1 1000", "sh seq 1 1000 >&2; echo out"]);
    has(&said, "ran: exit 0 out=1\n2\n3\n4\n5 err=");
    has(&said, "cut: 3853 of out, which ends with 999\n1000\n");
    // It fits into what is answered by default, of each stream.
    assert!(said.iter().any(|line| line.contains("\n500\n") && line.ends_with("1000 err=")), "{said:?}");
    assert!(said.iter().any(|line| line.contains("out=out err=1\n") && line.ends_with("\n1000")), "{said:?}");
}

#[test]
fn the_tree_is_that_of_the_files_as_they_are_now() {
    let stage = Stage::new();
    let base = stage.git(&["rev-parse", "HEAD^{tree}"]);
    let said = told(
        &stage,
        &[
            "figures",
            "$ true",
            "figures",
            "sh echo new > src/new.rs; mkdir -p empty/folder; rm docs/usage.md",
            "commit",
        ],
    );
    let trees: Vec<&str> = said.iter().filter_map(|line| Some(line.split_once("tree ")?.1)).collect();
    let [before, after] = trees[..] else { panic!("{said:?}") };
    assert_eq!(before, base, "what changes nothing leaves the same tree");
    assert_eq!(after, stage.git(&["rev-parse", &format!("{}^{{tree}}", branch(&stage))]));
    assert_ne!(after, base);
    has(&said, "changed: docs/usage.md src/new.rs");
}
