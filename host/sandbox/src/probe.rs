//! Stage *probe*: tries one wall after the other and says of each whether it stands.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use rustix::thread::UnshareFlags;

use crate::report::{Failed, Message};
use crate::spec::Network;
use crate::walls::{LANDLOCK, OVERLAY, Wall};
use crate::{landlocked, loopback, outer, root, seccomp, sys, wire};

pub fn main() -> ExitCode {
    let Ok(mut control) = outer::control() else { return ExitCode::FAILURE };
    let said = match wire::take::<PathBuf>(&mut control) {
        Ok(folder) => Message::Probed(probe(&folder)),
        Err(error) => Message::Failed(Failed::at("reading what is asked for")(error)),
    };
    match wire::put(&mut control, &said) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn probe(folder: &Path) -> Vec<Wall> {
    let mut walls = Vec::new();
    let mut say =
        |name: &str, tried: Result<(), String>| walls.push(Wall { name: name.to_owned(), missing: tried.err() });
    let prepared = outer::prepare(&[folder.to_owned()]);
    let there = if prepared == Ok(true) { Path::new(outer::SHOWN).join("0") } else { folder.to_owned() };
    say("a user namespace", prepared.and_then(|_| outer::own_user()).map_err(|failed| failed.to_string()));
    for (name, flag) in outer::namespaces(Network::Loopback) {
        say(name, sys::unshare(flag).map_err(words));
    }
    say("the loopback", loopback::up().map_err(words));
    say(OVERLAY, root::try_overlay(&there).map_err(words));
    say(LANDLOCK, landlocked::version().map(drop));
    let filtered = outer::drop_rights().and_then(|()| seccomp::apply()).map_err(words);
    // What it refuses is looked at, not that it was taken.
    let refused = sys::unshare(UnshareFlags::NEWUSER).is_err();
    say(
        "the filter of system calls",
        filtered.and_then(|()| refused.then_some(()).ok_or_else(|| "it lets pass".to_owned())),
    );
    walls
}

fn words(error: impl Into<io::Error>) -> String {
    error.into().to_string()
}
