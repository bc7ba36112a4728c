//! What a compiler's own libraries import: the few interfaces of WASI 0.2 that can be answered from the run itself.
//!
//! The environment and the arguments are empty, standard input is at its end, and there is no file system and no socket
//! (languages' libraries still import them, so they are there and empty). Standard output becomes log lines. Anything else,
//! such as http, is not offered at all. Nothing here reads a clock, a random source, a file or an environment: what is
//! not in the start record or in an answer cannot be seen.

use wasmtime::component::{Component, HasSelf, Linker};

use super::store::State;

mod cli;
mod clocks;
mod hollow;
mod io;
mod random;

pub(super) use clocks::Clock;
pub(super) use io::Output;
pub(super) use random::Random;

mod bindings {
    wasmtime::component::bindgen!({
        path: "src/guest/wasi/wasi.wit",
        world: "pit:wasi/offered",
        imports: {
            "wasi:io/poll.poll": async | trappable,
            "wasi:io/poll.[method]pollable.block": async | trappable,
            "wasi:io/streams.[method]output-stream.write": async | trappable,
            "wasi:io/streams.[method]output-stream.blocking-write-and-flush": async | trappable,
            default: trappable,
        },
        with: { "wasi:io/poll.pollable": super::io::Pollable },
    });
}

/// The interfaces that are offered, of whatever 0.2 version.
const OFFERED: &[&str] = &[
    "wasi:cli/environment",
    "wasi:cli/exit",
    "wasi:cli/stderr",
    "wasi:cli/stdin",
    "wasi:cli/stdout",
    "wasi:cli/terminal-input",
    "wasi:cli/terminal-output",
    "wasi:cli/terminal-stderr",
    "wasi:cli/terminal-stdin",
    "wasi:cli/terminal-stdout",
    "wasi:clocks/monotonic-clock",
    "wasi:clocks/wall-clock",
    "wasi:filesystem/preopens",
    "wasi:filesystem/types",
    "wasi:io/error",
    "wasi:io/poll",
    "wasi:io/streams",
    "wasi:random/insecure",
    "wasi:random/insecure-seed",
    "wasi:random/random",
    "wasi:sockets/instance-network",
    "wasi:sockets/ip-name-lookup",
    "wasi:sockets/network",
    "wasi:sockets/tcp",
    "wasi:sockets/tcp-create-socket",
    "wasi:sockets/udp",
    "wasi:sockets/udp-create-socket",
];

/// Whether an import is one of these.
pub(super) fn offers(import: &str) -> bool {
    import
        .split_once('@')
        .is_some_and(|(name, version)| version.starts_with("0.2.") && OFFERED.binary_search(&name).is_ok())
}

/// Offers all of it.
pub(super) fn link(linker: &mut Linker<State>, component: &Component) -> wasmtime::Result<()> {
    bindings::Offered::add_to_linker::<State, HasSelf<State>>(linker, |state| state)?;
    hollow::link(linker, component)
}
