//! What a person is asked, and what each key answers. One question at a time; what it says of an agent is quoted, capped and
//! made safe to show.
//!
//! Enter answers nothing that a person could regret: it is what a hand presses by itself.

use orchestra_pit_core::budget::{Caps, Item, Shortage};
use orchestra_pit_core::call::{Call, delegate, human, vcs};
use orchestra_pit_core::id::RunId;
use orchestra_pit_core::path::RepoPath;
use orchestra_pit_core::protected;
use orchestra_pit_core::record::Asked;
use orchestra_pit_core::text::excerpt;

use super::keys::{Key, Line};
use super::plan;
use super::screen::{Look, Row};
use super::width::{fit, width, wrap};
use crate::run::State;
use crate::run::command::What;
use crate::run::state::{Open, Run};
use crate::surface::words::usd;

/// Characters of an agent's own words.
const QUOTED: usize = 300;
/// Lines of a proposal, or of a question in words.
const LINES: usize = 200;
/// Paths that are named one by one.
const PATHS: usize = 12;

/// A question to the person.
#[derive(Clone, Debug)]
pub struct Prompt {
    /// Who asks.
    pub run: RunId,
    /// The number of the call that is asked about; none for pit's own question.
    pub call: Option<u64>,
    kind: Kind,
    head: String,
    /// What is worth scrolling back to.
    long: Long,
    details: Vec<String>,
    typed: Option<Typed>,
    note: String,
}

/// A text that may be longer than the screen.
#[derive(Clone, Debug)]
enum Long {
    Nothing,
    Plan(String),
    Text(String),
}

#[derive(Clone, Debug)]
enum Kind {
    Permission,
    Words(Vec<String>),
    Proposal { body: String, plan: bool },
    Budget(Caps),
}

/// A line that is being typed, and what it is for.
#[derive(Clone, Debug)]
struct Typed {
    line: Line,
    ask: &'static str,
    optional: bool,
}

/// What a key has come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Nothing yet.
    Wait,
    /// The person has answered.
    Say(What),
    /// The person wants to change the text in an editor.
    Edit(String),
    /// The person leaves it as it is.
    Dismiss,
}

impl Prompt {
    /// What a run asks, if it waits for a person.
    pub fn of(state: &State, id: RunId) -> Option<Self> {
        let run = state.runs.get(&id).filter(|run| run.asks())?;
        let open = run.open.as_ref()?;
        let who = state.author(id);
        let prompt = |kind, head, long, details, typed| {
            Some(Self { run: id, call: Some(open.seq), kind, head, long, details, typed, note: String::new() })
        };
        let nothing = || (Long::Nothing, Vec::new());
        match &open.call {
            _ if open.asked.is_some() => {
                let asked = open.asked.as_deref()?;
                let (head, details) = (format!("{who} asks: {}", wanted(asked)), permission(run, asked));
                prompt(Kind::Permission, head, Long::Nothing, details, None)
            }
            Call::Human(human::Call::Ask { text, choices }) => {
                let (long, mut details) = nothing();
                details.extend(
                    choices.iter().enumerate().map(|(at, choice)| format!("{}  {}", at + 1, excerpt(choice, 200))),
                );
                let ask = if choices.is_empty() { "answer" } else { "number" };
                let typed = Typed { line: Line::default(), ask, optional: false };
                let head = format!("{who} asks: {}", excerpt(text, 4000));
                prompt(Kind::Words(choices.clone()), head, long, details, Some(typed))
            }
            Call::Human(human::Call::Propose { title, body, form }) => {
                let plan = form == "plan" && plan::lines(body, 80).is_ok();
                let long = if plan { Long::Plan(body.clone()) } else { Long::Text(body.clone()) };
                let head = format!("{who} proposes: {}", excerpt(title, 300));
                prompt(Kind::Proposal { body: body.clone(), plan }, head, long, Vec::new(), None)
            }
            _ => None,
        }
    }

    /// Pit's own question when the budget runs low: whether to double what is short.
    pub fn budget(tree: RunId, shortage: &Shortage) -> Option<Self> {
        let double = shortage.cap.saturating_mul(2);
        let (caps, to) = match shortage.item {
            Item::MicroUsd => (Caps { micro_usd: Some(double), ..Caps::default() }, usd(double)),
            Item::Tokens => (Caps { tokens: Some(double), ..Caps::default() }, format!("{double} tokens")),
            Item::Work => {
                (Caps { work: Some(double), ..Caps::default() }, format!("{} min of work", double / 60_000_000))
            }
            Item::Turns | Item::Calls | Item::Elapsed => return None,
        };
        Some(Self {
            run: tree,
            call: None,
            kind: Kind::Budget(caps),
            head: format!("the budget runs low: {}. raise it to {to}?", shortage.message()),
            long: Long::Nothing,
            details: crate::surface::words::raise(tree, shortage).into_iter().collect(),
            typed: None,
            note: String::new(),
        })
    }

