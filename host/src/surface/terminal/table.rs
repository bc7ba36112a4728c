//! The table of a tree at work: who waits for a person, what moved, what it costs.

use std::cmp::Reverse;
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

/// What no record says.
#[derive(Debug, Default)]
pub struct Beside {
    /// Runs whose models are asked again: only who was there knows.
    pub agains: HashMap<RunId, Again>,
    /// Nobody is at work on the tree: what a run did last it is not doing any more.
    pub stopped: bool,
}

/// The table in so many columns and rows. Where not everyone has room: who waits for a person first, then who is at work, what
/// moved last first, and those that have ended as a number.
pub fn fitting(state: &State, beside: &Beside, now: Time, columns: usize, room: usize) -> Vec<Row> {
    let all = rows(state, beside, now, columns);
    let Some(root) = state.root().filter(|_| all.len() > room) else { return all };
    let mut live: Vec<(RunId, &Run)> =
        state.order.iter().filter_map(|id| Some((*id, &**state.runs.get(id)?))).collect();
    let ended: Vec<&Run> = live.extract_if(.., |(_, run)| run.ended().is_some()).map(|(_, run)| run).collect();
    let asks = |run: &Run| words::question(run).is_some();
    // Who waits stays in the order of the start, so that nothing moves under a reader's eye.
    live.sort_by_key(|(_, run)| if asks(run) { (false, Reverse(Time(0))) } else { (true, Reverse(run.last.0)) });
    let waiting = live.iter().filter(|(_, run)| asks(run)).count();
    let layout = Layout::of(state, columns);
    let mut rows = vec![Row::plain(head(state, root, now, waiting, columns))];
    let foot = usize::from(!ended.is_empty());
    let most = room.saturating_sub(1 + foot);
    // The line that says how many are not there takes one too.
    let shown = if live.len() > most { most.saturating_sub(1) } else { live.len() };
    rows.extend(live.iter().take(shown).map(|(id, run)| layout.row(state, *id, run, beside, now)));
    if live.len() > shown {
        rows.push(Row::plain(format!("   and {} more at work", live.len() - shown)));
    }
    if foot > 0 {
        rows.push(Row::new(folded(&ended), Look::Faint));
    }
    rows.truncate(room.max(1));
    rows
}

/// Runs that have ended, in a line: `and 15 done, 3 failed`.
fn folded(ended: &[&Run]) -> String {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for how in ended.iter().filter_map(|run| Some(words::how_and_why(&run.ended()?.end).0)) {
        match counts.iter_mut().find(|(known, _)| *known == how) {
            Some((_, count)) => *count += 1,
            None => counts.push((how, 1)),
        }
    }
    let counts: Vec<String> = counts.iter().map(|(how, count)| format!("{count} {how}")).collect();
    format!("   and {}", counts.join(", "))
}

