//! The page of a stranger: what it asks to run is there word by word, and what it does not ask for too.

use std::sync::Arc;

use orchestra_pit_core::id::Hash;

use super::*;

fn page(asks: &str) -> String {
    let text = format!(
        "schema = 1\nname = \"bot\"\nversion = \"1.0.0\"\ndescription = \"Builds.\"\ncontract = \"pit:agent@0.1.0\"\n[asks]\n{asks}"
    );
    let manifest = Manifest::read(&text).unwrap();
    let wasm: Arc<[u8]> = Arc::from(&b"x"[..]);
    let known = Known { name: manifest.id(), hash: Hash::of(&wasm), asks: manifest.asks(0, 0), wasm };
    agent(&known, &manifest).join("\n")
}

fn not(page: &str) -> &str {
    page.lines().find(|line| line.trim_start().starts_with("not ")).unwrap_or_default()
}

#[test]
fn each_command_that_is_asked_for_is_shown_whole() {
    let long = "x".repeat(150);
    let page = page(&format!(
        "exec = [[\"cargo\", \"test\", \"**\"], [\"sh\", \"-c\", \"make, then rm\"], [\"{long}\", \"**\"]]\nenv = [\"RUST_*\", \"CI\"]\n\
         check = true"
    ));
    for text in [
        "run cargo test **\n",
        "run sh -c \"make, then rm\"\n",
        &format!("run {long} **\n"),
        "set for them RUST_*, CI\n",
    ] {
        assert!(page.contains(text), "no {text} in\n{page}");
    }
    assert!(page.contains("have your checks run") && !not(&page).contains("commands"));
    assert!(not(&page).contains("network") && !page.contains("broad"));
}

#[test]
fn any_command_is_said_to_be_broad() {
    for all in ["[[\"**\"]]", "[[\"*\", \"**\"]]"] {
        let page = page(&format!("exec = {all}"));
        let said = page.lines().any(|line| line.contains("run any command, in the sandbox") && line.ends_with("broad"));
        assert!(said, "{page}");
    }
}

#[test]
fn what_runs_nothing_says_so() {
    let page = page("read = [\"docs/**\"]\nenv = [\"CI\"]");
    assert!(not(&page).contains("commands, ") && !page.contains("checks"), "{page}");
    assert!(!page.contains("set for them"), "{page}");
}

#[test]
fn a_failure_of_several_lines_is_one_and_has_them_all() {
    for (text, one) in [
        (
            "no plan: it cannot be carried out:\n- 24 tasks\n- two have the id a",
            "no plan: it cannot be carried out: 24 tasks; two have the id a",
        ),
        ("It broke.\n\nrule: x", "It broke. rule: x"),
        ("- a", "- a"),
        ("\n", ""),
    ] {
        assert_eq!(whole(text, 100), one);
    }
    assert_eq!(ended(&End::Broken(String::new())), "broke");
}
