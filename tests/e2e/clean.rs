//! `pit clean`: what is somewhere else too goes, and unmerged work never does.

use orchestra_pit_tests::{Stage, guest};

use crate::people::{self, FINISH};
use crate::run::script;

fn refs(stage: &Stage) -> String {
    stage.git(&["for-each-ref", "--format=%(refname)", "refs/pit/", "refs/heads/pit/"])
}

#[test]
fn merged_work_goes_and_unmerged_work_stays() {
    let stage = Stage::new();
    let model = stage.script(&script(""));
    let run = ["run", "--solo", "Never overflow", "-m", &model];
    let _ = stage.pit(&run).exits(3);
    let _ = stage.pit(&run).exits(3);
    let (newest, oldest) = (stage.trees()[0].clone(), stage.trees()[1].clone());
    let before = refs(&stage);
    let _ = stage.pit(&["clean", "-y"]).exits(0).says("only its own branch").says("there is no run to remove");
    assert_eq!(refs(&stage), before);

    let _ = stage.pit(&["accept", "--unverified", &oldest, "-y"]).exits(0);
    let said = stage.pit(&["clean", "--dry-run"]).exits(0);
    assert!(said.out.contains(&format!("remove  {oldest}")), "{}", said.out);
    assert!(said.out.contains(&format!("keep    {newest}")), "{}", said.out);
    let _ = stage.pit(&["clean"]).exits(5).says("-y");
    assert_eq!(refs(&stage), before, "neither a look nor a question removes anything");
    let _ = stage.pit(&["clean", "-y"]).exits(0).says("1 run removed");
    assert!(stage.trees() == [newest.as_str()]);
    let left = refs(&stage);
    assert!(!left.contains(&oldest) && left.contains(&newest), "{left}");
    let _ = stage.pit(&["status", &oldest]).exits(2).says("there is no run");
    let _ = stage.pit(&["status"]).exits(0).says(&newest);
    assert!(stage.read("src/lib.rs").contains("saturating_add"), "what was taken is the person's");
}

#[test]
fn a_branch_that_is_gone_does_not_make_its_work_removable() {
    let stage = Stage::new();
    let model = stage.script(&script(""));
    let _ = stage.pit(&["run", "--solo", "Never overflow", "-m", &model]).exits(3);
    let id = stage.trees().remove(0);
    let branch = stage.git(&["for-each-ref", "--format=%(refname:short)", "refs/heads/pit/"]);
    let tip = stage.git(&["rev-parse", &branch]);
    stage.git(&["branch", "-qD", &branch]);
    let _ = stage.pit(&["clean", "-y"]).exits(0).says(&format!("git branch NAME {}", &tip[..8]));
    assert!(stage.trees() == [id.as_str()]);
    stage.git(&["branch", "rescued", &tip]);
    let _ = stage.pit(&["clean", "-y"]).exits(0).says("rescued has its commits");
    assert!(stage.trees().is_empty());
    assert_eq!(stage.git(&["rev-parse", "rescued"]), tip);
}

#[test]
fn squashed_work_is_taken_and_a_run_that_has_not_ended_is_not_touched() {
    let stage = Stage::new();
    let model = stage.script(&script(""));
    let _ = stage.pit(&["run", "--solo", "Never overflow", "-m", &model]).exits(3);
    let id = stage.trees().remove(0);
    let _ = stage.pit(&["accept", "--unverified", &id, "--squash", "-y"]).exits(0);
    let _ = stage.pit(&["clean", "-y"]).exits(0).says("accepted onto main");
    assert!(stage.trees().is_empty());

    let asks = crate::people::script(&stage, crate::people::ASK);
    let run = stage.attend(&["agent", "run", "coder", "Paint it.", "-m", &asks]);
    let (id, _) = stage.asked();
    let _ = stage.pit(&["clean", "-y"]).exits(0).says("a pit is at work on it");
    run.kill();
    let _ = stage.pit(&["clean", "-y"]).exits(0).says("it has not ended");
    assert_eq!(stage.trees(), [id]);
}

#[test]
fn a_round_after_the_one_that_was_taken_stays() {
    let stage = Stage::new();
    let write = |path: &str| {
        let arguments = format!("{{ command = \"create\", path = \"{path}\", file_text = \"x\\n\" }}");
        format!(
            "[[conversation.reply]]\ncalls = [{{ tool = \"str_replace_based_edit_tool\", arguments = {arguments} }}]\n"
        )
    };
    let replies = [&write("a.txt"), FINISH, &write("b.txt"), FINISH].concat();
    let model = people::script(&stage, &replies);
    let _ = stage.pit(&["run", "--solo", "Write.", "-m", &model]).exits(3);
    let id = stage.trees().remove(0);
    let _ = stage.pit(&["accept", "--unverified", &id, "--squash", "-y"]).exits(0);
    let _ = stage.pit(&["clean", "--dry-run"]).exits(0).says("accepted onto main");
    let _ = stage.pit(&["send", &id, "more of it"]).exits(0);
    let _ = stage.pit(&["resume", &id, "-m", &model]).exits(3);
    let _ = stage.pit(&["clean", "-y"]).exits(0).says("only its own branch").says("there is no run to remove");
    assert!(stage.git(&["ls-tree", "--name-only", &people::branch(&stage)]).contains("b.txt"));
}

#[test]
fn files_that_were_not_committed_stay() {
    let stage = Stage::new();
    let runs = guest("runs").to_string_lossy().into_owned();
    let run = |steps: &str| stage.pit(&["agent", "run", &runs, steps, "--give", "as-asked"]).exits(3);
    let _ = run("write a.txt one");
    let id = stage.trees().remove(0);
    let _ = stage.pit(&["clean", "-y"]).exits(0).says(&format!("files that were not committed: pit checkout {id}"));
    let _ = stage.pit(&["checkout", &id, "copy"]).exits(0);
    assert_eq!(stage.read("copy/a.txt"), "one");
    // The control: who leaves nothing is removed.
    let _ = run("$ true");
    let _ = stage.pit(&["clean", "-y"]).exits(0).says("it committed nothing").says("1 run removed");
    assert_eq!(stage.trees(), [id]);
}

#[test]
fn what_searches_have_kept_goes_with_the_caches_and_not_before() {
    let stage = Stage::new();
    stage.write(".git/pit/texts/1.lz4", "kept");
    let _ = stage.pit(&["clean", "-y"]).exits(0);
    assert!(stage.repo().join(".git/pit/texts/1.lz4").exists());
    let _ = stage.pit(&["clean", "--caches", "-y"]).exits(0).says("what searches had kept");
    assert!(!stage.repo().join(".git/pit/texts").exists());
}
