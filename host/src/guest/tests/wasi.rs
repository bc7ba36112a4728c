//! What a guest sees of a machine: time, randomness and streams that derive from its run alone.

use super::*;
use orchestra_pit_core::call::clock::Sleep;
use text::{Import, LIBC, Parts, log};

fn clock() -> Import {
    Import {
        imports: r#"(import "wasi:io/poll@0.2.0" (instance $poll
            (export "pollable" (type $pollable (sub resource)))
            (export "poll" (func (param "in" (list (borrow $pollable))) (result (list u32))))
            (export "[method]pollable.block" (func (param "self" (borrow $pollable))))
            (export "[method]pollable.ready" (func (param "self" (borrow $pollable)) (result bool)))))
          (alias export $poll "pollable" (type $pollable))
          (import "wasi:clocks/monotonic-clock@0.2.3" (instance $clock
            (alias outer 1 $pollable (type $p')) (export "pollable" (type $p (eq $p')))
            (export "now" (func (result u64)))
            (export "subscribe-duration" (func (param "when" u64) (result (own $p))))))"#
            .into(),
        lowers: format!(
            r#"(core func $poll (canon lower (func $poll "poll") {LIBC}))
            (core func $block (canon lower (func $poll "[method]pollable.block")))
            (core func $ready (canon lower (func $poll "[method]pollable.ready")))
            (core func $now (canon lower (func $clock "now")))
            (core func $after (canon lower (func $clock "subscribe-duration")))"#
        ),
        offers: r#"(export "poll" (func $poll)) (export "block" (func $block)) (export "ready" (func $ready))
            (export "now" (func $now)) (export "after" (func $after))"#
            .into(),
        uses: r#"(import "host" "poll" (func $poll (param i32 i32 i32))) (import "host" "block" (func $block (param i32)))
            (import "host" "ready" (func $ready (param i32) (result i32)))
            (import "host" "now" (func $now (result i64))) (import "host" "after" (func $after (param i64) (result i32)))"#
            .into(),
    }
}