    /// Lines that are shown once, above, to be read at leisure.
    pub fn intro(&self, columns: usize) -> Vec<String> {
        let lines = match &self.long {
            Long::Nothing => return Vec::new(),
            Long::Plan(body) => plan::lines(body, columns).unwrap_or_default(),
            Long::Text(body) => {
                let clean = orchestra_pit_core::text::clean_lines(body);
                wrap(&clean.replace('\t', "    "), columns.saturating_sub(4).max(20), LINES)
                    .into_iter()
                    .map(|line| format!("  | {line}"))
                    .collect()
            }
        };
        std::iter::once(self.head.clone()).chain(lines).collect()
    }

    /// The question as it is asked, below the table.
    pub fn rows(&self, columns: usize) -> Vec<Row> {
        let room = columns.saturating_sub(3).max(10);
        let mut rows: Vec<Row> =
            wrap(&self.head, room, 12).into_iter().map(|line| Row::new(format!("? {line}"), Look::Strong)).collect();
        for detail in &self.details {
            let (name, text) = detail.split_once("  ").unwrap_or(("", detail));
            for (at, line) in wrap(text, room.saturating_sub(12).max(10), 6).into_iter().enumerate() {
                rows.push(Row::plain(format!("  {:<10} {line}", if at == 0 { name } else { "" })));
            }
        }
        if !self.note.is_empty() {
            rows.push(Row::new(format!("  {}", self.note), Look::Warning));
        }
        rows.push(Row::plain(format!("  {}", fit(&self.keys(), room))));
        if let Some(typed) = &self.typed {
            rows.push(Row::plain(typed.shown(room)));
        }
        rows
    }

    /// Which key does what.
    fn keys(&self) -> String {
        match (&self.kind, &self.typed) {
            (Kind::Words(_), _) => "the answer, then Enter; it waits as long as you like".to_owned(),
            (_, Some(typed)) if typed.optional => "Enter says it; Esc goes back".to_owned(),
            (_, Some(_)) => "Enter says no with it; Esc goes back".to_owned(),
            (Kind::Permission, _) => "[y] this call   [r] alike in this run   [n] no   [N] no, and why".to_owned(),
            (Kind::Proposal { plan: true, .. }, _) => "[Enter] go on   [e] edit   [n] no, and why".to_owned(),
            (Kind::Proposal { .. }, _) => "[y] yes   [e] edit   [n] no, and why".to_owned(),
            (Kind::Budget(_), _) => "[y] raise it   [n] leave it".to_owned(),
        }
    }

    /// Whether this is about what a tree stands at: it goes away when somebody else has answered.
    pub fn is_open(&self, state: &State) -> bool {
        match self.call {
            None => state.root().is_some_and(|root| root.ended().is_none()) && state.low.is_some(),
            Some(call) => state
                .runs
                .get(&self.run)
                .is_some_and(|run| run.asks() && run.open.as_ref().is_some_and(|open| open.seq == call)),
        }
    }

    /// What was typed so far, for a terminal that shows it letter by letter.
    pub fn typing(&self) -> Option<&str> {
        self.typed.as_ref().map(|typed| typed.line.text.as_str())
    }

    /// Takes a key.
    pub fn key(&mut self, key: Key) -> Act {
        self.note.clear();
        if self.typed.is_some() {
            return self.type_key(key);
        }
        let yes = |run| Act::Say(What::Approve { run, body: None });
        match (&self.kind, key) {
            (Kind::Permission, Key::Char('y')) => yes(false),
            (Kind::Permission, Key::Char('r')) => yes(true),
            (Kind::Permission, Key::Char('n')) => Act::Say(What::Reject { why: String::new() }),
            (Kind::Permission, Key::Char('N')) | (Kind::Proposal { .. }, Key::Char('n')) => {
                self.typed = Some(Typed { line: Line::default(), ask: "why not", optional: false });
                Act::Wait
            }
            (Kind::Proposal { plan: true, .. }, Key::Enter) => yes(false),
            (Kind::Proposal { plan: false, .. }, Key::Char('y')) => yes(false),
            (Kind::Proposal { body, .. }, Key::Char('e')) => Act::Edit(body.clone()),
            (Kind::Budget(caps), Key::Char('y')) => Act::Say(What::Budget { caps: *caps }),
            (Kind::Budget(_), Key::Char('n')) => Act::Dismiss,
            _ => Act::Wait,
        }
    }

