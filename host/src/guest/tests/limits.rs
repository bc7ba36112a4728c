//! What a guest may use up (hostile cases 19 to 23 and 26), and that nobody else notices.

use std::time::{Duration, Instant};

use super::*;
use text::{Import, Parts, log};

const SPIN: &str = "(loop $spin (br $spin)) (unreachable)";

async fn broken(parts: &Parts<'_>) -> Why {
    why(load(&text::agent(parts)).await.run(script(always_done), start()).await)
}

#[tokio::test]
async fn a_loop_ends_at_the_deadline_wherever_it_is() {
    let began = Instant::now();
    let deadline = Why::Deadline { ticks: 20 };
    assert_eq!(broken(&Parts { run: SPIN, ..Parts::default() }).await, deadline);
    assert_eq!(
        broken(&Parts { core: "(func $s (loop $spin (br $spin))) (start $s)", ..Parts::default() }).await,
        deadline
    );
    assert_eq!(
        broken(&Parts {
            core: r#"(func (export "post") (param i32) (loop $spin (br $spin)))"#,
            options: r#"(post-return (core func $main "post"))"#,
            ..Parts::default()
        })
        .await,
        deadline
    );
    assert_eq!(deadline.to_string(), "it ran for 200 ms without asking for anything");
    assert!(began.elapsed() < Duration::from_secs(20));
}