fn stdout() -> Import {
    Import {
        imports: r#"(import "wasi:io/error@0.2.0" (instance $error-i (export "error" (type (sub resource)))))
          (alias export $error-i "error" (type $io-error))
          (import "wasi:io/streams@0.2.12" (instance $streams
            (export "output-stream" (type $stream (sub resource)))
            (alias outer 1 $io-error (type $e')) (export "error" (type $e (eq $e')))
            (type $failed' (variant (case "last-operation-failed" (own $e)) (case "closed")))
            (export "stream-error" (type $failed (eq $failed')))
            (export "[method]output-stream.blocking-write-and-flush" (func (param "self" (borrow $stream))
              (param "contents" (list u8)) (result (result (error $failed)))))))
          (alias export $streams "output-stream" (type $stream))
          (import "wasi:cli/stdout@0.2.6" (instance $stdout-i
            (alias outer 1 $stream (type $s')) (export "output-stream" (type $s (eq $s')))
            (export "get-stdout" (func (result (own $s))))))"#
            .into(),
        lowers: format!(
            r#"(core func $out (canon lower (func $streams "[method]output-stream.blocking-write-and-flush") {LIBC}))
            (core func $stdout (canon lower (func $stdout-i "get-stdout")))"#
        ),
        offers: r#"(export "out" (func $out)) (export "stdout" (func $stdout))"#.into(),
        uses: r#"(import "host" "out" (func $out (param i32 i32 i32 i32))) (import "host" "stdout" (func $stdout (result i32)))"#
            .into(),
    }
}

fn random() -> Import {
    Import::plain("wasi:random/random@0.2.9", "get-random-u64", "(result u64)", "(result i64)")
}

async fn run(parts: &Parts<'_>) -> (Ended, Vec<Call>) {
    let door = script(always_done);
    let ended = load(&text::agent(parts)).await.run(Arc::clone(&door), start()).await;
    (ended, door.calls())
}

fn hex(call: &Call) -> u64 {
    u64::from_str_radix(said(call).strip_prefix("info: ").unwrap(), 16).unwrap()
}

fn sleep(millis: u64) -> Call {
    Call::Clock(Sleep { until: AT.plus_micros(1_000 * millis) })
}

#[tokio::test]
async fn time_is_that_of_the_last_answer_and_a_microsecond_a_look() {
    let imports = clock().and(log());
    let run_ =
        "(call $hex (call $now)) (call $hex (call $now)) (call $hex (i64.sub (call $now) (call $now))) (i32.const 0)";
    let (ended, calls) = run(&Parts { run: run_, ..imports.parts() }).await;
    assert_eq!(ended, done(""));
    let nanos = |micros| AT.plus_micros(micros).0 * 1_000;
    assert_eq!(hex(&calls[0]), nanos(1));
    assert_eq!(hex(&calls[1]), nanos(1_000 + 1));
    assert_eq!(hex(&calls[2]).cast_signed(), -1_000);
}

#[tokio::test]
async fn waiting_for_the_first_of_three_timers_is_one_call() {
    let imports = clock().and(log());
    let run_ = "
        (i32.store (i32.const 3000) (call $after (i64.const 30000000)))
        (i32.store (i32.const 3004) (call $after (i64.const 10000000)))
        (i32.store (i32.const 3008) (call $after (i64.const 20000000)))
        (call $poll (i32.const 3000) (i32.const 3) (i32.const 3100))
        (call $hex (i64.extend_i32_u (i32.load (i32.const 3104))))
        (call $hex (i64.extend_i32_u (i32.load (i32.load (i32.const 3100)))))
        (call $block (i32.load (i32.const 3008)))
        (call $block (i32.load (i32.const 3004)))
        (call $hex (i64.extend_i32_u (call $ready (i32.load (i32.const 3008)))))
        (call $hex (i64.extend_i32_u (call $ready (i32.load (i32.const 3000)))))
        (i32.const 0)";
    let (ended, calls) = run(&Parts { run: run_, ..imports.parts() }).await;
    assert_eq!(ended, done(""));
    assert_eq!(calls[0], sleep(10));
    assert_eq!((hex(&calls[1]), hex(&calls[2])), (1, 1), "one of them is over, the second");
    // The door's answers are earlier than what was waited for; the guest's time is not.
    assert_eq!(calls[3], sleep(20));
    assert_eq!((hex(&calls[4]), hex(&calls[5])), (1, 0));
    assert_eq!(calls.len(), 6);
}

#[tokio::test]
async fn a_wait_that_is_refused_is_over_all_the_same() {
    let imports = clock();
    let run_ = "(call $block (call $after (i64.const 5000000))) (i32.const 0)";
    let agent = load(&text::agent(&Parts { run: run_, ..imports.parts() })).await;
    let door = script(|seq, _| told(seq, Err(Error::new(ErrorKind::Exhausted, "no time left"))));
    assert_eq!(agent.run(Arc::clone(&door), start()).await, done(""));
    assert_eq!(door.calls(), [sleep(5)]);
}

#[tokio::test]
async fn randomness_comes_from_the_seed() {
    let imports = random().and(log());
    let text = text::agent(&Parts {
        run: "(call $hex (call $get-random-u64)) (call $hex (call $get-random-u64)) (i32.const 0)",
        ..imports.parts()
    });
    let agent = load(&text).await;
    let mut drawn = Vec::new();
    for seed in [[1; 32], [1; 32], [2; 32]] {
        let door = script(always_done);
        agent.run(Arc::clone(&door), Start { seed, ..start() }).await;
        drawn.push(door.lines());
    }
    assert_eq!(drawn[0], drawn[1]);
    assert_ne!(drawn[0], drawn[2]);
    assert_ne!(drawn[0][0], drawn[0][1]);
    // What the seed means must never change: a run of an older pit would draw other numbers.
    assert_eq!(drawn[0][0], "info: 1b6f7bf4594838fd");
}

#[tokio::test]
async fn a_draw_has_a_limit() {
    let import = Import::plain(
        "wasi:random/random@0.2.0",
        "get-random-bytes",
        r#"(param "len" u64) (result (list u8))"#,
        "(param i64 i32)",
    );
    let draw = |len: u64| {
        let run = format!("(call $get-random-bytes (i64.const {len}) (i32.const 3000)) (i32.const 0)");
        text::agent(&Parts { run: &run, ..import.parts() })
    };
    let agent = load(&draw(1 << 20)).await;
    assert_eq!(agent.run(script(always_done), start()).await, done(""));
    let agent = load(&draw(1 << 40)).await;
    let why = why(agent.run(script(always_done), start()).await);
    assert!(matches!(&why, Why::Forbidden(why) if why.contains("random bytes")), "{why}");
}

#[tokio::test]
async fn standard_output_becomes_lines() {
    let imports = stdout();
    let (ended, calls) = run(&Parts {
        core: r#"(data (i32.const 1000) "one\ntwo\r\nthr") (data (i32.const 1100) "ee\n\fflast")"#,
        run: "(local $s i32) (local.set $s (call $stdout))
            (call $out (local.get $s) (i32.const 1000) (i32.const 12) (i32.const 3000))
            (if (i32.load8_u (i32.const 3000)) (then unreachable))
            (call $out (local.get $s) (i32.const 1100) (i32.const 8) (i32.const 3000))
            (i32.const 0)",
        ..imports.parts()
    })
    .await;
    assert_eq!(ended, done(""));
    let lines: Vec<String> = calls.iter().map(said).collect();
    assert_eq!(lines, ["stdout: one", "stdout: two", "stdout: three", "stdout: \u{fffd}last"]);
}

#[tokio::test]
async fn a_flood_is_cut_and_never_fails() {
    let imports = stdout().and(log());
    let parts = Parts {
        // 64 KiB of spaces, then a line's end, a hundred times; and ten thousand empty log lines.
        core: r#"(data (i32.const 1000) "\n")"#,
        run: "(local $s i32) (local $n i32)
            (local.set $s (call $stdout))
            (memory.fill (i32.const 4096) (i32.const 32) (i32.const 60000))
            (loop $next
              (call $out (local.get $s) (i32.const 4096) (i32.const 60000) (i32.const 3000))
              (if (i32.load8_u (i32.const 3000)) (then unreachable))
              (call $out (local.get $s) (i32.const 1000) (i32.const 1) (i32.const 3000))
              (local.set $n (i32.add (local.get $n) (i32.const 1)))
              (br_if $next (i32.lt_u (local.get $n) (i32.const 100))))
            (loop $next
              (call $say (i32.const 0) (i32.const 0))
              (local.set $n (i32.add (local.get $n) (i32.const 1)))
              (br_if $next (i32.lt_u (local.get $n) (i32.const 10000))))
            (i32.const 0)",
        ..imports.parts()
    };
    let agent = load(&text::agent(&parts)).await;
    let door = script(always_done);
    let limits = Limits { output: 100_000, ticks: 1_000, ..few() };
    assert_eq!(agent.run(Arc::clone(&door), Start { limits, ..start() }).await, done(""));
    let lines = door.lines();
    assert!(lines.iter().map(String::len).sum::<usize>() < 101_000);
    assert_eq!(lines.last().unwrap(), "warn: the agent wrote too much; the rest is left out");
    assert_eq!(lines.iter().filter(|line| line.starts_with("warn")).count(), 1);

    // Empty lines cost something too.
    let imports = log();
    let parts = Parts {
        run: "(local $n i32)
            (loop $next
              (call $say (i32.const 0) (i32.const 0))
              (local.set $n (i32.add (local.get $n) (i32.const 1)))
              (br_if $next (i32.lt_u (local.get $n) (i32.const 10000))))
            (i32.const 0)",
        ..imports.parts()
    };
    let door = script(always_done);
    let limits = Limits { output: 100 * Limits::LINE, ticks: 1_000, ..few() };
    load(&text::agent(&parts)).await.run(Arc::clone(&door), Start { limits, ..start() }).await;
    assert_eq!(door.calls().len(), 101);
}

#[tokio::test]
async fn nothing_of_the_machine_is_seen() {
    let list = "(result (list string))";
    let imports = Import::plain(
        "wasi:cli/environment@0.2.0",
        "get-environment",
        "(result (list (tuple string string)))",
        "(param i32)",
    )
    .and(Import {
        imports: format!(
            r#"(import "wasi:cli/environment@0.2.1" (instance $arguments (export "get-arguments" (func {list}))
                    (export "initial-cwd" (func (result (option string))))))
                (import "wasi:filesystem/types@0.2.0" (instance $files (export "descriptor" (type (sub resource)))))
                (alias export $files "descriptor" (type $descriptor))
                (import "wasi:filesystem/preopens@0.2.0" (instance $preopens
                  (alias outer 1 $descriptor (type $d')) (export "descriptor" (type $d (eq $d')))
                  (export "get-directories" (func (result (list (tuple (own $d) string)))))))"#
        ),
        lowers: format!(
            r#"(core func $args (canon lower (func $arguments "get-arguments") {LIBC}))
                (core func $cwd (canon lower (func $arguments "initial-cwd") {LIBC}))
                (core func $dirs (canon lower (func $preopens "get-directories") {LIBC}))"#
        ),
        offers: r#"(export "args" (func $args)) (export "cwd" (func $cwd)) (export "dirs" (func $dirs))"#.into(),
        uses: r#"(import "host" "args" (func $args (param i32))) (import "host" "cwd" (func $cwd (param i32)))
                (import "host" "dirs" (func $dirs (param i32)))"#
            .into(),
    });
    let (ended, _) = run(&Parts {
        run: "(memory.fill (i32.const 3000) (i32.const 255) (i32.const 64))
            (call $get-environment (i32.const 3000)) (call $args (i32.const 3008)) (call $dirs (i32.const 3016))
            (call $cwd (i32.const 3024))
            (if (i32.load (i32.const 3004)) (then unreachable))
            (if (i32.load (i32.const 3012)) (then unreachable))
            (if (i32.load (i32.const 3020)) (then unreachable))
            (if (i32.load8_u (i32.const 3024)) (then unreachable))
            (i32.const 0)",
        ..imports.parts()
    })
    .await;
    assert_eq!(ended, done(""));
}

