//! What a command finds inside, what it cannot do, and that nothing of it is left. Each refusal has a positive control.
//!
//! Run by root, each test has an ordinary user's run besides: this program starts itself again as one, by `setpriv`.

#![cfg(target_os = "linux")]
#![expect(clippy::disallowed_methods, reason = "makes files for sandboxes and looks at what is left of them")]

#[path = "walls/calls.rs"]
mod calls;
mod common;
#[path = "walls/ends.rs"]
mod ends;
#[path = "walls/files.rs"]
mod files;
#[path = "walls/limits.rs"]
mod limits;
#[path = "walls/network.rs"]
mod network;
#[path = "walls/probing.rs"]
mod probing;
#[path = "walls/stages.rs"]
mod stages;
#[path = "walls/users.rs"]
mod users;
