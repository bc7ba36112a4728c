//! Makes a tree's state and workspaces again from its records.

use std::collections::HashMap;

use orchestra_pit_core::call::Error;
use orchestra_pit_core::id::RunId;
use orchestra_pit_core::record::{Ended, Event, Header};

use super::{StartError, State};
use crate::effect::workspace::Workspaces;
use crate::journal::Journal;

/// What a tree of runs stands at by its records, its workspaces open: for those who look at the files and go on with nothing.
pub async fn standing(journal: &Journal, workspaces: &Workspaces, tree: RunId) -> Result<State, StartError> {
    let rows = journal.read_tree(tree, 0).await?;
    let records: Vec<(Header, Option<Event>)> = rows.into_iter().map(|row| (row.header, row.event)).collect();
    let mut state = State::default();
    fold(workspaces, &records, &mut state, |_, _| ())?;
    Ok(state)
}

/// Applies records in the order they were written. `ended` is called at each end, when the workspace is what it was then.
pub(super) fn fold(
    workspaces: &Workspaces,
    records: &[(Header, Option<Event>)],
    state: &mut State,
    mut ended: impl FnMut(RunId, &Ended),
) -> Result<(), StartError> {
    let mut intents = HashMap::new();
    for (header, event) in records {
        let run = header.run;
        let event = event
            .as_ref()
            .ok_or_else(|| StartError::Fold { run, why: format!("record {} was erased", header.number) })?;
        let failed = |error: Error| StartError::Fold { run, why: error.message };
        state.apply(run, header.at, event);
        let started = state.runs.get(&run).map(|run| run.started.clone());
        match (event, started) {
            // From its start on record a run holds its files, whether its first stretch is on record or not.
            (Event::Started(started), _) => {
                workspaces.open(run, started.base, &started.site.branch).map_err(failed)?;
                workspaces.lease(started.site.tree, run, &started.lease).map_err(failed)?;
            }
            (Event::Began(_), Some(started)) => {
                workspaces.lease(started.site.tree, run, &started.lease).map_err(failed)?
            }
            (Event::Ended(end), _) => {
                ended(run, end);
                workspaces.release(run);
            }
            (Event::Intended(intended), _) => {
                intents.insert(run, intended.call.clone());
            }
            (Event::Answered(answered), Some(started)) => {
                if let (Some(call), Ok(_)) = (intents.remove(&run), &answered.answer) {
                    workspaces.redo(&started.site, &call, &answered.answer).map_err(failed)?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}
