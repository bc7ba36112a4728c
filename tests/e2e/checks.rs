//! The person's checks: run by the host on clean trees, and what their verdict decides.

use orchestra_pit_tests::{Stage, guest};

/// A repository whose check is a script of its own: it looks at what the last line of `state.txt` says.
fn stage(checks: &str) -> Stage {
    let stage = Stage::with(&[
        ("pit.toml", &format!("schema = 1\n\n{checks}")),
        ("check.sh", "#!/bin/sh\ntail -n 1 state.txt\n! grep -q broken state.txt\n"),
        ("state.txt", "fine\n"),
        (".gitignore", "out/\n"),
    ]);
    let _ = stage.pit(&["trust", "-y"]).exits(0);
    stage
}

const FULL: &str = "[checks.full]\nlook = { run = [\"sh\", \"check.sh\"] }\n";

/// Runs the steps, and hands over the exit code and what was said.
fn runs(stage: &Stage, steps: &str) -> (Option<i32>, String) {
    let agent = guest("runs").to_string_lossy().into_owned();
    let said = stage.pit(&["agent", "run", &agent, steps, "--give", "as-asked"]);
    (said.code, format!("{}{}", said.out, said.err))
}

fn newest(stage: &Stage) -> String {
    stage.trees().remove(0)
}

#[test]
fn a_result_that_the_host_found_good_is_done_and_verified_and_taken_without_more() {
    let stage = stage(FULL);
    let (code, said) = runs(&stage, "write state.txt better\\n\ncommit");
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("done, verified") && said.contains("green: full on tree"), "{said}");
    let _ = stage.pit(&["ls"]).exits(0).says("done, verified");
    let id = newest(&stage);
    assert_eq!(stage.status(&id)["result"]["kind"], "green", "{}", stage.status(&id));
    assert!(!stage.pit(&["status", &id]).exits(0).out.contains("accepted"));
    let said = stage.pit(&["accept", &id, "-y"]).exits(0);
    assert!(!said.err.contains("other checks"), "{}", said.err);
    let _ = stage.pit(&["status", &id]).exits(0).says("accepted");
    let _ = stage.pit(&["ls"]).exits(0).says("done, verified; accepted");
    assert_eq!(stage.read("state.txt"), "better\n");
    let _ = stage.pit(&["accept", "--undo", &id]).exits(0);
    assert!(!stage.pit(&["ls"]).exits(0).out.contains("accepted"));
}

#[test]
fn that_there_are_other_checks_by_now_is_said_before_a_result_is_taken() {
    let stage = stage(FULL);
    let (code, said) = runs(&stage, "write notes.txt x\ncommit");
    assert_eq!(code, Some(0), "{said}");
    stage.write("pit.toml", &format!("schema = 1\n\n{FULL}lint = {{ run = [\"false\"] }}\n"));
    let _ = stage.pit(&["accept", "-y"]).exits(0).says("pit.toml has other checks now");
}

#[test]
fn a_red_result_says_so_whatever_the_agent_claims_and_is_taken_only_with_a_word_for_it() {
    let stage = stage(FULL);
    let (code, said) = runs(&stage, "write state.txt fine\\nbroken\\n\ncommit");
    assert_eq!(code, Some(4), "{said}");
    for text in ["the checks are red", "0 refused", "red: full on tree", "| broken", ".git/pit/checks/"] {
        assert!(said.contains(text), "no `{text}` in {said}");
    }
    let _ = stage.pit(&["ls"]).exits(0).says("done, and the checks are red");
    let id = newest(&stage);
    let before = stage.git(&["rev-parse", "main"]);
    let _ = stage.pit(&["accept", &id, "-y"]).exits(4).says("the checks are red").says("--unverified");
    assert_eq!(stage.git(&["rev-parse", "main"]), before);
    let _ = stage.pit(&["accept", &id, "-y", "--unverified"]).exits(0);
    let message = stage.git(&["log", "-1", "--format=%B", "main"]);
    assert!(message.contains("Pit-Verdict: red: full on tree") && message.contains("; taken unverified"), "{message}");
}

#[test]
fn without_checks_nothing_is_verified_and_taking_it_says_so() {
    let stage = stage("[team]\ncoders = 2\n");
    let (code, said) = runs(&stage, "write state.txt better\\n\ncommit");
    assert_eq!(code, Some(3), "{said}");
    assert!(
        said.contains("done, not verified") && said.contains("none: there are no checks of the level full"),
        "{said}"
    );
    let _ = stage.pit(&["accept", "-y"]).exits(3).says("there are no checks of the level full").says("--unverified");
    let _ = stage.pit(&["accept", "-y", "--unverified"]).exits(0);
}