#[tokio::test]
async fn a_deadline_counts_from_the_last_answer_and_not_while_the_host_works() {
    struct Slow;
    impl Door for Slow {
        async fn pass(&self, _: Call) -> Passed {
            tokio::time::sleep(Duration::from_millis(150)).await;
            Passed::Answer(Ok(Value::Done), AT)
        }
    }
    // About 30 ms of work between two calls, four times: more than the limit of 100 ms in all.
    let imports = log();
    let parts = Parts {
        run: "(local $n i32) (local $i i32)
            (loop $next
              (local.set $i (i32.const 3000000))
              (loop $work (local.set $i (i32.sub (local.get $i) (i32.const 1))) (br_if $work (local.get $i)))
              (call $say (i32.const 0) (i32.const 0))
              (local.set $n (i32.add (local.get $n) (i32.const 1)))
              (br_if $next (i32.lt_u (local.get $n) (i32.const 4))))
            (i32.const 0)",
        ..imports.parts()
    };
    let limits = Limits { ticks: 10, ..few() };
    assert_eq!(load(&text::agent(&parts)).await.run(Slow, Start { limits, ..start() }).await, done(""));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_that_spins_does_not_hold_back_the_others() {
    let spinner = load(&text::agent(&Parts { run: SPIN, ..Parts::default() })).await;
    let limits = Limits { ticks: 100_000, ..few() };
    let spinners: Vec<_> = (0..2)
        .map(|_| {
            let (spinner, start) = (spinner.clone(), Start { limits: limits.clone(), ..start() });
            tokio::spawn(async move { spinner.run(script(always_done), start).await })
        })
        .collect();
    let normal = load(&text::reads("a")).await;
    let mut waits = Vec::new();
    for _ in 0..5 {
        let lives = (0..20).map(|_| {
            let normal = normal.clone();
            tokio::spawn(async move {
                let began = Instant::now();
                assert_eq!(normal.run(script(deny), start()).await, done(""));
                began.elapsed()
            })
        });
        for life in lives.collect::<Vec<_>>() {
            waits.push(life.await.unwrap());
        }
    }
    waits.sort();
    // A spinner on each core has the core for a tick at a time. On a busy machine a tick is longer.
    assert!(waits[waits.len() * 95 / 100] < Duration::from_secs(1), "{waits:?}");
    for spinner in spinners {
        assert!(!spinner.is_finished());
        spinner.abort();
    }
}

#[tokio::test]
async fn memory_is_one_number_over_all_memories() {
    let imports = log();
    let until_full = "(local $pages i32)
        (loop $more
          (if (i32.ne (memory.grow (i32.const 1)) (i32.const -1))
            (then (local.set $pages (i32.add (local.get $pages) (i32.const 1))) (br $more))))
        (call $hex (i64.extend_i32_u (local.get $pages))) (i32.const 0)";
    // 256 pages are the limit. Two are there at the start.
    for (other, room) in [("", 254), ("(core module $Other (memory 100)) (core instance (instantiate $Other))", 154)] {
        let lowers = format!("{}{other}", imports.lowers);
        let parts = Parts { run: until_full, lowers: &lowers, ..imports.parts() };
        let door = script(always_done);
        let ended = load(&text::agent(&parts)).await.run(Arc::clone(&door), start()).await;
        assert_eq!((ended, door.lines()), (done(""), vec![format!("info: {room:016x}")]));
    }
    let parts =
        Parts { lowers: "(core module $Other (memory 1000)) (core instance (instantiate $Other))", ..Parts::default() };
    let why = broken(&parts).await;
    assert!(matches!(&why, Why::Forbidden(why) if why.contains("memory")), "{why}");
}

#[tokio::test]
async fn more_memories_than_the_pool_gives_are_refused_at_once() {
    let nine = "(core instance (instantiate $Other))".repeat(9);
    let lowers = format!("(core module $Other (memory 1)) {nine}");
    let why =
        ENGINE.load(&text::binary(&text::agent(&Parts { lowers: &lowers, ..Parts::default() }))).await.err().unwrap();
    assert!(matches!(&why, LoadError::Unfit(why) if why.contains("10 Wasm linear memories")), "{why}");
}

#[tokio::test]
async fn tables_have_a_limit() {
    let imports = log();
    let parts = Parts {
        core: "(table $t 0 funcref)",
        run: "(local $n i32)
            (loop $more
              (if (i32.ne (table.grow $t (ref.null func) (i32.const 1000)) (i32.const -1))
                (then (local.set $n (i32.add (local.get $n) (i32.const 1000))) (br $more))))
            (call $hex (i64.extend_i32_u (local.get $n))) (i32.const 0)",
        ..imports.parts()
    };
    let door = script(always_done);
    let ended = load(&text::agent(&parts)).await.run(Arc::clone(&door), start()).await;
    assert_eq!(ended, done(""));
    // The adapters of a component have small tables of their own.
    let grown = u64::from_str_radix(&door.lines()[0]["info: ".len()..], 16).unwrap();
    assert!((9_000..=10_000).contains(&grown), "{grown}");
}

/// A guest must come up against its own limit first: the machine's may be another in its next life.
#[tokio::test]
async fn a_machine_that_cannot_keep_a_limit_ends_the_life() {
    let (_folder, places) = fresh_places();
    let engine = Engine::new(&few(), &pool(2), &places, compiler()).unwrap();
    let agent = engine.load(&text::binary(&text::reads("a"))).await.unwrap();
    for limits in [
        Limits { memory: few().memory + 1, ..few() },
        Limits { table_elements: few().table_elements + 1, ..few() },
        Limits { instances: few().instances + 1, ..few() },
    ] {
        let door = script(deny);
        let ended = agent.run(Arc::clone(&door), Start { limits, ..start() }).await;
        assert!(matches!(&ended, Ended::Life(end) if end.code == LifeEnd::HOST_FAULT), "{ended:?}");
        assert_eq!(door.calls(), []);
    }
    assert_eq!(agent.run(script(deny), start()).await, done(""));
}

#[tokio::test]
async fn instances_have_a_limit() {
    let many = "(core instance (instantiate $Other))".repeat(200);
    let lowers = format!("(core module $Other) {many}");
    let many = ENGINE.load(&text::binary(&text::agent(&Parts { lowers: &lowers, ..Parts::default() }))).await;
    let unfit = many.err().unwrap();
    assert!(matches!(&unfit, LoadError::Unfit(why) if why.contains("202 core module instances")), "{unfit}");

    // An agent's own number may be lower than what the machine is set up for.
    let agent = load(&text::agent(&Parts::default())).await;
    let limits = Limits { instances: 1, ..few() };
    let broken = why(agent.run(script(always_done), Start { limits, ..start() }).await);
    assert!(matches!(&broken, Why::Forbidden(why) if why.contains("instance")), "{broken}");
}

#[tokio::test]
async fn a_stack_has_an_end() {
    let parts = Parts {
        core: "(func $deep (param i64) (call $deep (i64.const 1)) (drop (i32.const 0)))",
        run: "(call $deep (i64.const 0)) (i32.const 0)",
        ..Parts::default()
    };
    assert_eq!(broken(&parts).await, Why::StackOverflow);
}

#[tokio::test]
async fn a_trap_says_what_and_where() {
    let parts = Parts { core: "(func $oops unreachable)", run: "(call $oops) (i32.const 0)", ..Parts::default() };
    let ended = load(&text::agent(&parts)).await.run(script(always_done), start()).await;
    let Ended::Broken(broken) = ended else { panic!("{ended:?}") };
    assert_eq!(broken.why, Why::Trap("wasm trap: wasm `unreachable` instruction executed".into()));
    assert!(broken.trace.contains("oops"), "{}", broken.trace);
}

#[tokio::test]
async fn handles_have_a_limit() {
    let import = Import {
        imports: r#"(import "wasi:io/poll@0.2.0" (instance $poll (export "pollable" (type (sub resource)))))
          (alias export $poll "pollable" (type $pollable))
          (import "wasi:clocks/monotonic-clock@0.2.0" (instance $clock
            (alias outer 1 $pollable (type $p')) (export "pollable" (type $p (eq $p')))
            (export "subscribe-duration" (func (param "when" u64) (result (own $p))))))"#
            .into(),
        lowers: r#"(core func $after (canon lower (func $clock "subscribe-duration")))
            (core func $drop (canon resource.drop $pollable))"#
            .into(),
        offers: r#"(export "after" (func $after)) (export "drop" (func $drop))"#.into(),
        uses: r#"(import "host" "after" (func $after (param i64) (result i32))) (import "host" "drop" (func $drop (param i32)))"#
            .into(),
    };
    let take = |give_back: &str| {
        let run = format!(
            "(local $n i32)
            (loop $more
              (call $after (i64.const 1)) {give_back}
              (local.set $n (i32.add (local.get $n) (i32.const 1)))
              (br_if $more (i32.lt_u (local.get $n) (i32.const 1000000))))
            (i32.const 0)"
        );
        text::agent(&Parts { run: &run, ..import.parts() })
    };
    let ended = load(&take("(drop)")).await.run(script(always_done), start()).await;
    assert!(matches!(why(ended), Why::Forbidden(_) | Why::Trap(_)));
    // A million, one after the other, are a matter of time alone.
    let limits = Limits { ticks: 1_000, ..few() };
    let ended = load(&take("(call $drop)")).await.run(script(always_done), Start { limits, ..start() }).await;
    assert_eq!(ended, done(""));
}

