//! One request: the conversation made to fit, asked, and made to fit once more if the server says that it did not.

use super::{Role, Session, Spoken};
use crate::{Host, envelope};
use orchestra_pit_sdk::Failure;
use orchestra_pit_sdk::model::{Choice, Reply, Request, Stop};

/// How often the conversation is made shorter still for one request before the agent gives up.
const SQUEEZES: u32 = 3;

impl Session {
    /// Asks, and answers with the whole reply.
    pub(super) fn ask<R: Role>(&mut self, host: &dyn Host, role: &mut R) -> Result<Reply, Failure> {
        let (mut squeezes, mut interrupted) = (0, false);
        loop {
            self.make_room(host, role, squeezes);
            let request = self.request();
            match host.ask_model(&request) {
                Ok(Reply { stop: Stop::ContextFull, .. }) => {}
                Ok(reply) => {
                    let system_and_tools = self.fixed_bytes();
                    self.talk.measured(system_and_tools + self.talk.bytes(), reply.usage.input);
                    return Ok(reply);
                }
                Err(error) if error.is("context-full") => {}
                // An answer may have been paid for and lost; to ask once more has no other effect.
                Err(error) if error.is("interrupted") && !interrupted => {
                    interrupted = true;
                    continue;
                }
                Err(error) => return Err(error.into()),
            }
            squeezes += 1;
            if squeezes > SQUEEZES || self.talk.messages().len() == 1 {
                let message = "the model's context is full, and nothing more can be left out of the conversation";
                return Err(Failure::new("context-full", message));
            }
        }
    }

    /// Shortens the conversation if it does not fit, or if the server said so.
    fn make_room<R: Role>(&mut self, host: &dyn Host, role: &mut R, squeezes: u32) {
        let window = self.limits.window(self.talk.tokens_of(self.fixed_bytes()));
        if squeezes == 0 && self.talk.tokens_of(self.talk.bytes()) <= window {
            return;
        }
        // Half, so that many turns share the new prefix before it changes again.
        let room = self.talk.bytes_of((window / 2) >> squeezes);
        let room = if squeezes > 0 { room.min(self.talk.bytes() / 2) } else { room };
        let before = self.talk.bytes();
        let open = self.troubles.lines();
        let mut sections = role.sections();
        if !open.is_empty() {
            sections.push_str(&format!("\n# Open failures\n\n{open}"));
        }
        self.talk.compact(room, &sections);
        self.compactions += 1;
        role.shortened();
        host.say(&format!("the conversation was shortened from {before} to {} bytes", self.talk.bytes()));
    }

    /// Bytes of a request that are no messages.
    fn fixed_bytes(&self) -> u64 {
        let tools = self.tools.iter().map(|tool| tool.name.len() + tool.description.len() + tool.parameters.len() + 20);
        u64::try_from(self.system.len() + tools.sum::<usize>()).unwrap_or(u64::MAX)
    }

    fn request(&self) -> Request {
        let think = self.reflecting.is_some();
        let common = Request {
            model: self.model.clone(),
            system: self.system.clone(),
            max_output: Some(self.limits.output),
            ..Request::default()
        };
        match self.spoken {
            Spoken::Calls => Request {
                messages: self.talk.messages().to_vec(),
                tools: self.tools.clone(),
                choice: if think { Choice::None } else { Choice::Automatic },
                ..common
            },
            Spoken::Envelope => Request {
                messages: envelope::plain(self.talk.messages()),
                schema: (!think).then(|| envelope::schema(&self.tools)),
                // Small models stay on the rails best when nothing is left to chance.
                temperature: Some(0.0),
                ..common
            },
        }
    }
}