#[test]
fn the_base_is_judged_while_a_model_is_asked() {
    let stage = stage(FULL);
    let check = "[[conversation.reply]]\ncalls = [{ tool = \"check\", arguments = { level = \"full\" } }]\n";
    let script = crate::people::script(&stage, &[crate::people::ASK, check, crate::people::FINISH].concat());
    let run = stage.attend(&["run", "--solo", "Paint it.", "-m", &script]);
    let (id, _) = stage.asked();
    // Nothing is committed yet, and what the checks say of the base is there for whatever comes.
    let kept = || std::fs::read_dir(stage.repo().join(".git/pit/checks")).into_iter().flatten().flatten();
    let known = || kept().any(|entry| entry.path().extension().is_some_and(|end| end == "json"));
    let mut left = 600;
    while !known() {
        left -= 1;
        assert!(left > 0, "the base was not judged within a minute");
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    let _ = stage.pit(&["answer", &id, "blue"]).exits(0);
    assert_eq!(run.code(), 0);
}

#[test]
fn what_the_base_fails_already_is_no_worse() {
    let stage = stage("[checks.full]\nlook = { run = [\"sh\", \"-c\", \"cat state.txt; exit 101\"] }\n");
    stage.write("state.txt", "running 2 tests\ntest a ... ok\ntest b ... FAILED\n\ntest result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n");
    stage.git(&["commit", "-qam", "Break it"]);
    let (code, said) = runs(&stage, "write notes.txt x\ncommit");
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("1 pass, 1 fail as before") && said.contains("as before: b"), "{said}");
    let _ = stage.pit(&["accept", "-y"]).exits(0).says("no worse");
}

#[test]
fn what_is_no_worse_only_as_far_as_is_known_is_not_verified() {
    let stage = stage(FULL);
    stage.write("state.txt", "broken\n");
    stage.git(&["commit", "-qam", "Break it"]);
    let (code, said) = runs(&stage, "write notes.txt x\ncommit");
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("done, not verified") && said.contains("no worse: full on tree"), "{said}");
    assert!(stage.pit(&["ls"]).exits(0).out.contains("done, not verified: no worse than before, as far as is known"));
    let shown: serde_json::Value = serde_json::from_str(&stage.pit(&["status", "--json"]).exits(0).out).unwrap();
    assert_eq!((&shown["result"]["kind"], &shown["result"]["verified"]), (&"no-worse".into(), &false.into()));
    // It is the person's to take, after the list.
    let _ = stage.pit(&["accept", "-y"]).exits(0).says("no worse").says("compared as a whole");
}

#[test]
fn a_failure_whose_output_is_cut_is_compared_with_nothing() {
    for (bytes, code) in [(9_000, Some(3)), (9_000_000, Some(4))] {
        let script = format!("head -c {bytes} /dev/zero | tr '\\\\0' x; exit 1");
        let stage = stage(&format!("[checks.full]\nlook = {{ run = [\"sh\", \"-c\", \"{script}\"] }}\n"));
        let (exit, said) = runs(&stage, "write notes.txt x\ncommit");
        assert_eq!(exit, code, "{bytes}: {said}");
        assert_eq!(said.contains("says too much to be compared"), code == Some(4), "{bytes}: {said}");
    }
}

#[test]
fn a_check_whose_folder_an_agent_removed_is_misconfigured() {
    let stage = stage("[checks.full]\nlook = { run = [\"true\"], dir = \"web\" }\n");
    std::fs::create_dir(stage.repo().join("web")).expect("a folder");
    stage.write("web/index.html", "x\n");
    stage.git(&["add", "-A"]);
    stage.git(&["commit", "-qm", "with a folder"]);
    let (code, said) = runs(&stage, "$ rm -r web\ncommit");
    assert_eq!(code, Some(4), "{said}");
    assert!(said.contains("look fails: it is misconfigured: "), "{said}");
    let (code, said) = runs(&stage, "write notes.txt x\ncommit");
    assert_eq!(code, Some(0), "the control: {said}");
}

