//! What `pit doctor` says of the walls around native commands: which are up, what is required, and what to do about the rest.

#![expect(clippy::disallowed_methods, reason = "looks at the kernel's settings that decide whether there can be walls")]

use orchestra_pit_core::commands::Walls as Required;
use orchestra_pit_sandbox::{Class, Wall, Walls};
use serde::Serialize;

use super::{Failure, Line, Standing};
use crate::effect::exec::Machine;
use crate::effect::exec::probe::probe;
use crate::surface::exit::Exit;

/// What programs are told beside the line.
#[derive(Debug, Serialize)]
pub(super) struct Seen {
    class: &'static str,
    required: &'static str,
    tried: Vec<Wall>,
}

/// The walls, and the overlay that makes workspaces cost nothing.
pub(super) fn lines(machine: Option<&Machine>, required: Required) -> Vec<Line> {
    let Some(machine) = machine else {
        let no = Failure::new(Exit::Failed, "not tried: there is no private folder for the files of native commands");
        return vec![Line::missing("walls", &no.hint("set HOME to a folder that can be written"))];
    };
    match probe(machine) {
        Ok(found) => vec![walls(&found, required), overlay(&found, machine)],
        Err(error) => {
            let failure = Failure::new(Exit::Failed, error.message);
            vec![Line::missing("walls", &error.hint.into_iter().fold(failure, Failure::hint))]
        }
    }
}

fn walls(found: &Walls, required: Required) -> Line {
    let least = match required {
        Required::Partial => Class::Partial,
        Required::Full => Class::Full,
    };
    let up = |wall: &&Wall| wall.missing.is_none();
    let names = |walls: Vec<&Wall>| walls.iter().map(|wall| wall.name.as_str()).collect::<Vec<_>>().join(", ");
    let (class, wanted) = (word(found.class), word(least));
    let all = names(found.walls.iter().filter(up).collect());
    let missing: Vec<&Wall> = found.walls.iter().filter(|wall| !up(wall)).collect();
    let mut line = match missing.first() {
        None => Line::ok("walls", format!("{class}: {all}")),
        Some(first) => {
            let why = first.missing.as_deref().unwrap_or_default();
            let said = format!("{class}, where {wanted} is required: no {} ({why}); up: {all}", names(missing.clone()));
            let state = if found.class < least { Standing::Missing } else { Standing::Ok };
            Line { state, ..Line::none("walls", said, hint(first, &setting)) }
        }
    };
    line.walls = Some(Seen { class, required: wanted, tried: found.walls.clone() });
    line
}

fn overlay(found: &Walls, machine: &Machine) -> Line {
    let at = machine.cache.display();
    match &found.overlay.missing {
        None => Line::ok("overlay", format!("works in {at}")),
        // Without a user namespace nothing is mounted anywhere: another folder would not help.
        Some(why) if found.class == Class::None => {
            let no = Failure::new(Exit::Failed, format!("not in {at}: {why}"));
            Line::missing("overlay", &no.hint("put the walls up first"))
        }
        Some(why) => {
            let no = Failure::new(Exit::Failed, format!("not in {at}: {why}; native commands cannot be run"));
            Line::missing("overlay", &no.hint("set XDG_CACHE_HOME to a folder on ext4, xfs, btrfs or tmpfs"))
        }
    }
}

fn word(class: Class) -> &'static str {
    match class {
        Class::None => "none",
        Class::Partial => "partial",
        Class::Full => "full",
    }
}

/// One of the kernel's settings, by its path below /proc/sys.
fn setting(path: &str) -> Option<String> {
    std::fs::read_to_string(format!("/proc/sys/{path}")).ok().map(|text| text.trim().to_owned())
}

/// What to do where a wall is missing: the setting that forbids it, if one is known to.
fn hint(missing: &Wall, setting: &dyn Fn(&str) -> Option<String>) -> String {
    let is = |path: &str, value: &str| setting(path).is_some_and(|found| found == value);
    if missing.name == "Landlock" {
        return "boot Linux 5.13 or newer with landlock among its lsm=, or let the rest do: [sandbox] require = \
                \"partial\" in your own file"
            .to_owned();
    }
    if is("kernel/unprivileged_userns_clone", "0") {
        return "as root: sysctl -w kernel.unprivileged_userns_clone=1".to_owned();
    }
    if is("user/max_user_namespaces", "0") {
        return "as root: sysctl -w user.max_user_namespaces=10000".to_owned();
    }
    if is("kernel/apparmor_restrict_unprivileged_userns", "1") {
        return "as root: allow pit `userns,` in an AppArmor profile of its own, or sysctl -w \
                kernel.apparmor_restrict_unprivileged_userns=0"
            .to_owned();
    }
    "in a container: let it make user namespaces (podman, or docker with --security-opt seccomp=unconfined); else run pit \
     on the machine itself"
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(missing: &[&str]) -> Walls {
        let wall = |name: &str| Wall {
            name: name.to_owned(),
            missing: missing.contains(&name).then(|| "Operation not permitted".to_owned()),
        };
        let walls = ["a user namespace", "Landlock", "all together"].map(wall).to_vec();
        let class = match missing {
            [] => Class::Full,
            ["Landlock"] => Class::Partial,
            _ => Class::None,
        };
        Walls { walls, overlay: wall("overlay"), class }
    }

    #[test]
    fn what_is_required_and_not_there_is_missing_and_what_is_not_required_is_said() {
        assert_eq!(walls(&found(&[]), Required::Full).state, Standing::Ok);
        let full = walls(&found(&["Landlock"]), Required::Full);
        assert_eq!(full.state, Standing::Missing);
        assert!(full.found.starts_with("partial, where full is required: no Landlock"), "{}", full.found);
        let partial = walls(&found(&["Landlock"]), Required::Partial);
        assert_eq!(partial.state, Standing::Ok);
        assert!(partial.found.contains("no Landlock"), "{}", partial.found);
        assert_eq!(walls(&found(&["a user namespace"]), Required::Partial).state, Standing::Missing);
    }

    #[test]
    fn the_setting_that_forbids_a_wall_is_named() {
        let wall = |name: &str| Wall { name: name.to_owned(), missing: Some("no".to_owned()) };
        let with =
            |path: &'static str, value: &'static str| move |asked: &str| (asked == path).then(|| value.to_owned());
        let space = wall("a user namespace");
        for (path, forbids, name) in [
            ("kernel/unprivileged_userns_clone", "0", "kernel.unprivileged_userns_clone=1"),
            ("user/max_user_namespaces", "0", "user.max_user_namespaces="),
            ("kernel/apparmor_restrict_unprivileged_userns", "1", "kernel.apparmor_restrict_unprivileged_userns=0"),
        ] {
            assert!(hint(&space, &with(path, forbids)).contains(name), "{path}");
            assert!(hint(&space, &with(path, "7")).contains("in a container"), "{path}");
        }
        assert!(hint(&wall("Landlock"), &|_| None).contains("require = \"partial\""));
    }
}
