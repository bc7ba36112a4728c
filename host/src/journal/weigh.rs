//! About how many bytes a record will have: to bound what is queued, without encoding it on the caller's path.

use orchestra_pit_core::call::model::{Message, Part};
use orchestra_pit_core::call::{Answer, Call, Value, board, delegate, human, model, vcs, workspace};
use orchestra_pit_core::edit::Edit;
use orchestra_pit_core::record::{Event, Said};

use super::queue::{Item, What};

/// The header, ids and small fields of any record.
const SMALL: usize = 512;

pub(super) fn item(item: &Item) -> usize {
    SMALL
        + match item {
            Item::Record { what: What::Intended { call, .. }, .. } => weigh_call(call),
            Item::Record { what: What::Answered { answer, .. }, .. } => weigh_answer(answer),
            Item::Record { what: What::Event(event), .. } => weigh_event(event),
            Item::Begin { .. } | Item::Install { .. } | Item::Check { .. } | Item::Done { .. } | Item::Ask { .. } => 0,
        }
}

fn weigh_event(event: &Event) -> usize {
    match event {
        Event::Asked(asked) => weigh_call(&asked.call),
        Event::Intended(intended) => weigh_call(&intended.call),
        Event::Answered(answered) => weigh_answer(&answered.answer),
        Event::Ruled(ruled) => match &ruled.ruling {
            Said::Denied { call, .. } | Said::Exhausted { call, .. } => weigh_call(call),
            Said::Approved(_) | Said::Rejected { .. } => 0,
        },
        Event::Began(began) => began.task.goal.len(),
        Event::Remarked(remarked) => remarked.text.len(),
        _ => 0,
    }
}

fn weigh_call(call: &Call) -> usize {
    match call {
        Call::Log(line) => line.message.len(),
        Call::Model(model::Call::Ask(request)) => {
            request.system.len() + request.messages.iter().map(message).sum::<usize>()
        }
        Call::Workspace(workspace::Call::Write { bytes, .. }) => bytes.len(),
        Call::Workspace(workspace::Call::Edit { edits }) => edits.iter().map(weigh_edit).sum(),
        Call::Board(board::Call::Post { body, .. }) => body.len(),
        Call::Board(board::Call::Put { cards }) => cards.len() * SMALL,
        Call::Human(human::Call::Propose { body, .. }) => body.len(),
        Call::Delegate(delegate::Call::Start(order)) => {
            order.task.goal.len() + order.task.state.as_ref().map_or(0, |state| state.len())
        }
        _ => 0,
    }
}

fn weigh_edit(edit: &Edit) -> usize {
    match edit {
        Edit::Replace { old, new, .. } => old.len() + new.len(),
        Edit::Insert { text, .. } | Edit::Create { text, .. } => text.len(),
        Edit::Patch(text) | Edit::Blocks(text) | Edit::Diff(text) => text.len(),
    }
}

fn message(message: &Message) -> usize {
    message.parts.iter().map(part).sum()
}

fn part(part: &Part) -> usize {
    match part {
        Part::Text(text) => text.len(),
        Part::ToolCall(call) => call.arguments.len(),
        Part::ToolResult(result) => result.content.len(),
        Part::Opaque(opaque) => opaque.data.len(),
    }
}

fn weigh_answer(answer: &Answer) -> usize {
    match answer {
        Err(error) => error.message.len(),
        Ok(Value::Model(value)) => match &**value {
            model::Value::Reply(reply) => reply.parts.iter().map(part).sum(),
            model::Value::About(_) => 0,
        },
        Ok(Value::Workspace(workspace::Value::Listing { entries, .. })) => entries.len() * 128,
        Ok(Value::Workspace(workspace::Value::Matches { matches, .. })) => {
            matches.iter().map(|found| found.path.len() + found.text.len()).sum()
        }
        Ok(Value::Vcs(vcs::Value::Diff(diff))) => diff.text.len(),
        Ok(Value::Vcs(vcs::Value::Log(commits))) => commits.iter().map(|commit| commit.message.len()).sum(),
        Ok(Value::Vcs(vcs::Value::Blame(lines))) => lines.len() * SMALL,
        Ok(Value::Board(board::Value::Notes(notes))) => notes.iter().map(|note| note.body.len()).sum(),
        Ok(Value::Board(board::Value::Cards(cards))) => cards.len() * SMALL,
        Ok(_) => 0,
    }
}