/// CPython's library imports all of `wasi:sockets`, so it is there; a socket is not to be had.
#[tokio::test]
async fn a_socket_is_denied_in_its_own_words_and_a_name_not_looked_up() {
    let imports = Import {
        imports: r#"(import "wasi:sockets/network@0.2.6" (instance $network-i
            (export "network" (type (sub resource)))
            (type $code' (enum "unknown" "access-denied" "not-supported"))
            (export "error-code" (type (eq $code')))))
          (alias export $network-i "network" (type $network)) (alias export $network-i "error-code" (type $code))
          (import "wasi:sockets/tcp@0.2.6" (instance $tcp (export "tcp-socket" (type (sub resource)))))
          (alias export $tcp "tcp-socket" (type $socket))
          (import "wasi:sockets/tcp-create-socket@0.2.6" (instance $create
            (alias outer 1 $code (type $c')) (export "error-code" (type $c (eq $c')))
            (alias outer 1 $socket (type $s')) (export "tcp-socket" (type $s (eq $s')))
            (export "create-tcp-socket" (func (result (result (own $s) (error $c)))))))
          (import "wasi:sockets/instance-network@0.2.6" (instance $instance-network
            (alias outer 1 $network (type $n')) (export "network" (type $n (eq $n')))
            (export "instance-network" (func (result (own $n))))))
          (import "wasi:sockets/ip-name-lookup@0.2.6" (instance $lookup
            (alias outer 1 $code (type $c')) (export "error-code" (type $c (eq $c')))
            (alias outer 1 $network (type $n')) (export "network" (type $n (eq $n')))
            (export "resolve-address-stream" (type $r (sub resource)))
            (export "resolve-addresses" (func (param "network" (borrow $n)) (param "name" string)
              (result (result (own $r) (error $c)))))))"#
            .into(),
        lowers: format!(
            r#"(core func $create (canon lower (func $create "create-tcp-socket") {LIBC}))
            (core func $network (canon lower (func $instance-network "instance-network")))
            (core func $resolve (canon lower (func $lookup "resolve-addresses") {LIBC}))"#
        ),
        offers: r#"(export "create" (func $create)) (export "network" (func $network)) (export "resolve" (func $resolve))"#
            .into(),
        uses: r#"(import "host" "create" (func $create (param i32))) (import "host" "network" (func $network (result i32)))
            (import "host" "resolve" (func $resolve (param i32 i32 i32 i32)))"#
            .into(),
    };
    let (ended, calls) = run(&Parts {
        core: r#"(data (i32.const 1000) "secret.example")"#,
        // 1 is an error, and 1 the second word of the error's enumeration.
        run: "(call $create (i32.const 3000))
            (if (i32.ne (i32.load8_u (i32.const 3000)) (i32.const 1)) (then unreachable))
            (if (i32.ne (i32.load8_u (i32.const 3004)) (i32.const 1)) (then unreachable))
            (call $resolve (call $network) (i32.const 1000) (i32.const 14) (i32.const 3008))
            (if (i32.ne (i32.load8_u (i32.const 3008)) (i32.const 1)) (then unreachable))
            (if (i32.ne (i32.load8_u (i32.const 3012)) (i32.const 1)) (then unreachable))
            (i32.const 0)",
        ..imports.parts()
    })
    .await;
    assert_eq!((ended, calls), (done(""), Vec::new()));
}

