//! What the shipped agents share, apart from what each decides.
//!
//! An agent's logic speaks to a [`Host`], which is the SDK in a component ([`Pit`]) and a table in memory in a test, so
//! that `cargo test` on the machine itself covers it. In reading order:
//!
//! - [`host`]: the calls of the contract, as a trait.
//! - [`brief`]: the first message: the task, what must be true, the repository, what others handed over.
//! - [`tool`]: what a tool is to a model: its schema, its arguments, its answer, how much of a result is shown.
//! - [`look`]: the tools that only read.
//! - [`talk`]: a conversation that only grows, until it must be made to fit.
//! - [`trouble`]: failures, counted, so that an agent does not go in circles.
//! - [`envelope`]: tool calls for models that know none.
//! - [`session`]: the loop of asking, carrying out and answering.
//! - [`shape`], [`edits`]: the tools that change files, as the model's family knows them.
//! - [`can`], [`run`], [`checks`]: commands, and the person's checks, for those who were granted them.
//! - [`writer`], [`hands`]: an agent that changes files: a coder, a tester.
//! - [`reader`]: an agent that looks, and then says one thing.
//! - [`team`]: what a lead can ask of its host beyond that.
//! - [`plan`], [`review`], [`tested`]: what the agents of a team hand to each other.

pub mod brief;
pub mod can;
pub mod checks;
pub mod edits;
pub mod envelope;
pub mod hands;
pub mod host;
pub mod look;
pub mod plan;
pub mod reader;
pub mod review;
pub mod run;
pub mod session;
pub mod shape;
pub mod talk;
pub mod team;
pub mod tested;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod tool;
pub mod trouble;
pub mod writer;

pub use host::{Host, Pit};
pub use plan::Plan;
pub use review::Review;
pub use session::{Ended, Role, Session, Step};
pub use talk::Talk;
pub use team::Team;
pub use tool::{Answer, Args};
