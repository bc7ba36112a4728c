//! What effects find around an agent: its board, its people, its children.

use std::collections::BTreeMap;
use std::sync::Arc;

use orchestra_pit_core::call::delegate::{self, End};
use orchestra_pit_core::call::human::Remark;
use orchestra_pit_core::call::{Answer, Error, ErrorKind, Site, board, human};
use orchestra_pit_core::commands::Commands;
use orchestra_pit_core::id::{Hash, Oid, RunId};
use orchestra_pit_core::pattern::{PathSet, Pattern};
use orchestra_pit_core::policy::Grants;
use orchestra_pit_core::record::{Enlisted, Event, Remarked, SEMANTICS, Started};
use orchestra_pit_core::time::Time;

use super::state::{PARENT, Phase};
use super::tree::Tree;
use crate::effect::workspace::TASKS;
use crate::effect::{Birth, Team};
use crate::gate::lock;

impl Team for Arc<Tree> {
    fn board(&self, site: &Site, call: &board::Call) -> Answer {
        let mut state = lock(&self.state);
        let author = state.author(site.run);
        state.board.call(&author, call)
    }

    fn remarks(&self, run: RunId) -> Vec<Remark> {
        self.look(|state| state.runs.get(&run).map(|run| run.remarks.iter().cloned().collect()).unwrap_or_default())
    }

    fn attended(&self, run: RunId, call: &human::Call) -> bool {
        let plan = matches!(call, human::Call::Propose { form, .. } if form == "plan");
        self.look(|state| {
            state.runs.get(&run).is_some_and(|run| run.started.attended && (plan || !run.started.plan_only))
        })
    }

    async fn start(&self, site: &Site, birth: Birth) -> Result<RunId, Error> {
        let child = birth.child;
        if self.look(|state| state.runs.contains_key(&child)) {
            return Ok(child);
        }
        let started = self.child(site, &birth)?;
        let lease = started.lease.clone();
        self.host.effects.workspaces.lease(self.id, child, &lease)?;
        let (base, branch) = (started.base, started.site.branch.clone());
        self.host
            .effects
            .workspaces
            .open(child, base, &branch)
            .inspect_err(|_| self.host.effects.workspaces.release(child))?;
        self.host.journal.begin(child, self.id);
        let task = started.task.clone();
        self.note(child, Event::Started(Box::new(started)));
        let _rides = self.begin(child, task);
        Ok(child)
    }

    fn message(&self, site: &Site, child: RunId, text: &str, asked: Time) -> Result<(), Error> {
        self.is_child(site, child)?;
        if self.look(|state| state.runs.get(&child).is_some_and(|child| child.parent_said > asked)) {
            return Ok(());
        }
        if self.phase(child) != Some(Phase::Live) {
            return Err(Error::new(
                ErrorKind::Conflict,
                "that child has ended; `delegate.again` sends it back to work",
            ));
        }
        self.note(child, Event::Remarked(Remarked { from: PARENT.to_owned(), text: text.to_owned() }));
        self.changed.notify_waiters();
        Ok(())
    }

    fn again(&self, site: &Site, child: RunId, feedback: &str, asked: Time) -> Result<(), Error> {
        self.is_child(site, child)?;
        // It can only have begun after the call if the call has had its effect, in a life that did not come to answer it.
        if self.look(|state| {
            let began = state.runs.get(&child).and_then(|child| child.began.as_ref());
            began.is_some_and(|began| began.at > asked)
        }) {
            return Ok(());
        }
        if self.phase(child) == Some(Phase::Live) {
            return Err(Error::new(ErrorKind::Conflict, "that child is still running"));
        }
        let lease = self.look(|state| state.runs.get(&child).map(|run| run.started.lease.clone()).unwrap_or_default());
        self.host.effects.workspaces.lease(self.id, child, &lease)?;
        let _rides = self.next_round(child, feedback.to_owned());
        Ok(())
    }

    fn cancel(&self, site: &Site, child: RunId, reason: &str) -> Result<(), Error> {
        self.is_child(site, child)?;
        let (tree, reason) = (self.clone(), reason.to_owned());
        // In a task of its own: the caller may be cancelled while its child is being stopped.
        tokio::spawn(async move {
            if let Err(refused) = tree.cancel(child, &reason).await {
                tree.note(child, Event::Stopped { why: refused.to_string() });
            }
        });
        Ok(())
    }

    fn tip_of(&self, site: &Site, child: RunId) -> Result<Oid, Error> {
        self.is_child(site, child)?;
        match self.look(|state| state.runs.get(&child).and_then(|run| run.ended().map(|ended| ended.commit))) {
            Some(tip) => Ok(tip),
            None => Err(Error::new(ErrorKind::Conflict, "that child is still running")),
        }
    }

    fn are_children(&self, site: &Site, children: &[RunId]) -> Result<(), Error> {
        if children.is_empty() {
            return Err(Error::new(ErrorKind::Invalid, "there is no child to wait for"));
        }
        children.iter().try_for_each(|child| self.is_child(site, *child))
    }

    fn commands(&self, _tree: RunId) -> Arc<Commands> {
        let recorded = self.look(|state| state.root().and_then(|root| root.started.commands.clone()));
        recorded.map(|commands| Arc::new(*commands)).unwrap_or_default()
    }

    fn model(&self, run: RunId, alias: &str) -> Option<String> {
        self.look(|state| state.runs.get(&run)?.started.models.get(alias).cloned())
    }
}