#[test]
fn a_target_that_moved_is_merged_aside_and_judged_before_it_moves_again() {
    let stage = stage("[checks.full]\nboth = { run = [\"sh\", \"-c\", \"! { test -f one && test -f two; }\"] }\n");
    let (code, said) = runs(&stage, "write one x\ncommit");
    assert_eq!(code, Some(0), "{said}");
    let id = newest(&stage);
    stage.write("two", "x\n");
    stage.git(&["add", "two"]);
    stage.git(&["commit", "-qm", "Two"]);
    let before = stage.git(&["rev-parse", "main"]);
    let _ = stage.pit(&["accept", &id, "-y"]).exits(4).says("moved on").says("red: full on tree");
    assert_eq!(stage.git(&["rev-parse", "main"]), before, "it was never on the branch");
    assert!(!stage.repo().join("one").exists());
    let shell = ["terminal", &id, "--merged", "main", "--", "sh", "-c", "cat one two && git log -1 --format=%P"];
    let tip = stage.git(&["for-each-ref", "--format=%(objectname)", "refs/heads/pit/"]);
    let _ = stage.pit(&["accept", &id, "-y"]).says(&format!("pit {} is a shell on the merge", shell[..4].join(" ")));
    let _ = stage.pit(&shell).exits(0).says("xx\n").says(&format!("{before} {tip}"));
    let _ = stage.pit(&["terminal", &id, "--", "cat", "two"]).exits(1);
    // Whoever takes it all the same takes it with what the host found.
    let _ = stage.pit(&["accept", &id, "-y", "--unverified"]).exits(0).says("red: full on tree");
    let message = stage.git(&["log", "-1", "--format=%B"]);
    assert!(message.contains("Pit-Verdict: red: full on tree") && message.contains("; taken unverified"), "{message}");
    let _ = stage.pit(&["accept", &id, "--undo"]).exits(0);
    // The control: what fits together goes through.
    stage.git(&["rm", "-q", "two"]);
    stage.git(&["commit", "-qm", "No two"]);
    let _ = stage.pit(&["accept", &id, "-y"]).exits(0).says("green: full on tree");
    assert!(stage.repo().join("one").exists());
    // What the commit says of itself is about its own tree.
    let (tree, message) = (stage.git(&["rev-parse", "HEAD^{tree}"]), stage.git(&["log", "-1", "--format=%B"]));
    assert!(message.contains(&format!("Pit-Verdict: green: full on tree {}", &tree[..8])), "{tree} {message}");
}

#[test]
fn a_check_that_is_not_there_or_cannot_be_started_is_red() {
    let stage = stage("[checks.full]\nlook = { run = [\"no-such-program\"] }\n");
    let (code, said) = runs(&stage, "write notes.txt x\ncommit");
    assert_eq!(code, Some(4), "{said}");
    assert!(said.contains("no-such-program"), "{said}");
}

#[test]
fn a_check_that_runs_no_test_is_misconfigured_however_it_ends() {
    let check = "[checks.full]\nlook = { run = [\"python3\", \"-m\", \"unittest\"] }\n";
    let (code, said) = runs(&stage(check), "write notes.txt x\ncommit");
    assert_eq!(code, Some(4), "{said}");
    assert!(said.contains("it is misconfigured: Ran 0 tests"), "{said}");
    let test = "import unittest\\nclass T(unittest.TestCase):\\n    def test_a(self): pass\\n";
    let (code, said) = runs(&stage(check), &format!("write test_a.py {test}\ncommit"));
    assert_eq!(code, Some(0), "the control: {said}");
}

#[test]
fn a_result_whose_runner_says_nothing_any_more_is_red() {
    let check = "[checks.full]\nlook = { run = [\"sh\", \"results.sh\"] }\n";
    let stage = stage(check);
    let results = "echo '============ test session starts ============'\necho 'test_a.py ..'\n\
                   echo '========= 2 passed in 0.01s ========='\n";
    stage.write("results.sh", results);
    stage.git(&["add", "-A"]);
    stage.git(&["commit", "-qm", "with results"]);
    let (code, said) = runs(&stage, "write results.sh exit 0\\n\ncommit");
    assert_eq!(code, Some(4), "{said}");
    assert!(said.contains("it passes and tells of no test; on the base pytest told of 2"), "{said}");
    let (code, said) = runs(&stage, "write notes.txt x\\n\ncommit");
    assert_eq!(code, Some(0), "the control: {said}");
}

/// Runs tests that are lines (a name, a file that it needs, what it says without), and tells of them as pytest does.
const LINES: &str = "\
echo '============ test session starts ============'
passed=0; failed=0; said=''
while read -r name file why; do
  if [ -e $file ]; then echo \"tests/test_a.py::$name PASSED\"; passed=$((passed + 1))
  else said=\"${said}FAILED tests/test_a.py::$name - $why\n\"; failed=$((failed + 1)); fi
