//! Pit's own questions to the person at the terminal. What an agent asks is never answered here.

use std::io::{BufRead, IsTerminal, Write};

use orchestra_pit_core::text::clean;

use super::Failure;
use super::open::Place;
use super::out::{self, note};
use crate::surface::exit::Exit;

/// Asks for a yes. `yes` is the person's `-y`; without it and without a terminal nobody is there to say it.
pub fn confirm(question: &str, yes: bool) -> Result<bool, Failure> {
    if yes {
        return Ok(true);
    }
    if !std::io::stdin().is_terminal() {
        return Err(Failure::new(
            Exit::NeedsPerson,
            format!("{question}? nobody is there to say so; nothing was done"),
        )
        .hint("-y says yes"));
    }
    loop {
        match line(&format!("{question}? [y/n] "))?.as_deref() {
            Some("y" | "yes") => return Ok(true),
            Some("n" | "no") | None => return Ok(false),
            Some(_) => {}
        }
    }
}

/// Asks for one of several; none without a terminal or an answer.
pub fn pick(at: &Place, question: &str, choices: &[String]) -> Result<Option<usize>, Failure> {
    if !at.has_terminal() {
        return Ok(None);
    }
    for (at, choice) in choices.iter().enumerate() {
        note!("  [{}] {}", at + 1, clean(choice));
    }
    loop {
        let Some(answer) = line(&format!("{question}? [1-{}] ", choices.len()))? else { return Ok(None) };
        if let Some(at) = answer.parse::<usize>().ok().and_then(|at| at.checked_sub(1)).filter(|at| *at < choices.len())
        {
            return Ok(Some(at));
        }
    }
}

fn line(question: &str) -> Result<Option<String>, Failure> {
    out::ask(format_args!("{question}"));
    std::io::stderr().flush()?;
    let mut answer = String::new();
    let read = std::io::stdin().lock().read_line(&mut answer)?;
    Ok((read > 0).then(|| answer.trim().to_lowercase()))
}
