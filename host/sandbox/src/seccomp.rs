//! The calls that a command cannot make, as a filter that the kernel runs before each of them.
//!
//! Written by hand and not with `seccompiler`, which knows one refusal a filter, and lets the x32 numbers of x86-64 pass.

use std::io;

use libc::{BPF_ABS, BPF_ALU, BPF_AND, BPF_JEQ, BPF_JGE, BPF_JMP, BPF_K, BPF_LD, BPF_RET, BPF_W, c_long, sock_filter};

use crate::sys;

#[cfg(target_arch = "x86_64")]
const ARCH: u32 = 0xC000_003E;
#[cfg(target_arch = "aarch64")]
const ARCH: u32 = 0xC000_00B7;

/// Refused as the kernel refuses who is not privileged.
const REFUSED: &[c_long] = &[
    libc::SYS_acct,
    libc::SYS_add_key,
    libc::SYS_adjtimex,
    libc::SYS_bpf,
    libc::SYS_chroot,
    libc::SYS_clock_adjtime,
    libc::SYS_clock_settime,
    libc::SYS_delete_module,
    libc::SYS_fanotify_init,
    libc::SYS_finit_module,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fsopen,
    libc::SYS_fspick,
    libc::SYS_init_module,
    libc::SYS_kcmp,
    libc::SYS_kexec_load,
    libc::SYS_keyctl,
    libc::SYS_lookup_dcookie,
    libc::SYS_mount,
    libc::SYS_mount_setattr,
    libc::SYS_move_mount,
    libc::SYS_name_to_handle_at,
    libc::SYS_open_by_handle_at,
    libc::SYS_open_tree,
    libc::SYS_perf_event_open,
    libc::SYS_pidfd_getfd,
    libc::SYS_pivot_root,
    libc::SYS_process_madvise,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_ptrace,
    libc::SYS_quotactl,
    libc::SYS_quotactl_fd,
    libc::SYS_reboot,
    libc::SYS_request_key,
    libc::SYS_setdomainname,
    libc::SYS_sethostname,
    libc::SYS_setns,
    libc::SYS_settimeofday,
    libc::SYS_swapoff,
    libc::SYS_swapon,
    libc::SYS_syslog,
    libc::SYS_umount2,
    libc::SYS_userfaultfd,
    libc::SYS_vhangup,
    // open_tree_attr, which libc does not name yet.
    467,
];

#[cfg(target_arch = "x86_64")]
const REFUSED_HERE: &[c_long] = &[
    libc::SYS_ioperm,
    libc::SYS_iopl,
    libc::SYS_kexec_file_load,
    libc::SYS_modify_ldt,
    libc::SYS__sysctl,
    libc::SYS_uselib,
];
#[cfg(target_arch = "aarch64")]
const REFUSED_HERE: &[c_long] = &[libc::SYS_kexec_file_load];

/// Said not to exist, so that whoever can do without does. `clone3` hides its flags behind a pointer; libc then uses `clone`.
const ABSENT: &[c_long] = &[
    libc::SYS_clone3,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_io_uring_setup,
    libc::SYS_memfd_secret,
];

/// The last call that was looked at (`file_setattr`). What a later kernel adds does not exist until somebody has.
const LAST: c_long = 469;

/// What one argument decides: a call, which argument, a mask, and the values that are refused. Arguments of 32 bits.
struct Masked {
    call: c_long,
    argument: u32,
    mask: u32,
    refused: &'static [u32],
}

/// `ioctl`s that type into a terminal, or that give a terminal to a driver in the kernel.
const IOCTLS: &[u32] = &[0x5412, 0x541C, 0x5423];
const NAMESPACES: &[i32] = &[
    libc::CLONE_NEWNS,
    libc::CLONE_NEWCGROUP,
    libc::CLONE_NEWUTS,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWNET,
    libc::CLONE_NEWTIME,
];

const MASKED: &[Masked] = &[
    Masked { call: libc::SYS_ioctl, argument: 1, mask: !0, refused: IOCTLS },
    Masked { call: libc::SYS_mknodat, argument: 2, mask: libc::S_IFMT, refused: &[libc::S_IFCHR, libc::S_IFBLK] },
    #[cfg(target_arch = "x86_64")]
    Masked { call: libc::SYS_mknod, argument: 1, mask: libc::S_IFMT, refused: &[libc::S_IFCHR, libc::S_IFBLK] },
];