#[tokio::test]
async fn one_call_brings_out_only_so_much() {
    let imports = log();
    let say = |bytes: u32| {
        let run = format!(
            "(drop (memory.grow (i32.const 100))) (call $say (i32.const 4096) (i32.const {bytes})) (i32.const 0)"
        );
        text::agent(&Parts { run: &run, ..imports.parts() })
    };
    let door = script(always_done);
    assert_eq!(load(&say(900_000)).await.run(Arc::clone(&door), start()).await, done(""));
    assert_eq!(said(&door.calls()[0]).len(), "info: ".len() + 4096);
    let why = why(load(&say(2_000_000)).await.run(script(always_done), start()).await);
    assert!(matches!(why, Why::Forbidden(_) | Why::Trap(_)), "{why}");
}

#[tokio::test]
async fn a_full_pool_is_a_queue() {
    let (_folder, places) = fresh_places();
    let engine = Engine::new(&few(), &pool(2), &places, compiler()).unwrap();
    let agent = engine.load(&text::binary(&text::reads("a"))).await.unwrap();
    let gate = Arc::new(tokio::sync::Semaphore::new(0));
    struct Waits(Arc<tokio::sync::Semaphore>);
    impl Door for Waits {
        async fn pass(&self, _: Call) -> Passed {
            self.0.acquire().await.unwrap().forget();
            Passed::Answer(Err(Error::denied("test", "no")), AT)
        }
    }
    let mut lives = tokio::task::JoinSet::new();
    for _ in 0..10 {
        let (agent, door) = (agent.clone(), Waits(Arc::clone(&gate)));
        lives.spawn(async move { agent.run(door, start()).await });
    }
    gate.add_permits(10);
    while let Some(life) = lives.join_next().await {
        assert_eq!(life.unwrap(), done(""));
    }
}
