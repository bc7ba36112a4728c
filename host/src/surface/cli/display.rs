//! Shows a tree while it is at work, and hears what the person at the terminal says to it.
//!
//! Everything that is written to standard error in the meantime is written here, and everything that happens is waited for in
//! one place: what happens in the tree, keys, signals, a second that has passed. When nothing happens, nothing is drawn.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::future::Future;
use std::io::{IsTerminal, Write};
use std::pin::Pin;
use std::time::Duration;

use orchestra_pit_core::id::RunId;
use orchestra_pit_core::record::Event;
use orchestra_pit_core::text::{clean, clean_lines};
use orchestra_pit_core::time::Time;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::time::{Interval, MissedTickBehavior, Sleep, interval, sleep};

use super::editor::edit;
use super::out::fitted;
use super::signals::{Signals, Told};
use super::view::View;
use crate::effect::model::Delta;
use crate::run::clock::now;
use crate::run::events::Live;
use crate::surface::terminal::keys::Key;
use crate::surface::terminal::prompt::{Act, Prompt, oldest};
use crate::surface::terminal::screen::Screen;
use crate::surface::terminal::{table, tty};
use crate::surface::{json, words};

/// Time between two drawings: ten a second are as good as more to an eye, and cost nothing.
const FRAME: Duration = Duration::from_millis(100);

/// How a tree is shown.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub struct HowArgs {
    /// One line for each thing that happens, and nothing that is redrawn.
    #[arg(long)]
    plain: bool,
    /// Nothing but questions and the end.
    #[arg(short, long, conflicts_with = "verbose")]
    quiet: bool,
    /// Every line there is.
    #[arg(short, long)]
    verbose: bool,
    /// As if no terminal were there.
    #[arg(skip)]
    printing: bool,
}

impl HowArgs {
    /// The same for `-p`.
    #[must_use]
    pub fn printing(self, printing: bool) -> Self {
        Self { printing, ..self }
    }
}

/// What came to an end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Left {
    /// The tree, or this life of it.
    Over,
    /// The person wants it to stop.
    Stop,
    /// The person wants it to stop at once.
    StopNow,
    /// The terminal is gone.
    HungUp,
}

/// A text that is in the person's editor.
type Editing = Pin<Box<dyn Future<Output = Result<String, String>> + Send>>;

/// A display at work.
pub struct Display {
    view: View,
    how: HowArgs,
    /// Records go to standard output as JSON.
    stream: bool,
    /// Who the person at this terminal is.
    by: String,
    events: Receiver<Live>,
    signals: Signals,
    screen: Option<Screen>,
    tty: Option<tty::Tty>,
    log: Option<File>,
    prompt: Option<Prompt>,
    /// Questions that were answered here, and whose answers are on their way.
    answered: HashSet<(RunId, u64)>,
    /// The shortage that the person was asked about.
    asked_low: Option<Time>,
    editing: Option<Editing>,
    stale: bool,
    frame: Option<Pin<Box<Sleep>>>,
    second: Interval,
    /// Lines of commands' output that have not ended yet.
    begun: HashMap<RunId, String>,
    /// What is known of it beside the records.
    beside: table::Beside,
    /// The tree's first run was seen at work, and its end was not seen yet.
    owed: bool,
}

/// Bytes of such a line before it is shown all the same.
const MOST_BEGUN: usize = 4 << 10;

enum Next {
    Heard(Result<Live, RecvError>),
    Keys(Vec<Key>),
    Edited(Result<String, String>),
    Told(Told),
    Frame,
    Second,
    Over,
}

