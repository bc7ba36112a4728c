//! The table of a tree at work: who waits for a person, what moved, what it costs.

use std::collections::HashMap;

use orchestra_pit_core::check::verdict::Kind;
use orchestra_pit_core::id::RunId;
use orchestra_pit_core::time::Time;

use super::screen::{Look, Row};
use super::width::{column, fit, width};
use crate::run::State;
use crate::run::state::{Refusal, Run};
use crate::surface::words::{self, count, line, long, money, usd};

/// Why a model is asked again, and when.
#[derive(Clone, Debug)]
pub struct Again {
    /// When.
    pub due: Time,
    /// What was wrong with the attempt before.
    pub why: String,
}

/// Runs whose models are asked again: no record has it, so only who was there knows.
pub type Agains = HashMap<RunId, Again>;

/// The table in so many columns: who waits for a person first, then everyone in the order they were started.
pub fn rows(state: &State, agains: &Agains, now: Time, columns: usize) -> Vec<Row> {
    let Some(root) = state.root() else { return Vec::new() };
    let runs = || state.order.iter().filter_map(|id| Some((*id, state.runs.get(id)?)));
    let waiting = runs().filter(|(_, run)| words::question(run).is_some()).count();
    let mut rows = vec![Row::plain(head(state, root, now, waiting, columns))];
    let layout = Layout::of(state, columns);
    for asks in [true, false] {
        for (id, run) in runs().filter(|(_, run)| words::question(run).is_some() == asks) {
            rows.push(layout.row(state, id, run, agains.get(&id), now));
            // What was tried stays in sight: it says more about an agent than what it does next.
            rows.extend(run.refused.last().map(|last| layout.refused(last, run.refused.len())));
        }
    }
    rows
}

fn head(state: &State, root: &Run, now: Time, waiting: usize, columns: usize) -> String {
    let tree = root.started.site.tree;
    let balance = state.balance(tree);
    let cards = state.board.cards();
    let until = root.ended().map_or(now, |_| root.last.0);
    let mut facts = Vec::new();
    if !cards.is_empty() {
        facts.push(format!("{}/{} tasks", cards.iter().filter(|card| card.state == "done").count(), cards.len()));
    }
    facts.push(clock(until.since(root.since)));
    facts.push(match (state.money(tree), balance.caps.micro_usd, balance.caps.tokens) {
        (Some(spent), Some(cap), _) => format!("{} of {}", usd(spent), usd(cap)),
        (Some(spent), None, _) => usd(spent),
        // No limit in dollars can be kept, so none is shown; tokens are what there is to go by.
        (None, _, Some(cap)) => format!("?   {} of {} tokens", count(balance.spent.tokens), count(cap)),
        (None, _, None) => format!("?   {} tokens", count(balance.spent.tokens)),
    });
    if waiting > 0 {
        facts.push(format!("{waiting} waiting"));
    }
    if let Some(judged) = &state.result {
        let word = match judged.verdict.kind() {
            Kind::Red => "checks red",
            _ if judged.verdict.verifies() => "verified",
            _ => "not verified",
        };
        facts.push(word.to_owned());
    }
    if state.accepted.last().is_some_and(|taken| !taken.undone && taken.tip == root.tip) {
        facts.push("accepted".to_owned());
    }
    let facts = facts.join("   ");
    let room = columns.saturating_sub(width(&facts) + 14).max(8);
    format!("{}  {}   {facts}", tree.short(), fit(&line(&root.started.title, 60), room))
}

/// Time as a clock shows it: one that runs is seen to run.
fn clock(micros: u64) -> String {
    let seconds = micros / 1_000_000;
    match seconds {
        0..3600 => format!("{:02}:{:02}", seconds / 60, seconds % 60),
        _ => format!("{}:{:02}:{:02}", seconds / 3600, seconds % 3600 / 60, seconds % 60),
    }
}

/// How wide each column is. A narrow terminal has no titles; a narrower one no turns and no cost.
struct Layout {
    name: usize,
    agent: usize,
    title: usize,
    doing: usize,
    figures: bool,
}

/// Columns of age, turns and cost.
const AGE: usize = 8;
const FIGURES: usize = 10 + 9;

impl Layout {
    fn of(state: &State, columns: usize) -> Self {
        let widest = |of: &dyn Fn(&RunId, &Run) -> usize, most: usize| {
            state.runs.iter().map(|(id, run)| of(id, run)).max().unwrap_or(0).min(most)
        };
        let name = widest(&|id, _| width(&state.name(*id)), 11);
        let agent = widest(&|_, run| width(&line(run.agent(), 12)), 12);
        let figures = columns >= 64;
        let used = 3 + name + 1 + agent + 1 + 1 + AGE + if figures { FIGURES } else { 0 };
        let room = columns.saturating_sub(used + 1);
        let title = if room >= 50 { (room - 24).min(28) } else { 0 };
        let doing = room.saturating_sub(if title > 0 { title + 1 } else { 0 });
        Self { name, agent, title, doing: doing.clamp(10, 60), figures }
    }

    fn row(&self, state: &State, id: RunId, run: &Run, again: Option<&Again>, now: Time) -> Row {
        let age = long(now.since(run.last.0));
        let (mark, look, doing, age) = match (words::question(run), run.ended()) {
            (Some(question), _) => ('!', Look::Strong, format!("asks: {question}"), age),
            (None, Some(end)) => (' ', Look::Faint, words::ended(&end.end), String::new()),
            (None, None) => match again {
                Some(again) => (' ', Look::Warning, words::again(again.due.since(now), &again.why), age),
                None => (' ', Look::Plain, line(&run.last.1, 60), age),
            },
        };
        let mut text =
            format!(" {mark} {} {} ", column(&state.name(id), self.name), column(&line(run.agent(), 12), self.agent));
        // A question is worth more room than the title of what it is about.
        let asks = mark == '!';
        if self.title > 0 && !asks {
            text.push_str(&column(&line(&run.started.title, 60), self.title));
            text.push(' ');
        }
        let doing_room = if asks && self.title > 0 { self.title + 1 + self.doing } else { self.doing };
        text.push_str(&format!("{} {age:>AGE$}", column(&doing, doing_room)));
        if self.figures {
            let turns = if run.turns == 1 { "1 turn".to_owned() } else { format!("{} turns", run.turns) };
            text.push_str(&format!("{turns:>10}{:>9}", money(state.money(id))));
        }
        Row::new(text.trim_end(), look)
    }

    fn refused(&self, last: &Refusal, all: usize) -> Row {
        let about = if last.about.is_empty() { String::new() } else { format!(" {}", line(&last.about, 80)) };
        let more = if all > 1 { format!("   and {} before", all - 1) } else { String::new() };
        let text = format!("refused: {}{about} ({}){more}", line(&last.function, 40), line(&last.rule, 40));
        Row::new(format!("{:1$}{text}", "", 3 + self.name + 1), Look::Warning)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_shown_as_on_a_clock() {
        assert_eq!(clock(161_000_000), "02:41");
        assert_eq!(clock(3_725_000_000), "1:02:05");
    }
}
