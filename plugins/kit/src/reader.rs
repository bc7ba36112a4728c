//! An agent that looks, and then says one thing: a planner its plan, a reviewer its verdict. It changes nothing.

use crate::brief::{Allowance, Instructions};
use crate::session::saved::Saved;
use crate::session::{Ended, Limits, Spoken, TURNS};
use crate::tool::{Answer, Args, invalid};
use crate::{Host, Role, Session, Step, Talk, look};
use orchestra_pit_sdk::model::{Tool, ToolCall};
use orchestra_pit_sdk::{Error, Failure, Outcome, Report, Task};
use serde::{Deserialize, Serialize};

/// Tokens of the map of the repository, where nobody says otherwise: a few hundred files.
const MAP: u64 = 2_000;

/// The version of the state. What has another one is not read; the work then begins with a new conversation.
const VERSION: u32 = 1;

/// Bytes of the conversation in the state: the host keeps a MiB, and what is beside it is small.
const MAX_TALK: usize = 900 << 10;

/// What an agent is that looks and says one thing.
pub trait Reader {
    /// The system prompt.
    fn system(&self) -> String;

    /// The first message.
    fn first(&self, host: &dyn Host, instructions: &mut Instructions, allowance: Allowance) -> String;

    /// What a round after the first begins with. The first `heard` words of feedback were told before.
    fn again(&self, heard: usize) -> String;

    /// Its tools beside those that look; the last is the one that says what it has to say.
    fn tools(&self) -> Vec<Tool>;

    /// Carries out a tool of its own that only shows something: what it was about, and what came of it.
    fn show(&mut self, host: &dyn Host, name: &str, args: &Args) -> Option<(String, Result<String, Error>)>;

    /// Says what it has to say.
    ///
    /// # Errors
    /// What is wrong with it, for the model to act on.
    fn say(&mut self, host: &dyn Host, args: &Args) -> Result<Report, Error>;

    /// Whether it hears what the team says meanwhile.
    fn hears_the_team(&self) -> bool;
}

/// Does a task.
///
/// # Errors
/// The failure that ends the run.
pub fn work(host: &dyn Host, task: &Task, reader: &mut dyn Reader) -> Result<Outcome, Failure> {
    let model = host.about("")?;
    let limits = Limits::of(&model, number(task, "turns")?.unwrap_or(TURNS));
    let map = number(task, "map")?.map_or(MAP, u64::from);
    let allowance = Allowance::of(limits.context, map);
    let mut session = begin(host, task, reader, limits, Spoken::of(&model), allowance);
    if !reader.hears_the_team() {
        session = session.apart();
    }
    let tools = tools(reader);
    let says = tools.last().map(|tool| tool.name.clone()).unwrap_or_default();
    let names = tools.iter().map(|tool| tool.name.as_str()).collect::<Vec<_>>().join(", ");
    let idle = format!("You called no tool. Look at what you still need; then call `{says}`.");
    let mut eyes = Eyes { reader, says, names, idle };
    let ended = session.run(host, &mut eyes);
    let mut state = || State {
        version: VERSION,
        round: task.round,
        heard: task.feedback.len(),
        session: session.save(MAX_TALK, ""),
    };
    match ended {
        Ended::Done(mut report) => {
            report.state = state().write();
            Ok(Outcome::Done(report))
        }
        Ended::Again => match state().write() {
            Some(state) => Ok(Outcome::Again(state)),
            None => Err(Failure::new("too-large", "the conversation cannot be carried into another life")),
        },
        Ended::Failed(failure) => Err(failure),
    }
}

/// The conversation of the life or round before, or a new one.
fn begin(
    host: &dyn Host,
    task: &Task,
    reader: &dyn Reader,
    limits: Limits,
    spoken: Spoken,
    allowance: Allowance,
) -> Session {
    if let Some(State { round, heard, session, .. }) = task.state.as_deref().and_then(State::read)
        && let Some(mut session) = Session::resume(session, reader.system(), tools(reader), spoken, limits)
    {
        if round < task.round {
            session.new_round();
            session.talk.tell_standing(reader.again(heard));
        }
        return session;
    }
    let mut instructions = Instructions::find(host, allowance.instructions);
    let first = reader.first(host, &mut instructions, allowance);
    Session::new(Talk::new(first), reader.system(), tools(reader), spoken, limits)
}

fn tools(reader: &dyn Reader) -> Vec<Tool> {
    let mut tools = vec![look::read_tool()];
    tools.extend(look::tools());
    tools.extend(reader.tools());
    tools
}

/// A setting that is a whole number.
///
/// # Errors
/// `invalid`, naming the setting.
pub fn number(task: &Task, name: &str) -> Result<Option<u32>, Failure> {
    match task.setting(name) {
        None | Some("") => Ok(None),
        Some(text) => text.parse().map(Some).map_err(|_| {
            Failure::new("invalid", format!("the setting `{name}` is {text:?}; it must be a whole number"))
        }),
    }
}

/// What is kept for the next round or the next life.
#[derive(Serialize, Deserialize)]
struct State {
    version: u32,
    round: u32,
    heard: usize,
    session: Saved,
}

impl State {
    fn write(&self) -> Option<Vec<u8>> {
        serde_json::to_vec(self).ok().filter(|bytes| bytes.len() < 1 << 20)
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok().filter(|state: &Self| state.version == VERSION)
    }
}

struct Eyes<'a> {
    reader: &'a mut dyn Reader,
    says: String,
    names: String,
    idle: String,
}

impl Role for Eyes<'_> {
    type Done = Report;

    fn call(&mut self, host: &dyn Host, call: &ToolCall) -> Step<Report> {
        if let Some(step) = look::call(host, call) {
            return step;
        }
        let args = match Args::new(&call.arguments) {
            Ok(args) => args,
            Err(error) => return Step::failed(&call.name, error),
        };
        if call.name == self.says {
            return match self.reader.say(host, &args) {
                Ok(report) => Step::Done(report, "It is handed over.".to_owned()),
                Err(error) => Step::failed(&call.name, error),
            };
        }
        match self.reader.show(host, &call.name, &args) {
            Some((subject, Ok(content))) => Step::Said(Answer::done(subject, content)),
            Some((subject, Err(error))) => Step::failed(subject, error),
            None => {
                Step::failed(&call.name, invalid(format!("there is no tool {:?}; there are {}", call.name, self.names)))
            }
        }
    }

    fn final_call(&self, call: &ToolCall) -> bool {
        call.name == self.says
    }

    fn ends(&self, call: &ToolCall) -> bool {
        call.name == self.says
    }

    fn sections(&self) -> String {
        String::new()
    }

    fn idle(&self) -> &str {
        &self.idle
    }
}
