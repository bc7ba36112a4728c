//! The loop: take in what people and the team said, ask the model, carry out all calls of its reply, answer them
//! together, until the role is done, or a limit, a wall or the budget ends it.

mod asking;
mod limits;
pub mod saved;
#[cfg(test)]
mod tests;

use crate::talk::{self, Talk};
use crate::tool::Answer;
use crate::trouble::{Course, Trouble, Troubles};
use crate::{Host, envelope};
use orchestra_pit_sdk::human::Remark;
use orchestra_pit_sdk::model::{Details, Part, Reply, Stop, Tool, ToolCall};
use orchestra_pit_sdk::{Error, Failure};

pub use limits::{Limits, TURNS};

/// The topic under which agents of a team tell each other things.
pub const TEAM: &str = "team";

/// The same call with the same answer this often in a row counts as a failure.
const REPEATS: u32 = 3;

/// What an agent is, beyond talking: its tools, and when it is done.
pub trait Role {
    /// What it hands back.
    type Done;

    /// Carries out one call of the model.
    fn call(&mut self, host: &dyn Host, call: &ToolCall) -> Step<Self::Done>;

    /// Whether a call takes the work out of the model's hands (a commit, the end), so that it must not follow a call of
    /// the same reply that failed.
    fn final_call(&self, call: &ToolCall) -> bool;

    /// Whether a call would end the work. It is held back if something was said meanwhile.
    fn ends(&self, call: &ToolCall) -> bool;

    /// What must not be forgotten when the conversation is shortened: sections with headings.
    fn sections(&self) -> String;

    /// What the model is told when it calls no tool.
    fn idle(&self) -> &str;

    /// Takes notice that the conversation was shortened: what was told once may be told again.
    fn shortened(&mut self) {}

    /// Notes to the team that the role itself has put on the board.
    fn own_notes(&self) -> &[u64] {
        &[]
    }
}

/// What came of one call.
#[derive(Debug)]
pub enum Step<D> {
    /// An answer for the model.
    Said(Answer),
    /// The role is done; the text is the answer for the model.
    Done(D, String),
    /// Nothing more can be done: no budget, or somebody stopped it.
    Stop(Error),
}

impl<D> Step<D> {
    /// The answer to a call that failed. What ends a run ends it here too.
    pub fn failed(subject: impl Into<String>, error: Error) -> Self {
        match error.kind.as_str() {
            "exhausted" | "cancelled" => Self::Stop(error),
            _ => Self::Said(Answer::failed(subject, &error)),
        }
    }
}

/// How a session ended.
#[derive(Debug)]
pub enum Ended<D> {
    /// The role is done.
    Done(D),
    /// The conversation has grown long: start anew with what [`saved::Saved`] keeps.
    Again,
    /// It gave up.
    Failed(Failure),
}

/// The calls of a reply that were carried out, with their answers.
type Answered<'a> = Vec<(&'a ToolCall, Answer)>;

/// How the model calls tools.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Spoken {
    /// As its provider does.
    Calls,
    /// As text held to a schema: [`envelope`].
    Envelope,
}

impl Spoken {
    /// How a model is spoken with that edits nothing: as its family is said to, where the host's table knows it.
    pub fn of(model: &Details) -> Self {
        let edits = model.more.iter().find(|(name, _)| name == "edits").map(|(_, edits)| edits.as_str());
        match (edits, model.family.as_str()) {
            (Some("envelope"), _) | (None, "smollm") => Self::Envelope,
            _ => Self::Calls,
        }
    }
}

/// A conversation at work.
#[derive(Debug)]
pub struct Session {
    /// What was said.
    pub talk: Talk,
    /// What failed.
    pub troubles: Troubles,
    /// Turns of this round so far.
    pub turns: u32,
    /// The alias of the model; empty for the agent's own.
    pub model: String,
    system: String,
    tools: Vec<Tool>,
    spoken: Spoken,
    limits: Limits,
    /// Shortenings in this life.
    compactions: u32,
    /// The last note of the team that was taken in.
    noted: u64,
    repeated: (String, u32),
    /// Whether the model is to name a next step, and how often it was asked in vain.
    reflecting: Option<u32>,
    /// Calls that an earlier refusal showed to be pointless.
    deaf: bool,
    alone: bool,
}

impl Session {
    /// A session that begins with `talk`. The system prompt and the tools stay as they are for its whole life.
    pub fn new(talk: Talk, system: String, tools: Vec<Tool>, spoken: Spoken, limits: Limits) -> Self {
        let system = match spoken {
            Spoken::Calls => system,
            Spoken::Envelope => format!("{system}\n{}", envelope::describe(&tools)),
        };
        Self {
            talk,
            troubles: Troubles::default(),
            turns: 0,
            model: String::new(),
            system,
            tools,
            spoken,
            limits,
            compactions: 0,
            noted: 0,
            repeated: (String::new(), 0),
            reflecting: None,
            deaf: false,
            alone: false,
        }
    }

