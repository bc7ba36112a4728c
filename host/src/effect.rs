//! The only code that touches the world for an agent: one file a noun.
//!
//! An effect acts on what the gate has let through. It sees ids, never grants, rules or ledgers, and decides nothing by
//! who asked.

use std::sync::Arc;

use orchestra_pit_core::budget::{Cost, Line};
use orchestra_pit_core::call::human::Remark;
use orchestra_pit_core::call::{
    Answer, Call, CallId, Error, ErrorKind, Order, Site, Value, board as board_call, delegate, human, vcs as vcs_call,
    workspace as workspace_call,
};
use orchestra_pit_core::commands::Commands;
use orchestra_pit_core::id::{Oid, RunId};
use orchestra_pit_core::policy::Scope;
use orchestra_pit_core::time::Time;

use crate::journal::Intent;

pub mod board;
pub mod exec;
pub mod model;
pub mod store;
pub mod vcs;
pub mod workspace;

mod asking;

pub use asking::price;

/// What became of an effect.
#[derive(Debug)]
pub enum Performed {
    /// It is over.
    Now(Answer, Cost),
    /// Nothing runs meanwhile: `run` keeps the wake, and the answer comes when it is true.
    Later(Wake),
}

/// What a call waits for. Data, so that whoever waits costs an entry in an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wake {
    /// A time.
    At(Time),
    /// Any of these children has ended, something was said to the one who waits, or the time has come.
    AnyEnded(Vec<RunId>, Option<Time>),
    /// A person has answered.
    Person(human::Call),
}

/// A child that is to be started: all of it follows from the order.
#[derive(Clone, Debug)]
pub struct Birth {
    /// Its id.
    pub child: RunId,
    /// What it is to do.
    pub order: delegate::Order,
    /// Its limits.
    pub caps: orchestra_pit_core::budget::Caps,
    /// When.
    pub at: Time,
}

/// The people and the runs around an agent: implemented by `run`.
pub trait Team: Send + Sync + 'static {
    /// Carries a call on the team's board out.
    fn board(&self, site: &Site, call: &board_call::Call) -> Answer;
    /// What was said to a run and not read yet.
    fn remarks(&self, run: RunId) -> Vec<Remark>;
    /// Whether there is somebody to put this to.
    fn attended(&self, run: RunId, call: &human::Call) -> bool;
    /// Starts a child, or finds it started.
    fn start(&self, site: &Site, birth: Birth) -> impl Future<Output = Result<RunId, Error>> + Send;
    /// Sends a child a remark, unless it was sent since `asked`: a host may have ended in the middle of it.
    fn message(&self, site: &Site, child: RunId, text: &str, asked: Time) -> Result<(), Error>;
    /// Sends a child that has ended back to work, unless it went back since `asked`.
    fn again(&self, site: &Site, child: RunId, feedback: &str, asked: Time) -> Result<(), Error>;
    /// Stops a child and all below it.
    fn cancel(&self, site: &Site, child: RunId, reason: &str) -> Result<(), Error>;
    /// The tip of a child that has ended.
    fn tip_of(&self, site: &Site, child: RunId) -> Result<Oid, Error>;
    /// Whether all of these are children of the run.
    fn are_children(&self, site: &Site, children: &[RunId]) -> Result<(), Error>;
    /// What files say of native commands, as a tree was started with.
    fn commands(&self, tree: RunId) -> Arc<Commands>;
    /// The model behind an alias of a run, as `provider/model`.
    fn model(&self, run: RunId, alias: &str) -> Option<String>;
}

/// The effects of one process, shared by all its runs.
#[derive(Clone)]
pub struct Effects {
    /// The agents' files and commits.
    pub workspaces: Arc<workspace::Workspaces>,
    /// The language models.
    pub models: Arc<model::models::Models>,
    /// Native commands.
    pub exec: exec::Exec,
}

impl Effects {
    /// Carries out what the gate has let through.
    pub async fn perform<T: Team>(&self, intent: Intent, team: &T, events: model::Events<'_>) -> Performed {
        let (order, scope, line) = intent.into_parts();
        let site = order.site();
        let answer = match order.call() {
            // The record is the effect; people read it there.
            Call::Log(_) => Ok(Value::Done),
            Call::Malformed { error, .. } => Err(error.clone()),
            Call::Clock(sleep) => return Performed::Later(Wake::At(sleep.until)),
            Call::Workspace(call) => self.workspace(site, call, scope).await,
            Call::Vcs(call) => self.vcs(&order, call, &scope, team).await,
            Call::Exec(call) => {
                let commands = team.commands(site.tree);
                let watch = |seen: exec::boxed::Watched<'_>| events(seen.into());
                self.exec.call(site, call, &scope, commands, &watch).await
            }
            Call::Board(call) => team.board(site, call),
            Call::Human(call) => return self.human(site, call, team),
            Call::Delegate(call) => return self.delegate(&order, call, line, team).await,
            Call::Model(call) => {
                self.workspaces.read_ahead(site.run);
                return asking::ask(&self.models, &order, call, line, team, events).await;
            }
        };
        Performed::Now(answer, ONE_CALL)
    }