done < tests/test_a.py
[ $failed = 0 ] || { echo '=== short test summary info ==='; printf \"$said\"; }
echo \"========= $failed failed, $passed passed in 0.01s =========\"
[ $failed = 0 ]
";

#[test]
fn what_each_new_test_proves_is_told_by_name() {
    let stage = stage("[checks.full]\nlook = { run = [\"sh\", \"lines.sh\"] }\n");
    stage.write("lines.sh", LINES);
    std::fs::create_dir(stage.repo().join("tests")).expect("a folder");
    stage.write("tests/test_a.py", "test_old lines.sh\n");
    stage.git(&["add", "-A"]);
    stage.git(&["commit", "-qm", "with tests"]);
    let tests =
        "test_old lines.sh\\ntest_new one.txt assert 1 == 2\\ntest_odd one.txt NameError: x\\ntest_idle lines.sh\\n";
    let (code, said) = runs(&stage, &format!("write one.txt 1\\n\nwrite tests/test_a.py {tests}\ncommit"));
    assert_eq!(code, Some(0), "{said}");
    for line in [
        "tests      fails without the change: tests/test_a.py::test_new\n",
        " passes without the change, and proves nothing: tests/test_a.py::test_idle\n",
        " fails without the change, and not by an assertion: tests/test_a.py::test_odd\n",
    ] {
        assert!(said.contains(line), "no `{line}` in {said}");
    }
    let proof = &stage.status(&newest(&stage))["result"]["proof"];
    assert_eq!((&proof["whole"], &proof["tests"][1][1]), (&"proved".into(), &"errors".into()), "{proof}");
}

/// A package of Python in whose folder `own` are a small module and its tests, which pytest runs and tells of as `pit init`
/// has it do.
fn pytest(files: &[(&str, &str)]) -> Stage {
    let file = "schema = 1\n[checks.full]\ntest = { run = [\"pytest\", \"-q\", \"-rap\", \"own\"] }\n[workspace]\ntools = [\"uv\"]\n";
    let files = [&[("pit.toml", file), (".gitignore", "__pycache__/\n.pytest_cache/\n")], files].concat();
    let stage = Stage::package("inflection", &files);
    let _ = stage.pit(&["trust", "-y"]).exits(0);
    stage
}

const CALC: &str = "def add(a, b):\n    return a + b\n";
const ADDS: &str = "from calc import add\n\n\ndef test_add():\n    assert add(1, 2) == 3\n";

/// The step that writes a file.
fn write(path: &str, text: &str) -> String {
    format!("write {path} {}", text.replace('\n', "\\n"))
}

#[test]
fn a_new_test_does_not_make_up_for_one_that_pytest_skips_or_has_no_more() {
    let kept =
        "import pytest\n\n\ndef test_kept():\n    assert True\n\n\n@pytest.mark.skip\ndef test_later():\n    pass\n";
    let stage = pytest(&[("own/calc.py", CALC), ("own/test_calc.py", ADDS), ("own/test_kept.py", kept)]);
    let broken = write("own/calc.py", &CALC.replace('+', "-"));
    let new = write("own/test_new.py", "def test_new():\n    assert True\n");
    let skipped = ADDS.replace("\n\n\ndef", "\nimport pytest\n\n\n@pytest.mark.skip(reason=\"later\")\ndef");
    let skipped = write("own/test_calc.py", &skipped);
    let (code, said) = runs(&stage, &format!("{broken}\n{new}\n{skipped}\ncommit"));
    assert_eq!(code, Some(3), "{said}");
    for text in
        ["no worse: full on tree", "2 pass, 1 skipped that ran", "test: skipped now: own/test_calc.py::test_add\n"]
    {
        assert!(said.contains(text), "no `{text}` in {said}");
    }
    let (code, said) = runs(&stage, &format!("{broken}\n{new}\nsh rm own/test_calc.py\ncommit"));
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("test: no longer there: own/test_calc.py::test_add\n"), "{said}");
    // The controls: left as it is it fails, and a new test alone is fine.
    let (code, said) = runs(&stage, &format!("{broken}\n{new}\ncommit"));
    assert_eq!(code, Some(4), "{said}");
    let (code, said) = runs(&stage, &format!("{new}\ncommit"));
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("green: full on tree") && said.contains("3 pass"), "{said}");
}