impl Display {
    /// Ready to show. `events` from before the tree began, so that none is missed.
    pub fn new(view: View, how: HowArgs, stream: bool, by: String, events: Receiver<Live>) -> std::io::Result<Self> {
        let terminal = std::io::stderr().is_terminal() && !how.printing;
        let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        // Lines of JSON on the same terminal would be drawn over.
        let both = stream && std::io::stdout().is_terminal();
        let screen = (terminal && !dumb && !how.plain && !both).then(|| {
            Screen::new(tty::size(std::io::stderr()), std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()))
        });
        let tty = if terminal { tty::Tty::open() } else { None };
        let owed = view.look(|state| state.root().is_some_and(|root| root.ended().is_none()));
        let mut second = interval(Duration::from_secs(1));
        second.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Ok(Self {
            view,
            how,
            stream,
            by,
            events,
            signals: Signals::new()?,
            screen,
            tty,
            log: None,
            prompt: None,
            answered: HashSet::new(),
            asked_low: None,
            begun: HashMap::new(),
            beside: table::Beside::default(),
            owed,
            editing: None,
            stale: true,
            frame: None,
            second,
        })
    }

    /// Shows what happens until something comes to an end. Can be called again to go on.
    pub async fn show(&mut self) -> Left {
        loop {
            if self.stale && self.frame.is_none() && self.editing.is_none() {
                self.refresh();
            }
            match self.next().await {
                Next::Heard(Ok(live)) => self.heard(&live),
                Next::Heard(Err(_)) => self.stale = true,
                Next::Keys(keys) => keys.into_iter().for_each(|key| self.key(key)),
                Next::Edited(text) => self.edited(text),
                Next::Frame => self.frame = None,
                Next::Second => self.stale = true,
                Next::Over => return Left::Over,
                Next::Told(Told::Stop) if self.editing.is_some() => {}
                Next::Told(Told::Stop) => return Left::Stop,
                Next::Told(Told::StopNow) => return Left::StopNow,
                Next::Told(Told::HungUp) => return Left::HungUp,
                Next::Told(Told::Resized) => {
                    if let Some(screen) = &mut self.screen {
                        screen.resize(tty::size(std::io::stderr()));
                    }
                    self.stale = true;
                }
                Next::Told(Told::Continued) => self.back(),
            }
        }
    }

    async fn next(&mut self) -> Next {
        let editing = self.editing.is_some();
        let (view, frame, edit, tty) = (&self.view, &mut self.frame, &mut self.editing, &mut self.tty);
        tokio::select! {
            live = self.events.recv() => Next::Heard(live),
            told = self.signals.next() => Next::Told(told),
            keys = async { match tty { Some(tty) => tty.read().await, None => std::future::pending().await } }, if !editing => Next::Keys(keys),
            text = async { match edit { Some(edit) => edit.await, None => std::future::pending().await } } => Next::Edited(text),
            () = async { match frame { Some(frame) => frame.await, None => std::future::pending().await } } => Next::Frame,
            _ = self.second.tick(), if self.screen.is_some() => Next::Second,
            () = view.over(), if !editing => Next::Over,
        }
    }

    /// What has happened last, for those who wait for it: after the end, until the root's end was told, but not for long.
    pub async fn finish(&mut self) {
        self.hear_the_rest();
        if self.owed && self.view.look(|state| state.root().is_some_and(|root| root.ended().is_some())) {
            let _ = tokio::time::timeout(Duration::from_secs(1), self.hear_the_end()).await;
            self.hear_the_rest();
        }
        let clear = self.screen.as_mut().map(Screen::clear).unwrap_or_default();
        self.write(&clear);
        self.tty = None;
    }

    /// What has been told already.
    fn hear_the_rest(&mut self) {
        loop {
            match self.events.try_recv() {
                Ok(live) => self.heard(&live),
                Err(TryRecvError::Lagged(_)) => {}
                Err(_) => break,
            }
        }
    }

    async fn hear_the_end(&mut self) {
        while self.owed {
            match self.events.recv().await {
                Ok(live) => self.heard(&live),
                Err(_) => return,
            }
        }
    }

    /// The terminal is gone: what there is to say goes to a file from now on.
    pub fn hung_up(&mut self, log: Option<File>) {
        (self.screen, self.tty, self.prompt, self.editing) = (None, None, None, None);
        self.log = log;
        self.how.quiet |= self.log.is_none();
    }

    /// A line of its own, for good.
    pub fn say(&mut self, line: &str) {
        self.lines(&[line.to_owned()]);
    }

    /// A line of the result.
    pub fn result(&mut self, line: &str) {
        // A reader that has gone away is no reason to stop.
        let _ = match &mut self.log {
            Some(log) => writeln!(log, "{line}"),
            None => writeln!(std::io::stdout(), "{line}"),
        };
    }

    /// A line of the result for people.
    pub fn shown(&mut self, line: &str) {
        match self.is_whole() {
            true => self.result(line),
            false => fitted(line, std::io::stdout()).iter().for_each(|line| self.result(line)),
        }
    }

    /// Whether lines stay whole: nobody sees them on a terminal, or they are to be as if nobody did.
    fn is_whole(&self) -> bool {
        self.log.is_some() || self.how.printing
    }

    fn lines(&mut self, lines: &[String]) {
        let fitted: Vec<String> = match self.is_whole() {
            true => lines.to_vec(),
            false => lines.iter().flat_map(|line| fitted(line, std::io::stderr())).collect(),
        };
        let lines = fitted.as_slice();
        let text = match &mut self.screen {
            Some(screen) => screen.say(lines),
            None => lines.iter().map(|line| format!("{line}\n")).collect(),
        };
        self.write(&text);
    }

    /// What comes between the records: of commands, to those who want to see it, and of models that do not answer.
    fn delta(&mut self, run: RunId, delta: &Delta) {
        let (kind, text) = match delta {
            Delta::Command(text) => ("exec.started", clean_lines(text)),
            Delta::Output(text) => ("exec.output", clean_lines(text)),
            Delta::Again { why, wait_ms } => return self.again(run, why, *wait_ms),
            _ => {
                self.stale |= self.beside.agains.remove(&run).is_some();
                return;
            }
        };
        if self.stream {
            self.seen(run, kind, &text);
        } else if self.how.verbose && kind == "exec.started" {
            let rest = self.begun.remove(&run).unwrap_or_default();
            self.output(run, &rest);
            let name = self.view.look(|state| state.name(run));
            self.lines(&[format!("  {name} $ {}", words::line(&text, 200))]);
        } else if self.how.verbose {
            let begun = self.begun.entry(run).or_default();
            begun.push_str(&text);
            let end = begun.rfind('\n').map_or(0, |at| at + 1);
            let end = if begun.len() - end > MOST_BEGUN { begun.len() } else { end };
            let whole: String = begun.drain(..end).collect();
            self.output(run, &whole);
        }
    }

    /// Tells programs what comes between the records.
    fn seen(&mut self, run: RunId, kind: &'static str, text: &str) {
        let line = self.view.look(|state| json::seen(state, kind, run, now(), text));
        if let Some(Ok(line)) = line.map(|line| serde_json::to_string(&line)) {
            self.result(&line);
        }
    }

    /// A run's model is asked again: in its row of the table, or in a line of its own.
    fn again(&mut self, run: RunId, why: &str, wait_ms: u64) {
        let wait = wait_ms.saturating_mul(1_000);
        let text = words::again(wait, why);
        if self.stream {
            self.seen(run, "model.retried", &text);
        } else if !self.how.quiet && (self.screen.is_none() || self.how.verbose) {
            let who = self.view.look(|state| state.author(run));
            self.lines(&[format!("{who}  {text}")]);
        }
        self.beside.agains.insert(run, table::Again { due: now().plus_micros(wait), why: why.to_owned() });
        self.stale = true;
    }

    /// Lines of a command's output.
    fn output(&mut self, run: RunId, text: &str) {
        let name = self.view.look(|state| state.name(run));
        let lines: Vec<String> = text.lines().map(|line| format!("  {name} | {}", clean(line))).collect();
        self.lines(&lines);
    }

    fn write(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        // A terminal that has gone away is told by a signal of its own.
        let _ = match &mut self.log {
            Some(log) => log.write_all(text.as_bytes()),
            None => std::io::stderr().write_all(text.as_bytes()),
        };
    }

    fn heard(&mut self, live: &Live) {
        self.stale |= !matches!(live, Live::Delta { .. });
        if let Live::Record { run, event, .. } = live {
            self.beside.agains.remove(run);
            match **event {
                Event::Began(_) if *run == self.view.id() => self.owed = true,
                Event::Ended(_) if *run == self.view.id() => self.owed = false,
                _ => {}
            }
        }
        match live {
            Live::Record { run, at, event } if self.stream => {
                let line = self
                    .view
                    .look(|state| json::line(state, *run, *at, event).map(|line| serde_json::to_string(&line)));
                if let Some(Ok(line)) = line {
                    self.result(&line);
                }
            }
            Live::Record { run, event, .. } => {
                if let Some(rest) = self.begun.remove(run) {
                    self.output(*run, &rest);
                }
                // What is asked here in a moment is not told before.
                let asked = self.tty.is_some() && is_question(event);
                let wanted = self.screen.is_none() || self.how.verbose || is_important(event);
                let shown = !self.how.quiet && wanted && !asked;
                let mut lines: Vec<String> = Vec::new();
                self.view.look(|state| {
                    if shown {
                        lines.extend(
                            words::event(state, *run, event).iter().flat_map(|text| text.lines()).map(str::to_owned),
                        );
                    }
                    // Whoever cannot be asked here is told how to answer from elsewhere.
                    if self.tty.is_none() && is_question(event) {
                        lines.extend(words::how_to_answer(state, *run).map(|how| format!("  {how}")));
                    }
                });
                if !lines.is_empty() {
                    self.lines(&lines);
                }
            }
            Live::Unheeded { run, why } => {
                self.answered.retain(|(answered, _)| answered != run);
                self.say(&clean(why));
            }
            Live::Notice { text } if !self.how.quiet => {
                let lines: Vec<String> = text.lines().map(|line| clean(line).into_owned()).collect();
                self.lines(&lines);
            }
            Live::Delta { run, delta } => self.delta(*run, delta),
            Live::Notice { .. } => {}
        }
    }

    /// Draws what there is to show, and asks the oldest question that is open.
    fn refresh(&mut self) {
        self.stale = false;
        let asks = self.choose();
        let (columns, height) =
            self.screen.as_ref().map_or((80, 24), |screen| (screen.size().columns, screen.size().rows));
        if asks {
            if let Some(tty) = &mut self.tty {
                // Whatever was typed before the question was there was no answer to it; what is typed as soon as it can be seen is.
                tty.forget();
            }
            let intro = self.prompt.as_ref().map(|prompt| prompt.intro(columns)).unwrap_or_default();
            if !intro.is_empty() {
                self.lines(&intro);
            }
        }
        let prompt = self.prompt.as_ref().map(|prompt| prompt.rows(columns)).unwrap_or_default();
        match &mut self.screen {
            Some(screen) => {
                // The question is what a person must see, however small the terminal.
                let room = height.saturating_sub(1 + prompt.len()).max(1);
                let mut rows = match self.how.quiet {
                    true => Vec::new(),
                    false => self.view.look(|state| table::fitting(state, &self.beside, now(), columns, room)),
                };
                rows.extend(prompt);
                let text = screen.draw(rows);
                self.write(&text);
                self.frame = Some(Box::pin(sleep(FRAME)));
            }
            None if asks => self.lines(&prompt.into_iter().map(|row| row.text).collect::<Vec<_>>()),
            None => {}
        }
    }

    /// Keeps the question that is shown while it is open, and finds the next one. True if there is a new one.
    fn choose(&mut self) -> bool {
        if self.tty.is_none() {
            return false;
        }
        let answered = &mut self.answered;
        let shown = self.prompt.as_ref();
        let (keep, next) = self.view.look(|state| {
            answered.retain(|(run, seq)| {
                state.runs.get(run).is_some_and(|run| run.open.as_ref().is_some_and(|open| open.seq == *seq))
            });
            let keep = shown.is_some_and(|prompt| {
                prompt.is_open(state) && prompt.call.is_none_or(|call| !answered.contains(&(prompt.run, call)))
            });
            if keep {
                return (true, None);
            }
            let low = state.low.filter(|(at, _)| self.asked_low != Some(*at));
            let budget =
                low.and_then(|(at, shortage)| Some((at, Prompt::budget(state.root()?.started.site.tree, &shortage)?)));
            let asks = oldest(state, |run, seq| answered.contains(&(run, seq))).and_then(|run| Prompt::of(state, run));
            (false, asks.map(|prompt| (None, prompt)).or(budget.map(|(at, prompt)| (Some(at), prompt))))
        });
        if keep {
            return false;
        }
        let gone = self.prompt.take();
        if let (Some(gone), None) = (&gone, &self.screen)
            && gone.call.is_some_and(|call| !self.answered.contains(&(gone.run, call)))
        {
            self.say("it is answered");
        }
        let Some((low, prompt)) = next else { return false };
        if low.is_some() {
            self.asked_low = low;
        }
        self.prompt = Some(prompt);
        true
    }

    fn key(&mut self, key: Key) {
        let Some(prompt) = &mut self.prompt else { return };
        // Somebody else may have answered since it was drawn.
        if !self.view.look(|state| prompt.is_open(state)) {
            self.stale = true;
            return;
        }
        let before = prompt.typing().map(str::len);
        let act = prompt.key(key);
        if self.screen.is_none() {
            let echo = echo(before, prompt, key);
            self.write(&echo);
        }
        (self.stale, self.frame) = (self.screen.is_some(), None);
        self.act(act);
    }

    fn act(&mut self, act: Act) {
        let Some(prompt) = &self.prompt else { return };
        match act {
            Act::Wait => {}
            Act::Dismiss => self.prompt = None,
            Act::Say(what) => {
                let (run, call) = (prompt.run, prompt.call);
                if let Some(call) = call {
                    self.answered.insert((run, call));
                }
                self.prompt = None;
                self.view.tell(run, call, what, &self.by);
            }
            Act::Edit(text) => {
                let clear = self.screen.as_mut().map(Screen::clear).unwrap_or_default();
                self.write(&clear);
                if let Some(tty) = &mut self.tty {
                    tty.give_back();
                }
                self.editing = Some(Box::pin(edit(text)));
            }
        }
        self.stale = true;
    }

    fn edited(&mut self, text: Result<String, String>) {
        self.editing = None;
        self.back();
        if let Some(prompt) = &mut self.prompt
            && self.view.look(|state| prompt.is_open(state))
        {
            let act = prompt.edited(text);
            if act == Act::Wait && self.screen.is_none() {
                let rows: Vec<String> = prompt.rows(80).into_iter().map(|row| row.text).collect();
                self.lines(&rows);
            }
            self.act(act);
        }
    }

    /// The terminal is this process's again, and somebody else has written on it.
    fn back(&mut self) {
        if self.editing.is_some() {
            return;
        }
        if let Some(tty) = &mut self.tty {
            let _ = tty.take();
        }
        if let Some(screen) = &mut self.screen {
            let size = tty::size(std::io::stderr());
            // What was drawn is somewhere above: it is left there, and drawn again.
            *screen = Screen::new(size, std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()));
        }
        (self.stale, self.frame) = (true, None);
    }
}