/// The table in so many columns: who waits for a person first, then everyone in the order they were started.
fn rows(state: &State, beside: &Beside, now: Time, columns: usize) -> Vec<Row> {
    let Some(root) = state.root() else { return Vec::new() };
    let runs = || state.order.iter().filter_map(|id| Some((*id, state.runs.get(id)?)));
    let waiting = runs().filter(|(_, run)| words::question(run).is_some()).count();
    let mut rows = vec![Row::plain(head(state, root, now, waiting, columns))];
    let layout = Layout::of(state, columns);
    for asks in [true, false] {
        for (id, run) in runs().filter(|(_, run)| words::question(run).is_some() == asks) {
            rows.push(layout.row(state, id, run, beside, now));
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

    fn row(&self, state: &State, id: RunId, run: &Run, beside: &Beside, now: Time) -> Row {
        let age = long(now.since(run.last.0));
        let (mark, look, doing, age) = match (words::question(run), run.ended()) {
            (Some(question), _) => ('!', Look::Strong, format!("asks: {question}"), age),
            (None, Some(end)) => (' ', Look::Faint, words::ended(&end.end), String::new()),
            (None, None) if beside.stopped => {
                (' ', Look::Faint, format!("stopped: {}", line(&run.last.1, 60)), String::new())
            }
            (None, None) => match beside.agains.get(&id) {
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
    use std::collections::BTreeMap;

    use orchestra_pit_core::budget::Caps;
    use orchestra_pit_core::call::delegate::{End, Report, Task};
    use orchestra_pit_core::call::{Call, Facts, Site, human};
    use orchestra_pit_core::id::{Hash, Oid};
    use orchestra_pit_core::policy::{Effect, Grants, Reason, Rules};
    use orchestra_pit_core::record::{Asked, Ended, Event, GuestLimits, Started};

    use super::*;

    fn id(n: u8) -> RunId {
        RunId([n; 16])
    }

    fn started(n: u8) -> Event {
        let parent = (n > 1).then(|| id(1));
        let (agent, agent_name, branch) = (Hash::NONE, "coder@1".to_owned(), "refs/heads/pit/1".to_owned());
        Event::Started(Box::new(Started {
            semantics: 1,
            site: Site { run: id(n), tree: id(1), parent, agent, agent_name, branch, model: None },
            ordinal: u32::from(n) - 1,
            contract: String::new(),
            seed: Hash::NONE,
            limits: GuestLimits { memory: 0, table_elements: 0, instances: 0, handles: 0, call_bytes: 0, output: 0 },
            grants: Grants::default(),
            rules: Rules::default(),
            caps: Caps::default(),
            models: BTreeMap::new(),
            base: Oid([0; 20]),
            onto: None,
            task: Task::default(),
            title: format!("title {n}"),
            card: String::new(),
            lease: Vec::new(),
            attended: true,
            plan_only: false,
            agents: Vec::new(),
            commands: None,
        }))
    }

    fn ended(end: End) -> Event {
        let (commit, tree) = (Oid([0; 20]), Oid([0; 20]));
        let (verdict, doubtful, unjudged, uncommitted) = (None, false, None, false);
        Event::Ended(Box::new(Ended { end, commit, tree, calls: 0, verdict, doubtful, unjudged, uncommitted }))
    }

    fn asks() -> Event {
        let call = Call::Human(human::Call::Ask { text: "Which?".into(), choices: Vec::new() });
        let (facts, reasons) = (
            Facts::default(),
            vec![Reason { rule: "r".into(), effect: Effect::Ask, message: "Which colour?".into(), hint: None }],
        );
        Event::Asked(Box::new(Asked { seq: 0, call, facts, at: Time(0), reasons }))
    }

    #[test]
    fn where_not_all_have_room_those_who_wait_and_work_come_before_those_who_ended() {
        let mut state = State::default();
        for n in 1..=12 {
            state.apply(id(n), Time(u64::from(n)), &started(n));
        }
        for n in 2..=8 {
            let end = if n == 8 { End::Broken("x".into()) } else { End::Done(Report::default()) };
            state.apply(id(n), Time(50), &ended(end));
        }
        state.apply(id(12), Time(90), &asks());
        let names = |room| -> Vec<String> {
            let rows = fitting(&state, &Beside::default(), Time(100), 80, room);
            assert!(rows.len() <= room, "{rows:?}");
            let name = |row: &Row| match row.text.split_once(" coder ") {
                Some((name, _)) => name.trim_start_matches([' ', '!']).trim().to_owned(),
                None => row.text.trim().to_owned(),
            };
            rows.iter().skip(1).map(name).collect()
        };
        let tree = id(1).short();
        let child = |n: u8| format!("{tree}.{n}");
        assert_eq!(names(13).len(), 12, "all have room, in the order of their start");
        assert_eq!(names(13)[1], tree);
        let all = [child(11), child(10), child(9), child(8), tree.clone(), "and 6 done, 1 broke".into()];
        assert_eq!(names(12), all);
        assert_eq!(names(5), [child(11), child(10), "and 3 more at work".into(), "and 6 done, 1 broke".into()]);
        assert_eq!(names(1), [""; 0]);
    }

    #[test]
    fn time_is_shown_as_on_a_clock() {
        assert_eq!(clock(161_000_000), "02:41");
        assert_eq!(clock(3_725_000_000), "1:02:05");
    }
}
