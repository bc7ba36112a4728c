//! What is said of the walls, and that what is required and not there is refused.

use std::path::Path;

use orchestra_pit_sandbox::{Class, walls};

use crate::common::{Folder, PROGRAM};

#[test]
fn the_walls_of_this_machine_are_told_one_by_one() {
    let folder = Folder::new();
    let found = walls(Path::new(PROGRAM), &folder.path("")).expect("an answer");
    assert_eq!(found.class, Class::Full, "{found:#?}");
    assert_eq!(found.overlay.missing, None);
    let names: Vec<&str> = found.walls.iter().map(|wall| wall.name.as_str()).collect();
    for name in
        ["a user namespace", "a process namespace", "a network namespace", "the loopback", "Landlock", "all together"]
    {
        assert!(names.contains(&name), "{name}: {names:?}");
    }
    let left: Vec<_> = std::fs::read_dir(folder.path("")).expect("a folder").collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn an_overlay_that_cannot_be_is_told_with_its_reason() {
    let found = walls(Path::new(PROGRAM), Path::new("/proc/self")).expect("an answer");
    assert!(found.overlay.missing.is_some());
    assert_eq!(found.class, Class::Full, "an overlay is no wall");
}

#[test]
fn classes_are_ordered() {
    assert!(Class::None < Class::Partial && Class::Partial < Class::Full);
}
