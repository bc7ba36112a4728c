//! What a tree of runs stands at, in English.

use orchestra_pit_core::amount::Usd;
use orchestra_pit_core::budget::{Balance, Item, Shortage};
use orchestra_pit_core::call::delegate::End;
use orchestra_pit_core::call::{Call, Value, exec, human, vcs};
use orchestra_pit_core::check::verdict::Kind;
use orchestra_pit_core::commands::shown;
use orchestra_pit_core::id::RunId;
use orchestra_pit_core::manifest::{Flag, Manifest};
use orchestra_pit_core::pattern::Pattern;
use orchestra_pit_core::record::{Ended, Event, Said};
use orchestra_pit_core::text::clean;

use super::terminal::plan;
use crate::run::state::{Open, Phase, Run};
use crate::run::{Known, State};

/// Dollars, to the cent, or as much finer as it takes to show that it was not nothing.
pub fn usd(micro: u64) -> String {
    if micro > 0 && micro < 10_000 {
        format!("${}.{:04}", micro / 1_000_000, micro % 1_000_000 / 100)
    } else {
        format!("${}.{:02}", micro / 1_000_000, micro % 1_000_000 / 10_000)
    }
}

/// What something has cost; `?` where that is not known.
pub fn money(micro: Option<u64>) -> String {
    micro.map_or_else(|| "?".to_owned(), usd)
}

/// How long, shortly: `9 s`, `2 m 5 s`, `1 h 4 m`.
pub fn long(micros: u64) -> String {
    let seconds = micros / 1_000_000;
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} m {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} m", seconds / 3600, seconds % 3600 / 60),
    }
}

/// That a model is asked again, in a wait of so many microseconds, and why.
pub fn again(micros: u64, why: &str) -> String {
    match micros {
        0 => format!("asked again: {}", line(why, 200)),
        _ => format!("asks again in {}: {}", long(micros.saturating_add(999_999)), line(why, 200)),
    }
}

/// A number with a word for its size: `1.3 M`, `38 k`.
pub fn count(number: u64) -> String {
    match number {
        0..10_000 => number.to_string(),
        10_000..1_000_000 => format!("{} k", number / 1_000),
        _ => format!("{}.{} M", number / 1_000_000, number % 1_000_000 / 100_000),
    }
}