#[tokio::test]
async fn leaving_without_an_outcome_says_with_what_status() {
    let import = Import::plain("wasi:cli/exit@0.2.0", "exit", r#"(param "status" (result))"#, "(param i32)");
    for (status, code) in [(0, 0), (1, 1)] {
        let run_ = format!("(call $exit (i32.const {status})) (i32.const 0)");
        let (ended, _) = run(&Parts { run: &run_, ..import.parts() }).await;
        assert_eq!(why(ended), Why::Exit(code));
    }
}

#[tokio::test]
async fn a_run_is_the_same_in_every_life() {
    let imports = clock().and(random()).and(stdout()).and(log());
    let text = text::agent(&Parts {
        core: r#"(data (i32.const 1000) "some output\n and more")"#,
        run: "(local $n i32)
            (loop $next
              (call $hex (call $now))
              (call $block (call $after (i64.and (call $get-random-u64) (i64.const 0xffffff))))
              (call $hex (i64.reinterpret_f64 (f64.div (f64.const 0) (f64.sub (f64.const 0) (f64.const 0)))))
              (call $hex (i64.reinterpret_f64 (f64.mul (f64.const nan:0x4000000000001) (f64.const 1))))
              (call $hex (i64.extend_i32_u (i32.reinterpret_f32 (f32.sub (f32.const inf) (f32.const inf)))))
              (call $out (call $stdout) (i32.const 1000) (i32.const 21) (i32.const 3000))
              (local.set $n (i32.add (local.get $n) (i32.const 1)))
              (br_if $next (i32.lt_u (local.get $n) (i32.const 10))))
            (i32.const 0)",
        ..imports.parts()
    });
    let agent = load(&text).await;
    let mut lives = Vec::new();
    for _ in 0..2 {
        let door = script(always_done);
        assert_eq!(agent.run(Arc::clone(&door), start()).await, done(""));
        lives.push(door.calls());
    }
    assert!(lives[0].len() > 50);
    assert_eq!(lives[0], lives[1]);
    let lines: Vec<String> = lives[0].iter().filter(|call| matches!(call, Call::Log(_))).map(said).collect();
    for (at, nan) in [(1, 0x7ff8_0000_0000_0000), (2, 0x7ff8_0000_0000_0000), (3, 0x7fc0_0000u64)] {
        assert_eq!(lines[at], format!("info: {nan:016x}"), "not the one NaN there is");
    }
}
