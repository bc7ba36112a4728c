//! A task as a person writes it down: the words of a command line, or a SPEC.md.

use orchestra_pit_core::call::delegate::{Criterion, Task};

use super::words;

/// What a person asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Spec {
    /// A few words for people.
    pub title: String,
    /// What it comes to.
    pub task: Task,
}

/// Characters of a title.
const TITLE: usize = 80;

impl Spec {
    /// A task in a few words.
    pub fn words(text: &str) -> Self {
        let goal = text.trim().to_owned();
        Self {
            title: words::line(goal.lines().next().unwrap_or_default(), TITLE),
            task: Task { goal, ..Task::default() },
        }
    }

    /// Reads Markdown: the first heading is the title; a list below *Acceptance* or *Done when* the criteria; all else,
    /// what is out of scope too, the goal.
    pub fn markdown(text: &str) -> Self {
        let (mut title, mut goal) = (None, String::new());
        let mut criteria: Vec<String> = Vec::new();
        let (mut listing, mut item, mut fence) = (false, false, false);
        for line in text.lines() {
            let trimmed = line.trim();
            fence ^= trimmed.starts_with("```") || trimmed.starts_with("~~~");
            let heading = Some(trimmed).filter(|_| !fence).and_then(heading);
            if let Some(heading) = heading {
                item = false;
                if title.is_none() && trimmed.starts_with('#') {
                    title = Some(heading.to_owned());
                    continue;
                }
                listing = is_acceptance(heading);
                if listing {
                    continue;
                }
            } else if listing && !fence {
                if let Some(text) = entry(trimmed) {
                    criteria.push(text.to_owned());
                    item = true;
                    continue;
                }
                match criteria.last_mut() {
                    // A line that is set in, or just goes on, belongs to its entry.
                    Some(last) if item && !trimmed.is_empty() => {
                        last.push(' ');
                        last.push_str(trimmed);
                        continue;
                    }
                    _ => item = false,
                }
            }
            goal.push_str(line);
            goal.push('\n');
        }
        let goal = match (goal.trim(), &title) {
            ("", Some(title)) => title.clone(),
            (goal, Some(title)) => format!("{title}\n\n{goal}"),
            (goal, None) => goal.to_owned(),
        };
        let title = title.unwrap_or_else(|| goal.lines().next().unwrap_or_default().to_owned());
        let numbered = criteria.into_iter().enumerate();
        let criteria = numbered.map(|(at, text)| Criterion { id: (at + 1).to_string(), text }).collect();
        Self { title: words::line(&title, TITLE), task: Task { goal, criteria, ..Task::default() } }
    }
}

/// The text of a heading: `## Done when`, or a line that is nothing but `Done when:`.
fn heading(line: &str) -> Option<&str> {
    let hashes = line.bytes().take_while(|byte| *byte == b'#').count();
    if (1..=6).contains(&hashes) {
        let text = line.get(hashes..)?.strip_prefix(' ')?.trim().trim_end_matches('#').trim();
        return Some(text).filter(|text| !text.is_empty());
    }
    let text = line.trim_matches('*').trim_end_matches(':').trim_matches('*').trim();
    Some(text).filter(|text| is_acceptance(text) && (line.ends_with(':') || line.starts_with("**")))
}

fn is_acceptance(heading: &str) -> bool {
    let folded = heading.trim_end_matches(':').to_lowercase();
    matches!(folded.as_str(), "acceptance" | "acceptance criteria" | "done when")
}

/// The text of a list's entry: `- it`, `* it`, `1. it`, `- [ ] it`.
fn entry(line: &str) -> Option<&str> {
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let rest = match digits {
        0 => line.strip_prefix("- ").or_else(|| line.strip_prefix("* ")).or_else(|| line.strip_prefix("+ "))?,
        _ => line.get(digits..)?.strip_prefix(". ").or_else(|| line.get(digits..)?.strip_prefix(") "))?,
    };
    let rest = ["[ ] ", "[x] ", "[X] "].iter().find_map(|tick| rest.strip_prefix(tick)).unwrap_or(rest).trim();
    Some(rest).filter(|rest| !rest.is_empty())
}

/// A few letters of a title that a branch can be named by.
pub fn slug(title: &str) -> String {
    let mut slug = String::new();
    for c in title.chars().flat_map(char::to_lowercase) {
        match c {
            'a'..='z' | '0'..='9' => slug.push(c),
            _ if !slug.is_empty() && !slug.ends_with('-') => slug.push('-'),
            _ => {}
        }
        if slug.len() >= 32 {
            break;
        }
    }
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() { "task".to_owned() } else { slug.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn criteria(text: &str) -> Vec<String> {
        Spec::markdown(text).task.criteria.into_iter().map(|one| format!("{} {}", one.id, one.text)).collect()
    }

    #[test]
    fn a_spec_is_taken_apart() {
        let spec = Spec::markdown(
            "# Add --json to `ls`\n\nPeople pipe it.\n\n## Done when\n\n- it prints one object\n  a line\n- [ ] docs say so\n\n\
             ## Out of scope\n\n- colours\n",
        );
        assert_eq!(spec.title, "Add --json to `ls`");
        let texts: Vec<_> = spec.task.criteria.iter().map(|one| one.text.as_str()).collect();
        assert_eq!(texts, ["it prints one object a line", "docs say so"]);
        assert!(spec.task.goal.starts_with("Add --json to `ls`\n\nPeople pipe it."), "{}", spec.task.goal);
        assert!(spec.task.goal.ends_with("## Out of scope\n\n- colours"), "{}", spec.task.goal);
        assert!(!spec.task.goal.contains("docs say so"));
    }

    #[test]
    fn criteria_are_found_however_they_are_listed() {
        assert_eq!(criteria("# T\n### Acceptance criteria:\n1. one\n2) two\n* three\n"), ["1 one", "2 two", "3 three"]);
        assert_eq!(criteria("do it\n\nDone when:\n- one\n"), ["1 one"]);
        assert_eq!(criteria("do it\n\n**Acceptance**\n- one\n"), ["1 one"]);
    }

    #[test]
    fn what_only_looks_like_criteria_stays_in_the_goal() {
        let spec =
            Spec::markdown("# T\n\n- a list\n\n```\n## Done when\n- not this\n```\n\nIt is done when it is done.\n");
        assert!(spec.task.criteria.is_empty());
        assert!(spec.task.goal.contains("- a list") && spec.task.goal.contains("- not this"));
        // Words below the heading are not lost for being no list.
        let spec = Spec::markdown("# T\n## Acceptance\nIt works.\n");
        assert!(spec.task.criteria.is_empty() && spec.task.goal.contains("It works."));
    }

    #[test]
    fn a_title_is_there_whatever_was_written() {
        assert_eq!(Spec::markdown("just words\nand more").title, "just words");
        assert_eq!(Spec::markdown("# Only a title").task.goal, "Only a title");
        assert_eq!(Spec::words(" add a flag ").task.goal, "add a flag");
        assert_eq!(slug("Add --json to `ls`"), "add-json-to-ls");
        assert_eq!(slug("日本語"), "task");
        assert!(slug(&"long ".repeat(50)).len() <= 32);
    }
}