    async fn workspace(&self, site: &Site, call: &workspace_call::Call, scope: Scope) -> Answer {
        use workspace_call::Call;
        // One file's worth of work is done where it is; what looks at many is done away from the threads that guests
        // run on, which it would keep from everybody else.
        if matches!(call, Call::Stat { .. } | Call::Read { .. } | Call::Write { .. } | Call::Snapshot { .. }) {
            return self.workspaces.call(site, call, &scope);
        }
        let (workspaces, site, call) = (self.workspaces.clone(), site.clone(), call.clone());
        tokio::task::spawn_blocking(move || workspaces.call(&site, &call, &scope))
            .await
            .unwrap_or_else(|_| Err(Error::new(ErrorKind::Unavailable, "the workspace could not be read")))
    }

    async fn vcs<T: Team>(&self, order: &Order, call: &vcs_call::Call, scope: &Scope, team: &T) -> Answer {
        if let vcs_call::Call::Integrate { child, .. } = call {
            team.tip_of(order.site(), *child)?;
        }
        // git's object database is read from disk: away from the threads that guests run on.
        let (workspaces, site, call, scope, at) =
            (self.workspaces.clone(), order.site().clone(), call.clone(), scope.clone(), order.at());
        tokio::task::spawn_blocking(move || workspaces.vcs(&site, &call, at, &scope))
            .await
            .unwrap_or_else(|_| Err(Error::new(ErrorKind::Unavailable, "the history could not be read")))
    }

    fn human<T: Team>(&self, site: &Site, call: &human::Call, team: &T) -> Performed {
        let answer = match call {
            human::Call::Remarks => Ok(Value::Human(human::Value::Remarks(team.remarks(site.run)))),
            human::Call::Notify { .. } => Ok(Value::Done),
            human::Call::Ask { .. } | human::Call::Propose { .. } if team.attended(site.run, call) => {
                return Performed::Later(Wake::Person(call.clone()));
            }
            human::Call::Ask { .. } | human::Call::Propose { .. } => Err(Error::new(
                ErrorKind::Unavailable,
                "nobody is there to answer this: the run was started without a person, or with one for its plan alone",
            )),
        };
        Performed::Now(answer, ONE_CALL)
    }

    async fn delegate<T: Team>(&self, order: &Order, call: &delegate::Call, line: Line, team: &T) -> Performed {
        let site = order.site();
        let answer = match call {
            delegate::Call::Wait { children, timeout_ms } => match team.are_children(site, children) {
                Ok(()) => {
                    let until = timeout_ms.map(|ms| order.at().plus_micros(ms.saturating_mul(1000)));
                    return Performed::Later(Wake::AnyEnded(children.clone(), until));
                }
                Err(error) => Err(error),
            },
            delegate::Call::Start(start) => match line {
                Line::Carve(child, caps) => {
                    let birth = Birth { child, order: (**start).clone(), caps, at: order.at() };
                    team.start(site, birth).await.map(|child| Value::Delegate(delegate::Value::Started(child)))
                }
                Line::Spend(_) => {
                    Err(Error::new(ErrorKind::Invalid, "a child was started without a share of the budget"))
                }
            },
            delegate::Call::Message { child, text } => {
                team.message(site, *child, text, order.at()).map(|()| Value::Done)
            }
            delegate::Call::Again { child, feedback } => {
                team.again(site, *child, feedback, order.at()).map(|()| Value::Done)
            }
            delegate::Call::Cancel { child, reason } => team.cancel(site, *child, reason).map(|()| Value::Done),
        };
        Performed::Now(answer, if matches!(call, delegate::Call::Start(_)) { Cost::default() } else { ONE_CALL })
    }
}

/// What a call costs that costs nothing else.
pub const ONE_CALL: Cost = Cost { micro_usd: 0, unpriced: false, tokens: 0, turns: 0, calls: 1, work: 0 };

/// The id of the child that a call starts.
pub fn child_of(id: CallId) -> RunId {
    id.run.child(id.seq)
}
