//! Pulling the plug: kill -9 at every record boundary, then `pit resume`: same outcome, same tree.

use orchestra_pit_tests::Stage;

use super::agent::HELLO;

/// Runs the hello agent with the plug pulled at a record, resumes, and hands over what the branch holds.
fn cut_at(how: &str, record: u64) -> (bool, String) {
    let stage = Stage::new();
    let script = stage.script(&HELLO.replace("hello-c", "hello"));
    let args = ["agent", "run", "hello", "greet", "-m", script.as_str()];
    let output = stage.command(&args).env(how, record.to_string()).output().unwrap();
    let cut = output.status.code().is_none();
    if cut && !stage.trees().is_empty() {
        let _ = stage.pit(&["resume", "-m", &script]).exits(3);
    } else if cut {
        // Nothing was on record yet, so nothing was begun: the person starts again.
        let _ = stage.pit(&args).exits(3);
    }
    let branch = stage.git(&["for-each-ref", "--format=%(refname:short)", "refs/heads/pit/"]);
    stage.git(&["fsck", "--strict"]);
    let commits = stage.git(&["rev-list", "--count", &format!("main..{branch}")]);
    (cut, format!("{} {commits}", stage.git(&["rev-parse", &format!("{branch}^{{tree}}")])))
}

#[test]
fn killed_at_every_record_and_resumed_it_comes_to_the_same() {
    let (cut, undisturbed) = cut_at("PIT_TEST_NONE", 0);
    assert!(!cut);
    for how in ["PIT_TEST_DIE_DURABLE", "PIT_TEST_DIE_QUEUED"] {
        let mut record = 1;
        loop {
            let (cut, tree) = cut_at(how, record);
            assert_eq!(tree, undisturbed, "{how} at record {record}");
            if !cut {
                break;
            }
            record += 1;
        }
        assert!(record > 8, "{how}: only {record} records were reached");
    }
}
