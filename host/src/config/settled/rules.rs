//! Rules, whoever wrote them: each can only make it stricter. Examples that a rule brings along are held against it.

use orchestra_pit_core::argv::{self, ArgvPattern};
use orchestra_pit_core::commands;
use orchestra_pit_core::pattern::{PathSet, Pattern};
use orchestra_pit_core::policy::{Effect, Rule};
use toml::Spanned;

use super::{listed, patterns};
use crate::config::written::commands::Patterns;
use crate::config::written::{self, Files, Flags};
use crate::config::{ConfigError, Origin, Said, Source};

/// The function that runs commands.
const RUN: &str = "exec.run";
const DENY: &str = "--deny";

pub(super) fn settle(files: &mut Files, flags: &Flags) -> Result<Vec<Said<Rule>>, ConfigError> {
    let mut rules: Vec<Said<Rule>> = Vec::new();
    let Files { organisation, user, repository, include: _ } = files;
    let own = [organisation, user].into_iter().flatten().map(|(source, own)| (&*source, std::mem::take(&mut own.rule)));
    let theirs = repository.iter_mut().map(|(source, file)| (&*source, std::mem::take(&mut file.rule)));
    for (source, written) in own.chain(theirs) {
        for written in written {
            let at = written.name.span().start;
            let rule = rule(source, written)?;
            if let Some(other) = rules.iter().find(|other| other.value.name == rule.name) {
                return Err(source.wrong(at, format!("there is a rule `{}` already, in {}", rule.name, other.from)));
            }
            rules.push(Said { value: rule, from: source.origin(at) });
        }
    }
    for (number, text) in flags.deny.iter().enumerate() {
        rules.push(Said { value: denied(number + 1, text)?, from: Origin::Flag(DENY) });
    }
    Ok(rules)
}

fn rule(source: &Source, written: written::Rule) -> Result<Rule, ConfigError> {
    let written::Rule { name, effect, on, paths, exec, matches, not_match } = written;
    let at = name.span().start;
    let paths = paths.map(|any| PathSet { any: any.into(), ..PathSet::default() });
    let on = on.unwrap_or_else(|| exec.iter().map(|_| RUN.to_owned()).collect());
    if let Some(exec) = exec.as_ref().filter(|exec| exec.get_ref().0.is_empty()) {
        return Err(source.wrong(exec.span().start, "`exec` names no command, so the rule would never hold"));
    }
    let exec = exec.map(|exec| exec.into_inner().0);
    examples(source, name.get_ref(), exec.as_deref(), &matches, true)?;
    examples(source, name.get_ref(), exec.as_deref(), &not_match, false)?;
    let rule = Rule { name: name.into_inner(), effect, on, paths, exec, from: source.origin(at).to_string() };
    rule.check().map_err(|why| source.wrong(at, why.to_string()))?;
    Ok(rule)
}

/// Holds a rule's examples against its commands.
fn examples(
    source: &Source,
    rule: &str,
    exec: Option<&[ArgvPattern]>,
    examples: &[Spanned<Vec<String>>],
    meant: bool,
) -> Result<(), ConfigError> {
    for example in examples {
        let wrong = |message: String| Err(source.wrong(example.span().start, message));
        let (argv, key) = (example.get_ref(), if meant { "match" } else { "not_match" });
        if argv.is_empty() {
            return wrong(format!("an example in `{key}` is a list of words, such as [\"cargo\", \"publish\"]"));
        }
        let Some(exec) = exec else {
            return wrong(format!("`{key}` has examples of commands, and the rule `{rule}` has no `exec`"));
        };
        if argv::concerns(exec, argv) != meant {
            let is = if meant { "is not" } else { "is" };
            return wrong(format!(
                "the rule `{rule}` {is} about `{}`, and its `{key}` says otherwise; it is about {}",
                commands::shown(argv),
                patterns(exec)
            ));
        }
    }
    Ok(())
}

/// A rule of the command line: `FUNCTION`, `FUNCTION:GLOB`, or `exec:COMMAND`. What follows a command there is meant too:
/// nobody who denies `git push` means it without `origin main`.
fn denied(number: usize, text: &str) -> Result<Rule, ConfigError> {
    let wrong = |message: String| ConfigError::Flag { flag: DENY, message };
    let (on, about) = text.split_once(':').map_or((text, None), |(on, about)| (on, Some(about)));
    let command = about.filter(|_| matches!(on, "exec" | RUN));
    let exec = command.map(|command| {
        let mut words: Vec<String> = command.split_whitespace().map(str::to_owned).collect();
        if !words.is_empty() && words.last().is_none_or(|word| word != "**") {
            words.push("**".to_owned());
        }
        Patterns::one(words).map_err(|error| wrong(error.to_string()))
    });
    let paths = about.filter(|_| command.is_none());
    let paths = paths.map(Pattern::new).transpose().map_err(|error| wrong(error.to_string()))?;
    let rule = Rule {
        name: format!("deny-flag-{number}"),
        effect: Effect::Deny,
        on: vec![if command.is_some() { RUN } else { on }.to_owned()],
        paths: paths.map(|pattern| PathSet { any: vec![pattern].into(), ..PathSet::default() }),
        exec: exec.transpose()?.map(|Patterns(patterns)| patterns),
        from: DENY.to_owned(),
    };
    rule.check().map_err(|why| wrong(why.to_string()))?;
    Ok(rule)
}

/// A rule as people read it.
pub(super) fn shown(rule: &Rule) -> String {
    let effect = match rule.effect {
        Effect::Allow => "allow",
        Effect::Ask => "ask",
        Effect::Deny => "deny",
    };
    let paths = rule.paths.as_ref().map(|set| format!(" of {}", listed(set.any.iter().map(Pattern::as_str))));
    let exec = rule.exec.as_ref().map(|exec| format!(" of {}", patterns(exec)));
    format!("{effect} {}{}", rule.on.join(", "), paths.or(exec).unwrap_or_default())
}