/// What a terminal that is not redrawn shows of a key.
fn echo(before: Option<usize>, prompt: &Prompt, key: Key) -> String {
    match (before, prompt.typing().map(str::len), key) {
        (Some(_), _, Key::Enter) | (Some(_), None, _) => "\n".to_owned(),
        (Some(before), Some(after), Key::Char(c)) if after > before => clean(&c.to_string()).into_owned(),
        (Some(before), Some(after), _) if after < before => "\x08 \x08".to_owned(),
        (None, Some(_), _) => format!("{}\n", prompt.rows(80).last().map(|row| row.text.clone()).unwrap_or_default()),
        _ => String::new(),
    }
}

/// What stays above a table that shows the rest.
fn is_important(event: &Event) -> bool {
    use orchestra_pit_core::call::{Call, human};
    use orchestra_pit_core::record::Said;
    match event {
        Event::Ruled(ruled) => !matches!(ruled.ruling, Said::Approved(_)),
        Event::Intended(intended) => match &intended.call {
            Call::Human(human::Call::Notify { .. }) => true,
            Call::Log(line) => line.level == "warn" || line.level == "error",
            _ => false,
        },
        Event::Started(_) | Event::Asked(_) => false,
        _ => true,
    }
}

fn is_question(event: &Event) -> bool {
    use orchestra_pit_core::call::{Call, human};
    match event {
        Event::Asked(_) => true,
        Event::Intended(intended) => {
            matches!(intended.call, Call::Human(human::Call::Ask { .. } | human::Call::Propose { .. }))
        }
        _ => false,
    }
}