#[test]
fn a_file_that_pytest_cannot_load_without_the_change_does_not_hide_what_others_prove() {
    let kept = "import pytest\n\n\n@pytest.mark.skip\ndef test_later():\n    pass\n";
    let bad = CALC.replace('+', "-");
    let two = ADDS.replace("test_add", "test_two").replace("(1, 2) == 3", "(2, 0) == 2");
    let stage = pytest(&[("own/calc.py", &bad), ("own/test_two.py", &two), ("own/test_kept.py", kept)]);
    let mended = write("own/calc.py", &format!("{CALC}\n\ndef sub(a, b):\n    return a - b\n"));
    let sub = write("own/test_sub.py", "from calc import sub\n\n\ndef test_sub():\n    assert sub(2, 1) == 1\n");
    let adds = write("own/test_calc.py", ADDS);
    // One that fails where `add` is not mended, and the first time only.
    let flaky = "import os\nfrom calc import add\n\n\ndef test_flaky():\n    os.makedirs(\"own/__pycache__\", exist_ok=True)\n    \
                 seen = os.path.exists(\"own/__pycache__/seen\")\n    open(\"own/__pycache__/seen\", \"w\").close()\n    assert seen or add(1, 2) == 3\n";
    let flaky = write("own/test_flaky.py", flaky);
    let (code, said) = runs(&stage, &format!("{mended}\n{sub}\n{adds}\n{flaky}\ncommit"));
    assert_eq!(code, Some(0), "{said}");
    for line in [
        " fails without the change: own/test_calc.py::test_add\n",
        " fails without the change, and not by an assertion: own/test_sub.py::test_sub\n",
        " passes without the change, and proves nothing: own/test_flaky.py::test_flaky\n",
    ] {
        assert!(said.contains(line), "no `{line}` in {said}");
    }
}

#[test]
fn a_check_whose_script_lacks_a_program_says_the_line_that_mounts_it() {
    let stage = stage("[checks.full]\nlook = { run = [\"sh\", \"-c\", \"env frobnicate\"] }\n");
    let program = stage.home().join(".deno/bin/frobnicate");
    std::fs::create_dir_all(program.parent().expect("a folder")).expect("a folder");
    std::fs::write(&program, "#!/bin/sh\n").expect("a file");
    let (_, said) = runs(&stage, "write notes.txt x\\n\ncommit");
    assert!(said.contains("in pit.toml: [workspace] tools = [\"deno\"]"), "{said}");
    // The control: what is mounted already is no help.
    stage.write("pit.toml", &format!("{}[workspace]\ntools = [\"deno\"]\n", stage.read("pit.toml")));
    let _ = stage.pit(&["trust", "-y"]).exits(0);
    let (_, said) = runs(&stage, "sh env frobnicate\nwrite notes.txt x\\n\ncommit");
    assert!(!said.contains("[workspace] tools"), "{said}");
}

/// A result is red, and says why, where a check is without something that the person says it needs.
fn is_red_without(needed: &str, told: [&str; 2]) {
    let stage = stage(&format!("{needed}{FULL}"));
    let (code, said) = runs(&stage, "write state.txt better\\n\ncommit");
    assert_eq!(code, Some(4), "{said}");
    for text in [&["red: full on tree"], &told[..]].concat() {
        assert!(said.contains(text), "no `{text}` in {said}");
    }
    let _ = stage.pit(&["accept", &newest(&stage), "-y"]).exits(4).says("the checks are red");
}

#[test]
fn without_its_service_a_check_has_checked_nothing() {
    let service = "[services]\nweb = { run = [\"sh\", \"-c\", \"echo no database here; exit 3\"] }\n";
    is_red_without(service, ["it was not run: service `web` ended (exit 3)", "| no database here"]);
}

#[test]
fn where_set_up_fails_the_checks_were_not_run_and_that_is_red() {
    let setup = "[setup]\nget = { run = [\"sh\", \"-c\", \"echo no mirror; exit 3\"] }\n";
    is_red_without(setup, ["it was not run: set-up `get` failed (exit 3)", "| no mirror"]);
}

#[test]
fn people_who_watch_see_on_which_tree_a_check_runs() {
    let stage = stage("[checks.full]\nlook = { run = [\"sh\", \"-c\", \"ls good.txt\"] }\n");
    let agent = guest("runs").to_string_lossy().into_owned();
    let run = ["agent", "run", &agent, "write good.txt x\ncommit", "--give", "as-asked"];
    let said = stage.pit(&[&run[..], &["-v"]].concat()).err;
    let command = "$ sh -c \"ls good.txt\" (check \"look\" on the";
    let at = |what: &str| said.find(&format!("{command} {what}")).unwrap_or_else(|| panic!("no `{what}` in {said}"));
    let order = [at("base)"), at("base, once more)"), at("result)")];
    assert!(order.is_sorted() && said[order[2]..].contains("| good.txt"), "{said}");
    let said = stage.pit(&run).err;
    assert!(!said.contains(command), "only those who ask for it: {said}");
}

