//! `model`: conversations out, replies in.

use orchestra_pit_core::call::model::{self as core, Call};
use orchestra_pit_core::call::{self, Error, Value};

use super::wit::model::{self as wit, Host};
use super::{Told, invalid};
use crate::guest::store::State;

impl Host for State {
    async fn ask(&mut self, request: wit::Request) -> Told<wit::Reply> {
        let call = request.try_into().map(|request| call::Call::Model(Call::Ask(request)));
        self.tell("model.ask", call, |value| match value {
            Value::Model(value) => match *value {
                core::Value::Reply(reply) => Some(reply.into()),
                core::Value::About(_) => None,
            },
            _ => None,
        })
        .await
    }

    async fn about(&mut self, model: String) -> Told<wit::Details> {
        let call = Ok(call::Call::Model(Call::About(model)));
        self.tell("model.about", call, |value| match value {
            Value::Model(value) => match *value {
                core::Value::About(about) => Some(about.into()),
                core::Value::Reply(_) => None,
            },
            _ => None,
        })
        .await
    }
}

impl TryFrom<wit::Request> for core::Request {
    type Error = Error;

    fn try_from(request: wit::Request) -> Result<Self, Error> {
        // A number that is none has no canonical form, so the call could not be told from another.
        if request.temperature.is_some_and(|temperature| !temperature.is_finite()) {
            return Err(invalid("the temperature is not a finite number"));
        }
        Ok(Self {
            model: request.model,
            system: request.system,
            messages: request.messages.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?,
            tools: request.tools.into_iter().map(Into::into).collect(),
            choice: request.choice.try_into()?,
            schema: request.schema,
            max_output: request.max_output,
            temperature: request.temperature,
            more: request.more,
        })
    }
}

impl TryFrom<wit::Message> for core::Message {
    type Error = Error;

    fn try_from(message: wit::Message) -> Result<Self, Error> {
        let role = match message.role {
            wit::Role::User => core::Role::User,
            wit::Role::Assistant => core::Role::Assistant,
            wit::Role::Other(word) => return Err(invalid(format!("`{word}` is not a role that this host knows"))),
        };
        let parts = message.parts.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?;
        Ok(Self { role, parts })
    }
}

impl TryFrom<wit::Part> for core::Part {
    type Error = Error;

    fn try_from(part: wit::Part) -> Result<Self, Error> {
        Ok(match part {
            wit::Part::Text(text) => Self::Text(text),
            wit::Part::ToolCall(wit::ToolCall { id, name, arguments }) => {
                Self::ToolCall(core::ToolCall { id, name, arguments })
            }
            wit::Part::ToolResult(wit::ToolResult { id, content, is_error }) => {
                Self::ToolResult(core::ToolResult { id, content, is_error })
            }
            wit::Part::Opaque(wit::Opaque { protocol, data }) => {
                Self::Opaque(core::Opaque { protocol, data: data.into() })
            }
            wit::Part::Other((name, _)) => {
                return Err(invalid(format!("`{name}` is not a part of a message that this host knows")));
            }
        })
    }
}

impl From<core::Part> for wit::Part {
    fn from(part: core::Part) -> Self {
        match part {
            core::Part::Text(text) => Self::Text(text),
            core::Part::ToolCall(core::ToolCall { id, name, arguments }) => {
                Self::ToolCall(wit::ToolCall { id, name, arguments })
            }
            core::Part::ToolResult(core::ToolResult { id, content, is_error }) => {
                Self::ToolResult(wit::ToolResult { id, content, is_error })
            }
            core::Part::Opaque(core::Opaque { protocol, data }) => {
                Self::Opaque(wit::Opaque { protocol, data: data.to_vec() })
            }
        }
    }
}

impl From<wit::Tool> for core::Tool {
    fn from(wit::Tool { name, description, parameters }: wit::Tool) -> Self {
        Self { name, description, parameters }
    }
}

impl TryFrom<wit::Choice> for core::Choice {
    type Error = Error;

    fn try_from(choice: wit::Choice) -> Result<Self, Error> {
        Ok(match choice {
            wit::Choice::Automatic => Self::Automatic,
            wit::Choice::None => Self::None,
            wit::Choice::Required => Self::Required,
            wit::Choice::Tool(name) => Self::Tool(name),
            wit::Choice::Other(word) => {
                return Err(invalid(format!("`{word}` is not a choice of tools that this host knows")));
            }
        })
    }
}

impl From<core::Reply> for wit::Reply {
    fn from(reply: core::Reply) -> Self {
        let stop = match reply.stop {
            core::Stop::End => wit::Stop::End,
            core::Stop::ToolCalls => wit::Stop::ToolCalls,
            core::Stop::Length => wit::Stop::Length,
            core::Stop::Refused => wit::Stop::Refused,
            core::Stop::ContextFull => wit::Stop::ContextFull,
            core::Stop::Other(word) => wit::Stop::Other(word),
        };
        let core::Usage { input, cached_read, cache_write, output, reasoning } = reply.usage;
        Self {
            parts: reply.parts.into_iter().map(Into::into).collect(),
            stop,
            usage: wit::Usage { input, cached_read, cache_write, output, reasoning, more: Vec::new() },
            model: reply.model,
            more: reply.more,
        }
    }
}

impl From<core::About> for wit::Details {
    fn from(about: core::About) -> Self {
        let core::About { name, family, context, max_output, more } = about;
        Self { name, family, context, max_output, more }
    }
}
