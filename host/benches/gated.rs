//! Row: a call through the gate whose effect has 1 KiB in memory, over a bare host call with the same bytes.

use std::sync::Arc;
use std::time::Instant;

use orchestra_pit::guest::{Agent, Ended};
use orchestra_pit::journal::Journal;
use orchestra_pit_core::call::Value;
use orchestra_pit_core::call::workspace::{self, Content, Stored};
use orchestra_pit_core::id::{Oid, RunId};

use crate::bare::wit::{types, workspace as wit};
use crate::row::{Middle, Pairs, Reach, Row};
use crate::text::{binary, reads_often};
use crate::through::{Through, caught_up, ledger};
use crate::{Asked, Result, bare, host};

const ROUNDS: usize = 21;
const CALLS: u32 = 5_000;
const RUN: RunId = RunId([7; 16]);
const BLOB: Oid = Oid([7; 20]);

pub fn rows(_: &Asked) -> Result<Vec<Row>> {
    let wasm = binary(&reads_often("src/lib.rs", CALLS));
    let runtime = host::runtime()?;
    let folder = crate::repository::folder()?;
    let ours = runtime.block_on(host::engine(folder.path())?.load(&wasm))?;
    let engine = bare::engine()?;
    let bare = bare::prepare(&engine, &wasm, |linker| {
        let mut workspace = linker.instance("pit:agent/workspace@0.1.0")?;
        workspace.func_wrap_async("read", |_, _: (String, Option<wit::Lines>)| {
            Box::new(async { Ok((Ok::<_, types::Error>(content()),)) })
        })
    })?;

    let (mut pairs, mut written) = (Pairs::default(), Vec::new());
    for round in 0..=ROUNDS {
        let [gated, and_written] = runtime.block_on(ours_once(&ours))?;
        let start = Instant::now();
        runtime.block_on(bare::run(&engine, &bare, ()))?;
        let plain = each(start);
        if round > 0 {
            pairs.add(gated, plain);
            written.push(and_written);
        }
    }
    let figure = pairs.each(|ours, bare| ours - bare);
    let row = pairs.row("a gated call with 1 KiB, memory journal", "µs", "µs more", figure, Reach::AtMost(2.0));
    let written = Middle::of(&written).middle;
    Ok(vec![row.note(format!(
        "baseline: a bare host call with the same bytes; until the journal's own thread has written it {written:.1} µs a call"
    ))])
}

/// One life of [`CALLS`] calls: microseconds a call, and until all was written.
async fn ours_once(agent: &Agent) -> Result<[f64; 2]> {
    let journal = Journal::memory();
    journal.claim(RUN).await?;
    let content = Content {
        bytes: Stored { blob: BLOB, from: 0, to: 1024, bytes: Some(vec![b'x'; 1024].into()) },
        hash: BLOB,
        size: 1024,
        lines: 1,
        cut: false,
    };
    let answer = Ok(Value::Workspace(workspace::Value::Content(content)));
    let door = Arc::new(Through::new(&journal, &ledger(), RUN, RUN, answer));
    let begin = Instant::now();
    let ended = agent.run(door, host::life()).await;
    let called = each(begin);
    if !matches!(ended, Ended::Done(_)) {
        return Err(format!("the agent ended otherwise: {ended:?}").into());
    }
    caught_up(&journal, RUN).await?;
    Ok([called, each(begin)])
}

/// Microseconds a call.
fn each(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e6 / f64::from(CALLS)
}

/// What the guest is given, made anew for each call as any host must.
fn content() -> wit::Content {
    let hash = BLOB.to_string();
    wit::Content { bytes: vec![b'x'; 1024], hash, size: 1024, lines: 1, cut: false, more: Vec::new() }
}
