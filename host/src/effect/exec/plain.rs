//! The files of a tree as a plain folder of the person's, which pit then leaves alone.

#![expect(clippy::disallowed_methods, reason = "makes the folder that a person named")]

use std::fs;
use std::io;
use std::path::Path;

use orchestra_pit_core::call::{Error, ErrorKind};
use orchestra_pit_core::id::Oid;
use orchestra_pit_core::tree::{self, Sort, Step};

use super::folder::{Cursor, Folder, name_of, now};
use super::source::{Source, can_be_written};

/// What was written.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Written {
    /// Files and links.
    pub files: usize,
    /// Paths that no folder can have, escaped: git itself would refuse them.
    pub left_out: Vec<String>,
}

/// Writes a tree into a folder that is not there yet. What is there is never written over.
pub(super) fn write<S: Source + ?Sized>(source: &S, root: Oid, to: &Path) -> Result<Written, Error> {
    match fs::create_dir(to) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            return Err(Error::new(
                ErrorKind::Conflict,
                format!("{} is there already; nothing was written", to.display()),
            )
            .hint("name a folder that is not there yet"));
        }
        Err(error) => {
            return Err(Error::new(ErrorKind::Unavailable, format!("{} cannot be made: {error}", to.display())));
        }
    }
    let mut written = Written::default();
    let done = Folder::open(to, None).map_err(|error| failed(to, &error)).and_then(|top| {
        let (mut cursor, at) = (Cursor::new(top), now());
        tree::walk(source, root, &mut |path, item| {
            let sort = item.sort();
            if !can_be_written(path) {
                written.left_out.push(tree::escape(path));
                return Ok(Step::Over);
            }
            if sort == Sort::Directory {
                return Ok(Step::Into);
            }
            let bytes = match sort {
                Sort::File { .. } | Sort::Symlink => Some(source.content(item.id)?),
                Sort::Directory | Sort::Submodule => None,
            };
            let put = cursor.folder(path, Folder::make).and_then(|folder| {
                let name = name_of(path);
                match (sort, bytes.as_deref()) {
                    (Sort::File { executable }, Some(bytes)) => folder.write(name, bytes, executable, at).map(drop),
                    (Sort::Symlink, Some(target)) => folder.link(name, target),
                    _ => folder.make(name).map(drop),
                }
            });
            put.map_err(|error| failed(to, &error))?;
            written.files += 1;
            Ok::<_, Error>(Step::Over)
        })
    });
    done.map(|()| written)
}

fn failed(to: &Path, error: &io::Error) -> Error {
    Error::new(ErrorKind::Unavailable, format!("not all could be written: {error}; {} has a part of it", to.display()))
        .hint("remove it and try again where there is room")
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Bench, Files, Leaf, files as tree_files};
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_tree_becomes_a_folder_and_what_is_there_is_never_written_over() {
        let bench = Bench::new();
        let mut all: Files = tree_files(&[("a/b/c", "1\n"), ("d", "2\n")]);
        all.insert(b"run.sh".to_vec(), Leaf::Program("3\n".into()));
        all.insert(b"link".to_vec(), Leaf::Link("../outside".into()));
        all.insert(b"other".to_vec(), Leaf::Submodule);
        let (root, to) = (bench.tree(&all), bench.dir.path().join("out"));
        assert_eq!(write(&bench.repo, root, &to).unwrap(), Written { files: 5, left_out: Vec::new() });
        assert_eq!(fs::read_to_string(to.join("a/b/c")).unwrap(), "1\n");
        assert_eq!(fs::metadata(to.join("run.sh")).unwrap().permissions().mode() & 0o777, 0o755);
        assert_eq!(fs::read_link(to.join("link")).unwrap().to_str().unwrap(), "../outside");
        assert!(to.join("other").is_dir());
        fs::write(to.join("d"), "mine").unwrap();
        let refused = write(&bench.repo, root, &to).unwrap_err();
        assert!(refused.message.contains("is there already; nothing was written"), "{refused}");
        assert_eq!(fs::read_to_string(to.join("d")).unwrap(), "mine");
        let file = bench.dir.path().join("file");
        fs::write(&file, "mine").unwrap();
        assert!(write(&bench.repo, root, &file).is_err());
        let link = bench.dir.path().join("to");
        std::os::unix::fs::symlink("nowhere", &link).unwrap();
        assert!(write(&bench.repo, root, &link).is_err(), "nor through a link");
    }

    #[test]
    fn nothing_of_a_hostile_tree_leads_out_of_the_folder() {
        let bench = Bench::new();
        let (blob, target) = (bench.blob("x"), bench.blob(".."));
        let inner = bench.raw(&[(0o100_644, b"x", blob)]);
        let root = bench.raw(&[
            (0o040_000, b"..", inner),
            (0o040_000, b".git", inner),
            (0o100_644, b"a", blob),
            (0o120_000, b"up", target),
        ]);
        let to = bench.dir.path().join("out");
        let written = write(&bench.repo, root, &to).unwrap();
        assert_eq!(written, Written { files: 2, left_out: vec!["\\x2e.".into(), "\\x2egit".into()] });
        assert!(!to.join(".git").exists() && !bench.dir.path().join("x").exists());
        // One name twice: a link, and then files that would go through it.
        let twice = bench.raw(&[(0o120_000, b"up", target), (0o040_000, b"up", inner)]);
        assert!(write(&bench.repo, twice, &bench.dir.path().join("twice")).is_err());
        assert!(!bench.dir.path().join("x").exists());
    }
}
