//! What we stand on: the licences of all that is linked in, and how much of it there is.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// Crates that `pit` is made of, ours included. One more is a decision: who keeps it, what it costs to build, and what of it
/// could not have been had from one that is here already. Four came with the sandbox: itself, and Landlock's with the two that it
/// stands on, kept by who keeps Landlock; three system calls with structs of their own would have been unsafe code of ours.
pub const BUDGET: usize = 254;

/// Licences that ask for no more than to be named. No copyleft; libgit2, in the crate that binds it, is under the GPL with an
/// exception that lets anything be linked with it.
const TAKEN: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "MIT",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Whether an expression of SPDX leaves a way that is taken: any side of an `OR`, all sides of an `AND`.
pub fn is_taken(expression: &str) -> bool {
    let expression = expression.trim();
    if TAKEN.contains(&expression) {
        return true;
    }
    if let Some((left, right)) = split(expression, &[" OR ", "/"]) {
        return is_taken(left) || is_taken(right);
    }
    if let Some((left, right)) = split(expression, &[" AND "]) {
        return is_taken(left) && is_taken(right);
    }
    expression.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')).is_some_and(is_taken)
}

/// At the first of these words that stands outside of parentheses.
fn split<'a>(expression: &'a str, words: &[&str]) -> Option<(&'a str, &'a str)> {
    let mut depth = 0;
    for (at, c) in expression.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0
            && let Some(word) = words.iter().find(|word| expression[at..].starts_with(**word))
        {
            return Some((&expression[..at], &expression[at + word.len()..]));
        }
    }
    None
}

/// The crates that the packages of a workspace are made of, without what only their tests need: name and licence.
pub fn of(workspace: &Path, target: &str) -> BTreeMap<String, String> {
    let said = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--offline", "--filter-platform", target])
        .current_dir(workspace)
        .output()
        .expect("cargo");
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    let metadata: Value = serde_json::from_slice(&said.stdout).expect("JSON");
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let nodes: BTreeMap<String, Value> =
        list(&metadata["resolve"]["nodes"]).into_iter().map(|node| (text(&node["id"]), node)).collect();
    let mut next: Vec<String> = list(&metadata["workspace_members"]).iter().map(text).collect();
    next.retain(|id| !id.contains("orchestra-pit-tests") && !id.contains("xtask"));
    let mut found = BTreeSet::new();
    while let Some(id) = next.pop() {
        if !found.insert(id.clone()) {
            continue;
        }
        let deps = nodes.get(&id).map(|node| list(&node["deps"])).unwrap_or_default();
        let linked = deps.iter().filter(|dep| list(&dep["dep_kinds"]).iter().any(|kind| kind["kind"] != "dev"));
        next.extend(linked.map(|dep| text(&dep["pkg"])));
    }
    let packages = list(&metadata["packages"]);
    let mine = packages.iter().filter(|package| found.contains(&text(&package["id"])));
    mine.map(|package| (text(&package["id"]), text(&package["license"]))).collect()
}