    /// The same session, deaf to the team: it hears people and its parent only.
    #[must_use]
    pub fn apart(self) -> Self {
        Self { alone: true, ..self }
    }

    /// Works until the role is done or cannot go on.
    pub fn run<R: Role>(&mut self, host: &dyn Host, role: &mut R) -> Ended<R::Done> {
        loop {
            if self.turns >= self.limits.turns {
                let message = format!("all {} turns were used", self.limits.turns);
                return Ended::Failed(Failure::new("exhausted", message));
            }
            if self.compactions >= self.limits.compactions {
                return Ended::Again;
            }
            self.listen(host, role.own_notes());
            let reply = match self.ask(host, role) {
                Ok(reply) => reply,
                Err(failure) => return Ended::Failed(failure),
            };
            self.turns += 1;
            if let Some(ended) = self.turn(host, role, &reply) {
                return ended;
            }
            self.warn_of_the_end();
        }
    }

    /// Takes in what people and the team have said since the last look.
    fn listen(&mut self, host: &dyn Host, own: &[u64]) {
        for remark in self.remarks(host) {
            self.talk.tell_standing(remark);
        }
        if !self.alone {
            match host.notes(TEAM, self.noted) {
                Ok(notes) => {
                    for note in notes {
                        self.noted = self.noted.max(note.number);
                        if !own.contains(&note.number) {
                            self.talk.tell(format!("# Note from {}\n\n{}", note.author, note.body));
                        }
                    }
                }
                Err(_) => self.alone = true,
            }
        }
    }

    /// What people have said since the last look.
    fn remarks(&mut self, host: &dyn Host) -> Vec<String> {
        if self.deaf {
            return Vec::new();
        }
        let Ok(remarks) = host.remarks() else {
            // Asked again it would be refused again, and each refusal is shown to a person.
            self.deaf = true;
            return Vec::new();
        };
        let text = |remark: &Remark| {
            let from = remark.more.iter().find(|(name, _)| name == "from").map_or("the person", |(_, who)| who);
            format!("# Remark from {from}\n\n{}", remark.text)
        };
        remarks.iter().map(text).collect()
    }

    /// One reply, from taking it in to answering it.
    fn turn<R: Role>(&mut self, host: &dyn Host, role: &mut R, reply: &Reply) -> Option<Ended<R::Done>> {
        let parts = self.parts(reply);
        self.talk.reply(&parts);
        let calls: Vec<ToolCall> = self.talk.messages().last().into_iter().flat_map(talk::calls).cloned().collect();
        if reply.stop == Stop::Refused {
            let text = reply.text();
            let said = if text.trim().is_empty() { String::new() } else { format!(": {}", text.trim()) };
            return Some(Ended::Failed(Failure::new("refused", format!("the model declined{said}"))));
        }
        if let Some(asked) = self.reflecting
            && let Some(ended) = self.reflected(asked, &reply.text(), calls.is_empty())
        {
            return ended;
        }
        if calls.is_empty() {
            return self.no_call(role, reply);
        }
        // Nobody's remark is to be lost because it came just before the end.
        let said = if calls.iter().any(|call| role.ends(call)) { self.remarks(host) } else { Vec::new() };
        let (results, end) = self.carry_out(host, role, &calls, !said.is_empty());
        let failed: Vec<Trouble> = results.iter().filter_map(|(_, answer)| trouble(answer)).collect();
        let done = results.iter().filter(|(_, answer)| answer.error.is_none());
        let succeeded: Vec<String> = done.map(|(_, answer)| answer.subject.clone()).collect();
        self.talk.answer(results.iter().map(|(call, answer)| answer.result(&call.id)).collect());
        for remark in said {
            self.talk.tell_standing(remark);
        }
        if reply.stop == Stop::Length {
            self.talk.tell("The reply was cut at its limit. Take smaller steps: a large file in several edits.");
        }
        if let Some(tool) = bad_call(reply) {
            self.talk.tell(not_json(tool));
        }
        if end.is_some() {
            return end;
        }
        self.course(host, &failed, &succeeded)
    }

    /// The parts of a reply, an envelope made a call.
    fn parts(&self, reply: &Reply) -> Vec<Part> {
        if self.spoken == Spoken::Envelope && self.reflecting.is_none() {
            let id = format!("call-{}", self.turns);
            if let Some(call) = envelope::read(&reply.text(), id) {
                return vec![Part::ToolCall(call)];
            }
        }
        reply.parts.clone()
    }

    /// The model was to name a next step. `Some` if the turn ends here.
    fn reflected<D>(&mut self, asked: u32, text: &str, silent: bool) -> Option<Option<Ended<D>>> {
        if self.troubles.resolve(text) {
            self.reflecting = None;
            if !silent {
                return None;
            }
            self.talk.tell("Do that.");
            return Some(None);
        }
        if asked > 0 {
            return Some(Some(Ended::Failed(self.stuck("and no other next step was named"))));
        }
        self.reflecting = Some(asked + 1);
        self.talk.tell("That names no step, or one that was named before. Name another: `Next step: …`.");
        Some(None)
    }

