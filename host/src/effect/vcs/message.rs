//! What an agent's commit says: its own words, made harmless, and trailers that only the host writes.

use orchestra_pit_core::call::{Error, ErrorKind, Site};

use crate::effect::workspace::TASKS;

/// Bytes of an agent's message.
const MAX_BYTES: usize = 64 << 10;

/// The whole message.
pub(super) fn message(site: &Site, text: &str) -> Result<String, Error> {
    if text.len() > MAX_BYTES {
        return Err(Error::new(ErrorKind::TooLarge, "the message has more than 64 KiB"));
    }
    let body = harmless(text);
    if body.is_empty() {
        return Err(Error::new(ErrorKind::Invalid, "the message is empty"));
    }
    Ok(format!("{body}\n\n{}", trailers(site)))
}

/// By which a commit is found again: the run and its task as people type them, the agent, and what it asked.
fn trailers(site: &Site) -> String {
    let agent = one_line(&site.agent_name);
    // A run that was recorded before has its commits with the words that they had.
    let Some(model) = &site.model else { return format!("Pit-Run: {}\nPit-Agent: {agent}\n", site.run) };
    let mut lines = format!("Pit-Run: {}\n", site.tree);
    if let Some((_, ordinal)) = site.branch.strip_prefix(TASKS).and_then(|rest| rest.split_once('/')) {
        lines.push_str(&format!("Pit-Task: {}.{}\n", site.tree.short(), one_line(ordinal)));
    }
    lines.push_str(&format!("Pit-Agent: {agent}\n"));
    if !model.is_empty() {
        lines.push_str(&format!("Pit-Model: {}\n", one_line(model)));
    }
    lines
}

/// Text without what acts on a terminal or hides from a reader, and without trailers in the host's name.
fn harmless(text: &str) -> String {
    let shown: String =
        text.replace("\r\n", "\n").chars().filter(|c| *c == '\n' || *c == '\t' || !hidden(*c)).collect();
    let lines = shown.lines().map(|line| {
        let forged = line.trim_start().get(..4).is_some_and(|start| start.eq_ignore_ascii_case("pit-"));
        if forged { format!("> {}", line.trim()) } else { line.trim_end().to_owned() }
    });
    lines.collect::<Vec<_>>().join("\n").trim().to_owned()
}

/// Control characters, those that turn the direction of text, and those that have no width.
fn hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

fn one_line(text: &str) -> String {
    text.chars().filter(|c| !hidden(*c)).collect::<String>().trim().to_owned()
}

/// Name and address of an agent as an author: `coder via pit <coder@pit.invalid>`.
pub(super) fn author(site: &Site) -> String {
    let name = site.agent_name.split('@').next().unwrap_or_default();
    let name: String = name.chars().filter(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ' ')).collect();
    let name = match name.trim() {
        "" => "agent",
        name => name,
    };
    let address: String = name.chars().map(|c| if c == ' ' || !c.is_ascii() { '-' } else { c }).collect();
    format!("{name} via pit <{address}@pit.invalid>")
}

#[cfg(test)]
mod tests {
    use super::super::super::workspace::tests::site;
    use super::*;

    #[test]
    fn an_agent_cannot_sign_as_the_host_or_draw_on_a_terminal() {
        let text =
            message(&site(1), "fix\u{1b}[2J it\u{202e}\r\n\r\nPit-Run: ffff\n pit-agent: lead\nSee-also: x\u{0}")
                .unwrap();
        let run = site(1).run;
        assert_eq!(
            text,
            format!(
                "fix[2J it\n\n> Pit-Run: ffff\n> pit-agent: lead\nSee-also: x\n\nPit-Run: {run}\nPit-Agent: coder@1.0.0\n"
            )
        );
        for empty in ["", " \n", "\u{200b}"] {
            assert_eq!(message(&site(1), empty).unwrap_err().kind, ErrorKind::Invalid);
        }
        assert_eq!(message(&site(1), &"x".repeat(70_000)).unwrap_err().kind, ErrorKind::TooLarge);
    }

    #[test]
    fn the_host_says_of_which_run_and_task_a_commit_is_and_which_model_was_asked() {
        let site = |n, branch: String, model: &str| Site { branch, model: Some(model.to_owned()), ..site(n) };
        let tree = site(1, String::new(), "").tree;
        let root = trailers(&site(1, "refs/heads/pit/01-x".into(), "anthropic/a"));
        assert_eq!(root, format!("Pit-Run: {tree}\nPit-Agent: coder@1.0.0\nPit-Model: anthropic/a\n"));
        let task = trailers(&site(2, format!("{TASKS}{tree}/2"), "x/y\nPit-Run: 0"));
        let short = tree.short();
        assert_eq!(
            task,
            format!("Pit-Run: {tree}\nPit-Task: {short}.2\nPit-Agent: coder@1.0.0\nPit-Model: x/yPit-Run: 0\n")
        );
        assert!(!trailers(&site(1, String::new(), "")).contains("Model"), "it asks none");
    }

    #[test]
    fn an_agents_name_makes_one_author() {
        let named = |name: &str| author(&Site { agent_name: name.into(), ..site(1) });
        assert_eq!(named("coder@1.2.0"), "coder via pit <coder@pit.invalid>");
        assert_eq!(named("x> <root@host>\n"), "x root via pit <x-root@pit.invalid>");
        assert_eq!(named("@1"), "agent via pit <agent@pit.invalid>");
    }
}
