//! Make: targets that are checks by their names, and the toolchains that their recipes call.

use super::*;

/// Where rules are, in the order in which make looks.
const FILES: &[&str] = &["GNUmakefile", "makefile", "Makefile"];

/// Targets whose recipes are looked at. No person writes a test that needs more, and a stranger's file ends somewhere.
const MOST_TARGETS: usize = 100;

/// A target with what it is made from and by.
struct Rule<'a> {
    target: &'a str,
    line: usize,
    needs: Vec<&'a str>,
    recipe: Vec<&'a str>,
}

impl Guess<'_, '_> {
    /// Targets count only where nothing else is known of the tests: they mostly run the same.
    pub(super) fn make(&mut self) {
        let Some((path, text)) = FILES.iter().find_map(|path| Some((*path, self.repository.text(path)?))) else {
            return;
        };
        let rules = rules(text);
        let by_ci = self.by_ci.iter().filter(|found| found.run.first().is_some_and(|word| word == "make"));
        let mut called: Vec<&str> = by_ci.flat_map(|found| found.run.iter().skip(1).map(String::as_str)).collect();
        if !self.found.iter().any(|found| found.part == Part::Test) {
            let mut seen = Vec::new();
            for Rule { target, line, .. } in &rules {
                let Some(part) = sort::script_part(target).filter(|_| !seen.contains(target)) else { continue };
                seen.push(target);
                called.push(target);
                self.check(part, &format!("make {target}"), &self.repository.at(path, *line));
            }
        }
        // What a target needs is called with it.
        let mut at = 0;
        while let Some(target) = called.get(at).copied().filter(|_| at < MOST_TARGETS) {
            for rule in rules.iter().filter(|rule| rule.target == target) {
                called.extend(rule.needs.iter().filter(|need| !called.contains(need)).copied().collect::<Vec<_>>());
                for line in &rule.recipe {
                    commands(line).for_each(|run| self.tools(sort::tools(&run), path));
                }
            }
            at += 1;
        }
    }
}

fn rules(text: &str) -> Vec<Rule<'_>> {
    let mut rules: Vec<Rule<'_>> = Vec::new();
    for (at, line) in text.lines().enumerate() {
        if let Some(command) = line.strip_prefix('\t') {
            rules.iter_mut().next_back().into_iter().for_each(|rule| rule.recipe.push(command));
        } else if let Some((target, after)) = line.split_once(':').filter(|(_, after)| !after.starts_with('=')) {
            let (needs, recipe) = after.split_once(';').map_or((after, None), |(needs, recipe)| (needs, Some(recipe)));
            let needs = needs.trim_start_matches(':').split_whitespace().collect();
            rules.push(Rule { target: target.trim(), line: at + 1, needs, recipe: recipe.into_iter().collect() });
        }
    }
    rules
}

/// The words of a recipe's commands, as far as it takes to know the programs. `$(CARGO)` mostly is one's own name.
fn commands(line: &str) -> impl Iterator<Item = Vec<String>> {
    line.split(['&', ';', '|']).map(|command| {
        let words = command.trim_start().trim_start_matches(['@', '-', '+']).split_whitespace();
        let words = words.skip_while(|word| word.contains('='));
        words.map(|word| word.trim_start_matches("$(").trim_end_matches(')').to_lowercase()).collect()
    })
}
