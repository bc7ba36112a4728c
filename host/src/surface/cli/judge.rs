//! What a person takes always has a verdict: the result's own, or, where its branch has moved on, that of what the merge made.

use std::sync::Arc;

use orchestra_pit_core::call::exec::Judged;
use orchestra_pit_core::check::verdict::Kind;
use orchestra_pit_core::commands::Commands;
use orchestra_pit_core::id::Oid;
use orchestra_pit_core::text::clean;

use super::Failure;
use super::accept::{Taking, told};
use super::open::{Desk, Place};
use super::out::{self, note};
use super::setting;
use crate::assemble;
use crate::config::written::Flags;
use crate::effect::exec::judge::Case;
use crate::run::State;
use crate::run::state::FULL;
use crate::surface::exit::Exit;
use crate::surface::{last, words};

/// Judges what is about to be taken.
pub(super) struct Judge<'a> {
    at: &'a Place,
    desk: &'a Desk,
    commands: Arc<Commands>,
    /// Why there is no verdict, if one was wanted.
    unjudged: Option<String>,
    unverified: bool,
}

/// Whether the host's checks found nothing against it: green goes, and so does no worse.
pub(super) fn is_good(judged: Option<&Judged>) -> bool {
    judged.is_some_and(|judged| judged.verdict.kind() != Kind::Red)
}

impl<'a> Judge<'a> {
    /// By the checks that the run was started with. `unverified`: the person takes it whatever they say.
    pub(super) fn new(at: &'a Place, desk: &'a Desk, state: &State, unverified: bool) -> Self {
        let commands = state.root().and_then(|root| root.started.commands.clone()).map(|commands| *commands);
        let unjudged = state.root().and_then(|root| root.ended()?.unjudged.clone());
        Self { at, desk, commands: Arc::new(commands.unwrap_or_default()), unjudged, unverified }
    }

    /// Whether the branch has something that the result was not made on: then it is the merge that is judged.
    pub(super) fn moved(&self, taking: &Taking<'_>) -> Result<bool, Failure> {
        Ok(!self.desk.repo.reaches(taking.run.tip, taking.old).map_err(told)?)
    }

    /// Whether `pit.toml` has other checks by now, in a text that counts or not.
    pub(super) fn others_now(&self) -> bool {
        match setting::settle(&self.desk.repo, &Flags::default()) {
            Ok(settled) => settled.commands().checks != self.commands.checks,
            Err(failure) => failure.exit == Exit::Untrusted,
        }
    }

    /// Refuses what is not good, unless the person has typed a word that nobody types by accident.
    pub(super) fn gate(&self, judged: Option<&Judged>, name: &str) -> Result<(), Failure> {
        self.gate_of(judged, name, &format!("pit terminal {name} is a shell on it"))
    }

    /// `look`: how one looks at what is red.
    fn gate_of(&self, judged: Option<&Judged>, name: &str, look: &str) -> Result<(), Failure> {
        if self.unverified || is_good(judged) {
            return Ok(());
        }
        let (none, next) = if self.commands.checks.contains_key(FULL) {
            ("there is no verdict on all of its files", format!("pit send {name} \"…\" has it judged at its end"))
        } else {
            ("there are no checks of the level full in pit.toml", "pit init proposes checks".to_owned())
        };
        let failure = match (judged, &self.unjudged) {
            (Some(_), _) => Failure::new(Exit::Red, "the checks are red; nothing has changed")
                .hint(format!("pit send {name} \"…\" sends it back; {look}")),
            (None, Some(why)) => Failure::new(Exit::Unverified, format!("{why}; nothing has changed"))
                .hint(format!("pit send {name} \"…\" has them run again")),
            (None, None) => Failure::new(Exit::Unverified, format!("{none}; nothing has changed")).hint(next),
        };
        Err(failure.hint(format!("pit accept {name} --unverified takes it all the same")))
    }

    /// The same for what a merge made, where the branch has moved on: the checks run on it before it is on the branch.
    /// Answers what they came to, in a line, if they ran: also for who takes it unverified, for what is on a branch has a verdict
    /// wherever there can be one.
    pub(super) async fn merged(&self, taking: &Taking<'_>, tree: Oid, commit: Oid) -> Result<Option<String>, Failure> {
        if !self.moved(taking)? {
            return Ok(None);
        }
        if !self.commands.checks.contains_key(FULL) {
            return self.gate(None, &taking.name).map(|()| None);
        }
        note!("the branch has moved on: the checks run on what the merge makes, before it is there");
        let base = self.desk.repo.tree_of(taking.old).map_err(told)?;
        let case = Case { tree, base, commit, level: FULL.to_owned(), within: None };
        let exec = assemble::exec(self.desk.repo.clone(), self.at.machine());
        let judged = match exec.judge(case, self.commands.clone(), &|_| {}).await {
            Err(error) if self.unverified => {
                note!("they could not be run: {}", clean(&error.message));
                return Ok(None);
            }
            judged => judged.map_err(told)?,
        };
        for line in last::verdict(&judged) {
            out::shown(&line);
        }
        // A shell on the run alone shows its own files, in which the branch's are not.
        let onto = taking.onto.strip_prefix("refs/heads/").unwrap_or(&taking.onto);
        let look = format!("pit terminal {} --merged {} is a shell on the merge", taking.name, clean(onto));
        self.gate_of(Some(&judged), &taking.name, &look)?;
        let line = words::line(&judged.verdict.line(), 200);
        Ok(Some(if is_good(Some(&judged)) { line } else { format!("{line}; taken unverified") }))
    }
}