#[test]
fn what_says_that_it_is_not_there_has_checked_nothing_here_or_on_the_base() {
    let stage = stage("[checks.full]\nlook = { run = [\"python3\", \"-m\", \"no_such_module\"] }\n");
    let (code, said) = runs(&stage, "write notes.txt x\ncommit");
    assert_eq!(code, Some(4), "{said}");
    assert!(said.contains("it is misconfigured") && said.contains("No module named no_such_module"), "{said}");
    // The control: what fails on the base with the same words, and is there, is no worse.
    let stage = self::stage("[checks.full]\nlook = { run = [\"sh\", \"-c\", \"echo no; exit 1\"] }\n");
    let (code, said) = runs(&stage, "write notes.txt x\ncommit");
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("no worse"), "{said}");
}

#[test]
fn what_checks_of_both_levels_built_of_the_base_is_there_and_is_built_again_where_it_is_gone() {
    let check = |level: &str| {
        format!(
            "[checks.{level}]\nlook = {{ run = [\"sh\", \"-c\", \"mkdir -p out; echo {level} >> out/{level}\"] }}\n"
        )
    };
    let stage = stage(&format!("{}{}\n[workspace]\nwarm = [\"out\"]\n", check("fast"), check("full")));
    let (_, said) = runs(&stage, "write notes.txt x\ncheck fast\ncheck full\ncommit");
    assert!(said.contains("green: full"), "{said}");
    let _ = runs(&stage, "sh paste -d, out/fast out/full\nwrite more.txt x\ncommit");
    let logs = stage.pit(&["logs"]).exits(0).out;
    assert!(logs.contains("ran: exit 0 out=fast,full"), "{logs}");
    // A build may begin anew, as by `cargo clean`.
    let _ = runs(&stage, "sh rm -r out\nsh mkdir out && ls -A out && echo anew\nwrite again.txt x\ncommit");
    let logs = stage.pit(&["logs"]).exits(0).out;
    assert!(logs.contains("ran: exit 0 out=anew"), "{logs}");
    // What it came to is known, and what was built is not there any more.
    let base = stage.git(&["rev-parse", "main^{tree}"]);
    std::fs::remove_dir_all(stage.warm_of(&base)).unwrap();
    let _ = runs(&stage, "check full\nwrite other.txt x\ncommit");
    let _ = runs(&stage, "sh cat out/full\nwrite third.txt x\ncommit");
    assert!(stage.pit(&["logs"]).exits(0).out.contains("ran: exit 0 out=full"));
}

#[test]
fn what_an_agent_left_behind_is_not_there_when_the_host_judges() {
    // The check passes only where something ignored says so: an agent's commands can make that, for themselves.
    let stage = stage(
        "[checks.full]\nlook = { run = [\"sh\", \"-c\", \"test -f out/poison\"] }\n\n[workspace]\nwarm = [\"out\"]\n",
    );
    let (code, said) = runs(
        &stage,
        "sh mkdir -p out && touch out/poison\nsh test -f out/poison && echo there\nwrite notes.txt x\ncommit",
    );
    let logs = stage.pit(&["logs"]).exits(0).out;
    assert!(logs.contains("ran: exit 0 out=there"), "the agent's own commands see it: {logs}");
    // The base fails in the same way, so it is no worse; with the agent's leavings it would have been green.
    assert!(!said.contains("green"), "{code:?} {said}");
}

/// Refuses: exec.check not-found
#[test]
fn checks_of_a_level_that_is_not_there_are_not_found() {
    let stage = stage(FULL);
    let _ = runs(&stage, "check nowhere\ncheck full");
    let logs = stage.pit(&["logs"]).exits(0).out;
    assert!(logs.contains("refused: not-found there are no checks of the level `nowhere`"), "{logs}");
    assert!(logs.contains("verdict: green: full on tree"), "{logs}");
}

#[test]
fn a_check_that_passes_the_second_time_is_flaky_and_red_unless_it_is_named() {
    let fails_once = "test -f out/seen || { mkdir -p out; touch out/seen; exit 1; }";
    for (named, code) in [("", Some(4)), (", flaky = [\"look\"]", Some(0))] {
        let stage = stage(&format!("[checks.full]\nlook = {{ run = [\"sh\", \"-c\", \"{fails_once}\"]{named} }}\n"));
        let (found, said) = runs(&stage, "write notes.txt x\ncommit");
        assert_eq!(found, code, "{said}");
        assert!(said.contains("flaky"), "{said}");
        let how = "if it is known to be: flaky = [\"look\"] at this check in pit.toml";
        assert_eq!(said.contains(how), code == Some(4), "{said}");
    }
}