impl Tree {
    fn phase(&self, run: RunId) -> Option<Phase> {
        self.look(|state| state.runs.get(&run).map(|run| run.phase.clone()))
    }

    /// A run sees its own children and no other runs.
    fn is_child(&self, site: &Site, child: RunId) -> Result<(), Error> {
        match self.look(|state| state.runs.get(&child).is_some_and(|run| run.started.site.parent == Some(site.run))) {
            true => Ok(()),
            false => Err(Error::new(ErrorKind::NotFound, format!("{} is not a child of this agent", child.short()))),
        }
    }

    /// The agent of a name: one that the person brought along before one of the program's own.
    fn agent(&self, name: &str) -> Option<Enlisted> {
        let root = self.look(|state| state.root().map(|root| root.started.clone()));
        let mine = root.and_then(|root| root.agents.iter().find(|agent| agent.name == name).cloned());
        mine.or_else(|| Some(self.host.agents.named(name)?.clone().enlisted(name.to_owned())))
    }

    /// The start record of a child: what it asks for, as far as its parent has it.
    fn child(self: &Arc<Self>, site: &Site, birth: &Birth) -> Result<Started, Error> {
        let order = &birth.order;
        let agent = self.agent(&order.agent).ok_or_else(|| {
            Error::new(ErrorKind::NotFound, format!("this run knows no agent `{}`", order.agent))
                .hint("its agents are named at its start")
        })?;
        let parent = self.look(|state| state.runs.get(&site.run).map(|run| run.started.clone()));
        let parent = parent.ok_or_else(|| Error::new(ErrorKind::NotFound, "the parent is not on record"))?;
        let models = child_models(&parent.models, &parent.grants.model, &order.model)?;
        let base = match order.start {
            delegate::Start::Head => self.host.effects.workspaces.head(site.run)?,
            delegate::Start::Base => parent.base,
            delegate::Start::Child(other) => self.tip_of(site, other)?,
        };
        let ordinal = self.look(|state| u32::try_from(state.order.len()).unwrap_or(u32::MAX));
        let grants = grants(&parent.grants, &agent.grants, &order.write)?;
        Ok(Started {
            semantics: SEMANTICS,
            site: Site {
                run: birth.child,
                tree: self.id,
                parent: Some(site.run),
                agent: agent.hash,
                agent_name: agent.agent,
                branch: format!("{TASKS}{}/{ordinal}", self.id),
                model: Some(super::asked(&models, &grants.model)),
            },
            ordinal,
            contract: parent.contract.clone(),
            seed: Hash::of_parts(&[&parent.seed.0, &birth.child.0]),
            limits: super::life::recorded_limits(),
            grants,
            rules: parent.rules.clone(),
            caps: birth.caps,
            models,
            base,
            onto: None,
            task: delegate::Task { round: order.task.round.max(1), ..order.task.clone() },
            title: order.task.goal.lines().next().unwrap_or_default().chars().take(80).collect(),
            card: order.card.clone(),
            lease: order.lease.clone(),
            // The plan is the first run's: whoever it starts has nobody to ask.
            attended: parent.attended && !parent.plan_only,
            plan_only: false,
            agents: Vec::new(),
            commands: None,
        })
    }

    /// How a run ended, for the exit code and the last screen.
    pub fn outcome(&self) -> Option<End> {
        self.look(|state| state.root().and_then(|root| root.ended().map(|ended| ended.end.clone())))
    }
}

/// What is behind each alias.
type Models = BTreeMap<String, String>;

/// The parent's models, with the one it chose for the child as the child's own.
fn child_models(models: &Models, granted: &[String], alias: &str) -> Result<Models, Error> {
    let mut models = models.clone();
    if !alias.is_empty() {
        let chosen = models.get(alias).filter(|_| granted.iter().any(|granted| granted == alias)).cloned();
        let chosen =
            chosen.ok_or_else(|| Error::new(ErrorKind::NotFound, format!("this run has no model `{alias}`")))?;
        models.insert("default".to_owned(), chosen);
    }
    Ok(models)
}

/// What a child gets: what its manifest asks for, within its parent's grants and the paths of the order.
fn grants(parent: &Grants, asks: &Grants, write: &[String]) -> Result<Grants, Error> {
    let mut grants = parent.narrowed_to(asks);
    if !write.is_empty() {
        let any = write.iter().map(|text| Pattern::new(text)).collect::<Result<Vec<_>, _>>();
        let any = any.map_err(|error| Error::new(ErrorKind::Invalid, error.to_string()))?;
        grants.write = Arc::new(PathSet { any: any.into(), ..PathSet::default() }.narrowed(&grants.write));
    }
    Ok(grants)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parent_gives_a_child_only_a_model_that_it_was_given_itself() {
        let models: Models = [("default", "a/small"), ("fast", "a/tiny"), ("strong", "a/dear")]
            .map(|(k, v)| (k.into(), v.into()))
            .into();
        let granted = ["default".to_owned(), "fast".to_owned()];
        let default = |alias| child_models(&models, &granted, alias).map(|models| models["default"].clone());
        assert_eq!(default("").unwrap(), "a/small", "its parent's");
        assert_eq!(default("fast").unwrap(), "a/tiny");
        // On record with the run and not this agent's; and not there at all.
        for alias in ["strong", "other"] {
            let refused = default(alias).unwrap_err();
            assert_eq!(
                (refused.kind, refused.message),
                (ErrorKind::NotFound, format!("this run has no model `{alias}`"))
            );
        }
    }
}
