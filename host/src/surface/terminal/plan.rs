//! A plan as people read it: the tasks of a TOML text, one after the other.

use orchestra_pit_core::text::excerpt;
use serde::Deserialize;

use super::width::wrap;

/// Tasks that are shown: more than a person reads before saying yes.
const SHOWN: usize = 50;
/// Lines of one task's goal, and of each criterion.
const LINES: usize = 4;

#[derive(Debug, Deserialize)]
struct Plan {
    #[serde(default)]
    task: Vec<Task>,
}

#[derive(Debug, Deserialize)]
struct Task {
    #[serde(default)]
    id: String,
    #[serde(default)]
    title: String,
    #[serde(default)]
    goal: String,
    #[serde(default)]
    agent: String,
    #[serde(default)]
    files: Vec<String>,
    #[serde(default)]
    after: Vec<String>,
    #[serde(default)]
    criteria: Vec<Criterion>,
}

/// A criterion: its words, or a table that has them as `text`.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Criterion {
    Text(String),
    Table { text: String },
}

impl Criterion {
    fn text(&self) -> &str {
        match self {
            Self::Text(text) | Self::Table { text } => text,
        }
    }
}

/// The plan as lines of at most `columns`.
///
/// # Errors
/// What is wrong with the text, in one line.
pub fn lines(body: &str, columns: usize) -> Result<Vec<String>, String> {
    let plan: Plan = toml::from_str(body).map_err(|error| excerpt(error.message(), 200))?;
    if plan.task.is_empty() {
        return Err("it has no [[task]]".to_owned());
    }
    let mut lines = Vec::new();
    for task in plan.task.iter().take(SHOWN) {
        let agent = if task.agent.is_empty() { String::new() } else { format!("  ({})", excerpt(&task.agent, 40)) };
        let title = if task.title.is_empty() { &task.goal } else { &task.title };
        lines.push(format!("  {}  {}{agent}", excerpt(&task.id, 20), excerpt(title, 100)));
        if !task.title.is_empty() && task.goal != task.title {
            named(&mut lines, "", &excerpt(&task.goal, 1000), columns);
        }
        if !task.files.is_empty() {
            named(&mut lines, "files", &excerpt(&task.files.join(", "), 1000), columns);
        }
        if !task.after.is_empty() {
            named(&mut lines, "after", &excerpt(&task.after.join(", "), 200), columns);
        }
        for (at, criterion) in task.criteria.iter().enumerate() {
            named(&mut lines, if at == 0 { "done when" } else { "" }, &excerpt(criterion.text(), 500), columns);
        }
    }
    if plan.task.len() > SHOWN {
        lines.push(format!("  and {} more", plan.task.len() - SHOWN));
    }
    Ok(lines)
}

fn named(lines: &mut Vec<String>, name: &str, text: &str, columns: usize) {
    for (at, part) in wrap(text, columns.saturating_sub(17).max(20), LINES).into_iter().enumerate() {
        lines.push(format!("      {:<10} {part}", if at == 0 { name } else { "" }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAN: &str = r#"
[[task]]
id = "t1"
title = "json output"
goal = "Print one object a line."
agent = "coder"
files = ["src/ls.rs", "tests/ls.rs"]
criteria = ["ls --json prints one object a line", { id = "2", text = "it is tested" }]

[[task]]
id = "t2"
title = "docs"
after = ["t1"]
"#;

    #[test]
    fn it_says_who_does_what_where_after_what_and_until_when() {
        let lines = lines(PLAN, 80).unwrap();
        for text in [
            "  t1  json output  (coder)",
            "Print one object a line.",
            "files      src/ls.rs, tests/ls.rs",
            "done when  ls --json prints one object a line",
            "           it is tested",
            "  t2  docs",
            "after      t1",
        ] {
            assert!(lines.iter().any(|line| line.contains(text)), "no `{text}` in {lines:#?}");
        }
    }

    #[test]
    fn what_is_no_plan_says_so_and_nothing_in_it_moves_the_cursor() {
        assert!(lines("[[task]\n", 80).is_err());
        assert_eq!(lines("", 80), Err("it has no [[task]]".to_owned()));
        let shown = lines("[[task]]\nid = \"a\"\ntitle = \"\\u001b[2Jgone\"\n", 80).unwrap();
        assert!(shown.iter().all(|line| !line.contains('\x1b')), "{shown:?}");
    }
}