#[test]
fn a_repositorys_checks_run_only_after_the_persons_yes() {
    let stage = stage(FULL);
    stage.write("pit.toml", "schema = 1\n\n[checks.full]\nlook = { run = [\"sh\", \"-c\", \"touch /tmp/x\"] }\n");
    let (code, said) = runs(&stage, "write notes.txt x");
    assert_eq!(code, Some(9), "{said}");
    assert!(stage.trees().is_empty());
}

/// Stands in for Maven: each line of a file is a test and how it ends. What it says is no runner's, and differs each time.
const MAVEN: &str = "\
at=$1; mkdir -p $at; failed=0; cases=''
while read -r name word; do
  why=''
  [ $word = ok ] || { failed=1; why=\"<failure type='org.opentest4j.AssertionFailedError' message='$word'/>\"; }
  cases=\"$cases<testcase name='$name' classname='shelf.ShelfTest' time='0.01'>$why</testcase>\"
done < src/test/java/ShelfTest.java
[ -e broken ] && { echo \"[ERROR] COMPILATION ERROR : $$\"; exit 1; }
echo \"<?xml version='1.0' encoding='UTF-8'?><testsuite name='shelf.ShelfTest'>$cases</testsuite>\" > $at/TEST-shelf.ShelfTest.xml
echo \"Tests are run by $(cat src/test/java/ShelfTest.java notes.txt 2>/dev/null | cksum)\"
[ $failed = 0 ] || echo '[ERROR] Failed to execute goal org.apache.maven.plugins:maven-surefire-plugin:3.2.5:test (default-test) on project shelf: There are test failures.'
exit $failed
";

/// A repository whose tests are told of in files alone, and one of them fails.
fn reporting(check: &str, ignored: &str) -> Stage {
    let stage = stage(&format!("[checks.full]\ntest = {check}\n\n[workspace]\nwarm = [\"{ignored}\"]\n"));
    stage.write("mvn.sh", MAVEN);
    stage.write(".gitignore", &format!("{ignored}/\n"));
    std::fs::create_dir_all(stage.repo().join("src/test/java")).expect("folders");
    stage.write("src/test/java/ShelfTest.java", "adds ok\nknown no\n");
    stage.git(&["add", "-A"]);
    stage.git(&["commit", "-qm", "with tests"]);
    stage
}

#[test]
fn reports_that_maven_writes_are_compared_by_test() {
    let stage = reporting("{ run = [\"sh\", \"mvn.sh\", \"target/surefire-reports\"] }", "target");
    let (code, said) = runs(&stage, "write notes.txt x\ncommit");
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("1 pass, 1 fail as before"), "{said}");
    assert!(said.contains("as before: shelf.ShelfTest::known"), "{said}");
    // The control: another one fails, and the check ends as it did.
    let write = "write src/test/java/ShelfTest.java adds no\\nknown no\\n\ncommit";
    let (code, said) = runs(&stage, write);
    assert_eq!(code, Some(4), "{said}");
    assert!(said.contains("test fails: shelf.ShelfTest::adds (exit 1)"), "{said}");
    // What writes no report this time tells of no test, whatever an earlier run has left.
    let (code, said) = runs(&stage, "write broken x\\n\ncommit");
    assert_eq!(code, Some(4), "{said}");
    assert!(said.contains("on the base it was understood which tests fail"), "{said}");
    // What each test proves is known by its name, too.
    let new = "write src/test/java/ShelfTest.java adds ok\\nknown no\\nfresh ok\\n\nwrite src/main/java/Shelf.java x\\n\ncommit";
    let (code, said) = runs(&stage, new);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("passes without the change, and proves nothing: shelf.ShelfTest::fresh"), "{said}");
}

#[test]
fn the_reports_that_a_check_names_are_what_counts() {
    let check = |reports: &str| format!("{{ run = [\"sh\", \"mvn.sh\", \"out/junit\"], reports = [\"{reports}\"] }}");
    let stage = reporting(&check("out/junit/*.xml"), "out");
    let _ = stage.pit(&["config", "show"]).exits(0).says("reports in out/junit/*.xml");
    let (code, said) = runs(&stage, "write notes.txt x\ncommit");
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("as before: shelf.ShelfTest::known"), "{said}");
    let (code, said) = runs(&stage, "write src/test/java/ShelfTest.java adds no\\nknown no\\n\ncommit");
    assert_eq!(code, Some(4), "{said}");
    assert!(said.contains("test fails: shelf.ShelfTest::adds (exit 1)"), "{said}");
    // One that names no file which was written is said to, and the check is compared as a whole.
    let other = reporting(&check("out/*.xml"), "out");
    let (code, said) = runs(&other, "write notes.txt x\ncommit");
    assert_eq!(code, Some(4), "{said}");
    assert!(said.contains("it wrote no file that its `reports` names (out/*.xml)"), "{said}");
}