/// `1 commit`, `2 commits`.
pub fn several(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

/// One line of a text, safe to show, cut to a width in characters.
pub fn line(text: &str, width: usize) -> String {
    let first = text.lines().next().unwrap_or_default();
    let clean = clean(first);
    match clean.chars().count() > width {
        true => clean.chars().take(width.saturating_sub(1)).chain(['…']).collect(),
        false => clean.into_owned(),
    }
}

/// A text of several lines as one: what is announced follows in the same sentence, one thing after the other.
pub fn whole(text: &str, width: usize) -> String {
    let mut one = String::new();
    for part in text.lines().map(str::trim).filter(|part| !part.is_empty()) {
        match one.chars().last() {
            None => {}
            Some(':' | ';' | ',' | '.' | '!' | '?') => one.push(' '),
            Some(_) => one.push_str("; "),
        }
        let listed = part.strip_prefix("- ").unwrap_or(part);
        one.push_str(if one.is_empty() { part } else { listed });
    }
    line(&one, width)
}

/// What a run waits for a person to say, if it does.
pub fn question(run: &Run) -> Option<String> {
    let open: &Open = run.open.as_ref().filter(|_| run.phase == Phase::Live)?;
    if let Some(asked) = &open.asked {
        return asked.reasons.first().map(|reason| line(&reason.message, 200));
    }
    match &open.call {
        Call::Human(human::Call::Ask { text, choices }) if choices.is_empty() => Some(line(text, 200)),
        Call::Human(human::Call::Ask { text, choices }) => {
            Some(format!("{} [{}]", line(text, 160), line(&choices.join(" / "), 80)))
        }
        Call::Human(human::Call::Propose { title, .. }) => Some(line(title, 200)),
        _ => None,
    }
}

/// The line that answers a run from another terminal, if it asks something.
pub fn how_to_answer(state: &State, id: RunId) -> Option<String> {
    let run = state.runs.get(&id).filter(|run| run.asks())?;
    let name = state.name(id);
    Some(match &run.open.as_ref()?.call {
        Call::Human(human::Call::Ask { .. }) => format!("pit answer {name} \"…\""),
        _ => format!("pit approve {name} · pit reject {name} -m \"why not\""),
    })
}

/// What a tree of runs came to, in a few words: only the host's own verdict makes a result a verified one.
pub fn came_to(of: &Ended) -> String {
    match (&of.end, of.verdict) {
        (End::Done(_), Some(Kind::NoWorse)) if of.doubtful => {
            "done, not verified: no worse than before, as far as is known".to_owned()
        }
        (End::Done(_), Some(Kind::Green | Kind::NoWorse)) => "done, verified".to_owned(),
        (End::Done(_), Some(Kind::Red)) => "done, and the checks are red".to_owned(),
        (End::Done(_), None) => "done, not verified".to_owned(),
        (end, _) => ended(end),
    }
}

/// How a run ended, in a few words.
pub fn ended(end: &End) -> String {
    ended_because(end, 200)
}

/// How a run ended, and why in so many characters.
fn ended_because(end: &End, width: usize) -> String {
    let (how, why) = how_and_why(end);
    let why = whole(why, width);
    if why.is_empty() { how.to_owned() } else { format!("{how}: {why}") }
}

/// How a run ended, in a word or three, and why, as it was put.
pub fn how_and_why(end: &End) -> (&'static str, &str) {
    match end {
        End::Done(_) => ("done", ""),
        End::Failed { message, .. } => ("failed", message),
        End::Cancelled(why) => ("cancelled", why),
        End::Exhausted(why) => ("out of budget", why),
        End::Broken(why) => ("broke", why),
    }
}

/// What a run and all below it have spent, of what they may.
pub fn spent(state: &State, run: RunId) -> String {
    let Balance { spent, caps, elapsed, .. } = state.balance(run);
    let of =
        |cap: Option<u64>, show: fn(u64) -> String| cap.map(|cap| format!(" of {}", show(cap))).unwrap_or_default();
    let priced = state.money(run);
    format!(
        "spent {}{}, {}{} tokens, {}{} turns, {}{} at work",
        money(priced),
        // Without a price no limit in dollars is kept.
        of(caps.micro_usd.filter(|_| priced.is_some()), usd),
        count(spent.tokens),
        of(caps.tokens, count),
        spent.turns,
        of(caps.turns, count),
        long(elapsed),
        of(caps.elapsed, long),
    )
}

/// The line that gives a run more of what it is short of; none for what has no such line.
pub fn raise(run: RunId, shortage: &Shortage) -> Option<String> {
    let double = shortage.cap.saturating_mul(2);
    let flag = match shortage.item {
        Item::MicroUsd => format!("--usd {}", Usd(double).to_string().trim_start_matches('$')),
        Item::Tokens => format!("--tokens {double}"),
        Item::Turns => format!("--turns {double}"),
        Item::Elapsed => format!("--wall {}m", double.div_ceil(60_000_000)),
        Item::Work | Item::Calls => return None,
    };
    Some(format!("pit budget {} {flag}", run.short()))
}

/// A record as one line for those who watch without a terminal; none for what is not worth one.
pub fn event(state: &State, run: RunId, event: &Event) -> Option<String> {
    let who = state.author(run);
    let said = match event {
        Event::Started(started) => format!("starts: {}", line(&started.title, 100)),
        Event::Asked(asked) => {
            let reason = asked.reasons.first().map(|reason| line(&reason.message, 200)).unwrap_or_default();
            format!("asks: {reason}")
        }
        Event::Intended(intended) => match &intended.call {
            Call::Human(human::Call::Ask { text, .. }) => format!("asks: {}", line(text, 200)),
            Call::Human(human::Call::Propose { title, body, form }) => {
                // What cannot be read as a plan is shown by its title; the person is told why when asked about it.
                let plan = if form == "plan" { plan::lines(body, 100).unwrap_or_default() } else { Vec::new() };
                let lines = plan.iter().flat_map(|line| ["\n", line.as_str()]).collect::<String>();
                format!("proposes: {}{lines}", line(title, 200))
            }
            Call::Human(human::Call::Notify { text }) => format!("says: {}", line(text, 200)),
            Call::Log(logged) if logged.level != "debug" => {
                format!("{}: {}", line(&logged.level, 10), line(&logged.message, 200))
            }
            _ => return None,
        },
        Event::Ruled(ruled) => match &ruled.ruling {
            Said::Approved(approval) => format!("may: {} said yes", line(&approval.by, 40)),
            Said::Rejected { by, why } => format!("may not: {} said no: {}", line(by, 40), line(why, 120)),
            Said::Denied { .. } | Said::Exhausted { .. } => {
                let refusal = state.runs.get(&run)?.refused.iter().find(|no| no.seq == ruled.seq)?;
                let about =
                    if refusal.about.is_empty() { String::new() } else { format!(" {}", line(&refusal.about, 80)) };
                format!("refused: {}{about} ({})", line(&refusal.function, 40), line(&refusal.rule, 40))
            }
        },
        Event::Noticed(shortage) => {
            let raise = raise(shortage.account, shortage).map(|line| format!("; {line} raises it")).unwrap_or_default();
            format!("budget: {}{raise}", shortage.message())
        }
        Event::Judged(judged) => line(&judged.verdict.line(), 300),
        Event::Raised { by, .. } => format!("budget set by {}", line(by, 40)),
        Event::Remarked(remark) => format!("hears from the {}: {}", line(&remark.from, 20), line(&remark.text, 160)),
        Event::Resumed { .. } => "goes on".to_owned(),
        Event::Stopped { why } => format!("stopped: {}", line(why, 160)),
        Event::Ended(end) => match &end.end {
            End::Done(report) if !report.summary.trim().is_empty() => format!("done: {}", line(&report.summary, 160)),
            end => ended_because(end, 1000),
        },
        Event::Answered(answered) => match &answered.answer {
            Ok(Value::Vcs(vcs::Value::Commit(commit))) => {
                format!("committed {:.8} {}", commit.id.to_string(), line(&commit.message, 72))
            }
            Ok(Value::Vcs(vcs::Value::Integration(vcs::Integration::Merged(commit)))) => {
                format!("took {:.8} {}", commit.id.to_string(), line(&commit.message, 72))
            }
            Ok(Value::Exec(exec::Value::Verdict(judged))) => line(&judged.verdict.line(), 300),
            _ => return None,
        },
        Event::Began(_) | Event::Accepted { .. } | Event::Unaccepted { .. } => return None,
    };
    Some(format!("{who}  {said}"))
}

/// What an agent is and asks for, before it is given anything.
pub fn agent(known: &Known, manifest: &Manifest) -> Vec<String> {
    let asks = &manifest.asks;
    let globs =
        |patterns: &[Pattern]| patterns.iter().map(|pattern| line(pattern.as_str(), 60)).collect::<Vec<_>>().join(", ");
    let mut wanted = Vec::new();
    match asks.read.as_slice() {
        [] => {}
        [all] if all.as_str() == "**" => wanted.push("read every file                           broad".to_owned()),
        some => wanted.push(format!("read {}", globs(some))),
    }
    match asks.write.as_slice() {
        [] => {}
        [all] if all.as_str() == "**" => wanted.push("write every file                          broad".to_owned()),
        some => wanted.push(format!("write {}", globs(some))),
    }
    if !asks.model.is_empty() {
        let most = manifest.budget.usd.map(|usd| format!(", up to {} a run", self::usd(usd.0))).unwrap_or_default();
        wanted.push(format!("a model{most}"));
    }
    let mut not = Vec::new();
    for (has, name) in
        [(asks.commit, "commit on a branch of its own"), (asks.human, "ask you"), (asks.board, "use the team's board")]
    {
        if has { wanted.push(name.to_owned()) } else { not.push(name.to_owned()) }
    }
    match asks.exec.as_slice() {
        [] => not.push("commands".to_owned()),
        _ if manifest.flags().contains(&Flag::RunsAnything) => {
            wanted.push("run any command, in the sandbox            broad".to_owned());
        }
        some => wanted.extend(some.iter().map(|pattern| {
            let words = Vec::from(pattern.clone());
            format!("run {}", line(&shown(&words), 400))
        })),
    }
    if !asks.exec.is_empty() && !asks.env.is_empty() {
        wanted.push(format!("set for them {}", line(&asks.env.join(", "), 400)));
    }
    if asks.check {
        wanted.push("have your checks run".to_owned());
    }
    match asks.delegate.as_slice() {
        [] => not.push("other agents".to_owned()),
        agents => wanted.push(format!("start {}", line(&agents.join(", "), 80))),
    }
    not.push("network".to_owned());
    let size = known.wasm.len();
    let mut lines = vec![
        format!(
            "{} {}   sha256 {}…   {}",
            line(&manifest.name, 40),
            line(&manifest.version, 20),
            &known.hash.to_string()[..8],
            bytes(size)
        ),
        format!("  {}", line(&manifest.description, 160)),
    ];
    for (at, text) in wanted.iter().enumerate() {
        lines.push(format!("  {:<10} {text}", if at == 0 { "asks for" } else { "" }));
    }
    lines.push(format!("  {:<10} {}", "not", not.join(", ")));
    lines
}

/// A size in bytes with a word for it.
pub fn bytes(size: usize) -> String {
    match size {
        0..10_000 => format!("{size} bytes"),
        10_000..1_000_000 => format!("{} kB", size / 1_000),
        _ => format!("{}.{} MB", size / 1_000_000, size % 1_000_000 / 100_000),
    }
}

#[cfg(test)]
mod tests;
