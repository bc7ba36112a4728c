//! What is behind `model.ask`: a provider's server, or a script in its place.
//!
//! One file a protocol ([`chat`], [`responses`], [`messages`]), each a pure pair of encoder and decoder;
//! what models accept and cost is data ([`family`], [`price`]); [`endpoint`] is the only one that opens a connection.
//! [`scripted`] answers from a file, for tests and the demo.

use orchestra_pit_core::call::{CallId, Error, model::Reply, model::Request, model::Usage};

pub mod chat;
pub mod complaint;
pub mod endpoint;
pub mod estimate;
pub mod family;
pub mod key;
pub mod messages;
pub mod models;
pub mod patience;
pub mod price;
pub mod responses;
pub mod scripted;
pub mod secret;
pub mod settings;
pub mod sse;
pub mod wire;

/// One request on its way to a model.
#[derive(Clone, Copy, Debug)]
pub struct Asking<'a> {
    /// The agent's name without its version. Only a script looks at it.
    pub who: &'a str,
    /// The call: asked again after a crash it is the same, and servers that know idempotency keys see that.
    pub id: CallId,
    /// Which model, as `provider/model` or an alias of it.
    pub model: &'a str,
    /// What the agent wants to know. The alias in it is the agent's own; only a script looks at it.
    pub request: &'a Request,
    /// Tokens that the reply may have: what is held for it.
    pub most_output: u32,
}

/// What became of a request, and what it used in all attempts together.
#[derive(Clone, PartialEq, Debug)]
pub struct Told {
    /// For the agent.
    pub answer: Result<Reply, Error>,
    /// The tokens of the answer and of attempts that broke off. Zero when nothing was sent.
    pub used: Usage,
    /// Millionths of a US dollar; `None` where the model's price is not known.
    pub micro_usd: Option<u64>,
}

/// What people see while a reply arrives. The agent receives the settled reply only.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Delta {
    /// More of the reply's text.
    Text(String),
    /// More of what the model thinks aloud; never part of the reply's text.
    Thinking(String),
    /// The model begins to call this tool.
    Call(String),
    /// More of the arguments of the call begun last.
    Arguments(String),
    /// A command begins. It is no model's, and comes the same way.
    Command(String),
    /// It writes this.
    Output(String),
    /// The attempt failed, and what came of it does not count; another one starts after this wait.
    Again {
        /// Why it failed.
        why: String,
        /// Milliseconds.
        wait_ms: u64,
    },
}

/// Where deltas go. It must not block.
pub type Events<'a> = &'a (dyn Fn(Delta) + Send + Sync);