#[test]
fn what_a_check_writes_is_read_in_the_order_in_which_it_was_written() {
    let both = "for n in $(seq 400); do echo out $n; echo err $n >&2; done; exit 1";
    let stage = stage(&format!("[checks.full]\nlook = {{ run = [\"sh\", \"-c\", \"{both}\"] }}\n"));
    let (_, said) = runs(&stage, "write notes.txt x\ncommit");
    let (_, path) = said.split_once("look: its output: ").unwrap_or_else(|| panic!("{said}"));
    let log = stage.read(path.lines().next().expect("a path"));
    let expected: String = (1..=400).map(|n| format!("out {n}\nerr {n}\n")).collect();
    assert_eq!(log, expected);
}

/// Tests in Java over a class whose `sub` adds.
fn java(class: &str, test: &str) -> String {
    let imports = "import static org.junit.Assert.assertEquals;\nimport org.junit.Test;\n";
    format!("package app;\n{imports}public class {class} {{\n{test}}}\n")
}

#[test]
fn what_maven_itself_writes_is_compared_by_test() {
    let there = |path: &str| std::path::Path::new(path).exists();
    if !there("/usr/bin/mvn") || !there("/usr/share/maven-repo/org/apache/maven/plugins/maven-surefire-plugin") {
        eprintln!("left out: `cargo xtask test` could not install Maven here");
        return;
    }
    const POM: &str = "<project xmlns=\"http://maven.apache.org/POM/4.0.0\"><modelVersion>4.0.0</modelVersion>\
        <groupId>app</groupId><artifactId>app</artifactId><version>1</version><properties>\
        <maven.compiler.source>11</maven.compiler.source><maven.compiler.target>11</maven.compiler.target>\
        <project.build.sourceEncoding>UTF-8</project.build.sourceEncoding></properties><dependencies><dependency>\
        <groupId>junit</groupId><artifactId>junit</artifactId><version>4.x</version><scope>test</scope></dependency>\
        </dependencies></project>";
    const SUM: &str = "package app;\npublic class Sum {\n    static int add(int a, int b) { return a + b; }\n    \
        static int sub(int a, int b) { return a + b; }\n}\n";
    let old = "    @Test public void adds() { assertEquals(3, Sum.add(1, 2)); }\n    \
        @Test public void subs() { assertEquals(1, Sum.sub(2, 1)); }\n";
    let file = "schema = 1\n[checks.full]\ntest = { run = [\"mvn\", \"-B\", \"-o\", \"-q\", \
        \"-Dmaven.repo.local=/usr/share/maven-repo\", \"test\"] }\n[workspace]\nwarm = [\"target\"]\n";
    let stage = Stage::with(&[
        (".gitignore", "target/\n"),
        ("pom.xml", POM),
        ("src/main/java/app/Sum.java", SUM),
        ("src/test/java/app/SumTest.java", &java("SumTest", old)),
        ("pit.toml", file),
    ]);
    let _ = stage.pit(&["trust", "-y"]).exits(0);
    let written = |test: &str| java("NewTest", test).replace('\n', "\\n");
    let change = |test: &str| format!("write src/test/java/app/NewTest.java {}\ncommit", written(test));
    let (code, said) = runs(&stage, &change("@Test public void fails() { assertEquals(2, Sum.add(1, 2)); }\n"));
    assert_eq!(code, Some(4), "{said}");
    for text in
        ["test: fails: app.NewTest::fails\n", "test: as before: app.SumTest::subs\n", "expected:<2> but was:<3>"]
    {
        assert!(said.contains(text), "no `{text}` in {said}");
    }
    // The control: with a mended class and a test of it all is green, and the test proves it.
    let mend = "sh sed -i '4s/a + b/a - b/' src/main/java/app/Sum.java\n";
    let test = change("@Test public void takes() { assertEquals(1, Sum.sub(2, 1)); }\n");
    let (code, said) = runs(&stage, &format!("{mend}{test}"));
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("3 pass") && said.contains("fails without the change: app.NewTest::takes"), "{said}");
}

#[test]
fn what_failed_before_it_was_judged_is_not_said_to_have_no_checks() {
    let stage = stage(FULL);
    let (code, said) = runs(&stage, "write state.txt better\\n\ncommit\nno such step");
    assert_eq!(code, Some(1), "{said}");
    let said = stage.pit(&["accept", &newest(&stage), "-y"]).exits(3).says("no verdict on all of its files");
    assert!(said.err.contains("has it judged at its end") && !said.err.contains("pit init"), "{}", said.err);
}