    fn type_key(&mut self, key: Key) -> Act {
        let words = matches!(self.kind, Kind::Words(_));
        let Some(typed) = &mut self.typed else { return Act::Wait };
        if key == Key::Escape {
            match words {
                true => typed.line = Line::default(),
                false => self.typed = None,
            }
            return Act::Wait;
        }
        let Some(text) = typed.line.key(key).filter(|text| !text.is_empty()) else { return Act::Wait };
        let Kind::Words(choices) = &self.kind else { return Act::Say(What::Reject { why: text }) };
        if choices.is_empty() {
            return Act::Say(What::Answer { text });
        }
        let numbered = text.parse::<usize>().ok().and_then(|number| choices.get(number.checked_sub(1)?));
        match numbered.or_else(|| choices.iter().find(|choice| **choice == text)) {
            Some(choice) => Act::Say(What::Answer { text: choice.clone() }),
            None => {
                typed.line = Line::default();
                self.note = format!("a number from 1 to {}", choices.len());
                Act::Wait
            }
        }
    }

    /// What came back from the editor.
    pub fn edited(&mut self, changed: Result<String, String>) -> Act {
        let Kind::Proposal { body, plan } = &mut self.kind else { return Act::Wait };
        let text = match changed {
            Ok(text) if text == *body => {
                self.note = "nothing was changed".to_owned();
                return Act::Wait;
            }
            Ok(text) => text,
            Err(why) => {
                self.note = excerpt(&why, 300);
                return Act::Wait;
            }
        };
        if *plan && let Err(why) = plan::lines(&text, 80) {
            // What was typed is not lost: the next edit starts from it.
            *body = text;
            self.note = format!("that is no plan any more: {why}");
            return Act::Wait;
        }
        Act::Say(What::Approve { run: false, body: Some(text) })
    }
}

impl Typed {
    /// The line with its end in sight.
    fn shown(&self, room: usize) -> String {
        let clean = excerpt(&self.line.text, usize::MAX);
        let most = room.saturating_sub(self.ask.len() + 5);
        let mut from = 0;
        for (at, _) in clean.char_indices() {
            from = at;
            if width(clean.get(at..).unwrap_or_default()) <= most {
                break;
            }
        }
        let end = if clean.is_empty() { "" } else { clean.get(from..).unwrap_or_default() };
        format!("  {}> {end}", self.ask)
    }
}

/// What a rule asks about, in its own words.
fn wanted(asked: &Asked) -> String {
    asked.reasons.first().map_or_else(|| asked.call.name().to_owned(), |reason| excerpt(&reason.message, 300))
}

/// What a person should know before saying yes: each line a word, two spaces and a text.
fn permission(run: &Run, asked: &Asked) -> Vec<String> {
    let mut lines = Vec::new();
    let paths: Vec<&RepoPath> = asked.facts.protected.iter().chain(&asked.facts.writes).collect();
    lines.push(format!("call  {}{}", asked.call.name(), exactly(&asked.call)));
    for (at, path) in paths.iter().take(PATHS).enumerate() {
        let what = protected::group(path.as_str()).map(|group| format!("   ({group})")).unwrap_or_default();
        lines.push(format!("{}  {}{what}", if at == 0 { "paths" } else { "" }, excerpt(path.as_str(), 200)));
    }
    if paths.len() > PATHS {
        lines.push(format!("  and {} more", paths.len() - PATHS));
    }
    lines.push(format!("reach  {}", reach(run, asked)));
    let rules: Vec<String> = asked
        .reasons
        .iter()
        .map(|reason| match &reason.hint {
            Some(hint) => format!("{} ({})", excerpt(&reason.rule, 60), excerpt(hint, 120)),
            None => excerpt(&reason.rule, 60),
        })
        .collect();
    lines.push(format!("rule  {}", rules.join(", ")));
    if let Some(own) = own_words(&asked.call) {
        lines.push(format!("it says  \"{}\"", excerpt(own, QUOTED)));
    }
    lines
}

/// What of a call is not in its name.
fn exactly(call: &Call) -> String {
    use orchestra_pit_core::call::workspace::Call as W;
    match call {
        Call::Workspace(W::Write { path, bytes, .. }) => {
            format!(" {} ({} bytes)", excerpt(path.as_str(), 200), bytes.len())
        }
        Call::Workspace(W::Remove { path } | W::Stat { path } | W::Read { path, .. }) => {
            format!(" {}", excerpt(path.as_str(), 200))
        }
        Call::Workspace(W::Rename { from, to }) => {
            format!(" {} to {}", excerpt(from.as_str(), 150), excerpt(to.as_str(), 150))
        }
        Call::Delegate(delegate::Call::Start(order)) => format!(" {}", excerpt(&order.agent, 60)),
        Call::Model(orchestra_pit_core::call::model::Call::Ask(request)) => format!(" {}", excerpt(&request.model, 60)),
        _ => String::new(),
    }
}

