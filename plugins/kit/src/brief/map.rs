//! A map of the repository within an allowance: its top folder, then folder after folder, the shallow ones first, as
//! long as there is room; what is not opened is counted.

use crate::Host;
use orchestra_pit_sdk::workspace::Kind;
use std::collections::{BTreeMap, VecDeque};

/// Files that are listed to make the map: several times what it has room for. A repository with more is shown two levels
/// deep, because the host looks up each file's size, and a person waits for the first word.
const FILES: u32 = 1_500;

/// Entries of one folder that are shown.
const ENTRIES: usize = 80;

/// Bytes that the count of a folder takes: ` (1234 files)`.
const COUNT: usize = 14;

#[derive(Default)]
struct Folder {
    folders: BTreeMap<String, Folder>,
    files: Vec<String>,
    /// Files below, as far as they were listed.
    count: usize,
}

impl Folder {
    fn add(&mut self, path: &str, folder: bool) {
        self.count += usize::from(!folder);
        match path.split_once('/') {
            Some((name, below)) => self.folders.entry(name.to_owned()).or_default().add(below, folder),
            None if folder => {
                self.folders.entry(path.to_owned()).or_default();
            }
            None => self.files.push(path.to_owned()),
        }
    }

    /// Bytes that its own entries take at a depth.
    fn size(&self, depth: usize) -> usize {
        let names = self.folders.keys().map(|name| name.len() + 1 + COUNT).chain(self.files.iter().map(String::len));
        names.take(ENTRIES + 1).map(|length| length + 2 * depth + 1).sum()
    }
}

/// The map, in at most about so many bytes.
pub fn map(host: &dyn Host, most: usize) -> String {
    let mut top = Folder::default();
    let Ok(page) = host.list("**", None, FILES) else { return String::new() };
    let whole = page.next.is_none();
    if whole {
        page.entries.iter().for_each(|entry| top.add(&entry.path, false));
    } else {
        for glob in ["*", "*/*"] {
            let Ok(page) = host.list(glob, None, FILES) else { continue };
            page.entries.iter().for_each(|entry| top.add(&entry.path, matches!(entry.kind, Kind::Directory)));
        }
    }
    if top.count == 0 && top.folders.is_empty() {
        return "There are no files yet.".to_owned();
    }
    let mut text = match (whole, top.count) {
        (true, 1) => "1 file.\n\n".to_owned(),
        (true, count) => format!("{count} files.\n\n"),
        (false, _) => format!("More than {FILES} files; the first levels of folders are shown.\n\n"),
    };
    draw(&top, 0, "", &opened(&top, most), whole, &mut text);
    text
}

/// The paths of the folders that there is room for, each with a `/` at its end.
fn opened(top: &Folder, most: usize) -> Vec<String> {
    let mut left = most.saturating_sub(top.size(0));
    let mut open = Vec::new();
    let mut waiting: VecDeque<(String, usize, &Folder)> = below("", 1, top).collect();
    while let Some((path, depth, folder)) = waiting.pop_front() {
        // A folder that was not looked into has nothing to show; a large one does not close the way for small ones.
        let Some(rest) = left.checked_sub(folder.size(depth)).filter(|_| folder.size(depth) > 0) else { continue };
        left = rest;
        waiting.extend(below(&path, depth + 1, folder));
        open.push(path);
    }
    open
}

fn below<'a>(path: &str, depth: usize, folder: &'a Folder) -> impl Iterator<Item = (String, usize, &'a Folder)> {
    let path = path.to_owned();
    folder.folders.iter().map(move |(name, folder)| (format!("{path}{name}/"), depth, folder))
}

fn draw(folder: &Folder, depth: usize, path: &str, open: &[String], whole: bool, text: &mut String) {
    let indent = "  ".repeat(depth);
    for (name, below) in folder.folders.iter().take(ENTRIES) {
        let path = format!("{path}{name}/");
        if open.contains(&path) {
            text.push_str(&format!("{indent}{name}/\n"));
            draw(below, depth + 1, &path, open, whole, text);
        } else if whole {
            let files = if below.count == 1 { "file" } else { "files" };
            text.push_str(&format!("{indent}{name}/ ({} {files})\n", below.count));
        } else {
            text.push_str(&format!("{indent}{name}/\n"));
        }
    }
    let room = ENTRIES.saturating_sub(folder.folders.len());
    for name in folder.files.iter().take(room) {
        text.push_str(&format!("{indent}{name}\n"));
    }
    let more =
        (folder.folders.len() + folder.files.len()).saturating_sub(ENTRIES.max(folder.folders.len().min(ENTRIES)));
    if more > 0 {
        text.push_str(&format!("{indent}… {more} more\n"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Fake;

    fn host(paths: &[String]) -> Fake {
        let files: Vec<(&str, &str)> = paths.iter().map(|path| (path.as_str(), "")).collect();
        Fake::new("claude", &files)
    }

    fn paths(paths: &[&str]) -> Vec<String> {
        paths.iter().map(|path| (*path).to_owned()).collect()
    }

    #[test]
    fn a_small_repository_is_shown_whole() {
        let host = host(&paths(&["Cargo.toml", "src/lib.rs", "src/cmd/ls.rs", "tests/ls.rs"]));
        let shown = map(&host, 1000);
        let expected = "4 files.\n\nsrc/\n  cmd/\n    ls.rs\n  lib.rs\ntests/\n  ls.rs\nCargo.toml\n";
        assert_eq!(shown, expected);
        assert_eq!(map(&self::host(&[]), 1000), "There are no files yet.");
    }

    #[test]
    fn what_does_not_fit_is_counted_and_small_folders_go_first() {
        let mut all = paths(&["src/lib.rs", "README.md"]);
        all.extend((0..50).map(|n| format!("data/file-with-a-long-name-{n}.json")));
        let shown = map(&host(&all), 150);
        assert_eq!(shown, "52 files.\n\ndata/ (50 files)\nsrc/\n  lib.rs\nREADME.md\n");
    }

    #[test]
    fn one_folder_cannot_fill_the_map() {
        let all: Vec<String> = (0..500).map(|n| format!("f{n:03}")).collect();
        let shown = map(&host(&all), 100_000);
        assert!(shown.ends_with("f079\n… 420 more\n"), "{shown}");
    }

    #[test]
    fn a_huge_repository_is_shown_by_its_top() {
        let all: Vec<String> = (0..6_000).map(|n| format!("d{}/f{n}", n % 10)).chain(["Makefile".to_owned()]).collect();
        let shown = map(&host(&all), 2_000);
        assert!(shown.starts_with("More than 1500 files") && shown.contains("Makefile\n"), "{shown}");
        assert!(shown.len() < 3_000);
    }

    #[test]
    fn the_allowance_holds() {
        let all: Vec<String> = (0..1_400).map(|n| format!("a{}/b{}/c{}/file{n}.txt", n % 7, n % 31, n % 5)).collect();
        for most in [200, 1_000, 6_000] {
            let shown = map(&host(&all), most);
            assert!(shown.len() <= most + 100, "{} for {most}", shown.len());
        }
    }
}
