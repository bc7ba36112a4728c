//! Holds the house: the layering, a first line of docs in each file, the sizes, and no lint silenced without a reason.
//!
//! Each rule is a function from a file to what is wrong with it, and has a fixture that it must find fault with: a rule
//! that finds nothing anywhere proves nothing.

#![expect(clippy::disallowed_methods, reason = "reads the sources")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use syn::visit::Visit;

#[path = "tidy/crates.rs"]
mod crates;
#[path = "tidy/refusals.rs"]
mod refusals;

/// Lines of a file without its tests: one sitting.
const MOST_LINES: usize = 700;

/// Which module of the host may not name which: `architecture.md`, the invariants.
const LAYERS: &[(&str, &[&str])] = &[
    ("guest", &["effect", "journal", "gate", "run", "surface", "config", "assemble"]),
    ("effect", &["gate", "run", "guest", "surface", "assemble"]),
    ("journal", &["effect", "gate", "run", "guest", "surface", "config", "assemble"]),
    ("gate", &["effect", "run", "guest", "surface", "config", "assemble"]),
    ("run", &["surface", "config", "assemble"]),
    ("config", &["run", "guest", "gate", "surface", "assemble"]),
];

/// Names of core that effects must never see.
const NOT_FOR_EFFECTS: &[&str] = &["Grants", "Rules", "Ledger", "judge"];

/// What belongs at the top level, besides dotfiles.
const TOP: &[&str] =
    &["Cargo.lock", "Cargo.toml", "README.md", "docs", "host", "plugins", "sdk", "tests", "wit", "xtask"];

struct File {
    path: String,
    text: String,
    tree: syn::File,
}

impl File {
    fn parse(path: &str, text: &str) -> Self {
        let tree = syn::parse_file(text).unwrap_or_else(|error| panic!("{path}: {error}"));
        Self { path: path.to_owned(), text: text.to_owned(), tree }
    }

    fn is_test(&self) -> bool {
        self.path.starts_with("tests/") || self.path.contains("/tests") || self.path.ends_with("tests.rs")
    }

