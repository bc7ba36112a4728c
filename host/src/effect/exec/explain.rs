//! What pit adds to the words of a command that lacks something only the person's `pit.toml` can bring.

use orchestra_pit_core::call::exec::Stream as Shown;

use super::{Exec, tools};

impl Exec {
    /// A shell says only that a program is not there: which line of `pit.toml` mounts it is to stand below its words.
    pub(super) fn explain(&self, said: &mut String, mounted: &[String]) {
        let hint = |program: &str| self.hint(&[program.to_owned()], mounted);
        let hint = said.lines().rev().filter_map(missing).find_map(hint);
        hint.into_iter().for_each(|hint| add(said, &hint));
    }

    /// Which tool folder would bring a program, if none of those does that are mounted.
    pub(super) fn hint(&self, argv: &[String], mounted: &[String]) -> Option<String> {
        let home = self.machine().ok().and_then(|machine| machine.home)?;
        let (bring, present) = (tools::bringing(&home, argv.first()?), tools::present(&home));
        if bring.iter().any(|tool| mounted.iter().any(|name| name == tool)) {
            return None;
        }
        let quoted = |names: &[&str]| names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
        let (there, not): (Vec<&str>, Vec<&str>) = bring.into_iter().partition(|tool| present.contains(tool));
        match (there.is_empty(), not.is_empty()) {
            (false, _) => {
                let tools = quoted(&there);
                Some(format!("its tool folder is not mounted; in pit.toml: [workspace] tools = [{tools}]"))
            }
            (true, false) => Some(format!("it is not on this machine, nor is what would bring it: {}", not.join(", "))),
            (true, true) => None,
        }
    }

    /// The tools of this machine whose folders would bring the program that an output says is not there.
    pub fn bringing(&self, said: &str) -> Vec<&'static str> {
        let Some(home) = self.machine().ok().and_then(|machine| machine.home) else { return Vec::new() };
        let present = tools::present(&home);
        let bring = |program| tools::bringing(&home, program).into_iter().filter(|tool| present.contains(tool));
        let mut programs = said.lines().rev().filter_map(missing).map(|program| bring(program).collect::<Vec<_>>());
        programs.find(|tools| !tools.is_empty()).unwrap_or_default()
    }
}

/// Where an output ends.
pub(super) fn end(said: &mut Shown) -> &mut String {
    if said.tail.is_empty() { &mut said.head } else { &mut said.tail }
}

/// Adds a line of pit's own to an output.
pub(super) fn add(said: &mut String, words: &str) {
    let end = if said.is_empty() || said.ends_with('\n') { "" } else { "\n" };
    said.push_str(&format!("{end}[pit: {words}]\n"));
}

/// The program that a line says is not there: in the words of shells, make, env, Node, Python and Rust.
fn missing(line: &str) -> Option<&str> {
    const AFTER: &[&str] = &["command not found: ", "No such file or directory: "];
    const BEFORE: &[&str] = &[": not found", ": command not found", ": No such file or directory", " ENOENT"];
    let after = AFTER.iter().find_map(|words| line.split_once(words).map(|(_, name)| name));
    let before =
        || BEFORE.iter().find_map(|words| line.strip_suffix(words)).and_then(|words| words.rsplit([' ', ':']).next());
    let name = after.or_else(before)?.trim_matches(['\'', '"', '`', '\u{2018}', '\u{2019}']);
    (!name.is_empty() && !name.contains(['/', ' '])).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::missing;

    #[test]
    fn what_is_not_there_is_read_from_the_words_of_whoever_looked_for_it() {
        for (line, program) in [
            ("sh: 1: jest: not found", Some("jest")),
            ("bash: line 1: node: command not found", Some("node")),
            ("zsh: command not found: node", Some("node")),
            ("make[2]: uv: No such file or directory", Some("uv")),
            ("/usr/bin/env: \u{2018}node\u{2019}: No such file or directory", Some("node")),
            ("FileNotFoundError: [Errno 2] No such file or directory: 'uv'", Some("uv")),
            ("Error: spawn node ENOENT", Some("node")),
            ("error: could not find `Cargo.toml`", None),
            ("cat: src/lib.rs: No such file or directory", None),
            ("assertion failed: found", None),
            (": not found", None),
            ("", None),
        ] {
            assert_eq!(missing(line), program, "{line}");
        }
    }
}
