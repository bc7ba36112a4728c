//! Row: the start of an agent to its first host call done, its code compiled before.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use orchestra_pit::guest::{Door, Ended, Passed};
use orchestra_pit_core::call::{Call, Value};
use orchestra_pit_core::time::Time;
use wasmtime::StoreContextMut;

use crate::bare::{self, wit::log::Level};
use crate::row::{Middle, Pairs, Reach, Row};
use crate::text::{Parts, agent, binary, log};
use crate::{Asked, Result, host};

const ROUNDS: usize = 21;
/// Lives of each side in a round, in turns: of a hundred the middle one has not been interrupted.
const LIVES: usize = 100;

/// An agent that says two things and is done. The second call begins when the first is over.
fn speaker() -> Vec<u8> {
    let log = log();
    let twice = "(call $say (i32.const 1000) (i32.const 5)) (call $say (i32.const 1000) (i32.const 5)) (i32.const 0)";
    binary(&agent(&Parts { core: r#"(data (i32.const 1000) "hello")"#, run: twice, ..log.parts() }))
}

pub fn rows(_: &Asked) -> Result<Vec<Row>> {
    let wasm = speaker();
    let runtime = host::runtime()?;
    let folder = crate::repository::folder()?;
    let ours = runtime.block_on(host::engine(folder.path())?.load(&wasm))?;
    let engine = bare::engine()?;
    let bare = bare::prepare(&engine, &wasm, |linker| {
        linker.instance("pit:agent/log@0.1.0")?.func_wrap_async(
            "write",
            |mut store: StoreContextMut<'_, Kept>, _: (Level, String)| {
                store.data_mut().calls.push(Instant::now());
                Box::new(async { Ok(()) })
            },
        )
    })?;

    let (mut first, mut whole) = (Pairs::default(), Pairs::default());
    for round in 0..=ROUNDS {
        let (mut a, mut b) = (<[Vec<f64>; 2]>::default(), <[Vec<f64>; 2]>::default());
        for _ in 0..LIVES {
            let start = Instant::now();
            let door = Arc::new(Heard::default());
            let ended = runtime.block_on(ours.run(Arc::clone(&door), host::life()));
            let over = Instant::now();
            if !matches!(ended, Ended::Done(_)) {
                return Err(format!("the agent ended otherwise: {ended:?}").into());
            }
            add(&mut a, start, over, &door.calls.lock().unwrap_or_else(PoisonError::into_inner))?;

            let start = Instant::now();
            let kept = runtime.block_on(bare::run(&engine, &bare, Kept { calls: Vec::with_capacity(2) }))?;
            let over = Instant::now();
            add(&mut b, start, over, &kept.calls)?;
        }
        if round > 0 {
            first.add(Middle::of(&a[0]).middle, Middle::of(&b[0]).middle);
            whole.add(Middle::of(&a[1]).middle, Middle::of(&b[1]).middle);
        }
    }
    let ratio = whole.each(|ours, bare| ours / bare).middle;
    let row = first.row(
        "start of an agent to its first call done",
        "µs",
        "×",
        first.each(|ours, bare| ours / bare),
        Reach::AtMost(1.3),
    );
    Ok(vec![row.note(format!("baseline: bare wasmtime, same component and settings; with its end {ratio:.2} ×"))])
}

/// Adds the microseconds to the first call done, and to the end.
fn add(lives: &mut [Vec<f64>; 2], start: Instant, over: Instant, calls: &[Instant]) -> Result<()> {
    let [_, second] = calls else { return Err("the agent made another number of calls".into()) };
    lives[0].push(second.duration_since(start).as_secs_f64() * 1e6);
    lives[1].push(over.duration_since(start).as_secs_f64() * 1e6);
    Ok(())
}

/// What the bare host keeps for a guest.
struct Kept {
    calls: Vec<Instant>,
}

/// A door that only notes when it was knocked at.
#[derive(Default)]
struct Heard {
    calls: Mutex<Vec<Instant>>,
}

impl Door for Heard {
    async fn pass(&self, _: Call) -> Passed {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).push(Instant::now());
        Passed::Answer(Ok(Value::Done), Time(2))
    }
}
