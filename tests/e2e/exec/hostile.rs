//! Commands that mean harm: each is bounded, is gone when its call ends, and reaches nothing; with what is allowed beside it.

use std::fs;
use std::process::Command;

use orchestra_pit_tests::Stage;

use super::{Running, branch, has, has_not, line, living, said, told, until, words};

#[test]
fn what_a_command_leaves_running_is_gone_when_it_ends() {
    let stage = Stage::new();
    let said = told(
        &stage,
        &[
            // The control: a child that it waits for does its work.
            "sh sleep 0.01 & wait; echo waited",
            "sh sleep 86401.11 & echo left a child",
            "sh setsid -f sh -c 'setsid -f sleep 86401.22; exec sleep 86401.22' </dev/null >/dev/null 2>&1; echo left a daemon",
            "sh python3 -m http.server 8123 --directory . --bind 127.0.0.1 >/dev/null 2>&1 & sleep 1; echo left a server",
            "sh (trap '' HUP TERM INT; exec sleep 86401.33) & echo left one that hears no signal",
            "sh cat /proc/[0-9]*/comm | grep -c -e sleep -e python; echo looked",
        ],
    );
    for left in ["waited", "left a child", "left a daemon", "left a server", "left one that hears no signal"] {
        has(&said, left);
    }
    has(&said, "out=0\nlooked err=");
    for mark in ["sleep 86401.11", "sleep 86401.22", "sleep 86401.33", "http.server 8123"] {
        assert_eq!(living(mark), [0; 0], "{mark}");
    }
}

#[test]
fn a_fork_bomb_is_bounded_and_gone_and_others_have_their_answers_meanwhile() {
    let stage = Stage::new();
    let bomb = "sh f() { sleep 86402.11 & f | f; }; f; sleep 86402.11";
    let steps = ["timeout 6000", bomb, "$ echo calm again"];
    let mut running = Running(stage.start(&words(&line(&steps))));
    until("the bomb", || living("sleep 86402.11").len() > 20);
    // Others are answered, and other agents come to their ends.
    let other = Stage::new();
    has(&told(&other, &["$ echo beside the bomb"]), "out=beside the bomb err=");
    let _ = stage.status(&stage.trees()[0]);
    assert_eq!(running.ends(), Some(3));
    let said = said(&stage);
    assert!(
        said.iter().any(|line| line.contains("ran: timed out") || line.contains("ran: over processes")),
        "{said:?}"
    );
    has(&said, "out=calm again err=");
    assert_eq!(living("sleep 86402.11"), [0; 0]);
}

#[test]
fn a_memory_hog_is_ended_and_said_to_be_one() {
    let stage = Stage::new();
    let said = told(
        &stage,
        &[
            "sh python3 -c 'all = [b\"x\" * (64 << 20) for _ in range(2)]; print(\"a little\")'",
            "sh python3 -c 'all = [b\"x\" * (64 << 20) for _ in range(1000)]; print(\"a lot\")'",
        ],
    );
    has(&said, "out=a little err=");
    has(&said, "ran: over memory");
    has_not(&said, "out=a lot");
}