/// What is within reach with a yes and is not without.
fn reach(run: &Run, asked: &Asked) -> String {
    let branch = run.started.site.branch.strip_prefix("refs/heads/").unwrap_or(&run.started.site.branch);
    match &asked.call {
        Call::Vcs(vcs::Call::Commit { .. } | vcs::Call::Integrate { .. }) if !asked.facts.protected.is_empty() => {
            format!(
                "these files on the branch {}: what picks them up runs or obeys them once you take or push it",
                excerpt(branch, 80)
            )
        }
        Call::Vcs(vcs::Call::Commit { .. } | vcs::Call::Integrate { .. }) => {
            format!("a commit on the branch {}; nothing of yours is touched", excerpt(branch, 80))
        }
        Call::Workspace(_) => "files of its own workspace; yours are not touched".to_owned(),
        Call::Delegate(_) => "another agent, with a part of what this one has and no more".to_owned(),
        Call::Model(_) => "the model, with what the agent puts into the request; it costs money of this run".to_owned(),
        _ => "this call, and nothing after it".to_owned(),
    }
}

/// What the agent itself says about a call.
fn own_words(call: &Call) -> Option<&str> {
    let words = match call {
        Call::Vcs(vcs::Call::Commit { message } | vcs::Call::Integrate { message, .. }) => message,
        Call::Delegate(delegate::Call::Start(order)) => &order.task.goal,
        Call::Delegate(delegate::Call::Message { text, .. }) => text,
        Call::Delegate(delegate::Call::Again { feedback, .. }) => feedback,
        Call::Delegate(delegate::Call::Cancel { reason, .. }) => reason,
        _ => return None,
    };
    Some(words.as_str()).filter(|words| !words.trim().is_empty())
}

/// The run whose question is the oldest, of those that `shown` does not hide.
pub fn oldest(state: &State, hidden: impl Fn(RunId, u64) -> bool) -> Option<RunId> {
    let asks = |run: &Run| run.open.as_ref().filter(|_| run.asks()).map(|open: &Open| (open.at, open.seq));
    let open = state.runs.iter().filter_map(|(id, run)| Some((asks(run)?, *id)));
    open.filter(|((_, seq), id)| !hidden(*id, *seq)).min_by_key(|((at, _), _)| *at).map(|(_, id)| id)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TREE: RunId = RunId([3; 16]);

    fn low(item: Item, cap: u64) -> Shortage {
        Shortage { item, account: TREE, cap, spent: cap - cap / 10 }
    }

    #[test]
    fn a_low_budget_is_raised_by_a_key_and_enter_spends_nothing() {
        let mut prompt = Prompt::budget(TREE, &low(Item::MicroUsd, 5_000_000)).unwrap();
        let shown: String = prompt.rows(80).into_iter().map(|row| row.text + "\n").collect();
        for text in
            ["$4.50 of $5.00 are spent", "raise it to $10.00?", "pit budget 03030303 --usd 10.00", "[y] raise it"]
        {
            assert!(shown.contains(text), "no `{text}` in {shown}");
        }
        assert_eq!(prompt.key(Key::Enter), Act::Wait);
        assert_eq!(prompt.clone().key(Key::Char('n')), Act::Dismiss);
        let caps = Caps { micro_usd: Some(10_000_000), ..Caps::default() };
        assert_eq!(prompt.key(Key::Char('y')), Act::Say(What::Budget { caps }));
        assert!(Prompt::budget(TREE, &low(Item::Tokens, 100)).is_some());
    }

    #[test]
    fn an_edited_plan_that_is_none_is_not_sent_and_not_lost() {
        let body = "[[task]]\nid = \"a\"\n".to_owned();
        let mut prompt = Prompt {
            run: TREE,
            call: Some(1),
            kind: Kind::Proposal { body: body.clone(), plan: true },
            head: String::new(),
            long: Long::Nothing,
            details: Vec::new(),
            typed: None,
            note: String::new(),
        };
        assert_eq!(prompt.key(Key::Char('e')), Act::Edit(body.clone()));
        assert_eq!(prompt.edited(Ok(body)), Act::Wait);
        assert_eq!(prompt.edited(Ok("[[task".to_owned())), Act::Wait);
        assert!(prompt.note.contains("no plan"), "{}", prompt.note);
        assert_eq!(prompt.key(Key::Char('e')), Act::Edit("[[task".to_owned()));
        let better = "[[task]]\nid = \"b\"\n".to_owned();
        let say = Act::Say(What::Approve { run: false, body: Some(better.clone()) });
        assert_eq!(prompt.edited(Ok(better)), say);
    }
}
