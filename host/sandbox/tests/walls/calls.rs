//! System calls that are refused, each made by number with arguments that can do no harm where it is let pass.

use std::process::Command;

use crate::common::{python, run};

/// Name, number on x86-64, number on aarch64, what is answered inside (EPERM 1, ENOSYS 38), and whether the kernel answers root
/// outside with something else, so that the refusal is seen to be the filter's.
const CALLS: &[(&str, i64, i64, i32, bool)] = &[
    ("io_uring_setup", 425, 425, 38, true),
    ("io_uring_enter", 426, 426, 38, true),
    ("io_uring_register", 427, 427, 38, true),
    ("clone3", 435, 435, 38, true),
    ("userfaultfd", 323, 282, 1, true),
    ("bpf", 321, 280, 1, true),
    ("add_key", 248, 217, 1, true),
    ("request_key", 249, 218, 1, true),
    ("keyctl", 250, 219, 1, true),
    ("ptrace", 101, 117, 1, true),
    ("process_vm_readv", 310, 270, 1, true),
    ("process_vm_writev", 311, 271, 1, true),
    ("perf_event_open", 298, 241, 1, true),
    ("pidfd_getfd", 438, 438, 1, true),
    ("mount", 165, 40, 1, true),
    ("umount2", 166, 39, 1, true),
    ("mount_setattr", 442, 442, 1, true),
    ("open_tree", 428, 428, 1, true),
    ("move_mount", 429, 429, 1, true),
    ("fsopen", 430, 430, 1, true),
    ("fsconfig", 431, 431, 1, true),
    ("fsmount", 432, 432, 1, true),
    ("fspick", 433, 433, 1, true),
    ("pivot_root", 155, 41, 1, true),
    ("chroot", 161, 51, 1, true),
    ("setns", 308, 268, 1, true),
    ("open_by_handle_at", 304, 265, 1, true),
    ("name_to_handle_at", 303, 264, 1, true),
    ("init_module", 175, 105, 1, false),
    ("finit_module", 313, 273, 1, false),
    ("delete_module", 176, 106, 1, false),
    ("kexec_load", 246, 104, 1, false),
    ("swapon", 167, 224, 1, false),
    ("swapoff", 168, 225, 1, false),
    ("reboot", 169, 142, 1, false),
    ("acct", 163, 89, 1, false),
    ("quotactl", 179, 60, 1, false),
    ("settimeofday", 164, 170, 1, false),
    ("clock_settime", 227, 112, 1, false),
    ("sethostname", 170, 161, 1, false),
    ("a call of a later kernel", 600, 600, 38, false),
];

fn script(calls: &[(&str, i64, i64, i32, bool)]) -> String {
    let number = |call: &(&str, i64, i64, i32, bool)| if cfg!(target_arch = "x86_64") { call.1 } else { call.2 };
    let numbers: Vec<String> = calls.iter().map(|call| number(call).to_string()).collect();
    let numbers = numbers.join(", ");
    format!(
        "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\nbad = ctypes.c_long(-1)\nfor n in [{numbers}]:\n  ctypes.set_errno(0)\n  libc.syscall(ctypes.c_long(n), bad, bad, bad, bad, bad, bad)\n  print(ctypes.get_errno())"
    )
}

#[test]
fn each_call_is_refused_by_the_filter() {
    let said = run(&python(&script(CALLS))).well();
    for (call, answer) in CALLS.iter().zip(said.lines()) {
        assert_eq!(answer, call.3.to_string(), "{}", call.0);
    }
    assert_eq!(said.lines().count(), CALLS.len());
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let known: Vec<_> = CALLS.iter().filter(|call| call.4).copied().collect();
    let outside = Command::new("python3").args(["-c", &script(&known)]).output().expect("python");
    let outside = String::from_utf8(outside.stdout).expect("text");
    for (call, answer) in known.iter().zip(outside.lines()) {
        assert_ne!(answer, call.3.to_string(), "{} is answered so by the kernel itself", call.0);
    }
}

/// What Python's own functions say, with one that is let pass before it.
fn tried(body: &str) -> String {
    let start = "import ctypes, fcntl, os, socket\nlibc = ctypes.CDLL(None, use_errno=True)\ndef errno(r): return 0 if r >= 0 else ctypes.get_errno()\n";
    run(&python(&format!("{start}{body}"))).well()
}

#[test]
fn no_namespace_can_be_left_or_made() {
    let each = "print(errno(libc.unshare(0x400)))\nfor f in [0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000, 0x80]: print(errno(libc.unshare(f)))";
    assert_eq!(tried(each), format!("0\n{}", "1\n".repeat(8)));
    let cloning = "n = 56 if os.uname().machine == 'x86_64' else 220\nfor f in [0, 0x10000000]:\n  r = libc.syscall(n, f | 17, 0, 0, 0, 0)\n  if r == 0: os._exit(0)\n  print(errno(r))";
    assert_eq!(tried(cloning), "0\n1\n");
}

#[test]
fn nothing_is_typed_into_a_terminal() {
    let typing = "m, s = os.openpty()\nfor request in [0x5413, 0x5412, 0x541C, 0x5423, 0x5412 | 1 << 32]:\n  b = ctypes.create_string_buffer(16)\n  print(errno(libc.ioctl(s, ctypes.c_ulong(request), b)))";
    assert_eq!(tried(typing), "0\n1\n1\n1\n1\n");
}

#[test]
fn sockets_are_of_families_that_are_known() {
    let families = "def can(*a):\n  try: socket.socket(*a).close(); return 0\n  except OSError as e: return e.errno\n\
        print(can(1, 1), can(2, 1), can(10, 2), can(16, 3, 0))\n\
        print(can(16, 3, 12), can(16, 3, 9), can(17, 3), can(40, 1), can(38, 5), can(29, 3), can(31, 1))";
    assert_eq!(tried(families), "0 0 0 0\n97 97 97 97 97 97 97\n");
}

#[test]
fn ids_and_rights_cannot_be_taken() {
    let ids = "for f in [lambda: os.setuid(os.getuid()), lambda: os.setuid(0), lambda: os.setgid(0), lambda: os.setgroups([0])]:\n  try: f(); print(0)\n  except OSError as e: print(e.errno)";
    let said = tried(ids);
    assert!(said.starts_with("0\n") && said.lines().skip(1).all(|line| line == "1" || line == "22"), "{said}");
    assert_eq!(said.lines().count(), 4);
}

#[cfg(target_arch = "x86_64")]
#[test]
fn numbers_of_other_machines_are_not_there() {
    let x32 = "print(errno(libc.syscall(ctypes.c_long(39))) , errno(libc.syscall(ctypes.c_long(0x40000000 + 39))))";
    assert_eq!(tried(x32), "0 38\n");
}