#[test]
fn a_flood_of_output_is_counted_and_not_kept() {
    let stage = Stage::new();
    let steps = ["sh yes | head -c 1G", "sh yes | head -c 1100M; echo never said >&2", "$ echo quiet"];
    let mut running = Running(stage.start(&words(&line(&steps))));
    let mut most = 0;
    let status = loop {
        // What the host took at most, as the kernel has it.
        let status = fs::read_to_string(format!("/proc/{}/status", running.0.id())).unwrap_or_default();
        let peak =
            status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
        most = most.max(peak.unwrap_or(0_u64));
        if let Some(status) = running.0.try_wait().expect("a child") {
            break status;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    };
    assert_eq!(status.code(), Some(3));
    let said = said(&stage);
    has(&said, &format!("cut: {} of out, which ends with", (1_u64 << 30) - (32 << 10)));
    has(&said, "ran: over output");
    has(&said, "out=quiet err=");
    assert!(most > 0 && most < 700 << 10, "{most} KiB");
}

#[test]
fn a_command_that_never_ends_is_ended_by_its_time_or_a_signal() {
    let stage = Stage::new();
    let said = told(
        &stage,
        &[
            "timeout 1000",
            "$ cat /dev/zero",
            "timeout 1000",
            "sh trap '' TERM INT HUP; while :; do :; done",
            "timeout 60000",
            "sh kill -9 -1; kill -9 1; echo alive",
            "sh kill -TERM $$",
            // For ever is no longer than there is something to read: the control.
            "stdin all there is",
            "$ cat",
        ],
    );
    assert_eq!(said.iter().filter(|line| line.contains("ran: timed out")).count(), 2, "{said:?}");
    has(&said, "out=alive err=");
    has(&said, "ran: SIGTERM ");
    has(&said, "out=all there is err=");
}

#[test]
fn a_command_that_removes_everything_removes_what_is_its_own() {
    let stage = Stage::new();
    let head = stage.git(&["rev-parse", "HEAD"]);
    let said = told(
        &stage,
        &[
            "sh rm -rf --no-preserve-root / 2>/dev/null; ls -A /usr/bin/env; ls -A",
            "sh ls -A; test -e README.md || echo its files are gone",
            "sh rm -rf \"$PWD\"; echo again > README.md; ls",
        ],
    );
    has(&said, "/usr/bin/env");
    // The control: its own files were its to remove.
    has(&said, "its files are gone");
    has(&said, "changed: README.md docs/usage.md src/lib.rs");
    // The person's are all there.
    assert_eq!(stage.git(&["rev-parse", "HEAD"]), head);
    assert_eq!(stage.git(&["status", "--porcelain"]), "");
    assert!(stage.home().join(".gitconfig").exists());
    stage.git(&["fsck", "--strict"]);
}

#[test]
fn git_folders_cannot_be_changed_from_inside() {
    let stage = Stage::new();
    let before = stage.read(".git/config");
    let said = told(
        &stage,
        &[
            "sh echo '[core] pager = id' >> .git/config; git config alias.x '!id'; git config alias.x; echo tried config",
            "sh echo id > .git/hooks/pre-commit; mv .git other; rm -rf .git; ln -s /tmp .git; test -d .git && echo tried hooks",
            "sh git update-ref HEAD HEAD~0; git tag mine; git gc -q; git worktree add /tmp/x; echo tried refs; git tag",
            "sh echo more >> README.md; git add -A; git -c user.name=x -c user.email=x commit -qm mine; git log --format=%s",
            "commit",
        ],
    );
    for tried in ["tried config", "tried hooks", "tried refs"] {
        has(&said, tried);
    }
    assert!(said.iter().filter(|line| line.contains("Read-only file system")).count() >= 3, "{said:#?}");
    has_not(&said, "mine\nStart");
    assert_eq!(stage.read(".git/config"), before);
    assert!(!stage.repo().join(".git/hooks/pre-commit").exists());
    assert_eq!(stage.git(&["tag"]), "");
    // The control: what it wrote beside is committed, by the one way there is.
    assert_eq!(stage.git(&["show", &format!("{}:README.md", branch(&stage))]), "# Tally\n\nCounts things.\nmore");
}

#[test]
fn other_processes_are_not_visible_and_their_variables_are_not_to_be_had() {
    let stage = Stage::new();
    let mut beside = Command::new("sleep").arg("86403.11").env("SECRET", "hunter2").spawn().expect("sleep");
    let steps = [
        "sh cat /proc/[0-9]*/cmdline | tr '\\0' ' '; echo; ls -d /proc/[0-9]* | wc -l",
        "env MARK=of-its-own",
        "sh cat /proc/[0-9]*/environ | tr '\\0' '\\n' | grep -e hunter2 -e MARK; echo looked",
        "sh ls -l /proc/self/fd | grep -c -e '-> /[^dp]'; grep -c '@' /proc/net/unix; echo looked for sockets",
    ];
    let output = stage.command(&words(&line(&steps))).env("SECRET", "hunter2").output().expect("pit");
    beside.kill().expect("its end");
    beside.wait().expect("its end");
    assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
    let said = said(&stage);
    has_not(&said, "86403.11");
    has_not(&said, "hunter2");
    // The control: a variable that the command was given is found in the same way.
    has(&said, "MARK=of-its-own\nlooked");
    has(&said, "0\n0\nlooked for sockets");
}

/// System calls by name and number, of which each would do something where it is let pass: for the inside alone. Outside,
/// root's own would be carried out on this machine.
const CALLS: &str = r#"import ctypes, errno, sys
libc = ctypes.CDLL(None, use_errno=True)
buffer = ctypes.create_string_buffer(512)
calls = [("getpid", 39), ("io_uring_setup", 425, 1, buffer), ("ptrace", 101, 0, 0, 0, 0), ("mount", 165, -1, -1, -1, 0, 0),
  ("unshare", 272, 0x10000000), ("bpf", 321, 0, buffer, 48), ("keyctl", 250, 0, -3, 0), ("userfaultfd", 323, 1), ("perf_event_open", 298, buffer, 0, -1, -1, 0),
  ("setuid", 105, 0), ("ioctl", 16, 0, 0x5412, buffer)]
if len(sys.argv) > 1:
  calls = [call for call in calls if call[0] in sys.argv[1:]]
for name, number, *args in calls:
  ctypes.set_errno(0)
  got = libc.syscall(ctypes.c_long(number), *[ctypes.c_long(a) if isinstance(a, int) else a for a in args])
  print(name, "passed" if got >= 0 else errno.errorcode[ctypes.get_errno()])
"#;

#[test]
fn calls_into_the_kernel_that_open_it_are_refused_whatever_program_makes_them() {
    if !cfg!(target_arch = "x86_64") {
        // The numbers are this machine's; those of others are tried by the sandbox's own tests.
        return;
    }
    let stage = Stage::with(&[("calls.py", CALLS), ("calls.c", C)]);
    let said = told(
        &stage,
        &[
            "$ python3 calls.py",
            "sh cp $(readlink -f $(command -v python3)) ./innocent && ./innocent calls.py | md5sum; python3 calls.py | md5sum",
            "sh gcc -o /tmp/calls calls.c && /tmp/calls",
        ],
    );
    let calls = said.iter().find(|line| line.contains("getpid passed")).unwrap_or_else(|| panic!("{said:?}"));
    for (name, answer) in [
        ("io_uring_setup", "ENOSYS"),
        ("ptrace", "EPERM"),
        ("mount", "EPERM"),
        ("unshare", "EPERM"),
        ("bpf", "EPERM"),
        ("keyctl", "EPERM"),
        ("userfaultfd", "EPERM"),
        ("perf_event_open", "EPERM"),
        ("setuid", "E"),
        ("ioctl", "E"),
    ] {
        assert!(calls.contains(&format!("{name} {answer}")), "{name}: {calls}");
    }
    // Another name changes nothing, nor does another language.
    let sums: Vec<&str> = said
        .iter()
        .find_map(|line| line.split_once("out=")?.1.split_once("  -\n"))
        .map(|(one, rest)| vec![one, rest.split(' ').next().unwrap_or("")])
        .expect("sums");
    assert_eq!(sums[0], sums[1], "{said:?}");
    has(&said, "out=getpid passed\nunshare refused\nptrace refused\nmemfd runs walled err=");
}

/// The same from C; and a program that is in no file is behind the same walls.
const C: &str = r#"#define _GNU_SOURCE
#include <stdio.h>
#include <sched.h>
#include <unistd.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
int main(int argc, char **argv) {
  if (argc > 1) { puts(unshare(CLONE_NEWUSER) ? "memfd runs walled" : "memfd runs free"); return 0; }
  setbuf(stdout, 0);
  puts(getpid() > 0 ? "getpid passed" : "getpid refused");
  puts(unshare(CLONE_NEWUSER) ? "unshare refused" : "unshare passed");
  puts(ptrace(PTRACE_TRACEME, 0, 0, 0) ? "ptrace refused" : "ptrace passed");
  int from = open("/proc/self/exe", O_RDONLY), to = memfd_create("x", 0);
  char bytes[4096]; ssize_t n;
  while ((n = read(from, bytes, sizeof bytes)) > 0) if (write(to, bytes, n) != n) return 1;
  char *args[] = {"x", "again", 0}, *env[] = {0};
  fexecve(to, args, env);
  puts("memfd does not run");
}
"#;

#[test]
fn such_calls_pass_outside() {
    // The control of the test above, for those that change nothing but the process itself, which ends with them.
    let harmless = ["getpid", "ptrace", "keyctl"];
    let outside = Command::new("python3").args(["-c", CALLS]).args(harmless).output().expect("python3");
    let outside = String::from_utf8_lossy(&outside.stdout);
    assert_eq!(outside.lines().count(), harmless.len(), "{outside}");
    for name in harmless {
        assert!(outside.contains(&format!("{name} passed")), "{outside}");
    }
}

#[test]
fn more_and_larger_than_a_workspace_holds_is_left_out_and_the_rest_is_kept() {
    let stage = Stage::new();
    let deep = "sh python3 -c 'import os\nfor _ in range(5000):\n  os.mkdir(\"d\"); os.chdir(\"d\")\nopen(\"f\", \"w\").write(\"x\")'".replace('\n', "\\n");
    let deep = deep.replacen("python3 -c '", "printf '", 1) + " > /tmp/deep.py; python3 /tmp/deep.py; echo deep";
    let said = told(
        &stage,
        &[
            "sh truncate -s 1T sparse; truncate -s 300M large; echo small > small; ls -s sparse",
            &deep,
            "sh mkdir many && cd many && seq 20500 | xargs touch; ls | wc -l",
            "sh rm -rf d many sparse large; ls",
            "commit",
        ],
    );
    has(&said, "left out: large: it has 314572800 bytes");
    has(&said, "changed: small");
    has(&said, "left out: ");
    has(&said, "20500");
    has(&said, "deep");
    assert_eq!(stage.git(&["show", &format!("{}:small", branch(&stage))]), "small");
}