    /// The module of the host that it belongs to.
    fn module(&self) -> Option<&str> {
        let inner = self.path.strip_prefix("host/src/")?;
        inner.split(['/', '.']).next()
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every Rust file that git knows.
fn files() -> Vec<File> {
    let listed =
        std::process::Command::new("git").args(["ls-files", "*.rs"]).current_dir(root()).output().expect("git");
    let listed = String::from_utf8(listed.stdout).expect("paths in UTF-8");
    let present = listed.lines().filter_map(|path| Some((path, fs::read_to_string(root().join(path)).ok()?)));
    present.map(|(path, text)| File::parse(path, &text)).collect()
}

fn has_docs(file: &File) -> Option<String> {
    let first = file.text.lines().next().unwrap_or_default();
    (!first.starts_with("//! ")).then(|| "its first line does not say what it is for".to_owned())
}

fn is_short(file: &File) -> Option<String> {
    let lines = file.text.lines().count();
    (lines > MOST_LINES && !file.is_test()).then(|| format!("it has {lines} lines, and {MOST_LINES} are the most"))
}

fn says_why(file: &File) -> Option<String> {
    let silenced = file.text.lines().any(|line| {
        let line = line.trim_start();
        line.starts_with("#[allow(") || line.starts_with("#![allow(")
    });
    silenced
        .then(|| "it silences a lint with `allow`; `expect` with a reason says when it is no longer needed".to_owned())
}

/// Collects `crate::NAME` and every other name in a path.
#[derive(Default)]
struct Names {
    modules: BTreeSet<String>,
    all: BTreeSet<String>,
}

impl<'ast> Visit<'ast> for Names {
    fn visit_path(&mut self, path: &'ast syn::Path) {
        let parts: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if let [first, second, ..] = parts.as_slice()
            && first == "crate"
        {
            self.modules.insert(second.clone());
        }
        self.all.extend(parts);
        syn::visit::visit_path(self, path);
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.tree(&item.tree, &mut Vec::new());
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        let tests = item.attrs.iter().any(|attribute| attribute.path().is_ident("cfg"));
        if !tests {
            syn::visit::visit_item_mod(self, item);
        }
    }
}

impl Names {
    fn of(file: &File) -> Self {
        let mut names = Self::default();
        names.visit_file(&file.tree);
        names
    }

    fn tree(&mut self, tree: &syn::UseTree, above: &mut Vec<String>) {
        let mut name = |ident: &syn::Ident, above: &[String]| {
            if above == ["crate"] {
                self.modules.insert(ident.to_string());
            }
            self.all.insert(ident.to_string());
        };
        match tree {
            syn::UseTree::Path(path) => {
                name(&path.ident, above);
                above.push(path.ident.to_string());
                self.tree(&path.tree, above);
                above.pop();
            }
            syn::UseTree::Name(leaf) => name(&leaf.ident, above),
            syn::UseTree::Rename(leaf) => name(&leaf.ident, above),
            syn::UseTree::Group(group) => group.items.iter().for_each(|item| self.tree(item, above)),
            syn::UseTree::Glob(_) => {}
        }
    }
}

fn keeps_its_layer(file: &File) -> Option<String> {
    if file.is_test() {
        return None;
    }
    let module = file.module()?;
    let (_, forbidden) = LAYERS.iter().find(|(name, _)| *name == module)?;
    let names = Names::of(file);
    let found = forbidden.iter().find(|name| names.modules.contains(**name));
    found.map(|name| format!("`{module}` names `{name}`"))
}

fn effects_see_no_grants(file: &File) -> Option<String> {
    if file.is_test() || file.module() != Some("effect") {
        return None;
    }
    let names = Names::of(file);
    let found = NOT_FOR_EFFECTS.iter().find(|name| names.all.contains(**name));
    found.map(|name| format!("an effect names `{name}`"))
}

fn core_touches_nothing(file: &File) -> Option<String> {
    if file.is_test() || !file.path.starts_with("host/core/src/") {
        return None;
    }
    let names = Names::of(file);
    let world = ["fs", "net", "process", "SystemTime", "Instant", "tokio", "wasmtime", "git2"];
    let found = world.iter().find(|name| names.all.contains(**name));
    found.map(|name| format!("core names `{name}`"))
}

type Rule = fn(&File) -> Option<String>;

/// Each rule, and a file that breaks it.
const RULES: &[(Rule, &str, &str)] = &[
    (has_docs, "host/src/x.rs", "fn x() {}"),
    (says_why, "host/src/x.rs", "//! X.\n#[allow(dead_code)]\nfn x() {}"),
    (keeps_its_layer, "host/src/guest/x.rs", "//! X.\nuse crate::{gate, effect::model};"),
    (keeps_its_layer, "host/src/effect.rs", "//! X.\nfn x() { crate::run::y() }"),
    (effects_see_no_grants, "host/src/effect/x.rs", "//! X.\nuse orchestra_pit_core::policy::Grants;"),
    (core_touches_nothing, "host/core/src/x.rs", "//! X.\nuse std::fs;"),
];

#[test]
fn the_house_is_held() {
    let files = files();
    assert!(files.len() > 100, "only {} files were found", files.len());
    let mut wrong = Vec::new();
    for file in &files {
        let rules = RULES.iter().map(|(rule, ..)| *rule).chain([is_short as Rule]);
        wrong.extend(rules.filter_map(|rule| rule(file)).map(|why| format!("{}: {why}", file.path)));
    }
    wrong.dedup();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_rule_finds_fault_with_its_fixture() {
    for (rule, path, text) in RULES {
        assert!(rule(&File::parse(path, text)).is_some(), "{path}: {text}");
        assert!(rule(&File::parse(path, "//! X.\nfn x() {}")).is_none(), "{path}");
    }
    let long = format!("//! X.\n{}", "// y\n".repeat(MOST_LINES));
    assert!(is_short(&File::parse("host/src/x.rs", &long)).is_some());
}

/// The contract, a file an interface.
fn contract() -> Vec<(String, String)> {
    let folder = fs::read_dir(root().join("wit")).expect("wit/");
    let files = folder.map(|entry| entry.expect("an entry of wit/").path());
    let noun = |path: &Path| path.file_stem().expect("a name").to_string_lossy().into_owned();
    let wit = files.filter(|path| path.extension().is_some_and(|end| end == "wit"));
    wit.map(|path| (noun(&path), fs::read_to_string(&path).expect("a file of wit/"))).collect()
}

#[test]
fn every_refusal_of_the_contract_has_a_test() {
    let contract = contract();
    let contract: Vec<_> = contract.iter().map(|(noun, text)| (noun.as_str(), text.as_str())).collect();
    let wrong = refusals::unproven(&contract, &files());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_refusal_without_an_honest_test_is_found() {
    let types =
        "/// - `conflict`: x\n/// - `denied`: x\n///\n/// Any function may answer `denied`; more.\nrecord error {";
    let noun = "/// Refuses: `conflict` if\n/// `odd`.\n/// Remembered: `denied`.\nwrite: func(a: u8);";
    let wit = [("types", types), ("workspace", noun)];
    let denied = "/// Refuses: any denied\n#[test]\nfn d() { x(\"denied\") }";
    let faults = |rest: &str| refusals::unproven(&wit, &[File::parse("x.rs", &format!("{denied}\n{rest}"))]);
    assert_eq!(
        faults("/// Refuses: workspace.write conflict\n#[test]\nfn x() { assert_eq!(k, Kind::Conflict) }"),
        [""; 0]
    );
    for (rest, fault) in [
        ("", "no test is marked `/// Refuses: workspace.write conflict`"),
        ("/// Refuses: workspace.write conflict\nfn x() { assert_eq!(k, Kind::Conflict) }", "no test is marked"),
        ("/// Refuses: workspace.write conflict\n#[test]\nfn x() { assert!(true) }", "never speaks of it"),
        ("/// Refuses: workspace.read denied\n#[test]\nfn x() { denied() }", "which wit/ does not name"),
    ] {
        assert!(faults(rest).iter().any(|found| found.contains(fault)), "{rest}: {:?}", faults(rest));
    }
    let unused = [("types", "/// - `denied`: x\nrecord error {")];
    assert_eq!(refusals::unproven(&unused, &[]), ["wit/types.wit: no function refuses with `denied`"]);
}

#[test]
fn the_top_level_is_what_it_is() {
    let listed = std::process::Command::new("git").args(["ls-files"]).current_dir(root()).output().expect("git");
    let listed = String::from_utf8(listed.stdout).expect("paths in UTF-8");
    let top: BTreeSet<&str> =
        listed.lines().filter_map(|path| path.split('/').next()).filter(|name| !name.starts_with('.')).collect();
    let unknown: Vec<_> = top.iter().filter(|name| !TOP.contains(name)).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

#[test]
fn what_is_linked_in_is_licensed_freely_and_counted() {
    let host = crates::of(&root(), "x86_64-unknown-linux-gnu");
    assert!(host.len() > 100, "the host stands on more than {}", host.len());
    assert!(host.len() <= crates::BUDGET, "{} crates, and {} are the budget", host.len(), crates::BUDGET);
    for (workspace, target) in
        [(".", "x86_64-unknown-linux-gnu"), ("plugins", "wasm32-wasip2"), ("sdk/rust", "wasm32-wasip2")]
    {
        for (package, licence) in crates::of(&root().join(workspace), target) {
            assert!(crates::is_taken(&licence), "{package}: {licence:?} is not a licence that we link");
        }
    }
}

#[test]
fn a_licence_that_takes_more_than_it_gives_is_found() {
    for fine in ["MIT", "MIT/Apache-2.0", "GPL-3.0 OR MIT", "(MIT OR Apache-2.0) AND Unicode-3.0", "Apache-2.0 / MIT"] {
        assert!(crates::is_taken(fine), "{fine}");
    }
    for not in ["", "GPL-3.0", "LGPL-2.1 AND MIT", "(MIT AND GPL-2.0) OR AGPL-3.0", "MPL-2.0"] {
        assert!(!crates::is_taken(not), "{not}");
    }
}