    fn no_call<R: Role>(&mut self, role: &R, reply: &Reply) -> Option<Ended<R::Done>> {
        let (kind, told) = match (bad_call(reply), &reply.stop) {
            (Some(tool), _) => ("bad-call", not_json(tool)),
            (None, Stop::Length) => {
                ("length", "The reply was cut at its limit before it called a tool. Be brief.".to_owned())
            }
            (None, _) => ("no-call", role.idle().to_owned()),
        };
        self.talk.tell(&*told);
        // To reflect is to call no tool, which is what the model does too much already.
        match self.troubles.take(&[Trouble::new("a reply without a tool call", kind, &reply.text())], &[]) {
            Course::Stop => Some(Ended::Failed(self.stuck("for the third time"))),
            Course::On | Course::Reflect => None,
        }
    }

    fn carry_out<'a, R: Role>(
        &mut self,
        host: &dyn Host,
        role: &mut R,
        calls: &'a [ToolCall],
        held: bool,
    ) -> (Answered<'a>, Option<Ended<R::Done>>) {
        let mut results: Answered<'a> = Vec::with_capacity(calls.len());
        let mut end = None;
        for call in calls {
            if end.is_some() {
                break;
            }
            if role.final_call(call) && results.iter().any(|(_, answer)| answer.error.is_some()) {
                let error =
                    Error::new("conflict", "not carried out, because a call before it in the same reply failed");
                // It is the other call's failure, not one of its own.
                results.push((call, Answer { error: Some(String::new()), ..Answer::failed(&call.name, &error) }));
                continue;
            }
            if held && role.ends(call) {
                let told = "The work is not ended yet: something was said meanwhile. Take it in, then end it.";
                results.push((call, Answer::done(&call.name, told)));
                continue;
            }
            match role.call(host, call) {
                Step::Said(answer) => results.push((call, self.unless_repeated(call, answer))),
                Step::Done(done, told) => {
                    results.push((call, Answer::done(&call.name, told)));
                    end = Some(Ended::Done(done));
                }
                Step::Stop(error) => {
                    results.push((call, Answer::failed(&call.name, &error)));
                    end = Some(Ended::Failed(error.into()));
                }
            }
        }
        (results, end)
    }

    /// An answer that has come several times to the same call is a failure, however well it went.
    fn unless_repeated(&mut self, call: &ToolCall, answer: Answer) -> Answer {
        let this = format!("{}\n{}\n{}", call.name, call.arguments, answer.content);
        if self.repeated.0 == this {
            self.repeated.1 += 1;
        } else {
            self.repeated = (this, 1);
        }
        if answer.error.is_some() || self.repeated.1 < REPEATS {
            return answer;
        }
        let times = self.repeated.1;
        let content = format!("{}\n[the same call, with the same answer, for the {times}th time]", answer.content);
        Answer { content, error: Some("repeated".to_owned()), ..answer }
    }

    /// Acts on the failures of a turn.
    fn course<D>(&mut self, host: &dyn Host, failed: &[Trouble], succeeded: &[String]) -> Option<Ended<D>> {
        match self.troubles.take(failed, succeeded) {
            Course::On => None,
            Course::Reflect => {
                host.say("several steps failed; the model is to name another");
                self.reflecting = Some(0);
                self.talk.tell(self.troubles.question());
                None
            }
            Course::Stop => Some(Ended::Failed(self.stuck("for the third time"))),
        }
    }

    fn stuck(&self, how: &str) -> Failure {
        let worst = self.troubles.worst();
        // What a person would have to allow is no fault of its own.
        let kind = worst.map(|worst| worst.kind.as_str()).filter(|kind| ["denied", "needs-person"].contains(kind));
        let told = worst.map(|worst| format!("{}: {}", worst.subject, worst.message)).unwrap_or_default();
        Failure::new(kind.unwrap_or("stuck"), format!("the same step failed {how}: {told}"))
    }

    fn warn_of_the_end(&mut self) {
        let left = self.limits.turns.saturating_sub(self.turns);
        if left > 0 && self.limits.warns(left) {
            let turns = if left == 1 { "1 turn is" } else { &format!("{left} turns are") };
            self.talk.tell(format!("{turns} left of {}. Commit what is good, and finish.", self.limits.turns));
        }
    }
}

/// The tool of a call that the host left out, because its arguments were no JSON object.
fn bad_call(reply: &Reply) -> Option<&str> {
    reply.more.iter().find(|(name, _)| name == "bad-call").map(|(_, tool)| tool.as_str())
}

fn not_json(tool: &str) -> String {
    format!(
        "Your call of `{tool}` was not carried out: its arguments were not one JSON object. Write it again; quotes, line \
         breaks and backslashes in a text are to be escaped, and a long text is better written in several calls."
    )
}

fn trouble(answer: &Answer) -> Option<Trouble> {
    let kind = answer.error.as_deref().filter(|kind| !kind.is_empty())?;
    Some(Trouble::new(&answer.subject, kind, &answer.content))
}
