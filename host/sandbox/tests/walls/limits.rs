//! Limits: each ends what takes more, and what stays below is left alone.

use orchestra_pit_sandbox::{Ended, Limit, Stream};

use crate::common::{PROGRAM, python, run, sh};

#[test]
fn a_fork_bomb_stops_at_the_number_of_processes() {
    let bomb = "import os, time\nn = 0\ntry:\n  while n < 500:\n    if os.fork() == 0: time.sleep(60); os._exit(0)\n    n += 1\nexcept OSError as e: print(e.errno)\nprint(n)";
    let mut spec = python(bomb);
    spec.limits.processes = 40;
    let said = run(&spec);
    // Whichever of the two looks first: the kernel refuses the fork, or the watch has counted too many.
    if said.report.ended != Ended::Over(Limit::Processes) {
        let out = said.well();
        let count: u32 = out.lines().last().and_then(|line| line.parse().ok()).expect("a number");
        assert!(out.starts_with("11\n") && count < 40, "{out}");
    }
    spec.limits.processes = 2000;
    assert_eq!(run(&spec).well(), "500\n");
}

/// Threads are what the kernel alone counts.
#[test]
fn threads_count_as_processes() {
    let mut spec = python(
        "import threading, time\nn = 0\ntry:\n  while n < 100: threading.Thread(target=time.sleep, args=(1,), daemon=True).start(); n += 1\nexcept RuntimeError: pass\nprint(n)",
    );
    assert_eq!(run(&spec).well(), "100\n");
    spec.limits.processes = 40;
    let started: u32 = run(&spec).well().trim().parse().expect("a number");
    assert!(started < 40, "{started}");
}

#[test]
fn a_memory_hog_is_ended() {
    for script in [
        "b = [bytearray(4 << 20) for _ in range(N)]\nimport time\ntime.sleep(S)",
        "import mmap, time\nm = mmap.mmap(-1, N << 22)\nfor at in range(0, N << 22, 4096): m[at] = 1\ntime.sleep(S)",
        "import os, time\nfor _ in range(4):\n  if os.fork() == 0: b = bytearray(N << 20); time.sleep(S); os._exit(0)\nfor _ in range(4): os.wait()",
    ] {
        let hog = |n: &str, s: &str| {
            let mut spec = python(&script.replace('N', n).replace('S', s));
            spec.limits.memory = 160 << 20;
            run(&spec).report
        };
        assert_eq!(hog("80", "50").ended, Ended::Over(Limit::Memory), "{script}");
        assert_eq!(hog("10", "0.2").ended, Ended::Exit(0), "{script}");
    }
}

#[test]
fn memory_that_no_process_has_mapped_counts() {
    let hog = |count: &str, end: &str| {
        let mut spec = python(&format!(
            "import os, time\nfds = [os.memfd_create('x') for _ in range({count})]\nfor fd in fds: os.write(fd, bytes(8 << 20))\ntime.sleep({end})"
        ));
        spec.limits.memory = 200 << 20;
        run(&spec).report.ended
    };
    assert_eq!(hog("60", "50"), Ended::Over(Limit::Memory));
    assert_eq!(hog("3", "0.2"), Ended::Exit(0));
}

#[test]
fn memory_that_is_shared_counts_once() {
    let mut spec = python(
        "import os, time\nb = bytearray(60 << 20)\nfor _ in range(6):\n  if os.fork() == 0: time.sleep(0.5); os._exit(0)\nfor _ in range(6): os.wait()",
    );
    spec.limits.memory = 160 << 20;
    run(&spec).well();
}

#[test]
fn time_runs_out() {
    let mut spec = sh("sleep 1000");
    spec.limits.wall_ms = Some(300);
    assert_eq!(run(&spec).report.ended, Ended::Over(Limit::Wall));
    let mut spec = sh("sh -c 'while :; do :; done' & while :; do :; done");
    spec.limits.cpu_ms = Some(300);
    let report = run(&spec).report;
    assert_eq!(report.ended, Ended::Over(Limit::Cpu));
    assert!(report.cpu_us >= 300_000, "{report:?}");
}

#[test]
fn files_and_open_files_are_bounded() {
    let mut spec = python(
        "import os\nfds = []\ntry:\n  while True: fds.append(os.open('/dev/null', 0))\nexcept OSError as e: print(e.errno, len(fds))",
    );
    spec.limits.open_files = 50;
    assert_eq!(run(&spec).well(), "24 47\n");
    let mut spec = sh("head -c 2000000 /dev/zero > /tmp/x");
    run(&spec).well();
    spec.limits.file_size = 1_000_000;
    assert_ne!(run(&spec).report.ended, Ended::Exit(0));
}

#[test]
fn tmp_has_an_end() {
    run(&sh("head -c 200000000 /dev/zero > /tmp/x")).well();
    assert!(run(&sh("head -c 400000000 /dev/zero > /tmp/x")).ill().contains("No space"));
}

#[test]
fn a_gigabyte_of_output_passes_by() {
    let mut bytes = 0_u64;
    let spec = sh("head -c 1000000000 /dev/zero");
    let ran = orchestra_pit_sandbox::run(PROGRAM.as_ref(), &spec, b"", |stream, some| {
        assert_eq!(stream, Stream::Out);
        bytes += some.len() as u64;
    });
    assert_eq!(ran.expect("a sandbox").report.ended, Ended::Exit(0));
    assert_eq!(bytes, 1_000_000_000);
}

#[test]
fn a_report_says_what_was_taken() {
    let report = run(&python("b = bytearray(50 << 20)\nsum(range(3000000))")).report;
    assert!(report.peak_memory > 50 << 20 && report.peak_memory < 200 << 20, "{report:?}");
    assert!(report.cpu_us > 10_000 && report.wall_us >= 10_000, "{report:?}");
}