/// Families of sockets that there are. Netlink is there for the list of interfaces alone, which `getifaddrs` reads in every
/// language's library; it is that of the sandbox's own network.
const FAMILIES: &[i32] = &[libc::AF_UNIX, libc::AF_INET, libc::AF_INET6];

/// Offsets in the kernel's `seccomp_data`; the low half of an argument comes first on the machines that we know.
const NR: u32 = 0;
const ARCH_AT: u32 = 4;
const fn argument(number: u32) -> u32 {
    16 + 8 * number
}

const ALLOW: u32 = 0x7FFF_0000;
const fn errno(code: i32) -> u32 {
    0x0005_0000 | code as u32
}

#[derive(Default)]
struct Program(Vec<sock_filter>);

impl Program {
    fn put(&mut self, code: u32, k: u32, jt: u8, jf: u8) {
        self.0.push(sock_filter { code: code as u16, jt, jf, k });
    }

    fn load(&mut self, at: u32) {
        self.put(BPF_LD | BPF_W | BPF_ABS, at, 0, 0);
    }

    fn answer(&mut self, with: u32) {
        self.put(BPF_RET | BPF_K, with, 0, 0);
    }

    /// Answers if what is loaded is this value.
    fn answer_if(&mut self, value: u32, with: u32) {
        self.put(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1);
        self.answer(with);
    }

    /// What follows counts for one call only, and ends with an answer.
    fn for_call(&mut self, call: c_long, body: impl FnOnce(&mut Self)) {
        let mut inside = Self::default();
        body(&mut inside);
        let length = u8::try_from(inside.0.len()).unwrap_or(u8::MAX);
        self.put(BPF_JMP | BPF_JEQ | BPF_K, number(call), 0, length);
        self.0.extend(inside.0);
    }
}

fn number(call: c_long) -> u32 {
    u32::try_from(call).unwrap_or(u32::MAX)
}

fn program() -> Vec<sock_filter> {
    let mut program = Program::default();
    program.load(ARCH_AT);
    program.put(BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0);
    program.answer(errno(libc::ENOSYS));
    program.load(NR);
    // The x32 numbers of x86-64 have a high bit and are caught here as well.
    program.put(BPF_JMP | BPF_JGE | BPF_K, number(LAST + 1), 0, 1);
    program.answer(errno(libc::ENOSYS));
    for &call in ABSENT {
        program.answer_if(number(call), errno(libc::ENOSYS));
    }
    for &call in REFUSED.iter().chain(REFUSED_HERE) {
        program.answer_if(number(call), errno(libc::EPERM));
    }
    for masked in MASKED {
        program.for_call(masked.call, |inside| {
            inside.load(argument(masked.argument));
            inside.put(BPF_ALU | BPF_AND | BPF_K, masked.mask, 0, 0);
            for &value in masked.refused {
                inside.answer_if(value, errno(libc::EPERM));
            }
            inside.answer(ALLOW);
        });
    }
    let namespaces = NAMESPACES.iter().fold(0, |all, &flag| all | flag);
    // In `clone` the bit of a time namespace belongs to the signal.
    for (call, flags) in [(libc::SYS_clone, namespaces & !libc::CLONE_NEWTIME), (libc::SYS_unshare, namespaces)] {
        program.for_call(call, |inside| {
            inside.load(argument(0));
            inside.put(BPF_ALU | BPF_AND | BPF_K, flags.cast_unsigned(), 0, 0);
            inside.answer_if(0, ALLOW);
            inside.answer(errno(libc::EPERM));
        });
    }
    program.for_call(libc::SYS_socket, |inside| {
        inside.load(argument(0));
        for &family in FAMILIES {
            inside.answer_if(family.cast_unsigned(), ALLOW);
        }
        inside.put(BPF_JMP | BPF_JEQ | BPF_K, libc::AF_NETLINK.cast_unsigned(), 1, 0);
        inside.answer(errno(libc::EAFNOSUPPORT));
        inside.load(argument(2));
        inside.answer_if(libc::NETLINK_ROUTE.cast_unsigned(), ALLOW);
        inside.answer(errno(libc::EAFNOSUPPORT));
    });
    program.answer(ALLOW);
    program.0
}

/// From here on, for this process and whatever it starts.
pub fn apply() -> io::Result<()> {
    sys::filter_calls(&program())
}
